// SPDX-License-Identifier: MIT
/* udp.h: the UDP header (RFC 768). Pure functions. */
#ifndef TCPIP_HEADER_UDP_H
#define TCPIP_HEADER_UDP_H

#include <tcpip/header/bytes.h>

TCPIP_BEGIN_DECLS

#define TCPIP_UDP_HEADER_BYTES 8u
#define TCPIP_UDP_HEADER_MIN TCPIP_UDP_HEADER_BYTES
#define TCPIP_UDP_CHECKSUM_OFFSET 6u

struct tcpip_udp_fields {
    uint16_t source_port, destination_port;
    uint16_t length; /* header and data */
    uint16_t checksum;
};

/* True if the header lies in the first `front_bytes` of a datagram of `packet_bytes` in all (behind the IP header).
 * Catches a length below 8 or above what arrived; bytes behind the length belong to nobody: cap the packet to it. */
static inline bool tcpip_udp_header_check(const uint8_t *p, size_t front_bytes, size_t packet_bytes)
{
    return front_bytes >= TCPIP_UDP_HEADER_BYTES && tcpip_load_u16(p + 4) >= TCPIP_UDP_HEADER_BYTES &&
           tcpip_load_u16(p + 4) <= packet_bytes;
}

static inline uint16_t tcpip_udp_source_port(const uint8_t *p)
{
    return tcpip_load_u16(p);
}

static inline uint16_t tcpip_udp_destination_port(const uint8_t *p)
{
    return tcpip_load_u16(p + 2);
}

static inline uint16_t tcpip_udp_length(const uint8_t *p)
{
    return tcpip_load_u16(p + 4);
}

/* 0: the sender computed none (over IPv4 only). */
static inline uint16_t tcpip_udp_checksum(const uint8_t *p)
{
    return tcpip_load_u16(p + 6);
}

static inline void tcpip_udp_set_source_port(uint8_t *p, uint16_t port)
{
    tcpip_store_u16(p, port);
}

static inline void tcpip_udp_set_destination_port(uint8_t *p, uint16_t port)
{
    tcpip_store_u16(p + 2, port);
}

static inline void tcpip_udp_set_length(uint8_t *p, uint16_t length)
{
    tcpip_store_u16(p + 4, length);
}

static inline void tcpip_udp_set_checksum(uint8_t *p, uint16_t checksum)
{
    tcpip_store_u16(p + 6, checksum);
}

/* Writes TCPIP_UDP_HEADER_BYTES. */
TCPIP_API void tcpip_udp_encode(uint8_t *out, const struct tcpip_udp_fields *fields);
TCPIP_API void tcpip_udp_decode(const uint8_t *p, struct tcpip_udp_fields *out);

TCPIP_END_DECLS

#endif
