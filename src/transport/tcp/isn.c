// SPDX-License-Identifier: MIT
/* isn.c: numbers that a stranger can't guess and that still move forward (RFC 6528, RFC 7323 section 5.4).
 *
 * An initial sequence number is a clock plus a keyed hash of the connection's four names: for one connection it grows
 * with time, so that a new incarnation lies above the old one's data; of another's it says nothing. The timestamp
 * offset depends on the two addresses only: from one host to another timestamps grow over all ports, which is what
 * reopening a connection out of TIME-WAIT relies on (RFC 6191).
 *
 * SYN cookies are hashed under the same secret: the inputs differ in length, which SipHash takes in.
 *
 * Owns:        nothing.
 * Not here:    SYN cookies (syn_cookie.c), the secret (the stack).
 */
#include "transport/tcp/isn.h"

#include <string.h>

enum { ISN_TICK_NS = 4000 }; /* RFC 9293 section 3.4.1: 4 us, a cycle of 4.55 hours */

seqnum tcpip__isn(const struct siphash_key *secret, const uint8_t *local, uint16_t local_port, const uint8_t *remote,
                  uint16_t remote_port, tcpip_ns now)
{
    uint8_t input[36];
    memcpy(input, local, 16);
    memcpy(input + 16, remote, 16);
    memcpy(input + 32, &local_port, 2);
    memcpy(input + 34, &remote_port, 2);
    return seq((uint32_t)tcpip__siphash(secret, input, sizeof(input)) + (uint32_t)(now / ISN_TICK_NS));
}

uint32_t tcpip__timestamp_offset(const struct siphash_key *secret, const uint8_t *local, const uint8_t *remote)
{
    uint8_t input[32];
    memcpy(input, local, 16);
    memcpy(input + 16, remote, 16);
    return (uint32_t)tcpip__siphash(secret, input, sizeof(input));
}
