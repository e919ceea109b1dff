// SPDX-License-Identifier: MIT
/* plpmtud_test.c: the search against paths that are no more than a number: it finds the number, within so many probes,
 * whatever else gets lost, and follows it when it changes. */
#include "transport/tcp/plpmtud.h"

#include "base/math.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct plpmtud_bounds bounds = {
    .base = 1064, .floor = 576, .threshold = 8, .interval_ns = 600 * TCPIP_SECOND};

/* Sends one probe over a path that carries `path` bytes; returns its size, 0: none was to be sent. */
static uint32_t probe(struct plpmtud *search, uint32_t path, tcpip_ns now)
{
    uint32_t bytes = tcpip__plpmtud_next(search, &bounds, now);
    if (bytes == 0)
        return 0;
    tcpip__plpmtud_sent(search, bytes, seq(1), seq(1 + bytes));
    if (bytes <= path)
        tcpip__plpmtud_arrived(search);
    else
        tcpip__plpmtud_lost(search);
    return bytes;
}

static void test_a_path_as_wide_as_the_link_takes_one_probe(void **state)
{
    (void)state;
    struct plpmtud search;
    tcpip__plpmtud_init(&search, 1064, 1500);
    assert_int_equal(probe(&search, 1500, 0), 1500);
    assert_int_equal(search.low, 1500);
    assert_int_equal(probe(&search, 1500, 0), 0);
    assert_true(search.complete);
    assert_int_equal(probe(&search, 1500, 601 * TCPIP_SECOND), 0); /* nothing more can be had */
}

static void test_three_losses_of_one_size_are_needed_to_give_it_up(void **state)
{
    (void)state;
    struct plpmtud search;
    tcpip__plpmtud_init(&search, 1064, 1500);
    assert_int_equal(probe(&search, 1400, 0), 1500);
    assert_int_equal(search.high, 1500);
    assert_int_equal(probe(&search, 1400, 0), 1500);
    assert_int_equal(search.high, 1500);
    assert_int_equal(probe(&search, 1400, 0), 1500);
    assert_int_equal(search.high, 1499);
    assert_int_equal(probe(&search, 1400, 0), 1282);
    assert_int_equal(search.low, 1282);
    assert_int_equal(probe(&search, 1400, 0), 1391);
    assert_int_equal(probe(&search, 1400, 0), 1445);
}

static void test_what_is_not_known_of_a_probe_counts_for_nothing(void **state)
{
    (void)state;
    struct plpmtud search;
    tcpip__plpmtud_init(&search, 1064, 1500);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(tcpip__plpmtud_next(&search, &bounds, 0), 1500);
        tcpip__plpmtud_sent(&search, 1500, seq(1), seq(2));
        assert_int_equal(tcpip__plpmtud_next(&search, &bounds, 0), 0); /* one at a time */
        tcpip__plpmtud_forget(&search);
    }
    assert_int_equal(search.high, 1500);
}

static void test_a_router_saves_the_search(void **state)
{
    (void)state;
    struct plpmtud search;
    tcpip__plpmtud_init(&search, 1064, 9000);
    assert_int_equal(tcpip__plpmtud_next(&search, &bounds, 0), 9000);
    tcpip__plpmtud_sent(&search, 9000, seq(1), seq(2));
    assert_false(tcpip__plpmtud_too_big(&search, 9000)); /* no less than the probe itself */
    assert_false(tcpip__plpmtud_too_big(&search, 1063)); /* less than what arrives */
    assert_true(tcpip__plpmtud_too_big(&search, 1492));
    assert_int_equal(probe(&search, 1492, 0), 1492);
    assert_int_equal(search.low, 1492);
    assert_int_equal(probe(&search, 1492, 0), 0);
    assert_true(search.complete);
}

static void test_more_is_tried_again_after_the_interval(void **state)
{
    (void)state;
    struct plpmtud search;
    tcpip__plpmtud_init(&search, 1064, 1500);
    while (probe(&search, 1300, 0) != 0)
        ;
    assert_in_range(search.low, 1293, 1300);
    assert_int_equal(probe(&search, 1500, 599 * TCPIP_SECOND), 0);
    assert_int_equal(probe(&search, 1500, 600 * TCPIP_SECOND), 1500);
    assert_int_equal(search.low, 1500);
}

static void test_timeouts_lead_down_to_the_floor_and_no_further(void **state)
{
    (void)state;
    struct plpmtud search;
    tcpip__plpmtud_init(&search, 1500, 1500);
    assert_true(tcpip__plpmtud_shrink(&search, &bounds));
    assert_int_equal(search.low, 1064);
    assert_true(tcpip__plpmtud_shrink(&search, &bounds));
    assert_int_equal(search.low, 576); /* half would be less */
    assert_false(tcpip__plpmtud_shrink(&search, &bounds));
    assert_true(tcpip__plpmtud_confirm(&search));
    assert_false(tcpip__plpmtud_confirm(&search));
    assert_int_equal(probe(&search, 1500, 0), 1038); /* by halves now */
}

static void test_a_route_that_changes_moves_the_bounds(void **state)
{
    (void)state;
    struct plpmtud search;
    tcpip__plpmtud_init(&search, 1064, 1500);
    assert_int_equal(probe(&search, 1500, 0), 1500);
    tcpip__plpmtud_allow(&search, 1400);
    assert_int_equal(search.low, 1400);
    assert_int_equal(search.high, 1400);
    tcpip__plpmtud_allow(&search, 9000);
    assert_int_equal(probe(&search, 9000, 0), 9000);
    tcpip__plpmtud_allow(&search, 1000);
    assert_int_equal(search.low, 1000);
    tcpip__plpmtud_told(&search, 1001);
    assert_int_equal(search.low, 1000); /* not over what is allowed */
    tcpip__plpmtud_allow(&search, 2000);
    tcpip__plpmtud_told(&search, 1500);
    assert_int_equal(search.low, 1500);
}

static void check(const struct plpmtud *search)
{
    assert_true(search->low <= search->high && search->high <= search->most);
    assert_true(search->probe_bytes == 0 || (search->probe_bytes > search->low && search->probe_bytes <= search->high));
}

/* Probes until the search is complete; some get lost for other reasons, of some nothing is known. Returns how many it
 * took. */
static uint32_t find(struct plpmtud *search, struct rng *rng, uint32_t path, uint32_t loss_percent, tcpip_ns now)
{
    uint32_t probes = 0;
    for (;;) {
        uint32_t bytes = tcpip__plpmtud_next(search, &bounds, now);
        check(search);
        if (bytes == 0)
            return probes;
        assert_true(bytes > search->low && bytes <= search->high);
        tcpip__plpmtud_sent(search, bytes, seq(1), seq(2));
        check(search);
        if (loss_percent > 0 && rng_below(rng, 10) == 0) {
            tcpip__plpmtud_forget(search);
            continue;
        }
        probes++;
        if (bytes > path || rng_below(rng, 100) < loss_percent)
            tcpip__plpmtud_lost(search);
        else
            tcpip__plpmtud_arrived(search);
        check(search);
    }
}

static uint32_t most_probes(uint32_t range)
{
    uint32_t sizes = 2; /* the leap, and rounding */
    for (; range >= bounds.threshold; range /= 2)
        sizes++;
    return sizes * PLPMTUD_PROBES;
}

static void test_random_paths_are_found_within_so_many_probes(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4821);
    for (int i = 0; i < 20000; i++) {
        uint32_t most = (uint32_t)rng_between(&rng, 1064, rng_below(&rng, 2) == 0 ? 1500 : 65535);
        uint32_t path = (uint32_t)rng_between(&rng, 1064, most + 100);
        struct plpmtud search;
        tcpip__plpmtud_init(&search, 1064, most);
        uint32_t probes = find(&search, &rng, path, 0, 0);
        assert_true(search.low <= path);
        assert_true(search.low + bounds.threshold > min_u32(path, most));
        assert_true(probes <= most_probes(most - 1064));
    }
}

static void test_losses_make_it_find_less_never_more_and_the_next_search_makes_up_for_it(void **state)
{
    (void)state;
    struct rng rng;
    uint32_t exact = 0;
    rng_init(&rng, 8899);
    for (int i = 0; i < 20000; i++) {
        uint32_t most = (uint32_t)rng_between(&rng, 1064, 9000), path = (uint32_t)rng_between(&rng, 1064, most);
        struct plpmtud search;
        tcpip_ns now = 0;
        tcpip__plpmtud_init(&search, 1064, most);
        for (int round = 0; round < 3; round++, now += bounds.interval_ns) {
            uint32_t probes = find(&search, &rng, path, 10, now);
            assert_true(search.low <= path);
            assert_true(probes <= most_probes(most - 1064));
        }
        exact += search.low + bounds.threshold > path;
    }
    assert_in_range(exact, 19900, 20000); /* three of three lost, in three searches, at a size that matters */
}

static void test_it_follows_a_path_that_changes(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 1191);
    for (int i = 0; i < 2000; i++) {
        struct plpmtud search;
        tcpip_ns now = 0;
        tcpip__plpmtud_init(&search, 1500, 1500);
        for (int change = 0; change < 10; change++, now += bounds.interval_ns) {
            uint32_t path = (uint32_t)rng_between(&rng, 576, 1500), timeouts = 0;
            while (search.low > path) {
                assert_true(tcpip__plpmtud_shrink(&search, &bounds));
                check(&search);
                timeouts++;
            }
            assert_true(timeouts <= 2);
            (void)tcpip__plpmtud_confirm(&search);
            (void)find(&search, &rng, path, 0, now);
            assert_true(search.low <= path && search.low + bounds.threshold > path);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_as_wide_as_the_link_takes_one_probe),
        cmocka_unit_test(test_three_losses_of_one_size_are_needed_to_give_it_up),
        cmocka_unit_test(test_what_is_not_known_of_a_probe_counts_for_nothing),
        cmocka_unit_test(test_a_router_saves_the_search),
        cmocka_unit_test(test_more_is_tried_again_after_the_interval),
        cmocka_unit_test(test_timeouts_lead_down_to_the_floor_and_no_further),
        cmocka_unit_test(test_a_route_that_changes_moves_the_bounds),
        cmocka_unit_test(test_random_paths_are_found_within_so_many_probes),
        cmocka_unit_test(test_losses_make_it_find_less_never_more_and_the_next_search_makes_up_for_it),
        cmocka_unit_test(test_it_follows_a_path_that_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
