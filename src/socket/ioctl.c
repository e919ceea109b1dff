// SPDX-License-Identifier: MIT
/* ioctl.c: what programs ask of a socket with ioctl: how much is queued, non-blocking mode, and the NICs there are.
 *
 * Owns:     nothing.
 * Not here: NICs (nics.c); the flags' other door (fcntl). */
#include "socket/ioctl.h"

#include "base/math.h"
#include "socket/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <tcpip/stack.h>

/* linux/sockios.h says so too, but not beside the C library's headers. */
enum {
    IOCTL_SIOCINQ = 0x541b,
    IOCTL_SIOCOUTQ = 0x5411,
    IOCTL_SIOCOUTQNSD = 0x894b,
    IOCTL_SIOCGSTAMP_OLD = 0x8906,
    IOCTL_SIOCGSTAMPNS_OLD = 0x8907,
    IOCTL_NIC_FIRST = 0x8910, /* SIOCGIFNAME, ... */
    IOCTL_NIC_LAST = 0x8946,
    IOCTL_SOCKET_FIRST = 0x8900,
    IOCTL_SOCKET_LAST = 0x89ff,
};

static int ioctl_answer(struct tcpip_sockets *s, void *argument, int value)
{
    if (tcpip__pointer_writable(s, argument, sizeof(value)) != 0)
        return EFAULT;
    memcpy(argument, &value, sizeof(value));
    return 0;
}

static int ioctl_flag(struct tcpip_sockets *s, struct open_file *file, const void *argument, int flag)
{
    int on;
    if (tcpip__pointer_readable(s, argument, sizeof(on)) != 0)
        return EFAULT;
    memcpy(&on, argument, sizeof(on));
    file->status_flags = on != 0 ? file->status_flags | flag : file->status_flags & ~flag;
    return 0;
}

/* ---- queues ---- */

static int64_t ioctl_queue(const struct socket *so, enum tcpip_option option)
{
    int64_t bytes = 0;
    return tcpip_endpoint_get_option(so->endpoint, option, &bytes) == TCPIP_OK ? min_i64(bytes, INT_MAX) : 0;
}

/* Written and not sent yet. */
static int64_t ioctl_not_sent(const struct socket *so)
{
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    return tcpip_endpoint_tcp_info(so->endpoint, &info) == TCPIP_OK ? info.not_sent_bytes : 0;
}

static int ioctl_queued(struct tcpip_sockets *s, const struct socket *so, unsigned long what, void *argument)
{
    bool tcp = so->protocol == IPPROTO_TCP && so->domain != AF_UNIX;
    if (what == IOCTL_SIOCOUTQNSD && !tcp)
        return tcpip__pointer_writable(s, argument, 1) != 0 ? EFAULT : ENOTTY;
    if (so->listening)
        return EINVAL;
    int64_t bytes = what == IOCTL_SIOCINQ    ? tcpip__inet_queued(so, ioctl_queue(so, TCPIP_OPTION_RECEIVE_QUEUE_SIZE))
                    : what == IOCTL_SIOCOUTQ ? ioctl_queue(so, TCPIP_OPTION_SEND_QUEUE_SIZE)
                                             : ioctl_not_sent(so);
    return ioctl_answer(s, argument, (int)bytes);
}

/* ---- the requests ---- */

static int ioctl_socket(struct tcpip_sockets *s, struct socket *so, unsigned long what, void *argument)
{
    switch (what) {
    case IOCTL_SIOCINQ:
    case IOCTL_SIOCOUTQ:
    case IOCTL_SIOCOUTQNSD:
        return ioctl_queued(s, so, what, argument);
    case SIOCATMARK:
        if (so->type == SOCK_STREAM)
            return ioctl_answer(s, argument, tcpip__inet_at_mark(so));
        return tcpip__pointer_writable(s, argument, 1) != 0 ? EFAULT : ENOTTY;
    case SIOCGPGRP:
    case FIOGETOWN:
        return ioctl_answer(s, argument, 0); /* nobody is sent signals */
    case IOCTL_SIOCGSTAMP_OLD:
    case IOCTL_SIOCGSTAMPNS_OLD:
        return so->domain == AF_UNIX ? ENOTTY : ENOENT; /* SO_TIMESTAMP has them */
    default:
        break;
    }
    if (so->domain != AF_INET &&
        (what == SIOCGIFADDR || what == SIOCGIFBRDADDR || what == SIOCGIFNETMASK || what == SIOCGIFDSTADDR))
        return ENOTTY; /* IPv4's own */
    if (what == SIOCGIFCONF || (what >= IOCTL_NIC_FIRST && what <= IOCTL_NIC_LAST))
        return tcpip__ioctl_nics(s, what, argument);
    if (what >= IOCTL_SOCKET_FIRST && what <= IOCTL_SOCKET_LAST)
        return tcpip__pointer_readable(s, argument, sizeof(struct ifreq)) != 0 ? EFAULT : ENOTTY;
    return ENOTTY;
}

int tcpip_ioctl(struct tcpip_sockets *s, int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (request == FIOCLEX || request == FIONCLEX)
        return tcpip_fcntl(s, fd, F_SETFD, request == FIOCLEX ? FD_CLOEXEC : 0);
    struct open_file *file = tcpip__sockets_enter(s, fd);
    if (file == NULL)
        return -1;
    struct socket *so = tcpip__socket_from_file(file);
    int number;
    switch (request) {
    case FIONBIO:
        number = ioctl_flag(s, file, argument, O_NONBLOCK);
        break;
    case FIOASYNC:
        number = ioctl_flag(s, file, argument, O_ASYNC);
        break;
    default:
        number = so != NULL ? ioctl_socket(s, so, request, argument) : EINVAL; /* an epoll instance has none */
        break;
    }
    return (int)tcpip__sockets_leave(s, file, number, 0);
}
