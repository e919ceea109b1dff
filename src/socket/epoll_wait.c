// SPDX-License-Identifier: MIT
/* epoll_wait.c: waiting for an epoll instance, and collecting what is ready in it.
 *
 * The ready list holds what may be ready, and is looked through only as far as the caller has room: what is ready goes
 * to its end (level-triggered) or off it (edges, one-shot), what isn't goes off it. So a call costs what it reports,
 * and nobody starves: who was reported is looked at again after all others. Ours and the kernel's take turns in who is
 * first.
 *
 * An event wakes one of those that wait; what he leaves wakes the next.
 *
 * Owns:     nothing.
 * Not here: who is in the instance (epoll.c). */
#include "base/math.h"
#include "socket/epoll.h"

#include <errno.h>
#include <limits.h>

enum { EPOLL_KERNELS_FEW = 4 }; /* instances of the kernel's to sleep on that need no memory */

bool tcpip__epoll_wake(struct epoll *epoll)
{
    list_for_each(node, &epoll->waiters)
    {
        struct epoll_waiter *waiter = container_of(node, struct epoll_waiter, node);
        if (waiter->wait.signalled)
            continue;
        tcpip__wait_signal(&waiter->wait);
        return true;
    }
    return false;
}

/* ---- collecting ---- */

/* Is one of the kernel's files ready, in this instance or below? */
static bool epoll_kernel_ready(const struct open_file *file)
{
    const struct epoll *epoll = container_of(file, const struct epoll, file);
    struct pollfd theirs = {.fd = epoll->theirs, .events = POLLIN};
    if (epoll->theirs >= 0 && poll(&theirs, 1, 0) > 0)
        return true;
    list_for_each(node, &epoll->nested)
    {
        const struct interest *interest = container_of(node, struct interest, nested_node);
        if (tcpip__interest_sees_kernel(interest) && epoll_kernel_ready(interest->file))
            return true;
    }
    return false;
}

/* What the kernel found in nested instances: a watch hears of ours only. */
static void epoll_look_nested(struct epoll *epoll)
{
    list_for_each(node, &epoll->nested)
    {
        struct interest *interest = container_of(node, struct interest, nested_node);
        bool ready = tcpip__interest_sees_kernel(interest) && epoll_kernel_ready(interest->file);
        bool news = ready && (!interest->kernel_ready || (interest->event.events & EPOLLET) == 0);
        interest->kernel_ready = ready;
        if (news && !list_node_linked(&interest->ready_node))
            list_push_back(&epoll->ready, &interest->ready_node);
    }
}

static int epoll_collect_ours(struct epoll *epoll, struct epoll_event *out, int room)
{
    const struct tcpip_list_node *again = NULL; /* the first that was put back */
    int n = 0;
    for (struct tcpip_list_node *node; n < room && (node = list_first(&epoll->ready)) != NULL && node != again;) {
        struct interest *interest = container_of(node, struct interest, ready_node);
        uint32_t ready = tcpip__interest_ready(interest);
        list_remove(node);
        if (ready == 0)
            continue;
        out[n++] = (struct epoll_event){.events = ready, .data = interest->event.data};
        if ((interest->event.events & EPOLLONESHOT) != 0) {
            interest->event.events &= EPOLL_PRIVATE;
        } else if ((interest->event.events & EPOLLET) == 0) {
            list_push_back(&epoll->ready, node);
            again = again != NULL ? again : node;
        }
    }
    return n;
}

static int epoll_collect_theirs(struct epoll *epoll, struct epoll_event *out, int room)
{
    if (epoll->theirs < 0 || room == 0)
        return 0;
    int n = epoll_wait(epoll->theirs, out, room, 0);
    return n > 0 ? n : 0;
}

static int epoll_collect(struct epoll *epoll, struct epoll_event *out, int room)
{
    bool theirs_first = epoll->theirs_first;
    int n = 0;
    epoll_look_nested(epoll);
    if (theirs_first)
        n = epoll_collect_theirs(epoll, out, room);
    n += epoll_collect_ours(epoll, out + n, room - n);
    if (!theirs_first)
        n += epoll_collect_theirs(epoll, out + n, room - n);
    epoll->theirs_first = n == room && !theirs_first;
    return n;
}

/* ---- waiting ---- */

struct epoll_call {
    struct epoll *epoll;
    struct epoll_event *out;
    int room;
    tcpip_ns until;
    struct epoll_waiter waiter;
};

static int epoll_sleep(struct epoll_call *call)
{
    struct epoll *epoll = call->epoll;
    struct tcpip_sockets *s = epoll->file.sockets;
    struct wait *wait = &call->waiter.wait;
    struct pollfd few[WAIT_KERNEL_SPARE + EPOLL_KERNELS_FEW], *kernel = few;
    uint32_t n = tcpip__epoll_kernels(&epoll->file, NULL, 0);
    size_t bytes = (WAIT_KERNEL_SPARE + n) * sizeof(*kernel);
    if (n > EPOLL_KERNELS_FEW && (kernel = tcpip__sockets_alloc(s, bytes)) == NULL)
        return ENOMEM;
    (void)tcpip__epoll_kernels(&epoll->file, kernel + WAIT_KERNEL_SPARE, n);
    wait->kernel = n > 0 ? kernel : NULL;
    wait->kernel_count = n > 0 ? WAIT_KERNEL_SPARE + n : 0;
    list_push_back(&epoll->waiters, &call->waiter.node);
    int number = tcpip__wait_sleep(wait, call->until);
    list_remove(&call->waiter.node);
    wait->kernel = NULL;
    if (kernel != few)
        tcpip__sockets_dealloc(s, kernel, bytes);
    return number;
}

/* An errno, or 0 and how many. */
static int epoll_run(struct epoll_call *call, int *count)
{
    struct tcpip_sockets *s = call->epoll->file.sockets;
    bool bad = tcpip__pointer_writable(s, call->out, sizeof(*call->out)) != 0;
    int number = 0;
    for (;;) {
        if (bad && call->epoll->file.ops->readiness(&call->epoll->file) != 0)
            return EFAULT;
        *count = bad ? 0 : epoll_collect(call->epoll, call->out, call->room);
        if (*count > 0)
            return 0;
        if (number != 0)
            return number == ETIMEDOUT ? 0 : number;
        number = epoll_sleep(call);
    }
}

static int epoll_wait_for(struct tcpip_sockets *s, int epfd, struct epoll_event *out, int room, tcpip_ns duration_ns,
                          const sigset_t *signals)
{
    struct open_file *file = tcpip__epoll_enter(s, epfd);
    int count = 0;
    if (file == NULL)
        return -1;
    if (room <= 0 || room > INT_MAX / (int)sizeof(*out) || file->ops->kind != FILE_EPOLL)
        return (int)tcpip__sockets_leave(s, file, EINVAL, -1);
    struct epoll_call call = {.epoll = epoll_of(file), .out = out, .room = room, .waiter.wait.signals = signals};
    tcpip__wait_begin(&call.waiter.wait, s);
    call.until = tcpip__wait_until(s, duration_ns);
    int number = epoll_run(&call, &count);
    tcpip__wait_end(&call.waiter.wait);
    if (!list_empty(&call.epoll->ready))
        (void)tcpip__epoll_wake(call.epoll);
    return (int)tcpip__sockets_leave(s, file, number, count);
}

/* ---- the calls ---- */

int tcpip_epoll_pwait(struct tcpip_sockets *s, int epfd, struct epoll_event *events, int max_events, int timeout_ms,
                      const sigset_t *signals)
{
    return epoll_wait_for(s, epfd, events, max_events, timeout_ms < 0 ? TCPIP_NEVER : timeout_ms * TCPIP_MS, signals);
}

int tcpip_epoll_wait(struct tcpip_sockets *s, int epfd, struct epoll_event *events, int max_events, int timeout_ms)
{
    return tcpip_epoll_pwait(s, epfd, events, max_events, timeout_ms, NULL);
}

int tcpip_epoll_pwait2(struct tcpip_sockets *s, int epfd, struct epoll_event *events, int max_events,
                       const struct timespec *timeout, const sigset_t *signals)
{
    tcpip_ns duration_ns;
    if (tcpip__poll_duration(timeout, &duration_ns) != 0)
        return tcpip__sockets_refuse(EINVAL);
    return epoll_wait_for(s, epfd, events, max_events, duration_ns, signals);
}
