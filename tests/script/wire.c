// SPDX-License-Identifier: MIT
/* wire.c: whole packets, out of fields and back.
 *
 * The headers are written with the library's encoders, which have tests of their own; but sums are computed here, byte
 * by byte, so that no checksum of the library vouches for itself. */
#include "wire.h"

#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/udp.h>

#include <string.h>

static uint32_t sum_bytes(const uint8_t *bytes, size_t size, uint32_t sum)
{
    for (size_t i = 0; i < size; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* The sum over pseudo-header and transport: 0xffff if it is intact. ICMP for IPv4 has no pseudo-header. */
static uint16_t upper_sum(const struct wire_ip *ip, const uint8_t *upper, size_t size)
{
    uint32_t sum = 0;
    if (ip->protocol != TCPIP_PROTOCOL_ICMPV4) {
        size_t address_bytes = ip->v6 ? 16 : 4;
        sum = sum_bytes(ip->source, address_bytes, sum);
        sum = sum_bytes(ip->destination, address_bytes, sum);
        sum += (uint32_t)ip->protocol + (uint32_t)size;
    }
    return sum_fold(sum_bytes(upper, size, sum));
}

static size_t build_ip(uint8_t *out, const struct wire_ip *ip, size_t upper_bytes)
{
    if (ip->v6) {
        struct tcpip_ipv6_fields fields = {
            .traffic_class = ip->tos,
            .next_header = ip->protocol,
            .hop_limit = ip->ttl,
            .payload_length = (uint16_t)upper_bytes,
            .source = ip->source,
            .destination = ip->destination,
        };
        tcpip_ipv6_encode(out, &fields);
        return TCPIP_IPV6_HEADER_BYTES;
    }
    struct tcpip_ipv4_fields fields = {
        .tos = ip->tos,
        .ttl = ip->ttl,
        .protocol = ip->protocol,
        .total_length = (uint16_t)(TCPIP_IPV4_HEADER_MIN + upper_bytes),
        .flags = ip->dont_fragment ? TCPIP_IPV4_DONT_FRAGMENT : 0,
        .source = ip->source,
        .destination = ip->destination,
    };
    tcpip_ipv4_encode(out, &fields);
    tcpip_store_u16(out + 10, 0);
    tcpip_store_u16(out + 10, (uint16_t)~sum_fold(sum_bytes(out, TCPIP_IPV4_HEADER_MIN, 0)));
    return TCPIP_IPV4_HEADER_MIN;
}

static size_t ip_header_bytes(const struct wire_ip *ip)
{
    return ip->v6 ? TCPIP_IPV6_HEADER_BYTES : TCPIP_IPV4_HEADER_MIN;
}

/* The transport is written; its sum, and IP's header in front. */
static size_t finish(uint8_t *out, const struct wire_ip *ip, size_t upper_bytes, size_t checksum_offset)
{
    uint8_t *upper = out + ip_header_bytes(ip);
    tcpip_store_u16(upper + checksum_offset, 0);
    uint16_t checksum = (uint16_t)~upper_sum(ip, upper, upper_bytes);
    if (checksum == 0 && ip->protocol == TCPIP_PROTOCOL_UDP)
        checksum = 0xffff;
    tcpip_store_u16(upper + checksum_offset, checksum);
    return build_ip(out, ip, upper_bytes) + upper_bytes;
}

size_t wire_build_tcp(uint8_t *out, const struct wire_ip *ip, const struct tcpip_tcp_fields *fields,
                      const uint8_t *options, size_t option_bytes, const uint8_t *payload, size_t payload_bytes)
{
    struct wire_ip of_tcp = *ip;
    of_tcp.protocol = TCPIP_PROTOCOL_TCP;
    uint8_t *tcp = out + ip_header_bytes(ip);
    size_t padded = (option_bytes + 3) / 4 * 4;
    struct tcpip_tcp_fields all = *fields;
    all.header_bytes = (uint8_t)(TCPIP_TCP_HEADER_MIN + padded);
    tcpip_tcp_encode(tcp, &all);
    memset(tcp + TCPIP_TCP_HEADER_MIN, 0, padded);
    memcpy(tcp + TCPIP_TCP_HEADER_MIN, options, option_bytes);
    memcpy(tcp + all.header_bytes, payload, payload_bytes);
    return finish(out, &of_tcp, all.header_bytes + payload_bytes, TCPIP_TCP_CHECKSUM_OFFSET);
}

size_t wire_build_udp(uint8_t *out, const struct wire_ip *ip, uint16_t source_port, uint16_t destination_port,
                      const uint8_t *payload, size_t payload_bytes)
{
    struct wire_ip of_udp = *ip;
    of_udp.protocol = TCPIP_PROTOCOL_UDP;
    uint8_t *udp = out + ip_header_bytes(ip);
    struct tcpip_udp_fields fields = {source_port, destination_port, (uint16_t)(TCPIP_UDP_HEADER_BYTES + payload_bytes),
                                      0};
    tcpip_udp_encode(udp, &fields);
    memcpy(udp + TCPIP_UDP_HEADER_BYTES, payload, payload_bytes);
    return finish(out, &of_udp, TCPIP_UDP_HEADER_BYTES + payload_bytes, TCPIP_UDP_CHECKSUM_OFFSET);
}

size_t wire_build_icmp(uint8_t *out, const struct wire_ip *ip, uint8_t type, uint8_t code, uint32_t rest,
                       const uint8_t *body, size_t body_bytes)
{
    struct wire_ip of_icmp = *ip;
    of_icmp.protocol = ip->v6 ? TCPIP_PROTOCOL_ICMPV6 : TCPIP_PROTOCOL_ICMPV4;
    uint8_t *icmp = out + ip_header_bytes(ip);
    icmp[0] = type;
    icmp[1] = code;
    tcpip_store_u32(icmp + 4, rest);
    memcpy(icmp + 8, body, body_bytes);
    return finish(out, &of_icmp, 8 + body_bytes, 2);
}

void wire_spoil(uint8_t *packet, size_t size)
{
    struct wire_view view;
    if (wire_read(packet, size, &view) != NULL)
        return;
    static const size_t offsets[] = {TCPIP_TCP_CHECKSUM_OFFSET, TCPIP_UDP_CHECKSUM_OFFSET, 2};
    packet[(size_t)(view.upper - packet) + offsets[view.kind]] ^= 0x55;
}

static const char *read_ipv4(const uint8_t *bytes, size_t size, struct wire_view *view)
{
    size_t header_bytes = size < TCPIP_IPV4_HEADER_MIN ? 0 : tcpip_ipv4_header_bytes(bytes);
    if (header_bytes < TCPIP_IPV4_HEADER_MIN || size < header_bytes)
        return "IPv4 header is cut off or too short";
    if (tcpip_ipv4_total_length(bytes) != size)
        return "IPv4 total length isn't the packet's length";
    if (sum_fold(sum_bytes(bytes, header_bytes, 0)) != 0xffff)
        return "IPv4 header checksum is wrong";
    if (tcpip_ipv4_is_fragment(bytes))
        return "a fragment";
    view->ip.source = tcpip_ipv4_source(bytes);
    view->ip.destination = tcpip_ipv4_destination(bytes);
    view->ip.tos = tcpip_ipv4_tos(bytes);
    view->ip.ttl = tcpip_ipv4_ttl(bytes);
    view->ip.protocol = tcpip_ipv4_protocol(bytes);
    view->ip.dont_fragment = (tcpip_ipv4_flags(bytes) & TCPIP_IPV4_DONT_FRAGMENT) != 0;
    view->upper = bytes + header_bytes;
    view->upper_bytes = size - header_bytes;
    return NULL;
}

static const char *read_ipv6(const uint8_t *bytes, size_t size, struct wire_view *view)
{
    if (size < TCPIP_IPV6_HEADER_BYTES)
        return "IPv6 header is cut off";
    if ((size_t)tcpip_ipv6_payload_length(bytes) + TCPIP_IPV6_HEADER_BYTES != size)
        return "IPv6 payload length isn't the packet's";
    view->ip.v6 = true;
    view->ip.source = tcpip_ipv6_source(bytes);
    view->ip.destination = tcpip_ipv6_destination(bytes);
    view->ip.tos = tcpip_ipv6_traffic_class(bytes);
    view->ip.ttl = tcpip_ipv6_hop_limit(bytes);
    view->ip.protocol = tcpip_ipv6_next_header(bytes);
    view->ip.dont_fragment = true;
    view->upper = bytes + TCPIP_IPV6_HEADER_BYTES;
    view->upper_bytes = size - TCPIP_IPV6_HEADER_BYTES;
    return NULL;
}

static const char *read_tcp(struct wire_view *view)
{
    size_t header_bytes;
    if (!tcpip_tcp_header_check(view->upper, view->upper_bytes, &header_bytes))
        return "TCP header is cut off or too short";
    view->kind = PACKET_TCP;
    tcpip_tcp_decode(view->upper, &view->tcp);
    view->source_port = view->tcp.source_port;
    view->destination_port = view->tcp.destination_port;
    view->payload = view->upper + header_bytes;
    return NULL;
}

static const char *read_udp(struct wire_view *view)
{
    if (view->upper_bytes < TCPIP_UDP_HEADER_BYTES || tcpip_udp_length(view->upper) != view->upper_bytes)
        return "UDP header is cut off, or its length isn't the packet's";
    view->kind = PACKET_UDP;
    view->source_port = tcpip_udp_source_port(view->upper);
    view->destination_port = tcpip_udp_destination_port(view->upper);
    view->payload = view->upper + TCPIP_UDP_HEADER_BYTES;
    return NULL;
}

static const char *read_icmp(struct wire_view *view)
{
    if (view->upper_bytes < TCPIP_ICMPV4_HEADER_MIN)
        return "ICMP header is cut off";
    view->kind = PACKET_ICMP;
    view->icmp_type = view->upper[0];
    view->icmp_code = view->upper[1];
    view->icmp_rest = tcpip_load_u32(view->upper + 4);
    view->payload = view->upper + 8;
    return NULL;
}

const char *wire_read(const uint8_t *bytes, size_t size, struct wire_view *view)
{
    memset(view, 0, sizeof *view);
    view->bytes = bytes;
    view->size = size;
    const char *wrong = size > 0 && bytes[0] >> 4 == 6 ? read_ipv6(bytes, size, view) : read_ipv4(bytes, size, view);
    if (wrong == NULL) {
        if (view->ip.protocol == TCPIP_PROTOCOL_TCP)
            wrong = read_tcp(view);
        else if (view->ip.protocol == TCPIP_PROTOCOL_UDP)
            wrong = read_udp(view);
        else if (view->ip.protocol == (view->ip.v6 ? TCPIP_PROTOCOL_ICMPV6 : TCPIP_PROTOCOL_ICMPV4))
            wrong = read_icmp(view);
        else
            wrong = "neither TCP nor UDP nor ICMP";
    }
    if (wrong != NULL)
        return wrong;
    view->payload_bytes = view->upper_bytes - (size_t)(view->payload - view->upper);
    bool unsummed = view->kind == PACKET_UDP && !view->ip.v6 && tcpip_udp_checksum(view->upper) == 0;
    if (!unsummed && upper_sum(&view->ip, view->upper, view->upper_bytes) != 0xffff)
        return "transport checksum is wrong";
    return NULL;
}

uint8_t payload_byte(bool inbound, uint32_t position)
{
    uint32_t x = position * 0x9e3779b1u + (inbound ? 0x7f4a7c15u : 0);
    return (uint8_t)(x >> 24 ^ x >> 11);
}

void payload_fill(uint8_t *out, size_t size, bool inbound, uint32_t position)
{
    for (size_t i = 0; i < size; i++)
        out[i] = payload_byte(inbound, position + (uint32_t)i);
}

size_t payload_check(const uint8_t *bytes, size_t size, bool inbound, uint32_t position)
{
    size_t i = 0;
    while (i < size && bytes[i] == payload_byte(inbound, position + (uint32_t)i))
        i++;
    return i;
}
