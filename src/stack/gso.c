// SPDX-License-Identifier: MIT
/* gso.c: one super-segment becomes the packets that a plain link carries.
 *
 * TCP sends up to 64 KB as one packet and one trip through the stack; only here, below everything, it is cut. Each
 * segment is a copy of the headers (some 52 bytes) and views on the super-segment's payload: nothing else is copied.
 *
 *     all segments     total or payload length, pseudo-header sum; IPv4: identification counts up, header checksum
 *     TCP              sequence number; FIN and PSH on the last only, CWR on the first only (RFC 3168 6.1.2: once per
 *                      window); everything else, options too, alike
 *     UDP              length
 *
 * Checksums stay partial: whether to complete them is the question of the next link, not of this file.
 *
 * Owns:        nothing.
 * Invariants:  the segments' payloads in order are the super-segment's; all but the last have gso_size bytes.
 * Not here:    merging (gro.c), how large a super-segment should be (TCP). */
#include "stack/gso.h"

#include "base/math.h"
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/tcp.h>
#include <tcpip/header/udp.h>

enum {
    GSO_MOVING_FLAGS = TCPIP_TCP_FIN | TCPIP_TCP_PSH | TCPIP_TCP_CWR,
    GSO_DATAGRAMS_MAX = 128, /* Linux's UDP_MAX_SEGMENTS; without one, 64 KB of one-byte datagrams would be 40 MB */
};

/* What is the same for all segments. */
struct gso_job {
    struct tcpip_packet *packet;
    const uint8_t *headers;
    uint32_t header_bytes;    /* network and transport */
    uint32_t transport_start; /* of the transport header, from the packet's first byte */
    uint8_t transport;        /* IP protocol number */
    bool v4;
    uint32_t piece, piece_offset; /* next payload byte: piece 0 is the room, k is views[k - 1] */
};

/* False: out of memory. */
static bool gso_begin(struct gso_job *job, struct tcpip_packet *packet)
{
    *job = (struct gso_job){.packet = packet, .transport_start = packet->checksum_start};
    job->transport = packet->gso == TCPIP_GSO_UDP ? TCPIP_PROTOCOL_UDP : TCPIP_PROTOCOL_TCP;
    uint32_t least = job->transport == TCPIP_PROTOCOL_TCP ? TCPIP_TCP_HEADER_MIN : TCPIP_UDP_HEADER_BYTES;
    const uint8_t *front = tcpip_packet_pull(packet, 0, job->transport_start + least);
    if (front == NULL)
        return false;
    uint32_t transport_bytes = least;
    if (job->transport == TCPIP_PROTOCOL_TCP)
        transport_bytes = (uint32_t)tcpip_tcp_header_bytes(front + job->transport_start);
    job->header_bytes = job->transport_start + transport_bytes;
    job->headers = tcpip_packet_pull(packet, 0, job->header_bytes);
    if (job->headers == NULL)
        return false;
    job->v4 = tcpip_ipv4_version(job->headers) == 4;
    /* The pull left the headers whole in the room, or whole at the front of a view. */
    uint32_t in_room = (uint32_t)(packet->tail - packet->head);
    job->piece = in_room >= job->header_bytes ? 0 : 1;
    job->piece_offset = job->header_bytes - (job->piece == 0 ? 0 : in_room);
    return true;
}

/* Moves `bytes` of payload to the segment: from the room by copy, from views by reference. */
static void gso_take_payload(struct gso_job *job, struct tcpip_packet *segment, uint32_t bytes)
{
    struct tcpip_packet *packet = job->packet;
    if (job->piece == 0) {
        uint32_t in_room = (uint32_t)(packet->tail - packet->head) - job->piece_offset;
        uint32_t part = min_u32(in_room, bytes);
        memcpy(segment->room + segment->tail, packet->room + packet->head + job->piece_offset, part);
        segment->tail = (uint16_t)(segment->tail + part);
        segment->length += part;
        bytes -= part;
        job->piece_offset += part;
        if (part < in_room)
            return;
        job->piece = 1;
        job->piece_offset = 0;
    }
    while (bytes > 0) {
        const struct tcpip_view *view = &packet->views[job->piece - 1];
        uint32_t part = min_u32(view->length - job->piece_offset, bytes);
        if (part > 0) {
            bool appended = tcpip_packet_append_view(
                segment, (struct tcpip_view){tcpip_buffer_ref(view->buffer), view->offset + job->piece_offset, part});
            ASSERT(appended); /* it has no more pieces than the packet it comes from */
        }
        bytes -= part;
        job->piece_offset += part;
        if (job->piece_offset == view->length) {
            job->piece++;
            job->piece_offset = 0;
        }
    }
}

/* The sum of the pseudo-header, from the addresses in the network header. */
static uint16_t gso_pseudo_sum(const struct gso_job *job, const uint8_t *network, uint32_t transport_bytes)
{
    if (job->v4)
        return tcpip_checksum_pseudo_v4(tcpip_ipv4_source(network), tcpip_ipv4_destination(network), job->transport,
                                        (uint16_t)transport_bytes);
    return tcpip_checksum_pseudo_v6(tcpip_ipv6_source(network), tcpip_ipv6_destination(network), job->transport,
                                    transport_bytes);
}

static void gso_fix_headers(const struct gso_job *job, struct tcpip_packet *segment, uint32_t offset, bool last)
{
    uint8_t *network = segment->room + segment->head;
    uint8_t *transport = network + job->transport_start;
    uint32_t transport_bytes = segment->length - job->transport_start;
    if (job->v4) {
        uint32_t index = offset / job->packet->gso_size;
        tcpip_store_u16(network + 2, (uint16_t)segment->length);
        tcpip_ipv4_set_id(network, (uint16_t)(tcpip_ipv4_id(network) + index));
        tcpip_ipv4_checksum_set(network);
    } else {
        tcpip_ipv6_set_payload_length(network, (uint16_t)(segment->length - TCPIP_IPV6_HEADER_BYTES));
    }
    uint16_t sum = gso_pseudo_sum(job, network, transport_bytes);
    if (job->transport == TCPIP_PROTOCOL_UDP) {
        tcpip_udp_set_length(transport, (uint16_t)transport_bytes);
        tcpip_store_u16(transport + TCPIP_UDP_CHECKSUM_OFFSET, sum);
        return;
    }
    uint16_t flags = tcpip_tcp_flags(transport);
    uint16_t moving = (uint16_t)(offset == 0 ? TCPIP_TCP_CWR : 0);
    if (last)
        moving |= TCPIP_TCP_FIN | TCPIP_TCP_PSH;
    tcpip_tcp_set_flags(transport, (uint16_t)(flags & ~(GSO_MOVING_FLAGS & ~moving)));
    tcpip_tcp_set_sequence(transport, tcpip_tcp_sequence(transport) + offset);
    tcpip_tcp_set_checksum(transport, sum);
}

/* NULL: out of memory. */
static struct tcpip_packet *gso_make_segment(struct gso_job *job, uint32_t offset, uint32_t bytes, bool last)
{
    const struct tcpip_packet *packet = job->packet;
    struct tcpip_packet *segment = tcpip__packet_new(packet->pool);
    if (segment == NULL)
        return NULL;
    /* Headers, and behind them what payload lies in the room, end where the room ends; link headers fit in front, since
     * they did in front of the same bytes of the super-segment. */
    uint32_t in_room = job->header_bytes;
    if (job->piece == 0)
        in_room += min_u32((uint32_t)(packet->tail - packet->head) - job->piece_offset, bytes);
    segment->head = (uint16_t)(TCPIP_PACKET_ROOM - in_room);
    segment->tail = (uint16_t)(segment->head + job->header_bytes);
    segment->length = job->header_bytes;
    memcpy(segment->room + segment->head, job->headers, job->header_bytes);

    segment->nic = packet->nic;
    segment->at = packet->at;
    segment->network_offset = packet->network_offset;
    segment->transport_offset = packet->transport_offset;
    segment->payload_offset = packet->payload_offset;
    segment->link_protocol = packet->link_protocol;
    segment->checksum = TCPIP_CHECKSUM_PARTIAL;
    segment->checksum_start = packet->checksum_start;
    segment->checksum_offset = packet->checksum_offset;
    segment->type = packet->type;
    segment->hash = packet->hash;
    segment->mark = packet->mark;
    segment->link_source = packet->link_source;
    segment->link_destination = packet->link_destination;
    segment->network = packet->network;

    gso_take_payload(job, segment, bytes);
    gso_fix_headers(job, segment, offset, last);
    return segment;
}

void tcpip__gso_segment(struct tcpip_packet *packet, struct tcpip_packet_list *out)
{
    struct gso_job job;
    ASSERT(packet->gso != TCPIP_GSO_NONE && packet->gso_size > 0 && packet->checksum == TCPIP_CHECKSUM_PARTIAL);
    if (!gso_begin(&job, packet)) {
        tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
        return;
    }
    uint32_t payload = packet->length - job.header_bytes;
    uint32_t offset = 0;
    do {
        uint32_t bytes = min_u32(payload - offset, packet->gso_size);
        struct tcpip_packet *segment = gso_make_segment(&job, offset, bytes, offset + bytes == payload);
        if (segment == NULL) {
            tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
            return;
        }
        tcpip_packet_list_push(out, segment);
        offset += bytes;
    } while (offset < payload);
    tcpip_packet_free(packet);
}

/* UDP directly behind an IP header that agrees with what the link said. Cuts off padding. */
static bool gso_split_check(struct tcpip_packet *packet)
{
    uint32_t start = packet->checksum_start, total;
    const uint8_t *ip = tcpip_packet_pull(packet, 0, TCPIP_IPV4_HEADER_MIN);
    if (ip == NULL || packet->checksum != TCPIP_CHECKSUM_PARTIAL || packet->gso_size == 0 ||
        packet->checksum_offset != TCPIP_UDP_CHECKSUM_OFFSET)
        return false;
    if (packet->link_protocol == TCPIP_PROTOCOL_IPV4) {
        if (tcpip_ipv4_version(ip) != 4 || start < TCPIP_IPV4_HEADER_MIN || start != tcpip_ipv4_header_bytes(ip) ||
            tcpip_ipv4_protocol(ip) != TCPIP_PROTOCOL_UDP || tcpip_ipv4_is_fragment(ip))
            return false;
        total = tcpip_ipv4_total_length(ip);
    } else {
        if (packet->link_protocol != TCPIP_PROTOCOL_IPV6 || tcpip_ipv6_version(ip) != 6 ||
            start != TCPIP_IPV6_HEADER_BYTES || tcpip_ipv6_next_header(ip) != TCPIP_PROTOCOL_UDP)
            return false;
        total = TCPIP_IPV6_HEADER_BYTES + (uint32_t)tcpip_ipv6_payload_length(ip);
    }
    uint32_t headers = start + TCPIP_UDP_HEADER_BYTES;
    if (total < headers || total > packet->length || total - headers > packet->gso_size * (uint32_t)GSO_DATAGRAMS_MAX)
        return false;
    tcpip_packet_cap_length(packet, total);
    return true;
}

void tcpip__gso_split(struct tcpip_packet *packet, struct tcpip_packet_list *out)
{
    if (gso_split_check(packet))
        tcpip__gso_segment(packet, out);
    else
        tcpip_packet_drop(packet, TCPIP_DROP_LINK_MALFORMED);
}

void tcpip__checksum_complete(struct tcpip_packet *packet)
{
    uint32_t start = packet->checksum_start, field = start + packet->checksum_offset;
    ASSERT(packet->checksum == TCPIP_CHECKSUM_PARTIAL && field + 2 <= packet->length);
    uint16_t sum = tcpip_packet_checksum(packet, start, packet->length - start, 0); /* the field holds its share */
    uint8_t *at = tcpip_packet_pull(packet, field, 2);
    ASSERT(at != NULL); /* headers are contiguous: nothing to allocate */
    tcpip_store_u16(at, tcpip_checksum_finish_at(sum, packet->checksum_offset));
    packet->checksum = TCPIP_CHECKSUM_NONE;
}
