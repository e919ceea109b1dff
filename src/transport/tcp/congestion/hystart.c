// SPDX-License-Identifier: MIT
/* hystart.c: HyStart++ (RFC 9406).
 *
 * Slow start doubles the window until something is lost, and what is lost then may be half of it. But before a queue
 * overflows it fills, and that shows: the least round trip of a round rises above that of the round before. When it has
 * risen by an eighth (at least 4 ms, at most 16), growth slows to a quarter: conservative slow start. If the round trip
 * falls back, it was jitter, and doubling resumes; if not within five rounds, slow start is over.
 *
 *     slow start --(min of a round >= last + threshold)--> conservative --(five rounds)--> congestion avoidance
 *          ^___________(min of a round < the one that raised suspicion)_______|
 *
 * RFC 9406's bound on growth per ACK (L) is for senders that would answer an ACK of many segments with a burst; here
 * it is infinite, as the bursts are those that the ACKs allow already.
 *
 * A clock that ticks in milliseconds makes round trips longer or shorter by a tick, for nothing. How coarse it is, the
 * times of ACKs tell: the least that two of them are apart. A rise must be more than that.
 *
 * Owns:        struct hystart.
 * Invariants:  a round is judged only with N_RTT_SAMPLE samples; css_rounds < CSS_ROUNDS.
 * Not here:    the window itself (cubic.c), later slow starts, which know where to stop (ssthresh).
 */
#include "transport/tcp/congestion/hystart.h"

#include "base/math.h"
#include "base/seqnum.h"

/* RFC 9406 section 4.3, by its names. */
enum {
    MIN_RTT_DIVISOR = 8,
    N_RTT_SAMPLE = 8,
    CSS_GROWTH_DIVISOR = 4,
    CSS_ROUNDS = 5,
};
static const tcpip_ns MIN_RTT_THRESH = 4 * TCPIP_MS, MAX_RTT_THRESH = 16 * TCPIP_MS;

/* The round is over: the next one ends with what has been sent by now. True: the last of conservative slow start. */
static bool hystart_next_round(struct hystart *hystart, uint32_t snd_nxt)
{
    hystart->last_min_ns = hystart->round_min_ns;
    hystart->round_min_ns = 0;
    hystart->samples = 0;
    hystart->round_end = snd_nxt;
    if (hystart->baseline_ns == 0)
        return false;
    return ++hystart->css_rounds == CSS_ROUNDS;
}

static void hystart_judge(struct hystart *hystart)
{
    if (hystart->samples < N_RTT_SAMPLE)
        return;
    if (hystart->baseline_ns != 0) {
        if (hystart->round_min_ns < hystart->baseline_ns)
            hystart->baseline_ns = 0;
        return;
    }
    if (hystart->last_min_ns == 0)
        return;
    tcpip_ns threshold = clamp_i64(hystart->last_min_ns / MIN_RTT_DIVISOR, MIN_RTT_THRESH, MAX_RTT_THRESH);
    if (hystart->round_min_ns >= hystart->last_min_ns + threshold &&
        hystart->round_min_ns > hystart->last_min_ns + hystart->tick_us * TCPIP_US) {
        hystart->baseline_ns = hystart->round_min_ns;
        hystart->css_rounds = 0;
    }
}

static void hystart_learn_tick(struct hystart *hystart, tcpip_ns now)
{
    uint32_t us = (uint32_t)(now / TCPIP_US), apart = us - hystart->last_us;
    if (hystart->started && apart > 0)
        hystart->tick_us = hystart->tick_us == 0 ? apart : min_u32(hystart->tick_us, apart);
    hystart->last_us = us;
}

uint32_t tcpip__hystart_on_ack(struct hystart *hystart, const struct tcpip_congestion_ack *ack, bool *leave)
{
    *leave = false;
    hystart_learn_tick(hystart, ack->now);
    if (!hystart->started) {
        hystart->started = true;
        hystart->round_end = ack->snd_nxt;
    } else if (seq_geq(seq(ack->snd_una), seq(hystart->round_end))) {
        *leave = hystart_next_round(hystart, ack->snd_nxt);
    }
    if (ack->rtt_ns >= 0) {
        tcpip_ns sample = max_i64(ack->rtt_ns, 1);
        hystart->round_min_ns = hystart->round_min_ns == 0 ? sample : min_i64(hystart->round_min_ns, sample);
        if (hystart->samples < UINT16_MAX)
            hystart->samples++;
        hystart_judge(hystart);
    }
    return hystart->baseline_ns != 0 ? ack->acked / CSS_GROWTH_DIVISOR : ack->acked;
}
