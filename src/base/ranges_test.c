// SPDX-License-Identifier: MIT
/* ranges_test.c: sequence numbers at the wrap; the set of ranges beside a bitmap, across the wrap. */
#include "base/ranges.h"

#include "test_env.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SPACE = 256, CAPACITY = 16 };

static void test_order_wraps(void **state)
{
    (void)state;
    seqnum high = seq(UINT32_MAX - 9), low = seq_add(high, 20);
    assert_int_equal(low.v, 10);
    assert_int_equal(seq_diff(low, high), 20);
    assert_int_equal(seq_diff(high, low), -20);
    assert_int_equal(seq_size(high, low), 20);
    assert_true(seq_eq(seq_sub(low, 20), high));
    assert_true(seq_lt(high, low) && seq_leq(high, low) && seq_leq(low, low) && !seq_lt(low, low) &&
                !seq_lt(low, high));
    assert_true(seq_gt(low, high) && seq_geq(low, high) && seq_geq(low, low) && !seq_gt(low, low));
    assert_true(seq_eq(seq_max(low, high), low) && seq_eq(seq_max(high, low), low));
    assert_true(seq_eq(seq_min(low, high), high) && seq_eq(seq_min(high, low), high));
}

static void test_windows_are_half_open(void **state)
{
    (void)state;
    seqnum left = seq(UINT32_MAX - 4);
    assert_true(seq_in_window(left, left, 1) && !seq_in_window(left, left, 0));
    assert_true(seq_in_window(seq(4), left, 10) && !seq_in_window(seq(5), left, 10));
    assert_false(seq_in_window(seq_sub(left, 1), left, 10));
    assert_true(seq_in_range(seq(4), left, seq(5)) && !seq_in_range(seq(5), left, seq(5)));
    assert_true(seq_overlap(left, 6, seq(0), 10) && seq_overlap(seq(0), 10, left, 6));
    assert_false(seq_overlap(left, 5, seq(0), 10));
    assert_false(seq_overlap(seq(0), 10, left, 5));
    assert_false(seq_overlap(seq(3), 0, seq(0), 10) || seq_overlap(seq(0), 10, seq(3), 0));
}

static uint32_t bitmap_ranges(const bool *bits)
{
    uint32_t count = 0;
    for (int i = 0; i < SPACE; i++)
        count += bits[i] && (i == 0 || !bits[i - 1]);
    return count;
}

static void check_against(const struct ranges *ranges, const bool *bits, uint32_t base)
{
    uint64_t bytes = 0;
    tcpip__ranges_check(ranges);
    assert_int_equal(ranges->count, bitmap_ranges(bits));
    for (uint32_t i = 0; i < SPACE; i++) {
        assert_int_equal(tcpip__ranges_contains(ranges, seq(base + i)), bits[i]);
        bytes += bits[i];
    }
    assert_int_equal(tcpip__ranges_bytes(ranges), bytes);
}

static void test_random_sets_match_a_bitmap(void **state)
{
    (void)state;
    struct test_env env;
    test_env_init(&env, 4);
    const uint32_t base = UINT32_MAX - SPACE / 2;
    for (int world = 0; world < 50; world++) {
        struct range items[CAPACITY];
        struct ranges ranges;
        bool bits[SPACE] = {false}, after[SPACE];
        tcpip__ranges_init(&ranges, items, CAPACITY);
        for (int round = 0; round < 400; round++) {
            uint64_t r = test_env_random(&env);
            uint32_t begin = (uint32_t)(r >> 8) % SPACE, end = begin + (uint32_t)(r >> 20) % (SPACE - begin + 1) / 8;
            bool add = r % 8 > 2, ok;
            bool covers = true;
            for (uint32_t i = begin; i < end; i++)
                covers = covers && bits[i];
            assert_int_equal(tcpip__ranges_covers(&ranges, seq(base + begin), seq(base + end)), covers);
            memcpy(after, bits, sizeof(bits));
            memset(after + begin, add, end - begin);
            ok = add ? tcpip__ranges_add(&ranges, seq(base + begin), seq(base + end))
                     : tcpip__ranges_remove(&ranges, seq(base + begin), seq(base + end));
            assert_int_equal(ok, bitmap_ranges(after) <= CAPACITY);
            if (ok)
                memcpy(bits, after, sizeof(bits));
            check_against(&ranges, bits, base);
        }
        uint32_t before = (uint32_t)test_env_random(&env) % SPACE;
        tcpip__ranges_remove_before(&ranges, seq(base + before));
        memset(bits, 0, before);
        check_against(&ranges, bits, base);
    }
    test_env_fini(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_wraps),
        cmocka_unit_test(test_windows_are_half_open),
        cmocka_unit_test(test_random_sets_match_a_bitmap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
