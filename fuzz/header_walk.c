// SPDX-License-Identifier: MIT
/* header_walk.c: fuzzes the packet as the stack meets it: from an IP header down the layers, each checked, then read by
 * its getters, and the printer over the same bytes.
 *
 * Input: one raw IP packet. The bytes are copied to a block of exactly their size, so that AddressSanitizer sees the
 * first byte read beyond them. */
#include <stdlib.h>
#include <string.h>

#include <tcpip/header/checksum.h>
#include <tcpip/header/icmpv4.h>
#include <tcpip/header/igmp.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/mld.h>
#include <tcpip/header/ndp.h>
#include <tcpip/header/print.h>
#include <tcpip/header/tcp.h>
#include <tcpip/header/udp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) \
    do {              \
        if (!(cond))  \
            abort();  \
    } while (0)

static void walk_ndp(const uint8_t *ipv6, const uint8_t *p, size_t size)
{
    struct tcpip_ndp_option_iterator it;
    struct tcpip_ndp_option option;
    if (!tcpip_ndp_check(ipv6, p, size))
        return;
    size_t left = size;
    tcpip_ndp_options_begin(&it, p, size);
    while (tcpip_ndp_options_next(&it, &option)) {
        REQUIRE(option.bytes >= 8 && it.left_bytes < left);
        left = it.left_bytes;
    }
    REQUIRE(it.left_bytes == 0); /* the check has seen to it */
}

static void walk_groups(const uint8_t *p, size_t size, bool mld)
{
    struct tcpip_group_record_iterator it;
    struct tcpip_group_record record;
    uint16_t left;
    if (mld) {
        if (!tcpip_mld_check(p, size) || tcpip_icmpv6_type(p) != TCPIP_ICMPV6_MLD2_REPORT)
            return;
        tcpip_mld2_records_begin(&it, p, size);
    } else {
        if (!tcpip_igmp_check(p, size) || tcpip_igmp_type(p) != TCPIP_IGMP3_REPORT)
            return;
        tcpip_igmp3_records_begin(&it, p, size);
    }
    left = it.left_records;
    while (tcpip_group_records_next(&it, &record)) {
        size_t bytes = (size_t)record.source_count * it.address_bytes;
        REQUIRE(record.group >= p && record.sources + bytes <= p + size);
        left--;
    }
    REQUIRE(left == 0);
}

static void walk_tcp(const uint8_t *p, size_t size)
{
    size_t header_bytes;
    struct tcpip_tcp_options options, again;
    uint8_t segment[TCPIP_TCP_HEADER_MAX] = {0};
    if (!tcpip_tcp_header_check(p, size, &header_bytes))
        return;
    (void)tcpip_tcp_options_parse(p, header_bytes, &options);
    /* What is understood survives being written and read again, but for AO, which isn't written, and what has no room.
     */
    memcpy(segment, p, TCPIP_TCP_HEADER_MIN);
    size_t bytes = tcpip_tcp_options_emit(segment + TCPIP_TCP_HEADER_MIN, &options);
    REQUIRE(bytes % 4 == 0 && bytes <= TCPIP_TCP_OPTIONS_MAX);
    REQUIRE(bytes == tcpip_tcp_options_bytes(&options));
    REQUIRE(tcpip_tcp_options_parse(segment, TCPIP_TCP_HEADER_MIN + bytes, &again));
    REQUIRE((again.present & ~options.present) == 0);
    if (again.present & TCPIP_TCP_HAS_TIMESTAMPS)
        REQUIRE(again.ts_val == options.ts_val && again.ts_ecr == options.ts_ecr);
}

static void walk_upper(const uint8_t *ip, uint8_t protocol, const uint8_t *p, size_t size)
{
    if (protocol == TCPIP_PROTOCOL_TCP) {
        walk_tcp(p, size);
    } else if (protocol == TCPIP_PROTOCOL_UDP) {
        REQUIRE(!tcpip_udp_header_check(p, size, size) || tcpip_udp_length(p) <= size);
    } else if (protocol == TCPIP_PROTOCOL_IGMP) {
        walk_groups(p, size, false);
    } else if (protocol == TCPIP_PROTOCOL_ICMPV4) {
        if (tcpip_icmpv4_header_check(p, size))
            REQUIRE(tcpip_icmpv4_quote_bytes(p, size) <= size - TCPIP_ICMPV4_HEADER_MIN);
    } else if (protocol == TCPIP_PROTOCOL_ICMPV6 && tcpip_ipv4_version(ip) == 6) {
        walk_groups(p, size, true);
        walk_ndp(ip, p, size);
        if (tcpip_icmpv6_header_check(p, size) && size >= TCPIP_ICMPV6_MESSAGE_MIN)
            REQUIRE(tcpip_icmpv6_quote_bytes(p, size) <= size - TCPIP_ICMPV6_MESSAGE_MIN);
    }
}

static void walk_ipv4(uint8_t *p, size_t size)
{
    size_t header_bytes;
    struct tcpip_ipv4_option_iterator it;
    struct tcpip_ipv4_option option;
    uint8_t problem, options[TCPIP_IPV4_OPTIONS_MAX];
    static const uint8_t address[4] = {10, 0, 0, 1};
    if (!tcpip_ipv4_header_check(p, size, size, &header_bytes))
        return;
    size_t copied = tcpip_ipv4_options_for_fragment(options, p);
    REQUIRE(copied % 4 == 0 && copied <= header_bytes - TCPIP_IPV4_HEADER_MIN);
    tcpip_ipv4_options_begin(&it, p);
    while (tcpip_ipv4_options_next(&it, &option)) {
        REQUIRE((size_t)option.offset + option.bytes <= header_bytes);
        uint8_t *body = p + option.offset;
        if (option.type == TCPIP_IPV4_OPTION_RECORD_ROUTE)
            (void)tcpip_ipv4_record_route(body, address, &problem);
        if (option.type == TCPIP_IPV4_OPTION_TIMESTAMP)
            (void)tcpip_ipv4_record_timestamp(body, address, 1, &problem);
    }
    REQUIRE(!it.malformed || it.problem_offset < header_bytes);
    tcpip_ipv4_checksum_set(p);
    REQUIRE(tcpip_ipv4_checksum_ok(p));
    walk_upper(p, tcpip_ipv4_protocol(p), p + header_bytes, tcpip_ipv4_payload_bytes(p));
}

static void walk_ipv6(const uint8_t *p, size_t size)
{
    struct tcpip_ipv6_walker walker;
    struct tcpip_ipv6_extension extension;
    struct tcpip_ipv6_option_iterator it;
    struct tcpip_ipv6_option option;
    struct tcpip_ipv6_chain chain;
    if (!tcpip_ipv6_header_check(p, size, size))
        return;
    size_t end = TCPIP_IPV6_HEADER_BYTES + (size_t)tcpip_ipv6_payload_length(p);
    tcpip_ipv6_walk_begin(&walker, p, size);
    while (tcpip_ipv6_walk_next(&walker, &extension) == TCPIP_IPV6_WALK_EXTENSION) {
        REQUIRE(extension.offset + extension.bytes <= end && p[extension.type_offset] == extension.type);
        if (extension.type != TCPIP_IPV6_HOP_BY_HOP && extension.type != TCPIP_IPV6_DESTINATION_OPTIONS)
            continue;
        tcpip_ipv6_options_begin(&it, &extension);
        while (tcpip_ipv6_options_next(&it, &option))
            REQUIRE(option.data + option.data_bytes <= extension.data + extension.bytes &&
                    p[option.offset] == option.type);
        REQUIRE(!it.malformed || it.problem_offset < extension.offset + extension.bytes);
    }
    (void)tcpip_ipv6_chain_parse(p, size, &chain);
    REQUIRE(chain.upper_offset <= end && chain.unfragmentable_bytes <= chain.upper_offset);
    REQUIRE(chain.upper_offset == walker.offset && chain.upper_protocol == walker.next_header);
    if (chain.verdict == TCPIP_IPV6_WALK_UPPER)
        walk_upper(p, chain.upper_protocol, p + chain.upper_offset, end - chain.upper_offset);
}

static void walk_print(const uint8_t *p, size_t size)
{
    static const uint32_t protocols[] = {TCPIP_PRINT_IP, TCPIP_PRINT_ETHERNET, TCPIP_PROTOCOL_ARP, TCPIP_PROTOCOL_IPV4,
                                         TCPIP_PROTOCOL_IPV6};
    char text[TCPIP_PACKET_TEXT_MAX], shorter[40];
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        size_t length = tcpip_packet_print(text, sizeof text, p, size, protocols[i]);
        REQUIRE(length < sizeof text && strlen(text) == length);
        for (size_t j = 0; j < length; j++)
            REQUIRE(text[j] >= ' ' && text[j] <= '~');
        length = tcpip_packet_print(shorter, sizeof shorter, p, size, protocols[i]);
        REQUIRE(strlen(shorter) == length && strncmp(shorter, text, length) == 0);
        (void)tcpip_packet_print_front(text, sizeof text, p, size, size + 1000, protocols[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint8_t *packet = malloc(size);
    if (!packet)
        return 0;
    memcpy(packet, data, size);
    walk_print(packet, size);
    if (tcpip_ipv4_version(packet) == 4)
        walk_ipv4(packet, size);
    else
        walk_ipv6(packet, size);
    free(packet);
    return 0;
}
