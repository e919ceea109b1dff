// SPDX-License-Identifier: MIT
/* syn_cookie.h: a SYN-ACK that keeps no state (RFC 4987 section 3.6): MSS in the sequence number; window scale, SACK
 * and ECN in the timestamp's low bits when the peer has timestamps. */
#ifndef TCPIP_SRC_TCP_SYN_COOKIE_H
#define TCPIP_SRC_TCP_SYN_COOKIE_H

#include "base/compiler.h"
#include "base/seqnum.h"
#include "base/siphash.h"

struct syn_cookie_flow {
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
};
struct syn_cookie_facts {
    uint16_t mss; /* encoded as the next lower of a table of 8 */
    bool sack, ecn;
    int8_t peer_scale; /* -1: no window scaling */
};
/* Our initial sequence number. The cookie counts minutes and is good for two. */
seqnum tcpip__syn_cookie_make(const struct siphash_key *secret, const struct syn_cookie_flow *flow, seqnum irs,
                              const struct syn_cookie_facts *facts, tcpip_ns now);
/* `iss`: ACK - 1 of the segment that may complete a handshake. True: valid; facts->mss is set. */
bool tcpip__syn_cookie_check(const struct siphash_key *secret, const struct syn_cookie_flow *flow, seqnum irs,
                             seqnum iss, struct syn_cookie_facts *facts, tcpip_ns now);
/* TSval of the SYN-ACK: the clock with its low 6 bits replaced, never ahead of the clock. */
uint32_t tcpip__syn_cookie_timestamp(uint32_t clock, const struct syn_cookie_facts *facts);
/* From the echoed TSecr (offset removed by the caller): sets facts' sack, ecn and peer_scale. */
void tcpip__syn_cookie_timestamp_read(uint32_t ts, struct syn_cookie_facts *facts);

#endif
