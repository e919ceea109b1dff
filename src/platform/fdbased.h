// SPDX-License-Identifier: MIT
/* fdbased.h: the link over a descriptor, inside: shared by its two directions. */
#ifndef TCPIP_SRC_PLATFORM_FDBASED_H
#define TCPIP_SRC_PLATFORM_FDBASED_H

#include "platform/fd_link.h"

#include <tcpip/fdbased.h>

#include <sys/socket.h>
#include <sys/uio.h>

enum {
    FDBASED_BATCH = 16, /* packets per sendmmsg or recvmmsg */
    FDBASED_VNET_MAX = 12,
    FDBASED_SMALL = 2048,  /* a full-sized Ethernet frame with room to spare: one size class of buffers */
    FDBASED_LARGE = 65728, /* the rest of a super-segment: the largest class */
    FDBASED_IOVECS = 1 + 1 + TCPIP_PACKET_VIEWS, /* virtio-net header, room, views */
};

/* A packet on its way out. */
struct fdbased_tx {
    struct iovec iov[FDBASED_IOVECS];
    uint8_t vnet[FDBASED_VNET_MAX];
};

/* Where the next packet comes in. */
struct fdbased_rx {
    struct iovec iov[3]; /* virtio-net header, small, large */
    uint8_t vnet[FDBASED_VNET_MAX];
    struct tcpip_buffer *small;
};

struct packet_ring;

struct fdbased {
    struct fd_link base;
    uint32_t mtu, flags, gso_max_bytes, vnet_bytes;
    uint32_t link_header_bytes; /* in each packet: 14 with Ethernet, else 0 */
    bool is_socket, is_packet_socket, hang_up_is_empty;
    bool wants_large;         /* received packets may exceed a small buffer */
    uint32_t rx_slots;        /* 1, or FDBASED_BATCH for sockets with small packets */
    struct packet_ring *ring; /* of a packet socket that has one; then nothing is read or written otherwise */
    struct tcpip_buffer *large;
    struct tcpip_fdbased_counters counters;
    struct fdbased_rx rx[FDBASED_BATCH];
    struct fdbased_tx tx[FDBASED_BATCH];
    struct mmsghdr messages[FDBASED_BATCH];
};

static inline struct fdbased *fdbased_of(const struct tcpip_link *link)
{
    return container_of((struct tcpip_link *)(uintptr_t)link, struct fdbased, base.link);
}

/* fdbased_read.c: struct fd_link_ops.read, and giving the buffers that wait for packets back. */
bool tcpip__fdbased_read(struct fd_link *fd_link, uint32_t budget);
void tcpip__fdbased_release(struct fdbased *fdbased);

#endif
