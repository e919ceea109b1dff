// SPDX-License-Identifier: MIT
/* udp_test.c: the header's round trip, and lengths that lie. */
#include <tcpip/header/udp.h>

#include "header_test.h"

static void test_fields_survive_the_wire_and_the_setters(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 5000; i++) {
        uint8_t out[TCPIP_UDP_HEADER_BYTES], other[TCPIP_UDP_HEADER_BYTES];
        struct tcpip_udp_fields got, fields = {
                                         .source_port = random_u16(&seed),
                                         .destination_port = random_u16(&seed),
                                         .length = (uint16_t)(8 + random_below(&seed, 65528)),
                                         .checksum = random_u16(&seed),
                                     };
        tcpip_udp_encode(out, &fields);
        assert_true(tcpip_udp_header_check(out, sizeof out, fields.length));
        tcpip_udp_decode(out, &got);
        assert_int_equal(got.source_port, fields.source_port);
        assert_int_equal(got.destination_port, fields.destination_port);
        assert_int_equal(got.length, fields.length);
        assert_int_equal(got.checksum, fields.checksum);
        tcpip_udp_set_source_port(other, fields.source_port);
        tcpip_udp_set_destination_port(other, fields.destination_port);
        tcpip_udp_set_length(other, fields.length);
        tcpip_udp_set_checksum(other, fields.checksum);
        assert_memory_equal(out, other, sizeof out);
    }
}

static void test_a_datagram_has_these_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0, 53, 0x04, 0xd2, 0, 12, 0xab, 0xcd};
    uint8_t out[TCPIP_UDP_HEADER_BYTES];
    tcpip_udp_encode(out, &(struct tcpip_udp_fields){53, 1234, 12, 0xabcd});
    assert_memory_equal(out, expected, sizeof expected);
}

static void test_lengths_that_lie_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[20] = {0};
    for (unsigned length = 0; length < 40; length++)
        for (size_t size = 0; size <= sizeof bytes; size++) {
            tcpip_udp_set_length(bytes, (uint16_t)length);
            uint8_t *exact = exact_copy(bytes, size);
            assert_int_equal(tcpip_udp_header_check(exact, size, size), size >= 8 && length >= 8 && length <= size);
            assert_int_equal(tcpip_udp_header_check(exact, size, 20), size >= 8 && length >= 8 && length <= 20);
            free(exact);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_survive_the_wire_and_the_setters),
        cmocka_unit_test(test_a_datagram_has_these_bytes),
        cmocka_unit_test(test_lengths_that_lie_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
