// SPDX-License-Identifier: MIT
/* pacer_test.c: what leaves over time, on time and late. */
#include "transport/tcp/pacer.h"

#include "base/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MSS = 1000 };
#define FAR (100 * TCPIP_MS)

/* Sends whenever it is allowed, by a clock that only moves in steps; bytes that left in a second. */
static uint64_t sent_in_a_second(uint64_t rate, uint32_t packet, tcpip_ns step)
{
    struct pacer pacer;
    uint64_t sent = 0;
    tcpip__pacer_init(&pacer, 0);
    for (tcpip_ns now = 0; now < TCPIP_SECOND; now += step) {
        while (pacer_open(&pacer, now)) {
            tcpip__pacer_sent(&pacer, packet, rate, now);
            sent += packet;
        }
    }
    return sent;
}

static void test_over_a_second_the_rate_is_kept(void **state)
{
    (void)state;
    uint64_t sent = sent_in_a_second(1000000, 2 * MSS, TCPIP_US);
    assert_in_range(sent, 1000000 - 2 * MSS, 1000000 + 2 * MSS);
}

static void test_a_clock_of_two_ticks_doesnt_lower_the_rate(void **state)
{
    (void)state;
    /* 100 MB/s: a packet of two segments takes 20 us, a sixth of the clock's step. */
    uint64_t sent = sent_in_a_second(100000000, 2 * MSS, INT64_C(2) << TIMER_TICK_BITS);
    assert_in_range(sent, 98000000, 101000000);
}

static void test_a_clock_of_half_a_packet_doesnt_lower_the_rate(void **state)
{
    (void)state;
    /* Packets of 8 ms, a clock of 3 ms. */
    uint64_t sent = sent_in_a_second(10000000, 80 * MSS, 3 * TCPIP_MS);
    assert_in_range(sent, 9900000, 10100000);
}

static void test_a_clock_of_many_packets_doesnt_lower_the_rate(void **state)
{
    (void)state;
    /* 100 MB/s, packets of 29 us, a clock of 15 ms: all that was due since the last tick goes at once. */
    uint64_t sent = sent_in_a_second(100000000, 2 * MSS, 15 * TCPIP_MS);
    assert_in_range(sent, 98000000, 101000000);
    /* A clock that stands still for a tenth of a second is none: what it missed is lost. */
    sent = sent_in_a_second(100000000, 2 * MSS, 100 * TCPIP_MS);
    assert_in_range(sent, 14000000, 16000000); /* at nine of its ticks it makes up for 16 ms */
}

static void test_a_pause_is_no_credit_for_a_burst(void **state)
{
    (void)state;
    struct pacer pacer;
    uint32_t burst = 0;
    tcpip__pacer_init(&pacer, 0);
    tcpip__pacer_sent(&pacer, MSS, 1000000, 0);
    while (pacer_open(&pacer, TCPIP_SECOND)) {
        tcpip__pacer_sent(&pacer, MSS, 1000000, TCPIP_SECOND);
        burst++;
    }
    assert_int_equal(burst, 1); /* the next goes half a packet's time earlier, no more */
    assert_int_equal(pacer.next_at, TCPIP_SECOND + TCPIP_MS / 2);
}

static void test_a_rate_is_the_window_over_a_round_trip(void **state)
{
    (void)state;
    struct pacer_facts facts = {.cwnd = 10 * MSS, .ssthresh = UINT32_MAX, .srtt_ns = 100 * TCPIP_MS};
    assert_int_equal(tcpip__pacer_rate(&facts), 0); /* nobody asked */
    facts.asked = true;
    assert_int_equal(tcpip__pacer_rate(&facts), 2 * 100 * MSS); /* slow start: twice */
    facts.ssthresh = 20 * MSS;
    assert_int_equal(tcpip__pacer_rate(&facts), 120 * MSS);
    facts.in_flight = 20 * MSS; /* more is out than the window says: a recovery began */
    assert_int_equal(tcpip__pacer_rate(&facts), 240 * MSS);
    facts.max_rate = 5000;
    assert_int_equal(tcpip__pacer_rate(&facts), 5000);
    facts.controller_rate = 4000;
    assert_int_equal(tcpip__pacer_rate(&facts), 4000);
    facts.controller_rate = 6000;
    assert_int_equal(tcpip__pacer_rate(&facts), 5000);
    /* Before the first round trip is measured only a maximum is known. */
    facts = (struct pacer_facts){.asked = true, .cwnd = 10 * MSS};
    assert_int_equal(tcpip__pacer_rate(&facts), 0);
    facts.max_rate = 7;
    assert_int_equal(tcpip__pacer_rate(&facts), 7);
}

static void test_a_packet_lasts_a_millisecond(void **state)
{
    (void)state;
    assert_int_equal(tcpip__pacer_segments(1000, FAR, MSS, 2, 40), 2); /* two segments at least */
    assert_int_equal(tcpip__pacer_segments(1024 * 10 * MSS, FAR, MSS, 2, 40), 10);
    assert_int_equal(tcpip__pacer_segments(UINT64_MAX, FAR, MSS, 2, 40), 40);
    assert_int_equal(tcpip__pacer_segments(1000, FAR, MSS, 2, 1), 1); /* no super-segments */
}

static void test_a_packet_to_a_near_host_is_larger(void **state)
{
    (void)state;
    assert_int_equal(tcpip__pacer_segments(1000, 50 * TCPIP_US, MSS, 2, 100), 65536 / MSS);
    assert_int_equal(tcpip__pacer_segments(1000, 600 * TCPIP_US, MSS, 2, 100), 32768 / MSS);
    assert_int_equal(tcpip__pacer_segments(1024 * 10 * MSS, 600 * TCPIP_US, MSS, 2, 100), 10 + 32768 / MSS);
}

static void test_the_slowest_rate_doesnt_overflow(void **state)
{
    (void)state;
    struct pacer pacer;
    tcpip__pacer_init(&pacer, TCPIP_SECOND);
    for (int i = 0; i < 2; i++)
        tcpip__pacer_sent(&pacer, UINT32_MAX, 1, TCPIP_SECOND);
    assert_true(pacer.next_at > TCPIP_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_over_a_second_the_rate_is_kept),
        cmocka_unit_test(test_a_clock_of_two_ticks_doesnt_lower_the_rate),
        cmocka_unit_test(test_a_clock_of_half_a_packet_doesnt_lower_the_rate),
        cmocka_unit_test(test_a_clock_of_many_packets_doesnt_lower_the_rate),
        cmocka_unit_test(test_a_pause_is_no_credit_for_a_burst),
        cmocka_unit_test(test_a_rate_is_the_window_over_a_round_trip),
        cmocka_unit_test(test_a_packet_lasts_a_millisecond),
        cmocka_unit_test(test_a_packet_to_a_near_host_is_larger),
        cmocka_unit_test(test_the_slowest_rate_doesnt_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
