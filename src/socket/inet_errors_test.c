// SPDX-License-Identifier: MIT
/* inet_errors_test.c: the error queue of sockets: stamps, MSG_ZEROCOPY's notifications, ICMP errors, as Linux words
 * them. */
#include "socket_world.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What one recvmsg from the error queue tells. */
struct told {
    struct sock_extended_err error;
    struct sockaddr_in offender, name;
    struct scm_timestamping stamp;
    bool has_stamp;
    int flags;
    ssize_t size;
    char payload[64];
};

static bool read_told(struct socket_world *w, int fd, struct told *told)
{
    _Alignas(struct cmsghdr) char control[512];
    struct iovec iov = {told->payload, sizeof(told->payload)};
    struct msghdr message = {.msg_name = &told->name,
                             .msg_namelen = sizeof(told->name),
                             .msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    memset(told, 0, sizeof(*told));
    told->size = tcpip_recvmsg(w->s, fd, &message, MSG_ERRQUEUE);
    if (told->size < 0) {
        assert_int_equal(errno, EAGAIN);
        return false;
    }
    told->flags = message.msg_flags;
    bool found = false;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at)) {
        if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_TIMESTAMPING) {
            told->has_stamp = true;
            memcpy(&told->stamp, CMSG_DATA(at), sizeof(told->stamp));
        } else {
            assert_int_equal(at->cmsg_level, IPPROTO_IP);
            assert_int_equal(at->cmsg_type, IP_RECVERR);
            assert_int_equal(at->cmsg_len, CMSG_LEN(sizeof(told->error) + sizeof(told->offender)));
            memcpy(&told->error, CMSG_DATA(at), sizeof(told->error));
            memcpy(&told->offender, CMSG_DATA(at) + sizeof(told->error), sizeof(told->offender));
            found = true;
        }
    }
    assert_true(found);
    return true;
}

static void set_int(struct socket_world *w, int fd, int level, int name, int value)
{
    assert_int_equal(tcpip_setsockopt(w->s, fd, level, name, &value, sizeof(value)), 0);
}

static void zero_copy_tells_the_calls_in_order(void **state)
{
    struct socket_world *w = *state;
    struct told told;
    int client, server;
    socket_world_connect(w, &client, &server);
    assert_int_equal(tcpip_send(w->s, client, "x", 1, MSG_ZEROCOPY), 1); /* not asked for: nothing is told */
    assert_false(read_told(w, client, &told));
    set_int(w, client, SOL_SOCKET, SO_ZEROCOPY, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tcpip_send(w->s, client, "abc", 3, MSG_ZEROCOPY), 3);
    socket_world_run(w, 0);
    assert_true(read_told(w, client, &told));
    assert_int_equal(told.size, 0);
    assert_int_equal(told.flags, MSG_ERRQUEUE);
    assert_false(told.has_stamp);
    assert_int_equal(told.error.ee_errno, 0);
    assert_int_equal(told.error.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
    assert_int_equal(told.error.ee_code, SO_EE_CODE_ZEROCOPY_COPIED);
    assert_int_equal(told.error.ee_info, 0);
    assert_int_equal(told.error.ee_data, 2);
    assert_false(read_told(w, client, &told));
}

/* With the SYN too: the first connection learns the cookie, the second one shows it. */
static void zero_copy_counts_what_a_syn_carries(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_in address = loopback4(7000);
    struct told told;
    int listener = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(
        tcpip_stack_set_default(w->stack, TCPIP_OPTION_FAST_OPEN_MODE, TCPIP_FAST_OPEN_CLIENT | TCPIP_FAST_OPEN_SERVER),
        TCPIP_OK);
    assert_int_equal(tcpip_bind(w->s, listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(tcpip_listen(w->s, listener, 5), 0);
    set_int(w, listener, IPPROTO_TCP, TCP_FASTOPEN, 5);
    for (int i = 0; i < 2; i++) {
        int fd = tcpip_socket(w->s, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        set_int(w, fd, SOL_SOCKET, SO_ZEROCOPY, 1);
        ssize_t sent = tcpip_sendto(w->s, fd, "hello", 5, MSG_FASTOPEN | MSG_ZEROCOPY, (struct sockaddr *)&address,
                                    sizeof(address));
        assert_int_equal(sent, i == 0 ? -1 : 5);
        socket_world_run(w, TCPIP_SECOND);
        assert_int_equal(read_told(w, fd, &told), i);
        if (i == 1)
            assert_int_equal(told.error.ee_data, 0);
        assert_int_equal(tcpip_close(w->s, fd), 0);
    }
}

static void stamps_are_numbered_from_where_they_were_asked_for(void **state)
{
    struct socket_world *w = *state;
    struct told told;
    int client, server, all = SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_ACK;
    socket_world_connect(w, &client, &server);
    assert_int_equal(tcpip_send(w->s, client, "before", 6, 0), 6);
    socket_world_run(w, 0);
    set_int(w, client, SOL_SOCKET, SO_TIMESTAMPING, all | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID);
    assert_int_equal(tcpip_send(w->s, client, "0123456789", 10, 0), 10);
    socket_world_run(w, 0);
    static const uint32_t kinds[] = {SCM_TSTAMP_SCHED, SCM_TSTAMP_SND, SCM_TSTAMP_ACK};
    for (int i = 0; i < 3; i++) {
        assert_true(read_told(w, client, &told));
        assert_int_equal(told.error.ee_errno, ENOMSG);
        assert_int_equal(told.error.ee_origin, SO_EE_ORIGIN_TIMESTAMPING);
        assert_int_equal(told.error.ee_info, kinds[i]);
        assert_int_equal(told.error.ee_data, 9);
        assert_int_equal(told.flags, MSG_ERRQUEUE | MSG_TRUNC);
        assert_true(told.has_stamp);
        assert_true(told.stamp.ts[0].tv_sec > 0 || told.stamp.ts[0].tv_nsec > 0);
    }
    assert_false(read_told(w, client, &told));
    /* Without reporting there is no time, without numbers no number, and with TSONLY nothing was cut off. */
    set_int(w, client, SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_OPT_TSONLY);
    assert_int_equal(tcpip_send(w->s, client, "0123456789", 10, 0), 10);
    socket_world_run(w, 0);
    assert_true(read_told(w, client, &told));
    assert_false(told.has_stamp);
    assert_int_equal(told.error.ee_data, 0);
    assert_int_equal(told.flags, MSG_ERRQUEUE);
}

static void a_refused_datagram_comes_back(void **state)
{
    struct socket_world *w = *state;
    struct told told;
    struct sockaddr_in nobody = loopback4(7001);
    int fd = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0), error;
    socklen_t length = sizeof(error);
    set_int(w, fd, IPPROTO_IP, IP_RECVERR, 1);
    assert_int_equal(tcpip_sendto(w->s, fd, "anybody?", 8, 0, (struct sockaddr *)&nobody, sizeof(nobody)), 8);
    socket_world_run(w, 0);
    assert_true(read_told(w, fd, &told));
    assert_int_equal(told.size, 8);
    assert_memory_equal(told.payload, "anybody?", 8);
    assert_int_equal(told.flags, MSG_ERRQUEUE);
    assert_int_equal(told.error.ee_errno, ECONNREFUSED);
    assert_int_equal(told.error.ee_origin, SO_EE_ORIGIN_ICMP);
    assert_int_equal(told.error.ee_type, 3);
    assert_int_equal(told.error.ee_code, 3);
    assert_int_equal(told.offender.sin_family, AF_INET);
    assert_int_equal(told.offender.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(told.name.sin_port, htons(7001));
    assert_int_equal(told.name.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(tcpip_getsockopt(w->s, fd, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    assert_int_equal(error, 0); /* it went with the record */
    assert_false(read_told(w, fd, &told));
}

/* The stack remembers only so many writes that wait for their ACK. */
static void zero_copy_tells_of_each_of_very_many_writes(void **state)
{
    enum { WRITES = 1500 };
    static char data[65536];
    struct socket_world *w = *state;
    struct told told;
    int client, server;
    bool seen[WRITES] = {false};
    socket_world_connect(w, &client, &server);
    set_int(w, server, SOL_SOCKET, SO_RCVBUF, 4096);
    set_int(w, client, SOL_SOCKET, SO_SNDBUF, 4 << 20);
    assert_int_equal(tcpip_send(w->s, client, data, sizeof(data), MSG_DONTWAIT), sizeof(data));
    set_int(w, client, SOL_SOCKET, SO_ZEROCOPY, 1);
    for (int i = 0; i < WRITES; i++)
        assert_int_equal(tcpip_send(w->s, client, "x", 1, MSG_ZEROCOPY), 1);
    for (size_t left = sizeof(data) + WRITES; left > 0;)
        left -= (size_t)tcpip_recv(w->s, server, data, left < sizeof(data) ? left : sizeof(data), 0);
    socket_world_run(w, TCPIP_SECOND);
    while (read_told(w, client, &told))
        for (uint32_t id = told.error.ee_info; id <= told.error.ee_data; id++) {
            assert_in_range(id, 0, WRITES - 1);
            assert_false(seen[id]);
            seen[id] = true;
        }
    for (int i = 0; i < WRITES; i++)
        assert_true(seen[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(zero_copy_tells_the_calls_in_order, socket_world_setup, socket_world_teardown),
        cmocka_unit_test_setup_teardown(zero_copy_counts_what_a_syn_carries, socket_world_setup, socket_world_teardown),
        cmocka_unit_test_setup_teardown(stamps_are_numbered_from_where_they_were_asked_for, socket_world_setup,
                                        socket_world_teardown),
        cmocka_unit_test_setup_teardown(a_refused_datagram_comes_back, socket_world_setup, socket_world_teardown),
        cmocka_unit_test_setup_teardown(zero_copy_tells_of_each_of_very_many_writes, socket_world_setup,
                                        socket_world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
