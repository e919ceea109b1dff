// SPDX-License-Identifier: MIT
/* syn_cookie.c: a handshake that is remembered by the peer (RFC 4987 section 3.6).
 *
 * Our initial sequence number carries what a record would have kept:
 *
 *     cookie = H(flow) + IRS + (minute << 24) + (24 bits of (H(flow, minute) + MSS index))
 *
 * so that it can't be made without the secret, and grows with time like any ISN. The ACK of the SYN-ACK brings it back;
 * IRS is the ACK's sequence number less one. The minute may be this one or one of the two before. Options that don't
 * fit (window scale, SACK) travel in the low 6 bits of our timestamp, when the peer echoes those.
 *
 * Owns:       nothing; pure.
 * Invariants: check(make(x)) is x for two minutes.
 * Not here:   when cookies are used (tcp_listen.c). */
#include "transport/tcp/syn_cookie.h"

#include <string.h>

enum {
    COOKIE_PERIOD_S = 60,
    COOKIE_PERIODS = 2, /* how old a cookie may be */
    COOKIE_INDEX_MASK = 0xffffff,
    COOKIE_MSS_COUNT = 8,
    COOKIE_TS_BITS = 6, /* 4 window scale, 1 SACK, 1 ECN */
    COOKIE_TS_MASK = (1 << COOKIE_TS_BITS) - 1,
    COOKIE_TS_NO_SCALE = 15, /* 0 to 14 are shifts */
    COOKIE_TS_SACK = 1 << 4,
    COOKIE_TS_ECN = 1 << 5,
};

/* Ascending. The usual path MTUs less 40 or 60, the default, and room for jumbo frames and loopback-sized ones. */
static const uint16_t cookie_mss[COOKIE_MSS_COUNT] = {216, 536, 1220, 1300, 1400, 1440, 1460, 8960};

struct cookie_input {
    struct syn_cookie_flow flow;
    uint32_t minute; /* 0 in the first hash */
    uint32_t purpose;
};

enum { COOKIE_PURPOSE = 3 }; /* isn.c has 1 and 2 */

static uint32_t cookie_hash(const struct siphash_key *secret, const struct syn_cookie_flow *flow, uint32_t minute)
{
    struct cookie_input input;
    memset(&input, 0, sizeof(input));
    input.flow = *flow;
    input.minute = minute;
    input.purpose = COOKIE_PURPOSE;
    return (uint32_t)tcpip__siphash(secret, &input, sizeof(input));
}

static uint32_t cookie_minute(tcpip_ns now)
{
    return (uint32_t)(now / (COOKIE_PERIOD_S * TCPIP_SECOND)) + 1; /* 0 is the first hash's */
}

seqnum tcpip__syn_cookie_make(const struct siphash_key *secret, const struct syn_cookie_flow *flow, seqnum irs,
                              const struct syn_cookie_facts *facts, tcpip_ns now)
{
    uint32_t index = 0, minute = cookie_minute(now);
    while (index + 1 < COOKIE_MSS_COUNT && cookie_mss[index + 1] <= facts->mss)
        index++;
    uint32_t low = (cookie_hash(secret, flow, minute) + index) & COOKIE_INDEX_MASK;
    return seq(cookie_hash(secret, flow, 0) + irs.v + (minute << 24) + low);
}

bool tcpip__syn_cookie_check(const struct siphash_key *secret, const struct syn_cookie_flow *flow, seqnum irs,
                             seqnum iss, struct syn_cookie_facts *facts, tcpip_ns now)
{
    uint32_t cookie = iss.v - cookie_hash(secret, flow, 0) - irs.v;
    uint32_t minute = cookie_minute(now);
    uint32_t age = (minute - (cookie >> 24)) & 0xff;
    if (age > COOKIE_PERIODS || age >= minute)
        return false;
    uint32_t index = (cookie - cookie_hash(secret, flow, minute - age)) & COOKIE_INDEX_MASK;
    if (index >= COOKIE_MSS_COUNT)
        return false;
    facts->mss = cookie_mss[index];
    return true;
}

uint32_t tcpip__syn_cookie_timestamp(uint32_t clock, const struct syn_cookie_facts *facts)
{
    uint32_t bits = facts->peer_scale < 0 ? COOKIE_TS_NO_SCALE : (uint32_t)facts->peer_scale;
    if (facts->sack)
        bits |= COOKIE_TS_SACK;
    if (facts->ecn)
        bits |= COOKIE_TS_ECN;
    uint32_t stamp = (clock & ~(uint32_t)COOKIE_TS_MASK) | bits;
    /* Never ahead of the clock: the connection goes on from there, and timestamps must not go back (RFC 7323 5). */
    return (int32_t)(stamp - clock) > 0 ? stamp - (COOKIE_TS_MASK + 1) : stamp;
}

void tcpip__syn_cookie_timestamp_read(uint32_t ts, struct syn_cookie_facts *facts)
{
    uint32_t scale = ts & COOKIE_TS_NO_SCALE;
    facts->peer_scale = scale == COOKIE_TS_NO_SCALE ? -1 : (int8_t)scale;
    facts->sack = (ts & COOKIE_TS_SACK) != 0;
    facts->ecn = (ts & COOKIE_TS_ECN) != 0;
}
