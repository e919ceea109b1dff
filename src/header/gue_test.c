// SPDX-License-Identifier: MIT
/* gue_test.c: the header's round trip, and lengths that lie. */
#include <tcpip/header/gue.h>

#include "header_test.h"

static void test_fields_survive_the_wire(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 2000; i++) {
        uint8_t out[TCPIP_GUE_HEADER_MAX] = {0};
        size_t header_bytes;
        struct tcpip_gue_fields got, fields = {
                                         .control = random_below(&seed, 2) == 1,
                                         .header_bytes = (uint8_t)(4 + 4 * random_below(&seed, 32)),
                                         .protocol = random_u8(&seed),
                                         .flags = random_u16(&seed),
                                     };
        tcpip_gue_encode(out, &fields);
        assert_true(tcpip_gue_header_check(out, fields.header_bytes, &header_bytes));
        assert_int_equal(header_bytes, fields.header_bytes);
        assert_false(tcpip_gue_header_check(out, fields.header_bytes - 1u, &header_bytes));
        tcpip_gue_decode(out, &got);
        assert_int_equal(got.variant, 0);
        assert_int_equal(got.control, fields.control);
        assert_int_equal(got.header_bytes, fields.header_bytes);
        assert_int_equal(got.protocol, fields.protocol);
        assert_int_equal(got.flags, fields.flags);
    }
}

static void test_truncation_and_other_variants_are_refused(void **state)
{
    (void)state;
    size_t header_bytes;
    uint8_t bytes[4] = {0, 4};
    for (size_t size = 0; size <= 4; size++) {
        uint8_t *exact = exact_copy(bytes, size);
        assert_int_equal(tcpip_gue_header_check(exact, size, &header_bytes), size == 4);
        free(exact);
    }
    bytes[0] = 0x45; /* variant 1: an IPv4 packet as it is */
    assert_int_equal(tcpip_gue_variant(bytes), 1);
    assert_false(tcpip_gue_header_check(bytes, 4, &header_bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_survive_the_wire),
        cmocka_unit_test(test_truncation_and_other_variants_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
