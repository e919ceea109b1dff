// SPDX-License-Identifier: MIT
/* reassembly.c: data that came before its turn.
 *
 * Chunks lie in a tree by sequence number and never overlap: of a byte that comes twice the first copy is kept, so that
 * nobody can change what the SACKs have promised. What comes in order within the gap (the usual case: everything above
 * one hole) goes behind the last chunk without a search.
 *
 * SACK blocks are not computed from the tree: RFC 2018 wants the run that the latest segment belongs to first, then
 * those reported before. The last four are remembered and kept up to date; a run that was forgotten is found again by
 * a walk along its chunks, of bounded length, when a segment touches it. A block may therefore be smaller than the run;
 * it never covers a byte that isn't here.
 *
 * The limit counts runs: an honest path makes tens of them, a peer that sends every second byte one per byte. What lies
 * within a run is bounded by the window; small pieces are copied together as they come, and who sends them backwards
 * can have as many chunks as runs.
 *
 * Owns:        struct reassembly, the chunks in it.
 * Invariants:  tcpip__reassembly_check; runs <= limit; remembered runs are disjoint and held.
 * Not here:    data in order (receive_queue.c), whether a segment is in the window (tcp_input.c).
 */
#include "transport/tcp/reassembly.h"

#include "base/archive.h"
#include "base/assert.h"
#include "base/math.h"

enum {
    RUN_WALK_MAX = 32,    /* chunks on each side: a peer that interleaves many long runs pays for them */
    CHUNK_BYTES_MIN = 64, /* chunks beyond the limit of runs must hold so much each, on average */
};

/* What one call of insert has come to. */
struct insertion {
    struct reassembly *reassembly;
    struct pool *chunks;
    struct sack_range run;       /* of what is held and was touched, as far as it has no gap; empty: nothing yet */
    struct sack_range duplicate; /* the first run that was here before */
    uint32_t kept, dropped;
};

static struct receive_chunk *ooo_chunk(struct tree_node *node)
{
    return node == NULL ? NULL : tree_entry(node, struct receive_chunk, node);
}

static struct receive_chunk *ooo_next(const struct receive_chunk *chunk)
{
    return ooo_chunk(tcpip__tree_next(&chunk->node));
}

static struct receive_chunk *ooo_prev(const struct receive_chunk *chunk)
{
    return ooo_chunk(tcpip__tree_prev(&chunk->node));
}

static seqnum ooo_end(const struct receive_chunk *chunk)
{
    return seq_add(chunk->seq, chunk->view.length);
}

static int ooo_compare(const struct tree_node *node, const void *key)
{
    return seq_diff(tree_entry(node, const struct receive_chunk, node)->seq, *(const seqnum *)key);
}

/* The last chunk that begins at or before `s`; NULL: none. */
static struct receive_chunk *ooo_floor(const struct reassembly *reassembly, seqnum s)
{
    if (reassembly->last != NULL && seq_leq(reassembly->last->seq, s))
        return reassembly->last;
    return ooo_chunk(tcpip__tree_floor(&reassembly->chunks, ooo_compare, &s));
}

static bool range_empty(const struct sack_range *range)
{
    return seq_eq(range->left, range->right);
}

/* Takes all that lies in [left, right) out of the remembered runs; no run reaches beyond it on both sides. */
static void recent_cut(struct reassembly *reassembly, seqnum left, seqnum right)
{
    uint8_t count = 0;
    for (uint8_t i = 0; i < reassembly->recent_count; i++) {
        struct sack_range range = reassembly->recent[i];
        if (seq_lt(range.left, right) && seq_gt(range.right, left)) {
            if (seq_lt(range.left, left))
                range.right = left;
            else
                range.left = seq_min(right, range.right);
        }
        if (!range_empty(&range))
            reassembly->recent[count++] = range;
    }
    reassembly->recent_count = count;
}

/* Takes the remembered runs that touch `run` out, and makes it cover them. */
static void recent_absorb(struct reassembly *reassembly, struct sack_range *run)
{
    uint8_t count = 0;
    for (uint8_t i = 0; i < reassembly->recent_count; i++) {
        struct sack_range range = reassembly->recent[i];
        if (seq_leq(range.left, run->right) && seq_leq(run->left, range.right)) {
            run->left = seq_min(run->left, range.left);
            run->right = seq_max(run->right, range.right);
        } else {
            reassembly->recent[count++] = range;
        }
    }
    reassembly->recent_count = count;
}

/* Makes the run that [left, right) belongs to the latest one. */
static void recent_remember(struct reassembly *reassembly, const struct sack_range *range)
{
    struct sack_range run = *range;

    recent_absorb(reassembly, &run);
    if (seq_eq(run.left, range->left)) {
        const struct receive_chunk *chunk = ooo_floor(reassembly, seq_sub(run.left, 1));
        for (int i = 0; i < RUN_WALK_MAX && chunk != NULL && seq_eq(ooo_end(chunk), run.left); i++) {
            run.left = chunk->seq;
            chunk = ooo_prev(chunk);
        }
    }
    if (seq_eq(run.right, range->right)) {
        const struct receive_chunk *chunk = ooo_floor(reassembly, run.right);
        for (int i = 0; i < RUN_WALK_MAX && chunk != NULL && seq_eq(chunk->seq, run.right); i++) {
            run.right = ooo_end(chunk);
            chunk = ooo_next(chunk);
        }
    }
    recent_absorb(reassembly, &run);
    if (reassembly->recent_count == REASSEMBLY_SACK_BLOCKS)
        reassembly->recent_count--;
    for (uint8_t i = reassembly->recent_count; i > 0; i--)
        reassembly->recent[i] = reassembly->recent[i - 1];
    reassembly->recent[0] = run;
    reassembly->recent_count++;
}

/* With `chunk` between these two (NULL: none): how many runs are there more than without it? -1, 0 or 1. */
static int ooo_runs(const struct receive_chunk *before, const struct receive_chunk *chunk,
                    const struct receive_chunk *after)
{
    return 1 - (before != NULL && seq_eq(ooo_end(before), chunk->seq)) -
           (after != NULL && seq_eq(ooo_end(chunk), after->seq));
}

static void ooo_remove(struct reassembly *reassembly, struct receive_chunk *chunk)
{
    struct receive_chunk *before = ooo_prev(chunk);
    reassembly->runs -= (uint32_t)ooo_runs(before, chunk, ooo_next(chunk));
    if (reassembly->last == chunk)
        reassembly->last = before;
    tcpip__tree_remove(&reassembly->chunks, &chunk->node);
    reassembly->count--;
    reassembly->bytes -= chunk->view.length;
    reassembly->true_bytes -= chunk->true_bytes;
    recent_cut(reassembly, chunk->seq, ooo_end(chunk));
}

static void ooo_drop_last(struct reassembly *reassembly, struct pool *chunks)
{
    struct receive_chunk *chunk = reassembly->last;
    ooo_remove(reassembly, chunk);
    tcpip__receive_chunk_free(chunk, chunks);
}

/* [left, right) is held and belongs to what was inserted. */
static void insertion_touch(struct insertion *insertion, seqnum left, seqnum right)
{
    struct sack_range *run = &insertion->run;
    if (!range_empty(run) && seq_gt(left, run->right)) { /* a gap: something was dropped */
        recent_remember(insertion->reassembly, run);
        *run = (struct sack_range){left, left};
    }
    if (range_empty(run))
        *run = (struct sack_range){left, right};
    run->right = seq_max(run->right, right);
}

/* [left, right) came again. */
static void insertion_duplicate(struct insertion *insertion, seqnum left, seqnum right)
{
    struct sack_range *duplicate = &insertion->duplicate;
    if (range_empty(duplicate))
        *duplicate = (struct sack_range){left, right};
    else if (seq_eq(duplicate->right, left))
        duplicate->right = right;
}

/* Cuts `chunk` to `length` bytes; the rest as a chunk of its own, or NULL when memory is out: then it is lost. Each
 * counts all that it pins. */
static struct receive_chunk *insertion_split(struct insertion *insertion, struct receive_chunk *chunk, uint32_t length)
{
    struct receive_chunk *rest = tcpip__pool_get(insertion->chunks);
    if (rest != NULL) {
        *rest = (struct receive_chunk){.view = chunk->view, .at = chunk->at, .true_bytes = chunk->true_bytes};
        tcpip_buffer_ref(rest->view.buffer);
        tcpip_view_trim_front(&rest->view, length);
        rest->seq = seq_add(chunk->seq, length);
    } else {
        insertion->dropped++;
    }
    tcpip_view_cap_length(&chunk->view, length);
    return rest;
}

/* Is there no room for a chunk that makes `runs` more? */
static bool ooo_full(const struct reassembly *reassembly, int runs)
{
    return (runs > 0 && reassembly->runs >= reassembly->limit) ||
           reassembly->count >= (uint64_t)reassembly->limit + reassembly->bytes / CHUNK_BYTES_MIN;
}

/* Puts a chunk that overlaps no other between these two (NULL: it is the first, the last); takes it. */
static void insertion_link(struct insertion *insertion, struct receive_chunk *before, struct receive_chunk *chunk,
                           const struct receive_chunk *after)
{
    struct reassembly *reassembly = insertion->reassembly;
    bool small = chunk->view.length <= RECEIVE_MERGE_MAX && before != NULL && seq_eq(ooo_end(before), chunk->seq);

    if (small && tcpip__receive_chunk_extend(before, tcpip_view_data(&chunk->view), chunk->view.length, chunk->at)) {
        reassembly->runs -= after != NULL && seq_eq(ooo_end(chunk), after->seq);
        reassembly->bytes += chunk->view.length;
        insertion->kept += chunk->view.length;
        insertion_touch(insertion, before->seq, ooo_end(before));
        tcpip__receive_chunk_free(chunk, insertion->chunks);
        return;
    }
    for (; ooo_full(reassembly, ooo_runs(before, chunk, after)); insertion->dropped++) {
        if (after == NULL) { /* this one is the highest */
            insertion->dropped++;
            tcpip__receive_chunk_free(chunk, insertion->chunks);
            return;
        }
        if (after == reassembly->last)
            after = NULL;
        ooo_drop_last(reassembly, insertion->chunks);
    }
    reassembly->runs += (uint32_t)ooo_runs(before, chunk, after);
    chunk->node = (struct tree_node){0};
    tcpip__tree_insert_after(&reassembly->chunks, before == NULL ? NULL : &before->node, &chunk->node);
    if (before == reassembly->last)
        reassembly->last = chunk;
    reassembly->count++;
    reassembly->bytes += chunk->view.length;
    reassembly->true_bytes += chunk->true_bytes;
    insertion->kept += chunk->view.length;
    insertion_touch(insertion, chunk->seq, ooo_end(chunk));
}

/* Inserts what of `chunk` isn't here; takes it. */
static void insertion_add(struct insertion *insertion, struct receive_chunk *chunk)
{
    struct reassembly *reassembly = insertion->reassembly;

    while (chunk != NULL) {
        struct receive_chunk *before = ooo_floor(reassembly, chunk->seq), *after, *rest = NULL;
        if (before != NULL && seq_gt(ooo_end(before), chunk->seq)) {
            uint32_t known = min_u32(chunk->view.length, seq_size(chunk->seq, ooo_end(before)));
            insertion_touch(insertion, before->seq, ooo_end(before));
            insertion_duplicate(insertion, chunk->seq, seq_add(chunk->seq, known));
            if (known == chunk->view.length) {
                tcpip__receive_chunk_free(chunk, insertion->chunks);
                return;
            }
            tcpip_view_trim_front(&chunk->view, known);
            chunk->seq = seq_add(chunk->seq, known);
        }
        after = before != NULL ? ooo_next(before) : ooo_chunk(tcpip__tree_first(&reassembly->chunks));
        if (after != NULL && seq_lt(after->seq, ooo_end(chunk))) {
            if (seq_eq(after->seq, chunk->seq))
                continue; /* it begins with what `after` holds */
            rest = insertion_split(insertion, chunk, seq_size(chunk->seq, after->seq));
        }
        insertion_link(insertion, before, chunk, after);
        chunk = rest;
    }
}

void tcpip__reassembly_init(struct reassembly *reassembly, uint32_t limit)
{
    *reassembly = (struct reassembly){.limit = limit};
}

void tcpip__reassembly_fini(struct reassembly *reassembly, struct pool *chunks)
{
    while (reassembly->last != NULL)
        ooo_drop_last(reassembly, chunks);
    ASSERT(reassembly->count == 0 && reassembly->bytes == 0 && reassembly->true_bytes == 0);
}

uint32_t tcpip__reassembly_insert(struct reassembly *reassembly, struct pool *chunks, struct receive_chunk *chain,
                                  uint32_t *dropped)
{
    struct insertion insertion = {.reassembly = reassembly, .chunks = chunks};

    for (struct receive_chunk *next; chain != NULL; chain = next) {
        next = chain->next;
        ASSERT(chain->view.length != 0);
        insertion_add(&insertion, chain);
    }
    if (!range_empty(&insertion.run))
        recent_remember(reassembly, &insertion.run);
    tcpip__reassembly_note_duplicate(reassembly, insertion.duplicate.left, insertion.duplicate.right);
    *dropped = insertion.dropped;
    return insertion.kept;
}

struct receive_chunk *tcpip__reassembly_pop(struct reassembly *reassembly, struct pool *chunks, seqnum rcv_nxt)
{
    struct receive_chunk *chunk;

    while ((chunk = ooo_chunk(tcpip__tree_first(&reassembly->chunks))) != NULL && seq_leq(chunk->seq, rcv_nxt)) {
        uint32_t known = min_u32(chunk->view.length, seq_size(chunk->seq, rcv_nxt));
        ooo_remove(reassembly, chunk);
        /* What has just come in order was here already: that is a duplicate, too (RFC 2883 section 4.2). */
        struct sack_range *duplicate = &reassembly->duplicate;
        if (known > 0 && range_empty(duplicate))
            *duplicate = (struct sack_range){chunk->seq, seq_add(chunk->seq, known)};
        else if (known > 0 && seq_eq(duplicate->right, chunk->seq))
            duplicate->right = seq_add(chunk->seq, known);
        if (known == chunk->view.length) {
            tcpip__receive_chunk_free(chunk, chunks);
            continue;
        }
        tcpip_view_trim_front(&chunk->view, known);
        chunk->seq = seq_add(chunk->seq, known);
        chunk->next = NULL;
        return chunk;
    }
    return NULL;
}

void tcpip__reassembly_note_duplicate(struct reassembly *reassembly, seqnum left, seqnum right)
{
    if (seq_lt(left, right))
        reassembly->duplicate = (struct sack_range){left, right};
}

uint32_t tcpip__reassembly_sack_blocks(struct reassembly *reassembly, seqnum rcv_nxt, struct sack_range *out,
                                       uint32_t max)
{
    uint32_t count = 0;

    if (!range_empty(&reassembly->duplicate) && max > 0) {
        out[count++] = reassembly->duplicate;
        reassembly->duplicate = (struct sack_range){rcv_nxt, rcv_nxt};
    }
    for (uint8_t i = 0; i < reassembly->recent_count && count < max; i++)
        if (seq_gt(reassembly->recent[i].left, rcv_nxt))
            out[count++] = reassembly->recent[i];
    return count;
}

uint32_t tcpip__reassembly_prune(struct reassembly *reassembly, struct pool *chunks, uint32_t target_true_bytes)
{
    uint32_t freed = 0;
    for (; reassembly->last != NULL && reassembly->true_bytes > target_true_bytes; freed++)
        ooo_drop_last(reassembly, chunks);
    return freed;
}

/* Are all bytes of `range` held? */
static bool reassembly_holds(const struct reassembly *reassembly, const struct sack_range *range)
{
    seqnum at = range->left;
    for (const struct receive_chunk *chunk = ooo_floor(reassembly, at); seq_lt(at, range->right);
         chunk = ooo_next(chunk)) {
        if (chunk == NULL || seq_gt(chunk->seq, at) || seq_leq(ooo_end(chunk), at))
            return false;
        at = ooo_end(chunk);
    }
    return true;
}

void tcpip__reassembly_check(const struct reassembly *reassembly, seqnum rcv_nxt)
{
    uint32_t bytes = 0, true_bytes = 0, count = 0, runs = 0;
    const struct receive_chunk *prev = NULL, *chunk = ooo_chunk(tcpip__tree_first(&reassembly->chunks));

    ASSERT(tcpip__tree_check(&reassembly->chunks) == reassembly->count && reassembly->runs <= reassembly->limit);
    for (; chunk != NULL; prev = chunk, chunk = ooo_next(chunk)) {
        ASSERT(chunk->view.length != 0 && chunk->view.buffer->refs != 0 && seq_gt(chunk->seq, rcv_nxt));
        ASSERT(prev == NULL || seq_leq(ooo_end(prev), chunk->seq));
        bytes += chunk->view.length;
        true_bytes += chunk->true_bytes;
        runs += prev == NULL || !seq_eq(ooo_end(prev), chunk->seq);
        count++;
    }
    ASSERT(prev == reassembly->last && count == reassembly->count && runs == reassembly->runs);
    ASSERT(bytes == reassembly->bytes && true_bytes == reassembly->true_bytes);
    ASSERT(reassembly->recent_count <= REASSEMBLY_SACK_BLOCKS);
    for (uint8_t i = 0; i < reassembly->recent_count; i++) {
        const struct sack_range *a = &reassembly->recent[i];
        ASSERT(seq_lt(a->left, a->right) && reassembly_holds(reassembly, a));
        for (uint8_t k = 0; k < i; k++) {
            const struct sack_range *b = &reassembly->recent[k];
            ASSERT(seq_lt(a->right, b->left) || seq_lt(b->right, a->left));
        }
    }
}

static void range_archive(struct archive *archive, struct sack_range *range)
{
    archive_seq(archive, &range->left);
    archive_seq(archive, &range->right);
}

static void reassembly_save(struct archive *archive, struct reassembly *reassembly)
{
    archive_u8(archive, &reassembly->recent_count, REASSEMBLY_SACK_BLOCKS);
    for (uint8_t i = 0; i < reassembly->recent_count; i++)
        range_archive(archive, &reassembly->recent[i]);
    range_archive(archive, &reassembly->duplicate);
    for (struct receive_chunk *chunk = ooo_chunk(tcpip__tree_first(&reassembly->chunks)); chunk != NULL;
         chunk = ooo_next(chunk)) {
        archive_seq(archive, &chunk->seq);
        tcpip__receive_chunk_save(archive, chunk);
    }
}

void tcpip__reassembly_archive(struct archive *archive, struct reassembly *reassembly, seqnum rcv_nxt, seqnum edge,
                               struct pool *chunks, struct tcpip_buffer_pools *buffers)
{
    struct sack_range recent[REASSEMBLY_SACK_BLOCKS] = {0}, duplicate = {0};
    uint8_t count = 0;
    if (!archive_restoring(archive)) {
        reassembly_save(archive, reassembly);
        return;
    }
    archive_u8(archive, &count, REASSEMBLY_SACK_BLOCKS);
    count = archive_ok(archive) ? count : 0;
    for (uint8_t i = 0; i < count; i++)
        range_archive(archive, &recent[i]);
    range_archive(archive, &duplicate);
    while (archive_ok(archive) && archive_left(archive) > 0) {
        seqnum start = {0};
        uint32_t dropped;
        archive_seq(archive, &start);
        int32_t room = seq_diff(edge, start);
        archive_require(archive, seq_gt(start, rcv_nxt) && room > 0 && archive_left(archive) > 0);
        struct receive_chunk *chain = tcpip__receive_chunk_restore(archive, start, chunks, buffers);
        uint64_t length = 0;
        for (const struct receive_chunk *chunk = chain; chunk != NULL; chunk = chunk->next)
            length += chunk->view.length;
        archive_require(archive, length <= (uint64_t)max_i64(room, 0));
        if (archive_ok(archive))
            (void)tcpip__reassembly_insert(reassembly, chunks, chain, &dropped); /* limits: as if it hadn't come */
        else
            tcpip__receive_chain_free(chain, chunks);
    }
    /* The latest run was the first in the blocks, and is so again. */
    for (uint8_t i = count; i > 0 && archive_ok(archive); i--)
        if (seq_lt(recent[i - 1].left, recent[i - 1].right) && reassembly_holds(reassembly, &recent[i - 1]))
            recent_remember(reassembly, &recent[i - 1]);
    reassembly->duplicate = (struct sack_range){rcv_nxt, rcv_nxt};
    if (archive_ok(archive) && seq_diff(duplicate.right, duplicate.left) > 0)
        reassembly->duplicate = duplicate;
}
