// SPDX-License-Identifier: MIT
/* waiter.c: telling waiters while they change the queue under our hands.
 *
 * A callback may remove any waiter, add new ones, and close the very endpoint whose queue this is, which frees the
 * queue's head. So a telling puts two marks of its own into the queue: a cursor, which moves past each waiter before it
 * is called, and an end, behind which new ones are added. Whoever stands between the two is still to be told, whatever
 * was removed or added there. Forgetting the queue takes the marks off with the waiters, and leaves a NULL for the loop
 * to find before it looks at anything else.
 *
 * Owns:        the order of waiters, which is that of registration; the marks.
 * Invariants:  outside a telling the marks are in no queue, and dispatch->queue is NULL.
 * Not here:    when to tell (stack/turn.c), what is ready (each protocol). */
#include "waiter/waiter.h"

static struct list *waiter_list(struct tcpip_list_node *queue)
{
    return container_of(queue, struct list, head);
}

void tcpip__waiter_dispatch_init(struct waiter_dispatch *dispatch)
{
    list_node_init(&dispatch->cursor);
    list_node_init(&dispatch->end);
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
    list_push_front(waiter_list(queue), &dispatch->cursor);
    list_push_back(waiter_list(queue), &dispatch->end);
    while (dispatch->cursor.next != &dispatch->end) {
        struct tcpip_waiter *waiter = container_of(dispatch->cursor.next, struct tcpip_waiter, node);
        uint32_t ready = events & (waiter->mask | WAITER_ALWAYS);
        list_remove(&dispatch->cursor);
        list_insert_after(&waiter->node, &dispatch->cursor);
        if (ready == 0)
            continue;
        ran++;
        waiter->fn(waiter, ready);
        if (dispatch->queue == NULL)
            return ran; /* forgotten: `queue` may be freed memory */
    }
    list_remove(&dispatch->cursor);
    list_remove(&dispatch->end);
    dispatch->queue = NULL;
    return ran;
}

void tcpip__waiter_forget(struct waiter_dispatch *dispatch, struct tcpip_list_node *queue)
{
    while (list_pop_front(waiter_list(queue)) != NULL) { /* waiters and marks */
    }
    if (dispatch->queue == queue)
        dispatch->queue = NULL;
}
