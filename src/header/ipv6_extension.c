// SPDX-License-Identifier: MIT
/* ipv6_extension.c: the chain of headers between IPv6's fixed header and the upper protocol.
 *
 *   fixed --next--> [hop-by-hop] --next--> [destination] [routing] [fragment] [destination] --next--> TCP, UDP, ...
 *
 * Each header names the one behind it, so the meaning of every byte hangs on all before it. The walker goes one header
 * a step, never past the packet's end nor its contiguous front, and over a bounded number of them. Only one rule of
 * order is enforced: hop-by-hop comes first or not at all (RFC 8200 4.1 asks receivers to take any other order).
 * Headers that we can't look into (ESP, AH, mobility) count as upper protocols.
 *
 * Behind the fragment header of a fragment that isn't the first there are payload bytes, whatever they look like: the
 * walk ends there, or a middle fragment could smuggle in headers that the reassembled packet hasn't.
 *
 * Invariants: offset <= end; type_offset < offset; verdicts other than EXTENSION leave the walker as it was. */
#include <tcpip/header/ipv6.h>

#include "base/assert.h"
#include "header/cursor.h"

void tcpip_ipv6_walk_begin(struct tcpip_ipv6_walker *walker, const uint8_t *packet, size_t front_bytes)
{
    ASSERT(front_bytes >= TCPIP_IPV6_HEADER_BYTES);
    size_t end = TCPIP_IPV6_HEADER_BYTES + (size_t)tcpip_ipv6_payload_length(packet);
    if (end > front_bytes)
        end = front_bytes;
    tcpip_ipv6_walk_begin_at(walker, packet, end, TCPIP_IPV6_HEADER_BYTES, TCPIP_IPV6_NEXT_HEADER_OFFSET);
}

void tcpip_ipv6_walk_begin_at(struct tcpip_ipv6_walker *walker, const uint8_t *packet, size_t end, size_t offset,
                              size_t type_offset)
{
    ASSERT(type_offset < offset && offset <= end);
    *walker = (struct tcpip_ipv6_walker){
        .packet = packet,
        .end = end,
        .offset = offset,
        .type_offset = type_offset,
        .next_header = packet[type_offset],
    };
}

static bool ipv6_is_extension(uint8_t type)
{
    return type == TCPIP_IPV6_HOP_BY_HOP || type == TCPIP_IPV6_ROUTING || type == TCPIP_IPV6_FRAGMENT ||
           type == TCPIP_IPV6_DESTINATION_OPTIONS;
}

enum tcpip_ipv6_walk tcpip_ipv6_walk_next(struct tcpip_ipv6_walker *walker, struct tcpip_ipv6_extension *out)
{
    uint8_t type = walker->next_header;
    if (walker->in_fragment)
        return TCPIP_IPV6_WALK_FRAGMENT_BODY;
    if (type == TCPIP_IPV6_NO_NEXT_HEADER)
        return TCPIP_IPV6_WALK_NO_NEXT;
    if (!ipv6_is_extension(type))
        return TCPIP_IPV6_WALK_UPPER;
    if (type == TCPIP_IPV6_HOP_BY_HOP && walker->offset != TCPIP_IPV6_HEADER_BYTES)
        return TCPIP_IPV6_WALK_BAD_ORDER;
    if (walker->count == TCPIP_IPV6_EXTENSIONS_MAX)
        return TCPIP_IPV6_WALK_TOO_MANY;

    struct cursor c = cursor_of(walker->packet + walker->offset, walker->end - walker->offset);
    const uint8_t *data = c.at;
    uint8_t next_header = cursor_u8(&c);
    uint8_t length = cursor_u8(&c); /* in 8 bytes, beyond the first 8; reserved in a fragment header */
    size_t bytes = type == TCPIP_IPV6_FRAGMENT ? TCPIP_IPV6_FRAGMENT_BYTES : 8u + length * 8u;
    if (!c.failed)
        cursor_skip(&c, bytes - 2);
    if (c.failed)
        return TCPIP_IPV6_WALK_TRUNCATED;

    *out = (struct tcpip_ipv6_extension){
        .type = type,
        .next_header = next_header,
        .offset = walker->offset,
        .bytes = bytes,
        .data = data,
        .type_offset = walker->type_offset,
    };
    walker->in_fragment = type == TCPIP_IPV6_FRAGMENT && tcpip_ipv6_fragment_offset(data) != 0;
    walker->type_offset = walker->offset;
    walker->offset += bytes;
    walker->next_header = next_header;
    walker->count++;
    return TCPIP_IPV6_WALK_EXTENSION;
}

/* What each header adds to the picture of the whole. */
static void ipv6_chain_add(struct tcpip_ipv6_chain *chain, const struct tcpip_ipv6_extension *extension)
{
    switch (extension->type) {
    case TCPIP_IPV6_HOP_BY_HOP:
        chain->hop_by_hop_offset = extension->offset;
        break;
    case TCPIP_IPV6_ROUTING:
        if (chain->routing_offset == 0)
            chain->routing_offset = extension->offset;
        break;
    case TCPIP_IPV6_FRAGMENT:
        if (chain->fragment_offset == 0)
            chain->fragment_offset = extension->offset;
        return;
    default:
        return;
    }
    /* Hop-by-hop and routing headers, and what precedes them, are repeated in each fragment; behind a fragment header
     * they are part of what was fragmented. */
    if (chain->fragment_offset == 0) {
        chain->unfragmentable_bytes = extension->offset + extension->bytes;
        chain->last_type_offset = extension->offset;
    }
}

bool tcpip_ipv6_chain_parse(const uint8_t *packet, size_t front_bytes, struct tcpip_ipv6_chain *out)
{
    struct tcpip_ipv6_walker walker;
    struct tcpip_ipv6_extension extension;
    *out = (struct tcpip_ipv6_chain){
        .unfragmentable_bytes = TCPIP_IPV6_HEADER_BYTES,
        .last_type_offset = TCPIP_IPV6_NEXT_HEADER_OFFSET,
    };
    tcpip_ipv6_walk_begin(&walker, packet, front_bytes);
    while ((out->verdict = tcpip_ipv6_walk_next(&walker, &extension)) == TCPIP_IPV6_WALK_EXTENSION)
        ipv6_chain_add(out, &extension);
    out->upper_protocol = walker.next_header;
    out->upper_offset = walker.offset;
    out->problem_offset = walker.type_offset;
    return out->verdict == TCPIP_IPV6_WALK_UPPER || out->verdict == TCPIP_IPV6_WALK_NO_NEXT ||
           out->verdict == TCPIP_IPV6_WALK_FRAGMENT_BODY;
}

void tcpip_ipv6_options_begin(struct tcpip_ipv6_option_iterator *it, const struct tcpip_ipv6_extension *extension)
{
    ASSERT(extension->bytes >= 8);
    *it = (struct tcpip_ipv6_option_iterator){
        .header = extension->data,
        .at = 2,
        .end = extension->bytes,
        .base = extension->offset,
    };
}

bool tcpip_ipv6_options_next(struct tcpip_ipv6_option_iterator *it, struct tcpip_ipv6_option *out)
{
    struct cursor c = cursor_of(it->header + it->at, it->end - it->at);
    while (c.left > 0) {
        const uint8_t *start = c.at;
        uint8_t type = cursor_u8(&c);
        if (type == TCPIP_IPV6_OPTION_PAD1)
            continue;
        uint8_t data_bytes = cursor_u8(&c);
        const uint8_t *data = cursor_take(&c, data_bytes);
        if (c.failed) {
            it->malformed = true;
            it->problem_offset = it->base + (size_t)(start - it->header);
            break;
        }
        if (type == TCPIP_IPV6_OPTION_PADN)
            continue;
        *out = (struct tcpip_ipv6_option){
            .type = type,
            .data_bytes = data_bytes,
            .offset = it->base + (size_t)(start - it->header),
            .data = data,
        };
        it->at = (size_t)(c.at - it->header);
        return true;
    }
    it->at = it->end;
    return false;
}

void tcpip_ipv6_router_alert_encode(uint8_t *out, uint8_t next_header)
{
    out[0] = next_header;
    out[1] = 0; /* 8 bytes in all */
    out[2] = TCPIP_IPV6_OPTION_ROUTER_ALERT;
    out[3] = 2;
    tcpip_store_u16(out + 4, 0); /* MLD (RFC 2711 2.1) */
    out[6] = TCPIP_IPV6_OPTION_PADN;
    out[7] = 0;
}

void tcpip_ipv6_fragment_encode(uint8_t *out, const struct tcpip_ipv6_fragment_fields *fields)
{
    ASSERT(fields->offset % 8 == 0);
    out[0] = fields->next_header;
    out[1] = 0;
    tcpip_store_u16(out + 2, (uint16_t)(fields->offset | (fields->more ? 1 : 0)));
    tcpip_store_u32(out + 4, fields->id);
}
