// SPDX-License-Identifier: MIT
/* ndp.h: IPv6 neighbour discovery messages and options (RFC 4861, 4191, 8106, 3971's nonce). Pure functions.
 *
 * `p` is always the ICMPv6 header. Check a message once; getters and the option iterator can't fail then. */
#ifndef TCPIP_HEADER_NDP_H
#define TCPIP_HEADER_NDP_H

#include <tcpip/header/bytes.h>
#include <tcpip/header/icmpv6.h>

TCPIP_BEGIN_DECLS

#define TCPIP_NDP_HOP_LIMIT 255u
#define TCPIP_NDP_ROUTER_SOLICITATION_BYTES 8u
#define TCPIP_NDP_ROUTER_ADVERTISEMENT_BYTES 16u
#define TCPIP_NDP_NEIGHBOR_BYTES 24u /* solicitation and advertisement */
#define TCPIP_NDP_REDIRECT_BYTES 40u

/* True if the ICMPv6 message at `p`, `message_bytes` long and whole, behind the fixed header `ipv6`, is one of the five
 * and passes all of RFC 4861's validation but the checksum (6.1.1, 6.1.2, 7.1.1, 7.1.2, 8.1). Catches: a hop limit
 * under 255 (came through a router), code not 0, too short, an option of length 0 or running past the end, a multicast
 * target, an unspecified source with a source link-layer option, duplicate address detection to another group than the
 * solicited-node one, solicited advertisements to a group, advertisements and redirects not from a link-local address.
 */
TCPIP_API bool tcpip_ndp_check(const uint8_t *ipv6, const uint8_t *p, size_t message_bytes);

/* ---- Neighbour solicitation and advertisement ---- */

#define TCPIP_NDP_FLAG_ROUTER 0x80u
#define TCPIP_NDP_FLAG_SOLICITED 0x40u
#define TCPIP_NDP_FLAG_OVERRIDE 0x20u

/* 16 bytes; also of a redirect. */
static inline const uint8_t *tcpip_ndp_target(const uint8_t *p)
{
    return p + 8;
}

/* TCPIP_NDP_FLAG_*, of an advertisement. */
static inline uint8_t tcpip_ndp_neighbor_flags(const uint8_t *p)
{
    return (uint8_t)(p[4] & 0xe0);
}

/* Of a redirect: 16 bytes. */
static inline const uint8_t *tcpip_ndp_redirect_destination(const uint8_t *p)
{
    return p + 24;
}

/* Each writes the fixed part with a checksum of 0 and returns its size. Targets and destinations: 16 bytes. */
TCPIP_API size_t tcpip_ndp_neighbor_solicitation_encode(uint8_t *out, const uint8_t *target);
TCPIP_API size_t tcpip_ndp_neighbor_advertisement_encode(uint8_t *out, const uint8_t *target, uint8_t flags);
TCPIP_API size_t tcpip_ndp_router_solicitation_encode(uint8_t *out);
TCPIP_API size_t tcpip_ndp_redirect_encode(uint8_t *out, const uint8_t *target, const uint8_t *destination);

/* ---- Router advertisement ---- */

#define TCPIP_NDP_RA_MANAGED 0x80u
#define TCPIP_NDP_RA_OTHER 0x40u

/* RFC 4191 2.1. The fourth value on the wire is reserved and read as medium. */
enum tcpip_ndp_preference {
    TCPIP_NDP_PREFERENCE_LOW = -1,
    TCPIP_NDP_PREFERENCE_MEDIUM = 0,
    TCPIP_NDP_PREFERENCE_HIGH = 1
};

struct tcpip_ndp_router_advertisement {
    uint8_t hop_limit; /* 0: unspecified */
    uint8_t flags;     /* TCPIP_NDP_RA_* */
    enum tcpip_ndp_preference preference;
    uint16_t lifetime_s;                  /* 0: not a default router */
    uint32_t reachable_ms, retransmit_ms; /* 0: unspecified */
};

/* Of a message that tcpip_ndp_check has passed. */
TCPIP_API void tcpip_ndp_router_advertisement_decode(const uint8_t *p, struct tcpip_ndp_router_advertisement *out);
/* Writes the fixed part with a checksum of 0 and returns its size. */
TCPIP_API size_t tcpip_ndp_router_advertisement_encode(uint8_t *out,
                                                       const struct tcpip_ndp_router_advertisement *fields);

/* ---- Options ---- */

enum tcpip_ndp_option_type {
    TCPIP_NDP_OPTION_SOURCE_LINK = 1,
    TCPIP_NDP_OPTION_TARGET_LINK = 2,
    TCPIP_NDP_OPTION_PREFIX = 3,
    TCPIP_NDP_OPTION_REDIRECTED = 4,
    TCPIP_NDP_OPTION_MTU = 5,
    TCPIP_NDP_OPTION_NONCE = 14,
    TCPIP_NDP_OPTION_ROUTE = 24,
    TCPIP_NDP_OPTION_RDNSS = 25,
    TCPIP_NDP_OPTION_DNSSL = 31
};

#define TCPIP_NDP_INFINITE_S 0xffffffffu

struct tcpip_ndp_option {
    uint8_t type;
    uint16_t bytes;      /* a multiple of 8 */
    const uint8_t *data; /* the whole option, type first */
};

struct tcpip_ndp_option_iterator {
    const uint8_t *at;
    size_t left_bytes;
};

/* Begins at the first option of a message that tcpip_ndp_check passed. */
TCPIP_API void tcpip_ndp_options_begin(struct tcpip_ndp_option_iterator *it, const uint8_t *p, size_t message_bytes);
/* The next option; false at the end. Stops also at a length that lies (an unchecked message). */
TCPIP_API bool tcpip_ndp_options_next(struct tcpip_ndp_option_iterator *it, struct tcpip_ndp_option *out);

struct tcpip_ndp_prefix {
    const uint8_t *prefix; /* 16 bytes */
    uint8_t prefix_bits;
    bool on_link, autonomous;
    uint32_t valid_s, preferred_s;
};

struct tcpip_ndp_route {
    uint8_t prefix[16]; /* bits beyond prefix_bits are zero */
    uint8_t prefix_bits;
    enum tcpip_ndp_preference preference;
    uint32_t lifetime_s;
};

struct tcpip_ndp_rdnss {
    uint32_t lifetime_s;
    uint16_t count;
    const uint8_t *addresses; /* count times 16 bytes */
};

#define TCPIP_NDP_NAME_MAX 256u /* a domain name as text, with the terminating zero */

struct tcpip_ndp_dnssl {
    uint32_t lifetime_s;
    const uint8_t *names; /* for tcpip_ndp_dnssl_next */
    size_t names_bytes;
};

/* Each reads an option of its type; false when its length or a value is impossible: such an option is ignored. */
TCPIP_API bool tcpip_ndp_link_decode(const struct tcpip_ndp_option *option, const uint8_t **six_bytes);
TCPIP_API bool tcpip_ndp_prefix_decode(const struct tcpip_ndp_option *option, struct tcpip_ndp_prefix *out);
TCPIP_API bool tcpip_ndp_mtu_decode(const struct tcpip_ndp_option *option, uint32_t *mtu);
TCPIP_API bool tcpip_ndp_route_decode(const struct tcpip_ndp_option *option, struct tcpip_ndp_route *out);
TCPIP_API bool tcpip_ndp_rdnss_decode(const struct tcpip_ndp_option *option, struct tcpip_ndp_rdnss *out);
TCPIP_API bool tcpip_ndp_dnssl_decode(const struct tcpip_ndp_option *option, struct tcpip_ndp_dnssl *out);
TCPIP_API bool tcpip_ndp_nonce_decode(const struct tcpip_ndp_option *option, const uint8_t **nonce,
                                      size_t *nonce_bytes);
/* Takes the next name off the list as dotted text into out[TCPIP_NDP_NAME_MAX]. False at the end, or at a malformed
 * name (compression, a label over 63, a byte that isn't letter, digit, '-' or '_'), which ends the list. */
TCPIP_API bool tcpip_ndp_dnssl_next(struct tcpip_ndp_dnssl *list, char *out);

/* Each writes one option and returns its size; `room` is what `out` has. 0 when it doesn't fit, or can't be written. */
TCPIP_API size_t tcpip_ndp_link_encode(uint8_t *out, size_t room, uint8_t type, const uint8_t *six_bytes);
TCPIP_API size_t tcpip_ndp_prefix_encode(uint8_t *out, size_t room, const struct tcpip_ndp_prefix *fields);
TCPIP_API size_t tcpip_ndp_mtu_encode(uint8_t *out, size_t room, uint32_t mtu);
TCPIP_API size_t tcpip_ndp_route_encode(uint8_t *out, size_t room, const struct tcpip_ndp_route *fields);
TCPIP_API size_t tcpip_ndp_rdnss_encode(uint8_t *out, size_t room, const struct tcpip_ndp_rdnss *fields);
/* `names`: `count` dotted names. */
TCPIP_API size_t tcpip_ndp_dnssl_encode(uint8_t *out, size_t room, uint32_t lifetime_s, const char *const *names,
                                        size_t count);
TCPIP_API size_t tcpip_ndp_nonce_encode(uint8_t *out, size_t room, const uint8_t *nonce, size_t nonce_bytes);
/* The redirected header option: as much of `packet` as fits in `room`, a multiple of 8. */
TCPIP_API size_t tcpip_ndp_redirected_encode(uint8_t *out, size_t room, const uint8_t *packet, size_t packet_bytes);

/* The solicited-node group of an address, ff02::1:ffXX:XXXX (RFC 4291 2.7.1): 16 bytes to `out`. */
TCPIP_API void tcpip_ndp_solicited_node(uint8_t *out, const uint8_t *address);

TCPIP_END_DECLS

#endif
