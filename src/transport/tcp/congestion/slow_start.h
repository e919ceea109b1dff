// SPDX-License-Identifier: MIT
/* slow_start.h: the part that window-based controllers share (RFC 5681 3.1, RFC 3465 with L unlimited, as Linux: bursts
 * are the ACK's doing and are limited by the pipe, not by growing less). */
#ifndef TCPIP_SRC_TCP_CONGESTION_SLOW_START_H
#define TCPIP_SRC_TCP_CONGESTION_SLOW_START_H

#include "base/math.h"
#include <tcpip/congestion.h>

enum { CONGESTION_CWND_MAX = 1 << 30 }; /* RFC 7323 2.3: no window is larger */

/* Grows cwnd by what was acknowledged, up to ssthresh; returns the bytes that are left for congestion avoidance. */
static inline uint32_t slow_start_ack(struct tcpip_congestion *congestion, uint32_t acked)
{
    if (congestion->cwnd >= congestion->ssthresh)
        return acked;
    uint32_t grow = min_u32(acked, congestion->ssthresh - congestion->cwnd);
    congestion->cwnd = min_u32(sat_add_u32(congestion->cwnd, grow), CONGESTION_CWND_MAX);
    return acked - grow;
}

/* What a loss leaves of `window`: at least two segments (RFC 5681, equation 4). */
static inline uint32_t reduced_window(const struct tcpip_congestion *congestion, uint64_t window)
{
    return max_u32((uint32_t)min_u64(window, CONGESTION_CWND_MAX), 2 * congestion->mss);
}

#endif
