// SPDX-License-Identifier: MIT
/* ack_policy.c: when the peer hears of what came (RFC 9293 section 3.8.6.3, RFC 5681 section 4.2).
 *
 * Each ACK costs a packet on both sides, and each one withheld costs the sender's clock. So:
 *   - the second full segment is acknowledged at once; a unit that was merged on the way is one event, and several such
 *     in one turn share the ACK at its end, up to stretch_max segments; so do small segments, the second of which is
 *     acknowledged as well (as the BSDs do: what a sender may do next depends on it, and it may be all there is);
 *   - what fills a hole is acknowledged at once, each segment of it;
 *   - quick mode, at the start, when the sender may be in slow start again, and after the repair of a loss,
 * acknowledges every segment: a segment withheld is a large part of a small window;
 *   - everything else waits for company: for the reply that will carry the ACK, for a second segment, or for the timer.
 *
 * The delay follows the rhythm in which data come, between the bounds: about twice the time to the next segment, longer
 * after each timer that ran out in vain, shorter when segments follow each other closely.
 * Ping-pong (we answer data with data) turns quick mode off, for the answer is the acknowledgement, until a timer finds
 * that none came.
 *
 * Owns:        struct ack_policy.
 * Invariants:  delayed_at is an instant only while something is unacknowledged; min <= ato_ns <= max.
 * Not here:    duplicates, probes, and data out of order: the hands acknowledge them without asking; windows
 *              (receive_window.c); the timer (tcp_timers.c).
 */
#include "transport/tcp/ack_policy.h"

#include "base/archive.h"
#include "base/math.h"
#include "transport/tcp/fold.h"

enum {
    QUICK_MAX = 16,        /* ACKs: what slow start needs from an initial window to some hundred segments */
    ACK_EVERY_SEGMENTS = 2 /* RFC 9293 SHLD-19: at least every second one */
};

void tcpip__ack_policy_init(struct ack_policy *policy, const struct ack_bounds *bounds)
{
    *policy = (struct ack_policy){.delayed_at = TCPIP_NEVER, .ato_ns = bounds->min_ns};
}

void tcpip__ack_policy_quick(struct ack_policy *policy, uint32_t segments)
{
    policy->quick = (uint16_t)min_u32(segments, QUICK_MAX);
    policy->ping_pong = false;
}

void tcpip__ack_policy_repaired(struct ack_policy *policy)
{
    policy->quick = QUICK_MAX;
}

/* Data came `gap` after those before. */
static void ack_follow_rhythm(struct ack_policy *policy, tcpip_ns gap, const struct ack_bounds *bounds)
{
    if (gap > bounds->max_ns) {
        /* A pause that a sender's own timer may have ended: it may begin anew with a small window. */
        policy->quick = (uint16_t)max_u32(policy->quick, ACK_EVERY_SEGMENTS);
        return;
    }
    tcpip_ns aim = gap <= bounds->min_ns / 2 ? bounds->min_ns : 2 * gap;
    if (gap < policy->ato_ns)
        policy->ato_ns = clamp_i64(policy->ato_ns / 2 + aim / 2, bounds->min_ns, bounds->max_ns);
}

enum ack_decision tcpip__ack_policy_on_data(struct ack_policy *policy, uint32_t bytes, uint32_t segments, bool full,
                                            bool filled_gap, const struct ack_bounds *bounds, tcpip_ns now)
{
    if (policy->last_data_at != 0)
        ack_follow_rhythm(policy, now - policy->last_data_at, bounds);
    policy->last_data_at = now;
    policy->unacked_bytes = sat_add_u32(policy->unacked_bytes, bytes);
    policy->unacked_pieces = sat_add_u32(policy->unacked_pieces, segments);
    if (full)
        policy->unacked_segments = sat_add_u32(policy->unacked_segments, segments);
    if (filled_gap)
        return ACK_AT_ONCE;
    if (policy->unacked_segments >= ACK_EVERY_SEGMENTS)
        return segments == 1 || policy->unacked_segments >= bounds->stretch_max ? ACK_AT_ONCE : ACK_AT_FLUSH;
    if (policy->unacked_pieces >= ACK_EVERY_SEGMENTS || (policy->quick > 0 && !policy->ping_pong))
        return ACK_AT_FLUSH;
    policy->delayed_at = min_i64(policy->delayed_at, ns_add(now, policy->ato_ns));
    return ACK_DELAYED;
}

enum ack_decision tcpip__ack_policy_on_read(struct ack_policy *policy, bool window_update_due)
{
    if (window_update_due)
        return ACK_AT_FLUSH;
    return policy->delayed_at != TCPIP_NEVER ? ACK_DELAYED : ACK_NONE;
}

void tcpip__ack_policy_on_ack_sent(struct ack_policy *policy, bool with_data)
{
    if (policy->unacked_bytes > 0) {
        policy->ping_pong |= with_data;
        if (policy->quick > 0)
            policy->quick--;
    }
    policy->unacked_bytes = policy->unacked_segments = policy->unacked_pieces = 0;
    policy->delayed_at = TCPIP_NEVER;
}

void tcpip__ack_policy_on_timer(struct ack_policy *policy, const struct ack_bounds *bounds)
{
    if (policy->ping_pong) {
        policy->ping_pong = false;
        policy->ato_ns = bounds->min_ns;
    } else {
        policy->ato_ns = min_i64(2 * policy->ato_ns, bounds->max_ns);
    }
    policy->delayed_at = TCPIP_NEVER;
}

void tcpip__ack_policy_fold(const struct ack_policy *policy, struct ack_policy_folded *out)
{
    *out = (struct ack_policy_folded){
        .ato = fold_duration(policy->ato_ns),
        .quick = (uint8_t)policy->quick,
        .ping_pong = policy->ping_pong,
        .heard = policy->last_data_at != 0,
    };
}

void tcpip__ack_policy_unfold(const struct ack_policy_folded *folded, struct ack_policy *out, tcpip_ns last_data_at)
{
    *out = (struct ack_policy){
        .delayed_at = TCPIP_NEVER,
        .ato_ns = unfold_duration(folded->ato),
        .last_data_at = folded->heard ? last_data_at : 0,
        .quick = folded->quick,
        .ping_pong = folded->ping_pong,
    };
}

void tcpip__ack_policy_archive(struct archive *archive, struct ack_policy *policy, const struct ack_bounds *bounds)
{
    tcpip__archive_instant(archive, &policy->delayed_at);
    tcpip__archive_duration(archive, &policy->ato_ns);
    tcpip__archive_instant_or_zero(archive, &policy->last_data_at);
    archive_u32(archive, &policy->unacked_bytes);
    archive_u32(archive, &policy->unacked_segments);
    archive_u32(archive, &policy->unacked_pieces);
    archive_u16(archive, &policy->quick);
    archive_bool(archive, &policy->ping_pong);
    archive_require(archive, policy->quick <= QUICK_MAX);
    archive_require(archive, policy->delayed_at == TCPIP_NEVER || policy->unacked_bytes > 0);
    if (archive_restoring(archive))
        policy->ato_ns = clamp_i64(policy->ato_ns, bounds->min_ns, max_i64(bounds->min_ns, bounds->max_ns));
}
