// SPDX-License-Identifier: MIT
/* arp_test.c: ARP in bytes: who is answered, what is learned, what is refused, conflicts; and a datagram that waits for
 * it. */
#include "network_world.h"

#include <tcpip/header/arp.h>
#include <tcpip/header/ipv4.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct network_world world;
static uint8_t packet[TCPIP_ARP_BYTES];
static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t other4[16] = {[10] = 0xff, 0xff, 10, 0, 0, 3};
static const uint8_t any4[16] = {[10] = 0xff, 0xff, 0, 0, 0, 0};

static void start(void)
{
    struct network_world_options options = {.seed = 1, .link_flags = TCPIP_LINK_RESOLUTION | TCPIP_LINK_MULTICAST};
    network_world_init(&world, &options);
    world.type = TCPIP_PACKET_BROADCAST;
}

static void arp(uint16_t operation, const uint8_t *link, const uint8_t *sender, const uint8_t *target)
{
    struct tcpip_arp_fields fields = {.operation = operation,
                                      .sender_link = link,
                                      .target_link = NULL,
                                      .sender_address = sender + 12,
                                      .target_address = target + 12};
    tcpip_arp_encode(packet, &fields);
}

static void inject(void)
{
    world_inject(&world, packet, sizeof(packet), TCPIP_PROTOCOL_ARP);
}

/* The IPv4 neighbour with this address; false: none. */
static bool neighbor(const uint8_t *address, struct tcpip_neighbor *out)
{
    struct tcpip_neighbor all[8];
    size_t count = tcpip_stack_neighbors(world.stack, all, array_count(all));
    for (size_t i = 0; i < count && i < array_count(all); i++)
        if (all[i].address.len == 4 && memcmp(all[i].address.bytes, address + 12, 4) == 0) {
            *out = all[i];
            return true;
        }
    return false;
}

static void test_a_question_about_us_is_answered_and_the_asker_remembered(void **state)
{
    (void)state;
    struct tcpip_neighbor found;
    start();
    arp(TCPIP_ARP_REQUEST, world_link_peer.bytes, world_peer4, world_us4);
    inject();
    assert_true(world_collect(&world));
    assert_int_equal(world.out_protocol, TCPIP_PROTOCOL_ARP);
    assert_int_equal(world.out_size, TCPIP_ARP_BYTES);
    assert_memory_equal(world.out_link_destination, world_link_peer.bytes, 6);
    assert_true(tcpip_arp_check(world.out, world.out_size));
    assert_int_equal(tcpip_arp_operation(world.out), TCPIP_ARP_REPLY);
    assert_memory_equal(tcpip_arp_sender_link(world.out), world_link_us.bytes, 6);
    assert_memory_equal(tcpip_arp_sender_address(world.out), world_us4 + 12, 4);
    assert_memory_equal(tcpip_arp_target_link(world.out), world_link_peer.bytes, 6);
    assert_memory_equal(tcpip_arp_target_address(world.out), world_peer4 + 12, 4);
    assert_false(world_collect(&world));
    assert_true(neighbor(world_peer4, &found));
    assert_int_equal(found.state, TCPIP_NEIGHBOR_STALE);
    assert_memory_equal(found.link.bytes, world_link_peer.bytes, 6);
    assert_int_equal(world.stack->stats.arp.requests_received, 1);
    assert_int_equal(world.stack->stats.arp.replies_sent, 1);
    network_world_fini(&world);
}

static void test_questions_about_others_are_theirs_but_update_whom_we_know(void **state)
{
    (void)state;
    static const uint8_t moved[6] = {2, 0, 0, 0, 0, 9};
    struct tcpip_neighbor found;
    start();
    arp(TCPIP_ARP_REQUEST, world_link_peer.bytes, world_peer4, other4);
    inject();
    assert_false(neighbor(world_peer4, &found));
    assert_int_equal(world_drops(&world, TCPIP_DROP_ARP_NOT_FOR_US), 1);
    assert_int_equal(world.stack->stats.arp.requests_received_unknown_target, 1);
    arp(TCPIP_ARP_REQUEST, world_link_peer.bytes, world_peer4, world_us4);
    inject();
    world_discard(&world);
    arp(TCPIP_ARP_REQUEST, moved, world_peer4, other4);
    inject();
    assert_true(neighbor(world_peer4, &found));
    assert_memory_equal(found.link.bytes, moved, 6);
    assert_false(world_collect(&world));
    network_world_fini(&world);
}

static void test_a_probe_is_answered_and_nothing_learned_from_it(void **state)
{
    (void)state;
    struct tcpip_neighbor found;
    start();
    arp(TCPIP_ARP_REQUEST, world_link_peer.bytes, any4, world_us4);
    inject();
    assert_true(world_collect(&world));
    assert_int_equal(tcpip_arp_operation(world.out), TCPIP_ARP_REPLY);
    assert_false(neighbor(any4, &found));
    network_world_fini(&world);
}

static void test_what_no_station_would_send_is_malformed(void **state)
{
    (void)state;
    static const uint8_t loopback[16] = {[10] = 0xff, 0xff, 127, 0, 0, 1}, nobody[6] = {0};
    const uint8_t *senders[] = {loopback, world_all4};
    const uint8_t *links[] = {everybody, nobody};
    uint64_t bad = 0;
    start();
    for (uint32_t i = 0; i < 2; i++) {
        arp(TCPIP_ARP_REQUEST, world_link_peer.bytes, senders[i], world_us4);
        inject();
        arp(TCPIP_ARP_REQUEST, links[i], world_peer4, world_us4);
        inject();
        bad += 2;
    }
    arp(TCPIP_ARP_REPLY, world_link_peer.bytes, any4, world_us4);
    inject();
    arp(3, world_link_peer.bytes, world_peer4, world_us4); /* RARP */
    inject();
    static const uint8_t lies[] = {1, 3, 4, 5}; /* hardware, protocol, and their lengths */
    for (uint32_t i = 0; i < array_count(lies); i++) {
        arp(TCPIP_ARP_REQUEST, world_link_peer.bytes, world_peer4, world_us4);
        packet[lies[i]] ^= 0x10;
        inject();
    }
    bad += 2 + array_count(lies);
    arp(TCPIP_ARP_REQUEST, world_link_peer.bytes, world_peer4, world_us4);
    world_inject(&world, packet, sizeof(packet) - 1, TCPIP_PROTOCOL_ARP);
    assert_int_equal(world_drops(&world, TCPIP_DROP_ARP_MALFORMED), bad + 1);
    assert_int_equal(world.stack->stats.arp.malformed_packets_received, bad); /* the short one wasn't handed up */
    assert_false(world_collect(&world));
    network_world_fini(&world);
}

static void test_a_datagram_waits_for_the_answer(void **state)
{
    (void)state;
    static const uint8_t hello[20] = "hello";
    struct tcpip_neighbor found;
    struct tcpip_network_output how = {
        .local = world_us4, .remote = world_peer4, .transport = TCPIP_PROTOCOL_UDP, .dont_fragment = true};
    start();
    assert_int_equal(world_send(&world, how, hello, sizeof(hello)), TCPIP_OK);
    assert_true(world_collect(&world));
    assert_int_equal(tcpip_arp_operation(world.out), TCPIP_ARP_REQUEST);
    assert_memory_equal(world.out_link_destination, everybody, 6);
    assert_memory_equal(tcpip_arp_sender_link(world.out), world_link_us.bytes, 6);
    assert_memory_equal(tcpip_arp_sender_address(world.out), world_us4 + 12, 4);
    assert_memory_equal(tcpip_arp_target_address(world.out), world_peer4 + 12, 4);
    assert_false(world_collect(&world));

    world.type = TCPIP_PACKET_HOST;
    arp(TCPIP_ARP_REPLY, world_link_peer.bytes, world_peer4, world_us4);
    inject();
    assert_true(world_collect(&world));
    assert_int_equal(world.out_protocol, TCPIP_PROTOCOL_IPV4);
    assert_memory_equal(world.out_link_destination, world_link_peer.bytes, 6);
    assert_memory_equal(world.out + 20, hello, sizeof(hello));
    assert_true(neighbor(world_peer4, &found));
    assert_int_equal(found.state, TCPIP_NEIGHBOR_REACHABLE);
    assert_int_equal(world.stack->stats.arp.replies_received, 1);
    network_world_fini(&world);
}

static void test_nobody_answers_and_the_sender_is_told(void **state)
{
    (void)state;
    static const uint8_t hello[20] = "hello";
    struct tcpip_network_output how = {
        .local = world_us4, .remote = world_peer4, .transport = TCPIP_PROTOCOL_UDP, .dont_fragment = true};
    start();
    assert_int_equal(world_send(&world, how, hello, sizeof(hello)), TCPIP_OK);
    for (uint32_t s = 0; s < 4; s++)
        world_advance(&world, TCPIP_SECOND);
    assert_int_equal(world.stack->stats.arp.requests_sent, 1 + 3); /* one more announced our address */
    assert_int_equal(world_drops(&world, TCPIP_DROP_NEIGHBOR_UNREACHABLE), 1);
    assert_int_equal(world.errors, 1);
    assert_int_equal(world.error.kind, TCPIP_ICMP_HOST_UNREACHABLE);
    network_world_fini(&world);
}

static void test_a_new_address_is_announced(void **state)
{
    (void)state;
    start();
    world_add_address(&world, other4, 24, 0);
    assert_true(world_collect(&world));
    assert_int_equal(tcpip_arp_operation(world.out), TCPIP_ARP_REQUEST);
    assert_memory_equal(world.out_link_destination, everybody, 6);
    assert_memory_equal(tcpip_arp_sender_address(world.out), other4 + 12, 4);
    assert_memory_equal(tcpip_arp_target_address(world.out), other4 + 12, 4);
    assert_false(world_collect(&world));
    network_world_fini(&world);
}

static void test_who_claims_our_address_is_told_once_in_ten_seconds(void **state)
{
    (void)state;
    struct tcpip_neighbor found;
    start();
    for (uint32_t second = 0; second < 25; second++) {
        arp(TCPIP_ARP_REQUEST, world_link_peer.bytes, world_us4, world_us4);
        inject();
        assert_int_equal(world_discard(&world), second % 10 == 0);
        world_advance(&world, TCPIP_SECOND);
    }
    assert_int_equal(world.stack->stats.arp.address_conflicts_received, 25);
    assert_false(neighbor(world_us4, &found));
    /* Our own announcement, come back from a link that echoes, is no conflict. */
    arp(TCPIP_ARP_REQUEST, world_link_us.bytes, world_us4, world_us4);
    inject();
    assert_int_equal(world.stack->stats.arp.address_conflicts_received, 25);
    assert_int_equal(world_drops(&world, TCPIP_DROP_ARP_NOT_FOR_US), 26);
    network_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_question_about_us_is_answered_and_the_asker_remembered),
        cmocka_unit_test(test_questions_about_others_are_theirs_but_update_whom_we_know),
        cmocka_unit_test(test_a_probe_is_answered_and_nothing_learned_from_it),
        cmocka_unit_test(test_what_no_station_would_send_is_malformed),
        cmocka_unit_test(test_a_datagram_waits_for_the_answer),
        cmocka_unit_test(test_nobody_answers_and_the_sender_is_told),
        cmocka_unit_test(test_a_new_address_is_announced),
        cmocka_unit_test(test_who_claims_our_address_is_told_once_in_ten_seconds),
    };
    return cmocka_run_group_tests_name("network/arp", tests, NULL, NULL);
}
