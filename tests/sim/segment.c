// SPDX-License-Identifier: MIT
/* segment.c: TCP segments over IP, the plain way.
 *
 * Not here: fragments and extension headers; who makes some does it by hand. */
#include "segment.h"

#include <string.h>
#include <tcpip/header/bytes.h>

enum { IPV4_BYTES = 20, IPV6_BYTES = 40, TCP_BYTES = 20 };

uint16_t segment_sum(const uint8_t *p, size_t size, uint32_t initial)
{
    uint64_t sum = initial;
    for (size_t i = 0; i < size; i++)
        sum += (i & 1) != 0 ? p[i] : (uint32_t)p[i] << 8;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

uint32_t segment_pseudo_sum(const struct tcpip_address *source, const struct tcpip_address *destination,
                            uint8_t protocol, size_t size)
{
    uint32_t sum = segment_sum(source->bytes, source->len, 0);
    return segment_sum(destination->bytes, destination->len, sum) + (uint32_t)protocol + (uint32_t)size;
}

size_t segment_ip(uint8_t *out, const struct tcpip_address *source, const struct tcpip_address *destination,
                  uint8_t protocol, size_t size, uint8_t ttl, uint8_t tos)
{
    if (source->len == 4) {
        memset(out, 0, IPV4_BYTES);
        out[0] = 0x45;
        out[1] = tos;
        tcpip_store_u16(out + 2, (uint16_t)(IPV4_BYTES + size));
        out[8] = ttl != 0 ? ttl : 64;
        out[9] = protocol;
        memcpy(out + 12, source->bytes, 4);
        memcpy(out + 16, destination->bytes, 4);
        tcpip_store_u16(out + 10, (uint16_t)~segment_sum(out, IPV4_BYTES, 0));
        return IPV4_BYTES;
    }
    tcpip_store_u32(out, 0x60000000u | (uint32_t)tos << 20);
    tcpip_store_u16(out + 4, (uint16_t)size);
    out[6] = protocol;
    out[7] = ttl != 0 ? ttl : 64;
    memcpy(out + 8, source->bytes, 16);
    memcpy(out + 24, destination->bytes, 16);
    return IPV6_BYTES;
}

size_t segment_build(uint8_t *out, const struct segment *segment)
{
    size_t header = TCP_BYTES + segment->options_bytes, size = header + segment->data_bytes;
    size_t at = segment_ip(out, &segment->source, &segment->destination, SEGMENT_TCP, size, segment->ttl, segment->tos);
    uint8_t *p = out + at;
    tcpip_store_u16(p, segment->source_port);
    tcpip_store_u16(p + 2, segment->destination_port);
    tcpip_store_u32(p + 4, segment->seq);
    tcpip_store_u32(p + 8, segment->ack);
    p[12] = (uint8_t)(header / 4 << 4);
    p[13] = segment->flags;
    tcpip_store_u16(p + 14, segment->window);
    tcpip_store_u32(p + 16, 0);
    memcpy(p + TCP_BYTES, segment->options, segment->options_bytes);
    if (segment->data_bytes > 0)
        memcpy(p + header, segment->data, segment->data_bytes);
    uint32_t pseudo = segment_pseudo_sum(&segment->source, &segment->destination, SEGMENT_TCP, size);
    tcpip_store_u16(p + 16, (uint16_t)~segment_sum(p, size, pseudo));
    return at + size;
}

static size_t parse_ip(const uint8_t *packet, size_t size, struct segment *out, size_t *end)
{
    if (size >= IPV4_BYTES && packet[0] >> 4 == 4) {
        size_t header = (size_t)(packet[0] & 15) * 4;
        *end = tcpip_load_u16(packet + 2);
        if (header < IPV4_BYTES || header > *end || *end > size || packet[9] != SEGMENT_TCP ||
            (tcpip_load_u16(packet + 6) & 0x3fff) != 0 || segment_sum(packet, header, 0) != 0xffff)
            return 0;
        out->source = tcpip_address_v4(packet[12], packet[13], packet[14], packet[15]);
        out->destination = tcpip_address_v4(packet[16], packet[17], packet[18], packet[19]);
        out->tos = packet[1];
        out->ttl = packet[8];
        return header;
    }
    if (size < IPV6_BYTES || packet[0] >> 4 != 6 || packet[6] != SEGMENT_TCP)
        return 0;
    *end = IPV6_BYTES + (size_t)tcpip_load_u16(packet + 4);
    out->source = tcpip_address_v6(packet + 8);
    out->destination = tcpip_address_v6(packet + 24);
    out->tos = (uint8_t)(tcpip_load_u16(packet) >> 4);
    out->ttl = packet[7];
    return *end <= size ? IPV6_BYTES : 0;
}

bool segment_parse(const uint8_t *packet, size_t size, struct segment *out)
{
    memset(out, 0, sizeof(*out));
    size_t end = 0, at = parse_ip(packet, size, out, &end);
    if (at == 0 || end - at < TCP_BYTES)
        return false;
    const uint8_t *p = packet + at;
    size_t header = (size_t)(p[12] >> 4) * 4, length = end - at;
    uint32_t pseudo = segment_pseudo_sum(&out->source, &out->destination, SEGMENT_TCP, length);
    if (header < TCP_BYTES || header > length || segment_sum(p, length, pseudo) != 0xffff)
        return false;
    out->source_port = tcpip_load_u16(p);
    out->destination_port = tcpip_load_u16(p + 2);
    out->seq = tcpip_load_u32(p + 4);
    out->ack = tcpip_load_u32(p + 8);
    out->flags = p[13];
    out->window = tcpip_load_u16(p + 14);
    out->options_bytes = (uint32_t)(header - TCP_BYTES);
    memcpy(out->options, p + TCP_BYTES, out->options_bytes);
    out->data = p + header;
    out->data_bytes = (uint32_t)(length - header);
    return true;
}
