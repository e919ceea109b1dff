// SPDX-License-Identifier: MIT
/* buffer.c: a stack's buffers: storage of a few sizes, and wrappers around memory of others.
 *
 * Five size classes, each a pool: small enough that a 60-byte reply doesn't take a 2 KB buffer, few enough that memory
 * given back in one is soon wanted again in the same. Header and bytes are one object (one pool operation, and the
 * header's cache line is next to the first bytes read); the bytes begin at a cache line.
 *
 * A wrapped buffer has a header of ours around somebody else's bytes. When its last reference goes, its callback cannot
 * run at once: the reference may go deep inside TCP, and the callback may enter the stack. So it waits on `released`
 * until the turn ends (tcpip__buffer_run_released); its header is needed until then and goes back after the callback.
 *
 * Owns:        the five pools and the wrappers; the list of due callbacks.
 * Invariants:  a buffer's owner is the pools that made it; release != NULL exactly for wrapped buffers; a wrapped
 *              buffer is on `released` at most once, with no references.
 * Not here:    the public calls that take a stack (stack/), packets (packet.c), slabs (base/pool.c). */
#include "base/assert.h"
#include "base/math.h"
#include "buffer/pools.h"

#include <stdalign.h>

enum {
    BUFFER_ALIGN = 64, /* a cache line */
    BUFFER_HEAD = (sizeof(struct tcpip_buffer) + BUFFER_ALIGN - 1) & ~(size_t)(BUFFER_ALIGN - 1),
};

static const uint32_t buffer_class_bytes[BUFFER_CLASS_COUNT] = {
#define BUFFER_CLASS_BYTES_(size) size,
    BUFFER_CLASSES(BUFFER_CLASS_BYTES_)
#undef BUFFER_CLASS_BYTES_
};

void tcpip__buffer_pools_init(struct tcpip_buffer_pools *pools, struct memory *memory, struct tcpip_stack *stack)
{
    pools->memory = memory;
    pools->stack = stack;
    for (uint32_t i = 0; i < BUFFER_CLASS_COUNT; i++)
        tcpip__pool_init(&pools->classes[i], memory, BUFFER_HEAD + buffer_class_bytes[i], BUFFER_ALIGN, 0);
    tcpip__pool_init(&pools->wrapped, memory, sizeof(struct tcpip_buffer), alignof(struct tcpip_buffer), 0);
    pools->released = NULL;
    pools->released_tail = &pools->released;
    pools->lent = 0;
}

void tcpip__buffer_pools_fini(struct tcpip_buffer_pools *pools)
{
    ASSERT_ENV(pools->memory->env, pools->released == NULL);
    ASSERT_ENV(pools->memory->env, pools->lent == 0);
    tcpip__pool_fini(&pools->wrapped);
    for (uint32_t i = BUFFER_CLASS_COUNT; i-- > 0;)
        tcpip__pool_fini(&pools->classes[i]);
}

uint64_t tcpip__buffer_pools_trim(struct tcpip_buffer_pools *pools)
{
    uint64_t bytes = tcpip__pool_trim(&pools->wrapped);
    for (uint32_t i = 0; i < BUFFER_CLASS_COUNT; i++)
        bytes += tcpip__pool_trim(&pools->classes[i]);
    return bytes;
}

struct tcpip_buffer *tcpip__buffer_new(struct tcpip_buffer_pools *pools, size_t size)
{
    uint8_t class = 0;
    while (size > buffer_class_bytes[class])
        if (++class == BUFFER_CLASS_COUNT)
            return NULL;
    struct tcpip_buffer *buffer = pool_get(&pools->classes[class]);
    if (unlikely(buffer == NULL))
        return NULL;
    buffer->refs = 1;
    buffer->size = buffer_class_bytes[class];
    buffer->data = (uint8_t *)buffer + BUFFER_HEAD;
    buffer->owner = pools;
    buffer->release = NULL;
    buffer->ctx = NULL;
    buffer->next_released = NULL;
    buffer->true_bytes = BUFFER_HEAD + buffer->size;
    buffer->size_class = class;
    buffer->lent = false;
    return buffer;
}

struct tcpip_buffer *tcpip__buffer_wrap(struct tcpip_buffer_pools *pools, void *data, size_t size,
                                        void (*release)(void *ctx, struct tcpip_buffer *buffer), void *ctx)
{
    ASSERT_ENV(pools->memory->env, release != NULL && size <= UINT32_MAX);
    struct tcpip_buffer *buffer = pool_get(&pools->wrapped);
    if (unlikely(buffer == NULL))
        return NULL;
    buffer->refs = 1;
    buffer->size = (uint32_t)size;
    buffer->data = data;
    buffer->owner = pools;
    buffer->release = release;
    buffer->ctx = ctx;
    buffer->next_released = NULL;
    buffer->true_bytes = sat_add_u32(buffer->size, sizeof(*buffer));
    buffer->size_class = BUFFER_CLASS_WRAPPED;
    buffer->lent = false;
    return buffer;
}

void tcpip_buffer_set_lent(struct tcpip_buffer *buffer)
{
    ASSERT(buffer->release != NULL && !buffer->lent);
    buffer->lent = true;
    buffer->owner->lent++;
}

void tcpip__buffer_unref_slow(struct tcpip_buffer *buffer)
{
    struct tcpip_buffer_pools *pools = buffer->owner;
    DEBUG_ASSERT(buffer->refs == 0);
    if (likely(buffer->release == NULL)) {
        pool_put(&pools->classes[buffer->size_class], buffer);
        return;
    }
    if (buffer->lent)
        pools->lent--;
    buffer->next_released = NULL;
    *pools->released_tail = buffer;
    pools->released_tail = &buffer->next_released;
}

uint32_t tcpip__buffer_run_released(struct tcpip_buffer_pools *pools)
{
    uint32_t ran = 0;
    for (struct tcpip_buffer *buffer; (buffer = pools->released) != NULL; ran++) {
        /* Off the list before the callback: it may enter the stack, and the end of that turn comes here again. */
        pools->released = buffer->next_released;
        if (pools->released == NULL)
            pools->released_tail = &pools->released;
        buffer->release(buffer->ctx, buffer);
        pool_put(&pools->wrapped, buffer);
    }
    return ran;
}
