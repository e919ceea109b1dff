// SPDX-License-Identifier: MIT
/* transmit.c: a NIC's queue: from a finished network packet to the link's transmit.
 *
 * Network protocols hand in packets as they come; the link gets them once, as a batch, at the end of the turn. On the
 * way into the queue a packet becomes what this link can carry: a super-segment is cut (gso.c) unless the link does it,
 * a partial checksum is completed unless the link does it. So nothing above asks what a link can do, and nothing below
 * is asked for more.
 *
 * Back-pressure. A link takes what it can from the front; if it leaves any, the NIC is blocked until it says tx_ready,
 * and the queue fills up to its limit. When the queue is full and the link isn't blocked, the batch is simply handed
 * over early: a turn that sends more than a queueful loses nothing by being one turn. TCP doesn't let it come to that:
 * it waits here once a blocked queue holds two super-segments, and is flushed again when half of that has gone.
 *
 * Owns:        nic->tx, tx_blocked, tx_queued_bytes, tx_waiting; stack->tx_nics: NICs with packets and not blocked.
 * Invariants:  a queued packet needs no more work of ours; tx_queued_bytes is the sum of the lengths in tx.
 * Not here:    which way packets go (route.c), pacing (TCP). */
#include "base/math.h"
#include "stack/gso.h"
#include "stack/nic.h"

/* May be called inside the link's own transmit (tx_ready): marks, and no more. */
static void nic_mark_tx(struct tcpip_nic *nic)
{
    if (!nic->tx_blocked && nic->tx.head != NULL && !list_node_linked(&nic->tx_node))
        list_push_back(&nic->stack->tx_nics, &nic->tx_node);
}

static uint64_t nic_list_bytes(const struct tcpip_packet_list *packets)
{
    uint64_t bytes = 0;
    for (const struct tcpip_packet *packet = packets->head; packet != NULL; packet = packet->next)
        bytes += packet->length;
    return bytes;
}

void tcpip__nic_wait(struct tcpip_nic *nic, struct tcpip_endpoint *endpoint)
{
    list_remove_if_linked(&endpoint->dirty);
    list_push_back(&nic->tx_waiting, &endpoint->dirty);
}

static void nic_end_waiting(struct tcpip_nic *nic)
{
    if (!nic->tx_blocked || nic->tx_queued_bytes <= NIC_BACKLOG_BYTES / 2)
        list_splice_back(&nic->stack->dirty, &nic->tx_waiting);
}

void tcpip__nic_flush(struct tcpip_nic *nic)
{
    struct tcpip_stack *stack = nic->stack;
    list_remove_if_linked(&nic->tx_node);
    if (nic->tx_blocked || nic->tx.head == NULL)
        return;
    uint32_t offered = nic->tx.count;
    nic->tx_blocked = true; /* unless it takes all, or says tx_ready before it returns */
    stack_callback_begin(stack);
    nic->link->ops->transmit(nic->link, &nic->tx);
    stack_callback_end(stack);
    uint64_t left_bytes = nic_list_bytes(&nic->tx);
    nic->stats.tx_packets += offered - nic->tx.count;
    nic->stats.tx_bytes += nic->tx_queued_bytes - left_bytes;
    nic->tx_queued_bytes = left_bytes;
    if (nic->tx.head == NULL)
        nic->tx_blocked = false;
    else if (!nic->link_up) /* it failed meanwhile */
        tcpip__nic_drop_queue(nic, TCPIP_DROP_LINK_DOWN);
    nic_end_waiting(nic);
    nic_mark_tx(nic);
}

/* ---- into the queue ---- */

static void nic_enqueue(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    struct tcpip_stack *stack = nic->stack;
    if (nic->tx.count >= stack->limits.nic_queue_packets)
        tcpip__nic_flush(nic);
    if (nic->tx.count >= stack->limits.nic_queue_packets) {
        nic->stats.tx_queue_drops++;
        tcpip_packet_drop(packet, TCPIP_DROP_QUEUE_FULL);
        return;
    }
    if (unlikely(stack->env.trace != NULL))
        tcpip__stack_packet_event(stack, TCPIP_EVENT_PACKET_OUT, packet, (enum tcpip_drop)0);
    nic->tx_queued_bytes += packet->length;
    tcpip_packet_list_push(&nic->tx, packet);
    nic_mark_tx(nic);
}

static bool nic_segments(const struct tcpip_nic *nic, const struct tcpip_packet *packet)
{
    static const uint32_t flag_of[] = {
        [TCPIP_GSO_NONE] = 0,
        [TCPIP_GSO_TCPV4] = TCPIP_LINK_TSO4,
        [TCPIP_GSO_TCPV6] = TCPIP_LINK_TSO6,
        [TCPIP_GSO_UDP] = TCPIP_LINK_USO,
    };
    uint32_t needed = flag_of[packet->gso] | TCPIP_LINK_TX_CHECKSUM; /* to cut means to sum up each piece */
    return (nic->caps.flags & needed) == needed && packet->length <= nic->caps.gso_max_bytes;
}

static void nic_transmit_one(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    if (packet->checksum == TCPIP_CHECKSUM_PARTIAL && (nic->caps.flags & TCPIP_LINK_TX_CHECKSUM) == 0)
        tcpip__checksum_complete(packet);
    nic_enqueue(nic, packet);
}

void tcpip__nic_transmit(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    packet->nic = nic;
    if (unlikely(!nic_usable(nic))) {
        tcpip_packet_drop(packet, nic->link_up ? TCPIP_DROP_NIC_DISABLED : TCPIP_DROP_LINK_DOWN);
        return;
    }
    if (unlikely(packet->head < nic->caps.header_room)) {
        tcpip_packet_drop(packet, TCPIP_DROP_LINK_TOO_BIG);
        return;
    }
    if (packet->gso == TCPIP_GSO_NONE) {
        nic_transmit_one(nic, packet);
        return;
    }
    if (nic_segments(nic, packet)) {
        nic->stats.tx_gso_packets++;
        nic_enqueue(nic, packet);
        return;
    }
    struct tcpip_packet_list segments = tcpip_packet_list_init();
    nic->stats.tx_gso_segmented++;
    tcpip__gso_segment(packet, &segments);
    for (struct tcpip_packet *segment; (segment = tcpip_packet_list_pop(&segments)) != NULL;)
        nic_transmit_one(nic, segment);
}

uint32_t tcpip__nic_queued(const struct tcpip_nic *nic)
{
    return nic->tx.count;
}

void tcpip__nic_drop_queue(struct tcpip_nic *nic, enum tcpip_drop reason)
{
    struct tcpip_stack *stack = nic->stack;
    list_remove_if_linked(&nic->tx_node);
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(&nic->tx)) != NULL;)
        tcpip_packet_drop(packet, reason);
    nic->tx_queued_bytes = 0;
    nic->tx_blocked = false;
    nic_end_waiting(nic);
    if (reason != TCPIP_DROP_NIC_REMOVED)
        return;
    struct tcpip_packet_list others = tcpip_packet_list_init();
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(&stack->loop)) != NULL;) {
        if (packet->nic == nic)
            tcpip_packet_drop(packet, reason);
        else
            tcpip_packet_list_push(&others, packet);
    }
    stack->loop = others;
}

/* ---- the link is ready again ---- */

void tcpip_nic_tx_ready(struct tcpip_nic *nic)
{
    struct tcpip_stack *stack = nic->stack;
    nic->tx_blocked = false;
    if (stack->in_callback > 0) { /* from inside a transmit, its own or another's: that turn goes on */
        nic_mark_tx(nic);
        return;
    }
    tcpip_stack_enter(stack);
    nic_mark_tx(nic);
    tcpip_stack_leave(stack);
}
