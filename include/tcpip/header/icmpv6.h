// SPDX-License-Identifier: MIT
/* icmpv6.h: ICMP for IPv6 (RFC 4443). Neighbour discovery is in ndp.h, MLD in mld.h. Pure functions. */
#ifndef TCPIP_HEADER_ICMPV6_H
#define TCPIP_HEADER_ICMPV6_H

#include <tcpip/header/bytes.h>

TCPIP_BEGIN_DECLS

#define TCPIP_ICMPV6_HEADER_MIN 4u  /* type, code, checksum */
#define TCPIP_ICMPV6_MESSAGE_MIN 8u /* echo and errors */
#define TCPIP_ICMPV6_CHECKSUM_OFFSET 2u

enum tcpip_icmpv6_type {
    TCPIP_ICMPV6_UNREACHABLE = 1,
    TCPIP_ICMPV6_PACKET_TOO_BIG = 2,
    TCPIP_ICMPV6_TIME_EXCEEDED = 3,
    TCPIP_ICMPV6_PARAMETER_PROBLEM = 4,
    TCPIP_ICMPV6_ECHO_REQUEST = 128,
    TCPIP_ICMPV6_ECHO_REPLY = 129,
    TCPIP_ICMPV6_MLD_QUERY = 130,
    TCPIP_ICMPV6_MLD_REPORT = 131,
    TCPIP_ICMPV6_MLD_DONE = 132,
    TCPIP_ICMPV6_ROUTER_SOLICITATION = 133,
    TCPIP_ICMPV6_ROUTER_ADVERTISEMENT = 134,
    TCPIP_ICMPV6_NEIGHBOR_SOLICITATION = 135,
    TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT = 136,
    TCPIP_ICMPV6_REDIRECT = 137,
    TCPIP_ICMPV6_MLD2_REPORT = 143
};

enum tcpip_icmpv6_unreachable_code {
    TCPIP_ICMPV6_NO_ROUTE = 0,
    TCPIP_ICMPV6_ADMIN_PROHIBITED = 1,
    TCPIP_ICMPV6_BEYOND_SCOPE = 2,
    TCPIP_ICMPV6_ADDRESS_UNREACHABLE = 3,
    TCPIP_ICMPV6_PORT_UNREACHABLE = 4,
    TCPIP_ICMPV6_SOURCE_POLICY = 5,
    TCPIP_ICMPV6_REJECT_ROUTE = 6
};

enum tcpip_icmpv6_time_exceeded_code { TCPIP_ICMPV6_HOP_LIMIT_EXCEEDED = 0, TCPIP_ICMPV6_REASSEMBLY_TIMEOUT = 1 };

enum tcpip_icmpv6_parameter_problem_code {
    TCPIP_ICMPV6_ERRONEOUS_HEADER = 0,
    TCPIP_ICMPV6_UNKNOWN_NEXT_HEADER = 1,
    TCPIP_ICMPV6_UNKNOWN_OPTION = 2,
    TCPIP_ICMPV6_INCOMPLETE_FIRST_FRAGMENT = 3 /* RFC 7112 */
};

/* Which of the last members a message has depends on its type; the others are neither written nor read. */
struct tcpip_icmpv6_fields {
    uint8_t type, code;
    uint16_t checksum;
    uint16_t id, sequence; /* echo */
    uint32_t mtu;          /* packet too big */
    uint32_t pointer;      /* parameter problem */
};

/* True if the header lies in `front_bytes`: 8 bytes for errors and echo, 4 for the rest, whose own checks see further.
 */
static inline bool tcpip_icmpv6_header_check(const uint8_t *p, size_t front_bytes)
{
    if (front_bytes < TCPIP_ICMPV6_HEADER_MIN)
        return false;
    return (p[0] >= 128 && p[0] != TCPIP_ICMPV6_ECHO_REQUEST && p[0] != TCPIP_ICMPV6_ECHO_REPLY) ||
           front_bytes >= TCPIP_ICMPV6_MESSAGE_MIN;
}

static inline uint8_t tcpip_icmpv6_type(const uint8_t *p)
{
    return p[0];
}

static inline uint8_t tcpip_icmpv6_code(const uint8_t *p)
{
    return p[1];
}

static inline uint16_t tcpip_icmpv6_checksum(const uint8_t *p)
{
    return tcpip_load_u16(p + 2);
}

static inline uint16_t tcpip_icmpv6_id(const uint8_t *p)
{
    return tcpip_load_u16(p + 4);
}

static inline uint16_t tcpip_icmpv6_sequence(const uint8_t *p)
{
    return tcpip_load_u16(p + 6);
}

static inline uint32_t tcpip_icmpv6_mtu(const uint8_t *p)
{
    return tcpip_load_u32(p + 4);
}

static inline uint32_t tcpip_icmpv6_pointer(const uint8_t *p)
{
    return tcpip_load_u32(p + 4);
}

static inline void tcpip_icmpv6_set_type(uint8_t *p, uint8_t type)
{
    p[0] = type;
}

static inline void tcpip_icmpv6_set_checksum(uint8_t *p, uint16_t checksum)
{
    tcpip_store_u16(p + 2, checksum);
}

/* Types below 128 are errors, known or not (RFC 4443 2.1). */
static inline bool tcpip_icmpv6_is_error(uint8_t type)
{
    return type < 128;
}

/* The quoted packet of an error message of `message_bytes` (header included): it begins at TCPIP_ICMPV6_MESSAGE_MIN;
 * returns its size, cut before RFC 4884 extensions if there are any and their length doesn't lie. */
TCPIP_API size_t tcpip_icmpv6_quote_bytes(const uint8_t *p, size_t message_bytes);

/* Writes TCPIP_ICMPV6_MESSAGE_MIN bytes. */
TCPIP_API void tcpip_icmpv6_encode(uint8_t *out, const struct tcpip_icmpv6_fields *fields);
/* Reads a message of at least TCPIP_ICMPV6_MESSAGE_MIN bytes. */
TCPIP_API void tcpip_icmpv6_decode(const uint8_t *p, struct tcpip_icmpv6_fields *out);

TCPIP_END_DECLS

#endif
