// SPDX-License-Identifier: MIT
/* cubic.c: CUBIC (RFC 9438), in integers.
 *
 * After a loss at a window of W_max the window follows W(t) = C (t - K)^3 + W_max: fast at first, flat around W_max,
 * then fast again to look for more. t counts from the end of the loss episode ("the epoch"), so growth depends on time,
 * not on the round trip. Where a Reno flow would have more (W_est), the window is Reno's.
 *
 *   C = 0.4 segments / s^3, beta = 0.7, alpha = 3 (1 - beta) / (1 + beta) = 9/17 until W_est reaches the window of the
 * last loss
 *
 * Windows are bytes; the cube is taken of milliseconds: C t^3 mss = mss * ms^3 / 2.5e9.
 *
 * Owns:       struct cubic, in the controller's state.
 * Invariants: the window falls only in on_recovery and on_rto (through ssthresh); it never grows by more than half of
 * what was acknowledged. Not here:   the window during a recovery (recovery.c), leaving slow start early (hystart.c).
 */
#include "transport/tcp/congestion/slow_start.h"

enum {
    CUBIC_BETA_TENTHS = 7,
    CUBIC_CONVERGENCE_TWENTIETHS = 17, /* (1 + beta) / 2 */
    CUBIC_ALPHA_NUMERATOR = 9,
    CUBIC_ALPHA_DENOMINATOR = 17,
    CUBIC_MS_MAX = 1000000, /* so that the cube fits 64 bits; the curve is far beyond any window by then */
};
#define CUBIC_INVERSE_C_MS3 UINT64_C(2500000000) /* 1 / C in ms^3 a segment */

struct cubic_curve {
    tcpip_ns epoch_at; /* 0: an epoch begins with the next ACK */
    tcpip_ns k_ns;
    uint32_t w_max;   /* window at the last loss, after fast convergence */
    uint32_t origin;  /* the curve's plateau: W_max, or cwnd if it begins above */
    uint32_t w_prior; /* window just before the last loss */
};

struct cubic {
    struct cubic_curve curve, undo; /* undo: as it was before the last loss (RFC 9438 4.9) */
    uint64_t w_est;                 /* what Reno would have, times CUBIC_ALPHA_DENOMINATOR */
    tcpip_ns last_ack_at;
    uint64_t counted; /* fractions of growth, times cwnd */
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

static void cubic_begin_epoch(struct cubic *cubic, const struct tcpip_congestion *congestion, tcpip_ns now)
{
    struct cubic_curve *curve = &cubic->curve;
    curve->epoch_at = max_i64(now, 1);
    curve->origin = max_u32(curve->w_max, congestion->cwnd);
    /* K: when the curve comes back to W_max (RFC 9438, equation 2): the cube root of (W_max - cwnd) / C, in ms. */
    uint64_t below = curve->origin - congestion->cwnd;
    uint64_t ms = tcpip__cube_root_u64(tcpip__muldiv_u64(below, CUBIC_INVERSE_C_MS3, congestion->mss));
    curve->k_ns = (tcpip_ns)ms * TCPIP_MS;
    cubic->w_est = (uint64_t)congestion->cwnd * CUBIC_ALPHA_DENOMINATOR;
    cubic->counted = 0;
}

/* W_cubic at `t` after the epoch began (equation 1). */
static uint64_t cubic_window(const struct cubic_curve *curve, uint32_t mss, tcpip_ns t)
{
    tcpip_ns distance_ns = t - curve->k_ns;
    uint64_t ms = min_u64((uint64_t)(distance_ns < 0 ? -distance_ns : distance_ns) / (uint64_t)TCPIP_MS, CUBIC_MS_MAX);
    uint64_t offset = tcpip__muldiv_u64(ms * ms * ms, mss, CUBIC_INVERSE_C_MS3);
    if (distance_ns < 0)
        return sat_sub_u64(curve->origin, offset);
    return sat_add_u64(curve->origin, offset);
}

/* W_est grows by alpha segments a window, by one once it has reached the window of the last loss (4.3). */
static void cubic_grow_estimate(struct cubic *cubic, const struct tcpip_congestion *congestion, uint32_t acked)
{
    uint64_t estimate = cubic->w_est / CUBIC_ALPHA_DENOMINATOR;
    uint32_t numerator = estimate < cubic->curve.w_prior ? CUBIC_ALPHA_NUMERATOR : CUBIC_ALPHA_DENOMINATOR;
    cubic->w_est += tcpip__muldiv_u64((uint64_t)acked * numerator, congestion->mss, congestion->cwnd);
}

static void cubic_avoid(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack, uint32_t acked)
{
    struct cubic *cubic = cubic_of(congestion);
    if (acked == 0)
        return;
    if (cubic->curve.epoch_at == 0)
        cubic_begin_epoch(cubic, congestion, ack->now);
    tcpip_ns t = ack->now - cubic->curve.epoch_at;
    uint32_t cwnd = congestion->cwnd;
    cubic_grow_estimate(cubic, congestion, acked);
    uint64_t estimate = cubic->w_est / CUBIC_ALPHA_DENOMINATOR;
    if (cubic_window(&cubic->curve, congestion->mss, t) < estimate) {
        congestion->cwnd = max_u32(cwnd, (uint32_t)min_u64(estimate, CONGESTION_CWND_MAX)); /* Reno-friendly region */
        return;
    }
    /* Where the curve will be a round trip from now, at most half as much again (4.4, 4.5). */
    uint64_t target = cubic_window(&cubic->curve, congestion->mss, t + max_i64(ack->srtt_ns, 0));
    target = clamp_u64(target, cwnd, (uint64_t)cwnd + cwnd / 2);
    cubic->counted += (target - cwnd) * acked;
    uint64_t grow = cubic->counted / cwnd;
    cubic->counted -= grow * cwnd;
    congestion->cwnd = (uint32_t)min_u64(cwnd + grow, CONGESTION_CWND_MAX);
}

static void cubic_on_ack(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack)
{
    struct cubic *cubic = cubic_of(congestion);
    tcpip_ns since_ns = ack->now - cubic->last_ack_at;
    cubic->last_ack_at = ack->now;
    if (ack->in_recovery)
        return;
    if (!ack->cwnd_limited) {
        /* Time in which the window was not what limited the flow doesn't count (5.8). */
        if (cubic->curve.epoch_at != 0)
            cubic->curve.epoch_at += since_ns;
        return;
    }
    cubic_avoid(congestion, ack, slow_start_ack(congestion, ack->acked));
}

static void cubic_reduce(struct tcpip_congestion *congestion)
{
    struct cubic *cubic = cubic_of(congestion);
    struct cubic_curve *curve = &cubic->curve;
    uint32_t cwnd = congestion->cwnd;
    cubic->undo = *curve;
    /* Fast convergence (4.7): a flow that lost below its last W_max makes room for newcomers. */
    curve->w_max = cwnd < curve->w_max ? (uint32_t)((uint64_t)cwnd * CUBIC_CONVERGENCE_TWENTIETHS / 20) : cwnd;
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
}

static void cubic_on_undo(struct tcpip_congestion *congestion, tcpip_ns now)
{
    (void)now;
    struct cubic *cubic = cubic_of(congestion);
    cubic->curve = cubic->undo;
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
    .on_recovery = cubic_on_recovery,
    .on_rto = cubic_on_rto,
    .on_undo = cubic_on_undo,
    .on_idle = cubic_on_idle,
};
