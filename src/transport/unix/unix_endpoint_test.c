// SPDX-License-Identifier: MIT
/* unix_endpoint_test.c: names, connections, ends, and who hears of what. What Linux answers to any sequence of calls is
 * compared in tests/parity_unix; here is what that can't see: waiters, full queues, limits, the rest of the interface.
 */
#include "unix_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const enum tcpip_unix_type every_type[] = {TCPIP_UNIX_STREAM, TCPIP_UNIX_DATAGRAM, TCPIP_UNIX_SEQPACKET};

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

/* ---- names ---- */

static void the_stack_must_have_been_given_the_protocol(void **state)
{
    struct test_env env;
    struct tcpip_stack *stack;
    struct tcpip_endpoint *ep, *other;
    (void)state;
    test_env_init(&env, 1);
    assert_int_equal(tcpip_stack_new(&env.env, NULL, NULL, &stack), TCPIP_OK);
    assert_int_equal(tcpip_unix_new(stack, TCPIP_UNIX_STREAM, &ep), TCPIP_ERR_UNKNOWN_PROTOCOL);
    assert_int_equal(tcpip_unix_pair(stack, TCPIP_UNIX_STREAM, NULL, &ep, &other), TCPIP_ERR_UNKNOWN_PROTOCOL);
    assert_int_equal(tcpip_unix_unlink(stack, world_name("x")), TCPIP_ERR_UNKNOWN_PROTOCOL);
    tcpip_stack_free(stack);
    test_env_fini(&env);
}

static void it_is_no_protocol_of_ip(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ep;
    assert_int_equal(tcpip_stack_new_endpoint(world->stack, TCPIP_PROTOCOL_UNIX, TCPIP_PROTOCOL_IPV4, &ep),
                     TCPIP_ERR_UNKNOWN_PROTOCOL);
}

static void a_path_outlives_its_owner_until_it_is_unlinked(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *server = world_listener(world, TCPIP_UNIX_STREAM, "/run/s", 1);
    struct tcpip_endpoint *client = world_new(world, TCPIP_UNIX_STREAM);
    assert_int_equal(world_connect(client, "/run/t"), TCPIP_ERR_NAME_NOT_FOUND);
    tcpip_endpoint_close(server);
    assert_int_equal(world_connect(client, "/run/s"), TCPIP_ERR_CONNECTION_REFUSED);
    assert_int_equal(world_bind(client, "/run/s"), TCPIP_ERR_PORT_IN_USE);
    assert_int_equal(tcpip_unix_unlink(world->stack, world_name("/run/s")), TCPIP_OK);
    assert_int_equal(tcpip_unix_unlink(world->stack, world_name("/run/s")), TCPIP_ERR_NAME_NOT_FOUND);
    assert_int_equal(world_connect(client, "/run/s"), TCPIP_ERR_NAME_NOT_FOUND);
    assert_int_equal(world_bind(client, "/run/s"), TCPIP_OK);
    assert_int_equal(tcpip_unix_unlink(world->stack, world_name("@s")), TCPIP_ERR_INVALID_ARGUMENT);
}

static void an_unlinked_path_stays_its_owners_name_and_may_be_anothers(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *first = world_listener(world, TCPIP_UNIX_STREAM, "p", 1);
    struct tcpip_unix_address shown;
    assert_int_equal(tcpip_unix_unlink(world->stack, world_name("p")), TCPIP_OK);
    struct tcpip_endpoint *second = world_listener(world, TCPIP_UNIX_STREAM, "p", 1);
    struct tcpip_endpoint *client = world_new(world, TCPIP_UNIX_STREAM), *accepted;
    tcpip_endpoint_close(first); /* takes its name along, and not the other's */
    assert_int_equal(world_connect(client, "p"), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_accept(second, &accepted, NULL), TCPIP_OK);
    assert_int_equal(tcpip_unix_local_address(accepted, &shown), TCPIP_OK);
    assert_int_equal(shown.size, 1);
    tcpip_endpoint_close(second);
    assert_int_equal(tcpip_unix_remote_address(client, &shown), TCPIP_OK);
    assert_memory_equal(shown.bytes, "p", 1);
}

static void a_path_ends_before_its_first_zero_and_an_abstract_name_does_not(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_unix_address name = {5, "a\0bc"}, shown;
    struct tcpip_endpoint *path = world_new(world, TCPIP_UNIX_DATAGRAM);
    assert_int_equal(tcpip_unix_bind(path, &name, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_unix_local_address(path, &shown), TCPIP_OK);
    assert_int_equal(shown.size, 1);
    name = (struct tcpip_unix_address){5, "\0a\0b"};
    struct tcpip_endpoint *abstract = world_new(world, TCPIP_UNIX_DATAGRAM);
    assert_int_equal(tcpip_unix_bind(abstract, &name, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_unix_local_address(abstract, &shown), TCPIP_OK);
    assert_int_equal(shown.size, 5);
    assert_int_equal(world_send_to(path, "x", "@a"), TCPIP_ERR_CONNECTION_REFUSED);
}

static void a_name_may_be_as_long_as_there_is_room_and_no_longer(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ep = world_new(world, TCPIP_UNIX_STREAM);
    struct tcpip_unix_address name = {TCPIP_UNIX_NAME_MAX + 1, {0}};
    memset(name.bytes, 'x', sizeof(name.bytes));
    assert_int_equal(tcpip_unix_bind(ep, &name, NULL, NULL), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(tcpip_unix_connect(ep, &name), TCPIP_ERR_INVALID_ARGUMENT);
    name.size = TCPIP_UNIX_NAME_MAX;
    assert_int_equal(tcpip_unix_bind(ep, &name, NULL, NULL), TCPIP_OK);
    assert_int_equal(world_connect(ep, ""), TCPIP_ERR_INVALID_ARGUMENT);
}

static void names_that_are_chosen_are_counted(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_unix_address shown;
    struct tcpip_endpoint *taken = world_new(world, TCPIP_UNIX_STREAM);
    assert_int_equal(world_bind(taken, "@00001"), TCPIP_OK);
    static const char *const expected[] = {"00000", "00002", "00003"};
    for (int i = 0; i < 3; i++) {
        struct tcpip_endpoint *ep = world_new(world, TCPIP_UNIX_STREAM);
        assert_int_equal(i == 1 ? tcpip_endpoint_bind(ep, &(struct tcpip_full_address){0}, NULL, NULL)
                                : world_bind(ep, ""),
                         TCPIP_OK);
        assert_int_equal(tcpip_unix_local_address(ep, &shown), TCPIP_OK);
        assert_int_equal(shown.size, 6);
        assert_memory_equal(shown.bytes + 1, expected[i], 5);
        assert_int_equal(world_bind(ep, ""), TCPIP_OK); /* it has one */
        assert_int_equal(world_bind(ep, "@other"), TCPIP_ERR_INVALID_ENDPOINT_STATE);
    }
}

static enum tcpip_error refuse(void *ctx)
{
    ++*(int *)ctx;
    return TCPIP_ERR_NOT_PERMITTED;
}

static void a_bind_that_the_caller_refuses_has_not_happened(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ep = world_new(world, TCPIP_UNIX_DATAGRAM), *other = world_new(world, TCPIP_UNIX_DATAGRAM);
    struct tcpip_unix_address shown;
    int asked = 0;
    assert_int_equal(tcpip_unix_bind(ep, world_name("n"), refuse, &asked), TCPIP_ERR_NOT_PERMITTED);
    assert_int_equal(asked, 1);
    assert_int_equal(world_send_to(other, "x", "n"), TCPIP_ERR_NAME_NOT_FOUND);
    assert_int_equal(tcpip_unix_local_address(ep, &shown), TCPIP_OK);
    assert_int_equal(shown.size, 0);
    assert_int_equal(world_bind(ep, "n"), TCPIP_OK);
    assert_int_equal(tcpip_unix_bind(other, world_name("n"), refuse, &asked), TCPIP_ERR_PORT_IN_USE);
    assert_int_equal(asked, 1);
}

static void there_are_as_many_names_as_there_may_be_endpoints(void **state)
{
    struct unix_world world;
    struct tcpip_limits limits;
    char path[8] = "p0";
    (void)state;
    tcpip_limits_tiny(&limits);
    limits.endpoints = 4;
    unix_world_init(&world, &limits);
    for (int i = 0; i < 4; i++, path[1]++) { /* left behind, each */
        struct tcpip_endpoint *ep = world_new(&world, TCPIP_UNIX_STREAM);
        assert_int_equal(world_bind(ep, path), TCPIP_OK);
        tcpip_endpoint_close(ep);
    }
    struct tcpip_endpoint *ep = world_new(&world, TCPIP_UNIX_STREAM);
    assert_int_equal(world_bind(ep, "@x"), TCPIP_ERR_LIMIT_REACHED);
    struct tcpip_stats stats;
    tcpip_stack_stats(world.stack, &stats);
    assert_int_equal(stats.local.names_refused, 1);
    assert_int_equal(tcpip_unix_unlink(world.stack, world_name("p2")), TCPIP_OK);
    assert_int_equal(world_bind(ep, "@x"), TCPIP_OK);
    unix_world_fini(&world);
}

/* ---- connections ---- */

static void a_connection_takes_data_before_it_is_accepted(void **state)
{
    struct unix_world *world = *state;
    for (int i = 0; i < 3; i += 2) {
        struct tcpip_endpoint *server = world_listener(world, every_type[i], "@s", 0), *accepted;
        struct tcpip_endpoint *client = world_new(world, every_type[i]);
        struct tcpip_full_address peer;
        static struct world_waiter hears;
        world_wait(server, &hears, TCPIP_EVENT_IN);
        assert_int_equal(world_connect(client, "@s"), TCPIP_OK);
        assert_int_equal(hears.heard, 1);
        assert_int_equal(tcpip_endpoint_readiness(server, TCPIP_EVENT_IN | TCPIP_EVENT_OUT), TCPIP_EVENT_IN);
        assert_int_equal(world_send(client, "early"), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_accept(server, &accepted, &peer), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_accept(server, &client, NULL), TCPIP_ERR_WOULD_BLOCK);
        assert_int_equal(tcpip_endpoint_readiness(accepted, TCPIP_EVENT_IN), TCPIP_EVENT_IN);
        world_expect(accepted, "early");
        assert_int_equal(tcpip_endpoint_remote_address(accepted, &peer), TCPIP_OK);
        tcpip_endpoint_close(server);
    }
}

static void a_full_backlog_refuses_and_its_end_is_heard_of(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *server = world_listener(world, TCPIP_UNIX_STREAM, "@s", 1), *client[5], *accepted;
    static struct world_waiter hears[5];
    for (int i = 0; i < 5; i++) {
        client[i] = world_new(world, TCPIP_UNIX_STREAM);
        world_wait(client[i], &hears[i], TCPIP_EVENT_OUT);
        /* A backlog of one takes two. */
        assert_int_equal(world_connect(client[i], "@s"), i < 2 ? TCPIP_OK : TCPIP_ERR_WOULD_BLOCK);
        hears[i].heard = 0;
    }
    assert_int_equal(tcpip_endpoint_accept(server, &accepted, NULL), TCPIP_OK);
    for (int i = 2; i < 5; i++)
        assert_int_equal(hears[i].heard, 1);
    assert_int_equal(world_connect(client[3], "@s"), TCPIP_OK);
    assert_int_equal(world_connect(client[2], "@s"), TCPIP_ERR_WOULD_BLOCK);
    assert_int_equal(world_connect(client[4], "@s"), TCPIP_ERR_WOULD_BLOCK);
    assert_int_equal(tcpip_endpoint_listen(server, 2), TCPIP_OK); /* room, too */
    assert_int_equal(hears[2].heard, 2);
    assert_int_equal(world_connect(client[2], "@s"), TCPIP_OK);
    assert_int_equal(world_connect(client[4], "@s"), TCPIP_ERR_WOULD_BLOCK);
    struct tcpip_stats stats;
    tcpip_stack_stats(world->stack, &stats);
    assert_int_equal(stats.local.connections, 4);
    assert_int_equal(stats.local.backlog_full, 6);
    hears[4].heard = 0;
    tcpip_endpoint_close(server);
    assert_int_equal(hears[4].heard, 1);
    assert_int_equal(world_connect(client[4], "@s"), TCPIP_ERR_CONNECTION_REFUSED);
    assert_int_equal(world_read_error(client[2]), TCPIP_ERR_CONNECTION_RESET); /* never accepted */
    assert_int_equal(world_read_error(client[2]), TCPIP_ERR_CLOSED_FOR_RECEIVE);
    tcpip_endpoint_close(accepted);
    assert_int_equal(world_read_error(client[0]), TCPIP_ERR_CLOSED_FOR_RECEIVE);
}

static void connect_endpoint_needs_no_name_of_a_datagram_server(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *server = world_listener(world, TCPIP_UNIX_SEQPACKET, "p", 4), *accepted;
    struct tcpip_endpoint *client = world_new(world, TCPIP_UNIX_SEQPACKET);
    struct tcpip_endpoint *a = world_new(world, TCPIP_UNIX_DATAGRAM), *b = world_new(world, TCPIP_UNIX_DATAGRAM);
    assert_int_equal(tcpip_endpoint_connect_endpoint(a, server), TCPIP_ERR_WRONG_TYPE);
    assert_int_equal(tcpip_endpoint_connect_endpoint(client, client), TCPIP_ERR_CONNECTION_REFUSED);
    assert_int_equal(tcpip_endpoint_connect_endpoint(client, server), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_connect_endpoint(client, server), TCPIP_ERR_ALREADY_CONNECTED);
    assert_int_equal(tcpip_endpoint_accept(server, &accepted, NULL), TCPIP_OK);
    assert_int_equal(world_send(accepted, "hello"), TCPIP_OK);
    world_expect(client, "hello");
    assert_int_equal(tcpip_endpoint_connect_endpoint(a, b), TCPIP_OK);
    assert_int_equal(world_send(a, "packet"), TCPIP_OK);
    world_expect(b, "packet");
    assert_int_equal(tcpip_endpoint_connect(a, &(struct tcpip_full_address){0}), TCPIP_OK);
    assert_int_equal(world_send(a, "packet"), TCPIP_ERR_NOT_CONNECTED);
}

static void addresses_of_ip_are_of_no_use(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_full_address ip = {.address = {{10, 0, 0, 1}, 4}, .port = 7};
    size_t done;
    for (int i = 0; i < 3; i++) {
        struct tcpip_endpoint *ep = world_new(world, every_type[i]);
        assert_int_equal(tcpip_endpoint_bind(ep, &ip, NULL, NULL), TCPIP_ERR_INVALID_ARGUMENT);
        assert_int_equal(tcpip_endpoint_connect(ep, &ip), TCPIP_ERR_INVALID_ARGUMENT);
        static const enum tcpip_error answers[] = {TCPIP_ERR_NOT_SUPPORTED, TCPIP_ERR_INVALID_ARGUMENT,
                                                   TCPIP_ERR_NOT_CONNECTED};
        assert_int_equal(tcpip_endpoint_write(ep, "x", 1, 0, &ip, &done), answers[i]);
        assert_int_equal(tcpip_endpoint_join_group(ep, 0, &ip.address), TCPIP_ERR_NOT_SUPPORTED);
    }
}

static void ends_are_heard_of(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ends[2];
    static struct world_waiter hears;
    world_pair(world, TCPIP_UNIX_STREAM, ends);
    world_wait(ends[1], &hears, TCPIP_EVENT_IN | TCPIP_EVENT_OUT | TCPIP_EVENT_RDHUP);
    assert_int_equal(tcpip_endpoint_shutdown(ends[0], 0), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(tcpip_endpoint_shutdown(ends[0], TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
    assert_int_equal(hears.events, TCPIP_EVENT_IN | TCPIP_EVENT_RDHUP);
    hears.events = 0;
    assert_int_equal(world_send(ends[1], "unread"), TCPIP_OK);
    tcpip_endpoint_close(ends[0]);
    assert_int_equal(hears.events,
                     TCPIP_EVENT_IN | TCPIP_EVENT_OUT | TCPIP_EVENT_RDHUP | TCPIP_EVENT_HUP | TCPIP_EVENT_ERR);
    int64_t error;
    assert_int_equal(tcpip_endpoint_get_option(ends[1], TCPIP_OPTION_ERROR, &error), TCPIP_OK);
    assert_int_equal(error, TCPIP_ERR_CONNECTION_RESET);
    assert_int_equal(world_read_error(ends[1]), TCPIP_ERR_CLOSED_FOR_RECEIVE);
}

/* ---- full queues ---- */

static void a_datagram_queue_takes_eleven_and_says_when_there_is_room(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *to = world_new(world, TCPIP_UNIX_DATAGRAM);
    struct tcpip_endpoint *named = world_new(world, TCPIP_UNIX_DATAGRAM);
    struct tcpip_endpoint *connected = world_new(world, TCPIP_UNIX_DATAGRAM);
    static struct world_waiter by_name, by_peer;
    assert_int_equal(world_bind(to, "@to"), TCPIP_OK);
    assert_int_equal(world_connect(connected, "@to"), TCPIP_OK);
    world_wait(named, &by_name, TCPIP_EVENT_OUT);
    world_wait(connected, &by_peer, TCPIP_EVENT_OUT);
    for (int i = 0; i < 11; i++)
        assert_int_equal(world_send_to(named, "x", "@to"), TCPIP_OK);
    assert_int_equal(world_send_to(named, "x", "@to"), TCPIP_ERR_WOULD_BLOCK);
    assert_int_equal(tcpip_endpoint_readiness(named, TCPIP_EVENT_OUT), TCPIP_EVENT_OUT); /* to somebody else */
    assert_int_equal(tcpip_endpoint_readiness(connected, TCPIP_EVENT_OUT), 0);
    assert_int_equal(by_name.heard + by_peer.heard, 0);
    world_expect(to, "x");
    assert_int_equal(by_name.heard, 1);
    assert_int_equal(by_peer.heard, 1); /* it never tried, but it may wait */
    assert_int_equal(tcpip_endpoint_readiness(connected, TCPIP_EVENT_OUT), TCPIP_EVENT_OUT);
    world_expect(to, "x");
    assert_int_equal(by_name.heard, 1); /* nobody was refused meanwhile */
    assert_int_equal(world_send(connected, "y"), TCPIP_OK);
    assert_int_equal(world_send(connected, "y"), TCPIP_OK);
    assert_int_equal(world_send(connected, "y"), TCPIP_ERR_WOULD_BLOCK);
    by_peer.heard = 0;
    struct tcpip_stats stats;
    tcpip_stack_stats(world->stack, &stats);
    assert_int_equal(stats.local.receiver_full, 2);
    tcpip_endpoint_close(to);
    assert_true(by_peer.heard > 0);
    assert_int_equal(world_send(connected, "y"), TCPIP_ERR_CONNECTION_REFUSED);
    assert_int_equal(world_send(connected, "y"), TCPIP_ERR_NOT_CONNECTED);
}

static void who_waits_for_two_hears_of_either(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *to[3], *from = world_new(world, TCPIP_UNIX_DATAGRAM);
    static const char *const names[] = {"@0", "@1", "@2"};
    static struct world_waiter hears;
    world_wait(from, &hears, TCPIP_EVENT_OUT);
    for (int i = 0; i < 3; i++) {
        to[i] = world_new(world, TCPIP_UNIX_DATAGRAM);
        assert_int_equal(world_bind(to[i], names[i]), TCPIP_OK);
    }
    for (int first = 0; first < 2; first++) {
        for (int i = 0; i < 3; i++)
            while (world_send_to(from, "x", names[i]) == TCPIP_OK) {
            }
        hears.heard = 0;
        world_expect(to[2 * first], "x");
        assert_int_equal(hears.heard, 1);
    }
    while (world_send_to(from, "x", names[2]) == TCPIP_OK) {
    }
    tcpip_endpoint_close(from); /* while it stands on a list */
    world_expect(to[2], "x");
}

static void a_full_send_buffer_has_room_again_at_a_quarter(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ends[2];
    uint8_t block[8192] = {0};
    static struct world_waiter hears;
    size_t done, sent = 0, read = 0;
    int64_t value;
    world_pair(world, TCPIP_UNIX_STREAM, ends);
    assert_int_equal(tcpip_endpoint_set_option(ends[0], TCPIP_OPTION_SEND_BUFFER_SIZE, 40000), TCPIP_OK);
    while (tcpip_endpoint_write(ends[0], block, sizeof(block), 0, NULL, &done) == TCPIP_OK)
        sent += done;
    assert_true(sent > 30000 && sent < 60000);
    struct tcpip_stats stats;
    tcpip_stack_stats(world->stack, &stats);
    assert_int_equal(stats.local.send_buffer_full, 1 + (sent % sizeof(block) != 0));
    assert_int_equal(stats.local.bytes_sent, sent);
    assert_int_equal(tcpip_endpoint_get_option(ends[0], TCPIP_OPTION_SEND_QUEUE_SIZE, &value), TCPIP_OK);
    assert_true(value >= 40000 && (size_t)value >= sent);
    assert_int_equal(tcpip_endpoint_get_option(ends[1], TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &value), TCPIP_OK);
    assert_int_equal(value, sent);
    world_wait(ends[0], &hears, TCPIP_EVENT_OUT);
    assert_int_equal(tcpip_endpoint_readiness(ends[0], TCPIP_EVENT_OUT), 0);
    while (hears.heard == 0) {
        assert_int_equal(tcpip_endpoint_read(ends[1], block, 1000, &done, NULL), TCPIP_OK);
        read += done;
    }
    assert_true(read > sent / 2);
    assert_int_equal(tcpip_endpoint_readiness(ends[0], TCPIP_EVENT_OUT), TCPIP_EVENT_OUT);
    while (tcpip_endpoint_read(ends[1], block, sizeof(block), &done, NULL) == TCPIP_OK)
        read += done;
    assert_int_equal(read, sent);
    assert_int_equal(hears.heard, 1);
    assert_int_equal(tcpip_endpoint_get_option(ends[0], TCPIP_OPTION_SEND_QUEUE_SIZE, &value), TCPIP_OK);
    assert_int_equal(value, 0);
}

static void a_message_that_never_fits_is_too_long(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ends[2];
    uint8_t *data = calloc(1, 400000), *got = calloc(1, 400000);
    size_t done;
    int64_t value;
    for (size_t i = 0; i < 400000; i++)
        data[i] = (uint8_t)(i * 31 + i / 1000);
    for (int i = 1; i < 3; i++) {
        world_pair(world, every_type[i], ends);
        assert_int_equal(tcpip_endpoint_get_option(ends[0], TCPIP_OPTION_SEND_BUFFER_SIZE, &value), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_write(ends[0], data, (size_t)value - 31, 0, NULL, &done),
                         TCPIP_ERR_MESSAGE_TOO_LONG);
        assert_int_equal(tcpip_endpoint_write(ends[0], data, (size_t)value - 32, 0, NULL, &done), TCPIP_OK);
        assert_int_equal(world_send(ends[0], "x"), TCPIP_ERR_WOULD_BLOCK);
        assert_int_equal(tcpip_endpoint_read(ends[1], got, 400000, &done, NULL), TCPIP_OK);
        assert_int_equal(done, value - 32);
        assert_memory_equal(got, data, done);
        tcpip_endpoint_close(ends[0]);
        tcpip_endpoint_close(ends[1]);
    }
    free(data);
    free(got);
}

/* ---- options ---- */

static void options_are_those_of_any_socket(void **state)
{
    struct unix_world *world = *state;
    struct tcpip_endpoint *ep = world_listener(world, TCPIP_UNIX_STREAM, "@o", 1);
    int64_t value;
    assert_int_equal(tcpip_endpoint_set_option(ep, TCPIP_OPTION_REUSE_PORT, 1), TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION);
    assert_int_equal(tcpip_endpoint_get_option(ep, TCPIP_OPTION_NO_DELAY, &value), TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION);
    assert_int_equal(tcpip_endpoint_set_option(ep, TCPIP_OPTION_LINGER, 5), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_get_option(ep, TCPIP_OPTION_LINGER, &value), TCPIP_OK);
    assert_int_equal(value, 5);
    assert_int_equal(tcpip_endpoint_get_option(ep, TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &value),
                     TCPIP_ERR_INVALID_ENDPOINT_STATE);
    assert_int_equal(tcpip_endpoint_set_option(ep, TCPIP_OPTION_SEND_BUFFER_SIZE, 0), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_get_option(ep, TCPIP_OPTION_SEND_BUFFER_SIZE, &value), TCPIP_OK);
    assert_int_equal(value, 4608);
    assert_int_equal(tcpip_endpoint_set_option(ep, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, INT64_MAX), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_get_option(ep, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, &value), TCPIP_OK);
    assert_int_equal(value, 425984);
}

static void calls_of_unix_on_something_else_are_not_supported(void **state)
{
    struct test_env env;
    struct tcpip_stack *stack;
    struct tcpip_endpoint *udp, *ep;
    struct tcpip_unix_address name;
    struct tcpip_unix_credentials who = {0};
    struct tcpip_io io = {NULL, 0};
    size_t done;
    (void)state;
    test_env_init(&env, 1);
    assert_int_equal(tcpip_stack_new(&env.env, NULL, &tcpip_protocols_all, &stack), TCPIP_OK);
    assert_int_equal(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV4, &udp), TCPIP_OK);
    assert_int_equal(tcpip_unix_new(stack, TCPIP_UNIX_STREAM, &ep), TCPIP_OK);
    assert_int_equal(tcpip_unix_bind(udp, world_name("x"), NULL, NULL), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_unix_connect(udp, world_name("x")), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_unix_local_address(udp, &name), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_unix_remote_address(udp, &name), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_unix_set_credentials(udp, &who), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_unix_peer_credentials(udp, &who), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_unix_sendmsg(udp, &io, 1, NULL, &done), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_unix_recvmsg(udp, &io, 1, NULL, &done), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_endpoint_connect_endpoint(udp, ep), TCPIP_ERR_INVALID_ENDPOINT_STATE);
    assert_int_equal(tcpip_endpoint_connect_endpoint(ep, udp), TCPIP_ERR_WRONG_TYPE);
    tcpip_stack_free(stack);
    test_env_fini(&env);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_stack_must_have_been_given_the_protocol),
        TEST(it_is_no_protocol_of_ip),
        TEST(a_path_outlives_its_owner_until_it_is_unlinked),
        TEST(an_unlinked_path_stays_its_owners_name_and_may_be_anothers),
        TEST(a_path_ends_before_its_first_zero_and_an_abstract_name_does_not),
        TEST(a_name_may_be_as_long_as_there_is_room_and_no_longer),
        TEST(names_that_are_chosen_are_counted),
        TEST(a_bind_that_the_caller_refuses_has_not_happened),
        TEST(there_are_as_many_names_as_there_may_be_endpoints),
        TEST(a_connection_takes_data_before_it_is_accepted),
        TEST(a_full_backlog_refuses_and_its_end_is_heard_of),
        TEST(connect_endpoint_needs_no_name_of_a_datagram_server),
        TEST(addresses_of_ip_are_of_no_use),
        TEST(ends_are_heard_of),
        TEST(a_datagram_queue_takes_eleven_and_says_when_there_is_room),
        TEST(who_waits_for_two_hears_of_either),
        TEST(a_full_send_buffer_has_room_again_at_a_quarter),
        TEST(a_message_that_never_fits_is_too_long),
        TEST(options_are_those_of_any_socket),
        TEST(calls_of_unix_on_something_else_are_not_supported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
