// SPDX-License-Identifier: MIT
/* dctcp_test.c: DCTCP's average, and what a window loses by it (RFC 8257). */
#include "base/math.h"
#include <tcpip/congestion.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MSS = 1000 };
static uint64_t state_bytes[TCPIP_CONGESTION_STATE_BYTES / 8];

static struct tcpip_congestion dctcp_new(uint32_t cwnd)
{
    struct tcpip_congestion c = {
        .ops = &tcpip_congestion_dctcp, .mss = MSS, .cwnd = cwnd, .ssthresh = cwnd, .state = state_bytes};
    assert_true(c.ops->state_size <= sizeof(state_bytes));
    memset(state_bytes, 0, sizeof(state_bytes));
    c.ops->init(&c, 0);
    return c;
}

/* A window is acknowledged, with `marked` of every 100 segments marked; then the reduction, if any was. */
static void window(struct tcpip_congestion *c, uint32_t *una, uint32_t marked)
{
    uint32_t segments = c->cwnd / MSS;
    for (uint32_t i = 0; i < segments; i++) {
        *una += MSS;
        c->ops->on_ack(c, &(struct tcpip_congestion_ack){.acked = MSS,
                                                         .newly_delivered = MSS,
                                                         .ecn_marked = i * 100 < marked * segments ? MSS : 0,
                                                         .snd_una = *una,
                                                         .snd_nxt = *una + c->cwnd,
                                                         .mss = MSS,
                                                         .in_recovery = true});
    }
}

static uint32_t reduced(struct tcpip_congestion *c)
{
    c->ops->on_recovery(c, &(struct tcpip_congestion_ack){.mss = MSS, .ecn_echo = true});
    return c->ssthresh;
}

static void test_the_first_mark_halves(void **state)
{
    (void)state;
    struct tcpip_congestion c = dctcp_new(100 * MSS);
    assert_int_equal(reduced(&c), 50 * MSS);
}

static void test_alpha_follows_the_share_of_marks(void **state)
{
    (void)state;
    static const uint32_t shares[] = {0, 5, 20, 50, 100};
    for (size_t i = 0; i < array_count(shares); i++) {
        struct tcpip_congestion c = dctcp_new(100 * MSS);
        uint32_t una = 0xfffff000;
        for (int k = 0; k < 200; k++)
            window(&c, &una, shares[i]);
        uint32_t less = 100 * MSS - reduced(&c);
        /* alpha / 2 of the window, within a segment in a hundred */
        assert_in_range(less, shares[i] * MSS / 2 - min_u32(shares[i] * MSS / 2, MSS / 2),
                        shares[i] * MSS / 2 + MSS / 2);
    }
}

static void test_alpha_moves_by_a_sixteenth_a_window(void **state)
{
    (void)state;
    struct tcpip_congestion c = dctcp_new(100 * MSS);
    uint32_t una = 0;
    double alpha = 1;
    window(&c, &una, 0); /* until what was in flight at its beginning has arrived */
    for (int k = 0; k < 40; k++) {
        window(&c, &una, 0);
        alpha *= 15.0 / 16;
        uint32_t less = 100 * MSS - reduced(&c);
        double expected = 100 * MSS * alpha / 2;
        assert_true(less <= expected + 1 && less >= expected - 100);
    }
}

static void test_a_loss_halves_whatever_alpha_is(void **state)
{
    (void)state;
    struct tcpip_congestion c = dctcp_new(100 * MSS);
    uint32_t una = 0;
    for (int k = 0; k < 100; k++)
        window(&c, &una, 0);
    c.ops->on_recovery(&c, &(struct tcpip_congestion_ack){.mss = MSS});
    assert_int_equal(c.ssthresh, 50 * MSS);
    c.ops->on_rto(&c, 60 * MSS, 0);
    assert_int_equal(c.ssthresh, 30 * MSS);
    c.cwnd = 3 * MSS;
    c.ops->on_recovery(&c, &(struct tcpip_congestion_ack){.mss = MSS});
    assert_int_equal(c.ssthresh, 2 * MSS); /* never less */
}

static void test_without_marks_it_grows_as_reno_does(void **state)
{
    (void)state;
    struct tcpip_congestion c = dctcp_new(10 * MSS);
    uint32_t una = 0;
    for (int i = 0; i < 10; i++) {
        una += MSS;
        c.ops->on_ack(&c, &(struct tcpip_congestion_ack){.acked = MSS,
                                                         .newly_delivered = MSS,
                                                         .snd_una = una,
                                                         .snd_nxt = una + 10 * MSS,
                                                         .mss = MSS,
                                                         .cwnd_limited = true});
    }
    assert_int_equal(c.cwnd, 11 * MSS);
    c.ssthresh = TCPIP_SSTHRESH_INFINITE;
    c.ops->on_ack(&c, &(struct tcpip_congestion_ack){
                          .acked = MSS, .newly_delivered = MSS, .snd_una = una, .mss = MSS, .cwnd_limited = true});
    assert_int_equal(c.cwnd, 12 * MSS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_mark_halves),
        cmocka_unit_test(test_alpha_follows_the_share_of_marks),
        cmocka_unit_test(test_alpha_moves_by_a_sixteenth_a_window),
        cmocka_unit_test(test_a_loss_halves_whatever_alpha_is),
        cmocka_unit_test(test_without_marks_it_grows_as_reno_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
