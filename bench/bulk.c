// SPDX-License-Identifier: MIT
/* bulk.c: p1, p2 and p3: one connection, as many bytes as will go, both ends in this thread.
 *
 * p1 sends them as packets of 1,500 bytes from one stack to another: each end computes checksums, the wire copies once,
 * and the receiver merges in software what came in one batch.
 * p2 sends super-segments within one stack: what remains are the copies in and out and the protocol itself.
 * p3 is p2 without the copies: the writer hands its buffers over, the reader is lent them.
 *
 * The writer writes and the reader reads `chunk` bytes a call; the working set is what lies in the buffers, at most
 * the larger of the two buffer sizes, which each figure names.
 *
 * Not here: a wire that loses packets. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

struct bulk {
    struct tcpip_endpoint *from, *to;
    uint8_t *out, *in;
    size_t chunk;
    uint64_t read;
    bool lends;         /* p3 */
    uint64_t out_there; /* lent buffers that haven't come back */
};

static void bulk_came_back(void *ctx, struct tcpip_buffer *buffer)
{
    struct bulk *bulk = ctx;
    (void)buffer;
    bulk->out_there--;
}

/* A buffer around the same memory each time: who lends must not touch it until it comes back. */
static enum tcpip_error bulk_lend(struct bulk *bulk)
{
    struct tcpip_buffer *buffer =
        tcpip_buffer_wrap(tcpip_endpoint_stack(bulk->from), bulk->out, bulk->chunk, bulk_came_back, bulk);
    if (buffer == NULL)
        return TCPIP_ERR_NO_MEMORY;
    bulk->out_there++;
    struct tcpip_view view = {.buffer = buffer, .offset = 0, .length = (uint32_t)bulk->chunk};
    enum tcpip_error error = tcpip_endpoint_write_view(bulk->from, &view, 0, NULL);
    tcpip_buffer_unref(buffer);
    return error;
}

/* Writes until the send buffer is full. */
static void bulk_write(struct bulk *bulk)
{
    size_t done = bulk->chunk;
    enum tcpip_error error;
    do
        error =
            bulk->lends ? bulk_lend(bulk) : tcpip_endpoint_write(bulk->from, bulk->out, bulk->chunk, 0, NULL, &done);
    while (error == TCPIP_OK && done == bulk->chunk);
    if (error != TCPIP_OK && error != TCPIP_ERR_WOULD_BLOCK)
        bench_must(error, "write");
}

/* What lies there, without a copy. */
static uint64_t bulk_borrow(struct bulk *bulk)
{
    struct tcpip_view views[32];
    size_t count = 32, done;
    uint64_t total = 0;
    while (tcpip_endpoint_read_views(bulk->to, views, &count, SIZE_MAX, &done, NULL) == TCPIP_OK) {
        for (size_t i = 0; i < count; i++)
            tcpip_buffer_unref(views[i].buffer);
        total += done;
        count = 32;
    }
    bulk->read += total;
    return total;
}

static uint64_t bulk_read(struct bulk *bulk)
{
    size_t done;
    uint64_t total = 0;
    if (bulk->lends)
        return bulk_borrow(bulk);
    while (tcpip_endpoint_read(bulk->to, bulk->in, bulk->chunk, &done, NULL) == TCPIP_OK)
        total += done;
    bulk->read += total;
    return total;
}

static void bulk_init(struct bulk *bulk, size_t chunk)
{
    memset(bulk, 0, sizeof(*bulk));
    bulk->chunk = chunk;
    bulk->out = malloc(chunk);
    bulk->in = malloc(chunk);
    bench_must(bulk->out == NULL || bulk->in == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "buffers");
    memset(bulk->out, 0x5a, chunk);
}

static void bulk_fini(struct bulk *bulk)
{
    tcpip_endpoint_close(bulk->from);
    tcpip_endpoint_close(bulk->to);
    free(bulk->out);
    free(bulk->in);
}

static struct tcpip_endpoint *bulk_listen(struct tcpip_stack *stack, const struct tcpip_full_address *address,
                                          uint32_t buffer)
{
    struct tcpip_endpoint *listener;
    bench_must(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener), "endpoint");
    bench_must(tcpip_endpoint_set_option(listener, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, buffer), "buffer");
    bench_must(tcpip_endpoint_bind(listener, address, NULL, NULL), "bind");
    bench_must(tcpip_endpoint_listen(listener, 16), "listen");
    return listener;
}

static struct tcpip_endpoint *bulk_connect(struct tcpip_stack *stack, const struct tcpip_full_address *address,
                                           uint32_t buffer)
{
    struct tcpip_endpoint *client;
    bench_must(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &client), "endpoint");
    bench_must(tcpip_endpoint_set_option(client, TCPIP_OPTION_SEND_BUFFER_SIZE, buffer), "buffer");
    enum tcpip_error error = tcpip_endpoint_connect(client, address);
    bench_must(error == TCPIP_ERR_CONNECT_STARTED ? TCPIP_OK : error, "connect");
    return client;
}

/* Gbit/s and CPU ns per full segment of 1,448 bytes, over pipe. */
static void bulk_pipe(const struct bench_options *options, uint32_t buffer, double *gbps, double *ns_per_segment)
{
    struct bench_pipe pipe;
    struct bulk bulk;
    struct tcpip_full_address to = {.address = tcpip_address_v4(10, 0, 0, 2), .port = 80};
    bench_pipe_init(&pipe, 1500, TCPIP_LINK_GRO, 0);
    bulk_init(&bulk, 16384);
    struct tcpip_endpoint *listener = bulk_listen(pipe.stacks[1], &to, buffer);
    bulk.from = bulk_connect(pipe.stacks[0], &to, buffer);
    bench_pipe_settle(&pipe);
    bench_must(tcpip_endpoint_accept(listener, &bulk.to, NULL), "accept");
    tcpip_endpoint_close(listener);
    double warm = bench_clock() + options->seconds * 0.2, end = warm + options->seconds, began = 0, cpu = 0, now;
    while ((now = bench_clock()) < end) {
        if (began == 0 && now >= warm) {
            began = now;
            cpu = bench_cpu();
            bulk.read = 0;
        }
        for (int i = 0; i < 32; i++) {
            bulk_write(&bulk);
            bench_pipe_settle(&pipe);
            if (bulk_read(&bulk) == 0) {
                (void)tcpip_stack_advance(pipe.stacks[0], 0);
                (void)tcpip_stack_advance(pipe.stacks[1], 0);
            }
        }
    }
    double took = bench_clock() - began;
    cpu = bench_cpu() - cpu;
    *gbps = (double)bulk.read * 8e-9 / took;
    *ns_per_segment = cpu * 1e9 / ((double)bulk.read / 1448);
    bulk_fini(&bulk);
    bench_pipe_fini(&pipe);
}

void bench_p1(const struct bench_options *options, struct bench_report *report)
{
    static const uint32_t buffers[] = {32768, 65536, 131072, 262144, 1048576};
    static const char *const names[] = {"32 KB buffers", "64 KB buffers", "128 KB buffers", "256 KB buffers",
                                        "1 MB buffers"};
    double best = 0, best_ns = 0;
    report->what = "bulk, MTU 1500, software checksums both ends, copying calls, one wire copy a packet, software GRO";
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) {
        double gbps, ns;
        bulk_pipe(options, buffers[i], &gbps, &ns);
        bench_report_add(report, names[i], gbps, "Gbit/s");
        if (gbps > best) {
            best = gbps;
            best_ns = ns;
        }
    }
    bench_report_add(report, "best", best, "Gbit/s");
    bench_report_add(report, "CPU per full segment, both ends, at the best", best_ns, "ns");
}

static double bulk_loopback(const struct bench_options *options, uint32_t buffer, size_t chunk, bool lends)
{
    struct bench_env env;
    struct tcpip_link *link;
    struct tcpip_stack *stack = bench_loopback_stack(&env, &link, 65535);
    struct bulk bulk;
    struct tcpip_full_address to = {.address = tcpip_address_v4(127, 0, 0, 1), .port = 80};
    bulk_init(&bulk, chunk);
    bulk.lends = lends;
    struct tcpip_endpoint *listener = bulk_listen(stack, &to, buffer);
    bulk.from = bulk_connect(stack, &to, buffer);
    bench_must(tcpip_endpoint_accept(listener, &bulk.to, NULL), "accept");
    tcpip_endpoint_close(listener);
    double warm = bench_clock() + options->seconds * 0.2, end = warm + options->seconds, began = 0, now;
    while ((now = bench_clock()) < end) {
        if (began == 0 && now >= warm) {
            began = now;
            bulk.read = 0;
        }
        for (int i = 0; i < 64; i++) {
            bulk_write(&bulk);
            if (bulk_read(&bulk) == 0)
                (void)tcpip_stack_advance(stack, 0);
        }
    }
    double gbps = (double)bulk.read * 8e-9 / (bench_clock() - began);
    bulk_fini(&bulk);
    tcpip_stack_free(stack);
    bench_must(bulk.out_there == 0 ? TCPIP_OK : TCPIP_ERR_INVALID_ARGUMENT, "lent buffers that never came back");
    tcpip_loopback_free(link);
    return gbps;
}

void bench_p2(const struct bench_options *options, struct bench_report *report)
{
    report->what = "bulk within one stack, 64 KB packets, nothing to checksum, copying calls";
    bench_report_add(report, "128 KB buffers, 64 KB calls", bulk_loopback(options, 131072, 65536, false), "Gbit/s");
    bench_report_add(report, "256 KB buffers, 64 KB calls", bulk_loopback(options, 262144, 65536, false), "Gbit/s");
    bench_report_add(report, "1 MB buffers, 64 KB calls", bulk_loopback(options, 1048576, 65536, false), "Gbit/s");
    bench_report_add(report, "4 MB buffers, 64 KB calls", bulk_loopback(options, 4194304, 65536, false), "Gbit/s");

    /* The ceiling: two copies of memory, in the same working set. */
    enum { CHUNK = 65536 };
    uint8_t *a = malloc(CHUNK), *b = malloc(CHUNK), *c = malloc(CHUNK);
    bench_must(a == NULL || b == NULL || c == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "buffers");
    memset(a, 1, CHUNK);
    uint64_t bytes = 0;
    double began = bench_clock(), now;
    while ((now = bench_clock()) < began + options->seconds / 2) {
        for (int i = 0; i < 100; i++) {
            memcpy(b, a, CHUNK);
            __asm__ volatile("" : : "r"(b) : "memory");
            memcpy(c, b, CHUNK);
            __asm__ volatile("" : : "r"(c) : "memory");
            bytes += CHUNK;
        }
    }
    bench_report_add(report, "two memcpys of 64 KB: the ceiling", (double)bytes * 8e-9 / (now - began), "Gbit/s");
    free(a);
    free(b);
    free(c);
}

void bench_p3(const struct bench_options *options, struct bench_report *report)
{
    report->what = "as p2 without copies: buffers handed over, and lent to the reader";
    double copied = bulk_loopback(options, 262144, 65536, false);
    double lent = bulk_loopback(options, 262144, 65536, true);
    bench_report_add(report, "p2, 256 KB buffers, 64 KB calls", copied, "Gbit/s");
    bench_report_add(report, "256 KB buffers, 64 KB calls", lent, "Gbit/s");
    bench_report_add(report, "1 MB buffers, 64 KB calls", bulk_loopback(options, 1048576, 65536, true), "Gbit/s");
    bench_report_add(report, "lent / copied", lent / copied, "");
}
