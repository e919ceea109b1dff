// SPDX-License-Identifier: MIT
/* pools.h: a stack's storage of buffers and packets. */
#ifndef TCPIP_SRC_BUFFER_POOLS_H
#define TCPIP_SRC_BUFFER_POOLS_H

#include "base/memory.h"
#include "base/pool.h"
#include <tcpip/buffer.h>
#include <tcpip/header/checksum.h>
#include <tcpip/packet.h>

/* Payload bytes of the size classes. The largest holds a 64 KB super-segment with its headers. */
#define BUFFER_CLASSES(X) X(128) X(512) X(2048) X(16384) X(65728)
enum {
#define BUFFER_CLASS_COUNT_(size) BUFFER_CLASS_##size,
    BUFFER_CLASSES(BUFFER_CLASS_COUNT_)
#undef BUFFER_CLASS_COUNT_
        BUFFER_CLASS_COUNT,
    BUFFER_CLASS_WRAPPED, /* only the header is ours */
};

struct tcpip_buffer_pools {
    struct memory *memory;
    struct tcpip_stack *stack; /* NULL in unit tests of this floor */
    struct pool classes[BUFFER_CLASS_COUNT];
    struct pool wrapped;
    struct tcpip_buffer *released; /* wrapped buffers whose callback is due, oldest first */
    struct tcpip_buffer **released_tail;
    uint32_t lent; /* link-owned buffers out */
};

struct tcpip_packet_pool {
    struct pool pool;
    struct tcpip_buffer_pools *buffers;
    struct tcpip_stack *stack;
    const struct tcpip_checksum_ops *checksum; /* what tcpip_packet_checksum sums with */
};

void tcpip__buffer_pools_init(struct tcpip_buffer_pools *pools, struct memory *memory, struct tcpip_stack *stack);
/* Asserts that all buffers are back. */
void tcpip__buffer_pools_fini(struct tcpip_buffer_pools *pools);
uint64_t tcpip__buffer_pools_trim(struct tcpip_buffer_pools *pools);
/* tcpip_buffer_new and _wrap without a stack. */
must_use struct tcpip_buffer *tcpip__buffer_new(struct tcpip_buffer_pools *pools, size_t size);
must_use struct tcpip_buffer *tcpip__buffer_wrap(struct tcpip_buffer_pools *pools, void *data, size_t size,
                                                 void (*release)(void *ctx, struct tcpip_buffer *buffer), void *ctx);
/* Drops a reference inside a turn: a wrapped buffer goes on the released list, another back to its pool. */
void tcpip__buffer_unref_slow(struct tcpip_buffer *buffer);
/* Runs due release callbacks; they may release more, which run too. Returns how many ran. */
uint32_t tcpip__buffer_run_released(struct tcpip_buffer_pools *pools);

static inline void buffer_unref(struct tcpip_buffer *buffer)
{
    if (--buffer->refs == 0)
        tcpip__buffer_unref_slow(buffer);
}

void tcpip__packet_pool_init(struct tcpip_packet_pool *pool, struct memory *memory, struct tcpip_buffer_pools *buffers,
                             struct tcpip_stack *stack);
/* Asserts that all packets are back. */
void tcpip__packet_pool_fini(struct tcpip_packet_pool *pool);
/* tcpip_packet_new and _copy without a stack. */
must_use struct tcpip_packet *tcpip__packet_new(struct tcpip_packet_pool *pool);
must_use struct tcpip_packet *tcpip__packet_copy(struct tcpip_packet_pool *pool, const struct tcpip_packet *packet);
/* Asserts what holds between packet operations: for tests and debug builds. */
void tcpip__packet_check(const struct tcpip_packet *packet);

/* True if it keeps the link's own memory from the link. Whatever may wait long for a stranger's doing is copied then.
 */
static inline bool packet_holds_lent(const struct tcpip_packet *packet)
{
    for (uint32_t i = 0; i < packet->view_count; i++)
        if (packet->views[i].buffer->lent)
            return true;
    return false;
}

#endif
