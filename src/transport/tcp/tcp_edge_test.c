// SPDX-License-Identifier: MIT
/* tcp_edge_test.c: connections at the edges of their counters, windows and memory: nothing gets stuck, nothing floods.
 *
 * Not here: what is seen on the wire (tests/script), whole transfers (tcp_transfer_test.c). */
#include "base/math.h"
#include "pair.h"
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct edge {
    struct pair pair;
    struct tcpip_endpoint *client, *server;
};

static void edge_open(struct edge *edge, const struct pair_options *options)
{
    pair_init(&edge->pair, options);
    pair_connect(&edge->pair, false, &edge->client, &edge->server);
}

/* Folded or not (tcp_fold.h). */
static uint16_t edge_mss(const struct edge *edge)
{
    struct tcp_endpoint copy;
    return tcpip__tcp_look(edge->client, &copy)->snd_mss;
}

static void edge_close(struct edge *edge)
{
    tcpip_endpoint_close(edge->client);
    tcpip_endpoint_close(edge->server);
    pair_run(&edge->pair, 120 * TCPIP_SECOND);
    pair_fini(&edge->pair);
}

static size_t edge_write(struct edge *edge, size_t size)
{
    static const uint8_t zeros[65536];
    size_t done;
    assert_int_equal(tcpip_endpoint_write(edge->client, zeros, size, 0, NULL, &done), TCPIP_OK);
    return done;
}

static size_t edge_read(struct edge *edge)
{
    static uint8_t buffer[65536];
    size_t done, total = 0;
    while (tcpip_endpoint_read(edge->server, buffer, sizeof(buffer), &done, NULL) == TCPIP_OK)
        total += done;
    return total;
}

/* The most segments that one of six lossy transfers of 100 KB took, with so many records a connection. */
static uint64_t edge_lossy_transfers(uint32_t records)
{
    enum { SEEDS = 6, TOTAL = 100000, ROUNDS = 3000 };
    static const uint8_t zeros[4096];
    uint64_t most = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct edge edge;
        struct tcpip_limits limits;
        struct tcpip_stats stats;
        size_t wrote = 0, read = 0, done;
        tcpip_limits_tiny(&limits);
        limits.tcp_records = records;
        struct pair_options options = {.limits = &limits,
                                       .seed = seed,
                                       .mtu = 296,
                                       .a_to_b = {.loss_ppm = 200000, .delay_ns = TCPIP_MS},
                                       .b_to_a = {.delay_ns = TCPIP_MS}};
        pair_init(&edge.pair, &options);
        assert_int_equal(tcpip_stack_set_default(edge.pair.b, TCPIP_OPTION_SACK, 0), TCPIP_OK);
        pair_connect(&edge.pair, false, &edge.client, &edge.server);
        for (int round = 0; round < ROUNDS && read < TOTAL; round++) {
            if (wrote < TOTAL && tcpip_endpoint_write(edge.client, zeros, sizeof(zeros), 0, NULL, &done) == TCPIP_OK)
                wrote += done;
            pair_run(&edge.pair, 10 * TCPIP_MS);
            read += edge_read(&edge);
        }
        assert_true(read >= TOTAL);
        tcpip_stack_stats(edge.pair.a, &stats);
        most = max_u64(most, stats.tcp.segments_sent);
        edge_close(&edge);
    }
    return most;
}

/* With few records, lost segments are noted together, and can't be taken apart to fit the window. What goes of them all
 * the same isn't noted, and must not go again with each ACK that it draws. */
static void what_cannot_be_noted_does_not_go_again_with_each_ack(void **state)
{
    (void)state;
    uint64_t plenty = edge_lossy_transfers(16), few = edge_lossy_transfers(2);
    assert_true(few <= plenty + plenty / 20);
}

static void a_small_segment_of_two_gigabytes_ago_holds_nothing_back(void **state)
{
    (void)state;
    struct edge edge;
    edge_open(&edge, NULL);
    struct tcp_endpoint *ep = tcp_of(edge.client);
    ep->snd_small = seq_sub(ep->snd_una, 0x80000001u);
    edge_write(&edge, 1);
    pair_run(&edge.pair, TCPIP_SECOND);
    assert_int_equal(edge_read(&edge), 1);
    edge_close(&edge);
}

/* So many of them would have all the memory: who takes nothing is written what he can be probed with, and no more until
 * he takes it. Then he gets as much as anybody. */
static void while_memory_is_short_a_shut_window_queues_little(void **state)
{
    (void)state;
    struct edge edge;
    edge_open(&edge, NULL);
    struct tcpip_stack *stack = edge.pair.a;
    static const uint8_t zeros[4096];
    size_t done;
    edge_write(&edge, 1);
    pair_run(&edge.pair, TCPIP_SECOND);
    assert_int_equal(edge_read(&edge), 1);
    struct tcp_endpoint *ep = tcpip__tcp_unfold(edge.client);
    assert_true(ep->snd_wnd > 0);
    uint64_t memory_bytes = stack->limits.memory_bytes;
    stack->limits.memory_bytes = stack->memory.used_bytes / 9 * 10;
    assert_int_equal(stack_memory_pressure(stack), 2);
    assert_true(tcpip__tcp_send_room(ep) >= ep->snd_mss);
    uint32_t window = ep->snd_wnd;
    ep->snd_wnd = 0;
    assert_int_equal(tcpip_endpoint_write(edge.client, zeros, sizeof(zeros), 0, NULL, &done), TCPIP_OK);
    assert_int_equal(done, 64);
    assert_int_equal(tcpip_endpoint_write(edge.client, zeros, sizeof(zeros), 0, NULL, &done), TCPIP_ERR_WOULD_BLOCK);
    ep->snd_wnd = window; /* as the answer to a probe says */
    pair_run(&edge.pair, 2 * TCPIP_SECOND);
    assert_int_equal(edge_read(&edge), 64);
    assert_int_not_equal(tcpip_endpoint_readiness(edge.client, TCPIP_EVENT_OUT), 0);
    stack->limits.memory_bytes = memory_bytes;
    edge_close(&edge);
}

struct edge_waiter {
    struct tcpip_waiter waiter;
    int heard;
};

static void edge_heard(struct tcpip_waiter *waiter, uint32_t ready)
{
    (void)ready;
    TCPIP_CONTAINER_OF(waiter, struct edge_waiter, waiter)->heard++;
}

static void who_filled_the_buffer_without_a_refusal_hears_of_room(void **state)
{
    (void)state;
    struct edge edge;
    edge_open(&edge, NULL);
    struct edge_waiter waiter = {.waiter = {.mask = TCPIP_EVENT_OUT, .fn = edge_heard}};
    assert_int_equal(tcpip_endpoint_set_option(edge.client, TCPIP_OPTION_SEND_BUFFER_SIZE, 60000), TCPIP_OK);
    tcpip_stack_enter(edge.pair.a);
    assert_int_equal(edge_write(&edge, 60000), 60000);
    assert_int_equal(tcpip_endpoint_readiness(edge.client, TCPIP_EVENT_OUT), 0);
    tcpip_endpoint_waiter_add(edge.client, &waiter.waiter);
    tcpip_stack_leave(edge.pair.a);
    pair_run(&edge.pair, TCPIP_SECOND);
    assert_int_equal(edge_read(&edge), 60000);
    assert_true(waiter.heard > 0);
    tcpip_endpoint_waiter_remove(edge.client, &waiter.waiter);
    edge_close(&edge);
}

static void unsent_data_that_leave_make_room_under_the_low_water_mark(void **state)
{
    (void)state;
    struct edge edge;
    edge_open(&edge, NULL);
    struct edge_waiter waiter = {.waiter = {.mask = TCPIP_EVENT_OUT, .fn = edge_heard}};
    assert_int_equal(tcpip_endpoint_set_option(edge.client, TCPIP_OPTION_NOT_SENT_LOW_WATER, 1000), TCPIP_OK);
    tcpip_stack_enter(edge.pair.a);
    assert_int_equal(edge_write(&edge, 1000), 1000);
    assert_int_equal(tcpip_endpoint_readiness(edge.client, TCPIP_EVENT_OUT), 0);
    tcpip_endpoint_waiter_add(edge.client, &waiter.waiter);
    tcpip_stack_leave(edge.pair.a); /* here they leave */
    assert_int_equal(waiter.heard, 1);
    tcpip_endpoint_waiter_remove(edge.client, &waiter.waiter);
    edge_close(&edge);
}

/* Without memory for records nothing may go: it would go again and again, unknown to the congestion window. */
static void without_memory_for_its_record_a_segment_stays(void **state)
{
    (void)state;
    struct edge edge;
    edge_open(&edge, NULL);
    struct tcp_endpoint *ep = tcp_of(edge.client);
    assert_non_null(tcpip__tcp_hot(ep));
    ep->hot->board.limit = 0;
    uint32_t before = ep->segments_out;
    edge_write(&edge, 1000);
    pair_run(&edge.pair, 100 * TCPIP_MS);
    assert_int_equal(ep->segments_out, before);
    ep->hot->board.limit = 16;
    pair_run(&edge.pair, TCPIP_SECOND); /* asked for again as a window is */
    assert_int_equal(edge_read(&edge), 1000);
    edge_close(&edge);
}

/* A record that grew far beyond a packet, for want of another, and got lost. */
static void a_record_of_any_size_is_sent_again_in_packets(void **state)
{
    (void)state;
    struct edge edge;
    struct pair_options options = {.mtu = 1500};
    edge_open(&edge, &options);
    struct tcp_endpoint *ep = tcp_of(edge.client);
    assert_int_equal(tcpip_endpoint_set_option(edge.client, TCPIP_OPTION_SEND_BUFFER_SIZE, 1000000), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_option(edge.server, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, 1000000), TCPIP_OK);
    assert_non_null(tcpip__tcp_hot(ep));
    ep->hot->board.limit = 1;
    ep->congestion.cwnd = 1000000;
    ep->snd_wnd = ep->snd_wnd_max = 1000000;
    struct tcpip_fault_profile lose = {.loss_ppm = 1000000}, keep = {0};
    tcpip_fault_set(edge.pair.fault, &lose, &keep);
    for (int i = 0; i < 5; i++)
        edge_write(&edge, 65536);
    (void)pair_settle(&edge.pair);
    assert_int_equal(ep->hot->board.count, 1);
    assert_true(ep->hot->board.first->length > 300000);
    tcpip_fault_set(edge.pair.fault, &keep, &keep);
    size_t got = 0;
    for (int i = 0; i < 400 && got < 5 * 65536; i++) {
        pair_run(&edge.pair, TCPIP_SECOND);
        got += edge_read(&edge);
    }
    assert_int_equal(got, 5 * 65536);
    edge_close(&edge);
}

static void data_written_while_there_is_no_route_go_when_there_is(void **state)
{
    (void)state;
    struct edge edge;
    edge_open(&edge, NULL);
    struct tcpip_route_entry route = {.nic = 1};
    assert_int_equal(tcpip_prefix_parse("0.0.0.0/0", &route.destination), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_route_table(edge.pair.a, NULL, 0, TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
    edge_write(&edge, 1000);
    pair_run(&edge.pair, TCPIP_SECOND);
    assert_int_equal(edge_read(&edge), 0);
    assert_int_equal(tcpip_stack_set_route_table(edge.pair.a, &route, 1, TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
    pair_run(&edge.pair, 10 * TCPIP_SECOND);
    assert_int_equal(edge_read(&edge), 1000);
    edge_close(&edge);
}

/* A duplicate costs the receiver a hot block for its D-SACK; nothing comes after it. */
static void a_hot_block_made_by_the_last_segment_is_given_back(void **state)
{
    (void)state;
    struct edge edge;
    edge_open(&edge, NULL);
    assert_non_null(tcpip__tcp_hot(tcp_of(edge.server)));
    pair_run(&edge.pair, 3 * TCPIP_SECOND);
    assert_null(tcp_of(edge.server)); /* folded: with a hot block it wouldn't be */
    edge_close(&edge);
}

static void what_a_bound_listener_accepts_stays_on_its_nic(void **state)
{
    (void)state;
    for (int64_t cookies = 1; cookies <= 2; cookies++) {
        struct edge edge;
        pair_init(&edge.pair, NULL);
        struct tcpip_endpoint *listener;
        struct tcpip_full_address at = edge.pair.b4;
        at.nic = 1;
        assert_int_equal(tcpip_stack_new_endpoint(edge.pair.b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener),
                         TCPIP_OK);
        assert_int_equal(tcpip_stack_new_endpoint(edge.pair.a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &edge.client),
                         TCPIP_OK);
        assert_int_equal(tcpip_endpoint_set_option(listener, TCPIP_OPTION_SYN_COOKIES, cookies), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_bind(listener, &at, NULL, NULL), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_listen(listener, 8), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_connect(edge.client, &edge.pair.b4), TCPIP_ERR_CONNECT_STARTED);
        pair_run(&edge.pair, 100 * TCPIP_MS);
        assert_int_equal(tcpip_endpoint_accept(listener, &edge.server, NULL), TCPIP_OK);
        assert_int_equal(tcp_of(edge.server)->demux->flow.nic, 1);
        tcpip_endpoint_close(listener);
        edge_close(&edge);
    }
}

/* ICMP has told another connection; whatever is larger would be refused by our own IP. */
static void a_smaller_path_mtu_is_news_to_all_connections_of_the_path(void **state)
{
    (void)state;
    struct edge edge;
    edge_open(&edge, NULL);
    uint16_t before = edge_mss(&edge);
    assert_int_equal(tcpip__pmtu_lower(edge.pair.a, 0, tcp_of(edge.client)->demux->flow.remote, 1000), 1000);
    edge_write(&edge, 5000);
    pair_run(&edge.pair, TCPIP_SECOND);
    assert_int_equal(edge_read(&edge), 5000);
    assert_int_equal(edge_mss(&edge), before - 500);
    pair_run(&edge.pair, 1200 * TCPIP_SECOND); /* older than ten minutes: forgotten */
    edge_write(&edge, 5000);
    pair_run(&edge.pair, TCPIP_SECOND);
    assert_int_equal(edge_read(&edge), 5000);
    assert_int_equal(edge_mss(&edge), before);
    edge_close(&edge);
}

enum { MEMORY_TOTAL = 200000 };

/* Opens, sends MEMORY_TOTAL bytes and closes, while allocations fail as they may. False: an application's own call was
 * refused for want of memory where only giving up is left. */
static bool memory_transfer(struct pair *pair, uint64_t k, bool after)
{
    static uint8_t buffer[16384];
    struct tcpip_endpoint *listener = NULL, *client = NULL, *server = NULL;
    bool listening = tcpip_stack_new_endpoint(pair->b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener) == TCPIP_OK;
    assert_true(listening);
    assert_int_equal(tcpip_endpoint_bind(listener, &pair->b4, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(listener, 8), TCPIP_OK);
    assert_int_equal(tcpip_stack_new_endpoint(pair->a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &client), TCPIP_OK);
    test_env_fail(&pair->world, k, after);
    enum tcpip_error error = tcpip_endpoint_connect(client, &pair->b4);
    size_t written = 0, read = 0, done;
    for (int i = 0; i < 6000 && error == TCPIP_ERR_CONNECT_STARTED && read < MEMORY_TOTAL; i++) {
        if (after && i == 300)
            test_env_fail(&pair->world, 0, false);
        if (server == NULL && tcpip_endpoint_accept(listener, &server, NULL) != TCPIP_OK)
            server = NULL;
        if (written < MEMORY_TOTAL &&
            tcpip_endpoint_write(client, buffer, written + 16384 < MEMORY_TOTAL ? 16384 : MEMORY_TOTAL - written, 0,
                                 NULL, &done) == TCPIP_OK)
            written += done;
        pair_run(pair, 10 * TCPIP_MS);
        while (server != NULL && tcpip_endpoint_read(server, buffer, sizeof(buffer), &done, NULL) == TCPIP_OK)
            read += done;
    }
    test_env_fail(&pair->world, 0, false);
    bool whole = error != TCPIP_ERR_CONNECT_STARTED || read == MEMORY_TOTAL;
    tcpip_endpoint_close(client);
    if (server != NULL)
        tcpip_endpoint_close(server);
    tcpip_endpoint_close(listener);
    pair_run(pair, 300 * TCPIP_SECOND);
    return whole;
}

/* Each allocation fails once, then all of them for three seconds from there on: nothing leaks, nothing gets stuck. */
static void no_failed_allocation_stops_a_connection_for_good(void **state)
{
    (void)state;
    for (int after = 0; after < 2; after++) {
        uint64_t failed = 1;
        for (uint64_t k = 1; failed > 0 && k < 200; k++) {
            struct pair pair;
            pair_init(&pair, NULL);
            uint64_t before = pair.world.failed;
            if (!memory_transfer(&pair, k, after != 0))
                fail_msg("stuck: allocation %llu%s", (unsigned long long)k, after ? " and later ones" : "");
            failed = pair.world.failed - before;
            pair_fini(&pair);
        }
    }
}

static enum tcpip_tcp_verdict free_defers(void *ctx, struct tcpip_tcp_forward_request *request)
{
    ++*(int *)ctx;
    (void)request;
    return TCPIP_TCP_FORWARD_DEFER;
}

static struct tcpip_endpoint *free_connects(struct pair *pair, uint16_t port)
{
    struct tcpip_endpoint *ep;
    struct tcpip_full_address to = pair->b4;
    to.port = port;
    assert_int_equal(tcpip_stack_new_endpoint(pair->a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &ep), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_connect(ep, &to), TCPIP_ERR_CONNECT_STARTED);
    return ep;
}

static void requests_that_nobody_is_left_to_decide_are_reset(void **state)
{
    (void)state;
    struct pair pair;
    int deferred = 0;
    int64_t error;
    struct tcpip_tcp_forwarder forwarder = {.size = sizeof(forwarder), .ctx = &deferred, .on_syn = free_defers};
    pair_init(&pair, NULL);
    assert_int_equal(tcpip_tcp_set_forwarder(pair.b, &forwarder), TCPIP_OK);
    struct tcpip_endpoint *client = free_connects(&pair, 9);
    (void)pair_settle(&pair);
    assert_int_equal(deferred, 1);
    assert_int_equal(tcpip_tcp_set_forwarder(pair.b, NULL), TCPIP_OK);
    (void)pair_settle(&pair);
    assert_int_equal(tcpip_endpoint_get_option(client, TCPIP_OPTION_ERROR, &error), TCPIP_OK);
    assert_int_equal(error, TCPIP_ERR_CONNECTION_REFUSED);
    tcpip_endpoint_close(client);
    pair_fini(&pair);
}

/* Half-open records, a full accept queue, a deferred request, data in flight and out of order, orphans, TIME-WAIT: all
 * of it goes with its stack, without a word. */
static void a_stack_is_freed_with_all_its_connections(void **state)
{
    (void)state;
    struct edge edge;
    int deferred = 0;
    edge_open(&edge, NULL);
    struct tcpip_endpoint *listener, *orphan, *waiting;
    struct tcpip_full_address at = edge.pair.b4;
    struct tcpip_tcp_forwarder forwarder = {.size = sizeof(forwarder), .ctx = &deferred, .on_syn = free_defers};
    tcpip_endpoint_close(edge.client); /* TIME-WAIT on a, once b has closed, too */
    tcpip_endpoint_close(edge.server);
    (void)pair_settle(&edge.pair);
    at.port = 81;
    assert_int_equal(tcpip_stack_new_endpoint(edge.pair.b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener),
                     TCPIP_OK);
    assert_int_equal(tcpip_endpoint_bind(listener, &at, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(listener, 1), TCPIP_OK);
    assert_int_equal(tcpip_tcp_set_forwarder(edge.pair.b, &forwarder), TCPIP_OK);
    (void)free_connects(&edge.pair, 9);
    pair_connect(&edge.pair, false, &orphan, &waiting);
    for (int i = 0; i < 4; i++)
        (void)free_connects(&edge.pair, 81);
    (void)pair_settle(&edge.pair);
    assert_int_equal(deferred, 1);
    struct tcpip_fault_profile half = {.loss_ppm = 500000}, keep = {0};
    tcpip_fault_set(edge.pair.fault, &half, &keep);
    edge.client = orphan;
    edge_write(&edge, 65536);
    (void)pair_settle(&edge.pair);
    assert_true(tcp_of(waiting)->hot != NULL && tcp_of(waiting)->hot->reassembly.count > 0);
    assert_true(tcp_of(orphan)->hot != NULL && tcp_of(orphan)->hot->board.count > 0);
    tcpip_endpoint_close(orphan);
    (void)pair_settle(&edge.pair);
    pair_fini(&edge.pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_noted_does_not_go_again_with_each_ack),
        cmocka_unit_test(a_small_segment_of_two_gigabytes_ago_holds_nothing_back),
        cmocka_unit_test(while_memory_is_short_a_shut_window_queues_little),
        cmocka_unit_test(who_filled_the_buffer_without_a_refusal_hears_of_room),
        cmocka_unit_test(unsent_data_that_leave_make_room_under_the_low_water_mark),
        cmocka_unit_test(without_memory_for_its_record_a_segment_stays),
        cmocka_unit_test(a_record_of_any_size_is_sent_again_in_packets),
        cmocka_unit_test(data_written_while_there_is_no_route_go_when_there_is),
        cmocka_unit_test(a_hot_block_made_by_the_last_segment_is_given_back),
        cmocka_unit_test(what_a_bound_listener_accepts_stays_on_its_nic),
        cmocka_unit_test(no_failed_allocation_stops_a_connection_for_good),
        cmocka_unit_test(a_smaller_path_mtu_is_news_to_all_connections_of_the_path),
        cmocka_unit_test(requests_that_nobody_is_left_to_decide_are_reset),
        cmocka_unit_test(a_stack_is_freed_with_all_its_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
