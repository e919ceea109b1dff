// SPDX-License-Identifier: MIT
/* call_data.c: calls that move data.
 *
 * What is written is the pattern of payload_fill, by position in the stream (a datagram begins at 0), and what is read
 * is compared with it: a script counts bytes, and the bytes are right besides. */
#include "call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { IO_BYTES_MAX = 16 << 20 };

/* NULL: the script asks for more than makes sense, and is told so. */
static uint8_t *room(struct call *call, size_t size)
{
    if (size > IO_BYTES_MAX) {
        snprintf(call->wrong, sizeof call->wrong, "%zu bytes: more than the %d that the player takes", size,
                 IO_BYTES_MAX);
        return NULL;
    }
    uint8_t *bytes = malloc(size + 1);
    if (bytes == NULL)
        abort();
    return bytes;
}

static void check_read(struct call *call, const struct socket *socket, const uint8_t *bytes, size_t done)
{
    size_t at = payload_check(bytes, done, true, socket->stream ? socket->read : 0);
    if (at != done)
        snprintf(call->wrong, sizeof call->wrong, "byte %zu of what was read is 0x%02x, not 0x%02x", at, bytes[at],
                 payload_byte(true, (socket->stream ? socket->read : 0) + (uint32_t)at));
}

struct peeking {
    uint8_t *bytes;
    size_t size, done;
};

static bool peek_writer(void *ctx, const void *data, size_t size)
{
    struct peeking *peeking = ctx;
    size_t count = size < peeking->size - peeking->done ? size : peeking->size - peeking->done;
    memcpy(peeking->bytes + peeking->done, data, count);
    peeking->done += count;
    return peeking->done < peeking->size;
}

/* MSG_OOB: the last urgent byte, by itself. */
static void take_urgent(struct call *call, struct socket *socket)
{
    struct tcpip_urgent urgent;
    bool marked = tcpip_endpoint_urgent(socket->endpoint, &urgent) && !urgent.taken;
    call_end(call, !marked ? TCPIP_ERR_INVALID_ARGUMENT : urgent.here ? TCPIP_OK : TCPIP_ERR_WOULD_BLOCK);
    if (!marked || !urgent.here)
        return;
    call->value = 1;
    if (urgent.byte != payload_byte(true, socket->read + urgent.before))
        snprintf(call->wrong, sizeof call->wrong, "the urgent byte is 0x%02x, not 0x%02x", urgent.byte,
                 payload_byte(true, socket->read + urgent.before));
    tcpip_endpoint_urgent_taken(socket->endpoint);
}

static void take(struct call *call, struct socket *socket, size_t size, int64_t flags, bool scattered)
{
    uint8_t *bytes = room(call, size);
    size_t done = 0;
    enum tcpip_error error;
    if (bytes == NULL)
        return;
    if ((flags & MSG_PEEK) != 0) {
        struct peeking peeking = {bytes, size, 0};
        error = tcpip_endpoint_peek(socket->endpoint, peek_writer, &peeking, &done);
        done = peeking.done;
    } else if (scattered) {
        struct tcpip_io io[2] = {{bytes, size / 2}, {bytes + size / 2, size - size / 2}};
        struct tcpip_control control = {0};
        error = tcpip_endpoint_recvmsg(socket->endpoint, io, 2, &done, NULL, &control);
    } else {
        struct tcpip_full_address from;
        error = tcpip_endpoint_read(socket->endpoint, bytes, size, &done, &from);
    }
    call->blocked = error == TCPIP_ERR_WOULD_BLOCK && !socket->nonblocking && (flags & MSG_DONTWAIT) == 0;
    call_end(call, error);
    if (error == TCPIP_OK) {
        call->value = (int64_t)done;
        check_read(call, socket, bytes, done);
        if ((flags & MSG_PEEK) == 0)
            socket->read += (uint32_t)done;
    }
    free(bytes);
}

/* Data went with a SYN: as in the kernel, who waits, waits for the handshake too, and hears how it failed. */
static bool is_opening(const struct tcpip_endpoint *endpoint)
{
    struct tcpip_tcp_info info = {.size = sizeof info};
    return tcpip_endpoint_tcp_info(endpoint, &info) == TCPIP_OK && info.state == TCPIP_TCP_SYN_SENT;
}

static void give(struct call *call, struct socket *socket, size_t size, int64_t flags,
                 const struct tcpip_full_address *to, bool gathered)
{
    uint8_t *bytes = room(call, size);
    if (bytes == NULL)
        return;
    if (call_repair_write(call, socket, bytes, size)) {
        free(bytes);
        return;
    }
    size_t left = size - (size_t)call->done, done = 0;
    bool patient = !socket->nonblocking && (flags & MSG_DONTWAIT) == 0;
    uint32_t how = ((flags & MSG_MORE) != 0 ? TCPIP_WRITE_MORE : 0) |
                   ((flags & MSG_OOB) != 0 ? TCPIP_WRITE_URGENT : 0) |
                   ((flags & MSG_EOR) != 0 ? TCPIP_WRITE_END_OF_RECORD : 0) | (patient ? TCPIP_WRITE_WAITS : 0) |
                   ((flags & MSG_FASTOPEN) != 0 && !call->begun ? TCPIP_WRITE_FAST_OPEN : 0) |
                   ((flags & MSG_ZEROCOPY) != 0 ? TCPIP_WRITE_ZERO_COPY : 0) | socket->stamps;
    payload_fill(bytes, left, false, socket->stream ? socket->written : 0);
    enum tcpip_error error;
    if (gathered) {
        struct tcpip_io io[2] = {{bytes, left / 2}, {bytes + left / 2, left - left / 2}};
        error = tcpip_endpoint_sendmsg(socket->endpoint, io, 2, how, to, NULL, &done);
    } else {
        error = tcpip_endpoint_write(socket->endpoint, bytes, left, how, to, &done);
    }
    if (error == TCPIP_OK && (how & TCPIP_WRITE_ZERO_COPY) != 0)
        world_lend(call->world, socket, bytes, left);
    else
        free(bytes);
    bool was_opening = call->opening, started = error == TCPIP_ERR_CONNECT_STARTED;
    call->begun = true;
    call->opening = (error == TCPIP_OK || started) && is_opening(socket->endpoint);
    if ((how & TCPIP_WRITE_FAST_OPEN) != 0)
        call->world->last_fd = (int)call_number(call, 0, -1);
    if (error == TCPIP_OK) {
        socket->written += (uint32_t)done;
        call->done += (int64_t)done;
        call->blocked = patient && (call->done < (int64_t)size || call->opening);
        call->value = call->done;
    } else if (call->done > 0 && error != TCPIP_ERR_WOULD_BLOCK && !was_opening) {
        call->value = call->done; /* some went: the error waits for the next call */
    } else {
        call->blocked = (error == TCPIP_ERR_WOULD_BLOCK || started) && patient;
        call->opening = call->opening || (was_opening && call->blocked);
        call_end(call, error);
    }
}

void call_read(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    if (socket != NULL)
        take(call, socket, (size_t)call_number(call, 2, 0), 0, false);
}

void call_recv(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    if (socket != NULL && (call_number(call, 3, 0) & MSG_OOB) != 0)
        take_urgent(call, socket);
    else if (socket != NULL)
        take(call, socket, (size_t)call_number(call, 2, 0), call_number(call, 3, 0), false);
}

void call_write(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    if (socket != NULL)
        give(call, socket, (size_t)call_number(call, 2, 0), 0, NULL, false);
}

void call_send(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    if (socket != NULL)
        give(call, socket, (size_t)call_number(call, 2, 0), call_number(call, 3, 0), NULL, false);
}

void call_sendto(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    struct world *world = call->world;
    struct tcpip_full_address to;
    uint16_t port = world->flows[0].bound ? world->flows[0].remote_port : world->script->remote_port;
    if ((call_number(call, 3, 0) & MSG_FASTOPEN) != 0)
        port = world->script->local_port; /* as connect's */
    if (socket != NULL && call_address(call, 4, world_remote_address(world), port, &to))
        give(call, socket, (size_t)call_number(call, 2, 0), call_number(call, 3, 0), &to, false);
}

/* The bytes of msg_iov(n)=[{..., 100}, {..., 200}] together. */
static bool message_bytes(struct call *call, size_t *size)
{
    const struct expr *message = call_argument(call, 1);
    const struct expr *iov = message != NULL ? expr_member(message, "msg_iov") : NULL;
    *size = 0;
    for (size_t i = 0; iov != NULL && i < iov->count; i++) {
        if (iov->items[i].count != 2 || iov->items[i].items[1].kind != EXPR_NUMBER)
            iov = NULL;
        else
            *size += (size_t)iov->items[i].items[1].number;
    }
    if (iov == NULL)
        snprintf(call->wrong, sizeof call->wrong, "no msg_iov(n)=[{..., size}, ...]");
    return iov != NULL;
}

void call_recvmsg(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    size_t size;
    if (socket != NULL && (call_number(call, 2, 0) & MSG_ERRQUEUE) != 0)
        call_error_queue(call, socket);
    else if (socket != NULL && message_bytes(call, &size))
        take(call, socket, size, call_number(call, 2, 0), true);
}

void call_sendmsg(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    size_t size;
    struct tcpip_full_address remote = {.address = world_remote_address(call->world),
                                        .port = call->world->script->local_port};
    const struct tcpip_full_address *to = (call_number(call, 2, 0) & MSG_FASTOPEN) != 0 ? &remote : NULL;
    if (socket != NULL && message_bytes(call, &size))
        give(call, socket, size, call_number(call, 2, 0), to, true);
}
