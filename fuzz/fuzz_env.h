// SPDX-License-Identifier: MIT
/* fuzz_env.h: the world of a stack that is fuzzed: memory, a clock that the input moves, the same randomness each time;
 * and REQUIRE, by which a fuzzer says what must hold. */
#ifndef TCPIP_FUZZ_FUZZ_ENV_H
#define TCPIP_FUZZ_FUZZ_ENV_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpip/env.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond)                                                                \
    do {                                                                             \
        if (!(cond)) {                                                               \
            fprintf(stderr, "%s:%d: doesn't hold: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                                 \
        }                                                                            \
    } while (0)

/* The input in a block of its own size, whoever fuzzes: AddressSanitizer sees the first byte read beyond. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = calloc(1, size > 0 ? size : 1);
    REQUIRE(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

/* An input that is a sequence of steps: an operation byte, a parameter byte, a length byte and that many bytes, or as
 * many as there are. */
struct fuzz_step {
    uint8_t operation, parameter;
    const uint8_t *bytes;
    size_t size;
};

/* Takes the next step off the front; false: there is none. */
static inline bool fuzz_next_step(const uint8_t **data, size_t *size, struct fuzz_step *out)
{
    enum { HEAD = 3 };
    if (*size < HEAD)
        return false;
    size_t rest = *size - HEAD, bytes = (*data)[2] < rest ? (*data)[2] : rest;
    *out = (struct fuzz_step){(*data)[0], (*data)[1], *data + HEAD, bytes};
    *data += HEAD + bytes;
    *size = rest - bytes;
    return true;
}

struct fuzz_env {
    struct tcpip_env env; /* hand &env to the library; don't move the struct afterwards */
    tcpip_ns now;
    uint64_t random, used_bytes;
    uint32_t fail_every; /* 0: none; n: each n-th allocation fails */
    uint32_t allocations;
};

static inline void *fuzz_alloc(void *ctx, size_t size, size_t align)
{
    struct fuzz_env *env = ctx;
    if (env->fail_every != 0 && ++env->allocations % env->fail_every == 0)
        return NULL;
    env->used_bytes += size;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static inline void fuzz_free(void *ctx, void *ptr, size_t size)
{
    struct fuzz_env *env = ctx;
    env->used_bytes -= size;
    free(ptr);
}

static inline tcpip_ns fuzz_now(void *ctx)
{
    return ((struct fuzz_env *)ctx)->now;
}

static inline void fuzz_random(void *ctx, void *out, size_t size)
{
    struct fuzz_env *env = ctx;
    uint8_t *p = out;
    while (size-- > 0) {
        env->random = env->random * 6364136223846793005u + 1442695040888963407u;
        *p++ = (uint8_t)(env->random >> 56);
    }
}

static inline void fuzz_fatal(void *ctx, const char *file, int line, const char *what)
{
    (void)ctx;
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
    abort();
}

static inline void fuzz_env_init(struct fuzz_env *env)
{
    *env = (struct fuzz_env){
        .env = {.size = sizeof(struct tcpip_env),
                .ctx = env,
                .alloc = fuzz_alloc,
                .free = fuzz_free,
                .now = fuzz_now,
                .random = fuzz_random,
                .fatal = fuzz_fatal},
        .now = 1000000000,
        .random = 1,
    };
}

#endif
