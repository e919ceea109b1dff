// SPDX-License-Identifier: MIT
/* inet_receive.c: receiving from TCP and datagram endpoints, waiting included.
 *
 * A stream's call is content with its target: one byte, or SO_RCVLOWAT, or with MSG_WAITALL all that was asked for. It
 * ends with less at the end of the stream, an error, a signal, or when the time is over; and if it has moved anything
 * then, that is the answer, and the error is left for the next call.
 *
 * Owns:     nothing.
 * Not here: the calls (message.c). */
#include "base/math.h"
#include "socket/socket.h"

#include <errno.h>
#include <string.h>
#include <tcpip/buffer.h>

enum {
    RECEIVE_VIEWS = 16,
    TCP_CM_INQ_TYPE = 36, /* TCP_CM_INQ, which is TCP_INQ */
};

struct inet_receiving {
    struct socket *so;
    struct message *message;
    struct io_vector *vector;
    size_t target, done;
    bool ended;
    size_t skip;                  /* peeking: bytes still to be passed over (SO_PEEK_OFF, urgent data) */
    size_t limit;                 /* bytes until an urgent mark */
    struct tcpip_control control; /* of a stream: when the last bytes came */
};

/* ---- streams ---- */

static size_t stream_queued(const struct socket *so)
{
    int64_t bytes = 0;
    if (tcpip_endpoint_get_option(so->endpoint, TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &bytes) != TCPIP_OK)
        return 0;
    return (size_t)bytes;
}

static bool stream_ended(const struct socket *so)
{
    uint32_t ends = TCPIP_EVENT_RDHUP | TCPIP_EVENT_HUP;
    return (tcpip_endpoint_readiness(so->endpoint, TCPIP_EVENT_RDHUP) & ends) != 0;
}

/* MSG_TRUNC: the bytes are taken, and thrown away. */
static enum tcpip_error stream_discard(struct inet_receiving *receiving, size_t *done)
{
    struct tcpip_view views[RECEIVE_VIEWS];
    size_t count = RECEIVE_VIEWS;
    size_t most = min_size(receiving->message->bytes - receiving->done, receiving->limit);
    enum tcpip_error error = tcpip_endpoint_read_views(receiving->so->endpoint, views, &count, most, done, NULL);
    for (size_t i = 0; error == TCPIP_OK && i < count; i++)
        tcpip_buffer_unref(views[i].buffer);
    return error;
}

static bool stream_peek_piece(void *ctx, const void *data, size_t size)
{
    struct inet_receiving *receiving = ctx;
    struct io_vector *vector = receiving->vector;
    const uint8_t *from = data;
    size_t passed = min_size(size, receiving->skip);
    receiving->skip -= passed;
    from += passed;
    size -= passed;
    while (size > 0 && vector->bytes > 0 && receiving->limit > 0) {
        struct tcpip_io *io = &vector->io[vector->first];
        size_t part = min_size(min_size(size, io->size), receiving->limit);
        if ((receiving->message->flags & MSG_TRUNC) == 0)
            memcpy(io->data, from, part);
        tcpip__io_vector_advance(vector, part);
        receiving->done += part;
        receiving->limit -= part;
        from += part;
        size -= part;
    }
    return vector->bytes > 0 && receiving->limit > 0;
}

/* SO_PEEK_OFF: where the next peek starts; negative: at the front, always. */
static int32_t stream_peek_offset(const struct socket *so)
{
    return tcpip__socket_kept(&so->options, KEPT_PEEK_OFF);
}

/* What was peeked at is behind it; what was read moves everything forward. */
static void stream_move_peek_offset(const struct inet_receiving *receiving)
{
    struct socket *so = receiving->so;
    int64_t offset = stream_peek_offset(so), done = (int64_t)receiving->done;
    if (offset < 0)
        return;
    offset += (receiving->message->flags & MSG_PEEK) != 0 ? done : -done;
    /* The option was set: there is room to keep it. */
    (void)tcpip__socket_keep(so->file.sockets, &so->options, KEPT_PEEK_OFF, (int32_t)clamp_i64(offset, 0, INT32_MAX));
}

/* Each attempt looks from the front. */
static int stream_peek(struct inet_receiving *receiving)
{
    size_t done = 0;
    tcpip__io_vector_init(receiving->vector, receiving->message);
    receiving->done = 0;
    receiving->skip = 0;
    receiving->limit = tcpip__inet_before_mark(receiving->so, false, &receiving->skip);
    receiving->skip += (size_t)max_i64(stream_peek_offset(receiving->so), 0);
    bool marked = receiving->limit != SIZE_MAX;
    enum tcpip_error error = tcpip_endpoint_peek(receiving->so->endpoint, stream_peek_piece, receiving, &done);
    if (error != TCPIP_OK)
        return tcpip__socket_errno(SOCKET_CALL_RECEIVE, error);
    bool content = receiving->done >= receiving->target || (marked && receiving->limit == 0 && receiving->done > 0);
    return content || stream_ended(receiving->so) ? 0 : EAGAIN;
}

/* recvmsg as far as the mark. */
static enum tcpip_error stream_take(struct inet_receiving *receiving, size_t *done)
{
    struct io_vector *vector = receiving->vector;
    struct tcpip_io *io = vector->io + vector->first;
    struct tcpip_control control;
    size_t size = io->size;
    bool marked = receiving->limit != SIZE_MAX;
    if (marked)
        io->size = min_size(size, receiving->limit);
    enum tcpip_error error = tcpip_endpoint_recvmsg(receiving->so->endpoint, io,
                                                    marked ? 1 : vector->count - vector->first, done, NULL, &control);
    io->size = size;
    if (control.present != 0)
        receiving->control = control;
    tcpip__io_vector_advance(vector, *done);
    return error;
}

static int stream_attempt(void *ctx)
{
    struct inet_receiving *receiving = ctx;
    struct io_vector *vector = receiving->vector;
    if ((receiving->message->flags & MSG_PEEK) != 0)
        return stream_peek(receiving);
    do {
        enum tcpip_error error;
        size_t done = 0;
        receiving->limit = tcpip__inet_before_mark(receiving->so, receiving->done > 0, NULL);
        if (receiving->limit == 0)
            return 0;
        if (receiving->done > 0 && stream_queued(receiving->so) == 0)
            return receiving->done >= receiving->target || stream_ended(receiving->so) ? 0 : EAGAIN;
        if ((receiving->message->flags & MSG_TRUNC) != 0) {
            error = stream_discard(receiving, &done);
        } else {
            error = stream_take(receiving, &done);
        }
        if (error != TCPIP_OK)
            return tcpip__socket_errno(SOCKET_CALL_RECEIVE, error);
        receiving->done += done;
    } while (receiving->done < receiving->target ||
             (receiving->limit != SIZE_MAX && vector->bytes > 0 && stream_queued(receiving->so) > 0));
    return 0;
}

static size_t stream_target(const struct socket *so, const struct message *message)
{
    int64_t low_water = 1;
    if ((message->flags & MSG_WAITALL) != 0)
        return message->bytes > 0 ? message->bytes : 1;
    if (tcpip_endpoint_get_option(so->endpoint, TCPIP_OPTION_RECEIVE_LOW_WATER, &low_water) != TCPIP_OK)
        low_water = 1;
    return max_size(min_size((size_t)max_i64(low_water, 1), message->bytes), 1);
}

/* Control messages: when the last of the bytes came; and TCP_INQ: how much more there is to read, at the end of the
 * stream 1, for the end. */
static void stream_tell(const struct inet_receiving *receiving)
{
    const struct socket *so = receiving->so;
    struct message *message = receiving->message;
    size_t used = 0, queued = stream_queued(so);
    if ((receiving->control.present & TCPIP_CONTROL_TIMESTAMP) != 0)
        tcpip__control_arrival(so, receiving->control.received_at, message, &used);
    if (tcpip__socket_kept(&so->options, KEPT_TCP_INQ) != 0) {
        int told = (int)min_size(queued, INT_MAX);
        if (queued == 0 && stream_ended(so))
            told = 1;
        tcpip__control_put(message, &used, IPPROTO_TCP, TCP_CM_INQ_TYPE, &told, sizeof(told));
    }
    message->control_length = used;
}

static int stream_receive(struct inet_receiving *receiving, tcpip_ns timeout_ns)
{
    receiving->target = stream_target(receiving->so, receiving->message);
    if (receiving->message->bytes == 0)
        receiving->target = 0; /* waits for the first byte all the same, and takes none */
    int number =
        tcpip__socket_block(receiving->so, TCPIP_EVENT_IN | TCPIP_EVENT_RDHUP, timeout_ns, stream_attempt, receiving);
    receiving->message->name_length = 0;
    if (receiving->done > 0)
        number = 0;
    if (number == 0) {
        stream_move_peek_offset(receiving);
        stream_tell(receiving);
    } else {
        receiving->message->control_length = 0;
    }
    return number;
}

/* ---- datagrams ---- */

static int datagram_attempt(void *ctx)
{
    struct inet_receiving *receiving = ctx;
    struct socket *so = receiving->so;
    struct message *message = receiving->message;
    struct tcpip_full_address from;
    struct tcpip_control control = {0};
    size_t whole = stream_queued(so), done = 0;
    bool peek = (message->flags & MSG_PEEK) != 0;
    enum tcpip_error error = peek ? tcpip_endpoint_peekmsg(so->endpoint, receiving->vector->io,
                                                           receiving->vector->count, &done, &from, &control)
                                  : tcpip_endpoint_recvmsg(so->endpoint, receiving->vector->io,
                                                           receiving->vector->count, &done, &from, &control);
    if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE && (message->flags & MSG_DONTWAIT) != 0)
        return EAGAIN; /* only who waits hears of shutdown */
    if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE) {
        receiving->ended = true;
        message->name_length = 0;
        message->control_length = 0;
        return 0;
    }
    if (error != TCPIP_OK)
        return tcpip__socket_errno(SOCKET_CALL_RECEIVE, error);
    receiving->done = done;
    if ((control.present & TCPIP_CONTROL_TRUNCATED) != 0) {
        message->result_flags |= MSG_TRUNC;
        if ((message->flags & MSG_TRUNC) != 0)
            receiving->done = whole;
    }
    if (message->name != NULL)
        message->name_length = tcpip__address_to_sockaddr(so->domain, &from, message->name);
    bool v4 = from.address.len == 4 || tcpip_address_is_v4_mapped(&from.address);
    tcpip__control_received(so, &control, v4, message);
    return 0;
}

/* A stream's bytes are thrown away: nobody looks where the memory is. */
static void receive_as_discarded(struct message *message)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < message->iov_count; i++)
        bytes += min_size(message->iov[i].iov_len, SOCKET_BYTES_MAX);
    message->bytes = min_size((size_t)bytes, SOCKET_BYTES_MAX);
    message->fault = 0;
}

int tcpip__inet_receive(struct socket *so, struct message *message, size_t *done)
{
    struct io_vector vector;
    struct inet_receiving receiving = {.so = so, .message = message, .vector = &vector};
    bool stream = so->type == SOCK_STREAM, ping = so->protocol != IPPROTO_UDP && !stream;
    tcpip_ns timeout_ns = (message->flags & MSG_DONTWAIT) != 0 ? 0 : so->receive_timeout_ns;
    if ((message->flags & MSG_ERRQUEUE) != 0)
        return tcpip__inet_receive_error(so, message, done);
    if ((message->flags & MSG_OOB) != 0 && (stream || ping))
        return stream ? tcpip__inet_receive_urgent(so, message, done) : EOPNOTSUPP;
    if (stream && tcpip__inet_in_repair(so)) {
        bool handled;
        int number = tcpip__inet_repair_receive(so, message, done, &handled);
        if (handled)
            return number;
    }
    if (stream && (message->flags & MSG_TRUNC) != 0)
        receive_as_discarded(message);
    tcpip__io_vector_init(&vector, message);
    int number = stream ? stream_receive(&receiving, timeout_ns)
                        : tcpip__socket_block(so, TCPIP_EVENT_IN, timeout_ns, datagram_attempt, &receiving);
    *done = receiving.done;
    if (number == 0 && message->fault != 0 && !receiving.ended && (!stream || stream_queued(so) > 0))
        return message->fault;
    return number;
}
