// SPDX-License-Identifier: MIT
/* congestion_westwood.c: a congestion controller outside the library, after TCP Westwood+ (Mascolo et al., 2001).
 *
 * A loss says that there was a loss, not that the path was full: a radio link loses packets as well. So this one
 * doesn't halve: it goes down to what the path was seen to carry, the delivery rate times the least round trip.
 *
 * Owns:     struct westwood, in the controller's state. It begins anew (zero) when a connection wakes from idleness.
 * Not here: the window during a recovery (PRR does that), who runs it (congestion_lab.c). */
#include "congestion_westwood.h"

struct westwood {
    uint64_t bandwidth; /* bytes per second, smoothed */
    uint64_t counted;   /* bytes acknowledged towards the next segment of growth */
    tcpip_ns min_rtt_ns;
};

static void westwood_init(struct tcpip_congestion *congestion, tcpip_ns now)
{
    (void)congestion, (void)now; /* the state is zero, cwnd and ssthresh are set */
}

static void westwood_on_ack(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack)
{
    struct westwood *state = (struct westwood *)(void *)congestion->state;
    uint64_t rate = ack->delivery_rate;
    if (rate > state->bandwidth || (rate > 0 && !ack->app_limited))
        state->bandwidth = state->bandwidth == 0 ? rate : (7 * state->bandwidth + rate) / 8;
    state->min_rtt_ns = ack->min_rtt_ns;
    if (ack->in_recovery || !ack->cwnd_limited)
        return;
    if (congestion->cwnd < congestion->ssthresh) { /* slow start */
        congestion->cwnd += ack->acked;
        return;
    }
    for (state->counted += ack->acked; state->counted >= congestion->cwnd; congestion->cwnd += congestion->mss)
        state->counted -= congestion->cwnd;
}

static void westwood_reduce(struct tcpip_congestion *congestion, uint32_t in_flight)
{
    const struct westwood *state = (const struct westwood *)(const void *)congestion->state;
    uint64_t window = state->bandwidth * (uint64_t)(state->min_rtt_ns / TCPIP_US) / 1000000;
    if (window == 0)
        window = in_flight / 2; /* nothing is known yet */
    uint64_t floor = 2 * (uint64_t)congestion->mss;
    window = window > floor ? window : floor;
    congestion->ssthresh = window < congestion->cwnd ? (uint32_t)window : congestion->cwnd;
}

static void westwood_on_recovery(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack)
{
    westwood_reduce(congestion, ack->prior_in_flight);
}

static void westwood_on_rto(struct tcpip_congestion *congestion, uint32_t in_flight, tcpip_ns now)
{
    (void)now;
    westwood_reduce(congestion, in_flight);
}

const struct tcpip_congestion_ops congestion_westwood = {
    .name = "westwood",
    .state_size = sizeof(struct westwood),
    .init = westwood_init,
    .on_ack = westwood_on_ack,
    .on_recovery = westwood_on_recovery,
    .on_rto = westwood_on_rto,
};
