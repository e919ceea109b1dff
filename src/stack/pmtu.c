// SPDX-License-Identifier: MIT
/* pmtu.c: what is known of the MTU of paths, per destination.
 *
 * Almost no destination has an entry: a path of the link's own MTU needs none. So the question, asked once per burst,
 * costs a test while the table is empty and a probe otherwise. An entry comes from a packet-too-big that its protocol
 * believes, from who probes (RFC 4821), or from the operator. What a router said only falls while it lives (a larger
 * claim is a lie or late); what was found by probing follows the probes. After PATH_MTU_LIFETIME, ten minutes (RFC 1191
 * 6.3, RFC 8201 4), it is forgotten, and the path is tried with the link's MTU again. Age is looked at when somebody
 * asks: no timer runs.
 *
 * The key is the destination, and for link-local ones the NIC as well: fe80::1 is another host on each link.
 *
 * The floors are what keeps a forged message from turning a connection into dust: 552 for IPv4, 1280 for IPv6. A path
 * that is narrower in truth (IPv4 allows 68) still works, because from then on packets to it go without DF.
 *
 * Each entry was paid for by a peer with one packet that had to quote something of ours: limits.path_mtus is the cap,
 * and at it the entry that was not used for longest goes.
 *
 * Owns:       stack->pmtu.
 * Invariants: entries are in the table and on the list, the latest used at its end; count <= the cap.
 * Not here:   whether the message may be believed (network/icmp, transport/), probing (transport/tcp/plpmtud.c). */
#include "stack/pmtu.h"

#include "base/math.h"
#include "base/pool.h"

struct pmtu_key {
    uint8_t remote[16];
    uint32_t nic; /* of a link-local destination; else 0 */
};

struct pmtu_entry {
    struct hash_node hash;
    struct tcpip_list_node node;
    struct pmtu_key key;
    bool probed, narrow; /* as in struct path_mtu */
    tcpip_ns expires_at;
    uint32_t mtu;    /* UINT32_MAX: no limit is known */
    uint32_t proven; /* at most mtu */
};

struct pmtu_table {
    struct hash_table hash;
    struct list used; /* the latest used last */
    struct pool pool;
};

static uint32_t pmtu_key_hash(const struct hash_key *key, const struct pmtu_key *what)
{
    return tcpip__hash_bytes(key, what, sizeof(*what));
}

static uint32_t pmtu_hash(const struct hash_key *key, const struct hash_node *node)
{
    return pmtu_key_hash(key, &hash_entry(node, struct pmtu_entry, hash)->key);
}

static const struct hash_table_ops pmtu_hash_ops = {pmtu_hash};

static struct pmtu_key pmtu_key(const uint8_t *remote, uint32_t nic)
{
    struct pmtu_key key = {.nic = address_is_link_local(remote) ? nic : 0};
    memcpy(key.remote, remote, 16);
    return key;
}

static struct pmtu_key pmtu_route_key(const struct tcpip_route *route, const uint8_t *remote)
{
    return pmtu_key(remote, route->nic != NULL ? route->nic->id : 0);
}

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

static void pmtu_clear(struct pmtu_table *table)
{
    list_for_each_safe(node, following, &table->used) pmtu_remove(table, list_entry(node, struct pmtu_entry, node));
}

void tcpip__pmtu_table_free(struct tcpip_stack *stack)
{
    struct pmtu_table *table = stack->pmtu;
    if (table == NULL)
        return;
    pmtu_clear(table);
    tcpip__pool_fini(&table->pool);
    tcpip__hash_table_fini(&table->hash);
    tcpip__memory_free(&stack->memory, table, sizeof(*table));
    stack->pmtu = NULL;
}

void tcpip__pmtu_nic_removed(struct tcpip_stack *stack, uint32_t nic)
{
    list_for_each_safe(node, following, &stack->pmtu->used)
    {
        struct pmtu_entry *entry = list_entry(node, struct pmtu_entry, node);
        if (entry->key.nic == nic)
            pmtu_remove(stack->pmtu, entry);
    }
}

/* NULL: nothing is known, or no longer. */
static struct pmtu_entry *pmtu_find(struct tcpip_stack *stack, const struct pmtu_key *key)
{
    struct pmtu_table *table = stack->pmtu;
    uint32_t hash = pmtu_key_hash(&table->hash.key, key);
    hash_table_for_each(node, &table->hash, hash)
    {
        struct pmtu_entry *entry = hash_entry(node, struct pmtu_entry, hash);
        if (node->hash != hash || memcmp(&entry->key, key, sizeof(*key)) != 0)
            continue;
        if (tcpip__stack_now(stack) < entry->expires_at) {
            list_remove(&entry->node);
            list_push_back(&table->used, &entry->node);
            return entry;
        }
        stack->stats.path_mtu.expired++;
        pmtu_remove(table, entry);
        return NULL;
    }
    return NULL;
}

/* The entry, made if need be; NULL: out of memory. */
static struct pmtu_entry *pmtu_make(struct tcpip_stack *stack, const struct pmtu_key *key)
{
    struct pmtu_table *table = stack->pmtu;
    struct pmtu_entry *entry = pmtu_find(stack, key);
    if (entry != NULL)
        return entry;
    if (table->hash.count >= stack->limits.path_mtus) {
        stack->stats.path_mtu.evicted++;
        pmtu_remove(table, list_entry(list_first(&table->used), struct pmtu_entry, node));
    }
    entry = tcpip__pool_zget(&table->pool);
    if (entry == NULL)
        return NULL;
    entry->key = *key;
    entry->mtu = UINT32_MAX;
    list_push_back(&table->used, &entry->node);
    tcpip__hash_table_insert(&table->hash, &entry->hash, pmtu_key_hash(&table->hash.key, key));
    return entry;
}

static void pmtu_set(struct tcpip_stack *stack, struct pmtu_entry *entry, uint32_t mtu)
{
    if (mtu < entry->mtu)
        stack->stats.path_mtu.lowered++;
    else if (mtu > entry->mtu)
        stack->stats.path_mtu.raised++;
    entry->mtu = mtu;
    entry->proven = min_u32(entry->proven, mtu);
    entry->expires_at = ns_add(tcpip__stack_now(stack), stack->defaults[TCPIP_OPTION_PATH_MTU_LIFETIME]);
    EVENT(stack, PMTU, 0, mtu, 0, 0, 0);
}

uint32_t tcpip__pmtu_get(const struct tcpip_route *route, const uint8_t *remote)
{
    if (likely(route->stack->pmtu->hash.count == 0))
        return route->mtu;
    struct pmtu_key key = pmtu_route_key(route, remote);
    const struct pmtu_entry *entry = pmtu_find(route->stack, &key);
    return entry != NULL ? min_u32(entry->mtu, route->mtu) : route->mtu;
}

void tcpip__pmtu_look(const struct tcpip_route *route, const uint8_t *remote, struct path_mtu *out)
{
    *out = (struct path_mtu){.mtu = route->mtu};
    if (likely(route->stack->pmtu->hash.count == 0))
        return;
    struct pmtu_key key = pmtu_route_key(route, remote);
    const struct pmtu_entry *entry = pmtu_find(route->stack, &key);
    if (entry == NULL)
        return;
    out->mtu = min_u32(entry->mtu, route->mtu);
    out->proven = min_u32(entry->proven, out->mtu);
    out->probed = entry->probed;
    out->narrow = entry->narrow;
}

uint32_t tcpip__pmtu_lower(struct tcpip_stack *stack, uint32_t nic, const uint8_t *remote, uint32_t mtu)
{
    struct pmtu_key key = pmtu_key(remote, nic);
    uint32_t floor = address_is_v4(remote) ? PMTU_FLOOR_V4 : PMTU_FLOOR_V6;
    bool narrow = mtu < floor;
    mtu = max_u32(mtu, floor);
    struct pmtu_entry *entry = pmtu_make(stack, &key);
    if (entry == NULL)
        return mtu; /* out of memory: it will be told again */
    if (mtu > entry->mtu) {
        stack->stats.path_mtu.refused++;
        return entry->mtu;
    }
    if (narrow)
        stack->stats.path_mtu.below_floor++;
    entry->probed = false;
    entry->narrow |= narrow;
    pmtu_set(stack, entry, mtu);
    return mtu;
}

void tcpip__pmtu_probed(struct tcpip_route *route, const uint8_t *remote, uint32_t mtu, bool limit)
{
    struct tcpip_stack *stack = route->stack;
    struct pmtu_key key = pmtu_route_key(route, remote);
    struct pmtu_entry *entry = pmtu_make(stack, &key);
    if (entry == NULL)
        return; /* who probed knows it all the same */
    if (limit) {
        entry->probed = true;
        pmtu_set(stack, entry, mtu);
    } else if (mtu >= entry->mtu) {
        pmtu_set(stack, entry, mtu >= route->mtu ? UINT32_MAX : mtu);
    } else if (entry->mtu == UINT32_MAX) {
        entry->expires_at = ns_add(tcpip__stack_now(stack), stack->defaults[TCPIP_OPTION_PATH_MTU_LIFETIME]);
    }
    entry->proven = max_u32(entry->proven, min_u32(mtu, entry->mtu));
}

/* ---- the operator ---- */

static enum tcpip_error pmtu_operator_key(const struct tcpip_stack *stack, uint32_t nic,
                                          const struct tcpip_address *address, struct pmtu_key *out)
{
    uint8_t remote[16];
    if (address->len != 4 && address->len != 16)
        return TCPIP_ERR_BAD_ADDRESS;
    address_internal(address, remote);
    if (address_is_zero(remote) || address_is_multicast(remote))
        return TCPIP_ERR_BAD_ADDRESS;
    if (address_is_link_local(remote) && tcpip__nic_find(stack, nic) == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    *out = pmtu_key(remote, nic);
    return TCPIP_OK;
}

size_t tcpip_stack_path_mtus(struct tcpip_stack *stack, struct tcpip_path_mtu *out, size_t n)
{
    tcpip_ns now = tcpip_stack_now(stack);
    size_t count = 0;
    list_for_each(node, &stack->pmtu->used)
    {
        const struct pmtu_entry *entry = list_entry(node, struct pmtu_entry, node);
        if (now >= entry->expires_at)
            continue;
        if (count < n)
            out[count] = (struct tcpip_path_mtu){.destination = address_public(entry->key.remote),
                                                 .nic = entry->key.nic,
                                                 .mtu = entry->mtu != UINT32_MAX ? entry->mtu : 0,
                                                 .proven = entry->proven,
                                                 .expires_at = entry->expires_at,
                                                 .probed = entry->probed,
                                                 .narrow = entry->narrow};
        count++;
    }
    return count;
}

enum tcpip_error tcpip_stack_set_path_mtu(struct tcpip_stack *stack, const struct tcpip_path_mtu *row)
{
    struct pmtu_key key;
    enum tcpip_error error = pmtu_operator_key(stack, row->nic, &row->destination, &key);
    if (error != TCPIP_OK)
        return error;
    uint32_t least = address_is_v4(key.remote) ? PMTU_FLOOR_V4 : PMTU_FLOOR_V6;
    if (row->mtu < least || row->proven > row->mtu)
        return TCPIP_ERR_INVALID_ARGUMENT;
    tcpip_stack_enter(stack);
    struct pmtu_entry *entry = pmtu_make(stack, &key);
    if (entry != NULL) {
        pmtu_set(stack, entry, row->mtu);
        entry->proven = row->proven;
        entry->probed = row->probed;
        entry->narrow = row->narrow;
        if (row->expires_at != 0)
            entry->expires_at = row->expires_at;
    }
    tcpip_stack_leave(stack);
    return entry != NULL ? TCPIP_OK : TCPIP_ERR_NO_MEMORY;
}

enum tcpip_error tcpip_stack_remove_path_mtu(struct tcpip_stack *stack, uint32_t nic,
                                             const struct tcpip_address *destination)
{
    struct pmtu_key key;
    if (destination == NULL) {
        pmtu_clear(stack->pmtu);
        return TCPIP_OK;
    }
    enum tcpip_error error = pmtu_operator_key(stack, nic, destination, &key);
    if (error != TCPIP_OK)
        return error;
    tcpip_stack_enter(stack);
    struct pmtu_entry *entry = pmtu_find(stack, &key);
    if (entry != NULL)
        pmtu_remove(stack->pmtu, entry);
    tcpip_stack_leave(stack);
    return entry != NULL ? TCPIP_OK : TCPIP_ERR_BAD_ADDRESS;
}
