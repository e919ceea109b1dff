// SPDX-License-Identifier: MIT
/* stack.h: the stack inside. What a protocol may use of it is declared here and in nic.h, route.h, neighbor.h, demux.h.
 */
#ifndef TCPIP_SRC_STACK_STACK_H
#define TCPIP_SRC_STACK_STACK_H

#include "base/assert.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/siphash.h"
#include "base/timer.h"
#include "buffer/pools.h"
#include "waiter/waiter.h"
#include <tcpip/header/checksum.h>
#include <tcpip/ports.h>
#include <tcpip/protocol.h>
#include <tcpip/shard.h>
#include <tcpip/stack.h>

enum {
    STACK_NETWORK_PROTOCOLS_MAX = 4,
    STACK_TRANSPORT_PROTOCOLS_MAX = 8,
    STACK_CONGESTION_MAX = 16,
};

struct transport_slot {
    const struct tcpip_transport_protocol *ops;
    void *state;
    uint8_t number; /* ops->number, without going there */
    bool (*handler)(void *ctx, struct tcpip_nic *nic, struct tcpip_packet *packet);
    void *handler_ctx;
};

struct network_slot {
    const struct tcpip_network_protocol *ops;
    void *state;
    uint32_t number; /* ops->number, without going there */
};

/* Something to run at the end of the turn, outside protocol code; may enter the stack. Zeroed: not queued. */
struct deferred {
    struct tcpip_list_node node;
    void (*fn)(struct deferred *deferred);
};

struct address_table;
struct route_table;
struct pmtu_table;
struct demux;
struct tcpip_port_manager;
struct neighbor_table;

struct tcpip_stack {
    struct tcpip_env env;
    struct tcpip_limits limits;
    struct memory memory;
    struct tcpip_buffer_pools buffers;
    struct tcpip_packet_pool packets;
    struct timer_wheel timers;
    tcpip_ns clock_ahead_ns;   /* of the clock that peers see: a restored stack goes on where the saved one was */
    struct rng rng;            /* seeded from env.random: jitter and table keys, not secrets on the wire */
    struct siphash_key secret; /* ISNs, ports, timestamp offsets, cookies, flow labels, IP IDs */
    const struct tcpip_checksum_ops *checksum;

    /* the turn */
    tcpip_ns now;
    uint32_t depth;       /* nesting of enter */
    uint32_t in_callback; /* how many callbacks that may not enter are running, one inside the other */
    bool now_known;
    bool flushing; /* the outermost leave is at work */
    bool ending;   /* tcpip_stack_free is at work: no waiter runs, nothing is queued */
    uint32_t budget_left;
    struct list dirty, notify, deferred, ready;
    struct list tx_nics;           /* NICs with packets to hand to their link */
    struct tcpip_packet_list loop; /* to ourselves, or delivered by a link inside transmit: comes in in this turn */
    struct waiter_dispatch waiters;

    struct list nics; /* in the order of creation */
    uint32_t nic_count, nic_births;
    struct list endpoints;
    uint32_t endpoint_count, endpoint_ids;

    struct network_slot network[STACK_NETWORK_PROTOCOLS_MAX];
    struct transport_slot transport[STACK_TRANSPORT_PROTOCOLS_MAX];
    uint32_t network_count, transport_count;

    struct address_table *addresses;
    struct route_table *routes;
    struct pmtu_table *pmtu;
    struct demux *demux;
    struct tcpip_port_manager *ports;
    struct neighbor_table *neighbors;
    struct tcpip_shards shards; /* count 0: it is the only one */
    uint32_t shard;             /* of them, this is */
    uint32_t route_generation;  /* bumped by every change of NICs, addresses, routes */

    const struct tcpip_congestion_ops *congestion[STACK_CONGESTION_MAX];
    uint32_t congestion_count, congestion_default;

    int64_t defaults[TCPIP_OPTION_COUNT];
    struct tcpip_stats stats;
};

/* The turn's instant; reads the clock at the first call of a turn. env.now is called here only. */
tcpip_ns tcpip__stack_now(struct tcpip_stack *stack);
/* The same, for who asks for each packet. */
static inline tcpip_ns stack_now(struct tcpip_stack *stack)
{
    return likely(stack->now_known) ? stack->now : tcpip__stack_now(stack);
}
void *tcpip__stack_transport_state(struct tcpip_stack *stack, uint8_t number);
void *tcpip__stack_network_state(struct tcpip_stack *stack, uint32_t number);
/* NULL: not registered. */
const struct tcpip_network_protocol *tcpip__stack_network(const struct tcpip_stack *stack, uint32_t number);
const struct tcpip_transport_protocol *tcpip__stack_transport(const struct tcpip_stack *stack, uint8_t number);
/* Queues for the end of the turn, once. */
void tcpip__stack_defer(struct tcpip_stack *stack, struct deferred *deferred);
/* How near the limit of memory is: 0: there is plenty; then 1 at three quarters of it, 2 at 7/8, 3 at 15/16. */
static inline uint32_t stack_memory_pressure(const struct tcpip_stack *stack)
{
    uint64_t used = stack->memory.used_bytes, limit = stack->limits.memory_bytes;
    if (likely(used <= limit / 4 * 3))
        return 0;
    return used <= limit / 8 * 7 ? 1 : used <= limit / 16 * 15 ? 2 : 3;
}

/* What a buffer of `bytes` is worth while memory is short: half of it, a quarter, an eighth, but `least` bytes, with
 * which its owner goes on. */
static inline uint32_t stack_lean_buffer(const struct tcpip_stack *stack, uint32_t bytes, uint32_t least)
{
    uint32_t pressure = stack_memory_pressure(stack), lean = bytes >> pressure;
    return likely(pressure == 0) || bytes <= least ? bytes : lean > least ? lean : least;
}
/* Brackets a callback that may not enter the stack. */
static inline void stack_callback_begin(struct tcpip_stack *stack)
{
    stack->in_callback++;
}
static inline void stack_callback_end(struct tcpip_stack *stack)
{
    stack->in_callback--;
}

static inline void stack_timer_set(struct tcpip_stack *stack, struct tcpip_timer *timer, tcpip_ns at)
{
    tcpip__timer_set(&stack->timers, timer, at);
}
static inline void stack_timer_cancel(struct tcpip_stack *stack, struct tcpip_timer *timer)
{
    tcpip__timer_cancel(&stack->timers, timer);
}

/* Hands an event to env.trace. Use EVENT: it costs one test when nobody listens. */
void tcpip__stack_event(struct tcpip_stack *stack, enum tcpip_event_kind kind, uint32_t endpoint, uint64_t a,
                        uint64_t b, uint64_t c, uint64_t d);
#define EVENT(stack, kind, endpoint, a, b, c, d)                                                                     \
    do {                                                                                                             \
        if (unlikely((stack)->env.trace != NULL))                                                                    \
            tcpip__stack_event((stack), TCPIP_EVENT_##kind, (endpoint), (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), \
                               (uint64_t)(d));                                                                       \
    } while (0)

/* The same for PACKET_IN, PACKET_OUT and PACKET_DROP, with the packet's front; `reason` of a drop. */
void tcpip__stack_packet_event(struct tcpip_stack *stack, enum tcpip_event_kind kind, const struct tcpip_packet *packet,
                               enum tcpip_drop reason);

/* ---- counters (stats.c) ---- */

struct archive;
/* Saved and restored (base/archive.h), by name; what counts what there is now stays. */
void tcpip__stats_archive(struct archive *archive, struct tcpip_stats *stats);
void tcpip__stats_nic_archive(struct archive *archive, struct tcpip_stats_nic *stats);

/* ---- options (option.c), congestion controllers (congestion.c) ---- */

void tcpip__option_defaults(int64_t *values);
/* UNKNOWN_PROTOCOL_OPTION: there is no such option, or it is only read; INVALID_OPTION_VALUE. */
must_use enum tcpip_error tcpip__option_valid(enum tcpip_option option, int64_t value);
/* NULL: not registered. */
const struct tcpip_congestion_ops *tcpip__congestion_find(const struct tcpip_stack *stack, const char *name);
/* NULL: none is registered. */
const struct tcpip_congestion_ops *tcpip__congestion_default(const struct tcpip_stack *stack);

/* ---- endpoints (endpoint.c) ---- */

/* Base part of a new endpoint: id, lists. NO_BUFFER_SPACE at the limit. */
must_use enum tcpip_error tcpip__endpoint_init(struct tcpip_endpoint *endpoint, struct tcpip_stack *stack,
                                               const struct tcpip_endpoint_ops *ops, uint8_t transport,
                                               uint32_t network);
/* Off every list; waiters are forgotten. The protocol frees the memory. */
void tcpip__endpoint_fini(struct tcpip_endpoint *endpoint);
/* The application has closed it: no waiter will run; the protocol may go on with it. */
void tcpip__endpoint_detach(struct tcpip_endpoint *endpoint);
/* Flush at the end of the turn. */
static inline void endpoint_mark_dirty(struct tcpip_endpoint *endpoint)
{
    if (!list_node_linked(&endpoint->dirty))
        list_push_back(&endpoint->stack->dirty, &endpoint->dirty);
}
/* Waiters whose mask meets `events` (ERR and HUP always) hear at the end of the turn; tcpip_stack_ready reports it. Who
 * registers later checks readiness, so nothing is kept for nobody. */
static inline void endpoint_notify(struct tcpip_endpoint *endpoint, uint32_t events)
{
    if (endpoint->closed_by_user)
        return;
    if (endpoint->waiters.next != &endpoint->waiters) {
        endpoint->pending |= events;
        if (!list_node_linked(&endpoint->notify))
            list_push_back(&endpoint->stack->notify, &endpoint->notify);
    }
    if (endpoint->watch_mask != 0 && (events & (endpoint->watch_mask | WAITER_ALWAYS)) != 0 &&
        !list_node_linked(&endpoint->ready))
        list_push_back(&endpoint->stack->ready, &endpoint->ready);
}

/* ---- the way up (deliver.c) ---- */

/* A packet with packet->nic, link_protocol and at set: to its network protocol. Takes it. */
void tcpip__network_deliver(struct tcpip_packet *packet);
/* A whole, local packet with packet->network filled in and transport_offset set: to its transport protocol. Takes it.
 */
void tcpip__transport_deliver(struct tcpip_nic *nic, struct tcpip_packet *packet);
/* Offers a packet that no endpoint wants to the protocol's default handler; true: taken. */
bool tcpip__transport_handler(struct tcpip_stack *stack, struct tcpip_packet *packet);
/* An ICMP error about a packet of ours: to its transport protocol. */
void tcpip__transport_error(struct tcpip_stack *stack, const struct tcpip_icmp_error *error);
/* Answers an inbound packet with an ICMP error, through its network protocol. */
void tcpip__send_icmp_error(const struct tcpip_packet *packet, enum tcpip_icmp_kind kind, uint32_t value);

#endif
