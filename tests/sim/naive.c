// SPDX-License-Identifier: MIT
/* naive.c: a TCP of its own, as small as one can be that is still right (RFC 9293): one segment at a time, no options,
 * nothing kept that comes out of order, a timer that doubles, no congestion control because there is nothing to
 * control. Its mistakes can't be the library's.
 *
 * It holds ends of flows like side.c does, and tells of them in the same struct, so that the same is asserted of both.
 * A connection that is over is remembered for ever: it answers old segments as TIME-WAIT would, or as CLOSED.
 *
 * Owns:       connections of hosts without a stack.
 * Invariants: at most one segment is out; what was read is the peer's, in order.
 * Not here:   bytes on the wire (segment.c). */
#include "segment.h"
#include "sim.h"

#include <inttypes.h>
#include <string.h>
#include <tcpip/header/bytes.h>

enum {
    NAIVE_SEGMENT = 500,
    NAIVE_MSS = 536, /* of who says nothing (RFC 9293 3.7.1); less than IPv6's, too */
    NAIVE_BUFFER = 6000,
    NAIVE_RTO_MAX_S = 16,
    NAIVE_PORT = 40000,
};

static bool before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* ---- sending ---- */

static uint32_t naive_window(const struct naive *naive)
{
    return NAIVE_BUFFER - naive->unread;
}

static void naive_emit(struct naive *naive, uint32_t seq, uint8_t flags, const uint8_t *data, uint32_t bytes)
{
    uint8_t out[SEGMENT_BYTES_MAX];
    struct segment segment = {
        .source = naive->local,
        .destination = naive->remote,
        .source_port = naive->local_port,
        .destination_port = naive->remote_port,
        .seq = seq,
        .ack = (flags & SEGMENT_ACK) != 0 ? naive->rcv_nxt : 0,
        .window = (uint16_t)naive_window(naive),
        .flags = flags,
        .data = data,
        .data_bytes = bytes,
    };
    naive->told_window = segment.window;
    net_send(naive->sim, naive->side->host, out, (uint32_t)segment_build(out, &segment));
}

static void naive_ack(struct naive *naive)
{
    naive_emit(naive, naive->snd_nxt, SEGMENT_ACK, NULL, 0);
}

/* What is out, once more or for the first time. */
static void naive_emit_out(struct naive *naive)
{
    uint8_t data[NAIVE_SEGMENT];
    if (naive->state == NAIVE_SYN_SENT) {
        naive_emit(naive, naive->snd_una, SEGMENT_SYN, NULL, 0);
    } else if (naive->state == NAIVE_SYN_RECEIVED) {
        naive_emit(naive, naive->snd_una, SEGMENT_SYN | SEGMENT_ACK, NULL, 0);
    } else {
        for (uint32_t i = 0; i < naive->out_bytes; i++)
            data[i] = sim_pattern(naive->side, naive->acked + i);
        uint8_t flags = (uint8_t)(SEGMENT_ACK | (naive->out_fin ? SEGMENT_FIN : 0));
        naive_emit(naive, naive->snd_una, flags, data, naive->out_bytes);
    }
}

static void naive_send(struct naive *naive)
{
    naive->rto_ns = TCPIP_SECOND;
    naive->rto_at = naive->sim->now + naive->rto_ns;
    naive_emit_out(naive);
}

static bool naive_wants_fin(const struct naive *naive)
{
    const struct side *side = naive->side;
    return !naive->fin_acked && naive->acked == side->plan->total && (side->plan->end != PLAN_END_PASSIVE || side->eof);
}

/* The next segment, if none is out and there is one to send. Into a closed window goes one byte, when the timer says.
 */
static void naive_go_on(struct naive *naive)
{
    struct side *side = naive->side;
    uint64_t allowed = side_allowance(side);
    if (side->state != SIDE_OPEN || naive->snd_una != naive->snd_nxt)
        return;
    uint64_t left = allowed > naive->acked ? allowed - naive->acked : 0;
    uint32_t most = naive->mss < NAIVE_SEGMENT ? naive->mss : NAIVE_SEGMENT;
    most = naive->peer_window < most ? naive->peer_window : most;
    if (left > 0 && most == 0) {
        if (naive->rto_at == TCPIP_NEVER) {
            naive->rto_ns = TCPIP_SECOND;
            naive->rto_at = naive->sim->now + naive->rto_ns;
        }
        return;
    }
    naive->out_bytes = left < most ? (uint32_t)left : most;
    naive->out_fin = left == 0 && naive_wants_fin(naive);
    if (naive->out_bytes == 0 && !naive->out_fin)
        return;
    naive->snd_nxt = naive->snd_una + naive->out_bytes + naive->out_fin;
    side->written = naive->acked + naive->out_bytes;
    side->shut_write = side->shut_write || naive->out_fin;
    if (naive->out_bytes > 0)
        side_note(side, "writes", naive->out_bytes);
    naive_send(naive);
}

static void naive_end(struct naive *naive)
{
    naive->side->state = SIDE_DONE;
    naive->rto_at = TCPIP_NEVER;
    side_news(naive->side);
    side_note(naive->side, "is over", naive->state);
    judge_side(naive->side);
}

static void naive_reset(struct naive *naive)
{
    struct side *side = naive->side;
    naive_emit(naive, naive->snd_nxt, SEGMENT_RST | SEGMENT_ACK, NULL, 0);
    naive->state = NAIVE_CLOSED;
    side->aborted = true;
    side->gone_at = naive->sim->now;
    naive_end(naive);
}

/* All that the program does, between two packets. */
static void naive_program(struct naive *naive)
{
    struct side *side = naive->side;
    if (side->state != SIDE_OPEN)
        return;
    if (side->plan->end == PLAN_END_RESET && side->written + side->read >= side->plan->end_after) {
        naive_reset(naive);
        return;
    }
    naive_go_on(naive);
    if (naive->fin_acked && side->eof)
        naive_end(naive);
}

/* ---- beginning ---- */

static struct naive *naive_new(struct side *side, uint16_t local_port, uint16_t remote_port)
{
    struct sim *sim = side->sim;
    struct naive *naive = &sim->naives[side->flow->index * 2 + side->index];
    uint32_t family = side->flow->plan->family == PLAN_IPV6 ? PLAN_IPV6 : PLAN_IPV4;
    memset(naive, 0, sizeof(*naive));
    naive->sim = sim;
    naive->side = side;
    naive->local = sim->hosts[side->host].address[family];
    naive->remote = sim->hosts[side_peer(side)->host].address[family];
    naive->local_port = local_port;
    naive->remote_port = remote_port;
    naive->snd_una = rng_u32(&side->rng);
    naive->snd_nxt = naive->snd_una + 1;
    naive->mss = NAIVE_MSS;
    naive->read_at = TCPIP_NEVER;
    side->open_at = side->news_at = sim->now;
    return naive;
}

void naive_connect(struct sim_flow *flow, uint16_t port)
{
    struct side *side = &flow->side[0];
    struct naive *naive = naive_new(side, (uint16_t)(NAIVE_PORT + flow->index), port);
    naive->state = NAIVE_SYN_SENT;
    side->state = SIDE_CONNECTING;
    flow->port[0] = naive->local_port;
    flow->iss = naive->snd_una;
    naive_send(naive);
}

static uint32_t naive_mss_of(const struct segment *segment)
{
    for (uint32_t at = 0; at < segment->options_bytes;) {
        uint8_t kind = segment->options[at];
        if (kind == 0)
            break;
        uint32_t length = kind == 1 ? 1 : at + 1 < segment->options_bytes ? segment->options[at + 1] : 0;
        if (length == 0 || (kind != 1 && length < 2))
            break;
        if (kind == 2 && length == 4 && at + 4 <= segment->options_bytes)
            return tcpip_load_u16(segment->options + at + 2);
        at += length;
    }
    return NAIVE_MSS;
}

/* A SYN for a flow that waits for it. */
static void naive_accept(struct sim *sim, uint32_t host, const struct segment *segment)
{
    for (uint32_t i = 0; i < sim->plan->flow_count; i++) {
        struct sim_flow *flow = &sim->flows[i];
        if (!flow->started || flow->plan->host[1] != host || flow->port[0] != segment->source_port ||
            flow->side[1].state != SIDE_NONE || flow->iss != segment->seq)
            continue;
        struct naive *naive = naive_new(&flow->side[1], segment->destination_port, segment->source_port);
        naive->state = NAIVE_SYN_RECEIVED;
        naive->rcv_nxt = segment->seq + 1;
        naive->mss = naive_mss_of(segment);
        naive->side->state = SIDE_CONNECTING;
        side_note(naive->side, "is asked", segment->source_port);
        naive_send(naive);
        return;
    }
}

static void naive_is_open(struct naive *naive)
{
    naive->snd_una++;
    naive->state = NAIVE_OPEN;
    naive->rto_at = TCPIP_NEVER;
    naive->side->state = SIDE_OPEN;
    side_news(naive->side);
    side_note(naive->side, "is connected", 0);
}

/* ---- receiving ---- */

static void naive_was_reset(struct naive *naive)
{
    struct side *side = naive->side;
    naive->state = NAIVE_CLOSED;
    if (side->state == SIDE_DONE)
        return;
    side->error = side->state == SIDE_CONNECTING ? TCPIP_ERR_CONNECTION_REFUSED : TCPIP_ERR_CONNECTION_RESET;
    side->error_at = naive->sim->now;
    judge_error(side, side->error);
    if (side->gone_at > naive->sim->now)
        side->gone_at = naive->sim->now;
    naive_end(naive);
}

static void naive_take_ack(struct naive *naive, const struct segment *segment)
{
    if (segment->ack == naive->snd_nxt && naive->snd_una != naive->snd_nxt) {
        naive->acked += naive->out_bytes;
        naive->fin_acked = naive->fin_acked || naive->out_fin;
        naive->out_bytes = 0;
        naive->out_fin = false;
        naive->snd_una = naive->snd_nxt;
        naive->rto_at = TCPIP_NEVER;
        side_news(naive->side);
    } else if (before(naive->snd_una, segment->ack) && before(segment->ack, naive->snd_nxt)) {
        uint32_t part = segment->ack - naive->snd_una; /* of the data; the rest goes again, now */
        naive->acked += part;
        naive->out_bytes -= part;
        naive->snd_una = segment->ack;
        side_news(naive->side);
        naive_send(naive);
    } else if (before(naive->snd_nxt, segment->ack) || before(segment->ack, naive->snd_una)) {
        return;
    }
    if (!before(segment->seq, naive->window_seq)) {
        if (naive->peer_window == 0 && segment->window > 0)
            naive->rto_at = naive->snd_una == naive->snd_nxt ? TCPIP_NEVER : naive->rto_at;
        naive->peer_window = segment->window;
        naive->window_seq = segment->seq;
    }
}

static void naive_take_data(struct naive *naive, const struct segment *segment)
{
    struct side *side = naive->side;
    uint32_t skip = before(segment->seq, naive->rcv_nxt) ? naive->rcv_nxt - segment->seq : 0, room;
    if (before(naive->rcv_nxt, segment->seq) || skip > segment_length(segment) || naive->fin_received)
        return;
    room = naive_window(naive);
    uint32_t bytes = segment->data_bytes > skip ? segment->data_bytes - skip : 0;
    bool all = bytes <= room;
    bytes = all ? bytes : room;
    if (bytes > 0) {
        naive->rcv_nxt += bytes;
        naive->unread += bytes;
        if (!side_verify(side, side->read, segment->data + skip, bytes))
            return;
        side_has_read(side, bytes);
        if (naive->read_at == TCPIP_NEVER)
            naive->read_at = naive->sim->now + side->plan->read_pause;
    }
    if (all && (segment->flags & SEGMENT_FIN) != 0) {
        naive->rcv_nxt++;
        naive->fin_received = true;
        side_ended(side);
    }
}

static void naive_synchronizing(struct naive *naive, const struct segment *segment)
{
    bool ours = (segment->flags & SEGMENT_ACK) != 0 && segment->ack == naive->snd_nxt;
    if ((segment->flags & SEGMENT_RST) != 0) {
        bool in_place = naive->state == NAIVE_SYN_SENT ? ours : segment->seq == naive->rcv_nxt;
        if (in_place)
            naive_was_reset(naive);
        return;
    }
    if (naive->state == NAIVE_SYN_SENT) {
        if (!ours || (segment->flags & SEGMENT_SYN) == 0)
            return;
        naive->rcv_nxt = segment->seq + 1;
        naive->mss = naive_mss_of(segment);
        naive->window_seq = segment->seq;
        naive->peer_window = segment->window;
        naive_is_open(naive);
        naive_ack(naive);
    } else if ((segment->flags & SEGMENT_SYN) != 0) {
        naive_emit_out(naive); /* the same SYN again */
    } else if (ours) {
        naive->window_seq = segment->seq;
        naive->peer_window = segment->window;
        naive_is_open(naive);
    }
}

static void naive_take(struct naive *naive, const struct segment *segment)
{
    if (naive->state == NAIVE_CLOSED) {
        if ((segment->flags & (SEGMENT_RST | SEGMENT_ACK)) == SEGMENT_ACK)
            naive_emit(naive, segment->ack, SEGMENT_RST, NULL, 0);
        return;
    }
    bool opens = naive->state == NAIVE_SYN_SENT || naive->state == NAIVE_SYN_RECEIVED;
    if (opens)
        naive_synchronizing(naive, segment);
    if (naive->state != NAIVE_OPEN)
        return;
    if (opens && (segment->flags & SEGMENT_SYN) != 0) {
        naive_program(naive);
        return;
    }
    if ((segment->flags & SEGMENT_RST) != 0) {
        if (segment->seq == naive->rcv_nxt)
            naive_was_reset(naive);
        else if (before(naive->rcv_nxt, segment->seq) && segment->seq - naive->rcv_nxt < NAIVE_BUFFER)
            naive_ack(naive);
        return;
    }
    if ((segment->flags & SEGMENT_ACK) == 0 || (segment->flags & SEGMENT_SYN) != 0) {
        naive_ack(naive);
        return;
    }
    naive_take_ack(naive, segment);
    if (segment_length(segment) > 0 || segment->seq != naive->rcv_nxt) {
        naive_take_data(naive, segment);
        naive_ack(naive);
    }
    naive_program(naive);
}

void naive_input(struct sim *sim, uint32_t host, const uint8_t *packet, uint32_t bytes)
{
    struct segment segment;
    if (!segment_parse(packet, bytes, &segment))
        return;
    bool begins = (segment.flags & (SEGMENT_SYN | SEGMENT_ACK | SEGMENT_RST)) == SEGMENT_SYN;
    struct naive *over = NULL; /* what was between these ports: another may begin, and have begun */
    for (uint32_t i = 0; i < 2 * sim->plan->flow_count; i++) {
        struct naive *naive = &sim->naives[i];
        if (naive->side == NULL || naive->side->host != host || naive->local_port != segment.destination_port ||
            naive->remote_port != segment.source_port || !tcpip_address_equal(&naive->remote, &segment.source) ||
            !tcpip_address_equal(&naive->local, &segment.destination))
            continue;
        if (naive->state != NAIVE_CLOSED) {
            naive_take(naive, &segment);
            return;
        }
        over = naive;
    }
    if (begins)
        naive_accept(sim, host, &segment);
    else if (over != NULL)
        naive_take(over, &segment);
}

/* ---- time ---- */

static void naive_timer(struct naive *naive)
{
    struct side *side = naive->side;
    naive->rto_ns =
        naive->rto_ns * 2 < NAIVE_RTO_MAX_S * TCPIP_SECOND ? naive->rto_ns * 2 : NAIVE_RTO_MAX_S * TCPIP_SECOND;
    naive->rto_at = naive->sim->now + naive->rto_ns;
    if (side->state == SIDE_OPEN && naive->snd_una == naive->snd_nxt) { /* a probe */
        naive->out_bytes = 1;
        naive->snd_nxt = naive->snd_una + 1;
        side->written = naive->acked + 1;
    }
    naive_emit_out(naive);
}

static void naive_reads(struct naive *naive)
{
    struct side *side = naive->side;
    uint32_t read = naive->unread < side->plan->read_max ? naive->unread : side->plan->read_max;
    naive->unread -= side->plan->read_pause > 0 ? read : naive->unread;
    naive->read_at = naive->unread > 0 ? naive->sim->now + side->plan->read_pause : TCPIP_NEVER;
    /* Told when it is worth it (RFC 9293 3.8.6.2.2). */
    if (naive->told_window < NAIVE_MSS && naive_window(naive) >= 2 * NAIVE_MSS && naive->state == NAIVE_OPEN)
        naive_ack(naive);
}

static bool naive_step_one(struct naive *naive)
{
    if (naive->side == NULL)
        return false;
    tcpip_ns now = naive->sim->now;
    if (naive->read_at <= now) {
        naive_reads(naive);
        return true;
    }
    if (naive->side->state == SIDE_DONE)
        return false;
    if (side_give_up_at(naive->side) <= now) {
        naive_reset(naive);
        return true;
    }
    if (naive->rto_at > now)
        return false;
    naive_timer(naive);
    return true;
}

bool naive_step(struct sim *sim)
{
    bool more = false;
    for (uint32_t i = 0; i < 2 * sim->plan->flow_count; i++)
        more = naive_step_one(&sim->naives[i]) || more;
    return more;
}

tcpip_ns naive_deadline(const struct sim *sim)
{
    tcpip_ns next = TCPIP_NEVER;
    for (uint32_t i = 0; i < 2 * sim->plan->flow_count; i++) {
        const struct naive *naive = &sim->naives[i];
        if (naive->side == NULL)
            continue;
        next = naive->read_at < next ? naive->read_at : next;
        if (naive->side->state == SIDE_DONE)
            continue;
        next = naive->rto_at < next ? naive->rto_at : next;
        tcpip_ns give_up = side_give_up_at(naive->side);
        next = give_up < next ? give_up : next;
    }
    return next;
}
