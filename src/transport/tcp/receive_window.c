// SPDX-License-Identifier: MIT
/* receive_window.c: the window that the peer is told (RFC 9293 3.8.6, RFC 7323 2), and the buffer behind it.
 *
 * The right edge never moves left: what was offered stays offered, also when the buffer shrinks or the scaled value
 * can't express it exactly (then it is rounded up to the next multiple that covers the old edge; such an offer was made
 * before). It moves right only in steps worth a segment (silly windows).
 *
 * Auto-tuning (receiver side): in each round trip the reader takes as many bytes as the peer could send in it. If that
 * was more than ever before, the buffer becomes twice that, so that the window never is what limits a peer in slow
 * start. A reader that keeps up with a window it doesn't fill gains nothing: the buffer stays, and the working set
 * stays in the cache.
 *
 * Owns:       struct receive_window.
 * Invariants: advertised never goes back; buffer_bytes never shrinks by itself.
 * Not here:   when to send an update (tcp_endpoint.c, ack_policy.c). */
#include "transport/tcp/receive_window.h"

#include "base/math.h"
#include <tcpip/header/tcp.h>

void tcpip__receive_window_init(struct receive_window *window, seqnum rcv_nxt, uint32_t buffer_bytes, uint8_t scale,
                                tcpip_ns now)
{
    *window = (struct receive_window){
        .advertised = rcv_nxt,
        .buffer_bytes = buffer_bytes,
        .scale = scale,
        .space_bytes = buffer_bytes / 2, /* what the first buffer serves without growing */
        .round_at = now,
        .rtt_seq = rcv_nxt,
        .rtt_at = now,
    };
}

uint8_t tcpip__receive_window_scale(uint32_t max_bytes)
{
    uint8_t scale = 0;
    while (scale < TCPIP_TCP_WINDOW_SCALE_MAX && (max_bytes >> scale) > 65535)
        scale++;
    return scale;
}

/* The right edge that could be offered now, before rounding: no further than the field can say. */
static seqnum window_edge(const struct receive_window *window, seqnum rcv_nxt, uint32_t queued_bytes, uint32_t mss)
{
    uint32_t buffer = window->clamp != 0 ? min_u32(window->buffer_bytes, window->clamp) : window->buffer_bytes;
    uint32_t space = min_u32(sat_sub_u32(buffer, queued_bytes), (uint32_t)65535 << window->scale);
    seqnum edge = seq_add(rcv_nxt, space);
    if (seq_leq(edge, window->advertised))
        return window->advertised;
    /* RFC 9293 3.8.6.2.2 (MUST-39): not by less than a segment, or half the buffer where segments are large. */
    uint32_t step = seq_size(window->advertised, edge);
    return step >= min_u32(mss, buffer / 2) ? edge : window->advertised;
}

uint32_t tcpip__receive_window_peek(const struct receive_window *window, seqnum rcv_nxt, uint32_t queued_bytes,
                                    uint32_t mss)
{
    seqnum edge = window_edge(window, rcv_nxt, queued_bytes, mss);
    return seq_gt(edge, rcv_nxt) ? seq_size(rcv_nxt, edge) : 0;
}

uint32_t tcpip__receive_window_advertise(struct receive_window *window, seqnum rcv_nxt, uint32_t queued_bytes,
                                         uint32_t mss, bool no_scale)
{
    uint32_t offer = tcpip__receive_window_peek(window, rcv_nxt, queued_bytes, mss);
    uint32_t open = receive_window_open(window, rcv_nxt);
    uint32_t scale = no_scale ? 0 : window->scale;
    uint32_t unit = (uint32_t)1 << scale;
    offer = min_u32(offer, (uint32_t)65535 << scale);
    offer = offer & ~(unit - 1);
    /* RFC 7323 2.4: rounding down must not take back; the byte or so beyond was once offered, or is memory we can
     * spare. */
    if (offer < open)
        offer = min_u32((open + (unit - 1)) & ~(unit - 1), (uint32_t)65535 << scale);
    seqnum edge = seq_add(rcv_nxt, offer);
    window->advertised = seq_max(window->advertised, edge);
    return offer;
}

bool tcpip__receive_window_update_due(const struct receive_window *window, seqnum rcv_nxt, uint32_t queued_bytes,
                                      uint32_t mss)
{
    uint32_t open = receive_window_open(window, rcv_nxt);
    uint32_t could = tcpip__receive_window_peek(window, rcv_nxt, queued_bytes, mss);
    if (could <= open)
        return false;
    uint32_t gain = could - open;
    /* A peer that is stopped, or soon will be, must hear of it; others learn it from the next ACK. */
    if (open < mss)
        return true;
    return gain >= min_u32(window->buffer_bytes / 2, max_u32(2 * mss, window->buffer_bytes / 4));
}

void tcpip__receive_window_on_data(struct receive_window *window, seqnum rcv_nxt, uint32_t mss, tcpip_ns now)
{
    /* Only where the handshake gave no sample: a window-worth of data takes a round trip, more or less. */
    if (window->rtt_ns != 0 || seq_lt(rcv_nxt, window->rtt_seq))
        return;
    if (window->rtt_at != 0 && now > window->rtt_at)
        window->rtt_ns = now - window->rtt_at;
    window->rtt_seq = seq_max(window->advertised, seq_add(rcv_nxt, mss));
    window->rtt_at = now;
}

void tcpip__receive_window_rtt_sample(struct receive_window *window, tcpip_ns rtt_ns)
{
    window->rtt_ns = window->rtt_ns == 0 ? rtt_ns : (window->rtt_ns * 7 + rtt_ns) / 8;
}

bool tcpip__receive_window_on_read(struct receive_window *window, uint32_t bytes, uint32_t max_bytes, uint32_t mss,
                                   tcpip_ns now)
{
    window->copied_bytes = sat_add_u32(window->copied_bytes, bytes);
    if (window->rtt_ns == 0 || now - window->round_at < window->rtt_ns)
        return false;
    uint32_t copied = window->copied_bytes;
    window->copied_bytes = 0;
    window->round_at = now;
    if (copied <= window->space_bytes)
        return false;
    window->space_bytes = copied;
    /* Twice: the peer's window doubles in the next round trip of slow start. */
    uint32_t wanted = min_u32(sat_add_u32(sat_add_u32(copied, copied), 16 * mss), max_bytes);
    if (wanted <= window->buffer_bytes)
        return false;
    window->buffer_bytes = wanted;
    return true;
}
