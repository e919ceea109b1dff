// SPDX-License-Identifier: MIT
/* craft.c: packets written by hand, with right lengths and checksums: what is wrong about them is what they say.
 *
 * Owns:     nothing.
 * Not here: where they go (bench.c). */
#include "craft.h"

#include "bench.h"

#include <tcpip/header/arp.h>
#include <tcpip/header/checksum.h>
#include <tcpip/header/ethernet.h>
#include <tcpip/header/icmpv4.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/udp.h>
#include <tcpip/stack.h>

#include <string.h>

/* ---- addresses ---- */

struct ip ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct ip){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
}

struct ip ip4_of(uint32_t number)
{
    return ip4((uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number);
}

struct ip ip6_of(uint64_t high, uint64_t low)
{
    struct ip out;
    tcpip_store_u64(out.b, high);
    tcpip_store_u64(out.b + 8, low);
    return out;
}

struct ip ip6(uint64_t low)
{
    return ip6_of((uint64_t)0xfd00 << 48, low);
}

bool ip_is4(struct ip ip)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(ip.b, mapped, 12) == 0;
}

bool ip_equal(struct ip a, struct ip b)
{
    return memcmp(a.b, b.b, 16) == 0;
}

/* ---- headers ---- */

/* The network header for so many bytes behind it; returns its size. */
static size_t craft_network(uint8_t *out, struct ip from, struct ip to, uint8_t protocol, uint8_t ttl, size_t bytes)
{
    if (ip_is4(from)) {
        struct tcpip_ipv4_fields fields = {.ttl = ttl != 0 ? ttl : 64,
                                           .protocol = protocol,
                                           .total_length = (uint16_t)(20 + bytes),
                                           .source = from.b + 12,
                                           .destination = to.b + 12};
        return tcpip_ipv4_encode(out, &fields);
    }
    struct tcpip_ipv6_fields fields = {.hop_limit = ttl != 0 ? ttl : 64,
                                       .next_header = protocol,
                                       .payload_length = (uint16_t)bytes,
                                       .source = from.b,
                                       .destination = to.b};
    tcpip_ipv6_encode(out, &fields);
    return 40;
}

static uint16_t craft_sum(struct ip from, struct ip to, uint8_t protocol, const uint8_t *bytes, size_t size)
{
    bool v4 = ip_is4(from);
    uint16_t pseudo = v4 ? tcpip_checksum_pseudo_v4(from.b + 12, to.b + 12, protocol, (uint16_t)size)
                         : tcpip_checksum_pseudo_v6(from.b, to.b, protocol, (uint32_t)size);
    return tcpip_checksum_finish(tcpip_checksum(bytes, size, pseudo));
}

size_t craft_tcp(uint8_t *out, const struct segment *s)
{
    uint8_t options[TCPIP_TCP_OPTIONS_MAX];
    size_t options_bytes = s->options.present != 0 ? tcpip_tcp_options_emit(options, &s->options) : 0;
    size_t header = TCPIP_TCP_HEADER_MIN + options_bytes, bytes = header + s->bytes;
    size_t at = craft_network(out, s->from, s->to, TCPIP_PROTOCOL_TCP, s->ttl, bytes);
    struct tcpip_tcp_fields fields = {.source_port = s->source,
                                      .destination_port = s->destination,
                                      .sequence = s->seq,
                                      .acknowledgment = s->ack,
                                      .flags = s->flags,
                                      .header_bytes = (uint8_t)header,
                                      .window = s->window};
    uint8_t *tcp = out + at;
    tcpip_tcp_encode(tcp, &fields);
    memcpy(tcp + TCPIP_TCP_HEADER_MIN, options, options_bytes);
    bench_pattern(tcp + header, s->bytes, s->at);
    tcpip_tcp_set_checksum(tcp, craft_sum(s->from, s->to, TCPIP_PROTOCOL_TCP, tcp, bytes));
    return at + bytes;
}

size_t craft_udp(uint8_t *out, const struct datagram *d)
{
    size_t bytes = 8 + d->bytes, at = craft_network(out, d->from, d->to, TCPIP_PROTOCOL_UDP, 0, bytes);
    struct tcpip_udp_fields fields = {
        .source_port = d->source, .destination_port = d->destination, .length = (uint16_t)bytes};
    tcpip_udp_encode(out + at, &fields);
    memset(out + at + 8, 0x5a, d->bytes);
    tcpip_store_u16(out + at + 6, craft_sum(d->from, d->to, TCPIP_PROTOCOL_UDP, out + at, bytes));
    return at + bytes;
}

size_t craft_icmp(uint8_t *out, const struct message *m)
{
    bool v4 = ip_is4(m->from);
    uint8_t protocol = v4 ? TCPIP_PROTOCOL_ICMPV4 : TCPIP_PROTOCOL_ICMPV6;
    size_t bytes = 8 + m->bytes, at = craft_network(out, m->from, m->to, protocol, m->hop_limit, bytes);
    uint8_t *icmp = out + at;
    icmp[0] = m->type;
    icmp[1] = m->code;
    tcpip_store_u16(icmp + 2, 0);
    tcpip_store_u32(icmp + 4, m->word);
    if (m->bytes > 0)
        memcpy(icmp + 8, m->body, m->bytes);
    uint16_t sum =
        v4 ? tcpip_checksum_finish(tcpip_checksum(icmp, bytes, 0)) : craft_sum(m->from, m->to, protocol, icmp, bytes);
    tcpip_store_u16(icmp + 2, sum);
    return at + bytes;
}

size_t craft_fragment(uint8_t *out, const struct fragment *f)
{
    if (ip_is4(f->from)) {
        struct tcpip_ipv4_fields fields = {.ttl = 64,
                                           .protocol = f->protocol,
                                           .total_length = (uint16_t)(20 + f->bytes),
                                           .id = (uint16_t)f->id,
                                           .flags = f->more ? TCPIP_IPV4_MORE_FRAGMENTS : 0,
                                           .fragment_offset = f->offset,
                                           .source = f->from.b + 12,
                                           .destination = f->to.b + 12};
        size_t at = tcpip_ipv4_encode(out, &fields);
        memset(out + at, 0x5a, f->bytes);
        return at + f->bytes;
    }
    size_t at = craft_network(out, f->from, f->to, TCPIP_IPV6_FRAGMENT, 0, 8u + f->bytes);
    out[at] = f->protocol;
    out[at + 1] = 0;
    tcpip_store_u16(out + at + 2, (uint16_t)(f->offset | (f->more ? 1u : 0u)));
    tcpip_store_u32(out + at + 4, f->id);
    memset(out + at + 8, 0x5a, f->bytes);
    return at + 8 + f->bytes;
}

size_t craft_frame(uint8_t *out, const uint8_t *to_link, const uint8_t *from_link, const uint8_t *packet, size_t bytes)
{
    memcpy(out, to_link, 6);
    memcpy(out + 6, from_link, 6);
    tcpip_store_u16(out + 12, tcpip_link_protocol_of(packet[0]));
    memcpy(out + 14, packet, bytes);
    return 14 + bytes;
}

size_t craft_arp(uint8_t *out, uint16_t operation, const uint8_t *sender_link, struct ip sender, struct ip target,
                 const uint8_t *to_link)
{
    struct tcpip_arp_fields fields = {.operation = operation,
                                      .sender_link = sender_link,
                                      .sender_address = sender.b + 12,
                                      .target_link = to_link,
                                      .target_address = target.b + 12};
    memcpy(out, to_link, 6);
    memcpy(out + 6, sender_link, 6);
    tcpip_store_u16(out + 12, TCPIP_PROTOCOL_ARP);
    tcpip_arp_encode(out + 14, &fields);
    return 14 + TCPIP_ARP_BYTES;
}

/* ---- what comes back ---- */

bool craft_read(const uint8_t *packet, size_t bytes, struct seen *out)
{
    memset(out, 0, sizeof(*out));
    out->bytes = bytes;
    size_t at = 40;
    if (bytes >= 20 && packet[0] >> 4 == 4) {
        out->from = ip4(packet[12], packet[13], packet[14], packet[15]);
        out->to = ip4(packet[16], packet[17], packet[18], packet[19]);
        out->protocol = packet[9];
        at = (size_t)(packet[0] & 15) * 4;
    } else if (bytes >= 40 && packet[0] >> 4 == 6) {
        memcpy(out->from.b, packet + 8, 16);
        memcpy(out->to.b, packet + 24, 16);
        out->protocol = packet[6];
    } else {
        return false;
    }
    const uint8_t *p = packet + at;
    size_t header;
    if (out->protocol == TCPIP_PROTOCOL_TCP && tcpip_tcp_header_check(p, bytes - at, &header)) {
        out->source = tcpip_tcp_source_port(p);
        out->destination = tcpip_tcp_destination_port(p);
        out->flags = tcpip_tcp_flags(p);
        out->window = tcpip_tcp_window(p);
        out->seq = tcpip_tcp_sequence(p);
        out->ack = tcpip_tcp_acknowledgment(p);
        out->payload = (uint32_t)(bytes - at - header);
        (void)tcpip_tcp_options_parse(p, header, &out->options);
    } else if (out->protocol == TCPIP_PROTOCOL_UDP && bytes >= at + 8) {
        out->source = tcpip_load_u16(p);
        out->destination = tcpip_load_u16(p + 2);
    } else if ((out->protocol == TCPIP_PROTOCOL_ICMPV4 || out->protocol == TCPIP_PROTOCOL_ICMPV6) && bytes >= at + 8) {
        out->icmp_type = p[0];
        out->icmp_code = p[1];
    }
    return true;
}
