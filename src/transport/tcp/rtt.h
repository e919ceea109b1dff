// SPDX-License-Identifier: MIT
/* rtt.h: round-trip time and retransmission timeout (RFC 6298), with a windowed minimum. */
#ifndef TCPIP_SRC_TCP_RTT_H
#define TCPIP_SRC_TCP_RTT_H

#include "base/compiler.h"

struct archive;

struct rtt {
    tcpip_ns srtt_ns; /* 0: no sample yet */
    tcpip_ns rttvar_ns;
    tcpip_ns rto_ns;     /* without backoff */
    tcpip_ns min_rtt_ns; /* least sample of the last 5 minutes; 0: none */
    tcpip_ns min_rtt_at;
    tcpip_ns rttvar_max_ns; /* of this round trip, so that many samples a round don't shrink rttvar */
    uint32_t round_end;     /* sequence number that ends the round */
    uint8_t backoff;        /* doublings */
};

/* Of a connection at rest (fold.h). */
struct rtt_folded {
    uint32_t srtt, rttvar, rto, min_rtt, rttvar_max;
    uint32_t min_rtt_at; /* in units of 2^20 ns: 1 ms */
};

struct rtt_bounds {
    tcpip_ns min_rto_ns, max_rto_ns, initial_rto_ns;
};

void tcpip__rtt_init(struct rtt *rtt, const struct rtt_bounds *bounds);
/* A sample (>= 0); Karn's rule is the caller's. snd_una, snd_nxt tell rounds apart. Ends the backoff (RFC 6298 section
 * 5). */
void tcpip__rtt_sample(struct rtt *rtt, tcpip_ns sample_ns, uint32_t snd_una, uint32_t snd_nxt,
                       const struct rtt_bounds *bounds, tcpip_ns now);
/* The timeout with backoff, within the bounds. */
tcpip_ns tcpip__rtt_rto(const struct rtt *rtt, const struct rtt_bounds *bounds);
void tcpip__rtt_back_off(struct rtt *rtt);
/* The connection is established, but its SYN had to be sent again: without a sample the first data get 3 s (RFC 6298
 * 5.7). Ends the backoff. */
void tcpip__rtt_syn_timed_out(struct rtt *rtt, const struct rtt_bounds *bounds);
/* With no backoff. */
void tcpip__rtt_fold(const struct rtt *rtt, struct rtt_folded *out);
/* snd_una: all is acknowledged. */
void tcpip__rtt_unfold(const struct rtt_folded *folded, struct rtt *out, uint32_t snd_una, tcpip_ns now);
/* Saved and restored (base/archive.h). */
void tcpip__rtt_archive(struct archive *archive, struct rtt *rtt);

#endif
