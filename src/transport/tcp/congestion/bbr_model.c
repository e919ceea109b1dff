// SPDX-License-Identifier: MIT
/* bbr_model.c: what BBR learns from ACKs, and what follows from it (draft-ietf-ccwg-bbr 5.5).
 *
 *     max_bw        the largest rate that was delivered in this cycle of probing and the last
 *     min_rtt       the least round trip of 10 s; probe_rtt_min_delay that of 5 s
 *     extra_acked   how much more than max_bw * time arrives in heaps
 *     *_latest      what the last round delivered, which *_shortterm falls to, or to 0.7 of itself, by a round with
 * losses full_bw       the rate that three rounds didn't exceed by a quarter: the pipe is full
 *
 * Rates are kept in units of 64 bytes per second, instants in microseconds modulo 2^32: differences are all that is
 * looked at, and none spans an hour.
 *
 * Owns:        the filters in struct bbr.
 * Invariants:  bw_shortterm and inflight_shortterm are never 0 but for BBR_NONE; they fall once a round.
 * Not here:    states, probes, inflight_longterm, pacing rate and cwnd (bbr.c). */
#include "transport/tcp/congestion/bbr_model.h"

/* ---- what follows ---- */

uint32_t tcpip__bbr_bdp(const struct tcpip_congestion *congestion, const struct bbr *bbr, uint32_t bw, uint32_t gain)
{
    if (bbr->min_rtt == UINT32_MAX || bw == 0)
        return bbr_percent((uint64_t)BBR_INITIAL_SEGMENTS * congestion->mss, gain);
    /* Where the clock stands still for longer than a round trip takes, ACKs come in heaps of a tick, and what is sent
     * is sent for a tick. (Two ACKs are never farther apart than four segments are, which are in flight always.) */
    uint64_t distance = max_u64(bbr->min_rtt, (uint64_t)bbr->tick * (uint64_t)TCPIP_US);
    uint64_t bdp = tcpip__muldiv_u64((uint64_t)bw * BBR_UNIT, distance, (uint64_t)TCPIP_SECOND);
    return bbr_percent(min_u64(bdp, UINT32_MAX), gain);
}

uint32_t tcpip__bbr_quantized(const struct tcpip_congestion *congestion, const struct bbr *bbr, uint32_t inflight)
{
    uint32_t quantum = (uint32_t)min_u64(congestion->pacing_rate / 1000, BBR_QUANTUM_MAX);
    quantum = max_u32(quantum, 2 * congestion->mss);
    inflight = max_u32(inflight, max_u32(3 * quantum, bbr_pipe(congestion)));
    return bbr->state == BBR_UP ? sat_add_u32(inflight, 2 * congestion->mss) : inflight;
}

uint32_t tcpip__bbr_inflight(const struct tcpip_congestion *congestion, const struct bbr *bbr, uint32_t bw)
{
    return tcpip__bbr_quantized(congestion, bbr, tcpip__bbr_bdp(congestion, bbr, bw, 100));
}

uint32_t tcpip__bbr_with_headroom(const struct tcpip_congestion *congestion, const struct bbr *bbr)
{
    if (bbr->inflight_longterm == BBR_NONE)
        return BBR_NONE;
    uint32_t headroom = max_u32(bbr_percent(bbr->inflight_longterm, BBR_HEADROOM), congestion->mss);
    return max_u32(sat_sub_u32(bbr->inflight_longterm, headroom), bbr_pipe(congestion));
}

uint32_t tcpip__bbr_probe_rtt_cwnd(const struct tcpip_congestion *congestion, const struct bbr *bbr)
{
    return max_u32(tcpip__bbr_bdp(congestion, bbr, bbr_bw(bbr), BBR_PROBE_RTT_CWND), bbr_pipe(congestion));
}

uint32_t tcpip__bbr_inflight_at_loss(const struct tcpip_congestion_ack *ack)
{
    uint64_t before = sat_sub_u32(ack->loss_tx_in_flight, ack->loss_bytes);
    uint64_t lost = sat_sub_u32(ack->loss_since, ack->loss_bytes);
    uint64_t prefix = sat_sub_u64(before * BBR_LOSS_THRESHOLD, lost * 100) / (100 - BBR_LOSS_THRESHOLD);
    return (uint32_t)min_u64(before + prefix, UINT32_MAX);
}

/* ---- learning ---- */

static void bbr_update_latest(struct bbr *bbr, const struct tcpip_congestion_ack *ack)
{
    bbr->loss_round_start = false;
    bbr->bw_latest = max_u32(bbr->bw_latest, bbr_sample(ack));
    bbr->inflight_latest = max_u32(bbr->inflight_latest, (uint32_t)(ack->delivered - ack->prior_delivered));
    if (bbr_delivered_by(ack->prior_delivered, bbr->loss_round_delivered)) {
        bbr->loss_round_delivered = (uint32_t)ack->delivered;
        bbr->loss_round_start = true;
    }
}

static void bbr_update_max_bw(struct bbr *bbr, const struct tcpip_congestion_ack *ack)
{
    bbr->round_start = bbr_delivered_by(ack->prior_delivered, bbr->next_round_delivered);
    if (bbr->round_start) {
        bbr_start_round(bbr, ack->delivered);
        bbr->rounds_since_probe_up = (uint8_t)min_u32(bbr->rounds_since_probe_up + 1u, UINT8_MAX);
        bbr->drain_rounds = (uint8_t)min_u32(bbr->drain_rounds + 1u, UINT8_MAX);
    }
    uint32_t sample = bbr_sample(ack);
    if (sample > 0 && (sample >= bbr_max_bw(bbr) || !ack->app_limited))
        bbr->max_bw[1] = max_u32(bbr->max_bw[1], sample);
}

static void bbr_update_congestion(struct tcpip_congestion *congestion, struct bbr *bbr,
                                  const struct tcpip_congestion_ack *ack)
{
    bbr_update_max_bw(bbr, ack);
    if (!bbr->loss_round_start)
        return;
    if (bbr->loss_in_round && !bbr_probing(bbr)) {
        uint32_t bw = bbr->bw_shortterm != BBR_NONE ? bbr->bw_shortterm : bbr_max_bw(bbr);
        uint32_t inflight = bbr->inflight_shortterm != BBR_NONE ? bbr->inflight_shortterm : congestion->cwnd;
        bbr->bw_shortterm = max_u32(max_u32(bbr->bw_latest, bbr_percent(bw, BBR_BETA)), 1);
        bbr->inflight_shortterm = max_u32(max_u32(bbr->inflight_latest, bbr_percent(inflight, BBR_BETA)), 1);
    }
    bbr->loss_in_round = false;
}

/* What arrives beyond bw * time, because the path or the receiver hands things on in heaps. */
static void bbr_update_aggregation(const struct tcpip_congestion *congestion, struct bbr *bbr,
                                   const struct tcpip_congestion_ack *ack)
{
    uint32_t now = bbr_clock(ack->now);
    uint64_t expected = (uint64_t)bbr_bw(bbr) * BBR_UNIT * (now - bbr->extra_acked_at) / 1000000;
    if (bbr->extra_acked_delivered <= expected) {
        bbr->extra_acked_delivered = 0;
        bbr->extra_acked_at = now;
        expected = 0;
    }
    bbr->extra_acked_delivered = sat_add_u32(bbr->extra_acked_delivered, ack->newly_delivered);
    uint32_t extra = min_u32((uint32_t)sat_sub_u64(bbr->extra_acked_delivered, expected), congestion->cwnd);
    if (bbr->round_start)
        bbr->extra_acked_rounds++;
    if (bbr->extra_acked_rounds >= (bbr->full_bw_reached ? BBR_EXTRA_ROUNDS : 1)) {
        bbr->extra_acked_rounds = 0;
        bbr->extra_acked[0] = bbr->extra_acked[1];
        bbr->extra_acked[1] = 0;
    }
    bbr->extra_acked[1] = max_u32(bbr->extra_acked[1], extra);
}

static void bbr_check_full_bw(struct bbr *bbr, const struct tcpip_congestion_ack *ack)
{
    if (bbr->full_bw_now || !bbr->round_start || ack->app_limited || bbr->state == BBR_PROBE_RTT)
        return;
    uint32_t sample = bbr_sample(ack);
    if (sample == 0) /* several rounds within a tick of the clock: none of them says anything */
        return;
    if (sample >= bbr_percent(bbr->full_bw, BBR_FULL_GROWTH)) {
        bbr_reset_full_bw(bbr);
        bbr->full_bw = sample;
        return;
    }
    bbr->full_bw_now = ++bbr->full_bw_count >= BBR_FULL_ROUNDS;
    bbr->full_bw_reached |= bbr->full_bw_now;
}

static void bbr_update_tick(struct bbr *bbr, const struct tcpip_congestion_ack *ack)
{
    uint32_t now = bbr_clock(ack->now), apart = now - bbr->last_ack_at;
    if (bbr->last_ack_at != 0 && apart > 0)
        bbr->tick = bbr->tick == 0 ? apart : min_u32(bbr->tick, apart);
    bbr->last_ack_at = now;
}

void tcpip__bbr_update_model(struct tcpip_congestion *congestion, struct bbr *bbr,
                             const struct tcpip_congestion_ack *ack)
{
    bbr_update_tick(bbr, ack);
    bbr_update_latest(bbr, ack);
    bbr_update_congestion(congestion, bbr, ack);
    bbr_update_aggregation(congestion, bbr, ack);
    bbr_check_full_bw(bbr, ack);
}

void tcpip__bbr_update_min_rtt(struct bbr *bbr, const struct tcpip_congestion_ack *ack)
{
    uint32_t now = bbr_clock(ack->now);
    bbr->probe_rtt_expired = now - bbr->probe_rtt_min_at > BBR_PROBE_RTT_US;
    if (ack->rtt_ns >= 0) {
        uint32_t rtt = (uint32_t)clamp_i64(ack->rtt_ns, 1, UINT32_MAX - 1);
        if (rtt < bbr->probe_rtt_min_delay || bbr->probe_rtt_expired) {
            bbr->probe_rtt_min_delay = rtt;
            bbr->probe_rtt_min_at = now;
        }
    }
    if (bbr->probe_rtt_min_delay < bbr->min_rtt || now - bbr->min_rtt_at > BBR_MIN_RTT_US) {
        bbr->min_rtt = bbr->probe_rtt_min_delay;
        bbr->min_rtt_at = bbr->probe_rtt_min_at;
    }
}

void tcpip__bbr_advance_latest(struct bbr *bbr, const struct tcpip_congestion_ack *ack)
{
    if (!bbr->loss_round_start)
        return;
    bbr->bw_latest = bbr_sample(ack);
    bbr->inflight_latest = (uint32_t)(ack->delivered - ack->prior_delivered);
}
