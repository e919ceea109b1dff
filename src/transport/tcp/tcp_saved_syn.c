// SPDX-License-Identifier: MIT
/* tcp_saved_syn.c: a copy of the SYN that a connection came with, for applications that tell peers apart by it.
 *
 * A listener with SAVE_SYN keeps the headers of each SYN, from the network header to the end of TCP's options, beside
 * its record; the accepted endpoint has them until they are read, once. Whoever opens connections makes us keep them:
 * that is bounded by the records that there may be, and a SYN for which there is no memory is not kept, and served.
 *
 * A connection that a cookie brought back has none: its SYN left no trace.
 *
 * Owns:       struct tcp_saved_syn.
 * Invariants: it belongs to one record or one endpoint.
 * Not here:   when SYNs come (tcp_half_open.c, tcp_fast_open.c). */
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_fold.h"
#include "transport/tcp/tcp_save.h"

#include "base/archive.h"

#include <stdalign.h>

enum { SAVED_SYN_MAX = 512 }; /* more than both headers with all their options; extension headers may be longer */

struct tcp_saved_syn *tcpip__tcp_syn_save(const struct tcp_endpoint *listener, const struct tcp_segment *segment)
{
    const struct tcpip_packet *packet = segment->packet;
    if (listener == NULL || tcp_option(listener, TCPIP_OPTION_SAVE_SYN) == 0)
        return NULL;
    uint32_t bytes = (uint32_t)packet->payload_offset - packet->network_offset;
    if (packet->payload_offset < packet->network_offset || bytes > SAVED_SYN_MAX)
        return NULL;
    struct tcp_saved_syn *saved =
        tcpip__memory_alloc(&listener->base->stack->memory, sizeof(*saved) + bytes, alignof(struct tcp_saved_syn));
    if (saved == NULL)
        return NULL;
    saved->bytes = (uint16_t)tcpip_packet_copy_out(packet, packet->network_offset, saved->data, bytes);
    saved->room = (uint16_t)bytes;
    return saved;
}

void tcpip__tcp_syn_forget(struct tcpip_stack *stack, struct tcp_saved_syn **saved)
{
    if (*saved != NULL)
        tcpip__memory_free(&stack->memory, *saved, sizeof(**saved) + (*saved)->room);
    *saved = NULL;
}

void tcpip__tcp_syn_archive(struct archive *archive, struct tcpip_stack *stack, struct tcp_saved_syn **saved)
{
    uint16_t bytes = *saved != NULL ? (*saved)->bytes : 0;
    archive_u16(archive, &bytes);
    if (!archive_restoring(archive)) {
        tcpip__archive_put(archive, (*saved)->data, bytes);
        return;
    }
    archive_require(archive, bytes <= SAVED_SYN_MAX);
    const uint8_t *data = tcpip__archive_take(archive, bytes);
    if (data == NULL)
        return;
    *saved = tcpip__memory_alloc(&stack->memory, sizeof(**saved) + bytes, alignof(struct tcp_saved_syn));
    if (*saved == NULL) {
        tcpip__archive_fail(archive, TCPIP_ERR_NO_MEMORY);
        return;
    }
    (*saved)->bytes = (*saved)->room = bytes;
    memcpy((*saved)->data, data, bytes);
}

enum tcpip_error tcpip_endpoint_saved_syn(struct tcpip_endpoint *endpoint, void *out, size_t size, size_t *done)
{
    *done = 0;
    if (endpoint->transport != TCPIP_PROTOCOL_TCP)
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcp_endpoint *ep = tcpip__tcp_unfold(endpoint);
    if (ep == NULL)
        return TCPIP_ERR_NO_MEMORY;
    if (ep->saved_syn == NULL)
        return TCPIP_OK;
    *done = ep->saved_syn->bytes;
    if (size < ep->saved_syn->bytes)
        return TCPIP_ERR_MESSAGE_TOO_LONG;
    memcpy(out, ep->saved_syn->data, ep->saved_syn->bytes);
    tcpip__tcp_syn_forget(endpoint->stack, &ep->saved_syn);
    return TCPIP_OK;
}
