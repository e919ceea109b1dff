// SPDX-License-Identifier: MIT
/* fast_open.c: TCP Fast Open's memory (RFC 7413).
 *
 * A cookie proves that its bearer once received a SYN-ACK of ours at the address that it claims. It is a keyed hash of
 * both addresses, so the server remembers nothing but its key, and a client shows the same cookie from any port until
 * the key changes.
 *
 * A client remembers the cookie, and the segment size that its first SYN with data must not exceed. It also remembers
 * failures, as RFC 7413 4.1.3.1 demands: paths exist that drop what they don't know, and a connection must not be
 * slower for having tried to be faster. One loss means little; from the third in a row on the destination rests, for a
 * period that doubles.
 *
 * Owns:       nothing; the structs are its callers'.
 * Invariants: a cookie kept is one that the option can carry.
 * Not here:   segments, and what is sent when (tcp_fast_open.c). */
#include "transport/tcp/fast_open.h"

#include "base/assert.h"
#include "base/math.h"

#include <string.h>

enum {
    FAST_OPEN_LOSSES_MAX = 3,    /* in a row: then the destination rests */
    FAST_OPEN_DOUBLINGS_MAX = 6, /* of any period, as Linux */
};
static const tcpip_ns FAST_OPEN_PENALTY_SLOT = 4 * TCPIP_SECOND;
STATIC_ASSERT(FAST_OPEN_COOKIE_BYTES <= TCPIP_TCP_FAST_OPEN_COOKIE_MAX);

/* ---- cookies ---- */

static void fast_open_hash(const uint8_t *key_bytes, const uint8_t *client, const uint8_t *server, bool v4,
                           uint8_t *out)
{
    struct siphash_key key = tcpip__siphash_key_bytes(key_bytes);
    uint8_t input[32];
    size_t skip = v4 ? 12 : 0, bytes = 16 - skip;
    memcpy(input, client + skip, bytes);
    memcpy(input + bytes, server + skip, bytes);
    uint64_t hash = tcpip__siphash(&key, input, 2 * bytes);
    for (unsigned i = 0; i < FAST_OPEN_COOKIE_BYTES; i++)
        out[i] = (uint8_t)(hash >> 8 * i);
}

void tcpip__fast_open_cookie_make(const struct fast_open_keys *keys, const uint8_t *client, const uint8_t *server,
                                  bool v4, struct fast_open_cookie *out)
{
    ASSERT(keys->count > 0);
    memset(out, 0, sizeof(*out));
    out->size = FAST_OPEN_COOKIE_BYTES;
    fast_open_hash(keys->key[0], client, server, v4, out->bytes);
}

enum fast_open_verdict tcpip__fast_open_cookie_check(const struct fast_open_keys *keys, const uint8_t *client,
                                                     const uint8_t *server, bool v4,
                                                     const struct fast_open_cookie *cookie)
{
    if (cookie->size != FAST_OPEN_COOKIE_BYTES)
        return FAST_OPEN_FORGED;
    for (unsigned i = 0; i < keys->count; i++) {
        uint8_t expected[FAST_OPEN_COOKIE_BYTES];
        fast_open_hash(keys->key[i], client, server, v4, expected);
        uint8_t differs = 0; /* in time that doesn't tell how much of a guess was right */
        for (unsigned k = 0; k < FAST_OPEN_COOKIE_BYTES; k++)
            differs |= expected[k] ^ cookie->bytes[k];
        if (differs == 0)
            return i == 0 ? FAST_OPEN_VALID : FAST_OPEN_OLD_KEY;
    }
    return FAST_OPEN_FORGED;
}

/* ---- resets that count ---- */

static void penalty_move(struct fast_open_penalty *penalty, tcpip_ns now)
{
    uint64_t slot = (uint64_t)(now / FAST_OPEN_PENALTY_SLOT);
    uint64_t passed = slot > penalty->slot ? slot - penalty->slot : 0;
    for (uint64_t i = 1; i <= passed && i <= FAST_OPEN_PENALTY_SLOTS; i++) {
        uint32_t *oldest = &penalty->counts[(penalty->slot + i) % FAST_OPEN_PENALTY_SLOTS];
        penalty->total -= *oldest;
        *oldest = 0;
    }
    penalty->slot += passed;
}

void tcpip__fast_open_penalty_add(struct fast_open_penalty *penalty, tcpip_ns now)
{
    penalty_move(penalty, now);
    penalty->counts[penalty->slot % FAST_OPEN_PENALTY_SLOTS]++;
    penalty->total++;
}

uint32_t tcpip__fast_open_penalty_count(struct fast_open_penalty *penalty, tcpip_ns now)
{
    penalty_move(penalty, now);
    return penalty->total;
}

/* ---- the client's cache ---- */

static struct fast_open_peer *fast_open_set(const struct fast_open_cache *cache, const struct siphash_key *secret,
                                            const uint8_t *local, const uint8_t *remote)
{
    uint8_t input[33]; /* of a length of its own among what is hashed under the secret */
    memcpy(input, local, 16);
    memcpy(input + 16, remote, 16);
    input[32] = 0;
    uint64_t hash = tcpip__siphash(secret, input, sizeof(input));
    return cache->peers + (hash & (cache->sets - 1)) * FAST_OPEN_WAYS;
}

static bool fast_open_is(const struct fast_open_peer *peer, const uint8_t *local, const uint8_t *remote)
{
    return memcmp(peer->local, local, 16) == 0 && memcmp(peer->remote, remote, 16) == 0;
}

struct fast_open_peer *tcpip__fast_open_find(struct fast_open_cache *cache, const struct siphash_key *secret,
                                             const uint8_t *local, const uint8_t *remote)
{
    if (cache->peers == NULL)
        return NULL;
    struct fast_open_peer *set = fast_open_set(cache, secret, local, remote);
    for (unsigned i = 0; i < FAST_OPEN_WAYS; i++) {
        if (fast_open_is(&set[i], local, remote)) {
            set[i].used = ++cache->clock;
            return &set[i];
        }
    }
    return NULL;
}

struct fast_open_peer *tcpip__fast_open_remember(struct fast_open_cache *cache, const struct siphash_key *secret,
                                                 const uint8_t *local, const uint8_t *remote)
{
    struct fast_open_peer *known = tcpip__fast_open_find(cache, secret, local, remote);
    if (known != NULL || cache->peers == NULL)
        return known;
    struct fast_open_peer *set = fast_open_set(cache, secret, local, remote), *oldest = set;
    for (unsigned i = 1; i < FAST_OPEN_WAYS; i++) {
        if (cache->clock - set[i].used > cache->clock - oldest->used)
            oldest = &set[i];
    }
    *oldest = (struct fast_open_peer){.used = ++cache->clock};
    memcpy(oldest->local, local, 16);
    memcpy(oldest->remote, remote, 16);
    return oldest;
}

void tcpip__fast_open_learn(struct fast_open_peer *peer, uint16_t mss, const struct fast_open_cookie *cookie,
                            enum fast_open_asked asked)
{
    if (mss != 0)
        peer->mss = mss;
    peer->losses = 0;
    if (cookie != NULL && cookie->size > 0) {
        peer->cookie = *cookie;
        return;
    }
    /* A server that never gave us a cookie may know the experimental form only; if it knows neither, the standard one
     * is asked for ever after (as Linux). */
    uint8_t next = asked == FAST_OPEN_ASKED ? 1 : asked == FAST_OPEN_ASKED_EXPERIMENTALLY ? 2 : 0;
    if (peer->cookie.size == 0 && next > peer->experiment)
        peer->experiment = next;
}

void tcpip__fast_open_lost(struct fast_open_peer *peer, tcpip_ns now)
{
    if (peer->losses < UINT8_MAX)
        peer->losses++;
    peer->lost_at = now;
}

void tcpip__fast_open_offer(const struct fast_open_peer *peer, struct fast_open_cookie *out)
{
    *out = peer->cookie;
    if (out->size == 0)
        out->experimental = peer->experiment == 1;
}

/* ---- rests ---- */

static bool fast_open_within(tcpip_ns since, tcpip_ns period_ns, uint32_t doublings, tcpip_ns now)
{
    uint32_t shift = min_u32(doublings, FAST_OPEN_DOUBLINGS_MAX);
    tcpip_ns length_ns = period_ns > INT64_MAX >> shift ? INT64_MAX : (tcpip_ns)((uint64_t)period_ns << shift);
    return now - since < length_ns;
}

bool tcpip__fast_open_peer_paused(const struct fast_open_peer *peer, tcpip_ns period_ns, tcpip_ns now)
{
    return period_ns > 0 && peer->losses >= FAST_OPEN_LOSSES_MAX &&
           fast_open_within(peer->lost_at, period_ns, peer->losses - FAST_OPEN_LOSSES_MAX, now);
}

void tcpip__fast_open_pause_begin(struct fast_open_pause *pause, tcpip_ns now)
{
    if (pause->times < UINT8_MAX)
        pause->times++;
    pause->since = now;
}

bool tcpip__fast_open_paused(const struct fast_open_pause *pause, tcpip_ns period_ns, tcpip_ns now)
{
    return period_ns > 0 && pause->times > 0 && fast_open_within(pause->since, period_ns, pause->times - 1u, now);
}
