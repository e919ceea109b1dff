// SPDX-License-Identifier: MIT
/* header_parse.c: fuzzes each parser of the package header by itself, on bytes that no layer above has sifted.
 *
 * Input: the first byte picks the parser, the rest is its header. The bytes lie in a block of exactly their size. */
#include <stdlib.h>
#include <string.h>

#include <tcpip/header/arp.h>
#include <tcpip/header/ethernet.h>
#include <tcpip/header/gue.h>
#include <tcpip/header/igmp.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/mld.h>
#include <tcpip/header/ndp.h>
#include <tcpip/header/tcp.h>
#include <tcpip/header/virtio_net.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) \
    do {              \
        if (!(cond))  \
            abort();  \
    } while (0)

/* Reads the byte: a sanitizer tells if it isn't there. */
static void touch(const volatile uint8_t *byte)
{
    (void)*byte;
}

static void parse_ndp_names(struct tcpip_ndp_dnssl *list)
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

static void parse_ndp_options(const uint8_t *p, size_t size)
{
    struct tcpip_ndp_option_iterator it = {.at = p, .left_bytes = size};
    struct tcpip_ndp_option option;
    while (tcpip_ndp_options_next(&it, &option)) {
        struct tcpip_ndp_prefix prefix;
        struct tcpip_ndp_route route;
        struct tcpip_ndp_rdnss rdnss;
        struct tcpip_ndp_dnssl dnssl;
        const uint8_t *bytes;
        size_t count;
        uint32_t mtu;
        if (tcpip_ndp_link_decode(&option, &bytes))
            touch(&bytes[5]);
        if (tcpip_ndp_prefix_decode(&option, &prefix))
            touch(&prefix.prefix[15]);
        if (tcpip_ndp_route_decode(&option, &route))
            REQUIRE(route.prefix_bits <= 128);
        if (tcpip_ndp_rdnss_decode(&option, &rdnss))
            touch(&rdnss.addresses[rdnss.count * 16 - 1]);
        if (tcpip_ndp_nonce_decode(&option, &bytes, &count))
            touch(&bytes[count - 1]);
        (void)tcpip_ndp_mtu_decode(&option, &mtu);
        if (tcpip_ndp_dnssl_decode(&option, &dnssl))
            parse_ndp_names(&dnssl);
    }
}

static void parse_groups(const uint8_t *p, size_t size)
{
    struct tcpip_igmp_query igmp;
    struct tcpip_mld_query mld;
    if (tcpip_igmp_check(p, size) && tcpip_igmp_type(p) == TCPIP_IGMP_QUERY) {
        tcpip_igmp_query_decode(p, size, &igmp);
        REQUIRE(igmp.source_count == 0 || igmp.sources + igmp.source_count * 4u <= p + size);
    }
    if (tcpip_mld_check(p, size) && tcpip_icmpv6_type(p) == TCPIP_ICMPV6_MLD_QUERY) {
        tcpip_mld_query_decode(p, size, &mld);
        REQUIRE(mld.source_count == 0 || mld.sources + mld.source_count * 16u <= p + size);
    }
}

static void parse_tcp_options(const uint8_t *p, size_t size)
{
    /* All 40 bytes are the fuzzer's, and whether it is a SYN. */
    uint8_t header[TCPIP_TCP_HEADER_MAX] = {0};
    struct tcpip_tcp_options options;
    if (size == 0)
        return;
    size_t bytes = size - 1 < TCPIP_TCP_OPTIONS_MAX ? size - 1 : TCPIP_TCP_OPTIONS_MAX;
    header[13] = p[0];
    memcpy(header + TCPIP_TCP_HEADER_MIN, p + 1, bytes);
    (void)tcpip_tcp_options_parse(header, TCPIP_TCP_HEADER_MIN + bytes / 4 * 4, &options);
    REQUIRE(options.sack_count <= TCPIP_TCP_SACK_BLOCKS_MAX && options.window_scale <= TCPIP_TCP_WINDOW_SCALE_MAX);
    REQUIRE(options.fast_open_bytes <= TCPIP_TCP_FAST_OPEN_COOKIE_MAX);
    REQUIRE((options.present & TCPIP_TCP_HAS_AO) == 0 || options.ao_offset + options.ao_bytes <= TCPIP_TCP_HEADER_MAX);
}

static void parse_small(const uint8_t *p, size_t size)
{
    struct tcpip_arp_fields arp;
    struct tcpip_ethernet_fields ethernet;
    struct tcpip_gue_fields gue;
    struct tcpip_virtio_net_fields virtio;
    size_t header_bytes;
    if (tcpip_arp_check(p, size)) {
        tcpip_arp_decode(p, &arp);
        touch(&arp.target_address[3]);
    }
    if (tcpip_ethernet_header_check(p, size)) {
        tcpip_ethernet_decode(p, &ethernet);
        touch(&ethernet.source[5]);
    }
    if (tcpip_gue_header_check(p, size, &header_bytes)) {
        tcpip_gue_decode(p, &gue);
        touch(&p[header_bytes - 1]);
    }
    for (size_t form = TCPIP_VIRTIO_NET_BYTES; form <= TCPIP_VIRTIO_NET_MRG_BYTES; form += 2)
        if (size >= form && tcpip_virtio_net_check(p, size, form, size - form)) {
            tcpip_virtio_net_decode(p, form, &virtio);
            if (virtio.flags & TCPIP_VIRTIO_NET_NEEDS_CSUM)
                touch(&p[form + virtio.checksum_start + virtio.checksum_offset + 1u]);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint8_t *header = malloc(size);
    if (!header)
        return 0;
    memcpy(header, data + 1, size - 1);
    /* A block one byte too large would hide an overrun: the spare byte is moved in front. */
    memmove(header + 1, header, size - 1);
    const uint8_t *p = header + 1;
    switch (data[0] % 4) {
    case 0:
        parse_ndp_options(p, size - 1);
        break;
    case 1:
        parse_groups(p, size - 1);
        break;
    case 2:
        parse_tcp_options(p, size - 1);
        break;
    default:
        parse_small(p, size - 1);
        break;
    }
    free(header);
    return 0;
}
