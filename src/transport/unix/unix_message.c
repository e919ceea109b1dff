// SPDX-License-Identifier: MIT
/* unix_message.c: messages, from the sender's memory to the reader's, and the references that travel with them.
 *
 * A message holds its bytes in buffers of the stack's pools, cut so that no buffer is more than half empty, and is
 * charged to its sender with all that it occupies: buffers, headers, the list of references. So a sender's buffer
 * bounds memory and not merely payload, and empty messages aren't free. What a stream's writer adds behind a message
 * that still waits goes into the room its last buffer has left, for nothing: a thousand writes of a byte are a dozen
 * messages.
 *
 * References are the caller's objects, and ending one may do anything, close an endpoint of this very stack too. So
 * whatever dies with references in it only puts their list aside; they are released one by one at the end of the turn,
 * outside protocol code, and what that closes adds to the same list instead of nesting.
 *
 * Two endpoints that are each referred to by a message in the other's queue keep each other alive; nobody looks for
 * such cycles, the death of the stack ends them. How many references may be under way has a limit.
 *
 * Owns:        struct unix_message, struct unix_references, in_flight_bytes, queue_bytes, queue_count.
 * Invariants:  in_flight_bytes is the sum of the charges of `sent`; a message's sender is alive, or NULL.
 * Not here:    who may send to whom (unix_send.c), what a read takes (unix_receive.c). */
#include "transport/unix/unix.h"

#include <stdalign.h>
#include <string.h>

enum { UNIX_RELEASES_AT_ONCE = 64 }; /* then others have their turn */

/* ---- the caller's memory ---- */

struct unix_cursor tcpip__unix_cursor(const struct tcpip_io *io, size_t count)
{
    struct unix_cursor cursor = {.io = io, .left = count};
    for (size_t i = 0; i < count; i++)
        if (!add_size(cursor.bytes, io[i].size, &cursor.bytes))
            cursor.bytes = SIZE_MAX; /* more than there is memory: some of it is never reached */
    return cursor;
}

/* The next piece of at most `most` bytes; *size 0: none is left. */
static uint8_t *unix_cursor_next(struct unix_cursor *cursor, size_t most, size_t *size)
{
    while (cursor->left > 0 && cursor->at == cursor->io->size) {
        cursor->io++;
        cursor->left--;
        cursor->at = 0;
    }
    *size = cursor->left > 0 ? min_size(most, cursor->io->size - cursor->at) : 0;
    if (*size == 0)
        return NULL;
    uint8_t *piece = cursor->io->data + cursor->at;
    cursor->at += *size;
    cursor->bytes -= *size;
    return piece;
}

static size_t unix_cursor_take(struct unix_cursor *cursor, uint8_t *out, size_t size)
{
    size_t done = 0, piece;
    for (const uint8_t *from; done < size && (from = unix_cursor_next(cursor, size - done, &piece)) != NULL;
         done += piece)
        memcpy(out + done, from, piece);
    return done;
}

static size_t unix_cursor_give(struct unix_cursor *cursor, const uint8_t *in, size_t size)
{
    size_t done = 0, piece;
    for (uint8_t *to; done < size && (to = unix_cursor_next(cursor, size - done, &piece)) != NULL; done += piece)
        memcpy(to, in + done, piece);
    return done;
}

/* ---- messages ---- */

/* The buffer for the next piece of `size` bytes: the smallest that holds all if at least half of it is used, else the
 * largest that gets filled. */
static size_t unix_buffer_bytes(size_t size)
{
    static const uint32_t classes[] = {
#define UNIX_CLASS_(bytes) bytes,
        BUFFER_CLASSES(UNIX_CLASS_)
#undef UNIX_CLASS_
    };
    size_t filled = classes[0];
    for (size_t i = 0; i < array_count(classes); i++) {
        if (classes[i] >= size)
            return classes[i] / 2 <= size ? classes[i] : filled;
        filled = classes[i];
    }
    return filled;
}

static struct unix_message *unix_message_empty(struct unix_stack *units)
{
    struct unix_message *message = tcpip__pool_zget(&units->messages);
    if (message != NULL)
        message->charge_bytes = sizeof(*message);
    return message;
}

/* Takes the reference on the view's buffer. */
static bool unix_message_add(struct unix_stack *units, struct unix_message *message, const struct tcpip_view *view)
{
    struct unix_part *part = tcpip__pool_get(&units->parts);
    if (part == NULL) {
        buffer_unref(view->buffer);
        return false;
    }
    *part = (struct unix_part){.view = *view};
    if (message->last == NULL)
        message->parts = part;
    else
        message->last->next = part;
    message->last = part;
    message->length += view->length;
    message->charge_bytes = sat_add_u32(message->charge_bytes, (uint32_t)sizeof(*part) + view->buffer->true_bytes);
    return true;
}

void tcpip__unix_message_free(struct unix_stack *units, struct unix_message *message)
{
    for (struct unix_part *part = message->parts, *next; part != NULL; part = next) {
        next = part->next;
        buffer_unref(part->view.buffer);
        tcpip__pool_put(&units->parts, part);
    }
    tcpip__unix_references_drop(units, message->references, 0);
    tcpip__unix_name_unref(units, message->from);
    tcpip__pool_put(&units->messages, message);
}

struct unix_message *tcpip__unix_message_new(struct unix_stack *units, struct unix_cursor *in, size_t size)
{
    struct unix_message *message = unix_message_empty(units);
    if (message == NULL)
        return NULL;
    while (size > 0) {
        struct tcpip_buffer *buffer = tcpip__buffer_new(&units->stack->buffers, unix_buffer_bytes(size));
        if (buffer == NULL)
            break;
        uint32_t piece = (uint32_t)unix_cursor_take(in, buffer->data, min_size(size, buffer->size));
        if (!unix_message_add(units, message, &(struct tcpip_view){buffer, 0, piece}) || piece == 0)
            break;
        size -= piece;
    }
    if (size > 0) {
        tcpip__unix_message_free(units, message);
        return NULL;
    }
    message->open = true;
    return message;
}

struct unix_message *tcpip__unix_message_wrap(struct unix_stack *units, const struct tcpip_view *view)
{
    struct unix_message *message = unix_message_empty(units);
    if (message == NULL)
        return NULL;
    tcpip_buffer_ref(view->buffer);
    if (unix_message_add(units, message, view))
        return message;
    tcpip__unix_message_free(units, message);
    return NULL;
}

size_t tcpip__unix_message_append(struct unix_message *message, struct unix_cursor *in)
{
    if (!message->open || message->last == NULL)
        return 0;
    struct tcpip_view *view = &message->last->view;
    uint32_t end = view->offset + view->length;
    uint32_t added = (uint32_t)unix_cursor_take(in, view->buffer->data + end, view->buffer->size - end);
    view->length += added;
    message->length += added;
    return added;
}

size_t tcpip__unix_message_copy_out(const struct unix_message *message, size_t skip, struct unix_cursor *out,
                                    size_t size)
{
    size_t done = 0;
    skip += message->consumed;
    for (const struct unix_part *part = message->parts; part != NULL && done < size; part = part->next) {
        if (skip >= part->view.length) {
            skip -= part->view.length;
            continue;
        }
        size_t piece = min_size(part->view.length - skip, size - done);
        done += unix_cursor_give(out, tcpip_view_data(&part->view) + skip, piece);
        skip = 0;
    }
    return done;
}

/* ---- queues and charges ---- */

void tcpip__unix_enqueue(struct unix_endpoint *from, struct unix_endpoint *to, struct unix_message *message)
{
    message->sender = from;
    list_push_back(&from->sent, &message->sent);
    from->in_flight_bytes += message->charge_bytes;
    from->base.stack->stats.local.messages_sent++;
    from->base.stack->stats.local.bytes_sent += message->length;
    list_push_back(&to->queue, &message->node);
    to->queue_count++;
    to->queue_bytes += message->length;
}

void tcpip__unix_dequeue(struct unix_endpoint *ep, struct unix_message *message)
{
    struct unix_endpoint *sender = message->sender;
    bool was_full = ep->queue_count > UNIX_QUEUE_MAX;
    list_remove(&message->node);
    ep->queue_count--;
    ep->queue_bytes -= message->length - message->consumed;
    if (sender != NULL) {
        bool had_room = unix_has_room(sender);
        list_remove(&message->sent);
        sender->in_flight_bytes -= message->charge_bytes;
        if (!had_room && unix_has_room(sender))
            endpoint_notify(&sender->base, TCPIP_EVENT_OUT);
    }
    tcpip__unix_message_free(unix_stack_of(ep), message);
    if (was_full && ep->queue_count <= UNIX_QUEUE_MAX)
        tcpip__unix_wake(ep);
}

void tcpip__unix_purge(struct unix_endpoint *ep)
{
    for (struct tcpip_list_node *node; (node = list_first(&ep->queue)) != NULL;)
        tcpip__unix_dequeue(ep, list_entry(node, struct unix_message, node));
}

void tcpip__unix_disown_sent(struct unix_endpoint *ep)
{
    for (struct tcpip_list_node *node; (node = list_pop_front(&ep->sent)) != NULL;) {
        struct unix_message *message = list_entry(node, struct unix_message, sent);
        message->sender = NULL;
        message->from = tcpip__unix_name_ref(ep->name);
    }
    ep->in_flight_bytes = 0;
}

/* ---- references ---- */

static size_t unix_references_bytes(uint32_t count)
{
    return sizeof(struct unix_references) + count * sizeof(struct tcpip_unix_reference);
}

static enum tcpip_error unix_refuse_references(struct unix_stack *units, uint32_t count)
{
    units->stack->stats.local.references_refused += count;
    return TCPIP_ERR_LIMIT_REACHED;
}

enum tcpip_error tcpip__unix_references_new(struct unix_stack *units, const struct tcpip_unix_reference *items,
                                            size_t count, struct unix_references **out)
{
    *out = NULL;
    if (count == 0)
        return TCPIP_OK;
    if (count > TCPIP_UNIX_REFERENCES_MAX)
        return TCPIP_ERR_INVALID_ARGUMENT;
    uint32_t n = (uint32_t)count;
    if (n > sat_sub_u32(units->stack->limits.endpoints, units->references_in_flight))
        return unix_refuse_references(units, n);
    struct unix_references *references =
        tcpip__memory_alloc(&units->stack->memory, unix_references_bytes(n), alignof(struct unix_references));
    if (references == NULL)
        return TCPIP_ERR_NO_MEMORY;
    list_node_init(&references->node);
    references->next = 0;
    references->count = n;
    memcpy(references->items, items, n * sizeof(items[0]));
    units->references_in_flight += n;
    *out = references;
    return TCPIP_OK;
}

static void unix_references_free(struct unix_stack *units, struct unix_references *references)
{
    tcpip__memory_free(&units->stack->memory, references, unix_references_bytes(references->count));
}

void tcpip__unix_references_forget(struct unix_stack *units, struct unix_references *references)
{
    if (references == NULL)
        return;
    units->references_in_flight -= references->count;
    unix_references_free(units, references);
}

void tcpip__unix_references_drop(struct unix_stack *units, struct unix_references *references, uint32_t kept)
{
    if (references == NULL)
        return;
    if (kept >= references->count) {
        tcpip__unix_references_forget(units, references);
        return;
    }
    units->references_in_flight -= references->count;
    units->stack->stats.local.references_released += references->count - kept;
    references->next = kept;
    list_push_back(&units->dropped, &references->node);
    tcpip__stack_defer(units->stack, &units->release);
}

static bool unix_release_one(struct unix_stack *units)
{
    struct tcpip_list_node *node = list_first(&units->dropped);
    if (node == NULL)
        return false;
    struct unix_references *references = list_entry(node, struct unix_references, node);
    struct tcpip_unix_reference item = references->items[references->next++];
    if (references->next == references->count) {
        list_remove(node);
        unix_references_free(units, references);
    }
    item.ops->release(item.object); /* may enter the stack, and add to the list */
    return true;
}

static void unix_release_some(struct deferred *deferred)
{
    struct unix_stack *units = container_of(deferred, struct unix_stack, release);
    for (uint32_t i = 0; i < UNIX_RELEASES_AT_ONCE; i++)
        if (!unix_release_one(units))
            return;
    if (!list_empty(&units->dropped))
        tcpip__stack_defer(units->stack, deferred);
}

void tcpip__unix_references_init(struct unix_stack *units)
{
    list_init(&units->dropped);
    units->release.fn = unix_release_some;
}

void tcpip__unix_references_fini(struct unix_stack *units)
{
    list_remove_if_linked(&units->release.node);
    stack_callback_begin(units->stack); /* there is nothing left that could be entered */
    while (unix_release_one(units)) {
    }
    stack_callback_end(units->stack);
    ASSERT_ENV(&units->stack->env, units->references_in_flight == 0);
}
