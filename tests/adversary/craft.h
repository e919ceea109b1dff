// SPDX-License-Identifier: MIT
/* craft.h: packets in bytes, as somebody writes them who keeps to no rule. Each returns the packet's size. */
#ifndef TCPIP_TESTS_ADVERSARY_CRAFT_H
#define TCPIP_TESTS_ADVERSARY_CRAFT_H

#include <tcpip/header/tcp.h>

enum { CRAFT_MAX = 66000 };

/* IPv4 is mapped into IPv6, as inside the library. */
struct ip {
    uint8_t b[16];
};
struct ip ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
/* 10.0.0.0/8 and others by number. */
struct ip ip4_of(uint32_t number);
/* fd00::/64 and the low 64 bits. */
struct ip ip6(uint64_t low);
/* Any prefix of 64 bits. */
struct ip ip6_of(uint64_t high, uint64_t low);
bool ip_is4(struct ip ip);
bool ip_equal(struct ip a, struct ip b);

struct segment {
    struct ip from, to;
    uint16_t source, destination, flags, window;
    uint32_t seq, ack;
    struct tcpip_tcp_options options;
    uint32_t bytes; /* of payload: the pattern of bench.h, at `at` */
    uint64_t at;
    uint8_t ttl; /* 0: 64 */
};
size_t craft_tcp(uint8_t *out, const struct segment *segment);

struct datagram {
    struct ip from, to;
    uint16_t source, destination;
    uint32_t bytes;
};
size_t craft_udp(uint8_t *out, const struct datagram *datagram);

/* ICMP of the family of `from`; `word`: what follows the checksum. */
struct message {
    struct ip from, to;
    uint8_t type, code, hop_limit; /* 0: 64 */
    uint32_t word;
    const uint8_t *body;
    size_t bytes;
};
size_t craft_icmp(uint8_t *out, const struct message *message);

/* A fragment: `bytes` of 0x5a at `offset` (times 8) of a datagram of this protocol. */
struct fragment {
    struct ip from, to;
    uint32_t id;
    uint16_t offset, bytes;
    uint8_t protocol;
    bool more;
};
size_t craft_fragment(uint8_t *out, const struct fragment *fragment);

/* A whole frame. */
size_t craft_arp(uint8_t *out, uint16_t operation, const uint8_t *sender_link, struct ip sender, struct ip target,
                 const uint8_t *to_link);
/* An IP packet behind a frame's header. */
size_t craft_frame(uint8_t *out, const uint8_t *to_link, const uint8_t *from_link, const uint8_t *packet, size_t bytes);

/* What a packet of the victim's says. */
struct seen {
    struct ip from, to;
    uint8_t protocol;
    uint16_t source, destination, flags, window;
    uint32_t seq, ack, payload;
    uint8_t icmp_type, icmp_code;
    size_t bytes; /* of the packet, from the network header on */
    struct tcpip_tcp_options options;
};
/* False: neither IPv4 nor IPv6. */
bool craft_read(const uint8_t *packet, size_t bytes, struct seen *out);

#endif
