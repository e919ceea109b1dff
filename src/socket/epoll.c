// SPDX-License-Identifier: MIT
/* epoll.c: epoll instances: which files are in one, and hearing of them.
 *
 * Our files tell by a watch, and are looked at when somebody waits. The kernel's descriptors are registered with an
 * epoll instance of the kernel's, with the caller's own event: edges, one-shot, what closing does, all that stays the
 * kernel's business.
 *
 * A registration is of (file, descriptor), as in the kernel: it outlives the descriptor while the file is open through
 * another one, and is gone with the file.
 *
 * An instance may be in another one, four deep; cycles are refused.
 *
 * Owns:       struct epoll, struct interest.
 * Invariants: an interest is in its instance's tree and watches its file until one of both is gone.
 * Not here:   waiting and collecting (epoll_wait.c). */
#include "socket/epoll.h"

#include "socket/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    EPOLL_NESTS_MAX = 4,
    EPOLL_EXCLUSIVE_ALLOWED = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP, /* and private bits */
};

/* ---- interests ---- */

struct interest_key {
    int fd;
    const struct open_file *file;
};

static int interest_compare(const struct tree_node *node, const void *key)
{
    const struct interest *interest = container_of(node, const struct interest, node);
    const struct interest_key *wanted = key;
    if (interest->fd != wanted->fd)
        return interest->fd < wanted->fd ? -1 : 1;
    uintptr_t a = (uintptr_t)interest->file, b = (uintptr_t)wanted->file;
    return a == b ? 0 : a < b ? -1 : 1;
}

static struct interest *interest_find(const struct epoll *epoll, int fd, const struct open_file *file)
{
    struct interest_key key = {fd, file};
    struct tree_node *node = tcpip__tree_find(&epoll->interests, interest_compare, &key);
    return node != NULL ? container_of(node, struct interest, node) : NULL;
}

uint32_t tcpip__interest_ready(const struct interest *interest)
{
    return tcpip__file_poll(interest->file) & interest->event.events & ~(uint32_t)EPOLL_PRIVATE;
}

bool tcpip__epoll_queue(struct interest *interest)
{
    struct epoll *epoll = interest->epoll;
    if (!list_node_linked(&interest->ready_node))
        list_push_back(&epoll->ready, &interest->ready_node);
    bool woke = tcpip__epoll_wake(epoll);
    tcpip__file_tell(&epoll->file, TCPIP_EVENT_IN);
    return woke;
}

static void interest_heard(struct file_watch *watch, uint32_t ready)
{
    struct interest *interest = container_of(watch, struct interest, watch);
    (void)ready;
    watch->woke = false;
    if ((interest->event.events & ~(uint32_t)EPOLL_PRIVATE) != 0)
        watch->woke = tcpip__epoll_queue(interest);
}

/* ---- the kernel's descriptors ---- */

static int epoll_open_theirs(struct epoll *epoll)
{
    if (epoll->theirs >= 0)
        return 0;
    epoll->theirs = epoll_create1(EPOLL_CLOEXEC);
    if (epoll->theirs < 0)
        return errno;
    /* Who sleeps, here or in what it is nested in, sleeps without it. */
    tcpip__waits_look_again(epoll->file.sockets);
    return 0;
}

/* Edges of a nested instance's kernel descriptors are the kernel's to tell: whether it is readable doesn't say that
 * something came again. */
static int interest_follow_edges(struct interest *interest, const struct epoll_event *event)
{
    struct epoll *outer = interest->epoll, *inner = epoll_of(interest->file);
    struct epoll_event edge = {.events = event->events & (EPOLLIN | EPOLLRDNORM | EPOLLET), .data = event->data};
    bool wanted = (event->events & (EPOLLET | EPOLLONESHOT)) == EPOLLET && (edge.events & ~(uint32_t)EPOLLET) != 0;
    if (!wanted) {
        if (interest->kernel_edge)
            (void)epoll_ctl(outer->theirs, EPOLL_CTL_DEL, inner->theirs, NULL);
        interest->kernel_edge = false;
        return 0;
    }
    int number = epoll_open_theirs(inner);
    if (number == 0)
        number = epoll_open_theirs(outer);
    int operation = interest->kernel_edge ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (number == 0 && epoll_ctl(outer->theirs, operation, inner->theirs, &edge) < 0)
        number = errno;
    interest->kernel_edge = interest->kernel_edge || number == 0;
    return number;
}

/* ---- the life of an interest ---- */

static void interest_free(struct interest *interest)
{
    struct epoll *epoll = interest->epoll;
    if (interest->kernel_edge)
        (void)epoll_ctl(epoll->theirs, EPOLL_CTL_DEL, epoll_of(interest->file)->theirs, NULL);
    file_watch_end(&interest->watch);
    list_remove_if_linked(&interest->ready_node);
    list_remove_if_linked(&interest->nested_node);
    tcpip__tree_remove(&epoll->interests, &interest->node);
    tcpip__sockets_dealloc(epoll->file.sockets, interest, sizeof(*interest));
}

static void interest_gone(struct file_watch *watch)
{
    interest_free(container_of(watch, struct interest, watch));
}

static int interest_listen(struct interest *interest, const struct epoll_event *event)
{
    int number = interest->file->ops->kind == FILE_EPOLL ? interest_follow_edges(interest, event) : 0;
    if (number != 0)
        return number;
    interest->event = *event;
    interest->event.events |= EPOLLERR | EPOLLHUP;
    interest->watch.mask = tcpip__poll_causes(interest->event.events);
    interest->watch.exclusive = (event->events & EPOLLEXCLUSIVE) != 0;
    if (tcpip__interest_ready(interest) != 0)
        (void)tcpip__epoll_queue(interest);
    if (interest->file->ops->kind == FILE_EPOLL) /* who sleeps, sleeps without what is in it */
        tcpip__waits_look_again(interest->epoll->file.sockets);
    return 0;
}

uint32_t tcpip__epoll_kernels(const struct open_file *file, struct pollfd *out, uint32_t room)
{
    const struct epoll *epoll = container_of(file, const struct epoll, file);
    uint32_t n = epoll->theirs >= 0;
    if (n > 0 && room > 0)
        out[0] = (struct pollfd){.fd = epoll->theirs, .events = POLLIN};
    list_for_each(node, &epoll->nested)
    {
        const struct interest *interest = container_of(node, struct interest, nested_node);
        bool fits = n < room;
        if (tcpip__interest_sees_kernel(interest))
            n += tcpip__epoll_kernels(interest->file, fits ? out + n : NULL, fits ? room - n : 0);
    }
    return n;
}

static int epoll_ctl_kernel(struct epoll *epoll, int operation, int fd, struct epoll_event *event)
{
    int number = epoll_open_theirs(epoll);
    if (number == 0 && epoll_ctl(epoll->theirs, operation, fd, event) < 0)
        number = errno;
    return number;
}

/* ---- nesting ---- */

/* Levels of instances below `epoll`, at most `most` + 1; that many too if `wanted` is among them. */
static int epoll_depth(const struct epoll *epoll, const struct epoll *wanted, int most)
{
    int depth = 0;
    if (epoll == wanted || most < 0)
        return EPOLL_NESTS_MAX + 1;
    list_for_each(node, &epoll->nested)
    {
        const struct interest *interest = container_of(node, struct interest, nested_node);
        int below = 1 + epoll_depth(epoll_of(interest->file), wanted, most - 1);
        depth = below > depth ? below : depth;
    }
    return depth;
}

/* Levels of instances that it is in. */
static int epoll_height(const struct epoll *epoll, int most)
{
    int height = 0;
    if (most < 0)
        return EPOLL_NESTS_MAX + 1;
    list_for_each(node, &epoll->file.watches)
    {
        const struct file_watch *watch = container_of(node, struct file_watch, node);
        if (watch->fn != interest_heard)
            continue;
        int above = 1 + epoll_height(container_of(watch, const struct interest, watch)->epoll, most - 1);
        height = above > height ? above : height;
    }
    return height;
}

/* ---- epoll_ctl ---- */

static int epoll_add(struct epoll *epoll, int fd, struct open_file *file, const struct epoll_event *event)
{
    struct interest_key key = {fd, file};
    bool nested = file->ops->kind == FILE_EPOLL;
    if (nested) {
        int below = epoll_depth(epoll_of(file), epoll, EPOLL_NESTS_MAX);
        if (below + 1 + epoll_height(epoll, EPOLL_NESTS_MAX) > EPOLL_NESTS_MAX)
            return ELOOP;
    }
    if (interest_find(epoll, fd, file) != NULL)
        return EEXIST;
    struct interest *interest = tcpip__sockets_alloc(epoll->file.sockets, sizeof(*interest));
    if (interest == NULL)
        return ENOMEM;
    interest->epoll = epoll;
    interest->file = file;
    interest->fd = fd;
    interest->watch.fn = interest_heard;
    interest->watch.gone = interest_gone;
    if (nested)
        list_push_back(&epoll->nested, &interest->nested_node);
    struct tree_node *there = tcpip__tree_insert(&epoll->interests, &interest->node, interest_compare, &key);
    ASSERT(there == NULL);
    file_watch_begin(file, &interest->watch);
    int number = interest_listen(interest, event);
    if (number != 0)
        interest_free(interest);
    return number;
}

static int epoll_change(struct epoll *epoll, int operation, int fd, struct open_file *file,
                        const struct epoll_event *event)
{
    struct interest *interest = interest_find(epoll, fd, file);
    if (interest == NULL)
        return ENOENT;
    if (operation == EPOLL_CTL_DEL) {
        interest_free(interest);
        return 0;
    }
    if ((interest->event.events & EPOLLEXCLUSIVE) != 0)
        return EINVAL;
    return interest_listen(interest, event);
}

static int epoll_ctl_ours(struct epoll *epoll, int operation, int fd, struct open_file *file,
                          const struct epoll_event *event)
{
    bool exclusive = event != NULL && (event->events & EPOLLEXCLUSIVE) != 0;
    if (exclusive) {
        uint32_t allowed = EPOLL_EXCLUSIVE_ALLOWED | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
        if (operation == EPOLL_CTL_MOD || file->ops->kind == FILE_EPOLL || (event->events & ~allowed) != 0)
            return EINVAL;
    }
    switch (operation) {
    case EPOLL_CTL_ADD:
        return epoll_add(epoll, fd, file, event);
    case EPOLL_CTL_MOD:
    case EPOLL_CTL_DEL:
        return epoll_change(epoll, operation, fd, file, event);
    default:
        return EINVAL;
    }
}

struct open_file *tcpip__epoll_enter(struct tcpip_sockets *s, int epfd)
{
    struct open_file *file = tcpip__sockets_enter(s, epfd);
    if (file == NULL && !s->options.private_descriptors && fcntl(epfd, F_GETFD) >= 0)
        (void)tcpip__sockets_refuse(EINVAL);
    return file;
}

int tcpip_epoll_ctl(struct tcpip_sockets *s, int epfd, int operation, int fd, struct epoll_event *event)
{
    struct epoll_event copy = {0};
    if (operation != EPOLL_CTL_DEL) {
        if (tcpip__pointer_readable(s, event, sizeof(copy)) != 0)
            return tcpip__sockets_refuse(EFAULT);
        copy = *event;
    }
    struct open_file *file = tcpip__epoll_enter(s, epfd);
    if (file == NULL)
        return -1;
    struct open_file *target = tcpip__sockets_file(s, fd);
    struct epoll_event *given = operation != EPOLL_CTL_DEL ? &copy : NULL;
    int number;
    if (target == NULL && fcntl(fd, F_GETFD) < 0)
        number = EBADF;
    else if (file->ops->kind != FILE_EPOLL || target == file)
        number = EINVAL;
    else if (target == NULL)
        number = epoll_ctl_kernel(epoll_of(file), operation, fd, given);
    else
        number = epoll_ctl_ours(epoll_of(file), operation, fd, target, given);
    return (int)tcpip__sockets_leave(s, file, number, 0);
}

/* ---- the file ---- */

/* An epoll instance is readable when something in it is ready. */
static uint32_t epoll_readiness(const struct open_file *file)
{
    const struct epoll *epoll = container_of(file, const struct epoll, file);
    struct pollfd theirs = {.fd = epoll->theirs, .events = POLLIN};
    if (epoll->theirs >= 0 && poll(&theirs, 1, 0) > 0)
        return TCPIP_EVENT_IN;
    list_for_each(node, &epoll->ready)
    {
        if (tcpip__interest_ready(container_of(node, struct interest, ready_node)) != 0)
            return TCPIP_EVENT_IN;
    }
    list_for_each(node, &epoll->nested)
    {
        const struct interest *interest = container_of(node, struct interest, nested_node);
        if ((interest->event.events & EPOLLET) == 0 && tcpip__interest_ready(interest) != 0)
            return TCPIP_EVENT_IN;
    }
    return 0;
}

static void epoll_release(struct open_file *file)
{
    struct epoll *epoll = epoll_of(file);
    for (struct tree_node *node; (node = tcpip__tree_first(&epoll->interests)) != NULL;)
        interest_free(container_of(node, struct interest, node));
    tcpip__file_fini(file);
    if (epoll->theirs >= 0)
        (void)close(epoll->theirs);
    tcpip__sockets_dealloc(file->sockets, epoll, sizeof(*epoll));
}

static const struct file_ops epoll_file_ops = {FILE_EPOLL, epoll_readiness, epoll_release};

static int epoll_new(struct tcpip_sockets *s, struct epoll **out)
{
    struct epoll *epoll = tcpip__sockets_alloc(s, sizeof(*epoll));
    if (epoll == NULL)
        return ENOMEM;
    tcpip__file_init(&epoll->file, s, &epoll_file_ops);
    epoll->file.status_flags = O_RDWR;
    tree_init(&epoll->interests);
    list_init(&epoll->ready);
    list_init(&epoll->nested);
    list_init(&epoll->waiters);
    epoll->theirs = -1;
    *out = epoll;
    return 0;
}

int tcpip_epoll_create1(struct tcpip_sockets *s, int flags)
{
    struct epoll *epoll;
    int fd;
    if ((flags & ~EPOLL_CLOEXEC) != 0)
        return tcpip__sockets_refuse(EINVAL);
    tcpip_sockets_lock(s);
    int number = tcpip__descriptor_reserve(s, 0, &fd);
    if (number != 0)
        return (int)tcpip__sockets_leave(s, NULL, number, -1);
    number = epoll_new(s, &epoll);
    if (number == 0)
        tcpip__descriptor_install(s, fd, &epoll->file, (flags & EPOLL_CLOEXEC) != 0);
    else
        tcpip__descriptor_cancel(s, fd);
    return (int)tcpip__sockets_leave(s, NULL, number, fd);
}

int tcpip_epoll_create(struct tcpip_sockets *s, int size)
{
    return size <= 0 ? tcpip__sockets_refuse(EINVAL) : tcpip_epoll_create1(s, 0);
}
