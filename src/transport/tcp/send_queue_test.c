// SPDX-License-Identifier: MIT
/* send_queue_test.c: the send queue beside a plain array of bytes, its cursors, its choice of buffers. */
#include "transport/tcp/send_queue.h"

#include "base/math.h"
#include "test_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct test_env env;
    struct memory memory;
    struct pool chunks;
    struct tcpip_buffer_pools buffers;
    struct send_queue queue;
};

static void fixture_start(struct fixture *f, uint64_t seed)
{
    test_env_init(&f->env, seed);
    tcpip__memory_init(&f->memory, &f->env.env, 0);
    tcpip__pool_init(&f->chunks, &f->memory, sizeof(struct send_chunk), _Alignof(struct send_chunk), 0);
    tcpip__buffer_pools_init(&f->buffers, &f->memory, NULL);
    tcpip__send_queue_init(&f->queue);
}

static void fixture_stop(struct fixture *f)
{
    tcpip__send_queue_check(&f->queue);
    tcpip__send_queue_fini(&f->queue, &f->chunks);
    tcpip__buffer_run_released(&f->buffers);
    tcpip__buffer_pools_fini(&f->buffers);
    tcpip__pool_fini(&f->chunks);
    tcpip__memory_fini(&f->memory);
    test_env_fini(&f->env);
}

/* The quick ways wherever they can be gone; they leave the others what they can't do. */
static size_t copy_in(struct fixture *f, const void *data, size_t size)
{
    if (f->queue.first == NULL && size > 0 && tcpip__send_queue_begin(&f->queue, &f->chunks, &f->buffers, data, size)) {
        tcpip__send_queue_check(&f->queue);
        return size;
    }
    return tcpip__send_queue_copy_in(&f->queue, &f->chunks, &f->buffers, data, size);
}

static void views_free(struct tcpip_view *views, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        buffer_unref(views[i].buffer);
}

static void released(void *ctx, struct tcpip_buffer *buffer)
{
    (void)buffer;
    ++*(int *)ctx;
}

/* What is gathered are the bytes that the model has there. */
static void gather_and_compare(struct fixture *f, const uint8_t *model, uint32_t offset, uint32_t length, uint32_t max)
{
    struct tcpip_view views[TCPIP_PACKET_VIEWS];
    uint32_t count, covered = send_queue_gather(&f->queue, offset, length, views, max, &count), at = 0;
    assert_true(covered == length || count == max);
    assert_true(count <= max);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(views[i].length > 0);
        assert_memory_equal(tcpip_view_data(&views[i]), model + offset + at, views[i].length);
        at += views[i].length;
    }
    assert_int_equal(at, covered);
    views_free(views, count);
}

static void test_it_gives_back_what_was_put_in(void **state)
{
    (void)state;
    static uint8_t model[400000], foreign[50000];
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct fixture f;
        int releases = 0, wraps = 0;
        uint32_t size = 0;
        fixture_start(&f, seed);
        for (size_t i = 0; i < sizeof(foreign); i++)
            foreign[i] = (uint8_t)test_env_random(&f.env);
        for (int step = 0; step < 4000; step++) {
            uint64_t r = test_env_random(&f.env);
            uint32_t kind = (uint32_t)(r % 10), n = (uint32_t)(r >> 8) % ((r >> 32) % 4 == 0 ? 30000u : 300u);
            const uint8_t *from = foreign + (r >> 40) % 20000;
            if (kind < 4 && size + n <= sizeof(model)) {
                assert_int_equal(copy_in(&f, from, n), n);
                memcpy(model + size, from, n);
                size += n;
            } else if (kind == 4 && n > 0 && size + n <= sizeof(model)) {
                struct tcpip_buffer *buffer =
                    tcpip__buffer_wrap(&f.buffers, foreign, sizeof(foreign), released, &releases);
                struct tcpip_view view = {buffer, (uint32_t)(from - foreign), n};
                wraps++;
                assert_true(tcpip__send_queue_append(&f.queue, &f.chunks, &view));
                buffer_unref(buffer);
                memcpy(model + size, from, n);
                size += n;
            } else if (kind < 7) {
                uint32_t count = min_u32(n * 3, size);
                send_queue_release(&f.queue, &f.chunks, count);
                memmove(model, model + count, size - count);
                size -= count;
            } else {
                uint32_t offset = (uint32_t)((r >> 20) % (size + 1));
                gather_and_compare(&f, model, offset, min_u32(n * 3, size - offset),
                                   1 + (uint32_t)(r >> 50) % TCPIP_PACKET_VIEWS);
            }
            assert_int_equal(f.queue.bytes, size);
            tcpip__send_queue_check(&f.queue);
        }
        fixture_stop(&f);
        assert_int_equal(releases, wraps);
    }
}

static void test_small_writes_fill_one_buffer(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1);
    assert_int_equal(copy_in(&f, "0123456789", 10), 10);
    assert_int_equal(f.queue.first->view.buffer->size, 128);
    for (int i = 0; i < 11; i++)
        assert_int_equal(copy_in(&f, "0123456789", 10), 10);
    assert_ptr_equal(f.queue.first, f.queue.last);
    fixture_stop(&f);
}

/* A write of 3 KB in a buffer of 16 would pin five times what it says, for as long as it waits. */
static void test_a_buffer_is_half_full_or_small(void **state)
{
    (void)state;
    static uint8_t data[16384];
    for (size_t size = 1; size <= sizeof(data); size += 97) {
        struct fixture f;
        fixture_start(&f, 1);
        assert_int_equal(copy_in(&f, data, size), size);
        assert_true(f.queue.true_bytes <= 2 * size + 2400);
        fixture_stop(&f);
    }
}

static void test_buffers_grow_with_what_waits(void **state)
{
    (void)state;
    static uint8_t data[200000];
    struct fixture f;
    uint32_t chunks = 0;
    fixture_start(&f, 1);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(copy_in(&f, data, 100), 100);
    for (const struct send_chunk *chunk = f.queue.first; chunk != NULL; chunk = chunk->next)
        chunks++;
    assert_true(chunks <= 14);
    assert_true(f.queue.true_bytes < f.queue.bytes * 5 / 4);
    assert_int_equal(copy_in(&f, data, sizeof(data)), sizeof(data));
    /* A full super-segment takes few views. */
    struct tcpip_view views[TCPIP_PACKET_VIEWS];
    uint32_t count;
    assert_int_equal(tcpip__send_queue_gather(&f.queue, 100000, 65160, views, TCPIP_PACKET_VIEWS, &count), 65160);
    assert_true(count <= 5);
    views_free(views, count);
    fixture_stop(&f);
}

static void test_small_pieces_between_lent_views_stay_small(void **state)
{
    (void)state;
    enum { PIECES = 5000 };
    struct fixture f;
    int given_back = 0;
    fixture_start(&f, 1);
    struct tcpip_buffer *buffer =
        tcpip__buffer_wrap(&f.buffers, (void *)(uintptr_t) "0123456789", 10, released, &given_back);
    struct tcpip_view view = {buffer, 0, 10};
    for (int i = 0; i < PIECES; i++) {
        assert_int_equal(copy_in(&f, "01", 2), 2);
        assert_true(tcpip__send_queue_append(&f.queue, &f.chunks, &view));
    }
    assert_int_equal(f.queue.bytes, 12 * PIECES);
    assert_true(f.queue.true_bytes < 400 * PIECES);
    buffer_unref(buffer);
    fixture_stop(&f);
    assert_int_equal(given_back, 1);
}

static void test_new_data_and_data_sent_again_each_keep_their_place(void **state)
{
    (void)state;
    static uint8_t data[500000];
    struct fixture f;
    struct tcpip_view view;
    uint32_t count;
    fixture_start(&f, 1);
    assert_int_equal(copy_in(&f, data, sizeof(data)), sizeof(data));
    assert_int_equal(tcpip__send_queue_gather(&f.queue, 300000, 1000, &view, 1, &count), 1000);
    views_free(&view, count);
    const struct send_chunk *cursor = f.queue.cursor;
    assert_int_equal(tcpip__send_queue_gather(&f.queue, 100000, 1000, &view, 1, &count), 1000);
    views_free(&view, count);
    assert_ptr_equal(f.queue.cursor, cursor);
    assert_int_equal(f.queue.resend_at, 100000 / 16384 * 16384);
    send_queue_release(&f.queue, &f.chunks, 200000); /* past the one, short of the other */
    assert_null(f.queue.resend);
    assert_ptr_equal(f.queue.cursor, cursor);
    assert_int_equal(f.queue.cursor_at, 300000 / 16384 * 16384 - 200000);
    fixture_stop(&f);
}

static void test_out_of_memory_takes_what_fits_and_keeps_it(void **state)
{
    (void)state;
    static uint8_t data[100000];
    for (uint64_t k = 1; k < 12; k++) {
        struct fixture f;
        fixture_start(&f, k);
        for (size_t i = 0; i < sizeof(data); i++)
            data[i] = (uint8_t)test_env_random(&f.env);
        test_env_fail(&f.env, k, true);
        size_t done = copy_in(&f, data, sizeof(data));
        assert_int_equal(done, f.queue.bytes);
        if (done > 0)
            gather_and_compare(&f, data, 0, (uint32_t)done, TCPIP_PACKET_VIEWS);
        test_env_fail(&f.env, 0, false);
        assert_int_equal(copy_in(&f, data + done, sizeof(data) - done), sizeof(data) - done);
        gather_and_compare(&f, data, 60000, 40000, TCPIP_PACKET_VIEWS);
        fixture_stop(&f);
    }
}

static void test_short_of_memory_small_buffers_serve_a_large_write(void **state)
{
    (void)state;
    static uint8_t data[100000];
    struct fixture f;
    fixture_start(&f, 1);
    assert_int_equal(copy_in(&f, data, 1), 1); /* makes a slab of small ones */
    test_env_fail(&f.env, 1, true);
    assert_true(copy_in(&f, data, sizeof(data)) > 128);
    test_env_fail(&f.env, 0, false);
    fixture_stop(&f);
}

static void test_segments_under_way_keep_their_bytes(void **state)
{
    (void)state;
    struct fixture f;
    struct tcpip_view view;
    uint32_t count;
    fixture_start(&f, 1);
    assert_int_equal(copy_in(&f, "first", 5), 5);
    assert_int_equal(tcpip__send_queue_gather(&f.queue, 0, 5, &view, 1, &count), 5);
    assert_int_equal(copy_in(&f, "second", 6), 6);
    assert_int_equal(view.length, 5);
    send_queue_release(&f.queue, &f.chunks, 11);
    assert_memory_equal(tcpip_view_data(&view), "first", 5);
    assert_int_equal(view.buffer->refs, 1);
    views_free(&view, count);
    fixture_stop(&f);
}

/* Beside a plain array of the places where records end. */
static void test_records_end_where_they_were_ended(void **state)
{
    (void)state;
    enum { ROUNDS = 3000, ENDS = 4000 };
    struct fixture f;
    fixture_start(&f, 4);
    static uint64_t ends[ENDS];
    static const uint8_t data[600];
    uint32_t count = 0;
    uint64_t written = 0, released_bytes = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t random = test_env_random(&f.env);
        uint32_t size = 1 + (uint32_t)(random >> 8) % sizeof(data);
        if (f.queue.bytes < 20000) {
            assert_int_equal(copy_in(&f, data, size), size);
            written += size;
        }
        if (random % 3 == 0) {
            tcpip__send_queue_end_record(&f.queue);
            if (f.queue.bytes > 0 && (count == 0 || ends[count - 1] != written))
                ends[count++] = written;
        }
        if (random % 5 == 0) {
            uint32_t acked = (uint32_t)(random >> 32) % (f.queue.bytes + 1);
            send_queue_release(&f.queue, &f.chunks, acked);
            released_bytes += acked;
        }
        tcpip__send_queue_check(&f.queue);
        uint32_t offset = (uint32_t)(random >> 40) % (f.queue.bytes + 1), length = f.queue.bytes - offset;
        uint64_t from = released_bytes + offset, to = from + length;
        for (uint32_t i = count; i-- > 0 && ends[i] > from;)
            to = ends[i] < to ? ends[i] : to;
        assert_int_equal(tcpip__send_queue_record(&f.queue, offset, length), to - from);
        struct tcpip_view views[4];
        uint32_t used;
        tcpip__send_queue_gather(&f.queue, offset, length, views, 4, &used); /* moves a cursor */
        views_free(views, used);
    }
    fixture_stop(&f);
}

static void test_a_lone_write_is_queued_whole_or_not_at_all(void **state)
{
    (void)state;
    static uint8_t data[4096];
    struct fixture f;
    fixture_start(&f, 1);
    memset(data, 7, sizeof(data));
    assert_true(tcpip__send_queue_begin(&f.queue, &f.chunks, &f.buffers, data, 64));
    assert_int_equal(f.queue.bytes, 64);
    gather_and_compare(&f, data, 0, 64, 1);
    send_queue_release(&f.queue, &f.chunks, 64);
    assert_null(f.queue.first);
    assert_false(tcpip__send_queue_begin(&f.queue, &f.chunks, &f.buffers, data, sizeof(data))); /* more than a buffer */
    assert_null(f.queue.first);
    assert_int_equal(f.queue.bytes + f.queue.true_bytes, 0);
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_gives_back_what_was_put_in),
        cmocka_unit_test(test_small_writes_fill_one_buffer),
        cmocka_unit_test(test_a_buffer_is_half_full_or_small),
        cmocka_unit_test(test_buffers_grow_with_what_waits),
        cmocka_unit_test(test_small_pieces_between_lent_views_stay_small),
        cmocka_unit_test(test_new_data_and_data_sent_again_each_keep_their_place),
        cmocka_unit_test(test_out_of_memory_takes_what_fits_and_keeps_it),
        cmocka_unit_test(test_short_of_memory_small_buffers_serve_a_large_write),
        cmocka_unit_test(test_segments_under_way_keep_their_bytes),
        cmocka_unit_test(test_records_end_where_they_were_ended),
        cmocka_unit_test(test_a_lone_write_is_queued_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
