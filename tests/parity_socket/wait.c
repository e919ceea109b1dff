// SPDX-License-Identifier: MIT
/* wait.c: scenarios: calls that wait: time limits, signals, and other threads that close, shut down or write. */
#include "play.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void limit(int fd, int option, int us)
{
    struct timeval time = {0, us};
    MUST(setsockopt(fd, SOL_SOCKET, option, &time, sizeof(time)));
}

static void receive_limits(void)
{
    int ends[2], udp = make_udp(AF_INET), listener = make_listener(AF_INET, 5000, 1);
    struct iovec iov;
    char data[4];
    struct msghdr message = message_of(&iov, data, sizeof(data));
    make_pair(AF_INET, ends);
    limit(ends[0], SO_RCVTIMEO, 30000);
    limit(udp, SO_RCVTIMEO, 30000);
    limit(listener, SO_RCVTIMEO, 30000);
    double before = seconds();
    RECV(ends[0], 10, 0);
    say("as long: %d", seconds() - before >= 0.03);
    DO(read(ends[0], data, 4));
    DO(recvmsg(ends[0], &message, 0));
    RECV(ends[0], 10, MSG_PEEK);
    before = seconds();
    RECV(udp, 10, 0);
    say("as long: %d", seconds() - before >= 0.03);
    before = seconds();
    FD(accept(listener, NULL, NULL));
    say("as long: %d", seconds() - before >= 0.03);
    make_nonblocking(ends[0]);
    RECV(ends[0], 10, 0);
}

static void send_limit(void)
{
    static char block[1 << 20];
    int ends[2];
    long result;
    make_pair(AF_INET, ends);
    SET(ends[0], SOL_SOCKET, SO_SNDBUF, 65536);
    limit(ends[0], SO_SNDTIMEO, 30000);
    while ((result = send(ends[0], block, sizeof(block), 0)) > 0)
        continue;
    say("%ld %s", result, errno_text(errno));
}

static void act_recv(int fd)
{
    RECV(fd, 10, 0);
}

static void act_recv_twice(int fd)
{
    RECV(fd, 10, 0);
    RECV(fd, 10, 0);
}

static void act_recv_all(int fd)
{
    RECV(fd, 6, MSG_WAITALL);
}

static void act_accept(int fd)
{
    FD(accept(fd, NULL, NULL));
}

static void act_poll(int fd)
{
    AWAIT(fd, POLLIN);
}

static void act_select(int fd)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    DO(select(fd + 1, &set, NULL, NULL, NULL));
}

static void act_epoll(int fd)
{
    struct epoll_event event = {0};
    DO(epoll_wait(fd, &event, 1, 5000));
    say("%s", events_text(event.events));
}

static void act_connect(int fd)
{
    DO(connect(fd, V4("127.0.0.1", 5000)));
}

static void act_fill(int fd)
{
    static char block[1 << 16];
    long result;
    while ((result = send(fd, block, sizeof(block), MSG_NOSIGNAL)) > 0)
        continue;
    say("%ld %s", result, errno_text(errno));
}

static void act_send_much(int fd)
{
    static char block[1 << 22];
    SOME(send(fd, block, sizeof(block), MSG_NOSIGNAL));
}

static void woken_by_data(void)
{
    int ends[2], udp[2], listener = make_listener(AF_INET, 5000, 4);
    make_pair(AF_INET, ends);
    make_udp_pair(AF_INET, udp);
    struct actor *actor = act(act_recv, ends[0]);
    actor_asleep(actor);
    DO(send(ends[1], "data", 4, 0));
    actor_join(actor);
    actor = act(act_recv, udp[1]);
    actor_asleep(actor);
    DO(send(udp[0], "datagram", 8, 0));
    actor_join(actor);
    actor = act(act_accept, listener);
    actor_asleep(actor);
    DO(connect(make_tcp(AF_INET), V4("127.0.0.1", 5000)));
    actor_join(actor);
    actor = act(act_poll, ends[0]);
    actor_asleep(actor);
    DO(send(ends[1], "more", 4, 0));
    actor_join(actor);
    RECV(ends[0], 10, 0);
    actor = act(act_select, ends[0]);
    actor_asleep(actor);
    DO(send(ends[1], "most", 4, 0));
    actor_join(actor);
}

static void close_of_received(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    struct actor *actor = act(act_recv_twice, ends[0]);
    actor_asleep(actor);
    DO(close(ends[0])); /* the call under way keeps the socket */
    DO(send(ends[1], "still", 5, 0));
    actor_join(actor);
    AWAIT(ends[1], POLLRDHUP);
    RECV(ends[1], 10, 0);
}

static void close_of_accepted(void)
{
    int listener = make_listener(AF_INET, 5000, 4), client = make_tcp(AF_INET);
    struct actor *actor = act(act_accept, listener);
    actor_asleep(actor);
    DO(close(listener));
    DO(connect(client, V4("127.0.0.1", 5000)));
    actor_join(actor);
    DO(connect(make_tcp(AF_INET), V4("127.0.0.1", 5000)));
}

static void close_of_polled(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    struct actor *actor = act(act_poll, ends[0]);
    actor_asleep(actor);
    DO(close(ends[0]));
    DO(send(ends[1], "still", 5, 0));
    actor_join(actor);
}

static void close_of_epolled(void)
{
    int epoll = epoll_create1(0), ends[2], fd = make_udp(AF_INET);
    struct epoll_event event = {.events = EPOLLIN};
    make_pair(AF_INET, ends);
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event));
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
    struct actor *actor = act(act_epoll, epoll);
    actor_asleep(actor);
    DO(close(ends[0]));
    AWAIT(ends[1], POLLRDHUP); /* nobody keeps it */
    DO(shutdown(fd, SHUT_RDWR));
    int other = make_udp(AF_INET);
    event.events = EPOLLOUT;
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &event));
    actor_join(actor);
    actor = act(act_recv, other);
    actor_asleep(actor);
    DO(shutdown(other, SHUT_RD));
    MUST(connect(other, V4("127.0.0.1", 6001)));
    DO(shutdown(other, SHUT_RD));
    actor_join(actor);
}

static void shutdown_of_received(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    struct actor *actor = act(act_recv, ends[0]);
    actor_asleep(actor);
    DO(shutdown(ends[0], SHUT_RD));
    actor_join(actor);
    actor = act(act_recv_all, ends[1]);
    actor_asleep(actor);
    DO(send(ends[0], "abc", 3, 0));
    DO(shutdown(ends[0], SHUT_WR));
    actor_join(actor);
    int udp[2];
    make_udp_pair(AF_INET, udp);
    actor = act(act_recv, udp[0]);
    actor_asleep(actor);
    DO(shutdown(udp[0], SHUT_RD));
    actor_join(actor);
}

static void shutdown_of_accepted(void)
{
    int listener = make_listener(AF_INET, 5000, 4);
    struct actor *actor = act(act_accept, listener), *poller = act(act_poll, listener);
    actor_asleep(actor);
    actor_asleep(poller);
    DO(shutdown(listener, SHUT_RDWR));
    actor_join(actor);
    actor_join(poller);
    READY(listener);
}

static int silent_port(void)
{
    int listener = make_listener(AF_INET, 5000, 0);
    MUST(connect(make_tcp(AF_INET), V4("127.0.0.1", 5000)));
    AWAIT(listener, POLLIN);
    return listener;
}

static void shutdown_of_connecting(void)
{
    int listener = silent_port(), fd = make_tcp(AF_INET);
    struct actor *actor = act(act_connect, fd);
    actor_asleep(actor);
    DO(shutdown(fd, SHUT_RDWR));
    actor_join(actor);
    READY(fd);
    DO(close(listener));
}

static void disconnect_of_connecting(void)
{
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
    int listener = silent_port(), fd = make_tcp(AF_INET);
    struct actor *actor = act(act_connect, fd);
    actor_asleep(actor);
    DO(connect(fd, &unspecified, sizeof(unspecified)));
    actor_join(actor);
    DO(close(listener));
}

static void shutdown_of_sent(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    SET(ends[0], SOL_SOCKET, SO_SNDBUF, 65536);
    struct actor *actor = act(act_fill, ends[0]);
    actor_asleep(actor);
    DO(shutdown(ends[0], SHUT_WR));
    actor_join(actor);
}

static void reset_of_waiting(void)
{
    struct linger linger = {1, 0};
    int ends[2];
    make_pair(AF_INET, ends);
    struct actor *actor = act(act_recv, ends[0]);
    actor_asleep(actor);
    MUST(setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    DO(close(ends[1]));
    actor_join(actor);
    make_pair(AF_INET, ends);
    SET(ends[0], SOL_SOCKET, SO_SNDBUF, 65536);
    actor = act(act_fill, ends[0]);
    actor_asleep(actor);
    MUST(setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    DO(close(ends[1]));
    actor_join(actor);
}

static void much_data(void)
{
    static char block[1 << 16];
    int ends[2];
    long got = 0, result;
    make_pair(AF_INET, ends);
    struct actor *actor = act(act_send_much, ends[0]);
    while (got < 1 << 22 && (result = recv(ends[1], block, sizeof(block), 0)) > 0)
        got += result;
    say("got %ld", got);
    actor_join(actor);
}

static void two_readers(void)
{
    int ends[2];
    make_udp_pair(AF_INET, ends);
    struct actor *first = act(act_recv, ends[1]), *second = act(act_recv, ends[1]);
    actor_asleep(first);
    actor_asleep(second);
    DO(send(ends[0], "same", 4, 0));
    DO(send(ends[0], "same", 4, 0));
    actor_join(first);
    actor_join(second);
}

static void on_signal(int number)
{
    (void)number;
}

static void install(int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
}

/* A signal, then the cause: with SA_RESTART the call goes on and meets the cause. */
static void interrupted(int flags)
{
    int ends[2], udp[2], listener = make_listener(AF_INET, 5000, 4), epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    void (*const runs[])(int) = {act_recv, act_recv, act_accept, act_poll, act_select, act_epoll};
    install(flags);
    make_pair(AF_INET, ends);
    make_udp_pair(AF_INET, udp);
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event));
    int fds[] = {ends[0], udp[1], listener, ends[0], ends[0], epoll};
    for (int i = 0; i < 6; i++) {
        struct actor *actor = act(runs[i], fds[i]);
        actor_asleep(actor);
        actor_signal(actor, SIGUSR1);
        actor_asleep(actor);
        MUST(send(ends[1], "x", 1, 0));
        MUST(send(udp[0], "x", 1, 0));
        MUST(connect(make_tcp(AF_INET), V4("127.0.0.1", 5000)));
        actor_join(actor);
        char data[4];
        AWAIT(ends[0], POLLOUT);
        recv(ends[0], data, 4, MSG_DONTWAIT);
        recv(udp[1], data, 4, MSG_DONTWAIT);
        make_nonblocking(listener);
        int accepted = accept(listener, NULL, NULL);
        if (accepted >= 0)
            close(accepted);
        MUST(fcntl(listener, F_SETFL, 0));
    }
}

static void interrupted_for_good(void)
{
    interrupted(0);
}

static void interrupted_and_restarted(void)
{
    interrupted(SA_RESTART);
}

/* With a time limit, restarting is not for SA_RESTART to ask. */
static void interrupted_with_limit(void)
{
    struct timeval time = {5, 0};
    int ends[2], listener = make_listener(AF_INET, 5000, 4);
    install(SA_RESTART);
    make_pair(AF_INET, ends);
    MUST(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
    MUST(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
    struct actor *actor = act(act_recv, ends[0]);
    actor_asleep(actor);
    actor_signal(actor, SIGUSR1);
    actor_join(actor);
    actor = act(act_accept, listener);
    actor_asleep(actor);
    actor_signal(actor, SIGUSR1);
    actor_join(actor);
}

static void interrupted_halfway(void)
{
    int ends[2];
    install(0);
    make_pair(AF_INET, ends);
    struct actor *actor = act(act_recv_all, ends[0]);
    actor_asleep(actor);
    DO(send(ends[1], "abc", 3, 0));
    actor_asleep(actor);
    actor_signal(actor, SIGUSR1);
    actor_join(actor);
    SET(ends[0], SOL_SOCKET, SO_SNDBUF, 65536);
    actor = act(act_send_much, ends[0]);
    actor_asleep(actor);
    actor_signal(actor, SIGUSR1);
    actor_join(actor);
}

static void interrupted_connect(void)
{
    int listener = silent_port(), fd = make_tcp(AF_INET);
    install(0);
    struct actor *actor = act(act_connect, fd);
    actor_asleep(actor);
    actor_signal(actor, SIGUSR1);
    actor_join(actor);
    make_nonblocking(fd);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    READY(fd);
    FD(accept(listener, NULL, NULL));
    AWAIT(fd, POLLOUT);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    PEER(fd);
}

static void lingering_close(void)
{
    static char block[1 << 16];
    struct linger linger = {1, 1};
    int ends[2];
    long total = 0, result;
    make_pair(AF_INET, ends);
    MUST(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    DO(send(ends[0], "last", 4, 0));
    double before = seconds();
    DO(close(ends[0]));
    RECV(ends[1], 10, 0);
    RECV(ends[1], 10, 0);
    make_pair(AF_INET, ends);
    MUST(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    make_nonblocking(ends[0]);
    while ((result = send(ends[0], block, sizeof(block), 0)) > 0)
        total += result;
    say("full: %d", total > 0);
    MUST(fcntl(ends[0], F_SETFL, 0));
    before = seconds();
    DO(close(ends[0])); /* nobody reads: it waits a second */
    say("it waited: %d", seconds() - before > 0.9);
    long got = 0;
    while ((result = recv(ends[1], block, sizeof(block), 0)) > 0)
        got += result;
    say("all came: %d", got == total);
}

const struct scenario wait_scenarios[] = {
    {"wait/receive_limits", receive_limits},
    {"wait/send_limit", send_limit},
    {"wait/woken_by_data", woken_by_data},
    {"wait/close_of_received", close_of_received},
    {"wait/close_of_accepted", close_of_accepted},
    {"wait/close_of_polled", close_of_polled},
    {"wait/close_of_epolled", close_of_epolled},
    {"wait/shutdown_of_received", shutdown_of_received},
    {"wait/shutdown_of_accepted", shutdown_of_accepted},
    {"wait/shutdown_of_connecting", shutdown_of_connecting},
    {"wait/disconnect_of_connecting", disconnect_of_connecting},
    {"wait/shutdown_of_sent", shutdown_of_sent},
    {"wait/reset_of_waiting", reset_of_waiting},
    {"wait/much_data", much_data},
    {"wait/two_readers", two_readers},
    {"wait/interrupted_for_good", interrupted_for_good},
    {"wait/interrupted_and_restarted", interrupted_and_restarted},
    {"wait/interrupted_with_limit", interrupted_with_limit},
    {"wait/interrupted_halfway", interrupted_halfway},
    {"wait/interrupted_connect", interrupted_connect},
    {"wait/lingering_close", lingering_close},
    {NULL, NULL},
};
