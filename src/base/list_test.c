// SPDX-License-Identifier: MIT
/* list_test.c: the list and the ring. */
#include "base/list.h"
#include "base/ring.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    struct tcpip_list_node node;
    int value;
};

static int value_of(const struct tcpip_list_node *node)
{
    return node == NULL ? -1 : list_entry(node, const struct item, node)->value;
}

static void assert_values(struct list *list, const int *values, int count)
{
    int i = 0;
    list_for_each(node, list)
    {
        assert_true(i < count);
        assert_int_equal(value_of(node), values[i]);
        assert_int_equal(value_of(list_prev(list, node)), i == 0 ? -1 : values[i - 1]);
        assert_int_equal(value_of(list_next(list, node)), i == count - 1 ? -1 : values[i + 1]);
        i++;
    }
    assert_int_equal(i, count);
    assert_int_equal(list_empty(list), count == 0);
    assert_int_equal(value_of(list_first(list)), count == 0 ? -1 : values[0]);
    assert_int_equal(value_of(list_last(list)), count == 0 ? -1 : values[count - 1]);
}

static void test_both_ends_and_the_middle(void **state)
{
    (void)state;
    struct item items[5] = {{.value = 0}, {.value = 1}, {.value = 2}, {.value = 3}, {.value = 4}};
    struct list list;
    list_init(&list);
    assert_values(&list, NULL, 0);
    list_push_back(&list, &items[2].node);
    list_push_front(&list, &items[1].node);
    list_push_back(&list, &items[4].node);
    list_insert_before(&items[4].node, &items[3].node);
    list_insert_after(&list.head, &items[0].node);
    assert_values(&list, (const int[]){0, 1, 2, 3, 4}, 5);
    assert_true(list_node_linked(&items[2].node));
    list_remove(&items[2].node);
    assert_false(list_node_linked(&items[2].node));
    list_remove_if_linked(&items[2].node);
    assert_values(&list, (const int[]){0, 1, 3, 4}, 4);
    assert_int_equal(value_of(list_pop_front(&list)), 0);
    assert_int_equal(value_of(list_pop_back(&list)), 4);
    assert_false(list_node_linked(&items[0].node));
    assert_values(&list, (const int[]){1, 3}, 2);
}

static void test_a_safe_loop_may_remove_every_node(void **state)
{
    (void)state;
    struct item items[10];
    struct list list;
    memset(items, 0, sizeof(items));
    list_init(&list);
    for (int i = 0; i < 10; i++) {
        items[i].value = i;
        list_push_back(&list, &items[i].node);
    }
    list_for_each_safe(node, following, &list)
    {
        list_remove(node);
    }
    assert_values(&list, NULL, 0);
    assert_null(list_pop_front(&list));
    assert_null(list_pop_back(&list));
}

static void test_a_splice_moves_all_in_order(void **state)
{
    (void)state;
    struct item items[4] = {{.value = 0}, {.value = 1}, {.value = 2}, {.value = 3}};
    struct list a, b;
    list_init(&a);
    list_init(&b);
    list_splice_back(&a, &b);
    assert_values(&a, NULL, 0);
    list_push_back(&b, &items[0].node);
    list_push_back(&b, &items[1].node);
    list_splice_back(&a, &b);
    assert_values(&a, (const int[]){0, 1}, 2);
    assert_values(&b, NULL, 0);
    list_push_back(&b, &items[2].node);
    list_push_back(&b, &items[3].node);
    list_splice_back(&a, &b);
    assert_values(&a, (const int[]){0, 1, 2, 3}, 4);
    list_remove(&items[0].node);
    list_remove(&items[3].node);
    assert_values(&a, (const int[]){1, 2}, 2);
}

static void test_a_ring_wraps_and_wastes_no_place(void **state)
{
    (void)state;
    uint32_t places[8], next = 0, oldest = 0;
    struct ring ring;
    ring_init(&ring, 8);
    ring.head = ring.tail = UINT32_MAX - 3; /* the counters wrap under way */
    for (int round = 0; round < 100; round++) {
        while (!ring_full(&ring))
            places[ring_push(&ring)] = next++;
        assert_int_equal(ring_count(&ring), 8);
        assert_int_equal(places[ring_at(&ring, 0)], oldest);
        assert_int_equal(places[ring_at(&ring, 7)], next - 1);
        for (int i = 0; i <= round % 8; i++)
            assert_int_equal(places[ring_pop(&ring)], oldest++);
    }
    while (!ring_empty(&ring))
        assert_int_equal(places[ring_pop(&ring)], oldest++);
    assert_int_equal(oldest, next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ends_and_the_middle),
        cmocka_unit_test(test_a_safe_loop_may_remove_every_node),
        cmocka_unit_test(test_a_splice_moves_all_in_order),
        cmocka_unit_test(test_a_ring_wraps_and_wastes_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
