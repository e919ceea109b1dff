// SPDX-License-Identifier: MIT
/* math_test.c: the arithmetic at its ends; the running extremum beside the window's true one; the generators. */
#include "base/math.h"

#include "base/extremum.h"
#include "base/rng.h"
#include "test_env.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_sums_and_products_stay_at_the_ends(void **state)
{
    (void)state;
    size_t out;
    assert_int_equal(sat_add_u32(UINT32_MAX, 1), UINT32_MAX);
    assert_int_equal(sat_add_u32(1, 2), 3);
    assert_int_equal(sat_sub_u32(1, 2), 0);
    assert_int_equal(sat_u32((uint64_t)1 << 32), UINT32_MAX);
    assert_true(sat_add_u64(UINT64_MAX, UINT64_MAX) == UINT64_MAX);
    assert_true(sat_sub_u64(1, 2) == 0 && sat_sub_u64(2, 1) == 1);
    assert_true(sat_mul_u64((uint64_t)1 << 33, (uint64_t)1 << 33) == UINT64_MAX && sat_mul_u64(3, 4) == 12);
    assert_true(ns_add(TCPIP_NEVER, -5) == TCPIP_NEVER && ns_add(5, TCPIP_NEVER) == TCPIP_NEVER);
    assert_true(ns_add(TCPIP_NEVER - 1, 5) == TCPIP_NEVER && ns_add(5, -7) == -2);
    assert_true(ns_add(INT64_MIN, -1) == INT64_MIN);
    assert_true(add_size(1, 2, &out) && out == 3 && !add_size(SIZE_MAX, 1, &out));
    assert_true(mul_size(3, 5, &out) && out == 15 && !mul_size(SIZE_MAX, 2, &out));
    assert_int_equal(clamp_u32(5, 1, 3), 3);
    assert_true(clamp_i64(-5, -3, 3) == -3 && clamp_u64(2, 1, 3) == 2);
}

static void test_powers_and_logarithms(void **state)
{
    (void)state;
    for (uint32_t bit = 0; bit < 64; bit++) {
        uint64_t power = (uint64_t)1 << bit;
        assert_int_equal(log2_u64(power), bit);
        assert_int_equal(log2_u64(power | (power - 1)), bit);
        assert_true(is_power_of_two(power) && round_up_power_of_two(power) == power);
        if (bit > 1)
            assert_true(!is_power_of_two(power - 1) && round_up_power_of_two(power - 1) == power);
    }
    assert_int_equal(log2_u32(UINT32_MAX), 31);
    assert_false(is_power_of_two(0));
    assert_true(align_up(0, 8) == 0 && align_up(1, 8) == 8 && align_up(8, 8) == 8);
    assert_true(div_round_up(7, 2) == 4 && div_round_up(UINT64_MAX, 1) == UINT64_MAX && div_round_up(0, 5) == 0);
}

static void test_muldiv_is_exact_over_128_bits(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 3);
    assert_true(tcpip__muldiv_u64(UINT64_MAX, UINT64_MAX, UINT64_MAX) == UINT64_MAX);
    assert_true(tcpip__muldiv_u64(UINT64_MAX, 2, 1) == UINT64_MAX);
    assert_true(tcpip__muldiv_u64(0, 5, 7) == 0);
    for (int i = 0; i < 200000; i++) {
        uint64_t a = rng_u64(&rng) >> rng_below(&rng, 64), b = rng_u64(&rng) >> rng_below(&rng, 64);
        uint64_t c = (rng_u64(&rng) >> rng_below(&rng, 64)) | 1;
        __extension__ unsigned __int128 whole = (unsigned __int128)a * b / c;
        assert_true(tcpip__muldiv_u64(a, b, c) == (whole > UINT64_MAX ? UINT64_MAX : (uint64_t)whole));
    }
}

static void test_roots_are_rounded_down(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4);
    assert_true(tcpip__cube_root_u64(UINT64_MAX) == 2642245 && tcpip__square_root_u64(UINT64_MAX) == UINT32_MAX);
    assert_true(tcpip__cube_root_u64(0) == 0 && tcpip__square_root_u64(0) == 0);
    for (int i = 0; i < 100000; i++) {
        uint64_t root = rng_u64(&rng) % 2642245 >> rng_below(&rng, 21);
        uint64_t cube = root * root * root, next = (root + 1) * (root + 1) * (root + 1);
        assert_true(tcpip__cube_root_u64(cube) == root && tcpip__cube_root_u64(next - 1) == root);
        root = rng_u32(&rng) >> rng_below(&rng, 32);
        assert_true(tcpip__square_root_u64(root * root) == root &&
                    tcpip__square_root_u64(root * root + 2 * root) == root);
    }
}

/* The promise of extremum.c: at least as good as the best of the last half window, no better than that of the whole
 * one. */
static void check_extremum(bool minimum, uint64_t seed)
{
    enum { SAMPLES = 3000, WINDOW = 1000 };
    static uint64_t values[SAMPLES];
    static int64_t ats[SAMPLES];
    struct extremum extremum;
    struct rng rng;
    int64_t at = 0;
    int good = 0;
    rng_init(&rng, seed);
    tcpip__extremum_init(&extremum);
    for (int i = 0; i < SAMPLES; i++) {
        at += rng_below(&rng, rng_below(&rng, 100) == 0 ? 900 : 40);
        values[i] = 1000 + rng_below(&rng, 1 + rng_below(&rng, 1000));
        ats[i] = at;
        uint64_t got = (minimum ? tcpip__extremum_min : tcpip__extremum_max)(&extremum, at, WINDOW, values[i]);
        uint64_t best_half = values[i], best_whole = values[i];
        for (int j = i; j >= 0 && ats[j] >= at - WINDOW; j--) {
            best_whole = minimum ? min_u64(best_whole, values[j]) : max_u64(best_whole, values[j]);
            if (ats[j] >= at - WINDOW / 2)
                best_half = best_whole;
        }
        assert_true(got == extremum_get(&extremum));
        assert_true(minimum ? got >= best_whole : got <= best_whole);
        assert_true(values[i] != best_whole || got == best_whole);
        good += minimum ? got <= best_half : got >= best_half;
    }
    assert_in_range(good, SAMPLES * 98 / 100, SAMPLES);
}

static void test_the_extremum_is_a_sample_of_the_window_and_nearly_always_its_best(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        check_extremum(true, seed);
        check_extremum(false, seed);
    }
}

static void test_generators_repeat_from_their_seed_and_keep_their_bounds(void **state)
{
    (void)state;
    struct rng a, b, c;
    struct secure_rng d;
    struct test_env env;
    bool low = false, high = false;
    test_env_init(&env, 1);
    rng_init(&a, 1);
    rng_init(&b, 1);
    rng_init(&c, 2);
    secure_rng_init(&d, &env.env);
    assert_true(rng_u64(&a) == rng_u64(&b) && rng_u64(&a) != rng_u64(&c));
    assert_true(secure_rng_u64(&d) != secure_rng_u64(&d));
    for (int i = 0; i < 10000; i++) {
        int64_t x = rng_between(&a, -3, 3);
        assert_true(x >= -3 && x <= 3);
        low |= x == -3;
        high |= x == 3;
        assert_true(rng_below(&a, 7) < 7 && secure_rng_below(&d, 7) < 7);
    }
    assert_true(low && high);
    assert_true(rng_between(&a, INT64_MIN, INT64_MAX) != rng_between(&a, INT64_MIN, INT64_MAX));
    assert_int_equal(env.random_calls, 1);
    test_env_fini(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_and_products_stay_at_the_ends),
        cmocka_unit_test(test_powers_and_logarithms),
        cmocka_unit_test(test_muldiv_is_exact_over_128_bits),
        cmocka_unit_test(test_roots_are_rounded_down),
        cmocka_unit_test(test_the_extremum_is_a_sample_of_the_window_and_nearly_always_its_best),
        cmocka_unit_test(test_generators_repeat_from_their_seed_and_keep_their_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
