// SPDX-License-Identifier: MIT
/* bbr_model.h: what BBR knows of a path: rate, distance, volumes (draft-ietf-ccwg-bbr 4.1 and 5.5).
 *
 * Internal to bbr.c, which acts on it, and bbr_model.c, which learns it. One struct, as 128 bytes have to do. */
#ifndef TCPIP_SRC_TCP_CONGESTION_BBR_MODEL_H
#define TCPIP_SRC_TCP_CONGESTION_BBR_MODEL_H

#include "transport/tcp/congestion/slow_start.h"

enum {
    BBR_UNIT = 64,           /* bytes per second */
    BBR_NONE = 0,            /* of a volume or a rate that isn't bounded: it would be infinite */
    BBR_PROBE_RTT_CWND = 50, /* percent, as all gains and shares */
    BBR_BETA = 70,
    BBR_HEADROOM = 15,
    BBR_LOSS_THRESHOLD = 2,
    BBR_FULL_GROWTH = 125,
    BBR_FULL_ROUNDS = 3,
    BBR_PIPE_SEGMENTS = 4,
    BBR_INITIAL_SEGMENTS = 10,
    BBR_EXTRA_ROUNDS = 5,   /* half of the filter for aggregation */
    BBR_QUANTUM_MAX = 65536 /* bytes */
};
#define BBR_MIN_RTT_US UINT32_C(10000000)
#define BBR_PROBE_RTT_US UINT32_C(5000000)

enum bbr_state { BBR_STARTUP, BBR_DRAIN, BBR_DOWN, BBR_CRUISE, BBR_REFILL, BBR_UP, BBR_PROBE_RTT };

/* What the ACKs that come now tell about. */
enum bbr_acks { ACKS_INIT, ACKS_REFILLING, ACKS_PROBE_STARTING, ACKS_PROBE_FEEDBACK, ACKS_PROBE_STOPPING };

struct bbr {
    /* rates */
    uint32_t max_bw[2]; /* of the last cycle, and of this */
    uint32_t bw_latest; /* in this round */
    uint32_t bw_shortterm, undo_bw_shortterm;
    uint32_t full_bw; /* what growth is measured from */
    /* distance; saturating nanoseconds: 4.3 s is as far as it sees */
    uint32_t min_rtt, probe_rtt_min_delay;
    uint32_t min_rtt_at, probe_rtt_min_at; /* us, as all instants */
    uint32_t probe_rtt_done_at;            /* if probe_rtt_timed */
    uint32_t cycle_at, probe_wait;
    uint32_t tick,
        last_ack_at; /* the least time between two ACKs: what shorter times there are, the clock can't tell */
    /* volumes in bytes */
    uint32_t inflight_latest, inflight_shortterm, inflight_longterm;
    uint32_t undo_inflight_shortterm, undo_inflight_longterm;
    uint32_t prior_cwnd;
    uint32_t extra_acked[2], extra_acked_delivered, extra_acked_at;
    uint32_t probe_up_acked_per_inc, probe_up_acked;
    uint32_t next_round_delivered, loss_round_delivered; /* modulo 2^32 */
    uint8_t state, undo_state;                           /* enum bbr_state; undo_state PROBE_RTT: none */
    uint8_t ack_phase;                                   /* enum bbr_acks */
    uint8_t full_bw_count, probe_up_rounds, rounds_since_probe_up, drain_rounds, extra_acked_rounds;
    uint8_t loss_events; /* ACKs that told of losses, in this round of STARTUP */
    bool started : 1, round_start : 1, loss_round_start : 1, loss_in_round : 1;
    bool full_bw_reached : 1, full_bw_now : 1;
    bool idle_restart : 1, probe_rtt_expired : 1, probe_rtt_round_done : 1, probe_rtt_timed : 1;
    bool bw_probe_sample : 1, probe_too_high : 1, probe_precautionary : 1, in_recovery : 1;
};
STATIC_ASSERT(sizeof(struct bbr) <= TCPIP_CONGESTION_STATE_BYTES);

static inline struct bbr *bbr_of(struct tcpip_congestion *congestion)
{
    return (struct bbr *)(void *)congestion->state;
}

/* ---- small questions ---- */

static inline uint32_t bbr_clock(tcpip_ns now)
{
    return (uint32_t)(now / TCPIP_US);
}

static inline uint32_t bbr_percent(uint64_t value, uint32_t percent)
{
    return (uint32_t)min_u64(value * percent / 100, UINT32_MAX);
}

/* `value` unless there is a lower bound. */
static inline uint32_t bbr_bounded(uint32_t value, uint32_t bound)
{
    return bound != BBR_NONE ? min_u32(value, bound) : value;
}

static inline bool bbr_delivered_by(uint64_t delivered, uint32_t mark)
{
    return (int32_t)((uint32_t)delivered - mark) >= 0;
}

static inline uint32_t bbr_max_bw(const struct bbr *bbr)
{
    return max_u32(bbr->max_bw[0], bbr->max_bw[1]);
}

static inline uint32_t bbr_bw(const struct bbr *bbr)
{
    return bbr_bounded(bbr_max_bw(bbr), bbr->bw_shortterm);
}

static inline uint32_t bbr_pipe(const struct tcpip_congestion *congestion)
{
    return BBR_PIPE_SEGMENTS * congestion->mss;
}

static inline bool bbr_in_probe_bw(const struct bbr *bbr)
{
    return bbr->state >= BBR_DOWN && bbr->state <= BBR_UP;
}

static inline bool bbr_probing(const struct bbr *bbr)
{
    return bbr->state == BBR_STARTUP || bbr->state == BBR_REFILL || bbr->state == BBR_UP;
}

static inline bool bbr_too_high(uint32_t lost, uint32_t tx_in_flight, const struct tcpip_congestion_ack *ack)
{
    return (uint64_t)lost * 100 > (uint64_t)tx_in_flight * BBR_LOSS_THRESHOLD || (lost > 0 && !ack->has_sack);
}

static inline void bbr_start_round(struct bbr *bbr, uint64_t delivered)
{
    bbr->next_round_delivered = (uint32_t)delivered;
}

static inline void bbr_reset_full_bw(struct bbr *bbr)
{
    bbr->full_bw = 0;
    bbr->full_bw_count = 0;
    bbr->full_bw_now = false;
}

static inline void bbr_reset_short_term(struct bbr *bbr)
{
    bbr->bw_shortterm = bbr->inflight_shortterm = BBR_NONE;
}

static inline uint32_t bbr_sample(const struct tcpip_congestion_ack *ack)
{
    return (uint32_t)min_u64(ack->delivery_rate / BBR_UNIT, UINT32_MAX);
}

/* ---- learning ---- */

/* From an ACK that delivers something: the latest round, bandwidth, the bounds that losses set, aggregation, and
 * whether the bandwidth has stopped to grow. */
void tcpip__bbr_update_model(struct tcpip_congestion *congestion, struct bbr *bbr,
                             const struct tcpip_congestion_ack *ack);
void tcpip__bbr_update_min_rtt(struct bbr *bbr, const struct tcpip_congestion_ack *ack);
/* A new round of losses begins with this ACK, the last word of it on the model: after all that reads the old one. */
void tcpip__bbr_advance_latest(struct bbr *bbr, const struct tcpip_congestion_ack *ack);

/* ---- what follows from it, in bytes ---- */

uint32_t tcpip__bbr_bdp(const struct tcpip_congestion *congestion, const struct bbr *bbr, uint32_t bw, uint32_t gain);
/* With room for what offloads keep: three packets of a millisecond. */
uint32_t tcpip__bbr_quantized(const struct tcpip_congestion *congestion, const struct bbr *bbr, uint32_t inflight);
uint32_t tcpip__bbr_inflight(const struct tcpip_congestion *congestion, const struct bbr *bbr, uint32_t bw);
/* What leaves room for others; BBR_NONE: no bound is known. */
uint32_t tcpip__bbr_with_headroom(const struct tcpip_congestion *congestion, const struct bbr *bbr);
uint32_t tcpip__bbr_probe_rtt_cwnd(const struct tcpip_congestion *congestion, const struct bbr *bbr);
/* How much was in flight when the share of losses passed the threshold, within a packet of many segments. */
uint32_t tcpip__bbr_inflight_at_loss(const struct tcpip_congestion_ack *ack);

#endif
