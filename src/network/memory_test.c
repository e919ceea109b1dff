// SPDX-License-Identifier: MIT
/* memory_test.c: the network layer with memory running out at every point: packets are lost, counted and freed, and
 * nothing else happens. */
#include "network/ip.h"
#include "network_world.h"

#include <tcpip/header/arp.h>
#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/ndp.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { HOARD_MAX = 4096, PACKETS_LEFT_MAX = 44 };

static struct network_world world;
static uint8_t bytes[WORLD_BYTES_MAX], body[WORLD_BYTES_MAX];

/* Injects what memory allows: a link without memory loses packets too. */
static void inject(size_t size, uint16_t link_protocol)
{
    struct tcpip_packet *packet = tcpip_packet_new(world.stack);
    if (packet == NULL)
        return;
    if (tcpip_packet_append(packet, bytes, size) != TCPIP_OK) {
        tcpip_packet_free(packet);
        return;
    }
    packet->link_protocol = link_protocol;
    packet->link_source = (struct tcpip_link_address_bytes){{2, 0, 0, 0, 0, 2}};
    tcpip_channel_inject(world.link, packet);
}

static void inject_v4(uint8_t protocol, uint16_t offset, bool more, size_t size)
{
    struct world_v4 fields = {.source = world_peer4,
                              .destination = world_us4,
                              .protocol = protocol,
                              .id = 7,
                              .offset = offset,
                              .flags = more ? TCPIP_IPV4_MORE_FRAGMENTS : 0};
    inject(world_v4(bytes, fields, body, size), TCPIP_PROTOCOL_IPV4);
}

static void inject_v6(const uint8_t *destination, uint8_t next_header, uint8_t hop_limit, size_t size)
{
    struct world_v6 fields = {
        .source = world_peer6, .destination = destination, .next_header = next_header, .hop_limit = hop_limit};
    inject(world_v6(bytes, fields, body, size), 0x86dd);
}

static void inject_fragment_v6(uint16_t offset, bool more, size_t size)
{
    memset(body, 0, 8 + size);
    tcpip_ipv6_fragment_encode(body, &(struct tcpip_ipv6_fragment_fields){
                                         .next_header = TCPIP_PROTOCOL_UDP, .offset = offset, .more = more, .id = 3});
    inject_v6(world_us6, TCPIP_IPV6_FRAGMENT, 64, 8 + size);
}

static void send(const uint8_t *local, const uint8_t *remote, size_t size)
{
    struct tcpip_route route = {0};
    uint8_t source[16];
    struct tcpip_network_output how = {.local = source, .remote = remote, .transport = TCPIP_PROTOCOL_UDP};
    memcpy(source, local, 16);
    tcpip_stack_enter(world.stack);
    struct tcpip_packet *packet = tcpip_packet_new(world.stack);
    if (packet != NULL && tcpip_packet_append(packet, body, size) != TCPIP_OK) {
        tcpip_packet_free(packet);
        packet = NULL;
    }
    enum tcpip_error error = tcpip__route_find(world.stack, 0, source, remote, &route);
    if (packet != NULL && error == TCPIP_OK)
        error = tcpip__route_output(&route, packet, &how);
    else if (packet != NULL)
        tcpip_packet_free(packet);
    tcpip__route_release(&route);
    tcpip_stack_leave(world.stack);
}

/* A bit of everything. */
static void live(void)
{
    size_t size = world_icmp4(body, (struct world_icmp){TCPIP_ICMPV4_ECHO_REQUEST, 0, 1}, bytes, 600);
    inject_v4(TCPIP_PROTOCOL_ICMPV4, 0, false, size);
    size = world_icmp6(body, world_peer6, world_us6, (struct world_icmp){TCPIP_ICMPV6_ECHO_REQUEST, 0, 1}, bytes, 600);
    inject_v6(world_us6, TCPIP_PROTOCOL_ICMPV6, 64, size);
    inject_v4(TCPIP_PROTOCOL_UDP, 0, true, 800);
    inject_v4(TCPIP_PROTOCOL_UDP, 1600, false, 80);
    inject_v4(TCPIP_PROTOCOL_UDP, 800, true, 800);
    inject_fragment_v6(800, false, 900);
    inject_fragment_v6(0, true, 800);
    for (uint16_t at = 0; at < 24 * 104; at = (uint16_t)(at + 104)) /* more pieces than a packet has views */
        inject_v4(99, at, at + 104 < 24 * 104, 104);
    struct tcpip_arp_fields arp = {.operation = TCPIP_ARP_REQUEST,
                                   .sender_link = world_link_peer.bytes,
                                   .sender_address = world_peer4 + 12,
                                   .target_address = world_us4 + 12};
    tcpip_arp_encode(bytes, &arp);
    inject(TCPIP_ARP_BYTES, TCPIP_PROTOCOL_ARP);
    size = tcpip_ndp_neighbor_solicitation_encode(body, world_us6);
    uint16_t sum = tcpip_checksum_pseudo_v6(world_peer6, world_us6, TCPIP_PROTOCOL_ICMPV6, (uint32_t)size);
    tcpip_icmpv6_set_checksum(body, tcpip_checksum_finish(tcpip_checksum(body, size, sum)));
    inject_v6(world_us6, TCPIP_PROTOCOL_ICMPV6, 255, size);
    inject_v4(98, 0, false, 300); /* an unknown protocol: an error to send */
    inject_v6(world_us6, 98, 64, 300);
    send(world_us4, world_far4, 4000);
    send(world_us6, world_far6, 4000);
    world_advance(&world, 31 * TCPIP_SECOND);
    world_advance(&world, 31 * TCPIP_SECOND);
}

static void test_memory_that_runs_out_loses_packets_and_nothing_else(void **state)
{
    (void)state;
    static struct tcpip_packet *hoard[HOARD_MAX];
    uint64_t lost = 0;
    for (uint32_t left = 0; left < PACKETS_LEFT_MAX; left++)
        for (uint32_t allocations = 0; allocations < 10; allocations++) {
            uint32_t count = 0;
            struct network_world_options options = {.seed = 1,
                                                    .link_flags = TCPIP_LINK_RESOLUTION | TCPIP_LINK_MULTICAST};
            network_world_init(&world, &options);
            /* Pools have some in stock: all but `left` packets are taken away first, then no more comes but so much. */
            test_env_fail(&world.test_env, 1, true);
            while (count < HOARD_MAX && (hoard[count] = tcpip_packet_new(world.stack)) != NULL)
                count++;
            for (uint32_t i = 0; i < left && count > 0; i++)
                tcpip_packet_free(hoard[--count]);
            test_env_fail(&world.test_env, allocations + 1, true);
            live();
            lost += world_drops(&world, TCPIP_DROP_NO_MEMORY);
            test_env_fail(&world.test_env, 0, false);
            struct ip_shared *shared = tcpip__ip_shared(world.stack, TCPIP_PROTOCOL_IPV4);
            tcpip__ip_reassembly_check(&shared->reassembly);
            while (count > 0)
                tcpip_packet_free(hoard[--count]);
            world_discard(&world);
            live(); /* and it goes on as if nothing had been */
            assert_true(world.delivered >= 2);
            network_world_fini(&world);
        }
    assert_true(lost > 200);
}

/* An echo request in two pieces, the first with no more than the ICMP header. */
static void echo_in_pieces(bool v6)
{
    uint8_t whole[8 + 600];
    struct world_icmp request = {v6 ? TCPIP_ICMPV6_ECHO_REQUEST : TCPIP_ICMPV4_ECHO_REQUEST, 0, 1};
    memset(bytes, 0, 600);
    size_t size =
        v6 ? world_icmp6(whole, world_peer6, world_us6, request, bytes, 600) : world_icmp4(whole, request, bytes, 600);
    for (size_t at = 0; at < size; at = at == 0 ? 8 : size) {
        size_t piece = at == 0 ? 8 : size - 8;
        uint8_t *to = v6 ? body + TCPIP_IPV6_FRAGMENT_BYTES : body;
        memcpy(to, whole + at, piece);
        if (!v6) {
            inject_v4(TCPIP_PROTOCOL_ICMPV4, (uint16_t)at, at == 0, piece);
            continue;
        }
        tcpip_ipv6_fragment_encode(
            body, &(struct tcpip_ipv6_fragment_fields){
                      .next_header = TCPIP_PROTOCOL_ICMPV6, .offset = (uint16_t)at, .more = at == 0, .id = 3});
        inject_v6(world_us6, TCPIP_IPV6_FRAGMENT, 64, TCPIP_IPV6_FRAGMENT_BYTES + piece);
    }
}

/* The message is sound; that it can't be gathered is not its sender's fault (simulation, seed 39326). */
static void test_a_message_that_can_not_be_gathered_is_not_called_malformed(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        uint64_t lost = 0;
        for (uint32_t allocations = 0; allocations < 40; allocations++) {
            struct network_world_options options = {.seed = 1, .link_flags = TCPIP_LINK_MULTICAST};
            network_world_init(&world, &options);
            test_env_fail(&world.test_env, allocations + 1, true);
            echo_in_pieces(v6 != 0);
            lost += world_drops(&world, TCPIP_DROP_NO_MEMORY);
            assert_int_equal(world_drops(&world, TCPIP_DROP_ICMP_MALFORMED), 0);
            test_env_fail(&world.test_env, 0, false);
            world_discard(&world);
            network_world_fini(&world);
        }
        assert_true(lost > 0);
    }
}

static void test_a_stack_that_can_not_be_made_leaves_nothing(void **state)
{
    (void)state;
    static const struct tcpip_network_protocol *const network[] = {&tcpip_ipv6, &tcpip_ipv4, &tcpip_arp, NULL};
    static const struct tcpip_protocols protocols = {network, NULL};
    enum tcpip_error error = TCPIP_ERR_NO_MEMORY;
    for (uint64_t k = 1; error == TCPIP_ERR_NO_MEMORY; k++) {
        struct test_env env;
        struct tcpip_stack *stack;
        test_env_init(&env, 1);
        test_env_fail(&env, k, false);
        error = tcpip_stack_new(&env.env, NULL, &protocols, &stack);
        if (error == TCPIP_OK)
            tcpip_stack_free(stack);
        test_env_fini(&env);
        assert_true(k < 1000);
    }
    assert_int_equal(error, TCPIP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_that_runs_out_loses_packets_and_nothing_else),
        cmocka_unit_test(test_a_message_that_can_not_be_gathered_is_not_called_malformed),
        cmocka_unit_test(test_a_stack_that_can_not_be_made_leaves_nothing),
    };
    return cmocka_run_group_tests_name("network/memory", tests, NULL, NULL);
}
