// SPDX-License-Identifier: MIT
/* gue.h: Generic UDP Encapsulation, variant 0 (draft-ietf-intarea-gue-09). Pure functions. */
#ifndef TCPIP_HEADER_GUE_H
#define TCPIP_HEADER_GUE_H

#include <tcpip/header/bytes.h>

TCPIP_BEGIN_DECLS

#define TCPIP_GUE_PORT 6080u
#define TCPIP_GUE_HEADER_MIN 4u
#define TCPIP_GUE_HEADER_MAX 128u

struct tcpip_gue_fields {
    uint8_t variant;      /* 0 */
    bool control;         /* a control message: `protocol` is its type */
    uint8_t header_bytes; /* 4 to 128, a multiple of 4: with the optional fields */
    uint8_t protocol;     /* IP protocol of what follows */
    uint16_t flags;
};

/* True if a variant 0 header lies in `front_bytes`; then *header_bytes is its size. Catches other variants and a length
 * past the front. */
TCPIP_API bool tcpip_gue_header_check(const uint8_t *p, size_t front_bytes, size_t *header_bytes);

/* 1: the payload is an IP packet without any header (its version nibble begins with 01). */
static inline uint8_t tcpip_gue_variant(const uint8_t *p)
{
    return p[0] >> 6;
}

static inline bool tcpip_gue_is_control(const uint8_t *p)
{
    return (p[0] & 0x20) != 0;
}

static inline size_t tcpip_gue_header_bytes(const uint8_t *p)
{
    return TCPIP_GUE_HEADER_MIN + (size_t)(p[0] & 0x1f) * 4;
}

static inline uint8_t tcpip_gue_protocol(const uint8_t *p)
{
    return p[1];
}

static inline uint16_t tcpip_gue_flags(const uint8_t *p)
{
    return tcpip_load_u16(p + 2);
}

/* Writes TCPIP_GUE_HEADER_MIN bytes; optional fields follow by the caller. */
TCPIP_API void tcpip_gue_encode(uint8_t *out, const struct tcpip_gue_fields *fields);
TCPIP_API void tcpip_gue_decode(const uint8_t *p, struct tcpip_gue_fields *out);

TCPIP_END_DECLS

#endif
