// SPDX-License-Identifier: MIT
/* icmpv4_test.c: each message's bytes, round trips by type, and the quote's end. */
#include <tcpip/header/icmpv4.h>

#include "header_test.h"

static void encodes(const struct tcpip_icmpv4_fields *fields, const uint8_t *expected)
{
    uint8_t out[TCPIP_ICMPV4_HEADER_MIN];
    memset(out, 0xee, sizeof out);
    tcpip_icmpv4_encode(out, fields);
    assert_memory_equal(out, expected, sizeof out);
}

static void test_messages_have_these_bytes(void **state)
{
    (void)state;
    static const uint8_t gateway[4] = {10, 0, 0, 1};
    encodes(&(struct tcpip_icmpv4_fields){.type = TCPIP_ICMPV4_ECHO_REQUEST, .id = 0x102, .sequence = 0x304},
            (const uint8_t[]){8, 0, 0, 0, 1, 2, 3, 4});
    encodes(&(struct tcpip_icmpv4_fields){.type = TCPIP_ICMPV4_UNREACHABLE,
                                          .code = TCPIP_ICMPV4_FRAGMENTATION_NEEDED,
                                          .mtu = 1400,
                                          .checksum = 0xabcd},
            (const uint8_t[]){3, 4, 0xab, 0xcd, 0, 0, 5, 0x78});
    encodes(&(struct tcpip_icmpv4_fields){.type = TCPIP_ICMPV4_UNREACHABLE, .code = 3, .mtu = 1400, .id = 7},
            (const uint8_t[]){3, 3, 0, 0, 0, 0, 0, 0}); /* what a type hasn't got isn't sent */
    encodes(&(struct tcpip_icmpv4_fields){.type = TCPIP_ICMPV4_PARAMETER_PROBLEM, .pointer = 20},
            (const uint8_t[]){12, 0, 0, 0, 20, 0, 0, 0});
    encodes(&(struct tcpip_icmpv4_fields){.type = TCPIP_ICMPV4_REDIRECT, .code = 1, .gateway = gateway},
            (const uint8_t[]){5, 1, 0, 0, 10, 0, 0, 1});
    encodes(&(struct tcpip_icmpv4_fields){.type = TCPIP_ICMPV4_TIME_EXCEEDED, .code = 1},
            (const uint8_t[]){11, 1, 0, 0, 0, 0, 0, 0});
}

static void test_fields_survive_the_wire(void **state)
{
    (void)state;
    uint64_t seed = 1;
    static const uint8_t types[] = {0, 3, 5, 8, 11, 12, 13, 14};
    for (int i = 0; i < 5000; i++) {
        uint8_t bytes[TCPIP_ICMPV4_HEADER_MIN], again[TCPIP_ICMPV4_HEADER_MIN];
        struct tcpip_icmpv4_fields fields;
        random_fill(&seed, bytes, sizeof bytes);
        bytes[0] = types[random_below(&seed, sizeof types)];
        tcpip_icmpv4_decode(bytes, &fields);
        tcpip_icmpv4_encode(again, &fields);
        struct tcpip_icmpv4_fields twice;
        tcpip_icmpv4_decode(again, &twice);
        assert_int_equal(twice.type, bytes[0]);
        assert_int_equal(twice.code, bytes[1]);
        assert_int_equal(twice.checksum, tcpip_icmpv4_checksum(bytes));
        assert_int_equal(twice.id, fields.id);
        assert_int_equal(twice.sequence, fields.sequence);
        assert_int_equal(twice.mtu, fields.mtu);
        assert_int_equal(twice.pointer, fields.pointer);
        if (bytes[0] == 0 || bytes[0] == 8 || bytes[0] == 13 || bytes[0] == 14)
            assert_memory_equal(again, bytes, sizeof bytes);
        if (bytes[0] == 5)
            assert_memory_equal(twice.gateway, bytes + 4, 4);
    }
}

static void test_errors_are_told_from_questions(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        bool error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
        assert_int_equal(tcpip_icmpv4_is_error((uint8_t)type), error);
    }
}

static void test_truncation_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[TCPIP_ICMPV4_HEADER_MIN] = {8};
    for (size_t size = 0; size <= sizeof bytes; size++)
        assert_int_equal(tcpip_icmpv4_header_check(bytes, size), size == 8);
}

static void test_the_quote_ends_before_extensions(void **state)
{
    (void)state;
    uint8_t p[8] = {TCPIP_ICMPV4_TIME_EXCEEDED};
    assert_int_equal(tcpip_icmpv4_quote_bytes(p, 36), 28);
    p[5] = 32; /* 128 bytes */
    assert_int_equal(tcpip_icmpv4_quote_bytes(p, 8 + 140), 128);
    assert_int_equal(tcpip_icmpv4_quote_bytes(p, 8 + 100), 100); /* longer than there is: a lie */
    p[5] = 31;                                                   /* shorter than extensions allow: another field */
    assert_int_equal(tcpip_icmpv4_quote_bytes(p, 8 + 140), 140);
    p[0] = TCPIP_ICMPV4_REDIRECT; /* has an address there */
    p[5] = 32;
    assert_int_equal(tcpip_icmpv4_quote_bytes(p, 8 + 140), 140);
    assert_int_equal(tcpip_icmpv4_quote_bytes(p, 8), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_have_these_bytes),        cmocka_unit_test(test_fields_survive_the_wire),
        cmocka_unit_test(test_errors_are_told_from_questions),   cmocka_unit_test(test_truncation_is_refused),
        cmocka_unit_test(test_the_quote_ends_before_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
