// SPDX-License-Identifier: MIT
/* unix_option.c: options of unix endpoints.
 *
 * The two sizes are Linux's sk_sndbuf and sk_rcvbuf: the first bounds what is in flight, with all overhead; the second
 * is kept and means nothing, since it is the sender who pays. Some others are kept for programs that set them on any
 * socket.
 *
 * Owns:        send_buffer_bytes, receive_buffer_bytes, passcred.
 * Invariants:  send_buffer_bytes is at least UNIX_BUFFER_MIN.
 * Not here:    defaults and ranges (stack/option.c). */
#include "transport/unix/unix.h"

enum {
    UNIX_BUFFER_MIN = 4608, /* Linux's SOCK_MIN_SNDBUF */
};

static bool unix_knows_option(enum tcpip_option option)
{
    switch (option) {
    case TCPIP_OPTION_ERROR:
    case TCPIP_OPTION_SEND_BUFFER_SIZE:
    case TCPIP_OPTION_RECEIVE_BUFFER_SIZE:
    case TCPIP_OPTION_RECEIVE_QUEUE_SIZE:
    case TCPIP_OPTION_SEND_QUEUE_SIZE:
    case TCPIP_OPTION_REUSE_ADDRESS:
    case TCPIP_OPTION_PASSCRED:
    case TCPIP_OPTION_BROADCAST:
    case TCPIP_OPTION_MARK:
    case TCPIP_OPTION_LINGER:
    case TCPIP_OPTION_KEEPALIVE:
    case TCPIP_OPTION_RECEIVE_LOW_WATER:
        return true;
    default:
        return false;
    }
}

static uint32_t unix_clamp_buffer(const struct tcpip_stack *stack, int64_t value)
{
    uint32_t most = sat_u32((uint64_t)stack->limits.datagram_queue_bytes * 2); /* as Linux's wmem_max does */
    return (uint32_t)clamp_i64(value, UNIX_BUFFER_MIN, max_u32(UNIX_BUFFER_MIN, most));
}

static uint32_t unix_buffer_default(const struct tcpip_stack *stack, enum tcpip_option option)
{
    int64_t chosen = stack->defaults[option];
    return unix_clamp_buffer(stack, chosen > 0 ? chosen : stack->limits.datagram_queue_bytes);
}

void tcpip__unix_buffers_init(struct unix_endpoint *ep)
{
    ep->send_buffer_bytes = unix_buffer_default(ep->base.stack, TCPIP_OPTION_SEND_BUFFER_SIZE);
    ep->receive_buffer_bytes = unix_buffer_default(ep->base.stack, TCPIP_OPTION_RECEIVE_BUFFER_SIZE);
}

enum tcpip_error tcpip__unix_set_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t value)
{
    struct unix_endpoint *ep = unix_of(endpoint);
    struct tcpip_stack *stack = endpoint->stack;
    if (!unix_knows_option(option))
        return TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION;
    switch (option) {
    case TCPIP_OPTION_SEND_BUFFER_SIZE:
        ep->send_buffer_bytes = unix_clamp_buffer(stack, value);
        endpoint_notify(endpoint, TCPIP_EVENT_OUT); /* there may be room now */
        return TCPIP_OK;
    case TCPIP_OPTION_RECEIVE_BUFFER_SIZE:
        ep->receive_buffer_bytes = unix_clamp_buffer(stack, value);
        return TCPIP_OK;
    case TCPIP_OPTION_PASSCRED:
        ep->passcred = value != 0;
        return TCPIP_OK;
    default:
        return tcpip__option_block_set(stack, &ep->options, option, value);
    }
}

/* SIOCINQ's answer: of datagrams, the first. */
static int64_t unix_unread_bytes(const struct unix_endpoint *ep)
{
    if (ep->type != TCPIP_UNIX_DATAGRAM)
        return (int64_t)ep->queue_bytes;
    const struct tcpip_list_node *node = list_first(&ep->queue);
    return node != NULL ? list_entry(node, const struct unix_message, node)->length : 0;
}

enum tcpip_error tcpip__unix_get_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t *value)
{
    struct unix_endpoint *ep = unix_of(endpoint);
    if (!unix_knows_option(option))
        return TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION;
    switch (option) {
    case TCPIP_OPTION_ERROR:
        *value = tcpip__unix_take_error(ep);
        break;
    case TCPIP_OPTION_SEND_BUFFER_SIZE:
        *value = ep->send_buffer_bytes;
        break;
    case TCPIP_OPTION_RECEIVE_BUFFER_SIZE:
        *value = ep->receive_buffer_bytes;
        break;
    case TCPIP_OPTION_RECEIVE_QUEUE_SIZE:
        if (ep->state == UNIX_LISTEN)
            return TCPIP_ERR_INVALID_ENDPOINT_STATE;
        *value = unix_unread_bytes(ep);
        break;
    case TCPIP_OPTION_SEND_QUEUE_SIZE:
        *value = (int64_t)ep->in_flight_bytes;
        break;
    case TCPIP_OPTION_PASSCRED:
        *value = ep->passcred;
        break;
    default:
        *value = option_get(endpoint->stack, ep->options, option);
        break;
    }
    return TCPIP_OK;
}
