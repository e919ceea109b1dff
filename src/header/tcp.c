// SPDX-License-Identifier: MIT
/* tcp.c: the TCP header.
 *
 * Not here: options (tcp_option.c); which flags make sense together (transport/tcp). */
#include <tcpip/header/tcp.h>

#include "base/assert.h"

#include <tcpip/header/checksum.h>

bool tcpip_tcp_header_check(const uint8_t *p, size_t front_bytes, size_t *header_bytes)
{
    if (front_bytes < TCPIP_TCP_HEADER_MIN)
        return false;
    size_t header = tcpip_tcp_header_bytes(p);
    if (header < TCPIP_TCP_HEADER_MIN || header > front_bytes)
        return false;
    *header_bytes = header;
    return true;
}

void tcpip_tcp_encode(uint8_t *out, const struct tcpip_tcp_fields *fields)
{
    ASSERT(fields->header_bytes >= TCPIP_TCP_HEADER_MIN && fields->header_bytes <= TCPIP_TCP_HEADER_MAX);
    ASSERT(fields->header_bytes % 4 == 0 && (fields->flags & ~TCPIP_TCP_FLAGS) == 0);
    tcpip_store_u16(out, fields->source_port);
    tcpip_store_u16(out + 2, fields->destination_port);
    tcpip_store_u32(out + 4, fields->sequence);
    tcpip_store_u32(out + 8, fields->acknowledgment);
    tcpip_store_u16(out + 12, (uint16_t)(fields->header_bytes / 4u << 12 | fields->flags));
    tcpip_store_u16(out + 14, fields->window);
    tcpip_store_u16(out + 16, fields->checksum);
    tcpip_store_u16(out + 18, fields->urgent);
}

void tcpip_tcp_decode(const uint8_t *p, struct tcpip_tcp_fields *out)
{
    *out = (struct tcpip_tcp_fields){
        .source_port = tcpip_tcp_source_port(p),
        .destination_port = tcpip_tcp_destination_port(p),
        .sequence = tcpip_tcp_sequence(p),
        .acknowledgment = tcpip_tcp_acknowledgment(p),
        .flags = tcpip_tcp_flags(p),
        .header_bytes = (uint8_t)tcpip_tcp_header_bytes(p),
        .window = tcpip_tcp_window(p),
        .checksum = tcpip_tcp_checksum(p),
        .urgent = tcpip_tcp_urgent(p),
    };
}

void tcpip_tcp_encode_partial(uint8_t *header, const struct tcpip_tcp_partial *fields, uint16_t rest_sum)
{
    ASSERT((fields->flags & ~TCPIP_TCP_FLAGS) == 0);
    tcpip_store_u32(header + 4, fields->sequence);
    tcpip_store_u32(header + 8, fields->acknowledgment);
    tcpip_tcp_set_flags(header, fields->flags);
    tcpip_store_u16(header + 14, fields->window);
    uint16_t sum = tcpip_checksum(header + 4, 12, rest_sum); /* sequence to window: the bytes just written */
    tcpip_store_u16(header + TCPIP_TCP_CHECKSUM_OFFSET, tcpip_checksum_finish(sum));
}
