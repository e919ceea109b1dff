// SPDX-License-Identifier: MIT
/* timer.h: the wheel that all timers of a stack hang on. The timer itself is public: tcpip/timer.h.
 *
 * A timer fires at its exact instant, never before, and timers fire in the order of (at, order of arming). Nothing here
 * allocates; nothing costs time linear in the number of armed timers. How: timer.c. */
#ifndef TCPIP_SRC_BASE_TIMER_H
#define TCPIP_SRC_BASE_TIMER_H

#include "base/compiler.h"

#include <tcpip/timer.h>

enum {
    TIMER_TICK_BITS = 16, /* a bucket of the finest level is 2^16 ns (65.5 us) wide */
    TIMER_LEVEL_BITS = 6, /* 64 buckets a level: one word of bitmap */
    TIMER_LEVELS = 8,     /* 16 + 8 * 6 bits: every instant there is */
    TIMER_BUCKETS = 1 << TIMER_LEVEL_BITS,
};

struct timer_wheel {
    struct tcpip_timer *first;       /* the next to fire; NULL: not known, or none */
    uint64_t base_tick;              /* no armed timer is due before it but those in its own bucket */
    uint64_t armed_ever;             /* numbers the armings */
    uint32_t armed;                  /* timers armed now */
    uint32_t levels;                 /* bit l: level l has timers */
    uint64_t occupied[TIMER_LEVELS]; /* bit s: bucket s has timers */
    struct tcpip_timer *buckets[TIMER_LEVELS][TIMER_BUCKETS];
};

/* `now`: the instant the wheel starts at. */
void tcpip__timer_wheel_init(struct timer_wheel *wheel, tcpip_ns now);
/* Asserts that no timer is armed. */
void tcpip__timer_wheel_fini(struct timer_wheel *wheel);

/* Arms `timer` to fire at `at`, anew if it is armed; an instant that has passed is due at once. TCPIP_NEVER disarms.
 * O(1). */
void tcpip__timer_set(struct timer_wheel *wheel, struct tcpip_timer *timer, tcpip_ns at);
/* Nothing if it isn't armed. O(1) for a timer that never came near its turn, O(log n) amortised otherwise. */
void tcpip__timer_cancel(struct timer_wheel *wheel, struct tcpip_timer *timer);
/* Fires what is due at `now` (at <= now), also what callbacks arm meanwhile, at most `budget`; returns how many. More
 * are due if the deadline still isn't after `now`. */
uint32_t tcpip__timer_wheel_advance(struct timer_wheel *wheel, tcpip_ns now, uint32_t budget);
/* The least `at` of all armed timers; TCPIP_NEVER when there is none. */
tcpip_ns tcpip__timer_wheel_deadline(struct timer_wheel *wheel);

#endif
