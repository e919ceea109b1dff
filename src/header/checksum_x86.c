// SPDX-License-Identifier: MIT
/* checksum_x86.c: the Internet checksum with AVX2: 32 bytes a step.
 *
 * Each 64-bit lane of a vector is split into its 32-bit halves, which are added to 64-bit lanes: no carry can be lost
 * and nothing is corrected at the end. Only these functions are compiled for AVX2 (target attribute), so that the
 * library runs on every x86-64; tcpip__checksum_ops_x86 says whether this one has it.
 *
 * Not here: the portable way and the choice (checksum.c). */
#include "header/checksum_ops.h"
#include "header/checksum_word.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define CHECKSUM_AVX2 __attribute__((target("avx2")))

/* Below this a vector's set-up costs more than it saves. */
enum { CHECKSUM_AVX2_MIN_BYTES = 128 };

CHECKSUM_AVX2 static inline __m256i checksum_avx2_add(__m256i sum, __m256i bytes)
{
    __m256i low = _mm256_and_si256(bytes, _mm256_set1_epi64x(0xffffffff));
    return _mm256_add_epi64(_mm256_add_epi64(sum, low), _mm256_srli_epi64(bytes, 32));
}

CHECKSUM_AVX2 static inline __m256i checksum_avx2_load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* The four lanes' sum, 16 bits in the pseudo-header's order. */
CHECKSUM_AVX2 static inline uint16_t checksum_avx2_fold(__m256i a, __m256i b)
{
    __m256i sum = _mm256_add_epi64(a, b);
    __m128i half = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    uint64_t lanes = (uint64_t)_mm_extract_epi64(half, 0) + (uint64_t)_mm_extract_epi64(half, 1);
    return checksum_word_swap(checksum_word_fold(lanes));
}

CHECKSUM_AVX2 static uint16_t checksum_avx2_sum(const uint8_t *p, size_t size_bytes, uint16_t initial)
{
    if (size_bytes < CHECKSUM_AVX2_MIN_BYTES)
        return tcpip_checksum(p, size_bytes, initial);
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    for (; size_bytes >= 128; p += 128, size_bytes -= 128) {
        a = checksum_avx2_add(a, checksum_avx2_load(p));
        b = checksum_avx2_add(b, checksum_avx2_load(p + 32));
        c = checksum_avx2_add(c, checksum_avx2_load(p + 64));
        d = checksum_avx2_add(d, checksum_avx2_load(p + 96));
    }
    for (; size_bytes >= 32; p += 32, size_bytes -= 32)
        a = checksum_avx2_add(a, checksum_avx2_load(p));
    uint16_t sum = checksum_avx2_fold(_mm256_add_epi64(a, c), _mm256_add_epi64(b, d));
    return tcpip_checksum(p, size_bytes, tcpip_checksum_combine(sum, initial));
}

CHECKSUM_AVX2 static uint16_t checksum_avx2_copy(uint8_t *to, const uint8_t *from, size_t size_bytes, uint16_t initial)
{
    if (size_bytes < CHECKSUM_AVX2_MIN_BYTES)
        return tcpip_checksum_copy(to, from, size_bytes, initial);
    __m256i a = _mm256_setzero_si256(), b = a;
    for (; size_bytes >= 64; to += 64, from += 64, size_bytes -= 64) {
        __m256i first = checksum_avx2_load(from), second = checksum_avx2_load(from + 32);
        _mm256_storeu_si256((__m256i *)(void *)to, first);
        _mm256_storeu_si256((__m256i *)(void *)(to + 32), second);
        a = checksum_avx2_add(a, first);
        b = checksum_avx2_add(b, second);
    }
    return tcpip_checksum_copy(to, from, size_bytes, tcpip_checksum_combine(checksum_avx2_fold(a, b), initial));
}

static const struct tcpip_checksum_ops checksum_avx2 = {
    .name = "avx2",
    .sum = checksum_avx2_sum,
    .copy = checksum_avx2_copy,
};

const struct tcpip_checksum_ops *tcpip__checksum_ops_x86(void)
{
    return __builtin_cpu_supports("avx2") ? &checksum_avx2 : NULL;
}

#else

const struct tcpip_checksum_ops *tcpip__checksum_ops_x86(void)
{
    return NULL;
}

#endif
