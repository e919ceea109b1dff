// SPDX-License-Identifier: MIT
/* tcp_clock.h: the clock that peers see: of sequence numbers, timestamps and cookies. It goes on where a stack is
 * restored under another one. For TCP's hands. */
#ifndef TCPIP_SRC_TCP_TCP_CLOCK_H
#define TCPIP_SRC_TCP_TCP_CLOCK_H

#include "transport/tcp/tcp.h"

/* What sequence numbers and cookies are made of. */
static inline tcpip_ns tcp_wire_clock(const struct tcpip_stack *stack, tcpip_ns now)
{
    return now + stack->clock_ahead_ns;
}
/* What our timestamps to this peer begin with. */
static inline uint32_t tcp_timestamp_offset(struct tcpip_stack *stack, const uint8_t *local, const uint8_t *remote)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    if (memcmp(&tcp->offset_found.secret, &stack->secret, sizeof(stack->secret)) != 0 ||
        !address_equal(tcp->offset_found.local, local) || !address_equal(tcp->offset_found.remote, remote)) {
        tcp->offset_found.secret = stack->secret;
        memcpy(tcp->offset_found.local, local, 16);
        memcpy(tcp->offset_found.remote, remote, 16);
        tcp->offset_found.offset = tcpip__timestamp_offset(&stack->secret, local, remote);
    }
    return tcp->offset_found.offset + (uint32_t)(stack->clock_ahead_ns / TCPIP_MS);
}
/* The round trip that the echo of our timestamp tells, to the millisecond and at least one; -1: it isn't ours. */
static inline tcpip_ns tcp_echo_rtt(const struct tcp_endpoint *ep, uint32_t ts_ecr, tcpip_ns now)
{
    int32_t ms = (int32_t)(timestamp_clock(now, ep->ts_offset) - ts_ecr);
    return ms >= 0 ? max_i64(ms, 1) * TCPIP_MS : -1;
}

#endif
