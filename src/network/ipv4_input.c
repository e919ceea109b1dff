// SPDX-License-Identifier: MIT
/* ipv4_input.c: IPv4 packets that arrive (RFC 791, RFC 1122 3.2.1).
 *
 * In this order, the cheap and the certain first: the header is well-formed and sums up; link padding goes; the
 * addresses can be (martians); the destination is ours; options are sane; a fragment waits for the others; then ICMP,
 * or the transport protocols. From the step "addresses" on packet->network is filled in, so that whatever fails later
 * may be answered with an ICMP error.
 *
 * Owns:       struct tcpip_ipv4, the protocol's table.
 * Invariants: the packet that goes up is as long as its header says, its header contiguous at network_offset.
 * Not here:   forwarding (packets for others are dropped); reassembly.c; icmpv4.c. */
#include "base/math.h"
#include "network/ip.h"

#include <tcpip/header/ipv4.h>

/* The header, checked, or NULL. Looks at its first 20 bytes before it asks for its options. */
static const uint8_t *ipv4_header(struct tcpip_packet *packet, size_t *header_bytes)
{
    uint32_t at = packet->network_offset, left = sat_sub_u32(packet->length, at), front = TCPIP_IPV4_HEADER_MIN;
    const uint8_t *p = left < front ? NULL : tcpip_packet_pull(packet, at, front);
    /* Whole, without options, and no fragment: what the check below asks of such a one. */
    if (likely(p != NULL && p[0] == 0x45 && !tcpip_ipv4_is_fragment(p))) {
        uint32_t total = tcpip_ipv4_total_length(p);
        *header_bytes = TCPIP_IPV4_HEADER_MIN;
        return total >= TCPIP_IPV4_HEADER_MIN && total <= left ? p : NULL;
    }
    if (p != NULL && tcpip_ipv4_header_bytes(p) > front && tcpip_ipv4_header_bytes(p) <= left) {
        front = (uint32_t)tcpip_ipv4_header_bytes(p);
        p = tcpip_packet_pull_slow(packet, at, front);
    }
    return p != NULL && tcpip_ipv4_header_check(p, front, left, header_bytes) ? p : NULL;
}

static void ipv4_map(uint8_t *out, const uint8_t *four_bytes)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    memcpy(out, mapped, 12);
    memcpy(out + 12, four_bytes, 4);
}

/* What can't be a source on the wire (RFC 1122 3.2.1.3, RFC 6890): groups, reserved addresses and the limited
 * broadcast; loopback elsewhere than there; 0.0.0.0 but from who looks for an address, which is asked of all. */
static bool ipv4_source_ok(const struct tcpip_nic *nic, const uint8_t *source, bool to_one)
{
    static const uint8_t any[4];
    if (source[0] >= 224)
        return false;
    if (source[0] == 127)
        return (nic->caps.flags & TCPIP_LINK_LOOPBACK) != 0;
    return source[0] != 0 || (memcmp(source, any, 4) == 0 && !to_one);
}

static bool ipv4_destination_ok(const struct tcpip_nic *nic, const uint8_t *destination)
{
    return destination[0] != 0 && (destination[0] != 127 || (nic->caps.flags & TCPIP_LINK_LOOPBACK) != 0);
}

/* Fills in packet->network. TCPIP_DROP_COUNT: ours. */
static enum tcpip_drop ipv4_addresses(struct tcpip_nic *nic, struct tcpip_packet *packet, const uint8_t *header,
                                      size_t header_bytes)
{
    struct tcpip_packet_network *network = &packet->network;
    struct tcpip_stats_ip *stats = &nic->stack->stats.ipv4;

    ipv4_map(network->source, tcpip_ipv4_source(header));
    ipv4_map(network->destination, tcpip_ipv4_destination(header));
    network->upper_bytes = tcpip_ipv4_total_length(header) - (uint32_t)header_bytes;
    network->protocol = TCPIP_PROTOCOL_IPV4;
    network->transport = tcpip_ipv4_protocol(header);
    network->ttl = tcpip_ipv4_ttl(header);
    network->tos = tcpip_ipv4_tos(header);
    network->was_fragmented = false;
    network->local = DESTINATION_NONE;
    if (!ipv4_destination_ok(nic, tcpip_ipv4_destination(header))) {
        stats->invalid_destination_addresses_received++;
        return TCPIP_DROP_IP_MARTIAN_DESTINATION;
    }
    network->local = (uint8_t)tcpip__nic_destination(nic, network->destination);
    if (network->local == DESTINATION_NONE) {
        stats->invalid_destination_addresses_received++;
        return TCPIP_DROP_IP_NOT_LOCAL;
    }
    bool to_one = network->local == DESTINATION_UNICAST;
    if (!ipv4_source_ok(nic, tcpip_ipv4_source(header), to_one) || !ip_source_foreign(packet)) {
        stats->invalid_source_addresses_received++;
        return TCPIP_DROP_IP_MARTIAN_SOURCE;
    }
    if (to_one && packet->type == TCPIP_PACKET_BROADCAST) { /* RFC 1122 3.3.6: told to all, meant for one: a trick */
        stats->invalid_destination_addresses_received++;
        return TCPIP_DROP_IP_MARTIAN_DESTINATION;
    }
    return TCPIP_DROP_COUNT;
}

/* One option. TCPIP_DROP_COUNT: fine; else *problem may be set to the pointer of a parameter problem. */
static enum tcpip_drop ipv4_option(struct tcpip_stats_ip *stats, const struct tcpip_ipv4_option *option,
                                   uint32_t *problem)
{
    static const uint8_t nobody[4];
    enum tcpip_ipv4_option_result result = TCPIP_IPV4_OPTION_UNCHANGED;
    uint8_t copy[TCPIP_IPV4_OPTIONS_MAX], at = 0;

    ASSERT(option->bytes <= sizeof(copy));
    memcpy(copy, option->data, option->bytes);
    switch (option->type) {
    case TCPIP_IPV4_OPTION_NOP:
        break;
    case TCPIP_IPV4_OPTION_LOOSE_SOURCE_ROUTE:
    case TCPIP_IPV4_OPTION_STRICT_SOURCE_ROUTE: /* whoever may say how a packet goes, may say where the answer goes */
        return TCPIP_DROP_IP_SOURCE_ROUTED;
    case TCPIP_IPV4_OPTION_RECORD_ROUTE: /* tried on a copy: we don't record, but we don't let lies pass */
        stats->option_record_route_received++;
        result = tcpip_ipv4_record_route(copy, nobody, &at);
        break;
    case TCPIP_IPV4_OPTION_TIMESTAMP:
        stats->option_timestamp_received++;
        result = tcpip_ipv4_record_timestamp(copy, nobody, 0, &at);
        break;
    case TCPIP_IPV4_OPTION_ROUTER_ALERT:
        stats->option_router_alert_received++;
        break;
    default:
        stats->option_unknown_received++; /* to be ignored (RFC 1122 3.2.1.8) */
        break;
    }
    if (result != TCPIP_IPV4_OPTION_MALFORMED)
        return TCPIP_DROP_COUNT;
    *problem = (uint32_t)option->offset + at;
    return TCPIP_DROP_IP_BAD_OPTION;
}

/* TCPIP_DROP_COUNT: go on. Malformed options are answered. */
static enum tcpip_drop ipv4_options(struct tcpip_nic *nic, const struct tcpip_packet *packet, const uint8_t *header)
{
    struct tcpip_ipv4_option_iterator it;
    struct tcpip_ipv4_option option;
    enum tcpip_drop reason = TCPIP_DROP_COUNT;
    uint32_t problem = 0;

    tcpip_ipv4_options_begin(&it, header);
    while (reason == TCPIP_DROP_COUNT && tcpip_ipv4_options_next(&it, &option))
        reason = ipv4_option(&nic->stack->stats.ipv4, &option, &problem);
    if (reason == TCPIP_DROP_COUNT && it.malformed) {
        problem = it.problem_offset;
        reason = TCPIP_DROP_IP_BAD_OPTION;
    }
    if (reason == TCPIP_DROP_IP_BAD_OPTION)
        tcpip__icmpv4_send_error(nic, packet, TCPIP_ICMP_PARAMETER_PROBLEM, problem);
    return reason;
}

/* Takes a fragment; true: *packet is now the whole, its header rewritten. */
static bool ipv4_reassemble(struct tcpip_nic *nic, struct tcpip_packet **packet, const uint8_t *header,
                            size_t *header_bytes)
{
    struct tcpip_stack *stack = nic->stack;
    struct tcpip_packet_network *network = &(*packet)->network;
    bool scoped = network->local != DESTINATION_UNICAST || address_is_link_local(network->destination);
    struct reassembly_fragment fragment = {
        .key = {.id = tcpip_ipv4_id(header), .nic = scoped ? nic->id : 0, .family = 4, .protocol = network->transport},
        .header_bytes = (uint32_t)*header_bytes,
        .begin = tcpip_ipv4_fragment_offset(header),
        .end = tcpip_ipv4_fragment_offset(header) + network->upper_bytes,
        .more = (tcpip_ipv4_flags(header) & TCPIP_IPV4_MORE_FRAGMENTS) != 0,
    };
    struct reassembled whole;

    stack->stats.ipv4.fragments_received++;
    memcpy(fragment.key.source, network->source, 16);
    memcpy(fragment.key.destination, network->destination, 16);
    /* An empty fragment says nothing; one that others follow has whole units of 8 (RFC 791 3.1). */
    if (fragment.begin == fragment.end || (fragment.more && fragment.end % 8 != 0)) {
        stack->stats.ipv4.malformed_fragments_received++;
        tcpip_packet_drop(*packet, TCPIP_DROP_FRAGMENT_MALFORMED);
        return false;
    }
    struct ip_reassembly *reassembly = &tcpip__ip_shared(stack, TCPIP_PROTOCOL_IPV4)->reassembly;
    if (!tcpip__ip_reassembly_add(reassembly, *packet, &fragment, &whole))
        return false;

    *packet = whole.packet;
    if (whole.packet->length >
        TCPIP_IPV4_PACKET_MAX) { /* each fragment ended in time, but the first's header is longer */
        stack->stats.ipv4.malformed_fragments_received++;
        tcpip_packet_drop(whole.packet, TCPIP_DROP_FRAGMENT_MALFORMED);
        return false;
    }
    uint8_t *first = tcpip_packet_pull(whole.packet, 0, whole.header_bytes);
    first[1] = (uint8_t)((first[1] & 0xfc) | whole.ecn);
    tcpip_store_u16(first + 2, (uint16_t)whole.packet->length);
    tcpip_ipv4_set_fragment(first, 0, 0);
    tcpip_ipv4_checksum_set(first);
    *header_bytes = whole.header_bytes;
    network = &whole.packet->network;
    network->tos = first[1];
    network->upper_bytes = whole.packet->length - whole.header_bytes;
    network->was_fragmented = true;
    return true;
}

static void ipv4_deliver(struct tcpip_nic *nic, struct tcpip_packet *packet, size_t header_bytes)
{
    packet->transport_offset = (uint16_t)(packet->network_offset + header_bytes);
    nic->stack->stats.ipv4.packets_delivered++;
    if (packet->network.transport == TCPIP_PROTOCOL_ICMPV4)
        tcpip__icmpv4_input(nic, packet);
    else
        tcpip__transport_deliver(nic, packet);
}

void tcpip__ipv4_input(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    struct tcpip_stats_ip *stats = &nic->stack->stats.ipv4;
    enum tcpip_drop reason;
    size_t header_bytes;

    stats->packets_received++;
    const uint8_t *header = ipv4_header(packet, &header_bytes);
    if (header == NULL) {
        stats->malformed_packets_received++;
        tcpip_packet_drop(packet, TCPIP_DROP_IP_MALFORMED);
        return;
    }
    /* A link that has verified the transport's checksum, or merged segments, has verified this one before. */
    if (packet->checksum == TCPIP_CHECKSUM_NONE && !tcpip_ipv4_checksum_ok(header)) {
        stats->malformed_packets_received++;
        tcpip_packet_drop(packet, TCPIP_DROP_IP_BAD_CHECKSUM);
        return;
    }
    tcpip_packet_cap_length(packet, (uint32_t)packet->network_offset + tcpip_ipv4_total_length(header));

    reason = ipv4_addresses(nic, packet, header, header_bytes);
    if (reason == TCPIP_DROP_COUNT && header_bytes > TCPIP_IPV4_HEADER_MIN)
        reason = ipv4_options(nic, packet, header);
    if (reason != TCPIP_DROP_COUNT) {
        if (reason == TCPIP_DROP_IP_BAD_OPTION)
            stats->malformed_packets_received++;
        tcpip_packet_drop(packet, reason);
        return;
    }
    if (tcpip_ipv4_is_fragment(header) && !ipv4_reassemble(nic, &packet, header, &header_bytes))
        return;
    ipv4_deliver(nic, packet, header_bytes);
}

/* ---- the protocol ---- */

/* Tells the neighbours where an address lives now (RFC 5227 2.3): ARP, asked for our own address, announces it. */
static void ipv4_address_added(struct tcpip_nic *nic, const uint8_t *address)
{
    const struct tcpip_network_protocol *arp = tcpip__stack_network(nic->stack, TCPIP_PROTOCOL_ARP);
    if (arp != NULL && (nic->caps.flags & TCPIP_LINK_RESOLUTION) != 0)
        arp->solicit(nic, address, NULL);
}

const struct tcpip_network_protocol tcpip_ipv4 = {
    .name = "ipv4",
    .number = TCPIP_PROTOCOL_IPV4,
    .address_bytes = TCPIP_IPV4_ADDRESS_BYTES,
    .minimum_bytes = TCPIP_IPV4_HEADER_MIN,
    .header_room = TCPIP_IPV4_HEADER_MIN + TCPIP_IPV4_ROUTER_ALERT_BYTES,
    .stack_state_bytes = sizeof(struct ip_stack),
    .stack_init = tcpip__ip_stack_init,
    .stack_fini = tcpip__ip_stack_fini,
    .nic_down = tcpip__ip_nic_down,
    .input = tcpip__ipv4_input,
    .output = tcpip__ipv4_output,
    .send_error = tcpip__icmpv4_send_error,
    .address_added = ipv4_address_added,
};
