// SPDX-License-Identifier: MIT
/* header_test.h: what the tests of headers share: seeded randomness, and bytes in blocks of exactly their size, so that
 * AddressSanitizer sees the first byte read beyond them. */
#ifndef TCPIP_TESTS_LIB_HEADER_TEST_H
#define TCPIP_TESTS_LIB_HEADER_TEST_H

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tcpip/base.h>

/* xorshift64*: 32 good bits a call. */
static inline uint32_t random_u32(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return (uint32_t)(*seed * 0x2545f4914f6cdd1du >> 32);
}

static inline uint16_t random_u16(uint64_t *seed)
{
    return (uint16_t)random_u32(seed);
}

static inline uint8_t random_u8(uint64_t *seed)
{
    return (uint8_t)random_u32(seed);
}

/* Below `limit`. */
static inline size_t random_below(uint64_t *seed, size_t limit)
{
    return random_u32(seed) % limit;
}

static inline void random_fill(uint64_t *seed, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = random_u8(seed);
}

/* A block of exactly `size` bytes, to be freed. */
static inline uint8_t *exact_copy(const uint8_t *bytes, size_t size)
{
    uint8_t *block = malloc(size > 0 ? size : 1);
    assert_non_null(block);
    if (size > 0)
        memcpy(block, bytes, size);
    return block;
}

#endif
