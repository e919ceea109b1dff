// SPDX-License-Identifier: MIT
/* unix_send.c: who may send what to whom, in the order in which Linux asks.
 *
 * A sender may have more in flight (queued unread at its receivers) than its send buffer by one message, as on Linux:
 * it is asked before a message is made whether the buffer is full, not whether the message fits. A stream is cut into
 * messages of at most half the buffer, so that writer and reader overlap.
 *
 * Owns:        nothing.
 * Invariants:  on error nothing of the arguments is kept, references included.
 * Not here:    messages and charges (unix_message.c). */
#include "transport/unix/unix.h"

#include <string.h>

enum {
    UNIX_MESSAGE_ROOM = 32,        /* a datagram is smaller than the send buffer by at least so much, as on Linux */
    UNIX_STREAM_CHUNK = 64 * 1024, /* of a stream's message, at most */
    UNIX_STREAM_CHUNK_MIN = 1024,
};

/* ---- questions ---- */

/* Whether another message may be put in flight. */
static enum tcpip_error unix_ask_own_side(struct unix_endpoint *ep)
{
    enum tcpip_error error = tcpip__unix_take_error(ep);
    if (error != TCPIP_OK)
        return error;
    if (ep->shut_write)
        return TCPIP_ERR_CLOSED_FOR_SEND;
    if (ep->in_flight_bytes < ep->send_buffer_bytes)
        return TCPIP_OK;
    ep->base.stack->stats.local.send_buffer_full++;
    return TCPIP_ERR_WOULD_BLOCK;
}

static enum tcpip_error unix_ask_stream(struct unix_endpoint *ep, bool named)
{
    if (named)
        return ep->state == UNIX_CONNECTED ? TCPIP_ERR_ALREADY_CONNECTED : TCPIP_ERR_NOT_SUPPORTED;
    if (ep->state != UNIX_CONNECTED)
        return TCPIP_ERR_NOT_CONNECTED;
    return ep->shut_write ? TCPIP_ERR_CLOSED_FOR_SEND : TCPIP_OK;
}

/* Where a datagram goes. */
static enum tcpip_error unix_find_receiver(struct unix_endpoint *ep, const struct tcpip_unix_address *name,
                                           struct unix_endpoint **out)
{
    if (name != NULL)
        return tcpip__unix_find(unix_stack_of(ep), name, (enum tcpip_unix_type)ep->type, out);
    if (ep->state != UNIX_CONNECTED)
        return TCPIP_ERR_NOT_CONNECTED;
    if (ep->peer == NULL) {
        tcpip__unix_forget_peer(ep);
        return TCPIP_ERR_CONNECTION_REFUSED;
    }
    *out = ep->peer;
    return TCPIP_OK;
}

/* Datagrams and sequenced packets of `size` bytes; the latter ignore a name, as on Linux. */
static enum tcpip_error unix_ask_packet(struct unix_endpoint *ep, const struct tcpip_unix_address *name, size_t size,
                                        struct unix_endpoint **to)
{
    enum tcpip_error error = TCPIP_OK;
    if (ep->type == TCPIP_UNIX_SEQPACKET) {
        name = NULL;
        error = tcpip__unix_take_error(ep);
        if (error == TCPIP_OK && ep->state != UNIX_CONNECTED)
            error = TCPIP_ERR_NOT_CONNECTED;
    } else if (name != NULL && (name->size == 0 || name->size > TCPIP_UNIX_NAME_MAX)) {
        error = TCPIP_ERR_INVALID_ARGUMENT;
    }
    if (error == TCPIP_OK)
        error = tcpip__unix_autobind_passcred(ep);
    if (error == TCPIP_OK && size > ep->send_buffer_bytes - UNIX_MESSAGE_ROOM)
        error = TCPIP_ERR_MESSAGE_TOO_LONG;
    if (error == TCPIP_OK)
        error = unix_ask_own_side(ep);
    if (error == TCPIP_OK)
        error = unix_find_receiver(ep, name, to);
    if (error != TCPIP_OK)
        return error;
    if ((*to)->state == UNIX_CONNECTED && (*to)->peer != ep)
        return TCPIP_ERR_NOT_PERMITTED; /* it listens to its own peer only */
    if ((*to)->shut_read)
        return TCPIP_ERR_CLOSED_FOR_SEND;
    if (unix_receiver_full(*to, ep)) {
        tcpip__unix_block(ep, *to);
        ep->base.stack->stats.local.receiver_full++;
        return TCPIP_ERR_WOULD_BLOCK;
    }
    return TCPIP_OK;
}

/* ---- sending ---- */

/* Credentials cost a boundary in a stream: they are put on only where somebody asked for them. A connection that wasn't
 * accepted yet may still be asked. */
static void unix_stamp(const struct unix_endpoint *ep, const struct unix_endpoint *to,
                       const struct tcpip_unix_credentials *said, struct unix_message *message)
{
    message->has_credentials = said != NULL || ep->passcred || to->passcred || to->listener != NULL;
    if (message->has_credentials)
        message->credentials = said != NULL ? *said : ep->credentials;
}

static void unix_put(struct unix_endpoint *ep, struct unix_endpoint *to, const struct tcpip_unix_send *beside,
                     struct unix_references **references, struct unix_message *message)
{
    unix_stamp(ep, to, beside->credentials, message);
    if (*references != NULL) {
        message->references = *references;
        ep->base.stack->stats.local.references_sent += (*references)->count;
        message->charge_bytes += (uint32_t)((*references)->count * sizeof((*references)->items[0]));
        *references = NULL;
    }
    tcpip__unix_enqueue(ep, to, message);
    endpoint_notify(&to->base, TCPIP_EVENT_IN);
}

/* Adds to what the receiver hasn't read yet, if that would be read in one go anyway. */
static size_t unix_stream_append(struct unix_endpoint *ep, struct unix_endpoint *to,
                                 const struct tcpip_unix_send *beside, struct unix_cursor *in)
{
    struct tcpip_list_node *node = list_last(&to->queue);
    struct unix_message stamp;
    if (node == NULL)
        return 0;
    struct unix_message *message = list_entry(node, struct unix_message, node);
    unix_stamp(ep, to, beside->credentials, &stamp);
    if (message->sender != ep || message->references != NULL || message->has_credentials != stamp.has_credentials ||
        (stamp.has_credentials && memcmp(&message->credentials, &stamp.credentials, sizeof(stamp.credentials)) != 0))
        return 0;
    size_t added = tcpip__unix_message_append(message, in);
    to->queue_bytes += added;
    ep->base.stack->stats.local.bytes_sent += added;
    if (added > 0)
        endpoint_notify(&to->base, TCPIP_EVENT_IN);
    return added;
}

static enum tcpip_error unix_stream_step(struct unix_endpoint *ep, const struct tcpip_unix_send *beside,
                                         struct unix_references **references, struct unix_cursor *in, size_t *done)
{
    size_t chunk = clamp_u32(ep->send_buffer_bytes / 2, UNIX_STREAM_CHUNK_MIN, UNIX_STREAM_CHUNK);
    enum tcpip_error error = unix_ask_own_side(ep);
    if (error != TCPIP_OK)
        return error;
    struct unix_endpoint *to = ep->peer;
    if (to->shut_read)
        return TCPIP_ERR_CLOSED_FOR_SEND;
    size_t added = *references == NULL ? unix_stream_append(ep, to, beside, in) : 0;
    if (added == 0) {
        added = min_size(chunk, in->bytes);
        struct unix_message *message = tcpip__unix_message_new(unix_stack_of(ep), in, added);
        if (message == NULL)
            return TCPIP_ERR_NO_BUFFER_SPACE;
        unix_put(ep, to, beside, references, message);
    }
    *done += added;
    return TCPIP_OK;
}

static enum tcpip_error unix_send_stream(struct unix_endpoint *ep, struct unix_cursor *in,
                                         const struct tcpip_unix_send *beside, size_t *done)
{
    struct unix_stack *units = unix_stack_of(ep);
    struct unix_references *references;
    enum tcpip_error error = unix_ask_stream(ep, beside->to != NULL);
    if (error == TCPIP_OK)
        error = tcpip__unix_references_new(units, beside->references, beside->reference_count, &references);
    if (error != TCPIP_OK)
        return error;
    while (error == TCPIP_OK && in->bytes > 0)
        error = unix_stream_step(ep, beside, &references, in, done);
    if (error != TCPIP_OK && *done == 0) {
        tcpip__unix_references_forget(units, references);
        return error;
    }
    tcpip__unix_references_drop(units, references, 0); /* there was no byte that they could have gone with */
    return TCPIP_OK;
}

static enum tcpip_error unix_send_packet(struct unix_endpoint *ep, struct unix_cursor *in,
                                         const struct tcpip_unix_send *beside, size_t *done)
{
    struct unix_stack *units = unix_stack_of(ep);
    struct unix_references *references;
    struct unix_endpoint *to;
    size_t size = in->bytes;
    enum tcpip_error error = unix_ask_packet(ep, beside->to, size, &to);
    if (error == TCPIP_OK)
        error = tcpip__unix_references_new(units, beside->references, beside->reference_count, &references);
    if (error != TCPIP_OK)
        return error;
    struct unix_message *message = tcpip__unix_message_new(units, in, size);
    if (message == NULL) {
        tcpip__unix_references_forget(units, references);
        return TCPIP_ERR_NO_BUFFER_SPACE;
    }
    unix_put(ep, to, beside, &references, message);
    *done = size;
    return TCPIP_OK;
}

static enum tcpip_error unix_send_any(struct unix_endpoint *ep, const struct tcpip_io *io, size_t io_count,
                                      const struct tcpip_unix_send *beside, size_t *done)
{
    struct unix_cursor in = tcpip__unix_cursor(io, io_count);
    return ep->type == TCPIP_UNIX_STREAM ? unix_send_stream(ep, &in, beside, done)
                                         : unix_send_packet(ep, &in, beside, done);
}

/* ---- the calls ---- */

enum tcpip_error tcpip_unix_sendmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                    const struct tcpip_unix_send *beside, size_t *done)
{
    struct tcpip_unix_send known = {.size = sizeof(known)};
    *done = 0;
    if (!unix_is(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    if (beside != NULL)
        memcpy(&known, beside, min_size(beside->size, sizeof(known)));
    tcpip_stack_enter(endpoint->stack);
    enum tcpip_error error = unix_send_any(unix_of(endpoint), io, io_count, &known, done);
    tcpip_stack_leave(endpoint->stack);
    return error;
}

/* A destination in IP's terms says that there is one, and nobody can be it. */
enum tcpip_error tcpip__unix_op_sendmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                        uint32_t flags, const struct tcpip_full_address *to,
                                        const struct tcpip_control *control, size_t *done)
{
    struct tcpip_unix_address nobody = {.size = 0};
    struct tcpip_unix_send beside = {.to = to != NULL ? &nobody : NULL};
    (void)flags;
    (void)control;
    return unix_send_any(unix_of(endpoint), io, io_count, &beside, done);
}

enum tcpip_error tcpip__unix_op_write_view(struct tcpip_endpoint *endpoint, const struct tcpip_view *view,
                                           uint32_t flags, const struct tcpip_full_address *to)
{
    struct unix_endpoint *ep = unix_of(endpoint), *receiver = ep->peer;
    struct unix_stack *units = unix_stack_of(ep);
    struct tcpip_unix_address nobody = {.size = 0};
    struct tcpip_unix_send beside = {.size = 0};
    struct unix_references *none = NULL;
    enum tcpip_error error;
    (void)flags;
    if (ep->type == TCPIP_UNIX_STREAM) {
        error = unix_ask_stream(ep, to != NULL);
        if (error == TCPIP_OK && view->length == 0)
            return TCPIP_OK;
        if (error == TCPIP_OK && view->length > ep->send_buffer_bytes - UNIX_MESSAGE_ROOM)
            error = TCPIP_ERR_MESSAGE_TOO_LONG;
        if (error == TCPIP_OK)
            error = unix_ask_own_side(ep);
        if (error == TCPIP_OK && receiver->shut_read)
            error = TCPIP_ERR_CLOSED_FOR_SEND;
    } else {
        error = unix_ask_packet(ep, to != NULL ? &nobody : NULL, view->length, &receiver);
    }
    if (error != TCPIP_OK)
        return error;
    struct tcpip_io io = {tcpip_view_data(view), view->length};
    struct unix_cursor in = tcpip__unix_cursor(&io, 1);
    /* A link wants its memory back soon, and a reader may come late. */
    struct unix_message *message =
        view->buffer->lent ? tcpip__unix_message_new(units, &in, view->length) : tcpip__unix_message_wrap(units, view);
    if (message == NULL)
        return TCPIP_ERR_NO_BUFFER_SPACE;
    unix_put(ep, receiver, &beside, &none, message);
    return TCPIP_OK;
}
