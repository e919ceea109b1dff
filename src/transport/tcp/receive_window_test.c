// SPDX-License-Identifier: MIT
/* receive_window_test.c: the promise is kept at every scale, silly windows are avoided, and buffers grow where that
 * helps. */
#include "transport/tcp/receive_window.h"

#include "base/math.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MSS = 1460 };

static void test_the_scale_fits_the_largest_buffer(void **state)
{
    (void)state;
    assert_int_equal(tcpip__receive_window_scale(65535), 0);
    assert_int_equal(tcpip__receive_window_scale(65536), 1);
    assert_int_equal(tcpip__receive_window_scale(6u << 20), 7);
    assert_int_equal(tcpip__receive_window_scale(UINT32_MAX), 14);
}

static void test_a_syn_is_not_scaled(void **state)
{
    (void)state;
    struct receive_window window;
    tcpip__receive_window_init(&window, seq(1), 1u << 20, 7, 0);
    assert_int_equal(tcpip__receive_window_advertise(&window, seq(1), 0, MSS, true), 65535);
    assert_int_equal(tcpip__receive_window_advertise(&window, seq(1), 0, MSS, false), 1u << 20);
}

/* A reader of changing speed, a peer that fills what it is told in segments of all sizes. */
static void test_what_was_told_is_never_taken_back_and_the_buffer_holds(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct receive_window window;
        struct rng rng;
        uint32_t buffer = 3000 + (uint32_t)(seed * 37337), queued = 0, told;
        uint8_t scale = (uint8_t)(seed % 15);
        seqnum nxt = seq((uint32_t)(0xffffff00 + seed)), edge;
        rng_init(&rng, seed);
        tcpip__receive_window_init(&window, nxt, buffer, scale, 0);
        told = tcpip__receive_window_advertise(&window, nxt, 0, MSS, false);
        edge = seq_add(nxt, told);
        for (int step = 0; step < 20000; step++) {
            /* The peer believes the largest edge that it was told. */
            uint32_t open = seq_size(nxt, edge), size = rng_below(&rng, 3) == 0 ? 1 : 1 + rng_below(&rng, MSS);
            size = min_u32(size, open);
            nxt = seq_add(nxt, size);
            queued += size;
            uint32_t reads = rng_below(&rng, seed % 3 == 0 ? 40 : 2000);
            if (rng_below(&rng, 4) == 0)
                queued = sat_sub_u32(queued, reads);
            seqnum before = window.advertised;
            uint32_t kept = (seq_size(nxt, edge) + (1u << scale) - 1) >> scale << scale;
            told = tcpip__receive_window_advertise(&window, nxt, queued, MSS, false);
            assert_int_equal(told & ((1u << scale) - 1), 0);
            assert_true(told >> scale <= 65535);
            assert_true(seq_geq(window.advertised, before));
            assert_true(seq_leq(seq_add(nxt, told), window.advertised));
            /* Told again whole, unless rounding has lent too much already. */
            if (kept >> scale <= 65535 && queued + kept <= buffer + max_u32(1u << scale, buffer / 16))
                assert_true(seq_geq(seq_add(nxt, told), edge));
            edge = seq_max(edge, seq_add(nxt, told));
            assert_int_equal(edge.v, window.advertised.v);
            /* Bounded, whatever the peer does. */
            assert_true(queued <= buffer + max_u32(1u << scale, buffer / 16));
        }
    }
}

static void test_a_full_buffer_closes_and_reopens_by_a_segment(void **state)
{
    (void)state;
    struct receive_window window;
    seqnum nxt = seq(100);
    tcpip__receive_window_init(&window, nxt, 10000, 0, 0);
    assert_int_equal(tcpip__receive_window_advertise(&window, nxt, 0, MSS, false), 10000);
    nxt = seq_add(nxt, 10000);
    assert_int_equal(tcpip__receive_window_advertise(&window, nxt, 10000, MSS, false), 0);
    assert_int_equal(tcpip__receive_window_advertise(&window, nxt, 10000 - MSS + 1, MSS, false), 0);
    assert_false(tcpip__receive_window_update_due(&window, nxt, 10000 - MSS + 1, MSS));
    assert_true(tcpip__receive_window_update_due(&window, nxt, 10000 - MSS, MSS));
    assert_int_equal(tcpip__receive_window_peek(&window, nxt, 10000 - MSS, MSS), MSS);
    assert_int_equal(receive_window_open(&window, nxt), 0); /* peek notes nothing */
    assert_int_equal(tcpip__receive_window_advertise(&window, nxt, 10000 - MSS, MSS, false), MSS);
}

static void test_a_buffer_below_a_segment_opens_by_half(void **state)
{
    (void)state;
    struct receive_window window;
    seqnum nxt = seq(0);
    tcpip__receive_window_init(&window, nxt, 1000, 0, 0);
    assert_int_equal(tcpip__receive_window_advertise(&window, nxt, 0, MSS, false), 1000);
    nxt = seq(1000);
    assert_int_equal(tcpip__receive_window_advertise(&window, nxt, 501, MSS, false), 0);
    assert_int_equal(tcpip__receive_window_advertise(&window, nxt, 500, MSS, false), 500);
}

static void test_a_clamp_bounds_the_window_without_taking_back(void **state)
{
    (void)state;
    struct receive_window window;
    tcpip__receive_window_init(&window, seq(0), 100000, 2, 0);
    assert_int_equal(tcpip__receive_window_advertise(&window, seq(0), 0, MSS, false), 100000);
    window.clamp = 20000;
    assert_int_equal(receive_window_open(&window, seq(90000)), 10000);
    assert_int_equal(tcpip__receive_window_advertise(&window, seq(90000), 0, MSS, false), 20000);
}

static void test_the_field_holds_what_the_scale_allows(void **state)
{
    (void)state;
    struct receive_window window;
    tcpip__receive_window_init(&window, seq(0), 1u << 20, 0, 0);
    assert_int_equal(tcpip__receive_window_advertise(&window, seq(0), 0, MSS, false), 65535);
    window.scale = 1; /* an edge beyond what a smaller scale can say */
    assert_int_equal(tcpip__receive_window_advertise(&window, seq(0), 0, MSS, false), 131070);
    window.scale = 0;
    assert_int_equal(tcpip__receive_window_advertise(&window, seq(0), 0, MSS, false), 65535);
}

static void test_updates_are_sent_when_the_peer_is_about_to_stop(void **state)
{
    (void)state;
    struct receive_window window;
    tcpip__receive_window_init(&window, seq(0), 100000, 0, 0);
    tcpip__receive_window_advertise(&window, seq(0), 40000, MSS, false); /* 60000 */
    assert_false(tcpip__receive_window_update_due(&window, seq(0), 0, MSS));
    assert_true(tcpip__receive_window_update_due(&window, seq(50000), 70000, MSS));  /* 10000 left, 30000 could be */
    assert_false(tcpip__receive_window_update_due(&window, seq(50000), 82000, MSS)); /* 18000 */
    assert_true(tcpip__receive_window_update_due(&window, seq(59000), 96000, MSS));  /* 1000 left, two segments more */
    assert_false(tcpip__receive_window_update_due(&window, seq(59000), 97000, MSS)); /* not two */
}

/* ---- auto-tuning: a model of a path with a rate, a round trip, and a reader who takes all that came ---- */

struct path {
    tcpip_ns rtt_ns;
    uint64_t bytes_per_second;
    tcpip_ns pause_ns; /* between reads; 0: at once */
};

/* Runs `rounds` windows over the path and returns the buffer at the end. */
static uint32_t tuned(const struct path *path, uint32_t buffer, uint32_t max_bytes, int rounds, bool timestamps)
{
    struct receive_window window;
    tcpip_ns now = TCPIP_SECOND, read_at = now;
    seqnum nxt = seq(5);
    uint32_t queued = 0;
    tcpip__receive_window_init(&window, nxt, buffer, 7, now);
    tcpip__receive_window_advertise(&window, nxt, 0, MSS, false);
    for (int round = 0; round < rounds; round++) {
        /* The peer sends the window, in pieces, at the path's rate; it hears of more a round trip later. */
        uint32_t open = receive_window_open(&window, nxt);
        tcpip_ns begin = now;
        while (open > 0) {
            uint32_t piece = min_u32(open, 10 * MSS);
            now += (tcpip_ns)((uint64_t)piece * 1000000000u / path->bytes_per_second);
            nxt = seq_add(nxt, piece);
            queued += piece;
            open -= piece;
            tcpip__receive_window_on_data(&window, nxt, MSS, now);
            if (timestamps)
                tcpip__receive_window_rtt_sample(&window, (path->rtt_ns / TCPIP_MS + 1) * TCPIP_MS); /* coarse */
            if (now - read_at >= path->pause_ns) {
                tcpip__receive_window_on_read(&window, queued, max_bytes, MSS, now);
                queued = 0;
                read_at = now;
            }
        }
        now = max_i64(now, begin + path->rtt_ns);
        if (now - read_at < path->pause_ns)
            now = read_at + path->pause_ns;
        tcpip__receive_window_on_read(&window, queued, max_bytes, MSS, now);
        queued = 0;
        read_at = now;
        tcpip__receive_window_advertise(&window, nxt, 0, MSS, false);
    }
    return window.buffer_bytes;
}

static void test_a_long_fat_path_gets_its_bandwidth_delay_product(void **state)
{
    (void)state;
    struct path path = {100 * TCPIP_MS, 125000000 / 5, 0}; /* 200 Mbit/s: 2.5 MB */
    for (int timestamps = 0; timestamps < 2; timestamps++) {
        uint32_t buffer = tuned(&path, 65536, 16u << 20, 40, timestamps);
        assert_in_range(buffer, 2500000, 10500000);
    }
    assert_int_equal(tuned(&path, 65536, 1u << 20, 40, true), 1u << 20); /* the limit */
}

/* A burst of what cwnd lets go, at 100 Mbit/s; each pair of segments is read and acknowledged and lets two more go. */
static void test_slow_start_is_never_held_up(void **state)
{
    (void)state;
    const uint32_t buffers[] = {65536, 131072};
    for (int i = 0; i < 2; i++) {
        struct receive_window window;
        tcpip_ns begin = TCPIP_SECOND;
        seqnum nxt = seq(5);
        tcpip__receive_window_init(&window, nxt, buffers[i], 9, begin);
        tcpip__receive_window_rtt_sample(&window, 20 * TCPIP_MS);
        tcpip__receive_window_advertise(&window, nxt, 0, MSS, false);
        for (uint32_t cwnd = 10 * MSS; cwnd < 500000; cwnd *= 2) {
            tcpip_ns now = begin;
            for (uint32_t acked = 2 * MSS; acked <= cwnd; acked += 2 * MSS) {
                now += 233600; /* two segments at 100 Mbit/s */
                nxt = seq_add(nxt, 2 * MSS);
                tcpip__receive_window_on_data(&window, nxt, MSS, now);
                tcpip__receive_window_on_read(&window, 2 * MSS, 16u << 20, MSS, now);
                tcpip__receive_window_advertise(&window, nxt, 0, MSS, false);
                assert_true(receive_window_open(&window, nxt) >= cwnd + acked);
            }
            begin = max_i64(begin + 20 * TCPIP_MS, now);
        }
        assert_in_range(window.buffer_bytes, 500000, 3000000);
    }
}

static void test_a_machine_that_talks_to_itself_stays_in_its_cache(void **state)
{
    (void)state;
    struct path path = {0, 4000000000u, 0};
    assert_true(tuned(&path, 131072, 6u << 20, 4000, false) <= 600000);
    assert_true(tuned(&path, 131072, 6u << 20, 4000, true) <= 600000);
}

static void test_a_reader_that_pauses_gets_room_for_its_pauses(void **state)
{
    (void)state;
    struct path path = {TCPIP_MS, 125000000, 10 * TCPIP_MS};
    assert_true(tuned(&path, 65536, 6u << 20, 400, true) >= 1000000);
}

static void test_a_trickle_grows_nothing(void **state)
{
    (void)state;
    struct receive_window window;
    tcpip_ns now = TCPIP_SECOND;
    seqnum nxt = seq(5);
    tcpip__receive_window_init(&window, nxt, 65536, 7, now);
    for (int i = 0; i < 1000; i++, now += 10 * TCPIP_MS) {
        nxt = seq_add(nxt, 1000);
        tcpip__receive_window_on_data(&window, nxt, MSS, now);
        tcpip__receive_window_rtt_sample(&window, 20 * TCPIP_MS);
        assert_false(tcpip__receive_window_on_read(&window, 1000, 6u << 20, MSS, now));
        tcpip__receive_window_advertise(&window, nxt, 0, MSS, false);
    }
    assert_int_equal(window.buffer_bytes, 65536);
    assert_in_range(window.rtt_ns, 19 * TCPIP_MS, 21 * TCPIP_MS);
}

/* Twin: of two who read late, one looks at the clock each time, the other only where it matters. */
static void test_who_reads_little_needs_no_clock(void **state)
{
    (void)state;
    struct receive_window looks, spares;
    tcpip_ns now = 0;
    uint32_t spared = 0;
    tcpip__receive_window_init(&looks, seq(1), 128u << 10, 7, 0);
    tcpip__receive_window_rtt_sample(&looks, TCPIP_MS);
    spares = looks;
    for (uint32_t i = 1; i <= 300; i++) {
        uint32_t bytes = i % 3 == 0 ? i * 300 : 60; /* requests, and bursts that double and double */
        tcpip_ns came_at = now += 2 * TCPIP_MS;
        now += (i % 5) * (TCPIP_MS / 4);
        bool minds = receive_window_minds(&spares, bytes);
        spared += !minds;
        tcpip__receive_window_on_read(&looks, bytes, 6u << 20, MSS, now);
        tcpip__receive_window_on_read(&spares, bytes, 6u << 20, MSS, minds ? now : came_at);
        /* Neither more nor less than a sixteenth, whichever way the small ones were counted. */
        assert_in_range(16 * (uint64_t)spares.space_bytes, 15 * (uint64_t)looks.space_bytes,
                        17 * (uint64_t)looks.space_bytes);
    }
    /* It grows in steps, which one of them may take a round later. */
    assert_in_range(4 * (uint64_t)spares.buffer_bytes, 3 * (uint64_t)looks.buffer_bytes,
                    5 * (uint64_t)looks.buffer_bytes);
    assert_true(spared >= 100);
    assert_true(looks.buffer_bytes > 128u << 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_scale_fits_the_largest_buffer),
        cmocka_unit_test(test_a_syn_is_not_scaled),
        cmocka_unit_test(test_what_was_told_is_never_taken_back_and_the_buffer_holds),
        cmocka_unit_test(test_a_full_buffer_closes_and_reopens_by_a_segment),
        cmocka_unit_test(test_a_buffer_below_a_segment_opens_by_half),
        cmocka_unit_test(test_a_clamp_bounds_the_window_without_taking_back),
        cmocka_unit_test(test_the_field_holds_what_the_scale_allows),
        cmocka_unit_test(test_updates_are_sent_when_the_peer_is_about_to_stop),
        cmocka_unit_test(test_a_long_fat_path_gets_its_bandwidth_delay_product),
        cmocka_unit_test(test_slow_start_is_never_held_up),
        cmocka_unit_test(test_a_machine_that_talks_to_itself_stays_in_its_cache),
        cmocka_unit_test(test_a_reader_that_pauses_gets_room_for_its_pauses),
        cmocka_unit_test(test_a_trickle_grows_nothing),
        cmocka_unit_test(test_who_reads_little_needs_no_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
