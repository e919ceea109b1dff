// SPDX-License-Identifier: MIT
/* pool.h: objects of one size, from slabs over struct memory. Getting and putting one is a push or pop of a free list.
 */
#ifndef TCPIP_SRC_BASE_POOL_H
#define TCPIP_SRC_BASE_POOL_H

#include "base/memory.h"
#include "base/tree.h"

struct pool_slot { /* a free object, seen as a link of the free list */
    struct pool_slot *next;
};
struct pool_slab;

struct pool {
    struct memory *memory;
    struct pool *next;          /* in memory->pools */
    struct pool_slot *free;     /* given back, the latest first */
    uint8_t *fresh, *fresh_end; /* the part of the newest slab that was never given out */
    struct pool_slab *newest;   /* whose fresh part that is */
    struct tree slabs;          /* by address */
    size_t object_bytes;        /* rounded up to the alignment */
    size_t align;
    uint32_t objects;    /* in all slabs */
    uint32_t cap;        /* objects out at once; 0: no cap but memory's */
    uint32_t out;        /* objects out */
    uint32_t peak;       /* the most there were */
    uint32_t refused;    /* gets answered with NULL */
    uint64_t slab_bytes; /* held in slabs */
    bool promised;       /* tcpip__pool_ready said so, and nobody has taken it since; looked at in debug builds */
};

/* `object_bytes` and `align` (a power of two, at most 64) of one object. Allocates nothing. */
void tcpip__pool_init(struct pool *pool, struct memory *memory, size_t object_bytes, size_t align, uint32_t cap);
/* Asserts (env.fatal) that every object was put back; frees the slabs. */
void tcpip__pool_fini(struct pool *pool);

/* An object with undefined contents; NULL at the cap or out of memory. */
must_use void *tcpip__pool_get(struct pool *pool);
/* As tcpip__pool_get, zeroed. */
must_use void *tcpip__pool_zget(struct pool *pool);
void tcpip__pool_put(struct pool *pool, void *object);
/* The same two, for who takes and gives for each packet. */
must_use static inline void *pool_get(struct pool *pool)
{
    struct pool_slot *slot = pool->free;
    if (DEBUG_BUILD || HAS_ASAN || unlikely(slot == NULL))
        return tcpip__pool_get(pool);
    pool->free = slot->next;
    pool->out++;
    if (unlikely(pool->out > pool->peak))
        pool->peak = pool->out;
    return slot;
}
static inline void pool_put(struct pool *pool, void *object)
{
    struct pool_slot *slot = object;
    if (DEBUG_BUILD || HAS_ASAN || unlikely(pool->out == 0)) {
        tcpip__pool_put(pool, object); /* which has more to look at */
        return;
    }
    slot->next = pool->free;
    pool->free = slot;
    pool->out--;
}
/* True: the next get of this pool won't fail, even if memory runs out before it. False: it would, now. */
must_use bool tcpip__pool_ready(struct pool *pool);
/* Gives slabs of which no object is out back to memory; returns the bytes. O(free objects x log slabs): for pressure
 * and for idle hours, not for the packet path. At the limit of memory it is done to all pools of a stack unasked, but
 * for a last free object. */
uint64_t tcpip__pool_trim(struct pool *pool);

#endif
