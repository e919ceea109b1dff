// SPDX-License-Identifier: MIT
/* unix_message_test.c: data, what travels beside them, and memory. */
#include "unix_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct unix_world *world = malloc(sizeof(*world));
    unix_world_init(world, NULL);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct unix_world *world = *state;
    unix_world_fini(world);
    free(world);
    return 0;
}

/* ---- streams ---- */

static void small_writes_share_buffers(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ends[2];
    int64_t charge;
    world_pair(world, TCPIP_UNIX_STREAM, ends);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(world_send(ends[0], "ab"), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_get_option(ends[0], TCPIP_OPTION_SEND_QUEUE_SIZE, &charge), TCPIP_OK);
    assert_true(charge < 2000 * 4);
    char got[2001];
    size_t done;
    assert_int_equal(tcpip_endpoint_read(ends[1], got, 3, &done, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_read(ends[1], got, sizeof(got), &done, NULL), TCPIP_OK);
    assert_int_equal(done, 1997);
    assert_int_equal(got[0], 'b');
}

static void a_stream_of_any_pieces_arrives_as_it_was(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ends[2];
    uint8_t *out = malloc(100000), *in = malloc(100000);
    uint64_t written = 0, read = 0;
    size_t done;
    world_pair(world, TCPIP_UNIX_STREAM, ends);
    for (int round = 0; round < 4000; round++) {
        uint64_t r = test_env_random(&world->env);
        size_t size = (r >> 8) % ((r & 7) == 0 ? 100000 : (r & 7) < 3 ? 5000 : 60);
        if ((r >> 4 & 1) == 0) {
            for (size_t i = 0; i < size; i++)
                out[i] = (uint8_t)((written + i) * 7 + (written + i) / 253);
            size_t first = size / 3;
            struct tcpip_io io[3] = {{out, first}, {NULL, 0}, {out + first, size - first}};
            enum tcpip_error error = tcpip_endpoint_sendmsg(ends[0], io, 3, 0, NULL, NULL, &done);
            assert_true(error == TCPIP_OK || error == TCPIP_ERR_WOULD_BLOCK);
            written += done;
            continue;
        }
        if ((r >> 5 & 3) == 0) {
            struct tcpip_view views[4];
            size_t count = 1 + r % 4;
            if (tcpip_endpoint_read_views(ends[1], views, &count, size, &done, NULL) == TCPIP_OK)
                for (size_t v = 0; v < count; v++) {
                    for (uint32_t i = 0; i < views[v].length; i++, read++)
                        assert_int_equal(tcpip_view_data(&views[v])[i], (uint8_t)(read * 7 + read / 253));
                    tcpip_buffer_unref(views[v].buffer);
                }
            continue;
        }
        if (tcpip_endpoint_read(ends[1], in, size, &done, NULL) == TCPIP_OK)
            for (size_t i = 0; i < done; i++, read++)
                assert_int_equal(in[i], (uint8_t)(read * 7 + read / 253));
    }
    int64_t unread;
    assert_int_equal(tcpip_endpoint_get_option(ends[1], TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &unread), TCPIP_OK);
    assert_int_equal(unread, written - read);
    assert_true(read > 1000000);
    free(out);
    free(in);
}

static bool first_pieces(void *ctx, const void *data, size_t size)
{
    strncat(ctx, data, size);
    return strlen(ctx) < 6;
}

static void peeking_consumes_nothing_and_begins_where_it_is_told(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ends[2];
    struct tcpip_unix_receive beside = {.size = sizeof(beside), .peek = true, .peek_offset = 4};
    char got[16] = "";
    size_t done;
    struct tcpip_io io = {(uint8_t *)got, 3};
    for (int i = 0; i < 2; i++) {
        world_pair(world, i == 0 ? TCPIP_UNIX_STREAM : TCPIP_UNIX_DATAGRAM, ends);
        memset(got, 0, sizeof(got));
        assert_int_equal(tcpip_endpoint_peek(ends[1], first_pieces, got, &done), TCPIP_ERR_WOULD_BLOCK);
        assert_int_equal(world_pass(world, ends[0], "abc", 1), TCPIP_OK);
        assert_int_equal(world_pass(world, ends[0], "defg", 1), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_peek(ends[1], first_pieces, got, &done), TCPIP_OK);
        assert_string_equal(got, i == 0 ? "abcdefg" : "abc");
        memset(got, 0, sizeof(got));
        assert_int_equal(tcpip_unix_recvmsg(ends[1], &io, 1, &beside, &done), TCPIP_OK);
        assert_string_equal(got, "efg");
        assert_int_equal(beside.references_lost, 1);
        beside.peek_offset = 7;
        assert_int_equal(tcpip_unix_recvmsg(ends[1], &io, 1, &beside, &done), TCPIP_ERR_WOULD_BLOCK);
        beside.peek_offset = 4;
        world_expect(ends[1], "abc");
        world_expect(ends[1], "defg");
    }
}

static void a_datagram_that_does_not_fit_is_cut_and_its_length_told(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ends[2];
    struct tcpip_control control;
    struct tcpip_unix_receive beside;
    char got[8];
    size_t done;
    struct tcpip_io io = {(uint8_t *)got, 2};
    world_pair(world, TCPIP_UNIX_SEQPACKET, ends);
    for (int i = 0; i < 3; i++)
        assert_int_equal(world_send(ends[0], "abcde"), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_recvmsg(ends[1], &io, 1, &done, NULL, &control), TCPIP_OK);
    assert_int_equal(done, 2);
    assert_int_equal(control.present, TCPIP_CONTROL_TRUNCATED);
    assert_int_equal(world_take(ends[1], 2, 0, false, &beside, got), 0);
    assert_int_equal(beside.message_bytes, 5);
    struct tcpip_view view;
    size_t count = 1;
    assert_int_equal(tcpip_endpoint_read_views(ends[1], &view, &count, 3, &done, NULL), TCPIP_OK);
    assert_int_equal(done, 3);
    tcpip_buffer_unref(view.buffer);
    assert_int_equal(world_read_error(ends[1]), TCPIP_ERR_WOULD_BLOCK); /* the rest is lost */
}

static void count_release(void *ctx, struct tcpip_buffer *buffer)
{
    (void)buffer;
    ++*(int *)ctx;
}

static void a_view_goes_through_without_a_copy(void **state)
{
    struct unix_world *world = *state;
    static uint8_t bytes[3000] = "here and there";
    static const enum tcpip_unix_type types[] = {TCPIP_UNIX_STREAM, TCPIP_UNIX_DATAGRAM, TCPIP_UNIX_SEQPACKET};
    for (int i = 0; i < 3; i++) {
        struct tcpip_endpoint *ends[2];
        struct tcpip_view out;
        size_t count = 1, done;
        int released = 0;
        world_pair(world, types[i], ends);
        struct tcpip_buffer *buffer = tcpip_buffer_wrap(world->stack, bytes, sizeof(bytes), count_release, &released);
        struct tcpip_view view = {buffer, 9, 5};
        assert_int_equal(tcpip_endpoint_write_view(ends[0], &view, 0, NULL), TCPIP_OK);
        assert_int_equal(world_send(ends[0], "!"), TCPIP_OK); /* goes behind it, not into the caller's memory */
        assert_int_equal(bytes[14], 0);
        tcpip_buffer_unref(buffer);
        assert_int_equal(tcpip_endpoint_read_views(ends[1], &out, &count, 100, &done, NULL), TCPIP_OK);
        assert_int_equal(done, 5);
        assert_ptr_equal(tcpip_view_data(&out), bytes + 9);
        tcpip_endpoint_close(ends[1]);
        assert_int_equal(released, 0);
        tcpip_buffer_unref(out.buffer);
        assert_int_equal(released, 1);
        assert_int_equal(world_send(ends[0], "?"),
                         i == 1 ? TCPIP_ERR_CONNECTION_REFUSED
                                : (i == 2 ? TCPIP_ERR_CONNECTION_RESET : TCPIP_ERR_CLOSED_FOR_SEND));
    }
}

/* ---- references ---- */

static void references_arrive_with_the_first_byte_and_end_a_read(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ends[2];
    struct tcpip_unix_receive beside;
    char got[16];
    world_pair(world, TCPIP_UNIX_STREAM, ends);
    assert_int_equal(world_send(ends[0], "ab"), TCPIP_OK);
    assert_int_equal(world_pass(world, ends[0], "cd", 3), TCPIP_OK);
    assert_int_equal(world_send(ends[0], "ef"), TCPIP_OK);
    assert_int_equal(world->references, 3);
    assert_int_equal(world_take(ends[1], 10, 10, true, &beside, got), 3); /* clones, given back */
    assert_string_equal(got, "abcd");
    assert_int_equal(world->references, 3);
    assert_int_equal(world_take(ends[1], 3, 10, false, &beside, got), 3);
    assert_string_equal(got, "abc");
    assert_int_equal(world->references, 0);
    assert_int_equal(world_take(ends[1], 10, 10, false, &beside, got), 0);
    assert_string_equal(got, "def");
}

static void references_without_room_are_released_and_told(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ends[2];
    struct tcpip_unix_receive beside;
    char got[16];
    for (int i = 0; i < 2; i++) {
        world_pair(world, i == 0 ? TCPIP_UNIX_STREAM : TCPIP_UNIX_DATAGRAM, ends);
        assert_int_equal(world_pass(world, ends[0], "x", 5), TCPIP_OK);
        assert_int_equal(world_take(ends[1], 1, 2, true, &beside, got), 2);
        assert_int_equal(beside.references_lost, 3); /* nothing is lost of what a peek doesn't clone */
        assert_int_equal(world->references, 5);
        assert_int_equal(world_take(ends[1], 1, 2, false, &beside, got), 2);
        assert_int_equal(beside.references_lost, 3);
        assert_int_equal(world->references, 0);
        assert_int_equal(world_pass(world, ends[0], "x", 5), TCPIP_OK);
        world_expect(ends[1], "x"); /* a call that knows nothing of them */
        assert_int_equal(world->references, 0);
    }
}

static void references_stay_the_senders_on_error_and_die_with_the_message(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ends[2], *server, *client, *accepted;
    world_pair(world, TCPIP_UNIX_STREAM, ends);
    assert_int_equal(world_pass(world, ends[0], "x", 254), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(world_pass(world, ends[0], "x", 253), TCPIP_OK);
    assert_int_equal(world_pass(world, ends[0], "", 2), TCPIP_OK); /* no byte to go with */
    assert_int_equal(world->references, 253);
    tcpip_endpoint_close(ends[1]); /* of the receiver */
    assert_int_equal(world->references, 0);
    assert_int_equal(world_pass(world, ends[0], "x", 2), TCPIP_ERR_CLOSED_FOR_SEND);

    server = world_listener(world, TCPIP_UNIX_SEQPACKET, "@s", 5); /* of a connection nobody accepted */
    client = world_new(world, TCPIP_UNIX_SEQPACKET);
    assert_int_equal(world_connect(client, "@s"), TCPIP_OK);
    assert_int_equal(world_pass(world, client, "x", 2), TCPIP_OK);
    tcpip_endpoint_close(server);
    assert_int_equal(world->references, 0);

    server = world_listener(world, TCPIP_UNIX_SEQPACKET, "@s", 5); /* not of the sender */
    tcpip_endpoint_close(client);
    client = world_new(world, TCPIP_UNIX_SEQPACKET);
    assert_int_equal(world_connect(client, "@s"), TCPIP_OK);
    assert_int_equal(world_pass(world, client, "x", 2), TCPIP_OK);
    tcpip_endpoint_close(client);
    assert_int_equal(world->references, 2);
    assert_int_equal(tcpip_endpoint_accept(server, &accepted, NULL), TCPIP_OK);
    /* The stack's end releases what is left: unix_world_fini looks. */
}

static void as_many_references_as_endpoints_may_be_under_way(void **state)
{
    struct unix_world world;
    struct tcpip_limits limits;
    struct tcpip_endpoint *ends[2];
    (void)state;
    tcpip_limits_tiny(&limits);
    limits.endpoints = 10;
    unix_world_init(&world, &limits);
    world_pair(&world, TCPIP_UNIX_STREAM, ends);
    assert_int_equal(world_pass(&world, ends[0], "x", 6), TCPIP_OK);
    assert_int_equal(world_pass(&world, ends[0], "x", 5), TCPIP_ERR_LIMIT_REACHED);
    assert_int_equal(world_pass(&world, ends[0], "x", 4), TCPIP_OK);
    world_expect(ends[1], "x");
    assert_int_equal(world_pass(&world, ends[0], "x", 6), TCPIP_OK);
    struct tcpip_stats stats;
    tcpip_stack_stats(world.stack, &stats);
    assert_int_equal(stats.local.references_sent, 16);
    assert_int_equal(stats.local.references_refused, 5);
    assert_int_equal(stats.local.references_released, 6);
    assert_int_equal(stats.local.messages_sent, 3);
    assert_int_equal(stats.local.bytes_sent, 3);
    unix_world_fini(&world);
}

/* An endpoint as what is passed: its last reference closes it. */
static void *keep_endpoint(void *object)
{
    (void)object;
    return NULL; /* there can be no second */
}

static void close_endpoint(void *object)
{
    tcpip_endpoint_close(object);
}

static const struct tcpip_unix_reference_ops endpoint_ops = {keep_endpoint, close_endpoint};

static void endpoints_inside_endpoints_end_one_after_the_other(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *outer[2], *inner[2], *probe = NULL;
    struct tcpip_unix_receive beside = {.size = sizeof(beside), .peek = true};
    struct tcpip_unix_reference reference, room[1];
    struct tcpip_io io = {(uint8_t *)(uintptr_t) "x", 1};
    size_t done;
    failing_own_end(); /* whoever frees the stack has closed the endpoints in its queues before */
    world_pair(world, TCPIP_UNIX_STREAM, outer);
    probe = outer[1];
    for (int depth = 0; depth < 300; depth++) { /* each in the queue of the next */
        world_pair(world, TCPIP_UNIX_STREAM, inner);
        reference = (struct tcpip_unix_reference){outer[0], &endpoint_ops};
        struct tcpip_unix_send send = {.size = sizeof(send), .references = &reference, .reference_count = 1};
        assert_int_equal(tcpip_unix_sendmsg(inner[1], &io, 1, &send, &done), TCPIP_OK);
        if (depth > 0)
            tcpip_endpoint_close(outer[1]);
        outer[0] = inner[0];
        outer[1] = inner[1];
    }
    char byte[1];
    struct tcpip_io in = {(uint8_t *)byte, 1};
    beside.references = room;
    beside.reference_room = 1;
    assert_int_equal(tcpip_unix_recvmsg(outer[0], &in, 1, &beside, &done), TCPIP_ERR_NO_MEMORY); /* no clone */
    assert_int_equal(world_read_error(probe), TCPIP_ERR_WOULD_BLOCK);
    tcpip_endpoint_close(outer[0]);
    while (tcpip_stack_advance(world->stack, 0)) { /* so many ends are more than one turn's work */
    }
    assert_int_equal(world_read_error(probe), TCPIP_ERR_CLOSED_FOR_RECEIVE);
}

/* ---- credentials ---- */

static enum tcpip_error send_as(struct tcpip_endpoint *ep, const char *text, uint32_t uid)
{
    struct tcpip_unix_credentials who = {1, uid, uid};
    struct tcpip_unix_send beside = {.size = sizeof(beside), .credentials = &who};
    struct tcpip_io io = {(uint8_t *)(uintptr_t)text, strlen(text)};
    size_t done;
    return tcpip_unix_sendmsg(ep, &io, 1, &beside, &done);
}

static void a_stream_does_not_mix_senders_for_who_asks(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ends[2];
    struct tcpip_unix_receive beside;
    char got[16];
    for (int passcred = 0; passcred < 2; passcred++) {
        world_pair(world, TCPIP_UNIX_STREAM, ends);
        assert_int_equal(send_as(ends[0], "ab", 1), TCPIP_OK);
        assert_int_equal(send_as(ends[0], "cd", 1), TCPIP_OK);
        assert_int_equal(send_as(ends[0], "ef", 2), TCPIP_OK);
        assert_int_equal(world_send(ends[0], "gh"), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_set_option(ends[1], TCPIP_OPTION_PASSCRED, passcred), TCPIP_OK);
        (void)world_take(ends[1], 10, 0, true, &beside, got);
        assert_string_equal(got, passcred ? "abcd" : "abcdefgh");
        (void)world_take(ends[1], 10, 0, false, &beside, got);
        assert_string_equal(got, passcred ? "abcd" : "abcdefgh");
        assert_int_equal(beside.has_credentials, passcred);
        if (!passcred)
            continue;
        assert_int_equal(beside.credentials.uid, 1);
        (void)world_take(ends[1], 10, 0, false, &beside, got);
        assert_string_equal(got, "ef");
        assert_int_equal(beside.credentials.uid, 2);
        (void)world_take(ends[1], 10, 0, false, &beside, got);
        assert_string_equal(got, "gh");
        assert_int_equal(beside.credentials.uid, TCPIP_UNIX_UID_UNKNOWN); /* nobody asked when it was sent */
    }
}

static void who_was_not_accepted_yet_may_still_ask_who_wrote(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_unix_credentials self = {5, 50, 500};
    struct tcpip_endpoint *server = world_listener(world, TCPIP_UNIX_STREAM, "@s", 1), *accepted;
    struct tcpip_endpoint *client = world_new(world, TCPIP_UNIX_STREAM);
    struct tcpip_unix_receive beside;
    char got[16];
    assert_int_equal(tcpip_unix_set_credentials(client, &self), TCPIP_OK);
    assert_int_equal(world_connect(client, "@s"), TCPIP_OK);
    assert_int_equal(world_send(client, "early"), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_accept(server, &accepted, NULL), TCPIP_OK);
    assert_int_equal(world_send(client, "late"), TCPIP_OK); /* now it would have said so */
    assert_int_equal(tcpip_endpoint_set_option(accepted, TCPIP_OPTION_PASSCRED, 1), TCPIP_OK);
    (void)world_take(accepted, 10, 0, false, &beside, got);
    assert_string_equal(got, "early");
    assert_memory_equal(&beside.credentials, &self, sizeof(self));
    (void)world_take(accepted, 10, 0, false, &beside, got);
    assert_string_equal(got, "late");
    assert_int_equal(beside.credentials.uid, TCPIP_UNIX_UID_UNKNOWN);
}

static void peers_know_each_other_as_they_met(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_unix_credentials server_then = {1, 10, 100}, server_now = {2, 20, 200}, client_then = {3, 30, 300};
    struct tcpip_endpoint *server = world_new(world, TCPIP_UNIX_STREAM), *client = world_new(world, TCPIP_UNIX_STREAM);
    struct tcpip_endpoint *accepted, *ends[2];
    struct tcpip_unix_credentials shown;
    assert_int_equal(tcpip_unix_peer_credentials(client, &shown), TCPIP_OK);
    assert_int_equal(shown.uid, TCPIP_UNIX_PEER_UNKNOWN);
    assert_int_equal(world_bind(server, "@s"), TCPIP_OK);
    assert_int_equal(tcpip_unix_set_credentials(server, &server_then), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(server, 1), TCPIP_OK);
    assert_int_equal(tcpip_unix_set_credentials(server, &server_now), TCPIP_OK);
    assert_int_equal(tcpip_unix_set_credentials(client, &client_then), TCPIP_OK);
    assert_int_equal(world_connect(client, "@s"), TCPIP_OK);
    assert_int_equal(tcpip_unix_set_credentials(client, &server_now), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_accept(server, &accepted, NULL), TCPIP_OK);
    assert_int_equal(tcpip_unix_peer_credentials(client, &shown), TCPIP_OK);
    assert_memory_equal(&shown, &server_then, sizeof(shown));
    assert_int_equal(tcpip_unix_peer_credentials(accepted, &shown), TCPIP_OK);
    assert_memory_equal(&shown, &client_then, sizeof(shown));
    assert_int_equal(tcpip_unix_pair(world->stack, TCPIP_UNIX_DATAGRAM, &server_now, &ends[0], &ends[1]), TCPIP_OK);
    assert_int_equal(tcpip_unix_peer_credentials(ends[0], &shown), TCPIP_OK);
    assert_memory_equal(&shown, &server_now, sizeof(shown));
}

/* ---- memory ---- */

/* Some of everything; whatever fails, fails cleanly. */
static void live(struct unix_world *world)
{
    struct tcpip_endpoint *server, *client, *accepted = NULL, *ends[2];
    static uint8_t block[70000];
    size_t done;
    enum tcpip_error ignored = TCPIP_OK;
    if (tcpip_unix_new(world->stack, TCPIP_UNIX_SEQPACKET, &server) != TCPIP_OK)
        return;
    if (world_bind(server, "path") == TCPIP_OK && tcpip_endpoint_listen(server, 2) == TCPIP_OK &&
        tcpip_unix_new(world->stack, TCPIP_UNIX_SEQPACKET, &client) == TCPIP_OK) {
        if (world_connect(client, "path") == TCPIP_OK) {
            ignored = tcpip_endpoint_set_option(client, TCPIP_OPTION_LINGER, 1);
            ignored = world_pass(world, client, "x", 9);
            ignored = tcpip_endpoint_write(client, block, sizeof(block), 0, NULL, &done);
            ignored = tcpip_endpoint_accept(server, &accepted, NULL);
            ignored = world_read_error(accepted);
        }
        tcpip_endpoint_close(client);
    }
    if (tcpip_unix_pair(world->stack, TCPIP_UNIX_STREAM, NULL, &ends[0], &ends[1]) == TCPIP_OK) {
        size_t sent = 0;
        ignored = world_pass(world, ends[0], "abc", 3);
        if (tcpip_endpoint_write(ends[0], block, sizeof(block), 0, NULL, &done) == TCPIP_OK)
            sent = done;
        int64_t unread;
        assert_int_equal(tcpip_endpoint_get_option(ends[1], TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &unread), TCPIP_OK);
        assert_true((size_t)unread == sent || (size_t)unread == sent + 3);
        ignored = tcpip_unix_bind(ends[0], world_name(""), NULL, NULL);
    }
    tcpip_endpoint_close(server);
    (void)ignored;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (uint64_t k = 1;; k++) {
        struct unix_world world;
        unix_world_init(&world, NULL);
        test_env_fail(&world.env, k, k % 2 == 0);
        live(&world);
        bool failed = world.env.failed > 0;
        test_env_fail(&world.env, 0, false);
        unix_world_fini(&world);
        if (!failed) {
            assert_true(k > 8);
            return;
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(small_writes_share_buffers),
        TEST(a_stream_of_any_pieces_arrives_as_it_was),
        TEST(peeking_consumes_nothing_and_begins_where_it_is_told),
        TEST(a_datagram_that_does_not_fit_is_cut_and_its_length_told),
        TEST(a_view_goes_through_without_a_copy),
        TEST(references_arrive_with_the_first_byte_and_end_a_read),
        TEST(references_without_room_are_released_and_told),
        TEST(references_stay_the_senders_on_error_and_die_with_the_message),
        TEST(as_many_references_as_endpoints_may_be_under_way),
        TEST(endpoints_inside_endpoints_end_one_after_the_other),
        TEST(a_stream_does_not_mix_senders_for_who_asks),
        TEST(who_was_not_accepted_yet_may_still_ask_who_wrote),
        TEST(peers_know_each_other_as_they_met),
        TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
