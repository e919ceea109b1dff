// SPDX-License-Identifier: MIT
/* ipv6.h: the IPv6 header, its extension headers and their options (RFC 8200, RFC 2711). Pure functions. */
#ifndef TCPIP_HEADER_IPV6_H
#define TCPIP_HEADER_IPV6_H

#include <string.h>

#include <tcpip/address.h>
#include <tcpip/header/bytes.h>

TCPIP_BEGIN_DECLS

#define TCPIP_IPV6_ADDRESS_BYTES 16u
#define TCPIP_IPV6_HEADER_BYTES 40u
#define TCPIP_IPV6_HEADER_MIN TCPIP_IPV6_HEADER_BYTES
#define TCPIP_IPV6_PAYLOAD_MAX 65535u
#define TCPIP_IPV6_MTU_MIN 1280u     /* every link carries this much (RFC 8200 5) */
#define TCPIP_IPV6_FRAGMENT_BYTES 8u /* the fragment header */
#define TCPIP_IPV6_NEXT_HEADER_OFFSET 6u

enum tcpip_ipv6_next_header {
    TCPIP_IPV6_HOP_BY_HOP = 0,
    TCPIP_IPV6_ROUTING = 43,
    TCPIP_IPV6_FRAGMENT = 44,
    TCPIP_IPV6_NO_NEXT_HEADER = 59,
    TCPIP_IPV6_DESTINATION_OPTIONS = 60
};

struct tcpip_ipv6_fields {
    uint8_t traffic_class; /* DSCP and ECN */
    uint8_t next_header;
    uint8_t hop_limit;
    uint16_t payload_length;
    uint32_t flow_label;                 /* 20 bits */
    const uint8_t *source, *destination; /* 16 bytes each */
};

/* True if a well-formed fixed header lies in the first `front_bytes` of a packet of `packet_bytes` in all. Catches:
 * another version, a payload length above what arrived (bytes behind it are link padding), a multicast source (RFC
 * 4291 2.7). A payload length of 0 is an empty packet: jumbograms aren't taken. */
TCPIP_API bool tcpip_ipv6_header_check(const uint8_t *p, size_t front_bytes, size_t packet_bytes);

static inline uint8_t tcpip_ipv6_version(const uint8_t *p)
{
    return p[0] >> 4;
}

static inline uint8_t tcpip_ipv6_traffic_class(const uint8_t *p)
{
    return (uint8_t)((unsigned)p[0] << 4 | p[1] >> 4);
}

static inline uint32_t tcpip_ipv6_flow_label(const uint8_t *p)
{
    return tcpip_load_u32(p) & 0xfffffu;
}

static inline uint16_t tcpip_ipv6_payload_length(const uint8_t *p)
{
    return tcpip_load_u16(p + 4);
}

static inline uint8_t tcpip_ipv6_next_header(const uint8_t *p)
{
    return p[6];
}

static inline uint8_t tcpip_ipv6_hop_limit(const uint8_t *p)
{
    return p[7];
}

/* 16 bytes. */
static inline const uint8_t *tcpip_ipv6_source(const uint8_t *p)
{
    return p + 8;
}

/* 16 bytes. */
static inline const uint8_t *tcpip_ipv6_destination(const uint8_t *p)
{
    return p + 24;
}

static inline struct tcpip_address tcpip_ipv6_address(const uint8_t *sixteen_bytes)
{
    struct tcpip_address address;
    memcpy(address.bytes, sixteen_bytes, 16);
    address.len = 16;
    return address;
}

static inline struct tcpip_address tcpip_ipv6_source_address(const uint8_t *p)
{
    return tcpip_ipv6_address(p + 8);
}

static inline struct tcpip_address tcpip_ipv6_destination_address(const uint8_t *p)
{
    return tcpip_ipv6_address(p + 24);
}

static inline void tcpip_ipv6_set_traffic_class(uint8_t *p, uint8_t traffic_class)
{
    p[0] = (uint8_t)((p[0] & 0xf0) | traffic_class >> 4);
    p[1] = (uint8_t)((unsigned)traffic_class << 4 | (p[1] & 15));
}

static inline void tcpip_ipv6_set_payload_length(uint8_t *p, uint16_t payload_length)
{
    tcpip_store_u16(p + 4, payload_length);
}

static inline void tcpip_ipv6_set_next_header(uint8_t *p, uint8_t next_header)
{
    p[6] = next_header;
}

static inline void tcpip_ipv6_set_hop_limit(uint8_t *p, uint8_t hop_limit)
{
    p[7] = hop_limit;
}

static inline void tcpip_ipv6_set_source(uint8_t *p, const uint8_t *sixteen_bytes)
{
    memcpy(p + 8, sixteen_bytes, 16);
}

static inline void tcpip_ipv6_set_destination(uint8_t *p, const uint8_t *sixteen_bytes)
{
    memcpy(p + 24, sixteen_bytes, 16);
}

/* Writes TCPIP_IPV6_HEADER_BYTES. */
TCPIP_API void tcpip_ipv6_encode(uint8_t *out, const struct tcpip_ipv6_fields *fields);
/* Reads a checked header; the pointers lead into it. */
TCPIP_API void tcpip_ipv6_decode(const uint8_t *p, struct tcpip_ipv6_fields *out);

/* ---- The chain of extension headers ---- */

/* More headers than this in one packet are an attack, not a use (RFC 8504 5.3 allows a limit). */
#define TCPIP_IPV6_EXTENSIONS_MAX 8u

/* One extension header, checked: it lies whole in the front. */
struct tcpip_ipv6_extension {
    uint8_t type;        /* TCPIP_IPV6_HOP_BY_HOP, _ROUTING, _FRAGMENT, _DESTINATION_OPTIONS */
    uint8_t next_header; /* what follows it */
    size_t offset;       /* from the packet's start */
    size_t bytes;
    const uint8_t *data; /* the header itself */
    size_t type_offset;  /* of the byte that named it: pointer of a parameter problem of code 1 */
};

enum tcpip_ipv6_walk {
    TCPIP_IPV6_WALK_EXTENSION,     /* *out is the next extension header */
    TCPIP_IPV6_WALK_UPPER,         /* the chain ended: protocol and offset are in the walker */
    TCPIP_IPV6_WALK_NO_NEXT,       /* nothing follows: ignore the rest */
    TCPIP_IPV6_WALK_FRAGMENT_BODY, /* behind the fragment header of a fragment that isn't the first: payload, not
                                      headers */
    TCPIP_IPV6_WALK_BAD_ORDER,     /* hop-by-hop not first: parameter problem code 1 at type_offset (RFC 8200 4) */
    TCPIP_IPV6_WALK_TRUNCATED,     /* the header runs past the packet, or past its contiguous front */
    TCPIP_IPV6_WALK_TOO_MANY
};

/* Where a walk stands. After UPPER: `next_header` is the upper protocol, at `offset`. Read only. */
struct tcpip_ipv6_walker {
    const uint8_t *packet;
    size_t end;         /* first byte past what may be read */
    size_t offset;      /* of the next header */
    size_t type_offset; /* of the byte that names the next header */
    uint8_t next_header;
    uint8_t count;    /* extension headers seen */
    bool in_fragment; /* a fragment header was seen whose offset is not 0 */
};

/* Begins behind the fixed header of a checked packet whose first `front_bytes` are at `packet`; the walk stays within
 * them and within the payload length. */
TCPIP_API void tcpip_ipv6_walk_begin(struct tcpip_ipv6_walker *walker, const uint8_t *packet, size_t front_bytes);
/* Begins in the middle, with the header at `offset` that the byte at `type_offset` names (both below `end`): behind
 * what has been processed already, as in a reassembled packet. */
TCPIP_API void tcpip_ipv6_walk_begin_at(struct tcpip_ipv6_walker *walker, const uint8_t *packet, size_t end,
                                        size_t offset, size_t type_offset);
/* One step. Bounded: each extension advances at least 8 bytes, at most TCPIP_IPV6_EXTENSIONS_MAX of them. Any verdict
 * but EXTENSION is final and repeats. */
TCPIP_API enum tcpip_ipv6_walk tcpip_ipv6_walk_next(struct tcpip_ipv6_walker *walker, struct tcpip_ipv6_extension *out);

/* The chain at a glance. Offsets are from the packet's start, 0 when there is none. */
struct tcpip_ipv6_chain {
    enum tcpip_ipv6_walk verdict; /* never EXTENSION */
    uint8_t upper_protocol;       /* with UPPER; with FRAGMENT_BODY what the fragment header names */
    size_t upper_offset;          /* of the upper header, or of the fragment's body */
    size_t problem_offset;        /* with BAD_ORDER: the pointer */
    size_t hop_by_hop_offset, routing_offset, fragment_offset;
    size_t unfragmentable_bytes; /* fixed header and what every fragment repeats: up to routing or hop-by-hop (RFC
                                    8200 4.5) */
    size_t last_type_offset;     /* of the next-header byte that ends the unfragmentable part */
};

/* Walks the whole chain; true for UPPER, NO_NEXT and FRAGMENT_BODY. */
TCPIP_API bool tcpip_ipv6_chain_parse(const uint8_t *packet, size_t front_bytes, struct tcpip_ipv6_chain *out);

/* ---- Options in hop-by-hop and destination options headers ---- */

enum tcpip_ipv6_option_type {
    TCPIP_IPV6_OPTION_PAD1 = 0,
    TCPIP_IPV6_OPTION_PADN = 1,
    TCPIP_IPV6_OPTION_ROUTER_ALERT = 5,
    TCPIP_IPV6_OPTION_JUMBO = 0xc2
};

/* What to do with an unknown option: the two highest bits of its type (RFC 8200 4.2). */
enum tcpip_ipv6_option_action {
    TCPIP_IPV6_ACTION_SKIP = 0,
    TCPIP_IPV6_ACTION_DISCARD = 1,
    TCPIP_IPV6_ACTION_DISCARD_ICMP = 2,        /* parameter problem code 2, also for multicast */
    TCPIP_IPV6_ACTION_DISCARD_ICMP_UNICAST = 3 /* only if the destination isn't multicast */
};

struct tcpip_ipv6_option {
    uint8_t type;
    uint8_t data_bytes;
    size_t offset;       /* of the type, from the packet's start: the pointer */
    const uint8_t *data; /* behind type and length */
};

struct tcpip_ipv6_option_iterator {
    const uint8_t *header;
    size_t at, end; /* within the extension header */
    size_t base;    /* its offset in the packet */
    bool malformed;
    size_t problem_offset; /* from the packet's start */
};

/* Begins at the first option of a hop-by-hop or destination options header that the walker gave. */
TCPIP_API void tcpip_ipv6_options_begin(struct tcpip_ipv6_option_iterator *it,
                                        const struct tcpip_ipv6_extension *extension);
/* The next option, padding skipped. False at the end or when a length lies (malformed); never runs off the header. */
TCPIP_API bool tcpip_ipv6_options_next(struct tcpip_ipv6_option_iterator *it, struct tcpip_ipv6_option *out);

static inline enum tcpip_ipv6_option_action tcpip_ipv6_option_action(uint8_t type)
{
    return (enum tcpip_ipv6_option_action)(type >> 6);
}

#define TCPIP_IPV6_ROUTER_ALERT_BYTES 8u
/* Writes a hop-by-hop header with a router alert for MLD (value 0), padded: TCPIP_IPV6_ROUTER_ALERT_BYTES. */
TCPIP_API void tcpip_ipv6_router_alert_encode(uint8_t *out, uint8_t next_header);

/* ---- Routing and fragment headers (checked by the walker) ---- */

static inline uint8_t tcpip_ipv6_routing_type(const uint8_t *extension)
{
    return extension[2];
}

/* Not 0 with a type we don't know (RFC 8200 4.4) or with type 0 (RFC 5095): parameter problem code 0 at offset 2. */
static inline uint8_t tcpip_ipv6_routing_segments_left(const uint8_t *extension)
{
    return extension[3];
}

struct tcpip_ipv6_fragment_fields {
    uint8_t next_header;
    bool more;
    uint16_t offset; /* bytes, a multiple of 8 */
    uint32_t id;
};

static inline uint8_t tcpip_ipv6_fragment_next_header(const uint8_t *extension)
{
    return extension[0];
}

/* In bytes. */
static inline uint16_t tcpip_ipv6_fragment_offset(const uint8_t *extension)
{
    return (uint16_t)(tcpip_load_u16(extension + 2) & 0xfff8u);
}

static inline bool tcpip_ipv6_fragment_more(const uint8_t *extension)
{
    return (extension[3] & 1) != 0;
}

static inline uint32_t tcpip_ipv6_fragment_id(const uint8_t *extension)
{
    return tcpip_load_u32(extension + 4);
}

/* A fragment header on a packet that is whole: processed by itself (RFC 6946). */
static inline bool tcpip_ipv6_fragment_is_atomic(const uint8_t *extension)
{
    return (tcpip_load_u16(extension + 2) & 0xfff9u) == 0;
}

/* Writes TCPIP_IPV6_FRAGMENT_BYTES. */
TCPIP_API void tcpip_ipv6_fragment_encode(uint8_t *out, const struct tcpip_ipv6_fragment_fields *fields);

TCPIP_END_DECLS

#endif
