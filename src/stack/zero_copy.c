// SPDX-License-Identifier: MIT
/* zero_copy.c: writes that leave the bytes where they are, in the application's memory, and say when it is free again.
 *
 * A call's memory becomes pieces: wrapped buffers, which queues and packets refer to like any other. When the last
 * reference on a piece goes (after the last ACK, and after the last packet has left the link that holds it, sent again
 * or not), its release callback comes, at the end of that turn; when the last piece's has come, the call is told, never
 * before the calls that were made earlier. So there is no bookkeeping of sequence numbers here, and no way out of TCP
 * (reset, timeout, abort) that could be forgotten: whoever throws a queue away releases what it refers to.
 *
 * An application that closes hears of nothing any more, and may unmap its memory; in the kernel the pages would outlive
 * that. So what is still referred to is copied then, all at once: buffers point to their bytes, and every view of them,
 * in whatever queue, finds the copy instead. Without memory for it the connection is reset; packets that a link holds
 * back still refer to the application's memory then.
 *
 * Owns:        struct zero_copy and its pieces.
 * Invariants:  calls->list is in the order of the calls, and so are the numbers of those that count; an endpoint's
 * first call has references. Not here:    records (error_queue.c); when copying is right (each protocol). */
#include "stack/zero_copy.h"
#include "stack/error_queue.h"
#include "stack/nic.h"

#include <stdalign.h>
#include <string.h>

/* A run of the application's bytes. */
struct zero_copy_piece {
    struct tcpip_list_node node;
    struct zero_copy *call;
    struct tcpip_buffer *buffer;
    bool adopted; /* the bytes are a copy of ours */
};

void tcpip__zero_copy_init(struct zero_copy_calls *calls)
{
    list_init(&calls->list);
}

bool tcpip__zero_copy_held(const struct tcpip_route *route)
{
    return route->kind == ROUTE_LOCAL ||
           (route->nic->caps.flags & (TCPIP_LINK_LOOPBACK | TCPIP_LINK_KEEPS_PACKETS)) != 0;
}

static void zero_copy_free(struct zero_copy *call)
{
    if (call->endpoint != NULL) {
        call->endpoint->errors->zero_copy.count--;
        list_remove(&call->node);
    }
    tcpip__memory_free(&call->stack->memory, call, sizeof(*call));
}

/* Tells of the first calls that are done. */
static void zero_copy_tell(struct tcpip_endpoint *endpoint)
{
    struct list *list = &endpoint->errors->zero_copy.list;
    for (struct tcpip_list_node *node; (node = list_first(list)) != NULL;) {
        struct zero_copy *call = container_of(node, struct zero_copy, node);
        if (call->refs > 0)
            return;
        struct tcpip_error_record record = {
            .origin = TCPIP_ERROR_FROM_COPY,
            .first = call->first,
            .last = call->last,
            .copied = call->copied,
            .at = tcpip__stack_now(endpoint->stack),
        };
        bool counted = call->counted;
        zero_copy_free(call);
        if (counted)
            tcpip__error_queue_push(endpoint, &record, NULL, 0);
    }
}

void tcpip__zero_copy_unref(struct zero_copy *call)
{
    if (--call->refs > 0)
        return;
    if (call->endpoint != NULL)
        zero_copy_tell(call->endpoint);
    else
        zero_copy_free(call);
}

struct zero_copy *tcpip__zero_copy_begin(struct tcpip_endpoint *endpoint, bool copies)
{
    struct error_queue *queue = tcpip__error_queue_of(endpoint);
    if (queue == NULL)
        return NULL;
    struct zero_copy_calls *calls = &queue->zero_copy;
    struct zero_copy *call = calls->unfinished;
    if (call != NULL) {
        calls->unfinished = NULL;
        call->copied = call->copied || copies;
        return call;
    }
    if (calls->count >= ZERO_COPY_CALLS_MAX) {
        /* Copies keep nothing of the application's: they may share the last record for as long as it takes. */
        call = container_of(list_last(&calls->list), struct zero_copy, node);
        if (!copies || !call->copied || !call->counted)
            return NULL;
        call->refs++;
        call->shared = true;
        return call;
    }
    call = tcpip__memory_zalloc(&endpoint->stack->memory, sizeof(*call), alignof(struct zero_copy));
    if (call == NULL)
        return NULL;
    call->endpoint = endpoint;
    call->stack = endpoint->stack;
    call->refs = 1;
    call->copied = copies;
    list_init(&call->pieces);
    list_push_back(&calls->list, &call->node);
    calls->count++;
    return call;
}

static void zero_copy_released(void *ctx, struct tcpip_buffer *buffer)
{
    struct zero_copy_piece *piece = ctx;
    struct zero_copy *call = piece->call;
    struct memory *memory = &call->stack->memory;
    if (piece->adopted)
        tcpip__memory_free(memory, buffer->data, buffer->size);
    list_remove(&piece->node);
    tcpip__memory_free(memory, piece, sizeof(*piece));
    tcpip__zero_copy_unref(call);
}

bool tcpip__zero_copy_view(struct zero_copy *call, const void *data, size_t size, struct tcpip_view *out)
{
    struct tcpip_stack *stack = call->stack;
    struct zero_copy_piece *piece =
        tcpip__memory_zalloc(&stack->memory, sizeof(*piece), alignof(struct zero_copy_piece));
    if (piece == NULL)
        return false;
    /* Nothing writes through a view on what is sent. */
    void *bytes = (void *)(uintptr_t)data;
    piece->buffer = tcpip__buffer_wrap(&stack->buffers, bytes, size, zero_copy_released, piece);
    if (piece->buffer == NULL) {
        tcpip__memory_free(&stack->memory, piece, sizeof(*piece));
        return false;
    }
    piece->call = call;
    list_push_back(&call->pieces, &piece->node);
    call->refs++;
    *out = (struct tcpip_view){piece->buffer, 0, (uint32_t)size};
    return true;
}

void tcpip__zero_copy_end(struct zero_copy *call, bool taken, bool more)
{
    struct zero_copy_calls *calls = &call->endpoint->errors->zero_copy;
    if (taken && (!call->counted || call->shared)) {
        call->last = calls->next_id++;
        if (!call->counted)
            call->first = call->last;
        call->counted = true;
    }
    call->shared = false;
    if (more && call->counted)
        calls->unfinished = call;
    else
        tcpip__zero_copy_unref(call);
}

void tcpip__zero_copy_finish(struct tcpip_endpoint *endpoint)
{
    struct zero_copy *call = endpoint->errors != NULL ? endpoint->errors->zero_copy.unfinished : NULL;
    if (call == NULL)
        return;
    endpoint->errors->zero_copy.unfinished = NULL;
    tcpip__zero_copy_unref(call);
}

/* ---- close ---- */

static bool zero_copy_adopt_piece(struct zero_copy_piece *piece)
{
    struct tcpip_buffer *buffer = piece->buffer;
    if (buffer->refs == 0)
        return true; /* its callback is due */
    uint8_t *copy = tcpip__memory_alloc(&piece->call->stack->memory, buffer->size, 1);
    if (copy == NULL)
        return false;
    memcpy(copy, buffer->data, buffer->size);
    buffer->data = copy;
    piece->adopted = true;
    return true;
}

bool tcpip__zero_copy_adopt(struct tcpip_endpoint *endpoint)
{
    bool all = true;
    if (likely(endpoint->errors == NULL))
        return true;
    list_for_each(call_node, &endpoint->errors->zero_copy.list)
    {
        struct zero_copy *call = list_entry(call_node, struct zero_copy, node);
        list_for_each(node, &call->pieces) all =
            zero_copy_adopt_piece(list_entry(node, struct zero_copy_piece, node)) && all;
    }
    return all;
}

void tcpip__zero_copy_forget(struct zero_copy_calls *calls)
{
    struct zero_copy *unfinished = calls->unfinished;
    for (struct tcpip_list_node *node; (node = list_pop_front(&calls->list)) != NULL;) {
        struct zero_copy *call = container_of(node, struct zero_copy, node);
        call->endpoint = NULL;
        if (call->refs == 0) /* it is done, and only had to wait for its turn to be told */
            zero_copy_free(call);
    }
    calls->count = 0;
    calls->unfinished = NULL;
    if (unfinished != NULL)
        tcpip__zero_copy_unref(unfinished);
}
