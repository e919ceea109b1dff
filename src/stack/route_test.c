// SPDX-License-Identifier: MIT
/* route_test.c: what a destination is, through which NIC, from which source, to which link address. */
#include "stack/route.h"

#include "route_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ETHERNET = TCPIP_LINK_RESOLUTION | TCPIP_LINK_MULTICAST, NO_DAD = TCPIP_ADDRESS_NO_DAD };

/* A host: Ethernet on 1 and 2, loopback on 3; the default route through 1. */
static void host(struct route_world *w)
{
    world_init(w, NULL, WORLD_BOTH);
    world_nic(w, 1, ETHERNET);
    world_nic(w, 2, ETHERNET);
    world_nic(w, 3, TCPIP_LINK_LOOPBACK);
    world_assign(w, 1, "10.0.1.1/24", 0);
    world_assign(w, 2, "10.0.2.1/24", 0);
    world_assign(w, 1, "fe80::1/64", NO_DAD);
    world_assign(w, 2, "fe80::2/64", NO_DAD);
    world_assign(w, 1, "2001:db8:1::1/64", NO_DAD);
    world_assign(w, 3, "127.0.0.1/8", 0);
    world_assign(w, 3, "::1/128", 0);
    struct tcpip_route_entry rows[] = {
        {world_prefix("10.0.1.0/24"), world_address(""), 1, 0, 0},
        {world_prefix("10.0.2.0/24"), world_address(""), 2, 1400, 0},
        {world_prefix("2001:db8:1::/64"), world_address(""), 1, 0, 0},
        {world_prefix("0.0.0.0/0"), world_address("10.0.1.254"), 1, 0, 0},
        {world_prefix("::/0"), world_address("fe80::99"), 1, 0, 0},
    };
    assert_int_equal(tcpip_stack_set_route_table(w->stack, rows, array_count(rows), TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
}

struct expectation {
    uint32_t bound;
    const char *local, *remote; /* local "": to be chosen */
    enum tcpip_error error;
    uint32_t nic;
    enum route_kind kind;
    const char *source;
    bool gateway;
};

static void expect(struct route_world *w, const struct expectation *e)
{
    struct tcpip_route route = {0};
    uint8_t local[16];
    memcpy(local, world_bytes(e->local), 16);
    enum tcpip_error error = tcpip__route_find(w->stack, e->bound, local, world_bytes(e->remote), &route);
    if (error != e->error)
        print_message("%s to %s\n", e->local, e->remote);
    assert_int_equal(error, e->error);
    if (error == TCPIP_OK) {
        assert_true(route_valid(&route));
        assert_int_equal(route.nic->id, e->nic);
        assert_int_equal(route.kind, e->kind);
        assert_memory_equal(local, world_bytes(e->source), 16);
        assert_int_equal(route.gateway, e->gateway);
        bool resolved = e->kind == ROUTE_UNICAST && (route.nic->caps.flags & TCPIP_LINK_RESOLUTION) != 0;
        assert_int_equal(route.neighbor != NULL, resolved);
        bool by_row = e->nic == 2 && e->kind == ROUTE_UNICAST && !address_is_link_local(world_bytes(e->remote));
        assert_int_equal(route.mtu, by_row ? 1400 : 1500);
    } else {
        assert_null(route.nic);
        assert_memory_equal(local, world_bytes(e->local), 16);
    }
    tcpip__route_release(&route);
    assert_null(route.nic);
}

static void test_every_kind_of_destination_finds_its_way(void **state)
{
    (void)state;
    static const struct expectation expectations[] = {
        /* by the table */
        {0, "", "10.0.1.7", TCPIP_OK, 1, ROUTE_UNICAST, "10.0.1.1", false},
        {0, "", "10.0.2.7", TCPIP_OK, 2, ROUTE_UNICAST, "10.0.2.1", false},
        {0, "", "192.0.2.1", TCPIP_OK, 1, ROUTE_UNICAST, "10.0.1.1", true},
        {0, "0.0.0.0", "192.0.2.1", TCPIP_OK, 1, ROUTE_UNICAST, "10.0.1.1", true},
        {0, "10.0.2.1", "192.0.2.1", TCPIP_OK, 1, ROUTE_UNICAST, "10.0.2.1", true}, /* weak host */
        {0, "", "2001:db8:9::1", TCPIP_OK, 1, ROUTE_UNICAST, "2001:db8:1::1", true},
        {2, "", "192.0.2.1", TCPIP_ERR_NO_ROUTE, 0, 0, NULL, false},
        {9, "", "192.0.2.1", TCPIP_ERR_NO_ROUTE, 0, 0, NULL, false},
        {0, "", "0.0.0.0", TCPIP_ERR_NO_ROUTE, 0, 0, NULL, false},
        {0, "", "::", TCPIP_ERR_NO_ROUTE, 0, 0, NULL, false},
        /* sources that won't do */
        {0, "10.0.9.9", "192.0.2.1", TCPIP_ERR_BAD_LOCAL_ADDRESS, 0, 0, NULL, false},
        {0, "224.0.0.1", "192.0.2.1", TCPIP_ERR_BAD_LOCAL_ADDRESS, 0, 0, NULL, false},
        {0, "255.255.255.255", "192.0.2.1", TCPIP_ERR_BAD_LOCAL_ADDRESS, 0, 0, NULL, false},
        {0, "10.0.1.255", "192.0.2.1", TCPIP_ERR_BAD_LOCAL_ADDRESS, 0, 0, NULL, false},
        {0, "::1", "192.0.2.1", TCPIP_ERR_BAD_LOCAL_ADDRESS, 0, 0, NULL, false},
        {0, "127.0.0.1", "192.0.2.1", TCPIP_ERR_BAD_LOCAL_ADDRESS, 0, 0, NULL, false},
        {0, "fe80::2", "2001:db8:9::1", TCPIP_ERR_BAD_LOCAL_ADDRESS, 0, 0, NULL, false},
        /* ours */
        {0, "", "10.0.2.1", TCPIP_OK, 2, ROUTE_LOCAL, "10.0.2.1", false},
        {1, "", "10.0.2.1", TCPIP_OK, 2, ROUTE_LOCAL, "10.0.2.1", false},
        {0, "10.0.1.1", "10.0.2.1", TCPIP_OK, 2, ROUTE_LOCAL, "10.0.1.1", false},
        {0, "127.0.0.1", "10.0.2.1", TCPIP_OK, 3, ROUTE_LOCAL, "127.0.0.1", false},
        {0, "10.0.2.1", "127.0.0.1", TCPIP_OK, 3, ROUTE_LOCAL, "10.0.2.1", false},
        {0, "10.0.9.9", "10.0.2.1", TCPIP_ERR_BAD_LOCAL_ADDRESS, 0, 0, NULL, false},
        {0, "", "127.0.0.1", TCPIP_OK, 3, ROUTE_LOCAL, "127.0.0.1", false},
        {0, "", "127.0.0.9", TCPIP_OK, 3, ROUTE_LOCAL, "127.0.0.1", false},
        {0, "127.0.0.5", "127.0.0.9", TCPIP_OK, 3, ROUTE_LOCAL, "127.0.0.5", false},
        {0, "", "::1", TCPIP_OK, 3, ROUTE_LOCAL, "::1", false},
        {0, "", "fe80::2", TCPIP_OK, 2, ROUTE_LOCAL, "fe80::2", false},
        {2, "", "fe80::2", TCPIP_OK, 2, ROUTE_LOCAL, "fe80::2", false},
        {1, "", "fe80::2", TCPIP_OK, 1, ROUTE_UNICAST, "fe80::1", false}, /* another one's, on link 1 */
        /* broadcast */
        {0, "", "10.0.2.255", TCPIP_OK, 2, ROUTE_BROADCAST, "10.0.2.1", false},
        {1, "", "10.0.2.255", TCPIP_OK, 1, ROUTE_UNICAST, "10.0.1.1", true},
        {2, "", "255.255.255.255", TCPIP_OK, 2, ROUTE_BROADCAST, "10.0.2.1", false},
        {0, "10.0.2.1", "255.255.255.255", TCPIP_OK, 2, ROUTE_BROADCAST, "10.0.2.1", false},
        {0, "", "255.255.255.255", TCPIP_OK, 1, ROUTE_BROADCAST, "10.0.1.1", false}, /* as the table says */
        /* multicast */
        {2, "", "224.0.0.251", TCPIP_OK, 2, ROUTE_MULTICAST, "10.0.2.1", false},
        {0, "10.0.2.1", "239.1.1.1", TCPIP_OK, 2, ROUTE_MULTICAST, "10.0.2.1", false},
        {0, "", "239.1.1.1", TCPIP_OK, 1, ROUTE_MULTICAST, "10.0.1.1", false},
        {2, "", "ff02::fb", TCPIP_OK, 2, ROUTE_MULTICAST, "fe80::2", false},
        {0, "fe80::2", "ff02::fb", TCPIP_OK, 2, ROUTE_MULTICAST, "fe80::2", false},
        {2, "", "ff01::1", TCPIP_OK, 2, ROUTE_LOCAL, "fe80::2", false},
        /* link-local: the NIC asked for, that of the source, what the table says */
        {2, "", "fe80::9", TCPIP_OK, 2, ROUTE_UNICAST, "fe80::2", false},
        {0, "fe80::2", "fe80::9", TCPIP_OK, 2, ROUTE_UNICAST, "fe80::2", false},
        {0, "2001:db8:1::1", "fe80::9", TCPIP_OK, 1, ROUTE_UNICAST, "2001:db8:1::1", false},
        {0, "", "fe80::9", TCPIP_OK, 1, ROUTE_UNICAST, "fe80::1", false},
        {0, "", "169.254.7.7", TCPIP_OK, 1, ROUTE_UNICAST, "10.0.1.1", false}, /* never by the gateway */
        /* loopback destinations that aren't ours stay off the wire */
        {1, "", "::2", TCPIP_OK, 1, ROUTE_UNICAST, "2001:db8:1::1", true},
    };
    struct route_world w;
    host(&w);
    for (size_t i = 0; i < array_count(expectations); i++)
        expect(&w, &expectations[i]);
    assert_int_equal(tcpip_stack_remove_address(w.stack, 3, &(struct tcpip_address){{127, 0, 0, 1}, 4}), TCPIP_OK);
    expect(&w, &(struct expectation){0, "", "127.0.0.1", TCPIP_ERR_NO_ROUTE, 0, 0, NULL, false});
    world_fini(&w);
}

static void test_link_local_goes_where_it_is_told_or_where_it_must(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_route route = {0};
    uint8_t local[16] = {0};
    host(&w);
    assert_int_equal(tcpip__route_find(w.stack, 2, local, world_bytes("fe80::9"), &route), TCPIP_OK);
    assert_int_equal(route.nic->id, 2);
    assert_int_equal(route.mtu, 1500);
    assert_memory_equal(local, world_bytes("fe80::2"), 16);
    tcpip__route_release(&route);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("fe80::9"), &route), TCPIP_OK);
    assert_int_equal(route.nic->id, 2); /* by the source, which is NIC 2's */
    tcpip__route_release(&route);
    world_assign(&w, 2, "2001:db8:2::1/64", NO_DAD); /* a source of wider scope says nothing about the link */
    memcpy(local, world_bytes("2001:db8:2::1"), 16);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("fe80::9"), &route), TCPIP_OK);
    assert_int_equal(route.nic->id, 1);
    tcpip__route_release(&route);
    /* Without a table it is ambiguous, until only one NIC is left. */
    assert_int_equal(tcpip_stack_set_route_table(w.stack, NULL, 0, TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
    memset(local, 0, 16);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("fe80::9"), &route), TCPIP_ERR_NO_ROUTE);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("239.1.1.1"), &route), TCPIP_ERR_NO_ROUTE);
    assert_int_equal(tcpip_stack_disable_nic(w.stack, 1), TCPIP_OK);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("fe80::9"), &route), TCPIP_OK);
    assert_int_equal(route.nic->id, 2);
    tcpip__route_release(&route);
    world_fini(&w);
}

static void test_a_nic_without_addresses_still_broadcasts(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_route route = {0};
    uint8_t local[16] = {0};
    world_init(&w, NULL, WORLD_BOTH);
    world_nic(&w, 1, ETHERNET);
    assert_int_equal(tcpip__route_find(w.stack, 1, local, world_bytes("255.255.255.255"), &route), TCPIP_OK);
    assert_memory_equal(local, world_bytes("0.0.0.0"), 16);
    tcpip__route_release(&route);
    memset(local, 0, 16);
    assert_int_equal(tcpip__route_find(w.stack, 1, local, world_bytes("ff02::16"), &route), TCPIP_OK);
    assert_memory_equal(local, world_bytes("::"), 16);
    tcpip__route_release(&route);
    struct tcpip_route_entry row = {world_prefix("0.0.0.0/0"), world_address(""), 1, 0, 0};
    assert_int_equal(tcpip_stack_add_route(w.stack, &row), TCPIP_OK);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("192.0.2.1"), &route), TCPIP_ERR_NO_ROUTE);
    assert_int_equal(tcpip_stack_set_spoofing(w.stack, 1, true), TCPIP_OK);
    memcpy(local, world_bytes("198.51.100.7"), 16);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("192.0.2.1"), &route), TCPIP_OK);
    tcpip__route_release(&route);
    memcpy(local, world_bytes("127.0.0.1"), 16);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("192.0.2.1"), &route),
                     TCPIP_ERR_BAD_LOCAL_ADDRESS);
    world_fini(&w);
}

static void test_tentative_and_duplicate_sources_are_not_used(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_route route = {0};
    uint8_t local[16];
    host(&w);
    world_assign(&w, 2, "2001:db8:2::1/64", 0);
    memcpy(local, world_bytes("2001:db8:2::1"), 16);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("2001:db8:9::1"), &route),
                     TCPIP_ERR_BAD_LOCAL_ADDRESS);
    struct nic_address *address = tcpip__address_find(w.stack, NULL, local);
    tcpip__address_confirm(address);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("2001:db8:9::1"), &route), TCPIP_OK);
    assert_true(route_valid(&route));
    tcpip__address_duplicate(address);
    assert_false(route_valid(&route)); /* whoever keeps it must look again */
    tcpip__route_release(&route);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("2001:db8:9::1"), &route),
                     TCPIP_ERR_BAD_LOCAL_ADDRESS);
    world_fini(&w);
}

static void test_packets_leave_with_the_link_addresses_of_their_kind(void **state)
{
    (void)state;
    static const struct {
        const char *source, *remote;
        uint8_t link[6];
    } cases[] = {
        {"10.0.1.1", "239.255.1.2", {0x01, 0x00, 0x5e, 0x7f, 0x01, 0x02}},
        {"10.0.1.1", "224.128.1.2", {0x01, 0x00, 0x5e, 0x00, 0x01, 0x02}},
        {"fe80::1", "ff02::1:ff00:1234", {0x33, 0x33, 0xff, 0x00, 0x12, 0x34}},
        {"10.0.1.1", "255.255.255.255", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
        {"10.0.1.1", "10.0.1.255", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
        {"10.0.1.1", "10.0.1.77", {2, 0, 0, 0, 0, 77}},
    };
    struct route_world w;
    host(&w);
    struct tcpip_address neighbor = world_address("10.0.1.77");
    struct tcpip_link_address link = world_link_address(77);
    assert_int_equal(tcpip_stack_add_static_neighbor(w.stack, 1, &neighbor, &link), TCPIP_OK);
    for (size_t i = 0; i < array_count(cases); i++) {
        struct tcpip_route route = {0};
        uint8_t local[16];
        memcpy(local, world_bytes(cases[i].source), 16);
        tcpip_stack_enter(w.stack);
        assert_int_equal(tcpip__route_find(w.stack, 1, local, world_bytes(cases[i].remote), &route), TCPIP_OK);
        struct tcpip_network_output how = {.local = local, .remote = world_bytes(cases[i].remote)};
        struct tcpip_packet *packet = world_packet(&w, cases[i].source, cases[i].remote);
        assert_int_equal(tcpip__route_output(&route, packet, &how), TCPIP_OK);
        tcpip__route_release(&route);
        tcpip_stack_leave(w.stack);
        const struct tcpip_packet *sent = w.links[0].sent.head;
        assert_non_null(sent);
        assert_memory_equal(sent->link_destination.bytes, cases[i].link, 6);
        assert_memory_equal(sent->link_source.bytes, world_link_address(1).bytes, 6);
        assert_int_equal(world_sent(&w, 1), 1);
    }
    world_fini(&w);
}

static void test_packets_to_ourselves_come_in_and_invalid_routes_send_nothing(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_route route = {0};
    uint8_t local[16] = {0};
    host(&w);
    struct tcpip_network_output how = {.local = local, .remote = world_bytes("10.0.2.1")};
    assert_int_equal(tcpip__route_find(w.stack, 0, local, how.remote, &route), TCPIP_OK);
    tcpip_stack_enter(w.stack);
    assert_int_equal(tcpip__route_output(&route, world_packet(&w, "10.0.2.1", "10.0.2.1"), &how), TCPIP_OK);
    tcpip_stack_leave(w.stack);
    assert_int_equal(w.looped, 1);
    assert_int_equal(w.loop_nic, 2);
    assert_int_equal(world_sent(&w, 2), 0);
    assert_int_equal(tcpip_stack_disable_nic(w.stack, 2), TCPIP_OK);
    tcpip_stack_enter(w.stack);
    assert_int_equal(tcpip__route_output(&route, world_packet(&w, "10.0.2.1", "10.0.2.1"), &how), TCPIP_ERR_NO_ROUTE);
    tcpip_stack_leave(w.stack);
    assert_int_equal(w.stack->stats.drops[TCPIP_DROP_IP_NO_ROUTE], 1);
    tcpip__route_release(&route);
    world_fini(&w);
}

static void test_the_public_question_has_the_same_answer(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_found_route found;
    host(&w);
    struct tcpip_address remote = world_address("192.0.2.1"), expected = world_address("10.0.1.254");
    assert_int_equal(tcpip_stack_find_route(w.stack, 0, NULL, &remote, &found), TCPIP_OK);
    assert_int_equal(found.nic, 1);
    assert_int_equal(found.mtu, 1500);
    assert_true(tcpip_address_equal(&found.next_hop, &expected));
    expected = world_address("10.0.1.1");
    assert_true(tcpip_address_equal(&found.local, &expected));
    remote = world_address("10.0.2.9");
    assert_int_equal(tcpip_stack_find_route(w.stack, 0, NULL, &remote, &found), TCPIP_OK);
    assert_int_equal(found.mtu, 1400);
    assert_true(tcpip_address_equal(&found.next_hop, &remote));
    assert_int_equal(tcpip_stack_neighbors(w.stack, NULL, 0), 0); /* asking leaves no trace */
    world_fini(&w);
}

static void test_an_ipv4_route_has_room_for_what_a_total_length_can_say(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_found_route found;
    host(&w);
    struct tcpip_address remote = world_address("192.0.2.1");
    tcpip__nic_find(w.stack, 1)->mtu = 65536; /* Linux's loopback */
    assert_int_equal(tcpip_stack_find_route(w.stack, 0, NULL, &remote, &found), TCPIP_OK);
    assert_int_equal(found.mtu, 65535);
    world_fini(&w);
}

static void test_a_route_needs_memory_for_its_neighbor(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_route route = {0};
    uint8_t local[16] = {0};
    host(&w);
    test_env_fail(&w.env, 1, true);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("10.0.1.7"), &route), TCPIP_ERR_NO_MEMORY);
    assert_memory_equal(local, world_bytes("::"), 16);
    test_env_fail(&w.env, 0, false);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("10.0.1.7"), &route), TCPIP_OK);
    tcpip__route_release(&route);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_destination_finds_its_way),
        cmocka_unit_test(test_link_local_goes_where_it_is_told_or_where_it_must),
        cmocka_unit_test(test_a_nic_without_addresses_still_broadcasts),
        cmocka_unit_test(test_tentative_and_duplicate_sources_are_not_used),
        cmocka_unit_test(test_packets_leave_with_the_link_addresses_of_their_kind),
        cmocka_unit_test(test_packets_to_ourselves_come_in_and_invalid_routes_send_nothing),
        cmocka_unit_test(test_the_public_question_has_the_same_answer),
        cmocka_unit_test(test_an_ipv4_route_has_room_for_what_a_total_length_can_say),
        cmocka_unit_test(test_a_route_needs_memory_for_its_neighbor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
