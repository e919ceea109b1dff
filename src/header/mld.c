// SPDX-License-Identifier: MIT
/* mld.c: multicast listener discovery, two versions. The sister of igmp.c, inside ICMPv6.
 *
 * Not here: group records (group_record.c); the checksum, which needs the pseudo-header; who answers when (network/).
 */
#include <tcpip/header/mld.h>

#include "base/assert.h"
#include "header/cursor.h"
#include "header/group_record.h"

enum { MLD_SUPPRESS = 8 };

bool tcpip_mld_check(const uint8_t *p, size_t message_bytes)
{
    if (message_bytes < TCPIP_MLD2_REPORT_MIN)
        return false;
    switch (tcpip_icmpv6_type(p)) {
    case TCPIP_ICMPV6_MLD_QUERY:
        if (message_bytes < TCPIP_MLD2_QUERY_MIN) /* sizes between the versions belong to none (RFC 3810 8.1) */
            return message_bytes == TCPIP_MLD_MESSAGE_BYTES;
        return (size_t)tcpip_load_u16(p + 26) * 16 <= message_bytes - TCPIP_MLD2_QUERY_MIN;
    case TCPIP_ICMPV6_MLD_REPORT:
    case TCPIP_ICMPV6_MLD_DONE:
        return message_bytes >= TCPIP_MLD_MESSAGE_BYTES;
    case TCPIP_ICMPV6_MLD2_REPORT:
        return tcpip__group_records_ok(p + TCPIP_MLD2_REPORT_MIN, message_bytes - TCPIP_MLD2_REPORT_MIN,
                                       tcpip_load_u16(p + 6), 16);
    default:
        return false;
    }
}

void tcpip_mld_query_decode(const uint8_t *p, size_t message_bytes, struct tcpip_mld_query *out)
{
    *out = (struct tcpip_mld_query){.max_response_ms = tcpip_load_u16(p + 4), .group = tcpip_mld_group(p)};
    if (tcpip_mld_query_version(message_bytes) < 2)
        return;
    out->max_response_ms = tcpip__group_code16_decode(tcpip_load_u16(p + 4));
    out->suppress = (p[24] & MLD_SUPPRESS) != 0;
    out->robustness = p[24] & 7;
    out->interval_s = tcpip__group_code8_decode(p[25]);
    out->source_count = tcpip_load_u16(p + 26);
    out->sources = p + TCPIP_MLD2_QUERY_MIN;
}

size_t tcpip_mld_query_encode(uint8_t *out, size_t room, int version, const struct tcpip_mld_query *fields)
{
    ASSERT(version == 1 || version == 2);
    size_t sources_bytes = version == 2 ? (size_t)fields->source_count * 16 : 0;
    size_t bytes = (version == 2 ? TCPIP_MLD2_QUERY_MIN : TCPIP_MLD_MESSAGE_BYTES) + sources_bytes;
    if (bytes > room)
        return 0;
    uint32_t response_ms = fields->max_response_ms;
    struct pen pen = pen_of(out, bytes);
    pen_u8(&pen, TCPIP_ICMPV6_MLD_QUERY);
    pen_fill(&pen, 0, 3);
    pen_u16(&pen, version == 2               ? tcpip__group_code16_encode(response_ms)
                  : response_ms > UINT16_MAX ? (uint16_t)UINT16_MAX
                                             : (uint16_t)response_ms);
    pen_u16(&pen, 0);
    pen_bytes(&pen, fields->group, 16);
    if (version == 2) {
        pen_u8(&pen, (uint8_t)((fields->suppress ? MLD_SUPPRESS : 0) | (fields->robustness & 7)));
        pen_u8(&pen, tcpip__group_code8_encode(fields->interval_s));
        pen_u16(&pen, fields->source_count);
        pen_bytes(&pen, fields->sources, sources_bytes);
    }
    return bytes;
}

size_t tcpip_mld_encode(uint8_t *out, uint8_t type, const uint8_t *group)
{
    memset(out, 0, 8);
    out[0] = type;
    memcpy(out + 8, group, 16);
    return TCPIP_MLD_MESSAGE_BYTES;
}

size_t tcpip_mld2_report_encode(uint8_t *out, uint16_t record_count)
{
    memset(out, 0, TCPIP_MLD2_REPORT_MIN);
    out[0] = TCPIP_ICMPV6_MLD2_REPORT;
    tcpip_store_u16(out + 6, record_count);
    return TCPIP_MLD2_REPORT_MIN;
}

size_t tcpip_mld2_record_encode(uint8_t *out, size_t room, const struct tcpip_group_record *record)
{
    return tcpip__group_record_encode(out, room, record, 16);
}

void tcpip_mld2_records_begin(struct tcpip_group_record_iterator *it, const uint8_t *p, size_t message_bytes)
{
    *it = (struct tcpip_group_record_iterator){
        .at = p + TCPIP_MLD2_REPORT_MIN,
        .left_bytes = message_bytes - TCPIP_MLD2_REPORT_MIN,
        .left_records = tcpip_load_u16(p + 6),
        .address_bytes = 16,
    };
}
