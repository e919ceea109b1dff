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
 * RFC 9406 judges whole rounds. But while a queue fills a round takes longer and longer, and its least sample is its
 * first one: what began to queue in the middle of a round shows in the next one's first, by when the window is twice as
 * large and the queue may be full. So parts are judged, too: if all samples of a quarter of a round trip are so long,
 * it is no single late packet, and (as windows are spread over the round trip, tcp_send.c) no burst of ours. Who is
 * wrong about it loses little, as suspicion is taken back.
 *
 * RFC 9406's bound on growth per ACK (L) is for senders that would answer an ACK of many segments with a burst; here
 * it is infinite, as the bursts are those that the ACKs allow already.
 *
 * A clock that ticks in milliseconds makes round trips longer or shorter by a tick, for nothing. How coarse it is, the
 * times of ACKs tell: the least that two of them are apart. A rise must be more than that.
 *
 * Owns:        struct hystart.
 * Invariants:  a round, or a part, is judged only with N_RTT_SAMPLE samples; css_rounds < CSS_ROUNDS.
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
    PARTS = 4, /* of a round trip: none of RFC 9406's */
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

/* In plain slow start: is `least_ns` so much that a queue must stand? */
static void hystart_suspect(struct hystart *hystart, tcpip_ns least_ns)
{
    if (hystart->last_min_ns == 0)
        return;
    tcpip_ns threshold = clamp_i64(hystart->last_min_ns / MIN_RTT_DIVISOR, MIN_RTT_THRESH, MAX_RTT_THRESH);
    if (least_ns < hystart->last_min_ns + threshold || least_ns <= hystart->last_min_ns + hystart->tick_us * TCPIP_US)
        return;
    hystart->baseline_ns = least_ns;
    hystart->round_min_ns = least_ns; /* what came before was of an empty queue, and doesn't clear it */
    hystart->css_rounds = 0;
}

static void hystart_judge(struct hystart *hystart)
{
    if (hystart->samples < N_RTT_SAMPLE)
        return;
    if (hystart->baseline_ns == 0)
        hystart_suspect(hystart, hystart->round_min_ns);
    else if (hystart->round_min_ns < hystart->baseline_ns)
        hystart->baseline_ns = 0;
}

static void hystart_judge_part(struct hystart *hystart, tcpip_ns sample_ns, tcpip_ns now)
{
    uint32_t sample_us = (uint32_t)min_i64(sample_ns / TCPIP_US, UINT32_MAX), us = (uint32_t)(now / TCPIP_US);
    if (hystart->part_samples == 0) {
        hystart->part_us = us;
        hystart->part_min_us = sample_us;
    }
    hystart->part_min_us = min_u32(hystart->part_min_us, sample_us);
    hystart->part_samples = (uint8_t)min_u32(hystart->part_samples + 1u, UINT8_MAX);
    if (hystart->part_samples < N_RTT_SAMPLE || us - hystart->part_us < hystart->last_min_ns / PARTS / TCPIP_US)
        return;
    hystart->part_samples = 0;
    if (hystart->baseline_ns == 0)
        hystart_suspect(hystart, hystart->part_min_us * TCPIP_US);
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
        if (hystart->samples < UINT8_MAX)
            hystart->samples++;
        hystart_judge(hystart);
        hystart_judge_part(hystart, sample, ack->now);
    }
    return hystart->baseline_ns != 0 ? ack->acked / CSS_GROWTH_DIVISOR : ack->acked;
}
