// SPDX-License-Identifier: MIT
/* pool_test.c: objects given and taken at random, caps, failing memory, trims, and the traps for misuse. */
#include "base/pool.h"

#include "test_env.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { OUT_MAX = 2000 };

static void test_objects_are_aligned_apart_and_keep_their_contents(void **state)
{
    (void)state;
    static uint8_t *out[OUT_MAX];
    static const size_t sizes[] = {1, 8, 16, 24, 100, 512, 4096}, aligns[] = {1, 8, 64, 16, 4, 32, 64};
    for (size_t kind = 0; kind < array_count(sizes); kind++) {
        struct test_env env;
        struct memory memory;
        struct pool pool;
        uint32_t count = 0;
        test_env_init(&env, kind);
        tcpip__memory_init(&memory, &env.env, 0);
        tcpip__pool_init(&pool, &memory, sizes[kind], aligns[kind], 0);
        for (int round = 0; round < 6000; round++) {
            uint64_t r = test_env_random(&env);
            if (count > 0 && (count == OUT_MAX || r % 1000 < (round < 3000 ? 300u : 700u))) {
                uint32_t i = (uint32_t)(r >> 32) % count;
                for (size_t b = 0; b < sizes[kind]; b++)
                    assert_int_equal(out[i][b], (uint8_t)((uintptr_t)out[i] >> 3));
                tcpip__pool_put(&pool, out[i]);
                out[i] = out[--count];
            } else {
                uint8_t *object = tcpip__pool_get(&pool);
                assert_non_null(object);
                assert_int_equal((uintptr_t)object % aligns[kind], 0);
                memset(object, (uint8_t)((uintptr_t)object >> 3), sizes[kind]);
                out[count++] = object;
            }
            if (r >> 54 == 0)
                tcpip__pool_trim(&pool);
            assert_int_equal(pool.out, count);
            assert_int_equal(pool.slab_bytes, memory.used_bytes);
        }
        while (count > 0)
            tcpip__pool_put(&pool, out[--count]);
        assert_true(tcpip__pool_trim(&pool) > 0);
        assert_int_equal(memory.used_bytes, 0);
        tcpip__pool_fini(&pool);
        tcpip__memory_fini(&memory);
        test_env_fini(&env);
    }
}

/* However often memory was refused while all of it was out: what has come back is there for who asks next. */
static void test_many_refusals_dont_keep_from_what_came_free_since(void **state)
{
    (void)state;
    enum { OBJECTS = 1500 };
    static void *out[OBJECTS];
    struct test_env env;
    struct memory memory;
    struct pool small;
    uint32_t count = 0;
    test_env_init(&env, 1);
    tcpip__memory_init(&memory, &env.env, 1 << 20);
    tcpip__pool_init(&small, &memory, 1000, 8, 0);
    while (count < OBJECTS && (out[count] = tcpip__pool_get(&small)) != NULL)
        count++;
    assert_true(count > 900 && count < OBJECTS);
    for (int i = 0; i < 5000; i++) {
        tcpip__pool_put(&small, out[--count]); /* one comes free now and then, and there is something to look through */
        assert_null(tcpip__memory_alloc(&memory, 200000, 8));
        assert_non_null(out[count++] = tcpip__pool_get(&small));
    }
    assert_true(memory.patience > 1000);
    while (count > 0)
        tcpip__pool_put(&small, out[--count]);
    void *large = tcpip__memory_alloc(&memory, 200000, 8);
    assert_non_null(large);
    tcpip__memory_free(&memory, large, 200000);
    tcpip__pool_fini(&small);
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

static void test_the_cap_and_the_budget_answer_null(void **state)
{
    (void)state;
    struct test_env env;
    struct memory memory;
    struct pool pool;
    void *out[100];
    test_env_init(&env, 1);
    tcpip__memory_init(&memory, &env.env, 0);
    tcpip__pool_init(&pool, &memory, 32, 8, 100);
    for (int i = 0; i < 100; i++)
        assert_non_null(out[i] = tcpip__pool_get(&pool));
    assert_null(tcpip__pool_get(&pool));
    assert_int_equal(pool.refused, 1);
    tcpip__pool_put(&pool, out[99]);
    assert_ptr_equal(tcpip__pool_get(&pool), out[99]); /* the latest put */
    for (int i = 0; i < 100; i++)
        tcpip__pool_put(&pool, out[i]);
    tcpip__pool_fini(&pool);

    memory.limit_bytes = 700; /* not enough for a first slab of the usual size, enough for four objects */
    tcpip__pool_init(&pool, &memory, 100, 8, 0);
    for (int i = 0; i < 4; i++)
        assert_non_null(out[i] = tcpip__pool_get(&pool));
    assert_null(tcpip__pool_get(&pool));
    for (int i = 0; i < 4; i++)
        tcpip__pool_put(&pool, out[i]);
    tcpip__pool_fini(&pool);
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

static void test_an_allocation_that_fails_is_a_get_that_fails(void **state)
{
    (void)state;
    struct test_env env;
    struct memory memory;
    struct pool pool;
    test_env_init(&env, 1);
    tcpip__memory_init(&memory, &env.env, 0);
    tcpip__pool_init(&pool, &memory, 32, 8, 0);
    test_env_fail(&env, 1, true);
    assert_null(tcpip__pool_get(&pool));
    test_env_fail(&env, 0, false);
    uint8_t *object = tcpip__pool_zget(&pool);
    assert_non_null(object);
    assert_int_equal(object[0] | object[31], 0);
    tcpip__pool_put(&pool, object);
    tcpip__pool_fini(&pool);
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

static void test_at_the_limit_what_other_pools_hold_unused_is_found(void **state)
{
    (void)state;
    enum { LIMIT = 1 << 20, HELD = 900 };
    static void *out[HELD];
    struct test_env env;
    struct memory memory;
    struct pool large, small;
    test_env_init(&env, 1);
    tcpip__memory_init(&memory, &env.env, LIMIT);
    tcpip__pool_init(&large, &memory, 1024, 8, 0);
    tcpip__pool_init(&small, &memory, 100, 8, 0);
    for (int i = 0; i < HELD; i++)
        assert_non_null(out[i] = tcpip__pool_get(&large));
    void *kept = tcpip__pool_get(&small);
    for (int i = 1; i < HELD; i++)
        tcpip__pool_put(&large, out[i]);
    /* Nearly all of the budget lies in the large pool, free; the small one gets most of it. */
    assert_true(memory.used_bytes > LIMIT * 8 / 10);
    void *more = tcpip__memory_alloc(&memory, LIMIT * 6 / 10, 8);
    assert_non_null(more);
    /* One was free before, so one still is. */
    out[1] = tcpip__pool_get(&large);
    assert_non_null(out[1]);
    assert_true(memory.used_bytes <= LIMIT);
    tcpip__memory_free(&memory, more, LIMIT * 6 / 10);
    tcpip__pool_put(&large, out[0]);
    tcpip__pool_put(&large, out[1]);
    tcpip__pool_put(&small, kept);
    tcpip__pool_fini(&small);
    tcpip__pool_fini(&large);
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

static void test_looking_in_vain_becomes_rare(void **state)
{
    (void)state;
    struct test_env env;
    struct memory memory;
    struct pool pool;
    test_env_init(&env, 1);
    tcpip__memory_init(&memory, &env.env, 8192);
    tcpip__pool_init(&pool, &memory, 1000, 8, 0);
    void *object = tcpip__pool_get(&pool);
    for (int i = 0; i < 5000; i++)
        assert_null(tcpip__memory_alloc(&memory, 8192, 8));
    assert_true(memory.patience >= 512);
    tcpip__pool_put(&pool, object);
    tcpip__pool_fini(&pool);
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

static void test_a_trim_leaves_what_is_out_alone(void **state)
{
    (void)state;
    static uint8_t *out[OUT_MAX];
    struct test_env env;
    struct memory memory;
    struct pool pool;
    test_env_init(&env, 1);
    tcpip__memory_init(&memory, &env.env, 0);
    tcpip__pool_init(&pool, &memory, 256, 8, 0);
    for (int i = 0; i < OUT_MAX; i++) {
        assert_non_null(out[i] = tcpip__pool_get(&pool));
        memset(out[i], i & 0x7f, 256);
    }
    for (int i = 0; i < OUT_MAX; i++)
        if (i != 1000)
            tcpip__pool_put(&pool, out[i]);
    assert_true(tcpip__pool_trim(&pool) > 400000);
    assert_true(pool.slab_bytes < 70000);
    assert_int_equal(out[1000][255], 1000 & 0x7f);
    for (int i = 0; i < 1000; i++) /* the rest of its slab, and new ones, still work */
        assert_non_null(out[i] = tcpip__pool_get(&pool));
    for (int i = 0; i <= 1000; i++)
        tcpip__pool_put(&pool, out[i]);
    tcpip__pool_fini(&pool);
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

static jmp_buf fatal_jump;

static void on_fatal(struct test_env *env, const char *file, int line, const char *what)
{
    (void)env, (void)file, (void)line, (void)what;
    longjmp(fatal_jump, 1);
}

static void test_fini_with_an_object_out_is_fatal(void **state)
{
    (void)state;
    static struct test_env env;
    static struct memory memory;
    static struct pool pool;
    test_env_init(&env, 1);
    tcpip__memory_init(&memory, &env.env, 0);
    tcpip__pool_init(&pool, &memory, 256, 8, 0);
    void *volatile object = tcpip__pool_get(&pool);
    env.on_fatal = on_fatal;
    if (setjmp(fatal_jump) == 0) {
        tcpip__pool_fini(&pool);
        fail_msg("fini passed");
    }
    tcpip__pool_put(&pool, object);
    tcpip__pool_fini(&pool);
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

static void test_debug_builds_notice_a_second_put(void **state)
{
    (void)state;
    static struct test_env env;
    static struct memory memory;
    static struct pool pool;
    if (!DEBUG_BUILD || HAS_ASAN) /* which notices first */
        return;
    test_env_init(&env, 1);
    tcpip__memory_init(&memory, &env.env, 0);
    tcpip__pool_init(&pool, &memory, 256, 8, 0);
    void *volatile object = tcpip__pool_get(&pool), *volatile other = tcpip__pool_get(&pool);
    tcpip__pool_put(&pool, object);
    env.on_fatal = on_fatal;
    if (setjmp(fatal_jump) == 0) {
        tcpip__pool_put(&pool, object);
        fail_msg("the second put passed");
    }
    tcpip__pool_put(&pool, other);
    tcpip__pool_fini(&pool);
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

static void test_an_object_that_is_ready_is_had_though_memory_runs_out(void **state)
{
    (void)state;
    struct test_env env;
    struct memory memory;
    struct pool pool;
    void *objects[200];
    uint32_t count = 0;
    test_env_init(&env, 1);
    tcpip__memory_init(&memory, &env.env, 0);
    tcpip__pool_init(&pool, &memory, 100, 8, 150);
    while (tcpip__pool_ready(&pool)) {
        uint32_t out = pool.out;
        assert_int_equal(out, count);
        test_env_fail(&env, 1, true);
        objects[count] = tcpip__pool_get(&pool);
        assert_non_null(objects[count++]);
        test_env_fail(&env, 0, false);
    }
    assert_int_equal(count, 150); /* the cap */
    assert_null(tcpip__pool_get(&pool));
    while (count > 0)
        tcpip__pool_put(&pool, objects[--count]);
    tcpip__pool_fini(&pool);
    test_env_fail(&env, 1, true);
    assert_false(tcpip__pool_ready(&pool));
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_are_aligned_apart_and_keep_their_contents),
        cmocka_unit_test(test_many_refusals_dont_keep_from_what_came_free_since),
        cmocka_unit_test(test_the_cap_and_the_budget_answer_null),
        cmocka_unit_test(test_an_allocation_that_fails_is_a_get_that_fails),
        cmocka_unit_test(test_an_object_that_is_ready_is_had_though_memory_runs_out),
        cmocka_unit_test(test_at_the_limit_what_other_pools_hold_unused_is_found),
        cmocka_unit_test(test_looking_in_vain_becomes_rare),
        cmocka_unit_test(test_a_trim_leaves_what_is_out_alone),
        cmocka_unit_test(test_fini_with_an_object_out_is_fatal),
        cmocka_unit_test(test_debug_builds_notice_a_second_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
