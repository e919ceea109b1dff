// SPDX-License-Identifier: MIT
/* waiter.c: telling waiters while they change the queue under our hands.
 *
 * A callback may remove any waiter, add new ones, and close the very endpoint whose queue this is, which frees the
 * queue's head. So a telling first moves all waiters to `due`, a list that outlives every endpoint, and puts each back
 * just before it is called: whoever is on `due` is still to be told, whoever is removed is on neither list, whoever is
 * added is on the queue and not on `due`. Forgetting the queue empties both lists and leaves a NULL for the loop to
 * find.
 *
 * Owns:        the order of waiters: of registration, kept by every telling.
 * Invariants:  outside a telling `due` is empty and `queue` is NULL.
 * Not here:    when to tell (stack/turn.c), what is ready (each protocol). */
#include "waiter/waiter.h"

static struct list *waiter_list(struct tcpip_list_node *queue)
{
    return container_of(queue, struct list, head);
}

void tcpip__waiter_dispatch_init(struct waiter_dispatch *dispatch)
{
    list_init(&dispatch->due);
    dispatch->queue = NULL;
}

void tcpip__waiter_queue_init(struct tcpip_list_node *queue)
{
    list_init(waiter_list(queue));
}

void tcpip__waiter_add(struct tcpip_list_node *queue, struct tcpip_waiter *waiter)
{
    ASSERT(waiter->fn != NULL);
    list_push_back(waiter_list(queue), &waiter->node);
}

void tcpip__waiter_remove(struct tcpip_waiter *waiter)
{
    list_remove_if_linked(&waiter->node);
}

uint32_t tcpip__waiter_tell(struct waiter_dispatch *dispatch, struct tcpip_list_node *queue, uint32_t events)
{
    uint32_t ran = 0;
    ASSERT(dispatch->queue == NULL);
    dispatch->queue = queue;
    list_splice_back(&dispatch->due, waiter_list(queue));
    for (struct tcpip_list_node *node; (node = list_pop_front(&dispatch->due)) != NULL;) {
        struct tcpip_waiter *waiter = container_of(node, struct tcpip_waiter, node);
        uint32_t ready = events & (waiter->mask | WAITER_ALWAYS);
        list_push_back(waiter_list(queue), node);
        if (ready == 0)
            continue;
        ran++;
        waiter->fn(waiter, ready);
        /* Forgotten: `queue` may be freed memory, and `due` is empty. */
    }
    dispatch->queue = NULL;
    return ran;
}

void tcpip__waiter_forget(struct waiter_dispatch *dispatch, struct tcpip_list_node *queue)
{
    while (list_pop_front(waiter_list(queue)) != NULL) {
    }
    if (dispatch->queue != queue)
        return;
    while (list_pop_front(&dispatch->due) != NULL) {
    }
    dispatch->queue = NULL;
}
