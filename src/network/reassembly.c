// SPDX-License-Identifier: MIT
/* reassembly.c: datagrams from fragments (RFC 791 3.2, RFC 815, RFC 8200 4.5, RFC 5722).
 *
 * A datagram in reassembly is a sorted list of disjoint pieces; because they are disjoint, it is whole when the bytes
 * received add up to the total that the last fragment told. Nearly all fragments come in order, so a new piece looks
 * for its place from the end. A piece is the fragment's packet with the network header cut off; the header of the first
 * fragment is kept aside, to begin the whole datagram with, or to be quoted by an ICMP error.
 *
 * Everything here is driven by strangers. So:
 *   overlap     no honest sender overlaps: the datagram is spoiled, its pieces go, and a tombstone stays until the
 *               timer, so that late fragments can't begin it anew (RFC 5722 3; for IPv4 too: teardrop and its
 *               children). The same bytes at the same place again are a duplicate made by the network, and ignored
 *               (RFC 8200 4.5).
 *   lies        two ends, data behind the end: spoiled like an overlap.
 *   many        at most IP_REASSEMBLY_PIECES_MAX pieces, so that a search is short and 8-byte fragments don't pay;
 *               limits.fragment_datagrams and limits.fragment_bytes: the oldest datagram goes.
 *   pinning     what counts against the limit is what a piece keeps from being freed, not what it carries; a small
 *               piece of a large buffer, or one in the link's own memory, is copied first.
 *   patience    60 s for IPv6 (RFC 8200), 30 s for IPv4 (Linux's; RFC 1122 3.3.2 wants 60 to 120, which serves floods
 *               more than it serves users). Then an ICMP error, if the first fragment is there.
 *
 * Owns:       struct ip_reassembly and every packet that waits in it.
 * Invariants: pieces are ascending, disjoint, not empty; received_bytes is their sum; total_bytes, once known, is the
 *             end of the last piece there can be; charged_bytes is the sum over all pieces.
 *             tcpip__ip_reassembly_check.
 * Not here:   what makes a fragment malformed (ipv4_input.c, ipv6_input.c); rewriting the header of the whole. */
#include "network/reassembly.h"

#include "base/math.h"

static const tcpip_ns IP_REASSEMBLY_TIMEOUT_V4_NS = 30 * TCPIP_SECOND;
static const tcpip_ns IP_REASSEMBLY_TIMEOUT_V6_NS = 60 * TCPIP_SECOND;

enum {
    IP_REASSEMBLY_SLACK = 1024, /* a piece may pin its own size once more, and this; else it is copied */
    ECN_NOT_ECT = 0,
    ECN_CE = 3,
};

struct reassembly_piece {
    struct tcpip_list_node node;
    struct tcpip_packet *packet; /* payload only; keeps what was learned of the fragment */
    uint32_t begin, end;
    uint32_t charge_bytes;
};

struct reassembly_datagram {
    struct hash_node hash;
    struct tcpip_list_node age;
    struct tcpip_timer timer;
    struct ip_reassembly *owner;
    struct reassembly_key key;
    struct list pieces;
    uint32_t piece_count;
    uint32_t received_bytes;
    uint32_t total_bytes;  /* 0: the last fragment isn't here yet */
    uint32_t header_bytes; /* 0: the first fragment isn't here yet */
    uint8_t ecn_seen;      /* bit n: a fragment with codepoint n */
    bool spoiled;          /* a tombstone: no pieces, takes no more */
    uint8_t header[IP_REASSEMBLY_HEADER_MAX];
};

STATIC_ASSERT(sizeof(struct reassembly_key) == 44);

static uint32_t reassembly_rehash(const struct hash_key *key, const struct hash_node *node)
{
    const struct reassembly_datagram *d = hash_entry(node, struct reassembly_datagram, hash);
    return tcpip__hash_bytes(key, &d->key, sizeof(d->key));
}

static const struct hash_table_ops reassembly_table_ops = {.hash = reassembly_rehash};

static struct tcpip_stats_ip *reassembly_stats(const struct reassembly_datagram *d)
{
    struct tcpip_stats *stats = &d->owner->stack->stats;
    return d->key.family == 4 ? &stats->ipv4 : &stats->ipv6;
}

static struct reassembly_piece *piece_of(struct tcpip_list_node *node)
{
    return node == NULL ? NULL : list_entry(node, struct reassembly_piece, node);
}

/* Out of its datagram; the packet is the caller's. */
static struct tcpip_packet *piece_take(struct reassembly_datagram *d, struct reassembly_piece *piece)
{
    struct tcpip_packet *packet = piece->packet;
    list_remove(&piece->node);
    d->piece_count--;
    d->received_bytes -= piece->end - piece->begin;
    d->owner->charged_bytes -= piece->charge_bytes;
    tcpip__pool_put(&d->owner->pieces, piece);
    return packet;
}

static void datagram_drop_pieces(struct reassembly_datagram *d, enum tcpip_drop reason)
{
    struct tcpip_list_node *node;
    while ((node = list_first(&d->pieces)) != NULL)
        tcpip_packet_drop(piece_take(d, piece_of(node)), reason);
}

static void datagram_free(struct reassembly_datagram *d)
{
    struct ip_reassembly *r = d->owner;
    ASSERT(list_empty(&d->pieces) && d->received_bytes == 0);
    stack_timer_cancel(r->stack, &d->timer);
    list_remove(&d->age);
    tcpip__hash_table_remove(&r->table, &d->hash);
    r->count--;
    tcpip__pool_put(&r->datagrams, d);
}

/* Ends a datagram that will never be whole. */
static void datagram_fail(struct reassembly_datagram *d, enum tcpip_drop reason)
{
    if (!d->spoiled)
        reassembly_stats(d)->reassembly_failures++;
    datagram_drop_pieces(d, reason);
    datagram_free(d);
}

/* A fragment that contradicts others: none of them can be believed, and neither can those that follow. */
static void datagram_spoil(struct reassembly_datagram *d, struct tcpip_packet *packet, enum tcpip_drop reason)
{
    reassembly_stats(d)->reassembly_failures++;
    d->spoiled = true;
    datagram_drop_pieces(d, reason);
    tcpip_packet_drop(packet, reason);
}

/* The first fragment as it came is put together again, to be quoted. */
static void datagram_send_timeout(struct reassembly_datagram *d)
{
    struct reassembly_piece *first = piece_of(list_first(&d->pieces));
    if (first == NULL || d->header_bytes == 0)
        return;
    ASSERT(first->begin == 0);
    struct tcpip_packet *quote = tcpip_packet_clone(first->packet);
    if (quote == NULL)
        return;
    uint8_t *header = tcpip_packet_push(quote, d->header_bytes);
    if (header != NULL) {
        memcpy(header, d->header, d->header_bytes);
        tcpip__send_icmp_error(quote, TCPIP_ICMP_REASSEMBLY_TIMEOUT, 0);
    }
    tcpip_packet_free(quote);
}

static void datagram_timeout(struct tcpip_timer *timer, tcpip_ns now)
{
    struct reassembly_datagram *d = container_of(timer, struct reassembly_datagram, timer);
    (void)now;
    if (!d->spoiled) {
        reassembly_stats(d)->reassembly_timeouts++;
        datagram_send_timeout(d);
    }
    datagram_fail(d, TCPIP_DROP_FRAGMENT_TIMEOUT);
}

static struct reassembly_datagram *datagram_find(struct ip_reassembly *r, const struct reassembly_key *key)
{
    uint32_t hash = tcpip__hash_bytes(&r->table.key, key, sizeof(*key));
    hash_table_for_each(node, &r->table, hash)
    {
        struct reassembly_datagram *d = hash_entry(node, struct reassembly_datagram, hash);
        if (node->hash == hash && memcmp(&d->key, key, sizeof(*key)) == 0)
            return d;
    }
    return NULL;
}

/* NULL: out of memory. At the limit the oldest makes room. */
static struct reassembly_datagram *datagram_new(struct ip_reassembly *r, const struct reassembly_key *key)
{
    struct tcpip_stack *stack = r->stack;
    if (r->count > 0 && r->count >= stack->limits.fragment_datagrams)
        datagram_fail(list_entry(list_first(&r->ages), struct reassembly_datagram, age), TCPIP_DROP_FRAGMENT_LIMIT);

    struct reassembly_datagram *d = tcpip__pool_zget(&r->datagrams);
    if (d == NULL)
        return NULL;
    d->owner = r;
    d->key = *key;
    list_init(&d->pieces);
    list_push_back(&r->ages, &d->age);
    tcpip__hash_table_insert(&r->table, &d->hash, tcpip__hash_bytes(&r->table.key, key, sizeof(*key)));
    r->count++;
    d->timer.fn = datagram_timeout;
    stack_timer_set(stack, &d->timer,
                    tcpip__stack_now(stack) +
                        (key->family == 4 ? IP_REASSEMBLY_TIMEOUT_V4_NS : IP_REASSEMBLY_TIMEOUT_V6_NS));
    return d;
}

/* ---- one piece ---- */

static uint32_t packet_pinned_bytes(const struct tcpip_packet *packet)
{
    uint32_t bytes = (uint32_t)sizeof(*packet);
    for (uint32_t i = 0; i < packet->view_count; i++)
        bytes = sat_add_u32(bytes, packet->views[i].buffer->true_bytes);
    return bytes;
}

/* What the network layer and the link have learned, from a packet to the one that takes its place. */
static void packet_inherit(struct tcpip_packet *to, const struct tcpip_packet *from)
{
    to->nic = from->nic;
    to->at = from->at;
    to->link_protocol = from->link_protocol;
    to->type = from->type;
    to->hash = from->hash;
    to->mark = from->mark;
    to->link_source = from->link_source;
    to->link_destination = from->link_destination;
    to->network = from->network;
}

/* The packet to keep: itself, or a copy that pins no more than it needs. NULL: out of memory, and it was dropped. */
static struct tcpip_packet *piece_unpin(struct ip_reassembly *r, struct tcpip_packet *packet)
{
    uint64_t fair = 2 * (uint64_t)packet->length + IP_REASSEMBLY_SLACK;
    if (!packet_holds_lent(packet) && packet_pinned_bytes(packet) <= fair)
        return packet;
    struct tcpip_packet *copy = tcpip_packet_copy(r->stack, packet);
    if (copy == NULL) {
        tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
        return NULL;
    }
    tcpip_packet_free(packet);
    return copy;
}

/* True if both carry the same bytes. */
static bool packet_same_bytes(const struct tcpip_packet *a, const struct tcpip_packet *b)
{
    uint8_t left[256], right[256];
    if (a->length != b->length)
        return false;
    for (uint32_t at = 0; at < a->length; at += sizeof(left)) {
        size_t n = tcpip_packet_copy_out(a, at, left, sizeof(left));
        if (tcpip_packet_copy_out(b, at, right, sizeof(right)) != n || memcmp(left, right, n) != 0)
            return false;
    }
    return true;
}

/* The last piece that doesn't begin behind `begin`; NULL: all do. From the end, where the new one nearly always goes.
 */
static struct reassembly_piece *piece_before(const struct reassembly_datagram *d, uint32_t begin)
{
    struct tcpip_list_node *node = list_last(&d->pieces);
    while (node != NULL && piece_of(node)->begin > begin)
        node = list_prev(&d->pieces, node);
    return piece_of(node);
}

enum fragment_fit { FRAGMENT_FITS, FRAGMENT_REPEATS, FRAGMENT_OVERLAPS, FRAGMENT_LIES };

/* Whether a fragment agrees with what is known. `packet`: its payload. */
static enum fragment_fit datagram_fit(const struct reassembly_datagram *d, const struct reassembly_fragment *fragment,
                                      const struct tcpip_packet *packet, struct reassembly_piece **before)
{
    struct reassembly_piece *last = piece_of(list_last(&d->pieces));
    if (d->total_bytes != 0 && (fragment->end > d->total_bytes || (!fragment->more && fragment->end != d->total_bytes)))
        return FRAGMENT_LIES; /* behind the end, or a second end */
    if (!fragment->more && last != NULL && fragment->end < last->end)
        return FRAGMENT_LIES;

    *before = piece_before(d, fragment->begin);
    struct reassembly_piece *after =
        piece_of(*before == NULL ? list_first(&d->pieces) : list_next(&d->pieces, &(*before)->node));
    if (*before != NULL && (*before)->begin == fragment->begin && (*before)->end == fragment->end)
        return packet_same_bytes((*before)->packet, packet) ? FRAGMENT_REPEATS : FRAGMENT_OVERLAPS;
    if ((*before != NULL && (*before)->end > fragment->begin) || (after != NULL && after->begin < fragment->end))
        return FRAGMENT_OVERLAPS;
    return FRAGMENT_FITS;
}

/* False: out of memory, packet dropped. */
static bool datagram_insert(struct reassembly_datagram *d, struct tcpip_packet *packet,
                            const struct reassembly_fragment *fragment, struct reassembly_piece *before)
{
    struct ip_reassembly *r = d->owner;
    struct reassembly_piece *piece = tcpip__pool_zget(&r->pieces);
    if (piece == NULL) {
        tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
        return false;
    }
    packet = piece_unpin(r, packet);
    if (packet == NULL) {
        tcpip__pool_put(&r->pieces, piece);
        return false;
    }
    piece->packet = packet;
    piece->begin = fragment->begin;
    piece->end = fragment->end;
    piece->charge_bytes = sat_add_u32(packet_pinned_bytes(packet), (uint32_t)sizeof(*piece));
    if (before == NULL)
        list_push_front(&d->pieces, &piece->node);
    else
        list_insert_after(&before->node, &piece->node);
    d->piece_count++;
    d->received_bytes += fragment->end - fragment->begin;
    r->charged_bytes += piece->charge_bytes;
    if (!fragment->more)
        d->total_bytes = fragment->end;
    d->ecn_seen |= (uint8_t)(1u << (packet->network.tos & 3u));
    return true;
}

/* ---- the whole ---- */

/* True if the pieces can be strung together without touching a byte: all but the first lie in views alone, the views
 * are few enough, and the header fits in front. */
static bool datagram_joins(const struct reassembly_datagram *d)
{
    uint32_t views = 0;
    list_for_each(node, &d->pieces)
    {
        const struct reassembly_piece *piece = list_entry(node, struct reassembly_piece, node);
        views += piece->packet->view_count;
        if (piece->begin == 0 ? piece->packet->head < d->header_bytes : piece->packet->head != piece->packet->tail)
            return false;
    }
    return views <= TCPIP_PACKET_VIEWS;
}

static struct tcpip_packet *datagram_join(struct reassembly_datagram *d)
{
    struct tcpip_packet *whole = piece_take(d, piece_of(list_first(&d->pieces)));
    struct tcpip_list_node *node;
    while ((node = list_first(&d->pieces)) != NULL) {
        struct tcpip_packet *packet = piece_take(d, piece_of(node));
        for (uint32_t i = 0; i < packet->view_count; i++) {
            bool appended = tcpip_packet_append_view(whole, packet->views[i]);
            ASSERT(appended);
        }
        packet->view_count = 0; /* the references went along */
        packet->length = 0;
        tcpip_packet_free(packet);
    }
    return whole;
}

/* Into one new buffer; NULL: out of memory. The pieces go either way. */
static struct tcpip_packet *datagram_copy(struct reassembly_datagram *d)
{
    struct tcpip_stack *stack = d->owner->stack;
    struct tcpip_packet *whole = tcpip_packet_new(stack);
    struct tcpip_buffer *buffer = tcpip_buffer_new(stack, d->total_bytes);
    if (whole == NULL || buffer == NULL) {
        datagram_drop_pieces(d, TCPIP_DROP_NO_MEMORY);
        if (buffer != NULL)
            buffer_unref(buffer);
        if (whole != NULL)
            tcpip_packet_free(whole);
        return NULL;
    }
    struct tcpip_view view = {buffer, 0, d->total_bytes};
    bool appended = tcpip_packet_append_view(whole, view);
    ASSERT(appended);
    packet_inherit(whole, piece_of(list_first(&d->pieces))->packet);
    struct tcpip_list_node *node;
    while ((node = list_first(&d->pieces)) != NULL) {
        uint32_t at = piece_of(node)->begin;
        struct tcpip_packet *packet = piece_take(d, piece_of(node));
        tcpip_packet_copy_out(packet, 0, buffer->data + at, packet->length);
        tcpip_packet_free(packet);
    }
    return whole;
}

/* RFC 3168 5.3: a mark on any fragment is a mark on the datagram, unless a fragment said that it can't be marked. */
static bool datagram_ecn(const struct reassembly_datagram *d, uint8_t first, uint8_t *ecn)
{
    bool marked = (d->ecn_seen & 1u << ECN_CE) != 0;
    *ecn = marked ? ECN_CE : first;
    return !(marked && (d->ecn_seen & 1u << ECN_NOT_ECT) != 0);
}

static bool datagram_complete(struct reassembly_datagram *d, struct reassembled *out)
{
    struct tcpip_stats_ip *stats = reassembly_stats(d);
    struct reassembly_piece *first = piece_of(list_first(&d->pieces));

    if (!datagram_ecn(d, first->packet->network.tos & 3u, &out->ecn)) {
        datagram_fail(d, TCPIP_DROP_FRAGMENT_MALFORMED);
        return false;
    }
    struct tcpip_packet *whole = datagram_joins(d) ? datagram_join(d) : datagram_copy(d);
    if (whole != NULL) {
        uint8_t *header = tcpip_packet_push(whole, d->header_bytes);
        ASSERT(header != NULL);
        memcpy(header, d->header, d->header_bytes);
        whole->network_offset = 0;
        whole->checksum = TCPIP_CHECKSUM_NONE; /* a link's word about one fragment says nothing of the whole */
        out->packet = whole;
        out->header_bytes = d->header_bytes;
        stats->reassembled++;
    } else {
        stats->reassembly_failures++;
    }
    datagram_free(d);
    return whole != NULL;
}

/* Takes the oldest until what waits is within the limit; false: `d` itself went. */
static bool reassembly_make_room(struct ip_reassembly *r, const struct reassembly_datagram *d)
{
    while (r->charged_bytes > r->stack->limits.fragment_bytes) {
        struct reassembly_datagram *oldest = list_entry(list_first(&r->ages), struct reassembly_datagram, age);
        datagram_fail(oldest, TCPIP_DROP_FRAGMENT_LIMIT);
        if (oldest == d)
            return false;
    }
    return true;
}

/* ---- the life of the whole ---- */

enum tcpip_error tcpip__ip_reassembly_init(struct ip_reassembly *r, struct tcpip_stack *stack)
{
    r->stack = stack;
    r->count = 0;
    r->charged_bytes = 0;
    if (!tcpip__hash_table_init(&r->table, &stack->memory, &reassembly_table_ops, rng_u64(&stack->rng)))
        return TCPIP_ERR_NO_MEMORY;
    list_init(&r->ages);
    tcpip__pool_init(&r->datagrams, &stack->memory, sizeof(struct reassembly_datagram),
                     _Alignof(struct reassembly_datagram), 0);
    tcpip__pool_init(&r->pieces, &stack->memory, sizeof(struct reassembly_piece), _Alignof(struct reassembly_piece), 0);
    return TCPIP_OK;
}

void tcpip__ip_reassembly_fini(struct ip_reassembly *r)
{
    struct tcpip_list_node *node;
    while ((node = list_first(&r->ages)) != NULL)
        datagram_fail(list_entry(node, struct reassembly_datagram, age), TCPIP_DROP_NIC_REMOVED);
    tcpip__pool_fini(&r->pieces);
    tcpip__pool_fini(&r->datagrams);
    tcpip__hash_table_fini(&r->table);
}

bool tcpip__ip_reassembly_add(struct ip_reassembly *r, struct tcpip_packet *packet,
                              const struct reassembly_fragment *fragment, struct reassembled *out)
{
    struct reassembly_datagram *d = datagram_find(r, &fragment->key);
    struct reassembly_piece *before = NULL;
    bool first = fragment->begin == 0;
    uint8_t header[IP_REASSEMBLY_HEADER_MAX];

    ASSERT(fragment->begin < fragment->end && (!first || fragment->header_bytes <= sizeof(header)));
    if (d != NULL && d->spoiled) {
        tcpip_packet_drop(packet, TCPIP_DROP_FRAGMENT_OVERLAP);
        return false;
    }
    if (d == NULL && (d = datagram_new(r, &fragment->key)) == NULL) {
        tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
        return false;
    }
    if (first)
        tcpip_packet_copy_out(packet, packet->network_offset, header, fragment->header_bytes);
    tcpip_packet_trim_front(packet, packet->network_offset + fragment->header_bytes);
    tcpip_packet_cap_length(packet, fragment->end - fragment->begin);
    packet->network_offset = 0;
    /* Whatever a link said of one fragment, it isn't true of the whole. */
    packet->gso = TCPIP_GSO_NONE;
    packet->gso_size = packet->gso_segments = 0;

    switch (datagram_fit(d, fragment, packet, &before)) {
    case FRAGMENT_REPEATS:
        tcpip_packet_drop(packet, TCPIP_DROP_FRAGMENT_DUPLICATE);
        return false;
    case FRAGMENT_OVERLAPS:
        datagram_spoil(d, packet, TCPIP_DROP_FRAGMENT_OVERLAP);
        return false;
    case FRAGMENT_LIES:
        datagram_spoil(d, packet, TCPIP_DROP_FRAGMENT_MALFORMED);
        return false;
    case FRAGMENT_FITS:
        break;
    }
    if (d->piece_count == IP_REASSEMBLY_PIECES_MAX) {
        datagram_spoil(d, packet, TCPIP_DROP_FRAGMENT_LIMIT);
        return false;
    }
    if (!datagram_insert(d, packet, fragment, before)) {
        if (d->piece_count == 0)
            datagram_fail(d, TCPIP_DROP_NO_MEMORY);
        return false;
    }
    if (first) {
        memcpy(d->header, header, fragment->header_bytes);
        d->header_bytes = fragment->header_bytes;
    }
    if (d->received_bytes == d->total_bytes)
        return datagram_complete(d, out);
    (void)reassembly_make_room(r, d);
    return false;
}

void tcpip__ip_reassembly_flush(struct ip_reassembly *r, const struct tcpip_nic *nic)
{
    list_for_each_safe(node, following, &r->ages)
    {
        struct reassembly_datagram *d = list_entry(node, struct reassembly_datagram, age);
        bool touched = false;
        list_for_each(piece, &d->pieces) touched |=
            list_entry(piece, struct reassembly_piece, node)->packet->nic == nic;
        if (touched)
            datagram_fail(d, TCPIP_DROP_NIC_REMOVED);
    }
}

void tcpip__ip_reassembly_check(const struct ip_reassembly *r)
{
    uint64_t charged_bytes = 0;
    uint32_t count = 0;
    list_for_each(age, &r->ages)
    {
        const struct reassembly_datagram *d = list_entry(age, struct reassembly_datagram, age);
        uint32_t at = 0, bytes = 0, pieces = 0;
        list_for_each(node, &d->pieces)
        {
            const struct reassembly_piece *piece = list_entry(node, struct reassembly_piece, node);
            ASSERT(piece->begin >= at && piece->end > piece->begin);
            ASSERT(piece->packet->length == piece->end - piece->begin);
            at = piece->end;
            bytes += piece->end - piece->begin;
            charged_bytes += piece->charge_bytes;
            pieces++;
        }
        ASSERT(bytes == d->received_bytes && pieces == d->piece_count && pieces <= IP_REASSEMBLY_PIECES_MAX);
        ASSERT(d->total_bytes == 0 || d->spoiled || at <= d->total_bytes);
        ASSERT(!d->spoiled || pieces == 0);
        count++;
    }
    ASSERT(count == r->count && charged_bytes == r->charged_bytes);
}
