// SPDX-License-Identifier: MIT
/* loopback_test.c: the contract, and that nothing is copied on the way round. */
#include "link_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct tcpip_link *make(struct link_world *world, void **state)
{
    *state = tcpip_loopback_new(&world->test_env.env, 0);
    return *state;
}

static void destroy(struct link_world *world, void *state)
{
    (void)world;
    tcpip_loopback_free(state);
}

static size_t take(struct link_world *world, void *state, uint8_t *out, size_t size)
{
    (void)state;
    return link_world_take(world, out, size, NULL);
}

static void a_loopback_keeps_the_contract_of_links(void **state)
{
    (void)state;
    link_conformance(&(struct link_subject){.name = "loopback", .make = make, .destroy = destroy, .take = take});
}

static void what_comes_back_is_the_senders_own_buffers(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct tcpip_link *link = tcpip_loopback_new(&world.test_env.env, 0);
    link_world_attach(&world, link);
    static uint8_t bytes[60000] = {0x45};
    struct tcpip_packet *packet = link_world_packet(&world, bytes, sizeof(bytes), 40, 0);
    struct tcpip_buffer *buffer = packet->views[0].buffer;
    packet->gso = TCPIP_GSO_TCPV4;
    packet->gso_size = 1448;
    packet->checksum = TCPIP_CHECKSUM_PARTIAL;
    packet->checksum_start = 20;
    packet->checksum_offset = 16;
    packet->at = 17;
    packet->transport_offset = 20;
    packet->type = TCPIP_PACKET_OUTGOING;
    packet->link_protocol = 0;
    link_world_send(&world, link, packet);

    struct tcpip_packet *back = tcpip_packet_list_pop(&world.received);
    assert_ptr_equal(back->views[0].buffer, buffer);
    assert_int_equal(buffer->refs, 1);
    assert_int_equal(back->gso, TCPIP_GSO_TCPV4);
    assert_int_equal(back->gso_size, 1448);
    assert_int_equal(back->checksum, TCPIP_CHECKSUM_PARTIAL);
    assert_int_equal(back->checksum_start, 20);
    assert_int_equal(back->at, 0);
    assert_int_equal(back->transport_offset, 0);
    assert_int_equal(back->type, TCPIP_PACKET_HOST);
    assert_int_equal(back->link_protocol, 0x0800);
    tcpip_packet_free(back);
    link_world_detach(&world, link);
    tcpip_loopback_free(link);
    link_world_fini(&world);
}

static void without_memory_there_is_no_loopback(void **state)
{
    (void)state;
    struct test_env test_env;
    test_env_init(&test_env, 1);
    test_env_fail(&test_env, 1, true);
    assert_null(tcpip_loopback_new(&test_env.env, 0));
    test_env_fail(&test_env, 0, false);
    struct tcpip_link *link = tcpip_loopback_new(&test_env.env, 1500);
    struct tcpip_link_capabilities caps;
    link->ops->capabilities(link, &caps);
    assert_int_equal(caps.mtu, 1500);
    tcpip_loopback_free(link);
    test_env_fini(&test_env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loopback_keeps_the_contract_of_links),
        cmocka_unit_test(what_comes_back_is_the_senders_own_buffers),
        cmocka_unit_test(without_memory_there_is_no_loopback),
    };
    return cmocka_run_group_tests_name("loopback", tests, NULL, NULL);
}
