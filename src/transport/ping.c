// SPDX-License-Identifier: MIT
/* ping.c: ICMP echo for applications.
 *
 * Owns:        nothing yet.
 * Not here:    answering echo requests, and errors about our packets (network/icmpv4.c, icmpv6.c). */
#include "stack/stack.h"

static enum tcpip_error ping_new_endpoint(struct tcpip_stack *stack, uint32_t network, struct tcpip_endpoint **out)
{
    (void)stack;
    (void)network;
    *out = NULL;
    return TCPIP_ERR_NOT_SUPPORTED;
}

static void ping_input(struct tcpip_stack *stack, struct tcpip_packet *packet)
{
    if (!tcpip__transport_handler(stack, packet))
        tcpip_packet_drop(packet, TCPIP_DROP_ICMP_NO_ENDPOINT);
}

const struct tcpip_transport_protocol tcpip_icmpv4 = {
    .name = "icmpv4",
    .number = TCPIP_PROTOCOL_ICMPV4,
    .new_endpoint = ping_new_endpoint,
    .input = ping_input,
};

const struct tcpip_transport_protocol tcpip_icmpv6 = {
    .name = "icmpv6",
    .number = TCPIP_PROTOCOL_ICMPV6,
    .new_endpoint = ping_new_endpoint,
    .input = ping_input,
};
