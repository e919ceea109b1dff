// SPDX-License-Identifier: MIT
/* tcp_predict_test.c: the short way leads where the long way leads. Two worlds begin alike and are treated alike, but
 * in the second every segment goes the long way; after each step both hosts of both are compared: all that would be
 * saved of the stack, counters included, and what of an endpoint isn't saved.
 *
 * Not here: that the long way is right (the other tests, tests/script). */
#include "base/rng.h"
#include "pair.h"
#include "transport/tcp/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tcpip/save.h>

enum { SAVED_MAX = 1 << 18, STEPS = 150, WRITE_MAX = 4000 };

struct twin {
    uint64_t predicted[2];                  /* segments that went the short way */
    struct pair pairs[2];                   /* 1: the long way */
    struct tcpip_endpoint *endpoints[2][2]; /* of each pair: client, server */
    struct rng rng;
    uint8_t *saved[2];
};

static void twin_init(struct twin *twin, const struct pair_options *options, bool v6)
{
    memset(twin, 0, sizeof(*twin));
    rng_init(&twin->rng, options->seed);
    for (int i = 0; i < 2; i++) {
        struct pair *pair = &twin->pairs[i];
        pair_init(pair, options);
        tcp_stack_of(pair->a)->unpredicted = tcp_stack_of(pair->b)->unpredicted = i == 1;
        pair_connect(pair, v6, &twin->endpoints[i][0], &twin->endpoints[i][1]);
        twin->saved[i] = malloc(SAVED_MAX);
        assert_non_null(twin->saved[i]);
    }
}

static void twin_fini(struct twin *twin)
{
    for (int i = 0; i < 2; i++) {
        pair_fini(&twin->pairs[i]);
        free(twin->saved[i]);
    }
}

/* ---- what both do ---- */

static void twin_write(struct twin *twin, int end, uint32_t size, uint32_t flags)
{
    uint8_t bytes[WRITE_MAX];
    size_t done[2] = {0};
    enum tcpip_error errors[2];
    memset(bytes, (int)size, sizeof(bytes));
    for (int i = 0; i < 2; i++)
        errors[i] = tcpip_endpoint_write(twin->endpoints[i][end], bytes, size, flags, NULL, &done[i]);
    assert_int_equal(errors[0], errors[1]);
    assert_int_equal(done[0], done[1]);
}

static void twin_read(struct twin *twin, int end, uint32_t size)
{
    uint8_t bytes[2][2 * WRITE_MAX];
    size_t done[2] = {0};
    enum tcpip_error errors[2];
    for (int i = 0; i < 2; i++)
        errors[i] = tcpip_endpoint_read(twin->endpoints[i][end], bytes[i], size, &done[i], NULL);
    assert_int_equal(errors[0], errors[1]);
    assert_int_equal(done[0], done[1]);
    assert_memory_equal(bytes[0], bytes[1], done[0]);
}

static void twin_shut(struct twin *twin, int end)
{
    twin_write(twin, end, 3000, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tcpip_endpoint_shutdown(twin->endpoints[i][end], TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
}

static void twin_run(struct twin *twin, tcpip_ns duration)
{
    for (int i = 0; i < 2; i++)
        pair_run(&twin->pairs[i], duration);
}

/* Requests and answers mostly, sometimes much at once, and pauses of all lengths. */
static void twin_step(struct twin *twin)
{
    static const tcpip_ns pauses[] = {0, 20000, TCPIP_MS, 50 * TCPIP_MS, 400 * TCPIP_MS, 3 * TCPIP_SECOND};
    int end = (int)(rng_u64(&twin->rng) % 2);
    uint32_t size = (uint32_t)(1 + rng_u64(&twin->rng) % (rng_u64(&twin->rng) % 4 == 0 ? WRITE_MAX : 200));
    switch (rng_u64(&twin->rng) % 8) {
    case 0:
    case 1:
    case 2:
        twin_write(twin, end, size, rng_u64(&twin->rng) % 8 == 0 ? TCPIP_WRITE_MORE : 0);
        break;
    case 3:
    case 4:
        twin_read(twin, end, 2 * WRITE_MAX);
        break;
    case 5: /* an exchange */
        twin_write(twin, end, size, 0);
        twin_run(twin, 0);
        twin_read(twin, !end, 2 * WRITE_MAX);
        twin_write(twin, !end, size, 0);
        twin_run(twin, 0);
        twin_read(twin, end, 2 * WRITE_MAX);
        break;
    default:
        twin_run(twin, pauses[rng_u64(&twin->rng) % (sizeof(pauses) / sizeof(pauses[0]))]);
        break;
    }
}

/* ---- and what both are ---- */

/* The one thing in which they differ. */
static void twin_take_predicted(struct twin *twin, int i, struct tcpip_stack *stack)
{
    struct tcpip_stats_tcp *stats = &stack->stats.tcp;
    twin->predicted[i] += stats->header_prediction_acks + stats->header_prediction_data;
    stats->header_prediction_acks = stats->header_prediction_data = 0;
}

static void twin_compare_stacks(struct twin *twin, struct tcpip_stack *short_way, struct tcpip_stack *long_way)
{
    struct tcpip_stack *stacks[2] = {short_way, long_way};
    size_t bytes[2];
    for (int i = 0; i < 2; i++) {
        twin_take_predicted(twin, i, stacks[i]);
        assert_int_equal(tcpip_stack_save(stacks[i], NULL, twin->saved[i], SAVED_MAX, &bytes[i]), TCPIP_OK);
    }
    assert_int_equal(bytes[0], bytes[1]);
    assert_memory_equal(twin->saved[0], twin->saved[1], bytes[0]);
}

/* What time has to do with is begun anew in another stack, and isn't saved. */
static void twin_compare_hot(const struct tcp_hot *a, const struct tcp_hot *b)
{
    assert_int_equal(a->rack.newest.known, b->rack.newest.known);
    assert_int_equal(a->rack.newest.sent_at, b->rack.newest.sent_at);
    assert_int_equal(a->rack.newest.order, b->rack.newest.order);
    assert_int_equal(a->rack.newest.end.v, b->rack.newest.end.v);
    assert_int_equal(a->rack.rtt_ns, b->rack.rtt_ns);
    assert_int_equal(a->rack.reordering_seen, b->rack.reordering_seen);
    assert_int_equal(a->rack.round_open, b->rack.round_open);
    assert_int_equal(a->tlp.outstanding, b->tlp.outstanding);
    assert_int_equal(a->tlp.unmeasured, b->tlp.unmeasured);
    assert_int_equal(a->rate.delivered, b->rate.delivered);
    assert_int_equal(a->rate.delivered_at, b->rate.delivered_at);
    assert_int_equal(a->rate.first_sent_at, b->rate.first_sent_at);
    assert_int_equal(a->rate.before_at, b->rate.before_at);
    assert_int_equal(a->rate.before_delivered, b->rate.before_delivered);
    assert_int_equal(a->rate.app_limited_until, b->rate.app_limited_until);
    assert_int_equal(a->recovery.state, b->recovery.state);
    assert_int_equal(a->recovery.duplicate_acks, b->recovery.duplicate_acks);
    assert_int_equal(a->recovery.guard, b->recovery.guard);
    assert_int_equal(a->recovery.undo_possible, b->recovery.undo_possible);
    assert_int_equal(a->recovery.late_bytes, b->recovery.late_bytes);
    assert_int_equal(a->board.count, b->board.count);
    assert_int_equal(a->board.outstanding_bytes, b->board.outstanding_bytes);
    assert_int_equal(a->board.order, b->board.order);
    assert_int_equal(a->board.lost_ever, b->board.lost_ever);
    assert_int_equal(a->board.worst.bytes, b->board.worst.bytes);
    assert_memory_equal(a->congestion_state, b->congestion_state, sizeof(a->congestion_state));
}

static void twin_compare_endpoints(struct tcpip_endpoint *short_way, struct tcpip_endpoint *long_way)
{
    const struct tcp_endpoint *a = TCPIP_CONTAINER_OF(short_way, struct tcp_handle, base)->ep;
    const struct tcp_endpoint *b = TCPIP_CONTAINER_OF(long_way, struct tcp_handle, base)->ep;
    assert_int_equal(a == NULL, b == NULL); /* at rest */
    if (a == NULL)
        return;
    assert_memory_equal(a->deadlines, b->deadlines, sizeof(a->deadlines));
    assert_int_equal(tcpip_timer_armed(a->timer), tcpip_timer_armed(b->timer));
    assert_int_equal(a->timer->at, b->timer->at);
    assert_int_equal(a->congestion.cwnd, b->congestion.cwnd);
    assert_int_equal(a->congestion.ssthresh, b->congestion.ssthresh);
    assert_int_equal(a->congestion.pacing_rate, b->congestion.pacing_rate);
    assert_int_equal(a->cwnd_used, b->cwnd_used);
    assert_int_equal(a->cwnd_used_until.v, b->cwnd_used_until.v);
    assert_int_equal(a->force_partial, b->force_partial);
    assert_int_equal(a->more_coming, b->more_coming);
    assert_int_equal(a->ack_now, b->ack_now);
    assert_int_equal(a->snd_wl1.v, b->snd_wl1.v);
    assert_int_equal(a->snd_wl2.v, b->snd_wl2.v);
    assert_int_equal(a->last_ack_sent.v, b->last_ack_sent.v);
    assert_int_equal(a->last_receive_at, b->last_receive_at);
    assert_int_equal(a->last_data_receive_at, b->last_data_receive_at);
    assert_int_equal(a->user_timeout_from, b->user_timeout_from);
    assert_int_equal(a->chrono.state, b->chrono.state);
    assert_int_equal(a->chrono.since, b->chrono.since);
    assert_int_equal(a->send_buffer_bytes, b->send_buffer_bytes);
    assert_int_equal(a->receive_window.rtt_at, b->receive_window.rtt_at);
    assert_int_equal(a->receive_window.rtt_ns, b->receive_window.rtt_ns);
    assert_int_equal(a->hot == NULL, b->hot == NULL);
    if (a->hot != NULL)
        twin_compare_hot(a->hot, b->hot);
}

static void twin_compare(struct twin *twin)
{
    assert_int_equal(twin->pairs[0].world.now, twin->pairs[1].world.now);
    twin_compare_stacks(twin, twin->pairs[0].a, twin->pairs[1].a);
    twin_compare_stacks(twin, twin->pairs[0].b, twin->pairs[1].b);
    for (int end = 0; end < 2; end++)
        twin_compare_endpoints(twin->endpoints[0][end], twin->endpoints[1][end]);
}

static void twin_play(const struct pair_options *options, bool v6, const char *controller)
{
    struct twin twin;
    twin_init(&twin, options, v6);
    for (int i = 0; controller != NULL && i < 2; i++)
        for (int end = 0; end < 2; end++)
            assert_int_equal(tcpip_endpoint_set_congestion(twin.endpoints[i][end], controller), TCPIP_OK);
    for (int step = 0; step < STEPS; step++) {
        if (step == STEPS / 2) /* from now on one of them is in FIN-WAIT-1 or -2, the other in CLOSE-WAIT */
            twin_shut(&twin, (int)(options->seed % 2));
        twin_step(&twin);
        twin_compare(&twin);
    }
    for (int end = 0; end < 2; end++)
        for (int i = 0; i < 2; i++)
            tcpip_endpoint_close(twin.endpoints[i][end]);
    twin_run(&twin, 300 * TCPIP_SECOND);
    twin_compare_stacks(&twin, twin.pairs[0].a, twin.pairs[1].a);
    twin_compare_stacks(&twin, twin.pairs[0].b, twin.pairs[1].b);
    assert_true(twin.predicted[0] > STEPS / 20);
    assert_int_equal(twin.predicted[1], 0);
    twin_fini(&twin);
}

static void over_a_clean_path_both_ways_lead_to_the_same(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct tcpip_fault_profile faults = {.delay_ns = seed % 3 == 0 ? 0 : (tcpip_ns)seed * 300000};
        struct pair_options options = {.a_to_b = faults, .b_to_a = faults, .seed = seed};
        twin_play(&options, seed % 2 == 0, NULL);
    }
}

static void with_losses_and_reordering_they_do_too(void **state)
{
    (void)state;
    for (uint64_t seed = 101; seed <= 116; seed++) {
        struct tcpip_fault_profile faults = {
            .loss_ppm = 50000,
            .duplicate_ppm = 30000,
            .reorder_ppm = 50000,
            .reorder_ns = 3 * TCPIP_MS,
            .delay_ns = 2 * TCPIP_MS,
        };
        struct pair_options options = {.a_to_b = faults, .b_to_a = faults, .seed = seed};
        twin_play(&options, seed % 2 == 0, NULL);
    }
}

static void every_controller_is_told_the_same(void **state)
{
    (void)state;
    static const char *const controllers[] = {"reno", "bbr", "cubic"};
    for (uint64_t seed = 201; seed <= 206; seed++) {
        struct tcpip_fault_profile faults = {.loss_ppm = seed % 2 == 0 ? 20000 : 0, .delay_ns = 5 * TCPIP_MS};
        struct pair_options options = {.a_to_b = faults, .b_to_a = faults, .seed = seed};
        twin_play(&options, false, controllers[seed % 3]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_a_clean_path_both_ways_lead_to_the_same),
        cmocka_unit_test(with_losses_and_reordering_they_do_too),
        cmocka_unit_test(every_controller_is_told_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
