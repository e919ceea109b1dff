// SPDX-License-Identifier: MIT
/* ip.c: what IPv4 and IPv6 have in common: the state they share, identifications, and the pieces of sending.
 *
 * Identifications (RFC 6864, RFC 7739). Only datagrams that may be fragmented need one that doesn't repeat while the
 * other is in flight; whoever can guess it can plant fragments. So: a secret offset for each (local, remote, protocol)
 * and a counter for a secret bucket of remotes, their sum the identification. Consecutive datagrams of one pair have
 * different ones for a whole period, and neither an observer of another pair nor an idle scan learns anything from its
 * own.
 *
 * Owns:       struct ip_shared; made by the family that is initialised first, freed with the last.
 * Invariants: users is the number of families that point to it.
 * Not here:   headers (ipv4_output.c, ipv6_output.c), what ICMP says (icmpv4.c, icmpv6.c). */
#include "network/ip.h"

#include "base/math.h"

/* ---- shared state ---- */

static struct ip_shared *ip_shared_of(struct tcpip_stack *stack, uint32_t protocol)
{
    if (tcpip__stack_network(stack, protocol) == NULL)
        return NULL;
    const struct ip_stack *state = tcpip__stack_network_state(stack, protocol);
    return state == NULL ? NULL : state->shared;
}

static struct ip_shared *ip_shared_new(struct tcpip_stack *stack)
{
    struct ip_shared *shared = tcpip__memory_zalloc(&stack->memory, sizeof(*shared), _Alignof(struct ip_shared));
    if (shared == NULL)
        return NULL;
    if (tcpip__ip_reassembly_init(&shared->reassembly, stack) != TCPIP_OK) {
        tcpip__memory_free(&stack->memory, shared, sizeof(*shared));
        return NULL;
    }
    tcpip__reply_limit_init(&shared->icmp_limit, stack->limits.icmp_errors_per_second, REPLY_LIMIT_PEERS,
                            REPLY_LIMIT_ICMP_BURST, &stack->rng);
    for (uint32_t i = 0; i < IP_ID_COUNTERS; i++)
        shared->id_counters[i] = rng_u32(&stack->rng);
    return shared;
}

enum tcpip_error tcpip__ip_stack_init(struct tcpip_stack *stack, void *state)
{
    struct ip_stack *ip = state;
    struct ip_shared *shared = ip_shared_of(stack, TCPIP_PROTOCOL_IPV4);
    if (shared == NULL)
        shared = ip_shared_of(stack, TCPIP_PROTOCOL_IPV6);
    if (shared == NULL)
        shared = ip_shared_new(stack);
    if (shared == NULL)
        return TCPIP_ERR_NO_MEMORY;
    shared->users++;
    ip->shared = shared;
    return TCPIP_OK;
}

void tcpip__ip_stack_fini(struct tcpip_stack *stack, void *state)
{
    struct ip_stack *ip = state;
    struct ip_shared *shared = ip->shared;
    ip->shared = NULL;
    if (--shared->users > 0)
        return;
    tcpip__ip_reassembly_fini(&shared->reassembly);
    tcpip__memory_free(&stack->memory, shared, sizeof(*shared));
}

void tcpip__ip_nic_down(struct tcpip_nic *nic, void *state)
{
    (void)state;
    struct ip_shared *shared = ip_shared_of(nic->stack, TCPIP_PROTOCOL_IPV4);
    if (shared == NULL)
        shared = ip_shared_of(nic->stack, TCPIP_PROTOCOL_IPV6);
    if (shared != NULL)
        tcpip__ip_reassembly_flush(&shared->reassembly, nic);
}

struct ip_shared *tcpip__ip_shared(struct tcpip_stack *stack, uint32_t protocol)
{
    struct ip_shared *shared = ip_shared_of(stack, protocol);
    ASSERT_ENV(&stack->env, shared != NULL);
    return shared;
}

/* ---- sending ---- */

uint32_t tcpip__ip_next_id(struct tcpip_stack *stack, struct ip_shared *shared, const uint8_t *local,
                           const uint8_t *remote, uint8_t transport, uint32_t count)
{
    uint8_t input[33];
    memcpy(input, local, 16);
    memcpy(input + 16, remote, 16);
    input[32] = transport;
    uint64_t offset = tcpip__siphash(&stack->secret, input, sizeof(input));
    uint64_t bucket = tcpip__siphash(&stack->secret, remote, 16);
    uint32_t *counter = &shared->id_counters[bucket & (IP_ID_COUNTERS - 1)];
    uint32_t id = (uint32_t)offset + *counter;
    *counter += count;
    return id;
}

uint8_t tcpip__ip_ttl(const struct tcpip_stack *stack, const struct tcpip_network_output *how)
{
    if (how->ttl != 0)
        return how->ttl;
    if (address_is_multicast(how->remote))
        return IP_TTL_MULTICAST;
    int64_t chosen = stack->defaults[TCPIP_OPTION_TTL];
    return chosen > 0 && chosen <= 255 ? (uint8_t)chosen : IP_TTL_DEFAULT;
}

bool tcpip__ip_fits(const struct tcpip_packet *packet, uint32_t header_bytes, uint32_t mtu)
{
    if (packet->gso_size == 0)
        return packet->length + header_bytes <= mtu;
    return header_bytes + packet->payload_offset + packet->gso_size <= mtu;
}

bool tcpip__ip_complete_checksum(struct tcpip_packet *packet, uint8_t transport)
{
    if (packet->checksum != TCPIP_CHECKSUM_PARTIAL)
        return true;
    uint8_t *field = tcpip_packet_pull(packet, (uint32_t)packet->checksum_start + packet->checksum_offset, 2);
    if (field == NULL)
        return false;
    uint16_t sum = tcpip_packet_checksum(packet, packet->checksum_start, packet->length - packet->checksum_start, 0);
    tcpip_store_u16(field,
                    transport == TCPIP_PROTOCOL_UDP ? tcpip_checksum_finish_udp(sum) : tcpip_checksum_finish(sum));
    packet->checksum = TCPIP_CHECKSUM_NONE;
    return true;
}

struct tcpip_packet *tcpip__ip_slice(const struct tcpip_packet *packet, uint32_t begin, uint32_t bytes)
{
    struct tcpip_packet *slice = tcpip_packet_clone(packet);
    if (slice == NULL)
        return NULL;
    tcpip_packet_cap_length(slice, begin + bytes);
    tcpip_packet_trim_front(slice, begin);
    slice->gso = TCPIP_GSO_NONE;
    slice->gso_size = 0;
    slice->gso_segments = 0;
    slice->checksum = TCPIP_CHECKSUM_NONE;
    slice->transport_offset = 0;
    slice->payload_offset = 0;
    return slice;
}

void tcpip__ip_pushed(struct tcpip_packet *packet, uint16_t protocol, uint32_t header_bytes)
{
    packet->link_protocol = protocol;
    packet->network_offset = 0;
    packet->transport_offset = (uint16_t)(packet->transport_offset + header_bytes);
    packet->payload_offset = (uint16_t)(packet->payload_offset + header_bytes);
    if (packet->checksum == TCPIP_CHECKSUM_PARTIAL)
        packet->checksum_start = (uint16_t)(packet->checksum_start + header_bytes);
}

/* ---- what ICMP of both families shares ---- */

bool tcpip__ip_may_answer(const struct tcpip_packet *packet)
{
    const struct tcpip_packet_network *network = &packet->network;
    return (packet->type == TCPIP_PACKET_HOST || packet->type == TCPIP_PACKET_OUTGOING) &&
           network->local == DESTINATION_UNICAST && !address_is_zero(network->source) &&
           !address_is_multicast(network->source);
}

bool tcpip__icmp_asks_us(const struct tcpip_packet *packet)
{
    return tcpip__address_local(packet->nic->stack, packet->nic, packet->network.destination) != NULL;
}

bool tcpip__icmp_allowed(const struct tcpip_packet *packet)
{
    struct tcpip_stack *stack = packet->nic->stack;
    struct ip_shared *shared = tcpip__ip_shared(stack, packet->network.protocol);
    if ((packet->nic->caps.flags & TCPIP_LINK_LOOPBACK) != 0)
        return true; /* this host's own programs are no strangers (as Linux) */
    return tcpip__reply_limit_take(&shared->icmp_limit, packet->network.source, tcpip__stack_now(stack));
}

struct tcpip_packet *tcpip__icmp_quote(const struct tcpip_packet *packet, uint32_t quote_bytes, uint8_t **header)
{
    uint32_t left = packet->length - packet->network_offset;
    struct tcpip_packet *error = tcpip__ip_slice(packet, packet->network_offset, min_u32(left, quote_bytes));
    if (error == NULL)
        return NULL;
    *header = tcpip_packet_push(error, 8);
    if (*header != NULL)
        return error;
    tcpip_packet_free(error);
    return NULL;
}

enum tcpip_error tcpip__icmp_send(struct icmp_envelope *envelope, struct tcpip_packet *packet)
{
    struct tcpip_stack *stack = envelope->nic->stack;
    struct tcpip_route route = {0};
    bool scoped = address_is_link_local(envelope->remote) || address_is_link_local(envelope->local);
    uint32_t nic_id = scoped ? envelope->nic->id : 0;

    enum tcpip_error error = tcpip__route_find(stack, nic_id, envelope->local, envelope->remote, &route);
    if (error ==
        TCPIP_ERR_BAD_LOCAL_ADDRESS) { /* asked at an address we don't own (promiscuous): answer from our own */
        if (address_is_v4(envelope->remote))
            memset(envelope->local + 12, 0, 4);
        else
            memset(envelope->local, 0, 16);
        error = tcpip__route_find(stack, nic_id, envelope->local, envelope->remote, &route);
    }
    if (error == TCPIP_OK && route.kind != ROUTE_UNICAST && route.kind != ROUTE_LOCAL) {
        tcpip__route_release(&route);
        error = TCPIP_ERR_NO_ROUTE;
    }
    if (error != TCPIP_OK) {
        tcpip_packet_drop(packet, TCPIP_DROP_IP_NO_ROUTE);
        return error;
    }

    uint8_t *field = tcpip_packet_pull(packet, 2, 2);
    ASSERT_ENV(&stack->env, field != NULL && packet->length <= UINT16_MAX);
    tcpip_store_u16(
        field, envelope->transport == TCPIP_PROTOCOL_ICMPV6
                   ? tcpip_checksum_pseudo_v6(envelope->local, envelope->remote, TCPIP_PROTOCOL_ICMPV6, packet->length)
                   : 0);
    packet->checksum = TCPIP_CHECKSUM_PARTIAL;
    packet->checksum_start = 0;
    packet->checksum_offset = 2;
    packet->transport_offset = 0;
    packet->payload_offset = 8;
    packet->at = 0;
    packet->network = (struct tcpip_packet_network){0}; /* of what it was made from */
    struct tcpip_network_output how = {
        .local = envelope->local, .remote = envelope->remote, .transport = envelope->transport, .tos = envelope->tos};
    error = tcpip__route_output(&route, packet, &how);
    tcpip__route_release(&route);
    return error;
}
