// SPDX-License-Identifier: MIT
/* unix_wait.c: scenarios: AF_UNIX calls that wait, and what ends them; and epoll. */
#include "play.h"

#include <signal.h>

static void act_recv(int fd)
{
    RECV(fd, 10, 0);
}

static void act_accept(int fd)
{
    FD(accept(fd, NULL, NULL));
}

static void act_poll(int fd)
{
    AWAIT(fd, POLLIN);
}

static void act_connect(int fd)
{
    DO(connect(fd, UN("name")));
}

static void act_fill(int fd)
{
    static char block[4096];
    long result;
    while ((result = send(fd, block, sizeof(block), MSG_NOSIGNAL)) > 0)
        continue;
    say("%ld %s", result, errno_text(errno));
}

static int listening(int backlog)
{
    int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    MUST(bind(fd, UN("name")));
    MUST(listen(fd, backlog));
    return fd;
}

static void woken(void)
{
    int pair[2], listener = listening(2), datagram[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagram));
    struct actor *actor = act(act_recv, pair[0]);
    actor_asleep(actor);
    DO(send(pair[1], "data", 4, 0));
    actor_join(actor);
    actor = act(act_recv, datagram[0]);
    actor_asleep(actor);
    DO(send(datagram[1], "data", 4, 0));
    actor_join(actor);
    actor = act(act_poll, pair[0]);
    actor_asleep(actor);
    DO(send(pair[1], "data", 4, 0));
    actor_join(actor);
    actor = act(act_accept, listener);
    actor_asleep(actor);
    DO(connect(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), UN("name")));
    actor_join(actor);
}

static void closed_by_peer(void)
{
    static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
    for (int t = 0; t < 2; t++) {
        int pair[2];
        MUST(socketpair(AF_UNIX, types[t], 0, pair));
        struct actor *actor = act(act_recv, pair[0]);
        actor_asleep(actor);
        DO(close(pair[1]));
        actor_join(actor);
        MUST(socketpair(AF_UNIX, types[t], 0, pair));
        actor = act(act_fill, pair[0]);
        actor_asleep(actor);
        DO(close(pair[1]));
        actor_join(actor);
        MUST(socketpair(AF_UNIX, types[t], 0, pair));
        actor = act(act_recv, pair[0]);
        actor_asleep(actor);
        DO(shutdown(pair[0], SHUT_RD));
        actor_join(actor);
    }
}

static void closed_here(void)
{
    int pair[2], listener = listening(2);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    struct actor *actor = act(act_recv, pair[0]);
    actor_asleep(actor);
    DO(close(pair[0]));
    DO(send(pair[1], "still", 5, 0));
    actor_join(actor);
    actor = act(act_accept, listener);
    actor_asleep(actor);
    DO(shutdown(listener, SHUT_RDWR));
    actor_join(actor);
}

static void full_backlog(void)
{
    int listener = listening(0), first = MUST(socket(AF_UNIX, SOCK_STREAM, 0)),
        second = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    MUST(connect(first, UN("name")));
    struct actor *actor = act(act_connect, second);
    actor_asleep(actor);
    FD(accept(listener, NULL, NULL));
    actor_join(actor);
    int third = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    actor = act(act_connect, third);
    actor_asleep(actor);
    DO(close(listener));
    actor_join(actor);
    listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    struct timeval time = {0, 20000};
    MUST(bind(listener, UN("@name")));
    MUST(listen(listener, 0));
    MUST(connect(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), UN("@name")));
    int fourth = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    MUST(setsockopt(fourth, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)));
    DO(connect(fourth, UN("@name")));
}

static void on_signal(int number)
{
    (void)number;
}

static void signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    int pair[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    sigaction(SIGUSR1, &action, NULL);
    struct actor *actor = act(act_recv, pair[0]);
    actor_asleep(actor);
    actor_signal(actor, SIGUSR1);
    actor_join(actor);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    actor = act(act_recv, pair[0]);
    actor_asleep(actor);
    actor_signal(actor, SIGUSR1);
    actor_asleep(actor);
    DO(send(pair[1], "data", 4, 0));
    actor_join(actor);
}

static void limits(void)
{
    struct timeval time = {0, 20000};
    int pair[2], listener = listening(1);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    DO(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
    DO(setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)));
    DO(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
    RECV(pair[0], 10, 0);
    FD(accept(listener, NULL, NULL));
    act_fill(pair[0]);
}

static void polled(void)
{
    int pair[2], epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP};
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event));
    DO(epoll_wait(epoll, &event, 1, 0));
    DO(send(pair[1], "a", 1, 0));
    DO(epoll_wait(epoll, &event, 1, -1));
    say("%s", events_text(event.events));
    DO(epoll_wait(epoll, &event, 1, 0));
    DO(send(pair[1], "b", 1, 0));
    DO(epoll_wait(epoll, &event, 1, -1));
    DO(close(pair[1]));
    DO(epoll_wait(epoll, &event, 1, -1));
    say("%s", events_text(event.events));
    DO(epoll_wait(epoll, &event, 1, 0));
    RECV(pair[0], 10, 0);
    DO(epoll_wait(epoll, &event, 1, 0));
}

const struct scenario unix_wait_scenarios[] = {
    {"unix_wait/woken", woken},
    {"unix_wait/closed_by_peer", closed_by_peer},
    {"unix_wait/closed_here", closed_here},
    {"unix_wait/full_backlog", full_backlog},
    {"unix_wait/signals", signals},
    {"unix_wait/limits", limits},
    {"unix_wait/polled", polled},
    {NULL, NULL},
};
