// SPDX-License-Identifier: MIT
/* tree_test.c: the tree beside a bitmap that knows the same members. */
#include "base/tree.h"

#include "test_env.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { KEYS = 512 };

struct item {
    struct tree_node node;
    uint32_t key;
};

static int compare(const struct tree_node *node, const void *key)
{
    uint32_t a = tree_entry(node, const struct item, node)->key, b = *(const uint32_t *)key;
    return a < b ? -1 : a > b;
}

static uint32_t key_of(const struct tree_node *node)
{
    return node == NULL ? UINT32_MAX : tree_entry(node, const struct item, node)->key;
}

static void check_against(const struct tree *tree, const bool *member)
{
    const struct tree_node *node = tcpip__tree_first(tree);
    uint32_t last = UINT32_MAX, count = 0;
    for (uint32_t key = 0; key < KEYS; key++) {
        if (!member[key])
            continue;
        assert_int_equal(key_of(node), key);
        assert_int_equal(key_of(tcpip__tree_prev(node)), last);
        node = tcpip__tree_next(node);
        last = key;
        count++;
    }
    assert_null(node);
    assert_int_equal(key_of(tcpip__tree_last(tree)), last);
    assert_int_equal(tcpip__tree_check(tree), count);
}

static void test_random_insertions_and_removals_match_a_bitmap(void **state)
{
    (void)state;
    static struct item items[KEYS];
    bool member[KEYS] = {false};
    struct tree tree;
    struct test_env env;
    test_env_init(&env, 1);
    tree_init(&tree);
    memset(items, 0, sizeof(items));
    for (uint32_t round = 0; round < 20000; round++) {
        uint32_t key = (uint32_t)(test_env_random(&env) % KEYS);
        items[key].key = key;
        if (member[key]) {
            tcpip__tree_remove(&tree, &items[key].node);
            assert_false(tree_node_linked(&items[key].node));
        } else {
            assert_null(tcpip__tree_insert(&tree, &items[key].node, compare, &key));
        }
        member[key] = !member[key];
        if (round % 64 == 0)
            check_against(&tree, member);
    }
    check_against(&tree, member);
    test_env_fini(&env);
}

static void test_searches_match_a_scan(void **state)
{
    (void)state;
    static struct item items[KEYS];
    struct tree tree;
    tree_init(&tree);
    memset(items, 0, sizeof(items));
    for (uint32_t key = 10; key < KEYS; key += 7) {
        items[key].key = key;
        assert_null(tcpip__tree_insert(&tree, &items[key].node, compare, &key));
    }
    for (uint32_t key = 0; key < KEYS; key++) {
        bool member = key >= 10 && (key - 10) % 7 == 0;
        uint32_t after = key, before = key;
        while (after < KEYS && !(after >= 10 && (after - 10) % 7 == 0))
            after++;
        while (before != UINT32_MAX && !(before >= 10 && (before - 10) % 7 == 0))
            before--;
        assert_int_equal(key_of(tcpip__tree_find(&tree, compare, &key)), member ? key : UINT32_MAX);
        assert_int_equal(key_of(tcpip__tree_lower_bound(&tree, compare, &key)), after < KEYS ? after : UINT32_MAX);
        assert_int_equal(key_of(tcpip__tree_floor(&tree, compare, &key)), before);
    }
}

static void test_a_key_that_is_there_is_returned_and_nothing_changes(void **state)
{
    (void)state;
    struct item a = {.key = 1}, b = {.key = 1};
    struct tree tree;
    tree_init(&tree);
    assert_null(tcpip__tree_insert(&tree, &a.node, compare, &a.key));
    assert_ptr_equal(tcpip__tree_insert(&tree, &b.node, compare, &b.key), &a.node);
    assert_false(tree_node_linked(&b.node));
    assert_int_equal(tcpip__tree_check(&tree), 1);
}

static void test_ascending_keys_keep_it_low(void **state)
{
    (void)state;
    static struct item items[4096];
    struct tree tree;
    tree_init(&tree);
    memset(items, 0, sizeof(items));
    for (uint32_t key = 0; key < array_count(items); key++) {
        items[key].key = key;
        assert_null(tcpip__tree_insert(&tree, &items[key].node, compare, &key));
    }
    assert_int_equal(tcpip__tree_check(&tree), array_count(items));
    assert_int_equal(tree.root->height, 13); /* the least possible for 4096 */
}

static void test_nodes_go_directly_before_and_after_a_position(void **state)
{
    (void)state;
    static struct item items[200];
    uint32_t order[200], count = 0;
    struct test_env env;
    struct tree tree;
    test_env_init(&env, 3);
    tree_init(&tree);
    memset(items, 0, sizeof(items));
    for (uint32_t i = 0; i < array_count(items); i++) {
        uint32_t at = (uint32_t)(test_env_random(&env) % (count + 1)); /* becomes the at-th */
        struct tree_node *position = at < count ? &items[order[at]].node : NULL;
        items[i].key = i;
        if (i % 2 == 0)
            tcpip__tree_insert_before(&tree, position, &items[i].node);
        else
            tcpip__tree_insert_after(&tree, at == 0 ? NULL : &items[order[at - 1]].node, &items[i].node);
        memmove(&order[at + 1], &order[at], (count - at) * sizeof(order[0]));
        order[at] = i;
        count++;
        tcpip__tree_check(&tree);
    }
    const struct tree_node *node = tcpip__tree_first(&tree);
    for (uint32_t i = 0; i < count; i++, node = tcpip__tree_next(node))
        assert_int_equal(key_of(node), order[i]);
    assert_null(node);
    test_env_fini(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_insertions_and_removals_match_a_bitmap),
        cmocka_unit_test(test_searches_match_a_scan),
        cmocka_unit_test(test_a_key_that_is_there_is_returned_and_nothing_changes),
        cmocka_unit_test(test_ascending_keys_keep_it_low),
        cmocka_unit_test(test_nodes_go_directly_before_and_after_a_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
