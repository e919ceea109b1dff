// SPDX-License-Identifier: MIT
/* ipv6_output.c: IPv6 packets that leave (RFC 8200).
 *
 * Only the source fragments, and only what may be: a datagram larger than the path carries is cut here, or refused with
 * MESSAGE_TOO_LONG if the sender forbade it. Every path carries 1280 bytes, so smaller packets ask nobody.
 *
 * Owns:       struct tcpip_ipv6, the protocol's table.
 * Invariants: takes the packet in every case; either all fragments of a datagram leave, or none.
 * Not here:   flow labels, which are 0 (RFC 6437 3 lets a source); which way (route.c). */
#include "base/math.h"
#include "network/ip.h"
#include "network/ndp.h"
#include "stack/pmtu.h"

#include <tcpip/header/ipv6.h>

static enum tcpip_error ipv6_refuse(struct tcpip_stack *stack, struct tcpip_packet *packet, enum tcpip_drop reason,
                                    enum tcpip_error error)
{
    stack->stats.ipv6.outgoing_packet_errors++;
    tcpip_packet_drop(packet, reason);
    return error;
}

/* What goes in front of a packet. */
struct ipv6_front {
    struct tcpip_ipv6_fields fields; /* next_header: of the last header in front */
    bool router_alert;
    bool fragmented;
    struct tcpip_ipv6_fragment_fields fragment;
};

static uint32_t ipv6_front_bytes(const struct ipv6_front *front)
{
    return TCPIP_IPV6_HEADER_BYTES + (front->router_alert ? TCPIP_IPV6_ROUTER_ALERT_BYTES : 0) +
           (front->fragmented ? TCPIP_IPV6_FRAGMENT_BYTES : 0);
}

/* Pushes fixed header, hop-by-hop and fragment header, in one piece. False: no room. */
static bool ipv6_push(struct tcpip_packet *packet, const struct ipv6_front *front)
{
    uint32_t bytes = ipv6_front_bytes(front);
    uint32_t payload_bytes = packet->length + bytes - TCPIP_IPV6_HEADER_BYTES;
    uint8_t *header = tcpip_packet_push(packet, bytes);
    if (header == NULL)
        return false;
    struct tcpip_ipv6_fields fields = front->fields;
    uint8_t *end = header + bytes, next = fields.next_header;
    if (front->fragmented) {
        struct tcpip_ipv6_fragment_fields fragment = front->fragment;
        fragment.next_header = next;
        end -= TCPIP_IPV6_FRAGMENT_BYTES;
        tcpip_ipv6_fragment_encode(end, &fragment);
        next = TCPIP_IPV6_FRAGMENT;
    }
    if (front->router_alert) {
        end -= TCPIP_IPV6_ROUTER_ALERT_BYTES;
        tcpip_ipv6_router_alert_encode(end, next);
        next = TCPIP_IPV6_HOP_BY_HOP;
    }
    fields.next_header = next;
    fields.payload_length = (uint16_t)payload_bytes;
    tcpip_ipv6_encode(header, &fields);
    tcpip__ip_pushed(packet, (uint16_t)TCPIP_PROTOCOL_IPV6, bytes);
    return true;
}

/* The datagram in pieces of `unit` bytes (a multiple of 8). False: out of memory; *out is empty. */
static bool ipv6_cut(const struct tcpip_packet *packet, struct ipv6_front front, uint32_t unit,
                     struct tcpip_packet_list *out)
{
    for (uint32_t at = 0; at < packet->length; at += unit) {
        uint32_t bytes = min_u32(unit, packet->length - at);
        struct tcpip_packet *piece = tcpip__ip_slice(packet, at, bytes);
        front.fragment.offset = (uint16_t)at;
        front.fragment.more = at + bytes < packet->length;
        if (piece == NULL || !ipv6_push(piece, &front)) {
            if (piece != NULL)
                tcpip_packet_free(piece);
            tcpip_packet_list_free(out);
            return false;
        }
        tcpip_packet_list_push(out, piece);
    }
    return true;
}

static enum tcpip_error ipv6_output_fragments(struct tcpip_route *route, struct tcpip_packet *packet,
                                              const struct tcpip_network_output *how, struct ipv6_front *front,
                                              uint32_t mtu)
{
    struct tcpip_stack *stack = route->stack;
    struct tcpip_stats_ip *stats = &stack->stats.ipv6;
    struct tcpip_packet_list pieces = tcpip_packet_list_init();
    struct tcpip_packet *piece;

    front->fragmented = true;
    front->fragment.id =
        tcpip__ip_next_id(stack, tcpip__ip_shared(stack, TCPIP_PROTOCOL_IPV6), how->local, how->remote, 0, 1);
    uint32_t unit = (mtu - ipv6_front_bytes(front)) & ~7u;
    if (!tcpip__ip_complete_checksum(packet, how->transport) || !ipv6_cut(packet, *front, unit, &pieces)) {
        stats->fragmentation_failures++;
        return ipv6_refuse(stack, packet, TCPIP_DROP_NO_MEMORY, TCPIP_ERR_NO_MEMORY);
    }
    tcpip_packet_free(packet);
    stats->datagrams_fragmented++;
    while ((piece = tcpip_packet_list_pop(&pieces)) != NULL) {
        stats->fragments_sent++;
        stats->packets_sent++;
        tcpip__route_transmit(route, piece, how->remote);
    }
    return TCPIP_OK;
}

enum tcpip_error tcpip__ipv6_output(struct tcpip_route *route, struct tcpip_packet *packet,
                                    const struct tcpip_network_output *how)
{
    struct tcpip_stack *stack = route->stack;
    struct ipv6_front front = {
        .fields = {.traffic_class = how->tos,
                   .next_header = how->transport,
                   .hop_limit = tcpip__ip_ttl(stack, how),
                   .source = how->local,
                   .destination = how->remote},
        .router_alert = how->router_alert,
    };
    uint32_t bytes = ipv6_front_bytes(&front);

    if (packet->length > TCPIP_IPV6_PAYLOAD_MAX - (bytes - TCPIP_IPV6_HEADER_BYTES))
        return ipv6_refuse(stack, packet, TCPIP_DROP_IP_TOO_BIG, TCPIP_ERR_MESSAGE_TOO_LONG);
    uint32_t least = min_u32(route->mtu, TCPIP_IPV6_MTU_MIN); /* whatever TCP has found by its probes (RFC 8200 5) */
    if (!tcpip__ip_fits(packet, bytes, least)) {
        uint32_t mtu = how->whole_route ? route->mtu : max_u32(tcpip__pmtu_get(route, how->remote), least);
        if (!tcpip__ip_fits(packet, bytes, mtu)) {
            if (!how->dont_fragment && packet->gso_size == 0 && mtu >= TCPIP_IPV6_MTU_MIN)
                return ipv6_output_fragments(route, packet, how, &front, mtu);
            stack->stats.ipv6.fragmentation_failures++;
            return ipv6_refuse(stack, packet, TCPIP_DROP_IP_TOO_BIG, TCPIP_ERR_MESSAGE_TOO_LONG);
        }
    }
    if (!ipv6_push(packet, &front))
        return ipv6_refuse(stack, packet, TCPIP_DROP_NO_MEMORY, TCPIP_ERR_NO_MEMORY);
    stack->stats.ipv6.packets_sent++;
    tcpip__route_transmit(route, packet, how->remote);
    return TCPIP_OK;
}

/* ---- the protocol ---- */

const struct tcpip_network_protocol tcpip_ipv6 = {
    .name = "ipv6",
    .number = TCPIP_PROTOCOL_IPV6,
    .address_bytes = TCPIP_IPV6_ADDRESS_BYTES,
    .minimum_bytes = TCPIP_IPV6_HEADER_BYTES,
    .header_room = TCPIP_IPV6_HEADER_BYTES + TCPIP_IPV6_ROUTER_ALERT_BYTES + TCPIP_IPV6_FRAGMENT_BYTES,
    .stack_state_bytes = sizeof(struct ip_stack),
    .stack_init = tcpip__ip_stack_init,
    .stack_fini = tcpip__ip_stack_fini,
    .nic_down = tcpip__ip_nic_down,
    .input = tcpip__ipv6_input,
    .output = tcpip__ipv6_output,
    .solicit = tcpip__ndp_solicit,
    .send_error = tcpip__icmpv6_send_error,
    .address_added = tcpip__ndp_address_added,
    .address_removed = tcpip__ndp_address_removed,
};
