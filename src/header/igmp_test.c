// SPDX-License-Identifier: MIT
/* igmp_test.c: queries of three versions, reports, records, floating-point times. */
#include <tcpip/header/igmp.h>

#include "header/group_record.h"
#include "header_test.h"

#include <tcpip/header/checksum.h>

static const uint8_t group[4] = {224, 0, 0, 251};
static const uint8_t sources[12] = {10, 0, 0, 1, 10, 0, 0, 2, 10, 0, 0, 3};

static bool checks(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = exact_copy(bytes, size);
    bool ok = tcpip_igmp_check(exact, size);
    free(exact);
    return ok;
}

static void test_queries_survive_the_wire(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 3000; i++) {
        int version = 1 + i % 3;
        uint8_t out[24];
        struct tcpip_igmp_query got, fields = {
                                         .max_response_ms = (uint32_t)(100 * (1 + random_below(&seed, 127))),
                                         .group = group,
                                         .suppress = random_below(&seed, 2) == 1,
                                         .robustness = (uint8_t)random_below(&seed, 8),
                                         .interval_s = (uint32_t)random_below(&seed, 128),
                                         .source_count = (uint16_t)random_below(&seed, 4),
                                         .sources = sources,
                                     };
        size_t size = tcpip_igmp_query_encode(out, sizeof out, version, &fields);
        assert_int_equal(size, version < 3 ? 8 : 12 + 4 * fields.source_count);
        assert_int_equal(tcpip_igmp_query_encode(out, size - 1, version, &fields), 0);
        assert_true(tcpip_checksum_ok(tcpip_checksum(out, size, 0)));
        assert_true(checks(out, size));
        assert_int_equal(tcpip_igmp_query_version(out, size), version);
        tcpip_igmp_query_decode(out, size, &got);
        assert_int_equal(got.max_response_ms, version == 1 ? 10000 : fields.max_response_ms);
        assert_memory_equal(got.group, group, 4);
        if (version < 3) {
            assert_int_equal(got.source_count, 0);
            continue;
        }
        assert_int_equal(got.suppress, fields.suppress);
        assert_int_equal(got.robustness, fields.robustness);
        assert_int_equal(got.interval_s, fields.interval_s);
        assert_int_equal(got.source_count, fields.source_count);
        assert_memory_equal(got.sources, sources, fields.source_count * 4u);
    }
}

static void test_a_version_2_query_never_looks_like_version_1(void **state)
{
    (void)state;
    uint8_t out[8];
    struct tcpip_igmp_query fields = {.group = group};
    tcpip_igmp_query_encode(out, 8, 2, &fields);
    assert_int_equal(tcpip_igmp_query_version(out, 8), 2);
    fields.max_response_ms = 1000000;
    tcpip_igmp_query_encode(out, 8, 2, &fields);
    assert_int_equal(out[1], 255);
}

static void test_reports_have_these_bytes(void **state)
{
    (void)state;
    static const uint8_t report[] = {0x16, 0, 0x09, 0x04, 224, 0, 0, 251};
    uint8_t out[8];
    assert_int_equal(tcpip_igmp_encode(out, TCPIP_IGMP2_REPORT, group), 8);
    assert_memory_equal(out, report, 8);
    assert_true(checks(out, 8));
    assert_memory_equal(tcpip_igmp_group(out), group, 4);
}

static void test_queries_of_no_version_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[16] = {TCPIP_IGMP_QUERY, 1};
    for (size_t size = 0; size <= sizeof bytes; size++)
        assert_int_equal(checks(bytes, size), size == 8 || size >= 12);
    bytes[11] = 1; /* one source: four bytes */
    assert_false(checks(bytes, 15));
    assert_true(checks(bytes, 16));
    bytes[11] = 2;
    assert_false(checks(bytes, 16));
    bytes[0] = 0x77;
    assert_false(checks(bytes, 16));
}

static void test_records_survive_the_wire(void **state)
{
    (void)state;
    uint8_t out[100], again[100];
    struct tcpip_group_record_iterator it;
    struct tcpip_group_record got;
    size_t size = tcpip_igmp3_report_begin(out);
    for (uint16_t i = 0; i < 3; i++) {
        struct tcpip_group_record record = {(uint8_t)(i + 1), i, group, sources};
        assert_int_equal(tcpip_igmp3_record_encode(out + size, 7u + 4u * i, &record), 0);
        size += tcpip_igmp3_record_encode(out + size, sizeof out - size, &record);
    }
    tcpip_igmp3_report_finish(out, size, 3);
    assert_int_equal(size, 8 + 8 + 12 + 16);
    assert_true(tcpip_checksum_ok(tcpip_checksum(out, size, 0)));
    for (size_t cut = 0; cut <= size; cut++)
        assert_int_equal(checks(out, cut), cut == size);
    tcpip_igmp3_records_begin(&it, out, size);
    size_t copied = tcpip_igmp3_report_begin(again);
    for (uint16_t i = 0; i < 3; i++) {
        assert_true(tcpip_group_records_next(&it, &got));
        assert_int_equal(got.type, i + 1);
        assert_int_equal(got.source_count, i);
        assert_memory_equal(got.group, group, 4);
        assert_memory_equal(got.sources, sources, 4u * i);
        copied += tcpip_igmp3_record_encode(again + copied, sizeof again - copied, &got);
    }
    assert_false(tcpip_group_records_next(&it, &got));
    tcpip_igmp3_report_finish(again, copied, 3);
    assert_int_equal(copied, size);
    assert_memory_equal(again, out, size);
}

static void test_auxiliary_data_are_stepped_over(void **state)
{
    (void)state;
    uint8_t bytes[] = {0x22, 0, 0, 0, 0, 0, 0, 2, 1, 1, 0, 0, 224, 0, 0, 1, 9, 9, 9, 9, 2, 0, 0, 0, 224, 0, 0, 2};
    struct tcpip_group_record_iterator it;
    struct tcpip_group_record got;
    assert_true(checks(bytes, sizeof bytes));
    tcpip_igmp3_records_begin(&it, bytes, sizeof bytes);
    assert_true(tcpip_group_records_next(&it, &got) && got.type == 1);
    assert_true(tcpip_group_records_next(&it, &got) && got.type == 2);
    assert_int_equal(got.group[3], 2);
    bytes[9] = 200;
    assert_false(checks(bytes, sizeof bytes));
}

static void test_records_of_an_unchecked_report_end_with_its_bytes(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x22, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 224, 0, 0, 1};
    uint8_t *exact = exact_copy(bytes, sizeof bytes);
    struct tcpip_group_record_iterator it;
    struct tcpip_group_record got;
    tcpip_igmp3_records_begin(&it, exact, sizeof bytes);
    assert_int_equal(it.left_bytes, 8);
    assert_true(tcpip_group_records_next(&it, &got));
    assert_int_equal(it.left_bytes, 0);
    assert_false(tcpip_group_records_next(&it, &got)); /* it promised two */
    assert_false(tcpip_group_records_next(&it, &got));
    free(exact);
}

static void test_a_record_fills_its_room(void **state)
{
    (void)state;
    uint8_t out[12];
    struct tcpip_group_record record = {1, 1, group, sources};
    assert_int_equal(tcpip_igmp3_record_encode(out, 12, &record), 12);
    assert_int_equal(tcpip_igmp3_record_encode(out, 11, &record), 0);
}

static void test_codes_are_floating_point_and_round_down(void **state)
{
    (void)state;
    assert_int_equal(tcpip__group_code8_decode(127), 127);
    assert_int_equal(tcpip__group_code8_decode(128), 128);
    assert_int_equal(tcpip__group_code8_decode(0xff), 31 << 10);
    assert_int_equal(tcpip__group_code16_decode(0x7fff), 0x7fff);
    assert_int_equal(tcpip__group_code16_decode(0x8000), 0x8000);
    assert_int_equal(tcpip__group_code16_decode(0xffff), 0x1fff << 10);
    for (unsigned code = 0; code < 256; code++)
        assert_int_equal(tcpip__group_code8_encode(tcpip__group_code8_decode((uint8_t)code)), code);
    for (unsigned code = 0; code < 65536; code++)
        assert_int_equal(tcpip__group_code16_encode(tcpip__group_code16_decode((uint16_t)code)), code);
    for (uint32_t value = 0; value < 40000; value++) {
        uint8_t code = tcpip__group_code8_encode(value);
        assert_true(tcpip__group_code8_decode(code) <= value);
        assert_true(code == 255 || tcpip__group_code8_decode((uint8_t)(code + 1)) > value);
    }
    assert_int_equal(tcpip__group_code16_encode(UINT32_MAX), 0xffff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queries_survive_the_wire),
        cmocka_unit_test(test_a_version_2_query_never_looks_like_version_1),
        cmocka_unit_test(test_reports_have_these_bytes),
        cmocka_unit_test(test_queries_of_no_version_are_refused),
        cmocka_unit_test(test_records_survive_the_wire),
        cmocka_unit_test(test_auxiliary_data_are_stepped_over),
        cmocka_unit_test(test_records_of_an_unchecked_report_end_with_its_bytes),
        cmocka_unit_test(test_a_record_fills_its_room),
        cmocka_unit_test(test_codes_are_floating_point_and_round_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
