// SPDX-License-Identifier: MIT
/* honest.c: what the attack must not disturb: flows of 50 KB a second each way that compare every byte, and new
 * connections. And the victim's own application, which does what applications do: it serves whoever is accepted.
 *
 * Owns:       endpoints of both hosts, what was read and not written back yet.
 * Not here:   packets, time (bench.c). */
#include "honest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HONEST_FLOWS = 4, HONEST_BYTES_PER_MS = 50, HONEST_PATIENCE_S = 4 };

struct served {
    struct tcpip_endpoint *endpoint;
    struct served *next, *prev;
    uint16_t port;
    uint32_t bytes, at; /* read, and written back of it */
    uint8_t buffer[2048];
};

static struct served *served_all; /* of the one world that there is at a time */
static uint8_t honest_stream[1 << 14];

static void honest_must(enum tcpip_error error, const char *what)
{
    if (error == TCPIP_OK || error == TCPIP_ERR_CONNECT_STARTED)
        return;
    fprintf(stderr, "adversary: %s: %s\n", what, tcpip_error_text(error));
    exit(1);
}

static struct tcpip_full_address honest_at(struct bench *bench, uint16_t port)
{
    struct tcpip_full_address out = {.port = port};
    out.address = bench->options.v6 ? tcpip_address_v6(ip6(1).b) : tcpip_address_v4(10, 0, 0, 1);
    return out;
}

/* ---- the victim's application ---- */

static struct tcpip_endpoint *honest_listen(struct bench *bench, uint16_t port)
{
    struct tcpip_endpoint *endpoint;
    struct tcpip_full_address any = {.port = port};
    struct tcpip_stack *stack = bench->victim.stack;
    honest_must(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV6, &endpoint), "endpoint");
    honest_must(tcpip_endpoint_bind(endpoint, &any, NULL, NULL), "bind");
    honest_must(tcpip_endpoint_listen(endpoint, 128), "listen");
    tcpip_endpoint_watch(endpoint, TCPIP_EVENT_IN);
    return endpoint;
}

static void served_close(struct bench *bench, struct served *served)
{
    *(served->prev != NULL ? &served->prev->next : &served_all) = served->next;
    if (served->next != NULL)
        served->next->prev = served->prev;
    tcpip_endpoint_close(served->endpoint);
    bench->served--;
    free(served);
}

void bench_close_served(struct bench *bench)
{
    struct tcpip_full_address remote;
    for (struct served *served = served_all, *next; served != NULL; served = next) {
        next = served->next;
        if (tcpip_endpoint_remote_address(served->endpoint, &remote) == TCPIP_OK &&
            remote.address.bytes[remote.address.len == 4 ? 0 : 12] == 10)
            continue;
        served_close(bench, served);
    }
}

static void honest_accept(struct bench *bench, struct tcpip_endpoint *listener)
{
    struct tcpip_endpoint *endpoint;
    struct tcpip_full_address local;
    while (tcpip_endpoint_accept(listener, &endpoint, NULL) == TCPIP_OK) {
        struct served *served = calloc(1, sizeof(*served));
        if (served == NULL)
            abort();
        tcpip_endpoint_local_address(endpoint, &local);
        served->endpoint = endpoint;
        served->port = local.port;
        served->next = served_all;
        if (served_all != NULL)
            served_all->prev = served;
        served_all = served;
        bench->served++;
        tcpip_endpoint_set_context(endpoint, served);
        tcpip_endpoint_watch(endpoint, TCPIP_EVENT_IN | TCPIP_EVENT_OUT);
    }
}

static enum tcpip_error served_echo(struct served *served)
{
    for (;;) {
        size_t done = 0;
        enum tcpip_error error;
        if (served->at == served->bytes) {
            error = tcpip_endpoint_read(served->endpoint, served->buffer, sizeof(served->buffer), &done, NULL);
            if (error != TCPIP_OK)
                return error;
            served->bytes = (uint32_t)done;
            served->at = 0;
        }
        error = tcpip_endpoint_write(served->endpoint, served->buffer + served->at, served->bytes - served->at, 0, NULL,
                                     &done);
        if (error != TCPIP_OK)
            return error;
        served->at += (uint32_t)done;
    }
}

static enum tcpip_error served_stream(struct served *served)
{
    size_t done;
    enum tcpip_error error;
    do
        error = tcpip_endpoint_write(served->endpoint, honest_stream, sizeof(honest_stream), 0, NULL, &done);
    while (error == TCPIP_OK);
    return error;
}

bool honest_serve(struct bench *bench)
{
    struct tcpip_ready ready[32];
    uint32_t n = tcpip_stack_ready(bench->victim.stack, ready, 32);
    for (uint32_t i = 0; i < n; i++) {
        struct served *served = tcpip_endpoint_context(ready[i].endpoint);
        if (ready[i].endpoint == bench->udp) {
            size_t done;
            while (tcpip_endpoint_read(bench->udp, honest_stream, sizeof(honest_stream), &done, NULL) == TCPIP_OK)
                ;
        } else if (served == NULL) {
            honest_accept(bench, ready[i].endpoint);
        } else {
            enum tcpip_error error = served->port == ECHO_PORT     ? served_echo(served)
                                     : served->port == STREAM_PORT ? served_stream(served)
                                                                   : TCPIP_ERR_WOULD_BLOCK;
            if (error != TCPIP_ERR_WOULD_BLOCK)
                served_close(bench, served);
        }
    }
    return n > 0;
}

/* ---- honest clients ---- */

static struct tcpip_endpoint *honest_call(struct bench *bench)
{
    struct tcpip_endpoint *endpoint;
    struct tcpip_full_address to = honest_at(bench, ECHO_PORT);
    uint32_t network = bench->options.v6 ? TCPIP_PROTOCOL_IPV6 : TCPIP_PROTOCOL_IPV4;
    honest_must(tcpip_stack_new_endpoint(bench->clients.stack, TCPIP_PROTOCOL_TCP, network, &endpoint), "endpoint");
    honest_must(tcpip_endpoint_connect(endpoint, &to), "connect");
    return endpoint;
}

static void flow_tick(struct bench *bench, struct bench_flow *flow)
{
    uint8_t bytes[4096], due[4096];
    size_t done;
    enum tcpip_error error;
    if (bench->flowing)
        flow->wanted += HONEST_BYTES_PER_MS;
    while (flow->sent < flow->wanted && !flow->failed) {
        size_t size = (size_t)(flow->wanted - flow->sent);
        size = size < sizeof(bytes) ? size : sizeof(bytes);
        bench_pattern(bytes, size, flow->sent);
        error = tcpip_endpoint_write(flow->client, bytes, size, 0, NULL, &done);
        flow->failed = error != TCPIP_OK && error != TCPIP_ERR_WOULD_BLOCK;
        if (error != TCPIP_OK)
            break;
        flow->sent += done;
    }
    while ((error = tcpip_endpoint_read(flow->client, bytes, sizeof(bytes), &done, NULL)) == TCPIP_OK) {
        bench_pattern(due, done, flow->echoed);
        if (memcmp(bytes, due, done) != 0)
            bench_fail(bench, "an honest flow's bytes are wrong at %llu", (unsigned long long)flow->echoed);
        flow->echoed += done;
    }
    flow->failed = flow->failed || error != TCPIP_ERR_WOULD_BLOCK;
}

static void connect_judge(struct bench *bench, struct bench_connect *attempt)
{
    tcpip_ns took = bench->now - attempt->began_at;
    uint32_t events = tcpip_endpoint_readiness(attempt->endpoint, TCPIP_EVENT_OUT);
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    bool known = tcpip_endpoint_tcp_info(attempt->endpoint, &info) == TCPIP_OK;
    bool good = known && info.state == TCPIP_TCP_ESTABLISHED;
    if (!good && (events & TCPIP_EVENT_HUP) == 0 && took < HONEST_PATIENCE_S * TCPIP_SECOND)
        return;
    bench->connects_good += good;
    bench->connects_bad += !good;
    bench->connects_late += good && took > TCPIP_SECOND;
    tcpip_endpoint_close(attempt->endpoint);
    attempt->endpoint = NULL;
}

void bench_connect_every(struct bench *bench, tcpip_ns interval)
{
    bench->connect_every_ns = interval;
    bench->connect_at = bench->now;
}

void honest_tick(struct bench *bench)
{
    for (uint32_t i = 0; i < bench->flow_count; i++)
        flow_tick(bench, &bench->flows[i]);
    for (size_t i = 0; i < sizeof(bench->connects) / sizeof(bench->connects[0]); i++) {
        struct bench_connect *attempt = &bench->connects[i];
        if (attempt->endpoint != NULL) {
            connect_judge(bench, attempt);
        } else if (bench->connect_every_ns != 0 && bench->now >= bench->connect_at) {
            bench->connect_at += bench->connect_every_ns;
            *attempt = (struct bench_connect){honest_call(bench), bench->now};
            bench->connects_begun++;
        }
    }
}

void honest_sniff(struct bench *bench, const uint8_t *bytes, size_t size)
{
    struct seen seen;
    size_t frame = bench->options.ethernet ? 14 : 0;
    struct tcpip_full_address local = {.port = 0};
    if (bench->flow_count > 0 && bench->flows[0].client != NULL)
        tcpip_endpoint_local_address(bench->flows[0].client, &local);
    if (craft_read(bytes + frame, size - frame, &seen) && seen.protocol == TCPIP_PROTOCOL_TCP &&
        seen.source == local.port)
        bench->sniffed = seen;
}

void honest_begin(struct bench *bench)
{
    static const uint16_t ports[] = {ECHO_PORT, STREAM_PORT, DEAF_PORT};
    struct tcpip_full_address any = {.port = UDP_PORT};
    for (int i = 0; i < 3; i++)
        bench->listeners[i] = honest_listen(bench, ports[i]);
    honest_must(tcpip_stack_new_endpoint(bench->victim.stack, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV6, &bench->udp),
                "UDP");
    honest_must(tcpip_endpoint_bind(bench->udp, &any, NULL, NULL), "UDP");
    tcpip_endpoint_watch(bench->udp, TCPIP_EVENT_IN);
    bench->flow_count = bench->options.idle ? 0 : HONEST_FLOWS;
    for (uint32_t i = 0; i < bench->flow_count; i++)
        bench->flows[i].client = honest_call(bench);
    bench->flowing = bench->flow_count > 0;
}

void honest_finish(struct bench *bench)
{
    bool peak_counts = bench->memory_peak != 0;
    uint64_t peak = bench->memory_peak;
    bench->flowing = false;
    bench_run(bench, 0);
    for (int i = 0; i < 10; i++) { /* without flows nobody ticks: what is under way is still read */
        bench->tick_at = bench->now;
        bench_run(bench, TCPIP_SECOND / 2);
    }
    if (peak_counts)
        bench->memory_peak = peak; /* what honest hosts do afterwards isn't the attack's */
    for (uint32_t i = 0; i < bench->flow_count; i++) {
        struct bench_flow *flow = &bench->flows[i];
        if (flow->failed || flow->echoed != flow->wanted)
            bench_fail(bench, "honest flow %u: %llu of %llu bytes came back%s", (unsigned)i,
                       (unsigned long long)flow->echoed, (unsigned long long)flow->wanted,
                       flow->failed ? ", and it ended" : "");
        tcpip_endpoint_close(flow->client);
    }
    for (size_t i = 0; i < sizeof(bench->connects) / sizeof(bench->connects[0]); i++)
        if (bench->connects[i].endpoint != NULL)
            tcpip_endpoint_close(bench->connects[i].endpoint);
    while (served_all != NULL)
        served_close(bench, served_all);
    for (int i = 0; i < 3; i++)
        tcpip_endpoint_close(bench->listeners[i]);
    tcpip_endpoint_close(bench->udp);
}
