// SPDX-License-Identifier: MIT
/* compiler.h: the only place that knows which compiler and which sanitizer this is. */
#ifndef TCPIP_SRC_BASE_COMPILER_H
#define TCPIP_SRC_BASE_COMPILER_H

#include <tcpip/base.h>

#define likely(cond) __builtin_expect(!!(cond), 1)
#define unlikely(cond) __builtin_expect(!!(cond), 0)
#define must_use __attribute__((warn_unused_result))
/* For what each packet passes and two places call: compilers inline large functions only into a single caller. */
#define always_inline inline __attribute__((always_inline))
#define fallthrough __attribute__((fallthrough))
#define prefetch(ptr) __builtin_prefetch(ptr)
#define container_of(ptr, type, member) TCPIP_CONTAINER_OF(ptr, type, member)
#define array_count(array) (sizeof(array) / sizeof((array)[0]))
#define STATIC_ASSERT(cond) _Static_assert(cond, #cond)

/* Debug builds check and poison more; an `if` on this keeps both kinds of build compiling the same code. */
#ifdef TCPIP_DEBUG
enum { DEBUG_BUILD = 1 };
#else
enum { DEBUG_BUILD = 0 };
#endif

/* memory_poison: until memory_unpoison, AddressSanitizer reports every access. Nothing in other builds. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(HAS_ASAN)
#define HAS_ASAN 1
#endif
#ifndef HAS_ASAN
#define HAS_ASAN 0
#endif
#if HAS_ASAN
void __asan_poison_memory_region(void const volatile *addr, size_t size);
void __asan_unpoison_memory_region(void const volatile *addr, size_t size);
#define memory_poison(addr, size) __asan_poison_memory_region(addr, size)
#define memory_unpoison(addr, size) __asan_unpoison_memory_region(addr, size)
#else
#define memory_poison(addr, size) ((void)(addr), (void)(size))
#define memory_unpoison(addr, size) ((void)(addr), (void)(size))
#endif

/* A 128-bit product in two halves, for machines with and without such a type. */
struct u128 {
    uint64_t high, low;
};

static inline struct u128 mul_u64(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ unsigned __int128 product = a;
    product *= b;
    return (struct u128){(uint64_t)(product >> 64), (uint64_t)product};
#else
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t mid = a1 * b0 + ((a0 * b0) >> 32); /* at most (2^32-1)^2 + 2^32-1: fits */
    uint64_t mid2 = a0 * b1 + (uint32_t)mid;
    return (struct u128){a1 * b1 + (mid >> 32) + (mid2 >> 32), (mid2 << 32) | (uint32_t)(a0 * b0)};
#endif
}

#endif
