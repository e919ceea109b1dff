// SPDX-License-Identifier: MIT
/* syn_cookie_test.c: cookies come back as they went, for two minutes, and to nobody else. */
#include "transport/tcp/syn_cookie.h"

#include "base/compiler.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct siphash_key SECRET = {{5, 6}};
static const struct syn_cookie_flow FLOW = {{1}, {2}, 80, 40000};

static void test_a_cookie_carries_the_next_lower_mss(void **state)
{
    (void)state;
    static const uint16_t mss[][2] = {{0, 216},     {216, 216},   {535, 216},   {536, 536},        {1459, 1440},
                                      {1460, 1460}, {4000, 1460}, {8960, 8960}, {UINT16_MAX, 8960}};
    for (size_t i = 0; i < array_count(mss); i++) {
        struct syn_cookie_facts facts = {.mss = mss[i][0]}, out = {0};
        seqnum iss = tcpip__syn_cookie_make(&SECRET, &FLOW, seq(77), &facts, TCPIP_SECOND);
        assert_true(tcpip__syn_cookie_check(&SECRET, &FLOW, seq(77), iss, &out, 2 * TCPIP_SECOND));
        assert_int_equal(out.mss, mss[i][1]);
    }
}

static void test_it_is_good_for_this_minute_and_the_next(void **state)
{
    (void)state;
    struct syn_cookie_facts facts = {.mss = 1460}, out;
    tcpip_ns minute = 60 * TCPIP_SECOND;
    seqnum iss = tcpip__syn_cookie_make(&SECRET, &FLOW, seq(77), &facts, 5 * minute);
    assert_true(tcpip__syn_cookie_check(&SECRET, &FLOW, seq(77), iss, &out, 7 * minute - 1));
    assert_false(tcpip__syn_cookie_check(&SECRET, &FLOW, seq(77), iss, &out, 7 * minute));
    assert_false(tcpip__syn_cookie_check(&SECRET, &FLOW, seq(77), iss, &out, 5 * minute - 1));
    iss = tcpip__syn_cookie_make(&SECRET, &FLOW, seq(77), &facts, 0); /* the first minute has none before */
    assert_true(tcpip__syn_cookie_check(&SECRET, &FLOW, seq(77), iss, &out, 0));
}

static void test_nobody_else_has_it(void **state)
{
    (void)state;
    struct syn_cookie_facts facts = {.mss = 1460}, out;
    struct syn_cookie_flow other = FLOW;
    struct siphash_key secret = {{5, 7}};
    seqnum iss = tcpip__syn_cookie_make(&SECRET, &FLOW, seq(77), &facts, 0);
    assert_false(tcpip__syn_cookie_check(&SECRET, &FLOW, seq(78), iss, &out, 0));
    assert_false(tcpip__syn_cookie_check(&secret, &FLOW, seq(77), iss, &out, 0));
    other.remote_port++;
    assert_false(tcpip__syn_cookie_check(&SECRET, &other, seq(77), iss, &out, 0));
    other = FLOW;
    other.remote[15] = 9;
    assert_false(tcpip__syn_cookie_check(&SECRET, &other, seq(77), iss, &out, 0));
    other = FLOW;
    other.local_port++;
    assert_false(tcpip__syn_cookie_check(&SECRET, &other, seq(77), iss, &out, 0));
}

/* An ACK of one byte more, or less, than our SYN is no answer to it. */
static void test_its_neighbours_are_no_cookies(void **state)
{
    (void)state;
    for (uint32_t tried = 0; tried < 100; tried++) {
        struct syn_cookie_facts facts = {.mss = (uint16_t)(200 + tried * 90)}, out;
        seqnum iss = tcpip__syn_cookie_make(&SECRET, &FLOW, seq(tried), &facts, 0);
        for (uint32_t by = 1; by < 16; by++) {
            assert_false(tcpip__syn_cookie_check(&SECRET, &FLOW, seq(tried), seq_add(iss, by), &out, 0));
            assert_false(tcpip__syn_cookie_check(&SECRET, &FLOW, seq(tried), seq_sub(iss, by), &out, 0));
        }
    }
}

static void test_a_million_guesses_hit_nothing(void **state)
{
    (void)state;
    struct syn_cookie_facts out;
    struct rng rng;
    rng_init(&rng, 1);
    for (int i = 0; i < 1000000; i++)
        assert_false(tcpip__syn_cookie_check(&SECRET, &FLOW, seq(77), seq(rng_u32(&rng)), &out, 0));
}

static void test_options_survive_in_the_timestamp_which_never_runs_ahead(void **state)
{
    (void)state;
    for (uint32_t clock = 1000; clock < 1200; clock++) {
        for (int8_t scale = -1; scale <= 14; scale++) {
            for (int flags = 0; flags < 4; flags++) {
                struct syn_cookie_facts facts = {.sack = flags & 1, .ecn = flags & 2, .peer_scale = scale}, out = {0};
                uint32_t ts = tcpip__syn_cookie_timestamp(clock, &facts);
                assert_true(ts <= clock && clock - ts < 64);
                tcpip__syn_cookie_timestamp_read(ts, &out);
                assert_int_equal(out.sack, facts.sack);
                assert_int_equal(out.ecn, facts.ecn);
                assert_int_equal(out.peer_scale, facts.peer_scale);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cookie_carries_the_next_lower_mss),
        cmocka_unit_test(test_it_is_good_for_this_minute_and_the_next),
        cmocka_unit_test(test_nobody_else_has_it),
        cmocka_unit_test(test_its_neighbours_are_no_cookies),
        cmocka_unit_test(test_a_million_guesses_hit_nothing),
        cmocka_unit_test(test_options_survive_in_the_timestamp_which_never_runs_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
