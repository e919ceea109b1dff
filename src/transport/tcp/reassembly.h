// SPDX-License-Identifier: MIT
/* reassembly.h: TCP data that came before its turn, and the SACK blocks that report it (RFC 2018, 2883). */
#ifndef TCPIP_SRC_TCP_REASSEMBLY_H
#define TCPIP_SRC_TCP_REASSEMBLY_H

#include "transport/tcp/receive_queue.h"
#include <tcpip/header/tcp.h>

struct archive;

enum { REASSEMBLY_SACK_BLOCKS = 4 };

struct sack_range {
    seqnum left, right;
};

struct reassembly {
    struct tree chunks;         /* receive_chunk by seq; they don't overlap */
    struct receive_chunk *last; /* highest; NULL: empty */
    uint32_t count;             /* chunks */
    uint32_t runs, limit;       /* blocks between holes; limits.tcp_out_of_order */
    uint32_t bytes, true_bytes;
    struct sack_range recent[REASSEMBLY_SACK_BLOCKS]; /* RFC 2018 section 4: latest first; each a maximal run, as far as
                                                         we remember */
    uint8_t recent_count;
    struct sack_range duplicate; /* to be reported as D-SACK; empty: left == right */
};

/* Is there something to tell in an ACK? */
static inline bool reassembly_tells(const struct reassembly *reassembly)
{
    return reassembly->recent_count > 0 || !seq_eq(reassembly->duplicate.left, reassembly->duplicate.right);
}
void tcpip__reassembly_init(struct reassembly *reassembly, uint32_t limit);
void tcpip__reassembly_fini(struct reassembly *reassembly, struct pool *chunks);
/* Adds a chain of chunks (tcpip__receive_chunks_of) above rcv_nxt; takes them. Bytes we have already are kept as they
 * were and the overlap is noted as duplicate (the first such run). At the limit the highest run goes, possibly this
 * one. Returns bytes newly kept; *dropped counts chunks lost to the limit, or to lack of memory. */
uint32_t tcpip__reassembly_insert(struct reassembly *reassembly, struct pool *chunks, struct receive_chunk *chain,
                                  uint32_t *dropped);
/* The chunk that begins at or before rcv_nxt, trimmed to begin there, out of the tree; NULL: none. Chunks wholly below
 * are freed. Updates SACK ranges. */
struct receive_chunk *tcpip__reassembly_pop(struct reassembly *reassembly, struct pool *chunks, seqnum rcv_nxt);
/* Data below rcv_nxt, or known already, came again: report [left, right) first in the next ACK (RFC 2883). */
void tcpip__reassembly_note_duplicate(struct reassembly *reassembly, seqnum left, seqnum right);
/* Blocks for an ACK: the D-SACK first (then forgotten), then recent runs above rcv_nxt; at most `max`. Returns how
 * many. */
uint32_t tcpip__reassembly_sack_blocks(struct reassembly *reassembly, seqnum rcv_nxt, struct sack_range *out,
                                       uint32_t max);
/* Under pressure: frees chunks from the highest down until true_bytes <= target; returns chunks freed. (The peer was
 * told: RFC 2018 section 8 allows it.) */
uint32_t tcpip__reassembly_prune(struct reassembly *reassembly, struct pool *chunks, uint32_t target_true_bytes);
void tcpip__reassembly_check(const struct reassembly *reassembly, seqnum rcv_nxt);
/* Saved and restored (base/archive.h); restoring fills an empty one. `edge`: of what the peer may send. */
void tcpip__reassembly_archive(struct archive *archive, struct reassembly *reassembly, seqnum rcv_nxt, seqnum edge,
                               struct pool *chunks, struct tcpip_buffer_pools *buffers);

#endif
