// SPDX-License-Identifier: MIT
/* icmpv4.c: ICMP as the network layer speaks and hears it (RFC 792, RFC 1122 3.2.2, RFC 1191, RFC 5927).
 *
 * In: echo requests are answered; errors that quote a packet of ours go to the transport it was of, which judges
 * whether the quote can be true (sequence numbers, ports); echo replies go up to the ping endpoints. An error is
 * believed to this point only if it was sent to the very address that the quoted packet came from, and that address is
 * ours.
 *
 * Out: errors about packets that came in, never about what RFC 1122 3.2.2 excludes: another error, a broadcast or
 * multicast, a fragment that isn't the first, a source that isn't one host. The quote is as much as fits in 576 bytes
 * (RFC 1812 4.3.2.3). A stack-wide allowance keeps strangers from using us as an amplifier.
 *
 * Owns:       nothing.
 * Invariants: an error never answers an error; an answer leaves from the address that was asked.
 * Not here:   ping endpoints (transport); redirects, timestamps, router discovery: counted, not believed. */
#include "base/math.h"
#include "network/ip.h"

#include <tcpip/header/icmpv4.h>
#include <tcpip/header/ipv4.h>

enum {
    ICMPV4_QUOTE_BYTES = TCPIP_IPV4_REASSEMBLY_MIN - TCPIP_IPV4_HEADER_MIN - TCPIP_ICMPV4_HEADER_MIN,
    ICMPV4_FRONT_BYTES =
        TCPIP_ICMPV4_HEADER_MIN + TCPIP_IPV4_HEADER_MAX + 64, /* what errors are read of: both headers */
    ICMPV4_QUOTE_MIN = 8, /* bytes of the quoted transport header that RFC 792 promises */
};

/* ---- out ---- */

/* True if `packet` is an ICMP error itself, or too short to say. */
static bool icmpv4_carries_error(const struct tcpip_packet *packet, const uint8_t *ip)
{
    uint8_t type;
    if (tcpip_ipv4_protocol(ip) != TCPIP_PROTOCOL_ICMPV4)
        return false;
    size_t at = packet->network_offset + tcpip_ipv4_header_bytes(ip);
    return tcpip_packet_copy_out(packet, (uint32_t)at, &type, 1) != 1 || tcpip_icmpv4_is_error(type);
}

/* Type, code and the last word of the message that says `kind`; false: IPv4 has none. */
static bool icmpv4_describe(enum tcpip_icmp_kind kind, uint32_t value, struct tcpip_icmpv4_fields *out)
{
    static const struct {
        uint8_t type, code;
    } message[] = {
        [TCPIP_ICMP_NET_UNREACHABLE] = {TCPIP_ICMPV4_UNREACHABLE, TCPIP_ICMPV4_NET_UNREACHABLE},
        [TCPIP_ICMP_HOST_UNREACHABLE] = {TCPIP_ICMPV4_UNREACHABLE, TCPIP_ICMPV4_HOST_UNREACHABLE},
        [TCPIP_ICMP_PROTOCOL_UNREACHABLE] = {TCPIP_ICMPV4_UNREACHABLE, TCPIP_ICMPV4_PROTOCOL_UNREACHABLE},
        [TCPIP_ICMP_PORT_UNREACHABLE] = {TCPIP_ICMPV4_UNREACHABLE, TCPIP_ICMPV4_PORT_UNREACHABLE},
        [TCPIP_ICMP_PROHIBITED] = {TCPIP_ICMPV4_UNREACHABLE, TCPIP_ICMPV4_ADMIN_PROHIBITED},
        [TCPIP_ICMP_PACKET_TOO_BIG] = {TCPIP_ICMPV4_UNREACHABLE, TCPIP_ICMPV4_FRAGMENTATION_NEEDED},
        [TCPIP_ICMP_TTL_EXCEEDED] = {TCPIP_ICMPV4_TIME_EXCEEDED, TCPIP_ICMPV4_TTL_EXCEEDED},
        [TCPIP_ICMP_REASSEMBLY_TIMEOUT] = {TCPIP_ICMPV4_TIME_EXCEEDED, TCPIP_ICMPV4_REASSEMBLY_TIMEOUT},
        [TCPIP_ICMP_PARAMETER_PROBLEM] = {TCPIP_ICMPV4_PARAMETER_PROBLEM, TCPIP_ICMPV4_POINTER},
        [TCPIP_ICMP_UNKNOWN_NEXT_HEADER] = {TCPIP_ICMPV4_UNREACHABLE, TCPIP_ICMPV4_PROTOCOL_UNREACHABLE},
    };
    if ((size_t)kind >= array_count(message) || message[kind].type == 0)
        return false;
    *out = (struct tcpip_icmpv4_fields){.type = message[kind].type, .code = message[kind].code};
    if (kind == TCPIP_ICMP_PACKET_TOO_BIG)
        out->mtu = (uint16_t)min_u32(value, UINT16_MAX);
    if (kind == TCPIP_ICMP_PARAMETER_PROBLEM)
        out->pointer = (uint8_t)min_u32(value, UINT8_MAX);
    return true;
}

static void icmpv4_count_error_sent(struct tcpip_stats_icmp *stats, const struct tcpip_icmpv4_fields *fields)
{
    stats->sent++;
    if (fields->type == TCPIP_ICMPV4_TIME_EXCEEDED)
        stats->time_exceeded_sent++;
    else if (fields->type == TCPIP_ICMPV4_PARAMETER_PROBLEM)
        stats->param_problem_sent++;
    else if (fields->code == TCPIP_ICMPV4_FRAGMENTATION_NEEDED)
        stats->packet_too_big_sent++;
    else
        stats->dst_unreachable_sent++;
}

void tcpip__icmpv4_send_error(struct tcpip_nic *nic, const struct tcpip_packet *packet, enum tcpip_icmp_kind kind,
                              uint32_t value)
{
    struct tcpip_stats_icmp *stats = &nic->stack->stats.icmpv4;
    struct tcpip_icmpv4_fields fields;
    uint8_t ip[TCPIP_IPV4_HEADER_MIN], *header;

    if (!icmpv4_describe(kind, value, &fields) || !tcpip__ip_may_answer(packet))
        return;
    if (tcpip_packet_copy_out(packet, packet->network_offset, ip, sizeof(ip)) != sizeof(ip) ||
        tcpip_ipv4_fragment_offset(ip) != 0 || icmpv4_carries_error(packet, ip))
        return;
    if (!tcpip__icmp_allowed(packet)) {
        stats->rate_limited++;
        return;
    }
    struct tcpip_packet *error = tcpip__icmp_quote(packet, ICMPV4_QUOTE_BYTES, &header);
    if (error == NULL)
        return;
    tcpip_icmpv4_encode(header, &fields);
    struct icmp_envelope envelope = {.nic = nic, .transport = TCPIP_PROTOCOL_ICMPV4};
    memcpy(envelope.local, packet->network.destination, 16);
    memcpy(envelope.remote, packet->network.source, 16);
    if (tcpip__icmp_send(&envelope, error) == TCPIP_OK)
        icmpv4_count_error_sent(stats, &fields);
}

/* The request itself becomes the reply: its headers go, its payload goes back. */
static void icmpv4_echo(struct tcpip_nic *nic, struct tcpip_packet *packet, const uint8_t *message)
{
    struct tcpip_stats_icmp *stats = &nic->stack->stats.icmpv4;
    struct tcpip_icmpv4_fields fields = {
        .type = TCPIP_ICMPV4_ECHO_REPLY, .id = tcpip_icmpv4_id(message), .sequence = tcpip_icmpv4_sequence(message)};
    struct icmp_envelope envelope = {.nic = nic,
                                     .transport = TCPIP_PROTOCOL_ICMPV4,
                                     .tos = packet->network.tos & 0xfc}; /* RFC 1122 3.2.2, not ECN */

    stats->echo_request_received++;
    if (!tcpip__ip_may_answer(packet)) { /* smurfs: whoever asks everybody is not answered by anybody */
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
    uint32_t payload = (uint32_t)packet->transport_offset + TCPIP_ICMPV4_HEADER_MIN;
    struct tcpip_packet *reply = tcpip__ip_slice(packet, payload, packet->length - payload);
    uint8_t *header = reply == NULL ? NULL : tcpip_packet_push(reply, TCPIP_ICMPV4_HEADER_MIN);
    if (header == NULL) {
        if (reply != NULL)
            tcpip_packet_free(reply);
        tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
        return;
    }
    tcpip_packet_free(packet);
    tcpip_icmpv4_encode(header, &fields);
    if (tcpip__icmp_send(&envelope, reply) == TCPIP_OK) {
        stats->sent++;
        stats->echo_reply_sent++;
    }
}

/* ---- in ---- */

/* What a router without RFC 1191 may have meant by an MTU of 0: the next plateau below the packet (RFC 1191 7.1). */
static uint32_t icmpv4_plateau(uint32_t total_length)
{
    static const uint16_t plateau[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};
    for (size_t i = 0; i < array_count(plateau); i++)
        if (plateau[i] < total_length)
            return plateau[i];
    return TCPIP_IPV4_MTU_MIN;
}

static enum tcpip_icmp_kind icmpv4_unreachable_kind(uint8_t code)
{
    static const uint8_t kind[] = {
        [TCPIP_ICMPV4_NET_UNREACHABLE] = TCPIP_ICMP_NET_UNREACHABLE,
        [TCPIP_ICMPV4_HOST_UNREACHABLE] = TCPIP_ICMP_HOST_UNREACHABLE,
        [TCPIP_ICMPV4_PROTOCOL_UNREACHABLE] = TCPIP_ICMP_PROTOCOL_UNREACHABLE,
        [TCPIP_ICMPV4_PORT_UNREACHABLE] = TCPIP_ICMP_PORT_UNREACHABLE,
        [TCPIP_ICMPV4_FRAGMENTATION_NEEDED] = TCPIP_ICMP_PACKET_TOO_BIG,
        [TCPIP_ICMPV4_SOURCE_ROUTE_FAILED] = TCPIP_ICMP_OTHER,
        [TCPIP_ICMPV4_NET_UNKNOWN] = TCPIP_ICMP_NET_UNREACHABLE,
        [TCPIP_ICMPV4_HOST_UNKNOWN] = TCPIP_ICMP_HOST_UNREACHABLE,
        [TCPIP_ICMPV4_SOURCE_ISOLATED] = TCPIP_ICMP_HOST_UNREACHABLE,
        [TCPIP_ICMPV4_NET_PROHIBITED] = TCPIP_ICMP_PROHIBITED,
        [TCPIP_ICMPV4_HOST_PROHIBITED] = TCPIP_ICMP_PROHIBITED,
        [TCPIP_ICMPV4_NET_UNREACHABLE_FOR_TOS] = TCPIP_ICMP_NET_UNREACHABLE,
        [TCPIP_ICMPV4_HOST_UNREACHABLE_FOR_TOS] = TCPIP_ICMP_HOST_UNREACHABLE,
        [TCPIP_ICMPV4_ADMIN_PROHIBITED] = TCPIP_ICMP_PROHIBITED,
        [TCPIP_ICMPV4_PRECEDENCE_VIOLATION] = TCPIP_ICMP_PROHIBITED,
        [TCPIP_ICMPV4_PRECEDENCE_CUTOFF] = TCPIP_ICMP_PROHIBITED,
    };
    return code < array_count(kind) ? (enum tcpip_icmp_kind)kind[code] : TCPIP_ICMP_OTHER;
}

/* What an error says. `quoted`: the header of the quoted packet. */
static void icmpv4_judge(const uint8_t *message, const uint8_t *quoted, struct tcpip_icmp_error *error)
{
    error->type = tcpip_icmpv4_type(message);
    error->code = tcpip_icmpv4_code(message);
    error->kind = TCPIP_ICMP_OTHER;
    error->value = 0;
    if (error->type == TCPIP_ICMPV4_TIME_EXCEEDED) {
        error->kind =
            error->code == TCPIP_ICMPV4_TTL_EXCEEDED ? TCPIP_ICMP_TTL_EXCEEDED : TCPIP_ICMP_REASSEMBLY_TIMEOUT;
    } else if (error->type == TCPIP_ICMPV4_PARAMETER_PROBLEM) {
        error->kind = TCPIP_ICMP_PARAMETER_PROBLEM;
        error->value = tcpip_icmpv4_pointer(message);
    } else if (error->type == TCPIP_ICMPV4_UNREACHABLE) {
        error->kind = icmpv4_unreachable_kind(error->code);
        if (error->kind == TCPIP_ICMP_PACKET_TOO_BIG) {
            uint32_t mtu = tcpip_icmpv4_mtu(message);
            error->value = mtu != 0 ? mtu : icmpv4_plateau(tcpip_ipv4_total_length(quoted));
        }
    }
}

/* The quoted header if it can be one of ours, told to the address it came from; NULL: drop ICMP_BAD_QUOTE. */
static const uint8_t *icmpv4_quoted(const struct tcpip_packet *packet, const uint8_t *message, size_t front_bytes,
                                    size_t *quote_bytes)
{
    const uint8_t *quoted = message + TCPIP_ICMPV4_HEADER_MIN;
    size_t whole = tcpip_icmpv4_quote_bytes(message, packet->length - packet->transport_offset);
    size_t bytes = min_size(whole, front_bytes - TCPIP_ICMPV4_HEADER_MIN);

    if (bytes < TCPIP_IPV4_HEADER_MIN || tcpip_ipv4_version(quoted) != 4)
        return NULL;
    size_t header_bytes = tcpip_ipv4_header_bytes(quoted);
    if (header_bytes < TCPIP_IPV4_HEADER_MIN || bytes < header_bytes + ICMPV4_QUOTE_MIN)
        return NULL;
    if (tcpip_ipv4_fragment_offset(quoted) != 0) /* no transport header to know it by */
        return NULL;
    if (memcmp(tcpip_ipv4_source(quoted), packet->network.destination + 12, 4) != 0)
        return NULL;
    *quote_bytes = bytes;
    return quoted;
}

static void icmpv4_error(struct tcpip_nic *nic, struct tcpip_packet *packet, const uint8_t *message, size_t front_bytes)
{
    struct tcpip_icmp_error error;
    uint8_t remote[16];
    size_t quote_bytes;

    const uint8_t *quoted =
        packet->network.local == DESTINATION_UNICAST ? icmpv4_quoted(packet, message, front_bytes, &quote_bytes) : NULL;
    if (quoted == NULL) {
        nic->stack->stats.icmpv4.invalid++;
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_BAD_QUOTE);
        return;
    }
    icmpv4_judge(message, quoted, &error);
    if (error.kind == TCPIP_ICMP_PACKET_TOO_BIG && error.value < TCPIP_IPV4_MTU_MIN) { /* no link is that narrow */
        nic->stack->stats.icmpv4.invalid++;
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_MALFORMED);
        return;
    }
    memcpy(remote, packet->network.destination, 12); /* the mapping prefix */
    memcpy(remote + 12, tcpip_ipv4_destination(quoted), 4);
    error.transport = tcpip_ipv4_protocol(quoted);
    error.nic = nic->id;
    error.local = packet->network.destination;
    error.remote = remote;
    error.offender = packet->network.source;
    error.quote = quoted + tcpip_ipv4_header_bytes(quoted);
    error.quote_bytes = (uint32_t)(quote_bytes - tcpip_ipv4_header_bytes(quoted));
    tcpip__transport_error(nic->stack, &error);
    tcpip_packet_free(packet);
}

static void icmpv4_count_error(struct tcpip_stats_icmp *stats, const uint8_t *message)
{
    switch (tcpip_icmpv4_type(message)) {
    case TCPIP_ICMPV4_TIME_EXCEEDED:
        stats->time_exceeded_received++;
        break;
    case TCPIP_ICMPV4_PARAMETER_PROBLEM:
        stats->param_problem_received++;
        break;
    default:
        if (tcpip_icmpv4_code(message) == TCPIP_ICMPV4_FRAGMENTATION_NEEDED)
            stats->packet_too_big_received++;
        else
            stats->dst_unreachable_received++;
        break;
    }
}

/* Whole, and summed up unless the link did that or the sender is this machine. The front, or NULL: dropped. */
static const uint8_t *icmpv4_check(struct tcpip_packet *packet, size_t *front_bytes)
{
    struct tcpip_stats_icmp *stats = &packet->nic->stack->stats.icmpv4;
    uint32_t bytes = packet->length - packet->transport_offset;
    const uint8_t *message = NULL;

    *front_bytes = min_u32(bytes, ICMPV4_FRONT_BYTES);
    if (bytes >= TCPIP_ICMPV4_HEADER_MIN) {
        message = tcpip_packet_pull(packet, packet->transport_offset, (uint32_t)*front_bytes);
        if (message == NULL) {
            tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
            return NULL;
        }
    }
    if (message == NULL || !tcpip_icmpv4_header_check(message, *front_bytes)) {
        stats->invalid++;
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_MALFORMED);
        return NULL;
    }
    if (packet->checksum == TCPIP_CHECKSUM_NONE &&
        !tcpip_checksum_ok(tcpip_packet_checksum(packet, packet->transport_offset, bytes, 0))) {
        stats->invalid++;
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_BAD_CHECKSUM);
        return NULL;
    }
    return message;
}

void tcpip__icmpv4_input(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    struct tcpip_stats_icmp *stats = &nic->stack->stats.icmpv4;
    size_t front_bytes;

    stats->received++;
    const uint8_t *message = icmpv4_check(packet, &front_bytes);
    if (message == NULL)
        return;
    switch (tcpip_icmpv4_type(message)) {
    case TCPIP_ICMPV4_ECHO_REQUEST:
        icmpv4_echo(nic, packet, message);
        break;
    case TCPIP_ICMPV4_ECHO_REPLY:
        stats->echo_reply_received++;
        tcpip__transport_deliver(nic, packet);
        break;
    case TCPIP_ICMPV4_UNREACHABLE:
    case TCPIP_ICMPV4_TIME_EXCEEDED:
    case TCPIP_ICMPV4_PARAMETER_PROBLEM:
        icmpv4_count_error(stats, message);
        icmpv4_error(nic, packet, message, front_bytes);
        break;
    case TCPIP_ICMPV4_REDIRECT: /* who may send one can't be checked: not believed */
        stats->redirect_received++;
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_UNKNOWN_TYPE);
        break;
    default: /* source quench, too: deprecated by RFC 6633 */
        stats->unrecognized_received++;
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_UNKNOWN_TYPE);
        break;
    }
}
