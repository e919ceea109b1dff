// SPDX-License-Identifier: MIT
/* forward_source.c: how much of the forwarder each source has.
 *
 * A source is counted twice: as the address that it is, and as the network that it is in, because who has a /64 has as
 * many addresses as he likes. A count exists while it isn't zero, so there are at most two for each flow that is
 * counted, and whatever bounds flows bounds this. Without caps nothing is counted.
 *
 * Owns:       struct forward_sources and its counts.
 * Invariants: a count is linked in table and list, and one of its shares is not zero.
 * Not here:   what is counted when, and the answer at a cap (tcp_forward.c). */
#include "transport/tcp/forward_source.h"

#include <stdalign.h>
#include <string.h>

enum { NETWORK_BITS_V4 = 24, NETWORK_BITS_V6 = 64, MAPPED_BITS = 96 };

struct source_key {
    uint8_t address[16]; /* host part zero */
    uint64_t bits;       /* so wide that the key has no padding */
};

struct source_count {
    struct hash_node node;
    struct tcpip_list_node list_node;
    struct source_key key;
    uint32_t shares[FORWARD_SHARES];
};

static uint32_t source_hash(const struct hash_key *key, const struct hash_node *node)
{
    const struct source_count *count = TCPIP_CONTAINER_OF(node, const struct source_count, node);
    return tcpip__hash_bytes(key, &count->key, sizeof(count->key));
}

static const struct hash_table_ops source_ops = {.hash = source_hash};

static bool source_is_v4(const uint8_t *source)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(source, mapped, sizeof(mapped)) == 0;
}

static struct source_key source_key(const struct forward_sources *sources, const uint8_t *source, bool network)
{
    struct source_key key = {.bits = 128};
    if (network)
        key.bits = source_is_v4(source) ? MAPPED_BITS + (uint64_t)sources->caps.network_bits_v4
                                        : sources->caps.network_bits_v6;
    memcpy(key.address, source, 16);
    for (uint64_t bit = key.bits; bit < 128; bit = (bit | 7) + 1)
        key.address[bit / 8] &= (uint8_t)(0xff00 >> (bit % 8));
    return key;
}

static struct source_count *source_find(const struct forward_sources *sources, const struct source_key *key)
{
    uint32_t hash = tcpip__hash_bytes(&sources->table.key, key, sizeof(*key));
    hash_table_for_each(node, &sources->table, hash)
    {
        struct source_count *count = hash_entry(node, struct source_count, node);
        if (node->hash == hash && memcmp(&count->key, key, sizeof(*key)) == 0)
            return count;
    }
    return NULL;
}

static const uint32_t *source_caps(const struct forward_sources *sources, bool network)
{
    return network ? sources->caps.network : sources->caps.address;
}

static bool source_counted(const struct forward_sources *sources, bool network)
{
    const uint32_t *caps = source_caps(sources, network);
    return caps[FORWARD_PENDING] != 0 || caps[FORWARD_OPEN] != 0;
}

static void source_count_free(struct forward_sources *sources, struct source_count *count)
{
    tcpip__hash_table_remove(&sources->table, &count->node);
    list_remove(&count->list_node);
    tcpip__pool_put(&sources->pool, count);
}

bool tcpip__forward_source_room(const struct forward_sources *sources, const uint8_t *source)
{
    for (int network = 0; network < 2; network++) {
        if (!source_counted(sources, network != 0))
            continue;
        struct source_key key = source_key(sources, source, network != 0);
        const struct source_count *count = source_find(sources, &key);
        const uint32_t *caps = source_caps(sources, network != 0);
        for (int share = 0; count != NULL && share < FORWARD_SHARES; share++)
            if (caps[share] != 0 && count->shares[share] >= caps[share])
                return false;
    }
    return true;
}

static struct source_count *source_make(struct forward_sources *sources, const struct source_key *key)
{
    struct source_count *count = source_find(sources, key);
    if (count != NULL)
        return count;
    count = tcpip__pool_zget(&sources->pool);
    if (count == NULL)
        return NULL;
    count->key = *key;
    tcpip__hash_table_insert(&sources->table, &count->node, tcpip__hash_bytes(&sources->table.key, key, sizeof(*key)));
    list_push_back(&sources->list, &count->list_node);
    return count;
}

bool tcpip__forward_source_take(struct forward_sources *sources, const uint8_t *source, enum forward_share share)
{
    struct source_count *counts[2] = {NULL, NULL};
    if (!sources->on)
        return false;
    for (int network = 0; network < 2; network++) {
        if (!source_counted(sources, network != 0))
            continue;
        struct source_key key = source_key(sources, source, network != 0);
        counts[network] = source_make(sources, &key);
        if (counts[network] != NULL) {
            counts[network]->shares[share]++;
            continue;
        }
        if (counts[0] != NULL && --counts[0]->shares[share] == 0 && counts[0]->shares[!share] == 0)
            source_count_free(sources, counts[0]);
        return false;
    }
    return true;
}

void tcpip__forward_source_give(struct forward_sources *sources, const uint8_t *source, enum forward_share share)
{
    for (int network = 0; network < 2; network++) {
        if (!source_counted(sources, network != 0))
            continue;
        struct source_key key = source_key(sources, source, network != 0);
        struct source_count *count = source_find(sources, &key);
        ASSERT(count != NULL && count->shares[share] > 0);
        if (--count->shares[share] == 0 && count->shares[!share] == 0)
            source_count_free(sources, count);
    }
}

static void sources_clear(struct forward_sources *sources)
{
    struct tcpip_list_node *node;
    while ((node = list_first(&sources->list)) != NULL)
        source_count_free(sources, TCPIP_CONTAINER_OF(node, struct source_count, list_node));
}

void tcpip__forward_sources_init(struct forward_sources *sources, struct memory *memory)
{
    sources->memory = memory;
    sources->on = false;
    list_init(&sources->list);
}

bool tcpip__forward_sources_start(struct forward_sources *sources, const struct forward_caps *caps, uint64_t seed)
{
    uint32_t any = 0;
    for (int share = 0; share < FORWARD_SHARES; share++)
        any |= caps->address[share] | caps->network[share];
    if (any == 0) {
        tcpip__forward_sources_fini(sources);
        return true;
    }
    if (!sources->on) {
        if (!tcpip__hash_table_init(&sources->table, sources->memory, &source_ops, seed))
            return false;
        tcpip__pool_init(&sources->pool, sources->memory, sizeof(struct source_count), alignof(struct source_count), 0);
        sources->on = true;
    }
    sources_clear(sources);
    sources->caps = *caps;
    if (caps->network_bits_v4 == 0 || caps->network_bits_v4 > 32)
        sources->caps.network_bits_v4 = NETWORK_BITS_V4;
    if (caps->network_bits_v6 == 0 || caps->network_bits_v6 > 128)
        sources->caps.network_bits_v6 = NETWORK_BITS_V6;
    return true;
}

void tcpip__forward_sources_fini(struct forward_sources *sources)
{
    sources->caps = (struct forward_caps){{0}, {0}, 0, 0};
    if (!sources->on)
        return;
    sources_clear(sources);
    tcpip__hash_table_fini(&sources->table);
    tcpip__pool_fini(&sources->pool);
    sources->on = false;
}
