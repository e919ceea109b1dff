// SPDX-License-Identifier: MIT
/* nic.c: a NIC's life: made over a link, up and down, gone.
 *
 * "Up" is one thing made of three: enabled by the operator, carrier on the link, not being removed. nic_settle()
 * compares it with what the network protocols were last told (nic->up) and tells them the difference, once per change
 * and from one place. What an operator does takes effect at once. What a link says may come from inside its own
 * transmit, when the stack is in the middle of anything: then packets stop passing at once (nic_usable), and the rest
 * is deferred to the end of the turn, together with the callback that may remove the NIC.
 *
 * Going down has an order: protocols take their leave (groups, routers) while packets still pass; the queue gets one
 * more chance to go out; only then is the door shut and what is left dropped.
 *
 * Owns:        stack->nics, nic->enabled, link_up, up; the per-NIC state of the network protocols.
 * Invariants:  nic->up implies nic_usable(nic) outside the deferred change; route_generation moves with every change.
 * Not here:    queues (transmit.c), input (deliver.c), addresses (address.c). */
#include "stack/nic.h"

#include "base/math.h"
#include "stack/neighbor.h"
#include "stack/pmtu.h"
#include "stack/route.h"

#include <stdalign.h>

enum { NIC_MTU_MIN = 68 }; /* RFC 791 3.2 */

/* ---- finding ---- */

struct tcpip_nic *tcpip__nic_find(const struct tcpip_stack *stack, uint32_t id)
{
    list_for_each(node, &stack->nics)
    {
        struct tcpip_nic *nic = container_of(node, struct tcpip_nic, node);
        if (nic->id == id)
            return nic;
    }
    return NULL;
}

void *tcpip__nic_network_state(struct tcpip_nic *nic, uint32_t number)
{
    for (uint32_t i = 0; i < nic->stack->network_count; i++)
        if (nic->stack->network[i].number == number)
            return nic->network_state[i];
    return NULL;
}

/* ---- up and down ---- */

static void nic_tell_up(struct tcpip_nic *nic)
{
    struct tcpip_stack *stack = nic->stack;
    nic->up = true;
    stack->route_generation++;
    for (uint32_t i = 0; i < stack->network_count; i++)
        if (stack->network[i].ops->nic_up != NULL)
            stack->network[i].ops->nic_up(nic, nic->network_state[i]);
    tcpip__nic_addresses_up(nic);
}

static void nic_tell_down(struct tcpip_nic *nic)
{
    struct tcpip_stack *stack = nic->stack;
    nic->up = false;
    stack->route_generation++;
    tcpip__nic_addresses_down(nic);
    for (uint32_t i = stack->network_count; i-- > 0;)
        if (stack->network[i].ops->nic_down != NULL)
            stack->network[i].ops->nic_down(nic, nic->network_state[i]);
    tcpip__neighbor_flush(nic);
}

/* Brings what the protocols know in line with what is. */
static void nic_settle(struct tcpip_nic *nic)
{
    bool up = nic_usable(nic);
    if (up == nic->up)
        return;
    if (up)
        nic_tell_up(nic);
    else
        nic_tell_down(nic);
    EVENT(nic->stack, NIC_STATE, 0, nic->id, up, nic->state_error, 0);
}

static void nic_enable(struct tcpip_nic *nic)
{
    nic->enabled = true;
    nic_settle(nic);
}

/* Takes leave of the network first, then shuts the door. */
static void nic_disable(struct tcpip_nic *nic)
{
    if (nic->up) {
        nic_tell_down(nic);
        if (!nic->stack->ending)
            tcpip__nic_flush(nic);
        EVENT(nic->stack, NIC_STATE, 0, nic->id, 0, TCPIP_OK, 0);
    }
    nic->enabled = false;
    tcpip__nic_drop_queue(nic, TCPIP_DROP_NIC_DISABLED);
}

/* ---- what the link says ---- */

static void nic_on_deliver(struct tcpip_link_upper *upper, struct tcpip_packet_list *packets)
{
    tcpip__nic_receive(container_of(upper, struct tcpip_nic, upper), packets);
}

static void nic_on_tx_ready(struct tcpip_link_upper *upper)
{
    tcpip_nic_tx_ready(container_of(upper, struct tcpip_nic, upper));
}

static void nic_state_changed(struct deferred *deferred)
{
    struct tcpip_nic *nic = container_of(deferred, struct tcpip_nic, state_change);
    nic_settle(nic);
    if (nic->on_state != NULL)
        nic->on_state(nic->ctx, nic, nic->link_up, nic->state_error); /* may remove the NIC */
}

static void nic_on_state(struct tcpip_link_upper *upper, bool up, enum tcpip_error error)
{
    struct tcpip_nic *nic = container_of(upper, struct tcpip_nic, upper);
    struct tcpip_stack *stack = nic->stack;
    bool enter = stack->in_callback == 0; /* else inside transmit, hence inside a turn */
    if (nic->removing || up == nic->link_up)
        return;
    if (enter)
        tcpip_stack_enter(stack);
    nic->link_up = up;
    nic->state_error = up ? TCPIP_OK : error;
    /* While the link is at work on the queue it isn't ours to empty; what it leaves there is dropped by nic_flush. */
    if (!up && enter)
        tcpip__nic_drop_queue(nic, TCPIP_DROP_LINK_DOWN);
    tcpip__stack_defer(stack, &nic->state_change);
    if (enter)
        tcpip_stack_leave(stack);
}

/* ---- birth and death ---- */

static void nic_network_fini(struct tcpip_nic *nic, uint32_t count)
{
    struct tcpip_stack *stack = nic->stack;
    while (count-- > 0) {
        const struct tcpip_network_protocol *ops = stack->network[count].ops;
        if (ops->nic_fini != NULL)
            ops->nic_fini(nic, nic->network_state[count]);
        tcpip__memory_free(&stack->memory, nic->network_state[count], ops->nic_state_bytes);
        nic->network_state[count] = NULL;
    }
}

static enum tcpip_error nic_network_init(struct tcpip_nic *nic)
{
    struct tcpip_stack *stack = nic->stack;
    for (uint32_t i = 0; i < stack->network_count; i++) {
        const struct tcpip_network_protocol *ops = stack->network[i].ops;
        enum tcpip_error error = TCPIP_OK;
        if (ops->nic_state_bytes > 0) {
            nic->network_state[i] = tcpip__memory_zalloc(&stack->memory, ops->nic_state_bytes, alignof(max_align_t));
            if (nic->network_state[i] == NULL)
                error = TCPIP_ERR_NO_MEMORY;
        }
        if (error == TCPIP_OK && ops->nic_init != NULL)
            error = ops->nic_init(nic, nic->network_state[i]);
        if (error != TCPIP_OK) {
            tcpip__memory_free(&stack->memory, nic->network_state[i], ops->nic_state_bytes);
            nic->network_state[i] = NULL;
            nic_network_fini(nic, i);
            return error;
        }
    }
    return TCPIP_OK;
}

/* "nic7", for those that were given no name. */
static void nic_set_name(struct tcpip_nic *nic, const char *name)
{
    if (name != NULL) {
        size_t length = min_size(strlen(name), sizeof(nic->name) - 1);
        memcpy(nic->name, name, length);
        return;
    }
    char digits[10];
    uint32_t count = 0;
    for (uint32_t id = nic->id; id > 0; id /= 10)
        digits[count++] = (char)('0' + id % 10);
    memcpy(nic->name, "nic", 3);
    for (uint32_t i = 0; i < count; i++)
        nic->name[3 + i] = digits[count - 1 - i];
}

static enum tcpip_error nic_attach(struct tcpip_nic *nic, struct tcpip_link *link)
{
    struct tcpip_stack *stack = nic->stack;
    stack_callback_begin(stack); /* what it delivers meanwhile is queued */
    enum tcpip_error error = link->ops->attach(link, stack, &nic->upper);
    if (error == TCPIP_OK)
        link->ops->capabilities(link, &nic->caps);
    stack_callback_end(stack);
    if (error != TCPIP_OK)
        return TCPIP_ERR_BAD_LINK_ENDPOINT;
    nic->link = link;
    nic->mtu = nic->caps.mtu;
    nic->gro = (nic->caps.flags & TCPIP_LINK_GRO) != 0;
    return TCPIP_OK;
}

static void nic_detach(struct tcpip_nic *nic)
{
    struct tcpip_stack *stack = nic->stack;
    stack_callback_begin(stack);
    nic->link->ops->detach(nic->link);
    stack_callback_end(stack);
    nic->link = NULL;
}

static enum tcpip_error nic_build(struct tcpip_nic *nic, struct tcpip_link *link)
{
    enum tcpip_error error = nic_attach(nic, link); /* first: protocols look at the link's address and flags */
    if (error != TCPIP_OK)
        return error;
    error = tcpip__nic_addresses_init(nic);
    if (error != TCPIP_OK)
        goto detach;
    error = nic_network_init(nic);
    if (error == TCPIP_OK)
        return TCPIP_OK;
    tcpip__nic_addresses_fini(nic);
detach:
    nic_detach(nic);
    return error;
}

static enum tcpip_error nic_create(struct tcpip_stack *stack, uint32_t id, struct tcpip_link *link,
                                   const struct tcpip_nic_options *given)
{
    struct tcpip_nic_options options = {0};
    if (given != NULL)
        memcpy(&options, given, min_size(given->size, sizeof(options)));
    if (id == 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (tcpip__nic_find(stack, id) != NULL)
        return TCPIP_ERR_DUPLICATE_NIC_ID;
    if (link->stack != NULL)
        return TCPIP_ERR_BAD_LINK_ENDPOINT;
    if (stack->nic_count >= stack->limits.nics)
        return TCPIP_ERR_LIMIT_REACHED;
    struct tcpip_nic *nic = tcpip__memory_zalloc(&stack->memory, sizeof(*nic), alignof(struct tcpip_nic));
    if (nic == NULL)
        return TCPIP_ERR_NO_MEMORY;
    nic->stack = stack;
    nic->id = id;
    nic->birth = ++stack->nic_births;
    nic->upper = (struct tcpip_link_upper){nic_on_deliver, nic_on_tx_ready, nic_on_state};
    nic->link_up = true;
    nic->tx = tcpip_packet_list_init();
    list_init(&nic->tx_waiting);
    nic->state_change.fn = nic_state_changed;
    nic->queue = options.queue;
    nic->on_state = options.on_state;
    nic->ctx = options.ctx;
    nic_set_name(nic, options.name);

    enum tcpip_error error = nic_build(nic, link);
    if (error != TCPIP_OK) {
        list_remove_if_linked(&nic->state_change.node);
        tcpip__nic_drop_queue(nic, TCPIP_DROP_NIC_REMOVED);
        tcpip__memory_free(&stack->memory, nic, sizeof(*nic));
        return error;
    }
    list_push_back(&stack->nics, &nic->node);
    stack->nic_count++;
    stack->route_generation++;
    if (!options.disabled)
        nic_enable(nic);
    return TCPIP_OK;
}

static void nic_stats_add(struct tcpip_stats_nic *sum, const struct tcpip_stats_nic *part)
{
#define NIC_STATS_ADD_(name) sum->name += part->name;
    TCPIP_STATS_NIC(NIC_STATS_ADD_)
#undef NIC_STATS_ADD_
}

void tcpip__nic_remove(struct tcpip_nic *nic)
{
    struct tcpip_stack *stack = nic->stack;
    nic_disable(nic);
    nic->removing = true;
    list_remove_if_linked(&nic->state_change.node);
    nic_detach(nic);
    tcpip__nic_drop_queue(nic, TCPIP_DROP_NIC_REMOVED); /* and what came in through it and waits for its turn */
    tcpip__neighbor_flush(nic);
    tcpip__route_table_nic_removed(stack, nic);
    tcpip__pmtu_nic_removed(stack, nic->id);
    nic_network_fini(nic, stack->network_count);
    tcpip__nic_addresses_fini(nic);
    nic_stats_add(&stack->stats.nic, &nic->stats);
    list_remove(&nic->node);
    stack->nic_count--;
    stack->route_generation++;
    tcpip__memory_free(&stack->memory, nic, sizeof(*nic));
}

/* ---- the operator ---- */

enum tcpip_error tcpip_stack_create_nic(struct tcpip_stack *stack, uint32_t id, struct tcpip_link *link,
                                        const struct tcpip_nic_options *options)
{
    tcpip_stack_enter(stack);
    enum tcpip_error error = nic_create(stack, id, link, options);
    tcpip_stack_leave(stack);
    return error;
}

enum tcpip_error tcpip_stack_enable_nic(struct tcpip_stack *stack, uint32_t id)
{
    struct tcpip_nic *nic = tcpip__nic_find(stack, id);
    if (nic == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    tcpip_stack_enter(stack);
    nic_enable(nic);
    tcpip_stack_leave(stack);
    return TCPIP_OK;
}

enum tcpip_error tcpip_stack_disable_nic(struct tcpip_stack *stack, uint32_t id)
{
    struct tcpip_nic *nic = tcpip__nic_find(stack, id);
    if (nic == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    tcpip_stack_enter(stack);
    nic_disable(nic);
    tcpip_stack_leave(stack);
    return TCPIP_OK;
}

enum tcpip_error tcpip_stack_remove_nic(struct tcpip_stack *stack, uint32_t id)
{
    struct tcpip_nic *nic = tcpip__nic_find(stack, id);
    if (nic == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    tcpip_stack_enter(stack);
    tcpip__nic_remove(nic);
    tcpip_stack_leave(stack);
    return TCPIP_OK;
}

enum tcpip_error tcpip_stack_set_promiscuous(struct tcpip_stack *stack, uint32_t id, bool on)
{
    struct tcpip_nic *nic = tcpip__nic_find(stack, id);
    if (nic == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    nic->promiscuous = on;
    return TCPIP_OK;
}

enum tcpip_error tcpip_stack_set_spoofing(struct tcpip_stack *stack, uint32_t id, bool on)
{
    struct tcpip_nic *nic = tcpip__nic_find(stack, id);
    if (nic == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    nic->spoofing = on;
    stack->route_generation++;
    return TCPIP_OK;
}

enum tcpip_error tcpip_stack_set_nic_mtu(struct tcpip_stack *stack, uint32_t id, uint32_t mtu)
{
    struct tcpip_nic *nic = tcpip__nic_find(stack, id);
    if (nic == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    if (mtu < NIC_MTU_MIN || mtu > nic->caps.mtu)
        return TCPIP_ERR_INVALID_ARGUMENT;
    nic->mtu = mtu;
    stack->route_generation++;
    return TCPIP_OK;
}

struct tcpip_nic *tcpip_stack_nic(const struct tcpip_stack *stack, uint32_t id)
{
    return tcpip__nic_find(stack, id);
}

uint32_t tcpip_nic_id(const struct tcpip_nic *nic)
{
    return nic->id;
}

const char *tcpip_nic_name(const struct tcpip_nic *nic)
{
    return nic->name;
}

struct tcpip_stack *tcpip_nic_stack(const struct tcpip_nic *nic)
{
    return nic->stack;
}

enum tcpip_error tcpip_stack_nic_info(const struct tcpip_stack *stack, uint32_t id, struct tcpip_nic_info *out)
{
    const struct tcpip_nic *nic = tcpip__nic_find(stack, id);
    if (nic == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    *out = (struct tcpip_nic_info){
        .id = nic->id,
        .mtu = nic->mtu,
        .flags = nic->caps.flags,
        .name = nic->name,
        .enabled = nic->enabled,
        .link_up = nic->link_up,
        .promiscuous = nic->promiscuous,
        .spoofing = nic->spoofing,
        .link_address = nic->caps.address,
        .stats = nic->stats,
    };
    return TCPIP_OK;
}

void tcpip_stack_stats(const struct tcpip_stack *stack, struct tcpip_stats *out)
{
    *out = stack->stats;
    list_for_each(node, &stack->nics) nic_stats_add(&out->nic, &container_of(node, struct tcpip_nic, node)->stats);
    out->stack.allocation_failures = stack->memory.refused;
    out->memory_bytes = stack->memory.used_bytes;
    out->memory_peak_bytes = stack->memory.peak_bytes;
}
