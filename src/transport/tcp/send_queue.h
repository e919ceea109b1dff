// SPDX-License-Identifier: MIT
/* send_queue.h: bytes written and not yet acknowledged, as views on buffers: sent or not, retransmission copies
 * nothing.
 *
 * Offsets count from the first unacknowledged byte. */
#ifndef TCPIP_SRC_TCP_SEND_QUEUE_H
#define TCPIP_SRC_TCP_SEND_QUEUE_H

#include "base/pool.h"
#include "buffer/pools.h"

struct archive;

struct send_chunk {
    struct send_chunk *next;
    struct tcpip_view view; /* holds a reference */
    uint32_t true_bytes;    /* as it was added to the queue's */
    bool appendable;        /* the last chunk's own buffer: more may be copied behind the view */
    bool ends_record;       /* no segment has bytes of this chunk and of the next */
};

struct send_queue {
    struct send_chunk *first, *last;
    /* Where gathering stopped, so that sequential sending doesn't search: at the highest offset, and below it (sending
     * again). The chunk, and the offset of its first byte; NULL: at the front. */
    struct send_chunk *cursor, *resend;
    uint32_t cursor_at, resend_at;
    uint32_t bytes;      /* payload */
    uint32_t records;    /* chunks that end one */
    uint32_t true_bytes; /* storage: what budgets count */
};

void tcpip__send_queue_init(struct send_queue *queue);
void tcpip__send_queue_fini(struct send_queue *queue, struct pool *chunks);
/* Copies in up to `size` bytes; returns how many (fewer: out of memory). Fills the last own buffer first. */
size_t tcpip__send_queue_copy_in(struct send_queue *queue, struct pool *chunks, struct tcpip_buffer_pools *buffers,
                                 const void *data, size_t size);
/* The same into an empty queue, all or nothing, of no more than one buffer takes: quick, for lone requests. False: out
 * of memory, or it is too much. */
must_use bool tcpip__send_queue_begin(struct send_queue *queue, struct pool *chunks, struct tcpip_buffer_pools *buffers,
                                      const void *data, size_t size);
/* Appends a view, taking a reference of its own. False: out of memory. */
must_use bool tcpip__send_queue_append(struct send_queue *queue, struct pool *chunks, const struct tcpip_view *view);
/* What is queued so far isn't sent in one segment with what follows. */
void tcpip__send_queue_end_record(struct send_queue *queue);
/* Of `length` bytes from `offset` on, those before the first end of a record behind `offset`; `length`: there is none.
 */
uint32_t tcpip__send_queue_record(const struct send_queue *queue, uint32_t offset, uint32_t length);
/* The first `bytes` were acknowledged: released. */
void tcpip__send_queue_release(struct send_queue *queue, struct pool *chunks, uint32_t bytes);
/* The same, quick where that is all there was, in one chunk. */
static inline void send_queue_release(struct send_queue *queue, struct pool *chunks, uint32_t bytes)
{
    struct send_chunk *chunk = queue->first;
    if (chunk == NULL || chunk->next != NULL || bytes != queue->bytes) {
        tcpip__send_queue_release(queue, chunks, bytes);
        return;
    }
    *queue = (struct send_queue){0};
    buffer_unref(chunk->view.buffer);
    pool_put(chunks, chunk);
}
/* Fills `views` (at most `max`) with `length` bytes from `offset` on, each with a reference of its own. Returns the
 * bytes covered: less than `length` only when max views don't suffice. offset + length <= queue->bytes. */
uint32_t tcpip__send_queue_gather(struct send_queue *queue, uint32_t offset, uint32_t length, struct tcpip_view *views,
                                  uint32_t max, uint32_t *count);
/* The same, quick where it is all there is, in one chunk. */
static inline uint32_t send_queue_gather(struct send_queue *queue, uint32_t offset, uint32_t length,
                                         struct tcpip_view *views, uint32_t max, uint32_t *count)
{
    struct send_chunk *chunk = queue->first;
    if (chunk != queue->last || length != queue->bytes || length == 0)
        return tcpip__send_queue_gather(queue, offset, length, views, max, count);
    tcpip_buffer_ref(chunk->view.buffer);
    views[0] = chunk->view;
    queue->cursor = chunk;
    queue->cursor_at = 0;
    *count = 1;
    return length;
}
void tcpip__send_queue_check(const struct send_queue *queue);
/* Saved and restored (base/archive.h): the bytes, and where records end. Restoring fills an empty queue. */
void tcpip__send_queue_archive(struct archive *archive, struct send_queue *queue, struct pool *chunks,
                               struct tcpip_buffer_pools *buffers);

#endif
