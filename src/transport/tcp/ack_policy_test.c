// SPDX-License-Identifier: MIT
/* ack_policy_test.c: which segments are acknowledged when. */
#include "transport/tcp/ack_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MSS = 1460 };
static const struct ack_bounds BOUNDS = {40 * TCPIP_MS, 200 * TCPIP_MS, 44};

static struct ack_policy policy_new(void)
{
    struct ack_policy policy;
    tcpip__ack_policy_init(&policy, &BOUNDS);
    return policy;
}

static enum ack_decision full(struct ack_policy *policy, uint32_t segments, tcpip_ns now)
{
    return tcpip__ack_policy_on_data(policy, segments * MSS, segments, true, false, &BOUNDS, now);
}

static enum ack_decision small(struct ack_policy *policy, tcpip_ns now)
{
    return tcpip__ack_policy_on_data(policy, 100, 1, false, false, &BOUNDS, now);
}

static void test_every_second_full_segment_at_once(void **state)
{
    (void)state;
    struct ack_policy policy = policy_new();
    for (int i = 0; i < 10; i++) {
        assert_int_equal(full(&policy, 1, TCPIP_SECOND), ACK_DELAYED);
        assert_int_equal(policy.delayed_at, TCPIP_SECOND + 40 * TCPIP_MS);
        assert_int_equal(full(&policy, 1, TCPIP_SECOND), ACK_AT_ONCE);
        tcpip__ack_policy_on_ack_sent(&policy, false);
        assert_int_equal(policy.delayed_at, TCPIP_NEVER);
    }
}

static void test_merged_units_share_an_ack_up_to_the_stretch(void **state)
{
    (void)state;
    struct ack_policy policy = policy_new();
    assert_int_equal(full(&policy, 20, 1), ACK_AT_FLUSH);
    assert_int_equal(full(&policy, 20, 1), ACK_AT_FLUSH);
    assert_int_equal(full(&policy, 20, 1), ACK_AT_ONCE);
    tcpip__ack_policy_on_ack_sent(&policy, false);
    assert_int_equal(full(&policy, 44, 1), ACK_AT_ONCE);
}

static void test_quick_mode_acknowledges_each_segment(void **state)
{
    (void)state;
    struct ack_policy policy = policy_new();
    tcpip__ack_policy_quick(&policy, 1000);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(small(&policy, 1), ACK_AT_FLUSH);
        tcpip__ack_policy_on_ack_sent(&policy, false);
        tcpip__ack_policy_on_ack_sent(&policy, false); /* of nothing: doesn't count */
    }
    assert_int_equal(small(&policy, 1), ACK_DELAYED);
}

static void test_answering_with_data_ends_quick_mode_until_an_answer_fails_to_come(void **state)
{
    (void)state;
    struct ack_policy policy = policy_new();
    tcpip__ack_policy_quick(&policy, 8);
    assert_int_equal(small(&policy, 1), ACK_AT_FLUSH);
    tcpip__ack_policy_on_ack_sent(&policy, true);
    assert_true(policy.ping_pong);
    assert_int_equal(small(&policy, 2), ACK_DELAYED);
    tcpip__ack_policy_on_timer(&policy, &BOUNDS);
    assert_int_equal(policy.ato_ns, BOUNDS.min_ns);
    tcpip__ack_policy_on_ack_sent(&policy, false);
    assert_int_equal(small(&policy, 3), ACK_AT_FLUSH);
}

static void test_data_that_we_send_alone_are_no_answer(void **state)
{
    (void)state;
    struct ack_policy policy = policy_new();
    tcpip__ack_policy_on_ack_sent(&policy, true);
    assert_false(policy.ping_pong);
}

static void test_a_filled_hole_and_the_end_of_a_burst_dont_wait(void **state)
{
    (void)state;
    struct ack_policy policy = policy_new();
    assert_int_equal(tcpip__ack_policy_on_data(&policy, 100, 1, false, true, &BOUNDS, 1), ACK_AT_ONCE);
    tcpip__ack_policy_on_ack_sent(&policy, false);
    assert_int_equal(full(&policy, 1, 1), ACK_DELAYED);
    assert_int_equal(small(&policy, 1), ACK_AT_FLUSH);
    tcpip__ack_policy_on_ack_sent(&policy, false);
    assert_int_equal(small(&policy, 1), ACK_DELAYED); /* a request: its answer will carry it */
}

static void test_the_delay_follows_the_peers_rhythm(void **state)
{
    (void)state;
    struct ack_policy policy = policy_new();
    tcpip_ns now = TCPIP_SECOND;
    small(&policy, now);
    tcpip__ack_policy_on_timer(&policy, &BOUNDS);
    assert_int_equal(policy.ato_ns, 80 * TCPIP_MS); /* in vain: longer */
    tcpip__ack_policy_on_timer(&policy, &BOUNDS);
    tcpip__ack_policy_on_timer(&policy, &BOUNDS);
    assert_int_equal(policy.ato_ns, BOUNDS.max_ns);
    for (int i = 0; i < 20; i++)
        small(&policy, now += 60 * TCPIP_MS);
    assert_in_range(policy.ato_ns, 110 * TCPIP_MS, 130 * TCPIP_MS);
    for (int i = 0; i < 20; i++)
        small(&policy, now += TCPIP_MS);
    assert_in_range(policy.ato_ns, BOUNDS.min_ns, BOUNDS.min_ns + TCPIP_MS);
    tcpip__ack_policy_on_ack_sent(&policy, false);
    assert_int_equal(small(&policy, now + TCPIP_SECOND), ACK_AT_FLUSH); /* after a pause: quick */
}

static void test_the_second_of_small_segments_is_acknowledged_with_the_turn(void **state)
{
    (void)state;
    struct ack_policy policy = policy_new();
    assert_int_equal(small(&policy, TCPIP_SECOND), ACK_DELAYED);
    assert_int_equal(policy.delayed_at, TCPIP_SECOND + 40 * TCPIP_MS);
    assert_int_equal(small(&policy, TCPIP_SECOND + 30 * TCPIP_MS), ACK_AT_FLUSH);
    assert_int_equal(small(&policy, TCPIP_SECOND + 30 * TCPIP_MS), ACK_AT_FLUSH); /* the same ACK */
    tcpip__ack_policy_on_ack_sent(&policy, true);
    assert_int_equal(small(&policy, TCPIP_SECOND + 31 * TCPIP_MS), ACK_DELAYED);
}

static void test_reading_sends_a_window_update_when_one_is_due(void **state)
{
    (void)state;
    struct ack_policy policy = policy_new();
    assert_int_equal(tcpip__ack_policy_on_read(&policy, false), ACK_NONE);
    assert_int_equal(tcpip__ack_policy_on_read(&policy, true), ACK_AT_FLUSH);
    full(&policy, 1, 1);
    assert_int_equal(tcpip__ack_policy_on_read(&policy, false), ACK_DELAYED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_second_full_segment_at_once),
        cmocka_unit_test(test_merged_units_share_an_ack_up_to_the_stretch),
        cmocka_unit_test(test_quick_mode_acknowledges_each_segment),
        cmocka_unit_test(test_answering_with_data_ends_quick_mode_until_an_answer_fails_to_come),
        cmocka_unit_test(test_data_that_we_send_alone_are_no_answer),
        cmocka_unit_test(test_a_filled_hole_and_the_end_of_a_burst_dont_wait),
        cmocka_unit_test(test_the_delay_follows_the_peers_rhythm),
        cmocka_unit_test(test_the_second_of_small_segments_is_acknowledged_with_the_turn),
        cmocka_unit_test(test_reading_sends_a_window_update_when_one_is_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
