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

static uint32_t bind_reuse_flags(const struct tcp_endpoint *ep)
{
    return (tcp_option(ep, TCPIP_OPTION_REUSE_ADDRESS) != 0 ? (uint32_t)TCPIP_PORT_REUSE_ADDRESS : 0) |
           (tcp_option(ep, TCPIP_OPTION_REUSE_PORT) != 0 ? (uint32_t)TCPIP_PORT_REUSE_PORT : 0);
}

static bool bind_is_dual(const struct tcp_endpoint *ep, const uint8_t *address)
{
    return ep->base.network == TCPIP_PROTOCOL_IPV6 && address_is_zero(address) && !address_is_v4(address) &&
           tcp_option(ep, TCPIP_OPTION_V6_ONLY) == 0;
}

/* A group or a broadcast address may be bound to, as on Linux, though TCP hears nothing there; but no IPv6 group. */
static bool bind_address_usable(const struct tcp_endpoint *ep, const struct tcpip_nic *nic, const uint8_t *address)
{
    const struct nic_address *found = tcpip__address_find(ep->base.stack, nic, address);
    if (found != NULL)
        return (found->flags & (TCPIP_ADDRESS_TENTATIVE | TCPIP_ADDRESS_DUPLICATE)) == 0;
    return (nic != NULL && nic->spoofing) || (address_is_v4(address) && address_is_multicast(address)) ||
           address_is_limited_broadcast(address);
}

static enum tcpip_error bind_key(const struct tcp_endpoint *ep, const struct tcpip_full_address *address,
                                 struct tcpip_port_key *out)
{
    static const uint8_t any4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    bool v4_endpoint = ep->base.network == TCPIP_PROTOCOL_IPV4;
    memset(out, 0, sizeof(*out));
    out->transport = TCPIP_PROTOCOL_TCP;
    out->port = address->port;
    out->nic = address->nic != 0 ? address->nic : (uint32_t)tcp_option(ep, TCPIP_OPTION_BIND_TO_NIC);
    const struct tcpip_nic *nic = NULL;
    if (out->nic != 0 && (nic = tcpip__nic_find(ep->base.stack, out->nic)) == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    struct tcpip_address mapped = tcpip_address_to_mapped(&address->address);
    memcpy(out->address, mapped.len == 0 && v4_endpoint ? any4 : mapped.bytes, 16);
    bool v4 = address_is_v4(out->address);
    if (v4_endpoint && !v4)
        return TCPIP_ERR_ADDRESS_FAMILY_NOT_SUPPORTED;
    if (!v4_endpoint && v4 && tcp_option(ep, TCPIP_OPTION_V6_ONLY) != 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (!v4 && address_is_multicast(out->address))
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (!address_is_zero(out->address) && !bind_address_usable(ep, nic, out->address))
        return TCPIP_ERR_BAD_LOCAL_ADDRESS;
    out->flags = bind_reuse_flags(ep) | (bind_is_dual(ep, out->address) ? (uint32_t)TCPIP_PORT_DUAL_STACK : 0);
    return TCPIP_OK;
}

enum tcpip_error tcpip__tcp_bind(struct tcp_endpoint *ep, const struct tcpip_full_address *address,
                                 enum tcpip_error (*commit)(void *ctx), void *ctx)
{
    struct tcpip_port_manager *ports = ep->base.stack->ports;
    if (ep->state != TCPIP_TCP_CLOSED || ep->bound)
        return TCPIP_ERR_ALREADY_BOUND;
    struct tcpip_port_key key;
    enum tcpip_error error = bind_key(ep, address, &key);
    if (error != TCPIP_OK)
        return error;
    error = tcpip_port_manager_reserve(ports, &key);
    if (error != TCPIP_OK)
        return error;
    error = commit != NULL ? commit(ctx) : TCPIP_OK;
    if (error != TCPIP_OK) {
        tcpip_port_manager_release(ports, &key);
        return error;
    }
    ep->port_key = key;
    ep->port_reserved = true;
    ep->port_fixed = address->port != 0;
    ep->bound = true;
    memcpy(ep->demux.flow.local, key.address, 16);
    ep->demux.flow.local_port = key.port;
    ep->bound_address = !address_is_zero(key.address) ? TCP_BOUND_FIXED
                        : address_is_v4(key.address)  ? TCP_BOUND_ANY_V4
                                                      : TCP_BOUND_ANY_V6;
    return TCPIP_OK;
}

/* Holds `key` instead; without memory for that, what was held stays. */
static void bind_rekey(struct tcp_endpoint *ep, const struct tcpip_port_key *key)
{
    struct tcpip_port_manager *ports = ep->base.stack->ports;
    if (!tcpip__port_manager_hold(ports, key))
        return;
    tcpip__tcp_port_release(ep);
    ep->port_key = *key;
    ep->port_reserved = true;
}

enum tcpip_error tcpip__tcp_port_listen(struct tcp_endpoint *ep)
{
    struct tcpip_port_manager *ports = ep->base.stack->ports;
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
    const struct flow *flow = &ep->demux.flow;
    struct tcpip_port_key key = {
        .transport = TCPIP_PROTOCOL_TCP,
        .port = flow->local_port,
        .nic = ep->bound ? ep->port_key.nic : flow->nic,
        .flags = bind_reuse_flags(ep) | (ep->bound || ep->accepted ? 0 : (uint32_t)TCPIP_PORT_CONNECTION),
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
    key.flags = bind_reuse_flags(ep) | (bind_is_dual(ep, key.address) ? (uint32_t)TCPIP_PORT_DUAL_STACK : 0);
    bind_rekey(ep, &key);
}

void tcpip__tcp_port_release(struct tcp_endpoint *ep)
{
    if (ep->port_reserved)
        tcpip_port_manager_release(ep->base.stack->ports, &ep->port_key);
    ep->port_reserved = false;
}

void tcpip__tcp_port_options(struct tcp_endpoint *ep)
{
    struct tcpip_port_key key = ep->port_key;
    if (!ep->port_reserved)
        return;
    key.flags &= ~(uint32_t)(TCPIP_PORT_REUSE_ADDRESS | TCPIP_PORT_REUSE_PORT);
    key.flags |= bind_reuse_flags(ep);
    bind_rekey(ep, &key);
}
