// SPDX-License-Identifier: MIT
/* tlp_test.c: RFC 8985 section 7: when to probe, and what the answer to a probe says. */
#include "transport/tcp/tlp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const tcpip_ns RTT = 100 * TCPIP_MS, DELAY = 200 * TCPIP_MS, RTO = TCPIP_SECOND;

enum { START = 0xfffffff0, END = 0x100 }; /* the sequence numbers wrap in between */

static struct tlp probe(bool retransmission)
{
    struct tlp tlp;
    tcpip__tlp_init(&tlp);
    tcpip__tlp_sent(&tlp, seq(START), seq(END), retransmission);
    return tlp;
}

static enum tlp_verdict answer(struct tlp *tlp, struct tcp_ack facts, uint32_t ack)
{
    facts.ack = seq(ack);
    return tcpip__tlp_on_ack(tlp, &facts);
}

static void test_a_probe_waits_for_two_round_trips_and_a_delayed_ack(void **state)
{
    (void)state;
    assert_int_equal(tcpip__tlp_timeout(RTT, false, DELAY, RTO), 2 * RTT);
    assert_int_equal(tcpip__tlp_timeout(RTT, true, DELAY, RTO), 2 * RTT + DELAY);
    assert_int_equal(tcpip__tlp_timeout(1, false, DELAY, RTO), 2 * TCPIP_MS);
}

static void test_a_probe_is_never_later_than_the_retransmission_timer(void **state)
{
    (void)state;
    assert_int_equal(tcpip__tlp_timeout(RTT, true, DELAY, RTT), RTT);
    assert_int_equal(tcpip__tlp_timeout(RTT, true, DELAY, -5), 0);
}

static void test_new_data_answer_for_themselves(void **state)
{
    (void)state;
    struct tlp tlp = probe(false);
    assert_int_equal(answer(&tlp, (struct tcp_ack){.acked = 10}, START), TLP_NOTHING);
    assert_true(tlp.outstanding);
    assert_int_equal(answer(&tlp, (struct tcp_ack){.acked = END - START}, END), TLP_NO_LOSS);
    assert_false(tlp.outstanding);
    assert_int_equal(answer(&tlp, (struct tcp_ack){.acked = 10}, END + 10), TLP_NOTHING);
}

static void test_more_acknowledged_without_a_duplicate_means_that_the_probe_was_the_repair(void **state)
{
    (void)state;
    struct tlp tlp = probe(true);
    assert_int_equal(answer(&tlp, (struct tcp_ack){.acked = 5}, END), TLP_NOTHING); /* of either copy */
    assert_int_equal(answer(&tlp, (struct tcp_ack){.acked = 5}, END + 5), TLP_REPAIRED);
    assert_false(tlp.outstanding);
}

static void test_a_d_sack_of_the_probe_means_that_nothing_was_lost(void **state)
{
    (void)state;
    struct tlp tlp = probe(true);
    struct tcp_ack facts = {.dsack = true, .dsack_end = seq(END), .ack = seq(END)};
    assert_int_equal(tcpip__tlp_on_ack(&tlp, &facts), TLP_NO_LOSS);
    assert_true(facts.dsack_of_probe);
    tlp = probe(true);
    facts = (struct tcp_ack){.dsack = true, .dsack_end = seq(END - 1), .ack = seq(END)}; /* it carried the FIN */
    assert_int_equal(tcpip__tlp_on_ack(&tlp, &facts), TLP_NO_LOSS);
    tlp = probe(true);
    facts = (struct tcp_ack){.dsack = true, .dsack_end = seq(START), .ack = seq(END), .acked = 1}; /* of another */
    assert_int_equal(tcpip__tlp_on_ack(&tlp, &facts), TLP_NOTHING);
    assert_false(facts.dsack_of_probe);
    assert_true(tlp.outstanding);
}

static void test_a_bare_duplicate_means_that_both_came(void **state)
{
    (void)state;
    struct tlp tlp = probe(true);
    assert_int_equal(answer(&tlp, (struct tcp_ack){.has_data = true}, END), TLP_NOTHING);
    assert_int_equal(answer(&tlp, (struct tcp_ack){.window_changed = true}, END), TLP_NOTHING);
    assert_int_equal(answer(&tlp, (struct tcp_ack){.sacked = 10}, END), TLP_NOTHING);
    assert_true(tlp.outstanding);
    assert_int_equal(answer(&tlp, (struct tcp_ack){.acked = 0}, END), TLP_NO_LOSS);
    assert_false(tlp.outstanding);
}

static void test_after_a_recovery_began_a_probe_says_nothing(void **state)
{
    (void)state;
    struct tlp tlp = probe(true);
    tcpip__tlp_cancel(&tlp);
    assert_int_equal(answer(&tlp, (struct tcp_ack){.acked = 5}, END + 5), TLP_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_probe_waits_for_two_round_trips_and_a_delayed_ack),
        cmocka_unit_test(test_a_probe_is_never_later_than_the_retransmission_timer),
        cmocka_unit_test(test_new_data_answer_for_themselves),
        cmocka_unit_test(test_more_acknowledged_without_a_duplicate_means_that_the_probe_was_the_repair),
        cmocka_unit_test(test_a_d_sack_of_the_probe_means_that_nothing_was_lost),
        cmocka_unit_test(test_a_bare_duplicate_means_that_both_came),
        cmocka_unit_test(test_after_a_recovery_began_a_probe_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
