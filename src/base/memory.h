// SPDX-License-Identifier: MIT
/* memory.h: the one way to env.alloc: counts what a stack holds against limits.memory_bytes. */
#ifndef TCPIP_SRC_BASE_MEMORY_H
#define TCPIP_SRC_BASE_MEMORY_H

#include "base/compiler.h"

#include <tcpip/env.h>

struct pool;

struct memory {
    const struct tcpip_env *env;
    uint64_t limit_bytes; /* 0: none */
    uint64_t used_bytes;  /* asked for and not given back */
    uint64_t peak_bytes;
    uint64_t refused;                           /* calls answered with NULL, whether by the limit or by env */
    struct pool *pools;                         /* those that may hold what they don't use, in no order; pool.c */
    uint64_t (*reclaim)(struct memory *memory); /* has them give back most of it; returns the bytes; NULL: no pools */
    uint64_t (*spare)(const struct memory *memory); /* what they hold unused, in bytes; set with reclaim */
    uint64_t taken_bytes;                           /* used, and not spare: the most at a refusal since that was done */
    uint32_t barren, patience; /* refusals since that was done, and how many are let pass before it is done again */
};

void tcpip__memory_init(struct memory *memory, const struct tcpip_env *env, uint64_t limit_bytes);
/* Asserts (env.fatal) that all has been given back. */
void tcpip__memory_fini(struct memory *memory);

/* `size` bytes (not 0) aligned to `align` (a power of two, at most 64), not zeroed; NULL at the limit or when env has
 * none. */
must_use void *tcpip__memory_alloc(struct memory *memory, size_t size, size_t align);
/* As tcpip__memory_alloc, zeroed. */
must_use void *tcpip__memory_zalloc(struct memory *memory, size_t size, size_t align);
/* `size` is what was asked for. NULL is let pass. */
void tcpip__memory_free(struct memory *memory, void *ptr, size_t size);

#endif
