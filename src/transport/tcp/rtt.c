// SPDX-License-Identifier: MIT
/* rtt.c: the retransmission timeout (RFC 6298), with Linux's care for many samples a round trip.
 *
 * srtt follows the samples with weight 1/8, rttvar their deviation with 1/4; RTO = srtt + max(4 rttvar, min_rto's
 * floor). With a sample on every ACK rttvar would decay within one window, before a delayed ACK shows again how much
 * samples can vary; so the largest deviation of a round trip is kept until the round ends, and rttvar may fall only
 * then.
 *
 * Owns:       struct rtt.
 * Invariants: rto_ns within the bounds; srtt_ns > 0 after a sample.
 * Not here:   which segments may be sampled (Karn: scoreboard.c, tcp_ack.c), the timer itself (tcp_timers.c). */
#include "transport/tcp/rtt.h"

#include "base/math.h"
#include "base/seqnum.h"

enum {
    RTT_MIN_WINDOW_S = 300, /* how long a minimum is believed */
    RTT_BACKOFF_MAX = 30,
};
#define RTT_SYN_FALLBACK_NS (3 * TCPIP_SECOND) /* RFC 6298 5.7 */

void tcpip__rtt_init(struct rtt *rtt, const struct rtt_bounds *bounds)
{
    *rtt = (struct rtt){.rto_ns = bounds->initial_rto_ns};
}

static void rtt_minimum(struct rtt *rtt, tcpip_ns sample_ns, tcpip_ns now)
{
    if (rtt->min_rtt_ns == 0 || sample_ns <= rtt->min_rtt_ns ||
        now - rtt->min_rtt_at > RTT_MIN_WINDOW_S * TCPIP_SECOND) {
        rtt->min_rtt_ns = sample_ns;
        rtt->min_rtt_at = now;
    }
}

void tcpip__rtt_sample(struct rtt *rtt, tcpip_ns sample_ns, uint32_t snd_una, uint32_t snd_nxt,
                       const struct rtt_bounds *bounds, tcpip_ns now)
{
    sample_ns = max_i64(sample_ns, 1);
    rtt_minimum(rtt, sample_ns, now);
    if (rtt->srtt_ns == 0) {
        rtt->srtt_ns = sample_ns;
        rtt->rttvar_ns = sample_ns / 2;
        rtt->rttvar_max_ns = rtt->rttvar_ns;
        rtt->round_end = snd_nxt;
    } else {
        tcpip_ns error_ns = sample_ns - rtt->srtt_ns;
        tcpip_ns deviation_ns = error_ns < 0 ? -error_ns : error_ns;
        rtt->srtt_ns = max_i64(rtt->srtt_ns + error_ns / 8, 1);
        rtt->rttvar_max_ns = max_i64(rtt->rttvar_max_ns, deviation_ns);
        if (deviation_ns > rtt->rttvar_ns)
            rtt->rttvar_ns += (deviation_ns - rtt->rttvar_ns) / 4;
        if (seq_gt(seq(snd_una), seq(rtt->round_end))) {
            if (rtt->rttvar_max_ns < rtt->rttvar_ns)
                rtt->rttvar_ns -= (rtt->rttvar_ns - rtt->rttvar_max_ns) / 4;
            rtt->rttvar_max_ns = 0;
            rtt->round_end = snd_nxt;
        }
    }
    rtt->backoff = 0;
    /* The least RTO is room for the peer's delayed ACK: added to the round trip, as Linux does, not only a floor. */
    tcpip_ns rto_ns = rtt->srtt_ns + max_i64(4 * rtt->rttvar_ns, bounds->min_rto_ns);
    rtt->rto_ns = clamp_i64(rto_ns, bounds->min_rto_ns, bounds->max_rto_ns);
}

tcpip_ns tcpip__rtt_rto(const struct rtt *rtt, const struct rtt_bounds *bounds)
{
    tcpip_ns rto_ns = clamp_i64(rtt->rto_ns, bounds->min_rto_ns, bounds->max_rto_ns);
    for (unsigned i = 0; i < rtt->backoff && rto_ns < bounds->max_rto_ns; i++)
        rto_ns *= 2;
    return min_i64(rto_ns, bounds->max_rto_ns);
}

void tcpip__rtt_back_off(struct rtt *rtt)
{
    if (rtt->backoff < RTT_BACKOFF_MAX)
        rtt->backoff++;
}

void tcpip__rtt_syn_timed_out(struct rtt *rtt, const struct rtt_bounds *bounds)
{
    (void)bounds;
    (void)rtt;
}
