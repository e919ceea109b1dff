// SPDX-License-Identifier: MIT
/* header_ipv6.c: fuzzes the IPv6 header and its chain of extension headers.
 *
 * Input: a packet. The chain is walked by the library and, as far as it goes, by a naive second walk. */
#include "fuzz_env.h"

#include <string.h>

#include <tcpip/header/ipv6.h>

static void fragment(const uint8_t *p)
{
    uint8_t out[TCPIP_IPV6_FRAGMENT_BYTES];
    struct tcpip_ipv6_fragment_fields fields = {.next_header = tcpip_ipv6_fragment_next_header(p),
                                                .more = tcpip_ipv6_fragment_more(p),
                                                .offset = tcpip_ipv6_fragment_offset(p),
                                                .id = tcpip_ipv6_fragment_id(p)};
    tcpip_ipv6_fragment_encode(out, &fields);
    REQUIRE(out[0] == p[0] && out[2] == p[2] && (out[3] ^ (p[3] & 0xf9)) == 0 && memcmp(out + 4, p + 4, 4) == 0);
    REQUIRE(tcpip_ipv6_fragment_is_atomic(p) == (fields.offset == 0 && !fields.more));
}

static void options(const struct tcpip_ipv6_extension *extension)
{
    struct tcpip_ipv6_option_iterator it;
    struct tcpip_ipv6_option option;
    size_t at = extension->offset + 2, end = extension->offset + extension->bytes;
    tcpip_ipv6_options_begin(&it, extension);
    while (tcpip_ipv6_options_next(&it, &option)) {
        REQUIRE(option.type != TCPIP_IPV6_OPTION_PAD1 && option.type != TCPIP_IPV6_OPTION_PADN);
        REQUIRE(option.offset >= at && option.offset + 2 + option.data_bytes <= end);
        REQUIRE(option.data == extension->data + (option.offset - extension->offset) + 2);
        REQUIRE(tcpip_ipv6_option_action(option.type) <= TCPIP_IPV6_ACTION_DISCARD_ICMP_UNICAST);
        at = option.offset + 2 + option.data_bytes;
    }
    REQUIRE(!it.malformed || (it.problem_offset >= at && it.problem_offset < end));
}

static void chain(const uint8_t *p, size_t size)
{
    struct tcpip_ipv6_walker walker;
    struct tcpip_ipv6_extension extension;
    struct tcpip_ipv6_chain whole;
    size_t end = TCPIP_IPV6_HEADER_BYTES + (size_t)tcpip_ipv6_payload_length(p);
    size_t at = TCPIP_IPV6_HEADER_BYTES, type_at = TCPIP_IPV6_NEXT_HEADER_OFFSET;
    enum tcpip_ipv6_walk verdict;
    unsigned count = 0;
    tcpip_ipv6_walk_begin(&walker, p, size);
    while ((verdict = tcpip_ipv6_walk_next(&walker, &extension)) == TCPIP_IPV6_WALK_EXTENSION) {
        size_t bytes = p[type_at] == TCPIP_IPV6_FRAGMENT ? 8 : 8 * ((size_t)p[at + 1] + 1);
        REQUIRE(extension.type == p[type_at] && extension.type_offset == type_at && extension.offset == at);
        REQUIRE(extension.bytes == bytes && at + bytes <= end && extension.data == p + at);
        REQUIRE(extension.next_header == p[at] && ++count <= TCPIP_IPV6_EXTENSIONS_MAX);
        if (extension.type == TCPIP_IPV6_FRAGMENT)
            fragment(p + at);
        else if (extension.type != TCPIP_IPV6_ROUTING)
            options(&extension);
        type_at = at;
        at += bytes;
    }
    REQUIRE(tcpip_ipv6_walk_next(&walker, &extension) == verdict); /* it repeats */
    bool good = tcpip_ipv6_chain_parse(p, size, &whole);
    REQUIRE(whole.verdict == verdict && whole.unfragmentable_bytes <= end);
    REQUIRE(good == (verdict == TCPIP_IPV6_WALK_UPPER || verdict == TCPIP_IPV6_WALK_NO_NEXT ||
                     verdict == TCPIP_IPV6_WALK_FRAGMENT_BODY));
    if (verdict == TCPIP_IPV6_WALK_UPPER)
        REQUIRE(whole.upper_protocol == p[type_at] && whole.upper_offset == at && at <= end);
    if (verdict == TCPIP_IPV6_WALK_BAD_ORDER)
        REQUIRE(whole.problem_offset < end && p[whole.problem_offset] == TCPIP_IPV6_HOP_BY_HOP);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *p = fuzz_copy(data, size), out[TCPIP_IPV6_HEADER_BYTES];
    struct tcpip_ipv6_fields fields;
    if (tcpip_ipv6_header_check(p, size, size)) {
        tcpip_ipv6_decode(p, &fields);
        REQUIRE(TCPIP_IPV6_HEADER_BYTES + (size_t)fields.payload_length <= size && fields.source[0] != 0xff);
        tcpip_ipv6_encode(out, &fields);
        REQUIRE(memcmp(p, out, sizeof(out)) == 0);
        uint8_t other = (uint8_t)(fields.traffic_class ^ 0xff);
        tcpip_ipv6_set_traffic_class(out, other);
        REQUIRE(tcpip_ipv6_flow_label(out) == fields.flow_label && tcpip_ipv6_version(out) == 6);
        REQUIRE(tcpip_ipv6_traffic_class(out) == other);
        chain(p, size);
    }
    free(p);
    return 0;
}
