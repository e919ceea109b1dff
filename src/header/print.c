// SPDX-License-Identifier: MIT
/* print.c: one packet as one line: the way down from the link to the transport header.
 *
 * A printer sees the packets that nobody else accepts, so it believes nothing: each header is checked before a field of
 * it is read, and what doesn't pass is printed as what is wrong with it:
 *
 *   [|tcp]        the header runs past the bytes at hand
 *   bad-hlen 16   a length inside the header can't be
 *
 * Not here: TCP and UDP (print_transport.c), ICMP and IGMP (print_icmp.c). */
#include <tcpip/header/print.h>

#include "header/print_part.h"

#include <tcpip/header/arp.h>
#include <tcpip/header/ethernet.h>

void tcpip__print_pair(struct text *text, const struct print_ip *ip, const uint8_t *ports)
{
    text_ip_address(text, ip->source, ip->address_bytes);
    if (ports) {
        text_char(text, '.');
        text_number(text, tcpip_load_u16(ports));
    }
    text_string(text, " > ");
    text_ip_address(text, ip->destination, ip->address_bytes);
    if (ports) {
        text_char(text, '.');
        text_number(text, tcpip_load_u16(ports + 2));
    }
    text_string(text, ": ");
    text_string(text, ip->extensions ? ip->extensions : "");
}

static void print_upper(struct text *text, const struct print_ip *ip, struct print_part part)
{
    if (ip->protocol == TCPIP_PROTOCOL_TCP) {
        tcpip__print_tcp(text, ip, part);
    } else if (ip->protocol == TCPIP_PROTOCOL_UDP) {
        tcpip__print_udp(text, ip, part);
    } else if (ip->protocol == TCPIP_PROTOCOL_ICMPV4 && ip->address_bytes == 4) {
        tcpip__print_icmpv4(text, ip, part);
    } else if (ip->protocol == TCPIP_PROTOCOL_ICMPV6 && ip->address_bytes == 16) {
        tcpip__print_icmpv6(text, ip, part);
    } else if (ip->protocol == TCPIP_PROTOCOL_IGMP && ip->address_bytes == 4) {
        tcpip__print_igmp(text, ip, part);
    } else {
        tcpip__print_pair(text, ip, NULL);
        text_string(text, "ip-proto-");
        text_number(text, ip->protocol);
        text_field(text, "length", part.total_bytes);
    }
}

/* A fragment that isn't the first: "frag id:bytes@offset", with a + when more follow. */
static void print_fragment(struct text *text, uint32_t id, size_t bytes, uint16_t offset, bool more)
{
    text_string(text, "frag ");
    text_number(text, id);
    text_char(text, ':');
    text_number(text, bytes);
    text_char(text, '@');
    text_number(text, offset);
    if (more)
        text_char(text, '+');
}

static void print_ipv4(struct text *text, struct print_part part)
{
    if (part.front_bytes < TCPIP_IPV4_HEADER_MIN) {
        text_string(text, "[|ip]");
        return;
    }
    const uint8_t *p = part.p;
    size_t header_bytes = tcpip_ipv4_header_bytes(p), total_bytes = tcpip_ipv4_total_length(p);
    if (header_bytes < TCPIP_IPV4_HEADER_MIN) {
        text_string(text, "bad-hlen ");
        text_number(text, header_bytes);
        return;
    }
    if (total_bytes < header_bytes) {
        text_string(text, "bad-len ");
        text_number(text, total_bytes);
        return;
    }
    if (total_bytes > part.total_bytes) {
        text_string(text, "truncated-ip - ");
        text_number(text, total_bytes - part.total_bytes);
        text_string(text, " bytes missing! ");
    }
    struct print_ip ip = {
        .source = tcpip_ipv4_source(p),
        .destination = tcpip_ipv4_destination(p),
        .address_bytes = 4,
        .protocol = tcpip_ipv4_protocol(p),
    };
    part = print_part_skip(print_part_cap(part, total_bytes), header_bytes);
    bool first = tcpip_ipv4_fragment_offset(p) == 0;
    if (first)
        print_upper(text, &ip, part);
    else
        tcpip__print_pair(text, &ip, NULL);
    if (tcpip_ipv4_is_fragment(p)) {
        text_string(text, first ? " " : "");
        print_fragment(text, tcpip_ipv4_id(p), total_bytes - header_bytes, tcpip_ipv4_fragment_offset(p),
                       (tcpip_ipv4_flags(p) & TCPIP_IPV4_MORE_FRAGMENTS) != 0);
    }
}

static const char *print_ipv6_verdict(enum tcpip_ipv6_walk verdict)
{
    switch (verdict) {
    case TCPIP_IPV6_WALK_NO_NEXT:
        return "no next header";
    case TCPIP_IPV6_WALK_BAD_ORDER:
        return "bad-order HBH";
    case TCPIP_IPV6_WALK_TOO_MANY:
        return "too many headers";
    default:
        return "[|ip6]";
    }
}

static void print_ipv6_chain(struct text *text, struct print_ip *ip, struct print_part packet)
{
    struct tcpip_ipv6_chain chain;
    (void)tcpip_ipv6_chain_parse(packet.p, packet.front_bytes, &chain);
    struct print_part part = print_part_skip(packet, chain.upper_offset);
    const uint8_t *fragment = chain.fragment_offset > 0 ? packet.p + chain.fragment_offset : NULL;
    ip->protocol = chain.upper_protocol;
    if (chain.hop_by_hop_offset > 0)
        ip->extensions = chain.routing_offset > 0 ? "HBH RT " : "HBH ";
    else if (chain.routing_offset > 0)
        ip->extensions = "RT ";
    if (chain.verdict == TCPIP_IPV6_WALK_UPPER) {
        print_upper(text, ip, part);
    } else {
        tcpip__print_pair(text, ip, NULL);
        if (chain.verdict != TCPIP_IPV6_WALK_FRAGMENT_BODY)
            text_string(text, print_ipv6_verdict(chain.verdict));
    }
    if (fragment) {
        text_string(text, chain.verdict == TCPIP_IPV6_WALK_FRAGMENT_BODY ? "" : " ");
        print_fragment(text, tcpip_ipv6_fragment_id(fragment),
                       packet.total_bytes - chain.fragment_offset - TCPIP_IPV6_FRAGMENT_BYTES,
                       tcpip_ipv6_fragment_offset(fragment), tcpip_ipv6_fragment_more(fragment));
    }
}

static void print_ipv6(struct text *text, struct print_part part)
{
    if (part.front_bytes < TCPIP_IPV6_HEADER_BYTES) {
        text_string(text, "[|ip6]");
        return;
    }
    size_t total_bytes = TCPIP_IPV6_HEADER_BYTES + (size_t)tcpip_ipv6_payload_length(part.p);
    if (total_bytes > part.total_bytes) {
        text_string(text, "truncated-ip6 - ");
        text_number(text, total_bytes - part.total_bytes);
        text_string(text, " bytes missing!");
    }
    struct print_ip ip = {
        .source = tcpip_ipv6_source(part.p),
        .destination = tcpip_ipv6_destination(part.p),
        .address_bytes = 16,
    };
    print_ipv6_chain(text, &ip, print_part_cap(part, total_bytes));
}

static void print_arp(struct text *text, struct print_part part)
{
    if (part.front_bytes < TCPIP_ARP_BYTES) {
        text_string(text, "[|arp]");
        return;
    }
    const uint8_t *p = part.p;
    if (!tcpip_arp_check(p, part.front_bytes)) {
        text_string(text, "Unknown Hardware (");
        text_number(text, tcpip_load_u16(p));
        text_string(text, ") or Protocol");
    } else if (tcpip_arp_operation(p) == TCPIP_ARP_REQUEST) {
        text_string(text, "Request who-has ");
        text_ipv4(text, tcpip_arp_target_address(p));
        text_string(text, " tell ");
        text_ipv4(text, tcpip_arp_sender_address(p));
    } else if (tcpip_arp_operation(p) == TCPIP_ARP_REPLY) {
        text_string(text, "Reply ");
        text_ipv4(text, tcpip_arp_sender_address(p));
        text_string(text, " is-at ");
        text_ethernet(text, tcpip_arp_sender_link(p));
    } else {
        text_string(text, "Unknown (");
        text_number(text, tcpip_arp_operation(p));
        text_char(text, ')');
    }
    text_field(text, "length", part.total_bytes);
}

/* `named`: with the protocol's name in front, as where no link header says it. */
static void print_network(struct text *text, uint32_t protocol, struct print_part part, bool named)
{
    if (protocol == TCPIP_PROTOCOL_IPV4) {
        text_string(text, named ? "IP " : "");
        print_ipv4(text, part);
    } else if (protocol == TCPIP_PROTOCOL_IPV6) {
        text_string(text, named ? "IP6 " : "");
        print_ipv6(text, part);
    } else if (protocol == TCPIP_PROTOCOL_ARP) {
        text_string(text, named ? "ARP, " : "");
        print_arp(text, part);
    } else {
        text_string(text, named ? "unknown protocol 0x" : "0x");
        text_hex(text, protocol, 4);
        text_field(text, "length", part.total_bytes);
    }
}

static const char *print_ethertype(uint16_t type)
{
    switch (type) {
    case TCPIP_PROTOCOL_IPV4:
        return "IPv4";
    case TCPIP_PROTOCOL_IPV6:
        return "IPv6";
    case TCPIP_PROTOCOL_ARP:
        return "ARP";
    case TCPIP_ETHERNET_TYPE_VLAN:
        return "802.1Q";
    default:
        return "Unknown";
    }
}

static void print_ethernet(struct text *text, struct print_part part)
{
    if (part.front_bytes < TCPIP_ETHERNET_HEADER_MIN) {
        text_string(text, "[|ether]");
        return;
    }
    const uint8_t *p = part.p;
    uint16_t type = tcpip_ethernet_type(p);
    text_ethernet(text, tcpip_ethernet_source(p));
    text_string(text, " > ");
    text_ethernet(text, tcpip_ethernet_destination(p));
    if (type < TCPIP_ETHERNET_TYPE_MIN) {
        text_field(text, "802.3, length", type);
        return;
    }
    text_string(text, ", ethertype ");
    text_string(text, print_ethertype(type));
    text_string(text, " (0x");
    text_hex(text, type, 4);
    text_char(text, ')');
    text_field(text, "length", part.total_bytes);
    text_string(text, ": ");
    part = print_part_skip(part, TCPIP_ETHERNET_HEADER_MIN);
    if (type == TCPIP_ETHERNET_TYPE_VLAN && part.front_bytes >= TCPIP_ETHERNET_TAG_BYTES) {
        text_string(text, "vlan ");
        text_number(text, tcpip_load_u16(part.p) & 0xfffu);
        text_string(text, ", ");
        type = tcpip_load_u16(part.p + 2);
        part = print_part_skip(part, TCPIP_ETHERNET_TAG_BYTES);
    }
    print_network(text, type, part, type != tcpip_ethernet_type(p));
}

size_t tcpip_packet_print_front(char *out, size_t size, const uint8_t *front, size_t front_bytes, size_t packet_bytes,
                                uint32_t first_protocol)
{
    struct text text = text_of(out, size);
    struct print_part part = {front, front_bytes, packet_bytes > front_bytes ? packet_bytes : front_bytes};
    if (first_protocol == TCPIP_PRINT_IP && front_bytes > 0) {
        if (tcpip_ipv4_version(front) == 4)
            first_protocol = TCPIP_PROTOCOL_IPV4;
        else if (tcpip_ipv6_version(front) == 6)
            first_protocol = TCPIP_PROTOCOL_IPV6;
    }
    if (first_protocol == TCPIP_PRINT_ETHERNET)
        print_ethernet(&text, part);
    else
        print_network(&text, first_protocol, part, true);
    return text.used;
}

size_t tcpip_packet_print(char *out, size_t size, const uint8_t *bytes, size_t length, uint32_t first_protocol)
{
    return tcpip_packet_print_front(out, size, bytes, length, length, first_protocol);
}
