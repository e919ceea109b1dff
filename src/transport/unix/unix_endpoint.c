// SPDX-License-Identifier: MIT
/* unix_endpoint.c: the life of a unix endpoint, what it says of itself, and the vtable.
 *
 * A unix endpoint has no wire: every call takes effect in its peer before it returns, so there is nothing to flush and
 * nothing to wait for but other endpoints' calls. Endings are Linux's: shutting one end down shuts the other's opposite
 * way, a close that loses unread data resets, and what is queued stays readable through all of that.
 *
 * Owns:        state, error, shut_read, shut_write, credentials.
 * Invariants:  an endpoint of a stream that is connected and has no peer is shut both ways.
 * Not here:    peers (unix_connect.c), names (unix_name.c), data (unix_message.c and its users). */
#include "transport/unix/unix.h"

#include <stdalign.h>

static const struct tcpip_endpoint_ops unix_ops;

/* ---- life ---- */

enum tcpip_error tcpip__unix_create(struct unix_stack *units, enum tcpip_unix_type type, struct unix_endpoint **out)
{
    struct unix_endpoint *ep = tcpip__pool_zget(&units->endpoints);
    if (ep == NULL)
        return TCPIP_ERR_NO_MEMORY;
    enum tcpip_error error = tcpip__endpoint_init(&ep->base, units->stack, &unix_ops, TCPIP_PROTOCOL_UNIX, 0);
    if (error != TCPIP_OK) {
        tcpip__pool_put(&units->endpoints, ep);
        return error;
    }
    ep->type = (uint8_t)type;
    ep->state = UNIX_IDLE;
    ep->passcred = units->stack->defaults[TCPIP_OPTION_PASSCRED] != 0;
    ep->credentials = (struct tcpip_unix_credentials){0, TCPIP_UNIX_UID_UNKNOWN, TCPIP_UNIX_UID_UNKNOWN};
    ep->peer_credentials = (struct tcpip_unix_credentials){0, TCPIP_UNIX_PEER_UNKNOWN, TCPIP_UNIX_PEER_UNKNOWN};
    list_init(&ep->followers);
    list_init(&ep->backlog);
    list_init(&ep->blocked);
    list_init(&ep->queue);
    list_init(&ep->sent);
    tcpip__unix_buffers_init(ep);
    *out = ep;
    return TCPIP_OK;
}

enum tcpip_error tcpip_unix_new(struct tcpip_stack *stack, enum tcpip_unix_type type, struct tcpip_endpoint **out)
{
    struct unix_stack *units = tcpip__stack_transport_state(stack, TCPIP_PROTOCOL_UNIX);
    struct unix_endpoint *ep;
    *out = NULL;
    if (units == NULL)
        return TCPIP_ERR_UNKNOWN_PROTOCOL;
    tcpip_stack_enter(stack);
    enum tcpip_error error = tcpip__unix_create(units, type, &ep);
    if (error == TCPIP_OK)
        *out = &ep->base;
    tcpip_stack_leave(stack);
    return error;
}

static void unix_end(struct unix_endpoint *ep)
{
    struct unix_stack *units = unix_stack_of(ep);
    tcpip__unix_leave_peers(ep);
    if (ep->listener != NULL) {
        list_remove(&ep->backlog_node);
        ep->listener->backlog_count--;
    }
    tcpip__unix_unblock(ep);
    tcpip__unix_wake(ep);
    tcpip__unix_purge(ep);
    tcpip__unix_disown_sent(ep);
    tcpip__unix_name_abandon(ep);
    tcpip__unix_name_unref(units, ep->peer_name); /* it was its own peer */
    tcpip__option_block_unref(ep->base.stack, ep->options);
    tcpip__endpoint_fini(&ep->base);
    tcpip__pool_put(&units->endpoints, ep);
}

void tcpip__unix_free(struct unix_endpoint *ep)
{
    for (struct tcpip_list_node *node; (node = list_first(&ep->backlog)) != NULL;)
        unix_end(list_entry(node, struct unix_endpoint, backlog_node));
    unix_end(ep);
}

static void unix_op_close(struct tcpip_endpoint *endpoint)
{
    tcpip__unix_free(unix_of(endpoint));
}

/* ---- states ---- */

enum tcpip_error tcpip__unix_take_error(struct unix_endpoint *ep)
{
    enum tcpip_error error = (enum tcpip_error)ep->error;
    ep->error = TCPIP_OK;
    return error;
}

void tcpip__unix_notify_shut(struct unix_endpoint *ep)
{
    uint32_t events = 0;
    if (ep->shut_read)
        events |= TCPIP_EVENT_IN | TCPIP_EVENT_RDHUP;
    if (ep->shut_write)
        events |= TCPIP_EVENT_OUT;
    if (ep->shut_read && ep->shut_write)
        events |= TCPIP_EVENT_HUP;
    endpoint_notify(&ep->base, events);
}

static enum tcpip_error unix_op_shutdown(struct tcpip_endpoint *endpoint, uint32_t flags)
{
    struct unix_endpoint *ep = unix_of(endpoint);
    bool read = (flags & TCPIP_SHUTDOWN_READ) != 0, write = (flags & TCPIP_SHUTDOWN_WRITE) != 0;
    if (flags == 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    ep->shut_read = ep->shut_read || read;
    ep->shut_write = ep->shut_write || write;
    tcpip__unix_notify_shut(ep);
    if (read)
        tcpip__unix_wake(ep); /* who waits for room here waits in vain */
    if (ep->type != TCPIP_UNIX_DATAGRAM && ep->peer != NULL) {
        ep->peer->shut_read = ep->peer->shut_read || write;
        ep->peer->shut_write = ep->peer->shut_write || read;
        tcpip__unix_notify_shut(ep->peer);
    }
    return TCPIP_OK;
}

static bool unix_writable(const struct unix_endpoint *ep)
{
    if (ep->state == UNIX_LISTEN || !unix_has_room(ep))
        return false;
    return ep->type != TCPIP_UNIX_DATAGRAM || ep->peer == NULL || !unix_receiver_full(ep->peer, ep);
}

static uint32_t unix_op_readiness(const struct tcpip_endpoint *endpoint)
{
    const struct unix_endpoint *ep = unix_of_const(endpoint);
    uint32_t ready = unix_writable(ep) ? TCPIP_EVENT_OUT : 0;
    if (ep->shut_read)
        ready |= TCPIP_EVENT_IN | TCPIP_EVENT_RDHUP;
    if (!list_empty(&ep->queue) || !list_empty(&ep->backlog))
        ready |= TCPIP_EVENT_IN;
    if ((ep->shut_read && ep->shut_write) || (ep->type != TCPIP_UNIX_DATAGRAM && ep->state == UNIX_IDLE))
        ready |= TCPIP_EVENT_HUP;
    if (ep->error != TCPIP_OK)
        ready |= TCPIP_EVENT_ERR;
    return ready;
}

/* ---- addresses and credentials ---- */

static void unix_show(const struct unix_name *name, struct tcpip_unix_address *out)
{
    *out = name != NULL ? name->address : (struct tcpip_unix_address){.size = 0};
}

enum tcpip_error tcpip_unix_local_address(const struct tcpip_endpoint *endpoint, struct tcpip_unix_address *out)
{
    unix_show(NULL, out);
    if (!unix_is(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    unix_show(unix_of_const(endpoint)->name, out);
    return TCPIP_OK;
}

enum tcpip_error tcpip_unix_remote_address(const struct tcpip_endpoint *endpoint, struct tcpip_unix_address *out)
{
    const struct unix_endpoint *ep = unix_of_const(endpoint);
    unix_show(NULL, out);
    if (!unix_is(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    if (ep->state != UNIX_CONNECTED)
        return TCPIP_ERR_NOT_CONNECTED;
    unix_show(ep->peer != NULL ? ep->peer->name : ep->peer_name, out);
    return TCPIP_OK;
}

/* Names don't fit into the addresses of endpoint.h: there an endpoint is connected or not, and that's all. */
static void unix_op_local_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    (void)endpoint;
    (void)out;
}

static enum tcpip_error unix_op_remote_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    (void)out;
    return unix_of_const(endpoint)->state == UNIX_CONNECTED ? TCPIP_OK : TCPIP_ERR_NOT_CONNECTED;
}

enum tcpip_error tcpip_unix_set_credentials(struct tcpip_endpoint *endpoint,
                                            const struct tcpip_unix_credentials *credentials)
{
    if (!unix_is(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    unix_of(endpoint)->credentials = *credentials;
    return TCPIP_OK;
}

enum tcpip_error tcpip_unix_peer_credentials(const struct tcpip_endpoint *endpoint, struct tcpip_unix_credentials *out)
{
    *out = (struct tcpip_unix_credentials){0, TCPIP_UNIX_PEER_UNKNOWN, TCPIP_UNIX_PEER_UNKNOWN};
    if (!unix_is(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    *out = unix_of_const(endpoint)->peer_credentials;
    return TCPIP_OK;
}

/* ---- bind and connect ---- */

struct unix_commit {
    struct tcpip_stack *stack;
    enum tcpip_error (*fn)(void *ctx);
    void *ctx;
};

static enum tcpip_error unix_run_commit(void *ctx)
{
    struct unix_commit *commit = ctx;
    stack_callback_begin(commit->stack);
    enum tcpip_error error = commit->fn(commit->ctx);
    stack_callback_end(commit->stack);
    return error;
}

enum tcpip_error tcpip_unix_bind(struct tcpip_endpoint *endpoint, const struct tcpip_unix_address *address,
                                 enum tcpip_error (*commit)(void *ctx), void *ctx)
{
    struct unix_commit frame = {endpoint->stack, commit, ctx};
    if (!unix_is(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    tcpip_stack_enter(endpoint->stack);
    enum tcpip_error error =
        tcpip__unix_bind(unix_of(endpoint), address, commit != NULL ? unix_run_commit : NULL, &frame);
    tcpip_stack_leave(endpoint->stack);
    return error;
}

/* No address: any name. */
static enum tcpip_error unix_op_bind(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address,
                                     enum tcpip_error (*commit)(void *ctx), void *ctx)
{
    const struct tcpip_unix_address any = {.size = 0};
    if (address->address.len != 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    return tcpip__unix_bind(unix_of(endpoint), &any, commit, ctx);
}

/* No address: no peer. */
static enum tcpip_error unix_op_connect(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address)
{
    if (address->address.len != 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    return tcpip__unix_disconnect(unix_of(endpoint));
}

static enum tcpip_error unix_op_connect_endpoint(struct tcpip_endpoint *endpoint, struct tcpip_endpoint *server)
{
    if (!unix_is(server) || server->stack != endpoint->stack)
        return TCPIP_ERR_WRONG_TYPE;
    return tcpip__unix_connect_to(unix_of(endpoint), unix_of(server));
}

/* ---- the vtable, the protocol ---- */

static const struct tcpip_endpoint_ops unix_ops = {
    .bind = unix_op_bind,
    .connect = unix_op_connect,
    .connect_endpoint = unix_op_connect_endpoint,
    .listen = tcpip__unix_listen,
    .accept = tcpip__unix_accept,
    .recvmsg = tcpip__unix_op_recvmsg,
    .read_views = tcpip__unix_op_read_views,
    .sendmsg = tcpip__unix_op_sendmsg,
    .write_view = tcpip__unix_op_write_view,
    .peek = tcpip__unix_op_peek,
    .shutdown = unix_op_shutdown,
    .close = unix_op_close,
    .abandon = unix_op_close,
    .local_address = unix_op_local_address,
    .remote_address = unix_op_remote_address,
    .readiness = unix_op_readiness,
    .set_option = tcpip__unix_set_option,
    .get_option = tcpip__unix_get_option,
};

static enum tcpip_error unix_stack_init(struct tcpip_stack *stack, void *state)
{
    struct unix_stack *units = state;
    units->stack = stack;
    tcpip__pool_init(&units->endpoints, &stack->memory, sizeof(struct unix_endpoint), alignof(struct unix_endpoint), 0);
    tcpip__pool_init(&units->messages, &stack->memory, sizeof(struct unix_message), alignof(struct unix_message), 0);
    tcpip__pool_init(&units->parts, &stack->memory, sizeof(struct unix_part), alignof(struct unix_part), 0);
    list_init(&units->blocked);
    tcpip__unix_references_init(units);
    return tcpip__unix_names_init(units);
}

static void unix_stack_fini(struct tcpip_stack *stack, void *state)
{
    struct unix_stack *units = state;
    (void)stack;
    tcpip__unix_references_fini(units);
    tcpip__unix_names_fini(units);
    tcpip__pool_fini(&units->parts);
    tcpip__pool_fini(&units->messages);
    tcpip__pool_fini(&units->endpoints);
}

const struct tcpip_transport_protocol tcpip_unix = {
    .name = "unix",
    .number = TCPIP_PROTOCOL_UNIX,
    .stack_state_bytes = sizeof(struct unix_stack),
    .stack_init = unix_stack_init,
    .stack_fini = unix_stack_fini,
};
