// SPDX-License-Identifier: MIT
/* ndp_option.c: the options of neighbour discovery, both ways.
 *
 * An option is type, length in units of 8 bytes, data. tcpip_ndp_check has walked them all before anybody reads one;
 * the decoders check what each type adds: its own length, prefix lengths, names. An option that fails here is ignored,
 * the message isn't.
 *
 * Not here: what hosts do with them (network/). */
#include <tcpip/header/ndp.h>

#include "header/cursor.h"
#include "header/ndp_name.h"

enum {
    NDP_OPTION_BYTES_MAX = 255 * 8,
    NDP_LINK_BYTES = 8,
    NDP_PREFIX_BYTES = 32,
    NDP_MTU_BYTES = 8,
    NDP_ROUTE_BYTES_MIN = 8,
    NDP_REDIRECTED_HEAD_BYTES = 8,
    NDP_PREFIX_ON_LINK = 0x80,
    NDP_PREFIX_AUTONOMOUS = 0x40
};

void tcpip_ndp_options_begin(struct tcpip_ndp_option_iterator *it, const uint8_t *p, size_t message_bytes)
{
    size_t fixed = TCPIP_NDP_ROUTER_SOLICITATION_BYTES;
    uint8_t type = tcpip_icmpv6_type(p);
    if (type == TCPIP_ICMPV6_ROUTER_ADVERTISEMENT)
        fixed = TCPIP_NDP_ROUTER_ADVERTISEMENT_BYTES;
    else if (type == TCPIP_ICMPV6_NEIGHBOR_SOLICITATION || type == TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT)
        fixed = TCPIP_NDP_NEIGHBOR_BYTES;
    else if (type == TCPIP_ICMPV6_REDIRECT)
        fixed = TCPIP_NDP_REDIRECT_BYTES;
    struct cursor c = cursor_of(p, message_bytes);
    cursor_skip(&c, fixed);
    *it = (struct tcpip_ndp_option_iterator){.at = c.at, .left_bytes = c.left};
}

bool tcpip_ndp_options_next(struct tcpip_ndp_option_iterator *it, struct tcpip_ndp_option *out)
{
    struct cursor c = cursor_of(it->at, it->left_bytes);
    uint8_t type = cursor_u8(&c);
    size_t bytes = (size_t)cursor_u8(&c) * 8;
    if (c.failed || bytes == 0) /* a length of 0 would never end (RFC 4861 4.6) */
        return false;
    cursor_skip(&c, bytes - 2);
    if (c.failed)
        return false;
    *out = (struct tcpip_ndp_option){.type = type, .bytes = (uint16_t)bytes, .data = it->at};
    *it = (struct tcpip_ndp_option_iterator){.at = c.at, .left_bytes = c.left};
    return true;
}

/* The option's contents, behind type and length. */
static struct cursor ndp_option_body(const struct tcpip_ndp_option *option)
{
    struct cursor c = cursor_of(option->data, option->bytes);
    cursor_skip(&c, 2);
    return c;
}

bool tcpip_ndp_link_decode(const struct tcpip_ndp_option *option, const uint8_t **six_bytes)
{
    if (option->bytes != NDP_LINK_BYTES)
        return false;
    *six_bytes = option->data + 2;
    return true;
}

bool tcpip_ndp_prefix_decode(const struct tcpip_ndp_option *option, struct tcpip_ndp_prefix *out)
{
    if (option->bytes != NDP_PREFIX_BYTES || option->data[2] > 128)
        return false;
    struct cursor c = ndp_option_body(option);
    out->prefix_bits = cursor_u8(&c);
    uint8_t flags = cursor_u8(&c);
    out->on_link = (flags & NDP_PREFIX_ON_LINK) != 0;
    out->autonomous = (flags & NDP_PREFIX_AUTONOMOUS) != 0;
    out->valid_s = cursor_u32(&c);
    out->preferred_s = cursor_u32(&c);
    cursor_skip(&c, 4);
    out->prefix = cursor_take(&c, 16);
    return true;
}

bool tcpip_ndp_mtu_decode(const struct tcpip_ndp_option *option, uint32_t *mtu)
{
    if (option->bytes != NDP_MTU_BYTES)
        return false;
    *mtu = tcpip_load_u32(option->data + 4);
    return true;
}

bool tcpip_ndp_route_decode(const struct tcpip_ndp_option *option, struct tcpip_ndp_route *out)
{
    uint8_t bits = option->data[2], preference = option->data[3] >> 3 & 3;
    /* 0, 8 or 16 bytes of prefix; the reserved preference disqualifies a route (RFC 4191 2.3). */
    if (option->bytes > NDP_ROUTE_BYTES_MIN + 16 || bits > 128 || bits > (option->bytes - NDP_ROUTE_BYTES_MIN) * 8 ||
        preference == 2)
        return false;
    struct cursor c = ndp_option_body(option);
    cursor_skip(&c, 2);
    memset(out, 0, sizeof *out);
    out->prefix_bits = bits;
    out->preference = preference == 1   ? TCPIP_NDP_PREFERENCE_HIGH
                      : preference == 3 ? TCPIP_NDP_PREFERENCE_LOW
                                        : TCPIP_NDP_PREFERENCE_MEDIUM;
    out->lifetime_s = cursor_u32(&c);
    size_t bytes = (bits + 7u) / 8;
    if (bytes > 0)
        memcpy(out->prefix, cursor_take(&c, bytes), bytes);
    if (bits % 8 != 0)
        out->prefix[bits / 8] &= (uint8_t)(0xff00u >> bits % 8);
    return true;
}

bool tcpip_ndp_rdnss_decode(const struct tcpip_ndp_option *option, struct tcpip_ndp_rdnss *out)
{
    if (option->bytes < 24 || option->bytes % 16 != 8) /* 8 and 16 for each address (RFC 8106 5.1) */
        return false;
    struct cursor c = ndp_option_body(option);
    cursor_skip(&c, 2);
    out->lifetime_s = cursor_u32(&c);
    out->count = (uint16_t)(c.left / 16);
    out->addresses = c.at;
    return true;
}

bool tcpip_ndp_dnssl_decode(const struct tcpip_ndp_option *option, struct tcpip_ndp_dnssl *out)
{
    if (option->bytes < 16)
        return false;
    struct cursor c = ndp_option_body(option);
    cursor_skip(&c, 2);
    out->lifetime_s = cursor_u32(&c);
    out->names = c.at;
    out->names_bytes = c.left;
    return true;
}

bool tcpip_ndp_nonce_decode(const struct tcpip_ndp_option *option, const uint8_t **nonce, size_t *nonce_bytes)
{
    struct cursor c = ndp_option_body(option);
    *nonce = c.at;
    *nonce_bytes = c.left;
    return true;
}

bool tcpip_ndp_dnssl_next(struct tcpip_ndp_dnssl *list, char *out)
{
    struct cursor c = cursor_of(list->names, list->names_bytes);
    size_t text_bytes = tcpip__ndp_name_read(&c, out);
    list->names = c.at;
    list->names_bytes = text_bytes > 0 ? c.left : 0; /* padding, or a lie: the end either way */
    return text_bytes > 0;
}

/* ---- Writing ---- */

/* A pen on an option of `bytes`, type and length written; failed when it doesn't fit in `room`. */
static struct pen ndp_option_begin(uint8_t *out, size_t room, uint8_t type, size_t bytes)
{
    struct pen pen = pen_of(out, bytes <= room && bytes <= NDP_OPTION_BYTES_MAX ? bytes : 0);
    pen_u8(&pen, type);
    pen_u8(&pen, (uint8_t)(bytes / 8));
    return pen;
}

/* What the option came to: 0 if it didn't fit. */
static size_t ndp_option_end(struct pen *pen)
{
    pen_fill(pen, 0, pen->room);
    return pen->failed ? 0 : pen->used;
}

size_t tcpip_ndp_link_encode(uint8_t *out, size_t room, uint8_t type, const uint8_t *six_bytes)
{
    struct pen pen = ndp_option_begin(out, room, type, NDP_LINK_BYTES);
    pen_bytes(&pen, six_bytes, 6);
    return ndp_option_end(&pen);
}

size_t tcpip_ndp_prefix_encode(uint8_t *out, size_t room, const struct tcpip_ndp_prefix *fields)
{
    struct pen pen = ndp_option_begin(out, room, TCPIP_NDP_OPTION_PREFIX, NDP_PREFIX_BYTES);
    pen_u8(&pen, fields->prefix_bits);
    pen_u8(&pen,
           (uint8_t)((fields->on_link ? NDP_PREFIX_ON_LINK : 0) | (fields->autonomous ? NDP_PREFIX_AUTONOMOUS : 0)));
    pen_u32(&pen, fields->valid_s);
    pen_u32(&pen, fields->preferred_s);
    pen_u32(&pen, 0);
    pen_bytes(&pen, fields->prefix, 16);
    return ndp_option_end(&pen);
}

size_t tcpip_ndp_mtu_encode(uint8_t *out, size_t room, uint32_t mtu)
{
    struct pen pen = ndp_option_begin(out, room, TCPIP_NDP_OPTION_MTU, NDP_MTU_BYTES);
    pen_u16(&pen, 0);
    pen_u32(&pen, mtu);
    return ndp_option_end(&pen);
}

size_t tcpip_ndp_route_encode(uint8_t *out, size_t room, const struct tcpip_ndp_route *fields)
{
    if (fields->prefix_bits > 128)
        return 0;
    size_t prefix_bytes = (fields->prefix_bits + 63u) / 64 * 8;
    struct pen pen = ndp_option_begin(out, room, TCPIP_NDP_OPTION_ROUTE, NDP_ROUTE_BYTES_MIN + prefix_bytes);
    pen_u8(&pen, fields->prefix_bits);
    pen_u8(&pen, (uint8_t)(((unsigned)fields->preference & 3) << 3));
    pen_u32(&pen, fields->lifetime_s);
    pen_bytes(&pen, fields->prefix, prefix_bytes);
    return ndp_option_end(&pen);
}

size_t tcpip_ndp_rdnss_encode(uint8_t *out, size_t room, const struct tcpip_ndp_rdnss *fields)
{
    if (fields->count == 0)
        return 0;
    size_t addresses_bytes = (size_t)fields->count * 16;
    struct pen pen = ndp_option_begin(out, room, TCPIP_NDP_OPTION_RDNSS, 8 + addresses_bytes);
    pen_u16(&pen, 0);
    pen_u32(&pen, fields->lifetime_s);
    pen_bytes(&pen, fields->addresses, addresses_bytes);
    return ndp_option_end(&pen);
}

size_t tcpip_ndp_dnssl_encode(uint8_t *out, size_t room, uint32_t lifetime_s, const char *const *names, size_t count)
{
    size_t bytes = 8;
    for (size_t i = 0; i < count; i++) {
        size_t name_bytes = tcpip__ndp_name_bytes(names[i]);
        if (name_bytes == 0)
            return 0;
        bytes += name_bytes;
    }
    if (count == 0)
        return 0;
    struct pen pen = ndp_option_begin(out, room, TCPIP_NDP_OPTION_DNSSL, (bytes + 7) / 8 * 8);
    pen_u16(&pen, 0);
    pen_u32(&pen, lifetime_s);
    for (size_t i = 0; i < count; i++)
        tcpip__ndp_name_write(&pen, names[i]);
    return ndp_option_end(&pen);
}

size_t tcpip_ndp_nonce_encode(uint8_t *out, size_t room, const uint8_t *nonce, size_t nonce_bytes)
{
    if ((nonce_bytes + 2) % 8 != 0) /* the length is in units of 8, and padding would be part of the nonce */
        return 0;
    struct pen pen = ndp_option_begin(out, room, TCPIP_NDP_OPTION_NONCE, 2 + nonce_bytes);
    pen_bytes(&pen, nonce, nonce_bytes);
    return ndp_option_end(&pen);
}

size_t tcpip_ndp_redirected_encode(uint8_t *out, size_t room, const uint8_t *packet, size_t packet_bytes)
{
    if (room < NDP_REDIRECTED_HEAD_BYTES)
        return 0;
    size_t quote = room < NDP_OPTION_BYTES_MAX ? room : NDP_OPTION_BYTES_MAX;
    quote -= NDP_REDIRECTED_HEAD_BYTES;
    if (quote > packet_bytes)
        quote = packet_bytes;
    quote -= quote % 8;
    struct pen pen = ndp_option_begin(out, room, TCPIP_NDP_OPTION_REDIRECTED, NDP_REDIRECTED_HEAD_BYTES + quote);
    pen_fill(&pen, 0, 6);
    pen_bytes(&pen, packet, quote);
    return ndp_option_end(&pen);
}
