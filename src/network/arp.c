// SPDX-License-Identifier: MIT
/* arp.c: who has an IPv4 address on this link (RFC 826, RFC 5227).
 *
 * RFC 826's rule for every packet: if the sender is known already, believe what it says of itself; if the packet asks
 * for us, remember the sender too, and answer. We answer for our own addresses on the very link they live on, for
 * nobody else's. Asking and answering are all that is here: the cache and its states are shared with IPv6 (neighbor.c).
 *
 * Who claims an address of ours is counted and told, at most once in ten seconds, whose it is (RFC 5227 2.4 (b)): one
 * announcement, so that two hosts that both insist don't fill the link.
 *
 * Owns:       struct tcpip_arp; per NIC the instant of the last defence.
 * Invariants: a probe (sender 0.0.0.0) is answered but never learned from; a group address is never learned.
 * Not here:   probing before use (RFC 5227 2.1): IPv4 addresses are used at once, as everywhere. */
#include "stack/neighbor.h"

#include <tcpip/header/arp.h>
#include <tcpip/header/ethernet.h>

static const tcpip_ns ARP_DEFEND_INTERVAL_NS = 10 * TCPIP_SECOND; /* RFC 5227 1.1 */

struct arp_nic {
    bool defended;
    tcpip_ns defended_at;
};

static void arp_map(uint8_t *out, const uint8_t *four_bytes)
{
    memset(out, 0, 10);
    out[10] = out[11] = 0xff;
    memcpy(out + 12, four_bytes, 4);
}

/* ---- out ---- */

static bool arp_send(struct tcpip_nic *nic, const struct tcpip_arp_fields *fields, const uint8_t *link_destination)
{
    struct tcpip_packet *packet = tcpip_packet_new(nic->stack);
    uint8_t *message = packet == NULL ? NULL : tcpip_packet_push(packet, TCPIP_ARP_BYTES);
    if (message == NULL) {
        if (packet != NULL)
            tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
        return false;
    }
    tcpip_arp_encode(message, fields);
    packet->link_protocol = TCPIP_PROTOCOL_ARP;
    packet->network_offset = 0;
    memcpy(packet->link_destination.bytes, link_destination, TCPIP_ETHERNET_ADDRESS_BYTES);
    memcpy(packet->link_source.bytes, nic->caps.address.bytes, TCPIP_ETHERNET_ADDRESS_BYTES);
    tcpip__nic_transmit(nic, packet);
    return true;
}

/* Asked for an address of our own, it is an announcement: sender and target are the same (RFC 5227 2.3). */
static void arp_solicit(struct tcpip_nic *nic, const uint8_t *target, const struct tcpip_link_address *link)
{
    static const uint8_t everybody[TCPIP_ETHERNET_ADDRESS_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const struct nic_address *source = tcpip__address_find(nic->stack, nic, target);
    if (source == NULL)
        source = tcpip__address_select(nic, target);
    if (source == NULL || nic->caps.address.len != TCPIP_ETHERNET_ADDRESS_BYTES)
        return;
    struct tcpip_arp_fields fields = {.operation = TCPIP_ARP_REQUEST,
                                      .sender_link = nic->caps.address.bytes,
                                      .sender_address = source->bytes + 12,
                                      .target_address = target + 12};
    if (arp_send(nic, &fields, link != NULL ? link->bytes : everybody))
        nic->stack->stats.arp.requests_sent++;
}

static void arp_reply(struct tcpip_nic *nic, const uint8_t *request)
{
    struct tcpip_arp_fields fields = {.operation = TCPIP_ARP_REPLY,
                                      .sender_link = nic->caps.address.bytes,
                                      .sender_address = tcpip_arp_target_address(request),
                                      .target_link = tcpip_arp_sender_link(request),
                                      .target_address = tcpip_arp_sender_address(request)};
    if (arp_send(nic, &fields, tcpip_arp_sender_link(request)))
        nic->stack->stats.arp.replies_sent++;
}

/* ---- in ---- */

/* A sender no neighbour can be: groups, loopback, the reserved block; link addresses that aren't one station's. */
static bool arp_sender_ok(const uint8_t *message)
{
    static const uint8_t any[4];
    const uint8_t *address = tcpip_arp_sender_address(message);
    bool probe = memcmp(address, any, 4) == 0 && tcpip_arp_operation(message) == TCPIP_ARP_REQUEST;
    return tcpip_ethernet_address_is_unicast(tcpip_arp_sender_link(message)) &&
           (probe || (address[0] != 0 && address[0] != 127 && address[0] < 224));
}

static void arp_conflict(struct tcpip_nic *nic, const uint8_t *address)
{
    struct arp_nic *state = tcpip__nic_network_state(nic, TCPIP_PROTOCOL_ARP);
    tcpip_ns now = tcpip__stack_now(nic->stack);
    nic->stack->stats.arp.address_conflicts_received++;
    if (state->defended && now - state->defended_at < ARP_DEFEND_INTERVAL_NS)
        return;
    state->defended = true;
    state->defended_at = now;
    arp_solicit(nic, address, NULL);
}

/* TCPIP_DROP_COUNT: done. */
static enum tcpip_drop arp_process(struct tcpip_nic *nic, const struct tcpip_packet *packet, const uint8_t *message)
{
    struct tcpip_stats_arp *stats = &nic->stack->stats.arp;
    bool request = tcpip_arp_operation(message) == TCPIP_ARP_REQUEST;
    struct tcpip_link_address link = {.len = TCPIP_ETHERNET_ADDRESS_BYTES};
    uint8_t sender[16], target[16];

    arp_map(sender, tcpip_arp_sender_address(message));
    arp_map(target, tcpip_arp_target_address(message));
    memcpy(link.bytes, tcpip_arp_sender_link(message), TCPIP_ETHERNET_ADDRESS_BYTES);
    if (memcmp(link.bytes, nic->caps.address.bytes, TCPIP_ETHERNET_ADDRESS_BYTES) == 0)
        return TCPIP_DROP_ARP_NOT_FOR_US; /* our own, from a link that echoes */
    if (!address_is_zero(sender) && tcpip__address_find(nic->stack, nic, sender) != NULL) {
        arp_conflict(nic, sender);
        return TCPIP_DROP_ARP_NOT_FOR_US;
    }
    bool for_us = tcpip__address_find(nic->stack, nic, target) != NULL;
    if (request && !for_us)
        stats->requests_received_unknown_target++;
    if (!address_is_zero(sender)) {
        /* A reply to us alone proves that the way there works and the way back; anything else is hearsay. */
        bool asked = !request && for_us && packet->type == TCPIP_PACKET_HOST;
        if (request && for_us)
            tcpip__neighbor_learn(nic, sender, &link);
        else
            tcpip__neighbor_advertised(nic, sender, &link,
                                       (struct neighbor_advert){.solicited = asked, .override = true});
    }
    if (!for_us)
        return TCPIP_DROP_ARP_NOT_FOR_US;
    if (request)
        arp_reply(nic, message);
    return TCPIP_DROP_COUNT;
}

static void arp_input(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    struct tcpip_stats_arp *stats = &nic->stack->stats.arp;
    const uint8_t *message = tcpip_packet_pull(packet, packet->network_offset, TCPIP_ARP_BYTES);

    stats->packets_received++;
    if (message == NULL || nic->caps.address.len != TCPIP_ETHERNET_ADDRESS_BYTES ||
        !tcpip_arp_check(message, TCPIP_ARP_BYTES) || !arp_sender_ok(message) ||
        (tcpip_arp_operation(message) != TCPIP_ARP_REQUEST && tcpip_arp_operation(message) != TCPIP_ARP_REPLY)) {
        stats->malformed_packets_received++;
        tcpip_packet_drop(packet, TCPIP_DROP_ARP_MALFORMED);
        return;
    }
    if (tcpip_arp_operation(message) == TCPIP_ARP_REQUEST)
        stats->requests_received++;
    else
        stats->replies_received++;
    enum tcpip_drop reason = arp_process(nic, packet, message);
    if (reason == TCPIP_DROP_COUNT)
        tcpip_packet_free(packet);
    else
        tcpip_packet_drop(packet, reason);
}

/* ---- the protocol ---- */

const struct tcpip_network_protocol tcpip_arp = {
    .name = "arp",
    .number = TCPIP_PROTOCOL_ARP,
    .minimum_bytes = TCPIP_ARP_BYTES,
    .nic_state_bytes = sizeof(struct arp_nic),
    .input = arp_input,
    .solicit = arp_solicit,
};
