// SPDX-License-Identifier: MIT
/* unix_test.c: AF_UNIX sockets in virtual time, on one thread: what tests/parity_unix can't see, waiting above all. */
#include "socket_world.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* "@x": abstract. */
static socklen_t un_name(const char *text, struct sockaddr_un *out)
{
    memset(out, 0, sizeof(*out));
    out->sun_family = AF_UNIX;
    memcpy(out->sun_path, text, strlen(text));
    if (text[0] == '@')
        out->sun_path[0] = 0;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text));
}

static int un_bind(struct socket_world *w, int fd, const char *text)
{
    struct sockaddr_un address;
    socklen_t length = un_name(text, &address);
    return tcpip_bind(w->s, fd, (struct sockaddr *)&address, length);
}

static int un_connect(struct socket_world *w, int fd, const char *text)
{
    struct sockaddr_un address;
    socklen_t length = un_name(text, &address);
    return tcpip_connect(w->s, fd, (struct sockaddr *)&address, length);
}

/* One byte, with descriptors. */
static ssize_t pass(struct socket_world *w, int fd, const int *what, size_t count, int flags)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(300 * sizeof(int))] = {0};
    struct iovec iov = {(void *)(uintptr_t) "x", 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
    struct cmsghdr *header = (struct cmsghdr *)control;
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), what, count * sizeof(int));
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    return tcpip_sendmsg(w->s, fd, &message, flags | MSG_NOSIGNAL);
}

/* Receives with room for `room` descriptors; how many came. */
static int take(struct socket_world *w, int fd, int *out, size_t room, int flags, int *result_flags)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(300 * sizeof(int))] = {0};
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
    message.msg_controllen = room > 0 ? CMSG_LEN(room * sizeof(int)) : 0;
    assert_int_equal(tcpip_recvmsg(w->s, fd, &message, flags), 1);
    *result_flags = message.msg_flags;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL)
        return 0;
    assert_int_equal(header->cmsg_type, SCM_RIGHTS);
    size_t size = header->cmsg_len - CMSG_LEN(0);
    memcpy(out, CMSG_DATA(header), size);
    return (int)(size / sizeof(int));
}

/* ---- names ---- */

static void a_path_is_shown_with_its_zero_and_goes_by_unlink(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_un shown;
    socklen_t length = sizeof(shown);
    int a = tcpip_socket(w->s, AF_UNIX, SOCK_STREAM, 0), b = tcpip_socket(w->s, AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(tcpip_getsockname(w->s, a, (struct sockaddr *)&shown, &length), 0);
    assert_int_equal(length, sizeof(sa_family_t));
    assert_int_equal(un_bind(w, a, "/run/a"), 0);
    length = sizeof(shown);
    assert_int_equal(tcpip_getsockname(w->s, a, (struct sockaddr *)&shown, &length), 0);
    assert_int_equal(length, offsetof(struct sockaddr_un, sun_path) + 7);
    assert_string_equal(shown.sun_path, "/run/a");
    assert_refused(un_bind(w, b, "/run/a"), EADDRINUSE);
    assert_int_equal(tcpip_unlink(w->s, "/run/a"), 0);
    assert_refused(tcpip_unlink(w->s, "/run/a"), ENOENT);
    assert_refused(tcpip_unlink(w->s, ""), ENOENT);
    assert_refused(tcpip_unlink(w->s, NULL), EFAULT);
    assert_refused(un_connect(w, b, "/run/a"), ENOENT);
    assert_int_equal(un_bind(w, b, "/run/a"), 0);
}

static void a_path_may_fill_the_address(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_storage address = {.ss_family = AF_UNIX}, shown;
    socklen_t whole = sizeof(struct sockaddr_un), length = sizeof(shown);
    int fd = tcpip_socket(w->s, AF_UNIX, SOCK_DGRAM, 0);
    memset((uint8_t *)&address + sizeof(sa_family_t), 'p', sizeof(address) - sizeof(sa_family_t));
    assert_refused(tcpip_bind(w->s, fd, (struct sockaddr *)&address, whole + 1), EINVAL);
    assert_refused(tcpip_bind(w->s, fd, (struct sockaddr *)&address, 1), EINVAL);
    assert_int_equal(tcpip_bind(w->s, fd, (struct sockaddr *)&address, whole), 0);
    assert_int_equal(tcpip_getsockname(w->s, fd, (struct sockaddr *)&shown, &length), 0);
    assert_int_equal(length, whole + 1); /* as the kernel: one more than there is room for */
}

static void kinds_of_sockets_are_the_kernels(void **state)
{
    struct socket_world *w = *state;
    int type, fd = tcpip_socket(w->s, AF_UNIX, SOCK_RAW, AF_UNIX), pair[2];
    socklen_t length = sizeof(type);
    assert_true(fd >= 0);
    assert_int_equal(tcpip_getsockopt(w->s, fd, SOL_SOCKET, SO_TYPE, &type, &length), 0);
    assert_int_equal(type, SOCK_DGRAM);
    assert_refused(tcpip_socket(w->s, AF_UNIX, SOCK_STREAM, 6), EPROTONOSUPPORT);
    assert_refused(tcpip_socket(w->s, AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
    assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
    assert_refused(tcpip_socketpair(w->s, AF_INET, SOCK_STREAM, 0, pair), EOPNOTSUPP);
}

static void options_of_unix_sockets_are_told_as_on_linux(void **state)
{
    struct socket_world *w = *state;
    static const struct {
        int set, sndbuf, rcvbuf;
    } rows[] = {{1, 4608, 2304}, {10000, 20000, 20000}, {1 << 30, 425984, 425984}};
    int pair[2], value;
    struct ucred peer;
    socklen_t length = sizeof(value);
    assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(tcpip_getsockopt(w->s, pair[0], SOL_SOCKET, SO_SNDBUF, &value, &length), 0);
    assert_int_equal(value, 212992);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(tcpip_setsockopt(w->s, pair[0], SOL_SOCKET, SO_SNDBUF, &rows[i].set, sizeof(int)), 0);
        assert_int_equal(tcpip_setsockopt(w->s, pair[0], SOL_SOCKET, SO_RCVBUF, &rows[i].set, sizeof(int)), 0);
        assert_int_equal(tcpip_getsockopt(w->s, pair[0], SOL_SOCKET, SO_SNDBUF, &value, &length), 0);
        assert_int_equal(value, rows[i].sndbuf);
        assert_int_equal(tcpip_getsockopt(w->s, pair[0], SOL_SOCKET, SO_RCVBUF, &value, &length), 0);
        assert_int_equal(value, rows[i].rcvbuf);
    }
    length = sizeof(peer);
    assert_int_equal(tcpip_getsockopt(w->s, pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
    assert_int_equal(peer.pid, getpid());
    assert_refused(tcpip_setsockopt(w->s, pair[0], SOL_SOCKET, SO_REUSEPORT, &value, sizeof(value)), EOPNOTSUPP);
    assert_refused(tcpip_setsockopt(w->s, pair[0], IPPROTO_TCP, 1, &value, sizeof(value)), EOPNOTSUPP);
}

/* ---- waiting: what others do meanwhile, they do on endpoints, since the lock is held ---- */

struct meanwhile {
    struct tcpip_endpoint *endpoint;
    uint32_t at; /* the step at which something happens */
    int what;
};
enum { WRITE_LATE, WRITE_TWICE, READ_ALL, ACCEPT_ONE, SHUT_READ };

static void meanwhile_write(struct tcpip_endpoint *endpoint, const char *text)
{
    size_t done;
    assert_int_equal(tcpip_endpoint_write(endpoint, text, strlen(text), 0, NULL, &done), TCPIP_OK);
}

static void on_step(struct socket_world *w)
{
    struct meanwhile *meanwhile = w->user;
    static char room[100000];
    struct tcpip_endpoint *accepted;
    size_t done;
    if (w->steps == meanwhile->at + 1 && meanwhile->what == WRITE_TWICE)
        meanwhile_write(meanwhile->endpoint, "more");
    if (w->steps != meanwhile->at)
        return;
    switch (meanwhile->what) {
    case WRITE_LATE:
    case WRITE_TWICE:
        meanwhile_write(meanwhile->endpoint, "late");
        break;
    case READ_ALL:
        while (tcpip_endpoint_read(meanwhile->endpoint, room, sizeof(room), &done, NULL) == TCPIP_OK) {
        }
        break;
    case ACCEPT_ONE:
        assert_int_equal(tcpip_endpoint_accept(meanwhile->endpoint, &accepted, NULL), TCPIP_OK);
        tcpip_endpoint_close(accepted);
        break;
    default:
        assert_int_equal(tcpip_endpoint_shutdown(meanwhile->endpoint, TCPIP_SHUTDOWN_READ), TCPIP_OK);
    }
}

static void expect_meanwhile(struct socket_world *w, struct meanwhile *meanwhile, int fd, int what)
{
    *meanwhile = (struct meanwhile){tcpip_socket_endpoint(w->s, fd), w->steps + 1, what};
    w->user = meanwhile;
    w->on_step = on_step;
}

static void receiving_waits_for_a_message_or_the_end(void **state)
{
    struct socket_world *w = *state;
    struct meanwhile meanwhile;
    char room[16];
    int pair[2];
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, types[i], 0, pair), 0);
        expect_meanwhile(w, &meanwhile, pair[0], WRITE_LATE);
        assert_int_equal(tcpip_recv(w->s, pair[1], room, sizeof(room), 0), 4);
        assert_memory_equal(room, "late", 4);
        assert_refused(tcpip_recv(w->s, pair[1], room, sizeof(room), MSG_DONTWAIT), EAGAIN);
        expect_meanwhile(w, &meanwhile, pair[1], SHUT_READ);
        assert_int_equal(tcpip_recv(w->s, pair[1], room, sizeof(room), 0), 0);
        if (types[i] == SOCK_DGRAM) /* there is no end, to who doesn't wait for it */
            assert_refused(tcpip_recv(w->s, pair[1], room, sizeof(room), MSG_DONTWAIT), EAGAIN);
        else
            assert_int_equal(tcpip_recv(w->s, pair[1], room, sizeof(room), MSG_DONTWAIT), 0);
        assert_int_equal(tcpip_close(w->s, pair[0]), 0);
        assert_int_equal(tcpip_close(w->s, pair[1]), 0);
    }
}

static void waitall_joins_what_comes_and_stops_where_descriptors_do(void **state)
{
    struct socket_world *w = *state;
    struct meanwhile meanwhile;
    char room[16];
    int pair[2];
    assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_STREAM, 0, pair), 0);
    expect_meanwhile(w, &meanwhile, pair[0], WRITE_TWICE);
    assert_int_equal(tcpip_recv(w->s, pair[1], room, 8, MSG_WAITALL), 8);
    assert_memory_equal(room, "latemore", 8);
    assert_int_equal(tcpip_send(w->s, pair[0], "a", 1, 0), 1);
    assert_int_equal(pass(w, pair[0], pair, 1, 0), 1);
    assert_int_equal(tcpip_send(w->s, pair[0], "b", 1, 0), 1);
    assert_int_equal(tcpip_recv(w->s, pair[1], room, 8, MSG_WAITALL), 2);
    assert_int_equal(tcpip_recv(w->s, pair[1], room, 8, 0), 1);
}

static void sending_waits_for_room(void **state)
{
    struct socket_world *w = *state;
    struct meanwhile meanwhile;
    static char data[400000];
    int pair[2];
    assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ssize_t part = tcpip_send(w->s, pair[0], data, sizeof(data), MSG_DONTWAIT);
    assert_true(part > 100000 && part < (ssize_t)sizeof(data));
    assert_refused(tcpip_send(w->s, pair[0], data, 1, MSG_DONTWAIT), EAGAIN);
    expect_meanwhile(w, &meanwhile, pair[1], READ_ALL);
    assert_int_equal(tcpip_send(w->s, pair[0], data, 1000, 0), 1000);

    int to = tcpip_socket(w->s, AF_UNIX, SOCK_DGRAM, 0), from = tcpip_socket(w->s, AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un address;
    socklen_t length = un_name("@to", &address);
    assert_int_equal(un_bind(w, to, "@to"), 0);
    while (tcpip_sendto(w->s, from, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&address, length) == 1) {
    }
    assert_int_equal(errno, EAGAIN);
    expect_meanwhile(w, &meanwhile, to, READ_ALL);
    assert_int_equal(tcpip_sendto(w->s, from, "x", 1, 0, (struct sockaddr *)&address, length), 1);
}

static void connecting_waits_for_the_backlog(void **state)
{
    struct socket_world *w = *state;
    struct meanwhile meanwhile;
    int server = tcpip_socket(w->s, AF_UNIX, SOCK_STREAM, 0), client[3];
    assert_int_equal(un_bind(w, server, "@s"), 0);
    assert_int_equal(tcpip_listen(w->s, server, 0), 0);
    for (int i = 0; i < 3; i++)
        client[i] = tcpip_socket(w->s, AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(un_connect(w, client[0], "@s"), 0);
    assert_int_equal(tcpip_fcntl(w->s, client[1], F_SETFL, O_NONBLOCK), 0);
    assert_refused(un_connect(w, client[1], "@s"), EAGAIN);
    expect_meanwhile(w, &meanwhile, server, ACCEPT_ONE);
    assert_int_equal(un_connect(w, client[2], "@s"), 0);
    expect_meanwhile(w, &meanwhile, server, SHUT_READ);
    assert_int_equal(tcpip_fcntl(w->s, client[1], F_SETFL, 0), 0);
    assert_refused(un_connect(w, client[1], "@s"), ECONNREFUSED);
    assert_true(tcpip_accept(w->s, server, NULL, NULL) >= 0);
    assert_refused(tcpip_accept(w->s, server, NULL, NULL), EINVAL); /* it is shut, and there is no sense in waiting */
    assert_int_equal(tcpip_fcntl(w->s, server, F_SETFL, O_NONBLOCK), 0);
    assert_refused(tcpip_accept(w->s, server, NULL, NULL), EAGAIN);
}

static void a_stream_without_reader_raises_a_signal_and_the_others_do_not(void **state)
{
    struct socket_world *w = *state;
    int pair[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, i == 0 ? SOCK_STREAM : SOCK_SEQPACKET, 0, pair), 0);
        assert_int_equal(tcpip_close(w->s, pair[1]), 0);
        assert_refused(tcpip_send(w->s, pair[0], "x", 1, i == 0 ? MSG_NOSIGNAL : 0), EPIPE);
    }
}

/* ---- descriptors on their way ---- */

static void a_socket_that_travels_arrives_as_another_number(void **state)
{
    struct socket_world *w = *state;
    int pair[2], carried[2], out[4], flags;
    char room[4];
    assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_STREAM, 0, carried), 0);
    assert_int_equal(pass(w, pair[0], carried, 2, 0), 1);
    assert_int_equal(tcpip_close(w->s, carried[0]), 0);
    assert_int_equal(tcpip_close(w->s, carried[1]), 0);
    assert_int_equal(take(w, pair[1], out, 4, MSG_PEEK, &flags), 2); /* two more of each */
    assert_int_equal(tcpip_send(w->s, out[0], "hi", 2, 0), 2);
    assert_int_equal(tcpip_close(w->s, out[0]), 0);
    assert_int_equal(tcpip_close(w->s, out[1]), 0);
    assert_int_equal(take(w, pair[1], out, 4, MSG_CMSG_CLOEXEC, &flags), 2);
    assert_int_equal(flags & MSG_CTRUNC, 0);
    assert_int_equal(tcpip_fcntl(w->s, out[0], F_GETFD), FD_CLOEXEC);
    assert_int_equal(tcpip_recv(w->s, out[1], room, sizeof(room), 0), 2);
    assert_int_equal(tcpip_close(w->s, out[0]), 0);
    assert_int_equal(tcpip_recv(w->s, out[1], room, sizeof(room), 0), 0); /* it was the last */
}

static void what_does_not_fit_is_closed_and_told(void **state)
{
    struct socket_world *w = *state;
    int pair[2], carried[2], numbers[3], out[3], flags;
    char room[4];
    assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_STREAM, 0, carried), 0);
    numbers[0] = numbers[1] = numbers[2] = carried[0];
    assert_int_equal(pass(w, pair[0], numbers, 3, 0), 1);
    assert_int_equal(tcpip_close(w->s, carried[0]), 0);
    assert_refused(tcpip_recv(w->s, carried[1], room, sizeof(room), MSG_DONTWAIT), EAGAIN);
    assert_int_equal(take(w, pair[1], out, 1, 0, &flags), 1);
    assert_int_equal(flags & MSG_CTRUNC, MSG_CTRUNC);
    assert_refused(tcpip_recv(w->s, carried[1], room, sizeof(room), MSG_DONTWAIT), EAGAIN);
    assert_int_equal(tcpip_close(w->s, out[0]), 0);
    assert_int_equal(tcpip_recv(w->s, carried[1], room, sizeof(room), MSG_DONTWAIT), 0);
}

static void who_passes_nonsense_is_told(void **state)
{
    struct socket_world *w = *state;
    int pair[2], many[254], bad[2];
    assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_STREAM, 0, pair), 0);
    for (int i = 0; i < 254; i++)
        many[i] = pair[0];
    assert_refused(pass(w, pair[0], many, 254, 0), EINVAL);
    assert_int_equal(pass(w, pair[0], many, 253, 0), 1);
    bad[0] = pair[0];
    bad[1] = 999;
    assert_refused(pass(w, pair[0], bad, 2, 0), EBADF);
    bad[1] = -1;
    assert_refused(pass(w, pair[0], bad, 2, 0), EBADF);
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct ucred))] = {0};
    struct msghdr message = {.msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *header = (struct cmsghdr *)control;
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_CREDENTIALS;
    header->cmsg_len = CMSG_LEN(1);
    assert_refused(tcpip_sendmsg(w->s, pair[0], &message, 0), EINVAL);
    header->cmsg_type = SCM_TIMESTAMP;
    assert_refused(tcpip_sendmsg(w->s, pair[0], &message, 0), EINVAL);
}

static void sockets_in_each_others_queues_end_with_the_table(void **state)
{
    struct socket_world *w = *state;
    int pair[2], other[2];
    failing_own_end(); /* the sockets are to be freed before the stack */
    for (int i = 0; i < 100; i++) {
        assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_STREAM, 0, pair), 0);
        assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_DGRAM, 0, other), 0);
        assert_int_equal(pass(w, pair[0], other, 2, 0), 1);
        assert_int_equal(pass(w, other[0], pair, 2, 0), 1);
        for (int end = 0; end < 2; end++) {
            assert_int_equal(tcpip_close(w->s, pair[end]), 0);
            assert_int_equal(tcpip_close(w->s, other[end]), 0);
        }
    }
}

/* A TCP connection whose last reference dies in a message: it would linger if somebody could wait. */
static void a_connection_that_dies_on_its_way_does_not_linger(void **state)
{
    struct socket_world *w = *state;
    int pair[2], client, server;
    struct linger linger = {1, 10};
    char room[4];
    socket_world_connect(w, &client, &server);
    assert_int_equal(tcpip_setsockopt(w->s, client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(tcpip_send(w->s, client, "bye", 3, 0), 3);
    assert_int_equal(pass(w, pair[0], &client, 1, 0), 1);
    assert_int_equal(tcpip_close(w->s, client), 0);
    assert_int_equal(tcpip_close(w->s, pair[1]), 0);
    assert_int_equal(tcpip_recv(w->s, server, room, sizeof(room), 0), 3);
    assert_int_equal(tcpip_recv(w->s, server, room, sizeof(room), 0), 0);
}

/* ---- memory ---- */

/* Some of everything; what fails is closed like the rest. */
static void live(struct socket_world *w)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(2 * sizeof(int))];
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    int pair[2] = {-1, -1};
    int server = tcpip_socket(w->s, AF_UNIX, SOCK_SEQPACKET, 0),
        client = tcpip_socket(w->s, AF_UNIX, SOCK_SEQPACKET, 0);
    if (un_bind(w, server, "path") == 0 && tcpip_listen(w->s, server, 1) == 0 && un_connect(w, client, "path") == 0) {
        int accepted = tcpip_accept(w->s, server, NULL, NULL);
        (void)!tcpip_send(w->s, client, "hello", 5, MSG_DONTWAIT);
        (void)tcpip_close(w->s, accepted);
    }
    if (tcpip_socketpair(w->s, AF_UNIX, SOCK_STREAM, 0, pair) == 0) {
        int both[2] = {server, client};
        (void)pass(w, pair[0], both, 2, MSG_DONTWAIT);
        (void)!tcpip_recvmsg(w->s, pair[1], &message, MSG_DONTWAIT | MSG_PEEK);
        (void)pass(w, pair[0], both, 2, MSG_DONTWAIT);
    }
    for (int fd = 3; fd < 20; fd++)
        (void)tcpip_close(w->s, fd);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (uint64_t k = 1;; k++) {
        struct socket_world w;
        socket_world_init(&w, NULL);
        test_env_fail(&w.world, k, k % 2 == 0);
        live(&w);
        bool failed = w.world.failed > 0;
        test_env_fail(&w.world, 0, false);
        socket_world_fini(&w);
        if (!failed) {
            assert_true(k > 8);
            return;
        }
    }
}

/* ---- with the kernel's descriptors ---- */

static int setup_real(void **state)
{
    struct tcpip_sockets_options options = {.size = sizeof(options), .no_background = true};
    struct socket_world *w = malloc(sizeof(*w));
    assert_non_null(w);
    socket_world_init(w, &options);
    *state = w;
    return 0;
}

static void a_pipe_travels_too(void **state)
{
    struct socket_world *w = *state;
    int pair[2], ends[2], out[2], flags;
    char room[4];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(tcpip_socketpair(w->s, AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(pass(w, pair[0], &ends[1], 1, 0), 1);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(take(w, pair[1], out, 1, MSG_PEEK, &flags), 1);
    assert_int_equal(write(out[0], "a", 1), 1);
    assert_int_equal(close(out[0]), 0);
    assert_int_equal(take(w, pair[1], out, 1, 0, &flags), 1);
    assert_int_equal(write(out[0], "b", 1), 1);
    assert_int_equal(close(out[0]), 0);
    assert_int_equal(read(ends[0], room, sizeof(room)), 2);
    assert_int_equal(read(ends[0], room, sizeof(room)), 0); /* nobody has it any more */
    assert_int_equal(pass(w, pair[0], &ends[0], 1, 0), 1);  /* dies with the table */
    assert_int_equal(close(ends[0]), 0);
    assert_refused(pass(w, pair[0], &ends[0], 1, 0), EBADF);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, socket_world_setup, socket_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_path_is_shown_with_its_zero_and_goes_by_unlink),
        TEST(a_path_may_fill_the_address),
        TEST(kinds_of_sockets_are_the_kernels),
        TEST(options_of_unix_sockets_are_told_as_on_linux),
        TEST(receiving_waits_for_a_message_or_the_end),
        TEST(waitall_joins_what_comes_and_stops_where_descriptors_do),
        TEST(sending_waits_for_room),
        TEST(connecting_waits_for_the_backlog),
        TEST(a_stream_without_reader_raises_a_signal_and_the_others_do_not),
        TEST(a_socket_that_travels_arrives_as_another_number),
        TEST(what_does_not_fit_is_closed_and_told),
        TEST(who_passes_nonsense_is_told),
        TEST(sockets_in_each_others_queues_end_with_the_table),
        TEST(a_connection_that_dies_on_its_way_does_not_linger),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test_setup_teardown(a_pipe_travels_too, setup_real, socket_world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
