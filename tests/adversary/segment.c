// SPDX-License-Identifier: MIT
/* segment.c: a peer with a real connection, whose segments are made to cost: too small, too many holes, acknowledgments
 * of what wasn't sent or of every byte apart.
 *
 * What must hold: the connection's memory stays within its buffers and its limits of records, a segment costs a bounded
 * number of instructions whatever came before it, and at most one segment leaves for one that opened no window.
 *
 * Not here: many connections that do nothing (hoard.c). */
#include "puppet.h"

#include "stack/stack.h"

#include <string.h>

static struct puppets segment_puppets;

static struct puppet *segment_begin(struct bench *bench, uint16_t port, uint16_t window,
                                    const struct tcpip_tcp_options *options)
{
    memset(&segment_puppets, 0, sizeof(segment_puppets));
    puppets_begin(bench, &segment_puppets, 1, &(struct bench_options){0});
    puppet_call(bench, &segment_puppets.all[0], port, window, options);
    bench_run(bench, 100 * TCPIP_MS);
    EXPECT(bench, segment_puppets.all[0].open);
    return &segment_puppets.all[0];
}

static void segment_end(struct bench *bench, uint64_t memory_bound)
{
    bench->memory_bound = memory_bound;
    puppets_end(bench, &segment_puppets);
}

static const struct tcpip_tcp_options segment_sack = {.present = TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_SACK_PERMITTED |
                                                                 TCPIP_TCP_HAS_WINDOW_SCALE,
                                                      .mss = 1460,
                                                      .window_scale = 7};

/* ---- what the victim sends ---- */

/* An MSS of 1: every byte with 40 of headers, says the peer. MIN_SEGMENT says otherwise. */
static void segment_mss(struct bench *bench)
{
    static const struct tcpip_tcp_options one = {.present = TCPIP_TCP_HAS_MSS, .mss = 1};
    struct puppet *puppet = segment_begin(bench, STREAM_PORT, 65535, &one);
    for (uint32_t i = 0; i < bench_amount(bench, 1000, 20000); i++) {
        bench_run(bench, TCPIP_MS);
        puppet_ack(bench, puppet);
    }
    EXPECT(bench, puppet->bytes / puppet->segments >= 47); /* on the average: a write's last segment may be shorter */
    segment_end(bench, 8 << 20);
}

/* The window opens byte by byte (RFC 9293 3.8.6.2): nothing leaves but probes, until it is worth a segment. */
static void segment_window(struct bench *bench)
{
    struct puppet *puppet = segment_begin(bench, STREAM_PORT, 8000, NULL);
    puppet->window = 0;
    puppet_ack(bench, puppet);
    uint32_t amount = bench_amount(bench, 10000, 100000);
    uint64_t before = bench->out_packets;
    for (uint32_t i = 0; i < amount; i++) {
        if (i % 100 == 0)
            bench_run(bench, 10 * TCPIP_MS);
        puppet->window = (uint16_t)(1 + i % 400);
        puppet_ack(bench, puppet);
    }
    EXPECT(bench, bench->scale == BENCH_COUNT || bench->out_packets - before < amount / 20);
    segment_end(bench, 8 << 20);
}

/* Each acknowledgment covers one byte more: the window grows by bytes, not by acknowledgments (RFC 3465). */
static void segment_division(struct bench *bench)
{
    struct puppet *puppet = segment_begin(bench, STREAM_PORT, 65535, NULL);
    uint32_t flight = puppet->heard - puppet->ack;
    uint64_t before = puppet->bytes;
    for (uint32_t i = 0; i < 1460; i++) {
        puppet->ack++;
        puppet_send(bench, puppet, TCPIP_TCP_ACK, puppet->seq, 0);
    }
    bench_run(bench, TCPIP_MS);
    EXPECT(bench, flight >= 4 * 1460 && puppet->bytes - before <= 3 * 1460);
    segment_end(bench, 8 << 20);
}

/* Acknowledgments of what was never sent (RFC 5961 5), and of all that was, before it can have come. */
static void segment_optimist(struct bench *bench)
{
    struct puppet *puppet = segment_begin(bench, STREAM_PORT, 65535, NULL);
    uint64_t before = bench->out_packets;
    uint32_t honest = puppet->ack;
    for (uint32_t i = 0; i < bench_amount(bench, 20000, 100000); i++) {
        puppet->ack = puppet->heard + 1 + i * 1460;
        puppet_send(bench, puppet, TCPIP_TCP_ACK, puppet->seq, 0);
    }
    EXPECT(bench, bench->out_packets - before <= 1);
    puppet->ack = honest;
    segment_end(bench, 8 << 20);
}

/* The same acknowledgment again and again, without SACK: each lets a segment out, up to the window that the peer itself
 * has offered (RFC 5681 3.2). */
static void segment_duplicates(struct bench *bench)
{
    struct puppet *puppet = segment_begin(bench, STREAM_PORT, 65535, NULL);
    uint32_t amount = bench_amount(bench, 20000, 100000);
    uint64_t before = bench->out_packets;
    for (uint32_t i = 0; i < amount; i++)
        puppet_send(bench, puppet, TCPIP_TCP_ACK, puppet->seq, 0);
    EXPECT(bench, bench->out_packets - before <= 65535 / 1460 + 5);
    segment_end(bench, 8 << 20);
}

/* Blocks of one byte all over what is in flight: each would cut a record in three. */
static void segment_sack_bytes(struct bench *bench)
{
    struct puppet *puppet = segment_begin(bench, STREAM_PORT, 65535, &segment_sack);
    for (int i = 0; i < 30; i++) { /* a large flight first */
        bench_run(bench, 10 * TCPIP_MS);
        puppet_ack(bench, puppet);
    }
    bench_run(bench, TCPIP_MS);
    bench->in_packets = bench->in_bytes = bench->out_packets = bench->out_bytes = 0;
    for (uint32_t i = 0; i < bench_amount(bench, 20000, 200000); i++) {
        struct tcpip_tcp_options options = {.present = TCPIP_TCP_HAS_SACK, .sack_count = 3};
        uint32_t flight = puppet->heard - puppet->ack;
        for (uint32_t k = 0; k < 3 && flight > 1; k++) {
            uint32_t at = puppet->ack + 1 + (uint32_t)(bench_random(bench) % (flight - 1));
            options.sack[k].start = at;
            options.sack[k].end = at + 1;
        }
        if (i % 1000 == 0)
            bench_run(bench, TCPIP_MS);
        puppet_send_options(bench, puppet, puppet->seq, &options);
    }
    segment_end(bench, 16 << 20);
}

/* D-SACKs, and blocks that can't be: behind what was sent, before what was acknowledged. */
static void segment_sack_lies(struct bench *bench)
{
    struct puppet *puppet = segment_begin(bench, STREAM_PORT, 65535, &segment_sack);
    uint64_t before = bench->out_packets;
    for (uint32_t i = 0; i < bench_amount(bench, 20000, 200000); i++) {
        struct tcpip_tcp_options options = {.present = TCPIP_TCP_HAS_SACK, .sack_count = 3};
        options.sack[0].start = puppet->ack - 100 - i;
        options.sack[0].end = puppet->ack - i;
        options.sack[1].start = puppet->heard + 1 + i;
        options.sack[1].end = puppet->heard + 10 + i;
        options.sack[2].start = puppet->heard - i;
        options.sack[2].end = puppet->ack + i;
        puppet_send_options(bench, puppet, puppet->seq, &options);
    }
    EXPECT(bench, bench->out_packets - before <= 100);
    segment_end(bench, 8 << 20);
}

/* ---- what the victim receives ---- */

/* Byte by byte, to an application that doesn't read: what waits is charged as what it costs. */
static void segment_bytes(struct bench *bench)
{
    struct puppet *puppet = segment_begin(bench, DEAF_PORT, 65535, NULL);
    for (uint32_t i = 0; i < bench_amount(bench, 60000, 60000); i++)
        puppet_send(bench, puppet, TCPIP_TCP_ACK, puppet->seq++, 1);
    segment_end(bench, 4 << 20);
}

/* Every second byte, at random: holes as many as there can be. */
static void segment_holes(struct bench *bench)
{
    struct puppet *puppet = segment_begin(bench, DEAF_PORT, 65535, NULL);
    for (uint32_t i = 0; i < bench_amount(bench, 50000, 500000); i++)
        puppet_send(bench, puppet, TCPIP_TCP_ACK, puppet->seq + 1 + 2 * (uint32_t)(bench_random(bench) % 30000), 1);
    EXPECT(bench, bench_packets_ratio(bench) <= 1000);
    segment_end(bench, 2 << 20);
}

/* From the far end to the near one, so that each has to find its place before all others. */
static void segment_backwards(struct bench *bench)
{
    struct puppet *puppet = segment_begin(bench, DEAF_PORT, 65535, &segment_sack);
    for (uint32_t i = 0; i < bench_amount(bench, 30000, 300000); i++)
        puppet_send(bench, puppet, TCPIP_TCP_ACK, puppet->seq + 60000 - 2 * (i % 29000), 1);
    EXPECT(bench, bench_packets_ratio(bench) <= 1000);
    segment_end(bench, 2 << 20);
}

/* The same old bytes: an ACK with a D-SACK each, and no more. */
static void segment_again(struct bench *bench)
{
    struct puppet *puppet = segment_begin(bench, ECHO_PORT, 0, &segment_sack);
    puppet_send(bench, puppet, TCPIP_TCP_ACK, puppet->seq, 1000);
    puppet->seq += 1000;
    for (uint32_t i = 0; i < bench_amount(bench, 30000, 300000); i++)
        puppet_send(bench, puppet, TCPIP_TCP_ACK, puppet->seq - 1000, 1);
    EXPECT(bench, bench_packets_ratio(bench) <= 1010);
    segment_end(bench, 1 << 20);
}

const struct attack attacks_segment[] = {
    {"segment/mss", "an MSS of one byte", segment_mss},
    {"segment/window", "a window that opens byte by byte", segment_window},
    {"segment/division", "an ACK for each byte", segment_division},
    {"segment/optimist", "ACKs of what wasn't sent", segment_optimist},
    {"segment/duplicates", "duplicate ACKs", segment_duplicates},
    {"segment/sack-bytes", "SACK blocks of one byte", segment_sack_bytes},
    {"segment/sack-lies", "SACK blocks that can't be", segment_sack_lies},
    {"segment/bytes", "data byte by byte, which nobody reads", segment_bytes},
    {"segment/holes", "every second byte, at random", segment_holes},
    {"segment/backwards", "every second byte, from the end", segment_backwards},
    {"segment/again", "the same byte again", segment_again},
    {0},
};
