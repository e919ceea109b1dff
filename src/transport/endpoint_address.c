// SPDX-License-Identifier: MIT
/* endpoint_address.c: what an application's addresses mean to an endpoint.
 *
 * Inside the stack an address is 16 bytes, IPv4 mapped. An application of an IPv4 endpoint speaks of IPv4 addresses,
 * one of an IPv6 endpoint of IPv6 addresses, among them mapped ones unless V6_ONLY; either may write an IPv4 address in
 * both forms. Here is the one place where these rules are applied.
 *
 * Owns:        nothing.
 * Invariants:  what comes out has 16 bytes and is of a family that the endpoint speaks.
 * Not here:    who holds a port (ports/ports.c), which way to a destination (stack/route.c). */
#include "transport/endpoint_address.h"

static const uint8_t address_any4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool address_v6_only(const struct address_context *context)
{
    return context->v6_only || option_get(context->stack, context->options, TCPIP_OPTION_V6_ONLY) != 0;
}

/* The NIC to be bound to (0: any), from the address or by option. */
static enum tcpip_error address_bind_nic(const struct address_context *context, uint32_t asked,
                                         const struct tcpip_nic **out, uint32_t *id)
{
    *id = asked != 0 ? asked : (uint32_t)option_get(context->stack, context->options, TCPIP_OPTION_BIND_TO_NIC);
    *out = *id != 0 ? tcpip__nic_find(context->stack, *id) : NULL;
    return *id != 0 && *out == NULL ? TCPIP_ERR_UNKNOWN_NIC_ID : TCPIP_OK;
}

/* May an endpoint be bound to this address? A link-local one names its NIC, whether the caller did or not. */
static bool address_bindable(const struct address_context *context, const struct tcpip_nic *nic, const uint8_t *local,
                             uint32_t *nic_id)
{
    if (address_is_zero(local))
        return true;
    if (address_is_multicast(local) || address_is_limited_broadcast(local))
        return context->groups;
    const struct nic_address *found = tcpip__address_find(context->stack, nic, local);
    if (found != NULL && address_assigned(found)) {
        if (!address_is_v4(local) && address_is_link_local(local))
            *nic_id = found->nic->id;
        return true;
    }
    if (context->groups && tcpip__address_broadcast(context->stack, nic, local) != NULL)
        return true;
    if (option_get(context->stack, context->options, TCPIP_OPTION_FREE_BIND) != 0)
        return true;
    return nic != NULL && nic->spoofing;
}

enum tcpip_error tcpip__address_bind_key(const struct address_context *context,
                                         const struct tcpip_full_address *address, struct tcpip_port_key *out)
{
    const struct tcpip_nic *nic;
    bool v4_endpoint = context->network == TCPIP_PROTOCOL_IPV4;
    memset(out, 0, sizeof(*out));
    out->transport = context->transport;
    out->port = address->port;
    enum tcpip_error error = address_bind_nic(context, address->nic, &nic, &out->nic);
    if (error != TCPIP_OK)
        return error;
    address_internal(&address->address, out->address);
    if (v4_endpoint && address->address.len == 0)
        memcpy(out->address, address_any4, 16);
    bool v4 = address_is_v4(out->address);
    if (v4_endpoint && !v4)
        return TCPIP_ERR_ADDRESS_FAMILY_NOT_SUPPORTED;
    if (!v4_endpoint && v4 && address_v6_only(context))
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (!address_bindable(context, nic, out->address, &out->nic))
        return TCPIP_ERR_BAD_LOCAL_ADDRESS;
    out->flags = tcpip__address_port_flags(context, out->address);
    return TCPIP_OK;
}

uint32_t tcpip__address_port_flags(const struct address_context *context, const uint8_t *local)
{
    uint32_t flags = 0;
    if (option_get(context->stack, context->options, TCPIP_OPTION_REUSE_ADDRESS) != 0)
        flags |= TCPIP_PORT_REUSE_ADDRESS;
    if (option_get(context->stack, context->options, TCPIP_OPTION_REUSE_PORT) != 0)
        flags |= TCPIP_PORT_REUSE_PORT;
    if (!address_is_v4(local) && tcpip__address_families(context, local).v4)
        flags |= TCPIP_PORT_DUAL_STACK;
    return flags;
}

struct address_families tcpip__address_families(const struct address_context *context, const uint8_t *local)
{
    bool v4 = address_is_v4(local);
    bool v6_endpoint = context->network == TCPIP_PROTOCOL_IPV6;
    bool dual = v6_endpoint && !v4 && address_is_zero(local) && !address_v6_only(context);
    return (struct address_families){.v4 = v4 || dual, .v6 = v6_endpoint && !v4};
}

enum tcpip_error tcpip__address_remote(const struct address_context *context, const struct tcpip_address *address,
                                       const uint8_t *local, uint8_t *out)
{
    static const uint8_t loopback4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
    static const uint8_t loopback6[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    bool v4_endpoint = context->network == TCPIP_PROTOCOL_IPV4;
    address_internal(address, out);
    bool v4 = address_is_v4(out) || (v4_endpoint && address->len == 0);
    if (v4_endpoint && !v4)
        return TCPIP_ERR_ADDRESS_FAMILY_NOT_SUPPORTED;
    if (!v4_endpoint && v4 && address_v6_only(context))
        return TCPIP_ERR_NETWORK_UNREACHABLE;
    if (address_is_zero(out)) {
        bool own = !address_is_zero(local) && address_is_v4(local) == v4 && !address_is_multicast(local);
        memcpy(out, own ? local : v4 ? loopback4 : loopback6, 16);
    }
    return TCPIP_OK;
}

void tcpip__address_shown(uint32_t network, const uint8_t *bytes, uint16_t port, uint32_t nic,
                          struct tcpip_full_address *out)
{
    *out = (struct tcpip_full_address){.nic = nic, .port = port};
    if (network == TCPIP_PROTOCOL_IPV4) {
        out->address.len = 4;
        memcpy(out->address.bytes, bytes + 12, 4);
    } else {
        out->address.len = 16;
        memcpy(out->address.bytes, bytes, 16);
    }
}
