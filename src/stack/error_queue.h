// SPDX-License-Identifier: MIT
/* error_queue.h: what an endpoint is told beside its data: ICMP errors with what they quote, and what became of bytes
 * that were marked when they were written. */
#ifndef TCPIP_SRC_STACK_ERROR_QUEUE_H
#define TCPIP_SRC_STACK_ERROR_QUEUE_H

#include "stack/stack.h"
#include "stack/zero_copy.h"

enum {
    ERROR_QUEUE_BYTES_MAX = 65536, /* of an endpoint, records at their true size; beyond: not told, and counted */
    ERROR_QUEUE_MARKS_MAX = 1024,  /* of an endpoint, writes not acknowledged yet: no stamps, and counted */
};

#define WRITE_STAMPS (TCPIP_WRITE_STAMP_SCHEDULED | TCPIP_WRITE_STAMP_SENT | TCPIP_WRITE_STAMP_ACKED)

struct error_mark;

struct error_queue {
    struct list entries, marks;
    struct error_mark *unsent; /* the first that isn't; NULL: all are */
    size_t bytes;
    uint32_t mark_count;
    struct zero_copy_calls zero_copy;
};

/* The endpoint's, made if need be; NULL: no memory. */
struct error_queue *tcpip__error_queue_of(struct tcpip_endpoint *endpoint);

/* Queues a record with what an ICMP error or a refused send quotes, and tells waiters. Without memory or room it is
 * counted as lost. */
void tcpip__error_queue_push(struct tcpip_endpoint *endpoint, const struct tcpip_error_record *record,
                             const void *payload, size_t payload_bytes);
/* The record of an ICMP error. */
void tcpip__error_queue_push_icmp(struct tcpip_endpoint *endpoint, const struct tcpip_icmp_error *icmp,
                                  enum tcpip_error error, uint16_t remote_port, uint32_t skip);
/* RECEIVE_ERROR was switched off: what it brought is thrown away, as on Linux; the ERROR option keeps its value. */
void tcpip__error_queue_forget_errors(struct tcpip_endpoint *endpoint);
/* A write with one of WRITE_STAMPS was accepted, or one that is to be told of when it is acknowledged (`copied`, may be
 * NULL); its last byte is number `last` of the stream. */
void tcpip__error_queue_mark(struct tcpip_endpoint *endpoint, uint64_t last, uint32_t flags, struct zero_copy *copied);
/* The stream has been sent, or acknowledged, up to and without byte `end`. */
void tcpip__error_queue_sent(struct tcpip_endpoint *endpoint, uint64_t end);
void tcpip__error_queue_acked(struct tcpip_endpoint *endpoint, uint64_t end);
static inline void error_queue_sent(struct tcpip_endpoint *endpoint, uint64_t end)
{
    if (unlikely(endpoint->errors != NULL)) /* else nothing is marked */
        tcpip__error_queue_sent(endpoint, end);
}
static inline void error_queue_acked(struct tcpip_endpoint *endpoint, uint64_t end)
{
    if (unlikely(endpoint->errors != NULL))
        tcpip__error_queue_acked(endpoint, end);
}
/* Nothing more will be sent or acknowledged: copies are told. */
void tcpip__error_queue_end(struct tcpip_endpoint *endpoint);
void tcpip__error_queue_free(struct tcpip_endpoint *endpoint);
struct archive;
/* Saved and restored (base/archive.h). */
void tcpip__error_queue_archive(struct archive *archive, struct tcpip_endpoint *endpoint);

bool tcpip__error_queue_any(const struct error_queue *queue);
static inline bool error_queue_ready(const struct tcpip_endpoint *endpoint)
{
    return endpoint->errors != NULL && tcpip__error_queue_any(endpoint->errors);
}

#endif
