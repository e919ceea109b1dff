// SPDX-License-Identifier: MIT
/* scoreboard_test.c: the scoreboard beside a naive twin that keeps every byte, and its answers one by one. */
#include "base/math.h"
#include "scoreboard_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SPACE = 4096 };

/* ---- the twin: one entry a byte, everything by counting ---- */

struct byte {
    bool starts; /* a record begins here */
    bool sacked, lost, retransmitted, ever, judged;
    uint8_t transmissions;
    uint32_t order;
    tcpip_ns sent_at;
};

struct twin {
    struct byte bytes[SPACE]; /* from una on */
    uint32_t size, order;
    bool any_sacked;
};

static void twin_sent(struct twin *twin, uint32_t length, tcpip_ns now)
{
    for (uint32_t i = 0; i < length; i++)
        twin->bytes[twin->size + i] =
            (struct byte){.starts = i == 0, .transmissions = 1, .sent_at = now, .order = twin->order + 1};
    twin->order++;
    twin->size += length;
}

static uint32_t twin_end(const struct twin *twin, uint32_t start)
{
    uint32_t end = start + 1;
    while (end < twin->size && !twin->bytes[end].starts)
        end++;
    return end;
}

static uint32_t twin_sacked(const struct twin *twin)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < twin->size; i++)
        sum += twin->bytes[i].sacked;
    return sum;
}

struct twin_newest {
    bool set;
    uint32_t at; /* offset from una when it was set */
    uint32_t order;
    tcpip_ns sent_at;
};

static void twin_delivered(const struct twin *twin, uint32_t start, uint32_t bytes, struct tcp_ack *facts,
                           struct twin_newest *newest, seqnum una)
{
    const struct byte *b = &twin->bytes[start];
    uint32_t high = 0;
    for (uint32_t i = 0; i < twin->size; i++)
        high = twin->bytes[i].sacked ? i + 1 : high;
    if (!newest->set || b->order >= newest->order) /* they come in ascending order */
        *newest = (struct twin_newest){true, start, b->order, b->sent_at};
    facts->delivered += bytes;
    if (b->ever) {
        facts->acked_retransmitted = true;
        facts->late_bytes = max_u32(facts->late_bytes, sat_sub_u32(high, start));
        return;
    }
    if (!facts->acked_original || seq_lt(seq_add(una, start), facts->original_seq))
        facts->original_seq = seq_add(una, start);
    facts->acked_original = true;
    if (start < high) {
        facts->reordered = true;
        facts->reordering_bytes = max_u32(facts->reordering_bytes, high - start);
    }
}

static void twin_acked(struct twin *twin, uint32_t bytes, struct tcp_ack *facts, struct twin_newest *newest, seqnum una)
{
    tcpip_ns sent_at = -1;
    bool ambiguous = false;
    uint32_t start = 0;
    struct twin before = *twin;
    while (start < bytes) {
        uint32_t end = twin_end(&before, start), take = min_u32(end, bytes) - start;
        if (!before.bytes[start].sacked) {
            /* what was acknowledged before in this loop is no longer SACKed */
            struct twin now = before;
            for (uint32_t i = 0; i < start; i++)
                now.bytes[i].sacked = false;
            twin_delivered(&now, start, take, facts, newest, una);
            ambiguous |= before.bytes[start].ever;
            if (!before.bytes[start].ever)
                sent_at = max_i64(sent_at, before.bytes[start].sent_at);
        }
        start = end;
    }
    if (sent_at >= 0 && !ambiguous)
        facts->rtt_ns = facts->now - sent_at;
    memmove(twin->bytes, twin->bytes + bytes, (twin->size - bytes) * sizeof(struct byte));
    twin->size -= bytes;
    if (twin->size > 0) {
        twin->bytes[0].starts = true;
        facts->sack_reneged |= twin->bytes[0].sacked;
    }
    twin->any_sacked = twin_sacked(twin) != 0;
}

static void twin_sack(struct twin *twin, uint32_t left, uint32_t right, struct tcp_ack *facts,
                      struct twin_newest *newest, seqnum una)
{
    if (left == 0 || left >= twin->size || right <= left)
        return;
    right = min_u32(right, twin->size);
    for (uint32_t start = 0; start < twin->size;) {
        uint32_t end = twin_end(twin, start), a = start, b = end;
        if (!twin->bytes[start].sacked && start < right && end > left) {
            while (a < left)
                a += MSS;
            if (b > right)
                b = start + (right - start) / MSS * MSS;
            if (a < b) {
                if (b < end)
                    twin->bytes[b].starts = true;
                twin->bytes[a].starts = true;
                if (!twin->any_sacked)
                    for (uint32_t i = 0; i < twin->size; i++)
                        twin->bytes[i].judged = false;
                twin_delivered(twin, a, b - a, facts, newest, una);
                facts->sacked += b - a;
                tcpip_ns rtt = facts->now - twin->bytes[a].sent_at;
                if (!twin->bytes[a].ever)
                    facts->sacked_rtt_ns = facts->sacked_rtt_ns < 0 ? rtt : min_i64(rtt, facts->sacked_rtt_ns);
                for (uint32_t i = a; i < b; i++) {
                    twin->bytes[i].sacked = true;
                    twin->bytes[i].lost = twin->bytes[i].retransmitted = false;
                }
                twin->any_sacked = true;
            }
        }
        start = end;
    }
    /* SACKed neighbours are one record, as old as its newest part, and as often sent as its most sent. */
    for (uint32_t start = 0; start < twin->size;) {
        uint32_t end = start + 1;
        struct byte joined = twin->bytes[start];
        if (joined.sacked) {
            for (; end < twin->size && twin->bytes[end].sacked; end++) {
                twin->bytes[end].starts = false;
                joined.ever |= twin->bytes[end].ever;
                joined.sent_at = max_i64(joined.sent_at, twin->bytes[end].sent_at);
                joined.order = max_u32(joined.order, twin->bytes[end].order);
            }
            for (uint32_t i = start; i < end; i++) {
                twin->bytes[i].ever = joined.ever;
                twin->bytes[i].sent_at = joined.sent_at;
                twin->bytes[i].order = joined.order;
            }
        }
        start = end;
    }
}

static uint32_t twin_mark_lost(struct twin *twin, uint32_t threshold)
{
    uint32_t lost = 0, judged_to = 0;
    if (!twin->any_sacked)
        return 0;
    struct twin before = *twin;
    for (uint32_t start = 0; start < before.size;) {
        uint32_t end = twin_end(&before, start), bytes = 0, runs = 0;
        bool judged = true;
        for (uint32_t i = start; i < end; i++)
            judged &= before.bytes[i].judged;
        for (uint32_t i = end; i < before.size; i++) {
            bytes += before.bytes[i].sacked;
            runs += before.bytes[i].sacked && (i == end || !before.bytes[i - 1].sacked);
        }
        if (!before.bytes[start].sacked && !judged && (bytes > (threshold - 1) * MSS || runs >= threshold)) {
            judged_to = end;
            if (!before.bytes[start].retransmitted && !before.bytes[start].lost) {
                lost += end - start;
                for (uint32_t i = start; i < end; i++)
                    twin->bytes[i].lost = true;
            }
        }
        start = end;
    }
    for (uint32_t i = 0; i < judged_to; i++)
        twin->bytes[i].judged = true;
    return lost;
}

static void compare(const struct fixture *f, const struct twin *twin)
{
    uint32_t sacked = 0, lost = 0, retransmitted = 0;
    assert_int_equal(seq_size(f->una, f->nxt), twin->size);
    for (uint32_t i = 0; i < twin->size; i++) {
        sacked += twin->bytes[i].sacked;
        lost += twin->bytes[i].lost;
        retransmitted += twin->bytes[i].retransmitted;
    }
    assert_int_equal(f->board.sacked_bytes, sacked);
    assert_int_equal(f->board.lost_bytes, lost);
    assert_int_equal(f->board.retransmitted_bytes, retransmitted);
    for (struct tree_node *node = tcpip__tree_first(&f->board.records); node != NULL; node = tcpip__tree_next(node)) {
        const struct record *record = tree_entry(node, struct record, node);
        uint32_t at = seq_size(f->una, record->seq);
        assert_true(twin->bytes[at].starts);
        assert_int_equal(twin_end(twin, at), at + record->length);
        assert_int_equal(twin->bytes[at].sacked, (record->flags & RECORD_SACKED) != 0);
        assert_int_equal(twin->bytes[at].lost, (record->flags & RECORD_LOST) != 0);
        assert_int_equal(twin->bytes[at].retransmitted, (record->flags & RECORD_RETRANSMITTED) != 0);
        assert_int_equal(twin->bytes[at].ever, (record->flags & RECORD_EVER_RETRANSMITTED) != 0);
        assert_int_equal(twin->bytes[at].sent_at, record->sent_at);
    }
    tcpip__scoreboard_check(&f->board, f->una, f->nxt);
}

static void compare_facts(const struct tcp_ack *a, const struct tcp_ack *b)
{
    assert_int_equal(a->delivered, b->delivered);
    assert_int_equal(a->sacked, b->sacked);
    assert_int_equal(a->rtt_ns, b->rtt_ns);
    assert_int_equal(a->sacked_rtt_ns, b->sacked_rtt_ns);
    assert_int_equal(a->acked_retransmitted, b->acked_retransmitted);
    assert_int_equal(a->acked_original, b->acked_original);
    if (a->acked_original)
        assert_int_equal(a->original_seq.v, b->original_seq.v);
    assert_int_equal(a->reordered, b->reordered);
    assert_int_equal(a->reordering_bytes, b->reordering_bytes);
    assert_int_equal(a->late_bytes, b->late_bytes);
    assert_int_equal(a->sack_reneged, b->sack_reneged);
}

static uint32_t below(struct fixture *f, uint32_t bound)
{
    return (uint32_t)(test_env_random(&f->env) % bound);
}

/* One ACK: a cumulative part, then blocks in ascending order. */
static void random_ack(struct fixture *f, struct twin *twin)
{
    struct tcp_ack facts = facts_new(f), expected = facts;
    struct record newest;
    struct twin_newest twin_newest = {0};
    uint32_t bytes = below(f, 3) != 0 ? 0 : below(f, min_u32(twin->size, 120) + 1), at = 1;
    bool set = false;

    if (bytes > 0) {
        seqnum before = f->una;
        twin_acked(twin, bytes, &expected, &twin_newest, f->una);
        f->una = seq_add(f->una, bytes);
        set |= tcpip__scoreboard_acked(&f->board, &f->pool, f->una, &facts, &newest);
        if (twin_newest.set)
            assert_int_equal(seq_max(newest.seq, before).v, seq_add(before, twin_newest.at).v);
    }
    for (uint32_t blocks = below(f, 4); blocks > 0 && twin->size > at + 1; blocks--) {
        uint32_t left = at + below(f, twin->size - at), right = left + below(f, 90);
        if (below(f, 2) == 0) { /* as honest peers have them */
            left = left / MSS * MSS;
            right = right / MSS * MSS;
        }
        at = max_u32(1, right);
        twin_sack(twin, left, right, &expected, &twin_newest, f->una);
        set |= tcpip__scoreboard_sack(&f->board, &f->pool, seq_add(f->una, left), seq_add(f->una, right), MSS, &facts,
                                      &newest);
        if (at >= twin->size)
            break;
    }
    assert_int_equal(set, expected.delivered != 0);
    if (set)
        assert_int_equal(newest.sent_at, twin_newest.sent_at);
    compare_facts(&facts, &expected);
}

static void random_retransmit(struct fixture *f, struct twin *twin)
{
    struct record *record = tcpip__scoreboard_next_lost(&f->board);
    uint32_t at = 0;
    while (at < twin->size && !twin->bytes[at].lost)
        at++;
    if (at == twin->size) {
        assert_null(record);
        return;
    }
    assert_int_equal(record->seq.v, seq_add(f->una, at).v);
    uint32_t length = MSS * (1 + below(f, 4)), end = twin_end(twin, at);
    if (end - at > length) {
        twin->bytes[at + length].starts = true;
        end = at + length;
    }
    assert_true(tcpip__scoreboard_split(&f->board, &f->pool, record, length));
    retransmit(f, record);
    for (; at < end; at++) {
        twin->bytes[at].lost = false;
        twin->bytes[at].retransmitted = twin->bytes[at].ever = true;
        twin->bytes[at].sent_at = f->env.now;
        twin->bytes[at].order = twin->order + 1;
    }
    twin->order++;
}

/* As if the `order`th transmission had arrived up to `end`. */
static void random_judge(struct fixture *f, struct twin *twin)
{
    uint32_t order = below(f, twin->order + 1), high = below(f, twin->size + 1), lost = 0, lost_retransmitted = 0;
    tcpip_ns sent_by = f->env.now - below(f, 30) * TCPIP_MS, spared_sent_at = 0;
    uint32_t spared_order = 0;
    for (uint32_t start = 0; start < twin->size;) {
        uint32_t end = twin_end(twin, start);
        const struct byte b = twin->bytes[start];
        bool before = b.order < order || (b.order == order && end < high);
        if (!b.sacked && !b.lost && before && b.sent_at > sent_by && (spared_order == 0 || b.order < spared_order)) {
            spared_order = b.order;
            spared_sent_at = b.sent_at;
        } else if (!b.sacked && !b.lost && before && b.sent_at <= sent_by) {
            lost += end - start;
            lost_retransmitted += b.retransmitted ? end - start : 0;
            for (uint32_t i = start; i < end; i++) {
                twin->bytes[i].lost = true;
                twin->bytes[i].retransmitted = false;
            }
        }
        start = end;
    }
    struct tcp_delivered newest = {.known = true, .order = order, .end = seq_add(f->una, high)};
    struct time_judgement judgement = tcpip__scoreboard_mark_lost_by_time(&f->board, &newest, sent_by);
    assert_int_equal(judgement.lost, lost);
    assert_int_equal(judgement.lost_retransmitted, lost_retransmitted);
    assert_int_equal(judgement.spared, spared_order != 0);
    if (judgement.spared)
        assert_int_equal(judgement.spared_sent_at, spared_sent_at);
}

static void random_mark(struct fixture *f, struct twin *twin)
{
    uint32_t kind = below(f, 40);
    if (kind == 0) {
        bool forget = below(f, 2) == 0;
        uint32_t lost = 0;
        for (uint32_t i = 0; i < twin->size; i++) {
            struct byte *b = &twin->bytes[i];
            b->sacked &= !forget;
            lost += !b->sacked && !b->lost;
            b->lost |= !b->sacked;
            b->retransmitted &= !b->lost;
        }
        twin->any_sacked &= !forget;
        assert_int_equal(tcpip__scoreboard_mark_all_lost(&f->board, forget), lost);
    } else if (kind == 1) {
        tcpip__scoreboard_clear_lost(&f->board);
        for (uint32_t i = 0; i < twin->size; i++)
            twin->bytes[i].lost = false;
    } else if (kind < 5) {
        uint32_t at = 0, lost = 0;
        while (at < twin->size && twin->bytes[at].sacked)
            at++;
        if (at < twin->size && !twin->bytes[at].lost && !twin->bytes[at].retransmitted) {
            uint32_t end = twin_end(twin, at);
            if (end - at > MSS) {
                end = at + MSS;
                twin->bytes[end].starts = true;
            }
            lost = end - at;
            for (; at < end; at++)
                twin->bytes[at].lost = true;
        }
        assert_int_equal(tcpip__scoreboard_mark_head_lost(&f->board, &f->pool, MSS), lost);
    } else if (kind < 12) {
        random_judge(f, twin);
    } else {
        uint32_t threshold = 3 + (kind > 35 ? below(f, 8) : 0);
        uint32_t expected = twin_mark_lost(twin, threshold);
        assert_int_equal(tcpip__scoreboard_mark_lost(&f->board, threshold, MSS), expected);
    }
}

static void test_a_naive_twin_agrees_on_every_byte(void **state)
{
    (void)state;
    static struct twin twin;
    for (uint32_t seed = 0; seed < 40; seed++) {
        struct fixture f;
        fixture_start(&f, 1u << 30, seq(UINT32_MAX - 600 * seed)); /* wraps early, late or never */
        test_env_init(&f.env, seed);
        memset(&twin, 0, sizeof(twin));
        for (uint32_t step = 0; step < 1200; step++) {
            f.env.now += below(&f, 3) * TCPIP_MS;
            uint32_t kind = below(&f, 8), length = MSS * (1 + below(&f, 6)) - (below(&f, 3) == 0 ? below(&f, MSS) : 0);
            if (kind < 3 && twin.size + length < 700) {
                twin_sent(&twin, length, f.env.now);
                assert_true(send(&f, length));
            } else if (kind < 5 && twin.size > 0) {
                random_ack(&f, &twin);
            } else if (kind < 6) {
                random_retransmit(&f, &twin);
            } else {
                random_mark(&f, &twin);
            }
            compare(&f, &twin);
        }
        fixture_stop(&f);
    }
}

static void test_at_its_limit_the_last_record_grows(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 4, seq(0xfffffff0));
    for (int i = 0; i < 10; i++)
        assert_true(send(&f, MSS));
    assert_int_equal(f.board.count, 4);
    assert_int_equal(f.board.outstanding_bytes, 10 * MSS);
    assert_int_equal(sack(&f, 4 * MSS, 5 * MSS).sacked, 0); /* would need two more records */
    assert_int_equal(sack(&f, 3 * MSS, 10 * MSS).sacked, 7 * MSS);
    assert_false(send(&f, MSS)); /* the last is SACKED: new bytes aren't */
    assert_int_equal(ack(&f, MSS).delivered, MSS);
    assert_true(send(&f, MSS));
    fixture_stop(&f);
}

static void test_without_memory_nothing_is_lost(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 100, seq(7));
    test_env_fail(&f.env, 1, true);
    assert_false(send(&f, MSS)); /* no record to grow */
    test_env_fail(&f.env, 0, false);
    assert_true(send(&f, 5 * MSS));
    test_env_fail(&f.env, 1, true);
    while (f.pool.out < f.pool.objects)
        assert_true(send(&f, MSS));
    assert_true(send(&f, MSS)); /* grows */
    assert_int_equal(sack(&f, 2 * MSS, 3 * MSS).sacked, 0);
    assert_int_equal(tcpip__scoreboard_mark_head_lost(&f.board, &f.pool, MSS),
                     5 * MSS); /* can't be cut: all goes again */
    fixture_stop(&f);
}

static void test_blocks_that_no_honest_peer_sends_change_nothing(void **state)
{
    (void)state;
    static const uint32_t hostile[][2] = {
        {0, 20},               /* abuts snd_una */
        {UINT32_MAX - 10, 20}, /* begins below it */
        {40, 40},
        {40, 30}, /* empty, reversed */
        {100, 200},
        {150, 160}, /* at and above snd_nxt */
        {0x80000000, 20},
        {0x80000001, 0x80000002},
        {41, 49}, /* inside a segment */
        {45, 55}, /* parts of two */
    };
    struct fixture f;
    fixture_start(&f, 100, seq(0x7fffffc0));
    for (int i = 0; i < 10; i++)
        assert_true(send(&f, MSS));
    for (size_t i = 0; i < array_count(hostile); i++)
        assert_int_equal(sack(&f, hostile[i][0], hostile[i][1]).delivered, 0);
    assert_int_equal(sack(&f, 60, 0x7fffffff).sacked, 40); /* cut at snd_nxt */
    assert_int_equal(sack(&f, 40, 0xf0000000).sacked, 20);
    assert_int_equal(f.board.count, 5);
    fixture_stop(&f);
}

static void test_three_runs_or_more_than_two_segments_above_make_loss(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1000, seq(1));
    for (int i = 0; i < 20; i++)
        assert_true(send(&f, MSS));
    sack(&f, 1 * MSS, 3 * MSS);
    assert_int_equal(tcpip__scoreboard_mark_lost(&f.board, 3, MSS), 0); /* exactly two segments: not more */
    sack(&f, 3 * MSS, 4 * MSS);
    assert_int_equal(tcpip__scoreboard_mark_lost(&f.board, 3, MSS), MSS);
    assert_int_equal(tcpip__scoreboard_mark_lost(&f.board, 3, MSS), 0); /* once */
    retransmit(&f, tcpip__scoreboard_next_lost(&f.board));
    sack(&f, 6 * MSS, 7 * MSS);
    sack(&f, 9 * MSS, 10 * MSS);
    assert_int_equal(tcpip__scoreboard_mark_lost(&f.board, 3, MSS), 0); /* two runs above 40..60 */
    sack(&f, 12 * MSS, 13 * MSS);
    assert_int_equal(tcpip__scoreboard_mark_lost(&f.board, 3, MSS),
                     2 * MSS); /* three, and the first isn't judged again */
    assert_int_equal(tcpip__scoreboard_next_lost(&f.board)->seq.v, 1 + 4 * MSS);
    fixture_stop(&f);
}

static void test_a_late_original_is_reordering_and_says_how_far(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1000, seq(1));
    for (int i = 0; i < 10; i++)
        assert_true(send(&f, MSS));
    struct tcp_ack facts = sack(&f, 5 * MSS, 6 * MSS);
    assert_false(facts.reordered);
    facts = sack(&f, 2 * MSS, 3 * MSS);
    assert_true(facts.reordered);
    assert_int_equal(facts.reordering_bytes, 4 * MSS);
    facts = ack(&f, MSS);
    assert_int_equal(facts.reordering_bytes, 6 * MSS);
    /* A retransmission that fills a hole says nothing. */
    tcpip__scoreboard_mark_head_lost(&f.board, &f.pool, MSS);
    retransmit(&f, tcpip__scoreboard_next_lost(&f.board));
    facts = ack(&f, MSS + MSS);
    assert_false(facts.reordered);
    assert_true(facts.acked_retransmitted);
    assert_int_equal(facts.rtt_ns, -1);
    fixture_stop(&f);
}

static void test_a_peer_that_takes_back_what_it_sacked_is_seen(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1000, seq(1));
    for (int i = 0; i < 6; i++)
        assert_true(send(&f, MSS));
    sack(&f, 2 * MSS, 4 * MSS);
    assert_false(ack(&f, MSS).sack_reneged);
    assert_true(ack(&f, MSS).sack_reneged);
    assert_int_equal(tcpip__scoreboard_mark_all_lost(&f.board, true), 4 * MSS);
    assert_int_equal(f.board.sacked_bytes, 0);
    assert_int_equal(scoreboard_in_flight(&f.board), 0);
    fixture_stop(&f);
}

static void test_acknowledging_byte_by_byte_buys_no_retransmissions(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1000, seq(1));
    assert_true(send(&f, 4 * MSS));
    assert_int_equal(tcpip__scoreboard_mark_head_lost(&f.board, &f.pool, MSS), MSS);
    retransmit(&f, tcpip__scoreboard_next_lost(&f.board));
    for (uint32_t i = 1; i < MSS; i++) {
        ack(&f, 1);
        assert_int_equal(tcpip__scoreboard_mark_head_lost(&f.board, &f.pool, MSS), 0);
    }
    ack(&f, 1);
    assert_int_equal(tcpip__scoreboard_mark_head_lost(&f.board, &f.pool, MSS), MSS);
    fixture_stop(&f);
}

static void test_duplicate_acks_never_stand_for_all_that_is_outstanding(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1000, seq(1));
    for (int i = 0; i < 5; i++)
        assert_true(send(&f, MSS));
    for (int i = 0; i < 9; i++)
        tcpip__scoreboard_reno_duplicate(&f.board, MSS);
    assert_int_equal(f.board.reno_sacked_bytes, 4 * MSS);
    assert_int_equal(scoreboard_in_flight(&f.board), MSS);
    ack(&f, 2 * MSS);
    tcpip__scoreboard_reno_acked(&f.board, 2 * MSS, MSS);
    assert_int_equal(f.board.reno_sacked_bytes, 2 * MSS); /* 3 left, capped by what is outstanding */
    tcpip__scoreboard_reno_acked(&f.board, 0, MSS);
    assert_int_equal(scoreboard_in_flight(&f.board), 3 * MSS);
    fixture_stop(&f);
}

static void test_the_fin_stays_at_the_end_of_what_is_cut(void **state)
{
    (void)state;
    struct fixture f;
    struct rate_snapshot rate = {0};
    fixture_start(&f, 1000, seq(1));
    assert_true(tcpip__scoreboard_sent(&f.board, &f.pool, f.nxt, 2 * MSS + 1, RECORD_FIN, &rate, f.env.now));
    f.nxt = seq_add(f.nxt, 2 * MSS + 1);
    assert_int_equal(tcpip__scoreboard_mark_head_lost(&f.board, &f.pool, MSS), MSS);
    assert_false(f.board.first->flags & RECORD_FIN);
    assert_int_equal(sack(&f, MSS, 2 * MSS + 1).sacked, MSS + 1);
    assert_true(f.board.last->flags & RECORD_FIN);
    fixture_stop(&f);
}

static void test_the_newest_delivered_is_the_one_sent_last(void **state)
{
    (void)state;
    struct fixture f;
    struct record newest = {0};
    fixture_start(&f, 1000, seq(1));
    for (int i = 0; i < 4; i++, f.env.now += TCPIP_MS)
        assert_true(send(&f, MSS));
    tcpip__scoreboard_mark_head_lost(&f.board, &f.pool, MSS);
    retransmit(&f, tcpip__scoreboard_next_lost(&f.board));
    f.env.now += TCPIP_MS;
    struct tcp_ack facts = facts_new(&f);
    assert_true(tcpip__scoreboard_acked(&f.board, &f.pool, seq(1 + 2 * MSS), &facts, &newest));
    f.una = seq(1 + 2 * MSS);
    assert_int_equal(newest.seq.v, 1); /* the retransmission */
    assert_false(tcpip__scoreboard_sack(&f.board, &f.pool, seq(1 + 3 * MSS), seq(1 + 4 * MSS), MSS, &facts, &newest));
    assert_int_equal(newest.seq.v, 1);
    assert_int_equal(facts.delivered, 3 * MSS);
    assert_int_equal(facts.sacked_rtt_ns, 2 * TCPIP_MS);
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_naive_twin_agrees_on_every_byte),
        cmocka_unit_test(test_at_its_limit_the_last_record_grows),
        cmocka_unit_test(test_without_memory_nothing_is_lost),
        cmocka_unit_test(test_blocks_that_no_honest_peer_sends_change_nothing),
        cmocka_unit_test(test_three_runs_or_more_than_two_segments_above_make_loss),
        cmocka_unit_test(test_a_late_original_is_reordering_and_says_how_far),
        cmocka_unit_test(test_a_peer_that_takes_back_what_it_sacked_is_seen),
        cmocka_unit_test(test_acknowledging_byte_by_byte_buys_no_retransmissions),
        cmocka_unit_test(test_duplicate_acks_never_stand_for_all_that_is_outstanding),
        cmocka_unit_test(test_the_fin_stays_at_the_end_of_what_is_cut),
        cmocka_unit_test(test_the_newest_delivered_is_the_one_sent_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
