// SPDX-License-Identifier: MIT
/* recovery.c: which episode a connection is in, and when one begins, ends, or turns out to have been a mistake.
 *
 *     OPEN <-> DISORDER --(judged lost, or enough duplicates)--> RECOVERY --(ack >= recovery_point)--> OPEN
 *        \____________________(timer)____________________________/--> LOSS --(ack >= recovery_point)--> OPEN
 *                                          ^--(a repair was lost)--/
 *
 * An episode covers what was outstanding when it began, up to recovery_point, and reduces the window once, whatever
 * more is found lost in it (RFC 6675 section 5, RFC 6582).
 *
 * With SACK the scoreboard judges what is lost, by time (rack.c) or by count. Without, three duplicates speak for the
 * first segment and each partial ACK for the next one; duplicates that a needless retransmission of the last episode
 * may have caused start no new one (guard).
 *
 * Loss is only inferred, so every episode remembers the window before it and looks for proof that it was spurious:
 *   - Eifel (RFC 3522): what was sent again is acknowledged with a timestamp older than the retransmission;
 *   - D-SACK (RFC 3708): the peer reports each retransmission as a duplicate, maybe after the episode's end;
 *   - F-RTO (RFC 5682): after a timeout, something arrives that was sent before it and never again.
 * Then the window is restored. Reordering that was seen raises the number of duplicates that count as loss.
 *
 * In fast recovery the window follows PRR (RFC 9937): as much goes out as arrives, in the proportion of the reduction.
 *
 * Owns:        struct recovery.
 * Invariants:  an undo is reported at most once per episode; frto is off outside LOSS; 3 <= reordering <= 127.
 * Not here:    records (scoreboard.c), the windows themselves (congestion/), timers and sending (the hands).
 */
#include "transport/tcp/recovery.h"

#include "base/archive.h"
#include "base/assert.h"
#include "base/math.h"

enum {
    REORDERING_MAX = 127, /* segments: a path that reorders farther is left to the timer */
    LIMITED_TRANSMITS = 2 /* RFC 3042: for the first two duplicates */
};

void tcpip__recovery_init(struct recovery *recovery)
{
    *recovery = (struct recovery){.state = TCPIP_TCP_OPEN, .reordering = RECOVERY_REORDERING_MIN};
}

/* Data came late by `bytes`: as many segments may overtake it the next time. */
static void recovery_learn_reordering(struct recovery *recovery, uint32_t bytes, uint32_t mss)
{
    uint32_t segments = (uint32_t)div_round_up(bytes, mss);
    recovery->reordering =
        (uint8_t)clamp_u32(segments, max_u32(recovery->reordering, RECOVERY_REORDERING_MIN), REORDERING_MAX);
}

/* Counts duplicates; true if this ACK is one. With SACK it is one that tells something new (RFC 6675 section 2, and
 * RFC 3042 of such): mere repetitions may answer our own needless retransmissions. */
static bool recovery_count_duplicate(struct recovery *recovery, const struct tcp_ack *facts, bool sack_enabled)
{
    if (facts->acked > 0) {
        recovery->duplicate_acks = 0;
        return false;
    }
    if (!(sack_enabled ? facts->sacked > 0 : facts->duplicate))
        return false;
    if (recovery->duplicate_acks < UINT8_MAX)
        recovery->duplicate_acks++;
    return true;
}

/* RFC 3522: the ACK of what was sent again carries a timestamp from before. */
static bool recovery_eifel(const struct recovery *recovery, const struct tcp_ack *facts)
{
    return recovery->has_first_retransmit_ts && facts->has_timestamp && facts->acked > 0 &&
           facts->acked_retransmitted && (int32_t)(facts->ts_ecr - recovery->first_retransmit_ts) < 0;
}

bool tcpip__recovery_was_in_vain(const struct recovery *recovery, const struct tcp_ack *facts)
{
    /* The network doubles segments too: of what can't have been sent again it says nothing. */
    return facts->dsack && !facts->dsack_of_probe && recovery->undo_possible && recovery->undo_retransmits > 0 &&
           seq_gt(facts->dsack_end, recovery->undo_una) && seq_leq(facts->dsack_end, recovery->undo_end);
}

/* RFC 3708: every retransmission was reported as a duplicate. */
static bool recovery_all_duplicates(struct recovery *recovery, const struct tcp_ack *facts, uint32_t mss)
{
    if (!tcpip__recovery_was_in_vain(recovery, facts))
        return false;
    uint32_t segments = max_u32((uint32_t)div_round_up(facts->dsack_bytes, mss), 1);
    recovery->undo_retransmits = sat_sub_u32(recovery->undo_retransmits, segments);
    return recovery->undo_retransmits == 0;
}

/* RFC 5682; with SACK section 3, without section 2. True: the timeout was spurious. */
static bool recovery_frto_step(struct recovery *recovery, const struct tcp_ack *facts, bool sack_enabled,
                               seqnum snd_nxt)
{
    if (recovery->frto == FRTO_OFF)
        return false;
    if (seq_geq(facts->ack, recovery->recovery_point)) { /* (2a): it says nothing about which copy arrived */
        recovery->frto = FRTO_OFF;
        return false;
    }
    /* Data sent after the timeout prove nothing. */
    if (facts->acked_original && seq_lt(facts->original_seq, recovery->recovery_point)) {
        if (sack_enabled)
            return true;
        /* Without SACK the peer may have kept those from before: it takes a second ACK, for no retransmission, while
         * new data that would otherwise have made duplicates were on their way. */
        if (recovery->frto == FRTO_SECOND && !facts->acked_retransmitted && seq_gt(snd_nxt, recovery->recovery_point))
            return true;
    }
    if (facts->acked > 0)
        recovery->frto = FRTO_SECOND;
    else if (facts->duplicate || facts->sacked > 0)
        recovery->frto = FRTO_OFF; /* (3a): there is a hole, the timeout was right */
    return false;
}

static uint8_t recovery_calm_state(const struct recovery *recovery, uint32_t sacked_bytes)
{
    return sacked_bytes > 0 || recovery->duplicate_acks > 0 ? TCPIP_TCP_DISORDER : TCPIP_TCP_OPEN;
}

static uint32_t recovery_undo(struct recovery *recovery, uint32_t sacked_bytes, bool sack_enabled, uint32_t mss)
{
    uint32_t action = recovery->state == TCPIP_TCP_LOSS ? RECOVERY_LOSS_UNDO : RECOVERY_UNDO;

    /* Without SACK nothing says how far data were reordered; at least farther than what was taken for loss. */
    if (recovery->state == TCPIP_TCP_RECOVERY && !sack_enabled && recovery->reordering < REORDERING_MAX)
        recovery->reordering++;
    recovery_learn_reordering(recovery, recovery->late_bytes, mss); /* it was late, not lost */
    recovery->undo_possible = false;
    recovery->frto = FRTO_OFF;
    recovery->duplicate_acks = 0;
    recovery->state = recovery_calm_state(recovery, sacked_bytes);
    return action;
}

/* OPEN and DISORDER: is this the beginning of an episode? */
static uint32_t recovery_judge(struct recovery *recovery, const struct tcp_ack *facts, bool sack_enabled,
                               uint32_t sacked_bytes, bool something_lost, bool duplicate)
{
    bool enough = recovery->duplicate_acks >= recovery->reordering && !facts->rack &&
                  (sack_enabled ? sacked_bytes > 0 : !recovery->guard);

    if (something_lost || enough) {
        recovery->prr_delivered = facts->delivered;
        return RECOVERY_ENTER | (something_lost ? 0 : RECOVERY_MARK_HEAD);
    }
    recovery->state = recovery_calm_state(recovery, sacked_bytes);
    return duplicate && recovery->duplicate_acks <= LIMITED_TRANSMITS ? RECOVERY_LIMITED_TRANSMIT : RECOVERY_NOTHING;
}

uint32_t tcpip__recovery_on_ack(struct recovery *recovery, const struct tcp_ack *facts, bool sack_enabled,
                                uint32_t sacked_bytes, uint32_t outstanding, uint32_t mss, bool something_lost,
                                seqnum snd_nxt)
{
    ASSERT(mss != 0);
    if (facts->reordered)
        recovery_learn_reordering(recovery, facts->reordering_bytes, mss);
    bool duplicate = recovery_count_duplicate(recovery, facts, sack_enabled);
    if (recovery->guard && seq_gt(facts->ack, recovery->recovery_point))
        recovery->guard = false;

    if (recovery->undo_possible) {
        recovery->late_bytes = max_u32(recovery->late_bytes, facts->late_bytes);
        bool spurious = recovery_all_duplicates(recovery, facts, mss);
        if (recovery_active(recovery))
            spurious |= recovery_eifel(recovery, facts);
        if (recovery->state == TCPIP_TCP_LOSS)
            spurious |= recovery_frto_step(recovery, facts, sack_enabled, snd_nxt);
        if (spurious)
            return recovery_undo(recovery, sacked_bytes, sack_enabled, mss);
    }
    if (!recovery_active(recovery))
        return recovery_judge(recovery, facts, sack_enabled, sacked_bytes, something_lost, duplicate);

    bool fast = recovery->state == TCPIP_TCP_RECOVERY;
    if (seq_geq(facts->ack, recovery->recovery_point)) {
        recovery->frto = FRTO_OFF;
        uint32_t next = recovery_judge(recovery, facts, sack_enabled, sacked_bytes, something_lost, false);
        return next != RECOVERY_NOTHING ? next : fast ? RECOVERY_EXIT : RECOVERY_NOTHING;
    }
    if (recovery_again(recovery, facts)) {
        recovery->frto = FRTO_OFF;
        recovery->prr_delivered = facts->delivered;
        return RECOVERY_ENTER;
    }
    if (!fast)
        return RECOVERY_NOTHING;
    recovery->prr_delivered = sat_add_u32(recovery->prr_delivered, facts->delivered);
    /* A partial ACK: what comes first now was sent before the retransmission that has just arrived. With SACK it is a
     * hole only if something above it was SACKed; RACK has seen to it. */
    if (facts->acked > 0 && outstanding > 0 && !something_lost && !facts->rack && (!sack_enabled || sacked_bytes > 0))
        return RECOVERY_MARK_HEAD;
    return RECOVERY_NOTHING;
}

/* A new episode, from this window. */
static void recovery_begin(struct recovery *recovery, seqnum snd_una, uint32_t cwnd, uint32_t ssthresh)
{
    recovery->undo_possible = true;
    recovery->undo_una = recovery->undo_end = snd_una;
    recovery->undo_retransmits = 0;
    recovery->timed_out = false;
    recovery->late_bytes = 0;
    recovery->undo_cwnd = cwnd;
    recovery->undo_ssthresh = ssthresh;
    recovery->has_first_retransmit_ts = false;
}

void tcpip__recovery_enter(struct recovery *recovery, seqnum snd_una, seqnum snd_nxt, uint32_t cwnd, uint32_t ssthresh,
                           uint32_t in_flight)
{
    recovery_begin(recovery, snd_una, cwnd, ssthresh);
    recovery->state = TCPIP_TCP_RECOVERY;
    recovery->recovery_point = snd_nxt;
    recovery->guard = true;
    recovery->prr_out = 0;
    recovery->prr_recover_fs = max_u32(in_flight, 1);
}

bool tcpip__recovery_on_rto(struct recovery *recovery, seqnum snd_una, seqnum snd_nxt, uint32_t cwnd, uint32_t ssthresh,
                            bool in_a_row, bool frto_allowed)
{
    ASSERT(seq_leq(snd_una, snd_nxt));
    /* In the middle of an episode F-RTO has nothing to say: what was sent again before the timeout can't be told from
     * what is sent again after it (RFC 5682 section 2.1). */
    bool fresh = !recovery_active(recovery);
    /* One reduction for one window of data: a timeout within fast recovery, or one in a row of them, is still about
     * what the episode began with, and an undo goes back to its beginning (RFC 5681 section 3.1). A timeout after
     * progress is about what was sent since. */
    bool reduces =
        fresh || seq_geq(snd_una, recovery->recovery_point) || (recovery->state == TCPIP_TCP_LOSS && !in_a_row);
    if (reduces)
        recovery_begin(recovery, snd_una, cwnd, ssthresh);
    if (fresh)
        recovery->reordering = RECOVERY_REORDERING_MIN; /* waiting for more duplicates cost a timeout */
    recovery->frto = fresh && frto_allowed ? FRTO_FIRST : FRTO_OFF;
    recovery->timed_out = true;
    recovery->state = TCPIP_TCP_LOSS;
    recovery->recovery_point = snd_nxt;
    recovery->guard = true;
    recovery->duplicate_acks = 0;
    return reduces;
}

void tcpip__recovery_retransmitted(struct recovery *recovery, seqnum end, uint32_t bytes, uint32_t segments,
                                   uint32_t ts)
{
    if (!recovery_active(recovery) || bytes == 0)
        return;
    if (!recovery->has_first_retransmit_ts) {
        recovery->has_first_retransmit_ts = true;
        recovery->first_retransmit_ts = ts;
    }
    recovery->undo_end = seq_max(recovery->undo_end, end);
    recovery->undo_retransmits = sat_add_u32(recovery->undo_retransmits, segments);
}

void tcpip__recovery_sent(struct recovery *recovery, uint32_t bytes)
{
    if (recovery->state == TCPIP_TCP_RECOVERY)
        recovery->prr_out = sat_add_u32(recovery->prr_out, bytes);
}

uint32_t tcpip__recovery_prr_cwnd(const struct recovery *recovery, const struct tcp_ack *facts, uint32_t ssthresh,
                                  uint32_t mss)
{
    uint64_t may_have_gone, send;

    if (facts->delivered == 0 && recovery->prr_out > 0)
        return facts->in_flight;
    if (facts->in_flight > ssthresh) {
        may_have_gone = div_round_up((uint64_t)recovery->prr_delivered * ssthresh, recovery->prr_recover_fs);
        send = sat_sub_u64(may_have_gone, recovery->prr_out);
    } else {
        /* Conservative: what arrived. When the ACK advances and shows no new loss, a segment more per ACK, as in slow
         * start, until ssthresh is reached. */
        bool safe = facts->acked > 0 && facts->lost == 0;
        send = max_u64(sat_sub_u64(recovery->prr_delivered, recovery->prr_out), facts->delivered);
        send = min_u64(send + (safe ? mss : 0), ssthresh - facts->in_flight);
    }
    if (recovery->prr_out == 0)
        send = max_u64(send, mss); /* the fast retransmission itself always goes */
    return sat_u32(facts->in_flight + send);
}

void tcpip__recovery_archive(struct archive *archive, struct recovery *recovery)
{
    archive_u8(archive, &recovery->state, TCPIP_TCP_LOSS);
    archive_u8(archive, &recovery->duplicate_acks, UINT8_MAX);
    archive_u8(archive, &recovery->reordering, REORDERING_MAX);
    archive_bool(archive, &recovery->guard);
    archive_seq(archive, &recovery->recovery_point);
    archive_u32(archive, &recovery->prr_delivered);
    archive_u32(archive, &recovery->prr_out);
    archive_u32(archive, &recovery->prr_recover_fs);
    archive_require(archive, recovery->reordering >= RECOVERY_REORDERING_MIN);
    archive_require(archive, recovery->prr_recover_fs > 0 || recovery->state != TCPIP_TCP_RECOVERY);
}
