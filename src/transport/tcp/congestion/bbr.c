// SPDX-License-Identifier: MIT
/* bbr.c: BBR, version 3 (draft-ietf-ccwg-bbr), in integers and 128 bytes.
 *
 * Instead of asking losses how full the path is, BBR measures what it delivers (max_bw) and how long it takes when it
 * is empty (min_rtt), sends at that rate, and keeps little more than their product in flight. To see more, it must do
 * more, now and then: send faster for a round trip, to see whether more arrives; send less for a fifth of a second
 * every five, to see whether the path is shorter than it seems.
 *
 *     STARTUP --(three rounds without growth, or losses)--> DRAIN --(the queue is gone)--> DOWN
 *
 *     DOWN --(queue gone, headroom)--> CRUISE --(2 to 3 s, or as long as Reno would take)--> REFILL --(a round)--> UP
 *      ^___________________________________(no growth, or too much lost)_________________________________________|
 *
 *     any but STARTUP --(no smaller round trip for 5 s)--> PROBE_RTT --(200 ms and a round)--> CRUISE
 *
 * Two models are kept. The long one lives for cycles: max_bw, and inflight_longterm, the volume at which a probe lost
 * more than 2 %. The short one lives from a loss to the next probe: bw_shortterm and inflight_shortterm, at least 0.7
 * of themselves each round that loses something.
 *
 * Marks (the draft leaves ECN open) count as a round, or a probe, that lost too much.
 *
 * What an idle connection gives back is rebuilt from what it keeps: pacing_rate, set to the bandwidth when the last
 * byte arrives, and ssthresh, which is the product of bandwidth and min_rtt here.
 *
 * Owns:        states and outputs of struct bbr, in the controller's state; ssthresh as a memory of the product.
 * Invariants:  cwnd is at least four segments, except after a timeout.
 * Not here:    the model's filters (bbr_model.c), rate samples (rate.c), pacing (pacer.c), which losses there are
 * (scoreboard.c). */
#include "transport/tcp/congestion/bbr_model.h"

enum {
    BBR_STARTUP_PACING = 277, /* gains in percent: 4 ln 2 */
    BBR_DRAIN_PACING = 50,
    BBR_DOWN_PACING = 90,
    BBR_UP_PACING = 125,
    BBR_CWND = 200,
    BBR_UP_CWND = 225,
    BBR_PACING_MARGIN = 99,
    BBR_FULL_LOSSES = 6, /* in a round of STARTUP */
    BBR_DRAIN_ROUNDS = 3,
    BBR_RENO_ROUNDS = 63, /* a Reno flow of 25 Mbit/s at 30 ms gets its turn */
};
#define BBR_PROBE_RTT_LASTS_US UINT32_C(200000)
#define BBR_WAIT_US UINT32_C(2000000) /* and up to half of it more */

/* ---- transitions ---- */

static void bbr_start_down(struct bbr *bbr, const struct tcpip_congestion_ack *ack)
{
    bbr->loss_in_round = false;
    bbr->bw_latest = bbr->inflight_latest = 0;
    bbr->probe_up_acked_per_inc = UINT32_MAX;
    /* Chance spreads the probes of flows that began together. Sequence numbers are nobody's to guess, and give the same
     * in the same run. */
    uint32_t now = bbr_clock(ack->now), chance = (now ^ ack->snd_nxt) * UINT32_C(2654435761);
    bbr->rounds_since_probe_up = (uint8_t)(chance & 1);
    bbr->probe_wait = BBR_WAIT_US + (chance >> 12);
    bbr->cycle_at = now;
    bbr->ack_phase = ACKS_PROBE_STOPPING;
    bbr_start_round(bbr, ack->delivered);
    bbr->state = BBR_DOWN;
}

static void bbr_start_refill(struct bbr *bbr, const struct tcpip_congestion_ack *ack)
{
    bbr_reset_short_term(bbr);
    bbr->probe_up_rounds = 0;
    bbr->probe_up_acked = 0;
    bbr->probe_precautionary = false;
    bbr->ack_phase = ACKS_REFILLING;
    bbr_start_round(bbr, ack->delivered);
    bbr->state = BBR_REFILL;
}

static void bbr_raise_slope(const struct tcpip_congestion *congestion, struct bbr *bbr)
{
    uint32_t growth = UINT32_C(1) << bbr->probe_up_rounds;
    bbr->probe_up_rounds = (uint8_t)min_u32(bbr->probe_up_rounds + 1u, 30);
    bbr->probe_up_acked_per_inc = max_u32(congestion->cwnd / growth, congestion->mss);
}

static void bbr_start_up(const struct tcpip_congestion *congestion, struct bbr *bbr,
                         const struct tcpip_congestion_ack *ack)
{
    bbr->ack_phase = ACKS_PROBE_STARTING;
    bbr_start_round(bbr, ack->delivered);
    bbr_reset_full_bw(bbr);
    bbr->full_bw = bbr_sample(ack);
    bbr->state = BBR_UP;
    bbr_raise_slope(congestion, bbr);
}

static void bbr_save_cwnd(const struct tcpip_congestion *congestion, struct bbr *bbr)
{
    bool modulated = bbr->in_recovery || bbr->state == BBR_PROBE_RTT;
    bbr->prior_cwnd = modulated ? max_u32(bbr->prior_cwnd, congestion->cwnd) : congestion->cwnd;
}

static void bbr_save_upon_loss(const struct tcpip_congestion *congestion, struct bbr *bbr)
{
    bbr_save_cwnd(congestion, bbr);
    bbr->undo_state = BBR_PROBE_RTT;
    bbr->undo_bw_shortterm = bbr->bw_shortterm;
    bbr->undo_inflight_shortterm = bbr->inflight_shortterm;
    bbr->undo_inflight_longterm = bbr->inflight_longterm;
}

/* ---- losses ---- */

static void bbr_handle_too_high(struct tcpip_congestion *congestion, struct bbr *bbr, uint32_t in_flight,
                                bool app_limited, const struct tcpip_congestion_ack *ack)
{
    bbr->probe_too_high = true;
    bbr->bw_probe_sample = false; /* once per probe */
    uint32_t target = min_u32(tcpip__bbr_bdp(congestion, bbr, bbr_bw(bbr), 100), congestion->cwnd);
    if (!app_limited)
        bbr->inflight_longterm = max_u32(max_u32(in_flight, bbr_percent(target, BBR_BETA)), 1);
    if (bbr->state == BBR_UP) {
        bbr->undo_state = BBR_UP;
        bbr_start_down(bbr, ack);
    }
}

static void bbr_handle_losses(struct tcpip_congestion *congestion, struct bbr *bbr,
                              const struct tcpip_congestion_ack *ack)
{
    if (ack->loss_bytes == 0 && !ack->ecn_echo)
        return;
    if (!bbr->loss_in_round) {
        bbr->loss_round_delivered = (uint32_t)ack->delivered;
        bbr_save_upon_loss(congestion, bbr);
    }
    bbr->loss_in_round = true;
    bbr->loss_events = (uint8_t)min_u32(bbr->loss_events + 1u, UINT8_MAX);
    if (!bbr->bw_probe_sample)
        return;
    if (ack->loss_bytes > 0 && bbr_too_high(ack->loss_since, ack->loss_tx_in_flight, ack))
        bbr_handle_too_high(congestion, bbr, tcpip__bbr_inflight_at_loss(ack), ack->loss_app_limited, ack);
    else if (ack->ecn_echo)
        bbr_handle_too_high(congestion, bbr, ack->tx_in_flight, ack->app_limited, ack);
}

/* ---- the state machine ---- */

static void bbr_check_startup(struct tcpip_congestion *congestion, struct bbr *bbr,
                              const struct tcpip_congestion_ack *ack)
{
    if (bbr->state != BBR_STARTUP)
        return;
    bool lossy = ack->has_sack ? bbr->loss_events >= BBR_FULL_LOSSES && bbr->loss_round_start &&
                                     bbr_too_high(ack->lost_since, ack->tx_in_flight, ack)
                               : ack->loss_bytes > 0;
    if (lossy && ack->in_recovery && !bbr->full_bw_reached) {
        bbr->undo_state = BBR_STARTUP;
        bbr->full_bw_reached = true;
        bbr->inflight_longterm = max_u32(tcpip__bbr_bdp(congestion, bbr, bbr_bw(bbr), 100), bbr->inflight_latest);
    }
    if (bbr->loss_round_start)
        bbr->loss_events = 0;
    if (!bbr->full_bw_reached)
        return;
    bbr->state = BBR_DRAIN;
    bbr->drain_rounds = 0;
}

static void bbr_probe_upward(struct tcpip_congestion *congestion, struct bbr *bbr,
                             const struct tcpip_congestion_ack *ack)
{
    if (!ack->cwnd_limited || congestion->cwnd < bbr->inflight_longterm)
        return;
    bbr->probe_up_acked = sat_add_u32(bbr->probe_up_acked, ack->newly_delivered);
    uint32_t steps = bbr->probe_up_acked / bbr->probe_up_acked_per_inc;
    bbr->probe_up_acked -= steps * bbr->probe_up_acked_per_inc;
    uint64_t raised = bbr->inflight_longterm + (uint64_t)steps * congestion->mss;
    bbr->inflight_longterm = (uint32_t)min_u64(raised, CONGESTION_CWND_MAX);
    if (bbr->round_start)
        bbr_raise_slope(congestion, bbr);
}

/* True: the state has changed. */
static bool bbr_adapt_long_term(struct tcpip_congestion *congestion, struct bbr *bbr,
                                const struct tcpip_congestion_ack *ack)
{
    if (bbr->ack_phase == ACKS_PROBE_STARTING && bbr->round_start)
        bbr->ack_phase = ACKS_PROBE_FEEDBACK;
    if (bbr->ack_phase == ACKS_PROBE_STOPPING && bbr->round_start) {
        bbr->bw_probe_sample = false;
        bbr->ack_phase = ACKS_INIT;
        if (bbr_in_probe_bw(bbr) && !ack->app_limited && bbr->max_bw[1] != 0) {
            bbr->max_bw[0] = bbr->max_bw[1];
            bbr->max_bw[1] = 0;
        }
        if (bbr_in_probe_bw(bbr) && bbr->probe_precautionary && !bbr->probe_too_high) {
            bbr_start_refill(bbr, ack);
            return true;
        }
    }
    if (bbr_too_high(ack->lost_since, ack->tx_in_flight, ack) || bbr->inflight_longterm == BBR_NONE)
        return false;
    bbr->inflight_longterm = max_u32(bbr->inflight_longterm, ack->tx_in_flight);
    if (bbr->state == BBR_UP)
        bbr_probe_upward(congestion, bbr, ack);
    return false;
}

static bool bbr_time_to_probe(const struct tcpip_congestion *congestion, const struct bbr *bbr,
                              const struct tcpip_congestion_ack *ack)
{
    uint32_t target = min_u32(tcpip__bbr_bdp(congestion, bbr, bbr_bw(bbr), 100), congestion->cwnd);
    uint32_t rounds = min_u32(max_u32(target / congestion->mss, 1), BBR_RENO_ROUNDS);
    return bbr_clock(ack->now) - bbr->cycle_at > bbr->probe_wait || bbr->rounds_since_probe_up >= rounds;
}

static bool bbr_time_to_cruise(const struct tcpip_congestion *congestion, const struct bbr *bbr,
                               const struct tcpip_congestion_ack *ack)
{
    uint32_t headroom = tcpip__bbr_with_headroom(congestion, bbr);
    return (headroom == BBR_NONE || ack->in_flight <= headroom) &&
           ack->in_flight <= tcpip__bbr_inflight(congestion, bbr, bbr_max_bw(bbr));
}

static bool bbr_time_to_go_down(const struct tcpip_congestion *congestion, struct bbr *bbr,
                                const struct tcpip_congestion_ack *ack)
{
    bool bounded = bbr->inflight_longterm != BBR_NONE;
    if (bbr->probe_too_high && bounded && ack->in_flight >= bbr->inflight_longterm) {
        bbr->probe_precautionary = true; /* here it went too high the last time: look first */
        return true;
    }
    if (bounded && ack->cwnd_limited && congestion->cwnd >= bbr->inflight_longterm) {
        bbr_reset_full_bw(bbr); /* the bound is in the way, not the path */
        bbr->full_bw = bbr_sample(ack);
        return false;
    }
    return bbr->full_bw_now;
}

static void bbr_update_cycle(struct tcpip_congestion *congestion, struct bbr *bbr,
                             const struct tcpip_congestion_ack *ack)
{
    if (!bbr->full_bw_reached || bbr_adapt_long_term(congestion, bbr, ack))
        return;
    switch ((enum bbr_state)bbr->state) {
    case BBR_DOWN:
        if (bbr_time_to_probe(congestion, bbr, ack))
            bbr_start_refill(bbr, ack);
        else if (bbr_time_to_cruise(congestion, bbr, ack))
            bbr->state = BBR_CRUISE;
        break;
    case BBR_CRUISE:
        if (bbr_time_to_probe(congestion, bbr, ack))
            bbr_start_refill(bbr, ack);
        break;
    case BBR_REFILL:
        if (bbr->round_start) {
            bbr->bw_probe_sample = true;
            bbr_start_up(congestion, bbr, ack);
        }
        break;
    case BBR_UP:
        if (bbr_time_to_go_down(congestion, bbr, ack)) {
            bbr->probe_too_high = false;
            bbr_start_down(bbr, ack);
        }
        break;
    case BBR_STARTUP:
    case BBR_DRAIN:
    case BBR_PROBE_RTT:
        break;
    }
}

static void bbr_check_drain(const struct tcpip_congestion *congestion, struct bbr *bbr,
                            const struct tcpip_congestion_ack *ack)
{
    if (bbr->state == BBR_DRAIN &&
        (ack->in_flight <= tcpip__bbr_inflight(congestion, bbr, bbr_bw(bbr)) || bbr->drain_rounds > BBR_DRAIN_ROUNDS))
        bbr_start_down(bbr, ack);
}

/* ---- PROBE_RTT ---- */

/* `ack` has what the restart needs: now, delivered, snd_nxt. */
static void bbr_check_probe_rtt_done(struct tcpip_congestion *congestion, struct bbr *bbr,
                                     const struct tcpip_congestion_ack *ack)
{
    uint32_t now = bbr_clock(ack->now);
    if (!bbr->probe_rtt_timed || (int32_t)(now - bbr->probe_rtt_done_at) <= 0)
        return;
    bbr->probe_rtt_min_at = now;
    congestion->cwnd = max_u32(congestion->cwnd, bbr->prior_cwnd);
    bbr_reset_short_term(bbr);
    if (bbr->full_bw_reached) {
        bbr_start_down(bbr, ack);
        bbr->state = BBR_CRUISE;
    } else {
        bbr->state = BBR_STARTUP;
    }
}

/* Never before STARTUP has filled the pipe: until then round trips are those of an empty path anyway, and on a long one
 * the pause would come in the middle of STARTUP (here the draft differs). */
static void bbr_check_probe_rtt(struct tcpip_congestion *congestion, struct bbr *bbr,
                                const struct tcpip_congestion_ack *ack)
{
    if (bbr->state != BBR_PROBE_RTT && bbr->probe_rtt_expired && bbr->full_bw_reached && !bbr->idle_restart) {
        bbr_save_cwnd(congestion, bbr);
        bbr->state = BBR_PROBE_RTT;
        bbr->probe_rtt_timed = false;
        bbr->ack_phase = ACKS_PROBE_STOPPING;
        bbr_start_round(bbr, ack->delivered);
    }
    if (bbr->state == BBR_PROBE_RTT) {
        if (!bbr->probe_rtt_timed && ack->in_flight <= tcpip__bbr_probe_rtt_cwnd(congestion, bbr)) {
            bbr->probe_rtt_timed = true;
            bbr->probe_rtt_done_at = bbr_clock(ack->now) + BBR_PROBE_RTT_LASTS_US;
            bbr->probe_rtt_round_done = false;
            bbr_start_round(bbr, ack->delivered);
        } else if (bbr->probe_rtt_timed) {
            bbr->probe_rtt_round_done |= bbr->round_start;
            if (bbr->probe_rtt_round_done)
                bbr_check_probe_rtt_done(congestion, bbr, ack);
        }
    }
    if (ack->newly_delivered > 0)
        bbr->idle_restart = false;
}

/* ---- outputs ---- */

static uint32_t bbr_pacing_gain(const struct bbr *bbr)
{
    static const uint16_t gains[] = {[BBR_STARTUP] = BBR_STARTUP_PACING,
                                     [BBR_DRAIN] = BBR_DRAIN_PACING,
                                     [BBR_DOWN] = BBR_DOWN_PACING,
                                     [BBR_CRUISE] = 100,
                                     [BBR_REFILL] = 100,
                                     [BBR_UP] = BBR_UP_PACING,
                                     [BBR_PROBE_RTT] = 100};
    return gains[bbr->state];
}

static uint32_t bbr_cwnd_gain(const struct bbr *bbr)
{
    return bbr->state == BBR_UP ? BBR_UP_CWND : bbr->state == BBR_PROBE_RTT ? BBR_PROBE_RTT_CWND : BBR_CWND;
}

static void bbr_set_pacing(struct tcpip_congestion *congestion, const struct bbr *bbr, uint32_t gain)
{
    uint64_t rate = (uint64_t)bbr_bw(bbr) * BBR_UNIT * gain / 100 * BBR_PACING_MARGIN / 100;
    if (rate != 0 && (bbr->full_bw_reached || rate > congestion->pacing_rate))
        congestion->pacing_rate = rate;
}

static void bbr_set_cwnd(struct tcpip_congestion *congestion, struct bbr *bbr, const struct tcpip_congestion_ack *ack)
{
    uint32_t most = sat_add_u32(tcpip__bbr_bdp(congestion, bbr, bbr_bw(bbr), bbr_cwnd_gain(bbr)),
                                max_u32(bbr->extra_acked[0], bbr->extra_acked[1]));
    most = min_u32(tcpip__bbr_quantized(congestion, bbr, most), CONGESTION_CWND_MAX);
    uint32_t grown = sat_add_u32(congestion->cwnd, ack->newly_delivered);
    if (bbr->full_bw_reached)
        congestion->cwnd = min_u32(grown, most);
    else if (congestion->cwnd < most || ack->delivered < (uint64_t)BBR_INITIAL_SEGMENTS * congestion->mss)
        congestion->cwnd = min_u32(grown, CONGESTION_CWND_MAX);
    congestion->cwnd = max_u32(congestion->cwnd, bbr_pipe(congestion));
    if (bbr->state == BBR_PROBE_RTT)
        congestion->cwnd = min_u32(congestion->cwnd, tcpip__bbr_probe_rtt_cwnd(congestion, bbr));
    /* What recent congestion bounds. */
    uint32_t cap = BBR_NONE;
    if (bbr->state == BBR_PROBE_RTT || bbr->state == BBR_CRUISE)
        cap = tcpip__bbr_with_headroom(congestion, bbr);
    else if (bbr_in_probe_bw(bbr))
        cap = bbr->inflight_longterm;
    uint32_t bounded = bbr_bounded(bbr_bounded(congestion->cwnd, cap), bbr->inflight_shortterm);
    congestion->cwnd = max_u32(bounded, min_u32(congestion->cwnd, bbr_pipe(congestion)));
}

/* ---- callbacks ---- */

/* After idleness: what was kept of the path (rate and product) makes a model again. */
static void bbr_resume(struct tcpip_congestion *congestion, struct bbr *bbr)
{
    if (congestion->pacing_rate == 0 || congestion->ssthresh == TCPIP_SSTHRESH_INFINITE)
        return;
    bbr->max_bw[0] = (uint32_t)clamp_i64((int64_t)(congestion->pacing_rate / BBR_UNIT), 1, UINT32_MAX);
    uint64_t rtt = tcpip__muldiv_u64(congestion->ssthresh, (uint64_t)TCPIP_SECOND, congestion->pacing_rate);
    bbr->min_rtt = bbr->probe_rtt_min_delay = (uint32_t)min_u64(max_u64(rtt, 1), UINT32_MAX - 1);
    bbr->full_bw_reached = true;
    bbr->state = BBR_CRUISE;
}

static void bbr_init(struct tcpip_congestion *congestion, tcpip_ns now)
{
    struct bbr *bbr = bbr_of(congestion);
    uint32_t at = bbr_clock(now);
    *bbr = (struct bbr){
        .min_rtt = UINT32_MAX,
        .probe_rtt_min_delay = UINT32_MAX,
        .min_rtt_at = at,
        .probe_rtt_min_at = at,
        .cycle_at = at,
        .probe_wait = BBR_WAIT_US,
        .extra_acked_at = at,
        .probe_up_acked_per_inc = UINT32_MAX,
        .undo_state = BBR_PROBE_RTT,
    };
    bbr_resume(congestion, bbr);
}

/* The first ACK: until there is a sample, the initial window over a round trip, at STARTUP's gain. */
static void bbr_first_pacing(struct tcpip_congestion *congestion, struct bbr *bbr,
                             const struct tcpip_congestion_ack *ack)
{
    if (bbr->started || ack->srtt_ns <= 0)
        return;
    bbr->started = true;
    uint64_t nominal = tcpip__muldiv_u64(congestion->cwnd, (uint64_t)TCPIP_SECOND, (uint64_t)ack->srtt_ns);
    if (congestion->pacing_rate == 0)
        congestion->pacing_rate = max_u64(nominal * BBR_STARTUP_PACING / 100, 1);
}

static void bbr_on_ack(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack)
{
    struct bbr *bbr = bbr_of(congestion);
    bbr_first_pacing(congestion, bbr, ack);
    if (bbr->in_recovery && !ack->in_recovery)
        congestion->cwnd = max_u32(congestion->cwnd, bbr->prior_cwnd);
    bbr->in_recovery = ack->in_recovery;
    bbr_handle_losses(congestion, bbr, ack);
    if (ack->newly_delivered > 0) {
        tcpip__bbr_update_model(congestion, bbr, ack);
        bbr_check_startup(congestion, bbr, ack);
        bbr_check_drain(congestion, bbr, ack);
        bbr_update_cycle(congestion, bbr, ack);
    }
    tcpip__bbr_update_min_rtt(bbr, ack);
    bbr_check_probe_rtt(congestion, bbr, ack);
    tcpip__bbr_advance_latest(bbr, ack);
    bbr_set_pacing(congestion, bbr, ack->in_flight == 0 ? 100 : bbr_pacing_gain(bbr));
    bbr_set_cwnd(congestion, bbr, ack);
    if (bbr->full_bw_reached)
        congestion->ssthresh = max_u32(tcpip__bbr_bdp(congestion, bbr, bbr_bw(bbr), 100), congestion->mss);
}

static void bbr_on_recovery(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack)
{
    struct bbr *bbr = bbr_of(congestion);
    bbr_save_upon_loss(congestion, bbr);
    bbr->in_recovery = ack->in_recovery;
}

static void bbr_on_rto(struct tcpip_congestion *congestion, uint32_t in_flight, tcpip_ns now)
{
    (void)in_flight, (void)now;
    bbr_save_upon_loss(congestion, bbr_of(congestion));
}

/* Nothing was lost: what was concluded from it isn't true. */
static void bbr_on_undo(struct tcpip_congestion *congestion, tcpip_ns now)
{
    struct bbr *bbr = bbr_of(congestion);
    (void)now;
    congestion->cwnd = max_u32(congestion->cwnd, bbr->prior_cwnd);
    bbr->loss_in_round = false;
    bbr_reset_full_bw(bbr);
    /* No bound is the highest of all. */
    bool none = bbr->undo_bw_shortterm == BBR_NONE || bbr->bw_shortterm == BBR_NONE;
    bbr->bw_shortterm = none ? BBR_NONE : max_u32(bbr->bw_shortterm, bbr->undo_bw_shortterm);
    none = bbr->undo_inflight_shortterm == BBR_NONE || bbr->inflight_shortterm == BBR_NONE;
    bbr->inflight_shortterm = none ? BBR_NONE : max_u32(bbr->inflight_shortterm, bbr->undo_inflight_shortterm);
    none = bbr->undo_inflight_longterm == BBR_NONE || bbr->inflight_longterm == BBR_NONE;
    bbr->inflight_longterm = none ? BBR_NONE : max_u32(bbr->inflight_longterm, bbr->undo_inflight_longterm);
    if (bbr->undo_state == BBR_STARTUP && bbr->state != BBR_STARTUP) {
        bbr->full_bw_reached = false;
        if (bbr->state != BBR_PROBE_RTT)
            bbr->state = BBR_STARTUP;
    } else if (bbr->undo_state == BBR_UP && bbr->state != BBR_UP && bbr->state != BBR_PROBE_RTT) {
        bbr->rounds_since_probe_up = UINT8_MAX; /* the next ACK begins the probe anew, with a refill */
        bbr->state = BBR_CRUISE;
    }
    bbr->undo_state = BBR_PROBE_RTT;
}

static void bbr_on_sent(struct tcpip_congestion *congestion, uint32_t bytes, uint32_t in_flight, tcpip_ns now)
{
    struct bbr *bbr = bbr_of(congestion);
    if (in_flight > bytes)
        return;
    /* Restarting from idle. */
    bbr->idle_restart = true;
    bbr->extra_acked_at = bbr_clock(now);
    bbr->extra_acked_delivered = 0;
    if (bbr_in_probe_bw(bbr)) {
        bbr_set_pacing(congestion, bbr, 100);
    } else if (bbr->state == BBR_PROBE_RTT) {
        struct tcpip_congestion_ack at = {.now = now, .delivered = bbr->next_round_delivered};
        bbr_check_probe_rtt_done(congestion, bbr, &at);
    }
}

static void bbr_info(const struct tcpip_congestion *congestion, struct tcpip_congestion_info *out)
{
    const struct bbr *bbr = (const struct bbr *)(const void *)congestion->state;
    out->kind = TCPIP_CONGESTION_INFO_BBR;
    out->bbr.bandwidth = (uint64_t)bbr_bw(bbr) * BBR_UNIT;
    out->bbr.min_rtt_ns = bbr->min_rtt != UINT32_MAX ? (tcpip_ns)bbr->min_rtt : 0;
    out->bbr.pacing_gain = bbr_pacing_gain(bbr);
    out->bbr.cwnd_gain = bbr_cwnd_gain(bbr);
}

const struct tcpip_congestion_ops tcpip_congestion_bbr = {
    .name = "bbr",
    .state_size = sizeof(struct bbr),
    .init = bbr_init,
    .on_ack = bbr_on_ack,
    .on_recovery = bbr_on_recovery,
    .on_rto = bbr_on_rto,
    .on_undo = bbr_on_undo,
    .on_sent = bbr_on_sent,
    .info = bbr_info,
    .owns_recovery = true,
};
