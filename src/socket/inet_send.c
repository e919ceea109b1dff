// SPDX-License-Identifier: MIT
/* inet_send.c: sending over TCP and datagram endpoints, waiting included.
 *
 * A stream takes what fits and waits for room, until all is taken; a datagram goes or doesn't. What was taken before an
 * error is the answer, and the error is left for the next call. A write that opens the connection (MSG_FASTOPEN, or the
 * first one after a connect that TCP_FASTOPEN_CONNECT deferred) waits for the handshake as well, and how that failed is
 * the answer then.
 *
 * Owns:     nothing.
 * Not here: the calls (message.c). */
#include "socket/socket.h"
#include "stack/zero_copy.h"

#include <errno.h>

struct inet_sending {
    struct socket *so;
    struct io_vector *vector;
    uint32_t flags; /* TCPIP_WRITE_* */
    const struct tcpip_full_address *to;
    const struct tcpip_control *control;
    size_t done;
    bool waits, opens; /* may block; this write begins the connection, or an earlier attempt of it did */
};

/* The handshake is done. Who waited for it was told so by that: connect has nothing more to tell. */
static bool sending_opened(const struct inet_sending *sending)
{
    struct tcpip_full_address peer;
    struct tcpip_endpoint *endpoint = sending->so->endpoint;
    if (tcpip_endpoint_remote_address(endpoint, &peer) != TCPIP_OK)
        return false;
    if (sending->waits)
        (void)!tcpip_endpoint_connect(endpoint, &peer);
    return true;
}

/* What a write that opens says to an error: nothing counts as sent that no connection came of. */
static int sending_not_opened(struct inet_sending *sending, enum tcpip_error error)
{
    if (error == TCPIP_ERR_CONNECT_STARTED && sending->waits)
        return EAGAIN;
    if (error != TCPIP_ERR_WOULD_BLOCK)
        sending->done = 0;
    return tcpip__socket_errno(SOCKET_CALL_SEND, error);
}

/* Will it be an IPv4 packet? */
static bool sending_is_v4(const struct inet_sending *sending)
{
    struct tcpip_full_address peer;
    const struct tcpip_full_address *to = sending->to;
    if (to == NULL && tcpip_endpoint_remote_address(sending->so->endpoint, &peer) == TCPIP_OK)
        to = &peer;
    return sending->so->domain == AF_INET ||
           (to != NULL && (to->address.len == 4 || tcpip_address_is_v4_mapped(&to->address)));
}

/* A source in IP_PKTINFO that isn't ours leads nowhere; one in IPV6_PKTINFO is wrong. */
static int sending_errno(const struct inet_sending *sending, enum tcpip_error error)
{
    if (error == TCPIP_ERR_BAD_LOCAL_ADDRESS && sending->control != NULL && sending_is_v4(sending))
        return ENETUNREACH;
    return tcpip__socket_errno(SOCKET_CALL_SEND, error);
}

static int sending_attempt(void *ctx)
{
    struct inet_sending *sending = ctx;
    struct io_vector *vector = sending->vector;
    struct tcpip_endpoint *endpoint = sending->so->endpoint;
    bool stream = sending->so->type == SOCK_STREAM;
    do {
        size_t done = 0;
        /* Asking would take the error, which the next call is to hear. */
        if (sending->done > 0 && !sending->opens && (tcpip_endpoint_readiness(endpoint, 0) & TCPIP_EVENT_HUP) != 0)
            return 0;
        enum tcpip_error error =
            tcpip_endpoint_sendmsg(endpoint, vector->io + vector->first, vector->count - vector->first, sending->flags,
                                   sending->to, sending->control, &done);
        sending->flags &= ~TCPIP_WRITE_FAST_OPEN;
        if (error != TCPIP_OK && sending->opens)
            return sending_not_opened(sending, error);
        if (error != TCPIP_OK)
            return sending->done > 0 && error != TCPIP_ERR_WOULD_BLOCK ? 0 : sending_errno(sending, error);
        sending->done += done;
        tcpip__io_vector_advance(vector, done);
        sending->opens = sending->opens && !sending_opened(sending);
        if (sending->opens && !sending->waits)
            return 0;
        /* It failed already: the next try says how. */
        if (sending->opens && (tcpip_endpoint_readiness(endpoint, 0) & TCPIP_EVENT_HUP) == 0)
            return EAGAIN;
    } while (stream && (vector->bytes > 0 || sending->opens));
    return 0;
}

/* What is wrong with a call comes after what is wrong with the connection, or with having none. */
static int sending_judge(const struct socket *so, bool addressed, int number)
{
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    struct tcpip_full_address peer;
    if (so->type == SOCK_STREAM) {
        bool known = tcpip_endpoint_tcp_info(so->endpoint, &info) == TCPIP_OK;
        return known && (info.state == TCPIP_TCP_CLOSED || info.state == TCPIP_TCP_LISTEN) ? EPIPE : number;
    }
    if (number == EFAULT && !addressed && tcpip_endpoint_remote_address(so->endpoint, &peer) != TCPIP_OK)
        return EDESTADDRREQ;
    return number;
}

int tcpip__inet_send(struct socket *so, struct message *message, size_t *done)
{
    struct io_vector vector;
    struct tcpip_full_address to;
    struct tcpip_control control;
    struct inet_sending sending = {.so = so, .vector = &vector};
    bool stream = so->type == SOCK_STREAM;
    if ((message->flags & MSG_OOB) != 0 && !stream && (so->domain == AF_INET || so->protocol != IPPROTO_UDP))
        return EOPNOTSUPP;
    bool opens = stream && (message->flags & MSG_FASTOPEN) != 0;
    if (message->name != NULL && (!stream || opens)) {
        int number = tcpip__address_from_sockaddr(so, opens ? SOCKET_CALL_CONNECT : SOCKET_CALL_SEND, message->name,
                                                  message->name_length, &to);
        if (number != 0)
            return number;
        if (opens && to.address.len == 0)
            return EOPNOTSUPP;
        sending.to = to.address.len > 0 ? &to : NULL;
    }
    if (message->control_length > 0) {
        int number = tcpip__control_to_send(so, message, sending_is_v4(&sending), &control);
        if (number != 0)
            return number;
        sending.control = control.present != 0 ? &control : NULL;
    }
    if (message->fault != 0)
        return sending_judge(so, sending.to != NULL, message->fault);
    if (stream && tcpip__inet_in_repair(so))
        return tcpip__inet_repair_send(so, message, done);
    sending.flags = tcpip__inet_send_marks(so, message);
    if (opens)
        sending.flags |= TCPIP_WRITE_FAST_OPEN;
    sending.opens = opens || so->connect_deferred;
    so->connect_deferred = false;
    if (stream && (message->flags & MSG_OOB) != 0)
        sending.flags |= TCPIP_WRITE_URGENT;
    if ((message->flags & MSG_MORE) != 0)
        sending.flags |= TCPIP_WRITE_MORE;
    if ((message->flags & MSG_EOR) != 0)
        sending.flags |= TCPIP_WRITE_END_OF_RECORD;
    tcpip__io_vector_init(&vector, message);
    if (so->protocol == IPPROTO_UDP) {
        uint32_t segment;
        int number = tcpip__udp_segment(so, message, &segment);
        if (number != 0)
            return number;
        if (segment > 0 && vector.bytes > segment)
            return tcpip__udp_send_segments(so, &vector, segment, sending.to, sending.control, sending.flags, done);
    }
    tcpip_ns timeout_ns = (message->flags & MSG_DONTWAIT) != 0 ? 0 : so->send_timeout_ns;
    sending.waits = timeout_ns != 0;
    if (stream && sending.waits)
        sending.flags |= TCPIP_WRITE_WAITS;
    int number = tcpip__socket_block(so, TCPIP_EVENT_OUT, timeout_ns, sending_attempt, &sending);
    if ((sending.flags & TCPIP_WRITE_ZERO_COPY) != 0)
        tcpip__zero_copy_finish(so->endpoint); /* it may have got less far than it wanted */
    *done = sending.done;
    return sending.done > 0 ? 0 : number;
}
