// SPDX-License-Identifier: MIT
/* timer.c: a hierarchical wheel whose buckets are heaps.
 *
 * Time is cut into ticks of 2^16 ns. A timer goes where its tick first differs from the wheel's base tick, read as
 * digits of base 64 from the top: the place of that digit is the level, the digit is the bucket.
 *
 *     level 2   |..........#......|    each bucket 64 x 64 ticks (268 ms)
 *     level 1   |...#...#.........|    each bucket 64 ticks (4.2 ms)
 *     level 0   |....###..........|    each bucket one tick (65 us)
 *
 * A wheel of lists would stop here, and pay for it twice: it must cascade a whole bucket to the level below when time
 * gets there, and it doesn't know its earliest timer without walking a bucket. Here each bucket is a pairing heap in
 * the order of (at, order of arming). To arm is one comparison with the bucket's root, as cheap as a push to a list;
 * the root is the bucket's earliest, so the wheel's exact deadline is the best of at most TIMER_LEVELS roots; and
 * nothing ever cascades: when base enters a bucket of an upper level, its timers stay there and are taken from its root
 * one by one. A timer that is cancelled long before its turn, as nearly all are, never was a parent: it is unlinked in
 * O(1). One that was costs O(log n) amortised, n being the timers of its own bucket only.
 * Amortised means that the first to leave a bucket of a million that were only ever armed pays milliseconds for the
 * order of all: what a cascade would cost, once instead of once a level.
 *
 * Owns:        struct timer_wheel, and the private members of armed timers.
 * Invariants:  In each level all ticks agree with base in the digits above, so that buckets lie in the order of time,
 *              and none is below base's digit. Base therefore never passes an armed timer; one armed for the past goes
 *              in base's own bucket. `first`, if not NULL, is the least of all.
 * Not here:    when to re-arm lazily (tcp_timers.c), reading the clock (stack.c).
 */
#include "base/timer.h"

#include "base/assert.h"
#include "base/math.h"

enum {
    TIMER_BUCKET_MASK = TIMER_BUCKETS - 1,
    TIMER_ORDER_SHIFT = 9, /* timer.order: the arming's number above, level and bucket below */
};

STATIC_ASSERT(TIMER_LEVELS *TIMER_BUCKETS == 1 << TIMER_ORDER_SHIFT);
STATIC_ASSERT(TIMER_TICK_BITS + TIMER_LEVELS * TIMER_LEVEL_BITS >= 63);

static uint64_t timer_tick(tcpip_ns at)
{
    return at < 0 ? 0 : (uint64_t)at >> TIMER_TICK_BITS;
}

static bool timer_before(const struct tcpip_timer *a, const struct tcpip_timer *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

/* Two heaps become one: the later root becomes the first child of the earlier. A first child's prev is its parent,
 * every other child's its elder sibling, a root's NULL. */
static struct tcpip_timer *timer_meld(struct tcpip_timer *a, struct tcpip_timer *b)
{
    if (timer_before(b, a)) {
        struct tcpip_timer *swap = a;
        a = b;
        b = swap;
    }
    b->prev = a;
    b->next = a->child;
    if (b->next != NULL)
        b->next->prev = b;
    a->child = b;
    return a;
}

/* Siblings become one heap, in the two passes that give the pairing heap its amortised bound. NULL if there are none.
 */
static struct tcpip_timer *timer_meld_siblings(struct tcpip_timer *siblings)
{
    struct tcpip_timer *pairs = NULL, *root = NULL;
    while (siblings != NULL) {
        struct tcpip_timer *a = siblings, *b = a->next;
        siblings = b == NULL ? NULL : b->next;
        a->next = a->prev = NULL;
        if (b != NULL) {
            b->next = b->prev = NULL;
            a = timer_meld(a, b);
        }
        a->next = pairs; /* the last pair comes to stand first */
        pairs = a;
    }
    while (pairs != NULL) {
        struct tcpip_timer *pair = pairs;
        pairs = pair->next;
        pair->next = NULL;
        root = root == NULL ? pair : timer_meld(root, pair);
    }
    return root;
}

static void timer_link(struct timer_wheel *wheel, struct tcpip_timer *timer)
{
    uint64_t tick = max_u64(timer_tick(timer->at), wheel->base_tick);
    uint64_t differs = tick ^ wheel->base_tick;
    uint32_t level = differs == 0 ? 0 : log2_u64(differs) / TIMER_LEVEL_BITS;
    uint32_t bucket = (uint32_t)(tick >> (level * TIMER_LEVEL_BITS)) & TIMER_BUCKET_MASK;
    struct tcpip_timer **root = &wheel->buckets[level][bucket];

    timer->order = ++wheel->armed_ever << TIMER_ORDER_SHIFT | level << TIMER_LEVEL_BITS | bucket;
    timer->child = timer->next = timer->prev = NULL;
    *root = *root == NULL ? timer : timer_meld(*root, timer);
    wheel->occupied[level] |= (uint64_t)1 << bucket;
    wheel->levels |= 1u << level;
    wheel->armed++;
}

static void timer_unlink(struct timer_wheel *wheel, struct tcpip_timer *timer)
{
    uint32_t bucket = (uint32_t)timer->order & TIMER_BUCKET_MASK;
    uint32_t level = (uint32_t)timer->order >> TIMER_LEVEL_BITS & (TIMER_LEVELS - 1);
    struct tcpip_timer **root = &wheel->buckets[level][bucket];
    struct tcpip_timer *orphans = timer_meld_siblings(timer->child);

    if (*root == timer) {
        *root = orphans;
    } else {
        if (timer->prev->child == timer)
            timer->prev->child = timer->next;
        else
            timer->prev->next = timer->next;
        if (timer->next != NULL)
            timer->next->prev = timer->prev;
        if (orphans != NULL)
            *root = timer_meld(*root, orphans);
    }
    if (*root == NULL) {
        wheel->occupied[level] &= ~((uint64_t)1 << bucket);
        if (wheel->occupied[level] == 0)
            wheel->levels &= ~(1u << level);
    }
    if (wheel->first == timer)
        wheel->first = NULL;
    wheel->armed--;
    timer->order = 0;
}

/* The next timer to fire; NULL when none is armed. In each level it can only be the root of the first bucket. */
static struct tcpip_timer *timer_first(struct timer_wheel *wheel)
{
    if (wheel->first != NULL)
        return wheel->first;
    for (uint32_t levels = wheel->levels; levels != 0; levels &= levels - 1) {
        uint32_t level = (uint32_t)__builtin_ctz(levels);
        struct tcpip_timer *root = wheel->buckets[level][__builtin_ctzll(wheel->occupied[level])];
        if (wheel->first == NULL || timer_before(root, wheel->first))
            wheel->first = root;
    }
    return wheel->first;
}

void tcpip__timer_wheel_init(struct timer_wheel *wheel, tcpip_ns now)
{
    *wheel = (struct timer_wheel){.base_tick = timer_tick(now)};
}

void tcpip__timer_wheel_fini(struct timer_wheel *wheel)
{
    ASSERT(wheel->armed == 0 && wheel->levels == 0);
}

void tcpip__timer_set(struct timer_wheel *wheel, struct tcpip_timer *timer, tcpip_ns at)
{
    ASSERT(timer->fn != NULL);
    tcpip__timer_cancel(wheel, timer);
    if (at == TCPIP_NEVER)
        return;
    timer->at = at;
    timer_link(wheel, timer);
    if (wheel->armed == 1 || (wheel->first != NULL && timer_before(timer, wheel->first)))
        wheel->first = timer;
}

void tcpip__timer_cancel(struct timer_wheel *wheel, struct tcpip_timer *timer)
{
    if (tcpip_timer_armed(timer))
        timer_unlink(wheel, timer);
}

uint32_t tcpip__timer_wheel_advance(struct timer_wheel *wheel, tcpip_ns now, uint32_t budget)
{
    uint32_t fired = 0;
    struct tcpip_timer *timer;
    while ((timer = timer_first(wheel)) != NULL && timer->at <= now) {
        if (fired == budget)
            return fired;
        /* What stays armed isn't earlier than this one: base may follow it, and no further while the budget may run
         * out. */
        wheel->base_tick = max_u64(wheel->base_tick, timer_tick(timer->at));
        timer_unlink(wheel, timer);
        fired++;
        timer->fn(timer, now); /* may have freed it */
    }
    wheel->base_tick = max_u64(wheel->base_tick, timer_tick(now));
    return fired;
}

tcpip_ns tcpip__timer_wheel_deadline(struct timer_wheel *wheel)
{
    const struct tcpip_timer *first = timer_first(wheel);
    return first == NULL ? TCPIP_NEVER : first->at;
}
