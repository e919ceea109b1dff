// SPDX-License-Identifier: MIT
/* icmpv6.c: ICMP for IPv6: errors and echo.
 *
 * Not here: neighbour discovery (ndp.c), MLD (mld.c). */
#include <tcpip/header/icmpv6.h>

enum {
    ICMPV6_EXTENSION_MIN_QUOTE_BYTES = 128 /* with extensions the quote is padded to this (RFC 4884 4) */
};

size_t tcpip_icmpv6_quote_bytes(const uint8_t *p, size_t message_bytes)
{
    size_t rest = message_bytes - TCPIP_ICMPV6_MESSAGE_MIN;
    uint8_t type = tcpip_icmpv6_type(p);
    if (type != TCPIP_ICMPV6_UNREACHABLE && type != TCPIP_ICMPV6_TIME_EXCEEDED)
        return rest;
    size_t quote = (size_t)p[4] * 8; /* in 8 bytes here, in 4 for IPv4 */
    return quote >= ICMPV6_EXTENSION_MIN_QUOTE_BYTES && quote <= rest ? quote : rest;
}

static bool icmpv6_is_echo(uint8_t type)
{
    return type == TCPIP_ICMPV6_ECHO_REQUEST || type == TCPIP_ICMPV6_ECHO_REPLY;
}

void tcpip_icmpv6_encode(uint8_t *out, const struct tcpip_icmpv6_fields *fields)
{
    out[0] = fields->type;
    out[1] = fields->code;
    tcpip_store_u16(out + 2, fields->checksum);
    tcpip_store_u32(out + 4, 0);
    if (icmpv6_is_echo(fields->type)) {
        tcpip_store_u16(out + 4, fields->id);
        tcpip_store_u16(out + 6, fields->sequence);
    } else if (fields->type == TCPIP_ICMPV6_PACKET_TOO_BIG) {
        tcpip_store_u32(out + 4, fields->mtu);
    } else if (fields->type == TCPIP_ICMPV6_PARAMETER_PROBLEM) {
        tcpip_store_u32(out + 4, fields->pointer);
    }
}

void tcpip_icmpv6_decode(const uint8_t *p, struct tcpip_icmpv6_fields *out)
{
    *out = (struct tcpip_icmpv6_fields){
        .type = tcpip_icmpv6_type(p),
        .code = tcpip_icmpv6_code(p),
        .checksum = tcpip_icmpv6_checksum(p),
    };
    if (icmpv6_is_echo(out->type)) {
        out->id = tcpip_icmpv6_id(p);
        out->sequence = tcpip_icmpv6_sequence(p);
    } else if (out->type == TCPIP_ICMPV6_PACKET_TOO_BIG) {
        out->mtu = tcpip_icmpv6_mtu(p);
    } else if (out->type == TCPIP_ICMPV6_PARAMETER_PROBLEM) {
        out->pointer = tcpip_icmpv6_pointer(p);
    }
}
