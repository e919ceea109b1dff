// SPDX-License-Identifier: MIT
/* aes_cmac.c: AES-128-CMAC (RFC 4493), with AES (FIPS 197) as small as it gets.
 *
 * The substitution is computed, not looked up: inverses in GF(2^8) by multiplying, then the affine map. A table would
 * be faster and its cache lines would tell an observer on the same machine about the key; a signed connection carries
 * routing updates, not bulk.
 *
 * Owns:        nothing.
 * Invariants:  the vectors of FIPS 197 and RFC 4493 (digest_test.c). */
#include "base/digest.h"

#include <string.h>

/* Times x in GF(2^8), modulo x^8 + x^4 + x^3 + x + 1. */
static uint8_t gf_double(uint8_t a)
{
    return (uint8_t)(a << 1 ^ (0x1b & -(a >> 7)));
}

static uint8_t gf_multiply(uint8_t a, uint8_t b)
{
    uint8_t product = 0;
    for (unsigned i = 0; i < 8; i++) {
        product ^= (uint8_t)(a & -(b & 1));
        a = gf_double(a);
        b >>= 1;
    }
    return product;
}

/* The inverse is the 254th power; then a rotated sum of its bits. */
static uint8_t aes_substitute(uint8_t a)
{
    uint8_t power = a, inverse = 1;
    for (unsigned i = 0; i < 7; i++) { /* 254 = 2 + 4 + ... + 128 */
        power = gf_multiply(power, power);
        inverse = gf_multiply(inverse, power);
    }
    uint8_t sum = inverse;
    for (unsigned i = 1; i < 5; i++)
        sum ^= (uint8_t)(inverse << i | inverse >> (8 - i));
    return sum ^ 0x63;
}

static void aes_expand(const uint8_t key[AES_BLOCK], uint8_t round_keys[11][AES_BLOCK])
{
    uint8_t constant = 1;
    memcpy(round_keys[0], key, AES_BLOCK);
    for (unsigned round = 1; round < 11; round++) {
        const uint8_t *before = round_keys[round - 1];
        uint8_t *now = round_keys[round];
        for (unsigned i = 0; i < 4; i++)
            now[i] = before[i] ^ aes_substitute(before[12 + (i + 1) % 4]);
        now[0] ^= constant;
        constant = gf_double(constant);
        for (unsigned i = 4; i < AES_BLOCK; i++)
            now[i] = before[i] ^ now[i - 4];
    }
}

/* Columns of four bytes: each is multiplied by 3x^3 + x^2 + x + 2. */
static void aes_mix(uint8_t *s)
{
    for (unsigned c = 0; c < AES_BLOCK; c += 4) {
        uint8_t all = s[c] ^ s[c + 1] ^ s[c + 2] ^ s[c + 3], first = s[c];
        for (unsigned i = 0; i < 3; i++)
            s[c + i] ^= all ^ gf_double(s[c + i] ^ s[c + i + 1]);
        s[c + 3] ^= all ^ gf_double(s[c + 3] ^ first);
    }
}

static void aes_encrypt(const uint8_t (*round_keys)[AES_BLOCK], uint8_t *s)
{
    uint8_t shifted[AES_BLOCK];
    for (unsigned round = 0; round < 11; round++) {
        if (round > 0) {
            for (unsigned i = 0; i < AES_BLOCK; i++) /* row i % 4 moves left by as much */
                shifted[i] = aes_substitute(s[(i + 4 * (i % 4)) % AES_BLOCK]);
            memcpy(s, shifted, AES_BLOCK);
            if (round < 10)
                aes_mix(s);
        }
        for (unsigned i = 0; i < AES_BLOCK; i++)
            s[i] ^= round_keys[round][i];
    }
}

/* ---- CMAC ---- */

static void cmac_stir(struct aes_cmac *cmac)
{
    for (unsigned i = 0; i < AES_BLOCK; i++)
        cmac->chain[i] ^= cmac->block[i];
    aes_encrypt((const uint8_t(*)[AES_BLOCK])cmac->round_keys, cmac->chain);
    cmac->waiting = 0;
}

/* Times x in GF(2^128) (RFC 4493 2.3). */
static void cmac_double(uint8_t *s)
{
    uint8_t carry = (uint8_t)(0x87 & -(s[0] >> 7));
    for (unsigned i = 0; i < AES_BLOCK - 1; i++)
        s[i] = (uint8_t)(s[i] << 1 | s[i + 1] >> 7);
    s[AES_BLOCK - 1] = (uint8_t)(s[AES_BLOCK - 1] << 1 ^ carry);
}

void tcpip__aes_cmac_init(struct aes_cmac *cmac, const uint8_t key[AES_BLOCK])
{
    memset(cmac, 0, sizeof(*cmac));
    aes_expand(key, cmac->round_keys);
}

void tcpip__aes_cmac_update(struct aes_cmac *cmac, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        if (cmac->waiting == AES_BLOCK)
            cmac_stir(cmac);
        cmac->block[cmac->waiting++] = bytes[i];
    }
}

void tcpip__aes_cmac_final(struct aes_cmac *cmac, uint8_t out[CMAC_BYTES])
{
    uint8_t subkey[AES_BLOCK] = {0};
    aes_encrypt((const uint8_t(*)[AES_BLOCK])cmac->round_keys, subkey);
    cmac_double(subkey);
    if (cmac->waiting < AES_BLOCK) {
        memset(cmac->block + cmac->waiting, 0, AES_BLOCK - cmac->waiting);
        cmac->block[cmac->waiting] = 0x80;
        cmac_double(subkey);
    }
    for (unsigned i = 0; i < AES_BLOCK; i++)
        cmac->block[i] ^= subkey[i];
    cmac_stir(cmac);
    memcpy(out, cmac->chain, CMAC_BYTES);
}
