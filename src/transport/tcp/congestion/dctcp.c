// SPDX-License-Identifier: MIT
/* dctcp.c: Data Center TCP (RFC 8257), in integers.
 *
 * Where switches mark early and often, the share of marked bytes says how much too fast the sender is. Once per window
 * an average of it is taken,
 *
 *     alpha = (1 - g) alpha + g * marked / delivered        g = 1/16
 *
 * and a window in which there were marks gives up alpha / 2 of itself: much if all was marked, as good as nothing for a
 * stray mark. All else is as in reno.c: doubling, a segment a round trip, half on loss.
 *
 * It must only be used where everybody does so (RFC 8257 section 5): beside it, others starve.
 *
 * Owns:        struct dctcp, in the controller's state.
 * Invariants:  0 <= alpha <= 1; marked <= delivered.
 * Not here:    marks as they arrive (ecn.c), once per window (tcp_ack.c). */
#include "base/seqnum.h"
#include "transport/tcp/congestion/slow_start.h"

enum {
    DCTCP_ONE = 1 << 20, /* alpha's unit */
    DCTCP_G_SHIFT = 4,
};

struct dctcp {
    uint64_t counted;           /* towards the next segment of growth */
    uint64_t delivered, marked; /* of this window */
    uint32_t window_end;        /* sequence number that ends it */
    uint32_t alpha;             /* beginning at 1: the first marks are taken seriously (section 4.2) */
    bool started;
};

static struct dctcp *dctcp_of(struct tcpip_congestion *congestion)
{
    return (struct dctcp *)(void *)congestion->state;
}

static void dctcp_init(struct tcpip_congestion *congestion, tcpip_ns now)
{
    (void)now;
    *dctcp_of(congestion) = (struct dctcp){.alpha = DCTCP_ONE};
}

/* Section 3.3, steps 4 to 8. */
static void dctcp_estimate(struct dctcp *dctcp, const struct tcpip_congestion_ack *ack)
{
    if (!dctcp->started) {
        dctcp->started = true;
        dctcp->window_end = ack->snd_nxt;
    }
    dctcp->delivered += ack->newly_delivered;
    dctcp->marked += min_u32(ack->ecn_marked, ack->newly_delivered);
    if (!seq_geq(seq(ack->snd_una), seq(dctcp->window_end)))
        return;
    uint32_t share = dctcp->delivered == 0 ? 0 : (uint32_t)(dctcp->marked * DCTCP_ONE / dctcp->delivered);
    /* Rounded towards 0, or alpha would stop above it for ever. */
    dctcp->alpha = dctcp->alpha - (uint32_t)div_round_up(dctcp->alpha, 1 << DCTCP_G_SHIFT) + (share >> DCTCP_G_SHIFT);
    dctcp->delivered = dctcp->marked = 0;
    dctcp->window_end = ack->snd_nxt;
}

static void dctcp_on_ack(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack)
{
    struct dctcp *dctcp = dctcp_of(congestion);
    dctcp_estimate(dctcp, ack);
    if (ack->in_recovery || !ack->cwnd_limited)
        return;
    dctcp->counted += slow_start_ack(congestion, ack->acked);
    while (dctcp->counted >= congestion->cwnd && congestion->cwnd < CONGESTION_CWND_MAX) {
        dctcp->counted -= congestion->cwnd;
        congestion->cwnd += congestion->mss;
    }
}

static void dctcp_on_recovery(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack)
{
    struct dctcp *dctcp = dctcp_of(congestion);
    uint64_t window = congestion->cwnd;
    /* Step 9; a loss is a loss as ever (section 3.5). */
    uint64_t less = ack->ecn_echo ? window * dctcp->alpha / (2 * DCTCP_ONE) : window / 2;
    congestion->ssthresh = reduced_window(congestion, window - less);
    dctcp->counted = 0;
}

static void dctcp_on_rto(struct tcpip_congestion *congestion, uint32_t in_flight, tcpip_ns now)
{
    (void)now;
    congestion->ssthresh = reduced_window(congestion, min_u32(in_flight, congestion->cwnd) / 2);
    dctcp_of(congestion)->counted = 0;
}

static void dctcp_info(const struct tcpip_congestion *congestion, struct tcpip_congestion_info *out)
{
    const struct dctcp *dctcp = (const struct dctcp *)(const void *)congestion->state;
    out->kind = TCPIP_CONGESTION_INFO_DCTCP;
    out->dctcp.enabled = true;
    out->dctcp.alpha = dctcp->alpha;
    out->dctcp.marked = dctcp->marked;
    out->dctcp.delivered = dctcp->delivered;
}

const struct tcpip_congestion_ops tcpip_congestion_dctcp = {
    .name = "dctcp",
    .state_size = sizeof(struct dctcp),
    .init = dctcp_init,
    .on_ack = dctcp_on_ack,
    .on_recovery = dctcp_on_recovery,
    .on_rto = dctcp_on_rto,
    .info = dctcp_info,
    .needs_ecn = true,
    .exact_ecn = true,
};
