// SPDX-License-Identifier: MIT
/* digest.h: the hashes that signed segments are defined by: MD5 (RFC 1321), SHA-1 (RFC 3174), and the keyed codes made
 * of them and of AES: HMAC-SHA-1 (RFC 2104) and AES-128-CMAC (RFC 4493). Fit for that, and for nothing new. */
#ifndef TCPIP_SRC_BASE_DIGEST_H
#define TCPIP_SRC_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum {
    MD5_BYTES = 16,
    SHA1_BYTES = 20,
    CMAC_BYTES = 16,
    DIGEST_BLOCK = 64, /* of MD5 and SHA-1 */
    AES_BLOCK = 16,
};

/* MD5 or SHA-1 under way. */
struct digest {
    uint32_t state[5];
    uint64_t bytes;              /* taken in */
    uint8_t block[DIGEST_BLOCK]; /* bytes % DIGEST_BLOCK of it are waiting */
};

void tcpip__md5_init(struct digest *md5);
void tcpip__md5_update(struct digest *md5, const void *data, size_t size);
void tcpip__md5_final(struct digest *md5, uint8_t out[MD5_BYTES]);

void tcpip__sha1_init(struct digest *sha1);
void tcpip__sha1_update(struct digest *sha1, const void *data, size_t size);
void tcpip__sha1_final(struct digest *sha1, uint8_t out[SHA1_BYTES]);

struct hmac_sha1 {
    struct digest inner, outer;
};
/* `key` of any length. */
void tcpip__hmac_sha1_init(struct hmac_sha1 *hmac, const void *key, size_t size);
void tcpip__hmac_sha1_update(struct hmac_sha1 *hmac, const void *data, size_t size);
void tcpip__hmac_sha1_final(struct hmac_sha1 *hmac, uint8_t out[SHA1_BYTES]);

struct aes_cmac {
    uint8_t round_keys[11][AES_BLOCK];
    uint8_t chain[AES_BLOCK], block[AES_BLOCK];
    uint32_t waiting; /* bytes in block: the last one is treated otherwise, so it is kept until there is more */
};
void tcpip__aes_cmac_init(struct aes_cmac *cmac, const uint8_t key[AES_BLOCK]);
void tcpip__aes_cmac_update(struct aes_cmac *cmac, const void *data, size_t size);
void tcpip__aes_cmac_final(struct aes_cmac *cmac, uint8_t out[CMAC_BYTES]);

/* Do they differ? In a time that says nothing about where. */
int tcpip__digest_differs(const uint8_t *a, const uint8_t *b, size_t size);

#endif
