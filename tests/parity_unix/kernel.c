// SPDX-License-Identifier: MIT
/* kernel.c: the kernel's calls. */
#include "twin.h"

#include <sys/ioctl.h>
#include <unistd.h>

static int kernel_socket(void *ctx, int domain, int type, int protocol)
{
    (void)ctx;
    return socket(domain, type, protocol);
}

static int kernel_socketpair(void *ctx, int domain, int type, int protocol, int *pair)
{
    (void)ctx;
    return socketpair(domain, type, protocol, pair);
}

static int kernel_close(void *ctx, int fd)
{
    (void)ctx;
    return close(fd);
}

static int kernel_bind(void *ctx, int fd, const struct sockaddr *address, socklen_t length)
{
    (void)ctx;
    return bind(fd, address, length);
}

static int kernel_unlink(void *ctx, const char *path)
{
    (void)ctx;
    return unlink(path);
}

static int kernel_connect(void *ctx, int fd, const struct sockaddr *address, socklen_t length)
{
    (void)ctx;
    return connect(fd, address, length);
}

static int kernel_listen(void *ctx, int fd, int backlog)
{
    (void)ctx;
    return listen(fd, backlog);
}

static int kernel_accept4(void *ctx, int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    (void)ctx;
    return accept4(fd, address, length, flags);
}

static ssize_t kernel_sendmsg(void *ctx, int fd, const struct msghdr *message, int flags)
{
    (void)ctx;
    return sendmsg(fd, message, flags);
}

static ssize_t kernel_recvmsg(void *ctx, int fd, struct msghdr *message, int flags)
{
    (void)ctx;
    return recvmsg(fd, message, flags);
}

static int kernel_shutdown(void *ctx, int fd, int how)
{
    (void)ctx;
    return shutdown(fd, how);
}

static int kernel_getsockname(void *ctx, int fd, struct sockaddr *address, socklen_t *length)
{
    (void)ctx;
    return getsockname(fd, address, length);
}

static int kernel_getpeername(void *ctx, int fd, struct sockaddr *address, socklen_t *length)
{
    (void)ctx;
    return getpeername(fd, address, length);
}

static int kernel_getsockopt(void *ctx, int fd, int level, int name, void *value, socklen_t *length)
{
    (void)ctx;
    return getsockopt(fd, level, name, value, length);
}

static int kernel_setsockopt(void *ctx, int fd, int level, int name, const void *value, socklen_t length)
{
    (void)ctx;
    return setsockopt(fd, level, name, value, length);
}

static int kernel_poll(void *ctx, struct pollfd *fds, nfds_t count, int timeout_ms)
{
    (void)ctx;
    return poll(fds, count, timeout_ms);
}

static int kernel_ioctl(void *ctx, int fd, unsigned long request, int *value)
{
    (void)ctx;
    return ioctl(fd, request, value);
}

const struct calls kernel_calls = {
    .socket = kernel_socket,
    .socketpair = kernel_socketpair,
    .close = kernel_close,
    .bind = kernel_bind,
    .unlink = kernel_unlink,
    .connect = kernel_connect,
    .listen = kernel_listen,
    .accept4 = kernel_accept4,
    .sendmsg = kernel_sendmsg,
    .recvmsg = kernel_recvmsg,
    .shutdown = kernel_shutdown,
    .getsockname = kernel_getsockname,
    .getpeername = kernel_getpeername,
    .getsockopt = kernel_getsockopt,
    .setsockopt = kernel_setsockopt,
    .poll = kernel_poll,
    .ioctl = kernel_ioctl,
};
