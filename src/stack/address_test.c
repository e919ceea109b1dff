// SPDX-License-Identifier: MIT
/* address_test.c: what is ours and what isn't, told to whom, and the same as a naive list says, at random. */
#include "stack/nic.h"

#include "route_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ETHERNET = TCPIP_LINK_RESOLUTION | TCPIP_LINK_MULTICAST };

static enum destination_kind kind(struct tcpip_nic *nic, const char *address)
{
    return tcpip__nic_destination(nic, world_bytes(address));
}

static enum tcpip_error add(struct route_world *w, uint32_t nic, const char *prefix)
{
    struct tcpip_prefix p = world_prefix(prefix);
    return tcpip_stack_add_address(w->stack, nic, &p, NULL);
}

static enum tcpip_error del(struct route_world *w, uint32_t nic, const char *address)
{
    struct tcpip_address a = world_address(address);
    return tcpip_stack_remove_address(w->stack, nic, &a);
}

static void test_addresses_are_listed_in_the_order_of_assignment(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_assigned_address out[4];
    world_init(&w, NULL, WORLD_BOTH);
    world_nic(&w, 1, ETHERNET);
    world_nic(&w, 2, 0);
    world_assign(&w, 2, "192.0.2.1/32", 0);
    world_assign(&w, 1, "10.0.0.2/24", TCPIP_ADDRESS_DEPRECATED);
    world_assign(&w, 1, "10.0.0.1/24", 0);
    world_assign(&w, 1, "2001:db8::1/64", TCPIP_ADDRESS_NO_DAD);
    assert_int_equal(tcpip_stack_addresses(w.stack, out, 2), 4);
    assert_int_equal(tcpip_stack_addresses(w.stack, out, 4), 4);
    assert_int_equal(out[0].nic, 1);
    assert_int_equal(out[0].prefix.bits, 24);
    assert_int_equal(out[0].flags, TCPIP_ADDRESS_DEPRECATED);
    struct tcpip_address expected = world_address("10.0.0.2");
    assert_true(tcpip_address_equal(&out[0].prefix.address, &expected));
    assert_int_equal(out[2].prefix.address.len, 16);
    assert_int_equal(out[3].nic, 2);
    assert_int_equal(del(&w, 1, "10.0.0.2"), TCPIP_OK);
    assert_int_equal(del(&w, 1, "10.0.0.2"), TCPIP_ERR_BAD_LOCAL_ADDRESS);
    assert_int_equal(del(&w, 9, "10.0.0.1"), TCPIP_ERR_UNKNOWN_NIC_ID);
    assert_int_equal(tcpip_stack_addresses(w.stack, out, 4), 3);
    expected = world_address("10.0.0.1");
    assert_int_equal(tcpip_stack_check_local_address(w.stack, 0, &expected), 1);
    assert_int_equal(tcpip_stack_check_local_address(w.stack, 2, &expected), 0);
    assert_int_equal(tcpip_stack_check_local_address(w.stack, 9, &expected), 0);
    world_fini(&w);
}

static void test_what_cannot_be_assigned_is_refused(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_limits limits = {.size = sizeof(limits), .addresses_per_nic = 2};
    world_init(&w, &limits, WORLD_V4);
    world_nic(&w, 1, ETHERNET);
    assert_int_equal(add(&w, 9, "10.0.0.1/24"), TCPIP_ERR_UNKNOWN_NIC_ID);
    assert_int_equal(add(&w, 1, "2001:db8::1/64"), TCPIP_ERR_UNKNOWN_PROTOCOL);
    assert_int_equal(add(&w, 1, "0.0.0.0/0"), TCPIP_ERR_BAD_ADDRESS);
    assert_int_equal(add(&w, 1, "224.0.0.5/32"), TCPIP_ERR_BAD_ADDRESS);
    assert_int_equal(add(&w, 1, "255.255.255.255/32"), TCPIP_ERR_BAD_ADDRESS);
    assert_int_equal(add(&w, 1, "::ffff:10.0.0.1/128"), TCPIP_ERR_BAD_ADDRESS);
    struct tcpip_prefix wide = {world_address("10.0.0.1"), 33};
    assert_int_equal(tcpip_stack_add_address(w.stack, 1, &wide, NULL), TCPIP_ERR_INVALID_ARGUMENT);
    wide.address.len = 0;
    assert_int_equal(tcpip_stack_add_address(w.stack, 1, &wide, NULL), TCPIP_ERR_BAD_ADDRESS);
    assert_int_equal(add(&w, 1, "10.0.0.1/24"), TCPIP_OK);
    assert_int_equal(add(&w, 1, "10.0.0.1/16"), TCPIP_ERR_DUPLICATE_ADDRESS);
    assert_int_equal(add(&w, 1, "10.0.0.2/24"), TCPIP_OK);
    assert_int_equal(add(&w, 1, "10.0.0.3/24"), TCPIP_ERR_LIMIT_REACHED);
    assert_int_equal(del(&w, 1, "10.0.0.1"), TCPIP_OK);
    assert_int_equal(add(&w, 1, "10.0.0.3/24"), TCPIP_OK);
    world_fini(&w);
}

static void test_an_address_of_another_nic_is_ours_but_a_link_local_one_is_not(void **state)
{
    (void)state;
    struct route_world w;
    world_init(&w, NULL, WORLD_BOTH);
    struct tcpip_nic *one = world_nic(&w, 1, ETHERNET), *two = world_nic(&w, 2, ETHERNET);
    struct tcpip_nic *lo = world_nic(&w, 3, TCPIP_LINK_LOOPBACK);
    world_assign(&w, 1, "10.0.0.1/24", 0);
    world_assign(&w, 1, "169.254.1.1/16", 0);
    world_assign(&w, 1, "fe80::1/64", TCPIP_ADDRESS_NO_DAD);
    world_assign(&w, 3, "127.0.0.1/8", 0);
    world_assign(&w, 3, "::1/128", 0);
    for (int again = 0; again < 2; again++) { /* the second answers come from what was remembered */
        assert_int_equal(kind(one, "10.0.0.1"), DESTINATION_UNICAST);
        assert_int_equal(kind(two, "10.0.0.1"), DESTINATION_UNICAST);
        assert_int_equal(kind(two, "10.0.0.2"), DESTINATION_NONE);
        assert_int_equal(kind(one, "fe80::1"), DESTINATION_UNICAST);
        assert_int_equal(kind(two, "fe80::1"), DESTINATION_NONE);
        assert_int_equal(kind(one, "169.254.1.1"), DESTINATION_UNICAST);
        assert_int_equal(kind(two, "169.254.1.1"), DESTINATION_NONE);
        assert_int_equal(kind(lo, "127.0.0.1"), DESTINATION_UNICAST);
        assert_int_equal(kind(one, "127.0.0.1"), DESTINATION_NONE);
        assert_int_equal(kind(lo, "::1"), DESTINATION_UNICAST);
        assert_int_equal(kind(one, "::1"), DESTINATION_NONE);
        assert_int_equal(kind(lo, "127.9.9.9"), DESTINATION_UNICAST); /* the prefix is ours as a whole */
        assert_int_equal(kind(lo, "127.255.255.255"), DESTINATION_BROADCAST);
        assert_int_equal(kind(one, "127.9.9.9"), DESTINATION_NONE);
    }
    struct tcpip_address nine = world_address("127.9.9.9");
    assert_int_equal(tcpip_stack_check_local_address(w.stack, 0, &nine), 3);
    assert_int_equal(tcpip_stack_disable_nic(w.stack, 1), TCPIP_OK);
    assert_int_equal(kind(two, "10.0.0.1"), DESTINATION_NONE); /* a NIC that is down has nothing */
    world_fini(&w);
}

static void test_prefixes_up_to_30_bits_have_a_broadcast_address(void **state)
{
    (void)state;
    struct route_world w;
    world_init(&w, NULL, WORLD_V4);
    struct tcpip_nic *one = world_nic(&w, 1, ETHERNET), *two = world_nic(&w, 2, ETHERNET);
    world_assign(&w, 1, "10.0.0.1/24", 0);
    world_assign(&w, 1, "10.0.0.2/24", 0);
    world_assign(&w, 1, "10.0.1.0/31", 0);
    world_assign(&w, 1, "10.0.2.1/32", 0);
    world_assign(&w, 1, "10.0.3.1/30", 0);
    assert_int_equal(kind(one, "10.0.0.255"), DESTINATION_BROADCAST);
    assert_int_equal(kind(two, "10.0.0.255"), DESTINATION_NONE);
    assert_int_equal(kind(one, "255.255.255.255"), DESTINATION_BROADCAST);
    assert_int_equal(kind(two, "255.255.255.255"), DESTINATION_BROADCAST);
    assert_int_equal(kind(one, "10.0.1.1"), DESTINATION_NONE);
    assert_int_equal(kind(one, "10.0.3.3"), DESTINATION_BROADCAST);
    assert_int_equal(kind(one, "10.0.0.0"), DESTINATION_NONE);
    assert_int_equal(kind(one, "0.0.0.0"), DESTINATION_NONE);
    /* Whoever of the two goes first, the broadcast address stays until the last goes. */
    assert_int_equal(del(&w, 1, "10.0.0.1"), TCPIP_OK);
    assert_int_equal(kind(one, "10.0.0.255"), DESTINATION_BROADCAST);
    assert_int_equal(add(&w, 1, "10.0.0.7/24"), TCPIP_OK);
    assert_int_equal(del(&w, 1, "10.0.0.2"), TCPIP_OK);
    assert_int_equal(kind(one, "10.0.0.255"), DESTINATION_BROADCAST);
    assert_int_equal(del(&w, 1, "10.0.0.7"), TCPIP_OK);
    assert_int_equal(kind(one, "10.0.0.255"), DESTINATION_NONE);
    assert_int_equal(tcpip_stack_set_promiscuous(w.stack, 1, true), TCPIP_OK);
    assert_int_equal(kind(one, "8.8.8.8"), DESTINATION_UNICAST);
    assert_int_equal(kind(one, "0.0.0.0"), DESTINATION_NONE);
    assert_int_equal(kind(one, "224.9.9.9"), DESTINATION_NONE);
    assert_int_equal(tcpip_stack_set_promiscuous(w.stack, 1, false), TCPIP_OK);
    assert_int_equal(kind(one, "8.8.8.8"), DESTINATION_NONE);
    world_fini(&w);
}

static void test_groups_are_counted_and_the_wire_hears_of_the_first_and_the_last(void **state)
{
    (void)state;
    struct route_world w;
    world_init(&w, NULL, WORLD_BOTH);
    struct tcpip_nic *one = world_nic(&w, 1, ETHERNET);
    assert_int_equal(kind(one, "224.0.0.1"), DESTINATION_MULTICAST);
    assert_int_equal(kind(one, "ff02::1"), DESTINATION_MULTICAST);
    assert_int_equal(w.groups.count, 2);
    tcpip_stack_enter(w.stack);
    assert_int_equal(tcpip__nic_join(one, world_bytes("239.1.1.1")), TCPIP_OK);
    assert_int_equal(tcpip__nic_join(one, world_bytes("239.1.1.1")), TCPIP_OK);
    assert_int_equal(tcpip__nic_join(one, world_bytes("10.1.1.1")), TCPIP_ERR_BAD_ADDRESS);
    assert_int_equal(w.groups.count, 3);
    assert_int_equal(tcpip__nic_leave(one, world_bytes("239.1.1.1")), TCPIP_OK);
    assert_int_equal(w.groups.count, 3);
    assert_true(tcpip__nic_in_group(one, world_bytes("239.1.1.1")));
    assert_int_equal(tcpip_stack_disable_nic(w.stack, 1), TCPIP_OK);
    assert_int_equal(w.groups.count, 6);
    assert_false(w.groups.items[5].on);
    assert_int_equal(tcpip__nic_join(one, world_bytes("239.1.1.2")), TCPIP_OK);
    assert_int_equal(w.groups.count, 6); /* down: nothing to say */
    assert_int_equal(tcpip_stack_enable_nic(w.stack, 1), TCPIP_OK);
    assert_int_equal(w.groups.count, 10);
    assert_int_equal(tcpip__nic_leave(one, world_bytes("239.1.1.1")), TCPIP_OK);
    assert_int_equal(w.groups.count, 11);
    assert_memory_equal(w.groups.items[10].address, world_bytes("239.1.1.1"), 16);
    assert_false(w.groups.items[10].on);
    assert_int_equal(tcpip__nic_leave(one, world_bytes("239.1.1.1")), TCPIP_ERR_BAD_LOCAL_ADDRESS);
    assert_int_equal(kind(one, "239.1.1.1"), DESTINATION_NONE);
    tcpip_stack_leave(w.stack);
    world_fini(&w);
}

static void test_ipv6_addresses_start_tentative_where_others_could_have_them(void **state)
{
    (void)state;
    struct route_world w;
    world_init(&w, NULL, WORLD_BOTH);
    struct tcpip_nic *one = world_nic(&w, 1, ETHERNET), *two = world_nic(&w, 2, 0);
    struct tcpip_address address = world_address("2001:db8::1");
    world_assign(&w, 1, "2001:db8::1/64", 0);
    world_assign(&w, 1, "2001:db8::2/64", TCPIP_ADDRESS_NO_DAD);
    world_assign(&w, 2, "2001:db8::3/64", 0);
    world_assign(&w, 1, "10.0.0.1/24", 0);
    assert_int_equal(w.addresses.count, 4);
    struct nic_address *tentative = tcpip__address_find(w.stack, one, world_bytes("2001:db8::1"));
    assert_int_equal(tentative->flags, TCPIP_ADDRESS_TENTATIVE);
    assert_int_equal(kind(one, "2001:db8::1"), DESTINATION_NONE);
    assert_int_equal(kind(one, "2001:db8::2"), DESTINATION_UNICAST);
    assert_int_equal(kind(two, "2001:db8::3"), DESTINATION_UNICAST);
    assert_int_equal(tcpip_stack_check_local_address(w.stack, 1, &address), 0);
    uint32_t generation = w.stack->route_generation;
    tcpip__address_confirm(tentative);
    assert_int_not_equal(w.stack->route_generation, generation);
    assert_int_equal(kind(one, "2001:db8::1"), DESTINATION_UNICAST);
    assert_int_equal(tcpip_stack_check_local_address(w.stack, 1, &address), 1);
    tcpip__address_duplicate(tentative);
    assert_int_equal(tentative->flags, TCPIP_ADDRESS_DUPLICATE);
    assert_int_equal(kind(one, "2001:db8::1"), DESTINATION_NONE);
    /* Down and up: perhaps another link. */
    w.addresses.count = 0;
    assert_int_equal(tcpip_stack_disable_nic(w.stack, 1), TCPIP_OK);
    assert_int_equal(w.addresses.count, 3);
    assert_false(w.addresses.items[0].on);
    assert_int_equal(tcpip_stack_enable_nic(w.stack, 1), TCPIP_OK);
    assert_int_equal(w.addresses.count, 6);
    assert_int_equal(tentative->flags, TCPIP_ADDRESS_TENTATIVE);
    /* Flags that a caller may set, and those he may not. */
    assert_int_equal(
        tcpip_stack_set_address_flags(w.stack, 1, &address, TCPIP_ADDRESS_DEPRECATED | TCPIP_ADDRESS_DUPLICATE),
        TCPIP_OK);
    assert_int_equal(tentative->flags, TCPIP_ADDRESS_TENTATIVE | TCPIP_ADDRESS_DEPRECATED);
    assert_int_equal(tcpip_stack_set_address_flags(w.stack, 2, &address, 0), TCPIP_ERR_BAD_LOCAL_ADDRESS);
    world_fini(&w);
}

enum { TWIN_ADDRESSES = 24 };

struct twin {
    bool on;
    uint8_t nic, host, bits;
};

static enum destination_kind twin_kind(const struct twin *twin, uint8_t host)
{
    for (int i = 0; i < TWIN_ADDRESSES; i++)
        if (twin[i].on && twin[i].host == host)
            return DESTINATION_UNICAST;
    return DESTINATION_NONE;
}

static bool twin_broadcast(const struct twin *twin, uint8_t nic, uint8_t host)
{
    for (int i = 0; i < TWIN_ADDRESSES; i++) {
        if (twin[i].on && twin[i].nic == nic && twin[i].bits <= 30 &&
            (twin[i].host | (uint8_t)(0xffu >> (twin[i].bits - 24))) == host)
            return true;
    }
    return false;
}

static void test_a_naive_list_of_addresses_agrees(void **state)
{
    (void)state;
    struct route_world w;
    struct twin twin[TWIN_ADDRESSES] = {0};
    world_init(&w, NULL, WORLD_V4);
    for (uint32_t i = 1; i <= 3; i++)
        world_nic(&w, i, ETHERNET);
    for (int step = 0; step < 20000; step++) {
        uint64_t random = test_env_random(&w.env);
        struct twin *t = &twin[random % TWIN_ADDRESSES];
        struct twin fresh = {true, (uint8_t)(1 + (random >> 8) % 3), (uint8_t)(random >> 16),
                             (uint8_t)(24 + (random >> 32) % 9)};
        struct tcpip_prefix prefix = {tcpip_address_v4(10, 0, 0, t->on ? t->host : fresh.host), fresh.bits};
        if (t->on) {
            assert_int_equal(tcpip_stack_remove_address(w.stack, t->nic, &prefix.address), TCPIP_OK);
            t->on = false;
        } else {
            bool taken = false;
            for (int i = 0; i < TWIN_ADDRESSES; i++)
                taken |= twin[i].on && twin[i].nic == fresh.nic && twin[i].host == fresh.host;
            assert_int_equal(tcpip_stack_add_address(w.stack, fresh.nic, &prefix, NULL),
                             taken ? TCPIP_ERR_DUPLICATE_ADDRESS : TCPIP_OK);
            if (!taken)
                *t = fresh;
        }
        uint8_t host = (uint8_t)(random >> 40), at = (uint8_t)(1 + (random >> 48) % 3);
        struct tcpip_address asked = tcpip_address_v4(10, 0, 0, host);
        uint8_t bytes[16];
        address_internal(&asked, bytes);
        enum destination_kind expected = twin_kind(twin, host);
        if (expected == DESTINATION_NONE && twin_broadcast(twin, at, host))
            expected = DESTINATION_BROADCAST;
        assert_int_equal(tcpip__nic_destination(tcpip_stack_nic(w.stack, at), bytes), expected);
    }
    world_fini(&w);
}

static void test_memory_that_runs_out_leaves_nothing_behind(void **state)
{
    (void)state;
    for (uint64_t k = 1;; k++) {
        struct route_world w;
        world_init(&w, NULL, WORLD_BOTH);
        struct world_link *link = &w.links[0];
        world_nic(&w, 2, ETHERNET);
        *link = w.links[1]; /* its ops and flags, for a NIC that is made by hand */
        link->link.stack = NULL;
        test_env_fail(&w.env, k, true);
        struct tcpip_prefix prefix = world_prefix("10.0.0.1/24");
        enum tcpip_error error = tcpip_stack_create_nic(w.stack, 1, &link->link, NULL);
        if (error == TCPIP_OK)
            error = tcpip_stack_add_address(w.stack, 1, &prefix, NULL);
        if (error == TCPIP_OK)
            error = tcpip__nic_join(tcpip_stack_nic(w.stack, 1), world_bytes("239.1.1.1"));
        bool done = error == TCPIP_OK;
        assert_true(done || error == TCPIP_ERR_NO_MEMORY);
        test_env_fail(&w.env, 0, false);
        world_fini(&w);
        if (done)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_listed_in_the_order_of_assignment),
        cmocka_unit_test(test_what_cannot_be_assigned_is_refused),
        cmocka_unit_test(test_an_address_of_another_nic_is_ours_but_a_link_local_one_is_not),
        cmocka_unit_test(test_prefixes_up_to_30_bits_have_a_broadcast_address),
        cmocka_unit_test(test_groups_are_counted_and_the_wire_hears_of_the_first_and_the_last),
        cmocka_unit_test(test_ipv6_addresses_start_tentative_where_others_could_have_them),
        cmocka_unit_test(test_a_naive_list_of_addresses_agrees),
        cmocka_unit_test(test_memory_that_runs_out_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
