// SPDX-License-Identifier: MIT
/* address.c: addresses and prefixes: what they are, and their texts.
 *
 * Text comes from configuration files and from strangers, so the parser is a cursor that takes what the grammar allows
 * and nothing else: four decimal parts without leading zeros (010 is eight to some and ten to others; here it is
 * refused), or RFC 4291 section 2.2 with at most one "::", each group at most four digits, dotted decimal only at the
 * end. It looks at no byte after the first that doesn't fit, writes to `out` only when all was good, and knows no
 * zones, spaces or signs. What is written is the canonical form of RFC 5952.
 *
 * Owns:        nothing.
 * Invariants:  bytes beyond len are zero in every address made here; parse(format(a)) is a.
 * Not here:    source address selection (network), names (no resolver in the core).
 */
#include <tcpip/address.h>

#include "base/assert.h"
#include "base/compiler.h"

#include <string.h>

enum { V4_BYTES = 4, V6_BYTES = 16, V6_GROUPS = 8 };

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

struct tcpip_address tcpip_address_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct tcpip_address){.bytes = {a, b, c, d}, .len = V4_BYTES};
}

struct tcpip_address tcpip_address_v6(const uint8_t *bytes)
{
    struct tcpip_address address = {.len = V6_BYTES};
    memcpy(address.bytes, bytes, V6_BYTES);
    return address;
}

bool tcpip_address_equal(const struct tcpip_address *a, const struct tcpip_address *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool tcpip_address_is_v4_mapped(const struct tcpip_address *address)
{
    return address->len == V6_BYTES && memcmp(address->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

struct tcpip_address tcpip_address_to_mapped(const struct tcpip_address *address)
{
    if (address->len != V4_BYTES)
        return *address;
    struct tcpip_address mapped = {.len = V6_BYTES};
    memcpy(mapped.bytes, mapped_prefix, sizeof(mapped_prefix));
    memcpy(mapped.bytes + sizeof(mapped_prefix), address->bytes, V4_BYTES);
    return mapped;
}

struct tcpip_address tcpip_address_from_mapped(const struct tcpip_address *address)
{
    if (!tcpip_address_is_v4_mapped(address))
        return *address;
    const uint8_t *v4 = address->bytes + sizeof(mapped_prefix);
    return tcpip_address_v4(v4[0], v4[1], v4[2], v4[3]);
}

bool tcpip_address_is_unspecified(const struct tcpip_address *address)
{
    static const uint8_t zeroes[V6_BYTES];
    struct tcpip_address a = tcpip_address_from_mapped(address);
    return memcmp(a.bytes, zeroes, sizeof(zeroes)) == 0;
}

bool tcpip_address_is_loopback(const struct tcpip_address *address)
{
    static const uint8_t loopback[V6_BYTES] = {[15] = 1};
    struct tcpip_address a = tcpip_address_from_mapped(address);
    return a.len == V4_BYTES ? a.bytes[0] == 127 : a.len == V6_BYTES && memcmp(a.bytes, loopback, V6_BYTES) == 0;
}

bool tcpip_address_is_multicast(const struct tcpip_address *address)
{
    struct tcpip_address a = tcpip_address_from_mapped(address);
    return a.len == V4_BYTES ? a.bytes[0] >> 4 == 0xe : a.len == V6_BYTES && a.bytes[0] == 0xff;
}

bool tcpip_address_is_link_local(const struct tcpip_address *address)
{
    struct tcpip_address a = tcpip_address_from_mapped(address);
    return a.len == V4_BYTES ? a.bytes[0] == 169 && a.bytes[1] == 254
                             : a.len == V6_BYTES && a.bytes[0] == 0xfe && (a.bytes[1] & 0xc0) == 0x80;
}

bool tcpip_prefix_contains(const struct tcpip_prefix *prefix, const struct tcpip_address *address)
{
    const uint8_t *a = prefix->address.bytes, *b = address->bytes;
    uint32_t whole = prefix->bits / 8, rest = prefix->bits % 8;
    if (prefix->address.len != address->len || address->len > V6_BYTES || prefix->bits > address->len * 8)
        return false;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

/* A decimal number of at most `max` < 1000, without leading zeros; moves *text behind it. */
static bool parse_decimal(const char **text, uint32_t max, uint32_t *out)
{
    const char *t = *text;
    uint32_t value = 0;
    if (*t == '0' && t[1] >= '0' && t[1] <= '9')
        return false;
    for (; *t >= '0' && *t <= '9'; t++) {
        value = value * 10 + (uint32_t)(*t - '0');
        if (value > max) /* also ends a long row of digits */
            return false;
    }
    if (t == *text)
        return false;
    *text = t;
    *out = value;
    return true;
}

/* One to four hexadecimal digits. A fifth is left standing, where no grammar allows it. */
static bool parse_group(const char **text, uint32_t *out)
{
    const char *t = *text;
    uint32_t value = 0;
    for (; t - *text < 4; t++) {
        if (*t >= '0' && *t <= '9')
            value = value << 4 | (uint32_t)(*t - '0');
        else if (*t >= 'a' && *t <= 'f')
            value = value << 4 | (uint32_t)(*t - 'a' + 10);
        else if (*t >= 'A' && *t <= 'F')
            value = value << 4 | (uint32_t)(*t - 'A' + 10);
        else
            break;
    }
    if (t == *text)
        return false;
    *text = t;
    *out = value;
    return true;
}

static bool parse_v4(const char **text, uint8_t *out)
{
    const char *t = *text;
    for (int i = 0; i < V4_BYTES; i++) {
        uint32_t part;
        if (i > 0 && *t++ != '.')
            return false;
        if (!parse_decimal(&t, 255, &part))
            return false;
        out[i] = (uint8_t)part;
    }
    *text = t;
    return true;
}

static bool parse_v6(const char **text, uint8_t *out)
{
    const char *t = *text;
    int size = 0, gap = -1; /* bytes so far; where "::" stood */
    uint8_t bytes[V6_BYTES] = {0};

    if (t[0] == ':' && t[1] == ':') {
        gap = 0;
        t += 2;
    }
    while (size < V6_BYTES) {
        uint32_t group;
        const char *v4 = t;
        if (size <= V6_BYTES - V4_BYTES && parse_v4(&v4, bytes + size)) {
            size += V4_BYTES;
            t = v4;
            break;
        }
        if (!parse_group(&t, &group)) {
            if (gap == size) /* "::" may end it; a single ':' may not */
                break;
            return false;
        }
        bytes[size++] = (uint8_t)(group >> 8);
        bytes[size++] = (uint8_t)group;
        if (size == V6_BYTES || *t != ':')
            break;
        t++;
        if (*t == ':') {
            if (gap >= 0)
                return false;
            gap = size;
            t++;
        }
    }
    if (gap < 0 ? size != V6_BYTES : size > V6_BYTES - 2) /* "::" stands for one group at the least */
        return false;
    memset(out, 0, V6_BYTES);
    memcpy(out, bytes, (size_t)(gap < 0 ? size : gap));
    if (gap >= 0)
        memcpy(out + V6_BYTES - (size - gap), bytes + gap, (size_t)(size - gap));
    *text = t;
    return true;
}

static bool parse_address(const char **text, struct tcpip_address *out)
{
    struct tcpip_address address = {.len = V4_BYTES};
    if (parse_v4(text, address.bytes)) {
        *out = address;
        return true;
    }
    address.len = V6_BYTES;
    if (!parse_v6(text, address.bytes))
        return false;
    *out = address;
    return true;
}

enum tcpip_error tcpip_address_parse(const char *text, struct tcpip_address *out)
{
    struct tcpip_address address;
    if (!parse_address(&text, &address) || *text != '\0')
        return TCPIP_ERR_INVALID_ARGUMENT;
    *out = address;
    return TCPIP_OK;
}

enum tcpip_error tcpip_prefix_parse(const char *text, struct tcpip_prefix *out)
{
    struct tcpip_prefix prefix;
    uint32_t bits;
    if (!parse_address(&text, &prefix.address))
        return TCPIP_ERR_INVALID_ARGUMENT;
    bits = prefix.address.len * 8u;
    if (*text == '/') {
        text++;
        if (!parse_decimal(&text, bits, &bits))
            return TCPIP_ERR_INVALID_ARGUMENT;
    }
    if (*text != '\0')
        return TCPIP_ERR_INVALID_ARGUMENT;
    prefix.bits = (uint8_t)bits;
    *out = prefix;
    return TCPIP_OK;
}

/* All of these write at `out`, without a terminating zero, and return the place behind. */
static char *format_decimal(char *out, uint32_t value)
{
    char digits[10];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count > 0)
        *out++ = digits[--count];
    return out;
}

static char *format_group(char *out, uint32_t group)
{
    int shift = 12;
    while (shift > 0 && group >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *out++ = "0123456789abcdef"[group >> shift & 0xf];
    return out;
}

static char *format_v4(char *out, const uint8_t *bytes)
{
    for (int i = 0; i < V4_BYTES; i++) {
        if (i > 0)
            *out++ = '.';
        out = format_decimal(out, bytes[i]);
    }
    return out;
}

/* The first of the longest rows of at least two zero groups, which "::" stands for (RFC 5952 section 4.2); 0 if none.
 */
static int longest_zeroes(const uint8_t *bytes, int groups, int *from)
{
    int longest = 1, run = 0;
    for (int i = 0; i < groups; i++) {
        run = bytes[2 * i] == 0 && bytes[2 * i + 1] == 0 ? run + 1 : 0;
        if (run > longest) {
            longest = run;
            *from = i + 1 - run;
        }
    }
    return longest > 1 ? longest : 0;
}

static char *format_v6(char *out, const struct tcpip_address *address)
{
    bool mapped = tcpip_address_is_v4_mapped(address);
    int groups = mapped ? 6 : V6_GROUPS, gap_from = -1;
    int gap = longest_zeroes(address->bytes, groups, &gap_from);

    for (int i = 0; i < groups; i++) {
        if (gap > 0 && i == gap_from) {
            *out++ = ':';
            *out++ = ':';
            i += gap - 1;
            continue;
        }
        if (i > 0 && out[-1] != ':')
            *out++ = ':';
        out = format_group(out, (uint32_t)address->bytes[2 * i] << 8 | address->bytes[2 * i + 1]);
    }
    if (mapped) {
        *out++ = ':';
        out = format_v4(out, address->bytes + sizeof(mapped_prefix));
    }
    return out;
}

static char *format_address(char *out, const struct tcpip_address *address)
{
    if (address->len == V4_BYTES)
        return format_v4(out, address->bytes);
    if (address->len == V6_BYTES)
        return format_v6(out, address);
    *out++ = '*';
    return out;
}

size_t tcpip_address_format(const struct tcpip_address *address, char *out)
{
    char *end = format_address(out, address);
    *end = '\0';
    ASSERT(end - out < TCPIP_ADDRESS_TEXT_MAX);
    return (size_t)(end - out);
}

size_t tcpip_full_address_format(const struct tcpip_full_address *address, char *out)
{
    char *end = out;
    bool brackets = address->address.len == V6_BYTES;
    if (brackets)
        *end++ = '[';
    end = format_address(end, &address->address);
    if (address->nic != 0) {
        *end++ = '%';
        end = format_decimal(end, address->nic);
    }
    if (brackets)
        *end++ = ']';
    *end++ = ':';
    end = format_decimal(end, address->port);
    *end = '\0';
    ASSERT(end - out < TCPIP_FULL_ADDRESS_TEXT_MAX);
    return (size_t)(end - out);
}
