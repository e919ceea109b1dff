// SPDX-License-Identifier: MIT
/* wait.h: waiting, and who drives meanwhile.
 *
 * A call that must wait:
 *
 *     struct blocked blocked;
 *     tcpip__blocked_begin(&blocked, file, TCPIP_EVENT_IN, until);     watches the file
 *     while ((number = attempt()) == EAGAIN)                           an event may have come before the watch: try
 * again if ((number = tcpip__blocked_wait(&blocked)) != 0) break; tcpip__blocked_end(&blocked);
 *
 * Waiting lets the lock go and takes it again; the caller's references keep what it works on. */
#ifndef TCPIP_SRC_SOCKET_WAIT_H
#define TCPIP_SRC_SOCKET_WAIT_H

#include "socket/file.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <tcpip/timer.h>

struct tcpip_loop;
struct tcpip_sockets;

/* What a thread sleeps on: an eventfd. */
struct sleeper {
    struct tcpip_list_node node; /* drive.sleepers, when nobody sleeps on it */
    int fd;
};

/* One thread that waits, for as many things as it likes. Zeroed, then tcpip__wait_begin. */
struct wait {
    struct tcpip_sockets *sockets;
    struct tcpip_list_node node; /* drive.waits */
    bool signalled;              /* something came; set by tcpip__wait_signal, cleared when a sleep ends with it */
    bool asleep;                 /* on its sleeper */
    bool interrupted;            /* a signal came at the same time as something else, and wasn't told yet */
    bool woken;                  /* out of its sleep: its sleeper was written to */
    struct sleeper *sleeper;     /* NULL: none needed yet, or no descriptors left */
    struct tcpip_timer timer;    /* drive OUTSIDE */
    /* What may be set between begin and sleep: */
    const sigset_t *signals; /* the mask while it sleeps (ppoll, pselect, epoll_pwait); NULL: the thread's */
    bool restart;            /* a signal whose handler has SA_RESTART doesn't end it */
    struct pollfd *kernel;   /* descriptors of the kernel's to watch too; NULL */
    uint32_t kernel_count;   /* with WAIT_KERNEL_SPARE entries in front that are the wait's own */
};
enum { WAIT_KERNEL_SPARE = 2 };

/* Who drives, and who waits. */
struct drive {
    struct tcpip_loop *loop; /* drive THREADS; else NULL */
    struct wait *driver;     /* holds the token; &runner: the background thread; NULL: nobody */
    struct list waits;       /* every wait between begin and end, but for the runner's */
    struct list sleepers;    /* not in use */
    bool driver_asleep;      /* in the kernel, without the lock */
    tcpip_ns driver_until;   /* until when; meaningful while it is asleep */
    tcpip_ns outside_until;  /* drive OUTSIDE: the deadline that the driver was last told */
    struct wait runner;
    pthread_t runner_thread;
    pthread_cond_t runner_wake;
    uint64_t drives; /* how often the token was taken */
    bool runner_started, runner_parked, stopping;
};

/* ---- waits (wait.c) ---- */

void tcpip__wait_begin(struct wait *wait, struct tcpip_sockets *s);
/* Sleeps until somebody signals, `until` (an instant of the stack's clock; TCPIP_NEVER), a signal, or until a
 * descriptor in `kernel` is ready (revents are filled in). 0: signalled, or a descriptor; the caller looks again.
 * ETIMEDOUT, EINTR; EDEADLK: nothing would ever happen. With an instant that is past it looks once what the links have,
 * if nobody else does. */
must_use int tcpip__wait_sleep(struct wait *wait, tcpip_ns until);
/* Under the lock, from whatever thread. */
void tcpip__wait_signal(struct wait *wait);
/* Ends its sleep, so that it looks again what there is to do; not yet the wait. */
void tcpip__wait_wake(struct wait *wait);
/* There is more of the kernel's to sleep on than when those that are asleep looked: all look again. */
void tcpip__waits_look_again(struct tcpip_sockets *s);
/* Did one of the kernel's descriptors have something to say? */
bool tcpip__wait_kernel_ready(const struct wait *wait);
/* Closes the sleepers that are not in use. */
void tcpip__sleepers_fini(struct tcpip_sockets *s);
/* Hands the token on if this thread holds it. */
void tcpip__wait_end(struct wait *wait);
/* The instant at which a duration from now is over; TCPIP_NEVER for TCPIP_NEVER. */
tcpip_ns tcpip__wait_until(struct tcpip_sockets *s, tcpip_ns duration_ns);

/* ---- a call that waits for one file ---- */

struct blocked {
    struct file_watch watch;
    struct wait wait;
    tcpip_ns until;
};
/* Watches `file` for `events`. until TCPIP_NEVER: as long as it takes, and signals with SA_RESTART don't end it. */
void tcpip__blocked_begin(struct blocked *blocked, struct open_file *file, uint32_t events, tcpip_ns until);
/* 0: try again; EAGAIN: the time is over; EINTR; EDEADLK. */
must_use int tcpip__blocked_wait(struct blocked *blocked);
void tcpip__blocked_end(struct blocked *blocked);

/* ---- driving (drive_loop.c) ---- */

/* NO_MEMORY, NO_BUFFER_SPACE. */
must_use enum tcpip_error tcpip__drive_init(struct tcpip_sockets *s);
/* Ends the runner. Without the lock. */
void tcpip__drive_stop(struct tcpip_sockets *s);
void tcpip__drive_fini(struct tcpip_sockets *s);
/* This wait drives from now on. */
void tcpip__drive_take(struct tcpip_sockets *s, struct wait *wait);
/* One iteration of the loop by the holder of the token, sleeping until `until` at most, without the lock. 0 or EINTR.
 */
must_use int tcpip__drive_once(struct wait *wait, tcpip_ns until);
/* Looks what the links have, and fires timers, if nobody else is there to do it. For calls that don't wait. */
void tcpip__drive_poll(struct tcpip_sockets *s);
/* The thread at `wait` doesn't drive any more: the next one, or the runner. */
void tcpip__drive_pass(struct tcpip_sockets *s);
/* Before the lock is given back: whoever drives must hear of a nearer deadline. */
void tcpip__drive_before_unlock(struct tcpip_sockets *s);

#endif
