// SPDX-License-Identifier: MIT
/* reply_limit.h: how many answers that no state stands behind a peer may draw: ICMP errors, resets, SYN-ACKs again. */
#ifndef TCPIP_SRC_STACK_REPLY_LIMIT_H
#define TCPIP_SRC_STACK_REPLY_LIMIT_H

#include "base/hash.h"
#include "base/rng.h"

enum {
    REPLY_LIMIT_PEERS = 256,     /* buckets of peers; two that share one share its allowance */
    REPLY_LIMIT_ICMP_BURST = 6,  /* errors to one peer at once after a silence, as Linux's icmp_ratelimit */
    REPLY_LIMIT_RESET_SHARE = 8, /* of icmp_errors_per_second: resets to one peer, in a second and at once */
    REPLY_LIMIT_SYN_ACK_SHARE = 1024,
    REPLY_LIMIT_SYN_ACK_BURST = 16, /* sent again to one peer at once */
};

struct reply_limit {
    tcpip_ns cost_ns; /* of one answer to a peer; 0: none may leave */
    uint32_t burst;
    tcpip_ns peer_at[REPLY_LIMIT_PEERS]; /* when all that the peer has drawn is paid for */
    struct hash_key key;
};

/* One peer's allowance: `per_second` divided by `share`, `burst` at once after a silence. */
void tcpip__reply_limit_init(struct reply_limit *limit, uint32_t per_second, uint32_t share, uint32_t burst,
                             struct rng *rng);
/* True, and one answer is taken from its allowance, if `peer` (16 bytes) may be answered now. */
must_use bool tcpip__reply_limit_take(struct reply_limit *limit, const uint8_t *peer, tcpip_ns now);

#endif
