// SPDX-License-Identifier: MIT
/* pool.c: slabs of objects of one size.
 *
 * An object is taken from the free list (the latest put: it is still in the cache), else from the fresh end of the
 * newest slab, which therefore is never touched ahead of need. Slabs double from SLAB_MIN to SLAB_MAX with the pool, so
 * that a pool of three objects costs a kilobyte and one of a million few allocations. Objects carry no header: which
 * slab one belongs to is asked for in trim only, and found there by address.
 *
 * In debug builds a free object is filled with a pattern that get checks, and putting one twice asserts. Under
 * AddressSanitizer free objects are poisoned, so that use after put is reported as use after free would be.
 *
 * Owns:        struct pool, its slabs, the bytes of free objects.
 * Invariants:  out + free + fresh objects = objects; out <= cap unless that is 0.
 * Not here:    accounting and its limit (memory.c), buffers of packets that cross threads (none do).
 */
#include "base/pool.h"

#include "base/assert.h"
#include "base/math.h"

#include <string.h>

enum {
    SLAB_MIN_BYTES = 1024,      /* the first slab of a pool; many pools of a small stack never have another */
    SLAB_MAX_BYTES = 64 * 1024, /* a trim gives back slabs: larger ones seldom come free */
    SLAB_MIN_OBJECTS = 4,
    FREE_PATTERN = 0xa5,
    NEW_PATTERN = 0x5a,
};

static const uintptr_t FREE_MARK = (uintptr_t)0x706f6f6c66726565u; /* "poolfree" */

struct pool_slot_marked {
    struct pool_slot *next;
    uintptr_t mark;
};

struct pool_slab {
    struct tree_node node; /* of pool.slabs */
    size_t bytes;          /* with this header */
    uint32_t objects;
    uint32_t free; /* trim's count */
};

static uint64_t pools_reclaim(struct memory *memory);
static uint64_t pools_spare(const struct memory *memory);

static size_t slab_header_bytes(const struct pool *pool)
{
    return align_up(sizeof(struct pool_slab), pool->align);
}

static int slab_compare(const struct tree_node *node, const void *key)
{
    return (uintptr_t)node < (uintptr_t)key ? -1 : (uintptr_t)node > (uintptr_t)key;
}

/* The slab that `object` lies in: the last that doesn't begin after it. The node is a slab's first member. */
static struct pool_slab *slab_of(const struct pool *pool, const void *object)
{
    struct tree_node *node = tcpip__tree_floor(&pool->slabs, slab_compare, object);
    ASSERT_ENV(pool->memory->env, node != NULL);
    return tree_entry(node, struct pool_slab, node);
}

/* Reads the link of a free object, which stays poisoned. */
static struct pool_slot *slot_next(struct pool_slot *slot)
{
    memory_unpoison(slot, sizeof(*slot));
    struct pool_slot *next = slot->next;
    memory_poison(slot, sizeof(*slot));
    return next;
}

static void slot_set_next(struct pool_slot *slot, struct pool_slot *next)
{
    memory_unpoison(slot, sizeof(*slot));
    slot->next = next;
    memory_poison(slot, sizeof(*slot));
}

/* Debug builds: a free object is marked by a word that no content has by accident, and the rest of it by a pattern. */
static void slot_mark(const struct pool *pool, struct pool_slot *slot)
{
    if (pool->object_bytes < sizeof(struct pool_slot_marked))
        return;
    memset(slot, FREE_PATTERN, pool->object_bytes);
    ((struct pool_slot_marked *)slot)->mark = (uintptr_t)slot ^ FREE_MARK;
}

static bool slot_is_marked(const struct pool *pool, const struct pool_slot *slot)
{
    return pool->object_bytes >= sizeof(struct pool_slot_marked) &&
           ((const struct pool_slot_marked *)slot)->mark == ((uintptr_t)slot ^ FREE_MARK);
}

/* The mark and the pattern must be as slot_mark left them; then both go, so that reading an object before writing
 * shows. */
static void slot_unmark(const struct pool *pool, struct pool_slot *slot)
{
    if (pool->object_bytes < sizeof(struct pool_slot_marked))
        return;
    ASSERT_ENV(pool->memory->env, slot_is_marked(pool, slot));
    const uint8_t *bytes = (const uint8_t *)slot;
    for (size_t i = sizeof(struct pool_slot_marked); i < pool->object_bytes; i++)
        ASSERT_ENV(pool->memory->env, bytes[i] == FREE_PATTERN);
    memset(slot, NEW_PATTERN, pool->object_bytes);
}

/* Only pools that have slabs are known to memory. */
static void pool_link(struct pool *pool)
{
    pool->next = pool->memory->pools;
    pool->memory->pools = pool;
    pool->memory->reclaim = pools_reclaim;
    pool->memory->spare = pools_spare;
}

static void pool_unlink(struct pool *pool)
{
    struct pool **link = &pool->memory->pools;
    while (*link != pool)
        link = &(*link)->next;
    *link = pool->next;
}

static void slab_free(struct pool *pool, struct pool_slab *slab)
{
    pool->objects -= slab->objects;
    pool->slab_bytes -= slab->bytes;
    if (slab == pool->newest) {
        pool->newest = NULL;
        pool->fresh = pool->fresh_end = NULL;
    }
    tcpip__tree_remove(&pool->slabs, &slab->node);
    if (tree_empty(&pool->slabs))
        pool_unlink(pool);
    memory_unpoison(slab, slab->bytes);
    tcpip__memory_free(pool->memory, slab, slab->bytes);
}

/* A new slab of `objects`; false if there is no memory for it. */
static bool slab_new(struct pool *pool, uint32_t objects)
{
    size_t header = slab_header_bytes(pool), bytes;
    if (!mul_size(objects, pool->object_bytes, &bytes) || !add_size(bytes, header, &bytes))
        return false;
    struct pool_slab *slab =
        tcpip__memory_alloc(pool->memory, bytes, max_size(pool->align, _Alignof(struct pool_slab)));
    if (slab == NULL)
        return false;
    *slab = (struct pool_slab){.bytes = bytes, .objects = objects};
    if (tree_empty(&pool->slabs))
        pool_link(pool);
    const struct tree_node *twin = tcpip__tree_insert(&pool->slabs, &slab->node, slab_compare, slab);
    ASSERT_ENV(pool->memory->env, twin == NULL);
    pool->newest = slab;
    pool->fresh = (uint8_t *)slab + header;
    pool->fresh_end = (uint8_t *)slab + bytes;
    pool->objects += objects;
    pool->slab_bytes += bytes;
    memory_poison(pool->fresh, bytes - header);
    return true;
}

/* Called when no object is free: doubles the pool within bounds, or adds a few objects when memory is short. */
static bool pool_grow(struct pool *pool)
{
    uint64_t room = pool->cap == 0 ? UINT32_MAX - pool->objects : pool->cap - pool->objects;
    uint64_t bytes = clamp_u64(pool->slab_bytes, SLAB_MIN_BYTES, SLAB_MAX_BYTES);
    uint64_t fits = (bytes - min_u64(bytes, slab_header_bytes(pool))) / pool->object_bytes;
    uint32_t objects = (uint32_t)min_u64(room, max_u64(fits, SLAB_MIN_OBJECTS));
    if (objects == 0)
        return false;
    return slab_new(pool, objects) || (objects > SLAB_MIN_OBJECTS && slab_new(pool, SLAB_MIN_OBJECTS));
}

void tcpip__pool_init(struct pool *pool, struct memory *memory, size_t object_bytes, size_t align, uint32_t cap)
{
    ASSERT_ENV(memory->env, object_bytes != 0 && is_power_of_two(align));
    align = max_size(align, _Alignof(struct pool_slot));
    *pool = (struct pool){
        .memory = memory,
        .object_bytes = align_up(max_size(object_bytes, sizeof(struct pool_slot)), align),
        .align = align,
        .cap = cap,
    };
}

void tcpip__pool_fini(struct pool *pool)
{
    ASSERT_ENV(pool->memory->env, pool->out == 0);
    pool->free = NULL;
    while (!tree_empty(&pool->slabs))
        slab_free(pool, tree_entry(tcpip__tree_first(&pool->slabs), struct pool_slab, node));
}

/* Debug builds: tests bring it along, and have one refused that could be had. */
__attribute__((weak)) bool tcpip__pool_refuse(const struct memory *memory);

static bool pool_refuses(struct pool *pool)
{
    bool promised = pool->promised;
    pool->promised = false;
    return !promised && tcpip__pool_refuse != NULL && tcpip__pool_refuse(pool->memory);
}

bool tcpip__pool_ready(struct pool *pool)
{
    if (DEBUG_BUILD && pool_refuses(pool))
        return false;
    pool->promised = pool->free != NULL || pool->fresh != pool->fresh_end || pool_grow(pool);
    return pool->promised;
}

void *tcpip__pool_get(struct pool *pool)
{
    void *object = pool->free;
    if (DEBUG_BUILD && pool_refuses(pool)) {
        pool->refused++;
        return NULL;
    }
    if (likely(object != NULL)) {
        memory_unpoison(object, pool->object_bytes);
        pool->free = pool->free->next;
        if (DEBUG_BUILD)
            slot_unmark(pool, object);
    } else {
        if (unlikely(pool->fresh == pool->fresh_end) && !pool_grow(pool)) {
            pool->refused++;
            return NULL;
        }
        object = pool->fresh;
        pool->fresh += pool->object_bytes;
        memory_unpoison(object, pool->object_bytes);
        if (DEBUG_BUILD) /* the allocator may give back a slab of ours, with the marks of its last life */
            memset(object, NEW_PATTERN, pool->object_bytes);
    }
    pool->out++;
    pool->peak = max_u32(pool->peak, pool->out);
    return object;
}

void *tcpip__pool_zget(struct pool *pool)
{
    void *object = tcpip__pool_get(pool);
    if (object != NULL)
        memset(object, 0, pool->object_bytes);
    return object;
}

void tcpip__pool_put(struct pool *pool, void *object)
{
    struct pool_slot *slot = object;
    ASSERT_ENV(pool->memory->env, slot != NULL && pool->out != 0);
    if (DEBUG_BUILD) {
        const struct pool_slab *slab = slab_of(pool, object);
        size_t offset = (size_t)((uintptr_t)object - (uintptr_t)slab);
        ASSERT_ENV(pool->memory->env, offset < slab->bytes && offset >= slab_header_bytes(pool));
        ASSERT_ENV(pool->memory->env, (offset - slab_header_bytes(pool)) % pool->object_bytes == 0);
        ASSERT_ENV(pool->memory->env, !slot_is_marked(pool, slot)); /* else it was put twice */
        slot_mark(pool, slot);
    }
    slot->next = pool->free;
    pool->free = slot;
    pool->out--;
    memory_poison(object, pool->object_bytes);
}

/* Counts in every slab the objects that aren't out; true if there is a slab of which none is. */
static bool pool_count_free(struct pool *pool)
{
    bool found = false;
    for (struct tree_node *node = tcpip__tree_first(&pool->slabs); node != NULL; node = tcpip__tree_next(node))
        tree_entry(node, struct pool_slab, node)->free = 0;
    if (pool->newest != NULL) {
        pool->newest->free = (uint32_t)((size_t)(pool->fresh_end - pool->fresh) / pool->object_bytes);
        found = pool->newest->free == pool->newest->objects;
    }
    for (struct pool_slot *slot = pool->free; slot != NULL; slot = slot_next(slot)) {
        struct pool_slab *slab = slab_of(pool, slot);
        found |= ++slab->free == slab->objects;
    }
    return found;
}

/* So that one object at least stays free, if one is: the slab that is kept for that is no longer seen as unused. It is
 * that of the next object to be taken, and not the first or last in memory: that would be another in each run. */
static void pool_keep_one(struct pool *pool)
{
    for (struct tree_node *node = tcpip__tree_first(&pool->slabs); node != NULL; node = tcpip__tree_next(node)) {
        const struct pool_slab *slab = tree_entry(node, struct pool_slab, node);
        if (slab->free > 0 && slab->free < slab->objects)
            return;
    }
    struct pool_slab *slab = pool->free != NULL ? slab_of(pool, pool->free) : pool->newest;
    if (slab != NULL && slab->free == slab->objects)
        slab->free--;
}

static uint64_t pool_shed(struct pool *pool, bool all)
{
    uint64_t before = pool->slab_bytes;
    struct pool_slot *slot = pool->free, *last = NULL, *next_slot;
    struct tree_node *node, *next_node;

    if (!pool_count_free(pool))
        return 0;
    if (!all)
        pool_keep_one(pool);
    /* The free list without the objects that go, in the same order. */
    pool->free = NULL;
    for (; slot != NULL; slot = next_slot) {
        const struct pool_slab *slab = slab_of(pool, slot);
        next_slot = slot_next(slot);
        if (slab->free == slab->objects)
            continue;
        slot_set_next(slot, NULL);
        if (last == NULL)
            pool->free = slot;
        else
            slot_set_next(last, slot);
        last = slot;
    }
    for (node = tcpip__tree_first(&pool->slabs); node != NULL; node = next_node) {
        struct pool_slab *slab = tree_entry(node, struct pool_slab, node);
        next_node = tcpip__tree_next(node);
        if (slab->free == slab->objects)
            slab_free(pool, slab);
    }
    return before - pool->slab_bytes;
}

uint64_t tcpip__pool_trim(struct pool *pool)
{
    return pool_shed(pool, true);
}

/* In the middle of somebody's work: whoever has seen that there is an object still finds one. */
static uint64_t pools_reclaim(struct memory *memory)
{
    uint64_t bytes = 0;
    for (struct pool *pool = memory->pools, *next; pool != NULL; pool = next) {
        next = pool->next;
        bytes += pool_shed(pool, false);
    }
    return bytes;
}

static uint64_t pools_spare(const struct memory *memory)
{
    uint64_t bytes = 0;
    for (const struct pool *pool = memory->pools; pool != NULL; pool = pool->next)
        bytes += (uint64_t)(pool->objects - pool->out) * pool->object_bytes;
    return bytes;
}
