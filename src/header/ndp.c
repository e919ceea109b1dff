// SPDX-License-Identifier: MIT
/* ndp.c: neighbour discovery messages: their validation, whole, and their fixed parts.
 *
 * Discovery trusts whoever is on the link, and nobody else: a hop limit of 255 is what a router can't leave standing.
 * So the check wants the IPv6 header too, and does all that RFC 4861 asks of a receiver, in one table by type.
 *
 * Not here: options' contents (ndp_option.c); the ICMPv6 checksum. */
#include <tcpip/header/ndp.h>

#include <string.h>

#include <tcpip/header/ipv6.h>

enum { NDP_TYPE_FIRST = TCPIP_ICMPV6_ROUTER_SOLICITATION, NDP_TYPE_LAST = TCPIP_ICMPV6_REDIRECT };

static bool ndp_is_multicast(const uint8_t *address)
{
    return address[0] == 0xff;
}

static bool ndp_is_link_local(const uint8_t *address)
{
    return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

static bool ndp_is_unspecified(const uint8_t *address)
{
    static const uint8_t any[16];
    return memcmp(address, any, 16) == 0;
}

/* In ff02::1:ff00:0/104. */
static bool ndp_is_solicited_node(const uint8_t *address)
{
    uint8_t group[16];
    tcpip_ndp_solicited_node(group, address);
    return memcmp(address, group, 16) == 0;
}

static size_t ndp_fixed_bytes(uint8_t type)
{
    static const uint8_t bytes[] = {
        [TCPIP_ICMPV6_ROUTER_SOLICITATION - NDP_TYPE_FIRST] = TCPIP_NDP_ROUTER_SOLICITATION_BYTES,
        [TCPIP_ICMPV6_ROUTER_ADVERTISEMENT - NDP_TYPE_FIRST] = TCPIP_NDP_ROUTER_ADVERTISEMENT_BYTES,
        [TCPIP_ICMPV6_NEIGHBOR_SOLICITATION - NDP_TYPE_FIRST] = TCPIP_NDP_NEIGHBOR_BYTES,
        [TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT - NDP_TYPE_FIRST] = TCPIP_NDP_NEIGHBOR_BYTES,
        [TCPIP_ICMPV6_REDIRECT - NDP_TYPE_FIRST] = TCPIP_NDP_REDIRECT_BYTES,
    };
    return bytes[type - NDP_TYPE_FIRST];
}

/* All options have a length and end where the message does. *has_source_link: one of them is a source link-layer
 * address. */
static bool ndp_options_ok(const uint8_t *p, size_t message_bytes, bool *has_source_link)
{
    struct tcpip_ndp_option_iterator it;
    struct tcpip_ndp_option option;
    *has_source_link = false;
    tcpip_ndp_options_begin(&it, p, message_bytes);
    while (tcpip_ndp_options_next(&it, &option))
        if (option.type == TCPIP_NDP_OPTION_SOURCE_LINK)
            *has_source_link = true;
    return it.left_bytes == 0;
}

bool tcpip_ndp_check(const uint8_t *ipv6, const uint8_t *p, size_t message_bytes)
{
    if (message_bytes < TCPIP_ICMPV6_MESSAGE_MIN || tcpip_icmpv6_type(p) < NDP_TYPE_FIRST ||
        tcpip_icmpv6_type(p) > NDP_TYPE_LAST)
        return false;
    if (tcpip_ipv6_hop_limit(ipv6) != TCPIP_NDP_HOP_LIMIT || tcpip_icmpv6_code(p) != 0)
        return false;
    bool has_source_link;
    if (message_bytes < ndp_fixed_bytes(tcpip_icmpv6_type(p)) || !ndp_options_ok(p, message_bytes, &has_source_link))
        return false;

    const uint8_t *source = tcpip_ipv6_source(ipv6), *destination = tcpip_ipv6_destination(ipv6);
    bool anonymous = ndp_is_unspecified(source);
    switch (tcpip_icmpv6_type(p)) {
    case TCPIP_ICMPV6_ROUTER_SOLICITATION: /* 6.1.1 */
        return !(anonymous && has_source_link);
    case TCPIP_ICMPV6_ROUTER_ADVERTISEMENT: /* 6.1.2 */
        return ndp_is_link_local(source);
    case TCPIP_ICMPV6_NEIGHBOR_SOLICITATION: /* 7.1.1 */
        return !ndp_is_multicast(tcpip_ndp_target(p)) &&
               !(anonymous && (has_source_link || !ndp_is_solicited_node(destination)));
    case TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT: /* 7.1.2 */
        return !ndp_is_multicast(tcpip_ndp_target(p)) &&
               !(ndp_is_multicast(destination) && (tcpip_ndp_neighbor_flags(p) & TCPIP_NDP_FLAG_SOLICITED));
    default: /* redirect, 8.1 */
        return ndp_is_link_local(source) && !ndp_is_multicast(tcpip_ndp_redirect_destination(p)) &&
               (ndp_is_link_local(tcpip_ndp_target(p)) ||
                memcmp(tcpip_ndp_target(p), tcpip_ndp_redirect_destination(p), 16) == 0);
    }
}

static size_t ndp_begin(uint8_t *out, uint8_t type)
{
    size_t bytes = ndp_fixed_bytes(type);
    memset(out, 0, bytes);
    out[0] = type;
    return bytes;
}

size_t tcpip_ndp_neighbor_solicitation_encode(uint8_t *out, const uint8_t *target)
{
    size_t bytes = ndp_begin(out, TCPIP_ICMPV6_NEIGHBOR_SOLICITATION);
    memcpy(out + 8, target, 16);
    return bytes;
}

size_t tcpip_ndp_neighbor_advertisement_encode(uint8_t *out, const uint8_t *target, uint8_t flags)
{
    size_t bytes = ndp_begin(out, TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT);
    out[4] = flags & 0xe0;
    memcpy(out + 8, target, 16);
    return bytes;
}

size_t tcpip_ndp_router_solicitation_encode(uint8_t *out)
{
    return ndp_begin(out, TCPIP_ICMPV6_ROUTER_SOLICITATION);
}

size_t tcpip_ndp_redirect_encode(uint8_t *out, const uint8_t *target, const uint8_t *destination)
{
    size_t bytes = ndp_begin(out, TCPIP_ICMPV6_REDIRECT);
    memcpy(out + 8, target, 16);
    memcpy(out + 24, destination, 16);
    return bytes;
}

void tcpip_ndp_router_advertisement_decode(const uint8_t *p, struct tcpip_ndp_router_advertisement *out)
{
    static const int8_t preference[4] = {
        TCPIP_NDP_PREFERENCE_MEDIUM,
        TCPIP_NDP_PREFERENCE_HIGH,
        TCPIP_NDP_PREFERENCE_MEDIUM, /* reserved: as medium (RFC 4191 2.2) */
        TCPIP_NDP_PREFERENCE_LOW,
    };
    *out = (struct tcpip_ndp_router_advertisement){
        .hop_limit = p[4],
        .flags = p[5] & (TCPIP_NDP_RA_MANAGED | TCPIP_NDP_RA_OTHER),
        .preference = (enum tcpip_ndp_preference)preference[p[5] >> 3 & 3],
        .lifetime_s = tcpip_load_u16(p + 6),
        .reachable_ms = tcpip_load_u32(p + 8),
        .retransmit_ms = tcpip_load_u32(p + 12),
    };
    /* Who isn't a default router has no preference as one (RFC 4191 2.2). */
    if (out->lifetime_s == 0)
        out->preference = TCPIP_NDP_PREFERENCE_MEDIUM;
}

size_t tcpip_ndp_router_advertisement_encode(uint8_t *out, const struct tcpip_ndp_router_advertisement *fields)
{
    size_t bytes = ndp_begin(out, TCPIP_ICMPV6_ROUTER_ADVERTISEMENT);
    unsigned preference = fields->lifetime_s == 0 ? 0 : (unsigned)fields->preference & 3;
    out[4] = fields->hop_limit;
    out[5] = (uint8_t)((fields->flags & (TCPIP_NDP_RA_MANAGED | TCPIP_NDP_RA_OTHER)) | preference << 3);
    tcpip_store_u16(out + 6, fields->lifetime_s);
    tcpip_store_u32(out + 8, fields->reachable_ms);
    tcpip_store_u32(out + 12, fields->retransmit_ms);
    return bytes;
}

void tcpip_ndp_solicited_node(uint8_t *out, const uint8_t *address)
{
    static const uint8_t group[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff};
    uint8_t low[3];
    memcpy(low, address + 13, 3);
    memcpy(out, group, 13);
    memcpy(out + 13, low, 3);
}
