// SPDX-License-Identifier: MIT
/* mtu_claim.h: what ICMP claims of the path's MTU, and when to believe it (RFC 5927 section 7). */
#ifndef TCPIP_SRC_TCP_MTU_CLAIM_H
#define TCPIP_SRC_TCP_MTU_CLAIM_H

#include "base/compiler.h"
#include "base/seqnum.h"

struct mtu_claim {
    uint32_t proven; /* payload of the largest segment that was acknowledged; 0: none of any size that counts */
    seqnum sized;    /* what lies from here on was sent in segments of the present size, or smaller ones */
    uint32_t mtu;    /* claimed, and not believed yet; 0: nothing is */
    seqnum quoted;   /* of this segment */
};

enum mtu_verdict {
    MTU_REFUSED,  /* it claims no less than what is sent */
    MTU_BELIEVED, /* nothing speaks against it */
    MTU_WAITS,    /* segments larger than that have arrived: let us see what becomes of the one it quotes */
};

void tcpip__mtu_claim_init(struct mtu_claim *claim, seqnum snd_nxt);
/* Segments have another size from now on. `una`, `nxt`: what is outstanding. */
void tcpip__mtu_claim_resized(struct mtu_claim *claim, uint32_t from, uint32_t to, seqnum nxt);
/* A segment of `mss` bytes, sent at `seq`, was acknowledged; asked only while proven < mss. */
void tcpip__mtu_claim_arrived(struct mtu_claim *claim, seqnum seq, uint32_t mss);
/* `headers`: what a packet has beside its payload; `mtu_now`: the size that is sent. */
enum mtu_verdict tcpip__mtu_claim_judge(struct mtu_claim *claim, uint32_t mtu, seqnum quoted, uint32_t headers,
                                        uint32_t mtu_now);
/* The cumulative ACK moved to una; true: past the segment that a claim quotes, which wasn't too big, then. */
static inline bool mtu_claim_contradicted(struct mtu_claim *claim, seqnum una)
{
    if (likely(claim->mtu == 0) || !seq_gt(una, claim->quoted))
        return false;
    claim->mtu = 0;
    return true;
}
/* Two round trips, or a timeout, without an ACK for the segment that it quotes: the claim that waited, to be believed
 * now; 0: none did. */
uint32_t tcpip__mtu_claim_due(struct mtu_claim *claim, seqnum una);

#endif
