// SPDX-License-Identifier: MIT
/* ping.c: ICMP echo for applications: datagram endpoints of ICMPv4 and ICMPv6, as Linux has them.
 *
 * What is written is an echo request, header and all; the endpoint puts its own identifier in (the local port:
 * reserved, or chosen, like any other) and the checksum. What is read is the whole reply. So a program pings without
 * privileges, and can't forge anybody's.
 *
 * Owns:        nothing.
 * Invariants:  what leaves is an echo request with the endpoint's identifier.
 * Not here:    answering requests, and the checks of what comes in (network/icmpv4.c, icmpv6.c). */
#include "transport/datagram.h"

#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>

STATIC_ASSERT(TCPIP_ICMPV4_HEADER_MIN == DATAGRAM_HEADER_BYTES && TCPIP_ICMPV6_MESSAGE_MIN == DATAGRAM_HEADER_BYTES);

/* ---- out ---- */

static enum tcpip_error ping4_check(const uint8_t *given)
{
    bool request = tcpip_icmpv4_type(given) == TCPIP_ICMPV4_ECHO_REQUEST && tcpip_icmpv4_code(given) == 0;
    return request ? TCPIP_OK : TCPIP_ERR_INVALID_ARGUMENT;
}

static enum tcpip_error ping6_check(const uint8_t *given)
{
    bool request = tcpip_icmpv6_type(given) == TCPIP_ICMPV6_ECHO_REQUEST && tcpip_icmpv6_code(given) == 0;
    return request ? TCPIP_OK : TCPIP_ERR_INVALID_ARGUMENT;
}

static void ping_partial(struct tcpip_packet *packet, uint16_t offset)
{
    packet->checksum = TCPIP_CHECKSUM_PARTIAL;
    packet->checksum_start = 0;
    packet->checksum_offset = offset;
}

static void ping4_seal(struct datagram_endpoint *ep, struct tcpip_packet *packet, uint8_t *header,
                       const struct datagram_out *out)
{
    struct tcpip_stats_icmp *stats = &ep->base.stack->stats.icmpv4;
    struct tcpip_icmpv4_fields fields = {
        .type = TCPIP_ICMPV4_ECHO_REQUEST,
        .id = out->local_port,
        .sequence = tcpip_icmpv4_sequence(out->front),
    };
    tcpip_icmpv4_encode(header, &fields);
    ping_partial(packet, TCPIP_ICMPV4_CHECKSUM_OFFSET);
    stats->sent++;
    stats->echo_request_sent++;
}

static void ping6_seal(struct datagram_endpoint *ep, struct tcpip_packet *packet, uint8_t *header,
                       const struct datagram_out *out)
{
    struct tcpip_stats_icmp *stats = &ep->base.stack->stats.icmpv6;
    struct tcpip_icmpv6_fields fields = {
        .type = TCPIP_ICMPV6_ECHO_REQUEST,
        .checksum = tcpip_checksum_pseudo_v6(out->local, out->remote, TCPIP_PROTOCOL_ICMPV6, packet->length),
        .id = out->local_port,
        .sequence = tcpip_icmpv6_sequence(out->front),
    };
    tcpip_icmpv6_encode(header, &fields);
    ping_partial(packet, TCPIP_ICMPV6_CHECKSUM_OFFSET);
    stats->sent++;
    stats->echo_request_sent++;
}

/* ---- in ---- */

/* Whose an identifier is, at an address of ours; NULL: nobody's. */
static struct datagram_endpoint *ping_find(struct tcpip_stack *stack, uint8_t transport, const uint8_t *local,
                                           uint16_t id, uint32_t nic)
{
    struct tcpip_endpoint *listener = tcpip__demux_find_listener(stack, transport, local, id, nic, id);
    return listener != NULL ? datagram_of(listener) : NULL;
}

/* Echo replies, checked by the network layer. */
static void ping_input(struct tcpip_stack *stack, struct tcpip_packet *packet)
{
    uint8_t transport = packet->network.transport;
    const uint8_t *header = tcpip_packet_pull(packet, packet->transport_offset, DATAGRAM_HEADER_BYTES);
    if (header == NULL) {
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_MALFORMED);
        return;
    }
    /* The identifier lies where ICMPv4 has it, in ICMPv6 too. */
    struct datagram_endpoint *ep =
        ping_find(stack, transport, packet->network.destination, tcpip_icmpv4_id(header), packet->nic->id);
    if (ep != NULL) {
        packet->payload_offset = (uint16_t)(packet->transport_offset + DATAGRAM_HEADER_BYTES);
        tcpip__datagram_receive(ep, packet);
        return;
    }
    if (!tcpip__transport_handler(stack, packet))
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_NO_ENDPOINT);
}

static void ping_input_error(struct tcpip_stack *stack, const struct tcpip_icmp_error *error)
{
    uint8_t request = error->transport == TCPIP_PROTOCOL_ICMPV4 ? (uint8_t)TCPIP_ICMPV4_ECHO_REQUEST
                                                                : (uint8_t)TCPIP_ICMPV6_ECHO_REQUEST;
    if (tcpip_icmpv4_type(error->quote) != request)
        return;
    struct datagram_endpoint *ep =
        ping_find(stack, error->transport, error->local, tcpip_icmpv4_id(error->quote), error->nic);
    if (ep != NULL)
        tcpip__datagram_error(ep, error);
}

/* ---- the protocols ---- */

static const struct datagram_ops ping4_datagram_ops = {
    .transport = TCPIP_PROTOCOL_ICMPV4,
    .given_bytes = DATAGRAM_HEADER_BYTES,
    .drop_full = TCPIP_DROP_PING_QUEUE_FULL,
    .check = ping4_check,
    .seal = ping4_seal,
};

static const struct datagram_ops ping6_datagram_ops = {
    .transport = TCPIP_PROTOCOL_ICMPV6,
    .given_bytes = DATAGRAM_HEADER_BYTES,
    .v6_only = true,
    .drop_full = TCPIP_DROP_PING_QUEUE_FULL,
    .check = ping6_check,
    .seal = ping6_seal,
};

static enum tcpip_error ping4_new_endpoint(struct tcpip_stack *stack, uint32_t network, struct tcpip_endpoint **out)
{
    if (network != TCPIP_PROTOCOL_IPV4)
        return TCPIP_ERR_UNKNOWN_PROTOCOL;
    return tcpip__datagram_new(stack, &ping4_datagram_ops, network, out);
}

static enum tcpip_error ping6_new_endpoint(struct tcpip_stack *stack, uint32_t network, struct tcpip_endpoint **out)
{
    if (network != TCPIP_PROTOCOL_IPV6)
        return TCPIP_ERR_UNKNOWN_PROTOCOL;
    return tcpip__datagram_new(stack, &ping6_datagram_ops, network, out);
}

static enum tcpip_error ping4_restore(struct tcpip_stack *stack, uint32_t network, struct archive *archive,
                                      const struct restore_how *how, struct tcpip_endpoint **out)
{
    if (network != TCPIP_PROTOCOL_IPV4)
        return TCPIP_ERR_MALFORMED_HEADER;
    return tcpip__datagram_restore(stack, &ping4_datagram_ops, network, archive, how, out);
}

static enum tcpip_error ping6_restore(struct tcpip_stack *stack, uint32_t network, struct archive *archive,
                                      const struct restore_how *how, struct tcpip_endpoint **out)
{
    if (network != TCPIP_PROTOCOL_IPV6)
        return TCPIP_ERR_MALFORMED_HEADER;
    return tcpip__datagram_restore(stack, &ping6_datagram_ops, network, archive, how, out);
}

const struct tcpip_transport_protocol tcpip_icmpv4 = {
    .name = "icmpv4",
    .number = TCPIP_PROTOCOL_ICMPV4,
    .stack_state_bytes = sizeof(struct datagram_stack),
    .stack_init = tcpip__datagram_stack_init,
    .stack_fini = tcpip__datagram_stack_fini,
    .new_endpoint = ping4_new_endpoint,
    .input = ping_input,
    .input_error = ping_input_error,
    .restore_endpoint = ping4_restore,
};

const struct tcpip_transport_protocol tcpip_icmpv6 = {
    .name = "icmpv6",
    .number = TCPIP_PROTOCOL_ICMPV6,
    .stack_state_bytes = sizeof(struct datagram_stack),
    .stack_init = tcpip__datagram_stack_init,
    .stack_fini = tcpip__datagram_stack_fini,
    .new_endpoint = ping6_new_endpoint,
    .input = ping_input,
    .input_error = ping_input_error,
    .restore_endpoint = ping6_restore,
};
