// SPDX-License-Identifier: MIT
/* reno.c: the standard window (RFC 5681): doubling, then one segment a round trip, halving on loss.
 *
 * Owns:        struct reno, in the controller's state.
 * Invariants:  counted < cwnd after each ACK.
 * Not here:    the window during a recovery (recovery.c).
 */
#include "transport/tcp/congestion/slow_start.h"

struct reno {
    uint64_t counted; /* bytes acknowledged towards the next segment of growth (RFC 3465 2.1) */
};

static struct reno *reno_of(struct tcpip_congestion *congestion)
{
    return (struct reno *)(void *)congestion->state;
}

static void reno_init(struct tcpip_congestion *congestion, tcpip_ns now)
{
    (void)now;
    reno_of(congestion)->counted = 0;
}

static void reno_on_ack(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack)
{
    struct reno *reno = reno_of(congestion);
    if (ack->in_recovery || !ack->cwnd_limited)
        return;
    reno->counted += slow_start_ack(congestion, ack->acked);
    while (reno->counted >= congestion->cwnd && congestion->cwnd < CONGESTION_CWND_MAX) {
        reno->counted -= congestion->cwnd;
        congestion->cwnd += congestion->mss;
    }
}

/* RFC 5681, equation 4: half of what is outstanding, SACKed or not; what limited transmit added to cwnd doesn't count.
 */
static void reno_reduce(struct tcpip_congestion *congestion, uint32_t flight)
{
    congestion->ssthresh = reduced_window(congestion, min_u32(flight, congestion->cwnd) / 2);
    reno_of(congestion)->counted = 0;
}

static void reno_on_recovery(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack)
{
    reno_reduce(congestion, ack->snd_nxt - ack->snd_una + ack->acked); /* before the ACK */
}

static void reno_on_rto(struct tcpip_congestion *congestion, uint32_t in_flight, tcpip_ns now)
{
    (void)now;
    reno_reduce(congestion, in_flight);
}

const struct tcpip_congestion_ops tcpip_congestion_reno = {
    .name = "reno",
    .state_size = sizeof(struct reno),
    .init = reno_init,
    .on_ack = reno_on_ack,
    .on_recovery = reno_on_recovery,
    .on_rto = reno_on_rto,
};
