// SPDX-License-Identifier: MIT
/* path.c: forged ICMP: packets that are said to be too big, hosts that are said to be gone, routes that are said to be
 * better (RFC 5927, RFC 8201, RFC 1191).
 *
 * What must hold: what quotes nothing that was sent is dropped; a path that has carried large segments isn't believed
 * to have become narrow by word alone; what is believed stops at a floor; the table of paths stays within its limit.
 *
 * Not here: MTUs that really shrink (tests/script/pmtu). */
#include "bench.h"

#include <tcpip/header/checksum.h>
#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>

#include <string.h>

enum { PATH_MEMORY = 1 << 20 };

/* The victim's segment with this number, as a router would quote it. */
static size_t path_quote(struct bench *bench, uint8_t *out, uint32_t seq)
{
    struct segment sent = {.from = bench_victim(bench),
                           .to = bench_client(bench),
                           .source = ECHO_PORT,
                           .destination = bench->sniffed.source,
                           .flags = TCPIP_TCP_ACK,
                           .seq = seq,
                           .bytes = 1400};
    (void)craft_tcp(out, &sent);
    return bench->options.v6 ? 40 + 20 + 100 : 20 + 8;
}

static void path_say(struct bench *bench, uint32_t seq, uint8_t type, uint8_t code, uint32_t word)
{
    static uint8_t quote[2000];
    struct message icmp = {.from = bench->options.v6 ? ip6_of(0x20010db800000000u, 9) : ip4(99, 9, 9, 9),
                           .to = bench_victim(bench),
                           .type = type,
                           .code = code,
                           .word = word,
                           .body = quote,
                           .bytes = path_quote(bench, quote, seq)};
    bench_attack_ip(bench, craft_icmp(bench->packet, &icmp));
}

/* Too big, with MTUs from 0 on; numbers all over the space. */
static void path_blind_one(struct bench *bench, uint32_t i)
{
    uint32_t seq = bench->sniffed.ack + 100000 + i * 30011;
    if (bench->options.v6)
        path_say(bench, seq, TCPIP_ICMPV6_PACKET_TOO_BIG, 0, i % 1500);
    else
        path_say(bench, seq, TCPIP_ICMPV4_UNREACHABLE, 4, i % 1500);
}

/* The number of the oldest byte that is, or will be, in flight: nobody off the path knows it. */
static void path_known_one(struct bench *bench, uint32_t i)
{
    if (bench->options.v6)
        path_say(bench, bench->sniffed.ack, TCPIP_ICMPV6_PACKET_TOO_BIG, 0, i % 1500);
    else
        path_say(bench, bench->sniffed.ack, TCPIP_ICMPV4_UNREACHABLE, 4, i % 1500);
}

static void path_gone_one(struct bench *bench, uint32_t i)
{
    static const uint8_t codes[] = {0, 1, 2, 3, 5, 9, 10, 13};
    path_say(bench, bench->sniffed.ack, TCPIP_ICMPV4_UNREACHABLE, codes[i % sizeof(codes)], 0);
}

static void path_redirect_one(struct bench *bench, uint32_t i)
{
    path_say(bench, bench->sniffed.ack, TCPIP_ICMPV4_REDIRECT, 1, 0x0a000042 + i % 4);
}

static uint32_t path_least(struct bench *bench)
{
    struct tcpip_path_mtu rows[8];
    size_t count = tcpip_stack_path_mtus(bench->victim.stack, rows, 8);
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < count && i < 8; i++)
        if (rows[i].mtu != 0 && rows[i].mtu < least)
            least = rows[i].mtu;
    return least;
}

static void path_run(struct bench *bench, bool v6, uint32_t least, void (*one)(struct bench *bench, uint32_t i))
{
    bench_begin(bench, &(struct bench_options){.v6 = v6});
    bench_connect_every(bench, 50 * TCPIP_MS);
    bench_flood(bench, bench_amount(bench, 20000, 150000), 10000, one);
    EXPECT(bench, path_least(bench) >= least);
    EXPECT(bench, bench->out_packets == 0);
    bench->memory_bound = PATH_MEMORY;
    bench_end(bench);
    EXPECT(bench, bench->connects_good == bench->connects_begun);
}

static void path_blind(struct bench *bench)
{
    path_run(bench, false, UINT32_MAX, path_blind_one);
}

static void path_blind6(struct bench *bench)
{
    path_run(bench, true, UINT32_MAX, path_blind_one);
}

static void path_known(struct bench *bench)
{
    path_run(bench, false, 552, path_known_one);
}

static void path_known6(struct bench *bench)
{
    path_run(bench, true, 1280, path_known_one);
}

static void path_gone(struct bench *bench)
{
    path_run(bench, false, UINT32_MAX, path_gone_one);
}

static void path_redirect(struct bench *bench)
{
    path_run(bench, false, UINT32_MAX, path_redirect_one);
}

/* About datagrams that the victim's UDP endpoint may have sent: to the client, and to everybody. */
static void path_udp_one(struct bench *bench, uint32_t i)
{
    static uint8_t quote[2000];
    struct datagram sent = {bench_victim(bench), i % 2 == 0 ? bench_client(bench) : ip4_of(0x0b000000u + i), UDP_PORT,
                            4000, 1400};
    struct message icmp = {.from = ip4(99, 9, 9, 9),
                           .to = bench_victim(bench),
                           .type = TCPIP_ICMPV4_UNREACHABLE,
                           .code = 4,
                           .word = 576,
                           .body = quote,
                           .bytes = 28};
    (void)craft_udp(quote, &sent);
    bench_attack_ip(bench, craft_icmp(bench->packet, &icmp));
}

static void path_udp(struct bench *bench)
{
    bench_begin(bench, &(struct bench_options){0});
    bench_flood(bench, bench_amount(bench, 20000, 150000), 10000, path_udp_one);
    EXPECT(bench, path_least(bench) >= 552);
    EXPECT(bench, tcpip_stack_path_mtus(bench->victim.stack, NULL, 0) <= 1024);
    EXPECT(bench, bench->out_packets == 0);
    bench->memory_bound = PATH_MEMORY;
    bench_end(bench);
}

const struct attack attacks_path[] = {
    {"path/blind", "packet too big, numbers guessed", path_blind},
    {"path/blind6", "the same over IPv6", path_blind6},
    {"path/known", "packet too big, the number known", path_known},
    {"path/known6", "the same over IPv6", path_known6},
    {"path/gone", "unreachable of all kinds, the number known", path_gone},
    {"path/redirect", "redirects, the number known", path_redirect},
    {"path/udp", "packet too big, of datagrams", path_udp},
    {0},
};
