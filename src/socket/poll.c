// SPDX-License-Identifier: MIT
/* poll.c: poll and ppoll, over our files and the kernel's at once.
 *
 * Our files tell by their watches; the kernel's are polled by the same system call in which the thread sleeps
 * (wait.h). After each wake-up everything is looked at again: who woke us says only that it is worth while.
 *
 * Owns:       poll_set, for one call.
 * Invariants: every file of a set is held by a reference until the call ends; its watch is on while the call sleeps.
 * Not here:   select's sets (select.c), epoll (epoll.c), sleeping (wait.c). */
#include "socket/polling.h"

#include "base/math.h"
#include "socket/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

enum {
    POLL_FEW = 8,        /* entries that need no memory */
    POLL_ANY_LIMIT = 16, /* no process lives with fewer descriptors */
};

struct poll_entry {
    struct file_watch watch;
    struct open_file *file; /* NULL: one of the kernel's, or none */
    struct wait *wait;
    uint32_t kernel; /* its place among the kernel's; 0: none */
};

struct poll_set {
    struct tcpip_sockets *s;
    struct pollfd *fds; /* the caller's */
    uint32_t count;
    struct poll_entry *entries;
    struct wait wait;
    struct pollfd *kernel; /* WAIT_KERNEL_SPARE, then the kernel's */
    uint32_t kernel_count, kernel_room;
    uint64_t version; /* sockets->kernels_version, of which these are */
    void *memory;     /* NULL: the few */
    size_t memory_bytes;
    struct poll_entry few[POLL_FEW];
    struct pollfd few_kernel[POLL_FEW + WAIT_KERNEL_SPARE];
};

/* ---- poll's words ---- */

STATIC_ASSERT(TCPIP_EVENT_IN == POLLIN && TCPIP_EVENT_PRI == POLLPRI && TCPIP_EVENT_OUT == POLLOUT &&
              TCPIP_EVENT_ERR == POLLERR && TCPIP_EVENT_HUP == POLLHUP && TCPIP_EVENT_RDHUP == POLLRDHUP);

uint32_t tcpip__file_poll(const struct open_file *file)
{
    uint32_t ready = file->ops->readiness(file);
    if ((ready & POLLIN) != 0)
        ready |= POLLRDNORM;
    if (file->ops->kind != FILE_SOCKET)
        return ready;
    const struct socket *so = container_of(file, const struct socket, file);
    if ((ready & POLLERR) != 0 && so->type == SOCK_DGRAM &&
        tcpip__socket_kept(&so->options, KEPT_SELECT_ERR_QUEUE) != 0)
        ready |= POLLPRI;
    if ((ready & POLLOUT) != 0) {
        /* Linux's TCP knows no priority bands, and its datagram and unix sockets say that they do. */
        bool tcp = so->type == SOCK_STREAM && so->domain != AF_UNIX;
        ready |= tcp ? POLLWRNORM : POLLWRNORM | POLLWRBAND;
    }
    return ready;
}

uint32_t tcpip__poll_causes(uint32_t events)
{
    uint32_t causes = events & (POLLIN | POLLPRI | POLLOUT | POLLRDHUP);
    if ((events & POLLRDNORM) != 0)
        causes |= TCPIP_EVENT_IN;
    if ((events & (POLLWRNORM | POLLWRBAND)) != 0)
        causes |= TCPIP_EVENT_OUT;
    return causes;
}

int tcpip__poll_duration(const struct timespec *timeout, tcpip_ns *out)
{
    *out = TCPIP_NEVER;
    if (timeout == NULL)
        return 0;
    if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= TCPIP_SECOND)
        return EINVAL;
    if (timeout->tv_sec < TCPIP_NEVER / TCPIP_SECOND - 1)
        *out = timeout->tv_sec * TCPIP_SECOND + timeout->tv_nsec;
    return 0;
}

/* ---- a set ---- */

static void poll_heard(struct file_watch *watch, uint32_t ready)
{
    (void)ready;
    tcpip__wait_signal(container_of(watch, struct poll_entry, watch)->wait);
}

static void poll_add_kernel(struct poll_set *set, int fd, short events)
{
    set->kernel[set->kernel_count++] = (struct pollfd){.fd = fd, .events = events};
}

/* An epoll instance is only ever readable: who doesn't ask for that isn't woken by what is in it. */
static bool poll_sees_kernels(const struct open_file *file, short events)
{
    return file->ops->kind == FILE_EPOLL && (events & (POLLIN | POLLRDNORM)) != 0;
}

static void poll_add(struct poll_set *set, uint32_t i)
{
    struct poll_entry *entry = &set->entries[i];
    const struct pollfd *fd = &set->fds[i];
    if (fd->fd < 0)
        return;
    struct open_file *file = tcpip__sockets_file(set->s, fd->fd);
    if (file == NULL) {
        entry->kernel = set->kernel_count;
        poll_add_kernel(set, fd->fd, fd->events);
        return;
    }
    file_ref(file);
    entry->file = file;
    entry->wait = &set->wait;
    entry->watch = (struct file_watch){.mask = tcpip__poll_causes((uint16_t)fd->events), .fn = poll_heard};
    file_watch_begin(file, &entry->watch);
    /* These only wake us: the epoll file is asked. */
    if (poll_sees_kernels(file, fd->events))
        set->kernel_count +=
            tcpip__epoll_kernels(file, set->kernel + set->kernel_count, set->kernel_room - set->kernel_count);
}

/* How many descriptors of the kernel's there will be. */
static uint32_t poll_kernel_room(const struct poll_set *set)
{
    uint32_t room = WAIT_KERNEL_SPARE;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct pollfd *fd = &set->fds[i];
        const struct open_file *file = fd->fd >= 0 ? tcpip__sockets_file(set->s, fd->fd) : NULL;
        if (file == NULL)
            room += fd->fd >= 0;
        else if (poll_sees_kernels(file, fd->events))
            room += tcpip__epoll_kernels(file, NULL, 0);
    }
    return room;
}

/* The kernel's own poll takes no more entries than a process may have open. Ours are two of them. */
static bool poll_kernel_refuses(uint32_t entries)
{
    struct rlimit limit;
    return entries > POLL_ANY_LIMIT && getrlimit(RLIMIT_NOFILE, &limit) == 0 && entries > limit.rlim_cur;
}

static int poll_begin(struct poll_set *set)
{
    memset(set->few, 0, sizeof(set->few));
    set->memory = NULL;
    set->entries = set->few;
    set->kernel = set->few_kernel;
    set->kernel_count = WAIT_KERNEL_SPARE;
    set->kernel_room = poll_kernel_room(set);
    set->version = set->s->kernels_version;
    if (poll_kernel_refuses(set->kernel_room))
        return EINVAL;
    if (set->count > POLL_FEW || set->kernel_room > array_count(set->few_kernel)) {
        size_t entries = set->count * sizeof(*set->entries);
        set->memory_bytes = entries + set->kernel_room * sizeof(*set->kernel);
        set->memory = tcpip__sockets_alloc(set->s, set->memory_bytes);
        if (set->memory == NULL)
            return ENOMEM;
        set->entries = set->memory;
        set->kernel = (void *)((char *)set->memory + entries);
    }
    tcpip__wait_begin(&set->wait, set->s);
    for (uint32_t i = 0; i < set->count; i++)
        poll_add(set, i);
    set->wait.kernel = set->kernel_count > WAIT_KERNEL_SPARE ? set->kernel : NULL;
    set->wait.kernel_count = set->wait.kernel != NULL ? set->kernel_count : 0;
    return 0;
}

static void poll_end(struct poll_set *set)
{
    tcpip__wait_end(&set->wait);
    for (uint32_t i = 0; i < set->count; i++)
        file_watch_end(&set->entries[i].watch);
    /* Letting a file go may let the lock go: only now that nothing is watched. */
    for (uint32_t i = 0; i < set->count; i++)
        if (set->entries[i].file != NULL)
            tcpip__file_unref(set->entries[i].file);
    if (set->memory != NULL)
        tcpip__sockets_dealloc(set->s, set->memory, set->memory_bytes);
}

/* Fills in revents; how many have some. */
static int poll_look(struct poll_set *set)
{
    int ready = 0;
    uint32_t kernel = set->kernel_count - WAIT_KERNEL_SPARE;
    if (kernel > 0 && poll(set->kernel + WAIT_KERNEL_SPARE, kernel, 0) < 0)
        for (uint32_t i = 0; i < kernel; i++)
            set->kernel[WAIT_KERNEL_SPARE + i].revents = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        struct pollfd *fd = &set->fds[i];
        const struct poll_entry *entry = &set->entries[i];
        uint32_t asked = (uint16_t)fd->events | POLLERR | POLLHUP;
        /* What is closed while we wait isn't there when we look again, as in the kernel. */
        bool closed = entry->file != NULL && tcpip__sockets_file(set->s, fd->fd) == NULL;
        fd->revents = closed                ? (short)POLLNVAL
                      : entry->file != NULL ? (short)(tcpip__file_poll(entry->file) & asked)
                      : entry->kernel != 0  ? set->kernel[entry->kernel].revents
                                            : (short)0;
        ready += fd->revents != 0;
    }
    return ready;
}

/* An errno, or 0 and how many are ready; EAGAIN: epoll instances among them have more to sleep on, begin anew. */
static int poll_wait(struct poll_set *set, tcpip_ns until, int *ready)
{
    int number = 0;
    while ((*ready = poll_look(set)) == 0) {
        if (number != 0)
            return number == ETIMEDOUT ? 0 : number;
        if (set->version != set->s->kernels_version)
            return EAGAIN;
        number = tcpip__wait_sleep(&set->wait, until);
    }
    return 0;
}

/* More than a process could have open. */
static bool poll_too_many(const struct tcpip_sockets *s, nfds_t count)
{
    struct rlimit limit;
    if (count <= s->options.max_descriptors)
        return false;
    return getrlimit(RLIMIT_NOFILE, &limit) != 0 || count > limit.rlim_cur;
}

int tcpip__poll(struct tcpip_sockets *s, struct pollfd *fds, nfds_t count, tcpip_ns duration_ns,
                const sigset_t *signals, tcpip_ns *until)
{
    if (poll_too_many(s, count))
        return tcpip__sockets_refuse(EINVAL);
    if (tcpip__pointer_writable(s, fds, count * sizeof(*fds)) != 0)
        return tcpip__sockets_refuse(EFAULT);
    struct poll_set set = {.s = s, .fds = fds, .count = (uint32_t)count, .wait.signals = signals};
    int ready = 0;
    tcpip_sockets_lock(s);
    tcpip_ns end = tcpip__wait_until(s, duration_ns);
    int number;
    do {
        number = poll_begin(&set);
        if (number != 0)
            break;
        number = poll_wait(&set, end, &ready);
        poll_end(&set);
    } while (number == EAGAIN);
    if (until != NULL)
        *until = end;
    return (int)tcpip__sockets_leave(s, NULL, number, ready);
}

/* ---- the calls ---- */

int tcpip_poll(struct tcpip_sockets *s, struct pollfd *fds, nfds_t count, int timeout_ms)
{
    return tcpip__poll(s, fds, count, timeout_ms < 0 ? TCPIP_NEVER : timeout_ms * TCPIP_MS, NULL, NULL);
}

int tcpip_ppoll(struct tcpip_sockets *s, struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                const sigset_t *signals)
{
    tcpip_ns duration_ns;
    if (tcpip__poll_duration(timeout, &duration_ns) != 0)
        return tcpip__sockets_refuse(EINVAL);
    return tcpip__poll(s, fds, count, duration_ns, signals, NULL);
}
