// SPDX-License-Identifier: MIT
/* icmp_limit.c: token buckets for generated ICMP errors (RFC 1812 4.3.2.8, RFC 4443 2.4 (f)).
 *
 * A bucket is one instant, `at`: when everything sent so far is paid for at one answer per cost_ns. An answer may leave
 * if paying for it too lies no more than a burst ahead of now. That is a token bucket without tokens to refill (the
 * generic cell rate algorithm), exact in integers at any rate.
 *
 * The bucket of all alone could be emptied by one peer, which thereby silences the stack towards everybody (and learns
 * by its own answers what others get: the side channel of RFC 8085's era scans). So a peer's own bucket comes first; it
 * fills at a quarter of the rate, and what it refuses costs the others nothing. Peers fall into buckets by a keyed
 * hash.
 *
 * Owns:       struct icmp_limit.
 * Invariants: all_at and peer_at never decrease; between any two instants t apart at most burst + t / cost_ns answers.
 * Not here:   which answers count (icmpv4.c, icmpv6.c); TCP's resets have an allowance of their own. */
#include "network/icmp_limit.h"

#include "base/math.h"

void tcpip__icmp_limit_init(struct icmp_limit *limit, uint32_t errors_per_second, struct rng *rng)
{
    *limit = (struct icmp_limit){.key = tcpip__hash_key_random(rng)};
    limit->cost_ns = errors_per_second == 0 ? 0 : max_i64(TCPIP_SECOND / errors_per_second, 1);
    limit->burst = clamp_u32(errors_per_second, 1, ICMP_LIMIT_BURST);
}

/* When the bucket is paid up after one more; TCPIP_NEVER: it may not be taken. */
static tcpip_ns icmp_bucket_next(tcpip_ns at, tcpip_ns cost_ns, uint32_t burst, tcpip_ns now)
{
    tcpip_ns next = ns_add(max_i64(at, now), cost_ns);
    return next - now <= cost_ns * burst ? next : TCPIP_NEVER;
}

bool tcpip__icmp_limit_take(struct icmp_limit *limit, const uint8_t *peer, tcpip_ns now)
{
    if (limit->cost_ns == 0)
        return false;
    tcpip_ns *own = &limit->peer_at[tcpip__hash_bytes(&limit->key, peer, 16) % ICMP_LIMIT_PEERS];
    uint32_t own_burst = max_u32(limit->burst / ICMP_LIMIT_SHARE, 1);
    tcpip_ns own_next = icmp_bucket_next(*own, limit->cost_ns * ICMP_LIMIT_SHARE, own_burst, now);
    tcpip_ns all_next = icmp_bucket_next(limit->all_at, limit->cost_ns, limit->burst, now);

    if (own_next == TCPIP_NEVER || all_next == TCPIP_NEVER)
        return false;
    *own = own_next;
    limit->all_at = all_next;
    return true;
}
