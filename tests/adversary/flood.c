// SPDX-License-Identifier: MIT
/* flood.c: more packets than anybody can want: SYN, ACK, RST, FIN, ICMP, UDP, from addresses that nobody checks.
 *
 * What must hold: a packet of the flood costs a bounded number of instructions and no memory that stays, at most one
 * packet leaves for one that comes, and honest connections are opened and go on as if nothing was.
 *
 * Not here: packets that guess at an existing connection (blind.c). */
#include "bench.h"

static const uint32_t flood_rate = 500000; /* a second, in virtual time */

static struct ip flood_source(struct bench *bench)
{
    uint64_t random = bench_random(bench);
    return bench->options.v6 ? ip6_of(0x20010db8ull << 32 | (random >> 40), random)
                             : ip4((uint8_t)(11 + random % 100), (uint8_t)(random >> 8), (uint8_t)(random >> 16),
                                   (uint8_t)(1 + (random >> 24) % 250));
}

static struct segment flood_segment(struct bench *bench, uint16_t port, uint16_t flags)
{
    uint64_t random = bench_random(bench);
    return (struct segment){.from = flood_source(bench),
                            .to = bench_victim(bench),
                            .source = (uint16_t)(1024 + random % 60000),
                            .destination = port,
                            .flags = flags,
                            .window = 65535,
                            .seq = (uint32_t)(random >> 16),
                            .ack = flags & TCPIP_TCP_ACK ? (uint32_t)(random >> 32) : 0};
}

static void flood_syn_one(struct bench *bench, uint32_t i)
{
    (void)i;
    struct segment syn = flood_segment(bench, ECHO_PORT, TCPIP_TCP_SYN);
    syn.options = (struct tcpip_tcp_options){.present = TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_SACK_PERMITTED |
                                                        TCPIP_TCP_HAS_WINDOW_SCALE | TCPIP_TCP_HAS_TIMESTAMPS,
                                             .mss = 1460,
                                             .window_scale = 7,
                                             .ts_val = i};
    bench_attack_tcp(bench, &syn);
}

static void flood_ack_one(struct bench *bench, uint32_t i)
{
    (void)i;
    struct segment ack = flood_segment(bench, ECHO_PORT, TCPIP_TCP_ACK);
    bench_attack_tcp(bench, &ack);
}

static void flood_closed_one(struct bench *bench, uint32_t i)
{
    struct segment syn = flood_segment(bench, (uint16_t)(1000 + i % 5000), TCPIP_TCP_SYN);
    bench_attack_tcp(bench, &syn);
}

static void flood_rst_one(struct bench *bench, uint32_t i)
{
    (void)i;
    struct segment rst = flood_segment(bench, ECHO_PORT, TCPIP_TCP_RST);
    bench_attack_tcp(bench, &rst);
}

static void flood_fin_one(struct bench *bench, uint32_t i)
{
    (void)i;
    struct segment fin = flood_segment(bench, ECHO_PORT, TCPIP_TCP_FIN | TCPIP_TCP_ACK);
    bench_attack_tcp(bench, &fin);
}

static void flood_echo_one(struct bench *bench, uint32_t i)
{
    static const uint8_t body[56];
    struct message echo = {.from = flood_source(bench),
                           .to = bench_victim(bench),
                           .type = bench->options.v6 ? 128 : 8,
                           .word = i,
                           .body = body,
                           .bytes = sizeof(body)};
    bench_attack_ip(bench, craft_icmp(bench->packet, &echo));
}

static void flood_udp_one(struct bench *bench, uint32_t i)
{
    struct datagram datagram = {flood_source(bench), bench_victim(bench), 4000, (uint16_t)(2000 + i % 5000), 100};
    bench_attack_ip(bench, craft_udp(bench->packet, &datagram));
}

/* 0.2 s of it, or 2 s, with a new honest connection each 2 ms. */
static void flood_run(struct bench *bench, bool v6, void (*one)(struct bench *bench, uint32_t i))
{
    bench_begin(bench, &(struct bench_options){.v6 = v6});
    bench_connect_every(bench, 2 * TCPIP_MS);
    bench_flood(bench, bench_amount(bench, 100000, 1000000), flood_rate, one);
    EXPECT(bench, bench_packets_ratio(bench) <= 1000);
}

static void flood_judge(struct bench *bench, uint64_t memory_bound)
{
    bench->memory_bound = memory_bound;
    bench_end(bench);
    EXPECT(bench, bench->scale == BENCH_COUNT || bench->connects_begun >= 99);
    EXPECT(bench, (uint64_t)bench->connects_good * 100 >= (uint64_t)bench->connects_begun * 99);
}

/* The half-open records that a listener may have, at 128 bytes, and what honest connections take. */
enum { FLOOD_MEMORY = 1 << 20 };

static void flood_syn(struct bench *bench)
{
    flood_run(bench, false, flood_syn_one);
    EXPECT(bench, bench->scale == BENCH_COUNT || bench_stats(bench)->tcp.listen_overflow_syn_cookie_sent > 90000);
    flood_judge(bench, FLOOD_MEMORY);
}

static void flood_syn6(struct bench *bench)
{
    flood_run(bench, true, flood_syn_one);
    flood_judge(bench, FLOOD_MEMORY);
}

static void flood_closed(struct bench *bench)
{
    flood_run(bench, false, flood_closed_one);
    EXPECT(bench, bench->scale == BENCH_COUNT || bench_packets_ratio(bench) < 400);
    flood_judge(bench, FLOOD_MEMORY);
}

/* While SYN cookies are in use each ACK is tried as one. */
static void flood_ack(struct bench *bench)
{
    bench_begin(bench, &(struct bench_options){0});
    bench_flood(bench, 1000, flood_rate, flood_syn_one);
    bench->in_packets = bench->in_bytes = bench->out_packets = bench->out_bytes = 0;
    bench_connect_every(bench, 2 * TCPIP_MS);
    bench_flood(bench, bench_amount(bench, 100000, 1000000), flood_rate, flood_ack_one);
    EXPECT(bench, bench->scale == BENCH_COUNT || bench_packets_ratio(bench) < 400);
    EXPECT(bench, bench_stats(bench)->tcp.listen_overflow_syn_cookie_rcvd <= bench->connects_begun);
    flood_judge(bench, FLOOD_MEMORY);
}

static void flood_rst(struct bench *bench)
{
    flood_run(bench, false, flood_rst_one);
    EXPECT(bench, bench->out_packets == 0);
    flood_judge(bench, FLOOD_MEMORY);
}

static void flood_fin(struct bench *bench)
{
    flood_run(bench, false, flood_fin_one);
    EXPECT(bench, bench->scale == BENCH_COUNT || bench_packets_ratio(bench) < 400);
    flood_judge(bench, FLOOD_MEMORY);
}

static void flood_echo(struct bench *bench)
{
    flood_run(bench, false, flood_echo_one);
    EXPECT(bench, bench_bytes_ratio(bench) <= 1000);
    flood_judge(bench, FLOOD_MEMORY);
}

static void flood_echo6(struct bench *bench)
{
    flood_run(bench, true, flood_echo_one);
    EXPECT(bench, bench_bytes_ratio(bench) <= 1000);
    flood_judge(bench, FLOOD_MEMORY);
}

static void flood_udp(struct bench *bench)
{
    flood_run(bench, false, flood_udp_one);
    EXPECT(bench, bench->scale == BENCH_COUNT || bench_packets_ratio(bench) < 400);
    flood_judge(bench, FLOOD_MEMORY);
}

const struct attack attacks_flood[] = {
    {"flood/syn", "SYNs from forged addresses", flood_syn},
    {"flood/syn6", "the same over IPv6", flood_syn6},
    {"flood/closed", "SYNs to ports where nobody listens", flood_closed},
    {"flood/ack", "ACKs to a listener that uses SYN cookies", flood_ack},
    {"flood/rst", "resets of connections that aren't there", flood_rst},
    {"flood/fin", "FINs of connections that aren't there", flood_fin},
    {"flood/echo", "echo requests", flood_echo},
    {"flood/echo6", "the same over IPv6", flood_echo6},
    {"flood/udp", "datagrams to ports where nobody listens", flood_udp},
    {0},
};
