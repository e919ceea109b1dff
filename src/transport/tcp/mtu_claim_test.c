// SPDX-License-Identifier: MIT
/* mtu_claim_test.c: a router that speaks the truth is believed, at once or two round trips later; a forger never. */
#include "transport/tcp/mtu_claim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { HEADERS = 40 };

static void test_before_anything_arrived_a_claim_is_believed(void **state)
{
    (void)state;
    struct mtu_claim claim;
    tcpip__mtu_claim_init(&claim, seq(1000));
    assert_int_equal(tcpip__mtu_claim_judge(&claim, 1500, seq(1000), HEADERS, 1500), MTU_REFUSED);
    assert_int_equal(tcpip__mtu_claim_judge(&claim, 9000, seq(1000), HEADERS, 1500), MTU_REFUSED);
    assert_int_equal(tcpip__mtu_claim_judge(&claim, 1400, seq(1000), HEADERS, 1500), MTU_BELIEVED);
    assert_int_equal(tcpip__mtu_claim_due(&claim, seq(1000)), 0);
}

static void test_what_has_arrived_contradicts_it_until_time_does_not(void **state)
{
    (void)state;
    struct mtu_claim claim;
    tcpip__mtu_claim_init(&claim, seq(1000));
    tcpip__mtu_claim_arrived(&claim, seq(1000), 1460);
    assert_int_equal(tcpip__mtu_claim_judge(&claim, 1400, seq(5000), HEADERS, 1500), MTU_WAITS);
    assert_false(mtu_claim_contradicted(&claim, seq(5000)));
    assert_int_equal(tcpip__mtu_claim_due(&claim, seq(5000)), 1400);
    assert_int_equal(tcpip__mtu_claim_due(&claim, seq(5000)), 0);
}

static void test_the_ack_of_what_it_quotes_ends_it(void **state)
{
    (void)state;
    struct mtu_claim claim;
    tcpip__mtu_claim_init(&claim, seq(0xfffff000));
    tcpip__mtu_claim_arrived(&claim, seq(0xfffff000), 1460);
    assert_int_equal(tcpip__mtu_claim_judge(&claim, 600, seq(0xffffff00), HEADERS, 1500), MTU_WAITS);
    assert_true(mtu_claim_contradicted(&claim, seq(0x10)));
    assert_false(mtu_claim_contradicted(&claim, seq(0x20)));
    assert_int_equal(tcpip__mtu_claim_due(&claim, seq(0x20)), 0);
    /* Acknowledged meanwhile, and nobody has looked. */
    assert_int_equal(tcpip__mtu_claim_judge(&claim, 600, seq(0x100), HEADERS, 1500), MTU_WAITS);
    assert_int_equal(tcpip__mtu_claim_due(&claim, seq(0x101)), 0);
}

static void test_of_several_claims_the_one_that_asks_for_least_waits(void **state)
{
    (void)state;
    struct mtu_claim claim;
    tcpip__mtu_claim_init(&claim, seq(0));
    tcpip__mtu_claim_arrived(&claim, seq(0), 1460);
    assert_int_equal(tcpip__mtu_claim_judge(&claim, 552, seq(10), HEADERS, 1500), MTU_WAITS);
    assert_int_equal(tcpip__mtu_claim_judge(&claim, 1400, seq(20), HEADERS, 1500), MTU_WAITS);
    assert_int_equal(tcpip__mtu_claim_judge(&claim, 552, seq(30), HEADERS, 1500), MTU_WAITS);
    assert_int_equal(tcpip__mtu_claim_due(&claim, seq(10)), 1400);
}

static void test_only_segments_of_the_present_size_count_as_proof(void **state)
{
    (void)state;
    struct mtu_claim claim;
    tcpip__mtu_claim_init(&claim, seq(0));
    tcpip__mtu_claim_arrived(&claim, seq(0), 960);
    tcpip__mtu_claim_resized(&claim, 960, 1460, seq(5000));
    tcpip__mtu_claim_arrived(&claim, seq(4000), 1460); /* sent in smaller ones */
    assert_int_equal(claim.proven, 960);
    assert_int_equal(tcpip__mtu_claim_judge(&claim, 1000, seq(5000), HEADERS, 1500), MTU_BELIEVED);
    assert_int_equal(tcpip__mtu_claim_judge(&claim, 999, seq(5000), HEADERS, 1500), MTU_WAITS);
    tcpip__mtu_claim_arrived(&claim, seq(5000), 1460);
    assert_int_equal(claim.proven, 1460);
    tcpip__mtu_claim_resized(&claim, 1460, 960, seq(9000));
    assert_int_equal(claim.proven, 960);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_anything_arrived_a_claim_is_believed),
        cmocka_unit_test(test_what_has_arrived_contradicts_it_until_time_does_not),
        cmocka_unit_test(test_the_ack_of_what_it_quotes_ends_it),
        cmocka_unit_test(test_of_several_claims_the_one_that_asks_for_least_waits),
        cmocka_unit_test(test_only_segments_of_the_present_size_count_as_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
