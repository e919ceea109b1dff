// SPDX-License-Identifier: MIT
/* lend_test.c: received data that are lent: what is in them, who waits for them, and that they outlive the socket. */
#include "socket_world.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RUNS = 64 };

static void what_was_sent_is_lent_until_it_is_given_back(void **state)
{
    struct socket_world *w = *state;
    static uint8_t data[30000];
    struct tcpip_received runs[RUNS];
    int client, server;
    size_t count = RUNS, at = 0;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 131 + (i >> 8));
    socket_world_connect(w, &client, &server);
    assert_int_equal(tcpip_send(w->s, client, data, sizeof(data), 0), sizeof(data));
    socket_world_run(w, 0);
    ssize_t got = tcpip_recv_lent(w->s, server, runs, &count, 1 << 20, 0);
    assert_int_equal(got, sizeof(data));
    assert_in_range(count, 1, RUNS);
    assert_refused(tcpip_recv(w->s, server, data, 1, MSG_DONTWAIT), EAGAIN); /* consumed */
    assert_int_equal(tcpip_close(w->s, server), 0);
    assert_int_equal(tcpip_close(w->s, client), 0);
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(runs[i].data, data + at, runs[i].size);
        at += runs[i].size;
    }
    assert_int_equal(at, sizeof(data));
    for (size_t i = count; i-- > 0;) /* in any order */
        tcpip_give_back(w->s, &runs[i], 1);
}

static void so_many_runs_and_bytes_as_asked_for(void **state)
{
    struct socket_world *w = *state;
    struct tcpip_received runs[RUNS];
    int client, server;
    size_t count = 1;
    socket_world_connect(w, &client, &server);
    assert_int_equal(tcpip_send(w->s, client, "hello", 5, 0), 5);
    assert_int_equal(tcpip_recv_lent(w->s, server, runs, &count, 2, 0), 2);
    assert_int_equal(count, 1);
    assert_memory_equal(runs[0].data, "he", 2);
    tcpip_give_back(w->s, runs, count);
    count = RUNS;
    assert_int_equal(tcpip_recv_lent(w->s, server, runs, &count, 100, 0), 3);
    assert_memory_equal(runs[0].data, "llo", 3);
    tcpip_give_back(w->s, runs, count);
    count = RUNS;
    assert_refused(tcpip_recv_lent(w->s, server, runs, &count, 100, MSG_DONTWAIT), EAGAIN);
    assert_int_equal(count, 0);
    count = 0;
    assert_refused(tcpip_recv_lent(w->s, server, runs, &count, 100, 0), EINVAL);
    count = RUNS;
    assert_refused(tcpip_recv_lent(w->s, server, runs, &count, 100, MSG_PEEK), EINVAL);
    assert_int_equal(tcpip_shutdown(w->s, client, SHUT_WR), 0);
    count = RUNS;
    assert_int_equal(tcpip_recv_lent(w->s, server, runs, &count, 100, 0), 0); /* waits for the end */
    assert_int_equal(count, 0);
    count = RUNS;
    assert_refused(tcpip_recv_lent(w->s, 4711, runs, &count, 100, 0), EBADF);
}

static void datagrams_are_lent_one_by_one(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_in address = loopback4(7000);
    struct tcpip_received runs[RUNS];
    int fd = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0), from = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0), pair[2];
    assert_int_equal(tcpip_bind(w->s, fd, (struct sockaddr *)&address, sizeof(address)), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            tcpip_sendto(w->s, from, i == 0 ? "one" : "two", 3, 0, (struct sockaddr *)&address, sizeof(address)), 3);
    for (int i = 0; i < 2; i++) {
        size_t count = RUNS;
        assert_int_equal(tcpip_recv_lent(w->s, fd, runs, &count, 100, 0), 3);
        assert_int_equal(count, 1);
        assert_memory_equal(runs[0].data, i == 0 ? "one" : "two", 3);
        tcpip_give_back(w->s, runs, count);
    }
    assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_STREAM, 0, pair), 0);
    size_t count = RUNS;
    assert_refused(tcpip_recv_lent(w->s, pair[0], runs, &count, 100, 0), EOPNOTSUPP);
}

/* ---- threads ---- */

struct returning {
    struct tcpip_sockets *s;
    struct tcpip_received runs[RUNS];
    size_t count;
};

static void *give_back(void *ctx)
{
    struct returning *returning = ctx;
    for (size_t i = 0; i < returning->count; i++)
        tcpip_give_back(returning->s, &returning->runs[i], 1);
    return NULL;
}

static void another_thread_may_give_back(void **state)
{
    (void)state;
    struct tcpip_sockets_options options = {
        .size = sizeof(options), .drive = TCPIP_SOCKETS_DRIVE_THREADS, .private_descriptors = true};
    struct socket_world w;
    static uint8_t data[20000];
    int client, server;
    pthread_t thread;
    socket_world_init(&w, &options);
    socket_world_connect(&w, &client, &server);
    for (int round = 0; round < 50; round++) {
        struct returning returning = {.s = w.s};
        size_t got = 0;
        assert_int_equal(tcpip_send(w.s, client, data, sizeof(data), 0), sizeof(data));
        while (got < sizeof(data)) {
            size_t count = RUNS - returning.count;
            ssize_t done =
                tcpip_recv_lent(w.s, server, returning.runs + returning.count, &count, sizeof(data) - got, 0);
            assert_true(done > 0);
            returning.count += count;
            got += (size_t)done;
        }
        assert_int_equal(pthread_create(&thread, NULL, give_back, &returning), 0);
        assert_int_equal(tcpip_send(w.s, server, data, 100, 0), 100);
        assert_int_equal(tcpip_recv(w.s, client, data, 100, MSG_WAITALL), 100);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    assert_int_equal(tcpip_close(w.s, client), 0);
    assert_int_equal(tcpip_close(w.s, server), 0);
    socket_world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_sent_is_lent_until_it_is_given_back, socket_world_setup,
                                        socket_world_teardown),
        cmocka_unit_test_setup_teardown(so_many_runs_and_bytes_as_asked_for, socket_world_setup, socket_world_teardown),
        cmocka_unit_test_setup_teardown(datagrams_are_lent_one_by_one, socket_world_setup, socket_world_teardown),
        cmocka_unit_test(another_thread_may_give_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
