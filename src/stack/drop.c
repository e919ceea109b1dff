// SPDX-License-Identifier: MIT
/* drop.c: the only way to lose a packet.
 *
 * Wherever a packet ends without having reached anyone, it ends here, with a reason from one list (tcpip/trace.h). So
 * "where did my packet go" is answered by a counter, and in detail by a trace event with the packet's front; and a test
 * of what happens to a bad packet asserts the reason, not a silence.
 *
 * Owns:        stats.drops, dropped_packets, malformed_rcvd_packets.
 * Invariants:  dropped_packets is the sum of drops.
 * Not here:    packets that were sent or consumed (tcpip_packet_free). */
#include "stack/stack.h"

/* Headers that lie about themselves, as opposed to honest packets that nobody wants. */
static bool drop_is_malformed(enum tcpip_drop reason)
{
    switch (reason) {
    case TCPIP_DROP_LINK_MALFORMED:
    case TCPIP_DROP_IP_MALFORMED:
    case TCPIP_DROP_IP_BAD_OPTION:
    case TCPIP_DROP_IP_BAD_EXTENSION:
    case TCPIP_DROP_IP_EXTENSION_LIMIT:
    case TCPIP_DROP_FRAGMENT_MALFORMED:
    case TCPIP_DROP_ARP_MALFORMED:
    case TCPIP_DROP_NDP_MALFORMED:
    case TCPIP_DROP_ICMP_MALFORMED:
    case TCPIP_DROP_TRANSPORT_MALFORMED:
    case TCPIP_DROP_UDP_MALFORMED:
    case TCPIP_DROP_TCP_MALFORMED:
        return true;
    default:
        return false;
    }
}

void tcpip_packet_drop(struct tcpip_packet *packet, enum tcpip_drop reason)
{
    struct tcpip_stack *stack = packet->pool->stack;
    if (stack != NULL) { /* else a link alone, in its own tests */
        ASSERT_ENV(&stack->env, (uint32_t)reason < TCPIP_DROP_COUNT);
        stack->stats.drops[reason]++;
        stack->stats.stack.dropped_packets++;
        if (drop_is_malformed(reason))
            stack->stats.stack.malformed_rcvd_packets++;
        if (unlikely(stack->env.trace != NULL))
            tcpip__stack_packet_event(stack, TCPIP_EVENT_PACKET_DROP, packet, reason);
    }
    tcpip_packet_free(packet);
}
