// SPDX-License-Identifier: MIT
/* connect.c: scenarios: connect, in every state and to every kind of nobody. */
#include "play.h"

static void refused(int family)
{
    int fd = make_tcp(family);
    DO(connect(fd, loopback(family, 5000), address_size(family)));
    READY(fd);
    GET(fd, SOL_SOCKET, SO_ERROR);
    PEER(fd);
    RECV(fd, 10, 0);
    DO(send(fd, "x", 1, MSG_NOSIGNAL));
    DO(connect(fd, loopback(family, 5000), address_size(family)));
    int listener = make_listener(family, 5000, 1);
    DO(connect(fd, loopback(family, 5000), address_size(family)));
    FD(accept(listener, NULL, NULL));
    DO(connect(fd, loopback(family, 5000), address_size(family)));
}

static void refused_v4(void)
{
    refused(AF_INET);
}

static void refused_v6(void)
{
    refused(AF_INET6);
}

static void nonblocking(void)
{
    int listener = make_listener(AF_INET, 5000, 2), fd = make_tcp(AF_INET);
    make_nonblocking(fd);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    AWAIT(fd, POLLOUT);
    READY(fd);
    PEER(fd);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    DO(connect(fd, V4("127.0.0.1", 5000)));
    GET(fd, SOL_SOCKET, SO_ERROR);
    FD(accept(listener, NULL, NULL));
    DO(connect(fd, V4("127.0.0.1", 5001)));
    DO(bind(fd, V4("127.0.0.1", 5001)));
}

static void nonblocking_refused(void)
{
    int fd = make_tcp(AF_INET);
    make_nonblocking(fd);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    AWAIT(fd, POLLOUT);
    READY(fd);
    GET(fd, SOL_SOCKET, SO_ERROR);
    GET(fd, SOL_SOCKET, SO_ERROR);
    READY(fd);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    DO(connect(fd, V4("127.0.0.1", 5000)));
    AWAIT(fd, POLLOUT);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    READY(fd);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    AWAIT(fd, POLLOUT);
    RECV(fd, 10, 0);
    RECV(fd, 10, 0);
    DO(connect(fd, V4("127.0.0.1", 5000)));
}

static void nonblocking_refused_then_send(void)
{
    int fd = make_tcp(AF_INET6);
    make_nonblocking(fd);
    DO(connect(fd, V6("::1", 5000)));
    AWAIT(fd, POLLOUT);
    DO(send(fd, "x", 1, MSG_NOSIGNAL));
    DO(send(fd, "x", 1, MSG_NOSIGNAL));
    RECV(fd, 10, 0);
    NAME(fd);
    DO(bind(fd, V6("::1", 5001)));
    NAME(fd);
}

/* A listener that takes no more: SYNs get no answer. */
static int silent_port(void)
{
    int listener = make_listener(AF_INET, 5000, 0), first = make_tcp(AF_INET);
    MUST(connect(first, V4("127.0.0.1", 5000)));
    AWAIT(listener, POLLIN);
    return listener;
}

static void connecting(void)
{
    int listener = silent_port(), fd = make_tcp(AF_INET);
    make_nonblocking(fd);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    READY(fd);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    DO(connect(fd, V4("127.0.0.1", 5001)));
    DO(connect(fd, V6("::1", 5001)));
    DO(listen(fd, 1));
    DO(bind(fd, V4("127.0.0.1", 5001)));
    FD(accept(fd, NULL, NULL));
    RECV(fd, 10, 0);
    DO(send(fd, "x", 1, 0));
    NAME(fd);
    PEER(fd);
    GET(fd, SOL_SOCKET, SO_ERROR);
    DO(shutdown(fd, SHUT_RD));
    READY(fd);
    DO(shutdown(fd, SHUT_WR));
    READY(fd);
    RECV(fd, 10, 0);
    DO(send(fd, "x", 1, MSG_NOSIGNAL));
    GET(fd, SOL_SOCKET, SO_ERROR);
    DO(close(fd));
    DO(close(listener));
}

static void connecting_undone(void)
{
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
    int listener = silent_port(), fd = make_tcp(AF_INET);
    make_nonblocking(fd);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    DO(connect(fd, &unspecified, sizeof(unspecified)));
    READY(fd);
    NAME(fd);
    PEER(fd);
    GET(fd, SOL_SOCKET, SO_ERROR);
    DO(close(listener));
    DO(connect(fd, V4("127.0.0.1", 5000)));
    AWAIT(fd, POLLOUT);
    GET(fd, SOL_SOCKET, SO_ERROR);
}

static void timeout(void)
{
    int listener = silent_port(), fd = make_tcp(AF_INET);
    struct timeval time = {0, 30000};
    DO(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)));
    DO(connect(fd, V4("127.0.0.1", 5000)));
    READY(fd);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    DO(send(fd, "x", 1, 0));
    DO(close(fd));
    DO(close(listener));
}

static void disconnect(void)
{
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
    int ends[2], listener = make_listener(AF_INET, 5000, 4), fresh = make_tcp(AF_INET);
    DO(connect(fresh, &unspecified, sizeof(unspecified)));
    make_pair(AF_INET, ends);
    DO(connect(ends[0], &unspecified, 1));
    DO(connect(ends[0], &unspecified, sizeof(sa_family_t)));
    PEER(ends[0]);
    NAME(ends[0]);
    READY(ends[0]);
    RECV(ends[0], 10, 0);
    DO(send(ends[0], "x", 1, MSG_NOSIGNAL));
    AWAIT(ends[1], POLLIN);
    READY(ends[1]);
    RECV(ends[1], 10, 0);
    DO(connect(ends[0], V4("127.0.0.1", 5000)));
    PEER(ends[0]);
    FD(accept(listener, NULL, NULL));
    DO(connect(listener, &unspecified, sizeof(unspecified)));
    READY(listener);
    NAME(listener);
    FD(accept(listener, NULL, NULL));
    DO(connect(fresh, V4("127.0.0.1", 5000)));
    DO(listen(listener, 3));
    NAME(listener);
}

/* Bound by name, the port is kept; else it is given back. */
static void disconnect_bound(void)
{
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
    int listener = make_listener(AF_INET, 5000, 4), fd = make_tcp(AF_INET);
    DO(bind(fd, V4("127.0.0.1", 5001)));
    DO(connect(fd, V4("127.0.0.1", 5000)));
    DO(connect(fd, &unspecified, sizeof(unspecified)));
    NAME(fd);
    DO(bind(fd, V4("127.0.0.1", 5002)));
    DO(listen(fd, 1));
    DO(connect(make_tcp(AF_INET), V4("127.0.0.1", 5001)));
    DO(close(listener));
}

static void wrong_addresses(int family)
{
    struct sockaddr_storage address = {0};
    socklen_t size = address_size(family);
    int fd = make_tcp(family), listener = make_listener(family, 5000, 8);
    memcpy(&address, loopback(family, 5000), size);
    DO(connect(fd, (struct sockaddr *)&address, 0));
    DO(connect(fd, (struct sockaddr *)&address, 1));
    DO(connect(fd, (struct sockaddr *)&address, 8));
    DO(connect(fd, (struct sockaddr *)&address, size - 4));
    DO(connect(fd, (struct sockaddr *)&address, size - 1));
    DO(connect(fd, (struct sockaddr *)&address, (socklen_t)-1));
    DO(connect(fd, (struct sockaddr *)&address, sizeof(address) + 1));
    DO(connect(fd, NULL, size));
    DO(connect(fd, bad_pointer(), size));
    DO(connect(fd, NULL, 0));
    address.ss_family = 4711;
    DO(connect(fd, (struct sockaddr *)&address, size));
    address.ss_family = AF_UNIX;
    DO(connect(fd, (struct sockaddr *)&address, size));
    address.ss_family = family == AF_INET ? AF_INET6 : AF_INET;
    DO(connect(fd, (struct sockaddr *)&address, size));
    NAME(fd);
    address.ss_family = (sa_family_t)family;
    DO(connect(fd, (struct sockaddr *)&address, sizeof(address)));
    DO(close(listener));
}

static void wrong_addresses_v4(void)
{
    wrong_addresses(AF_INET);
}

static void wrong_addresses_v6(void)
{
    wrong_addresses(AF_INET6);
}

static void nowhere(void)
{
    static const char *const v4[] = {"192.0.2.1", "255.255.255.255", "127.255.255.255",
                                     "224.0.0.1", "239.1.1.1",       "240.0.0.1"};
    static const char *const v6[] = {"2001:db8::1", "ff02::1", "fe80::1", "::ffff:192.0.2.1", "::127.0.0.1"};
    for (size_t i = 0; i < sizeof(v4) / sizeof(*v4); i++) {
        int tcp = make_tcp(AF_INET), udp = make_udp(AF_INET);
        say("%s", v4[i]);
        make_nonblocking(tcp);
        DO(connect(tcp, V4(v4[i], 5000)));
        DO(connect(udp, V4(v4[i], 5000)));
        close(tcp);
        close(udp);
    }
    for (size_t i = 0; i < sizeof(v6) / sizeof(*v6); i++) {
        int tcp = make_tcp(AF_INET6), udp = make_udp(AF_INET6);
        say("%s", v6[i]);
        make_nonblocking(tcp);
        DO(connect(tcp, V6(v6[i], 5000)));
        DO(connect(udp, V6(v6[i], 5000)));
        close(tcp);
        close(udp);
    }
}

static void anywhere(void)
{
    int listener = make_listener(0, 5000, 8), v4 = make_tcp(AF_INET), v6 = make_tcp(AF_INET6),
        mapped = make_tcp(AF_INET6);
    DO(connect(v4, V4("0.0.0.0", 5000)));
    PEER(v4);
    NAME(v4);
    DO(connect(v6, V6("::", 5000)));
    PEER(v6);
    NAME(v6);
    DO(connect(mapped, V6("::ffff:0.0.0.0", 5000)));
    PEER(mapped);
    int zero = make_tcp(AF_INET);
    DO(connect(zero, V4("127.0.0.1", 0)));
    DO(close(listener));
}

static void of_two_families(void)
{
    int only = make_tcp(AF_INET6), bound = make_tcp(AF_INET6), v4 = make_tcp(AF_INET),
        listener = make_listener(0, 5000, 4);
    SET(only, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    DO(connect(only, V6("::ffff:127.0.0.1", 5000)));
    DO(connect(only, V4("127.0.0.1", 5000)));
    DO(bind(bound, V6("::1", 5001)));
    DO(connect(bound, V6("::ffff:127.0.0.1", 5000)));
    DO(connect(v4, V6("::1", 5000)));
    DO(connect(v4, V6("::ffff:127.0.0.1", 5000)));
    DO(connect(v4, V4("127.0.0.1", 5000)));
    GET(v4, SOL_SOCKET, SO_DOMAIN);
    DO(close(listener));
}

static void oneself(void)
{
    int fd = make_tcp(AF_INET);
    DO(bind(fd, V4("127.0.0.1", 5000)));
    DO(connect(fd, V4("127.0.0.1", 5000)));
    NAME(fd);
    PEER(fd);
    DO(send(fd, "me", 2, 0));
    RECV(fd, 10, 0);
    DO(shutdown(fd, SHUT_WR));
    AWAIT(fd, POLLHUP);
    RECV(fd, 10, 0);
    READY(fd);
}

static void four_tuple_taken(void)
{
    int listener = make_listener(AF_INET, 5000, 4), first = make_tcp(AF_INET), second = make_tcp(AF_INET);
    SET(first, SOL_SOCKET, SO_REUSEADDR, 1);
    SET(second, SOL_SOCKET, SO_REUSEADDR, 1);
    DO(bind(first, V4("127.0.0.1", 5001)));
    DO(bind(second, V4("127.0.0.1", 5001)));
    DO(connect(first, V4("127.0.0.1", 5000)));
    DO(connect(second, V4("127.0.0.1", 5000)));
    NAME(second);
    DO(close(listener));
}

const struct scenario connect_scenarios[] = {
    {"connect/refused_v4", refused_v4},
    {"connect/refused_v6", refused_v6},
    {"connect/nonblocking", nonblocking},
    {"connect/nonblocking_refused", nonblocking_refused},
    {"connect/nonblocking_refused_then_send", nonblocking_refused_then_send},
    {"connect/connecting", connecting},
    {"connect/connecting_undone", connecting_undone},
    {"connect/timeout", timeout},
    {"connect/disconnect", disconnect},
    {"connect/disconnect_bound", disconnect_bound},
    {"connect/wrong_addresses_v4", wrong_addresses_v4},
    {"connect/wrong_addresses_v6", wrong_addresses_v6},
    {"connect/nowhere", nowhere},
    {"connect/anywhere", anywhere},
    {"connect/of_two_families", of_two_families},
    {"connect/oneself", oneself},
    {"connect/four_tuple_taken", four_tuple_taken},
    {NULL, NULL},
};
