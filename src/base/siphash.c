// SPDX-License-Identifier: MIT
/* siphash.c: SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012).
 *
 * A pseudorandom function: who sees any number of outputs still can't predict another without the 128-bit key. It is
 * made of additions, rotations and exclusive-ors only, so that its time says nothing about key or data. Two rounds for
 * each 8 bytes of input, four at the end; the last word carries the length's low byte, so that no input is a prefix of
 * another.
 *
 * Owns:        nothing.
 * Invariants:  the paper's vectors (siphash_test.c); the same result on either byte order.
 * Not here:    the hash of tables (hash.c): three times as fast, and good only while its outputs stay secret.
 */
#include "base/siphash.h"

#include "base/compiler.h"

struct sip_state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t sip_rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

/* Little-endian; compilers make one load of it. */
static inline uint64_t sip_load(const uint8_t *b)
{
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 | (uint64_t)b[4] << 32 |
           (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

/* The `size` < 8 bytes at the end, below the length. */
static uint64_t sip_last_word(const uint8_t *bytes, size_t size)
{
    uint64_t word = (uint64_t)size << 56;
    for (size_t i = 0; i < size % 8; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

static inline void sip_round(struct sip_state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = sip_rotate(s->v1, 13) ^ s->v0;
    s->v3 = sip_rotate(s->v3, 16) ^ s->v2;
    s->v0 = sip_rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = sip_rotate(s->v1, 17) ^ s->v2;
    s->v3 = sip_rotate(s->v3, 21) ^ s->v0;
    s->v2 = sip_rotate(s->v2, 32);
}

static inline void sip_absorb(struct sip_state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

struct siphash_key tcpip__siphash_key_bytes(const uint8_t *bytes)
{
    return (struct siphash_key){{sip_load(bytes), sip_load(bytes + 8)}};
}

struct siphash_key tcpip__siphash_key_random(const struct tcpip_env *env)
{
    uint8_t bytes[16];
    env->random(env->ctx, bytes, sizeof(bytes));
    return tcpip__siphash_key_bytes(bytes);
}

uint64_t tcpip__siphash(const struct siphash_key *key, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    struct sip_state s = {
        .v0 = key->word[0] ^ 0x736f6d6570736575u, /* "somepseudorandomlygeneratedbytes" */
        .v1 = key->word[1] ^ 0x646f72616e646f6du,
        .v2 = key->word[0] ^ 0x6c7967656e657261u,
        .v3 = key->word[1] ^ 0x7465646279746573u,
    };

    for (size_t left = size; left >= 8; left -= 8, bytes += 8)
        sip_absorb(&s, sip_load(bytes));
    sip_absorb(&s, sip_last_word(bytes, size));
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
