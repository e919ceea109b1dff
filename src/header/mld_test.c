// SPDX-License-Identifier: MIT
/* mld_test.c: queries of two versions, reports, records. */
#include <tcpip/header/mld.h>

#include "header_test.h"

static const uint8_t group[16] = {0xff, 2, [15] = 0xfb};

static bool checks(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = exact_copy(bytes, size);
    bool ok = tcpip_mld_check(exact, size);
    free(exact);
    return ok;
}

static void test_queries_survive_the_wire(void **state)
{
    (void)state;
    uint64_t seed = 1;
    uint8_t sources[48];
    random_fill(&seed, sources, sizeof sources);
    for (int i = 0; i < 3000; i++) {
        int version = 1 + i % 2;
        uint8_t out[80];
        struct tcpip_mld_query got, fields = {
                                        .max_response_ms = (uint32_t)random_below(&seed, 32768),
                                        .group = group,
                                        .suppress = random_below(&seed, 2) == 1,
                                        .robustness = (uint8_t)random_below(&seed, 8),
                                        .interval_s = (uint32_t)random_below(&seed, 128),
                                        .source_count = (uint16_t)random_below(&seed, 4),
                                        .sources = sources,
                                    };
        size_t size = tcpip_mld_query_encode(out, sizeof out, version, &fields);
        assert_int_equal(size, version == 1 ? 24 : 28 + 16 * fields.source_count);
        assert_int_equal(tcpip_mld_query_encode(out, size - 1, version, &fields), 0);
        assert_true(checks(out, size));
        assert_int_equal(tcpip_mld_query_version(size), version);
        tcpip_mld_query_decode(out, size, &got);
        assert_int_equal(got.max_response_ms, fields.max_response_ms);
        assert_memory_equal(got.group, group, 16);
        if (version == 1)
            continue;
        assert_int_equal(got.suppress, fields.suppress);
        assert_int_equal(got.robustness, fields.robustness);
        assert_int_equal(got.interval_s, fields.interval_s);
        assert_int_equal(got.source_count, fields.source_count);
        assert_memory_equal(got.sources, sources, fields.source_count * 16u);
    }
}

static void test_long_response_times(void **state)
{
    (void)state;
    uint8_t out[28];
    struct tcpip_mld_query got, fields = {.max_response_ms = 100000, .group = group};
    tcpip_mld_query_encode(out, sizeof out, 1, &fields);
    tcpip_mld_query_decode(out, 24, &got);
    assert_int_equal(got.max_response_ms, 65535);
    tcpip_mld_query_encode(out, sizeof out, 2, &fields);
    tcpip_mld_query_decode(out, 28, &got);
    assert_true(got.max_response_ms <= 100000 && got.max_response_ms > 99900);
}

static void test_sizes_of_no_version_and_counts_that_lie_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[60] = {TCPIP_ICMPV6_MLD_QUERY};
    for (size_t size = 0; size <= sizeof bytes; size++)
        assert_int_equal(checks(bytes, size), size == 24 || size >= 28);
    bytes[27] = 2;
    assert_false(checks(bytes, 59));
    assert_true(checks(bytes, 60));
    bytes[27] = 3;
    assert_false(checks(bytes, 60));
    bytes[0] = TCPIP_ICMPV6_MLD_DONE;
    for (size_t size = 0; size <= sizeof bytes; size++)
        assert_int_equal(checks(bytes, size), size >= 24);
    bytes[0] = TCPIP_ICMPV6_ECHO_REQUEST;
    assert_false(checks(bytes, 60));
}

static void test_reports_and_records_survive_the_wire(void **state)
{
    (void)state;
    uint8_t out[200], sources[32];
    uint64_t seed = 2;
    struct tcpip_group_record_iterator it;
    struct tcpip_group_record got;
    random_fill(&seed, sources, sizeof sources);
    assert_int_equal(tcpip_mld_encode(out, TCPIP_ICMPV6_MLD_REPORT, group), 24);
    assert_true(checks(out, 24));
    assert_memory_equal(tcpip_mld_group(out), group, 16);

    size_t size = tcpip_mld2_report_encode(out, 3);
    for (uint16_t i = 0; i < 3; i++) {
        struct tcpip_group_record record = {(uint8_t)(i + 1), i, group, sources};
        assert_int_equal(tcpip_mld2_record_encode(out + size, 19u + 16u * i, &record), 0);
        size += tcpip_mld2_record_encode(out + size, sizeof out - size, &record);
    }
    assert_int_equal(size, 8 + 20 + 36 + 52);
    for (size_t cut = 0; cut <= size; cut++)
        assert_int_equal(checks(out, cut), cut == size);
    tcpip_mld2_records_begin(&it, out, size);
    assert_int_equal(it.left_bytes, size - 8);
    for (uint16_t i = 0; i < 3; i++) {
        assert_true(tcpip_group_records_next(&it, &got));
        assert_int_equal(got.type, i + 1);
        assert_int_equal(got.source_count, i);
        assert_memory_equal(got.group, group, 16);
        assert_memory_equal(got.sources, sources, 16u * i);
    }
    assert_false(tcpip_group_records_next(&it, &got));
    assert_int_equal(it.left_bytes, 0);
    assert_int_equal(tcpip_mld2_report_encode(out, 0), 8); /* of nothing: well-formed */
    assert_true(checks(out, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queries_survive_the_wire),
        cmocka_unit_test(test_long_response_times),
        cmocka_unit_test(test_sizes_of_no_version_and_counts_that_lie_are_refused),
        cmocka_unit_test(test_reports_and_records_survive_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
