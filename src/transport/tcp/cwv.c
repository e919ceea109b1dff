// SPDX-License-Identifier: MIT
/* cwv.c: congestion window validation (RFC 7661), for applications that send in bursts.
 *
 * A window that isn't used says nothing about the path any more; halving it for each timeout of idleness (RFC 5681 4.1)
 * makes every burst begin anew. Here it is kept while it isn't used, for five minutes:
 *
 *     validated       in a round trip at least half of it was acknowledged lately (pipeACK >= cwnd / 2)
 *     not validated   otherwise: it doesn't grow; a loss reduces what was used, not what wasn't; after five minutes,
 * and after each five more, it is halved, down to the initial window
 *
 * pipeACK is the most that arrived in a round trip of the last three, or of the last second if that is longer.
 *
 * Owns:        struct cwv.
 * Not here:    that an unused window doesn't grow: controllers look at cwnd_limited. */
#include "transport/tcp/cwv.h"

#include "base/archive.h"
#include "transport/tcp/fold.h"

static const tcpip_ns CWV_NOT_VALIDATED_NS = 300 * TCPIP_SECOND; /* RFC 7661 4.4 */

void tcpip__cwv_on_ack(struct cwv *cwv, uint32_t acked, uint32_t cwnd, tcpip_ns srtt_ns, tcpip_ns now)
{
    tcpip_ns half_ns = max_i64(3 * srtt_ns, TCPIP_SECOND) / 2;
    if (cwv->round_at == 0)
        cwv->round_at = cwv->period_at = now;
    if (now - cwv->period_at >= half_ns) {
        bool longer = now - cwv->period_at >= 2 * half_ns;
        cwv->most[0] = longer ? 0 : cwv->most[1];
        cwv->most[1] = 0;
        cwv->period_at = now;
    }
    if (now - cwv->round_at >= srtt_ns) {
        cwv->acked = 0;
        cwv->round_at = now;
    }
    cwv->acked = sat_add_u32(cwv->acked, acked);
    cwv->most[1] = max_u32(cwv->most[1], cwv->acked);
    if (cwv_pipe(cwv) >= cwnd / 2)
        cwv->unused_since = 0;
    else if (cwv->unused_since == 0)
        cwv->unused_since = max_i64(now, 1);
}

bool tcpip__cwv_restart(struct cwv *cwv, uint32_t *cwnd, uint32_t *ssthresh, uint32_t initial, tcpip_ns now)
{
    bool changed = false;
    if (cwv->unused_since == 0 && cwv->period_at != 0 && now - cwv->period_at >= CWV_NOT_VALIDATED_NS)
        cwv->unused_since = max_i64(cwv->period_at, 1); /* nothing has arrived since, so nothing said so */
    while (cwv->unused_since != 0 && now - cwv->unused_since >= CWV_NOT_VALIDATED_NS && *cwnd > initial) {
        *ssthresh = max_u32(*ssthresh, *cwnd / 4 * 3);
        *cwnd = max_u32(*cwnd / 2, initial);
        cwv->unused_since += CWV_NOT_VALIDATED_NS;
        changed = true;
    }
    return changed;
}

uint32_t tcpip__cwv_at_loss(const struct cwv *cwv, uint32_t cwnd, uint32_t flight)
{
    return cwv->unused_since == 0 ? cwnd : min_u32(cwnd, max_u32(cwv_pipe(cwv), flight));
}

void tcpip__cwv_fold(const struct cwv *cwv, struct cwv_folded *out)
{
    *out = (struct cwv_folded){
        .period_at = fold_age(cwv->period_at),
        .unused_since = fold_age(cwv->unused_since),
        .most = {cwv->most[0], cwv->most[1]},
    };
}

void tcpip__cwv_unfold(const struct cwv_folded *folded, struct cwv *out, tcpip_ns now)
{
    tcpip_ns period_at = unfold_age(folded->period_at, now);
    *out = (struct cwv){
        .round_at = period_at,
        .period_at = period_at,
        .unused_since = unfold_age(folded->unused_since, now),
        .most = {folded->most[0], folded->most[1]},
    };
}

void tcpip__cwv_archive(struct archive *archive, struct cwv *cwv)
{
    tcpip__archive_instant_or_zero(archive, &cwv->round_at);
    tcpip__archive_instant_or_zero(archive, &cwv->period_at);
    tcpip__archive_instant_or_zero(archive, &cwv->unused_since);
    archive_u32(archive, &cwv->acked);
    archive_u32(archive, &cwv->most[0]);
    archive_u32(archive, &cwv->most[1]);
}
