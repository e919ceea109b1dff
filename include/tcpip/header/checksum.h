// SPDX-License-Identifier: MIT
/* checksum.h: the Internet checksum (RFC 1071, RFC 1624). Pure functions, any thread.
 *
 * A *sum* is a 16-bit ones'-complement sum of big-endian words, folded and not inverted, as a host-order number. A
 * *checksum* is what a header carries: the inverted sum. Sums add up (combine), checksums do not.
 *
 *   sending:   put 0 in the field; sum = pseudo-header + header + data; field = tcpip_checksum_finish(sum)
 *   receiving: the sum over everything, field included, is 0xffff (tcpip_checksum_ok)
 *
 * Over an all-zero range a sum is 0, over any other it is never 0 (0xffff stands for both zeroes). */
#ifndef TCPIP_HEADER_CHECKSUM_H
#define TCPIP_HEADER_CHECKSUM_H

#include <tcpip/header/bytes.h>

TCPIP_BEGIN_DECLS

/* One way to compute sums. Immutable; a stack picks one when it is made and hangs it off itself. */
struct tcpip_checksum_ops {
    const char *name; /* "portable", "avx2" */
    /* `initial` plus the sum of `size_bytes` at `p`. An odd last byte counts as the high byte of a word. */
    uint16_t (*sum)(const uint8_t *p, size_t size_bytes, uint16_t initial);
    /* The same sum, copying to `to` in the same pass. The ranges don't overlap. */
    uint16_t (*copy)(uint8_t *to, const uint8_t *from, size_t size_bytes, uint16_t initial);
};

/* 64-bit portable C. */
TCPIP_API const struct tcpip_checksum_ops *tcpip_checksum_ops_portable(void);
/* The fastest that this processor runs. Asks the processor each time: call it once and keep the answer. */
TCPIP_API const struct tcpip_checksum_ops *tcpip_checksum_ops_best(void);

/* `initial` plus the sum of the bytes: the portable way. */
TCPIP_API uint16_t tcpip_checksum(const uint8_t *p, size_t size_bytes, uint16_t initial);
/* memcpy and tcpip_checksum in one pass: the portable way. The ranges don't overlap. */
TCPIP_API uint16_t tcpip_checksum_copy(uint8_t *to, const uint8_t *from, size_t size_bytes, uint16_t initial);
/* The sum of the pseudo-header of RFC 9293 3.1, with 4-byte addresses. */
TCPIP_API uint16_t tcpip_checksum_pseudo_v4(const uint8_t *source, const uint8_t *destination, uint8_t protocol,
                                            uint16_t length);
/* The sum of the pseudo-header of RFC 8200 8.1, with 16-byte addresses. */
TCPIP_API uint16_t tcpip_checksum_pseudo_v6(const uint8_t *source, const uint8_t *destination, uint8_t protocol,
                                            uint32_t length);
/* The pseudo-header's sum for addresses of either length (ASSERTs that both have `address_bytes` 4 or 16). */
TCPIP_API uint16_t tcpip_checksum_pseudo(const uint8_t *source, const uint8_t *destination, size_t address_bytes,
                                         uint8_t protocol, uint32_t length);
/* `checksum` (the field of a header) after `size_bytes` (even) covered bytes changed from `before` to `after`; both lie
 * at an even offset (RFC 1624, equation 3: it never turns a non-zero sum into the wrong zero). */
TCPIP_API uint16_t tcpip_checksum_update(uint16_t checksum, const uint8_t *before, const uint8_t *after,
                                         size_t size_bytes);

/* 0..0x1fffe to 16 bits. */
static inline uint16_t tcpip_checksum_fold(uint32_t sum)
{
    sum = (sum & 0xffffu) + (sum >> 16);
    return (uint16_t)(sum + (sum >> 16));
}

/* The sum of two ranges; the second began at an even offset. */
static inline uint16_t tcpip_checksum_combine(uint16_t a, uint16_t b)
{
    return tcpip_checksum_fold((uint32_t)a + b);
}

/* The sum of `offset_bytes` bytes, `before`, and of what follows them, `part` (summed as if at an even offset): behind
 * an odd number of bytes each byte of `part` counts in the other half of its word. */
static inline uint16_t tcpip_checksum_combine_at(uint16_t before, uint16_t part, size_t offset_bytes)
{
    if (offset_bytes & 1)
        part = (uint16_t)((unsigned)part << 8 | part >> 8);
    return tcpip_checksum_combine(before, part);
}

/* What the header's field carries. */
static inline uint16_t tcpip_checksum_finish(uint16_t sum)
{
    return (uint16_t)~sum;
}

/* The same for UDP, where a field of 0 says "none": 0 becomes its other form, 0xffff (RFC 768). */
static inline uint16_t tcpip_checksum_finish_udp(uint16_t sum)
{
    return sum == 0xffff ? (uint16_t)0xffff : (uint16_t)~sum;
}

/* The same where a link finishes what it was left, and knows but how far behind the transport's header the field lies:
 * 6 is UDP's, and nobody else's. */
static inline uint16_t tcpip_checksum_finish_at(uint16_t sum, uint32_t field_offset)
{
    return field_offset == 6 ? tcpip_checksum_finish_udp(sum) : tcpip_checksum_finish(sum);
}

/* True if the sum over a range that includes its checksum says that it is intact. */
static inline bool tcpip_checksum_ok(uint16_t sum)
{
    return sum == 0xffff;
}

/* `checksum` after one covered 16-bit word changed (RFC 1624, equation 3). */
static inline uint16_t tcpip_checksum_update_u16(uint16_t checksum, uint16_t before, uint16_t after)
{
    return (uint16_t)~tcpip_checksum_fold((uint32_t)tcpip_checksum_combine((uint16_t)~checksum, (uint16_t)~before) +
                                          after);
}

/* `checksum` after one covered 32-bit word changed. */
static inline uint16_t tcpip_checksum_update_u32(uint16_t checksum, uint32_t before, uint32_t after)
{
    checksum = tcpip_checksum_update_u16(checksum, (uint16_t)(before >> 16), (uint16_t)(after >> 16));
    return tcpip_checksum_update_u16(checksum, (uint16_t)before, (uint16_t)after);
}

TCPIP_END_DECLS

#endif
