// SPDX-License-Identifier: MIT
/* cubic.c: CUBIC (RFC 9438), in integers.
 *
 * After a loss at a window of W_max the window follows W(t) = C (t - K)^3 + W_max: fast at first, flat around W_max,
 * then fast again to look for more. t counts from the end of the loss episode ("the epoch"), so growth depends on time,
 * not on the round trip. Where a Reno flow would have more (W_est), the window is Reno's.
 *
 *     C = 0.4 segments / s^3, beta = 0.7, alpha = 3 (1 - beta) / (1 + beta) = 9/17 until W_est reaches the window that
 *     the last loss was found at, 1 from there
 *
 * Windows are bytes; the cube is taken of milliseconds: C t^3 mss = mss * ms^3 / 2.5e9. Only time in which the window
 * was what limited the flow counts as t: a pause is no reason to leap.
 *
 * Owns:        struct cubic, in the controller's state.
 * Invariants:  the window falls only in on_recovery and on_rto (through ssthresh); it never grows by more than half of
 *              what was acknowledged, outside slow start and the Reno-friendly region.
 * Not here:    the window during a recovery (recovery.c), leaving the first slow start early (hystart.c).
 */
#include "transport/tcp/congestion/hystart.h"
#include "transport/tcp/congestion/slow_start.h"

enum {
    CUBIC_BETA_TENTHS = 7,
    CUBIC_CONVERGENCE_TWENTIETHS = 17, /* (1 + beta) / 2 */
    CUBIC_ALPHA_NUMERATOR = 9,
    CUBIC_ALPHA_DENOMINATOR = 17,
    CUBIC_MS_MAX = 1000000, /* so that the cube fits 64 bits; the curve is far beyond any window by then */
};
#define CUBIC_INVERSE_C_MS3 UINT64_C(2500000000) /* 1 / C in ms^3 a segment */

/* What a loss changes, and an undo brings back (RFC 9438 section 4.9). */
struct cubic_curve {
    tcpip_ns epoch_at; /* 0: an epoch begins with the next ACK */
    uint64_t w_est;    /* what Reno would have, times CUBIC_ALPHA_DENOMINATOR */
    uint32_t k_ms;     /* from the epoch's begin to W_max */
    uint32_t w_max;    /* the plateau: the window at the last loss, after fast convergence; cwnd if that is above */
    uint32_t w_prior;  /* the window at the last loss (cwnd_prior) */
};

struct cubic {
    struct cubic_curve curve, undo;
    tcpip_ns last_ack_at;
    uint64_t counted; /* fractions of growth, times cwnd */
    struct hystart hystart;
};

STATIC_ASSERT(sizeof(struct cubic) <= TCPIP_CONGESTION_STATE_BYTES);

static struct cubic *cubic_of(struct tcpip_congestion *congestion)
{
    return (struct cubic *)(void *)congestion->state;
}

static void cubic_init(struct tcpip_congestion *congestion, tcpip_ns now)
{
    *cubic_of(congestion) = (struct cubic){.last_ack_at = now};
}

static void cubic_begin_epoch(struct cubic *cubic, const struct tcpip_congestion *congestion, uint32_t mss,
                              tcpip_ns now)
{
    struct cubic_curve *curve = &cubic->curve;
    curve->epoch_at = max_i64(now, 1);
    curve->w_max = max_u32(curve->w_max, congestion->cwnd);
    /* K: the cube root of (W_max - cwnd) / C (equation 2). */
    uint64_t below = curve->w_max - congestion->cwnd;
    curve->k_ms = (uint32_t)tcpip__cube_root_u64(tcpip__muldiv_u64(below, CUBIC_INVERSE_C_MS3, mss));
    curve->w_est = (uint64_t)congestion->cwnd * CUBIC_ALPHA_DENOMINATOR;
    cubic->counted = 0;
}

/* W_cubic at `t` after the epoch began (equation 1). */
static uint64_t cubic_window(const struct cubic_curve *curve, uint32_t mss, tcpip_ns t)
{
    int64_t distance_ms = t / TCPIP_MS - curve->k_ms;
    uint64_t ms = min_u64((uint64_t)(distance_ms < 0 ? -distance_ms : distance_ms), CUBIC_MS_MAX);
    uint64_t offset = tcpip__muldiv_u64(ms * ms * ms, mss, CUBIC_INVERSE_C_MS3);
    return distance_ms < 0 ? sat_sub_u64(curve->w_max, offset) : sat_add_u64(curve->w_max, offset);
}

/* W_est grows by alpha segments a window, by one once it has reached the window of the last loss (section 4.3). */
static uint64_t cubic_grow_estimate(struct cubic_curve *curve, uint32_t cwnd, uint32_t mss, uint32_t acked)
{
    uint64_t alpha =
        curve->w_est / CUBIC_ALPHA_DENOMINATOR < curve->w_prior ? CUBIC_ALPHA_NUMERATOR : CUBIC_ALPHA_DENOMINATOR;
    curve->w_est = sat_add_u64(curve->w_est, tcpip__muldiv_u64(acked * alpha, mss, cwnd));
    return curve->w_est / CUBIC_ALPHA_DENOMINATOR;
}

static void cubic_avoid(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack, uint32_t acked)
{
    struct cubic *cubic = cubic_of(congestion);
    if (acked == 0)
        return;
    if (cubic->curve.epoch_at == 0)
        cubic_begin_epoch(cubic, congestion, ack->mss, ack->now);
    tcpip_ns t = ack->now - cubic->curve.epoch_at;
    uint32_t cwnd = congestion->cwnd;
    uint64_t estimate = cubic_grow_estimate(&cubic->curve, cwnd, ack->mss, acked);
    if (cubic_window(&cubic->curve, ack->mss, t) < estimate) { /* Reno-friendly region */
        congestion->cwnd = max_u32(cwnd, (uint32_t)min_u64(estimate, CONGESTION_CWND_MAX));
        return;
    }
    /* Where the curve will be a round trip from now, at most half as much again (sections 4.4, 4.5). */
    uint64_t target = cubic_window(&cubic->curve, ack->mss, t + max_i64(ack->srtt_ns, 0));
    target = clamp_u64(target, cwnd, (uint64_t)cwnd + cwnd / 2);
    cubic->counted += (target - cwnd) * acked;
    uint64_t grow = cubic->counted / cwnd;
    cubic->counted -= grow * cwnd;
    congestion->cwnd = (uint32_t)min_u64(cwnd + grow, CONGESTION_CWND_MAX);
}

/* Time in which the window wasn't used is no time on the curve. */
static void cubic_on_spare_ack(struct tcpip_congestion *congestion, tcpip_ns now)
{
    struct cubic *cubic = cubic_of(congestion);
    if (cubic->curve.epoch_at != 0)
        cubic->curve.epoch_at += now - cubic->last_ack_at;
    cubic->last_ack_at = now;
}

static void cubic_on_ack(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack)
{
    struct cubic *cubic = cubic_of(congestion);
    uint32_t acked = ack->acked;

    if (!ack->in_recovery && !ack->cwnd_limited) {
        cubic_on_spare_ack(congestion, ack->now);
        return;
    }
    cubic->last_ack_at = ack->now;
    if (ack->in_recovery)
        return;
    if (congestion->ssthresh == TCPIP_SSTHRESH_INFINITE) {
        bool leave;
        uint32_t grow = tcpip__hystart_on_ack(&cubic->hystart, ack, &leave);
        congestion->cwnd = min_u32(sat_add_u32(congestion->cwnd, grow), CONGESTION_CWND_MAX);
        if (leave)
            congestion->ssthresh = congestion->cwnd;
        return;
    }
    acked = slow_start_ack(congestion, acked);
    cubic_avoid(congestion, ack, acked);
}

static void cubic_reduce(struct tcpip_congestion *congestion)
{
    struct cubic *cubic = cubic_of(congestion);
    struct cubic_curve *curve = &cubic->curve;
    uint32_t cwnd = congestion->cwnd;
    cubic->undo = *curve;
    /* Fast convergence (section 4.7): a flow that lost below its last W_max makes room for newcomers. Who came within a
     * segment of it, as one does at the plateau long before the curve ends there, hasn't lost below. */
    curve->w_max = sat_add_u32(cwnd, congestion->mss) <= curve->w_max
                       ? (uint32_t)((uint64_t)cwnd * CUBIC_CONVERGENCE_TWENTIETHS / 20)
                       : cwnd;
    curve->w_prior = cwnd;
    curve->epoch_at = 0;
    congestion->ssthresh = reduced_window(congestion, (uint64_t)cwnd * CUBIC_BETA_TENTHS / 10);
}

static void cubic_on_recovery(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack)
{
    (void)ack;
    cubic_reduce(congestion);
}

static void cubic_on_rto(struct tcpip_congestion *congestion, uint32_t in_flight, tcpip_ns now)
{
    (void)in_flight;
    (void)now;
    cubic_reduce(congestion);
    cubic_of(congestion)->curve.w_max = 0; /* the plateau is where slow start will end (section 4.8) */
}

/* The window is what it was, or more by now: then what came since goes on (section 4.9.2). */
static void cubic_on_undo(struct tcpip_congestion *congestion, tcpip_ns now)
{
    struct cubic *cubic = cubic_of(congestion);
    if (congestion->cwnd > cubic->curve.w_prior)
        return;
    cubic->curve = cubic->undo;
    cubic->last_ack_at = now;
}

static void cubic_on_idle(struct tcpip_congestion *congestion, tcpip_ns idle_ns, tcpip_ns now)
{
    struct cubic *cubic = cubic_of(congestion);
    if (cubic->curve.epoch_at != 0)
        cubic->curve.epoch_at += idle_ns;
    cubic->last_ack_at = now;
}

const struct tcpip_congestion_ops tcpip_congestion_cubic = {
    .name = "cubic",
    .state_size = sizeof(struct cubic),
    .init = cubic_init,
    .on_ack = cubic_on_ack,
    .on_spare_ack = cubic_on_spare_ack,
    .on_recovery = cubic_on_recovery,
    .on_rto = cubic_on_rto,
    .on_undo = cubic_on_undo,
    .on_idle = cubic_on_idle,
};
