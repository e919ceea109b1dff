// SPDX-License-Identifier: MIT
/* fragment.c: pieces of datagrams that never become whole, that overlap, that are as small and as many as can be.
 *
 * What must hold: limits.fragment_bytes and what their buffers cost, no more; a bounded search per piece; no answer but
 * the few timeouts that the limit of ICMP errors lets through.
 *
 * Not here: what a single datagram of fragments becomes (src/network/reassembly_test.c). */
#include "bench.h"

enum { FRAGMENT_MEMORY = (4 << 20) + (1 << 20) }; /* limits.fragment_bytes, records of datagrams and pools' slack */

static struct fragment fragment_begin(struct bench *bench, uint32_t i)
{
    uint64_t random = bench_random(bench);
    return (struct fragment){.from = bench->options.v6 ? ip6_of(0x20010db8ull << 32, random)
                                                       : ip4_of(0x0b000000u + (uint32_t)(random % 0x01000000)),
                             .to = bench_victim(bench),
                             .id = i,
                             .protocol = TCPIP_PROTOCOL_UDP,
                             .more = true};
}

static void fragment_send(struct bench *bench, const struct fragment *fragment)
{
    bench_attack_ip(bench, craft_fragment(bench->packet, fragment));
}

/* First pieces of ever new datagrams. */
static void fragment_first_one(struct bench *bench, uint32_t i)
{
    struct fragment fragment = fragment_begin(bench, i);
    fragment.bytes = 1400;
    fragment_send(bench, &fragment);
}

/* Pieces of eight bytes, out of order, of a few datagrams. */
static void fragment_tiny_one(struct bench *bench, uint32_t i)
{
    struct fragment fragment = fragment_begin(bench, i / 4096);
    fragment.from = bench->options.v6 ? ip6(0x99) : ip4(99, 0, 0, 1);
    fragment.offset = (uint16_t)((i * 2654435761u >> 20) % 4096 * 16);
    fragment.bytes = 8;
    fragment_send(bench, &fragment);
}

/* Every second piece overlaps the one before. */
static void fragment_overlap_one(struct bench *bench, uint32_t i)
{
    struct fragment fragment = fragment_begin(bench, i / 2);
    fragment.from = bench->options.v6 ? ip6(0x99) : ip4(99, 0, 0, 1);
    fragment.offset = (uint16_t)(i % 2 * 8);
    fragment.bytes = 64;
    fragment_send(bench, &fragment);
}

/* The greatest datagrams there are, one piece missing each. */
static void fragment_large_one(struct bench *bench, uint32_t i)
{
    struct fragment fragment = fragment_begin(bench, i / 45);
    fragment.from = bench->options.v6 ? ip6(0x99) : ip4(99, 0, 0, 1);
    fragment.offset = (uint16_t)(i % 45 * 1400);
    fragment.bytes = 1400;
    fragment_send(bench, &fragment);
}

static void fragment_run(struct bench *bench, bool v6, uint32_t rate, void (*one)(struct bench *bench, uint32_t i))
{
    bench_begin(bench, &(struct bench_options){.v6 = v6});
    bench_connect_every(bench, 10 * TCPIP_MS);
    bench_flood(bench, bench_amount(bench, 50000, 500000), rate, one);
    bench_connect_every(bench, 0);
    bench_run(bench, 61 * TCPIP_SECOND); /* all time out */
    bench->memory_bound = FRAGMENT_MEMORY;
    EXPECT(bench, bench_packets_ratio(bench) <= 20);
    bench_end(bench);
    EXPECT(bench, bench->connects_good == bench->connects_begun);
}

static void fragment_first(struct bench *bench)
{
    fragment_run(bench, false, 100000, fragment_first_one);
}

static void fragment_first6(struct bench *bench)
{
    fragment_run(bench, true, 100000, fragment_first_one);
}

static void fragment_tiny(struct bench *bench)
{
    fragment_run(bench, false, 100000, fragment_tiny_one);
}

static void fragment_overlap(struct bench *bench)
{
    fragment_run(bench, false, 100000, fragment_overlap_one);
}

static void fragment_overlap6(struct bench *bench)
{
    fragment_run(bench, true, 100000, fragment_overlap_one);
}

static void fragment_large(struct bench *bench)
{
    fragment_run(bench, false, 100000, fragment_large_one);
}

const struct attack attacks_fragment[] = {
    {"fragment/first", "first fragments of ever new datagrams", fragment_first},
    {"fragment/first6", "the same over IPv6", fragment_first6},
    {"fragment/tiny", "fragments of eight bytes out of order", fragment_tiny},
    {"fragment/overlap", "fragments that overlap", fragment_overlap},
    {"fragment/overlap6", "the same over IPv6", fragment_overlap6},
    {"fragment/large", "datagrams of 64 KB with one fragment missing", fragment_large},
    {0},
};
