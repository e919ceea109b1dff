// SPDX-License-Identifier: MIT
/* buffer.h: reference-counted storage, views of it, vectors of views, and the prependable of the original package.
 *
 * A buffer belongs to one stack and never crosses to another; counts aren't atomic. A view is a window on a buffer; by
 * itself it holds no reference: the struct that contains it says whether it does. */
#ifndef TCPIP_BUFFER_H
#define TCPIP_BUFFER_H

#include <tcpip/base.h>
#include <tcpip/error.h>

TCPIP_BEGIN_DECLS

struct tcpip_stack;
struct tcpip_buffer_pools; /* opaque: the stack's storage */

struct tcpip_buffer {
    uint32_t refs;
    uint32_t size; /* usable bytes at data */
    uint8_t *data;
    struct tcpip_buffer_pools *owner;
    void (*release)(void *ctx, struct tcpip_buffer *buffer); /* NULL: storage of the stack's pools */
    void *ctx;
    struct tcpip_buffer *next_released; /* internal: on the list of those whose callback is due */
    uint32_t true_bytes;                /* what budgets count: storage, not payload */
    uint8_t size_class;                 /* internal */
    bool lent;                          /* the link's own memory (UMEM, mbuf), wanted back soon */
};

/* length bytes from offset on. */
struct tcpip_view {
    struct tcpip_buffer *buffer;
    uint32_t offset, length;
};

/* A new buffer of at least `size` bytes (up to 65,536 + 192) with one reference, or NULL when the stack's memory is
 * used up. Contents undefined. Turn-safe: may be called by links inside transmit. */
TCPIP_API struct tcpip_buffer *tcpip_buffer_new(struct tcpip_stack *stack, size_t size);
/* A buffer around memory of the caller's, with one reference; NULL: out of memory. `release` is called once, at the end
 * of the turn in which the last reference went (also after the endpoint was closed); until then the bytes must not
 * change. */
TCPIP_API struct tcpip_buffer *tcpip_buffer_wrap(struct tcpip_stack *stack, void *data, size_t size,
                                                 void (*release)(void *ctx, struct tcpip_buffer *buffer), void *ctx);
/* Drops a reference. Outside a turn this is an entry of its own (a wrapped buffer's callback may run). */
TCPIP_API void tcpip_buffer_unref(struct tcpip_buffer *buffer);

/* Marks a wrapped buffer as the link's own memory, wanted back soon: the stack counts those that are out, and copies
 * received data out of them when few are left. Before it is delivered, once. */
TCPIP_API void tcpip_buffer_set_lent(struct tcpip_buffer *buffer);

/* One reference more, which is the caller's; returns the buffer. */
static inline struct tcpip_buffer *tcpip_buffer_ref(struct tcpip_buffer *buffer)
{
    buffer->refs++;
    return buffer;
}

/* The view's first byte; good while the buffer is referenced. */
static inline uint8_t *tcpip_view_data(const struct tcpip_view *view)
{
    return view->buffer->data + view->offset;
}

/* Removes the first `count` bytes; count <= length. */
static inline void tcpip_view_trim_front(struct tcpip_view *view, uint32_t count)
{
    view->offset += count;
    view->length -= count;
}

/* Cuts the view to at most `length` bytes. */
static inline void tcpip_view_cap_length(struct tcpip_view *view, uint32_t length)
{
    if (view->length > length)
        view->length = length;
}

/* Views that together are one run of bytes. `views` is the caller's array; size is the sum of the lengths. */
struct tcpip_vectorised_view {
    struct tcpip_view *views;
    uint32_t count;
    uint32_t size;
};

/* Removes the first `count` bytes; count <= size. Views that become empty are passed over: `views` moves on in the
 * caller's array. References are the caller's affair, here and below. */
TCPIP_API void tcpip_vectorised_view_trim_front(struct tcpip_vectorised_view *vv, uint32_t count);
/* Cuts the vector to at most `length` bytes. */
TCPIP_API void tcpip_vectorised_view_cap_length(struct tcpip_vectorised_view *vv, uint32_t length);
/* Copies up to `size` bytes from `offset` on; returns how many. */
TCPIP_API size_t tcpip_vectorised_view_copy_out(const struct tcpip_vectorised_view *vv, uint32_t offset, void *out,
                                                size_t size);

/* Space that is filled from its end towards its front. */
struct tcpip_prependable {
    uint8_t *space;
    size_t size;
    size_t used; /* at the end of space */
};

/* Nothing used yet; `space` stays the caller's. */
static inline struct tcpip_prependable tcpip_prependable_init(void *space, size_t size)
{
    struct tcpip_prependable p;
    p.space = (uint8_t *)space;
    p.size = size;
    p.used = 0;
    return p;
}

/* The `count` bytes in front of what is used, or NULL when there is no room. */
static inline uint8_t *tcpip_prependable_prepend(struct tcpip_prependable *p, size_t count)
{
    if (count > p->size - p->used)
        return NULL;
    p->used += count;
    return p->space + (p->size - p->used);
}

TCPIP_END_DECLS

#endif
