// SPDX-License-Identifier: MIT
/* protocol.h: how network and transport protocols hang in a stack. For authors of protocols; not yet stable.
 *
 * Addresses between floors are 16 bytes, IPv4 mapped (::ffff:a.b.c.d). All functions run inside a turn. */
#ifndef TCPIP_PROTOCOL_H
#define TCPIP_PROTOCOL_H

#include <tcpip/endpoint.h>
#include <tcpip/packet.h>
#include <tcpip/stack.h>

TCPIP_BEGIN_DECLS

struct tcpip_route; /* stack internals: a resolved way to a remote address */
struct tcpip_neighbor_entry;
struct error_queue; /* stack internals: what an endpoint is told beside its data */
struct archive;     /* stack internals: what is saved and restored (save.h) */
struct restore_how; /* stack internals: where a restored endpoint comes to */

/* How one packet goes out. */
struct tcpip_network_output {
    const uint8_t *local, *remote; /* 16 bytes each */
    uint8_t transport;
    uint8_t ttl; /* 0: the stack's default (multicast: 1) */
    uint8_t tos;
    bool dont_fragment; /* MESSAGE_TOO_LONG rather than fragments */
    bool whole_route;   /* as large as the route allows, whatever is known of the path behind it */
    bool router_alert;
};

enum tcpip_icmp_kind {
    TCPIP_ICMP_NET_UNREACHABLE,
    TCPIP_ICMP_HOST_UNREACHABLE,
    TCPIP_ICMP_PROTOCOL_UNREACHABLE,
    TCPIP_ICMP_PORT_UNREACHABLE,
    TCPIP_ICMP_PROHIBITED,
    TCPIP_ICMP_PACKET_TOO_BIG, /* value: MTU */
    TCPIP_ICMP_TTL_EXCEEDED,
    TCPIP_ICMP_REASSEMBLY_TIMEOUT,
    TCPIP_ICMP_PARAMETER_PROBLEM,         /* value: pointer */
    TCPIP_ICMP_UNKNOWN_NEXT_HEADER,       /* value: pointer */
    TCPIP_ICMP_UNKNOWN_OPTION,            /* value: pointer */
    TCPIP_ICMP_INCOMPLETE_FIRST_FRAGMENT, /* RFC 7112 */
    TCPIP_ICMP_SOURCE_QUENCH,
    TCPIP_ICMP_OTHER,
};

/* An ICMP error that quotes a packet of ours. */
struct tcpip_icmp_error {
    enum tcpip_icmp_kind kind;
    uint32_t value;
    uint8_t type, code;
    uint8_t transport;       /* of the quoted packet */
    uint32_t nic;            /* where the error arrived */
    const uint8_t *local;    /* source address of the quoted packet: ours */
    const uint8_t *remote;   /* its destination */
    const uint8_t *offender; /* who sent the error */
    const uint8_t *quote;    /* the quoted transport header; at least 8 bytes */
    uint32_t quote_bytes;
};

struct tcpip_network_protocol {
    const char *name;
    uint32_t number;            /* EtherType */
    uint8_t address_bytes;      /* 4, 16; 0: none (ARP) */
    uint32_t minimum_bytes;     /* of a packet */
    uint32_t header_room;       /* bytes it may push */
    uint32_t stack_state_bytes; /* zeroed, one per stack */
    uint32_t nic_state_bytes;   /* zeroed, one per NIC */
    enum tcpip_error (*stack_init)(struct tcpip_stack *stack, void *state);
    void (*stack_fini)(struct tcpip_stack *stack, void *state);
    enum tcpip_error (*nic_init)(struct tcpip_nic *nic, void *state);
    void (*nic_fini)(struct tcpip_nic *nic, void *state);
    void (*nic_up)(struct tcpip_nic *nic, void *state);
    void (*nic_down)(struct tcpip_nic *nic, void *state);
    /* A packet with network_offset set; takes it. */
    void (*input)(struct tcpip_nic *nic, struct tcpip_packet *packet);
    /* A transport header and payload, checksum PARTIAL or complete; a super-segment's payload begins at payload_offset.
     * Takes the packet. Pushes the header, fragments if need be. */
    enum tcpip_error (*output)(struct tcpip_route *route, struct tcpip_packet *packet,
                               const struct tcpip_network_output *how);
    /* Asks who has `target` (ARP request, neighbour solicitation), multicast, or unicast to `link` when it is not NULL.
     */
    void (*solicit)(struct tcpip_nic *nic, const uint8_t *target, const struct tcpip_link_address *link);
    /* Answers an inbound packet with an ICMP error, where that is allowed and within the rate limit. Doesn't take it.
     */
    void (*send_error)(struct tcpip_nic *nic, const struct tcpip_packet *packet, enum tcpip_icmp_kind kind,
                       uint32_t value);
    /* An address of this protocol was assigned to, or removed from, an enabled NIC (DAD, group membership, gratuitous
     * ARP). */
    void (*address_added)(struct tcpip_nic *nic, const uint8_t *address);
    void (*address_removed)(struct tcpip_nic *nic, const uint8_t *address);
    /* Joins or leaves a multicast group on the wire (IGMP, MLD); may be NULL. */
    void (*group_changed)(struct tcpip_nic *nic, const uint8_t *group, bool joined);
};

struct tcpip_transport_protocol {
    const char *name;
    uint8_t number;
    uint32_t stack_state_bytes; /* zeroed, one per stack */
    enum tcpip_error (*stack_init)(struct tcpip_stack *stack, void *state);
    void (*stack_fini)(struct tcpip_stack *stack, void *state);
    /* network: TCPIP_PROTOCOL_IPV4 or _IPV6. NULL, as input: a protocol that isn't IP's, and has a call of its own. */
    enum tcpip_error (*new_endpoint)(struct tcpip_stack *stack, uint32_t network, struct tcpip_endpoint **out);
    /* packet->network filled in, transport_offset set; takes the packet. */
    void (*input)(struct tcpip_stack *stack, struct tcpip_packet *packet);
    void (*input_error)(struct tcpip_stack *stack, const struct tcpip_icmp_error *error);
    /* What an endpoint's `save` has written; on error nothing is left. NULL: NOT_SUPPORTED. */
    enum tcpip_error (*restore_endpoint)(struct tcpip_stack *stack, uint32_t network, struct archive *archive,
                                         const struct restore_how *how, struct tcpip_endpoint **out);
    /* Saves or restores what belongs to no endpoint; may be NULL. */
    void (*archive)(struct tcpip_stack *stack, struct archive *archive);
};

/* A write or read of any shape. */
struct demux_listener;
struct tcpip_endpoint_ops {
    enum tcpip_error (*bind)(struct tcpip_endpoint *, const struct tcpip_full_address *,
                             enum tcpip_error (*commit)(void *ctx), void *ctx);
    enum tcpip_error (*connect)(struct tcpip_endpoint *, const struct tcpip_full_address *);
    /* NULL: INVALID_ENDPOINT_STATE. */
    enum tcpip_error (*connect_endpoint)(struct tcpip_endpoint *, struct tcpip_endpoint *server);
    enum tcpip_error (*listen)(struct tcpip_endpoint *, uint32_t backlog); /* NULL: NOT_SUPPORTED, like accept */
    enum tcpip_error (*accept)(struct tcpip_endpoint *, struct tcpip_endpoint **, struct tcpip_full_address *);
    enum tcpip_error (*recvmsg)(struct tcpip_endpoint *, const struct tcpip_io *, size_t io_count, size_t *done,
                                struct tcpip_full_address *from, struct tcpip_control *control);
    enum tcpip_error (*read_views)(struct tcpip_endpoint *, struct tcpip_view *, size_t *count, size_t max_bytes,
                                   size_t *done, struct tcpip_full_address *from);
    enum tcpip_error (*sendmsg)(struct tcpip_endpoint *, const struct tcpip_io *, size_t io_count, uint32_t flags,
                                const struct tcpip_full_address *to, const struct tcpip_control *control, size_t *done);
    enum tcpip_error (*write_view)(struct tcpip_endpoint *, const struct tcpip_view *, uint32_t flags,
                                   const struct tcpip_full_address *to);
    enum tcpip_error (*peek)(struct tcpip_endpoint *, bool (*writer)(void *, const void *, size_t), void *ctx,
                             size_t *done);
    enum tcpip_error (*peekmsg)(struct tcpip_endpoint *, const struct tcpip_io *, size_t io_count, size_t *done,
                                struct tcpip_full_address *from, struct tcpip_control *control); /* NULL */
    enum tcpip_error (*shutdown)(struct tcpip_endpoint *, uint32_t flags);
    void (*close)(struct tcpip_endpoint *);
    /* The stack is going away: free without a word on the wire. */
    void (*abandon)(struct tcpip_endpoint *);
    void (*local_address)(const struct tcpip_endpoint *, struct tcpip_full_address *);
    enum tcpip_error (*remote_address)(const struct tcpip_endpoint *, struct tcpip_full_address *);
    uint32_t (*readiness)(const struct tcpip_endpoint *);
    enum tcpip_error (*set_option)(struct tcpip_endpoint *, enum tcpip_option, int64_t);
    enum tcpip_error (*get_option)(struct tcpip_endpoint *, enum tcpip_option, int64_t *);
    enum tcpip_error (*group)(struct tcpip_endpoint *, uint32_t nic, const struct tcpip_address *,
                              bool join); /* NULL */
    /* The ERROR option's value is this now (OK: none), by the error queue's reader; NULL: they have nothing to do with
     * each other. */
    void (*set_error)(struct tcpip_endpoint *, enum tcpip_error);
    /* What it hears newcomers by; NULL: it doesn't, now or ever. */
    struct demux_listener *(*listener)(struct tcpip_endpoint *); /* NULL */
    /* Sends what may go now; once per turn in which the endpoint was marked dirty. */
    void (*flush)(struct tcpip_endpoint *);
    /* Saving (save.h); NULL: NOT_SUPPORTED. alone: without what can only go with the whole stack. */
    void (*save)(struct tcpip_endpoint *, struct archive *, bool alone);
    /* It is saved with the listener that it waits in, or not at all; NULL: never. */
    bool (*waits)(const struct tcpip_endpoint *);
    /* Of a listener: what waits to be accepted, one after the other; NULL: no more. May be NULL. */
    struct tcpip_endpoint *(*next_waiting)(struct tcpip_endpoint *, struct tcpip_endpoint *after);
    /* Stands still, or goes on; NULL: NOT_SUPPORTED. */
    enum tcpip_error (*freeze)(struct tcpip_endpoint *, bool frozen);
};

/* The base of every endpoint; a protocol's struct embeds it first. Fields are the stack's unless said otherwise. */
struct tcpip_endpoint {
    const struct tcpip_endpoint_ops *ops;
    struct tcpip_stack *stack;
    void *context;
    struct tcpip_list_node all;     /* every endpoint of the stack */
    struct tcpip_list_node dirty;   /* flush me */
    struct tcpip_list_node notify;  /* tell my waiters */
    struct tcpip_list_node ready;   /* report me in tcpip_stack_ready */
    struct tcpip_list_node waiters; /* list head */
    struct error_queue *errors;     /* NULL: never had any */
    uint32_t pending;               /* events that recurred in this turn */
    uint32_t watch_mask;
    uint32_t id;         /* for traces: counted from 1 */
    uint32_t network;    /* the protocol's: TCPIP_PROTOCOL_IPV4 or _IPV6 */
    uint8_t transport;   /* the protocol's */
    bool closed_by_user; /* the pointer is gone for the application */
    bool memory_lost;    /* with it went bytes that were still to be sent: without memory to copy them */
};

TCPIP_END_DECLS

#endif
