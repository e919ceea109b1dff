// SPDX-License-Identifier: MIT
/* cubic_test.c: CUBIC beside RFC 9438's formulas in floating point, over flows of many shapes. */
#include "base/math.h"
#include <tcpip/congestion.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint64_t state_bytes[TCPIP_CONGESTION_STATE_BYTES / 8];

static struct tcpip_congestion cubic_new(uint32_t mss, uint32_t cwnd, uint32_t ssthresh, tcpip_ns now)
{
    struct tcpip_congestion c = {
        .ops = &tcpip_congestion_cubic, .mss = mss, .cwnd = cwnd, .ssthresh = ssthresh, .state = state_bytes};
    assert_true(c.ops->state_size <= sizeof(state_bytes));
    memset(state_bytes, 0, sizeof(state_bytes));
    c.ops->init(&c, now);
    return c;
}

static void acked(struct tcpip_congestion *c, uint32_t bytes, tcpip_ns now, tcpip_ns rtt_ns, bool limited)
{
    c->ops->on_ack(
        c, &(struct tcpip_congestion_ack){
               .now = now, .acked = bytes, .mss = c->mss, .rtt_ns = -1, .srtt_ns = rtt_ns, .cwnd_limited = limited});
}

/* One round trip: the window is acknowledged in `pieces`, evenly. */
static void round_trip(struct tcpip_congestion *c, tcpip_ns *now, tcpip_ns rtt_ns, uint32_t pieces)
{
    uint32_t window = c->cwnd;
    for (uint32_t i = 0; i < pieces; i++) {
        *now += rtt_ns / pieces;
        acked(c, window / pieces, *now, rtt_ns, true);
    }
}

static void lose(struct tcpip_congestion *c)
{
    c->ops->on_recovery(c, &(struct tcpip_congestion_ack){.mss = c->mss});
    c->cwnd = c->ssthresh;
}

/* The curve in segments and seconds. The cube root by bisection: no libm here. */
static double root3(double x)
{
    double low = 0, high = 1e6;
    for (int i = 0; i < 100; i++) {
        double mid = (low + high) / 2;
        if (mid * mid * mid < x)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static double curve(double t, double w_max, double begin)
{
    double k = root3((w_max - begin) / 0.4);
    return 0.4 * (t - k) * (t - k) * (t - k) + w_max;
}

static void assert_near(double a, double b, double relative)
{
    double difference = a > b ? a - b : b - a;
    if (difference > b * relative)
        fail_msg("%f is not within %f of %f", a, relative, b);
}

static void test_after_a_loss_the_window_follows_the_curve(void **state)
{
    (void)state;
    static const uint32_t windows[] = {1000, 5000, 100000};
    static const uint32_t sizes[] = {536, 1460, 8960};
    for (size_t i = 0; i < array_count(windows); i++) {
        for (size_t k = 0; k < array_count(sizes); k++) {
            uint32_t mss = sizes[k], w_max = windows[i];
            tcpip_ns now = TCPIP_SECOND, begin, rtt = 100 * TCPIP_MS;
            struct tcpip_congestion c = cubic_new(mss, w_max * mss, w_max * mss, now);
            lose(&c);
            assert_int_equal(c.ssthresh, (uint64_t)w_max * mss * 7 / 10);
            begin = now;
            for (int round = 0; round < 600; round++) {
                round_trip(&c, &now, rtt, 50);
                double t = (double)(now - begin) / 1e9;
                double expected = curve(t + 0.1, w_max, 0.7 * w_max);
                if (expected * mss > 1e9)
                    break;
                /* It goes to where the curve will be in a round trip; far out it may lag by the bound of 1.5 a round.
                 */
                if (t > 1)
                    assert_near((double)c.cwnd / mss, expected, 0.02);
            }
        }
    }
}

static void test_where_reno_would_have_more_the_window_is_renos(void **state)
{
    (void)state;
    uint32_t mss = 1460, w_max = 40;
    tcpip_ns now = TCPIP_SECOND, rtt = 2 * TCPIP_MS;
    struct tcpip_congestion c = cubic_new(mss, w_max * mss, w_max * mss, now);
    lose(&c);
    double reno = 0.7 * w_max;
    for (int round = 0; round < 200; round++) {
        round_trip(&c, &now, rtt, 20);
        reno += reno < w_max ? 9.0 / 17 : 1.0;
        assert_near((double)c.cwnd / mss, reno, 0.03);
    }
    assert_true(c.cwnd > 3 * w_max * mss); /* 0.4 s: the curve has not left its plateau */
}

static void test_a_second_loss_below_the_plateau_makes_room_for_others(void **state)
{
    (void)state;
    uint32_t mss = 1000;
    tcpip_ns now = TCPIP_SECOND, begin;
    struct tcpip_congestion c = cubic_new(mss, 1000 * mss, 1000 * mss, now);
    lose(&c); /* W_max 1000 */
    lose(&c); /* at 700: W_max 595 */
    assert_int_equal(c.ssthresh, 490 * mss);
    begin = now;
    for (int round = 0; round < 40; round++)
        round_trip(&c, &now, 100 * TCPIP_MS, 50);
    assert_near((double)c.cwnd / mss, curve((double)(now - begin) / 1e9 + 0.1, 595, 490), 0.02);
}

static void test_a_loss_at_the_plateau_but_for_a_fraction_of_a_segment_is_not_below_it(void **state)
{
    (void)state;
    uint32_t mss = 1000;
    tcpip_ns now = TCPIP_SECOND, begin;
    struct tcpip_congestion c = cubic_new(mss, 1000 * mss, 1000 * mss, now);
    lose(&c);
    while (c.cwnd <= 999 * mss)
        round_trip(&c, &now, 100 * TCPIP_MS, 50);
    assert_true(c.cwnd < 1000 * mss);
    lose(&c);
    begin = now;
    for (int round = 0; round < 20; round++)
        round_trip(&c, &now, 100 * TCPIP_MS, 50);
    assert_near((double)c.cwnd / mss, curve((double)(now - begin) / 1e9 + 0.1, 1000, 700), 0.02);
}

static void test_after_a_timeout_the_plateau_is_where_slow_start_ended(void **state)
{
    (void)state;
    uint32_t mss = 1000;
    tcpip_ns now = TCPIP_SECOND, begin;
    struct tcpip_congestion c = cubic_new(mss, 1000 * mss, 1000 * mss, now);
    c.ops->on_rto(&c, 1000 * mss, now);
    c.cwnd = mss;
    assert_int_equal(c.ssthresh, 700 * mss);
    while (c.cwnd < c.ssthresh)
        round_trip(&c, &now, 100 * TCPIP_MS, 50);
    begin = now;
    for (int round = 0; round < 50; round++)
        round_trip(&c, &now, 100 * TCPIP_MS, 50);
    /* convex from 700: 0.4 * 5^3 = 50 more in 5 s, where returning to 1000 would have brought 220 */
    assert_near((double)c.cwnd / mss, curve((double)(now - begin) / 1e9 + 0.1, 700, 700), 0.04);
}

static void test_an_undo_takes_up_the_curve_again(void **state)
{
    (void)state;
    uint32_t mss = 1000, cwnd, ssthresh;
    tcpip_ns now = TCPIP_SECOND;
    struct tcpip_congestion c = cubic_new(mss, 1000 * mss, 1000 * mss, now), undisturbed;
    uint64_t kept[TCPIP_CONGESTION_STATE_BYTES / 8];
    lose(&c);
    for (int round = 0; round < 30; round++)
        round_trip(&c, &now, 100 * TCPIP_MS, 50);
    memcpy(kept, state_bytes, sizeof(kept));
    undisturbed = c;
    undisturbed.state = kept;
    cwnd = c.cwnd;
    ssthresh = c.ssthresh;
    lose(&c);
    c.cwnd = cwnd;
    c.ssthresh = ssthresh;
    c.ops->on_undo(&c, now);
    tcpip_ns then = now;
    for (int round = 0; round < 30; round++) {
        round_trip(&c, &now, 100 * TCPIP_MS, 50);
        round_trip(&undisturbed, &then, 100 * TCPIP_MS, 50);
    }
    assert_near(c.cwnd, undisturbed.cwnd, 0.001);
}

static void test_an_undo_that_comes_after_the_window_has_grown_beyond_it_changes_nothing(void **state)
{
    (void)state;
    uint32_t mss = 1000;
    tcpip_ns now = TCPIP_SECOND;
    struct tcpip_congestion c = cubic_new(mss, 1000 * mss, 1000 * mss, now), undisturbed;
    uint64_t kept[TCPIP_CONGESTION_STATE_BYTES / 8];
    lose(&c);
    for (int round = 0; round < 10; round++)
        round_trip(&c, &now, 100 * TCPIP_MS, 50);
    uint32_t at_loss = c.cwnd; /* the one that will turn out to be none */
    lose(&c);
    while (c.cwnd <= at_loss)
        round_trip(&c, &now, 100 * TCPIP_MS, 50);
    memcpy(kept, state_bytes, sizeof(kept));
    undisturbed = c;
    undisturbed.state = kept;
    c.ops->on_undo(&c, now);
    tcpip_ns then = now;
    for (int round = 0; round < 10; round++) {
        round_trip(&c, &now, 100 * TCPIP_MS, 50);
        round_trip(&undisturbed, &then, 100 * TCPIP_MS, 50);
    }
    assert_int_equal(c.cwnd, undisturbed.cwnd);
}

static void test_time_in_which_nothing_was_missing_doesnt_count(void **state)
{
    (void)state;
    uint32_t mss = 1000;
    tcpip_ns now = TCPIP_SECOND, rtt = 100 * TCPIP_MS, active = 0;
    struct tcpip_congestion c = cubic_new(mss, 1000 * mss, 1000 * mss, now);
    lose(&c);
    for (int round = 0; round < 40; round++, active += rtt)
        round_trip(&c, &now, rtt, 50);
    uint32_t before = c.cwnd;
    for (int i = 0; i < 100; i++, now += TCPIP_SECOND)
        acked(&c, 10 * mss, now, rtt, false); /* a trickle for 100 s */
    now += 60 * TCPIP_SECOND;
    c.ops->on_idle(&c, 60 * TCPIP_SECOND, now);
    assert_int_equal(c.cwnd, before);
    for (int round = 0; round < 20; round++, active += rtt)
        round_trip(&c, &now, rtt, 50);
    assert_near((double)c.cwnd / mss, curve((double)active / 1e9 + 1.1, 1000, 700), 0.03);
}

static void test_growth_never_exceeds_half_of_what_was_acknowledged(void **state)
{
    (void)state;
    uint32_t mss = 1000;
    tcpip_ns now = TCPIP_SECOND;
    struct tcpip_congestion c = cubic_new(mss, 1000 * mss, 1000 * mss, now);
    lose(&c);
    acked(&c, mss, now, TCPIP_MS, true);
    now += 1000 * TCPIP_SECOND; /* without an idle notice */
    for (int i = 0; i < 1000; i++) {
        uint32_t before = c.cwnd;
        acked(&c, mss, now, TCPIP_MS, true);
        assert_true(c.cwnd - before <= mss / 2 + 1);
    }
}

static void test_the_first_slow_start_ends_when_the_queue_fills(void **state)
{
    (void)state;
    uint32_t mss = 1000, una = 0, nxt = 10 * mss;
    tcpip_ns now = TCPIP_SECOND;
    struct tcpip_congestion c = cubic_new(mss, 10 * mss, TCPIP_SSTHRESH_INFINITE, now);
    /* A path of 200 segments per round trip: what is beyond queues up. */
    for (int i = 0; i < 200000 && c.ssthresh == TCPIP_SSTHRESH_INFINITE; i++) {
        tcpip_ns queue_ns = (tcpip_ns)sat_sub_u32(c.cwnd, 200 * mss) * 500;
        now += TCPIP_MS / 2;
        una += mss;
        nxt = una + c.cwnd;
        struct tcpip_congestion_ack ack = {.now = now,
                                           .acked = mss,
                                           .mss = mss,
                                           .snd_una = una,
                                           .snd_nxt = nxt,
                                           .rtt_ns = 100 * TCPIP_MS + queue_ns,
                                           .srtt_ns = 100 * TCPIP_MS,
                                           .cwnd_limited = true};
        c.ops->on_ack(&c, &ack);
    }
    assert_in_range(c.ssthresh, 200 * mss, 1100 * mss); /* five rounds of growth by a quarter from some 330 */
    assert_int_equal(c.cwnd, c.ssthresh);
}

static void test_a_later_slow_start_knows_where_to_stop(void **state)
{
    (void)state;
    uint32_t mss = 1000, una = 0;
    tcpip_ns now = TCPIP_SECOND, rtt = 50 * TCPIP_MS;
    struct tcpip_congestion c = cubic_new(mss, 1000 * mss, 1000 * mss, now);
    c.ops->on_rto(&c, 1000 * mss, now);
    c.cwnd = 10 * mss;
    while (c.cwnd < c.ssthresh) { /* a round trip that grows by a quarter in each round, as where a queue fills */
        uint32_t window = c.cwnd;
        rtt += rtt / 4;
        now += rtt;
        for (uint32_t i = 0; i < window / mss; i++) {
            una += mss;
            now += TCPIP_US;
            struct tcpip_congestion_ack ack = {.now = now,
                                               .acked = mss,
                                               .mss = mss,
                                               .snd_una = una,
                                               .snd_nxt = una + c.cwnd,
                                               .rtt_ns = rtt,
                                               .srtt_ns = rtt,
                                               .cwnd_limited = true};
            c.ops->on_ack(&c, &ack);
        }
        assert_true(c.cwnd >= c.ssthresh || c.cwnd == 2 * window);
    }
    assert_int_equal(c.ssthresh, 700 * mss);
}

static void test_extreme_facts_keep_the_window_in_its_bounds(void **state)
{
    (void)state;
    static const uint32_t values[] = {0, 1, 48, 1460, 65535, 1u << 29, 1u << 30, UINT32_MAX};
    static const tcpip_ns times[] = {0, 1, TCPIP_MS, TCPIP_SECOND, 86400 * TCPIP_SECOND, TCPIP_SECOND * 86400 * 36500};
    uint32_t n = 12345;
    struct tcpip_congestion c = cubic_new(48, 96, TCPIP_SSTHRESH_INFINITE, 0);
    tcpip_ns now = 0;
    for (int i = 0; i < 200000; i++) {
        n = n * 1664525 + 1013904223;
        now = min_i64(ns_add(now, times[(n >> 8) % (i % 1000 == 0 ? 6 : 4)]), TCPIP_NEVER / 2);
        if ((n >> 20) % 50 == 0)
            lose(&c);
        if ((n >> 20) % 61 == 0)
            c.ops->on_rto(&c, values[(n >> 4) % 8], now);
        if ((n >> 20) % 67 == 0)
            c.ops->on_undo(&c, now);
        acked(&c, values[(n >> 16) % 8], now, times[(n >> 13) % 6] - 1, (n >> 27) % 8 != 0);
        assert_in_range(c.cwnd, 96, 1u << 30);
        assert_true(c.ssthresh >= 96);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_after_a_loss_the_window_follows_the_curve),
        cmocka_unit_test(test_where_reno_would_have_more_the_window_is_renos),
        cmocka_unit_test(test_a_second_loss_below_the_plateau_makes_room_for_others),
        cmocka_unit_test(test_a_loss_at_the_plateau_but_for_a_fraction_of_a_segment_is_not_below_it),
        cmocka_unit_test(test_after_a_timeout_the_plateau_is_where_slow_start_ended),
        cmocka_unit_test(test_an_undo_takes_up_the_curve_again),
        cmocka_unit_test(test_an_undo_that_comes_after_the_window_has_grown_beyond_it_changes_nothing),
        cmocka_unit_test(test_time_in_which_nothing_was_missing_doesnt_count),
        cmocka_unit_test(test_growth_never_exceeds_half_of_what_was_acknowledged),
        cmocka_unit_test(test_the_first_slow_start_ends_when_the_queue_fills),
        cmocka_unit_test(test_a_later_slow_start_knows_where_to_stop),
        cmocka_unit_test(test_extreme_facts_keep_the_window_in_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
