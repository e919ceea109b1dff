// SPDX-License-Identifier: MIT
/* fast_open.h: TCP Fast Open's memory (RFC 7413): cookies that a server makes and knows again, those that a client was
 * given, and who has to do without for a while. */
#ifndef TCPIP_SRC_TCP_FAST_OPEN_H
#define TCPIP_SRC_TCP_FAST_OPEN_H

#include "base/compiler.h"
#include "base/siphash.h"
#include <tcpip/header/tcp.h>

/* A Fast Open option. */
struct fast_open_cookie {
    uint8_t bytes[TCPIP_TCP_FAST_OPEN_COOKIE_MAX];
    uint8_t size;      /* 0: a request for one */
    bool experimental; /* kind 254 and a magic number, as before there was kind 34 */
};

/* ---- server ---- */

enum {
    FAST_OPEN_KEY_BYTES = 16,
    FAST_OPEN_COOKIE_BYTES = 8, /* of ours; a peer's may have 4 to 16 */
};

/* Cookies are made with the first key; with a second one, older cookies are still good. */
struct fast_open_keys {
    uint8_t key[2][FAST_OPEN_KEY_BYTES];
    uint8_t count; /* 0: none set */
};

enum fast_open_verdict { FAST_OPEN_FORGED, FAST_OPEN_VALID, FAST_OPEN_OLD_KEY };

/* Our cookie for a client: SipHash-2-4 of its address followed by ours, of 4 bytes each for IPv4, 16 else. As Linux
 * makes it, so that servers behind one address may share keys with one. */
void tcpip__fast_open_cookie_make(const struct fast_open_keys *keys, const uint8_t *client, const uint8_t *server,
                                  bool v4, struct fast_open_cookie *out);
/* OLD_KEY: made with the second key; the client should be given a new one. */
enum fast_open_verdict tcpip__fast_open_cookie_check(const struct fast_open_keys *keys, const uint8_t *client,
                                                     const uint8_t *server, bool v4,
                                                     const struct fast_open_cookie *cookie);

/* Connections that a reset ended before their handshake was done count against the listener's limit for another
 * minute: who opens them from addresses not his own soon finds Fast Open off, and nothing else (RFC 7413 5.1). A ring
 * of counts, one for each slot of time, so that a minute is one slot more at most. */
enum { FAST_OPEN_PENALTY_SLOTS = 16 };
struct fast_open_penalty {
    uint32_t counts[FAST_OPEN_PENALTY_SLOTS];
    uint32_t total;
    uint64_t slot; /* number of the newest slot */
};
void tcpip__fast_open_penalty_add(struct fast_open_penalty *penalty, tcpip_ns now);
/* How many count still. */
uint32_t tcpip__fast_open_penalty_count(struct fast_open_penalty *penalty, tcpip_ns now);

/* ---- client ---- */

/* What we know of one server, seen from one address of ours. */
struct fast_open_peer {
    uint8_t local[16], remote[16];
    struct fast_open_cookie cookie;
    uint16_t mss;       /* of its last SYN-ACK; 0: unknown */
    uint8_t experiment; /* a request in one form wasn't answered: 1: try the experimental one, 2: that neither */
    uint8_t losses;     /* SYNs with Fast Open in a row that nothing came back for */
    uint32_t used;      /* by the cache's clock */
    tcpip_ns lost_at;   /* the last of them */
};

/* Sets of four places by a keyed hash; the least recently used of a set makes way. */
enum { FAST_OPEN_WAYS = 4 };
struct fast_open_cache {
    struct fast_open_peer *peers; /* the caller's memory, all zero at first; NULL: there is nothing to remember */
    uint32_t sets;                /* a power of two */
    uint32_t clock;
};
/* NULL: unknown. */
struct fast_open_peer *tcpip__fast_open_find(struct fast_open_cache *cache, const struct siphash_key *secret,
                                             const uint8_t *local, const uint8_t *remote);
/* Made if it is unknown. NULL: the cache has no memory. */
struct fast_open_peer *tcpip__fast_open_remember(struct fast_open_cache *cache, const struct siphash_key *secret,
                                                 const uint8_t *local, const uint8_t *remote);
/* What a SYN-ACK taught: the MSS (0: nothing), and a cookie, a request left unanswered (then `cookie` is NULL and
 * `asked` says how it was made), or neither. */
enum fast_open_asked { FAST_OPEN_NOT_ASKED, FAST_OPEN_ASKED, FAST_OPEN_ASKED_EXPERIMENTALLY };
void tcpip__fast_open_learn(struct fast_open_peer *peer, uint16_t mss, const struct fast_open_cookie *cookie,
                            enum fast_open_asked asked);
void tcpip__fast_open_lost(struct fast_open_peer *peer, tcpip_ns now);
/* What to put into the next SYN: a cookie, or a request for one. */
void tcpip__fast_open_offer(const struct fast_open_peer *peer, struct fast_open_cookie *out);
/* Too many losses in a row: not for this long, twice as long for each more. `period_ns` 0: never. */
bool tcpip__fast_open_peer_paused(const struct fast_open_peer *peer, tcpip_ns period_ns, tcpip_ns now);

/* Something near us may swallow what Fast Open sends, whoever it is sent to: then all destinations have to wait. As
 * Linux, for a period that doubles each time, and begins anew once data came over a connection opened so. */
struct fast_open_pause {
    tcpip_ns since;
    uint8_t times; /* 0: none */
};
void tcpip__fast_open_pause_begin(struct fast_open_pause *pause, tcpip_ns now);
bool tcpip__fast_open_paused(const struct fast_open_pause *pause, tcpip_ns period_ns, tcpip_ns now);

#endif
