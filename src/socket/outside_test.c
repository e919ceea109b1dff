// SPDX-License-Identifier: MIT
/* outside_test.c: somebody else drives: calls of other threads sleep until the stack tells them, and time is its own.
 */
#include "socket_world.h"

#include "socket/sockets.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include <cmocka.h>

struct outside {
    struct socket_world w;
    int a, b;
    pthread_t driver; /* which mustn't sleep */
    atomic_int wakes;
    ssize_t result;
    int number;
    tcpip_ns ended_at;
};

static bool outside_may_sleep(void *ctx, tcpip_ns until)
{
    struct outside *t = ctx;
    (void)until;
    return !pthread_equal(pthread_self(), t->driver);
}

static void outside_wake(void *ctx)
{
    struct outside *t = ctx;
    atomic_fetch_add(&t->wakes, 1);
}

static int setup(void **state)
{
    struct outside *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    struct tcpip_sockets_options options = {
        .size = sizeof(options),
        .drive = TCPIP_SOCKETS_DRIVE_OUTSIDE,
        .private_descriptors = true,
        .step = outside_may_sleep,
        .wake = outside_wake,
        .ctx = t,
    };
    t->driver = pthread_self();
    socket_world_init(&t->w, &options);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct outside *t = *state;
    socket_world_fini(&t->w);
    free(t);
    return 0;
}

/* A pair that is connected without waiting. */
static void connect_pair(struct outside *t)
{
    struct sockaddr_in address = loopback4(7000);
    struct tcpip_sockets *s = t->w.s;
    int listener = tcpip_socket(s, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(tcpip_bind(s, listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(tcpip_listen(s, listener, 1), 0);
    t->a = tcpip_socket(s, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(tcpip_connect(s, t->a, (struct sockaddr *)&address, sizeof(address)), 0);
    t->b = tcpip_accept(s, listener, NULL, NULL);
    assert_true(t->b >= 0);
}

static void *receive_one(void *argument)
{
    struct outside *t = argument;
    char room[8];
    t->result = tcpip_recv(t->w.s, t->b, room, sizeof(room), 0);
    t->number = errno;
    tcpip_sockets_lock(t->w.s);
    t->ended_at = tcpip_stack_now(t->w.stack);
    tcpip_sockets_unlock(t->w.s);
    return NULL;
}

static void await_sleeper(struct outside *t)
{
    struct timespec moment = {0, 100000};
    for (bool asleep = false; !asleep; nanosleep(&moment, NULL)) {
        tcpip_sockets_lock(t->w.s);
        struct tcpip_list_node *first = list_first(&t->w.s->drive.waits);
        asleep = first != NULL && list_entry(first, struct wait, node)->asleep;
        tcpip_sockets_unlock(t->w.s);
    }
}

static void who_drives_may_not_sleep(void **state)
{
    struct outside *t = *state;
    char room[1];
    connect_pair(t);
    assert_refused(tcpip_recv(t->w.s, t->b, room, 1, 0), EDEADLK);
    assert_refused(tcpip_recv(t->w.s, t->b, room, 1, MSG_DONTWAIT), EAGAIN);
}

static void a_call_sleeps_until_data_come(void **state)
{
    struct outside *t = *state;
    pthread_t thread;
    connect_pair(t);
    assert_int_equal(pthread_create(&thread, NULL, receive_one, t), 0);
    await_sleeper(t);
    assert_int_equal(tcpip_send(t->w.s, t->a, "abc", 3, 0), 3);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(t->result, 3);
    assert_int_equal(t->ended_at, t->w.world.now);
}

static void a_timeout_is_a_timer_of_the_stack(void **state)
{
    struct outside *t = *state;
    pthread_t thread;
    struct timeval value = {.tv_sec = 7};
    connect_pair(t);
    assert_int_equal(tcpip_setsockopt(t->w.s, t->b, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof(value)), 0);
    tcpip_sockets_lock(t->w.s);
    socket_world_run(&t->w, 600 * TCPIP_SECOND); /* nothing is left to do */
    tcpip_sockets_unlock(t->w.s);
    tcpip_ns before = t->w.world.now;
    atomic_store(&t->wakes, 0);
    assert_int_equal(pthread_create(&thread, NULL, receive_one, t), 0);
    await_sleeper(t);
    assert_int_equal(atomic_load(&t->wakes), 1); /* the driver must hear of the deadline */
    tcpip_sockets_lock(t->w.s);
    assert_int_equal(tcpip_stack_deadline(t->w.stack), before + 7 * TCPIP_SECOND);
    socket_world_run(&t->w, 7 * TCPIP_SECOND);
    tcpip_sockets_unlock(t->w.s);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(t->result, -1);
    assert_int_equal(t->number, EAGAIN);
    assert_int_equal(t->ended_at, before + 7 * TCPIP_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_drives_may_not_sleep, setup, teardown),
        cmocka_unit_test_setup_teardown(a_call_sleeps_until_data_come, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timeout_is_a_timer_of_the_stack, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
