// SPDX-License-Identifier: MIT
/* icmpv6.c: ICMPv6 as the network layer speaks and hears it (RFC 4443, RFC 8201, RFC 7112).
 *
 * The same plan as icmpv4.c: echo requests are answered, errors that quote a packet of ours go to its transport, echo
 * replies to the ping endpoints; neighbour discovery is ndp.c's. What differs: every message has a pseudo-header sum; a
 * quote has a chain of headers to be walked before the transport's; errors about multicast packets exist, two of them
 * (RFC 4443 2.4 (e)); a packet too big that claims less than 1280 is a lie (RFC 8201 4).
 *
 * Owns:       nothing.
 * Invariants: an error never answers an error nor a redirect; the whole error fits in 1280 bytes.
 * Not here:   ping endpoints (transport), MLD. */
#include "base/math.h"
#include "network/ip.h"
#include "network/ndp.h"

#include <tcpip/header/icmpv6.h>
#include <tcpip/header/ipv6.h>

enum {
    ICMPV6_QUOTE_BYTES = TCPIP_IPV6_MTU_MIN - TCPIP_IPV6_HEADER_BYTES - TCPIP_ICMPV6_MESSAGE_MIN,
    ICMPV6_FRONT_BYTES = TCPIP_ICMPV6_MESSAGE_MIN + TCPIP_IPV6_HEADER_BYTES + 256 + 64, /* what errors are read of */
    ICMPV6_QUOTE_MIN = 8,                               /* of the quoted transport header: ports and sequence number */
    ICMPV6_CHAIN_BYTES = TCPIP_IPV6_HEADER_BYTES + 256, /* how far our own packets' chains are followed */
};

/* ---- out ---- */

/* True if `packet` is an ICMPv6 error or a redirect itself, or can't be read so far as to say. */
static bool icmpv6_carries_error(const struct tcpip_packet *packet)
{
    uint8_t front[ICMPV6_CHAIN_BYTES], type;
    struct tcpip_ipv6_chain chain;
    size_t bytes = tcpip_packet_copy_out(packet, packet->network_offset, front, sizeof(front));

    if (bytes < TCPIP_IPV6_HEADER_BYTES)
        return true;
    (void)tcpip_ipv6_chain_parse(front, bytes, &chain);
    if (chain.verdict == TCPIP_IPV6_WALK_FRAGMENT_BODY)
        return chain.upper_protocol == TCPIP_PROTOCOL_ICMPV6;
    if (chain.verdict != TCPIP_IPV6_WALK_UPPER || chain.upper_protocol != TCPIP_PROTOCOL_ICMPV6)
        return false;
    uint32_t at = packet->network_offset + (uint32_t)chain.upper_offset;
    return tcpip_packet_copy_out(packet, at, &type, 1) != 1 || tcpip_icmpv6_is_error(type) ||
           type == TCPIP_ICMPV6_REDIRECT;
}

/* Type, code and the word behind; false: IPv6 has no such message. */
static bool icmpv6_describe(enum tcpip_icmp_kind kind, uint32_t value, struct tcpip_icmpv6_fields *out)
{
    static const struct {
        uint8_t type, code;
    } message[] = {
        [TCPIP_ICMP_NET_UNREACHABLE] = {TCPIP_ICMPV6_UNREACHABLE, TCPIP_ICMPV6_NO_ROUTE},
        [TCPIP_ICMP_HOST_UNREACHABLE] = {TCPIP_ICMPV6_UNREACHABLE, TCPIP_ICMPV6_ADDRESS_UNREACHABLE},
        [TCPIP_ICMP_PROTOCOL_UNREACHABLE] = {TCPIP_ICMPV6_PARAMETER_PROBLEM, TCPIP_ICMPV6_UNKNOWN_NEXT_HEADER},
        [TCPIP_ICMP_PORT_UNREACHABLE] = {TCPIP_ICMPV6_UNREACHABLE, TCPIP_ICMPV6_PORT_UNREACHABLE},
        [TCPIP_ICMP_PROHIBITED] = {TCPIP_ICMPV6_UNREACHABLE, TCPIP_ICMPV6_ADMIN_PROHIBITED},
        [TCPIP_ICMP_PACKET_TOO_BIG] = {TCPIP_ICMPV6_PACKET_TOO_BIG, 0},
        [TCPIP_ICMP_TTL_EXCEEDED] = {TCPIP_ICMPV6_TIME_EXCEEDED, TCPIP_ICMPV6_HOP_LIMIT_EXCEEDED},
        [TCPIP_ICMP_REASSEMBLY_TIMEOUT] = {TCPIP_ICMPV6_TIME_EXCEEDED, TCPIP_ICMPV6_REASSEMBLY_TIMEOUT},
        [TCPIP_ICMP_PARAMETER_PROBLEM] = {TCPIP_ICMPV6_PARAMETER_PROBLEM, TCPIP_ICMPV6_ERRONEOUS_HEADER},
        [TCPIP_ICMP_UNKNOWN_NEXT_HEADER] = {TCPIP_ICMPV6_PARAMETER_PROBLEM, TCPIP_ICMPV6_UNKNOWN_NEXT_HEADER},
        [TCPIP_ICMP_UNKNOWN_OPTION] = {TCPIP_ICMPV6_PARAMETER_PROBLEM, TCPIP_ICMPV6_UNKNOWN_OPTION},
        [TCPIP_ICMP_INCOMPLETE_FIRST_FRAGMENT] = {TCPIP_ICMPV6_PARAMETER_PROBLEM,
                                                  TCPIP_ICMPV6_INCOMPLETE_FIRST_FRAGMENT},
    };
    if ((size_t)kind >= array_count(message) || message[kind].type == 0)
        return false;
    *out = (struct tcpip_icmpv6_fields){.type = message[kind].type, .code = message[kind].code};
    if (out->type == TCPIP_ICMPV6_PACKET_TOO_BIG)
        out->mtu = value;
    else if (out->type == TCPIP_ICMPV6_PARAMETER_PROBLEM)
        out->pointer = value;
    return true;
}

static void icmpv6_count_error_sent(struct tcpip_stats_icmp *stats, uint8_t type)
{
    stats->sent++;
    if (type == TCPIP_ICMPV6_UNREACHABLE)
        stats->dst_unreachable_sent++;
    else if (type == TCPIP_ICMPV6_PACKET_TOO_BIG)
        stats->packet_too_big_sent++;
    else if (type == TCPIP_ICMPV6_TIME_EXCEEDED)
        stats->time_exceeded_sent++;
    else
        stats->param_problem_sent++;
}

/* RFC 4443 2.4 (e): multicast packets may be answered by packet too big, so that discovery works for groups, and by a
 * parameter problem about an option that asks for it. */
static bool icmpv6_may_answer(const struct tcpip_packet *packet, enum tcpip_icmp_kind kind)
{
    if (kind != TCPIP_ICMP_PACKET_TOO_BIG && kind != TCPIP_ICMP_UNKNOWN_OPTION)
        return tcpip__ip_may_answer(packet);
    return !address_is_zero(packet->network.source) && !address_is_multicast(packet->network.source);
}

void tcpip__icmpv6_send_error(struct tcpip_nic *nic, const struct tcpip_packet *packet, enum tcpip_icmp_kind kind,
                              uint32_t value)
{
    struct tcpip_stats_icmp *stats = &nic->stack->stats.icmpv6;
    struct tcpip_icmpv6_fields fields;
    uint8_t *header;

    if (!icmpv6_describe(kind, value, &fields) || !icmpv6_may_answer(packet, kind) || icmpv6_carries_error(packet))
        return;
    if (!tcpip__icmp_allowed(packet)) {
        stats->rate_limited++;
        return;
    }
    struct tcpip_packet *error = tcpip__icmp_quote(packet, ICMPV6_QUOTE_BYTES, &header);
    if (error == NULL)
        return;
    tcpip_icmpv6_encode(header, &fields);
    struct icmp_envelope envelope = {.nic = nic, .transport = TCPIP_PROTOCOL_ICMPV6};
    if (!address_is_multicast(packet->network.destination))
        memcpy(envelope.local, packet->network.destination, 16);
    memcpy(envelope.remote, packet->network.source, 16);
    if (tcpip__icmp_send(&envelope, error) == TCPIP_OK)
        icmpv6_count_error_sent(stats, fields.type);
}

/* The request itself becomes the reply: its headers go, its payload goes back. */
static void icmpv6_echo(struct tcpip_nic *nic, struct tcpip_packet *packet, const uint8_t *message)
{
    struct tcpip_stats_icmp *stats = &nic->stack->stats.icmpv6;
    struct tcpip_icmpv6_fields fields = {
        .type = TCPIP_ICMPV6_ECHO_REPLY, .id = tcpip_icmpv6_id(message), .sequence = tcpip_icmpv6_sequence(message)};
    struct icmp_envelope envelope = {.nic = nic, .transport = TCPIP_PROTOCOL_ICMPV6, .tos = packet->network.tos & 0xfc};

    stats->echo_request_received++;
    if (!tcpip__ip_may_answer(packet)) {
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_NOT_UNICAST);
        return;
    }
    if (!tcpip__icmp_asks_us(packet)) {
        if (!tcpip__transport_handler(nic->stack, packet))
            tcpip_packet_drop(packet, TCPIP_DROP_IP_NOT_LOCAL);
        return;
    }
    memcpy(envelope.local, packet->network.destination, 16);
    memcpy(envelope.remote, packet->network.source, 16);
    uint32_t payload = (uint32_t)packet->transport_offset + TCPIP_ICMPV6_MESSAGE_MIN;
    struct tcpip_packet *reply = tcpip__ip_slice(packet, payload, packet->length - payload);
    uint8_t *header = reply == NULL ? NULL : tcpip_packet_push(reply, TCPIP_ICMPV6_MESSAGE_MIN);
    if (header == NULL) {
        if (reply != NULL)
            tcpip_packet_free(reply);
        tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
        return;
    }
    tcpip_packet_free(packet);
    tcpip_icmpv6_encode(header, &fields);
    if (tcpip__icmp_send(&envelope, reply) == TCPIP_OK) {
        stats->sent++;
        stats->echo_reply_sent++;
    }
}

/* ---- in ---- */

static enum tcpip_icmp_kind icmpv6_unreachable_kind(uint8_t code)
{
    switch (code) {
    case TCPIP_ICMPV6_NO_ROUTE:
        return TCPIP_ICMP_NET_UNREACHABLE;
    case TCPIP_ICMPV6_ADMIN_PROHIBITED:
    case TCPIP_ICMPV6_SOURCE_POLICY:
    case TCPIP_ICMPV6_REJECT_ROUTE:
        return TCPIP_ICMP_PROHIBITED;
    case TCPIP_ICMPV6_BEYOND_SCOPE:
    case TCPIP_ICMPV6_ADDRESS_UNREACHABLE:
        return TCPIP_ICMP_HOST_UNREACHABLE;
    case TCPIP_ICMPV6_PORT_UNREACHABLE:
        return TCPIP_ICMP_PORT_UNREACHABLE;
    default:
        return TCPIP_ICMP_OTHER;
    }
}

/* What an error says; types that we don't know go up as OTHER (RFC 4443 2.4 (a)). */
static void icmpv6_judge(const uint8_t *message, struct tcpip_icmp_error *error)
{
    error->type = tcpip_icmpv6_type(message);
    error->code = tcpip_icmpv6_code(message);
    error->value = 0;
    switch (error->type) {
    case TCPIP_ICMPV6_UNREACHABLE:
        error->kind = icmpv6_unreachable_kind(error->code);
        break;
    case TCPIP_ICMPV6_PACKET_TOO_BIG:
        error->kind = TCPIP_ICMP_PACKET_TOO_BIG;
        error->value = tcpip_icmpv6_mtu(message);
        break;
    case TCPIP_ICMPV6_TIME_EXCEEDED:
        error->kind =
            error->code == TCPIP_ICMPV6_HOP_LIMIT_EXCEEDED ? TCPIP_ICMP_TTL_EXCEEDED : TCPIP_ICMP_REASSEMBLY_TIMEOUT;
        break;
    case TCPIP_ICMPV6_PARAMETER_PROBLEM:
        error->kind = error->code == TCPIP_ICMPV6_UNKNOWN_NEXT_HEADER ? TCPIP_ICMP_UNKNOWN_NEXT_HEADER
                      : error->code == TCPIP_ICMPV6_UNKNOWN_OPTION    ? TCPIP_ICMP_UNKNOWN_OPTION
                                                                      : TCPIP_ICMP_PARAMETER_PROBLEM;
        error->value = tcpip_icmpv6_pointer(message);
        break;
    default:
        error->kind = TCPIP_ICMP_OTHER;
        break;
    }
}

/* The quoted packet, if it can be one of ours, told to the address it came from; NULL: drop ICMP_BAD_QUOTE. */
static const uint8_t *icmpv6_quoted(const struct tcpip_packet *packet, const uint8_t *message, size_t front_bytes,
                                    struct tcpip_ipv6_chain *chain, size_t *quote_bytes)
{
    const uint8_t *quoted = message + TCPIP_ICMPV6_MESSAGE_MIN;
    size_t whole = tcpip_icmpv6_quote_bytes(message, packet->length - packet->transport_offset);
    size_t bytes = min_size(whole, front_bytes - TCPIP_ICMPV6_MESSAGE_MIN);

    if (bytes < TCPIP_IPV6_HEADER_BYTES || tcpip_ipv6_version(quoted) != 6)
        return NULL;
    if (memcmp(tcpip_ipv6_source(quoted), packet->network.destination, 16) != 0)
        return NULL;
    (void)tcpip_ipv6_chain_parse(quoted, bytes, chain);
    if (chain->verdict != TCPIP_IPV6_WALK_UPPER || bytes < chain->upper_offset + ICMPV6_QUOTE_MIN)
        return NULL;
    *quote_bytes = bytes;
    return quoted;
}

static void icmpv6_error(struct tcpip_nic *nic, struct tcpip_packet *packet, const uint8_t *message, size_t front_bytes)
{
    struct tcpip_icmp_error error;
    struct tcpip_ipv6_chain chain;
    size_t quote_bytes;

    const uint8_t *quoted = packet->network.local == DESTINATION_UNICAST
                                ? icmpv6_quoted(packet, message, front_bytes, &chain, &quote_bytes)
                                : NULL;
    if (quoted == NULL) {
        nic->stack->stats.icmpv6.invalid++;
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_BAD_QUOTE);
        return;
    }
    icmpv6_judge(message, &error);
    if (error.kind == TCPIP_ICMP_PACKET_TOO_BIG && error.value < TCPIP_IPV6_MTU_MIN) {
        nic->stack->stats.icmpv6.invalid++;
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_MALFORMED);
        return;
    }
    error.transport = chain.upper_protocol;
    error.nic = nic->id;
    error.local = packet->network.destination;
    error.remote = tcpip_ipv6_destination(quoted);
    error.offender = packet->network.source;
    error.quote = quoted + chain.upper_offset;
    error.quote_bytes = (uint32_t)(quote_bytes - chain.upper_offset);
    tcpip__transport_error(nic->stack, &error);
    tcpip_packet_free(packet);
}

static void icmpv6_count_error(struct tcpip_stats_icmp *stats, uint8_t type)
{
    if (type == TCPIP_ICMPV6_UNREACHABLE)
        stats->dst_unreachable_received++;
    else if (type == TCPIP_ICMPV6_PACKET_TOO_BIG)
        stats->packet_too_big_received++;
    else if (type == TCPIP_ICMPV6_TIME_EXCEEDED)
        stats->time_exceeded_received++;
    else if (type == TCPIP_ICMPV6_PARAMETER_PROBLEM)
        stats->param_problem_received++;
    else
        stats->unrecognized_received++;
}

/* Whole, and summed up unless the link did that or the sender is this machine. The front, or NULL: dropped. */
static const uint8_t *icmpv6_check(struct tcpip_packet *packet, size_t *front_bytes)
{
    struct tcpip_stats_icmp *stats = &packet->nic->stack->stats.icmpv6;
    uint32_t bytes = packet->length - packet->transport_offset;
    const uint8_t *message = NULL;

    *front_bytes = min_u32(bytes, ICMPV6_FRONT_BYTES);
    if (bytes >= TCPIP_ICMPV6_HEADER_MIN) {
        message = tcpip_packet_pull(packet, packet->transport_offset, (uint32_t)*front_bytes);
        if (message == NULL) {
            tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
            return NULL;
        }
    }
    if (message == NULL || !tcpip_icmpv6_header_check(message, *front_bytes)) {
        stats->invalid++;
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_MALFORMED);
        return NULL;
    }
    uint16_t sum =
        tcpip_checksum_pseudo_v6(packet->network.source, packet->network.destination, TCPIP_PROTOCOL_ICMPV6, bytes);
    if (packet->checksum == TCPIP_CHECKSUM_NONE &&
        !tcpip_checksum_ok(tcpip_packet_checksum(packet, packet->transport_offset, bytes, sum))) {
        stats->invalid++;
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_BAD_CHECKSUM);
        return NULL;
    }
    return message;
}

void tcpip__icmpv6_input(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    struct tcpip_stats_icmp *stats = &nic->stack->stats.icmpv6;
    size_t front_bytes;

    stats->received++;
    const uint8_t *message = icmpv6_check(packet, &front_bytes);
    if (message == NULL)
        return;
    uint8_t type = tcpip_icmpv6_type(message);
    if (tcpip_icmpv6_is_error(type)) {
        icmpv6_count_error(stats, type);
        icmpv6_error(nic, packet, message, front_bytes);
        return;
    }
    switch (type) {
    case TCPIP_ICMPV6_ECHO_REQUEST:
        icmpv6_echo(nic, packet, message);
        break;
    case TCPIP_ICMPV6_ECHO_REPLY:
        stats->echo_reply_received++;
        tcpip__transport_deliver(nic, packet);
        break;
    case TCPIP_ICMPV6_ROUTER_SOLICITATION:
    case TCPIP_ICMPV6_ROUTER_ADVERTISEMENT:
    case TCPIP_ICMPV6_NEIGHBOR_SOLICITATION:
    case TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT:
    case TCPIP_ICMPV6_REDIRECT:
        tcpip__ndp_input(nic, packet);
        break;
    default:
        stats->unrecognized_received++;
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_UNKNOWN_TYPE);
        break;
    }
}
