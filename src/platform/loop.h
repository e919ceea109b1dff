// SPDX-License-Identifier: MIT
/* loop.h: the loop inside: its records, and its waiting. */
#ifndef TCPIP_SRC_PLATFORM_LOOP_H
#define TCPIP_SRC_PLATFORM_LOOP_H

#include "base/list.h"
#include "platform/fd_link.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <tcpip/loop.h>

enum { LOOP_EVENTS = 64 }; /* taken from epoll at a time; the rest is reported in the next iteration */

struct loop_stack {
    struct tcpip_list_node node; /* loop->stacks */
    struct tcpip_stack *stack;
    struct list ready; /* tcpip_loop_fd.ready of its links */
    bool entered;
};

/* A descriptor that epoll watches: a program's, a link's, or the loop's own. */
struct tcpip_loop_fd {
    struct tcpip_list_node node;  /* loop->sources */
    struct tcpip_list_node ready; /* reported, not worked off */
    struct tcpip_loop *loop;
    int fd;
    uint32_t asked, reported; /* EPOLL* */
    bool watched;             /* by epoll */
    void (*fn)(void *ctx, uint32_t events);
    void *ctx;
    struct fd_link *link; /* NULL: a program's descriptor */
    struct loop_stack *owner;
    struct fd_link_watch watch;
};

struct tcpip_loop {
    struct tcpip_env env;
    struct tcpip_loop_options options;
    int epoll_fd, wake_fd, timer_fd; /* timer_fd -1: epoll_pwait2 is there */
    tcpip_ns now;
    struct list stacks, sources, ready, tasks;
    uint64_t removals;             /* sources freed: what epoll reported before one of them may point to it */
    struct loop_stack *next_stack; /* where the walk over the stacks goes on; moved when it is removed */
    atomic_bool woken, asleep, stopped;
};

/* The parts of an iteration, for who shares a loop between threads: a lock is held but while it sleeps.
 *
 *     until = tcpip__loop_until(loop, until); removals = loop->removals;      with the lock
 *     count = tcpip__loop_wait(loop, events, until);                          without
 *     tcpip__loop_work(loop, events, removals == loop->removals ? count : 0); with it: a source that was removed
 *                                                meanwhile may be in `events`; the others are reported again */

/* The instant up to which an iteration may sleep. */
tcpip_ns tcpip__loop_until(const struct tcpip_loop *loop, tcpip_ns until);
/* Works off what the waiting reported; count may be negative. */
void tcpip__loop_work(struct tcpip_loop *loop, const struct epoll_event *events, int count);
/* As tcpip__loop_wait, but only tells whether there is something to take (with a wait that doesn't sleep), and waits
 * for fds[1] to fds[count - 1] too, with `mask` as ppoll's signal mask (NULL: the thread's). fds[0] is the loop's to
 * fill in. ppoll's result. */
int tcpip__loop_poll(struct tcpip_loop *loop, struct pollfd *fds, uint32_t count, tcpip_ns until, const sigset_t *mask);
/* Waits until something is ready, `until` comes, or somebody wakes the loop. epoll_wait's result; reads the clock into
 * loop->now as far as the waiting needs it. */
int tcpip__loop_wait(struct tcpip_loop *loop, struct epoll_event *events, tcpip_ns until);
/* Reads an eventfd or timerfd empty. */
void tcpip__loop_drain(int fd);
/* From now on waits as on a kernel without epoll_pwait2. NO_BUFFER_SPACE: no descriptors left. */
must_use enum tcpip_error tcpip__loop_use_timerfd(struct tcpip_loop *loop);

#endif
