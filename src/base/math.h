// SPDX-License-Identifier: MIT
/* math.h: integer arithmetic that says what happens at the ends: it saturates, it asserts, or it answers false. */
#ifndef TCPIP_SRC_BASE_MATH_H
#define TCPIP_SRC_BASE_MATH_H

#include "base/assert.h"
#include "base/compiler.h"

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline uint32_t clamp_u32(uint32_t x, uint32_t low, uint32_t high)
{
    return x < low ? low : x > high ? high : x;
}

static inline uint64_t clamp_u64(uint64_t x, uint64_t low, uint64_t high)
{
    return x < low ? low : x > high ? high : x;
}

static inline int64_t clamp_i64(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* Saturating: at the ends of the type they stay there. */
static inline uint32_t sat_add_u32(uint32_t a, uint32_t b)
{
    uint32_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT32_MAX : sum;
}

static inline uint32_t sat_sub_u32(uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0;
}

static inline uint32_t sat_u32(uint64_t x)
{
    return x > UINT32_MAX ? UINT32_MAX : (uint32_t)x;
}

static inline uint64_t sat_add_u64(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t sat_sub_u64(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static inline uint64_t sat_mul_u64(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* at + by, for instants and durations: TCPIP_NEVER stays so, and what would lie after it is it. */
static inline tcpip_ns ns_add(tcpip_ns at, tcpip_ns by)
{
    tcpip_ns sum;
    if (at == TCPIP_NEVER || by == TCPIP_NEVER)
        return TCPIP_NEVER;
    if (__builtin_add_overflow(at, by, &sum))
        return by > 0 ? TCPIP_NEVER : INT64_MIN;
    return sum;
}

/* False if it doesn't fit; then *out is undefined. */
must_use static inline bool add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

must_use static inline bool mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* floor(log2(x)); x is not 0. */
static inline uint32_t log2_u32(uint32_t x)
{
    ASSERT(x != 0);
    return 31u - (uint32_t)__builtin_clz(x);
}

static inline uint32_t log2_u64(uint64_t x)
{
    ASSERT(x != 0);
    return 63u - (uint32_t)__builtin_clzll(x);
}

static inline bool is_power_of_two(uint64_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

/* The least power of two that isn't below x; x is at most 2^63. */
static inline uint64_t round_up_power_of_two(uint64_t x)
{
    ASSERT(x <= (uint64_t)1 << 63);
    return x <= 1 ? 1 : (uint64_t)1 << (log2_u64(x - 1) + 1);
}

/* The least multiple of `align` (a power of two) that isn't below x. */
static inline size_t align_up(size_t x, size_t align)
{
    return (x + (align - 1)) & ~(align - 1);
}

static inline uint64_t div_round_up(uint64_t a, uint64_t b)
{
    ASSERT(b != 0);
    return a / b + (a % b != 0);
}

/* a * b / c with the whole product in between, rounded down; UINT64_MAX if it doesn't fit. c is not 0. */
uint64_t tcpip__muldiv_u64(uint64_t a, uint64_t b, uint64_t c);
/* floor(cube root of x). */
uint64_t tcpip__cube_root_u64(uint64_t x);
/* floor(square root of x). */
uint64_t tcpip__square_root_u64(uint64_t x);

#endif
