// SPDX-License-Identifier: MIT
/* scoreboard_save.c: the records of what is in flight, saved and restored.
 *
 * Marks survive: what the peer has SACKed isn't sent again, and what was lost is. Times don't: between saving and
 * restoring, ACKs went where nobody took them, so how long anything took can't be told any more. Everything that isn't
 * acknowledged counts as sent when it is restored, in the order of its numbers. It is flagged as sent again before:
 * then Karn's rule keeps it from measuring a round trip, RACK believes only what is no sooner than one, and it is
 * no proof of reordering or of a spurious timeout when it arrives.
 *
 * Owns:        nothing.
 * Invariants:  what is restored holds tcpip__scoreboard_check for [una, una + outstanding_bytes).
 * Not here:    the rest of scoreboard.c. */
#include "transport/tcp/scoreboard.h"

#include "base/archive.h"
#include "base/math.h"

enum {
    RECORD_SAVED_MARKS = RECORD_SACKED | RECORD_LOST | RECORD_RETRANSMITTED,
    RECORD_SAVED_FLAGS = RECORD_SAVED_MARKS | RECORD_FIN,
    OUTSTANDING_MAX = 1 << 30, /* no window is larger */
};

static void board_save(struct archive *archive, struct scoreboard *board)
{
    for (struct tree_node *node = tcpip__tree_first(&board->records); node != NULL; node = tcpip__tree_next(node)) {
        struct record *record = tree_entry(node, struct record, node);
        uint8_t flags = record->flags & RECORD_SAVED_FLAGS;
        archive_u32(archive, &record->length);
        archive_u8(archive, &flags, RECORD_SAVED_FLAGS);
        archive_u8(archive, &record->transmissions, UINT8_MAX);
        archive_u32(archive, &record->segments);
    }
}

/* The next record, and whether it can follow those before. */
static void board_read(struct archive *archive, const struct scoreboard *board, struct record *out)
{
    archive_u32(archive, &out->length);
    archive_u8(archive, &out->flags, RECORD_SAVED_FLAGS);
    archive_u8(archive, &out->transmissions, UINT8_MAX);
    archive_u32(archive, &out->segments);
    uint8_t marks = out->flags & RECORD_SAVED_MARKS, before = board->last != NULL ? board->last->flags : 0;
    archive_require(archive, (out->flags & ~(unsigned)RECORD_SAVED_FLAGS) == 0 && (marks & (marks - 1)) == 0);
    archive_require(archive, out->length > 0 && out->length <= OUTSTANDING_MAX - board->outstanding_bytes);
    archive_require(archive, (before & RECORD_FIN) == 0 && (before & marks & RECORD_SACKED) == 0);
    archive_require(archive, out->segments <= out->length || marks != RECORD_SACKED);
    if (archive_ok(archive) && board->count >= board->limit)
        tcpip__archive_fail(archive, TCPIP_ERR_LIMIT_REACHED);
}

static void board_append(struct scoreboard *board, struct record *record)
{
    seqnum end = seq_add(record->seq, record->length);
    tcpip__tree_insert_after(&board->records, board->last != NULL ? &board->last->node : NULL, &record->node);
    if (board->first == NULL)
        board->first = record;
    board->last = record;
    board->count++;
    board->outstanding_bytes += record->length;
    if (record->flags & RECORD_SACKED) {
        board->sacked_segments += record->segments;
        board->sacked_bytes += record->length;
        board->sacked_high = end;
        if (seq_gt(end, board->lost_high)) {
            board->sacked_above_bytes += record->length;
            board->sacked_above_runs++;
        }
    } else if (record->flags & RECORD_LOST) {
        board->lost_bytes += record->length;
        list_push_back(&board->lost, &record->by_time);
        if (board->next_lost == NULL)
            board->next_lost = record;
    } else {
        if (record->flags & RECORD_RETRANSMITTED)
            board->retransmitted_bytes += record->length;
        list_push_back(&board->flight, &record->by_time);
    }
}

void tcpip__scoreboard_archive(struct archive *archive, struct scoreboard *board, struct pool *pool, seqnum una,
                               const struct rate_snapshot *rate)
{
    uint32_t judged = board->sacked_bytes > 0 ? seq_size(una, board->lost_high) : 0;
    archive_u32(archive, &judged);
    archive_u32(archive, &board->reno_sacked_bytes);
    if (!archive_restoring(archive)) {
        board_save(archive, board);
        return;
    }
    archive_require(archive, judged <= OUTSTANDING_MAX);
    board->lost_high = seq_add(una, judged);
    bool edge = judged == 0; /* judgement ends between two records */
    while (archive_ok(archive) && archive_left(archive) > 0) {
        struct record found = {.seq = seq_add(una, board->outstanding_bytes), .rate = *rate};
        board_read(archive, board, &found);
        struct record *record = archive_ok(archive) ? tcpip__pool_get(pool) : NULL;
        if (record == NULL) {
            tcpip__archive_fail(archive, TCPIP_ERR_NO_MEMORY);
            return;
        }
        *record = found;
        record->flags |= RECORD_EVER_RETRANSMITTED;
        record->sent_at = rate->delivered_at; /* now */
        record->order = ++board->order;
        record->rate.tx_in_flight = scoreboard_in_flight(board) & 0x7fffffffu;
        board_append(board, record);
        edge |= judged == board->outstanding_bytes;
    }
    archive_require(archive, edge);
    archive_require(archive, board->reno_sacked_bytes <= board->outstanding_bytes);
}
