// SPDX-License-Identifier: MIT
/* rack_test.c: RFC 8985 section 6, step by step, and on clocks that stand still. */
#include "transport/tcp/rack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const tcpip_ns RTT = 100 * TCPIP_MS;

static struct rack_path path_new(void)
{
    return (struct rack_path){.min_rtt_ns = RTT, .srtt_ns = RTT, .mode = RACK_ON};
}

/* What was the `order`th to be sent, at `sent_at`, arrives. */
static void deliver(struct rack *rack, uint32_t order, tcpip_ns sent_at, tcpip_ns now)
{
    struct tcp_ack facts = {
        .now = now, .newest = {.known = true, .sent_at = sent_at, .order = order}, .newest_rtt_ns = now - sent_at};
    tcpip__rack_on_ack(rack, &facts, seq(0));
}

static void duplicate(struct rack *rack, uint32_t ack, uint32_t snd_nxt)
{
    struct tcp_ack facts = {.ack = seq(ack), .dsack = true};
    tcpip__rack_on_ack(rack, &facts, seq(snd_nxt));
}

static void test_the_newest_never_moves_back_but_its_round_trip_follows_the_late(void **state)
{
    (void)state;
    struct rack rack;
    tcpip__rack_init(&rack);
    assert_false(rack.newest.known);
    deliver(&rack, 5, 50, 150);
    assert_int_equal(rack.newest.order, 5);
    assert_int_equal(rack.rtt_ns, 100);
    deliver(&rack, 4, 40, 180);
    assert_int_equal(rack.newest.order, 5);
    assert_int_equal(rack.rtt_ns, 140);
    deliver(&rack, 6, 60, 190);
    assert_int_equal(rack.newest.order, 6);
    assert_int_equal(rack.rtt_ns, 130);
}

static void test_the_order_of_transmission_wraps(void **state)
{
    (void)state;
    struct rack rack;
    tcpip__rack_init(&rack);
    deliver(&rack, 0xffffffff, 50, 150);
    deliver(&rack, 1, 60, 160);
    assert_int_equal(rack.newest.order, 1);
    deliver(&rack, 0xfffffffe, 45, 165);
    assert_int_equal(rack.newest.order, 1);
}

static void test_of_one_super_segment_the_higher_end_is_the_newer(void **state)
{
    (void)state;
    struct rack rack;
    struct tcp_ack facts = {.now = 10, .newest = {.known = true, .order = 3, .end = seq(0xfffffff0)}};
    tcpip__rack_init(&rack);
    tcpip__rack_on_ack(&rack, &facts, seq(0));
    facts.newest.end = seq(0x10); /* beyond the wrap */
    tcpip__rack_on_ack(&rack, &facts, seq(0));
    assert_int_equal(rack.newest.end.v, 0x10);
    facts.newest.end = seq(0);
    tcpip__rack_on_ack(&rack, &facts, seq(0));
    assert_int_equal(rack.newest.end.v, 0x10);
}

static void test_the_window_is_a_quarter_round_trip_until_three_are_sacked(void **state)
{
    (void)state;
    struct rack rack;
    struct rack_path path = path_new();
    tcpip__rack_init(&rack);
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT / 4);
    path.sacked_segments = 2;
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT / 4);
    path.sacked_segments = 3;
    assert_int_equal(tcpip__rack_window(&rack, &path), 0);
    path.mode |= RACK_NO_THRESHOLD;
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT / 4);
    path.in_recovery = true;
    assert_int_equal(tcpip__rack_window(&rack, &path), 0);
}

static void test_once_reordering_was_seen_there_is_always_a_window(void **state)
{
    (void)state;
    struct rack rack;
    struct rack_path path = path_new();
    struct tcp_ack facts = {.reordered = true};
    tcpip__rack_init(&rack);
    path.sacked_segments = 100;
    tcpip__rack_on_ack(&rack, &facts, seq(0));
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT / 4);
    path.in_recovery = true;
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT / 4);
    tcpip__rack_init(&rack);
    tcpip__rack_on_undo(&rack); /* a spurious recovery is reordering too */
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT / 4);
}

static void test_duplicates_widen_the_window_once_a_round_up_to_a_round_trip(void **state)
{
    (void)state;
    struct rack rack;
    struct rack_path path = path_new();
    tcpip__rack_init(&rack);
    tcpip__rack_on_undo(&rack);
    duplicate(&rack, 0xfffffff0, 0x100);
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT / 2);
    duplicate(&rack, 0xff, 0x200); /* the same round, whose end is behind the wrap */
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT / 2);
    duplicate(&rack, 0x100, 0x200);
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT / 4 * 3);
    for (uint32_t round = 2; round < 300; round++)
        duplicate(&rack, round * 0x100, (round + 1) * 0x100);
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT);
    path.mode |= RACK_STATIC_WINDOW;
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT / 4);
}

static void test_the_duplicate_of_a_probe_widens_nothing(void **state)
{
    (void)state;
    struct rack rack;
    struct tcp_ack facts = {.dsack = true, .dsack_of_probe = true};
    tcpip__rack_init(&rack);
    tcpip__rack_on_ack(&rack, &facts, seq(100));
    assert_int_equal(rack.multiplier, 1);
    assert_false(rack.round_open);
}

static void test_sixteen_recoveries_without_duplicates_bring_the_window_back(void **state)
{
    (void)state;
    struct rack rack;
    struct rack_path path = path_new();
    tcpip__rack_init(&rack);
    tcpip__rack_on_undo(&rack);
    tcpip__rack_on_exit(&rack); /* there is nothing to forget yet */
    duplicate(&rack, 0, 10);
    for (int i = 0; i < 15; i++)
        tcpip__rack_on_exit(&rack);
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT / 2);
    duplicate(&rack, 10, 20); /* the count begins anew */
    for (int i = 0; i < 15; i++)
        tcpip__rack_on_exit(&rack);
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT / 4 * 3);
    tcpip__rack_on_exit(&rack);
    assert_int_equal(tcpip__rack_window(&rack, &path), RTT / 4);
}

static void test_a_clock_that_stands_still_during_a_round_trip_leaves_a_window(void **state)
{
    (void)state;
    struct rack rack;
    struct rack_path path = {.min_rtt_ns = 1, .srtt_ns = 2 * TCPIP_MS, .mode = RACK_ON};
    tcpip__rack_init(&rack);
    assert_int_equal(tcpip__rack_window(&rack, &path), TCPIP_MS / 2);
    duplicate(&rack, 0, 10);
    assert_int_equal(tcpip__rack_window(&rack, &path), TCPIP_MS);
}

static void test_the_deadline_is_when_the_judgement_turns(void **state)
{
    (void)state;
    struct rack rack;
    tcpip__rack_init(&rack);
    deliver(&rack, 2, 50, 150);
    tcpip_ns window = 25, deadline = rack_deadline(&rack, window, 40);
    assert_int_equal(deadline, 165);
    assert_true(rack_sent_by(&rack, window, deadline) >= 40);
    assert_true(rack_sent_by(&rack, window, deadline - 1) < 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_never_moves_back_but_its_round_trip_follows_the_late),
        cmocka_unit_test(test_the_order_of_transmission_wraps),
        cmocka_unit_test(test_of_one_super_segment_the_higher_end_is_the_newer),
        cmocka_unit_test(test_the_window_is_a_quarter_round_trip_until_three_are_sacked),
        cmocka_unit_test(test_once_reordering_was_seen_there_is_always_a_window),
        cmocka_unit_test(test_duplicates_widen_the_window_once_a_round_up_to_a_round_trip),
        cmocka_unit_test(test_the_duplicate_of_a_probe_widens_nothing),
        cmocka_unit_test(test_sixteen_recoveries_without_duplicates_bring_the_window_back),
        cmocka_unit_test(test_a_clock_that_stands_still_during_a_round_trip_leaves_a_window),
        cmocka_unit_test(test_the_deadline_is_when_the_judgement_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
