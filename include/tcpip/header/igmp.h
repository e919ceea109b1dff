// SPDX-License-Identifier: MIT
/* igmp.h: IGMP versions 1 to 3 (RFC 1112, 2236, 3376). Pure functions. */
#ifndef TCPIP_HEADER_IGMP_H
#define TCPIP_HEADER_IGMP_H

#include <tcpip/header/bytes.h>

TCPIP_BEGIN_DECLS

#define TCPIP_IGMP_HEADER_MIN 8u
#define TCPIP_IGMP3_QUERY_MIN 12u
#define TCPIP_IGMP3_RECORD_MIN 8u
#define TCPIP_IGMP_CHECKSUM_OFFSET 2u

enum tcpip_igmp_type {
    TCPIP_IGMP_QUERY = 0x11,
    TCPIP_IGMP1_REPORT = 0x12,
    TCPIP_IGMP2_REPORT = 0x16,
    TCPIP_IGMP_LEAVE = 0x17,
    TCPIP_IGMP3_REPORT = 0x22
};

/* Types of a group record (RFC 3376 4.2.12, RFC 3810 5.2.12): the same numbers in IGMPv3 and MLDv2. */
enum tcpip_group_record_type {
    TCPIP_GROUP_MODE_IS_INCLUDE = 1,
    TCPIP_GROUP_MODE_IS_EXCLUDE = 2,
    TCPIP_GROUP_CHANGE_TO_INCLUDE = 3,
    TCPIP_GROUP_CHANGE_TO_EXCLUDE = 4,
    TCPIP_GROUP_ALLOW_NEW_SOURCES = 5,
    TCPIP_GROUP_BLOCK_OLD_SOURCES = 6
};

struct tcpip_group_record {
    uint8_t type;
    uint16_t source_count;
    const uint8_t *group;   /* 4 bytes in IGMP, 16 in MLD */
    const uint8_t *sources; /* source_count addresses */
};

struct tcpip_group_record_iterator {
    const uint8_t *at;
    size_t left_bytes;
    uint16_t left_records;
    uint8_t address_bytes; /* 4 or 16 */
};

/* True if the message, `message_bytes` long and whole, is of a known type and its counts don't lie: a query's sources
 * and a report's records lie inside. The checksum (over the whole message) is judged apart. */
TCPIP_API bool tcpip_igmp_check(const uint8_t *p, size_t message_bytes);

static inline uint8_t tcpip_igmp_type(const uint8_t *p)
{
    return p[0];
}

static inline uint16_t tcpip_igmp_checksum(const uint8_t *p)
{
    return tcpip_load_u16(p + 2);
}

static inline void tcpip_igmp_set_checksum(uint8_t *p, uint16_t checksum)
{
    tcpip_store_u16(p + 2, checksum);
}

/* Of all but version 3 reports: 4 bytes. */
static inline const uint8_t *tcpip_igmp_group(const uint8_t *p)
{
    return p + 4;
}

/* Which version a query speaks, 1, 2 or 3 (RFC 3376 7.1). */
TCPIP_API int tcpip_igmp_query_version(const uint8_t *p, size_t message_bytes);

struct tcpip_igmp_query {
    uint32_t max_response_ms; /* version 1: 10 seconds */
    const uint8_t *group;     /* 4 bytes; all zero in a general query */
    /* Version 3 only, else zero. */
    bool suppress;
    uint8_t robustness;
    uint32_t interval_s;
    uint16_t source_count;
    const uint8_t *sources;
};

/* Reads a checked query of any version. */
TCPIP_API void tcpip_igmp_query_decode(const uint8_t *p, size_t message_bytes, struct tcpip_igmp_query *out);
/* Writes a query of `version` 1 to 3 with its checksum; returns its size (8, or 12 and the sources), 0 if `room` is
 * less. */
TCPIP_API size_t tcpip_igmp_query_encode(uint8_t *out, size_t room, int version, const struct tcpip_igmp_query *fields);
/* Writes a version 1 or 2 report or a leave, checksum included: TCPIP_IGMP_HEADER_MIN bytes. `group`: 4 bytes. */
TCPIP_API size_t tcpip_igmp_encode(uint8_t *out, uint8_t type, const uint8_t *group);
/* Begins a version 3 report of no records: 8 bytes, to be finished below. */
TCPIP_API size_t tcpip_igmp3_report_begin(uint8_t *out);
/* Appends a record; returns its size, 0 when it doesn't fit in `room`. */
TCPIP_API size_t tcpip_igmp3_record_encode(uint8_t *out, size_t room, const struct tcpip_group_record *record);
/* Writes count and checksum of a report of `message_bytes`. */
TCPIP_API void tcpip_igmp3_report_finish(uint8_t *p, size_t message_bytes, uint16_t record_count);

/* Begins at the records of a checked version 3 report. */
TCPIP_API void tcpip_igmp3_records_begin(struct tcpip_group_record_iterator *it, const uint8_t *p,
                                         size_t message_bytes);
/* The next record of an IGMPv3 or MLDv2 report; false at the end. */
TCPIP_API bool tcpip_group_records_next(struct tcpip_group_record_iterator *it, struct tcpip_group_record *out);

TCPIP_END_DECLS

#endif
