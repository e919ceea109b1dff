// SPDX-License-Identifier: MIT
/* turn.c: the turn: the only way in, and all that happens on the way out.
 *
 * Input, timers and calls only mark: an endpoint as dirty, a waiter as having something to hear, a NIC as having
 * packets. The outermost leave does the rest, in passes:
 *
 *     packets to ourselves  ->  flush dirty endpoints  ->  NICs to their links  ->  waiters  ->  deferred  ->  releases
 *
 * until nothing is marked, or the budget is gone. So 64 segments in are answered by one ACK and one super-segment out,
 * a loop that serves a thousand endpoints inside a bracket flushes each once, and no user code ever runs while protocol
 * code is on the stack: re-entrancy isn't forbidden, it cannot arise. What waiters call joins the turn and marks; the
 * next pass works it off.
 *
 * Everything on the lists may go away while they are worked on (a waiter closes endpoints, an endpoint dies in its own
 * flush). A pass therefore moves a list aside and pops one at a time: who is freed takes itself off, whichever list it
 * is on. And since what arises meanwhile goes to the original list, each phase of a pass is finite, and no phase
 * starves another.
 *
 * The budget is what bounds a call: two endpoints of one stack can keep each other busy for ever. What is left over is
 * not lost: tcpip_stack_deadline() says "in the past" and the next turn goes on. Packets that a driver hands in aren't
 * charged, it chose how many; timers get at most half of an advance, so that they and the leftovers both go forward.
 *
 * Owns:        depth, now, budget, the order of phases; env.now is called here and nowhere else.
 * Invariants:  user code runs with in_callback == 0 only at the top of leave; now never goes back.
 * Not here:    what endpoints do in flush, what NICs do in transmit, the wheel (base/timer.c). */
#include "base/math.h"
#include "stack/nic.h"
#include <tcpip/timer.h>

/* ---- time ---- */

/* An older instant than the last one is not an error: a loop may read its clock once, make a call that reads a later
 * one, and only then hand its own in. Time stands still then. */
static void turn_set_now(struct tcpip_stack *stack, tcpip_ns now)
{
    stack->now = max_i64(stack->now, now);
    stack->now_known = true;
}

static tcpip_ns turn_read_clock(struct tcpip_stack *stack)
{
    stack_callback_begin(stack);
    tcpip_ns now = stack->env.now(stack->env.ctx);
    stack_callback_end(stack);
    return now;
}

tcpip_ns tcpip__stack_now(struct tcpip_stack *stack)
{
    if (!stack->now_known)
        turn_set_now(stack, turn_read_clock(stack));
    return stack->now;
}

tcpip_ns tcpip_stack_now(struct tcpip_stack *stack)
{
    if (stack->depth == 0)
        stack->now_known = false;
    return tcpip__stack_now(stack);
}

void tcpip_timer_set(struct tcpip_stack *stack, struct tcpip_timer *timer, tcpip_ns at)
{
    stack_timer_set(stack, timer, at);
}

void tcpip_timer_cancel(struct tcpip_stack *stack, struct tcpip_timer *timer)
{
    stack_timer_cancel(stack, timer);
}

/* ---- the phases of a pass; each returns when its list is empty or the budget is gone ---- */

static bool turn_has_work(const struct tcpip_stack *stack)
{
    return stack->loop.head != NULL || !list_empty(&stack->dirty) || !list_empty(&stack->tx_nics) ||
           !list_empty(&stack->notify) || !list_empty(&stack->deferred) || stack->buffers.released != NULL;
}

static void turn_spend(struct tcpip_stack *stack, uint32_t units)
{
    stack->budget_left = sat_sub_u32(stack->budget_left, units);
}

/* What a phase did not get to stands before what came meanwhile. */
static void turn_put_back(struct list *list, struct list *rest)
{
    list_splice_back(rest, list);
    list_splice_back(list, rest);
}

static void turn_deliver(struct tcpip_stack *stack)
{
    for (uint32_t count = stack->loop.count; count > 0 && stack->budget_left > 0; count--) {
        turn_spend(stack, 1);
        tcpip__network_deliver(tcpip_packet_list_pop(&stack->loop));
    }
}

/* The only one of a list, taken out: a batch of one needs no list. NULL: there are more. */
static struct tcpip_list_node *turn_take_only(struct list *list)
{
    struct tcpip_list_node *node = list->head.next;
    if (node->next != &list->head)
        return NULL;
    list_remove(node);
    return node;
}

static void turn_flush_one(struct tcpip_stack *stack, struct tcpip_list_node *node)
{
    struct tcpip_endpoint *endpoint = container_of(node, struct tcpip_endpoint, dirty);
    turn_spend(stack, 1);
    endpoint->ops->flush(endpoint); /* may free it */
}

static void turn_flush(struct tcpip_stack *stack)
{
    struct tcpip_list_node *only = stack->budget_left > 0 ? turn_take_only(&stack->dirty) : NULL;
    if (only != NULL) {
        turn_flush_one(stack, only);
        return;
    }
    struct list batch;
    list_init(&batch);
    list_splice_back(&batch, &stack->dirty);
    for (struct tcpip_list_node *node; stack->budget_left > 0 && (node = list_pop_front(&batch)) != NULL;)
        turn_flush_one(stack, node);
    turn_put_back(&stack->dirty, &batch);
}

/* Not charged: these packets were paid for by whoever made them. But a link that takes none and says that it is ready
 * for more would be asked for ever. */
static void turn_transmit(struct tcpip_stack *stack)
{
    struct list batch;
    list_init(&batch);
    list_splice_back(&batch, &stack->tx_nics);
    for (struct tcpip_list_node *node; (node = list_pop_front(&batch)) != NULL;) {
        struct tcpip_nic *nic = container_of(node, struct tcpip_nic, tx_node);
        uint32_t offered = nic->tx.count;
        tcpip__nic_flush(nic);
        if (nic->tx.count >= offered)
            turn_spend(stack, 1);
    }
}

static void turn_notify(struct tcpip_stack *stack)
{
    struct list batch;
    list_init(&batch);
    list_splice_back(&batch, &stack->notify);
    for (struct tcpip_list_node *node; stack->budget_left > 0 && (node = list_pop_front(&batch)) != NULL;) {
        struct tcpip_endpoint *endpoint = container_of(node, struct tcpip_endpoint, notify);
        uint32_t events = endpoint->pending;
        endpoint->pending = 0;
        turn_spend(stack, 1);
        tcpip__waiter_tell(&stack->waiters, &endpoint->waiters, events); /* may close it, and any on `batch` */
    }
    turn_put_back(&stack->notify, &batch);
}

static void turn_run_deferred(struct tcpip_stack *stack)
{
    struct list batch;
    list_init(&batch);
    list_splice_back(&batch, &stack->deferred);
    for (struct tcpip_list_node *node; stack->budget_left > 0 && (node = list_pop_front(&batch)) != NULL;) {
        struct deferred *deferred = container_of(node, struct deferred, node);
        turn_spend(stack, 1);
        deferred->fn(deferred);
    }
    turn_put_back(&stack->deferred, &batch);
}

/* Most passes of most turns have one phase or two: the others are passed by here, not called. */
static void turn_pass(struct tcpip_stack *stack)
{
    if (stack->loop.head != NULL)
        turn_deliver(stack);
    if (!list_empty(&stack->dirty))
        turn_flush(stack);
    if (!list_empty(&stack->tx_nics))
        turn_transmit(stack);
    if (!list_empty(&stack->notify))
        turn_notify(stack);
    if (!list_empty(&stack->deferred))
        turn_run_deferred(stack);
    if (stack->buffers.released != NULL)
        turn_spend(stack, tcpip__buffer_run_released(&stack->buffers));
}

static void turn_finish(struct tcpip_stack *stack)
{
    stack->flushing = true;
    bool more = true;
    while (more && stack->budget_left > 0) {
        turn_pass(stack);
        more = turn_has_work(stack);
    }
    if (unlikely(more)) {
        turn_transmit(stack); /* what is ready to go need not wait for the next turn */
        stack->stats.stack.turns_out_of_budget++;
        EVENT(stack, TURN_BUDGET, 0, stack->loop.count, 0, 0, 0);
    }
    stack->flushing = false;
}

void tcpip__stack_defer(struct tcpip_stack *stack, struct deferred *deferred)
{
    if (!stack->ending && !list_node_linked(&deferred->node))
        list_push_back(&stack->deferred, &deferred->node);
}

/* ---- in and out ---- */

void tcpip_stack_enter(struct tcpip_stack *stack)
{
    ASSERT_ENV(&stack->env, stack->in_callback == 0); /* see env.h for the callbacks that may not enter */
    if (stack->depth++ > 0)
        return;
    stack->now_known = false;
    stack->budget_left = stack->limits.turn_budget;
    stack->stats.stack.turns++;
}

void tcpip_stack_enter_at(struct tcpip_stack *stack, tcpip_ns now)
{
    tcpip_stack_enter(stack);
    if (!stack->now_known)
        turn_set_now(stack, now);
}

void tcpip_stack_leave(struct tcpip_stack *stack)
{
    ASSERT_ENV(&stack->env, stack->depth > 0);
    if (stack->depth == 1) {
        ASSERT_ENV(&stack->env, !stack->flushing && stack->in_callback == 0); /* one leave too many in a callback */
        if (turn_has_work(stack) && !stack->ending)
            turn_finish(stack);
    }
    stack->depth--;
}

bool tcpip_stack_advance(struct tcpip_stack *stack, uint32_t budget)
{
    tcpip_stack_enter(stack);
    bool outermost = stack->depth == 1;
    budget = max_u32(budget == 0 ? stack->limits.turn_budget : budget, 2);
    uint32_t fired = tcpip__timer_wheel_advance(&stack->timers, tcpip__stack_now(stack), budget / 2);
    if (outermost)
        stack->budget_left = budget - fired;
    tcpip_ns now = stack->now;
    tcpip_stack_leave(stack);
    /* Inside a bracket what is marked waits for its leave: another advance would change nothing about it. */
    return (outermost && turn_has_work(stack)) || tcpip__timer_wheel_deadline(&stack->timers) <= now;
}

tcpip_ns tcpip_stack_deadline(const struct tcpip_stack *stack)
{
    if (turn_has_work(stack))
        return stack->now; /* the last instant that was looked at: past, or the open turn's own */
    /* The wheel remembers the answer, which is no change that anyone can see. */
    return tcpip__timer_wheel_deadline((struct timer_wheel *)(uintptr_t)&stack->timers);
}
