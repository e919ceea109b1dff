// SPDX-License-Identifier: MIT
/* epoll.h: an epoll instance, between its two halves: who is in it (epoll.c) and who waits for it (epoll_wait.c). */
#ifndef TCPIP_SRC_SOCKET_EPOLL_H
#define TCPIP_SRC_SOCKET_EPOLL_H

#include "base/tree.h"
#include "socket/polling.h"

#include <sys/epoll.h>

struct epoll {
    struct open_file file; /* first */
    struct tree interests; /* of ours, by (fd, file) */
    struct list ready;     /* interest.ready_node: worth a look, the longest waiting first */
    struct list nested;    /* interest.nested_node: epoll instances of ours among them */
    struct list waiters;   /* epoll_waiter.node: asleep in epoll_wait, the longest first */
    int theirs;        /* the kernel's descriptors are in an epoll instance of the kernel's; -1: there are none yet */
    bool theirs_first; /* in the next collection */
};

/* Bits that say how to tell, not what. */
#define EPOLL_PRIVATE (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

/* One of our files in an epoll instance. */
struct interest {
    struct tree_node node;
    struct epoll *epoll;
    struct open_file *file; /* no reference: the watch hears of its end */
    int fd;
    struct epoll_event event; /* ERR and HUP added; without any but private bits: told once, and waits for a change */
    struct file_watch watch;
    struct tcpip_list_node ready_node, nested_node;
    bool kernel_ready; /* nested: one of the kernel's was, when last looked at */
    bool kernel_edge;  /* nested: its kernel's instance is in ours, which tells the edges */
};

struct epoll_waiter {
    struct tcpip_list_node node;
    struct wait wait;
};

static inline struct epoll *epoll_of(struct open_file *file)
{
    return container_of(file, struct epoll, file);
}

/* A nested instance: is it ready, for this one, when one of its kernel's descriptors is? Else there is no point in
 * sleeping on them: nobody asks, or the kernel tells the edges. */
static inline bool tcpip__interest_sees_kernel(const struct interest *interest)
{
    return !interest->kernel_edge && (interest->event.events & (EPOLLIN | EPOLLRDNORM)) != 0;
}
/* tcpip__sockets_enter of what should be an epoll instance: EBADF, or EINVAL if it is something else of the kernel's.
 */
must_use struct open_file *tcpip__epoll_enter(struct tcpip_sockets *s, int epfd);
/* What of its events holds now. */
uint32_t tcpip__interest_ready(const struct interest *interest);
/* It is worth a look: goes on the ready list, and one who waits is woken. True: somebody was. */
bool tcpip__epoll_queue(struct interest *interest);
/* Wakes the one that has waited longest, if he isn't awake. */
bool tcpip__epoll_wake(struct epoll *epoll);

#endif
