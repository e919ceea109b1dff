// SPDX-License-Identifier: MIT
/* checksum_word.h: the parts that all ways of summing share.
 *
 * Ones'-complement sums don't mind the byte order (RFC 1071 2(B)): words are summed as the machine loads them, and the
 * result is swapped once. 32-bit halves go into 64-bit accumulators, which can't overflow below 2^32 of them (16 GiB).
 */
#ifndef TCPIP_SRC_HEADER_CHECKSUM_WORD_H
#define TCPIP_SRC_HEADER_CHECKSUM_WORD_H

#include <string.h>

#include <tcpip/header/checksum.h>

/* A sum of native-order words to 16 bits, in native order. */
static inline uint16_t checksum_word_fold(uint64_t sum)
{
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffu) + (sum >> 16);
    sum = (sum & 0xffffu) + (sum >> 16);
    return (uint16_t)((sum & 0xffffu) + (sum >> 16));
}

/* Native to host-order-of-big-endian, and back. */
static inline uint16_t checksum_word_swap(uint16_t sum)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (uint16_t)((unsigned)sum << 8 | sum >> 8);
#else
    return sum;
#endif
}

static inline uint16_t checksum_word_finish(uint64_t sum, uint16_t initial)
{
    return tcpip_checksum_combine(checksum_word_swap(checksum_word_fold(sum)), initial);
}

/* tcpip_checksum_pseudo_v4, for who sums one for each packet. */
static inline uint16_t checksum_word_pseudo_v4(const uint8_t *source, const uint8_t *destination, uint8_t protocol,
                                               uint16_t length)
{
    uint64_t sum = (uint64_t)tcpip_load_u32(source) + tcpip_load_u32(destination) + protocol + length;
    return checksum_word_fold(sum); /* loaded big-endian: nothing to swap */
}

/* The sum of up to 7 last bytes, zero-padded to words. In steps of 4, 2 and 1: a memcpy of a variable size would be a
 * call, three times as dear as all the rest of a 20-byte header. */
static inline uint64_t checksum_word_tail(const uint8_t *p, size_t size_bytes)
{
    uint64_t sum = 0;
    if (size_bytes & 4) {
        uint32_t word;
        memcpy(&word, p, 4);
        sum += word;
        p += 4;
    }
    if (size_bytes & 2) {
        uint16_t word;
        memcpy(&word, p, 2);
        sum += word;
        p += 2;
    }
    if (size_bytes & 1) {
        uint16_t word = 0;
        memcpy(&word, p, 1);
        sum += word;
    }
    return sum;
}

#endif
