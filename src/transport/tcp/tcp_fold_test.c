// SPDX-License-Identifier: MIT
/* tcp_fold_test.c: connections at rest: what they were before, they are after; whatever happens finds them; without
 * memory nothing is lost but time.
 *
 * Not here: whole transfers with pauses (tests/sim), what is seen on the wire (tests/script). */
#include "pair.h"
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct rest {
    struct pair pair;
    struct tcpip_endpoint *client, *server;
};

static size_t rest_write(struct tcpip_endpoint *endpoint, size_t size)
{
    static const uint8_t zeros[65536];
    size_t done;
    assert_int_equal(tcpip_endpoint_write(endpoint, zeros, size, 0, NULL, &done), TCPIP_OK);
    return done;
}

static size_t rest_read(struct tcpip_endpoint *endpoint)
{
    static uint8_t buffer[65536];
    size_t done, total = 0;
    while (tcpip_endpoint_read(endpoint, buffer, sizeof(buffer), &done, NULL) == TCPIP_OK)
        total += done;
    return total;
}

/* A connection over 10 ms each way that has carried something, and hasn't for a while. */
static void rest_open(struct rest *rest)
{
    const struct tcpip_fault_profile line = {.delay_ns = 10 * TCPIP_MS};
    pair_init(&rest->pair, &(struct pair_options){.a_to_b = line, .b_to_a = line});
    pair_connect(&rest->pair, false, &rest->client, &rest->server);
    for (int i = 0; i < 5; i++) {
        rest_write(rest->client, 20000);
        pair_run(&rest->pair, 300 * TCPIP_MS);
        assert_int_equal(rest_read(rest->server), 20000);
        rest_write(rest->server, 100);
        pair_run(&rest->pair, 300 * TCPIP_MS);
        assert_int_equal(rest_read(rest->client), 100);
    }
    pair_run(&rest->pair, 3 * TCPIP_SECOND);
    assert_null(tcp_of(rest->client));
    assert_null(tcp_of(rest->server));
}

static void rest_close(struct rest *rest)
{
    tcpip_endpoint_close(rest->client);
    tcpip_endpoint_close(rest->server);
    pair_run(&rest->pair, 120 * TCPIP_SECOND);
    pair_fini(&rest->pair);
}

static void a_silent_connection_is_folded_and_goes_on(void **state)
{
    (void)state;
    struct rest rest;
    rest_open(&rest);
    struct tcpip_tcp_info before = {.size = sizeof(before)}, after = {.size = sizeof(after)};
    assert_int_equal(tcpip_endpoint_tcp_info(rest.client, &before), TCPIP_OK);
    assert_null(tcp_of(rest.client)); /* asking changes nothing */
    assert_int_equal(before.state, TCPIP_TCP_ESTABLISHED);
    assert_in_range(before.srtt_ns, 20 * TCPIP_MS, 21 * TCPIP_MS);
    assert_int_equal(before.bytes_acked, 100000);
    assert_int_equal(before.path_mtu, 1500);
    assert_int_equal(tcpip_endpoint_readiness(rest.client, ~0u), TCPIP_EVENT_OUT);
    rest_write(rest.client, 20000);
    assert_non_null(tcp_of(rest.client));
    assert_null(tcp_of(rest.server));
    pair_run(&rest.pair, 300 * TCPIP_MS);
    assert_int_equal(rest_read(rest.server), 20000);
    assert_int_equal(tcpip_endpoint_tcp_info(rest.client, &after), TCPIP_OK);
    assert_int_equal(after.bytes_acked, 120000);
    assert_int_equal(after.total_retransmits, 0);
    pair_run(&rest.pair, 3 * TCPIP_SECOND);
    assert_null(tcp_of(rest.client));
    rest_close(&rest);
}

/* Pointers of which only NULL or not counts, or that must be good. */
static bool is_pointer(size_t at)
{
    static const size_t pointers[] = {offsetof(struct tcp_endpoint, base),
                                      offsetof(struct tcp_endpoint, demux),
                                      offsetof(struct tcp_endpoint, timer),
                                      offsetof(struct tcp_endpoint, options),
                                      offsetof(struct tcp_endpoint, listener),
                                      offsetof(struct tcp_endpoint, hot),
                                      offsetof(struct tcp_endpoint, search),
                                      offsetof(struct tcp_endpoint, saved_syn),
                                      offsetof(struct tcp_endpoint, fast_open),
                                      offsetof(struct tcp_endpoint, signature),
                                      offsetof(struct tcp_endpoint, urgent),
                                      offsetof(struct tcp_endpoint, queue_node),
                                      offsetof(struct tcp_endpoint, queue_node) + 8,
                                      offsetof(struct tcp_endpoint, congestion.ops),
                                      offsetof(struct tcp_endpoint, congestion.state)};
    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++)
        if (at >= pointers[i] && at < pointers[i] + sizeof(void *))
            return true;
    return at >= offsetof(struct tcp_endpoint, route) &&
           at < offsetof(struct tcp_endpoint, route) + sizeof(struct tcpip_route);
}

#define WITHIN(at, member)                            \
    ((at) >= offsetof(struct tcp_endpoint, member) && \
     (at) < offsetof(struct tcp_endpoint, member) + sizeof(((struct tcp_endpoint *)0)->member))

static bool is_of_the_route(size_t at)
{
    return WITHIN(at, snd_mss) || WITHIN(at, path_mtu) ||
           at == offsetof(struct tcp_endpoint, rcv_mss) + 2; /* path_narrow */
}

/* What may come back rounded, or not at all, because of a connection at rest it says nothing. */
static bool is_lossy(size_t at)
{
    return WITHIN(at, rtt) || WITHIN(at, cwv) || WITHIN(at, receive_window) || WITHIN(at, ack_policy) ||
           WITHIN(at, ts_recent_at) || WITHIN(at, snd_small) || WITHIN(at, cwnd_used_until) || WITHIN(at, more_bytes) ||
           WITHIN(at, challenge_at) || WITHIN(at, fin_seq) || WITHIN(at, timeout_since_ms) ||
           WITHIN(at, chrono.since) || WITHIN(at, send_queue) || WITHIN(at, receive_queue) ||
           WITHIN(at, congestion.mss) || is_of_the_route(at) ||
           at == offsetof(struct tcp_endpoint, options_bytes) + 1; /* never more than 40 */
}

/* Bits that belong to a member. */
static bool members_of(struct tcp_endpoint *mask)
{
    memset(mask, 0xff, sizeof(*mask));
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
    __builtin_clear_padding(mask);
    return true;
#endif
#endif
    return false;
}

/* Any byte of an endpoint that isn't as it was: then it isn't at rest, or the byte is kept. */
static void what_an_endpoint_was_it_is_again(void **state)
{
    (void)state;
    struct rest rest;
    rest_open(&rest);
    struct tcpip_stack *stack = rest.pair.a;
    struct tcp_endpoint mask;
    if (!members_of(&mask)) {
        rest_close(&rest);
        return;
    }
    tcpip_stack_enter(stack);
    uint32_t kept = 0, refused = 0, lost = 0;
    for (size_t at = 0; at < sizeof(struct tcp_endpoint); at++) {
        struct tcp_endpoint *ep = tcpip__tcp_unfold(rest.client), was;
        tcpip__tcp_timers_stop(ep);
        memcpy(&was, ep, sizeof(was));
        if (is_pointer(at))
            continue;
        /* Elsewhere the higher bits of a byte may have no meaning. */
        size_t flags = offsetof(struct tcp_endpoint, soft_error) + 1;
        for (int bit = 0; bit < (at == flags || at == flags + 1 ? 8 : 1); bit++) {
            if ((((const uint8_t *)&mask)[at] & 1u << bit) == 0)
                continue;
            ep = tcpip__tcp_unfold(rest.client);
            tcpip__tcp_timers_stop(ep);
            uint8_t *byte = (uint8_t *)ep + at, flipped = (uint8_t)(*byte ^ 1u << bit);
            *byte = flipped;
            if (!tcpip__tcp_fold(ep)) {
                refused++;
                *byte ^= (uint8_t)(1u << bit);
                continue;
            }
            ep = tcpip__tcp_unfold(rest.client);
            byte = (uint8_t *)ep + at;
            if (*byte != flipped && !is_lossy(at))
                print_error("bit %d of byte %zu is lost\n", bit, at), lost++;
            kept += *byte == flipped;
            tcpip__tcp_timers_stop(ep);
            tcpip__route_release(&ep->route);
            memcpy(ep, &was, offsetof(struct tcp_endpoint, route));
            memcpy((uint8_t *)ep + offsetof(struct tcp_endpoint, options),
                   (uint8_t *)&was + offsetof(struct tcp_endpoint, options),
                   sizeof(was) - offsetof(struct tcp_endpoint, options));
            (void)tcpip__tcp_route(ep);
        }
    }
    tcpip_stack_leave(stack);
    assert_int_equal(lost, 0);
    assert_true(kept > 100 && refused > 100);
    rest_close(&rest);
}

static void keepalive_wakes_at_its_instant(void **state)
{
    (void)state;
    struct rest rest;
    struct tcpip_stats stats;
    rest_open(&rest);
    assert_int_equal(tcpip_endpoint_set_option(rest.client, TCPIP_OPTION_KEEPALIVE_IDLE, 100 * TCPIP_SECOND), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_option(rest.client, TCPIP_OPTION_KEEPALIVE, 1), TCPIP_OK);
    tcpip_ns due = rest.pair.world.now + 100 * TCPIP_SECOND;
    pair_run(&rest.pair, 50 * TCPIP_SECOND);
    assert_null(tcp_of(rest.client));
    assert_int_equal(tcpip_stack_deadline(rest.pair.a), due);
    pair_run(&rest.pair, 50 * TCPIP_SECOND - 1);
    tcpip_stack_stats(rest.pair.a, &stats);
    assert_int_equal(stats.tcp.keepalives_sent, 0);
    pair_run(&rest.pair, TCPIP_SECOND);
    tcpip_stack_stats(rest.pair.a, &stats);
    assert_int_equal(stats.tcp.keepalives_sent, 1);
    pair_run(&rest.pair, 5 * TCPIP_SECOND);
    assert_null(tcp_of(rest.client)); /* the peer is there: back to rest */
    rest_close(&rest);
}

/* Endpoints that there is memory for, taken; and given back. */
struct hoard {
    void *taken[64];
    uint32_t count;
};

static void hoard_take(struct hoard *hoard, struct pool *pool)
{
    pool->cap = pool->objects;
    while ((hoard->taken[hoard->count] = tcpip__pool_get(pool)) != NULL)
        assert_true(++hoard->count < 64);
}

static void hoard_give(struct hoard *hoard, struct pool *pool)
{
    pool->cap = 0;
    while (hoard->count > 0)
        tcpip__pool_put(pool, hoard->taken[--hoard->count]);
}

static void without_memory_calls_fail_and_segments_come_again(void **state)
{
    (void)state;
    struct rest rest;
    struct hoard hoard = {.count = 0};
    uint8_t byte = 0;
    size_t done;
    rest_open(&rest);
    struct pool *pool = &tcp_stack_of(rest.pair.a)->endpoints;
    hoard_take(&hoard, pool);
    rest_write(rest.server, 1000);
    pair_run(&rest.pair, 3 * TCPIP_SECOND);
    assert_int_equal(rest_read(rest.client), 0);
    assert_null(tcp_of(rest.client));
    assert_int_equal(tcpip_endpoint_write(rest.client, &byte, 1, 0, NULL, &done), TCPIP_ERR_NO_BUFFER_SPACE);
    assert_int_equal(tcpip_endpoint_shutdown(rest.client, TCPIP_SHUTDOWN_WRITE), TCPIP_ERR_NO_MEMORY);
    hoard_give(&hoard, pool);
    pair_run(&rest.pair, 20 * TCPIP_SECOND);
    assert_int_equal(rest_read(rest.client), 1000);
    rest_close(&rest);
}

static void a_close_waits_for_memory(void **state)
{
    (void)state;
    struct rest rest;
    struct hoard hoard = {.count = 0};
    struct tcpip_stats stats;
    rest_open(&rest);
    struct pool *pool = &tcp_stack_of(rest.pair.a)->endpoints;
    hoard_take(&hoard, pool);
    tcpip_endpoint_close(rest.client);
    pair_run(&rest.pair, 5 * TCPIP_SECOND);
    assert_int_equal(tcpip_endpoint_readiness(rest.server, TCPIP_EVENT_IN), 0);
    hoard_give(&hoard, pool);
    pair_run(&rest.pair, 2 * TCPIP_SECOND);
    assert_int_equal(tcpip_endpoint_readiness(rest.server, TCPIP_EVENT_IN), TCPIP_EVENT_IN);
    tcpip_endpoint_close(rest.server);
    pair_run(&rest.pair, 120 * TCPIP_SECOND);
    tcpip_stack_stats(rest.pair.a, &stats);
    assert_int_equal(stats.tcp.current_established, 0);
    pair_fini(&rest.pair);
}

static void a_stack_may_go_while_connections_rest(void **state)
{
    (void)state;
    struct rest rest;
    rest_open(&rest);
    pair_fini(&rest.pair);
}

static void one_at_rest_weighs_what_it_may(void **state)
{
    (void)state;
    /* Beside it: 8 to 16 bytes of the demultiplexer's table, and its share of a slab's header. */
    assert_true(sizeof(struct tcp_handle) <= 472);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_connection_is_folded_and_goes_on),
        cmocka_unit_test(what_an_endpoint_was_it_is_again),
        cmocka_unit_test(keepalive_wakes_at_its_instant),
        cmocka_unit_test(without_memory_calls_fail_and_segments_come_again),
        cmocka_unit_test(a_close_waits_for_memory),
        cmocka_unit_test(a_stack_may_go_while_connections_rest),
        cmocka_unit_test(one_at_rest_weighs_what_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
