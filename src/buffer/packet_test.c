// SPDX-License-Identifier: MIT
/* packet_test.c: packets beside a flat twin: the same random operations on both, the same bytes after each. */
#include "base/math.h"
#include "base/rng.h"
#include "buffer/pools.h"
#include "test_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct test_env world;
    struct memory memory;
    struct tcpip_buffer_pools buffers;
    struct tcpip_packet_pool packets;
    struct rng rng;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    test_env_init(&f->world, 1);
    tcpip__memory_init(&f->memory, &f->world.env, 0);
    tcpip__buffer_pools_init(&f->buffers, &f->memory, NULL);
    tcpip__packet_pool_init(&f->packets, &f->memory, &f->buffers, NULL);
    rng_init(&f->rng, 42);
    *state = f;
    return 0;
}

/* Every packet and every buffer must be back, or fini aborts. */
static int teardown(void **state)
{
    struct fixture *f = *state;
    tcpip__packet_pool_fini(&f->packets);
    tcpip__buffer_pools_fini(&f->buffers);
    tcpip__memory_fini(&f->memory);
    test_env_fini(&f->world);
    free(f);
    return 0;
}

/* ---- the twin ---- */

enum { TWIN_MAX = 1 << 18 };

struct twin {
    struct tcpip_packet *packet;
    uint8_t *bytes; /* what the packet should say */
    uint32_t length;
};

static struct twin twin_new(struct fixture *f)
{
    struct twin t = {tcpip__packet_new(&f->packets), malloc(TWIN_MAX), 0};
    assert_non_null(t.packet);
    return t;
}

static void twin_free(struct twin *t)
{
    tcpip_packet_free(t->packet);
    free(t->bytes);
}

static void twin_compare(const struct twin *t)
{
    tcpip__packet_check(t->packet);
    assert_int_equal(t->packet->length, t->length);
    uint8_t *out = malloc(t->length + 1u);
    assert_int_equal(tcpip_packet_copy_out(t->packet, 0, out, t->length + 1u), t->length);
    assert_memory_equal(out, t->bytes, t->length);
    free(out);
}

static uint32_t any_size(struct fixture *f)
{
    static const uint32_t scales[] = {4, 60, 600, 3000, 20000};
    return rng_below(&f->rng, scales[rng_below(&f->rng, array_count(scales))]);
}

static void random_bytes(struct fixture *f, uint8_t *out, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        out[i] = (uint8_t)rng_u32(&f->rng);
}

static void do_push(struct fixture *f, struct twin *t)
{
    uint32_t count = rng_below(&f->rng, 70);
    uint8_t *at = tcpip_packet_push(t->packet, count);
    if (at == NULL) {
        assert_true(count > t->packet->head);
        return;
    }
    random_bytes(f, at, count);
    memmove(t->bytes + count, t->bytes, t->length);
    memcpy(t->bytes, at, count);
    t->length += count;
}

static void do_append(struct fixture *f, struct twin *t)
{
    uint32_t size = any_size(f);
    if (t->length + size > TWIN_MAX)
        return;
    random_bytes(f, t->bytes + t->length, size);
    enum tcpip_error error = tcpip_packet_append(t->packet, t->bytes + t->length, size);
    if (error == TCPIP_OK)
        t->length += size;
    else if (error == TCPIP_ERR_MESSAGE_TOO_LONG)
        assert_int_equal(t->packet->view_count, TCPIP_PACKET_VIEWS);
    else
        assert_int_equal(error, TCPIP_ERR_NO_MEMORY);
}

static void do_append_view(struct fixture *f, struct twin *t)
{
    struct tcpip_buffer *buffer = tcpip__buffer_new(&f->buffers, 512);
    if (buffer == NULL)
        return;
    random_bytes(f, buffer->data, 512);
    uint32_t offset = rng_below(&f->rng, 512), length = rng_below(&f->rng, 513 - offset);
    if (t->length + length <= TWIN_MAX &&
        tcpip_packet_append_view(t->packet, (struct tcpip_view){buffer, offset, length})) {
        memcpy(t->bytes + t->length, buffer->data + offset, length);
        t->length += length;
    } else {
        buffer_unref(buffer);
    }
}

static void do_trim(struct fixture *f, struct twin *t)
{
    uint32_t count = any_size(f);
    if (count > t->length)
        return;
    tcpip_packet_trim_front(t->packet, count);
    memmove(t->bytes, t->bytes + count, t->length - count);
    t->length -= count;
}

static void do_cap(struct fixture *f, struct twin *t)
{
    uint32_t length = rng_below(&f->rng, 2) == 0 ? any_size(f) : sat_sub_u32(t->length, rng_below(&f->rng, 100));
    tcpip_packet_cap_length(t->packet, length);
    t->length = length < t->length ? length : t->length;
}

static void do_pull(struct fixture *f, struct twin *t)
{
    uint32_t offset = rng_below(&f->rng, t->length + 10), count = any_size(f);
    uint8_t *at = tcpip_packet_pull(t->packet, offset, count);
    if (at == NULL) {
        assert_true(offset + count > t->length || f->world.fail_at != 0 || count > 65728);
        return;
    }
    assert_true(offset + count <= t->length);
    assert_memory_equal(at, t->bytes + offset, count);
    assert_ptr_equal(tcpip_packet_pull_slow(t->packet, offset, count),
                     count > 0 ? at : tcpip_packet_pull(t->packet, 0, 0));
}

static void do_sum(struct fixture *f, struct twin *t)
{
    uint32_t offset = rng_below(&f->rng, t->length + 1), count = rng_below(&f->rng, t->length - offset + 1);
    uint16_t initial = (uint16_t)rng_u32(&f->rng);
    uint64_t sum = initial;
    for (uint32_t i = 0; i < count; i++)
        sum += (uint64_t)t->bytes[offset + i] << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    assert_int_equal(tcpip_packet_checksum(t->packet, offset, count, initial), sum);
}

/* The twin goes on with a clone or a copy; the original must not have been touched by that and is freed first or last.
 */
static void do_duplicate(struct fixture *f, struct twin *t)
{
    bool clone = rng_below(&f->rng, 2) == 0;
    t->packet->mark = rng_u32(&f->rng);
    struct tcpip_packet *second = clone ? tcpip_packet_clone(t->packet) : tcpip__packet_copy(&f->packets, t->packet);
    if (second == NULL) {
        assert_true(f->world.fail_at != 0 || t->length > 65728);
        return;
    }
    assert_int_equal(second->mark, t->packet->mark);
    assert_null(second->next);
    if (!clone)
        assert_true(second->view_count <= 1);
    twin_compare(t);
    tcpip_packet_free(t->packet);
    t->packet = second;
}

static void random_operations(struct fixture *f, int rounds, bool failing)
{
    static void (*const operations[])(struct fixture *, struct twin *) = {
        do_push, do_append, do_append_view, do_append_view, do_append_view,
        do_trim, do_cap,    do_pull,        do_sum,         do_duplicate,
    };
    for (int round = 0; round < rounds; round++) {
        struct twin t = twin_new(f);
        for (int step = 0; step < 40; step++) {
            if (failing)
                test_env_fail(&f->world, 1 + rng_below(&f->rng, 3), true);
            operations[rng_below(&f->rng, array_count(operations))](f, &t);
            test_env_fail(&f->world, 0, false);
            twin_compare(&t);
        }
        twin_free(&t);
        if (failing) {
            tcpip__buffer_pools_trim(&f->buffers);
            tcpip__pool_trim(&f->packets.pool);
        }
    }
}

static void a_packet_behaves_like_a_flat_array(void **state)
{
    random_operations(*state, 2000, false);
}

static void a_packet_is_as_before_when_memory_is_out(void **state)
{
    random_operations(*state, 500, true);
}

/* ---- by hand ---- */

static void a_new_packet_is_empty_with_all_its_room_in_front(void **state)
{
    struct fixture *f = *state;
    struct tcpip_packet *dirty = tcpip__packet_new(&f->packets);
    memset(&dirty->network, 0xff, sizeof(dirty->network));
    dirty->mark = dirty->hash = 7;
    tcpip_packet_free(dirty);
    struct tcpip_packet *packet = tcpip__packet_new(&f->packets);
    assert_int_equal(packet->head, TCPIP_PACKET_ROOM);
    assert_int_equal(packet->tail, TCPIP_PACKET_ROOM);
    assert_int_equal(packet->length, 0);
    assert_int_equal(packet->view_count, 0);
    assert_int_equal(packet->mark | packet->hash, 0);
    assert_null(packet->nic);
    assert_null(tcpip_packet_push(packet, TCPIP_PACKET_ROOM + 1));
    assert_ptr_equal(tcpip_packet_push(packet, TCPIP_PACKET_ROOM), packet->room);
    assert_null(tcpip_packet_push(packet, 1));
    tcpip_packet_free(packet);
}

static void pulling_what_is_contiguous_copies_nothing(void **state)
{
    struct fixture *f = *state;
    struct tcpip_packet *packet = tcpip__packet_new(&f->packets);
    assert_int_equal(tcpip_packet_append(packet, "first", 5), TCPIP_OK);
    assert_int_equal(tcpip_packet_append(packet, "second", 6), TCPIP_OK);
    assert_ptr_equal(tcpip_packet_pull(packet, 0, 5), packet->views[0].buffer->data);
    assert_ptr_equal(tcpip_packet_pull(packet, 6, 5), packet->views[1].buffer->data + 1);
    assert_int_equal(packet->view_count, 2);
    assert_memory_equal(tcpip_packet_pull(packet, 3, 4), "stse", 4);
    assert_int_equal(packet->view_count, 3);
    tcpip_packet_free(packet);
}

static void pulling_with_all_views_used_still_works(void **state)
{
    struct fixture *f = *state;
    struct tcpip_packet *packet = tcpip__packet_new(&f->packets);
    memcpy(tcpip_packet_push(packet, 2), "ab", 2);
    for (uint32_t i = 0; i < TCPIP_PACKET_VIEWS; i++)
        assert_int_equal(tcpip_packet_append(packet, "xy", 2), TCPIP_OK);
    assert_int_equal(tcpip_packet_append(packet, "z", 1), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_memory_equal(tcpip_packet_pull(packet, 1, 2), "bx", 2);
    assert_true(packet->view_count <= TCPIP_PACKET_VIEWS);
    tcpip__packet_check(packet);
    tcpip_packet_free(packet);
}

static void pulling_beyond_the_end_is_refused_whatever_the_numbers(void **state)
{
    struct fixture *f = *state;
    struct tcpip_packet *packet = tcpip__packet_new(&f->packets);
    memcpy(tcpip_packet_push(packet, 4), "abcd", 4);
    assert_int_equal(tcpip_packet_append(packet, "efgh", 4), TCPIP_OK);
    static const uint32_t bad[][2] = {{0, 9}, {8, 1}, {9, 0}, {UINT32_MAX, 2}, {2, UINT32_MAX}, {UINT32_MAX - 3, 8}};
    for (size_t i = 0; i < array_count(bad); i++)
        assert_null(tcpip_packet_pull(packet, bad[i][0], bad[i][1]));
    assert_non_null(tcpip_packet_pull(packet, 8, 0));
    tcpip_packet_free(packet);
}

static void appending_more_than_views_can_hold_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct tcpip_packet *packet = tcpip__packet_new(&f->packets);
    size_t size = (size_t)TCPIP_PACKET_VIEWS * 65728 + 1;
    uint8_t *bytes = calloc(1, size);
    assert_int_equal(tcpip_packet_append(packet, bytes, size), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(packet->length, 0);
    assert_int_equal(tcpip_packet_append(packet, bytes, size - 1), TCPIP_OK);
    assert_int_equal(packet->length, size - 1);
    free(bytes);
    tcpip_packet_free(packet);
}

static void appending_what_only_half_fits_into_memory_changes_nothing(void **state)
{
    struct fixture *f = *state;
    static uint8_t bytes[200000]; /* four buffers */
    struct tcpip_buffer *all[64];
    uint32_t count = 0;
    struct tcpip_packet *packet = tcpip__packet_new(&f->packets);
    assert_int_equal(tcpip_packet_append(packet, "before", 6), TCPIP_OK);
    all[count++] = tcpip__buffer_new(&f->buffers, 65000);
    test_env_fail(&f->world, 1, true);
    while (count < array_count(all) && (all[count] = tcpip__buffer_new(&f->buffers, 65000)) != NULL)
        count++;
    for (uint32_t free_now = 1; free_now < 4 && count > 0; free_now++) {
        buffer_unref(all[--count]);
        assert_int_equal(tcpip_packet_append(packet, bytes, sizeof(bytes)), TCPIP_ERR_NO_MEMORY);
        assert_int_equal(packet->length, 6);
        assert_int_equal(packet->view_count, 1);
        tcpip__packet_check(packet);
    }
    test_env_fail(&f->world, 0, false);
    assert_int_equal(tcpip_packet_append(packet, bytes, sizeof(bytes)), TCPIP_OK);
    tcpip_packet_free(packet);
    while (count > 0)
        buffer_unref(all[--count]);
}

static void a_clone_shares_the_views_and_has_its_own_room(void **state)
{
    struct fixture *f = *state;
    struct tcpip_packet *packet = tcpip__packet_new(&f->packets);
    memcpy(tcpip_packet_push(packet, 3), "hdr", 3);
    assert_int_equal(tcpip_packet_append(packet, "payload", 7), TCPIP_OK);
    packet->gso_size = 1460;
    struct tcpip_packet *clone = tcpip_packet_clone(packet);
    assert_int_equal(packet->views[0].buffer->refs, 2);
    assert_ptr_equal(clone->views[0].buffer, packet->views[0].buffer);
    assert_int_equal(clone->gso_size, 1460);
    *tcpip_packet_pull(packet, 0, 1) = 'X';
    assert_memory_equal(tcpip_packet_pull(clone, 0, 3), "hdr", 3);
    tcpip_packet_free(packet);
    assert_memory_equal(tcpip_packet_pull(clone, 3, 7), "payload", 7);
    tcpip_packet_free(clone);
}

static void a_copy_shares_nothing_and_is_contiguous(void **state)
{
    struct fixture *f = *state;
    for (uint32_t size = 0; size < 4000; size = size * 2 + 1) {
        struct tcpip_packet *packet = tcpip__packet_new(&f->packets);
        memcpy(tcpip_packet_push(packet, 20), "twenty bytes of room", 20);
        for (uint32_t i = 0; i < size; i += 256)
            assert_int_equal(tcpip_packet_append(packet, "some bytes", size - i < 10 ? size - i : 10), TCPIP_OK);
        struct tcpip_packet *copy = tcpip__packet_copy(&f->packets, packet);
        assert_int_equal(copy->length, packet->length);
        for (uint32_t i = 0; i < packet->view_count; i++)
            assert_int_equal(packet->views[i].buffer->refs, 1);
        uint8_t *whole = tcpip_packet_pull(copy, 0, copy->length);
        tcpip__packet_check(copy);
        assert_true(copy->view_count == 0 || copy->head == copy->tail);
        tcpip_packet_trim_front(packet, 0);
        assert_memory_equal(whole, "twenty bytes of room", 20);
        tcpip_packet_free(packet);
        tcpip_packet_free(copy);
    }
}

static void lists_keep_order_and_count(void **state)
{
    struct fixture *f = *state;
    struct tcpip_packet_list a = tcpip_packet_list_init(), b = tcpip_packet_list_init();
    struct tcpip_packet *packets[5];
    for (uint32_t i = 0; i < 5; i++) {
        packets[i] = tcpip__packet_new(&f->packets);
        tcpip_packet_list_push(i < 2 ? &a : &b, packets[i]);
    }
    tcpip_packet_list_append(&a, &b);
    assert_int_equal(a.count, 5);
    assert_int_equal(b.count, 0);
    tcpip_packet_list_append(&a, &b);
    assert_null(tcpip_packet_list_pop(&b));
    for (uint32_t i = 0; i < 2; i++) {
        assert_ptr_equal(tcpip_packet_list_pop(&a), packets[i]);
        tcpip_packet_free(packets[i]);
    }
    tcpip_packet_list_append(&b, &a);
    assert_ptr_equal(b.head, packets[2]);
    tcpip_packet_list_free(&b);
    assert_int_equal(b.count, 0);
    assert_null(b.tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_packet_behaves_like_a_flat_array, setup, teardown),
        cmocka_unit_test_setup_teardown(a_packet_is_as_before_when_memory_is_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_packet_is_empty_with_all_its_room_in_front, setup, teardown),
        cmocka_unit_test_setup_teardown(pulling_what_is_contiguous_copies_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(pulling_with_all_views_used_still_works, setup, teardown),
        cmocka_unit_test_setup_teardown(pulling_beyond_the_end_is_refused_whatever_the_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(appending_more_than_views_can_hold_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(appending_what_only_half_fits_into_memory_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clone_shares_the_views_and_has_its_own_room, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_shares_nothing_and_is_contiguous, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_keep_order_and_count, setup, teardown),
    };
    return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
