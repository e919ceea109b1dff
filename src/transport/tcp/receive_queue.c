// SPDX-License-Identifier: MIT
/* receive_queue.c: what came in order, until it is read.
 *
 * A list of chunks. As a rule a chunk refers to the buffer in which the link received the bytes, and nothing is copied
 * before the reader does. The exception is a payload that would pin much more storage than it fills (a byte in a 2 KB
 * buffer, or in one of 64 KB): it is copied into the rest of the last chunk's buffer, if nobody else refers to that
 * one, or into a small buffer whose size follows what waits already. So a stream of 100-byte segments costs about its
 * own size, which is what a receive window promises.
 *
 * Owns:        struct receive_queue, struct receive_chunk, one buffer reference per chunk.
 * Invariants:  tcpip__receive_queue_check; no chunk is empty; each begins where the one before ends.
 * Not here:    data out of order (reassembly.c), how much may come (receive_window.c).
 */
#include "transport/tcp/receive_queue.h"

#include "base/archive.h"
#include "base/assert.h"
#include "base/math.h"

#include <string.h>

enum {
    PINNED_PER_BYTE = 4,           /* a reference may pin up to so many bytes of storage per byte of payload */
    COPY_CLASS_MAX = 2048,         /* largest buffer taken for copies that are still to come */
    RECEIVE_PIECE_MAX = 16384,     /* of what is restored, in one buffer */
    RECEIVE_RESTORE_MAX = 1 << 30, /* no window is larger */
};

/* One contiguous piece of a packet. */
struct payload_piece {
    const uint8_t *data;
    struct tcpip_buffer *buffer; /* NULL: in the packet's room */
    uint32_t offset;             /* in the buffer */
    uint32_t length;
    tcpip_ns at; /* when the packet came */
};

/* The piece that begins at `offset`, which lies inside the packet. */
static struct payload_piece payload_piece_at(const struct tcpip_packet *packet, uint32_t offset)
{
    uint32_t in_room = (uint32_t)(packet->tail - packet->head);

    if (offset < in_room)
        return (struct payload_piece){packet->room + packet->head + offset, NULL, 0, in_room - offset, packet->at};
    offset -= in_room;
    const struct tcpip_view *view = packet->views;
    while (offset >= view->length) {
        offset -= view->length;
        view++;
    }
    return (struct payload_piece){tcpip_view_data(view) + offset, view->buffer, view->offset + offset,
                                  view->length - offset, packet->at};
}

/* Would a reference pin too much? */
static bool payload_pins_much(const struct payload_piece *piece, uint32_t length)
{
    return piece->buffer == NULL || length * PINNED_PER_BYTE < piece->buffer->true_bytes;
}

/* A chunk that refers to the piece's first `length` bytes, or, with `copy`, to a copy in a buffer of at least `want`.
 * NULL: out of memory. */
static struct receive_chunk *receive_chunk_new(const struct payload_piece *piece, uint32_t length, seqnum at, bool copy,
                                               uint32_t want, struct pool *chunks, struct tcpip_buffer_pools *buffers)
{
    struct receive_chunk *chunk = pool_get(chunks);
    if (unlikely(chunk == NULL))
        return NULL;
    if (copy) {
        struct tcpip_buffer *buffer = tcpip__buffer_new(buffers, max_u32(length, want));
        if (unlikely(buffer == NULL)) {
            pool_put(chunks, chunk);
            return NULL;
        }
        memcpy(buffer->data, piece->data, length);
        chunk->view = (struct tcpip_view){buffer, 0, length};
    } else {
        chunk->view = (struct tcpip_view){tcpip_buffer_ref(piece->buffer), piece->offset, length};
    }
    chunk->next = NULL;
    chunk->at = piece->at;
    chunk->seq = at;
    chunk->true_bytes = chunk->view.buffer->true_bytes + (uint32_t)sizeof(*chunk);
    return chunk;
}

static void receive_queue_link(struct receive_queue *queue, struct receive_chunk *chunk)
{
    ASSERT(queue->last == NULL || seq_eq(chunk->seq, seq_add(queue->last->seq, queue->last->view.length)));
    chunk->next = NULL;
    if (queue->last == NULL)
        queue->first = chunk;
    else
        queue->last->next = chunk;
    queue->last = chunk;
    queue->bytes += chunk->view.length;
    queue->true_bytes += chunk->true_bytes;
}

static bool receive_queue_merge(struct receive_queue *queue, const uint8_t *data, uint32_t length, tcpip_ns at)
{
    if (queue->last == NULL || !tcpip__receive_chunk_extend(queue->last, data, length, at))
        return false;
    queue->bytes += length;
    return true;
}

/* Takes the first chunk out of the list; its view is the caller's. */
static void receive_queue_unlink_first(struct receive_queue *queue, struct pool *chunks)
{
    struct receive_chunk *chunk = queue->first;
    queue->first = chunk->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->true_bytes -= chunk->true_bytes;
    pool_put(chunks, chunk);
}

/* Consumes the first `count` bytes of the first chunk, but not all of it. */
static void receive_queue_trim_first(struct receive_queue *queue, uint32_t count)
{
    tcpip_view_trim_front(&queue->first->view, count);
    queue->first->seq = seq_add(queue->first->seq, count);
}

void tcpip__receive_queue_init(struct receive_queue *queue)
{
    *queue = (struct receive_queue){0};
}

void tcpip__receive_queue_fini(struct receive_queue *queue, struct pool *chunks)
{
    while (queue->first != NULL) {
        buffer_unref(queue->first->view.buffer);
        receive_queue_unlink_first(queue, chunks);
    }
    queue->bytes = 0;
}

void tcpip__receive_chunk_free(struct receive_chunk *chunk, struct pool *chunks)
{
    buffer_unref(chunk->view.buffer);
    pool_put(chunks, chunk);
}

void tcpip__receive_chain_free(struct receive_chunk *chain, struct pool *chunks)
{
    for (struct receive_chunk *next; chain != NULL; chain = next) {
        next = chain->next;
        tcpip__receive_chunk_free(chain, chunks);
    }
}

bool tcpip__receive_chunk_extend(struct receive_chunk *chunk, const uint8_t *data, uint32_t length, tcpip_ns at)
{
    struct tcpip_view *view = &chunk->view;
    const struct tcpip_buffer *buffer = view->buffer;

    /* Wrapped memory isn't ours to write to; what others refer to may lie behind the view. */
    if (buffer->refs != 1 || buffer->release != NULL || buffer->size - (view->offset + view->length) < length)
        return false;
    memcpy(tcpip_view_data(view) + view->length, data, length);
    view->length += length;
    chunk->at = max_i64(chunk->at, at); /* out of order, what is in front may have come later */
    return true;
}

bool tcpip__receive_chunks_of(struct tcpip_packet *packet, uint32_t offset, uint32_t length, seqnum start,
                              bool copy_all, struct pool *chunks, struct tcpip_buffer_pools *buffers,
                              struct receive_chunk **first)
{
    struct receive_chunk **tail = first;

    ASSERT((uint64_t)offset + length <= packet->length);
    *first = NULL;
    while (length > 0) {
        struct payload_piece piece = payload_piece_at(packet, offset);
        uint32_t take = min_u32(piece.length, length);
        bool copy = copy_all || payload_pins_much(&piece, take);
        *tail = receive_chunk_new(&piece, take, start, copy, 0, chunks, buffers);
        if (*tail == NULL) {
            tcpip__receive_chain_free(*first, chunks);
            *first = NULL;
            return false;
        }
        tail = &(*tail)->next;
        start = seq_add(start, take);
        offset += take;
        length -= take;
    }
    return true;
}

/* Bytes as a chain of chunks of their own; NULL: out of memory. */
static struct receive_chunk *receive_chain_of(const uint8_t *data, uint32_t length, seqnum start, tcpip_ns at,
                                              struct pool *chunks, struct tcpip_buffer_pools *buffers)
{
    struct receive_chunk *first = NULL, **tail = &first;
    while (length > 0) {
        uint32_t take = min_u32(length, RECEIVE_PIECE_MAX);
        struct payload_piece piece = {.data = data, .length = take, .at = at};
        *tail = receive_chunk_new(&piece, take, start, true, 0, chunks, buffers);
        if (*tail == NULL) {
            tcpip__receive_chain_free(first, chunks);
            return NULL;
        }
        tail = &(*tail)->next;
        start = seq_add(start, take);
        data += take;
        length -= take;
    }
    return first;
}

bool tcpip__receive_queue_copy_in(struct receive_queue *queue, struct pool *chunks, struct tcpip_buffer_pools *buffers,
                                  seqnum start, const uint8_t *data, uint32_t length, tcpip_ns at)
{
    struct receive_chunk *chain = receive_chain_of(data, length, start, at, chunks, buffers), *next;
    for (struct receive_chunk *chunk = chain; chunk != NULL; chunk = next) {
        next = chunk->next;
        tcpip__receive_queue_push(queue, chunk, chunks);
    }
    return chain != NULL || length == 0;
}

void tcpip__receive_queue_push(struct receive_queue *queue, struct receive_chunk *chunk, struct pool *chunks)
{
    const struct tcpip_view *view = &chunk->view;

    if (view->length <= RECEIVE_MERGE_MAX && receive_queue_merge(queue, tcpip_view_data(view), view->length, chunk->at))
        tcpip__receive_chunk_free(chunk, chunks);
    else
        receive_queue_link(queue, chunk);
}

bool tcpip__receive_queue_push_packet(struct receive_queue *queue, struct tcpip_packet *packet, uint32_t offset,
                                      uint32_t length, seqnum start, bool copy_all, struct pool *chunks,
                                      struct tcpip_buffer_pools *buffers)
{
    struct receive_chunk *chunk, *next;

    ASSERT((uint64_t)offset + length <= packet->length);
    if (length == 0)
        return true;
    struct payload_piece piece = payload_piece_at(packet, offset);
    if (likely(piece.length >= length)) {
        bool copy = copy_all || payload_pins_much(&piece, length);
        if (copy && receive_queue_merge(queue, piece.data, length, piece.at))
            return true;
        uint32_t want = min_u32(queue->bytes, COPY_CLASS_MAX);
        chunk = receive_chunk_new(&piece, length, start, copy, want, chunks, buffers);
        if (unlikely(chunk == NULL))
            return false;
        receive_queue_link(queue, chunk);
        return true;
    }
    if (!tcpip__receive_chunks_of(packet, offset, length, start, copy_all, chunks, buffers, &chunk))
        return false;
    for (; chunk != NULL; chunk = next) {
        next = chunk->next;
        tcpip__receive_queue_push(queue, chunk, chunks);
    }
    return true;
}

size_t tcpip__receive_queue_read(struct receive_queue *queue, struct pool *chunks, void *out, size_t size, tcpip_ns *at)
{
    uint8_t *to = out;
    size_t done = 0;

    while (done < size && queue->first != NULL) {
        struct tcpip_view view = queue->first->view;
        uint32_t take = (uint32_t)min_size(view.length, size - done);
        memcpy(to + done, tcpip_view_data(&view), take);
        done += take;
        *at = queue->first->at;
        if (take < view.length) {
            receive_queue_trim_first(queue, take);
            break;
        }
        receive_queue_unlink_first(queue, chunks);
        buffer_unref(view.buffer);
    }
    queue->bytes -= (uint32_t)done;
    return done;
}

size_t tcpip__receive_queue_lend(struct receive_queue *queue, struct pool *chunks, struct tcpip_view *views,
                                 size_t *count, size_t max_bytes)
{
    size_t done = 0, used = 0;

    while (used < *count && done < max_bytes && queue->first != NULL) {
        struct tcpip_view *view = &views[used++];
        *view = queue->first->view;
        if (view->length <= max_bytes - done) {
            receive_queue_unlink_first(queue, chunks); /* its reference goes with the view */
        } else {
            tcpip_view_cap_length(view, (uint32_t)(max_bytes - done));
            tcpip_buffer_ref(view->buffer);
            receive_queue_trim_first(queue, view->length);
        }
        done += view->length;
    }
    queue->bytes -= (uint32_t)done;
    *count = used;
    return done;
}

void tcpip__receive_queue_check(const struct receive_queue *queue)
{
    uint32_t bytes = 0, true_bytes = 0;
    const struct receive_chunk *last = NULL;

    for (const struct receive_chunk *chunk = queue->first; chunk != NULL; last = chunk, chunk = chunk->next) {
        ASSERT(chunk->view.length != 0 && chunk->view.buffer->refs != 0);
        ASSERT((uint64_t)chunk->view.offset + chunk->view.length <= chunk->view.buffer->size);
        ASSERT(last == NULL || seq_eq(chunk->seq, seq_add(last->seq, last->view.length)));
        bytes += chunk->view.length;
        true_bytes += chunk->true_bytes;
    }
    ASSERT(last == queue->last);
    ASSERT(bytes == queue->bytes && true_bytes == queue->true_bytes);
}

void tcpip__receive_chunk_save(struct archive *archive, struct receive_chunk *chunk)
{
    tcpip__archive_instant(archive, &chunk->at);
    archive_u32(archive, &chunk->view.length);
    tcpip__archive_put(archive, tcpip_view_data(&chunk->view), chunk->view.length);
}

struct receive_chunk *tcpip__receive_chunk_restore(struct archive *archive, seqnum start, struct pool *chunks,
                                                   struct tcpip_buffer_pools *buffers)
{
    uint32_t length = 0;
    tcpip_ns at = 0;
    tcpip__archive_instant(archive, &at);
    archive_u32(archive, &length);
    archive_require(archive, length > 0 && length <= RECEIVE_RESTORE_MAX && at != TCPIP_NEVER);
    const uint8_t *data = tcpip__archive_take(archive, length);
    if (data == NULL)
        return NULL;
    struct receive_chunk *first = receive_chain_of(data, length, start, at, chunks, buffers);
    if (first == NULL)
        tcpip__archive_fail(archive, TCPIP_ERR_NO_MEMORY);
    return first;
}

void tcpip__receive_queue_archive(struct archive *archive, struct receive_queue *queue, seqnum start,
                                  struct pool *chunks, struct tcpip_buffer_pools *buffers)
{
    for (struct receive_chunk *chunk = queue->first; chunk != NULL && !archive_restoring(archive); chunk = chunk->next)
        tcpip__receive_chunk_save(archive, chunk);
    while (archive_restoring(archive) && archive_ok(archive) && archive_left(archive) > 0) {
        seqnum at = seq_add(start, queue->bytes);
        struct receive_chunk *chain = tcpip__receive_chunk_restore(archive, at, chunks, buffers), *next;
        for (; chain != NULL; chain = next) {
            next = chain->next;
            receive_queue_link(queue, chain);
        }
        archive_require(archive, queue->bytes <= RECEIVE_RESTORE_MAX);
    }
}
