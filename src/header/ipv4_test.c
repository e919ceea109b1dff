// SPDX-License-Identifier: MIT
/* ipv4_test.c: the header's round trip, the lies that its check catches, its checksum kept while fields change. */
#include <tcpip/header/ipv4.h>

#include "header/ipv4_plain.h"
#include "header_test.h"

static struct tcpip_ipv4_fields random_fields(uint64_t *seed, const uint8_t *bytes)
{
    struct tcpip_ipv4_fields fields = {
        .tos = random_u8(seed),
        .ttl = random_u8(seed),
        .protocol = random_u8(seed),
        .options_bytes = (uint8_t)(4 * random_below(seed, 11)),
        .id = random_u16(seed),
        .flags = (uint16_t)(random_u16(seed) & (TCPIP_IPV4_DONT_FRAGMENT | TCPIP_IPV4_MORE_FRAGMENTS)),
        .fragment_offset = (uint16_t)(8 * random_below(seed, 8000)),
        .source = bytes,
        .destination = bytes + 4,
        .options = bytes + 8,
    };
    fields.total_length = (uint16_t)(TCPIP_IPV4_HEADER_MIN + fields.options_bytes + random_below(seed, 1400));
    return fields;
}

static void test_fields_survive_the_wire(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 5000; i++) {
        uint8_t bytes[48], out[TCPIP_IPV4_HEADER_MAX];
        size_t header_bytes;
        random_fill(&seed, bytes, sizeof bytes);
        struct tcpip_ipv4_fields got, fields = random_fields(&seed, bytes);
        size_t size = tcpip_ipv4_encode(out, &fields);
        assert_true(tcpip_ipv4_header_check(out, size, fields.total_length, &header_bytes));
        assert_int_equal(header_bytes, size);
        assert_true(tcpip_ipv4_checksum_ok(out));
        tcpip_ipv4_decode(out, &got);
        assert_int_equal(got.tos, fields.tos);
        assert_int_equal(got.ttl, fields.ttl);
        assert_int_equal(got.protocol, fields.protocol);
        assert_int_equal(got.options_bytes, fields.options_bytes);
        assert_int_equal(got.total_length, fields.total_length);
        assert_int_equal(got.id, fields.id);
        assert_int_equal(got.flags, fields.flags);
        assert_int_equal(got.fragment_offset, fields.fragment_offset);
        assert_memory_equal(got.source, fields.source, 4);
        assert_memory_equal(got.destination, fields.destination, 4);
        assert_memory_equal(got.options, fields.options, fields.options_bytes);
        assert_int_equal(tcpip_ipv4_payload_bytes(out), fields.total_length - size);
        assert_int_equal(tcpip_ipv4_is_fragment(out),
                         (fields.flags & TCPIP_IPV4_MORE_FRAGMENTS) != 0 || fields.fragment_offset != 0);
    }
}

static void test_a_known_header_has_these_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                       0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
    uint8_t out[TCPIP_IPV4_HEADER_MIN];
    size_t size = tcpip_ipv4_encode(out, &(struct tcpip_ipv4_fields){
                                             .ttl = 64,
                                             .protocol = TCPIP_PROTOCOL_UDP,
                                             .total_length = 115,
                                             .flags = TCPIP_IPV4_DONT_FRAGMENT,
                                             .source = expected + 12,
                                             .destination = expected + 16,
                                         });
    assert_int_equal(size, sizeof expected);
    assert_memory_equal(out, expected, sizeof expected);
    struct tcpip_address source = tcpip_ipv4_source_address(out), same = {.bytes = {192, 168, 0, 1}, .len = 4};
    assert_memory_equal(&source, &same, sizeof same);
    assert_int_equal(tcpip_ipv4_destination_address(out).bytes[3], 199);
}

static const uint8_t addresses[8] = {10, 0, 0, 1, 10, 0, 0, 2};

/* A header with 8 bytes of options in a packet of 40 bytes. */
static size_t sample(uint8_t *out)
{
    static const uint8_t options[8] = {1, 1, 1, 1, 1, 1, 1, 0};
    return tcpip_ipv4_encode(out, &(struct tcpip_ipv4_fields){
                                      .ttl = 1,
                                      .options_bytes = 8,
                                      .options = options,
                                      .total_length = 40,
                                      .source = addresses,
                                      .destination = addresses + 4,
                                  });
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    uint8_t packet[40] = {0};
    size_t header = sample(packet), got;
    for (size_t size = 0; size <= sizeof packet; size++) {
        uint8_t *exact = exact_copy(packet, size);
        assert_int_equal(tcpip_ipv4_header_check(exact, size, size, &got), size == 40);
        /* The packet is whole, but only its front is contiguous. */
        assert_int_equal(tcpip_ipv4_header_check(exact, size, 40, &got), size >= header);
        free(exact);
    }
    assert_true(tcpip_ipv4_header_check(packet, 40, 100, &got)); /* padded by the link */
}

static void test_lengths_that_lie_are_refused(void **state)
{
    (void)state;
    uint8_t packet[100] = {0};
    size_t got;
    for (unsigned first = 0; first < 256; first++) {
        (void)sample(packet);
        packet[0] = (uint8_t)first;
        size_t header = (first & 15) * 4;
        bool good = first >> 4 == 4 && header >= 20 && header <= 40;
        assert_int_equal(tcpip_ipv4_header_check(packet, sizeof packet, sizeof packet, &got), good);
    }
    for (unsigned total = 0; total < 200; total++) {
        (void)sample(packet);
        tcpip_store_u16(packet + 2, (uint16_t)total);
        assert_int_equal(tcpip_ipv4_header_check(packet, 100, 100, &got), total >= 28 && total <= 100);
    }
}

static void test_a_fragment_beyond_the_largest_packet_is_refused(void **state)
{
    (void)state;
    uint8_t packet[60] = {0};
    size_t got;
    (void)sample(packet);
    tcpip_store_u16(packet + 2, 28 + 11);
    tcpip_ipv4_set_fragment(packet, 0, 65504); /* 20 + 65504 + 11 = 65535 */
    assert_true(tcpip_ipv4_header_check(packet, 60, 60, &got));
    tcpip_store_u16(packet + 2, 28 + 12);
    assert_false(tcpip_ipv4_header_check(packet, 60, 60, &got));
}

static void test_updates_keep_the_checksum(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < 5000; i++) {
        uint8_t bytes[48], out[TCPIP_IPV4_HEADER_MAX];
        random_fill(&seed, bytes, sizeof bytes);
        struct tcpip_ipv4_fields fields = random_fields(&seed, bytes);
        (void)tcpip_ipv4_encode(out, &fields);
        uint16_t total = random_u16(&seed);
        uint8_t ttl = random_u8(&seed);
        tcpip_ipv4_update_total_length(out, total);
        assert_true(tcpip_ipv4_checksum_ok(out));
        tcpip_ipv4_update_ttl(out, ttl);
        assert_true(tcpip_ipv4_checksum_ok(out));
        assert_int_equal(tcpip_ipv4_total_length(out), total);
        assert_int_equal(tcpip_ipv4_ttl(out), ttl);
        assert_int_equal(tcpip_ipv4_protocol(out), fields.protocol);
        out[random_below(&seed, 20)] ^= 0x10;
        assert_false(tcpip_ipv4_checksum_ok(out) && tcpip_ipv4_header_bytes(out) == 20u + fields.options_bytes);
    }
}

static void test_a_plain_header_is_what_the_general_way_writes(void **state)
{
    (void)state;
    uint64_t seed = 6;
    for (int i = 0; i < 5000; i++) {
        uint8_t bytes[48], out[TCPIP_IPV4_HEADER_MAX], plain[TCPIP_IPV4_HEADER_MIN];
        random_fill(&seed, bytes, sizeof bytes);
        struct tcpip_ipv4_fields fields = random_fields(&seed, bytes);
        fields.options_bytes = 0;
        fields.id = fields.fragment_offset = 0;
        fields.flags = TCPIP_IPV4_DONT_FRAGMENT;
        (void)tcpip_ipv4_encode(out, &fields);
        ipv4_encode_plain(plain, fields.tos, fields.total_length, fields.ttl, fields.protocol, fields.source,
                          fields.destination);
        assert_memory_equal(plain, out, sizeof(plain));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_survive_the_wire),
        cmocka_unit_test(test_a_known_header_has_these_bytes),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_lengths_that_lie_are_refused),
        cmocka_unit_test(test_a_fragment_beyond_the_largest_packet_is_refused),
        cmocka_unit_test(test_updates_keep_the_checksum),
        cmocka_unit_test(test_a_plain_header_is_what_the_general_way_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
