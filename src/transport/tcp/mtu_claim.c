// SPDX-License-Identifier: MIT
/* mtu_claim.c: anybody may say that our packets are too big; who says it forged would make us send small ones, for ten
 * minutes each time (RFC 5927 section 7).
 *
 * The sequence number that the message quotes must be in flight, which is known to who sees our packets, and one in
 * some thousand guesses. What is more: the path itself contradicts a liar. So a claim that packets larger than some
 * that have arrived don't fit is only taken down, and waits for what becomes of the segment it quotes:
 *
 *     acknowledged                          it did fit: the claim is forgotten
 *     two round trips or a timeout          believed; it will have been true, and the route have changed
 *       without
 *
 * Before anything of the size has arrived there is nothing to contradict, and the claim is believed at once: that is
 * how the path's MTU is found, and it costs no time.
 *
 * Owns:        struct mtu_claim.
 * Invariants:  proven is at most the present segment size.
 * Not here:    is the quote one of what is in flight (tcp_protocol.c); what follows (tcp_mtu.c). */
#include "transport/tcp/mtu_claim.h"

#include "base/math.h"

void tcpip__mtu_claim_init(struct mtu_claim *claim, seqnum snd_nxt)
{
    *claim = (struct mtu_claim){.sized = snd_nxt};
}

void tcpip__mtu_claim_resized(struct mtu_claim *claim, uint32_t from, uint32_t to, seqnum nxt)
{
    if (to > from)
        claim->sized = nxt;
    claim->proven = min_u32(claim->proven, to);
}

void tcpip__mtu_claim_arrived(struct mtu_claim *claim, seqnum seq, uint32_t mss)
{
    if (seq_geq(seq, claim->sized))
        claim->proven = mss;
}

enum mtu_verdict tcpip__mtu_claim_judge(struct mtu_claim *claim, uint32_t mtu, seqnum quoted, uint32_t headers,
                                        uint32_t mtu_now)
{
    if (mtu >= mtu_now)
        return MTU_REFUSED;
    if (claim->proven == 0 || mtu >= claim->proven + headers) {
        claim->mtu = 0;
        return MTU_BELIEVED;
    }
    if (claim->mtu == 0 || mtu > claim->mtu) { /* of several the one that asks for least */
        claim->mtu = mtu;
        claim->quoted = quoted;
    }
    return MTU_WAITS;
}

uint32_t tcpip__mtu_claim_due(struct mtu_claim *claim, seqnum una)
{
    uint32_t mtu = claim->mtu;
    claim->mtu = 0;
    return mtu != 0 && seq_leq(una, claim->quoted) ? mtu : 0;
}
