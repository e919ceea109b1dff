// SPDX-License-Identifier: MIT
/* ethernet.c: Ethernet II framing around a link that carries frames.
 *
 * Out: 14 bytes are pushed in front of each packet, to link_destination and from our own address, and whatever offsets
 * the packet carries move with them. In: the frame's header is checked, noted in the packet and taken off; frames for
 * other stations are lost unless the link is promiscuous. Multicast isn't filtered here: which groups are joined is
 * known above, and asked there anyway.
 *
 * Of 802.1Q only the priority tag (VLAN 0) is understood, which says nothing about where a frame belongs (802.1Q 6.9);
 * frames of a VLAN are handed up with the tag's EtherType, where no protocol wants them.
 *
 * Not here:    who has which address (stack/neighbor), padding to 60 bytes (the adapter's), the bytes
 * (header/ethernet).
 */
#include "base/assert.h"
#include "link/wrap.h"

#include <string.h>
#include <tcpip/header/ethernet.h>

enum {
    VLAN_ID_MASK = 0x0fff,
    FRAME_HEADER = TCPIP_ETHERNET_HEADER_MIN,
    FRAME_HEADER_TAGGED = TCPIP_ETHERNET_HEADER_MIN + TCPIP_ETHERNET_TAG_BYTES,
};

struct ethernet {
    struct wrap wrap;
    struct tcpip_link_address address;
    bool promiscuous;
};

static struct ethernet *ethernet_of(struct tcpip_link *link)
{
    return container_of(link, struct ethernet, wrap.link);
}

static void ethernet_capabilities(struct tcpip_link *link, struct tcpip_link_capabilities *out)
{
    struct ethernet *ethernet = ethernet_of(link);
    ethernet->wrap.lower->ops->capabilities(ethernet->wrap.lower, out);
    out->flags |= TCPIP_LINK_RESOLUTION | TCPIP_LINK_MULTICAST;
    out->header_room = (uint16_t)(out->header_room + FRAME_HEADER);
    out->gso_max_bytes = out->gso_max_bytes > FRAME_HEADER ? out->gso_max_bytes - FRAME_HEADER : 0;
    out->address = ethernet->address;
}

/* ---- out ---- */

/* False: no room in front, which what is above was told to leave. */
static bool frame_push(const struct ethernet *ethernet, struct tcpip_packet *packet)
{
    uint8_t *header = tcpip_packet_push(packet, FRAME_HEADER);
    if (header == NULL)
        return false;
    memcpy(packet->link_source.bytes, ethernet->address.bytes, sizeof(packet->link_source.bytes));
    tcpip_ethernet_encode(header, &(struct tcpip_ethernet_fields){
                                      .destination = packet->link_destination.bytes,
                                      .source = packet->link_source.bytes,
                                      .type = packet->link_protocol,
                                  });
    packet->network_offset = (uint16_t)(packet->network_offset + FRAME_HEADER);
    packet->transport_offset = (uint16_t)(packet->transport_offset + FRAME_HEADER);
    packet->payload_offset = (uint16_t)(packet->payload_offset + FRAME_HEADER);
    if (packet->checksum == TCPIP_CHECKSUM_PARTIAL)
        packet->checksum_start = (uint16_t)(packet->checksum_start + FRAME_HEADER);
    return true;
}

static size_t ethernet_transmit(struct tcpip_link *link, struct tcpip_packet_list *packets)
{
    struct ethernet *ethernet = ethernet_of(link);
    size_t offered = packets->count;
    while (packets->count > 0 && wrap_ready(&ethernet->wrap)) {
        struct tcpip_packet_list frames = tcpip_packet_list_init();
        while (packets->count > 0 && frames.count < WRAP_BATCH) {
            struct tcpip_packet *packet = tcpip_packet_list_pop(packets);
            if (frame_push(ethernet, packet))
                tcpip_packet_list_push(&frames, packet);
            else
                tcpip_packet_drop(packet, TCPIP_DROP_LINK_ERROR);
        }
        tcpip__wrap_send(&ethernet->wrap, &frames);
    }
    return offered - packets->count;
}

/* ---- in ---- */

/* Bytes of the link header of a good frame, its type in *type; 0: malformed. */
static uint32_t frame_parse(struct tcpip_packet *packet, const uint8_t **header, uint16_t *type)
{
    const uint8_t *p = tcpip_packet_pull(packet, 0, FRAME_HEADER);
    /* A group can't send: a neighbour entry with such an address would make us send to all. */
    if (p == NULL || !tcpip_ethernet_header_check(p, FRAME_HEADER) ||
        tcpip_ethernet_address_is_group(tcpip_ethernet_source(p)))
        return 0;
    *header = p;
    *type = tcpip_ethernet_type(p);
    if (*type != TCPIP_ETHERNET_TYPE_VLAN)
        return FRAME_HEADER;
    p = tcpip_packet_pull(packet, 0, FRAME_HEADER_TAGGED);
    if (p == NULL)
        return 0;
    *header = p;
    if ((tcpip_load_u16(p + FRAME_HEADER) & VLAN_ID_MASK) != 0)
        return FRAME_HEADER;
    *type = tcpip_load_u16(p + FRAME_HEADER + 2);
    return *type >= TCPIP_ETHERNET_TYPE_MIN ? FRAME_HEADER_TAGGED : 0;
}

static enum tcpip_packet_type frame_type(const struct ethernet *ethernet, const uint8_t *destination)
{
    if (memcmp(destination, ethernet->address.bytes, TCPIP_ETHERNET_ADDRESS_BYTES) == 0)
        return TCPIP_PACKET_HOST;
    if (tcpip_ethernet_address_is_broadcast(destination))
        return TCPIP_PACKET_BROADCAST;
    return tcpip_ethernet_address_is_group(destination) ? TCPIP_PACKET_MULTICAST : TCPIP_PACKET_OTHER_HOST;
}

/* Takes the link header off. False: lost, for *reason. */
static bool frame_pull(const struct ethernet *ethernet, struct tcpip_packet *packet, enum tcpip_drop *reason)
{
    const uint8_t *header;
    uint16_t type;
    uint32_t header_bytes = frame_parse(packet, &header, &type);
    *reason = TCPIP_DROP_LINK_MALFORMED;
    if (header_bytes == 0)
        return false;
    packet->type = (uint8_t)frame_type(ethernet, tcpip_ethernet_destination(header));
    *reason = TCPIP_DROP_LINK_OTHER_HOST;
    if (packet->type == TCPIP_PACKET_OTHER_HOST && !ethernet->promiscuous)
        return false;
    memcpy(packet->link_destination.bytes, tcpip_ethernet_destination(header), sizeof(packet->link_destination.bytes));
    memcpy(packet->link_source.bytes, tcpip_ethernet_source(header), sizeof(packet->link_source.bytes));
    packet->link_protocol = type;
    if (packet->checksum == TCPIP_CHECKSUM_PARTIAL) {
        *reason = TCPIP_DROP_LINK_MALFORMED;
        if (packet->checksum_start < header_bytes)
            return false;
        packet->checksum_start = (uint16_t)(packet->checksum_start - header_bytes);
    }
    tcpip_packet_trim_front(packet, header_bytes);
    return true;
}

static void ethernet_deliver(struct tcpip_link_upper *below, struct tcpip_packet_list *packets)
{
    struct ethernet *ethernet = container_of(below, struct ethernet, wrap.below);
    struct tcpip_packet_list up = tcpip_packet_list_init();
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(packets)) != NULL;) {
        enum tcpip_drop reason;
        if (frame_pull(ethernet, packet, &reason))
            tcpip_packet_list_push(&up, packet);
        else
            tcpip_packet_drop(packet, reason);
    }
    if (up.count > 0)
        tcpip_link_deliver(&ethernet->wrap.link, &up);
}

static const struct tcpip_link_ops ethernet_ops = {
    .name = "ethernet",
    .capabilities = ethernet_capabilities,
    .attach = tcpip__wrap_attach,
    .detach = tcpip__wrap_detach,
    .transmit = ethernet_transmit,
};

struct tcpip_link *tcpip_ethernet_new(const struct tcpip_env *env, struct tcpip_link *lower,
                                      struct tcpip_link_address address)
{
    ASSERT_ENV(env, address.len == TCPIP_ETHERNET_ADDRESS_BYTES && tcpip_ethernet_address_is_unicast(address.bytes));
    struct ethernet *ethernet = tcpip__link_alloc(env, sizeof(*ethernet));
    if (ethernet == NULL)
        return NULL;
    tcpip__wrap_init(&ethernet->wrap, env, &ethernet_ops, lower, ethernet_deliver);
    ethernet->address = address;
    return &ethernet->wrap.link;
}

void tcpip_ethernet_free(struct tcpip_link *link)
{
    struct ethernet *ethernet = ethernet_of(link);
    ASSERT_ENV(&ethernet->wrap.env, link->stack == NULL);
    tcpip__link_free(&ethernet->wrap.env, ethernet, sizeof(*ethernet));
}

void tcpip_ethernet_set_promiscuous(struct tcpip_link *link, bool on)
{
    ethernet_of(link)->promiscuous = on;
}
