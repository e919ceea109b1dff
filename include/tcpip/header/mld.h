// SPDX-License-Identifier: MIT
/* mld.h: multicast listener discovery, versions 1 and 2 (RFC 2710, 3810). `p` is the ICMPv6 header. Pure functions.
 * Group records are the ones of igmp.h, with 16-byte addresses. */
#ifndef TCPIP_HEADER_MLD_H
#define TCPIP_HEADER_MLD_H

#include <tcpip/header/icmpv6.h>
#include <tcpip/header/igmp.h>

TCPIP_BEGIN_DECLS

#define TCPIP_MLD_MESSAGE_BYTES 24u
#define TCPIP_MLD2_QUERY_MIN 28u
#define TCPIP_MLD2_REPORT_MIN 8u
#define TCPIP_MLD2_RECORD_MIN 20u

/* True if the message, `message_bytes` long and whole, is query, report, done or version 2 report and its counts don't
 * lie. The rules on hop limit, source and router alert are the caller's, who has the IP header; so is the checksum. */
TCPIP_API bool tcpip_mld_check(const uint8_t *p, size_t message_bytes);

/* Of all but version 2 reports: 16 bytes. */
static inline const uint8_t *tcpip_mld_group(const uint8_t *p)
{
    return p + 8;
}

/* Which version a query speaks, 1 or 2 (RFC 3810 8.1). */
static inline int tcpip_mld_query_version(size_t message_bytes)
{
    return message_bytes >= TCPIP_MLD2_QUERY_MIN ? 2 : 1;
}

struct tcpip_mld_query {
    uint32_t max_response_ms;
    const uint8_t *group; /* 16 bytes; all zero in a general query */
    /* Version 2 only, else zero. */
    bool suppress;
    uint8_t robustness;
    uint32_t interval_s;
    uint16_t source_count;
    const uint8_t *sources;
};

/* Reads a checked query of either version. */
TCPIP_API void tcpip_mld_query_decode(const uint8_t *p, size_t message_bytes, struct tcpip_mld_query *out);
/* Writes a query of `version` 1 or 2 with a checksum of 0; returns its size, 0 if `room` is less. */
TCPIP_API size_t tcpip_mld_query_encode(uint8_t *out, size_t room, int version, const struct tcpip_mld_query *fields);
/* Writes a version 1 report or a done with a checksum of 0: TCPIP_MLD_MESSAGE_BYTES. `group`: 16 bytes. */
TCPIP_API size_t tcpip_mld_encode(uint8_t *out, uint8_t type, const uint8_t *group);
/* Writes the head of a version 2 report of `record_count` records, with a checksum of 0: TCPIP_MLD2_REPORT_MIN bytes.
 */
TCPIP_API size_t tcpip_mld2_report_encode(uint8_t *out, uint16_t record_count);
/* Appends a record; returns its size, 0 when it doesn't fit in `room`. */
TCPIP_API size_t tcpip_mld2_record_encode(uint8_t *out, size_t room, const struct tcpip_group_record *record);
/* Begins at the records of a checked version 2 report; go on with tcpip_group_records_next. */
TCPIP_API void tcpip_mld2_records_begin(struct tcpip_group_record_iterator *it, const uint8_t *p, size_t message_bytes);

TCPIP_END_DECLS

#endif
