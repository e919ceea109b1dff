// SPDX-License-Identifier: MIT
/* buffer_test.c: size classes, references, and when release callbacks run. */
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
    struct tcpip_buffer_pools pools;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    test_env_init(&f->world, 1);
    tcpip__memory_init(&f->memory, &f->world.env, 0);
    tcpip__buffer_pools_init(&f->pools, &f->memory, NULL);
    *state = f;
    return 0;
}

/* Every buffer must be back, or fini aborts. */
static int teardown(void **state)
{
    struct fixture *f = *state;
    tcpip__buffer_pools_fini(&f->pools);
    tcpip__memory_fini(&f->memory);
    test_env_fini(&f->world);
    free(f);
    return 0;
}

static void a_buffer_comes_from_the_smallest_class_that_holds_it(void **state)
{
    struct fixture *f = *state;
    static const struct {
        size_t asked;
        uint32_t got;
    } cases[] = {
        {0, 128},    {1, 128},     {128, 128},    {129, 512},     {512, 512},
        {513, 2048}, {2048, 2048}, {2049, 16384}, {16385, 65728}, {65536 + 192, 65728},
    };
    for (size_t i = 0; i < array_count(cases); i++) {
        struct tcpip_buffer *buffer = tcpip__buffer_new(&f->pools, cases[i].asked);
        assert_non_null(buffer);
        assert_int_equal(buffer->size, cases[i].got);
        assert_int_equal(buffer->refs, 1);
        assert_true(buffer->true_bytes >= buffer->size + sizeof(*buffer));
        assert_int_equal((uintptr_t)buffer->data % 64, 0);
        memset(buffer->data, 0xee, buffer->size);
        buffer_unref(buffer);
    }
    assert_null(tcpip__buffer_new(&f->pools, 65536 + 193));
    assert_null(tcpip__buffer_new(&f->pools, SIZE_MAX));
}

static void a_buffer_lives_until_its_last_reference_goes(void **state)
{
    struct fixture *f = *state;
    struct tcpip_buffer *buffer = tcpip__buffer_new(&f->pools, 100);
    memcpy(buffer->data, "bytes", 5);
    tcpip_buffer_ref(buffer);
    buffer_unref(buffer);
    assert_int_equal(f->pools.classes[BUFFER_CLASS_128].out, 1);
    assert_memory_equal(buffer->data, "bytes", 5);
    buffer_unref(buffer);
    assert_int_equal(f->pools.classes[BUFFER_CLASS_128].out, 0);
}

static void without_memory_there_is_no_buffer(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[10];
    test_env_fail(&f->world, 1, true);
    for (size_t size = 1; size < 65000; size *= 3)
        assert_null(tcpip__buffer_new(&f->pools, size));
    assert_null(tcpip__buffer_wrap(&f->pools, bytes, sizeof(bytes), (void (*)(void *, struct tcpip_buffer *))abort, f));
    test_env_fail(&f->world, 0, false);
    buffer_unref(tcpip__buffer_new(&f->pools, 10));
}

struct releases {
    struct tcpip_buffer *seen[8];
    uint32_t count;
    struct tcpip_buffer *release_next; /* dropped by the first callback */
    struct tcpip_buffer_pools *run;    /* run the queue again from inside the first callback */
};

static void on_release(void *ctx, struct tcpip_buffer *buffer)
{
    struct releases *r = ctx;
    r->seen[r->count++] = buffer;
    if (r->release_next != NULL) {
        struct tcpip_buffer *next = r->release_next;
        r->release_next = NULL;
        buffer_unref(next);
    }
    if (r->run != NULL) {
        struct tcpip_buffer_pools *run = r->run;
        r->run = NULL;
        tcpip__buffer_run_released(run);
    }
}

static void a_wrapped_buffers_callback_waits_for_the_end_of_the_turn(void **state)
{
    struct fixture *f = *state;
    struct releases r = {0};
    uint8_t bytes[300];
    struct tcpip_buffer *a = tcpip__buffer_wrap(&f->pools, bytes, 100, on_release, &r);
    struct tcpip_buffer *b = tcpip__buffer_wrap(&f->pools, bytes + 100, 200, on_release, &r);
    assert_ptr_equal(a->data, bytes);
    assert_int_equal(b->size, 200);
    assert_true(b->true_bytes >= 200);
    tcpip_buffer_ref(a);
    buffer_unref(a);
    assert_int_equal(tcpip__buffer_run_released(&f->pools), 0);
    buffer_unref(b);
    buffer_unref(a);
    assert_int_equal(r.count, 0);
    assert_int_equal(tcpip__buffer_run_released(&f->pools), 2);
    assert_int_equal(r.count, 2);
    assert_ptr_equal(r.seen[0], b);
    assert_ptr_equal(r.seen[1], a);
    assert_int_equal(tcpip__buffer_run_released(&f->pools), 0);
}

static void a_release_callback_may_release_more(void **state)
{
    struct fixture *f = *state;
    struct releases r = {0};
    uint8_t byte;
    struct tcpip_buffer *a = tcpip__buffer_wrap(&f->pools, &byte, 1, on_release, &r);
    r.release_next = tcpip__buffer_wrap(&f->pools, &byte, 1, on_release, &r);
    buffer_unref(a);
    assert_int_equal(tcpip__buffer_run_released(&f->pools), 2);
}

static void a_release_callback_may_run_the_queue_itself(void **state)
{
    struct fixture *f = *state;
    struct releases r = {.run = &f->pools};
    uint8_t byte;
    struct tcpip_buffer *a = tcpip__buffer_wrap(&f->pools, &byte, 1, on_release, &r);
    struct tcpip_buffer *b = tcpip__buffer_wrap(&f->pools, &byte, 1, on_release, &r);
    buffer_unref(a);
    buffer_unref(b);
    tcpip__buffer_run_released(&f->pools);
    assert_int_equal(r.count, 2);
}

static void lent_buffers_are_counted_while_they_are_out(void **state)
{
    struct fixture *f = *state;
    struct releases r = {0};
    uint8_t byte;
    struct tcpip_buffer *buffer = tcpip__buffer_wrap(&f->pools, &byte, 1, on_release, &r);
    tcpip_buffer_set_lent(buffer);
    assert_int_equal(f->pools.lent, 1);
    buffer_unref(buffer);
    assert_int_equal(f->pools.lent, 0);
    tcpip__buffer_run_released(&f->pools);
}

static void trimming_gives_idle_storage_back(void **state)
{
    struct fixture *f = *state;
    struct tcpip_buffer *kept = tcpip__buffer_new(&f->pools, 100);
    struct tcpip_buffer *big = tcpip__buffer_new(&f->pools, 60000);
    buffer_unref(big);
    uint64_t before = f->memory.used_bytes;
    uint64_t trimmed = tcpip__buffer_pools_trim(&f->pools);
    assert_true(trimmed > 60000);
    assert_int_equal(f->memory.used_bytes, before - trimmed);
    buffer_unref(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_buffer_comes_from_the_smallest_class_that_holds_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_buffer_lives_until_its_last_reference_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_there_is_no_buffer, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrapped_buffers_callback_waits_for_the_end_of_the_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(a_release_callback_may_release_more, setup, teardown),
        cmocka_unit_test_setup_teardown(a_release_callback_may_run_the_queue_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(lent_buffers_are_counted_while_they_are_out, setup, teardown),
        cmocka_unit_test_setup_teardown(trimming_gives_idle_storage_back, setup, teardown),
    };
    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
