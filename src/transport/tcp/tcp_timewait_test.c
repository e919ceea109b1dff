// SPDX-License-Identifier: MIT
/* tcp_timewait_test.c: what is left of a connection, and who may follow it. */
#include "pair.h"
#include "tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { FIN_ACK = TCPIP_TCP_FIN | TCPIP_TCP_ACK, RST = TCPIP_TCP_RST, ACK = TCPIP_TCP_ACK, SYN = TCPIP_TCP_SYN };

static struct tcpip_stats_tcp counters(struct tcp_peer *peer)
{
    static struct tcpip_stats stats;
    tcpip_stack_stats(peer->stack, &stats);
    return stats.tcp;
}

/* We close first, so the wait is ours. `port`: the peer's. */
static void connection_into_time_wait(struct tcp_peer *peer, uint16_t port, const struct tcpip_tcp_options *options)
{
    struct tcpip_endpoint *listener = peer_listen(peer, 4), *accepted;
    peer_call(peer, port, options);
    assert_int_equal(tcpip_endpoint_accept(listener, &accepted, NULL), TCPIP_OK);
    tcpip_endpoint_close(accepted);
    tcpip_endpoint_close(listener);
    struct peer_segment fin = {.flags = FIN_ACK, .seq = peer->seq, .ack = peer->ack + 1};
    if (options != NULL && (options->present & TCPIP_TCP_HAS_TIMESTAMPS)) {
        fin.options.present = TCPIP_TCP_HAS_TIMESTAMPS;
        fin.options.ts_val = options->ts_val + 2;
    }
    peer_hear(peer);
    peer_send(peer, &fin);
    peer->seq++;
    peer_expect(peer, ACK);
    peer->ack = peer->seen.fields.sequence;
}

static void it_lasts_a_minute_and_answers_a_fin_that_comes_again(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    connection_into_time_wait(&peer, PEER_PORT, NULL);
    assert_int_equal(counters(&peer).time_wait_current, 1);
    peer_run(&peer, 59 * TCPIP_SECOND);
    assert_int_equal(counters(&peer).time_wait_current, 1);
    /* RFC 9293 3.10.7.4: the FIN restarts the wait. */
    struct peer_segment fin = {.flags = FIN_ACK, .seq = peer.seq - 1, .ack = peer.ack};
    peer_send(&peer, &fin);
    peer_expect(&peer, ACK);
    assert_int_equal(peer.seen.fields.acknowledgment, peer.seq);
    peer_run(&peer, 59 * TCPIP_SECOND);
    assert_int_equal(counters(&peer).time_wait_current, 1);
    peer_run(&peer, 2 * TCPIP_SECOND);
    assert_int_equal(counters(&peer).time_wait_current, 0);
    peer_send(&peer, &fin);
    peer_expect(&peer, RST);
    peer_fini(&peer);
}

static void a_repeated_fin_restarts_the_wait_that_the_endpoint_asked_for(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *listener = peer_listen(&peer, 4);
    assert_int_equal(tcpip_endpoint_set_option(listener, TCPIP_OPTION_TIME_WAIT, 2 * TCPIP_SECOND), TCPIP_OK);
    struct tcpip_endpoint *accepted;
    peer_call(&peer, PEER_PORT, NULL);
    assert_int_equal(tcpip_endpoint_accept(listener, &accepted, NULL), TCPIP_OK);
    tcpip_endpoint_close(accepted);
    tcpip_endpoint_close(listener);
    peer_hear(&peer);
    struct peer_segment fin = {.flags = FIN_ACK, .seq = peer.seq, .ack = peer.ack};
    for (int i = 0; i < 3; i++) { /* a default of a minute is another's */
        peer_send(&peer, &fin);
        peer_expect(&peer, ACK);
        peer_run(&peer, 1900 * TCPIP_MS);
        assert_int_equal(counters(&peer).time_wait_current, 1);
    }
    peer_run(&peer, 200 * TCPIP_MS);
    assert_int_equal(counters(&peer).time_wait_current, 0);
    peer_fini(&peer);
}

static void a_reset_ends_it_unless_rfc_1337_says_no(void **state)
{
    (void)state;
    for (int rfc1337 = 0; rfc1337 < 2; rfc1337++) {
        struct tcp_peer peer;
        peer_init(&peer, NULL);
        assert_int_equal(tcpip_stack_set_default(peer.stack, TCPIP_OPTION_RFC1337, rfc1337), TCPIP_OK);
        connection_into_time_wait(&peer, PEER_PORT, NULL);
        struct peer_segment reset = {.flags = RST, .seq = peer.seq + 1};
        peer_send(&peer, &reset); /* not at rcv_nxt: forged, or old */
        assert_int_equal(counters(&peer).time_wait_current, 1);
        reset.seq = peer.seq;
        peer_send(&peer, &reset);
        assert_int_equal(counters(&peer).time_wait_current, rfc1337);
        peer_expect_nothing(&peer);
        peer_fini(&peer);
    }
}

static void a_syn_that_cannot_be_old_takes_its_place(void **state)
{
    (void)state;
    static const struct {
        bool ts;
        int32_t seq, ts_ahead;
        bool taken;
    } cases[] = {
        {false, 1, 0, true}, {false, 0, 0, false}, {false, -5, 0, false}, {true, -5, 10, true}, {true, 5, -10, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tcp_peer peer;
        struct tcpip_tcp_options options = {.present = TCPIP_TCP_HAS_MSS, .mss = 1460, .ts_val = 1000};
        if (cases[i].ts)
            options.present |= TCPIP_TCP_HAS_TIMESTAMPS;
        peer_init(&peer, NULL);
        connection_into_time_wait(&peer, PEER_PORT, &options);
        uint32_t before = peer.ack;
        struct tcpip_endpoint *listener = peer_listen(&peer, 1);
        options.ts_val = (uint32_t)(1002 + cases[i].ts_ahead);
        struct peer_segment syn = {.flags = SYN, .seq = peer.seq + (uint32_t)cases[i].seq, .options = options};
        peer_send(&peer, &syn);
        peer_expect(&peer, cases[i].taken ? SYN | ACK : ACK);
        if (cases[i].taken)
            assert_true((int32_t)(peer.seen.fields.sequence - before) > 0); /* our new numbers are above the old */
        assert_int_equal(counters(&peer).time_wait_recycled, cases[i].taken);
        tcpip_endpoint_close(listener);
        peer_fini(&peer);
    }
}

enum { ONLY_PORT = 40000 };

static struct tcpip_endpoint *caller_new(struct tcpip_stack *stack)
{
    struct tcpip_endpoint *ep;
    assert_int_equal(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &ep), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_option(ep, TCPIP_OPTION_PORT_RANGE, ONLY_PORT | (int64_t)ONLY_PORT << 16),
                     TCPIP_OK);
    return ep;
}

/* A calls b from its only port, and closes first; returns the listener. */
static struct tcpip_endpoint *only_port_into_time_wait(struct pair *pair)
{
    struct tcpip_endpoint *listener, *client = caller_new(pair->a), *server;
    assert_int_equal(tcpip_stack_new_endpoint(pair->b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_bind(listener, &pair->b4, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(listener, 5), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_connect(client, &pair->b4), TCPIP_ERR_CONNECT_STARTED);
    pair_settle(pair);
    assert_int_equal(tcpip_endpoint_accept(listener, &server, NULL), TCPIP_OK);
    tcpip_endpoint_close(client);
    pair_settle(pair);
    tcpip_endpoint_close(server);
    pair_settle(pair);
    return listener;
}

/* A cookie's number may be an old one, and once the record were gone, nobody would know. */
static void a_new_syn_waits_until_there_is_room_to_remember_it(void **state)
{
    (void)state;
    struct tcp_peer peer;
    struct tcpip_limits limits;
    tcpip_limits_default(&limits);
    limits.syn_received = 2;
    peer_init(&peer, &limits);
    connection_into_time_wait(&peer, PEER_PORT, NULL);
    struct tcpip_endpoint *listener = peer_listen(&peer, 16);
    struct peer_segment syn = {.flags = SYN};
    for (syn.from = 7000; syn.from < 7003; syn.from++) {
        peer_send(&peer, &syn);
        peer_expect(&peer, SYN | ACK);
    }
    assert_int_equal(counters(&peer).listen_overflow_syn_cookie_sent, 1);
    syn.from = PEER_PORT;
    syn.seq = peer.seq + 1000;
    peer_send(&peer, &syn);
    peer_expect_nothing(&peer);
    assert_int_equal(counters(&peer).listen_overflow_syn_drop, 1);
    assert_int_equal(counters(&peer).time_wait_current, 1);
    struct peer_segment reset = {.flags = RST, .seq = 1, .from = 7000};
    peer_send(&peer, &reset);
    peer_send(&peer, &syn);
    peer_expect(&peer, SYN | ACK);
    assert_true((int32_t)(peer.seen.fields.sequence - peer.ack) > 0);
    assert_int_equal(counters(&peer).time_wait_current, 0);
    tcpip_endpoint_close(listener);
    peer_fini(&peer);
}

static void reuse_by_our_own_calls_is_an_option_and_waits_a_second(void **state)
{
    (void)state;
    static const struct {
        int64_t mode, timestamps;
        tcpip_ns after;
        bool taken;
    } cases[] = {
        {0, 1, 10 * TCPIP_SECOND, false}, {1, 1, TCPIP_SECOND - 1, false},  {1, 1, TCPIP_SECOND, true},
        {1, 0, 10 * TCPIP_SECOND, false}, {2, 1, 10 * TCPIP_SECOND, false}, /* it isn't loopback */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair;
        struct tcpip_stats stats;
        pair_init(&pair, NULL);
        assert_int_equal(tcpip_stack_set_default(pair.a, TCPIP_OPTION_TIMESTAMPS, cases[i].timestamps), TCPIP_OK);
        struct tcpip_endpoint *listener = only_port_into_time_wait(&pair);
        tcpip_stack_stats(pair.a, &stats);
        assert_int_equal(stats.tcp.time_wait_current, 1);
        pair_run(&pair, cases[i].after);
        struct tcpip_endpoint *again = caller_new(pair.a);
        assert_int_equal(tcpip_endpoint_set_option(again, TCPIP_OPTION_TIME_WAIT_REUSE, cases[i].mode), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_connect(again, &pair.b4),
                         cases[i].taken ? TCPIP_ERR_CONNECT_STARTED : TCPIP_ERR_NO_PORT_AVAILABLE);
        pair_settle(&pair);
        tcpip_stack_stats(pair.a, &stats);
        assert_int_equal(stats.tcp.time_wait_current, !cases[i].taken);
        if (cases[i].taken)
            assert_int_equal(peer_state(again), TCPIP_TCP_ESTABLISHED);
        tcpip_endpoint_close(again);
        tcpip_endpoint_close(listener);
        pair_fini(&pair);
    }
}

static void at_the_limit_the_oldest_goes(void **state)
{
    (void)state;
    struct tcpip_limits limits;
    struct tcp_peer peer;
    tcpip_limits_default(&limits);
    limits.time_wait = 4;
    peer_init(&peer, &limits);
    for (uint16_t i = 0; i < 6; i++)
        connection_into_time_wait(&peer, (uint16_t)(PEER_PORT + i), NULL);
    assert_int_equal(counters(&peer).time_wait_current, 4);
    assert_int_equal(counters(&peer).time_wait_evicted, 2);
    struct peer_segment fin = {.from = PEER_PORT + 1, .flags = FIN_ACK, .seq = 1001, .ack = 1};
    peer_send(&peer, &fin);
    peer_expect(&peer, RST); /* nobody remembers */
    fin.from = PEER_PORT + 2;
    peer_send(&peer, &fin);
    peer_expect(&peer, ACK);
    peer_fini(&peer);
}

static void a_record_is_a_fraction_of_an_endpoint(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    connection_into_time_wait(&peer, 1, NULL);
    uint64_t before = test_env_used(&peer.world);
    for (uint16_t i = 2; i <= 1001; i++)
        connection_into_time_wait(&peer, i, NULL);
    assert_int_equal(counters(&peer).time_wait_current, 1001);
    /* With its share of the demultiplexer's table and of slabs not quite full. */
    assert_true(test_env_used(&peer.world) - before < 1000 * 220);
    peer_fini(&peer);
}

static void a_duration_of_nothing_leaves_nothing(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    assert_int_equal(tcpip_stack_set_default(peer.stack, TCPIP_OPTION_TIME_WAIT, 0), TCPIP_OK);
    connection_into_time_wait(&peer, PEER_PORT, NULL);
    assert_int_equal(counters(&peer).time_wait_current, 0);
    peer_fini(&peer);
}

static void an_old_segment_is_acknowledged_and_a_plain_ack_is_not(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    connection_into_time_wait(&peer, PEER_PORT, NULL);
    struct peer_segment segment = {.flags = ACK, .seq = peer.seq, .ack = peer.ack};
    peer_send(&peer, &segment);
    peer_expect_nothing(&peer);
    segment.bytes = 10;
    peer_send(&peer, &segment);
    peer_expect(&peer, ACK);
    peer_fini(&peer);
}

static void a_fin_is_acknowledged_when_the_ack_of_ours_comes_in_the_same_turn(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *listener = peer_listen(&peer, 4), *accepted;
    peer_call(&peer, PEER_PORT, NULL);
    assert_int_equal(tcpip_endpoint_accept(listener, &accepted, NULL), TCPIP_OK);
    tcpip_endpoint_close(accepted);
    tcpip_endpoint_close(listener);
    peer_expect(&peer, FIN_ACK);
    uint32_t ours = peer.seen.fields.sequence;
    struct peer_segment fin = {.flags = FIN_ACK, .seq = peer.seq, .ack = ours};
    struct peer_segment ack = {.flags = ACK, .seq = peer.seq + 1, .ack = ours + 1};
    peer.in_turn = true;
    tcpip_stack_enter(peer.stack);
    peer_send(&peer, &fin);
    peer_send(&peer, &ack);
    tcpip_stack_leave(peer.stack);
    assert_int_equal(counters(&peer).time_wait_current, 1);
    peer_expect(&peer, ACK);
    assert_int_equal(peer.seen.fields.acknowledgment, peer.seq + 1);
    peer_fini(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_lasts_a_minute_and_answers_a_fin_that_comes_again),
        cmocka_unit_test(a_repeated_fin_restarts_the_wait_that_the_endpoint_asked_for),
        cmocka_unit_test(a_reset_ends_it_unless_rfc_1337_says_no),
        cmocka_unit_test(a_syn_that_cannot_be_old_takes_its_place),
        cmocka_unit_test(a_new_syn_waits_until_there_is_room_to_remember_it),
        cmocka_unit_test(reuse_by_our_own_calls_is_an_option_and_waits_a_second),
        cmocka_unit_test(at_the_limit_the_oldest_goes),
        cmocka_unit_test(a_record_is_a_fraction_of_an_endpoint),
        cmocka_unit_test(a_duration_of_nothing_leaves_nothing),
        cmocka_unit_test(a_fin_is_acknowledged_when_the_ack_of_ours_comes_in_the_same_turn),
        cmocka_unit_test(an_old_segment_is_acknowledged_and_a_plain_ack_is_not),
    };
    return cmocka_run_group_tests_name("tcp/timewait", tests, NULL, NULL);
}
