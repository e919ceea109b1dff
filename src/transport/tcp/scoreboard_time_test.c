// SPDX-License-Identifier: MIT
/* scoreboard_time_test.c: what the scoreboard knows of time and order of sending, for RACK (RFC 8985 6.2). */
#include "scoreboard_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct time_judgement judge(struct fixture *f, const struct tcp_ack *facts, tcpip_ns sent_by)
{
    struct time_judgement judgement = tcpip__scoreboard_mark_lost_by_time(&f->board, &facts->newest, sent_by);
    tcpip__scoreboard_check(&f->board, f->una, f->nxt);
    return judgement;
}

static void test_what_was_sent_before_what_has_arrived_is_lost_in_its_time(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1000, seq(1));
    for (int i = 0; i < 6; i++, f.env.now += TCPIP_MS)
        assert_true(send(&f, MSS));
    tcpip_ns first = f.board.first->sent_at;
    struct tcp_ack facts = sack(&f, 3 * MSS, 4 * MSS);
    assert_true(facts.newest.known);
    assert_int_equal(facts.newest.sent_at, first + 3 * TCPIP_MS);
    struct time_judgement judgement = judge(&f, &facts, first + TCPIP_MS);
    assert_int_equal(judgement.lost, 2 * MSS);
    assert_true(judgement.spared);
    assert_int_equal(judgement.spared_sent_at, first + 2 * TCPIP_MS);
    judgement = judge(&f, &facts, f.env.now); /* what was sent later stays, however old */
    assert_int_equal(judgement.lost, MSS);
    assert_false(judgement.spared);
    assert_int_equal(f.board.lost_bytes, 3 * MSS);
    fixture_stop(&f);
}

static void test_a_lost_retransmission_is_seen_by_what_was_sent_after_it(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1000, seq(1));
    for (int i = 0; i < 4; i++)
        assert_true(send(&f, MSS));
    struct tcp_ack facts = sack(&f, MSS, 2 * MSS);
    assert_int_equal(judge(&f, &facts, f.env.now).lost, MSS);
    f.env.now += TCPIP_MS;
    retransmit(&f, tcpip__scoreboard_next_lost(&f.board));
    facts = sack(&f, 2 * MSS, 4 * MSS); /* sent before it */
    assert_int_equal(judge(&f, &facts, f.env.now).lost, 0);
    assert_true(send(&f, MSS));
    f.env.now += TCPIP_MS;
    facts = sack(&f, 4 * MSS, 5 * MSS);
    struct time_judgement judgement = judge(&f, &facts, f.env.now);
    assert_int_equal(judgement.lost, MSS);
    assert_int_equal(judgement.lost_retransmitted, MSS);
    fixture_stop(&f);
}

static void test_on_a_clock_that_stands_still_the_order_of_sending_decides(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1000, seq(1));
    for (int i = 0; i < 4; i++)
        assert_true(send(&f, MSS));
    struct tcp_ack facts = sack(&f, MSS, 2 * MSS);
    assert_int_equal(judge(&f, &facts, f.env.now).lost, MSS);
    retransmit(&f, tcpip__scoreboard_next_lost(&f.board));
    facts = sack(&f, 3 * MSS, 4 * MSS); /* higher, of the same instant, but sent before the retransmission */
    assert_int_equal(judge(&f, &facts, f.env.now).lost, MSS);
    assert_false(f.board.first->flags & RECORD_LOST);
    facts = ack(&f, MSS);
    assert_true(facts.newest.known);
    assert_int_equal(facts.newest.end.v, 1 + MSS);
    fixture_stop(&f);
}

static void test_a_retransmission_that_may_be_the_echo_of_an_earlier_copy_is_not_believed(void **state)
{
    (void)state;
    struct fixture f;
    struct record newest;
    fixture_start(&f, 1000, seq(1));
    for (int i = 0; i < 3; i++)
        assert_true(send(&f, MSS));
    tcpip__scoreboard_mark_head_lost(&f.board, &f.pool, MSS);
    f.env.now += 100;
    retransmit(&f, tcpip__scoreboard_next_lost(&f.board));
    f.env.now += 10;
    struct tcp_ack facts = facts_new(&f);
    facts.min_rtt_ns = 11; /* too soon */
    tcpip__scoreboard_acked(&f.board, &f.pool, seq(2), &facts, &newest);
    assert_false(facts.newest.known);
    facts = facts_new(&f);
    facts.min_rtt_ns = 10;
    facts.has_timestamp = true;
    facts.echoed_by = f.board.first->sent_at; /* an older echo */
    tcpip__scoreboard_acked(&f.board, &f.pool, seq(3), &facts, &newest);
    assert_false(facts.newest.known);
    facts = facts_new(&f);
    facts.min_rtt_ns = 10;
    facts.has_timestamp = true;
    facts.echoed_by = f.board.first->sent_at + 1;
    tcpip__scoreboard_acked(&f.board, &f.pool, seq(4), &facts, &newest);
    assert_true(facts.newest.known);
    f.una = seq(4);
    fixture_stop(&f);
}

static void test_small_segments_are_counted_one_by_one_when_sacked(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1000, seq(1));
    for (int i = 0; i < 5; i++)
        assert_true(send(&f, 1));
    sack(&f, 1, 4); /* joined in one record */
    assert_int_equal(f.board.sacked_segments, 3);
    assert_true(send(&f, 3 * MSS + 1)); /* a super-segment of four */
    sack(&f, 5, 5 + 3 * MSS + 1);
    assert_int_equal(f.board.sacked_segments, 7);
    ack(&f, 4);
    assert_int_equal(f.board.sacked_segments, 4);
    fixture_stop(&f);
}

static void test_a_timeout_takes_the_head_and_what_is_old(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1000, seq(1));
    for (int i = 0; i < 4; i++, f.env.now += TCPIP_MS)
        assert_true(send(&f, 3 * MSS));
    tcpip_ns first = f.board.first->sent_at;
    tcpip__scoreboard_mark_lost_on_timeout(&f.board, &f.pool, first - 1, MSS);
    tcpip__scoreboard_check(&f.board, f.una, f.nxt);
    assert_int_equal(f.board.lost_bytes, MSS); /* nothing is old: the first segment alone */
    tcpip__scoreboard_mark_lost_on_timeout(&f.board, &f.pool, first + TCPIP_MS, MSS);
    tcpip__scoreboard_check(&f.board, f.una, f.nxt);
    assert_int_equal(f.board.lost_bytes, 6 * MSS);
    fixture_stop(&f);
}

static void test_what_an_undo_gives_back_has_its_old_place_in_time(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1000, seq(1));
    for (int i = 0; i < 8; i++, f.env.now += TCPIP_MS)
        assert_true(send(&f, MSS));
    struct tcp_ack facts = sack(&f, 5 * MSS, 6 * MSS);
    assert_int_equal(judge(&f, &facts, f.env.now).lost, 5 * MSS);
    retransmit(&f, tcpip__scoreboard_next_lost(&f.board));
    retransmit(&f, tcpip__scoreboard_next_lost(&f.board));
    tcpip__scoreboard_clear_lost(&f.board);
    tcpip__scoreboard_check(&f.board, f.una, f.nxt); /* the list is in order */
    assert_int_equal(scoreboard_in_flight(&f.board), 7 * MSS);
    assert_int_equal(judge(&f, &facts, f.env.now).lost, 3 * MSS); /* not what was sent again since */
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_sent_before_what_has_arrived_is_lost_in_its_time),
        cmocka_unit_test(test_a_lost_retransmission_is_seen_by_what_was_sent_after_it),
        cmocka_unit_test(test_on_a_clock_that_stands_still_the_order_of_sending_decides),
        cmocka_unit_test(test_a_retransmission_that_may_be_the_echo_of_an_earlier_copy_is_not_believed),
        cmocka_unit_test(test_small_segments_are_counted_one_by_one_when_sacked),
        cmocka_unit_test(test_a_timeout_takes_the_head_and_what_is_old),
        cmocka_unit_test(test_what_an_undo_gives_back_has_its_old_place_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
