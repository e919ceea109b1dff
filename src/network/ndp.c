// SPDX-License-Identifier: MIT
/* ndp.c: IPv6 neighbour discovery (RFC 4861 7) and duplicate address detection (RFC 4862 5.4, RFC 7527).
 *
 * A solicitation asks who has an address; an advertisement answers, or tells unasked. What is learned goes into the
 * neighbour cache, whose rules (who overrides whom) are neighbor.c's. The header package checks what RFC 4861 7.1 asks
 * of every message; here remain what needs the stack: fragmented discovery is refused (RFC 6980), and addresses that
 * nobody can have as a neighbour, our own among them, are not learned.
 *
 * Duplicate address detection. A new address is tentative: it answers to nothing. After a random wait that spreads
 * hosts which come up together (5.4.2), one solicitation from :: asks who else has it; a second of silence confirms it.
 * An advertisement for it, or somebody else's solicitation from ::, ends it: two hosts that ask at the same time both
 * see the other's question. Each question carries a nonce: links that echo what is sent would otherwise make every
 * address its own duplicate. Having heard itself, a host asks three more times before it believes the silence (RFC
 * 7527 4.1).
 *
 * Owns:       dad_timer, dad_left, dad_nonce of a nic_address.
 * Invariants: the timer is armed exactly while detection runs; nothing but detection is sent from a tentative address.
 * Not here:   router discovery and redirects (counted, not acted on); the states of RFC 4861 7.3 (neighbor.c). */
#include "network/ndp.h"

#include "base/math.h"
#include "stack/neighbor.h"

#include <tcpip/header/ethernet.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/ndp.h>

static const tcpip_ns NDP_DAD_DELAY_MAX_NS = TCPIP_SECOND; /* MAX_RTR_SOLICITATION_DELAY, RFC 4861 10 */
static const tcpip_ns NDP_RETRANS_TIMER_NS = TCPIP_SECOND; /* RETRANS_TIMER, RFC 4861 10 */

enum {
    NDP_DAD_TRANSMITS = 1,                /* DupAddrDetectTransmits, RFC 4862 5.1 */
    NDP_DAD_LOOP_TRANSMITS = 3,           /* MAX_MULTICAST_SOLICIT, RFC 7527 4.1 */
    NDP_DAD_LEFT = 0x3f,                  /* of dad_left: questions still to be asked ... */
    NDP_DAD_JOINED = 0x40,                /* ... the solicited-node group was joined for this address ... */
    NDP_DAD_LOOPED = 0x80,                /* ... we have heard ourselves */
    NDP_MESSAGE_MAX = TCPIP_IPV6_MTU_MIN, /* longer ones would have been fragmented */
    NDP_OUT_MAX = TCPIP_NDP_NEIGHBOR_BYTES + 2 * 8,
};

static const uint8_t ndp_all_nodes[16] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

/* ---- out ---- */

/* Where a message goes. */
struct ndp_envelope {
    const uint8_t *source, *destination;   /* 16 bytes each */
    const struct tcpip_link_address *link; /* NULL: of the group, or what the neighbour cache finds */
};

static bool ndp_resolves(const struct tcpip_nic *nic)
{
    return (nic->caps.flags & TCPIP_LINK_RESOLUTION) != 0;
}

/* Checksum, fixed header, and out: around the route table, for discovery is what routes stand on. */
static bool ndp_send(struct tcpip_nic *nic, const struct ndp_envelope *to, uint8_t *message, size_t bytes)
{
    struct tcpip_packet *packet = tcpip_packet_new(nic->stack);
    uint8_t *body = packet == NULL ? NULL : tcpip_packet_push(packet, (uint32_t)bytes);
    uint8_t *header = body == NULL ? NULL : tcpip_packet_push(packet, TCPIP_IPV6_HEADER_BYTES);
    if (header == NULL) {
        if (packet != NULL)
            tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
        return false;
    }
    uint16_t sum = tcpip_checksum_pseudo_v6(to->source, to->destination, TCPIP_PROTOCOL_ICMPV6, (uint32_t)bytes);
    tcpip_icmpv6_set_checksum(message, tcpip_checksum_finish(tcpip_checksum(message, bytes, sum)));
    memcpy(body, message, bytes);
    struct tcpip_ipv6_fields fields = {.next_header = TCPIP_PROTOCOL_ICMPV6,
                                       .hop_limit = TCPIP_NDP_HOP_LIMIT,
                                       .payload_length = (uint16_t)bytes,
                                       .source = to->source,
                                       .destination = to->destination};
    tcpip_ipv6_encode(header, &fields);
    packet->link_protocol = (uint16_t)TCPIP_PROTOCOL_IPV6;
    packet->network_offset = 0;
    packet->transport_offset = TCPIP_IPV6_HEADER_BYTES;
    nic->stack->stats.ipv6.packets_sent++;
    nic->stack->stats.icmpv6.sent++;

    bool group = address_is_multicast(to->destination);
    if (to->link == NULL && !group && ndp_resolves(nic)) {
        struct tcpip_neighbor_entry *entry = tcpip__neighbor_get(nic, to->destination);
        if (entry == NULL) {
            tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
            return false;
        }
        tcpip__neighbor_output(entry, packet);
        tcpip__neighbor_unref(entry);
        return true;
    }
    struct tcpip_address address = tcpip_ipv6_address(to->destination);
    struct tcpip_link_address link = to->link != NULL ? *to->link : tcpip_ethernet_multicast(&address);
    memcpy(packet->link_destination.bytes, link.bytes, sizeof(link.bytes));
    memcpy(packet->link_source.bytes, nic->caps.address.bytes, sizeof(link.bytes));
    tcpip__nic_transmit(nic, packet);
    return true;
}

/* Appends our link address, on links that have some; returns the message's new size. */
static size_t ndp_add_link(const struct tcpip_nic *nic, uint8_t *message, size_t bytes, uint8_t type)
{
    if (nic->caps.address.len != TCPIP_ETHERNET_ADDRESS_BYTES)
        return bytes;
    return bytes + tcpip_ndp_link_encode(message + bytes, NDP_OUT_MAX - bytes, type, nic->caps.address.bytes);
}

void tcpip__ndp_solicit(struct tcpip_nic *nic, const uint8_t *target, const struct tcpip_link_address *link)
{
    const struct nic_address *source = tcpip__address_select(nic, target);
    uint8_t message[NDP_OUT_MAX], group[16];
    if (source == NULL) /* without an address there is nobody to be answered */
        return;
    tcpip_ndp_solicited_node(group, target);
    struct ndp_envelope to = {source->bytes, link != NULL ? target : group, link};
    size_t bytes = tcpip_ndp_neighbor_solicitation_encode(message, target);
    bytes = ndp_add_link(nic, message, bytes, TCPIP_NDP_OPTION_SOURCE_LINK);
    if (ndp_send(nic, &to, message, bytes))
        nic->stack->stats.icmpv6.neighbor_solicit_sent++;
}

/* RFC 4861 7.2.4. */
static void ndp_advertise(struct tcpip_nic *nic, const uint8_t *target, const uint8_t *asker)
{
    bool anonymous = address_is_zero(asker);
    uint8_t flags = TCPIP_NDP_FLAG_OVERRIDE | (anonymous ? 0 : TCPIP_NDP_FLAG_SOLICITED);
    uint8_t message[NDP_OUT_MAX];
    struct ndp_envelope to = {target, anonymous ? ndp_all_nodes : asker, NULL};
    size_t bytes = tcpip_ndp_neighbor_advertisement_encode(message, target, flags);
    bytes = ndp_add_link(nic, message, bytes, TCPIP_NDP_OPTION_TARGET_LINK);
    if (ndp_send(nic, &to, message, bytes))
        nic->stack->stats.icmpv6.neighbor_advert_sent++;
}

/* ---- duplicate address detection ---- */

static void ndp_dad_ask(struct nic_address *address, tcpip_ns now)
{
    struct tcpip_nic *nic = address->nic;
    static const uint8_t any[16];
    uint8_t message[NDP_OUT_MAX], group[16], seed[24];

    /* Fresh for each question; unpredictable, or a neighbour could pass its own question off as our echo. */
    memcpy(seed, address->bytes, 16);
    tcpip_store_u64(seed + 16, (uint64_t)now);
    uint64_t nonce = tcpip__siphash(&nic->stack->secret, seed, sizeof(seed));
    for (size_t i = 0; i < sizeof(address->dad_nonce); i++)
        address->dad_nonce[i] = (uint8_t)(nonce >> (8 * i));

    tcpip_ndp_solicited_node(group, address->bytes);
    struct ndp_envelope to = {any, group, NULL};
    size_t bytes = tcpip_ndp_neighbor_solicitation_encode(message, address->bytes);
    bytes += tcpip_ndp_nonce_encode(message + bytes, sizeof(message) - bytes, address->dad_nonce,
                                    sizeof(address->dad_nonce));
    if (ndp_send(nic, &to, message, bytes))
        nic->stack->stats.icmpv6.neighbor_solicit_sent++;
}

static void ndp_dad_fire(struct tcpip_timer *timer, tcpip_ns now)
{
    struct nic_address *address = container_of(timer, struct nic_address, dad_timer);
    if ((address->dad_left & NDP_DAD_LEFT) == 0) {
        tcpip__address_confirm(address);
        return;
    }
    address->dad_left--;
    stack_timer_set(address->nic->stack, timer, now + NDP_RETRANS_TIMER_NS);
    ndp_dad_ask(address, now);
}

static void ndp_dad_start(struct nic_address *address)
{
    struct tcpip_stack *stack = address->nic->stack;
    address->dad_left = NDP_DAD_JOINED | NDP_DAD_TRANSMITS;
    address->dad_timer.fn = ndp_dad_fire;
    tcpip_ns wait_ns = rng_between(&stack->rng, 0, NDP_DAD_DELAY_MAX_NS);
    stack_timer_set(stack, &address->dad_timer, tcpip__stack_now(stack) + wait_ns);
}

static void ndp_dad_fail(struct nic_address *address)
{
    stack_timer_cancel(address->nic->stack, &address->dad_timer);
    address->nic->stack->stats.neighbor.duplicate_addresses++;
    tcpip__address_duplicate(address);
}

/* We have heard our own question. Once, that costs more questions; a link that always echoes must not cost forever. */
static void ndp_dad_loop(struct nic_address *address)
{
    if ((address->dad_left & NDP_DAD_LOOPED) == 0)
        address->dad_left = NDP_DAD_JOINED | NDP_DAD_LOOPED | NDP_DAD_LOOP_TRANSMITS;
}

static void ndp_hear(struct nic_address *address);

static void ndp_hear_again(struct tcpip_timer *timer, tcpip_ns now)
{
    (void)now;
    ndp_hear(container_of(timer, struct nic_address, dad_timer));
}

/* Joins the group in which the address is asked for. Out of memory, hence deaf to questions and objections: later, and
 * a tentative address stays tentative until then. */
static void ndp_hear(struct nic_address *address)
{
    struct tcpip_nic *nic = address->nic;
    uint8_t group[16];
    tcpip_ndp_solicited_node(group, address->bytes);
    bool joined = tcpip__nic_join(nic, group) == TCPIP_OK;
    address->dad_left = joined ? NDP_DAD_JOINED : 0;
    if (!joined) {
        address->dad_timer.fn = ndp_hear_again;
        stack_timer_set(nic->stack, &address->dad_timer, tcpip__stack_now(nic->stack) + NDP_RETRANS_TIMER_NS);
    } else if ((address->flags & TCPIP_ADDRESS_TENTATIVE) != 0) {
        ndp_dad_start(address);
    }
}

void tcpip__ndp_address_added(struct tcpip_nic *nic, const uint8_t *bytes)
{
    struct nic_address *address = tcpip__address_find(nic->stack, nic, bytes);
    if (address != NULL)
        ndp_hear(address);
}

void tcpip__ndp_address_removed(struct tcpip_nic *nic, const uint8_t *bytes)
{
    struct nic_address *address = tcpip__address_find(nic->stack, nic, bytes);
    uint8_t group[16];
    if (address == NULL)
        return;
    stack_timer_cancel(nic->stack, &address->dad_timer);
    if ((address->dad_left & NDP_DAD_JOINED) == 0)
        return;
    address->dad_left = 0;
    tcpip_ndp_solicited_node(group, bytes);
    (void)tcpip__nic_leave(nic, group);
}

/* ---- in ---- */

/* The link address that an option of this type carries; false: none, or one no station has. */
static bool ndp_find_link(const uint8_t *message, size_t bytes, uint8_t type, struct tcpip_link_address *out)
{
    struct tcpip_ndp_option_iterator it;
    struct tcpip_ndp_option option;
    const uint8_t *link;
    tcpip_ndp_options_begin(&it, message, bytes);
    while (tcpip_ndp_options_next(&it, &option)) {
        if (option.type != type || !tcpip_ndp_link_decode(&option, &link))
            continue;
        if (!tcpip_ethernet_address_is_unicast(link))
            return false;
        *out = (struct tcpip_link_address){.len = TCPIP_ETHERNET_ADDRESS_BYTES};
        memcpy(out->bytes, link, TCPIP_ETHERNET_ADDRESS_BYTES);
        return true;
    }
    return false;
}

static bool ndp_has_nonce(const uint8_t *message, size_t bytes, const uint8_t *nonce, size_t nonce_bytes)
{
    struct tcpip_ndp_option_iterator it;
    struct tcpip_ndp_option option;
    const uint8_t *data;
    size_t data_bytes;
    tcpip_ndp_options_begin(&it, message, bytes);
    while (tcpip_ndp_options_next(&it, &option))
        if (option.type == TCPIP_NDP_OPTION_NONCE && tcpip_ndp_nonce_decode(&option, &data, &data_bytes) &&
            data_bytes == nonce_bytes && memcmp(data, nonce, nonce_bytes) == 0)
            return true;
    return false;
}

/* A question about an address that we are about to take. */
static void ndp_solicited_tentative(struct nic_address *address, const uint8_t *message, size_t bytes)
{
    if ((address->flags & TCPIP_ADDRESS_DUPLICATE) != 0 || !tcpip_timer_armed(&address->dad_timer))
        return;
    if (ndp_has_nonce(message, bytes, address->dad_nonce, sizeof(address->dad_nonce)))
        ndp_dad_loop(address);
    else
        ndp_dad_fail(address);
}

/* RFC 4861 7.2.3, RFC 4862 5.4.3. TCPIP_DROP_COUNT: done. */
static enum tcpip_drop ndp_solicitation(struct tcpip_nic *nic, const struct tcpip_packet *packet,
                                        const uint8_t *message, size_t bytes)
{
    const uint8_t *source = packet->network.source, *target = tcpip_ndp_target(message);
    struct nic_address *address = tcpip__address_find(nic->stack, nic, target);
    struct tcpip_link_address link;
    bool anonymous = address_is_zero(source);

    nic->stack->stats.icmpv6.neighbor_solicit_received++;
    if (address == NULL)
        return TCPIP_DROP_NDP_NOT_FOR_US;
    if ((address->flags & (TCPIP_ADDRESS_TENTATIVE | TCPIP_ADDRESS_DUPLICATE)) != 0) {
        if (!anonymous)
            return TCPIP_DROP_NDP_NOT_FOR_US;
        ndp_solicited_tentative(address, message, bytes);
        return TCPIP_DROP_COUNT;
    }
    if (!anonymous && tcpip__address_find(nic->stack, nic, source) != NULL)
        return TCPIP_DROP_NDP_NOT_FOR_US; /* our own, or in our name */
    if (!anonymous && ndp_resolves(nic) && ndp_find_link(message, bytes, TCPIP_NDP_OPTION_SOURCE_LINK, &link))
        tcpip__neighbor_learn(nic, source, &link);
    ndp_advertise(nic, target, source);
    return TCPIP_DROP_COUNT;
}

/* RFC 4861 7.2.5, RFC 4862 5.4.4. TCPIP_DROP_COUNT: done. */
static enum tcpip_drop ndp_advertisement(struct tcpip_nic *nic, const uint8_t *message, size_t bytes)
{
    const uint8_t *target = tcpip_ndp_target(message);
    struct nic_address *address = tcpip__address_find(nic->stack, nic, target);
    uint8_t flags = tcpip_ndp_neighbor_flags(message);
    struct tcpip_link_address link;

    nic->stack->stats.icmpv6.neighbor_advert_received++;
    if (address != NULL) {
        if ((address->flags & TCPIP_ADDRESS_TENTATIVE) != 0 && tcpip_timer_armed(&address->dad_timer))
            ndp_dad_fail(address);
        else /* somebody claims what is ours: counted; the RFC leaves the rest to people */
            nic->stack->stats.neighbor.duplicate_addresses++;
        return TCPIP_DROP_COUNT;
    }
    if (address_is_zero(target) || address_is_loopback(target) || address_is_v4(target))
        return TCPIP_DROP_NDP_MALFORMED;
    if (!ndp_resolves(nic))
        return TCPIP_DROP_NDP_NOT_FOR_US;
    bool has_link = ndp_find_link(message, bytes, TCPIP_NDP_OPTION_TARGET_LINK, &link);
    struct neighbor_advert how = {.solicited = (flags & TCPIP_NDP_FLAG_SOLICITED) != 0,
                                  .override = (flags & TCPIP_NDP_FLAG_OVERRIDE) != 0,
                                  .router = (flags & TCPIP_NDP_FLAG_ROUTER) != 0};
    tcpip__neighbor_advertised(nic, target, has_link ? &link : NULL, how);
    return TCPIP_DROP_COUNT;
}

/* TCPIP_DROP_COUNT: done. `ipv6`: the fixed header as it was sent, put together from what the way in has kept. */
static enum tcpip_drop ndp_dispatch(struct tcpip_nic *nic, struct tcpip_packet *packet, const uint8_t *ipv6)
{
    struct tcpip_stats_icmp *stats = &nic->stack->stats.icmpv6;
    uint32_t bytes = packet->length - packet->transport_offset;
    if (packet->network.ttl != TCPIP_NDP_HOP_LIMIT)
        return TCPIP_DROP_NDP_HOP_LIMIT;
    if (packet->network.was_fragmented || bytes > NDP_MESSAGE_MAX)
        return TCPIP_DROP_NDP_MALFORMED;
    const uint8_t *message = tcpip_packet_pull(packet, packet->transport_offset, bytes);
    if (message == NULL)
        return TCPIP_DROP_NO_MEMORY;
    if (!tcpip_ndp_check(ipv6, message, bytes))
        return TCPIP_DROP_NDP_MALFORMED;
    switch (tcpip_icmpv6_type(message)) {
    case TCPIP_ICMPV6_NEIGHBOR_SOLICITATION:
        return ndp_solicitation(nic, packet, message, bytes);
    case TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT:
        return ndp_advertisement(nic, message, bytes);
    case TCPIP_ICMPV6_ROUTER_SOLICITATION:
        stats->router_solicit_received++;
        return TCPIP_DROP_ICMP_UNKNOWN_TYPE;
    case TCPIP_ICMPV6_ROUTER_ADVERTISEMENT:
        stats->router_advert_received++;
        return TCPIP_DROP_ICMP_UNKNOWN_TYPE;
    default:
        stats->redirect_received++;
        return TCPIP_DROP_ICMP_UNKNOWN_TYPE;
    }
}

void tcpip__ndp_input(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    uint8_t ipv6[TCPIP_IPV6_HEADER_BYTES];
    struct tcpip_ipv6_fields fields = {.next_header = TCPIP_PROTOCOL_ICMPV6,
                                       .hop_limit = packet->network.ttl,
                                       .source = packet->network.source,
                                       .destination = packet->network.destination};
    tcpip_ipv6_encode(ipv6, &fields);
    enum tcpip_drop reason = ndp_dispatch(nic, packet, ipv6);
    if (reason == TCPIP_DROP_COUNT) {
        tcpip_packet_free(packet);
        return;
    }
    if (reason == TCPIP_DROP_NDP_MALFORMED || reason == TCPIP_DROP_NDP_HOP_LIMIT)
        nic->stack->stats.icmpv6.invalid++;
    tcpip_packet_drop(packet, reason);
}
