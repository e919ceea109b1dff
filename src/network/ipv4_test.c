// SPDX-License-Identifier: MIT
/* ipv4_test.c: IPv4 in bytes: every way to be dropped, options, headers that leave, fragments that come back whole. */
#include "network_world.h"
#include "stack/pmtu.h"

#include <tcpip/header/icmpv4.h>
#include <tcpip/header/ipv4.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct network_world world, other;
static uint8_t packet[WORLD_BYTES_MAX];
static const uint8_t hello[64] = "to whom it may concern";

static void start(void)
{
    struct network_world_options options = {.seed = 1};
    network_world_init(&world, &options);
}

static size_t datagram(const uint8_t *source, const uint8_t *destination)
{
    struct world_v4 fields = {.source = source, .destination = destination, .protocol = TCPIP_PROTOCOL_UDP};
    return world_v4(packet, fields, hello, sizeof(hello));
}

static void inject(size_t size)
{
    world_inject(&world, packet, size, TCPIP_PROTOCOL_IPV4);
}

/* ---- in ---- */

static void test_a_datagram_goes_up_with_what_was_learned_of_it(void **state)
{
    (void)state;
    start();
    for (uint32_t piece = 0; piece < 30; piece++) {
        world.piece_bytes = piece;
        struct world_v4 fields = {
            .source = world_far4, .destination = world_us4, .protocol = TCPIP_PROTOCOL_UDP, .ttl = 7, .tos = 0xb8};
        inject(world_v4(packet, fields, hello, sizeof(hello)));
        assert_int_equal(world.delivered, piece + 1);
        assert_int_equal(world.size, sizeof(hello));
        assert_memory_equal(world.bytes, hello, sizeof(hello));
        assert_memory_equal(world.network.source, world_far4, 16);
        assert_memory_equal(world.network.destination, world_us4, 16);
        assert_int_equal(world.network.ttl, 7);
        assert_int_equal(world.network.tos, 0xb8);
        assert_int_equal(world.network.protocol, TCPIP_PROTOCOL_IPV4);
        assert_int_equal(world.network.local, DESTINATION_UNICAST);
        assert_false(world.network.was_fragmented);
    }
    network_world_fini(&world);
}

static void test_headers_that_lie_are_malformed(void **state)
{
    (void)state;
    static const struct {
        uint8_t at, value;
    } lies[] = {{0, 0x55}, {0, 0x44}, {0, 0x4f}, {2, 0xff}, {3, 19}};
    start();
    for (uint32_t i = 0; i < array_count(lies); i++) {
        size_t size = datagram(world_peer4, world_us4);
        if (lies[i].at == 0 && lies[i].value == 0x4f)
            size = 40; /* the options it speaks of aren't there */
        packet[lies[i].at] = lies[i].value;
        inject(size);
        assert_int_equal(world_drops(&world, TCPIP_DROP_IP_MALFORMED), i + 1);
    }
    for (size_t size = 1; size < 20; size++) {
        datagram(world_peer4, world_us4);
        inject(size);
    }
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_MALFORMED), array_count(lies) + 19);
    assert_int_equal(world.delivered, 0);
    network_world_fini(&world);
}

static void test_a_bad_checksum_is_seen_unless_the_link_has_looked(void **state)
{
    (void)state;
    start();
    size_t size = datagram(world_peer4, world_us4);
    packet[10] ^= 1;
    inject(size);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_BAD_CHECKSUM), 1);
    assert_int_equal(world.stack->stats.ipv4.malformed_packets_received, 1);
    world.checksum = TCPIP_CHECKSUM_VERIFIED;
    inject(size);
    assert_int_equal(world.delivered, 1);
    network_world_fini(&world);
}

static void test_padding_of_the_link_is_cut_off(void **state)
{
    (void)state;
    start();
    inject(datagram(world_peer4, world_us4) + 30);
    assert_int_equal(world.delivered, 1);
    assert_int_equal(world.size, sizeof(hello));
    network_world_fini(&world);
}

static void test_addresses_that_can_not_be_are_martians(void **state)
{
    (void)state;
    static const uint8_t sources[][4] = {{224, 0, 0, 1}, {255, 255, 255, 255}, {240, 1, 1, 1},
                                         {127, 0, 0, 1}, {0, 0, 0, 0},         {0, 1, 2, 3}};
    static const uint8_t destinations[][4] = {{0, 0, 0, 0}, {0, 1, 2, 3}, {127, 0, 0, 1}};
    uint8_t address[16];
    start();
    memcpy(address, world_us4, 16);
    for (uint32_t i = 0; i < array_count(sources); i++) {
        memcpy(address + 12, sources[i], 4);
        inject(datagram(address, world_us4));
        assert_int_equal(world_drops(&world, TCPIP_DROP_IP_MARTIAN_SOURCE), i + 1);
    }
    assert_int_equal(world.stack->stats.ipv4.invalid_source_addresses_received, array_count(sources));
    for (uint32_t i = 0; i < array_count(destinations); i++) {
        memcpy(address + 12, destinations[i], 4);
        inject(datagram(world_peer4, address));
        assert_int_equal(world_drops(&world, TCPIP_DROP_IP_MARTIAN_DESTINATION), i + 1);
    }
    world.type = TCPIP_PACKET_BROADCAST;
    inject(datagram(world_peer4, world_us4));
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_MARTIAN_DESTINATION), array_count(destinations) + 1);
    assert_int_equal(world.delivered, 0);
    network_world_fini(&world);
}

/* LAND: a packet from ourselves makes us answer ourselves. What is ours doesn't come from a wire, though it comes. */
static void test_only_what_we_send_comes_from_ourselves(void **state)
{
    (void)state;
    start();
    inject(datagram(world_us4, world_us4));
    inject(datagram(world_us4, world_all4));
    inject(datagram(world_broadcast4, world_us4));
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_MARTIAN_SOURCE), 3);
    assert_int_equal(world.delivered, 0);
    inject(datagram(world_peer4, world_us4));
    struct tcpip_network_output how = {.local = world_us4, .remote = world_us4, .transport = TCPIP_PROTOCOL_UDP};
    assert_int_equal(world_send(&world, how, hello, sizeof(hello)), TCPIP_OK);
    assert_int_equal(world.delivered, 2);
    assert_memory_equal(world.network.source, world_us4, 16);
    /* A stranger's address that becomes ours isn't a stranger's from then on. */
    world_add_address(&world, world_peer4, 24, 0);
    inject(datagram(world_peer4, world_us4));
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_MARTIAN_SOURCE), 4);
    network_world_fini(&world);
}

static void test_what_is_not_ours_is_dropped_and_what_is_for_all_is_taken(void **state)
{
    (void)state;
    static const uint8_t nobody[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
    uint8_t group[16];
    start();
    memcpy(group, world_all4, 16);
    group[15] = 77;
    inject(datagram(world_peer4, world_far4));
    inject(datagram(world_peer4, group));
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_NOT_LOCAL), 2);
    assert_int_equal(world.stack->stats.ipv4.invalid_destination_addresses_received, 2);
    inject(datagram(world_peer4, world_broadcast4));
    assert_int_equal(world.network.local, DESTINATION_BROADCAST);
    inject(datagram(world_peer4, world_all4));
    assert_int_equal(world.network.local, DESTINATION_MULTICAST);
    inject(datagram(nobody, world_broadcast4)); /* who looks for an address (RFC 2131) */
    assert_int_equal(world.delivered, 3);
    network_world_fini(&world);
}

static void test_an_unknown_protocol_is_answered(void **state)
{
    (void)state;
    start();
    struct world_v4 fields = {.source = world_peer4, .destination = world_us4, .protocol = 99};
    size_t size = world_v4(packet, fields, hello, sizeof(hello));
    inject(size);
    assert_int_equal(world_drops(&world, TCPIP_DROP_UNKNOWN_TRANSPORT_PROTOCOL), 1);
    assert_true(world_collect(&world));
    assert_true(world_out_sums_up(&world));
    assert_int_equal(world.out[20], TCPIP_ICMPV4_UNREACHABLE);
    assert_int_equal(world.out[21], TCPIP_ICMPV4_PROTOCOL_UNREACHABLE);
    assert_memory_equal(world.out + 28, packet, size);
    network_world_fini(&world);
}

/* ---- options ---- */

static void inject_options(const uint8_t *options, uint8_t bytes)
{
    struct world_v4 fields = {.source = world_peer4,
                              .destination = world_us4,
                              .protocol = TCPIP_PROTOCOL_UDP,
                              .options = options,
                              .options_bytes = bytes};
    inject(world_v4(packet, fields, hello, sizeof(hello)));
}

static void test_options_that_we_know_pass_and_are_counted(void **state)
{
    (void)state;
    static const uint8_t record[12] = {7, 11, 4}, stamp[12] = {68, 12, 5, 0}, alert[4] = {148, 4, 0, 0};
    static const uint8_t strange[8] = {1, 1, 200, 4, 1, 2, 1, 0};
    start();
    inject_options(record, 12);
    inject_options(stamp, 12);
    inject_options(alert, 4);
    inject_options(strange, 8);
    assert_int_equal(world.delivered, 4);
    assert_memory_equal(world.bytes, hello, sizeof(hello));
    assert_int_equal(world.stack->stats.ipv4.option_record_route_received, 1);
    assert_int_equal(world.stack->stats.ipv4.option_timestamp_received, 1);
    assert_int_equal(world.stack->stats.ipv4.option_router_alert_received, 1);
    assert_int_equal(world.stack->stats.ipv4.option_unknown_received, 1);
    network_world_fini(&world);
}

static void test_source_routes_are_refused(void **state)
{
    (void)state;
    static const uint8_t loose[8] = {131, 7, 4, 10, 0, 0, 9, 0}, strict[8] = {137, 7, 8, 10, 0, 0, 9, 0};
    start();
    inject_options(loose, 8);
    inject_options(strict, 8);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_SOURCE_ROUTED), 2);
    assert_false(world_collect(&world));
    network_world_fini(&world);
}

static void test_malformed_options_are_answered_with_the_pointer(void **state)
{
    (void)state;
    static const struct {
        uint8_t options[8], pointer;
    } cases[] = {
        {{1, 7, 1, 0}, 22},              /* shorter than its own header */
        {{1, 1, 7, 40, 4, 0, 0, 0}, 23}, /* runs past the header */
        {{7, 7, 3, 0, 0, 0, 0, 0}, 22},  /* the pointer into the option's own header */
    };
    start();
    for (uint32_t i = 0; i < array_count(cases); i++) {
        inject_options(cases[i].options, 8);
        assert_int_equal(world_drops(&world, TCPIP_DROP_IP_BAD_OPTION), i + 1);
        assert_true(world_collect(&world));
        assert_true(world_out_sums_up(&world));
        assert_int_equal(world.out[20], TCPIP_ICMPV4_PARAMETER_PROBLEM);
        assert_int_equal(tcpip_icmpv4_pointer(world.out + 20), cases[i].pointer);
        assert_memory_equal(world.out + 28, packet, 28 + sizeof(hello));
    }
    network_world_fini(&world);
}

/* ---- out ---- */

static struct tcpip_network_output to(const uint8_t *remote)
{
    return (struct tcpip_network_output){.local = world_us4, .remote = remote, .transport = TCPIP_PROTOCOL_UDP};
}

static void test_headers_that_leave_say_what_was_asked(void **state)
{
    (void)state;
    uint16_t ids[3];
    start();
    struct tcpip_network_output how = to(world_far4);
    how.dont_fragment = true;
    how.tos = 0x28;
    assert_int_equal(world_send(&world, how, hello, sizeof(hello)), TCPIP_OK);
    assert_true(world_collect(&world));
    assert_true(world_out_sums_up(&world));
    assert_int_equal(world.out_size, 20 + sizeof(hello));
    assert_memory_equal(world.out + 20, hello, sizeof(hello));
    assert_memory_equal(tcpip_ipv4_source(world.out), world_us4 + 12, 4);
    assert_memory_equal(tcpip_ipv4_destination(world.out), world_far4 + 12, 4);
    assert_int_equal(tcpip_ipv4_ttl(world.out), 64);
    assert_int_equal(tcpip_ipv4_tos(world.out), 0x28);
    assert_int_equal(tcpip_ipv4_protocol(world.out), TCPIP_PROTOCOL_UDP);
    assert_int_equal(tcpip_ipv4_flags(world.out), TCPIP_IPV4_DONT_FRAGMENT);
    assert_int_equal(tcpip_ipv4_id(world.out), 0);
    assert_int_equal(world.out_protocol, TCPIP_PROTOCOL_IPV4);

    how = to(world_far4);
    how.ttl = 3;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(world_send(&world, how, hello, sizeof(hello)), TCPIP_OK);
        assert_true(world_collect(&world));
        assert_int_equal(tcpip_ipv4_flags(world.out), 0);
        assert_int_equal(tcpip_ipv4_ttl(world.out), 3);
        ids[i] = tcpip_ipv4_id(world.out);
    }
    assert_true(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);

    how = to(world_all4);
    how.router_alert = true;
    assert_int_equal(world_send(&world, how, hello, sizeof(hello)), TCPIP_OK);
    while (world_collect(&world))
        ;
    assert_int_equal(tcpip_ipv4_ttl(world.out), 1);
    assert_int_equal(tcpip_ipv4_header_bytes(world.out), 24);
    assert_int_equal(world.out[20], TCPIP_IPV4_OPTION_ROUTER_ALERT);
    assert_true(world_out_sums_up(&world));
    assert_int_equal(world.stack->stats.ipv4.packets_sent, 5);
    network_world_fini(&world);
}

static void test_what_may_not_be_fragmented_is_too_long(void **state)
{
    (void)state;
    static uint8_t large[WORLD_BYTES_MAX];
    start();
    struct tcpip_network_output how = to(world_far4);
    how.dont_fragment = true;
    assert_int_equal(world_send(&world, how, large, 1480), TCPIP_OK);
    assert_int_equal(world_send(&world, how, large, 1481), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_TOO_BIG), 1);
    tcpip__pmtu_lower(world.stack, 0, world_far4, 1000);
    assert_int_equal(world_send(&world, how, large, 981), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(world_send(&world, how, large, 980), TCPIP_OK);
    how.remote = world_peer4; /* another path */
    assert_int_equal(world_send(&world, how, large, 981), TCPIP_OK);
    how.dont_fragment = false;
    assert_int_equal(world_send(&world, how, large, 65516), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(world_discard(&world), 3);
    assert_int_equal(world.stack->stats.ipv4.outgoing_packet_errors, 3);
    network_world_fini(&world);
}

/* Where TCP has found that only dust passes, others go on as if it were the least that all paths carry. */
static void test_fragments_are_no_smaller_than_every_path_takes(void **state)
{
    (void)state;
    static uint8_t large[WORLD_BYTES_MAX];
    start();
    world_path_takes(&world, world_us4, world_far4, 200);
    struct tcpip_network_output how = to(world_far4);
    assert_int_equal(world_send(&world, how, large, 2000), TCPIP_OK);
    assert_true(world_collect(&world));
    assert_in_range(world.out_size, PMTU_FLOOR_V4 - 7, PMTU_FLOOR_V4);
    while (world_collect(&world))
        assert_true(world.out_size <= PMTU_FLOOR_V4);
    how.dont_fragment = true;
    assert_int_equal(world_send(&world, how, large, 2000), TCPIP_ERR_MESSAGE_TOO_LONG);
    network_world_fini(&world);
}

static void test_super_segments_pass_whole_if_their_segments_fit(void **state)
{
    (void)state;
    struct network_world_options options = {.seed = 1, .link_flags = TCPIP_LINK_USO | TCPIP_LINK_TX_CHECKSUM};
    network_world_init(&world, &options);
    for (uint16_t gso = 1472; gso <= 1473; gso++) {
        struct tcpip_route route = {0};
        uint8_t local[16];
        memcpy(local, world_us4, 16);
        tcpip_stack_enter(world.stack);
        assert_int_equal(tcpip__route_find(world.stack, 0, local, world_peer4, &route), TCPIP_OK);
        struct tcpip_packet *super = tcpip_packet_new(world.stack);
        static const uint8_t bytes[8 + 4 * 1472];
        assert_int_equal(tcpip_packet_append(super, bytes, sizeof(bytes)), TCPIP_OK);
        super->gso = TCPIP_GSO_UDP;
        super->gso_size = gso;
        super->gso_segments = 4;
        super->payload_offset = 8;
        super->checksum = TCPIP_CHECKSUM_PARTIAL;
        super->checksum_offset = 6;
        struct tcpip_network_output how = to(world_peer4);
        assert_int_equal(tcpip__route_output(&route, super, &how), gso == 1472 ? TCPIP_OK : TCPIP_ERR_MESSAGE_TOO_LONG);
        tcpip__route_release(&route);
        tcpip_stack_leave(world.stack);
    }
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_TOO_BIG), 1);
    network_world_fini(&world);
}

/* RFC 6864 4.3: each segment is cut with an identification of its own, and none of them is given out again. */
static void test_a_super_segment_uses_one_identification_for_each_of_its_segments(void **state)
{
    (void)state;
    struct network_world_options options = {.seed = 1, .mtu = 1500};
    uint16_t ids[9];
    network_world_init(&world, &options);
    for (uint32_t round = 0; round < 2; round++) {
        struct tcpip_route route = {0};
        static const uint8_t bytes[8 + 4 * 1000];
        uint8_t local[16];
        memcpy(local, world_us4, 16);
        tcpip_stack_enter(world.stack);
        assert_int_equal(tcpip__route_find(world.stack, 0, local, world_peer4, &route), TCPIP_OK);
        struct tcpip_packet *super = tcpip_packet_new(world.stack);
        assert_int_equal(tcpip_packet_append(super, bytes, sizeof(bytes)), TCPIP_OK);
        super->gso = TCPIP_GSO_UDP;
        super->gso_size = 1000;
        super->gso_segments = 4;
        super->payload_offset = 8;
        super->checksum = TCPIP_CHECKSUM_PARTIAL;
        super->checksum_offset = 6;
        struct tcpip_network_output how = to(world_peer4);
        assert_int_equal(tcpip__route_output(&route, super, &how), TCPIP_OK);
        tcpip__route_release(&route);
        tcpip_stack_leave(world.stack);
    }
    assert_int_equal(world_send(&world, to(world_peer4), hello, sizeof(hello)), TCPIP_OK);
    for (uint32_t i = 0; i < array_count(ids); i++) {
        assert_true(world_collect(&world));
        ids[i] = tcpip_ipv4_id(world.out);
        for (uint32_t k = 0; k < i; k++)
            assert_int_not_equal(ids[k], ids[i]);
    }
    network_world_fini(&world);
}

/* Datagrams of random sizes over random path MTUs, cut here, put together in another stack. */
static void test_fragments_of_one_stack_are_datagrams_of_another(void **state)
{
    (void)state;
    static uint8_t bytes[WORLD_BYTES_MAX];
    struct network_world_options options = {.seed = 1}, bare = {.seed = 2, .no_addresses = true};
    start();
    network_world_init(&other, &bare);
    world_add_address(&other, world_far4, 32, 0);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)test_env_random(&world.test_env);
    for (uint32_t round = 1; round <= 200; round++) {
        uint64_t r = test_env_random(&world.test_env);
        size_t size = 1 + (size_t)(r % (round % 4 == 0 ? 65515 : 4000));
        uint32_t pieces = 0;
        if (round % 50 == 0) {
            network_world_fini(&world);
            options.mtu = 576 + (uint32_t)((r >> 32) % 1000);
            network_world_init(&world, &options);
        }
        struct tcpip_network_output how = to(world_far4);
        how.router_alert = r >> 63;
        uint32_t fragments = (uint32_t)world.stack->stats.ipv4.fragments_sent;
        assert_int_equal(world_send(&world, how, bytes, size > 65500 ? 65500 : size), TCPIP_OK);
        size = size > 65500 ? 65500 : size;
        while (world_collect(&world)) {
            assert_in_range(world.out_size, 21, world.nic->mtu);
            assert_true(world_out_sums_up(&world));
            world_inject(&other, world.out, world.out_size, 0);
            pieces++;
        }
        assert_int_equal(other.delivered, round);
        assert_int_equal(other.size, size);
        assert_memory_equal(other.bytes, bytes, size);
        assert_int_equal(world.stack->stats.ipv4.fragments_sent - fragments, pieces > 1 ? pieces : 0);
    }
    network_world_fini(&other);
    network_world_fini(&world);
}

static void test_a_partial_checksum_is_complete_before_the_datagram_is_cut(void **state)
{
    (void)state;
    static uint8_t bytes[3000], whole[3000];
    uint16_t pseudo;
    start();
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    pseudo = tcpip_checksum_pseudo_v4(world_us4 + 12, world_far4 + 12, TCPIP_PROTOCOL_UDP, sizeof(bytes));
    tcpip_store_u16(bytes + 6, pseudo);
    struct tcpip_route route = {0};
    uint8_t local[16];
    memcpy(local, world_us4, 16);
    tcpip_stack_enter(world.stack);
    assert_int_equal(tcpip__route_find(world.stack, 0, local, world_far4, &route), TCPIP_OK);
    struct tcpip_packet *partial = tcpip_packet_new(world.stack);
    assert_int_equal(tcpip_packet_append(partial, bytes, sizeof(bytes)), TCPIP_OK);
    partial->checksum = TCPIP_CHECKSUM_PARTIAL;
    partial->checksum_offset = 6;
    struct tcpip_network_output how = to(world_far4);
    assert_int_equal(tcpip__route_output(&route, partial, &how), TCPIP_OK);
    tcpip__route_release(&route);
    tcpip_stack_leave(world.stack);
    while (world_collect(&world))
        memcpy(whole + tcpip_ipv4_fragment_offset(world.out), world.out + 20, world.out_size - 20);
    assert_true(tcpip_checksum_ok(tcpip_checksum(whole, sizeof(whole), pseudo)));
    network_world_fini(&world);
}

static void test_memory_that_runs_out_sends_no_fragment_or_all(void **state)
{
    (void)state;
    static const uint8_t bytes[9000];
    uint32_t failed = 0;
    for (uint64_t k = 1; k < 8; k++) {
        start();
        tcpip_stack_trim(world.stack);
        test_env_fail(&world.test_env, k, true);
        struct tcpip_packet *held[600];
        uint32_t count = 0;
        while (count < array_count(held) && (held[count] = tcpip_packet_new(world.stack)) != NULL)
            count++;
        for (uint32_t i = 0; i < 4 && count > 0; i++) /* room for the datagram and some fragments */
            tcpip_packet_free(held[--count]);
        test_env_fail(&world.test_env, 0, false);
        struct tcpip_packet *large = tcpip_packet_new(world.stack);
        assert_non_null(large);
        assert_int_equal(tcpip_packet_append(large, bytes, sizeof(bytes)), TCPIP_OK);
        test_env_fail(&world.test_env, 1, true);
        struct tcpip_route route = {0};
        uint8_t local[16];
        memcpy(local, world_us4, 16);
        tcpip_stack_enter(world.stack);
        enum tcpip_error error = tcpip__route_find(world.stack, 0, local, world_far4, &route);
        struct tcpip_network_output how = to(world_far4);
        if (error == TCPIP_OK)
            error = tcpip__route_output(&route, large, &how);
        else
            tcpip_packet_free(large);
        tcpip__route_release(&route);
        tcpip_stack_leave(world.stack);
        test_env_fail(&world.test_env, 0, false);
        assert_int_equal(world_discard(&world), error == TCPIP_OK ? 7 : 0);
        failed += error == TCPIP_ERR_NO_MEMORY;
        while (count > 0)
            tcpip_packet_free(held[--count]);
        network_world_fini(&world);
    }
    assert_true(failed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_datagram_goes_up_with_what_was_learned_of_it),
        cmocka_unit_test(test_headers_that_lie_are_malformed),
        cmocka_unit_test(test_a_bad_checksum_is_seen_unless_the_link_has_looked),
        cmocka_unit_test(test_padding_of_the_link_is_cut_off),
        cmocka_unit_test(test_addresses_that_can_not_be_are_martians),
        cmocka_unit_test(test_only_what_we_send_comes_from_ourselves),
        cmocka_unit_test(test_what_is_not_ours_is_dropped_and_what_is_for_all_is_taken),
        cmocka_unit_test(test_an_unknown_protocol_is_answered),
        cmocka_unit_test(test_options_that_we_know_pass_and_are_counted),
        cmocka_unit_test(test_source_routes_are_refused),
        cmocka_unit_test(test_malformed_options_are_answered_with_the_pointer),
        cmocka_unit_test(test_headers_that_leave_say_what_was_asked),
        cmocka_unit_test(test_what_may_not_be_fragmented_is_too_long),
        cmocka_unit_test(test_fragments_are_no_smaller_than_every_path_takes),
        cmocka_unit_test(test_super_segments_pass_whole_if_their_segments_fit),
        cmocka_unit_test(test_a_super_segment_uses_one_identification_for_each_of_its_segments),
        cmocka_unit_test(test_fragments_of_one_stack_are_datagrams_of_another),
        cmocka_unit_test(test_a_partial_checksum_is_complete_before_the_datagram_is_cut),
        cmocka_unit_test(test_memory_that_runs_out_sends_no_fragment_or_all),
    };
    return cmocka_run_group_tests_name("network/ipv4", tests, NULL, NULL);
}
