// SPDX-License-Identifier: MIT
/* unix_connect.c: peers, backlogs, and who waits for whom.
 *
 * Connecting takes effect at once: a stream's new end is made by the connector, stands in the listener's backlog, and
 * takes data from then on; accept only hands it out. Two streams are each other's peer; of datagram endpoints any
 * number may have the same peer, which knows them as its followers, so that closing finds them all.
 *
 * Being refused for want of room at somebody else (a full backlog, a full datagram queue) is something to hear the end
 * of. Who was refused stands on that one's list. A few of one endpoint's threads may wait for different others: then it
 * moves to a list of the stack's, which hears of all of them. So nobody needs memory to wait, nobody is forgotten, and
 * nearly nobody is woken for nothing.
 *
 * Owns:        peer, peer_name, followers, backlog, blocked, peer_credentials.
 * Invariants:  ep is in peer->followers exactly while it has a peer alive; an endpoint in a backlog is connected and
 *              unknown to the application; peers of streams are mutual.
 * Not here:    names (unix_name.c), data (unix_send.c, unix_receive.c). */
#include "transport/unix/unix.h"

/* ---- who waits for whom ---- */

void tcpip__unix_unblock(struct unix_endpoint *ep)
{
    list_remove_if_linked(&ep->blocked_node);
    ep->blocked_at = NULL;
}

void tcpip__unix_block(struct unix_endpoint *ep, struct unix_endpoint *at)
{
    if (!list_node_linked(&ep->blocked_node)) {
        ep->blocked_at = at;
        list_push_back(&at->blocked, &ep->blocked_node);
    } else if (ep->blocked_at != NULL && ep->blocked_at != at) {
        tcpip__unix_unblock(ep);
        list_push_back(&unix_stack_of(ep)->blocked, &ep->blocked_node);
    }
}

static void unix_wake_list(struct list *blocked)
{
    for (struct tcpip_list_node *node; (node = list_first(blocked)) != NULL;) {
        struct unix_endpoint *ep = list_entry(node, struct unix_endpoint, blocked_node);
        tcpip__unix_unblock(ep);
        endpoint_notify(&ep->base, TCPIP_EVENT_OUT);
    }
}

void tcpip__unix_wake(struct unix_endpoint *at)
{
    unix_wake_list(&at->blocked);
    unix_wake_list(&unix_stack_of(at)->blocked);
    if (at->type != TCPIP_UNIX_DATAGRAM)
        return;
    list_for_each(node, &at->followers)
    {
        endpoint_notify(&list_entry(node, struct unix_endpoint, follow)->base, TCPIP_EVENT_OUT);
    }
}

/* ---- peers ---- */

static void unix_follow(struct unix_endpoint *ep, struct unix_endpoint *peer)
{
    ep->peer = peer;
    ep->state = UNIX_CONNECTED;
    list_push_back(&peer->followers, &ep->follow);
}

static void unix_unfollow(struct unix_endpoint *ep)
{
    list_remove_if_linked(&ep->follow);
    ep->peer = NULL;
    tcpip__unix_name_unref(unix_stack_of(ep), ep->peer_name);
    ep->peer_name = NULL;
}

void tcpip__unix_leave_peers(struct unix_endpoint *ep)
{
    /* Or never accepted. A single empty packet is no loss, to Linux. */
    bool unread = ep->queue_bytes > 0 || ep->queue_count > 1 || ep->listener != NULL;
    for (struct tcpip_list_node *node; (node = list_pop_front(&ep->followers)) != NULL;) {
        struct unix_endpoint *follower = list_entry(node, struct unix_endpoint, follow);
        follower->peer = NULL;
        follower->peer_name = tcpip__unix_name_ref(ep->name);
        if (ep->type == TCPIP_UNIX_DATAGRAM) {
            endpoint_notify(&follower->base, TCPIP_EVENT_OUT); /* its next datagram is refused */
            continue;
        }
        follower->shut_read = follower->shut_write = true;
        if (unread) {
            follower->error = TCPIP_ERR_CONNECTION_RESET;
            endpoint_notify(&follower->base, TCPIP_EVENT_ERR);
        }
        tcpip__unix_notify_shut(follower);
    }
    unix_unfollow(ep);
}

/* What a datagram endpoint had not read of its former peers is lost, and a peer that still takes it for its own hears
 * so, as on Linux. */
static void unix_lose_unread(struct unix_endpoint *ep, struct unix_endpoint *former)
{
    if (list_empty(&ep->queue))
        return;
    tcpip__unix_purge(ep);
    if (former != NULL && former->peer == ep) {
        former->error = TCPIP_ERR_CONNECTION_RESET;
        endpoint_notify(&former->base, TCPIP_EVENT_ERR);
    }
}

void tcpip__unix_forget_peer(struct unix_endpoint *ep)
{
    unix_unfollow(ep);
    ep->state = UNIX_IDLE;
    unix_lose_unread(ep, NULL);
}

enum tcpip_error tcpip__unix_disconnect(struct unix_endpoint *ep)
{
    struct unix_endpoint *former = ep->peer;
    if (ep->type != TCPIP_UNIX_DATAGRAM)
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (ep->state != UNIX_CONNECTED)
        return TCPIP_OK;
    unix_unfollow(ep);
    ep->state = UNIX_IDLE;
    unix_lose_unread(ep, former);
    tcpip__unix_wake(ep);
    return TCPIP_OK;
}

/* A datagram endpoint with a peer takes datagrams of that peer only. */
static enum tcpip_error unix_set_peer(struct unix_endpoint *ep, struct unix_endpoint *to)
{
    struct unix_endpoint *former = ep->peer;
    bool had_peer = ep->state == UNIX_CONNECTED;
    if (to->state == UNIX_CONNECTED && to->peer != ep)
        return TCPIP_ERR_NOT_PERMITTED;
    if (had_peer && former == to)
        return TCPIP_OK;
    unix_unfollow(ep);
    unix_follow(ep, to);
    if (had_peer)
        unix_lose_unread(ep, former);
    tcpip__unix_wake(ep);
    return TCPIP_OK;
}

/* ---- connections ---- */

static enum tcpip_error unix_connect_stream(struct unix_endpoint *ep, struct unix_endpoint *listener)
{
    struct unix_stack *units = unix_stack_of(ep);
    struct unix_endpoint *accepted;
    if (listener->state != UNIX_LISTEN || listener->shut_read)
        return TCPIP_ERR_CONNECTION_REFUSED;
    if (listener->backlog_count > listener->backlog_max) {
        tcpip__unix_block(ep, listener);
        units->stack->stats.local.backlog_full++;
        return TCPIP_ERR_WOULD_BLOCK;
    }
    if (ep->state != UNIX_IDLE) /* the listener is judged first, as on Linux */
        return ep->state == UNIX_CONNECTED ? TCPIP_ERR_ALREADY_CONNECTED : TCPIP_ERR_INVALID_ENDPOINT_STATE;
    enum tcpip_error error = tcpip__unix_create(units, (enum tcpip_unix_type)ep->type, &accepted);
    if (error != TCPIP_OK)
        return error;
    accepted->passcred = listener->passcred;
    accepted->name = tcpip__unix_name_ref(listener->name);
    accepted->peer_credentials = ep->credentials;
    accepted->credentials = listener->credentials;
    ep->peer_credentials = listener->peer_credentials; /* those of its call of listen */
    unix_follow(ep, accepted);
    unix_follow(accepted, ep);
    accepted->listener = listener;
    list_push_back(&listener->backlog, &accepted->backlog_node);
    listener->backlog_count++;
    units->stack->stats.local.connections++;
    endpoint_notify(&listener->base, TCPIP_EVENT_IN);
    endpoint_notify(&ep->base, TCPIP_EVENT_OUT);
    return TCPIP_OK;
}

enum tcpip_error tcpip__unix_connect_to(struct unix_endpoint *ep, struct unix_endpoint *server)
{
    if (server->type != ep->type)
        return TCPIP_ERR_WRONG_TYPE;
    return ep->type == TCPIP_UNIX_DATAGRAM ? unix_set_peer(ep, server) : unix_connect_stream(ep, server);
}

enum tcpip_error tcpip__unix_listen(struct tcpip_endpoint *endpoint, uint32_t backlog)
{
    struct unix_endpoint *ep = unix_of(endpoint);
    if (ep->type == TCPIP_UNIX_DATAGRAM)
        return TCPIP_ERR_NOT_SUPPORTED;
    if (ep->name == NULL || ep->state == UNIX_CONNECTED)
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    bool more = backlog > ep->backlog_max;
    ep->state = UNIX_LISTEN;
    ep->backlog_max = backlog;
    ep->peer_credentials = ep->credentials;
    if (more)
        tcpip__unix_wake(ep);
    return TCPIP_OK;
}

enum tcpip_error tcpip__unix_accept(struct tcpip_endpoint *endpoint, struct tcpip_endpoint **out,
                                    struct tcpip_full_address *peer)
{
    struct unix_endpoint *ep = unix_of(endpoint);
    *peer = (struct tcpip_full_address){0};
    if (ep->type == TCPIP_UNIX_DATAGRAM)
        return TCPIP_ERR_NOT_SUPPORTED;
    if (ep->state != UNIX_LISTEN)
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    struct tcpip_list_node *node = list_pop_front(&ep->backlog);
    if (node == NULL)
        return ep->shut_read ? TCPIP_ERR_CLOSED_FOR_RECEIVE : TCPIP_ERR_WOULD_BLOCK;
    struct unix_endpoint *accepted = list_entry(node, struct unix_endpoint, backlog_node);
    accepted->listener = NULL;
    if (ep->backlog_count-- > ep->backlog_max)
        tcpip__unix_wake(ep);
    *out = &accepted->base;
    return TCPIP_OK;
}

/* ---- the calls ---- */

enum tcpip_error tcpip_unix_connect(struct tcpip_endpoint *endpoint, const struct tcpip_unix_address *address)
{
    struct unix_endpoint *ep = unix_of(endpoint), *server = NULL;
    if (!unix_is(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    tcpip_stack_enter(endpoint->stack);
    enum tcpip_error error;
    if (address == NULL) {
        error = tcpip__unix_disconnect(ep);
    } else if (address->size == 0 || address->size > TCPIP_UNIX_NAME_MAX) {
        error = TCPIP_ERR_INVALID_ARGUMENT;
    } else {
        error = tcpip__unix_autobind_passcred(ep);
        if (error == TCPIP_OK)
            error = tcpip__unix_find(unix_stack_of(ep), address, (enum tcpip_unix_type)ep->type, &server);
        if (error == TCPIP_OK)
            error = tcpip__unix_connect_to(ep, server);
    }
    tcpip_stack_leave(endpoint->stack);
    return error;
}

static void unix_join(struct unix_endpoint *a, struct unix_endpoint *b)
{
    unix_follow(a, b);
    unix_follow(b, a);
    a->peer_credentials = b->credentials;
    b->peer_credentials = a->credentials;
}

enum tcpip_error tcpip_unix_join(struct tcpip_endpoint *a, struct tcpip_endpoint *b)
{
    if (!unix_is(a) || !unix_is(b))
        return TCPIP_ERR_NOT_SUPPORTED;
    struct unix_endpoint *one = unix_of(a), *other = unix_of(b);
    if (one->type != other->type || a->stack != b->stack)
        return TCPIP_ERR_WRONG_TYPE;
    if (one == other || one->state != UNIX_IDLE || other->state != UNIX_IDLE)
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    tcpip_stack_enter(a->stack);
    unix_join(one, other);
    endpoint_notify(a, TCPIP_EVENT_OUT);
    endpoint_notify(b, TCPIP_EVENT_OUT);
    tcpip_stack_leave(a->stack);
    return TCPIP_OK;
}

enum tcpip_error tcpip_unix_pair(struct tcpip_stack *stack, enum tcpip_unix_type type,
                                 const struct tcpip_unix_credentials *credentials, struct tcpip_endpoint **a,
                                 struct tcpip_endpoint **b)
{
    struct unix_stack *units = tcpip__stack_transport_state(stack, TCPIP_PROTOCOL_UNIX);
    struct unix_endpoint *ends[2] = {NULL, NULL};
    *a = *b = NULL;
    if (units == NULL)
        return TCPIP_ERR_UNKNOWN_PROTOCOL;
    tcpip_stack_enter(stack);
    enum tcpip_error error = tcpip__unix_create(units, type, &ends[0]);
    if (error == TCPIP_OK)
        error = tcpip__unix_create(units, type, &ends[1]);
    if (error == TCPIP_OK) {
        if (credentials != NULL)
            ends[0]->credentials = ends[1]->credentials = *credentials;
        unix_join(ends[0], ends[1]);
        if (credentials == NULL)
            ends[0]->peer_credentials = ends[1]->peer_credentials =
                (struct tcpip_unix_credentials){0, TCPIP_UNIX_PEER_UNKNOWN, TCPIP_UNIX_PEER_UNKNOWN};
        *a = &ends[0]->base;
        *b = &ends[1]->base;
    } else if (ends[0] != NULL) {
        tcpip__unix_free(ends[0]);
    }
    tcpip_stack_leave(stack);
    return error;
}
