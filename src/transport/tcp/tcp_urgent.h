// SPDX-License-Identifier: MIT
/* tcp_urgent.h: the urgent mark, for TCP's hands. */
#ifndef TCPIP_SRC_TCP_TCP_URGENT_H
#define TCPIP_SRC_TCP_TCP_URGENT_H

#include "transport/tcp/tcp.h"

enum urgent_state {
    URGENT_NONE,
    URGENT_AWAITED, /* the pointer came, the byte didn't */
    URGENT_HERE,
    URGENT_TAKEN, /* read out of band; it is still in line */
};
/* From the first mark on. */
struct tcp_urgent {
    uint8_t state; /* enum urgent_state; NONE again once the reader is past it */
    uint8_t byte;
    bool stale;   /* the reader stands at stale_at, where the mark was before this one */
    bool sending; /* what lies below snd_up isn't acknowledged */
    seqnum at;    /* of the last urgent byte received */
    seqnum stale_at;
    seqnum snd_up; /* behind the last urgent byte written */
};

/* Sixth: an acceptable segment with a pointer, or after one came. */
void tcpip__tcp_urgent_input(struct tcp_endpoint *ep, const struct tcp_segment *segment);
/* Bytes were read. */
void tcpip__tcp_urgent_read(struct tcp_endpoint *ep);
/* What is queued up to now is urgent. */
void tcpip__tcp_urgent_write(struct tcp_endpoint *ep);
/* The pointer, in what goes out at `seq`. */
void tcpip__tcp_urgent_output(struct tcp_endpoint *ep, seqnum seq, struct tcpip_tcp_fields *fields);
void tcpip__tcp_urgent_free(struct tcp_endpoint *ep);
/* Is something urgent not acknowledged? */
static inline bool tcp_urgent_mode(const struct tcp_endpoint *ep)
{
    return unlikely(ep->urgent != NULL) && ep->urgent->sending && seq_gt(ep->urgent->snd_up, ep->snd_una);
}

#endif
