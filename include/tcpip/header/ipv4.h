// SPDX-License-Identifier: MIT
/* ipv4.h: the IPv4 header and its options (RFC 791, RFC 1122, RFC 2113). Pure functions.
 *
 * Check once, then read with getters that can't fail. */
#ifndef TCPIP_HEADER_IPV4_H
#define TCPIP_HEADER_IPV4_H

#include <string.h>

#include <tcpip/address.h>
#include <tcpip/header/bytes.h>

TCPIP_BEGIN_DECLS

#define TCPIP_IPV4_ADDRESS_BYTES 4u
#define TCPIP_IPV4_HEADER_MIN 20u
#define TCPIP_IPV4_HEADER_MAX 60u
#define TCPIP_IPV4_OPTIONS_MAX 40u
#define TCPIP_IPV4_PACKET_MAX 65535u
#define TCPIP_IPV4_MTU_MIN 68u         /* every link carries this much (RFC 791 3.2) */
#define TCPIP_IPV4_REASSEMBLY_MIN 576u /* every host accepts this much */
#define TCPIP_IPV4_DONT_FRAGMENT 0x4000u
#define TCPIP_IPV4_MORE_FRAGMENTS 0x2000u
#define TCPIP_IPV4_CHECKSUM_OFFSET 10u

struct tcpip_ipv4_fields {
    uint8_t tos; /* DSCP and ECN */
    uint8_t ttl;
    uint8_t protocol;
    uint8_t options_bytes; /* multiple of 4, at most 40 */
    uint16_t total_length;
    uint16_t id;
    uint16_t flags; /* TCPIP_IPV4_DONT_FRAGMENT, TCPIP_IPV4_MORE_FRAGMENTS; the reserved bit is never written */
    uint16_t fragment_offset;            /* bytes, a multiple of 8 */
    const uint8_t *source, *destination; /* 4 bytes each */
    const uint8_t *options;              /* options_bytes of them; may be null when there are none */
};

/* True if a well-formed header lies in the first `front_bytes` of a packet of `packet_bytes` (>= front_bytes) in all;
 * then *header_bytes is its size with options. Catches: another version, IHL below 5 or running past the front, total
 * length below the header or above what arrived (bytes behind it are link padding: cap the packet to the total length),
 * a fragment that would end above 65,535. The checksum is tcpip_ipv4_checksum_ok's. */
TCPIP_API bool tcpip_ipv4_header_check(const uint8_t *p, size_t front_bytes, size_t packet_bytes, size_t *header_bytes);

static inline uint8_t tcpip_ipv4_version(const uint8_t *p)
{
    return p[0] >> 4;
}

static inline size_t tcpip_ipv4_header_bytes(const uint8_t *p)
{
    return (size_t)(p[0] & 15) * 4;
}

static inline uint8_t tcpip_ipv4_tos(const uint8_t *p)
{
    return p[1];
}

static inline uint16_t tcpip_ipv4_total_length(const uint8_t *p)
{
    return tcpip_load_u16(p + 2);
}

static inline size_t tcpip_ipv4_payload_bytes(const uint8_t *p)
{
    return (size_t)tcpip_load_u16(p + 2) - tcpip_ipv4_header_bytes(p);
}

static inline uint16_t tcpip_ipv4_id(const uint8_t *p)
{
    return tcpip_load_u16(p + 4);
}

/* TCPIP_IPV4_DONT_FRAGMENT, TCPIP_IPV4_MORE_FRAGMENTS. */
static inline uint16_t tcpip_ipv4_flags(const uint8_t *p)
{
    return (uint16_t)(tcpip_load_u16(p + 6) & (TCPIP_IPV4_DONT_FRAGMENT | TCPIP_IPV4_MORE_FRAGMENTS));
}

/* In bytes. */
static inline uint16_t tcpip_ipv4_fragment_offset(const uint8_t *p)
{
    return (uint16_t)((tcpip_load_u16(p + 6) & 0x1fffu) * 8);
}

/* Part of a fragmented packet, the first included. */
static inline bool tcpip_ipv4_is_fragment(const uint8_t *p)
{
    return (tcpip_load_u16(p + 6) & 0x3fffu) != 0;
}

static inline uint8_t tcpip_ipv4_ttl(const uint8_t *p)
{
    return p[8];
}

static inline uint8_t tcpip_ipv4_protocol(const uint8_t *p)
{
    return p[9];
}

static inline uint16_t tcpip_ipv4_checksum(const uint8_t *p)
{
    return tcpip_load_u16(p + 10);
}

/* 4 bytes. */
static inline const uint8_t *tcpip_ipv4_source(const uint8_t *p)
{
    return p + 12;
}

/* 4 bytes. */
static inline const uint8_t *tcpip_ipv4_destination(const uint8_t *p)
{
    return p + 16;
}

static inline struct tcpip_address tcpip_ipv4_address(const uint8_t *four_bytes)
{
    struct tcpip_address address;
    memset(&address, 0, sizeof address);
    memcpy(address.bytes, four_bytes, 4);
    address.len = 4;
    return address;
}

static inline struct tcpip_address tcpip_ipv4_source_address(const uint8_t *p)
{
    return tcpip_ipv4_address(p + 12);
}

static inline struct tcpip_address tcpip_ipv4_destination_address(const uint8_t *p)
{
    return tcpip_ipv4_address(p + 16);
}

/* True if the header (with options) sums up. */
TCPIP_API bool tcpip_ipv4_checksum_ok(const uint8_t *p);
/* Computes the header's checksum and stores it. */
TCPIP_API void tcpip_ipv4_checksum_set(uint8_t *p);

/* Setters on a whole header; each but total_length and ttl leaves the checksum to tcpip_ipv4_checksum_set. */
static inline void tcpip_ipv4_set_id(uint8_t *p, uint16_t id)
{
    tcpip_store_u16(p + 4, id);
}

/* `offset`: bytes, a multiple of 8. */
static inline void tcpip_ipv4_set_fragment(uint8_t *p, uint16_t flags, uint16_t offset)
{
    tcpip_store_u16(p + 6, (uint16_t)(flags | offset >> 3));
}

static inline void tcpip_ipv4_set_source(uint8_t *p, const uint8_t *four_bytes)
{
    memcpy(p + 12, four_bytes, 4);
}

static inline void tcpip_ipv4_set_destination(uint8_t *p, const uint8_t *four_bytes)
{
    memcpy(p + 16, four_bytes, 4);
}

/* These two keep the checksum right (RFC 1624). */
TCPIP_API void tcpip_ipv4_update_total_length(uint8_t *p, uint16_t total_length);
TCPIP_API void tcpip_ipv4_update_ttl(uint8_t *p, uint8_t ttl);

/* Writes TCPIP_IPV4_HEADER_MIN + options_bytes bytes, checksum included; returns that size. */
TCPIP_API size_t tcpip_ipv4_encode(uint8_t *out, const struct tcpip_ipv4_fields *fields);
/* Reads a checked header; the pointers lead into it. */
TCPIP_API void tcpip_ipv4_decode(const uint8_t *p, struct tcpip_ipv4_fields *out);

/* ---- Options ---- */

enum tcpip_ipv4_option_type {
    TCPIP_IPV4_OPTION_EOL = 0,
    TCPIP_IPV4_OPTION_NOP = 1,
    TCPIP_IPV4_OPTION_RECORD_ROUTE = 7,
    TCPIP_IPV4_OPTION_TIMESTAMP = 68,
    TCPIP_IPV4_OPTION_LOOSE_SOURCE_ROUTE = 131,
    TCPIP_IPV4_OPTION_STRICT_SOURCE_ROUTE = 137,
    TCPIP_IPV4_OPTION_ROUTER_ALERT = 148
};

#define TCPIP_IPV4_OPTION_COPIED 0x80u /* goes into every fragment */
#define TCPIP_IPV4_ROUTER_ALERT_BYTES 4u

struct tcpip_ipv4_option {
    uint8_t type;
    uint8_t bytes;       /* the whole option, 1 for NOP */
    uint8_t offset;      /* from the header's start: the pointer of a parameter problem */
    const uint8_t *data; /* the whole option, type first */
};

struct tcpip_ipv4_option_iterator {
    const uint8_t *header;
    uint8_t at, end;
    bool malformed;         /* set when a length lies; the walk ended there */
    uint8_t problem_offset; /* of the byte that lies, from the header's start */
};

/* Begins at the first option of a checked header. */
TCPIP_API void tcpip_ipv4_options_begin(struct tcpip_ipv4_option_iterator *it, const uint8_t *header);
/* The next option (NOPs included, EOL ends the walk). False at the end or when malformed; never runs off the header. */
TCPIP_API bool tcpip_ipv4_options_next(struct tcpip_ipv4_option_iterator *it, struct tcpip_ipv4_option *out);

enum tcpip_ipv4_option_result {
    TCPIP_IPV4_OPTION_UNCHANGED, /* nothing to record here, or full: forward as is */
    TCPIP_IPV4_OPTION_RECORDED,  /* the option changed: set the header's checksum again */
    TCPIP_IPV4_OPTION_MALFORMED  /* answer with a parameter problem at *problem bytes into the option */
};

/* Writes `address` (4 bytes) into the next slot of a record route option that tcpip_ipv4_options_next gave, in place.
 */
TCPIP_API enum tcpip_ipv4_option_result tcpip_ipv4_record_route(uint8_t *option, const uint8_t *address,
                                                                uint8_t *problem);
/* Writes `milliseconds` since midnight UT, and `address` as the flags ask, into a timestamp option; a full one counts
 * its overflow, and one whose count is full is malformed (RFC 791). */
TCPIP_API enum tcpip_ipv4_option_result tcpip_ipv4_record_timestamp(uint8_t *option, const uint8_t *address,
                                                                    uint32_t milliseconds, uint8_t *problem);
/* Writes a router alert (RFC 2113), TCPIP_IPV4_ROUTER_ALERT_BYTES. */
TCPIP_API void tcpip_ipv4_router_alert_encode(uint8_t *out);
/* Copies to `out` (40 bytes) the options that belong in every fragment, padded to a multiple of 4; returns their size.
 * For fragments behind the first (RFC 791 3.1). */
TCPIP_API size_t tcpip_ipv4_options_for_fragment(uint8_t *out, const uint8_t *header);

TCPIP_END_DECLS

#endif
