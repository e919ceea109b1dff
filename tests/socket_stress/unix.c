// SPDX-License-Identifier: MIT
/* unix.c: AF_UNIX among threads: backlogs and queues that are full all the time, and sockets that travel from thread to
 * thread. */
#include "stress.h"

#include <stddef.h>
#include <string.h>
#include <sys/un.h>

struct unix_thread {
    struct stress *stress;
    struct host *host;
    int fd, next;
    uint32_t number;
    pthread_t thread;
};

static socklen_t unix_address(const char *name, struct sockaddr_un *out)
{
    memset(out, 0, sizeof(*out));
    out->sun_family = AF_UNIX;
    memcpy(out->sun_path + 1, name, strlen(name)); /* abstract */
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

static void unix_start(struct unix_thread *thread, struct stress *stress, uint32_t number, void *(*run)(void *))
{
    thread->stress = stress;
    thread->host = &stress->host[0];
    thread->number = number;
    check(pthread_create(&thread->thread, NULL, run, thread) == 0);
}

/* ---- a backlog of one, and everybody connects ---- */

static void *unix_connect_often(void *argument)
{
    struct unix_thread *thread = argument;
    struct tcpip_sockets *s = thread->host->s;
    struct sockaddr_un address;
    socklen_t length = unix_address("crowd", &address);
    for (uint32_t i = 0; i < 20 * thread->stress->rounds; i++) {
        uint32_t back = 0;
        int fd = tcpip_socket(s, AF_UNIX, i % 2 == 0 ? SOCK_STREAM : SOCK_SEQPACKET, 0);
        check(tcpip_connect(s, fd, (struct sockaddr *)&address, length) == 0);
        check(tcpip_send(s, fd, &i, sizeof(i), 0) == sizeof(i));
        check(tcpip_recv(s, fd, &back, sizeof(back), 0) == sizeof(back));
        check(back == i);
        check(tcpip_close(s, fd) == 0);
    }
    return NULL;
}

static void *unix_accept_all(void *argument)
{
    struct unix_thread *thread = argument;
    struct tcpip_sockets *s = thread->host->s;
    for (uint32_t i = 0; i < (STRESS_THREADS - 2) * 10 * thread->stress->rounds; i++) {
        uint32_t got = 0;
        int fd = tcpip_accept(s, thread->fd, NULL, NULL);
        check(fd >= 0);
        check(tcpip_recv(s, fd, &got, sizeof(got), 0) == sizeof(got));
        check(tcpip_send(s, fd, &got, sizeof(got), 0) == sizeof(got));
        check(tcpip_close(s, fd) == 0);
    }
    check(tcpip_close(s, thread->fd) == 0);
    return NULL;
}

void stress_unix_crowd(struct stress *stress)
{
    struct unix_thread threads[STRESS_THREADS];
    struct sockaddr_un address;
    socklen_t length = unix_address("crowd", &address);
    for (uint32_t i = 0; i < STRESS_THREADS; i++) {
        if (i < 2) {
            struct tcpip_sockets *s = stress->host[0].s;
            threads[i].fd = tcpip_socket(s, AF_UNIX, i == 0 ? SOCK_STREAM : SOCK_SEQPACKET, 0);
            check(tcpip_bind(s, threads[i].fd, (struct sockaddr *)&address, length) == 0);
            check(tcpip_listen(s, threads[i].fd, 0) == 0);
        }
        unix_start(&threads[i], stress, i, i < 2 ? unix_accept_all : unix_connect_often);
    }
    for (uint32_t i = 0; i < STRESS_THREADS; i++)
        check(pthread_join(threads[i].thread, NULL) == 0);
}

/* ---- a ring: who gets a socket writes into it and passes it on; all at the same time ---- */

static void unix_pass(struct tcpip_sockets *s, int fd, int what)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec iov = {(void *)(uintptr_t) "x", 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &what, sizeof(what));
    check(tcpip_sendmsg(s, fd, &message, 0) == 1);
    check(tcpip_close(s, what) == 0);
}

static int unix_take(struct tcpip_sockets *s, int fd)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))] = {0};
    char byte;
    int what = -1;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    check(tcpip_recvmsg(s, fd, &message, 0) == 1);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    check(header != NULL && header->cmsg_type == SCM_RIGHTS);
    memcpy(&what, CMSG_DATA(header), sizeof(what));
    return what;
}

/* Each begins with a socket of its own; after so many steps all are where they began. */
static void *unix_ring(void *argument)
{
    struct unix_thread *thread = argument;
    struct tcpip_sockets *s = thread->host->s;
    uint32_t steps = STRESS_THREADS * thread->stress->rounds;
    int pair[2];
    uint8_t seen[256];
    check(tcpip_socketpair(s, AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    unix_pass(s, thread->next, pair[1]);
    for (uint32_t i = 0; i < steps; i++) {
        int what = unix_take(s, thread->fd);
        uint8_t stamp = (uint8_t)thread->number;
        check(tcpip_send(s, what, &stamp, 1, 0) == 1);
        if (i + 1 < steps)
            unix_pass(s, thread->next, what);
        else
            check(tcpip_close(s, what) == 0);
    }
    for (uint32_t i = 0; i < steps; i++) {
        check(tcpip_recv(s, pair[0], &seen[i % 256], 1, 0) == 1);
        check(seen[i % 256] == (thread->number + 1 + i) % STRESS_THREADS);
    }
    check(tcpip_recv(s, pair[0], seen, 1, 0) == 0); /* nobody has it any more */
    check(tcpip_close(s, pair[0]) == 0);
    return NULL;
}

void stress_unix_ring(struct stress *stress)
{
    struct unix_thread threads[STRESS_THREADS];
    struct tcpip_sockets *s = stress->host[0].s;
    int ends[STRESS_THREADS][2];
    for (uint32_t i = 0; i < STRESS_THREADS; i++)
        check(tcpip_socketpair(s, AF_UNIX, SOCK_DGRAM, 0, ends[i]) == 0);
    for (uint32_t i = 0; i < STRESS_THREADS; i++) {
        threads[i].next = ends[i][0];
        threads[i].fd = ends[(i + STRESS_THREADS - 1) % STRESS_THREADS][1];
        unix_start(&threads[i], stress, i, unix_ring);
    }
    for (uint32_t i = 0; i < STRESS_THREADS; i++)
        check(pthread_join(threads[i].thread, NULL) == 0);
    for (uint32_t i = 0; i < STRESS_THREADS; i++)
        check(tcpip_close(s, ends[i][0]) == 0 && tcpip_close(s, ends[i][1]) == 0);
}
