// SPDX-License-Identifier: MIT
/* receive_queue_test.c: streams of packets of all shapes come out as they went in; what pins what. */
#include "transport/tcp/receive_queue.h"

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
    struct tcpip_packet_pool packets;
    struct receive_queue queue;
    seqnum next;
};

static void fixture_start(struct fixture *f, uint64_t seed)
{
    test_env_init(&f->env, seed);
    tcpip__memory_init(&f->memory, &f->env.env, 0);
    tcpip__pool_init(&f->chunks, &f->memory, sizeof(struct receive_chunk), _Alignof(struct receive_chunk), 0);
    tcpip__buffer_pools_init(&f->buffers, &f->memory, NULL);
    tcpip__packet_pool_init(&f->packets, &f->memory, &f->buffers, NULL);
    tcpip__receive_queue_init(&f->queue);
    f->next = seq(0xffffff00);
}

static void fixture_stop(struct fixture *f)
{
    tcpip__receive_queue_check(&f->queue);
    tcpip__receive_queue_fini(&f->queue, &f->chunks);
    assert_int_equal(f->queue.true_bytes, 0);
    tcpip__packet_pool_fini(&f->packets);
    tcpip__buffer_run_released(&f->buffers);
    tcpip__buffer_pools_fini(&f->buffers);
    tcpip__pool_fini(&f->chunks);
    tcpip__memory_fini(&f->memory);
    test_env_fini(&f->env);
}

/* Appends `size` bytes in a buffer of their own, of at least `storage` bytes. */
static void append(struct fixture *f, struct tcpip_packet *packet, const uint8_t *data, uint32_t size, uint32_t storage)
{
    struct tcpip_buffer *buffer = tcpip__buffer_new(&f->buffers, max_u32(size, storage));
    uint32_t offset = (uint32_t)(test_env_random(&f->env) % (buffer->size - size + 1));
    memcpy(buffer->data + offset, data, size);
    assert_true(tcpip_packet_append_view(packet, (struct tcpip_view){buffer, offset, size}));
}

static bool push(struct fixture *f, struct tcpip_packet *packet, uint32_t offset, bool copy_all)
{
    uint32_t length = packet->length - offset;
    if (!tcpip__receive_queue_push_packet(&f->queue, packet, offset, length, f->next, copy_all, &f->chunks,
                                          &f->buffers))
        return false;
    f->next = seq_add(f->next, length);
    return true;
}

/* One packet of `size` bytes in a buffer of `storage`. */
static void push_one(struct fixture *f, const uint8_t *data, uint32_t size, uint32_t storage)
{
    struct tcpip_packet *packet = tcpip__packet_new(&f->packets);
    append(f, packet, data, size, storage);
    assert_true(push(f, packet, 0, false));
    tcpip_packet_free(packet);
}

static uint32_t chunk_count(const struct fixture *f)
{
    uint32_t count = 0;
    for (const struct receive_chunk *chunk = f->queue.first; chunk != NULL; chunk = chunk->next)
        count++;
    return count;
}

/* A packet with a header in its room, sometimes payload behind it, and up to five views. Returns its payload. */
static uint32_t random_packet(struct fixture *f, struct tcpip_packet *packet, const uint8_t *from, uint32_t header)
{
    static const uint32_t storages[] = {0, 128, 2048, 16384, 65728};
    uint64_t r = test_env_random(&f->env);
    uint32_t size = 0, views = 1 + (uint32_t)(r % 5);

    assert_non_null(tcpip_packet_push(packet, header));
    if (r % 7 == 0) { /* payload in the room */
        size = (uint32_t)(r >> 8) % 100;
        memmove(packet->room + packet->head - size, packet->room + packet->head, header);
        packet->head = (uint16_t)(packet->head - size);
        memcpy(packet->room + packet->head + header, from, size);
        packet->length += size;
    }
    for (uint32_t i = 0; i < views; i++) {
        uint64_t s = test_env_random(&f->env);
        uint32_t bytes = 1 + (uint32_t)(s >> 16) % (s % 3 == 0 ? 8000u : 300u);
        append(f, packet, from + size, bytes, storages[s % 5]);
        size += bytes;
    }
    return size;
}

static void check_lend(struct fixture *f, const uint8_t *model, uint32_t bytes, uint64_t r)
{
    struct tcpip_view views[6];
    size_t count = 1 + r % 6, at = 0, lent;
    lent = tcpip__receive_queue_lend(&f->queue, &f->chunks, views, &count, bytes);
    assert_true(lent <= bytes);
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(tcpip_view_data(&views[i]), model + at, views[i].length);
        at += views[i].length;
        buffer_unref(views[i].buffer);
    }
    assert_int_equal(at, lent);
}

static void test_a_stream_of_all_shapes_comes_out_as_it_went_in(void **state)
{
    (void)state;
    static uint8_t stream[2000000], out[60000];
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct fixture f;
        uint32_t in = 0, read = 0;
        tcpip_ns newest = 0;
        fixture_start(&f, seed);
        for (size_t i = 0; i < sizeof(stream); i++)
            stream[i] = (uint8_t)test_env_random(&f.env);
        while (in < sizeof(stream) - 50000) {
            uint64_t r = test_env_random(&f.env);
            uint32_t bytes = (uint32_t)(r >> 8) % 30000;
            if (r % 3 != 0 || in == read) {
                uint32_t header = (uint32_t)(r >> 40) % 61;
                struct tcpip_packet *packet = tcpip__packet_new(&f.packets);
                uint32_t size = random_packet(&f, packet, stream + in, header);
                packet->at = newest = (tcpip_ns)in;
                assert_true(push(&f, packet, header, r % 11 == 0));
                tcpip_packet_free(packet);
                in += size;
            } else if (r % 2 == 0) {
                tcpip_ns at = 0; /* the newest packet is stamped with the number of the bytes before it */
                size_t got = tcpip__receive_queue_read(&f.queue, &f.chunks, out, bytes, &at);
                assert_true(f.queue.bytes > 0 ? at <= newest : got == 0 || at == newest);
                assert_int_equal(got, min_u32(bytes, in - read));
                assert_memory_equal(out, stream + read, got);
                read += (uint32_t)got;
            } else {
                check_lend(&f, stream + read, bytes, r >> 33);
                read = in - f.queue.bytes;
            }
            assert_int_equal(f.queue.bytes, in - read);
            tcpip__receive_queue_check(&f.queue);
        }
        fixture_stop(&f);
    }
}

static void test_small_payloads_cost_about_their_own_size(void **state)
{
    (void)state;
    static const uint8_t data[100];
    struct fixture f;
    fixture_start(&f, 1);
    for (int i = 0; i < 1000; i++)
        push_one(&f, data, 100, 2048);
    assert_true(f.queue.true_bytes < f.queue.bytes * 5 / 4);
    assert_true(f.buffers.classes[BUFFER_CLASS_2048].out <= 60);
    fixture_stop(&f);
}

static void test_large_payloads_are_referred_to(void **state)
{
    (void)state;
    static const uint8_t data[60000];
    struct fixture f;
    fixture_start(&f, 1);
    struct tcpip_packet *packet = tcpip__packet_new(&f.packets);
    append(&f, packet, data, 1448, 2048);
    assert_true(push(&f, packet, 0, false));
    assert_ptr_equal(f.queue.last->view.buffer, packet->views[0].buffer);
    assert_int_equal(packet->views[0].buffer->refs, 2);
    tcpip_packet_free(packet);
    packet = tcpip__packet_new(&f.packets);
    append(&f, packet, data, 60000, 60000);
    assert_true(push(&f, packet, 100, false)); /* some of it came before */
    assert_ptr_equal(f.queue.last->view.buffer, packet->views[0].buffer);
    tcpip_packet_free(packet);
    assert_int_equal(chunk_count(&f), 2);
    fixture_stop(&f);
}

static void test_a_byte_never_pins_a_large_buffer(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1);
    push_one(&f, (const uint8_t *)"x", 1, 65728);
    assert_int_equal(f.buffers.classes[BUFFER_CLASS_65728].out, 0);
    assert_true(f.queue.true_bytes < 512);
    fixture_stop(&f);
}

static void test_what_others_look_at_is_not_written_behind(void **state)
{
    (void)state;
    struct fixture f;
    struct tcpip_view view;
    size_t count = 1;
    fixture_start(&f, 1);
    push_one(&f, (const uint8_t *)"ab", 2, 2048);
    assert_int_equal(tcpip__receive_queue_lend(&f.queue, &f.chunks, &view, &count, 1), 1);
    push_one(&f, (const uint8_t *)"cd", 2, 2048);
    assert_int_equal(chunk_count(&f), 2);
    buffer_unref(view.buffer);
    push_one(&f, (const uint8_t *)"ef", 2, 2048);
    assert_int_equal(chunk_count(&f), 2);
    fixture_stop(&f);
}

static void test_lent_buffers_go_back_at_once_when_all_is_copied(void **state)
{
    (void)state;
    static const uint8_t data[1448];
    struct fixture f;
    fixture_start(&f, 1);
    struct tcpip_packet *packet = tcpip__packet_new(&f.packets);
    append(&f, packet, data, sizeof(data), 2048);
    assert_true(push(&f, packet, 0, true));
    assert_int_equal(packet->views[0].buffer->refs, 1);
    tcpip_packet_free(packet);
    fixture_stop(&f);
}

static void test_out_of_memory_changes_nothing(void **state)
{
    (void)state;
    static const uint8_t data[6000];
    for (uint64_t k = 1; k < 8; k++) {
        struct fixture f;
        struct receive_chunk *chain;
        fixture_start(&f, k);
        struct tcpip_packet *packet = tcpip__packet_new(&f.packets);
        for (int i = 0; i < 18; i++)
            append(&f, packet, data, 300 + 10 * (uint32_t)i, 2048);
        test_env_fail(&f.env, k, true);
        bool fits;
        do
            fits = push(&f, packet, 5, true);
        while (fits);
        uint32_t bytes = f.queue.bytes, chunks = f.chunks.out;
        tcpip__receive_queue_check(&f.queue);
        if (!tcpip__receive_chunks_of(packet, 0, packet->length, seq(1), true, &f.chunks, &f.buffers, &chain))
            assert_null(chain);
        assert_int_equal(f.queue.bytes, bytes);
        assert_int_equal(f.chunks.out, chunks);
        tcpip_packet_free(packet);
        fixture_stop(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stream_of_all_shapes_comes_out_as_it_went_in),
        cmocka_unit_test(test_small_payloads_cost_about_their_own_size),
        cmocka_unit_test(test_large_payloads_are_referred_to),
        cmocka_unit_test(test_a_byte_never_pins_a_large_buffer),
        cmocka_unit_test(test_what_others_look_at_is_not_written_behind),
        cmocka_unit_test(test_lent_buffers_go_back_at_once_when_all_is_copied),
        cmocka_unit_test(test_out_of_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
