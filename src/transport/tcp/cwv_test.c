// SPDX-License-Identifier: MIT
/* cwv_test.c: windows used, unused, and lost in (RFC 7661). */
#include "transport/tcp/cwv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MSS = 1000 };
static const tcpip_ns RTT = 100 * TCPIP_MS;

/* `segments` arrive in each of `rounds` round trips. */
static void rounds(struct cwv *cwv, tcpip_ns *now, int count, uint32_t segments, uint32_t cwnd)
{
    for (int i = 0; i < count; i++) {
        for (uint32_t k = 0; k < segments; k++)
            tcpip__cwv_on_ack(cwv, MSS, cwnd, RTT, *now + (tcpip_ns)k * RTT / (segments + 1));
        *now += RTT;
    }
}

static void test_half_a_window_a_round_trip_keeps_it_validated(void **state)
{
    (void)state;
    struct cwv cwv = {0};
    tcpip_ns now = TCPIP_SECOND;
    rounds(&cwv, &now, 100, 10, 20 * MSS);
    assert_int_equal(cwv_pipe(&cwv), 10 * MSS);
    assert_int_equal(cwv.unused_since, 0);
    assert_int_equal(tcpip__cwv_at_loss(&cwv, 20 * MSS, 3 * MSS), 20 * MSS);
}

static void test_an_unused_window_is_kept_for_five_minutes_and_halved_then(void **state)
{
    (void)state;
    struct cwv cwv = {0};
    tcpip_ns now = TCPIP_SECOND;
    uint32_t cwnd = 100 * MSS, ssthresh = 50 * MSS;
    rounds(&cwv, &now, 10, 100, cwnd);
    rounds(&cwv, &now, 100, 2, cwnd); /* a trickle */
    assert_int_not_equal(cwv.unused_since, 0);
    now = cwv.unused_since + 299 * TCPIP_SECOND;
    assert_false(tcpip__cwv_restart(&cwv, &cwnd, &ssthresh, 10 * MSS, now));
    assert_int_equal(cwnd, 100 * MSS);
    now += TCPIP_SECOND;
    assert_true(tcpip__cwv_restart(&cwv, &cwnd, &ssthresh, 10 * MSS, now));
    assert_int_equal(cwnd, 50 * MSS);
    assert_int_equal(ssthresh, 75 * MSS);
    assert_false(tcpip__cwv_restart(&cwv, &cwnd, &ssthresh, 10 * MSS, now));
    now += 3600 * TCPIP_SECOND;
    assert_true(tcpip__cwv_restart(&cwv, &cwnd, &ssthresh, 10 * MSS, now));
    assert_int_equal(cwnd, 10 * MSS);
}

static void test_silence_counts_as_well(void **state)
{
    (void)state;
    struct cwv cwv = {0};
    tcpip_ns now = TCPIP_SECOND;
    uint32_t cwnd = 100 * MSS, ssthresh = 50 * MSS;
    rounds(&cwv, &now, 10, 100, cwnd);
    assert_false(tcpip__cwv_restart(&cwv, &cwnd, &ssthresh, 10 * MSS, now + 200 * TCPIP_SECOND));
    assert_true(tcpip__cwv_restart(&cwv, &cwnd, &ssthresh, 10 * MSS, now + 310 * TCPIP_SECOND));
    assert_int_equal(cwnd, 50 * MSS);
}

static void test_a_loss_reduces_what_was_used(void **state)
{
    (void)state;
    struct cwv cwv = {0};
    tcpip_ns now = TCPIP_SECOND;
    rounds(&cwv, &now, 10, 100, 100 * MSS);
    rounds(&cwv, &now, 100, 8, 100 * MSS);
    assert_int_equal(tcpip__cwv_at_loss(&cwv, 100 * MSS, 4 * MSS), 8 * MSS);
    assert_int_equal(tcpip__cwv_at_loss(&cwv, 100 * MSS, 30 * MSS), 30 * MSS);
    rounds(&cwv, &now, 30, 60, 100 * MSS);
    assert_int_equal(tcpip__cwv_at_loss(&cwv, 100 * MSS, 4 * MSS), 100 * MSS);
}

/* What was known before a pause is known after it, whichever way it was kept. */
static void test_a_rest_changes_nothing(void **state)
{
    (void)state;
    for (uint32_t used = 0; used <= 100; used += 20) {
        struct cwv kept = {0}, folded;
        struct cwv_folded form;
        tcpip_ns now = TCPIP_SECOND;
        if (used > 0)
            rounds(&kept, &now, 100, used, 100 * MSS);
        for (tcpip_ns pause_s = 2; pause_s < 2000; pause_s *= 3) {
            tcpip_ns later = now + pause_s * TCPIP_SECOND;
            struct cwv was = kept;
            tcpip__cwv_fold(&kept, &form);
            tcpip__cwv_unfold(&form, &folded, later);
            assert_in_range(was.period_at - folded.period_at, 0, 17 * TCPIP_MS);
            assert_int_equal(tcpip__cwv_at_loss(&folded, 100 * MSS, MSS), tcpip__cwv_at_loss(&was, 100 * MSS, MSS));
            uint32_t cwnd[2] = {100 * MSS, 100 * MSS}, ssthresh[2] = {50 * MSS, 50 * MSS};
            assert_int_equal(tcpip__cwv_restart(&folded, &cwnd[0], &ssthresh[0], 10 * MSS, later),
                             tcpip__cwv_restart(&was, &cwnd[1], &ssthresh[1], 10 * MSS, later));
            assert_int_equal(cwnd[0], cwnd[1]);
            tcpip__cwv_on_ack(&folded, 5 * MSS, cwnd[0], 100 * TCPIP_MS, later);
            tcpip__cwv_on_ack(&was, 5 * MSS, cwnd[1], 100 * TCPIP_MS, later);
            assert_int_equal(cwv_pipe(&folded), cwv_pipe(&was));
            assert_int_equal(folded.unused_since != 0, was.unused_since != 0);
            assert_int_equal(folded.acked, was.acked);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_a_window_a_round_trip_keeps_it_validated),
        cmocka_unit_test(test_an_unused_window_is_kept_for_five_minutes_and_halved_then),
        cmocka_unit_test(test_silence_counts_as_well),
        cmocka_unit_test(test_a_loss_reduces_what_was_used),
        cmocka_unit_test(test_a_rest_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
