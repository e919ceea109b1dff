// SPDX-License-Identifier: MIT
/* ports.c: who holds which local port, and choosing one that a stranger doesn't guess.
 *
 * A port is held by reservations: (address, NIC, flags), counted, since many endpoints may hold exactly the same. All
 * reservations of one (transport, port) hang off one node of a hash table, so that whether another is possible is a
 * walk over those it could conflict with and over nothing else.
 *
 * Two reservations *overlap* if some packet could be meant for both: the NICs are equal or one is any, and the
 * addresses are equal or one is a wildcard of the other's family. Wildcards: 0.0.0.0 takes IPv4, :: takes IPv6, and
 * IPv4 too if it is DUAL_STACK. A new one *conflicts* with an overlapping holder, as on Linux, unless both have
 * REUSE_PORT, or both have REUSE_ADDRESS and the holder isn't EXCLUSIVE (listens): of several that have bound, the
 * first may listen. Connections that chose their port themselves (CONNECTION) don't conflict with each other: what they
 * need is their four-tuple.
 *
 * An ephemeral port that is only bound to takes a random start and the first port that nobody overlaps, whatever the
 * flags: who asks for any port wants one of his own. One for a connection is chosen by RFC 6056 algorithm 4: successive
 * ports to one destination, unrelated ones to different destinations; whether a port serves is the caller's test, since
 * one port serves many destinations.
 *
 * Owns:        the reservations; the range of ephemeral ports; the counters of RFC 6056.
 * Invariants:  a group has at least one holder; no two holders of a group have equal (address, NIC, flags).
 * Not here:    flows (stack/demux.c), which addresses are ours (stack/address.c). */
#include "ports/ports.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/math.h"
#include "base/pool.h"
#include "base/rng.h"

#include <stdalign.h>
#include <string.h>

enum {
    PORT_FIRST_DEFAULT = 32768, /* Linux's ip_local_port_range */
    PORT_LAST_DEFAULT = 60999,
    PORT_COUNTERS = 1024, /* RFC 6056 3.3.4: the larger, the less two destinations tell about each other */
};

enum {
    PORT_FLAG_BITS = 5, /* enum tcpip_port_flags */
    PORT_FLAGS = (1 << PORT_FLAG_BITS) - 1,
    PORT_HOLDS_MAX =
        (1 << (32 - PORT_FLAG_BITS)) - 1, /* there aren't as many four-tuples of one port and NIC in memory */
};

struct port_holder {
    struct port_holder *next;
    uint8_t address[16];
    uint32_t nic;
    uint32_t flags : PORT_FLAG_BITS, count : 32 - PORT_FLAG_BITS;
};

/* All that hold one port of one transport protocol. Mostly that is one connection, or its TIME-WAIT: this is a part of
 * what each of them weighs. */
struct port_group {
    struct hash_node node;      /* .number: port; .kind: transport */
    struct tcpip_list_node all; /* every group, for the end */
    struct port_holder first;
};
STATIC_ASSERT(sizeof(struct port_group) <= 8 * sizeof(void *));

struct tcpip_port_manager {
    struct memory *memory;
    struct memory own; /* used alone, without a stack */
    struct pool group_pool, holder_pool;
    struct tcpip_env env;
    struct hash_table groups;
    struct list all;
    struct secure_rng rng;
    uint16_t first, last;
    uint32_t narrow; /* lowest | highest << 16; 0: the whole range */
    uint16_t counters[PORT_COUNTERS];
};

/* ---- conflicts ---- */

enum { PORT_FAMILY_4 = 1, PORT_FAMILY_6 = 2 };

static bool port_address_is_v4(const uint8_t *address)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(address, prefix, sizeof(prefix)) == 0;
}

static bool port_address_is_any(const uint8_t *address)
{
    static const uint8_t zero[16];
    return memcmp(address, zero, 16) == 0 || (port_address_is_v4(address) && memcmp(address + 12, zero, 4) == 0);
}

static uint32_t port_families(const uint8_t *address, uint32_t flags)
{
    if (port_address_is_v4(address))
        return PORT_FAMILY_4;
    bool dual = port_address_is_any(address) && (flags & TCPIP_PORT_DUAL_STACK) != 0;
    return dual ? PORT_FAMILY_6 | PORT_FAMILY_4 : PORT_FAMILY_6;
}

static bool port_overlap(const struct port_holder *holder, const struct tcpip_port_key *key)
{
    if (holder->nic != 0 && key->nic != 0 && holder->nic != key->nic)
        return false;
    if ((port_families(holder->address, holder->flags) & port_families(key->address, key->flags)) == 0)
        return false;
    return port_address_is_any(holder->address) || port_address_is_any(key->address) ||
           memcmp(holder->address, key->address, 16) == 0;
}

static bool port_share(const struct port_holder *holder, const struct tcpip_port_key *key)
{
    uint32_t both = holder->flags & key->flags;
    return (both & (TCPIP_PORT_REUSE_PORT | TCPIP_PORT_CONNECTION)) != 0 ||
           ((both & TCPIP_PORT_REUSE_ADDRESS) != 0 && (holder->flags & TCPIP_PORT_EXCLUSIVE) == 0);
}

/* strict: flags don't help. */
static bool port_conflict(const struct port_group *group, const struct tcpip_port_key *key, bool strict)
{
    if (group == NULL)
        return false;
    for (const struct port_holder *holder = &group->first; holder != NULL; holder = holder->next) {
        if (port_overlap(holder, key) && (strict || !port_share(holder, key)))
            return true;
    }
    return false;
}

/* ---- the table ---- */

static uint32_t port_hash(const struct hash_key *key, uint8_t transport, uint16_t port)
{
    uint32_t word = (uint32_t)transport << 16 | port;
    return tcpip__hash_bytes(key, &word, sizeof(word));
}

static uint32_t port_group_hash(const struct hash_key *key, const struct hash_node *node)
{
    const struct port_group *group = hash_entry(node, struct port_group, node);
    return port_hash(key, group->node.kind, group->node.number);
}

static const struct hash_table_ops port_group_ops = {.hash = port_group_hash};

static struct port_group *port_group_find(const struct tcpip_port_manager *manager, uint8_t transport, uint16_t port)
{
    uint32_t hash = port_hash(&manager->groups.key, transport, port);
    hash_table_for_each(node, &manager->groups, hash)
    {
        struct port_group *group = hash_entry(node, struct port_group, node);
        if (node->hash == hash && node->number == port && node->kind == transport)
            return group;
    }
    return NULL;
}

static struct port_holder *port_holder_find(struct port_group *group, const struct tcpip_port_key *key)
{
    for (struct port_holder *holder = &group->first; holder != NULL; holder = holder->next) {
        if (holder->nic == key->nic && holder->flags == (key->flags & PORT_FLAGS) &&
            memcmp(holder->address, key->address, 16) == 0)
            return holder;
    }
    return NULL;
}

static void port_group_free(struct tcpip_port_manager *manager, struct port_group *group)
{
    tcpip__hash_table_remove(&manager->groups, &group->node);
    list_remove(&group->all);
    tcpip__pool_put(&manager->group_pool, group);
}

/* Whose holder is the first one. NULL: out of memory. */
static struct port_group *port_group_new(struct tcpip_port_manager *manager, const struct tcpip_port_key *key)
{
    struct port_group *group = tcpip__pool_zget(&manager->group_pool);
    if (group == NULL)
        return NULL;
    list_push_back(&manager->all, &group->all);
    group->node.number = key->port;
    group->node.kind = key->transport;
    tcpip__hash_table_insert(&manager->groups, &group->node, port_group_hash(&manager->groups.key, &group->node));
    return group;
}

static enum tcpip_error port_hold(struct tcpip_port_manager *manager, const struct tcpip_port_key *key)
{
    struct port_group *group = port_group_find(manager, key->transport, key->port);
    struct port_holder *holder = group != NULL ? port_holder_find(group, key) : NULL, *next = NULL;
    if (holder != NULL) {
        ASSERT_ENV(manager->memory->env, holder->count < PORT_HOLDS_MAX);
        holder->count++;
        return TCPIP_OK;
    }
    if (group == NULL) {
        group = port_group_new(manager, key);
        holder = group != NULL ? &group->first : NULL;
    } else {
        holder = tcpip__pool_get(&manager->holder_pool);
        next = group->first.next;
    }
    if (holder == NULL)
        return TCPIP_ERR_NO_MEMORY;
    *holder = (struct port_holder){.next = next, .nic = key->nic, .flags = key->flags & PORT_FLAGS, .count = 1};
    memcpy(holder->address, key->address, 16);
    if (holder != &group->first)
        group->first.next = holder;
    return TCPIP_OK;
}

/* The holder's last reservation went. The first one lies in the group: the second takes its place. */
static void port_holder_free(struct tcpip_port_manager *manager, struct port_group *group, struct port_holder *holder)
{
    struct port_holder *next = group->first.next;
    if (holder == &group->first && next == NULL) {
        port_group_free(manager, group);
        return;
    }
    if (holder == &group->first) {
        group->first = *next;
        holder = next;
    } else {
        struct port_holder *before = &group->first;
        while (before->next != holder)
            before = before->next;
        before->next = holder->next;
    }
    tcpip__pool_put(&manager->holder_pool, holder);
}

/* ---- ephemeral ports ---- */

struct port_range {
    uint32_t first, size;
};

/* A narrower end counts if it lies within, as Linux has it. */
static struct port_range port_range(const struct tcpip_port_manager *manager)
{
    uint32_t first = manager->first, last = manager->last;
    uint32_t low = manager->narrow & 0xffff, high = manager->narrow >> 16;
    if (low >= first && low <= last)
        first = low;
    if (high >= first && high <= last)
        last = high;
    return (struct port_range){first, last - first + 1};
}

void tcpip__port_manager_range(const struct tcpip_port_manager *manager, uint16_t *first, uint16_t *last)
{
    *first = manager->first;
    *last = manager->last;
}

void tcpip__port_manager_narrow(struct tcpip_port_manager *manager, uint32_t range)
{
    manager->narrow = range;
}

/* The first port from `start` on, round the range, that nobody overlaps; 0: none. */
static uint16_t port_find_free(const struct tcpip_port_manager *manager, const struct tcpip_port_key *key,
                               uint32_t start)
{
    struct port_range range = port_range(manager);
    for (uint32_t i = 0; i < range.size; i++) {
        uint16_t port = (uint16_t)(range.first + (start + i) % range.size);
        if (!port_conflict(port_group_find(manager, key->transport, port), key, true))
            return port;
    }
    return 0;
}

/* ---- life ---- */

/* False: out of memory. */
static bool port_manager_init(struct tcpip_port_manager *manager, struct memory *memory)
{
    uint64_t seed;
    manager->memory = memory;
    list_init(&manager->all);
    tcpip__pool_init(&manager->group_pool, memory, sizeof(struct port_group), alignof(struct port_group), 0);
    tcpip__pool_init(&manager->holder_pool, memory, sizeof(struct port_holder), alignof(struct port_holder), 0);
    manager->first = PORT_FIRST_DEFAULT;
    manager->last = PORT_LAST_DEFAULT;
    secure_rng_init(&manager->rng, memory->env);
    seed = secure_rng_u64(&manager->rng);
    for (uint32_t i = 0; i < PORT_COUNTERS; i++)
        manager->counters[i] = (uint16_t)secure_rng_u32(&manager->rng);
    return tcpip__hash_table_init(&manager->groups, memory, &port_group_ops, seed);
}

struct tcpip_port_manager *tcpip__port_manager_new(struct memory *memory)
{
    struct tcpip_port_manager *manager =
        tcpip__memory_zalloc(memory, sizeof(*manager), alignof(struct tcpip_port_manager));
    if (manager != NULL && !port_manager_init(manager, memory)) {
        tcpip__memory_free(memory, manager, sizeof(*manager));
        manager = NULL;
    }
    return manager;
}

struct tcpip_port_manager *tcpip_port_manager_new(const struct tcpip_env *env)
{
    struct memory memory;
    tcpip__memory_init(&memory, env, 0);
    struct tcpip_port_manager *manager =
        tcpip__memory_zalloc(&memory, sizeof(*manager), alignof(struct tcpip_port_manager));
    if (manager == NULL)
        return NULL;
    memcpy(&manager->env, env, min_size(env->size, sizeof(manager->env)));
    manager->own = memory;
    manager->own.env = &manager->env;
    if (!port_manager_init(manager, &manager->own)) {
        tcpip__memory_free(&memory, manager, sizeof(*manager));
        return NULL;
    }
    return manager;
}

void tcpip__port_manager_free(struct tcpip_port_manager *manager)
{
    struct memory *memory = manager->memory;
    for (struct tcpip_list_node *first; (first = list_first(&manager->all)) != NULL;) {
        struct port_group *group = container_of(first, struct port_group, all);
        while (group->first.next != NULL)
            port_holder_free(manager, group, group->first.next);
        port_group_free(manager, group);
    }
    tcpip__hash_table_fini(&manager->groups);
    tcpip__pool_fini(&manager->holder_pool);
    tcpip__pool_fini(&manager->group_pool);
    if (memory == &manager->own) {
        struct tcpip_env env = manager->env;
        struct memory own = manager->own;
        own.env = &env;
        tcpip__memory_free(&own, manager, sizeof(*manager));
        tcpip__memory_fini(&own);
    } else {
        tcpip__memory_free(memory, manager, sizeof(*manager));
    }
}

void tcpip_port_manager_free(struct tcpip_port_manager *manager)
{
    tcpip__port_manager_free(manager);
}

enum tcpip_error tcpip_port_manager_set_range(struct tcpip_port_manager *manager, uint16_t first, uint16_t last)
{
    if (first == 0 || first > last)
        return TCPIP_ERR_INVALID_ARGUMENT;
    manager->first = first;
    manager->last = last;
    return TCPIP_OK;
}

/* ---- holding ---- */

enum tcpip_error tcpip_port_manager_reserve(struct tcpip_port_manager *manager, struct tcpip_port_key *key)
{
    struct tcpip_port_key wanted = *key;
    if (wanted.port == 0) {
        wanted.port = port_find_free(manager, &wanted, secure_rng_below(&manager->rng, port_range(manager).size));
        if (wanted.port == 0)
            return TCPIP_ERR_NO_PORT_AVAILABLE;
    } else if (port_conflict(port_group_find(manager, wanted.transport, wanted.port), &wanted, false)) {
        return TCPIP_ERR_PORT_IN_USE;
    }
    enum tcpip_error error = port_hold(manager, &wanted);
    if (error == TCPIP_OK)
        key->port = wanted.port;
    return error;
}

bool tcpip__port_manager_hold(struct tcpip_port_manager *manager, const struct tcpip_port_key *key)
{
    return port_hold(manager, key) == TCPIP_OK;
}

void tcpip_port_manager_release(struct tcpip_port_manager *manager, const struct tcpip_port_key *key)
{
    struct port_group *group = port_group_find(manager, key->transport, key->port);
    struct port_holder *holder = group != NULL ? port_holder_find(group, key) : NULL;
    ASSERT_ENV(manager->memory->env, holder != NULL); /* released what wasn't reserved */
    if (--holder->count > 0)
        return;
    port_holder_free(manager, group, holder);
}

bool tcpip_port_manager_available(const struct tcpip_port_manager *manager, const struct tcpip_port_key *key)
{
    if (key->port == 0)
        return port_find_free(manager, key, 0) != 0;
    return !port_conflict(port_group_find(manager, key->transport, key->port), key, false);
}

enum tcpip_error tcpip_port_manager_pick(struct tcpip_port_manager *manager, uint32_t tuple_hash, uint32_t table_hash,
                                         bool (*test)(void *ctx, uint16_t port), void *ctx, uint16_t *out)
{
    struct port_range range = port_range(manager);
    uint16_t *counter = &manager->counters[table_hash % PORT_COUNTERS];
    /* The counter goes round at 2^16 and the range elsewhere: so it is read once and the steps are counted here, or a
     * wrap in the middle of a search would visit some ports twice and others never. */
    uint64_t start = (uint64_t)tuple_hash + *counter;
    for (uint32_t step = 0; step < range.size; step++) {
        uint16_t port = (uint16_t)(range.first + (start + step) % range.size);
        if (!test(ctx, port))
            continue;
        *counter = (uint16_t)(*counter + step + 1);
        *out = port;
        return TCPIP_OK;
    }
    return TCPIP_ERR_NO_PORT_AVAILABLE;
}
