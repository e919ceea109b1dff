// SPDX-License-Identifier: MIT
/* fd_link.h: what links over a descriptor have in common: back-pressure, going down and coming up, and the loop's view.
 *
 * A link kind embeds struct fd_link first and puts tcpip__fd_link_attach in its vtable: by that function a loop knows
 * the kind of link that it can drive. */
#ifndef TCPIP_SRC_PLATFORM_FD_LINK_H
#define TCPIP_SRC_PLATFORM_FD_LINK_H

#include "base/compiler.h"

#include <tcpip/env.h>
#include <tcpip/link.h>

struct fd_link;

struct fd_link_ops {
    struct tcpip_link_ops link;
    /* tcpip_fdbased_read for this kind: up to budget packets; true: there may be more. Inside a turn. */
    bool (*read)(struct fd_link *fd_link, uint32_t budget);
};

/* Who drives the link; at most one. */
struct fd_link_watch {
    /* What tcpip__fd_link_wants_write or _is_dead answer has changed, or the link was detached (link.stack is NULL).
     * Inside a turn; must not enter. */
    void (*changed)(struct fd_link_watch *watch);
};

struct fd_link {
    struct tcpip_link link;
    const struct fd_link_ops *ops;
    struct tcpip_env env;
    int fd;
    bool owns_fd;
    bool datagram_errors; /* errors may come from far away (ICMP) and say nothing about the next packet */
    bool blocked;         /* transmit left packets: the descriptor pushed back */
    bool stalled;         /* transmit left packets: no buffers below; the timer tries again */
    bool down;            /* the interface behind the descriptor is down; writable when it is up again */
    bool dead;            /* for good */
    bool said_up;         /* what the upper side knows */
    uint32_t stalls;
    struct tcpip_timer timer;
    struct fd_link_watch *watch;
};

/* What becomes of a packet, or of the link, when a write failed. */
enum fd_link_verdict {
    FD_LINK_AGAIN,  /* interrupted */
    FD_LINK_BLOCK,  /* leave it: until writable */
    FD_LINK_STALL,  /* leave it: until a little later */
    FD_LINK_LOSE,   /* this packet is lost */
    FD_LINK_BIG,    /* this packet is too big */
    FD_LINK_LOST,   /* the interface is down */
    FD_LINK_HUNG_UP /* nothing will go any more */
};

/* `fd_link` is zeroed. */
void tcpip__fd_link_init(struct fd_link *fd_link, const struct tcpip_env *env, const struct fd_link_ops *ops, int fd,
                         bool owns_fd);
/* Closes the descriptor if it is ours. The link must be detached. */
void tcpip__fd_link_fini(struct fd_link *fd_link);

enum tcpip_error tcpip__fd_link_attach(struct tcpip_link *link, struct tcpip_stack *stack,
                                       struct tcpip_link_upper *upper);
void tcpip__fd_link_detach(struct tcpip_link *link);

/* Is it a link of this kind? NULL: no. */
struct fd_link *tcpip__fd_link_of(const struct tcpip_link *link);

/* The judgement on errno after a failed read or write. */
enum fd_link_verdict tcpip__fd_link_judge(const struct fd_link *fd_link, int number);

/* For transmit, inside a turn; the upper side hears of a new state a moment later, outside transmit. */
void tcpip__fd_link_block(struct fd_link *fd_link);
/* False: it has been tried often enough, lose the packet. */
must_use bool tcpip__fd_link_stall(struct fd_link *fd_link);
void tcpip__fd_link_down(struct fd_link *fd_link);
void tcpip__fd_link_die(struct fd_link *fd_link);

/* Entries. */
bool tcpip__fd_link_read(struct fd_link *fd_link, uint32_t budget);
void tcpip__fd_link_write_ready(struct fd_link *fd_link);
/* The descriptor reports an error or hang-up, and reading didn't find it out. */
void tcpip__fd_link_trouble(struct fd_link *fd_link);

static inline bool fd_link_wants_write(const struct fd_link *fd_link)
{
    return !fd_link->dead && (fd_link->blocked || fd_link->down);
}

/* Packets may be written now. */
static inline bool fd_link_open(const struct fd_link *fd_link)
{
    return !fd_link->blocked && !fd_link->stalled && !fd_link->down && !fd_link->dead;
}

/* What is to be lost rather than left: the link is down. */
static inline bool fd_link_is_down(const struct fd_link *fd_link)
{
    return fd_link->down || fd_link->dead;
}

#endif
