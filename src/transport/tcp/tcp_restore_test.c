// SPDX-License-Identifier: MIT
/* tcp_restore_test.c: connections that are saved in the middle and go on in another stack, under another clock: bytes
 * in are bytes out, and the peer sees a pause.
 *
 * Not here: the envelope and bytes that are wrong (stack/save_test.c). */
#include "base/rng.h"
#include "pair.h"
#include "transport/tcp/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tcpip/save.h>

enum { CHUNK = 16384, MOVED_BYTES = 400000 };

/* ---- a transfer both ways ---- */

struct stream {
    struct tcpip_endpoint **from, **to;
    uint64_t total, written, read;
    bool shut, ended;
};

struct moving {
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    struct stream streams[2];
};

static uint8_t moved_byte(uint64_t at)
{
    return (uint8_t)(at * 131 + (at >> 8) * 31 + (at >> 16));
}

static void stream_step(struct stream *stream)
{
    uint8_t buffer[CHUNK];
    size_t done;
    while (stream->written < stream->total) {
        size_t size = stream->total - stream->written < CHUNK ? (size_t)(stream->total - stream->written) : CHUNK;
        for (size_t i = 0; i < size; i++)
            buffer[i] = moved_byte(stream->written + i);
        enum tcpip_error error = tcpip_endpoint_write(*stream->from, buffer, size, 0, NULL, &done);
        if (error == TCPIP_ERR_WOULD_BLOCK)
            break;
        assert_int_equal(error, TCPIP_OK);
        stream->written += done;
    }
    if (stream->written == stream->total && !stream->shut) {
        assert_int_equal(tcpip_endpoint_shutdown(*stream->from, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
        stream->shut = true;
    }
    enum tcpip_error error;
    while ((error = tcpip_endpoint_read(*stream->to, buffer, sizeof(buffer), &done, NULL)) == TCPIP_OK) {
        for (size_t i = 0; i < done; i++)
            assert_int_equal(buffer[i], moved_byte(stream->read + i));
        stream->read += done;
    }
    if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE)
        stream->ended = true;
    else
        assert_int_equal(error, TCPIP_ERR_WOULD_BLOCK);
}

static bool moving_done(void *ctx)
{
    struct moving *moving = ctx;
    stream_step(&moving->streams[0]);
    stream_step(&moving->streams[1]);
    return moving->streams[0].ended && moving->streams[1].ended;
}

static void moving_init(struct moving *moving, const struct pair_options *options, bool v6)
{
    pair_init(&moving->pair, options);
    pair_connect(&moving->pair, v6, &moving->client, &moving->server);
    moving->streams[0] = (struct stream){&moving->client, &moving->server, .total = MOVED_BYTES};
    moving->streams[1] = (struct stream){&moving->server, &moving->client, .total = MOVED_BYTES / 4};
}

static void moving_fini(struct moving *moving)
{
    tcpip_endpoint_close(moving->client);
    tcpip_endpoint_close(moving->server);
    pair_run(&moving->pair, 240 * TCPIP_SECOND);
    struct tcpip_stats stats;
    tcpip_stack_stats(moving->pair.a, &stats);
    assert_int_equal(stats.tcp.current_established, 0);
    tcpip_stack_stats(moving->pair.b, &stats);
    assert_int_equal(stats.tcp.current_established, 0);
    pair_fini(&moving->pair);
}

static struct pair_options moving_path(uint64_t seed)
{
    struct tcpip_fault_profile faults = {
        .loss_ppm = seed % 3 == 0 ? 0 : 20000,
        .duplicate_ppm = 5000,
        .reorder_ppm = seed % 2 == 0 ? 20000 : 0,
        .reorder_ns = 3 * TCPIP_MS,
        .delay_ns = (tcpip_ns)(seed % 5) * 4 * TCPIP_MS,
    };
    return (struct pair_options){.a_to_b = faults, .b_to_a = faults, .seed = seed};
}

static void bytes_in_are_bytes_out_wherever_the_hosts_move(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct moving *moving = &(struct moving){0};
        struct pair_options options = moving_path(seed);
        struct tcpip_endpoint **of_a[] = {&moving->client, NULL}, **of_b[] = {&moving->server, NULL};
        struct rng rng;
        rng_init(&rng, seed);
        moving_init(moving, &options, seed % 2 == 0);
        for (int moves = 0; moves < 4; moves++) {
            int host = (int)(rng_u64(&rng) % 2);
            tcpip_ns after = (tcpip_ns)(rng_u64(&rng) % (uint64_t)(60 * TCPIP_MS));
            struct pair_move move = {
                .pause_ns = (tcpip_ns)(rng_u64(&rng) % (uint64_t)(seed % 4 == 0 ? 3 * TCPIP_SECOND : 5 * TCPIP_MS)),
                .told = rng_u64(&rng) % 2 == 0,
                .ahead_ns = (tcpip_ns)(rng_u64(&rng) % (uint64_t)(1000 * TCPIP_SECOND)) - TCPIP_SECOND / 2,
                .endpoints = host == 0 ? of_a : of_b,
            };
            if (pair_run_until(&moving->pair, after, moving_done, moving))
                break;
            pair_move(&moving->pair, host, &move);
        }
        assert_true(pair_run_until(&moving->pair, 600 * TCPIP_SECOND, moving_done, moving));
        assert_int_equal(moving->streams[0].read, MOVED_BYTES);
        assert_int_equal(moving->streams[1].read, MOVED_BYTES / 4);
        moving_fini(moving);
    }
}

/* ---- one connection, in each state ---- */

struct saved {
    uint8_t *bytes;
    size_t size;
};

static struct saved save(struct tcpip_endpoint *endpoint)
{
    struct saved saved;
    assert_int_equal(tcpip_endpoint_save(endpoint, NULL, 0, &saved.size), TCPIP_ERR_NO_BUFFER_SPACE);
    saved.bytes = malloc(saved.size);
    assert_int_equal(tcpip_endpoint_save(endpoint, saved.bytes, saved.size, &saved.size), TCPIP_OK);
    return saved;
}

/* Out of the stack and in again; a later save tells whether all of it came back. */
static void replant(struct tcpip_stack *stack, struct tcpip_endpoint **endpoint)
{
    struct saved before = save(*endpoint);
    tcpip_endpoint_forget(*endpoint);
    assert_int_equal(tcpip_endpoint_restore(stack, before.bytes, before.size, NULL, endpoint), TCPIP_OK);
    free(before.bytes);
}

static enum tcpip_tcp_state state_of(struct tcpip_endpoint *endpoint)
{
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    assert_int_equal(tcpip_endpoint_tcp_info(endpoint, &info), TCPIP_OK);
    return info.state;
}

static void put(struct tcpip_endpoint *endpoint, const char *text)
{
    size_t done;
    assert_int_equal(tcpip_endpoint_write(endpoint, text, strlen(text), 0, NULL, &done), TCPIP_OK);
    assert_int_equal(done, strlen(text));
}

static void expect(struct tcpip_endpoint *endpoint, const char *text)
{
    char buffer[100] = {0};
    size_t done;
    assert_int_equal(tcpip_endpoint_read(endpoint, buffer, sizeof(buffer) - 1, &done, NULL), TCPIP_OK);
    assert_string_equal(buffer, text);
}

static void expect_end(struct tcpip_endpoint *endpoint)
{
    char byte;
    size_t done;
    assert_int_equal(tcpip_endpoint_read(endpoint, &byte, 1, &done, NULL), TCPIP_ERR_CLOSED_FOR_RECEIVE);
}

static void assert_no_resets(const struct pair *pair)
{
    struct tcpip_stats stats;
    tcpip_stack_stats(pair->a, &stats);
    assert_int_equal(stats.tcp.resets_sent, 0);
    tcpip_stack_stats(pair->b, &stats);
    assert_int_equal(stats.tcp.resets_sent, 0);
}

static void an_open_connection_keeps_what_was_written_and_what_was_not_read(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    for (int v6 = 0; v6 < 2; v6++) {
        pair_init(&pair, NULL);
        pair_connect(&pair, v6 != 0, &client, &server);
        put(server, "to be read");
        (void)pair_settle(&pair);
        tcpip_stack_enter(pair.a);
        put(client, "to be sent"); /* and isn't yet: the turn is open */
        replant(pair.a, &client);
        tcpip_stack_leave(pair.a);
        assert_int_equal(state_of(client), TCPIP_TCP_ESTABLISHED);
        expect(client, "to be read");
        (void)pair_settle(&pair);
        expect(server, "to be sent");
        assert_no_resets(&pair);
        tcpip_endpoint_close(client);
        tcpip_endpoint_close(server);
        pair_fini(&pair);
    }
}

static void the_closing_states_survive(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    struct pair_options options = {.a_to_b = {.delay_ns = 10 * TCPIP_MS}, .b_to_a = {.delay_ns = 10 * TCPIP_MS}};
    for (int both = 0; both < 2; both++) {
        pair_init(&pair, &options);
        pair_connect(&pair, false, &client, &server);
        pair_run(&pair, TCPIP_SECOND);
        put(client, "last words");
        assert_int_equal(tcpip_endpoint_shutdown(client, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
        assert_int_equal(state_of(client), TCPIP_TCP_FIN_WAIT_1);
        replant(pair.a, &client);
        assert_int_equal(state_of(client), TCPIP_TCP_FIN_WAIT_1);
        if (both != 0) { /* at once: CLOSING */
            put(server, "mine");
            assert_int_equal(tcpip_endpoint_shutdown(server, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
            pair_run(&pair, 11 * TCPIP_MS);
            assert_int_equal(state_of(client), TCPIP_TCP_CLOSING);
            assert_int_equal(state_of(server), TCPIP_TCP_CLOSING);
            replant(pair.a, &client);
            replant(pair.b, &server);
            assert_int_equal(state_of(client), TCPIP_TCP_CLOSING);
        } else {
            pair_run(&pair, TCPIP_SECOND);
            assert_int_equal(state_of(client), TCPIP_TCP_FIN_WAIT_2);
            assert_int_equal(state_of(server), TCPIP_TCP_CLOSE_WAIT);
            replant(pair.a, &client);
            replant(pair.b, &server);
            assert_int_equal(state_of(client), TCPIP_TCP_FIN_WAIT_2);
            assert_int_equal(state_of(server), TCPIP_TCP_CLOSE_WAIT);
            put(server, "mine");
            assert_int_equal(tcpip_endpoint_shutdown(server, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
            assert_int_equal(state_of(server), TCPIP_TCP_LAST_ACK);
            replant(pair.b, &server);
            assert_int_equal(state_of(server), TCPIP_TCP_LAST_ACK);
        }
        pair_run(&pair, 5 * TCPIP_SECOND);
        expect(server, "last words");
        expect_end(server);
        expect(client, "mine");
        expect_end(client);
        /* What is over is saved, too, with what wasn't read and why. */
        replant(pair.a, &client);
        replant(pair.b, &server);
        expect_end(client);
        expect_end(server);
        assert_no_resets(&pair);
        tcpip_endpoint_close(client);
        tcpip_endpoint_close(server);
        pair_fini(&pair);
    }
}

static void a_syn_that_was_sent_is_answered_to_who_has_it_now(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *client, *listener, *server;
    struct pair_options options = {.a_to_b = {.delay_ns = 10 * TCPIP_MS}, .b_to_a = {.delay_ns = 10 * TCPIP_MS}};
    pair_init(&pair, &options);
    assert_int_equal(tcpip_stack_new_endpoint(pair.b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_bind(listener, &pair.b4, NULL, NULL), TCPIP_OK);
    replant(pair.b, &listener); /* bound */
    assert_int_equal(tcpip_endpoint_listen(listener, 8), TCPIP_OK);
    replant(pair.b, &listener); /* listening */
    assert_int_equal(tcpip_stack_new_endpoint(pair.a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &client), TCPIP_OK);
    replant(pair.a, &client); /* nothing at all */
    assert_int_equal(tcpip_endpoint_connect(client, &pair.b4), TCPIP_ERR_CONNECT_STARTED);
    assert_int_equal(state_of(client), TCPIP_TCP_SYN_SENT);
    replant(pair.a, &client);
    assert_int_equal(state_of(client), TCPIP_TCP_SYN_SENT);
    pair_run(&pair, 5 * TCPIP_SECOND);
    assert_int_equal(state_of(client), TCPIP_TCP_ESTABLISHED);
    assert_int_equal(tcpip_endpoint_accept(listener, &server, NULL), TCPIP_OK);
    put(client, "hello");
    pair_run(&pair, TCPIP_SECOND);
    expect(server, "hello");
    assert_no_resets(&pair);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    tcpip_endpoint_close(listener);
    pair_fini(&pair);
}

/* With the SYN and before any answer there are records, and no segment size yet. */
static void data_that_went_with_the_syn_are_acknowledged_to_who_has_it_now(void **state)
{
    (void)state;
    const int64_t mode = TCPIP_FAST_OPEN_CLIENT | TCPIP_FAST_OPEN_CLIENT_NO_COOKIE | TCPIP_FAST_OPEN_SERVER |
                         TCPIP_FAST_OPEN_SERVER_NO_COOKIE | TCPIP_FAST_OPEN_SERVER_ALL;
    static const char *const controllers[] = {"reno", "cubic", "bbr", "dctcp"};
    struct pair pair;
    struct tcpip_endpoint *client, *listener, *server;
    struct pair_options options = {.a_to_b = {.delay_ns = 10 * TCPIP_MS}, .b_to_a = {.delay_ns = 10 * TCPIP_MS}};
    for (int i = 0; i < 8; i++) {
        bool taken = i % 2 == 0; /* or the server knows nothing of it, and they go again */
        size_t done;
        pair_init(&pair, &options);
        assert_int_equal(tcpip_congestion_set_default(pair.a, controllers[i / 2]), TCPIP_OK);
        assert_int_equal(tcpip_stack_set_default(pair.a, TCPIP_OPTION_FAST_OPEN_MODE, mode), TCPIP_OK);
        assert_int_equal(tcpip_stack_set_default(pair.b, TCPIP_OPTION_FAST_OPEN_MODE, taken ? mode : 0), TCPIP_OK);
        assert_int_equal(tcpip_stack_new_endpoint(pair.b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener), 0);
        assert_int_equal(tcpip_endpoint_bind(listener, &pair.b4, NULL, NULL), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_listen(listener, 8), TCPIP_OK);
        assert_int_equal(tcpip_stack_new_endpoint(pair.a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &client), 0);
        assert_int_equal(tcpip_endpoint_write(client, "hello", 5, TCPIP_WRITE_FAST_OPEN, &pair.b4, &done), TCPIP_OK);
        assert_int_equal(state_of(client), TCPIP_TCP_SYN_SENT);
        replant(pair.a, &client);
        assert_int_equal(tcp_of(client)->hot->board.outstanding_bytes, 5);
        assert_int_equal(tcp_of(client)->hot->board.first->seq.v, tcp_of(client)->iss.v + 1);
        pair_run(&pair, TCPIP_SECOND);
        struct tcpip_tcp_info info = {.size = sizeof(info)};
        assert_int_equal(tcpip_endpoint_tcp_info(client, &info), TCPIP_OK);
        assert_int_equal(info.state, TCPIP_TCP_ESTABLISHED);
        assert_int_equal(info.syn_data_acked, taken);
        assert_int_equal(tcpip_endpoint_accept(listener, &server, NULL), TCPIP_OK);
        expect(server, "hello");
        assert_no_resets(&pair);
        tcpip_endpoint_close(client);
        tcpip_endpoint_close(server);
        tcpip_endpoint_close(listener);
        pair_fini(&pair);
    }
}

static void more_may_have_been_promised_than_is_left_of_it(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    static const uint8_t bytes[2000];
    size_t done;
    pair_init(&pair, NULL);
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(tcpip_endpoint_write(client, bytes, sizeof(bytes), TCPIP_WRITE_MORE, NULL, &done), TCPIP_OK);
    (void)pair_settle(&pair); /* more than a segment: it goes, and is acknowledged */
    assert_true(tcp_of(client)->more_bytes > tcp_of(client)->send_queue.bytes);
    replant(pair.a, &client);
    put(client, "the rest");
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(tcp_of(server)->receive_queue.bytes, sizeof(bytes) + strlen("the rest"));
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    pair_fini(&pair);
}

static void what_was_lost_and_what_was_sacked_is_known_afterwards(void **state)
{
    (void)state;
    struct moving *moving = &(struct moving){0};
    uint64_t sacked = 0, gaps = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct pair_options options = moving_path(3 * seed + 1);
        options.a_to_b.delay_ns = options.b_to_a.delay_ns = 20 * TCPIP_MS;
        moving_init(moving, &options, false);
        moving->streams[1].total = 0;
        if (!pair_run_until(&moving->pair, (tcpip_ns)(80 + seed * 3) * TCPIP_MS, moving_done, moving)) {
            const struct tcp_hot *hot = tcp_of(moving->client)->hot, *peer = tcp_of(moving->server)->hot;
            uint32_t was_sacked = hot != NULL ? hot->board.sacked_bytes : 0;
            uint32_t was_lost = hot != NULL ? hot->board.lost_bytes : 0;
            uint32_t was_gap = peer != NULL ? peer->reassembly.bytes : 0;
            replant(moving->pair.a, &moving->client);
            replant(moving->pair.b, &moving->server);
            hot = tcp_of(moving->client)->hot;
            peer = tcp_of(moving->server)->hot;
            assert_int_equal(hot != NULL ? hot->board.sacked_bytes : 0, was_sacked);
            assert_int_equal(peer != NULL ? peer->reassembly.bytes : 0, was_gap);
            assert_true((hot != NULL ? hot->board.lost_bytes + hot->board.retransmitted_bytes : 0) >= was_lost);
            tcpip__tcp_check(tcp_of(moving->client));
            tcpip__tcp_check(tcp_of(moving->server));
            sacked += was_sacked;
            gaps += was_gap;
        }
        assert_true(pair_run_until(&moving->pair, 600 * TCPIP_SECOND, moving_done, moving));
        moving_fini(moving);
    }
    assert_true(sacked > 0 && gaps > 0); /* or nothing was shown */
}

static void what_is_read_from_it_is_written_again_the_same(void **state)
{
    (void)state;
    struct moving *moving = &(struct moving){0};
    struct pair_options options = moving_path(8);
    moving_init(moving, &options, false);
    assert_false(pair_run_until(&moving->pair, 50 * TCPIP_MS, moving_done, moving));
    /* Twice through, at one instant: the second must find what the first left. */
    tcpip_stack_enter(moving->pair.a);
    replant(moving->pair.a, &moving->client);
    struct saved first = save(moving->client);
    replant(moving->pair.a, &moving->client);
    struct saved second = save(moving->client);
    tcpip_stack_leave(moving->pair.a);
    assert_int_equal(first.size, second.size);
    size_t different = 0;
    for (size_t i = 24; i < first.size; i++)
        different += first.bytes[i] != second.bytes[i];
    assert_true(different <= 8); /* the probe was counted once more */
    free(first.bytes);
    free(second.bytes);
    assert_true(pair_run_until(&moving->pair, 600 * TCPIP_SECOND, moving_done, moving));
    moving_fini(moving);
}

static void give_key(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *peer, bool ao)
{
    struct tcpip_prefix prefix = {.address = peer->address, .bits = 32};
    if (ao) {
        struct tcpip_tcp_ao_key key = {.size = sizeof(key),
                                       .peer = prefix,
                                       .secret = "swordfish",
                                       .secret_bytes = 9,
                                       .send_id = 7,
                                       .receive_id = 7};
        assert_int_equal(tcpip_tcp_ao_key_add(endpoint, &key), TCPIP_OK);
    } else {
        struct tcpip_tcp_md5_key key = {.size = sizeof(key), .peer = prefix, .secret = "swordfish", .secret_bytes = 9};
        assert_int_equal(tcpip_tcp_md5_key_set(endpoint, &key), TCPIP_OK);
    }
}

static void signed_connections_go_on_signed(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *listener, *client, *server;
    struct tcpip_endpoint **of_b[] = {&server, &listener, NULL};
    for (int ao = 0; ao < 2; ao++) {
        pair_init(&pair, NULL);
        assert_int_equal(tcpip_stack_new_endpoint(pair.b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener),
                         TCPIP_OK);
        give_key(listener, &pair.a4, ao != 0);
        assert_int_equal(tcpip_endpoint_bind(listener, &pair.b4, NULL, NULL), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_listen(listener, 8), TCPIP_OK);
        assert_int_equal(tcpip_stack_new_endpoint(pair.a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &client), TCPIP_OK);
        give_key(client, &pair.b4, ao != 0);
        replant(pair.a, &client);
        assert_int_equal(tcpip_endpoint_connect(client, &pair.b4), TCPIP_ERR_CONNECT_STARTED);
        (void)pair_settle(&pair);
        assert_int_equal(tcpip_endpoint_accept(listener, &server, NULL), TCPIP_OK);
        put(client, "before");
        replant(pair.a, &client);
        pair_move(&pair, 1, &(struct pair_move){.ahead_ns = 3 * TCPIP_SECOND, .endpoints = of_b});
        put(client, " and after");
        put(server, "yes");
        pair_run(&pair, TCPIP_SECOND);
        expect(server, "before and after");
        expect(client, "yes");
        assert_true(tcp_signs(tcp_of(client)) && tcp_signs(tcp_of(server)));
        assert_int_equal(tcp_of(client)->signature->bad + tcp_of(server)->signature->bad, 0);
        assert_no_resets(&pair);
        tcpip_endpoint_close(client);
        tcpip_endpoint_close(server);
        tcpip_endpoint_close(listener);
        pair_fini(&pair);
    }
}

/* ---- standing still ---- */

static void a_frozen_connection_hears_and_says_nothing_until_it_is_thawed(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    struct tcpip_stats stats;
    char byte;
    size_t done;
    pair_init(&pair, NULL);
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(tcpip_endpoint_freeze(client), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_freeze(client), TCPIP_OK);
    put(server, "are you there");
    pair_run(&pair, 2 * TCPIP_SECOND);
    assert_int_equal(tcpip_endpoint_read(client, &byte, 1, &done, NULL), TCPIP_ERR_INVALID_ENDPOINT_STATE);
    assert_int_equal(tcpip_endpoint_write(client, "x", 1, 0, NULL, &done), TCPIP_ERR_INVALID_ENDPOINT_STATE);
    assert_int_equal(tcpip_endpoint_readiness(client, UINT32_MAX), 0);
    tcpip_stack_stats(pair.a, &stats);
    assert_true(stats.drops[TCPIP_DROP_TCP_FROZEN] > 1);
    assert_int_equal(tcpip_endpoint_thaw(client), TCPIP_OK);
    pair_run(&pair, 5 * TCPIP_SECOND);
    expect(client, "are you there");
    put(client, "yes");
    pair_run(&pair, TCPIP_SECOND);
    expect(server, "yes");
    /* Closed while it stands still: it ends as others do. */
    assert_int_equal(tcpip_endpoint_freeze(client), TCPIP_OK);
    tcpip_endpoint_close(client);
    pair_run(&pair, TCPIP_SECOND);
    expect_end(server);
    assert_no_resets(&pair);
    tcpip_endpoint_close(server);
    /* And a stack may be freed over one. */
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(tcpip_endpoint_freeze(client), TCPIP_OK);
    pair_fini(&pair);
}

static void who_is_forgotten_says_nothing_and_leaves_its_port(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *client, *server, *other;
    struct tcpip_full_address local;
    pair_init(&pair, NULL);
    pair_connect(&pair, false, &client, &server);
    tcpip_endpoint_local_address(client, &local);
    struct saved saved = save(client);
    /* There it is still: it can't be twice. */
    assert_int_equal(tcpip_endpoint_restore(pair.a, saved.bytes, saved.size, NULL, &other), TCPIP_ERR_PORT_IN_USE);
    assert_null(other);
    tcpip_endpoint_forget(client);
    pair_run(&pair, TCPIP_SECOND);
    assert_no_resets(&pair);
    assert_int_equal(state_of(server), TCPIP_TCP_ESTABLISHED);
    assert_int_equal(tcpip_stack_new_endpoint(pair.a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &other), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_bind(other, &local, NULL, NULL), TCPIP_OK);
    tcpip_endpoint_close(other);
    /* A host with another address has no use for it. */
    assert_int_equal(tcpip_endpoint_restore(pair.b, saved.bytes, saved.size, NULL, &other),
                     TCPIP_ERR_BAD_LOCAL_ADDRESS);
    assert_int_equal(tcpip_endpoint_restore(pair.a, saved.bytes, saved.size, NULL, &client), TCPIP_OK);
    put(client, "back");
    pair_run(&pair, TCPIP_SECOND);
    expect(server, "back");
    assert_no_resets(&pair);
    free(saved.bytes);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    pair_fini(&pair);
}

/* ---- with the whole stack ---- */

static void half_open_and_waiting_connections_move_with_their_listener(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *listener, *clients[3], *server;
    pair_init(&pair, NULL);
    assert_int_equal(tcpip_stack_new_endpoint(pair.b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_option(listener, TCPIP_OPTION_DEFER_ACCEPT, 30 * TCPIP_SECOND), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_bind(listener, &pair.b4, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(listener, 8), TCPIP_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tcpip_stack_new_endpoint(pair.a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &clients[i]),
                         TCPIP_OK);
        assert_int_equal(tcpip_endpoint_connect(clients[i], &pair.b4), TCPIP_ERR_CONNECT_STARTED);
        (void)pair_settle(&pair);
    }
    put(clients[0], "first"); /* waits to be accepted; the others are half open, for want of data */
    (void)pair_settle(&pair);
    struct tcpip_endpoint **endpoints[] = {&listener, NULL};
    pair_move(&pair, 1, &(struct pair_move){.ahead_ns = 500 * TCPIP_SECOND, .endpoints = endpoints});
    assert_int_equal(tcp_of(listener)->listener->half_open, 2);
    put(clients[1], "second");
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(tcpip_endpoint_accept(listener, &server, NULL), TCPIP_OK);
    expect(server, "first");
    tcpip_endpoint_close(server);
    assert_int_equal(tcpip_endpoint_accept(listener, &server, NULL), TCPIP_OK);
    expect(server, "second");
    tcpip_endpoint_close(server);
    assert_int_equal(tcpip_endpoint_accept(listener, &server, NULL), TCPIP_ERR_WOULD_BLOCK);
    assert_no_resets(&pair);
    for (int i = 0; i < 3; i++)
        tcpip_endpoint_close(clients[i]);
    tcpip_endpoint_close(listener);
    pair_fini(&pair);
}

static void time_wait_lasts_as_long_as_it_would_have(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    struct tcpip_stats stats;
    pair_init(&pair, NULL);
    pair_connect(&pair, false, &client, &server);
    tcpip_endpoint_close(client);
    (void)pair_settle(&pair);
    tcpip_endpoint_close(server);
    (void)pair_settle(&pair);
    pair_run(&pair, 20 * TCPIP_SECOND);
    pair_move(&pair, 0, &(struct pair_move){.ahead_ns = 90 * TCPIP_SECOND});
    tcpip_stack_stats(pair.a, &stats);
    assert_int_equal(stats.tcp.time_wait_current, 1);
    pair_move(&pair, 0, &(struct pair_move){.pause_ns = 20 * TCPIP_SECOND, .told = true});
    pair_run(&pair, 19 * TCPIP_SECOND);
    tcpip_stack_stats(pair.a, &stats);
    assert_int_equal(stats.tcp.time_wait_current, 1);
    pair_run(&pair, 2 * TCPIP_SECOND);
    tcpip_stack_stats(pair.a, &stats);
    assert_int_equal(stats.tcp.time_wait_current, 0);
    assert_int_equal(stats.tcp.time_wait_created, 1); /* counters go on */
    pair_fini(&pair);
}

static void the_clock_that_peers_see_doesnt_go_back(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    int64_t clock[2];
    uint32_t iss[2];
    pair_init(&pair, NULL);
    pair.world.now += 1000 * TCPIP_SECOND;
    for (int i = 0; i < 2; i++) {
        pair_connect(&pair, false, &client, &server);
        assert_int_equal(tcpip_endpoint_get_option(client, TCPIP_OPTION_TIMESTAMP_CLOCK, &clock[i]), TCPIP_OK);
        iss[i] = tcp_of(client)->iss.v;
        tcpip_endpoint_close(client);
        tcpip_endpoint_close(server);
        pair_run(&pair, 100 * TCPIP_SECOND);
        if (i == 0)
            pair_move(&pair, 0, &(struct pair_move){.ahead_ns = -1000 * TCPIP_SECOND});
    }
    (void)iss;
    assert_in_range((uint32_t)(clock[1] - clock[0]), 100000, 101000);
    pair_fini(&pair);
}

static void keepalive_and_linger_go_on(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    struct tcpip_endpoint **endpoints[] = {&client, NULL};
    struct tcpip_stats stats;
    pair_init(&pair, NULL);
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_KEEPALIVE_IDLE, 100 * TCPIP_SECOND), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_KEEPALIVE, 1), TCPIP_OK);
    pair_run(&pair, 60 * TCPIP_SECOND);
    pair_move(&pair, 0, &(struct pair_move){.ahead_ns = 7 * TCPIP_SECOND, .endpoints = endpoints});
    int64_t idle;
    assert_int_equal(tcpip_endpoint_get_option(client, TCPIP_OPTION_KEEPALIVE_IDLE, &idle), TCPIP_OK);
    assert_int_equal(idle, 100 * TCPIP_SECOND);
    pair_run(&pair, 99 * TCPIP_SECOND);
    tcpip_stack_stats(pair.a, &stats);
    assert_int_equal(stats.tcp.keepalives_sent, 0); /* the probe of restoring was answered: not idle since */
    pair_run(&pair, 2 * TCPIP_SECOND);
    tcpip_stack_stats(pair.a, &stats);
    assert_int_equal(stats.tcp.keepalives_sent, 1);
    /* An orphan in FIN-WAIT-2 is given up after its minute, wherever that is. */
    tcpip_endpoint_close(client);
    pair_run(&pair, 30 * TCPIP_SECOND);
    pair_move(&pair, 0, &(struct pair_move){.ahead_ns = -TCPIP_SECOND / 2});
    assert_int_equal(pair.a->endpoint_count, 1);
    pair_run(&pair, 29 * TCPIP_SECOND);
    assert_int_equal(pair.a->endpoint_count, 1);
    pair_run(&pair, 2 * TCPIP_SECOND);
    assert_int_equal(pair.a->endpoint_count, 0);
    tcpip_endpoint_close(server);
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_connection_keeps_what_was_written_and_what_was_not_read),
        cmocka_unit_test(the_closing_states_survive),
        cmocka_unit_test(a_syn_that_was_sent_is_answered_to_who_has_it_now),
        cmocka_unit_test(data_that_went_with_the_syn_are_acknowledged_to_who_has_it_now),
        cmocka_unit_test(more_may_have_been_promised_than_is_left_of_it),
        cmocka_unit_test(what_was_lost_and_what_was_sacked_is_known_afterwards),
        cmocka_unit_test(what_is_read_from_it_is_written_again_the_same),
        cmocka_unit_test(signed_connections_go_on_signed),
        cmocka_unit_test(a_frozen_connection_hears_and_says_nothing_until_it_is_thawed),
        cmocka_unit_test(who_is_forgotten_says_nothing_and_leaves_its_port),
        cmocka_unit_test(half_open_and_waiting_connections_move_with_their_listener),
        cmocka_unit_test(time_wait_lasts_as_long_as_it_would_have),
        cmocka_unit_test(the_clock_that_peers_see_doesnt_go_back),
        cmocka_unit_test(keepalive_and_linger_go_on),
        cmocka_unit_test(bytes_in_are_bytes_out_wherever_the_hosts_move),
    };
    return cmocka_run_group_tests_name("tcp/restore", tests, NULL, NULL);
}
