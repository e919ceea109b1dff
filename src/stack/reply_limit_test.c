// SPDX-License-Identifier: MIT
/* reply_limit_test.c: bursts, rates and independence of the allowances for answers. */
#include "stack/reply_limit.h"

#include "base/rng.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void peer(uint8_t *out, uint32_t number)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    memcpy(out, mapped, 12);
    memcpy(out + 12, &number, sizeof(number));
}

static uint32_t take_all(struct reply_limit *limit, uint32_t number, tcpip_ns now)
{
    uint8_t address[16];
    uint32_t count = 0;
    peer(address, number);
    while (tcpip__reply_limit_take(limit, address, now))
        count++;
    return count;
}

static void limit_init(struct reply_limit *limit, uint32_t rate, uint32_t share, uint32_t burst)
{
    struct rng rng;
    rng_init(&rng, 7);
    tcpip__reply_limit_init(limit, rate, share, burst, &rng);
}

static void test_one_peer_gets_its_burst_and_its_share_of_the_rate_at_most(void **state)
{
    (void)state;
    struct reply_limit limit;
    limit_init(&limit, 1000, 4, 40);
    assert_in_range(take_all(&limit, 1, TCPIP_SECOND), 40 * 2 / 3, 40);
    assert_int_equal(take_all(&limit, 1, TCPIP_SECOND), 0);
    uint32_t count = 0;
    for (int ms = 1; ms <= 10000; ms++)
        count += take_all(&limit, 1, TCPIP_SECOND + ms * TCPIP_MS);
    assert_in_range(count, 10 * 250 * 2 / 3, 10 * 250);
}

static void test_all_peers_together_get_the_rate_and_no_more(void **state)
{
    (void)state;
    struct reply_limit limit;
    limit_init(&limit, 1000, REPLY_LIMIT_PEERS, 6);
    uint32_t count = 0;
    for (uint32_t ms = 0; ms < 10000; ms++)
        for (uint32_t n = 0; n < 2000; n++)
            count += take_all(&limit, n, TCPIP_SECOND + ms * TCPIP_MS);
    assert_in_range(count, 10 * 1000 * 2 / 3, 10 * 1000 + 6 * REPLY_LIMIT_PEERS);
}

/* Whether the hundred others draw nothing or all they can. */
static void test_what_others_draw_changes_nothing_for_a_peer(void **state)
{
    (void)state;
    uint32_t same = 0;
    for (uint32_t observer = 1000; observer < 1200; observer++) {
        uint32_t got[2];
        for (uint32_t busy = 0; busy < 2; busy++) {
            struct reply_limit limit;
            limit_init(&limit, 1000, REPLY_LIMIT_PEERS, 30);
            if (busy)
                (void)take_all(&limit, 1, TCPIP_SECOND);
            got[busy] = take_all(&limit, observer, TCPIP_SECOND);
        }
        same += got[1] >= 20;
    }
    assert_in_range(same, 195, 200); /* but for those few that share the bucket */
}

static void test_a_host_of_ipv6_is_its_64_bits_of_prefix(void **state)
{
    (void)state;
    struct reply_limit limit;
    uint8_t address[16] = {0x20, 0x01, 0x0d, 0xb8};
    uint32_t count = 0;
    limit_init(&limit, 1000, 4, 8);
    for (uint32_t i = 0; i < 1000; i++) {
        memcpy(address + 8, &i, sizeof(i));
        count += tcpip__reply_limit_take(&limit, address, TCPIP_SECOND);
    }
    assert_in_range(count, 1, 8);
    address[7] = 1;
    assert_true(tcpip__reply_limit_take(&limit, address, TCPIP_SECOND));
}

static void test_a_rate_of_one_lets_one_pass_and_a_rate_of_none_none(void **state)
{
    (void)state;
    struct reply_limit limit;
    limit_init(&limit, 1, 1, 1);
    assert_int_equal(take_all(&limit, 1, TCPIP_SECOND), 1);
    assert_int_equal(take_all(&limit, 1, TCPIP_SECOND + TCPIP_SECOND / 3), 0);
    assert_int_equal(take_all(&limit, 1, 3 * TCPIP_SECOND), 1);
    limit_init(&limit, 0, 1, 1);
    assert_int_equal(take_all(&limit, 1, TCPIP_SECOND), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_peer_gets_its_burst_and_its_share_of_the_rate_at_most),
        cmocka_unit_test(test_all_peers_together_get_the_rate_and_no_more),
        cmocka_unit_test(test_what_others_draw_changes_nothing_for_a_peer),
        cmocka_unit_test(test_a_host_of_ipv6_is_its_64_bits_of_prefix),
        cmocka_unit_test(test_a_rate_of_one_lets_one_pass_and_a_rate_of_none_none),
    };
    return cmocka_run_group_tests_name("stack/reply_limit", tests, NULL, NULL);
}
