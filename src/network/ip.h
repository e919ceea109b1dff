// SPDX-License-Identifier: MIT
/* ip.h: what IPv4 and IPv6 have in common inside network/: state shared by both, identifications, cutting a packet into
 * fragments, sending what the network layer itself has to say. */
#ifndef TCPIP_SRC_NETWORK_IP_H
#define TCPIP_SRC_NETWORK_IP_H

#include "network/reassembly.h"
#include "stack/reply_limit.h"
#include "stack/route.h"

enum {
    IP_ID_COUNTERS = 256, /* power of two */
    IP_TTL_DEFAULT = 64,  /* RFC 1340's recommendation, and everybody's */
    IP_TTL_MULTICAST = 1, /* RFC 1112 6.1 */
};

/* One per stack, whichever families it has: so the limits are the stack's, not a family's. */
struct ip_shared {
    uint32_t users;
    struct ip_reassembly reassembly;
    struct reply_limit icmp_limit;
    uint32_t id_counters[IP_ID_COUNTERS];
};

/* The state of tcpip_ipv4 and of tcpip_ipv6 in a stack. */
struct ip_stack {
    struct ip_shared *shared;
};

/* stack_init and stack_fini of both. NO_MEMORY. */
must_use enum tcpip_error tcpip__ip_stack_init(struct tcpip_stack *stack, void *state);
void tcpip__ip_stack_fini(struct tcpip_stack *stack, void *state);
/* nic_down of both. */
void tcpip__ip_nic_down(struct tcpip_nic *nic, void *state);
/* `protocol` (TCPIP_PROTOCOL_IPV4, _IPV6) must be registered. */
struct ip_shared *tcpip__ip_shared(struct tcpip_stack *stack, uint32_t protocol);

/* The next identification for datagrams from `local` to `remote` that may be fragmented (RFC 7739 5.3): the first of
 * `count` in a row, for a super-segment uses one for each datagram it is cut into. */
uint32_t tcpip__ip_next_id(struct tcpip_stack *stack, struct ip_shared *shared, const uint8_t *local,
                           const uint8_t *remote, uint8_t transport, uint32_t count);

/* The TTL or hop limit to send with: how->ttl, or the default. */
uint8_t tcpip__ip_ttl(const struct tcpip_stack *stack, const struct tcpip_network_output *how);
/* True if the packet as it stands, with `header_bytes` in front, or each of its segments if it is to be segmented, is
 * no larger than `mtu`. */
bool tcpip__ip_fits(const struct tcpip_packet *packet, uint32_t header_bytes, uint32_t mtu);
/* Computes a PARTIAL checksum in software: fragments can't be summed by a link. `transport`: UDP writes 0 as 0xffff.
 * False: out of memory. */
must_use bool tcpip__ip_complete_checksum(struct tcpip_packet *packet, uint8_t transport);
/* Cuts [begin, begin + bytes) out of a packet into one that shares its buffers; its room is free for headers. NULL: out
 * of memory. */
struct tcpip_packet *tcpip__ip_slice(const struct tcpip_packet *packet, uint32_t begin, uint32_t bytes);
/* A header of `header_bytes` was pushed in front of a transport packet: the offsets that were counted from its first
 * byte. */
void tcpip__ip_pushed(struct tcpip_packet *packet, uint16_t protocol, uint32_t header_bytes);

/* True if the source of an inbound packet, filled in, may be one: a packet from ourselves, or from all of us, doesn't
 * come from a wire. Believed, it would make us talk to ourselves for as long as somebody likes (LAND). */
static inline bool ip_source_foreign(const struct tcpip_packet *packet)
{
    return packet->type == TCPIP_PACKET_OUTGOING || (packet->nic->caps.flags & TCPIP_LINK_LOOPBACK) != 0 ||
           tcpip__address_foreign(packet->nic, packet->network.source);
}
/* True if an inbound packet may be answered with an ICMP error as far as both families agree: it came to us alone, from
 * somebody alone. */
bool tcpip__ip_may_answer(const struct tcpip_packet *packet);
/* True if an echo request was sent to an address of ours. On a promiscuous NIC all are taken, but who answers for an
 * address that isn't its own says that a host is there which isn't. */
bool tcpip__icmp_asks_us(const struct tcpip_packet *packet);
/* Sends an ICMP message (its header in front, contiguous, checksum field 0); takes it. `local` all zero: chosen. Not to
 * broadcast or multicast. NO_ROUTE, and errors of the output. */
struct icmp_envelope {
    struct tcpip_nic *nic; /* through which the cause came: the scope of link-local addresses */
    uint8_t local[16], remote[16];
    uint8_t transport, tos;
};
enum tcpip_error tcpip__icmp_send(struct icmp_envelope *envelope, struct tcpip_packet *packet);
/* An ICMP error's packet: the quote, `packet` from its network header on and at most `quote_bytes` of it, with room for
 * eight bytes of header pushed and returned in *header. NULL: out of memory. */
struct tcpip_packet *tcpip__icmp_quote(const struct tcpip_packet *packet, uint32_t quote_bytes, uint8_t **header);
/* Asks the limit whether an error may be sent to who sent `packet`. */
bool tcpip__icmp_allowed(const struct tcpip_packet *packet);

/* ---- from ipv4_input.c and ipv6_input.c to the ICMPs ---- */

/* An ICMP message with packet->network filled in and transport_offset set; takes it. */
void tcpip__icmpv4_input(struct tcpip_nic *nic, struct tcpip_packet *packet);
void tcpip__icmpv6_input(struct tcpip_nic *nic, struct tcpip_packet *packet);
/* The send_error of the two families. */
void tcpip__icmpv4_send_error(struct tcpip_nic *nic, const struct tcpip_packet *packet, enum tcpip_icmp_kind kind,
                              uint32_t value);
void tcpip__icmpv6_send_error(struct tcpip_nic *nic, const struct tcpip_packet *packet, enum tcpip_icmp_kind kind,
                              uint32_t value);

/* ---- the ways in and out ---- */

void tcpip__ipv4_input(struct tcpip_nic *nic, struct tcpip_packet *packet);
void tcpip__ipv6_input(struct tcpip_nic *nic, struct tcpip_packet *packet);
enum tcpip_error tcpip__ipv4_output(struct tcpip_route *route, struct tcpip_packet *packet,
                                    const struct tcpip_network_output *how);
enum tcpip_error tcpip__ipv6_output(struct tcpip_route *route, struct tcpip_packet *packet,
                                    const struct tcpip_network_output *how);

#endif
