// SPDX-License-Identifier: MIT
/* digest_test.c: the vectors of RFC 1321 A.5, RFC 3174 7.3, RFC 2202 3, RFC 4493 4. */
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_hex(const uint8_t *bytes, size_t size, const char *expected)
{
    char text[2 * SHA1_BYTES + 1];
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(text, expected);
}

/* In pieces of `piece` bytes. */
static void md5_in_pieces(const char *text, size_t piece, const char *expected)
{
    struct digest md5;
    uint8_t out[MD5_BYTES];
    size_t size = strlen(text);
    tcpip__md5_init(&md5);
    for (size_t i = 0; i < size; i += piece)
        tcpip__md5_update(&md5, text + i, size - i < piece ? size - i : piece);
    tcpip__md5_final(&md5, out);
    assert_hex(out, MD5_BYTES, expected);
}

static void md5_gives_the_rfcs_vectors_in_pieces_of_any_size(void **state)
{
    static const char *const vectors[][2] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"a", "0cc175b9c0f1b6a831c399e269772661"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "57edf4a22be3c955ac49da2e2107b67a"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        for (size_t piece = 1; piece < 100; piece++)
            md5_in_pieces(vectors[i][0], piece, vectors[i][1]);
}

static void sha1_gives_the_rfcs_vectors(void **state)
{
    static const struct {
        const char *text;
        int times;
        const char *expected;
    } vectors[] = {
        {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
        {"a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
        {"0123456701234567012345670123456701234567012345670123456701234567", 10,
         "dea356a2cddd90c7a7ecedc5ebb563934f460452"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct digest sha1;
        uint8_t out[SHA1_BYTES];
        tcpip__sha1_init(&sha1);
        for (int n = 0; n < vectors[i].times; n++)
            tcpip__sha1_update(&sha1, vectors[i].text, strlen(vectors[i].text));
        tcpip__sha1_final(&sha1, out);
        assert_hex(out, SHA1_BYTES, vectors[i].expected);
    }
}

static void assert_hmac(const void *key, size_t key_bytes, const void *data, size_t size, const char *expected)
{
    struct hmac_sha1 hmac;
    uint8_t out[SHA1_BYTES];
    tcpip__hmac_sha1_init(&hmac, key, key_bytes);
    tcpip__hmac_sha1_update(&hmac, data, size / 2);
    tcpip__hmac_sha1_update(&hmac, (const uint8_t *)data + size / 2, size - size / 2);
    tcpip__hmac_sha1_final(&hmac, out);
    assert_hex(out, SHA1_BYTES, expected);
}

static void hmac_gives_the_rfcs_vectors(void **state)
{
    uint8_t key[80], data[50];
    (void)state;
    memset(key, 0x0b, 20);
    assert_hmac(key, 20, "Hi There", 8, "b617318655057264e28bc0b6fb378c8ef146be00");
    assert_hmac("Jefe", 4, "what do ya want for nothing?", 28, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    memset(key, 0xaa, sizeof(key));
    memset(data, 0xdd, sizeof(data));
    assert_hmac(key, 20, data, 50, "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
    const char *text = "Test Using Larger Than Block-Size Key - Hash Key First";
    assert_hmac(key, 80, text, strlen(text), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

static void cmac_gives_the_rfcs_vectors(void **state)
{
    static const uint8_t key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                    0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    static const uint8_t message[64] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73,
                                        0x93, 0x17, 0x2a, 0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7,
                                        0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51, 0x30, 0xc8, 0x1c, 0x46, 0xa3, 0x5c, 0xe4,
                                        0x11, 0xe5, 0xfb, 0xc1, 0x19, 0x1a, 0x0a, 0x52, 0xef, 0xf6, 0x9f, 0x24, 0x45,
                                        0xdf, 0x4f, 0x9b, 0x17, 0xad, 0x2b, 0x41, 0x7b, 0xe6, 0x6c, 0x37, 0x10};
    static const struct {
        size_t size;
        const char *expected;
    } vectors[] = {{0, "bb1d6929e95937287fa37d129b756746"},
                   {16, "070a16b46b4d4144f79bdd9dd04a287c"},
                   {40, "dfa66747de9ae63030ca32611497c827"},
                   {64, "51f0bebf7e3b9d92fc49741779363cfe"}};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct aes_cmac cmac;
        uint8_t out[CMAC_BYTES];
        tcpip__aes_cmac_init(&cmac, key);
        for (size_t at = 0; at < vectors[i].size; at += 7)
            tcpip__aes_cmac_update(&cmac, message + at, vectors[i].size - at < 7 ? vectors[i].size - at : 7);
        tcpip__aes_cmac_final(&cmac, out);
        assert_hex(out, CMAC_BYTES, vectors[i].expected);
    }
}

static void differing_is_seen_in_every_byte(void **state)
{
    uint8_t a[16] = {0}, b[16] = {0};
    (void)state;
    assert_false(tcpip__digest_differs(a, b, 16));
    for (int i = 0; i < 16; i++) {
        b[i] = 1;
        assert_true(tcpip__digest_differs(a, b, 16));
        b[i] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(md5_gives_the_rfcs_vectors_in_pieces_of_any_size),
        cmocka_unit_test(sha1_gives_the_rfcs_vectors),
        cmocka_unit_test(hmac_gives_the_rfcs_vectors),
        cmocka_unit_test(cmac_gives_the_rfcs_vectors),
        cmocka_unit_test(differing_is_seen_in_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
