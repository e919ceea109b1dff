// SPDX-License-Identifier: MIT
/* rng.h: two generators. Both are deterministic from their seed, and neither ever asks env.
 *
 * struct rng (xoshiro256**) is for jitter and for choices that nobody gains by guessing: a peer that sees enough of it
 * can predict it. struct secure_rng is SipHash-2-4 of a counter under a secret key, for what must not be predicted
 * (ports, IDs). */
#ifndef TCPIP_SRC_BASE_RNG_H
#define TCPIP_SRC_BASE_RNG_H

#include "base/assert.h"
#include "base/siphash.h"

struct rng {
    uint64_t state[4]; /* not all zero */
};

struct secure_rng {
    struct siphash_key key;
    uint64_t counter;
};

/* One step of splitmix64: spreads a seed of few bits over many. */
static inline uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline void rng_init(struct rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        rng->state[i] = splitmix64(&seed);
}

static inline uint64_t rng_rotate_(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static inline uint64_t rng_u64(struct rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rng_rotate_(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rng_rotate_(s[3], 45);
    return result;
}

static inline uint32_t rng_u32(struct rng *rng)
{
    return (uint32_t)(rng_u64(rng) >> 32);
}

/* Maps 32 random bits to [0, bound); the bias is below bound / 2^32, which is of no account to jitter. */
static inline uint32_t random_scale(uint32_t random, uint32_t bound)
{
    ASSERT(bound != 0);
    return (uint32_t)(((uint64_t)random * bound) >> 32);
}

/* [0, bound) */
static inline uint32_t rng_below(struct rng *rng, uint32_t bound)
{
    return random_scale(rng_u32(rng), bound);
}

/* [low, high], both ends included. */
static inline int64_t rng_between(struct rng *rng, int64_t low, int64_t high)
{
    ASSERT(low <= high);
    uint64_t span = (uint64_t)high - (uint64_t)low;
    uint64_t pick = span == UINT64_MAX ? rng_u64(rng) : rng_u64(rng) % (span + 1);
    return (int64_t)((uint64_t)low + pick);
}

static inline void secure_rng_init(struct secure_rng *rng, const struct tcpip_env *env)
{
    rng->key = tcpip__siphash_key_random(env);
    rng->counter = 0;
}

static inline uint64_t secure_rng_u64(struct secure_rng *rng)
{
    rng->counter++;
    return tcpip__siphash(&rng->key, &rng->counter, sizeof(rng->counter));
}

static inline uint32_t secure_rng_u32(struct secure_rng *rng)
{
    return (uint32_t)secure_rng_u64(rng);
}

/* [0, bound) */
static inline uint32_t secure_rng_below(struct secure_rng *rng, uint32_t bound)
{
    return random_scale(secure_rng_u32(rng), bound);
}

#endif
