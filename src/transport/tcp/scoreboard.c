// SPDX-License-Identifier: MIT
/* scoreboard.c: what became of every byte between snd_una and snd_nxt.
 *
 * The records lie in a tree by sequence number, without gaps:
 *
 *     snd_una                    lost_high                          sacked_high     snd_nxt
 *     | retransmitted |  SACKED  |  in flight  |  SACKED  | in flight |  SACKED  | in flight |
 *
 * Every ACK repeats SACK blocks that were seen before, and a peer may make them as large as the window. So SACKED
 * neighbours are joined into one record: a block that says nothing new costs one search, and one that does costs what
 * it changes.
 *
 * IsLost (RFC 6675 section 4) asks for the bytes and runs SACKed above a record. Both only fall from lower to higher
 * records, so the lost ones are a prefix of those not yet judged: lost_high marks how far judgement came, the two
 * counters say what is SACKed above it, and it moves forward over each record once.
 *
 * RACK (RFC 8985) asks what was sent before something that has arrived. Records in flight are on a list in the order
 * of their latest transmission, so that this too is a prefix, and an ACK costs what it changes. The order is a number
 * of its own: where the clock ticks in milliseconds, much is sent at the same instant, and a retransmission has the
 * lower sequence number though it went last.
 *
 * Owns:        struct scoreboard, struct record.
 * Invariants:  tcpip__scoreboard_check; SACKED, LOST and RETRANSMITTED exclude each other; no two SACKED neighbours;
 *              a SACKED record that ends above lost_high is counted as above it, whole; on the list of what is in
 *              flight neither order nor sent_at ever falls.
 * Not here:    what to do about loss (recovery.c), what may be sent (the hands), delivery rate (rate.c).
 */
#include "transport/tcp/scoreboard.h"

#include "base/assert.h"
#include "base/math.h"

enum { RECORD_MARKS = RECORD_SACKED | RECORD_LOST | RECORD_RETRANSMITTED };

static struct record *record_of(struct tree_node *node)
{
    return node == NULL ? NULL : tree_entry(node, struct record, node);
}

static struct record *record_next(const struct record *record)
{
    return record_of(tcpip__tree_next(&record->node));
}

static struct record *record_prev(const struct record *record)
{
    return record_of(tcpip__tree_prev(&record->node));
}

static seqnum record_end(const struct record *record)
{
    return seq_add(record->seq, record->length);
}

static int record_compare(const struct tree_node *node, const void *key)
{
    return seq_diff(tree_entry(node, const struct record, node)->seq, *(const seqnum *)key);
}

/* The record that `s` lies in, or the last one if `s` lies behind all. */
static struct record *record_at(const struct scoreboard *board, seqnum s)
{
    return record_of(tcpip__tree_floor(&board->records, record_compare, &s));
}

/* Is this SACKED record in the sacked_above counters? */
static bool record_above(const struct scoreboard *board, const struct record *record)
{
    return seq_gt(record_end(record), board->lost_high);
}

/* Was it sent before, or in the same super-segment and lower? (RFC 8985's RACK_sent_after.) */
static bool sent_before(uint32_t order, seqnum end, uint32_t other_order, seqnum other_end)
{
    int32_t behind = (int32_t)(order - other_order);
    return behind < 0 || (behind == 0 && seq_lt(end, other_end));
}

/* Takes `bytes` of `record` out of all counters. */
static void record_uncount(struct scoreboard *board, const struct record *record, uint32_t bytes)
{
    board->outstanding_bytes -= bytes;
    if (record->flags & RECORD_SACKED) {
        board->sacked_bytes -= bytes;
        if (record_above(board, record)) {
            board->sacked_above_bytes -= bytes;
            board->sacked_above_runs -= bytes == record->length;
        }
        if (bytes == record->length)
            board->sacked_segments -= record->segments;
    } else if (record->flags & RECORD_LOST) {
        board->lost_bytes -= bytes;
    } else if (record->flags & RECORD_RETRANSMITTED) {
        board->retransmitted_bytes -= bytes;
    }
}

/* Out of the tree and the ends; the counters are the caller's. */
static void record_remove(struct scoreboard *board, struct pool *pool, struct record *record)
{
    if (board->next_lost == record)
        board->next_lost = record_next(record);
    if (board->first == record)
        board->first = record_next(record);
    if (board->last == record)
        board->last = record_prev(record);
    list_remove_if_linked(&record->by_time);
    tcpip__tree_remove(&board->records, &record->node);
    pool_put(pool, record);
    board->count--;
}

static void record_note_send(struct scoreboard *board, struct record *record)
{
    record->rate.lost = board->lost_ever;
    record->rate.tx_in_flight = scoreboard_in_flight(board) & 0x7fffffffu;
}

static void record_note_loss(struct scoreboard *board, const struct record *record)
{
    board->lost_ever += record->length;
    uint32_t lost = board->lost_ever - record->rate.lost, in_flight = max_u32(record->rate.tx_in_flight, 1);
    if (board->worst.bytes != 0 &&
        (uint64_t)lost * board->worst.tx_in_flight <= (uint64_t)board->worst.lost * in_flight)
        return;
    board->worst = (struct loss_share){
        .bytes = record->length, .lost = lost, .tx_in_flight = in_flight, .app_limited = record->rate.app_limited};
}

/* Marks an unSACKed record that isn't LOST; returns its length. */
static uint32_t record_mark_lost(struct scoreboard *board, struct record *record)
{
    if (record->flags & RECORD_RETRANSMITTED)
        board->retransmitted_bytes -= record->length;
    record->flags = (uint8_t)((record->flags & ~RECORD_MARKS) | RECORD_LOST);
    list_remove_if_linked(&record->by_time);
    list_push_back(&board->lost, &record->by_time);
    board->lost_bytes += record->length;
    if (likely((record->flags & RECORD_PROBE) == 0))
        record_note_loss(board, record);
    if (board->next_lost == NULL || seq_lt(record->seq, board->next_lost->seq))
        board->next_lost = record;
    return record->length;
}

static bool record_newer(const struct record *a, const struct record *b)
{
    return sent_before(b->order, record_end(b), a->order, record_end(a));
}

/* RFC 8985 6.2 step 2: is it the latest transmission that has arrived, and not one before? `cumulative`: by the ACK
 * number, whose segment is the one that the timestamp echoes. */
static bool record_credible(const struct record *record, bool cumulative, const struct tcp_ack *facts)
{
    if (!(record->flags & RECORD_EVER_RETRANSMITTED))
        return true;
    if (facts->now - record->sent_at < facts->min_rtt_ns)
        return false;
    return !cumulative || !facts->has_timestamp || record->sent_at < facts->echoed_by;
}

/* `bytes` of a record that isn't SACKED reached the peer. */
static bool record_delivered(const struct scoreboard *board, const struct record *record, uint32_t bytes,
                             bool cumulative, struct tcp_ack *facts, struct record *newest)
{
    bool set = facts->delivered == 0 || record_newer(record, newest);
    if (set)
        *newest = *record;
    seqnum end = seq_add(record->seq, bytes);
    if (record_credible(record, cumulative, facts)) {
        if (!facts->newest.known || sent_before(facts->newest.order, facts->newest.end, record->order, end))
            facts->newest =
                (struct tcp_delivered){.known = true, .sent_at = record->sent_at, .order = record->order, .end = end};
        if (cumulative || !facts->newest_cumulative)
            facts->newest_rtt_ns = facts->now - record->sent_at;
        facts->newest_cumulative |= cumulative;
    }
    facts->delivered += bytes;
    uint32_t late = board->sacked_bytes != 0 && seq_lt(record->seq, board->sacked_high)
                        ? seq_size(record->seq, board->sacked_high)
                        : 0;
    if (record->flags & RECORD_EVER_RETRANSMITTED) {
        facts->acked_retransmitted = true;
        facts->late_bytes = max_u32(facts->late_bytes, late);
        return set;
    }
    /* After a timeout: RACK spared what was sent just before it, and that such data arrive is no surprise. */
    if (!facts->rack || (record->flags & RECORD_LOST) != 0) {
        if (!facts->acked_original || seq_lt(record->seq, facts->original_seq))
            facts->original_seq = record->seq;
        facts->acked_original = true;
    }
    facts->reordered |= late != 0;
    facts->reordering_bytes = max_u32(facts->reordering_bytes, late);
    return set;
}

/* Joins a SACKED record with the SACKED one behind it. */
static void record_join(struct scoreboard *board, struct pool *pool, struct record *left, struct record *right)
{
    if (record_above(board, right)) {
        board->sacked_above_runs--;
        if (!record_above(board, left)) { /* it ends at lost_high: all up to the right one's end is judged */
            board->sacked_above_bytes -= right->length;
            board->lost_high = record_end(right);
        }
    }
    left->length += right->length;
    left->segments += right->segments;
    left->flags |= right->flags;
    left->transmissions = left->transmissions > right->transmissions ? left->transmissions : right->transmissions;
    if (record_newer(right, left)) {
        left->sent_at = right->sent_at;
        left->order = right->order;
        left->rate = right->rate;
    }
    record_remove(board, pool, right);
}

/* Segments may have had another size when it was sent. */
static uint32_t record_segment(const struct record *record, uint32_t mss)
{
    return record->segment_bytes != 0 ? record->segment_bytes : mss;
}

/* Marks `record` SACKED and joins it with its neighbours; returns the joined record. */
static struct record *record_mark_sacked(struct scoreboard *board, struct pool *pool, struct record *record,
                                         uint32_t mss)
{
    struct record *prev = record_prev(record), *next = record_next(record);

    if (board->sacked_bytes == 0) {
        board->lost_high = board->first->seq;
        board->sacked_high = record_end(record);
    }
    if (record->flags & RECORD_LOST)
        board->lost_bytes -= record->length;
    else if (record->flags & RECORD_RETRANSMITTED)
        board->retransmitted_bytes -= record->length;
    record->flags = (uint8_t)((record->flags & ~(RECORD_MARKS | RECORD_PROBE)) | RECORD_SACKED);
    list_remove_if_linked(&record->by_time);
    record->segments = (uint32_t)div_round_up(record->length, record_segment(record, mss));
    board->sacked_segments += record->segments;
    board->sacked_bytes += record->length;
    board->sacked_high = seq_max(board->sacked_high, record_end(record));
    if (record_above(board, record)) {
        board->sacked_above_bytes += record->length;
        board->sacked_above_runs++;
    }
    if (next != NULL && (next->flags & RECORD_SACKED))
        record_join(board, pool, record, next);
    if (prev == NULL || !(prev->flags & RECORD_SACKED))
        return record;
    record_join(board, pool, prev, record);
    return prev;
}

/* Cuts out of an unSACKed record the part that lies in [left, right), at MSS multiples from its start. NULL: there is
 * no such part, or no room for the pieces. */
static struct record *record_carve(struct scoreboard *board, struct pool *pool, struct record *record, seqnum left,
                                   seqnum right, uint32_t mss)
{
    uint64_t begin = 0, end = record->length;

    mss = record_segment(record, mss);
    if (seq_lt(record->seq, left))
        begin = div_round_up(seq_size(record->seq, left), mss) * mss;
    if (seq_gt(record_end(record), right))
        end = seq_size(record->seq, right) / mss * mss;
    if (begin >= end)
        return NULL;
    if (!tcpip__scoreboard_split(board, pool, record, (uint32_t)end))
        return NULL;
    if (begin == 0)
        return record;
    return tcpip__scoreboard_split(board, pool, record, (uint32_t)begin) ? record_next(record) : NULL;
}

void tcpip__scoreboard_init(struct scoreboard *board, uint32_t limit)
{
    *board = (struct scoreboard){.limit = limit};
    list_init(&board->flight);
    list_init(&board->lost);
}

void tcpip__scoreboard_fini(struct scoreboard *board, struct pool *pool)
{
    while (board->first != NULL)
        record_remove(board, pool, board->first);
    tcpip__scoreboard_init(board, board->limit);
}

bool tcpip__scoreboard_may_send(struct scoreboard *board, struct pool *pool)
{
    const struct record *last = board->last;

    if (last != NULL && !(last->flags & RECORD_MARKS))
        return true;
    return board->count < board->limit && tcpip__pool_ready(pool);
}

bool tcpip__scoreboard_sent(struct scoreboard *board, struct pool *pool, seqnum seq, uint32_t length, uint8_t flags,
                            const struct rate_snapshot *rate, tcpip_ns now)
{
    struct record *last = board->last;

    ASSERT(length != 0 && (last == NULL || seq_eq(seq, record_end(last))));
    struct record *record = board->count < board->limit ? pool_get(pool) : NULL;
    if (unlikely(record == NULL)) {
        /* The longer record keeps its send time: samples from it are too long at worst, never too short. A marked one
         * would lend its mark to bytes that it isn't true of. */
        if (last == NULL || (last->flags & RECORD_MARKS))
            return false;
        last->length += length;
        last->flags = (uint8_t)((last->flags & ~RECORD_PROBE) | flags);
        board->outstanding_bytes += length;
        return true;
    }
    record->node = (struct tree_node){0};
    record->by_time = (struct tcpip_list_node){0};
    record->seq = seq;
    record->length = length;
    record->sent_at = now;
    record->rate = *rate;
    record->order = ++board->order;
    record->segments = 0;
    record->flags = flags;
    record->transmissions = 1;
    record->segment_bytes = board->segment_bytes;
    list_push_back(&board->flight, &record->by_time);
    tcpip__tree_insert_after(&board->records, last == NULL ? NULL : &last->node, &record->node);
    if (last == NULL)
        board->first = record;
    board->last = record;
    board->count++;
    board->outstanding_bytes += length;
    record_note_send(board, record);
    return true;
}

bool tcpip__scoreboard_acked(struct scoreboard *board, struct pool *pool, seqnum una, struct tcp_ack *facts,
                             struct record *newest)
{
    bool set = false, ambiguous = false;
    tcpip_ns sent_at = -1; /* of the newest record sent once */
    struct record *record;

    while ((record = board->first) != NULL && seq_lt(record->seq, una)) {
        uint32_t bytes = min_u32(record->length, seq_size(record->seq, una));
        if (!(record->flags & RECORD_SACKED)) {
            set |= record_delivered(board, record, bytes, true, facts, newest);
            if (record->flags & RECORD_EVER_RETRANSMITTED)
                ambiguous = true; /* the ACK may be for either transmission, and what lies above waited for it */
            else
                sent_at = max_i64(sent_at, record->sent_at);
        }
        record_uncount(board, record, bytes);
        if (bytes < record->length) {
            /* The place in the tree stays right: it only moves towards its successor. */
            record->seq = una;
            record->length -= bytes;
            break;
        }
        record_remove(board, pool, record);
    }
    if (sent_at >= 0 && !ambiguous)
        facts->rtt_ns = facts->now - sent_at;
    if (board->sacked_bytes != 0 && seq_lt(board->lost_high, una))
        board->lost_high = una;
    if (record != NULL && (record->flags & RECORD_SACKED))
        facts->sack_reneged = true; /* it had those bytes, and now doesn't acknowledge them (RFC 2018 section 8) */
    return set;
}

struct record *tcpip__scoreboard_take_lone(struct scoreboard *board, struct tcp_ack *facts)
{
    struct record *record = board->first;

    ASSERT(board->count == 1 && record == board->last);
    facts->delivered = record->length;
    facts->rtt_ns = facts->newest_rtt_ns = facts->now - record->sent_at;
    facts->newest_cumulative = true;
    facts->newest = (struct tcp_delivered){
        .known = true, .sent_at = record->sent_at, .order = record->order, .end = record_end(record)};
    board->outstanding_bytes = 0;
    board->count = 0;
    board->first = board->last = board->next_lost = NULL;
    tree_init(&board->records);
    list_init(&board->flight);
    return record;
}

bool tcpip__scoreboard_sack(struct scoreboard *board, struct pool *pool, seqnum left, seqnum right, uint32_t mss,
                            struct tcp_ack *facts, struct record *newest)
{
    bool set = false;

    ASSERT(mss != 0);
    if (board->first == NULL)
        return false;
    /* As offsets from snd_una, so that no block, however far off, compares wrongly. */
    uint32_t from = seq_size(board->first->seq, left), to = seq_size(board->first->seq, right);
    if (from == 0 || from >= board->outstanding_bytes || to <= from)
        return false;
    if (to > board->outstanding_bytes)
        right = record_end(board->last);
    for (struct record *record = record_at(board, left); record != NULL && seq_lt(record->seq, right);
         record = record_next(record)) {
        if (record->flags & RECORD_SACKED)
            continue;
        struct record *part = record_carve(board, pool, record, left, right, mss);
        if (part == NULL)
            continue;
        set |= record_delivered(board, part, part->length, false, facts, newest);
        facts->sacked += part->length;
        if (!(part->flags & RECORD_EVER_RETRANSMITTED)) {
            tcpip_ns rtt = facts->now - part->sent_at;
            facts->sacked_rtt_ns = facts->sacked_rtt_ns < 0 ? rtt : min_i64(facts->sacked_rtt_ns, rtt);
        }
        record = record_mark_sacked(board, pool, part, mss);
    }
    return set;
}

/* RFC 6675 section 4, of the record at lost_high. */
static bool scoreboard_enough_above(const struct scoreboard *board, uint32_t threshold, uint32_t mss)
{
    return board->sacked_above_bytes > (uint64_t)(threshold - 1) * mss || board->sacked_above_runs >= threshold;
}

uint32_t tcpip__scoreboard_mark_lost(struct scoreboard *board, uint32_t threshold, uint32_t mss)
{
    uint32_t lost = 0;

    ASSERT(threshold != 0);
    if (board->sacked_bytes == 0 || !scoreboard_enough_above(board, threshold, mss))
        return 0;
    struct record *record = record_at(board, board->lost_high);
    while (scoreboard_enough_above(board, threshold, mss)) {
        ASSERT(record != NULL);
        if (record->flags & RECORD_SACKED) {
            board->sacked_above_bytes -= record->length;
            board->sacked_above_runs--;
        } else if (!(record->flags & RECORD_MARKS)) {
            lost += record_mark_lost(board, record);
        }
        board->lost_high = record_end(record);
        record = record_next(record);
    }
    return lost;
}

struct time_judgement tcpip__scoreboard_mark_lost_by_time(struct scoreboard *board, const struct tcp_delivered *newest,
                                                          tcpip_ns sent_by)
{
    struct time_judgement judgement = {0};

    for (struct tcpip_list_node *node; (node = list_first(&board->flight)) != NULL;) {
        struct record *record = list_entry(node, struct record, by_time);
        if (!sent_before(record->order, record_end(record), newest->order, newest->end))
            break;
        if (record->sent_at > sent_by) {
            judgement.spared = true;
            judgement.spared_sent_at = record->sent_at;
            break;
        }
        if (record->flags & RECORD_RETRANSMITTED)
            judgement.lost_retransmitted += record->length;
        judgement.lost += record_mark_lost(board, record);
    }
    return judgement;
}

void tcpip__scoreboard_mark_lost_on_timeout(struct scoreboard *board, struct pool *pool, tcpip_ns sent_by, uint32_t mss)
{
    struct record *head = board->first;

    ASSERT(head != NULL && !(head->flags & RECORD_SACKED));
    board->reno_sacked_bytes = 0;
    for (struct tcpip_list_node *node; (node = list_first(&board->flight)) != NULL;) {
        struct record *record = list_entry(node, struct record, by_time);
        if (record->sent_at > sent_by)
            break;
        record_mark_lost(board, record);
    }
    if (head->flags & RECORD_LOST)
        return;
    bool cut = tcpip__scoreboard_split(board, pool, head, mss);
    (void)cut; /* without room for the rest, all of it goes again */
    record_mark_lost(board, head);
}

uint32_t tcpip__scoreboard_mark_head_lost(struct scoreboard *board, struct pool *pool, uint32_t mss)
{
    struct record *record = board->first;

    while (record != NULL && (record->flags & RECORD_SACKED))
        record = record_next(record);
    /* Not a retransmission that is still under way: a peer that acknowledges byte by byte would get one each time. */
    if (record == NULL || (record->flags & RECORD_MARKS))
        return 0;
    bool cut = tcpip__scoreboard_split(board, pool, record, mss);
    (void)cut; /* without room for the rest, all of it goes again */
    return record_mark_lost(board, record);
}

uint32_t tcpip__scoreboard_mark_all_lost(struct scoreboard *board, bool forget_sacks)
{
    uint32_t lost = 0;

    if (forget_sacks)
        board->sacked_bytes = board->sacked_segments = board->sacked_above_bytes = board->sacked_above_runs = 0;
    board->reno_sacked_bytes = 0;
    for (struct record *record = board->first; record != NULL; record = record_next(record)) {
        if (forget_sacks)
            record->flags &= (uint8_t)~RECORD_SACKED;
        if (!(record->flags & (RECORD_SACKED | RECORD_LOST)))
            lost += record_mark_lost(board, record);
    }
    return lost;
}

void tcpip__scoreboard_clear_lost(struct scoreboard *board)
{
    struct tcpip_list_node *place = board->flight.head.next;

    /* Both lists were in order, but for what was judged by count: its place is looked for from the beginning. */
    for (struct tcpip_list_node *node; (node = list_pop_front(&board->lost)) != NULL;) {
        struct record *record = list_entry(node, struct record, by_time);
        record->flags &= (uint8_t)~RECORD_LOST;
        if (place->prev != &board->flight.head && record_newer(list_entry(place->prev, struct record, by_time), record))
            place = board->flight.head.next;
        while (place != &board->flight.head && record_newer(record, list_entry(place, struct record, by_time)))
            place = place->next;
        list_insert_before(place, node);
    }
    board->lost_bytes = 0;
    board->next_lost = NULL;
}

struct record *tcpip__scoreboard_next_lost(struct scoreboard *board)
{
    if (board->lost_bytes == 0)
        return board->next_lost = NULL;
    while (!(board->next_lost->flags & RECORD_LOST))
        board->next_lost = record_next(board->next_lost);
    return board->next_lost;
}

bool tcpip__scoreboard_split(struct scoreboard *board, struct pool *pool, struct record *record, uint32_t length)
{
    ASSERT(length != 0);
    if (record->length <= length)
        return true;
    ASSERT(!(record->flags & RECORD_SACKED));
    struct record *rest = board->count < board->limit ? pool_get(pool) : NULL;
    if (rest == NULL)
        return false;
    *rest = *record;
    rest->node = (struct tree_node){0};
    list_node_init(&rest->by_time);
    list_insert_after(&record->by_time, &rest->by_time);
    rest->seq = seq_add(record->seq, length);
    rest->length -= length;
    record->length = length;
    record->flags &= (uint8_t)~RECORD_FIN;
    tcpip__tree_insert_after(&board->records, &record->node, &rest->node);
    if (board->last == record)
        board->last = rest;
    board->count++;
    return true;
}

void tcpip__scoreboard_retransmitted(struct scoreboard *board, struct record *record, const struct rate_snapshot *rate,
                                     tcpip_ns now)
{
    ASSERT(!(record->flags & RECORD_SACKED));
    if (record->flags & RECORD_LOST)
        board->lost_bytes -= record->length;
    if (!(record->flags & RECORD_RETRANSMITTED))
        board->retransmitted_bytes += record->length;
    record->flags =
        (uint8_t)((record->flags & ~(RECORD_MARKS | RECORD_PROBE)) | RECORD_RETRANSMITTED | RECORD_EVER_RETRANSMITTED);
    record->segment_bytes = board->segment_bytes;
    if (record->transmissions < UINT8_MAX)
        record->transmissions++;
    record->sent_at = now;
    record->rate = *rate;
    record_note_send(board, record);
    record->order = ++board->order;
    list_remove(&record->by_time);
    list_push_back(&board->flight, &record->by_time);
}

/* ---- probes ---- */

enum record_fate tcpip__scoreboard_fate(const struct scoreboard *board, seqnum una, seqnum start, seqnum end)
{
    if (seq_geq(una, end))
        return RECORD_ARRIVED;
    if (seq_gt(una, start))
        return RECORD_UNKNOWN; /* half of it? it isn't one segment any more */
    const struct record *record = record_at(board, start);
    if (record == NULL || seq_lt(record->seq, una))
        return RECORD_UNKNOWN;
    return (record->flags & RECORD_SACKED) != 0 ? RECORD_ARRIVED
           : (record->flags & RECORD_LOST) != 0 ? RECORD_IS_LOST
                                                : RECORD_UNKNOWN;
}

bool tcpip__scoreboard_mark_probe(struct scoreboard *board, seqnum start, uint32_t bytes)
{
    struct record *last = board->last;
    if (last == NULL || !seq_eq(last->seq, start) || last->length != bytes || bytes > UINT16_MAX)
        return false;
    last->flags |= RECORD_PROBE;
    last->segment_bytes = (uint16_t)bytes;
    return true;
}

void tcpip__scoreboard_forget_probe(struct scoreboard *board, seqnum start)
{
    struct record *record = record_at(board, start);
    if (record != NULL)
        record->flags &= (uint8_t)~RECORD_PROBE;
}

void tcpip__scoreboard_mark_segment_lost(struct scoreboard *board, seqnum start)
{
    struct record *record = record_at(board, start);
    if (record != NULL && seq_eq(record->seq, start) && !(record->flags & RECORD_MARKS))
        (void)record_mark_lost(board, record);
}

bool tcpip__scoreboard_only_probe_lost(struct scoreboard *board)
{
    const struct record *record = tcpip__scoreboard_next_lost(board);
    return record != NULL && (record->flags & RECORD_PROBE) != 0 && record->length == board->lost_bytes;
}

/* ---- without SACK ---- */

void tcpip__scoreboard_reno_duplicate(struct scoreboard *board, uint32_t mss)
{
    /* The first segment is what is missing: it is never among the delivered. */
    board->reno_sacked_bytes =
        min_u32(sat_add_u32(board->reno_sacked_bytes, mss), sat_sub_u32(board->outstanding_bytes, mss));
}

void tcpip__scoreboard_reno_acked(struct scoreboard *board, uint32_t acked, uint32_t mss)
{
    if (acked == 0) {
        board->reno_sacked_bytes = 0;
        return;
    }
    /* One of the segments acknowledged is the one that was missing. */
    board->reno_sacked_bytes = sat_sub_u32(board->reno_sacked_bytes, sat_sub_u32(acked, mss));
    board->reno_sacked_bytes = min_u32(board->reno_sacked_bytes, sat_sub_u32(board->outstanding_bytes, mss));
}

/* The two lists hold what they say, in order. */
static void scoreboard_check_lists(const struct scoreboard *board, uint32_t in_flight, uint32_t lost)
{
    const struct record *prev = NULL;

    list_for_each(node, &board->flight)
    {
        const struct record *record = list_entry(node, struct record, by_time);
        ASSERT(!(record->flags & (RECORD_SACKED | RECORD_LOST)));
        ASSERT(prev == NULL || (record_newer(record, prev) && record->sent_at >= prev->sent_at));
        prev = record;
        in_flight--;
    }
    list_for_each(node, &board->lost)
    {
        ASSERT(list_entry(node, struct record, by_time)->flags & RECORD_LOST);
        lost--;
    }
    ASSERT(in_flight == 0 && lost == 0);
}

void tcpip__scoreboard_check(const struct scoreboard *board, seqnum una, seqnum nxt)
{
    uint32_t count = 0, sacked = 0, lost = 0, retransmitted = 0, above_bytes = 0, above_runs = 0;
    uint32_t segments = 0, lost_records = 0, flight_records = 0;
    const struct record *prev = NULL, *first_lost = NULL;

    ASSERT(tcpip__tree_check(&board->records) == board->count && board->count <= board->limit);
    for (const struct record *record = board->first; record != NULL; prev = record, record = record_next(record)) {
        uint8_t marks = record->flags & RECORD_MARKS;
        ASSERT(record->length != 0 && seq_eq(record->seq, prev == NULL ? una : record_end(prev)));
        ASSERT((marks & (marks - 1)) == 0);
        ASSERT(marks != RECORD_RETRANSMITTED || (record->flags & RECORD_EVER_RETRANSMITTED));
        ASSERT(prev == NULL || !(prev->flags & marks & RECORD_SACKED));
        ASSERT(!(record->flags & RECORD_FIN) || record == board->last);
        sacked += marks == RECORD_SACKED ? record->length : 0;
        segments += marks == RECORD_SACKED ? record->segments : 0;
        lost += marks == RECORD_LOST ? record->length : 0;
        lost_records += marks == RECORD_LOST;
        flight_records += (marks & (RECORD_SACKED | RECORD_LOST)) == 0;
        ASSERT(list_node_linked(&record->by_time) == (marks != RECORD_SACKED));
        retransmitted += marks == RECORD_RETRANSMITTED ? record->length : 0;
        if (marks == RECORD_SACKED && record_above(board, record)) {
            above_bytes += record->length;
            above_runs++;
        }
        if (marks == RECORD_LOST && first_lost == NULL)
            first_lost = record;
        if (marks == RECORD_SACKED)
            ASSERT(seq_leq(record_end(record), board->sacked_high));
        count++;
    }
    scoreboard_check_lists(board, flight_records, lost_records);
    ASSERT(segments == board->sacked_segments);
    ASSERT(prev == board->last && count == board->count);
    ASSERT(seq_eq(prev == NULL ? una : record_end(prev), nxt));
    ASSERT(board->outstanding_bytes == seq_size(una, nxt));
    ASSERT(sacked == board->sacked_bytes && lost == board->lost_bytes);
    ASSERT(retransmitted == board->retransmitted_bytes);
    ASSERT(above_bytes == board->sacked_above_bytes && above_runs == board->sacked_above_runs);
    ASSERT(first_lost == NULL || (board->next_lost != NULL && seq_leq(board->next_lost->seq, first_lost->seq)));
}
