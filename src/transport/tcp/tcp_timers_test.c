// SPDX-License-Identifier: MIT
/* tcp_timers_test.c: everything that waits, with a peer that answers, or doesn't. */
#include "tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ACK = TCPIP_TCP_ACK, RST = TCPIP_TCP_RST, FIN = TCPIP_TCP_FIN, PSH = TCPIP_TCP_PSH, SYN = TCPIP_TCP_SYN };

static void option(struct tcpip_endpoint *ep, enum tcpip_option name, int64_t value)
{
    assert_int_equal(tcpip_endpoint_set_option(ep, name, value), TCPIP_OK);
}

static size_t put(struct tcpip_endpoint *ep, size_t size)
{
    static uint8_t data[100000];
    size_t done = 0;
    enum tcpip_error error = tcpip_endpoint_write(ep, data, size, 0, NULL, &done);
    assert_true(error == TCPIP_OK || error == TCPIP_ERR_WOULD_BLOCK);
    return done;
}

static void end(struct tcp_peer *peer, struct tcpip_endpoint *ep)
{
    tcpip_endpoint_close(ep);
    peer_fini(peer);
}

static void keepalive_probes_an_idle_peer_and_gives_it_up(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    option(ep, TCPIP_OPTION_KEEPALIVE_IDLE, 100 * TCPIP_SECOND);
    option(ep, TCPIP_OPTION_KEEPALIVE_INTERVAL, 10 * TCPIP_SECOND);
    option(ep, TCPIP_OPTION_KEEPALIVE_COUNT, 3);
    option(ep, TCPIP_OPTION_KEEPALIVE, 1);
    peer_run(&peer, 99 * TCPIP_SECOND);
    peer_expect_nothing(&peer);
    peer_run(&peer, 2 * TCPIP_SECOND);
    peer_expect(&peer, ACK);
    assert_int_equal(peer.seen.fields.sequence, peer.ack - 1); /* what must be answered (RFC 9293 3.8.4) */
    peer_say(&peer, ACK, 0);                                   /* it lives */
    peer_run(&peer, 99 * TCPIP_SECOND);
    peer_expect_nothing(&peer);
    peer_run(&peer, 22 * TCPIP_SECOND);
    assert_int_equal(peer_discard(&peer), 3);
    assert_int_equal(peer_state(ep), TCPIP_TCP_ESTABLISHED);
    peer_run(&peer, 10 * TCPIP_SECOND);
    peer_expect(&peer, RST | ACK);
    assert_int_equal(peer_error(ep), TCPIP_ERR_TIMEOUT);
    end(&peer, ep);
}

static void keepalive_may_be_turned_off_again(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    option(ep, TCPIP_OPTION_KEEPALIVE_IDLE, TCPIP_SECOND);
    option(ep, TCPIP_OPTION_KEEPALIVE, 1);
    option(ep, TCPIP_OPTION_KEEPALIVE, 0);
    peer_run(&peer, 1000 * TCPIP_SECOND);
    peer_expect_nothing(&peer);
    end(&peer, ep);
}

static void the_user_timeout_counts_from_the_oldest_data(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    option(ep, TCPIP_OPTION_USER_TIMEOUT, 5 * TCPIP_SECOND);
    peer_run(&peer, 100 * TCPIP_SECOND); /* idle doesn't count */
    put(ep, 10);
    peer_run(&peer, 3 * TCPIP_SECOND);
    put(ep, 10);
    for (int i = 0; i < 2; i++) { /* Nagle held the second back */
        peer_hear(&peer);
        peer_say(&peer, ACK, 0);
    }
    peer_run(&peer, 10 * TCPIP_SECOND);
    assert_int_equal(peer_state(ep), TCPIP_TCP_ESTABLISHED);
    peer_discard(&peer);
    put(ep, 10);
    peer_run(&peer, 3 * TCPIP_SECOND);
    put(ep, 10); /* newer data buy no time */
    peer_run(&peer, 1900 * TCPIP_MS);
    assert_int_equal(peer_state(ep), TCPIP_TCP_ESTABLISHED);
    peer_run(&peer, 200 * TCPIP_MS);
    assert_int_equal(peer_state(ep), TCPIP_TCP_CLOSED);
    assert_int_equal(peer_error(ep), TCPIP_ERR_TIMEOUT);
    end(&peer, ep);
}

static void retransmission_backs_off_and_ends_after_its_count(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    option(ep, TCPIP_OPTION_RETRANSMIT_COUNT, 4);
    put(ep, 10);
    peer_discard(&peer);
    tcpip_ns last = peer.world.now, gap = 0;
    for (int i = 0; i < 4; i++) {
        while (!peer_take(&peer)) {
            assert_true(peer.world.now - last < 100 * TCPIP_SECOND);
            peer_run(&peer, 10 * TCPIP_MS);
        }
        tcpip_ns now_gap = peer.world.now - last;
        if (i > 0)
            assert_true(now_gap > gap * 19 / 10 && now_gap < gap * 21 / 10);
        gap = now_gap;
        last = peer.world.now;
    }
    peer_run(&peer, 30 * TCPIP_SECOND);
    assert_int_equal(peer_state(ep), TCPIP_TCP_CLOSED);
    assert_int_equal(peer_error(ep), TCPIP_ERR_TIMEOUT);
    end(&peer, ep);
}

static void connecting_sends_seven_syns_and_times_out(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_endpoint(&peer);
    struct tcpip_full_address to = {.port = PEER_PORT};
    to.address = tcpip_address_v4(10, 0, 0, 2);
    assert_int_equal(tcpip_endpoint_connect(ep, &to), TCPIP_ERR_CONNECT_STARTED);
    peer_run(&peer, 126 * TCPIP_SECOND);
    assert_int_equal(peer_discard(&peer), 7);
    assert_int_equal(tcpip_endpoint_connect(ep, &to), TCPIP_ERR_ALREADY_CONNECTING);
    peer_run(&peer, 2 * TCPIP_SECOND);
    assert_int_equal(tcpip_endpoint_connect(ep, &to), TCPIP_ERR_TIMEOUT);
    assert_int_equal(tcpip_endpoint_connect(ep, &to), TCPIP_ERR_CONNECT_STARTED);
    end(&peer, ep);
}

static void linger2_bounds_fin_wait_2_after_close(void **state)
{
    (void)state;
    static const int64_t durations[] = {60 * TCPIP_SECOND, 5 * TCPIP_SECOND};
    for (size_t i = 0; i < 2; i++) {
        struct tcp_peer peer;
        static struct tcpip_stats stats;
        peer_init(&peer, NULL);
        struct tcpip_endpoint *ep = peer_accepted(&peer);
        option(ep, TCPIP_OPTION_LINGER2, durations[i]);
        tcpip_endpoint_close(ep);
        peer_hear(&peer);
        peer_say(&peer, ACK, 0);
        peer_run(&peer, durations[i] - TCPIP_SECOND);
        struct peer_segment probe = {.flags = ACK, .seq = peer.seq - 1, .ack = peer.ack};
        peer_send(&peer, &probe);
        peer_expect(&peer, ACK); /* still there */
        peer_run(&peer, 2 * TCPIP_SECOND);
        peer_send(&peer, &probe);
        peer_expect(&peer, RST);
        tcpip_stack_stats(peer.stack, &stats);
        assert_int_equal(stats.tcp.current_established, 0);
        peer_fini(&peer);
    }
}

static void linger2_of_minus_one_resets_at_once_and_an_application_may_wait_for_ever(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    option(ep, TCPIP_OPTION_LINGER2, -1);
    assert_int_equal(tcpip_endpoint_shutdown(ep, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
    peer_hear(&peer);
    peer_say(&peer, ACK, 0);
    peer_run(&peer, 3600 * TCPIP_SECOND);
    assert_int_equal(peer_state(ep), TCPIP_TCP_FIN_WAIT_2);
    tcpip_endpoint_close(ep);
    peer_expect(&peer, RST | ACK);
    peer_fini(&peer);
}

static void a_closed_window_is_probed_for_ever_while_the_peer_answers(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    struct peer_segment shut = {.flags = ACK, .seq = peer.seq, .ack = peer.ack, .zero_window = true};
    peer_send(&peer, &shut);
    assert_int_equal(put(ep, 3000), 3000);
    peer_expect_nothing(&peer);
    uint32_t probes = 0;
    for (int hour = 0; hour < 4 * 3600; hour++) {
        peer_run(&peer, TCPIP_SECOND);
        while (peer_take(&peer)) {
            assert_int_equal(peer.seen.bytes, 0);
            probes++;
            peer_send(&peer, &shut);
        }
    }
    assert_int_equal(peer_state(ep), TCPIP_TCP_ESTABLISHED);
    assert_true(probes > 100); /* every 120 s at most */
    peer_say(&peer, ACK, 0);   /* it opens */
    assert_int_equal(peer_hear(&peer), 3000);
    end(&peer, ep);
}

static void a_closed_window_of_a_silent_peer_times_out(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    struct peer_segment shut = {.flags = ACK, .seq = peer.seq, .ack = peer.ack, .zero_window = true};
    option(ep, TCPIP_OPTION_RETRANSMIT_COUNT, 5);
    peer_send(&peer, &shut);
    put(ep, 10);
    peer_run(&peer, 100 * TCPIP_SECOND);
    assert_int_equal(peer_state(ep), TCPIP_TCP_CLOSED);
    assert_int_equal(peer_error(ep), TCPIP_ERR_TIMEOUT);
    end(&peer, ep);
}

static void nagle_holds_the_second_small_segment_until_the_first_is_acknowledged(void **state)
{
    (void)state;
    for (int no_delay = 0; no_delay < 2; no_delay++) {
        struct tcp_peer peer;
        peer_init(&peer, NULL);
        struct tcpip_endpoint *ep = peer_accepted(&peer);
        option(ep, TCPIP_OPTION_NO_DELAY, no_delay);
        put(ep, 10);
        put(ep, 20);
        put(ep, 30);
        assert_int_equal(peer_hear(&peer), no_delay ? 60 : 10);
        if (!no_delay) {
            peer_say(&peer, ACK, 0);
            peer_expect(&peer, PSH | ACK);
            assert_int_equal(peer.seen.bytes, 50);
        }
        end(&peer, ep);
    }
}

static void setting_no_delay_lets_what_waits_go(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    put(ep, 10);
    put(ep, 20);
    assert_int_equal(peer_hear(&peer), 10);
    option(ep, TCPIP_OPTION_NO_DELAY, 1);
    assert_int_equal(peer_hear(&peer), 20);
    end(&peer, ep);
}

static void a_cork_lets_full_segments_pass_and_the_rest_after_200_ms(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    option(ep, TCPIP_OPTION_CORK, 1);
    put(ep, 2000);
    assert_int_equal(peer_hear(&peer), 1460);
    peer_say(&peer, ACK, 0);
    peer_run(&peer, 150 * TCPIP_MS);
    peer_expect_nothing(&peer);
    peer_run(&peer, 60 * TCPIP_MS);
    assert_int_equal(peer_hear(&peer), 540);
    peer_say(&peer, ACK, 0);
    put(ep, 100);
    peer_expect_nothing(&peer);
    option(ep, TCPIP_OPTION_CORK, 0);
    assert_int_equal(peer_hear(&peer), 100);
    end(&peer, ep);
}

static void a_cork_yields_to_the_fin(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    option(ep, TCPIP_OPTION_CORK, 1);
    put(ep, 7);
    peer_expect_nothing(&peer);
    assert_int_equal(tcpip_endpoint_shutdown(ep, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
    peer_expect(&peer, FIN | PSH | ACK);
    assert_int_equal(peer.seen.bytes, 7);
    end(&peer, ep);
}

static void max_segment_bounds_both_directions(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *listener = peer_listen(&peer, 1), *ep;
    option(listener, TCPIP_OPTION_MAX_SEGMENT, 600);
    struct peer_segment syn = {.flags = SYN, .seq = 1000};
    syn.options.present = TCPIP_TCP_HAS_MSS;
    syn.options.mss = 1460;
    peer_send(&peer, &syn);
    peer_expect(&peer, SYN | ACK);
    assert_int_equal(peer.seen.options.mss, 600);
    peer.seq = 1001;
    peer.ack = peer.seen.fields.sequence + 1;
    peer_say(&peer, ACK, 0);
    assert_int_equal(tcpip_endpoint_accept(listener, &ep, NULL), TCPIP_OK);
    put(ep, 2000);
    peer_expect(&peer, ACK);
    assert_int_equal(peer.seen.bytes, 600);
    tcpip_endpoint_close(listener);
    end(&peer, ep);
}

static void the_window_clamp_bounds_what_is_offered(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    option(ep, TCPIP_OPTION_WINDOW_CLAMP, 5000);
    for (int i = 0; i < 100; i++)
        peer_say(&peer, ACK,
                 1000); /* beyond the clamp: the offer that was made is kept, then it shrinks to the clamp */
    static uint8_t data[200000];
    size_t done;
    assert_int_equal(tcpip_endpoint_read(ep, data, sizeof(data), &done, NULL), TCPIP_OK);
    peer_run(&peer, TCPIP_SECOND);
    while (peer_take(&peer)) {
    }
    peer.seq = peer.seen.fields.acknowledgment;
    peer_say(&peer, ACK, 100);
    peer_run(&peer, TCPIP_SECOND);
    assert_true(peer_take(&peer));
    assert_true(peer.seen.fields.window <= 5000);
    assert_true(peer.seen.fields.window > 2000);
    end(&peer, ep);
}

static void not_sent_low_water_keeps_the_queue_short(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    option(ep, TCPIP_OPTION_NOT_SENT_LOW_WATER, 4000);
    assert_int_equal(tcpip_endpoint_readiness(ep, TCPIP_EVENT_OUT), TCPIP_EVENT_OUT);
    put(ep, 10 * 1460 + 5000); /* an initial window goes, the rest waits */
    assert_int_equal(tcpip_endpoint_readiness(ep, TCPIP_EVENT_OUT), 0);
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    assert_int_equal(tcpip_endpoint_tcp_info(ep, &info), TCPIP_OK);
    assert_int_equal(info.not_sent_bytes, 5000);
    peer_hear(&peer);
    peer_say(&peer, ACK, 0);
    assert_int_equal(tcpip_endpoint_readiness(ep, TCPIP_EVENT_OUT), TCPIP_EVENT_OUT);
    end(&peer, ep);
}

static void tcp_info_tells_what_happened(void **state)
{
    (void)state;
    struct tcp_peer peer;
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    put(ep, 1000);
    peer_run(&peer, 30 * TCPIP_MS);
    peer_hear(&peer);
    peer_say(&peer, ACK, 500);
    peer_run(&peer, 70 * TCPIP_MS);
    assert_int_equal(tcpip_endpoint_tcp_info(ep, &info), TCPIP_OK);
    assert_int_equal(info.state, TCPIP_TCP_ESTABLISHED);
    assert_int_equal(info.recovery_state, TCPIP_TCP_OPEN);
    assert_int_equal(info.bytes_sent, 1000);
    assert_int_equal(info.bytes_acked, 1000);
    assert_int_equal(info.bytes_received, 500);
    assert_int_equal(info.data_segments_out, 1);
    assert_int_equal(info.data_segments_in, 1);
    assert_int_equal(info.snd_mss, 1460);
    assert_int_equal(info.advertised_mss, 1460);
    assert_int_equal(info.path_mtu, 1500);
    assert_int_equal(info.cwnd_bytes % 1460, 0);
    assert_true(info.cwnd_bytes >= 10 * 1460);
    assert_int_equal(info.snd_wnd, 65535);
    assert_true(info.rcv_wnd > 30000);
    assert_int_equal(info.in_flight_bytes, 0);
    assert_int_equal(info.total_retransmits, 0);
    assert_true(info.srtt_ns > 0 && info.srtt_ns <= 30 * TCPIP_MS);
    assert_true(info.rto_ns >= 200 * TCPIP_MS && info.rto_ns < 2 * TCPIP_SECOND);
    assert_int_equal(info.last_data_sent_ns, 100 * TCPIP_MS);
    assert_int_equal(info.last_data_received_ns, 70 * TCPIP_MS);
    assert_int_equal(info.last_ack_received_ns, 70 * TCPIP_MS);
    put(ep, 100);
    peer_run(&peer, 2 * TCPIP_SECOND);
    assert_int_equal(tcpip_endpoint_tcp_info(ep, &info), TCPIP_OK);
    assert_true(info.retransmits >= 1 && info.total_retransmits >= 1 && info.backoff >= 1);
    assert_int_equal(info.recovery_state, TCPIP_TCP_LOSS);
    assert_int_equal(info.bytes_retransmitted % 100, 0);
    end(&peer, ep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keepalive_probes_an_idle_peer_and_gives_it_up),
        cmocka_unit_test(keepalive_may_be_turned_off_again),
        cmocka_unit_test(the_user_timeout_counts_from_the_oldest_data),
        cmocka_unit_test(retransmission_backs_off_and_ends_after_its_count),
        cmocka_unit_test(connecting_sends_seven_syns_and_times_out),
        cmocka_unit_test(linger2_bounds_fin_wait_2_after_close),
        cmocka_unit_test(linger2_of_minus_one_resets_at_once_and_an_application_may_wait_for_ever),
        cmocka_unit_test(a_closed_window_is_probed_for_ever_while_the_peer_answers),
        cmocka_unit_test(a_closed_window_of_a_silent_peer_times_out),
        cmocka_unit_test(nagle_holds_the_second_small_segment_until_the_first_is_acknowledged),
        cmocka_unit_test(setting_no_delay_lets_what_waits_go),
        cmocka_unit_test(a_cork_lets_full_segments_pass_and_the_rest_after_200_ms),
        cmocka_unit_test(a_cork_yields_to_the_fin),
        cmocka_unit_test(max_segment_bounds_both_directions),
        cmocka_unit_test(the_window_clamp_bounds_what_is_offered),
        cmocka_unit_test(not_sent_low_water_keeps_the_queue_short),
        cmocka_unit_test(tcp_info_tells_what_happened),
    };
    return cmocka_run_group_tests_name("tcp/timers", tests, NULL, NULL);
}
