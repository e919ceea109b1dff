// SPDX-License-Identifier: MIT
/* unix_receive.c: reading: what one call takes of the queue, and what it learns beside the data.
 *
 * A stream's read joins messages as Linux does. It doesn't go past the message that brought references, so that a
 * reader knows which bytes they came with; and with PASSCRED not into a message of another sender. References go to
 * who reads the first byte of their message.
 *
 * Owns:        nothing.
 * Invariants:  a call that fails has consumed nothing but a pending error.
 * Not here:    the queue itself (unix_message.c). */
#include "transport/unix/unix.h"

#include <string.h>

/* ---- what comes beside the data ---- */

static void unix_receive_clear(struct tcpip_unix_receive *beside)
{
    beside->reference_count = beside->references_lost = beside->message_bytes = 0;
    beside->from.size = 0;
    beside->has_credentials = false;
}

static void unix_tell_sender(const struct unix_endpoint *ep, const struct unix_message *message,
                             struct tcpip_unix_receive *beside)
{
    const struct unix_name *name = message->sender != NULL ? message->sender->name : message->from;
    beside->from = name != NULL ? name->address : (struct tcpip_unix_address){.size = 0};
    if (!ep->passcred)
        return;
    beside->has_credentials = true;
    beside->credentials = message->has_credentials
                              ? message->credentials
                              : (struct tcpip_unix_credentials){0, TCPIP_UNIX_UID_UNKNOWN, TCPIP_UNIX_UID_UNKNOWN};
}

static bool unix_same_sender(const struct unix_message *a, const struct unix_message *b)
{
    return a->has_credentials == b->has_credentials &&
           (!a->has_credentials || memcmp(&a->credentials, &b->credentials, sizeof(a->credentials)) == 0);
}

/* As many clones as there is room for. */
static enum tcpip_error unix_clone_references(struct unix_endpoint *ep, const struct unix_references *references,
                                              struct tcpip_unix_receive *beside)
{
    struct tcpip_stack *stack = ep->base.stack;
    size_t n = min_size(references->count, beside->reference_room), done = 0;
    stack_callback_begin(stack);
    for (; done < n; done++) {
        beside->references[done] = references->items[done];
        beside->references[done].object = references->items[done].ops->clone(references->items[done].object);
        if (beside->references[done].object == NULL)
            break;
    }
    stack_callback_end(stack);
    if (done == n) {
        beside->reference_count = n;
        beside->references_lost = references->count - n;
        return TCPIP_OK;
    }
    /* The message still has its own: these are extra, and end like any other. */
    struct unix_references *extra;
    if (tcpip__unix_references_new(unix_stack_of(ep), beside->references, done, &extra) == TCPIP_OK) {
        tcpip__unix_references_drop(unix_stack_of(ep), extra, 0);
    } else {
        stack_callback_begin(stack);
        for (size_t i = 0; i < done; i++)
            beside->references[i].ops->release(beside->references[i].object);
        stack_callback_end(stack);
    }
    return TCPIP_ERR_NO_MEMORY;
}

static void unix_take_references(struct unix_endpoint *ep, struct unix_message *message,
                                 struct tcpip_unix_receive *beside)
{
    struct unix_references *references = message->references;
    size_t n = min_size(references->count, beside->reference_room);
    if (n > 0)
        memcpy(beside->references, references->items, n * sizeof(references->items[0]));
    beside->reference_count = n;
    beside->references_lost = references->count - n;
    message->references = NULL;
    tcpip__unix_references_drop(unix_stack_of(ep), references, (uint32_t)n);
}

/* ---- reading ---- */

static enum tcpip_error unix_nothing(struct unix_endpoint *ep)
{
    enum tcpip_error error = tcpip__unix_take_error(ep);
    if (error != TCPIP_OK)
        return error;
    return ep->shut_read ? TCPIP_ERR_CLOSED_FOR_RECEIVE : TCPIP_ERR_WOULD_BLOCK;
}

/* The first message, or why there is none. */
static enum tcpip_error unix_first(struct unix_endpoint *ep, struct unix_message **out)
{
    struct tcpip_list_node *node = list_first(&ep->queue);
    *out = node != NULL ? list_entry(node, struct unix_message, node) : NULL;
    if (ep->type == TCPIP_UNIX_STREAM && ep->state != UNIX_CONNECTED)
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    if (ep->type == TCPIP_UNIX_SEQPACKET && ep->state != UNIX_CONNECTED)
        return TCPIP_ERR_NOT_CONNECTED;
    if (node == NULL)
        return unix_nothing(ep);
    /* A stream's data come before the news of its end. */
    return ep->type != TCPIP_UNIX_STREAM ? tcpip__unix_take_error(ep) : TCPIP_OK;
}

static struct unix_message *unix_after(struct unix_endpoint *ep, struct unix_message *message)
{
    struct tcpip_list_node *node = list_next(&ep->queue, &message->node);
    return node != NULL ? list_entry(node, struct unix_message, node) : NULL;
}

/* The message where a peek at *offset begins; *offset is then within it. NULL: nothing is there yet. */
static struct unix_message *unix_skip(struct unix_endpoint *ep, struct unix_message *message, size_t *offset)
{
    while (message != NULL && *offset > 0 && *offset >= message->length - message->consumed) {
        *offset -= message->length - message->consumed;
        message = unix_after(ep, message);
    }
    return message;
}

static enum tcpip_error unix_peek_stream(struct unix_endpoint *ep, struct unix_message *message,
                                         struct unix_cursor *out, struct tcpip_unix_receive *beside, size_t *done)
{
    size_t skip = beside->peek_offset;
    const struct unix_message *first = message = unix_skip(ep, message, &skip);
    if (message == NULL)
        return unix_nothing(ep);
    unix_tell_sender(ep, message, beside);
    do {
        *done += tcpip__unix_message_copy_out(message, skip, out, out->bytes);
        skip = 0;
        if (message->references != NULL)
            return unix_clone_references(ep, message->references, beside);
        message = unix_after(ep, message);
    } while (message != NULL && out->bytes > 0 && (!ep->passcred || unix_same_sender(first, message)));
    return TCPIP_OK;
}

static void unix_read_stream(struct unix_endpoint *ep, struct unix_message *message, struct unix_cursor *out,
                             struct tcpip_unix_receive *beside, size_t *done)
{
    struct unix_message first = *message; /* as a stamp: it may be gone when the next is looked at */
    unix_tell_sender(ep, message, beside);
    do {
        bool boundary = message->references != NULL;
        size_t piece = tcpip__unix_message_copy_out(message, 0, out, out->bytes);
        message->consumed += (uint32_t)piece;
        ep->queue_bytes -= piece;
        *done += piece;
        if (boundary)
            unix_take_references(ep, message, beside);
        if (message->consumed < message->length)
            return;
        struct unix_message *next = unix_after(ep, message);
        tcpip__unix_dequeue(ep, message);
        if (boundary)
            return;
        message = next;
    } while (message != NULL && out->bytes > 0 && (!ep->passcred || unix_same_sender(&first, message)));
}

static enum tcpip_error unix_read_packet(struct unix_endpoint *ep, struct unix_message *message,
                                         struct unix_cursor *out, struct tcpip_unix_receive *beside, size_t *done)
{
    size_t skip = 0;
    if (beside->peek) {
        skip = beside->peek_offset;
        message = unix_skip(ep, message, &skip);
        if (message == NULL)
            return unix_nothing(ep);
        if (message->references != NULL) {
            enum tcpip_error error = unix_clone_references(ep, message->references, beside);
            if (error != TCPIP_OK)
                return error;
        }
    }
    unix_tell_sender(ep, message, beside);
    beside->message_bytes = message->length - skip;
    *done = tcpip__unix_message_copy_out(message, skip, out, out->bytes);
    if (beside->peek)
        return TCPIP_OK;
    if (message->references != NULL)
        unix_take_references(ep, message, beside);
    tcpip__unix_dequeue(ep, message);
    return TCPIP_OK;
}

static enum tcpip_error unix_receive_any(struct unix_endpoint *ep, const struct tcpip_io *io, size_t io_count,
                                         struct tcpip_unix_receive *beside, size_t *done)
{
    struct unix_cursor out = tcpip__unix_cursor(io, io_count);
    struct unix_message *message;
    unix_receive_clear(beside);
    enum tcpip_error error = unix_first(ep, &message);
    if (error != TCPIP_OK)
        return error;
    if (ep->type != TCPIP_UNIX_STREAM)
        return unix_read_packet(ep, message, &out, beside, done);
    if (beside->peek)
        error = unix_peek_stream(ep, message, &out, beside, done);
    else
        unix_read_stream(ep, message, &out, beside, done);
    beside->message_bytes = *done;
    return error;
}

/* ---- the calls ---- */

enum tcpip_error tcpip_unix_recvmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                    struct tcpip_unix_receive *beside, size_t *done)
{
    struct tcpip_unix_receive known = {.size = sizeof(known)};
    size_t size = beside != NULL ? min_size(beside->size, sizeof(known)) : 0;
    *done = 0;
    if (!unix_is(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    if (beside != NULL)
        memcpy(&known, beside, size);
    tcpip_stack_enter(endpoint->stack);
    enum tcpip_error error = unix_receive_any(unix_of(endpoint), io, io_count, &known, done);
    if (error != TCPIP_OK)
        *done = 0;
    if (beside != NULL)
        memcpy(beside, &known, size);
    tcpip_stack_leave(endpoint->stack);
    return error;
}

enum tcpip_error tcpip__unix_op_recvmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                        size_t *done, struct tcpip_full_address *from, struct tcpip_control *control)
{
    struct tcpip_unix_receive beside = {.size = sizeof(beside)};
    enum tcpip_error error = unix_receive_any(unix_of(endpoint), io, io_count, &beside, done);
    if (from != NULL)
        *from = (struct tcpip_full_address){0};
    if (error == TCPIP_OK && control != NULL && beside.message_bytes > *done)
        control->present |= TCPIP_CONTROL_TRUNCATED;
    return error;
}

/* Lends what is unread of a message, as far as there is room; returns the bytes. */
static size_t unix_lend(const struct unix_message *message, struct tcpip_view *views, size_t room, size_t max_bytes,
                        size_t *count)
{
    size_t skip = message->consumed, done = 0;
    for (struct unix_part *part = message->parts; part != NULL && done < max_bytes && *count < room;
         part = part->next) {
        if (skip >= part->view.length) {
            skip -= part->view.length;
            continue;
        }
        struct tcpip_view view = part->view;
        tcpip_view_trim_front(&view, (uint32_t)skip);
        tcpip_view_cap_length(&view, sat_u32(max_bytes - done));
        tcpip_buffer_ref(view.buffer);
        views[(*count)++] = view;
        done += view.length;
        skip = 0;
    }
    return done;
}

/* Who lends views takes no references: they are released, as by any read without room for them. */
enum tcpip_error tcpip__unix_op_read_views(struct tcpip_endpoint *endpoint, struct tcpip_view *views, size_t *count,
                                           size_t max_bytes, size_t *done, struct tcpip_full_address *from)
{
    struct unix_endpoint *ep = unix_of(endpoint);
    struct unix_message *message;
    size_t room = *count;
    *count = 0;
    if (from != NULL)
        *from = (struct tcpip_full_address){0};
    enum tcpip_error error = unix_first(ep, &message);
    if (error != TCPIP_OK)
        return error;
    bool stream = ep->type == TCPIP_UNIX_STREAM;
    struct unix_message first = *message;
    do {
        bool boundary = message->references != NULL || !stream;
        size_t piece = unix_lend(message, views, room, max_bytes - *done, count);
        message->consumed += (uint32_t)piece;
        ep->queue_bytes -= piece;
        *done += piece;
        tcpip__unix_references_drop(unix_stack_of(ep), message->references, 0);
        message->references = NULL;
        if (stream && message->consumed < message->length)
            break;
        struct unix_message *next = unix_after(ep, message);
        tcpip__unix_dequeue(ep, message);
        if (boundary)
            break;
        message = next;
    } while (message != NULL && *count < room && *done < max_bytes &&
             (!ep->passcred || unix_same_sender(&first, message)));
    return TCPIP_OK;
}

enum tcpip_error tcpip__unix_op_peek(struct tcpip_endpoint *endpoint, bool (*writer)(void *, const void *, size_t),
                                     void *ctx, size_t *done)
{
    struct unix_endpoint *ep = unix_of(endpoint);
    struct unix_message *message;
    enum tcpip_error error = unix_first(ep, &message);
    if (error != TCPIP_OK)
        return error;
    for (; message != NULL; message = ep->type == TCPIP_UNIX_STREAM ? unix_after(ep, message) : NULL) {
        size_t skip = message->consumed;
        for (struct unix_part *part = message->parts; part != NULL; part = part->next) {
            if (skip >= part->view.length) {
                skip -= part->view.length;
                continue;
            }
            size_t piece = part->view.length - skip;
            *done += piece;
            if (!writer(ctx, tcpip_view_data(&part->view) + skip, piece))
                return TCPIP_OK;
            skip = 0;
        }
    }
    return TCPIP_OK;
}
