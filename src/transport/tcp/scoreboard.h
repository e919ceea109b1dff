// SPDX-License-Identifier: MIT
/* scoreboard.h: what was sent and not acknowledged, record by record: when, how often, SACKed, lost (RFC 2018, 6675).
 *
 * Records cover [snd_una, snd_nxt) without gaps, in order. A record is a segment or a super-segment; it is split where
 * a SACK edge or a retransmission needs it, at multiples of the MSS only, so that a peer can't make more than window /
 * MSS records. Neighbours that are both SACKed become one, so that the blocks which every ACK repeats cost nothing. A
 * record has at most one of SACKED, LOST and RETRANSMITTED. */
#ifndef TCPIP_SRC_TCP_SCOREBOARD_H
#define TCPIP_SRC_TCP_SCOREBOARD_H

#include "base/list.h"
#include "base/pool.h"
#include "base/seqnum.h"
#include "base/tree.h"
#include "transport/tcp/ack.h"

struct archive;

enum record_flags {
    RECORD_SACKED = 1,
    RECORD_LOST = 2,               /* judged lost and not retransmitted since */
    RECORD_RETRANSMITTED = 4,      /* its latest transmission is a retransmission still thought to be in flight */
    RECORD_EVER_RETRANSMITTED = 8, /* Karn: no RTT from it */
    RECORD_FIN = 16,               /* its last sequence number is the FIN */
    RECORD_PROBE = 32,             /* one segment larger than the others: its loss is no sign of congestion */
};

/* The state of the rate estimator when a record was (last) sent; rate.h. */
struct rate_snapshot {
    uint64_t delivered;
    tcpip_ns delivered_at, first_sent_at;
    uint32_t lost; /* scoreboard.lost_ever, and what was in flight with the record: filled in here */
    uint32_t tx_in_flight : 31;
    uint32_t app_limited : 1;
};

struct record {
    struct tree_node node;
    seqnum seq;
    uint32_t length;  /* sequence numbers */
    tcpip_ns sent_at; /* of its latest transmission */
    struct rate_snapshot rate;
    struct tcpip_list_node by_time; /* in scoreboard.flight or .lost; in neither while SACKED */
    uint32_t order;                 /* of its latest transmission among all: clocks may stand still between two */
    uint32_t segments;              /* while SACKED: how many */
    uint8_t flags;                  /* enum record_flags */
    uint8_t transmissions;          /* saturates */
    uint16_t segment_bytes;         /* of its segments, when it was sent; 0: as now */
};

/* Of the records found lost, the one between whose sending and finding the largest share of what was in flight got
 * lost. */
struct loss_share {
    uint32_t bytes; /* the record's; 0: none was */
    uint32_t lost, tx_in_flight;
    bool app_limited;
};

struct scoreboard {
    struct tree records;
    struct record *first, *last;
    struct record *next_lost;     /* no record before it is LOST; NULL: not known to be any */
    struct list flight;           /* records neither SACKED nor LOST, in the order of their latest transmission */
    struct list lost;             /* LOST records */
    uint32_t order;               /* of the latest transmission */
    uint32_t count, limit;        /* records; limits.tcp_records */
    uint16_t segment_bytes;       /* what is sent now is cut at multiples of it; 0: not told */
    uint32_t sacked_segments;     /* that the SACKED records were when reported */
    uint32_t sacked_bytes;        /* in SACKED records */
    uint32_t lost_bytes;          /* in LOST records */
    uint32_t retransmitted_bytes; /* in RETRANSMITTED records not SACKED */
    uint32_t outstanding_bytes;   /* in all records */
    seqnum sacked_high;           /* end of the highest SACKed record; meaningful if sacked_bytes */
    seqnum lost_high;             /* everything unSACKed below was judged (mark_lost); meaningful while sacked_bytes */
    uint32_t sacked_above_bytes;  /* in SACKED records that end above lost_high, */
    uint32_t sacked_above_runs;   /* and how many these are */
    uint32_t reno_sacked_bytes;   /* without SACK: segments that duplicate ACKs stand for (RFC 5681, 6582) */
    uint32_t lost_ever;           /* bytes; each transmission counts */
    struct loss_share worst;      /* until somebody forgets it */
};

/* What tcpip__scoreboard_mark_lost_by_time found. */
struct time_judgement {
    uint32_t lost;               /* bytes newly lost, */
    uint32_t lost_retransmitted; /* and of these, retransmissions */
    bool spared;                 /* something was sent before, but not so long ago: */
    tcpip_ns spared_sent_at;     /* the first of it */
};

void tcpip__scoreboard_init(struct scoreboard *board, uint32_t limit);
/* Frees all records. */
void tcpip__scoreboard_fini(struct scoreboard *board, struct pool *pool);

/* RFC 6675's pipe: outstanding, less SACKed, less lost and not retransmitted since. */
static inline uint32_t scoreboard_in_flight(const struct scoreboard *board)
{
    uint32_t gone = board->sacked_bytes + board->reno_sacked_bytes + board->lost_bytes;
    return gone < board->outstanding_bytes ? board->outstanding_bytes - gone : 0;
}

/* Is there a record for new data, so that the next `sent` works? To be asked before they go out. */
bool tcpip__scoreboard_may_send(struct scoreboard *board, struct pool *pool);
/* New data [seq, seq + length) was sent; seq is where the last record ends. At the limit, or out of memory, the last
 * record grows instead. False: there is no record to grow; nothing was noted and the segment must not be sent. */
must_use bool tcpip__scoreboard_sent(struct scoreboard *board, struct pool *pool, seqnum seq, uint32_t length,
                                     uint8_t flags, const struct rate_snapshot *rate, tcpip_ns now);
/* The cumulative ACK moved to `una`: drops and trims records. Adds to facts: delivered, rtt_ns (newest record sent
 * once, if nothing acknowledged with it was retransmitted), acked_retransmitted, acked_original, reordered,
 * sack_reneged, newest. *newest: a copy of the most recently sent record delivered, over all calls with the same facts
 * (its rate snapshot feeds rate.h); untouched if none. Returns whether *newest was set. */
bool tcpip__scoreboard_acked(struct scoreboard *board, struct pool *pool, seqnum una, struct tcp_ack *facts,
                             struct record *newest);
/* Is all that is outstanding one record, of `length`, sent once and neither SACKed nor lost? */
static inline bool scoreboard_lone(const struct scoreboard *board, uint32_t length)
{
    return board->count == 1 && board->first->flags == 0 && board->first->length == length;
}
/* That record was acknowledged, whole: what `acked` does then, but that the record is the caller's, to put it back. */
struct record *tcpip__scoreboard_take_lone(struct scoreboard *board, struct tcp_ack *facts);
/* One SACK block [left, right) within (snd_una, snd_nxt]; edges inside a record count for the whole MSS-multiples they
 * cover. Adds to facts: sacked, delivered, sacked_rtt_ns, acked_retransmitted, acked_original, reordered, newest. As
 * above for *newest. The blocks of one ACK are given after its cumulative part, the lowest first: else the lower ones
 * would look reordered. A block that isn't above snd_una is ignored: who had those bytes would have acknowledged them.
 */
bool tcpip__scoreboard_sack(struct scoreboard *board, struct pool *pool, seqnum left, seqnum right, uint32_t mss,
                            struct tcp_ack *facts, struct record *newest);
/* RFC 6675 IsLost: unSACKed records with more than (threshold - 1) * mss SACKed bytes above, or `threshold` SACKed runs
 * above, are lost. Never judges a record twice by the same SACKs; a record retransmitted since isn't judged again.
 * Returns bytes newly lost. */
uint32_t tcpip__scoreboard_mark_lost(struct scoreboard *board, uint32_t threshold, uint32_t mss);
/* RFC 8985 6.2 step 5: what was sent before `newest`, and at or before `sent_by`, is lost; retransmissions too. */
struct time_judgement tcpip__scoreboard_mark_lost_by_time(struct scoreboard *board, const struct tcp_delivered *newest,
                                                          tcpip_ns sent_by);
/* RFC 8985 6.3, of a timeout: the first segment is lost, and what was sent at or before `sent_by`. The first record
 * isn't SACKED. */
void tcpip__scoreboard_mark_lost_on_timeout(struct scoreboard *board, struct pool *pool, tcpip_ns sent_by,
                                            uint32_t mss);
/* The first unSACKed segment (at most mss of it) is lost: NewReno's partial ACK, or entering recovery without SACK. */
uint32_t tcpip__scoreboard_mark_head_lost(struct scoreboard *board, struct pool *pool, uint32_t mss);
/* RTO (RFC 6675 5.1): everything unSACKed is lost, retransmissions too. With forget_sacks the SACKs are forgotten first
 * (reneging, RFC 2018 section 8). */
uint32_t tcpip__scoreboard_mark_all_lost(struct scoreboard *board, bool forget_sacks);
/* Undo: what is marked lost is in flight again. */
void tcpip__scoreboard_clear_lost(struct scoreboard *board);
/* The first record that is lost and not retransmitted since; NULL: none. */
struct record *tcpip__scoreboard_next_lost(struct scoreboard *board);
/* What became of [start, end), which was sent in one segment. */
enum record_fate { RECORD_UNKNOWN, RECORD_ARRIVED, RECORD_IS_LOST };
enum record_fate tcpip__scoreboard_fate(const struct scoreboard *board, seqnum una, seqnum start, seqnum end);
/* The record sent last is a probe of `bytes`; false: it isn't a record of its own. */
bool tcpip__scoreboard_mark_probe(struct scoreboard *board, seqnum start, uint32_t bytes);
/* No record counts as a probe any more. */
void tcpip__scoreboard_forget_probe(struct scoreboard *board, seqnum start);
/* A router says that the segment at `start` was dropped. */
void tcpip__scoreboard_mark_segment_lost(struct scoreboard *board, seqnum start);
/* Is nothing lost but (what is left of) a probe? */
bool tcpip__scoreboard_only_probe_lost(struct scoreboard *board);
/* The last record sent (tail probe, rescue); NULL: none. */
static inline struct record *scoreboard_last(const struct scoreboard *board)
{
    return board->last;
}
/* Cuts `record` so that it covers at most `length` numbers; the rest becomes a record of its own behind it, with the
 * same marks. False: out of memory or at the limit (record unchanged). */
must_use bool tcpip__scoreboard_split(struct scoreboard *board, struct pool *pool, struct record *record,
                                      uint32_t length);
/* `record` was sent again. */
void tcpip__scoreboard_retransmitted(struct scoreboard *board, struct record *record, const struct rate_snapshot *rate,
                                     tcpip_ns now);
/* Without SACK: a duplicate ACK stands for one more segment delivered; never as many as are outstanding. */
void tcpip__scoreboard_reno_duplicate(struct scoreboard *board, uint32_t mss);
/* Without SACK: what duplicate ACKs stood for is covered by a cumulative ACK of `acked` bytes (0: forget all). */
void tcpip__scoreboard_reno_acked(struct scoreboard *board, uint32_t acked, uint32_t mss);
/* Asserts counters, order, coverage of [una, nxt). Linear: debug builds, tests, simulation. */
void tcpip__scoreboard_check(const struct scoreboard *board, seqnum una, seqnum nxt);

/* scoreboard_save.c. Saved and restored (base/archive.h); restoring fills an empty one, from `una` on. All that isn't
 * acknowledged counts as sent at that instant, with this snapshot, and as sent before: no round trip is measured by it,
 * and no ACK of it tells of reordering. */
void tcpip__scoreboard_archive(struct archive *archive, struct scoreboard *board, struct pool *pool, seqnum una,
                               const struct rate_snapshot *rate);

#endif
