// SPDX-License-Identifier: MIT
/* poll_test.c: poll and select over our sockets and the kernel's descriptors. */
#include "socket_world.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define POLL_EVERYTHING ((short)(0x7fff & ~POLLNVAL))

static int setup(void **state)
{
    struct socket_world *w = malloc(sizeof(*w));
    struct tcpip_sockets_options options = {.size = sizeof(options),
                                            .drive = TCPIP_SOCKETS_DRIVE_CALLBACK,
                                            .private_descriptors = true,
                                            .first_descriptor = 500}; /* room for the kernel's below */
    assert_non_null(w);
    socket_world_init(w, &options);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    socket_world_fini(*state);
    free(*state);
    return 0;
}

static int poll_one(struct socket_world *w, int fd, short events, int timeout_ms)
{
    struct pollfd poll = {.fd = fd, .events = events};
    int n = tcpip_poll(w->s, &poll, 1, timeout_ms);
    assert_int_equal(n, poll.revents != 0);
    return poll.revents;
}

static void readiness_has_the_kernels_words(void **state)
{
    struct socket_world *w = *state;
    int tcp = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0), udp = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(poll_one(w, udp, POLL_EVERYTHING, 0), POLLOUT | POLLWRNORM | POLLWRBAND);
    assert_int_equal(poll_one(w, tcp, POLL_EVERYTHING, 0), POLLOUT | POLLWRNORM | POLLHUP);
    assert_int_equal(poll_one(w, tcp, 0, 0), POLLHUP);
    assert_int_equal(tcpip_listen(w->s, tcp, 1), 0);
    assert_int_equal(poll_one(w, tcp, POLL_EVERYTHING, 0), 0);
    assert_int_equal(poll_one(w, 999, POLLIN, 0), POLLNVAL);
    assert_int_equal(poll_one(w, -1, POLLIN, 0), 0);
}

static void a_connection_is_followed_to_its_end(void **state)
{
    struct socket_world *w = *state;
    int client, server;
    char room[8];
    short all = POLL_EVERYTHING, out = POLLOUT | POLLWRNORM, in = POLLIN | POLLRDNORM;
    socket_world_connect(w, &client, &server);
    assert_int_equal(poll_one(w, server, all, 0), out);
    assert_int_equal(tcpip_send(w->s, client, "x", 1, 0), 1);
    assert_int_equal(poll_one(w, server, POLLIN, -1), POLLIN);
    assert_int_equal(poll_one(w, server, all, 0), out | in);
    assert_int_equal(tcpip_recv(w->s, server, room, 8, 0), 1);
    assert_int_equal(poll_one(w, server, all, 0), out);
    assert_int_equal(tcpip_shutdown(w->s, client, SHUT_WR), 0);
    assert_int_equal(poll_one(w, server, POLLRDHUP, -1), POLLRDHUP);
    assert_int_equal(poll_one(w, server, all, 0), out | in | POLLRDHUP);
    assert_int_equal(tcpip_shutdown(w->s, server, SHUT_WR), 0);
    assert_int_equal(poll_one(w, server, all, 0), out | in | POLLRDHUP | POLLHUP);
}

static void errors_that_wait_may_be_asked_for_as_urgent(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_in nobody = loopback4(9);
    int one = 1, udp = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(tcpip_connect(w->s, udp, (struct sockaddr *)&nobody, sizeof(nobody)), 0);
    assert_int_equal(tcpip_send(w->s, udp, "x", 1, 0), 1);
    assert_int_equal(poll_one(w, udp, POLLPRI, -1), POLLERR);
    assert_int_equal(tcpip_setsockopt(w->s, udp, SOL_SOCKET, SO_SELECT_ERR_QUEUE, &one, sizeof(one)), 0);
    assert_int_equal(poll_one(w, udp, POLLPRI, 0), POLLERR | POLLPRI);
}

static void waiting_ends_when_the_time_is_over_in_the_stacks_clock(void **state)
{
    struct socket_world *w = *state;
    int udp = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
    tcpip_ns before = w->world.now;
    assert_int_equal(poll_one(w, udp, POLLIN, 1500), 0);
    assert_int_equal(w->world.now - before, 1500 * TCPIP_MS);
    assert_refused(tcpip_poll(w->s, &(struct pollfd){.fd = udp, .events = POLLIN}, 1, -1), EDEADLK);
}

static void bad_arguments_are_refused_as_the_kernel_does(void **state)
{
    struct socket_world *w = *state;
    struct timespec bad = {0, TCPIP_SECOND}, negative = {-1, 0};
    struct timeval bad_time = {0, -1};
    assert_refused(tcpip_poll(w->s, NULL, 1, 0), EFAULT);
    assert_int_equal(tcpip_poll(w->s, NULL, 0, 0), 0);
    assert_refused(tcpip_poll(w->s, (struct pollfd[1]){{.fd = -1}}, 1u << 30, 0), EINVAL);
    assert_refused(tcpip_ppoll(w->s, NULL, 0, &bad, NULL), EINVAL);
    assert_refused(tcpip_ppoll(w->s, NULL, 0, &negative, NULL), EINVAL);
    assert_refused(tcpip_select(w->s, -1, NULL, NULL, NULL, NULL), EINVAL);
    assert_refused(tcpip_select(w->s, 0, NULL, NULL, NULL, &bad_time), EINVAL);
}

static void many_descriptors_of_both_kinds_are_watched_at_once(void **state)
{
    enum { OURS = 20 };
    struct socket_world *w = *state;
    struct pollfd fds[OURS + 2];
    int event = eventfd(0, EFD_NONBLOCK), closed = 400;
    for (int i = 0; i < OURS; i++)
        fds[i] = (struct pollfd){.fd = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0), .events = POLLIN};
    fds[OURS] = (struct pollfd){.fd = event, .events = POLLIN};
    fds[OURS + 1] = (struct pollfd){.fd = closed, .events = POLLIN};
    assert_int_equal(tcpip_poll(w->s, fds, OURS + 1, 0), 0);
    assert_int_equal(eventfd_write(event, 1), 0);
    fds[0].events = POLLOUT;
    assert_int_equal(tcpip_poll(w->s, fds, OURS + 2, -1), 3);
    assert_int_equal(fds[0].revents, POLLOUT);
    assert_int_equal(fds[OURS].revents, POLLIN);
    assert_int_equal(fds[OURS + 1].revents, POLLNVAL);
    close(event);
}

static void select_counts_bits_and_says_what_time_is_left(void **state)
{
    struct socket_world *w = *state;
    int client, server, event = eventfd(1, EFD_NONBLOCK);
    struct timeval time = {2, 0};
    fd_set in, out;
    socket_world_connect(w, &client, &server);
    FD_ZERO(&in);
    FD_SET(server, &in);
    FD_ZERO(&out);
    assert_int_equal(tcpip_select(w->s, server + 1, &in, NULL, NULL, &time), 0);
    assert_int_equal(time.tv_sec + time.tv_usec, 0);
    assert_false(FD_ISSET(server, &in));
    assert_int_equal(tcpip_send(w->s, client, "x", 1, 0), 1);
    FD_SET(server, &in);
    FD_SET(client, &in);
    FD_SET(event, &in);
    FD_SET(server, &out);
    time.tv_sec = 2;
    assert_int_equal(tcpip_select(w->s, server + 1, &in, &out, NULL, &time), 3);
    assert_true(FD_ISSET(server, &in) && FD_ISSET(server, &out) && FD_ISSET(event, &in));
    assert_false(FD_ISSET(client, &in));
    assert_int_equal(time.tv_sec, 2);
    close(event);
    FD_ZERO(&in);
    FD_SET(400, &in);
    assert_refused(tcpip_select(w->s, 401, &in, NULL, NULL, NULL), EBADF);
    assert_true(FD_ISSET(400, &in)); /* as it was */
}

/* ---- threads that sleep ---- */

struct nudge {
    pthread_t thread, target;
    struct tcpip_sockets *s;
    int event, socket; /* -1: a signal instead, until it was heard */
    atomic_bool heard;
};

static void *nudge_later(void *argument)
{
    struct nudge *nudge = argument;
    usleep(30000);
    if (nudge->event >= 0)
        assert_int_equal(eventfd_write(nudge->event, 1), 0);
    else if (nudge->socket >= 0)
        assert_int_equal(tcpip_send(nudge->s, nudge->socket, "x", 1, 0), 1);
    for (; nudge->event < 0 && nudge->socket < 0 && !nudge->heard; usleep(5000))
        assert_int_equal(pthread_kill(nudge->target, SIGUSR1), 0);
    return NULL;
}

static void nudge(struct nudge *nudge, struct socket_world *w, int event, int socket)
{
    nudge->target = pthread_self();
    nudge->s = w->s;
    nudge->event = event;
    nudge->socket = socket;
    nudge->heard = false;
    assert_int_equal(pthread_create(&nudge->thread, NULL, nudge_later, nudge), 0);
}

static void nudged(struct nudge *nudge)
{
    nudge->heard = true;
    assert_int_equal(pthread_join(nudge->thread, NULL), 0);
}

static void either_kind_wakes_a_thread_that_sleeps(void **state)
{
    struct tcpip_sockets_options options = {.size = sizeof(options), .drive = TCPIP_SOCKETS_DRIVE_THREADS};
    struct socket_world w;
    struct nudge later;
    struct epoll_event event = {.events = EPOLLIN};
    int client, server, kernel = eventfd(0, EFD_NONBLOCK);
    (void)state;
    socket_world_init(&w, &options);
    socket_world_connect(&w, &client, &server);
    struct pollfd fds[] = {{server, POLLIN, 0}, {kernel, POLLIN, 0}};
    nudge(&later, &w, kernel, -1);
    assert_int_equal(tcpip_poll(w.s, fds, 2, -1), 1);
    assert_int_equal(fds[1].revents, POLLIN);
    nudged(&later);
    assert_int_equal(read(kernel, &(uint64_t){0}, 8), 8);
    nudge(&later, &w, -1, client);
    assert_int_equal(tcpip_poll(w.s, fds, 2, -1), 1);
    assert_int_equal(fds[0].revents, POLLIN);
    nudged(&later);
    int ep = tcpip_epoll_create1(w.s, 0);
    assert_int_equal(tcpip_epoll_ctl(w.s, ep, EPOLL_CTL_ADD, kernel, &event), 0);
    nudge(&later, &w, kernel, -1);
    struct pollfd outer = {ep, POLLIN, 0}; /* through an instance that is polled */
    assert_int_equal(tcpip_poll(w.s, &outer, 1, -1), 1);
    nudged(&later);
    socket_world_fini(&w);
    close(kernel);
}

static void heard(int number)
{
    (void)number;
}

static void a_signal_ends_every_wait_for_many(void **state)
{
    struct tcpip_sockets_options options = {.size = sizeof(options), .drive = TCPIP_SOCKETS_DRIVE_THREADS};
    struct sigaction action = {.sa_handler = heard, .sa_flags = SA_RESTART}, before;
    sigset_t blocked, none, mask;
    struct socket_world w;
    struct nudge later;
    struct epoll_event event;
    fd_set in;
    (void)state;
    socket_world_init(&w, &options);
    int udp = tcpip_socket(w.s, AF_INET, SOCK_DGRAM, 0), ep = tcpip_epoll_create1(w.s, 0);
    struct pollfd poll = {udp, POLLIN, 0};
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    nudge(&later, &w, -1, -1);
    assert_refused(tcpip_poll(w.s, &poll, 1, -1), EINTR);
    nudged(&later);
    nudge(&later, &w, -1, -1);
    assert_refused(tcpip_epoll_wait(w.s, ep, &event, 1, -1), EINTR);
    nudged(&later);
    /* blocked, but for the time of the wait */
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &blocked, &mask), 0);
    nudge(&later, &w, -1, -1);
    assert_refused(tcpip_ppoll(w.s, &poll, 1, NULL, &none), EINTR);
    nudged(&later);
    nudge(&later, &w, -1, -1);
    FD_ZERO(&in);
    FD_SET(udp, &in);
    assert_refused(tcpip_pselect(w.s, udp + 1, &in, NULL, NULL, NULL, &none), EINTR);
    nudged(&later);
    nudge(&later, &w, -1, -1);
    assert_refused(tcpip_epoll_pwait(w.s, ep, &event, 1, -1, &none), EINTR);
    nudged(&later);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &mask, NULL), 0);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    socket_world_fini(&w);
}

static void select_looks_at_no_more_than_there_can_be(void **state)
{
    struct socket_world *w = *state;
    struct {
        fd_set set;
        unsigned char behind[131072];
    } memory;
    struct timeval none = {0};
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    memset(&memory, 0xff, sizeof(memory));
    FD_ZERO(&memory.set);
    FD_SET(pipes[0], &memory.set);
    assert_int_equal(write(pipes[1], "x", 1), 1);
    assert_int_equal(tcpip_select(w->s, (int)sizeof(memory) * 8, &memory.set, NULL, NULL, &none), 1);
    assert_true(FD_ISSET(pipes[0], &memory.set));
    for (size_t i = 0; i < sizeof(memory.behind); i++)
        assert_int_equal(memory.behind[i], 0xff);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(readiness_has_the_kernels_words, setup, teardown),
        cmocka_unit_test_setup_teardown(a_connection_is_followed_to_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_that_wait_may_be_asked_for_as_urgent, setup, teardown),
        cmocka_unit_test_setup_teardown(waiting_ends_when_the_time_is_over_in_the_stacks_clock, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_arguments_are_refused_as_the_kernel_does, setup, teardown),
        cmocka_unit_test_setup_teardown(many_descriptors_of_both_kinds_are_watched_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(select_counts_bits_and_says_what_time_is_left, setup, teardown),
        cmocka_unit_test(either_kind_wakes_a_thread_that_sleeps),
        cmocka_unit_test(a_signal_ends_every_wait_for_many),
        cmocka_unit_test_setup_teardown(select_looks_at_no_more_than_there_can_be, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
