// SPDX-License-Identifier: MIT
/* blind.c: segments in the name of an honest client, from somebody who sees nothing of the connection (RFC 5961).
 *
 * He is given more than he has: the ports, in some attacks all numbers but one. The connection goes on, what it says to
 * his segments is bounded by CHALLENGE_ACK_INTERVAL, and nothing that he can see tells whether he was near.
 *
 * Not here: forged ICMP (path.c). */
#include "bench.h"

#include <string.h>

enum { BLIND_MEMORY = 1 << 18 };

/* A segment of the first honest flow, as its client would write it. */
static struct segment blind_segment(struct bench *bench, uint16_t flags)
{
    return (struct segment){.from = bench_client(bench),
                            .to = bench_victim(bench),
                            .source = bench->sniffed.source,
                            .destination = ECHO_PORT,
                            .flags = flags,
                            .window = 1000,
                            .seq = bench->sniffed.seq + bench->sniffed.payload,
                            .ack = bench->sniffed.ack};
}

/* The whole space of numbers, in steps smaller than any window. */
static uint32_t blind_step(uint32_t i)
{
    return 30011 + i * 32749u;
}

static void blind_rst_one(struct bench *bench, uint32_t i)
{
    struct segment rst = blind_segment(bench, TCPIP_TCP_RST);
    rst.seq += blind_step(i);
    bench_attack_tcp(bench, &rst);
}

static void blind_syn_one(struct bench *bench, uint32_t i)
{
    struct segment syn = blind_segment(bench, TCPIP_TCP_SYN);
    syn.seq += blind_step(i);
    syn.ack = 0;
    bench_attack_tcp(bench, &syn);
}

/* The right sequence number, all acknowledgments. Only those of the last window are believed (RFC 5961 5). */
static void blind_data_one(struct bench *bench, uint32_t i)
{
    struct segment data = blind_segment(bench, TCPIP_TCP_ACK | TCPIP_TCP_PSH);
    data.bytes = 100;
    data.at = 77; /* not what the stream has there */
    data.ack += 0x00800000u + i * 0x00010001u;
    if (data.ack - bench->sniffed.ack < 0xff000000u) /* not by chance a right one: that is 1 in 65,000 */
        bench_attack_tcp(bench, &data);
}

static void blind_ack_one(struct bench *bench, uint32_t i)
{
    struct segment ack = blind_segment(bench, TCPIP_TCP_ACK);
    ack.seq += 0x10000000u + blind_step(i) / 4;
    ack.window = 0;
    bench_attack_tcp(bench, &ack);
}

static void blind_run(struct bench *bench, uint32_t slice, void (*one)(struct bench *bench, uint32_t i))
{
    bench_begin(bench, &(struct bench_options){0});
    uint64_t before = bench_stats(bench)->tcp.challenge_acks_sent;
    bench_flood(bench, bench_amount(bench, slice, 131072), 50000, one);
    uint64_t sent = bench_stats(bench)->tcp.challenge_acks_sent - before;
    uint64_t allowed = 1 + (uint64_t)((bench->now - bench->began_at) / (500 * TCPIP_MS));
    if (sent > allowed)
        bench_fail(bench, "%llu challenge ACKs, where %llu are allowed", (unsigned long long)sent,
                   (unsigned long long)allowed);
    EXPECT(bench, bench_stats(bench)->tcp.resets_received == 0 && bench->out_packets == 0);
    bench->memory_bound = BLIND_MEMORY;
    bench_end(bench);
}

static void blind_rst(struct bench *bench)
{
    blind_run(bench, 65536, blind_rst_one);
}

static void blind_syn(struct bench *bench)
{
    blind_run(bench, 65536, blind_syn_one);
}

static void blind_data(struct bench *bench)
{
    blind_run(bench, 65536, blind_data_one);
}

static void blind_ack(struct bench *bench)
{
    blind_run(bench, 65536, blind_ack_one);
}

/* ---- what an attacker can learn ---- */

enum { OBSERVERS = 8, OBSERVER_PROBES = 400 };

struct observed {
    uint32_t answers[OBSERVERS];
    uint32_t acks; /* on his own connection */
    uint32_t seq, ack;
    bool open;
};

static void observe(struct bench *bench, const struct seen *seen)
{
    struct observed *observed = bench->options.ctx;
    if (seen->to.b[12] != 99)
        return;
    if ((seen->flags & TCPIP_TCP_SYN) != 0) {
        observed->ack = seen->seq + 1;
        observed->open = true;
    } else if (seen->to.b[13] == 1) {
        observed->acks++;
    } else {
        observed->answers[seen->to.b[15] % OBSERVERS]++;
    }
}

enum blind_kind { BLIND_SYN, BLIND_RST, BLIND_FAR_ACK, BLIND_UDP, BLIND_KINDS };

/* He forges, in the name of the client and about a port that is in use there or isn't, then counts what he gets. */
static void blind_look(struct bench *bench, enum blind_kind kind, bool there, struct observed *out)
{
    static const uint16_t flags[] = {TCPIP_TCP_SYN, TCPIP_TCP_RST, TCPIP_TCP_ACK};
    *out = (struct observed){.seq = 1000};
    bench_begin(bench, &(struct bench_options){.on_out = observe, .ctx = out});
    struct segment own = {.from = ip4(99, 1, 0, 1),
                          .to = bench_victim(bench),
                          .source = 5000,
                          .destination = DEAF_PORT,
                          .flags = TCPIP_TCP_SYN,
                          .seq = 999,
                          .window = 1000};
    bench_attack_tcp(bench, &own);
    own.flags = TCPIP_TCP_ACK;
    own.seq = 1000;
    own.ack = out->ack;
    bench_attack_tcp(bench, &own);
    bench_run(bench, TCPIP_SECOND);
    for (int i = 0; i < 300; i++) {
        struct segment forged = blind_segment(bench, kind < BLIND_UDP ? flags[kind] : 0);
        struct datagram datagram = {forged.from, forged.to, 4000, there ? UDP_PORT : UDP_PORT + 1, 10};
        forged.source = there ? forged.source : 7;
        forged.destination = there ? ECHO_PORT : 8888;
        forged.seq += kind == BLIND_RST ? 100 : 0x20000000u;
        bench_attack_ip(bench,
                        kind < BLIND_UDP ? craft_tcp(bench->packet, &forged) : craft_udp(bench->packet, &datagram));
    }
    for (uint32_t i = 0; i < OBSERVERS * OBSERVER_PROBES; i++) {
        struct ip from = ip4(99, 0, 0, (uint8_t)(i % OBSERVERS + OBSERVERS));
        struct segment probe = {.from = from,
                                .to = bench_victim(bench),
                                .source = 6000,
                                .destination = 8889,
                                .flags = TCPIP_TCP_SYN,
                                .seq = i,
                                .window = 1000};
        struct datagram datagram = {from, bench_victim(bench), 6000, 8889, 10};
        bench_attack_ip(bench,
                        kind < BLIND_UDP ? craft_tcp(bench->packet, &probe) : craft_udp(bench->packet, &datagram));
    }
    for (uint32_t i = 0; i < 400; i++) {
        own.seq = 1000 + 0x20000000u + i;
        bench_attack_tcp(bench, &own);
    }
    bench->memory_bound = 1 << 19; /* a queue of datagrams */
    bench_end(bench);
}

/* What he sees is the same to the last packet, whether his forgeries hit something or not. */
static void blind_channel(struct bench *bench)
{
    struct bench *worlds[2] = {bench, bench};
    for (int kind = 0; kind < BLIND_KINDS; kind++) {
        struct observed seen[2];
        for (int there = 0; there < 2; there++) {
            struct bench fresh = {.scale = bench->scale, .name = bench->name, .what = bench->what};
            uint64_t measured = bench->measured;
            memcpy(fresh.failure, bench->failure, sizeof(fresh.failure));
            *worlds[there] = fresh;
            bench->measured = measured;
            blind_look(bench, (enum blind_kind)kind, there != 0, &seen[there]);
        }
        EXPECT(bench, seen[0].open && seen[0].acks >= 1 && seen[0].answers[0] >= 3);
        EXPECT(bench, seen[0].acks == seen[1].acks);
        if (memcmp(seen[0].answers, seen[1].answers, sizeof(seen[0].answers)) != 0)
            bench_fail(bench, "kind %d: the answers to others tell whether the forged packets hit", kind);
    }
}

const struct attack attacks_blind[] = {
    {"blind/rst", "resets all over the sequence numbers of a connection", blind_rst},
    {"blind/syn", "SYNs all over them", blind_syn},
    {"blind/data", "data at the right one, all acknowledgments", blind_data},
    {"blind/ack", "ACKs out of the window", blind_ack},
    {"blind/channel", "probes that would tell whether a forgery hit", blind_channel},
    {0},
};
