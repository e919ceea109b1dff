// SPDX-License-Identifier: MIT
/* tcp_input.c: a segment arrives at a connection: RFC 9293 3.10.7.4 in its own order, one function a step.
 *
 *   PAWS (RFC 7323 5), then first the sequence number, second RST, fourth SYN, fifth ACK, seventh the text, eighth FIN.
 * (Third, security: there are no compartments here. Sixth, urgent: tcp_urgent.c.)
 *
 * The packet is this file's from the first line on: it is queued (its buffers are), or dropped with its reason.
 *
 * Owns:     rcv_nxt, ts_recent, the receive queue's filling.
 * Not here: CLOSED, LISTEN and half-open records (tcp_protocol.c, tcp_listen.c, tcp_half_open.c), SYN-SENT
 * (tcp_open.c), the ACK's meaning (tcp_ack.c). */
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_forward.h"
#include "transport/tcp/tcp_predict.h"
#include "transport/tcp/tcp_urgent.h"

enum {
    PAWS_IDLE_DAYS = 24,       /* RFC 7323 5.5: a timestamp older than this says nothing */
    PAWS_LATE_BYTES = 1 << 30, /* since the first hole opened, for what is late because of it */
};

static uint32_t segment_numbers(const struct tcp_segment *segment)
{
    return segment->length + (segment->flags & TCPIP_TCP_SYN ? 1u : 0u) + (segment->flags & TCPIP_TCP_FIN ? 1u : 0u);
}

bool tcpip__tcp_paws_reject(uint32_t ts_recent, tcpip_ns ts_recent_at, uint32_t ts_val, tcpip_ns now)
{
    return (int32_t)(ts_val - ts_recent) < 0 && now - ts_recent_at < (tcpip_ns)PAWS_IDLE_DAYS * 86400 * TCPIP_SECOND;
}

/* What fills a hole moves TS.Recent, and was sent after much that lies above the hole and may still be on its way. PAWS
 * would drop that, the peer would take it for lost, and for a sign of congestion: once in an episode of losses for each
 * segment that is late. But all that lies above the first hole was sent after what lies below it. So as long as there
 * is a hole, that is the time to compare with: TS.Recent when it opened. It is at most 2^30 bytes ago, and duplicates
 * of the last turn of the sequence numbers are older than 2^31, in which every clock ticks (RFC 7323 5.4). */
static bool input_late(const struct tcp_endpoint *ep, uint32_t ts_val)
{
    const struct tcp_hot *hot = ep->hot;
    return hot != NULL && hot->reassembly.count > 0 && seq_size(hot->hole, ep->rcv_nxt) < PAWS_LATE_BYTES &&
           (int32_t)(ts_val - hot->hole_ts) >= 0;
}

static bool input_paws(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    if (!ep->ts_on || !segment->has_ts || (segment->flags & TCPIP_TCP_RST) != 0 ||
        !tcpip__tcp_paws_reject(ep->ts_recent, ep->ts_recent_at, segment->ts_val, segment->now) ||
        input_late(ep, segment->ts_val))
        return true;
    tcp_stats(ep)->paws_dropped++;
    if (segment->length > 0)
        tcpip__tcp_output_ack(ep);
    else
        tcpip__tcp_challenge_ack(ep, segment->now);
    tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_PAWS);
    return false;
}

/* RFC 7323 4.3: only what covers the last ACK may move TS.Recent, so that the echo measures delayed ACKs too. */
void tcpip__tcp_note_timestamp(struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    if (!ep->ts_on || !segment->has_ts || !seq_leq(segment->seq, ep->last_ack_sent))
        return;
    if ((int32_t)(segment->ts_val - ep->ts_recent) >= 0 ||
        !tcpip__tcp_paws_reject(ep->ts_recent, ep->ts_recent_at, segment->ts_val, segment->now)) {
        ep->ts_recent = segment->ts_val;
        ep->ts_recent_at = segment->now;
    }
}

/* A reset that repeats the number of the peer's FIN: hosts that abort send it so, and never answer a challenge (as
 * Linux). */
static bool reset_at_fin(const struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    return ep->fin_received && (segment->flags & TCPIP_TCP_RST) != 0 && seq_eq(seq_add(segment->seq, 1), ep->rcv_nxt);
}

/* First. A segment that touches what was acknowledged or offered is looked at (its ACK and RST count even when the
 * window is shut); any other is answered with an ACK and forgotten. */
static bool input_sequence(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    seqnum end = seq_add(segment->seq, segment_numbers(segment));
    seqnum right = seq_add(ep->rcv_nxt, receive_window_open(&ep->receive_window, ep->rcv_nxt));
    if ((seq_geq(end, ep->last_ack_sent) && seq_leq(segment->seq, right)) || reset_at_fin(ep, segment))
        return true;
    bool old = seq_lt(end, ep->rcv_nxt) || seq_eq(end, ep->rcv_nxt);
    tcp_stats(ep)->segments_outside_window++;
    if ((segment->flags & TCPIP_TCP_RST) == 0) {
        if (old && segment->length > 0) {
            tcp_stats(ep)->duplicate_segments_received++;
            struct tcp_hot *hot = ep->sack_on ? tcpip__tcp_hot(ep) : NULL;
            if (hot != NULL) {
                tcpip__reassembly_note_duplicate(&hot->reassembly, segment->seq,
                                                 seq_add(segment->seq, segment->length));
                tcp_stats(ep)->dsack_sent++;
            }
        }
        if (segment->length > 0) {
            tcpip__ack_policy_quick(&ep->ack_policy, 16);
            tcpip__tcp_output_ack(ep);
        } else {
            tcpip__tcp_challenge_ack(ep, segment->now);
        }
    }
    tcpip_packet_drop(segment->packet,
                      old && segment->length > 0 ? TCPIP_DROP_TCP_DUPLICATE_DATA : TCPIP_DROP_TCP_OUT_OF_WINDOW);
    return false;
}

/* RFC 5961 3.2: a reset is believed at exactly rcv_nxt. Where segments were lost, the peer's next number is the end of
 * what it SACKed last, which is as hard to guess (as Linux). */
static bool reset_believed(const struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    if (seq_eq(segment->seq, ep->rcv_nxt) || reset_at_fin(ep, segment))
        return true;
    const struct receive_chunk *last = ep->sack_on && ep->hot != NULL ? ep->hot->reassembly.last : NULL;
    return last != NULL && seq_eq(segment->seq, seq_add(last->seq, last->view.length));
}

/* Second. Another reset in the window is asked to prove itself. */
static bool input_reset(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    if ((segment->flags & TCPIP_TCP_RST) == 0)
        return true;
    if (!reset_believed(ep, segment)) {
        tcpip__tcp_fast_open_odd_reset(ep, segment->now);
        tcpip__tcp_challenge_ack(ep, segment->now);
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_BAD_RST);
        return false;
    }
    tcp_stats(ep)->resets_received++;
    EVENT(ep->base->stack, TCP_RESET, ep->base->id, 0, 0, 0, 0);
    enum tcpip_error error = TCPIP_ERR_CONNECTION_RESET;
    if (ep->syn_ack_pending)
        tcpip__tcp_fast_open_reset(ep, segment->now);
    else if (ep->state == TCPIP_TCP_SYN_RECEIVED && !ep->accepted)
        error = TCPIP_ERR_CONNECTION_REFUSED;
    else if (ep->state == TCPIP_TCP_CLOSE_WAIT)
        error = TCPIP_ERR_CLOSED_FOR_SEND;
    tcpip_packet_free(segment->packet);
    tcpip__tcp_abort(ep, error);
    return false;
}

/* SYN-RECEIVED of a simultaneous open, or of what the forwarder's owner accepted: the peer has our SYN. */
static void input_opens(struct tcp_endpoint *ep, const struct tcp_segment *segment, uint32_t window)
{
    ep->snd_wnd = ep->snd_wnd_max = window;
    ep->snd_wl1 = segment->seq;
    ep->snd_wl2 = segment->ack;
    ep->fin_queued = ep->fin_queued || ep->shut_write;
    uint8_t retransmits = ep->retransmit_count;
    if (ep->forward_pending) {
        tcpip__tcp_handshake_rtt(ep, segment->now - ep->last_send_at, retransmits == 0, segment);
        tcpip__tcp_forward_opened(ep);
    }
    tcpip__tcp_established(ep);
    tcpip__tcp_fast_open_answered(ep, segment, retransmits);
}

/* Fourth. RFC 5961 4.2: a SYN on a live connection is answered with an ACK, whatever its number: a peer that restarted
 * resets us then. */
static bool input_syn(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    if ((segment->flags & TCPIP_TCP_SYN) == 0)
        return true;
    bool again = ep->state == TCPIP_TCP_SYN_RECEIVED && !ep->syn_ack_pending && seq_eq(segment->seq, ep->irs);
    if (again && (segment->flags & TCPIP_TCP_ACK) != 0 && seq_gt(segment->ack, ep->iss) &&
        seq_leq(segment->ack, ep->snd_nxt)) {
        /* SYN-ACKs that crossed (RFC 9293 3.5, figure 7): the SYN is known, its ACK opens; its window isn't scaled
         * (RFC 7323 2.2). The peer hears that its own was heard, in case ours is lost. */
        tcpip__tcp_note_timestamp(ep, segment);
        ep->last_receive_at = segment->now;
        input_opens(ep, segment, segment->window);
        /* A SYN is a number like others: that it came twice is told (RFC 2883), as Linux does. */
        if (ep->sack_on && tcpip__tcp_hot(ep) != NULL)
            tcpip__reassembly_note_duplicate(&ep->hot->reassembly, ep->irs, ep->rcv_nxt);
        ep->ack_now = true;
        tcpip_packet_free(segment->packet);
        return false;
    }
    if (again && (segment->flags & TCPIP_TCP_ACK) == 0) {
        ep->ecn.syn_again = true;
        tcpip__tcp_send_syn(ep); /* our SYN-ACK was lost */
    } else {
        if ((segment->flags & TCPIP_TCP_ACK) != 0 && !ep->accepted && seq_eq(segment->seq, ep->irs))
            tcpip__ecn_answered_again(&ep->ecn, tcp_ecn_point(segment));
        tcpip__tcp_challenge_ack(ep, segment->now);
    }
    tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_UNEXPECTED_SYN);
    return false;
}

/* Before the fifth: what routers say (RFC 3168 6.1.3). Only segments that passed so far count: a mark can be forged as
 * anything else can. */
static void input_marks(struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    enum ecn_point point = tcp_ecn_point(segment);
    if (ep->ecn.mode == ECN_OFF)
        return;
    if (point == POINT_CE)
        tcp_stats(ep)->ecn_ce_received += segment->wire_segments;
    if (segment->length > 0 && ecn_turns(&ep->ecn, point)) {
        /* What came before has its ACK before ECE changes (RFC 8257 3.2). */
        if (ep->ack_policy.unacked_bytes > 0)
            tcpip__tcp_output_ack(ep);
        tcpip__ack_policy_quick(&ep->ack_policy, 1);
    }
    if (!tcpip__ecn_received(&ep->ecn, point, segment->flags, segment->length, segment->wire_segments))
        return;
    if (ep->ecn.mode == ECN_ACCURATE) {
        ep->ack_now = true; /* for ACKs, too: the peer may mark them (RFC 9768 3.2.2.5.1) */
        endpoint_mark_dirty(ep->base);
    } else {
        tcpip__ack_policy_quick(&ep->ack_policy, 2);
    }
}

/* Fifth. */
static bool input_ack(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    if ((segment->flags & TCPIP_TCP_ACK) == 0) {
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_NO_ACK);
        return false;
    }
    if (ep->state == TCPIP_TCP_SYN_RECEIVED || ep->syn_ack_pending) {
        if (seq_leq(segment->ack, ep->iss) || seq_gt(segment->ack, ep->snd_nxt)) {
            tcpip__tcp_reply_reset(ep->base->stack, segment);
            tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_BAD_ACK);
            return false;
        }
        if (ep->syn_ack_pending)
            tcpip__tcp_fast_open_done(ep, segment);
        else
            input_opens(ep, segment, segment->window << ep->snd_wscale);
    }
    return tcpip__tcp_ack(ep, segment);
}

/* ---- the text ---- */

static void receive_decide_ack(struct tcp_endpoint *ep, const struct tcp_segment *segment, uint32_t bytes, bool filled)
{
    struct ack_bounds bounds;
    tcpip__tcp_ack_bounds(ep, &bounds);
    uint32_t per_segment = segment->length;
    if (segment->wire_segments > 1)
        per_segment /= segment->wire_segments;
    if (segment->wire_segments > 1 && segment->packet != NULL && segment->packet->gso_size != 0)
        per_segment = segment->packet->gso_size;
    ep->rcv_mss = (uint16_t)min_u32(max_u32(ep->rcv_mss, per_segment), 65535);
    bool full = per_segment >= ep->rcv_mss;
    switch (tcpip__ack_policy_on_data(&ep->ack_policy, bytes, segment->wire_segments, full, filled, &bounds,
                                      segment->now)) {
    case ACK_NONE:
        break;
    case ACK_DELAYED:
        tcpip__tcp_timers_on_ack_delayed(ep);
        break;
    case ACK_AT_FLUSH:
        ep->ack_now = true;
        endpoint_mark_dirty(ep->base);
        break;
    case ACK_AT_ONCE:
        tcpip__tcp_output_ack(ep);
        break;
    }
}

/* Eighth: the peer's FIN is next in order. */
static void receive_fin(struct tcp_endpoint *ep)
{
    /* What a liar sent from beyond its own end was never part of the stream. */
    if (ep->hot != NULL)
        (void)tcpip__reassembly_prune(&ep->hot->reassembly, &tcp_stack_of(ep->base->stack)->receive_chunks, 0);
    ep->fin_received = true;
    ep->rcv_nxt = seq_add(ep->rcv_nxt, 1);
    ep->ack_now = true;
    endpoint_mark_dirty(ep->base);
    tcpip__tcp_event(ep, TCP_EVENT_FIN_RECEIVED);
    uint32_t events = TCPIP_EVENT_IN | TCPIP_EVENT_RDHUP;
    if (ep->state == TCPIP_TCP_TIME_WAIT) {
        tcpip__tcp_output_ack(ep);
        tcpip__tcp_time_wait_enter(ep);
        events |= TCPIP_EVENT_OUT | TCPIP_EVENT_HUP;
    } else if (ep->state == TCPIP_TCP_CLOSING) {
        events |= TCPIP_EVENT_OUT | TCPIP_EVENT_HUP;
    }
    endpoint_notify(ep->base, events);
}

/* Data that waited out of order and is next now. */
static void receive_pop(struct tcp_endpoint *ep)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    struct receive_chunk *chunk;
    while (ep->hot != NULL && ep->hot->reassembly.count > 0 &&
           (chunk = tcpip__reassembly_pop(&ep->hot->reassembly, &tcp->receive_chunks, ep->rcv_nxt)) != NULL) {
        ep->rcv_nxt = seq_add(ep->rcv_nxt, chunk->view.length);
        ep->bytes_received += chunk->view.length;
        tcpip__receive_queue_push(&ep->receive_queue, chunk, &tcp->receive_chunks);
    }
}

static bool receive_pressed(const struct tcp_endpoint *ep)
{
    return stack_memory_pressure(ep->base->stack) > 0;
}

/* Is the packet's storage too dear to be kept until the application reads? */
static bool receive_copy_all(const struct tcp_endpoint *ep, const struct tcpip_packet *packet)
{
    const struct tcpip_stack *stack = ep->base->stack;
    return receive_pressed(ep) ||
           (unlikely(stack->buffers.lent > stack->limits.lent_buffers) && packet_holds_lent(packet));
}

/* The next `length` bytes in order, behind `skip` old ones. False: out of memory, the packet is gone. */
static bool receive_take(struct tcp_endpoint *ep, struct tcp_segment *segment, uint32_t skip, uint32_t length)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct tcp_stack *tcp = tcp_stack_of(stack);
    if (!tcpip__receive_queue_push_packet(&ep->receive_queue, segment->packet, segment->payload_offset + skip, length,
                                          ep->rcv_nxt, receive_copy_all(ep, segment->packet), &tcp->receive_chunks,
                                          &stack->buffers)) {
        tcpip_packet_drop(segment->packet, TCPIP_DROP_NO_MEMORY);
        return false;
    }
    ep->rcv_nxt = seq_add(ep->rcv_nxt, length);
    ep->bytes_received += length;
    ep->data_segments_in += segment->wire_segments;
    ep->last_data_receive_at = segment->now;
    stack->stats.tcp.bytes_received += length;
    return true;
}

void tcpip__tcp_receive_in_order(struct tcp_endpoint *ep, struct tcp_segment *segment, uint32_t skip, uint32_t length)
{
    bool holes = ep->hot != NULL && ep->hot->reassembly.count > 0;
    if (!receive_take(ep, segment, skip, length))
        return;
    if (holes)
        receive_pop(ep);
    /* The loss has cost the sender part of its window: what little is under way now is to clock out the next. */
    if (holes && ep->hot->reassembly.count == 0)
        tcpip__ack_policy_repaired(&ep->ack_policy);
    tcpip__receive_window_on_data(&ep->receive_window, ep->rcv_nxt, ep->rcv_mss, segment->now);
    /* A sender that fills holes, or repeats what came, waits to hear of it (RFC 5681 4.2, RFC 2883 4). */
    receive_decide_ack(ep, segment, length, holes || skip > 0);
    tcpip_packet_free(segment->packet);
    if (tcpip__tcp_readable(ep))
        endpoint_notify(ep->base, TCPIP_EVENT_IN);
}

/* The stack's memory runs low: what came early is what can best be spared (RFC 2018 section 8 lets a receiver do so).
 * One connection keeps half of what it holds, and nothing once little is left for those that make progress. */
static uint32_t receive_prune(struct tcp_endpoint *ep)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct reassembly *reassembly = &ep->hot->reassembly;
    if (!receive_pressed(ep))
        return 0;
    stack->stats.tcp.memory_pressure_events++;
    bool little = stack_memory_pressure(stack) == 3;
    return tcpip__reassembly_prune(reassembly, &tcp_stack_of(stack)->receive_chunks,
                                   little ? 0 : reassembly->true_bytes / 2);
}

static void receive_out_of_order(struct tcp_endpoint *ep, struct tcp_segment *segment, uint32_t length)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct tcp_stack *tcp = tcp_stack_of(stack);
    struct tcp_hot *hot = tcpip__tcp_hot(ep);
    struct receive_chunk *chain;
    if (hot == NULL || !tcpip__receive_chunks_of(segment->packet, segment->payload_offset, length, segment->seq,
                                                 receive_copy_all(ep, segment->packet), &tcp->receive_chunks,
                                                 &stack->buffers, &chain)) {
        tcpip_packet_drop(segment->packet, TCPIP_DROP_NO_MEMORY);
        return;
    }
    if (hot->reassembly.count == 0) {
        hot->hole = ep->rcv_nxt;
        hot->hole_ts = ep->ts_recent;
    }
    uint32_t dropped = 0;
    uint32_t kept = tcpip__reassembly_insert(&hot->reassembly, &tcp->receive_chunks, chain, &dropped);
    dropped += receive_prune(ep);
    stack->stats.tcp.out_of_order_segments++;
    stack->stats.tcp.out_of_order_pruned += dropped;
    ep->out_of_order_segments++;
    if (kept == 0)
        stack->stats.tcp.duplicate_segments_received++;
    stack->stats.tcp.duplicate_acks_sent++;
    tcpip_packet_free(segment->packet);
    tcpip__tcp_output_ack(ep); /* RFC 5681 4.2: one for each, at once */
}

/* Text or FIN after the application has closed both ways: the peer must learn that nobody reads it (RFC 9293 3.6.1). */
static bool receive_after_close(struct tcp_endpoint *ep, struct tcp_segment *segment, seqnum end)
{
    bool nobody = ep->orphan || (ep->shut_read && ep->shut_write);
    if (!nobody || segment->length == 0 || !seq_gt(end, ep->rcv_nxt))
        return false;
    tcpip__tcp_reply_reset(ep->base->stack, segment);
    tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_AFTER_CLOSE);
    tcpip__tcp_abort(ep, TCPIP_ERR_CONNECTION_RESET);
    return true;
}

/* The whole text is old: say which (RFC 2883). */
static void receive_duplicate(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    tcp_stats(ep)->duplicate_segments_received++;
    struct tcp_hot *hot = ep->sack_on ? tcpip__tcp_hot(ep) : NULL;
    if (hot != NULL) {
        tcpip__reassembly_note_duplicate(&hot->reassembly, segment->seq, seq_add(segment->seq, segment->length));
        tcp_stats(ep)->dsack_sent++;
    }
    tcpip__ack_policy_quick(&ep->ack_policy, 16);
    tcpip__tcp_output_ack(ep);
    tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_DUPLICATE_DATA);
}

/* Seventh. The segment overlaps the window, or has no text. */
void tcpip__tcp_receive_data(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    seqnum end = seq_add(segment->seq, segment->length);
    bool fin = (segment->flags & TCPIP_TCP_FIN) != 0;
    bool accepts =
        ep->state == TCPIP_TCP_ESTABLISHED || ep->state == TCPIP_TCP_FIN_WAIT_1 || ep->state == TCPIP_TCP_FIN_WAIT_2;
    if (!accepts || (segment->length == 0 && !fin)) {
        /* After the peer's FIN there is no text: what claims to be is ignored, a FIN again is acknowledged again. */
        if (segment->length > 0 || fin)
            tcpip__tcp_output_ack(ep);
        tcpip_packet_free(segment->packet);
        return;
    }
    if (receive_after_close(ep, segment, end))
        return;
    seqnum right = seq_add(ep->rcv_nxt, receive_window_open(&ep->receive_window, ep->rcv_nxt));
    uint32_t skip = seq_lt(segment->seq, ep->rcv_nxt) ? seq_size(segment->seq, ep->rcv_nxt) : 0;
    if (segment->length > 0 && skip >= segment->length && !(fin && skip == segment->length)) {
        receive_duplicate(ep, segment);
        return;
    }
    uint32_t length = segment->length - min_u32(skip, segment->length);
    if (seq_gt(end, right)) {
        /* Beyond what was offered: that part never came. */
        uint32_t beyond = seq_size(right, end);
        if (beyond >= length) {
            tcpip__tcp_output_ack(ep);
            tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_ZERO_WINDOW);
            return;
        }
        length -= beyond;
        fin = false;
    }
    if (fin && seq_geq(end, ep->rcv_nxt)) {
        ep->fin_seen = true;
        ep->fin_seq = end;
    }
    if (skip > 0 && ep->sack_on && length > 0 && tcpip__tcp_hot(ep) != NULL)
        tcpip__reassembly_note_duplicate(&ep->hot->reassembly, segment->seq, ep->rcv_nxt);
    bool in_order = seq_leq(segment->seq, ep->rcv_nxt);
    if (length == 0) {
        tcpip_packet_free(segment->packet);
        if (!in_order)
            tcpip__tcp_output_ack(ep); /* a FIN beyond a hole */
    } else if (in_order) {
        tcpip__tcp_receive_in_order(ep, segment, skip, length);
    } else {
        receive_out_of_order(ep, segment, length);
    }
    if (ep->fin_seen && !ep->fin_received && !ep->dead && seq_eq(ep->rcv_nxt, ep->fin_seq))
        receive_fin(ep);
}

void tcpip__tcp_receive_syn_data(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    uint32_t length = min_u32(segment->length, receive_window_open(&ep->receive_window, ep->rcv_nxt));
    if (length == 0) {
        tcpip_packet_free(segment->packet);
        return;
    }
    if (!receive_take(ep, segment, 0, length))
        return;
    ep->syn_data_acked = true;
    tcpip__receive_window_on_data(&ep->receive_window, ep->rcv_nxt, ep->rcv_mss, segment->now);
    tcpip_packet_free(segment->packet);
}

/* The SYN of a Fast Open child again: it comes without data, or they are here; what it misses is our SYN-ACK. */
static bool input_syn_again(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    uint16_t kind = segment->flags & (TCPIP_TCP_SYN | TCPIP_TCP_ACK | TCPIP_TCP_RST | TCPIP_TCP_FIN);
    if (!ep->syn_ack_pending || kind != TCPIP_TCP_SYN || !seq_eq(segment->seq, ep->irs))
        return false;
    ep->ecn.syn_again = true;
    tcpip__tcp_send_syn(ep);
    tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_UNEXPECTED_SYN);
    return true;
}

void tcpip__tcp_input(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    ep->segments_in += segment->wire_segments;
    if (tcpip__tcp_predicted_input(ep, segment))
        return;
    if (ep->state == TCPIP_TCP_SYN_SENT) {
        tcpip__tcp_syn_sent_input(ep, segment);
        return;
    }
    if (input_syn_again(ep, segment))
        return;
    if (!input_paws(ep, segment) || !input_sequence(ep, segment) || !input_reset(ep, segment) ||
        !input_syn(ep, segment))
        return;
    ep->last_receive_at = segment->now;
    tcpip__tcp_timers_on_segment_received(ep);
    input_marks(ep, segment);
    if (!input_ack(ep, segment))
        return;
    if (unlikely((segment->flags & TCPIP_TCP_URG) != 0 || ep->urgent != NULL))
        tcpip__tcp_urgent_input(ep, segment);
    if (segment->length == 0 && (segment->flags & TCPIP_TCP_FIN) == 0) {
        tcp_stats(ep)->pure_acks_received++;
        tcpip_packet_free(segment->packet);
        return;
    }
    if (ep->dead) {
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_AFTER_CLOSE);
        return;
    }
    tcpip__tcp_receive_data(ep, segment);
}
