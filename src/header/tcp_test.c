// SPDX-License-Identifier: MIT
/* tcp_test.c: the header's round trip, its check, and partial encoding against a whole checksum. */
#include <tcpip/header/tcp.h>

#include "header_test.h"

#include <tcpip/address.h>
#include <tcpip/header/checksum.h>

static struct tcpip_tcp_fields random_fields(uint64_t *seed)
{
    return (struct tcpip_tcp_fields){
        .source_port = random_u16(seed),
        .destination_port = random_u16(seed),
        .sequence = random_u32(seed),
        .acknowledgment = random_u32(seed),
        .flags = (uint16_t)(random_u16(seed) & TCPIP_TCP_FLAGS),
        .header_bytes = (uint8_t)(20 + 4 * random_below(seed, 11)),
        .window = random_u16(seed),
        .checksum = random_u16(seed),
        .urgent = random_u16(seed),
    };
}

static void test_fields_survive_the_wire(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 5000; i++) {
        uint8_t out[TCPIP_TCP_HEADER_MAX];
        size_t header_bytes;
        struct tcpip_tcp_fields got, fields = random_fields(&seed);
        tcpip_tcp_encode(out, &fields);
        assert_true(tcpip_tcp_header_check(out, fields.header_bytes, &header_bytes));
        assert_int_equal(header_bytes, fields.header_bytes);
        tcpip_tcp_decode(out, &got);
        assert_int_equal(got.source_port, fields.source_port);
        assert_int_equal(got.destination_port, fields.destination_port);
        assert_int_equal(got.sequence, fields.sequence);
        assert_int_equal(got.acknowledgment, fields.acknowledgment);
        assert_int_equal(got.flags, fields.flags);
        assert_int_equal(got.header_bytes, fields.header_bytes);
        assert_int_equal(got.window, fields.window);
        assert_int_equal(got.checksum, fields.checksum);
        assert_int_equal(got.urgent, fields.urgent);
    }
}

static void test_setters_come_to_what_encoding_writes(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < 2000; i++) {
        uint8_t out[TCPIP_TCP_HEADER_MIN], other[TCPIP_TCP_HEADER_MIN];
        struct tcpip_tcp_fields fields = random_fields(&seed), rest = random_fields(&seed);
        rest.header_bytes = fields.header_bytes;
        rest.urgent = fields.urgent;
        tcpip_tcp_encode(out, &fields);
        tcpip_tcp_encode(other, &rest);
        tcpip_tcp_set_source_port(other, fields.source_port);
        tcpip_tcp_set_destination_port(other, fields.destination_port);
        tcpip_tcp_set_sequence(other, fields.sequence);
        tcpip_tcp_set_acknowledgment(other, fields.acknowledgment);
        tcpip_tcp_set_flags(other, fields.flags);
        tcpip_tcp_set_window(other, fields.window);
        tcpip_tcp_set_checksum(other, fields.checksum);
        assert_memory_equal(out, other, sizeof out);
    }
}

static void test_a_known_syn_has_these_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x04, 0xd2, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0xa1, 0xc2, 0xff, 0xff, 0, 0, 0, 0};
    uint8_t out[TCPIP_TCP_HEADER_MIN];
    tcpip_tcp_encode(out, &(struct tcpip_tcp_fields){
                              .source_port = 1234,
                              .destination_port = 80,
                              .sequence = 1,
                              .flags = TCPIP_TCP_SYN | TCPIP_TCP_ECE | TCPIP_TCP_CWR | TCPIP_TCP_AE,
                              .header_bytes = 40,
                              .window = 65535,
                          });
    assert_memory_equal(out, expected, sizeof expected);
}

static void test_data_offsets_that_lie_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[TCPIP_TCP_HEADER_MAX] = {0};
    size_t header_bytes;
    for (unsigned words = 0; words < 16; words++)
        for (size_t size = 0; size <= sizeof bytes; size++) {
            bytes[12] = (uint8_t)(words << 4);
            uint8_t *exact = exact_copy(bytes, size);
            bool good = size >= 20 && words >= 5 && words * 4 <= size;
            assert_int_equal(tcpip_tcp_header_check(exact, size, &header_bytes), good);
            free(exact);
        }
}

static void test_a_partly_encoded_segment_sums_up(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 5000; i++) {
        uint8_t segment[TCPIP_TCP_HEADER_MAX + 100], addresses[8];
        random_fill(&seed, segment, sizeof segment);
        random_fill(&seed, addresses, sizeof addresses);
        struct tcpip_tcp_fields fields = random_fields(&seed);
        tcpip_tcp_encode(segment, &fields);
        size_t size = fields.header_bytes + random_below(&seed, 100);

        uint16_t pseudo = tcpip_checksum_pseudo_v4(addresses, addresses + 4, TCPIP_PROTOCOL_TCP, (uint16_t)size);
        uint16_t rest = tcpip_checksum(segment, 4, pseudo);   /* ports */
        rest = tcpip_checksum(segment + 18, size - 18, rest); /* urgent pointer, options, data */
        struct tcpip_tcp_partial partial = {random_u32(&seed), random_u32(&seed),
                                            (uint16_t)(random_u16(&seed) & TCPIP_TCP_FLAGS), random_u16(&seed)};
        tcpip_tcp_encode_partial(segment, &partial, rest);
        assert_true(tcpip_checksum_ok(tcpip_checksum(segment, size, pseudo)));
        assert_int_equal(tcpip_tcp_sequence(segment), partial.sequence);
        assert_int_equal(tcpip_tcp_acknowledgment(segment), partial.acknowledgment);
        assert_int_equal(tcpip_tcp_flags(segment), partial.flags);
        assert_int_equal(tcpip_tcp_window(segment), partial.window);
        assert_int_equal(tcpip_tcp_header_bytes(segment), fields.header_bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_survive_the_wire),
        cmocka_unit_test(test_setters_come_to_what_encoding_writes),
        cmocka_unit_test(test_a_known_syn_has_these_bytes),
        cmocka_unit_test(test_data_offsets_that_lie_are_refused),
        cmocka_unit_test(test_a_partly_encoded_segment_sums_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
