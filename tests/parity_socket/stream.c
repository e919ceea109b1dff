// SPDX-License-Identifier: MIT
/* stream.c: scenarios: listening, accepting, and how connections end. */
#include "play.h"

static void echo(int family)
{
    int listener = make_listener(family, 5000, 4), client = make_tcp(family);
    READY(client);
    READY(listener);
    DO(connect(client, loopback(family, 5000), address_size(family)));
    AWAIT(listener, POLLIN);
    int server = FD(accept(listener, NULL, NULL));
    READY(client);
    READY(server);
    NAME(client);
    PEER(client);
    NAME(server);
    PEER(server);
    DO(send(client, "hello", 5, 0));
    AWAIT(server, POLLIN);
    READY(server);
    RECV(server, 100, 0);
    READY(server);
    DO(write(server, "answer", 6));
    RECV(client, 3, 0);
    RECV(client, 100, 0);
    DO(close(client));
    AWAIT(server, POLLIN);
    READY(server);
    RECV(server, 100, 0);
    RECV(server, 100, 0);
    DO(close(server));
    DO(close(listener));
}

static void echo_v4(void)
{
    echo(AF_INET);
}

static void echo_v6(void)
{
    echo(AF_INET6);
}

static void listening(void)
{
    int fd = make_tcp(AF_INET), udp = make_udp(AF_INET), other = make_tcp(AF_INET), ends[2];
    FD(accept(fd, NULL, NULL));
    DO(listen(fd, 0));
    NAME(fd);
    GET(fd, SOL_SOCKET, SO_ACCEPTCONN);
    DO(listen(fd, -1));
    DO(listen(fd, INT32_MAX));
    DO(bind(fd, V4("127.0.0.1", 5000)));
    DO(listen(udp, 1));
    FD(accept(udp, NULL, NULL));
    DO(connect(fd, V4("127.0.0.1", 5000)));
    RECV(fd, 10, 0);
    DO(send(fd, "x", 1, MSG_NOSIGNAL));
    PEER(fd);
    make_nonblocking(fd);
    FD(accept(fd, NULL, NULL));
    FD(accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    FD(accept4(fd, NULL, NULL, 1));
    FD(accept4(fd, NULL, NULL, SOCK_STREAM));
    make_pair(AF_INET, ends);
    DO(listen(ends[0], 1));
    FD(accept(ends[0], NULL, NULL));
    DO(bind(other, V4("127.0.0.1", 5001)));
    FD(accept(other, NULL, NULL));
    DO(shutdown(other, SHUT_RD));
    DO(listen(other, 1));
}

/* A backlog of n takes n + 1; the next waits until there is room. */
static void backlog(void)
{
    int listener = make_listener(AF_INET, 5000, 1), fds[4];
    for (int i = 0; i < 3; i++) {
        fds[i] = make_tcp(AF_INET);
        make_nonblocking(fds[i]);
        DO(connect(fds[i], V4("127.0.0.1", 5000)));
        if (i < 2)
            AWAIT(fds[i], POLLOUT);
        READY(fds[i]);
    }
    DO(connect(fds[2], V4("127.0.0.1", 5000)));
    RECV(fds[2], 10, 0);
    DO(send(fds[2], "x", 1, 0));
    PEER(fds[2]);
    DO(shutdown(fds[2], SHUT_WR));
    READY(fds[2]);
    for (int i = 0; i < 2; i++)
        FD(accept(listener, NULL, NULL));
    READY(listener);
}

static void accept_flags(void)
{
    static const int flags[] = {0, SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC};
    int listener = make_listener(AF_INET, 5000, 8);
    make_nonblocking(listener);
    for (int i = 0; i < 4; i++) {
        int client = make_tcp(AF_INET);
        MUST(connect(client, V4("127.0.0.1", 5000)));
        AWAIT(listener, POLLIN);
        int fd = FD(accept4(listener, NULL, NULL, flags[i]));
        say("flags %#x: status %#x, descriptor %d", flags[i], fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    }
    FD(accept4(listener, NULL, NULL, 0));
}

/* What an accepted connection has from its listener. */
static void inheritance(void)
{
    int listener = make_tcp(AF_INET), client = make_tcp(AF_INET);
    struct linger linger = {1, 7};
    struct timeval time = {3, 0};
    SET(listener, SOL_SOCKET, SO_REUSEADDR, 1);
    SET(listener, SOL_SOCKET, SO_KEEPALIVE, 1);
    SET(listener, SOL_SOCKET, SO_OOBINLINE, 1);
    SET(listener, SOL_SOCKET, SO_PRIORITY, 3);
    SET(listener, SOL_SOCKET, SO_MARK, 9);
    SET(listener, SOL_SOCKET, SO_RCVLOWAT, 5);
    SET(listener, SOL_SOCKET, SO_SNDBUF, 30000);
    SET(listener, SOL_SOCKET, SO_RCVBUF, 40000);
    SET(listener, IPPROTO_TCP, TCP_NODELAY, 1);
    SET(listener, IPPROTO_TCP, TCP_KEEPIDLE, 11);
    SET(listener, IPPROTO_TCP, TCP_KEEPINTVL, 12);
    SET(listener, IPPROTO_TCP, TCP_KEEPCNT, 13);
    SET(listener, IPPROTO_TCP, TCP_USER_TIMEOUT, 1400);
    SET(listener, IPPROTO_TCP, TCP_LINGER2, 15);
    SET(listener, IPPROTO_TCP, TCP_MAXSEG, 1000);
    SET(listener, IPPROTO_IP, IP_TOS, 0x10);
    SET(listener, IPPROTO_IP, IP_TTL, 33);
    DO(setsockopt(listener, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    DO(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
    DO(setsockopt(listener, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)));
    DO(setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    MUST(bind(listener, V4("127.0.0.1", 5000)));
    MUST(listen(listener, 1));
    MUST(connect(client, V4("127.0.0.1", 5000)));
    int fd = FD(accept(listener, NULL, NULL));
    GET(fd, SOL_SOCKET, SO_REUSEADDR);
    GET(fd, SOL_SOCKET, SO_KEEPALIVE);
    GET(fd, SOL_SOCKET, SO_OOBINLINE);
    GET(fd, SOL_SOCKET, SO_PRIORITY);
    GET(fd, SOL_SOCKET, SO_MARK);
    GET(fd, SOL_SOCKET, SO_RCVLOWAT);
    GET(fd, SOL_SOCKET, SO_SNDBUF);
    GET(fd, SOL_SOCKET, SO_RCVBUF);
    GET(fd, SOL_SOCKET, SO_ACCEPTCONN);
    GET(fd, IPPROTO_TCP, TCP_NODELAY);
    GET(fd, IPPROTO_TCP, TCP_KEEPIDLE);
    GET(fd, IPPROTO_TCP, TCP_KEEPINTVL);
    GET(fd, IPPROTO_TCP, TCP_KEEPCNT);
    GET(fd, IPPROTO_TCP, TCP_USER_TIMEOUT);
    GET(fd, IPPROTO_TCP, TCP_LINGER2);
    GET(fd, IPPROTO_IP, IP_TOS);
    GET(fd, IPPROTO_IP, IP_TTL);
    socklen_t length = sizeof(linger);
    DO(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length));
    say("linger %d %d", linger.l_onoff, linger.l_linger);
    length = sizeof(time);
    DO(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, &length));
    say("time %ld.%ld", (long)time.tv_sec, (long)time.tv_usec);
    char name[16] = "";
    length = sizeof(name);
    DO(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length));
    say("congestion %s %u", name, length);
}

static void shutdown_write(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    DO(send(ends[0], "last", 4, 0));
    DO(shutdown(ends[0], SHUT_WR));
    READY(ends[0]);
    DO(send(ends[0], "x", 1, MSG_NOSIGNAL));
    DO(shutdown(ends[0], SHUT_WR));
    AWAIT(ends[1], POLLRDHUP);
    READY(ends[1]);
    RECV(ends[1], 100, 0);
    RECV(ends[1], 100, 0);
    READY(ends[1]);
    DO(send(ends[1], "back", 4, 0));
    RECV(ends[0], 100, 0);
    DO(shutdown(ends[1], SHUT_WR));
    AWAIT(ends[0], POLLRDHUP);
    READY(ends[0]);
    READY(ends[1]);
    RECV(ends[0], 100, 0);
    DO(send(ends[1], "x", 1, MSG_NOSIGNAL));
    DO(shutdown(ends[1], SHUT_RDWR));
    DO(shutdown(ends[0], SHUT_RD));
    PEER(ends[0]);
    NAME(ends[0]);
    RECV(ends[1], 1, 0);
}

static void shutdown_read(void)
{
    int ends[2];
    make_pair(AF_INET6, ends);
    DO(send(ends[1], "one", 3, 0));
    AWAIT(ends[0], POLLIN);
    DO(shutdown(ends[0], SHUT_RD));
    READY(ends[0]);
    RECV(ends[0], 100, 0);
    RECV(ends[0], 100, 0);
    DO(send(ends[1], "two", 3, 0));
    AWAIT(ends[0], POLLIN);
    RECV(ends[0], 100, 0);
    RECV(ends[0], 100, 0);
    DO(send(ends[0], "out", 3, 0));
    RECV(ends[1], 100, 0);
    DO(shutdown(ends[0], SHUT_RD));
    DO(shutdown(ends[0], SHUT_WR));
    READY(ends[0]);
    AWAIT(ends[1], POLLRDHUP);
    RECV(ends[1], 100, 0);
}

static void shutdown_both(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    DO(shutdown(ends[0], 3));
    DO(shutdown(ends[0], -1));
    DO(shutdown(ends[0], SHUT_RDWR));
    READY(ends[0]);
    RECV(ends[0], 10, 0);
    DO(send(ends[0], "x", 1, MSG_NOSIGNAL));
    AWAIT(ends[1], POLLIN);
    READY(ends[1]);
    DO(send(ends[1], "x", 1, 0)); /* draws a reset */
    AWAIT(ends[1], POLLHUP);
    READY(ends[1]);
    DO(send(ends[1], "x", 1, MSG_NOSIGNAL));
    RECV(ends[1], 10, 0);
    RECV(ends[1], 10, 0);
    DO(send(ends[1], "x", 1, MSG_NOSIGNAL));
    GET(ends[1], SOL_SOCKET, SO_ERROR);
}

static void shutdown_elsewhere(void)
{
    int fresh = make_tcp(AF_INET), listener = make_listener(AF_INET, 5000, 4), client = make_tcp(AF_INET);
    DO(shutdown(fresh, SHUT_RD));
    DO(shutdown(fresh, SHUT_RDWR));
    DO(shutdown(fresh, 9));
    DO(shutdown(listener, SHUT_WR));
    DO(connect(client, V4("127.0.0.1", 5000)));
    AWAIT(listener, POLLIN);
    DO(shutdown(listener, SHUT_RD));
    READY(listener);
    FD(accept(listener, NULL, NULL));
    GET(listener, SOL_SOCKET, SO_ACCEPTCONN);
    NAME(listener);
    AWAIT(client, POLLIN);
    RECV(client, 10, 0);
    DO(connect(make_tcp(AF_INET), V4("127.0.0.1", 5000)));
    DO(listen(listener, 1));
    NAME(listener);
    DO(connect(make_tcp(AF_INET), V4("127.0.0.1", 5000)));
    FD(accept(listener, NULL, NULL));
}

static void reset_by_linger(void)
{
    int ends[2];
    struct linger linger = {1, 0};
    make_pair(AF_INET, ends);
    DO(send(ends[1], "unread", 6, 0));
    AWAIT(ends[0], POLLIN);
    DO(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    DO(send(ends[0], "lost", 4, 0));
    AWAIT(ends[1], POLLIN);
    DO(close(ends[0]));
    AWAIT(ends[1], POLLHUP);
    READY(ends[1]);
    RECV(ends[1], 100, 0);
    RECV(ends[1], 100, 0);
    RECV(ends[1], 100, 0);
    READY(ends[1]);
    PEER(ends[1]);
    DO(shutdown(ends[1], SHUT_RDWR));
    DO(send(ends[1], "x", 1, MSG_NOSIGNAL));
    GET(ends[1], SOL_SOCKET, SO_ERROR);
}

static void reset_by_unread(void)
{
    int ends[2];
    hear_pipes();
    make_pair(AF_INET6, ends);
    DO(send(ends[1], "unread", 6, 0));
    AWAIT(ends[0], POLLIN);
    DO(close(ends[0]));
    AWAIT(ends[1], POLLHUP);
    READY(ends[1]);
    GET(ends[1], SOL_SOCKET, SO_ERROR);
    GET(ends[1], SOL_SOCKET, SO_ERROR);
    READY(ends[1]);
    RECV(ends[1], 100, 0);
    DO(send(ends[1], "x", 1, 0));
    say("pipes: %d", pipes_heard());
}

static void reset_then_write(void)
{
    int ends[2];
    struct linger linger = {1, 0};
    hear_pipes();
    make_pair(AF_INET, ends);
    MUST(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    DO(close(ends[0]));
    AWAIT(ends[1], POLLHUP);
    DO(send(ends[1], "x", 1, 0));
    say("pipes: %d", pipes_heard());
    DO(send(ends[1], "x", 1, 0));
    say("pipes: %d", pipes_heard());
    DO(write(ends[1], "x", 1));
    say("pipes: %d", pipes_heard());
    RECV(ends[1], 10, 0);
}

static void pipes(void)
{
    int ends[2], fresh = make_tcp(AF_INET);
    struct iovec iov;
    struct msghdr message = message_of(&iov, "x", 1);
    hear_pipes();
    DO(send(fresh, "x", 1, 0));
    say("pipes: %d", pipes_heard());
    DO(write(fresh, "x", 1));
    say("pipes: %d", pipes_heard());
    RECV(fresh, 10, 0);
    make_pair(AF_INET, ends);
    DO(shutdown(ends[0], SHUT_WR));
    DO(write(ends[0], "x", 1));
    say("pipes: %d", pipes_heard());
    DO(writev(ends[0], &iov, 1));
    say("pipes: %d", pipes_heard());
    DO(sendmsg(ends[0], &message, 0));
    say("pipes: %d", pipes_heard());
    DO(sendmsg(ends[0], &message, MSG_NOSIGNAL));
    say("pipes: %d", pipes_heard());
    DO(send(ends[0], NULL, 0, 0));
    say("pipes: %d", pipes_heard());
    DO(write(ends[0], "x", 0));
    say("pipes: %d", pipes_heard());
}

/* Connections that ended before anybody accepted them. */
static void accept_ended(void)
{
    int listener = make_listener(AF_INET, 5000, 4), closed = make_tcp(AF_INET), reset = make_tcp(AF_INET);
    struct linger linger = {1, 0};
    MUST(connect(closed, V4("127.0.0.1", 5000)));
    MUST(send(closed, "bye", 3, 0));
    DO(close(closed));
    MUST(connect(reset, V4("127.0.0.1", 5000)));
    MUST(send(reset, "bye", 3, 0));
    MUST(setsockopt(reset, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    DO(close(reset));
    int first = FD(accept(listener, NULL, NULL)), second = FD(accept(listener, NULL, NULL));
    RECV(first, 10, 0);
    RECV(first, 10, 0);
    PEER(first);
    READY(second);
    PEER(second);
    RECV(second, 10, 0);
    RECV(second, 10, 0);
}

/* A listener that goes resets what was not accepted. */
static void listener_gone(void)
{
    int listener = make_listener(AF_INET, 5000, 4), client = make_tcp(AF_INET);
    MUST(connect(client, V4("127.0.0.1", 5000)));
    AWAIT(listener, POLLIN);
    DO(close(listener));
    AWAIT(client, POLLHUP);
    READY(client);
    RECV(client, 10, 0);
    RECV(client, 10, 0);
    DO(connect(client, V4("127.0.0.1", 5000)));
    DO(connect(make_tcp(AF_INET), V4("127.0.0.1", 5000)));
}

static void half_open(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    DO(close(ends[0]));
    AWAIT(ends[1], POLLRDHUP);
    DO(send(ends[1], "x", 1, 0)); /* nobody there: draws a reset */
    AWAIT(ends[1], POLLERR);
    READY(ends[1]);
    RECV(ends[1], 10, 0);
    DO(send(ends[1], "x", 1, MSG_NOSIGNAL));
    DO(send(ends[1], "x", 1, MSG_NOSIGNAL));
    RECV(ends[1], 10, 0);
}

const struct scenario stream_scenarios[] = {
    {"stream/echo_v4", echo_v4},
    {"stream/echo_v6", echo_v6},
    {"stream/listening", listening},
    {"stream/backlog", backlog},
    {"stream/accept_flags", accept_flags},
    {"stream/inheritance", inheritance},
    {"stream/shutdown_write", shutdown_write},
    {"stream/shutdown_read", shutdown_read},
    {"stream/shutdown_both", shutdown_both},
    {"stream/shutdown_elsewhere", shutdown_elsewhere},
    {"stream/reset_by_linger", reset_by_linger},
    {"stream/reset_by_unread", reset_by_unread},
    {"stream/reset_then_write", reset_then_write},
    {"stream/pipes", pipes},
    {"stream/accept_ended", accept_ended},
    {"stream/listener_gone", listener_gone},
    {"stream/half_open", half_open},
    {NULL, NULL},
};
