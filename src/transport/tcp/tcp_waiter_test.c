// SPDX-License-Identifier: MIT
/* tcp_waiter_test.c: readiness and who hears of it: nothing is lost between asking and registering, and causes that
 * recur are told again. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
    IN = TCPIP_EVENT_IN,
    OUT = TCPIP_EVENT_OUT,
    ERR = TCPIP_EVENT_ERR,
    HUP = TCPIP_EVENT_HUP,
    RDHUP = TCPIP_EVENT_RDHUP
};
#define ALL (IN | OUT | RDHUP)

struct listening {
    struct tcpip_waiter waiter;
    uint32_t calls, events;
};

static void hear(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct listening *listening = TCPIP_CONTAINER_OF(waiter, struct listening, waiter);
    listening->calls++;
    listening->events |= ready;
}

static void start(struct listening *listening, struct tcpip_endpoint *ep, uint32_t mask)
{
    *listening = (struct listening){.waiter = {.mask = mask, .fn = hear}};
    tcpip_endpoint_waiter_add(ep, &listening->waiter);
}

/* What was heard since the last time. */
static uint32_t heard(struct listening *listening)
{
    uint32_t events = listening->events;
    listening->events = listening->calls = 0;
    return events;
}

struct two {
    struct pair pair;
    struct tcpip_endpoint *client, *server;
};

static void two_open(struct two *two)
{
    pair_init(&two->pair, NULL);
    pair_connect(&two->pair, false, &two->client, &two->server);
}

static void two_close(struct two *two)
{
    tcpip_endpoint_close(two->client);
    tcpip_endpoint_close(two->server);
    pair_run(&two->pair, 100 * TCPIP_SECOND);
    pair_fini(&two->pair);
}

static size_t put(struct two *two, size_t size)
{
    static const uint8_t data[65536];
    size_t done;
    (void)!tcpip_endpoint_write(two->client, data, size, 0, NULL, &done);
    pair_run(&two->pair, 0);
    return done;
}

static size_t get(struct tcpip_endpoint *ep, size_t size)
{
    static uint8_t data[65536];
    size_t done;
    (void)!tcpip_endpoint_read(ep, data, size, &done, NULL);
    return done;
}

static void each_arrival_is_told_though_nothing_was_read(void **state)
{
    (void)state;
    struct two two;
    struct listening in;
    two_open(&two);
    start(&in, two.server, IN);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(put(&two, 10), 10);
        assert_int_equal(heard(&in), IN);
        pair_run(&two.pair, TCPIP_SECOND);
        assert_int_equal(heard(&in), 0); /* and not without a cause */
    }
    tcpip_endpoint_waiter_remove(two.server, &in.waiter);
    (void)put(&two, 10);
    assert_int_equal(heard(&in), 0);
    two_close(&two);
}

static void who_registers_and_then_asks_misses_nothing(void **state)
{
    (void)state;
    /* Wherever the arrival falls, before or after each of the two, one of them tells. */
    for (int when = 0; when < 3; when++) {
        struct two two;
        struct listening in;
        two_open(&two);
        if (when == 0)
            (void)put(&two, 1);
        start(&in, two.server, IN);
        if (when == 1)
            (void)put(&two, 1);
        bool ready = tcpip_endpoint_readiness(two.server, IN) != 0;
        if (when == 2)
            (void)put(&two, 1);
        assert_true(ready || heard(&in) == IN);
        two_close(&two);
    }
}

static void one_turn_tells_once(void **state)
{
    (void)state;
    struct two two;
    struct listening in;
    two_open(&two);
    start(&in, two.server, IN);
    static const uint8_t data[20000];
    size_t done;
    tcpip_stack_enter(two.pair.b);
    (void)!tcpip_endpoint_write(two.client, data, sizeof(data), 0, NULL, &done);
    (void)tcpip_pipe_pump(two.pair.ends[1], 64);
    assert_int_equal(in.calls, 0); /* callbacks run at the turn's end */
    tcpip_stack_leave(two.pair.b);
    assert_int_equal(in.calls, 1);
    two_close(&two);
}

static void room_is_told_to_who_found_none(void **state)
{
    (void)state;
    struct two two;
    struct listening out;
    size_t total = 0, done;
    two_open(&two);
    assert_int_equal(tcpip_endpoint_set_option(two.client, TCPIP_OPTION_SEND_BUFFER_SIZE, 20000), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_option(two.server, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, 20000), TCPIP_OK);
    start(&out, two.client, OUT);
    (void)put(&two, 100);
    pair_run(&two.pair, TCPIP_SECOND);
    assert_int_equal(heard(&out), 0); /* acknowledged, but nobody had missed the room */
    while ((done = put(&two, 30000)) > 0) {
        total += done;
        pair_run(&two.pair, TCPIP_SECOND);
    }
    assert_int_equal(tcpip_endpoint_readiness(two.client, OUT), 0);
    (void)heard(&out);
    total += 100;
    size_t read = 0;
    while (read < total && (done = get(two.server, 30000)) > 0) {
        read += done;
        pair_run(&two.pair, TCPIP_SECOND);
    }
    assert_int_equal(read, total);
    assert_int_equal(heard(&out), OUT);
    assert_int_equal(tcpip_endpoint_readiness(two.client, OUT), OUT);
    two_close(&two);
}

static void the_low_water_mark_holds_the_news_back(void **state)
{
    (void)state;
    struct two two;
    struct listening in;
    two_open(&two);
    assert_int_equal(tcpip_endpoint_set_option(two.server, TCPIP_OPTION_RECEIVE_LOW_WATER, 100), TCPIP_OK);
    start(&in, two.server, IN);
    (void)put(&two, 99);
    assert_int_equal(heard(&in), 0);
    assert_int_equal(tcpip_endpoint_readiness(two.server, IN), 0);
    assert_int_equal(get(two.server, 10), 10); /* what is there may be read all the same */
    (void)put(&two, 11);
    pair_run(&two.pair, TCPIP_SECOND);
    assert_int_equal(heard(&in), IN);
    assert_int_equal(tcpip_endpoint_readiness(two.server, IN), IN);
    two_close(&two);
}

static void the_end_is_told_to_all(void **state)
{
    (void)state;
    struct two two;
    struct listening in, rdhup, hup;
    two_open(&two);
    start(&in, two.server, IN);
    start(&rdhup, two.server, RDHUP);
    start(&hup, two.server, 0);
    assert_int_equal(tcpip_endpoint_shutdown(two.client, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
    pair_run(&two.pair, 0);
    assert_int_equal(heard(&in), IN);
    assert_int_equal(heard(&rdhup), RDHUP);
    assert_int_equal(heard(&hup), 0);
    assert_int_equal(tcpip_endpoint_readiness(two.server, ALL), IN | OUT | RDHUP);
    assert_int_equal(tcpip_endpoint_shutdown(two.server, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
    pair_run(&two.pair, TCPIP_SECOND);
    assert_int_equal(heard(&hup), HUP); /* heard though nobody asked */
    assert_int_equal(tcpip_endpoint_readiness(two.server, ALL), IN | OUT | HUP | RDHUP);
    assert_int_equal(tcpip_endpoint_readiness(two.client, 0), HUP);
    two_close(&two);
}

static void a_reset_is_told_with_its_error(void **state)
{
    (void)state;
    struct two two;
    struct listening none;
    two_open(&two);
    start(&none, two.server, 0);
    assert_int_equal(tcpip_endpoint_set_option(two.client, TCPIP_OPTION_LINGER, 0), TCPIP_OK);
    tcpip_endpoint_close(two.client);
    pair_run(&two.pair, 0);
    assert_int_equal(heard(&none), ERR | HUP);
    assert_int_equal(tcpip_endpoint_readiness(two.server, ALL), IN | OUT | ERR | HUP | RDHUP);
    assert_int_equal(get(two.server, 1), 0); /* tells it */
    assert_int_equal(tcpip_endpoint_readiness(two.server, ALL), IN | OUT | HUP | RDHUP);
    tcpip_endpoint_close(two.server);
    pair_fini(&two.pair);
}

static void connecting_is_told_by_out(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *client, *listener, *server;
    struct listening out, in;
    pair_init(&pair, NULL);
    assert_int_equal(tcpip_stack_new_endpoint(pair.a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &client), TCPIP_OK);
    assert_int_equal(tcpip_stack_new_endpoint(pair.b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_bind(listener, &pair.b4, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(listener, 1), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_readiness(client, ALL), OUT | HUP);
    start(&out, client, OUT);
    start(&in, listener, IN);
    assert_int_equal(tcpip_endpoint_connect(client, &pair.b4), TCPIP_ERR_CONNECT_STARTED);
    assert_int_equal(tcpip_endpoint_readiness(client, ALL), 0);
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(heard(&out), OUT);
    assert_int_equal(heard(&in), IN);
    assert_int_equal(tcpip_endpoint_readiness(client, ALL), OUT);
    assert_int_equal(tcpip_endpoint_readiness(listener, ALL), IN);
    assert_int_equal(tcpip_endpoint_accept(listener, &server, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_readiness(listener, ALL), 0);
    tcpip_endpoint_close(server);
    tcpip_endpoint_close(listener);
    pair_run(&pair, TCPIP_SECOND);
    tcpip_endpoint_close(client);
    pair_run(&pair, 100 * TCPIP_SECOND);
    pair_fini(&pair);
}

static void after_close_nobody_hears(void **state)
{
    (void)state;
    struct two two;
    struct listening all;
    two_open(&two);
    start(&all, two.server, ALL);
    (void)put(&two, 10);
    (void)heard(&all);
    tcpip_endpoint_close(two.server);
    tcpip_endpoint_close(two.client);
    pair_run(&two.pair, 100 * TCPIP_SECOND);
    assert_int_equal(heard(&all), 0);
    pair_fini(&two.pair);
}

struct closing {
    struct tcpip_waiter waiter;
    struct tcpip_endpoint *victim;
};

static void close_other(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct closing *closing = TCPIP_CONTAINER_OF(waiter, struct closing, waiter);
    (void)ready;
    if (closing->victim != NULL)
        tcpip_endpoint_close(closing->victim);
    closing->victim = NULL;
}

static void a_waiter_may_close_its_own_endpoint(void **state)
{
    (void)state;
    struct two two;
    two_open(&two);
    struct closing closing = {.waiter = {.mask = IN, .fn = close_other}, .victim = two.server};
    struct listening after;
    tcpip_endpoint_waiter_add(two.server, &closing.waiter);
    start(&after, two.server, IN);
    (void)put(&two, 10);
    assert_null(closing.victim);
    assert_int_equal(heard(&after), 0);
    pair_run(&two.pair, TCPIP_SECOND);
    assert_int_equal(tcpip_endpoint_readiness(two.client, ALL), IN | OUT | ERR | HUP | RDHUP); /* data was unread */
    tcpip_endpoint_close(two.client);
    pair_run(&two.pair, 100 * TCPIP_SECOND);
    pair_fini(&two.pair);
}

static void the_ready_list_tells_what_waiters_hear(void **state)
{
    (void)state;
    struct two two;
    struct tcpip_ready ready[4];
    two_open(&two);
    tcpip_endpoint_watch(two.server, IN);
    assert_int_equal(tcpip_stack_ready(two.pair.b, ready, 4), 0);
    for (int i = 0; i < 3; i++) {
        (void)put(&two, 10);
        assert_int_equal(tcpip_stack_ready(two.pair.b, ready, 4), 1);
        assert_ptr_equal(ready[0].endpoint, two.server);
        assert_int_equal(ready[0].events, IN);
        assert_int_equal(tcpip_stack_ready(two.pair.b, ready, 4), 0);
    }
    tcpip_endpoint_watch(two.server, 0);
    (void)put(&two, 10);
    assert_int_equal(tcpip_stack_ready(two.pair.b, ready, 4), 0);
    two_close(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_arrival_is_told_though_nothing_was_read),
        cmocka_unit_test(who_registers_and_then_asks_misses_nothing),
        cmocka_unit_test(one_turn_tells_once),
        cmocka_unit_test(room_is_told_to_who_found_none),
        cmocka_unit_test(the_low_water_mark_holds_the_news_back),
        cmocka_unit_test(the_end_is_told_to_all),
        cmocka_unit_test(a_reset_is_told_with_its_error),
        cmocka_unit_test(connecting_is_told_by_out),
        cmocka_unit_test(after_close_nobody_hears),
        cmocka_unit_test(a_waiter_may_close_its_own_endpoint),
        cmocka_unit_test(the_ready_list_tells_what_waiters_hear),
    };
    return cmocka_run_group_tests_name("tcp/waiter", tests, NULL, NULL);
}
