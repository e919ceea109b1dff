// SPDX-License-Identifier: MIT
/* ecn_test.c: both ends of a connection as organs, with a path between them that marks, clears and loses. */
#include "transport/tcp/ecn.h"

#include "base/math.h"
#include "base/rng.h"
#include <tcpip/header/tcp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    MSS = 1000,
    SETUP = TCPIP_TCP_ECE | TCPIP_TCP_CWR,
    ALL = SETUP | TCPIP_TCP_AE,
    NO_OPTION = -1,
};

static uint16_t ace(uint32_t value)
{
    return (uint16_t)((value & 7) << 6);
}

static struct ecn client_of(uint16_t asked, uint16_t answer)
{
    struct ecn ecn = {.asked = asked};
    tcpip__ecn_answered(&ecn, answer, POINT_NOT_ECT);
    return ecn;
}

/* ---- handshake ---- */

static void test_each_mode_asks_and_falls_back(void **state)
{
    (void)state;
    static const uint16_t first[] = {0, SETUP, 0, ALL, SETUP, 0};
    for (int option = ECN_OPTION_OFF; option <= ECN_OPTION_ACCURATE_PASSIVE; option++) {
        assert_int_equal(tcpip__ecn_syn_flags((enum ecn_option)option, false, 0), first[option]);
        assert_int_equal(tcpip__ecn_syn_flags((enum ecn_option)option, false, 1),
                         option == ECN_OPTION_ACCURATE ? ALL : 0);
        assert_int_equal(tcpip__ecn_syn_flags((enum ecn_option)option, false, 2), 0);
    }
    assert_int_equal(tcpip__ecn_syn_flags(ECN_OPTION_OFF, true, 0), SETUP);
}

static void test_a_server_accepts_what_its_mode_allows(void **state)
{
    (void)state;
    assert_int_equal(tcpip__ecn_accept(ECN_OPTION_OFF, false, SETUP), ECN_OFF);
    assert_int_equal(tcpip__ecn_accept(ECN_OPTION_OFF, true, SETUP), ECN_CLASSIC);
    assert_int_equal(tcpip__ecn_accept(ECN_OPTION_CLASSIC_PASSIVE, false, 0), ECN_OFF);
    assert_int_equal(tcpip__ecn_accept(ECN_OPTION_CLASSIC_PASSIVE, false, SETUP), ECN_CLASSIC);
    assert_int_equal(tcpip__ecn_accept(ECN_OPTION_CLASSIC, false, ALL), ECN_CLASSIC);
    assert_int_equal(tcpip__ecn_accept(ECN_OPTION_CLASSIC, false, TCPIP_TCP_ECE), ECN_OFF);
    for (int option = ECN_OPTION_ACCURATE; option <= ECN_OPTION_ACCURATE_PASSIVE; option++) {
        assert_int_equal(tcpip__ecn_accept((enum ecn_option)option, false, 0), ECN_OFF);
        assert_int_equal(tcpip__ecn_accept((enum ecn_option)option, false, SETUP), ECN_CLASSIC);
        assert_int_equal(tcpip__ecn_accept((enum ecn_option)option, false, ALL), ECN_ACCURATE);
        assert_int_equal(tcpip__ecn_accept((enum ecn_option)option, false, TCPIP_TCP_AE), ECN_ACCURATE);
    }
}

static void test_the_answer_settles_the_mode(void **state)
{
    (void)state;
    static const uint8_t accurate[] = {ECN_OFF,      ECN_CLASSIC,  ECN_ACCURATE, ECN_ACCURATE,
                                       ECN_ACCURATE, ECN_ACCURATE, ECN_ACCURATE, ECN_OFF};
    for (uint32_t answer = 0; answer < 8; answer++) {
        assert_int_equal(client_of(ALL, ace(answer)).mode, accurate[answer]);
        assert_int_equal(client_of(0, ace(answer)).mode, ECN_OFF);
        assert_int_equal(client_of(SETUP, ace(answer)).mode, (answer & 3) == 1 ? ECN_CLASSIC : ECN_OFF);
    }
    assert_true(client_of(ALL, ace(2)).send_ect);
    assert_true(client_of(ALL, ace(5)).send_ect);  /* reserved: as if it came unchanged */
    assert_false(client_of(ALL, ace(4)).send_ect); /* our SYN left as Not-ECT */
    assert_false(client_of(ALL, ace(0)).send_ect);
}

static void test_a_syn_ack_tells_the_code_point_of_the_syn(void **state)
{
    (void)state;
    static const uint8_t expected[] = {[POINT_NOT_ECT] = 2, [POINT_ECT1] = 3, [POINT_ECT0] = 4, [POINT_CE] = 6};
    for (int point = POINT_NOT_ECT; point <= POINT_CE; point++) {
        assert_int_equal(tcpip__ecn_syn_ack_flags(ECN_ACCURATE, (enum ecn_point)point), ace(expected[point]));
        /* and the first bare ACK that of the SYN-ACK */
        struct ecn ecn = {.asked = ALL};
        tcpip__ecn_answered(&ecn, ace(2), (enum ecn_point)point);
        assert_int_equal(tcpip__ecn_flags(&ecn, true, false), ace(expected[point]));
        assert_int_equal(tcpip__ecn_flags(&ecn, true, false), ace(point == POINT_CE ? 6 : 5)); /* and the counter */
    }
    assert_int_equal(tcpip__ecn_syn_ack_flags(ECN_CLASSIC, POINT_CE), TCPIP_TCP_ECE);
    assert_int_equal(tcpip__ecn_syn_ack_flags(ECN_OFF, POINT_CE), 0);
}

/* ---- classic ---- */

static void test_a_mark_is_echoed_until_the_window_was_reduced(void **state)
{
    (void)state;
    struct ecn receiver = {0}, sender = client_of(SETUP, TCPIP_TCP_ECE);
    tcpip__ecn_accepted(&receiver, ECN_CLASSIC, POINT_NOT_ECT);
    assert_int_equal(ecn_point_out(&sender, true), POINT_ECT0);
    assert_int_equal(ecn_point_out(&sender, false), POINT_NOT_ECT);
    assert_false(tcpip__ecn_received(&receiver, POINT_ECT0, 0, MSS, 1));
    assert_int_equal(tcpip__ecn_flags(&receiver, true, false), 0);
    assert_true(tcpip__ecn_received(&receiver, POINT_CE, 0, MSS, 1));
    assert_false(tcpip__ecn_received(&receiver, POINT_CE, 0, MSS, 1)); /* is being told already */
    for (int i = 0; i < 3; i++) {
        uint16_t flags = tcpip__ecn_flags(&receiver, true, false);
        assert_int_equal(flags, TCPIP_TCP_ECE);
        assert_int_equal(tcpip__ecn_ack_received(&sender, flags, true, MSS, MSS, UINT32_MAX), MSS);
        assert_int_equal(tcpip__ecn_reduce(&sender, seq(100), seq(200), 10 * MSS), i == 0); /* once a window */
    }
    assert_int_equal(tcpip__ecn_flags(&sender, true, false), 0);
    assert_int_equal(tcpip__ecn_flags(&sender, false, false), 0); /* not on a retransmission */
    assert_int_equal(tcpip__ecn_flags(&sender, false, true), TCPIP_TCP_CWR);
    assert_int_equal(tcpip__ecn_flags(&sender, false, true), 0);
    assert_true(tcpip__ecn_received(&receiver, POINT_ECT0, TCPIP_TCP_CWR, MSS, 1));
    assert_int_equal(tcpip__ecn_flags(&receiver, true, false), 0);
    assert_true(tcpip__ecn_received(&receiver, POINT_CE, TCPIP_TCP_CWR, MSS, 1)); /* CWR and a new mark */
    assert_int_equal(tcpip__ecn_flags(&receiver, true, false), TCPIP_TCP_ECE);
    assert_true(tcpip__ecn_reduce(&sender, seq(201), seq(300), 10 * MSS)); /* the next window */
}

static void test_a_mark_without_data_says_nothing(void **state)
{
    (void)state;
    struct ecn receiver = {0};
    tcpip__ecn_accepted(&receiver, ECN_CLASSIC, POINT_NOT_ECT);
    assert_false(tcpip__ecn_received(&receiver, POINT_CE, 0, 0, 1));
    assert_int_equal(tcpip__ecn_flags(&receiver, true, false), 0);
}

static void test_for_dctcp_the_echo_is_that_of_the_latest_data(void **state)
{
    (void)state;
    struct ecn receiver = {.exact = true};
    tcpip__ecn_accepted(&receiver, ECN_CLASSIC, POINT_NOT_ECT);
    assert_true(receiver.exact);
    assert_false(ecn_turns(&receiver, POINT_ECT0));
    assert_true(ecn_turns(&receiver, POINT_CE));
    (void)tcpip__ecn_received(&receiver, POINT_CE, 0, MSS, 1);
    assert_int_equal(tcpip__ecn_flags(&receiver, true, false), TCPIP_TCP_ECE);
    assert_false(ecn_turns(&receiver, POINT_CE));
    assert_true(ecn_turns(&receiver, POINT_ECT0));
    (void)tcpip__ecn_received(&receiver, POINT_NOT_ECT, 0, 0, 1); /* a bare ACK turns nothing */
    assert_int_equal(tcpip__ecn_flags(&receiver, true, false), TCPIP_TCP_ECE);
    (void)tcpip__ecn_received(&receiver, POINT_ECT0, 0, MSS, 1);
    assert_int_equal(tcpip__ecn_flags(&receiver, true, false), 0);
}

static void test_over_a_window_of_acks_cwnd_falls_to_ssthresh(void **state)
{
    (void)state;
    struct ecn ecn = client_of(SETUP, TCPIP_TCP_ECE);
    uint32_t cwnd = 100 * MSS, ssthresh = 70 * MSS, in_flight = cwnd, sent = 0;
    assert_true(tcpip__ecn_reduce(&ecn, seq(0), seq(cwnd), cwnd));
    for (int i = 0; i < 50; i++) {
        assert_true(ecn_reducing(&ecn, seq((uint32_t)i * 2 * MSS)));
        in_flight -= 2 * MSS;
        cwnd = tcpip__ecn_cwnd(&ecn, cwnd, ssthresh, 2 * MSS);
        if (i == 24)
            assert_int_equal(cwnd, 85 * MSS);
        for (; in_flight + MSS <= cwnd; in_flight += MSS)
            sent++;
    }
    assert_int_equal(cwnd, ssthresh);
    assert_false(ecn_reducing(&ecn, seq(100 * MSS + 1)));
    assert_in_range(sent, 69, 70);
}

static void test_what_a_loss_has_reduced_is_told_with_cwr(void **state)
{
    (void)state;
    struct ecn ecn = client_of(SETUP, TCPIP_TCP_ECE);
    assert_true(tcpip__ecn_reduce(&ecn, seq(0), seq(100), MSS));
    (void)tcpip__ecn_flags(&ecn, false, true);
    tcpip__ecn_reduced_by_loss(&ecn);
    assert_false(ecn_reducing(&ecn, seq(0)));
    assert_int_equal(tcpip__ecn_flags(&ecn, false, true), TCPIP_TCP_CWR);
}

static void test_without_ecn_nothing_is_said_or_heard(void **state)
{
    (void)state;
    struct ecn ecn = client_of(0, 0);
    struct ecn_counters counters;
    tcpip__ecn_reduced_by_loss(&ecn);
    assert_false(tcpip__ecn_received(&ecn, POINT_CE, ALL, MSS, 1));
    assert_int_equal(tcpip__ecn_ack_received(&ecn, ALL, true, MSS, MSS, UINT32_MAX), 0);
    assert_int_equal(tcpip__ecn_flags(&ecn, false, true), 0);
    assert_int_equal(ecn_point_out(&ecn, true), POINT_NOT_ECT);
    assert_int_equal(tcpip__ecn_option(&ecn, true, 40, &counters), 0);
    assert_int_equal(counters.count, 0);
}

/* ---- accurate ---- */

struct accurate {
    struct ecn sender, receiver;
    bool option; /* the path lets it through */
};

static struct accurate accurate_new(bool option)
{
    struct accurate a = {.sender = client_of(ALL, ace(2))};
    tcpip__ecn_accepted(&a.receiver, ECN_ACCURATE, POINT_NOT_ECT);
    a.option = option;
    a.sender.unproven = a.receiver.third_ack = false; /* the handshake is over */
    return a;
}

/* The receiver's ACK reaches the sender: the bytes it takes for marked. */
static uint32_t acknowledge(struct accurate *a, uint32_t delivered, bool lost)
{
    struct ecn_counters counters;
    uint32_t ce_bytes = UINT32_MAX, bytes = tcpip__ecn_option(&a->receiver, true, 40, &counters);
    uint16_t flags = tcpip__ecn_flags(&a->receiver, true, false);
    if (lost)
        return 0;
    if (bytes > 0 && a->option)
        tcpip__ecn_option_received(&a->sender, &counters, &ce_bytes);
    return tcpip__ecn_ack_received(&a->sender, flags, true, delivered, MSS, ce_bytes);
}

static void test_the_counter_tells_of_each_mark(void **state)
{
    (void)state;
    for (int option = 0; option < 2; option++) {
        struct rng rng;
        rng_init(&rng, 7);
        struct accurate a = accurate_new(option != 0);
        uint32_t marked = 0, heard = 0;
        for (int i = 0; i < 2000; i++) {
            uint32_t packets = rng_below(&rng, 3) + 1;
            for (uint32_t k = 0; k < packets; k++) {
                bool ce = rng_below(&rng, 10) < 3;
                marked += ce ? MSS : 0;
                (void)tcpip__ecn_received(&a.receiver, ce ? POINT_CE : POINT_ECT0, 0, MSS, 1);
            }
            heard += acknowledge(&a, packets * MSS, false);
        }
        assert_int_equal(heard, marked);
        assert_int_equal(a.sender.told_ce, a.receiver.received_ce);
    }
}

static void test_with_the_option_lost_acks_lose_no_mark(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 11);
    struct accurate a = accurate_new(true);
    uint32_t marked = 0, heard = 0, unheard = 0;
    for (int i = 0; i < 3000; i++) {
        bool ce = rng_below(&rng, 2) == 0, lost = i < 2990 && rng_below(&rng, 10) < 8;
        marked += ce ? MSS : 0;
        (void)tcpip__ecn_received(&a.receiver, ce ? POINT_CE : POINT_ECT0, 0, MSS, 1);
        unheard += MSS;
        heard += acknowledge(&a, unheard, lost);
        if (!lost)
            unheard = 0;
    }
    assert_int_equal(a.sender.told_ce_bytes, marked & 0xffffff);
    assert_in_range(heard, marked - 10 * MSS, marked);
    assert_int_equal((a.sender.told_ce - a.receiver.received_ce) % 8, 0);
}

static void test_without_the_option_a_long_gap_counts_at_its_worst(void **state)
{
    (void)state;
    struct accurate a = accurate_new(false);
    (void)tcpip__ecn_flags(&a.receiver, true, false);
    (void)tcpip__ecn_received(&a.receiver, POINT_CE, 0, 2 * MSS, 2);
    /* 20 packets were delivered since the last ACK heard: 2, 10 or 18 of them may have been marked. */
    assert_int_equal(acknowledge(&a, 20 * MSS, false), 18 * MSS);
}

static void test_a_turn_to_ce_and_each_second_mark_are_told_at_once(void **state)
{
    (void)state;
    struct accurate a = accurate_new(false);
    assert_true(tcpip__ecn_received(&a.receiver, POINT_CE, 0, MSS, 1)); /* a turn */
    (void)acknowledge(&a, MSS, false);
    assert_false(tcpip__ecn_received(&a.receiver, POINT_CE, 0, MSS, 1));
    assert_true(tcpip__ecn_received(&a.receiver, POINT_CE, 0, MSS, 1)); /* the second since the ACK */
    (void)acknowledge(&a, 2 * MSS, false);
    assert_false(tcpip__ecn_received(&a.receiver, POINT_ECT0, 0, MSS, 1));
    assert_false(tcpip__ecn_received(&a.receiver, POINT_CE, 0, 0, 1)); /* no data: nothing to acknowledge, ... */
    (void)acknowledge(&a, MSS, false);
    assert_false(tcpip__ecn_received(&a.receiver, POINT_CE, 0, MSS, 1));    /* ... but no turn any more */
    assert_true(tcpip__ecn_received(&a.receiver, POINT_CE, 0, 4 * MSS, 4)); /* merged */
}

static void test_marks_on_bare_acks_are_told_by_threes(void **state)
{
    (void)state;
    struct accurate a = accurate_new(false);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(tcpip__ecn_received(&a.receiver, POINT_CE, 0, 0, 1), i % 3 == 2);
        if (i % 3 == 2)
            (void)acknowledge(&a, 0, false);
    }
}

static void test_a_peer_that_cant_count_isnt_heard(void **state)
{
    (void)state;
    struct ecn client = client_of(ALL, ace(2));
    assert_int_equal(tcpip__ecn_ack_received(&client, 0, true, MSS, MSS, UINT32_MAX), 0);
    assert_int_equal(ecn_point_out(&client, true), POINT_NOT_ECT);
    assert_int_equal(tcpip__ecn_ack_received(&client, ace(3), true, MSS, MSS, UINT32_MAX), 0);
}

static void test_a_server_hears_in_the_third_segment_how_its_syn_ack_came(void **state)
{
    (void)state;
    static const struct {
        bool marks, congested;
        uint32_t told;
    } want[] = {{false, false, 0}, {true, false, 0}, {true, false, 0}, {false, false, 0},
                {false, false, 0}, {true, false, 0}, {false, true, 1}, {true, false, 0}};
    for (uint32_t i = 0; i < 8; i++) {
        struct ecn server = {0};
        tcpip__ecn_accepted(&server, ECN_ACCURATE, POINT_NOT_ECT);
        assert_int_equal(tcpip__ecn_ack_received(&server, ace(i), true, 0, MSS, UINT32_MAX), want[i].congested);
        assert_int_equal(server.send_ect, want[i].marks);
        assert_int_equal(server.handshake_ce, want[i].congested);
        assert_int_equal(server.told_ce, want[i].told);
        /* With data, it is the counter already. */
        tcpip__ecn_accepted(&server, ECN_ACCURATE, POINT_NOT_ECT);
        (void)tcpip__ecn_ack_received(&server, ace(6), false, 0, MSS, UINT32_MAX);
        assert_true(server.send_ect);
        assert_int_equal(server.told_ce, 1);
    }
}

static void test_a_marked_syn_ack_is_counted_once(void **state)
{
    (void)state;
    struct ecn client = {.asked = ALL};
    tcpip__ecn_answered(&client, ace(2), POINT_CE);
    assert_int_equal(tcpip__ecn_flags(&client, true, false), ace(6));
    assert_int_equal(tcpip__ecn_flags(&client, true, false), ace(6)); /* the counter now: 5 and 1 */
    tcpip__ecn_answered_again(&client, POINT_CE);
    assert_int_equal(client.received_ce, 1);
    tcpip__ecn_answered_again(&client, POINT_ECT0);
    assert_int_equal(tcpip__ecn_flags(&client, true, false), ace(4)); /* of the latest (RFC 9768 3.1.5) */
}

static void option_in(struct ecn *ecn, uint32_t first, uint32_t ce, uint8_t count, uint32_t *ce_bytes)
{
    struct ecn_counters counters = {.kind = TCPIP_TCP_OPTION_ACCECN0, .count = count, .value = {first, ce, first}};
    tcpip__ecn_option_received(ecn, &counters, ce_bytes);
}

static void test_a_zeroed_option_isnt_believed(void **state)
{
    (void)state;
    struct accurate a = accurate_new(false);
    uint32_t ce_bytes = UINT32_MAX;
    option_in(&a.sender, 0, 0, 3, &ce_bytes);
    option_in(&a.sender, 500, 700, 3, &ce_bytes);
    assert_int_equal(ce_bytes, UINT32_MAX);
}

static void test_bytes_that_no_packet_explains_end_the_marking(void **state)
{
    (void)state;
    struct accurate a = accurate_new(true);
    uint32_t ce_bytes = UINT32_MAX;
    option_in(&a.sender, 1, MSS, 2, &ce_bytes);
    (void)tcpip__ecn_ack_received(&a.sender, ace(5), true, 2 * MSS, MSS, ce_bytes);
    assert_int_equal(ecn_point_out(&a.sender, true), POINT_NOT_ECT);
    /* But packets may have been told of before their bytes. */
    a = accurate_new(true);
    (void)tcpip__ecn_ack_received(&a.sender, ace(6), true, 2 * MSS, MSS, UINT32_MAX);
    ce_bytes = UINT32_MAX;
    option_in(&a.sender, 1, 3 * MSS, 2, &ce_bytes);
    (void)tcpip__ecn_ack_received(&a.sender, ace(6), true, 2 * MSS, MSS, ce_bytes);
    assert_int_equal(ecn_point_out(&a.sender, true), POINT_ECT0);
}

static void test_an_ack_that_was_overtaken_takes_nothing_back(void **state)
{
    (void)state;
    struct accurate a = accurate_new(true);
    uint32_t ce_bytes = UINT32_MAX;
    option_in(&a.sender, 1, 5000, 2, &ce_bytes);
    assert_int_equal(ce_bytes, 5000);
    ce_bytes = UINT32_MAX;
    option_in(&a.sender, 1, 3000, 2, &ce_bytes);
    assert_int_equal(ce_bytes, UINT32_MAX);
    assert_int_equal(a.sender.told_ce_bytes, 5000);
    assert_int_equal(tcpip__ecn_ack_received(&a.sender, ace(5 + 2), true, 2 * MSS, MSS, UINT32_MAX), 2 * MSS);
    assert_int_equal(tcpip__ecn_ack_received(&a.sender, ace(5 + 1), true, 0, MSS, UINT32_MAX), 0); /* as if 7 more */
    assert_int_equal(a.sender.told_ce, 2);
}

static void test_the_option_comes_with_news_or_every_third_ack(void **state)
{
    (void)state;
    struct accurate a = accurate_new(true);
    struct ecn_counters out;
    static const uint32_t due[] = {8, 8, 0, 0, 8, 0, 0, 8};
    assert_int_equal(tcpip__ecn_option(&a.receiver, true, 40, &out), 0); /* nothing has come */
    for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++) {          /* ECT(0) is new, twice told */
        (void)tcpip__ecn_received(&a.receiver, POINT_ECT0, 0, 10, 1);
        assert_int_equal(tcpip__ecn_option(&a.receiver, i % 2 == 0, 40, &out), due[i]);
    }
    assert_int_equal(tcpip__ecn_option(&a.receiver, true, 40, &out), 0);
    (void)tcpip__ecn_received(&a.receiver, POINT_CE, 0, 70, 1);
    assert_int_equal(tcpip__ecn_option(&a.receiver, true, 7, &out), 0); /* no room: it stays due */
    assert_int_equal(tcpip__ecn_option(&a.receiver, true, 8, &out), 8);
    assert_int_equal(out.kind, TCPIP_TCP_OPTION_ACCECN0);
    assert_int_equal(out.count, 2);
    (void)tcpip__ecn_received(&a.receiver, POINT_ECT1, 0, 30, 1);
    assert_int_equal(tcpip__ecn_option(&a.receiver, true, 40, &out), 12);
    assert_int_equal(out.count, 3);
    assert_int_equal(out.value[0], 81);
    assert_int_equal(out.value[1], 70);
    assert_int_equal(out.value[2], 31);
}

static void test_who_gets_ect1_alone_tells_it_first(void **state)
{
    (void)state;
    struct accurate a = accurate_new(true);
    struct ecn_counters out;
    (void)tcpip__ecn_received(&a.receiver, POINT_ECT1, 0, 30, 1);
    assert_int_equal(tcpip__ecn_option(&a.receiver, true, 40, &out), 8);
    assert_int_equal(out.kind, TCPIP_TCP_OPTION_ACCECN1);
    assert_int_equal(out.value[0], 31);
    assert_int_equal(out.value[1], 0);
}

static void test_a_client_tries_the_option_with_its_first_ack_and_first_data(void **state)
{
    (void)state;
    struct ecn client = client_of(ALL, ace(2));
    struct ecn_counters out;
    assert_int_equal(tcpip__ecn_option(&client, true, 40, &out), 8);
    assert_int_equal(tcpip__ecn_option(&client, true, 40, &out), 0);
    assert_int_equal(tcpip__ecn_option(&client, false, 40, &out), 8);
    assert_int_equal(tcpip__ecn_option(&client, false, 40, &out), 0);
}

static void test_a_packet_is_cut_only_where_ace_survives_it(void **state)
{
    (void)state;
    struct accurate a = accurate_new(false);
    for (uint32_t i = 0; i < 16; i++) {
        bool middle = (tcpip__ecn_flags(&a.receiver, true, false) & TCPIP_TCP_CWR) != 0;
        assert_int_equal(ecn_cuttable(&a.receiver), !middle);
        (void)tcpip__ecn_received(&a.receiver, POINT_CE, 0, MSS, 1);
    }
    struct ecn classic = client_of(SETUP, TCPIP_TCP_ECE);
    assert_true(ecn_cuttable(&classic)); /* CWR goes with the first segment alone, as it should */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mode_asks_and_falls_back),
        cmocka_unit_test(test_a_server_accepts_what_its_mode_allows),
        cmocka_unit_test(test_the_answer_settles_the_mode),
        cmocka_unit_test(test_a_syn_ack_tells_the_code_point_of_the_syn),
        cmocka_unit_test(test_a_mark_is_echoed_until_the_window_was_reduced),
        cmocka_unit_test(test_a_mark_without_data_says_nothing),
        cmocka_unit_test(test_for_dctcp_the_echo_is_that_of_the_latest_data),
        cmocka_unit_test(test_over_a_window_of_acks_cwnd_falls_to_ssthresh),
        cmocka_unit_test(test_what_a_loss_has_reduced_is_told_with_cwr),
        cmocka_unit_test(test_without_ecn_nothing_is_said_or_heard),
        cmocka_unit_test(test_the_counter_tells_of_each_mark),
        cmocka_unit_test(test_with_the_option_lost_acks_lose_no_mark),
        cmocka_unit_test(test_without_the_option_a_long_gap_counts_at_its_worst),
        cmocka_unit_test(test_a_turn_to_ce_and_each_second_mark_are_told_at_once),
        cmocka_unit_test(test_marks_on_bare_acks_are_told_by_threes),
        cmocka_unit_test(test_a_peer_that_cant_count_isnt_heard),
        cmocka_unit_test(test_a_server_hears_in_the_third_segment_how_its_syn_ack_came),
        cmocka_unit_test(test_a_marked_syn_ack_is_counted_once),
        cmocka_unit_test(test_bytes_that_no_packet_explains_end_the_marking),
        cmocka_unit_test(test_who_gets_ect1_alone_tells_it_first),
        cmocka_unit_test(test_a_client_tries_the_option_with_its_first_ack_and_first_data),
        cmocka_unit_test(test_a_zeroed_option_isnt_believed),
        cmocka_unit_test(test_an_ack_that_was_overtaken_takes_nothing_back),
        cmocka_unit_test(test_the_option_comes_with_news_or_every_third_ack),
        cmocka_unit_test(test_a_packet_is_cut_only_where_ace_survives_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
