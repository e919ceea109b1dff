// SPDX-License-Identifier: MIT
/* tcp_bind.c: which address and port an endpoint holds, from bind to close.
 *
 * The rules are Linux's, which programs are written for. Whoever uses a port holds it: a bound endpoint, a listener, a
 * connection that was accepted on it or chose it itself, a TIME-WAIT. Holders conflict by the options that they have
 * now, not by those they had when they bound. What bind said by number is kept until close, through connections that
 * end and listeners that are shut down; an ephemeral port is given back with the connection.
 *
 *   bound, wildcard address ---- connects ----> held with the connection's own address ---- ends ----> as it was
 *
 * Owns:       bound, port_*, bound_address of an endpoint.
 * Invariants: port_key is held with the port manager while port_reserved.
 * Not here:   what conflicts (ports/ports.c), TIME-WAIT's hold (tcp_timewait.c). */
#include "ports/ports.h"
#include "transport/tcp/tcp.h"

/* A group or a broadcast address may be bound to, as on Linux, though TCP hears nothing there; but no IPv6 group. */
static enum tcpip_error bind_key(const struct tcp_endpoint *ep, const struct tcpip_full_address *address,
                                 struct tcpip_port_key *out)
{
    struct address_context context = tcp_address_context(ep);
    enum tcpip_error error = tcpip__address_bind_key(&context, address, out);
    if (error == TCPIP_OK && !address_is_v4(out->address) && address_is_multicast(out->address))
        return TCPIP_ERR_INVALID_ARGUMENT;
    return error;
}

static uint32_t bind_flags(const struct tcp_endpoint *ep, const uint8_t *address)
{
    struct address_context context = tcp_address_context(ep);
    return tcpip__address_port_flags(&context, address);
}

enum tcpip_error tcpip__tcp_bind(struct tcp_endpoint *ep, const struct tcpip_full_address *address,
                                 enum tcpip_error (*commit)(void *ctx), void *ctx)
{
    struct tcpip_port_manager *ports = ep->base->stack->ports;
    if (ep->state != TCPIP_TCP_CLOSED || ep->bound)
        return TCPIP_ERR_ALREADY_BOUND;
    struct tcpip_port_key key;
    enum tcpip_error error = bind_key(ep, address, &key);
    if (error != TCPIP_OK)
        return error;
    tcpip__port_manager_narrow(ports, (uint32_t)tcp_option(ep, TCPIP_OPTION_PORT_RANGE));
    if (ep->repair && key.port != 0) /* beside whoever holds it */
        error = tcpip__port_manager_hold(ports, &key) ? TCPIP_OK : TCPIP_ERR_NO_MEMORY;
    else
        error = tcpip_port_manager_reserve(ports, &key);
    tcpip__port_manager_narrow(ports, 0);
    if (error != TCPIP_OK) {
        /* As Linux: an address that was left of a former connection is forgotten all the same. */
        memset(ep->demux->flow.local, 0, 16);
        if (ep->base->network == TCPIP_PROTOCOL_IPV4)
            ep->demux->flow.local[10] = ep->demux->flow.local[11] = 0xff;
        ep->bound_address = TCP_BOUND_NONE;
        return error;
    }
    error = commit != NULL ? commit(ctx) : TCPIP_OK;
    if (error != TCPIP_OK) {
        tcpip_port_manager_release(ports, &key);
        return error;
    }
    ep->port_key = key;
    ep->port_reserved = true;
    ep->port_fixed = address->port != 0;
    ep->bound = true;
    memcpy(ep->demux->flow.local, key.address, 16);
    ep->demux->flow.local_port = key.port;
    ep->bound_address = !address_is_zero(key.address) ? TCP_BOUND_FIXED
                        : address_is_v4(key.address)  ? TCP_BOUND_ANY_V4
                                                      : TCP_BOUND_ANY_V6;
    return TCPIP_OK;
}

/* Holds `key` instead; without memory for that, what was held stays. */
static void bind_rekey(struct tcp_endpoint *ep, const struct tcpip_port_key *key)
{
    struct tcpip_port_manager *ports = ep->base->stack->ports;
    if (!tcpip__port_manager_hold(ports, key))
        return;
    tcpip__tcp_port_release(ep);
    ep->port_key = *key;
    ep->port_reserved = true;
}

enum tcpip_error tcpip__tcp_port_listen(struct tcp_endpoint *ep)
{
    struct tcpip_port_manager *ports = ep->base->stack->ports;
    struct tcpip_port_key claim = ep->port_key;
    claim.flags |= TCPIP_PORT_EXCLUSIVE;
    if (ep->port_reserved)
        tcpip_port_manager_release(ports, &ep->port_key);
    enum tcpip_error error = tcpip_port_manager_reserve(ports, &claim);
    ep->port_reserved = error == TCPIP_OK || tcpip__port_manager_hold(ports, &ep->port_key);
    if (error == TCPIP_OK)
        ep->port_key = claim;
    return error;
}

void tcpip__tcp_port_connected(struct tcp_endpoint *ep)
{
    const struct flow *flow = &ep->demux->flow;
    struct tcpip_port_key key = {
        .transport = TCPIP_PROTOCOL_TCP,
        .port = flow->local_port,
        .nic = ep->bound ? ep->port_key.nic : flow->nic,
        .flags = bind_flags(ep, flow->local) | (ep->bound || ep->accepted ? 0 : (uint32_t)TCPIP_PORT_CONNECTION),
    };
    memcpy(key.address, flow->local, 16);
    bind_rekey(ep, &key);
}

void tcpip__tcp_port_idle(struct tcp_endpoint *ep)
{
    if (!ep->port_fixed || ep->orphan) {
        tcpip__tcp_port_release(ep);
        ep->bound = false;
        return;
    }
    struct tcpip_port_key key = ep->port_key;
    if (ep->bound_address != TCP_BOUND_FIXED)
        memset(key.address, 0, 16);
    if (ep->bound_address == TCP_BOUND_ANY_V4)
        key.address[10] = key.address[11] = 0xff;
    key.flags = bind_flags(ep, key.address);
    bind_rekey(ep, &key);
}

void tcpip__tcp_port_release(struct tcp_endpoint *ep)
{
    if (ep->port_reserved)
        tcpip_port_manager_release(ep->base->stack->ports, &ep->port_key);
    ep->port_reserved = false;
}

void tcpip__tcp_port_options(struct tcp_endpoint *ep)
{
    struct tcpip_port_key key = ep->port_key;
    if (!ep->port_reserved)
        return;
    key.flags &= ~(uint32_t)(TCPIP_PORT_REUSE_ADDRESS | TCPIP_PORT_REUSE_PORT);
    key.flags |= bind_flags(ep, key.address) & ~(uint32_t)TCPIP_PORT_DUAL_STACK;
    bind_rekey(ep, &key);
}
