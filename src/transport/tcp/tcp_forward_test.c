// SPDX-License-Identifier: MIT
/* tcp_forward_test.c: the forwarder: each verdict, at once and deferred, expiry and the limit. */
#include "tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ACK = TCPIP_TCP_ACK, SYN = TCPIP_TCP_SYN, RST = TCPIP_TCP_RST };

struct forward {
    struct tcp_peer peer;
    enum tcpip_tcp_verdict verdict;
    struct tcpip_tcp_forward_request *deferred[16];
    uint32_t heard, connected, expired;
    struct tcpip_full_address local, remote;
    struct tcpip_endpoint *endpoint;
};

static enum tcpip_tcp_verdict on_syn(void *ctx, struct tcpip_tcp_forward_request *request)
{
    struct forward *f = ctx;
    tcpip_tcp_forward_addresses(request, &f->local, &f->remote);
    if (f->verdict == TCPIP_TCP_FORWARD_DEFER)
        f->deferred[f->heard % 16] = request;
    f->heard++;
    return f->verdict;
}

static void on_connection(void *ctx, struct tcpip_endpoint *endpoint)
{
    struct forward *f = ctx;
    f->connected++;
    f->endpoint = endpoint;
}

static void on_expired(void *ctx, struct tcpip_tcp_forward_request *request)
{
    struct forward *f = ctx;
    bool known = false;
    for (int i = 0; i < 16; i++)
        known = known || f->deferred[i] == request;
    assert_true(known);
    f->expired++;
}

static void forward_open(struct forward *f, enum tcpip_tcp_verdict verdict, uint32_t max_in_flight)
{
    memset(f, 0, sizeof(*f));
    peer_init(&f->peer, NULL);
    f->verdict = verdict;
    struct tcpip_tcp_forwarder forwarder = {
        .size = sizeof(forwarder),
        .max_in_flight = max_in_flight,
        .on_syn = on_syn,
        .on_connection = on_connection,
        .on_expired = on_expired,
        .ctx = f,
    };
    assert_int_equal(tcpip_tcp_set_forwarder(f->peer.stack, &forwarder), TCPIP_OK);
}

static void send_syn(struct forward *f, uint16_t port)
{
    struct peer_segment syn = {.from = port, .flags = SYN, .seq = 1000};
    peer_send(&f->peer, &syn);
}

/* The SYN-ACK is there: acknowledges it and expects the connection, which then carries data both ways. */
static void expect_connection(struct forward *f)
{
    struct tcp_peer *peer = &f->peer;
    uint8_t byte;
    size_t done;
    peer_expect(peer, SYN | ACK);
    peer->seq = 1001;
    peer->ack = peer->seen.fields.sequence + 1;
    peer_say(peer, ACK, 0);
    assert_int_equal(f->connected, 1);
    peer_say(peer, ACK, 1);
    assert_int_equal(tcpip_endpoint_read(f->endpoint, &byte, 1, &done, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_write(f->endpoint, "x", 1, 0, NULL, &done), TCPIP_OK);
    assert_int_equal(peer_hear(peer), 1);
    tcpip_endpoint_close(f->endpoint);
}

static void accepting_makes_a_connection(void **state)
{
    (void)state;
    struct forward f;
    forward_open(&f, TCPIP_TCP_FORWARD_ACCEPT, 0);
    send_syn(&f, PEER_PORT);
    assert_int_equal(f.local.port, PEER_US_PORT);
    assert_int_equal(f.remote.port, PEER_PORT);
    assert_int_equal(f.remote.address.bytes[3], 2);
    expect_connection(&f);
    peer_fini(&f.peer);
}

static void the_other_verdicts_end_it(void **state)
{
    (void)state;
    struct forward f;
    forward_open(&f, TCPIP_TCP_FORWARD_RESET, 0);
    send_syn(&f, PEER_PORT);
    peer_expect(&f.peer, RST | ACK);
    assert_int_equal(f.peer.seen.fields.acknowledgment, 1001);
    f.verdict = TCPIP_TCP_FORWARD_DROP;
    send_syn(&f, PEER_PORT);
    assert_int_equal(peer_discard(&f.peer), 0);
    f.verdict = TCPIP_TCP_FORWARD_UNREACHABLE;
    send_syn(&f, PEER_PORT);
    struct tcpip_packet *packet = tcpip_channel_collect(f.peer.link);
    uint8_t icmp[2];
    assert_non_null(packet);
    assert_int_equal(tcpip_packet_copy_out(packet, 20, icmp, 2), 2);
    assert_int_equal(icmp[0], 3);
    assert_int_equal(icmp[1], 13); /* administratively */
    tcpip_packet_free(packet);
    assert_int_equal(f.heard, 3);
    peer_fini(&f.peer);
}

static void a_deferred_request_may_be_accepted_later(void **state)
{
    (void)state;
    struct forward f;
    forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 0);
    send_syn(&f, PEER_PORT);
    send_syn(&f, PEER_PORT); /* the peer tries again: one request all the same */
    assert_int_equal(f.heard, 1);
    peer_run(&f.peer, 30 * TCPIP_SECOND);
    assert_int_equal(peer_discard(&f.peer), 0);
    tcpip_tcp_forward_decide(f.peer.stack, f.deferred[0], TCPIP_TCP_FORWARD_ACCEPT);
    expect_connection(&f);
    assert_int_equal(f.expired, 0);
    peer_fini(&f.peer);
}

static void a_deferred_request_may_be_refused_later(void **state)
{
    (void)state;
    static const struct {
        enum tcpip_tcp_verdict verdict;
        bool reset;
    } cases[] = {{TCPIP_TCP_FORWARD_RESET, true},
                 {TCPIP_TCP_FORWARD_UNREACHABLE, true},
                 {TCPIP_TCP_FORWARD_DROP, false},
                 {TCPIP_TCP_FORWARD_DEFER, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct forward f;
        forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 0);
        send_syn(&f, PEER_PORT);
        tcpip_tcp_forward_decide(f.peer.stack, f.deferred[0], cases[i].verdict);
        if (cases[i].reset)
            peer_expect(&f.peer, RST | ACK);
        peer_expect_nothing(&f.peer);
        send_syn(&f, PEER_PORT); /* it is gone: the next SYN is a new one */
        assert_int_equal(f.heard, 2);
        assert_int_equal(f.expired, 0);
        peer_fini(&f.peer);
    }
}

static void who_waits_for_a_minute_expires(void **state)
{
    (void)state;
    struct forward f;
    forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 0);
    send_syn(&f, PEER_PORT);
    peer_run(&f.peer, 50 * TCPIP_SECOND);
    assert_int_equal(f.expired, 0);
    peer_run(&f.peer, 30 * TCPIP_SECOND);
    assert_int_equal(f.expired, 1);
    peer_fini(&f.peer);
}

static void requests_expire_when_the_forwarder_goes(void **state)
{
    (void)state;
    struct forward f;
    forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 0);
    send_syn(&f, 7000);
    send_syn(&f, 7001);
    assert_int_equal(tcpip_tcp_set_forwarder(f.peer.stack, NULL), TCPIP_OK);
    assert_int_equal(f.expired, 2);
    send_syn(&f, 7002);
    peer_expect(&f.peer, RST | ACK);
    peer_fini(&f.peer);
    forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 0);
    send_syn(&f, 7000);
    peer_fini(&f.peer); /* and when the stack goes */
    assert_int_equal(f.expired, 1);
}

static void beyond_the_limit_syns_are_dropped(void **state)
{
    (void)state;
    struct forward f;
    static struct tcpip_stats stats;
    forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 3);
    for (uint16_t i = 0; i < 5; i++)
        send_syn(&f, (uint16_t)(7000 + i));
    assert_int_equal(f.heard, 3);
    tcpip_stack_stats(f.peer.stack, &stats);
    assert_int_equal(stats.tcp.forward_in_flight_drop, 2);
    assert_int_equal(stats.drops[TCPIP_DROP_TCP_FORWARDER_LIMIT], 2);
    tcpip_tcp_forward_decide(f.peer.stack, f.deferred[1], TCPIP_TCP_FORWARD_DROP);
    send_syn(&f, 7004);
    assert_int_equal(f.heard, 4);
    peer_fini(&f.peer);
}

static void a_listener_comes_first_and_only_syns_are_judged(void **state)
{
    (void)state;
    struct forward f;
    forward_open(&f, TCPIP_TCP_FORWARD_ACCEPT, 0);
    struct tcpip_endpoint *listener = peer_listen(&f.peer, 4);
    send_syn(&f, PEER_PORT);
    assert_int_equal(f.heard, 0);
    peer_discard(&f.peer);
    struct peer_segment ack = {.to = 81, .flags = ACK, .seq = 1, .ack = 9};
    peer_send(&f.peer, &ack);
    peer_expect(&f.peer, RST);
    assert_int_equal(f.heard, 0);
    tcpip_endpoint_close(listener);
    peer_fini(&f.peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepting_makes_a_connection),
        cmocka_unit_test(the_other_verdicts_end_it),
        cmocka_unit_test(a_deferred_request_may_be_accepted_later),
        cmocka_unit_test(a_deferred_request_may_be_refused_later),
        cmocka_unit_test(who_waits_for_a_minute_expires),
        cmocka_unit_test(requests_expire_when_the_forwarder_goes),
        cmocka_unit_test(beyond_the_limit_syns_are_dropped),
        cmocka_unit_test(a_listener_comes_first_and_only_syns_are_judged),
    };
    return cmocka_run_group_tests_name("tcp/forward", tests, NULL, NULL);
}
