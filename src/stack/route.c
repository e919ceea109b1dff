// SPDX-License-Identifier: MIT
/* route.c: the way to a destination, and sending along it.
 *
 * What a destination is decides how it is reached, in this order:
 *
 *   ours                      looped back through the NIC that has it; the source is the destination itself unless
 *                             given. A loopback source stays on the loopback NIC (RFC 1122 3.2.1.3 (g))
 *   directed broadcast        through the NIC with that prefix
 *   link-local, multicast,    through the NIC asked for; else the NIC of the source given (for link-local destinations
 *   255.255.255.255           only a link-local source says anything); else what the route table says; else the only
 *                             usable NIC that isn't a loopback. Never by a gateway (RFC 3927 2.6.2, RFC 4291 2.5.6).
 *                             Interface-local multicast (ff01::/16) doesn't leave the NIC
 *   anything else             by the route table
 *
 * A source that is given must be ours: assigned to any usable NIC (weak host model), a link-local one to the NIC that
 * the packet leaves through; a NIC that spoofs sends from every unicast address. A source that isn't given is chosen
 * (address_select.c); where the NIC has none at all, broadcast and multicast may still go out unspecified: DHCP, IGMP
 * and MLD begin so, and who must not (UDP over IPv6) has to look.
 *
 * A route is kept by value by those who send, and is good while nothing that went into it has changed: every change of
 * NICs, addresses, routes, and the eviction of a neighbour that routes hold, makes a new generation.
 *
 * Owns:       struct tcpip_route.
 * Invariants: a valid route has a usable NIC; it holds one reference on its neighbour, if it has one.
 * Not here:   rows (route_table.c), the network header (network/), resolution (neighbor.c), path MTU (pmtu.c). */
#include "stack/route.h"

#include "base/math.h"
#include "stack/neighbor.h"
#include "stack/route_table.h"

static const uint8_t ethernet_broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* A way as found, before anything is held. */
struct way {
    struct tcpip_nic *nic;
    const struct route_row *row; /* NULL: not by the table */
    const struct tcpip_network_protocol *network;
    enum route_kind kind;
    uint8_t next_hop[16];
};

/* A question, digested. */
struct way_query {
    struct tcpip_stack *stack;
    struct tcpip_nic *bound; /* the NIC asked for; NULL: any */
    uint8_t *local;
    const uint8_t *remote;
    bool choose; /* no local address was given */
};

static bool route_is_loopback(const struct tcpip_nic *nic)
{
    return (nic->caps.flags & TCPIP_LINK_LOOPBACK) != 0;
}

/* May packets come from the given source through `nic`? */
static bool route_source_ok(const struct tcpip_nic *nic, const uint8_t *local)
{
    if (address_is_loopback(local) && !route_is_loopback(nic))
        return false;
    return nic->spoofing || tcpip__address_local(nic->stack, nic, local) != NULL;
}

static enum tcpip_error way_source(const struct way_query *query, const struct way *way)
{
    if (!query->choose)
        return route_source_ok(way->nic, query->local) ? TCPIP_OK : TCPIP_ERR_BAD_LOCAL_ADDRESS;
    const struct nic_address *source = tcpip__address_select(way->nic, query->remote);
    if (source != NULL) {
        memcpy(query->local, source->bytes, 16);
        return TCPIP_OK;
    }
    if (way->kind == ROUTE_UNICAST)
        return TCPIP_ERR_NO_ROUTE;
    memset(query->local, 0, 16);
    if (address_is_v4(query->remote))
        query->local[10] = query->local[11] = 0xff;
    return TCPIP_OK;
}

static enum tcpip_error way_to_ourselves(const struct way_query *query, const struct nic_address *owner,
                                         struct way *way)
{
    way->kind = ROUTE_LOCAL;
    way->nic = owner->nic;
    if (query->choose) {
        /* Of a loopback prefix the address that was assigned: 127.0.0.1 talks to 127.0.0.2. */
        memcpy(query->local, owner->bytes, 16);
        return TCPIP_OK;
    }
    if (address_is_loopback(query->local) && !address_is_loopback(query->remote)) {
        const struct nic_address *source = tcpip__address_local(query->stack, NULL, query->local);
        if (source == NULL)
            return TCPIP_ERR_BAD_LOCAL_ADDRESS;
        way->nic = source->nic;
        return TCPIP_OK;
    }
    return way->nic->spoofing || tcpip__address_local(query->stack, way->nic, query->local) != NULL
               ? TCPIP_OK
               : TCPIP_ERR_BAD_LOCAL_ADDRESS;
}

static const struct route_row *way_row(const struct way_query *query)
{
    struct route_query ask = {query->remote, query->bound, query->choose ? NULL : query->local};
    return tcpip__route_lookup(query->stack, &ask);
}

/* The NIC that the source given lies on, where that says something about the destination. */
static struct tcpip_nic *way_nic_of_source(const struct way_query *query)
{
    if (query->choose || (address_is_link_local(query->remote) && !address_is_link_local(query->local)))
        return NULL;
    const struct nic_address *source = tcpip__address_local(query->stack, NULL, query->local);
    return source != NULL ? source->nic : NULL;
}

static struct tcpip_nic *way_only_nic(const struct tcpip_stack *stack)
{
    struct tcpip_nic *only = NULL;
    list_for_each(node, &stack->nics)
    {
        struct tcpip_nic *nic = list_entry(node, struct tcpip_nic, node);
        if (!nic_usable(nic) || route_is_loopback(nic))
            continue;
        if (only != NULL)
            return NULL;
        only = nic;
    }
    return only;
}

/* Destinations that mean something on one link only. */
static enum tcpip_error way_on_link(const struct way_query *query, struct way *way)
{
    way->nic = query->bound;
    if (way->nic == NULL)
        way->nic = way_nic_of_source(query);
    if (way->nic == NULL) {
        way->row = way_row(query);
        way->nic = way->row != NULL ? way->row->nic : way_only_nic(query->stack);
    }
    return way->nic != NULL ? way_source(query, way) : TCPIP_ERR_NO_ROUTE;
}

static enum tcpip_error way_by_table(const struct way_query *query, struct way *way)
{
    way->row = way_row(query);
    if (way->row == NULL)
        return TCPIP_ERR_NO_ROUTE;
    way->nic = way->row->nic;
    if (address_is_loopback(query->remote) && !route_is_loopback(way->nic))
        return TCPIP_ERR_NO_ROUTE; /* RFC 1122 3.2.1.3 (g), RFC 4291 2.5.3 */
    if (way->row->has_gateway)
        memcpy(way->next_hop, way->row->gateway, 16);
    return way_source(query, way);
}

static enum tcpip_error way_classify(const struct way_query *query, struct way *way)
{
    const uint8_t *remote = query->remote;
    if (address_is_multicast(remote)) {
        way->kind = !address_is_v4(remote) && (remote[1] & 0x0f) == 1 ? ROUTE_LOCAL : ROUTE_MULTICAST;
        return way_on_link(query, way);
    }
    if (address_is_limited_broadcast(remote)) {
        way->kind = ROUTE_BROADCAST;
        return way_on_link(query, way);
    }
    const struct tcpip_nic *scope = query->bound;
    if (scope == NULL && address_is_link_local(remote))
        scope = way_nic_of_source(query);
    const struct nic_address *owner = tcpip__address_local(query->stack, scope, remote);
    if (owner != NULL)
        return way_to_ourselves(query, owner, way);
    way->nic = tcpip__address_broadcast(query->stack, query->bound, remote);
    if (way->nic != NULL) {
        way->kind = ROUTE_BROADCAST;
        return way_source(query, way);
    }
    way->kind = ROUTE_UNICAST;
    return address_is_link_local(remote) ? way_on_link(query, way) : way_by_table(query, way);
}

static enum tcpip_error way_find(struct tcpip_stack *stack, uint32_t nic_id, uint8_t *local, const uint8_t *remote,
                                 struct way *way)
{
    struct way_query query = {stack, NULL, local, remote, address_is_zero(local)};
    bool v4 = address_is_v4(remote);
    memset(way, 0, sizeof(*way));
    memcpy(way->next_hop, remote, 16);
    way->network = tcpip__stack_network(stack, v4 ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6);
    if (way->network == NULL || address_is_zero(remote))
        return TCPIP_ERR_NO_ROUTE;
    if (!query.choose &&
        (address_is_v4(local) != v4 || address_is_multicast(local) || address_is_limited_broadcast(local)))
        return TCPIP_ERR_BAD_LOCAL_ADDRESS;
    if (nic_id != 0) {
        query.bound = tcpip__nic_find(stack, nic_id);
        if (query.bound == NULL || !nic_usable(query.bound))
            return TCPIP_ERR_NO_ROUTE;
    }
    return way_classify(&query, way);
}

/* An IPv4 packet can't be longer than its total length says, however large the link's packets are (Linux: 65536). */
static uint32_t way_mtu(const struct way *way)
{
    uint32_t mtu = address_is_v4(way->next_hop) ? min_u32(way->nic->mtu, UINT16_MAX) : way->nic->mtu;
    return way->row != NULL && way->row->mtu != 0 ? min_u32(mtu, way->row->mtu) : mtu;
}

enum tcpip_error tcpip__route_find(struct tcpip_stack *stack, uint32_t nic_id, uint8_t *local, const uint8_t *remote,
                                   struct tcpip_route *out)
{
    struct way way;
    uint8_t source[16];
    ASSERT_ENV(&stack->env, out->neighbor == NULL);
    memcpy(source, local, 16);
    enum tcpip_error error = way_find(stack, nic_id, source, remote, &way);
    if (error != TCPIP_OK)
        return error;
    struct tcpip_neighbor_entry *neighbor = NULL;
    if (way.kind == ROUTE_UNICAST && (way.nic->caps.flags & TCPIP_LINK_RESOLUTION) != 0) {
        neighbor = tcpip__neighbor_get(way.nic, way.next_hop);
        if (neighbor == NULL)
            return TCPIP_ERR_NO_MEMORY;
    }
    out->stack = stack;
    out->nic = way.nic;
    out->network = way.network;
    out->neighbor = neighbor;
    out->generation = stack->route_generation; /* after neighbor_get, whose eviction may have made a new one */
    out->mtu = way_mtu(&way);
    out->advmss = way.row != NULL ? way.row->advmss : 0;
    out->kind = (uint8_t)way.kind;
    out->gateway = way.row != NULL && way.kind == ROUTE_UNICAST && !address_equal(way.next_hop, remote);
    memcpy(local, source, 16);
    return TCPIP_OK;
}

void tcpip__route_release(struct tcpip_route *route)
{
    if (route->neighbor != NULL)
        tcpip__neighbor_unref(route->neighbor);
    *route = (struct tcpip_route){0};
}

enum tcpip_error tcpip__route_output(struct tcpip_route *route, struct tcpip_packet *packet,
                                     const struct tcpip_network_output *how)
{
    if (unlikely(!route_valid(route))) {
        tcpip_packet_drop(packet, TCPIP_DROP_IP_NO_ROUTE);
        return TCPIP_ERR_NO_ROUTE;
    }
    return route->network->output(route, packet, how);
}

/* RFC 1112 6.4 and RFC 2464 7: group addresses are computed, not asked for. */
static void route_group_address(const uint8_t *group, uint8_t *out)
{
    if (address_is_v4(group)) {
        out[0] = 0x01;
        out[1] = 0x00;
        out[2] = 0x5e;
        out[3] = group[13] & 0x7f;
        out[4] = group[14];
        out[5] = group[15];
    } else {
        out[0] = out[1] = 0x33;
        memcpy(out + 2, group + 12, 4);
    }
}

void tcpip__route_transmit(struct tcpip_route *route, struct tcpip_packet *packet, const uint8_t *remote)
{
    struct tcpip_nic *nic = route->nic;
    ASSERT_ENV(&route->stack->env, nic != NULL);
    packet->nic = nic;
    packet->link_protocol = (uint16_t)route->network->number;
    if (route->kind == ROUTE_LOCAL) {
        tcpip__nic_loop(nic, packet);
        return;
    }
    if (route->neighbor != NULL) {
        tcpip__neighbor_output(route->neighbor, packet);
        return;
    }
    packet->type = TCPIP_PACKET_OUTGOING;
    if ((nic->caps.flags & TCPIP_LINK_RESOLUTION) != 0) {
        memcpy(packet->link_source.bytes, nic->caps.address.bytes, 6);
        if (route->kind == ROUTE_MULTICAST)
            route_group_address(remote, packet->link_destination.bytes);
        else
            memcpy(packet->link_destination.bytes, ethernet_broadcast, 6);
    }
    tcpip__nic_transmit(nic, packet);
}

void tcpip__route_confirm(struct tcpip_route *route)
{
    if (route->neighbor != NULL)
        tcpip__neighbor_confirm(route->neighbor);
}

void tcpip__route_doubt(struct tcpip_route *route)
{
    if (route->neighbor != NULL)
        tcpip__neighbor_doubt(route->neighbor);
    tcpip__route_release(route);
}

enum tcpip_error tcpip_stack_find_route(struct tcpip_stack *stack, uint32_t nic, const struct tcpip_address *local,
                                        const struct tcpip_address *remote, struct tcpip_found_route *out)
{
    uint8_t local_bytes[16] = {0}, remote_bytes[16];
    struct way way;
    if (local != NULL)
        address_internal(local, local_bytes);
    address_internal(remote, remote_bytes);
    enum tcpip_error error = way_find(stack, nic, local_bytes, remote_bytes, &way);
    if (error != TCPIP_OK)
        return error;
    out->nic = way.nic->id;
    out->mtu = way_mtu(&way);
    out->local = address_public(local_bytes);
    out->next_hop = address_public(way.next_hop);
    return TCPIP_OK;
}
