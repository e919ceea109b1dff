// SPDX-License-Identifier: MIT
/* neighbor.h: one neighbour cache for ARP and NDP, with the states of RFC 4861 section 7.3. */
#ifndef TCPIP_SRC_STACK_NEIGHBOR_H
#define TCPIP_SRC_STACK_NEIGHBOR_H

#include "stack/nic.h"

struct tcpip_neighbor_entry; /* counted */

/* stack->neighbors; after the last route was released, and the last NIC removed, it can be freed. NO_MEMORY. */
must_use enum tcpip_error tcpip__neighbor_table_new(struct tcpip_stack *stack);
void tcpip__neighbor_table_free(struct tcpip_stack *stack);
/* The entry of a next hop, made if need be, with a reference for the caller; NULL: out of memory. */
struct tcpip_neighbor_entry *tcpip__neighbor_get(struct tcpip_nic *nic, const uint8_t *address);
void tcpip__neighbor_unref(struct tcpip_neighbor_entry *entry);
/* Sends a network packet to the neighbour: at once if its link address is known, else it waits for the resolution.
 * Takes it. */
void tcpip__neighbor_output(struct tcpip_neighbor_entry *entry, struct tcpip_packet *packet);
/* RFC 4861 7.3.1: forward progress. */
void tcpip__neighbor_confirm(struct tcpip_neighbor_entry *entry);
/* The upper layer gets no answers: what the neighbor is believed to be is asked about when it is used next. */
void tcpip__neighbor_doubt(struct tcpip_neighbor_entry *entry);
/* A solicitation, ARP request or redirect told us its link address: made if need be, STALE (7.2.3). */
void tcpip__neighbor_learn(struct tcpip_nic *nic, const uint8_t *address, const struct tcpip_link_address *link);
/* An advertisement or ARP reply (7.2.5). Nothing if there is no entry. link may be NULL (NA without the option). */
struct neighbor_advert {
    bool solicited, override, router;
};
void tcpip__neighbor_advertised(struct tcpip_nic *nic, const uint8_t *address, const struct tcpip_link_address *link,
                                struct neighbor_advert how);
/* The NIC is disabled: its entries go, but static ones; waiting packets are dropped. With nic->removing static ones go
 * too. */
void tcpip__neighbor_flush(struct tcpip_nic *nic);
/* Walks through all, beginning with NULL; NULL: that was the last. */
struct tcpip_neighbor_entry *tcpip__neighbor_next(const struct tcpip_stack *stack, struct tcpip_neighbor_entry *after,
                                                  struct tcpip_neighbor *out);
/* A router advertises ReachableTime and RetransTimer (RFC 4861 6.3.4); 0: unspecified, stays as it was. */
void tcpip__neighbor_set_times(struct tcpip_nic *nic, tcpip_ns reachable_ns, tcpip_ns retransmit_ns);

#endif
