// SPDX-License-Identifier: MIT
/* forward_source.h: how much of the forwarder each source has: by address, and by network. */
#ifndef TCPIP_SRC_TCP_FORWARD_SOURCE_H
#define TCPIP_SRC_TCP_FORWARD_SOURCE_H

#include "base/hash.h"
#include "base/list.h"
#include "base/pool.h"

enum forward_share {
    FORWARD_PENDING, /* deferred, or in handshake */
    FORWARD_OPEN,    /* established */
    FORWARD_SHARES
};

/* 0: no such cap. */
struct forward_caps {
    uint32_t address[FORWARD_SHARES], network[FORWARD_SHARES];
    uint8_t network_bits_v4, network_bits_v6;
};

struct forward_sources {
    struct forward_caps caps;
    bool on; /* something is counted */
    struct memory *memory;
    struct hash_table table;
    struct pool pool;
    struct list list; /* all there are */
};

void tcpip__forward_sources_init(struct forward_sources *sources, struct memory *memory);
/* Counting begins anew, with these caps: what was taken before is nobody's and must not be given back. False: out of
 * memory, nothing has changed. */
must_use bool tcpip__forward_sources_start(struct forward_sources *sources, const struct forward_caps *caps,
                                           uint64_t seed);
void tcpip__forward_sources_fini(struct forward_sources *sources);

/* May the source (16 bytes) have one more pending? */
bool tcpip__forward_source_room(const struct forward_sources *sources, const uint8_t *source);
/* It has one more, and one less. False: not counted, because nothing is or memory is out. */
bool tcpip__forward_source_take(struct forward_sources *sources, const uint8_t *source, enum forward_share share);
void tcpip__forward_source_give(struct forward_sources *sources, const uint8_t *source, enum forward_share share);

#endif
