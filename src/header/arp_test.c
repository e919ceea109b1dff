// SPDX-License-Identifier: MIT
/* arp_test.c: a message's bytes, and the lies that the check catches. */
#include <tcpip/header/arp.h>

#include "header_test.h"

static const uint8_t request[TCPIP_ARP_BYTES] = {0,  1, 8, 0, 6, 4, 0, 1, 2, 0, 0,  0, 0, 1,
                                                 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2};

static void test_a_request_has_these_bytes(void **state)
{
    (void)state;
    uint8_t out[TCPIP_ARP_BYTES];
    memset(out, 0xee, sizeof out);
    tcpip_arp_encode(out, &(struct tcpip_arp_fields){
                              .operation = TCPIP_ARP_REQUEST,
                              .sender_link = request + 8,
                              .sender_address = request + 14,
                              .target_address = request + 24,
                          });
    assert_memory_equal(out, request, sizeof request);
    assert_true(tcpip_arp_check(out, sizeof out));
}

static void test_fields_survive_the_wire(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 1000; i++) {
        uint8_t bytes[22], out[TCPIP_ARP_BYTES];
        random_fill(&seed, bytes, sizeof bytes);
        struct tcpip_arp_fields got, fields = {
                                         .operation = tcpip_load_u16(bytes),
                                         .sender_link = bytes + 2,
                                         .sender_address = bytes + 8,
                                         .target_link = bytes + 12,
                                         .target_address = bytes + 18,
                                     };
        tcpip_arp_encode(out, &fields);
        assert_true(tcpip_arp_check(out, sizeof out));
        tcpip_arp_decode(out, &got);
        assert_int_equal(got.operation, fields.operation);
        assert_memory_equal(got.sender_link, bytes + 2, 6);
        assert_memory_equal(got.sender_address, bytes + 8, 4);
        assert_memory_equal(got.target_link, bytes + 12, 6);
        assert_memory_equal(got.target_address, bytes + 18, 4);
    }
}

static void test_truncation_and_foreign_hardware_are_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < TCPIP_ARP_BYTES; size++) {
        uint8_t *exact = exact_copy(request, size);
        assert_false(tcpip_arp_check(exact, size));
        free(exact);
    }
    for (size_t at = 0; at < 6; at++) { /* hardware, protocol, both lengths */
        uint8_t bytes[TCPIP_ARP_BYTES];
        memcpy(bytes, request, sizeof bytes);
        bytes[at] ^= 2;
        assert_false(tcpip_arp_check(bytes, sizeof bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_has_these_bytes),
        cmocka_unit_test(test_fields_survive_the_wire),
        cmocka_unit_test(test_truncation_and_foreign_hardware_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
