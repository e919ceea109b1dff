// SPDX-License-Identifier: MIT
/* epoll.c: scenarios: level and edge triggered, one-shot, exclusive, nested, mixed with the kernel's own descriptors.
 */
#include "play.h"

#include <time.h>

/* Data are small numbers, and events are said in their order. */
static void say_events(struct epoll_event *events, int count)
{
    for (uint64_t data = 0; data < 64; data++)
        for (int i = 0; i < count; i++)
            if (events[i].data.u64 == data)
                say("    %llu: %s", (unsigned long long)data, events_text(events[i].events));
}

#define ADD(epoll, fd, mask, number) DO(change(epoll, EPOLL_CTL_ADD, fd, mask, number))
#define MOD(epoll, fd, mask, number) DO(change(epoll, EPOLL_CTL_MOD, fd, mask, number))
#define DEL(epoll, fd) DO(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL))
#define WAIT(epoll, time) wait_for(__LINE__, epoll, time)

static int change(int epoll, int operation, int fd, uint32_t mask, uint64_t number)
{
    struct epoll_event event = {.events = mask, .data.u64 = number};
    return epoll_ctl(epoll, operation, fd, &event);
}

static void wait_for(int line, int epoll, int time)
{
    struct epoll_event events[16];
    errno = 0;
    int count = epoll_wait(epoll, events, 16, time);
    say("%d: wait = %d%s%s", line, count, count < 0 ? " " : "", count < 0 ? errno_text(errno) : "");
    say_events(events, count);
}

static void level(void)
{
    int epoll = FD(epoll_create1(EPOLL_CLOEXEC)), ends[2];
    DO(fcntl(epoll, F_GETFD));
    DO(fcntl(epoll, F_GETFL));
    WAIT(epoll, 0);
    make_pair(AF_INET, ends);
    ADD(epoll, ends[0], EPOLLIN | EPOLLRDHUP, 1);
    WAIT(epoll, 0);
    WAIT(epoll, 5);
    MUST(send(ends[1], "ab", 2, 0));
    WAIT(epoll, -1);
    WAIT(epoll, -1);
    RECV(ends[0], 1, 0);
    WAIT(epoll, -1);
    RECV(ends[0], 1, 0);
    WAIT(epoll, 0);
    MOD(epoll, ends[0], EPOLLIN | EPOLLOUT, 2);
    WAIT(epoll, -1);
    MOD(epoll, ends[0], 0, 3);
    WAIT(epoll, 0);
    MUST(close(ends[1]));
    AWAIT(ends[0], POLLRDHUP);
    WAIT(epoll, 0);
    MOD(epoll, ends[0], EPOLLIN | EPOLLRDHUP, 4);
    WAIT(epoll, -1);
    DEL(epoll, ends[0]);
    WAIT(epoll, 0);
}

static void edge(void)
{
    int epoll = epoll_create1(0), ends[2];
    make_pair(AF_INET, ends);
    ADD(epoll, ends[0], EPOLLIN | EPOLLET, 1);
    WAIT(epoll, 0);
    MUST(send(ends[1], "ab", 2, 0));
    WAIT(epoll, -1);
    WAIT(epoll, 0);
    MUST(send(ends[1], "cd", 2, 0));
    WAIT(epoll, -1);
    WAIT(epoll, 0);
    RECV(ends[0], 1, 0);
    WAIT(epoll, 0);
    MOD(epoll, ends[0], EPOLLIN | EPOLLET, 2);
    WAIT(epoll, -1);
    WAIT(epoll, 0);
    RECV(ends[0], 10, 0);
    WAIT(epoll, 0);
    MUST(send(ends[1], "ef", 2, 0));
    WAIT(epoll, -1);
    RECV(ends[0], 10, 0);
    MUST(shutdown(ends[1], SHUT_WR));
    WAIT(epoll, -1);
    WAIT(epoll, 0);
    DEL(epoll, ends[0]);
    ADD(epoll, ends[0], EPOLLIN | EPOLLET, 3);
    WAIT(epoll, -1);
    WAIT(epoll, 0);
}

static void edge_out(void)
{
    static char block[65536];
    int epoll = epoll_create1(0), ends[2];
    long sent = 0, got = 0, result;
    make_pair(AF_INET, ends);
    ADD(epoll, ends[0], EPOLLOUT | EPOLLET, 1);
    WAIT(epoll, -1);
    WAIT(epoll, 0);
    MUST(send(ends[0], "x", 1, 0));
    RECV(ends[1], 1, 0);
    SET(ends[0], SOL_SOCKET, SO_SNDBUF, 65536);
    make_nonblocking(ends[0]);
    while ((result = send(ends[0], block, sizeof(block), 0)) > 0)
        sent += result;
    while (got < sent && (result = recv(ends[1], block, sizeof(block), 0)) > 0)
        got += result;
    WAIT(epoll, -1);
}

static void one_shot(void)
{
    int epoll = epoll_create1(0), ends[2];
    make_pair(AF_INET, ends);
    ADD(epoll, ends[0], EPOLLIN | EPOLLONESHOT, 1);
    MUST(send(ends[1], "a", 1, 0));
    WAIT(epoll, -1);
    WAIT(epoll, 0);
    MUST(send(ends[1], "b", 1, 0));
    WAIT(epoll, 0);
    MUST(close(ends[1]));
    AWAIT(ends[0], POLLRDHUP);
    WAIT(epoll, 0);
    MOD(epoll, ends[0], EPOLLIN | EPOLLONESHOT, 2);
    WAIT(epoll, -1);
    WAIT(epoll, 0);
    MOD(epoll, ends[0], EPOLLIN | EPOLLET | EPOLLONESHOT, 3);
    WAIT(epoll, -1);
    WAIT(epoll, 0);
}

static void exclusive(void)
{
    int first = epoll_create1(0), second = epoll_create1(0), ends[2];
    make_pair(AF_INET, ends);
    ADD(first, ends[0], EPOLLIN | EPOLLEXCLUSIVE, 1);
    ADD(second, ends[0], EPOLLIN | EPOLLEXCLUSIVE, 2);
    MOD(first, ends[0], EPOLLIN, 3);
    MOD(first, ends[0], EPOLLIN | EPOLLEXCLUSIVE, 3);
    ADD(first, ends[1], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 4);
    ADD(first, ends[1], EPOLLIN | EPOLLEXCLUSIVE | EPOLLPRI, 4);
    ADD(first, ends[1], EPOLLIN | EPOLLRDHUP | EPOLLEXCLUSIVE, 4);
    ADD(first, second, EPOLLIN | EPOLLEXCLUSIVE, 5);
    ADD(first, ends[1], EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLET | EPOLLEXCLUSIVE, 6);
    MOD(first, ends[1], EPOLLIN | EPOLLEXCLUSIVE, 7);
    WAIT(first, 0);
    MUST(send(ends[1], "x", 1, 0));
    AWAIT(ends[0], POLLIN);
    WAIT(first, 0);
    WAIT(second, 0);
    DEL(first, ends[0]);
    WAIT(first, 0);
}

static void mixed(void)
{
    int epoll = epoll_create1(0), ends[2], pipes_made[2], event = eventfd(0, EFD_NONBLOCK), udp = make_udp(AF_INET);
    uint64_t one = 1;
    char byte;
    make_pair(AF_INET, ends);
    MUST(pipe(pipes_made));
    ADD(epoll, ends[0], EPOLLIN, 1);
    ADD(epoll, pipes_made[0], EPOLLIN, 2);
    ADD(epoll, event, EPOLLIN, 3);
    ADD(epoll, udp, EPOLLOUT, 4);
    ADD(epoll, pipes_made[1], EPOLLOUT | EPOLLET, 5);
    WAIT(epoll, -1);
    WAIT(epoll, -1);
    DEL(epoll, udp);
    WAIT(epoll, 0);
    MUST(sys_write(pipes_made[1], "x", 1));
    WAIT(epoll, -1);
    MUST(sys_write(event, &one, sizeof(one)));
    MUST(send(ends[1], "x", 1, 0));
    AWAIT(ends[0], POLLIN);
    WAIT(epoll, -1);
    MUST(sys_read(pipes_made[0], &byte, 1));
    MUST(sys_read(event, &one, sizeof(one)));
    WAIT(epoll, -1);
    RECV(ends[0], 1, 0);
    WAIT(epoll, 0);
    MOD(epoll, event, EPOLLIN | EPOLLOUT, 6);
    WAIT(epoll, -1);
    DEL(epoll, event);
    MUST(sys_close(pipes_made[1]));
    WAIT(epoll, -1);
    MOD(epoll, pipes_made[0], EPOLLIN | EPOLLONESHOT, 7);
    WAIT(epoll, -1);
    WAIT(epoll, 0);
    DEL(epoll, pipes_made[0]);
    WAIT(epoll, 0);
}

static void mixed_edges(void)
{
    int epoll = epoll_create1(0), pipes_made[2];
    char byte;
    MUST(pipe(pipes_made));
    ADD(epoll, pipes_made[0], EPOLLIN | EPOLLET, 1);
    MUST(sys_write(pipes_made[1], "ab", 2));
    WAIT(epoll, -1);
    WAIT(epoll, 0);
    MUST(sys_read(pipes_made[0], &byte, 1));
    WAIT(epoll, 0);
    MUST(sys_write(pipes_made[1], "c", 1));
    WAIT(epoll, -1);
    MOD(epoll, pipes_made[0], EPOLLIN | EPOLLET, 2);
    WAIT(epoll, -1);
    WAIT(epoll, 0);
}

static void errors(void)
{
    int epoll = epoll_create1(0), fd = make_udp(AF_INET), closed = make_udp(AF_INET), ends[2];
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct epoll_event event = {.events = EPOLLOUT, .data.u64 = 1};
    char data[4];
    MUST(close(closed));
    FD(epoll_create1(1));
    FD(epoll_create(0));
    FD(epoll_create(-1));
    int old = FD(epoll_create(1));
    DO(close(old));
    DEL(epoll, fd);
    MOD(epoll, fd, EPOLLIN, 1);
    ADD(epoll, fd, EPOLLOUT, 1);
    ADD(epoll, fd, EPOLLIN, 2);
    DO(epoll_ctl(epoll, 4, fd, &event));
    DO(epoll_ctl(epoll, 0, fd, &event));
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, closed, &event));
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, -1, &event));
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event));
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, NULL));
    DO(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, bad_pointer()));
    DO(epoll_ctl(fd, EPOLL_CTL_ADD, epoll, &event));
    DO(epoll_ctl(fd, EPOLL_CTL_ADD, fd, &event));
    DO(epoll_ctl(-1, EPOLL_CTL_ADD, fd, &event));
    DO(epoll_wait(epoll, &event, 0, 0));
    DO(epoll_wait(epoll, &event, -1, 0));
    DO(epoll_wait(epoll, &event, INT32_MAX, 0));
    DO(epoll_wait(epoll, NULL, 1, 0));
    DO(epoll_wait(epoll, bad_pointer(), 1, 0));
    DO(epoll_wait(fd, &event, 1, 0));
    DO(epoll_wait(-1, &event, 1, 0));
    DO(epoll_wait(epoll, &event, 1, 0));
    DO(read(epoll, data, 1));
    DO(write(epoll, data, 1));
    DO(recv(epoll, data, 1, 0));
    DO(bind(epoll, V4("127.0.0.1", 5000)));
    DO(getsockopt(epoll, SOL_SOCKET, SO_TYPE, data, &(socklen_t){4}));
    DO(ioctl(epoll, FIONREAD, data));
    DO(fcntl(epoll, F_SETFL, O_NONBLOCK));
    DO(fcntl(epoll, F_GETFL));
    struct timespec none = {0, 0}, wrong = {0, 1000000000};
    DO(epoll_pwait2(epoll, &event, 1, &none, NULL));
    DO(epoll_pwait2(epoll, &event, 1, NULL, NULL));
    DO(epoll_pwait2(epoll, &event, 1, &wrong, NULL));
    make_pair(AF_INET, ends);
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event));
    DO(close(epoll));
    DO(epoll_wait(epoll, &event, 1, 0));
}

/* Closing the last descriptor takes the interest away; a copy keeps it. */
static void closing(void)
{
    int epoll = epoll_create1(0), fd = make_udp(AF_INET), copy;
    ADD(epoll, fd, EPOLLOUT, 1);
    copy = dup(fd);
    ADD(epoll, copy, EPOLLOUT, 2);
    WAIT(epoll, -1);
    MUST(close(fd));
    WAIT(epoll, -1);
    DEL(epoll, fd);
    MUST(close(copy));
    WAIT(epoll, 0);
    fd = make_udp(AF_INET);
    ADD(epoll, fd, EPOLLOUT, 3);
    WAIT(epoll, -1);
    int other = dup(epoll);
    MUST(close(epoll));
    WAIT(other, -1);
    READY(other);
}

static void nested(void)
{
    int inner = epoll_create1(0), outer = epoll_create1(0), ends[2];
    make_pair(AF_INET, ends);
    ADD(inner, ends[0], EPOLLIN, 1);
    ADD(outer, inner, EPOLLIN, 2);
    READY(inner);
    WAIT(outer, 0);
    MUST(send(ends[1], "x", 1, 0));
    AWAIT(outer, POLLIN);
    READY(inner);
    WAIT(outer, -1);
    WAIT(inner, -1);
    WAIT(outer, -1);
    RECV(ends[0], 1, 0);
    WAIT(outer, 0);
    READY(outer);
    MUST(send(ends[1], "x", 1, 0));
    WAIT(outer, -1);
    WAIT(inner, -1);
    ADD(inner, outer, EPOLLIN, 3);
    MOD(outer, inner, EPOLLIN | EPOLLET, 4);
    WAIT(outer, -1);
    WAIT(outer, 0);
    MUST(close(inner));
    WAIT(outer, 0);
}

static void nested_deep(void)
{
    int chain[8];
    for (int i = 0; i < 8; i++) {
        chain[i] = epoll_create1(0);
        if (i > 0)
            ADD(chain[i], chain[i - 1], EPOLLIN, 1);
    }
}

/* More is ready than is asked for: each has its turn. */
static void turns(void)
{
    int epoll = epoll_create1(0), fds[5], seen[5] = {0};
    for (int i = 0; i < 5; i++) {
        fds[i] = make_udp(AF_INET);
        MUST(change(epoll, EPOLL_CTL_ADD, fds[i], EPOLLOUT, (uint64_t)i));
    }
    for (int round = 0; round < 5; round++) {
        struct epoll_event events[2];
        int count = epoll_wait(epoll, events, 2, -1);
        say("%d", count);
        for (int i = 0; i < count; i++)
            seen[events[i].data.u64]++;
    }
    for (int i = 0; i < 5; i++)
        say("%d: %d times", i, seen[i]);
}

static void listener_edges(void)
{
    int epoll = epoll_create1(0), listener = make_listener(AF_INET, 5000, 8);
    make_nonblocking(listener);
    ADD(epoll, listener, EPOLLIN | EPOLLET, 1);
    WAIT(epoll, 0);
    MUST(connect(make_tcp(AF_INET), V4("127.0.0.1", 5000)));
    WAIT(epoll, -1);
    WAIT(epoll, 0);
    MUST(connect(make_tcp(AF_INET), V4("127.0.0.1", 5000)));
    WAIT(epoll, -1);
    FD(accept(listener, NULL, NULL));
    WAIT(epoll, 0);
    FD(accept(listener, NULL, NULL));
    FD(accept(listener, NULL, NULL));
    WAIT(epoll, 0);
}

static void datagram_edges(void)
{
    int epoll = epoll_create1(0), ends[2];
    make_udp_pair(AF_INET, ends);
    ADD(epoll, ends[1], EPOLLIN | EPOLLOUT | EPOLLET, 1);
    WAIT(epoll, -1);
    WAIT(epoll, 0);
    MUST(send(ends[0], "a", 1, 0));
    WAIT(epoll, -1);
    MUST(send(ends[0], "b", 1, 0));
    WAIT(epoll, -1);
    RECV(ends[1], 1, 0);
    WAIT(epoll, 0);
    RECV(ends[1], 1, 0);
    WAIT(epoll, 0);
}

static void connecting(void)
{
    int epoll = epoll_create1(0), good = make_tcp(AF_INET), bad = make_tcp(AF_INET),
        listener = make_listener(AF_INET, 5000, 8);
    make_nonblocking(good);
    make_nonblocking(bad);
    DO(connect(bad, V4("127.0.0.1", 5001)));
    AWAIT(bad, POLLOUT);
    ADD(epoll, bad, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 1);
    WAIT(epoll, -1);
    WAIT(epoll, 0);
    ADD(epoll, good, EPOLLIN | EPOLLOUT | EPOLLET, 2);
    WAIT(epoll, 0);
    DO(connect(good, V4("127.0.0.1", 5000)));
    AWAIT(good, POLLOUT);
    WAIT(epoll, -1);
    MUST(close(listener));
    AWAIT(good, POLLHUP);
    WAIT(epoll, -1);
    WAIT(epoll, 0);
}

const struct scenario epoll_scenarios[] = {
    {"epoll/level", level},
    {"epoll/edge", edge},
    {"epoll/edge_out", edge_out},
    {"epoll/one_shot", one_shot},
    {"epoll/exclusive", exclusive},
    {"epoll/mixed", mixed},
    {"epoll/mixed_edges", mixed_edges},
    {"epoll/errors", errors},
    {"epoll/closing", closing},
    {"epoll/nested", nested},
    {"epoll/nested_deep", nested_deep},
    {"epoll/turns", turns},
    {"epoll/listener_edges", listener_edges},
    {"epoll/datagram_edges", datagram_edges},
    {"epoll/connecting", connecting},
    {NULL, NULL},
};
