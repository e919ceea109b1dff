// SPDX-License-Identifier: MIT
/* icmp_limit_test.c: bursts, rates and fairness of the allowance for ICMP errors. */
#include "network/icmp_limit.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void peer(uint8_t *out, uint32_t number)
{
    memset(out, 0, 16);
    memcpy(out, &number, sizeof(number));
}

static uint32_t take_all(struct icmp_limit *limit, uint32_t number, tcpip_ns now)
{
    uint8_t address[16];
    uint32_t count = 0;
    peer(address, number);
    while (tcpip__icmp_limit_take(limit, address, now))
        count++;
    return count;
}

static void limit_init(struct icmp_limit *limit, uint32_t rate)
{
    struct rng rng;
    rng_init(&rng, 7);
    tcpip__icmp_limit_init(limit, rate, &rng);
}

static void test_one_peer_gets_a_quarter_of_the_burst_and_of_the_rate(void **state)
{
    (void)state;
    struct icmp_limit limit;
    limit_init(&limit, 1000);
    assert_int_equal(take_all(&limit, 1, TCPIP_SECOND), ICMP_LIMIT_BURST / ICMP_LIMIT_SHARE);
    assert_int_equal(take_all(&limit, 1, TCPIP_SECOND), 0);
    uint32_t count = 0;
    for (int ms = 1; ms <= 1000; ms++)
        count += take_all(&limit, 1, TCPIP_SECOND + ms * TCPIP_MS);
    assert_int_equal(count, 1000 / ICMP_LIMIT_SHARE);
}

static void test_all_peers_together_get_the_rate_and_no_more(void **state)
{
    (void)state;
    struct icmp_limit limit;
    limit_init(&limit, 1000);
    uint32_t count = 0;
    for (uint32_t ms = 0; ms < 10000; ms++)
        for (uint32_t n = 0; n < 100; n++)
            count += take_all(&limit, n, TCPIP_SECOND + ms * TCPIP_MS);
    assert_in_range(count, 10000, 10000 + ICMP_LIMIT_BURST);
}

static void test_a_peer_that_floods_leaves_the_others_theirs(void **state)
{
    (void)state;
    struct icmp_limit limit;
    uint32_t loud = 0, quiet = 0;
    limit_init(&limit, 100);
    for (uint32_t ms = 0; ms < 10000; ms++) {
        loud += take_all(&limit, 1, TCPIP_SECOND + ms * TCPIP_MS);
        if (ms % 100 == 0) {
            uint8_t address[16];
            peer(address, 2);
            quiet += tcpip__icmp_limit_take(&limit, address, TCPIP_SECOND + ms * TCPIP_MS);
        }
    }
    assert_int_equal(quiet, 100);
    assert_in_range(loud, 250, 265);
}

static void test_a_rate_of_one_lets_one_pass_and_a_rate_of_none_none(void **state)
{
    (void)state;
    struct icmp_limit limit;
    limit_init(&limit, 1);
    assert_int_equal(take_all(&limit, 1, TCPIP_SECOND), 1);
    assert_int_equal(take_all(&limit, 1, 4 * TCPIP_SECOND), 0);
    assert_int_equal(take_all(&limit, 1, 5 * TCPIP_SECOND), 1);
    limit_init(&limit, 0);
    assert_int_equal(take_all(&limit, 1, TCPIP_SECOND), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_peer_gets_a_quarter_of_the_burst_and_of_the_rate),
        cmocka_unit_test(test_all_peers_together_get_the_rate_and_no_more),
        cmocka_unit_test(test_a_peer_that_floods_leaves_the_others_theirs),
        cmocka_unit_test(test_a_rate_of_one_lets_one_pass_and_a_rate_of_none_none),
    };
    return cmocka_run_group_tests_name("network/icmp_limit", tests, NULL, NULL);
}
