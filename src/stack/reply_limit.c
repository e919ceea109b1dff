// SPDX-License-Identifier: MIT
/* reply_limit.c: token buckets for what strangers can make us say (RFC 1812 4.3.2.8, RFC 4443 2.4 (f), RFC 5961 7).
 *
 * A bucket is one instant: when everything sent so far is paid for. An answer may leave if paying for it, too, lies no
 * more than a burst ahead of now. That is a token bucket without tokens to refill (the generic cell rate algorithm).
 *
 * There is no bucket of all. Who forges a peer's address can make us answer that peer, or not, depending on what we
 * have: an open port, a connection. A count that all peers share would tell him, through the answers that he gets to
 * his own address, whether his forged packet drew one: that found connections (CVE-2016-5696) and source ports of DNS
 * queries (CVE-2020-25705, where a random share of 1 to 3 of 50 was the cure). Here each peer has a bucket by a keyed
 * hash, of which a fixed part of the rate is: what one draws changes nothing for another, unless they share a bucket,
 * which nobody can tell beforehand, and which the random cost of each answer blurs. IPv6 peers are their /64, or one
 * host would be as many as it likes.
 *
 * Owns:       struct reply_limit.
 * Invariants: peer_at never decreases; between any two instants t apart a bucket lets out at most burst + t / cost_ns.
 * Not here:   which answers count (icmpv4.c, icmpv6.c, tcp_reply.c, tcp_half_open.c). */
#include "stack/reply_limit.h"

#include "base/math.h"
#include "stack/nic.h"

enum { REPLY_PREFIX_BYTES = 8 };

void tcpip__reply_limit_init(struct reply_limit *limit, uint32_t per_second, uint32_t share, uint32_t burst,
                             struct rng *rng)
{
    memset(limit, 0, sizeof(*limit));
    limit->key = tcpip__hash_key_random(rng);
    limit->cost_ns = per_second == 0 ? 0 : max_i64(TCPIP_SECOND * (tcpip_ns)share / per_second, 2);
    limit->burst = max_u32(burst, 1);
}

bool tcpip__reply_limit_take(struct reply_limit *limit, const uint8_t *peer, tcpip_ns now)
{
    if (limit->cost_ns == 0)
        return false;
    bool v4 = address_is_v4(peer);
    uint32_t hash = tcpip__hash_bytes(&limit->key, v4 ? peer + 12 : peer, v4 ? 4 : REPLY_PREFIX_BYTES);
    tcpip_ns *at = &limit->peer_at[hash % REPLY_LIMIT_PEERS];
    /* 1 to 1.5 times the cost: a peer that shares the bucket can't count to the last what the other has drawn. It comes
     * from the bucket's own state, so that not even chance is shared. */
    uint64_t seed[2] = {hash % REPLY_LIMIT_PEERS, (uint64_t)*at};
    uint64_t chance = tcpip__hash_bytes(&limit->key, seed, sizeof(seed));
    tcpip_ns cost_ns = limit->cost_ns + (tcpip_ns)(chance % ((uint64_t)limit->cost_ns / 2));
    tcpip_ns next = ns_add(max_i64(*at, now), cost_ns);
    if (next - now > limit->cost_ns * limit->burst + limit->cost_ns / 2)
        return false;
    *at = next;
    return true;
}
