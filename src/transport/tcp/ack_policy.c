// SPDX-License-Identifier: MIT
/* ack_policy.c: when to acknowledge (RFC 9293 3.8.6.3, RFC 5681 4.2).
 *
 *   quick mode    the first ACKs of a connection, and those after loss, go at once: the peer's window grows by ACKs
 *   otherwise     every second full segment, at the turn's end, so that a merged unit gets one ACK; stretch_max bounds
 * how much one covers the rest      after a delay that follows the peer's rhythm: half of what lies between its
 * segments, within the bounds; and in the hope that our own data carry the ACK first ("ping-pong")
 *
 * Owns:       struct ack_policy.
 * Invariants: delayed_at is set exactly while something unacknowledged waits for the timer.
 * Not here:   duplicate ACKs and window probes, which are answered at once (tcp_input.c); the timer (tcp_timers.c). */
#include "transport/tcp/ack_policy.h"

#include "base/math.h"

void tcpip__ack_policy_init(struct ack_policy *policy, const struct ack_bounds *bounds)
{
    *policy = (struct ack_policy){.delayed_at = TCPIP_NEVER, .ato_ns = bounds->min_ns};
}

void tcpip__ack_policy_quick(struct ack_policy *policy, uint32_t segments)
{
    policy->quick = (uint16_t)max_u32(policy->quick, min_u32(segments, UINT16_MAX));
    policy->ping_pong = false;
}

/* The delay follows the time between segments, from below: data that come steadily need little of it. */
static void ack_rhythm(struct ack_policy *policy, const struct ack_bounds *bounds, tcpip_ns now)
{
    tcpip_ns gap_ns = now - policy->last_data_at;
    if (policy->last_data_at != 0 && gap_ns < policy->ato_ns)
        policy->ato_ns = policy->ato_ns / 2 + gap_ns / 2;
    else if (gap_ns > bounds->max_ns)
        policy->ato_ns = bounds->min_ns;
    policy->ato_ns = clamp_i64(policy->ato_ns, bounds->min_ns, max_i64(bounds->min_ns, bounds->max_ns));
    policy->last_data_at = now;
}

enum ack_decision tcpip__ack_policy_on_data(struct ack_policy *policy, uint32_t bytes, uint32_t segments, bool full,
                                            bool push, bool filled_gap, const struct ack_bounds *bounds, tcpip_ns now)
{
    (void)push;
    ack_rhythm(policy, bounds, now);
    policy->unacked_bytes = sat_add_u32(policy->unacked_bytes, bytes);
    if (full)
        policy->unacked_segments = sat_add_u32(policy->unacked_segments, segments);
    if (filled_gap)
        return ACK_AT_ONCE; /* RFC 5681 4.2: the sender's recovery waits for it */
    if (policy->unacked_segments >= bounds->stretch_max)
        return ACK_AT_ONCE;
    if (policy->unacked_segments >= 2)
        return ACK_AT_FLUSH;
    if (policy->quick > 0 && !policy->ping_pong) {
        policy->quick--;
        return ACK_AT_FLUSH;
    }
    if (policy->delayed_at == TCPIP_NEVER)
        policy->delayed_at = now + policy->ato_ns;
    return ACK_DELAYED;
}

enum ack_decision tcpip__ack_policy_on_read(struct ack_policy *policy, bool window_update_due)
{
    (void)policy;
    return window_update_due ? ACK_AT_FLUSH : ACK_NONE;
}

void tcpip__ack_policy_on_ack_sent(struct ack_policy *policy, bool with_data)
{
    /* Data that answers data: the next ACK may hope for a ride as well. */
    if (with_data && policy->unacked_bytes > 0)
        policy->ping_pong = true;
    policy->unacked_bytes = 0;
    policy->unacked_segments = 0;
    policy->delayed_at = TCPIP_NEVER;
}

void tcpip__ack_policy_on_timer(struct ack_policy *policy, const struct ack_bounds *bounds)
{
    policy->delayed_at = TCPIP_NEVER;
    if (policy->ping_pong) {
        policy->ping_pong = false; /* nothing came to carry it */
        policy->ato_ns = bounds->min_ns;
    } else {
        policy->ato_ns = min_i64(policy->ato_ns * 2, max_i64(bounds->min_ns, bounds->max_ns));
    }
}
