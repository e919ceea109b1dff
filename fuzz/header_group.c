// SPDX-License-Identifier: MIT
/* header_group.c: fuzzes IGMP and MLD: queries and reports are read, written, and read the same.
 *
 * Input: a message, taken for both. A length of time has several codes on the wire, of which one is written. */
#include "fuzz_env.h"

#include <string.h>

#include <tcpip/header/icmpv6.h>
#include <tcpip/header/igmp.h>
#include <tcpip/header/mld.h>

enum { ROOM = 1 << 17 };

static uint8_t out[ROOM];

static void igmp_query(const uint8_t *p, size_t size)
{
    struct tcpip_igmp_query query, again;
    int version = tcpip_igmp_query_version(p, size);
    tcpip_igmp_query_decode(p, size, &query);
    REQUIRE(query.source_count == 0 || query.sources + query.source_count * 4u <= p + size);
    REQUIRE(version == 3 || (query.source_count == 0 && query.interval_s == 0 && !query.suppress));
    size_t bytes = tcpip_igmp_query_encode(out, sizeof(out), version, &query);
    REQUIRE(bytes >= TCPIP_IGMP_HEADER_MIN && bytes <= size);
    REQUIRE(tcpip_igmp_query_encode(out, bytes - 1, version, &query) == 0);
    REQUIRE(tcpip_igmp_check(out, bytes) && tcpip_igmp_query_version(out, bytes) == version);
    tcpip_igmp_query_decode(out, bytes, &again);
    REQUIRE(again.max_response_ms == query.max_response_ms && memcmp(again.group, query.group, 4) == 0);
    REQUIRE(again.suppress == query.suppress && again.robustness == query.robustness);
    REQUIRE(again.interval_s == query.interval_s && again.source_count == query.source_count);
    REQUIRE(query.source_count == 0 || memcmp(again.sources, query.sources, query.source_count * 4u) == 0);
}

static void mld_query(const uint8_t *p, size_t size)
{
    struct tcpip_mld_query query, again;
    int version = tcpip_mld_query_version(size);
    tcpip_mld_query_decode(p, size, &query);
    REQUIRE(query.source_count == 0 || query.sources + query.source_count * 16u <= p + size);
    size_t bytes = tcpip_mld_query_encode(out, sizeof(out), version, &query);
    REQUIRE(bytes >= TCPIP_MLD_MESSAGE_BYTES && bytes <= size);
    REQUIRE(tcpip_mld_query_encode(out, bytes - 1, version, &query) == 0);
    REQUIRE(tcpip_mld_check(out, bytes) && tcpip_mld_query_version(bytes) == version);
    tcpip_mld_query_decode(out, bytes, &again);
    REQUIRE(again.max_response_ms == query.max_response_ms && memcmp(again.group, query.group, 16) == 0);
    REQUIRE(again.suppress == query.suppress && again.robustness == query.robustness);
    REQUIRE(again.interval_s == query.interval_s && again.source_count == query.source_count);
    REQUIRE(query.source_count == 0 || memcmp(again.sources, query.sources, query.source_count * 16u) == 0);
}

static void same_record(const struct tcpip_group_record *a, const struct tcpip_group_record *b, size_t address_bytes)
{
    REQUIRE(a->type == b->type && a->source_count == b->source_count);
    REQUIRE(memcmp(a->group, b->group, address_bytes) == 0);
    REQUIRE(a->source_count == 0 || memcmp(a->sources, b->sources, a->source_count * address_bytes) == 0);
}

/* All records of a report into another one, without the auxiliary data that nobody reads. */
static void report(const uint8_t *p, size_t size, bool mld)
{
    size_t address_bytes = mld ? 16 : 4, bytes = mld ? tcpip_mld2_report_encode(out, 0) : tcpip_igmp3_report_begin(out);
    struct tcpip_group_record_iterator it, again;
    struct tcpip_group_record record, copy;
    uint16_t count = 0;
    mld ? tcpip_mld2_records_begin(&it, p, size) : tcpip_igmp3_records_begin(&it, p, size);
    uint16_t promised = it.left_records;
    while (tcpip_group_records_next(&it, &record)) {
        REQUIRE(record.group >= p && record.sources + record.source_count * address_bytes <= p + size);
        size_t room = sizeof(out) - bytes;
        size_t more = mld ? tcpip_mld2_record_encode(out + bytes, room, &record)
                          : tcpip_igmp3_record_encode(out + bytes, room, &record);
        REQUIRE(more > 0);
        bytes += more;
        count++;
    }
    REQUIRE(count == promised && bytes <= size);
    if (mld) {
        uint8_t head[TCPIP_MLD2_REPORT_MIN];
        REQUIRE(tcpip_mld2_report_encode(head, count) == sizeof(head));
        memcpy(out, head, sizeof(head));
    } else {
        tcpip_igmp3_report_finish(out, bytes, count);
    }
    REQUIRE(mld ? tcpip_mld_check(out, bytes) : tcpip_igmp_check(out, bytes));
    mld ? tcpip_mld2_records_begin(&it, p, size) : tcpip_igmp3_records_begin(&it, p, size);
    mld ? tcpip_mld2_records_begin(&again, out, bytes) : tcpip_igmp3_records_begin(&again, out, bytes);
    while (tcpip_group_records_next(&it, &record)) {
        REQUIRE(tcpip_group_records_next(&again, &copy));
        same_record(&record, &copy, address_bytes);
    }
    REQUIRE(!tcpip_group_records_next(&again, &copy));
}

static void igmp(const uint8_t *p, size_t size)
{
    if (!tcpip_igmp_check(p, size))
        return;
    uint8_t type = tcpip_igmp_type(p);
    if (type == TCPIP_IGMP_QUERY) {
        igmp_query(p, size);
    } else if (type == TCPIP_IGMP3_REPORT) {
        report(p, size, false);
    } else {
        REQUIRE(tcpip_igmp_encode(out, type, tcpip_igmp_group(p)) == TCPIP_IGMP_HEADER_MIN);
        REQUIRE(tcpip_igmp_check(out, TCPIP_IGMP_HEADER_MIN) && memcmp(out + 4, p + 4, 4) == 0 && out[0] == p[0]);
    }
}

static void mld(const uint8_t *p, size_t size)
{
    if (!tcpip_mld_check(p, size))
        return;
    uint8_t type = tcpip_icmpv6_type(p);
    if (type == TCPIP_ICMPV6_MLD_QUERY) {
        mld_query(p, size);
    } else if (type == TCPIP_ICMPV6_MLD2_REPORT) {
        report(p, size, true);
    } else {
        REQUIRE(tcpip_mld_encode(out, type, tcpip_mld_group(p)) == TCPIP_MLD_MESSAGE_BYTES);
        REQUIRE(tcpip_mld_check(out, TCPIP_MLD_MESSAGE_BYTES) && memcmp(out + 8, p + 8, 16) == 0 && out[0] == p[0]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *p = fuzz_copy(data, size);
    igmp(p, size);
    mld(p, size);
    free(p);
    return 0;
}
