// SPDX-License-Identifier: MIT
/* unix_message.c: sending and receiving on AF_UNIX, waiting included, with what travels beside the data.
 *
 * Owns:     nothing.
 * Not here: the calls (message.c), descriptors on their way (unix_rights.c). */
#include "base/math.h"
#include "socket/unix.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- control messages, out ---- */

struct un_sending {
    struct socket *so;
    struct io_vector *vector;
    struct un_rights *rights; /* the library's as soon as the first bytes went */
    struct tcpip_unix_send beside;
    struct tcpip_unix_credentials said;
    struct tcpip_unix_address to;
    size_t done;
    bool waited;
};

/* Who isn't root may only say who he is. */
static int un_take_credentials(const struct cmsghdr *header, struct un_sending *sending)
{
    struct ucred said;
    uid_t uids[3];
    gid_t gids[3];
    if (header->cmsg_len != CMSG_LEN(sizeof(said)))
        return EINVAL;
    memcpy(&said, CMSG_DATA(header), sizeof(said));
    if (geteuid() != 0) {
        bool known = getresuid(&uids[0], &uids[1], &uids[2]) == 0 && getresgid(&gids[0], &gids[1], &gids[2]) == 0;
        if (!known || said.pid != getpid() || (said.uid != uids[0] && said.uid != uids[1] && said.uid != uids[2]) ||
            (said.gid != gids[0] && said.gid != gids[1] && said.gid != gids[2]))
            return EPERM;
    }
    sending->said = (struct tcpip_unix_credentials){said.pid, said.uid, said.gid};
    sending->beside.credentials = &sending->said;
    return 0;
}

static int un_take_control(const struct message *message, struct un_sending *sending)
{
    struct msghdr header = {.msg_control = message->control, .msg_controllen = message->control_length};
    int number = 0;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&header); at != NULL && number == 0; at = CMSG_NXTHDR(&header, at)) {
        size_t room = message->control_length - (size_t)((uint8_t *)at - (uint8_t *)message->control);
        if (at->cmsg_len < sizeof(*at) || at->cmsg_len > room)
            return EINVAL;
        if (at->cmsg_level != SOL_SOCKET)
            continue;
        if (at->cmsg_type == SCM_RIGHTS)
            number = tcpip__un_rights_take(sending->so->file.sockets, at, sending->rights);
        else
            number = at->cmsg_type == SCM_CREDENTIALS ? un_take_credentials(at, sending) : EINVAL;
    }
    return number;
}

/* ---- sending ---- */

/* Who waited for room hears how the peer went: with unread data, it is a reset. */
static enum tcpip_error un_sending_end(const struct un_sending *sending)
{
    int64_t pending = TCPIP_OK;
    (void)!tcpip_endpoint_get_option(sending->so->endpoint, TCPIP_OPTION_ERROR, &pending);
    return pending != TCPIP_OK ? (enum tcpip_error)pending : TCPIP_ERR_CLOSED_FOR_SEND;
}

static int un_sending_attempt(void *ctx)
{
    struct un_sending *sending = ctx;
    struct io_vector *vector = sending->vector;
    bool stream = sending->so->type == SOCK_STREAM;
    do {
        size_t done = 0;
        enum tcpip_error error = tcpip_unix_sendmsg(sending->so->endpoint, vector->io + vector->first,
                                                    vector->count - vector->first, &sending->beside, &done);
        if (error == TCPIP_ERR_CLOSED_FOR_SEND && sending->waited && sending->done == 0)
            error = un_sending_end(sending);
        sending->waited = sending->waited || error == TCPIP_ERR_WOULD_BLOCK;
        if (error != TCPIP_OK)
            return sending->done > 0 && error != TCPIP_ERR_WOULD_BLOCK ? 0 : tcpip__un_errno(SOCKET_CALL_SEND, error);
        sending->rights->count = sending->beside.reference_count = 0;
        sending->done += done;
        tcpip__io_vector_advance(vector, done);
    } while (stream && vector->bytes > 0);
    return 0;
}

static int un_sending_begin(struct un_sending *sending, const struct message *message)
{
    bool datagram = sending->so->type == SOCK_DGRAM;
    int number = message->control_length > 0 ? un_take_control(message, sending) : 0;
    if (number != 0)
        return number;
    sending->beside.references = sending->rights->items;
    sending->beside.reference_count = sending->rights->count;
    if ((message->flags & MSG_OOB) != 0)
        return EOPNOTSUPP;
    if (message->name == NULL || message->name_length == 0)
        return 0;
    sending->beside.to = &sending->to; /* to a stream it matters only that there is one */
    return datagram ? tcpip__un_address_in(message->name, message->name_length, &sending->to) : 0;
}

int tcpip__un_send(struct socket *so, struct message *message, size_t *done)
{
    struct io_vector vector;
    struct un_rights rights;
    struct un_sending sending = {.so = so, .vector = &vector, .rights = &rights};
    rights.count = 0;
    if (message->fault != 0)
        return message->fault;
    sending.beside.size = sizeof(sending.beside);
    tcpip__io_vector_init(&vector, message);
    int number = un_sending_begin(&sending, message);
    if (number == 0) {
        tcpip_ns timeout_ns = (message->flags & MSG_DONTWAIT) != 0 ? 0 : so->send_timeout_ns;
        number = tcpip__socket_block(so, TCPIP_EVENT_OUT, timeout_ns, un_sending_attempt, &sending);
    }
    tcpip__un_rights_drop(&rights);
    *done = sending.done;
    return sending.done > 0 ? 0 : number;
}

/* ---- SO_PEEK_OFF ---- */

/* Where the next peek starts; negative: at the front, always. */
static int32_t un_peek_offset(const struct socket *so)
{
    return tcpip__socket_kept(&so->options, KEPT_PEEK_OFF);
}

/* What was peeked at is behind it; what was taken moves everything forward. */
static void un_move_peek_offset(struct socket *so, int64_t by)
{
    int64_t offset = clamp_i64(un_peek_offset(so) + by, 0, INT32_MAX);
    if (un_peek_offset(so) >= 0) /* there is room to keep it: it was set */
        (void)tcpip__socket_keep(so->file.sockets, &so->options, KEPT_PEEK_OFF, (int32_t)offset);
}

/* ---- receiving ---- */

struct un_receiving {
    struct socket *so;
    struct message *message;
    struct io_vector *vector;
    struct un_rights *rights;
    struct tcpip_unix_receive beside; /* of the first piece */
    size_t target, done, whole;
    bool dont_wait, begun;
};

/* MSG_WAITALL doesn't join what two senders wrote, for who asks who they are. */
static bool un_next_is_another(struct un_receiving *receiving)
{
    uint8_t byte;
    size_t done;
    struct tcpip_io io = {&byte, 1};
    struct tcpip_unix_receive next = {.size = sizeof(next), .peek = true};
    if (!receiving->beside.has_credentials ||
        tcpip_unix_recvmsg(receiving->so->endpoint, &io, 1, &next, &done) != TCPIP_OK)
        return false;
    return memcmp(&next.credentials, &receiving->beside.credentials, sizeof(next.credentials)) != 0;
}

static enum tcpip_error un_receive_piece(struct un_receiving *receiving, size_t *done)
{
    struct io_vector *vector = receiving->vector;
    struct tcpip_unix_receive beside = {.size = sizeof(beside),
                                        .peek = (receiving->message->flags & MSG_PEEK) != 0,
                                        .peek_offset = (size_t)max_i64(un_peek_offset(receiving->so), 0),
                                        .references = receiving->rights->items,
                                        .reference_room = TCPIP_UNIX_REFERENCES_MAX};
    enum tcpip_error error = tcpip_unix_recvmsg(receiving->so->endpoint, vector->io + vector->first,
                                                vector->count - vector->first, &beside, done);
    if (error != TCPIP_OK)
        return error;
    receiving->rights->count = beside.reference_count;
    if (!receiving->begun)
        receiving->beside = beside;
    receiving->begun = true;
    receiving->whole = beside.message_bytes;
    receiving->done += *done;
    un_move_peek_offset(receiving->so, beside.peek ? (int64_t)*done : -(int64_t)beside.message_bytes);
    return TCPIP_OK;
}

/* There is something to read, or it has ended; a stream's data stay. */
static int un_stream_fault(const struct un_receiving *receiving)
{
    int64_t queued = 0;
    (void)!tcpip_endpoint_get_option(receiving->so->endpoint, TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &queued);
    return queued > 0 ? receiving->message->fault : 0;
}

static int un_receiving_attempt(void *ctx)
{
    struct un_receiving *receiving = ctx;
    do {
        size_t done = 0;
        if (receiving->done > 0 && un_next_is_another(receiving))
            return 0;
        if (receiving->message->fault != 0 && receiving->so->type == SOCK_STREAM &&
            (tcpip_endpoint_readiness(receiving->so->endpoint, TCPIP_EVENT_IN) & TCPIP_EVENT_IN) != 0)
            return un_stream_fault(receiving);
        enum tcpip_error error = un_receive_piece(receiving, &done);
        if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE && receiving->so->type == SOCK_DGRAM && receiving->dont_wait)
            return EAGAIN; /* datagrams have no end, to who doesn't wait for one */
        if (error != TCPIP_OK)
            return tcpip__un_errno(SOCKET_CALL_RECEIVE, error);
        if (receiving->so->type == SOCK_STREAM)
            tcpip__io_vector_advance(receiving->vector, done);
    } while (receiving->done < receiving->target && receiving->rights->count == 0);
    return 0;
}

static void un_put_control(struct un_receiving *receiving)
{
    struct message *message = receiving->message;
    size_t used = 0;
    if (receiving->beside.has_credentials) {
        const struct tcpip_unix_credentials *told = &receiving->beside.credentials;
        struct ucred ucred = {told->pid, told->uid, told->gid};
        tcpip__control_put(message, &used, SOL_SOCKET, SCM_CREDENTIALS, &ucred, sizeof(ucred));
    }
    if (receiving->rights->count > 0)
        tcpip__un_rights_put(receiving->so->file.sockets, receiving->rights, message, &used);
    message->control_length = used;
}

int tcpip__un_receive(struct socket *so, struct message *message, size_t *done)
{
    struct io_vector vector;
    struct un_rights rights;
    struct un_receiving receiving = {.so = so, .message = message, .vector = &vector, .rights = &rights};
    bool stream = so->type == SOCK_STREAM;
    rights.count = 0;
    if ((message->flags & MSG_OOB) != 0)
        return stream ? EINVAL : EOPNOTSUPP;
    tcpip__io_vector_init(&vector, message);
    receiving.dont_wait = (message->flags & MSG_DONTWAIT) != 0;
    if (stream && (message->flags & MSG_WAITALL) != 0 && (message->flags & MSG_PEEK) == 0)
        receiving.target = message->bytes;
    tcpip_ns timeout_ns = receiving.dont_wait ? 0 : so->receive_timeout_ns;
    int number =
        tcpip__socket_block(so, TCPIP_EVENT_IN | TCPIP_EVENT_RDHUP, timeout_ns, un_receiving_attempt, &receiving);
    message->name_length = 0;
    if (receiving.begun) {
        if (message->name != NULL && receiving.beside.from.size > 0)
            message->name_length = tcpip__un_address_out(&receiving.beside.from, message->name);
        if (!stream && receiving.whole > receiving.done)
            message->result_flags |= MSG_TRUNC;
        number = 0;
    }
    un_put_control(&receiving);
    bool tell_whole = !stream && (message->flags & MSG_TRUNC) != 0;
    *done = tell_whole ? receiving.whole : receiving.done;
    return number == 0 && !stream && receiving.begun ? message->fault : number; /* a datagram is lost to it */
}
