// SPDX-License-Identifier: MIT
/* tcp_repair.c: connections taken apart and made anew by hand, as with Linux's TCP_REPAIR.
 *
 *     a closed endpoint --- begin --- numbers --- connect --- options, queues, windows --- end ---> a connection
 *
 * Nothing is said to the peer before the end, where a segment with the number before the first unacknowledged one asks
 * it how far it is. What the caller says is believed as far as it can't hurt us: the invariants of tcp_check.c hold
 * whatever numbers come. An endpoint in repair goes on to take what the peer sends; to keep that away is the caller's
 * affair.
 *
 * Owns:     repair, repair_queue.
 * Not here: the socket options (socket/repair.c); moving connections without taking them apart (tcp_restore.c). */
#include "transport/tcp/tcp_repair.h"
#include "transport/tcp/tcp_fold.h"

#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_mtu.h"

enum {
    REPAIR_WINDOW_MOST = 1 << 30, /* RFC 7323 2.3 */
    REPAIR_SCALE_MOST = 14,
    REPAIR_LONG_AGO_DAYS = 25, /* for PAWS, RFC 7323 5.5 */
};

static struct tcp_endpoint *repair_enter(struct tcpip_endpoint *endpoint)
{
    tcpip_stack_enter(endpoint->stack);
    return tcpip__tcp_unfold(endpoint);
}

static enum tcpip_error repair_leave(struct tcpip_endpoint *endpoint, enum tcpip_error error)
{
    tcpip_stack_leave(endpoint->stack);
    return error;
}

/* ---- beginning and end ---- */

enum tcpip_error tcpip__tcp_repair_begin(struct tcpip_endpoint *endpoint)
{
    struct tcp_endpoint *ep = tcpip__tcp_unfold(endpoint);
    if (ep == NULL)
        return TCPIP_ERR_NO_MEMORY;
    if (ep->state == TCPIP_TCP_LISTEN)
        return TCPIP_ERR_NOT_PERMITTED;
    ep->repair = true;
    ep->repair_queue = REPAIR_NO_QUEUE;
    return TCPIP_OK;
}

enum tcpip_error tcpip__tcp_repair_end(struct tcpip_endpoint *endpoint, bool probe)
{
    struct tcp_endpoint *ep = repair_enter(endpoint);
    if (ep == NULL)
        return repair_leave(endpoint, TCPIP_ERR_NO_MEMORY);
    if (ep->state == TCPIP_TCP_LISTEN)
        return repair_leave(endpoint, TCPIP_ERR_NOT_PERMITTED);
    ep->repair = false;
    if (probe && ep->state == TCPIP_TCP_ESTABLISHED && tcpip__tcp_route(ep)) {
        ep->snd_wl1 = seq_sub(ep->rcv_nxt, 1); /* the answer's window counts */
        tcpip__tcp_output_control(ep, seq_sub(ep->snd_una, 1), TCPIP_TCP_ACK);
    }
    return repair_leave(endpoint, TCPIP_OK);
}

bool tcpip__tcp_in_repair(const struct tcpip_endpoint *endpoint)
{
    const struct tcp_endpoint *ep = endpoint->transport == TCPIP_PROTOCOL_TCP ? tcp_of_const(endpoint) : NULL;
    return ep != NULL && ep->repair; /* else it wouldn't be folded */
}

void tcpip__tcp_repair_connected(struct tcp_endpoint *ep, seqnum snd_nxt, seqnum rcv_nxt, uint32_t ts_offset)
{
    struct tcp_negotiated nothing = {
        .iss = seq_sub(snd_nxt, 1),
        .irs = seq_sub(rcv_nxt, 1),
        .peer_mss = TCP_MSS_DEFAULT_V4, /* in both families, as Linux */
        .peer_scale = -1,
    };
    ep->iss = nothing.iss;
    ep->snd_una = ep->snd_nxt = ep->snd_small = ep->cwnd_used_until = snd_nxt;
    tcpip__tcp_negotiate(ep, &nothing, tcpip__stack_now(ep->base->stack));
    ep->ts_offset = ts_offset;
    ep->snd_wl1 = seq_sub(ep->rcv_nxt, 1);
    ep->snd_wl2 = ep->snd_una;
    tcpip__tcp_established(ep);
    ep->connect_state = TCP_CONNECT_TOLD;
}

/* ---- numbers ---- */

void tcpip__tcp_repair_choose(struct tcpip_endpoint *endpoint, enum tcp_repair_queue queue)
{
    struct tcp_endpoint *ep = tcpip__tcp_unfold(endpoint);
    if (ep != NULL)
        ep->repair_queue = queue & 3;
}

enum tcp_repair_queue tcpip__tcp_repair_chosen(const struct tcpip_endpoint *endpoint)
{
    struct tcp_endpoint copy;
    return (enum tcp_repair_queue)tcpip__tcp_look(endpoint, &copy)->repair_queue;
}

/* A closed endpoint keeps them where a connection will have them. */
enum tcpip_error tcpip__tcp_repair_number(const struct tcpip_endpoint *endpoint, uint32_t *out)
{
    struct tcp_endpoint copy;
    const struct tcp_endpoint *ep = tcpip__tcp_look(endpoint, &copy);
    bool fin = ep->fin_queued && !ep->fin_acked;
    switch (ep->repair_queue) {
    case REPAIR_RECEIVE:
        *out = ep->rcv_nxt.v;
        return TCPIP_OK;
    case REPAIR_SEND:
        *out = ep->state <= TCPIP_TCP_LISTEN ? ep->snd_nxt.v : ep->snd_una.v + ep->send_queue.bytes + (fin ? 1 : 0);
        return TCPIP_OK;
    default:
        return TCPIP_ERR_INVALID_ARGUMENT;
    }
}

enum tcpip_error tcpip__tcp_repair_set_number(struct tcpip_endpoint *endpoint, uint32_t number)
{
    struct tcp_endpoint *ep = tcpip__tcp_unfold(endpoint);
    if (ep == NULL)
        return TCPIP_ERR_NO_MEMORY;
    if (ep->state != TCPIP_TCP_CLOSED)
        return TCPIP_ERR_NOT_PERMITTED;
    switch (ep->repair_queue) {
    case REPAIR_RECEIVE:
        if (ep->receive_queue.bytes > 0)
            return TCPIP_ERR_NOT_PERMITTED;
        ep->rcv_nxt = seq(number);
        return TCPIP_OK;
    case REPAIR_SEND:
        ep->snd_nxt = seq(number);
        return TCPIP_OK;
    default:
        return TCPIP_ERR_INVALID_ARGUMENT;
    }
}

/* ---- queues ---- */

/* As if it had come; the peer was told of that much room. */
static enum tcpip_error repair_received(struct tcp_endpoint *ep, const uint8_t *data, size_t size, size_t *done)
{
    struct tcpip_stack *stack = ep->base->stack;
    uint32_t room = sat_sub_u32(ep->receive_window.buffer_bytes, ep->receive_queue.bytes);
    uint32_t bytes = (uint32_t)min_size(size, room);
    if (ep->fin_received)
        return TCPIP_ERR_CLOSED_FOR_SEND;
    if (bytes == 0 && size > 0)
        return TCPIP_ERR_NO_MEMORY;
    if (!tcpip__receive_queue_copy_in(&ep->receive_queue, &tcp_stack_of(stack)->receive_chunks, &stack->buffers,
                                      ep->rcv_nxt, data, bytes, tcpip__stack_now(stack)))
        return TCPIP_ERR_NO_MEMORY;
    ep->rcv_nxt = seq_add(ep->rcv_nxt, bytes);
    if (seq_lt(ep->receive_window.advertised, ep->rcv_nxt))
        ep->receive_window.advertised = ep->rcv_nxt;
    *done = bytes;
    endpoint_notify(ep->base, TCPIP_EVENT_IN);
    return TCPIP_OK;
}

/* All that is queued counts as sent, and no round trip is measured by it. */
static bool repair_count_as_sent(struct tcp_endpoint *ep)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    struct tcp_hot *hot = tcpip__tcp_hot(ep);
    tcpip_ns now = tcpip__stack_now(ep->base->stack);
    uint32_t most = TCP_SUPER_SEGMENT_MAX, piece = most > ep->snd_mss ? most - most % ep->snd_mss : most;
    for (uint32_t left; (left = tcp_unsent(ep)) > 0;) {
        uint32_t bytes = min_u32(left, piece);
        if (hot == NULL || !tcpip__scoreboard_may_send(&hot->board, &tcp->records))
            return false;
        struct rate_snapshot snapshot = tcpip__rate_on_send(&hot->rate, tcp_in_flight(ep), now);
        bool noted = tcpip__scoreboard_sent(&hot->board, &tcp->records, ep->snd_nxt, bytes, RECORD_EVER_RETRANSMITTED,
                                            &snapshot, now);
        ASSERT_ENV(&ep->base->stack->env, noted);
        ep->snd_nxt = seq_add(ep->snd_nxt, bytes);
        tcpip__tcp_timers_on_data_sent(ep);
    }
    return true;
}

static enum tcpip_error repair_sent(struct tcp_endpoint *ep, const uint8_t *data, size_t size, size_t *done)
{
    struct tcpip_stack *stack = ep->base->stack;
    if (ep->shut_write)
        return TCPIP_ERR_CLOSED_FOR_SEND;
    size_t room = min_size(size, tcpip__tcp_send_room(ep));
    if (room == 0 && size > 0)
        return TCPIP_ERR_WOULD_BLOCK;
    *done = tcpip__send_queue_copy_in(&ep->send_queue, &tcp_stack_of(stack)->send_chunks, &stack->buffers, data, room);
    if ((*done == 0 && size > 0) || !repair_count_as_sent(ep))
        return TCPIP_ERR_NO_MEMORY;
    return TCPIP_OK;
}

enum tcpip_error tcpip__tcp_repair_write(struct tcpip_endpoint *endpoint, const void *data, size_t size, size_t *done)
{
    struct tcp_endpoint *ep = repair_enter(endpoint);
    if (ep == NULL)
        return repair_leave(endpoint, TCPIP_ERR_NO_MEMORY);
    enum tcpip_error error = TCPIP_ERR_INVALID_ARGUMENT;
    *done = 0;
    if (ep->state != TCPIP_TCP_ESTABLISHED && ep->state != TCPIP_TCP_CLOSE_WAIT)
        error = TCPIP_ERR_CLOSED_FOR_SEND;
    else if (ep->repair_queue == REPAIR_RECEIVE)
        error = repair_received(ep, data, size, done);
    else if (ep->repair_queue == REPAIR_SEND)
        error = repair_sent(ep, data, size, done);
    return repair_leave(endpoint, error);
}

size_t tcpip__tcp_repair_peek(const struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count)
{
    struct tcp_endpoint copy;
    const struct tcp_endpoint *ep = tcpip__tcp_look(endpoint, &copy);
    size_t used = 0; /* of *io */
    for (const struct send_chunk *chunk = ep->send_queue.first; chunk != NULL; chunk = chunk->next) {
        const uint8_t *from = tcpip_view_data(&chunk->view);
        for (size_t left = chunk->view.length; left > 0 && io_count > 0;) {
            size_t part = min_size(left, io->size - used);
            memcpy((uint8_t *)io->data + used, from, part);
            from += part;
            left -= part;
            used += part;
            if (used == io->size) {
                io++;
                io_count--;
                used = 0;
            }
        }
    }
    return ep->send_queue.bytes;
}

/* ---- what was agreed on ---- */

static enum tcpip_error repair_agree(struct tcp_endpoint *ep, uint32_t kind, uint32_t value)
{
    uint32_t theirs = value & 0xffff, ours = value >> 16, segments = ep->congestion.cwnd / ep->snd_mss;
    switch (kind) {
    case TCPIP_TCP_OPTION_MSS:
        ep->peer_mss = (uint16_t)clamp_i64(value, TCP_MSS_MIN, UINT16_MAX);
        break;
    case TCPIP_TCP_OPTION_WINDOW_SCALE:
        if (theirs > REPAIR_SCALE_MOST || ours > REPAIR_SCALE_MOST)
            return TCPIP_ERR_MESSAGE_TOO_LONG;
        ep->wscale_on = true;
        ep->snd_wscale = (uint8_t)theirs;
        ep->receive_window.scale = (uint8_t)ours;
        break;
    case TCPIP_TCP_OPTION_SACK_PERMITTED:
        if (value != 0)
            return TCPIP_ERR_INVALID_ARGUMENT;
        ep->sack_on = true;
        break;
    case TCPIP_TCP_OPTION_TIMESTAMPS:
        if (value != 0)
            return TCPIP_ERR_INVALID_ARGUMENT;
        ep->ts_on = true;
        ep->ts_recent = 0;
        /* Whatever the peer's clock says is news. */
        ep->ts_recent_at = tcpip__stack_now(ep->base->stack) - REPAIR_LONG_AGO_DAYS * 86400 * TCPIP_SECOND;
        break;
    default:
        break;
    }
    tcpip__tcp_signature_changed(ep); /* options have their room, and the rest is the segment's */
    (void)tcpip__tcp_update_mss(ep);
    ep->congestion.cwnd = segments * ep->snd_mss; /* nothing has used it yet */
    return TCPIP_OK;
}

enum tcpip_error tcpip__tcp_repair_agree(struct tcpip_endpoint *endpoint, uint32_t kind, uint32_t value)
{
    struct tcp_endpoint *ep = repair_enter(endpoint);
    if (ep == NULL)
        return repair_leave(endpoint, TCPIP_ERR_NO_MEMORY);
    enum tcpip_error error = TCPIP_ERR_NOT_PERMITTED;
    if (ep->state == TCPIP_TCP_ESTABLISHED && ep->bytes_sent == 0)
        error = repair_agree(ep, kind, value);
    return repair_leave(endpoint, error);
}

void tcpip__tcp_repair_timestamp(struct tcpip_endpoint *endpoint, uint32_t value)
{
    struct tcp_endpoint *ep = tcpip__tcp_unfold(endpoint);
    if (ep == NULL)
        return;
    ep->ts_offset += value - timestamp_clock(tcpip__stack_now(endpoint->stack), ep->ts_offset);
}

/* ---- windows ---- */

void tcpip__tcp_repair_windows(const struct tcpip_endpoint *endpoint, struct tcp_repair_windows *out)
{
    struct tcp_endpoint copy;
    const struct tcp_endpoint *ep = tcpip__tcp_look(endpoint, &copy);
    *out = (struct tcp_repair_windows){
        .snd_wl1 = ep->snd_wl1.v,
        .snd_wnd = ep->snd_wnd,
        .snd_wnd_max = ep->snd_wnd_max,
        .rcv_wnd = receive_window_open(&ep->receive_window, ep->last_ack_sent),
        .rcv_wup = ep->last_ack_sent.v,
    };
}

enum tcpip_error tcpip__tcp_repair_set_windows(struct tcpip_endpoint *endpoint,
                                               const struct tcp_repair_windows *windows)
{
    struct tcp_endpoint *ep = tcpip__tcp_unfold(endpoint);
    if (ep == NULL)
        return TCPIP_ERR_NO_MEMORY;
    seqnum wl1 = seq(windows->snd_wl1), wup = seq(windows->rcv_wup), edge = seq_add(wup, windows->rcv_wnd);
    if (windows->snd_wnd_max < windows->snd_wnd || seq_gt(wl1, seq_add(ep->rcv_nxt, windows->rcv_wnd)) ||
        seq_gt(wup, ep->rcv_nxt))
        return TCPIP_ERR_INVALID_ARGUMENT;
    /* No window is that large, though Linux takes it; and nothing here counts in one. */
    if (windows->snd_wnd_max > REPAIR_WINDOW_MOST || windows->rcv_wnd > REPAIR_WINDOW_MOST ||
        seq_size(wup, ep->rcv_nxt) > REPAIR_WINDOW_MOST)
        return TCPIP_ERR_INVALID_ARGUMENT;
    ep->snd_wl1 = wl1;
    ep->snd_wnd = windows->snd_wnd;
    ep->snd_wnd_max = windows->snd_wnd_max;
    ep->last_ack_sent = wup;
    ep->receive_window.advertised = seq_lt(edge, ep->rcv_nxt) ? ep->rcv_nxt : edge;
    return TCPIP_OK;
}
