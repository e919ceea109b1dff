// SPDX-License-Identifier: MIT
/* receive_window.c: how much the peer may send, and how large the buffer behind that promise should be.
 *
 * The window is a promise of buffer space: its right edge only moves right, and only by steps worth a segment, so that
 * a slow reader doesn't draw small segments. With window scaling the field counts units of 1 << scale while rcv_nxt
 * moves by bytes, so an edge that was told can seldom be told again exactly. It is rounded up, because to round down
 * would be to take back (RFC 7323 section 2.4 warns of that); the few bytes lent that way are bounded by a sixteenth of
 * the buffer, for a peer that sends byte by byte could have a unit for each. Beyond, the field is rounded down, and
 * what was promised before is still taken.
 *
 * Auto-tuning. A window carries at most its size in one round trip. If the reader took more than half of the buffer in
 * one, the window is about to be the bottleneck, and the buffer grows to twice that. A sender in slow start doubles,
 * and hears of the new window a round trip late: where twice as much came as in the round before, the buffer is made
 * four times what came before it is used up, so that such a sender is never held up. Whether it was the bottleneck
 * indeed, the next rounds tell: unless they are faster by a quarter, something else is (the path's rate, or, between
 * two stacks on one machine, the CPU, for which a larger window is only a colder cache), and it grows no further.
 *
 * Owns:        struct receive_window.
 * Invariants:  advertised never moves left; what moves it keeps queued + window within the buffer and a sixteenth, or
 *              within one unit of it.
 * Not here:    when an update is sent (ack_policy.c), the bytes (receive_queue.c), memory pressure (the endpoint).
 */
#include "transport/tcp/receive_window.h"

#include "base/archive.h"
#include "base/assert.h"
#include "base/math.h"
#include "transport/tcp/fold.h"

enum {
    WINDOW_FIELD_MAX = 65535,
    WINDOW_SCALE_MAX = 14,  /* RFC 7323 section 2.3 */
    LENT_SHARE = 16,        /* 1/16 of the buffer may be promised beyond it by rounding */
    HEADROOM_SEGMENTS = 16, /* what slow start adds while we look */
    INITIAL_WINDOW = 14600  /* what a sender begins with (RFC 6928): only more than that is growth */
};

/* Below, a round trip lost by a window that grows late isn't worth the memory. */
static const tcpip_ns LONG_ROUND_TRIP = TCPIP_MS;

static uint32_t window_round_up(uint32_t bytes, uint32_t unit)
{
    return (bytes + (unit - 1)) & ~(unit - 1);
}

/* The value to advertise, a multiple of 1 << scale. */
static always_inline uint32_t window_value(const struct receive_window *window, seqnum rcv_nxt, uint32_t queued_bytes,
                                           uint32_t mss, uint8_t scale)
{
    uint32_t unit = 1u << scale, most = (uint32_t)WINDOW_FIELD_MAX << scale;
    uint32_t size = window->clamp != 0 ? min_u32(window->buffer_bytes, window->clamp) : window->buffer_bytes;
    uint32_t room = sat_sub_u32(size, queued_bytes), open = receive_window_open(window, rcv_nxt);
    uint32_t offer = min_u32(room, most) & ~(unit - 1), step = max_u32(min_u32(mss, size / 2), 1);

    /* A buffer smaller than the unit would never be offered. */
    if (offer == 0 && room >= step)
        offer = unit;
    if (offer > open && offer - open >= step)
        return offer;
    open = min_u32(open, most);
    uint32_t kept = window_round_up(open, unit);
    if ((uint64_t)queued_bytes + kept <= (uint64_t)size + max_u32(unit, size / LENT_SHARE))
        return kept;
    return open & ~(unit - 1);
}

void tcpip__receive_window_init(struct receive_window *window, seqnum rcv_nxt, uint32_t buffer_bytes, uint8_t scale,
                                tcpip_ns now)
{
    ASSERT(scale <= WINDOW_SCALE_MAX);
    *window = (struct receive_window){
        .advertised = rcv_nxt,
        .buffer_bytes = buffer_bytes,
        .scale = scale,
        .space_bytes = min_u32(buffer_bytes, INITIAL_WINDOW),
        .round_at = now,
    };
}

uint8_t tcpip__receive_window_scale(uint32_t max_bytes)
{
    uint8_t scale = 0;
    while (scale < WINDOW_SCALE_MAX && max_bytes >> scale > WINDOW_FIELD_MAX)
        scale++;
    return scale;
}

uint32_t tcpip__receive_window_advertise(struct receive_window *window, seqnum rcv_nxt, uint32_t queued_bytes,
                                         uint32_t mss, bool no_scale)
{
    uint32_t value = window_value(window, rcv_nxt, queued_bytes, mss, no_scale ? 0 : window->scale);
    window->advertised = seq_max(window->advertised, seq_add(rcv_nxt, value));
    return value;
}

uint32_t tcpip__receive_window_peek(const struct receive_window *window, seqnum rcv_nxt, uint32_t queued_bytes,
                                    uint32_t mss)
{
    return window_value(window, rcv_nxt, queued_bytes, mss, window->scale);
}

bool tcpip__receive_window_update_due(const struct receive_window *window, seqnum rcv_nxt, uint32_t queued_bytes,
                                      uint32_t mss)
{
    uint32_t open = receive_window_open(window, rcv_nxt);

    /* Mostly there is plenty left: then there is nothing to compute. */
    if (open >= window->buffer_bytes / 2)
        return false;
    uint32_t value = tcpip__receive_window_peek(window, rcv_nxt, queued_bytes, mss);
    if (value <= open)
        return false;
    uint32_t gain = value - open;
    return open == 0 || gain >= window->buffer_bytes / 2 || (gain >= open && gain / 2 >= mss);
}

void tcpip__receive_window_on_data(struct receive_window *window, seqnum rcv_nxt, uint32_t mss, tcpip_ns now)
{
    if (window->rtt_at != 0) {
        if (seq_leq(rcv_nxt, window->rtt_seq))
            return;
        tcpip_ns sample = max_i64(now - window->rtt_at, 1);
        if (window->rtt_ns == 0 || sample < window->rtt_ns)
            window->rtt_ns = sample;
    }
    /* What lies beyond the edge can only be sent in answer to what we say from now on. Of a window of less than a
     * segment the peer may wait to make use. */
    window->rtt_at = receive_window_open(window, rcv_nxt) >= mss ? now : 0;
    window->rtt_seq = window->advertised;
}

void tcpip__receive_window_rtt_sample(struct receive_window *window, tcpip_ns rtt_ns)
{
    rtt_ns = max_i64(rtt_ns, 1);
    if (window->rtt_ns == 0)
        window->rtt_ns = rtt_ns;
    else
        window->rtt_ns = max_i64(window->rtt_ns + (rtt_ns - window->rtt_ns) / 8, 1);
}

bool tcpip__receive_window_on_read(struct receive_window *window, uint32_t bytes, uint32_t max_bytes, uint32_t mss,
                                   tcpip_ns now)
{
    window->copied_bytes = sat_add_u32(window->copied_bytes, bytes);
    tcpip_ns elapsed = now - window->round_at;
    if (window->rtt_ns == 0 || elapsed < window->rtt_ns)
        return false;

    uint64_t rate = tcpip__muldiv_u64(window->copied_bytes, (uint64_t)TCPIP_SECOND, (uint64_t)max_i64(elapsed, 1));
    /* More than the buffer in a round trip: then the estimate is too long, and the buffer is what came in one. */
    uint32_t copied = min_u32(window->copied_bytes, window->buffer_bytes);
    window->copied_bytes = 0;
    window->round_at = now;
    uint32_t more = sat_sub_u32(copied, window->space_bytes);
    window->space_bytes += more;
    window->best_rate = max_u64(window->best_rate, rate);

    uint64_t want = 2 * (uint64_t)copied + (uint64_t)HEADROOM_SEGMENTS * mss;
    bool held_up = copied > window->buffer_bytes / 2, doubling = more > 0 && window->rtt_ns >= LONG_ROUND_TRIP;
    /* A sender that is still doubling has sent twice as much again before it hears of the new window. */
    if (doubling)
        want += 4 * (uint64_t)more;
    want = min_u64(want, max_bytes);
    if (!(held_up || doubling) || want <= window->buffer_bytes)
        return false;
    if (rate < window->grown_rate + window->grown_rate / 4)
        return false;
    window->buffer_bytes = (uint32_t)want;
    window->grown_rate = window->best_rate;
    return true;
}

void tcpip__receive_window_fold(const struct receive_window *window, struct receive_window_folded *out)
{
    *out = (struct receive_window_folded){
        .advertised = window->advertised,
        .buffer_bytes = window->buffer_bytes,
        .space_bytes = window->space_bytes,
        .best_rate = fold_rate(window->best_rate),
        .grown_rate = fold_rate(window->grown_rate),
        .rtt = fold_duration(window->rtt_ns),
        .scale = window->scale,
    };
}

void tcpip__receive_window_unfold(const struct receive_window_folded *folded, struct receive_window *out,
                                  tcpip_ns round_at)
{
    *out = (struct receive_window){
        .advertised = folded->advertised,
        .buffer_bytes = folded->buffer_bytes,
        .space_bytes = folded->space_bytes,
        .round_at = round_at,
        .best_rate = unfold_rate(folded->best_rate),
        .grown_rate = unfold_rate(folded->grown_rate),
        .rtt_ns = unfold_duration(folded->rtt),
        .scale = folded->scale,
    };
}

void tcpip__receive_window_archive(struct archive *archive, struct receive_window *window, uint32_t max_bytes)
{
    archive_seq(archive, &window->advertised);
    archive_u32(archive, &window->buffer_bytes);
    archive_u32(archive, &window->clamp);
    archive_u8(archive, &window->scale, WINDOW_SCALE_MAX);
    archive_u32(archive, &window->copied_bytes);
    archive_u32(archive, &window->space_bytes);
    tcpip__archive_instant(archive, &window->round_at);
    archive_u64(archive, &window->best_rate);
    archive_u64(archive, &window->grown_rate);
    tcpip__archive_duration(archive, &window->rtt_ns);
    archive_seq(archive, &window->rtt_seq);
    tcpip__archive_instant_or_zero(archive, &window->rtt_at);
    if (archive_restoring(archive))
        window->buffer_bytes = min_u32(window->buffer_bytes, max_bytes);
}
