// SPDX-License-Identifier: MIT
/* pmtu_test.c: a path MTU falls, keeps its floor, ages, and gives way at the cap. */
#include "stack/route.h"

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
    return tcpip__pmtu_update(w->stack, world_bytes(remote), mtu);
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
    struct tcpip_limits limits = {.size = sizeof(limits), .endpoints = CAP};
    struct tcpip_route route = {.mtu = 1500};
    uint8_t remote[16];
    world_init(&w, &limits, WORLD_BOTH);
    route.stack = w.stack;
    struct tcpip_address address = tcpip_address_v4(10, 0, 0, 0);
    address_internal(&address, remote);
    for (uint8_t i = 0; i < CAP; i++) {
        remote[15] = i;
        assert_int_equal(tcpip__pmtu_update(w.stack, remote, 1000), 1000);
    }
    remote[15] = 0; /* used: spared */
    assert_int_equal(tcpip__pmtu_get(&route, remote), 1000);
    remote[15] = CAP;
    assert_int_equal(tcpip__pmtu_update(w.stack, remote, 1000), 1000);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_mtu_only_falls_and_not_under_its_floor),
        cmocka_unit_test(test_it_is_forgotten_ten_minutes_after_it_was_last_told),
        cmocka_unit_test(test_at_the_cap_the_least_recently_used_goes),
        cmocka_unit_test(test_without_memory_it_is_told_but_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
