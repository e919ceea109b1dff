// SPDX-License-Identifier: MIT
/* siphash.h: SipHash-2-4, the keyed hash for what a peer sees or must not guess: ISNs, cookies, ports, timestamp
 * offsets. */
#ifndef TCPIP_SRC_BASE_SIPHASH_H
#define TCPIP_SRC_BASE_SIPHASH_H

#include <tcpip/env.h>

struct siphash_key {
    uint64_t word[2];
};

/* The key in its 16-byte form (little-endian words, as in the paper), and a fresh one. */
struct siphash_key tcpip__siphash_key_bytes(const uint8_t *bytes);
struct siphash_key tcpip__siphash_key_random(const struct tcpip_env *env);

/* SipHash-2-4 of `size` bytes; the same on every byte order. */
uint64_t tcpip__siphash(const struct siphash_key *key, const void *data, size_t size);

#endif
