// SPDX-License-Identifier: MIT
/* checksum.c: the Internet checksum in portable C, and the choice of the fastest way.
 *
 * Eight bytes at a time, into four accumulators so that the additions don't wait for each other; compilers turn the
 * inner loop into vector code where the machine has it. The faster ways live in their own files and are chosen through
 * a table, never through a global: whoever wants one asks tcpip_checksum_ops_best once and keeps the pointer.
 *
 * Invariants: every way gives the same 16 bits for the same bytes, at any alignment, of any size, odd ones included.
 * Not here:   checksum_x86.c (AVX2). */
#include <tcpip/header/checksum.h>

#include "base/assert.h"
#include "header/checksum_ops.h"
#include "header/checksum_word.h"

enum { CHECKSUM_BLOCK_BYTES = 32 };

static inline uint64_t checksum_load(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

static inline uint64_t checksum_halves(uint64_t word)
{
    return (word & 0xffffffffu) + (word >> 32);
}

uint16_t tcpip_checksum(const uint8_t *p, size_t size_bytes, uint16_t initial)
{
    uint64_t a = 0, b = 0, c = 0, d = 0;
    for (; size_bytes >= CHECKSUM_BLOCK_BYTES; p += CHECKSUM_BLOCK_BYTES, size_bytes -= CHECKSUM_BLOCK_BYTES) {
        a += checksum_halves(checksum_load(p));
        b += checksum_halves(checksum_load(p + 8));
        c += checksum_halves(checksum_load(p + 16));
        d += checksum_halves(checksum_load(p + 24));
    }
    for (; size_bytes >= 8; p += 8, size_bytes -= 8)
        a += checksum_halves(checksum_load(p));
    return checksum_word_finish(a + b + c + d + checksum_word_tail(p, size_bytes), initial);
}

uint16_t tcpip_checksum_copy(uint8_t *to, const uint8_t *from, size_t size_bytes, uint16_t initial)
{
    uint64_t a = 0, b = 0;
    for (; size_bytes >= 16; to += 16, from += 16, size_bytes -= 16) {
        uint64_t first = checksum_load(from), second = checksum_load(from + 8);
        memcpy(to, &first, 8);
        memcpy(to + 8, &second, 8);
        a += checksum_halves(first);
        b += checksum_halves(second);
    }
    if (size_bytes >= 8) {
        uint64_t word = checksum_load(from);
        memcpy(to, &word, 8);
        a += checksum_halves(word);
        to += 8, from += 8, size_bytes -= 8;
    }
    for (size_t i = 0; i < size_bytes; i++)
        to[i] = from[i];
    return checksum_word_finish(a + b + checksum_word_tail(from, size_bytes), initial);
}

uint16_t tcpip_checksum_pseudo_v4(const uint8_t *source, const uint8_t *destination, uint8_t protocol, uint16_t length)
{
    return checksum_word_pseudo_v4(source, destination, protocol, length);
}

uint16_t tcpip_checksum_pseudo_v6(const uint8_t *source, const uint8_t *destination, uint8_t protocol, uint32_t length)
{
    uint64_t sum = (uint64_t)protocol + length;
    for (size_t i = 0; i < 16; i += 4)
        sum += (uint64_t)tcpip_load_u32(source + i) + tcpip_load_u32(destination + i);
    return checksum_word_fold(sum);
}

uint16_t tcpip_checksum_pseudo(const uint8_t *source, const uint8_t *destination, size_t address_bytes,
                               uint8_t protocol, uint32_t length)
{
    ASSERT(address_bytes == 16 || (address_bytes == 4 && length <= UINT16_MAX));
    if (address_bytes == 4)
        return tcpip_checksum_pseudo_v4(source, destination, protocol, (uint16_t)length);
    return tcpip_checksum_pseudo_v6(source, destination, protocol, length);
}

uint16_t tcpip_checksum_update(uint16_t checksum, const uint8_t *before, const uint8_t *after, size_t size_bytes)
{
    ASSERT(size_bytes % 2 == 0);
    /* ~HC + ~m + m': with a negated sum of many words instead of one negated word; the identity is the same. But over
     * an all-zero `before` the negated sum is 0xffff (a zero), as for the one word of equation 3. */
    uint16_t old = (uint16_t)~tcpip_checksum(before, size_bytes, 0);
    uint16_t sum = tcpip_checksum_combine((uint16_t)~checksum, old);
    return (uint16_t)~tcpip_checksum(after, size_bytes, sum);
}

static const struct tcpip_checksum_ops checksum_portable = {
    .name = "portable",
    .sum = tcpip_checksum,
    .copy = tcpip_checksum_copy,
};

const struct tcpip_checksum_ops *tcpip_checksum_ops_portable(void)
{
    return &checksum_portable;
}

const struct tcpip_checksum_ops *tcpip_checksum_ops_best(void)
{
    const struct tcpip_checksum_ops *ops = tcpip__checksum_ops_x86();
    return ops ? ops : &checksum_portable;
}
