// SPDX-License-Identifier: MIT
/* udp.c: the User Datagram Protocol (RFC 768, RFC 1122 4.1).
 *
 * Owns:        nothing yet.
 * Not here:    endpoints. */
#include "stack/stack.h"

static enum tcpip_error udp_new_endpoint(struct tcpip_stack *stack, uint32_t network, struct tcpip_endpoint **out)
{
    (void)stack;
    (void)network;
    *out = NULL;
    return TCPIP_ERR_NOT_SUPPORTED;
}

static void udp_input(struct tcpip_stack *stack, struct tcpip_packet *packet)
{
    if (tcpip__transport_handler(stack, packet))
        return;
    stack->stats.udp.unknown_port_errors++;
    tcpip__send_icmp_error(packet, TCPIP_ICMP_PORT_UNREACHABLE, 0);
    tcpip_packet_drop(packet, TCPIP_DROP_UDP_NO_PORT);
}

const struct tcpip_transport_protocol tcpip_udp = {
    .name = "udp",
    .number = TCPIP_PROTOCOL_UDP,
    .new_endpoint = udp_new_endpoint,
    .input = udp_input,
};
