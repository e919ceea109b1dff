// SPDX-License-Identifier: MIT
/* icmpv4.h: ICMP for IPv4 (RFC 792, RFC 1122 3.2.2, RFC 1191, RFC 4884). Pure functions. */
#ifndef TCPIP_HEADER_ICMPV4_H
#define TCPIP_HEADER_ICMPV4_H

#include <tcpip/header/bytes.h>

TCPIP_BEGIN_DECLS

#define TCPIP_ICMPV4_HEADER_MIN 8u
#define TCPIP_ICMPV4_CHECKSUM_OFFSET 2u

enum tcpip_icmpv4_type {
    TCPIP_ICMPV4_ECHO_REPLY = 0,
    TCPIP_ICMPV4_UNREACHABLE = 3,
    TCPIP_ICMPV4_SOURCE_QUENCH = 4, /* deprecated: ignored (RFC 6633) */
    TCPIP_ICMPV4_REDIRECT = 5,
    TCPIP_ICMPV4_ECHO_REQUEST = 8,
    TCPIP_ICMPV4_ROUTER_ADVERTISEMENT = 9,
    TCPIP_ICMPV4_ROUTER_SOLICITATION = 10,
    TCPIP_ICMPV4_TIME_EXCEEDED = 11,
    TCPIP_ICMPV4_PARAMETER_PROBLEM = 12,
    TCPIP_ICMPV4_TIMESTAMP_REQUEST = 13,
    TCPIP_ICMPV4_TIMESTAMP_REPLY = 14
};

enum tcpip_icmpv4_unreachable_code {
    TCPIP_ICMPV4_NET_UNREACHABLE = 0,
    TCPIP_ICMPV4_HOST_UNREACHABLE = 1,
    TCPIP_ICMPV4_PROTOCOL_UNREACHABLE = 2,
    TCPIP_ICMPV4_PORT_UNREACHABLE = 3,
    TCPIP_ICMPV4_FRAGMENTATION_NEEDED = 4,
    TCPIP_ICMPV4_SOURCE_ROUTE_FAILED = 5,
    TCPIP_ICMPV4_NET_UNKNOWN = 6,
    TCPIP_ICMPV4_HOST_UNKNOWN = 7,
    TCPIP_ICMPV4_SOURCE_ISOLATED = 8,
    TCPIP_ICMPV4_NET_PROHIBITED = 9,
    TCPIP_ICMPV4_HOST_PROHIBITED = 10,
    TCPIP_ICMPV4_NET_UNREACHABLE_FOR_TOS = 11,
    TCPIP_ICMPV4_HOST_UNREACHABLE_FOR_TOS = 12,
    TCPIP_ICMPV4_ADMIN_PROHIBITED = 13,
    TCPIP_ICMPV4_PRECEDENCE_VIOLATION = 14,
    TCPIP_ICMPV4_PRECEDENCE_CUTOFF = 15
};

enum tcpip_icmpv4_time_exceeded_code { TCPIP_ICMPV4_TTL_EXCEEDED = 0, TCPIP_ICMPV4_REASSEMBLY_TIMEOUT = 1 };

enum tcpip_icmpv4_parameter_problem_code {
    TCPIP_ICMPV4_POINTER = 0,
    TCPIP_ICMPV4_MISSING_OPTION = 1,
    TCPIP_ICMPV4_BAD_LENGTH = 2
};

/* Which of the last four members a message has depends on its type; the others are neither written nor read. */
struct tcpip_icmpv4_fields {
    uint8_t type, code;
    uint16_t checksum;
    uint16_t id, sequence;  /* echo, timestamp */
    uint16_t mtu;           /* unreachable, fragmentation needed */
    uint8_t pointer;        /* parameter problem */
    const uint8_t *gateway; /* redirect: 4 bytes */
};

/* True if the 8 bytes that all messages have lie in `front_bytes`. Checksum and quote are judged apart. */
static inline bool tcpip_icmpv4_header_check(const uint8_t *p, size_t front_bytes)
{
    (void)p;
    return front_bytes >= TCPIP_ICMPV4_HEADER_MIN;
}

static inline uint8_t tcpip_icmpv4_type(const uint8_t *p)
{
    return p[0];
}

static inline uint8_t tcpip_icmpv4_code(const uint8_t *p)
{
    return p[1];
}

static inline uint16_t tcpip_icmpv4_checksum(const uint8_t *p)
{
    return tcpip_load_u16(p + 2);
}

static inline uint16_t tcpip_icmpv4_id(const uint8_t *p)
{
    return tcpip_load_u16(p + 4);
}

static inline uint16_t tcpip_icmpv4_sequence(const uint8_t *p)
{
    return tcpip_load_u16(p + 6);
}

/* Next-hop MTU; 0 from routers older than RFC 1191. */
static inline uint16_t tcpip_icmpv4_mtu(const uint8_t *p)
{
    return tcpip_load_u16(p + 6);
}

static inline uint8_t tcpip_icmpv4_pointer(const uint8_t *p)
{
    return p[4];
}

static inline const uint8_t *tcpip_icmpv4_gateway(const uint8_t *p)
{
    return p + 4;
}

static inline void tcpip_icmpv4_set_type(uint8_t *p, uint8_t type)
{
    p[0] = type;
}

static inline void tcpip_icmpv4_set_checksum(uint8_t *p, uint16_t checksum)
{
    tcpip_store_u16(p + 2, checksum);
}

/* Errors quote the packet that caused them and are never answered by another error (RFC 1122 3.2.2). */
TCPIP_API bool tcpip_icmpv4_is_error(uint8_t type);
/* The quoted packet of an error message of `message_bytes` (header included): it begins at TCPIP_ICMPV4_HEADER_MIN;
 * returns its size, cut before RFC 4884 extensions if there are any and their length doesn't lie. */
TCPIP_API size_t tcpip_icmpv4_quote_bytes(const uint8_t *p, size_t message_bytes);

/* Writes TCPIP_ICMPV4_HEADER_MIN bytes. */
TCPIP_API void tcpip_icmpv4_encode(uint8_t *out, const struct tcpip_icmpv4_fields *fields);
TCPIP_API void tcpip_icmpv4_decode(const uint8_t *p, struct tcpip_icmpv4_fields *out);

TCPIP_END_DECLS

#endif
