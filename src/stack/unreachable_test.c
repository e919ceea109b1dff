// SPDX-License-Identifier: MIT
/* unreachable_test.c: the error that a waiting packet becomes, and the packets that become none. */
#include "stack/unreachable.h"

#include "route_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void lost(struct route_world *w, const uint8_t *bytes, uint32_t size, uint16_t protocol)
{
    tcpip_stack_enter(w->stack);
    struct tcpip_packet *packet = tcpip_packet_new(w->stack);
    assert_non_null(packet);
    assert_int_equal(tcpip_packet_append(packet, bytes, size), TCPIP_OK);
    packet->link_protocol = protocol;
    tcpip__packet_unreachable(tcpip_stack_nic(w->stack, 1), packet);
    tcpip_stack_leave(w->stack);
}

static void world(struct route_world *w)
{
    world_init(w, NULL, WORLD_BOTH);
    world_nic(w, 1, TCPIP_LINK_RESOLUTION);
}

static void test_an_ipv4_packet_becomes_host_unreachable(void **state)
{
    (void)state;
    struct route_world w;
    uint8_t packet[32] = {0x46, [9] = 17, [12] = 10, 0, 0, 1, 10, 0, 0, 2, [24] = 1, 2, 3, 4, 5, 6, 7, 8};
    world(&w);
    lost(&w, packet, sizeof(packet), TCPIP_PROTOCOL_IPV4);
    assert_int_equal(w.errors, 1);
    assert_int_equal(w.error.kind, TCPIP_ICMP_HOST_UNREACHABLE);
    assert_int_equal(w.error.type, 3);
    assert_int_equal(w.error.code, 1);
    assert_memory_equal(w.error.local, world_bytes("10.0.0.1"), 16);
    assert_memory_equal(w.error.remote, world_bytes("10.0.0.2"), 16);
    assert_memory_equal(w.error.quote, packet + 24, 8); /* behind the options */
    assert_int_equal(w.error.quote_bytes, 8);
    packet[7] = 1; /* a later fragment has no transport header */
    lost(&w, packet, sizeof(packet), TCPIP_PROTOCOL_IPV4);
    packet[7] = 0;
    lost(&w, packet, 31, TCPIP_PROTOCOL_IPV4);
    lost(&w, packet, 12, TCPIP_PROTOCOL_IPV4);
    packet[0] = 0x44;
    lost(&w, packet, sizeof(packet), TCPIP_PROTOCOL_IPV4);
    assert_int_equal(w.errors, 1);
    assert_int_equal(w.stack->stats.drops[TCPIP_DROP_NEIGHBOR_UNREACHABLE], 5);
    world_fini(&w);
}

static void test_an_ipv6_packet_is_read_through_its_extension_headers(void **state)
{
    (void)state;
    struct route_world w;
    uint8_t packet[40 + 8 + 16 + 8 + 8] = {0x60, [6] = 0, [8] = 0xfe, 0x80, [23] = 1, [24] = 0xfe, 0x80, [39] = 2};
    packet[40] = 60; /* hop-by-hop, 8 bytes */
    packet[48] = 44; /* destination options, 16 bytes */
    packet[49] = 1;
    packet[64] = 17; /* fragment, the first */
    packet[67] = 1;
    packet[72] = 0x77;
    world(&w);
    lost(&w, packet, sizeof(packet), TCPIP_PROTOCOL_IPV6);
    assert_int_equal(w.errors, 1);
    assert_int_equal(w.error.type, 1);
    assert_int_equal(w.error.code, 3);
    assert_memory_equal(w.error.remote, world_bytes("fe80::2"), 16);
    assert_int_equal(w.error.quote[0], 0x77);
    packet[67] = 8; /* a later one */
    lost(&w, packet, sizeof(packet), TCPIP_PROTOCOL_IPV6);
    packet[67] = 0;
    packet[49] = 255; /* options longer than the packet */
    lost(&w, packet, sizeof(packet), TCPIP_PROTOCOL_IPV6);
    for (uint32_t size = 1; size < sizeof(packet); size++)
        lost(&w, packet, size, TCPIP_PROTOCOL_IPV6);
    assert_int_equal(w.errors, 1);
    world_fini(&w);
}

static void test_bytes_at_random_do_no_harm(void **state)
{
    (void)state;
    struct route_world w;
    world(&w);
    for (int round = 0; round < 5000; round++) {
        uint8_t packet[256];
        uint64_t random = test_env_random(&w.env);
        for (size_t i = 0; i < sizeof(packet); i += 8) {
            uint64_t word = test_env_random(&w.env);
            memcpy(packet + i, &word, 8);
        }
        bool v4 = (random & 1) != 0;
        packet[0] = v4 ? (uint8_t)(0x40 | (random >> 8 & 15)) : 0x60;
        packet[6] = (uint8_t)(random >> 16 & 1 ? 44 : 60);
        lost(&w, packet, (uint32_t)(1 + (random >> 32) % sizeof(packet)),
             v4 ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6);
    }
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_ipv4_packet_becomes_host_unreachable),
        cmocka_unit_test(test_an_ipv6_packet_is_read_through_its_extension_headers),
        cmocka_unit_test(test_bytes_at_random_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
