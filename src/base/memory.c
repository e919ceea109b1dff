// SPDX-License-Identifier: MIT
/* memory.c: the stack's account of memory.
 *
 * Everything that a stack allocates passes through one struct memory, so that limits.memory_bytes is one comparison and
 * a leak is one number that isn't zero. Sizes are those asked for: what the allocator rounds up to is its own affair.
 *
 * Pools keep what was given back to them. So at the limit there may be plenty, of the wrong size: before a call is
 * refused, the pools are asked for whole slabs that nobody uses. That costs a walk over all that is free, so after a
 * walk that found nothing more and more refusals go by before the next; but not when half of what was taken has come
 * free, or who asks once a minute would wait for hours while there is plenty.
 *
 * Owns:        struct memory.
 * Invariants:  used_bytes <= limit_bytes unless that is 0; used_bytes is 0 at the end.
 * Not here:    objects of one size, which is nearly all of them (pool.c).
 */
#include "base/memory.h"

#include "base/assert.h"
#include "base/math.h"

#include <string.h>

enum {
    MEMORY_ALIGN_MAX = 64,  /* what tcpip_env.alloc promises */
    MEMORY_PATIENCE = 1024, /* refusals between two walks, at most */
};

void tcpip__memory_init(struct memory *memory, const struct tcpip_env *env, uint64_t limit_bytes)
{
    *memory = (struct memory){.env = env, .limit_bytes = limit_bytes};
}

void tcpip__memory_fini(struct memory *memory)
{
    ASSERT_ENV(memory->env, memory->used_bytes == 0);
}

static void *memory_try(const struct memory *memory, size_t size, size_t align)
{
    uint64_t room = memory->limit_bytes == 0 ? UINT64_MAX : memory->limit_bytes - memory->used_bytes;
    return size > room ? NULL : memory->env->alloc(memory->env->ctx, size, align);
}

/* True: there is more than before. */
static bool memory_reclaim(struct memory *memory)
{
    if (memory->reclaim == NULL)
        return false;
    uint64_t taken = memory->used_bytes - memory->spare(memory);
    memory->taken_bytes = max_u64(memory->taken_bytes, taken);
    if (memory->barren++ < memory->patience && taken > memory->taken_bytes / 2)
        return false;
    bool more = memory->reclaim(memory) > 0;
    memory->barren = 0;
    memory->taken_bytes = taken;
    memory->patience = more ? 0 : min_u32(memory->patience * 2 + 1, MEMORY_PATIENCE);
    return more;
}

void *tcpip__memory_alloc(struct memory *memory, size_t size, size_t align)
{
    ASSERT_ENV(memory->env, size != 0 && align != 0 && align <= MEMORY_ALIGN_MAX && (align & (align - 1)) == 0);

    void *ptr = memory_try(memory, size, align);
    if (unlikely(ptr == NULL) && memory_reclaim(memory))
        ptr = memory_try(memory, size, align);
    if (unlikely(ptr == NULL)) {
        memory->refused++;
        return NULL;
    }
    ASSERT_ENV(memory->env, ((uintptr_t)ptr & (align - 1)) == 0);
    memory->used_bytes += size;
    if (memory->used_bytes > memory->peak_bytes)
        memory->peak_bytes = memory->used_bytes;
    return ptr;
}

void *tcpip__memory_zalloc(struct memory *memory, size_t size, size_t align)
{
    void *ptr = tcpip__memory_alloc(memory, size, align);
    if (ptr != NULL)
        memset(ptr, 0, size);
    return ptr;
}

void tcpip__memory_free(struct memory *memory, void *ptr, size_t size)
{
    if (ptr == NULL)
        return;
    ASSERT_ENV(memory->env, size != 0 && size <= memory->used_bytes);
    memory->used_bytes -= size;
    memory->env->free(memory->env->ctx, ptr, size);
}
