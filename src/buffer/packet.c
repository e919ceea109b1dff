// SPDX-License-Identifier: MIT
/* packet.c: packets: making, cutting, reading, copying, freeing.
 *
 * A packet's bytes lie in pieces: piece 0 is room[head..tail), piece k is views[k - 1]. Most packets have two (headers
 * in the room, payload in one view) or one (as received), and the inline functions of packet.h serve those; what is
 * here walks the pieces.
 *
 * The struct is some 600 bytes, and a new packet has 136 of them written: the views and the room are garbage until
 * they are used. Making and freeing one is on the path of every segment.
 *
 * Owns:        the packet pool, and through each packet one reference per view.
 * Invariants:  tcpip__packet_check.
 * Not here:    what needs a stack (tcpip_packet_new, _copy, _drop: stack/), segmenting and merging (stack/gso, gro).
 */
#include "base/assert.h"
#include "base/math.h"
#include "buffer/pools.h"

#include <stdalign.h>
#include <string.h>

enum {
    /* A copied packet up to this size lies in its own room, without a buffer: ACKs and small requests cost one pool
     * operation, and room for a link header is left in front. */
    PACKET_COPY_ROOM_MAX = 128,
    PACKET_BUFFER_MAX = 65728,
};

void tcpip__packet_pool_init(struct tcpip_packet_pool *pool, struct memory *memory, struct tcpip_buffer_pools *buffers,
                             struct tcpip_stack *stack)
{
    tcpip__pool_init(&pool->pool, memory, sizeof(struct tcpip_packet), alignof(struct tcpip_packet), 0);
    pool->buffers = buffers;
    pool->stack = stack;
    pool->checksum = tcpip_checksum_ops_best();
}

void tcpip__packet_pool_fini(struct tcpip_packet_pool *pool)
{
    tcpip__pool_fini(&pool->pool);
}

struct tcpip_packet *tcpip__packet_new(struct tcpip_packet_pool *pool)
{
    struct tcpip_packet *packet = pool_get(&pool->pool);
    if (unlikely(packet == NULL))
        return NULL;
    memset(packet, 0, offsetof(struct tcpip_packet, views));
    packet->pool = pool;
    packet->head = packet->tail = TCPIP_PACKET_ROOM;
    return packet;
}

void tcpip_packet_free(struct tcpip_packet *packet)
{
    for (uint32_t i = 0; i < packet->view_count; i++)
        buffer_unref(packet->views[i].buffer);
    pool_put(&packet->pool->pool, packet);
}

void tcpip_packet_list_append(struct tcpip_packet_list *list, struct tcpip_packet_list *from)
{
    if (from->head == NULL)
        return;
    if (list->tail != NULL)
        list->tail->next = from->head;
    else
        list->head = from->head;
    list->tail = from->tail;
    list->count += from->count;
    *from = tcpip_packet_list_init();
}

void tcpip_packet_list_free(struct tcpip_packet_list *list)
{
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(list)) != NULL;)
        tcpip_packet_free(packet);
}

void tcpip__packet_check(const struct tcpip_packet *packet)
{
    ASSERT(packet->head <= packet->tail && packet->tail <= TCPIP_PACKET_ROOM);
    ASSERT(packet->view_count <= TCPIP_PACKET_VIEWS);
    uint32_t length = (uint32_t)(packet->tail - packet->head);
    for (uint32_t i = 0; i < packet->view_count; i++) {
        const struct tcpip_view *view = &packet->views[i];
        ASSERT(view->buffer->refs > 0);
        ASSERT(view->length <= view->buffer->size && view->offset <= view->buffer->size - view->length);
        ASSERT(view->buffer->owner == packet->pool->buffers);
        length += view->length;
    }
    ASSERT(packet->length == length);
}

/* ---- pieces ---- */

struct packet_piece {
    const uint8_t *data;
    uint32_t length;
};

static inline struct packet_piece piece_at(const struct tcpip_packet *packet, uint32_t index)
{
    if (index == 0)
        return (struct packet_piece){packet->room + packet->head, (uint32_t)(packet->tail - packet->head)};
    const struct tcpip_view *view = &packet->views[index - 1];
    return (struct packet_piece){tcpip_view_data(view), view->length};
}

size_t tcpip_packet_copy_out(const struct tcpip_packet *packet, uint32_t offset, void *out, size_t size)
{
    uint8_t *to = out;
    size_t done = 0;
    for (uint32_t i = 0; i <= packet->view_count && done < size; i++) {
        struct packet_piece piece = piece_at(packet, i);
        if (offset >= piece.length) {
            offset -= piece.length;
            continue;
        }
        size_t part = min_size(piece.length - offset, size - done);
        memcpy(to + done, piece.data + offset, part);
        done += part;
        offset = 0;
    }
    return done;
}

uint16_t tcpip_packet_checksum(const struct tcpip_packet *packet, uint32_t offset, uint32_t count, uint16_t initial)
{
    ASSERT(count <= packet->length && offset <= packet->length - count);
    const struct tcpip_checksum_ops *ops = packet->pool->checksum;
    uint16_t sum = initial;
    uint32_t done = 0;
    for (uint32_t i = 0; done < count; i++) {
        struct packet_piece piece = piece_at(packet, i);
        if (offset >= piece.length) {
            offset -= piece.length;
            continue;
        }
        uint32_t part = min_u32(piece.length - offset, count - done);
        sum = tcpip_checksum_combine_at(sum, ops->sum(piece.data + offset, part, 0), done);
        done += part;
        offset = 0;
    }
    return sum;
}

/* ---- cutting ---- */

/* Takes the views [from, to) out of the array; their references are the caller's matter. */
static void views_remove(struct tcpip_packet *packet, uint32_t from, uint32_t to)
{
    memmove(&packet->views[from], &packet->views[to], (packet->view_count - to) * sizeof(packet->views[0]));
    packet->view_count = (uint8_t)(packet->view_count - (to - from));
}

void tcpip_packet_trim_front(struct tcpip_packet *packet, uint32_t count)
{
    ASSERT(count <= packet->length);
    packet->length -= count;
    uint32_t in_room = (uint32_t)(packet->tail - packet->head);
    if (count <= in_room) {
        packet->head = (uint16_t)(packet->head + count);
        return;
    }
    packet->head = packet->tail;
    count -= in_room;
    uint32_t gone = 0;
    while (gone < packet->view_count && count >= packet->views[gone].length) {
        count -= packet->views[gone].length;
        buffer_unref(packet->views[gone].buffer);
        gone++;
    }
    if (gone > 0)
        views_remove(packet, 0, gone);
    if (count > 0)
        tcpip_view_trim_front(&packet->views[0], count);
}

void tcpip_packet_cap_length(struct tcpip_packet *packet, uint32_t length)
{
    if (length >= packet->length)
        return;
    packet->length = length;
    uint32_t part = min_u32(length, (uint32_t)(packet->tail - packet->head));
    packet->tail = (uint16_t)(packet->head + part);
    length -= part;
    uint32_t kept = 0;
    for (; length > 0; kept++) {
        tcpip_view_cap_length(&packet->views[kept], length);
        length -= packet->views[kept].length;
    }
    for (uint32_t i = kept; i < packet->view_count; i++)
        buffer_unref(packet->views[i].buffer);
    packet->view_count = (uint8_t)kept;
}

/* ---- joining ---- */

enum tcpip_error tcpip_packet_append(struct tcpip_packet *packet, const void *data, size_t size)
{
    const uint8_t *from = data;
    size_t needed = size / PACKET_BUFFER_MAX + (size % PACKET_BUFFER_MAX != 0);
    if (needed > TCPIP_PACKET_VIEWS - (size_t)packet->view_count)
        return TCPIP_ERR_MESSAGE_TOO_LONG;
    uint32_t before = packet->length;
    while (size > 0) {
        uint32_t part = (uint32_t)min_size(size, PACKET_BUFFER_MAX);
        struct tcpip_buffer *buffer = tcpip__buffer_new(packet->pool->buffers, part);
        if (buffer == NULL) {
            tcpip_packet_cap_length(packet, before);
            return TCPIP_ERR_NO_MEMORY;
        }
        memcpy(buffer->data, from, part);
        bool appended = tcpip_packet_append_view(packet, (struct tcpip_view){buffer, 0, part});
        ASSERT(appended);
        from += part;
        size -= part;
    }
    return TCPIP_OK;
}

/* Widens [*offset, *end) to whole pieces. */
static void widen_to_pieces(const struct tcpip_packet *packet, uint32_t *offset, uint32_t *end)
{
    uint32_t first = *offset, last = *end, at = 0;
    for (uint32_t i = 0; i <= packet->view_count; i++) {
        uint32_t next = at + piece_at(packet, i).length;
        if (at <= first && first < next)
            *offset = at;
        if (at < last && last <= next)
            *end = next;
        at = next;
    }
}

/* Puts `buffer`, which holds a copy of the packet's bytes [offset, end), in the place of those bytes; end lies in a
 * view. */
static void replace_range(struct tcpip_packet *packet, uint32_t offset, uint32_t end, struct tcpip_buffer *buffer)
{
    uint32_t at = (uint32_t)(packet->tail - packet->head), i = 0;
    if (offset < at)
        packet->tail = (uint16_t)(packet->head + offset);
    while (i < packet->view_count && at + packet->views[i].length <= offset)
        at += packet->views[i++].length;
    if (at < offset) { /* of the view where the range begins the front stays */
        uint32_t stays = offset - at;
        at += packet->views[i].length;
        packet->views[i++].length = stays;
    }
    uint32_t covered = i;
    while (covered < packet->view_count && at + packet->views[covered].length <= end) {
        at += packet->views[covered].length;
        buffer_unref(packet->views[covered++].buffer);
    }
    if (at < end) /* and of the one where it ends the rest */
        tcpip_view_trim_front(&packet->views[covered], end - at);
    if (covered > i) {
        views_remove(packet, i + 1, covered);
    } else {
        memmove(&packet->views[i + 1], &packet->views[i], (packet->view_count - i) * sizeof(packet->views[0]));
        packet->view_count++;
    }
    packet->views[i] = (struct tcpip_view){buffer, 0, end - offset};
}

/* The range in one buffer of its own. Only what was asked for is copied, unless the view array is full: then whole
 * pieces are merged, which never needs more views than there were. */
static uint8_t *pull_together(struct tcpip_packet *packet, uint32_t offset, uint32_t count)
{
    uint32_t from = offset, end = offset + count;
    if (packet->view_count == TCPIP_PACKET_VIEWS)
        widen_to_pieces(packet, &from, &end);
    struct tcpip_buffer *buffer = tcpip__buffer_new(packet->pool->buffers, end - from);
    if (buffer == NULL)
        return NULL;
    tcpip_packet_copy_out(packet, from, buffer->data, end - from);
    replace_range(packet, from, end, buffer);
    return buffer->data + (offset - from);
}

uint8_t *tcpip_packet_pull_slow(struct tcpip_packet *packet, uint32_t offset, uint32_t count)
{
    if (count > packet->length || offset > packet->length - count)
        return NULL;
    if (count == 0)
        return packet->room + packet->head;
    uint32_t in_room = (uint32_t)(packet->tail - packet->head);
    if (offset + count <= in_room)
        return packet->room + packet->head + offset;
    if (offset >= in_room) {
        uint32_t at = in_room, i = 0;
        while (offset - at >= packet->views[i].length)
            at += packet->views[i++].length;
        if (count <= packet->views[i].length - (offset - at))
            return tcpip_view_data(&packet->views[i]) + (offset - at);
    }
    return pull_together(packet, offset, count);
}

/* ---- copying ---- */

struct tcpip_packet *tcpip_packet_clone(const struct tcpip_packet *packet)
{
    struct tcpip_packet *clone = pool_get(&packet->pool->pool);
    if (unlikely(clone == NULL))
        return NULL;
    memcpy(clone, packet, offsetof(struct tcpip_packet, views));
    clone->next = NULL;
    for (uint32_t i = 0; i < packet->view_count; i++) {
        clone->views[i] = packet->views[i];
        tcpip_buffer_ref(clone->views[i].buffer);
    }
    memcpy(clone->room + packet->head, packet->room + packet->head, (size_t)(packet->tail - packet->head));
    return clone;
}

struct tcpip_packet *tcpip__packet_copy(struct tcpip_packet_pool *pool, const struct tcpip_packet *packet)
{
    struct tcpip_packet *copy = pool_get(&pool->pool);
    if (unlikely(copy == NULL))
        return NULL;
    memcpy(copy, packet, offsetof(struct tcpip_packet, views));
    copy->next = NULL;
    copy->pool = pool;
    copy->nic = pool == packet->pool ? packet->nic : NULL;
    copy->head = copy->tail = TCPIP_PACKET_ROOM;
    copy->view_count = 0;
    if (packet->length <= PACKET_COPY_ROOM_MAX) {
        copy->head = (uint16_t)(TCPIP_PACKET_ROOM - packet->length);
        tcpip_packet_copy_out(packet, 0, copy->room + copy->head, packet->length);
        return copy;
    }
    struct tcpip_buffer *buffer = tcpip__buffer_new(pool->buffers, packet->length);
    if (unlikely(buffer == NULL)) {
        tcpip_packet_free(copy);
        return NULL;
    }
    tcpip_packet_copy_out(packet, 0, buffer->data, packet->length);
    copy->views[0] = (struct tcpip_view){buffer, 0, packet->length};
    copy->view_count = 1;
    return copy;
}
