// SPDX-License-Identifier: MIT
/* tcp_send.c: what may go now: lost segments first, then new data, then FIN, then an ACK that nothing carried.
 *
 * Runs once a turn for an endpoint that was marked dirty, so that whatever came in and whatever was written in this
 * turn is answered by as few and as large packets as the windows allow. Three things stop new data: the peer's window
 * (snd_wnd), the congestion window against RFC 6675's pipe, and the rules against small segments (RFC
 * 9293 3.8.6.2.1, 3.7.4).
 *
 * Owns:       snd_nxt, fin_sent; writes records through the scoreboard.
 * Invariants: nothing is sent that has no record; in_flight may exceed cwnd by less than one segment.
 * Not here:   how a segment is built (tcp_output.c), which segments are lost (scoreboard, recovery). */
#include "transport/tcp/tcp_mtu.h"
#include "transport/tcp/tcp_urgent.h"

/* Storage of a send queue, in send buffers: copied bytes take less than two, lent ones of some size little more than
 * one.
 */
enum { SEND_STORAGE_SHARE = 8 };
enum { SEND_SHUT_BYTES = 64 }; /* what who has no window may queue when memory is short: enough to be probed with */

uint32_t tcpip__tcp_send_room(const struct tcp_endpoint *ep)
{
    const struct tcpip_stack *stack = ep->base->stack;
    const struct send_queue *queue = &ep->send_queue;
    /* The storage behind it is bounded as well, or tiny views would hold a hundred times what they say. And while
     * anything is queued, the last of the stack's memory is for packets: without them nothing is ever acknowledged. */
    if (queue->bytes > 0 &&
        (queue->true_bytes / SEND_STORAGE_SHARE >= ep->send_buffer_bytes || stack_memory_pressure(stack) >= 2))
        return 0;
    uint32_t room = sat_sub_u32(stack_lean_buffer(stack, ep->send_buffer_bytes, ep->snd_mss), queue->bytes);
    /* Nor is it for a peer that takes nothing: a thousand of them, with a segment each, would have it all. */
    if (unlikely(ep->snd_wnd == 0) && stack_memory_pressure(stack) >= 2)
        return min_u32(room, SEND_SHUT_BYTES);
    return room;
}

/* As in Linux a writer is held up when so much is unsent, and not only not told to write; what it writes before is cut
 * off a packet beyond. */
uint32_t tcpip__tcp_unsent_room(const struct tcp_endpoint *ep)
{
    int64_t low_water = tcp_option(ep, TCPIP_OPTION_NOT_SENT_LOW_WATER);
    if (likely(low_water <= 0) || !tcp_can_transmit(ep))
        return UINT32_MAX;
    int64_t unsent = tcp_unsent(ep);
    uint32_t beyond = max_u32(ep->snd_mss, min_u32(TCP_SUPER_SEGMENT_MAX, ep->snd_wnd_max / 2));
    return unsent >= low_water ? 0 : (uint32_t)min_i64(low_water - unsent + beyond, UINT32_MAX);
}

bool tcpip__tcp_writable(const struct tcp_endpoint *ep)
{
    uint32_t room = tcpip__tcp_send_room(ep);
    int64_t low_water = tcp_option(ep, TCPIP_OPTION_NOT_SENT_LOW_WATER);
    if (low_water > 0 && tcp_unsent(ep) >= (uint64_t)low_water)
        return false;
    /* A third of the buffer, as Linux; but what is only kept until a hole is filled keeps nobody busy. */
    uint64_t sacked = ep->hot != NULL ? ep->hot->board.sacked_bytes : 0;
    return room > 0 && room >= sat_sub_u64(ep->send_queue.bytes, sacked) / 2;
}

void tcpip__tcp_tell_room(struct tcp_endpoint *ep)
{
    if (!ep->out_of_room || !tcpip__tcp_writable(ep))
        return;
    ep->out_of_room = false;
    endpoint_notify(ep->base, TCPIP_EVENT_OUT);
}

void tcpip__tcp_tune_send_buffer(struct tcp_endpoint *ep)
{
    const struct tcpip_stack *stack = ep->base->stack;
    /* Two windows: one in flight, one to follow it when it is acknowledged. What was SACKed is neither, but is kept,
     * and as long as a hole isn't filled it grows by a window each round trip. */
    uint64_t windows = 2 * (uint64_t)ep->congestion.cwnd + (ep->hot != NULL ? ep->hot->board.sacked_bytes : 0);
    if (likely(windows <= ep->send_buffer_bytes) || tcp_option(ep, TCPIP_OPTION_MODERATE_BUFFERS) == 0 ||
        ep->send_buffer_fixed || stack_memory_pressure(stack) > 0)
        return;
    uint32_t wanted = (uint32_t)min_u64(windows, stack->limits.tcp_send_buffer_max);
    ep->send_buffer_bytes = max_u32(ep->send_buffer_bytes, wanted);
}

/* A slow start answers each ACK with twice as much, at twice the line's rate, and the next round at twice that again:
 * so half a window waits before the line, and is lost there if the queue is shorter, though the path isn't full by far.
 * Spread over the round trip, it isn't. Small windows fit any queue, and near hosts are nearer than timers are exact;
 * so are farther ones where the clock ticks seldom. Asked for with TCPIP_PACING_SLOW_START. */
static bool tcp_spreads_window(const struct tcp_endpoint *ep)
{
    enum { SPREAD_SEGMENTS = 32, SPREAD_LATE_SHIFT = 4 };
    const struct tcpip_congestion *congestion = &ep->congestion;
    return ep->rtt.min_rtt_ns >= TCPIP_MS && congestion->cwnd < congestion->ssthresh &&
           congestion->cwnd / SPREAD_SEGMENTS >= ep->snd_mss && ep->hot != NULL &&
           ep->hot->pacer.late_ns <= ep->rtt.min_rtt_ns >> SPREAD_LATE_SHIFT;
}

/* As if it were asked for, with `always`: what it would be. */
static uint64_t tcp_pacing_rate(const struct tcp_endpoint *ep, bool always)
{
    int64_t mode = tcp_option(ep, TCPIP_OPTION_PACING), max_rate = tcp_option(ep, TCPIP_OPTION_MAX_PACING_RATE);
    bool asked = always || mode == TCPIP_PACING_ALWAYS || (mode == TCPIP_PACING_SLOW_START && tcp_spreads_window(ep));
    if (likely(!asked && max_rate == 0))
        return ep->congestion.pacing_rate;
    struct pacer_facts facts = {
        .controller_rate = ep->congestion.pacing_rate,
        .max_rate = (uint64_t)max_rate,
        .asked = asked,
        .cwnd = ep->congestion.cwnd,
        .ssthresh = ep->congestion.ssthresh,
        .in_flight = tcp_in_flight(ep),
        .srtt_ns = ep->rtt.srtt_ns,
    };
    return tcpip__pacer_rate(&facts);
}

uint64_t tcpip__tcp_pacing_rate(const struct tcp_endpoint *ep)
{
    return tcp_pacing_rate(ep, false);
}

/* Bytes that a packet of this connection may hold, as whole segments: as much as leaves in a millisecond, and less than
 * a window, or its ACK would have nothing behind it. */
static uint32_t tcp_super_segment(const struct tcp_endpoint *ep)
{
    uint32_t most = ep->route.nic->caps.gso_max_bytes;
    most = most != 0 ? min_u32(most - min_u32(most, 120), TCP_SUPER_SEGMENT_MAX) : TCP_SUPER_SEGMENT_MAX;
    uint32_t segments = min_u32(most, ep->congestion.cwnd / 2) / ep->snd_mss;
    uint64_t rate = tcp_pacing_rate(ep, true);
    if (rate != 0)
        segments = tcpip__pacer_segments(rate, ep->rtt.min_rtt_ns, ep->snd_mss,
                                         (uint32_t)tcp_option(ep, TCPIP_OPTION_PACKET_SEGMENTS), segments);
    if (!ecn_cuttable(&ep->ecn) || tcp_signs(ep) || tcp_urgent_mode(ep)) /* whose pointer counts from its number */
        segments = 1;
    return max_u32(segments, 1) * ep->snd_mss;
}

/* Room in the congestion window, as whole segments where it matters. With nothing in flight one segment may always go.
 */
static uint32_t tcp_cwnd_room(const struct tcp_endpoint *ep)
{
    uint32_t in_flight = tcp_in_flight(ep);
    uint32_t room = sat_sub_u32(ep->congestion.cwnd, in_flight);
    if (in_flight == 0)
        room = max_u32(room, ep->snd_mss);
    return room;
}

/* RFC 7661: the window is kept for five minutes. True: this is how it is done here. */
static bool tcp_validate_window(struct tcp_endpoint *ep, tcpip_ns now)
{
    if (tcp_option(ep, TCPIP_OPTION_CWND_VALIDATION) == 0 || ep->congestion.ops->owns_recovery)
        return false;
    uint32_t initial = (uint32_t)tcp_option(ep, TCPIP_OPTION_INITIAL_WINDOW) * ep->snd_mss;
    (void)tcpip__cwv_restart(&ep->cwv, &ep->congestion.cwnd, &ep->congestion.ssthresh, initial, now);
    return true;
}

/* RFC 5681 4.1, as Linux does it: cwnd halves for every RTO spent idle, down to the initial window. */
static void tcp_restart_after_idle(struct tcp_endpoint *ep, tcpip_ns now)
{
    if (tcp_validate_window(ep, now))
        return;
    bool outstanding = ep->hot != NULL && ep->hot->board.count > 0; /* lost is not idle */
    if (ep->last_send_at == 0 || outstanding || tcp_option(ep, TCPIP_OPTION_SLOW_START_AFTER_IDLE) == 0)
        return;
    tcpip_ns idle_ns = now - ep->last_send_at;
    tcpip_ns rto_ns = ep->rtt.rto_ns;
    if (idle_ns <= rto_ns || rto_ns <= 0)
        return;
    uint32_t restart =
        (uint32_t)min_u64((uint64_t)tcp_option(ep, TCPIP_OPTION_INITIAL_WINDOW) * ep->snd_mss, UINT32_MAX);
    struct tcpip_congestion *congestion = &ep->congestion;
    restart = min_u32(restart, congestion->cwnd);
    if (!congestion->ops->owns_recovery) {
        congestion->ssthresh = max_u32(congestion->ssthresh, congestion->cwnd / 4 * 3);
        int64_t halvings = min_i64(idle_ns / rto_ns, 31);
        congestion->cwnd = max_u32(congestion->cwnd >> halvings, restart);
    }
    if (congestion->ops->on_idle != NULL && congestion->state != NULL)
        congestion->ops->on_idle(congestion, idle_ns, now);
}

/* The link is behind: more in its queue would only wait there, and be lost together. True: the NIC will tell. */
static bool tcp_link_full(struct tcp_endpoint *ep)
{
    if (!nic_full(ep->route.nic))
        return false;
    tcpip__nic_wait(ep->route.nic, ep->base);
    return true;
}

/* Its turn hasn't come. True: the timer will tell. */
static bool tcp_paced(struct tcp_endpoint *ep)
{
    if (ep->hot == NULL || pacer_open(&ep->hot->pacer, stack_now(ep->base->stack)) || tcpip__tcp_pacing_rate(ep) == 0)
        return false;
    tcpip__tcp_timers_on_paced(ep);
    return true;
}

/* `bytes` of data have left. As with Linux's fq, the first ten segments of a connection go at once: a short answer
 * isn't made longer. */
static void tcp_pace(struct tcp_endpoint *ep, uint32_t bytes, tcpip_ns now)
{
    enum { PACER_EXEMPT = 10 };
    if (ep->data_segments_out < PACER_EXEMPT)
        return;
    uint64_t rate = tcpip__tcp_pacing_rate(ep);
    if (rate != 0)
        tcpip__pacer_sent(&ep->hot->pacer, bytes, rate, now);
}

/* Something was sent, or held back by cwnd (`limited`). A window that was full counts as full until all of it is
 * acknowledged, whatever is sent meanwhile: the ACKs that open it wouldn't find it full any more. */
static void tcp_note_use(struct tcp_endpoint *ep, bool limited)
{
    uint32_t used = seq_size(ep->snd_una, ep->snd_nxt);
    if (!limited && seq_lt(ep->snd_una, ep->cwnd_used_until) && (ep->cwnd_limited || used <= ep->cwnd_used))
        return;
    ep->cwnd_limited = limited;
    ep->cwnd_used = used;
    ep->cwnd_used_until = ep->snd_nxt;
}

/* ---- retransmission ---- */

/* Records are used up, and of this one a part went that can't be noted: it stays lost, and in flight is what it was. So
 * it would go again with each ACK that comes, first of all with those that it draws itself: a storm. Once, then, until
 * something is acknowledged or a timeout has passed. */
static bool tcp_was_torn(const struct tcp_endpoint *ep, const struct record *record)
{
    const struct tcp_torn *torn = &ep->hot->torn;
    return unlikely(torn->is) && seq_eq(torn->seq, record->seq) && seq_eq(torn->una, ep->snd_una) &&
           torn->timeouts == ep->retransmit_count;
}

static void tcp_tear(struct tcp_endpoint *ep, const struct record *record)
{
    ep->hot->torn =
        (struct tcp_torn){.is = true, .timeouts = ep->retransmit_count, .seq = record->seq, .una = ep->snd_una};
}

/* Sends the first lost record again, as much of it as `room` allows. False: nothing went. */
static bool tcp_retransmit_one(struct tcp_endpoint *ep, struct record *record, uint32_t room)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    struct tcp_hot *hot = ep->hot;
    if (tcp_was_torn(ep, record))
        return false;
    if (unlikely((record->flags & RECORD_PROBE) != 0))
        tcpip__tcp_probe_forget(ep, record);
    uint32_t most = min_u32(tcp_super_segment(ep), max_u32(room / ep->snd_mss, 1) * ep->snd_mss);
    /* Without a record for the rest, its beginning goes all the same, and the whole stays lost: what is acknowledged of
     * it makes it shorter. */
    bool whole = tcpip__scoreboard_split(&hot->board, &tcp->records, record, most);
    bool fin = whole && (record->flags & RECORD_FIN) != 0;
    uint32_t payload = whole ? record->length - (fin ? 1 : 0) : most, sent = payload;
    if (!tcpip__tcp_output_data(ep, record->seq, &sent, fin ? TCPIP_TCP_FIN : 0))
        return false;
    if (!whole) {
        record->flags |= RECORD_EVER_RETRANSMITTED; /* Karn's rule holds for all of it */
        tcp_tear(ep, record);
        return false;
    }
    if (sent < payload) {
        /* The views of one packet were not enough for it: the rest waits as a record of its own. */
        sent = sent > ep->snd_mss ? sent / ep->snd_mss * ep->snd_mss : sent;
        if (!tcpip__scoreboard_split(&hot->board, &tcp->records, record, sent)) {
            tcp_tear(ep, record);
            return false;
        }
        payload = sent;
    }
    tcpip_ns now = stack_now(ep->base->stack);
    struct rate_snapshot snapshot = tcpip__rate_on_send(&hot->rate, tcp_in_flight(ep), now);
    tcpip__scoreboard_retransmitted(&hot->board, record, &snapshot, now);
    uint32_t segments = (record->length + ep->snd_mss - 1) / ep->snd_mss;
    tcpip__recovery_retransmitted(&hot->recovery, seq_add(record->seq, record->length), record->length, segments,
                                  timestamp_clock(now, ep->ts_offset));
    tcpip__recovery_sent(&hot->recovery, record->length);
    struct tcpip_stats_tcp *stats = tcp_stats(ep);
    stats->retransmits += segments;
    stats->bytes_retransmitted += payload;
    if (hot->recovery.state == TCPIP_TCP_RECOVERY)
        stats->fast_retransmit += segments;
    else if (hot->recovery.state == TCPIP_TCP_LOSS)
        stats->slow_start_retransmits += segments;
    ep->total_retransmits += segments;
    ep->bytes_retransmitted += payload;
    tcp_pace(ep, payload, now);
    tcpip__tcp_timers_on_data_sent(ep);
    if (seq_eq(record->seq, ep->snd_una))
        tcpip__tcp_timers_on_head_sent(ep);
    return true;
}

/* A window that the peer took back: only the head may go beyond it (RFC 9293 SHLD-15's sense). */
static bool tcp_beyond_window(const struct tcp_endpoint *ep, const struct record *record)
{
    return !seq_eq(record->seq, ep->snd_una) && seq_geq(record->seq, seq_add(ep->snd_una, ep->snd_wnd));
}

/* True: nothing lost is left to send; new data may follow. */
static bool tcp_retransmit(struct tcp_endpoint *ep)
{
    if (ep->hot == NULL)
        return true;
    struct record *record;
    while ((record = tcpip__scoreboard_next_lost(&ep->hot->board)) != NULL) {
        uint32_t room = tcp_cwnd_room(ep);
        if (room < min_u32(record->length, ep->snd_mss)) {
            tcp_note_use(ep, true);
            return false;
        }
        if (tcp_beyond_window(ep, record))
            return false;
        if (tcp_link_full(ep) || tcp_paced(ep))
            return false;
        if (!tcp_retransmit_one(ep, record, room))
            return false;
    }
    return true;
}

/* ---- new data ---- */

static bool tcp_corked(const struct tcp_endpoint *ep)
{
    return (ep->more_coming || tcp_option(ep, TCPIP_OPTION_CORK) != 0) && !ep->force_partial;
}

/* A segment of less than snd_mss that holds all there is: Nagle, in Minshall's form (one small segment in flight at
 * most). */
static bool tcp_partial_allowed(const struct tcp_endpoint *ep)
{
    if (ep->fin_queued || ep->force_partial || tcp_urgent_mode(ep))
        return true;
    if (tcp_corked(ep))
        return false;
    if (tcp_option(ep, TCPIP_OPTION_NO_DELAY) != 0)
        return true;
    /* In flight, that is: one of long ago may lie anywhere, after 2 GB of full segments even ahead. */
    return seq_leq(ep->snd_small, ep->snd_una) || seq_gt(ep->snd_small, ep->snd_nxt);
}

enum tcp_stop {
    TCP_STOP_NONE,
    TCP_STOP_EMPTY,
    TCP_STOP_WINDOW,
    TCP_STOP_CWND,
    TCP_STOP_SMALL,
    TCP_STOP_HELD,
    TCP_STOP_PACED
};

/* How much of the unsent data may go in the next packet; 0: nothing, and why. */
static uint32_t tcp_next_length(const struct tcp_endpoint *ep, enum tcp_stop *stop)
{
    uint32_t unsent = tcp_unsent(ep), mss = ep->snd_mss;
    int32_t window = seq_diff(seq_add(ep->snd_una, ep->snd_wnd), ep->snd_nxt);
    if (unsent == 0) {
        *stop = TCP_STOP_EMPTY;
        return 0;
    }
    if (window <= 0) {
        *stop = TCP_STOP_WINDOW;
        return 0;
    }
    uint32_t room = tcp_cwnd_room(ep);
    uint32_t record = tcpip__send_queue_record(&ep->send_queue, seq_size(ep->snd_una, ep->snd_nxt), unsent);
    if (room < min_u32(record, mss)) {
        *stop = TCP_STOP_CWND;
        return 0;
    }
    uint32_t length = min_u32(min_u32(record, (uint32_t)window), room);
    if (length > mss) /* else any packet holds it */
        length = min_u32(length, tcp_super_segment(ep));
    uint32_t tail = length < mss ? length : length % mss;
    if (tail == 0 || (length == record && record < unsent))
        return length;
    /* A partial segment at the end: of all the data, or of what a window left. */
    if (length == unsent ? tcp_partial_allowed(ep)
                         : length == (uint32_t)window && length < mss && length >= ep->snd_wnd_max / 2)
        return length;
    *stop = length == (uint32_t)window && length < unsent ? TCP_STOP_WINDOW
            : length == unsent                            ? TCP_STOP_SMALL
                                                          : TCP_STOP_CWND;
    return length - tail;
}

/* `sent` bytes of new data have left from snd_nxt on, and the FIN with them, with `in_flight` before them. */
static void tcp_note_sent(struct tcp_endpoint *ep, uint32_t sent, bool fin, uint32_t in_flight, tcpip_ns now)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct tcp_hot *hot = ep->hot;
    struct rate_snapshot snapshot = tcpip__rate_on_send(&hot->rate, in_flight, now);
    uint32_t numbers = sent + (fin ? 1 : 0);
    bool noted = tcpip__scoreboard_sent(&hot->board, &tcp_stack_of(stack)->records, ep->snd_nxt, numbers,
                                        fin ? RECORD_FIN : 0, &snapshot, now);
    ASSERT_ENV(&stack->env, noted);
    ep->snd_nxt = seq_add(ep->snd_nxt, numbers);
    ep->fin_sent = ep->fin_sent || fin;
    if (sent < ep->snd_mss ? sent > 0 : sent % ep->snd_mss != 0)
        ep->snd_small = ep->snd_nxt;
    error_queue_sent(ep->base, tcp_bytes_written(ep) - tcp_unsent(ep));
    tcpip__recovery_sent(&hot->recovery, numbers);
    tcp_pace(ep, sent, now);
    if (ep->congestion.ops->on_sent != NULL)
        ep->congestion.ops->on_sent(&ep->congestion, numbers, tcp_in_flight(ep), now);
    tcpip__tcp_timers_on_data_sent(ep);
}

/* Sends `length` bytes of new data, with the FIN if it follows them. */
static bool tcp_send_new(struct tcp_endpoint *ep, uint32_t length)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    struct tcp_hot *hot = likely(ep->hot != NULL) ? ep->hot : tcpip__tcp_hot(ep);
    if (hot == NULL || !tcpip__scoreboard_may_send(&hot->board, &tcp->records))
        return false;
    tcpip_ns now = stack_now(ep->base->stack);
    bool fin = ep->fin_queued && length == tcp_unsent(ep);
    uint32_t in_flight = tcp_in_flight(ep), sent = length;
    if (!tcpip__tcp_output_data(ep, ep->snd_nxt, &sent, fin ? TCPIP_TCP_FIN : 0))
        return false;
    tcp_note_sent(ep, sent, fin && sent == length, in_flight, now);
    return true;
}

/* One segment that is larger than the others, to see whether it arrives (plpmtud.c). */
static enum tcp_stop tcp_send_path_probe(struct tcp_endpoint *ep)
{
    uint32_t bytes;
    enum probe_turn turn = tcpip__tcp_probe_turn(ep, &bytes);
    if (turn != PROBE_GOES)
        return turn == PROBE_AWAITS_WINDOW ? TCP_STOP_WINDOW
               : turn == PROBE_AWAITS_CWND ? TCP_STOP_CWND
                                           : TCP_STOP_NONE;
    if (tcpip__tcp_hot(ep) == NULL || tcp_link_full(ep))
        return TCP_STOP_NONE; /* which is found out again */
    if (tcp_paced(ep))
        return TCP_STOP_PACED;
    seqnum start = ep->snd_nxt;
    uint16_t mss = ep->snd_mss;
    ep->snd_mss = (uint16_t)bytes; /* so that nobody cuts it */
    bool sent = tcp_send_new(ep, bytes);
    ep->snd_mss = mss;
    if (sent)
        tcpip__tcp_probe_sent(ep, start, bytes);
    return TCP_STOP_NONE;
}

static enum tcp_stop tcp_send_data(struct tcp_endpoint *ep)
{
    enum tcp_stop stop = TCP_STOP_NONE;
    uint32_t length;
    if (unlikely(ep->search != NULL))
        stop = tcp_send_path_probe(ep);
    while (stop == TCP_STOP_NONE && (length = tcp_next_length(ep, &stop)) > 0) {
        if (tcp_link_full(ep))
            return TCP_STOP_HELD;
        if (tcp_paced(ep))
            return TCP_STOP_PACED;
        if (!tcp_send_new(ep, length))
            return TCP_STOP_WINDOW; /* no memory, or IP refuses: asked for again as a window is, and given up as one */
    }
    /* A FIN without data needs a place in the window like any other number (RFC 9293 3.4). */
    if (stop == TCP_STOP_EMPTY && ep->fin_queued && !ep->fin_sent) {
        if (ep->snd_wnd <= seq_size(ep->snd_una, ep->snd_nxt) || !tcp_send_new(ep, 0))
            stop = TCP_STOP_WINDOW;
    }
    return stop;
}

/* What may go, in its order. */
static enum tcp_stop tcp_send_all(struct tcp_endpoint *ep)
{
    enum tcp_stop stop = TCP_STOP_NONE;
    /* Maybe the timeout was spurious: then what is lost isn't, and new data find that out (RFC 5682 step 2b). */
    if (ep->hot != NULL && ep->hot->recovery.frto == FRTO_SECOND)
        stop = tcp_send_data(ep);
    return tcp_retransmit(ep) ? tcp_send_data(ep) : stop;
}

/* The path's MTU may have changed without a word to this connection: by a route, by age, or by what ICMP has told
 * another one to the same destination. */
static void tcp_follow_mtu(struct tcp_endpoint *ep)
{
    if (unlikely(tcpip__pmtu_get(&ep->route, ep->demux->flow.remote) != ep->path_mtu))
        (void)tcpip__tcp_update_mss(ep);
}

/* What there was to send until `stop` has left: what follows from that. */
static enum tcp_stop tcp_transmitted(struct tcp_endpoint *ep, enum tcp_stop stop, uint32_t segments_before)
{
    ep->force_partial = ep->force_partial && stop == TCP_STOP_PACED;
    bool limited = stop == TCP_STOP_CWND || tcp_in_flight(ep) >= ep->congestion.cwnd;
    if (limited || ep->data_segments_out != segments_before)
        tcp_note_use(ep, limited);
    if (stop == TCP_STOP_SMALL && tcp_corked(ep))
        tcpip__tcp_timers_on_corked(ep);
    if (ep->hot != NULL && stop == TCP_STOP_EMPTY && tcp_in_flight(ep) < ep->congestion.cwnd)
        tcpip__rate_app_limited(&ep->hot->rate, tcp_in_flight(ep));
    /* A link that never drains is like a window that never opens: somebody must go on asking, and give up in the end.
     */
    bool shut = stop == TCP_STOP_WINDOW || stop == TCP_STOP_HELD;
    if (shut && (ep->hot == NULL || ep->hot->board.count == 0))
        tcpip__tcp_timers_on_zero_window(ep);
    tcpip__tcp_tell_room(ep); /* what was sent counts where NOT_SENT_LOW_WATER is set */
    return stop;
}

/* What may go now goes; what stopped it. */
static enum tcp_stop tcp_transmit(struct tcp_endpoint *ep)
{
    bool lost = ep->hot != NULL && ep->hot->board.lost_bytes > 0;
    bool fin = ep->fin_queued && !ep->fin_sent;
    if (tcp_unsent(ep) == 0 && !lost && !fin) {
        ep->force_partial = false; /* there was nothing to let go */
        return TCP_STOP_EMPTY;
    }
    if (!tcpip__tcp_route(ep)) {
        tcpip__tcp_timers_on_zero_window(ep); /* there may be one later: asked for as often as for a window */
        return TCP_STOP_HELD;
    }
    tcp_follow_mtu(ep);
    tcp_restart_after_idle(ep, stack_now(ep->base->stack));
    uint32_t segments_before = ep->data_segments_out;
    return tcp_transmitted(ep, tcp_send_all(ep), segments_before);
}

/* What the time from now on goes into. */
static void tcp_note_time(struct tcp_endpoint *ep, enum tcp_stop stop)
{
    enum chrono_state state = ep->send_queue.bytes == 0                   ? CHRONO_IDLE
                              : stop == TCP_STOP_WINDOW                   ? CHRONO_WINDOW
                              : stop == TCP_STOP_EMPTY && ep->out_of_room ? CHRONO_BUFFER
                                                                          : CHRONO_BUSY;
    tcpip__chrono_set(&ep->chrono, state, stack_now(ep->base->stack));
}

/* Is all that waits one segment or less, with nothing under way, nothing to go before it, and no rule that holds it
 * back? So it is with a request, and with its answer (tcp_predict.c has the way in). */
static bool tcp_is_lone(const struct tcp_endpoint *ep)
{
    const struct tcp_hot *hot = ep->hot;
    const struct send_queue *queue = &ep->send_queue;
    if (ep->state != TCPIP_TCP_ESTABLISHED || hot == NULL || queue->bytes == 0 || queue->bytes > ep->snd_mss ||
        queue->bytes > ep->snd_wnd || hot->board.count > 0)
        return false;
    return queue->records == 0 && !ep->fin_queued && ep->search == NULL && ep->urgent == NULL && !tcp_corked(ep) &&
           likely(!tcp_stack_of(ep->base->stack)->unpredicted);
}

/* And does nothing below hold it back either? */
static bool tcp_may_go_alone(const struct tcp_endpoint *ep, tcpip_ns now)
{
    return route_valid(&ep->route) && tcpip__pmtu_get(&ep->route, ep->demux->flow.remote) == ep->path_mtu &&
           !nic_full(ep->route.nic) && pacer_open(&ep->hot->pacer, now) &&
           tcpip__scoreboard_may_send(&ep->hot->board, &tcp_stack_of(ep->base->stack)->records);
}

/* Sends it: what tcp_transmit and all below it come to then. False: nothing was done. */
static bool tcp_flush_lone(struct tcp_endpoint *ep)
{
    struct tcp_hot *hot = ep->hot;
    tcpip_ns now = stack_now(ep->base->stack);
    if (!tcp_may_go_alone(ep, now))
        return false;
    tcp_restart_after_idle(ep, now);
    uint32_t length = ep->send_queue.bytes, sent = length, segments_before = ep->data_segments_out;
    bool went = tcpip__tcp_output_data(ep, ep->snd_nxt, &sent, 0);
    if (likely(went))
        tcp_note_sent(ep, sent, false, 0, now);
    if (unlikely(!went || sent < length)) { /* no memory; or more pieces than a packet has room for */
        enum tcp_stop stop = went ? tcp_send_data(ep) : TCP_STOP_WINDOW;
        tcp_note_time(ep, tcp_transmitted(ep, stop, segments_before));
        return true;
    }
    bool limited = length >= ep->congestion.cwnd;
    ep->force_partial = false;
    tcp_note_use(ep, limited);
    if (!limited)
        tcpip__rate_app_limited(&hot->rate, length);
    tcpip__tcp_tell_room(ep);
    tcpip__chrono_set(&ep->chrono, ep->out_of_room ? CHRONO_BUFFER : CHRONO_BUSY, now);
    return true;
}

void tcpip__tcp_flush(struct tcpip_endpoint *endpoint)
{
    struct tcp_endpoint *ep = tcp_of(endpoint);
    if (ep->dead || !tcp_synchronized(ep))
        return;
    if (!(tcp_is_lone(ep) && tcp_flush_lone(ep)) && tcp_can_transmit(ep))
        tcp_note_time(ep, tcp_transmit(ep));
    if (ep->ack_now && !ep->dead)
        tcpip__tcp_output_ack(ep);
    if (DEBUG_BUILD)
        tcpip__tcp_check(ep);
}

/* RFC 9293 3.8.6.1: as much as the window takes if it takes anything, else the number before the first unacknowledged
 * one, which the peer must answer with an ACK. */
void tcpip__tcp_send_probe(struct tcp_endpoint *ep)
{
    if (!tcpip__tcp_route(ep))
        return;
    tcp_follow_mtu(ep);
    int32_t window = seq_diff(seq_add(ep->snd_una, ep->snd_wnd), ep->snd_nxt);
    uint32_t unsent = tcp_unsent(ep);
    if (window > 0 && (unsent > 0 || (ep->fin_queued && !ep->fin_sent))) {
        uint32_t length = min_u32(min_u32(unsent, (uint32_t)window), ep->snd_mss);
        (void)tcp_send_new(ep, length);
        return;
    }
    tcpip__tcp_output_control(ep, seq_sub(ep->snd_una, 1), TCPIP_TCP_ACK);
}

/* The last segment again, cut off what was sent with it. */
static bool tcp_repeat_last(struct tcp_endpoint *ep)
{
    struct scoreboard *board = &ep->hot->board;
    struct record *last = scoreboard_last(board);
    uint32_t mss = ep->snd_mss, payload = last->length - ((last->flags & RECORD_FIN) != 0 ? 1 : 0);
    if ((last->flags & RECORD_SACKED) != 0)
        return false;
    if (payload > mss &&
        !tcpip__scoreboard_split(board, &tcp_stack_of(ep->base->stack)->records, last, (payload - 1) / mss * mss))
        return false;
    last = scoreboard_last(board);
    return !tcp_beyond_window(ep, last) && tcp_retransmit_one(ep, last, mss);
}

void tcpip__tcp_send_tail_probe(struct tcp_endpoint *ep)
{
    struct tcp_hot *hot = ep->hot;
    if (!tlp_ready(&hot->tlp) || !tcpip__tcp_route(ep) || nic_full(ep->route.nic))
        return;
    tcp_follow_mtu(ep);
    uint32_t length = min_u32(tcp_unsent(ep), ep->snd_mss);
    seqnum start = ep->snd_nxt;
    bool new_data = length > 0 && seq_leq(seq_add(start, length), seq_add(ep->snd_una, ep->snd_wnd));
    if (new_data ? !tcp_send_new(ep, length) : !tcp_repeat_last(ep))
        return;
    if (!new_data)
        start = scoreboard_last(&hot->board)->seq;
    tcpip__tlp_sent(&hot->tlp, start, ep->snd_nxt, !new_data);
    tcp_stats(ep)->tail_loss_probes++;
}
