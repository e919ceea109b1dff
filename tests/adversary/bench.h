// SPDX-License-Identifier: MIT
/* bench.h: the world of every attack: a victim, honest clients, and somebody who writes raw packets; virtual time.
 *
 *     victim 10.0.0.1, fd00::1 ---+--- 10 ms --- clients 10.0.0.2, fd00::2   (a stack of ours, honest)
 *                                 +--- the attacker: any address, any byte, no delay
 *
 * The victim serves: port 80 echoes, port 81 sends without end, port 82 never reads, UDP port 53 listens. Honest flows
 * go on during the attack, and new ones are opened; what became of them is part of the outcome. */
#ifndef TCPIP_TESTS_ADVERSARY_BENCH_H
#define TCPIP_TESTS_ADVERSARY_BENCH_H

#include "craft.h"
#include "test_env.h"

#include <tcpip/tcpip.h>

enum { BENCH_FLOWS_MAX = 16, ECHO_PORT = 80, STREAM_PORT = 81, DEAF_PORT = 82, UDP_PORT = 53 };

/* How far an attack goes: counted in instructions, in make check, in the long run. */
enum bench_scale { BENCH_COUNT, BENCH_SLICE, BENCH_WHOLE };

struct bench;

struct bench_options {
    const struct tcpip_limits *limits;
    bool ethernet; /* with neighbours to be found; the attacker is on the link */
    bool v6;       /* honest flows over IPv6 */
    bool idle;     /* no honest flows */
    /* What the victim sent to neither of the clients' addresses. */
    void (*on_out)(struct bench *bench, const struct seen *seen);
    void *ctx;
};

struct bench_flow {
    struct tcpip_endpoint *client;
    uint64_t wanted, sent, echoed;
    bool failed;
};

struct bench_connect {
    struct tcpip_endpoint *endpoint;
    tcpip_ns began_at;
};

struct bench_wire; /* packets on their way between victim and clients */
struct bench_host {
    struct test_env env;
    struct tcpip_stack *stack;
    struct tcpip_link *channel, *ethernet;
    struct bench_wire *to; /* packets that come to this host */
};

struct bench {
    struct bench_options options;
    enum bench_scale scale;
    const char *name, *what;
    tcpip_ns now, tick_at, connect_at, connect_every_ns;
    struct bench_host victim, clients;
    struct tcpip_endpoint *listeners[3], *udp;
    struct bench_flow flows[BENCH_FLOWS_MAX];
    uint32_t flow_count;
    struct bench_connect connects[64];
    uint32_t connects_begun, connects_good, connects_late, connects_bad; /* late: a SYN had to be sent again */
    uint32_t served; /* connections that the victim's application has */
    bool flowing;
    struct seen sniffed; /* the first honest flow's latest segment to the victim */
    /* the attack */
    uint64_t in_packets, in_bytes, out_packets, out_bytes;
    uint64_t measured; /* packets of it in all, whatever is counted of them */
    uint64_t refused;  /* packets for which the victim had no memory */
    tcpip_ns began_at, took_ns;
    uint64_t memory_before, memory_peak, memory_bound; /* bound: of what the attack adds */
    uint64_t random;
    uint8_t packet[CRAFT_MAX + 64];
    char failure[200];
};

/* A byte of every stream. */
void bench_pattern(uint8_t *out, size_t size, uint64_t at);
uint64_t bench_random(struct bench *bench);
/* slice or whole, and for counting 2,000 at most. */
uint32_t bench_amount(const struct bench *bench, uint32_t slice, uint32_t whole);

extern const uint8_t bench_link_victim[6], bench_link_client[6], bench_link_router[6], bench_link_attacker[6];
struct ip bench_victim(const struct bench *bench); /* of the family of the honest flows */
struct ip bench_client(const struct bench *bench);

/* Makes the world, opens the honest flows, and lets them run until nothing changes any more. */
void bench_begin(struct bench *bench, const struct bench_options *options);
/* One packet of the attacker's; a frame where the link has frames. Counted, and its cost measured. */
void bench_attack(struct bench *bench, const uint8_t *bytes, size_t size);
/* bench->packet, an IP packet: from the router's link address where the link has frames. */
void bench_attack_ip(struct bench *bench, size_t size);
void bench_attack_tcp(struct bench *bench, const struct segment *segment);
/* Time passes. */
void bench_run(struct bench *bench, tcpip_ns duration);
/* `count` calls of `one`, `rate` of them a second. */
void bench_flood(struct bench *bench, uint32_t count, uint32_t rate, void (*one)(struct bench *bench, uint32_t i));
/* Opens an honest connection every so often, from now on; 0: no more. */
void bench_connect_every(struct bench *bench, tcpip_ns interval);
/* The victim's application closes what strangers have opened. */
void bench_close_served(struct bench *bench);
/* Ends honest work, lets what is under way end, judges it, and frees the world. */
void bench_end(struct bench *bench);

/* The first failure of an attack is kept. */
void bench_fail(struct bench *bench, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define EXPECT(bench, condition)                                            \
    do {                                                                    \
        if (!(condition))                                                   \
            bench_fail(bench, "%s:%d: %s", __FILE__, __LINE__, #condition); \
    } while (0)
/* Of the attack's packets and bytes, as permille. */
uint64_t bench_packets_ratio(const struct bench *bench);
uint64_t bench_bytes_ratio(const struct bench *bench);
const struct tcpip_stats *bench_stats(const struct bench *bench);

struct attack {
    const char *name, *what;
    void (*run)(struct bench *bench);
};
/* One list per family, ended by a NULL name. */
extern const struct attack attacks_flood[], attacks_blind[], attacks_hoard[], attacks_segment[], attacks_fragment[],
    attacks_neighbor[], attacks_table[], attacks_path[], attacks_reflect[], attacks_spoof[];

#endif
