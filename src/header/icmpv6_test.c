// SPDX-License-Identifier: MIT
/* icmpv6_test.c: each message's bytes, round trips, truncation by type, and the quote's end. */
#include <tcpip/header/icmpv6.h>

#include "header_test.h"

static void encodes(const struct tcpip_icmpv6_fields *fields, const uint8_t *expected)
{
    uint8_t out[TCPIP_ICMPV6_MESSAGE_MIN];
    memset(out, 0xee, sizeof out);
    tcpip_icmpv6_encode(out, fields);
    assert_memory_equal(out, expected, sizeof out);
    struct tcpip_icmpv6_fields got;
    tcpip_icmpv6_decode(out, &got);
    assert_int_equal(got.type, fields->type);
    assert_int_equal(got.code, fields->code);
    assert_int_equal(got.checksum, fields->checksum);
}

static void test_messages_have_these_bytes(void **state)
{
    (void)state;
    encodes(&(struct tcpip_icmpv6_fields){.type = TCPIP_ICMPV6_ECHO_REPLY, .id = 0x102, .sequence = 0x304},
            (const uint8_t[]){129, 0, 0, 0, 1, 2, 3, 4});
    encodes(&(struct tcpip_icmpv6_fields){.type = TCPIP_ICMPV6_PACKET_TOO_BIG, .mtu = 1280, .checksum = 0xabcd},
            (const uint8_t[]){2, 0, 0xab, 0xcd, 0, 0, 5, 0});
    encodes(&(struct tcpip_icmpv6_fields){.type = TCPIP_ICMPV6_PARAMETER_PROBLEM, .code = 1, .pointer = 40},
            (const uint8_t[]){4, 1, 0, 0, 0, 0, 0, 40});
    encodes(&(struct tcpip_icmpv6_fields){.type = TCPIP_ICMPV6_UNREACHABLE, .code = 4, .mtu = 9, .pointer = 9},
            (const uint8_t[]){1, 4, 0, 0, 0, 0, 0, 0});
    encodes(&(struct tcpip_icmpv6_fields){.type = TCPIP_ICMPV6_TIME_EXCEEDED, .code = 1},
            (const uint8_t[]){3, 1, 0, 0, 0, 0, 0, 0});
}

static void test_fields_survive_the_wire(void **state)
{
    (void)state;
    uint64_t seed = 1;
    static const uint8_t types[] = {2, 4, 128, 129};
    for (int i = 0; i < 5000; i++) {
        uint8_t bytes[TCPIP_ICMPV6_MESSAGE_MIN], again[TCPIP_ICMPV6_MESSAGE_MIN];
        struct tcpip_icmpv6_fields fields;
        random_fill(&seed, bytes, sizeof bytes);
        bytes[0] = types[random_below(&seed, sizeof types)];
        tcpip_icmpv6_decode(bytes, &fields);
        tcpip_icmpv6_encode(again, &fields);
        assert_memory_equal(again, bytes, sizeof bytes);
    }
}

static void test_truncation_is_refused(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        bool eight = type < 128 || type == 128 || type == 129;
        uint8_t bytes[TCPIP_ICMPV6_MESSAGE_MIN] = {(uint8_t)type};
        for (size_t size = 0; size <= sizeof bytes; size++) {
            uint8_t *exact = exact_copy(bytes, size);
            assert_int_equal(tcpip_icmpv6_header_check(exact, size), size >= (eight ? 8u : 4u));
            free(exact);
        }
        assert_int_equal(tcpip_icmpv6_is_error((uint8_t)type), type < 128);
    }
}

static void test_the_quote_ends_before_extensions(void **state)
{
    (void)state;
    uint8_t p[8] = {TCPIP_ICMPV6_UNREACHABLE};
    assert_int_equal(tcpip_icmpv6_quote_bytes(p, 56), 48);
    p[4] = 16; /* 128 bytes */
    assert_int_equal(tcpip_icmpv6_quote_bytes(p, 8 + 140), 128);
    assert_int_equal(tcpip_icmpv6_quote_bytes(p, 8 + 100), 100);
    p[4] = 15;
    assert_int_equal(tcpip_icmpv6_quote_bytes(p, 8 + 140), 140);
    p[0] = TCPIP_ICMPV6_PACKET_TOO_BIG; /* has its MTU there */
    p[4] = 16;
    assert_int_equal(tcpip_icmpv6_quote_bytes(p, 8 + 140), 140);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_have_these_bytes),
        cmocka_unit_test(test_fields_survive_the_wire),
        cmocka_unit_test(test_truncation_is_refused),
        cmocka_unit_test(test_the_quote_ends_before_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
