// SPDX-License-Identifier: MIT
/* datagram_send.c: from a write to a packet.
 *
 * A datagram leaves in the call that sends it: where to, which way, from which address, may it, how large may it be;
 * then one packet is built and given to the network protocol. The checks come in the order in which Linux makes them,
 * so that a call with two faults is answered as programs expect.
 *
 * The way is kept between calls, with the question it answered: a connected endpoint, or a server that answers one peer
 * after the other's burst, looks nothing up. There is no send buffer: what the NIC's queue can't take is refused, and
 * said so.
 *
 * Multicast that the host itself has joined, and broadcast, come back in through the NIC (RFC 1112 6.1; Linux does the
 * same), as a second packet on a way to ourselves.
 *
 * With MORE, or CORK, a datagram is put together of several writes first: where it goes is settled by the first of
 * them, and an error throws away what there was, as on Linux.
 *
 * Owns:        route and the way_ fields; cork.
 * Invariants:  nothing is sent, and nothing of the arguments taken, when an error is returned.
 * Not here:    headers (udp.c, ping.c; network/), fragmentation (network/). */
#include "transport/datagram.h"

#include <stdalign.h>

enum {
    DATAGRAM_ROOM_MAX = 64,  /* data up to this size travel in the packet's own room, beside the headers */
    DATAGRAM_V4_MAX = 65515, /* header and data: a packet of 65,535 bytes and no options */
    DATAGRAM_V6_MAX = 65535, /* the payload length has 16 bits */
    DATAGRAM_V4_HEADER = 20,
    DATAGRAM_V6_HEADER = 40,
};

/* What is to be sent: pieces of the caller's memory, or one view. */
struct datagram_source {
    const struct tcpip_io *io;
    size_t io_count;
    const struct tcpip_view *view; /* NULL: io */
    size_t bytes;                  /* in all */
};

/* One call, as far as it is understood. */
struct datagram_call {
    struct datagram_out out;
    uint8_t local[16], remote[16]; /* where out.local and out.remote point to */
    uint32_t nic;
    uint8_t ttl, tos;
    uint32_t mark;
    bool dont_fragment, whole_route; /* as in struct tcpip_network_output */
    bool host_only;                  /* a multicast TTL of 0: not to leave this host */
};

/* A datagram that is put together. */
struct datagram_cork {
    struct datagram_call call;   /* of the first write */
    struct tcpip_buffer *buffer; /* NULL: nothing yet */
    uint32_t bytes, flags;
};

/* ---- which way ---- */

enum tcpip_error tcpip__datagram_nic(const struct datagram_endpoint *ep, uint32_t asked, const uint8_t *remote,
                                     uint32_t *out)
{
    uint32_t bound = ep->port_key.nic;
    if (bound == 0)
        bound = (uint32_t)datagram_option(ep, TCPIP_OPTION_BIND_TO_NIC);
    if (asked != 0 && bound != 0 && asked != bound)
        return TCPIP_ERR_NO_ROUTE;
    *out = asked != 0 ? asked : bound;
    if (*out == 0 && address_is_multicast(remote))
        *out = (uint32_t)datagram_option(ep, TCPIP_OPTION_MULTICAST_NIC);
    return TCPIP_OK;
}

static bool dgram_way_known(const struct datagram_endpoint *ep, uint32_t nic, const uint8_t *local,
                            const uint8_t *remote)
{
    return ep->route.nic != NULL && route_valid(&ep->route) && ep->way_nic == nic &&
           address_equal(ep->way_remote, remote) && address_equal(ep->way_asked, local);
}

void tcpip__datagram_speaker(const struct datagram_endpoint *ep, uint8_t *out)
{
    memset(out, 0, 16);
    if (ep->connected && address_is_zero(ep->local))
        memcpy(out, ep->entry.flow.local, 16);
}

enum tcpip_error tcpip__datagram_way(struct datagram_endpoint *ep, uint32_t nic, uint8_t *local, const uint8_t *remote)
{
    if (address_is_zero(local) && ep->speaks)
        memcpy(local, ep->local, 16);
    if (!dgram_way_known(ep, nic, local, remote)) {
        uint8_t chosen[16];
        struct tcpip_route route = {0};
        memcpy(chosen, local, 16);
        if (!address_is_zero(local) && address_is_v4(local) != address_is_v4(remote))
            return TCPIP_ERR_NO_ROUTE; /* bound to an address of the other family */
        enum tcpip_error error = tcpip__route_find(ep->base.stack, nic, chosen, remote, &route);
        if (error != TCPIP_OK)
            return error;
        tcpip__route_release(&ep->route);
        ep->route = route;
        ep->way_nic = nic;
        memcpy(ep->way_asked, local, 16);
        memcpy(ep->way_local, chosen, 16);
        memcpy(ep->way_remote, remote, 16);
    }
    memcpy(local, ep->way_local, 16);
    if (ep->route.kind == ROUTE_BROADCAST && datagram_option(ep, TCPIP_OPTION_BROADCAST) == 0)
        return TCPIP_ERR_BROADCAST_DISABLED;
    if (!address_is_v4(remote) && address_is_zero(local)) /* RFC 4291 2.5.2: nobody could answer */
        return TCPIP_ERR_BAD_LOCAL_ADDRESS;
    return TCPIP_OK;
}

/* ---- what the caller asked for ---- */

/* Where to: the argument, or the peer. */
static enum tcpip_error dgram_destination(struct datagram_endpoint *ep, const struct tcpip_full_address *to,
                                          struct datagram_call *call, uint32_t *scope)
{
    struct address_context context = datagram_address_context(ep);
    *scope = 0;
    if (to == NULL) {
        if (!ep->connected)
            return TCPIP_ERR_DESTINATION_REQUIRED;
        memcpy(call->remote, ep->entry.flow.remote, 16);
        call->out.remote_port = ep->entry.flow.remote_port;
        *scope = address_is_link_local(call->remote) ? ep->entry.flow.nic : 0;
        return TCPIP_OK;
    }
    if (ep->ops->ports && to->port == 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    *scope = to->nic;
    call->out.remote_port = to->port;
    return tcpip__address_remote(&context, &to->address, ep->local, call->remote);
}

static enum tcpip_error dgram_packet_info(const struct datagram_endpoint *ep, const struct tcpip_control *control,
                                          struct datagram_call *call, uint32_t *scope)
{
    if (control == NULL || (control->present & TCPIP_CONTROL_PACKET_INFO) == 0)
        return TCPIP_OK;
    if (control->packet_info.nic != 0)
        *scope = control->packet_info.nic;
    uint8_t local[16];
    address_internal(&control->packet_info.address, local);
    if (address_is_zero(local))
        return TCPIP_OK;
    if (address_is_v4(local) != address_is_v4(call->remote))
        return TCPIP_ERR_INVALID_ARGUMENT;
    (void)ep;
    memcpy(call->local, local, 16);
    return TCPIP_OK;
}

static void dgram_lifetime(const struct datagram_endpoint *ep, const struct tcpip_control *control,
                           struct datagram_call *call)
{
    bool multicast = address_is_multicast(call->remote);
    uint32_t present = control != NULL ? control->present : 0;
    int64_t ttl = datagram_option(ep, multicast ? TCPIP_OPTION_MULTICAST_TTL : TCPIP_OPTION_TTL);
    if ((present & TCPIP_CONTROL_TTL) != 0)
        ttl = control->ttl;
    call->ttl = (uint8_t)ttl;
    call->host_only = multicast && ttl == 0;
    call->mark = (present & TCPIP_CONTROL_MARK) != 0 ? control->mark : (uint32_t)datagram_option(ep, TCPIP_OPTION_MARK);
    call->tos = (present & TCPIP_CONTROL_TOS) != 0 ? control->tos : (uint8_t)datagram_option(ep, TCPIP_OPTION_TOS);
}

/* Who asked for errors hears how much would have fitted. */
static void dgram_tell_mtu(struct datagram_endpoint *ep, const struct datagram_call *call, uint32_t mtu)
{
    if (datagram_option(ep, TCPIP_OPTION_RECEIVE_ERROR) == 0)
        return;
    struct tcpip_error_record record = {.origin = TCPIP_ERROR_FROM_HERE,
                                        .error = TCPIP_ERR_MESSAGE_TOO_LONG,
                                        .info = mtu,
                                        .at = tcpip__stack_now(ep->base.stack)};
    record.remote.address = address_public(call->remote);
    record.remote.port = ep->connected ? call->out.remote_port : 0; /* as Linux, which tells the peer's */
    tcpip__error_queue_push(&ep->base, &record, NULL, 0);
}

/* How large it may be, and whether the path may cut it. */
static enum tcpip_error dgram_size(struct datagram_endpoint *ep, struct datagram_call *call, size_t data_bytes)
{
    bool v4 = address_is_v4(call->remote);
    size_t bytes = data_bytes + DATAGRAM_HEADER_BYTES;
    if (bytes > (v4 ? DATAGRAM_V4_MAX : DATAGRAM_V6_MAX)) {
        dgram_tell_mtu(ep, call, tcpip__pmtu_get(&ep->route, call->remote));
        return TCPIP_ERR_MESSAGE_TOO_LONG;
    }
    uint32_t whole = (uint32_t)bytes + (v4 ? DATAGRAM_V4_HEADER : DATAGRAM_V6_HEADER);
    int64_t mode = datagram_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY);
    struct path_mtu path;
    tcpip__pmtu_look(&ep->route, call->remote, &path);
    call->whole_route = mode >= TCPIP_PATH_MTU_PROBE;
    uint32_t mtu = call->whole_route ? ep->route.mtu : path.mtu;
    bool fits = whole <= mtu, exact = mode == TCPIP_PATH_MTU_DO || mode == TCPIP_PATH_MTU_PROBE;
    if (!fits && (exact || mode == TCPIP_PATH_MTU_INTERFACE)) {
        dgram_tell_mtu(ep, call, mtu);
        return TCPIP_ERR_MESSAGE_TOO_LONG;
    }
    /* WANT, as on Linux: what fits the path as we know it isn't to be cut further on, so that we learn; what doesn't
     * fit is cut here. */
    call->dont_fragment = exact || (mode == TCPIP_PATH_MTU_WANT && fits && !path.narrow);
    return TCPIP_OK;
}

static enum tcpip_error dgram_prepare(struct datagram_endpoint *ep, const struct tcpip_full_address *to,
                                      const struct tcpip_control *control, size_t data_bytes,
                                      struct datagram_call *call)
{
    uint32_t scope;
    memset(call, 0, sizeof(*call));
    tcpip__datagram_speaker(ep, call->local);
    if (data_bytes > UINT16_MAX)
        return TCPIP_ERR_MESSAGE_TOO_LONG;
    enum tcpip_error error = tcpip__datagram_autobind(ep);
    if (error == TCPIP_OK)
        error = dgram_destination(ep, to, call, &scope);
    if (error == TCPIP_OK)
        error = dgram_packet_info(ep, control, call, &scope);
    if (error == TCPIP_OK)
        error = tcpip__datagram_nic(ep, scope, call->remote, &call->nic);
    if (error == TCPIP_OK)
        error = tcpip__datagram_way(ep, call->nic, call->local, call->remote);
    if (error == TCPIP_OK)
        error = dgram_size(ep, call, data_bytes);
    if (error == TCPIP_OK)
        error = tcpip__datagram_take_error(ep);
    if (error == TCPIP_OK && ep->shut_write)
        error = TCPIP_ERR_CLOSED_FOR_SEND;
    if (error != TCPIP_OK)
        return error;
    dgram_lifetime(ep, control, call);
    call->out.local = call->local;
    call->out.remote = call->remote;
    call->out.local_port = ep->port_key.port;
    return TCPIP_OK;
}

/* ---- building ---- */

static size_t source_copy(const struct datagram_source *source, size_t offset, uint8_t *out, size_t size)
{
    size_t done = 0;
    if (source->view != NULL) {
        done = offset < source->bytes ? min_size(size, source->bytes - offset) : 0;
        memcpy(out, tcpip_view_data(source->view) + offset, done);
        return done;
    }
    for (size_t i = 0; i < source->io_count && done < size; i++) {
        const struct tcpip_io *io = &source->io[i];
        if (offset >= io->size) {
            offset -= io->size;
            continue;
        }
        size_t part = min_size(io->size - offset, size - done);
        memcpy(out + done, io->data + offset, part);
        done += part;
        offset = 0;
    }
    return done;
}

/* The application's memory itself, into an empty packet. */
static bool source_lend(const struct datagram_source *source, struct zero_copy *call, struct tcpip_packet *packet)
{
    for (size_t i = 0; i < source->io_count; i++) {
        struct tcpip_view view;
        if (source->io[i].size == 0)
            continue;
        if (!tcpip__zero_copy_view(call, source->io[i].data, source->io[i].size, &view))
            return false;
        if (!tcpip_packet_append_view(packet, view)) {
            buffer_unref(view.buffer);
            return false;
        }
    }
    return true;
}

/* The data behind the first `skip` bytes, into an empty packet. False: out of memory. */
static bool source_fill(const struct datagram_source *source, size_t skip, struct zero_copy *call,
                        struct tcpip_packet *packet)
{
    size_t bytes = source->bytes - skip;
    if (bytes == 0)
        return true;
    if (call != NULL && !call->copied)
        return source_lend(source, call, packet);
    if (source->view != NULL) {
        struct tcpip_view view = *source->view;
        tcpip_view_trim_front(&view, (uint32_t)skip);
        tcpip_buffer_ref(view.buffer);
        return tcpip_packet_append_view(packet, view);
    }
    if (bytes <= DATAGRAM_ROOM_MAX) {
        (void)source_copy(source, skip, tcpip_packet_push(packet, (uint32_t)bytes), bytes);
        return true;
    }
    struct tcpip_buffer *buffer = tcpip_buffer_new(packet->pool->stack, bytes);
    if (buffer == NULL)
        return false;
    (void)source_copy(source, skip, buffer->data, bytes);
    return tcpip_packet_append_view(packet, (struct tcpip_view){buffer, 0, (uint32_t)bytes});
}

static struct tcpip_packet *dgram_build(struct datagram_endpoint *ep, const struct datagram_source *source,
                                        const struct datagram_call *call, struct zero_copy *zero_copy)
{
    struct tcpip_packet *packet = tcpip_packet_new(ep->base.stack);
    if (packet == NULL)
        return NULL;
    uint8_t *header = NULL;
    if (source_fill(source, ep->ops->given_bytes, zero_copy, packet))
        header = tcpip_packet_push(packet, DATAGRAM_HEADER_BYTES);
    if (header == NULL) {
        tcpip_packet_free(packet);
        return NULL;
    }
    packet->payload_offset = DATAGRAM_HEADER_BYTES;
    packet->mark = call->mark;
    ep->ops->seal(ep, packet, header, &call->out);
    return packet;
}

/* ---- sending ---- */

/* Is this host to hear what it sends? A loopback link brings everything back by itself. */
static bool dgram_loops_back(const struct datagram_endpoint *ep, const uint8_t *remote)
{
    if ((ep->route.nic->caps.flags & TCPIP_LINK_LOOPBACK) != 0)
        return false;
    if (ep->route.kind == ROUTE_MULTICAST)
        return datagram_option(ep, TCPIP_OPTION_MULTICAST_LOOP) != 0 && tcpip__nic_in_group(ep->route.nic, remote);
    return ep->route.kind == ROUTE_BROADCAST;
}

static void dgram_loop_back(struct datagram_endpoint *ep, const struct tcpip_packet *packet,
                            const struct tcpip_network_output *how)
{
    struct tcpip_route to_us = ep->route;
    struct tcpip_packet *copy = tcpip_packet_clone(packet);
    if (copy == NULL) /* as if it had been lost on the way */
        return;
    to_us.kind = ROUTE_LOCAL;
    to_us.neighbor = NULL;
    (void)tcpip__route_output(&to_us, copy, how);
}

static bool dgram_nic_full(const struct datagram_endpoint *ep)
{
    const struct tcpip_nic *nic = ep->route.nic;
    return ep->route.kind != ROUTE_LOCAL && nic->tx_blocked &&
           tcpip__nic_queued(nic) >= ep->base.stack->limits.nic_queue_packets;
}

static enum tcpip_error dgram_transmit(struct datagram_endpoint *ep, struct tcpip_packet *packet,
                                       const struct datagram_call *call)
{
    struct tcpip_network_output how = {
        .local = call->local,
        .remote = call->remote,
        .transport = ep->ops->transport,
        .ttl = call->ttl,
        .tos = call->tos,
        .dont_fragment = call->dont_fragment,
        .whole_route = call->whole_route,
    };
    if (dgram_loops_back(ep, call->remote))
        dgram_loop_back(ep, packet, &how);
    if (call->host_only) {
        tcpip_packet_free(packet);
        return TCPIP_OK;
    }
    return tcpip__route_output(&ep->route, packet, &how);
}

/* A datagram leaves in the turn in which it is written: both stamps are of now. */
static void dgram_stamp(struct datagram_endpoint *ep, uint32_t flags)
{
    struct tcpip_error_record record = {.first = ep->stamped, .last = ep->stamped};
    if ((flags & (TCPIP_WRITE_STAMP_SCHEDULED | TCPIP_WRITE_STAMP_SENT)) == 0)
        return;
    ep->stamped++;
    record.at = tcpip__stack_now(ep->base.stack);
    if ((flags & TCPIP_WRITE_STAMP_SCHEDULED) != 0) {
        record.origin = TCPIP_ERROR_FROM_SCHEDULING;
        tcpip__error_queue_push(&ep->base, &record, NULL, 0);
    }
    if ((flags & TCPIP_WRITE_STAMP_SENT) != 0) {
        record.origin = TCPIP_ERROR_FROM_SENDING;
        tcpip__error_queue_push(&ep->base, &record, NULL, 0);
    }
}

static void dgram_count(struct datagram_endpoint *ep, enum tcpip_error error)
{
    struct tcpip_stats_udp *stats = &ep->base.stack->stats.udp;
    if (ep->ops->transport != TCPIP_PROTOCOL_UDP)
        return;
    if (error == TCPIP_OK)
        stats->packets_sent++;
    else
        stats->packet_send_errors++;
}

/* Would a reader on this host hold on to the writer's memory, or are there too many pieces, or so few bytes that they
 * go into the packet's room? */
static bool dgram_copies(const struct datagram_endpoint *ep, const struct datagram_source *source,
                         const struct datagram_call *call)
{
    return tcpip__zero_copy_held(&ep->route) || dgram_loops_back(ep, call->remote) || source->view != NULL ||
           source->io_count > TCPIP_PACKET_VIEWS - 2 || source->bytes <= DATAGRAM_ROOM_MAX;
}

static enum tcpip_error dgram_send(struct datagram_endpoint *ep, const struct datagram_source *source, uint32_t flags,
                                   const struct tcpip_full_address *to, const struct tcpip_control *control)
{
    struct datagram_call call;
    struct zero_copy *zero_copy = NULL;
    uint32_t given = ep->ops->given_bytes;
    if (source->bytes < given)
        return TCPIP_ERR_INVALID_ARGUMENT;
    enum tcpip_error error = dgram_prepare(ep, to, control, source->bytes - given, &call);
    if (error == TCPIP_OK && given > 0) {
        (void)source_copy(source, 0, call.out.front, given);
        error = ep->ops->check(call.out.front);
    }
    if (error == TCPIP_OK && dgram_nic_full(ep))
        error = TCPIP_ERR_NO_BUFFER_SPACE;
    if (error == TCPIP_OK && unlikely((flags & TCPIP_WRITE_ZERO_COPY) != 0 && given == 0)) {
        zero_copy = tcpip__zero_copy_begin(&ep->base, dgram_copies(ep, source, &call));
        error = zero_copy != NULL ? TCPIP_OK : TCPIP_ERR_NO_BUFFER_SPACE;
    }
    if (error == TCPIP_OK) {
        struct tcpip_packet *packet = dgram_build(ep, source, &call, zero_copy);
        error = packet != NULL ? dgram_transmit(ep, packet, &call) : TCPIP_ERR_NO_MEMORY;
    }
    if (error == TCPIP_OK && unlikely(flags != 0))
        dgram_stamp(ep, flags);
    if (zero_copy != NULL)
        tcpip__zero_copy_end(zero_copy, error == TCPIP_OK, (flags & TCPIP_WRITE_WAITS) != 0);
    dgram_count(ep, error);
    return error;
}

/* ---- put together of several writes ---- */

void tcpip__datagram_uncork(struct datagram_endpoint *ep)
{
    struct datagram_cork *cork = ep->cork;
    if (cork == NULL)
        return;
    ep->cork = NULL;
    if (cork->buffer != NULL)
        buffer_unref(cork->buffer);
    tcpip__memory_free(&ep->base.stack->memory, cork, sizeof(*cork));
}

/* Room for `bytes` in all. */
static bool cork_grow(struct datagram_endpoint *ep, struct datagram_cork *cork, size_t bytes)
{
    struct tcpip_buffer *before = cork->buffer;
    if (before != NULL && before->size >= bytes)
        return true;
    struct tcpip_buffer *buffer = tcpip_buffer_new(ep->base.stack, bytes);
    if (buffer == NULL)
        return false;
    if (before != NULL) {
        memcpy(buffer->data, before->data, cork->bytes);
        buffer_unref(before);
    }
    cork->buffer = buffer;
    return true;
}

/* The way may have been another one's meanwhile. */
static enum tcpip_error cork_fits(struct datagram_endpoint *ep, struct datagram_cork *cork, size_t bytes)
{
    struct datagram_call *call = &cork->call;
    enum tcpip_error error = tcpip__datagram_way(ep, call->nic, call->local, call->remote);
    return error == TCPIP_OK ? dgram_size(ep, call, bytes) : error;
}

static enum tcpip_error cork_begin(struct datagram_endpoint *ep, size_t bytes, uint32_t flags,
                                   const struct tcpip_full_address *to, const struct tcpip_control *control)
{
    struct datagram_cork *cork =
        tcpip__memory_zalloc(&ep->base.stack->memory, sizeof(*cork), alignof(struct datagram_cork));
    if (cork == NULL)
        return TCPIP_ERR_NO_MEMORY;
    ep->cork = cork;
    cork->flags = flags & WRITE_STAMPS;
    return dgram_prepare(ep, to, control, bytes, &cork->call);
}

enum tcpip_error tcpip__datagram_push(struct datagram_endpoint *ep)
{
    struct datagram_cork *cork = ep->cork;
    if (cork == NULL)
        return TCPIP_OK;
    struct tcpip_view view = {cork->buffer, 0, cork->bytes};
    struct datagram_source source = {.view = &view, .bytes = cork->bytes};
    cork->call.out.local = cork->call.local;
    cork->call.out.remote = cork->call.remote;
    enum tcpip_error error = cork_fits(ep, cork, cork->bytes);
    if (error == TCPIP_OK && dgram_nic_full(ep))
        error = TCPIP_ERR_NO_BUFFER_SPACE;
    if (error == TCPIP_OK) {
        struct tcpip_packet *packet = dgram_build(ep, &source, &cork->call, NULL);
        error = packet != NULL ? dgram_transmit(ep, packet, &cork->call) : TCPIP_ERR_NO_MEMORY;
    }
    if (error == TCPIP_OK)
        dgram_stamp(ep, cork->flags);
    dgram_count(ep, error);
    tcpip__datagram_uncork(ep);
    return error;
}

/* Adds to what there is, and lets it go unless more is to come. */
static enum tcpip_error cork_write(struct datagram_endpoint *ep, const struct datagram_source *source, uint32_t flags,
                                   const struct tcpip_full_address *to, const struct tcpip_control *control, bool more)
{
    enum tcpip_error error = TCPIP_OK;
    if (ep->cork == NULL)
        error = cork_begin(ep, source->bytes, flags, to, control);
    struct datagram_cork *cork = ep->cork;
    size_t bytes = (cork != NULL ? cork->bytes : 0) + source->bytes;
    if (error == TCPIP_OK)
        error = cork_fits(ep, cork, bytes);
    if (error == TCPIP_OK && !cork_grow(ep, cork, bytes))
        error = TCPIP_ERR_NO_MEMORY;
    if (error != TCPIP_OK) {
        dgram_count(ep, error);
        tcpip__datagram_uncork(ep);
        return error;
    }
    (void)source_copy(source, 0, cork->buffer->data + cork->bytes, source->bytes);
    cork->bytes = (uint32_t)bytes;
    if (!more)
        return tcpip__datagram_push(ep);
    if (bytes == 0)
        tcpip__datagram_uncork(ep); /* nothing is no beginning */
    return TCPIP_OK;
}

static enum tcpip_error dgram_write(struct datagram_endpoint *ep, const struct datagram_source *source, uint32_t flags,
                                    const struct tcpip_full_address *to, const struct tcpip_control *control)
{
    bool udp = ep->ops->transport == TCPIP_PROTOCOL_UDP;
    bool more = (flags & TCPIP_WRITE_MORE) != 0 || (udp && datagram_option(ep, TCPIP_OPTION_CORK) != 0);
    if (unlikely(udp && (more || ep->cork != NULL))) {
        enum tcpip_error error = cork_write(ep, source, flags, to, control, more);
        struct zero_copy *copied = NULL;
        if ((flags & TCPIP_WRITE_ZERO_COPY) != 0 && error == TCPIP_OK)
            copied = tcpip__zero_copy_begin(&ep->base, true);
        if (copied != NULL)
            tcpip__zero_copy_end(copied, true, (flags & TCPIP_WRITE_WAITS) != 0);
        return error;
    }
    return dgram_send(ep, source, flags, to, control);
}

enum tcpip_error tcpip__datagram_sendmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                         uint32_t flags, const struct tcpip_full_address *to,
                                         const struct tcpip_control *control, size_t *done)
{
    struct datagram_source source = {.io = io, .io_count = io_count};
    for (size_t i = 0; i < io_count; i++) {
        if (io[i].size > UINT16_MAX + DATAGRAM_HEADER_BYTES - source.bytes)
            return TCPIP_ERR_MESSAGE_TOO_LONG;
        source.bytes += io[i].size;
    }
    enum tcpip_error error = dgram_write(datagram_of(endpoint), &source, flags, to, control);
    if (error == TCPIP_OK)
        *done = source.bytes;
    return error;
}

enum tcpip_error tcpip__datagram_write_view(struct tcpip_endpoint *endpoint, const struct tcpip_view *view,
                                            uint32_t flags, const struct tcpip_full_address *to)
{
    struct datagram_source source = {.view = view, .bytes = view->length};
    return dgram_write(datagram_of(endpoint), &source, flags, to, NULL);
}
