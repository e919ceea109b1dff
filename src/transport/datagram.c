// SPDX-License-Identifier: MIT
/* datagram.c: where a datagram endpoint is: its port, its peer, and what it hears of its datagrams' fate.
 *
 * An endpoint is in the demultiplexer in one of three ways: not at all (it has no port yet), as a listener (bound,
 * takes datagrams of everybody), or with a flow (connected, takes those of its peer). A port is asked for by bind, or
 * taken at the first send or connect; one that was merely taken goes again at disconnect, as on Linux.
 *
 * Errors arrive asynchronously, in ICMP. Which of them an application hears is Linux's rule (RFC 1122 4.1.3.3 leaves it
 * open): fatal ones on a connected endpoint, where it is clear what they are about; with RECEIVE_ERROR all of them. One
 * error is kept and told once, by the call that comes first.
 *
 * Owns:        port_key, local, listener, entry, connected, shut_read, shut_write, error.
 * Invariants:  bound exactly while a port is reserved; listener or entry is linked exactly while bound.
 * Not here:    datagrams themselves (datagram_receive.c, datagram_send.c), options and groups (datagram_option.c). */
#include "transport/datagram.h"
#include "ports/ports.h"

#include <stdalign.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>

/* ---- in the demultiplexer ---- */

/* Where it hears: connected, at the connection's own address; else at what it was bound to. */
static void dgram_place(const struct datagram_endpoint *ep, uint8_t *out)
{
    memcpy(out, ep->connected ? ep->entry.flow.local : ep->local, 16);
    if (!ep->connected && ep->any_v4)
        out[10] = out[11] = 0xff;
}

static void dgram_listen(struct datagram_endpoint *ep)
{
    struct address_context context = datagram_address_context(ep);
    struct demux_listener *listener = &ep->listener;
    dgram_place(ep, listener->local);
    struct address_families families = tcpip__address_families(&context, listener->local);
    listener->endpoint = &ep->base;
    listener->nic = ep->port_key.nic;
    listener->port = ep->port_key.port;
    listener->transport = ep->ops->transport;
    listener->v4 = families.v4;
    listener->v6 = families.v6;
    demux_listener_queue(listener, datagram_option(ep, TCPIP_OPTION_INCOMING_QUEUE));
    listener->reuse_port = (ep->port_key.flags & TCPIP_PORT_REUSE_PORT) != 0;
    tcpip__demux_listen(ep->base.stack, listener);
}

enum tcpip_error tcpip__datagram_attach(struct datagram_endpoint *ep)
{
    if (ep->connected && ep->ops->ports)
        return tcpip__demux_insert(ep->base.stack, &ep->entry);
    dgram_listen(ep);
    return TCPIP_OK;
}

static void dgram_detach(struct datagram_endpoint *ep)
{
    if (ep->entry.node.linked)
        tcpip__demux_remove(ep->base.stack, &ep->entry);
    if (ep->listener.linked)
        tcpip__demux_unlisten(ep->base.stack, &ep->listener);
}

static void dgram_release_port(struct datagram_endpoint *ep)
{
    dgram_detach(ep);
    if (ep->bound)
        tcpip_port_manager_release(ep->base.stack->ports, &ep->port_key);
    memset(&ep->port_key, 0, sizeof(ep->port_key));
    ep->bound = ep->port_locked = ep->any_v4 = false;
}

/* Holds the port with the address where the endpoint hears now: while connected the connection's own, so that others
 * may bind the port elsewhere, as on Linux. Without memory for that it stays as it was. */
static void dgram_rekey(struct datagram_endpoint *ep)
{
    struct tcpip_port_manager *ports = ep->base.stack->ports;
    struct address_context context = datagram_address_context(ep);
    struct tcpip_port_key key = ep->port_key;
    dgram_place(ep, key.address);
    key.flags = tcpip__address_port_flags(&context, key.address);
    if (!tcpip__port_manager_hold(ports, &key))
        return;
    tcpip_port_manager_release(ports, &ep->port_key);
    ep->port_key = key;
}

void tcpip__datagram_port_options(struct datagram_endpoint *ep)
{
    if (ep->bound)
        dgram_rekey(ep);
}

/* ---- life ---- */

enum tcpip_error tcpip__datagram_stack_init(struct tcpip_stack *stack, void *state)
{
    struct datagram_stack *datagrams = state;
    tcpip__pool_init(&datagrams->endpoints, &stack->memory, sizeof(struct datagram_endpoint),
                     alignof(struct datagram_endpoint), 0);
    datagrams->steering = tcpip__hash_key_random(&stack->rng);
    return TCPIP_OK;
}

void tcpip__datagram_stack_fini(struct tcpip_stack *stack, void *state)
{
    struct datagram_stack *datagrams = state;
    (void)stack;
    tcpip__pool_fini(&datagrams->endpoints);
}

static struct pool *dgram_pool(const struct datagram_endpoint *ep)
{
    struct datagram_stack *datagrams = tcpip__stack_transport_state(ep->base.stack, ep->ops->transport);
    return &datagrams->endpoints;
}

static void dgram_free(struct datagram_endpoint *ep, bool silent)
{
    struct pool *pool = dgram_pool(ep);
    tcpip__datagram_leave_all(ep, silent);
    tcpip__datagram_uncork(ep);
    dgram_release_port(ep);
    tcpip_packet_list_free(&ep->queue);
    tcpip__route_release(&ep->route);
    tcpip__option_block_unref(ep->base.stack, ep->options);
    tcpip__endpoint_fini(&ep->base);
    tcpip__pool_put(pool, ep);
}

static void dgram_op_close(struct tcpip_endpoint *endpoint)
{
    dgram_free(datagram_of(endpoint), false);
}

static void dgram_op_abandon(struct tcpip_endpoint *endpoint)
{
    dgram_free(datagram_of(endpoint), true);
}

/* ---- bind ---- */

/* The address is judged before the state is, as on Linux. */
static enum tcpip_error dgram_reserve(struct datagram_endpoint *ep, const struct tcpip_full_address *address,
                                      enum tcpip_error (*commit)(void *ctx), void *ctx)
{
    struct tcpip_stack *stack = ep->base.stack;
    struct address_context context = datagram_address_context(ep);
    struct tcpip_port_key key;
    enum tcpip_error error = tcpip__address_bind_key(&context, address, &key);
    tcpip__port_manager_narrow(stack->ports, (uint32_t)datagram_option(ep, TCPIP_OPTION_PORT_RANGE));
    if (error == TCPIP_OK)
        error = ep->bound ? TCPIP_ERR_INVALID_ENDPOINT_STATE : tcpip_port_manager_reserve(stack->ports, &key);
    tcpip__port_manager_narrow(stack->ports, 0);
    if (error != TCPIP_OK)
        return error;
    if (commit != NULL && (error = commit(ctx)) != TCPIP_OK) {
        tcpip_port_manager_release(stack->ports, &key);
        return error;
    }
    ep->port_key = key;
    ep->bound = true;
    ep->any_v4 = address_is_zero(key.address) && address_is_v4(key.address);
    return TCPIP_OK;
}

static enum tcpip_error dgram_op_bind(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address,
                                      enum tcpip_error (*commit)(void *ctx), void *ctx)
{
    struct datagram_endpoint *ep = datagram_of(endpoint);
    enum tcpip_error error = dgram_reserve(ep, address, commit, ctx);
    if (error != TCPIP_OK)
        return error;
    const uint8_t *local = ep->port_key.address;
    memset(ep->local, 0, 16);
    if (!address_is_zero(local))
        memcpy(ep->local, local, 16);
    ep->speaks = !address_is_zero(local) && !address_is_multicast(local) && !address_is_limited_broadcast(local) &&
                 tcpip__address_broadcast(endpoint->stack, NULL, local) == NULL;
    ep->port_locked = address->port != 0;
    dgram_listen(ep);
    return TCPIP_OK;
}

enum tcpip_error tcpip__datagram_autobind(struct datagram_endpoint *ep)
{
    if (ep->bound)
        return TCPIP_OK;
    struct tcpip_full_address any = {0};
    if (!address_is_zero(ep->local))
        any.address = address_public(ep->local);
    enum tcpip_error error = dgram_reserve(ep, &any, NULL, NULL);
    if (error == TCPIP_OK)
        dgram_listen(ep);
    return error;
}

/* ---- connect ---- */

static enum tcpip_error dgram_disconnect(struct datagram_endpoint *ep)
{
    if (!ep->connected)
        return TCPIP_OK;
    dgram_detach(ep);
    ep->connected = false;
    memset(&ep->entry.flow, 0, sizeof(ep->entry.flow));
    if (!ep->port_locked) {
        dgram_release_port(ep);
        return TCPIP_OK;
    }
    dgram_rekey(ep);
    return tcpip__datagram_attach(ep);
}

/* From now on the peer is `flow`'s. What was before stays if that can't be. */
static enum tcpip_error dgram_set_peer(struct datagram_endpoint *ep, const struct flow *flow)
{
    struct flow before = ep->entry.flow;
    bool was_connected = ep->connected;
    dgram_detach(ep);
    ep->entry.flow = *flow;
    ep->connected = true;
    enum tcpip_error error = tcpip__datagram_attach(ep);
    if (error == TCPIP_OK) {
        dgram_rekey(ep);
        return TCPIP_OK;
    }
    ep->entry.flow = before;
    ep->connected = was_connected;
    enum tcpip_error restored = tcpip__datagram_attach(ep);
    ASSERT_ENV(&ep->base.stack->env, restored == TCPIP_OK);
    return error;
}

static enum tcpip_error dgram_op_connect(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address)
{
    struct datagram_endpoint *ep = datagram_of(endpoint);
    struct address_context context = datagram_address_context(ep);
    struct flow flow = {.remote_port = address->port};
    uint8_t local[16] = {0};
    uint32_t nic;
    if (address->address.len == 0)
        return dgram_disconnect(ep);
    enum tcpip_error error = tcpip__datagram_autobind(ep);
    if (error == TCPIP_OK)
        error = tcpip__address_remote(&context, &address->address, ep->local, flow.remote);
    if (error == TCPIP_OK)
        error = tcpip__datagram_nic(ep, address->nic, flow.remote, &nic);
    if (error == TCPIP_OK)
        error = tcpip__datagram_way(ep, nic, local, flow.remote);
    if (error != TCPIP_OK)
        return error;
    /* Bound to a group: that is where it hears, though not where it speaks from. */
    memcpy(flow.local, address_is_zero(ep->local) ? local : ep->local, 16);
    flow.local_port = ep->port_key.port;
    flow.nic = ep->port_key.nic;
    if (address_is_link_local(flow.local) || address_is_link_local(flow.remote))
        flow.nic = ep->route.nic->id;
    return dgram_set_peer(ep, &flow);
}

/* ---- addresses ---- */

static void dgram_op_local_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    const struct datagram_endpoint *ep = datagram_of_const(endpoint);
    uint8_t place[16];
    dgram_place(ep, place);
    tcpip__address_shown(endpoint->network, place, ep->port_key.port,
                         ep->connected ? ep->entry.flow.nic : ep->port_key.nic, out);
}

static enum tcpip_error dgram_op_remote_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    const struct datagram_endpoint *ep = datagram_of_const(endpoint);
    const struct flow *flow = &ep->entry.flow;
    if (!ep->connected || flow->remote_port == 0) /* Linux shows no peer without a port */
        return TCPIP_ERR_NOT_CONNECTED;
    tcpip__address_shown(endpoint->network, flow->remote, flow->remote_port, flow->nic, out);
    return TCPIP_OK;
}

/* ---- shutdown, readiness, errors ---- */

static enum tcpip_error dgram_op_shutdown(struct tcpip_endpoint *endpoint, uint32_t flags)
{
    struct datagram_endpoint *ep = datagram_of(endpoint);
    if (flags == 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    ep->shut_read = ep->shut_read || (flags & TCPIP_SHUTDOWN_READ) != 0;
    ep->shut_write = ep->shut_write || (flags & TCPIP_SHUTDOWN_WRITE) != 0;
    uint32_t events = TCPIP_EVENT_OUT;
    if (ep->shut_read)
        events |= TCPIP_EVENT_IN | TCPIP_EVENT_RDHUP;
    if (ep->shut_read && ep->shut_write)
        events |= TCPIP_EVENT_HUP;
    endpoint_notify(endpoint, events);
    /* As on Linux: an error, and shut all the same; programs wake their own blocked readers so. */
    return ep->connected ? TCPIP_OK : TCPIP_ERR_NOT_CONNECTED;
}

static uint32_t dgram_op_readiness(const struct tcpip_endpoint *endpoint)
{
    const struct datagram_endpoint *ep = datagram_of_const(endpoint);
    uint32_t ready = TCPIP_EVENT_OUT;
    if (ep->queue.head != NULL || ep->shut_read)
        ready |= TCPIP_EVENT_IN;
    if (ep->shut_read)
        ready |= TCPIP_EVENT_RDHUP;
    if (ep->shut_read && ep->shut_write)
        ready |= TCPIP_EVENT_HUP;
    if (ep->error != TCPIP_OK)
        ready |= TCPIP_EVENT_ERR;
    return ready;
}

enum tcpip_error tcpip__datagram_take_error(struct datagram_endpoint *ep)
{
    enum tcpip_error error = (enum tcpip_error)ep->error;
    ep->error = TCPIP_OK;
    return error;
}

/* What an ICMP error is to an application (Linux's icmp_err_convert). hard: told without RECEIVE_ERROR too. OK: of no
 * concern. */
struct datagram_verdict {
    enum tcpip_error error;
    bool hard;
};

static struct datagram_verdict dgram_verdict(const struct tcpip_icmp_error *icmp, int64_t pmtu_discovery)
{
    bool v4 = address_is_v4(icmp->remote);
    switch (icmp->kind) {
    case TCPIP_ICMP_NET_UNREACHABLE:
        return (struct datagram_verdict){TCPIP_ERR_NETWORK_UNREACHABLE, v4 && icmp->code == 6};
    case TCPIP_ICMP_HOST_UNREACHABLE: /* codes 7 and 8: unknown, isolated */
        return (struct datagram_verdict){TCPIP_ERR_HOST_UNREACHABLE, v4 && (icmp->code == 7 || icmp->code == 8)};
    case TCPIP_ICMP_PROTOCOL_UNREACHABLE:
    case TCPIP_ICMP_UNKNOWN_NEXT_HEADER:
        return (struct datagram_verdict){TCPIP_ERR_PROTOCOL_UNREACHABLE, true};
    case TCPIP_ICMP_PORT_UNREACHABLE:
        return (struct datagram_verdict){TCPIP_ERR_CONNECTION_REFUSED, true};
    case TCPIP_ICMP_PROHIBITED:
        if (!v4)
            return (struct datagram_verdict){TCPIP_ERR_NOT_PERMITTED, true};
        return (struct datagram_verdict){icmp->code == 9 ? TCPIP_ERR_NETWORK_UNREACHABLE : TCPIP_ERR_HOST_UNREACHABLE,
                                         true};
    case TCPIP_ICMP_PACKET_TOO_BIG:
        return (struct datagram_verdict){pmtu_discovery != TCPIP_PATH_MTU_DONT ? TCPIP_ERR_MESSAGE_TOO_LONG : TCPIP_OK,
                                         true};
    case TCPIP_ICMP_PARAMETER_PROBLEM:
    case TCPIP_ICMP_UNKNOWN_OPTION:
    case TCPIP_ICMP_INCOMPLETE_FIRST_FRAGMENT:
        return (struct datagram_verdict){TCPIP_ERR_MALFORMED_HEADER, true};
    case TCPIP_ICMP_SOURCE_QUENCH: /* RFC 6633 */
        return (struct datagram_verdict){TCPIP_OK, false};
    case TCPIP_ICMP_TTL_EXCEEDED:
    case TCPIP_ICMP_REASSEMBLY_TIMEOUT:
    case TCPIP_ICMP_OTHER:
        break;
    }
    return (struct datagram_verdict){TCPIP_ERR_HOST_UNREACHABLE, false};
}

/* Believed if the endpoint believes such messages at all, and if what it quotes is larger than what it says would fit:
 * a UDP header has its datagram's length (RFC 5927 7.2's check). */
static void dgram_too_big(struct datagram_endpoint *ep, const struct tcpip_icmp_error *icmp, int64_t mode)
{
    if (mode >= TCPIP_PATH_MTU_INTERFACE)
        return;
    uint32_t ip_header = address_is_v4(icmp->remote) ? TCPIP_IPV4_HEADER_MIN : TCPIP_IPV6_HEADER_BYTES;
    if (ep->ops->transport == TCPIP_PROTOCOL_UDP && tcpip_load_u16(icmp->quote + 4) + ip_header <= icmp->value) {
        ep->base.stack->stats.path_mtu.refused++;
        return;
    }
    (void)tcpip__pmtu_lower(ep->base.stack, icmp->nic, icmp->remote, icmp->value);
}

void tcpip__datagram_error(struct datagram_endpoint *ep, const struct tcpip_icmp_error *icmp)
{
    int64_t mode = datagram_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY);
    if (icmp->kind == TCPIP_ICMP_PACKET_TOO_BIG)
        dgram_too_big(ep, icmp, mode);
    struct datagram_verdict verdict = dgram_verdict(icmp, mode);
    bool told = datagram_option(ep, TCPIP_OPTION_RECEIVE_ERROR) != 0 || (verdict.hard && ep->connected);
    if (verdict.error == TCPIP_OK || !told)
        return;
    if (datagram_option(ep, TCPIP_OPTION_RECEIVE_ERROR) != 0)
        tcpip__error_queue_push_icmp(&ep->base, icmp, verdict.error, tcpip_load_u16(icmp->quote + 2),
                                     DATAGRAM_HEADER_BYTES);
    ep->error = (uint8_t)verdict.error;
    endpoint_notify(&ep->base, TCPIP_EVENT_ERR);
}

static void dgram_op_set_error(struct tcpip_endpoint *endpoint, enum tcpip_error error)
{
    datagram_of(endpoint)->error = (uint8_t)error;
}

static struct demux_listener *dgram_op_listener(struct tcpip_endpoint *endpoint)
{
    struct datagram_endpoint *ep = datagram_of(endpoint);
    return ep->listener.linked ? &ep->listener : NULL;
}

/* ---- the vtable ---- */

static const struct tcpip_endpoint_ops datagram_endpoint_ops = {
    .bind = dgram_op_bind,
    .connect = dgram_op_connect,
    .recvmsg = tcpip__datagram_recvmsg,
    .peekmsg = tcpip__datagram_peekmsg,
    .read_views = tcpip__datagram_read_views,
    .sendmsg = tcpip__datagram_sendmsg,
    .write_view = tcpip__datagram_write_view,
    .peek = tcpip__datagram_peek,
    .shutdown = dgram_op_shutdown,
    .close = dgram_op_close,
    .abandon = dgram_op_abandon,
    .local_address = dgram_op_local_address,
    .remote_address = dgram_op_remote_address,
    .readiness = dgram_op_readiness,
    .set_option = tcpip__datagram_set_option,
    .get_option = tcpip__datagram_get_option,
    .group = tcpip__datagram_group,
    .set_error = dgram_op_set_error,
    .listener = dgram_op_listener,
    .save = tcpip__datagram_save,
};

enum tcpip_error tcpip__datagram_new(struct tcpip_stack *stack, const struct datagram_ops *ops, uint32_t network,
                                     struct tcpip_endpoint **out)
{
    struct datagram_stack *datagrams = tcpip__stack_transport_state(stack, ops->transport);
    struct datagram_endpoint *ep = tcpip__pool_zget(&datagrams->endpoints);
    if (ep == NULL)
        return TCPIP_ERR_NO_MEMORY;
    enum tcpip_error error = tcpip__endpoint_init(&ep->base, stack, &datagram_endpoint_ops, ops->transport, network);
    if (error != TCPIP_OK) {
        tcpip__pool_put(&datagrams->endpoints, ep);
        return error;
    }
    ep->ops = ops;
    ep->entry.node.number = ops->transport;
    ep->queue = tcpip_packet_list_init();
    list_init(&ep->groups);
    tcpip__datagram_buffers_init(ep);
    *out = &ep->base;
    return TCPIP_OK;
}
