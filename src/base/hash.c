// SPDX-License-Identifier: MIT
/* hash.c: hashing for tables that peers write into.
 *
 * The hash. Two 64-bit words at a time are masked with secret words, multiplied to 128 bits and folded in half by
 * exclusive-or; the result masks the next two. One multiplication per 16 bytes: a 4-tuple costs a few nanoseconds,
 * a third of what SipHash takes. It is no pseudorandom function: with outputs in hand the key could be found. So
 * outputs never leave the table, nothing iterates in their order, and what remains to an attacker is timing. Against
 * that stand bounded chains.
 *
 * The table. Chains of intrusive nodes, one bucket a member at the least. To grow or shrink moves a few chains
 * with each insertion or removal, so that no call pays for a million members; the new array isn't even zeroed ahead: a
 * bucket begins when the chain that feeds it moves. The two arrays and `moved` say at any time which chain holds a
 * hash.
 *
 * Bounded chains. With an honest key, chain lengths are Poisson with mean at most 1: that any of 2^24 chains is longer
 * than CHAIN_MAX = 24 has probability 2^24 / 24! / e < 10^-17. So a longer one means that somebody found collisions,
 * and the table takes a new key, of which he knows nothing. That costs O(members) at once, but he must do his work anew
 * for it; and it is done at most once per `count` / 2 insertions, so that even without an honest explanation (equal
 * keys, no memory to grow) an insertion costs O(1) amortised.
 *
 * Owns:        struct hash_table, the nodes' next and hash while they are members.
 * Invariants:  every member is on the chain that hash_table_chain finds for its hash; bucket counts are powers of two.
 * Not here:    comparing keys (the caller's loop), hashes a peer may see (siphash.c).
 */
#include "base/hash.h"

#include "base/assert.h"
#include "base/math.h"

#include <string.h>

enum {
    BUCKETS_MIN = 16,
    BUCKETS_MAX = 1 << 30,
    /* Chains moved per call: a doubling ends after a quarter of the calls that could bring the next one. Shrinking,
     * most are empty; a table that is being emptied shall have shrunk when it is. */
    MOVE_PER_CALL = 4,
    MOVE_PER_REMOVAL = 16,
    CHAIN_MAX = 24,
};

static inline uint64_t hash_load64(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

static inline uint64_t hash_load32(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    struct u128 product = mul_u64(a, b);
    return product.high ^ product.low;
}

struct hash_key tcpip__hash_key_random(struct rng *rng)
{
    return (struct hash_key){{rng_u64(rng), rng_u64(rng), rng_u64(rng), rng_u64(rng)}};
}

uint32_t tcpip__hash_bytes(const struct hash_key *key, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t state = key->word[0], a = 0, b = 0;
    size_t left = size;

    for (; left > 16; left -= 16, bytes += 16)
        state = hash_fold(hash_load64(bytes) ^ state, hash_load64(bytes + 8) ^ key->word[1]);
    /* The last 0 to 16 bytes in two words that overlap: with the length mixed in below, no two inputs look the same. */
    if (left >= 8) {
        a = hash_load64(bytes);
        b = hash_load64(bytes + left - 8);
    } else if (left >= 4) {
        a = hash_load32(bytes);
        b = hash_load32(bytes + left - 4);
    } else if (left > 0) {
        a = (uint64_t)bytes[0] << 16 | (uint64_t)bytes[left / 2] << 8 | bytes[left - 1];
    }
    state = hash_fold(a ^ state, b ^ key->word[2]);
    return (uint32_t)hash_fold(state ^ key->word[3], (uint64_t)size ^ key->word[1]);
}

static void hash_push(struct hash_node **chain, struct hash_node *node)
{
    node->next = *chain;
    *chain = node;
}

static size_t hash_array_bytes(uint32_t mask)
{
    return ((size_t)mask + 1) * sizeof(struct hash_node *);
}

/* Moves the next old chain. */
static void hash_move_one(struct hash_table *table)
{
    uint32_t index = table->moved;
    struct hash_node *node = table->old[index], *next;

    /* The buckets that only this chain feeds, or this one first, begin here. */
    if (index <= table->bucket_mask)
        table->buckets[index] = NULL;
    if (table->bucket_mask > table->old_mask)
        table->buckets[index + table->old_mask + 1] = NULL;
    for (; node != NULL; node = next) {
        next = node->next;
        hash_push(&table->buckets[node->hash & table->bucket_mask], node);
    }
    if (++table->moved > table->old_mask) {
        tcpip__memory_free(table->memory, table->old, hash_array_bytes(table->old_mask));
        table->old = NULL;
    }
}

static void hash_move(struct hash_table *table, uint32_t chains)
{
    for (; table->old != NULL && chains > 0; chains--)
        hash_move_one(table);
}

/* Starts to move to more or fewer buckets. Without memory all stays as it is; to grow is tried again an eighth
 * later. */
static void hash_resize(struct hash_table *table, uint32_t mask)
{
    struct hash_node **buckets = tcpip__memory_alloc(table->memory, hash_array_bytes(mask), sizeof(void *));
    if (buckets == NULL) {
        table->grow_at = sat_add_u32(table->count, table->count / 8);
        return;
    }
    table->old = table->buckets;
    table->old_mask = table->bucket_mask;
    table->moved = 0;
    table->buckets = buckets;
    table->bucket_mask = mask;
    table->grow_at = mask >= BUCKETS_MAX - 1 ? UINT32_MAX : mask + 1;
}

/* A new key, and every member to where it belongs under it. */
static void hash_rekey(struct hash_table *table)
{
    struct hash_node *all = NULL, *node;

    hash_move(table, UINT32_MAX);
    for (uint32_t i = 0; i <= table->bucket_mask; i++) {
        while ((node = table->buckets[i]) != NULL) {
            table->buckets[i] = node->next;
            hash_push(&all, node);
        }
    }
    table->key = tcpip__hash_key_random(&table->rng);
    while ((node = all) != NULL) {
        all = node->next;
        node->hash = table->ops->hash(&table->key, node);
        hash_push(&table->buckets[node->hash & table->bucket_mask], node);
    }
    table->since_rekey = 0;
    table->rekeys++;
}

static bool hash_chain_too_long(const struct hash_table *table, uint32_t hash)
{
    /* Without memory to grow, the mean is above 1, and the bound goes with it. */
    uint32_t length = 0, max = CHAIN_MAX * (1 + table->count / (table->bucket_mask + 1));
    hash_table_for_each(node, table, hash) length++;
    return length > max;
}

bool tcpip__hash_table_init(struct hash_table *table, struct memory *memory, const struct hash_table_ops *ops,
                            uint64_t seed)
{
    *table = (struct hash_table){.memory = memory, .ops = ops, .bucket_mask = BUCKETS_MIN - 1, .grow_at = BUCKETS_MIN};
    table->buckets = tcpip__memory_zalloc(memory, hash_array_bytes(BUCKETS_MIN - 1), sizeof(void *));
    if (table->buckets == NULL)
        return false;
    rng_init(&table->rng, seed);
    table->key = tcpip__hash_key_random(&table->rng);
    return true;
}

void tcpip__hash_table_fini(struct hash_table *table)
{
    ASSERT_ENV(table->memory->env, table->count == 0);
    if (table->old != NULL)
        tcpip__memory_free(table->memory, table->old, hash_array_bytes(table->old_mask));
    tcpip__memory_free(table->memory, table->buckets, hash_array_bytes(table->bucket_mask));
    table->buckets = table->old = NULL;
}

void tcpip__hash_table_insert(struct hash_table *table, struct hash_node *node, uint32_t hash)
{
    DEBUG_ASSERT(hash == table->ops->hash(&table->key, node));
    hash_move(table, MOVE_PER_CALL);
    node->hash = hash;
    node->linked = true;
    hash_push(hash_table_chain(table, hash), node);
    table->count++;
    table->since_rekey = sat_add_u32(table->since_rekey, 1);
    if (unlikely(table->count > table->grow_at) && table->old == NULL)
        hash_resize(table, table->bucket_mask * 2 + 1);
    if (unlikely(hash_chain_too_long(table, hash)) && table->since_rekey >= table->count / 2)
        hash_rekey(table);
}

void tcpip__hash_table_remove(struct hash_table *table, struct hash_node *node)
{
    struct hash_node **link = hash_table_chain(table, node->hash);
    while (*link != node) {
        ASSERT(*link != NULL); /* else it wasn't a member */
        link = &(*link)->next;
    }
    *link = node->next;
    node->next = NULL;
    node->linked = false;
    table->count--;
    hash_move(table, MOVE_PER_REMOVAL);
    if (table->count < table->bucket_mask / 8 && table->bucket_mask >= BUCKETS_MIN && table->old == NULL)
        hash_resize(table, max_u32(table->bucket_mask / 4, BUCKETS_MIN - 1));
}
