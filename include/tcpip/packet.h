// SPDX-License-Identifier: MIT
/* packet.h: a packet, for drivers and protocols.
 *
 * A packet is header room followed by views. Its bytes are room[head..tail) and then the views in order; `length` is
 * their sum. Headers are pushed in front into the room on the way out. On the way in nothing is trimmed but the link
 * header: a protocol notes where its header starts (offsets from the packet's first byte), so that whoever is told of a
 * packet late (ICMP errors, captures, forwarding) still has it whole. A packet has one owner; it holds a reference on
 * each view's buffer. */
#ifndef TCPIP_PACKET_H
#define TCPIP_PACKET_H

#include <tcpip/base.h>
#include <tcpip/buffer.h>
#include <tcpip/error.h>
#include <tcpip/trace.h>

TCPIP_BEGIN_DECLS

#define TCPIP_PACKET_ROOM 192u        /* Ethernet 14 + IPv4 60 + TCP 60, and as much again for tunnels */
#define TCPIP_PACKET_VIEWS 18u        /* 64 KB in 4 KB pages, unaligned, and one for padding */
#define TCPIP_PACKET_BYTES_MAX 65550u /* an IPv4 packet and an Ethernet header */

struct tcpip_nic;
struct tcpip_packet_pool; /* opaque: the stack's packets */

enum tcpip_gso {
    TCPIP_GSO_NONE,
    TCPIP_GSO_TCPV4,
    TCPIP_GSO_TCPV6,
    TCPIP_GSO_UDP, /* UDP_SEGMENT, both families */
};

enum tcpip_checksum_state {
    TCPIP_CHECKSUM_NONE, /* out: complete. in: not looked at */
    /* The field at checksum_start + checksum_offset holds the pseudo-header's sum; the rest, from checksum_start on, is
     * to be added. In: from a peer on this machine, nothing to verify. */
    TCPIP_CHECKSUM_PARTIAL,
    TCPIP_CHECKSUM_VERIFIED, /* in: the link has verified the transport checksum */
};

/* By link-layer destination. */
enum tcpip_packet_type {
    TCPIP_PACKET_HOST,
    TCPIP_PACKET_BROADCAST,
    TCPIP_PACKET_MULTICAST,
    TCPIP_PACKET_OTHER_HOST,
    TCPIP_PACKET_OUTGOING,
};

/* What the network layer has learned of an inbound packet; addresses as 16 bytes, IPv4 mapped. */
struct tcpip_packet_network {
    uint8_t source[16], destination[16];
    uint32_t upper_bytes; /* transport header and payload, padding of the link cut off */
    uint16_t protocol;    /* TCPIP_PROTOCOL_IPV4 or _IPV6 */
    uint8_t transport;    /* IP protocol number */
    uint8_t ttl, tos;
    bool was_fragmented;
    uint8_t local; /* enum tcpip_destination_kind of stack internals: unicast, broadcast, multicast */
};

struct tcpip_packet {
    struct tcpip_packet *next; /* in a tcpip_packet_list */
    struct tcpip_packet_pool *pool;
    struct tcpip_nic *nic; /* in: where from; out: where to */
    tcpip_ns at;           /* in: arrival. out: not before (0: at once) */
    uint32_t length;
    uint16_t head, tail;                                       /* used part of room */
    uint16_t network_offset, transport_offset, payload_offset; /* from the packet's first byte */
    uint16_t link_protocol;                                    /* EtherType */
    uint16_t gso_size;                                         /* payload bytes per segment; 0: none */
    uint16_t gso_segments;
    uint16_t checksum_start, checksum_offset; /* start from the packet's first byte, offset from start */
    uint8_t gso;                              /* enum tcpip_gso */
    uint8_t checksum;                         /* enum tcpip_checksum_state */
    uint8_t type;                             /* enum tcpip_packet_type */
    uint8_t view_count;
    uint32_t hash, mark;
    struct tcpip_link_address_bytes {
        uint8_t bytes[6];
    } link_source, link_destination; /* Ethernet links */
    struct tcpip_packet_network network;
    struct tcpip_view views[TCPIP_PACKET_VIEWS];
    uint8_t room[TCPIP_PACKET_ROOM];
};

/* A batch; keeps order. */
struct tcpip_packet_list {
    struct tcpip_packet *head, *tail;
    uint32_t count;
};

/* Empty. */
static inline struct tcpip_packet_list tcpip_packet_list_init(void)
{
    struct tcpip_packet_list list = {NULL, NULL, 0};
    return list;
}

/* Puts a packet at the end; it is the list's. */
static inline void tcpip_packet_list_push(struct tcpip_packet_list *list, struct tcpip_packet *packet)
{
    packet->next = NULL;
    if (list->tail != NULL)
        list->tail->next = packet;
    else
        list->head = packet;
    list->tail = packet;
    list->count++;
}

/* Takes the first packet out; NULL: the list is empty. */
static inline struct tcpip_packet *tcpip_packet_list_pop(struct tcpip_packet_list *list)
{
    struct tcpip_packet *packet = list->head;
    if (packet == NULL)
        return NULL;
    list->head = packet->next;
    if (list->head == NULL)
        list->tail = NULL;
    list->count--;
    packet->next = NULL;
    return packet;
}

/* Moves all of `from` to the end of `list`. */
TCPIP_API void tcpip_packet_list_append(struct tcpip_packet_list *list, struct tcpip_packet_list *from);

/* An empty packet: no views, head == tail == TCPIP_PACKET_ROOM. NULL when the stack's memory is used up. */
TCPIP_API struct tcpip_packet *tcpip_packet_new(struct tcpip_stack *stack);
/* Frees without counting: for packets that were sent or consumed. Losing one goes through tcpip_packet_drop. */
TCPIP_API void tcpip_packet_free(struct tcpip_packet *packet);
/* Frees all of them, without counting. */
TCPIP_API void tcpip_packet_list_free(struct tcpip_packet_list *list);
/* Loses a packet: counts the reason, traces, frees. `stack` may be found through the packet's pool. */
TCPIP_API void tcpip_packet_drop(struct tcpip_packet *packet, enum tcpip_drop reason);

/* Header room: `count` more bytes in front; NULL when there is no room. */
static inline uint8_t *tcpip_packet_push(struct tcpip_packet *packet, uint32_t count)
{
    if (count > packet->head)
        return NULL;
    packet->head = (uint16_t)(packet->head - count);
    packet->length += count;
    return packet->room + packet->head;
}

/* Appends a view and takes over the caller's reference on its buffer. False when the packet's views are full (the
 * reference stays the caller's). */
static inline bool tcpip_packet_append_view(struct tcpip_packet *packet, struct tcpip_view view)
{
    if (packet->view_count == TCPIP_PACKET_VIEWS)
        return false;
    packet->views[packet->view_count++] = view;
    packet->length += view.length;
    return true;
}

/* Copies `size` bytes to the packet's end into new buffers. NO_MEMORY, or MESSAGE_TOO_LONG past the views' capacity:
 * packet as before. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_packet_append(struct tcpip_packet *packet, const void *data,
                                                              size_t size);
/* The `count` contiguous bytes at `offset`, to be read in place; makes them contiguous first if they aren't. NULL when
 * the packet is shorter or memory is out. Pointers from earlier calls become invalid. Written through only by who knows
 * that no clone shares the buffer. */
TCPIP_API uint8_t *tcpip_packet_pull_slow(struct tcpip_packet *packet, uint32_t offset, uint32_t count);

/* tcpip_packet_pull_slow, quick where the bytes lie together already. */
static inline uint8_t *tcpip_packet_pull(struct tcpip_packet *packet, uint32_t offset, uint32_t count)
{
    uint32_t in_room = (uint32_t)(packet->tail - packet->head);
    if (count <= in_room && offset <= in_room - count)
        return packet->room + packet->head + offset;
    if (offset >= in_room && packet->view_count > 0 && count <= packet->views[0].length &&
        offset - in_room <= packet->views[0].length - count)
        return packet->views[0].buffer->data + packet->views[0].offset + (offset - in_room);
    return tcpip_packet_pull_slow(packet, offset, count);
}

/* Removes `count` bytes in front (count <= length). Offsets noted before become invalid. */
TCPIP_API void tcpip_packet_trim_front(struct tcpip_packet *packet, uint32_t count);
/* Cuts the packet to `length` bytes from its front; nothing if it is shorter. */
TCPIP_API void tcpip_packet_cap_length(struct tcpip_packet *packet, uint32_t length);
/* Copies up to `size` bytes from `offset` on; returns how many. */
TCPIP_API size_t tcpip_packet_copy_out(const struct tcpip_packet *packet, uint32_t offset, void *out, size_t size);
/* The one's complement sum (not inverted) over `count` bytes from `offset` on, all within the packet, continuing
 * `initial`. */
TCPIP_API uint16_t tcpip_packet_checksum(const struct tcpip_packet *packet, uint32_t offset, uint32_t count,
                                         uint16_t initial);
/* A second packet with the same bytes and marks: room copied, views shared. NULL: out of memory. */
TCPIP_API struct tcpip_packet *tcpip_packet_clone(const struct tcpip_packet *packet);
/* A second packet with the same bytes and marks, in storage of `stack`: nothing shared, all bytes contiguous (those of
 * a small packet in its room). `nic` is kept within one stack only. NULL: out of memory. */
TCPIP_API struct tcpip_packet *tcpip_packet_copy(struct tcpip_stack *stack, const struct tcpip_packet *packet);

TCPIP_END_DECLS

#endif
