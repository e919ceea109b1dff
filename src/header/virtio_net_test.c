// SPDX-License-Identifier: MIT
/* virtio_net_test.c: the header's bytes in both forms, and what a device may not say. */
#include <tcpip/header/virtio_net.h>

#include "header_test.h"

static bool accepts(const struct tcpip_virtio_net_fields *fields, size_t packet_bytes)
{
    uint8_t out[TCPIP_VIRTIO_NET_BYTES];
    tcpip_virtio_net_encode(out, sizeof out, fields);
    return tcpip_virtio_net_check(out, sizeof out, sizeof out, packet_bytes);
}

static void test_fields_survive_the_wire_in_both_forms(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 2000; i++) {
        size_t form = i % 2 ? TCPIP_VIRTIO_NET_BYTES : TCPIP_VIRTIO_NET_MRG_BYTES;
        uint8_t out[TCPIP_VIRTIO_NET_MRG_BYTES];
        struct tcpip_virtio_net_fields got, fields = {
                                                .flags = random_u8(&seed),
                                                .gso_type = random_u8(&seed),
                                                .header_length = random_u16(&seed),
                                                .gso_size = random_u16(&seed),
                                                .checksum_start = random_u16(&seed),
                                                .checksum_offset = random_u16(&seed),
                                                .num_buffers = i % 2 ? (uint16_t)1 : random_u16(&seed),
                                            };
        tcpip_virtio_net_encode(out, form, &fields);
        tcpip_virtio_net_decode(out, form, &got);
        assert_memory_equal(&got, &fields, sizeof got);
    }
}

static void test_the_bytes_are_little_endian(void **state)
{
    (void)state;
    static const uint8_t expected[] = {1, 1, 54, 0, 0xb4, 5, 34, 0, 16, 0, 2, 0};
    uint8_t out[TCPIP_VIRTIO_NET_MRG_BYTES];
    tcpip_virtio_net_encode(out, sizeof out,
                            &(struct tcpip_virtio_net_fields){
                                .flags = TCPIP_VIRTIO_NET_NEEDS_CSUM,
                                .gso_type = TCPIP_VIRTIO_NET_GSO_TCPV4,
                                .header_length = 54,
                                .gso_size = 1460,
                                .checksum_start = 34,
                                .checksum_offset = 16,
                                .num_buffers = 2,
                            });
    assert_memory_equal(out, expected, sizeof expected);
}

static void test_truncation_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[TCPIP_VIRTIO_NET_MRG_BYTES] = {0};
    for (size_t size = 0; size <= sizeof bytes; size++) {
        uint8_t *exact = exact_copy(bytes, size);
        assert_int_equal(tcpip_virtio_net_check(exact, size, TCPIP_VIRTIO_NET_BYTES, 100), size >= 10);
        assert_int_equal(tcpip_virtio_net_check(exact, size, TCPIP_VIRTIO_NET_MRG_BYTES, 100), size >= 12);
        free(exact);
    }
}

static void test_segmentation_must_make_sense(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        struct tcpip_virtio_net_fields fields = {.gso_type = (uint8_t)type, .gso_size = 1000};
        bool tcp = (type & 0x7f) == 1 || (type & 0x7f) == 4;
        assert_int_equal(accepts(&fields, 100), type == 0 || tcp || type == 3 || type == 5);
        fields.gso_size = 0;
        assert_int_equal(accepts(&fields, 100), type == 0);
    }
}

static void test_a_checksum_field_outside_the_packet_is_refused(void **state)
{
    (void)state;
    struct tcpip_virtio_net_fields fields = {
        .flags = TCPIP_VIRTIO_NET_NEEDS_CSUM,
        .checksum_start = 20,
        .checksum_offset = 16,
    };
    assert_true(accepts(&fields, 38));
    assert_false(accepts(&fields, 37));
    fields.checksum_start = fields.checksum_offset = 0xffff;
    assert_false(accepts(&fields, 0x1ffff));
    fields.flags = TCPIP_VIRTIO_NET_DATA_VALID; /* then nobody looks at the place */
    assert_true(accepts(&fields, 37));
    fields.header_length = 37;
    assert_true(accepts(&fields, 37));
    fields.header_length = 38;
    assert_false(accepts(&fields, 37));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_survive_the_wire_in_both_forms),
        cmocka_unit_test(test_the_bytes_are_little_endian),
        cmocka_unit_test(test_truncation_is_refused),
        cmocka_unit_test(test_segmentation_must_make_sense),
        cmocka_unit_test(test_a_checksum_field_outside_the_packet_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
