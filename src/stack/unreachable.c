// SPDX-License-Identifier: MIT
/* unreachable.c: a packet that waited in vain for its neighbour.
 *
 * It has its network header in front, ours or (forwarded) somebody's. For one of ours the answer that a router would
 * have sent is made up here, as the struct that an ICMP error becomes once it is parsed, and handed to the transport
 * protocol: connect() fails with HOST_UNREACHABLE after three seconds rather than after its own minutes.
 *
 * What isn't understood (a later fragment, an extension header that doesn't belong there, no eight bytes of transport
 * header) is lost silently: an error that can't be attributed helps nobody.
 *
 * Owns: nothing.  Invariants: none.  Not here: when it is in vain (neighbor.c), ICMP on the wire (network/). */
#include "stack/unreachable.h"

#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>

enum {
    UNREACHABLE_QUOTE_BYTES = 192, /* headers in front, and a transport header to recognise it by */
    UNREACHABLE_QUOTE_MIN = 8,     /* RFC 792 */
    UNREACHABLE_TYPE_V4 = 3,       /* destination unreachable ... */
    UNREACHABLE_CODE_V4 = 1,       /* ... host (RFC 792) */
    UNREACHABLE_TYPE_V6 = 1,
    UNREACHABLE_CODE_V6 = 3, /* address unreachable (RFC 4443 3.1) */
};

/* What the front of a packet says. */
struct unreachable_quote {
    uint8_t bytes[UNREACHABLE_QUOTE_BYTES];
    uint32_t count;
    uint32_t transport_offset;
    uint8_t source[16], destination[16];
    uint8_t transport;
    bool v4;
};

static bool unreachable_parse_v4(struct unreachable_quote *quote)
{
    const uint8_t *p = quote->bytes;
    if (quote->count < 20 || tcpip_ipv4_header_bytes(p) < 20 || tcpip_ipv4_fragment_offset(p) != 0)
        return false;
    struct tcpip_address source = tcpip_ipv4_address(tcpip_ipv4_source(p));
    struct tcpip_address destination = tcpip_ipv4_address(tcpip_ipv4_destination(p));
    address_internal(&source, quote->source);
    address_internal(&destination, quote->destination);
    quote->transport = tcpip_ipv4_protocol(p);
    quote->transport_offset = (uint32_t)tcpip_ipv4_header_bytes(p);
    return true;
}

static bool unreachable_parse_v6(struct unreachable_quote *quote)
{
    const uint8_t *p = quote->bytes;
    if (quote->count < 40)
        return false;
    memcpy(quote->source, tcpip_ipv6_source(p), 16);
    memcpy(quote->destination, tcpip_ipv6_destination(p), 16);
    uint8_t next = tcpip_ipv6_next_header(p);
    uint32_t offset = 40;
    while (next == TCPIP_IPV6_HOP_BY_HOP || next == TCPIP_IPV6_ROUTING || next == TCPIP_IPV6_FRAGMENT ||
           next == TCPIP_IPV6_DESTINATION_OPTIONS) {
        if (offset + 8 > quote->count)
            return false;
        if (next == TCPIP_IPV6_FRAGMENT && tcpip_ipv6_fragment_offset(p + offset) != 0)
            return false;
        uint32_t size = next == TCPIP_IPV6_FRAGMENT ? 8 : 8 * (p[offset + 1] + 1u);
        next = p[offset];
        offset += size;
    }
    quote->transport = next;
    quote->transport_offset = offset;
    return true;
}

static void unreachable_tell(struct tcpip_nic *nic, const struct unreachable_quote *quote)
{
    struct tcpip_icmp_error error = {
        .kind = TCPIP_ICMP_HOST_UNREACHABLE,
        .type = quote->v4 ? UNREACHABLE_TYPE_V4 : UNREACHABLE_TYPE_V6,
        .code = quote->v4 ? UNREACHABLE_CODE_V4 : UNREACHABLE_CODE_V6,
        .transport = quote->transport,
        .nic = nic->id,
        .local = quote->source,
        .remote = quote->destination,
        .offender = quote->source,
        .quote = quote->bytes + quote->transport_offset,
        .quote_bytes = quote->count - quote->transport_offset,
    };
    tcpip__transport_error(nic->stack, &error);
}

void tcpip__packet_unreachable(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    struct unreachable_quote quote;
    quote.count = (uint32_t)tcpip_packet_copy_out(packet, 0, quote.bytes, sizeof(quote.bytes));
    quote.v4 = packet->link_protocol == TCPIP_PROTOCOL_IPV4;
    bool parsed = quote.v4 ? unreachable_parse_v4(&quote) : unreachable_parse_v6(&quote);
    /* What came in has its addresses noted; an answer made from what came in has too, but from an address of ours. */
    bool forwarded =
        packet->network.protocol != 0 && parsed && tcpip__address_find(nic->stack, NULL, quote.source) == NULL;
    if (forwarded)
        tcpip__send_icmp_error(packet, TCPIP_ICMP_HOST_UNREACHABLE, 0);
    tcpip_packet_drop(packet, TCPIP_DROP_NEIGHBOR_UNREACHABLE);
    /* Last: it may close endpoints, and send. */
    if (!forwarded && parsed && quote.count >= quote.transport_offset + UNREACHABLE_QUOTE_MIN)
        unreachable_tell(nic, &quote);
}
