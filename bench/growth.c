// SPDX-License-Identifier: MIT
/* growth.c: p11: what an exchange, a turn, a timer and a route cost as their number grows.
 *
 * What doesn't depend on a number shows as a flat row, but for cache misses: a million connections fit no cache, so
 * that an exchange with each in turn fetches both ends from memory, while one connection among a million is at hand.
 *
 * Not here: the connections themselves (server.c). */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

/* The names of figures live as long as the program. */
static void add(struct bench_report *report, const char *format, uint32_t n, double ns)
{
    static char names[BENCH_FIGURES_MAX][80];
    char *name = names[report->count % BENCH_FIGURES_MAX];
    snprintf(name, sizeof(names[0]), format, n);
    bench_report_add(report, name, ns, "ns");
}

/* ---- connections ---- */

static double exchange_ns(struct bench_server *server, struct tcpip_endpoint **ends, uint32_t count, uint32_t stride,
                          double seconds)
{
    double began = bench_clock(), now;
    uint64_t done = 0;
    uint32_t at = 0;
    while ((now = bench_clock()) < began + seconds) {
        for (int i = 0; i < 500; i++) {
            bench_exchange(ends[2 * at], ends[2 * at + 1]);
            at = (uint32_t)(((uint64_t)at + stride) % count);
        }
        done += 500;
        (void)tcpip_stack_advance(server->stack, 0);
    }
    return (now - began) * 1e9 / (double)done;
}

/* Turns a millisecond apart. Those of the first seconds find timers of the exchanges before, which aren't measured. */
static double idle_turn_ns(struct bench_server *server)
{
    enum { BEFORE = 5000, TURNS = 1000 };
    double began = 0;
    for (int i = 0; i < BEFORE + TURNS; i++) {
        if (i == BEFORE)
            began = bench_clock();
        server->env.ahead_ns += TCPIP_MS;
        while (tcpip_stack_advance(server->stack, 0))
            ;
    }
    return (bench_clock() - began) * 1e9 / TURNS;
}

static void connections(const struct bench_options *options, struct bench_report *report, uint32_t most)
{
    /* Prime to every power of ten: all connections are met, neighbours in memory never one after the other. */
    enum { STRIDE = 7919 };
    struct tcpip_endpoint **ends = malloc(sizeof(struct tcpip_endpoint *) * 2 * most);
    bench_must(ends == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "array");
    for (uint32_t n = 10; n <= most; n *= 10) {
        struct bench_server server;
        bench_server_init(&server);
        bench_must(tcpip_stack_set_default(server.stack, TCPIP_OPTION_KEEPALIVE, 1), "keepalive");
        bench_server_connections(&server, n, ends);
        add(report, "exchange, one of %u", n, exchange_ns(&server, ends, n, 0, options->seconds));
        add(report, "exchange, each of %u in turn", n, exchange_ns(&server, ends, n, STRIDE, options->seconds));
        add(report, "turn with nothing due, %u connections with keepalive", n, idle_turn_ns(&server));
        bench_server_fini(&server);
    }
    free(ends);
}

/* ---- timers ---- */

/* Keepalive timers of `n` connections fall due at one instant, round after round: each sends a probe, which is
 * answered. */
static double due_ns(struct bench_server *server, double seconds)
{
    struct tcpip_stats stats;
    tcpip_stack_stats(server->stack, &stats);
    uint64_t before = stats.tcp.keepalives_sent;
    double began = bench_clock(), now;
    while ((now = bench_clock()) < began + seconds) {
        server->env.ahead_ns += 2 * TCPIP_SECOND;
        while (tcpip_stack_advance(server->stack, 0))
            ;
    }
    tcpip_stack_stats(server->stack, &stats);
    return (now - began) * 1e9 / (double)(stats.tcp.keepalives_sent - before);
}

static void timers(const struct bench_options *options, struct bench_report *report)
{
    enum { MOST = 10000 };
    struct tcpip_endpoint **ends = malloc(sizeof(struct tcpip_endpoint *) * 2 * MOST);
    bench_must(ends == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "array");
    for (uint32_t n = 1; n <= MOST; n *= 10) {
        struct bench_server server;
        bench_server_init(&server);
        bench_must(tcpip_stack_set_default(server.stack, TCPIP_OPTION_KEEPALIVE, 1), "keepalive");
        bench_must(tcpip_stack_set_default(server.stack, TCPIP_OPTION_KEEPALIVE_IDLE, TCPIP_SECOND), "keepalive");
        bench_server_connections(&server, n, ends);
        add(report, "a keepalive timer, those of %u connections due at once", n, due_ns(&server, options->seconds));
        bench_server_fini(&server);
    }
    free(ends);
}

/* ---- routes ---- */

static double lookup_ns(struct bench_server *server, uint32_t n, double seconds)
{
    double began = bench_clock(), now;
    uint64_t done = 0;
    uint32_t at = 0;
    while ((now = bench_clock()) < began + seconds) {
        for (int i = 0; i < 500; i++) {
            struct tcpip_found_route found;
            struct tcpip_address to = tcpip_address_v4(10, (uint8_t)(at >> 8), (uint8_t)at, 7);
            bench_must(tcpip_stack_find_route(server->stack, 0, NULL, &to, &found), "route");
            at = (at + 7919) % n;
        }
        done += 500;
    }
    return (now - began) * 1e9 / (double)done;
}

static void routes(const struct bench_options *options, struct bench_report *report)
{
    enum { MOST = 10000 };
    static const char *const names[] = {"a route among %u, first match", "a route among %u, longest prefix"};
    static struct tcpip_route_entry rows[MOST];
    for (uint32_t i = 0; i < MOST; i++)
        rows[i] = (struct tcpip_route_entry){
            .destination = {.address = tcpip_address_v4(10, (uint8_t)(i >> 8), (uint8_t)i, 0), .bits = 24}, .nic = 1};
    for (uint32_t n = 10; n <= MOST; n *= 10) {
        struct bench_server server;
        struct tcpip_prefix prefix = {.address = tcpip_address_v4(10, 255, 255, 1), .bits = 8};
        bench_server_init(&server);
        bench_must(tcpip_stack_add_address(server.stack, 1, &prefix, NULL), "address");
        for (int order = TCPIP_ROUTE_FIRST_MATCH; order <= TCPIP_ROUTE_LONGEST_PREFIX; order++) {
            bench_must(tcpip_stack_set_route_table(server.stack, rows, n, (enum tcpip_route_order)order), "routes");
            add(report, names[order], n, lookup_ns(&server, n, options->seconds));
        }
        bench_server_fini(&server);
    }
}

void bench_p11(const struct bench_options *options, struct bench_report *report)
{
    report->what = "what an exchange, a turn, a timer and a route cost as their number grows";
    connections(options, report, options->connections != 0 ? options->connections : 1000000);
    timers(options, report);
    routes(options, report);
}
