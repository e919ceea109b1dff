// SPDX-License-Identifier: MIT
/* tcp_forward_test.c: the forwarder: each verdict, at once and deferred; the ends of requests; limits; what they cost.
 */
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
    uint32_t heard, connected, gone;
    enum tcpip_error why;
    bool ignore; /* which request it was */
    struct tcpip_full_address local, remote;
    struct tcpip_endpoint *endpoint;
};

static enum tcpip_tcp_verdict on_syn(void *ctx, struct tcpip_tcp_forward_request *request)
{
    struct forward *f = ctx;
    tcpip_tcp_forward_addresses(request, &f->local, &f->remote);
    assert_null(tcpip_tcp_forward_data(request));
    tcpip_tcp_forward_set_data(request, f);
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

static void on_gone(void *ctx, struct tcpip_tcp_forward_request *request, enum tcpip_error why)
{
    struct forward *f = ctx;
    bool known = f->ignore;
    for (int i = 0; i < 16; i++)
        known = known || f->deferred[i] == request;
    assert_true(known);
    assert_ptr_equal(tcpip_tcp_forward_data(request), f);
    f->why = why;
    f->gone++;
}

static void forward_set(struct forward *f, const struct tcpip_tcp_forwarder *like)
{
    struct tcpip_tcp_forwarder forwarder = *like;
    forwarder.size = sizeof(forwarder);
    forwarder.on_syn = on_syn;
    forwarder.on_connection = on_connection;
    forwarder.on_gone = on_gone;
    forwarder.ctx = f;
    assert_int_equal(tcpip_tcp_set_forwarder(f->peer.stack, &forwarder), TCPIP_OK);
}

static void forward_open(struct forward *f, enum tcpip_tcp_verdict verdict, uint32_t max_in_flight)
{
    memset(f, 0, sizeof(*f));
    peer_init(&f->peer, NULL);
    f->verdict = verdict;
    struct tcpip_tcp_forwarder forwarder = {.max_in_flight = max_in_flight};
    forward_set(f, &forwarder);
}

static void send_syn(struct forward *f, uint16_t port)
{
    struct peer_segment syn = {.from = port, .flags = SYN, .seq = 1000};
    peer_send(&f->peer, &syn);
}

static void expect_connected(struct forward *f, uint16_t port)
{
    struct tcp_peer *peer = &f->peer;
    peer_expect(peer, SYN | ACK);
    peer->seq = 1001;
    peer->ack = peer->seen.fields.sequence + 1;
    peer->us_port = PEER_US_PORT;
    peer->peer_port = port;
    peer_say(peer, ACK, 0);
    assert_int_equal(f->connected, 1);
}

/* The SYN-ACK is there: acknowledges it and expects the connection, which then carries data both ways. */
static void expect_connection(struct forward *f)
{
    struct tcp_peer *peer = &f->peer;
    uint8_t byte;
    size_t done;
    expect_connected(f, PEER_PORT);
    peer_say(peer, ACK, 1);
    assert_int_equal(tcpip_endpoint_read(f->endpoint, &byte, 1, &done, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_write(f->endpoint, "x", 1, 0, NULL, &done), TCPIP_OK);
    assert_int_equal(peer_hear(peer), 1);
    tcpip_endpoint_close(f->endpoint);
}

/* The next packet of ours is unreachable, with this code, and quotes the SYN. */
static void expect_icmp(struct forward *f, uint8_t code)
{
    struct tcpip_packet *packet = tcpip_channel_collect(f->peer.link);
    uint8_t icmp[56];
    assert_non_null(packet);
    assert_int_equal(tcpip_packet_copy_out(packet, 20, icmp, 36), 36);
    assert_int_equal(icmp[0], 3);
    assert_int_equal(icmp[1], code);
    const uint8_t *quote = icmp + 8;
    assert_int_equal(quote[0], 0x45);
    assert_int_equal(quote[9], TCPIP_PROTOCOL_TCP);
    assert_int_equal(quote[15], 2);
    assert_int_equal(quote[19], 1);
    assert_int_equal(quote[20] << 8 | quote[21], PEER_PORT);
    assert_int_equal(quote[22] << 8 | quote[23], PEER_US_PORT);
    assert_int_equal(quote[26] << 8 | quote[27], 1000);
    tcpip_packet_free(packet);
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
    f.verdict = TCPIP_TCP_FORWARD_PROHIBITED;
    send_syn(&f, PEER_PORT);
    expect_icmp(&f, 13); /* administratively */
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
    assert_non_null(f.deferred[0]);
    tcpip_tcp_forward_decide(f.peer.stack, f.deferred[0], TCPIP_TCP_FORWARD_ACCEPT);
    expect_connection(&f);
    assert_int_equal(f.gone, 0);
    peer_fini(&f.peer);
}

static void a_deferred_request_may_be_refused_later(void **state)
{
    (void)state;
    static const struct {
        enum tcpip_tcp_verdict verdict;
        int code; /* -1: a reset; -2: nothing */
    } cases[] = {{TCPIP_TCP_FORWARD_RESET, -1},           {TCPIP_TCP_FORWARD_DROP, -2},
                 {TCPIP_TCP_FORWARD_DEFER, -2},           {TCPIP_TCP_FORWARD_NET_UNREACHABLE, 0},
                 {TCPIP_TCP_FORWARD_HOST_UNREACHABLE, 1}, {TCPIP_TCP_FORWARD_PORT_UNREACHABLE, 3},
                 {TCPIP_TCP_FORWARD_PROHIBITED, 13}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct forward f;
        forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 0);
        send_syn(&f, PEER_PORT);
        assert_non_null(f.deferred[0]);
        tcpip_tcp_forward_decide(f.peer.stack, f.deferred[0], cases[i].verdict);
        if (cases[i].code == -1)
            peer_expect(&f.peer, RST | ACK);
        if (cases[i].code >= 0)
            expect_icmp(&f, (uint8_t)cases[i].code);
        peer_expect_nothing(&f.peer);
        send_syn(&f, PEER_PORT); /* it is gone: the next SYN is a new one */
        assert_int_equal(f.heard, 2);
        assert_int_equal(f.gone, 0);
        peer_fini(&f.peer);
    }
}

static void a_reset_ends_a_deferred_request_once(void **state)
{
    (void)state;
    struct forward f;
    static struct tcpip_stats stats;
    forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 0);
    send_syn(&f, PEER_PORT);
    struct peer_segment reset = {.flags = RST, .seq = 1002};
    peer_send(&f.peer, &reset); /* not at the number that follows the SYN */
    assert_int_equal(f.gone, 0);
    reset.seq = 1001;
    peer_send(&f.peer, &reset);
    assert_int_equal(f.gone, 1);
    assert_int_equal(f.why, TCPIP_ERR_CONNECTION_RESET);
    peer_send(&f.peer, &reset);
    peer_run(&f.peer, 200 * TCPIP_SECOND);
    assert_int_equal(f.gone, 1);
    tcpip_stack_stats(f.peer.stack, &stats);
    assert_int_equal(stats.tcp.forward_gone, 1);
    send_syn(&f, PEER_PORT);
    assert_int_equal(f.heard, 2);
    peer_fini(&f.peer);
    assert_int_equal(f.gone, 2);
    assert_int_equal(f.why, TCPIP_ERR_ABORTED);
}

static void who_waits_for_a_minute_expires(void **state)
{
    (void)state;
    struct forward f;
    forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 0);
    send_syn(&f, PEER_PORT);
    peer_run(&f.peer, 60 * TCPIP_SECOND - 1);
    assert_int_equal(f.gone, 0);
    peer_run(&f.peer, 1);
    assert_int_equal(f.gone, 1);
    assert_int_equal(f.why, TCPIP_ERR_TIMEOUT);
    peer_fini(&f.peer);
}

static void how_long_it_may_wait_can_be_said(void **state)
{
    (void)state;
    struct forward f;
    struct tcpip_tcp_forwarder forwarder = {.defer_ns = 3 * TCPIP_SECOND};
    forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 0);
    forward_set(&f, &forwarder);
    send_syn(&f, 7000);
    peer_run(&f.peer, TCPIP_SECOND);
    send_syn(&f, 7001);
    peer_run(&f.peer, 2 * TCPIP_SECOND);
    assert_int_equal(f.gone, 1);
    peer_run(&f.peer, TCPIP_SECOND);
    assert_int_equal(f.gone, 2);
    peer_fini(&f.peer);
}

/* ---- accepted on an endpoint of the owner's ---- */

static struct tcpip_endpoint *accept_on_own(struct forward *f)
{
    struct tcpip_endpoint *ep = peer_endpoint(&f->peer);
    assert_int_equal(tcpip_endpoint_set_option(ep, TCPIP_OPTION_MAX_SEGMENT, 1000), TCPIP_OK);
    assert_non_null(f->deferred[0]);
    assert_int_equal(tcpip_tcp_forward_accept(f->peer.stack, f->deferred[0], ep), TCPIP_OK);
    return ep;
}

static void the_owners_endpoint_becomes_the_connection(void **state)
{
    (void)state;
    struct forward f;
    struct tcp_peer *peer = &f.peer;
    size_t done;
    forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 1);
    send_syn(&f, PEER_PORT);
    struct tcpip_endpoint *ep = accept_on_own(&f);
    peer_expect(peer, SYN | ACK);
    assert_int_equal(peer->seen.options.mss, 1000);
    assert_int_equal(peer->seen.fields.acknowledgment, 1001);
    assert_int_equal(peer_state(ep), TCPIP_TCP_SYN_RECEIVED);
    assert_int_equal(tcpip_endpoint_write(ep, "x", 1, 0, NULL, &done), TCPIP_ERR_WOULD_BLOCK);
    send_syn(&f, PEER_PORT); /* ours was lost */
    peer_expect(peer, SYN | ACK);
    send_syn(&f, 7000); /* it counts as in flight until it is established */
    assert_int_equal(f.heard, 1);
    peer->seq = 1001;
    peer->ack = peer->seen.fields.sequence + 1;
    peer_say(peer, ACK, 0);
    assert_int_equal(peer_state(ep), TCPIP_TCP_ESTABLISHED);
    assert_int_equal(f.connected, 0);
    assert_int_equal(f.gone, 0);
    assert_int_equal(tcpip_endpoint_write(ep, "x", 1, 0, NULL, &done), TCPIP_OK);
    assert_int_equal(peer_hear(peer), 1);
    send_syn(&f, 7000);
    assert_int_equal(f.heard, 2);
    tcpip_endpoint_close(ep);
    peer_fini(peer);
}

static void a_failed_handshake_is_the_endpoints_error(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct forward f;
        struct tcp_peer *peer = &f.peer;
        static const enum tcpip_error errors[] = {TCPIP_ERR_CONNECTION_RESET, TCPIP_ERR_HOST_UNREACHABLE,
                                                  TCPIP_ERR_TIMEOUT};
        forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 1);
        send_syn(&f, PEER_PORT);
        struct tcpip_endpoint *ep = accept_on_own(&f);
        peer_expect(peer, SYN | ACK);
        struct peer_segment reset = {.flags = RST, .seq = 1001};
        if (how == 0)
            peer_send(peer, &reset);
        else if (how == 1)
            peer_icmp(peer, 3, 1, 0, peer->seen.fields.sequence);
        else
            peer_run(peer, 300 * TCPIP_SECOND);
        assert_int_equal(peer_error(ep), errors[how]);
        assert_int_equal(f.gone, 0);
        peer_discard(peer);
        send_syn(&f, 7000); /* its place is free again */
        assert_int_equal(f.heard, 2);
        tcpip_endpoint_close(ep);
        peer_fini(peer);
    }
}

static void only_a_new_endpoint_of_the_family_will_do(void **state)
{
    (void)state;
    struct forward f;
    struct tcpip_endpoint *v6;
    forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 0);
    struct tcpip_endpoint *listener = peer_listen(&f.peer, 1);
    struct peer_segment syn = {.to = 81, .flags = SYN, .seq = 1000};
    peer_send(&f.peer, &syn);
    struct tcpip_stack *stack = f.peer.stack;
    assert_non_null(f.deferred[0]);
    assert_int_equal(tcpip_tcp_forward_accept(stack, f.deferred[0], listener), TCPIP_ERR_INVALID_ENDPOINT_STATE);
    assert_int_equal(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV6, &v6), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_option(v6, TCPIP_OPTION_V6_ONLY, 1), TCPIP_OK);
    assert_int_equal(tcpip_tcp_forward_accept(stack, f.deferred[0], v6), TCPIP_ERR_ADDRESS_FAMILY_NOT_SUPPORTED);
    assert_int_equal(tcpip_endpoint_set_option(v6, TCPIP_OPTION_V6_ONLY, 0), TCPIP_OK);
    assert_int_equal(tcpip_tcp_forward_accept(stack, f.deferred[0], v6), TCPIP_OK);
    peer_expect(&f.peer, SYN | ACK);
    tcpip_endpoint_close(v6);
    tcpip_endpoint_close(listener);
    peer_fini(&f.peer);
}

/* ---- limits ---- */

static void one_source_gets_its_share(void **state)
{
    (void)state;
    struct forward f;
    static struct tcpip_stats stats;
    struct tcpip_tcp_forwarder forwarder = {.source_pending_max = 2, .source_open_max = 1};
    forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 0);
    forward_set(&f, &forwarder);
    for (uint16_t i = 0; i < 3; i++)
        send_syn(&f, (uint16_t)(7000 + i));
    assert_int_equal(f.heard, 2);
    tcpip_stack_stats(f.peer.stack, &stats);
    assert_int_equal(stats.tcp.forward_source_drop, 1);
    assert_int_equal(stats.drops[TCPIP_DROP_TCP_FORWARDER_SOURCE], 1);
    assert_non_null(f.deferred[1]);
    tcpip_tcp_forward_decide(f.peer.stack, f.deferred[1], TCPIP_TCP_FORWARD_DROP);
    assert_non_null(f.deferred[0]);
    tcpip_tcp_forward_decide(f.peer.stack, f.deferred[0], TCPIP_TCP_FORWARD_ACCEPT);
    expect_connected(&f, 7000); /* open now: one is all it may have */
    send_syn(&f, 7001);
    assert_int_equal(f.heard, 2);
    tcpip_endpoint_close(f.endpoint);
    struct peer_segment reset = {.from = 7000, .flags = RST, .seq = f.peer.seq};
    peer_send(&f.peer, &reset);
    send_syn(&f, 7001);
    assert_int_equal(f.heard, 3);
    peer_discard(&f.peer);
    forwarder.limit_resets = true; /* counting begins anew */
    forwarder.source_pending_max = 1;
    forward_set(&f, &forwarder);
    peer_discard(&f.peer);
    send_syn(&f, 7002);
    assert_int_equal(f.heard, 4);
    send_syn(&f, 7003);
    peer_expect(&f.peer, RST | ACK);
    peer_fini(&f.peer);
}

/* The whole cost: request, its part of slabs and of the table of flows. */
static void a_deferred_syn_costs_128_bytes_at_most(void **state)
{
    (void)state;
    enum { REQUESTS = 20000 };
    struct forward f;
    struct tcpip_limits limits;
    tcpip_limits_server(&limits);
    memset(&f, 0, sizeof(f));
    peer_init(&f.peer, &limits);
    f.verdict = TCPIP_TCP_FORWARD_DEFER;
    struct tcpip_tcp_forwarder forwarder = {.max_in_flight = REQUESTS};
    forward_set(&f, &forwarder);
    uint64_t before = test_env_used(&f.peer.world);
    for (uint32_t i = 0; i < REQUESTS; i++)
        send_syn(&f, (uint16_t)(1024 + i));
    uint64_t used = test_env_used(&f.peer.world) - before;
    assert_int_equal(f.heard, REQUESTS);
    print_message("# %.1f bytes per deferred SYN\n", (double)used / REQUESTS);
    assert_true(used <= 128 * (uint64_t)REQUESTS);
    f.ignore = true;
    peer_fini(&f.peer);
}

static void requests_end_with_the_forwarder(void **state)
{
    (void)state;
    struct forward f;
    forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 0);
    send_syn(&f, 7000);
    send_syn(&f, 7001);
    assert_int_equal(tcpip_tcp_set_forwarder(f.peer.stack, NULL), TCPIP_OK);
    assert_int_equal(f.gone, 2);
    send_syn(&f, 7002);
    peer_expect(&f.peer, RST | ACK);
    peer_fini(&f.peer);
    forward_open(&f, TCPIP_TCP_FORWARD_DEFER, 0);
    send_syn(&f, 7000);
    peer_fini(&f.peer); /* and when the stack goes */
    assert_int_equal(f.gone, 1);
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
    assert_non_null(f.deferred[1]);
    tcpip_tcp_forward_decide(f.peer.stack, f.deferred[1], TCPIP_TCP_FORWARD_DROP);
    send_syn(&f, 7004);
    assert_int_equal(f.heard, 4);
    peer_fini(&f.peer);
}

/* At hand it is lost with a name; a deferred one is counted, and the peer's next SYN is a new request. */
static void what_was_accepted_without_room_for_a_record_is_counted(void **state)
{
    (void)state;
    struct forward f;
    struct tcpip_limits limits;
    static struct tcpip_stats stats;
    tcpip_limits_default(&limits);
    limits.syn_received = 1;
    memset(&f, 0, sizeof(f));
    peer_init(&f.peer, &limits);
    forward_set(&f, &(struct tcpip_tcp_forwarder){0});
    f.verdict = TCPIP_TCP_FORWARD_ACCEPT;
    send_syn(&f, 7000);
    peer_expect(&f.peer, SYN | ACK);
    send_syn(&f, 7001);
    tcpip_stack_stats(f.peer.stack, &stats);
    assert_int_equal(stats.drops[TCPIP_DROP_TCP_SYN_LIMIT], 1);
    assert_int_equal(stats.tcp.forward_in_flight_drop, 1);
    f.verdict = TCPIP_TCP_FORWARD_DEFER;
    send_syn(&f, 7002);
    assert_non_null(f.deferred[2]);
    tcpip_tcp_forward_decide(f.peer.stack, f.deferred[2], TCPIP_TCP_FORWARD_ACCEPT);
    tcpip_stack_stats(f.peer.stack, &stats);
    assert_int_equal(stats.tcp.forward_in_flight_drop, 2);
    struct peer_segment reset = {.from = 7000, .flags = RST, .seq = 1001};
    peer_send(&f.peer, &reset);
    f.verdict = TCPIP_TCP_FORWARD_ACCEPT;
    send_syn(&f, 7002);
    peer_expect(&f.peer, SYN | ACK);
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
        cmocka_unit_test(a_reset_ends_a_deferred_request_once),
        cmocka_unit_test(who_waits_for_a_minute_expires),
        cmocka_unit_test(how_long_it_may_wait_can_be_said),
        cmocka_unit_test(the_owners_endpoint_becomes_the_connection),
        cmocka_unit_test(a_failed_handshake_is_the_endpoints_error),
        cmocka_unit_test(only_a_new_endpoint_of_the_family_will_do),
        cmocka_unit_test(one_source_gets_its_share),
        cmocka_unit_test(a_deferred_syn_costs_128_bytes_at_most),
        cmocka_unit_test(requests_end_with_the_forwarder),
        cmocka_unit_test(beyond_the_limit_syns_are_dropped),
        cmocka_unit_test(what_was_accepted_without_room_for_a_record_is_counted),
        cmocka_unit_test(a_listener_comes_first_and_only_syns_are_judged),
    };
    return cmocka_run_group_tests_name("tcp/forward", tests, NULL, NULL);
}
