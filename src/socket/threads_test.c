// SPDX-License-Identifier: MIT
/* threads_test.c: calls that wait, in real time and several threads: who drives, who is woken, what ends a wait. */
#include "socket_world.h"

#include "socket/sockets.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct threads {
    struct socket_world w;
    int a, b;
    atomic_int started;
    ssize_t result;
    int number;
};

static int setup_drive(void **state, bool no_background)
{
    struct tcpip_sockets_options options = {.size = sizeof(options), .no_background = no_background};
    struct threads *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    socket_world_init(&t->w, &options);
    *state = t;
    return 0;
}

static int setup(void **state)
{
    return setup_drive(state, false);
}

static int setup_no_background(void **state)
{
    return setup_drive(state, true);
}

static int teardown(void **state)
{
    struct threads *t = *state;
    socket_world_fini(&t->w);
    free(t);
    return 0;
}

static void *echo(void *argument)
{
    struct threads *t = argument;
    char room[64];
    for (ssize_t got; (got = tcpip_recv(t->w.s, t->b, room, sizeof(room), 0)) > 0;)
        assert_int_equal(tcpip_send(t->w.s, t->b, room, (size_t)got, 0), got);
    return NULL;
}

static void two_threads_exchange_messages(void **state)
{
    struct threads *t = *state;
    pthread_t thread;
    socket_world_connect(&t->w, &t->a, &t->b);
    assert_int_equal(pthread_create(&thread, NULL, echo, t), 0);
    for (int i = 0; i < 1000; i++) {
        int back = -1;
        assert_int_equal(tcpip_send(t->w.s, t->a, &i, sizeof(i), 0), sizeof(i));
        assert_int_equal(tcpip_recv(t->w.s, t->a, &back, sizeof(back), MSG_WAITALL), sizeof(back));
        assert_int_equal(back, i);
    }
    assert_int_equal(tcpip_shutdown(t->w.s, t->a, SHUT_WR), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void *receive_one(void *argument)
{
    struct threads *t = argument;
    char room[64];
    atomic_store(&t->started, 1);
    t->result = tcpip_recv(t->w.s, t->b, room, sizeof(room), 0);
    t->number = errno;
    return NULL;
}

/* Until the other thread sleeps in its call. */
static void await_sleeper(struct threads *t)
{
    struct timespec moment = {0, 100000};
    for (bool asleep = false; !asleep; nanosleep(&moment, NULL)) {
        tcpip_sockets_lock(t->w.s);
        asleep = !list_empty(&t->w.s->drive.waits);
        tcpip_sockets_unlock(t->w.s);
    }
}

static void closing_a_descriptor_leaves_the_call_under_way_alone(void **state)
{
    struct threads *t = *state;
    pthread_t thread;
    socket_world_connect(&t->w, &t->a, &t->b);
    assert_int_equal(pthread_create(&thread, NULL, receive_one, t), 0);
    await_sleeper(t);
    assert_int_equal(tcpip_close(t->w.s, t->b), 0);
    assert_int_equal(tcpip_send(t->w.s, t->a, "x", 1, 0), 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(t->result, 1);
}

static void shutdown_ends_a_call_that_waits(void **state)
{
    struct threads *t = *state;
    pthread_t thread;
    socket_world_connect(&t->w, &t->a, &t->b);
    assert_int_equal(pthread_create(&thread, NULL, receive_one, t), 0);
    await_sleeper(t);
    assert_int_equal(tcpip_shutdown(t->w.s, t->b, SHUT_RD), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(t->result, 0);
}

static void signal_heard(int number)
{
    (void)number;
}

static void signal_ends_a_call_unless_it_restarts(void **state)
{
    struct threads *t = *state;
    pthread_t thread;
    struct sigaction action = {.sa_handler = signal_heard, .sa_flags = SA_RESTART};
    socket_world_connect(&t->w, &t->a, &t->b);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, receive_one, t), 0);
    await_sleeper(t);
    assert_int_equal(pthread_kill(thread, SIGUSR1), 0);
    assert_int_equal(tcpip_send(t->w.s, t->a, "x", 1, 0), 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(t->result, 1);
    action.sa_flags = 0;
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, receive_one, t), 0);
    await_sleeper(t);
    /* One that comes just before the thread goes to sleep doesn't end the sleep: again. */
    struct timespec moment = {0, 10000000};
    do
        assert_int_equal(pthread_kill(thread, SIGUSR1), 0);
    while (pthread_tryjoin_np(thread, NULL) != 0 && nanosleep(&moment, NULL) <= 0);
    assert_int_equal(t->result, -1);
    assert_int_equal(t->number, EINTR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_threads_exchange_messages, setup, teardown),
        cmocka_unit_test_setup_teardown(two_threads_exchange_messages, setup_no_background, teardown),
        cmocka_unit_test_setup_teardown(closing_a_descriptor_leaves_the_call_under_way_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(shutdown_ends_a_call_that_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(signal_ends_a_call_unless_it_restarts, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
