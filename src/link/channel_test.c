// SPDX-License-Identifier: MIT
/* channel_test.c: the contract, and the program's side of it. */
#include "link_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct tcpip_link *make(struct link_world *world, void **state)
{
    struct tcpip_channel_options options = {.size = sizeof(options), .queue_packets = 40};
    *state = tcpip_channel_new(&world->test_env.env, &options);
    return *state;
}

static struct tcpip_link *make_offloading(struct link_world *world, void **state)
{
    struct tcpip_channel_options options = {.size = sizeof(options),
                                            .flags = TCPIP_LINK_TSO4 | TCPIP_LINK_TX_CHECKSUM,
                                            .gso_max_bytes = 65535,
                                            .queue_packets = 40};
    *state = tcpip_channel_new(&world->test_env.env, &options);
    return *state;
}

static void destroy(struct link_world *world, void *state)
{
    (void)world;
    tcpip_channel_free(state);
}

static size_t take(struct link_world *world, void *state, uint8_t *out, size_t size)
{
    (void)world;
    struct tcpip_packet *packet = tcpip_channel_collect(state);
    if (packet == NULL)
        return 0;
    size_t length = tcpip_packet_copy_out(packet, 0, out, size);
    tcpip_packet_free(packet);
    return length;
}

static void give(struct link_world *world, void *state, const uint8_t *bytes, size_t size)
{
    (void)world;
    assert_int_equal(tcpip_channel_inject_bytes(state, bytes, size), TCPIP_OK);
}

static void a_channel_keeps_the_contract_of_links(void **state)
{
    (void)state;
    struct link_subject subject = {
        .name = "channel", .make = make, .destroy = destroy, .take = take, .give = give, .pushes_back_at = 40};
    link_conformance(&subject);
    subject.make = make_offloading;
    link_conformance(&subject);
}

static void count_output(void *ctx)
{
    ++*(uint32_t *)ctx;
}

static void the_program_hears_of_output_and_sees_how_much(void **state)
{
    (void)state;
    struct link_world world;
    uint32_t told = 0;
    link_world_init(&world, 1);
    struct tcpip_channel_options options = {
        .size = sizeof(options), .mtu = 9000, .on_output = count_output, .ctx = &told};
    struct tcpip_link *link = tcpip_channel_new(&world.test_env.env, &options);
    link_world_attach(&world, link);
    assert_int_equal(tcpip_channel_pending(link), 0);
    assert_null(tcpip_channel_collect(link));
    uint8_t bytes[100] = {0x60};
    link_world_send(&world, link, link_world_packet(&world, bytes, sizeof(bytes), 40, 0));
    link_world_send(&world, link, link_world_packet(&world, bytes, sizeof(bytes), 40, 0));
    assert_int_equal(told, 2);
    assert_int_equal(tcpip_channel_pending(link), 2);
    struct tcpip_packet *packet = tcpip_channel_collect(link);
    assert_int_equal(packet->length, 100);
    assert_int_equal(packet->link_protocol, 0x86dd);
    tcpip_packet_free(packet);
    assert_int_equal(tcpip_channel_pending(link), 1);
    assert_int_equal(world.tx_ready, 0);
    link_world_detach(&world, link);
    assert_int_equal(tcpip_channel_pending(link), 0);
    assert_int_equal(world.drops[TCPIP_DROP_NIC_REMOVED], 1);
    tcpip_channel_free(link);
    link_world_fini(&world);
}

static void a_super_segment_that_the_channel_did_not_ask_for_is_lost(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct tcpip_channel_options options = {
        .size = sizeof(options), .flags = TCPIP_LINK_TSO4 | TCPIP_LINK_TX_CHECKSUM, .gso_max_bytes = 65535};
    struct tcpip_link *link = tcpip_channel_new(&world.test_env.env, &options);
    link_world_attach(&world, link);
    uint8_t bytes[3000] = {0x45};
    for (uint8_t gso = TCPIP_GSO_NONE; gso <= TCPIP_GSO_UDP; gso++) {
        struct tcpip_packet *packet = link_world_packet(&world, bytes, sizeof(bytes), 40, 0);
        packet->gso = gso;
        link_world_send(&world, link, packet);
    }
    assert_int_equal(tcpip_channel_pending(link), 2);
    assert_int_equal(world.drops[TCPIP_DROP_LINK_TOO_BIG], 2);
    link_world_detach(&world, link);
    tcpip_channel_free(link);
    link_world_fini(&world);
}

static void injecting_into_a_detached_channel_loses_the_packet(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct tcpip_link *link = tcpip_channel_new(&world.test_env.env, NULL);
    uint8_t bytes[20] = {0x45};
    tcpip_channel_inject(link, link_world_packet(&world, bytes, sizeof(bytes), 0, 0));
    assert_int_equal(tcpip_channel_inject_bytes(link, bytes, sizeof(bytes)), TCPIP_ERR_LINK_DOWN);
    assert_int_equal(world.received.count, 0);
    tcpip_channel_free(link);
    link_world_fini(&world);
}

static void without_memory_bytes_are_not_injected(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct tcpip_link *link = tcpip_channel_new(&world.test_env.env, NULL);
    link_world_attach(&world, link);
    uint8_t bytes[5000] = {0x45};
    uint32_t failed = 0;
    for (uint64_t k = 1; k < 5; k++) {
        test_env_fail(&world.test_env, k, true);
        enum tcpip_error error = tcpip_channel_inject_bytes(link, bytes, sizeof(bytes));
        assert_true(error == TCPIP_OK || error == TCPIP_ERR_NO_MEMORY);
        failed += error != TCPIP_OK;
        test_env_fail(&world.test_env, 0, false);
    }
    assert_true(failed > 0);
    assert_int_equal(world.received.count, 4 - failed);
    link_world_detach(&world, link);
    tcpip_channel_free(link);
    link_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_keeps_the_contract_of_links),
        cmocka_unit_test(the_program_hears_of_output_and_sees_how_much),
        cmocka_unit_test(a_super_segment_that_the_channel_did_not_ask_for_is_lost),
        cmocka_unit_test(injecting_into_a_detached_channel_loses_the_packet),
        cmocka_unit_test(without_memory_bytes_are_not_injected),
    };
    return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
