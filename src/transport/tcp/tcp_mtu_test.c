// SPDX-License-Identifier: MIT
/* tcp_mtu_test.c: two stacks, and a path between them that carries less than they think, and says nothing about it.
 *
 * Not here: what is seen on the wire (tests/script/pmtu), the search alone (plpmtud_test.c). */
#include "pair.h"
#include "stack/nic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { CHUNK = 16384, THRESHOLD = 32 /* so that a search ends soon */ };

struct flow {
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    struct tcpip_fault_profile line;
    uint64_t written, read, target;
    bool corrupt;
};

static uint8_t flow_byte(uint64_t at)
{
    return (uint8_t)(at * 131 + (at >> 8) * 31 + (at >> 16));
}

/* As much as goes is written on one side and read on the other. */
static bool flow_step(void *ctx)
{
    struct flow *f = ctx;
    static uint8_t buffer[CHUNK];
    size_t done;
    for (;;) {
        for (size_t i = 0; i < CHUNK; i++)
            buffer[i] = flow_byte(f->written + i);
        if (tcpip_endpoint_write(f->client, buffer, CHUNK, 0, NULL, &done) != TCPIP_OK)
            break;
        f->written += done;
    }
    while (tcpip_endpoint_read(f->server, buffer, CHUNK, &done, NULL) == TCPIP_OK) {
        for (size_t i = 0; i < done; i++)
            f->corrupt = f->corrupt || buffer[i] != flow_byte(f->read + i);
        f->read += done;
    }
    return f->read >= f->target;
}

static struct tcpip_tcp_info info_of(const struct tcpip_endpoint *ep)
{
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    assert_int_equal(tcpip_endpoint_tcp_info(ep, &info), TCPIP_OK);
    return info;
}

static struct tcpip_stats stats_of(const struct flow *f)
{
    struct tcpip_stats stats;
    tcpip_stack_stats(f->pair.a, &stats);
    return stats;
}

/* From now on, from a to b. */
static void flow_path(struct flow *f, uint32_t mtu)
{
    struct tcpip_fault_profile back = f->line;
    f->line.mtu = mtu;
    tcpip_fault_set(f->pair.fault, &f->line, &back);
}

static void flow_open(struct flow *f, bool v6, int64_t mode, uint32_t path)
{
    struct pair_options options = {.a_to_b = {.delay_ns = 10 * TCPIP_MS}, .b_to_a = {.delay_ns = 10 * TCPIP_MS}};
    *f = (struct flow){.line = options.a_to_b};
    pair_init(&f->pair, &options);
    assert_int_equal(tcpip_stack_set_default(f->pair.a, TCPIP_OPTION_PLPMTUD, mode), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_default(f->pair.a, TCPIP_OPTION_PLPMTUD_THRESHOLD, THRESHOLD), TCPIP_OK);
    flow_path(f, path);
    pair_connect(&f->pair, v6, &f->client, &f->server);
}

/* `bytes` more within `limit`; how long it took. */
static tcpip_ns flow_move(struct flow *f, uint64_t bytes, tcpip_ns limit)
{
    tcpip_ns began = f->pair.world.now;
    f->target = f->read + bytes;
    assert_true(pair_run_until(&f->pair, limit, flow_step, f));
    assert_false(f->corrupt);
    return f->pair.world.now - began;
}

static void flow_close(struct flow *f)
{
    tcpip_endpoint_close(f->client);
    tcpip_endpoint_close(f->server);
    pair_run(&f->pair, 200 * TCPIP_SECOND);
    pair_fini(&f->pair);
}

/* With timestamps a segment has 52 or 72 bytes of headers. */
static uint32_t headers(bool v6)
{
    return v6 ? 72 : 52;
}

static void assert_found(const struct flow *f, bool v6, uint32_t path)
{
    assert_in_range(info_of(f->client).snd_mss + headers(v6), path - THRESHOLD + 1, path);
}

static void black_hole_in_the_middle(bool v6)
{
    struct flow f;
    flow_open(&f, v6, 1, 0);
    flow_move(&f, 300000, 10 * TCPIP_SECOND);
    assert_int_equal(info_of(f.client).snd_mss, 1500 - headers(v6));
    assert_int_equal(stats_of(&f).tcp.mtu_probes_sent, 0); /* nobody had a reason to */
    flow_path(&f, 1400);
    /* Three timeouts, at 20 ms of distance, and the search. */
    flow_move(&f, 300000, 3 * TCPIP_SECOND);
    assert_int_equal(stats_of(&f).tcp.mtu_black_holes, 1);
    flow_move(&f, 4000000, 10 * TCPIP_SECOND);
    assert_found(&f, v6, 1400);
    struct tcpip_path_mtu path;
    assert_int_equal(tcpip_stack_path_mtus(f.pair.a, &path, 1), 1);
    assert_in_range(path.mtu, 1400 - THRESHOLD + 1, 1400);
    assert_true(path.probed);
    /* It is wide again, and that is found out in its time. */
    flow_path(&f, 0);
    flow_move(&f, 300000, 10 * TCPIP_SECOND);
    assert_found(&f, v6, 1400);
    pair_run(&f.pair, 601 * TCPIP_SECOND);
    flow_move(&f, 3000000, 10 * TCPIP_SECOND);
    assert_int_equal(info_of(f.client).snd_mss, 1500 - headers(v6));
    flow_close(&f);
}

static void test_a_path_that_becomes_narrow_in_silence_is_lived_with(void **state)
{
    (void)state;
    black_hole_in_the_middle(false);
}

static void test_and_one_of_ipv6(void **state)
{
    (void)state;
    black_hole_in_the_middle(true);
}

static void test_without_it_the_connection_stands_still(void **state)
{
    (void)state;
    struct flow f;
    flow_open(&f, false, 0, 1400);
    f.target = 100000;
    assert_false(pair_run_until(&f.pair, 30 * TCPIP_SECOND, flow_step, &f));
    assert_int_equal(stats_of(&f).tcp.mtu_black_holes, 0);
    flow_close(&f);
}

static void test_paths_down_to_the_minimum_are_lived_with(void **state)
{
    (void)state;
    for (uint32_t path = 600; path < 1500; path += 400) {
        struct flow f;
        flow_open(&f, false, 1, path);
        flow_move(&f, 100000, 20 * TCPIP_SECOND);
        assert_true(info_of(f.client).snd_mss + 52 <= path);
        flow_move(&f, 1500000, 20 * TCPIP_SECOND);
        assert_found(&f, false, path);
        flow_close(&f);
    }
    struct flow f;
    flow_open(&f, true, 1, 1280);
    flow_move(&f, 100000, 20 * TCPIP_SECOND);
    assert_int_equal(info_of(f.client).snd_mss, 1280 - 72);
    flow_close(&f);
}

static void test_who_always_probes_begins_small_and_loses_nothing_but_probes(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct flow f;
        flow_open(&f, v6 != 0, 2, 1400);
        assert_int_equal(info_of(f.client).snd_mss, (v6 ? 1280 : 1064) - headers(v6 != 0));
        flow_move(&f, 2000000, 20 * TCPIP_SECOND);
        struct tcpip_stats stats = stats_of(&f);
        assert_found(&f, v6 != 0, 1400);
        assert_int_equal(stats.tcp.timeouts, 0);
        assert_int_equal(stats.tcp.fast_recovery, 0); /* no probe's loss has taken the window down */
        assert_true(stats.tcp.mtu_probes_lost >= 3);
        assert_int_equal(stats.tcp.mtu_probes_sent, stats.tcp.mtu_probes_lost + stats.tcp.mtu_probes_arrived);
        assert_int_equal(stats.tcp.mtu_black_holes, 0);
        /* The next one to go there knows. */
        struct tcpip_endpoint *client, *server;
        tcpip_endpoint_close(f.client);
        tcpip_endpoint_close(f.server);
        pair_run(&f.pair, 100 * TCPIP_SECOND);
        pair_connect(&f.pair, v6 != 0, &client, &server);
        f.client = client;
        f.server = server;
        assert_found(&f, v6 != 0, 1400);
        flow_close(&f);
    }
}

static void test_on_a_path_that_loses_at_random_it_is_found_as_well(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct flow f;
        flow_open(&f, false, 2, 0);
        f.line.loss_ppm = 20000;
        flow_path(&f, 1300);
        flow_move(&f, 2000000, 120 * TCPIP_SECOND);
        assert_true(info_of(f.client).snd_mss + 52 <= 1300);
        assert_true(info_of(f.client).snd_mss + 52 > 1200);
        flow_close(&f);
    }
}

static void test_an_outage_is_not_a_black_hole_for_long(void **state)
{
    (void)state;
    struct flow f;
    flow_open(&f, false, 1, 0);
    flow_move(&f, 300000, 10 * TCPIP_SECOND);
    struct tcpip_fault_profile line = f.line, down = {.down = true};
    tcpip_fault_set(f.pair.fault, &down, &down);
    f.target = UINT64_MAX;
    assert_false(pair_run_until(&f.pair, 20 * TCPIP_SECOND, flow_step, &f));
    assert_true(stats_of(&f).tcp.mtu_black_holes >= 1);
    tcpip_fault_set(f.pair.fault, &line, &line);
    flow_move(&f, 1500000, 60 * TCPIP_SECOND);
    assert_found(&f, false, 1500);
    flow_close(&f);
}

static void test_without_sack_it_shrinks_and_comes_back_after_the_interval(void **state)
{
    (void)state;
    struct flow f;
    struct pair_options options = {.a_to_b = {.delay_ns = 10 * TCPIP_MS}, .b_to_a = {.delay_ns = 10 * TCPIP_MS}};
    f = (struct flow){.line = options.a_to_b};
    pair_init(&f.pair, &options);
    assert_int_equal(tcpip_stack_set_default(f.pair.a, TCPIP_OPTION_SACK, 0), TCPIP_OK);
    flow_path(&f, 1200);
    pair_connect(&f.pair, false, &f.client, &f.server);
    flow_move(&f, 200000, 30 * TCPIP_SECOND);
    assert_int_equal(info_of(f.client).snd_mss, 1012);
    assert_int_equal(stats_of(&f).tcp.mtu_probes_sent, 0);
    flow_path(&f, 0);
    pair_run(&f.pair, 1300 * TCPIP_SECOND);
    flow_move(&f, 200000, 30 * TCPIP_SECOND);
    assert_int_equal(info_of(f.client).snd_mss, 1448);
    flow_close(&f);
}

static void test_a_route_says_what_is_announced_and_how_large_packets_are(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    struct tcpip_route_entry narrow = {.destination = {tcpip_address_v4(0, 0, 0, 0), 0}, .nic = 1, .mtu = 1400};
    struct tcpip_route_entry told = {.destination = {tcpip_address_v4(0, 0, 0, 0), 0}, .nic = 1, .advmss = 600};
    pair_init(&pair, NULL);
    assert_int_equal(tcpip_stack_set_route_table(pair.a, &told, 1, TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_route_table(pair.b, &narrow, 1, TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(info_of(client).advertised_mss, 600);
    assert_int_equal(info_of(server).snd_mss, 600 - 12);
    assert_int_equal(info_of(server).advertised_mss, 1400 - 40);
    assert_int_equal(info_of(client).snd_mss, 1400 - 52);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    pair_run(&pair, 200 * TCPIP_SECOND);
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_that_becomes_narrow_in_silence_is_lived_with),
        cmocka_unit_test(test_and_one_of_ipv6),
        cmocka_unit_test(test_without_it_the_connection_stands_still),
        cmocka_unit_test(test_paths_down_to_the_minimum_are_lived_with),
        cmocka_unit_test(test_who_always_probes_begins_small_and_loses_nothing_but_probes),
        cmocka_unit_test(test_on_a_path_that_loses_at_random_it_is_found_as_well),
        cmocka_unit_test(test_an_outage_is_not_a_black_hole_for_long),
        cmocka_unit_test(test_a_route_says_what_is_announced_and_how_large_packets_are),
        cmocka_unit_test(test_without_sack_it_shrinks_and_comes_back_after_the_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
