// SPDX-License-Identifier: MIT
/* test_env.c: an environment that tests own.
 *
 * Every block of memory has a header with its size and a mark, so that a free of the wrong size, or of what was never
 * given, aborts at the call; and it is filled with a pattern, so that nobody relies on zeroes.
 *
 * Owns:        what env.alloc gave.
 * Invariants:  test_env_fini passes only if all of it came back.
 * Not here:    links, peers, packets.
 */
#include "test_env.h"

#include "failing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 64 }; /* also the greatest alignment that env promises */
static const uint64_t BLOCK_MARK = 0x7465737420656e76u;

struct block {
    uint64_t mark;
    size_t size;
};

/* ---- which allocation fails, whosoever it is ---- */

struct failing failing;

bool failing_next(void)
{
    failing.seen++;
    if (failing.at == 0 || failing.seen < failing.at || failing.seen > failing.last)
        return false;
    failing.failed++;
    return true;
}

bool tcpip__pool_refuse(const struct memory *memory)
{
    (void)memory;
    return failing.objects && failing_next();
}

/* ---- memory ---- */

static void test_env_die(const char *what, uint64_t a, uint64_t b)
{
    fflush(stdout);
    fprintf(stderr, "test_env: %s (%" PRIu64 ", %" PRIu64 ")\n", what, a, b);
    abort();
}

static void *test_env_alloc(void *ctx, size_t size, size_t align)
{
    struct test_env *t = ctx;
    if (size == 0 || align == 0 || align > HEADER_BYTES || (align & (align - 1)) != 0)
        test_env_die("alloc of a bad size or alignment", size, align);
    t->attempts++;
    if (t->fail_at != 0 && (t->attempts == t->fail_at || (t->fail_after && t->attempts > t->fail_at))) {
        t->failed++;
        return NULL;
    }
    if (failing_next())
        return NULL;
    uint8_t *base = aligned_alloc(HEADER_BYTES, (HEADER_BYTES + size + HEADER_BYTES - 1) / HEADER_BYTES * HEADER_BYTES);
    if (base == NULL)
        test_env_die("the test itself is out of memory", size, align);
    *(struct block *)(void *)base = (struct block){BLOCK_MARK, size};
    memset(base + HEADER_BYTES, 0xd5, size);
    t->allocs++;
    t->alloc_bytes += size;
    if (test_env_used(t) > t->peak_bytes)
        t->peak_bytes = test_env_used(t);
    return base + HEADER_BYTES;
}

static void test_env_free(void *ctx, void *ptr, size_t size)
{
    struct test_env *t = ctx;
    if (ptr == NULL)
        test_env_die("free of NULL", size, 0);
    struct block *block = (struct block *)(void *)((uint8_t *)ptr - HEADER_BYTES);
    if (block->mark != BLOCK_MARK)
        test_env_die("free of what was never given, or twice", size, 0);
    if (block->size != size)
        test_env_die("free with another size than alloc", size, block->size);
    block->mark = 0;
    t->frees++;
    t->free_bytes += size;
    free(block);
}

static tcpip_ns test_env_now(void *ctx)
{
    struct test_env *t = ctx;
    t->now_calls++;
    return t->now;
}

static tcpip_ns test_env_wall_offset(void *ctx)
{
    return ((struct test_env *)ctx)->wall_offset;
}

static void test_env_random_bytes(void *ctx, void *out, size_t size)
{
    struct test_env *t = ctx;
    uint8_t *bytes = out;
    t->random_calls++;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = test_env_random(t);
        memcpy(bytes + i, &word, size - i < 8 ? size - i : 8);
    }
}

static void test_env_fatal(void *ctx, const char *file, int line, const char *what)
{
    struct test_env *t = ctx;
    if (t->on_fatal != NULL)
        t->on_fatal(t, file, line, what);
    fflush(stdout);
    fprintf(stderr, "%s:%d: fatal: %s\n", file, line, what);
    abort();
}

void test_env_init(struct test_env *test_env, uint64_t seed)
{
    *test_env = (struct test_env){
        .env =
            {
                .size = sizeof(struct tcpip_env),
                .ctx = test_env,
                .alloc = test_env_alloc,
                .free = test_env_free,
                .now = test_env_now,
                .wall_offset = test_env_wall_offset,
                .random = test_env_random_bytes,
                .fatal = test_env_fatal,
            },
        .now = TCPIP_SECOND,
        .random_state = seed,
    };
}

void test_env_fini(struct test_env *test_env)
{
    if (test_env->alloc_bytes != test_env->free_bytes)
        test_env_die("leak: bytes given, bytes taken back", test_env->alloc_bytes, test_env->free_bytes);
    if (test_env->allocs != test_env->frees)
        test_env_die("leak: allocations, frees", test_env->allocs, test_env->frees);
}

void test_env_fail(struct test_env *test_env, uint64_t k, bool after)
{
    test_env->fail_at = k == 0 ? 0 : test_env->attempts + k;
    test_env->fail_after = after;
}

uint64_t test_env_used(const struct test_env *test_env)
{
    return test_env->alloc_bytes - test_env->free_bytes;
}

uint64_t test_env_random(struct test_env *test_env)
{
    uint64_t z = (test_env->random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
