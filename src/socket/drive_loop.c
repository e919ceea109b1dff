// SPDX-License-Identifier: MIT
/* drive_loop.c: moving packets and time while calls wait: the token, and the thread in the background.
 *
 * One thread at a time holds the token and drives the table's loop: it sleeps in epoll without the lock, and works with
 * it. It is a thread that waits for something itself, because waking another one costs more than all the work of a
 * turn. When its own wait is over it hands the token to another one that waits.
 *
 * When nobody waits there are still timers to fire and ACKs to send, and a thread of the table's own, the runner, does
 * that. It isn't woken for it each time: it looks every millisecond whether anybody has driven since it looked last,
 * and takes the token only if nobody has; and when it has seen a driver often enough, it parks until the token is
 * dropped. So a program that goes back and forth between a recv that waits and its own work pays one wake-up in many,
 * and packets are never left lying for much more than a millisecond. As soon as a call waits, the runner hands the
 * token to it.
 *
 * Owns:       struct drive.
 * Invariants: driver is NULL, &runner, or a wait on `waits`; if it is NULL, nobody is asleep on `waits` and the runner
 *             isn't parked. driver_asleep only while the driver has given the lock back to sleep.
 * Not here:   how the loop sleeps (platform/loop_wait.c), who waits for what (wait.c). */
#include "base/math.h"
#include "socket/sockets.h"

#include <errno.h>
#include <time.h>

enum {
    RUNNER_REST_NS = 1000000,
    RUNNER_RESTS = 16, /* with a driver at work each time: then it parks */
};

/* ---- the token ---- */

void tcpip__drive_take(struct tcpip_sockets *s, struct wait *wait)
{
    s->drive.driver = wait;
    s->drive.drives++;
}

void tcpip__drive_pass(struct tcpip_sockets *s)
{
    struct drive *drive = &s->drive;
    drive->driver = NULL;
    list_for_each(node, &drive->waits)
    {
        struct wait *wait = list_entry(node, struct wait, node);
        if (wait->asleep) {
            tcpip__drive_take(s, wait);
            tcpip__wait_wake(wait);
            return;
        }
    }
    if (drive->runner_parked)
        (void)pthread_cond_signal(&drive->runner_wake);
    drive->runner_parked = false;
}

void tcpip__drive_before_unlock(struct tcpip_sockets *s)
{
    struct drive *drive = &s->drive;
    if (drive->driver_asleep) {
        if (tcpip_stack_deadline(s->stack) < drive->driver_until)
            tcpip_loop_wake(drive->loop);
    } else if (s->options.drive == TCPIP_SOCKETS_DRIVE_OUTSIDE && s->options.wake != NULL) {
        tcpip_ns deadline = tcpip_stack_deadline(s->stack);
        if (deadline < drive->outside_until) {
            drive->outside_until = deadline;
            s->options.wake(s->options.ctx);
        }
    }
}

/* ---- one iteration ---- */

/* Sleeps without the lock; what epoll reported is in `events`. */
static int drive_sleep(struct wait *wait, tcpip_ns until, struct epoll_event *events, int *count)
{
    struct drive *drive = &wait->sockets->drive;
    int number = 0;
    *count = 0;
    if (wait->kernel == NULL && wait->signals == NULL) {
        *count = tcpip__loop_wait(drive->loop, events, until);
        return *count < 0 ? errno : 0;
    }
    struct pollfd own[WAIT_KERNEL_SPARE], *fds = wait->kernel != NULL ? wait->kernel : own;
    uint32_t fd_count = wait->kernel != NULL ? wait->kernel_count : WAIT_KERNEL_SPARE;
    fds[1] = (struct pollfd){.fd = -1};
    if (tcpip__loop_poll(drive->loop, fds, fd_count, until, wait->signals) < 0) {
        number = errno;
        for (uint32_t i = 0; i < fd_count; i++)
            fds[i].revents = 0;
    } else if (fds[0].revents != 0) {
        *count = tcpip__loop_wait(drive->loop, events, 0);
    }
    return number;
}

int tcpip__drive_once(struct wait *wait, tcpip_ns until)
{
    struct tcpip_sockets *s = wait->sockets;
    struct drive *drive = &s->drive;
    struct epoll_event events[LOOP_EVENTS];
    int count;
    until = tcpip__loop_until(drive->loop, until);
    uint64_t removals = drive->loop->removals;
    drive->driver_until = until;
    drive->driver_asleep = true;
    (void)pthread_mutex_unlock(&s->lock);
    int number = drive_sleep(wait, until, events, &count);
    tcpip_sockets_lock(s);
    drive->driver_asleep = false;
    ASSERT_ENV(&s->env, number == 0 || number == EINTR || number == ENOMEM);
    tcpip__loop_work(drive->loop, events, removals == drive->loop->removals ? count : 0);
    return number == ENOMEM ? 0 : number;
}

void tcpip__drive_poll(struct tcpip_sockets *s)
{
    struct drive *drive = &s->drive;
    struct epoll_event events[LOOP_EVENTS];
    if (drive->loop == NULL || drive->driver != NULL)
        return;
    int count = tcpip__loop_wait(drive->loop, events, 0);
    tcpip__loop_work(drive->loop, events, count);
}

/* ---- the runner ---- */

/* Rests, or parks; true if nobody drove meanwhile, and nobody waits. */
static bool runner_rest(struct tcpip_sockets *s, uint32_t *rests)
{
    struct drive *drive = &s->drive;
    uint64_t drives = drive->drives;
    if (*rests >= RUNNER_RESTS && drive->driver != NULL) {
        drive->runner_parked = true;
        while (drive->runner_parked && !drive->stopping)
            (void)pthread_cond_wait(&drive->runner_wake, &s->lock);
        *rests = 0;
        return false;
    }
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += RUNNER_REST_NS;
    until.tv_sec += until.tv_nsec / TCPIP_SECOND;
    until.tv_nsec %= TCPIP_SECOND;
    while (!drive->stopping && pthread_cond_timedwait(&drive->runner_wake, &s->lock, &until) == 0) {
    }
    *rests = drive->driver != NULL ? *rests + 1 : 0;
    return drive->driver == NULL && drive->drives == drives && !drive->stopping;
}

static void *runner_main(void *argument)
{
    struct tcpip_sockets *s = argument;
    struct drive *drive = &s->drive;
    uint32_t rests = 0;
    tcpip_sockets_lock(s);
    while (!drive->stopping) {
        if (drive->driver != &drive->runner) {
            if (runner_rest(s, &rests))
                tcpip__drive_take(s, &drive->runner);
            continue;
        }
        (void)!tcpip__drive_once(&drive->runner, TCPIP_NEVER);
        if (!list_empty(&drive->waits))
            tcpip__drive_pass(s);
    }
    if (drive->driver == &drive->runner)
        drive->driver = NULL;
    tcpip__sockets_unlock(s);
    return NULL;
}

static bool runner_start(struct tcpip_sockets *s)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are for the program's threads */
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    s->drive.runner.sockets = s;
    s->drive.runner_started = pthread_create(&s->drive.runner_thread, NULL, runner_main, s) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s->drive.runner_started;
}

/* ---- life ---- */

static bool drive_init_condition(struct tcpip_sockets *s)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    bool good = pthread_cond_init(&s->drive.runner_wake, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return good;
}

enum tcpip_error tcpip__drive_init(struct tcpip_sockets *s)
{
    struct drive *drive = &s->drive;
    list_init(&drive->waits);
    list_init(&drive->sleepers);
    drive->outside_until = TCPIP_NEVER;
    if (s->options.drive != TCPIP_SOCKETS_DRIVE_THREADS)
        return TCPIP_OK;
    if (!drive_init_condition(s))
        return TCPIP_ERR_NO_BUFFER_SPACE;
    enum tcpip_error error = tcpip_loop_new(&s->env, NULL, &drive->loop);
    if (error == TCPIP_OK)
        error = tcpip_loop_add_stack(drive->loop, s->stack);
    if (error == TCPIP_OK && !s->options.no_background && !runner_start(s))
        error = TCPIP_ERR_NO_BUFFER_SPACE;
    if (error != TCPIP_OK)
        tcpip__drive_fini(s);
    return error;
}

void tcpip__drive_stop(struct tcpip_sockets *s)
{
    struct drive *drive = &s->drive;
    if (!drive->runner_started)
        return;
    tcpip_sockets_lock(s);
    drive->stopping = true;
    (void)pthread_cond_signal(&drive->runner_wake);
    if (drive->driver_asleep)
        tcpip_loop_wake(drive->loop);
    tcpip__sockets_unlock(s);
    (void)pthread_join(drive->runner_thread, NULL);
    drive->runner_started = false;
}

void tcpip__drive_fini(struct tcpip_sockets *s)
{
    struct drive *drive = &s->drive;
    tcpip__sleepers_fini(s);
    if (s->options.drive != TCPIP_SOCKETS_DRIVE_THREADS)
        return;
    if (drive->loop != NULL)
        tcpip_loop_free(drive->loop);
    (void)pthread_cond_destroy(&drive->runner_wake);
}
