// SPDX-License-Identifier: MIT
/* stack.c: the birth and the death of a stack, and what it keeps for everyone.
 *
 * A stack is one block of memory with everything hanging off it, and it is built from the floor up: memory, randomness,
 * timers, storage; tables; network protocols, which may use the tables; transport protocols, which may use those. It is
 * taken down in the opposite order by one function, which serves a birth that failed halfway as well: each step asks
 * whether its counterpart happened.
 *
 * Death makes no noise: endpoints are abandoned (no FIN, no RST), NICs are told that they are going, so that nothing is
 * sent or queued; then the books must balance: buffers, packets, timers and bytes each assert that none is out.
 *
 * Owns:        the protocol slots, the defaults of options, the memory of struct tcpip_stack.
 * Invariants:  network_count and transport_count count the protocols whose stack_init succeeded.
 * Not here:    turns (turn.c), NICs (nic.c), endpoints (endpoint.c), packets' way up (deliver.c). */
#include "stack/stack.h"

#include "base/limits.h"
#include "base/math.h"
#include "ports/ports.h"
#include "stack/demux.h"
#include "stack/neighbor.h"
#include "stack/nic.h"
#include "stack/pmtu.h"
#include "stack/route.h"

#include <stdalign.h>

/* Blocks of protocol state may hold anything. */
enum { STACK_STATE_ALIGN = alignof(max_align_t) };

/* ---- protocols ---- */

static enum tcpip_error stack_add_network(struct tcpip_stack *stack, const struct tcpip_network_protocol *ops)
{
    if (tcpip__stack_network(stack, ops->number) != NULL)
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (stack->network_count == STACK_NETWORK_PROTOCOLS_MAX)
        return TCPIP_ERR_LIMIT_REACHED;
    struct network_slot *slot = &stack->network[stack->network_count];
    *slot = (struct network_slot){.ops = ops, .number = ops->number};
    if (ops->stack_state_bytes > 0) {
        slot->state = tcpip__memory_zalloc(&stack->memory, ops->stack_state_bytes, STACK_STATE_ALIGN);
        if (slot->state == NULL)
            return TCPIP_ERR_NO_MEMORY;
    }
    stack->network_count++; /* before init: it may look itself up */
    enum tcpip_error error = ops->stack_init != NULL ? ops->stack_init(stack, slot->state) : TCPIP_OK;
    if (error != TCPIP_OK) {
        stack->network_count--;
        tcpip__memory_free(&stack->memory, slot->state, ops->stack_state_bytes);
    }
    return error;
}

static enum tcpip_error stack_add_transport(struct tcpip_stack *stack, const struct tcpip_transport_protocol *ops)
{
    if (tcpip__stack_transport(stack, ops->number) != NULL)
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (stack->transport_count == STACK_TRANSPORT_PROTOCOLS_MAX)
        return TCPIP_ERR_LIMIT_REACHED;
    struct transport_slot *slot = &stack->transport[stack->transport_count];
    *slot = (struct transport_slot){.ops = ops, .number = ops->number};
    if (ops->stack_state_bytes > 0) {
        slot->state = tcpip__memory_zalloc(&stack->memory, ops->stack_state_bytes, STACK_STATE_ALIGN);
        if (slot->state == NULL)
            return TCPIP_ERR_NO_MEMORY;
    }
    stack->transport_count++;
    enum tcpip_error error = ops->stack_init != NULL ? ops->stack_init(stack, slot->state) : TCPIP_OK;
    if (error != TCPIP_OK) {
        stack->transport_count--;
        tcpip__memory_free(&stack->memory, slot->state, ops->stack_state_bytes);
    }
    return error;
}

static enum tcpip_error stack_add_protocols(struct tcpip_stack *stack, const struct tcpip_protocols *protocols)
{
    enum tcpip_error error = TCPIP_OK;
    if (protocols == NULL)
        return TCPIP_OK;
    if (protocols->network != NULL)
        for (uint32_t i = 0; error == TCPIP_OK && protocols->network[i] != NULL; i++)
            error = stack_add_network(stack, protocols->network[i]);
    if (protocols->transport != NULL)
        for (uint32_t i = 0; error == TCPIP_OK && protocols->transport[i] != NULL; i++)
            error = stack_add_transport(stack, protocols->transport[i]);
    return error;
}

static void stack_remove_protocols(struct tcpip_stack *stack)
{
    while (stack->transport_count > 0) {
        struct transport_slot *slot = &stack->transport[stack->transport_count - 1];
        if (slot->ops->stack_fini != NULL)
            slot->ops->stack_fini(stack, slot->state);
        stack->transport_count--;
        tcpip__memory_free(&stack->memory, slot->state, slot->ops->stack_state_bytes);
    }
    while (stack->network_count > 0) {
        struct network_slot *slot = &stack->network[stack->network_count - 1];
        if (slot->ops->stack_fini != NULL)
            slot->ops->stack_fini(stack, slot->state);
        stack->network_count--;
        tcpip__memory_free(&stack->memory, slot->state, slot->ops->stack_state_bytes);
    }
}

void *tcpip__stack_transport_state(struct tcpip_stack *stack, uint8_t number)
{
    for (uint32_t i = 0; i < stack->transport_count; i++)
        if (stack->transport[i].number == number)
            return stack->transport[i].state;
    return NULL;
}

void *tcpip__stack_network_state(struct tcpip_stack *stack, uint32_t number)
{
    for (uint32_t i = 0; i < stack->network_count; i++)
        if (stack->network[i].number == number)
            return stack->network[i].state;
    return NULL;
}

const struct tcpip_network_protocol *tcpip__stack_network(const struct tcpip_stack *stack, uint32_t number)
{
    for (uint32_t i = 0; i < stack->network_count; i++)
        if (stack->network[i].number == number)
            return stack->network[i].ops;
    return NULL;
}

const struct tcpip_transport_protocol *tcpip__stack_transport(const struct tcpip_stack *stack, uint8_t number)
{
    for (uint32_t i = 0; i < stack->transport_count; i++)
        if (stack->transport[i].number == number)
            return stack->transport[i].ops;
    return NULL;
}

/* ---- birth and death ---- */

/* The part that cannot fail. */
static void stack_init(struct tcpip_stack *stack)
{
    uint64_t seed;
    list_init(&stack->dirty);
    list_init(&stack->notify);
    list_init(&stack->deferred);
    list_init(&stack->ready);
    list_init(&stack->tx_nics);
    list_init(&stack->nics);
    list_init(&stack->endpoints);
    stack->loop = tcpip_packet_list_init();
    tcpip__waiter_dispatch_init(&stack->waiters);
    stack->env.random(stack->env.ctx, &seed, sizeof(seed));
    rng_init(&stack->rng, seed);
    stack->secret = tcpip__siphash_key_random(&stack->env);
    stack->checksum = tcpip_checksum_ops_best();
    tcpip__timer_wheel_init(&stack->timers, tcpip__stack_now(stack));
    tcpip__buffer_pools_init(&stack->buffers, &stack->memory, stack);
    tcpip__packet_pool_init(&stack->packets, &stack->memory, &stack->buffers, stack);
    tcpip__option_defaults(stack->defaults);
}

static enum tcpip_error stack_build(struct tcpip_stack *stack, const struct tcpip_protocols *protocols)
{
    enum tcpip_error error = tcpip__demux_new(stack);
    if (error == TCPIP_OK && (stack->ports = tcpip__port_manager_new(&stack->memory)) == NULL)
        error = TCPIP_ERR_NO_MEMORY;
    if (error == TCPIP_OK)
        error = tcpip__address_table_new(stack);
    if (error == TCPIP_OK)
        error = tcpip__route_table_new(stack);
    if (error == TCPIP_OK)
        error = tcpip__pmtu_table_new(stack);
    if (error == TCPIP_OK)
        error = tcpip__neighbor_table_new(stack);
    if (error == TCPIP_OK)
        error = stack_add_protocols(stack, protocols);
    return error;
}

/* Takes down what stands of a stack. */
static void stack_destroy(struct tcpip_stack *stack)
{
    stack->ending = true;
    stack->depth = 1; /* protocols expect to be inside a turn */
    for (struct tcpip_list_node *node; (node = list_first(&stack->endpoints)) != NULL;) {
        struct tcpip_endpoint *endpoint = container_of(node, struct tcpip_endpoint, all);
        tcpip__endpoint_detach(endpoint);
        endpoint->ops->abandon(endpoint);
        ASSERT_ENV(&stack->env, list_first(&stack->endpoints) != node); /* abandon must free */
    }
    tcpip_packet_list_free(&stack->loop);
    for (struct tcpip_list_node *node; (node = list_last(&stack->nics)) != NULL;)
        tcpip__nic_remove(container_of(node, struct tcpip_nic, node));
    stack_remove_protocols(stack);
    if (stack->neighbors != NULL)
        tcpip__neighbor_table_free(stack);
    if (stack->pmtu != NULL)
        tcpip__pmtu_table_free(stack);
    if (stack->routes != NULL)
        tcpip__route_table_free(stack);
    if (stack->addresses != NULL)
        tcpip__address_table_free(stack);
    if (stack->ports != NULL)
        tcpip__port_manager_free(stack->ports);
    if (stack->demux != NULL)
        tcpip__demux_free(stack);
    tcpip__buffer_run_released(&stack->buffers); /* zero-copy writes hear of their buffers to the last */
    tcpip__packet_pool_fini(&stack->packets);
    tcpip__buffer_pools_fini(&stack->buffers);
    tcpip__timer_wheel_fini(&stack->timers);

    struct tcpip_env env = stack->env;
    struct memory memory = stack->memory;
    memory.env = &env;
    tcpip__memory_free(&memory, stack, sizeof(*stack));
    tcpip__memory_fini(&memory);
}

enum tcpip_error tcpip_stack_new(const struct tcpip_env *env, const struct tcpip_limits *limits,
                                 const struct tcpip_protocols *protocols, struct tcpip_stack **out)
{
    struct tcpip_env own_env = {0};
    struct tcpip_limits own_limits;
    struct memory memory;

    *out = NULL;
    memcpy(&own_env, env, min_size(env->size, sizeof(own_env)));
    own_env.size = sizeof(own_env);
    if (own_env.alloc == NULL || own_env.free == NULL || own_env.now == NULL || own_env.random == NULL)
        return TCPIP_ERR_INVALID_ARGUMENT;
    tcpip__limits_complete(limits, &own_limits);
    tcpip__memory_init(&memory, &own_env, own_limits.memory_bytes);
    struct tcpip_stack *stack = tcpip__memory_zalloc(&memory, sizeof(*stack), alignof(struct tcpip_stack));
    if (stack == NULL)
        return TCPIP_ERR_NO_MEMORY;
    stack->env = own_env;
    stack->limits = own_limits;
    stack->memory = memory; /* it has counted the stack's own bytes */
    stack->memory.env = &stack->env;
    stack_init(stack);

    stack->depth = 1;
    enum tcpip_error error = stack_build(stack, protocols);
    stack->depth = 0;
    if (error != TCPIP_OK) {
        stack_destroy(stack);
        return error;
    }
    *out = stack;
    return TCPIP_OK;
}

void tcpip_stack_free(struct tcpip_stack *stack)
{
    ASSERT_ENV(&stack->env, stack->depth == 0 && stack->in_callback == 0);
    stack_destroy(stack);
}

/* ---- the rest ---- */

enum tcpip_error tcpip_stack_set_default(struct tcpip_stack *stack, enum tcpip_option option, int64_t value)
{
    enum tcpip_error error = tcpip__option_valid(option, value);
    if (error == TCPIP_OK)
        stack->defaults[option] = value;
    return error;
}

int64_t tcpip_stack_default(const struct tcpip_stack *stack, enum tcpip_option option)
{
    ASSERT_ENV(&stack->env, (uint32_t)option < TCPIP_OPTION_COUNT);
    return stack->defaults[option];
}

enum tcpip_error tcpip_stack_set_port_range(struct tcpip_stack *stack, uint16_t first, uint16_t last)
{
    return tcpip_port_manager_set_range(stack->ports, first, last);
}

enum tcpip_error tcpip_stack_set_transport_handler(struct tcpip_stack *stack, uint32_t transport,
                                                   bool (*handler)(void *ctx, struct tcpip_nic *nic,
                                                                   struct tcpip_packet *packet),
                                                   void *ctx)
{
    for (uint32_t i = 0; i < stack->transport_count; i++) {
        if (stack->transport[i].number != transport)
            continue;
        stack->transport[i].handler = handler;
        stack->transport[i].handler_ctx = ctx;
        return TCPIP_OK;
    }
    return TCPIP_ERR_UNKNOWN_PROTOCOL;
}

void tcpip_stack_trim(struct tcpip_stack *stack)
{
    for (struct pool *pool = stack->memory.pools, *next; pool != NULL; pool = next) {
        next = pool->next; /* one that has nothing left leaves the list */
        (void)tcpip__pool_trim(pool);
    }
}

/* ---- storage, for those who hold a stack and not its pools ---- */

struct tcpip_buffer *tcpip_buffer_new(struct tcpip_stack *stack, size_t size)
{
    return tcpip__buffer_new(&stack->buffers, size);
}

struct tcpip_buffer *tcpip_buffer_wrap(struct tcpip_stack *stack, void *data, size_t size,
                                       void (*release)(void *ctx, struct tcpip_buffer *buffer), void *ctx)
{
    return tcpip__buffer_wrap(&stack->buffers, data, size, release, ctx);
}

void tcpip_buffer_unref(struct tcpip_buffer *buffer)
{
    struct tcpip_buffer_pools *pools = buffer->owner;
    struct tcpip_stack *stack = pools->stack;
    buffer_unref(buffer);
    /* Outside a turn the callback that has become due runs now. */
    if (stack != NULL && pools->released != NULL && stack->depth == 0) {
        tcpip_stack_enter(stack);
        tcpip_stack_leave(stack);
    }
}

struct tcpip_packet *tcpip_packet_new(struct tcpip_stack *stack)
{
    return tcpip__packet_new(&stack->packets);
}

struct tcpip_packet *tcpip_packet_copy(struct tcpip_stack *stack, const struct tcpip_packet *packet)
{
    return tcpip__packet_copy(&stack->packets, packet);
}
