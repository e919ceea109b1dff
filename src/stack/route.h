// SPDX-License-Identifier: MIT
/* route.h: the route table, and a resolved way that endpoints keep. */
#ifndef TCPIP_SRC_STACK_ROUTE_H
#define TCPIP_SRC_STACK_ROUTE_H

#include "stack/nic.h"

enum route_kind {
    ROUTE_UNICAST,
    ROUTE_LOCAL, /* to ourselves: never leaves the stack */
    ROUTE_BROADCAST,
    ROUTE_MULTICAST,
};

/* Kept by value; good while generation == stack->route_generation, then to be found again. Holds a reference on the
 * neighbour. */
struct tcpip_route {
    struct tcpip_stack *stack;
    struct tcpip_nic *nic; /* NULL: none */
    const struct tcpip_network_protocol *network;
    struct tcpip_neighbor_entry *neighbor; /* NULL: the link has no addresses, or multicast */
    uint32_t generation;
    uint32_t mtu;    /* of the NIC and the row; the path's own is pmtu.h's */
    uint16_t advmss; /* of the row: what TCP announces; 0: what the MTU leaves */
    uint8_t kind;    /* enum route_kind */
    bool gateway;
};

/* stack->routes. NO_MEMORY. */
must_use enum tcpip_error tcpip__route_table_new(struct tcpip_stack *stack);
void tcpip__route_table_free(struct tcpip_stack *stack);
/* Rows through this NIC go. */
void tcpip__route_table_nic_removed(struct tcpip_stack *stack, const struct tcpip_nic *nic);
/* Takes out the rows equal to `row` (a router's lifetime ran out); false: there was none. */
bool tcpip__route_table_remove(struct tcpip_stack *stack, const struct tcpip_route_entry *row);

/* Finds a way from `local` (all zero or v4-mapped zero: chosen and written back) to `remote`, through nic_id if not 0.
 * Link-local and multicast remotes need a NIC or a route. NO_ROUTE, BAD_LOCAL_ADDRESS, NO_MEMORY, NETWORK_UNREACHABLE
 * never: NO_ROUTE. `out` must be zeroed or released. */
must_use enum tcpip_error tcpip__route_find(struct tcpip_stack *stack, uint32_t nic_id, uint8_t *local,
                                            const uint8_t *remote, struct tcpip_route *out);
/* Drops what it holds and zeroes it. */
void tcpip__route_release(struct tcpip_route *route);
static inline bool route_valid(const struct tcpip_route *route)
{
    return route->nic != NULL && route->generation == route->stack->route_generation;
}
/* Sends a transport packet; takes it. Errors of the network protocol's output; NO_ROUTE when the route isn't valid. */
enum tcpip_error tcpip__route_output(struct tcpip_route *route, struct tcpip_packet *packet,
                                     const struct tcpip_network_output *how);
/* For the network protocol: a packet with its network header goes to the NIC, to ourselves, or waits for the neighbour.
 * Takes it. */
void tcpip__route_transmit(struct tcpip_route *route, struct tcpip_packet *packet, const uint8_t *remote);
/* The upper layer knows that the way works (RFC 4861 7.3.1). */
void tcpip__route_confirm(struct tcpip_route *route);
/* The opposite: nothing comes back (RFC 9293 3.8.3). The route is released: who uses it next finds it anew. */
void tcpip__route_doubt(struct tcpip_route *route);

#endif
