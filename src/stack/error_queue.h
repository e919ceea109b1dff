// SPDX-License-Identifier: MIT
/* error_queue.h: what an endpoint is told beside its data: ICMP errors with what they quote, and what became of bytes
 * that were marked when they were written. */
#ifndef TCPIP_SRC_STACK_ERROR_QUEUE_H
#define TCPIP_SRC_STACK_ERROR_QUEUE_H

#include "stack/stack.h"

enum {
    ERROR_QUEUE_BYTES_MAX = 65536, /* of an endpoint, records at their true size; beyond: not told, and counted */
    ERROR_QUEUE_MARKS_MAX = 1024,  /* of an endpoint, writes not acknowledged yet: no stamps, and counted */
};

#define WRITE_MARKS \
    (TCPIP_WRITE_STAMP_SCHEDULED | TCPIP_WRITE_STAMP_SENT | TCPIP_WRITE_STAMP_ACKED | TCPIP_WRITE_TELL_COPIED)

/* Queues a record with what an ICMP error or a refused send quotes, and tells waiters. Without memory or room it is
 * counted as lost. */
void tcpip__error_queue_push(struct tcpip_endpoint *endpoint, const struct tcpip_error_record *record,
                             const void *payload, size_t payload_bytes);
/* The record of an ICMP error. */
void tcpip__error_queue_push_icmp(struct tcpip_endpoint *endpoint, const struct tcpip_icmp_error *icmp,
                                  enum tcpip_error error, uint16_t remote_port, uint32_t skip);
/* RECEIVE_ERROR was switched off: what it brought is thrown away, as on Linux; the ERROR option keeps its value. */
void tcpip__error_queue_forget_errors(struct tcpip_endpoint *endpoint);
/* A write with one of WRITE_MARKS was accepted; its last byte is number `last` of the stream. */
void tcpip__error_queue_mark(struct tcpip_endpoint *endpoint, uint64_t last, uint32_t flags);
/* The stream has been sent, or acknowledged, up to and without byte `end`. Cheap when nothing is marked. */
void tcpip__error_queue_sent(struct tcpip_endpoint *endpoint, uint64_t end);
void tcpip__error_queue_acked(struct tcpip_endpoint *endpoint, uint64_t end);
/* Nothing more will be sent or acknowledged: memory that writers wait for is theirs again. */
void tcpip__error_queue_end(struct tcpip_endpoint *endpoint);
void tcpip__error_queue_free(struct tcpip_endpoint *endpoint);

bool tcpip__error_queue_any(const struct error_queue *queue);
static inline bool error_queue_ready(const struct tcpip_endpoint *endpoint)
{
    return endpoint->errors != NULL && tcpip__error_queue_any(endpoint->errors);
}

#endif
