// SPDX-License-Identifier: MIT
/* receive_window.h: what to advertise (RFC 9293 3.8.6), and how large the receive buffer should be (auto-tuning). */
#ifndef TCPIP_SRC_TCP_RECEIVE_WINDOW_H
#define TCPIP_SRC_TCP_RECEIVE_WINDOW_H

#include "base/compiler.h"
#include "base/seqnum.h"

struct archive;

struct receive_window {
    seqnum advertised;     /* right edge that the peer was told; never moves left (RFC 9293 3.8.6.2.1) */
    uint32_t buffer_bytes; /* receive buffer: payload that may be queued */
    uint32_t clamp;        /* WINDOW_CLAMP; 0: off */
    uint8_t scale;         /* our shift */
    /* auto-tuning: bytes that the reader took in one round trip */
    uint32_t copied_bytes; /* since round_at */
    uint32_t space_bytes;  /* the most so far in one round */
    tcpip_ns round_at;
    uint64_t best_rate, grown_rate; /* bytes per second in a round: the highest so far, and that at the last growth */
    tcpip_ns rtt_ns;                /* receiver-side estimate; 0: none yet */
    seqnum rtt_seq;                 /* when rcv_nxt passes this ... */
    tcpip_ns rtt_at;                /* ... a window-worth has come since then; 0: not measuring */
};

/* Of a connection at rest (fold.h). */
struct receive_window_folded {
    seqnum advertised;
    uint32_t buffer_bytes, space_bytes;
    uint32_t best_rate, grown_rate, rtt;
    uint8_t scale;
};

void tcpip__receive_window_init(struct receive_window *window, seqnum rcv_nxt, uint32_t buffer_bytes, uint8_t scale,
                                tcpip_ns now);
/* The shift to offer for a buffer that may grow to `max_bytes` (RFC 7323 2.2: at most 14). */
uint8_t tcpip__receive_window_scale(uint32_t max_bytes);
/* The window field's value before shifting, in bytes: buffer less queued, never taking back what was offered, not
 * opened by less than min(mss, buffer / 2) (silly-window avoidance, RFC 9293 3.8.6.2.2), a multiple of 1 << scale.
 * Notes what it returns as advertised. `no_scale` for SYN segments. */
uint32_t tcpip__receive_window_advertise(struct receive_window *window, seqnum rcv_nxt, uint32_t queued_bytes,
                                         uint32_t mss, bool no_scale);
/* What could be advertised now, without noting it. */
uint32_t tcpip__receive_window_peek(const struct receive_window *window, seqnum rcv_nxt, uint32_t queued_bytes,
                                    uint32_t mss);
/* What is left of what the peer was told. */
static inline uint32_t receive_window_open(const struct receive_window *window, seqnum rcv_nxt)
{
    int32_t open = seq_diff(window->advertised, rcv_nxt);
    return open > 0 ? (uint32_t)open : 0;
}
/* True when reading has opened the window enough to tell the peer unasked: from zero, by half the buffer, or by two
 * segments if that doubles what it has left (it needn't hear of room that it isn't about to miss). */
bool tcpip__receive_window_update_due(const struct receive_window *window, seqnum rcv_nxt, uint32_t queued_bytes,
                                      uint32_t mss);
/* In-order data came. A window-worth takes a round trip at least: an upper bound of it, the only one without
 * timestamps, and finer than they are below a millisecond. */
void tcpip__receive_window_on_data(struct receive_window *window, seqnum rcv_nxt, uint32_t mss, tcpip_ns now);
/* From the peer's echo of a timestamp. */
void tcpip__receive_window_rtt_sample(struct receive_window *window, tcpip_ns rtt_ns);
/* The reader took `bytes`; once a round trip the buffer may grow to twice what was read in it plus slow start's
 * headroom, up to max_bytes. It doesn't when less than half the window was used, nor when the last growth has made
 * nothing faster: the working set stays in the cache. Returns true if buffer_bytes changed. */
bool tcpip__receive_window_on_read(struct receive_window *window, uint32_t bytes, uint32_t max_bytes, uint32_t mss,
                                   tcpip_ns now);
/* Is that so much that its round has to be timed by the clock? A sixteenth of what counts as growth more or less in a
 * round makes no difference: for that, `now` may be when the data came, which needn't be asked for. */
static inline bool receive_window_minds(const struct receive_window *window, uint32_t bytes)
{
    return (uint64_t)window->copied_bytes + bytes > window->space_bytes / 16;
}
/* But for the clamp. */
void tcpip__receive_window_fold(const struct receive_window *window, struct receive_window_folded *out);
/* What is measured begins anew; the reader took nothing since `round_at`. */
void tcpip__receive_window_unfold(const struct receive_window_folded *folded, struct receive_window *out,
                                  tcpip_ns round_at);
/* Saved and restored (base/archive.h). A buffer of more than `max_bytes` is cut to it. */
void tcpip__receive_window_archive(struct archive *archive, struct receive_window *window, uint32_t max_bytes);

#endif
