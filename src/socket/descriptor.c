// SPDX-License-Identifier: MIT
/* descriptor.c: dup and fcntl: several numbers for one file, and their flags.
 *
 * Owns:     nothing.
 * Not here: the table (table.c). */
#include "socket/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/resource.h>

enum { DESCRIPTOR_SETTABLE = O_NONBLOCK | O_ASYNC | O_APPEND | O_NOATIME };

/* Another number for the file, at least `lowest`; takes a reference. */
static int descriptor_dup(struct tcpip_sockets *s, struct open_file *file, int lowest, bool close_on_exec, int *fd)
{
    int number = tcpip__descriptor_reserve(s, lowest, fd);
    if (number != 0)
        return number;
    file_ref(file);
    tcpip__descriptor_install(s, *fd, file, close_on_exec);
    return 0;
}

int tcpip_dup(struct tcpip_sockets *s, int fd)
{
    int copy = -1;
    struct open_file *file = tcpip__sockets_enter(s, fd);
    if (file == NULL)
        return -1;
    int number = descriptor_dup(s, file, 0, false, &copy);
    return (int)tcpip__sockets_leave(s, file, number, copy);
}

static int descriptor_dup_to(struct tcpip_sockets *s, int fd, int new_fd, bool close_on_exec)
{
    struct open_file *was = NULL, *file = tcpip__sockets_enter(s, fd);
    if (file == NULL)
        return -1;
    if (fd == new_fd)
        return (int)tcpip__sockets_leave(s, file, 0, new_fd);
    int number = tcpip__descriptor_claim(s, fd, new_fd, &was);
    if (number == 0) {
        file_ref(file);
        tcpip__descriptor_install(s, new_fd, file, close_on_exec);
        if (was != NULL)
            tcpip__file_unref(was);
    }
    return (int)tcpip__sockets_leave(s, file, number, new_fd);
}

int tcpip_dup2(struct tcpip_sockets *s, int fd, int new_fd)
{
    return descriptor_dup_to(s, fd, new_fd, false);
}

int tcpip_dup3(struct tcpip_sockets *s, int fd, int new_fd, int flags)
{
    if (fd == new_fd || (flags & ~O_CLOEXEC) != 0)
        return tcpip__sockets_refuse(EINVAL);
    return descriptor_dup_to(s, fd, new_fd, flags != 0);
}

/* Numbers are below it. */
static uint64_t descriptor_limit(const struct tcpip_sockets *s)
{
    struct rlimit limit;
    uint64_t limit_own = s->options.max_descriptors;
    if (s->options.private_descriptors)
        return limit_own + (uint64_t)s->options.first_descriptor;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return limit_own;
    return limit.rlim_cur < limit_own ? limit.rlim_cur : limit_own;
}

static int descriptor_control(struct tcpip_sockets *s, struct open_file *file, int fd, int command, int argument,
                              int *result)
{
    bool *close_on_exec = tcpip__descriptor_close_on_exec(s, fd);
    *result = 0;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        if (argument < 0 || (uint32_t)argument >= descriptor_limit(s))
            return EINVAL;
        return descriptor_dup(s, file, argument, command == F_DUPFD_CLOEXEC, result);
    case F_GETFD:
        *result = *close_on_exec ? FD_CLOEXEC : 0;
        return 0;
    case F_SETFD:
        *close_on_exec = (argument & FD_CLOEXEC) != 0;
        return 0;
    case F_GETFL:
        *result = file->status_flags;
        return 0;
    case F_SETFL:
        if ((argument & O_DIRECT) != 0)
            return EINVAL;
        file->status_flags = (file->status_flags & ~DESCRIPTOR_SETTABLE) | (argument & DESCRIPTOR_SETTABLE);
        return 0;
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
        return EBADF;
    default:
        return EINVAL;
    }
}

int tcpip_fcntl(struct tcpip_sockets *s, int fd, int command, ...)
{
    va_list arguments;
    int result = 0;
    va_start(arguments, command);
    int argument = (int)va_arg(arguments, long); /* as the kernel: an unsigned long, of which an int is used */
    va_end(arguments);
    struct open_file *file = tcpip__sockets_enter(s, fd);
    if (file == NULL)
        return -1;
    int number = descriptor_control(s, file, fd, command, argument, &result);
    return (int)tcpip__sockets_leave(s, file, number, result);
}
