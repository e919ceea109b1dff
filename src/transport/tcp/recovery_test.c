// SPDX-License-Identifier: MIT
/* recovery_test.c: episodes told ACK by ACK. A segment is MSS long; sequence numbers are counted in segments from ISS,
 * which is chosen so that they wrap on the way. */
#include "transport/tcp/recovery.h"

#include "base/math.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MSS = 1000, CWND = 20 * MSS, SSTHRESH = 50 * MSS };

static seqnum at(uint32_t segment)
{
    return seq(UINT32_MAX - 3 * MSS + segment * MSS);
}

/* A connection as its organ sees it. */
struct side {
    struct recovery recovery;
    bool sack;
    uint32_t una, nxt;   /* in segments */
    uint32_t sacked;     /* segments SACKed above una */
    bool something_lost; /* the scoreboard's word */
};

static struct side side_new(bool sack, uint32_t outstanding)
{
    struct side s = {.sack = sack, .nxt = outstanding};
    tcpip__recovery_init(&s.recovery);
    return s;
}

/* `facts` with what every ACK has. */
static uint32_t give(struct side *s, struct tcp_ack facts)
{
    uint32_t acked = facts.acked / MSS;
    facts.prior_una = at(s->una);
    s->una += acked;
    facts.ack = at(s->una);
    facts.delivered = facts.delivered != 0 ? facts.delivered : facts.acked + facts.sacked;
    if (facts.dsack && facts.dsack_end.v == 0)
        facts.dsack_end = at(1);
    s->sacked += facts.sacked / MSS;
    if (s->una == s->nxt)
        s->sacked = 0;
    uint32_t actions = tcpip__recovery_on_ack(&s->recovery, &facts, s->sack, s->sacked * MSS, (s->nxt - s->una) * MSS,
                                              MSS, s->something_lost, at(s->nxt));
    if (actions & RECOVERY_ENTER)
        tcpip__recovery_enter(&s->recovery, at(s->una), at(s->nxt), CWND, SSTHRESH, CWND);
    return actions;
}

static uint32_t give_acked(struct side *s, uint32_t segments)
{
    return give(s, (struct tcp_ack){.acked = segments * MSS});
}

static uint32_t give_duplicate(struct side *s)
{
    return give(s, (struct tcp_ack){.duplicate = true, .delivered = MSS});
}

static uint32_t give_sacked(struct side *s, uint32_t segments)
{
    return give(s, (struct tcp_ack){.duplicate = true, .sacked = segments * MSS, .has_sack = true});
}

/* The first one in a row; true: the window is to be reduced. */
static bool timeout(struct side *s)
{
    bool reduces = tcpip__recovery_on_rto(&s->recovery, at(s->una), at(s->nxt), CWND, SSTHRESH, false, true);
    tcpip__recovery_retransmitted(&s->recovery, at(4), MSS, 1, 100);
    return reduces;
}

static void enter_by_duplicates(struct side *s)
{
    assert_int_equal(give_duplicate(s), RECOVERY_LIMITED_TRANSMIT);
    assert_int_equal(give_duplicate(s), RECOVERY_LIMITED_TRANSMIT);
    assert_int_equal(give_duplicate(s), RECOVERY_ENTER | RECOVERY_MARK_HEAD);
    tcpip__recovery_retransmitted(&s->recovery, at(4), MSS, 1, 100);
    assert_int_equal(s->recovery.state, TCPIP_TCP_RECOVERY);
}

static void test_three_duplicates_enter_and_partial_acks_go_on(void **state)
{
    (void)state;
    struct side s = side_new(false, 10);
    enter_by_duplicates(&s);
    assert_int_equal(s.recovery.undo_cwnd, CWND);
    assert_int_equal(s.recovery.undo_ssthresh, SSTHRESH);
    assert_int_equal(s.recovery.prr_delivered, MSS); /* of the ACK that entered */
    assert_int_equal(give_duplicate(&s), RECOVERY_NOTHING);
    assert_int_equal(give_acked(&s, 4), RECOVERY_MARK_HEAD);
    s.nxt = 14;
    assert_int_equal(give_acked(&s, 6), RECOVERY_EXIT);
    assert_int_equal(s.recovery.state, TCPIP_TCP_OPEN);
}

static void test_an_ack_between_resets_the_count(void **state)
{
    (void)state;
    struct side s = side_new(false, 10);
    give_duplicate(&s);
    give_duplicate(&s);
    assert_int_equal(s.recovery.state, TCPIP_TCP_DISORDER);
    assert_int_equal(give_acked(&s, 1), RECOVERY_NOTHING);
    assert_int_equal(s.recovery.state, TCPIP_TCP_OPEN);
    assert_int_equal(give_duplicate(&s), RECOVERY_LIMITED_TRANSMIT);
}

static void test_duplicates_of_the_last_episode_start_no_new_one(void **state)
{
    (void)state;
    struct side s = side_new(false, 10);
    enter_by_duplicates(&s);
    s.nxt = 15;
    give_acked(&s, 10); /* exactly the recovery point */
    for (int i = 0; i < 6; i++)
        assert_false(give_duplicate(&s) & RECOVERY_ENTER);
    give_acked(&s, 1); /* beyond it */
    give_duplicate(&s);
    give_duplicate(&s);
    assert_true(give_duplicate(&s) & RECOVERY_ENTER);
}

static void test_the_first_episode_needs_no_earlier_one_whatever_the_sequence_numbers(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 16; i++) {
        struct recovery recovery;
        struct tcp_ack facts = {.ack = seq(i << 28), .duplicate = true};
        tcpip__recovery_init(&recovery);
        for (int k = 0; k < 2; k++)
            tcpip__recovery_on_ack(&recovery, &facts, false, 0, 9 * MSS, MSS, false, seq((i << 28) + 9 * MSS));
        assert_true(RECOVERY_ENTER &
                    tcpip__recovery_on_ack(&recovery, &facts, false, 0, 9 * MSS, MSS, false, seq((i << 28) + 9 * MSS)));
    }
}

static void test_with_sack_the_scoreboard_judges(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    assert_int_equal(give_sacked(&s, 2), RECOVERY_LIMITED_TRANSMIT);
    s.something_lost = true;
    assert_int_equal(give_sacked(&s, 2), RECOVERY_ENTER); /* one ACK for many segments: no three needed */
    s.something_lost = false;
    assert_int_equal(give_sacked(&s, 1), RECOVERY_NOTHING);
    assert_int_equal(give_acked(&s, 2), RECOVERY_MARK_HEAD); /* the next hole: something above is SACKed */
    s.sacked = 0;
    assert_int_equal(give_acked(&s, 2), RECOVERY_NOTHING); /* nothing is: just in flight */
    assert_int_equal(give_acked(&s, 6), RECOVERY_EXIT);
}

static void test_with_sack_repetitions_that_tell_nothing_dont_count(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    for (int i = 0; i < 5; i++)
        assert_int_equal(give_duplicate(&s), RECOVERY_NOTHING);
    for (int i = 0; i < 2; i++)
        assert_int_equal(give_sacked(&s, 1), RECOVERY_LIMITED_TRANSMIT);
    assert_int_equal(give_sacked(&s, 1), RECOVERY_ENTER | RECOVERY_MARK_HEAD);
}

static void test_loss_above_the_recovery_point_starts_the_next_episode(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    s.something_lost = true;
    give_sacked(&s, 4);
    s.nxt = 20;
    assert_int_equal(give_acked(&s, 9), RECOVERY_NOTHING);
    assert_int_equal(give_acked(&s, 1), RECOVERY_ENTER);
    assert_int_equal(s.recovery.recovery_point.v, at(20).v);
}

static void test_an_older_timestamp_undoes_fast_recovery(void **state)
{
    (void)state;
    struct side s = side_new(false, 10);
    enter_by_duplicates(&s);
    struct tcp_ack facts = {.acked = 4 * MSS, .acked_retransmitted = true, .has_timestamp = true, .ts_ecr = 100};
    assert_int_equal(give(&s, facts), RECOVERY_MARK_HEAD); /* the retransmission's own */
    facts.ts_ecr = 99;
    struct tcp_ack sacked = {.sacked = MSS, .acked_retransmitted = true, .has_timestamp = true, .ts_ecr = 99};
    assert_int_equal(give(&s, sacked), RECOVERY_NOTHING); /* repeats what the last in order had */
    s.sacked = 0;
    assert_int_equal(give(&s, facts), RECOVERY_UNDO);
    assert_int_equal(give(&s, (struct tcp_ack){.dsack = true, .dsack_bytes = MSS}), RECOVERY_NOTHING); /* once */
    assert_int_equal(s.recovery.state, TCPIP_TCP_OPEN);
    assert_int_equal(s.recovery.reordering, 4);
    s = side_new(false, 10);
    enter_by_duplicates(&s);
    facts.acked_retransmitted = false; /* says nothing about the retransmission */
    assert_int_equal(give(&s, facts), RECOVERY_MARK_HEAD);
}

static void test_timestamps_are_compared_across_their_wrap(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    assert_true(tcpip__recovery_on_rto(&s.recovery, at(0), at(10), CWND, SSTHRESH, false, false));
    tcpip__recovery_retransmitted(&s.recovery, at(4), MSS, 1, 2);
    struct tcp_ack facts = {.acked = MSS, .acked_retransmitted = true, .has_timestamp = true, .ts_ecr = 0xfffffff0};
    assert_int_equal(give(&s, facts), RECOVERY_LOSS_UNDO);
}

static void test_dsacks_for_all_retransmissions_undo_even_after_the_end(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    s.something_lost = true;
    give_sacked(&s, 5);
    s.something_lost = false;
    tcpip__recovery_retransmitted(&s.recovery, at(4), 3 * MSS, 3, 100);
    struct tcp_ack dsack = {.dsack = true, .dsack_bytes = 2 * MSS};
    assert_int_equal(give(&s, dsack), RECOVERY_NOTHING);
    s.nxt = 12;
    assert_int_equal(give_acked(&s, 10), RECOVERY_EXIT);
    dsack.dsack_bytes = 1; /* less than a segment is one */
    assert_int_equal(give(&s, dsack), RECOVERY_UNDO);
    assert_int_equal(give(&s, dsack), RECOVERY_NOTHING); /* once */
}

static void test_dsacks_of_what_was_never_sent_again_undo_nothing(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    give_acked(&s, 2);
    s.something_lost = true;
    give_sacked(&s, 5);
    s.something_lost = false;
    tcpip__recovery_retransmitted(&s.recovery, at(4), MSS, 1, 100);
    struct tcp_ack dsack = {.dsack = true, .dsack_bytes = MSS, .dsack_end = at(2)}; /* from before the episode */
    assert_int_equal(give(&s, dsack), RECOVERY_NOTHING);
    dsack.dsack_end = at(5); /* beyond */
    assert_int_equal(give(&s, dsack), RECOVERY_NOTHING);
    dsack.dsack_end = at(3);
    assert_int_equal(give(&s, dsack), RECOVERY_UNDO);
}

static void test_a_dsack_before_anything_was_sent_again_undoes_nothing(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    s.something_lost = true;
    give_sacked(&s, 5);
    assert_int_equal(give(&s, (struct tcp_ack){.dsack = true, .dsack_bytes = MSS}), RECOVERY_NOTHING);
    assert_true(s.recovery.undo_possible);
}

static void test_a_timeout_is_undone_when_an_original_arrives(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    timeout(&s);
    assert_int_equal(s.recovery.state, TCPIP_TCP_LOSS);
    struct tcp_ack facts = {
        .acked = 2 * MSS, .acked_retransmitted = true, .acked_original = true, .original_seq = at(1)};
    assert_int_equal(give(&s, facts), RECOVERY_LOSS_UNDO);
    assert_int_equal(s.recovery.state, TCPIP_TCP_OPEN);
    assert_int_equal(s.recovery.frto, FRTO_OFF);
}

static void test_new_data_that_arrive_prove_no_spurious_timeout(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    timeout(&s);
    assert_int_equal(give(&s, (struct tcp_ack){.acked = MSS, .acked_retransmitted = true}), RECOVERY_NOTHING);
    assert_int_equal(s.recovery.frto, FRTO_SECOND);
    s.nxt = 12;
    struct tcp_ack facts = {.sacked = MSS, .acked_original = true, .original_seq = at(10)};
    assert_int_equal(give(&s, facts), RECOVERY_NOTHING);
    assert_int_equal(s.recovery.frto, FRTO_OFF); /* a hole */
    facts = (struct tcp_ack){.sacked = MSS, .acked_original = true, .original_seq = at(5)};
    assert_int_equal(give(&s, facts), RECOVERY_NOTHING);
    assert_int_equal(give_acked(&s, 9), RECOVERY_NOTHING); /* the end of loss recovery is no action */
    assert_true(s.recovery.state < TCPIP_TCP_RECOVERY);
}

static void test_without_sack_a_spurious_timeout_takes_two_acks_and_new_data(void **state)
{
    (void)state;
    struct tcp_ack first = {
        .acked = 2 * MSS, .acked_retransmitted = true, .acked_original = true, .original_seq = at(1)};
    struct tcp_ack second = {.acked = 2 * MSS, .acked_original = true, .original_seq = at(2)};
    struct side s = side_new(false, 10);
    timeout(&s);
    assert_int_equal(give(&s, first), RECOVERY_NOTHING);
    s.nxt = 12;
    assert_int_equal(give(&s, second), RECOVERY_LOSS_UNDO);
    /* the second is for something sent again, too */
    s = side_new(false, 10);
    timeout(&s);
    give(&s, first);
    s.nxt = 12;
    second.acked_retransmitted = true;
    assert_int_equal(give(&s, second), RECOVERY_NOTHING);
    second.acked_retransmitted = false;
    /* nothing new was sent: the peer may have had it all along */
    s = side_new(false, 10);
    timeout(&s);
    give(&s, first);
    assert_int_equal(give(&s, second), RECOVERY_NOTHING);
    /* a duplicate in between: there is a hole */
    s = side_new(false, 10);
    timeout(&s);
    give(&s, first);
    s.nxt = 12;
    give_duplicate(&s);
    assert_int_equal(give(&s, second), RECOVERY_NOTHING);
}

static void test_an_ack_of_everything_leaves_a_timeout_standing(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    timeout(&s);
    struct tcp_ack facts = {
        .acked = 10 * MSS, .acked_retransmitted = true, .acked_original = true, .original_seq = at(1)};
    assert_int_equal(give(&s, facts), RECOVERY_NOTHING);
    assert_int_equal(s.recovery.state, TCPIP_TCP_OPEN);
}

static void test_a_timeout_inside_fast_recovery_goes_back_to_its_beginning(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    s.something_lost = true;
    give_sacked(&s, 5);
    tcpip__recovery_retransmitted(&s.recovery, at(4), MSS, 1, 50);
    assert_false(tcpip__recovery_on_rto(&s.recovery, at(0), at(11), CWND / 2, CWND / 2, false, true));
    assert_int_equal(s.recovery.frto, FRTO_OFF);
    assert_int_equal(s.recovery.undo_cwnd, CWND);
    assert_int_equal(s.recovery.recovery_point.v, at(11).v);
    tcpip__recovery_retransmitted(&s.recovery, at(4), MSS, 1, 90);
    struct tcp_ack facts = {.acked = MSS, .acked_retransmitted = true, .has_timestamp = true, .ts_ecr = 60};
    assert_int_equal(give(&s, facts), RECOVERY_NOTHING); /* from the first retransmission */
    facts.ts_ecr = 49;
    assert_int_equal(give(&s, facts), RECOVERY_LOSS_UNDO);
}

static void test_one_window_is_reduced_once_and_what_was_sent_after_progress_again(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    assert_true(timeout(&s));
    assert_false(tcpip__recovery_on_rto(&s.recovery, at(0), at(10), MSS, CWND / 2, true, true));
    assert_int_equal(s.recovery.undo_cwnd, CWND);
    give_acked(&s, 2);
    assert_true(tcpip__recovery_on_rto(&s.recovery, at(2), at(10), 2 * MSS, CWND / 2, false, true));
    assert_int_equal(s.recovery.undo_cwnd, 2 * MSS);
    assert_int_equal(s.recovery.frto, FRTO_OFF);
}

static void test_judged_by_time_neither_duplicates_nor_partial_acks_count(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    for (int i = 0; i < 5; i++)
        assert_int_equal(give(&s, (struct tcp_ack){.duplicate = true, .sacked = MSS, .has_sack = true, .rack = true}) &
                             RECOVERY_ENTER,
                         0);
    s.something_lost = true;
    assert_int_equal(give(&s, (struct tcp_ack){.duplicate = true, .sacked = MSS, .rack = true}), RECOVERY_ENTER);
    s.something_lost = false;
    assert_int_equal(give(&s, (struct tcp_ack){.acked = MSS, .rack = true}), RECOVERY_NOTHING);
}

static void test_the_duplicate_of_a_probe_undoes_nothing(void **state)
{
    (void)state;
    struct side s = side_new(true, 10);
    timeout(&s);
    struct tcp_ack facts = {.dsack = true, .dsack_of_probe = true, .dsack_bytes = MSS};
    assert_int_equal(give(&s, facts), RECOVERY_NOTHING);
    facts.dsack_of_probe = false;
    assert_int_equal(give(&s, facts), RECOVERY_LOSS_UNDO);
}

static void test_what_was_sent_again_in_vain_shows_how_far_it_was_late(void **state)
{
    (void)state;
    struct side s = side_new(true, 40);
    s.something_lost = true;
    give_sacked(&s, 3);
    s.something_lost = false;
    tcpip__recovery_retransmitted(&s.recovery, at(4), MSS, 1, 100);
    give(&s, (struct tcp_ack){.acked = 26 * MSS, .acked_retransmitted = true, .late_bytes = 25 * MSS});
    assert_int_equal(s.recovery.reordering, 3); /* it may have been the retransmission that came */
    assert_int_equal(give(&s, (struct tcp_ack){.dsack = true, .dsack_bytes = MSS}), RECOVERY_UNDO);
    assert_int_equal(s.recovery.reordering, 25);
    s.something_lost = true;
    give_sacked(&s, 3);
    assert_int_equal(s.recovery.late_bytes, 0); /* the next episode has its own */
}

static void test_reordering_raises_the_threshold_and_a_timeout_resets_it(void **state)
{
    (void)state;
    struct side s = side_new(true, 300);
    struct tcp_ack facts = {.acked = MSS, .reordered = true, .reordering_bytes = 7 * MSS - 1};
    give(&s, facts);
    assert_int_equal(s.recovery.reordering, 7);
    facts.reordering_bytes = 2 * MSS;
    give(&s, facts);
    assert_int_equal(s.recovery.reordering, 7);
    facts.reordering_bytes = 250 * MSS;
    give(&s, facts);
    assert_int_equal(s.recovery.reordering, 127);
    timeout(&s);
    assert_int_equal(s.recovery.reordering, 3);
}

/* ---- PRR ---- */

static void test_prr_sends_in_proportion_down_to_ssthresh(void **state)
{
    (void)state;
    struct recovery recovery;
    struct tcp_ack facts = {.delivered = MSS, .sacked = MSS};
    uint32_t in_flight = 19 * MSS, sent = 0; /* 20 outstanding, one SACKed now ... */
    tcpip__recovery_init(&recovery);
    recovery.prr_delivered = 3 * MSS;
    tcpip__recovery_enter(&recovery, at(0), at(20), CWND, SSTHRESH, 20 * MSS);
    for (uint32_t delivered = 3; delivered < 20; delivered++) {
        facts.in_flight = in_flight;
        uint32_t cwnd = tcpip__recovery_prr_cwnd(&recovery, &facts, 10 * MSS, MSS);
        while (in_flight + MSS <= cwnd) {
            tcpip__recovery_sent(&recovery, MSS);
            in_flight += MSS;
            sent++;
        }
        recovery.prr_delivered += MSS;
        in_flight -= MSS;
    }
    /* Half of what was delivered went out, and in flight came down to half. */
    assert_in_range(sent, 9, 11);
    assert_in_range(in_flight, 9 * MSS, 11 * MSS);
}

static void test_prr_always_sends_the_fast_retransmission(void **state)
{
    (void)state;
    struct recovery recovery;
    struct tcp_ack facts = {.delivered = 1, .in_flight = 10 * MSS};
    tcpip__recovery_init(&recovery);
    tcpip__recovery_enter(&recovery, at(0), at(20), CWND, SSTHRESH, 20 * MSS);
    recovery.prr_delivered = 0;
    assert_int_equal(tcpip__recovery_prr_cwnd(&recovery, &facts, 10 * MSS, MSS), 11 * MSS);
    tcpip__recovery_sent(&recovery, MSS);
    assert_int_equal(tcpip__recovery_prr_cwnd(&recovery, &facts, 10 * MSS, MSS), 10 * MSS);
}

static void test_prr_grows_below_ssthresh_only_on_safe_acks(void **state)
{
    (void)state;
    struct recovery recovery;
    struct tcp_ack facts = {.delivered = MSS, .in_flight = 2 * MSS};
    tcpip__recovery_init(&recovery);
    tcpip__recovery_enter(&recovery, at(0), at(20), CWND, SSTHRESH, 20 * MSS);
    recovery.prr_delivered = 10 * MSS;
    recovery.prr_out = 10 * MSS;
    assert_int_equal(tcpip__recovery_prr_cwnd(&recovery, &facts, 10 * MSS, MSS), 3 * MSS);
    facts.acked = MSS;
    assert_int_equal(tcpip__recovery_prr_cwnd(&recovery, &facts, 10 * MSS, MSS), 4 * MSS);
    facts.lost = MSS;
    assert_int_equal(tcpip__recovery_prr_cwnd(&recovery, &facts, 10 * MSS, MSS), 3 * MSS);
    facts.delivered = 20 * MSS; /* never beyond ssthresh */
    assert_int_equal(tcpip__recovery_prr_cwnd(&recovery, &facts, 10 * MSS, MSS), 10 * MSS);
    facts.delivered = 0;
    assert_int_equal(tcpip__recovery_prr_cwnd(&recovery, &facts, 10 * MSS, MSS), 2 * MSS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_duplicates_enter_and_partial_acks_go_on),
        cmocka_unit_test(test_an_ack_between_resets_the_count),
        cmocka_unit_test(test_duplicates_of_the_last_episode_start_no_new_one),
        cmocka_unit_test(test_the_first_episode_needs_no_earlier_one_whatever_the_sequence_numbers),
        cmocka_unit_test(test_with_sack_the_scoreboard_judges),
        cmocka_unit_test(test_with_sack_repetitions_that_tell_nothing_dont_count),
        cmocka_unit_test(test_loss_above_the_recovery_point_starts_the_next_episode),
        cmocka_unit_test(test_an_older_timestamp_undoes_fast_recovery),
        cmocka_unit_test(test_timestamps_are_compared_across_their_wrap),
        cmocka_unit_test(test_dsacks_for_all_retransmissions_undo_even_after_the_end),
        cmocka_unit_test(test_dsacks_of_what_was_never_sent_again_undo_nothing),
        cmocka_unit_test(test_a_dsack_before_anything_was_sent_again_undoes_nothing),
        cmocka_unit_test(test_a_timeout_is_undone_when_an_original_arrives),
        cmocka_unit_test(test_new_data_that_arrive_prove_no_spurious_timeout),
        cmocka_unit_test(test_without_sack_a_spurious_timeout_takes_two_acks_and_new_data),
        cmocka_unit_test(test_an_ack_of_everything_leaves_a_timeout_standing),
        cmocka_unit_test(test_a_timeout_inside_fast_recovery_goes_back_to_its_beginning),
        cmocka_unit_test(test_one_window_is_reduced_once_and_what_was_sent_after_progress_again),
        cmocka_unit_test(test_judged_by_time_neither_duplicates_nor_partial_acks_count),
        cmocka_unit_test(test_the_duplicate_of_a_probe_undoes_nothing),
        cmocka_unit_test(test_what_was_sent_again_in_vain_shows_how_far_it_was_late),
        cmocka_unit_test(test_reordering_raises_the_threshold_and_a_timeout_resets_it),
        cmocka_unit_test(test_prr_sends_in_proportion_down_to_ssthresh),
        cmocka_unit_test(test_prr_always_sends_the_fast_retransmission),
        cmocka_unit_test(test_prr_grows_below_ssthresh_only_on_safe_acks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
