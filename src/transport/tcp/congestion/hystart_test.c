// SPDX-License-Identifier: MIT
/* hystart_test.c: rounds of ACKs over paths whose queues fill, jitter, or stay empty. */
#include "transport/tcp/congestion/hystart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MSS = 1000 };

struct flow_model {
    struct hystart hystart;
    uint32_t una, nxt;
    uint32_t grown; /* bytes that cwnd was allowed to grow in the latest round */
    bool left;
    tcpip_ns now;
};

/* A round of `acks` ACKs for a segment each, all with this sample (-1: none). */
static void round_of(struct flow_model *flow, int acks, tcpip_ns rtt_ns)
{
    flow->grown = 0;
    uint32_t end = flow->nxt;
    for (int i = 0; i < acks; i++) {
        bool leave;
        flow->una += MSS;
        flow->nxt += 2 * MSS;
        if (i == acks - 1)
            flow->una = end;
        struct tcpip_congestion_ack ack = {
            .now = flow->now, .acked = MSS, .mss = MSS, .snd_una = flow->una, .snd_nxt = flow->nxt, .rtt_ns = rtt_ns};
        flow->grown += tcpip__hystart_on_ack(&flow->hystart, &ack, &leave);
        flow->left |= leave;
    }
}

/* The same at this instant, by a clock that stands still during the round. */
static void round_at(struct flow_model *flow, int acks, tcpip_ns rtt_ns, tcpip_ns now)
{
    flow->now = now;
    round_of(flow, acks, rtt_ns);
}

static struct flow_model flow_new(int acks)
{
    uint32_t start = 0u - 30 * MSS; /* sequence numbers wrap on the way */
    return (struct flow_model){.una = start, .nxt = start + (uint32_t)acks * MSS};
}

static void test_a_steady_round_trip_doubles(void **state)
{
    (void)state;
    struct flow_model flow = flow_new(10);
    for (int i = 0; i < 30; i++) {
        round_of(&flow, 10, 50 * TCPIP_MS + i % 3 * TCPIP_MS);
        assert_int_equal(flow.grown, 10 * MSS);
    }
    assert_false(flow.left);
}

static void test_a_tick_of_the_clock_is_no_queue_but_two_are(void **state)
{
    (void)state;
    const tcpip_ns tick = 15 * TCPIP_MS;
    struct flow_model flow = flow_new(10);
    round_at(&flow, 10, 6 * tick, 100 * tick);
    round_at(&flow, 10, 6 * tick, 101 * tick);
    for (int i = 1; i <= 3; i++) /* the same round trip, measured over one tick more */
        round_at(&flow, 10, 7 * tick, (101 + 7 * i) * tick);
    assert_int_equal(flow.grown, 10 * MSS);
    round_at(&flow, 10, 6 * tick, 128 * tick);
    round_at(&flow, 10, 8 * tick, 136 * tick);
    round_at(&flow, 10, 8 * tick, 144 * tick);
    round_at(&flow, 10, 8 * tick, 152 * tick);
    assert_int_equal(flow.grown, 10 * MSS / 4); /* conservative */
}

static void test_a_queue_that_fills_ends_slow_start_in_five_rounds(void **state)
{
    (void)state;
    struct flow_model flow = flow_new(10);
    round_of(&flow, 10, 50 * TCPIP_MS);
    round_of(&flow, 10, 50 * TCPIP_MS);
    for (int i = 0; i < 5; i++) {
        assert_false(flow.left);
        round_of(&flow, 10, 60 * TCPIP_MS);
    }
    assert_int_equal(flow.grown, 10 * MSS / 4);
    assert_false(flow.left);
    round_of(&flow, 1, 60 * TCPIP_MS);
    assert_true(flow.left);
}

/* A round that begins on an empty path, and ends behind a queue. */
static void half_round_queues(struct flow_model *flow, int apart)
{
    uint32_t end = flow->nxt;
    flow->grown = 0;
    for (int i = 0; i < 40; i++) {
        bool leave;
        flow->una = i == 39 ? end : flow->una + MSS;
        flow->nxt += 2 * MSS;
        flow->now += apart;
        struct tcpip_congestion_ack ack = {.now = flow->now, .acked = MSS, .mss = MSS, .snd_una = flow->una};
        ack.snd_nxt = flow->nxt;
        ack.rtt_ns = (i < 20 ? 50 : 60) * TCPIP_MS;
        flow->grown += tcpip__hystart_on_ack(&flow->hystart, &ack, &leave);
        flow->left |= leave;
    }
}

static void test_a_quarter_of_a_round_trip_behind_a_queue_is_enough(void **state)
{
    (void)state;
    struct flow_model flow = flow_new(40);
    round_of(&flow, 40, 50 * TCPIP_MS);
    round_of(&flow, 40, 50 * TCPIP_MS);
    half_round_queues(&flow, TCPIP_MS / 2); /* a fifth of a round trip: may be a burst */
    assert_int_equal(flow.grown, 40 * MSS);
    assert_int_equal(flow.hystart.baseline_ns, 0);
    half_round_queues(&flow, TCPIP_MS);
    assert_in_range(flow.grown, 30 * MSS, 39 * MSS);
    assert_int_equal(flow.hystart.baseline_ns, 60 * TCPIP_MS);
    half_round_queues(&flow, TCPIP_MS); /* and taken back as ever */
    assert_int_equal(flow.hystart.baseline_ns, 60 * TCPIP_MS);
    assert_false(flow.left);
}

static void test_jitter_that_passes_resumes_doubling(void **state)
{
    (void)state;
    struct flow_model flow = flow_new(10);
    round_of(&flow, 10, 50 * TCPIP_MS);
    round_of(&flow, 10, 50 * TCPIP_MS);
    round_of(&flow, 10, 60 * TCPIP_MS);
    round_of(&flow, 10, 60 * TCPIP_MS);
    assert_int_equal(flow.grown, 10 * MSS / 4);
    round_of(&flow, 10, 51 * TCPIP_MS);
    round_of(&flow, 10, 51 * TCPIP_MS);
    assert_int_equal(flow.grown, 10 * MSS);
    for (int i = 0; i < 10; i++)
        round_of(&flow, 10, 51 * TCPIP_MS);
    assert_false(flow.left);
    for (int i = 0; i < 5; i++) { /* the next suspicion has all its rounds */
        round_of(&flow, 10, 70 * TCPIP_MS);
        assert_false(flow.left);
    }
}

static void test_the_threshold_lies_between_4_and_16_ms(void **state)
{
    (void)state;
    static const struct {
        tcpip_ns before, after;
        bool suspicious;
    } cases[] = {
        {TCPIP_MS, 4 * TCPIP_MS, false},         {TCPIP_MS, 5 * TCPIP_MS, true},
        {80 * TCPIP_MS, 89 * TCPIP_MS, false},   {80 * TCPIP_MS, 90 * TCPIP_MS, true},
        {400 * TCPIP_MS, 415 * TCPIP_MS, false}, {400 * TCPIP_MS, 416 * TCPIP_MS, true},
    };
    for (size_t i = 0; i < array_count(cases); i++) {
        struct flow_model flow = flow_new(10);
        round_of(&flow, 10, cases[i].before);
        round_of(&flow, 10, cases[i].before);
        round_of(&flow, 10, cases[i].after);
        round_of(&flow, 10, cases[i].after);
        assert_int_equal(flow.hystart.baseline_ns != 0, cases[i].suspicious);
    }
}

static void test_few_samples_judge_nothing(void **state)
{
    (void)state;
    struct flow_model flow = flow_new(4);
    round_of(&flow, 4, 50 * TCPIP_MS);
    for (int i = 0; i < 20; i++)
        round_of(&flow, 4, 500 * TCPIP_MS);
    assert_false(flow.left);
    flow = flow_new(20);
    for (int i = 0; i < 20; i++)
        round_of(&flow, 20, -1);
    assert_false(flow.left);
    assert_int_equal(flow.grown, 20 * MSS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_steady_round_trip_doubles),
        cmocka_unit_test(test_a_tick_of_the_clock_is_no_queue_but_two_are),
        cmocka_unit_test(test_a_queue_that_fills_ends_slow_start_in_five_rounds),
        cmocka_unit_test(test_a_quarter_of_a_round_trip_behind_a_queue_is_enough),
        cmocka_unit_test(test_jitter_that_passes_resumes_doubling),
        cmocka_unit_test(test_the_threshold_lies_between_4_and_16_ms),
        cmocka_unit_test(test_few_samples_judge_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
