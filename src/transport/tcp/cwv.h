// SPDX-License-Identifier: MIT
/* cwv.h: what a window is worth that isn't used (RFC 7661). */
#ifndef TCPIP_SRC_TCP_CWV_H
#define TCPIP_SRC_TCP_CWV_H

#include "base/compiler.h"

struct archive;

struct cwv {
    tcpip_ns round_at, period_at; /* since when is counted; 0: not begun */
    tcpip_ns unused_since;        /* the window isn't validated since; 0: it is */
    uint32_t acked;               /* in this round */
    uint32_t most[2];             /* the most in a round, of the last half period and of this */
};

/* Of a connection at rest (fold.h). */
struct cwv_folded {
    uint32_t period_at, unused_since;
    uint32_t most[2];
};

/* pipeACK: what the path is known to have carried in a round trip. */
static inline uint32_t cwv_pipe(const struct cwv *cwv)
{
    return cwv->most[0] > cwv->most[1] ? cwv->most[0] : cwv->most[1];
}
/* `acked` bytes arrived. */
void tcpip__cwv_on_ack(struct cwv *cwv, uint32_t acked, uint32_t cwnd, tcpip_ns srtt_ns, tcpip_ns now);
/* Something is to be sent: cwnd and ssthresh as they should be by then. True: changed. */
bool tcpip__cwv_restart(struct cwv *cwv, uint32_t *cwnd, uint32_t *ssthresh, uint32_t initial, tcpip_ns now);
/* What a loss reduces: not more than what was used. */
uint32_t tcpip__cwv_at_loss(const struct cwv *cwv, uint32_t cwnd, uint32_t flight);
/* What is kept while a connection rests: all but the round trip that is being counted. */
void tcpip__cwv_fold(const struct cwv *cwv, struct cwv_folded *out);
void tcpip__cwv_unfold(const struct cwv_folded *folded, struct cwv *out, tcpip_ns now);
/* Saved and restored (base/archive.h). */
void tcpip__cwv_archive(struct archive *archive, struct cwv *cwv);

#endif
