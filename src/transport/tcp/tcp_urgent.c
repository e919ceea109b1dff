// SPDX-License-Identifier: MIT
/* tcp_urgent.c: the urgent mark, both ways (RFC 9293 3.8.5, 3.10.7.4 sixth; RFC 6093).
 *
 *     ... before the mark ...  U  ... behind it ...
 *                              \---- the last urgent byte; the pointer on the wire stands behind it
 *
 * Urgent bytes travel and are read in line, as RFC 6093 has it; beside them the connection keeps where the last one is,
 * and, as Linux, that byte itself, for who reads it out of band. A mark is news when it moves on. The socket layer
 * makes of it what the kernel does: reads that stop at the mark, MSG_OOB, SIOCATMARK, POLLPRI.
 *
 * A peer may say what it likes: a mark that lies before what was received is ignored, one that lies ahead waits.
 *
 * Owns:       struct tcp_urgent.
 * Invariants: made at the first mark; who uses none pays a pointer.
 * Not here:   what a reader is shown (socket/inet_receive.c). */
#include "transport/tcp/tcp_urgent.h"
#include "transport/tcp/tcp_fold.h"

#include <stdalign.h>

static struct tcp_urgent *urgent_make(struct tcp_endpoint *ep)
{
    struct memory *memory = &ep->base->stack->memory;
    if (ep->urgent != NULL)
        return ep->urgent;
    ep->urgent = tcpip__memory_alloc(memory, sizeof(*ep->urgent), alignof(struct tcp_urgent));
    if (ep->urgent != NULL)
        *ep->urgent = (struct tcp_urgent){.state = URGENT_NONE};
    return ep->urgent;
}

void tcpip__tcp_urgent_free(struct tcp_endpoint *ep)
{
    if (ep->urgent != NULL)
        tcpip__memory_free(&ep->base->stack->memory, ep->urgent, sizeof(*ep->urgent));
    ep->urgent = NULL;
}

/* The number of the byte that is read next. */
static seqnum urgent_reader(const struct tcp_endpoint *ep)
{
    return seq_sub(ep->rcv_nxt, ep->receive_queue.bytes + (ep->fin_received ? 1 : 0));
}

/* ---- receiving ---- */

/* What the pointer says, as Linux takes it. */
static void urgent_pointer(struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    uint16_t pointer = tcpip_tcp_urgent(segment->header);
    seqnum at = seq_add(segment->seq, pointer > 0 ? pointer - 1u : 0), reader = urgent_reader(ep);
    if (seq_lt(at, ep->rcv_nxt) || ep->fin_received || ep->dead)
        return;
    struct tcp_urgent *urgent = urgent_make(ep);
    if (urgent == NULL || (urgent->state != URGENT_NONE && seq_leq(at, urgent->at)))
        return;
    /* The reader stands at the old mark: out of band, that byte isn't read any more. */
    urgent->stale = urgent->state != URGENT_NONE && seq_eq(urgent->at, reader) && !seq_eq(reader, ep->rcv_nxt);
    urgent->stale_at = urgent->at;
    urgent->state = URGENT_AWAITED;
    urgent->at = at;
    tcp_stats(ep)->urgent_pointers_received++;
    endpoint_notify(ep->base, TCPIP_EVENT_PRI);
}

void tcpip__tcp_urgent_input(struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    if ((segment->flags & TCPIP_TCP_URG) != 0)
        urgent_pointer(ep, segment);
    struct tcp_urgent *urgent = ep->urgent;
    if (urgent == NULL || urgent->state != URGENT_AWAITED || seq_lt(urgent->at, segment->seq) ||
        seq_geq(urgent->at, seq_add(segment->seq, segment->length)))
        return;
    uint32_t offset = segment->payload_offset + seq_size(segment->seq, urgent->at);
    tcpip_packet_copy_out(segment->packet, offset, &urgent->byte, 1);
    urgent->state = URGENT_HERE;
    endpoint_notify(ep->base, TCPIP_EVENT_PRI | TCPIP_EVENT_IN);
}

void tcpip__tcp_urgent_read(struct tcp_endpoint *ep)
{
    seqnum reader = urgent_reader(ep);
    if (ep->urgent->state != URGENT_NONE && seq_gt(reader, ep->urgent->at))
        ep->urgent->state = URGENT_NONE;
    if (!seq_eq(reader, ep->urgent->stale_at))
        ep->urgent->stale = false;
}

bool tcpip_endpoint_urgent(const struct tcpip_endpoint *endpoint, struct tcpip_urgent *out)
{
    struct tcp_endpoint copy;
    const struct tcp_endpoint *ep = endpoint->transport == TCPIP_PROTOCOL_TCP ? tcpip__tcp_look(endpoint, &copy) : NULL;
    const struct tcp_urgent *urgent = ep != NULL ? ep->urgent : NULL;
    if (urgent == NULL || urgent->state == URGENT_NONE)
        return false;
    *out = (struct tcpip_urgent){
        .before = seq_size(urgent_reader(ep), urgent->at),
        .here = urgent->state == URGENT_HERE,
        .taken = urgent->state == URGENT_TAKEN,
        .stale = urgent->stale,
        .byte = urgent->byte,
    };
    return true;
}

void tcpip_endpoint_urgent_taken(struct tcpip_endpoint *endpoint)
{
    struct tcp_endpoint *ep = endpoint->transport == TCPIP_PROTOCOL_TCP ? tcpip__tcp_unfold(endpoint) : NULL;
    if (ep != NULL && ep->urgent != NULL && ep->urgent->state == URGENT_HERE)
        ep->urgent->state = URGENT_TAKEN;
}

/* ---- sending ---- */

void tcpip__tcp_urgent_write(struct tcp_endpoint *ep)
{
    struct tcp_urgent *urgent = urgent_make(ep);
    if (urgent == NULL)
        return; /* out of memory: the bytes go without their mark, which is advice */
    urgent->sending = true;
    urgent->snd_up = seq_add(ep->snd_una, ep->send_queue.bytes);
}

void tcpip__tcp_urgent_output(struct tcp_endpoint *ep, seqnum seq, struct tcpip_tcp_fields *fields)
{
    ep->urgent->sending = tcp_urgent_mode(ep);
    if ((fields->flags & TCPIP_TCP_RST) != 0 || !ep->urgent->sending || !seq_lt(seq, ep->urgent->snd_up))
        return;
    /* More than a pointer can say: all that it can, so far as there is nothing behind that was sent (as Linux). */
    uint32_t distance = seq_size(seq, ep->urgent->snd_up);
    if (distance > UINT16_MAX && seq_leq(seq_add(seq, UINT16_MAX), ep->snd_nxt))
        return;
    fields->flags |= TCPIP_TCP_URG;
    fields->urgent = (uint16_t)min_u32(distance, UINT16_MAX);
}
