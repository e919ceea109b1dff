// SPDX-License-Identifier: MIT
/* ipv6_test.c: the fixed header's round trip, and the lies that its check catches. */
#include <tcpip/header/ipv6.h>

#include "header_test.h"

static void test_fields_survive_the_wire_and_the_setters(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 5000; i++) {
        uint8_t bytes[32], out[TCPIP_IPV6_HEADER_BYTES], other[TCPIP_IPV6_HEADER_BYTES];
        random_fill(&seed, bytes, sizeof bytes);
        bytes[0] &= 0x7f;
        struct tcpip_ipv6_fields got, fields = {
                                          .traffic_class = random_u8(&seed),
                                          .next_header = random_u8(&seed),
                                          .hop_limit = random_u8(&seed),
                                          .payload_length = random_u16(&seed),
                                          .flow_label = random_u32(&seed) & 0xfffff,
                                          .source = bytes,
                                          .destination = bytes + 16,
                                      };
        tcpip_ipv6_encode(out, &fields);
        assert_true(tcpip_ipv6_header_check(out, sizeof out, 40u + fields.payload_length));
        tcpip_ipv6_decode(out, &got);
        assert_int_equal(got.traffic_class, fields.traffic_class);
        assert_int_equal(got.next_header, fields.next_header);
        assert_int_equal(got.hop_limit, fields.hop_limit);
        assert_int_equal(got.payload_length, fields.payload_length);
        assert_int_equal(got.flow_label, fields.flow_label);
        assert_memory_equal(got.source, bytes, 16);
        assert_memory_equal(got.destination, bytes + 16, 16);

        memset(other, 0, sizeof other); /* the setters come to the same */
        tcpip_store_u32(other, 6u << 28 | fields.flow_label);
        tcpip_ipv6_set_traffic_class(other, fields.traffic_class);
        tcpip_ipv6_set_next_header(other, fields.next_header);
        tcpip_ipv6_set_hop_limit(other, fields.hop_limit);
        tcpip_ipv6_set_payload_length(other, fields.payload_length);
        tcpip_ipv6_set_source(other, bytes);
        tcpip_ipv6_set_destination(other, bytes + 16);
        assert_memory_equal(out, other, sizeof out);
        struct tcpip_address address = tcpip_ipv6_destination_address(out);
        assert_int_equal(address.len, 16);
        assert_memory_equal(address.bytes, bytes + 16, 16);
    }
}

static void test_lies_are_refused(void **state)
{
    (void)state;
    static const uint8_t addresses[32] = {0x20, 1};
    uint8_t packet[50] = {0};
    struct tcpip_ipv6_fields fields = {.payload_length = 10, .source = addresses, .destination = addresses + 16};
    tcpip_ipv6_encode(packet, &fields);
    for (size_t size = 0; size <= sizeof packet; size++) {
        uint8_t *exact = exact_copy(packet, size);
        assert_int_equal(tcpip_ipv6_header_check(exact, size, size), size == 50);
        assert_int_equal(tcpip_ipv6_header_check(exact, size, 50), size >= 40);
        free(exact);
    }
    assert_true(tcpip_ipv6_header_check(packet, 50, 60)); /* padded by the link */
    for (unsigned version = 0; version < 16; version++) {
        packet[0] = (uint8_t)(version << 4);
        assert_int_equal(tcpip_ipv6_header_check(packet, 50, 50), version == 6);
    }
    packet[0] = 0x60;
    packet[8] = 0xff; /* a group can't send */
    assert_false(tcpip_ipv6_header_check(packet, 50, 50));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_survive_the_wire_and_the_setters),
        cmocka_unit_test(test_lies_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
