// SPDX-License-Identifier: MIT
/* waiter.h: a queue of waiters, and telling them, whatever they do meanwhile.
 *
 * A queue is a bare list node as head, so that public structs can embed it. */
#ifndef TCPIP_SRC_WAITER_WAITER_H
#define TCPIP_SRC_WAITER_WAITER_H

#include "base/list.h"
#include <tcpip/waiter.h>

/* Heard whether asked for or not, as poll(2) has it. */
#define WAITER_ALWAYS (TCPIP_EVENT_ERR | TCPIP_EVENT_HUP)

/* The telling that is under way; one per stack. */
struct waiter_dispatch {
    struct tcpip_list_node cursor; /* in the queue, behind the waiters that were told */
    struct tcpip_list_node end;    /* in the queue, before those that were added meanwhile */
    struct tcpip_list_node *queue; /* NULL: none, or it was forgotten meanwhile */
};

void tcpip__waiter_dispatch_init(struct waiter_dispatch *dispatch);
void tcpip__waiter_queue_init(struct tcpip_list_node *queue);
/* `waiter` is in no queue; it hears from the next telling on. */
void tcpip__waiter_add(struct tcpip_list_node *queue, struct tcpip_waiter *waiter);
/* Nothing if it is in no queue. It doesn't run afterwards. */
void tcpip__waiter_remove(struct tcpip_waiter *waiter);
/* Tells each waiter of the queue whose mask meets `events`; returns how many ran. They may add and remove any waiter
 * and forget any queue, this one too. Not inside another telling. */
uint32_t tcpip__waiter_tell(struct waiter_dispatch *dispatch, struct tcpip_list_node *queue, uint32_t events);
/* All waiters of the queue are taken off; the queue's memory isn't touched afterwards. */
void tcpip__waiter_forget(struct waiter_dispatch *dispatch, struct tcpip_list_node *queue);

#endif
