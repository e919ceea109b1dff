// SPDX-License-Identifier: MIT
/* datagram_receive.c: from a packet to the reader.
 *
 * A datagram waits as the packet it came in, cut to its transport header and data: nothing is copied until it is read,
 * and read_views lends the very buffers. Two are copied when they come in: a small datagram in a large buffer, which
 * would pin much memory for few bytes, and one in memory that the link wants back.
 *
 * The receive buffer counts true size: what the datagram keeps allocated, not what it carries, or empty datagrams would
 * be free. A datagram is refused when those that wait fill the buffer; the only one that waits is never too large, or
 * some could never be received.
 *
 * Owns:        queue, queue_bytes.
 * Invariants:  a queued packet starts with its transport header; its nic is NULL, and the NIC's id is in `hash` (the
 *              NIC may be gone before the reader comes); queue_bytes is the sum of the true sizes.
 * Not here:    whose a datagram is (udp.c, ping.c). */
#include "transport/datagram.h"

enum {
    DATAGRAM_WASTE_MAX = 1024, /* bytes of storage beyond twice the data that a datagram may pin */
};

/* ---- in ---- */

static uint32_t dgram_true_bytes(const struct tcpip_packet *packet)
{
    uint32_t bytes = sizeof(*packet);
    for (uint32_t i = 0; i < packet->view_count; i++)
        bytes = sat_add_u32(bytes, packet->views[i].buffer->true_bytes);
    return bytes;
}

static bool dgram_worth_copying(const struct tcpip_packet *packet)
{
    uint64_t pinned = 0;
    for (uint32_t i = 0; i < packet->view_count; i++) {
        if (packet->views[i].buffer->lent)
            return true;
        pinned += packet->views[i].buffer->true_bytes;
    }
    return pinned > 2 * (uint64_t)packet->length + DATAGRAM_WASTE_MAX;
}

static void dgram_refuse(struct datagram_endpoint *ep, struct tcpip_packet *packet, enum tcpip_drop reason)
{
    if (ep->ops->transport == TCPIP_PROTOCOL_UDP)
        ep->base.stack->stats.udp.receive_buffer_errors++;
    tcpip_packet_drop(packet, reason);
}

void tcpip__datagram_receive(struct datagram_endpoint *ep, struct tcpip_packet *packet)
{
    uint32_t nic = packet->nic->id;
    if (ep->queue_bytes >= ep->receive_buffer_bytes) {
        dgram_refuse(ep, packet, ep->ops->drop_full);
        return;
    }
    tcpip_packet_trim_front(packet, packet->transport_offset);
    packet->network_offset = packet->transport_offset = 0;
    if (dgram_worth_copying(packet)) {
        struct tcpip_packet *copy = tcpip_packet_copy(ep->base.stack, packet);
        if (copy == NULL) {
            dgram_refuse(ep, packet, TCPIP_DROP_NO_MEMORY);
            return;
        }
        tcpip_packet_free(packet);
        packet = copy;
    }
    uint32_t bytes = dgram_true_bytes(packet);
    if (ep->queue.head != NULL && bytes > ep->receive_buffer_bytes - ep->queue_bytes) {
        dgram_refuse(ep, packet, ep->ops->drop_full);
        return;
    }
    packet->nic = NULL;
    packet->hash = nic;
    ep->queue_bytes = sat_add_u32(ep->queue_bytes, bytes);
    tcpip_packet_list_push(&ep->queue, packet);
    endpoint_notify(&ep->base, TCPIP_EVENT_IN);
}

void tcpip__datagram_requeue(struct datagram_endpoint *ep, struct tcpip_packet *packet)
{
    packet->nic = NULL;
    ep->queue_bytes = sat_add_u32(ep->queue_bytes, dgram_true_bytes(packet));
    tcpip_packet_list_push(&ep->queue, packet);
}

/* ---- out ---- */

/* The first datagram, still queued; NULL: *error says why not. */
static struct tcpip_packet *dgram_first(struct datagram_endpoint *ep, enum tcpip_error *error)
{
    *error = tcpip__datagram_take_error(ep);
    if (*error != TCPIP_OK)
        return NULL;
    if (ep->queue.head == NULL)
        *error = ep->shut_read ? TCPIP_ERR_CLOSED_FOR_RECEIVE : TCPIP_ERR_WOULD_BLOCK;
    return ep->queue.head;
}

/* Takes the first datagram off the queue and frees it. */
static void dgram_consume(struct datagram_endpoint *ep)
{
    struct tcpip_packet *packet = tcpip_packet_list_pop(&ep->queue);
    uint32_t bytes = dgram_true_bytes(packet);
    ep->queue_bytes = ep->queue.head == NULL ? 0 : ep->queue_bytes - bytes;
    tcpip_packet_free(packet);
}

static uint32_t dgram_data_bytes(const struct datagram_endpoint *ep, const struct tcpip_packet *packet)
{
    return packet->length - ep->ops->hidden_bytes;
}

uint32_t tcpip__datagram_next_bytes(const struct datagram_endpoint *ep)
{
    return ep->queue.head != NULL ? dgram_data_bytes(ep, ep->queue.head) : 0;
}

static void dgram_from(const struct datagram_endpoint *ep, const struct tcpip_packet *packet,
                       struct tcpip_full_address *out)
{
    uint8_t port[2] = {0, 0};
    const uint8_t *source = packet->network.source;
    if (ep->ops->ports)
        (void)tcpip_packet_copy_out(packet, 0, port, sizeof(port));
    tcpip__address_shown(ep->base.network, source, tcpip_load_u16(port),
                         address_is_link_local(source) ? packet->hash : 0, out);
}

/* What came beside the data, as far as the application asked for it. */
static void dgram_control(const struct datagram_endpoint *ep, const struct tcpip_packet *packet, bool truncated,
                          struct tcpip_control *out)
{
    out->present = TCPIP_CONTROL_TIMESTAMP;
    out->received_at = packet->at;
    if (truncated)
        out->present |= TCPIP_CONTROL_TRUNCATED;
    if (datagram_option(ep, TCPIP_OPTION_RECEIVE_TTL) != 0) {
        out->present |= TCPIP_CONTROL_TTL;
        out->ttl = packet->network.ttl;
    }
    if (datagram_option(ep, TCPIP_OPTION_RECEIVE_TOS) != 0) {
        out->present |= TCPIP_CONTROL_TOS;
        out->tos = packet->network.tos;
    }
    if (datagram_option(ep, TCPIP_OPTION_RECEIVE_PACKET_INFO) != 0) {
        struct tcpip_full_address destination;
        tcpip__address_shown(ep->base.network, packet->network.destination, 0, 0, &destination);
        out->present |= TCPIP_CONTROL_PACKET_INFO;
        out->packet_info.nic = packet->hash;
        out->packet_info.address = destination.address;
    }
}

enum tcpip_error tcpip__datagram_peekmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                         size_t *done, struct tcpip_full_address *from, struct tcpip_control *control)
{
    struct datagram_endpoint *ep = datagram_of(endpoint);
    enum tcpip_error error;
    const struct tcpip_packet *packet = dgram_first(ep, &error);
    if (packet == NULL)
        return error;
    uint32_t at = ep->ops->hidden_bytes;
    for (size_t i = 0; i < io_count && at < packet->length; i++)
        at += (uint32_t)tcpip_packet_copy_out(packet, at, io[i].data, io[i].size);
    *done = at - ep->ops->hidden_bytes;
    if (from != NULL)
        dgram_from(ep, packet, from);
    if (control != NULL)
        dgram_control(ep, packet, at < packet->length, control);
    return TCPIP_OK;
}

enum tcpip_error tcpip__datagram_recvmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                         size_t *done, struct tcpip_full_address *from, struct tcpip_control *control)
{
    enum tcpip_error error = tcpip__datagram_peekmsg(endpoint, io, io_count, done, from, control);
    if (error == TCPIP_OK)
        dgram_consume(datagram_of(endpoint));
    return error;
}

/* What isn't in views yet (it is in the packet's room), or in more than `count` of them, is copied into one. False: out
 * of memory; nothing is changed but where bytes lie. */
static bool dgram_to_views(struct tcpip_packet *packet, size_t count)
{
    if (packet->head == packet->tail && packet->view_count <= count)
        return true;
    uint32_t bytes = packet->length;
    struct tcpip_buffer *buffer = tcpip_buffer_new(packet->pool->stack, bytes);
    if (buffer == NULL)
        return false;
    (void)tcpip_packet_copy_out(packet, 0, buffer->data, bytes);
    tcpip_packet_trim_front(packet, bytes);
    (void)tcpip_packet_append_view(packet, (struct tcpip_view){buffer, 0, bytes});
    return true;
}

enum tcpip_error tcpip__datagram_read_views(struct tcpip_endpoint *endpoint, struct tcpip_view *views, size_t *count,
                                            size_t max_bytes, size_t *done, struct tcpip_full_address *from)
{
    struct datagram_endpoint *ep = datagram_of(endpoint);
    enum tcpip_error error;
    size_t room = *count, used = 0;
    struct tcpip_packet *packet = dgram_first(ep, &error);
    if (packet == NULL)
        return error;
    /* A clone is cut and rearranged: the one in the queue must stay as it is, should memory run out. */
    struct tcpip_packet *lent = tcpip_packet_clone(packet);
    if (lent == NULL)
        return TCPIP_ERR_NO_MEMORY;
    tcpip_packet_trim_front(lent, ep->ops->hidden_bytes);
    tcpip_packet_cap_length(lent, (uint32_t)min_size(max_bytes, lent->length));
    if (lent->length > 0 && room > 0 && !dgram_to_views(lent, room)) {
        tcpip_packet_free(lent);
        return TCPIP_ERR_NO_MEMORY;
    }
    for (; used < room && used < lent->view_count; used++) {
        views[used] = lent->views[used];
        tcpip_buffer_ref(views[used].buffer);
        *done += views[used].length;
    }
    *count = used;
    if (from != NULL)
        dgram_from(ep, packet, from);
    tcpip_packet_free(lent);
    dgram_consume(ep);
    return TCPIP_OK;
}

enum tcpip_error tcpip__datagram_peek(struct tcpip_endpoint *endpoint, bool (*writer)(void *, const void *, size_t),
                                      void *ctx, size_t *done)
{
    struct datagram_endpoint *ep = datagram_of(endpoint);
    enum tcpip_error error;
    const struct tcpip_packet *packet = dgram_first(ep, &error);
    if (packet == NULL)
        return error;
    uint32_t skip = ep->ops->hidden_bytes;
    for (uint32_t i = 0; i <= packet->view_count; i++) {
        const uint8_t *data = i == 0 ? packet->room + packet->head : tcpip_view_data(&packet->views[i - 1]);
        uint32_t length = i == 0 ? (uint32_t)(packet->tail - packet->head) : packet->views[i - 1].length;
        uint32_t cut = min_u32(skip, length);
        skip -= cut;
        if (length == cut)
            continue;
        if (!writer(ctx, data + cut, length - cut))
            break;
        *done += length - cut;
    }
    return TCPIP_OK;
}
