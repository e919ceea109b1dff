// SPDX-License-Identifier: MIT
/* syn_cookie.c: a handshake without memory (RFC 4987 section 3.6).
 *
 * Our initial sequence number is 29 bits of a keyed hash over the connection, the peer's sequence number, the minute
 * and 3 bits that name one of eight MSS values, and these bits. An ACK that comes back with it proves that the peer
 * received our SYN-ACK; guessing one takes 2^28 segments on average, as two minutes and eight values are accepted. The
 * hash is over the bits, too: were they only added, an ACK that is off by one would be taken for another MSS, and the
 * connection would live with a number that we never sent. What else the SYN offered goes into the low 6 bits of our
 * timestamp, if the peer uses them; a peer that lies about these harms itself only.
 *
 *     sequence number:  | hash 29 | MSS index 3 |         timestamp:  | clock 26 | ECN 1 | SACK 1 | scale 4 |
 *
 * Owns:        nothing.
 * Not here:    when cookies are sent (tcp_listen.c).
 */
#include "transport/tcp/syn_cookie.h"

#include "base/assert.h"

#include <string.h>

enum {
    COOKIE_MSS_BITS = 7, /* mask */
    COOKIE_TS_BITS = 63, /* mask */
    COOKIE_TS_SCALE = 15,
    COOKIE_TS_NO_SCALE = 15, /* 14 is the largest there is (RFC 7323 section 2.3) */
    COOKIE_TS_SACK = 16,
    COOKIE_TS_ECN = 32,
};
static const tcpip_ns COOKIE_PERIOD = 60 * TCPIP_SECOND;

/* What is common: the defaults of both families, Ethernet with and without timestamps' room, tunnels, FDDI and ATM,
 * jumbo frames; the first so that nobody gets more than it said. */
static const uint16_t COOKIE_MSS[COOKIE_MSS_BITS + 1] = {216, 536, 1220, 1300, 1440, 1460, 4312, 8960};

static uint32_t cookie_of(const struct siphash_key *secret, const struct syn_cookie_flow *flow, seqnum irs,
                          uint64_t minute, uint32_t index)
{
    uint8_t input[48];
    minute |= (uint64_t)index << 56;
    memcpy(input, flow->local, 16);
    memcpy(input + 16, flow->remote, 16);
    memcpy(input + 32, &flow->local_port, 2);
    memcpy(input + 34, &flow->remote_port, 2);
    memcpy(input + 36, &irs.v, 4);
    memcpy(input + 40, &minute, 8);
    return ((uint32_t)tcpip__siphash(secret, input, sizeof(input)) & ~(uint32_t)COOKIE_MSS_BITS) | index;
}

seqnum tcpip__syn_cookie_make(const struct siphash_key *secret, const struct syn_cookie_flow *flow, seqnum irs,
                              const struct syn_cookie_facts *facts, tcpip_ns now)
{
    uint32_t index = COOKIE_MSS_BITS;
    while (index > 0 && COOKIE_MSS[index] > facts->mss)
        index--;
    return seq(cookie_of(secret, flow, irs, (uint64_t)(now / COOKIE_PERIOD), index));
}

bool tcpip__syn_cookie_check(const struct siphash_key *secret, const struct syn_cookie_flow *flow, seqnum irs,
                             seqnum iss, struct syn_cookie_facts *facts, tcpip_ns now)
{
    uint64_t minute = (uint64_t)(now / COOKIE_PERIOD);
    uint32_t index = iss.v & COOKIE_MSS_BITS;
    for (uint64_t age = 0; age < 2 && age <= minute; age++) {
        if (cookie_of(secret, flow, irs, minute - age, index) == iss.v) {
            facts->mss = COOKIE_MSS[index];
            return true;
        }
    }
    return false;
}

uint32_t tcpip__syn_cookie_timestamp(uint32_t clock, const struct syn_cookie_facts *facts)
{
    ASSERT(facts->peer_scale < COOKIE_TS_NO_SCALE);
    uint32_t bits = facts->peer_scale < 0 ? COOKIE_TS_NO_SCALE : (uint32_t)facts->peer_scale;
    bits |= (facts->sack ? COOKIE_TS_SACK : 0) | (facts->ecn ? COOKIE_TS_ECN : 0);
    uint32_t ts = (clock & ~(uint32_t)COOKIE_TS_BITS) | bits;
    /* Ahead of the clock, it would be above the timestamps of the segments that follow, which the peer would drop. */
    return ts > clock ? ts - (COOKIE_TS_BITS + 1) : ts;
}

void tcpip__syn_cookie_timestamp_read(uint32_t ts, struct syn_cookie_facts *facts)
{
    uint32_t scale = ts & COOKIE_TS_SCALE;
    facts->peer_scale = scale == COOKIE_TS_NO_SCALE ? -1 : (int8_t)scale;
    facts->sack = (ts & COOKIE_TS_SACK) != 0;
    facts->ecn = (ts & COOKIE_TS_ECN) != 0;
}
