// SPDX-License-Identifier: MIT
/* connections.c: p4, p5 and p6: many small exchanges, many connections, and what a connection weighs.
 *
 * All within one stack over its loopback NIC: each figure is for both ends together unless it says otherwise.
 *
 * Not here: bulk (bulk.c). */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGE = 64 };

struct server {
    struct bench_env env;
    struct tcpip_link *link;
    struct tcpip_stack *stack;
    struct tcpip_endpoint *listener;
    struct tcpip_full_address address;
};

static void server_init(struct server *server)
{
    server->stack = bench_loopback_stack(&server->env, &server->link, 0);
    server->address = (struct tcpip_full_address){.address = tcpip_address_v4(127, 0, 0, 1), .port = 80};
    bench_must(tcpip_stack_new_endpoint(server->stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &server->listener),
               "endpoint");
    bench_must(tcpip_endpoint_bind(server->listener, &server->address, NULL, NULL), "bind");
    bench_must(tcpip_endpoint_listen(server->listener, 1024), "listen");
}

static void server_fini(struct server *server)
{
    tcpip_stack_free(server->stack);
    tcpip_loopback_free(server->link);
}

static void server_connect(struct server *server, struct tcpip_endpoint **client, struct tcpip_endpoint **accepted)
{
    bench_must(tcpip_stack_new_endpoint(server->stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, client), "endpoint");
    enum tcpip_error error = tcpip_endpoint_connect(*client, &server->address);
    bench_must(error == TCPIP_ERR_CONNECT_STARTED ? TCPIP_OK : error, "connect");
    bench_must(tcpip_endpoint_accept(server->listener, accepted, NULL), "accept");
}

static void exchange(struct tcpip_endpoint *client, struct tcpip_endpoint *server)
{
    uint8_t message[MESSAGE] = {1};
    size_t done;
    bench_must(tcpip_endpoint_write(client, message, MESSAGE, 0, NULL, &done), "request");
    bench_must(tcpip_endpoint_read(server, message, MESSAGE, &done, NULL), "request");
    bench_must(tcpip_endpoint_write(server, message, MESSAGE, 0, NULL, &done), "answer");
    bench_must(tcpip_endpoint_read(client, message, MESSAGE, &done, NULL), "answer");
}

/* Connections from different source addresses, so that no 4-tuple runs out: 127.0.0.2 and on. */
static void idle_connections(struct server *server, uint32_t count, struct tcpip_endpoint **out)
{
    enum { PER_ADDRESS = 20000 };
    for (uint32_t i = 0; i < count; i++) {
        uint32_t host = 2 + i / PER_ADDRESS;
        struct tcpip_full_address from = {
            .address = tcpip_address_v4(127, 0, (uint8_t)(host >> 8), (uint8_t)host),
            .port = (uint16_t)(1024 + i % PER_ADDRESS),
        };
        struct tcpip_prefix prefix = {.address = from.address, .bits = 8};
        if (i % PER_ADDRESS == 0)
            bench_must(tcpip_stack_add_address(server->stack, 1, &prefix, NULL), "address");
        bench_must(tcpip_stack_new_endpoint(server->stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &out[2 * i]),
                   "endpoint");
        bench_must(tcpip_endpoint_bind(out[2 * i], &from, NULL, NULL), "bind");
        enum tcpip_error error = tcpip_endpoint_connect(out[2 * i], &server->address);
        bench_must(error == TCPIP_ERR_CONNECT_STARTED ? TCPIP_OK : error, "connect");
        bench_must(tcpip_endpoint_accept(server->listener, &out[2 * i + 1], NULL), "accept");
    }
}

static double rr_rate(struct server *server, const struct bench_options *options)
{
    struct tcpip_endpoint *client, *accepted;
    server_connect(server, &client, &accepted);
    for (int i = 0; i < 1000; i++)
        exchange(client, accepted);
    double began = bench_clock(), now;
    uint64_t count = 0;
    while ((now = bench_clock()) < began + options->seconds) {
        for (int i = 0; i < 1000; i++)
            exchange(client, accepted);
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
    struct server server;
    report->what = "64-byte request and answer within one stack, one connection; then the same among idle ones";
    server_init(&server);
    double alone = rr_rate(&server, options);
    struct tcpip_endpoint **idle = malloc(sizeof(struct tcpip_endpoint *) * 2 * count);
    bench_must(idle == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "array");
    idle_connections(&server, count, idle);
    double among = rr_rate(&server, options);
    bench_report_add(report, "alone", alone, "exchanges/s");
    bench_report_add(report, "idle connections beside", count, "");
    bench_report_add(report, "among them", among, "exchanges/s");
    bench_report_add(report, "among / alone", among / alone, "");
    free(idle);
    server_fini(&server);
}

static double crr_rate(const struct bench_options *options, tcpip_ns time_wait_ns)
{
    struct server server;
    server_init(&server);
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
            server_connect(&server, &client, &accepted);
            exchange(client, accepted);
            tcpip_endpoint_close(client);
            tcpip_endpoint_close(accepted);
        }
        count += 100;
        (void)tcpip_stack_advance(server.stack, 0);
    }
    server_fini(&server);
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
    struct server server;
    report->what = "memory: all that the environment gave, per established idle endpoint (demultiplexer and timers "
                   "included), and per TIME-WAIT record";
    server_init(&server);
    struct tcpip_endpoint **idle = malloc(sizeof(struct tcpip_endpoint *) * 2 * count);
    bench_must(idle == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "array");
    uint64_t before = server.env.bytes;
    double began = bench_clock();
    idle_connections(&server, count, idle);
    double took = bench_clock() - began;
    uint64_t after = server.env.bytes;
    bench_report_add(report, "connections, both ends here", count, "");
    bench_report_add(report, "per endpoint", (double)(after - before) / (2.0 * count), "bytes");
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
    server_fini(&server);
}
