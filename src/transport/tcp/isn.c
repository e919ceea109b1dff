// SPDX-License-Identifier: MIT
/* isn.c: initial sequence numbers and timestamp offsets that nobody off the path can guess (RFC 6528, RFC 7323 7.1).
 *
 * ISN = M + F(4-tuple, secret): M is a clock of 4 us, so that a new incarnation of a connection begins above the old
 * one; F is SipHash, so that one connection's numbers say nothing of another's.
 *
 * Owns:       nothing; pure.
 * Invariants: the same tuple and instant give the same number: a stack's output is determined by its inputs.
 * Not here:   raising an ISN above a TIME-WAIT's last number (tcp_open.c, tcp_listen.c). */
#include "transport/tcp/isn.h"

#include <string.h>

enum { ISN_CLOCK_NS = 4000 };

struct isn_input {
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
    uint32_t purpose; /* keeps the two uses of the secret apart */
};

enum { ISN_PURPOSE_ISN = 1, ISN_PURPOSE_TIMESTAMP = 2 };

static uint64_t isn_hash(const struct siphash_key *secret, const uint8_t *local, uint16_t local_port,
                         const uint8_t *remote, uint16_t remote_port, uint32_t purpose)
{
    struct isn_input input;
    memset(&input, 0, sizeof(input));
    memcpy(input.local, local, 16);
    memcpy(input.remote, remote, 16);
    input.local_port = local_port;
    input.remote_port = remote_port;
    input.purpose = purpose;
    return tcpip__siphash(secret, &input, sizeof(input));
}

seqnum tcpip__isn(const struct siphash_key *secret, const uint8_t *local, uint16_t local_port, const uint8_t *remote,
                  uint16_t remote_port, tcpip_ns now)
{
    uint64_t hash = isn_hash(secret, local, local_port, remote, remote_port, ISN_PURPOSE_ISN);
    return seq((uint32_t)hash + (uint32_t)((uint64_t)now / ISN_CLOCK_NS));
}

uint32_t tcpip__timestamp_offset(const struct siphash_key *secret, const uint8_t *local, const uint8_t *remote)
{
    return (uint32_t)isn_hash(secret, local, 0, remote, 0, ISN_PURPOSE_TIMESTAMP);
}
