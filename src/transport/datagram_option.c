// SPDX-License-Identifier: MIT
/* datagram_option.c: options of datagram endpoints, and the groups that they join.
 *
 * A membership is counted at the NIC (stack/address.c); the endpoint keeps its own list so that what it joined is left
 * when it is closed. As on Linux, membership decides what the host hears; whoever is bound to the port then hears it.
 *
 * Owns:        groups, the two buffer sizes.
 * Invariants:  group_count is the length of groups, and at most DATAGRAM_GROUPS_MAX.
 * Not here:    defaults and ranges (stack/option.c). */
#include "transport/datagram.h"

#include <stdalign.h>

enum {
    DATAGRAM_BUFFER_MIN = 2304, /* Linux's SOCK_MIN_RCVBUF */
};

/* ---- options ---- */

/* Options that a datagram endpoint has; some mean nothing to it, and are kept as Linux keeps them. */
static bool dgram_knows_option(const struct datagram_endpoint *ep, enum tcpip_option option)
{
    switch (option) {
    case TCPIP_OPTION_ERROR:
    case TCPIP_OPTION_SEND_BUFFER_SIZE:
    case TCPIP_OPTION_RECEIVE_BUFFER_SIZE:
    case TCPIP_OPTION_RECEIVE_QUEUE_SIZE:
    case TCPIP_OPTION_BYTES_WRITTEN:
    case TCPIP_OPTION_SEND_QUEUE_SIZE:
    case TCPIP_OPTION_REUSE_ADDRESS:
    case TCPIP_OPTION_REUSE_PORT:
    case TCPIP_OPTION_BROADCAST:
    case TCPIP_OPTION_BIND_TO_NIC:
    case TCPIP_OPTION_MARK:
    case TCPIP_OPTION_TTL:
    case TCPIP_OPTION_TOS:
    case TCPIP_OPTION_MULTICAST_TTL:
    case TCPIP_OPTION_MULTICAST_LOOP:
    case TCPIP_OPTION_MULTICAST_NIC:
    case TCPIP_OPTION_RECEIVE_TTL:
    case TCPIP_OPTION_RECEIVE_TOS:
    case TCPIP_OPTION_RECEIVE_PACKET_INFO:
    case TCPIP_OPTION_RECEIVE_ERROR:
    case TCPIP_OPTION_PATH_MTU_DISCOVERY:
    case TCPIP_OPTION_PATH_MTU:
    case TCPIP_OPTION_RECEIVE_LOW_WATER:
    case TCPIP_OPTION_KEEPALIVE:
    case TCPIP_OPTION_LINGER:
    case TCPIP_OPTION_INCOMING_QUEUE:
    case TCPIP_OPTION_FREE_BIND:
    case TCPIP_OPTION_PORT_RANGE:
        return true;
    case TCPIP_OPTION_V6_ONLY:
        return ep->base.network == TCPIP_PROTOCOL_IPV6;
    case TCPIP_OPTION_CHECKSUM_OFF:
    case TCPIP_OPTION_CORK:
        return ep->ops->transport == TCPIP_PROTOCOL_UDP;
    default:
        return false;
    }
}

static uint32_t dgram_clamp_buffer(const struct tcpip_stack *stack, int64_t value)
{
    uint32_t most = max_u32(stack->limits.datagram_queue_bytes, stack->limits.tcp_receive_buffer_max);
    return (uint32_t)clamp_i64(value, min_u32(DATAGRAM_BUFFER_MIN, most), most);
}

static uint32_t dgram_buffer_default(const struct tcpip_stack *stack, enum tcpip_option option)
{
    int64_t chosen = stack->defaults[option];
    return chosen > 0 ? dgram_clamp_buffer(stack, chosen) : stack->limits.datagram_queue_bytes;
}

void tcpip__datagram_buffers_init(struct datagram_endpoint *ep)
{
    ep->receive_buffer_bytes = dgram_buffer_default(ep->base.stack, TCPIP_OPTION_RECEIVE_BUFFER_SIZE);
    ep->send_buffer_bytes = dgram_buffer_default(ep->base.stack, TCPIP_OPTION_SEND_BUFFER_SIZE);
}

enum tcpip_error tcpip__datagram_set_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t value)
{
    struct datagram_endpoint *ep = datagram_of(endpoint);
    struct tcpip_stack *stack = endpoint->stack;
    if (!dgram_knows_option(ep, option))
        return TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION;
    switch (option) {
    case TCPIP_OPTION_V6_ONLY: /* it is part of what the port was reserved for */
        if (ep->bound)
            return TCPIP_ERR_INVALID_ENDPOINT_STATE;
        break;
    case TCPIP_OPTION_RECEIVE_BUFFER_SIZE:
        ep->receive_buffer_bytes = dgram_clamp_buffer(stack, value);
        return TCPIP_OK;
    case TCPIP_OPTION_SEND_BUFFER_SIZE:
        ep->send_buffer_bytes = dgram_clamp_buffer(stack, value);
        return TCPIP_OK;
    case TCPIP_OPTION_BIND_TO_NIC:
    case TCPIP_OPTION_MULTICAST_NIC:
        if (value != 0 && tcpip__nic_find(stack, (uint32_t)value) == NULL)
            return TCPIP_ERR_UNKNOWN_NIC_ID;
        break;
    default:
        break;
    }
    enum tcpip_error error = tcpip__option_block_set(stack, &ep->options, option, value);
    if (error == TCPIP_OK && (option == TCPIP_OPTION_REUSE_ADDRESS || option == TCPIP_OPTION_REUSE_PORT))
        tcpip__datagram_port_options(ep);
    if (error == TCPIP_OK && option == TCPIP_OPTION_INCOMING_QUEUE)
        demux_listener_queue(&ep->listener, value);
    if (error == TCPIP_OK && option == TCPIP_OPTION_CORK && value == 0)
        (void)tcpip__datagram_push(ep); /* nobody hears how it went, as on Linux */
    if (error == TCPIP_OK && option == TCPIP_OPTION_RECEIVE_ERROR && value == 0)
        tcpip__error_queue_forget_errors(endpoint);
    return error;
}

enum tcpip_error tcpip__datagram_get_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t *value)
{
    struct datagram_endpoint *ep = datagram_of(endpoint);
    if (!dgram_knows_option(ep, option))
        return TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION;
    switch (option) {
    case TCPIP_OPTION_ERROR:
        *value = tcpip__datagram_take_error(ep);
        break;
    case TCPIP_OPTION_SEND_BUFFER_SIZE:
        *value = ep->send_buffer_bytes;
        break;
    case TCPIP_OPTION_RECEIVE_BUFFER_SIZE:
        *value = ep->receive_buffer_bytes;
        break;
    case TCPIP_OPTION_RECEIVE_QUEUE_SIZE:
        *value = tcpip__datagram_next_bytes(ep);
        break;
    case TCPIP_OPTION_SEND_QUEUE_SIZE: /* what was sent is the NIC's */
        *value = 0;
        break;
    case TCPIP_OPTION_BYTES_WRITTEN:
        *value = ep->stamped;
        break;
    case TCPIP_OPTION_PATH_MTU: {
        uint8_t local[16];
        uint32_t nic;
        tcpip__datagram_speaker(ep, local);
        if (!ep->connected)
            return TCPIP_ERR_NOT_CONNECTED;
        enum tcpip_error error = tcpip__datagram_nic(ep, ep->entry.flow.nic, ep->entry.flow.remote, &nic);
        if (error == TCPIP_OK)
            error = tcpip__datagram_way(ep, nic, local, ep->entry.flow.remote);
        if (error != TCPIP_OK)
            return error;
        *value = tcpip__pmtu_get(&ep->route, ep->entry.flow.remote);
        break;
    }
    default:
        *value = datagram_option(ep, option);
        break;
    }
    return TCPIP_OK;
}

/* ---- groups ---- */

static struct datagram_group *dgram_group_find(const struct datagram_endpoint *ep, uint32_t nic, const uint8_t *bytes)
{
    list_for_each(node, &ep->groups)
    {
        struct datagram_group *group = list_entry(node, struct datagram_group, node);
        if (address_equal(group->bytes, bytes) && (nic == 0 || group->nic == nic))
            return group;
    }
    return NULL;
}

static void dgram_group_leave(struct datagram_endpoint *ep, struct datagram_group *group, bool silent)
{
    struct tcpip_stack *stack = ep->base.stack;
    struct tcpip_nic *nic = silent ? NULL : tcpip__nic_find(stack, group->nic);
    if (nic != NULL && nic->birth == group->nic_birth)
        (void)tcpip__nic_leave(nic, group->bytes);
    list_remove(&group->node);
    ep->group_count--;
    tcpip__memory_free(&stack->memory, group, sizeof(*group));
}

void tcpip__datagram_leave_all(struct datagram_endpoint *ep, bool silent)
{
    for (struct tcpip_list_node *node; (node = list_first(&ep->groups)) != NULL;)
        dgram_group_leave(ep, list_entry(node, struct datagram_group, node), silent);
}

/* The NIC asked for, or the one through which the group is sent to. */
static enum tcpip_error dgram_group_nic(struct datagram_endpoint *ep, uint32_t id, const uint8_t *bytes,
                                        struct tcpip_nic **out)
{
    uint8_t local[16] = {0};
    struct tcpip_route route = {0};
    if (id != 0) {
        *out = tcpip__nic_find(ep->base.stack, id);
        return *out != NULL ? TCPIP_OK : TCPIP_ERR_UNKNOWN_NIC_ID;
    }
    enum tcpip_error error = tcpip__route_find(ep->base.stack, 0, local, bytes, &route);
    if (error == TCPIP_OK)
        *out = route.nic;
    tcpip__route_release(&route);
    return error;
}

static enum tcpip_error dgram_group_join(struct datagram_endpoint *ep, uint32_t nic_id, const uint8_t *bytes)
{
    struct tcpip_stack *stack = ep->base.stack;
    struct tcpip_nic *nic;
    enum tcpip_error error = dgram_group_nic(ep, nic_id, bytes, &nic);
    if (error != TCPIP_OK)
        return error;
    if (dgram_group_find(ep, nic->id, bytes) != NULL)
        return TCPIP_ERR_DUPLICATE_ADDRESS;
    if (ep->group_count >= DATAGRAM_GROUPS_MAX)
        return TCPIP_ERR_LIMIT_REACHED;
    struct datagram_group *group = tcpip__memory_zalloc(&stack->memory, sizeof(*group), alignof(struct datagram_group));
    if (group == NULL)
        return TCPIP_ERR_NO_MEMORY;
    error = tcpip__nic_join(nic, bytes);
    if (error != TCPIP_OK) {
        tcpip__memory_free(&stack->memory, group, sizeof(*group));
        return error;
    }
    group->nic = nic->id;
    group->nic_birth = nic->birth;
    memcpy(group->bytes, bytes, 16);
    list_push_back(&ep->groups, &group->node);
    ep->group_count++;
    return TCPIP_OK;
}

enum tcpip_error tcpip__datagram_group(struct tcpip_endpoint *endpoint, uint32_t nic, const struct tcpip_address *group,
                                       bool join)
{
    struct datagram_endpoint *ep = datagram_of(endpoint);
    uint8_t bytes[16];
    address_internal(group, bytes);
    if (!address_is_multicast(bytes))
        return TCPIP_ERR_BAD_ADDRESS;
    if (endpoint->network == TCPIP_PROTOCOL_IPV4 && !address_is_v4(bytes))
        return TCPIP_ERR_ADDRESS_FAMILY_NOT_SUPPORTED;
    if (join)
        return dgram_group_join(ep, nic, bytes);
    struct datagram_group *joined = dgram_group_find(ep, nic, bytes);
    if (joined == NULL)
        return TCPIP_ERR_BAD_LOCAL_ADDRESS;
    dgram_group_leave(ep, joined, false);
    return TCPIP_OK;
}
