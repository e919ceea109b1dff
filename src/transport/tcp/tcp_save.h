// SPDX-License-Identifier: MIT
/* tcp_save.h: saving and restoring TCP: endpoints as parts (tcp_save.c), their place in a stack (tcp_restore.c), and
 * what other hands do for it. */
#ifndef TCPIP_SRC_TCP_TCP_SAVE_H
#define TCPIP_SRC_TCP_TCP_SAVE_H

#include "base/archive.h"
#include "transport/tcp/tcp.h"

/* Tags, ascending as they are written. */
enum tcp_part_tag {
    TCP_PART_IDENTITY = 1,
    TCP_PART_OPTIONS,
    TCP_PART_BUFFERS,
    TCP_PART_NEGOTIATED,
    TCP_PART_SEND,
    TCP_PART_RECEIVE,
    TCP_PART_RTT,
    TCP_PART_CONGESTION,
    TCP_PART_ECN,
    TCP_PART_CWV,
    TCP_PART_ACK_POLICY,
    TCP_PART_TIMERS,
    TCP_PART_COUNTERS,
    TCP_PART_FAST_OPEN,
    TCP_PART_SEND_QUEUE,
    TCP_PART_RECEIVE_QUEUE,
    TCP_PART_HOT,
    TCP_PART_RECORDS,
    TCP_PART_REASSEMBLY,
    TCP_PART_ERRORS,
    TCP_PART_SAVED_SYN,
    TCP_PART_LISTENER,
    TCP_PART_HALF_OPEN,
    TCP_PART_SIGNATURE = 32 | ARCHIVE_CRITICAL,
};
static inline uint64_t tcp_part_bit(enum tcp_part_tag tag)
{
    return UINT64_C(1) << tag;
}

struct tcp_restored_listener {
    uint32_t backlog, fast_open_max;
    tcpip_ns cookies_until;
    struct archive half_open; /* at its records */
};

/* What is applied to a restored endpoint when all its parts were good. */
struct tcp_restored {
    uint64_t found; /* tcp_part_bit of the parts that were there */
    uint8_t state;
    bool dead, orphan, port_held, syn_ack_pending;
    struct tcpip_port_key port_key;
    tcpip_ns deadlines[TCP_TIMER_COUNT];
    struct tcp_restored_listener listener;
};

/* alone: without what can only go with its stack. */
void tcpip__tcp_save_parts(struct tcp_endpoint *ep, struct archive *archive, bool alone);
/* Into a new endpoint, which stays CLOSED; what went wrong is the archive's error. */
void tcpip__tcp_restore_parts(struct tcp_endpoint *ep, struct archive *archive, struct tcp_restored *restored);

/* tcp_state.c */
/* Of an endpoint that was saved in this state. */
void tcpip__tcp_restore_state(struct tcp_endpoint *ep, uint8_t state);

/* tcp_saved_syn.c */
void tcpip__tcp_syn_archive(struct archive *archive, struct tcpip_stack *stack, struct tcp_saved_syn **saved);

/* tcp_listen.c */
/* Listens, at a port that it holds. NO_MEMORY. */
enum tcpip_error tcpip__tcp_restore_listener(struct tcp_endpoint *ep, uint32_t backlog, uint32_t fast_open_max,
                                             tcpip_ns cookies_until);

/* tcp_half_open.c */
/* All records of a listener. */
void tcpip__tcp_half_open_archive(struct archive *archive, struct tcp_endpoint *listener);

/* tcp_timers.c */
/* Nothing fires until it is thawed; then what is due does. */
void tcpip__tcp_timers_freeze(struct tcp_endpoint *ep, bool frozen);
/* Deadlines as they were saved; that of data in flight begins anew. */
void tcpip__tcp_timers_restore(struct tcp_endpoint *ep, const tcpip_ns *deadlines);

/* tcp_timewait.c */
/* All records. */
void tcpip__tcp_time_wait_archive(struct archive *archive, struct tcp_stack *tcp);

/* tcp_restore.c: as endpoint ops, and as the protocol's. */
struct restore_how;
enum tcpip_error tcpip__tcp_freeze(struct tcpip_endpoint *endpoint, bool frozen);
void tcpip__tcp_save(struct tcpip_endpoint *endpoint, struct archive *archive, bool alone);
bool tcpip__tcp_waits(const struct tcpip_endpoint *endpoint);
struct tcpip_endpoint *tcpip__tcp_next_waiting(struct tcpip_endpoint *listener, struct tcpip_endpoint *after);
enum tcpip_error tcpip__tcp_restore(struct tcpip_stack *stack, uint32_t network, struct archive *archive,
                                    const struct restore_how *how, struct tcpip_endpoint **out);
/* What belongs to no endpoint: TIME-WAIT records, Fast Open's keys. */
void tcpip__tcp_archive(struct tcpip_stack *stack, struct archive *archive);

#endif
