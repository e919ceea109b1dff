// SPDX-License-Identifier: MIT
/* ndp_test.c: neighbour discovery in bytes: who is answered, what is learned, what is refused; duplicate address
 * detection with all its outcomes; and two stacks that find each other over Ethernet. */
#include "network_world.h"

#include <tcpip/header/ethernet.h>
#include <tcpip/header/icmpv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/ndp.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct network_world world, other;
static uint8_t packet[2000], message[1500];
static const uint8_t any[16], new6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0xaa, 0xbb, 0xcc};

static void start(void)
{
    struct network_world_options options = {.seed = 1, .link_flags = TCPIP_LINK_RESOLUTION | TCPIP_LINK_MULTICAST};
    network_world_init(&world, &options);
}

struct envelope {
    const uint8_t *source, *destination;
    uint8_t hop_limit;
};

/* Sums up `message` and injects it. */
static void inject(struct envelope envelope, size_t bytes)
{
    struct world_v6 ip = {.source = envelope.source,
                          .destination = envelope.destination,
                          .next_header = TCPIP_PROTOCOL_ICMPV6,
                          .hop_limit = envelope.hop_limit != 0 ? envelope.hop_limit : 255};
    uint16_t sum =
        tcpip_checksum_pseudo_v6(envelope.source, envelope.destination, TCPIP_PROTOCOL_ICMPV6, (uint32_t)bytes);
    tcpip_icmpv6_set_checksum(message, 0);
    tcpip_icmpv6_set_checksum(message, tcpip_checksum_finish(tcpip_checksum(message, bytes, sum)));
    world_inject(&world, packet, world_v6(packet, ip, message, bytes), 0x86dd);
}

static size_t solicitation(const uint8_t *target, bool with_link)
{
    size_t bytes = tcpip_ndp_neighbor_solicitation_encode(message, target);
    return with_link
               ? bytes + tcpip_ndp_link_encode(message + bytes, 8, TCPIP_NDP_OPTION_SOURCE_LINK, world_link_peer.bytes)
               : bytes;
}

static size_t advertisement(const uint8_t *target, uint8_t flags)
{
    size_t bytes = tcpip_ndp_neighbor_advertisement_encode(message, target, flags);
    return bytes + tcpip_ndp_link_encode(message + bytes, 8, TCPIP_NDP_OPTION_TARGET_LINK, world_link_peer.bytes);
}

static bool neighbor(const uint8_t *address, struct tcpip_neighbor *out)
{
    struct tcpip_neighbor all[8];
    size_t count = tcpip_stack_neighbors(world.stack, all, array_count(all));
    for (size_t i = 0; i < count && i < array_count(all); i++)
        if (all[i].address.len == 16 && memcmp(all[i].address.bytes, address, 16) == 0) {
            *out = all[i];
            return true;
        }
    return false;
}

/* The next packet out is a neighbour discovery message of this type that any receiver would take. */
static void expect(uint8_t type)
{
    assert_true(world_collect(&world));
    assert_true(world_out_sums_up(&world));
    assert_int_equal(tcpip_ipv6_next_header(world.out), TCPIP_PROTOCOL_ICMPV6);
    assert_int_equal(world.out[40], type);
    assert_true(tcpip_ndp_check(world.out, world.out + 40, world.out_size - 40));
}

static void expect_link_option(uint8_t type)
{
    struct tcpip_ndp_option_iterator it;
    struct tcpip_ndp_option option;
    const uint8_t *link;
    tcpip_ndp_options_begin(&it, world.out + 40, world.out_size - 40);
    assert_true(tcpip_ndp_options_next(&it, &option));
    assert_int_equal(option.type, type);
    assert_true(tcpip_ndp_link_decode(&option, &link));
    assert_memory_equal(link, world_link_us.bytes, 6);
}

/* ---- questions and answers ---- */

static void test_a_question_about_us_is_answered_and_the_asker_remembered(void **state)
{
    (void)state;
    struct tcpip_neighbor found;
    uint8_t group[16];
    start();
    tcpip_ndp_solicited_node(group, world_us6);
    inject((struct envelope){.source = world_peer6, .destination = group}, solicitation(world_us6, true));
    expect(TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT);
    expect_link_option(TCPIP_NDP_OPTION_TARGET_LINK);
    assert_memory_equal(world.out_link_destination, world_link_peer.bytes, 6);
    assert_memory_equal(tcpip_ipv6_source(world.out), world_us6, 16);
    assert_memory_equal(tcpip_ipv6_destination(world.out), world_peer6, 16);
    assert_memory_equal(tcpip_ndp_target(world.out + 40), world_us6, 16);
    assert_int_equal(tcpip_ndp_neighbor_flags(world.out + 40), TCPIP_NDP_FLAG_SOLICITED | TCPIP_NDP_FLAG_OVERRIDE);
    assert_false(world_collect(&world));
    assert_true(neighbor(world_peer6, &found));
    assert_int_equal(found.state, TCPIP_NEIGHBOR_DELAY); /* STALE, and then used for the answer */
    assert_memory_equal(found.link.bytes, world_link_peer.bytes, 6);
    assert_int_equal(world.stack->stats.icmpv6.neighbor_solicit_received, 1);
    assert_int_equal(world.stack->stats.icmpv6.neighbor_advert_sent, 1);
    network_world_fini(&world);
}

static void test_who_asks_without_its_link_address_is_looked_for_first(void **state)
{
    (void)state;
    start();
    inject((struct envelope){.source = world_peer6, .destination = world_us6}, solicitation(world_us6, false));
    expect(TCPIP_ICMPV6_NEIGHBOR_SOLICITATION);
    assert_memory_equal(tcpip_ndp_target(world.out + 40), world_peer6, 16);
    assert_false(world_collect(&world));
    inject((struct envelope){.source = world_peer6, .destination = world_us6},
           advertisement(world_peer6, TCPIP_NDP_FLAG_SOLICITED | TCPIP_NDP_FLAG_OVERRIDE));
    expect(TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT);
    assert_memory_equal(world.out_link_destination, world_link_peer.bytes, 6);
    network_world_fini(&world);
}

static void test_who_asks_from_nowhere_is_answered_before_all(void **state)
{
    (void)state;
    static const uint8_t all_link[6] = {0x33, 0x33, 0, 0, 0, 1};
    uint8_t group[16];
    start();
    tcpip_ndp_solicited_node(group, world_us6);
    inject((struct envelope){.source = any, .destination = group}, solicitation(world_us6, false));
    expect(TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT);
    assert_memory_equal(tcpip_ipv6_destination(world.out), world_all6, 16);
    assert_memory_equal(world.out_link_destination, all_link, 6);
    assert_int_equal(tcpip_ndp_neighbor_flags(world.out + 40), TCPIP_NDP_FLAG_OVERRIDE);
    network_world_fini(&world);
}

static void test_a_datagram_waits_for_the_answer(void **state)
{
    (void)state;
    static const uint8_t hello[20] = "hello";
    struct tcpip_neighbor found;
    uint8_t group[16];
    struct tcpip_network_output how = {.local = world_us6, .remote = world_peer6, .transport = TCPIP_PROTOCOL_UDP};
    start();
    assert_int_equal(world_send(&world, how, hello, sizeof(hello)), TCPIP_OK);
    expect(TCPIP_ICMPV6_NEIGHBOR_SOLICITATION);
    expect_link_option(TCPIP_NDP_OPTION_SOURCE_LINK);
    tcpip_ndp_solicited_node(group, world_peer6);
    assert_memory_equal(tcpip_ipv6_destination(world.out), group, 16);
    assert_memory_equal(tcpip_ndp_target(world.out + 40), world_peer6, 16);
    assert_memory_equal(world.out_link_destination + 2, group + 12, 4);
    assert_int_equal(world.out_link_destination[0], 0x33);
    assert_false(world_collect(&world));

    inject((struct envelope){.source = world_peer6, .destination = world_us6},
           advertisement(world_peer6, TCPIP_NDP_FLAG_SOLICITED));
    assert_true(world_collect(&world));
    assert_memory_equal(world.out_link_destination, world_link_peer.bytes, 6);
    assert_memory_equal(world.out + 40, hello, sizeof(hello));
    assert_true(neighbor(world_peer6, &found));
    assert_int_equal(found.state, TCPIP_NEIGHBOR_REACHABLE);
    network_world_fini(&world);
}

static void test_a_claim_without_the_override_flag_takes_nothing_over(void **state)
{
    (void)state;
    static const uint8_t hello[20] = "hello", thief[6] = {2, 0, 0, 0, 0, 9};
    struct tcpip_network_output how = {.local = world_us6, .remote = world_peer6, .transport = TCPIP_PROTOCOL_UDP};
    struct envelope from_peer = {.source = world_peer6, .destination = world_us6};
    struct tcpip_neighbor found;
    start();
    assert_int_equal(tcpip_stack_set_default(world.stack, TCPIP_OPTION_NEIGHBOR_PROOF, 0), TCPIP_OK);
    assert_int_equal(world_send(&world, how, hello, sizeof(hello)), TCPIP_OK);
    inject(from_peer, advertisement(world_peer6, TCPIP_NDP_FLAG_SOLICITED));
    for (uint32_t override = 0; override < 2; override++) {
        size_t bytes = advertisement(world_peer6, override ? TCPIP_NDP_FLAG_OVERRIDE : 0);
        memcpy(message + 26, thief, 6);
        inject(from_peer, bytes);
        assert_true(neighbor(world_peer6, &found));
        assert_memory_equal(found.link.bytes, override ? thief : world_link_peer.bytes, 6);
    }
    network_world_fini(&world);
}

static void test_an_advertisement_that_nobody_asked_for_makes_no_entry(void **state)
{
    (void)state;
    struct tcpip_neighbor found;
    start();
    inject((struct envelope){.source = world_peer6, .destination = world_all6},
           advertisement(world_peer6, TCPIP_NDP_FLAG_OVERRIDE));
    assert_false(neighbor(world_peer6, &found));
    assert_int_equal(world.stack->stats.icmpv6.neighbor_advert_received, 1);
    assert_int_equal(world.stack->stats.stack.dropped_packets, 0);
    network_world_fini(&world);
}

static void test_what_a_router_let_through_or_nobody_would_send_is_refused(void **state)
{
    (void)state;
    struct tcpip_neighbor found;
    struct envelope from_peer = {.source = world_peer6, .destination = world_us6};
    uint64_t bad = 0;
    start();
    inject((struct envelope){.source = world_peer6, .destination = world_us6, .hop_limit = 254},
           solicitation(world_us6, true));
    assert_int_equal(world_drops(&world, TCPIP_DROP_NDP_HOP_LIMIT), 1);
    size_t bytes = solicitation(world_us6, true);
    message[1] = 1; /* code */
    inject(from_peer, bytes);
    bytes = solicitation(world_us6, true);
    message[25] = 0; /* an option of no length */
    inject(from_peer, bytes);
    inject(from_peer, solicitation(world_us6, false) - 1);
    inject(from_peer, solicitation(world_all6, true)); /* a group as target */
    inject((struct envelope){.source = any, .destination = world_all6}, solicitation(world_us6, false));
    inject((struct envelope){.source = world_peer6, .destination = world_all6},
           advertisement(world_peer6, TCPIP_NDP_FLAG_SOLICITED));
    inject(from_peer, advertisement(any, 0));
    inject((struct envelope){.source = world_peer6, .destination = world_us6},
           tcpip_ndp_router_advertisement_encode(message, &(struct tcpip_ndp_router_advertisement){0}));
    bad += 8;
    assert_int_equal(world_drops(&world, TCPIP_DROP_NDP_MALFORMED), bad);
    /* RFC 6980: discovery isn't fragmented. */
    bytes = solicitation(world_us6, true);
    uint16_t sum = tcpip_checksum_pseudo_v6(world_peer6, world_us6, TCPIP_PROTOCOL_ICMPV6, (uint32_t)bytes);
    tcpip_icmpv6_set_checksum(message, 0);
    tcpip_icmpv6_set_checksum(message, tcpip_checksum_finish(tcpip_checksum(message, bytes, sum)));
    for (size_t at = 0; at < bytes; at += 16) {
        uint8_t body[24];
        tcpip_ipv6_fragment_encode(body, &(struct tcpip_ipv6_fragment_fields){.next_header = TCPIP_PROTOCOL_ICMPV6,
                                                                              .more = at + 16 < bytes,
                                                                              .offset = (uint16_t)at});
        memcpy(body + 8, message + at, 16);
        struct world_v6 ip = {
            .source = world_peer6, .destination = world_us6, .next_header = TCPIP_IPV6_FRAGMENT, .hop_limit = 255};
        world_inject(&world, packet, world_v6(packet, ip, body, sizeof(body)), 0x86dd);
    }
    assert_int_equal(world_drops(&world, TCPIP_DROP_NDP_MALFORMED), bad + 1);
    assert_int_equal(world.stack->stats.icmpv6.invalid, bad + 2);
    assert_false(neighbor(world_peer6, &found));
    assert_false(world_collect(&world));
    network_world_fini(&world);
}

static void test_what_is_not_about_us_is_left_alone(void **state)
{
    (void)state;
    static const uint8_t router[16] = {0xfe, 0x80, [15] = 9};
    start();
    inject((struct envelope){.source = world_peer6, .destination = world_us6}, solicitation(new6, true));
    inject((struct envelope){.source = world_us6, .destination = world_us6}, solicitation(world_us6, true));
    assert_int_equal(world_drops(&world, TCPIP_DROP_NDP_NOT_FOR_US), 1);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_MARTIAN_SOURCE), 1);
    inject((struct envelope){.source = router, .destination = world_all6},
           tcpip_ndp_router_advertisement_encode(message, &(struct tcpip_ndp_router_advertisement){0}));
    inject((struct envelope){.source = world_peer6, .destination = world_us6},
           tcpip_ndp_router_solicitation_encode(message));
    inject((struct envelope){.source = router, .destination = world_us6},
           tcpip_ndp_redirect_encode(message, router, world_far6));
    assert_int_equal(world_drops(&world, TCPIP_DROP_ICMP_UNKNOWN_TYPE), 3);
    assert_int_equal(world.stack->stats.icmpv6.router_advert_received, 1);
    assert_int_equal(world.stack->stats.icmpv6.router_solicit_received, 1);
    assert_int_equal(world.stack->stats.icmpv6.redirect_received, 1);
    /* Somebody claims what is ours: counted. */
    inject((struct envelope){.source = world_peer6, .destination = world_all6},
           advertisement(world_us6, TCPIP_NDP_FLAG_OVERRIDE));
    assert_int_equal(world.stack->stats.neighbor.duplicate_addresses, 1);
    assert_int_equal(tcpip__address_find(world.stack, world.nic, world_us6)->flags & TCPIP_ADDRESS_DUPLICATE, 0);
    assert_false(world_collect(&world));
    network_world_fini(&world);
}

/* ---- duplicate address detection ---- */

static uint32_t new_flags(void)
{
    return tcpip__address_find(world.stack, world.nic, new6)->flags &
           (TCPIP_ADDRESS_TENTATIVE | TCPIP_ADDRESS_DUPLICATE);
}

/* Adds the address and waits for its question; world.out is that. */
static void ask(void)
{
    world_add_address(&world, new6, 64, 0);
    assert_int_equal(new_flags(), TCPIP_ADDRESS_TENTATIVE);
    for (int ms = 0; ms <= 1000 && tcpip_channel_pending(world.link) == 0; ms++)
        world_advance(&world, TCPIP_MS);
    expect(TCPIP_ICMPV6_NEIGHBOR_SOLICITATION);
    assert_memory_equal(tcpip_ipv6_source(world.out), any, 16);
    assert_memory_equal(tcpip_ndp_target(world.out + 40), new6, 16);
    assert_false(world_collect(&world));
}

static void test_silence_confirms_a_new_address(void **state)
{
    (void)state;
    uint8_t group[16];
    start();
    ask();
    tcpip_ndp_solicited_node(group, new6);
    /* Until then it answers to nothing. */
    inject((struct envelope){.source = world_peer6, .destination = group}, solicitation(new6, true));
    assert_int_equal(world_drops(&world, TCPIP_DROP_NDP_NOT_FOR_US), 1);
    inject((struct envelope){.source = world_peer6, .destination = new6}, solicitation(new6, true));
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_NOT_LOCAL), 1);
    world_advance(&world, TCPIP_SECOND - 1);
    assert_int_equal(new_flags(), TCPIP_ADDRESS_TENTATIVE);
    world_advance(&world, TCPIP_MS);
    assert_int_equal(new_flags(), 0);
    assert_false(world_collect(&world));
    inject((struct envelope){.source = world_peer6, .destination = group}, solicitation(new6, true));
    expect(TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT);
    network_world_fini(&world);
}

static void pass_seconds(int seconds)
{
    for (int i = 0; i < seconds; i++)
        world_advance(&world, TCPIP_SECOND);
}

static void test_a_nic_that_comes_up_without_memory_is_heard_from_later(void **state)
{
    (void)state;
    uint8_t group[16];
    start();
    world_add_address(&world, new6, 64, 0);
    pass_seconds(5);
    assert_int_equal(new_flags(), 0);
    assert_int_equal(tcpip_stack_disable_nic(world.stack, tcpip_nic_id(world.nic)), TCPIP_OK);
    test_env_fail(&world.test_env, 1, true);
    assert_int_equal(tcpip_stack_enable_nic(world.stack, tcpip_nic_id(world.nic)), TCPIP_OK);
    pass_seconds(3);
    test_env_fail(&world.test_env, 0, false);
    pass_seconds(5);
    (void)world_discard(&world);
    assert_int_equal(new_flags(), 0);
    const uint8_t *const ours[] = {new6, world_us6};
    for (size_t i = 0; i < array_count(ours); i++) {
        tcpip_ndp_solicited_node(group, ours[i]);
        inject((struct envelope){.source = world_peer6, .destination = group}, solicitation(ours[i], true));
        expect(TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT);
    }
    network_world_fini(&world);
}

static void test_an_objection_ends_it(void **state)
{
    (void)state;
    uint8_t group[16];
    tcpip_ndp_solicited_node(group, new6);
    for (uint32_t how = 0; how < 3; how++) {
        start();
        ask();
        size_t bytes;
        switch (how) {
        case 0: /* who has it says so */
            inject((struct envelope){.source = new6, .destination = world_all6},
                   advertisement(new6, TCPIP_NDP_FLAG_OVERRIDE));
            break;
        case 1: /* who wants it too asks as we did */
            inject((struct envelope){.source = any, .destination = group}, solicitation(new6, false));
            break;
        default: /* and has another nonce */
            bytes = solicitation(new6, false);
            bytes += tcpip_ndp_nonce_encode(message + bytes, 8, (const uint8_t *)"other!", 6);
            inject((struct envelope){.source = any, .destination = group}, bytes);
            break;
        }
        assert_int_equal(new_flags(), TCPIP_ADDRESS_DUPLICATE);
        assert_int_equal(world.stack->stats.neighbor.duplicate_addresses, 1);
        world_advance(&world, 10 * TCPIP_SECOND);
        assert_int_equal(new_flags(), TCPIP_ADDRESS_DUPLICATE);
        inject((struct envelope){.source = world_peer6, .destination = group}, solicitation(new6, true));
        assert_false(world_collect(&world));
        network_world_fini(&world);
    }
}

static void test_our_own_echo_is_no_objection_but_costs_three_more_questions(void **state)
{
    (void)state;
    uint8_t echo[200], nonces[4][6];
    uint32_t asked = 0;
    start();
    ask();
    for (;;) {
        assert_true(asked < 4);
        memcpy(nonces[asked++], world.out + 40 + 24 + 2, 6);
        memcpy(echo, world.out, world.out_size);
        world_inject(&world, echo, world.out_size, 0x86dd);
        assert_int_equal(new_flags(), TCPIP_ADDRESS_TENTATIVE);
        world_advance(&world, TCPIP_SECOND);
        if (!world_collect(&world))
            break;
    }
    assert_int_equal(asked, 4);
    for (uint32_t i = 1; i < asked; i++)
        assert_memory_not_equal(nonces[i], nonces[i - 1], 6);
    assert_int_equal(new_flags(), 0);
    network_world_fini(&world);
}

static void test_a_nic_that_comes_up_again_asks_again(void **state)
{
    (void)state;
    uint8_t group[16];
    start();
    ask();
    tcpip_ndp_solicited_node(group, new6);
    inject((struct envelope){.source = any, .destination = group}, solicitation(new6, false));
    assert_int_equal(new_flags(), TCPIP_ADDRESS_DUPLICATE);
    assert_int_equal(tcpip_stack_disable_nic(world.stack, 1), TCPIP_OK);
    assert_false(tcpip__nic_in_group(world.nic, group));
    assert_int_equal(tcpip_stack_enable_nic(world.stack, 1), TCPIP_OK);
    assert_true(tcpip__nic_in_group(world.nic, group));
    assert_int_equal(new_flags(), TCPIP_ADDRESS_TENTATIVE);
    world_advance(&world, 2 * TCPIP_SECOND);
    world_advance(&world, 2 * TCPIP_SECOND);
    assert_int_equal(new_flags(), 0);
    network_world_fini(&world);
}

static void test_a_nic_that_goes_down_while_it_asks_is_silent(void **state)
{
    (void)state;
    start();
    ask();
    uint64_t asked = world.stack->stats.icmpv6.neighbor_solicit_sent;
    assert_int_equal(tcpip_stack_disable_nic(world.stack, 1), TCPIP_OK);
    world_advance(&world, 10 * TCPIP_SECOND);
    assert_int_equal(new_flags(), TCPIP_ADDRESS_TENTATIVE);
    assert_int_equal(world.stack->stats.icmpv6.neighbor_solicit_sent, asked);
    network_world_fini(&world);
}

static void test_an_address_that_goes_while_it_asks_leaves_nothing_behind(void **state)
{
    (void)state;
    struct tcpip_address address = tcpip_address_v6(new6);
    uint8_t group[16];
    start();
    tcpip_ndp_solicited_node(group, new6);
    ask();
    assert_int_equal(tcpip_stack_remove_address(world.stack, 1, &address), TCPIP_OK);
    assert_false(tcpip__nic_in_group(world.nic, group));
    world_advance(&world, 10 * TCPIP_SECOND);
    assert_false(world_collect(&world));
    ask();
    network_world_fini(&world); /* and so does a stack */
}

static void test_links_without_addresses_need_no_detection(void **state)
{
    (void)state;
    struct network_world_options options = {.seed = 1};
    network_world_init(&world, &options);
    world_add_address(&world, new6, 64, 0);
    assert_int_equal(new_flags(), 0);
    inject((struct envelope){.source = world_peer6, .destination = new6}, solicitation(new6, true));
    expect(TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT); /* a question is answered, though */
    assert_int_equal(world.out_size, 40 + TCPIP_NDP_NEIGHBOR_BYTES);
    network_world_fini(&world);
}

/* ---- two stacks over Ethernet ---- */

static void settle(struct tcpip_link *ends[2])
{
    while (tcpip_pipe_pump(ends[0], 64) + tcpip_pipe_pump(ends[1], 64) > 0)
        ;
}

static void both_advance(struct tcpip_link *ends[2], tcpip_ns by)
{
    for (int i = 0; i < 10; i++) {
        world_advance(&world, by / 10);
        world_advance(&other, by / 10);
        settle(ends);
    }
}

static void test_two_stacks_find_each_other_over_ethernet(void **state)
{
    (void)state;
    struct test_env env;
    struct tcpip_link *ends[2], *ethernet[2];
    static uint8_t payload[3000];
    test_env_init(&env, 3);
    struct tcpip_pipe_options pipe = {.size = sizeof(pipe), .mtu = 1514};
    assert_int_equal(tcpip_pipe_new(&env.env, &pipe, ends), TCPIP_OK);
    ethernet[0] = tcpip_ethernet_new(&env.env, ends[0], world_link_us);
    ethernet[1] = tcpip_ethernet_new(&env.env, ends[1], world_link_peer);
    struct network_world_options here = {.seed = 1, .link = ethernet[0]};
    struct network_world_options there = {.seed = 2, .link = ethernet[1], .no_addresses = true};
    network_world_init(&world, &here);
    network_world_init(&other, &there);
    world_add_address(&other, world_peer4, 24, 0);
    world_add_address(&other, world_peer6, 64, 0);
    struct tcpip_route_entry row4 = {.destination = {tcpip_address_v4(10, 0, 0, 0), 24}, .nic = 1};
    struct tcpip_route_entry row6 = {.destination = {tcpip_address_v6(world_peer6), 64}, .nic = 1};
    assert_int_equal(tcpip_stack_add_route(other.stack, &row4), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_route(other.stack, &row6), TCPIP_OK);
    both_advance(ends, 3 * TCPIP_SECOND); /* detection */

    for (uint32_t v6 = 0; v6 < 2; v6++)
        for (size_t size = 0; size <= sizeof(payload); size += 1000) {
            struct world_icmp fields = {v6 ? TCPIP_ICMPV6_ECHO_REQUEST : TCPIP_ICMPV4_ECHO_REQUEST, 0, (uint32_t)size};
            struct tcpip_network_output how = {
                .local = v6 ? world_us6 : world_us4,
                .remote = v6 ? world_peer6 : world_peer4,
                .transport = v6 ? TCPIP_PROTOCOL_ICMPV6 : TCPIP_PROTOCOL_ICMPV4,
            };
            static uint8_t request[4000];
            size_t bytes = v6 ? world_icmp6(request, world_us6, world_peer6, fields, payload, size)
                              : world_icmp4(request, fields, payload, size);
            uint32_t before = world.delivered;
            assert_int_equal(world_send(&world, how, request, bytes), TCPIP_OK);
            settle(ends);
            assert_int_equal(world.delivered, before + 1);
            assert_int_equal(world.size, bytes);
            assert_int_equal(world.bytes[0], v6 ? TCPIP_ICMPV6_ECHO_REPLY : TCPIP_ICMPV4_ECHO_REPLY);
            assert_memory_equal(world.bytes + 4, request + 4, bytes - 4);
        }
    assert_int_equal(other.stack->stats.stack.dropped_packets, 0);
    network_world_fini(&world);
    network_world_fini(&other);
    tcpip_ethernet_free(ethernet[0]);
    tcpip_ethernet_free(ethernet[1]);
    tcpip_pipe_free(ends);
    test_env_fini(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_question_about_us_is_answered_and_the_asker_remembered),
        cmocka_unit_test(test_who_asks_without_its_link_address_is_looked_for_first),
        cmocka_unit_test(test_who_asks_from_nowhere_is_answered_before_all),
        cmocka_unit_test(test_a_datagram_waits_for_the_answer),
        cmocka_unit_test(test_a_claim_without_the_override_flag_takes_nothing_over),
        cmocka_unit_test(test_an_advertisement_that_nobody_asked_for_makes_no_entry),
        cmocka_unit_test(test_what_a_router_let_through_or_nobody_would_send_is_refused),
        cmocka_unit_test(test_what_is_not_about_us_is_left_alone),
        cmocka_unit_test(test_silence_confirms_a_new_address),
        cmocka_unit_test(test_a_nic_that_comes_up_without_memory_is_heard_from_later),
        cmocka_unit_test(test_an_objection_ends_it),
        cmocka_unit_test(test_our_own_echo_is_no_objection_but_costs_three_more_questions),
        cmocka_unit_test(test_a_nic_that_comes_up_again_asks_again),
        cmocka_unit_test(test_a_nic_that_goes_down_while_it_asks_is_silent),
        cmocka_unit_test(test_an_address_that_goes_while_it_asks_leaves_nothing_behind),
        cmocka_unit_test(test_links_without_addresses_need_no_detection),
        cmocka_unit_test(test_two_stacks_find_each_other_over_ethernet),
    };
    return cmocka_run_group_tests_name("network/ndp", tests, NULL, NULL);
}
