// SPDX-License-Identifier: MIT
/* ring.h: the indices of a FIFO in the caller's array of 2^k elements.
 *
 * head and tail run freely and wrap at 2^32: tail - head is the count, full and empty differ, and no element is wasted.
 */
#ifndef TCPIP_SRC_BASE_RING_H
#define TCPIP_SRC_BASE_RING_H

#include "base/assert.h"

struct ring {
    uint32_t head; /* of the oldest element */
    uint32_t tail; /* of the next free one */
    uint32_t mask; /* capacity - 1 */
};

/* capacity: a power of two. */
static inline void ring_init(struct ring *ring, uint32_t capacity)
{
    ASSERT(capacity != 0 && (capacity & (capacity - 1)) == 0);
    ring->head = ring->tail = 0;
    ring->mask = capacity - 1;
}

static inline uint32_t ring_count(const struct ring *ring)
{
    return ring->tail - ring->head;
}

static inline bool ring_empty(const struct ring *ring)
{
    return ring->tail == ring->head;
}

static inline bool ring_full(const struct ring *ring)
{
    return ring_count(ring) > ring->mask;
}

/* The place of the i-th oldest element. */
static inline uint32_t ring_at(const struct ring *ring, uint32_t i)
{
    ASSERT(i < ring_count(ring));
    return (ring->head + i) & ring->mask;
}

/* The place to fill; not when full. */
static inline uint32_t ring_push(struct ring *ring)
{
    ASSERT(!ring_full(ring));
    return ring->tail++ & ring->mask;
}

/* The place of the oldest element, which leaves; not when empty. */
static inline uint32_t ring_pop(struct ring *ring)
{
    ASSERT(!ring_empty(ring));
    return ring->head++ & ring->mask;
}

#endif
