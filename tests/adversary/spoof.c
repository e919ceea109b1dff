// SPDX-License-Identifier: MIT
/* spoof.c: packets from and to addresses that can't be: each is dropped under the name that it should have, and none is
 * answered. One row for all that come over IPv4, one for IPv6, one for frames.
 *
 * Not here: addresses that could be, but aren't the sender's: nobody can see that of one packet (flood.c, blind.c). */
#include "bench.h"

#include <stdio.h>
#include <string.h>

struct martian {
    const char *what;
    struct ip from, to;
    enum tcpip_drop reason;
};

enum { SPOOF_KINDS = 3 }; /* SYN, datagram, echo request */

static size_t spoof_write(struct bench *bench, const struct martian *martian, unsigned kind)
{
    static const uint8_t body[8];
    struct segment syn = {.from = martian->from,
                          .to = martian->to,
                          .source = ECHO_PORT,
                          .destination = ECHO_PORT,
                          .flags = TCPIP_TCP_SYN,
                          .seq = 1,
                          .window = 65535};
    struct datagram datagram = {martian->from, martian->to, UDP_PORT, 9999, 10};
    struct message echo = {.from = martian->from,
                           .to = martian->to,
                           .type = ip_is4(martian->from) ? 8 : 128,
                           .body = body,
                           .bytes = sizeof(body)};
    return kind == 0   ? craft_tcp(bench->packet, &syn)
           : kind == 1 ? craft_udp(bench->packet, &datagram)
                       : craft_icmp(bench->packet, &echo);
}

static void spoof_all(struct bench *bench, const struct martian *all, size_t count)
{
    static const char *const kinds[SPOOF_KINDS] = {"SYN", "datagram", "echo request"};
    for (size_t i = 0; i < count; i++) {
        for (unsigned kind = 0; kind < SPOOF_KINDS; kind++) {
            uint64_t drops = bench_stats(bench)->drops[all[i].reason], out = bench->out_packets;
            bench_attack_ip(bench, spoof_write(bench, &all[i], kind));
            bench_run(bench, 3 * TCPIP_SECOND);
            if (bench_stats(bench)->drops[all[i].reason] != drops + 1)
                bench_fail(bench, "%s, %s: not dropped as %s", all[i].what, kinds[kind],
                           tcpip_drop_name(all[i].reason));
            if (bench->out_packets != out)
                bench_fail(bench, "%s, %s: answered", all[i].what, kinds[kind]);
        }
    }
}

static void spoof_v4(struct bench *bench)
{
    struct ip us = ip4(10, 0, 0, 1);
    const struct martian all[] = {
        {"from loopback", ip4(127, 0, 0, 1), us, TCPIP_DROP_IP_MARTIAN_SOURCE},
        {"from nowhere", ip4(0, 0, 0, 0), us, TCPIP_DROP_IP_MARTIAN_SOURCE},
        {"from net 0", ip4(0, 1, 2, 3), us, TCPIP_DROP_IP_MARTIAN_SOURCE},
        {"from a group", ip4(224, 0, 0, 1), us, TCPIP_DROP_IP_MARTIAN_SOURCE},
        {"from everybody", ip4(255, 255, 255, 255), us, TCPIP_DROP_IP_MARTIAN_SOURCE},
        {"from the reserved block", ip4(240, 0, 0, 1), us, TCPIP_DROP_IP_MARTIAN_SOURCE},
        {"from our subnet's broadcast", ip4(10, 0, 0, 255), us, TCPIP_DROP_IP_MARTIAN_SOURCE},
        {"from ourselves (LAND)", us, us, TCPIP_DROP_IP_MARTIAN_SOURCE},
        {"to loopback", ip4(99, 0, 0, 1), ip4(127, 0, 0, 1), TCPIP_DROP_IP_MARTIAN_DESTINATION},
        {"to somebody else", ip4(99, 0, 0, 1), ip4(10, 0, 0, 77), TCPIP_DROP_IP_NOT_LOCAL},
    };
    bench_begin(bench, &(struct bench_options){0});
    spoof_all(bench, all, sizeof(all) / sizeof(all[0]));
    EXPECT(bench, bench->out_packets == 0);
    bench->memory_bound = 1 << 16;
    bench_end(bench);
}

static void spoof_v6(struct bench *bench)
{
    struct ip us = ip6(1), stranger = ip6_of(0x20010db800000000u, 1);
    const struct martian all[] = {
        {"from loopback", ip6_of(0, 1), us, TCPIP_DROP_IP_MARTIAN_SOURCE},
        {"from ourselves (LAND)", us, us, TCPIP_DROP_IP_MARTIAN_SOURCE},
        {"to loopback", stranger, ip6_of(0, 1), TCPIP_DROP_IP_MARTIAN_DESTINATION},
        {"to nobody", stranger, ip6_of(0, 0), TCPIP_DROP_IP_MARTIAN_DESTINATION},
        {"to somebody else", stranger, ip6(77), TCPIP_DROP_IP_NOT_LOCAL},
    };
    bench_begin(bench, &(struct bench_options){.v6 = true});
    spoof_all(bench, all, sizeof(all) / sizeof(all[0]));
    EXPECT(bench, bench->out_packets == 0);
    bench->memory_bound = 1 << 16;
    bench_end(bench);
}

/* IPv4 in IPv6's clothes would reach what only IPv4's filters guard, and pass for a peer that dual endpoints trust. */
static void spoof_mapped(struct bench *bench)
{
    struct segment syn = {.source = 5000, .destination = ECHO_PORT, .flags = TCPIP_TCP_SYN, .window = 65535};
    bench_begin(bench, &(struct bench_options){.v6 = true});
    for (int i = 0; i < 4; i++) {
        uint64_t drops = bench_stats(bench)->drops[TCPIP_DROP_IP_MARTIAN_SOURCE] +
                         bench_stats(bench)->drops[TCPIP_DROP_IP_MARTIAN_DESTINATION];
        syn.from = ip6_of(0x20010db800000000u, 1);
        syn.to = ip6(1);
        size_t size = craft_tcp(bench->packet, &syn);
        struct ip mapped = i < 2 ? ip4(10, 0, 0, i == 0 ? 2 : 1) : ip4(127, 0, 0, 1);
        memcpy(bench->packet + (i % 2 == 0 ? 8 : 24), mapped.b, 16);
        bench_attack_ip(bench, size);
        bench_run(bench, TCPIP_SECOND);
        EXPECT(bench, bench_stats(bench)->drops[TCPIP_DROP_IP_MARTIAN_SOURCE] +
                              bench_stats(bench)->drops[TCPIP_DROP_IP_MARTIAN_DESTINATION] ==
                          drops + 1);
    }
    EXPECT(bench, bench->out_packets == 0);
    bench->memory_bound = 1 << 16;
    bench_end(bench);
}

/* To a group or to everybody: nothing that a reflector could use (RFC 1122 3.2.2, 4.2.3.10). */
static void spoof_groups(struct bench *bench)
{
    static const uint8_t body[56];
    const struct ip from4 = ip4(99, 0, 0, 1), from6 = ip6_of(0x20010db800000000u, 1);
    const struct ip to[] = {ip4(255, 255, 255, 255), ip4(10, 0, 0, 255), ip4(224, 0, 0, 1), ip6_of(0xff02ull << 48, 1)};
    bench_begin(bench, &(struct bench_options){0});
    for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
        struct ip from = ip_is4(to[i]) ? from4 : from6;
        struct segment syn = {.from = from,
                              .to = to[i],
                              .source = 5000,
                              .destination = ECHO_PORT,
                              .flags = TCPIP_TCP_SYN,
                              .window = 65535};
        struct datagram closed = {from, to[i], 5000, 9999, 10};
        struct message echo = {.from = from, .to = to[i], .type = 8, .body = body, .bytes = sizeof(body)};
        bench_attack_ip(bench, craft_tcp(bench->packet, &syn));
        syn.flags = TCPIP_TCP_ACK;
        bench_attack_ip(bench, craft_tcp(bench->packet, &syn));
        bench_attack_ip(bench, craft_udp(bench->packet, &closed));
        if (ip_is4(to[i])) /* RFC 4443 4.2 would have a node answer a group; a limit is on that, too */
            bench_attack_ip(bench, craft_icmp(bench->packet, &echo));
        bench_run(bench, 3 * TCPIP_SECOND);
    }
    EXPECT(bench, bench->out_packets == 0);
    bench->memory_bound = 1 << 16;
    bench_end(bench);
}

/* One packet for one host in a frame for all of them (RFC 1122 2.4, 3.3.6). */
static void spoof_frames(struct bench *bench)
{
    static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, someone[6] = {2, 0, 0, 0, 0, 9};
    static uint8_t frame[2000];
    struct segment syn = {.from = ip4(99, 0, 0, 1),
                          .to = ip4(10, 0, 0, 1),
                          .source = 5000,
                          .destination = ECHO_PORT,
                          .flags = TCPIP_TCP_SYN,
                          .window = 65535};
    struct datagram closed = {syn.from, syn.to, 5000, 9999, 10};
    bench_begin(bench, &(struct bench_options){.ethernet = true});
    for (int i = 0; i < 2; i++) {
        const uint8_t *to = i == 0 ? everybody : someone;
        size_t size = craft_tcp(bench->packet, &syn);
        bench_attack(bench, frame, craft_frame(frame, to, bench_link_attacker, bench->packet, size));
        size = craft_udp(bench->packet, &closed);
        bench_attack(bench, frame, craft_frame(frame, to, bench_link_attacker, bench->packet, size));
        bench_run(bench, 3 * TCPIP_SECOND);
    }
    EXPECT(bench, bench->out_packets == 0);
    bench->memory_bound = 1 << 16;
    bench_end(bench);
}

const struct attack attacks_spoof[] = {
    {"spoof/v4", "from and to IPv4 addresses that can't be", spoof_v4},
    {"spoof/v6", "from and to IPv6 addresses that can't be", spoof_v6},
    {"spoof/mapped", "IPv4-mapped addresses in IPv6 headers", spoof_mapped},
    {"spoof/groups", "to groups and broadcast addresses", spoof_groups},
    {"spoof/frames", "for us, in frames for others", spoof_frames},
    {0},
};
