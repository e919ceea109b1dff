// SPDX-License-Identifier: MIT
/* watch.c: threads that share epoll instances and polls, while sockets come, are written to, and are closed.
 *
 * Owns: nothing.
 * Not here: hosts and threads' ends (main.c). */
#include "stress.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    WATCH_PAIRS = STRESS_THREADS / 2,
    WATCH_BYTES = 65536, /* per connection and round */
    WATCH_FLIGHTS = 64,  /* sockets that come and go, per thread and round */
};

/* ---- one instance, many threads ---- */

struct watch {
    struct host *host;
    int ep, over; /* `over`: an eventfd of the kernel's: all may go */
    int clients[WATCH_PAIRS], servers[WATCH_PAIRS];
    uint32_t rounds;
    atomic_uint ended;
    atomic_uint_fast64_t bytes;
};
struct watch_thread {
    struct watch *watch;
    pthread_t thread;
    int number;
};

static void watch_rearm(struct watch *watch, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.fd = fd};
    check(tcpip_epoll_ctl(watch->host->s, watch->ep, EPOLL_CTL_MOD, fd, &event) == 0);
}

/* Takes what there is; nobody else is told of this socket meanwhile. */
static void watch_drain(struct watch *watch, int fd)
{
    char room[4096];
    ssize_t n;
    while ((n = tcpip_recv(watch->host->s, fd, room, sizeof(room), MSG_DONTWAIT)) > 0)
        atomic_fetch_add(&watch->bytes, (uint64_t)n);
    if (n < 0) {
        check(errno == EAGAIN);
        watch_rearm(watch, fd);
        return;
    }
    check(tcpip_close(watch->host->s, fd) == 0);
    if (atomic_fetch_add(&watch->ended, 1) + 1 == WATCH_PAIRS)
        check(eventfd_write(watch->over, 1) == 0);
}

static void *watch_worker(void *argument)
{
    struct watch_thread *thread = argument;
    struct watch *watch = thread->watch;
    struct epoll_event events[3];
    for (;;) {
        int n = tcpip_epoll_wait(watch->host->s, watch->ep, events, 1 + thread->number % 3, -1);
        check(n > 0);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == -1)
                return NULL;
            watch_drain(watch, events[i].data.fd);
        }
    }
}

static void *watch_writer(void *argument)
{
    static const char data[4096];
    struct watch_thread *thread = argument;
    struct watch *watch = thread->watch;
    int fd = watch->clients[thread->number];
    for (uint32_t left = WATCH_BYTES * watch->rounds; left > 0;) {
        struct pollfd poll = {.fd = fd, .events = POLLOUT};
        ssize_t n = tcpip_send(watch->host->s, fd, data, left < sizeof(data) ? left : sizeof(data), MSG_DONTWAIT);
        if (n < 0)
            check(errno == EAGAIN && tcpip_poll(watch->host->s, &poll, 1, -1) == 1);
        else
            left -= (uint32_t)n;
    }
    check(tcpip_close(watch->host->s, fd) == 0);
    return NULL;
}

static void watch_begin(struct watch *watch, struct stress *stress)
{
    struct epoll_event over = {.events = EPOLLIN, .data.fd = -1};
    memset(watch, 0, sizeof(*watch));
    watch->host = &stress->host[0];
    watch->rounds = stress->rounds;
    watch->ep = tcpip_epoll_create1(watch->host->s, 0);
    watch->over = eventfd(0, EFD_CLOEXEC);
    check(watch->ep >= 0 && watch->over >= 0);
    check(tcpip_epoll_ctl(watch->host->s, watch->ep, EPOLL_CTL_ADD, watch->over, &over) == 0);
    for (int i = 0; i < WATCH_PAIRS; i++) {
        stress_connect(watch->host, watch->host, &watch->clients[i], &watch->servers[i]);
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.fd = watch->servers[i]};
        check(tcpip_epoll_ctl(watch->host->s, watch->ep, EPOLL_CTL_ADD, watch->servers[i], &event) == 0);
    }
}

void stress_epoll_shared(struct stress *stress)
{
    struct watch watch;
    struct watch_thread threads[2 * WATCH_PAIRS];
    watch_begin(&watch, stress);
    for (int i = 0; i < 2 * WATCH_PAIRS; i++) {
        threads[i].watch = &watch;
        threads[i].number = i % WATCH_PAIRS;
        check(pthread_create(&threads[i].thread, NULL, i < WATCH_PAIRS ? watch_worker : watch_writer, &threads[i]) ==
              0);
    }
    for (int i = 0; i < 2 * WATCH_PAIRS; i++)
        check(pthread_join(threads[i].thread, NULL) == 0);
    check(atomic_load(&watch.bytes) == (uint64_t)WATCH_PAIRS * WATCH_BYTES * watch.rounds);
    check(tcpip_close(watch.host->s, watch.ep) == 0);
    close(watch.over);
}

/* ---- sockets that are closed while others watch them ---- */

/* Adds a socket of its own to the shared instance, watches it together with the instance, and closes it, in different
 * orders. */
static void *watch_flights(void *argument)
{
    struct watch_thread *thread = argument;
    struct watch *watch = thread->watch;
    struct tcpip_sockets *s = watch->host->s;
    uint64_t state = (uint64_t)thread->number + 1;
    for (uint32_t i = 0; i < WATCH_FLIGHTS * watch->rounds; i++) {
        uint32_t dice = stress_random(&state);
        struct epoll_event event = {.events = EPOLLOUT | (dice & 1 ? EPOLLET : 0) | (dice & 2 ? EPOLLONESHOT : 0)};
        struct epoll_event events[8];
        int fd = tcpip_socket(s, AF_INET, SOCK_DGRAM, 0), copy = -1;
        check(fd >= 0);
        event.data.fd = fd;
        check(tcpip_epoll_ctl(s, watch->ep, EPOLL_CTL_ADD, fd, &event) == 0);
        if (dice & 4)
            check((copy = tcpip_dup(s, fd)) >= 0);
        struct pollfd polls[3] = {{fd, POLLOUT, 0}, {watch->ep, POLLIN, 0}, {copy, POLLOUT, 0}};
        check(tcpip_poll(s, polls, 3, dice & 8 ? -1 : 0) >= 0);
        check((polls[0].revents & POLLOUT) != 0);
        check(tcpip_epoll_wait(s, watch->ep, events, 1 + dice / 16 % 8, 0) >= 0);
        if (dice & 256)
            check(tcpip_epoll_ctl(s, watch->ep, EPOLL_CTL_DEL, fd, NULL) == 0);
        check(tcpip_close(s, fd) == 0);
        if (copy >= 0)
            check(tcpip_close(s, copy) == 0);
    }
    return NULL;
}

void stress_epoll_races(struct stress *stress)
{
    struct watch watch = {.host = &stress->host[0], .rounds = stress->rounds};
    struct watch_thread threads[STRESS_THREADS];
    struct epoll_event event;
    watch.ep = tcpip_epoll_create1(watch.host->s, 0);
    check(watch.ep >= 0);
    for (int i = 0; i < STRESS_THREADS; i++) {
        threads[i].watch = &watch;
        threads[i].number = i;
        check(pthread_create(&threads[i].thread, NULL, watch_flights, &threads[i]) == 0);
    }
    for (int i = 0; i < STRESS_THREADS; i++)
        check(pthread_join(threads[i].thread, NULL) == 0);
    check(tcpip_epoll_wait(watch.host->s, watch.ep, &event, 1, 0) == 0); /* all are gone */
    check(tcpip_close(watch.host->s, watch.ep) == 0);
}
