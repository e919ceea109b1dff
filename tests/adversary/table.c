// SPDX-License-Identifier: MIT
/* table.c: keys that fall together: an attacker who knows the algorithm, and the key of some other stack, finds keys of
 * one chain and sends them (hash flooding); and one who takes all the ports there are.
 *
 * The tables are the library's own (src/base/hash.c), filled with keys of the very shape of flows, fragments and
 * neighbours. What must hold: under a key that he doesn't know his keys are like any others; and if he should find out,
 * a chain that grows gets the table another key.
 *
 * Not here: the tables' own tests (src/base/hash_test.c). */
#include "puppet.h"

#include "base/hash.h"
#include "stack/stack.h"

#include <stdlib.h>
#include <string.h>

enum { CHOSEN = 4096, CHAIN_ALLOWED = 24, KEY_MAX = 44 };

struct chosen {
    struct hash_node node;
    uint8_t key[KEY_MAX];
};

static size_t chosen_bytes; /* of the keys of the table that is being filled */

static uint32_t chosen_hash(const struct hash_key *key, const struct hash_node *node)
{
    return tcpip__hash_bytes(key, hash_entry(node, struct chosen, node)->key, chosen_bytes);
}

static const struct hash_table_ops chosen_ops = {.hash = chosen_hash};

static uint32_t table_longest(const struct hash_table *table, const struct chosen *all)
{
    uint32_t longest = 0;
    for (uint32_t i = 0; i < CHOSEN; i++) {
        uint32_t length = 0;
        hash_table_for_each(node, table, all[i].node.hash) length++;
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* CHOSEN keys that differ in an address and a port, and whose hashes under `key` are equal in the low bits that choose
 * among CHOSEN buckets. */
static void table_choose(struct bench *bench, const struct hash_key *key, struct chosen *all)
{
    for (uint32_t i = 0; i < CHOSEN; i++) {
        do {
            uint64_t random = bench_random(bench);
            memset(all[i].key, 0, sizeof(all[i].key));
            memcpy(all[i].key + 12, &random, 8);
        } while ((tcpip__hash_bytes(key, all[i].key, chosen_bytes) & (CHOSEN / 4 - 1)) != 0);
    }
}

static void table_flood(struct bench *bench, size_t bytes)
{
    struct rng rng;
    struct chosen *all = calloc(CHOSEN, sizeof(*all));
    struct memory *memory = NULL;
    if (all == NULL)
        abort();
    chosen_bytes = bytes;
    bench_begin(bench, &(struct bench_options){.idle = true});
    memory = &bench->victim.stack->memory;
    /* Known key of another: balanced. The table's own: another key, and balanced. */
    for (int known = 0; known < 2; known++) {
        struct hash_table table;
        rng_init(&rng, 5);
        struct hash_key key = tcpip__hash_key_random(&rng);
        bool made = tcpip__hash_table_init(&table, memory, &chosen_ops, 77);
        EXPECT(bench, made);
        if (!made)
            break;
        if (known)
            key = table.key;
        table_choose(bench, &key, all);
        for (uint32_t i = 0; i < CHOSEN; i++, bench->in_packets++)
            tcpip__hash_table_insert(&table, &all[i].node, chosen_hash(&table.key, &all[i].node));
        bench_run(bench, 0);
        EXPECT(bench, table_longest(&table, all) <= CHAIN_ALLOWED);
        EXPECT(bench, known ? table.rekeys > 0 && table.rekeys < 20 : table.rekeys == 0);
        for (uint32_t i = 0; i < CHOSEN; i++)
            tcpip__hash_table_remove(&table, &all[i].node);
        tcpip__hash_table_fini(&table);
    }
    bench->memory_bound = 1 << 18;
    bench_end(bench);
    free(all);
}

static void table_flows(struct bench *bench)
{
    table_flood(bench, 36);
}

static void table_fragments(struct bench *bench)
{
    table_flood(bench, 44);
}

static void table_neighbors(struct bench *bench)
{
    table_flood(bench, 20);
}

/* ---- ports ---- */

/* A server that answers and never closes takes all of the victim's ports, one connection after another: for itself. */
static void table_ports(struct bench *bench)
{
    enum { PORTS = 500 };
    static struct tcpip_endpoint *all[PORTS + 1];
    struct tcpip_stack *stack;
    struct tcpip_full_address to = {.address = tcpip_address_v4(99, 0, 0, 1), .port = 443};
    struct tcpip_full_address other = {.address = tcpip_address_v4(99, 0, 0, 2), .port = 443};
    bench_begin(bench, &(struct bench_options){0});
    stack = bench->victim.stack;
    EXPECT(bench, tcpip_stack_set_port_range(stack, 40000, 40000 + PORTS - 1) == TCPIP_OK);
    for (uint32_t i = 0; i <= PORTS; i++) {
        EXPECT(bench, tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &all[i]) == TCPIP_OK);
        enum tcpip_error error = tcpip_endpoint_connect(all[i], &to);
        EXPECT(bench, error == (i < PORTS ? TCPIP_ERR_CONNECT_STARTED : TCPIP_ERR_NO_PORT_AVAILABLE));
        bench->in_packets++;
    }
    /* Other destinations, and the same host's other ports, are as before; and so is one that it gives back. */
    EXPECT(bench, tcpip_endpoint_connect(all[PORTS], &other) == TCPIP_ERR_CONNECT_STARTED);
    tcpip_endpoint_close(all[7]);
    bench_run(bench, TCPIP_MS);
    EXPECT(bench, tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &all[7]) == TCPIP_OK);
    EXPECT(bench, tcpip_endpoint_connect(all[7], &to) == TCPIP_ERR_CONNECT_STARTED);
    for (uint32_t i = 0; i <= PORTS; i++)
        tcpip_endpoint_close(all[i]);
    bench->memory_bound = 2 << 20;
    bench_end(bench);
}

const struct attack attacks_table[] = {
    {"table/flows", "flows that fall together", table_flows},
    {"table/fragments", "fragments that fall together", table_fragments},
    {"table/neighbors", "neighbours that fall together", table_neighbors},
    {"table/ports", "a server that takes all ports", table_ports},
    {0},
};
