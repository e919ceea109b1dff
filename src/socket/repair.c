// SPDX-License-Identifier: MIT
/* repair.c: TCP_REPAIR and the options around it, for programs that take connections apart and make them anew, as CRIU
 * does with the kernel's. The kernel wants CAP_NET_ADMIN for it; who holds this table may do with it what he likes.
 *
 *     setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, 4);      close() is silent from here on, connect(), bind() too
 *     TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, recv(MSG_PEEK)       what is where: to be asked of the old one,
 *     TCP_QUEUE_SEQ, connect(), TCP_REPAIR_OPTIONS, send()  said to the new one
 *     TCP_REPAIR_WINDOW, TCP_TIMESTAMP
 *
 * Owns:     nothing.
 * Not here: what it does to a connection (transport/tcp/tcp_repair.c). */
#include "base/math.h"
#include "socket/option_table.h"
#include "transport/tcp/tcp_repair.h"

#include <linux/tcp.h>
#include <tcpip/header/tcp.h>

STATIC_ASSERT((int)TCP_RECV_QUEUE == REPAIR_RECEIVE && (int)TCP_SEND_QUEUE == REPAIR_SEND);

bool tcpip__inet_in_repair(const struct socket *so)
{
    return so->type == SOCK_STREAM && tcpip__tcp_in_repair(so->endpoint);
}

static bool in_repair(const struct option_call *call)
{
    return tcpip__tcp_in_repair(call->socket->endpoint);
}

static int repair_errno(enum tcpip_error error)
{
    return tcpip__socket_errno(SOCKET_CALL_OPTION, error);
}

/* ---- beginning and end ---- */

int tcpip__option_repair_set(const struct option_call *call)
{
    struct tcpip_endpoint *endpoint = call->socket->endpoint;
    if (call->socket->listening)
        return EPERM;
    if (call->value == TCP_REPAIR_ON)
        return repair_errno(tcpip__tcp_repair_begin(endpoint));
    if (call->value != TCP_REPAIR_OFF && call->value != TCP_REPAIR_OFF_NO_WP)
        return EINVAL;
    int number = repair_errno(tcpip__tcp_repair_end(endpoint, call->value == TCP_REPAIR_OFF));
    return number != 0 ? number : tcpip__option_core_set(call, TCPIP_OPTION_REUSE_ADDRESS, 0); /* as the kernel */
}

int tcpip__option_repair_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call, in_repair(call));
}

/* In repair an address is shared with everybody, which the kernel calls 2. */
int tcpip__option_reuse_get(const struct option_call *call)
{
    if (tcpip__inet_in_repair(call->socket))
        return tcpip__option_answer_int(call, 2);
    return tcpip__option_get_plain(call);
}

/* ---- queues and numbers ---- */

int tcpip__option_repair_queue_set(const struct option_call *call)
{
    if (!in_repair(call))
        return EPERM;
    if (call->value < 0 || call->value >= REPAIR_QUEUE_COUNT)
        return EINVAL;
    tcpip__tcp_repair_choose(call->socket->endpoint, (enum tcp_repair_queue)call->value);
    return 0;
}

int tcpip__option_repair_queue_get(const struct option_call *call)
{
    if (!in_repair(call))
        return EINVAL;
    return tcpip__option_answer_int(call, (int)tcpip__tcp_repair_chosen(call->socket->endpoint));
}

int tcpip__option_queue_seq_set(const struct option_call *call)
{
    return repair_errno(tcpip__tcp_repair_set_number(call->socket->endpoint, (uint32_t)call->value));
}

int tcpip__option_queue_seq_get(const struct option_call *call)
{
    uint32_t number = 0;
    int error = repair_errno(tcpip__tcp_repair_number(call->socket->endpoint, &number));
    return error != 0 ? error : tcpip__option_answer_int(call, (int)number);
}

int tcpip__inet_repair_send(struct socket *so, const struct message *message, size_t *done)
{
    enum tcpip_error error = TCPIP_OK;
    size_t count = max_size(message->iov_count, 1); /* none is judged as an empty one */
    *done = 0;
    for (size_t i = 0, part = 0; i < count && error == TCPIP_OK; i++) {
        const struct iovec *piece = i < message->iov_count ? &message->iov[i] : &(const struct iovec){NULL, 0};
        error = tcpip__tcp_repair_write(so->endpoint, piece->iov_base, piece->iov_len, &part);
        *done += part;
        if (part < piece->iov_len)
            break;
    }
    return *done > 0 ? 0 : tcpip__socket_errno(SOCKET_CALL_SEND, error);
}

/* As in the kernel, the answer is how much there is, even if not all of it fits. */
static int repair_peek_sent(struct socket *so, struct message *message, size_t *done)
{
    struct io_vector vector;
    tcpip__io_vector_init(&vector, message);
    *done = tcpip__tcp_repair_peek(so->endpoint, vector.io + vector.first, vector.count - vector.first);
    message->name_length = 0;
    message->control_length = 0;
    return 0;
}

int tcpip__inet_repair_receive(struct socket *so, struct message *message, size_t *done, bool *handled)
{
    enum tcp_repair_queue queue = tcpip__tcp_repair_chosen(so->endpoint);
    *handled = true;
    if ((message->flags & MSG_PEEK) == 0)
        return EPERM;
    if (queue == REPAIR_SEND)
        return message->fault != 0 ? message->fault : repair_peek_sent(so, message, done);
    *handled = queue == REPAIR_NO_QUEUE;
    return EINVAL;
}

/* ---- what was agreed on, windows, timestamps ---- */

int tcpip__option_repair_options_set(const struct option_call *call)
{
    struct tcp_repair_opt option;
    size_t left = (size_t)call->in_length;
    const char *from = call->in;
    if (!in_repair(call))
        return EINVAL;
    enum tcpip_error error = tcpip__tcp_repair_agree(call->socket->endpoint, TCPIP_TCP_OPTION_NOP, 0);
    for (; error == TCPIP_OK && left >= sizeof(option); left -= sizeof(option), from += sizeof(option)) {
        if (tcpip__pointer_readable(call->sockets, from, sizeof(option)) != 0)
            return EFAULT;
        memcpy(&option, from, sizeof(option));
        error = tcpip__tcp_repair_agree(call->socket->endpoint, option.opt_code, option.opt_val);
    }
    return error == TCPIP_ERR_MESSAGE_TOO_LONG ? EFBIG : repair_errno(error);
}

int tcpip__option_repair_window_set(const struct option_call *call)
{
    struct tcp_repair_window window;
    if (!in_repair(call))
        return EPERM;
    if (call->in_length != (int)sizeof(window))
        return EINVAL;
    if (tcpip__option_readable(call, sizeof(window)) != 0)
        return EFAULT;
    memcpy(&window, call->in, sizeof(window));
    struct tcp_repair_windows windows = {.snd_wl1 = window.snd_wl1,
                                         .snd_wnd = window.snd_wnd,
                                         .snd_wnd_max = window.max_window,
                                         .rcv_wnd = window.rcv_wnd,
                                         .rcv_wup = window.rcv_wup};
    return repair_errno(tcpip__tcp_repair_set_windows(call->socket->endpoint, &windows));
}

int tcpip__option_repair_window_get(const struct option_call *call)
{
    struct tcp_repair_windows windows;
    if (call->room != (int)sizeof(struct tcp_repair_window))
        return EINVAL;
    if (!in_repair(call))
        return EPERM;
    tcpip__tcp_repair_windows(call->socket->endpoint, &windows);
    struct tcp_repair_window window = {.snd_wl1 = windows.snd_wl1,
                                       .snd_wnd = windows.snd_wnd,
                                       .max_window = windows.snd_wnd_max,
                                       .rcv_wnd = windows.rcv_wnd,
                                       .rcv_wup = windows.rcv_wup};
    return tcpip__option_answer(call, &window, sizeof(window));
}

int tcpip__option_timestamp_set(const struct option_call *call)
{
    if (!in_repair(call))
        return EPERM;
    tcpip__tcp_repair_timestamp(call->socket->endpoint, (uint32_t)call->value);
    return 0;
}
