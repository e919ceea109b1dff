// SPDX-License-Identifier: MIT
/* fd_link.c: what links over a descriptor have in common.
 *
 * A descriptor refuses a packet in four ways, and each needs another answer:
 *
 *     EAGAIN           its queue is full; it will say when it is writable again       blocked, then tx_ready
 *     ENOBUFS, ENOMEM  what lies below is full, and nobody will say when it isn't     stalled, a timer, then tx_ready
 *     EIO of a TUN     its interface is down; the descriptor becomes writable when
 *                      it is up again                                                 down: lost until then
 *     EPIPE, EBADFD..  the other side is gone                                         dead, for good
 *
 * Refusals are found out inside transmit, where the upper side must not be spoken to. So they are noted, and a timer
 * due at once tells: in the same turn or the next advance. Being down drops packets instead of queueing them: they
 * would be stale when it ends, and connections time out as they would over a cable that was pulled.
 *
 * Owns:        the descriptor if it was given away; one timer.
 * Invariants:  dead never becomes false; blocked and down are watched for by whoever drives the link.
 * Not here:    reading and writing (fdbased.c), waiting (loop.c).
 */
#include "platform/fd_link.h"

#include "base/assert.h"
#include "link/wrap.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tcpip/stack.h>

enum {
    STALL_NS = 1000000, /* a queue of 1000 packets of 1500 bytes at 10 Gbit/s drains in 1.2 ms */
    STALLS_MAX = 100,   /* a tenth of a second without any progress */
};

static struct fd_link *fd_link_cast(struct tcpip_link *link)
{
    return container_of(link, struct fd_link, link);
}

static void fd_link_changed(struct fd_link *fd_link)
{
    if (fd_link->watch != NULL)
        fd_link->watch->changed(fd_link->watch);
}

/* Tells the upper side what it doesn't know yet. Inside a turn, not inside transmit. */
static void fd_link_tell(struct fd_link *fd_link)
{
    bool up = !fd_link_is_down(fd_link);
    if (up == fd_link->said_up)
        return;
    fd_link->said_up = up;
    tcpip_link_set_state(&fd_link->link, up, up ? TCPIP_OK : TCPIP_ERR_LINK_DOWN);
}

static void fd_link_fire(struct tcpip_timer *timer, tcpip_ns now)
{
    struct fd_link *fd_link = container_of(timer, struct fd_link, timer);
    (void)now;
    fd_link_tell(fd_link);
    if (fd_link->stalled) {
        fd_link->stalled = false;
        tcpip_link_tx_ready(&fd_link->link);
    }
}

static void fd_link_tell_soon(struct fd_link *fd_link)
{
    if (fd_link->link.stack != NULL)
        tcpip_timer_set(fd_link->link.stack, &fd_link->timer, tcpip_stack_now(fd_link->link.stack));
}

/* ---- life ---- */

void tcpip__fd_link_init(struct fd_link *fd_link, const struct tcpip_env *env, const struct fd_link_ops *ops, int fd,
                         bool owns_fd)
{
    fd_link->link.ops = &ops->link;
    fd_link->ops = ops;
    fd_link->env = tcpip__link_env(env);
    fd_link->fd = fd;
    fd_link->owns_fd = owns_fd;
    fd_link->said_up = true;
    fd_link->timer.fn = fd_link_fire;
}

void tcpip__fd_link_fini(struct fd_link *fd_link)
{
    ASSERT_ENV(&fd_link->env, fd_link->link.stack == NULL);
    if (fd_link->owns_fd)
        close(fd_link->fd);
}

enum tcpip_error tcpip__fd_link_attach(struct tcpip_link *link, struct tcpip_stack *stack,
                                       struct tcpip_link_upper *upper)
{
    struct fd_link *fd_link = fd_link_cast(link);
    if (link->stack != NULL)
        return TCPIP_ERR_BAD_LINK_ENDPOINT;
    link->stack = stack;
    link->upper = upper;
    fd_link->blocked = fd_link->stalled = false;
    fd_link->stalls = 0;
    fd_link->said_up = true;
    if (fd_link_is_down(fd_link))
        fd_link_tell_soon(fd_link);
    return TCPIP_OK;
}

void tcpip__fd_link_detach(struct tcpip_link *link)
{
    struct fd_link *fd_link = fd_link_cast(link);
    tcpip_timer_cancel(link->stack, &fd_link->timer);
    link->stack = NULL;
    link->upper = NULL;
    fd_link_changed(fd_link);
}

struct fd_link *tcpip__fd_link_of(const struct tcpip_link *link)
{
    return link->ops->attach == tcpip__fd_link_attach ? fd_link_cast((struct tcpip_link *)(uintptr_t)link) : NULL;
}

/* ---- refusals ---- */

enum fd_link_verdict tcpip__fd_link_judge(const struct fd_link *fd_link, int number)
{
    switch (number) {
    case EINTR:
        return FD_LINK_AGAIN;
    case EAGAIN:
        return FD_LINK_BLOCK;
    case ENOBUFS:
    case ENOMEM:
        return FD_LINK_STALL;
    case EMSGSIZE:
        return FD_LINK_BIG;
    case EIO:
        return FD_LINK_LOST;
    case ECONNREFUSED:
    case ECONNRESET:
        return fd_link->datagram_errors ? FD_LINK_LOSE : FD_LINK_HUNG_UP;
    case EPIPE:
    case ENOTCONN:
    case EDESTADDRREQ:
    case ESHUTDOWN:
    case EBADF:
    case EBADFD:
    case EFAULT: /* of a TUN whose interface was deleted; our own memory is good */
    case ENODEV:
    case ENXIO:
        return FD_LINK_HUNG_UP;
    default: /* EINVAL, EPERM, ENETUNREACH, ...: not this packet */
        return FD_LINK_LOSE;
    }
}

void tcpip__fd_link_block(struct fd_link *fd_link)
{
    fd_link->blocked = true;
    fd_link_changed(fd_link);
}

bool tcpip__fd_link_stall(struct fd_link *fd_link)
{
    struct tcpip_stack *stack = fd_link->link.stack;
    if (++fd_link->stalls > STALLS_MAX) {
        fd_link->stalls = 0;
        return false;
    }
    fd_link->stalled = true;
    tcpip_timer_set(stack, &fd_link->timer, tcpip_stack_now(stack) + STALL_NS);
    return true;
}

void tcpip__fd_link_down(struct fd_link *fd_link)
{
    fd_link->down = true;
    fd_link_tell_soon(fd_link);
    fd_link_changed(fd_link);
}

void tcpip__fd_link_die(struct fd_link *fd_link)
{
    fd_link->dead = true;
    fd_link->blocked = fd_link->stalled = false;
    fd_link_tell_soon(fd_link);
    fd_link_changed(fd_link);
}

/* ---- entries ---- */

bool tcpip__fd_link_read(struct fd_link *fd_link, uint32_t budget)
{
    struct tcpip_stack *stack = fd_link->link.stack;
    if (stack == NULL || fd_link->dead)
        return false;
    tcpip_stack_enter(stack);
    bool more = fd_link->ops->read(fd_link, budget > 0 ? budget : 1) && !fd_link->dead;
    fd_link_tell(fd_link);
    tcpip_stack_leave(stack); /* its callbacks may free the link */
    return more;
}

void tcpip__fd_link_write_ready(struct fd_link *fd_link)
{
    struct tcpip_stack *stack = fd_link->link.stack;
    if (stack == NULL || !fd_link_wants_write(fd_link))
        return;
    bool was_blocked = fd_link->blocked;
    fd_link->blocked = fd_link->down = false;
    fd_link_changed(fd_link);
    tcpip_stack_enter(stack);
    fd_link_tell(fd_link);
    if (was_blocked)
        tcpip_link_tx_ready(&fd_link->link);
    tcpip_stack_leave(stack);
}

/* A socket's error is told once and may be one that passes; a device's stays. */
static bool fd_link_trouble_is_final(const struct fd_link *fd_link)
{
    struct pollfd status = {.fd = fd_link->fd};
    int number = 0;
    socklen_t size = sizeof(number);
    if (poll(&status, 1, 0) <= 0)
        return false;
    if ((status.revents & (POLLHUP | POLLNVAL)) != 0)
        return true;
    if (getsockopt(fd_link->fd, SOL_SOCKET, SO_ERROR, &number, &size) != 0)
        return true;
    return tcpip__fd_link_judge(fd_link, number) == FD_LINK_HUNG_UP;
}

void tcpip__fd_link_trouble(struct fd_link *fd_link)
{
    struct tcpip_stack *stack = fd_link->link.stack;
    if (stack == NULL || fd_link->dead || !fd_link_trouble_is_final(fd_link))
        return;
    tcpip_stack_enter(stack);
    tcpip__fd_link_die(fd_link);
    fd_link_tell(fd_link);
    tcpip_stack_leave(stack);
}
