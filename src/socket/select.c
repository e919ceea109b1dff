// SPDX-License-Identifier: MIT
/* select.c: select and pselect: bits of three sets to entries of poll, and back.
 *
 * Sets are as long as `count` says, not as fd_set is: the words are read as they are. As in the kernel, a hung-up file
 * is readable, a file with an error both readable and writable, and the third set is for POLLPRI.
 *
 * Owns:     nothing.
 * Not here: waiting (poll.c). */
#include "base/math.h"
#include "socket/polling.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>
#include <tcpip/stack.h>
#include <unistd.h>

enum {
    SELECT_WORD_BITS = sizeof(unsigned long) * CHAR_BIT,
    SELECT_FEW = 16,
    SELECT_IN = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR,
    SELECT_OUT = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR,
    SELECT_EXCEPT = POLLPRI,
};

struct select_sets {
    unsigned long *in, *out, *except; /* the caller's; any may be NULL */
    int count;
};

static bool select_has(const unsigned long *set, int fd)
{
    return set != NULL && (set[fd / SELECT_WORD_BITS] >> (fd % SELECT_WORD_BITS) & 1) != 0;
}

static void select_put(unsigned long *set, int fd, bool on)
{
    unsigned long bit = 1ul << (fd % SELECT_WORD_BITS);
    if (set != NULL)
        set[fd / SELECT_WORD_BITS] = on ? set[fd / SELECT_WORD_BITS] | bit : set[fd / SELECT_WORD_BITS] & ~bit;
}

static short select_events(const struct select_sets *sets, int fd)
{
    return (short)((select_has(sets->in, fd) ? SELECT_IN : 0) | (select_has(sets->out, fd) ? SELECT_OUT : 0) |
                   (select_has(sets->except, fd) ? SELECT_EXCEPT : 0));
}

/* How many descriptors the sets name; the entries too if `fds` isn't NULL. */
static nfds_t select_read(const struct select_sets *sets, struct pollfd *fds)
{
    nfds_t n = 0;
    for (int fd = 0; fd < sets->count; fd++) {
        short events = select_events(sets, fd);
        if (events == 0)
            continue;
        if (fds != NULL)
            fds[n] = (struct pollfd){.fd = fd, .events = events};
        n++;
    }
    return n;
}

/* Clears all bits but those of what is ready; how many those are. */
static int select_write(const struct select_sets *sets, const struct pollfd *fds, nfds_t n)
{
    int bits = 0;
    for (nfds_t i = 0; i < n; i++) {
        int fd = fds[i].fd, ready = fds[i].revents;
        bool in = select_has(sets->in, fd) && (ready & SELECT_IN) != 0;
        bool out = select_has(sets->out, fd) && (ready & SELECT_OUT) != 0;
        bool except = select_has(sets->except, fd) && (ready & SELECT_EXCEPT) != 0;
        select_put(sets->in, fd, in);
        select_put(sets->out, fd, out);
        select_put(sets->except, fd, except);
        bits += in + out + except;
    }
    return bits;
}

static bool select_closed(const struct pollfd *fds, nfds_t n)
{
    for (nfds_t i = 0; i < n; i++)
        if ((fds[i].revents & POLLNVAL) != 0)
            return true;
    return false;
}

/* How many descriptors the kernel has made room for in this process: it looks at no more bits. */
static int64_t select_kernels_room(void)
{
    static const char word[] = "FDSize:";
    char text[1024];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    const char *at = strstr(text, word);
    return at != NULL ? strtol(at + sizeof(word) - 1, NULL, 10) : INT_MAX;
}

/* A program may say any number, such as getdtablesize(), of sets that are as long as an fd_set: no more bits are looked
 * at than there is room for descriptors, as in the kernel. Up to FD_SETSIZE all are there anyway. */
static int select_most(struct tcpip_sockets *s, int count)
{
    if (count <= FD_SETSIZE)
        return count;
    tcpip_sockets_lock(s);
    int64_t own = s->descriptor_room;
    tcpip__sockets_unlock(s);
    own += s->options.private_descriptors ? s->options.first_descriptor : 0;
    return (int)min_i64(count, max_i64(own, select_kernels_room()));
}

static int select_run(struct tcpip_sockets *s, const struct select_sets *sets, tcpip_ns duration_ns,
                      const sigset_t *signals, tcpip_ns *until)
{
    struct pollfd few[SELECT_FEW], *fds = few;
    nfds_t n = select_read(sets, NULL);
    if (n > SELECT_FEW && (fds = malloc(n * sizeof(*fds))) == NULL)
        return tcpip__sockets_refuse(ENOMEM);
    (void)select_read(sets, fds);
    int ready = tcpip__poll(s, fds, n, duration_ns, signals, until);
    int number = errno;
    if (ready >= 0 && select_closed(fds, n)) {
        number = EBADF;
        ready = -1;
    }
    if (ready >= 0)
        ready = select_write(sets, fds, n);
    if (fds != few)
        free(fds);
    return ready < 0 ? tcpip__sockets_refuse(number) : ready;
}

static int select_check(struct tcpip_sockets *s, int count, fd_set *in, fd_set *out, fd_set *except,
                        struct select_sets *sets)
{
    if (count < 0)
        return EINVAL;
    *sets = (struct select_sets){(void *)in, (void *)out, (void *)except, select_most(s, count)};
    size_t bytes = ((size_t)sets->count + SELECT_WORD_BITS - 1) / SELECT_WORD_BITS * sizeof(unsigned long);
    fd_set *const all[] = {in, out, except};
    for (size_t i = 0; i < array_count(all); i++)
        if (all[i] != NULL && tcpip__pointer_writable(s, all[i], bytes) != 0)
            return EFAULT;
    return 0;
}

int tcpip_pselect(struct tcpip_sockets *s, int count, fd_set *in, fd_set *out, fd_set *except,
                  const struct timespec *timeout, const sigset_t *signals)
{
    struct select_sets sets;
    tcpip_ns duration_ns;
    int number = tcpip__poll_duration(timeout, &duration_ns);
    if (number == 0)
        number = select_check(s, count, in, out, except, &sets);
    return number != 0 ? tcpip__sockets_refuse(number) : select_run(s, &sets, duration_ns, signals, NULL);
}

/* What is left of the time is written back, as Linux does. */
int tcpip_select(struct tcpip_sockets *s, int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
    struct select_sets sets;
    tcpip_ns duration_ns = TCPIP_NEVER, until = 0;
    int number = 0;
    if (timeout != NULL) {
        if (timeout->tv_sec < 0 || timeout->tv_usec < 0)
            return tcpip__sockets_refuse(EINVAL);
        struct timespec spec = {timeout->tv_sec + timeout->tv_usec / 1000000, timeout->tv_usec % 1000000 * 1000};
        number = tcpip__poll_duration(&spec, &duration_ns);
    }
    if (number == 0)
        number = select_check(s, count, in, out, except, &sets);
    if (number != 0)
        return tcpip__sockets_refuse(number);
    int ready = select_run(s, &sets, duration_ns, NULL, &until);
    if (timeout != NULL && duration_ns != TCPIP_NEVER) {
        tcpip_sockets_lock(s);
        tcpip_ns left = max_i64(until - tcpip_stack_now(s->stack), 0);
        tcpip__sockets_unlock(s);
        timeout->tv_sec = left / TCPIP_SECOND;
        timeout->tv_usec = left % TCPIP_SECOND / TCPIP_US;
    }
    return ready;
}
