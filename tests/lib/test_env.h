// SPDX-License-Identifier: MIT
/* test_env.h: the world as tests want it: memory that is counted and can run out, a clock that stands still until
 * moved, randomness from a seed, and a fatal that says where and aborts. */
#ifndef TCPIP_TESTS_LIB_TEST_ENV_H
#define TCPIP_TESTS_LIB_TEST_ENV_H

#include <tcpip/env.h>

struct test_env {
    struct tcpip_env env; /* hand &env to the library; don't move the struct afterwards */
    tcpip_ns now;         /* what env.now says: move it forward as you like */
    tcpip_ns wall_offset;
    uint64_t random_state;
    uint64_t now_calls;    /* how often the clock was read */
    uint64_t random_calls; /* how often randomness was drawn */

    uint64_t allocs, frees; /* successful allocations and their ends */
    uint64_t alloc_bytes;   /* ever given */
    uint64_t free_bytes;    /* ever taken back */
    uint64_t peak_bytes;    /* the most that was out at once */
    uint64_t attempts;      /* allocations asked for, failed ones included */
    uint64_t fail_at;       /* this one (counted by attempts) fails; 0: none */
    bool fail_after;        /* with fail_at: all later ones fail too */
    uint64_t failed;        /* attempts that were made to fail */

    /* What env.fatal does instead of aborting, for tests of assertions: must not return (longjmp). NULL: abort. */
    void (*on_fatal)(struct test_env *test_env, const char *file, int line, const char *what);
    void *user; /* the test's own */
};

/* now: 1 s, so that no instant of a test is 0; random: from `seed`. */
void test_env_init(struct test_env *test_env, uint64_t seed);
/* Aborts, with the numbers, unless all that was given came back. */
void test_env_fini(struct test_env *test_env);
/* The k-th allocation from now on (1: the next) fails, and with `after` all that follow; 0: none fails any more. */
void test_env_fail(struct test_env *test_env, uint64_t k, bool after);
/* Bytes out now. */
uint64_t test_env_used(const struct test_env *test_env);
/* 64 seeded bits, from the stream that env.random draws from. */
uint64_t test_env_random(struct test_env *test_env);

#endif
