// SPDX-License-Identifier: MIT
/* header_ndp.c: fuzzes neighbor discovery: messages and their options are read, written, and read the same.
 *
 * Input: an ICMPv6 message. It is taken with a header in front that lets it pass, and once more as bare options. */
#include "fuzz_env.h"

#include <string.h>

#include <tcpip/header/icmpv6.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/ndp.h>

enum { ROOM = 2048 + 8 };

static void names(struct tcpip_ndp_dnssl *list)
{
    char name[TCPIP_NDP_NAME_MAX];
    while (tcpip_ndp_dnssl_next(list, name)) {
        size_t length = strnlen(name, sizeof name);
        REQUIRE(length > 0 && length < sizeof name);
        /* A name that was read can be written, and reads the same. */
        const char *names[] = {name};
        uint8_t option_bytes[512];
        struct tcpip_ndp_option option = {.data = option_bytes};
        struct tcpip_ndp_dnssl again;
        char copy[TCPIP_NDP_NAME_MAX];
        option.bytes = (uint16_t)tcpip_ndp_dnssl_encode(option_bytes, sizeof option_bytes, 1, names, 1);
        REQUIRE(option.bytes > 0 && tcpip_ndp_dnssl_decode(&option, &again) && tcpip_ndp_dnssl_next(&again, copy));
        REQUIRE(strcmp(name, copy) == 0 && !tcpip_ndp_dnssl_next(&again, copy));
    }
}

static void prefix(const struct tcpip_ndp_prefix *a, const struct tcpip_ndp_option *option)
{
    struct tcpip_ndp_prefix b;
    REQUIRE(tcpip_ndp_prefix_decode(option, &b));
    REQUIRE(memcmp(a->prefix, b.prefix, 16) == 0 && a->prefix_bits == b.prefix_bits && a->on_link == b.on_link);
    REQUIRE(a->autonomous == b.autonomous && a->valid_s == b.valid_s && a->preferred_s == b.preferred_s);
}

static void route(const struct tcpip_ndp_route *a, const struct tcpip_ndp_option *option)
{
    struct tcpip_ndp_route b;
    REQUIRE(a->prefix_bits <= 128 && tcpip_ndp_route_decode(option, &b));
    REQUIRE(memcmp(a->prefix, b.prefix, 16) == 0 && a->prefix_bits == b.prefix_bits);
    REQUIRE(a->preference == b.preference && a->lifetime_s == b.lifetime_s);
}

static void option_again(const struct tcpip_ndp_option *option)
{
    uint8_t out[ROOM];
    struct tcpip_ndp_option again = {.type = option->type, .data = out};
    struct tcpip_ndp_prefix a_prefix;
    struct tcpip_ndp_route a_route;
    struct tcpip_ndp_rdnss rdnss, rdnss_again;
    struct tcpip_ndp_dnssl dnssl;
    const uint8_t *bytes, *bytes_again;
    size_t count, count_again;
    uint32_t mtu, mtu_again;
    if (tcpip_ndp_link_decode(option, &bytes)) {
        again.bytes = (uint16_t)tcpip_ndp_link_encode(out, sizeof(out), option->type, bytes);
        REQUIRE(tcpip_ndp_link_decode(&again, &bytes_again) && memcmp(bytes, bytes_again, 6) == 0);
    }
    if (tcpip_ndp_prefix_decode(option, &a_prefix)) {
        again.bytes = (uint16_t)tcpip_ndp_prefix_encode(out, sizeof(out), &a_prefix);
        prefix(&a_prefix, &again);
    }
    if (tcpip_ndp_route_decode(option, &a_route)) {
        again.bytes = (uint16_t)tcpip_ndp_route_encode(out, sizeof(out), &a_route);
        route(&a_route, &again);
    }
    if (tcpip_ndp_mtu_decode(option, &mtu)) {
        again.bytes = (uint16_t)tcpip_ndp_mtu_encode(out, sizeof(out), mtu);
        REQUIRE(tcpip_ndp_mtu_decode(&again, &mtu_again) && mtu == mtu_again);
    }
    if (tcpip_ndp_rdnss_decode(option, &rdnss)) {
        REQUIRE(rdnss.count > 0 && rdnss.addresses + rdnss.count * 16u <= option->data + option->bytes);
        again.bytes = (uint16_t)tcpip_ndp_rdnss_encode(out, sizeof(out), &rdnss);
        REQUIRE(tcpip_ndp_rdnss_decode(&again, &rdnss_again) && rdnss.lifetime_s == rdnss_again.lifetime_s);
        REQUIRE(rdnss.count == rdnss_again.count);
        REQUIRE(memcmp(rdnss.addresses, rdnss_again.addresses, rdnss.count * 16u) == 0);
    }
    if (tcpip_ndp_nonce_decode(option, &bytes, &count)) {
        REQUIRE(bytes + count <= option->data + option->bytes);
        again.bytes = (uint16_t)tcpip_ndp_nonce_encode(out, sizeof(out), bytes, count);
        REQUIRE(tcpip_ndp_nonce_decode(&again, &bytes_again, &count_again));
        REQUIRE(count == count_again && memcmp(bytes, bytes_again, count) == 0);
    }
    if (tcpip_ndp_dnssl_decode(option, &dnssl))
        names(&dnssl);
}

static void options(struct tcpip_ndp_option_iterator *it)
{
    struct tcpip_ndp_option option;
    for (size_t left = it->left_bytes; tcpip_ndp_options_next(it, &option); left = it->left_bytes) {
        REQUIRE(option.bytes >= 8 && option.bytes % 8 == 0 && it->left_bytes + option.bytes == left);
        option_again(&option);
    }
}

/* As if from a neighbor: what isn't the message's own is right. */
static void message(const uint8_t *p, size_t size)
{
    uint8_t ipv6[TCPIP_IPV6_HEADER_BYTES] = {[0] = 0x60, [7] = 255, [8] = 0xfe, [9] = 0x80, [23] = 2, [39] = 1};
    struct tcpip_ndp_option_iterator it;
    struct tcpip_ndp_router_advertisement read, again;
    uint8_t out[TCPIP_NDP_ROUTER_ADVERTISEMENT_BYTES];
    ipv6[24] = 0xfe;
    ipv6[25] = 0x80;
    if (!tcpip_ndp_check(ipv6, p, size))
        return;
    tcpip_ndp_options_begin(&it, p, size);
    options(&it);
    REQUIRE(it.left_bytes == 0); /* the check has seen to it */
    if (tcpip_icmpv6_type(p) != TCPIP_ICMPV6_ROUTER_ADVERTISEMENT)
        return;
    tcpip_ndp_router_advertisement_decode(p, &read);
    REQUIRE(tcpip_ndp_router_advertisement_encode(out, &read) == sizeof(out));
    tcpip_ndp_router_advertisement_decode(out, &again);
    REQUIRE(read.hop_limit == again.hop_limit && read.flags == again.flags && read.preference == again.preference);
    REQUIRE(read.lifetime_s == again.lifetime_s && read.reachable_ms == again.reachable_ms);
    REQUIRE(read.retransmit_ms == again.retransmit_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *p = fuzz_copy(data, size);
    struct tcpip_ndp_option_iterator it = {.at = p, .left_bytes = size};
    message(p, size);
    options(&it);
    free(p);
    return 0;
}
