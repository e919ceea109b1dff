// SPDX-License-Identifier: MIT
/* tcp_listen_test.c: a listener at its limits: full queues, cookies, what accepted connections inherit. */
#include "tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ACK = TCPIP_TCP_ACK, SYN = TCPIP_TCP_SYN, RST = TCPIP_TCP_RST };

static struct tcpip_stats_tcp counters(struct tcp_peer *peer)
{
    static struct tcpip_stats stats;
    tcpip_stack_stats(peer->stack, &stats);
    return stats.tcp;
}

static void send_syn(struct tcp_peer *peer, uint16_t port, const struct tcpip_tcp_options *options)
{
    struct peer_segment syn = {.from = port, .flags = SYN, .seq = 1000};
    if (options != NULL)
        syn.options = *options;
    peer_send(peer, &syn);
}

static void a_backlog_of_n_takes_n_and_one_and_then_drops(void **state)
{
    (void)state;
    for (int backlog = 0; backlog < 3; backlog++) {
        struct tcp_peer peer;
        struct tcpip_endpoint *accepted;
        peer_init(&peer, NULL);
        struct tcpip_endpoint *listener = peer_listen(&peer, backlog);
        for (int i = 0; i <= backlog; i++)
            peer_call(&peer, (uint16_t)(PEER_PORT + i), NULL);
        send_syn(&peer, 7000, NULL);
        peer_expect_nothing(&peer); /* neither a SYN-ACK nor a reset: the peer tries again */
        assert_int_equal(counters(&peer).listen_overflow_syn_drop, 1);
        assert_int_equal(tcpip_endpoint_accept(listener, &accepted, NULL), TCPIP_OK);
        tcpip_endpoint_close(accepted);
        peer_discard(&peer);
        send_syn(&peer, 7000, NULL);
        peer_expect(&peer, SYN | ACK);
        tcpip_endpoint_close(listener);
        peer_fini(&peer);
    }
}

static void a_third_segment_into_a_full_queue_waits_for_room(void **state)
{
    (void)state;
    struct tcp_peer peer;
    struct tcpip_endpoint *accepted;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *listener = peer_listen(&peer, 0);
    send_syn(&peer, 7000, NULL);
    peer_expect(&peer, SYN | ACK);
    uint32_t iss = peer.seen.fields.sequence;
    peer_call(&peer, PEER_PORT, NULL); /* fills the queue */
    struct peer_segment ack = {.from = 7000, .flags = ACK, .seq = 1001, .ack = iss + 1};
    peer_send(&peer, &ack);
    peer_expect_nothing(&peer);
    assert_int_equal(counters(&peer).listen_overflow_ack_drop, 1);
    assert_int_equal(tcpip_endpoint_accept(listener, &accepted, NULL), TCPIP_OK);
    tcpip_endpoint_close(accepted);
    peer_discard(&peer);
    peer_run(&peer, 1100 * TCPIP_MS);
    peer_expect(&peer, SYN | ACK); /* sent again, so that the peer acknowledges again */
    peer_send(&peer, &ack);
    assert_int_equal(tcpip_endpoint_accept(listener, &accepted, NULL), TCPIP_OK);
    tcpip_endpoint_close(accepted);
    tcpip_endpoint_close(listener);
    peer_fini(&peer);
}

static void syn_acks_are_sent_again_five_times_and_then_forgotten(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *listener = peer_listen(&peer, 4);
    send_syn(&peer, PEER_PORT, NULL);
    peer_run(&peer, 200 * TCPIP_SECOND);
    assert_int_equal(peer_discard(&peer), 6);
    assert_int_equal(counters(&peer).half_open_timeouts, 1);
    tcpip_endpoint_close(listener);
    peer_expect_nothing(&peer);
    peer_fini(&peer);
}

/* Cookies always, or because the table of half-open connections is full: the options travel in our timestamp. */
static void a_cookie_brings_all_options_back(void **state)
{
    (void)state;
    for (int full = 0; full < 2; full++) {
        struct tcp_peer peer;
        struct tcpip_limits limits;
        struct tcpip_endpoint *accepted;
        struct tcpip_tcp_info info = {.size = sizeof(info)};
        struct tcpip_tcp_options options = {
            .present = TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_TIMESTAMPS | TCPIP_TCP_HAS_SACK_PERMITTED |
                       TCPIP_TCP_HAS_WINDOW_SCALE,
            .mss = 1440,
            .window_scale = 9,
            .ts_val = 5000,
        };
        tcpip_limits_default(&limits);
        limits.syn_received = 2;
        peer_init(&peer, &limits);
        struct tcpip_endpoint *listener = peer_listen(&peer, 16);
        if (full) {
            send_syn(&peer, 7000, NULL);
            send_syn(&peer, 7001, NULL);
            peer_discard(&peer);
        } else {
            assert_int_equal(tcpip_endpoint_set_option(listener, TCPIP_OPTION_SYN_COOKIES, 2), TCPIP_OK);
        }
        peer.world.now += 100 * TCPIP_SECOND; /* a clock that isn't near zero */
        peer_call(&peer, PEER_PORT, &options);
        assert_int_equal(counters(&peer).listen_overflow_syn_cookie_sent, 1);
        assert_int_equal(counters(&peer).listen_overflow_syn_cookie_rcvd, 1);
        assert_int_equal(tcpip_endpoint_accept(listener, &accepted, NULL), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_tcp_info(accepted, &info), TCPIP_OK);
        assert_true(info.timestamps && info.sack && info.window_scaling);
        assert_int_equal(info.snd_wscale, 9);
        assert_int_equal(info.snd_mss, 1440 - 12);
        tcpip_endpoint_close(accepted);
        tcpip_endpoint_close(listener);
        peer_fini(&peer);
    }
}

static void a_cookie_without_timestamps_keeps_the_segment_size_alone(void **state)
{
    (void)state;
    struct tcp_peer peer;
    struct tcpip_endpoint *accepted;
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    struct tcpip_tcp_options options = {
        .present = TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_SACK_PERMITTED | TCPIP_TCP_HAS_WINDOW_SCALE,
        .mss = 1450,
        .window_scale = 9,
    };
    peer_init(&peer, NULL);
    struct tcpip_endpoint *listener = peer_listen(&peer, 16);
    assert_int_equal(tcpip_endpoint_set_option(listener, TCPIP_OPTION_SYN_COOKIES, 2), TCPIP_OK);
    peer.world.now += 100 * TCPIP_SECOND;
    peer_call(&peer, PEER_PORT, &options);
    assert_int_equal(peer.seen.options.present, TCPIP_TCP_HAS_MSS); /* what we can't remember we don't offer */
    assert_int_equal(tcpip_endpoint_accept(listener, &accepted, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_tcp_info(accepted, &info), TCPIP_OK);
    assert_false(info.timestamps || info.sack || info.window_scaling);
    assert_int_equal(info.snd_mss, 1440);
    tcpip_endpoint_close(accepted);
    tcpip_endpoint_close(listener);
    peer_fini(&peer);
}

static void a_forged_or_old_cookie_is_reset(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *listener = peer_listen(&peer, 16);
    assert_int_equal(tcpip_endpoint_set_option(listener, TCPIP_OPTION_SYN_COOKIES, 2), TCPIP_OK);
    peer.world.now += 600 * TCPIP_SECOND;
    send_syn(&peer, PEER_PORT, NULL);
    peer_expect(&peer, SYN | ACK);
    uint32_t iss = peer.seen.fields.sequence;
    struct peer_segment ack = {.flags = ACK, .seq = 1001, .ack = iss + 5000};
    peer_send(&peer, &ack);
    peer_expect(&peer, RST);
    peer_run(&peer, 240 * TCPIP_SECOND);
    ack.ack = iss + 1;
    peer_send(&peer, &ack);
    peer_expect(&peer, RST);
    assert_int_equal(counters(&peer).listen_overflow_invalid_syn_cookie_rcvd, 2);
    assert_int_equal(tcpip_endpoint_readiness(listener, TCPIP_EVENT_IN), 0);
    tcpip_endpoint_close(listener);
    peer_fini(&peer);
}

static void without_cookies_a_full_table_drops(void **state)
{
    (void)state;
    struct tcp_peer peer;
    struct tcpip_limits limits;
    tcpip_limits_default(&limits);
    limits.syn_received = 2;
    peer_init(&peer, &limits);
    struct tcpip_endpoint *listener = peer_listen(&peer, 16);
    assert_int_equal(tcpip_endpoint_set_option(listener, TCPIP_OPTION_SYN_COOKIES, 0), TCPIP_OK);
    for (uint16_t i = 0; i < 5; i++)
        send_syn(&peer, (uint16_t)(7000 + i), NULL);
    assert_int_equal(peer_discard(&peer), 2);
    assert_int_equal(counters(&peer).listen_overflow_syn_drop, 3);
    tcpip_endpoint_close(listener);
    peer_fini(&peer);
}

static void accepted_endpoints_have_the_listeners_options(void **state)
{
    (void)state;
    static const struct {
        enum tcpip_option option;
        int64_t value;
    } options[] = {
        {TCPIP_OPTION_NO_DELAY, 1},
        {TCPIP_OPTION_KEEPALIVE, 1},
        {TCPIP_OPTION_KEEPALIVE_IDLE, 33 * TCPIP_SECOND},
        {TCPIP_OPTION_KEEPALIVE_INTERVAL, 3 * TCPIP_SECOND},
        {TCPIP_OPTION_KEEPALIVE_COUNT, 4},
        {TCPIP_OPTION_USER_TIMEOUT, 5 * TCPIP_SECOND},
        {TCPIP_OPTION_LINGER, 7 * TCPIP_SECOND},
        {TCPIP_OPTION_LINGER2, 8 * TCPIP_SECOND},
        {TCPIP_OPTION_RECEIVE_LOW_WATER, 9},
        {TCPIP_OPTION_NOT_SENT_LOW_WATER, 10000},
        {TCPIP_OPTION_TTL, 99},
        {TCPIP_OPTION_TOS, 0x10},
        {TCPIP_OPTION_MARK, 5},
        {TCPIP_OPTION_SEND_BUFFER_SIZE, 30000},
        {TCPIP_OPTION_RECEIVE_BUFFER_SIZE, 40000},
        {TCPIP_OPTION_REUSE_ADDRESS, 1},
        {TCPIP_OPTION_SYN_COUNT, 3},
        {TCPIP_OPTION_MIN_RTO, 50 * TCPIP_MS},
        {TCPIP_OPTION_RETRANSMIT_COUNT, 6},
    };
    enum { COUNT = sizeof(options) / sizeof(options[0]) };
    struct tcp_peer peer;
    struct tcpip_endpoint *accepted;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *listener = peer_listen(&peer, 4);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(tcpip_endpoint_set_option(listener, options[i].option, options[i].value), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_congestion(listener, "reno"), TCPIP_OK);
    peer_call(&peer, PEER_PORT, NULL);
    /* From here on they are two. */
    assert_int_equal(tcpip_endpoint_set_option(listener, TCPIP_OPTION_TTL, 55), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_accept(listener, &accepted, NULL), TCPIP_OK);
    for (size_t i = 0; i < COUNT; i++) {
        int64_t value;
        assert_int_equal(tcpip_endpoint_get_option(accepted, options[i].option, &value), TCPIP_OK);
        if (value != options[i].value)
            fail_msg("%s: %lld", tcpip_option_name(options[i].option), (long long)value);
    }
    assert_string_equal(tcpip_endpoint_congestion(accepted), "reno");
    assert_int_equal(peer_error(accepted), TCPIP_OK);
    peer_say(&peer, ACK, 10);
    peer_run(&peer, TCPIP_SECOND);
    assert_true(peer_take(&peer));
    assert_int_equal(peer.bytes[8], 99); /* on the wire too */
    assert_int_equal(peer.bytes[1], 0x10);
    tcpip_endpoint_close(accepted);
    tcpip_endpoint_close(listener);
    peer_fini(&peer);
}

/* A value that isn't what the listener has, and that it takes; false: it takes none. */
static bool change_option(struct tcpip_endpoint *listener, enum tcpip_option option, int64_t *value)
{
    int64_t before, after;
    if (tcpip_endpoint_get_option(listener, option, &before) != TCPIP_OK)
        return false;
    const int64_t tries[] = {before + 1, before - 1, before * 2, before / 2, 0, 1, 70000};
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        if (tries[i] == before || tcpip_endpoint_set_option(listener, option, tries[i]) != TCPIP_OK)
            continue;
        assert_int_equal(tcpip_endpoint_get_option(listener, option, &after), TCPIP_OK);
        *value = after;
        if (after != before)
            return true;
    }
    return false;
}

/* Every option there is, each alone: what a listener takes, who is accepted has. */
static void no_option_is_lost_between_listener_and_connection(void **state)
{
    (void)state;
    static const enum tcpip_option differ[] = {
        TCPIP_OPTION_BIND_TO_NIC, /* would keep the peer out */
        TCPIP_OPTION_MIN_TTL,     /* so would that */
    };
    uint32_t taken = 0;
    for (uint32_t i = 0; i < TCPIP_OPTION_COUNT; i++) {
        struct tcp_peer peer;
        struct tcpip_endpoint *accepted;
        int64_t want = 0, value;
        bool skip = false;
        for (size_t k = 0; k < sizeof(differ) / sizeof(differ[0]); k++)
            skip = skip || differ[k] == i;
        peer_init(&peer, NULL);
        struct tcpip_endpoint *listener = peer_listen(&peer, 4);
        if (!skip && change_option(listener, (enum tcpip_option)i, &want)) {
            taken++;
            peer_call(&peer, PEER_PORT, NULL);
            if (tcpip_endpoint_accept(listener, &accepted, NULL) != TCPIP_OK) { /* DEFER_ACCEPT */
                peer_say(&peer, ACK, 1);
                assert_int_equal(tcpip_endpoint_accept(listener, &accepted, NULL), TCPIP_OK);
            }
            assert_int_equal(tcpip_endpoint_get_option(accepted, (enum tcpip_option)i, &value), TCPIP_OK);
            if (value != want)
                fail_msg("%s: %lld, not %lld", tcpip_option_name((enum tcpip_option)i), (long long)value,
                         (long long)want);
            tcpip_endpoint_close(accepted);
        }
        tcpip_endpoint_close(listener);
        peer_discard(&peer);
        peer_fini(&peer);
    }
    assert_true(taken > 40);
}

static uint32_t accept_all(struct tcpip_endpoint *listener)
{
    struct tcpip_endpoint *accepted;
    uint32_t count = 0;
    for (; tcpip_endpoint_accept(listener, &accepted, NULL) == TCPIP_OK; count++)
        tcpip_endpoint_close(accepted);
    return count;
}

/* As Linux without tcp_migrate_req: what was on its way to a listener that closes is reset or forgotten, and new SYNs
 * go to those that stay, which keep their own flows. */
static void listeners_of_a_group_share_flows_by_hash(void **state)
{
    (void)state;
    enum { GROUP = 4, FLOWS = 400 };
    struct tcp_peer peer;
    struct tcpip_endpoint *group[GROUP];
    struct tcpip_full_address at = {.port = PEER_US_PORT};
    peer_init(&peer, NULL);
    for (int i = 0; i < GROUP; i++) {
        group[i] = peer_endpoint(&peer);
        assert_int_equal(tcpip_endpoint_set_option(group[i], TCPIP_OPTION_REUSE_PORT, 1), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_bind(group[i], &at, NULL, NULL), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_listen(group[i], FLOWS), TCPIP_OK);
    }
    for (int i = 0; i < FLOWS; i++)
        peer_call(&peer, (uint16_t)(2000 + i), NULL);
    uint32_t all = 0;
    for (int i = 0; i < GROUP; i++) {
        uint32_t count = accept_all(group[i]);
        assert_in_range(count, FLOWS / GROUP / 2, FLOWS / GROUP * 2);
        all += count;
    }
    assert_int_equal(all, FLOWS);
    peer_discard(&peer);
    send_syn(&peer, 9000, NULL);
    peer_expect(&peer, SYN | ACK);
    for (int i = 1; i < GROUP; i++)
        tcpip_endpoint_close(group[i]);
    for (int i = 0; i < 40; i++)
        peer_call(&peer, (uint16_t)(10000 + i), NULL);
    assert_int_equal(accept_all(group[0]), 40);
    tcpip_endpoint_close(group[0]);
    peer_discard(&peer);
    peer_fini(&peer);
}

static void closing_a_listener_resets_what_nobody_accepted(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *listener = peer_listen(&peer, 4);
    send_syn(&peer, 7000, NULL);
    peer_expect(&peer, SYN | ACK);
    peer_call(&peer, PEER_PORT, NULL);
    tcpip_endpoint_close(listener);
    peer_expect(&peer, RST | ACK);
    assert_int_equal(peer.seen.fields.destination_port, PEER_PORT);
    peer_run(&peer, 10 * TCPIP_SECOND);
    peer_expect_nothing(&peer); /* the half-open one is forgotten */
    peer_fini(&peer);
}

static void what_is_no_syn_gets_what_the_rfc_says(void **state)
{
    (void)state;
    static const struct {
        uint16_t flags, answer;
    } cases[] = {{RST, 0},           {RST | ACK, 0}, {ACK, RST}, {SYN | ACK, RST}, {SYN | TCPIP_TCP_FIN, 0},
                 {TCPIP_TCP_FIN, 0}, {0, 0}};
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *listener = peer_listen(&peer, 4);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct peer_segment segment = {.flags = cases[i].flags, .seq = 500, .ack = 77};
        peer_send(&peer, &segment);
        if (cases[i].answer == 0) {
            peer_expect_nothing(&peer);
        } else {
            peer_expect(&peer, cases[i].answer);
            assert_int_equal(peer.seen.fields.sequence, 77);
        }
    }
    tcpip_endpoint_close(listener);
    peer_fini(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backlog_of_n_takes_n_and_one_and_then_drops),
        cmocka_unit_test(a_third_segment_into_a_full_queue_waits_for_room),
        cmocka_unit_test(syn_acks_are_sent_again_five_times_and_then_forgotten),
        cmocka_unit_test(a_cookie_brings_all_options_back),
        cmocka_unit_test(a_cookie_without_timestamps_keeps_the_segment_size_alone),
        cmocka_unit_test(a_forged_or_old_cookie_is_reset),
        cmocka_unit_test(without_cookies_a_full_table_drops),
        cmocka_unit_test(accepted_endpoints_have_the_listeners_options),
        cmocka_unit_test(no_option_is_lost_between_listener_and_connection),
        cmocka_unit_test(listeners_of_a_group_share_flows_by_hash),
        cmocka_unit_test(closing_a_listener_resets_what_nobody_accepted),
        cmocka_unit_test(what_is_no_syn_gets_what_the_rfc_says),
    };
    return cmocka_run_group_tests_name("tcp/listen", tests, NULL, NULL);
}
