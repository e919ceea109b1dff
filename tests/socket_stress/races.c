// SPDX-License-Identifier: MIT
/* races.c: calls that wait, and what other threads do to their sockets meanwhile.
 *
 * Closing the descriptor leaves the call under way alone; shutdown and the peer end it. */
#include "stress.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

struct racer {
    struct stress *stress;
    struct host *host;
    int fd;
    struct sockaddr_in to;
    ssize_t result;
    int number;
    uint64_t random;
    pthread_t thread;
};

enum { RACE_ROUNDS = 10 };

/* How a race ends, in turn. */
enum race_end { RACE_SHUTDOWN, RACE_CLOSE_THEN_PEER, RACE_PEER, RACE_ALL_AT_ONCE, RACE_ENDS };

static void race_begin(struct racer *racer, uint32_t count, void *(*fn)(void *racer), const struct racer *model)
{
    for (uint32_t i = 0; i < count; i++) {
        racer[i] = *model;
        racer[i].random = i + 1;
        check(pthread_create(&racer[i].thread, NULL, fn, &racer[i]) == 0);
    }
}

static void race_join(struct racer *racer, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        check(pthread_join(racer[i].thread, NULL) == 0);
}

/* ---- recv, send ---- */

static void *race_receive(void *argument)
{
    struct racer *racer = argument;
    char room[100];
    while ((racer->result = tcpip_recv(racer->host->s, racer->fd, room, sizeof(room), 0)) > 0) {
    }
    racer->number = errno;
    return NULL;
}

static void *race_send(void *argument)
{
    static const char data[50000];
    struct racer *racer = argument;
    while ((racer->result = tcpip_send(racer->host->s, racer->fd, data, sizeof(data), MSG_NOSIGNAL)) > 0) {
    }
    racer->number = errno;
    return NULL;
}

static void run_race(struct stress *stress, void *(*fn)(void *racer), enum race_end how)
{
    struct racer racer[STRESS_THREADS / 2];
    int near, far;
    bool once = how != RACE_ALL_AT_ONCE;
    struct racer model = {.stress = stress, .host = &stress->host[0]};
    stress_connect(&stress->host[0], &stress->host[1], &near, &far);
    model.fd = near;
    race_begin(racer, STRESS_THREADS / 2, fn, &model);
    if (once)
        stress_await_sleepers(&stress->host[0], STRESS_THREADS / 2);
    if (how == RACE_SHUTDOWN || !once)
        check(tcpip_shutdown(stress->host[0].s, near, SHUT_RDWR) == 0);
    if (how == RACE_CLOSE_THEN_PEER || !once)
        check(tcpip_close(stress->host[0].s, near) == 0);
    if (how != RACE_SHUTDOWN)
        check(tcpip_close(stress->host[1].s, far) == 0); /* FIN, or RST where data are unread */
    race_join(racer, STRESS_THREADS / 2);
    for (uint32_t i = 0; i < STRESS_THREADS / 2; i++) {
        int number = racer[i].number;
        check(racer[i].result == 0 ||
              (racer[i].result == -1 && (number == EPIPE || number == ECONNRESET || number == EBADF)));
        check(number != EBADF || racer[i].result == 0 || !once || how == RACE_CLOSE_THEN_PEER);
    }
    if (once && how != RACE_CLOSE_THEN_PEER)
        check(tcpip_close(stress->host[0].s, near) == 0);
    if (how == RACE_SHUTDOWN)
        check(tcpip_close(stress->host[1].s, far) == 0);
}

void stress_receive_races(struct stress *stress)
{
    for (uint32_t i = 0; i < RACE_ROUNDS * stress->rounds; i++)
        run_race(stress, race_receive, i % RACE_ENDS);
}

void stress_send_races(struct stress *stress)
{
    for (uint32_t i = 0; i < RACE_ROUNDS * stress->rounds; i++)
        run_race(stress, race_send, i % RACE_ENDS);
}

/* ---- accept ---- */

static void *race_accept(void *argument)
{
    struct racer *racer = argument;
    racer->number = 0;
    for (int fd; (fd = tcpip_accept(racer->host->s, racer->fd, NULL, NULL)) >= 0;) {
        racer->result++;
        check(tcpip_close(racer->host->s, fd) == 0);
    }
    racer->number = errno;
    return NULL;
}

static void *race_connect_many(void *argument)
{
    struct racer *racer = argument;
    for (uint32_t i = 0; i < 10; i++) {
        int fd = tcpip_socket(racer->host->s, AF_INET, SOCK_STREAM, 0);
        check(fd >= 0);
        if (tcpip_connect(racer->host->s, fd, (struct sockaddr *)&racer->to, sizeof(racer->to)) == 0)
            racer->result++;
        else
            check(errno == ECONNREFUSED || errno == ECONNRESET);
        check(tcpip_close(racer->host->s, fd) == 0);
    }
    return NULL;
}

void stress_accept_races(struct stress *stress)
{
    for (uint32_t i = 0; i < RACE_ROUNDS * stress->rounds / 2; i++) {
        struct racer acceptor[STRESS_THREADS / 2], connector[STRESS_THREADS / 2];
        struct racer model = {.stress = stress, .host = &stress->host[i % 2]};
        ssize_t accepted = 0, connected = 0;
        uint16_t port;
        model.fd = stress_listen(&stress->host[1], &port);
        model.to = stress_address(i % 2 == 1 ? INADDR_LOOPBACK : stress->host[1].address, port);
        race_begin(connector, STRESS_THREADS / 2, race_connect_many, &model);
        model.host = &stress->host[1];
        race_begin(acceptor, STRESS_THREADS / 2, race_accept, &model);
        race_join(connector, STRESS_THREADS / 2);
        check(tcpip_shutdown(stress->host[1].s, model.fd, SHUT_RD) == 0);
        race_join(acceptor, STRESS_THREADS / 2);
        for (uint32_t k = 0; k < STRESS_THREADS / 2; k++) {
            check(acceptor[k].number == EINVAL);
            accepted += acceptor[k].result;
            connected += connector[k].result;
        }
        check(accepted <= connected && connected == 10 * STRESS_THREADS / 2);
        check(tcpip_close(stress->host[1].s, model.fd) == 0);
    }
}

/* ---- connect, to an address where nobody is ---- */

static void *race_connect(void *argument)
{
    struct racer *racer = argument;
    racer->result = tcpip_connect(racer->host->s, racer->fd, (struct sockaddr *)&racer->to, sizeof(racer->to));
    racer->number = errno;
    return NULL;
}

void stress_connect_races(struct stress *stress)
{
    struct host *host = &stress->host[0];
    for (uint32_t i = 0; i < RACE_ROUNDS * stress->rounds / 2; i++) {
        struct racer racer[STRESS_THREADS];
        struct racer model = {.stress = stress, .host = host, .to = stress_address(0x0a0900fe, 9)};
        int other[STRESS_THREADS];
        for (uint32_t k = 0; k < STRESS_THREADS; k++) {
            model.fd = tcpip_socket(host->s, AF_INET, SOCK_STREAM, 0);
            other[k] = tcpip_dup(host->s, model.fd);
            check(model.fd >= 0 && other[k] >= 0);
            race_begin(&racer[k], 1, race_connect, &model);
        }
        stress_await_sleepers(host, STRESS_THREADS);
        for (uint32_t k = 0; k < STRESS_THREADS; k++) {
            check(tcpip_close(host->s, racer[k].fd) == 0); /* the call goes on */
            check(tcpip_shutdown(host->s, other[k], SHUT_RDWR) == 0);
            check(tcpip_close(host->s, other[k]) == 0);
        }
        race_join(racer, STRESS_THREADS);
        for (uint32_t k = 0; k < STRESS_THREADS; k++)
            check(racer[k].result == -1 && racer[k].number == ECONNRESET);
    }
}

/* ---- descriptors ---- */

/* Numbers of other threads are used, duplicated over and closed: any answer that says so is right. */
static void *race_descriptors(void *argument)
{
    struct racer *racer = argument;
    struct tcpip_sockets *s = racer->host->s;
    char room[8];
    int mine[4] = {-1, -1, -1, -1};
    for (uint32_t i = 0; i < 200 * racer->stress->rounds; i++) {
        int *slot = &mine[stress_random(&racer->random) % 4];
        int any = racer->fd + (int)(stress_random(&racer->random) % 64);
        switch (stress_random(&racer->random) % 6) {
        case 0:
            if (*slot < 0)
                *slot = tcpip_socket(s, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
            break;
        case 1:
            check(*slot < 0 || tcpip_close(s, *slot) == 0 || errno == EBADF);
            *slot = -1;
            break;
        case 2:
            check(tcpip_fcntl(s, any, F_GETFD) >= 0 || errno == EBADF);
            break;
        case 3:
            check(tcpip_recv(s, any, room, sizeof(room), MSG_DONTWAIT) >= 0 || errno == EAGAIN || errno == EBADF ||
                  errno == ENOTSOCK);
            break;
        case 4:
            if (*slot >= 0)
                check(tcpip_dup2(s, any, *slot) >= 0 || errno == EBADF || errno == EBUSY);
            break;
        default:
            check(tcpip_is_socket(s, any) || true);
            break;
        }
    }
    for (int i = 0; i < 4; i++)
        if (mine[i] >= 0)
            check(tcpip_close(s, mine[i]) == 0 || errno == EBADF);
    return NULL;
}

void stress_descriptors(struct stress *stress)
{
    struct racer racer[STRESS_THREADS];
    struct racer model = {.stress = stress, .host = &stress->host[0]};
    model.fd = tcpip_socket(model.host->s, AF_INET, SOCK_DGRAM, 0);
    check(model.fd >= 0);
    race_begin(racer, STRESS_THREADS, race_descriptors, &model);
    race_join(racer, STRESS_THREADS);
}
