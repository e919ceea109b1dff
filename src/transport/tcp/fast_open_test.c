// SPDX-License-Identifier: MIT
/* fast_open_test.c: cookies are Linux's, keys rotate; the cache forgets the right one; resets count for a minute. */
#include "transport/tcp/fast_open.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct siphash_key SECRET = {{5, 6}};
static const uint8_t CLIENT4[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
static const uint8_t SERVER4[16] = {[10] = 0xff, 0xff, 192, 168, 0, 1};
static const uint8_t CLIENT6[16] = {0xfd, 0x3d, 0xfa, 0x7b, 0xd1, 0x7d, [15] = 1};
static const uint8_t SERVER6[16] = {0xfd, 0x3d, 0x0a, 0x0b, 0x17, 0xd6, [15] = 1};

static struct fast_open_keys keys_of(const uint8_t *first, const uint8_t *second)
{
    struct fast_open_keys keys = {.count = second != NULL ? 2 : 1};
    memcpy(keys.key[0], first, 16);
    if (second != NULL)
        memcpy(keys.key[1], second, 16);
    return keys;
}

static const uint8_t LETTERS[16] = {0xa1, 0xa1, 0xa1, 0xa1, 0xb2, 0xb2, 0xb2, 0xb2,
                                    0xc3, 0xc3, 0xc3, 0xc3, 0xd4, 0xd4, 0xd4, 0xd4};
static const uint8_t ZEROS[16];

static void cookies_are_those_that_linux_makes(void **state)
{
    (void)state;
    static const struct {
        const uint8_t *key;
        bool v4;
        uint8_t cookie[8];
    } known[] = {
        {LETTERS, true, {0x30, 0x21, 0xb9, 0xd8, 0x89, 0x01, 0x7e, 0xeb}},
        {ZEROS, true, {0xb7, 0xc1, 0x23, 0x50, 0xa9, 0x0d, 0xc8, 0xf5}},
        {LETTERS, false, {0xc1, 0xd1, 0xe9, 0x74, 0x2a, 0x47, 0xa9, 0xbc}},
        {ZEROS, false, {0x82, 0xaf, 0x1a, 0x8f, 0x9a, 0x20, 0x5c, 0x34}},
    };
    for (size_t i = 0; i < array_count(known); i++) {
        struct fast_open_keys keys = keys_of(known[i].key, NULL);
        struct fast_open_cookie cookie;
        tcpip__fast_open_cookie_make(&keys, known[i].v4 ? CLIENT4 : CLIENT6, known[i].v4 ? SERVER4 : SERVER6,
                                     known[i].v4, &cookie);
        assert_int_equal(cookie.size, 8);
        assert_memory_equal(cookie.bytes, known[i].cookie, 8);
    }
}

static void a_cookie_is_good_under_both_keys_and_no_other(void **state)
{
    (void)state;
    struct fast_open_keys old = keys_of(ZEROS, NULL), both = keys_of(LETTERS, ZEROS), new = keys_of(LETTERS, NULL);
    struct fast_open_cookie cookie;
    tcpip__fast_open_cookie_make(&old, CLIENT4, SERVER4, true, &cookie);
    assert_int_equal(tcpip__fast_open_cookie_check(&old, CLIENT4, SERVER4, true, &cookie), FAST_OPEN_VALID);
    assert_int_equal(tcpip__fast_open_cookie_check(&both, CLIENT4, SERVER4, true, &cookie), FAST_OPEN_OLD_KEY);
    assert_int_equal(tcpip__fast_open_cookie_check(&new, CLIENT4, SERVER4, true, &cookie), FAST_OPEN_FORGED);
    assert_int_equal(tcpip__fast_open_cookie_check(&old, SERVER4, CLIENT4, true, &cookie), FAST_OPEN_FORGED);
    assert_int_equal(tcpip__fast_open_cookie_check(&old, CLIENT4, SERVER4, false, &cookie), FAST_OPEN_FORGED);
    for (unsigned bit = 0; bit < 64; bit++) {
        struct fast_open_cookie forged = cookie;
        forged.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(tcpip__fast_open_cookie_check(&old, CLIENT4, SERVER4, true, &forged), FAST_OPEN_FORGED);
    }
    cookie.size = 6; /* its beginning alone isn't one */
    assert_int_equal(tcpip__fast_open_cookie_check(&old, CLIENT4, SERVER4, true, &cookie), FAST_OPEN_FORGED);
}

/* A naive twin: every instant of a reset, looked through. */
static void resets_count_for_a_minute(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 7);
    struct fast_open_penalty penalty = {.slot = 0};
    tcpip_ns at[2000], now = 0;
    size_t count = 0;
    while (count < array_count(at)) {
        now += (tcpip_ns)(rng_u64(&rng) % (rng_u64(&rng) % 50 == 0 ? 200 : 2) * TCPIP_SECOND +
                          rng_u64(&rng) % TCPIP_SECOND);
        tcpip__fast_open_penalty_add(&penalty, now);
        at[count++] = now;
        uint32_t least = 0, most = 0;
        for (size_t i = 0; i < count; i++) {
            least += now - at[i] <= 60 * TCPIP_SECOND;
            most += now - at[i] <= 64 * TCPIP_SECOND;
        }
        uint32_t got = tcpip__fast_open_penalty_count(&penalty, now);
        assert_in_range(got, least, most);
    }
    assert_int_equal(tcpip__fast_open_penalty_count(&penalty, now + 64 * TCPIP_SECOND), 0);
}

static void name(uint8_t *out, unsigned number)
{
    memset(out, 0, 16);
    out[0] = 0xfd;
    out[14] = (uint8_t)(number >> 8);
    out[15] = (uint8_t)number;
}

static void the_cache_keeps_what_was_used_last(void **state)
{
    (void)state;
    static struct fast_open_peer peers[FAST_OPEN_WAYS]; /* one set: full LRU */
    memset(peers, 0, sizeof(peers));
    struct fast_open_cache cache = {.peers = peers, .sets = 1};
    uint8_t remote[16];
    for (unsigned i = 0; i < 5; i++) {
        name(remote, i);
        struct fast_open_peer *peer = tcpip__fast_open_remember(&cache, &SECRET, SERVER6, remote);
        peer->mss = (uint16_t)(1000 + i);
        name(remote, 0);
        assert_non_null(tcpip__fast_open_find(&cache, &SECRET, SERVER6, remote));
    }
    name(remote, 1); /* the oldest that nobody asked for */
    assert_null(tcpip__fast_open_find(&cache, &SECRET, SERVER6, remote));
    name(remote, 4);
    assert_int_equal(tcpip__fast_open_find(&cache, &SECRET, SERVER6, remote)->mss, 1004);
    assert_null(tcpip__fast_open_find(&cache, &SECRET, CLIENT6, remote)); /* another address of ours */
    cache.peers = NULL;
    assert_null(tcpip__fast_open_remember(&cache, &SECRET, SERVER6, remote));
}

static void a_request_unanswered_is_made_experimentally_once(void **state)
{
    (void)state;
    struct fast_open_peer peer = {.mss = 0};
    struct fast_open_cookie offer, given = {.bytes = {1, 2, 3, 4}, .size = 4, .experimental = true};
    tcpip__fast_open_offer(&peer, &offer);
    assert_int_equal(offer.size, 0);
    assert_false(offer.experimental);
    tcpip__fast_open_learn(&peer, 1460, NULL, FAST_OPEN_ASKED);
    tcpip__fast_open_offer(&peer, &offer);
    assert_true(offer.experimental);
    tcpip__fast_open_learn(&peer, 1460, NULL, FAST_OPEN_ASKED_EXPERIMENTALLY);
    tcpip__fast_open_offer(&peer, &offer);
    assert_false(offer.experimental);
    tcpip__fast_open_learn(&peer, 1460, NULL, FAST_OPEN_ASKED);
    tcpip__fast_open_offer(&peer, &offer);
    assert_false(offer.experimental);
    tcpip__fast_open_learn(&peer, 0, &given, FAST_OPEN_NOT_ASKED);
    tcpip__fast_open_offer(&peer, &offer);
    assert_int_equal(offer.size, 4);
    assert_true(offer.experimental);
    assert_int_equal(peer.mss, 1460);
}

static void a_destination_rests_after_the_third_loss_and_longer_after_each_more(void **state)
{
    (void)state;
    struct fast_open_peer peer = {.mss = 0};
    tcpip_ns period = 10 * TCPIP_SECOND;
    tcpip__fast_open_lost(&peer, 1);
    tcpip__fast_open_lost(&peer, 2);
    assert_false(tcpip__fast_open_peer_paused(&peer, period, 3));
    tcpip__fast_open_lost(&peer, 3);
    assert_true(tcpip__fast_open_peer_paused(&peer, period, period + 2));
    assert_false(tcpip__fast_open_peer_paused(&peer, period, period + 3));
    assert_false(tcpip__fast_open_peer_paused(&peer, 0, 4));
    tcpip__fast_open_lost(&peer, 3);
    assert_true(tcpip__fast_open_peer_paused(&peer, period, 2 * period + 2));
    assert_false(tcpip__fast_open_peer_paused(&peer, period, 2 * period + 3));
    for (int i = 0; i < 300; i++)
        tcpip__fast_open_lost(&peer, 3);
    assert_true(tcpip__fast_open_peer_paused(&peer, period, 64 * period + 2));
    assert_false(tcpip__fast_open_peer_paused(&peer, period, 64 * period + 3));
    assert_true(tcpip__fast_open_peer_paused(&peer, INT64_MAX / 2, INT64_MAX / 2));
    tcpip__fast_open_learn(&peer, 0, NULL, FAST_OPEN_NOT_ASKED);
    assert_false(tcpip__fast_open_peer_paused(&peer, period, 4));
}

static void a_pause_doubles_each_time(void **state)
{
    (void)state;
    struct fast_open_pause pause = {.since = 0};
    assert_false(tcpip__fast_open_paused(&pause, TCPIP_SECOND, 0));
    for (int i = 0; i < 9; i++) {
        tcpip_ns length = TCPIP_SECOND << (i < 6 ? i : 6);
        tcpip__fast_open_pause_begin(&pause, 100);
        assert_true(tcpip__fast_open_paused(&pause, TCPIP_SECOND, 99 + length));
        assert_false(tcpip__fast_open_paused(&pause, TCPIP_SECOND, 100 + length));
    }
    assert_false(tcpip__fast_open_paused(&pause, 0, 101));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookies_are_those_that_linux_makes),
        cmocka_unit_test(a_cookie_is_good_under_both_keys_and_no_other),
        cmocka_unit_test(resets_count_for_a_minute),
        cmocka_unit_test(the_cache_keeps_what_was_used_last),
        cmocka_unit_test(a_request_unanswered_is_made_experimentally_once),
        cmocka_unit_test(a_destination_rests_after_the_third_loss_and_longer_after_each_more),
        cmocka_unit_test(a_pause_doubles_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
