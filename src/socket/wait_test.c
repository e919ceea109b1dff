// SPDX-License-Identifier: MIT
/* wait_test.c: calls that wait, in virtual time: for how long, for how much, and what ends them. */
#include "socket_world.h"

#include "socket/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <tcpip/loop.h>

#include <cmocka.h>

struct waits {
    struct socket_world w;
    struct tcpip_env env;
    struct tcpip_link *nowhere; /* 10.0.0.1/8, where nobody answers */
    int a, b;
    int64_t act_at; /* on_step acts once, in the first step not before this */
    void (*act)(struct waits *t);
    struct tcpip_endpoint *writer; /* a's */
    const struct open_file *watched;
    bool heard;
};

static void waits_step(struct socket_world *w)
{
    struct waits *t = w->user;
    if (t->act == NULL || w->world.now < t->act_at)
        return;
    void (*act)(struct waits *) = t->act;
    t->act = NULL;
    act(t);
}

static int setup(void **state)
{
    struct waits *t = calloc(1, sizeof(*t));
    struct tcpip_prefix prefix;
    assert_non_null(t);
    tcpip_posix_env(&t->env);
    t->nowhere = tcpip_channel_new(&t->env, NULL);
    assert_non_null(t->nowhere);
    socket_world_init(&t->w, NULL);
    t->w.user = t;
    assert_int_equal(tcpip_stack_create_nic(t->w.stack, 2, t->nowhere, NULL), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("10.0.0.1/8", &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(t->w.stack, 2, &prefix, NULL), TCPIP_OK);
    struct tcpip_route_entry route = {.destination = prefix, .nic = 2};
    assert_int_equal(tcpip_stack_add_route(t->w.stack, &route), TCPIP_OK);
    socket_world_connect(&t->w, &t->a, &t->b);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct waits *t = *state;
    for (struct tcpip_packet *packet; (packet = tcpip_channel_collect(t->nowhere)) != NULL;)
        tcpip_packet_free(packet);
    socket_world_fini(&t->w);
    tcpip_channel_free(t->nowhere);
    free(t);
    return 0;
}

static void set_timeout(struct waits *t, int fd, int name, long ms)
{
    struct timeval value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    assert_int_equal(tcpip_setsockopt(t->w.s, fd, SOL_SOCKET, name, &value, sizeof(value)), 0);
}

static void set_number(struct waits *t, int fd, int level, int name, int value)
{
    assert_int_equal(tcpip_setsockopt(t->w.s, fd, level, name, &value, sizeof(value)), 0);
}

/* `act` while the next call waits, after_ms from now. */
static void meanwhile(struct waits *t, int64_t after_ms, void (*act)(struct waits *t))
{
    t->w.on_step = waits_step;
    t->act = act;
    t->act_at = t->w.world.now + after_ms * TCPIP_MS;
}

static struct sockaddr_in nowhere(void)
{
    struct sockaddr_in address = loopback4(9);
    address.sin_addr.s_addr = htonl(0x0a000002);
    return address;
}

/* ---- time ---- */

static void receiving_ends_when_its_time_is_over(void **state)
{
    struct waits *t = *state;
    char room[4];
    set_timeout(t, t->b, SO_RCVTIMEO, 1500);
    tcpip_ns before = t->w.world.now;
    assert_refused(tcpip_recv(t->w.s, t->b, room, 4, 0), EAGAIN);
    assert_int_equal(t->w.world.now - before, 1500 * TCPIP_MS);
    assert_int_equal(tcpip_send(t->w.s, t->a, "ab", 2, 0), 2);
    assert_int_equal(tcpip_recv(t->w.s, t->b, room, 4, MSG_WAITALL), 2); /* what came meanwhile */
}

static void sending_ends_when_its_time_is_over(void **state)
{
    static const char data[4000000];
    struct waits *t = *state;
    set_timeout(t, t->a, SO_SNDTIMEO, 700);
    tcpip_ns before = t->w.world.now;
    ssize_t sent = tcpip_send(t->w.s, t->a, data, sizeof(data), 0);
    assert_true(sent > 0 && sent < (ssize_t)sizeof(data));
    while (sent > 0) { /* a little room isn't worth waking for, but it is taken */
        assert_true(t->w.world.now - before >= 700 * TCPIP_MS);
        before = t->w.world.now;
        sent = tcpip_send(t->w.s, t->a, data, sizeof(data), 0);
    }
    assert_int_equal(sent, -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(t->w.world.now - before, 700 * TCPIP_MS);
}

static void accepting_ends_when_its_time_is_over(void **state)
{
    struct waits *t = *state;
    int listener = tcpip_socket(t->w.s, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(tcpip_listen(t->w.s, listener, 1), 0);
    set_timeout(t, listener, SO_RCVTIMEO, 20);
    assert_refused(tcpip_accept(t->w.s, listener, NULL, NULL), EAGAIN);
}

static void connecting_ends_when_its_time_is_over(void **state)
{
    struct waits *t = *state;
    struct sockaddr_in address = nowhere();
    int fd = tcpip_socket(t->w.s, AF_INET, SOCK_STREAM, 0);
    set_timeout(t, fd, SO_SNDTIMEO, 5000);
    tcpip_ns before = t->w.world.now;
    assert_refused(tcpip_connect(t->w.s, fd, (struct sockaddr *)&address, sizeof(address)), EINPROGRESS);
    assert_int_equal(t->w.world.now - before, 5000 * TCPIP_MS);
    assert_refused(tcpip_connect(t->w.s, fd, (struct sockaddr *)&address, sizeof(address)), EALREADY);
    set_timeout(t, fd, SO_SNDTIMEO, 0);
    assert_refused(tcpip_connect(t->w.s, fd, (struct sockaddr *)&address, sizeof(address)), ETIMEDOUT);
    assert_int_equal(tcpip_fcntl(t->w.s, fd, F_SETFL, O_NONBLOCK), 0);
    assert_refused(tcpip_connect(t->w.s, fd, (struct sockaddr *)&address, sizeof(address)), EINPROGRESS);
    assert_refused(tcpip_connect(t->w.s, fd, (struct sockaddr *)&address, sizeof(address)), EALREADY);
}

static void nothing_will_ever_happen_is_a_deadlock(void **state)
{
    struct waits *t = *state;
    char room[4];
    socket_world_run(&t->w, 600 * TCPIP_SECOND);
    assert_refused(tcpip_recv(t->w.s, t->b, room, 4, 0), EDEADLK);
}

/* ---- how much ---- */

/* In the step, where the lock is held: on the stack itself. */
static void act_send_four(struct waits *t)
{
    size_t done;
    struct tcpip_endpoint *endpoint = t->writer;
    assert_int_equal(tcpip_endpoint_write(endpoint, "4567", 4, 0, NULL, &done), TCPIP_OK);
}

static void waitall_waits_for_all(void **state)
{
    struct waits *t = *state;
    char room[8];
    assert_int_equal(tcpip_send(t->w.s, t->a, "0123", 4, 0), 4);
    t->writer = tcpip_socket_endpoint(t->w.s, t->a);
    meanwhile(t, 0, act_send_four);
    assert_int_equal(tcpip_recv(t->w.s, t->b, room, 8, MSG_WAITALL), 8);
    assert_memory_equal(room, "01234567", 8);
    assert_int_equal(tcpip_send(t->w.s, t->a, "0123", 4, 0), 4);
    assert_int_equal(tcpip_recv(t->w.s, t->b, room, 4, MSG_PEEK | MSG_WAITALL), 4);
    assert_int_equal(tcpip_shutdown(t->w.s, t->a, SHUT_WR), 0);
    assert_int_equal(tcpip_recv(t->w.s, t->b, room, 8, MSG_PEEK | MSG_WAITALL), 4);
    assert_int_equal(tcpip_recv(t->w.s, t->b, room, 8, MSG_WAITALL), 4); /* the end comes before all */
    assert_memory_equal(room, "0123", 4);
    assert_int_equal(tcpip_recv(t->w.s, t->b, room, 8, MSG_WAITALL), 0);
}

static void a_low_water_mark_is_waited_for(void **state)
{
    struct waits *t = *state;
    char room[8];
    set_number(t, t->b, SOL_SOCKET, SO_RCVLOWAT, 6);
    set_timeout(t, t->b, SO_RCVTIMEO, 100);
    assert_int_equal(tcpip_send(t->w.s, t->a, "0123", 4, 0), 4);
    tcpip_ns before = t->w.world.now;
    assert_int_equal(tcpip_recv(t->w.s, t->b, room, 3, 0), 3); /* no more than was asked for */
    assert_int_equal(t->w.world.now, before);
    assert_int_equal(tcpip_recv(t->w.s, t->b, room, 8, 0), 1); /* when the time is over */
    assert_int_equal(t->w.world.now - before, 100 * TCPIP_MS);
}

static void peeking_takes_nothing_and_truncating_takes_all(void **state)
{
    struct waits *t = *state;
    char room[8] = "........";
    struct iovec pieces[2] = {{room, 2}, {room + 4, 2}};
    struct msghdr header = {.msg_iov = pieces, .msg_iovlen = 2};
    assert_int_equal(tcpip_send(t->w.s, t->a, "0123456789", 10, 0), 10);
    assert_int_equal(tcpip_recvmsg(t->w.s, t->b, &header, MSG_PEEK), 4);
    assert_memory_equal(room, "01..23..", 8);
    assert_int_equal(tcpip_recv(t->w.s, t->b, NULL, 3, MSG_TRUNC), 3);
    assert_int_equal(tcpip_recv(t->w.s, t->b, room, 8, 0), 7);
    assert_memory_equal(room, "3456789", 7);
}

/* ---- what else ends it ---- */

static volatile sig_atomic_t pipe_signals;

static void pipe_heard(int number)
{
    (void)number;
    pipe_signals++;
    errno = 0;
}

static void sending_into_a_closed_pipe_is_told_by_a_signal_too(void **state)
{
    struct waits *t = *state;
    struct sigaction action = {.sa_handler = pipe_heard}, before;
    struct iovec piece = {"x", 1};
    struct mmsghdr many = {.msg_hdr = {.msg_iov = &piece, .msg_iovlen = 1}};
    assert_int_equal(sigaction(SIGPIPE, &action, &before), 0);
    assert_int_equal(tcpip_shutdown(t->w.s, t->a, SHUT_WR), 0);
    pipe_signals = 0;
    assert_refused(tcpip_send(t->w.s, t->a, "x", 1, MSG_NOSIGNAL), EPIPE);
    assert_int_equal(pipe_signals, 0);
    assert_refused(tcpip_send(t->w.s, t->a, "x", 1, 0), EPIPE);
    assert_refused(tcpip_write(t->w.s, t->a, "x", 1), EPIPE);
    assert_refused(tcpip_writev(t->w.s, t->a, &piece, 1), EPIPE);
    assert_refused(tcpip_sendmmsg(t->w.s, t->a, &many, 1, 0), EPIPE);
    assert_int_equal(pipe_signals, 4);
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
}

static void what_was_done_before_an_error_is_the_answer(void **state)
{
    struct waits *t = *state;
    char room[8];
    struct linger reset = {.l_onoff = 1};
    assert_int_equal(tcpip_send(t->w.s, t->a, "0123", 4, 0), 4);
    assert_int_equal(tcpip_setsockopt(t->w.s, t->a, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    assert_int_equal(tcpip_close(t->w.s, t->a), 0);
    assert_int_equal(tcpip_recv(t->w.s, t->b, room, 8, MSG_WAITALL), 4);
    assert_refused(tcpip_recv(t->w.s, t->b, room, 8, MSG_WAITALL), ECONNRESET);
    assert_int_equal(tcpip_recv(t->w.s, t->b, room, 8, MSG_WAITALL), 0);
}

/* ---- close ---- */

static void lingering_waits_for_the_acknowledgment(void **state)
{
    struct waits *t = *state;
    struct linger linger = {.l_onoff = 1, .l_linger = 10};
    assert_int_equal(tcpip_setsockopt(t->w.s, t->a, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(tcpip_fcntl(t->w.s, t->a, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(tcpip_send(t->w.s, t->a, "x", 1, 0), 1);
    tcpip_ns before = t->w.world.now;
    assert_int_equal(tcpip_close(t->w.s, t->a), 0);
    assert_in_range(t->w.world.now - before, 0, TCPIP_SECOND);
}

static void lingering_ends_when_its_time_is_over(void **state)
{
    struct waits *t = *state;
    struct linger linger = {.l_onoff = 1, .l_linger = 10};
    assert_int_equal(tcpip_setsockopt(t->w.s, t->a, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(tcpip_stack_disable_nic(t->w.stack, 1), TCPIP_OK);
    assert_int_equal(tcpip_send(t->w.s, t->a, "x", 1, 0), 1);
    tcpip_ns before = t->w.world.now;
    assert_int_equal(tcpip_close(t->w.s, t->a), 0);
    assert_int_equal(t->w.world.now - before, 10 * TCPIP_SECOND);
}

static void what_is_unread_at_close_resets(void **state)
{
    struct waits *t = *state;
    struct linger linger = {.l_onoff = 1, .l_linger = 10};
    char room[1];
    assert_int_equal(tcpip_setsockopt(t->w.s, t->b, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(tcpip_send(t->w.s, t->a, "x", 1, 0), 1);
    tcpip_ns before = t->w.world.now;
    assert_int_equal(tcpip_close(t->w.s, t->b), 0);
    assert_int_equal(t->w.world.now, before);
    assert_refused(tcpip_recv(t->w.s, t->a, room, 1, 0), ECONNRESET);
}

/* ---- connect to nothing ---- */

static void a_connection_is_ended_by_connecting_to_nothing(void **state)
{
    struct waits *t = *state;
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    struct sockaddr_in address = loopback4(7000);
    char room[1];
    assert_int_equal(tcpip_connect(t->w.s, t->a, &none, sizeof(none)), 0);
    assert_refused(tcpip_recv(t->w.s, t->b, room, 1, 0), ECONNRESET);
    assert_refused(tcpip_recv(t->w.s, t->a, room, 1, MSG_DONTWAIT), ECONNRESET);
    assert_refused(tcpip_recv(t->w.s, t->a, room, 1, MSG_DONTWAIT), ENOTCONN);
    int listener = tcpip_socket(t->w.s, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(tcpip_bind(t->w.s, listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(tcpip_listen(t->w.s, listener, 1), 0);
    assert_int_equal(tcpip_connect(t->w.s, t->a, (struct sockaddr *)&address, sizeof(address)),
                     0); /* it serves again */
    assert_int_equal(tcpip_connect(t->w.s, listener, &none, sizeof(none)), 0);
    assert_refused(tcpip_accept(t->w.s, listener, NULL, NULL), EINVAL);
    assert_refused(tcpip_recv(t->w.s, t->a, room, 1, 0), ECONNRESET); /* nobody accepted it */
    assert_int_equal(tcpip_listen(t->w.s, listener, 1), 0);           /* the port is still its own */
    assert_int_equal(tcpip_getsockname(t->w.s, listener, (struct sockaddr *)&address, &(socklen_t){sizeof(address)}),
                     0);
    assert_int_equal(ntohs(address.sin_port), 7000);
}

static void an_accepted_socket_has_the_timeouts_and_not_the_mode(void **state)
{
    struct waits *t = *state;
    struct sockaddr_in address = loopback4(7000);
    char room[1];
    int listener = tcpip_socket(t->w.s, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int client = tcpip_socket(t->w.s, AF_INET, SOCK_STREAM, 0);
    set_timeout(t, listener, SO_RCVTIMEO, 50);
    assert_int_equal(tcpip_bind(t->w.s, listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(tcpip_listen(t->w.s, listener, 1), 0);
    assert_int_equal(tcpip_connect(t->w.s, client, (struct sockaddr *)&address, sizeof(address)), 0);
    int server = tcpip_accept(t->w.s, listener, NULL, NULL);
    assert_int_equal(tcpip_fcntl(t->w.s, server, F_GETFL), O_RDWR);
    tcpip_ns before = t->w.world.now;
    assert_refused(tcpip_recv(t->w.s, server, room, 1, 0), EAGAIN);
    assert_int_equal(t->w.world.now - before, 50 * TCPIP_MS);
}

static void look_at_watched(struct waits *t)
{
    t->heard = t->watched->ops->readiness(t->watched) != 0;
}

static void who_lingers_is_gone_for_who_watched(void **state)
{
    struct waits *t = *state;
    struct linger linger = {.l_onoff = 1, .l_linger = 10};
    struct epoll_event event = {.events = EPOLLOUT};
    int epfd = tcpip_epoll_create1(t->w.s, 0);
    t->watched = tcpip__sockets_file(t->w.s, epfd);
    assert_int_equal(tcpip_epoll_ctl(t->w.s, epfd, EPOLL_CTL_ADD, t->a, &event), 0);
    look_at_watched(t);
    assert_true(t->heard);
    assert_int_equal(tcpip_setsockopt(t->w.s, t->a, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(tcpip_stack_disable_nic(t->w.stack, 1), TCPIP_OK);
    assert_int_equal(tcpip_send(t->w.s, t->a, "x", 1, 0), 1);
    meanwhile(t, 1000, look_at_watched);
    assert_int_equal(tcpip_close(t->w.s, t->a), 0);
    assert_null(t->act);
    assert_false(t->heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(receiving_ends_when_its_time_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(sending_ends_when_its_time_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(accepting_ends_when_its_time_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(connecting_ends_when_its_time_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_will_ever_happen_is_a_deadlock, setup, teardown),
        cmocka_unit_test_setup_teardown(waitall_waits_for_all, setup, teardown),
        cmocka_unit_test_setup_teardown(a_low_water_mark_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(peeking_takes_nothing_and_truncating_takes_all, setup, teardown),
        cmocka_unit_test_setup_teardown(sending_into_a_closed_pipe_is_told_by_a_signal_too, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_done_before_an_error_is_the_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(lingering_waits_for_the_acknowledgment, setup, teardown),
        cmocka_unit_test_setup_teardown(lingering_ends_when_its_time_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_unread_at_close_resets, setup, teardown),
        cmocka_unit_test_setup_teardown(a_connection_is_ended_by_connecting_to_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(an_accepted_socket_has_the_timeouts_and_not_the_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(who_lingers_is_gone_for_who_watched, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
