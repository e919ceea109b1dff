// SPDX-License-Identifier: MIT
/* wire.c: what must hold of every TCP segment that a stack of ours hands to its NIC, whoever it is for:
 *
 *   - an acknowledgement never goes back;
 *   - the right edge of the window never does (RFC 9293 3.8.6), but for what scaling rounds off;
 *   - SACK blocks are ranges above the acknowledgement, but for the first, which may tell of a duplicate (RFC 2883).
 *
 * It is told of packets as traces are, so the headers are there whatever carries the data.
 *
 * Owns:       notes about the connections seen, in a table that forgets.
 * Invariants: a SYN that leaves begins a connection's notes anew; so does a cookie's second connection, below.
 * Not here:   checksums and lengths, which the other end looks at; sequence numbers (tcp_check.c). */
#include "sim.h"

#include <string.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/tcp.h>

enum { WIRE_KEY_BYTES = 36, WIRE_STREAM_MAX = 1 << 24 }; /* more than any world sends on one connection */

/* Where TCP begins; NULL: it isn't TCP, or not its beginning. */
static const uint8_t *wire_find(const uint8_t *p, uint32_t bytes, bool outbound, uint8_t key[WIRE_KEY_BYTES])
{
    uint32_t at = 0, address = 0, length = 0;
    if (bytes >= TCPIP_IPV4_HEADER_MIN && p[0] >> 4 == 4 && p[9] == TCPIP_PROTOCOL_TCP &&
        tcpip_ipv4_fragment_offset(p) == 0) {
        at = (uint32_t)tcpip_ipv4_header_bytes(p);
        address = 12;
        length = 4;
    } else if (bytes >= TCPIP_IPV6_HEADER_BYTES && p[0] >> 4 == 6 && p[6] == TCPIP_PROTOCOL_TCP) {
        at = TCPIP_IPV6_HEADER_BYTES;
        address = 8;
        length = 16;
    }
    size_t header = 0;
    if (at == 0 || bytes < at || !tcpip_tcp_header_check(p + at, bytes - at, &header))
        return NULL;
    memset(key, 0, WIRE_KEY_BYTES);
    memcpy(key, p + address + (outbound ? 0 : length), length);
    memcpy(key + 16, p + address + (outbound ? length : 0), length);
    memcpy(key + 32, p + at + (outbound ? 0 : 2), 2);
    memcpy(key + 34, p + at + (outbound ? 2 : 0), 2);
    return p + at;
}

static struct wire_note *wire_note_of(struct sim_host *host, const uint8_t key[WIRE_KEY_BYTES])
{
    uint32_t hash = 0;
    for (uint32_t i = 0; i < WIRE_KEY_BYTES; i++)
        hash = hash * 31 + key[i];
    return &host->wire[hash % SIM_WIRE_NOTES];
}

static void wire_sacks(struct sim_host *host, const struct tcpip_tcp_options *options, uint32_t ack)
{
    for (uint32_t i = 0; i < options->sack_count; i++) {
        uint32_t start = options->sack[i].start, end = options->sack[i].end;
        bool ordered = (int32_t)(end - start) > 0, above = (int32_t)(start - ack) > 0;
        if (!ordered || (i > 0 && !above))
            sim_fail(host->sim, "host %u acknowledges up to %u, and tells of %u to %u in block %u", host->index, ack,
                     start, end, i);
    }
}

static void wire_out(struct sim_host *host, struct wire_note *note, const uint8_t *tcp)
{
    struct tcpip_tcp_options options;
    uint32_t flags = tcpip_tcp_flags(tcp), ack = tcpip_tcp_acknowledgment(tcp), window = tcpip_tcp_window(tcp);
    bool syn = (flags & TCPIP_TCP_SYN) != 0;
    if (!tcpip_tcp_options_parse(tcp, tcpip_tcp_header_bytes(tcp), &options))
        sim_fail(host->sim, "host %u sends options that can't be read", host->index);
    if (syn && (!note->known || note->syn_seq != tcpip_tcp_sequence(tcp))) {
        note->syn_seq = tcpip_tcp_sequence(tcp);
        note->scale = (options.present & TCPIP_TCP_HAS_WINDOW_SCALE) != 0 ? options.window_scale : 0;
        note->known = note->agreed = false;
    }
    if ((flags & TCPIP_TCP_RST) != 0)
        memset(note, 0, sizeof(*note));
    if ((flags & TCPIP_TCP_ACK) == 0 || (flags & TCPIP_TCP_RST) != 0)
        return;
    if (!note->agreed &&
        !note->syn_heard) { /* another connection had this note in between: the peer's SYN is forgotten */
        memset(note, 0, sizeof(*note));
        return;
    }
    if (!note->agreed) { /* by what the last SYN said that came before this */
        note->peer_scales = note->syn_scales;
        note->agreed = true;
    }
    /* Of two handshakes for one flow, as when a cookie's ACK comes after its SYN came again, one is looked at. */
    if (tcpip_tcp_sequence(tcp) - note->syn_seq > WIRE_STREAM_MAX)
        return;
    /* Who has forgotten a connection answers its SYN, come late, with the cookie that it answered with before. */
    if (syn && note->known && ack == note->first_ack && ack != note->ack && judge_cookies_sent(host->sim, host->index))
        note->known = false;
    uint32_t scale = !syn && note->peer_scales ? note->scale : 0, edge = ack + (window << scale);
    wire_sacks(host, &options, ack);
    if (note->known && (int32_t)(ack - note->ack) < 0)
        sim_fail(host->sim, "host %u acknowledges %u after %u", host->index, ack, note->ack);
    else if (note->known && !syn && (int32_t)(note->edge - edge) >= 1 << note->scale)
        sim_fail(host->sim, "host %u takes its window back, by %u bytes: acknowledges %u, window %u", host->index,
                 note->edge - edge, ack, window << scale);
    if (!note->known || (int32_t)(edge - note->edge) > 0)
        note->edge = edge;
    if (syn)
        note->first_ack = ack;
    note->ack = ack;
    note->known = true;
}

/* A late segment may carry a cookie that is still good, though the connection it opened came and went: a connection
 * opens for it, which a reset ends soon, and begins with what that segment carries. What the one before it had
 * acknowledged, more than its SYN, isn't held against it. */
static void wire_opened(struct sim_host *host, const struct tcpip_event *event)
{
    struct wire_note *note = host->wire_heard;
    if (note == NULL || event->values[0] != TCPIP_TCP_CLOSED || event->values[1] != TCPIP_TCP_ESTABLISHED)
        return;
    if (note->ack != note->first_ack)
        note->known = false;
}

/* A SYN that was taken note of as it came in, perhaps with others, and that nobody else has heard. */
static void wire_unhear(struct sim_host *host, const struct tcpip_event *event)
{
    uint8_t key[WIRE_KEY_BYTES];
    if (event->bytes == NULL || wire_find(event->bytes, event->bytes_count, false, key) == NULL)
        return;
    struct wire_note *note = wire_note_of(host, key);
    if (memcmp(note->key, key, WIRE_KEY_BYTES) == 0)
        note->syn_scales = note->syn_scaled;
}

void wire_look(struct sim_host *host, const struct tcpip_event *event)
{
    uint8_t key[WIRE_KEY_BYTES];
    bool outbound = event->kind == TCPIP_EVENT_PACKET_OUT;
    if (event->kind == TCPIP_EVENT_TCP_STATE)
        wire_opened(host, event);
    if (event->kind == TCPIP_EVENT_PACKET_DROP && event->values[0] == TCPIP_DROP_TCP_BAD_CHECKSUM)
        wire_unhear(host, event);
    if (event->kind == TCPIP_EVENT_PACKET_IN)
        host->wire_heard = NULL;
    if (host->sim->plan->hostile_packets > 0 || event->bytes == NULL ||
        (!outbound && event->kind != TCPIP_EVENT_PACKET_IN))
        return;
    const uint8_t *tcp = wire_find(event->bytes, event->bytes_count, outbound, key);
    if (tcp == NULL)
        return;
    struct wire_note *note = wire_note_of(host, key);
    bool syn = (tcpip_tcp_flags(tcp) & TCPIP_TCP_SYN) != 0;
    if (memcmp(note->key, key, WIRE_KEY_BYTES) != 0) {
        bool answer = (tcpip_tcp_flags(tcp) & TCPIP_TCP_ACK) != 0;
        if (!syn || answer)
            return; /* it was forgotten, or never began */
        memset(note, 0, sizeof(*note));
        memcpy(note->key, key, WIRE_KEY_BYTES);
    }
    if (outbound) {
        wire_out(host, note, tcp);
        return;
    }
    host->wire_heard = note;
    note->syn_scaled = note->syn_scales;
    if (syn) {
        struct tcpip_tcp_options options;
        (void)tcpip_tcp_options_parse(tcp, tcpip_tcp_header_bytes(tcp), &options); /* what can be read of them counts */
        note->syn_heard = true;
        note->syn_scales = (options.present & TCPIP_TCP_HAS_WINDOW_SCALE) != 0;
    }
}
