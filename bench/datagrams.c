// SPDX-License-Identifier: MIT
/* datagrams.c: p9: UDP from one stack to another, small and large, and what the wire between them carries by itself.
 *
 * The ceiling is the same pipe between the same two stacks' memory with nothing above it: a packet is taken from the
 * pool, filled, sent, copied over, and freed at the other end, in batches of the same size.
 *
 * Not here: the same over devices. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 32, HEADERS = 28, LARGEST = 1400 };

/* ---- UDP ---- */

static struct tcpip_endpoint *udp_endpoint(struct tcpip_stack *stack, const struct tcpip_full_address *own,
                                           const struct tcpip_full_address *peer)
{
    struct tcpip_endpoint *endpoint;
    bench_must(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV4, &endpoint), "endpoint");
    bench_must(tcpip_endpoint_bind(endpoint, own, NULL, NULL), "bind");
    bench_must(tcpip_endpoint_connect(endpoint, peer), "connect");
    return endpoint;
}

static uint64_t udp_batch(struct bench_pipe *pipe, struct tcpip_endpoint *from, struct tcpip_endpoint *to, size_t size)
{
    uint8_t message[LARGEST] = {0};
    size_t done;
    uint64_t count = 0;
    tcpip_stack_enter(pipe->stacks[0]);
    for (int i = 0; i < BATCH; i++)
        bench_must(tcpip_endpoint_write(from, message, size, 0, NULL, &done), "write");
    tcpip_stack_leave(pipe->stacks[0]);
    bench_pipe_settle(pipe);
    tcpip_stack_enter(pipe->stacks[1]);
    while (tcpip_endpoint_read(to, message, size, &done, NULL) == TCPIP_OK)
        count++;
    tcpip_stack_leave(pipe->stacks[1]);
    return count;
}

static double udp_rate(const struct bench_options *options, size_t size)
{
    struct bench_pipe pipe;
    struct tcpip_full_address a = {.address = tcpip_address_v4(10, 0, 0, 1), .port = 1000};
    struct tcpip_full_address b = {.address = tcpip_address_v4(10, 0, 0, 2), .port = 2000};
    bench_pipe_init(&pipe, 1500, 0, 0);
    struct tcpip_endpoint *from = udp_endpoint(pipe.stacks[0], &a, &b), *to = udp_endpoint(pipe.stacks[1], &b, &a);
    double began = bench_clock(), now;
    uint64_t count = 0, sent = 0;
    while ((now = bench_clock()) < began + options->seconds) {
        for (int i = 0; i < 16; i++)
            count += udp_batch(&pipe, from, to, size);
        sent += 16 * BATCH;
    }
    bench_must(count == sent ? TCPIP_OK : TCPIP_ERR_INVALID_ARGUMENT, "datagrams that were lost");
    tcpip_endpoint_close(from);
    tcpip_endpoint_close(to);
    bench_pipe_fini(&pipe);
    return (double)count / (now - began);
}

/* ---- the pipe alone ---- */

struct bare {
    struct bench_pipe pipe; /* its stacks have no NIC here: they are where packets come from */
    struct tcpip_link_upper upper;
    uint64_t count;
};

static void bare_deliver(struct tcpip_link_upper *upper, struct tcpip_packet_list *packets)
{
    struct bare *bare = TCPIP_CONTAINER_OF(upper, struct bare, upper);
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(packets)) != NULL; bare->count++)
        tcpip_packet_free(packet);
}

static void bare_ready(struct tcpip_link_upper *upper)
{
    (void)upper;
}

static void bare_state(struct tcpip_link_upper *upper, bool up, enum tcpip_error error)
{
    (void)upper;
    (void)up;
    (void)error;
}

static void bare_batch(struct bare *bare, size_t size)
{
    static const uint8_t bytes[HEADERS + LARGEST] = {0x45};
    struct tcpip_stack *stack = bare->pipe.stacks[0];
    struct tcpip_packet_list list = tcpip_packet_list_init();
    tcpip_stack_enter(stack);
    for (int i = 0; i < BATCH; i++) {
        struct tcpip_packet *packet = tcpip_packet_new(stack);
        bench_must(packet == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "packet");
        bench_must(tcpip_packet_append(packet, bytes, (uint32_t)(HEADERS + size)), "packet");
        tcpip_packet_list_push(&list, packet);
    }
    (void)bare->pipe.ends[0]->ops->transmit(bare->pipe.ends[0], &list);
    tcpip_stack_leave(stack);
    while (tcpip_pipe_pump(bare->pipe.ends[1], 64) > 0)
        ;
}

static double bare_rate(const struct bench_options *options, size_t size)
{
    struct bare bare = {.upper = {.deliver = bare_deliver, .tx_ready = bare_ready, .state = bare_state}};
    bench_pipe_init(&bare.pipe, 1500, 0, 0);
    for (int i = 0; i < 2; i++) {
        bench_must(tcpip_stack_remove_nic(bare.pipe.stacks[i], 1), "NIC");
        bench_must(bare.pipe.ends[i]->ops->attach(bare.pipe.ends[i], bare.pipe.stacks[i], &bare.upper), "attach");
    }
    double began = bench_clock(), now;
    while ((now = bench_clock()) < began + options->seconds)
        for (int i = 0; i < 16; i++)
            bare_batch(&bare, size);
    for (int i = 0; i < 2; i++)
        bare.pipe.ends[i]->ops->detach(bare.pipe.ends[i]);
    bench_pipe_fini(&bare.pipe);
    return (double)bare.count / (now - began);
}

void bench_p9(const struct bench_options *options, struct bench_report *report)
{
    static const struct {
        size_t bytes;
        const char *udp, *bare, *ratio;
    } rows[] = {
        {64, "64 B datagrams", "64 B packets, the pipe alone", "64 B: UDP / the pipe alone"},
        {1400, "1,400 B datagrams", "1,400 B packets, the pipe alone", "1,400 B: UDP / the pipe alone"},
    };
    report->what =
        "UDP from one stack to another, batches of 32, checksums in software; and the pipe between them alone";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double udp = udp_rate(options, rows[i].bytes), bare = bare_rate(options, rows[i].bytes);
        bench_report_add(report, rows[i].udp, udp, "datagrams/s");
        bench_report_add(report, rows[i].bare, bare, "packets/s");
        bench_report_add(report, rows[i].ratio, udp / bare, "");
    }
}
