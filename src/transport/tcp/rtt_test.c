// SPDX-License-Identifier: MIT
/* rtt_test.c: the estimator by RFC 6298's numbers, in rounds of many samples, at its bounds. */
#include "transport/tcp/rtt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct rtt_bounds BOUNDS = {200 * TCPIP_MS, 120 * TCPIP_SECOND, TCPIP_SECOND};

static void test_the_first_sample_sets_everything(void **state)
{
    (void)state;
    struct rtt rtt;
    tcpip__rtt_init(&rtt, &BOUNDS);
    assert_int_equal(tcpip__rtt_rto(&rtt, &BOUNDS), TCPIP_SECOND);
    tcpip__rtt_sample(&rtt, 100 * TCPIP_MS, 1, 1000, &BOUNDS, 0);
    assert_int_equal(rtt.srtt_ns, 100 * TCPIP_MS);
    assert_int_equal(rtt.rttvar_ns, 50 * TCPIP_MS);
    assert_int_equal(tcpip__rtt_rto(&rtt, &BOUNDS), 300 * TCPIP_MS);
    assert_int_equal(rtt.min_rtt_ns, 100 * TCPIP_MS);
}

static void test_one_sample_a_round_follows_the_rfc(void **state)
{
    (void)state;
    struct rtt rtt;
    tcpip__rtt_init(&rtt, &BOUNDS);
    tcpip__rtt_sample(&rtt, 800 * TCPIP_MS, 0, 100, &BOUNDS, 0);
    tcpip__rtt_sample(&rtt, 1600 * TCPIP_MS, 100, 200, &BOUNDS, 0);
    assert_int_equal(rtt.srtt_ns, 900 * TCPIP_MS);   /* 7/8 * 800 + 1/8 * 1600 */
    assert_int_equal(rtt.rttvar_ns, 500 * TCPIP_MS); /* 3/4 * 400 + 1/4 * 800 */
    assert_int_equal(tcpip__rtt_rto(&rtt, &BOUNDS), 2900 * TCPIP_MS);
    tcpip__rtt_sample(&rtt, 900 * TCPIP_MS, 200, 300, &BOUNDS, 0);
    assert_int_equal(rtt.rttvar_ns, 375 * TCPIP_MS);
}

static void test_many_samples_of_one_round_shrink_the_variance_once(void **state)
{
    (void)state;
    struct rtt rtt;
    tcpip__rtt_init(&rtt, &BOUNDS);
    tcpip__rtt_sample(&rtt, 100 * TCPIP_MS, 0, 0xfffffff0, &BOUNDS, 0);
    rtt.round_end = 0x10; /* the round ends behind the wrap */
    for (uint32_t una = 0xffffff00; una != 0x10; una++)
        tcpip__rtt_sample(&rtt, 100 * TCPIP_MS, una, 0x1000, &BOUNDS, 0);
    assert_int_equal(rtt.rttvar_ns, 50 * TCPIP_MS);
    tcpip__rtt_sample(&rtt, 100 * TCPIP_MS, 0x10, 0x1000, &BOUNDS, 0);
    assert_int_equal(rtt.rttvar_ns, 37500000);
    assert_int_equal(rtt.round_end, 0x1000);
}

static void test_a_spike_raises_the_timeout_at_once(void **state)
{
    (void)state;
    struct rtt rtt;
    tcpip__rtt_init(&rtt, &BOUNDS);
    for (uint32_t i = 0; i < 200; i++)
        tcpip__rtt_sample(&rtt, 20 * TCPIP_MS, i * 10, i * 10 + 10, &BOUNDS, 0);
    assert_in_range(tcpip__rtt_rto(&rtt, &BOUNDS), 220 * TCPIP_MS, 221 * TCPIP_MS); /* a delayed ACK fits in */
    tcpip__rtt_sample(&rtt, 420 * TCPIP_MS, 2000, 2010, &BOUNDS, 0);
    assert_in_range(tcpip__rtt_rto(&rtt, &BOUNDS), 400 * TCPIP_MS, 600 * TCPIP_MS);
}

static void test_backoff_doubles_up_to_the_bound_and_a_sample_ends_it(void **state)
{
    (void)state;
    struct rtt rtt;
    tcpip__rtt_init(&rtt, &BOUNDS);
    tcpip_ns expected = TCPIP_SECOND;
    for (int i = 0; i < 300; i++) {
        assert_int_equal(tcpip__rtt_rto(&rtt, &BOUNDS), expected);
        tcpip__rtt_back_off(&rtt);
        expected = expected * 2 < BOUNDS.max_rto_ns ? expected * 2 : BOUNDS.max_rto_ns;
    }
    tcpip__rtt_sample(&rtt, TCPIP_MS, 0, 1, &BOUNDS, 0);
    assert_in_range(tcpip__rtt_rto(&rtt, &BOUNDS), 200 * TCPIP_MS, 203 * TCPIP_MS);
}

static void test_a_lost_syn_makes_patient(void **state)
{
    (void)state;
    struct rtt rtt;
    tcpip__rtt_init(&rtt, &BOUNDS);
    tcpip__rtt_back_off(&rtt);
    tcpip__rtt_syn_timed_out(&rtt, &BOUNDS);
    assert_int_equal(tcpip__rtt_rto(&rtt, &BOUNDS), 3 * TCPIP_SECOND);
    tcpip__rtt_sample(&rtt, 10 * TCPIP_MS, 0, 1, &BOUNDS, 0);
    tcpip__rtt_syn_timed_out(&rtt, &BOUNDS); /* a sample says more */
    assert_true(rtt.rto_ns < TCPIP_SECOND);
}

static void test_the_minimum_is_forgotten_after_five_minutes(void **state)
{
    (void)state;
    struct rtt rtt;
    tcpip__rtt_init(&rtt, &BOUNDS);
    tcpip__rtt_sample(&rtt, 10 * TCPIP_MS, 0, 1, &BOUNDS, 0);
    tcpip__rtt_sample(&rtt, 50 * TCPIP_MS, 1, 2, &BOUNDS, 300 * TCPIP_SECOND);
    assert_int_equal(rtt.min_rtt_ns, 10 * TCPIP_MS);
    tcpip__rtt_sample(&rtt, 50 * TCPIP_MS, 2, 3, &BOUNDS, 301 * TCPIP_SECOND);
    assert_int_equal(rtt.min_rtt_ns, 50 * TCPIP_MS);
}

static void test_samples_of_nothing_and_of_hours_stay_within_the_bounds(void **state)
{
    (void)state;
    struct rtt rtt;
    tcpip__rtt_init(&rtt, &BOUNDS);
    for (uint32_t i = 0; i < 50; i++)
        tcpip__rtt_sample(&rtt, 0, i, i + 1, &BOUNDS, 0);
    assert_true(rtt.srtt_ns > 0);
    assert_int_equal(rtt.rto_ns / TCPIP_MS, 200);
    tcpip__rtt_sample(&rtt, 36000 * TCPIP_SECOND, 60, 61, &BOUNDS, 0);
    assert_int_equal(rtt.rto_ns, BOUNDS.max_rto_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_sample_sets_everything),
        cmocka_unit_test(test_one_sample_a_round_follows_the_rfc),
        cmocka_unit_test(test_many_samples_of_one_round_shrink_the_variance_once),
        cmocka_unit_test(test_a_spike_raises_the_timeout_at_once),
        cmocka_unit_test(test_backoff_doubles_up_to_the_bound_and_a_sample_ends_it),
        cmocka_unit_test(test_a_lost_syn_makes_patient),
        cmocka_unit_test(test_the_minimum_is_forgotten_after_five_minutes),
        cmocka_unit_test(test_samples_of_nothing_and_of_hours_stay_within_the_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
