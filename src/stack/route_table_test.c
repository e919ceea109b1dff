// SPDX-License-Identifier: MIT
/* route_table_test.c: both orders against a scan of all rows, at random; replacement, limits, NICs that come and go. */
#include "stack/route_table.h"

#include "route_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct tcpip_route_entry row(const char *destination, const char *gateway, uint32_t nic)
{
    return (struct tcpip_route_entry){world_prefix(destination), world_address(gateway), nic, 0, 0};
}

/* The NIC that a lookup leads to; 0: none. */
static uint32_t nic_of(struct route_world *w, const char *remote, const char *local)
{
    struct route_query query = {world_bytes(remote), NULL, local != NULL ? world_bytes(local) : NULL};
    const struct route_row *found = tcpip__route_lookup(w->stack, &query);
    return found != NULL ? found->nic->id : 0;
}

static void three_nics(struct route_world *w, const struct tcpip_limits *limits)
{
    world_init(w, limits, WORLD_BOTH);
    for (uint32_t i = 1; i <= 3; i++)
        world_nic(w, i, 0);
}

static void test_the_first_row_that_matches_wins_or_the_longest(void **state)
{
    (void)state;
    struct route_world w;
    three_nics(&w, NULL);
    struct tcpip_route_entry rows[] = {
        row("10.0.0.0/8", "", 1),  row("10.1.0.0/16", "", 2), row("0.0.0.0/0", "10.0.0.9", 3),
        row("10.1.2.0/24", "", 3), row("::/0", "fe80::1", 1), row("2001:db8::/32", "", 2),
    };
    assert_int_equal(tcpip_stack_set_route_table(w.stack, rows, array_count(rows), TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
    assert_int_equal(nic_of(&w, "10.1.2.3", NULL), 1);
    assert_int_equal(nic_of(&w, "11.1.2.3", NULL), 3);
    assert_int_equal(nic_of(&w, "2001:db8::1", NULL), 1);
    assert_int_equal(tcpip_stack_set_route_table(w.stack, rows, array_count(rows), TCPIP_ROUTE_LONGEST_PREFIX),
                     TCPIP_OK);
    assert_int_equal(nic_of(&w, "10.1.2.3", NULL), 3);
    assert_int_equal(nic_of(&w, "10.1.3.3", NULL), 2);
    assert_int_equal(nic_of(&w, "10.2.3.3", NULL), 1);
    assert_int_equal(nic_of(&w, "11.1.2.3", NULL), 3);
    assert_int_equal(nic_of(&w, "2001:db8::1", NULL), 2);
    assert_int_equal(nic_of(&w, "2001:db9::1", NULL), 1);
    world_fini(&w);
}

static void test_rows_match_their_own_family_only(void **state)
{
    (void)state;
    struct route_world w;
    three_nics(&w, NULL);
    struct tcpip_route_entry rows[] = {row("::/0", "", 1), row("::ffff:0:0/96", "", 1), {.nic = 1}};
    assert_int_equal(tcpip_stack_set_route_table(w.stack, rows, array_count(rows), TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
    assert_int_equal(nic_of(&w, "10.1.2.3", NULL), 0);
    struct tcpip_route_entry v4 = row("0.0.0.0/0", "", 2);
    assert_int_equal(tcpip_stack_add_route(w.stack, &v4), TCPIP_OK);
    assert_int_equal(nic_of(&w, "10.1.2.3", NULL), 2);
    assert_int_equal(nic_of(&w, "2001::1", NULL), 1);
    world_fini(&w);
}

static void test_bits_beyond_the_prefix_do_not_count(void **state)
{
    (void)state;
    struct route_world w;
    three_nics(&w, NULL);
    struct tcpip_route_entry rows[] = {row("10.1.2.3/12", "", 1), row("2001:db8:ffff::1/33", "", 2)};
    assert_int_equal(tcpip_stack_set_route_table(w.stack, rows, array_count(rows), TCPIP_ROUTE_LONGEST_PREFIX),
                     TCPIP_OK);
    assert_int_equal(nic_of(&w, "10.15.0.0", NULL), 1);
    assert_int_equal(nic_of(&w, "10.16.0.0", NULL), 0);
    assert_int_equal(nic_of(&w, "2001:db8:8000::", NULL), 2);
    assert_int_equal(nic_of(&w, "2001:db8:7fff::", NULL), 0);
    world_fini(&w);
}

static void test_a_bad_row_leaves_the_table_as_it_was(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_limits limits = {.size = sizeof(limits), .routes = 3};
    three_nics(&w, &limits);
    struct tcpip_route_entry good = row("0.0.0.0/0", "", 2), rows[4];
    assert_int_equal(tcpip_stack_set_route_table(w.stack, &good, 1, TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
    uint32_t generation = w.stack->route_generation;
    rows[0] = row("0.0.0.0/0", "", 1);
    struct {
        struct tcpip_route_entry row;
        enum tcpip_error error;
    } bad[] = {
        {row("0.0.0.0/0", "", 9), TCPIP_ERR_UNKNOWN_NIC_ID},
        {{{world_address("10.0.0.1"), 33}, {{0}, 0}, 1, 0, 0}, TCPIP_ERR_INVALID_ARGUMENT},
        {{{{{1}, 7}, 3}, {{0}, 0}, 1, 0, 0}, TCPIP_ERR_INVALID_ARGUMENT},
        {row("0.0.0.0/0", "fe80::1", 1), TCPIP_ERR_INVALID_ARGUMENT},
        {row("0.0.0.0/0", "224.0.0.1", 1), TCPIP_ERR_INVALID_ARGUMENT},
        {{world_prefix("::/0"), {{0}, 0}, 1, 1279, 0}, TCPIP_ERR_INVALID_ARGUMENT},
        {{world_prefix("0.0.0.0/0"), {{0}, 0}, 1, 67, 0}, TCPIP_ERR_INVALID_ARGUMENT},
    };
    for (size_t i = 0; i < array_count(bad); i++) {
        rows[1] = bad[i].row;
        assert_int_equal(tcpip_stack_set_route_table(w.stack, rows, 2, TCPIP_ROUTE_FIRST_MATCH), bad[i].error);
        assert_int_equal(tcpip_stack_add_route(w.stack, &bad[i].row), bad[i].error);
    }
    assert_int_equal(tcpip_stack_set_route_table(w.stack, rows, 4, TCPIP_ROUTE_FIRST_MATCH), TCPIP_ERR_LIMIT_REACHED);
    assert_int_equal(tcpip_stack_set_route_table(w.stack, rows, 1, (enum tcpip_route_order)7),
                     TCPIP_ERR_INVALID_ARGUMENT);
    test_env_fail(&w.env, 2, true);
    assert_int_equal(tcpip_stack_set_route_table(w.stack, rows, 1, TCPIP_ROUTE_FIRST_MATCH), TCPIP_ERR_NO_MEMORY);
    test_env_fail(&w.env, 0, false);
    assert_int_equal(nic_of(&w, "8.8.8.8", NULL), 2);
    assert_int_equal(w.stack->route_generation, generation);
    assert_int_equal(tcpip_stack_add_route(w.stack, &good), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_route(w.stack, &good), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_route(w.stack, &good), TCPIP_ERR_LIMIT_REACHED);
    assert_int_equal(tcpip_stack_set_route_table(w.stack, NULL, 0, TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
    assert_int_equal(nic_of(&w, "8.8.8.8", NULL), 0);
    world_fini(&w);
}

static void test_rows_of_a_nic_rest_while_it_is_down_and_go_with_it(void **state)
{
    (void)state;
    struct route_world w;
    three_nics(&w, NULL);
    struct tcpip_route_entry rows[] = {row("10.0.0.0/8", "", 1), row("10.0.0.0/8", "", 2), row("0.0.0.0/0", "", 3)};
    for (int order = TCPIP_ROUTE_FIRST_MATCH; order <= TCPIP_ROUTE_LONGEST_PREFIX; order++) {
        assert_int_equal(tcpip_stack_set_route_table(w.stack, rows, 3, (enum tcpip_route_order)order), TCPIP_OK);
        assert_int_equal(nic_of(&w, "10.1.1.1", NULL), 1);
        assert_int_equal(tcpip_stack_disable_nic(w.stack, 1), TCPIP_OK);
        assert_int_equal(nic_of(&w, "10.1.1.1", NULL), 2);
        assert_int_equal(tcpip_stack_disable_nic(w.stack, 2), TCPIP_OK);
        assert_int_equal(nic_of(&w, "10.1.1.1", NULL), 3);
        assert_int_equal(tcpip_stack_enable_nic(w.stack, 1), TCPIP_OK);
        assert_int_equal(tcpip_stack_enable_nic(w.stack, 2), TCPIP_OK);
        assert_int_equal(nic_of(&w, "10.1.1.1", NULL), 1);
    }
    assert_int_equal(tcpip_stack_remove_nic(w.stack, 1), TCPIP_OK);
    assert_int_equal(nic_of(&w, "10.1.1.1", NULL), 2);
    world_nic(&w, 1, 0); /* another NIC of that name inherits nothing */
    assert_int_equal(nic_of(&w, "10.1.1.1", NULL), 2);
    assert_true(tcpip__route_table_remove(w.stack, &rows[1]));
    assert_false(tcpip__route_table_remove(w.stack, &rows[1]));
    assert_int_equal(nic_of(&w, "10.1.1.1", NULL), 3);
    world_fini(&w);
}

static void test_rows_through_the_nic_of_the_source_go_first(void **state)
{
    (void)state;
    struct route_world w;
    three_nics(&w, NULL);
    world_assign(&w, 1, "10.0.1.1/24", 0);
    world_assign(&w, 2, "10.0.2.1/24", 0);
    struct tcpip_route_entry rows[] = {row("0.0.0.0/0", "10.0.1.9", 1), row("0.0.0.0/0", "10.0.2.9", 2),
                                       row("192.0.2.0/24", "10.0.1.9", 1)};
    assert_int_equal(tcpip_stack_set_route_table(w.stack, rows, 3, TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
    assert_int_equal(nic_of(&w, "8.8.8.8", NULL), 1);
    assert_int_equal(nic_of(&w, "8.8.8.8", "10.0.1.1"), 1);
    assert_int_equal(nic_of(&w, "8.8.8.8", "10.0.2.1"), 2);
    assert_int_equal(nic_of(&w, "8.8.8.8", "10.0.3.1"), 1); /* nobody's: as without */
    assert_int_equal(nic_of(&w, "192.0.2.1", "10.0.2.1"), 2);
    assert_int_equal(tcpip_stack_set_route_table(w.stack, rows, 3, TCPIP_ROUTE_LONGEST_PREFIX), TCPIP_OK);
    assert_int_equal(nic_of(&w, "8.8.8.8", "10.0.2.1"), 2);
    assert_int_equal(nic_of(&w, "192.0.2.1", "10.0.2.1"), 1); /* the longest prefix is the longest prefix */
    world_fini(&w);
}

/* The same by looking at every row. */
static const struct tcpip_route_entry *naive(const struct tcpip_route_entry *rows, size_t n,
                                             const struct tcpip_address *remote, enum tcpip_route_order order,
                                             uint32_t down)
{
    const struct tcpip_route_entry *best = NULL;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].nic == down || !tcpip_prefix_contains(&rows[i].destination, remote))
            continue;
        if (best == NULL || (order == TCPIP_ROUTE_LONGEST_PREFIX && rows[i].destination.bits > best->destination.bits))
            best = &rows[i];
    }
    return best;
}

static struct tcpip_address random_address(struct route_world *w, bool v6)
{
    /* Few values a byte, so that prefixes nest and repeat. */
    struct tcpip_address a = {{0}, v6 ? 16 : 4};
    uint64_t random = test_env_random(&w->env);
    for (uint8_t i = 0; i < a.len; i++)
        a.bytes[i] = (uint8_t)((random >> (i * 4)) & 3) * 0x55;
    if (v6)
        a.bytes[0] = 0x20;
    return a;
}

static void test_a_scan_of_all_rows_agrees(void **state)
{
    (void)state;
    enum { ROWS = 600 };
    static struct tcpip_route_entry rows[ROWS];
    struct route_world w;
    three_nics(&w, NULL);
    for (uint32_t round = 0; round < 60; round++) {
        enum tcpip_route_order order = (enum tcpip_route_order)(round % 2);
        size_t n = round < 4 ? round : test_env_random(&w.env) % ROWS, at_once = n - n % 7;
        for (size_t i = 0; i < n; i++) {
            uint64_t random = test_env_random(&w.env);
            bool v6 = (random & 1) != 0;
            rows[i] = (struct tcpip_route_entry){.destination.address = random_address(&w, v6),
                                                 .nic = (uint32_t)(1 + (random >> 8) % 3),
                                                 .mtu = 2000 + (uint32_t)i};
            rows[i].destination.bits = (uint8_t)((random >> 16) % (v6 ? 129 : 33));
        }
        assert_int_equal(tcpip_stack_set_route_table(w.stack, rows, at_once, order), TCPIP_OK);
        for (size_t i = at_once; i < n; i++)
            assert_int_equal(tcpip_stack_add_route(w.stack, &rows[i]), TCPIP_OK);
        uint32_t down = round % 4; /* 0: none */
        if (down != 0)
            assert_int_equal(tcpip_stack_disable_nic(w.stack, down), TCPIP_OK);
        for (int i = 0; i < 400; i++) {
            struct tcpip_address remote = random_address(&w, i % 2 == 0);
            uint8_t bytes[16];
            address_internal(&remote, bytes);
            struct route_query query = {bytes, NULL, NULL};
            const struct route_row *found = tcpip__route_lookup(w.stack, &query);
            const struct tcpip_route_entry *expected = naive(rows, n, &remote, order, down);
            assert_int_equal(found != NULL ? found->mtu : 0, expected != NULL ? expected->mtu : 0);
        }
        if (down != 0)
            assert_int_equal(tcpip_stack_enable_nic(w.stack, down), TCPIP_OK);
    }
    world_fini(&w);
}

static void test_ten_thousand_routes_are_found_by_their_length(void **state)
{
    (void)state;
    enum { ROWS = 10000 };
    static struct tcpip_route_entry rows[ROWS];
    struct route_world w;
    struct tcpip_limits limits = {.size = sizeof(limits), .routes = ROWS};
    three_nics(&w, &limits);
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = (struct tcpip_route_entry){
            {tcpip_address_v4(10, (uint8_t)(i >> 8), (uint8_t)i, 0), 24}, {{0}, 0}, 1 + i % 3, 0, 0};
    for (int order = TCPIP_ROUTE_FIRST_MATCH; order <= TCPIP_ROUTE_LONGEST_PREFIX; order++) {
        assert_int_equal(tcpip_stack_set_route_table(w.stack, rows, ROWS, (enum tcpip_route_order)order), TCPIP_OK);
        for (uint32_t i = 0; i < ROWS; i++) {
            struct tcpip_address remote = tcpip_address_v4(10, (uint8_t)(i >> 8), (uint8_t)i, 77);
            uint8_t bytes[16];
            address_internal(&remote, bytes);
            struct route_query query = {bytes, NULL, NULL};
            assert_int_equal(tcpip__route_lookup(w.stack, &query)->nic->id, 1 + i % 3);
        }
    }
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_row_that_matches_wins_or_the_longest),
        cmocka_unit_test(test_rows_match_their_own_family_only),
        cmocka_unit_test(test_bits_beyond_the_prefix_do_not_count),
        cmocka_unit_test(test_a_bad_row_leaves_the_table_as_it_was),
        cmocka_unit_test(test_rows_of_a_nic_rest_while_it_is_down_and_go_with_it),
        cmocka_unit_test(test_rows_through_the_nic_of_the_source_go_first),
        cmocka_unit_test(test_a_scan_of_all_rows_agrees),
        cmocka_unit_test(test_ten_thousand_routes_are_found_by_their_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
