// SPDX-License-Identifier: MIT
/* connections.c: p4, p5 and p6: many small exchanges, many connections, and what a connection weighs.
 *
 * All within one stack over its loopback NIC: each figure is for both ends together unless it says otherwise.
 *
 * Not here: bulk (bulk.c). */
#include "bench.h"

#include <tcpip/forward.h>

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

static uint64_t stack_memory(struct tcpip_stack *stack)
{
    struct tcpip_stats stats;
    tcpip_stack_trim(stack);
    tcpip_stack_stats(stack, &stats);
    return stats.memory_bytes;
}

static enum tcpip_tcp_verdict decide_later(void *ctx, struct tcpip_tcp_forward_request *request)
{
    (void)ctx, (void)request;
    return TCPIP_TCP_FORWARD_DEFER;
}

/* Bytes of what a SYN leaves with a server, whose clients are another stack. Deferred: with a forwarder that hasn't
 * decided; else with a listener that waits for data. */
static double per_half_open(bool deferred)
{
    enum { COUNT = 50000, PORT_FIRST = 1024 };
    struct bench_pipe pipe;
    struct tcpip_endpoint *client, *listener;
    struct tcpip_full_address server = {.address = tcpip_address_v4(10, 0, 0, 2), .port = 80};
    struct tcpip_full_address from = {.address = tcpip_address_v4(10, 0, 0, 1)};
    struct tcpip_tcp_forwarder forwarder = {.size = sizeof(forwarder), .on_syn = decide_later, .max_in_flight = COUNT};
    bench_pipe_init(&pipe, 1500, 0, 0);
    struct tcpip_stack *stack = pipe.stacks[1];
    bench_must(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener), "endpoint");
    if (deferred) {
        bench_must(tcpip_tcp_set_forwarder(stack, &forwarder), "forwarder");
    } else {
        bench_must(tcpip_endpoint_bind(listener, &server, NULL, NULL), "bind");
        bench_must(tcpip_endpoint_set_option(listener, TCPIP_OPTION_DEFER_ACCEPT, 60 * TCPIP_SECOND), "option");
        bench_must(tcpip_endpoint_listen(listener, COUNT), "listen");
    }
    uint64_t before = stack_memory(stack);
    for (uint32_t i = 0; i < COUNT; i++) {
        from.port = (uint16_t)(PORT_FIRST + i);
        bench_must(tcpip_stack_new_endpoint(pipe.stacks[0], TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &client), "end");
        bench_must(tcpip_endpoint_bind(client, &from, NULL, NULL), "bind");
        enum tcpip_error error = tcpip_endpoint_connect(client, &server);
        bench_must(error == TCPIP_ERR_CONNECT_STARTED ? TCPIP_OK : error, "connect");
        while (tcpip_pipe_pump(pipe.ends[1], 64) + tcpip_pipe_pump(pipe.ends[0], 64) > 0)
            continue;
    }
    double bytes = (double)(stack_memory(stack) - before) / COUNT;
    bench_pipe_fini(&pipe);
    return bytes;
}

void bench_p6(const struct bench_options *options, struct bench_report *report)
{
    uint32_t count = options->connections != 0 ? options->connections : 100000;
    struct bench_server server;
    report->what = "memory: all that the environment gave, per established idle endpoint, per half-open connection "
                   "and per TIME-WAIT record (demultiplexer, ports and timers included)";
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
    bench_report_add(report, "per half-open connection", per_half_open(false), "bytes");
    bench_report_add(report, "per SYN that a forwarder defers", per_half_open(true), "bytes");
    bench_report_add(report, "TIME-WAIT records", (double)stats.tcp.time_wait_current, "");
    free(idle);
    bench_server_fini(&server);
}
