// SPDX-License-Identifier: MIT
/* rtt.c: how long a round trip takes, and how long to wait before the timer speaks (RFC 6298).
 *
 * Two things differ from the letter of section 2, both towards waiting longer:
 *   - With a sample per ACK a window of steady samples would wipe out rttvar within one round trip. It grows with every
 *     sample, but shrinks only once a round, and not below the largest deviation in it.
 *   - The minimum is added to srtt, not compared with the sum: on a long steady path rttvar goes to nothing, and a
 *     peer that delays one ACK by up to the minimum must not look like a loss.
 *
 * Owns:        struct rtt.
 * Invariants:  min_rto <= rto_ns <= max_rto; srtt_ns is 0 only before the first sample.
 * Not here:    which ACKs give samples (Karn's rule: scoreboard.c), the timer (tcp_timers.c).
 */
#include "transport/tcp/rtt.h"

#include "base/archive.h"
#include "base/assert.h"
#include "base/math.h"
#include "base/seqnum.h"
#include "transport/tcp/fold.h"

static const tcpip_ns MIN_RTT_WINDOW = 300 * TCPIP_SECOND; /* a path that changed is believed after so long */
static const tcpip_ns SYN_LOST_RTO = 3 * TCPIP_SECOND;     /* RFC 6298 section 5.7 */

enum { MIN_RTT_AT_BITS = 20 }; /* folded: 32 of them are 52 days, 300 s are all that matters */
enum { BACKOFF_MAX = 40 };     /* 1 ns doubled so often is 18 minutes: every bound is reached before */

void tcpip__rtt_init(struct rtt *rtt, const struct rtt_bounds *bounds)
{
    *rtt = (struct rtt){.rto_ns = clamp_i64(bounds->initial_rto_ns, bounds->min_rto_ns, bounds->max_rto_ns)};
}

/* The sample's deviation, and what it makes of rttvar. */
static void rtt_deviate(struct rtt *rtt, tcpip_ns deviation, uint32_t snd_una, uint32_t snd_nxt)
{
    rtt->rttvar_max_ns = max_i64(rtt->rttvar_max_ns, deviation);
    if (deviation > rtt->rttvar_ns)
        rtt->rttvar_ns += (deviation - rtt->rttvar_ns) / 4;
    if (seq_lt(seq(snd_una), seq(rtt->round_end)))
        return;
    if (rtt->rttvar_max_ns < rtt->rttvar_ns)
        rtt->rttvar_ns -= (rtt->rttvar_ns - rtt->rttvar_max_ns) / 4;
    rtt->rttvar_max_ns = 0;
    rtt->round_end = snd_nxt;
}

void tcpip__rtt_sample(struct rtt *rtt, tcpip_ns sample_ns, uint32_t snd_una, uint32_t snd_nxt,
                       const struct rtt_bounds *bounds, tcpip_ns now)
{
    ASSERT(sample_ns >= 0);
    sample_ns = max_i64(sample_ns, 1); /* two stacks under one clock that stands still */
    if (rtt->min_rtt_ns == 0 || sample_ns <= rtt->min_rtt_ns || now - rtt->min_rtt_at > MIN_RTT_WINDOW) {
        rtt->min_rtt_ns = sample_ns;
        rtt->min_rtt_at = now;
    }
    if (rtt->srtt_ns == 0) {
        rtt->srtt_ns = sample_ns;
        rtt->rttvar_ns = sample_ns / 2;
        rtt->rttvar_max_ns = 0;
        rtt->round_end = snd_nxt;
    } else {
        tcpip_ns error = sample_ns - rtt->srtt_ns;
        rtt_deviate(rtt, error < 0 ? -error : error, snd_una, snd_nxt);
        rtt->srtt_ns = max_i64(rtt->srtt_ns + error / 8, 1);
    }
    tcpip_ns rto = ns_add(rtt->srtt_ns, max_i64(4 * rtt->rttvar_ns, bounds->min_rto_ns));
    rtt->rto_ns = clamp_i64(rto, bounds->min_rto_ns, bounds->max_rto_ns);
    rtt->backoff = 0;
}

tcpip_ns tcpip__rtt_rto(const struct rtt *rtt, const struct rtt_bounds *bounds)
{
    if (rtt->rto_ns >= bounds->max_rto_ns >> rtt->backoff)
        return max_i64(bounds->max_rto_ns, bounds->min_rto_ns);
    return max_i64(rtt->rto_ns << rtt->backoff, bounds->min_rto_ns);
}

void tcpip__rtt_back_off(struct rtt *rtt)
{
    if (rtt->backoff < BACKOFF_MAX)
        rtt->backoff++;
}

void tcpip__rtt_syn_timed_out(struct rtt *rtt, const struct rtt_bounds *bounds)
{
    rtt->backoff = 0;
    if (rtt->srtt_ns == 0)
        rtt->rto_ns = clamp_i64(max_i64(rtt->rto_ns, SYN_LOST_RTO), bounds->min_rto_ns, bounds->max_rto_ns);
}

void tcpip__rtt_fold(const struct rtt *rtt, struct rtt_folded *out)
{
    ASSERT(rtt->backoff == 0);
    *out = (struct rtt_folded){
        .srtt = fold_duration(rtt->srtt_ns),
        .rttvar = fold_duration(rtt->rttvar_ns),
        .rto = fold_duration(rtt->rto_ns),
        .min_rtt = fold_duration(rtt->min_rtt_ns),
        .rttvar_max = fold_duration(rtt->rttvar_max_ns),
        .min_rtt_at = (uint32_t)(rtt->min_rtt_at >> MIN_RTT_AT_BITS),
    };
}

void tcpip__rtt_unfold(const struct rtt_folded *folded, struct rtt *out, uint32_t snd_una, tcpip_ns now)
{
    tcpip_ns ticks = now >> MIN_RTT_AT_BITS;
    *out = (struct rtt){
        .srtt_ns = unfold_duration(folded->srtt),
        .rttvar_ns = unfold_duration(folded->rttvar),
        .rto_ns = unfold_duration(folded->rto),
        .min_rtt_ns = unfold_duration(folded->min_rtt),
        .min_rtt_at = (ticks - (tcpip_ns)((uint32_t)ticks - folded->min_rtt_at)) * ((tcpip_ns)1 << MIN_RTT_AT_BITS),
        .rttvar_max_ns = unfold_duration(folded->rttvar_max),
        .round_end = snd_una,
    };
}

void tcpip__rtt_archive(struct archive *archive, struct rtt *rtt)
{
    tcpip__archive_duration(archive, &rtt->srtt_ns);
    tcpip__archive_duration(archive, &rtt->rttvar_ns);
    tcpip__archive_duration(archive, &rtt->rto_ns);
    tcpip__archive_duration(archive, &rtt->min_rtt_ns);
    tcpip__archive_instant(archive, &rtt->min_rtt_at);
    tcpip__archive_duration(archive, &rtt->rttvar_max_ns);
    archive_u32(archive, &rtt->round_end);
    archive_u8(archive, &rtt->backoff, BACKOFF_MAX);
}
