// SPDX-License-Identifier: MIT
/* siphash_test.c: the vectors of the paper and of its reference implementation. */
#include "base/siphash.h"

#include "base/compiler.h"
#include "test_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Key 00 01 .. 0f, input 00 01 .. of the length that is the index. */
static const struct {
    size_t size;
    uint64_t hash;
} vectors[] = {
    {0, 0x726fdb47dd0e0e31u}, {1, 0x74f839c593dc67fdu},  {2, 0x0d6c8009d9a94f5au},  {3, 0x85676696d7fb7e2du},
    {4, 0xcf2794e0277187b7u}, {5, 0x18765564cd99a68du},  {6, 0xcbc9466e58fee3ceu},  {7, 0xab0200f58b01d137u},
    {8, 0x93f5f5799a932462u}, {15, 0xa129ca6149be45e5u}, {16, 0x3f2acc7f57c29bdbu}, {63, 0x958a324ceb064572u},
};

static void test_the_vectors_of_the_paper_hold(void **state)
{
    (void)state;
    uint8_t bytes[64];
    for (uint8_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = i;
    struct siphash_key key = tcpip__siphash_key_bytes(bytes);
    for (size_t i = 0; i < array_count(vectors); i++)
        assert_int_equal(tcpip__siphash(&key, bytes, vectors[i].size), vectors[i].hash);
}

static void test_a_key_comes_from_the_environment(void **state)
{
    (void)state;
    struct test_env env;
    test_env_init(&env, 1);
    struct siphash_key a = tcpip__siphash_key_random(&env.env), b = tcpip__siphash_key_random(&env.env);
    assert_int_equal(env.random_calls, 2);
    assert_int_not_equal(tcpip__siphash(&a, "x", 1), tcpip__siphash(&b, "x", 1));
    test_env_fini(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_vectors_of_the_paper_hold),
        cmocka_unit_test(test_a_key_comes_from_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
