// SPDX-License-Identifier: MIT
/* loop_wait.c: how a loop sleeps, and how it is woken.
 *
 * The deadline is an instant, epoll wants a duration, so the clock is read a second time before sleeping when a timer
 * is armed: 23 ns against firing late by the length of an iteration. epoll_pwait2 (Linux 5.11) takes nanoseconds;
 * before it, a timerfd ends the wait.
 *
 * Waking from another thread costs a system call only if the loop sleeps: the waker sets `woken` and then looks at
 * `asleep`; the loop sets `asleep` and then looks at `woken`; in the one order that sequential consistency allows, one
 * of them sees the other.
 *
 * Owns:        nothing of its own; see struct tcpip_loop.
 * Invariants:  `asleep` is true only around a wait that may sleep.
 */
#include "base/math.h"
#include "platform/loop.h"

#include <errno.h>
#include <linux/time_types.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

void tcpip__loop_drain(int fd)
{
    uint64_t count;
    (void)!read(fd, &count, sizeof(count)); /* it says nothing that isn't known */
}

/* ---- other threads ---- */

void tcpip_loop_wake(struct tcpip_loop *loop)
{
    static const uint64_t one = 1;
    if (atomic_exchange(&loop->woken, true) || !atomic_load(&loop->asleep))
        return;
    int number = errno; /* a signal handler's caller may be about to look at it */
    /* Can't fail: only the first of many wakes writes, so the counter stays far from its maximum. */
    (void)!write(loop->wake_fd, &one, sizeof(one));
    errno = number;
}

void tcpip_loop_stop(struct tcpip_loop *loop)
{
    atomic_store(&loop->stopped, true);
    tcpip_loop_wake(loop);
}

/* ---- waiting ---- */

enum tcpip_error tcpip__loop_use_timerfd(struct tcpip_loop *loop)
{
    if (loop->timer_fd >= 0)
        return TCPIP_OK;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &loop->timer_fd};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return TCPIP_ERR_NO_BUFFER_SPACE;
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        close(fd);
        return TCPIP_ERR_NO_BUFFER_SPACE;
    }
    loop->timer_fd = fd;
    return TCPIP_OK;
}

static int loop_sleep_timerfd(struct tcpip_loop *loop, struct epoll_event *events, tcpip_ns wait_ns)
{
    struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(wait_ns / TCPIP_SECOND), .tv_nsec = (long)(wait_ns % TCPIP_SECOND)}};
    if (timerfd_settime(loop->timer_fd, 0, &at, NULL) != 0)
        return -1;
    return epoll_wait(loop->epoll_fd, events, LOOP_EVENTS, -1);
}

/* At most a day, so that no duration overflows on its way through the kernel's types. */
static int loop_sleep(struct tcpip_loop *loop, struct epoll_event *events, tcpip_ns wait_ns)
{
    if (wait_ns == TCPIP_NEVER)
        return epoll_wait(loop->epoll_fd, events, LOOP_EVENTS, -1);
    wait_ns = min_i64(wait_ns, 86400 * TCPIP_SECOND);
#ifdef SYS_epoll_pwait2
    if (loop->timer_fd < 0) {
        struct __kernel_timespec timeout = {.tv_sec = wait_ns / TCPIP_SECOND, .tv_nsec = wait_ns % TCPIP_SECOND};
        int count = (int)syscall(SYS_epoll_pwait2, loop->epoll_fd, events, LOOP_EVENTS, &timeout, NULL, 0);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM)) /* EPERM: a seccomp filter older than the call */
            return count;
    }
#endif
    if (tcpip__loop_use_timerfd(loop) != TCPIP_OK) /* no descriptors left: coarse, rounded up */
        return epoll_wait(loop->epoll_fd, events, LOOP_EVENTS, (int)((wait_ns + TCPIP_MS - 1) / TCPIP_MS));
    return loop_sleep_timerfd(loop, events, wait_ns);
}

int tcpip__loop_wait(struct tcpip_loop *loop, struct epoll_event *events, tcpip_ns until)
{
    int count = 0;
    if (until > loop->now && until != TCPIP_NEVER)
        loop->now = loop->env.now(loop->env.ctx);
    if (loop->options.busy_poll_ns > 0 && until > loop->now) {
        tcpip_ns poll_until = min_i64(until, loop->env.now(loop->env.ctx) + loop->options.busy_poll_ns);
        do
            count = epoll_wait(loop->epoll_fd, events, LOOP_EVENTS, 0);
        while (count == 0 && !atomic_load(&loop->woken) && (loop->now = loop->env.now(loop->env.ctx)) < poll_until);
        if (count != 0)
            return count;
    }
    if (until <= loop->now)
        return epoll_wait(loop->epoll_fd, events, LOOP_EVENTS, 0);
    atomic_store(&loop->asleep, true);
    if (atomic_load(&loop->woken))
        count = epoll_wait(loop->epoll_fd, events, LOOP_EVENTS, 0);
    else
        count = loop_sleep(loop, events, until == TCPIP_NEVER ? TCPIP_NEVER : until - loop->now);
    atomic_store(&loop->asleep, false);
    return count;
}

int tcpip__loop_poll(struct tcpip_loop *loop, struct pollfd *fds, uint32_t count, tcpip_ns until, const sigset_t *mask)
{
    struct timespec timeout = {0};
    tcpip_ns wait_ns = 0;
    fds[0] = (struct pollfd){.fd = loop->epoll_fd, .events = POLLIN};
    if (until != TCPIP_NEVER) {
        loop->now = loop->env.now(loop->env.ctx);
        wait_ns = max_i64(until, loop->now) - loop->now;
    }
    atomic_store(&loop->asleep, true);
    if (atomic_load(&loop->woken))
        until = wait_ns = 0;
    timeout.tv_sec = (time_t)(wait_ns / TCPIP_SECOND);
    timeout.tv_nsec = (long)(wait_ns % TCPIP_SECOND);
    int ready = ppoll(fds, count, until == TCPIP_NEVER ? NULL : &timeout, mask);
    atomic_store(&loop->asleep, false);
    return ready;
}
