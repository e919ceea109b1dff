// SPDX-License-Identifier: MIT
/* address_select_test.c: the rules of RFC 6724 section 5 one by one, its examples (10.1), and IPv4's. */
#include "stack/nic.h"

#include "route_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NO_DAD = TCPIP_ADDRESS_NO_DAD, MAX = 4 };

struct choice {
    const char *remote;
    const char *candidates[MAX];
    uint32_t flags[MAX];
    const char *expected; /* NULL: none */
};

/* Every choice is made twice, with the candidates in both orders: no rule may depend on it but the last of IPv4. */
static void check(const struct choice *choice, bool ordered)
{
    for (int reversed = 0; reversed < (ordered ? 1 : 2); reversed++) {
        struct route_world w;
        world_init(&w, NULL, WORLD_BOTH);
        struct tcpip_nic *nic = world_nic(&w, 1, TCPIP_LINK_RESOLUTION);
        for (int i = 0; i < MAX; i++) {
            int at = reversed ? MAX - 1 - i : i;
            if (choice->candidates[at] != NULL)
                world_assign(&w, 1, choice->candidates[at], choice->flags[at] | NO_DAD);
        }
        const struct nic_address *chosen = tcpip__address_select(nic, world_bytes(choice->remote));
        if (choice->expected == NULL) {
            assert_null(chosen);
        } else {
            assert_non_null(chosen);
            assert_memory_equal(chosen->bytes, world_bytes(choice->expected), 16);
        }
        world_fini(&w);
    }
}

static void test_ipv6_sources_follow_the_rules(void **state)
{
    (void)state;
    static const struct choice choices[] = {
        /* 1: the same address, even if deprecated */
        {"2001:db8::1", {"2001:db8::1/64", "2001:db8::2/64"}, {TCPIP_ADDRESS_DEPRECATED, 0}, "2001:db8::1"},
        /* 2: scope (the examples of 10.1) */
        {"2001:db8:1::1", {"2001:db8:3::1/64", "fe80::1/64"}, {0}, "2001:db8:3::1"},
        {"ff05::1", {"2001:db8:3::1/64", "fe80::1/64"}, {0}, "2001:db8:3::1"},
        {"ff02::1", {"2001:db8:3::1/64", "fe80::1/64"}, {0}, "fe80::1"},
        {"fe80::9", {"2001:db8:3::1/64", "fe80::1/64"}, {0}, "fe80::1"},
        {"2001:db8:1::1", {"fec0::1/64", "fe80::1/64"}, {0}, "fec0::1"}, /* none reaches: the largest */
        /* 3: not deprecated */
        {"2001:db8:1::1", {"2001:db8:1::2/64", "2001:db8:9::2/64"}, {TCPIP_ADDRESS_DEPRECATED, 0}, "2001:db8:9::2"},
        /* 6: label: 6to4 to 6to4, ULA to ULA */
        {"2002:c633:6401::1",
         {"2002:c633:6401::d5e3:7953:13eb:22e8/64", "2001:db8:1::2/64"},
         {TCPIP_ADDRESS_TEMPORARY, 0},
         "2002:c633:6401::d5e3:7953:13eb:22e8"},
        {"2002:c633:6401::1",
         {"2002:c633:6401::2/64", "2001:db8:1::2/64"},
         {0, TCPIP_ADDRESS_TEMPORARY},
         "2002:c633:6401::2"},
        {"fd00:1::1", {"fd55::1/64", "2001:db8:1::2/64"}, {0}, "fd55::1"},
        {"2001:db8::9", {"fd55::1/64", "2001:db8:1::2/64"}, {0}, "2001:db8:1::2"},
        /* 7: temporary, against a longer prefix */
        {"2001:db8:1::d5e3:0:0:1",
         {"2001:db8:1::2/64", "2001:db8:9::1/64"},
         {0, TCPIP_ADDRESS_TEMPORARY},
         "2001:db8:9::1"},
        /* 8: the longest prefix in common */
        {"2001:db8:1::1", {"2001:db8:1::2/64", "2001:db8:3::2/64"}, {0}, "2001:db8:1::2"},
        {"2001:db8:2::1", {"2001:db8:1::2/64", "2001:db8:3::2/64", "2001:db8:f::1/64"}, {0}, "2001:db8:3::2"},
        {"::1", {"2001:db8::1/64"}, {0}, "2001:db8::1"},
        {"2001:db8::1", {"10.0.0.1/24"}, {0}, NULL},
        {"2001:db8::1", {"::1/128"}, {0}, NULL}, /* never on a wire */
    };
    for (size_t i = 0; i < array_count(choices); i++)
        check(&choices[i], false);
    /* The interface identifier doesn't count in 8: the two are equal, and the first stays. */
    static const struct choice equal = {"2001:db8::10", {"2001:db8::f0/64", "2001:db8::11/64"}, {0}, "2001:db8::f0"};
    check(&equal, true);
}

static void test_ipv4_sources_come_from_the_subnet_or_are_the_primary(void **state)
{
    (void)state;
    static const struct choice choices[] = {
        {"10.1.2.3", {"10.0.0.1/8", "10.1.0.1/16", "10.1.2.1/24"}, {0}, "10.1.2.1"},
        {"10.2.2.3", {"10.0.0.1/8", "10.1.0.1/16", "10.1.2.1/24"}, {0}, "10.0.0.1"},
        {"192.0.2.1", {"10.1.0.1/16", "10.0.0.1/8"}, {0}, "10.1.0.1"},
        {"10.1.2.3", {"10.1.2.1/24", "192.0.2.9/24"}, {TCPIP_ADDRESS_DEPRECATED, 0}, "192.0.2.9"},
        {"10.1.2.3", {"10.1.2.1/24"}, {TCPIP_ADDRESS_DEPRECATED}, "10.1.2.1"},
        {"192.0.2.1", {"169.254.1.1/16", "10.0.0.1/8"}, {0}, "10.0.0.1"},
        {"169.254.7.7", {"10.0.0.1/8", "169.254.1.1/32"}, {0}, "169.254.1.1"},
        {"10.0.0.255", {"127.0.0.1/8"}, {0}, NULL},
    };
    for (size_t i = 0; i < array_count(choices); i++)
        check(&choices[i], i == 2);
}

static void test_a_nic_without_addresses_borrows_one_for_what_lies_beyond_the_link(void **state)
{
    (void)state;
    struct route_world w;
    world_init(&w, NULL, WORLD_BOTH);
    struct tcpip_nic *bare = world_nic(&w, 1, 0);
    world_nic(&w, 2, TCPIP_LINK_RESOLUTION);
    world_nic(&w, 3, TCPIP_LINK_LOOPBACK);
    world_assign(&w, 3, "127.0.0.1/8", 0);
    world_assign(&w, 3, "::1/128", 0);
    world_assign(&w, 2, "fe80::2/64", NO_DAD);
    assert_null(tcpip__address_select(bare, world_bytes("192.0.2.1")));
    assert_null(tcpip__address_select(bare, world_bytes("2001:db8::1")));
    world_assign(&w, 3, "198.51.100.1/32", 0);
    world_assign(&w, 2, "2001:db8::2/64", 0);
    assert_memory_equal(tcpip__address_select(bare, world_bytes("192.0.2.1"))->bytes, world_bytes("198.51.100.1"), 16);
    assert_null(tcpip__address_select(bare, world_bytes("2001:db8::1"))); /* still tentative */
    tcpip__address_confirm(tcpip__address_find(w.stack, NULL, world_bytes("2001:db8::2")));
    assert_memory_equal(tcpip__address_select(bare, world_bytes("2001:db8::1"))->bytes, world_bytes("2001:db8::2"), 16);
    assert_null(tcpip__address_select(bare, world_bytes("fe80::1")));
    assert_null(tcpip__address_select(bare, world_bytes("ff0e::1")));
    assert_null(tcpip__address_select(bare, world_bytes("224.0.0.9")));
    world_assign(&w, 1, "fe80::1/64", 0); /* its scope is too small: 2 goes before 5 */
    assert_memory_equal(tcpip__address_select(bare, world_bytes("2001:db8::1"))->bytes, world_bytes("2001:db8::2"), 16);
    assert_memory_equal(tcpip__address_select(bare, world_bytes("fe80::9"))->bytes, world_bytes("fe80::1"), 16);
    world_assign(&w, 1, "2001:db8:ffff::1/64", 0); /* its own suffices: others aren't asked */
    assert_memory_equal(tcpip__address_select(bare, world_bytes("2001:db8::1"))->bytes, world_bytes("2001:db8:ffff::1"),
                        16);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv6_sources_follow_the_rules),
        cmocka_unit_test(test_ipv4_sources_come_from_the_subnet_or_are_the_primary),
        cmocka_unit_test(test_a_nic_without_addresses_borrows_one_for_what_lies_beyond_the_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
