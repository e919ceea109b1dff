// SPDX-License-Identifier: MIT
/* wait.c: sleeping until something happens, the time is over, or a signal comes.
 *
 * A thread that waits either drives (drive_loop.c) or sleeps on an eventfd, together with whatever kernel descriptors
 * its call watches. Who signals it writes there only if it sleeps: a signal that comes between the caller's look and
 * its sleep is a flag under the lock.
 *
 * When no descriptor is left for an eventfd, the sleep is cut into milliseconds: slow, but nothing hangs, and nothing
 * fails that the kernel's own call wouldn't.
 *
 * Signals: ppoll and epoll_wait end with EINTR whatever the handler's SA_RESTART says, and which signal it was isn't
 * told. So a wait is taken up again if no handler could have run that lacks SA_RESTART: of all signals that have a
 * handler and aren't blocked in this thread. A signal that comes in the instant between the call's last look and the
 * sleep is heard by its handler and doesn't end the sleep, like one that comes just before a call: to close that gap
 * would cost each sleep two system calls.
 *
 * Owns:       struct wait, sleepers.
 * Invariants: a wait is on drive.waits from begin to end; asleep only while it holds no lock.
 * Not here:   who drives (drive_loop.c), what is waited for. */
#include "base/math.h"
#include "socket/sockets.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_SLICE_NS = 1000000 }; /* of a sleep without an eventfd */

/* ---- sleepers ---- */

static void wait_take_sleeper(struct wait *wait)
{
    struct tcpip_sockets *s = wait->sockets;
    struct tcpip_list_node *node = list_pop_front(&s->drive.sleepers);
    if (node != NULL) {
        wait->sleeper = list_entry(node, struct sleeper, node);
        return;
    }
    struct sleeper *sleeper = tcpip__sockets_alloc(s, sizeof(*sleeper));
    if (sleeper == NULL)
        return;
    sleeper->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sleeper->fd < 0)
        tcpip__sockets_dealloc(s, sleeper, sizeof(*sleeper));
    else
        wait->sleeper = sleeper;
}

void tcpip__sleepers_fini(struct tcpip_sockets *s)
{
    for (struct tcpip_list_node *node; (node = list_pop_front(&s->drive.sleepers)) != NULL;) {
        struct sleeper *sleeper = list_entry(node, struct sleeper, node);
        close(sleeper->fd);
        tcpip__sockets_dealloc(s, sleeper, sizeof(*sleeper));
    }
}

/* ---- begin, signal, end ---- */

static void wait_timer_fired(struct tcpip_timer *timer, tcpip_ns now)
{
    (void)now;
    tcpip__wait_wake(container_of(timer, struct wait, timer));
}

void tcpip__wait_begin(struct wait *wait, struct tcpip_sockets *s)
{
    wait->sockets = s;
    wait->timer.fn = wait_timer_fired;
    list_push_back(&s->drive.waits, &wait->node);
}

void tcpip__wait_wake(struct wait *wait)
{
    static const uint64_t one = 1;
    struct drive *drive = &wait->sockets->drive;
    if (drive->driver == wait) {
        if (drive->driver_asleep)
            tcpip_loop_wake(drive->loop);
    }
    if (wait->asleep && !wait->woken) {
        wait->woken = true;
        if (wait->sleeper != NULL)
            (void)!write(wait->sleeper->fd, &one, sizeof(one)); /* can't fail: the counter is at most 1 */
    }
}

void tcpip__wait_signal(struct wait *wait)
{
    if (wait->signalled)
        return;
    wait->signalled = true;
    tcpip__wait_wake(wait);
}

void tcpip__waits_look_again(struct tcpip_sockets *s)
{
    s->kernels_version++;
    list_for_each(node, &s->drive.waits) tcpip__wait_signal(list_entry(node, struct wait, node));
}

void tcpip__wait_end(struct wait *wait)
{
    struct tcpip_sockets *s = wait->sockets;
    list_remove(&wait->node);
    if (wait->sleeper != NULL)
        list_push_front(&s->drive.sleepers, &wait->sleeper->node);
    wait->sleeper = NULL;
    if (s->drive.driver == wait)
        tcpip__drive_pass(s);
}

tcpip_ns tcpip__wait_until(struct tcpip_sockets *s, tcpip_ns duration_ns)
{
    if (duration_ns == TCPIP_NEVER)
        return TCPIP_NEVER;
    tcpip_ns now = tcpip_stack_now(s->stack);
    return duration_ns < TCPIP_NEVER - now ? now + duration_ns : TCPIP_NEVER;
}

/* ---- sleeping ---- */

bool tcpip__wait_kernel_ready(const struct wait *wait)
{
    for (uint32_t i = WAIT_KERNEL_SPARE; i < wait->kernel_count; i++)
        if (wait->kernel[i].revents != 0)
            return true;
    return false;
}

/* Sleeps on the eventfd, without the lock, for at most wait_ns. 0 or EINTR. */
static int wait_doze(struct wait *wait, tcpip_ns wait_ns)
{
    struct tcpip_sockets *s = wait->sockets;
    struct pollfd own[WAIT_KERNEL_SPARE], *fds = wait->kernel != NULL ? wait->kernel : own;
    nfds_t count = wait->kernel != NULL ? wait->kernel_count : WAIT_KERNEL_SPARE;
    if (wait->sleeper == NULL)
        wait_take_sleeper(wait);
    if (wait->sleeper == NULL)
        wait_ns = min_i64(wait_ns, WAIT_SLICE_NS);
    struct timespec timeout = {.tv_sec = (time_t)(wait_ns / TCPIP_SECOND), .tv_nsec = (long)(wait_ns % TCPIP_SECOND)};
    fds[0] = (struct pollfd){.fd = -1};
    fds[1] = (struct pollfd){.fd = wait->sleeper != NULL ? wait->sleeper->fd : -1, .events = POLLIN};
    wait->asleep = true;
    wait->woken = false;
    tcpip__sockets_unlock(s);
    int ready = ppoll(fds, count, wait_ns == TCPIP_NEVER ? NULL : &timeout, wait->signals);
    int number = ready < 0 ? errno : 0;
    tcpip_sockets_lock(s);
    wait->asleep = false;
    if (wait->woken && wait->sleeper != NULL)
        tcpip__loop_drain(wait->sleeper->fd);
    if (ready < 0)
        for (nfds_t i = 0; i < count; i++)
            fds[i].revents = 0;
    return number == ENOMEM ? 0 : number;
}

/* OUTSIDE: time is the stack's, and so is the alarm. */
static int wait_outside(struct wait *wait, tcpip_ns until)
{
    struct tcpip_sockets *s = wait->sockets;
    if (s->options.step != NULL && !s->options.step(s->options.ctx, until))
        return EDEADLK;
    if (until != TCPIP_NEVER)
        tcpip_timer_set(s->stack, &wait->timer, until);
    int number = wait_doze(wait, TCPIP_NEVER);
    tcpip_timer_cancel(s->stack, &wait->timer);
    return number;
}

static int wait_threads(struct wait *wait, tcpip_ns until)
{
    struct tcpip_sockets *s = wait->sockets;
    struct drive *drive = &s->drive;
    if (drive->driver == NULL)
        tcpip__drive_take(s, wait);
    if (drive->driver == wait)
        return tcpip__drive_once(wait, until);
    if (drive->driver == &drive->runner && drive->driver_asleep)
        tcpip_loop_wake(drive->loop); /* it hands the token over to who waits */
    if (until == TCPIP_NEVER)
        return wait_doze(wait, TCPIP_NEVER);
    return wait_doze(wait, max_i64(until - tcpip_stack_now(s->stack), 0));
}

static int wait_once(struct wait *wait, tcpip_ns until)
{
    struct tcpip_sockets *s = wait->sockets;
    switch (s->options.drive) {
    case TCPIP_SOCKETS_DRIVE_OUTSIDE:
        return wait_outside(wait, until);
    case TCPIP_SOCKETS_DRIVE_CALLBACK:
        return s->options.step(s->options.ctx, until) ? 0 : EDEADLK;
    case TCPIP_SOCKETS_DRIVE_THREADS:
        break;
    }
    return wait_threads(wait, until);
}

/* What a thread does to itself: not while it sleeps. */
static bool wait_signal_is_fault(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL || number == SIGTRAP ||
           number == SIGSYS || number == SIGABRT;
}

/* Could only handlers with SA_RESTART have run? */
static bool wait_handlers_restart(void)
{
    sigset_t blocked;
    if (pthread_sigmask(SIG_SETMASK, NULL, &blocked) != 0)
        return false;
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (wait_signal_is_fault(number) || sigismember(&blocked, number) == 1 || sigaction(number, NULL, &action) != 0)
            continue;
        bool handled =
            (action.sa_flags & SA_SIGINFO) != 0 || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
        if (handled && (action.sa_flags & SA_RESTART) == 0)
            return false;
    }
    return true;
}

/* Is there any point in looking once when there is no time to wait? Where somebody else drives, there isn't; and what
 * isn't driven by threads must not be waited for by a call that may not wait. */
static bool wait_looks(const struct wait *wait)
{
    const struct tcpip_sockets *s = wait->sockets;
    return s->options.drive == TCPIP_SOCKETS_DRIVE_THREADS && (wait->kernel != NULL || s->drive.driver == NULL);
}

int tcpip__wait_sleep(struct wait *wait, tcpip_ns until)
{
    for (bool looked = false;; looked = true) {
        if (wait->signalled) {
            wait->signalled = false;
            return 0;
        }
        if (wait->interrupted)
            return EINTR;
        if (until != TCPIP_NEVER && tcpip_stack_now(wait->sockets->stack) >= until && (looked || !wait_looks(wait)))
            return ETIMEDOUT;
        int number = wait_once(wait, until);
        if (number == EINTR && wait->restart && wait_handlers_restart())
            continue;
        if (number == EINTR && wait->signalled) { /* what came is looked at first; if it was nothing, it is EINTR */
            wait->interrupted = true;
            continue;
        }
        if (number != 0)
            return number;
        if (tcpip__wait_kernel_ready(wait))
            return 0;
    }
}

/* ---- a call that waits for one file ---- */

static void blocked_heard(struct file_watch *watch, uint32_t ready)
{
    (void)ready;
    tcpip__wait_signal(&container_of(watch, struct blocked, watch)->wait);
}

void tcpip__blocked_begin(struct blocked *blocked, struct open_file *file, uint32_t events, tcpip_ns until)
{
    *blocked = (struct blocked){.until = until, .watch = {.mask = events, .fn = blocked_heard}};
    tcpip__wait_begin(&blocked->wait, file->sockets);
    blocked->wait.restart = until == TCPIP_NEVER;
    file_watch_begin(file, &blocked->watch);
}

int tcpip__blocked_wait(struct blocked *blocked)
{
    int number = tcpip__wait_sleep(&blocked->wait, blocked->until);
    return number == ETIMEDOUT ? EAGAIN : number;
}

void tcpip__blocked_end(struct blocked *blocked)
{
    file_watch_end(&blocked->watch);
    tcpip__wait_end(&blocked->wait);
}
