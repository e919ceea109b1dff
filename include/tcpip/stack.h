// SPDX-License-Identifier: MIT
/* stack.h: a stack, its NICs, addresses and routes; turns, time, statistics.
 *
 * One thread at a time enters a stack. Every function here that takes a non-const stack or NIC is an entry. */
#ifndef TCPIP_STACK_H
#define TCPIP_STACK_H

#include <tcpip/address.h>
#include <tcpip/env.h>
#include <tcpip/error.h>
#include <tcpip/link.h>
#include <tcpip/option.h>
#include <tcpip/packet.h>
#include <tcpip/stats.h>

TCPIP_BEGIN_DECLS

struct tcpip_stack;
struct tcpip_nic;
struct tcpip_endpoint;
struct tcpip_network_protocol;   /* protocol.h */
struct tcpip_transport_protocol; /* protocol.h */

/* The protocols of this library; what a program doesn't name isn't linked. */
TCPIP_API extern const struct tcpip_network_protocol tcpip_ipv4; /* with ICMP */
TCPIP_API extern const struct tcpip_network_protocol tcpip_ipv6; /* with ICMPv6 and neighbour discovery */
TCPIP_API extern const struct tcpip_network_protocol tcpip_arp;
TCPIP_API extern const struct tcpip_transport_protocol tcpip_tcp;
TCPIP_API extern const struct tcpip_transport_protocol tcpip_udp;
TCPIP_API extern const struct tcpip_transport_protocol tcpip_icmpv4; /* ping endpoints */
TCPIP_API extern const struct tcpip_transport_protocol tcpip_icmpv6; /* ping endpoints */
TCPIP_API extern const struct tcpip_transport_protocol tcpip_unix;   /* unix.h; never on a wire */

struct tcpip_protocols {
    const struct tcpip_network_protocol *const *network; /* NULL-terminated */
    const struct tcpip_transport_protocol *const *transport;
};
/* All of the above. */
TCPIP_API extern const struct tcpip_protocols tcpip_protocols_all;

/* ---- life ---- */

/* limits NULL: the DEFAULT preset. NO_MEMORY; INVALID_ARGUMENT: a callback of env is missing. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_new(const struct tcpip_env *env,
                                                          const struct tcpip_limits *limits,
                                                          const struct tcpip_protocols *protocols,
                                                          struct tcpip_stack **out);
/* Ends everything: connections are aborted without a word, links detached (they stay the caller's), packets freed.
 * Endpoints not closed are freed too. Not inside a turn; lent views must be back. */
TCPIP_API void tcpip_stack_free(struct tcpip_stack *stack);

/* ---- turns and time ---- */

/* Opens a turn, or joins the open one; nests. Endpoints are flushed and waiters run once, at the outermost leave. */
TCPIP_API void tcpip_stack_enter(struct tcpip_stack *stack);
/* The same with the caller's own reading of the clock, used for the whole turn. */
TCPIP_API void tcpip_stack_enter_at(struct tcpip_stack *stack, tcpip_ns now);
/* Ends the bracket. At the outermost one callbacks run, which may close any endpoint. */
TCPIP_API void tcpip_stack_leave(struct tcpip_stack *stack);
/* Fires due timers and works off what earlier turns left, at most `budget` units (0: limits.turn_budget). True: more is
 * due, call again. */
TCPIP_API bool tcpip_stack_advance(struct tcpip_stack *stack, uint32_t budget);
/* When advance is needed next: an instant, in the past if work is left over, or TCPIP_NEVER. */
TCPIP_API tcpip_ns tcpip_stack_deadline(const struct tcpip_stack *stack);
/* The turn's instant, or env.now() outside one. */
TCPIP_API tcpip_ns tcpip_stack_now(struct tcpip_stack *stack);

struct tcpip_ready {
    struct tcpip_endpoint *endpoint;
    uint32_t events;
};
/* Beside waiters: endpoints marked with tcpip_endpoint_watch whose readiness recurred since they were last reported;
 * fills up to n, returns how many. */
TCPIP_API uint32_t tcpip_stack_ready(struct tcpip_stack *stack, struct tcpip_ready *out, uint32_t n);
/* Puts an endpoint under tcpip_stack_ready with this mask; 0 ends it. */
TCPIP_API void tcpip_endpoint_watch(struct tcpip_endpoint *endpoint, uint32_t mask);

/* ---- NICs ---- */

struct tcpip_nic_options {
    size_t size;
    const char *name; /* at most 15 characters, copied; may be NULL */
    bool disabled;    /* created down */
    uint32_t queue;   /* which of the interface's queues, or which shard's, this is (INCOMING_QUEUE) */
    /* The link went down or up (a descriptor failed or hung up, ...); at the end of a turn; may enter; may be NULL. */
    void (*on_state)(void *ctx, struct tcpip_nic *nic, bool up, enum tcpip_error error);
    void *ctx;
};
/* Attaches `link` under a new NIC with this id (not 0). The link stays the caller's and must outlive the NIC.
 * DUPLICATE_NIC_ID, BAD_LINK_ENDPOINT (attached already, or its attach failed), LIMIT_REACHED, NO_MEMORY. options may
 * be NULL. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_create_nic(struct tcpip_stack *stack, uint32_t id,
                                                                 struct tcpip_link *link,
                                                                 const struct tcpip_nic_options *options);
/* UNKNOWN_NIC_ID for all of these. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_enable_nic(struct tcpip_stack *stack, uint32_t id);
/* Neighbours of the NIC are forgotten, what is queued is offered to the link once more and then lost. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_disable_nic(struct tcpip_stack *stack, uint32_t id);
/* Detaches the link; addresses, routes and neighbours of the NIC go with it; connections through it time out as they
 * would. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_remove_nic(struct tcpip_stack *stack, uint32_t id);
/* Accept packets for any address. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_set_promiscuous(struct tcpip_stack *stack, uint32_t id, bool on);
/* Send from any address. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_set_spoofing(struct tcpip_stack *stack, uint32_t id, bool on);
/* Overrides the link's MTU for IP, 68 (1280 for IPv6 to work) up to the link's. INVALID_ARGUMENT. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_set_nic_mtu(struct tcpip_stack *stack, uint32_t id, uint32_t mtu);
/* NULL: none. The pointer is good until the NIC is removed. */
TCPIP_API struct tcpip_nic *tcpip_stack_nic(const struct tcpip_stack *stack, uint32_t id);
/* As given to tcpip_stack_create_nic. */
TCPIP_API uint32_t tcpip_nic_id(const struct tcpip_nic *nic);
/* As given, or "nic7"; good until the NIC is removed. */
TCPIP_API const char *tcpip_nic_name(const struct tcpip_nic *nic);
/* The stack that it is in. */
TCPIP_API struct tcpip_stack *tcpip_nic_stack(const struct tcpip_nic *nic);

struct tcpip_nic_info {
    uint32_t id, mtu, flags; /* enum tcpip_link_flags */
    const char *name;
    bool enabled, link_up, promiscuous, spoofing;
    struct tcpip_link_address link_address;
    struct tcpip_stats_nic stats;
};
/* A snapshot; `name` is good until the NIC is removed. UNKNOWN_NIC_ID. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_nic_info(const struct tcpip_stack *stack, uint32_t id,
                                                               struct tcpip_nic_info *out);

/* ---- addresses ---- */

enum tcpip_address_flags {
    TCPIP_ADDRESS_DEPRECATED = 1 << 0, /* source of existing connections only (RFC 6724 rule 3) */
    TCPIP_ADDRESS_TEMPORARY = 1 << 1,  /* RFC 8981, preferred as source (rule 7) */
    TCPIP_ADDRESS_NO_DAD = 1 << 2,     /* IPv6: use at once */
    TCPIP_ADDRESS_TENTATIVE = 1 << 3,  /* reported: duplicate address detection runs */
    TCPIP_ADDRESS_DUPLICATE = 1 << 4,  /* reported: DAD failed */
};
struct tcpip_address_properties {
    size_t size;
    uint32_t flags;
};
/* `prefix.bits` is the on-link prefix (it makes no route by itself). The first of a protocol is the primary. properties
 * may be NULL. UNKNOWN_NIC_ID, DUPLICATE_ADDRESS (on this NIC), UNKNOWN_PROTOCOL, BAD_ADDRESS (unspecified, multicast,
 * broadcast, IPv4-mapped), INVALID_ARGUMENT (prefix longer than the address), LIMIT_REACHED, NO_MEMORY. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_add_address(struct tcpip_stack *stack, uint32_t nic,
                                                                  const struct tcpip_prefix *prefix,
                                                                  const struct tcpip_address_properties *properties);
/* BAD_LOCAL_ADDRESS: not there. Connections from it keep their packets flowing only while the stack spoofs. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_remove_address(struct tcpip_stack *stack, uint32_t nic,
                                                                     const struct tcpip_address *address);
/* Changes the flags DEPRECATED and TEMPORARY. BAD_LOCAL_ADDRESS. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_set_address_flags(struct tcpip_stack *stack, uint32_t nic,
                                                                        const struct tcpip_address *address,
                                                                        uint32_t flags);
/* The NIC (nic 0: any) that has this address assigned; 0: none. */
TCPIP_API uint32_t tcpip_stack_check_local_address(const struct tcpip_stack *stack, uint32_t nic,
                                                   const struct tcpip_address *address);
struct tcpip_assigned_address {
    uint32_t nic;
    struct tcpip_prefix prefix;
    uint32_t flags;
};
/* Fills up to n; returns how many there are. */
TCPIP_API size_t tcpip_stack_addresses(const struct tcpip_stack *stack, struct tcpip_assigned_address *out, size_t n);

/* ---- routes ---- */

/* destination of length 0 matches nothing. gateway.len 0: on link. */
struct tcpip_route_entry {
    struct tcpip_prefix destination;
    struct tcpip_address gateway;
    uint32_t nic;
    uint32_t mtu;    /* 0: the NIC's */
    uint16_t advmss; /* the MSS that TCP announces at most, without options (RFC 6691); 0: what the MTU leaves */
};
enum tcpip_route_order {
    TCPIP_ROUTE_FIRST_MATCH,    /* rows in order, the first that matches wins (the original package's rule; default) */
    TCPIP_ROUTE_LONGEST_PREFIX, /* the longest prefix wins, then order */
};
/* Replaces the table; the array is copied. LIMIT_REACHED, NO_MEMORY, UNKNOWN_NIC_ID, INVALID_ARGUMENT: table unchanged.
 */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_set_route_table(struct tcpip_stack *stack,
                                                                      const struct tcpip_route_entry *rows, size_t n,
                                                                      enum tcpip_route_order order);
/* Adds a row at the end. The same errors. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_add_route(struct tcpip_stack *stack,
                                                                const struct tcpip_route_entry *row);
struct tcpip_found_route {
    uint32_t nic, mtu;
    struct tcpip_address local, next_hop; /* next_hop: the gateway, or the destination when on link */
};
/* How a packet to `remote` would go; local may be NULL or unspecified (chosen by RFC 6724), nic 0: any. NO_ROUTE,
 * BAD_LOCAL_ADDRESS. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_find_route(struct tcpip_stack *stack, uint32_t nic,
                                                                 const struct tcpip_address *local,
                                                                 const struct tcpip_address *remote,
                                                                 struct tcpip_found_route *out);

/* ---- path MTUs ---- */

/* What is known of the path to a destination (RFC 1191, RFC 8201, RFC 4821); at limits.path_mtus the one that was not
 * used for longest goes. */
struct tcpip_path_mtu {
    struct tcpip_address destination;
    uint32_t nic;        /* of a link-local destination; else 0 */
    uint32_t mtu;        /* told: 0: no limit is known, and `proven` is all there is */
    uint32_t proven;     /* bytes of the largest packet that was seen to arrive, by who probed; 0: nobody did */
    tcpip_ns expires_at; /* set: 0: PATH_MTU_LIFETIME from now; TCPIP_NEVER: as long as there is room */
    bool probed;         /* found by probing: routers on the path keep silent */
    bool narrow;         /* a link on it carries less than we believe: packets go without don't-fragment */
};
/* Fills up to n, the latest used last; returns how many there are. */
TCPIP_API size_t tcpip_stack_path_mtus(struct tcpip_stack *stack, struct tcpip_path_mtu *out, size_t n);
/* Makes or replaces an entry. BAD_ADDRESS: unspecified or multicast; UNKNOWN_NIC_ID: of a link-local destination;
 * INVALID_ARGUMENT: under 552 (IPv4) or 1280 (IPv6), or proven over mtu; NO_MEMORY. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_set_path_mtu(struct tcpip_stack *stack,
                                                                   const struct tcpip_path_mtu *row);
/* The path is tried with the link's MTU again. destination NULL: all paths are. BAD_ADDRESS: there is no entry. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_remove_path_mtu(struct tcpip_stack *stack, uint32_t nic,
                                                                      const struct tcpip_address *destination);

/* ---- neighbours (ARP and NDP) ---- */

/* A static entry; it survives disabling the NIC. UNKNOWN_NIC_ID; NOT_SUPPORTED: the link has no addresses; BAD_ADDRESS:
 * unspecified or multicast; INVALID_ARGUMENT: `link` is empty; NO_MEMORY. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_add_static_neighbor(struct tcpip_stack *stack, uint32_t nic,
                                                                          const struct tcpip_address *address,
                                                                          const struct tcpip_link_address *link);
/* BAD_ADDRESS: not there. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_remove_neighbor(struct tcpip_stack *stack, uint32_t nic,
                                                                      const struct tcpip_address *address);
/* RFC 4861 7.3.2, and STATIC. */
enum tcpip_neighbor_state {
    TCPIP_NEIGHBOR_INCOMPLETE,
    TCPIP_NEIGHBOR_REACHABLE,
    TCPIP_NEIGHBOR_STALE,
    TCPIP_NEIGHBOR_DELAY,
    TCPIP_NEIGHBOR_PROBE,
    TCPIP_NEIGHBOR_UNREACHABLE,
    TCPIP_NEIGHBOR_STATIC,
};
struct tcpip_neighbor {
    uint32_t nic;
    struct tcpip_address address;
    struct tcpip_link_address link;
    enum tcpip_neighbor_state state;
    tcpip_ns updated_at;
};
/* Fills up to n; returns how many there are. */
TCPIP_API size_t tcpip_stack_neighbors(const struct tcpip_stack *stack, struct tcpip_neighbor *out, size_t n);

/* ---- the rest ---- */

/* A stack-wide default of an option, for every endpoint that has no value of its own, from now on.
 * UNKNOWN_PROTOCOL_OPTION: no such option, or it can only be read; INVALID_OPTION_VALUE. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_set_default(struct tcpip_stack *stack, enum tcpip_option option,
                                                                  int64_t value);
/* Its value now. */
TCPIP_API int64_t tcpip_stack_default(const struct tcpip_stack *stack, enum tcpip_option option);
/* Ephemeral ports, inclusive; default 32768 to 60999. INVALID_ARGUMENT. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_set_port_range(struct tcpip_stack *stack, uint16_t first,
                                                                     uint16_t last);
/* Takes (returns true) or leaves a packet that no endpoint wants, before the unknown-destination answer. Inside a turn.
 * NULL ends it. UNKNOWN_PROTOCOL. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error
tcpip_stack_set_transport_handler(struct tcpip_stack *stack, uint32_t transport,
                                  bool (*handler)(void *ctx, struct tcpip_nic *nic, struct tcpip_packet *packet),
                                  void *ctx);
/* A snapshot. */
TCPIP_API void tcpip_stack_stats(const struct tcpip_stack *stack, struct tcpip_stats *out);
/* Gives memory that pools hold and don't use back to env. */
TCPIP_API void tcpip_stack_trim(struct tcpip_stack *stack);
/* For drivers without struct tcpip_link: inbound packets of a NIC; takes all. */
TCPIP_API void tcpip_nic_deliver(struct tcpip_nic *nic, struct tcpip_packet_list *packets);
/* The NIC's link can take packets again. */
TCPIP_API void tcpip_nic_tx_ready(struct tcpip_nic *nic);

TCPIP_END_DECLS

#endif
