// SPDX-License-Identifier: MIT
/* neighbor.c: what somebody on the link, or somebody who makes us look for many hosts there, can do to the neighbour
 * table: fill it, and tell lies.
 *
 * What must hold: limits.neighbors entries; the router and those whose connections live keep theirs; no claim takes an
 * address over from somebody who answers.
 *
 * Not here: who answers first to a question that was really asked: nothing on a link without keys can tell. */
#include "bench.h"

#include <tcpip/header/arp.h>
#include <tcpip/header/ndp.h>

enum { NEIGHBOR_MEMORY = 4 << 20 };

static const uint8_t neighbor_everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static uint8_t neighbor_frame[CRAFT_MAX];

static void neighbor_end(struct bench *bench)
{
    bench->memory_bound = NEIGHBOR_MEMORY;
    EXPECT(bench, bench_packets_ratio(bench) <= 1100);
    bench_end(bench);
    EXPECT(bench, bench->connects_good == bench->connects_begun);
}

/* Echo requests from all over the link: each answer has to find a neighbour that isn't there. */
static void neighbor_scan_one(struct bench *bench, uint32_t i)
{
    static const uint8_t body[1000];
    struct message echo = {.from = bench->options.v6 ? ip6(1000 + bench_random(bench) % 1000000000)
                                                     : ip4(10, 0, (uint8_t)(1 + i / 250 % 250), (uint8_t)(1 + i % 250)),
                           .to = bench_victim(bench),
                           .type = bench->options.v6 ? 128 : 8,
                           .body = body,
                           .bytes = sizeof(body)};
    bench_attack_ip(bench, craft_icmp(bench->packet, &echo));
}

static void neighbor_syn_one(struct bench *bench, uint32_t i)
{
    struct segment syn = {.from = bench->options.v6 ? ip6(1000 + bench_random(bench) % 1000000000)
                                                    : ip4(10, 0, (uint8_t)(1 + i / 250 % 250), (uint8_t)(1 + i % 250)),
                          .to = bench_victim(bench),
                          .source = (uint16_t)(1024 + i % 60000),
                          .destination = ECHO_PORT,
                          .flags = TCPIP_TCP_SYN,
                          .seq = i,
                          .window = 65535};
    bench_attack_tcp(bench, &syn);
}

static void neighbor_play(struct bench *bench, const struct bench_options *options, uint32_t amount, uint32_t rate,
                          void (*one)(struct bench *bench, uint32_t i))
{
    bench_begin(bench, options);
    /* Who comes only now and then isn't known any more when it comes again. */
    bench_connect_every(bench, (options->idle ? 90 : 10) * TCPIP_MS);
    bench_flood(bench, amount, rate, one);
    neighbor_end(bench);
    EXPECT(bench, bench->connects_late == 0);
}

static void neighbor_flood(struct bench *bench, bool v6, uint32_t rate, void (*one)(struct bench *bench, uint32_t i))
{
    neighbor_play(bench, &(struct bench_options){.ethernet = true, .v6 = v6}, bench_amount(bench, 100000, 1000000),
                  rate, one);
}

static void neighbor_scan(struct bench *bench)
{
    neighbor_flood(bench, false, 500000, neighbor_scan_one);
}

static void neighbor_scan6(struct bench *bench)
{
    neighbor_flood(bench, true, 500000, neighbor_scan_one);
}

static void neighbor_syn(struct bench *bench)
{
    neighbor_flood(bench, false, 500000, neighbor_syn_one);
}

/* Nobody has talked to the client before; its SYN-ACK is to find it among those that aren't there. */
static void neighbor_quiet(struct bench *bench)
{
    neighbor_play(bench, &(struct bench_options){.ethernet = true, .idle = true}, bench_amount(bench, 100000, 1000000),
                  500000, neighbor_syn_one);
}

static void neighbor_quiet6(struct bench *bench)
{
    neighbor_play(bench, &(struct bench_options){.ethernet = true, .v6 = true, .idle = true},
                  bench_amount(bench, 100000, 1000000), 500000, neighbor_syn_one);
}

static void neighbor_syn6(struct bench *bench)
{
    neighbor_flood(bench, true, 500000, neighbor_syn_one);
}

/* ARP requests for us from everybody: each tells of a sender. */
static void neighbor_arp_one(struct bench *bench, uint32_t i)
{
    uint8_t link[6] = {2, 1, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
    struct ip sender = ip4(10, 0, (uint8_t)(1 + i / 250 % 250), (uint8_t)(1 + i % 250));
    size_t size = craft_arp(neighbor_frame, TCPIP_ARP_REQUEST, link, sender, ip4(10, 0, 0, 1), neighbor_everybody);
    bench_attack(bench, neighbor_frame, size);
}

static void neighbor_arp(struct bench *bench)
{
    neighbor_flood(bench, false, 500000, neighbor_arp_one);
}

/* An NDP message, in a frame. */
static void neighbor_ndp(struct bench *bench, struct ip from, struct ip to, const uint8_t *from_link, uint8_t *message,
                         size_t bytes)
{
    struct message icmp = {.from = from,
                           .to = to,
                           .type = message[0],
                           .code = message[1],
                           .hop_limit = 255,
                           .word = tcpip_load_u32(message + 4),
                           .body = message + 8,
                           .bytes = bytes - 8};
    size_t size = craft_icmp(bench->packet, &icmp);
    bench_attack(bench, neighbor_frame, craft_frame(neighbor_frame, bench_link_victim, from_link, bench->packet, size));
}

static void neighbor_solicit_one(struct bench *bench, uint32_t i)
{
    uint8_t message[64], link[6] = {2, 1, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
    size_t bytes = tcpip_ndp_neighbor_solicitation_encode(message, ip6(1).b);
    bytes += tcpip_ndp_link_encode(message + bytes, sizeof(message) - bytes, TCPIP_NDP_OPTION_SOURCE_LINK, link);
    neighbor_ndp(bench, ip6(1000 + i), ip6(1), link, message, bytes);
}

static void neighbor_solicit(struct bench *bench)
{
    neighbor_flood(bench, true, 500000, neighbor_solicit_one);
}

static void neighbor_router_one(struct bench *bench, uint32_t i)
{
    uint8_t message[256];
    struct tcpip_ndp_router_advertisement fields = {.hop_limit = 1, .lifetime_s = 9000, .reachable_ms = 1};
    struct ip announced = ip6_of(0x20010db800000000u + i, 0);
    struct tcpip_ndp_prefix prefix = {.prefix = announced.b,
                                      .prefix_bits = 64,
                                      .on_link = true,
                                      .autonomous = true,
                                      .valid_s = 86400,
                                      .preferred_s = 86400};
    size_t bytes = tcpip_ndp_router_advertisement_encode(message, &fields);
    bytes += tcpip_ndp_prefix_encode(message + bytes, sizeof(message) - bytes, &prefix);
    bytes += tcpip_ndp_mtu_encode(message + bytes, sizeof(message) - bytes, 1280);
    neighbor_ndp(bench, ip6_of(0xfe80ull << 48, 1000 + i), ip6_of(0xff02ull << 48, 1), bench_link_attacker, message,
                 bytes);
}

static void neighbor_router(struct bench *bench)
{
    neighbor_flood(bench, true, 100000, neighbor_router_one);
}

/* "I am the client", unasked and as an answer: connections that live stay where they are. */
static void neighbor_claim_arp_one(struct bench *bench, uint32_t i)
{
    bool answer = i % 2 == 0;
    size_t size =
        craft_arp(neighbor_frame, answer ? TCPIP_ARP_REPLY : TCPIP_ARP_REQUEST, bench_link_attacker, ip4(10, 0, 0, 2),
                  answer ? ip4(10, 0, 0, 1) : ip4(10, 0, 0, 2), answer ? bench_link_victim : neighbor_everybody);
    bench_attack(bench, neighbor_frame, size);
}

static void neighbor_claim_arp(struct bench *bench)
{
    neighbor_play(bench, &(struct bench_options){.ethernet = true}, bench_amount(bench, 500, 5000), 100,
                  neighbor_claim_arp_one);
    EXPECT(bench, bench->out_packets < bench->in_packets / 5);
}

static void neighbor_claim_ndp_one(struct bench *bench, uint32_t i)
{
    uint8_t message[64];
    uint8_t flags = i % 2 == 0 ? TCPIP_NDP_FLAG_OVERRIDE | TCPIP_NDP_FLAG_SOLICITED : TCPIP_NDP_FLAG_OVERRIDE;
    size_t bytes = tcpip_ndp_neighbor_advertisement_encode(message, ip6(2).b, flags);
    bytes += tcpip_ndp_link_encode(message + bytes, sizeof(message) - bytes, TCPIP_NDP_OPTION_TARGET_LINK,
                                   bench_link_attacker);
    neighbor_ndp(bench, ip6(2), ip6(1), bench_link_attacker, message, bytes);
}

static void neighbor_claim_ndp(struct bench *bench)
{
    neighbor_play(bench, &(struct bench_options){.ethernet = true, .v6 = true}, bench_amount(bench, 500, 5000), 100,
                  neighbor_claim_ndp_one);
    EXPECT(bench, bench->out_packets < bench->in_packets / 5);
}

const struct attack attacks_neighbor[] = {
    {"neighbor/scan", "echo requests from everybody on the link", neighbor_scan},
    {"neighbor/scan6", "the same from a /64", neighbor_scan6},
    {"neighbor/syn", "SYNs from everybody on the link", neighbor_syn},
    {"neighbor/syn6", "the same from a /64", neighbor_syn6},
    {"neighbor/quiet", "the same, while the client is new to the link", neighbor_quiet},
    {"neighbor/quiet6", "the same from a /64", neighbor_quiet6},
    {"neighbor/arp", "ARP requests from everybody", neighbor_arp},
    {"neighbor/solicit", "neighbor solicitations from everybody", neighbor_solicit},
    {"neighbor/router", "router advertisements", neighbor_router},
    {"neighbor/claim-arp", "ARP in the client's name", neighbor_claim_arp},
    {"neighbor/claim-ndp", "neighbor advertisements in the client's name", neighbor_claim_ndp},
    {0},
};
