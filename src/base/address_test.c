// SPDX-License-Identifier: MIT
/* address_test.c: texts good, bad and hostile; the C library's parser is the twin. */
#include <tcpip/address.h>

#include "base/compiler.h"
#include "test_env.h"

#include <arpa/inet.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct tcpip_address parsed(const char *text)
{
    struct tcpip_address address;
    if (tcpip_address_parse(text, &address) != TCPIP_OK)
        fail_msg("%s doesn't parse", text);
    return address;
}

static void test_texts_become_canonical(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"10.0.0.1", "10.0.0.1"},
        {"::", "::"},
        {"0:0:0:0:0:0:0:0", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"},
        {"2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"}, /* the first of two equal rows */
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},                 /* one group alone stays */
        {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"ff02::1:ff00:0", "ff02::1:ff00:0"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"::ffff:c000:201", "::ffff:192.0.2.1"},
        {"0:0:0:0:0:ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    for (size_t i = 0; i < array_count(pairs); i++) {
        char out[TCPIP_ADDRESS_TEXT_MAX];
        struct tcpip_address address = parsed(pairs[i][0]);
        assert_int_equal(tcpip_address_format(&address, out), strlen(pairs[i][1]));
        assert_string_equal(out, pairs[i][1]);
    }
}

static void test_what_the_grammar_does_not_allow_is_refused_and_nothing_written(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        ".",
        ":",
        ":::",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.",
        ".1.2.3",
        "1..2.3",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.04",
        "1.2.3.4 ",
        " 1.2.3.4",
        "+1.2.3.4",
        "-1.2.3.4",
        "0x1.2.3.4",
        "1.2.3.4a",
        "4294967297.1.1.1",
        "1.2.3.99999999999999999",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8:",
        ":1:2:3:4:5:6:7:8",
        "1::2::3",
        "1:",
        ":1",
        "1::2:",
        "::1:",
        "12345::",
        "::12345",
        "::g",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1::2:3:4:5:6:7:8",
        "::1.2.3",
        "::1.2.3.256",
        "::1.2.3.4:5",
        "1.2.3.4::",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:1.2.3.4",
        "::01.2.3.4",
        "fe80::1%1",
        "[::1]",
        "::1/128",
        "::\xff",
        "\xf0\x9f\x92\xa9",
        "::1\n",
        "1:2:3:4:5:6:7:8\x01",
    };
    for (size_t i = 0; i < array_count(bad); i++) {
        struct tcpip_address address, before;
        memset(&address, 0xee, sizeof(address));
        before = address;
        if (tcpip_address_parse(bad[i], &address) != TCPIP_ERR_INVALID_ARGUMENT)
            fail_msg("'%s' parses", bad[i]);
        assert_memory_equal(&address, &before, sizeof(address));
    }
}

static void test_random_text_parses_as_the_c_library_does(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789aAfF::::::....00112/ g";
    struct test_env env;
    uint32_t good = 0;
    test_env_init(&env, 11);
    for (int round = 0; round < 400000; round++) {
        char text[64];
        uint64_t r = test_env_random(&env);
        if (round % 2 == 0) { /* noise */
            size_t size = r % 24;
            for (size_t i = 0; i < size; i++)
                text[i] = alphabet[test_env_random(&env) % (sizeof(alphabet) - 1)];
            text[size] = '\0';
        } else { /* a good text with a change or two */
            uint8_t bytes[16];
            for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = test_env_random(&env) % 3 == 0 ? (uint8_t)test_env_random(&env) : 0;
            inet_ntop(r & 1 ? AF_INET : AF_INET6, bytes, text, sizeof(text));
            size_t size = strlen(text);
            for (uint64_t edits = r >> 8 & 1; edits > 0; edits--)
                text[test_env_random(&env) % size] = alphabet[test_env_random(&env) % (sizeof(alphabet) - 1)];
        }
        struct tcpip_address ours;
        uint8_t theirs[16] = {0};
        uint8_t len = inet_pton(AF_INET, text, theirs) == 1 ? 4 : inet_pton(AF_INET6, text, theirs) == 1 ? 16 : 0;
        bool ok = tcpip_address_parse(text, &ours) == TCPIP_OK;
        if (ok != (len != 0))
            fail_msg("'%s': %d, the library %d", text, ok, len);
        if (!ok)
            continue;
        good++;
        assert_int_equal(ours.len, len);
        assert_memory_equal(ours.bytes, theirs, 16);
        char canonical[TCPIP_ADDRESS_TEXT_MAX];
        tcpip_address_format(&ours, canonical);
        struct tcpip_address again = parsed(canonical);
        assert_true(tcpip_address_equal(&again, &ours));
        assert_true(inet_pton(len == 4 ? AF_INET : AF_INET6, canonical, theirs) == 1);
        assert_memory_equal(ours.bytes, theirs, len);
    }
    assert_true(good > 50000);
    test_env_fini(&env);
}

static void test_prefixes_parse_and_contain(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *address;
        bool contains;
    } cases[] = {
        {"10.0.0.1/24", "10.0.0.255", true},
        {"10.0.0.1/24", "10.0.1.0", false},
        {"0.0.0.0/0", "255.1.2.3", true},
        {"0.0.0.0/0", "::", false},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.0", false},
        {"10.128.0.0/9", "10.129.0.1", true},
        {"10.128.0.0/9", "10.127.0.1", false},
        {"::/0", "ff::", true},
        {"fe80::/10", "febf::1", true},
        {"fe80::/10", "fec0::1", false},
        {"2001:db8::/127", "2001:db8::1", true},
        {"2001:db8::/127", "2001:db8::2", false},
        {"2001:db8::1/128", "2001:db8::1", true},
    };
    static const char *const bad[] = {"10.0.0.1/", "10.0.0.1/33", "::/129",       "::/-1", "::/ 1",          "::/01",
                                      "::/1 ",     "/8",          "10.0.0.1/8/8", "10/8",  "::/99999999999", ""};
    struct tcpip_prefix prefix;
    for (size_t i = 0; i < array_count(cases); i++) {
        struct tcpip_address address = parsed(cases[i].address);
        assert_int_equal(tcpip_prefix_parse(cases[i].prefix, &prefix), TCPIP_OK);
        assert_int_equal(tcpip_prefix_contains(&prefix, &address), cases[i].contains);
    }
    for (size_t i = 0; i < array_count(bad); i++)
        assert_int_equal(tcpip_prefix_parse(bad[i], &prefix), TCPIP_ERR_INVALID_ARGUMENT);
}

static void test_kinds_of_addresses(void **state)
{
    (void)state;
    enum { UNSPECIFIED = 1, LOOPBACK = 2, MULTICAST = 4, LINK_LOCAL = 8 };
    static const struct {
        const char *text;
        int kind;
    } cases[] = {
        {"0.0.0.0", UNSPECIFIED},
        {"::", UNSPECIFIED},
        {"::ffff:0.0.0.0", UNSPECIFIED},
        {"127.0.0.1", LOOPBACK},
        {"127.255.0.1", LOOPBACK},
        {"::1", LOOPBACK},
        {"::ffff:127.0.0.1", LOOPBACK},
        {"224.0.0.1", MULTICAST},
        {"239.255.255.255", MULTICAST},
        {"240.0.0.1", 0},
        {"223.255.255.255", 0},
        {"ff02::1", MULTICAST},
        {"fe80::1", LINK_LOCAL},
        {"febf::1", LINK_LOCAL},
        {"fec0::1", 0},
        {"169.254.1.1", LINK_LOCAL},
        {"169.253.1.1", 0},
        {"::2", 0},
        {"8.8.8.8", 0},
        {"2001:db8::1", 0},
        {"::127.0.0.1", 0},
    };
    for (size_t i = 0; i < array_count(cases); i++) {
        struct tcpip_address a = parsed(cases[i].text);
        int kind = (tcpip_address_is_unspecified(&a) ? UNSPECIFIED : 0) |
                   (tcpip_address_is_loopback(&a) ? LOOPBACK : 0) | (tcpip_address_is_multicast(&a) ? MULTICAST : 0) |
                   (tcpip_address_is_link_local(&a) ? LINK_LOCAL : 0);
        assert_int_equal(kind, cases[i].kind);
    }
    struct tcpip_address none = {.len = 0};
    assert_true(tcpip_address_is_unspecified(&none));
    assert_false(tcpip_address_is_loopback(&none) || tcpip_address_is_multicast(&none));
}

static void test_mapping_goes_there_and_back(void **state)
{
    (void)state;
    struct tcpip_address v4 = tcpip_address_v4(192, 0, 2, 1), mapped = tcpip_address_to_mapped(&v4);
    struct tcpip_address v6 = parsed("2001:db8::1"), back = tcpip_address_from_mapped(&mapped);
    assert_true(tcpip_address_is_v4_mapped(&mapped));
    assert_false(tcpip_address_is_v4_mapped(&v4) || tcpip_address_is_v4_mapped(&v6));
    assert_true(tcpip_address_equal(&back, &v4));
    assert_false(tcpip_address_equal(&mapped, &v4));
    back = tcpip_address_to_mapped(&v6);
    assert_true(tcpip_address_equal(&back, &v6));
    back = tcpip_address_v6(v6.bytes);
    assert_true(tcpip_address_equal(&back, &v6));
}

static void test_full_addresses_format(void **state)
{
    (void)state;
    char out[TCPIP_FULL_ADDRESS_TEXT_MAX];
    struct tcpip_full_address a = {.address = tcpip_address_v4(10, 0, 0, 1), .port = 80};
    assert_int_equal(tcpip_full_address_format(&a, out), 11);
    assert_string_equal(out, "10.0.0.1:80");
    a = (struct tcpip_full_address){.nic = 2, .address = parsed("fe80::1"), .port = 80};
    tcpip_full_address_format(&a, out);
    assert_string_equal(out, "[fe80::1%2]:80");
    a = (struct tcpip_full_address){.port = 65535};
    tcpip_full_address_format(&a, out);
    assert_string_equal(out, "*:65535");
    /* The longest of all. */
    a = (struct tcpip_full_address){UINT32_MAX, parsed("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 65535};
    size_t size = tcpip_full_address_format(&a, out);
    assert_int_equal(size, strlen(out));
    assert_string_equal(out, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_become_canonical),
        cmocka_unit_test(test_what_the_grammar_does_not_allow_is_refused_and_nothing_written),
        cmocka_unit_test(test_random_text_parses_as_the_c_library_does),
        cmocka_unit_test(test_prefixes_parse_and_contain),
        cmocka_unit_test(test_kinds_of_addresses),
        cmocka_unit_test(test_mapping_goes_there_and_back),
        cmocka_unit_test(test_full_addresses_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
