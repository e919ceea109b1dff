// SPDX-License-Identifier: MIT
/* tcp_error_test.c: resets and ICMP errors, honest and forged, in each state: what ends a connection and what must not.
 */
#include "tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
    ACK = TCPIP_TCP_ACK,
    SYN = TCPIP_TCP_SYN,
    RST = TCPIP_TCP_RST,
    FIN = TCPIP_TCP_FIN,
    UNREACHABLE = 3, /* ICMP types and codes */
    NET = 0,
    HOST = 1,
    PROTOCOL = 2,
    PORT = 3,
    TOO_BIG = 4,
    PROHIBITED = 13,
};

/* An endpoint whose SYN is out. */
static struct tcpip_endpoint *connecting(struct tcp_peer *peer)
{
    struct tcpip_endpoint *ep = peer_endpoint(peer);
    struct tcpip_full_address to = {.port = PEER_PORT};
    to.address = tcpip_address_v4(10, 0, 0, 2);
    assert_int_equal(tcpip_endpoint_connect(ep, &to), TCPIP_ERR_CONNECT_STARTED);
    peer_expect(peer, SYN);
    peer->us_port = peer->seen.fields.source_port;
    peer->seq = 1000;
    peer->ack = peer->seen.fields.sequence + 1;
    return ep;
}

static struct tcpip_endpoint *in_state(struct tcp_peer *peer, enum tcpip_tcp_state state)
{
    if (state == TCPIP_TCP_SYN_SENT)
        return connecting(peer);
    if (state == TCPIP_TCP_SYN_RECEIVED) {
        struct tcpip_endpoint *ep = connecting(peer);
        struct peer_segment syn = {.flags = SYN, .seq = peer->seq++};
        peer_send(peer, &syn);
        peer_discard(peer);
        return ep;
    }
    struct tcpip_endpoint *ep = peer_accepted(peer);
    if (state == TCPIP_TCP_CLOSE_WAIT || state == TCPIP_TCP_LAST_ACK)
        peer_say(peer, FIN | ACK, 0);
    if (state == TCPIP_TCP_FIN_WAIT_1 || state == TCPIP_TCP_FIN_WAIT_2 || state == TCPIP_TCP_CLOSING ||
        state == TCPIP_TCP_LAST_ACK)
        assert_int_equal(tcpip_endpoint_shutdown(ep, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
    if (state == TCPIP_TCP_CLOSING)
        peer_say(peer, FIN | ACK, 0);
    if (state == TCPIP_TCP_FIN_WAIT_2) {
        peer_hear(peer);
        peer_say(peer, ACK, 0);
    }
    peer_discard(peer);
    return ep;
}

static const enum tcpip_tcp_state states[] = {
    TCPIP_TCP_SYN_SENT,   TCPIP_TCP_SYN_RECEIVED, TCPIP_TCP_ESTABLISHED, TCPIP_TCP_FIN_WAIT_1,
    TCPIP_TCP_FIN_WAIT_2, TCPIP_TCP_CLOSE_WAIT,   TCPIP_TCP_CLOSING,     TCPIP_TCP_LAST_ACK,
};
enum { STATES = sizeof(states) / sizeof(states[0]) };

static void a_reset_at_the_next_number_ends_each_state_with_its_error(void **state)
{
    (void)state;
    for (int i = 0; i < STATES; i++) {
        struct tcp_peer peer;
        peer_init(&peer, NULL);
        struct tcpip_endpoint *ep = in_state(&peer, states[i]);
        assert_int_equal(peer_state(ep), states[i]);
        struct peer_segment reset = {.flags = RST | ACK, .seq = peer.seq, .ack = peer.ack};
        peer_send(&peer, &reset);
        peer_expect_nothing(&peer);
        assert_int_equal(peer_state(ep), TCPIP_TCP_CLOSED);
        enum tcpip_error expected = states[i] <= TCPIP_TCP_SYN_RECEIVED ? TCPIP_ERR_CONNECTION_REFUSED
                                    : states[i] == TCPIP_TCP_CLOSE_WAIT ? TCPIP_ERR_CLOSED_FOR_SEND
                                                                        : TCPIP_ERR_CONNECTION_RESET;
        assert_int_equal(peer_error(ep), expected);
        assert_int_equal(peer_error(ep), TCPIP_OK);
        tcpip_endpoint_close(ep);
        peer_fini(&peer);
    }
}

static void a_forged_reset_changes_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < STATES; i++) {
        struct tcp_peer peer;
        peer_init(&peer, NULL);
        struct tcpip_endpoint *ep = in_state(&peer, states[i]);
        bool opening = states[i] == TCPIP_TCP_SYN_SENT;
        /* In the window but not its first number: asked to prove itself (RFC 5961 3.2). Connecting: without our ACK. */
        struct peer_segment reset = {.flags = opening ? RST : RST | ACK, .seq = peer.seq + 7, .ack = peer.ack};
        peer_send(&peer, &reset);
        assert_int_equal(peer_state(ep), states[i]);
        if (!opening)
            peer_expect(&peer, ACK);
        reset.seq = peer.seq - 100000;
        reset.ack = peer.ack + 1000;
        reset.flags = RST | ACK;
        peer_send(&peer, &reset);
        peer_expect_nothing(&peer);
        assert_int_equal(peer_state(ep), states[i]);
        assert_int_equal(peer_error(ep), TCPIP_OK);
        tcpip_endpoint_close(ep);
        peer_fini(&peer);
    }
}

static void an_icmp_error_ends_only_what_is_opening(void **state)
{
    (void)state;
    static const struct {
        uint8_t code;
        enum tcpip_error error;
    } codes[] = {
        {NET, TCPIP_ERR_NETWORK_UNREACHABLE},       {HOST, TCPIP_ERR_HOST_UNREACHABLE},
        {PROTOCOL, TCPIP_ERR_PROTOCOL_UNREACHABLE}, {PORT, TCPIP_ERR_CONNECTION_REFUSED},
        {PROHIBITED, TCPIP_ERR_HOST_UNREACHABLE},
    };
    for (int i = 0; i < STATES; i++) {
        for (size_t code = 0; code < sizeof(codes) / sizeof(codes[0]); code++) {
            struct tcp_peer peer;
            peer_init(&peer, NULL);
            struct tcpip_endpoint *ep = in_state(&peer, states[i]);
            bool opening = states[i] <= TCPIP_TCP_SYN_RECEIVED;
            uint32_t quoted = opening ? peer.ack - 1 : peer.ack;
            peer_icmp(&peer, UNREACHABLE, codes[code].code, 0, quoted - 200000); /* forged: not in flight */
            peer_icmp(&peer, UNREACHABLE, codes[code].code, 0, quoted + 200000);
            assert_int_equal(peer_state(ep), states[i]);
            peer_icmp(&peer, UNREACHABLE, codes[code].code, 0, quoted);
            assert_int_equal(peer_state(ep), opening ? TCPIP_TCP_CLOSED : states[i]);
            assert_int_equal(peer_error(ep), opening ? codes[code].error : TCPIP_OK);
            tcpip_endpoint_close(ep);
            peer_fini(&peer);
        }
    }
}

static void a_soft_error_is_reported_on_request_and_when_time_is_over(void **state)
{
    (void)state;
    for (int report = 0; report < 2; report++) {
        struct tcp_peer peer;
        size_t done;
        peer_init(&peer, NULL);
        struct tcpip_endpoint *ep = peer_accepted(&peer);
        assert_int_equal(tcpip_endpoint_set_option(ep, TCPIP_OPTION_RECEIVE_ERROR, report), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_set_option(ep, TCPIP_OPTION_RETRANSMIT_COUNT, 3), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_write(ep, "x", 1, 0, NULL, &done), TCPIP_OK);
        peer_icmp(&peer, UNREACHABLE, HOST, 0, peer.ack);
        assert_int_equal(peer_state(ep), TCPIP_TCP_ESTABLISHED);
        assert_int_equal(peer_error(ep), report ? TCPIP_ERR_HOST_UNREACHABLE : TCPIP_OK);
        peer_run(&peer, 600 * TCPIP_SECOND);
        assert_int_equal(peer_state(ep), TCPIP_TCP_CLOSED);
        assert_int_equal(peer_error(ep), TCPIP_ERR_HOST_UNREACHABLE);
        tcpip_endpoint_close(ep);
        peer_fini(&peer);
    }
}

static void packet_too_big_makes_segments_smaller_and_sends_again(void **state)
{
    (void)state;
    static uint8_t data[5000];
    struct tcp_peer peer;
    size_t done;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    assert_int_equal(tcpip_endpoint_write(ep, data, sizeof(data), 0, NULL, &done), TCPIP_OK);
    peer_expect(&peer, ACK);
    assert_int_equal(peer.seen.bytes, 1460);
    peer_discard(&peer);
    struct tcpip_tcp_info before = {.size = sizeof(before)}, after = {.size = sizeof(after)};
    assert_int_equal(tcpip_endpoint_tcp_info(ep, &before), TCPIP_OK);
    peer_icmp(&peer, UNREACHABLE, TOO_BIG, 1000, peer.ack - 50000); /* forged */
    peer_expect_nothing(&peer);
    peer_icmp(&peer, UNREACHABLE, TOO_BIG, 1000, peer.ack);
    assert_true(peer_take(&peer));
    assert_int_equal(peer.seen.fields.sequence, peer.ack);
    assert_int_equal(peer.seen.bytes, 960);
    assert_int_equal(tcpip_endpoint_tcp_info(ep, &after), TCPIP_OK);
    assert_int_equal(after.snd_mss, 960);
    assert_int_equal(after.ssthresh_bytes, before.ssthresh_bytes); /* no sign of congestion */
    int64_t mtu;
    assert_int_equal(tcpip_endpoint_get_option(ep, TCPIP_OPTION_PATH_MTU, &mtu), TCPIP_OK);
    assert_int_equal(mtu, 1000);
    uint32_t begin = peer.ack;
    for (int i = 0; i < 50 && peer.ack - begin < sizeof(data); i++) {
        peer_hear(&peer);
        peer_say(&peer, ACK, 0);
        peer_run(&peer, 300 * TCPIP_MS);
    }
    assert_int_equal(peer.ack - begin, sizeof(data));
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

static void unacceptable_segments_without_data_are_acked_twice_a_second(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    struct peer_segment old = {.flags = ACK, .seq = peer.seq - 100, .ack = peer.ack};
    for (int i = 0; i < 20; i++)
        peer_send(&peer, &old);
    assert_int_equal(peer_discard(&peer), 1);
    old.bytes = 10; /* with data: each, the peer must learn where we are */
    for (int i = 0; i < 5; i++)
        peer_send(&peer, &old);
    assert_int_equal(peer_discard(&peer), 5);
    old.bytes = 0;
    peer_run(&peer, 500 * TCPIP_MS);
    peer_send(&peer, &old);
    peer_expect(&peer, ACK);
    assert_int_equal(peer.seen.fields.acknowledgment, peer.seq);
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

static void a_syn_in_the_window_is_challenged(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    struct peer_segment syn = {.flags = SYN, .seq = peer.seq + 3};
    peer_send(&peer, &syn);
    peer_expect(&peer, ACK);
    assert_int_equal(peer_state(ep), TCPIP_TCP_ESTABLISHED);
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

static void an_ack_of_the_future_or_of_long_ago_is_challenged(void **state)
{
    (void)state;
    static const int64_t off[] = {1, 100000, -70000};
    for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
        struct tcp_peer peer;
        peer_init(&peer, NULL);
        struct tcpip_endpoint *ep = peer_accepted(&peer);
        struct peer_segment segment = {
            .flags = ACK, .seq = peer.seq, .ack = (uint32_t)(peer.ack + off[i]), .bytes = 10};
        peer_send(&peer, &segment);
        peer_expect(&peer, ACK);
        assert_int_equal(tcpip_endpoint_readiness(ep, TCPIP_EVENT_IN), 0); /* its data are not believed either */
        tcpip_endpoint_close(ep);
        peer_fini(&peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_at_the_next_number_ends_each_state_with_its_error),
        cmocka_unit_test(a_forged_reset_changes_nothing),
        cmocka_unit_test(an_icmp_error_ends_only_what_is_opening),
        cmocka_unit_test(a_soft_error_is_reported_on_request_and_when_time_is_over),
        cmocka_unit_test(packet_too_big_makes_segments_smaller_and_sends_again),
        cmocka_unit_test(unacceptable_segments_without_data_are_acked_twice_a_second),
        cmocka_unit_test(a_syn_in_the_window_is_challenged),
        cmocka_unit_test(an_ack_of_the_future_or_of_long_ago_is_challenged),
    };
    return cmocka_run_group_tests_name("tcp/error", tests, NULL, NULL);
}
