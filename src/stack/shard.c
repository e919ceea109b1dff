// SPDX-License-Identifier: MIT
/* shard.c: which of several stacks a packet belongs to.
 *
 * The two ends of a flow are put in the order of their bytes before they are hashed: that makes the hash the same for
 * both directions, without what a sum or an exclusive or of two hashes would lose, and what an ICMP error quotes (a
 * packet of ours, on its way out) leads to the shard that sent it.
 *
 * A packet is read here before any stack has checked it, so nothing in it is believed: a header counts as far as its
 * bytes are there, and lengths that lie lead to some shard or other, where they are found out.
 *
 * Owns:       stack->shards, stack->shard.
 * Not here:   moving packets between threads; steering among listeners of one stack (demux.c). */
#include "stack/shard.h"

#include "base/math.h"
#include "base/siphash.h"
#include "stack/nic.h"

#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/shard.h>

enum {
    SHARD_END_BYTES = 18, /* address and port */
    SHARD_ICMP_BYTES = 8, /* before what an error quotes */
    SHARD_PORTS_BYTES = 4,
    ICMPV6_MLD_FIRST = 130, /* and right behind it */
    ICMPV6_NDP_LAST = 137,
    ICMPV6_MLD2 = 143,
};

/* What is hashed; no padding. */
struct shard_flow {
    uint8_t end[2][SHARD_END_BYTES];
    uint8_t transport;
};

/* An IP packet as far as it matters here. */
struct shard_packet {
    struct shard_flow flow;
    const uint8_t *upper; /* behind the IP headers */
    size_t upper_bytes;
    bool fragment, for_all, v6;
};

static uint32_t shard_of(const struct tcpip_shards *shards, struct shard_flow *flow)
{
    uint8_t swap[SHARD_END_BYTES];
    struct siphash_key key = tcpip__siphash_key_bytes(shards->key);
    if (memcmp(flow->end[0], flow->end[1], SHARD_END_BYTES) > 0) {
        memcpy(swap, flow->end[0], sizeof(swap));
        memcpy(flow->end[0], flow->end[1], sizeof(swap));
        memcpy(flow->end[1], swap, sizeof(swap));
    }
    uint64_t hash = tcpip__siphash(&key, flow, sizeof(*flow));
    return (uint32_t)((hash >> 32) * max_u32(shards->count, 1) >> 32);
}

static void shard_address_v4(uint8_t *end, const uint8_t *four_bytes)
{
    end[10] = end[11] = 0xff;
    memcpy(end + 12, four_bytes, 4);
}

static bool shard_read_v4(const uint8_t *p, size_t bytes, struct shard_packet *out)
{
    static const uint8_t broadcast[4] = {255, 255, 255, 255};
    if (bytes < TCPIP_IPV4_HEADER_MIN)
        return false;
    size_t header_bytes = tcpip_ipv4_header_bytes(p);
    const uint8_t *destination = tcpip_ipv4_destination(p);
    if (header_bytes < TCPIP_IPV4_HEADER_MIN || header_bytes > bytes)
        return false;
    shard_address_v4(out->flow.end[0], tcpip_ipv4_source(p));
    shard_address_v4(out->flow.end[1], destination);
    out->flow.transport = tcpip_ipv4_protocol(p);
    out->fragment = tcpip_ipv4_is_fragment(p);
    out->for_all = destination[0] >> 4 == 14 || memcmp(destination, broadcast, 4) == 0;
    out->upper = p + header_bytes;
    out->upper_bytes = bytes - header_bytes;
    return true;
}

static bool shard_read_v6(const uint8_t *p, size_t bytes, struct shard_packet *out)
{
    struct tcpip_ipv6_chain chain;
    if (bytes < TCPIP_IPV6_HEADER_BYTES || !tcpip_ipv6_chain_parse(p, bytes, &chain))
        return false;
    memcpy(out->flow.end[0], tcpip_ipv6_source(p), 16);
    memcpy(out->flow.end[1], tcpip_ipv6_destination(p), 16);
    out->flow.transport = chain.upper_protocol;
    out->fragment = chain.fragment_offset != 0 && !tcpip_ipv6_fragment_is_atomic(p + chain.fragment_offset);
    out->for_all = tcpip_ipv6_destination(p)[0] == 0xff;
    out->v6 = true;
    out->upper = p + chain.upper_offset;
    out->upper_bytes = bytes - chain.upper_offset;
    if (out->fragment) /* what follows the fragment header may be an extension, but only in the first of them */
        out->flow.transport = tcpip_ipv6_fragment_next_header(p + chain.fragment_offset);
    return true;
}

static bool shard_read(const uint8_t *p, size_t bytes, struct shard_packet *out)
{
    memset(out, 0, sizeof(*out));
    if (bytes == 0)
        return false;
    return p[0] >> 4 == 4 ? shard_read_v4(p, bytes, out) : p[0] >> 4 == 6 && shard_read_v6(p, bytes, out);
}

static bool shard_is_icmp(const struct shard_packet *packet)
{
    return packet->flow.transport == (packet->v6 ? TCPIP_PROTOCOL_ICMPV6 : TCPIP_PROTOCOL_ICMPV4) &&
           !packet->fragment && packet->upper_bytes >= SHARD_ICMP_BYTES;
}

static bool shard_is_discovery(const struct shard_packet *packet)
{
    uint8_t type = packet->upper[0];
    return packet->v6 && ((type >= ICMPV6_MLD_FIRST && type <= ICMPV6_NDP_LAST) || type == ICMPV6_MLD2);
}

static bool shard_quotes(const struct shard_packet *packet)
{
    uint8_t type = packet->upper[0];
    return packet->v6 ? tcpip_icmpv6_is_error(type) : tcpip_icmpv4_is_error(type);
}

static void shard_take_ports(struct shard_packet *packet)
{
    bool has_ports = packet->flow.transport == TCPIP_PROTOCOL_TCP || packet->flow.transport == TCPIP_PROTOCOL_UDP;
    if (!has_ports || packet->fragment || packet->upper_bytes < SHARD_PORTS_BYTES)
        return;
    memcpy(packet->flow.end[0] + 16, packet->upper, 2);
    memcpy(packet->flow.end[1] + 16, packet->upper + 2, 2);
}

uint32_t tcpip_shard_of_packet(const struct tcpip_shards *shards, const void *packet, size_t bytes)
{
    struct shard_packet read, quoted;
    if (!shard_read(packet, bytes, &read))
        return 0;
    if (read.for_all || (shard_is_icmp(&read) && shard_is_discovery(&read)))
        return TCPIP_SHARD_ALL;
    if (shard_is_icmp(&read) && shard_quotes(&read) &&
        shard_read(read.upper + SHARD_ICMP_BYTES, read.upper_bytes - SHARD_ICMP_BYTES, &quoted))
        read = quoted;
    shard_take_ports(&read);
    return shard_of(shards, &read.flow);
}

static void shard_end(uint8_t *end, const struct tcpip_address *address, uint16_t port)
{
    if (address->len == 4)
        shard_address_v4(end, address->bytes);
    else
        memcpy(end, address->bytes, 16);
    tcpip_store_u16(end + 16, port);
}

uint32_t tcpip_shard_of_flow(const struct tcpip_shards *shards, uint32_t transport,
                             const struct tcpip_full_address *one, const struct tcpip_full_address *other)
{
    struct shard_flow flow = {.transport = (uint8_t)transport};
    shard_end(flow.end[0], &one->address, one->port);
    shard_end(flow.end[1], &other->address, other->port);
    return shard_of(shards, &flow);
}

enum tcpip_error tcpip_stack_set_shard(struct tcpip_stack *stack, const struct tcpip_shards *shards, uint32_t index)
{
    if (shards != NULL && index >= shards->count)
        return TCPIP_ERR_INVALID_ARGUMENT;
    stack->shards = shards != NULL ? *shards : (struct tcpip_shards){.count = 0};
    stack->shard = index;
    return TCPIP_OK;
}

bool tcpip__shard_is_home(const struct tcpip_stack *stack, uint8_t transport, const struct flow *flow)
{
    struct shard_flow hashed = {.transport = transport};
    if (likely(stack->shards.count <= 1))
        return true;
    memcpy(hashed.end[0], flow->local, 16);
    memcpy(hashed.end[1], flow->remote, 16);
    tcpip_store_u16(hashed.end[0] + 16, flow->local_port);
    tcpip_store_u16(hashed.end[1] + 16, flow->remote_port);
    return shard_of(&stack->shards, &hashed) == stack->shard;
}
