// SPDX-License-Identifier: MIT
/* hash.h: a keyed hash of bytes for tables, and an intrusive chained hash table over it.
 *
 * A search is a loop over one chain with the caller's own comparison in it, so that nothing is called through a
 * pointer:
 *
 *     uint32_t hash = tcpip__hash_bytes(&table->key, key, sizeof(*key));
 *     hash_table_for_each (node, table, hash)
 *         if (node->hash == hash && equal(hash_entry(node, struct x, node), key)) ...
 *
 * There is no iteration over the whole table, on purpose: its order depends on a secret. Who needs all members keeps a
 * list. */
#ifndef TCPIP_SRC_BASE_HASH_H
#define TCPIP_SRC_BASE_HASH_H

#include "base/memory.h"
#include "base/rng.h"

struct hash_key {
    uint64_t word[4];
};

struct hash_key tcpip__hash_key_random(struct rng *rng);
/* 32 bits of `size` bytes. The same bytes give different values on machines of different byte order: for tables only.
 */
uint32_t tcpip__hash_bytes(const struct hash_key *key, const void *data, size_t size);

struct hash_node {
    struct hash_node *next;
    uint32_t hash; /* written by tcpip__hash_table_insert and by a re-key */
    bool linked;   /* in a table; written by insert and remove */
    /* The owner's own, where the alignment leaves room: the table doesn't look at them. */
    uint8_t kind;
    uint16_t number;
};

/* The hash of `node`'s key under `key`: asked for at a re-key only. Must be what searches compute. */
struct hash_table_ops {
    uint32_t (*hash)(const struct hash_key *key, const struct hash_node *node);
};

struct hash_table {
    struct hash_key key; /* changes in tcpip__hash_table_insert: hash, search, insert without keeping a hash across */
    struct hash_node **buckets; /* of bucket_mask + 1 chains */
    struct hash_node **old;     /* while resizing: the former array, of which chains >= moved still count */
    uint32_t bucket_mask, old_mask;
    uint32_t moved;
    uint32_t count;       /* members */
    uint32_t grow_at;     /* count that makes it grow */
    uint32_t since_rekey; /* insertions since the last change of key */
    uint32_t rekeys;
    const struct hash_table_ops *ops;
    struct memory *memory;
    struct rng rng; /* of keys */
};

#define hash_entry(node, type, member) container_of(node, type, member)

/* A key is drawn from `seed`, which comes from env.random. False: out of memory (fini need not be called then). */
must_use bool tcpip__hash_table_init(struct hash_table *table, struct memory *memory, const struct hash_table_ops *ops,
                                     uint64_t seed);
/* The table must be empty. */
void tcpip__hash_table_fini(struct hash_table *table);
/* `hash`: of node's key under table->key, computed now. Cannot fail: without memory to grow, chains get longer. Equal
 * keys may be inserted; the latest is found first, unless the table was resized or re-keyed in between. */
void tcpip__hash_table_insert(struct hash_table *table, struct hash_node *node, uint32_t hash);
/* `node` must be in the table. */
void tcpip__hash_table_remove(struct hash_table *table, struct hash_node *node);

/* Where the chain that holds `hash` starts. */
static inline struct hash_node **hash_table_chain(const struct hash_table *table, uint32_t hash)
{
    if (unlikely(table->old != NULL)) {
        uint32_t index = hash & table->old_mask;
        if (index >= table->moved)
            return &table->old[index];
    }
    return &table->buckets[hash & table->bucket_mask];
}

/* All nodes of one chain; compare node->hash before anything else. The table must not change during the loop. */
#define hash_table_for_each(node, table, hash_) \
    for (struct hash_node *node = *hash_table_chain(table, hash_); node != NULL; node = node->next)

#endif
