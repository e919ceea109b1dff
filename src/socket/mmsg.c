// SPDX-License-Identifier: MIT
/* mmsg.c: recvmmsg and sendmmsg: many messages in one call.
 *
 * The socket is entered once for all of them. As in the kernel, what was done before an error is the answer; recvmmsg
 * keeps the error for the next call, sendmmsg forgets it.
 *
 * Owns:     nothing.
 * Not here: one message (message.c). */
#include "base/math.h"
#include "socket/socket.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

int tcpip_sendmmsg(struct tcpip_sockets *s, int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    unsigned done = 0;
    int number = 0;
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    count = count < IOV_MAX ? count : IOV_MAX;
    bool pipe_signal = so->type == SOCK_STREAM && (flags & MSG_NOSIGNAL) == 0;
    for (; done < count; done++) {
        size_t bytes = 0;
        number = messages != NULL ? tcpip__pointer_writable(s, &messages[done], sizeof(*messages)) : EFAULT;
        if (number == 0)
            number = tcpip__message_sendmsg(so, &messages[done].msg_hdr, flags, &bytes);
        if (number != 0)
            break;
        messages[done].msg_len = (unsigned)bytes;
    }
    pipe_signal = pipe_signal && number == EPIPE;
    ssize_t result = tcpip__sockets_leave(s, &so->file, done > 0 ? 0 : number, (ssize_t)done);
    if (pipe_signal)
        (void)raise(SIGPIPE);
    if (result < 0)
        errno = number;
    return (int)result;
}

/* The instant up to which recvmmsg goes on to wait for more; looked at after each message, as in the kernel. */
static int mmsg_until(struct tcpip_sockets *s, const struct timespec *timeout, tcpip_ns *until)
{
    *until = TCPIP_NEVER;
    if (timeout == NULL)
        return 0;
    int number = tcpip__pointer_readable(s, timeout, sizeof(*timeout));
    if (number != 0)
        return number;
    if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= TCPIP_SECOND)
        return EINVAL;
    if (timeout->tv_sec < INT32_MAX)
        *until = tcpip__wait_until(s, timeout->tv_sec * TCPIP_SECOND + timeout->tv_nsec);
    return 0;
}

/* What is left of the time, for the caller. */
static void mmsg_left(struct tcpip_sockets *s, tcpip_ns until, struct timespec *timeout)
{
    if (timeout == NULL || until == TCPIP_NEVER)
        return;
    tcpip_ns left = max_i64(until - tcpip_stack_now(s->stack), 0);
    timeout->tv_sec = (time_t)(left / TCPIP_SECOND);
    timeout->tv_nsec = (long)(left % TCPIP_SECOND);
}

int tcpip_recvmmsg(struct tcpip_sockets *s, int fd, struct mmsghdr *messages, unsigned count, int flags,
                   struct timespec *timeout)
{
    unsigned done = 0;
    tcpip_ns until;
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    bool wait_for_one = (flags & MSG_WAITFORONE) != 0;
    flags &= ~MSG_WAITFORONE;
    int number = mmsg_until(s, timeout, &until);
    for (; number == 0 && done < count; done++) {
        size_t bytes = 0;
        if (done > 0 && until != TCPIP_NEVER && tcpip_stack_now(s->stack) >= until)
            break;
        number = messages != NULL ? tcpip__pointer_writable(s, &messages[done], sizeof(*messages)) : EFAULT;
        if (number == 0)
            number = tcpip__message_recvmsg(so, &messages[done].msg_hdr, flags, &bytes);
        if (number != 0)
            break;
        messages[done].msg_len = (unsigned)bytes;
        flags |= wait_for_one ? MSG_DONTWAIT : 0;
    }
    if (done > 0 && number != 0 && number != EAGAIN)
        so->receive_error = number;
    mmsg_left(s, until, timeout);
    return (int)tcpip__sockets_leave(s, &so->file, done > 0 ? 0 : number, (ssize_t)done);
}
