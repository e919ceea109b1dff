// SPDX-License-Identifier: MIT
/* sockets.c: the library's calls. */
#include "twin.h"

#include <tcpip/socket.h>

static int sockets_socket(void *ctx, int domain, int type, int protocol)
{
    return tcpip_socket(ctx, domain, type, protocol);
}

static int sockets_socketpair(void *ctx, int domain, int type, int protocol, int *pair)
{
    return tcpip_socketpair(ctx, domain, type, protocol, pair);
}

static int sockets_close(void *ctx, int fd)
{
    return tcpip_close(ctx, fd);
}

static int sockets_bind(void *ctx, int fd, const struct sockaddr *address, socklen_t length)
{
    return tcpip_bind(ctx, fd, address, length);
}

static int sockets_unlink(void *ctx, const char *path)
{
    return tcpip_unlink(ctx, path);
}

static int sockets_connect(void *ctx, int fd, const struct sockaddr *address, socklen_t length)
{
    return tcpip_connect(ctx, fd, address, length);
}

static int sockets_listen(void *ctx, int fd, int backlog)
{
    return tcpip_listen(ctx, fd, backlog);
}

static int sockets_accept4(void *ctx, int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    return tcpip_accept4(ctx, fd, address, length, flags);
}

static ssize_t sockets_sendmsg(void *ctx, int fd, const struct msghdr *message, int flags)
{
    return tcpip_sendmsg(ctx, fd, message, flags);
}

static ssize_t sockets_recvmsg(void *ctx, int fd, struct msghdr *message, int flags)
{
    return tcpip_recvmsg(ctx, fd, message, flags);
}

static int sockets_shutdown(void *ctx, int fd, int how)
{
    return tcpip_shutdown(ctx, fd, how);
}

static int sockets_getsockname(void *ctx, int fd, struct sockaddr *address, socklen_t *length)
{
    return tcpip_getsockname(ctx, fd, address, length);
}

static int sockets_getpeername(void *ctx, int fd, struct sockaddr *address, socklen_t *length)
{
    return tcpip_getpeername(ctx, fd, address, length);
}

static int sockets_getsockopt(void *ctx, int fd, int level, int name, void *value, socklen_t *length)
{
    return tcpip_getsockopt(ctx, fd, level, name, value, length);
}

static int sockets_setsockopt(void *ctx, int fd, int level, int name, const void *value, socklen_t length)
{
    return tcpip_setsockopt(ctx, fd, level, name, value, length);
}

static int sockets_poll(void *ctx, struct pollfd *fds, nfds_t count, int timeout_ms)
{
    return tcpip_poll(ctx, fds, count, timeout_ms);
}

static int sockets_ioctl(void *ctx, int fd, unsigned long request, int *value)
{
    return tcpip_ioctl(ctx, fd, request, value);
}

const struct calls socket_calls = {
    .socket = sockets_socket,
    .socketpair = sockets_socketpair,
    .close = sockets_close,
    .bind = sockets_bind,
    .unlink = sockets_unlink,
    .connect = sockets_connect,
    .listen = sockets_listen,
    .accept4 = sockets_accept4,
    .sendmsg = sockets_sendmsg,
    .recvmsg = sockets_recvmsg,
    .shutdown = sockets_shutdown,
    .getsockname = sockets_getsockname,
    .getpeername = sockets_getpeername,
    .getsockopt = sockets_getsockopt,
    .setsockopt = sockets_setsockopt,
    .poll = sockets_poll,
    .ioctl = sockets_ioctl,
};
