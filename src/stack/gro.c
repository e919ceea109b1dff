// SPDX-License-Identifier: MIT
/* gro.c: segments of one flow in one batch become one super-segment before anybody looks at them.
 *
 * The cost of a segment is in the trip, not in its bytes; a batch of 16 consecutive segments makes one trip. The merged
 * packet is what the sender's TSO would have handed to its NIC: first headers, all payloads, gso_size the first
 * payload; so TCP counts gso_segments of them, and gso.c makes the same segments again.
 *
 * A packet may be merged only if nobody could tell:
 *     network     whole and sound: IPv4 without options, not a fragment, header checksum right; IPv6 with TCP directly
 *                 behind the header; addressed to us. Same addresses, TOS, TTL; IPv4: same DF, and identifications that
 *                 count up, unless DF is set, when they mean nothing (RFC 6864 4.1)
 *     transport   checksum verified here or by the link; flags ACK and perhaps PSH, ECE or AE, the latter two the same;
 * same ports, acknowledgment, window, and options byte by byte (so timestamps are equal) payload     not empty (pure
 * ACKs are counted one by one), in sequence; as long as the first one, or shorter, and then it is the last; PSH makes
 * it the last as well
 *
 * Any other packet of the flow ends the merging: what follows starts anew, so nothing overtakes anything. A merged
 * packet stays in the place of its first segment; other flows may move ahead of its later segments, which the network
 * could have done as well. All ends with the batch: GRO delays nothing, ever.
 *
 * The headers of a merged packet are moved to its own room, since its buffer may be shared (a capture has a reference).
 *
 * Owns:        nothing between batches.
 * Invariants:  length, total length and gso_size agree: gso_segments = ceil(payload / gso_size).
 * Not here:    cutting (gso.c), what TCP does with a merged packet (ACK counting: tcp_input.c). */
#include "stack/gro.h"

#include "base/math.h"
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/tcp.h>

enum {
    GRO_FLOWS = 8,         /* open at once; more in one batch push out the oldest. Linux has 8 per bucket */
    GRO_BYTES_MAX = 65535, /* what a total length can say */
    GRO_FLAGS = TCPIP_TCP_ACK | TCPIP_TCP_PSH | TCPIP_TCP_ECE | TCPIP_TCP_AE,
};

/* Where things are in one packet. */
struct gro_view {
    struct tcpip_packet *packet;
    const uint8_t *network, *tcp; /* contiguous */
    uint32_t network_bytes, tcp_bytes, payload_bytes;
    uint16_t flags;
    bool v4;
};

/* A packet that may grow. */
struct gro_flow {
    struct gro_view head;
    uint32_t next_sequence;
    uint16_t next_id;
    bool room_headers; /* moved to the room */
};

struct gro_table {
    struct gro_flow flows[GRO_FLOWS];
    uint32_t count;
    uint32_t next; /* to be pushed out */
};

/* ---- looking at a packet ---- */

static bool gro_parse_v4(struct gro_view *view)
{
    struct tcpip_packet *packet = view->packet;
    const uint8_t *p = tcpip_packet_pull(packet, 0, TCPIP_IPV4_HEADER_MIN + TCPIP_TCP_HEADER_MIN);
    if (p == NULL || p[0] != 0x45 || tcpip_ipv4_protocol(p) != TCPIP_PROTOCOL_TCP || tcpip_ipv4_is_fragment(p))
        return false;
    uint32_t total = tcpip_ipv4_total_length(p);
    if (total > packet->length || total < TCPIP_IPV4_HEADER_MIN + TCPIP_TCP_HEADER_MIN || !tcpip_ipv4_checksum_ok(p))
        return false;
    tcpip_packet_cap_length(packet, total); /* padding of the link */
    view->v4 = true;
    view->network_bytes = TCPIP_IPV4_HEADER_MIN;
    return true;
}

static bool gro_parse_v6(struct gro_view *view)
{
    struct tcpip_packet *packet = view->packet;
    const uint8_t *p = tcpip_packet_pull(packet, 0, TCPIP_IPV6_HEADER_BYTES + TCPIP_TCP_HEADER_MIN);
    if (p == NULL || tcpip_ipv6_version(p) != 6 || tcpip_ipv6_next_header(p) != TCPIP_PROTOCOL_TCP)
        return false;
    uint32_t total = TCPIP_IPV6_HEADER_BYTES + tcpip_ipv6_payload_length(p);
    if (total > packet->length || total < TCPIP_IPV6_HEADER_BYTES + TCPIP_TCP_HEADER_MIN)
        return false;
    tcpip_packet_cap_length(packet, total);
    view->v4 = false;
    view->network_bytes = TCPIP_IPV6_HEADER_BYTES;
    return true;
}

/* Finds the headers; false: not a TCP packet that has to do with us. */
static bool gro_parse(struct gro_view *view, struct tcpip_packet *packet)
{
    *view = (struct gro_view){.packet = packet};
    if (packet->type != TCPIP_PACKET_HOST || packet->gso != TCPIP_GSO_NONE)
        return false;
    if (packet->link_protocol == TCPIP_PROTOCOL_IPV4
            ? !gro_parse_v4(view)
            : packet->link_protocol != TCPIP_PROTOCOL_IPV6 || !gro_parse_v6(view))
        return false;
    const uint8_t *p = tcpip_packet_pull(packet, 0, view->network_bytes + TCPIP_TCP_HEADER_MIN);
    if (p == NULL)
        return false;
    view->tcp_bytes = (uint32_t)tcpip_tcp_header_bytes(p + view->network_bytes);
    uint32_t headers = view->network_bytes + view->tcp_bytes;
    if (view->tcp_bytes < TCPIP_TCP_HEADER_MIN || headers > packet->length)
        return false;
    view->network = tcpip_packet_pull(packet, 0, headers);
    if (view->network == NULL)
        return false;
    view->tcp = view->network + view->network_bytes;
    view->payload_bytes = packet->length - headers;
    view->flags = tcpip_tcp_flags(view->tcp);
    return true;
}

static bool gro_checksum_ok(const struct gro_view *view)
{
    struct tcpip_packet *packet = view->packet;
    if (packet->checksum != TCPIP_CHECKSUM_NONE)
        return true;
    uint32_t bytes = packet->length - view->network_bytes;
    uint16_t pseudo =
        view->v4 ? tcpip_checksum_pseudo_v4(tcpip_ipv4_source(view->network), tcpip_ipv4_destination(view->network),
                                            TCPIP_PROTOCOL_TCP, (uint16_t)bytes)
                 : tcpip_checksum_pseudo_v6(tcpip_ipv6_source(view->network), tcpip_ipv6_destination(view->network),
                                            TCPIP_PROTOCOL_TCP, bytes);
    if (!tcpip_checksum_ok(tcpip_packet_checksum(packet, view->network_bytes, bytes, pseudo)))
        return false;
    packet->checksum = TCPIP_CHECKSUM_VERIFIED; /* so that TCP need not sum again */
    return true;
}

/* Signed segments are checked one by one, and a forged one must not spoil its neighbour. */
static bool gro_signed(const struct gro_view *view)
{
    struct tcpip_tcp_options options;
    uint32_t ts_val, ts_ecr;
    if (view->tcp_bytes == TCPIP_TCP_HEADER_MIN ||
        tcpip_tcp_timestamps_fast(view->tcp, view->tcp_bytes, &ts_val, &ts_ecr))
        return false;
    (void)tcpip_tcp_options_parse(view->tcp, view->tcp_bytes, &options);
    return (options.present & (TCPIP_TCP_HAS_MD5 | TCPIP_TCP_HAS_AO | TCPIP_TCP_BAD_SIGNATURE)) != 0;
}

/* May it be part of a merged packet at all? The payload must lie in views: bytes in the room can't be moved. */
static bool gro_mergeable(const struct gro_view *view)
{
    const struct tcpip_packet *packet = view->packet;
    uint32_t in_room = (uint32_t)(packet->tail - packet->head);
    return view->payload_bytes > 0 && (view->flags & TCPIP_TCP_ACK) != 0 && (view->flags & ~GRO_FLAGS) == 0 &&
           in_room <= view->network_bytes + view->tcp_bytes && !gro_signed(view) && gro_checksum_ok(view);
}

/* ---- comparing two ---- */

static bool gro_same_flow(const struct gro_view *a, const struct gro_view *b)
{
    if (a->v4 != b->v4 || memcmp(a->tcp, b->tcp, 4) != 0) /* ports */
        return false;
    return a->v4 ? memcmp(a->network + 12, b->network + 12, 8) == 0 : memcmp(a->network + 8, b->network + 8, 32) == 0;
}

static bool gro_same_network(const struct gro_flow *flow, const struct gro_view *view)
{
    const uint8_t *a = flow->head.network, *b = view->network;
    if (!view->v4) /* class, label; hop limit */
        return memcmp(a, b, 4) == 0 && tcpip_ipv6_hop_limit(a) == tcpip_ipv6_hop_limit(b);
    if (tcpip_ipv4_tos(a) != tcpip_ipv4_tos(b) || tcpip_ipv4_ttl(a) != tcpip_ipv4_ttl(b) ||
        tcpip_ipv4_flags(a) != tcpip_ipv4_flags(b))
        return false;
    return (tcpip_ipv4_flags(a) & TCPIP_IPV4_DONT_FRAGMENT) != 0 || tcpip_ipv4_id(b) == flow->next_id;
}

/* Is `view` what the flow's packet would have gone on with? */
static bool gro_continues(const struct gro_flow *flow, const struct gro_view *view)
{
    const struct gro_view *head = &flow->head;
    return tcpip_tcp_sequence(view->tcp) == flow->next_sequence &&
           ((head->flags ^ view->flags) & ~TCPIP_TCP_PSH) == 0 && head->tcp_bytes == view->tcp_bytes &&
           tcpip_tcp_acknowledgment(head->tcp) == tcpip_tcp_acknowledgment(view->tcp) &&
           tcpip_tcp_window(head->tcp) == tcpip_tcp_window(view->tcp) &&
           tcpip_tcp_urgent(head->tcp) == tcpip_tcp_urgent(view->tcp) &&
           memcmp(head->tcp + TCPIP_TCP_HEADER_MIN, view->tcp + TCPIP_TCP_HEADER_MIN,
                  head->tcp_bytes - TCPIP_TCP_HEADER_MIN) == 0 &&
           gro_same_network(flow, view);
}

static bool gro_fits(const struct gro_flow *flow, const struct gro_view *view)
{
    const struct tcpip_packet *head = flow->head.packet;
    uint32_t payload_max = head->gso_size != 0 ? head->gso_size : flow->head.payload_bytes;
    uint32_t limit = GRO_BYTES_MAX + (flow->head.v4 ? 0 : TCPIP_IPV6_HEADER_BYTES);
    /* Moving headers out of the way may leave one view fewer, never more. */
    return view->payload_bytes <= payload_max && head->length + view->payload_bytes <= limit &&
           head->view_count + view->packet->view_count <= TCPIP_PACKET_VIEWS && head->gso_segments < UINT16_MAX;
}

/* ---- merging ---- */

/* Headers to the room, views to the payload only. */
static void gro_headers_to_room(struct gro_flow *flow)
{
    struct tcpip_packet *packet = flow->head.packet;
    uint32_t bytes = flow->head.network_bytes + flow->head.tcp_bytes;
    uint8_t headers[TCPIP_IPV6_HEADER_BYTES + TCPIP_TCP_HEADER_MAX];
    memcpy(headers, flow->head.network, bytes);
    tcpip_packet_trim_front(packet, bytes);
    packet->head = packet->tail = TCPIP_PACKET_ROOM;
    uint8_t *room = tcpip_packet_push(packet, bytes);
    memcpy(room, headers, bytes);
    flow->head.network = room;
    flow->head.tcp = room + flow->head.network_bytes;
    flow->room_headers = true;
}

static void gro_merge(struct gro_flow *flow, const struct gro_view *view)
{
    struct tcpip_packet *packet = flow->head.packet, *from = view->packet;
    if (!flow->room_headers) {
        packet->gso = flow->head.v4 ? TCPIP_GSO_TCPV4 : TCPIP_GSO_TCPV6;
        packet->gso_size = (uint16_t)flow->head.payload_bytes;
        packet->gso_segments = 1;
        packet->checksum = TCPIP_CHECKSUM_VERIFIED;
        gro_headers_to_room(flow);
    }
    uint8_t *network = packet->room + packet->head, *tcp = network + flow->head.network_bytes;
    flow->next_sequence += view->payload_bytes;
    flow->next_id = (uint16_t)(flow->next_id + 1);
    tcpip_tcp_set_flags(tcp, tcpip_tcp_flags(tcp) | (view->flags & TCPIP_TCP_PSH));

    tcpip_packet_trim_front(from, view->network_bytes + view->tcp_bytes);
    for (uint32_t i = 0; i < from->view_count; i++) {
        bool appended = tcpip_packet_append_view(packet, from->views[i]);
        ASSERT(appended); /* gro_fits */
    }
    from->view_count = 0; /* the references moved */
    tcpip_packet_free(from);
    packet->gso_segments++;
    if (flow->head.v4)
        tcpip_ipv4_update_total_length(network, (uint16_t)packet->length);
    else
        tcpip_ipv6_set_payload_length(network, (uint16_t)(packet->length - TCPIP_IPV6_HEADER_BYTES));
}

/* ---- the table of open packets ---- */

static struct gro_flow *gro_find(struct gro_table *table, const struct gro_view *view)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (table->flows[i].head.packet != NULL && gro_same_flow(&table->flows[i].head, view))
            return &table->flows[i];
    return NULL;
}

static void gro_open(struct gro_table *table, const struct gro_view *view)
{
    struct gro_flow *flow = NULL;
    for (uint32_t i = 0; i < table->count && flow == NULL; i++)
        if (table->flows[i].head.packet == NULL)
            flow = &table->flows[i];
    if (flow == NULL && table->count < GRO_FLOWS)
        flow = &table->flows[table->count++];
    if (flow == NULL)
        flow = &table->flows[table->next++ % GRO_FLOWS];
    *flow = (struct gro_flow){
        .head = *view,
        .next_sequence = tcpip_tcp_sequence(view->tcp) + view->payload_bytes,
        .next_id = view->v4 ? (uint16_t)(tcpip_ipv4_id(view->network) + 1) : 0,
    };
}

/* True: the packet went into another. */
static bool gro_take(struct gro_table *table, struct tcpip_packet *packet)
{
    struct gro_view view;
    if (!gro_parse(&view, packet))
        return false;
    struct gro_flow *flow = gro_find(table, &view);
    bool mergeable = gro_mergeable(&view);
    bool last = (view.flags & TCPIP_TCP_PSH) != 0;
    if (flow != NULL && mergeable && gro_continues(flow, &view) && gro_fits(flow, &view)) {
        uint32_t full = flow->head.packet->gso_size != 0 ? flow->head.packet->gso_size : flow->head.payload_bytes;
        last |= view.payload_bytes < full;
        gro_merge(flow, &view);
        if (last)
            flow->head.packet = NULL;
        return true;
    }
    if (flow != NULL)
        flow->head.packet = NULL;
    if (mergeable && !last)
        gro_open(table, &view);
    return false;
}

uint32_t tcpip__gro_batch(struct tcpip_packet_list *packets)
{
    struct gro_table table;
    struct tcpip_packet_list out = tcpip_packet_list_init();
    uint32_t merged = 0;
    table.count = table.next = 0;
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(packets)) != NULL;) {
        if (gro_take(&table, packet))
            merged++;
        else
            tcpip_packet_list_push(&out, packet);
    }
    *packets = out;
    return merged;
}
