// SPDX-License-Identifier: MIT
/* congestion.c: the congestion controllers a stack knows, by name.
 *
 * Owns:        stack->congestion and which of them is the default.
 * Invariants:  names are unique; the default's index is below the count, or there are none.
 * Not here:    the controllers, and choosing one for an endpoint (transport/tcp). */
#include "stack/stack.h"
#include <tcpip/congestion.h>

#include <string.h>

enum { CONGESTION_NAME_MAX = 15 };

/* Where the name is, or would be put. */
static uint32_t congestion_index(const struct tcpip_stack *stack, const char *name)
{
    uint32_t i = 0;
    while (i < stack->congestion_count && strcmp(stack->congestion[i]->name, name) != 0)
        i++;
    return i;
}

enum tcpip_error tcpip_congestion_register(struct tcpip_stack *stack, const struct tcpip_congestion_ops *ops)
{
    if (ops->name == NULL || ops->name[0] == '\0' || strlen(ops->name) > CONGESTION_NAME_MAX ||
        ops->state_size > TCPIP_CONGESTION_STATE_BYTES || ops->init == NULL || ops->on_ack == NULL ||
        ops->on_recovery == NULL || ops->on_rto == NULL)
        return TCPIP_ERR_INVALID_ARGUMENT;
    uint32_t i = congestion_index(stack, ops->name);
    if (i == STACK_CONGESTION_MAX)
        return TCPIP_ERR_LIMIT_REACHED;
    stack->congestion[i] = ops;
    if (i == stack->congestion_count)
        stack->congestion_count++;
    return TCPIP_OK;
}

enum tcpip_error tcpip_congestion_set_default(struct tcpip_stack *stack, const char *name)
{
    uint32_t i = congestion_index(stack, name);
    if (i == stack->congestion_count)
        return TCPIP_ERR_INVALID_OPTION_VALUE;
    stack->congestion_default = i;
    return TCPIP_OK;
}

const struct tcpip_congestion_ops *tcpip__congestion_find(const struct tcpip_stack *stack, const char *name)
{
    uint32_t i = congestion_index(stack, name);
    return i < stack->congestion_count ? stack->congestion[i] : NULL;
}

const struct tcpip_congestion_ops *tcpip__congestion_default(const struct tcpip_stack *stack)
{
    return stack->congestion_count > 0 ? stack->congestion[stack->congestion_default] : NULL;
}
