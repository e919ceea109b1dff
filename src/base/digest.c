// SPDX-License-Identifier: MIT
/* digest.c: MD5 (RFC 1321), SHA-1 (RFC 3174) and HMAC-SHA-1 (RFC 2104).
 *
 * Both hashes are one construction: blocks of 64 bytes stirred into a few words, the length in bits behind the last.
 * They differ in the stirring and in the order of bytes.
 *
 * Owns:        nothing.
 * Invariants:  the RFCs' vectors (digest_test.c); the same on either byte order.
 * Not here:    AES-CMAC (aes_cmac.c); which bytes of a segment are signed (transport/tcp/signature.c). */
#include "base/digest.h"

#include <stdbool.h>
#include <string.h>

static uint32_t rotate_left(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

/* ---- what both have in common ---- */

typedef void digest_compress(uint32_t *state, const uint8_t *block);

static void digest_update(struct digest *digest, const uint8_t *data, size_t size, digest_compress *compress)
{
    size_t waiting = (size_t)(digest->bytes % DIGEST_BLOCK);
    digest->bytes += size;
    while (size > 0) {
        size_t part = DIGEST_BLOCK - waiting < size ? DIGEST_BLOCK - waiting : size;
        memcpy(digest->block + waiting, data, part);
        data += part;
        size -= part;
        waiting += part;
        if (waiting == DIGEST_BLOCK) {
            compress(digest->state, digest->block);
            waiting = 0;
        }
    }
}

/* One bit, zeros, and the length in bits at the end of a block. */
static void digest_pad(struct digest *digest, bool big_endian, digest_compress *compress)
{
    static const uint8_t padding[DIGEST_BLOCK] = {0x80};
    uint8_t length[8];
    uint64_t bits = digest->bytes * 8;
    for (unsigned i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (big_endian ? 56 - 8 * i : 8 * i));
    size_t waiting = (size_t)(digest->bytes % DIGEST_BLOCK);
    digest_update(digest, padding, (waiting < 56 ? 56 : 120) - waiting, compress);
    digest_update(digest, length, 8, compress);
}

/* ---- MD5 ---- */

/* 2^32 times the sines of 1 to 64, whole parts (RFC 1321 3.4). */
static const uint32_t md5_sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static void md5_compress(uint32_t *state, const uint8_t *block)
{
    static const uint8_t shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (unsigned i = 0; i < 64; i++) {
        unsigned round = i / 16, at;
        uint32_t f;
        switch (round) {
        case 0:
            f = (b & c) | (~b & d);
            at = i;
            break;
        case 1:
            f = (b & d) | (c & ~d);
            at = (5 * i + 1) % 16;
            break;
        case 2:
            f = b ^ c ^ d;
            at = (3 * i + 5) % 16;
            break;
        default:
            f = c ^ (b | ~d);
            at = 7 * i % 16;
            break;
        }
        const uint8_t *word = block + 4 * (size_t)at;
        uint32_t x = (uint32_t)word[0] | (uint32_t)word[1] << 8 | (uint32_t)word[2] << 16 | (uint32_t)word[3] << 24;
        uint32_t next = b + rotate_left(a + f + x + md5_sines[i], shifts[round][i % 4]);
        a = d;
        d = c;
        c = b;
        b = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

static const uint32_t digest_start[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

void tcpip__md5_init(struct digest *md5)
{
    memset(md5, 0, sizeof(*md5));
    memcpy(md5->state, digest_start, 4 * sizeof(digest_start[0]));
}

void tcpip__md5_update(struct digest *md5, const void *data, size_t size)
{
    digest_update(md5, data, size, md5_compress);
}

void tcpip__md5_final(struct digest *md5, uint8_t out[MD5_BYTES])
{
    digest_pad(md5, false, md5_compress);
    for (unsigned i = 0; i < MD5_BYTES; i++)
        out[i] = (uint8_t)(md5->state[i / 4] >> (8 * (i % 4)));
}

/* ---- SHA-1 ---- */

static void sha1_compress(uint32_t *state, const uint8_t *block)
{
    uint32_t w[80];
    for (unsigned i = 0; i < 16; i++) {
        const uint8_t *word = block + 4 * (size_t)i;
        w[i] = (uint32_t)word[0] << 24 | (uint32_t)word[1] << 16 | (uint32_t)word[2] << 8 | (uint32_t)word[3];
    }
    for (unsigned i = 16; i < 80; i++)
        w[i] = rotate_left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned i = 0; i < 80; i++) {
        uint32_t f = i < 20 ? ((b & c) | (~b & d)) : i < 40 || i >= 60 ? (b ^ c ^ d) : ((b & c) | (b & d) | (c & d));
        uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
        uint32_t next = rotate_left(a, 5) + f + e + w[i] + k;
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void tcpip__sha1_init(struct digest *sha1)
{
    memset(sha1, 0, sizeof(*sha1));
    memcpy(sha1->state, digest_start, sizeof(digest_start));
}

void tcpip__sha1_update(struct digest *sha1, const void *data, size_t size)
{
    digest_update(sha1, data, size, sha1_compress);
}

void tcpip__sha1_final(struct digest *sha1, uint8_t out[SHA1_BYTES])
{
    digest_pad(sha1, true, sha1_compress);
    for (unsigned i = 0; i < SHA1_BYTES; i++)
        out[i] = (uint8_t)(sha1->state[i / 4] >> (24 - 8 * (i % 4)));
}

/* ---- HMAC ---- */

void tcpip__hmac_sha1_init(struct hmac_sha1 *hmac, const void *key, size_t size)
{
    uint8_t block[DIGEST_BLOCK] = {0}, inner[DIGEST_BLOCK], outer[DIGEST_BLOCK];
    if (size > DIGEST_BLOCK) {
        tcpip__sha1_init(&hmac->inner);
        tcpip__sha1_update(&hmac->inner, key, size);
        tcpip__sha1_final(&hmac->inner, block);
    } else if (size > 0) {
        memcpy(block, key, size);
    }
    for (unsigned i = 0; i < DIGEST_BLOCK; i++) {
        inner[i] = block[i] ^ 0x36;
        outer[i] = block[i] ^ 0x5c;
    }
    tcpip__sha1_init(&hmac->inner);
    tcpip__sha1_update(&hmac->inner, inner, sizeof(inner));
    tcpip__sha1_init(&hmac->outer);
    tcpip__sha1_update(&hmac->outer, outer, sizeof(outer));
}

void tcpip__hmac_sha1_update(struct hmac_sha1 *hmac, const void *data, size_t size)
{
    tcpip__sha1_update(&hmac->inner, data, size);
}

void tcpip__hmac_sha1_final(struct hmac_sha1 *hmac, uint8_t out[SHA1_BYTES])
{
    tcpip__sha1_final(&hmac->inner, out);
    tcpip__sha1_update(&hmac->outer, out, SHA1_BYTES);
    tcpip__sha1_final(&hmac->outer, out);
}

/* ---- comparing ---- */

int tcpip__digest_differs(const uint8_t *a, const uint8_t *b, size_t size)
{
    uint8_t difference = 0;
    for (size_t i = 0; i < size; i++)
        difference |= (uint8_t)(a[i] ^ b[i]);
    return difference != 0;
}
