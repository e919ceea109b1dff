// SPDX-License-Identifier: MIT
/* send_queue.c: what the application wrote, until it is acknowledged.
 *
 * A list of chunks, each a view on a buffer. Segments are made of references on the same buffers, so neither sending
 * nor sending again copies. Written bytes are copied into buffers of our own, whose size follows what waits already: a
 * lone request of 60 bytes takes 128, one of 3 KB two buffers of 2 KB, a bulk writer soon fills buffers of 16 KB, of
 * which five views make a full super-segment. Bytes that follow go into the rest of the last buffer, behind what
 * segments under way may refer to.
 *
 * Offsets count from the first unacknowledged byte, that is, they slide with every release. New data are gathered
 * where the last gathering ended, and so is what is sent again after a loss, each by a cursor of its own: only the
 * first retransmission of an episode, and a step back, walk from the front.
 *
 * Owns:        struct send_queue, struct send_chunk, one buffer reference per chunk.
 * Invariants:  tcpip__send_queue_check; no chunk is empty; only the last is appendable; cursor_at and resend_at are
 *              the offsets of their chunks.
 * Not here:    what may be sent (tcp_send.c), where sequence numbers are (scoreboard.c), limits (the endpoint).
 */
#include "transport/tcp/send_queue.h"

#include "base/archive.h"
#include "base/assert.h"
#include "base/math.h"

#include <string.h>

enum {
    SEND_CLASS_MIN = 128,
    SEND_CLASS_USUAL = 2048,  /* what is taken unless a larger one will be half full at least */
    SEND_CLASS_MAX = 16384,   /* the largest that a trickle of acknowledgements doesn't pin too much of */
    SEND_QUEUE_MAX = 1 << 30, /* bytes restored: no window is larger */
};

static void send_chunk_link(struct send_queue *queue, struct send_chunk *chunk)
{
    chunk->next = NULL;
    if (queue->last == NULL) {
        queue->first = chunk;
    } else {
        queue->last->next = chunk;
        queue->last->appendable = false;
    }
    queue->last = chunk;
    queue->bytes += chunk->view.length;
    queue->true_bytes += chunk->true_bytes;
}

/* Room behind the last chunk, if its buffer is ours to fill. */
static uint32_t send_chunk_room(const struct send_chunk *chunk)
{
    if (chunk == NULL || !chunk->appendable)
        return 0;
    return chunk->view.buffer->size - (chunk->view.offset + chunk->view.length);
}

/* A new own buffer for some of `size` bytes, still empty. NULL: out of memory. */
static struct send_chunk *send_chunk_new(struct send_queue *queue, struct pool *chunks,
                                         struct tcpip_buffer_pools *buffers, size_t size)
{
    /* What waits tells of a bulk writer only if it was copied, too: small pieces between lent views stay small. */
    uint32_t waits = queue->last != NULL && queue->last->appendable ? queue->bytes : 0;
    size_t want = min_size(max_size(size, min_u32(waits, SEND_CLASS_MAX)), SEND_CLASS_MAX);
    if (want < SEND_CLASS_MAX / 2)
        want = min_size(want, SEND_CLASS_USUAL);
    struct tcpip_buffer *buffer = tcpip__buffer_new(buffers, want);

    /* Short of memory a smaller one may still be lying in its pool. */
    while (unlikely(buffer == NULL) && want > SEND_CLASS_MIN) {
        want = max_size(want / 4, SEND_CLASS_MIN);
        buffer = tcpip__buffer_new(buffers, want);
    }
    if (buffer == NULL)
        return NULL;
    struct send_chunk *chunk = pool_get(chunks);
    if (chunk == NULL) {
        buffer_unref(buffer);
        return NULL;
    }
    *chunk = (struct send_chunk){
        .view = {buffer, 0, 0},
        .true_bytes = buffer->true_bytes + (uint32_t)sizeof(*chunk),
        .appendable = true,
    };
    return chunk;
}

void tcpip__send_queue_init(struct send_queue *queue)
{
    *queue = (struct send_queue){0};
}

void tcpip__send_queue_fini(struct send_queue *queue, struct pool *chunks)
{
    tcpip__send_queue_release(queue, chunks, queue->bytes);
    ASSERT(queue->first == NULL && queue->true_bytes == 0);
}

size_t tcpip__send_queue_copy_in(struct send_queue *queue, struct pool *chunks, struct tcpip_buffer_pools *buffers,
                                 const void *data, size_t size)
{
    const uint8_t *from = data;
    size_t done = 0;

    ASSERT(size <= UINT32_MAX - queue->bytes);
    while (done < size) {
        struct send_chunk *chunk = queue->last;
        uint32_t room = send_chunk_room(chunk);
        if (room == 0) {
            chunk = send_chunk_new(queue, chunks, buffers, size - done);
            if (chunk == NULL)
                break;
            send_chunk_link(queue, chunk);
            room = send_chunk_room(chunk);
        }
        uint32_t take = (uint32_t)min_size(room, size - done);
        memcpy(tcpip_view_data(&chunk->view) + chunk->view.length, from + done, take);
        chunk->view.length += take;
        queue->bytes += take;
        done += take;
    }
    return done;
}

bool tcpip__send_queue_begin(struct send_queue *queue, struct pool *chunks, struct tcpip_buffer_pools *buffers,
                             const void *data, size_t size)
{
    ASSERT(queue->first == NULL);
    if (size > SEND_CLASS_USUAL)
        return false;
    struct tcpip_buffer *buffer = tcpip__buffer_new(buffers, size);
    struct send_chunk *chunk = likely(buffer != NULL) ? pool_get(chunks) : NULL;
    if (unlikely(chunk == NULL)) {
        if (buffer != NULL)
            buffer_unref(buffer);
        return false;
    }
    memcpy(buffer->data, data, size);
    *chunk = (struct send_chunk){
        .view = {buffer, 0, (uint32_t)size},
        .true_bytes = buffer->true_bytes + (uint32_t)sizeof(*chunk),
        .appendable = true,
    };
    *queue =
        (struct send_queue){.first = chunk, .last = chunk, .bytes = (uint32_t)size, .true_bytes = chunk->true_bytes};
    return true;
}

bool tcpip__send_queue_append(struct send_queue *queue, struct pool *chunks, const struct tcpip_view *view)
{
    if (view->length == 0)
        return true;
    ASSERT(view->length <= UINT32_MAX - queue->bytes);
    struct send_chunk *chunk = pool_get(chunks);
    if (chunk == NULL)
        return false;
    /* Of wrapped memory, which is the caller's and of any size, only what the view shows counts. */
    uint32_t pinned = view->buffer->release != NULL ? view->length : view->buffer->true_bytes;
    *chunk = (struct send_chunk){.view = *view, .true_bytes = pinned + (uint32_t)sizeof(*chunk)};
    tcpip_buffer_ref(view->buffer);
    send_chunk_link(queue, chunk);
    return true;
}

void tcpip__send_queue_end_record(struct send_queue *queue)
{
    struct send_chunk *chunk = queue->last;
    if (chunk == NULL || chunk->ends_record)
        return;
    chunk->ends_record = true;
    chunk->appendable = false;
    queue->records++;
}

uint32_t tcpip__send_queue_record(const struct send_queue *queue, uint32_t offset, uint32_t length)
{
    if (likely(queue->records == 0))
        return length;
    bool forward = queue->cursor != NULL && offset >= queue->cursor_at;
    const struct send_chunk *chunk = forward ? queue->cursor : queue->first;
    uint32_t at = forward ? queue->cursor_at : 0;
    for (; chunk != NULL && at < offset + length; chunk = chunk->next) {
        at += chunk->view.length;
        if (chunk->ends_record && at > offset)
            return min_u32(at - offset, length);
    }
    return length;
}

void tcpip__send_queue_release(struct send_queue *queue, struct pool *chunks, uint32_t bytes)
{
    ASSERT(bytes <= queue->bytes);
    queue->bytes -= bytes;
    queue->cursor_at = sat_sub_u32(queue->cursor_at, bytes);
    queue->resend_at = sat_sub_u32(queue->resend_at, bytes);
    while (bytes > 0) {
        struct send_chunk *chunk = queue->first;
        if (bytes < chunk->view.length) {
            tcpip_view_trim_front(&chunk->view, bytes);
            return;
        }
        bytes -= chunk->view.length;
        queue->true_bytes -= chunk->true_bytes;
        queue->records -= chunk->ends_record;
        queue->first = chunk->next;
        if (queue->last == chunk)
            queue->last = NULL;
        /* What begins the queue now is at offset 0, which is what cursors on a released chunk say already. */
        if (queue->cursor == chunk)
            queue->cursor = NULL;
        if (queue->resend == chunk)
            queue->resend = NULL;
        buffer_unref(chunk->view.buffer);
        pool_put(chunks, chunk);
    }
}

uint32_t tcpip__send_queue_gather(struct send_queue *queue, uint32_t offset, uint32_t length, struct tcpip_view *views,
                                  uint32_t max, uint32_t *count)
{
    bool forward = offset >= queue->cursor_at;
    struct send_chunk *chunk = forward ? queue->cursor : queue->resend;
    uint32_t at = forward ? queue->cursor_at : queue->resend_at, covered = 0, used = 0;

    ASSERT(offset <= queue->bytes && length <= queue->bytes - offset);
    *count = 0;
    if (length == 0 || max == 0)
        return 0;
    if (chunk == NULL || offset < at) {
        chunk = queue->first;
        at = 0;
    }
    while (offset - at >= chunk->view.length) {
        at += chunk->view.length;
        chunk = chunk->next;
    }
    for (;;) {
        uint32_t skip = offset + covered - at, take = min_u32(chunk->view.length - skip, length - covered);
        tcpip_buffer_ref(chunk->view.buffer);
        views[used++] = (struct tcpip_view){chunk->view.buffer, chunk->view.offset + skip, take};
        covered += take;
        if (covered == length || used == max)
            break;
        at += chunk->view.length;
        chunk = chunk->next;
    }
    if (forward) {
        queue->cursor = chunk;
        queue->cursor_at = at;
    } else {
        queue->resend = chunk;
        queue->resend_at = at;
    }
    *count = used;
    return covered;
}

void tcpip__send_queue_check(const struct send_queue *queue)
{
    uint32_t bytes = 0, true_bytes = 0, records = 0;
    bool cursor = queue->cursor == NULL && queue->cursor_at == 0;
    bool resend = queue->resend == NULL && queue->resend_at == 0;
    const struct send_chunk *last = NULL;

    for (const struct send_chunk *chunk = queue->first; chunk != NULL; last = chunk, chunk = chunk->next) {
        ASSERT(chunk->view.length != 0 && chunk->view.buffer->refs != 0);
        ASSERT((uint64_t)chunk->view.offset + chunk->view.length <= chunk->view.buffer->size);
        ASSERT(!chunk->appendable ||
               (!chunk->ends_record && chunk->next == NULL && chunk->view.buffer->release == NULL));
        cursor |= queue->cursor == chunk && queue->cursor_at == bytes;
        resend |= queue->resend == chunk && queue->resend_at == bytes;
        bytes += chunk->view.length;
        true_bytes += chunk->true_bytes;
        records += chunk->ends_record;
    }
    ASSERT(records == queue->records);
    ASSERT(last == queue->last && cursor && resend);
    ASSERT(bytes == queue->bytes && true_bytes == queue->true_bytes);
}

/* The bytes up to the next end of a record, from *chunk on, which moves behind them. */
static uint32_t send_queue_run(const struct send_chunk **chunk, bool *ends)
{
    uint32_t bytes = 0;
    for (*ends = false; *chunk != NULL && !*ends; *chunk = (*chunk)->next) {
        bytes += (*chunk)->view.length;
        *ends = (*chunk)->ends_record;
    }
    return bytes;
}

static void send_queue_save(struct archive *archive, const struct send_queue *queue)
{
    for (const struct send_chunk *from = queue->first, *to = from; to != NULL; from = to) {
        bool ends;
        uint32_t bytes = send_queue_run(&to, &ends);
        archive_u32(archive, &bytes);
        archive_bool(archive, &ends);
        for (; from != to; from = from->next)
            tcpip__archive_put(archive, tcpip_view_data(&from->view), from->view.length);
    }
}

void tcpip__send_queue_archive(struct archive *archive, struct send_queue *queue, struct pool *chunks,
                               struct tcpip_buffer_pools *buffers)
{
    if (!archive_restoring(archive)) {
        send_queue_save(archive, queue);
        return;
    }
    while (archive_ok(archive) && archive_left(archive) > 0) {
        uint32_t bytes = 0;
        bool ends = false;
        archive_u32(archive, &bytes);
        archive_bool(archive, &ends);
        archive_require(archive, bytes > 0 && bytes <= SEND_QUEUE_MAX - queue->bytes);
        const uint8_t *data = tcpip__archive_take(archive, bytes);
        if (data == NULL)
            return;
        if (tcpip__send_queue_copy_in(queue, chunks, buffers, data, bytes) < bytes)
            tcpip__archive_fail(archive, TCPIP_ERR_NO_MEMORY);
        else if (ends)
            tcpip__send_queue_end_record(queue);
    }
}
