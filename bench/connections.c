// SPDX-License-Identifier: MIT
/* connections.c: p4, p5 and p6: many small exchanges, many connections, and what a connection weighs.
 *
 * All within one stack over its loopback NIC: each figure is for both ends together unless it says otherwise.
 *
 * Not here: bulk (bulk.c). */
#include "bench.h"

#include <stdlib.h>

/* Until connections that are silent from now on are at rest, and what they had is given back. */
static void rest(struct bench_server *server)
{
    enum { REST_SECONDS = 3 };
    for (double began = bench_clock(); bench_clock() < began + REST_SECONDS;)
        (void)tcpip_stack_advance(server->stack, 0);
    tcpip_stack_trim(server->stack);
}

static double rr_rate(struct bench_server *server, const struct bench_options *options)
{
    struct tcpip_endpoint *client, *accepted;
    bench_server_connect(server, &client, &accepted);
    for (int i = 0; i < 1000; i++)
        bench_exchange(client, accepted);
    double began = bench_clock(), now;
    uint64_t count = 0;
    while ((now = bench_clock()) < began + options->seconds) {
        for (int i = 0; i < 1000; i++)
            bench_exchange(client, accepted);
        count += 1000;
        (void)tcpip_stack_advance(server->stack, 0);
    }
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(accepted);
    return (double)count / (now - began);
}

void bench_p4(const struct bench_options *options, struct bench_report *report)
{
    uint32_t count = options->connections != 0 ? options->connections : 100000;
    struct bench_server server;
    report->what = "64-byte request and answer within one stack, one connection; then the same among idle ones";
    bench_server_init(&server);
    double alone = rr_rate(&server, options);
    struct tcpip_endpoint **idle = malloc(sizeof(struct tcpip_endpoint *) * 2 * count);
    bench_must(idle == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "array");
    bench_server_connections(&server, count, idle);
    double among = rr_rate(&server, options);
    bench_report_add(report, "alone", alone, "exchanges/s");
    bench_report_add(report, "idle connections beside", count, "");
    bench_report_add(report, "among them", among, "exchanges/s");
    bench_report_add(report, "among / alone", among / alone, "");
    free(idle);
    bench_server_fini(&server);
}

static double crr_rate(const struct bench_options *options, tcpip_ns time_wait_ns)
{
    struct bench_server server;
    bench_server_init(&server);
    bench_must(tcpip_stack_set_default(server.stack, TCPIP_OPTION_TIME_WAIT, time_wait_ns), "TIME-WAIT");
    bench_must(tcpip_stack_set_default(server.stack, TCPIP_OPTION_TIME_WAIT_REUSE, 1), "reuse");
    /* All ports are through in a quarter of a second; a timestamp that has moved is what makes it safe (RFC 6191). */
    bench_must(tcpip_stack_set_default(server.stack, TCPIP_OPTION_TIME_WAIT_REUSE_DELAY, 0), "reuse");
    bench_must(tcpip_stack_set_port_range(server.stack, 1024, 65535), "ports");
    double began = bench_clock(), now;
    uint64_t count = 0;
    while ((now = bench_clock()) < began + options->seconds) {
        for (int i = 0; i < 100; i++) {
            struct tcpip_endpoint *client, *accepted;
            bench_server_connect(&server, &client, &accepted);
            bench_exchange(client, accepted);
            tcpip_endpoint_close(client);
            tcpip_endpoint_close(accepted);
        }
        count += 100;
        (void)tcpip_stack_advance(server.stack, 0);
    }
    bench_server_fini(&server);
    return (double)count / (now - began);
}

void bench_p5(const struct bench_options *options, struct bench_report *report)
{
    report->what = "connect, 64-byte request and answer, close, within one stack";
    bench_report_add(report, "TIME-WAIT 1 ms", crr_rate(options, TCPIP_MS), "connections/s");
    bench_report_add(report, "TIME-WAIT 60 s", crr_rate(options, 60 * TCPIP_SECOND), "connections/s");
}

void bench_p6(const struct bench_options *options, struct bench_report *report)
{
    uint32_t count = options->connections != 0 ? options->connections : 100000;
    struct bench_server server;
    report->what = "memory: all that the environment gave, per established idle endpoint (demultiplexer and timers "
                   "included), and per TIME-WAIT record";
    bench_server_init(&server);
    struct tcpip_endpoint **idle = malloc(sizeof(struct tcpip_endpoint *) * 2 * count);
    bench_must(idle == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "array");
    uint64_t before = server.env.bytes;
    double began = bench_clock();
    bench_server_connections(&server, count, idle);
    double took = bench_clock() - began;
    uint64_t busy = server.env.bytes;
    for (uint32_t i = 0; i < count; i++)
        bench_exchange(idle[2 * i], idle[2 * i + 1]); /* what nobody has ever used weighs less */
    rest(&server);
    uint64_t after = server.env.bytes;
    bench_report_add(report, "connections, both ends here", count, "");
    bench_report_add(report, "per endpoint", (double)(after - before) / (2.0 * count), "bytes");
    bench_report_add(report, "per endpoint, as the last one was made", (double)(busy - before) / (2.0 * count),
                     "bytes");
    bench_report_add(report, "connections made", count / took, "1/s");
    for (uint32_t i = 0; i < count; i++) {
        tcpip_endpoint_close(idle[2 * i]);
        tcpip_endpoint_close(idle[2 * i + 1]);
    }
    struct tcpip_stats stats;
    tcpip_stack_trim(server.stack);
    tcpip_stack_stats(server.stack, &stats);
    if (stats.tcp.time_wait_current > 0)
        bench_report_add(report, "per TIME-WAIT record",
                         (double)(server.env.bytes - before) / (double)stats.tcp.time_wait_current, "bytes");
    bench_report_add(report, "TIME-WAIT records", (double)stats.tcp.time_wait_current, "");
    free(idle);
    bench_server_fini(&server);
}
