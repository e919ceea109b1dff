// SPDX-License-Identifier: MIT
/* bbr_test.c: BBR over a bottleneck of known rate, distance and buffer, packet by packet. */
#include "base/math.h"
#include "base/rng.h"
#include "transport/tcp/rate.h"
#include <tcpip/congestion.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MSS = 1000, PACKETS = 1 << 16 };

struct packet {
    struct rate_snapshot rate;
    tcpip_ns sent_at, arrives_at; /* back at the sender */
    bool lost, marked;
};

struct path {
    struct tcpip_congestion c;
    struct rate rate;
    struct rng rng;
    uint64_t state_bytes[TCPIP_CONGESTION_STATE_BYTES / 8];
    struct packet packets[PACKETS];
    uint64_t head, tail; /* in flight */
    tcpip_ns now, next_send_at, line_free_at, recovery_until;
    uint64_t bytes_per_second;
    tcpip_ns rtt_ns, last_rtt_ns, least_rtt_ns, most_rtt_ns, min_rtt_ns;
    uint32_t buffer, loss_ppm, mark_above, lost_ever, newly_lost;
    struct tcpip_congestion_ack worst;
    uint64_t arrived; /* bytes */
    uint32_t least_in_flight;
    bool idle; /* nothing to send */
};

static void path_init(struct path *path, uint64_t bytes_per_second, tcpip_ns rtt_ns, uint32_t buffer)
{
    memset(path, 0, sizeof(*path));
    path->now = path->next_send_at = TCPIP_SECOND;
    path->bytes_per_second = bytes_per_second;
    path->rtt_ns = rtt_ns;
    path->buffer = buffer;
    path->least_rtt_ns = TCPIP_NEVER;
    rng_init(&path->rng, 5);
    tcpip__rate_init(&path->rate, path->now);
    path->c = (struct tcpip_congestion){.ops = &tcpip_congestion_bbr,
                                        .mss = MSS,
                                        .cwnd = 10 * MSS,
                                        .ssthresh = TCPIP_SSTHRESH_INFINITE,
                                        .state = path->state_bytes};
    assert_true(path->c.ops->state_size <= sizeof(path->state_bytes));
    path->c.ops->init(&path->c, path->now);
}

static uint32_t path_in_flight(const struct path *path)
{
    return (uint32_t)(path->tail - path->head) * MSS;
}

static void path_send(struct path *path)
{
    struct packet *packet = &path->packets[path->tail % PACKETS];
    *packet = (struct packet){.sent_at = path->now};
    packet->rate = tcpip__rate_on_send(&path->rate, path_in_flight(path), path->now);
    path->tail++;
    packet->rate.tx_in_flight = path_in_flight(path) & 0x7fffffff;
    packet->rate.lost = path->lost_ever;
    tcpip_ns start = max_i64(path->now, path->line_free_at);
    uint64_t queue = tcpip__muldiv_u64((uint64_t)(start - path->now), path->bytes_per_second, (uint64_t)TCPIP_SECOND);
    packet->lost = queue + MSS > path->buffer || rng_below(&path->rng, 1000000) < path->loss_ppm;
    packet->marked = path->mark_above != 0 && queue > path->mark_above;
    if (queue + MSS <= path->buffer)
        path->line_free_at = start + (tcpip_ns)tcpip__muldiv_u64(MSS, (uint64_t)TCPIP_SECOND, path->bytes_per_second);
    packet->arrives_at = max_i64(path->line_free_at, start) + path->rtt_ns;
    path->c.ops->on_sent(&path->c, MSS, path_in_flight(path), path->now);
    if (path->c.pacing_rate != 0 && path->tail > 10)
        path->next_send_at = max_i64(path->next_send_at, path->now) +
                             (tcpip_ns)tcpip__muldiv_u64(MSS, (uint64_t)TCPIP_SECOND, path->c.pacing_rate);
}

static void path_lose(struct path *path, const struct packet *packet)
{
    path->lost_ever += MSS;
    path->newly_lost += MSS;
    struct tcpip_congestion_ack *worst = &path->worst;
    worst->loss_bytes = MSS;
    worst->loss_since = path->lost_ever - packet->rate.lost;
    worst->loss_tx_in_flight = packet->rate.tx_in_flight;
    worst->loss_app_limited = packet->rate.app_limited;
}

static void path_ack(struct path *path)
{
    struct packet *packet = &path->packets[path->head % PACKETS];
    uint32_t prior = path_in_flight(path);
    path->now = packet->arrives_at;
    path->head++;
    if (packet->lost) {
        path_lose(path, packet);
        return; /* found with the next that arrives */
    }
    struct record record = {.length = MSS, .sent_at = packet->sent_at, .rate = packet->rate};
    path->last_rtt_ns = path->now - packet->sent_at;
    path->min_rtt_ns = path->min_rtt_ns == 0 ? path->last_rtt_ns : min_i64(path->min_rtt_ns, path->last_rtt_ns);
    path->least_rtt_ns = min_i64(path->least_rtt_ns, path->last_rtt_ns);
    path->most_rtt_ns = max_i64(path->most_rtt_ns, path->last_rtt_ns);
    struct tcp_ack facts = {.now = path->now, .delivered = MSS};
    tcpip__rate_on_ack(&path->rate, &record, path->min_rtt_ns, &facts);
    struct tcpip_congestion_ack ack = path->worst;
    ack.now = path->now;
    ack.delivered = path->rate.delivered;
    ack.acked = ack.newly_delivered = MSS;
    ack.newly_lost = path->newly_lost;
    ack.in_flight = path_in_flight(path);
    ack.prior_in_flight = prior;
    ack.mss = MSS;
    ack.rtt_ns = ack.srtt_ns = path->last_rtt_ns;
    ack.delivery_rate = facts.rate_bytes_per_second;
    ack.app_limited = facts.app_limited;
    ack.prior_delivered = facts.prior_delivered;
    ack.tx_in_flight = facts.tx_in_flight;
    ack.lost_since = path->lost_ever - facts.lost_before;
    ack.cwnd_limited = prior + MSS > path->c.cwnd;
    ack.has_sack = true;
    ack.ecn_echo = packet->marked;
    if (path->newly_lost > 0 && path->now >= path->recovery_until)
        path->recovery_until = path->now + 2 * path->rtt_ns;
    ack.in_recovery = path->now < path->recovery_until;
    path->c.ops->on_ack(&path->c, &ack);
    path->worst = (struct tcpip_congestion_ack){0};
    path->newly_lost = 0;
    path->arrived += MSS;
    path->least_in_flight = min_u32(path->least_in_flight, path_in_flight(path));
}

/* Runs for a while; returns what arrived in bytes a second. */
static uint64_t path_run(struct path *path, tcpip_ns duration_ns)
{
    tcpip_ns end = path->now + duration_ns;
    path->arrived = 0;
    path->least_rtt_ns = TCPIP_NEVER;
    path->most_rtt_ns = 0;
    path->least_in_flight = UINT32_MAX;
    while (path->now < end) {
        bool room = !path->idle && path_in_flight(path) + MSS <= path->c.cwnd;
        tcpip_ns send_at = room ? max_i64(path->next_send_at, path->now) : TCPIP_NEVER;
        tcpip_ns ack_at = path->head < path->tail ? path->packets[path->head % PACKETS].arrives_at : TCPIP_NEVER;
        if (send_at == TCPIP_NEVER && ack_at == TCPIP_NEVER) {
            path->now = end;
        } else if (ack_at <= send_at) {
            path_ack(path);
        } else {
            path->now = send_at;
            path_send(path);
        }
        if (path->idle)
            tcpip__rate_app_limited(&path->rate, path_in_flight(path));
    }
    return tcpip__muldiv_u64(path->arrived, (uint64_t)TCPIP_SECOND, (uint64_t)duration_ns);
}

static struct path path;

static void test_it_finds_the_rate_and_keeps_the_queue_short(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes_per_second;
        tcpip_ns rtt_ns;
    } paths[] = {{1250000, 10 * TCPIP_MS},
                 {1250000, 100 * TCPIP_MS},
                 {125000000, 10 * TCPIP_MS},
                 {12500, 50 * TCPIP_MS},
                 {12500000, 200 * TCPIP_MS}};
    for (size_t i = 0; i < array_count(paths); i++) {
        uint64_t rate = paths[i].bytes_per_second;
        uint64_t bdp = rate * (uint64_t)paths[i].rtt_ns / (uint64_t)TCPIP_SECOND;
        path_init(&path, rate, paths[i].rtt_ns, (uint32_t)max_u64(4 * bdp, 50 * MSS));
        (void)path_run(&path, 4 * TCPIP_SECOND);
        uint64_t arrived = path_run(&path, 20 * TCPIP_SECOND);
        assert_in_range(arrived, rate * 93 / 100, rate);
        /* A probe fills a quarter more each round, until three rounds show that nothing comes of it. */
        if (bdp > 8 * MSS)
            assert_true(2 * path.most_rtt_ns < 5 * paths[i].rtt_ns);
    }
}

static void test_startup_doubles_every_round(void **state)
{
    (void)state;
    path_init(&path, 125000000, 100 * TCPIP_MS, 50000000); /* 12500 segments: 2^10.3 times the initial window */
    (void)path_run(&path, 14 * 100 * TCPIP_MS);
    assert_true(path_run(&path, TCPIP_SECOND) > 100000000);
}

static void test_random_losses_dont_slow_it(void **state)
{
    (void)state;
    path_init(&path, 12500000, 50 * TCPIP_MS, 2000000);
    path.loss_ppm = 10000; /* 1 % */
    (void)path_run(&path, 4 * TCPIP_SECOND);
    /* Each round that loses something bounds the next ones by what it delivered, until the next probe. */
    assert_in_range(path_run(&path, 20 * TCPIP_SECOND), 9500000, 12500000);
}

static void test_a_short_buffer_costs_little(void **state)
{
    (void)state;
    path_init(&path, 12500000, 40 * TCPIP_MS, 50000); /* a tenth of the product */
    (void)path_run(&path, 4 * TCPIP_SECOND);
    uint32_t lost = path.lost_ever;
    uint64_t arrived = path_run(&path, 20 * TCPIP_SECOND);
    assert_in_range(arrived, 11000000, 12500000);
    assert_true((path.lost_ever - lost) / 20 < 12500000 / 50); /* under 2 % */
}

static void test_every_five_seconds_it_looks_whether_the_path_is_shorter(void **state)
{
    (void)state;
    path_init(&path, 1250000, 100 * TCPIP_MS, 1000000);
    (void)path_run(&path, 4 * TCPIP_SECOND);
    (void)path_run(&path, 6 * TCPIP_SECOND);
    assert_true(path.least_in_flight <= 70 * MSS); /* half of 125 segments */
    /* It grows longer: the old distance is forgotten within ten seconds. */
    path.rtt_ns = 200 * TCPIP_MS;
    (void)path_run(&path, 15 * TCPIP_SECOND);
    assert_in_range(path_run(&path, 10 * TCPIP_SECOND), 1100000, 1250000);
}

static void test_a_path_that_slows_down_is_followed(void **state)
{
    (void)state;
    path_init(&path, 12500000, 40 * TCPIP_MS, 2000000);
    (void)path_run(&path, 5 * TCPIP_SECOND);
    path.bytes_per_second = 2500000;
    (void)path_run(&path, 10 * TCPIP_SECOND);
    assert_in_range(path_run(&path, 10 * TCPIP_SECOND), 2300000, 2500000);
    assert_true(path.most_rtt_ns < 120 * TCPIP_MS);
    path.bytes_per_second = 12500000;
    (void)path_run(&path, 20 * TCPIP_SECOND);
    assert_in_range(path_run(&path, 5 * TCPIP_SECOND), 11000000, 12500000);
}

static void test_after_a_pause_it_goes_on_at_the_same_rate(void **state)
{
    (void)state;
    path_init(&path, 12500000, 40 * TCPIP_MS, 2000000);
    (void)path_run(&path, 5 * TCPIP_SECOND);
    path.idle = true;
    (void)path_run(&path, TCPIP_SECOND / 2);
    path.idle = false;
    assert_in_range(path_run(&path, TCPIP_SECOND), 11000000, 12500000);
    assert_true(path.most_rtt_ns < 100 * TCPIP_MS);
    /* The state was given back; what is left are cwnd, ssthresh and the rate. */
    path.idle = true;
    (void)path_run(&path, 2 * TCPIP_SECOND);
    memset(path.state_bytes, 0, sizeof(path.state_bytes));
    uint32_t cwnd = path.c.cwnd, ssthresh = path.c.ssthresh;
    path.c.ops->init(&path.c, path.now);
    path.c.cwnd = cwnd;
    path.c.ssthresh = ssthresh;
    tcpip__rate_init(&path.rate, path.now);
    path.idle = false;
    assert_in_range(path_run(&path, TCPIP_SECOND), 11000000, 12500000);
    assert_true(path.most_rtt_ns < 60 * TCPIP_MS);
}

static void test_marks_keep_the_queue_shorter_still(void **state)
{
    (void)state;
    path_init(&path, 12500000, 40 * TCPIP_MS, 2000000);
    path.mark_above = 25000; /* 2 ms */
    (void)path_run(&path, 5 * TCPIP_SECOND);
    assert_in_range(path_run(&path, 20 * TCPIP_SECOND), 10500000, 12500000);
    assert_true(path.most_rtt_ns < 60 * TCPIP_MS);
}

static void test_an_undo_takes_back_what_losses_had_lowered(void **state)
{
    (void)state;
    path_init(&path, 12500000, 40 * TCPIP_MS, 2000000);
    (void)path_run(&path, 5 * TCPIP_SECOND);
    uint32_t cwnd = path.c.cwnd;
    path.c.ops->on_recovery(&path.c, &(struct tcpip_congestion_ack){.mss = MSS, .in_recovery = true});
    path.loss_ppm = 200000;
    (void)path_run(&path, 200 * TCPIP_MS);
    path.loss_ppm = 0;
    path.c.ops->on_undo(&path.c, path.now);
    assert_true(path.c.cwnd >= cwnd / 2);
    assert_in_range(path_run(&path, TCPIP_SECOND), 10500000, 12500000);
}

static void test_a_timeout_is_survived(void **state)
{
    (void)state;
    path_init(&path, 12500000, 40 * TCPIP_MS, 2000000);
    (void)path_run(&path, 5 * TCPIP_SECOND);
    path.c.ops->on_rto(&path.c, path_in_flight(&path), path.now);
    path.c.cwnd = MSS;
    (void)path_run(&path, TCPIP_SECOND);
    assert_in_range(path_run(&path, TCPIP_SECOND), 11000000, 12500000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_finds_the_rate_and_keeps_the_queue_short),
        cmocka_unit_test(test_startup_doubles_every_round),
        cmocka_unit_test(test_random_losses_dont_slow_it),
        cmocka_unit_test(test_a_short_buffer_costs_little),
        cmocka_unit_test(test_every_five_seconds_it_looks_whether_the_path_is_shorter),
        cmocka_unit_test(test_a_path_that_slows_down_is_followed),
        cmocka_unit_test(test_after_a_pause_it_goes_on_at_the_same_rate),
        cmocka_unit_test(test_marks_keep_the_queue_shorter_still),
        cmocka_unit_test(test_an_undo_takes_back_what_losses_had_lowered),
        cmocka_unit_test(test_a_timeout_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
