// SPDX-License-Identifier: MIT
/* ethernet_test.c: headers, kinds of addresses, groups' addresses. */
#include <tcpip/header/ethernet.h>

#include "header_test.h"

static void test_fields_survive_the_wire(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 1000; i++) {
        uint8_t bytes[12], out[TCPIP_ETHERNET_HEADER_MIN];
        random_fill(&seed, bytes, sizeof bytes);
        uint16_t type = (uint16_t)(TCPIP_ETHERNET_TYPE_MIN + random_below(&seed, 0x10000 - TCPIP_ETHERNET_TYPE_MIN));
        struct tcpip_ethernet_fields got, fields = {.destination = bytes, .source = bytes + 6, .type = type};
        tcpip_ethernet_encode(out, &fields);
        assert_true(tcpip_ethernet_header_check(out, sizeof out));
        tcpip_ethernet_decode(out, &got);
        assert_int_equal(got.type, type);
        assert_memory_equal(got.destination, bytes, 6);
        assert_memory_equal(got.source, bytes + 6, 6);
        assert_memory_equal(out, bytes, 12);
    }
}

static void test_short_frames_and_802_3_lengths_are_refused(void **state)
{
    (void)state;
    uint8_t frame[TCPIP_ETHERNET_HEADER_MIN] = {[12] = 0x08};
    for (size_t size = 0; size <= sizeof frame; size++) {
        uint8_t *exact = exact_copy(frame, size);
        assert_int_equal(tcpip_ethernet_header_check(exact, size), size == sizeof frame);
        free(exact);
    }
    tcpip_store_u16(frame + 12, 0x05ff);
    assert_false(tcpip_ethernet_header_check(frame, sizeof frame));
    tcpip_store_u16(frame + 12, 0x0600);
    assert_true(tcpip_ethernet_header_check(frame, sizeof frame));
}

static void test_kinds_of_addresses(void **state)
{
    (void)state;
    static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, zero[6] = {0};
    static const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 1}, station[6] = {2, 0, 0, 0, 0, 1};
    assert_true(tcpip_ethernet_address_is_broadcast(all) && tcpip_ethernet_address_is_group(all));
    assert_true(tcpip_ethernet_address_is_group(group) && !tcpip_ethernet_address_is_broadcast(group));
    assert_true(tcpip_ethernet_address_is_unicast(station) && !tcpip_ethernet_address_is_group(station));
    assert_false(tcpip_ethernet_address_is_unicast(zero) || tcpip_ethernet_address_is_unicast(group));
}

static void test_groups_have_the_addresses_of_their_rfcs(void **state)
{
    (void)state;
    struct tcpip_address v4 = {.bytes = {239, 0xff, 2, 3}, .len = 4};
    struct tcpip_link_address link = tcpip_ethernet_multicast(&v4);
    static const uint8_t expected_v4[6] = {1, 0, 0x5e, 0x7f, 2, 3}; /* 23 bits: the highest is lost */
    assert_int_equal(link.len, 6);
    assert_memory_equal(link.bytes, expected_v4, 6);
    struct tcpip_address v6 = {.bytes = {0xff, 2, [11] = 1, 0xff, 0xaa, 0xbb, 0xcc}, .len = 16};
    static const uint8_t expected_v6[6] = {0x33, 0x33, 0xff, 0xaa, 0xbb, 0xcc};
    link = tcpip_ethernet_multicast(&v6);
    assert_memory_equal(link.bytes, expected_v6, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_survive_the_wire),
        cmocka_unit_test(test_short_frames_and_802_3_lengths_are_refused),
        cmocka_unit_test(test_kinds_of_addresses),
        cmocka_unit_test(test_groups_have_the_addresses_of_their_rfcs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
