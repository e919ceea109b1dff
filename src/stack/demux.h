// SPDX-License-Identifier: MIT
/* demux.h: whose a transport packet is.
 *
 * One probe in the table of connected flows; then listeners (bound endpoints without a peer) by specificity: address
 * and port, then port alone, NIC-bound first within each; then the protocol's default handler; then the unknown answer.
 */
#ifndef TCPIP_SRC_STACK_DEMUX_H
#define TCPIP_SRC_STACK_DEMUX_H

#include "stack/nic.h"

/* A connected flow as seen from here. nic: the scope of a link-local flow or of an endpoint bound to a NIC; else 0. */
struct flow {
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
    uint32_t nic;
};

/* What a flow leads to; embedded in endpoints and in compact records. */
struct demux_entry {
    /* .number: transport; .kind: the protocol's own: TCP has endpoints, half-open records and TIME-WAIT records here */
    struct hash_node node;
    struct flow flow;
};

struct demux_listener {
    struct hash_node node;
    struct tcpip_list_node ring; /* those with the same transport, port and address */
    struct tcpip_endpoint *endpoint;
    uint8_t local[16]; /* all zero: any */
    uint32_t nic;      /* 0: any */
    uint16_t port;
    uint8_t transport;
    bool v4, v6;     /* families it takes */
    bool reuse_port; /* shares flows with its equals, by hash */
    bool linked;
    bool wants_queue; /* of its equals it comes first for what comes by `queue` */
    uint32_t queue;
    uint64_t order; /* of registration */
    /* Steering of the whole ring; NULL: none. */
    uint32_t (*choose)(void *ctx, const struct tcpip_steering *packet);
    void *choose_ctx;
};

/* INCOMING_QUEUE's value. */
static inline void demux_listener_queue(struct demux_listener *listener, int64_t queue)
{
    listener->wants_queue = queue >= 0;
    listener->queue = queue >= 0 ? (uint32_t)queue : 0;
}

struct archive;

/* Saved and restored (base/archive.h). */
void tcpip__flow_archive(struct archive *archive, struct flow *flow);

must_use enum tcpip_error tcpip__demux_new(struct tcpip_stack *stack);
void tcpip__demux_free(struct tcpip_stack *stack);
/* The flow of an inbound packet: addresses from packet->network, ports given; nic is set by the packet's NIC for
 * link-local peers. */
static inline void demux_flow_of(const struct tcpip_packet *packet, uint16_t local_port, uint16_t remote_port,
                                 struct flow *out)
{
    const struct tcpip_packet_network *network = &packet->network;
    bool scoped = address_is_link_local(network->source) || address_is_link_local(network->destination);
    memcpy(out->local, network->destination, 16);
    memcpy(out->remote, network->source, 16);
    out->local_port = local_port;
    out->remote_port = remote_port;
    out->nic = unlikely(scoped) && packet->nic != NULL ? packet->nic->id : 0;
}
/* NULL: none. An entry bound to another NIC than `nic_id` isn't found. Compares with the previous packet's entry first.
 */
struct demux_entry *tcpip__demux_find(struct tcpip_stack *stack, uint8_t transport, const struct flow *flow,
                                      uint32_t nic_id);
/* PORT_IN_USE: the flow is taken. entry->flow, node.number, node.kind are set by the caller. */
must_use enum tcpip_error tcpip__demux_insert(struct tcpip_stack *stack, struct demux_entry *entry);
void tcpip__demux_remove(struct tcpip_stack *stack, struct demux_entry *entry);
/* Puts `with` in the place of `entry` (same flow): a half-open record becomes an endpoint, an endpoint a TIME-WAIT
 * record. */
void tcpip__demux_replace(struct tcpip_stack *stack, struct demux_entry *entry, struct demux_entry *with);
void tcpip__demux_listen(struct tcpip_stack *stack, struct demux_listener *listener);
void tcpip__demux_unlisten(struct tcpip_stack *stack, struct demux_listener *listener);
/* The most specific listener; among equals with reuse_port by `flow_hash`, else the latest. NULL: none. */
struct tcpip_endpoint *tcpip__demux_find_listener(struct tcpip_stack *stack, uint8_t transport, const uint8_t *local,
                                                  uint16_t port, uint32_t nic_id, uint64_t flow_hash);
/* The same for a packet that begins this flow: steering and INCOMING_QUEUE come before the hash, which is asked for
 * only where there are equals. */
struct tcpip_endpoint *tcpip__demux_steer(struct tcpip_stack *stack, uint8_t transport, const struct flow *flow,
                                          const struct tcpip_nic *nic,
                                          uint64_t (*hash)(struct tcpip_stack *stack, const struct flow *flow));
/* Calls `each` for every listener that takes a multicast or broadcast datagram; it must not change the table. */
void tcpip__demux_each_listener(struct tcpip_stack *stack, uint8_t transport, const uint8_t *local, uint16_t port,
                                uint32_t nic_id, void (*each)(void *ctx, struct tcpip_endpoint *endpoint), void *ctx);

#endif
