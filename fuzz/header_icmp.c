// SPDX-License-Identifier: MIT
/* header_icmp.c: fuzzes the ICMP headers of both families: what a type has is read, written, and read the same.
 *
 * Input: a message. */
#include "fuzz_env.h"

#include <string.h>

#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>

static void version_4(const uint8_t *p, size_t size)
{
    uint8_t out[TCPIP_ICMPV4_HEADER_MIN], again[TCPIP_ICMPV4_HEADER_MIN];
    struct tcpip_icmpv4_fields fields;
    if (!tcpip_icmpv4_header_check(p, size))
        return;
    tcpip_icmpv4_decode(p, &fields);
    tcpip_icmpv4_encode(out, &fields);
    REQUIRE(memcmp(p, out, 4) == 0);
    tcpip_icmpv4_decode(out, &fields);
    tcpip_icmpv4_encode(again, &fields);
    REQUIRE(memcmp(out, again, sizeof(out)) == 0);
    switch (fields.type) {
    case TCPIP_ICMPV4_ECHO_REQUEST:
    case TCPIP_ICMPV4_ECHO_REPLY:
    case TCPIP_ICMPV4_REDIRECT:
        REQUIRE(memcmp(p, out, fields.type == TCPIP_ICMPV4_REDIRECT ? 8 : sizeof(out)) == 0);
        break;
    case TCPIP_ICMPV4_PARAMETER_PROBLEM:
        REQUIRE(tcpip_icmpv4_pointer(out) == tcpip_icmpv4_pointer(p));
        break;
    case TCPIP_ICMPV4_UNREACHABLE:
        if (fields.code == TCPIP_ICMPV4_FRAGMENTATION_NEEDED)
            REQUIRE(tcpip_icmpv4_mtu(out) == tcpip_icmpv4_mtu(p));
        break;
    default:
        break;
    }
    if (tcpip_icmpv4_is_error(fields.type))
        REQUIRE(tcpip_icmpv4_quote_bytes(p, size) <= size - TCPIP_ICMPV4_HEADER_MIN);
}

static void version_6(const uint8_t *p, size_t size)
{
    uint8_t out[TCPIP_ICMPV6_MESSAGE_MIN], again[TCPIP_ICMPV6_MESSAGE_MIN];
    struct tcpip_icmpv6_fields fields;
    if (!tcpip_icmpv6_header_check(p, size) || size < TCPIP_ICMPV6_MESSAGE_MIN)
        return;
    tcpip_icmpv6_decode(p, &fields);
    tcpip_icmpv6_encode(out, &fields);
    REQUIRE(memcmp(p, out, 4) == 0);
    tcpip_icmpv6_decode(out, &fields);
    tcpip_icmpv6_encode(again, &fields);
    REQUIRE(memcmp(out, again, sizeof(out)) == 0);
    if (fields.type == TCPIP_ICMPV6_ECHO_REQUEST || fields.type == TCPIP_ICMPV6_ECHO_REPLY ||
        fields.type == TCPIP_ICMPV6_PACKET_TOO_BIG || fields.type == TCPIP_ICMPV6_PARAMETER_PROBLEM)
        REQUIRE(memcmp(p, out, sizeof(out)) == 0);
    if (tcpip_icmpv6_is_error(fields.type))
        REQUIRE(tcpip_icmpv6_quote_bytes(p, size) <= size - TCPIP_ICMPV6_MESSAGE_MIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *p = fuzz_copy(data, size);
    version_4(p, size);
    version_6(p, size);
    free(p);
    return 0;
}
