// SPDX-License-Identifier: MIT
/* reassembly_test.c: random overlapping segments beside a map of bytes; SACK and D-SACK blocks; limits. */
#include "transport/tcp/reassembly.h"

#include "base/math.h"
#include "test_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WINDOW = 3000 };

struct fixture {
    struct test_env env;
    struct memory memory;
    struct pool chunks;
    struct tcpip_buffer_pools buffers;
    struct reassembly reassembly;
    seqnum nxt;
    uint32_t dropped;
    bool full; /* no memory for another chunk during insert */
};

static void fixture_start(struct fixture *f, uint64_t seed, uint32_t limit)
{
    test_env_init(&f->env, seed);
    tcpip__memory_init(&f->memory, &f->env.env, 0);
    tcpip__pool_init(&f->chunks, &f->memory, sizeof(struct receive_chunk), _Alignof(struct receive_chunk), 0);
    tcpip__buffer_pools_init(&f->buffers, &f->memory, NULL);
    tcpip__reassembly_init(&f->reassembly, limit);
    f->nxt = seq(UINT32_MAX - 700);
    f->dropped = 0;
    f->full = false;
}

static void fixture_stop(struct fixture *f)
{
    tcpip__reassembly_check(&f->reassembly, f->nxt);
    tcpip__reassembly_fini(&f->reassembly, &f->chunks);
    tcpip__buffer_pools_fini(&f->buffers);
    tcpip__pool_fini(&f->chunks);
    tcpip__memory_fini(&f->memory);
    test_env_fini(&f->env);
}

static struct receive_chunk *chunk_new(struct fixture *f, seqnum at, const uint8_t *data, uint32_t length)
{
    struct receive_chunk *chunk = tcpip__pool_get(&f->chunks);
    struct tcpip_buffer *buffer = tcpip__buffer_new(&f->buffers, length);
    memcpy(buffer->data, data, length);
    *chunk = (struct receive_chunk){.view = {buffer, 0, length}, .seq = at, .true_bytes = buffer->true_bytes};
    return chunk;
}

/* [from, to) as offsets from rcv_nxt, in two chunks if it is long. Returns the bytes kept. */
static uint32_t insert(struct fixture *f, uint32_t from, uint32_t to)
{
    static const uint8_t zeros[WINDOW];
    uint32_t dropped;
    uint32_t first = to - from > 200 ? 200 : to - from;
    struct receive_chunk *chunk = chunk_new(f, seq_add(f->nxt, from), zeros, first);
    if (from + first < to)
        chunk->next = chunk_new(f, seq_add(f->nxt, from + first), zeros, to - from - first);
    void *hoard[2048];
    uint32_t hoarded = 0;
    test_env_fail(&f->env, f->full, true);
    while (f->full && (hoard[hoarded] = tcpip__pool_get(&f->chunks)) != NULL)
        hoarded++;
    uint32_t kept = tcpip__reassembly_insert(&f->reassembly, &f->chunks, chunk, &dropped);
    while (hoarded > 0)
        tcpip__pool_put(&f->chunks, hoard[--hoarded]);
    test_env_fail(&f->env, 0, false);
    f->dropped += dropped;
    tcpip__reassembly_check(&f->reassembly, f->nxt);
    return kept;
}

static void expect_blocks(struct fixture *f, uint32_t max, const uint32_t (*expected)[2], uint32_t count)
{
    struct sack_range blocks[5];
    assert_int_equal(tcpip__reassembly_sack_blocks(&f->reassembly, f->nxt, blocks, max), count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(blocks[i].left.v - f->nxt.v, expected[i][0]);
        assert_int_equal(blocks[i].right.v - f->nxt.v, expected[i][1]);
    }
}

#define EXPECT_BLOCKS(f, max, ...)                                                              \
    do {                                                                                        \
        const uint32_t expected_[][2] = {__VA_ARGS__};                                          \
        expect_blocks(f, max, expected_, (uint32_t)(sizeof(expected_) / sizeof(expected_[0]))); \
    } while (0)

/* ---- the twin ---- */

struct map {
    bool have[WINDOW];
    uint8_t byte[WINDOW];
};

static uint32_t map_bytes(const struct map *map)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < WINDOW; i++)
        sum += map->have[i];
    return sum;
}

static void map_slide(struct map *map, uint32_t by)
{
    memmove(map->have, map->have + by, (WINDOW - by) * sizeof(bool));
    memmove(map->byte, map->byte + by, WINDOW - by);
    memset(map->have + (WINDOW - by), 0, by * sizeof(bool));
}

static uint32_t below(struct fixture *f, uint32_t bound)
{
    return (uint32_t)(test_env_random(&f->env) % bound);
}

/* The first block after a D-SACK is the run that [from, to) belongs to; all blocks are held. */
static void check_blocks(struct fixture *f, const struct map *map, uint32_t from, uint32_t to, uint32_t dup_from,
                         uint32_t dup_to)
{
    struct sack_range blocks[4];
    uint32_t count = tcpip__reassembly_sack_blocks(&f->reassembly, f->nxt, blocks, 4), i = 0;
    assert_true(count > 0);
    if (dup_to > 0) {
        assert_int_equal(blocks[0].left.v - f->nxt.v, dup_from);
        assert_int_equal(blocks[0].right.v - f->nxt.v, dup_to);
        i = 1;
    }
    if (count > i) {
        assert_true(blocks[i].left.v - f->nxt.v <= from);
        assert_true(blocks[i].right.v - f->nxt.v >= to);
    }
    for (; i < count; i++) {
        uint32_t left = blocks[i].left.v - f->nxt.v, right = blocks[i].right.v - f->nxt.v;
        for (uint32_t k = left; k < right; k++)
            assert_true(map->have[k]);
        if (f->reassembly.count < 32) /* longer runs may be reported in part */
            assert_false(map->have[left - 1] || (right < WINDOW && map->have[right]));
    }
}

static void random_insert(struct fixture *f, struct map *map)
{
    uint8_t data[400];
    uint32_t from = 1 + below(f, WINDOW - 400), length = 1 + below(f, below(f, 4) == 0 ? 399 : 60), at = 0, kept = 0;
    uint32_t dup_from = 0, dup_to = 0, dropped;
    bool closed = false;
    struct receive_chunk *chain = NULL, **tail = &chain;

    for (uint32_t i = 0; i < length; i++)
        data[i] = (uint8_t)test_env_random(&f->env);
    while (at < length) {
        uint32_t part = below(f, 3) == 0 ? 1 + below(f, length - at) : length - at;
        *tail = chunk_new(f, seq_add(f->nxt, from + at), data + at, part);
        tail = &(*tail)->next;
        at += part;
    }
    for (uint32_t i = from; i < from + length; i++) {
        if (!map->have[i]) {
            map->have[i] = true;
            map->byte[i] = data[i - from];
            kept++;
            closed |= dup_to > 0;
        } else if (!closed) {
            dup_from = dup_to == 0 ? i : dup_from;
            dup_to = i + 1;
        }
    }
    assert_int_equal(tcpip__reassembly_insert(&f->reassembly, &f->chunks, chain, &dropped), kept);
    assert_int_equal(dropped, 0);
    check_blocks(f, map, from, from + length, dup_from, dup_to);
}

/* Data in order up to somewhere: what is held behind it comes out. */
static void random_advance(struct fixture *f, struct map *map)
{
    uint32_t by = 1 + below(f, below(f, 5) == 0 ? 900 : 90), dup_from = 0, dup_to = 0;
    struct receive_chunk *chunk;
    struct sack_range blocks[1];
    for (uint32_t i = 0; i < by; i++) {
        if (map->have[i] && (dup_to == 0 || dup_to == i)) {
            dup_from = dup_to == 0 ? i : dup_from;
            dup_to = i + 1;
        }
    }
    seqnum before = f->nxt;
    f->nxt = seq_add(f->nxt, by);
    map_slide(map, by);
    while ((chunk = tcpip__reassembly_pop(&f->reassembly, &f->chunks, f->nxt)) != NULL) {
        assert_int_equal(chunk->seq.v, f->nxt.v);
        for (uint32_t i = 0; i < chunk->view.length; i++)
            assert_true(map->have[i]);
        assert_memory_equal(tcpip_view_data(&chunk->view), map->byte, chunk->view.length);
        f->nxt = seq_add(f->nxt, chunk->view.length);
        map_slide(map, chunk->view.length);
        tcpip__receive_chunk_free(chunk, &f->chunks);
    }
    assert_false(map->have[0]);
    uint32_t count = tcpip__reassembly_sack_blocks(&f->reassembly, f->nxt, blocks, 1);
    if (dup_to > 0) {
        assert_int_equal(count, 1);
        assert_int_equal(blocks[0].left.v - before.v, dup_from);
        assert_int_equal(blocks[0].right.v - before.v, dup_to);
    }
}

static void test_a_map_of_bytes_agrees(void **state)
{
    (void)state;
    static struct map map;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct fixture f;
        fixture_start(&f, seed, UINT32_MAX);
        memset(&map, 0, sizeof(map));
        for (int step = 0; step < 1500; step++) {
            if (below(&f, 1 + (uint32_t)seed % 12) != 0 || step % 40 == 0)
                random_insert(&f, &map);
            else
                random_advance(&f, &map);
            assert_int_equal(f.reassembly.bytes, map_bytes(&map));
            tcpip__reassembly_check(&f.reassembly, f.nxt);
        }
        fixture_stop(&f);
    }
}

static void test_the_latest_run_is_reported_first(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1, 100);
    insert(&f, 100, 200);
    insert(&f, 300, 400);
    insert(&f, 500, 600);
    insert(&f, 700, 800);
    EXPECT_BLOCKS(&f, 4, {700, 800}, {500, 600}, {300, 400}, {100, 200});
    insert(&f, 400, 450);
    EXPECT_BLOCKS(&f, 3, {300, 450}, {700, 800}, {500, 600});
    insert(&f, 900, 1000); /* the fifth: the oldest is forgotten, and found again */
    insert(&f, 50, 100);
    EXPECT_BLOCKS(&f, 4, {50, 200}, {900, 1000}, {300, 450}, {700, 800});
    insert(&f, 450, 500); /* joins two */
    EXPECT_BLOCKS(&f, 4, {300, 600}, {50, 200}, {900, 1000}, {700, 800});
    fixture_stop(&f);
}

static void test_duplicates_are_reported_once_and_first(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1, 100);
    insert(&f, 100, 200);
    assert_int_equal(insert(&f, 100, 200), 0);
    EXPECT_BLOCKS(&f, 4, {100, 200}, {100, 200});
    EXPECT_BLOCKS(&f, 4, {100, 200});
    insert(&f, 300, 400);
    assert_int_equal(insert(&f, 150, 350), 100); /* two runs of duplicates: the first */
    EXPECT_BLOCKS(&f, 4, {150, 200}, {100, 400});
    tcpip__reassembly_note_duplicate(&f.reassembly, seq_sub(f.nxt, 50), f.nxt); /* old data again */
    EXPECT_BLOCKS(&f, 4, {UINT32_MAX - 49, 0}, {100, 400});
    tcpip__reassembly_note_duplicate(&f.reassembly, f.nxt, f.nxt); /* nothing */
    EXPECT_BLOCKS(&f, 4, {100, 400});
    fixture_stop(&f);
}

static void test_the_first_copy_of_a_byte_stays(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t dropped;
    fixture_start(&f, 1, 100);
    struct receive_chunk *chunk = chunk_new(&f, seq_add(f.nxt, 2), (const uint8_t *)"cd", 2);
    tcpip__reassembly_insert(&f.reassembly, &f.chunks, chunk, &dropped);
    chunk = chunk_new(&f, seq_add(f.nxt, 1), (const uint8_t *)"BCDE", 4);
    assert_int_equal(tcpip__reassembly_insert(&f.reassembly, &f.chunks, chunk, &dropped), 2);
    f.nxt = seq_add(f.nxt, 1);
    char out[5] = {0};
    for (int i = 0; (chunk = tcpip__reassembly_pop(&f.reassembly, &f.chunks, f.nxt)) != NULL;) {
        memcpy(out + i, tcpip_view_data(&chunk->view), chunk->view.length);
        i += (int)chunk->view.length;
        f.nxt = seq_add(f.nxt, chunk->view.length);
        tcpip__receive_chunk_free(chunk, &f.chunks);
    }
    assert_string_equal(out, "BcdE");
    fixture_stop(&f);
}

static void test_at_the_limit_the_highest_goes(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1, 3);
    insert(&f, 100, 200);
    insert(&f, 300, 400);
    insert(&f, 500, 600);
    assert_int_equal(insert(&f, 700, 800), 0); /* this one is the highest */
    assert_int_equal(f.dropped, 1);
    EXPECT_BLOCKS(&f, 4, {500, 600}, {300, 400}, {100, 200});
    assert_int_equal(insert(&f, 10, 20), 10);
    assert_int_equal(f.dropped, 2);
    EXPECT_BLOCKS(&f, 4, {10, 20}, {300, 400}, {100, 200});
    assert_int_equal(f.reassembly.runs, 3);
    /* what joins runs is welcome, however many pieces there are */
    assert_int_equal(insert(&f, 400, 450), 50);
    assert_int_equal(insert(&f, 5, 700), 5 + 80 + 100 + 250);
    assert_int_equal(f.reassembly.runs, 1);
    EXPECT_BLOCKS(&f, 4, {10, 20}, {5, 700});
    insert(&f, 800, 810);
    insert(&f, 900, 910);
    f.dropped = 0;
    assert_int_equal(insert(&f, 850, 860), 10);
    assert_int_equal(f.dropped, 1);
    EXPECT_BLOCKS(&f, 4, {850, 860}, {800, 810}, {5, 700});
    tcpip__reassembly_check(&f.reassembly, f.nxt);
    fixture_stop(&f);
    fixture_start(&f, 1, 0);
    assert_int_equal(insert(&f, 10, 20), 0);
    EXPECT_BLOCKS(&f, 0);
    fixture_stop(&f);
}

static void test_the_highest_run_goes_with_all_its_pieces(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1, 2);
    insert(&f, 100, 200);
    for (uint32_t at = 1000; at < 2500; at += 300)
        insert(&f, at, at + 300);
    assert_true(f.reassembly.count >= 6);
    assert_int_equal(insert(&f, 500, 600), 100);
    assert_int_equal(f.reassembly.bytes, 200);
    EXPECT_BLOCKS(&f, 4, {500, 600}, {100, 200});
    fixture_stop(&f);
}

static void test_bytes_that_come_one_by_one_are_kept_together(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1, 4);
    for (uint32_t at = 1; at < 2001; at++)
        assert_int_equal(insert(&f, at, at + 1), 1);
    assert_true(f.reassembly.count <= 20);
    assert_true(f.reassembly.true_bytes <= 5000);
    assert_int_equal(f.reassembly.runs, 1);
    fixture_stop(&f);
}

static void test_bytes_that_come_backwards_are_few(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1, 10);
    for (uint32_t at = 2000; at > 0; at--)
        insert(&f, at, at + 1);
    assert_true(f.reassembly.count <= 11);
    EXPECT_BLOCKS(&f, 1, {1, 11});
    fixture_stop(&f);
}

static void test_random_segments_at_a_small_limit_keep_the_invariants(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct fixture f;
        fixture_start(&f, seed, 1 + (uint32_t)seed % 7);
        for (int step = 0; step < 2000; step++) {
            uint32_t from = 1 + below(&f, WINDOW - 500);
            f.full = below(&f, 20) == 0;
            insert(&f, from, from + 1 + below(&f, 400));
            if (below(&f, 100) == 0)
                tcpip__reassembly_prune(&f.reassembly, &f.chunks, below(&f, 5000));
            tcpip__reassembly_check(&f.reassembly, f.nxt);
        }
        fixture_stop(&f);
    }
}

static void test_what_memory_was_short_for_is_never_reported(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1, 100);
    insert(&f, 150, 160);
    f.full = true;
    assert_int_equal(insert(&f, 100, 400), 50 + 100); /* what lies behind 160 of the first chunk is lost */
    assert_int_equal(f.dropped, 1);
    EXPECT_BLOCKS(&f, 4, {300, 400}, {100, 160});
    fixture_stop(&f);
}

static void test_pruning_takes_the_highest_first_and_forgets_it(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1, 100);
    insert(&f, 100, 200);
    insert(&f, 300, 400);
    insert(&f, 400, 500);
    uint32_t each = f.reassembly.true_bytes / 3;
    assert_int_equal(tcpip__reassembly_prune(&f.reassembly, &f.chunks, 2 * each), 1);
    EXPECT_BLOCKS(&f, 4, {300, 400}, {100, 200});
    assert_int_equal(tcpip__reassembly_prune(&f.reassembly, &f.chunks, 0), 2);
    assert_int_equal(f.reassembly.recent_count, 0);
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_map_of_bytes_agrees),
        cmocka_unit_test(test_the_latest_run_is_reported_first),
        cmocka_unit_test(test_duplicates_are_reported_once_and_first),
        cmocka_unit_test(test_the_first_copy_of_a_byte_stays),
        cmocka_unit_test(test_at_the_limit_the_highest_goes),
        cmocka_unit_test(test_the_highest_run_goes_with_all_its_pieces),
        cmocka_unit_test(test_bytes_that_come_one_by_one_are_kept_together),
        cmocka_unit_test(test_bytes_that_come_backwards_are_few),
        cmocka_unit_test(test_random_segments_at_a_small_limit_keep_the_invariants),
        cmocka_unit_test(test_what_memory_was_short_for_is_never_reported),
        cmocka_unit_test(test_pruning_takes_the_highest_first_and_forgets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
