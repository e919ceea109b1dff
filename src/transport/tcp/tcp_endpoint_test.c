// SPDX-License-Identifier: MIT
/* tcp_endpoint_test.c: what each call answers in each state (docs/endpoint-semantics.md), call by call.
 *
 * Not here: the same against the kernel (tests/parity_tcp), readiness and waiters (tcp_waiter_test.c), errors from
 * outside (tcp_error_test.c). */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define OK TCPIP_OK
#define ERR(name) TCPIP_ERR_##name

static struct pair pair;

static int set_up(void **state)
{
    (void)state;
    pair_init(&pair, NULL);
    return 0;
}

/* Endpoints that a test left open go with their stacks. */
static int tear_down(void **state)
{
    (void)state;
    pair_run(&pair, 200 * TCPIP_SECOND);
    pair_fini(&pair);
    return 0;
}

static struct tcpip_full_address at(const char *text, uint16_t port)
{
    struct tcpip_full_address address = {.port = port};
    if (text != NULL)
        assert_int_equal(tcpip_address_parse(text, &address.address), OK);
    return address;
}

static struct tcpip_endpoint *fresh(struct tcpip_stack *stack, bool v6)
{
    struct tcpip_endpoint *ep;
    uint32_t network = v6 ? TCPIP_PROTOCOL_IPV6 : TCPIP_PROTOCOL_IPV4;
    assert_int_equal(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, network, &ep), OK);
    return ep;
}

static enum tcpip_error bind_to(struct tcpip_endpoint *ep, const char *text, uint16_t port)
{
    struct tcpip_full_address address = at(text, port);
    return tcpip_endpoint_bind(ep, &address, NULL, NULL);
}

static enum tcpip_error connect_to(struct tcpip_endpoint *ep, const char *text, uint16_t port)
{
    struct tcpip_full_address address = at(text, port);
    return tcpip_endpoint_connect(ep, &address);
}

static struct tcpip_endpoint *listening(struct tcpip_stack *stack, const char *text, uint16_t port, bool v6)
{
    struct tcpip_endpoint *ep = fresh(stack, v6);
    assert_int_equal(bind_to(ep, text, port), OK);
    assert_int_equal(tcpip_endpoint_listen(ep, 8), OK);
    return ep;
}

static enum tcpip_error put(struct tcpip_endpoint *ep, const char *text, size_t *done)
{
    enum tcpip_error error = tcpip_endpoint_write(ep, text, strlen(text), 0, NULL, done);
    pair_run(&pair, TCPIP_SECOND);
    return error;
}

/* What a read of up to 100 bytes answers; data must be `expected`. */
static enum tcpip_error get(struct tcpip_endpoint *ep, const char *expected)
{
    char buffer[100];
    size_t done;
    enum tcpip_error error = tcpip_endpoint_read(ep, buffer, sizeof(buffer), &done, NULL);
    assert_int_equal(done, error == OK ? strlen(expected) : 0);
    assert_memory_equal(buffer, expected, done);
    return error;
}

static void assert_address(const struct tcpip_full_address *address, const char *text, uint16_t port)
{
    char out[TCPIP_ADDRESS_TEXT_MAX];
    (void)tcpip_address_format(&address->address, out);
    assert_string_equal(out, text);
    if (port != 0)
        assert_int_equal(address->port, port);
}

static int64_t option(struct tcpip_endpoint *ep, enum tcpip_option name)
{
    int64_t value;
    assert_int_equal(tcpip_endpoint_get_option(ep, name, &value), OK);
    return value;
}

static void set(struct tcpip_endpoint *ep, enum tcpip_option name, int64_t value)
{
    assert_int_equal(tcpip_endpoint_set_option(ep, name, value), OK);
}

/* ---- bind ---- */

static enum tcpip_error refuse(void *ctx)
{
    ++*(int *)ctx;
    return ERR(NOT_PERMITTED);
}

static void bind_takes_an_address_of_ours_once(void **state)
{
    (void)state;
    struct tcpip_endpoint *ep = fresh(pair.a, false);
    assert_int_equal(bind_to(ep, "10.0.0.9", 80), ERR(BAD_LOCAL_ADDRESS));
    assert_int_equal(bind_to(ep, "fd00::1", 80), ERR(ADDRESS_FAMILY_NOT_SUPPORTED));
    assert_int_equal(bind_to(ep, "10.0.0.1", 80), OK);
    assert_int_equal(bind_to(ep, "10.0.0.1", 80), ERR(ALREADY_BOUND));
    struct tcpip_endpoint *other = fresh(pair.a, false);
    assert_int_equal(bind_to(other, "0.0.0.0", 80), ERR(PORT_IN_USE));
    struct tcpip_full_address nowhere = at("10.0.0.1", 81);
    nowhere.nic = 7;
    assert_int_equal(tcpip_endpoint_bind(other, &nowhere, NULL, NULL), ERR(UNKNOWN_NIC_ID));
    tcpip_endpoint_close(ep);
    assert_int_equal(bind_to(other, "0.0.0.0", 80), OK);
}

static void a_bind_that_its_commit_refuses_is_undone(void **state)
{
    (void)state;
    struct tcpip_endpoint *ep = fresh(pair.a, false), *other = fresh(pair.a, false);
    struct tcpip_full_address address = at("10.0.0.1", 80);
    int calls = 0;
    assert_int_equal(tcpip_endpoint_bind(ep, &address, refuse, &calls), ERR(NOT_PERMITTED));
    assert_int_equal(calls, 1);
    assert_int_equal(bind_to(other, "10.0.0.1", 80), OK); /* the port is free again */
    tcpip_endpoint_close(other);
    assert_int_equal(tcpip_endpoint_bind(ep, &address, NULL, NULL), OK);
}

static void port_0_is_an_ephemeral_port_until_there_is_none(void **state)
{
    (void)state;
    assert_int_equal(tcpip_stack_set_port_range(pair.a, 50000, 50003), OK);
    uint32_t seen = 0;
    for (int i = 0; i < 4; i++) {
        struct tcpip_endpoint *ep = fresh(pair.a, false);
        struct tcpip_full_address local;
        assert_int_equal(bind_to(ep, NULL, 0), OK);
        tcpip_endpoint_local_address(ep, &local);
        assert_in_range(local.port, 50000, 50003);
        seen |= 1u << (local.port - 50000);
    }
    assert_int_equal(seen, 15);
    assert_int_equal(bind_to(fresh(pair.a, false), NULL, 0), ERR(NO_PORT_AVAILABLE));
    assert_int_equal(connect_to(fresh(pair.a, false), "10.0.0.2", 80), ERR(NO_PORT_AVAILABLE));
}

static void a_connection_and_its_time_wait_hold_the_port(void **state)
{
    (void)state;
    for (int reuse = 0; reuse < 2; reuse++) {
        uint16_t port = (uint16_t)(100 + reuse);
        struct tcpip_endpoint *server, *client = fresh(pair.a, false), *listener = fresh(pair.b, false);
        set(listener, TCPIP_OPTION_REUSE_ADDRESS, reuse);
        assert_int_equal(bind_to(listener, "10.0.0.2", port), OK);
        assert_int_equal(tcpip_endpoint_listen(listener, 1), OK);
        assert_int_equal(connect_to(client, "10.0.0.2", port), ERR(CONNECT_STARTED));
        pair_run(&pair, TCPIP_SECOND);
        assert_int_equal(tcpip_endpoint_accept(listener, &server, NULL), OK);
        tcpip_endpoint_close(listener);
        for (int i = 0; i < 2; i++) { /* while it is connected, and in its TIME-WAIT */
            struct tcpip_endpoint *again = fresh(pair.b, false);
            assert_int_equal(bind_to(again, "10.0.0.2", port), ERR(PORT_IN_USE));
            set(again, TCPIP_OPTION_REUSE_ADDRESS, 1);
            assert_int_equal(bind_to(again, "10.0.0.2", port), reuse ? OK : ERR(PORT_IN_USE));
            if (reuse)
                assert_int_equal(tcpip_endpoint_listen(again, 1), OK);
            tcpip_endpoint_close(again);
            if (i == 0) {
                tcpip_endpoint_close(server);
                pair_run(&pair, 0);
                tcpip_endpoint_close(client);
                pair_run(&pair, TCPIP_SECOND);
            }
        }
        pair_run(&pair, 70 * TCPIP_SECOND);
        assert_int_equal(bind_to(fresh(pair.b, false), "10.0.0.2", port), OK);
    }
}

/* ---- listen and accept ---- */

static void listen_wants_an_endpoint_without_a_past(void **state)
{
    (void)state;
    struct tcpip_endpoint *ep = fresh(pair.b, false), *client, *server, *out;
    struct tcpip_full_address local;
    assert_int_equal(tcpip_endpoint_accept(ep, &out, NULL), ERR(INVALID_ENDPOINT_STATE));
    assert_int_equal(tcpip_endpoint_listen(ep, 1), OK); /* unbound: an ephemeral port */
    tcpip_endpoint_local_address(ep, &local);
    assert_true(local.port >= 32768);
    assert_int_equal(tcpip_endpoint_listen(ep, 5), OK); /* another backlog */
    assert_int_equal(tcpip_endpoint_accept(ep, &out, NULL), ERR(WOULD_BLOCK));
    assert_null(out);
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(tcpip_endpoint_listen(client, 1), ERR(INVALID_ENDPOINT_STATE));
    assert_int_equal(tcpip_endpoint_accept(server, &out, NULL), ERR(INVALID_ENDPOINT_STATE));
    struct tcpip_endpoint *connecting = fresh(pair.a, false);
    assert_int_equal(connect_to(connecting, "10.0.0.2", 9), ERR(CONNECT_STARTED));
    assert_int_equal(tcpip_endpoint_listen(connecting, 1), ERR(INVALID_ENDPOINT_STATE));
}

static void of_two_that_bound_to_one_port_one_may_listen(void **state)
{
    (void)state;
    struct tcpip_endpoint *one = fresh(pair.b, false), *two = fresh(pair.b, false);
    set(one, TCPIP_OPTION_REUSE_ADDRESS, 1);
    set(two, TCPIP_OPTION_REUSE_ADDRESS, 1);
    assert_int_equal(bind_to(one, "10.0.0.2", 80), OK);
    assert_int_equal(bind_to(two, "10.0.0.2", 80), OK);
    assert_int_equal(tcpip_endpoint_listen(two, 1), OK);
    assert_int_equal(tcpip_endpoint_listen(one, 1), ERR(PORT_IN_USE));
    tcpip_endpoint_close(two);
    assert_int_equal(tcpip_endpoint_listen(one, 1), OK);
}

static void accept_gives_out_what_was_reset_meanwhile(void **state)
{
    (void)state;
    struct tcpip_endpoint *listener = listening(pair.b, "10.0.0.2", 80, false), *client = fresh(pair.a, false), *server;
    struct tcpip_full_address peer;
    size_t done;
    assert_int_equal(connect_to(client, "10.0.0.2", 80), ERR(CONNECT_STARTED));
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(put(client, "data", &done), OK);
    set(client, TCPIP_OPTION_LINGER, 0);
    tcpip_endpoint_close(client);
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(tcpip_endpoint_accept(listener, &server, &peer), OK);
    assert_address(&peer, "10.0.0.1", 0);
    assert_int_equal(get(server, "data"), OK); /* what came before the reset */
    assert_int_equal(get(server, ""), ERR(CONNECTION_RESET));
    assert_int_equal(get(server, ""), ERR(CLOSED_FOR_RECEIVE));
}

/* ---- connect ---- */

static void connect_tells_its_outcome_once(void **state)
{
    (void)state;
    struct tcpip_endpoint *listener = listening(pair.b, "10.0.0.2", 80, false), *ep = fresh(pair.a, false), *server;
    assert_int_equal(connect_to(ep, "10.0.0.2", 80), ERR(CONNECT_STARTED));
    assert_int_equal(connect_to(ep, "10.0.0.2", 80), ERR(ALREADY_CONNECTING));
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(connect_to(ep, "10.0.0.2", 80), OK);
    assert_int_equal(connect_to(ep, "10.0.0.2", 80), ERR(ALREADY_CONNECTED));
    assert_int_equal(tcpip_endpoint_accept(listener, &server, NULL), OK);
    assert_int_equal(connect_to(server, "10.0.0.2", 80), ERR(ALREADY_CONNECTED));
    assert_int_equal(connect_to(listener, "10.0.0.2", 80), ERR(ALREADY_CONNECTED));
}

static void a_failed_connect_may_be_tried_again(void **state)
{
    (void)state;
    struct tcpip_endpoint *ep = fresh(pair.a, false);
    assert_int_equal(bind_to(ep, "10.0.0.1", 1234), OK);
    for (int how = 0; how < 4; how++) {
        size_t done;
        assert_int_equal(connect_to(ep, "10.0.0.2", 80), ERR(CONNECT_STARTED));
        pair_run(&pair, TCPIP_SECOND);
        /* Whoever asks first hears why. */
        if (how == 1)
            assert_int_equal(option(ep, TCPIP_OPTION_ERROR), ERR(CONNECTION_REFUSED));
        if (how == 2)
            assert_int_equal(get(ep, ""), ERR(CONNECTION_REFUSED));
        if (how == 3)
            assert_int_equal(put(ep, "x", &done), ERR(CONNECTION_REFUSED));
        assert_int_equal(get(ep, ""), how == 0 ? ERR(CONNECTION_REFUSED) : ERR(CLOSED_FOR_RECEIVE));
        assert_int_equal(connect_to(ep, "10.0.0.2", 80), ERR(CONNECTION_ABORTED));
    }
    assert_int_equal(connect_to(ep, "10.0.0.2", 80), ERR(CONNECT_STARTED));
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(connect_to(ep, "10.0.0.2", 80), ERR(CONNECTION_REFUSED));
    struct tcpip_endpoint *listener = listening(pair.b, "10.0.0.2", 80, false), *server;
    struct tcpip_full_address peer;
    assert_int_equal(connect_to(ep, "10.0.0.2", 80), ERR(CONNECT_STARTED));
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(tcpip_endpoint_accept(listener, &server, &peer), OK);
    assert_int_equal(peer.port, 1234); /* what was bound by number stays */
}

static void a_failed_connect_that_was_shut_down_is_spoilt(void **state)
{
    (void)state;
    struct tcpip_endpoint *ep = fresh(pair.a, false);
    assert_int_equal(connect_to(ep, "10.0.0.2", 80), ERR(CONNECT_STARTED));
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(tcpip_endpoint_shutdown(ep, TCPIP_SHUTDOWN_WRITE), ERR(NOT_CONNECTED));
    assert_int_equal(connect_to(ep, "10.0.0.2", 80), ERR(INVALID_ENDPOINT_STATE));
}

static void connect_without_a_way_says_so_at_once(void **state)
{
    (void)state;
    struct tcpip_endpoint *ep = fresh(pair.a, false);
    struct tcpip_full_address elsewhere = at("10.0.0.2", 80);
    assert_int_equal(tcpip_stack_set_route_table(pair.a, NULL, 0, TCPIP_ROUTE_FIRST_MATCH), OK);
    assert_int_equal(connect_to(ep, "10.0.0.2", 80), ERR(NO_ROUTE));
    struct tcpip_route_entry route = {.nic = 1};
    assert_int_equal(tcpip_prefix_parse("0.0.0.0/0", &route.destination), OK);
    assert_int_equal(tcpip_stack_set_route_table(pair.a, &route, 1, TCPIP_ROUTE_FIRST_MATCH), OK);
    assert_int_equal(connect_to(ep, "224.0.0.1", 80), ERR(NO_ROUTE));
    assert_int_equal(connect_to(ep, "255.255.255.255", 80), ERR(NETWORK_UNREACHABLE));
    assert_int_equal(connect_to(ep, "fd00::2", 80), ERR(ADDRESS_FAMILY_NOT_SUPPORTED));
    set(ep, TCPIP_OPTION_BIND_TO_NIC, 1);
    elsewhere.nic = 2;
    assert_int_equal(tcpip_endpoint_connect(ep, &elsewhere), ERR(NO_ROUTE));
    assert_int_equal(tcpip_endpoint_connect_endpoint(ep, ep), ERR(INVALID_ENDPOINT_STATE));
    assert_int_equal(connect_to(ep, "10.0.0.2", 80), ERR(CONNECT_STARTED));
}

static void an_endpoint_may_connect_to_itself(void **state)
{
    (void)state;
    struct tcpip_endpoint *ep = fresh(pair.a, false);
    size_t done;
    assert_int_equal(bind_to(ep, "10.0.0.1", 2000), OK);
    assert_int_equal(connect_to(ep, "10.0.0.1", 2000), ERR(CONNECT_STARTED));
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(put(ep, "hello", &done), OK);
    assert_int_equal(get(ep, "hello"), OK);
    assert_int_equal(tcpip_endpoint_shutdown(ep, TCPIP_SHUTDOWN_WRITE), OK);
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(get(ep, ""), ERR(CLOSED_FOR_RECEIVE));
}

static void two_connects_may_cross(void **state)
{
    (void)state;
    struct tcpip_endpoint *a = fresh(pair.a, false), *b = fresh(pair.b, false);
    size_t done;
    assert_int_equal(bind_to(a, "10.0.0.1", 1000), OK);
    assert_int_equal(bind_to(b, "10.0.0.2", 2000), OK);
    assert_int_equal(connect_to(a, "10.0.0.2", 2000), ERR(CONNECT_STARTED));
    assert_int_equal(connect_to(b, "10.0.0.1", 1000), ERR(CONNECT_STARTED));
    pair_run(&pair, 5 * TCPIP_SECOND);
    assert_int_equal(connect_to(a, "10.0.0.2", 2000), OK);
    assert_int_equal(connect_to(b, "10.0.0.1", 1000), OK);
    assert_int_equal(put(a, "to b", &done), OK);
    assert_int_equal(put(b, "to a", &done), OK);
    assert_int_equal(get(a, "to a"), OK);
    assert_int_equal(get(b, "to b"), OK);
}

/* ---- read, write, peek ---- */

static void before_there_is_a_connection_nothing_flows(void **state)
{
    (void)state;
    struct tcpip_endpoint *ep = fresh(pair.a, false);
    size_t done;
    assert_int_equal(get(ep, ""), ERR(NOT_CONNECTED));
    assert_int_equal(put(ep, "x", &done), ERR(CLOSED_FOR_SEND));
    assert_int_equal(done, 0);
    assert_int_equal(tcpip_endpoint_listen(ep, 1), OK);
    assert_int_equal(get(ep, ""), ERR(NOT_CONNECTED));
    assert_int_equal(put(ep, "x", &done), ERR(CLOSED_FOR_SEND));
    struct tcpip_endpoint *connecting = fresh(pair.a, false);
    assert_int_equal(connect_to(connecting, "10.0.0.2", 80), ERR(CONNECT_STARTED));
    assert_int_equal(get(connecting, ""), ERR(WOULD_BLOCK));
    assert_int_equal(tcpip_endpoint_write(connecting, "x", 1, 0, NULL, &done), ERR(WOULD_BLOCK));
}

static bool collect(void *ctx, const void *data, size_t size)
{
    char *out = ctx;
    strncat(out, data, size);
    return strlen(out) < 8;
}

static void peek_sees_all_pieces_and_takes_none(void **state)
{
    (void)state;
    struct tcpip_endpoint *client, *server;
    char out[100] = "";
    size_t done;
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(tcpip_endpoint_peek(server, collect, out, &done), ERR(WOULD_BLOCK));
    assert_int_equal(put(client, "one ", &done), OK);
    assert_int_equal(put(client, "two ", &done), OK);
    assert_int_equal(put(client, "three", &done), OK);
    for (int i = 0; i < 2; i++) {
        out[0] = 0;
        assert_int_equal(tcpip_endpoint_peek(server, collect, out, &done), OK);
        assert_int_equal(strncmp(out, "one two ", 8), 0); /* it may be one piece: short ones are joined */
    }
    assert_int_equal(option(server, TCPIP_OPTION_RECEIVE_QUEUE_SIZE), 13);
    assert_int_equal(get(server, "one two three"), OK);
}

static void write_takes_what_fits_and_ignores_a_destination(void **state)
{
    (void)state;
    static const uint8_t data[65536];
    struct tcpip_endpoint *client, *server;
    struct tcpip_full_address other = at("10.0.0.77", 7);
    size_t done, total = 0;
    pair_connect(&pair, false, &client, &server);
    set(client, TCPIP_OPTION_SEND_BUFFER_SIZE, 10000);
    assert_int_equal(tcpip_endpoint_write(client, data, sizeof(data), 0, &other, &done), OK);
    assert_int_equal(done, 10000);
    enum tcpip_error error;
    do {
        total += done;
        pair_run(&pair, TCPIP_SECOND);
        error = tcpip_endpoint_write(client, data, sizeof(data), 0, NULL, &done);
    } while (error == OK && total < 10000000);
    assert_int_equal(error, ERR(WOULD_BLOCK)); /* the reader reads nothing */
    assert_int_equal(done, 0);
    assert_int_equal(option(server, TCPIP_OPTION_RECEIVE_QUEUE_SIZE) + option(client, TCPIP_OPTION_SEND_QUEUE_SIZE),
                     total);
}

static void data_come_before_the_end_and_the_end_before_errors(void **state)
{
    (void)state;
    struct tcpip_endpoint *client, *server;
    size_t done;
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(put(client, "last words", &done), OK);
    tcpip_endpoint_close(client);
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(put(server, "too late", &done), OK); /* draws a reset */
    assert_int_equal(get(server, "last words"), OK);
    assert_int_equal(get(server, ""), ERR(CLOSED_FOR_RECEIVE));
    assert_int_equal(put(server, "x", &done), ERR(CLOSED_FOR_SEND));
    assert_int_equal(option(server, TCPIP_OPTION_ERROR), OK); /* the write has told it */
}

static void an_error_is_told_once(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        struct tcpip_endpoint *client, *server;
        char out[100] = "";
        size_t done;
        pair_connect(&pair, false, &client, &server);
        assert_int_equal(put(client, "unread", &done), OK);
        tcpip_endpoint_close(server); /* with data unread: a reset */
        pair_run(&pair, TCPIP_SECOND);
        enum tcpip_error error = how == 0   ? get(client, "")
                                 : how == 1 ? put(client, "x", &done)
                                 : how == 2 ? tcpip_endpoint_peek(client, collect, out, &done)
                                            : (enum tcpip_error)option(client, TCPIP_OPTION_ERROR);
        assert_int_equal(error, ERR(CONNECTION_RESET));
        assert_int_equal(get(client, ""), ERR(CLOSED_FOR_RECEIVE));
        assert_int_equal(put(client, "x", &done), ERR(CLOSED_FOR_SEND));
        assert_int_equal(option(client, TCPIP_OPTION_ERROR), OK);
        tcpip_endpoint_close(client);
    }
}

/* ---- shutdown and close ---- */

static void shutdown_answers_by_state(void **state)
{
    (void)state;
    struct tcpip_endpoint *ep = fresh(pair.a, false), *listener = listening(pair.b, "10.0.0.2", 81, false), *out;
    assert_int_equal(tcpip_endpoint_shutdown(ep, TCPIP_SHUTDOWN_WRITE), ERR(NOT_CONNECTED));
    assert_int_equal(tcpip_endpoint_shutdown(ep, 8), ERR(INVALID_ARGUMENT));
    ep = fresh(pair.a, false);
    assert_int_equal(connect_to(ep, "10.0.0.77", 80), ERR(CONNECT_STARTED));
    assert_int_equal(tcpip_endpoint_shutdown(ep, TCPIP_SHUTDOWN_WRITE), OK); /* gives up */
    assert_int_equal(option(ep, TCPIP_OPTION_ERROR), ERR(CONNECTION_RESET));
    assert_int_equal(connect_to(ep, "10.0.0.2", 81), ERR(CONNECT_STARTED));
    assert_int_equal(tcpip_endpoint_shutdown(listener, TCPIP_SHUTDOWN_WRITE), OK);
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(tcpip_endpoint_shutdown(listener, TCPIP_SHUTDOWN_READ), OK); /* stops it */
    assert_int_equal(tcpip_endpoint_accept(listener, &out, NULL), ERR(INVALID_ENDPOINT_STATE));
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(get(ep, ""), ERR(CONNECTION_RESET));     /* what was not accepted */
    assert_int_equal(tcpip_endpoint_listen(listener, 1), OK); /* and it may listen again, where it was bound */
    struct tcpip_full_address local;
    tcpip_endpoint_local_address(listener, &local);
    assert_address(&local, "10.0.0.2", 81);
}

static void a_half_closed_connection_still_receives(void **state)
{
    (void)state;
    struct tcpip_endpoint *client, *server;
    size_t done;
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(put(client, "question", &done), OK);
    assert_int_equal(tcpip_endpoint_shutdown(client, TCPIP_SHUTDOWN_WRITE), OK);
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(put(client, "x", &done), ERR(CLOSED_FOR_SEND));
    assert_int_equal(get(server, "question"), OK);
    assert_int_equal(get(server, ""), ERR(CLOSED_FOR_RECEIVE));
    assert_int_equal(put(server, "answer", &done), OK);
    assert_int_equal(get(client, "answer"), OK);
    tcpip_endpoint_close(server);
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(get(client, ""), ERR(CLOSED_FOR_RECEIVE));
    struct tcpip_full_address peer;
    assert_int_equal(tcpip_endpoint_remote_address(client, &peer), ERR(NOT_CONNECTED));
}

static void shut_for_reading_data_are_still_read(void **state)
{
    (void)state;
    struct tcpip_endpoint *client, *server;
    size_t done;
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(put(client, "before", &done), OK);
    assert_int_equal(tcpip_endpoint_shutdown(server, TCPIP_SHUTDOWN_READ), OK);
    assert_int_equal(get(server, "before"), OK);
    assert_int_equal(get(server, ""), ERR(CLOSED_FOR_RECEIVE));
    assert_int_equal(put(client, "after", &done), OK);
    assert_int_equal(get(server, "after"), OK);
    /* Both ways, nobody is left to read: the peer hears it. */
    assert_int_equal(tcpip_endpoint_shutdown(server, TCPIP_SHUTDOWN_WRITE), OK);
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(put(client, "lost", &done), OK);
    assert_int_equal(get(server, ""), ERR(CONNECTION_RESET));
    assert_int_equal(put(client, "x", &done), ERR(CLOSED_FOR_SEND));
}

static void close_resets_or_finishes(void **state)
{
    (void)state;
    static const struct {
        bool unread, linger_0, reset;
    } cases[] = {{false, false, false}, {true, false, true}, {false, true, true}};
    for (size_t i = 0; i < 3; i++) {
        struct tcpip_endpoint *client, *server;
        size_t done;
        pair_connect(&pair, false, &client, &server);
        if (cases[i].unread)
            assert_int_equal(put(client, "unread", &done), OK);
        assert_int_equal(put(server, "queued", &done), OK);
        if (cases[i].linger_0)
            set(server, TCPIP_OPTION_LINGER, 0);
        tcpip_endpoint_close(server);
        pair_run(&pair, TCPIP_SECOND);
        assert_int_equal(get(client, "queued"), OK);
        assert_int_equal(get(client, ""), cases[i].reset ? ERR(CONNECTION_RESET) : ERR(CLOSED_FOR_RECEIVE));
        tcpip_endpoint_close(client);
    }
}

/* ---- addresses and families ---- */

static void addresses_are_known_by_state(void **state)
{
    (void)state;
    struct tcpip_endpoint *ep = fresh(pair.a, false), *listener = listening(pair.b, NULL, 80, false), *server;
    struct tcpip_full_address local, peer;
    tcpip_endpoint_local_address(ep, &local);
    assert_address(&local, "0.0.0.0", 0);
    assert_int_equal(local.port, 0);
    assert_int_equal(tcpip_endpoint_remote_address(ep, &peer), ERR(NOT_CONNECTED));
    assert_int_equal(connect_to(ep, "10.0.0.2", 80), ERR(CONNECT_STARTED));
    tcpip_endpoint_local_address(ep, &local);
    assert_address(&local, "10.0.0.1", 0);
    assert_true(local.port >= 32768);
    assert_int_equal(tcpip_endpoint_remote_address(ep, &peer), ERR(NOT_CONNECTED));
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(tcpip_endpoint_remote_address(ep, &peer), OK);
    assert_address(&peer, "10.0.0.2", 80);
    assert_int_equal(tcpip_endpoint_accept(listener, &server, &peer), OK);
    assert_address(&peer, "10.0.0.1", local.port);
    tcpip_endpoint_local_address(server, &local);
    assert_address(&local, "10.0.0.2", 80);
    tcpip_endpoint_local_address(listener, &local);
    assert_address(&local, "0.0.0.0", 80);
}

static void a_dual_stack_listener_shows_ipv4_as_mapped(void **state)
{
    (void)state;
    struct tcpip_endpoint *listener = listening(pair.b, "::", 80, true), *v4 = fresh(pair.a, false),
                          *v6 = fresh(pair.a, true), *mapped = fresh(pair.a, true), *server;
    struct tcpip_full_address peer;
    assert_int_equal(connect_to(v4, "10.0.0.2", 80), ERR(CONNECT_STARTED));
    assert_int_equal(connect_to(mapped, "::ffff:10.0.0.2", 80), ERR(CONNECT_STARTED));
    pair_run(&pair, TCPIP_SECOND);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tcpip_endpoint_accept(listener, &server, &peer), OK);
        assert_address(&peer, "::ffff:10.0.0.1", 0);
    }
    assert_int_equal(connect_to(v6, "fd00::2", 80), ERR(CONNECT_STARTED));
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(tcpip_endpoint_accept(listener, &server, &peer), OK);
    assert_address(&peer, "fd00::1", 0);
}

static void v6_only_keeps_to_its_family(void **state)
{
    (void)state;
    struct tcpip_endpoint *six = fresh(pair.b, true), *four = fresh(pair.b, false), *dual = fresh(pair.b, true);
    set(six, TCPIP_OPTION_V6_ONLY, 1);
    assert_int_equal(bind_to(six, "::ffff:10.0.0.2", 80), ERR(INVALID_ARGUMENT));
    assert_int_equal(connect_to(six, "::ffff:10.0.0.1", 80), ERR(NETWORK_UNREACHABLE));
    assert_int_equal(bind_to(six, "::", 80), OK);
    assert_int_equal(tcpip_endpoint_set_option(six, TCPIP_OPTION_V6_ONLY, 0), ERR(INVALID_ENDPOINT_STATE));
    assert_int_equal(bind_to(dual, "::", 80), ERR(PORT_IN_USE));
    assert_int_equal(bind_to(four, "0.0.0.0", 80), OK); /* no conflict: one takes IPv6 only */
    assert_int_equal(bind_to(dual, "::", 81), OK);
    assert_int_equal(bind_to(fresh(pair.b, false), "0.0.0.0", 81), ERR(PORT_IN_USE));
    assert_int_equal(tcpip_endpoint_set_option(four, TCPIP_OPTION_V6_ONLY, 1), ERR(UNKNOWN_PROTOCOL_OPTION));
    struct tcpip_endpoint *bound = fresh(pair.b, true);
    assert_int_equal(bind_to(bound, "fd00::2", 82), OK);
    assert_int_equal(connect_to(bound, "::ffff:10.0.0.1", 80), ERR(NETWORK_UNREACHABLE));
}

/* ---- options ---- */

static void options_have_their_bounds_and_their_time(void **state)
{
    (void)state;
    struct tcpip_endpoint *client, *server, *listener = listening(pair.b, NULL, 90, false);
    int64_t value;
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_PASSCRED, 1), ERR(UNKNOWN_PROTOCOL_OPTION));
    assert_int_equal(tcpip_endpoint_get_option(client, TCPIP_OPTION_BROADCAST, &value), ERR(UNKNOWN_PROTOCOL_OPTION));
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_COUNT, 1), ERR(UNKNOWN_PROTOCOL_OPTION));
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_ERROR, 1), ERR(UNKNOWN_PROTOCOL_OPTION));
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_TTL, 256), ERR(INVALID_OPTION_VALUE));
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_MAX_SEGMENT, 40), ERR(INVALID_OPTION_VALUE));
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_DELAYED_ACK_MAX, TCPIP_SECOND / 2),
                     ERR(INVALID_OPTION_VALUE));
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_SACK, 0), ERR(INVALID_ENDPOINT_STATE));
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_BIND_TO_NIC, 9), ERR(UNKNOWN_NIC_ID));
    assert_int_equal(tcpip_endpoint_get_option(listener, TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &value),
                     ERR(INVALID_ENDPOINT_STATE));
    set(client, TCPIP_OPTION_SEND_BUFFER_SIZE, INT64_MAX); /* clamped, not refused */
    assert_int_equal(option(client, TCPIP_OPTION_SEND_BUFFER_SIZE), 4 << 20);
    set(client, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, 1);
    assert_int_equal(option(client, TCPIP_OPTION_RECEIVE_BUFFER_SIZE), 2048);
    set(client, TCPIP_OPTION_SEND_BUFFER_SIZE, 12345);
    assert_int_equal(option(client, TCPIP_OPTION_SEND_BUFFER_SIZE), 12345); /* exact bytes */
    set(client, TCPIP_OPTION_RECEIVE_LOW_WATER, 0);
    assert_int_equal(option(client, TCPIP_OPTION_RECEIVE_LOW_WATER), 1);
    assert_int_equal(option(client, TCPIP_OPTION_MAX_SEGMENT), 1448); /* in force, once connected */
    assert_int_equal(option(client, TCPIP_OPTION_PATH_MTU), 1500);
}

static void unset_options_follow_the_stack(void **state)
{
    (void)state;
    struct tcpip_endpoint *one = fresh(pair.a, false), *two = fresh(pair.a, false);
    set(one, TCPIP_OPTION_KEEPALIVE_COUNT, 5);
    assert_int_equal(tcpip_stack_set_default(pair.a, TCPIP_OPTION_KEEPALIVE_COUNT, 7), OK);
    assert_int_equal(option(one, TCPIP_OPTION_KEEPALIVE_COUNT), 5);
    assert_int_equal(option(two, TCPIP_OPTION_KEEPALIVE_COUNT), 7);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(bind_takes_an_address_of_ours_once),
        CASE(a_bind_that_its_commit_refuses_is_undone),
        CASE(port_0_is_an_ephemeral_port_until_there_is_none),
        CASE(a_connection_and_its_time_wait_hold_the_port),
        CASE(listen_wants_an_endpoint_without_a_past),
        CASE(of_two_that_bound_to_one_port_one_may_listen),
        CASE(accept_gives_out_what_was_reset_meanwhile),
        CASE(connect_tells_its_outcome_once),
        CASE(a_failed_connect_may_be_tried_again),
        CASE(a_failed_connect_that_was_shut_down_is_spoilt),
        CASE(connect_without_a_way_says_so_at_once),
        CASE(an_endpoint_may_connect_to_itself),
        CASE(two_connects_may_cross),
        CASE(before_there_is_a_connection_nothing_flows),
        CASE(peek_sees_all_pieces_and_takes_none),
        CASE(write_takes_what_fits_and_ignores_a_destination),
        CASE(data_come_before_the_end_and_the_end_before_errors),
        CASE(an_error_is_told_once),
        CASE(shutdown_answers_by_state),
        CASE(a_half_closed_connection_still_receives),
        CASE(shut_for_reading_data_are_still_read),
        CASE(close_resets_or_finishes),
        CASE(addresses_are_known_by_state),
        CASE(a_dual_stack_listener_shows_ipv4_as_mapped),
        CASE(v6_only_keeps_to_its_family),
        CASE(options_have_their_bounds_and_their_time),
        CASE(unset_options_follow_the_stack),
    };
    return cmocka_run_group_tests_name("tcp/endpoint", tests, NULL, NULL);
}
