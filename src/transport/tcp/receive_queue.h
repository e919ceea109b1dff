// SPDX-License-Identifier: MIT
/* receive_queue.h: bytes received in order and not yet read, as views on the link's or our own buffers. */
#ifndef TCPIP_SRC_TCP_RECEIVE_QUEUE_H
#define TCPIP_SRC_TCP_RECEIVE_QUEUE_H

#include "base/pool.h"
#include "base/seqnum.h"
#include "base/tree.h"
#include "buffer/pools.h"

struct archive;

/* A piece of received payload: in order (linked by next) or not (in reassembly's tree). */
struct receive_chunk {
    union {
        struct tree_node node;
        struct receive_chunk *next;
    };
    struct tcpip_view view; /* holds a reference */
    tcpip_ns at;            /* when its last byte came */
    seqnum seq;             /* of the first byte */
    uint32_t true_bytes;    /* storage it pins, as counted in the budgets */
};

enum { RECEIVE_MERGE_MAX = 256 }; /* a copy of so little is cheaper than a chunk of its own */

struct receive_queue {
    struct receive_chunk *first, *last;
    uint32_t bytes;
    uint32_t true_bytes;
};

void tcpip__receive_queue_init(struct receive_queue *queue);
void tcpip__receive_queue_fini(struct receive_queue *queue, struct pool *chunks);
/* Makes chunks of a packet's payload [offset, offset + length): references its buffers, or copies where a small payload
 * would pin a large buffer, or the link's lent buffers run low (copy_all). *first..: a chain linked by next with
 * ascending seq from `start`. False: out of memory, nothing made. The packet isn't consumed. */
must_use bool tcpip__receive_chunks_of(struct tcpip_packet *packet, uint32_t offset, uint32_t length, seqnum start,
                                       bool copy_all, struct pool *chunks, struct tcpip_buffer_pools *buffers,
                                       struct receive_chunk **first);
void tcpip__receive_chunk_free(struct receive_chunk *chunk, struct pool *chunks);
void tcpip__receive_chain_free(struct receive_chunk *chain, struct pool *chunks);
/* Copies `length` bytes, which came `at`, behind the chunk, into the rest of its buffer. False: it has no such room, or
 * isn't alone in referring to that buffer. The counters of what the chunk is in are the caller's. */
bool tcpip__receive_chunk_extend(struct receive_chunk *chunk, const uint8_t *data, uint32_t length, tcpip_ns at);
/* Appends a chunk in order; a small one is merged into the spare room of the last one's buffer. Takes it. */
void tcpip__receive_queue_push(struct receive_queue *queue, struct receive_chunk *chunk, struct pool *chunks);
/* As push, straight from a packet's payload: the fast path. False: out of memory, nothing changed. */
must_use bool tcpip__receive_queue_push_packet(struct receive_queue *queue, struct tcpip_packet *packet,
                                               uint32_t offset, uint32_t length, seqnum start, bool copy_all,
                                               struct pool *chunks, struct tcpip_buffer_pools *buffers);
/* As push, of bytes that came `at`: copied. False: out of memory, nothing changed. */
must_use bool tcpip__receive_queue_copy_in(struct receive_queue *queue, struct pool *chunks,
                                           struct tcpip_buffer_pools *buffers, seqnum start, const uint8_t *data,
                                           uint32_t length, tcpip_ns at);
/* Copies out and consumes up to `size`; returns how many, and in *at when the last of them came (if there is one). */
size_t tcpip__receive_queue_read(struct receive_queue *queue, struct pool *chunks, void *out, size_t size,
                                 tcpip_ns *at);
/* The same, quick where one chunk is all there is, and fits. */
static inline size_t receive_queue_read(struct receive_queue *queue, struct pool *chunks, void *out, size_t size,
                                        tcpip_ns *at)
{
    struct receive_chunk *chunk = queue->first;
    uint32_t length = queue->bytes;
    if (chunk == NULL || chunk->next != NULL || length > size)
        return tcpip__receive_queue_read(queue, chunks, out, size, at);
    memcpy(out, tcpip_view_data(&chunk->view), length);
    *at = chunk->at;
    *queue = (struct receive_queue){0};
    buffer_unref(chunk->view.buffer);
    pool_put(chunks, chunk);
    return length;
}
/* Lends and consumes: up to *count views with their references, at most max_bytes; returns the bytes, and in *count how
 * many views. */
size_t tcpip__receive_queue_lend(struct receive_queue *queue, struct pool *chunks, struct tcpip_view *views,
                                 size_t *count, size_t max_bytes);
void tcpip__receive_queue_check(const struct receive_queue *queue);
/* Saved and restored (base/archive.h), a queue beginning at `start`. Restoring fills an empty one. */
void tcpip__receive_queue_archive(struct archive *archive, struct receive_queue *queue, seqnum start,
                                  struct pool *chunks, struct tcpip_buffer_pools *buffers);
void tcpip__receive_chunk_save(struct archive *archive, struct receive_chunk *chunk);
/* As a chain, as tcpip__receive_chunks_of makes one; NULL: failed. */
struct receive_chunk *tcpip__receive_chunk_restore(struct archive *archive, seqnum start, struct pool *chunks,
                                                   struct tcpip_buffer_pools *buffers);

#endif
