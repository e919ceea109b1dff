// SPDX-License-Identifier: MIT
/* ipv6_input.c: IPv6 packets that arrive (RFC 8200).
 *
 * The fixed header, link padding, addresses that can be, a destination that is ours; then the chain of extension
 * headers, one at a time in the order in which they stand (RFC 8200 4.1), each may end the matter: an option that says
 * so by its action bits, a routing header that wants to go on, a fragment that waits for the others. What is left is
 * ICMPv6's or a transport's. A packet without extension headers, nearly every one, sees none of this.
 *
 * The chain must lie in the first IPV6_CHAIN_BYTES (RFC 7112 wants it in one minimal packet) and in the first fragment;
 * the number of headers and of options is limited, for each costs us more than it costs the sender (RFC 8504 5.3).
 *
 * Owns:       nothing.
 * Invariants: a v4-mapped address never comes up from a wire, so that inside they mean IPv4 and nothing else; a packet
 *             is reassembled at most once.
 * Not here:   forwarding (packets for others are dropped); reassembly.c; icmpv6.c; ndp.c. */
#include "base/math.h"
#include "network/ip.h"

#include <tcpip/header/ipv6.h>

enum {
    IPV6_CHAIN_BYTES = TCPIP_IPV6_MTU_MIN,
    IPV6_OPTIONS_MAX = 8, /* of those that aren't padding, in one header (RFC 8504 5.3) */
    IPV6_POINTER_PAYLOAD_LENGTH = 4,
    IPV6_SCOPE_INTERFACE = 1, /* RFC 4291 2.7: 0 is reserved, 1 never leaves a node */
};

/* What a step down the chain came to. Dropping is the caller's; answering was the step's. */
enum ipv6_step {
    IPV6_STEP_ON,    /* go on where the walker stands */
    IPV6_STEP_TAKEN, /* the packet is gone */
    IPV6_STEP_DROP,  /* drop it, with the walk's reason */
};

/* A packet on its way down the chain. */
struct ipv6_walk {
    struct tcpip_nic *nic;
    struct tcpip_packet *packet;
    struct tcpip_ipv6_walker walker;
    enum tcpip_drop reason; /* with IPV6_STEP_DROP */
};

/* ---- addresses ---- */

static bool ipv6_source_ok(const struct tcpip_nic *nic, const uint8_t *source, const uint8_t *destination)
{
    if (address_is_v4(source) || address_is_multicast(source))
        return false;
    if (address_is_loopback(source))
        return (nic->caps.flags & TCPIP_LINK_LOOPBACK) != 0;
    /* Who has no address yet speaks to groups only: duplicate detection, router solicitation, MLD. */
    return !address_is_zero(source) || address_is_multicast(destination);
}

static bool ipv6_destination_ok(const struct tcpip_nic *nic, const uint8_t *destination)
{
    bool loopback = (nic->caps.flags & TCPIP_LINK_LOOPBACK) != 0;
    if (address_is_v4(destination) || address_is_zero(destination))
        return false;
    if (address_is_multicast(destination))
        return (destination[1] & 15) > (loopback ? 0 : IPV6_SCOPE_INTERFACE);
    return loopback || !address_is_loopback(destination);
}

/* Fills in packet->network. TCPIP_DROP_COUNT: ours. */
static enum tcpip_drop ipv6_addresses(struct tcpip_nic *nic, struct tcpip_packet *packet, const uint8_t *header)
{
    struct tcpip_packet_network *network = &packet->network;
    struct tcpip_stats_ip *stats = &nic->stack->stats.ipv6;

    memcpy(network->source, tcpip_ipv6_source(header), 16);
    memcpy(network->destination, tcpip_ipv6_destination(header), 16);
    network->upper_bytes = tcpip_ipv6_payload_length(header);
    network->protocol = (uint16_t)TCPIP_PROTOCOL_IPV6;
    network->transport = tcpip_ipv6_next_header(header);
    network->ttl = tcpip_ipv6_hop_limit(header);
    network->tos = tcpip_ipv6_traffic_class(header);
    network->was_fragmented = false;
    network->local = DESTINATION_NONE;
    if (!ipv6_destination_ok(nic, network->destination)) {
        stats->invalid_destination_addresses_received++;
        return TCPIP_DROP_IP_MARTIAN_DESTINATION;
    }
    if (!ipv6_source_ok(nic, network->source, network->destination) || !ip_source_foreign(packet)) {
        stats->invalid_source_addresses_received++;
        return TCPIP_DROP_IP_MARTIAN_SOURCE;
    }
    network->local = (uint8_t)tcpip__nic_destination(nic, network->destination);
    if (network->local == DESTINATION_NONE) {
        stats->invalid_destination_addresses_received++;
        return TCPIP_DROP_IP_NOT_LOCAL;
    }
    return TCPIP_DROP_COUNT;
}

/* ---- extension headers ---- */

static bool ipv6_has_extensions(uint8_t next_header)
{
    return next_header == TCPIP_IPV6_HOP_BY_HOP || next_header == TCPIP_IPV6_ROUTING ||
           next_header == TCPIP_IPV6_FRAGMENT || next_header == TCPIP_IPV6_DESTINATION_OPTIONS ||
           next_header == TCPIP_IPV6_NO_NEXT_HEADER;
}

static enum ipv6_step ipv6_drop(struct ipv6_walk *walk, enum tcpip_drop reason)
{
    walk->reason = reason;
    return IPV6_STEP_DROP;
}

static enum ipv6_step ipv6_problem(struct ipv6_walk *walk, enum tcpip_drop reason, enum tcpip_icmp_kind kind,
                                   size_t pointer)
{
    tcpip__icmpv6_send_error(walk->nic, walk->packet, kind, (uint32_t)pointer);
    return ipv6_drop(walk, reason);
}

/* An option we don't know says itself what is to be done (RFC 8200 4.2). */
static enum ipv6_step ipv6_unknown_option(struct ipv6_walk *walk, const struct tcpip_ipv6_option *option)
{
    walk->nic->stack->stats.ipv6.option_unknown_received++;
    switch (tcpip_ipv6_option_action(option->type)) {
    case TCPIP_IPV6_ACTION_SKIP:
        return IPV6_STEP_ON;
    case TCPIP_IPV6_ACTION_DISCARD:
        return ipv6_drop(walk, TCPIP_DROP_IP_BAD_EXTENSION);
    case TCPIP_IPV6_ACTION_DISCARD_ICMP_UNICAST:
        if (walk->packet->network.local != DESTINATION_UNICAST)
            return ipv6_drop(walk, TCPIP_DROP_IP_BAD_EXTENSION);
        break;
    case TCPIP_IPV6_ACTION_DISCARD_ICMP:
        break;
    }
    return ipv6_problem(walk, TCPIP_DROP_IP_BAD_EXTENSION, TCPIP_ICMP_UNKNOWN_OPTION, option->offset);
}

static enum ipv6_step ipv6_options(struct ipv6_walk *walk, const struct tcpip_ipv6_extension *extension)
{
    struct tcpip_ipv6_option_iterator it;
    struct tcpip_ipv6_option option;
    uint32_t count = 0;

    tcpip_ipv6_options_begin(&it, extension);
    while (tcpip_ipv6_options_next(&it, &option)) {
        if (++count > IPV6_OPTIONS_MAX)
            return ipv6_drop(walk, TCPIP_DROP_IP_EXTENSION_LIMIT);
        if (option.type == TCPIP_IPV6_OPTION_ROUTER_ALERT && extension->type == TCPIP_IPV6_HOP_BY_HOP) {
            walk->nic->stack->stats.ipv6.option_router_alert_received++;
            continue;
        }
        enum ipv6_step step = ipv6_unknown_option(walk, &option);
        if (step != IPV6_STEP_ON)
            return step;
    }
    return it.malformed
               ? ipv6_problem(walk, TCPIP_DROP_IP_BAD_EXTENSION, TCPIP_ICMP_PARAMETER_PROBLEM, it.problem_offset)
               : IPV6_STEP_ON;
}

/* We are nobody's waypoint. With nothing left to visit the header is of no interest (RFC 8200 4.4). */
static enum ipv6_step ipv6_routing(struct ipv6_walk *walk, const struct tcpip_ipv6_extension *extension)
{
    if (tcpip_ipv6_routing_segments_left(extension->data) == 0)
        return IPV6_STEP_ON;
    return ipv6_problem(walk, TCPIP_DROP_IP_BAD_EXTENSION, TCPIP_ICMP_PARAMETER_PROBLEM, extension->offset + 2);
}

/* ---- fragments ---- */

/* True if the first fragment holds the chain up to the upper header (RFC 7112). The walker goes ahead on a copy. */
static bool ipv6_chain_is_whole(const struct ipv6_walk *walk)
{
    struct tcpip_ipv6_walker ahead = walk->walker;
    struct tcpip_ipv6_extension extension;
    enum tcpip_ipv6_walk verdict;
    while ((verdict = tcpip_ipv6_walk_next(&ahead, &extension)) == TCPIP_IPV6_WALK_EXTENSION)
        ;
    /* Of an upper header no more than its first byte is asked for: shorter ones exist, and theirs is to check it. */
    return verdict == TCPIP_IPV6_WALK_NO_NEXT || (verdict == TCPIP_IPV6_WALK_UPPER && ahead.offset < ahead.end) ||
           verdict == TCPIP_IPV6_WALK_BAD_ORDER || verdict == TCPIP_IPV6_WALK_TOO_MANY;
}

/* What a fragment by itself can be wrong in (RFC 8200 4.5). `header`: the fragment header's offset. */
static enum ipv6_step ipv6_fragment_check(struct ipv6_walk *walk, const struct reassembly_fragment *fragment,
                                          size_t header)
{
    size_t behind_fixed = fragment->header_bytes - TCPIP_IPV6_HEADER_BYTES - TCPIP_IPV6_FRAGMENT_BYTES;
    if (fragment->begin == fragment->end)
        return ipv6_drop(walk, TCPIP_DROP_FRAGMENT_MALFORMED);
    if (fragment->more && fragment->end % 8 != 0)
        return ipv6_problem(walk, TCPIP_DROP_FRAGMENT_MALFORMED, TCPIP_ICMP_PARAMETER_PROBLEM,
                            IPV6_POINTER_PAYLOAD_LENGTH);
    if (fragment->end + behind_fixed > TCPIP_IPV6_PAYLOAD_MAX)
        return ipv6_problem(walk, TCPIP_DROP_FRAGMENT_MALFORMED, TCPIP_ICMP_PARAMETER_PROBLEM, header + 2);
    if (fragment->begin == 0 && !ipv6_chain_is_whole(walk))
        return ipv6_problem(walk, TCPIP_DROP_FRAGMENT_MALFORMED, TCPIP_ICMP_INCOMPLETE_FIRST_FRAGMENT, 0);
    return fragment->header_bytes > IP_REASSEMBLY_HEADER_MAX ? ipv6_drop(walk, TCPIP_DROP_IP_EXTENSION_LIMIT)
                                                             : IPV6_STEP_ON;
}

/* The datagram's header, from its first fragment's: the fragment header goes, what named it names what it named. */
static void ipv6_unfragment(struct reassembled *whole, size_t type_offset)
{
    struct tcpip_packet *packet = whole->packet;
    uint8_t *header = tcpip_packet_pull(packet, 0, whole->header_bytes);
    uint32_t keep = whole->header_bytes - TCPIP_IPV6_FRAGMENT_BYTES;

    header[type_offset] = tcpip_ipv6_fragment_next_header(header + keep);
    memmove(header + TCPIP_IPV6_FRAGMENT_BYTES, header, keep);
    tcpip_packet_trim_front(packet, TCPIP_IPV6_FRAGMENT_BYTES);
    header += TCPIP_IPV6_FRAGMENT_BYTES;
    tcpip_ipv6_set_payload_length(header, (uint16_t)(packet->length - TCPIP_IPV6_HEADER_BYTES));
    tcpip_ipv6_set_traffic_class(header, (uint8_t)((tcpip_ipv6_traffic_class(header) & 0xfc) | whole->ecn));
    packet->network.tos = tcpip_ipv6_traffic_class(header);
    packet->network.was_fragmented = true;
}

/* The chain's offset of the byte that names the fragment header, in what came as the first fragment. */
static size_t ipv6_fragment_type_offset(const uint8_t *header, uint32_t header_bytes)
{
    struct tcpip_ipv6_walker walker;
    struct tcpip_ipv6_extension extension;
    size_t type_offset = TCPIP_IPV6_NEXT_HEADER_OFFSET;
    tcpip_ipv6_walk_begin_at(&walker, header, header_bytes, TCPIP_IPV6_HEADER_BYTES, type_offset);
    while (walker.offset < header_bytes && tcpip_ipv6_walk_next(&walker, &extension) == TCPIP_IPV6_WALK_EXTENSION)
        type_offset = extension.type_offset;
    return type_offset;
}

static enum ipv6_step ipv6_fragment(struct ipv6_walk *walk, const struct tcpip_ipv6_extension *extension)
{
    struct tcpip_stack *stack = walk->nic->stack;
    struct tcpip_packet *packet = walk->packet;
    const struct tcpip_packet_network *network = &packet->network;

    if (network->was_fragmented) /* a fragment header inside a datagram that was fragmented: nobody needs that */
        return ipv6_drop(walk, TCPIP_DROP_IP_BAD_EXTENSION);
    if (tcpip_ipv6_fragment_is_atomic(extension->data)) /* RFC 6946: whole by itself, whatever others say */
        return IPV6_STEP_ON;

    bool scoped = network->local != DESTINATION_UNICAST || address_is_link_local(network->destination);
    uint32_t header_bytes = (uint32_t)(extension->offset + extension->bytes);
    uint32_t begin = tcpip_ipv6_fragment_offset(extension->data);
    struct reassembly_fragment fragment = {
        .key = {.id = tcpip_ipv6_fragment_id(extension->data), .nic = scoped ? walk->nic->id : 0, .family = 6},
        .header_bytes = header_bytes,
        .begin = begin,
        .end = begin + (TCPIP_IPV6_HEADER_BYTES + network->upper_bytes - header_bytes),
        .more = tcpip_ipv6_fragment_more(extension->data),
    };
    struct reassembled whole;
    memcpy(fragment.key.source, network->source, 16);
    memcpy(fragment.key.destination, network->destination, 16);

    stack->stats.ipv6.fragments_received++;
    enum ipv6_step step = ipv6_fragment_check(walk, &fragment, extension->offset);
    if (step != IPV6_STEP_ON) {
        stack->stats.ipv6.malformed_fragments_received++;
        return step;
    }
    struct ip_reassembly *reassembly = &tcpip__ip_shared(stack, TCPIP_PROTOCOL_IPV6)->reassembly;
    if (!tcpip__ip_reassembly_add(reassembly, packet, &fragment, &whole))
        return IPV6_STEP_TAKEN;

    walk->packet = whole.packet;
    const uint8_t *header = tcpip_packet_pull(whole.packet, 0, whole.header_bytes);
    size_t type_offset = ipv6_fragment_type_offset(header, whole.header_bytes);
    /* The first fragment's own extension headers may be longer than those of the fragment that was checked last. */
    if (whole.packet->length > TCPIP_IPV6_PAYLOAD_MAX + TCPIP_IPV6_HEADER_BYTES + TCPIP_IPV6_FRAGMENT_BYTES) {
        stack->stats.ipv6.malformed_fragments_received++;
        return ipv6_drop(walk, TCPIP_DROP_FRAGMENT_MALFORMED);
    }
    ipv6_unfragment(&whole, type_offset);
    whole.packet->network.upper_bytes = whole.packet->length - TCPIP_IPV6_HEADER_BYTES;
    /* What follows is payload nearly always, and no reason to copy it together. */
    uint32_t offset = whole.header_bytes - TCPIP_IPV6_FRAGMENT_BYTES;
    const uint8_t *front = tcpip_packet_pull(whole.packet, 0, offset);
    uint32_t front_bytes =
        ipv6_has_extensions(front[type_offset]) ? min_u32(whole.packet->length, IPV6_CHAIN_BYTES) : offset;
    front = tcpip_packet_pull(whole.packet, 0, front_bytes);
    if (front == NULL)
        return ipv6_drop(walk, TCPIP_DROP_NO_MEMORY);
    tcpip_ipv6_walk_begin_at(&walk->walker, front, front_bytes, offset, type_offset);
    return IPV6_STEP_ON;
}

/* ---- the chain ---- */

static enum ipv6_step ipv6_extension(struct ipv6_walk *walk, const struct tcpip_ipv6_extension *extension)
{
    switch (extension->type) {
    case TCPIP_IPV6_HOP_BY_HOP:
        if (walk->packet->network.was_fragmented) /* it was hidden behind the fragment header */
            return ipv6_problem(walk, TCPIP_DROP_IP_BAD_EXTENSION, TCPIP_ICMP_UNKNOWN_NEXT_HEADER,
                                extension->type_offset);
        return ipv6_options(walk, extension);
    case TCPIP_IPV6_DESTINATION_OPTIONS:
        return ipv6_options(walk, extension);
    case TCPIP_IPV6_ROUTING:
        return ipv6_routing(walk, extension);
    default:
        return ipv6_fragment(walk, extension);
    }
}

/* Down to the upper header. True: walk->packet is to be delivered. */
static bool ipv6_walk(struct ipv6_walk *walk)
{
    struct tcpip_ipv6_extension extension;
    enum tcpip_ipv6_walk verdict;
    enum ipv6_step step = IPV6_STEP_ON;

    do {
        verdict = tcpip_ipv6_walk_next(&walk->walker, &extension);
        if (verdict == TCPIP_IPV6_WALK_EXTENSION)
            step = ipv6_extension(walk, &extension);
    } while (verdict == TCPIP_IPV6_WALK_EXTENSION && step == IPV6_STEP_ON);

    switch (verdict) {
    case TCPIP_IPV6_WALK_UPPER:
        return true;
    case TCPIP_IPV6_WALK_NO_NEXT: /* nothing to deliver, nothing lost */
        tcpip_packet_free(walk->packet);
        return false;
    case TCPIP_IPV6_WALK_EXTENSION:
        if (step == IPV6_STEP_TAKEN)
            return false;
        break;
    case TCPIP_IPV6_WALK_BAD_ORDER:
        ipv6_problem(walk, TCPIP_DROP_IP_BAD_EXTENSION, TCPIP_ICMP_UNKNOWN_NEXT_HEADER, walk->walker.type_offset);
        break;
    case TCPIP_IPV6_WALK_TOO_MANY:
        walk->reason = TCPIP_DROP_IP_EXTENSION_LIMIT;
        break;
    case TCPIP_IPV6_WALK_TRUNCATED:
    case TCPIP_IPV6_WALK_FRAGMENT_BODY: /* not reached: the fragment header took the packet */
        walk->reason = TCPIP_DROP_IP_BAD_EXTENSION;
        break;
    }
    if (walk->reason == TCPIP_DROP_IP_BAD_EXTENSION)
        walk->nic->stack->stats.ipv6.malformed_packets_received++;
    tcpip_packet_drop(walk->packet, walk->reason);
    return false;
}

/* `type_offset`: of the byte that names the upper protocol, from the network header on. */
static void ipv6_deliver(struct tcpip_nic *nic, struct tcpip_packet *packet, size_t upper_offset, size_t type_offset)
{
    struct tcpip_packet_network *network = &packet->network;
    packet->transport_offset = (uint16_t)(packet->network_offset + upper_offset);
    network->upper_bytes -= (uint32_t)(upper_offset - TCPIP_IPV6_HEADER_BYTES);
    if (network->transport == TCPIP_PROTOCOL_ICMPV6) {
        nic->stack->stats.ipv6.packets_delivered++;
        tcpip__icmpv6_input(nic, packet);
    } else if (tcpip__stack_transport(nic->stack, network->transport) != NULL) {
        nic->stack->stats.ipv6.packets_delivered++;
        tcpip__transport_deliver(nic, packet);
    } else { /* RFC 8200 4: the pointer is to the byte that names it */
        nic->stack->stats.stack.unknown_protocol_rcvd_packets++;
        tcpip__icmpv6_send_error(nic, packet, TCPIP_ICMP_UNKNOWN_NEXT_HEADER, (uint32_t)type_offset);
        tcpip_packet_drop(packet, TCPIP_DROP_IP_UNKNOWN_NEXT_HEADER);
    }
}

static void ipv6_input_chain(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    struct ipv6_walk walk = {.nic = nic, .packet = packet};
    uint32_t front_bytes = min_u32(packet->length - packet->network_offset, IPV6_CHAIN_BYTES);
    const uint8_t *front = tcpip_packet_pull(packet, packet->network_offset, front_bytes);
    if (front == NULL) {
        tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
        return;
    }
    tcpip_ipv6_walk_begin(&walk.walker, front, front_bytes);
    if (!ipv6_walk(&walk))
        return;
    walk.packet->network.transport = walk.walker.next_header;
    ipv6_deliver(nic, walk.packet, walk.walker.offset, walk.walker.type_offset);
}

void tcpip__ipv6_input(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    struct tcpip_stats_ip *stats = &nic->stack->stats.ipv6;
    uint32_t at = packet->network_offset, left = sat_sub_u32(packet->length, at);

    stats->packets_received++;
    const uint8_t *header =
        left < TCPIP_IPV6_HEADER_BYTES ? NULL : tcpip_packet_pull(packet, at, TCPIP_IPV6_HEADER_BYTES);
    if (header == NULL || !tcpip_ipv6_header_check(header, TCPIP_IPV6_HEADER_BYTES, left)) {
        stats->malformed_packets_received++;
        tcpip_packet_drop(packet, TCPIP_DROP_IP_MALFORMED);
        return;
    }
    tcpip_packet_cap_length(packet, at + TCPIP_IPV6_HEADER_BYTES + tcpip_ipv6_payload_length(header));
    enum tcpip_drop reason = ipv6_addresses(nic, packet, header);
    if (reason != TCPIP_DROP_COUNT)
        tcpip_packet_drop(packet, reason);
    else if (ipv6_has_extensions(packet->network.transport))
        ipv6_input_chain(nic, packet);
    else
        ipv6_deliver(nic, packet, TCPIP_IPV6_HEADER_BYTES, TCPIP_IPV6_NEXT_HEADER_OFFSET);
}
