// SPDX-License-Identifier: MIT
/* datagram_save.c: a datagram endpoint, saved and restored: where it is, its options and groups, and what waits in it.
 *
 * A datagram that was received is saved as it waits: with its transport header, and what the network layer learned of
 * it. The way that was found last is found again.
 *
 * Owns:     nothing.
 * Not here: the envelope (stack/save.c). */
#include "base/archive.h"
#include "ports/ports.h"
#include "stack/save.h"
#include "transport/datagram.h"

#include <string.h>

enum datagram_part {
    DATAGRAM_PART_IDENTITY = 1,
    DATAGRAM_PART_OPTIONS,
    DATAGRAM_PART_GROUPS,
    DATAGRAM_PART_QUEUE,
    DATAGRAM_PART_ERRORS,
};

static void dgram_identity(struct archive *archive, struct datagram_endpoint *ep, struct tcpip_port_key *key,
                           bool *bound, bool *connected)
{
    tcpip__archive_bytes(archive, key->address, 16);
    archive_u16(archive, &key->port);
    archive_u32(archive, &key->nic);
    archive_u32(archive, &key->flags);
    tcpip__archive_bytes(archive, ep->local, 16);
    tcpip__flow_archive(archive, &ep->entry.flow);
    archive_bool(archive, bound);
    archive_bool(archive, &ep->port_locked);
    archive_bool(archive, &ep->any_v4);
    archive_bool(archive, &ep->speaks);
    archive_bool(archive, connected);
    archive_bool(archive, &ep->shut_read);
    archive_bool(archive, &ep->shut_write);
    archive_u8(archive, &ep->error, TCPIP_ERROR_COUNT - 1);
    archive_u32(archive, &ep->stamped);
    archive_u32(archive, &ep->receive_buffer_bytes);
    archive_u32(archive, &ep->send_buffer_bytes);
    key->transport = ep->ops->transport;
    archive_require(archive, key->flags < 2 * TCPIP_PORT_CONNECTION && (key->port != 0 || !*bound));
    const struct flow *flow = &ep->entry.flow;
    archive_require(archive, !*connected || (*bound && address_is_v4(flow->local) == address_is_v4(flow->remote) &&
                                             !address_is_zero(flow->remote)));
}

/* ---- saving ---- */

static void dgram_save_groups(struct archive *archive, struct datagram_endpoint *ep)
{
    list_for_each(node, &ep->groups)
    {
        struct datagram_group *group = list_entry(node, struct datagram_group, node);
        archive_u32(archive, &group->nic);
        tcpip__archive_bytes(archive, group->bytes, 16);
    }
}

static void dgram_packet_fields(struct archive *archive, struct tcpip_packet *packet, uint32_t *length)
{
    tcpip__archive_instant(archive, &packet->at);
    archive_u32(archive, &packet->hash);
    archive_u16(archive, &packet->gso_size);
    tcpip__archive_bytes(archive, packet->network.source, 16);
    tcpip__archive_bytes(archive, packet->network.destination, 16);
    archive_u16(archive, &packet->network.protocol);
    archive_u8(archive, &packet->network.transport, UINT8_MAX);
    archive_u8(archive, &packet->network.ttl, UINT8_MAX);
    archive_u8(archive, &packet->network.tos, UINT8_MAX);
    archive_u8(archive, &packet->network.local, DESTINATION_MULTICAST);
    archive_u32(archive, length);
}

static void dgram_save_queue(struct archive *archive, struct datagram_endpoint *ep)
{
    for (struct tcpip_packet *packet = ep->queue.head; packet != NULL; packet = packet->next) {
        uint32_t length = packet->length;
        dgram_packet_fields(archive, packet, &length);
        tcpip__archive_put(archive, packet->room + packet->head, (size_t)(packet->tail - packet->head));
        for (uint32_t i = 0; i < packet->view_count; i++)
            tcpip__archive_put(archive, tcpip_view_data(&packet->views[i]), packet->views[i].length);
    }
}

void tcpip__datagram_save(struct tcpip_endpoint *endpoint, struct archive *archive, bool alone)
{
    struct datagram_endpoint *ep = datagram_of(endpoint);
    struct archive_section section;
    bool bound = ep->bound, connected = ep->connected;
    struct tcpip_port_key key = ep->port_key;
    (void)alone;
    tcpip__archive_begin(archive, &section, DATAGRAM_PART_IDENTITY, 1);
    dgram_identity(archive, ep, &key, &bound, &connected);
    tcpip__archive_end(archive, &section);
    if (ep->options != NULL) {
        tcpip__archive_begin(archive, &section, DATAGRAM_PART_OPTIONS, 1);
        tcpip__option_block_archive(archive, endpoint->stack, &ep->options);
        tcpip__archive_end(archive, &section);
    }
    tcpip__archive_begin(archive, &section, DATAGRAM_PART_GROUPS, 1);
    dgram_save_groups(archive, ep);
    tcpip__archive_end(archive, &section);
    tcpip__archive_begin(archive, &section, DATAGRAM_PART_QUEUE, 1);
    dgram_save_queue(archive, ep);
    tcpip__archive_end(archive, &section);
    if (endpoint->errors != NULL) {
        tcpip__archive_begin(archive, &section, DATAGRAM_PART_ERRORS, 1);
        tcpip__error_queue_archive(archive, endpoint);
        tcpip__archive_end(archive, &section);
    }
}

/* ---- restoring ---- */

/* A group whose NIC is gone is left, as it would have been. */
static void dgram_restore_group(struct archive *archive, struct datagram_endpoint *ep)
{
    uint32_t nic = 0;
    uint8_t bytes[16];
    archive_u32(archive, &nic);
    tcpip__archive_bytes(archive, bytes, sizeof(bytes));
    archive_require(archive, nic != 0);
    if (!archive_ok(archive))
        return;
    struct tcpip_address group = address_public(bytes);
    enum tcpip_error error = tcpip__datagram_group(&ep->base, nic, &group, true);
    if (error != TCPIP_OK && error != TCPIP_ERR_UNKNOWN_NIC_ID)
        tcpip__archive_fail(archive, error);
}

static void dgram_restore_packet(struct archive *archive, struct datagram_endpoint *ep)
{
    struct tcpip_packet read;
    uint32_t length = 0;
    memset(&read, 0, sizeof(read));
    dgram_packet_fields(archive, &read, &length);
    archive_require(archive, length >= DATAGRAM_HEADER_BYTES && length <= TCPIP_PACKET_BYTES_MAX);
    archive_require(archive, read.network.protocol ==
                                 (address_is_v4(read.network.source) ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6));
    const uint8_t *data = tcpip__archive_take(archive, length);
    if (data == NULL)
        return;
    struct tcpip_packet *packet = tcpip_packet_new(ep->base.stack);
    enum tcpip_error error = packet != NULL ? tcpip_packet_append(packet, data, length) : TCPIP_ERR_NO_MEMORY;
    if (error != TCPIP_OK) {
        if (packet != NULL)
            tcpip_packet_free(packet);
        tcpip__archive_fail(archive, error);
        return;
    }
    packet->at = read.at;
    packet->hash = read.hash;
    packet->gso_size = read.gso_size;
    packet->network = read.network;
    packet->network.upper_bytes = length;
    packet->payload_offset = DATAGRAM_HEADER_BYTES;
    tcpip__datagram_requeue(ep, packet);
}

static void dgram_restore_part(struct archive *archive, struct datagram_endpoint *ep, uint16_t tag)
{
    switch (tag) {
    case DATAGRAM_PART_OPTIONS:
        tcpip__option_block_archive(archive, ep->base.stack, &ep->options);
        break;
    case DATAGRAM_PART_GROUPS:
        while (archive_ok(archive) && archive_left(archive) > 0)
            dgram_restore_group(archive, ep);
        break;
    case DATAGRAM_PART_QUEUE:
        while (archive_ok(archive) && archive_left(archive) > 0)
            dgram_restore_packet(archive, ep);
        break;
    default:
        tcpip__error_queue_archive(archive, &ep->base);
        break;
    }
}

/* In a stack that has others a port must be free, or shared as when it was bound. */
static enum tcpip_error dgram_restore_place(struct datagram_endpoint *ep, const struct tcpip_port_key *key,
                                            bool connected, bool alone)
{
    struct tcpip_port_manager *ports = ep->base.stack->ports;
    enum tcpip_error error = TCPIP_OK;
    ep->port_key = *key;
    if (alone)
        error = tcpip_port_manager_reserve(ports, &ep->port_key);
    else if (!tcpip__port_manager_hold(ports, &ep->port_key))
        error = TCPIP_ERR_NO_MEMORY;
    if (error != TCPIP_OK)
        return error;
    ep->bound = true;
    ep->connected = connected;
    return tcpip__datagram_attach(ep);
}

enum tcpip_error tcpip__datagram_restore(struct tcpip_stack *stack, const struct datagram_ops *ops, uint32_t network,
                                         struct archive *archive, const struct restore_how *how,
                                         struct tcpip_endpoint **out)
{
    struct tcpip_endpoint *endpoint;
    struct archive_section section;
    struct tcpip_port_key key = {0};
    bool bound = false, connected = false;
    uint32_t before = 0;
    if (!how->open || how->listener != NULL)
        return TCPIP_ERR_MALFORMED_HEADER;
    enum tcpip_error error = tcpip__datagram_new(stack, ops, network, &endpoint);
    if (error != TCPIP_OK)
        return error;
    struct datagram_endpoint *ep = datagram_of(endpoint);
    while (tcpip__archive_next(archive, &section)) {
        uint32_t place = section.tag & ~ARCHIVE_CRITICAL;
        archive_require(archive, place > before && (before != 0) == (section.tag != DATAGRAM_PART_IDENTITY));
        before = place;
        if (section.tag == DATAGRAM_PART_IDENTITY)
            dgram_identity(archive, ep, &key, &bound, &connected);
        else if (section.tag <= DATAGRAM_PART_ERRORS && archive_ok(archive))
            dgram_restore_part(archive, ep, section.tag);
        else if (archive_ok(archive))
            tcpip__archive_unknown(archive, &section);
        tcpip__archive_end(archive, &section);
    }
    archive_require(archive, before != 0);
    error = archive->error;
    if (error == TCPIP_OK && bound)
        error = dgram_restore_place(ep, &key, connected, how->alone);
    if (error != TCPIP_OK) {
        tcpip__endpoint_detach(endpoint);
        endpoint->ops->close(endpoint); /* leaves its groups */
        return error;
    }
    *out = endpoint;
    return TCPIP_OK;
}
