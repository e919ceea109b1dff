// SPDX-License-Identifier: MIT
/* pmtu.c: what is known of the MTU of paths, per destination.
 *
 * Almost no destination has an entry: a path of the link's own MTU needs none. So the question, asked once per burst,
 * costs a test while the table is empty and a probe otherwise. An entry comes from a verified packet-too-big and only
 * falls while it lives (a larger claim is a lie or late); after ten minutes it is forgotten, and the path is tried with
 * the link's MTU again. Age is looked at when somebody asks: no timer runs.
 *
 * The floors are what keeps a forged message from turning a connection into dust: 552 for IPv4, as on Linux
 * (min_pmtu), 1280 for IPv6, which every link must carry (RFC 8200 5).
 *
 * Each entry was paid for by a peer with one packet that had to quote a connection of ours: there is a cap, of the
 * order of the connections that there can be, and at it the entry that was not used for longest goes.
 *
 * Owns:       stack->pmtu.
 * Invariants: entries are in the table and on the list, the latest used at its end; count <= cap.
 * Not here:   whether the message may be believed (network/icmp, transport/), probing (RFC 4821, transport/tcp/). */
#include "base/math.h"
#include "base/pool.h"
#include "stack/route.h"

enum {
    PMTU_FLOOR_V4 = 552,
    PMTU_FLOOR_V6 = 1280,
    PMTU_ENTRIES_MIN = 64,
    PMTU_ENTRIES_MAX = 16384, /* of 80 bytes or so */
};
static const tcpip_ns pmtu_lifetime_ns = 600 * TCPIP_SECOND; /* RFC 1191 6.3, RFC 8201 4: 10 minutes */

struct pmtu_entry {
    struct hash_node hash;
    struct tcpip_list_node node;
    tcpip_ns expires_at;
    uint32_t mtu;
    uint8_t remote[16];
};

struct pmtu_table {
    struct hash_table hash;
    struct list used; /* the latest used last */
    struct pool pool;
    uint32_t cap;
};

static uint64_t pmtu_hash(const struct hash_key *key, const struct hash_node *node)
{
    return tcpip__hash_bytes(key, hash_entry(node, struct pmtu_entry, hash)->remote, 16);
}

static const struct hash_table_ops pmtu_hash_ops = {pmtu_hash};

enum tcpip_error tcpip__pmtu_table_new(struct tcpip_stack *stack)
{
    struct pmtu_table *table = tcpip__memory_zalloc(&stack->memory, sizeof(*table), _Alignof(struct pmtu_table));
    if (table == NULL)
        return TCPIP_ERR_NO_MEMORY;
    if (!tcpip__hash_table_init(&table->hash, &stack->memory, &pmtu_hash_ops, rng_u64(&stack->rng))) {
        tcpip__memory_free(&stack->memory, table, sizeof(*table));
        return TCPIP_ERR_NO_MEMORY;
    }
    list_init(&table->used);
    table->cap = clamp_u32(stack->limits.endpoints, PMTU_ENTRIES_MIN, PMTU_ENTRIES_MAX);
    tcpip__pool_init(&table->pool, &stack->memory, sizeof(struct pmtu_entry), _Alignof(struct pmtu_entry), 0);
    stack->pmtu = table;
    return TCPIP_OK;
}

static void pmtu_remove(struct pmtu_table *table, struct pmtu_entry *entry)
{
    tcpip__hash_table_remove(&table->hash, &entry->hash);
    list_remove(&entry->node);
    tcpip__pool_put(&table->pool, entry);
}

void tcpip__pmtu_table_free(struct tcpip_stack *stack)
{
    struct pmtu_table *table = stack->pmtu;
    if (table == NULL)
        return;
    list_for_each_safe(node, following, &table->used) pmtu_remove(table, list_entry(node, struct pmtu_entry, node));
    tcpip__pool_fini(&table->pool);
    tcpip__hash_table_fini(&table->hash);
    tcpip__memory_free(&stack->memory, table, sizeof(*table));
    stack->pmtu = NULL;
}

/* NULL: nothing is known, or no longer. */
static struct pmtu_entry *pmtu_find(struct tcpip_stack *stack, const uint8_t *remote)
{
    struct pmtu_table *table = stack->pmtu;
    uint64_t hash = tcpip__hash_bytes(&table->hash.key, remote, 16);
    hash_table_for_each(node, &table->hash, hash)
    {
        struct pmtu_entry *entry = hash_entry(node, struct pmtu_entry, hash);
        if (node->hash != hash || !address_equal(entry->remote, remote))
            continue;
        if (tcpip__stack_now(stack) < entry->expires_at) {
            list_remove(&entry->node);
            list_push_back(&table->used, &entry->node);
            return entry;
        }
        pmtu_remove(table, entry);
        return NULL;
    }
    return NULL;
}

static struct pmtu_entry *pmtu_add(struct tcpip_stack *stack, const uint8_t *remote)
{
    struct pmtu_table *table = stack->pmtu;
    if (table->hash.count >= table->cap)
        pmtu_remove(table, list_entry(list_first(&table->used), struct pmtu_entry, node));
    struct pmtu_entry *entry = tcpip__pool_zget(&table->pool);
    if (entry == NULL)
        return NULL;
    memcpy(entry->remote, remote, 16);
    entry->mtu = UINT32_MAX;
    list_push_back(&table->used, &entry->node);
    tcpip__hash_table_insert(&table->hash, &entry->hash, tcpip__hash_bytes(&table->hash.key, remote, 16));
    return entry;
}

uint32_t tcpip__pmtu_get(struct tcpip_route *route, const uint8_t *remote)
{
    if (likely(route->stack->pmtu->hash.count == 0))
        return route->mtu;
    const struct pmtu_entry *entry = pmtu_find(route->stack, remote);
    return entry != NULL ? min_u32(entry->mtu, route->mtu) : route->mtu;
}

uint32_t tcpip__pmtu_update(struct tcpip_stack *stack, const uint8_t *remote, uint32_t mtu)
{
    mtu = max_u32(mtu, address_is_v4(remote) ? PMTU_FLOOR_V4 : PMTU_FLOOR_V6);
    struct pmtu_entry *entry = pmtu_find(stack, remote);
    if (entry == NULL)
        entry = pmtu_add(stack, remote);
    if (entry == NULL)
        return mtu; /* out of memory: it will be told again */
    if (mtu <= entry->mtu) {
        entry->mtu = mtu;
        entry->expires_at = ns_add(tcpip__stack_now(stack), pmtu_lifetime_ns);
        EVENT(stack, PMTU, 0, mtu, 0, 0, 0);
    }
    return entry->mtu;
}
