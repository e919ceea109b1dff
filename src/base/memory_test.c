// SPDX-License-Identifier: MIT
/* memory_test.c: the account, its limit, and what ends a stack that broke it; the error texts beside it. */
#include "base/memory.h"

#include "base/assert.h"
#include "test_env.h"

#include <tcpip/error.h>

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static jmp_buf fatal_jump;
static int fatal_line;

static void on_fatal(struct test_env *env, const char *file, int line, const char *what)
{
    (void)env, (void)file, (void)what;
    fatal_line = line;
    longjmp(fatal_jump, 1);
}

static void test_used_peak_and_limit(void **state)
{
    (void)state;
    struct test_env env;
    struct memory memory;
    test_env_init(&env, 1);
    tcpip__memory_init(&memory, &env.env, 1000);
    uint8_t *a = tcpip__memory_alloc(&memory, 600, 64), *b = tcpip__memory_zalloc(&memory, 400, 1);
    assert_true(a != NULL && b != NULL && (uintptr_t)a % 64 == 0 && b[0] == 0 && b[399] == 0);
    assert_int_equal(memory.used_bytes, 1000);
    assert_null(tcpip__memory_alloc(&memory, 1, 1));
    assert_null(tcpip__memory_alloc(&memory, SIZE_MAX, 1));
    assert_int_equal(env.attempts, 2); /* the environment isn't even asked */
    tcpip__memory_free(&memory, a, 600);
    tcpip__memory_free(&memory, NULL, 5);
    a = tcpip__memory_alloc(&memory, 100, 8);
    assert_non_null(a);
    test_env_fail(&env, 1, false);
    assert_null(tcpip__memory_alloc(&memory, 1, 1));
    assert_int_equal(memory.refused, 3);
    assert_int_equal(memory.used_bytes, 500);
    assert_int_equal(memory.peak_bytes, 1000);
    tcpip__memory_free(&memory, a, 100);
    tcpip__memory_free(&memory, b, 400);
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

static void test_a_leak_is_fatal_and_says_where(void **state)
{
    (void)state;
    static struct test_env env;
    static struct memory memory;
    test_env_init(&env, 1);
    env.on_fatal = on_fatal;
    tcpip__memory_init(&memory, &env.env, 0);
    void *volatile ptr = tcpip__memory_alloc(&memory, 10, 8);
    if (setjmp(fatal_jump) == 0) {
        tcpip__memory_fini(&memory);
        fail_msg("a leak passed");
    }
    assert_true(fatal_line > 0);
    tcpip__memory_free(&memory, ptr, 10);
    tcpip__memory_fini(&memory);
    test_env_fini(&env);
}

static void test_every_error_has_its_own_text(void **state)
{
    (void)state;
    assert_string_equal(tcpip_error_text(TCPIP_OK), "success");
    assert_string_equal(tcpip_error_text(TCPIP_ERR_UNKNOWN_PROTOCOL), "unknown protocol");
    assert_string_equal(tcpip_error_text(TCPIP_ERR_WOULD_BLOCK), "operation would block");
    assert_string_equal(tcpip_error_text(TCPIP_ERR_LINK_DOWN), "link is down");
    assert_string_equal(tcpip_error_text(TCPIP_ERROR_COUNT), "unknown error");
    assert_string_equal(tcpip_error_text((enum tcpip_error) - 1), "unknown error");
    for (int i = 0; i < TCPIP_ERROR_COUNT; i++) {
        const char *text = tcpip_error_text((enum tcpip_error)i);
        assert_true(text[0] != '\0' && strchr(text, '\n') == NULL);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(text, tcpip_error_text((enum tcpip_error)j));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_used_peak_and_limit),
        cmocka_unit_test(test_a_leak_is_fatal_and_says_where),
        cmocka_unit_test(test_every_error_has_its_own_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
