// SPDX-License-Identifier: MIT
/* hash_test.c: the hash's spread, and the table beside an array that knows the same members. */
#include "base/hash.h"

#include "base/math.h"
#include "test_env.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ENTRIES = 20000 };

struct entry {
    struct hash_node node;
    uint32_t key;
    bool member;
};

static struct entry entries[ENTRIES];

static uint32_t entry_hash(const struct hash_key *key, const struct hash_node *node)
{
    return tcpip__hash_bytes(key, &hash_entry(node, const struct entry, node)->key, sizeof(uint32_t));
}

/* Someone who knows how to make all keys collide, whatever the table's key. */
static uint32_t weak_hash(const struct hash_key *key, const struct hash_node *node)
{
    (void)key, (void)node;
    return 7;
}

static const struct hash_table_ops entry_ops = {entry_hash}, weak_ops = {weak_hash};

static struct entry *find(const struct hash_table *table, uint32_t key)
{
    struct entry probe = {.key = key};
    uint32_t hash = table->ops->hash(&table->key, &probe.node);
    hash_table_for_each(node, table, hash)
    {
        struct entry *entry = hash_entry(node, struct entry, node);
        if (node->hash == hash && entry->key == key)
            return entry;
    }
    return NULL;
}

static void insert(struct hash_table *table, struct entry *entry)
{
    tcpip__hash_table_insert(table, &entry->node, table->ops->hash(&table->key, &entry->node));
}

static void test_random_insertions_and_removals_match_an_array(void **state)
{
    (void)state;
    struct test_env env;
    struct memory memory;
    struct hash_table table;
    test_env_init(&env, 5);
    tcpip__memory_init(&memory, &env.env, 0);
    memset(entries, 0, sizeof(entries));
    assert_true(tcpip__hash_table_init(&table, &memory, &entry_ops, 99));
    uint32_t count = 0, most = 0;
    for (uint32_t round = 0; round < 300000; round++) {
        uint64_t r = test_env_random(&env);
        /* Swells and ebbs, so that the table grows and shrinks several times. */
        uint32_t key = (uint32_t)(r >> 32) % ENTRIES;
        bool want = r % 100 < (round / 50000 % 2 == 0 ? 90u : 5u);
        struct entry *entry = &entries[key];
        entry->key = key;
        if (entry->member != want) {
            if (want)
                insert(&table, entry);
            else
                tcpip__hash_table_remove(&table, &entry->node);
            entry->member = want;
            count += want ? 1 : UINT32_MAX;
            most = max_u32(most, count);
        }
        assert_int_equal(table.count, count);
        key = (uint32_t)(r >> 8) % ENTRIES;
        assert_ptr_equal(find(&table, key), entries[key].member ? &entries[key] : NULL);
        if (round % 50000 == 49999)
            for (key = 0; key < ENTRIES; key++)
                assert_ptr_equal(find(&table, key), entries[key].member ? &entries[key] : NULL);
        assert_true(round < 1000 || count / 2 <= table.bucket_mask + 1);
    }
    assert_true(most > ENTRIES / 2);
    assert_int_equal(table.rekeys, 0);
    for (uint32_t key = 0; key < ENTRIES; key++)
        if (entries[key].member)
            tcpip__hash_table_remove(&table, &entries[key].node);
    assert_true(table.bucket_mask < 64); /* it gave its memory back */
    tcpip__hash_table_fini(&table);
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

static void test_without_memory_it_gets_slower_and_not_wrong(void **state)
{
    (void)state;
    struct test_env env;
    struct memory memory;
    struct hash_table table;
    test_env_init(&env, 5);
    tcpip__memory_init(&memory, &env.env, 0);
    memset(entries, 0, sizeof(entries));
    test_env_fail(&env, 1, false);
    assert_false(tcpip__hash_table_init(&table, &memory, &entry_ops, 1));
    assert_true(tcpip__hash_table_init(&table, &memory, &entry_ops, 1));
    test_env_fail(&env, 1, true);
    for (uint32_t key = 0; key < 500; key++) {
        entries[key].key = key;
        insert(&table, &entries[key]);
    }
    assert_int_equal(table.bucket_mask, 15);
    assert_true(env.failed < 60); /* it doesn't ask each time */
    test_env_fail(&env, 0, false);
    for (uint32_t key = 500; key < 1000; key++) {
        entries[key].key = key;
        insert(&table, &entries[key]);
    }
    assert_true(table.bucket_mask > 200);
    for (uint32_t key = 0; key < 1000; key++) {
        assert_ptr_equal(find(&table, key), &entries[key]);
        tcpip__hash_table_remove(&table, &entries[key].node);
        assert_null(find(&table, key));
    }
    tcpip__hash_table_fini(&table);
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

static void test_a_long_chain_changes_the_key(void **state)
{
    (void)state;
    struct test_env env;
    struct memory memory;
    struct hash_table table;
    test_env_init(&env, 5);
    tcpip__memory_init(&memory, &env.env, 0);
    memset(entries, 0, sizeof(entries));
    assert_true(tcpip__hash_table_init(&table, &memory, &weak_ops, 1));
    for (uint32_t key = 0; key < 200; key++) {
        entries[key].key = key;
        insert(&table, &entries[key]);
    }
    /* It does so at once, and while that doesn't help, more and more seldom: an insertion stays O(1) amortised. */
    assert_in_range(table.rekeys, 2, 4);
    for (uint32_t key = 0; key < 200; key++)
        assert_ptr_equal(find(&table, key), &entries[key]);
    for (uint32_t key = 0; key < 200; key++)
        tcpip__hash_table_remove(&table, &entries[key].node);
    tcpip__hash_table_fini(&table);
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

static void test_every_input_bit_moves_half_of_the_output(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 1);
    struct hash_key key = tcpip__hash_key_random(&rng);
    for (size_t size = 1; size <= 48; size++) {
        uint8_t bytes[48];
        uint32_t flips = 0, trials = 0;
        for (int round = 0; round < 8; round++) {
            for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)rng_u32(&rng);
            uint32_t before = tcpip__hash_bytes(&key, bytes, size);
            for (size_t bit = 0; bit < size * 8; bit++, trials++) {
                bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
                uint32_t moved = (uint32_t)__builtin_popcount(before ^ tcpip__hash_bytes(&key, bytes, size));
                bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
                assert_true(moved > 1);
                flips += moved;
            }
        }
        assert_in_range(10 * flips / trials, 145, 175);
    }
}

static void test_length_and_key_count(void **state)
{
    (void)state;
    static const uint8_t zeroes[64];
    struct rng rng;
    rng_init(&rng, 1);
    struct hash_key a = tcpip__hash_key_random(&rng), b = tcpip__hash_key_random(&rng);
    for (size_t i = 0; i <= sizeof(zeroes); i++) {
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(tcpip__hash_bytes(&a, zeroes, i), tcpip__hash_bytes(&a, zeroes, j));
        assert_int_not_equal(tcpip__hash_bytes(&a, zeroes, i), tcpip__hash_bytes(&b, zeroes, i));
    }
}

static void test_neighbouring_flows_spread_as_chance_would(void **state)
{
    (void)state;
    static uint8_t counts[65536];
    uint32_t flow[9] = {0x0a000001, 0, 0, 0xffff, 0xc0a80001, 0, 0, 0xffff, 0}, most = 0, empty = 0;
    struct rng rng;
    rng_init(&rng, 7);
    struct hash_key key = tcpip__hash_key_random(&rng);
    memset(counts, 0, sizeof(counts));
    for (uint32_t port = 0; port < 65536; port++) {
        flow[8] = port << 16 | 80;
        counts[tcpip__hash_bytes(&key, flow, sizeof(flow)) & 0xffff]++;
    }
    for (uint32_t i = 0; i < 65536; i++) {
        most = max_u32(most, counts[i]);
        empty += counts[i] == 0;
    }
    assert_in_range(most, 5, 12);
    assert_in_range(empty, 65536 * 35 / 100, 65536 * 38 / 100); /* 1/e of them */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_insertions_and_removals_match_an_array),
        cmocka_unit_test(test_without_memory_it_gets_slower_and_not_wrong),
        cmocka_unit_test(test_a_long_chain_changes_the_key),
        cmocka_unit_test(test_every_input_bit_moves_half_of_the_output),
        cmocka_unit_test(test_length_and_key_count),
        cmocka_unit_test(test_neighbouring_flows_spread_as_chance_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
