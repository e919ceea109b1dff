// SPDX-License-Identifier: MIT
/* socket.c: scenarios: making descriptors, and what every call says to a wrong one. */
#include "play.h"

#include <sys/resource.h>

static void try_socket(int domain, int type, int protocol)
{
    errno = 0;
    int fd = socket(domain, type, protocol);
    say("socket(%d, %d, %d) = %s", domain, type, protocol, fd >= 0 ? "fd" : errno_text(errno));
    if (fd >= 0)
        close(fd);
}

static void kinds(void)
{
    static const int domains[] = {AF_INET, AF_INET6}, types[] = {0, SOCK_STREAM, SOCK_DGRAM, SOCK_RDM, SOCK_SEQPACKET},
                     protocols[] = {0, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6, 254, 255, 256, 1000, -1};
    for (size_t d = 0; d < sizeof(domains) / sizeof(*domains); d++)
        for (size_t t = 0; t < sizeof(types) / sizeof(*types); t++)
            for (size_t p = 0; p < sizeof(protocols) / sizeof(*protocols); p++)
                try_socket(domains[d], types[t], protocols[p]);
}

static void wrong_domains(void)
{
    static const int domains[] = {AF_UNSPEC, -1, 46, 1000, INT32_MAX, INT32_MIN};
    for (size_t d = 0; d < sizeof(domains) / sizeof(*domains); d++)
        try_socket(domains[d], SOCK_STREAM, 0);
    try_socket(-1, -1, -1);
    try_socket(1000, 1000, 0);
}

static void wrong_types(void)
{
    static const int types[] = {
        -1, 6, 7, 9, 11, 15, 16, 0x1000, SOCK_STREAM | 0x10, SOCK_STREAM | 0x1000, SOCK_STREAM | (1 << 30)};
    for (size_t t = 0; t < sizeof(types) / sizeof(*types); t++) {
        try_socket(AF_INET, types[t], 0);
        try_socket(AF_INET6, types[t], 0);
    }
}

static void raw(void)
{
    try_socket(AF_INET, SOCK_RAW, 0);
    try_socket(AF_INET6, SOCK_RAW, 0);
    try_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    try_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    try_socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    try_socket(AF_INET, SOCK_RAW, 256);
}

static void flags(void)
{
    int plain = FD(socket(AF_INET, SOCK_STREAM, 0));
    int nonblock = FD(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    int cloexec = FD(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    int both = FD(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
    DO(fcntl(plain, F_GETFL));
    DO(fcntl(plain, F_GETFD));
    DO(fcntl(nonblock, F_GETFL));
    DO(fcntl(nonblock, F_GETFD));
    DO(fcntl(cloexec, F_GETFL));
    DO(fcntl(cloexec, F_GETFD));
    DO(fcntl(both, F_GETFL));
    DO(fcntl(both, F_GETFD));
}

static void pairs(void)
{
    int ends[2];
    DO(socketpair(AF_INET, SOCK_STREAM, 0, ends));
    DO(socketpair(AF_INET, SOCK_DGRAM, 0, ends));
    DO(socketpair(AF_INET6, SOCK_STREAM, 0, ends));
    DO(socketpair(AF_INET6, SOCK_STREAM, IPPROTO_UDP, ends));
    DO(socketpair(AF_INET, SOCK_SEQPACKET, 0, ends));
    DO(socketpair(1000, SOCK_STREAM, 0, ends));
    DO(socketpair(AF_INET, SOCK_STREAM | 0x1000, 0, ends));
}

static void numbers(void)
{
    int first = MUST(socket(AF_INET, SOCK_STREAM, 0));
    int second = MUST(socket(AF_INET, SOCK_STREAM, 0));
    int third = MUST(socket(AF_INET, SOCK_STREAM, 0));
    say("rising: %d", first < second && second < third);
    DO(close(second));
    int again = FD(socket(AF_INET6, SOCK_DGRAM, 0));
    say("the lowest number is taken again: %d", again == second);
    DO(close(second));
    DO(close(second));
    DO(close(-1));
    DO(close(123456));
    DO(close(INT32_MAX));
    DO(close(INT32_MIN));
}

static void too_many(void)
{
    struct rlimit limit = {64, 64};
    int fds[80], count = 0;
    int listener = make_listener(AF_INET, 5000, 4), client = make_tcp(AF_INET), peer = make_tcp(AF_INET);
    MUST(connect(client, V4("127.0.0.1", 5000)));
    AWAIT(listener, POLLIN);
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    while (count < 80 && (fds[count] = socket(AF_INET, SOCK_DGRAM, 0)) >= 0)
        count++;
    say("reached: %d, %s", count > 30 && count < 64, errno_text(errno));
    FD(socket(AF_INET, SOCK_STREAM, 0));
    FD(accept(listener, NULL, NULL));
    FD(dup(listener));
    FD(fcntl(listener, F_DUPFD, 0));
    DO(fcntl(listener, F_DUPFD, 64));
    FD(epoll_create1(0));
    DO(dup2(listener, 64));
    DO(dup3(listener, 64, 0));
    AWAIT(listener, POLLIN);
    DO(close(fds[0]));
    fds[0] = FD(accept(listener, NULL, NULL));
    PEER(fds[0]);
    FD(socket(AF_INET, SOCK_STREAM, 0));
    DO(close(peer));
    FD(socket(AF_INET, SOCK_STREAM, 0));
}

static void dups(void)
{
    int fd = make_udp(AF_INET), copy, other;
    copy = FD(dup(fd));
    DO(dup2(fd, fd) == fd);
    DO(dup3(fd, fd, 0));
    DO(dup3(fd, copy, 0x1));
    DO(dup2(fd, -1));
    DO(dup2(-1, fd));
    DO(dup3(-1, fd, 0));
    DO(dup(-1));
    DO(dup(987654));
    DO(dup2(987654, fd));
    DO(dup2(987654, 987654));
    DO(dup3(987654, 987654, 0));
    DO(bind(copy, V4("127.0.0.1", 5000)));
    NAME(fd);
    DO(fcntl(fd, F_SETFD, FD_CLOEXEC));
    DO(fcntl(copy, F_GETFD));
    DO(fcntl(fd, F_SETFL, O_NONBLOCK));
    DO(fcntl(copy, F_GETFL));
    RECV(copy, 10, 0);
    other = FD(fcntl(fd, F_DUPFD, 0));
    DO(fcntl(other, F_GETFD));
    DO(close(other));
    other = FD(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    DO(fcntl(other, F_GETFD));
    DO(fcntl(fd, F_DUPFD, -1));
    DO(fcntl(fd, F_DUPFD, 500));
    DO(fcntl(500, F_GETFL));
    DO(close(500));
    DO(dup2(fd, 300));
    DO(dup3(fd, 301, O_CLOEXEC));
    DO(fcntl(300, F_GETFD));
    DO(fcntl(301, F_GETFD));
    DO(close(fd));
    NAME(301);
    DO(close(copy) + close(other) + close(300) + close(301));
    NAME(301);
    fd = make_udp(AF_INET);
    DO(bind(fd, V4("127.0.0.1", 5000)));
}

/* dup2 onto an open socket closes that one: its peer hears of it. */
static void dup_onto(void)
{
    int ends[2], fd = make_udp(AF_INET);
    make_pair(AF_INET, ends);
    DO(dup2(fd, ends[0]) == ends[0]);
    AWAIT(ends[1], POLLRDHUP);
    RECV(ends[1], 10, 0);
    GET(ends[0], SOL_SOCKET, SO_TYPE);
    DO(dup3(fd, ends[1], O_CLOEXEC) == ends[1]);
    GET(ends[1], SOL_SOCKET, SO_TYPE);
}

/* The connection goes on until the last descriptor is closed. */
static void last_close(void)
{
    int ends[2], copy;
    make_pair(AF_INET6, ends);
    copy = FD(dup(ends[0]));
    DO(close(ends[0]));
    DO(send(copy, "still", 5, 0));
    RECV(ends[1], 10, 0);
    READY(ends[1]);
    DO(close(copy));
    AWAIT(ends[1], POLLIN);
    RECV(ends[1], 10, 0);
}

/* Every call, with a descriptor that is not one, that is closed, and that is no socket. */
static void wrong_descriptor(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    struct iovec iov = {&address, 4};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    struct mmsghdr messages = {.msg_hdr = message};
    struct epoll_event event = {.events = EPOLLIN};
    int value = 0;
    FD(accept(fd, NULL, NULL));
    FD(accept4(fd, NULL, NULL, 0x1));
    DO(bind(fd, V4("127.0.0.1", 1)));
    DO(listen(fd, 1));
    DO(connect(fd, V4("127.0.0.1", 1)));
    DO(recv(fd, &address, 1, 0));
    DO(send(fd, &address, 1, 0));
    DO(recvfrom(fd, &address, 1, 0, NULL, NULL));
    DO(sendto(fd, &address, 1, 0, V4("127.0.0.1", 1)));
    DO(recvmsg(fd, &message, 0));
    DO(sendmsg(fd, &message, 0));
    DO(recvmmsg(fd, &messages, 1, 0, NULL));
    DO(sendmmsg(fd, &messages, 1, 0));
    DO(shutdown(fd, SHUT_RDWR));
    DO(shutdown(fd, 17));
    DO(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length));
    DO(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value)));
    DO(setsockopt(fd, SOL_SOCKET, 12345, &value, sizeof(value)));
    DO(getsockname(fd, (struct sockaddr *)&address, &length));
    DO(getpeername(fd, (struct sockaddr *)&address, &length));
    DO(epoll_ctl(fd, EPOLL_CTL_ADD, fd, &event));
    DO(epoll_wait(fd, &event, 1, 0));
}

static void wrong_file(int fd)
{
    char data[4];
    struct iovec iov = {data, 4};
    int value;
    off_t offset = 0;
    DO(read(fd, data, 1));
    DO(write(fd, data, 1));
    DO(readv(fd, &iov, 1));
    DO(writev(fd, &iov, 1));
    FD(dup(fd));
    DO(fcntl(fd, F_GETFL));
    DO(fcntl(fd, 4711));
    DO(ioctl(fd, FIONREAD, &value));
    DO(ioctl(fd, 4711, &value));
    DO(sendfile(fd, fd, &offset, 1));
    DO(splice(fd, NULL, fd, NULL, 1, 0));
    READY(fd);
}

static void none(void)
{
    int closed = make_tcp(AF_INET);
    MUST(close(closed));
    wrong_descriptor(-1);
    wrong_descriptor(closed);
    wrong_descriptor(4711000);
    wrong_file(-1);
    wrong_file(closed);
}

static void not_a_socket(void)
{
    int fd = eventfd(0, EFD_NONBLOCK);
    wrong_descriptor(fd);
}

const struct scenario socket_scenarios[] = {
    {"socket/kinds", kinds},
    {"socket/wrong_domains", wrong_domains},
    {"socket/wrong_types", wrong_types},
    {"socket/raw", raw},
    {"socket/flags", flags},
    {"socket/pairs", pairs},
    {"socket/numbers", numbers},
    {"socket/too_many", too_many},
    {"socket/dups", dups},
    {"socket/dup_onto", dup_onto},
    {"socket/last_close", last_close},
    {"socket/no_descriptor", none},
    {"socket/not_a_socket", not_a_socket},
    {NULL, NULL},
};
