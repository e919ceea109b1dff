// SPDX-License-Identifier: MIT
/* address.h: network addresses, prefixes, link addresses; parse and format. Pure functions, any thread. */
#ifndef TCPIP_ADDRESS_H
#define TCPIP_ADDRESS_H

#include <tcpip/base.h>
#include <tcpip/error.h>

TCPIP_BEGIN_DECLS

/* Network protocol numbers are EtherTypes; transport protocol numbers are IP's. */
#define TCPIP_PROTOCOL_IPV4 0x0800u
#define TCPIP_PROTOCOL_ARP 0x0806u
#define TCPIP_PROTOCOL_IPV6 0x86ddu
#define TCPIP_PROTOCOL_ICMPV4 1u
#define TCPIP_PROTOCOL_IGMP 2u
#define TCPIP_PROTOCOL_TCP 6u
#define TCPIP_PROTOCOL_UDP 17u
#define TCPIP_PROTOCOL_ICMPV6 58u
#define TCPIP_PROTOCOL_UNIX 255u /* reserved by IANA: never on a wire */

/* An IPv4 address (len 4), an IPv6 address (len 16), or none (len 0: "any" of the endpoint's family). Network byte
 * order. Bytes beyond len are zero, so that two equal addresses are equal bytes. */
struct tcpip_address {
    uint8_t bytes[16];
    uint8_t len;
};

/* `address`'s leading `bits` bits. */
struct tcpip_prefix {
    struct tcpip_address address;
    uint8_t bits;
};

/* A transport address. nic: the scope of a link-local address, or the NIC to bind to; 0: any. */
struct tcpip_full_address {
    uint32_t nic;
    struct tcpip_address address;
    uint16_t port;
};

/* An Ethernet address (len 6) or none (len 0: links without addresses). */
struct tcpip_link_address {
    uint8_t bytes[6];
    uint8_t len;
};

/* a.b.c.d. */
TCPIP_API struct tcpip_address tcpip_address_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
/* `bytes`: 16 of them. */
TCPIP_API struct tcpip_address tcpip_address_v6(const uint8_t *bytes);
/* Same length and bytes: an IPv4 address doesn't equal the mapped one. */
TCPIP_API bool tcpip_address_equal(const struct tcpip_address *a, const struct tcpip_address *b);
/* What follows judges an IPv4-mapped address as the IPv4 address in it. */
/* True for none, 0.0.0.0 and ::. */
TCPIP_API bool tcpip_address_is_unspecified(const struct tcpip_address *address);
TCPIP_API bool tcpip_address_is_loopback(const struct tcpip_address *address);   /* 127/8, ::1 */
TCPIP_API bool tcpip_address_is_multicast(const struct tcpip_address *address);  /* 224/4, ff00::/8 */
TCPIP_API bool tcpip_address_is_link_local(const struct tcpip_address *address); /* 169.254/16, fe80::/10 */
TCPIP_API bool tcpip_address_is_v4_mapped(const struct tcpip_address *address);  /* ::ffff:0:0/96 */
/* 4-byte addresses become ::ffff:a.b.c.d; others stay. */
TCPIP_API struct tcpip_address tcpip_address_to_mapped(const struct tcpip_address *address);
/* ::ffff:a.b.c.d becomes the 4-byte address; others stay. */
TCPIP_API struct tcpip_address tcpip_address_from_mapped(const struct tcpip_address *address);
/* True if `address` lies in `prefix`; false if the lengths differ. */
TCPIP_API bool tcpip_prefix_contains(const struct tcpip_prefix *prefix, const struct tcpip_address *address);

#define TCPIP_ADDRESS_TEXT_MAX 48      /* an address, with the terminating zero */
#define TCPIP_FULL_ADDRESS_TEXT_MAX 72 /* [address%nic]:port, with the terminating zero */

/* Dotted decimal (four parts only) or RFC 4291 text. INVALID_ARGUMENT when it is neither. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_address_parse(const char *text, struct tcpip_address *out);
/* "10.0.0.1/24"; without a slash the whole length. INVALID_ARGUMENT. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_prefix_parse(const char *text, struct tcpip_prefix *out);
/* Canonical text (RFC 5952; "*" for none), zero-terminated, into out[TCPIP_ADDRESS_TEXT_MAX]; returns its length. */
TCPIP_API size_t tcpip_address_format(const struct tcpip_address *address, char *out);
/* "10.0.0.1:80", "[fe80::1%2]:80" into out[TCPIP_FULL_ADDRESS_TEXT_MAX]; returns its length. */
TCPIP_API size_t tcpip_full_address_format(const struct tcpip_full_address *address, char *out);

TCPIP_END_DECLS

#endif
