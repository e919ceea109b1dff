// SPDX-License-Identifier: MIT
/* packet_ring.h: memory that a packet socket shares with the kernel (PACKET_MMAP, TPACKET_V3). */
#ifndef TCPIP_SRC_PLATFORM_PACKET_RING_H
#define TCPIP_SRC_PLATFORM_PACKET_RING_H

#include "base/compiler.h"

#include <tcpip/env.h>
#include <tcpip/fdbased.h>

struct packet_ring;

struct packet_ring_options {
    uint32_t bytes; /* each way, rounded up to whole blocks */
    uint32_t vnet_bytes;
    uint32_t frame_bytes; /* the largest packet to be sent, without virtio-net header */
};

/* One packet that was received. */
struct packet_ring_frame {
    const uint8_t *vnet; /* vnet_bytes of virtio-net header */
    const uint8_t *data;
    uint32_t size; /* of data */
    bool cut;      /* it was longer */
    bool losing;   /* others were lost before it: ask tcpip__packet_ring_lost */
};

/* Rings for the packet socket `fd`. NOT_SUPPORTED: it isn't one, or has rings; NO_MEMORY, NO_BUFFER_SPACE. */
must_use enum tcpip_error tcpip__packet_ring_new(const struct tcpip_env *env, int fd,
                                                 const struct packet_ring_options *options, struct packet_ring **out);
void tcpip__packet_ring_free(const struct tcpip_env *env, struct packet_ring *ring);

/* The next packet that was received, until tcpip__packet_ring_taken; false: none is there. */
must_use bool tcpip__packet_ring_next(struct packet_ring *ring, struct packet_ring_frame *out);
void tcpip__packet_ring_taken(struct packet_ring *ring);
/* How many were lost since the last call because the ring was full. */
uint32_t tcpip__packet_ring_lost(const struct packet_ring *ring);

/* Slots that are free for packets to be sent. */
uint32_t tcpip__packet_ring_room(const struct packet_ring *ring, uint32_t most);
/* Where the packet that is `index` after those sent is to be written, all of its `size` bytes, virtio-net header first.
 * Its slot must be free. */
uint8_t *tcpip__packet_ring_slot(struct packet_ring *ring, uint32_t index, uint32_t size);
/* Sends the first `count` slots. How many went; -1 and errno: not even the first did. */
int tcpip__packet_ring_send(struct packet_ring *ring, uint32_t count);

#endif
