// SPDX-License-Identifier: MIT
/* limits.c: the presets of struct tcpip_limits, and why each value is what it is.
 *
 * TINY is sized backwards from its promise: 1,000 flows move data in 5 MB in all. A flow that has data in flight costs
 * its endpoint (0.5 KB), a hot block (about 1 KB) and what it sends, 3 KB at most; that times 1,000 is 4.5 MB, and the
 * rest are tables. Received data come on top only while nobody reads them; then the budget as a whole shrinks windows.
 * Who has ten flows rather than a thousand raises the buffers in a copy of the preset.
 *
 * DEFAULT follows what Linux gives a program that asks for nothing, so that programs find the room they are used to.
 * SERVER is a million endpoints: 0.5 GB cold, buffers for those that are awake.
 *
 * Owns:        nothing.
 * Invariants:  every field has a row below, and no value is zero, which stands for "not given".
 * Not here:    what happens at each limit: beside the field, in tcpip/env.h.
 */
#include "base/limits.h"

#include "base/compiler.h"
#include "base/math.h"

#include <string.h>

#define KIB(n) ((n)*1024u)
#define MIB(n) ((n)*1024u * 1024u)

/* X(field, TINY, DEFAULT, SERVER)
 *
 * memory_bytes             SERVER: 8 KB an endpoint on the average, of which most idle ones use 0.5.
 * nics                     a device; a host; a router of tenants.
 * addresses_per_nic        IPv6 alone takes one per router prefix and kind: link-local, stable, temporary.
 * routes                   a lookup costs the same at any count; a route is some 64 bytes.
 * endpoints                TINY: 1,000 flows, their listeners and some datagram endpoints.
 * neighbors                as Linux's gc_thresh3, 1024; a scan of a /64 can fill it, hence evict and no more.
 * path_mtus                100 bytes each; as many paths as neighbours, for one reason: strangers can fill it.
 * neighbor_pending         RFC 4861 7.2.2 asks for one at the least; a first flight of TCP is ten segments.
 * fragment_bytes           Linux's ipfrag_high_thresh; TINY: one datagram of the greatest size, with what it pins.
 * fragment_datagrams       what a stranger can make us keep for 30 s; the loss of one is a retransmission.
 * nic_queue_packets        Linux's txqueuelen; 1,000 packets at 1 Gbit/s are 12 ms.
 * syn_received             128 bytes each; beyond, cookies serve as well but for the options they can't carry.
 * time_wait                160 bytes each; over 60 s (2 MSL) SERVER's are 17,000 closes a second.
 * accept_backlog           somaxconn since Linux 5.4; SERVER: what fits in a second of accepts.
 * tcp_send_buffer_max      TINY: two full segments, the least that lets the peer ack every second one. Then Linux's
 *                          tcp_wmem, and 10 Gbit/s over 50 ms.
 * tcp_receive_buffer_max   TINY: four segments: when one is lost, three are left to tell by duplicate acks. Then as
 *                          above, with tcp_rmem.
 * tcp_records              one for each segment of 1460 bytes of the greatest send buffer; TINY: shorter segments too.
 * tcp_out_of_order         blocks between holes; an honest path makes tens, a hostile peer one per byte.
 * tcp_fast_open_peers      72 bytes each, taken at the first one; who talks to more has little use for each.
 * datagram_queue_bytes     Linux's rmem_default; TINY: two DNS answers of 4 KB.
 * icmp_errors_per_second   Linux's icmp_msgs_per_sec; an error is a favour and an amplifier.
 * lent_buffers             a quarter of a usual ring (AF_XDP's have 4096): the link goes on receiving.
 * turn_budget              at 1 us a unit a turn ends within a quarter of a millisecond; TINY: within a tenth.
 */
#define LIMITS(X)                                         \
    X(memory_bytes, 5000000, MIB(256), (uint64_t)8 << 30) \
    X(nics, 4, 64, 4096)                                  \
    X(addresses_per_nic, 8, 64, 1024)                     \
    X(routes, 16, 1024, 65536)                            \
    X(endpoints, 1100, 16384, 1u << 20)                   \
    X(neighbors, 64, 1024, 65536)                         \
    X(path_mtus, 64, 1024, 65536)                         \
    X(neighbor_pending, 2, 16, 16)                        \
    X(fragment_bytes, KIB(256), MIB(4), MIB(16))          \
    X(fragment_datagrams, 4, 256, 4096)                   \
    X(nic_queue_packets, 64, 1000, 10000)                 \
    X(syn_received, 64, 1024, 1u << 18)                   \
    X(time_wait, 256, 16384, 1u << 20)                    \
    X(accept_backlog, 16, 4096, 65535)                    \
    X(tcp_send_buffer_max, 2 * 1460, MIB(4), MIB(64))     \
    X(tcp_receive_buffer_max, 4 * 1460, MIB(6), MIB(64))  \
    X(tcp_records, 16, 4096, 49152)                       \
    X(tcp_out_of_order, 4, 512, 4096)                     \
    X(tcp_fast_open_peers, 16, 256, 4096)                 \
    X(datagram_queue_bytes, KIB(8), KIB(208), KIB(208))   \
    X(icmp_errors_per_second, 100, 1000, 10000)           \
    X(lent_buffers, 64, 1024, 16384)                      \
    X(turn_budget, 100, 256, 256)

enum {
#define LIMIT_COUNT(field, tiny, normal, server) LIMIT_COUNT_##field,
    LIMITS(LIMIT_COUNT)
#undef LIMIT_COUNT
        LIMIT_FIELDS
};

/* size and memory_bytes, then nothing but uint32_t: a field without a row doesn't pass. */
STATIC_ASSERT(offsetof(struct tcpip_limits, turn_budget) ==
              offsetof(struct tcpip_limits, nics) + (LIMIT_FIELDS - 2) * sizeof(uint32_t));

void tcpip_limits_tiny(struct tcpip_limits *out)
{
#define LIMIT_TINY(field, tiny, normal, server) .field = (tiny),
    *out = (struct tcpip_limits){.size = sizeof(*out), LIMITS(LIMIT_TINY)};
#undef LIMIT_TINY
}

void tcpip_limits_default(struct tcpip_limits *out)
{
#define LIMIT_DEFAULT(field, tiny, normal, server) .field = (normal),
    *out = (struct tcpip_limits){.size = sizeof(*out), LIMITS(LIMIT_DEFAULT)};
#undef LIMIT_DEFAULT
}

void tcpip_limits_server(struct tcpip_limits *out)
{
#define LIMIT_SERVER(field, tiny, normal, server) .field = (server),
    *out = (struct tcpip_limits){.size = sizeof(*out), LIMITS(LIMIT_SERVER)};
#undef LIMIT_SERVER
}

void tcpip__limits_complete(const struct tcpip_limits *given, struct tcpip_limits *out)
{
    struct tcpip_limits known = {.size = 0};
    if (given != NULL) /* a caller built against another version of the struct may know fewer fields, or more */
        memcpy(&known, given, min_size(given->size, sizeof(known)));
    tcpip_limits_default(out);
#define LIMIT_TAKE(field, tiny, normal, server) \
    if (known.field != 0)                       \
        out->field = known.field;
    LIMITS(LIMIT_TAKE)
#undef LIMIT_TAKE
}
