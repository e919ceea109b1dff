// SPDX-License-Identifier: MIT
/* rate_test.c: the delivery rate of paths of known rate, under compressed ACKs, pauses, and retransmissions. */
#include "transport/tcp/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MSS = 1000 };

static struct record sent(struct rate *rate, uint32_t in_flight, tcpip_ns now)
{
    return (struct record){.length = MSS, .sent_at = now, .rate = tcpip__rate_on_send(rate, in_flight, now)};
}

static struct tcp_ack delivered(struct rate *rate, const struct record *newest, uint32_t bytes, tcpip_ns now)
{
    struct tcp_ack facts = {.now = now, .delivered = bytes};
    tcpip__rate_on_ack(rate, newest, 10 * TCPIP_MS, &facts);
    return facts;
}

/* A segment per millisecond, each acknowledged 20 ms later: 1 MB/s. */
static void test_a_steady_path_is_measured_exactly(void **state)
{
    (void)state;
    struct rate rate;
    struct record records[200];
    tcpip__rate_init(&rate, 0);
    for (int ms = 0; ms < 200; ms++) {
        if (ms >= 20) {
            struct tcp_ack facts = delivered(&rate, &records[ms - 20], MSS, ms * TCPIP_MS);
            if (ms >= 60)
                assert_int_equal(facts.rate_bytes_per_second, 1000000);
            assert_true(facts.rate_bytes_per_second <= 1000000);
            assert_false(facts.app_limited);
        }
        records[ms] = sent(&rate, (uint32_t)(ms < 20 ? ms : 20) * MSS, ms * TCPIP_MS);
    }
    assert_int_equal(rate.delivered, 180 * MSS);
}

static void test_compressed_acks_dont_look_like_speed(void **state)
{
    (void)state;
    struct rate rate;
    struct record records[20];
    tcpip__rate_init(&rate, 0);
    for (int ms = 0; ms < 20; ms++)
        records[ms] = sent(&rate, (uint32_t)ms * MSS, ms * TCPIP_MS);
    for (int i = 0; i < 20; i++) { /* all at 40 ms */
        struct tcp_ack facts = delivered(&rate, &records[i], MSS, 40 * TCPIP_MS);
        assert_true(facts.rate_bytes_per_second <= 1000000);
    }
}

static void test_a_burst_is_measured_by_its_acks(void **state)
{
    (void)state;
    struct rate rate;
    struct record records[10];
    struct tcp_ack facts = {0};
    tcpip__rate_init(&rate, 0);
    for (int i = 0; i < 10; i++)
        records[i] = sent(&rate, (uint32_t)i * MSS, 0);
    for (int i = 0; i < 10; i++)
        facts = delivered(&rate, &records[i], MSS, (20 + i) * TCPIP_MS);
    assert_int_equal(facts.rate_bytes_per_second, 10u * MSS * 1000 / 29);
}

static void test_what_ran_dry_is_marked_until_it_has_left(void **state)
{
    (void)state;
    struct rate rate;
    tcpip__rate_init(&rate, 0);
    struct record a = sent(&rate, 0, 0);
    tcpip__rate_app_limited(&rate, MSS);
    struct record b = sent(&rate, MSS, TCPIP_MS), c;
    assert_false(delivered(&rate, &a, MSS, 20 * TCPIP_MS).app_limited);
    assert_true(delivered(&rate, &b, MSS, 21 * TCPIP_MS).app_limited);
    c = sent(&rate, 0, 30 * TCPIP_MS);
    assert_false(delivered(&rate, &c, MSS, 50 * TCPIP_MS).app_limited);
    assert_int_equal(rate.app_limited_until, 0);
}

static void test_less_than_a_round_trip_is_no_sample(void **state)
{
    (void)state;
    struct rate rate;
    tcpip__rate_init(&rate, 0);
    struct record a = sent(&rate, 0, 0);
    assert_int_equal(delivered(&rate, &a, MSS, 9 * TCPIP_MS).rate_bytes_per_second, 0);
    assert_int_equal(rate.delivered, MSS);
    assert_int_equal(delivered(&rate, NULL, MSS, 30 * TCPIP_MS).rate_bytes_per_second, 0);
    assert_int_equal(delivered(&rate, &a, 0, 50 * TCPIP_MS).rate_bytes_per_second, 0);
    assert_int_equal(rate.delivered, 2 * MSS);
}

static void test_an_idle_time_is_not_part_of_the_next_flight(void **state)
{
    (void)state;
    struct rate rate;
    tcpip__rate_init(&rate, 0);
    struct record a = sent(&rate, 0, 0);
    delivered(&rate, &a, MSS, 20 * TCPIP_MS);
    a = sent(&rate, 0, 60 * TCPIP_SECOND);
    assert_int_equal(delivered(&rate, &a, MSS, 60 * TCPIP_SECOND + 20 * TCPIP_MS).rate_bytes_per_second, MSS * 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_steady_path_is_measured_exactly),
        cmocka_unit_test(test_compressed_acks_dont_look_like_speed),
        cmocka_unit_test(test_a_burst_is_measured_by_its_acks),
        cmocka_unit_test(test_what_ran_dry_is_marked_until_it_has_left),
        cmocka_unit_test(test_less_than_a_round_trip_is_no_sample),
        cmocka_unit_test(test_an_idle_time_is_not_part_of_the_next_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
