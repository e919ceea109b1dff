// SPDX-License-Identifier: MIT
/* deliver.c: the way up: from a link to a NIC, to a network protocol, to a transport protocol; and what is said when it
 * ends early.
 *
 * A link's batch is first looked at as a whole: is the NIC up, whose network protocol is it, what can GRO merge. Then
 * each packet goes up to its endpoint, one after the other; the endpoints only take it in and are flushed when the turn
 * ends.
 *
 * A link may deliver from inside transmit (a loopback is nothing else). Going up from there would run protocols inside
 * protocols; so such a batch is looked at, and queued on stack->loop, which the turn works off from its top.
 *
 * Owns:        stack->loop's contents; the receive counters of NICs.
 * Invariants:  packets of one flow go up in the order in which the link delivered them.
 * Not here:    reassembly and validation (each network protocol), which endpoint it is (demux.c). */
#include "stack/gro.h"
#include "stack/gso.h"
#include "stack/nic.h"

/* ---- from the link ---- */

/* Checks one packet from the link; false: it is gone. */
static bool nic_admit(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    struct tcpip_stack *stack = nic->stack;
    packet->nic = nic;
    packet->at = stack_now(stack);
    packet->network_offset = 0;
    if (unlikely(nic->removing)) {
        tcpip_packet_drop(packet, TCPIP_DROP_NIC_REMOVED);
        return false;
    }
    if (unlikely(!nic->enabled)) {
        nic->stats.disabled_rx_packets++;
        tcpip_packet_drop(packet, TCPIP_DROP_NIC_DISABLED);
        return false;
    }
    if (unlikely(!nic->link_up)) {
        tcpip_packet_drop(packet, TCPIP_DROP_LINK_DOWN);
        return false;
    }
    if (unlikely(packet->type == TCPIP_PACKET_OTHER_HOST && !nic->promiscuous)) {
        tcpip_packet_drop(packet, TCPIP_DROP_LINK_OTHER_HOST);
        return false;
    }
    nic->stats.rx_packets++;
    nic->stats.rx_bytes += packet->length;
    if (packet->link_protocol == 0) { /* a raw link: the first nibble tells */
        const uint8_t *first = tcpip_packet_pull(packet, 0, 1);
        packet->link_protocol = first != NULL ? tcpip_link_protocol_of(*first) : 0;
    }
    if (unlikely(stack->env.trace != NULL))
        tcpip__stack_packet_event(stack, TCPIP_EVENT_PACKET_IN, packet, (enum tcpip_drop)0);
    return true;
}

/* What of a batch may go up, in order, merged where that is wanted. */
static struct tcpip_packet_list nic_admit_batch(struct tcpip_nic *nic, struct tcpip_packet_list *packets)
{
    struct tcpip_packet_list admitted = tcpip_packet_list_init();
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(packets)) != NULL;) {
        if (!nic_admit(nic, packet))
            continue;
        if (unlikely(packet->gso == TCPIP_GSO_UDP))
            tcpip__gso_split(packet, &admitted);
        else
            tcpip_packet_list_push(&admitted, packet);
    }
    if (nic->gro && admitted.count > 1)
        nic->stats.rx_gro_merged += tcpip__gro_batch(&admitted);
    return admitted;
}

void tcpip__nic_receive(struct tcpip_nic *nic, struct tcpip_packet_list *packets)
{
    struct tcpip_stack *stack = nic->stack;
    struct tcpip_packet_list admitted;
    if (stack->in_callback > 0) {
        admitted = nic_admit_batch(nic, packets);
        tcpip_packet_list_append(&stack->loop, &admitted);
        return;
    }
    tcpip_stack_enter(stack);
    admitted = nic_admit_batch(nic, packets);
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(&admitted)) != NULL;)
        tcpip__network_deliver(packet);
    tcpip_stack_leave(stack);
}

void tcpip_nic_deliver(struct tcpip_nic *nic, struct tcpip_packet_list *packets)
{
    tcpip__nic_receive(nic, packets);
}

void tcpip__nic_loop(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    packet->nic = nic;
    packet->at = stack_now(nic->stack);
    packet->network_offset = 0;
    packet->type = TCPIP_PACKET_OUTGOING;
    tcpip_packet_list_push(&nic->stack->loop, packet);
}

/* ---- to the network protocol ---- */

void tcpip__network_deliver(struct tcpip_packet *packet)
{
    struct tcpip_nic *nic = packet->nic;
    struct tcpip_stack *stack = nic->stack;
    const struct tcpip_network_protocol *network = tcpip__stack_network(stack, packet->link_protocol);
    if (unlikely(network == NULL)) {
        stack->stats.stack.unknown_network_endpoint_rcvd_packets++;
        tcpip_packet_drop(packet, TCPIP_DROP_UNKNOWN_NETWORK_PROTOCOL);
        return;
    }
    if (unlikely(!nic_usable(nic))) { /* it was up when the packet came in, and the packet waited */
        tcpip_packet_drop(packet, nic->link_up ? TCPIP_DROP_NIC_DISABLED : TCPIP_DROP_LINK_DOWN);
        return;
    }
    if (unlikely(packet->length < network->minimum_bytes)) {
        tcpip_packet_drop(packet, network->address_bytes > 0 ? TCPIP_DROP_IP_MALFORMED : TCPIP_DROP_ARP_MALFORMED);
        return;
    }
    network->input(nic, packet);
}

/* ---- to the transport protocol ---- */

static struct transport_slot *transport_slot_find(struct tcpip_stack *stack, uint8_t number)
{
    for (uint32_t i = 0; i < stack->transport_count; i++)
        if (stack->transport[i].number == number)
            return &stack->transport[i];
    return NULL;
}

void tcpip__transport_deliver(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    struct tcpip_stack *stack = nic->stack;
    struct transport_slot *slot = transport_slot_find(stack, packet->network.transport);
    packet->nic = nic;
    if (likely(slot != NULL && slot->ops->input != NULL)) {
        slot->ops->input(stack, packet);
        return;
    }
    stack->stats.stack.unknown_protocol_rcvd_packets++;
    tcpip__send_icmp_error(packet, TCPIP_ICMP_PROTOCOL_UNREACHABLE, 0);
    tcpip_packet_drop(packet, TCPIP_DROP_UNKNOWN_TRANSPORT_PROTOCOL);
}

bool tcpip__transport_handler(struct tcpip_stack *stack, struct tcpip_packet *packet)
{
    struct transport_slot *slot = transport_slot_find(stack, packet->network.transport);
    if (slot == NULL || slot->handler == NULL)
        return false;
    stack_callback_begin(stack);
    bool taken = slot->handler(slot->handler_ctx, packet->nic, packet);
    stack_callback_end(stack);
    return taken;
}

void tcpip__transport_error(struct tcpip_stack *stack, const struct tcpip_icmp_error *error)
{
    struct transport_slot *slot = transport_slot_find(stack, error->transport);
    if (slot != NULL && slot->ops->input_error != NULL)
        slot->ops->input_error(stack, error);
}

void tcpip__send_icmp_error(const struct tcpip_packet *packet, enum tcpip_icmp_kind kind, uint32_t value)
{
    struct tcpip_nic *nic = packet->nic;
    const struct tcpip_network_protocol *network = tcpip__stack_network(nic->stack, packet->network.protocol);
    if (network != NULL && network->send_error != NULL)
        network->send_error(nic, packet, kind, value);
}
