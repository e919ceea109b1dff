// SPDX-License-Identifier: MIT
/* lend.c: received data that aren't copied: runs of bytes in the link's or the stack's buffers, lent to the application
 * until it gives them back.
 *
 * The bytes are consumed when they are lent, so the window opens as if they had been read; what they pin stays pinned.
 * A run is a reference on a buffer, and references aren't atomic: giving back takes the lock, and is a turn of its own,
 * in which links hear of their memory.
 *
 * Owns:     nothing.
 * Not here: receiving by copy (inet_receive.c); which data are copied all the same, because they would pin too much
 *           (transport/tcp/receive_queue.c). */
#include "base/math.h"
#include "socket/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <tcpip/buffer.h>
#include <tcpip/stack.h>

enum { LEND_VIEWS = 64 };

struct lending {
    struct socket *so;
    struct tcpip_received *runs;
    size_t count, size, done; /* runs there is room for; bytes wanted; bytes lent */
    size_t used;
    bool waits;
};

/* Is there more of the stream? Asking the endpoint itself would take an error that the next call is to hear. */
static bool lending_more(const struct socket *so)
{
    int64_t bytes = 0;
    return tcpip_endpoint_get_option(so->endpoint, TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &bytes) == TCPIP_OK && bytes > 0;
}

/* SO_PEEK_OFF: what was taken moves everything forward. */
static void lending_move_peek(const struct lending *lending)
{
    struct socket *so = lending->so;
    int64_t offset = tcpip__socket_kept(&so->options, KEPT_PEEK_OFF);
    if (offset >= 0) /* it was set: there is room to keep it */
        (void)tcpip__socket_keep(so->file.sockets, &so->options, KEPT_PEEK_OFF,
                                 (int32_t)max_i64(offset - (int64_t)lending->done, 0));
}

static int lending_attempt(void *ctx)
{
    struct lending *lending = ctx;
    struct tcpip_view views[LEND_VIEWS];
    bool stream = lending->so->type == SOCK_STREAM;
    do {
        size_t count = min_size(lending->count - lending->used, LEND_VIEWS), done = 0;
        enum tcpip_error error =
            tcpip_endpoint_read_views(lending->so->endpoint, views, &count, lending->size - lending->done, &done, NULL);
        if (error != TCPIP_OK && lending->done > 0)
            return 0;
        if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE && !stream && !lending->waits)
            return EAGAIN; /* only who waits hears of a datagram socket's shutdown */
        if (error != TCPIP_OK)
            return tcpip__socket_errno(SOCKET_CALL_RECEIVE, error);
        for (size_t i = 0; i < count; i++)
            lending->runs[lending->used++] =
                (struct tcpip_received){tcpip_view_data(&views[i]), views[i].length, views[i].buffer};
        lending->done += done;
        if (done == 0)
            return 0;
    } while (stream && lending->used < lending->count && lending->done < lending->size && lending_more(lending->so));
    return 0;
}

static int lend(struct socket *so, struct lending *lending, int flags)
{
    if (so->domain == AF_UNIX)
        return EOPNOTSUPP;
    if ((flags & ~MSG_DONTWAIT) != 0 || lending->count == 0)
        return EINVAL;
    int number = so->receive_error;
    so->receive_error = 0;
    if (number != 0)
        return number;
    lending->so = so;
    lending->waits = (flags & MSG_DONTWAIT) == 0 && (so->file.status_flags & O_NONBLOCK) == 0;
    number = tcpip__socket_block(so, TCPIP_EVENT_IN | TCPIP_EVENT_RDHUP, lending->waits ? so->receive_timeout_ns : 0,
                                 lending_attempt, lending);
    lending_move_peek(lending);
    return lending->done > 0 ? 0 : number;
}

ssize_t tcpip_recv_lent(struct tcpip_sockets *s, int fd, struct tcpip_received *runs, size_t *count, size_t size,
                        int flags)
{
    struct lending lending = {.runs = runs, .count = *count, .size = min_size(size, SOCKET_BYTES_MAX)};
    *count = 0;
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    int number = lend(so, &lending, flags);
    *count = lending.used;
    return tcpip__sockets_leave(s, &so->file, number, (ssize_t)lending.done);
}

void tcpip_give_back(struct tcpip_sockets *s, const struct tcpip_received *runs, size_t count)
{
    tcpip_sockets_lock(s);
    tcpip_stack_enter(tcpip_sockets_stack(s));
    for (size_t i = 0; i < count; i++)
        tcpip_buffer_unref(runs[i].buffer);
    tcpip_stack_leave(tcpip_sockets_stack(s));
    tcpip_sockets_unlock(s);
}
