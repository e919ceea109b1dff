// SPDX-License-Identifier: MIT
/* icmp_limit.h: how many ICMP errors may leave: so many a second in all, and no peer takes them all. */
#ifndef TCPIP_SRC_NETWORK_ICMP_LIMIT_H
#define TCPIP_SRC_NETWORK_ICMP_LIMIT_H

#include "base/hash.h"

enum {
    ICMP_LIMIT_PEERS = 64, /* buckets of peers; two that share one share its allowance */
    ICMP_LIMIT_SHARE = 4,  /* one peer gets at most this part of the rate */
    ICMP_LIMIT_BURST = 50, /* answers at once after a silence, as Linux's icmp_msgs_burst */
};

struct icmp_limit {
    tcpip_ns cost_ns; /* of one answer; 0: none may leave */
    uint32_t burst;
    tcpip_ns all_at; /* when all that has been sent is paid for */
    tcpip_ns peer_at[ICMP_LIMIT_PEERS];
    struct hash_key key;
};

void tcpip__icmp_limit_init(struct icmp_limit *limit, uint32_t errors_per_second, struct rng *rng);
/* True, and one answer is taken from the allowance, if `peer` (16 bytes) may be answered now. */
must_use bool tcpip__icmp_limit_take(struct icmp_limit *limit, const uint8_t *peer, tcpip_ns now);

#endif
