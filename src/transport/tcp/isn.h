// SPDX-License-Identifier: MIT
/* isn.h: initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 5.4, 7.1), from the stack's secret. */
#ifndef TCPIP_SRC_TCP_ISN_H
#define TCPIP_SRC_TCP_ISN_H

#include "base/compiler.h"
#include "base/seqnum.h"
#include "base/siphash.h"

/* addresses: 16 bytes each. A clock of 4 us (RFC 9293 3.4.1) plus SipHash of the 4-tuple. */
seqnum tcpip__isn(const struct siphash_key *secret, const uint8_t *local, uint16_t local_port, const uint8_t *remote,
                  uint16_t remote_port, tcpip_ns now);
/* Per pair of addresses, so that RFC 6191 and PAWS work across ports. */
uint32_t tcpip__timestamp_offset(const struct siphash_key *secret, const uint8_t *local, const uint8_t *remote);
/* Our timestamp clock: milliseconds. */
static inline uint32_t timestamp_clock(tcpip_ns now, uint32_t offset)
{
    return (uint32_t)(now / 1000000) + offset;
}

#endif
