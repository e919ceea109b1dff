// SPDX-License-Identifier: MIT
/* interface.c: packetdrill_interface_init, and the calls: each is the socket layer's, with the clock around it.
 *
 * What isn't a socket of ours (a pipe, a file that a script opened) is libc's.
 *
 * Not here: time (clock.c), packets (wire.c), settings (sysctl.c). */
#include "adapter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

struct adapter *the_adapter;

_Noreturn void adapter_fail(const char *what, const char *why)
{
    fprintf(stderr, "libtcpip-packetdrill: %s: %s\n", what, why);
    exit(1);
}

/* ---- birth and end ---- */

void adapter_start(struct adapter *adapter)
{
    if (adapter->stack != NULL)
        return;
    struct tcpip_limits limits;
    struct tcpip_sockets_options options = {
        .size = sizeof options,
        .drive = TCPIP_SOCKETS_DRIVE_OUTSIDE,
        .probe_pointers = true, /* scripts pass bad ones */
        .step = clock_may_sleep,
        .ctx = adapter,
    };
    tcpip_limits_default(&limits);
    sysctl_limits(&limits);
    enum tcpip_error error = tcpip_stack_new(&adapter->env.env, &limits, &tcpip_protocols_all, &adapter->stack);
    if (error != TCPIP_OK)
        adapter_fail("tcpip_stack_new", tcpip_error_text(error));
    wire_open(adapter);
    error = tcpip_sockets_new(adapter->stack, &options, &adapter->sockets);
    if (error != TCPIP_OK)
        adapter_fail("tcpip_sockets_new", tcpip_error_text(error));
}

static void adapter_free(void *userdata)
{
    struct adapter *adapter = userdata;
    if (adapter->stack != NULL) {
        clock_settle(adapter);
        tcpip_sockets_free(adapter->sockets);
        tcpip_stack_free(adapter->stack);
        wire_close(adapter);
    }
    test_env_fini(&adapter->env); /* everything came back */
    pthread_cond_destroy(&adapter->changed);
    pthread_mutex_destroy(&adapter->mutex);
    the_adapter = NULL;
    free(adapter);
}

/* ---- calls ---- */

static bool is_ours(const struct adapter *adapter, int fd)
{
    return adapter->sockets != NULL && tcpip_is_socket(adapter->sockets, fd);
}

/* Makes `call` of the sockets with the clock around it; the function's body. */
#define CALL(type, call)                                   \
    struct tcpip_sockets *sockets = call_begins(userdata); \
    type result = (call);                                  \
    call_ends(userdata);                                   \
    return result

static struct tcpip_sockets *call_begins(struct adapter *adapter)
{
    adapter_start(adapter);
    sysctl_defaults(adapter);
    clock_call_begins(adapter);
    return adapter->sockets;
}

static void call_ends(struct adapter *adapter)
{
    int error = errno;
    clock_call_ends(adapter);
    errno = error;
}

static int call_socket(void *userdata, int domain, int type, int protocol)
{
    CALL(int, tcpip_socket(sockets, domain, type, protocol));
}

static int call_bind(void *userdata, int fd, const struct sockaddr *address, socklen_t length)
{
    adapter_start(userdata);
    wire_own_address(userdata, address, length);
    CALL(int, tcpip_bind(sockets, fd, address, length));
}

static int call_listen(void *userdata, int fd, int backlog)
{
    CALL(int, tcpip_listen(sockets, fd, backlog));
}

static int call_accept(void *userdata, int fd, struct sockaddr *address, socklen_t *length)
{
    CALL(int, tcpip_accept(sockets, fd, address, length));
}

static int call_connect(void *userdata, int fd, const struct sockaddr *address, socklen_t length)
{
    CALL(int, tcpip_connect(sockets, fd, address, length));
}

static ssize_t call_read(void *userdata, int fd, void *data, size_t size)
{
    if (!is_ours(userdata, fd))
        return read(fd, data, size);
    CALL(ssize_t, tcpip_read(sockets, fd, data, size));
}

static ssize_t call_readv(void *userdata, int fd, const struct iovec *iov, int count)
{
    if (!is_ours(userdata, fd))
        return readv(fd, iov, count);
    CALL(ssize_t, tcpip_readv(sockets, fd, iov, count));
}

static ssize_t call_recv(void *userdata, int fd, void *data, size_t size, int flags)
{
    CALL(ssize_t, tcpip_recv(sockets, fd, data, size, flags));
}

static ssize_t call_recvfrom(void *userdata, int fd, void *data, size_t size, int flags, struct sockaddr *address,
                             socklen_t *length)
{
    CALL(ssize_t, tcpip_recvfrom(sockets, fd, data, size, flags, address, length));
}

static ssize_t call_recvmsg(void *userdata, int fd, struct msghdr *message, int flags)
{
    CALL(ssize_t, tcpip_recvmsg(sockets, fd, message, flags));
}

static ssize_t call_write(void *userdata, int fd, const void *data, size_t size)
{
    if (!is_ours(userdata, fd))
        return write(fd, data, size);
    CALL(ssize_t, tcpip_write(sockets, fd, data, size));
}

static ssize_t call_writev(void *userdata, int fd, const struct iovec *iov, int count)
{
    if (!is_ours(userdata, fd))
        return writev(fd, iov, count);
    CALL(ssize_t, tcpip_writev(sockets, fd, iov, count));
}

static ssize_t call_send(void *userdata, int fd, const void *data, size_t size, int flags)
{
    CALL(ssize_t, tcpip_send(sockets, fd, data, size, flags));
}

static ssize_t call_sendto(void *userdata, int fd, const void *data, size_t size, int flags,
                           const struct sockaddr *address, socklen_t length)
{
    CALL(ssize_t, tcpip_sendto(sockets, fd, data, size, flags, address, length));
}

static ssize_t call_sendmsg(void *userdata, int fd, const struct msghdr *message, int flags)
{
    CALL(ssize_t, tcpip_sendmsg(sockets, fd, message, flags));
}

/* The one argument behind is a number or a pointer: either fills a register. */
static int call_fcntl(void *userdata, int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    if (!is_ours(userdata, fd))
        return fcntl(fd, command, argument);
    CALL(int, tcpip_fcntl(sockets, fd, command, argument));
}

static int call_ioctl(void *userdata, int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (!is_ours(userdata, fd))
        return ioctl(fd, request, argument);
    CALL(int, tcpip_ioctl(sockets, fd, request, argument));
}

static int call_close(void *userdata, int fd)
{
    if (!is_ours(userdata, fd))
        return close(fd);
    CALL(int, tcpip_close(sockets, fd));
}

static int call_shutdown(void *userdata, int fd, int how)
{
    CALL(int, tcpip_shutdown(sockets, fd, how));
}

static int call_getsockopt(void *userdata, int fd, int level, int name, void *value, socklen_t *length)
{
    CALL(int, tcpip_getsockopt(sockets, fd, level, name, value, length));
}

static int call_setsockopt(void *userdata, int fd, int level, int name, const void *value, socklen_t length)
{
    CALL(int, tcpip_setsockopt(sockets, fd, level, name, value, length));
}

static int call_poll(void *userdata, struct pollfd *fds, nfds_t count, int timeout)
{
    CALL(int, tcpip_poll(sockets, fds, count, timeout));
}

static int call_epoll_create(void *userdata, int size)
{
    CALL(int, tcpip_epoll_create(sockets, size));
}

static int call_epoll_ctl(void *userdata, int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    CALL(int, tcpip_epoll_ctl(sockets, epoll_fd, operation, fd, event));
}

static int call_epoll_wait(void *userdata, int epoll_fd, struct epoll_event *events, int count, int timeout)
{
    CALL(int, tcpip_epoll_wait(sockets, epoll_fd, events, count, timeout));
}

static int call_pipe(void *userdata, int fds[2])
{
    (void)userdata;
    return pipe(fds);
}

static int call_splice(void *userdata, int in, loff_t *in_offset, int out, loff_t *out_offset, size_t size,
                       unsigned int flags)
{
    loff_t *in_at = in_offset != NULL && *in_offset != 0 ? in_offset : NULL; /* packetdrill can't say "none" */
    loff_t *out_at = out_offset != NULL && *out_offset != 0 ? out_offset : NULL;
    if (!is_ours(userdata, in) && !is_ours(userdata, out))
        return (int)splice(in, in_at, out, out_at, size, flags);
    CALL(int, (int)tcpip_splice(sockets, in, in_at, out, out_at, size, flags));
}

/* ---- the table ---- */

__attribute__((visibility("default"))) packetdrill_interface_init_fn packetdrill_interface_init;

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *interface)
{
    struct adapter *adapter = calloc(1, sizeof *adapter);
    if (adapter == NULL || the_adapter != NULL)
        adapter_fail("packetdrill_interface_init", "one at a time");
    test_env_init(&adapter->env, 1);
    adapter->driver = pthread_self();
    pthread_mutex_init(&adapter->mutex, NULL);
    pthread_cond_init(&adapter->changed, NULL);
    invocation_read(flags, &adapter->invocation);
    the_adapter = adapter;
    *interface = (struct packetdrill_interface){
        .userdata = adapter,
        .free = adapter_free,
        .socket = call_socket,
        .bind = call_bind,
        .listen = call_listen,
        .accept = call_accept,
        .connect = call_connect,
        .read = call_read,
        .readv = call_readv,
        .recv = call_recv,
        .recvfrom = call_recvfrom,
        .recvmsg = call_recvmsg,
        .write = call_write,
        .writev = call_writev,
        .send = call_send,
        .sendto = call_sendto,
        .sendmsg = call_sendmsg,
        .fcntl = call_fcntl,
        .ioctl = call_ioctl,
        .close = call_close,
        .shutdown = call_shutdown,
        .getsockopt = call_getsockopt,
        .setsockopt = call_setsockopt,
        .poll = call_poll,
        .netdev_send = wire_send,
        .netdev_receive = wire_receive,
        .usleep = clock_usleep,
        .gettimeofday = clock_gettimeofday,
        .epoll_create = call_epoll_create,
        .epoll_ctl = call_epoll_ctl,
        .epoll_wait = call_epoll_wait,
        .pipe = call_pipe,
        .splice = call_splice,
    };
}
