// SPDX-License-Identifier: MIT
/* checksum_test.c: every way to sum against the naive one, byte for byte; RFC 1071's example; updates in place. */
#include <tcpip/header/checksum.h>

#include "header_test.h"

/* The twin: two bytes at a time, folded at once. */
static uint16_t naive_sum(const uint8_t *p, size_t size, uint16_t initial)
{
    uint32_t sum = initial;
    for (size_t i = 0; i < size; i++) {
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

static void test_the_example_of_rfc_1071(void **state)
{
    (void)state;
    static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    assert_int_equal(tcpip_checksum(example, 8, 0), 0xddf2);
    assert_int_equal(tcpip_checksum_ops_best()->sum(example, 8, 0), 0xddf2);
    assert_int_equal(tcpip_checksum_finish(0xddf2), 0x220d);
}

static void test_a_known_header_sums_up(void **state)
{
    (void)state;
    uint8_t header[] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                        0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
    assert_true(tcpip_checksum_ok(tcpip_checksum(header, 20, 0)));
    header[10] = header[11] = 0;
    assert_int_equal(tcpip_checksum_finish(tcpip_checksum(header, 20, 0)), 0xb861);
    header[19] ^= 1;
    assert_int_not_equal(tcpip_checksum_finish(tcpip_checksum(header, 20, 0)), 0xb861);
}

static void sum_everywhere(const struct tcpip_checksum_ops *ops, uint64_t seed)
{
    enum { ROOM = 700 };
    uint8_t bytes[ROOM], copy[ROOM];
    for (int kind = 0; kind < 3; kind++) {
        random_fill(&seed, bytes, ROOM);
        if (kind == 1)
            memset(bytes, 0xff, ROOM); /* carries everywhere */
        if (kind == 2)
            memset(bytes, 0, ROOM); /* a sum of zero stays zero */
        for (size_t size = 0; size <= 600; size++) {
            size_t align = random_below(&seed, 33);
            uint16_t initial = kind == 2 ? (uint16_t)0 : random_u16(&seed);
            uint16_t expected = naive_sum(bytes + align, size, initial);
            assert_int_equal(ops->sum(bytes + align, size, initial), expected);
            memset(copy, 0x5a, ROOM);
            size_t to = random_below(&seed, 33);
            assert_int_equal(ops->copy(copy + to, bytes + align, size, initial), expected);
            assert_memory_equal(copy + to, bytes + align, size);
            assert_int_equal(copy[to + size], 0x5a);
            assert_true(to == 0 || copy[to - 1] == 0x5a);
        }
    }
}

static void test_every_way_agrees_with_the_naive_sum_at_each_size_and_alignment(void **state)
{
    (void)state;
    sum_everywhere(tcpip_checksum_ops_portable(), 1);
    sum_everywhere(tcpip_checksum_ops_best(), 2);
}

static void test_every_way_agrees_on_all_alignments_of_a_segment(void **state)
{
    (void)state;
    uint64_t seed = 3;
    uint8_t bytes[1600];
    random_fill(&seed, bytes, sizeof bytes);
    for (size_t align = 0; align < 64; align++) {
        uint16_t expected = naive_sum(bytes + align, 1461, 7);
        assert_int_equal(tcpip_checksum(bytes + align, 1461, 7), expected);
        assert_int_equal(tcpip_checksum_ops_best()->sum(bytes + align, 1461, 7), expected);
    }
}

static void test_no_carry_is_lost_in_the_largest_packet(void **state)
{
    (void)state;
    uint8_t *bytes = malloc(1 << 20);
    assert_non_null(bytes);
    memset(bytes, 0xff, 1 << 20);
    bytes[99] = 0xfe;
    uint16_t expected = naive_sum(bytes, 1 << 20, 0xffff);
    assert_int_equal(tcpip_checksum(bytes, 1 << 20, 0xffff), expected);
    assert_int_equal(tcpip_checksum_ops_best()->sum(bytes, 1 << 20, 0xffff), expected);
    free(bytes);
}

static void test_no_byte_beyond_the_range_is_read(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (size_t size = 0; size < 300; size++) {
        uint8_t block[300];
        random_fill(&seed, block, sizeof block);
        uint8_t *exact = exact_copy(block, size);
        assert_int_equal(tcpip_checksum(exact, size, 0), naive_sum(block, size, 0));
        assert_int_equal(tcpip_checksum_ops_best()->sum(exact, size, 0), naive_sum(block, size, 0));
        free(exact);
    }
}

static void test_sums_of_parts_combine_at_odd_offsets_too(void **state)
{
    (void)state;
    uint64_t seed = 5;
    uint8_t bytes[257];
    random_fill(&seed, bytes, sizeof bytes);
    uint16_t whole = naive_sum(bytes, sizeof bytes, 0);
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        uint16_t first = tcpip_checksum(bytes, cut, 0), second = tcpip_checksum(bytes + cut, sizeof bytes - cut, 0);
        assert_int_equal(tcpip_checksum_combine_at(first, second, cut), whole);
    }
    /* Three parts, two of them odd. */
    uint16_t sum = tcpip_checksum(bytes, 7, 0);
    sum = tcpip_checksum_combine_at(sum, tcpip_checksum(bytes + 7, 33, 0), 7);
    sum = tcpip_checksum_combine_at(sum, tcpip_checksum(bytes + 40, 217, 0), 40);
    assert_int_equal(sum, whole);
}

static void test_an_update_equals_a_new_sum(void **state)
{
    (void)state;
    uint64_t seed = 6;
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[24], before[12];
        random_fill(&seed, bytes, sizeof bytes);
        if (i % 3 == 0)
            memset(bytes + 4, i % 2 ? 0xff : 0, 12);
        uint16_t checksum = tcpip_checksum_finish(naive_sum(bytes, sizeof bytes, 0));
        size_t at = 2 * random_below(&seed, 7), size = 2 * random_below(&seed, 7);
        memcpy(before, bytes + at, size);
        random_fill(&seed, bytes + at, size);
        if (i % 5 == 0)
            memset(bytes + at, 0, size);
        uint16_t expected = tcpip_checksum_finish(naive_sum(bytes, sizeof bytes, 0));
        assert_int_equal(tcpip_checksum_update(checksum, before, bytes + at, size), expected);
        if (size == 2)
            assert_int_equal(tcpip_checksum_update_u16(checksum, tcpip_load_u16(before), tcpip_load_u16(bytes + at)),
                             expected);
        if (size == 4)
            assert_int_equal(tcpip_checksum_update_u32(checksum, tcpip_load_u32(before), tcpip_load_u32(bytes + at)),
                             expected);
    }
}

static void test_the_example_of_rfc_1624(void **state)
{
    (void)state;
    /* Section 4: the older equation gives 0xffff here. */
    assert_int_equal(tcpip_checksum_update_u16(0xdd2f, 0x5555, 0x3285), 0x0000);
}

static void test_pseudo_headers_sum_as_if_written_out(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 1000; i++) {
        uint8_t v4[12], v6[40];
        random_fill(&seed, v4, sizeof v4);
        random_fill(&seed, v6, sizeof v6);
        v4[8] = 0;
        memset(v6 + 36, 0, 3);
        assert_int_equal(tcpip_checksum_pseudo_v4(v4, v4 + 4, v4[9], tcpip_load_u16(v4 + 10)), naive_sum(v4, 12, 0));
        assert_int_equal(tcpip_checksum_pseudo(v4, v4 + 4, 4, v4[9], tcpip_load_u16(v4 + 10)), naive_sum(v4, 12, 0));
        assert_int_equal(tcpip_checksum_pseudo_v6(v6, v6 + 16, v6[39], tcpip_load_u32(v6 + 32)), naive_sum(v6, 40, 0));
        assert_int_equal(tcpip_checksum_pseudo(v6, v6 + 16, 16, v6[39], tcpip_load_u32(v6 + 32)), naive_sum(v6, 40, 0));
    }
}

static void test_udp_never_sends_the_zero_that_says_none(void **state)
{
    (void)state;
    assert_int_equal(tcpip_checksum_finish_udp(0xffff), 0xffff);
    for (uint32_t sum = 0; sum < 0xffff; sum++)
        assert_int_equal(tcpip_checksum_finish_udp((uint16_t)sum), (uint16_t)~sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_of_rfc_1071),
        cmocka_unit_test(test_a_known_header_sums_up),
        cmocka_unit_test(test_every_way_agrees_with_the_naive_sum_at_each_size_and_alignment),
        cmocka_unit_test(test_every_way_agrees_on_all_alignments_of_a_segment),
        cmocka_unit_test(test_no_carry_is_lost_in_the_largest_packet),
        cmocka_unit_test(test_no_byte_beyond_the_range_is_read),
        cmocka_unit_test(test_sums_of_parts_combine_at_odd_offsets_too),
        cmocka_unit_test(test_an_update_equals_a_new_sum),
        cmocka_unit_test(test_the_example_of_rfc_1624),
        cmocka_unit_test(test_pseudo_headers_sum_as_if_written_out),
        cmocka_unit_test(test_udp_never_sends_the_zero_that_says_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
