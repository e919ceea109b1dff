// SPDX-License-Identifier: MIT
/* tcp_ack.c: one ACK, from the wire to the next transmission, in ten stops.
 *
 *    1 acceptable?        RFC 5961 5.2: not of the future, not too old
 *    2 facts              one struct, filled as we go, read by all that follow
 *    3 window             RFC 9293 3.10.7.4: SND.WND, WL1, WL2
 *    4 cumulative         records and bytes up to SEG.ACK are done; the FIN may be among them
 *    5 selective          SACK blocks, D-SACK (RFC 2018, 2883)
 *    6 round trip         RFC 6298, from a record sent once, else from the timestamp
 *    7 rate               delivery rate
 *      marks              ECN: what the peer saw marked (RFC 3168, 9768)
 *    8 loss               RACK judges (RFC 8985), or RFC 6675's count; recovery decides: enter, leave, undo
 *    9 congestion         the controller sees the facts; PRR paces a recovery
 *   10 timers, waiters    RFC 6298 5; Out is news when room was missed
 *
 * Nothing is sent from here: the endpoint is marked dirty and the turn's end sends.
 *
 * Owns:     snd_una, snd_wnd and their kin.
 * Not here: what the ACK's data mean (tcp_input.c), what to send (tcp_send.c). */
#include "transport/tcp/tcp_clock.h"
#include "transport/tcp/tcp_mtu.h"

/* Stop 1. False: the packet is gone. */
static bool ack_acceptable(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    if (seq_gt(segment->ack, ep->snd_nxt)) {
        tcpip__tcp_challenge_ack(ep, segment->now);
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_BAD_ACK);
        return false;
    }
    /* Blind data injection: an ACK from before the largest window we ever saw isn't the peer's. */
    if (seq_lt(segment->ack, seq_sub(ep->snd_una, max_u32(ep->snd_wnd_max, 1)))) {
        tcpip__tcp_challenge_ack(ep, segment->now);
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_BAD_ACK);
        return false;
    }
    return true;
}

/* Stop 2. */
static void ack_begin(const struct tcp_endpoint *ep, const struct tcp_segment *segment, struct tcp_ack *facts)
{
    *facts = (struct tcp_ack){
        .now = segment->now,
        .ack = segment->ack,
        .prior_una = ep->snd_una,
        .acked = seq_gt(segment->ack, ep->snd_una) ? seq_size(ep->snd_una, segment->ack) : 0,
        .prior_in_flight = tcp_in_flight(ep),
        .rtt_ns = -1,
        .sacked_rtt_ns = -1,
        .has_data = segment->length > 0,
        .window_changed = segment->window << ep->snd_wscale != ep->snd_wnd,
        .has_timestamp = ep->ts_on && segment->has_ts,
        .ts_ecr = segment->ts_ecr,
        .rack = tcp_rack(ep),
        .min_rtt_ns = ep->rtt.min_rtt_ns > 1 ? ep->rtt.min_rtt_ns : 0, /* 1: the clock stood still */
        .echoed_by = TCPIP_NEVER,
    };
    if (facts->has_timestamp && facts->ts_ecr != 0) {
        int32_t ms = (int32_t)(timestamp_clock(facts->now, ep->ts_offset) - facts->ts_ecr);
        facts->echoed_by = (facts->now / TCPIP_MS - ms + 1) * TCPIP_MS;
    }
    facts->duplicate = seq_eq(segment->ack, ep->snd_una) && segment->length == 0 &&
                       (segment->flags & (TCPIP_TCP_SYN | TCPIP_TCP_FIN)) == 0 && !facts->window_changed &&
                       ep->hot != NULL && ep->hot->board.count > 0;
}

/* Stop 3. */
void tcpip__tcp_window_update(struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    /* Only from a segment newer than the last one that was used (WL1, WL2): an old duplicate must not shrink the
     * window. */
    if (!seq_lt(ep->snd_wl1, segment->seq) &&
        !(seq_eq(ep->snd_wl1, segment->seq) && seq_leq(ep->snd_wl2, segment->ack)))
        return;
    uint32_t window = segment->window << ep->snd_wscale;
    if (window == 0 && ep->snd_wnd != 0)
        tcp_stats(ep)->zero_window_received++;
    if (window > ep->snd_wnd || (window > 0 && ep->snd_wnd == 0))
        endpoint_mark_dirty(ep->base);
    if (window > seq_size(ep->snd_una, ep->snd_nxt))
        tcpip__tcp_timers_on_window_open(ep);
    ep->snd_wnd = window;
    ep->snd_wnd_max = max_u32(ep->snd_wnd_max, window);
    ep->snd_wl1 = segment->seq;
    ep->snd_wl2 = segment->ack;
}

/* The first `bytes` of the queue have arrived, and nobody asks for them again. */
static always_inline void ack_forget(struct tcp_endpoint *ep, struct tcp_stack *tcp, const struct tcp_ack *facts,
                                     uint32_t bytes)
{
    send_queue_release(&ep->send_queue, &tcp->send_chunks, bytes);
    ep->bytes_acked += bytes;
    error_queue_acked(ep->base, ep->bytes_acked);
    ep->snd_una = facts->ack;
}

/* Stop 4. `newest`: the record delivered that was sent last. */
static bool ack_cumulative(struct tcp_endpoint *ep, struct tcp_ack *facts, struct record *newest)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    bool found = false;
    if (facts->acked == 0)
        return false;
    if (ep->hot != NULL) {
        struct scoreboard *board = &ep->hot->board;
        found = tcpip__scoreboard_acked(board, &tcp->records, facts->ack, facts, newest);
        if (!ep->sack_on) {
            /* What duplicate ACKs stood for was counted as delivered when they came. */
            uint32_t stood_for = board->reno_sacked_bytes;
            tcpip__scoreboard_reno_acked(board, facts->acked, ep->snd_mss);
            facts->delivered = sat_sub_u32(facts->delivered, stood_for - board->reno_sacked_bytes);
        }
    }
    uint32_t bytes = facts->acked;
    if (ep->fin_sent && !ep->fin_acked && seq_eq(facts->ack, ep->snd_nxt)) {
        ep->fin_acked = true;
        bytes--;
    }
    ack_forget(ep, tcp, facts, bytes);
    return found;
}

/* RFC 2883 4: the first block is a duplicate's if it lies below the cumulative ACK, or inside the second block. */
static bool ack_is_dsack(const struct tcpip_tcp_options *options, seqnum ack)
{
    const struct tcpip_tcp_sack_block *first = &options->sack[0];
    if (!seq_lt(seq(first->start), seq(first->end)))
        return false; /* no block at all: its length would undo any recovery */
    if (seq_leq(seq(first->end), ack))
        return true;
    return options->sack_count > 1 && seq_geq(seq(first->start), seq(options->sack[1].start)) &&
           seq_leq(seq(first->end), seq(options->sack[1].end));
}

/* Stop 5. */
static bool ack_selective(struct tcp_endpoint *ep, const struct tcp_segment *segment, struct tcp_ack *facts,
                          struct record *newest)
{
    const struct tcpip_tcp_options *options = &segment->options;
    if (!ep->sack_on || (options->present & TCPIP_TCP_HAS_SACK) == 0 || options->sack_count == 0)
        return false;
    struct tcpip_tcp_sack_block blocks[TCPIP_TCP_SACK_BLOCKS_MAX];
    unsigned i = 0, count = 0;
    bool found = false;
    facts->has_sack = true;
    if (ack_is_dsack(options, segment->ack)) {
        facts->dsack = true;
        facts->dsack_bytes = seq_size(seq(options->sack[0].start), seq(options->sack[0].end));
        facts->dsack_end = seq(options->sack[0].end);
        ep->dsack_duplicates++;
        tcp_stats(ep)->dsack_received++;
        i = 1;
    }
    for (; i < options->sack_count && ep->hot != NULL; i++) {
        struct tcpip_tcp_sack_block block = options->sack[i];
        /* A block that isn't within what is outstanding is a lie or long past. */
        if (!seq_lt(seq(block.start), seq(block.end)) || seq_gt(seq(block.end), ep->snd_nxt) ||
            seq_leq(seq(block.end), ep->snd_una)) {
            tcp_stats(ep)->sack_invalid++;
            continue;
        }
        unsigned k = count++;
        for (; k > 0 && seq_lt(seq(block.start), seq(blocks[k - 1].start)); k--)
            blocks[k] = blocks[k - 1];
        blocks[k] = block;
    }
    /* The lowest first: else it would seem that they came later than the higher ones. */
    for (i = 0; i < count; i++)
        found |= tcpip__scoreboard_sack(&ep->hot->board, &tcp_stack_of(ep->base->stack)->records, seq(blocks[i].start),
                                        seq(blocks[i].end), ep->snd_mss, facts, newest);
    return found;
}

/* Stop 6. RFC 7323 4.1 lets the echo of a timestamp stand in where Karn's rule forbids the rest. */
static void ack_round_trip(struct tcp_endpoint *ep, struct tcp_ack *facts)
{
    tcpip_ns sample_ns = facts->rtt_ns >= 0 ? facts->rtt_ns : facts->sacked_rtt_ns;
    if (sample_ns < 0 && facts->acked > 0 && facts->has_timestamp && facts->ts_ecr != 0)
        sample_ns = tcp_echo_rtt(ep, facts->ts_ecr, facts->now);
    if (sample_ns < 0)
        return;
    facts->rtt_ns = sample_ns;
    struct rtt_bounds bounds = tcp_rtt_bounds(ep);
    tcpip__rtt_sample(&ep->rtt, sample_ns, ep->snd_una.v, ep->snd_nxt.v, &bounds, facts->now);
    tlp_measured(&ep->hot->tlp);
    EVENT(ep->base->stack, TCP_RTT, ep->base->id, sample_ns, ep->rtt.srtt_ns, ep->rtt.rttvar_ns, ep->rtt.rto_ns);
}

bool tcpip__tcp_accecn(const struct tcpip_tcp_options *options, struct ecn_counters *out)
{
    if ((options->present & TCPIP_TCP_HAS_ACCECN) == 0)
        return false;
    *out = (struct ecn_counters){.kind = options->accecn_kind, .count = options->accecn_count};
    for (unsigned i = 0; i < out->count; i++)
        out->value[i] = options->accecn[i];
    return true;
}

/* Marks that the ACK tells of. An ACK that was overtaken tells nothing new. */
static void ack_marks(struct tcp_endpoint *ep, const struct tcp_segment *segment, struct tcp_ack *facts)
{
    if (ep->ecn.mode == ECN_OFF || seq_lt(facts->ack, facts->prior_una))
        return;
    const struct tcpip_tcp_options *options = &segment->options;
    uint32_t ce_bytes = UINT32_MAX;
    struct ecn_counters counters;
    if (tcpip__tcp_accecn(options, &counters))
        tcpip__ecn_option_received(&ep->ecn, &counters, &ce_bytes);
    bool pure = segment->length == 0 && (options->present & TCPIP_TCP_HAS_SACK) == 0;
    facts->ecn_marked =
        tcpip__ecn_ack_received(&ep->ecn, segment->flags, pure, facts->delivered, ep->snd_mss, ce_bytes);
    if (unlikely(ep->ecn.handshake_ce)) { /* before there was a window to halve */
        ep->ecn.handshake_ce = false;
        ep->congestion.cwnd = min_u32(ep->congestion.cwnd, ep->snd_mss);
    }
    if (facts->ecn_marked > 0)
        tcp_stats(ep)->ecn_echo_received++;
}

/* Was the window in the sender's way? In slow start one more than half used may double (as Linux): it can't have been
 * long before it was. */
static bool ack_cwnd_limited(const struct tcp_endpoint *ep)
{
    return ep->cwnd_limited ||
           (ep->congestion.cwnd < ep->congestion.ssthresh && ep->congestion.cwnd < 2 * (uint64_t)ep->cwnd_used);
}

static void congestion_facts(const struct tcp_endpoint *ep, const struct tcp_ack *facts,
                             struct tcpip_congestion_ack *out)
{
    /* As Linux: what was SACKed before has been counted; and an ACK of data out of order isn't a sign of health, unless
     * the path is known to reorder. */
    bool grow = facts->acked > 0 || ep->hot->recovery.reordering > RECOVERY_REORDERING_MIN;
    const struct loss_share *worst = &ep->hot->board.worst;
    *out = (struct tcpip_congestion_ack){
        .now = facts->now,
        .delivered = ep->hot->rate.delivered,
        .acked = grow ? facts->delivered : 0,
        .newly_delivered = facts->delivered,
        .newly_lost = facts->lost,
        .in_flight = facts->in_flight,
        .prior_in_flight = facts->prior_in_flight,
        .snd_una = ep->snd_una.v,
        .snd_nxt = ep->snd_nxt.v,
        .mss = ep->snd_mss,
        .rtt_ns = facts->rtt_ns,
        .srtt_ns = ep->rtt.srtt_ns,
        .min_rtt_ns = ep->rtt.min_rtt_ns,
        .delivery_rate = facts->rate_bytes_per_second,
        .app_limited = facts->app_limited,
        .cwnd_limited = ack_cwnd_limited(ep),
        .prior_delivered = facts->prior_delivered,
        .tx_in_flight = facts->tx_in_flight,
        .lost_since = facts->has_sample ? ep->hot->board.lost_ever - facts->lost_before : 0,
        .loss_bytes = worst->bytes,
        .loss_tx_in_flight = worst->tx_in_flight,
        .loss_since = worst->lost,
        .loss_app_limited = worst->app_limited,
        .has_sack = ep->sack_on,
        .in_recovery = ep->hot->recovery.state == TCPIP_TCP_RECOVERY || ecn_reducing(&ep->ecn, ep->snd_una),
        .ecn_echo = facts->ecn_marked > 0,
        .ecn_marked = facts->ecn_marked,
    };
}

/* The end of an episode: the window is what the controller made of it, however far the pipe has drained meanwhile (RFC
 * 9937 section 6). */
static void ack_end_reduction(struct tcp_endpoint *ep)
{
    struct tcpip_congestion *congestion = &ep->congestion;
    if (!congestion->ops->owns_recovery && congestion->ssthresh != TCPIP_SSTHRESH_INFINITE)
        congestion->cwnd = max_u32(congestion->ssthresh, ep->snd_mss);
}

/* The probe of a lost tail may have been the repair (RFC 8985 7.4). */
static void ack_tail(struct tcp_endpoint *ep, struct tcp_ack *facts)
{
    struct tcpip_congestion *congestion = &ep->congestion;
    struct tcpip_congestion_ack seen;
    if (tcpip__tlp_on_ack(&ep->hot->tlp, facts) != TLP_REPAIRED)
        return;
    /* A recovery that begins and ends with this ACK. */
    congestion_facts(ep, facts, &seen);
    congestion->ops->on_recovery(congestion, &seen);
    ack_end_reduction(ep);
    tcp_stats(ep)->tail_loss_recoveries++;
}

static void ack_undo(struct tcp_endpoint *ep, const struct tcp_ack *facts)
{
    struct tcpip_congestion *congestion = &ep->congestion;
    const struct recovery *recovery = &ep->hot->recovery;
    tcpip__scoreboard_clear_lost(&ep->hot->board);
    congestion->cwnd = max_u32(congestion->cwnd, recovery->undo_cwnd);
    congestion->ssthresh = max_u32(congestion->ssthresh, recovery->undo_ssthresh);
    if (congestion->ops->on_undo != NULL)
        congestion->ops->on_undo(congestion, facts->now);
    tcp_stats(ep)->spurious_recovery++;
    EVENT(ep->base->stack, TCP_UNDO, ep->base->id, 0, congestion->cwnd, 0, 0);
}

static void ack_enter_recovery(struct tcp_endpoint *ep, struct tcp_ack *facts)
{
    struct tcp_hot *hot = ep->hot;
    struct tcpip_congestion *congestion = &ep->congestion;
    struct tcpip_congestion_ack seen;
    tcpip__tlp_cancel(&hot->tlp);
    if (!ep->sack_on || hot->board.lost_bytes == 0)
        facts->lost +=
            tcpip__scoreboard_mark_head_lost(&hot->board, &tcp_stack_of(ep->base->stack)->records, ep->snd_mss);
    tcpip__recovery_enter(&hot->recovery, ep->snd_una, ep->snd_nxt, congestion->cwnd, congestion->ssthresh,
                          facts->prior_in_flight);
    facts->in_flight = scoreboard_in_flight(&hot->board);
    congestion_facts(ep, facts, &seen);
    seen.ecn_echo = false;
    if (tcp_option(ep, TCPIP_OPTION_CWND_VALIDATION) != 0)
        congestion->cwnd = max_u32(tcpip__cwv_at_loss(&ep->cwv, congestion->cwnd, facts->prior_in_flight), ep->snd_mss);
    if (!ecn_reducing(&ep->ecn, ep->snd_una)) /* marks in this very window have had it reduced (RFC 3168 6.1.2) */
        congestion->ops->on_recovery(congestion, &seen);
    tcpip__ecn_reduced_by_loss(&ep->ecn);
    tcp_stats(ep)->fast_recovery++;
    if (ep->sack_on)
        tcp_stats(ep)->sack_recovery++;
}

tcpip_ns tcpip__tcp_reordering_window(const struct tcp_endpoint *ep, bool in_recovery)
{
    const struct tcp_hot *hot = ep->hot;
    struct rack_path path = {
        .min_rtt_ns = ep->rtt.min_rtt_ns,
        .srtt_ns = ep->rtt.srtt_ns,
        .sacked_segments = hot->board.sacked_segments,
        .in_recovery = in_recovery,
        .mode = tcp_option(ep, TCPIP_OPTION_RACK),
    };
    return tcpip__rack_window(&hot->rack, &path);
}

/* RACK's judgement of what is in flight now: facts->lost, lost_again. */
static void ack_judge_by_time(struct tcp_endpoint *ep, struct tcp_ack *facts)
{
    tcpip_ns now = facts->now;
    struct tcp_hot *hot = ep->hot;
    const struct rack *rack = &hot->rack;
    if (!rack->newest.known)
        return;
    if (list_empty(&hot->board.flight)) {
        tcpip__tcp_timers_on_judged(ep, TCPIP_NEVER);
        return;
    }
    tcpip_ns window_ns = tcpip__tcp_reordering_window(ep, recovery_active(&hot->recovery));
    struct time_judgement judgement =
        tcpip__scoreboard_mark_lost_by_time(&hot->board, &rack->newest, rack_sent_by(rack, window_ns, now));
    tcpip__tcp_timers_on_judged(ep, judgement.spared ? rack_deadline(rack, window_ns, judgement.spared_sent_at)
                                                     : TCPIP_NEVER);
    tcp_stats(ep)->rack_losses += div_round_up(judgement.lost, ep->snd_mss);
    tcp_stats(ep)->lost_retransmits += div_round_up(judgement.lost_retransmitted, ep->snd_mss);
    facts->lost += judgement.lost;
    facts->lost_again += judgement.lost_retransmitted;
}

/* Stop 8. */
static void ack_losses(struct tcp_endpoint *ep, struct tcp_ack *facts)
{
    struct tcp_hot *hot = ep->hot;
    struct scoreboard *board = &hot->board;
    uint8_t before = hot->recovery.state;
    facts->late =
        facts->dsack && facts->rack && !hot->recovery.timed_out && tcpip__recovery_was_in_vain(&hot->recovery, facts);
    ep->reorderings += facts->reordered || facts->late;
    if (!ep->sack_on && facts->duplicate) {
        tcpip__scoreboard_reno_duplicate(board, ep->snd_mss);
        facts->delivered += ep->snd_mss; /* what the duplicate stands for (RFC 9937's DeliveredData without SACK) */
    }
    if (facts->rack) {
        tcpip__rack_on_ack(&hot->rack, facts, ep->snd_nxt);
        ack_judge_by_time(ep, facts);
    } else if (ep->sack_on && board->sacked_bytes > 0)
        facts->lost += tcpip__scoreboard_mark_lost(board, hot->recovery.reordering, ep->snd_mss);
    bool lost = board->lost_bytes > 0;
    if (unlikely(ep->search != NULL) && tcpip__tcp_probe_judge(ep, facts))
        lost = false;
    uint32_t sacked = ep->sack_on ? board->sacked_bytes : board->reno_sacked_bytes;
    uint32_t actions = tcpip__recovery_on_ack(&hot->recovery, facts, ep->sack_on, sacked, board->outstanding_bytes,
                                              ep->snd_mss, lost, ep->snd_nxt);
    if (before >= TCPIP_TCP_RECOVERY && (!recovery_active(&hot->recovery) || (actions & RECOVERY_ENTER)))
        tcpip__rack_on_exit(&hot->rack);
    if (actions & RECOVERY_UNDO)
        tcpip__rack_on_undo(&hot->rack);
    if (actions & (RECOVERY_UNDO | RECOVERY_LOSS_UNDO))
        ack_undo(ep, facts);
    if (actions & RECOVERY_ENTER)
        ack_enter_recovery(ep, facts);
    if (actions & RECOVERY_MARK_HEAD)
        facts->lost += tcpip__scoreboard_mark_head_lost(board, &tcp_stack_of(ep->base->stack)->records, ep->snd_mss);
    if (actions & RECOVERY_EXIT)
        ack_end_reduction(ep);
    if (actions & RECOVERY_LIMITED_TRANSMIT)
        tcp_stats(ep)->limited_transmit++;
    if (before != hot->recovery.state)
        EVENT(ep->base->stack, TCP_RECOVERY, ep->base->id, before, hot->recovery.state,
              hot->recovery.recovery_point.v - ep->iss.v, actions);
    facts->in_flight = scoreboard_in_flight(board);
}

/* Nothing that a controller who has on_spare_ack would look at. */
static bool ack_is_spare(const struct tcp_endpoint *ep, const struct tcp_ack *facts)
{
    return !ack_cwnd_limited(ep) && facts->ecn_marked == 0 && !recovery_active(&ep->hot->recovery) &&
           !ecn_reducing(&ep->ecn, ep->snd_una);
}

/* The controller has seen it. */
static void ack_congestion_done(struct tcp_endpoint *ep, const struct tcp_ack *facts)
{
    ep->hot->board.worst = (struct loss_share){0};
    if (tcp_option(ep, TCPIP_OPTION_CWND_VALIDATION) != 0)
        tcpip__cwv_on_ack(&ep->cwv, facts->delivered, ep->congestion.cwnd, ep->rtt.srtt_ns, facts->now);
}

static void ack_congestion_event(const struct tcp_endpoint *ep)
{
    EVENT(ep->base->stack, TCP_CONGESTION, ep->base->id, ep->congestion.cwnd, ep->congestion.ssthresh,
          ep->congestion.pacing_rate, ep->hot->recovery.state);
}

/* Stop 9. */
static void ack_congestion(struct tcp_endpoint *ep, const struct tcp_ack *facts)
{
    struct tcpip_congestion *congestion = &ep->congestion;
    struct tcpip_congestion_ack seen;
    if (facts->delivered == 0 && facts->acked == 0)
        return;
    if (congestion->ops->on_spare_ack != NULL && ack_is_spare(ep, facts)) {
        congestion->ops->on_spare_ack(congestion, facts->now);
        ack_congestion_done(ep, facts);
        ack_congestion_event(ep);
        return;
    }
    congestion_facts(ep, facts, &seen);
    bool own = congestion->ops->owns_recovery, active = recovery_active(&ep->hot->recovery);
    bool reduce = facts->ecn_marked > 0 && !active && !seen.in_recovery;
    seen.in_recovery |= reduce && !own;
    congestion->ops->on_ack(congestion, &seen);
    ack_congestion_done(ep, facts);
    if (reduce && tcpip__ecn_reduce(&ep->ecn, ep->snd_una, ep->snd_nxt, congestion->cwnd)) {
        if (!own)
            congestion->ops->on_recovery(congestion, &seen);
        tcp_stats(ep)->ecn_reductions++;
    }
    if (ep->hot->recovery.state == TCPIP_TCP_RECOVERY && !own)
        congestion->cwnd = max_u32(
            tcpip__recovery_prr_cwnd(&ep->hot->recovery, facts, congestion->ssthresh, ep->snd_mss), ep->snd_mss);
    else if (!active && !own && ecn_reducing(&ep->ecn, ep->snd_una))
        congestion->cwnd =
            max_u32(tcpip__ecn_cwnd(&ep->ecn, congestion->cwnd, congestion->ssthresh, facts->delivered), ep->snd_mss);
    ack_congestion_event(ep);
}

void tcpip__tcp_reordering_over(struct tcp_endpoint *ep, tcpip_ns now)
{
    struct tcp_hot *hot = ep->hot;
    if (hot == NULL || !tcp_rack(ep))
        return;
    struct tcp_ack facts = {
        .now = now,
        .ack = ep->snd_una,
        .prior_una = ep->snd_una,
        .prior_in_flight = tcp_in_flight(ep),
        .rtt_ns = -1,
        .sacked_rtt_ns = -1,
        .rack = true,
    };
    ack_judge_by_time(ep, &facts);
    if (facts.lost == 0)
        return;
    tcp_stats(ep)->rack_timeouts++;
    if (unlikely(ep->search != NULL) && tcpip__tcp_probe_judge(ep, &facts)) {
        endpoint_mark_dirty(ep->base);
        return;
    }
    if (!recovery_active(&hot->recovery) || recovery_again(&hot->recovery, &facts)) {
        uint8_t before = hot->recovery.state;
        hot->recovery.prr_delivered = 0;
        ack_enter_recovery(ep, &facts);
        EVENT(ep->base->stack, TCP_RECOVERY, ep->base->id, before, hot->recovery.state,
              hot->recovery.recovery_point.v - ep->iss.v, RECOVERY_ENTER);
    }
    /* Many losses found at once, as with a clock that ticks seldom, are no reason for a burst: what arrives meanwhile
     * lets them go one by one, as if an ACK had told of them. One goes now, so that something arrives. */
    if (hot->recovery.state == TCPIP_TCP_RECOVERY && !ep->congestion.ops->owns_recovery)
        ep->congestion.cwnd = min_u32(ep->congestion.cwnd, sat_add_u32(scoreboard_in_flight(&hot->board), ep->snd_mss));
    endpoint_mark_dirty(ep->base);
}

/* Our FIN was among what was acknowledged. */
static void ack_fin(struct tcp_endpoint *ep, bool fin_was_acked)
{
    if (!ep->fin_acked || fin_was_acked)
        return;
    endpoint_notify(ep->base, TCPIP_EVENT_OUT); /* who lingers before closing waits for this, as on Linux */
    if (ep->state == TCPIP_TCP_FIN_WAIT_1) {
        tcpip__tcp_event(ep, TCP_EVENT_FIN_ACKED);
        tcpip__tcp_timers_on_fin_wait_2(ep);
    } else if (ep->state == TCPIP_TCP_CLOSING) {
        tcpip__tcp_event(ep, TCP_EVENT_FIN_ACKED);
        if (ep->ack_now) /* the peer's FIN came in this very turn, and nobody else will flush */
            tcpip__tcp_output_ack(ep);
        tcpip__tcp_time_wait_enter(ep);
    } else if (ep->state == TCPIP_TCP_LAST_ACK) {
        tcpip__tcp_event(ep, TCP_EVENT_FIN_ACKED);
        tcp_stats(ep)->established_closed++;
        tcpip__tcp_die(ep);
        endpoint_notify(ep->base, TCPIP_EVENT_OUT | TCPIP_EVENT_HUP);
    }
}

/* The peer lives, and hears us. */
static void ack_progress(struct tcp_endpoint *ep)
{
    ep->soft_error = TCPIP_OK;
    ep->more_coming = false; /* as Linux: MSG_MORE holds back for as long as nothing is acknowledged */
    tcpip__route_confirm(&ep->route);
}

/* Stop 10. */
static void ack_room(struct tcp_endpoint *ep)
{
    tcpip__tcp_tune_send_buffer(ep);
    tcpip__tcp_tell_room(ep);
}

bool tcpip__tcp_ack(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    struct tcp_ack facts;
    struct record newest;
    if (!ack_acceptable(ep, segment))
        return false;
    tcpip__tcp_note_timestamp(ep, segment);
    ack_begin(ep, segment, &facts);
    tcpip__tcp_window_update(ep, segment);
    bool fin_was_acked = ep->fin_acked;
    bool any = ack_cumulative(ep, &facts, &newest);
    any |= ack_selective(ep, segment, &facts, &newest);
    ack_marks(ep, segment, &facts);
    if (facts.duplicate)
        tcp_stats(ep)->duplicate_acks_received++;
    if (ep->hot != NULL)
        ack_tail(ep, &facts);
    if (ep->hot != NULL && (facts.acked > 0 || facts.delivered > 0 || facts.duplicate || facts.dsack)) {
        ack_round_trip(ep, &facts);
        tcpip__rate_on_ack(&ep->hot->rate, any ? &newest : NULL, ep->rtt.min_rtt_ns, &facts);
        ack_losses(ep, &facts);
        ack_congestion(ep, &facts);
        if (tcp_mtu_listens(ep))
            tcpip__tcp_mtu_on_ack(ep, &facts, any ? &newest : NULL);
        EVENT(ep->base->stack, TCP_ACK, ep->base->id, facts.acked, facts.sacked, facts.lost, facts.in_flight);
        endpoint_mark_dirty(ep->base);
    }
    if (facts.acked > 0)
        ack_progress(ep);
    if (facts.acked > 0 || facts.sacked > 0)
        ack_room(ep);
    tcpip__tcp_timers_on_ack(ep, facts.acked > 0);
    if (facts.sack_reneged)
        tcpip__tcp_timers_on_reneging(ep);
    ack_fin(ep, fin_was_acked);
    return true;
}

/* All that is under way has arrived, one record that nothing has happened to: stops 5 and 8 have nothing to say. */
static void ack_lone(struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    struct tcp_hot *hot = ep->hot;
    uint32_t acked = seq_size(ep->snd_una, segment->ack);
    struct tcp_ack facts = {
        .now = segment->now,
        .ack = segment->ack,
        .prior_una = ep->snd_una,
        .acked = acked,
        .prior_in_flight = acked,
        .sacked_rtt_ns = -1,
        .rack = true,
    };
    struct record *newest = tcpip__scoreboard_take_lone(&hot->board, &facts);
    ack_forget(ep, tcp, &facts, acked);
    ack_round_trip(ep, &facts);
    tcpip__rate_on_ack(&hot->rate, newest, ep->rtt.min_rtt_ns, &facts);
    tcpip__rack_on_ack(&hot->rack, &facts, ep->snd_nxt);
    ack_congestion(ep, &facts);
    if (tcp_mtu_listens(ep))
        tcpip__tcp_mtu_on_ack(ep, &facts, newest);
    pool_put(&tcp->records, newest);
    EVENT(ep->base->stack, TCP_ACK, ep->base->id, facts.acked, facts.sacked, facts.lost, facts.in_flight);
    ack_progress(ep);
    ack_room(ep);
}

void tcpip__tcp_ack_predicted(struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    bool progress = !seq_eq(segment->ack, ep->snd_una);
    tcpip__tcp_note_timestamp(ep, segment);
    tcpip__tcp_window_update(ep, segment);
    if (progress)
        ack_lone(ep, segment);
    tcpip__tcp_timers_on_ack(ep, progress);
    if (!progress)
        return;
    if (ep->send_queue.bytes > 0 || ep->fin_queued) {
        endpoint_mark_dirty(ep->base);
        return;
    }
    /* All was sent and has arrived: a flush would find nothing to do but this. */
    ep->force_partial = false;
    tcpip__chrono_set(&ep->chrono, CHRONO_IDLE, segment->now);
}

const struct tcpip_congestion_ops *tcpip__tcp_congestion_ops(const struct tcp_endpoint *ep)
{
    return ep->congestion.ops != NULL ? ep->congestion.ops : tcpip__congestion_default(ep->base->stack);
}

void tcpip__tcp_congestion_start(struct tcp_endpoint *ep, const struct tcpip_congestion_ops *ops)
{
    struct tcpip_stack *stack = ep->base->stack;
    ep->congestion.ops = ops != NULL ? ops : tcpip__congestion_default(stack);
    ep->congestion.mss = ep->snd_mss;
    ep->congestion.pacing_rate = 0;
    ep->ecn.exact = ep->congestion.ops->exact_ecn;
    if (ep->hot != NULL) {
        memset(ep->hot->congestion_state, 0, sizeof(ep->hot->congestion_state));
        uint32_t cwnd = ep->congestion.cwnd, ssthresh = ep->congestion.ssthresh;
        ep->congestion.ops->init(&ep->congestion, tcpip__stack_now(stack));
        ep->congestion.cwnd = cwnd;
        ep->congestion.ssthresh = ssthresh;
    }
}
