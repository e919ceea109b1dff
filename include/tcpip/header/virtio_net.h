// SPDX-License-Identifier: MIT
/* virtio_net.h: the virtio-net header before each packet of a TUN, TAP or AF_PACKET descriptor with IFF_VNET_HDR, and
 * of a virtio queue (virtio 1.2, 5.1.6). Pure functions.
 *
 * Little-endian, as virtio 1 says; on a TUN or TAP of a big-endian machine set TUNSETVNETLE. */
#ifndef TCPIP_HEADER_VIRTIO_NET_H
#define TCPIP_HEADER_VIRTIO_NET_H

#include <tcpip/base.h>

TCPIP_BEGIN_DECLS

#define TCPIP_VIRTIO_NET_BYTES 10u
#define TCPIP_VIRTIO_NET_MRG_BYTES 12u /* with num_buffers */

#define TCPIP_VIRTIO_NET_NEEDS_CSUM 1u /* complete the sum from csum_start, store at csum_start + csum_offset */
#define TCPIP_VIRTIO_NET_DATA_VALID 2u /* the device verified the checksum */
#define TCPIP_VIRTIO_NET_RSC_INFO 4u

enum tcpip_virtio_net_gso {
    TCPIP_VIRTIO_NET_GSO_NONE = 0,
    TCPIP_VIRTIO_NET_GSO_TCPV4 = 1,
    TCPIP_VIRTIO_NET_GSO_UDP = 3, /* fragmentation offload */
    TCPIP_VIRTIO_NET_GSO_TCPV6 = 4,
    TCPIP_VIRTIO_NET_GSO_UDP_L4 = 5, /* segmentation into datagrams */
    TCPIP_VIRTIO_NET_GSO_ECN = 0x80  /* beside a TCP type: CWR on the first segment only */
};

struct tcpip_virtio_net_fields {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t header_length; /* of all headers: a hint */
    uint16_t gso_size;      /* payload per segment */
    uint16_t checksum_start, checksum_offset;
    uint16_t num_buffers; /* only in the 12-byte form */
};

/* True if a header of `header_bytes` (10 or 12) lies in `front_bytes` and fits the packet behind it, of `packet_bytes`.
 * Catches: an unknown GSO type, the ECN bit without TCP, GSO of size 0, a checksum field outside the packet, a header
 * length above the packet. GSO without NEEDS_CSUM is let pass: a NIC that merges segments may have verified them. */
TCPIP_API bool tcpip_virtio_net_check(const uint8_t *p, size_t front_bytes, size_t header_bytes, size_t packet_bytes);

/* Writes `header_bytes` (10 or 12). */
TCPIP_API void tcpip_virtio_net_encode(uint8_t *out, size_t header_bytes, const struct tcpip_virtio_net_fields *fields);
/* Reads `header_bytes` (10 or 12); num_buffers is 1 in the short form. */
TCPIP_API void tcpip_virtio_net_decode(const uint8_t *p, size_t header_bytes, struct tcpip_virtio_net_fields *out);

TCPIP_END_DECLS

#endif
