// SPDX-License-Identifier: MIT
/* ipv4.c: the IPv4 header.
 *
 * A packet comes with three lengths: what lies contiguous at hand, what arrived, and what the header claims. The check
 * orders them once (header <= total length <= arrived, header <= at hand); nobody above compares them again.
 *
 * Not here: options (ipv4_option.c). */
#include <tcpip/header/ipv4.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "header/checksum_word.h"

#include <tcpip/header/checksum.h>

bool tcpip_ipv4_header_check(const uint8_t *p, size_t front_bytes, size_t packet_bytes, size_t *header_bytes)
{
    if (front_bytes < TCPIP_IPV4_HEADER_MIN || tcpip_ipv4_version(p) != 4)
        return false;
    size_t header = tcpip_ipv4_header_bytes(p);
    size_t total = tcpip_ipv4_total_length(p);
    if (header < TCPIP_IPV4_HEADER_MIN || header > front_bytes || total < header || total > packet_bytes)
        return false;
    /* A last fragment that ends where no packet can (the "ping of death"). */
    if (TCPIP_IPV4_HEADER_MIN + tcpip_ipv4_fragment_offset(p) + (total - header) > TCPIP_IPV4_PACKET_MAX)
        return false;
    *header_bytes = header;
    return true;
}

/* The sum over the header, which hardly ever has options. */
static uint16_t ipv4_header_sum(const uint8_t *p)
{
    uint64_t first, second;
    if (unlikely(p[0] != 0x45))
        return tcpip_checksum(p, tcpip_ipv4_header_bytes(p), 0);
    memcpy(&first, p, 8);
    memcpy(&second, p + 8, 8);
    return checksum_word_finish((first & 0xffffffffu) + (first >> 32) + (second & 0xffffffffu) + (second >> 32) +
                                    checksum_word_tail(p + 16, 4),
                                0);
}

bool tcpip_ipv4_checksum_ok(const uint8_t *p)
{
    return tcpip_checksum_ok(ipv4_header_sum(p));
}

void tcpip_ipv4_checksum_set(uint8_t *p)
{
    tcpip_store_u16(p + TCPIP_IPV4_CHECKSUM_OFFSET, 0);
    tcpip_store_u16(p + TCPIP_IPV4_CHECKSUM_OFFSET, tcpip_checksum_finish(ipv4_header_sum(p)));
}

void tcpip_ipv4_update_total_length(uint8_t *p, uint16_t total_length)
{
    uint16_t checksum = tcpip_checksum_update_u16(tcpip_ipv4_checksum(p), tcpip_ipv4_total_length(p), total_length);
    tcpip_store_u16(p + 2, total_length);
    tcpip_store_u16(p + TCPIP_IPV4_CHECKSUM_OFFSET, checksum);
}

void tcpip_ipv4_update_ttl(uint8_t *p, uint8_t ttl)
{
    uint16_t before = tcpip_load_u16(p + 8); /* TTL shares its word with the protocol */
    p[8] = ttl;
    uint16_t checksum = tcpip_checksum_update_u16(tcpip_ipv4_checksum(p), before, tcpip_load_u16(p + 8));
    tcpip_store_u16(p + TCPIP_IPV4_CHECKSUM_OFFSET, checksum);
}

size_t tcpip_ipv4_encode(uint8_t *out, const struct tcpip_ipv4_fields *fields)
{
    ASSERT(fields->options_bytes % 4 == 0 && fields->options_bytes <= TCPIP_IPV4_OPTIONS_MAX);
    ASSERT(fields->fragment_offset % 8 == 0);
    size_t header_bytes = TCPIP_IPV4_HEADER_MIN + fields->options_bytes;
    uint16_t flags = fields->flags & (TCPIP_IPV4_DONT_FRAGMENT | TCPIP_IPV4_MORE_FRAGMENTS);
    out[0] = (uint8_t)(0x40 | header_bytes / 4);
    out[1] = fields->tos;
    tcpip_store_u16(out + 2, fields->total_length);
    tcpip_store_u16(out + 4, fields->id);
    tcpip_store_u16(out + 6, (uint16_t)(flags | fields->fragment_offset >> 3));
    out[8] = fields->ttl;
    out[9] = fields->protocol;
    memcpy(out + 12, fields->source, 4);
    memcpy(out + 16, fields->destination, 4);
    if (fields->options_bytes > 0)
        memcpy(out + TCPIP_IPV4_HEADER_MIN, fields->options, fields->options_bytes);
    tcpip_ipv4_checksum_set(out);
    return header_bytes;
}

void tcpip_ipv4_decode(const uint8_t *p, struct tcpip_ipv4_fields *out)
{
    *out = (struct tcpip_ipv4_fields){
        .tos = tcpip_ipv4_tos(p),
        .ttl = tcpip_ipv4_ttl(p),
        .protocol = tcpip_ipv4_protocol(p),
        .options_bytes = (uint8_t)(tcpip_ipv4_header_bytes(p) - TCPIP_IPV4_HEADER_MIN),
        .total_length = tcpip_ipv4_total_length(p),
        .id = tcpip_ipv4_id(p),
        .flags = tcpip_ipv4_flags(p),
        .fragment_offset = tcpip_ipv4_fragment_offset(p),
        .source = tcpip_ipv4_source(p),
        .destination = tcpip_ipv4_destination(p),
        .options = p + TCPIP_IPV4_HEADER_MIN,
    };
}
