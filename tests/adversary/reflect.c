// SPDX-License-Identifier: MIT
/* reflect.c: forged packets in somebody's name, so that we flood him: what leaves for what came in, in bytes, to the
 * end of every retransmission.
 *
 * What must hold: one packet at most for each, no longer than what asked for it but for the headers of an ICMP error
 * and the options that a SYN-ACK answers with; SYN-ACKs again, and errors, only as many as one address is allowed.
 *
 * Not here: floods from everywhere (flood.c). */
#include "bench.h"

static const struct ip *reflect_mark(struct bench *bench)
{
    static struct ip mark;
    mark = bench->options.v6 ? ip6_of(0x20010db800000000u, 0x99) : ip4(99, 0, 0, 1);
    return &mark;
}

static struct segment reflect_segment(struct bench *bench, uint32_t i, uint16_t port, uint16_t flags)
{
    return (struct segment){.from = *reflect_mark(bench),
                            .to = bench_victim(bench),
                            .source = (uint16_t)(1024 + i % 60000),
                            .destination = port,
                            .flags = flags,
                            .seq = 7,
                            .ack = flags & TCPIP_TCP_ACK ? i : 0,
                            .window = 65535};
}

static void reflect_syn_one(struct bench *bench, uint32_t i)
{
    struct segment syn = reflect_segment(bench, i, ECHO_PORT, TCPIP_TCP_SYN);
    syn.options = (struct tcpip_tcp_options){.present = TCPIP_TCP_HAS_MSS, .mss = 1460};
    bench_attack_tcp(bench, &syn);
}

/* The same few connections again and again: each SYN, and each segment besides, would draw an answer. */
static void reflect_again_one(struct bench *bench, uint32_t i)
{
    struct segment again = reflect_segment(bench, i % 4, ECHO_PORT, i % 8 < 4 ? TCPIP_TCP_SYN : TCPIP_TCP_ACK);
    again.seq += again.flags == TCPIP_TCP_SYN ? 0 : 0x10000000u;
    bench_attack_tcp(bench, &again);
}

static void reflect_closed_one(struct bench *bench, uint32_t i)
{
    struct segment syn = reflect_segment(bench, i, 999, TCPIP_TCP_SYN);
    bench_attack_tcp(bench, &syn);
}

static void reflect_udp_one(struct bench *bench, uint32_t i)
{
    struct datagram datagram = {*reflect_mark(bench), bench_victim(bench), (uint16_t)(1024 + i), 999, 4};
    bench_attack_ip(bench, craft_udp(bench->packet, &datagram));
}

/* A cookie that isn't ours, and data: an ordinary handshake, and the data are forgotten. */
static void reflect_fast_open_one(struct bench *bench, uint32_t i)
{
    struct segment syn = reflect_segment(bench, i, ECHO_PORT, TCPIP_TCP_SYN);
    syn.bytes = 100;
    syn.options = (struct tcpip_tcp_options){.present = TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_FAST_OPEN,
                                             .mss = 1460,
                                             .fast_open_bytes = 8,
                                             .fast_open = {1, 2, 3, 4, 5, 6, 7, (uint8_t)i}};
    bench_attack_tcp(bench, &syn);
}

/* So many at 1,000 a second, and then five minutes in which everything that would be sent again is. */
static void reflect_run(struct bench *bench, bool v6, uint32_t slice, uint32_t whole, uint64_t bytes_permille,
                        void (*one)(struct bench *bench, uint32_t i))
{
    bench_begin(bench, &(struct bench_options){.v6 = v6});
    if (one == reflect_fast_open_one) {
        enum tcpip_error error = tcpip_endpoint_set_option(bench->listeners[0], TCPIP_OPTION_FAST_OPEN, 64);
        EXPECT(bench, error == TCPIP_OK);
        error = tcpip_stack_set_default(bench->victim.stack, TCPIP_OPTION_FAST_OPEN_MODE,
                                        TCPIP_FAST_OPEN_CLIENT | TCPIP_FAST_OPEN_SERVER);
        EXPECT(bench, error == TCPIP_OK);
    }
    uint32_t amount = bench_amount(bench, slice, whole);
    bench_flood(bench, amount, 1000, one);
    bench->flowing = false; /* five minutes of bytes would only take time */
    bench_run(bench, 300 * TCPIP_SECOND);
    if (bench->scale != BENCH_COUNT && bench_bytes_ratio(bench) > bytes_permille)
        bench_fail(bench, "%llu bytes left for %llu", (unsigned long long)bench->out_bytes,
                   (unsigned long long)bench->in_bytes);
    bench->memory_bound = 1 << 19;
    bench_end(bench);
}

/* SYN-ACKs again to one address: 16 at once, then one in a second, for as long as records live. */
static void reflect_syn(struct bench *bench)
{
    reflect_run(bench, false, 500, 20000, 1200, reflect_syn_one);
}

static void reflect_syn6(struct bench *bench)
{
    reflect_run(bench, true, 500, 20000, 1200, reflect_syn_one);
}

static void reflect_again(struct bench *bench)
{
    reflect_run(bench, false, 5000, 20000, 100, reflect_again_one);
}

static void reflect_closed(struct bench *bench)
{
    reflect_run(bench, false, 5000, 20000, 1000, reflect_closed_one);
}

static void reflect_udp(struct bench *bench)
{
    reflect_run(bench, false, 5000, 20000, 100, reflect_udp_one);
}

static void reflect_udp6(struct bench *bench)
{
    reflect_run(bench, true, 5000, 20000, 100, reflect_udp_one);
}

static void reflect_fast_open(struct bench *bench)
{
    reflect_run(bench, false, 5000, 20000, 1000, reflect_fast_open_one);
}

const struct attack attacks_reflect[] = {
    {"reflect/syn", "SYNs in one host's name, to the last SYN-ACK", reflect_syn},
    {"reflect/syn6", "the same over IPv6", reflect_syn6},
    {"reflect/again", "SYNs and ACKs of the same half-open connections", reflect_again},
    {"reflect/closed", "SYNs to a closed port in one host's name", reflect_closed},
    {"reflect/udp", "datagrams to a closed port in one host's name", reflect_udp},
    {"reflect/udp6", "the same over IPv6", reflect_udp6},
    {"reflect/fast-open", "SYNs with data and a forged cookie", reflect_fast_open},
    {0},
};
