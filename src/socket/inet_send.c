// SPDX-License-Identifier: MIT
/* inet_send.c: sending over TCP and datagram endpoints, waiting included.
 *
 * A stream takes what fits and waits for room, until all is taken; a datagram goes or doesn't. What was taken before an
 * error is the answer, and the error is left for the next call.
 *
 * Owns:     nothing.
 * Not here: the calls (message.c). */
#include "socket/socket.h"

#include <errno.h>

struct inet_sending {
    struct socket *so;
    struct io_vector *vector;
    uint32_t flags; /* TCPIP_WRITE_* */
    const struct tcpip_full_address *to;
    const struct tcpip_control *control;
    size_t done;
};

static int sending_attempt(void *ctx)
{
    struct inet_sending *sending = ctx;
    struct io_vector *vector = sending->vector;
    struct tcpip_endpoint *endpoint = sending->so->endpoint;
    bool stream = sending->so->type == SOCK_STREAM;
    do {
        size_t done = 0;
        /* Asking would take the error, which the next call is to hear. */
        if (sending->done > 0 && (tcpip_endpoint_readiness(endpoint, 0) & TCPIP_EVENT_HUP) != 0)
            return 0;
        enum tcpip_error error =
            tcpip_endpoint_sendmsg(endpoint, vector->io + vector->first, vector->count - vector->first, sending->flags,
                                   sending->to, sending->control, &done);
        if (error != TCPIP_OK)
            return sending->done > 0 && error != TCPIP_ERR_WOULD_BLOCK ? 0
                                                                       : tcpip__socket_errno(SOCKET_CALL_SEND, error);
        sending->done += done;
        tcpip__io_vector_advance(vector, done);
    } while (stream && vector->bytes > 0);
    return 0;
}

int tcpip__inet_send(struct socket *so, struct message *message, size_t *done)
{
    struct io_vector vector;
    struct tcpip_full_address to;
    struct tcpip_control control;
    struct inet_sending sending = {.so = so, .vector = &vector};
    bool stream = so->type == SOCK_STREAM;
    if ((message->flags & MSG_OOB) != 0)
        return EOPNOTSUPP; /* RFC 6093: no new application should use it */
    if (message->control_length > 0) {
        int number = tcpip__control_to_send(so, message, &control);
        if (number != 0)
            return number;
        sending.control = control.present != 0 ? &control : NULL;
    }
    if (message->name != NULL && !stream) {
        int number = tcpip__address_from_sockaddr(so, SOCKET_CALL_SEND, message->name, message->name_length, &to);
        if (number != 0)
            return number;
        sending.to = to.address.len > 0 ? &to : NULL;
    }
    if ((message->flags & MSG_MORE) != 0)
        sending.flags |= TCPIP_WRITE_MORE;
    if ((message->flags & MSG_EOR) != 0)
        sending.flags |= TCPIP_WRITE_END_OF_RECORD;
    tcpip__io_vector_init(&vector, message);
    tcpip_ns timeout_ns = (message->flags & MSG_DONTWAIT) != 0 ? 0 : so->send_timeout_ns;
    int number = tcpip__socket_block(so, TCPIP_EVENT_OUT, timeout_ns, sending_attempt, &sending);
    *done = sending.done;
    return sending.done > 0 ? 0 : number;
}
