// SPDX-License-Identifier: MIT
/* timer.h: timers of links and protocols, on their stack's wheel. Entered only inside a turn or between turns. */
#ifndef TCPIP_TIMER_H
#define TCPIP_TIMER_H

#include <tcpip/base.h>

TCPIP_BEGIN_DECLS

struct tcpip_stack;

/* Embed it; zeroed is disarmed. `fn` runs inside a turn at `at` or later, never before; timers fire in the order of
 * `at`, equal ones in the order in which they were armed. It may arm, cancel and free any timer, itself too. */
struct tcpip_timer {
    tcpip_ns at; /* read only; meaningful while armed */
    void (*fn)(struct tcpip_timer *timer, tcpip_ns now);
    struct tcpip_timer *child, *next, *prev; /* private */
    uint64_t order;                          /* private; 0: not armed */
};

/* Arms, or arms again, for the instant `at` (past: fires in this turn or the next advance). */
TCPIP_API void tcpip_timer_set(struct tcpip_stack *stack, struct tcpip_timer *timer, tcpip_ns at);
/* Disarms; nothing if it isn't armed. */
TCPIP_API void tcpip_timer_cancel(struct tcpip_stack *stack, struct tcpip_timer *timer);

/* Is it to fire yet? False inside its own fn. */
static inline bool tcpip_timer_armed(const struct tcpip_timer *timer)
{
    return timer->order != 0;
}

TCPIP_END_DECLS

#endif
