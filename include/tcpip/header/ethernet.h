// SPDX-License-Identifier: MIT
/* ethernet.h: Ethernet II frames, without or with one 802.1Q tag. Pure functions. */
#ifndef TCPIP_HEADER_ETHERNET_H
#define TCPIP_HEADER_ETHERNET_H

#include <tcpip/address.h>
#include <tcpip/header/bytes.h>

TCPIP_BEGIN_DECLS

#define TCPIP_ETHERNET_ADDRESS_BYTES 6u
#define TCPIP_ETHERNET_HEADER_MIN 14u
#define TCPIP_ETHERNET_TAG_BYTES 4u
#define TCPIP_ETHERNET_TYPE_VLAN 0x8100u
#define TCPIP_ETHERNET_TYPE_QINQ 0x88a8u
#define TCPIP_ETHERNET_TYPE_MIN 0x0600u /* below: an 802.3 length, not a type */

struct tcpip_ethernet_fields {
    const uint8_t *destination, *source; /* 6 bytes each */
    uint16_t type;
};

/* True if the header lies in `front_bytes` and is Ethernet II. Catches short frames and 802.3 lengths. */
static inline bool tcpip_ethernet_header_check(const uint8_t *p, size_t front_bytes)
{
    return front_bytes >= TCPIP_ETHERNET_HEADER_MIN && tcpip_load_u16(p + 12) >= TCPIP_ETHERNET_TYPE_MIN;
}

static inline const uint8_t *tcpip_ethernet_destination(const uint8_t *p)
{
    return p;
}

static inline const uint8_t *tcpip_ethernet_source(const uint8_t *p)
{
    return p + 6;
}

static inline uint16_t tcpip_ethernet_type(const uint8_t *p)
{
    return tcpip_load_u16(p + 12);
}

/* Group bit: multicast and broadcast. */
static inline bool tcpip_ethernet_address_is_group(const uint8_t *address)
{
    return (address[0] & 1) != 0;
}

static inline bool tcpip_ethernet_address_is_broadcast(const uint8_t *address)
{
    return (address[0] & address[1] & address[2] & address[3] & address[4] & address[5]) == 0xff;
}

/* Neither a group's nor zero: what a station may have. */
static inline bool tcpip_ethernet_address_is_unicast(const uint8_t *address)
{
    return !tcpip_ethernet_address_is_group(address) &&
           (address[0] | address[1] | address[2] | address[3] | address[4] | address[5]) != 0;
}

/* Writes TCPIP_ETHERNET_HEADER_MIN bytes. */
TCPIP_API void tcpip_ethernet_encode(uint8_t *out, const struct tcpip_ethernet_fields *fields);
TCPIP_API void tcpip_ethernet_decode(const uint8_t *p, struct tcpip_ethernet_fields *out);

/* The Ethernet address of a multicast group: 01:00:5e and 23 bits (RFC 1112 6.4), 33:33 and 32 bits (RFC 2464 7). */
TCPIP_API struct tcpip_link_address tcpip_ethernet_multicast(const struct tcpip_address *group);

TCPIP_END_DECLS

#endif
