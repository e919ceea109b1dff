// SPDX-License-Identifier: MIT
/* ipv4_output.c: IPv4 packets that leave (RFC 791, RFC 6864).
 *
 * A transport packet gets its header; if it is larger than the path carries, it is cut into fragments, unless the
 * sender forbade that: then the answer is MESSAGE_TOO_LONG, as the path's would have been. Super-segments pass whole;
 * what must fit is each of their segments. A datagram that can't be fragmented needs no identification (RFC 6864 4.1:
 * any value will do), and gets 0.
 *
 * Owns:       nothing.
 * Invariants: takes the packet in every case; either all fragments of a datagram leave, or none.
 * Not here:   which way (route.c), checksums of whole packets (the NIC's, or its link's). */
#include "base/math.h"
#include "header/ipv4_plain.h"
#include "network/ip.h"
#include "stack/pmtu.h"

#include <tcpip/header/ipv4.h>

static enum tcpip_error ipv4_refuse(struct tcpip_stack *stack, struct tcpip_packet *packet, enum tcpip_drop reason,
                                    enum tcpip_error error)
{
    stack->stats.ipv4.outgoing_packet_errors++;
    tcpip_packet_drop(packet, reason);
    return error;
}

/* Pushes the header. False: no room. */
static bool ipv4_push(struct tcpip_packet *packet, const struct tcpip_ipv4_fields *fields)
{
    uint32_t header_bytes = TCPIP_IPV4_HEADER_MIN + fields->options_bytes;
    uint8_t *header = tcpip_packet_push(packet, header_bytes);
    if (header == NULL)
        return false;
    tcpip_ipv4_encode(header, fields);
    tcpip__ip_pushed(packet, TCPIP_PROTOCOL_IPV4, header_bytes);
    return true;
}

/* The datagram in pieces of `unit` bytes (a multiple of 8) of payload. False: out of memory; *out is empty. */
static bool ipv4_cut(const struct tcpip_packet *packet, struct tcpip_ipv4_fields fields, uint32_t unit,
                     struct tcpip_packet_list *out)
{
    uint32_t header_bytes = TCPIP_IPV4_HEADER_MIN + fields.options_bytes;
    for (uint32_t at = 0; at < packet->length; at += unit) {
        uint32_t bytes = min_u32(unit, packet->length - at);
        bool more = at + bytes < packet->length;
        struct tcpip_packet *piece = tcpip__ip_slice(packet, at, bytes);
        fields.total_length = (uint16_t)(header_bytes + bytes);
        fields.fragment_offset = (uint16_t)at;
        fields.flags = more ? TCPIP_IPV4_MORE_FRAGMENTS : 0;
        if (piece == NULL || !ipv4_push(piece, &fields)) {
            if (piece != NULL)
                tcpip_packet_free(piece);
            tcpip_packet_list_free(out);
            return false;
        }
        tcpip_packet_list_push(out, piece);
    }
    return true;
}

static enum tcpip_error ipv4_output_fragments(struct tcpip_route *route, struct tcpip_packet *packet,
                                              const struct tcpip_network_output *how, struct tcpip_ipv4_fields *fields,
                                              uint32_t mtu)
{
    struct tcpip_stack *stack = route->stack;
    struct tcpip_stats_ip *stats = &stack->stats.ipv4;
    struct tcpip_packet_list pieces = tcpip_packet_list_init();
    struct tcpip_packet *piece;
    uint32_t unit = (mtu - TCPIP_IPV4_HEADER_MIN - fields->options_bytes) & ~7u;

    if (!tcpip__ip_complete_checksum(packet, how->transport) || !ipv4_cut(packet, *fields, unit, &pieces)) {
        stats->fragmentation_failures++;
        return ipv4_refuse(stack, packet, TCPIP_DROP_NO_MEMORY, TCPIP_ERR_NO_MEMORY);
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

/* What a datagram on this way may measure, asked of the path only if `bytes` make it necessary. */
static uint32_t ipv4_mtu(const struct tcpip_route *route, const struct tcpip_network_output *how, uint32_t bytes)
{
    uint32_t least = min_u32(route->mtu, PMTU_FLOOR_V4); /* whatever TCP has found by its probes */
    if (bytes <= least)
        return least;
    return how->whole_route ? route->mtu : max_u32(tcpip__pmtu_get(route, how->remote), least);
}

/* tcpip__ip_ttl of what mostly isn't said, to who mostly is one. */
static uint8_t ipv4_ttl(const struct tcpip_stack *stack, const struct tcpip_network_output *how)
{
    int64_t chosen = stack->defaults[TCPIP_OPTION_TTL];
    if (how->ttl != 0)
        return how->ttl;
    return chosen > 0 || how->remote[12] >= 224 ? tcpip__ip_ttl(stack, how) : IP_TTL_DEFAULT;
}

/* Without options and not to be fragmented, as TCP sends all day: nothing to number, nothing to cut. False: it isn't
 * that, or doesn't fit. */
static bool ipv4_output_plain(struct tcpip_route *route, struct tcpip_packet *packet,
                              const struct tcpip_network_output *how)
{
    struct tcpip_stack *stack = route->stack;
    uint32_t total = TCPIP_IPV4_HEADER_MIN + packet->length;
    uint32_t datagram =
        packet->gso_size == 0 ? total : (uint32_t)TCPIP_IPV4_HEADER_MIN + packet->payload_offset + packet->gso_size;
    if (!how->dont_fragment || how->router_alert || total > TCPIP_IPV4_PACKET_MAX ||
        datagram > ipv4_mtu(route, how, datagram))
        return false;
    uint8_t *header = tcpip_packet_push(packet, TCPIP_IPV4_HEADER_MIN);
    if (header == NULL)
        return false;
    ipv4_encode_plain(header, how->tos, (uint16_t)total, ipv4_ttl(stack, how), how->transport, how->local + 12,
                      how->remote + 12);
    tcpip__ip_pushed(packet, TCPIP_PROTOCOL_IPV4, TCPIP_IPV4_HEADER_MIN);
    stack->stats.ipv4.packets_sent++;
    tcpip__route_transmit(route, packet, how->remote);
    return true;
}

enum tcpip_error tcpip__ipv4_output(struct tcpip_route *route, struct tcpip_packet *packet,
                                    const struct tcpip_network_output *how)
{
    struct tcpip_stack *stack = route->stack;
    uint8_t alert[TCPIP_IPV4_ROUTER_ALERT_BYTES];
    if (likely(ipv4_output_plain(route, packet, how)))
        return TCPIP_OK;
    struct tcpip_ipv4_fields fields = {
        .tos = how->tos,
        .ttl = ipv4_ttl(stack, how),
        .protocol = how->transport,
        .flags = how->dont_fragment ? TCPIP_IPV4_DONT_FRAGMENT : 0,
        .source = how->local + 12,
        .destination = how->remote + 12,
    };
    if (how->router_alert) {
        tcpip_ipv4_router_alert_encode(alert);
        fields.options = alert;
        fields.options_bytes = sizeof(alert);
    }
    uint32_t header_bytes = TCPIP_IPV4_HEADER_MIN + fields.options_bytes;
    if (packet->length > TCPIP_IPV4_PACKET_MAX - header_bytes)
        return ipv4_refuse(stack, packet, TCPIP_DROP_IP_TOO_BIG, TCPIP_ERR_MESSAGE_TOO_LONG);

    if (!how->dont_fragment)
        fields.id = (uint16_t)tcpip__ip_next_id(stack, tcpip__ip_shared(stack, TCPIP_PROTOCOL_IPV4), how->local,
                                                how->remote, how->transport, max_u32(packet->gso_segments, 1));
    uint32_t mtu = ipv4_mtu(route, how, packet->length + header_bytes);
    if (!tcpip__ip_fits(packet, header_bytes, mtu)) {
        if (!how->dont_fragment && packet->gso_size == 0 && mtu >= TCPIP_IPV4_MTU_MIN)
            return ipv4_output_fragments(route, packet, how, &fields, mtu);
        stack->stats.ipv4.fragmentation_failures++;
        return ipv4_refuse(stack, packet, TCPIP_DROP_IP_TOO_BIG, TCPIP_ERR_MESSAGE_TOO_LONG);
    }
    fields.total_length = (uint16_t)(header_bytes + packet->length);
    if (!ipv4_push(packet, &fields))
        return ipv4_refuse(stack, packet, TCPIP_DROP_NO_MEMORY, TCPIP_ERR_NO_MEMORY);
    stack->stats.ipv4.packets_sent++;
    tcpip__route_transmit(route, packet, how->remote);
    return TCPIP_OK;
}
