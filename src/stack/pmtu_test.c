// SPDX-License-Identifier: MIT
/* pmtu_test.c: a path MTU falls, keeps its floor, ages, and gives way at the cap. */
#include "stack/pmtu.h"

#include "route_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint32_t get(struct route_world *w, const char *remote)
{
    struct tcpip_route route = {.stack = w->stack, .mtu = 1500};
    return tcpip__pmtu_get(&route, world_bytes(remote));
}

static uint32_t update(struct route_world *w, const char *remote, uint32_t mtu)
{
    return tcpip__pmtu_lower(w->stack, 1, world_bytes(remote), mtu);
}

static void test_a_path_mtu_only_falls_and_not_under_its_floor(void **state)
{
    (void)state;
    struct route_world w;
    world_init(&w, NULL, WORLD_BOTH);
    assert_int_equal(get(&w, "192.0.2.1"), 1500);
    assert_int_equal(update(&w, "192.0.2.1", 1400), 1400);
    assert_int_equal(get(&w, "192.0.2.1"), 1400);
    assert_int_equal(get(&w, "192.0.2.2"), 1500);
    assert_int_equal(update(&w, "192.0.2.1", 1450), 1400);
    assert_int_equal(get(&w, "192.0.2.1"), 1400);
    assert_int_equal(update(&w, "192.0.2.1", 68), 552);
    assert_int_equal(update(&w, "192.0.2.1", 0), 552);
    assert_int_equal(update(&w, "2001:db8::1", 0), 1280);
    assert_int_equal(get(&w, "2001:db8::1"), 1280);
    assert_int_equal(update(&w, "192.0.2.3", 9000), 9000);
    assert_int_equal(get(&w, "192.0.2.3"), 1500); /* never over the NIC's */
    world_fini(&w);
}

static void test_it_is_forgotten_ten_minutes_after_it_was_last_told(void **state)
{
    (void)state;
    struct route_world w;
    world_init(&w, NULL, WORLD_BOTH);
    update(&w, "192.0.2.1", 1400);
    world_pass(&w, 599 * TCPIP_SECOND);
    assert_int_equal(get(&w, "192.0.2.1"), 1400);
    update(&w, "192.0.2.1", 1450); /* a larger claim prolongs nothing */
    world_pass(&w, TCPIP_SECOND);
    assert_int_equal(get(&w, "192.0.2.1"), 1500);
    update(&w, "192.0.2.1", 1400);
    world_pass(&w, 599 * TCPIP_SECOND);
    update(&w, "192.0.2.1", 1400);
    world_pass(&w, 599 * TCPIP_SECOND);
    assert_int_equal(get(&w, "192.0.2.1"), 1400);
    world_pass(&w, TCPIP_SECOND);
    assert_int_equal(get(&w, "192.0.2.1"), 1500);
    assert_int_equal(update(&w, "192.0.2.1", 1450), 1450); /* starts anew */
    world_fini(&w);
}

static void test_at_the_cap_the_least_recently_used_goes(void **state)
{
    (void)state;
    enum { CAP = 64 };
    struct route_world w;
    struct tcpip_limits limits = {.size = sizeof(limits), .path_mtus = CAP};
    struct tcpip_route route = {.mtu = 1500};
    uint8_t remote[16];
    world_init(&w, &limits, WORLD_BOTH);
    route.stack = w.stack;
    struct tcpip_address address = tcpip_address_v4(10, 0, 0, 0);
    address_internal(&address, remote);
    for (uint8_t i = 0; i < CAP; i++) {
        remote[15] = i;
        assert_int_equal(tcpip__pmtu_lower(w.stack, 0, remote, 1000), 1000);
    }
    remote[15] = 0; /* used: spared */
    assert_int_equal(tcpip__pmtu_get(&route, remote), 1000);
    remote[15] = CAP;
    assert_int_equal(tcpip__pmtu_lower(w.stack, 0, remote, 1000), 1000);
    for (uint8_t i = 0; i <= CAP; i++) {
        remote[15] = i;
        assert_int_equal(tcpip__pmtu_get(&route, remote), i == 1 ? 1500 : 1000);
    }
    world_fini(&w);
}

static void test_without_memory_it_is_told_but_not_kept(void **state)
{
    (void)state;
    struct route_world w;
    world_init(&w, NULL, WORLD_BOTH);
    test_env_fail(&w.env, 1, true);
    assert_int_equal(update(&w, "192.0.2.1", 1400), 1400);
    test_env_fail(&w.env, 0, false);
    assert_int_equal(get(&w, "192.0.2.1"), 1500);
    world_fini(&w);
}

static void test_a_path_narrower_than_the_floor_is_known_to_be_so(void **state)
{
    (void)state;
    struct route_world w;
    struct path_mtu path;
    world_init(&w, NULL, WORLD_BOTH);
    struct tcpip_route route = {.stack = w.stack, .mtu = 1500};
    update(&w, "192.0.2.1", 600);
    tcpip__pmtu_look(&route, world_bytes("192.0.2.1"), &path);
    assert_int_equal(path.mtu, 600);
    assert_false(path.narrow);
    update(&w, "192.0.2.1", 296);
    tcpip__pmtu_look(&route, world_bytes("192.0.2.1"), &path);
    assert_int_equal(path.mtu, 552);
    assert_true(path.narrow);
    tcpip__pmtu_look(&route, world_bytes("192.0.2.2"), &path);
    assert_int_equal(path.mtu, 1500);
    assert_false(path.narrow);
    assert_int_equal(w.stack->stats.path_mtu.below_floor, 1);
    assert_int_equal(w.stack->stats.path_mtu.lowered, 2);
    world_fini(&w);
}

static void test_a_link_local_destination_is_another_one_on_each_nic(void **state)
{
    (void)state;
    struct route_world w;
    world_init(&w, NULL, WORLD_BOTH);
    struct tcpip_route first = {.stack = w.stack, .mtu = 1500, .nic = world_nic(&w, 1, 0)};
    struct tcpip_route second = {.stack = w.stack, .mtu = 1500, .nic = world_nic(&w, 2, 0)};
    tcpip__pmtu_lower(w.stack, 1, world_bytes("fe80::1"), 1300);
    assert_int_equal(tcpip__pmtu_get(&first, world_bytes("fe80::1")), 1300);
    assert_int_equal(tcpip__pmtu_get(&second, world_bytes("fe80::1")), 1500);
    tcpip__pmtu_lower(w.stack, 1, world_bytes("2001:db8::1"), 1300); /* a global one is the same everywhere */
    assert_int_equal(tcpip__pmtu_get(&second, world_bytes("2001:db8::1")), 1300);
    assert_int_equal(tcpip_stack_remove_nic(w.stack, 1), TCPIP_OK);
    assert_int_equal(tcpip_stack_path_mtus(w.stack, NULL, 0), 1);
    world_fini(&w);
}

static void test_probes_raise_what_they_have_found(void **state)
{
    (void)state;
    struct route_world w;
    struct path_mtu path;
    world_init(&w, NULL, WORLD_BOTH);
    struct tcpip_route route = {.stack = w.stack, .mtu = 1500};
    const uint8_t *remote = world_bytes("192.0.2.1");
    tcpip__pmtu_probed(&route, remote, 1200, false); /* arrives; nothing says that more doesn't */
    tcpip__pmtu_look(&route, remote, &path);
    assert_int_equal(path.mtu, 1500);
    assert_int_equal(path.proven, 1200);
    assert_false(path.probed);
    tcpip__pmtu_probed(&route, remote, 1200, true);
    tcpip__pmtu_look(&route, remote, &path);
    assert_int_equal(path.mtu, 1200);
    assert_true(path.probed);
    tcpip__pmtu_probed(&route, remote, 1400, false);
    assert_int_equal(tcpip__pmtu_get(&route, remote), 1400);
    world_pass(&w, 599 * TCPIP_SECOND);
    tcpip__pmtu_probed(&route, remote, 1500, false);
    tcpip__pmtu_look(&route, remote, &path);
    assert_int_equal(path.mtu, 1500);
    assert_int_equal(path.proven, 1500);
    world_pass(&w, 600 * TCPIP_SECOND);
    tcpip__pmtu_look(&route, remote, &path);
    assert_int_equal(path.proven, 0);
    assert_int_equal(w.stack->stats.path_mtu.expired, 1);
    assert_int_equal(w.stack->stats.path_mtu.raised, 2);
    world_fini(&w);
}

static void test_the_operator_reads_sets_and_removes(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_path_mtu rows[4], row = {.destination = world_address("192.0.2.1"), .mtu = 1400};
    world_init(&w, NULL, WORLD_BOTH);
    assert_int_equal(tcpip_stack_set_default(w.stack, TCPIP_OPTION_PATH_MTU_LIFETIME, TCPIP_SECOND), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_path_mtu(w.stack, &row), TCPIP_OK);
    row.destination = world_address("2001:db8::1");
    row.expires_at = TCPIP_NEVER;
    assert_int_equal(tcpip_stack_set_path_mtu(w.stack, &row), TCPIP_OK);
    assert_int_equal(tcpip_stack_path_mtus(w.stack, rows, 4), 2);
    assert_int_equal(rows[0].mtu, 1400);
    assert_int_equal(rows[0].destination.len, 4);
    assert_int_equal(rows[1].expires_at, TCPIP_NEVER);
    assert_int_equal(get(&w, "192.0.2.1"), 1400);
    world_pass(&w, TCPIP_SECOND);
    assert_int_equal(tcpip_stack_path_mtus(w.stack, rows, 1), 1);
    assert_int_equal(rows[0].destination.len, 16);
    assert_int_equal(get(&w, "192.0.2.1"), 1500);
    assert_int_equal(get(&w, "2001:db8::1"), 1400);
    assert_int_equal(tcpip_stack_remove_path_mtu(w.stack, 0, &row.destination), TCPIP_OK);
    assert_int_equal(tcpip_stack_remove_path_mtu(w.stack, 0, &row.destination), TCPIP_ERR_BAD_ADDRESS);
    assert_int_equal(tcpip_stack_set_path_mtu(w.stack, &row), TCPIP_OK);
    assert_int_equal(tcpip_stack_remove_path_mtu(w.stack, 0, NULL), TCPIP_OK);
    assert_int_equal(tcpip_stack_path_mtus(w.stack, NULL, 0), 0);
    row.mtu = 1279;
    assert_int_equal(tcpip_stack_set_path_mtu(w.stack, &row), TCPIP_ERR_INVALID_ARGUMENT);
    row = (struct tcpip_path_mtu){.destination = world_address("192.0.2.1"), .mtu = 1400, .proven = 1401};
    assert_int_equal(tcpip_stack_set_path_mtu(w.stack, &row), TCPIP_ERR_INVALID_ARGUMENT);
    row.destination = world_address("224.0.0.1");
    assert_int_equal(tcpip_stack_set_path_mtu(w.stack, &row), TCPIP_ERR_BAD_ADDRESS);
    row.destination = world_address("fe80::1");
    assert_int_equal(tcpip_stack_set_path_mtu(w.stack, &row), TCPIP_ERR_UNKNOWN_NIC_ID);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_mtu_only_falls_and_not_under_its_floor),
        cmocka_unit_test(test_it_is_forgotten_ten_minutes_after_it_was_last_told),
        cmocka_unit_test(test_a_path_narrower_than_the_floor_is_known_to_be_so),
        cmocka_unit_test(test_a_link_local_destination_is_another_one_on_each_nic),
        cmocka_unit_test(test_probes_raise_what_they_have_found),
        cmocka_unit_test(test_the_operator_reads_sets_and_removes),
        cmocka_unit_test(test_at_the_cap_the_least_recently_used_goes),
        cmocka_unit_test(test_without_memory_it_is_told_but_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
