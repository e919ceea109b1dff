// SPDX-License-Identifier: MIT
/* demux.c: whose a transport packet is.
 *
 * Connected flows are in one hash table, by addresses and ports; the NIC is no part of the key but is compared (a flow
 * bound to a NIC, or of link-local addresses, is found there only). Before the table the entry found last for such
 * ports is asked: packets come in trains, and a train then costs one comparison per packet, also where two trains meet.
 * An entry whose ports are others isn't even looked at.
 *
 * Listeners are in another table by (transport, port, address), with all-zero for any address: two probes answer for
 * any number of them. Those with equal keys (bound to different NICs, sharing a port) hang in a ring, of which one
 * node, the leader, is in the table: a thousand equal keys in one hash chain would look like an attack, and the ring
 * keeps them in the order of registration, which a hash chain doesn't. Among equal sharers a flow goes to the one with
 * the greatest mix(flow, listener): every flow has its own order of preference, so that when one sharer leaves only its
 * own flows move.
 *
 * Owns:        both tables and the order of registration.
 * Invariants:  recent entries are NULL or linked; the leader of a ring is the first registered of it.
 * Not here:    who may bind (ports/ports.c), what a flow leads to (each protocol). */
#include "stack/demux.h"

#include "base/archive.h"

#include <stdalign.h>

/* What a flow is found by: all of struct flow before the NIC, which has no padding. */
enum { FLOW_KEY_BYTES = offsetof(struct flow, nic) };
STATIC_ASSERT(FLOW_KEY_BYTES == 36 && sizeof(struct flow) == 40);

enum { DEMUX_RECENT = 16 };

/* The flow that was found last of those with like ports. */
struct demux_recent {
    struct demux_entry *entry; /* NULL: none */
    uint16_t local_port, remote_port;
};

struct demux {
    struct hash_table flows;
    struct hash_table listeners;
    struct demux_recent recent[DEMUX_RECENT];
    uint64_t registrations;
};

/* ---- flows ---- */

static uint32_t demux_flow_hash(const struct hash_key *key, const struct flow *flow)
{
    return tcpip__hash_bytes(key, flow, FLOW_KEY_BYTES);
}

static uint32_t demux_entry_hash(const struct hash_key *key, const struct hash_node *node)
{
    return demux_flow_hash(key, &hash_entry(node, struct demux_entry, node)->flow);
}

static const struct hash_table_ops demux_entry_ops = {.hash = demux_entry_hash};

static bool demux_entry_matches(const struct demux_entry *entry, uint8_t transport, const struct flow *flow,
                                uint32_t nic_id)
{
    return entry->node.number == transport && memcmp(&entry->flow, flow, FLOW_KEY_BYTES) == 0 &&
           (entry->flow.nic == 0 || entry->flow.nic == nic_id);
}

/* Of the two directions of a connection to ourselves, two different ones. */
static struct demux_recent *demux_recent(struct demux *demux, const struct flow *flow)
{
    uint32_t ports = (uint32_t)(flow->local_port ^ flow->remote_port) % (DEMUX_RECENT / 2);
    return &demux->recent[2 * ports + (flow->local_port > flow->remote_port)];
}

struct demux_entry *tcpip__demux_find(struct tcpip_stack *stack, uint8_t transport, const struct flow *flow,
                                      uint32_t nic_id)
{
    struct demux *demux = stack->demux;
    struct demux_recent *recent = demux_recent(demux, flow);
    if (recent->local_port == flow->local_port && recent->remote_port == flow->remote_port && recent->entry != NULL &&
        demux_entry_matches(recent->entry, transport, flow, nic_id))
        return recent->entry;
    uint32_t hash = demux_flow_hash(&demux->flows.key, flow);
    hash_table_for_each(node, &demux->flows, hash)
    {
        struct demux_entry *entry = hash_entry(node, struct demux_entry, node);
        if (node->hash == hash && demux_entry_matches(entry, transport, flow, nic_id)) {
            *recent = (struct demux_recent){entry, flow->local_port, flow->remote_port};
            return entry;
        }
    }
    return NULL;
}

/* Two entries are one too many if a packet could mean both: the same key, and no two different NICs. */
static bool demux_flow_taken(const struct demux *demux, const struct demux_entry *wanted, uint32_t hash)
{
    hash_table_for_each(node, &demux->flows, hash)
    {
        const struct demux_entry *entry = hash_entry(node, struct demux_entry, node);
        if (node->hash == hash && entry->node.number == wanted->node.number &&
            memcmp(&entry->flow, &wanted->flow, FLOW_KEY_BYTES) == 0 &&
            (entry->flow.nic == 0 || wanted->flow.nic == 0 || entry->flow.nic == wanted->flow.nic))
            return true;
    }
    return false;
}

enum tcpip_error tcpip__demux_insert(struct tcpip_stack *stack, struct demux_entry *entry)
{
    struct hash_table *flows = &stack->demux->flows;
    uint32_t hash = demux_flow_hash(&flows->key, &entry->flow);
    ASSERT_ENV(&stack->env, !entry->node.linked);
    if (demux_flow_taken(stack->demux, entry, hash))
        return TCPIP_ERR_PORT_IN_USE;
    tcpip__hash_table_insert(flows, &entry->node, hash);
    return TCPIP_OK;
}

void tcpip__demux_remove(struct tcpip_stack *stack, struct demux_entry *entry)
{
    struct demux *demux = stack->demux;
    ASSERT_ENV(&stack->env, entry->node.linked);
    struct demux_recent *recent = demux_recent(demux, &entry->flow);
    if (recent->entry == entry)
        recent->entry = NULL;
    tcpip__hash_table_remove(&demux->flows, &entry->node);
}

void tcpip__demux_replace(struct tcpip_stack *stack, struct demux_entry *entry, struct demux_entry *with)
{
    struct hash_table *flows = &stack->demux->flows;
    ASSERT_ENV(&stack->env, !with->node.linked);
    tcpip__demux_remove(stack, entry);
    with->flow = entry->flow;
    with->node.number = entry->node.number;
    tcpip__hash_table_insert(flows, &with->node, demux_flow_hash(&flows->key, &with->flow));
}

/* ---- listeners ---- */

struct listener_key {
    uint8_t local[16];
    uint16_t port;
    uint8_t transport;
    uint8_t zero;
};
STATIC_ASSERT(sizeof(struct listener_key) == 20);

static uint32_t listener_hash(const struct hash_key *key, uint8_t transport, const uint8_t *local, uint16_t port)
{
    struct listener_key bytes = {.port = port, .transport = transport};
    memcpy(bytes.local, local, 16);
    return tcpip__hash_bytes(key, &bytes, sizeof(bytes));
}

static uint32_t listener_node_hash(const struct hash_key *key, const struct hash_node *node)
{
    const struct demux_listener *listener = hash_entry(node, struct demux_listener, node);
    return listener_hash(key, listener->transport, listener->local, listener->port);
}

static const struct hash_table_ops listener_ops = {.hash = listener_node_hash};
static const uint8_t listener_any[16];

/* The leader of the ring of this key; NULL: nobody listens there. */
static struct demux_listener *listener_leader(const struct demux *demux, uint8_t transport, const uint8_t *local,
                                              uint16_t port)
{
    uint32_t hash = listener_hash(&demux->listeners.key, transport, local, port);
    hash_table_for_each(node, &demux->listeners, hash)
    {
        struct demux_listener *listener = hash_entry(node, struct demux_listener, node);
        if (node->hash == hash && listener->port == port && listener->transport == transport &&
            memcmp(listener->local, local, 16) == 0)
            return listener;
    }
    return NULL;
}

static void listener_lead(struct demux *demux, struct demux_listener *listener)
{
    tcpip__hash_table_insert(&demux->listeners, &listener->node,
                             listener_node_hash(&demux->listeners.key, &listener->node));
}

void tcpip__demux_listen(struct tcpip_stack *stack, struct demux_listener *listener)
{
    struct demux *demux = stack->demux;
    ASSERT_ENV(&stack->env, !listener->linked);
    if (address_is_zero(listener->local)) /* 0.0.0.0 as well: v4 and v6 say which families it takes */
        memset(listener->local, 0, 16);
    struct demux_listener *leader = listener_leader(demux, listener->transport, listener->local, listener->port);
    listener->order = ++demux->registrations;
    listener->linked = true;
    list_node_init(&listener->ring);
    if (leader != NULL) {
        list_insert_before(&leader->ring, &listener->ring);
        return;
    }
    listener->ring.next = listener->ring.prev = &listener->ring;
    listener_lead(demux, listener);
}

void tcpip__demux_unlisten(struct tcpip_stack *stack, struct demux_listener *listener)
{
    struct demux *demux = stack->demux;
    struct tcpip_list_node *heir = listener->ring.next;
    ASSERT_ENV(&stack->env, listener->linked);
    bool leads = listener_leader(demux, listener->transport, listener->local, listener->port) == listener;
    listener->linked = false;
    if (leads)
        tcpip__hash_table_remove(&demux->listeners, &listener->node);
    list_remove(&listener->ring);
    if (leads && heir != &listener->ring)
        listener_lead(demux, container_of(heir, struct demux_listener, ring));
}

static bool listener_takes(const struct demux_listener *listener, bool v4, uint32_t nic_id)
{
    return (v4 ? listener->v4 : listener->v6) && (listener->nic == 0 || listener->nic == nic_id);
}

/* Bound to a NIC before bound to none; then one family before both (an IPv4 wildcard before a dual one). */
static uint32_t listener_score(const struct demux_listener *listener)
{
    return (listener->nic != 0 ? 2u : 0u) + (listener->v4 != listener->v6 ? 1u : 0u);
}

/* What a flow thinks of a sharer. */
static uint64_t listener_weight(const struct demux_listener *listener, uint64_t flow_hash)
{
    uint64_t mixed = flow_hash ^ listener->order * 0x9e3779b97f4a7c15u;
    return splitmix64(&mixed);
}

/* Who asks for a listener. */
struct listener_query {
    struct tcpip_stack *stack;
    const struct flow *flow;
    const struct tcpip_nic *nic; /* NULL: not known; then nic_id counts */
    uint32_t nic_id;
    bool v4;
    uint64_t (*hash_of)(struct tcpip_stack *stack, const struct flow *flow); /* NULL: `hash` is it */
    uint64_t hash;
};

/* For who has a choice. */
static uint64_t listener_flow_hash(struct listener_query *query)
{
    if (query->hash_of != NULL)
        query->hash = query->hash_of(query->stack, query->flow);
    query->hash_of = NULL;
    return query->hash;
}

/* Of two with the same score. */
static bool listener_better(const struct demux_listener *listener, const struct demux_listener *best,
                            struct listener_query *query)
{
    if (!listener->reuse_port || !best->reuse_port)
        return true; /* the latest */
    if (query->nic != NULL) {
        bool here = listener->wants_queue && listener->queue == query->nic->queue;
        bool there = best->wants_queue && best->queue == query->nic->queue;
        if (here != there)
            return here;
    }
    uint64_t hash = listener_flow_hash(query);
    return listener_weight(listener, hash) > listener_weight(best, hash);
}

/* Is it one of the group that `best` is of? */
static bool listener_shares(const struct demux_listener *listener, const struct demux_listener *best,
                            const struct listener_query *query)
{
    return listener->reuse_port && listener_takes(listener, query->v4, query->nic_id) &&
           listener_score(listener) == listener_score(best);
}

/* The member that the group's steering wants; `best` if it doesn't mind. */
static struct demux_listener *listener_steer(struct demux_listener *leader, struct demux_listener *best,
                                             struct listener_query *query)
{
    const struct demux_listener *steering = NULL;
    const struct flow *flow = query->flow;
    struct tcpip_steering packet = {
        .nic = query->nic_id, .queue = query->nic->queue, .hash = listener_flow_hash(query)};
    struct demux_listener *listener = leader;
    do {
        if (listener_shares(listener, best, query)) {
            packet.members++;
            steering = listener->choose != NULL ? listener : steering;
        }
        listener = container_of(listener->ring.next, struct demux_listener, ring);
    } while (listener != leader);
    if (steering == NULL)
        return best;
    packet.local = (struct tcpip_full_address){.address = address_public(flow->local), .port = flow->local_port};
    packet.remote = (struct tcpip_full_address){.address = address_public(flow->remote), .port = flow->remote_port};
    stack_callback_begin(query->stack);
    uint32_t chosen = steering->choose(steering->choose_ctx, &packet);
    stack_callback_end(query->stack);
    if (chosen >= packet.members)
        return best;
    for (;; listener = container_of(listener->ring.next, struct demux_listener, ring))
        if (listener_shares(listener, best, query) && chosen-- == 0)
            return listener;
}

static struct demux_listener *listener_choose(struct demux_listener *leader, struct listener_query *query)
{
    struct demux_listener *best = NULL;
    struct demux_listener *listener = leader;
    bool steered = false;
    if (leader == NULL)
        return NULL;
    do {
        if (listener_takes(listener, query->v4, query->nic_id)) {
            uint32_t score = listener_score(listener), best_score = best != NULL ? listener_score(best) : 0;
            bool better =
                best == NULL || score > best_score || (score == best_score && listener_better(listener, best, query));
            best = better ? listener : best;
            steered = steered || listener->choose != NULL;
        }
        listener = container_of(listener->ring.next, struct demux_listener, ring);
    } while (listener != leader);
    if (unlikely(steered) && query->nic != NULL && best->reuse_port)
        best = listener_steer(leader, best, query);
    return best;
}

static struct tcpip_endpoint *listener_of(uint8_t transport, const uint8_t *local, uint16_t port,
                                          struct listener_query *query)
{
    struct demux *demux = query->stack->demux;
    query->v4 = address_is_v4(local);
    struct demux_listener *found = listener_choose(listener_leader(demux, transport, local, port), query);
    if (found == NULL)
        found = listener_choose(listener_leader(demux, transport, listener_any, port), query);
    return found != NULL ? found->endpoint : NULL;
}

struct tcpip_endpoint *tcpip__demux_find_listener(struct tcpip_stack *stack, uint8_t transport, const uint8_t *local,
                                                  uint16_t port, uint32_t nic_id, uint64_t flow_hash)
{
    struct listener_query query = {.stack = stack, .nic_id = nic_id, .hash = flow_hash};
    return listener_of(transport, local, port, &query);
}

struct tcpip_endpoint *tcpip__demux_steer(struct tcpip_stack *stack, uint8_t transport, const struct flow *flow,
                                          const struct tcpip_nic *nic,
                                          uint64_t (*hash)(struct tcpip_stack *stack, const struct flow *flow))
{
    struct listener_query query = {.stack = stack, .flow = flow, .nic = nic, .nic_id = nic->id, .hash_of = hash};
    return listener_of(transport, flow->local, flow->local_port, &query);
}

void tcpip__demux_each_listener(struct tcpip_stack *stack, uint8_t transport, const uint8_t *local, uint16_t port,
                                uint32_t nic_id, void (*each)(void *ctx, struct tcpip_endpoint *endpoint), void *ctx)
{
    bool v4 = address_is_v4(local);
    const uint8_t *keys[2] = {local, listener_any};
    for (uint32_t i = 0; i < array_count(keys); i++) {
        struct demux_listener *leader = listener_leader(stack->demux, transport, keys[i], port), *listener = leader;
        if (leader == NULL)
            continue;
        do {
            if (listener_takes(listener, v4, nic_id))
                each(ctx, listener->endpoint);
            listener = container_of(listener->ring.next, struct demux_listener, ring);
        } while (listener != leader);
    }
}

/* ---- life ---- */

enum tcpip_error tcpip__demux_new(struct tcpip_stack *stack)
{
    struct demux *demux = tcpip__memory_zalloc(&stack->memory, sizeof(*demux), alignof(struct demux));
    if (demux == NULL)
        return TCPIP_ERR_NO_MEMORY;
    if (!tcpip__hash_table_init(&demux->flows, &stack->memory, &demux_entry_ops, rng_u64(&stack->rng)))
        goto no_flows;
    if (!tcpip__hash_table_init(&demux->listeners, &stack->memory, &listener_ops, rng_u64(&stack->rng)))
        goto no_listeners;
    stack->demux = demux;
    return TCPIP_OK;

no_listeners:
    tcpip__hash_table_fini(&demux->flows);
no_flows:
    tcpip__memory_free(&stack->memory, demux, sizeof(*demux));
    return TCPIP_ERR_NO_MEMORY;
}

void tcpip__demux_free(struct tcpip_stack *stack)
{
    struct demux *demux = stack->demux;
    tcpip__hash_table_fini(&demux->listeners);
    tcpip__hash_table_fini(&demux->flows);
    tcpip__memory_free(&stack->memory, demux, sizeof(*demux));
    stack->demux = NULL;
}

void tcpip__flow_archive(struct archive *archive, struct flow *flow)
{
    tcpip__archive_bytes(archive, flow->local, 16);
    tcpip__archive_bytes(archive, flow->remote, 16);
    archive_u16(archive, &flow->local_port);
    archive_u16(archive, &flow->remote_port);
    archive_u32(archive, &flow->nic);
}
