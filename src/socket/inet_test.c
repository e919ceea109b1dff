// SPDX-License-Identifier: MIT
/* inet_test.c: TCP and UDP sockets in virtual time, on one thread: what each call says. */
#include "socket_world.h"

#include <errno.h>
#include <linux/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_stream_carries_bytes_both_ways(void **state)
{
    struct socket_world *w = *state;
    int client, server;
    char room[16];
    socket_world_connect(w, &client, &server);
    assert_int_equal(tcpip_send(w->s, client, "hello", 5, 0), 5);
    assert_int_equal(tcpip_recv(w->s, server, room, sizeof(room), 0), 5);
    assert_memory_equal(room, "hello", 5);
    assert_int_equal(tcpip_write(w->s, server, "hi", 2), 2);
    assert_int_equal(tcpip_read(w->s, client, room, sizeof(room)), 2);
    assert_int_equal(tcpip_close(w->s, client), 0);
    assert_int_equal(tcpip_recv(w->s, server, room, sizeof(room), 0), 0);
    assert_int_equal(tcpip_close(w->s, server), 0);
}

/* What a control message says is left; -1: there was none. */
static int receive_and_hear(struct tcpip_sockets *s, int fd, void *out, size_t size, size_t expected)
{
    union {
        struct cmsghdr header;
        uint8_t room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {out, size};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    int left = -1;
    assert_int_equal(tcpip_recvmsg(s, fd, &message, 0), expected);
    if (message.msg_controllen == 0)
        return -1;
    assert_int_equal(control.header.cmsg_level, IPPROTO_TCP);
    assert_int_equal(control.header.cmsg_type, TCP_CM_INQ);
    memcpy(&left, CMSG_DATA(&control.header), sizeof(left));
    return left;
}

static void a_reader_may_hear_what_is_left(void **state)
{
    struct socket_world *world = *state;
    uint8_t bytes[100];
    int client, server, on = 1;
    socket_world_connect(world, &client, &server);
    assert_int_equal(tcpip_send(world->s, client, "0123456789", 10, 0), 10);
    socket_world_run(world, TCPIP_SECOND);
    assert_int_equal(receive_and_hear(world->s, server, bytes, 1, 1), -1); /* it wasn't asked for */
    assert_int_equal(tcpip_setsockopt(world->s, server, IPPROTO_TCP, TCP_INQ, &on, sizeof(on)), 0);
    assert_int_equal(receive_and_hear(world->s, server, bytes, 4, 4), 5);
    assert_int_equal(receive_and_hear(world->s, server, bytes, 5, 5), 0);
    assert_int_equal(tcpip_send(world->s, client, "abc", 3, 0), 3);
    assert_int_equal(tcpip_shutdown(world->s, client, SHUT_WR), 0);
    socket_world_run(world, TCPIP_SECOND);
    assert_int_equal(receive_and_hear(world->s, server, bytes, 2, 2), 1);
    assert_int_equal(receive_and_hear(world->s, server, bytes, 1, 1), 1); /* there is an end to be read */
    assert_int_equal(tcpip_close(world->s, client), 0);
    assert_int_equal(tcpip_close(world->s, server), 0);
}

static void the_unsent_low_water_mark_is_told_as_it_was_set(void **state)
{
    struct socket_world *world = *state;
    int fd = tcpip_socket(world->s, AF_INET, SOCK_STREAM, 0), value = 7;
    socklen_t length = sizeof(value);
    assert_int_equal(tcpip_stack_set_default(world->stack, TCPIP_OPTION_NOT_SENT_LOW_WATER, 4000), TCPIP_OK);
    assert_int_equal(tcpip_getsockopt(world->s, fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, &length), 0);
    assert_int_equal(value, 0);
    value = 5000;
    assert_int_equal(tcpip_setsockopt(world->s, fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, sizeof(value)), 0);
    value = 0;
    assert_int_equal(tcpip_getsockopt(world->s, fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, &length), 0);
    assert_int_equal(value, 5000);
    assert_int_equal(tcpip_close(world->s, fd), 0);
}

static void a_datagram_keeps_its_bounds_and_its_sender(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_in address = loopback4(7000), from;
    socklen_t length = sizeof(from);
    char room[16];
    int a = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0), b = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(tcpip_bind(w->s, a, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(tcpip_sendto(w->s, b, "0123456789", 10, 0, (struct sockaddr *)&address, sizeof(address)), 10);
    assert_int_equal(tcpip_recv(w->s, a, room, 4, MSG_PEEK), 4);
    assert_int_equal(tcpip_recv(w->s, a, room, 4, MSG_PEEK | MSG_TRUNC), 10);
    assert_int_equal(tcpip_recvfrom(w->s, a, room, sizeof(room), 0, (struct sockaddr *)&from, &length), 10);
    assert_int_equal(length, sizeof(from));
    assert_int_equal(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_refused(tcpip_recv(w->s, a, room, 4, MSG_DONTWAIT), EAGAIN);
}

static int listener_at(struct socket_world *w, const struct sockaddr_in *address)
{
    int listener = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(tcpip_bind(w->s, listener, (const struct sockaddr *)address, sizeof(*address)), 0);
    assert_int_equal(tcpip_listen(w->s, listener, 5), 0);
    return listener;
}

static void a_send_may_open_the_connection(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_in address = loopback4(7001), nobody = loopback4(9);
    const struct sockaddr *to = (struct sockaddr *)&address;
    struct tcpip_stats stats;
    char room[16];
    struct tcpip_stack *stack = tcpip_sockets_stack(w->s);
    assert_int_equal(
        tcpip_stack_set_default(stack, TCPIP_OPTION_FAST_OPEN_MODE,
                                TCPIP_FAST_OPEN_CLIENT | TCPIP_FAST_OPEN_SERVER | TCPIP_FAST_OPEN_SERVER_ALL),
        TCPIP_OK);
    int listener = listener_at(w, &address);
    for (int i = 0; i < 2; i++) { /* at first it has to ask for a cookie */
        int client = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0);
        assert_int_equal(tcpip_sendto(w->s, client, "hello", 5, MSG_FASTOPEN, to, sizeof(address)), 5);
        int server = tcpip_accept(w->s, listener, NULL, NULL);
        assert_int_equal(tcpip_recv(w->s, server, room, sizeof(room), 0), 5);
        assert_memory_equal(room, "hello", 5);
        assert_refused(tcpip_sendto(w->s, client, "hello", 5, MSG_FASTOPEN, to, sizeof(address)), EISCONN);
        tcpip_stack_stats(stack, &stats);
        assert_int_equal(stats.tcp.fast_open_active, i);
        assert_int_equal(stats.tcp.fast_open_passive, i);
        assert_int_equal(tcpip_close(w->s, client), 0);
        assert_int_equal(tcpip_close(w->s, server), 0);
    }
    int client = tcpip_socket(w->s, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_refused(tcpip_sendto(w->s, client, "", 0, MSG_FASTOPEN, to, sizeof(address)), EINPROGRESS);
    assert_int_equal(tcpip_close(w->s, client), 0);
    client = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0);
    assert_refused(tcpip_sendto(w->s, client, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&nobody, sizeof(nobody)),
                   ECONNREFUSED);
    nobody.sin_family = AF_UNSPEC;
    assert_refused(tcpip_sendto(w->s, client, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&nobody, sizeof(nobody)),
                   EOPNOTSUPP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stream_carries_bytes_both_ways, socket_world_setup, socket_world_teardown),
        cmocka_unit_test_setup_teardown(a_send_may_open_the_connection, socket_world_setup, socket_world_teardown),
        cmocka_unit_test_setup_teardown(a_reader_may_hear_what_is_left, socket_world_setup, socket_world_teardown),
        cmocka_unit_test_setup_teardown(the_unsent_low_water_mark_is_told_as_it_was_set, socket_world_setup,
                                        socket_world_teardown),
        cmocka_unit_test_setup_teardown(a_datagram_keeps_its_bounds_and_its_sender, socket_world_setup,
                                        socket_world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
