// SPDX-License-Identifier: MIT
/* ready.c: scenarios: poll, ppoll, select and pselect, with the kernel's own descriptors beside. */
#include "play.h"

#include <signal.h>
#include <time.h>

static void say_polled(const struct pollfd *list, int count)
{
    for (int i = 0; i < count; i++)
        say("    [%d] %s", i, events_text((uint16_t)list[i].revents));
}

static void polling(void)
{
    int ends[2], pipes_made[2], event = eventfd(0, EFD_NONBLOCK), closed = make_tcp(AF_INET);
    uint64_t one = 1;
    make_pair(AF_INET, ends);
    MUST(pipe(pipes_made));
    MUST(close(closed));
    struct pollfd list[] = {
        {.fd = ends[0], .events = POLLIN},
        {.fd = pipes_made[0], .events = POLLIN},
        {.fd = event, .events = POLLIN},
        {.fd = -1, .events = POLLIN, .revents = 0x55},
        {.fd = ends[0], .events = POLLOUT | POLLIN},
        {.fd = ends[1], .events = 0},
    };
    DO(poll(list, 6, 0));
    say_polled(list, 6);
    list[4].events = POLLPRI;
    DO(poll(list, 6, 0));
    DO(poll(list, 0, 0));
    DO(poll(NULL, 0, 0));
    DO(poll(list, 6, 10));
    MUST(sys_write(pipes_made[1], "x", 1));
    DO(poll(list, 6, -1));
    say_polled(list, 6);
    MUST(send(ends[1], "x", 1, 0));
    AWAIT(ends[0], POLLIN);
    MUST(sys_write(event, &one, sizeof(one)));
    DO(poll(list, 6, 1000));
    say_polled(list, 6);
    list[3].fd = closed;
    DO(poll(list, 6, 1000));
    say_polled(list, 6);
    list[0] = (struct pollfd){.fd = closed, .events = 0};
    DO(poll(list, 1, -1));
    say_polled(list, 1);
    DO(poll(NULL, 1, 0));
    DO(poll(bad_pointer(), 1, 0));
    DO(poll(list, 100000000, 0));
}

static void polled_classes(void)
{
    int ends[2], fresh = make_tcp(AF_INET), udp = make_udp(AF_INET), listener = make_listener(AF_INET, 5000, 1);
    READY(fresh);
    READY(udp);
    READY(listener);
    make_pair(AF_INET, ends);
    READY(ends[0]);
    MUST(send(ends[1], "x", 1, 0));
    AWAIT(ends[0], POLLRDNORM);
    READY(ends[0]);
    SET(ends[0], SOL_SOCKET, SO_RCVLOWAT, 3);
    READY(ends[0]);
    MUST(send(ends[1], "y", 1, 0));
    MUST(send(ends[1], "z", 1, 0));
    AWAIT(ends[0], POLLIN);
    RECV(ends[0], 10, 0);
    MUST(shutdown(ends[1], SHUT_WR));
    AWAIT(ends[0], POLLRDHUP);
    READY(ends[0]);
    MUST(connect(make_tcp(AF_INET), V4("127.0.0.1", 5000)));
    AWAIT(listener, POLLRDNORM);
    READY(listener);
}

static void with_mask(void)
{
    int ends[2];
    struct timespec none = {0, 0}, moment = {0, 1000000}, wrong = {0, 1000000000}, negative = {-1, 0};
    sigset_t mask;
    sigemptyset(&mask);
    make_pair(AF_INET6, ends);
    struct pollfd p = {.fd = ends[0], .events = POLLIN};
    DO(ppoll(&p, 1, &none, NULL));
    DO(ppoll(&p, 1, &moment, &mask));
    DO(ppoll(&p, 1, &wrong, NULL));
    DO(ppoll(&p, 1, &negative, NULL));
    MUST(send(ends[1], "x", 1, 0));
    DO(ppoll(&p, 1, NULL, NULL));
    say_polled(&p, 1);
}

static void hear(int number)
{
    (void)number;
    say("    a signal");
}

/* A signal that is pending comes when the mask lets it in. */
static void with_pending_signal(void)
{
    int fd = make_udp(AF_INET);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct sigaction action = {.sa_handler = hear};
    sigset_t blocked, open;
    fd_set set;
    struct epoll_event event = {.events = EPOLLIN};
    sigemptyset(&open);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigaction(SIGUSR1, &action, NULL);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGUSR1);
    DO(ppoll(&p, 1, NULL, &open));
    raise(SIGUSR1);
    FD_ZERO(&set);
    FD_SET(fd, &set);
    DO(pselect(fd + 1, &set, NULL, NULL, NULL, &open));
    int epoll = epoll_create1(0);
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
    raise(SIGUSR1);
    DO(epoll_pwait(epoll, &event, 1, -1, &open));
    raise(SIGUSR1);
    p.events = POLLOUT;
    DO(ppoll(&p, 1, NULL, &open));
    DO(ppoll(&p, 1, NULL, &blocked));
}

struct sets {
    fd_set in, out, except;
    int ends[2], pipe_made[2], top;
};

static void fill(struct sets *s)
{
    FD_ZERO(&s->in);
    FD_ZERO(&s->out);
    FD_ZERO(&s->except);
    FD_SET(s->ends[0], &s->in);
    FD_SET(s->ends[0], &s->out);
    FD_SET(s->ends[0], &s->except);
    FD_SET(s->pipe_made[0], &s->in);
    FD_SET(s->ends[1], &s->in);
}

static void found(const struct sets *s)
{
    say("    in %d%d%d out %d except %d", FD_ISSET(s->ends[0], &s->in) != 0, FD_ISSET(s->pipe_made[0], &s->in) != 0,
        FD_ISSET(s->ends[1], &s->in) != 0, FD_ISSET(s->ends[0], &s->out) != 0, FD_ISSET(s->ends[0], &s->except) != 0);
}

static void make_sets(struct sets *s)
{
    make_pair(AF_INET, s->ends);
    MUST(pipe(s->pipe_made));
    s->top = 1 + (s->ends[0] > s->pipe_made[1] ? s->ends[0] : s->pipe_made[1]);
    s->top = s->top > s->ends[1] ? s->top : s->ends[1] + 1;
    fill(s);
}

static void selecting(void)
{
    struct sets s;
    struct timeval none = {0, 0}, moment = {0, 1000};
    make_sets(&s);
    DO(select(s.top, &s.in, &s.out, &s.except, &none));
    found(&s);
    fill(&s);
    DO(select(s.top, &s.in, NULL, &s.except, &none));
    found(&s);
    fill(&s);
    DO(select(s.top, &s.in, NULL, NULL, &moment));
    found(&s);
    say("time left: %ld", (long)(moment.tv_sec + moment.tv_usec));
    MUST(sys_write(s.pipe_made[1], "x", 1));
    fill(&s);
    DO(select(s.top, &s.in, NULL, NULL, NULL));
    found(&s);
    MUST(send(s.ends[1], "x", 1, 0));
    AWAIT(s.ends[0], POLLIN);
    fill(&s);
    DO(select(s.top, &s.in, &s.out, &s.except, NULL));
    found(&s);
    MUST(shutdown(s.ends[1], SHUT_WR));
    AWAIT(s.ends[0], POLLRDHUP);
    fill(&s);
    DO(select(s.top, &s.in, &s.out, &s.except, NULL));
    found(&s);
}

static void selecting_wrongly(void)
{
    struct sets s;
    struct timeval none = {0, 0}, wrong = {-1, 0};
    struct timespec nanoseconds = {0, 0};
    make_sets(&s);
    DO(select(s.top, &s.in, &s.out, &s.except, &wrong));
    DO(select(-1, &s.in, &s.out, &s.except, &none));
    DO(select(0, &s.in, &s.out, &s.except, &none));
    DO(select(0, NULL, NULL, NULL, &none));
    DO(select(s.top, bad_pointer(), NULL, NULL, &none));
    MUST(close(s.ends[1]));
    fill(&s);
    DO(select(s.top, &s.in, &s.out, &s.except, &none));
    fill(&s);
    FD_CLR(s.ends[1], &s.in);
    AWAIT(s.ends[0], POLLRDHUP);
    DO(pselect(s.top, &s.in, &s.out, &s.except, &nanoseconds, NULL));
    found(&s);
}

static void failed_connect_selected(void)
{
    int fd = make_tcp(AF_INET);
    fd_set in, out, except;
    make_nonblocking(fd);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    AWAIT(fd, POLLOUT);
    FD_ZERO(&in);
    FD_SET(fd, &in);
    out = except = in;
    DO(select(fd + 1, &in, &out, &except, NULL));
    say("%d %d %d", !!FD_ISSET(fd, &in), !!FD_ISSET(fd, &out), !!FD_ISSET(fd, &except));
}

/* One socket, asked for twice, and by its copy. */
static void twice(void)
{
    int fd = make_udp(AF_INET), copy = dup(fd);
    struct pollfd list[] = {
        {.fd = fd, .events = POLLOUT}, {.fd = fd, .events = POLLIN}, {.fd = copy, .events = POLLOUT}};
    DO(poll(list, 3, -1));
    say_polled(list, 3);
    DO(close(fd));
    DO(poll(list, 3, -1));
    say_polled(list, 3);
}

const struct scenario ready_scenarios[] = {
    {"ready/polling", polling},
    {"ready/polled_classes", polled_classes},
    {"ready/with_mask", with_mask},
    {"ready/with_pending_signal", with_pending_signal},
    {"ready/selecting", selecting},
    {"ready/selecting_wrongly", selecting_wrongly},
    {"ready/failed_connect_selected", failed_connect_selected},
    {"ready/twice", twice},
    {NULL, NULL},
};
