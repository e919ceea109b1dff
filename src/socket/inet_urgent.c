// SPDX-License-Identifier: MIT
/* inet_urgent.c: urgent data as the kernel shows it: one byte out of band, and a mark in the stream.
 *
 *     before the mark  |  the byte  |  behind
 *
 * Reading stops at the mark once. What stands there is read in its place with SO_OOBINLINE; else it isn't part of the
 * stream, and MSG_OOB reads it, until a read goes past. RFC 6093 tells how unequal all this is among systems; it is
 * here for programs that rely on it.
 *
 * Owns:     nothing.
 * Not here: where the mark is (transport/tcp/tcp_urgent.c). */
#include "base/math.h"
#include "socket/socket.h"

#include <errno.h>
#include <string.h>
#include <tcpip/buffer.h>

static bool urgent_in_line(const struct socket *so)
{
    return tcpip__socket_kept(&so->options, KEPT_OOBINLINE) != 0;
}

static int64_t urgent_queued(const struct socket *so)
{
    int64_t bytes = 0;
    if (tcpip_endpoint_get_option(so->endpoint, TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &bytes) != TCPIP_OK)
        return 0;
    return bytes;
}

/* The next byte isn't part of the stream. */
static void urgent_pass(struct socket *so)
{
    struct tcpip_view view;
    size_t count = 1, done;
    if (urgent_queued(so) > 0 && tcpip_endpoint_read_views(so->endpoint, &view, &count, 1, &done, NULL) == TCPIP_OK)
        tcpip_buffer_unref(view.buffer);
}

size_t tcpip__inet_before_mark(struct socket *so, bool any, size_t *skip)
{
    struct tcpip_urgent urgent;
    size_t passed = 0;
    while (tcpip_endpoint_urgent(so->endpoint, &urgent)) {
        bool in_line = urgent_in_line(so), at_mark = urgent.before == passed;
        if (at_mark && any)
            return 0;
        if (!at_mark && !(urgent.stale && passed == 0 && !in_line))
            return urgent.before - passed;
        if (in_line || urgent_queued(so) <= (int64_t)passed)
            break;
        if (skip == NULL)
            urgent_pass(so);
        else
            *skip = ++passed;
        if (at_mark)
            break; /* and the mark is behind */
    }
    return SIZE_MAX;
}

int tcpip__inet_receive_urgent(struct socket *so, struct message *message, size_t *done)
{
    struct tcpip_urgent urgent;
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    if (so->listening)
        return ENOTCONN;
    if (urgent_in_line(so) || !tcpip_endpoint_urgent(so->endpoint, &urgent) || urgent.taken)
        return EINVAL;
    message->control_length = 0;
    message->name_length = 0;
    if (!urgent.here) {
        bool ended = tcpip_endpoint_tcp_info(so->endpoint, &info) != TCPIP_OK || info.state == TCPIP_TCP_CLOSED ||
                     (tcpip_endpoint_readiness(so->endpoint, TCPIP_EVENT_RDHUP) & TCPIP_EVENT_RDHUP) != 0;
        *done = 0;
        return ended ? 0 : EAGAIN;
    }
    if ((message->flags & MSG_PEEK) == 0)
        tcpip_endpoint_urgent_taken(so->endpoint);
    message->result_flags |= MSG_OOB;
    if (message->fault != 0)
        return message->fault;
    *done = message->bytes > 0 ? 1 : 0;
    if (*done == 0)
        message->result_flags |= MSG_TRUNC;
    for (size_t i = 0; i<message->iov_count && * done> 0 && (message->flags & MSG_TRUNC) == 0; i++) {
        if (message->iov[i].iov_len > 0) {
            memcpy(message->iov[i].iov_base, &urgent.byte, 1);
            break;
        }
    }
    return 0;
}

bool tcpip__inet_at_mark(const struct socket *so)
{
    struct tcpip_urgent urgent;
    return tcpip_endpoint_urgent(so->endpoint, &urgent) && urgent.before == 0;
}

int64_t tcpip__inet_queued(const struct socket *so, int64_t bytes)
{
    struct tcpip_urgent urgent;
    if (so->type != SOCK_STREAM || urgent_in_line(so) || !tcpip_endpoint_urgent(so->endpoint, &urgent))
        return bytes;
    return min_i64(bytes, urgent.before < bytes ? urgent.before : bytes);
}

/* A byte out of band alone is nothing to read. */
uint32_t tcpip__inet_readiness(const struct socket *so)
{
    struct tcpip_urgent urgent;
    uint32_t mask = TCPIP_EVENT_IN | TCPIP_EVENT_PRI | TCPIP_EVENT_OUT | TCPIP_EVENT_RDHUP;
    uint32_t ready = tcpip_endpoint_readiness(so->endpoint, mask);
    if (so->type != SOCK_STREAM || (ready & (TCPIP_EVENT_IN | TCPIP_EVENT_RDHUP)) != TCPIP_EVENT_IN ||
        !tcpip_endpoint_urgent(so->endpoint, &urgent))
        return ready;
    bool alone = urgent.before == 0 && urgent_queued(so) <= 1 && !urgent_in_line(so);
    return alone ? ready & ~TCPIP_EVENT_IN : ready;
}
