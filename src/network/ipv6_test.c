// SPDX-License-Identifier: MIT
/* ipv6_test.c: IPv6 in bytes: every way to be dropped, the chain of extension headers and what each may end it with,
 * headers that leave, fragments that come back whole. */
#include "network_world.h"
#include "stack/pmtu.h"

#include <tcpip/header/icmpv6.h>
#include <tcpip/header/ipv6.h>

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

static void inject(size_t size)
{
    world_inject(&world, packet, size, 0x86dd);
}

static size_t datagram(const uint8_t *source, const uint8_t *destination)
{
    struct world_v6 fields = {.source = source, .destination = destination, .next_header = TCPIP_PROTOCOL_UDP};
    return world_v6(packet, fields, hello, sizeof(hello));
}

/* ---- extension headers, appended to one another ---- */

struct chain {
    uint8_t first;
    uint8_t bytes[4000];
    size_t size;
    size_t last; /* of the latest header; its first byte names what follows */
};

static uint8_t *chain_add(struct chain *chain, uint8_t type, size_t bytes)
{
    uint8_t *header = chain->bytes + chain->size;
    memset(header, 0, bytes);
    if (type != TCPIP_IPV6_FRAGMENT)
        header[1] = (uint8_t)(bytes / 8 - 1);
    if (chain->size == 0)
        chain->first = type;
    else
        chain->bytes[chain->last] = type;
    chain->last = chain->size;
    chain->size += bytes;
    return header;
}

/* A header with one option of no data, padded. */
static void chain_option(struct chain *chain, uint8_t type, uint8_t option)
{
    uint8_t *header = chain_add(chain, type, 8);
    header[2] = option;
    header[4] = TCPIP_IPV6_OPTION_PADN;
    header[5] = 2;
}

static void chain_fragment(struct chain *chain, struct tcpip_ipv6_fragment_fields fields)
{
    tcpip_ipv6_fragment_encode(chain_add(chain, TCPIP_IPV6_FRAGMENT, 8), &fields);
}

/* Ends it with `upper` and `size` bytes of hello, and injects. */
static size_t chain_inject(struct chain *chain, const uint8_t *destination, uint8_t upper, size_t size)
{
    if (chain->size == 0)
        chain->first = upper;
    else
        chain->bytes[chain->last] = upper;
    memcpy(chain->bytes + chain->size, hello, size);
    struct world_v6 fields = {.source = world_peer6, .destination = destination, .next_header = chain->first};
    size_t total = world_v6(packet, fields, chain->bytes, chain->size + size);
    inject(total);
    return total;
}

static void expect_problem(uint8_t code, uint32_t pointer)
{
    assert_true(world_collect(&world));
    assert_true(world_out_sums_up(&world));
    assert_int_equal(world.out[40], TCPIP_ICMPV6_PARAMETER_PROBLEM);
    assert_int_equal(world.out[41], code);
    assert_int_equal(tcpip_icmpv6_pointer(world.out + 40), pointer);
    assert_memory_equal(world.out + 48, packet, world.out_size - 48);
    assert_memory_equal(tcpip_ipv6_destination(world.out), world_peer6, 16);
    assert_false(world_collect(&world));
}

/* ---- in ---- */

static void test_a_datagram_goes_up_with_what_was_learned_of_it(void **state)
{
    (void)state;
    start();
    for (uint32_t piece = 0; piece < 50; piece++) {
        world.piece_bytes = piece;
        struct world_v6 fields = {.source = world_far6,
                                  .destination = world_us6,
                                  .next_header = TCPIP_PROTOCOL_UDP,
                                  .hop_limit = 7,
                                  .traffic_class = 0xb8};
        inject(world_v6(packet, fields, hello, sizeof(hello)) + piece % 7); /* padding of the link */
        assert_int_equal(world.delivered, piece + 1);
        assert_int_equal(world.size, sizeof(hello));
        assert_memory_equal(world.bytes, hello, sizeof(hello));
        assert_memory_equal(world.network.source, world_far6, 16);
        assert_memory_equal(world.network.destination, world_us6, 16);
        assert_int_equal(world.network.ttl, 7);
        assert_int_equal(world.network.tos, 0xb8);
        assert_int_equal(world.network.protocol, TCPIP_PROTOCOL_IPV6);
        assert_int_equal(world.network.local, DESTINATION_UNICAST);
    }
    network_world_fini(&world);
}

static void test_headers_that_lie_are_malformed(void **state)
{
    (void)state;
    start();
    size_t size = datagram(world_peer6, world_us6);
    packet[0] = 0x50;
    inject(size);
    size = datagram(world_peer6, world_us6);
    packet[5]++;
    inject(size);
    for (size_t cut = 1; cut < 40; cut++) {
        datagram(world_peer6, world_us6);
        inject(cut);
    }
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_MALFORMED), 41);
    assert_int_equal(world.delivered, 0);
    network_world_fini(&world);
}

static void test_addresses_that_can_not_be_are_martians(void **state)
{
    (void)state;
    static const uint8_t any[16], one[16] = {[15] = 1}, mapped[16] = {[10] = 0xff, 0xff, 10, 0, 0, 1};
    static const uint8_t reserved[16] = {0xff, 0x00, [15] = 1}, inner[16] = {0xff, 0x01, [15] = 1};
    const uint8_t *sources[] = {any, one, mapped};
    const uint8_t *destinations[] = {any, one, mapped, reserved, inner};
    start();
    for (uint32_t i = 0; i < array_count(sources); i++)
        inject(datagram(sources[i], world_us6));
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_MARTIAN_SOURCE), array_count(sources));
    assert_int_equal(world.stack->stats.ipv6.invalid_source_addresses_received, array_count(sources));
    inject(datagram(world_all6, world_us6));
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_MALFORMED), 1);
    for (uint32_t i = 0; i < array_count(destinations); i++)
        inject(datagram(world_peer6, destinations[i]));
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_MARTIAN_DESTINATION), array_count(destinations));
    inject(datagram(world_peer6, world_far6));
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_NOT_LOCAL), 1);
    inject(datagram(any, world_all6));
    inject(datagram(world_peer6, world_all6));
    assert_int_equal(world.delivered, 2);
    assert_int_equal(world.network.local, DESTINATION_MULTICAST);
    network_world_fini(&world);
}

static void test_an_unknown_upper_protocol_is_answered_with_the_pointer_to_its_name(void **state)
{
    (void)state;
    start();
    struct chain plain = {0}, behind = {0};
    chain_inject(&plain, world_us6, 99, 64);
    expect_problem(TCPIP_ICMPV6_UNKNOWN_NEXT_HEADER, 6);
    chain_add(&behind, TCPIP_IPV6_DESTINATION_OPTIONS, 16);
    chain_add(&behind, TCPIP_IPV6_DESTINATION_OPTIONS, 8);
    chain_inject(&behind, world_us6, 99, 64);
    expect_problem(TCPIP_ICMPV6_UNKNOWN_NEXT_HEADER, 56);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_UNKNOWN_NEXT_HEADER), 2);
    assert_int_equal(world.stack->stats.stack.unknown_protocol_rcvd_packets, 2);
    network_world_fini(&world);
}

static void test_headers_in_any_order_are_walked_to_the_upper_protocol(void **state)
{
    (void)state;
    start();
    for (uint32_t piece = 0; piece < 60; piece += 7) {
        struct chain chain = {0};
        world.piece_bytes = piece;
        tcpip_ipv6_router_alert_encode(chain_add(&chain, TCPIP_IPV6_HOP_BY_HOP, 8), 0);
        chain_add(&chain, TCPIP_IPV6_DESTINATION_OPTIONS, 24);
        chain_add(&chain, TCPIP_IPV6_ROUTING, 24);                            /* nothing left to visit */
        chain_option(&chain, TCPIP_IPV6_DESTINATION_OPTIONS, 0x1e);           /* unknown, to be skipped */
        chain_fragment(&chain, (struct tcpip_ipv6_fragment_fields){.id = 5}); /* atomic (RFC 6946) */
        chain_inject(&chain, world_us6, TCPIP_PROTOCOL_UDP, sizeof(hello));
    }
    assert_int_equal(world.delivered, 9);
    assert_int_equal(world.size, sizeof(hello));
    assert_memory_equal(world.bytes, hello, sizeof(hello));
    assert_int_equal(world.network.transport, TCPIP_PROTOCOL_UDP);
    assert_int_equal(world.network.upper_bytes, sizeof(hello));
    assert_false(world.network.was_fragmented);
    assert_int_equal(world.stack->stats.ipv6.option_router_alert_received, 9);
    assert_int_equal(world.stack->stats.ipv6.option_unknown_received, 9);
    network_world_fini(&world);
}

static void test_nothing_behind_no_next_header_is_looked_at(void **state)
{
    (void)state;
    start();
    struct chain chain = {0};
    chain_add(&chain, TCPIP_IPV6_DESTINATION_OPTIONS, 8);
    chain_inject(&chain, world_us6, TCPIP_IPV6_NO_NEXT_HEADER, 64);
    struct chain bare = {0};
    chain_inject(&bare, world_us6, TCPIP_IPV6_NO_NEXT_HEADER, 0);
    assert_int_equal(world.delivered, 0);
    assert_int_equal(world.stack->stats.stack.dropped_packets, 0);
    network_world_fini(&world);
}

static void test_the_bits_of_an_unknown_option_say_what_is_to_be_done(void **state)
{
    (void)state;
    static const struct {
        uint8_t option;
        bool multicast, delivered, answered;
    } cases[] = {
        {0x1e, false, true, false}, {0x5e, false, false, false}, {0x9e, false, false, true}, {0xde, false, false, true},
        {0x1e, true, true, false},  {0x5e, true, false, false},  {0x9e, true, false, true},  {0xde, true, false, false},
    };
    static const uint8_t types[] = {TCPIP_IPV6_HOP_BY_HOP, TCPIP_IPV6_DESTINATION_OPTIONS};
    for (uint32_t t = 0; t < array_count(types); t++) {
        start();
        for (uint32_t i = 0; i < array_count(cases); i++) {
            struct chain chain = {0};
            uint32_t before = world.delivered;
            uint64_t dropped = world_drops(&world, TCPIP_DROP_IP_BAD_EXTENSION);
            chain_option(&chain, types[t], cases[i].option);
            chain_inject(&chain, cases[i].multicast ? world_all6 : world_us6, TCPIP_PROTOCOL_UDP, 64);
            assert_int_equal(world.delivered - before, cases[i].delivered);
            assert_int_equal(world_drops(&world, TCPIP_DROP_IP_BAD_EXTENSION) - dropped, !cases[i].delivered);
            if (cases[i].answered)
                expect_problem(TCPIP_ICMPV6_UNKNOWN_OPTION, 42);
            assert_false(world_collect(&world));
        }
        network_world_fini(&world);
    }
}

static void test_an_option_that_runs_past_its_header_is_answered(void **state)
{
    (void)state;
    start();
    struct chain chain = {0};
    uint8_t *header = chain_add(&chain, TCPIP_IPV6_DESTINATION_OPTIONS, 8);
    header[2] = 0x1e;
    header[3] = 5;
    chain_inject(&chain, world_us6, TCPIP_PROTOCOL_UDP, 64);
    expect_problem(TCPIP_ICMPV6_ERRONEOUS_HEADER, 42);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_BAD_EXTENSION), 1);
    network_world_fini(&world);
}

static void test_a_route_that_goes_on_ends_here(void **state)
{
    (void)state;
    static const uint8_t types[] = {0, 2, 4, 253};
    start();
    for (uint32_t i = 0; i < array_count(types); i++) {
        struct chain chain = {0};
        uint8_t *header = chain_add(&chain, TCPIP_IPV6_ROUTING, 24);
        header[2] = types[i];
        header[3] = 1;
        chain_inject(&chain, world_us6, TCPIP_PROTOCOL_UDP, 64);
        expect_problem(TCPIP_ICMPV6_ERRONEOUS_HEADER, 42);
        assert_int_equal(world_drops(&world, TCPIP_DROP_IP_BAD_EXTENSION), i + 1);
    }
    network_world_fini(&world);
}

static void test_hop_by_hop_options_come_first_or_not_at_all(void **state)
{
    (void)state;
    start();
    struct chain chain = {0};
    chain_add(&chain, TCPIP_IPV6_DESTINATION_OPTIONS, 8);
    chain_add(&chain, TCPIP_IPV6_HOP_BY_HOP, 8);
    chain_inject(&chain, world_us6, TCPIP_PROTOCOL_UDP, 64);
    expect_problem(TCPIP_ICMPV6_UNKNOWN_NEXT_HEADER, 40);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_BAD_EXTENSION), 1);
    network_world_fini(&world);
}

static void test_chains_that_are_cut_off_too_long_or_too_rich_are_dropped(void **state)
{
    (void)state;
    start();
    struct chain cut = {0};
    chain_add(&cut, TCPIP_IPV6_DESTINATION_OPTIONS, 8)[1] = 200;
    chain_inject(&cut, world_us6, TCPIP_PROTOCOL_UDP, 64);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_BAD_EXTENSION), 1);
    struct chain many = {0};
    for (uint32_t i = 0; i <= TCPIP_IPV6_EXTENSIONS_MAX; i++)
        chain_add(&many, TCPIP_IPV6_DESTINATION_OPTIONS, 8);
    chain_inject(&many, world_us6, TCPIP_PROTOCOL_UDP, 64);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_EXTENSION_LIMIT), 1);
    struct chain rich = {0};
    uint8_t *header = chain_add(&rich, TCPIP_IPV6_DESTINATION_OPTIONS, 32);
    for (uint32_t i = 0; i < 9; i++)
        header[2 + 2 * i] = 0x1e;
    chain_inject(&rich, world_us6, TCPIP_PROTOCOL_UDP, 64);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_EXTENSION_LIMIT), 2);
    struct chain far = {0}; /* behind the first 1280 bytes of the packet nobody looks */
    chain_add(&far, TCPIP_IPV6_DESTINATION_OPTIONS, 1232);
    chain_add(&far, TCPIP_IPV6_DESTINATION_OPTIONS, 16);
    chain_inject(&far, world_us6, TCPIP_PROTOCOL_UDP, 64);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_BAD_EXTENSION), 2);
    assert_int_equal(world.delivered, 0);
    network_world_fini(&world);
}

/* ---- fragments and headers ---- */

static void test_extension_headers_before_and_behind_the_fragment_header(void **state)
{
    (void)state;
    start();
    for (uint32_t reversed = 0; reversed < 2; reversed++)
        for (uint32_t i = 0; i < 2; i++) {
            bool second = i != reversed;
            struct chain chain = {0};
            tcpip_ipv6_router_alert_encode(chain_add(&chain, TCPIP_IPV6_HOP_BY_HOP, 8), 0);
            chain_fragment(&chain, (struct tcpip_ipv6_fragment_fields){
                                       .id = reversed, .offset = second ? 56 : 0, .more = !second});
            if (second) {
                chain_inject(&chain, world_us6, 0, 16); /* what it names is not asked (RFC 8200 4.5) */
                continue;
            }
            chain_option(&chain, TCPIP_IPV6_DESTINATION_OPTIONS, 0x1e);
            chain_inject(&chain, world_us6, TCPIP_PROTOCOL_UDP, 48);
        }
    assert_int_equal(world.delivered, 2);
    assert_int_equal(world.size, 64);
    assert_memory_equal(world.bytes, hello, 48);
    assert_memory_equal(world.bytes + 48, hello, 16);
    assert_true(world.network.was_fragmented);
    assert_int_equal(world.network.upper_bytes, 64);
    network_world_fini(&world);
}

static void test_a_first_fragment_without_the_whole_chain_is_answered(void **state)
{
    (void)state;
    start();
    struct chain chain = {0};
    chain_fragment(&chain, (struct tcpip_ipv6_fragment_fields){.id = 1, .more = true});
    chain_add(&chain, TCPIP_IPV6_DESTINATION_OPTIONS, 16);
    chain.size -= 8; /* the rest of the header is to come in the next fragment */
    chain_inject(&chain, world_us6, TCPIP_PROTOCOL_UDP, 0);
    expect_problem(TCPIP_ICMPV6_INCOMPLETE_FIRST_FRAGMENT, 0);
    struct chain bare = {0}; /* nor may the upper header be missing altogether */
    chain_fragment(&bare, (struct tcpip_ipv6_fragment_fields){.id = 2, .more = true});
    chain_add(&bare, TCPIP_IPV6_DESTINATION_OPTIONS, 16);
    chain_inject(&bare, world_us6, TCPIP_PROTOCOL_UDP, 0);
    expect_problem(TCPIP_ICMPV6_INCOMPLETE_FIRST_FRAGMENT, 0);
    assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_MALFORMED), 2);
    network_world_fini(&world);
}

static void test_fragments_within_fragments_and_hidden_hop_by_hop_options_are_refused(void **state)
{
    (void)state;
    for (uint32_t hidden = 0; hidden < 2; hidden++) {
        start();
        struct chain first = {0}, second = {0};
        chain_fragment(&first, (struct tcpip_ipv6_fragment_fields){.id = 1, .more = true});
        if (hidden)
            chain_add(&first, TCPIP_IPV6_HOP_BY_HOP, 8);
        else
            chain_fragment(&first, (struct tcpip_ipv6_fragment_fields){.id = 2, .more = true});
        chain_inject(&first, world_us6, TCPIP_PROTOCOL_UDP, 48);
        chain_fragment(&second, (struct tcpip_ipv6_fragment_fields){.id = 1, .offset = 56});
        chain_inject(&second, world_us6, TCPIP_PROTOCOL_UDP, 16);
        assert_int_equal(world_drops(&world, TCPIP_DROP_IP_BAD_EXTENSION), 1);
        assert_int_equal(world.delivered, 0);
        network_world_fini(&world);
    }
}

static void test_a_first_fragment_with_too_much_in_front_is_dropped(void **state)
{
    (void)state;
    start();
    struct chain chain = {0};
    chain_add(&chain, TCPIP_IPV6_DESTINATION_OPTIONS, 88);
    chain_fragment(&chain, (struct tcpip_ipv6_fragment_fields){.id = 1, .more = true});
    chain_inject(&chain, world_us6, TCPIP_PROTOCOL_UDP, 64);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_EXTENSION_LIMIT), 1);
    network_world_fini(&world);
}

static void test_a_datagram_that_would_be_too_large_is_answered(void **state)
{
    (void)state;
    start();
    struct chain chain = {0};
    chain_fragment(&chain, (struct tcpip_ipv6_fragment_fields){.id = 1, .offset = 65528});
    chain_inject(&chain, world_us6, TCPIP_PROTOCOL_UDP, 16);
    expect_problem(TCPIP_ICMPV6_ERRONEOUS_HEADER, 42);
    assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_MALFORMED), 1);
    assert_int_equal(world.stack->stats.ipv6.malformed_fragments_received, 1);
    network_world_fini(&world);
}

/* ---- out ---- */

static struct tcpip_network_output to(const uint8_t *remote)
{
    return (struct tcpip_network_output){.local = world_us6, .remote = remote, .transport = TCPIP_PROTOCOL_UDP};
}

static void test_headers_that_leave_say_what_was_asked(void **state)
{
    (void)state;
    start();
    struct tcpip_network_output how = to(world_far6);
    how.tos = 0x28;
    assert_int_equal(world_send(&world, how, hello, sizeof(hello)), TCPIP_OK);
    assert_true(world_collect(&world));
    assert_true(world_out_sums_up(&world));
    assert_int_equal(world.out_size, 40 + sizeof(hello));
    assert_memory_equal(world.out + 40, hello, sizeof(hello));
    assert_memory_equal(tcpip_ipv6_source(world.out), world_us6, 16);
    assert_memory_equal(tcpip_ipv6_destination(world.out), world_far6, 16);
    assert_int_equal(tcpip_ipv6_hop_limit(world.out), 64);
    assert_int_equal(tcpip_ipv6_traffic_class(world.out), 0x28);
    assert_int_equal(tcpip_ipv6_next_header(world.out), TCPIP_PROTOCOL_UDP);
    assert_int_equal(world.out_protocol, 0x86dd);

    how = to(world_all6);
    how.local = world_local6;
    how.router_alert = true;
    assert_int_equal(world_send(&world, how, hello, sizeof(hello)), TCPIP_OK);
    assert_true(world_collect(&world));
    assert_true(world_out_sums_up(&world));
    assert_int_equal(tcpip_ipv6_hop_limit(world.out), 1);
    assert_int_equal(tcpip_ipv6_next_header(world.out), TCPIP_IPV6_HOP_BY_HOP);
    assert_int_equal(world.out[40], TCPIP_PROTOCOL_UDP);
    assert_int_equal(world.out[42], TCPIP_IPV6_OPTION_ROUTER_ALERT);
    network_world_fini(&world);
}

static void test_what_may_not_be_fragmented_is_too_long(void **state)
{
    (void)state;
    static uint8_t large[WORLD_BYTES_MAX];
    start();
    struct tcpip_network_output how = to(world_far6);
    how.dont_fragment = true;
    assert_int_equal(world_send(&world, how, large, 1460), TCPIP_OK);
    assert_int_equal(world_send(&world, how, large, 1461), TCPIP_ERR_MESSAGE_TOO_LONG);
    tcpip__pmtu_lower(world.stack, 0, world_far6, 1300);
    assert_int_equal(world_send(&world, how, large, 1261), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(world_send(&world, how, large, 1260), TCPIP_OK);
    how.dont_fragment = false;
    assert_int_equal(world_send(&world, how, large, 65536), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_TOO_BIG), 3);
    assert_int_equal(world_discard(&world), 2);
    network_world_fini(&world);
}

/* Where TCP has found that only dust passes, others go on as if it were the least that all paths carry. */
static void test_fragments_are_no_smaller_than_every_path_takes(void **state)
{
    (void)state;
    static uint8_t large[WORLD_BYTES_MAX];
    start();
    world_path_takes(&world, world_us6, world_far6, 200);
    struct tcpip_network_output how = to(world_far6);
    assert_int_equal(world_send(&world, how, large, 2000), TCPIP_OK);
    assert_true(world_collect(&world));
    assert_in_range(world.out_size, TCPIP_IPV6_MTU_MIN - 7, TCPIP_IPV6_MTU_MIN);
    while (world_collect(&world))
        assert_true(world.out_size <= TCPIP_IPV6_MTU_MIN);
    how.dont_fragment = true;
    assert_int_equal(world_send(&world, how, large, 2000), TCPIP_ERR_MESSAGE_TOO_LONG);
    network_world_fini(&world);
}

static void test_fragments_of_one_stack_are_datagrams_of_another(void **state)
{
    (void)state;
    static uint8_t bytes[WORLD_BYTES_MAX];
    struct network_world_options options = {.seed = 1}, bare = {.seed = 2, .no_addresses = true};
    start();
    network_world_init(&other, &bare);
    world_add_address(&other, world_far6, 128, TCPIP_ADDRESS_NO_DAD);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)test_env_random(&world.test_env);
    for (uint32_t round = 1; round <= 200; round++) {
        uint64_t r = test_env_random(&world.test_env);
        size_t size = 1 + (size_t)(r % (round % 4 == 0 ? 65500 : 4000));
        if (round % 50 == 0) {
            network_world_fini(&world);
            options.mtu = 1280 + (uint32_t)((r >> 32) % 3000);
            network_world_init(&world, &options);
        }
        struct tcpip_network_output how = to(world_far6);
        how.router_alert = r >> 63;
        assert_int_equal(world_send(&world, how, bytes, size), TCPIP_OK);
        while (world_collect(&world)) {
            assert_in_range(world.out_size, 41, world.nic->mtu);
            assert_true(world_out_sums_up(&world));
            world_inject(&other, world.out, world.out_size, 0);
        }
        assert_int_equal(other.delivered, round);
        assert_int_equal(other.size, size);
        assert_memory_equal(other.bytes, bytes, size);
    }
    network_world_fini(&other);
    network_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_datagram_goes_up_with_what_was_learned_of_it),
        cmocka_unit_test(test_headers_that_lie_are_malformed),
        cmocka_unit_test(test_addresses_that_can_not_be_are_martians),
        cmocka_unit_test(test_an_unknown_upper_protocol_is_answered_with_the_pointer_to_its_name),
        cmocka_unit_test(test_headers_in_any_order_are_walked_to_the_upper_protocol),
        cmocka_unit_test(test_nothing_behind_no_next_header_is_looked_at),
        cmocka_unit_test(test_the_bits_of_an_unknown_option_say_what_is_to_be_done),
        cmocka_unit_test(test_an_option_that_runs_past_its_header_is_answered),
        cmocka_unit_test(test_a_route_that_goes_on_ends_here),
        cmocka_unit_test(test_hop_by_hop_options_come_first_or_not_at_all),
        cmocka_unit_test(test_chains_that_are_cut_off_too_long_or_too_rich_are_dropped),
        cmocka_unit_test(test_extension_headers_before_and_behind_the_fragment_header),
        cmocka_unit_test(test_a_first_fragment_without_the_whole_chain_is_answered),
        cmocka_unit_test(test_fragments_within_fragments_and_hidden_hop_by_hop_options_are_refused),
        cmocka_unit_test(test_a_first_fragment_with_too_much_in_front_is_dropped),
        cmocka_unit_test(test_a_datagram_that_would_be_too_large_is_answered),
        cmocka_unit_test(test_headers_that_leave_say_what_was_asked),
        cmocka_unit_test(test_what_may_not_be_fragmented_is_too_long),
        cmocka_unit_test(test_fragments_are_no_smaller_than_every_path_takes),
        cmocka_unit_test(test_fragments_of_one_stack_are_datagrams_of_another),
    };
    return cmocka_run_group_tests_name("network/ipv6", tests, NULL, NULL);
}
