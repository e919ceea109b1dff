// SPDX-License-Identifier: MIT
/* traffic.c: threads that move data: every byte is known to who receives it. */
#include "stress.h"

#include <errno.h>
#include <string.h>

enum { TRAFFIC_CHUNK = 20000 };

struct flow {
    struct stress *stress;
    struct host *host;
    int fd;
    uint32_t number, bytes;
    uint64_t random;
    pthread_t thread;
};

static uint8_t flow_byte(uint32_t number, uint64_t at)
{
    return (uint8_t)(at * 31 + (at >> 8) + number * 7);
}

/* ---- streams: one thread writes, its peer reads, compares, and says at the end how much it has seen ---- */

static void *flow_write(void *argument)
{
    struct flow *flow = argument;
    uint8_t data[TRAFFIC_CHUNK];
    uint32_t seen = 0;
    for (uint32_t at = 0; at < flow->bytes;) {
        uint32_t part = 1 + stress_random(&flow->random) % TRAFFIC_CHUNK;
        part = part < flow->bytes - at ? part : flow->bytes - at;
        for (uint32_t i = 0; i < part; i++)
            data[i] = flow_byte(flow->number, at + i);
        check(tcpip_send(flow->host->s, flow->fd, data, part, 0) == (ssize_t)part);
        at += part;
    }
    check(tcpip_shutdown(flow->host->s, flow->fd, SHUT_WR) == 0);
    check(tcpip_recv(flow->host->s, flow->fd, &seen, sizeof(seen), MSG_WAITALL) == sizeof(seen));
    check(seen == flow->bytes);
    check(tcpip_recv(flow->host->s, flow->fd, data, 1, 0) == 0);
    check(tcpip_close(flow->host->s, flow->fd) == 0);
    return NULL;
}

static void *flow_read(void *argument)
{
    struct flow *flow = argument;
    uint8_t data[TRAFFIC_CHUNK];
    uint32_t at = 0;
    for (;;) {
        uint32_t room = 1 + stress_random(&flow->random) % TRAFFIC_CHUNK;
        ssize_t got = tcpip_recv(flow->host->s, flow->fd, data, room, 0);
        check(got >= 0);
        if (got == 0)
            break;
        for (ssize_t i = 0; i < got; i++)
            check(data[i] == flow_byte(flow->number, at + (uint32_t)i));
        at += (uint32_t)got;
    }
    check(at == flow->bytes);
    check(tcpip_send(flow->host->s, flow->fd, &at, sizeof(at), 0) == sizeof(at));
    check(tcpip_close(flow->host->s, flow->fd) == 0);
    return NULL;
}

/* `from` NULL: over a socket pair of AF_UNIX. */
static void run_streams(struct stress *stress, struct host *from, struct host *to)
{
    struct flow flow[STRESS_THREADS];
    for (uint32_t i = 0; i < STRESS_THREADS; i += 2) {
        for (uint32_t k = 0; k < 2; k++)
            flow[i + k] = (struct flow){.stress = stress,
                                        .host = k == 0 && from != NULL ? from : to,
                                        .number = i,
                                        .bytes = 60000 * stress->rounds,
                                        .random = i + k + 1};
        int pair[2];
        if (from != NULL) {
            stress_connect(from, to, &flow[i].fd, &flow[i + 1].fd);
        } else {
            check(tcpip_socketpair(to->s, AF_UNIX, SOCK_STREAM, 0, pair) == 0);
            flow[i].fd = pair[0];
            flow[i + 1].fd = pair[1];
        }
        check(pthread_create(&flow[i].thread, NULL, flow_write, &flow[i]) == 0);
        check(pthread_create(&flow[i + 1].thread, NULL, flow_read, &flow[i + 1]) == 0);
    }
    for (uint32_t i = 0; i < STRESS_THREADS; i++)
        check(pthread_join(flow[i].thread, NULL) == 0);
}

void stress_streams_loopback(struct stress *stress)
{
    run_streams(stress, &stress->host[0], &stress->host[0]);
}

void stress_streams_wire(struct stress *stress)
{
    run_streams(stress, &stress->host[0], &stress->host[1]);
}

void stress_streams_unix(struct stress *stress)
{
    run_streams(stress, NULL, &stress->host[0]);
}

/* ---- datagrams: question and answer, so that none is lost for want of room ---- */

static void *flow_ask(void *argument)
{
    struct flow *flow = argument;
    for (uint32_t i = 0; i < 60 * flow->stress->rounds; i++) {
        uint32_t answer = 0;
        check(tcpip_send(flow->host->s, flow->fd, &i, sizeof(i), 0) == sizeof(i));
        check(tcpip_recv(flow->host->s, flow->fd, &answer, sizeof(answer), 0) == sizeof(answer));
        check(answer == i + 1);
    }
    check(tcpip_send(flow->host->s, flow->fd, "", 0, 0) == 0);
    check(tcpip_close(flow->host->s, flow->fd) == 0);
    return NULL;
}

static void *flow_answer(void *argument)
{
    struct flow *flow = argument;
    for (;;) {
        struct sockaddr_in from;
        socklen_t length = sizeof(from);
        uint32_t question = 0;
        ssize_t got =
            tcpip_recvfrom(flow->host->s, flow->fd, &question, sizeof(question), 0, (struct sockaddr *)&from, &length);
        if (got == 0)
            break;
        check(got == sizeof(question));
        question++;
        check(tcpip_sendto(flow->host->s, flow->fd, &question, sizeof(question), 0, (struct sockaddr *)&from, length) ==
              sizeof(question));
    }
    check(tcpip_close(flow->host->s, flow->fd) == 0);
    return NULL;
}

void stress_datagrams(struct stress *stress)
{
    struct flow flow[STRESS_THREADS];
    struct host *host = &stress->host[0];
    for (uint32_t i = 0; i < STRESS_THREADS; i += 2) {
        struct sockaddr_in address = stress_address(INADDR_LOOPBACK, (uint16_t)(7000 + i));
        for (uint32_t k = 0; k < 2; k++) {
            flow[i + k] = (struct flow){.stress = stress, .host = host, .number = i};
            flow[i + k].fd = tcpip_socket(host->s, AF_INET, SOCK_DGRAM, 0);
            check(flow[i + k].fd >= 0);
        }
        check(tcpip_bind(host->s, flow[i + 1].fd, (struct sockaddr *)&address, sizeof(address)) == 0);
        check(tcpip_connect(host->s, flow[i].fd, (struct sockaddr *)&address, sizeof(address)) == 0);
        check(pthread_create(&flow[i].thread, NULL, flow_ask, &flow[i]) == 0);
        check(pthread_create(&flow[i + 1].thread, NULL, flow_answer, &flow[i + 1]) == 0);
    }
    for (uint32_t i = 0; i < STRESS_THREADS; i++)
        check(pthread_join(flow[i].thread, NULL) == 0);
}

/* ---- one connection: eight threads write to it, eight read from it; the sum must be right ---- */

static void *share_write(void *argument)
{
    struct flow *flow = argument;
    uint8_t data[500];
    memset(data, 1, sizeof(data));
    for (uint32_t at = 0; at < flow->bytes; at += sizeof(data))
        check(tcpip_send(flow->host->s, flow->fd, data, sizeof(data), 0) == sizeof(data));
    return NULL;
}

static void *share_read(void *argument)
{
    struct flow *flow = argument;
    uint8_t data[700];
    for (ssize_t got; (got = tcpip_recv(flow->host->s, flow->fd, data, sizeof(data), 0)) > 0;) {
        for (ssize_t i = 0; i < got; i++)
            check(data[i] == 1);
        flow->bytes += (uint32_t)got;
    }
    return NULL;
}

void stress_one_connection(struct stress *stress)
{
    struct flow flow[STRESS_THREADS];
    int client, server;
    uint32_t bytes = 500 * 40 * stress->rounds, sum = 0;
    stress_connect(&stress->host[0], &stress->host[1], &client, &server);
    for (uint32_t i = 0; i < STRESS_THREADS; i++) {
        bool writer = i % 2 == 0;
        flow[i] = (struct flow){.stress = stress,
                                .host = &stress->host[writer ? 0 : 1],
                                .fd = writer ? client : server,
                                .bytes = writer ? bytes : 0};
        check(pthread_create(&flow[i].thread, NULL, writer ? share_write : share_read, &flow[i]) == 0);
    }
    for (uint32_t i = 0; i < STRESS_THREADS; i += 2)
        check(pthread_join(flow[i].thread, NULL) == 0);
    check(tcpip_shutdown(stress->host[0].s, client, SHUT_WR) == 0);
    for (uint32_t i = 1; i < STRESS_THREADS; i += 2) {
        check(pthread_join(flow[i].thread, NULL) == 0);
        sum += flow[i].bytes;
    }
    check(sum == bytes * (STRESS_THREADS / 2));
}
