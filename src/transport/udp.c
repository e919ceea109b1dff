// SPDX-License-Identifier: MIT
/* udp.c: the User Datagram Protocol (RFC 768; RFC 1122 4.1; RFC 8200 8.1; RFC 8085).
 *
 * A datagram for one host goes to the endpoint connected to its sender, else to the most specific listener, else to the
 * protocol's default handler; nobody's draws an ICMP port unreachable. One for a group or for all goes to everybody who
 * is bound to the port, each with a clone of its own.
 *
 * The checksum is optional over IPv4 only: over IPv6 a datagram without one is lost (no tunnel of RFC 6935 lives here).
 * The length field may be shorter than the packet: what lies behind belongs to nobody and is cut off.
 *
 * Owns:        stats.udp.
 * Invariants:  a datagram is counted as received only when its header and checksum are right.
 * Not here:    what an application sees (datagram*.c). */
#include "transport/datagram.h"

#include <tcpip/header/udp.h>

STATIC_ASSERT(TCPIP_UDP_HEADER_BYTES == DATAGRAM_HEADER_BYTES);

/* The sum of the pseudo-header. */
static uint16_t udp_pseudo(const uint8_t *local, const uint8_t *remote, uint32_t bytes)
{
    return address_is_v4(remote)
               ? tcpip_checksum_pseudo_v4(local + 12, remote + 12, TCPIP_PROTOCOL_UDP, (uint16_t)bytes)
               : tcpip_checksum_pseudo_v6(local, remote, TCPIP_PROTOCOL_UDP, bytes);
}

/* ---- out ---- */

static void udp_seal(struct datagram_endpoint *ep, struct tcpip_packet *packet, uint8_t *header,
                     const struct datagram_out *out)
{
    bool v4 = address_is_v4(out->remote);
    struct tcpip_udp_fields fields = {
        .source_port = out->local_port,
        .destination_port = out->remote_port,
        .length = (uint16_t)packet->length,
    };
    if (!v4 || datagram_option(ep, TCPIP_OPTION_CHECKSUM_OFF) == 0) {
        fields.checksum = udp_pseudo(out->local, out->remote, packet->length);
        packet->checksum = TCPIP_CHECKSUM_PARTIAL;
        packet->checksum_start = 0;
        packet->checksum_offset = TCPIP_UDP_CHECKSUM_OFFSET;
    }
    tcpip_udp_encode(header, &fields);
}

/* ---- in ---- */

static bool udp_checksum_ok(const struct tcpip_packet *packet, const uint8_t *header)
{
    const struct tcpip_packet_network *network = &packet->network;
    bool v4 = network->protocol == TCPIP_PROTOCOL_IPV4;
    if (packet->checksum == TCPIP_CHECKSUM_PARTIAL)
        return true;
    if (tcpip_udp_checksum(header) == 0)
        return v4;
    if (packet->checksum == TCPIP_CHECKSUM_VERIFIED)
        return true;
    uint32_t bytes = tcpip_udp_length(header);
    uint16_t sum = udp_pseudo(network->source, network->destination, bytes);
    return tcpip_checksum_ok(tcpip_packet_checksum(packet, packet->transport_offset, bytes, sum));
}

/* The header of a datagram that is whole, the packet cut to it; NULL: dropped. */
static const uint8_t *udp_check(struct tcpip_stack *stack, struct tcpip_packet *packet)
{
    uint32_t at = packet->transport_offset;
    uint32_t bytes = min_u32(packet->network.upper_bytes, sat_sub_u32(packet->length, at));
    const uint8_t *header =
        bytes >= TCPIP_UDP_HEADER_BYTES ? tcpip_packet_pull(packet, at, TCPIP_UDP_HEADER_BYTES) : NULL;
    if (header == NULL || !tcpip_udp_header_check(header, TCPIP_UDP_HEADER_BYTES, bytes)) {
        stack->stats.udp.malformed_packets_received++;
        tcpip_packet_drop(packet, TCPIP_DROP_UDP_MALFORMED);
        return NULL;
    }
    tcpip_packet_cap_length(packet, at + tcpip_udp_length(header));
    if (!udp_checksum_ok(packet, header)) {
        stack->stats.udp.checksum_errors++;
        tcpip_packet_drop(packet, TCPIP_DROP_UDP_BAD_CHECKSUM);
        return NULL;
    }
    return header;
}

/* The endpoint that is connected to this flow; NULL: none. */
static struct datagram_endpoint *udp_find_connected(struct tcpip_stack *stack, const struct flow *flow, uint32_t nic)
{
    struct demux_entry *entry = tcpip__demux_find(stack, TCPIP_PROTOCOL_UDP, flow, nic);
    return entry != NULL ? container_of(entry, struct datagram_endpoint, entry) : NULL;
}

/* By which equals share. */
static uint64_t udp_flow_hash(struct tcpip_stack *stack, const struct flow *flow)
{
    const struct datagram_stack *datagrams = tcpip__stack_transport_state(stack, TCPIP_PROTOCOL_UDP);
    return tcpip__hash_bytes(&datagrams->steering, flow, offsetof(struct flow, nic));
}

/* `nic`: through which a datagram came; NULL: it is about one that was sent, through `nic_id`. */
static struct datagram_endpoint *udp_find(struct tcpip_stack *stack, const struct flow *flow, uint32_t nic_id,
                                          const struct tcpip_nic *nic)
{
    struct datagram_endpoint *connected = udp_find_connected(stack, flow, nic_id);
    if (connected != NULL)
        return connected;
    struct tcpip_endpoint *listener =
        nic != NULL ? tcpip__demux_steer(stack, TCPIP_PROTOCOL_UDP, flow, nic, udp_flow_hash)
                    : tcpip__demux_find_listener(stack, TCPIP_PROTOCOL_UDP, flow->local, flow->local_port, nic_id,
                                                 udp_flow_hash(stack, flow));
    return listener != NULL ? datagram_of(listener) : NULL;
}

/* Hands a packet out to many: each gets a clone but the last, who gets the packet. */
struct udp_members {
    struct tcpip_packet *packet;
    struct datagram_endpoint *last;
};

static void udp_member(void *ctx, struct tcpip_endpoint *endpoint)
{
    struct udp_members *members = ctx;
    if (members->last != NULL) {
        struct tcpip_packet *clone = tcpip_packet_clone(members->packet);
        if (clone != NULL)
            tcpip__datagram_receive(members->last, clone);
        else
            members->last->base.stack->stats.udp.receive_buffer_errors++;
    }
    members->last = datagram_of(endpoint);
}

/* True: taken. */
static bool udp_deliver_to_all(struct tcpip_stack *stack, struct tcpip_packet *packet, const struct flow *flow)
{
    struct udp_members members = {packet, NULL};
    uint32_t nic = packet->nic->id;
    tcpip__demux_each_listener(stack, TCPIP_PROTOCOL_UDP, flow->local, flow->local_port, nic, udp_member, &members);
    /* Bound to the group and connected to this sender. */
    struct datagram_endpoint *connected = udp_find_connected(stack, flow, nic);
    if (connected != NULL)
        udp_member(&members, &connected->base);
    if (members.last == NULL)
        return false;
    tcpip__datagram_receive(members.last, packet);
    return true;
}

static void udp_input(struct tcpip_stack *stack, struct tcpip_packet *packet)
{
    const uint8_t *header = udp_check(stack, packet);
    struct flow flow;
    if (header == NULL)
        return;
    stack->stats.udp.packets_received++;
    packet->payload_offset = (uint16_t)(packet->transport_offset + TCPIP_UDP_HEADER_BYTES);
    demux_flow_of(packet, tcpip_udp_destination_port(header), tcpip_udp_source_port(header), &flow);
    if (packet->network.local == DESTINATION_UNICAST) {
        struct datagram_endpoint *ep = udp_find(stack, &flow, packet->nic->id, packet->nic);
        if (ep != NULL) {
            tcpip__datagram_receive(ep, packet);
            return;
        }
    } else if (udp_deliver_to_all(stack, packet, &flow)) {
        return;
    }
    if (tcpip__transport_handler(stack, packet))
        return;
    stack->stats.udp.unknown_port_errors++;
    tcpip__send_icmp_error(packet, TCPIP_ICMP_PORT_UNREACHABLE, 0); /* which knows that groups aren't answered */
    tcpip_packet_drop(packet, TCPIP_DROP_UDP_NO_PORT);
}

/* Believed if a datagram with the quoted addresses and ports can have been sent from here (RFC 8085 5.2). */
static void udp_input_error(struct tcpip_stack *stack, const struct tcpip_icmp_error *error)
{
    struct flow flow = {.local_port = tcpip_udp_source_port(error->quote),
                        .remote_port = tcpip_udp_destination_port(error->quote)};
    memcpy(flow.local, error->local, 16);
    memcpy(flow.remote, error->remote, 16);
    struct datagram_endpoint *ep = udp_find(stack, &flow, error->nic, NULL);
    if (ep != NULL)
        tcpip__datagram_error(ep, error);
}

/* ---- the protocol ---- */

static const struct datagram_ops udp_datagram_ops = {
    .transport = TCPIP_PROTOCOL_UDP,
    .hidden_bytes = TCPIP_UDP_HEADER_BYTES,
    .ports = true,
    .groups = true,
    .drop_full = TCPIP_DROP_UDP_QUEUE_FULL,
    .seal = udp_seal,
};

static enum tcpip_error udp_new_endpoint(struct tcpip_stack *stack, uint32_t network, struct tcpip_endpoint **out)
{
    if (network != TCPIP_PROTOCOL_IPV4 && network != TCPIP_PROTOCOL_IPV6)
        return TCPIP_ERR_UNKNOWN_PROTOCOL;
    return tcpip__datagram_new(stack, &udp_datagram_ops, network, out);
}

static enum tcpip_error udp_restore(struct tcpip_stack *stack, uint32_t network, struct archive *archive,
                                    const struct restore_how *how, struct tcpip_endpoint **out)
{
    return tcpip__datagram_restore(stack, &udp_datagram_ops, network, archive, how, out);
}

const struct tcpip_transport_protocol tcpip_udp = {
    .name = "udp",
    .number = TCPIP_PROTOCOL_UDP,
    .stack_state_bytes = sizeof(struct datagram_stack),
    .stack_init = tcpip__datagram_stack_init,
    .stack_fini = tcpip__datagram_stack_fini,
    .new_endpoint = udp_new_endpoint,
    .input = udp_input,
    .input_error = udp_input_error,
    .restore_endpoint = udp_restore,
};
