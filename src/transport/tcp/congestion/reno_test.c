// SPDX-License-Identifier: MIT
/* reno_test.c: RFC 5681's window, ACK by ACK. */
#include "base/math.h"
#include <tcpip/congestion.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MSS = 1000 };

static uint64_t state_bytes[TCPIP_CONGESTION_STATE_BYTES / 8];

static struct tcpip_congestion reno_new(uint32_t cwnd, uint32_t ssthresh)
{
    struct tcpip_congestion c = {
        .ops = &tcpip_congestion_reno, .mss = MSS, .cwnd = cwnd, .ssthresh = ssthresh, .state = state_bytes};
    assert_true(c.ops->state_size <= sizeof(state_bytes));
    c.ops->init(&c, 0);
    return c;
}

static void acked(struct tcpip_congestion *c, uint32_t bytes)
{
    c->ops->on_ack(c, &(struct tcpip_congestion_ack){.acked = bytes, .mss = MSS, .cwnd_limited = true, .rtt_ns = -1});
}

static void test_slow_start_doubles_up_to_ssthresh(void **state)
{
    (void)state;
    struct tcpip_congestion c = reno_new(10 * MSS, 25 * MSS);
    for (int i = 0; i < 10; i++)
        acked(&c, MSS);
    assert_int_equal(c.cwnd, 20 * MSS);
    acked(&c, 9 * MSS); /* five to ssthresh, the rest counts for avoidance */
    assert_int_equal(c.cwnd, 25 * MSS);
    for (int i = 0; i < 21; i++)
        acked(&c, MSS);
    assert_int_equal(c.cwnd, 26 * MSS);
}

static void test_avoidance_adds_a_segment_a_window_however_the_acks_are_cut(void **state)
{
    (void)state;
    static const uint32_t cuts[] = {1, 37, MSS, 2 * MSS, 10 * MSS, 100 * MSS};
    for (size_t i = 0; i < array_count(cuts); i++) {
        struct tcpip_congestion c = reno_new(10 * MSS, 10 * MSS);
        for (uint32_t left = 145 * MSS; left > 0;) { /* 10 + 11 + ... + 19 windows */
            uint32_t take = min_u32(left, cuts[i]);
            acked(&c, take);
            left -= take;
        }
        assert_in_range(c.cwnd, 19 * MSS, 21 * MSS);
    }
}

static void test_only_a_full_window_grows(void **state)
{
    (void)state;
    struct tcpip_congestion c = reno_new(10 * MSS, 20 * MSS);
    struct tcpip_congestion_ack ack = {.acked = 5 * MSS, .mss = MSS};
    c.ops->on_ack(&c, &ack);
    ack.cwnd_limited = ack.in_recovery = true;
    c.ops->on_ack(&c, &ack);
    assert_int_equal(c.cwnd, 10 * MSS);
}

static void test_a_loss_halves_what_was_outstanding(void **state)
{
    (void)state;
    struct tcpip_congestion c = reno_new(20 * MSS, TCPIP_SSTHRESH_INFINITE);
    struct tcpip_congestion_ack ack = {.mss = MSS, .snd_una = 0u - 5 * MSS, .snd_nxt = 11 * MSS, .in_flight = 2 * MSS};
    c.ops->on_recovery(&c, &ack);
    assert_int_equal(c.ssthresh, 8 * MSS); /* of 16: a window that wasn't used was never tried */
    ack.snd_nxt = 50 * MSS;
    c.ops->on_recovery(&c, &ack);
    assert_int_equal(c.ssthresh, 10 * MSS); /* at most of cwnd */
    c.ops->on_rto(&c, MSS, 0);
    assert_int_equal(c.ssthresh, 2 * MSS);
}

static void test_the_window_stays_below_what_tcp_can_say(void **state)
{
    (void)state;
    struct tcpip_congestion c = reno_new((1u << 30) - MSS, TCPIP_SSTHRESH_INFINITE);
    for (int i = 0; i < 100; i++)
        acked(&c, 1u << 30);
    assert_int_equal(c.cwnd, 1u << 30);
    c.ssthresh = 2 * MSS;
    for (int i = 0; i < 100; i++)
        acked(&c, UINT32_MAX);
    assert_true(c.cwnd <= (1u << 30) + MSS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_start_doubles_up_to_ssthresh),
        cmocka_unit_test(test_avoidance_adds_a_segment_a_window_however_the_acks_are_cut),
        cmocka_unit_test(test_only_a_full_window_grows),
        cmocka_unit_test(test_a_loss_halves_what_was_outstanding),
        cmocka_unit_test(test_the_window_stays_below_what_tcp_can_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
