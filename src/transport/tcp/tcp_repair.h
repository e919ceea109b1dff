// SPDX-License-Identifier: MIT
/* tcp_repair.h: TCP_REPAIR, for the socket layer: a program looks into a connection and makes it anew by hand. Who
 * wants a connection moved has it easier with tcpip/save.h.
 *
 * Each call is an entry of its stack; endpoints are TCP's. */
#ifndef TCPIP_SRC_TCP_TCP_REPAIR_H
#define TCPIP_SRC_TCP_TCP_REPAIR_H

#include <tcpip/endpoint.h>

enum tcp_repair_queue { REPAIR_NO_QUEUE, REPAIR_RECEIVE, REPAIR_SEND, REPAIR_QUEUE_COUNT };

/* In repair, an endpoint connects, binds to a port that others hold, and closes without a word to anybody. Leaving may
 * probe: a segment that asks the peer how far it is and how large its window. NOT_PERMITTED: it listens. */
TCPIP_MUST_USE enum tcpip_error tcpip__tcp_repair_begin(struct tcpip_endpoint *endpoint);
TCPIP_MUST_USE enum tcpip_error tcpip__tcp_repair_end(struct tcpip_endpoint *endpoint, bool probe);
bool tcpip__tcp_in_repair(const struct tcpip_endpoint *endpoint);

/* The queue that the next calls are about; it stays chosen after the repair. */
void tcpip__tcp_repair_choose(struct tcpip_endpoint *endpoint, enum tcp_repair_queue queue);
enum tcp_repair_queue tcpip__tcp_repair_chosen(const struct tcpip_endpoint *endpoint);
/* The sequence number that the next byte of the chosen queue has. INVALID_ARGUMENT: none is chosen. Set: NOT_PERMITTED:
 * it isn't closed, or has something to read. */
TCPIP_MUST_USE enum tcpip_error tcpip__tcp_repair_number(const struct tcpip_endpoint *endpoint, uint32_t *out);
TCPIP_MUST_USE enum tcpip_error tcpip__tcp_repair_set_number(struct tcpip_endpoint *endpoint, uint32_t number);
/* Bytes that were received and not read (REPAIR_RECEIVE), or sent and not acknowledged: they aren't sent now, but again
 * if no acknowledgment comes. *done of them, or: INVALID_ARGUMENT, no queue is chosen; CLOSED_FOR_SEND, WOULD_BLOCK (no
 * room), NO_MEMORY. */
TCPIP_MUST_USE enum tcpip_error tcpip__tcp_repair_write(struct tcpip_endpoint *endpoint, const void *data, size_t size,
                                                        size_t *done);
/* Copies out the bytes of the send queue, as many as fit; returns how many there are. */
size_t tcpip__tcp_repair_peek(const struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count);

/* What the handshake had agreed on, one at a time; `kind` is the TCP option's: MSS; window scale (ours in the upper 16
 * bits of `value`, the peer's in the lower); SACK permitted and timestamps (0). NOT_PERMITTED: not established, or it
 * has sent data already; MESSAGE_TOO_LONG: a scale over 14; INVALID_ARGUMENT. Other kinds do nothing, as in Linux. */
TCPIP_MUST_USE enum tcpip_error tcpip__tcp_repair_agree(struct tcpip_endpoint *endpoint, uint32_t kind, uint32_t value);
/* What timestamps count from now on, in milliseconds. */
void tcpip__tcp_repair_timestamp(struct tcpip_endpoint *endpoint, uint32_t value);

/* The windows, as Linux has them. */
struct tcp_repair_windows {
    uint32_t snd_wl1, snd_wnd, snd_wnd_max;
    uint32_t rcv_wnd, rcv_wup; /* what was advertised, and rcv_nxt then */
};
void tcpip__tcp_repair_windows(const struct tcpip_endpoint *endpoint, struct tcp_repair_windows *out);
/* INVALID_ARGUMENT: they contradict each other. */
TCPIP_MUST_USE enum tcpip_error tcpip__tcp_repair_set_windows(struct tcpip_endpoint *endpoint,
                                                              const struct tcp_repair_windows *windows);

#endif
