// SPDX-License-Identifier: MIT
/* rack.c: a segment is lost if one that was sent sufficiently later has arrived (RFC 8985).
 *
 * Counting duplicates (RFC 6675) asks how much was SACKed above a hole. That needs three segments above it, which a
 * tail doesn't have, and can't be asked of a retransmission, which has everything above it from the start. RACK asks
 * when things were sent:
 *
 *     sent       A   B   C   D  A'             A' is A, sent again
 *     arrives            C                     A and B left before C: lost, unless they are only late
 *     arrives                   A'             B left before A': a second opinion; D too, the tail
 *
 * A loses nothing by being lost twice: A' has a time of its own. "Only late" is a window: a segment may come later
 * than the newest one by
 *   - nothing, as long as the path was never seen to reorder, if three segments are SACKed, or in a recovery;
 *   - else a quarter of the least round trip, once more for each round in which a D-SACK told that something was
 *     retransmitted for nothing, at most a smoothed round trip. Sixteen recoveries without one bring it back.
 * That a path reorders shows when something comes late, and, if it had been sent again by then, when a D-SACK tells.
 * What is within the window when the ACK comes is asked for again when it has passed: the hands' reordering timer.
 *
 * A clock that stands still during a round trip measures a least round trip of 0. That says nothing of how far packets
 * overtake each other; the smoothed one, which has seen the clock tick now and then, does, so it takes its place. And a
 * window always lasts until the clock ticks.
 *
 * Owns:        struct rack.
 * Invariants:  newest never moves back in the order of transmission; 1 <= multiplier; persist <= 16.
 * Not here:    the segments (scoreboard.c), what a loss leads to (recovery.c), the timer (tcp_timers.c).
 */
#include "transport/tcp/rack.h"

#include "base/archive.h"
#include "base/math.h"

enum {
    RACK_THRESHOLD = 3,  /* DupThresh (RFC 8985 6.2 step 4) */
    RACK_PERSIST = 16,   /* recoveries */
    RACK_RTT_UNSEEN = 1, /* ns: rtt.h's least sample, of a clock that stood still */
    RACK_TICK = 1,       /* ns: until the clock next moves */
};

void tcpip__rack_init(struct rack *rack)
{
    *rack = (struct rack){.multiplier = 1};
}

/* Steps 2 and 3. The scoreboard has left out of facts->newest what may be the echo of an earlier copy. */
static void rack_delivered(struct rack *rack, const struct tcp_ack *facts)
{
    const struct tcp_delivered *newest = &facts->newest;

    if (!newest->known)
        return;
    rack->rtt_ns = facts->newest_rtt_ns;
    int32_t ahead = (int32_t)(newest->order - rack->newest.order);
    if (!rack->newest.known || ahead > 0 || (ahead == 0 && seq_gt(newest->end, rack->newest.end)))
        rack->newest = *newest;
}

void tcpip__rack_on_ack(struct rack *rack, const struct tcp_ack *facts, seqnum snd_nxt)
{
    rack_delivered(rack, facts);
    if (facts->reordered || facts->late)
        rack->reordering_seen = true;
    /* Step 4: once per round, since one burst of needless retransmissions makes many D-SACKs. */
    if (rack->round_open && seq_geq(facts->ack, rack->round_end))
        rack->round_open = false;
    if (!facts->dsack || facts->dsack_of_probe || rack->round_open)
        return;
    rack->round_open = true;
    rack->round_end = snd_nxt;
    rack->persist = RACK_PERSIST;
    if (rack->multiplier < UINT8_MAX)
        rack->multiplier++;
}

void tcpip__rack_on_undo(struct rack *rack)
{
    rack->reordering_seen = true;
}

void tcpip__rack_on_exit(struct rack *rack)
{
    if (rack->persist > 0)
        rack->persist--;
    if (rack->persist == 0)
        rack->multiplier = 1;
}

tcpip_ns tcpip__rack_window(const struct rack *rack, const struct rack_path *path)
{
    if (!rack->reordering_seen) {
        if (path->in_recovery)
            return 0;
        if (path->sacked_segments >= RACK_THRESHOLD && (path->mode & RACK_NO_THRESHOLD) == 0)
            return 0;
    }
    tcpip_ns least_ns = path->min_rtt_ns > RACK_RTT_UNSEEN ? path->min_rtt_ns : path->srtt_ns;
    tcpip_ns times = (path->mode & RACK_STATIC_WINDOW) != 0 ? 1 : rack->multiplier;
    return max_i64(min_i64(least_ns / 4 * times, path->srtt_ns), RACK_TICK);
}

void tcpip__rack_archive(struct archive *archive, struct rack *rack)
{
    tcpip__archive_duration(archive, &rack->rtt_ns);
    archive_bool(archive, &rack->reordering_seen);
    archive_bool(archive, &rack->round_open);
    archive_seq(archive, &rack->round_end);
    archive_u8(archive, &rack->multiplier, UINT8_MAX);
    archive_u8(archive, &rack->persist, RACK_PERSIST);
    archive_require(archive, rack->multiplier >= 1);
}
