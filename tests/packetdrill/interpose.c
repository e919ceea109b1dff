// SPDX-License-Identifier: MIT
/* interpose.c: calls that packetdrill makes to libc even with a library under test.
 *
 * The data for %{ }% come from libc's getsockopt, and sendfile is libc's too; so the object is also preloaded, and
 * passes on what isn't ours. times is packetdrill's spin at start: it waits for ten ticks of a real clock. Here each
 * look is a tick. system runs what scripts do to the kernel, some of which is meant for us. */
#include "adapter.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/times.h>

#define PACKETDRILL_EXPORT __attribute__((visibility("default")))

static bool is_ours(int fd)
{
    return the_adapter != NULL && the_adapter->sockets != NULL && tcpip_is_socket(the_adapter->sockets, fd);
}

/* libc's, which this object's own hides. */
static void *libc_function(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL)
        adapter_fail(name, "libc hasn't got it");
    return function;
}

PACKETDRILL_EXPORT int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict length)
{
    if (is_ours(fd)) {
        clock_call_begins(the_adapter);
        int result = tcpip_getsockopt(the_adapter->sockets, fd, level, name, value, length);
        int error = errno;
        clock_call_ends(the_adapter);
        errno = error;
        return result;
    }
    int (*libc)(int, int, int, void *, socklen_t *);
    *(void **)&libc = libc_function("getsockopt");
    return libc(fd, level, name, value, length);
}

/* `ip tcp_metrics flush` forgets the cookies that a client was given: the kernel's, and ours. */
PACKETDRILL_EXPORT int system(const char *command)
{
    if (command != NULL && strstr(command, "tcp_metrics flush") != NULL && the_adapter != NULL &&
        the_adapter->sockets != NULL) {
        tcpip_sockets_lock(the_adapter->sockets);
        tcpip_tcp_forget_fast_open(the_adapter->stack);
        tcpip_sockets_unlock(the_adapter->sockets);
    }
    int (*libc)(const char *);
    *(void **)&libc = libc_function("system");
    return libc(command);
}

static ssize_t send_file(int out, int in, off64_t *offset, size_t size)
{
    if (is_ours(out)) {
        clock_call_begins(the_adapter);
        ssize_t result = tcpip_sendfile(the_adapter->sockets, out, in, offset, size);
        int error = errno;
        clock_call_ends(the_adapter);
        errno = error;
        return result;
    }
    ssize_t (*libc)(int, int, off64_t *, size_t);
    *(void **)&libc = libc_function("sendfile64");
    return libc(out, in, offset, size);
}

/* By the symbol of programs whose off_t a macro made 64 bits wide, and by the plain one; here it is that anyway. */
PACKETDRILL_EXPORT ssize_t sendfile64(int out, int in, off64_t *offset, size_t size)
{
    return send_file(out, in, offset, size);
}

PACKETDRILL_EXPORT ssize_t plain_sendfile(int out, int in, off64_t *offset, size_t size) __asm__("sendfile");

PACKETDRILL_EXPORT ssize_t plain_sendfile(int out, int in, off64_t *offset, size_t size)
{
    return send_file(out, in, offset, size);
}

PACKETDRILL_EXPORT clock_t times(struct tms *out)
{
    static clock_t ticks;
    if (the_adapter != NULL && out == NULL)
        return ++ticks;
    clock_t (*libc)(struct tms *);
    *(void **)&libc = libc_function("times");
    return libc(out);
}
