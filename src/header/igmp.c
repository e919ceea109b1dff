// SPDX-License-Identifier: MIT
/* igmp.c: IGMP messages of three versions.
 *
 * One type, 0x11, is the query of all three; size and second byte tell them apart (RFC 3376 7.1). Sizes in between
 * belong to no version and are malformed.
 *
 * Not here: group records (group_record.c); timers and who answers (network/). */
#include <tcpip/header/igmp.h>

#include "base/assert.h"
#include "header/cursor.h"
#include "header/group_record.h"

#include <tcpip/header/checksum.h>

enum {
    IGMP_TENTH_MS = 100,
    IGMP1_MAX_RESPONSE_MS = 10000, /* RFC 1112, appendix I: fixed */
    IGMP3_REPORT_HEAD_BYTES = 8,
    IGMP_SUPPRESS = 8
};

bool tcpip_igmp_check(const uint8_t *p, size_t message_bytes)
{
    if (message_bytes < TCPIP_IGMP_HEADER_MIN)
        return false;
    switch (tcpip_igmp_type(p)) {
    case TCPIP_IGMP_QUERY:
        if (message_bytes < TCPIP_IGMP3_QUERY_MIN)
            return message_bytes == TCPIP_IGMP_HEADER_MIN;
        return (size_t)tcpip_load_u16(p + 10) * 4 <= message_bytes - TCPIP_IGMP3_QUERY_MIN;
    case TCPIP_IGMP1_REPORT:
    case TCPIP_IGMP2_REPORT:
    case TCPIP_IGMP_LEAVE:
        return true;
    case TCPIP_IGMP3_REPORT:
        return tcpip__group_records_ok(p + IGMP3_REPORT_HEAD_BYTES, message_bytes - IGMP3_REPORT_HEAD_BYTES,
                                       tcpip_load_u16(p + 6), 4);
    default:
        return false;
    }
}

int tcpip_igmp_query_version(const uint8_t *p, size_t message_bytes)
{
    if (message_bytes >= TCPIP_IGMP3_QUERY_MIN)
        return 3;
    return p[1] == 0 ? 1 : 2;
}

void tcpip_igmp_query_decode(const uint8_t *p, size_t message_bytes, struct tcpip_igmp_query *out)
{
    int version = tcpip_igmp_query_version(p, message_bytes);
    *out = (struct tcpip_igmp_query){.max_response_ms = IGMP1_MAX_RESPONSE_MS, .group = tcpip_igmp_group(p)};
    if (version == 2)
        out->max_response_ms = (uint32_t)p[1] * IGMP_TENTH_MS; /* all 8 bits are the value */
    if (version < 3)
        return;
    out->max_response_ms = tcpip__group_code8_decode(p[1]) * IGMP_TENTH_MS;
    out->suppress = (p[8] & IGMP_SUPPRESS) != 0;
    out->robustness = p[8] & 7;
    out->interval_s = tcpip__group_code8_decode(p[9]);
    out->source_count = tcpip_load_u16(p + 10);
    out->sources = p + TCPIP_IGMP3_QUERY_MIN;
}

static void igmp_checksum_set(uint8_t *p, size_t message_bytes)
{
    tcpip_igmp_set_checksum(p, 0);
    tcpip_igmp_set_checksum(p, tcpip_checksum_finish(tcpip_checksum(p, message_bytes, 0)));
}

size_t tcpip_igmp_query_encode(uint8_t *out, size_t room, int version, const struct tcpip_igmp_query *fields)
{
    ASSERT(version >= 1 && version <= 3);
    size_t sources_bytes = version == 3 ? (size_t)fields->source_count * 4 : 0;
    size_t bytes = (version == 3 ? TCPIP_IGMP3_QUERY_MIN : TCPIP_IGMP_HEADER_MIN) + sources_bytes;
    if (bytes > room)
        return 0;
    uint32_t tenths = fields->max_response_ms / IGMP_TENTH_MS;
    uint8_t code = 0;
    if (version == 3)
        code = tcpip__group_code8_encode(tenths);
    else if (version == 2) /* 0 would make it a version 1 query */
        code = tenths == 0 ? 1 : tenths > UINT8_MAX ? UINT8_MAX : (uint8_t)tenths;
    struct pen pen = pen_of(out, bytes);
    pen_u8(&pen, TCPIP_IGMP_QUERY);
    pen_u8(&pen, code);
    pen_u16(&pen, 0);
    pen_bytes(&pen, fields->group, 4);
    if (version == 3) {
        pen_u8(&pen, (uint8_t)((fields->suppress ? IGMP_SUPPRESS : 0) | (fields->robustness & 7)));
        pen_u8(&pen, tcpip__group_code8_encode(fields->interval_s));
        pen_u16(&pen, fields->source_count);
        pen_bytes(&pen, fields->sources, sources_bytes);
    }
    igmp_checksum_set(out, bytes);
    return bytes;
}

size_t tcpip_igmp_encode(uint8_t *out, uint8_t type, const uint8_t *group)
{
    out[0] = type;
    out[1] = 0;
    memcpy(out + 4, group, 4);
    igmp_checksum_set(out, TCPIP_IGMP_HEADER_MIN);
    return TCPIP_IGMP_HEADER_MIN;
}

size_t tcpip_igmp3_report_begin(uint8_t *out)
{
    memset(out, 0, IGMP3_REPORT_HEAD_BYTES);
    out[0] = TCPIP_IGMP3_REPORT;
    return IGMP3_REPORT_HEAD_BYTES;
}

size_t tcpip_igmp3_record_encode(uint8_t *out, size_t room, const struct tcpip_group_record *record)
{
    return tcpip__group_record_encode(out, room, record, 4);
}

void tcpip_igmp3_report_finish(uint8_t *p, size_t message_bytes, uint16_t record_count)
{
    tcpip_store_u16(p + 6, record_count);
    igmp_checksum_set(p, message_bytes);
}

void tcpip_igmp3_records_begin(struct tcpip_group_record_iterator *it, const uint8_t *p, size_t message_bytes)
{
    *it = (struct tcpip_group_record_iterator){
        .at = p + IGMP3_REPORT_HEAD_BYTES,
        .left_bytes = message_bytes - IGMP3_REPORT_HEAD_BYTES,
        .left_records = tcpip_load_u16(p + 6),
        .address_bytes = 4,
    };
}
