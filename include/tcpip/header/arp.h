// SPDX-License-Identifier: MIT
/* arp.h: ARP for IPv4 over Ethernet (RFC 826). Pure functions. */
#ifndef TCPIP_HEADER_ARP_H
#define TCPIP_HEADER_ARP_H

#include <tcpip/header/bytes.h>

TCPIP_BEGIN_DECLS

#define TCPIP_ARP_BYTES 28u

enum tcpip_arp_operation { TCPIP_ARP_REQUEST = 1, TCPIP_ARP_REPLY = 2 };

struct tcpip_arp_fields {
    uint16_t operation;
    const uint8_t *sender_link, *target_link;       /* 6 bytes each; a null target_link is written as zeroes */
    const uint8_t *sender_address, *target_address; /* 4 bytes each */
};

/* True for Ethernet and IPv4 with their true lengths, whole in `front_bytes`. Catches other hardware, other protocols,
 * lengths that lie. The operation isn't judged. */
TCPIP_API bool tcpip_arp_check(const uint8_t *p, size_t front_bytes);

static inline uint16_t tcpip_arp_operation(const uint8_t *p)
{
    return tcpip_load_u16(p + 6);
}

static inline const uint8_t *tcpip_arp_sender_link(const uint8_t *p)
{
    return p + 8;
}

static inline const uint8_t *tcpip_arp_sender_address(const uint8_t *p)
{
    return p + 14;
}

static inline const uint8_t *tcpip_arp_target_link(const uint8_t *p)
{
    return p + 18;
}

static inline const uint8_t *tcpip_arp_target_address(const uint8_t *p)
{
    return p + 24;
}

/* Writes TCPIP_ARP_BYTES. */
TCPIP_API void tcpip_arp_encode(uint8_t *out, const struct tcpip_arp_fields *fields);
TCPIP_API void tcpip_arp_decode(const uint8_t *p, struct tcpip_arp_fields *out);

TCPIP_END_DECLS

#endif
