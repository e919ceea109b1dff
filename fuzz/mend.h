// SPDX-License-Identifier: MIT
/* mend.h: makes an IP packet out of a fuzzer's bytes what a fuzzer doesn't guess: its length no longer than it is, its
 * destination ours, its checksums right. What it finds then lies behind the first checks. */
#ifndef TCPIP_FUZZ_MEND_H
#define TCPIP_FUZZ_MEND_H

#include "fuzz_env.h"

#include <tcpip/header/checksum.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>

enum { MEND_SUMS = 1, MEND_DESTINATION = 2 };

/* Of the transport protocols that have one; `pseudo`: the sum over the pseudo header. */
static inline void mend_transport(uint8_t *upper, size_t bytes, uint32_t protocol, uint16_t pseudo)
{
    size_t at = protocol == TCPIP_PROTOCOL_TCP                                           ? 16
                : protocol == TCPIP_PROTOCOL_UDP                                         ? 6
                : protocol == TCPIP_PROTOCOL_ICMPV4 || protocol == TCPIP_PROTOCOL_ICMPV6 ? 2
                                                                                         : SIZE_MAX;
    if (at == SIZE_MAX || bytes < at + 2)
        return;
    if (protocol == TCPIP_PROTOCOL_UDP && bytes < 65536 && tcpip_load_u16(upper + 4) > bytes)
        tcpip_store_u16(upper + 4, (uint16_t)bytes);
    tcpip_store_u16(upper + at, 0);
    tcpip_store_u16(upper + at, tcpip_checksum_finish(
                                    tcpip_checksum(upper, bytes, protocol == TCPIP_PROTOCOL_ICMPV4 ? 0 : pseudo)));
}

static inline void mend_v4(uint8_t *p, size_t size, uint32_t what)
{
    static const uint8_t us[4] = {10, 0, 0, 1};
    size_t header_bytes;
    if ((what & MEND_DESTINATION) != 0)
        tcpip_ipv4_set_destination(p, us);
    if (tcpip_ipv4_total_length(p) > size)
        tcpip_store_u16(p + 2, (uint16_t)size);
    if ((what & MEND_SUMS) == 0 || !tcpip_ipv4_header_check(p, size, size, &header_bytes))
        return;
    size_t bytes = tcpip_ipv4_total_length(p) - header_bytes;
    uint8_t protocol = tcpip_ipv4_protocol(p);
    mend_transport(
        p + header_bytes, bytes, protocol,
        tcpip_checksum_pseudo_v4(tcpip_ipv4_source(p), tcpip_ipv4_destination(p), protocol, (uint16_t)bytes));
    tcpip_ipv4_checksum_set(p);
}

static inline void mend_v6(uint8_t *p, size_t size, uint32_t what)
{
    static const uint8_t us[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    struct tcpip_ipv6_chain chain;
    if ((what & MEND_DESTINATION) != 0)
        tcpip_ipv6_set_destination(p, us);
    if (40u + tcpip_ipv6_payload_length(p) > size)
        tcpip_ipv6_set_payload_length(p, (uint16_t)(size - 40));
    if ((what & MEND_SUMS) == 0 || !tcpip_ipv6_header_check(p, size, size) ||
        !tcpip_ipv6_chain_parse(p, size, &chain) || chain.verdict != TCPIP_IPV6_WALK_UPPER)
        return;
    size_t bytes = 40u + tcpip_ipv6_payload_length(p) - chain.upper_offset;
    mend_transport(p + chain.upper_offset, bytes, chain.upper_protocol,
                   tcpip_checksum_pseudo_v6(tcpip_ipv6_source(p), tcpip_ipv6_destination(p), chain.upper_protocol,
                                            (uint32_t)bytes));
}

static inline void mend_ip(uint8_t *p, size_t size, uint32_t what)
{
    if (size >= 40 && p[0] >> 4 == 6)
        mend_v6(p, size, what);
    else if (size >= 20 && p[0] >> 4 == 4)
        mend_v4(p, size, what);
}

#endif
