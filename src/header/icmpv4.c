// SPDX-License-Identifier: MIT
/* icmpv4.c: ICMP for IPv4. All messages share four bytes; what the next four mean hangs on the type.
 *
 * Not here: when to send one, and whether a quoted packet is ours (network/). */
#include <tcpip/header/icmpv4.h>

#include <string.h>

enum {
    ICMP_EXTENSION_MIN_QUOTE_BYTES = 128 /* with extensions the quote is padded to this (RFC 4884 4) */
};

bool tcpip_icmpv4_is_error(uint8_t type)
{
    return type == TCPIP_ICMPV4_UNREACHABLE || type == TCPIP_ICMPV4_SOURCE_QUENCH || type == TCPIP_ICMPV4_REDIRECT ||
           type == TCPIP_ICMPV4_TIME_EXCEEDED || type == TCPIP_ICMPV4_PARAMETER_PROBLEM;
}

size_t tcpip_icmpv4_quote_bytes(const uint8_t *p, size_t message_bytes)
{
    size_t rest = message_bytes - TCPIP_ICMPV4_HEADER_MIN;
    uint8_t type = tcpip_icmpv4_type(p);
    if (type != TCPIP_ICMPV4_UNREACHABLE && type != TCPIP_ICMPV4_TIME_EXCEEDED &&
        type != TCPIP_ICMPV4_PARAMETER_PROBLEM)
        return rest;
    size_t quote = (size_t)p[5] * 4;
    return quote >= ICMP_EXTENSION_MIN_QUOTE_BYTES && quote <= rest ? quote : rest;
}

static bool icmpv4_has_id(uint8_t type)
{
    return type == TCPIP_ICMPV4_ECHO_REQUEST || type == TCPIP_ICMPV4_ECHO_REPLY ||
           type == TCPIP_ICMPV4_TIMESTAMP_REQUEST || type == TCPIP_ICMPV4_TIMESTAMP_REPLY;
}

static bool icmpv4_has_mtu(uint8_t type, uint8_t code)
{
    return type == TCPIP_ICMPV4_UNREACHABLE && code == TCPIP_ICMPV4_FRAGMENTATION_NEEDED;
}

void tcpip_icmpv4_encode(uint8_t *out, const struct tcpip_icmpv4_fields *fields)
{
    out[0] = fields->type;
    out[1] = fields->code;
    tcpip_store_u16(out + 2, fields->checksum);
    tcpip_store_u32(out + 4, 0);
    if (icmpv4_has_id(fields->type)) {
        tcpip_store_u16(out + 4, fields->id);
        tcpip_store_u16(out + 6, fields->sequence);
    } else if (icmpv4_has_mtu(fields->type, fields->code)) {
        tcpip_store_u16(out + 6, fields->mtu);
    } else if (fields->type == TCPIP_ICMPV4_PARAMETER_PROBLEM) {
        out[4] = fields->pointer;
    } else if (fields->type == TCPIP_ICMPV4_REDIRECT) {
        memcpy(out + 4, fields->gateway, 4);
    }
}

void tcpip_icmpv4_decode(const uint8_t *p, struct tcpip_icmpv4_fields *out)
{
    *out = (struct tcpip_icmpv4_fields){
        .type = tcpip_icmpv4_type(p),
        .code = tcpip_icmpv4_code(p),
        .checksum = tcpip_icmpv4_checksum(p),
    };
    if (icmpv4_has_id(out->type)) {
        out->id = tcpip_icmpv4_id(p);
        out->sequence = tcpip_icmpv4_sequence(p);
    } else if (icmpv4_has_mtu(out->type, out->code)) {
        out->mtu = tcpip_icmpv4_mtu(p);
    } else if (out->type == TCPIP_ICMPV4_PARAMETER_PROBLEM) {
        out->pointer = tcpip_icmpv4_pointer(p);
    } else if (out->type == TCPIP_ICMPV4_REDIRECT) {
        out->gateway = tcpip_icmpv4_gateway(p);
    }
}
