// SPDX-License-Identifier: MIT
/* sleepers_test.c: calls that sleep while what they watch changes under them; no call may sleep through it, or spin. */
#include "socket_world.h"

#include "socket/sockets.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEST_SECONDS = 20 }; /* a call that never returns ends the program */

static int setup(void **state)
{
    struct tcpip_sockets_options options = {.size = sizeof(options), .drive = TCPIP_SOCKETS_DRIVE_THREADS};
    struct socket_world *w = malloc(sizeof(*w));
    assert_non_null(w);
    socket_world_init(w, &options);
    *state = w;
    (void)alarm(TEST_SECONDS);
    return 0;
}

static int teardown(void **state)
{
    (void)alarm(0);
    socket_world_fini(*state);
    free(*state);
    return 0;
}

static void add(struct socket_world *w, int epfd, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    assert_int_equal(tcpip_epoll_ctl(w->s, epfd, EPOLL_CTL_ADD, fd, &event), 0);
}

static void write_one(int fd)
{
    static const uint64_t one = 1;
    assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

/* ---- threads that sleep ---- */

struct sleeping {
    struct tcpip_sockets *s;
    int epfd;
    bool by_poll;
    int result;
    pthread_t thread;
};

static void *sleep_on_instance(void *argument)
{
    struct sleeping *t = argument;
    struct epoll_event event;
    struct pollfd poll = {.fd = t->epfd, .events = POLLIN};
    t->result = t->by_poll ? tcpip_poll(t->s, &poll, 1, -1) : tcpip_epoll_wait(t->s, t->epfd, &event, 1, -1);
    return NULL;
}

static void await_sleepers(struct tcpip_sockets *s, size_t count)
{
    for (size_t asleep = 0; asleep < count;) {
        asleep = 0;
        tcpip_sockets_lock(s);
        list_for_each(node, &s->drive.waits)
        {
            struct wait *wait = list_entry(node, struct wait, node);
            asleep += !wait->signalled && (wait->asleep || (s->drive.driver == wait && s->drive.driver_asleep));
        }
        tcpip_sockets_unlock(s);
    }
}

static void fall_asleep(struct socket_world *w, struct sleeping threads[2], int epfd, bool by_poll)
{
    for (int i = 0; i < 2; i++) {
        threads[i] = (struct sleeping){.s = w->s, .epfd = epfd, .by_poll = by_poll};
        assert_int_equal(pthread_create(&threads[i].thread, NULL, sleep_on_instance, &threads[i]), 0);
    }
    await_sleepers(w->s, 2);
}

static void all_wake_up(struct sleeping threads[2])
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
        assert_int_equal(threads[i].result, 1);
    }
}

static void the_first_of_the_kernels_descriptors_is_heard_by_who_sleeps_already(void **state)
{
    struct socket_world *w = *state;
    struct sleeping threads[2];
    for (int by_poll = 0; by_poll < 2; by_poll++) {
        int epfd = tcpip_epoll_create1(w->s, 0), event = eventfd(0, EFD_CLOEXEC);
        fall_asleep(w, threads, epfd, by_poll != 0);
        add(w, epfd, event, EPOLLIN);
        await_sleepers(w->s, 2);
        write_one(event);
        all_wake_up(threads);
        assert_int_equal(tcpip_close(w->s, epfd), 0);
        close(event);
    }
}

static void what_a_nested_instance_watches_is_heard_by_who_sleeps_already(void **state)
{
    struct socket_world *w = *state;
    struct sleeping threads[2];
    for (int by_poll = 0; by_poll < 2; by_poll++) {
        int outer = tcpip_epoll_create1(w->s, 0), inner = tcpip_epoll_create1(w->s, 0);
        int event = eventfd(0, EFD_CLOEXEC);
        add(w, inner, event, EPOLLIN);
        fall_asleep(w, threads, outer, by_poll != 0);
        add(w, outer, inner, EPOLLIN);
        await_sleepers(w->s, 2);
        write_one(event);
        all_wake_up(threads);
        assert_int_equal(tcpip_close(w->s, outer), 0);
        assert_int_equal(tcpip_close(w->s, inner), 0);
        close(event);
    }
}

/* ---- signals ---- */

static atomic_int signals_handled;

static void count_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals_handled, 1);
}

struct receiving {
    struct tcpip_sockets *s;
    int fd, number;
};

static void *receive_until_signalled(void *argument)
{
    struct receiving *t = argument;
    char byte;
    t->number = tcpip_recv(t->s, t->fd, &byte, 1, 0) < 0 ? errno : 0;
    return NULL;
}

static void a_signal_counts_that_comes_with_something_else(void **state)
{
    struct socket_world *w = *state;
    struct sigaction action = {.sa_handler = count_signal}, before;
    struct receiving receiving = {.s = w->s, .fd = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0)};
    pthread_t thread;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    assert_int_equal(pthread_create(&thread, NULL, receive_until_signalled, &receiving), 0);
    await_sleepers(w->s, 1);
    tcpip_sockets_lock(w->s);
    assert_int_equal(pthread_kill(thread, SIGUSR1), 0);
    while (atomic_load(&signals_handled) == 0) {
    }
    list_for_each(node, &w->s->drive.waits) tcpip__wait_signal(list_entry(node, struct wait, node));
    tcpip_sockets_unlock(w->s);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(receiving.number, EINTR);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* ---- what is ready and not asked for ---- */

static void what_is_not_asked_for_lets_the_time_pass(void **state)
{
    struct socket_world *w = *state;
    struct epoll_event told[4];
    int outer = tcpip_epoll_create1(w->s, 0), inner = tcpip_epoll_create1(w->s, 0), event = eventfd(0, EFD_CLOEXEC);
    struct pollfd poll = {.fd = inner, .events = 0};
    add(w, inner, event, EPOLLIN);
    write_one(event);
    assert_int_equal(tcpip_poll(w->s, &poll, 1, 20), 0);
    add(w, outer, inner, EPOLLIN | EPOLLONESHOT);
    assert_int_equal(tcpip_epoll_wait(w->s, outer, told, 4, -1), 1);
    assert_int_equal(tcpip_epoll_wait(w->s, outer, told, 4, 20), 0);
    close(event);
}

static void an_edge_of_a_nested_instance_is_told_once(void **state)
{
    struct socket_world *w = *state;
    struct epoll_event told[4];
    int outer = tcpip_epoll_create1(w->s, 0), inner = tcpip_epoll_create1(w->s, 0), event = eventfd(0, EFD_CLOEXEC);
    add(w, inner, event, EPOLLIN);
    add(w, outer, inner, EPOLLIN | EPOLLET);
    write_one(event);
    assert_int_equal(tcpip_epoll_wait(w->s, outer, told, 4, -1), 1);
    assert_int_equal(tcpip_epoll_wait(w->s, outer, told, 4, 20), 0);
    write_one(event); /* once more, though it was readable all the time */
    assert_int_equal(tcpip_epoll_wait(w->s, outer, told, 4, -1), 1);
    assert_int_equal(told[0].data.fd, inner);
    assert_int_equal(tcpip_epoll_wait(w->s, outer, told, 4, 20), 0);
    struct epoll_event level = {.events = EPOLLIN, .data.fd = inner};
    assert_int_equal(tcpip_epoll_ctl(w->s, outer, EPOLL_CTL_MOD, inner, &level), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tcpip_epoll_wait(w->s, outer, told, 4, 20), 1);
    assert_int_equal(tcpip_epoll_ctl(w->s, outer, EPOLL_CTL_DEL, inner, NULL), 0);
    assert_int_equal(tcpip_epoll_wait(w->s, outer, told, 4, 20), 0);
    close(event);
}

/* ---- limits ---- */

static void more_entries_than_a_process_may_open_are_refused(void **state)
{
    enum { MANY = 1100 };
    struct socket_world *w = *state;
    struct pollfd fds[MANY];
    struct rlimit before, few;
    int event = eventfd(0, EFD_CLOEXEC);
    for (int i = 0; i < MANY; i++)
        fds[i] = (struct pollfd){.fd = event, .events = POLLIN};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 1024;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_refused(tcpip_poll(w->s, fds, MANY, 10), EINVAL);
    assert_int_equal(tcpip_poll(w->s, fds, 1000, 10), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_of_the_kernels_descriptors_is_heard_by_who_sleeps_already, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_a_nested_instance_watches_is_heard_by_who_sleeps_already, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_asked_for_lets_the_time_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(an_edge_of_a_nested_instance_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(more_entries_than_a_process_may_open_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_signal_counts_that_comes_with_something_else, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
