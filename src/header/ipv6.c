// SPDX-License-Identifier: MIT
/* ipv6.c: the fixed header of IPv6.
 *
 * Not here: what may follow it (ipv6_extension.c). */
#include <tcpip/header/ipv6.h>

bool tcpip_ipv6_header_check(const uint8_t *p, size_t front_bytes, size_t packet_bytes)
{
    return front_bytes >= TCPIP_IPV6_HEADER_BYTES && packet_bytes >= TCPIP_IPV6_HEADER_BYTES &&
           tcpip_ipv6_version(p) == 6 && tcpip_ipv6_payload_length(p) <= packet_bytes - TCPIP_IPV6_HEADER_BYTES &&
           tcpip_ipv6_source(p)[0] != 0xff;
}

void tcpip_ipv6_encode(uint8_t *out, const struct tcpip_ipv6_fields *fields)
{
    tcpip_store_u32(out, 6u << 28 | (uint32_t)fields->traffic_class << 20 | (fields->flow_label & 0xfffffu));
    tcpip_store_u16(out + 4, fields->payload_length);
    out[6] = fields->next_header;
    out[7] = fields->hop_limit;
    memcpy(out + 8, fields->source, 16);
    memcpy(out + 24, fields->destination, 16);
}

void tcpip_ipv6_decode(const uint8_t *p, struct tcpip_ipv6_fields *out)
{
    *out = (struct tcpip_ipv6_fields){
        .traffic_class = tcpip_ipv6_traffic_class(p),
        .next_header = tcpip_ipv6_next_header(p),
        .hop_limit = tcpip_ipv6_hop_limit(p),
        .payload_length = tcpip_ipv6_payload_length(p),
        .flow_label = tcpip_ipv6_flow_label(p),
        .source = tcpip_ipv6_source(p),
        .destination = tcpip_ipv6_destination(p),
    };
}
