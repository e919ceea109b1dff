// SPDX-License-Identifier: MIT
/* tcp_zero_copy_test.c: writes that leave their bytes in the application's memory: what goes out is what lies there,
 * and it is told once, in order, when nothing refers to it any more: after the last ACK, and after the last packet that
 * has it, sent again or not, has left the link; or after whatever else ended the connection. */
#include "pair.h"
#include "stack/zero_copy.h"
#include "tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    ACK = TCPIP_TCP_ACK,
    RST = TCPIP_TCP_RST,
    ZERO_COPY = TCPIP_WRITE_ZERO_COPY,
};

static uint8_t text[100000];

static size_t lend_more(struct tcpip_endpoint *ep, const void *data, size_t size, uint32_t flags)
{
    size_t done;
    assert_int_equal(tcpip_endpoint_write(ep, data, size, ZERO_COPY | flags, NULL, &done), TCPIP_OK);
    return done;
}

static void lend(struct tcpip_endpoint *ep, const void *data, size_t size)
{
    assert_int_equal(lend_more(ep, data, size, 0), size);
}

static void expect_free(struct tcpip_endpoint *ep, uint64_t first, uint64_t last, bool copied)
{
    struct tcpip_error_record record;
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_OK);
    assert_int_equal(record.origin, TCPIP_ERROR_FROM_COPY);
    assert_int_equal(record.first, first);
    assert_int_equal(record.last, last);
    assert_int_equal(record.copied, copied);
}

static void expect_none(struct tcpip_endpoint *ep)
{
    struct tcpip_error_record record;
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_ERR_WOULD_BLOCK);
}

static void acknowledge(struct tcp_peer *peer, uint32_t bytes, uint16_t window)
{
    peer->ack += bytes;
    struct peer_segment segment = {.flags = ACK, .seq = peer->seq, .ack = peer->ack, .window = window};
    segment.zero_window = window == 0;
    peer_send(peer, &segment);
}

/* Lets what became free be told: the link's packets were freed outside of a turn. */
static void settle(struct tcp_peer *peer)
{
    peer_run(peer, 0);
}

static const uint8_t *payload(const struct tcp_peer *peer)
{
    return peer->bytes + peer->size - peer->seen.bytes;
}

static void what_lies_there_is_what_goes_and_goes_again(void **state)
{
    struct tcp_peer peer;
    (void)state;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    memset(text, 'a', 500);
    lend(ep, text, 500);
    assert_true(peer_take(&peer));
    assert_int_equal(peer.seen.bytes, 500);
    assert_int_equal(payload(&peer)[0], 'a');
    text[0] = 'b'; /* which he mustn't: it shows that nothing was copied */
    peer_run(&peer, 3 * TCPIP_SECOND);
    assert_true(peer_take(&peer));
    assert_int_equal(peer.seen.bytes, 500);
    assert_int_equal(payload(&peer)[0], 'b');
    peer_discard(&peer);
    acknowledge(&peer, 500, 1000);
    expect_free(ep, 0, 0, false);
    expect_none(ep);
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

static void an_ack_isnt_enough_while_a_link_holds_a_packet(void **state)
{
    struct tcp_peer peer;
    (void)state;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    lend(ep, text, 500);
    peer_discard(&peer);
    peer_run(&peer, 3 * TCPIP_SECOND); /* sent again, and that waits in the link */
    acknowledge(&peer, 500, 1000);
    settle(&peer);
    expect_none(ep);
    assert_true(peer_discard(&peer) > 0);
    settle(&peer);
    expect_free(ep, 0, 0, false);
    expect_none(ep);
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

static void calls_are_told_in_order_and_as_one(void **state)
{
    struct tcp_peer peer;
    (void)state;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    assert_int_equal(tcpip_endpoint_set_option(ep, TCPIP_OPTION_NO_DELAY, 1), TCPIP_OK);
    lend(ep, text, 500);
    peer_discard(&peer);
    peer_run(&peer, 3 * TCPIP_SECOND); /* the first again, held by the link */
    lend(ep, text + 500, 500);
    acknowledge(&peer, 1000, 1000);
    settle(&peer);
    expect_none(ep);
    peer_discard(&peer);
    settle(&peer);
    expect_free(ep, 0, 1, false);
    /* What is told later is told apart, if it was read meanwhile. */
    lend(ep, text, 100);
    lend(ep, text, 100);
    lend(ep, text, 100);
    peer_discard(&peer);
    acknowledge(&peer, 200, 1000);
    expect_free(ep, 2, 3, false);
    expect_none(ep);
    acknowledge(&peer, 100, 1000);
    expect_free(ep, 4, 4, false);
    expect_none(ep);
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

static void a_partly_acknowledged_call_isnt_told(void **state)
{
    struct tcp_peer peer;
    (void)state;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    lend(ep, text, 3000);
    peer_discard(&peer);
    acknowledge(&peer, 2999, 10000);
    settle(&peer);
    expect_none(ep);
    acknowledge(&peer, 1, 10000);
    peer_discard(&peer);
    settle(&peer);
    expect_free(ep, 0, 0, false);
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

static void whatever_ends_the_connection_frees_the_memory(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct tcp_peer peer;
        peer_init(&peer, NULL);
        struct tcpip_endpoint *ep = peer_accepted(&peer);
        lend(ep, text, 700);
        lend(ep, text, 700);
        peer_discard(&peer);
        if (how == 0) {
            struct peer_segment reset = {.flags = RST | ACK, .seq = peer.seq, .ack = peer.ack};
            peer_send(&peer, &reset);
        } else if (how == 1) {
            assert_int_equal(tcpip_endpoint_connect(ep, &(struct tcpip_full_address){0}), TCPIP_OK);
        } else {
            assert_int_equal(tcpip_endpoint_set_option(ep, TCPIP_OPTION_USER_TIMEOUT, TCPIP_SECOND), TCPIP_OK);
            peer_run(&peer, 60 * TCPIP_SECOND);
        }
        peer_discard(&peer);
        settle(&peer);
        expect_free(ep, 0, 1, false);
        expect_none(ep);
        tcpip_endpoint_close(ep);
        peer_fini(&peer);
    }
}

/* The window is shut; the application closes, and its memory is gone. */
static void after_close_the_bytes_are_the_librarys(void **state)
{
    struct tcp_peer peer;
    (void)state;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    acknowledge(&peer, 0, 0);
    uint8_t *memory = malloc(2000);
    assert_non_null(memory);
    for (size_t i = 0; i < 2000; i++)
        memory[i] = (uint8_t)(i * 7);
    lend(ep, memory, 2000);
    peer_discard(&peer);
    tcpip_endpoint_close(ep);
    memset(memory, 0xee, 2000);
    free(memory);
    acknowledge(&peer, 0, 10000);
    uint32_t got = 0;
    while (peer_take(&peer)) {
        for (uint32_t i = 0; i < peer.seen.bytes; i++)
            assert_int_equal(payload(&peer)[i], (uint8_t)((got + i) * 7));
        got += peer.seen.bytes;
    }
    assert_int_equal(got, 2000);
    peer_fini(&peer);
}

static void without_memory_to_copy_close_is_a_reset(void **state)
{
    struct tcp_peer peer;
    (void)state;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    acknowledge(&peer, 0, 0);
    lend(ep, text, 2000);
    peer_discard(&peer);
    test_env_fail(&peer.world, 1, true);
    tcpip_endpoint_close(ep);
    test_env_fail(&peer.world, 0, false);
    peer_expect(&peer, RST | ACK);
    peer_expect_nothing(&peer);
    peer_fini(&peer);
}

static void so_many_calls_may_wait(void **state)
{
    struct tcp_peer peer;
    size_t done;
    (void)state;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    acknowledge(&peer, 0, 0);
    for (int i = 0; i < ZERO_COPY_CALLS_MAX; i++)
        lend(ep, text + i, 1);
    assert_int_equal(tcpip_endpoint_write(ep, text, 1, ZERO_COPY, NULL, &done), TCPIP_ERR_NO_BUFFER_SPACE);
    assert_int_equal(done, 0);
    assert_int_equal(tcpip_endpoint_write(ep, text, 1, 0, NULL, &done), TCPIP_OK); /* a copy always */
    acknowledge(&peer, 0, 20000);
    uint32_t heard = peer_hear(&peer);
    while (heard < ZERO_COPY_CALLS_MAX + 1) {
        acknowledge(&peer, 0, 20000);
        heard += peer_hear(&peer);
    }
    acknowledge(&peer, 0, 20000);
    settle(&peer);
    expect_free(ep, 0, ZERO_COPY_CALLS_MAX - 1, false);
    lend(ep, text, 1);
    peer_hear(&peer);
    acknowledge(&peer, 0, 20000);
    settle(&peer);
    expect_free(ep, ZERO_COPY_CALLS_MAX, ZERO_COPY_CALLS_MAX, false);
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

/* A caller who waits until all is written makes one call of several writes; one who gives up, of those that were. */
static void a_call_in_pieces_is_one(void **state)
{
    struct tcp_peer peer;
    (void)state;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    assert_int_equal(tcpip_endpoint_set_option(ep, TCPIP_OPTION_SEND_BUFFER_SIZE, 4096), TCPIP_OK);
    acknowledge(&peer, 0, 60000);
    for (uint32_t round = 0; round < 2; round++) {
        size_t whole = 20000, at = 0;
        while (at < whole && (round == 0 || at < 10000)) {
            size_t done;
            enum tcpip_error error =
                tcpip_endpoint_write(ep, text + at, whole - at, ZERO_COPY | TCPIP_WRITE_WAITS, NULL, &done);
            assert_true(error == TCPIP_OK || error == TCPIP_ERR_WOULD_BLOCK);
            at += done;
            peer_hear(&peer);
            acknowledge(&peer, 0, 60000);
        }
        if (round == 1)
            tcpip__zero_copy_finish(ep);
        peer_hear(&peer);
        acknowledge(&peer, 0, 60000);
        settle(&peer);
        expect_free(ep, round, round, false);
        expect_none(ep);
    }
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

static void what_was_refused_has_no_number(void **state)
{
    struct tcp_peer peer;
    size_t done;
    (void)state;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    acknowledge(&peer, 0, 0);
    while (tcpip_endpoint_write(ep, text, sizeof(text), 0, NULL, &done) == TCPIP_OK)
        ;
    assert_int_equal(tcpip_endpoint_write(ep, text, 1, ZERO_COPY, NULL, &done), TCPIP_ERR_WOULD_BLOCK);
    struct peer_segment reset = {.flags = RST | ACK, .seq = peer.seq, .ack = peer.ack};
    peer_send(&peer, &reset);
    expect_none(ep);
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

/* Each allocation fails once: memory that was taken is told of, what wasn't isn't, and nothing leaks. */
static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    for (uint64_t k = 1; k < 40; k++) {
        struct tcp_peer peer;
        uint64_t calls = 0;
        peer_init(&peer, NULL);
        struct tcpip_endpoint *ep = peer_accepted(&peer);
        acknowledge(&peer, 0, 0);
        test_env_fail(&peer.world, k, false);
        for (int i = 0; i < 8; i++) {
            struct tcpip_io io[3] = {{text, 300}, {text + 300, 2000}, {text + 2300, 7}};
            size_t done;
            enum tcpip_error error = tcpip_endpoint_sendmsg(ep, io, 3, ZERO_COPY, NULL, NULL, &done);
            assert_true(error == TCPIP_OK || error == TCPIP_ERR_NO_BUFFER_SPACE);
            calls += error == TCPIP_OK;
        }
        test_env_fail(&peer.world, 0, false);
        peer_discard(&peer);
        struct peer_segment reset = {.flags = RST | ACK, .seq = peer.seq, .ack = peer.ack};
        peer_send(&peer, &reset);
        peer_discard(&peer);
        settle(&peer);
        if (calls > 0)
            expect_free(ep, 0, calls - 1, false);
        expect_none(ep);
        tcpip_endpoint_close(ep);
        peer_fini(&peer);
    }
}

/* ---- two hosts, and a path that loses, delays and doubles ---- */

struct exchange {
    struct tcpip_endpoint *from, *to;
    uint8_t *blocks[64];
    size_t sizes[64];
    uint64_t begun, free, read;
    bool corrupt;
};

static uint8_t exchange_byte(uint64_t at)
{
    return (uint8_t)(at * 131 + (at >> 8) * 31);
}

static bool exchange_step(void *ctx)
{
    struct exchange *x = ctx;
    uint8_t buffer[16384];
    struct tcpip_error_record record;
    size_t done;
    static uint64_t written;
    if (x->begun == 0)
        written = 0;
    while (tcpip_endpoint_read_error(x->from, &record, NULL, 0) == TCPIP_OK) {
        assert_int_equal(record.origin, TCPIP_ERROR_FROM_COPY);
        assert_false(record.copied);
        assert_int_equal(record.first, x->free);
        for (uint64_t id = record.first; id <= record.last; id++) { /* his again: he writes over it, and frees it */
            memset(x->blocks[id], 0xee, x->sizes[id]);
            free(x->blocks[id]);
            x->blocks[id] = NULL;
        }
        x->free = record.last + 1;
    }
    while (x->begun < 64) {
        size_t size = 1 + (x->begun * 7919) % 30000;
        uint8_t *block = malloc(size);
        assert_non_null(block);
        for (size_t i = 0; i < size; i++)
            block[i] = exchange_byte(written + i);
        if (tcpip_endpoint_write(x->from, block, size, ZERO_COPY, NULL, &done) != TCPIP_OK) {
            free(block);
            break;
        }
        x->blocks[x->begun] = block;
        x->sizes[x->begun++] = size;
        written += done;
    }
    while (tcpip_endpoint_read(x->to, buffer, sizeof(buffer), &done, NULL) == TCPIP_OK) {
        for (size_t i = 0; i < done; i++)
            x->corrupt = x->corrupt || buffer[i] != exchange_byte(x->read + i);
        x->read += done;
    }
    return x->begun == 64 && x->free == 64 && x->read == written;
}

static void memory_that_is_told_free_is_never_read_again(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct pair pair;
        struct exchange x = {0};
        struct tcpip_fault_profile path = {.loss_ppm = 30000, .duplicate_ppm = 20000, .reorder_ppm = 50000};
        path.delay_ns = 5 * TCPIP_MS;
        path.reorder_ns = 30 * TCPIP_MS;
        struct pair_options options = {.a_to_b = path, .b_to_a = path, .seed = seed};
        if (seed % 3 == 0)
            options.queue_packets = 4; /* packets wait above the link */
        pair_init(&pair, &options);
        pair_connect(&pair, seed % 2 == 0, &x.from, &x.to);
        assert_true(pair_run_until(&pair, 300 * TCPIP_SECOND, exchange_step, &x));
        assert_false(x.corrupt);
        tcpip_endpoint_close(x.from);
        tcpip_endpoint_close(x.to);
        pair_fini(&pair);
    }
}

/* Calls are told in order, so what fails behind a call that is still out waits for it; and if that is never told? */
static void what_failed_behind_what_is_out_ends_with_the_connection(void **state)
{
    (void)state;
    for (uint64_t k = 1; k <= 4; k++) {
        struct tcp_peer peer;
        size_t done;
        peer_init(&peer, NULL);
        struct tcpip_endpoint *ep = peer_accepted(&peer);
        lend(ep, text, 500);
        test_env_fail(&peer.world, k, true);
        (void)!tcpip_endpoint_write(ep, text + 500, 500, ZERO_COPY, NULL, &done);
        test_env_fail(&peer.world, 0, false);
        peer_discard(&peer);
        tcpip_endpoint_close(ep);
        peer_fini(&peer); /* compares what was given and taken */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_there_is_what_goes_and_goes_again),
        cmocka_unit_test(an_ack_isnt_enough_while_a_link_holds_a_packet),
        cmocka_unit_test(calls_are_told_in_order_and_as_one),
        cmocka_unit_test(a_partly_acknowledged_call_isnt_told),
        cmocka_unit_test(whatever_ends_the_connection_frees_the_memory),
        cmocka_unit_test(after_close_the_bytes_are_the_librarys),
        cmocka_unit_test(without_memory_to_copy_close_is_a_reset),
        cmocka_unit_test(so_many_calls_may_wait),
        cmocka_unit_test(a_call_in_pieces_is_one),
        cmocka_unit_test(what_was_refused_has_no_number),
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(memory_that_is_told_free_is_never_read_again),
        cmocka_unit_test(what_failed_behind_what_is_out_ends_with_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
