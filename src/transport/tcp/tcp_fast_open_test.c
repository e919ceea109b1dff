// SPDX-License-Identifier: MIT
/* tcp_fast_open_test.c: what packet scripts don't show of Fast Open: keys, views without copy, forgetting, and a crowd.
 */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MODE = TCPIP_FAST_OPEN_CLIENT | TCPIP_FAST_OPEN_SERVER | TCPIP_FAST_OPEN_SERVER_ALL };

struct town {
    struct pair pair;
    struct tcpip_endpoint *listener;
};

static void town_init(struct town *town, int backlog)
{
    struct pair_options options = {.a_to_b = {.delay_ns = TCPIP_MS}, .b_to_a = {.delay_ns = TCPIP_MS}};
    struct pair *pair = &town->pair;
    pair_init(pair, &options);
    assert_int_equal(tcpip_stack_set_default(pair->a, TCPIP_OPTION_FAST_OPEN_MODE, MODE), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_default(pair->b, TCPIP_OPTION_FAST_OPEN_MODE, MODE), TCPIP_OK);
    assert_int_equal(tcpip_stack_new_endpoint(pair->b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &town->listener),
                     TCPIP_OK);
    assert_int_equal(tcpip_endpoint_bind(town->listener, &pair->b4, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(town->listener, backlog), TCPIP_OK);
}

static void town_fini(struct town *town)
{
    tcpip_endpoint_close(town->listener);
    pair_run(&town->pair, 200 * TCPIP_SECOND);
    pair_fini(&town->pair);
}

/* One more client; returns what its write says. */
static enum tcpip_error town_call(struct town *town, struct tcpip_endpoint **client, size_t *done)
{
    struct pair *pair = &town->pair;
    assert_int_equal(tcpip_stack_new_endpoint(pair->a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, client), TCPIP_OK);
    return tcpip_endpoint_write(*client, "hello", 5, TCPIP_WRITE_FAST_OPEN, &pair->b4, done);
}

static void town_hang_up(struct town *town, struct tcpip_endpoint *client)
{
    struct tcpip_endpoint *server;
    pair_run(&town->pair, 10 * TCPIP_MS);
    assert_int_equal(tcpip_endpoint_accept(town->listener, &server, NULL), TCPIP_OK);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    pair_run(&town->pair, 10 * TCPIP_MS);
}

static void a_cookie_is_kept_until_it_is_forgotten(void **state)
{
    struct town town;
    struct tcpip_endpoint *client;
    size_t done;
    (void)state;
    town_init(&town, 4);
    for (int i = 0; i < 3; i++) {
        bool known = i == 1;
        assert_int_equal(town_call(&town, &client, &done), known ? TCPIP_OK : TCPIP_ERR_CONNECT_STARTED);
        assert_int_equal(done, known ? 5 : 0);
        town_hang_up(&town, client);
        if (known)
            tcpip_tcp_forget_fast_open(town.pair.a);
    }
    town_fini(&town);
}

static void keys_are_the_stacks_until_a_listener_has_its_own(void **state)
{
    uint8_t keys[2][TCPIP_TCP_FAST_OPEN_KEY_BYTES], own[2][TCPIP_TCP_FAST_OPEN_KEY_BYTES] = {{1, 2}, {3, 4}};
    struct town town;
    struct tcpip_endpoint *client, *datagram;
    struct tcpip_stats stats;
    size_t done;
    (void)state;
    town_init(&town, 4);
    assert_int_equal(tcpip_endpoint_fast_open_key(town.listener, keys), 1);
    assert_int_equal(tcpip_tcp_fast_open_key(town.pair.b, own), 1);
    assert_memory_equal(keys[0], own[0], sizeof(own[0]));
    assert_int_equal(town_call(&town, &client, &done), TCPIP_ERR_CONNECT_STARTED);
    assert_int_equal(tcpip_endpoint_set_fast_open_key(client, own[0], NULL), TCPIP_ERR_INVALID_ENDPOINT_STATE);
    town_hang_up(&town, client);
    /* The cookie that is known was made with the older of two keys; then with one that is gone. */
    memcpy(own[1], own[0], sizeof(own[0]));
    own[0][0] ^= 1;
    assert_int_equal(tcpip_endpoint_set_fast_open_key(town.listener, own[0], own[1]), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_fast_open_key(town.listener, keys), 2);
    assert_memory_equal(keys, own, sizeof(own));
    for (uint64_t i = 1; i <= 2; i++) {
        assert_int_equal(town_call(&town, &client, &done), TCPIP_OK);
        town_hang_up(&town, client);
        tcpip_stack_stats(town.pair.b, &stats);
        assert_int_equal(stats.tcp.fast_open_passive, i);
        assert_int_equal(stats.tcp.fast_open_passive_alt_key, 1); /* it came with a fresh one */
    }
    own[0][0] ^= 2;
    assert_int_equal(tcpip_endpoint_set_fast_open_key(town.listener, own[0], NULL), TCPIP_OK);
    assert_int_equal(town_call(&town, &client, &done), TCPIP_OK);
    town_hang_up(&town, client);
    tcpip_stack_stats(town.pair.b, &stats);
    assert_int_equal(stats.tcp.fast_open_passive, 2);
    assert_int_equal(stats.tcp.fast_open_passive_fail, 1);
    assert_int_equal(tcpip_stack_new_endpoint(town.pair.a, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV4, &datagram),
                     TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_fast_open_key(datagram, own[0], NULL), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_endpoint_fast_open_key(datagram, keys), 0);
    tcpip_endpoint_close(datagram);
    town_fini(&town);
}

static void count_release(void *ctx, struct tcpip_buffer *buffer)
{
    (void)buffer;
    ++*(int *)ctx;
}

/* All of the view is taken; what the SYN has no room for follows it. */
static void a_view_rides_on_the_syn_and_is_released_when_it_is_acknowledged(void **state)
{
    static uint8_t bytes[4000], got[4000];
    struct town town;
    struct tcpip_endpoint *client, *server;
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    int released = 0;
    size_t done, all = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    town_init(&town, 4);
    assert_int_equal(town_call(&town, &client, &done), TCPIP_ERR_CONNECT_STARTED);
    town_hang_up(&town, client);
    assert_int_equal(tcpip_stack_new_endpoint(town.pair.a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &client), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_FAST_OPEN_CONNECT, 1), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_connect(client, &town.pair.b4), TCPIP_OK);
    struct tcpip_buffer *buffer = tcpip_buffer_wrap(town.pair.a, bytes, sizeof(bytes), count_release, &released);
    struct tcpip_view view = {buffer, 0, sizeof(bytes)};
    assert_int_equal(tcpip_endpoint_write_view(client, &view, 0, NULL), TCPIP_OK);
    tcpip_buffer_unref(buffer);
    assert_int_equal(tcpip_endpoint_tcp_info(client, &info), TCPIP_OK);
    assert_int_equal(info.state, TCPIP_TCP_SYN_SENT);
    assert_int_equal(info.bytes_sent, 1420);
    pair_run(&town.pair, 20 * TCPIP_MS);
    assert_int_equal(tcpip_endpoint_accept(town.listener, &server, NULL), TCPIP_OK);
    while (tcpip_endpoint_read(server, got + all, sizeof(got) - all, &done, NULL) == TCPIP_OK)
        all += done;
    assert_int_equal(all, sizeof(bytes));
    assert_memory_equal(got, bytes, sizeof(bytes));
    pair_run(&town.pair, 100 * TCPIP_MS);
    assert_int_equal(released, 1);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    town_fini(&town);
}

/* More callers at once than the listener takes unfinished: each is served, some in the ordinary way. */
static void a_crowd_is_served(void **state)
{
    enum { CROWD = 12 };
    struct town town;
    struct tcpip_endpoint *clients[CROWD], *server;
    struct tcpip_stats stats;
    uint8_t got[8];
    size_t done;
    (void)state;
    town_init(&town, 32);
    assert_int_equal(tcpip_endpoint_set_option(town.listener, TCPIP_OPTION_FAST_OPEN, 3), TCPIP_OK);
    assert_int_equal(town_call(&town, &clients[0], &done), TCPIP_ERR_CONNECT_STARTED);
    town_hang_up(&town, clients[0]);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(town_call(&town, &clients[i], &done), TCPIP_OK);
    pair_run(&town.pair, 100 * TCPIP_MS);
    tcpip_stack_stats(town.pair.b, &stats);
    assert_int_equal(stats.tcp.fast_open_passive, 3);
    assert_int_equal(stats.tcp.fast_open_listen_overflow, CROWD - 3);
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(tcpip_endpoint_accept(town.listener, &server, NULL), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_read(server, got, sizeof(got), &done, NULL), TCPIP_OK);
        assert_int_equal(done, 5);
        tcpip_endpoint_close(server);
        tcpip_endpoint_close(clients[i]);
    }
    town_fini(&town);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_is_kept_until_it_is_forgotten),
        cmocka_unit_test(keys_are_the_stacks_until_a_listener_has_its_own),
        cmocka_unit_test(a_view_rides_on_the_syn_and_is_released_when_it_is_acknowledged),
        cmocka_unit_test(a_crowd_is_served),
    };
    return cmocka_run_group_tests_name("tcp/fast_open_pair", tests, NULL, NULL);
}
