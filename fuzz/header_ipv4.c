// SPDX-License-Identifier: MIT
/* header_ipv4.c: fuzzes the IPv4 header: what was read is written again the same, and options stay inside.
 *
 * Input: a packet. */
#include "fuzz_env.h"

#include <string.h>

#include <tcpip/header/ipv4.h>

static void written_again(const uint8_t *p, size_t header_bytes)
{
    uint8_t out[TCPIP_IPV4_HEADER_MAX];
    struct tcpip_ipv4_fields fields;
    tcpip_ipv4_decode(p, &fields);
    REQUIRE(fields.total_length == tcpip_ipv4_total_length(p) && fields.fragment_offset % 8 == 0);
    REQUIRE(fields.fragment_offset + (fields.total_length - header_bytes) <= TCPIP_IPV4_PACKET_MAX);
    REQUIRE(tcpip_ipv4_encode(out, &fields) == header_bytes);
    REQUIRE(tcpip_ipv4_checksum_ok(out));
    /* But for the checksum, and the bit that is never written. */
    REQUIRE(memcmp(p, out, 6) == 0 && (p[6] & 0x7f) == out[6] && memcmp(p + 7, out + 7, 3) == 0);
    REQUIRE(memcmp(p + 12, out + 12, header_bytes - 12) == 0);
    tcpip_ipv4_update_ttl(out, (uint8_t)(fields.ttl - 1));
    REQUIRE(tcpip_ipv4_checksum_ok(out));
    tcpip_ipv4_update_total_length(out, (uint16_t)(fields.total_length ^ fields.id));
    REQUIRE(tcpip_ipv4_checksum_ok(out));
    tcpip_ipv4_set_fragment(out, fields.flags, (uint16_t)(fields.id & 0xfff8));
    REQUIRE(tcpip_ipv4_fragment_offset(out) == (fields.id & 0xfff8) && tcpip_ipv4_flags(out) == fields.flags);
}

/* The options of later fragments: those with the bit, in their order, and nothing else. */
static void copied_options(const uint8_t *p, size_t header_bytes)
{
    uint8_t later[TCPIP_IPV4_HEADER_MAX] = {0};
    struct tcpip_ipv4_option_iterator all, some;
    struct tcpip_ipv4_option option, copy;
    size_t bytes = tcpip_ipv4_options_for_fragment(later + TCPIP_IPV4_HEADER_MIN, p);
    REQUIRE(bytes % 4 == 0 && bytes <= header_bytes - TCPIP_IPV4_HEADER_MIN);
    later[0] = (uint8_t)(0x40 | (TCPIP_IPV4_HEADER_MIN + bytes) / 4);
    tcpip_ipv4_options_begin(&all, p);
    tcpip_ipv4_options_begin(&some, later);
    while (tcpip_ipv4_options_next(&all, &option)) {
        REQUIRE(option.data == p + option.offset && (size_t)option.offset + option.bytes <= header_bytes);
        if ((option.type & TCPIP_IPV4_OPTION_COPIED) == 0)
            continue;
        REQUIRE(tcpip_ipv4_options_next(&some, &copy));
        REQUIRE(copy.bytes == option.bytes && memcmp(copy.data, option.data, option.bytes) == 0);
    }
    REQUIRE(!all.malformed || all.problem_offset < header_bytes);
    while (tcpip_ipv4_options_next(&some, &copy))
        REQUIRE(copy.type == TCPIP_IPV4_OPTION_NOP);
}

/* Recording changes nothing but the option, and ends when it is full. */
static void record(uint8_t *p, size_t header_bytes)
{
    static const uint8_t address[4] = {192, 0, 2, 7};
    struct tcpip_ipv4_option_iterator it;
    struct tcpip_ipv4_option option;
    uint8_t before[TCPIP_IPV4_HEADER_MAX], problem;
    tcpip_ipv4_options_begin(&it, p);
    while (tcpip_ipv4_options_next(&it, &option)) {
        uint8_t *own = p + option.offset;
        enum tcpip_ipv4_option_result result = TCPIP_IPV4_OPTION_UNCHANGED;
        memcpy(before, p, header_bytes);
        if (option.type == TCPIP_IPV4_OPTION_RECORD_ROUTE)
            result = tcpip_ipv4_record_route(own, address, &problem);
        else if (option.type == TCPIP_IPV4_OPTION_TIMESTAMP)
            result = tcpip_ipv4_record_timestamp(own, address, 0x01020304, &problem);
        REQUIRE(result != TCPIP_IPV4_OPTION_MALFORMED || problem < option.bytes);
        REQUIRE((result == TCPIP_IPV4_OPTION_RECORDED) == (memcmp(before, p, header_bytes) != 0));
        REQUIRE(memcmp(before, p, option.offset) == 0);
        size_t end = (size_t)option.offset + option.bytes;
        REQUIRE(memcmp(before + end, p + end, header_bytes - end) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t header_bytes;
    uint8_t *p = fuzz_copy(data, size);
    if (tcpip_ipv4_header_check(p, size, size, &header_bytes)) {
        REQUIRE(header_bytes <= size && header_bytes <= tcpip_ipv4_total_length(p));
        REQUIRE(tcpip_ipv4_total_length(p) <= size);
        written_again(p, header_bytes);
        copied_options(p, header_bytes);
        record(p, header_bytes);
    }
    free(p);
    return 0;
}
