// SPDX-License-Identifier: MIT
/* virtio_net.c: the header that tells a device, or is told by one, what is left to do to a packet: complete a checksum,
 * cut it into segments.
 *
 * Whoever completes the checksum writes where the header points; whoever segments divides by its size. So both are
 * checked here, against the packet, before anybody believes them. */
#include <tcpip/header/virtio_net.h>

#include "base/assert.h"

#include <tcpip/header/bytes.h>

static bool virtio_net_gso_ok(uint8_t gso_type, uint16_t gso_size)
{
    switch (gso_type & (uint8_t)~TCPIP_VIRTIO_NET_GSO_ECN) {
    case TCPIP_VIRTIO_NET_GSO_NONE:
        return gso_type == TCPIP_VIRTIO_NET_GSO_NONE;
    case TCPIP_VIRTIO_NET_GSO_TCPV4:
    case TCPIP_VIRTIO_NET_GSO_TCPV6:
        return gso_size > 0;
    case TCPIP_VIRTIO_NET_GSO_UDP:
    case TCPIP_VIRTIO_NET_GSO_UDP_L4:
        return gso_size > 0 && (gso_type & TCPIP_VIRTIO_NET_GSO_ECN) == 0;
    default:
        return false;
    }
}

bool tcpip_virtio_net_check(const uint8_t *p, size_t front_bytes, size_t header_bytes, size_t packet_bytes)
{
    ASSERT(header_bytes == TCPIP_VIRTIO_NET_BYTES || header_bytes == TCPIP_VIRTIO_NET_MRG_BYTES);
    if (front_bytes < header_bytes)
        return false;
    struct tcpip_virtio_net_fields fields;
    tcpip_virtio_net_decode(p, header_bytes, &fields);
    if (!virtio_net_gso_ok(fields.gso_type, fields.gso_size) || fields.header_length > packet_bytes)
        return false;
    return (fields.flags & TCPIP_VIRTIO_NET_NEEDS_CSUM) == 0 ||
           (size_t)fields.checksum_start + fields.checksum_offset + 2 <= packet_bytes;
}

void tcpip_virtio_net_encode(uint8_t *out, size_t header_bytes, const struct tcpip_virtio_net_fields *fields)
{
    ASSERT(header_bytes == TCPIP_VIRTIO_NET_BYTES || header_bytes == TCPIP_VIRTIO_NET_MRG_BYTES);
    out[0] = fields->flags;
    out[1] = fields->gso_type;
    tcpip_store_le16(out + 2, fields->header_length);
    tcpip_store_le16(out + 4, fields->gso_size);
    tcpip_store_le16(out + 6, fields->checksum_start);
    tcpip_store_le16(out + 8, fields->checksum_offset);
    if (header_bytes == TCPIP_VIRTIO_NET_MRG_BYTES)
        tcpip_store_le16(out + 10, fields->num_buffers);
}

void tcpip_virtio_net_decode(const uint8_t *p, size_t header_bytes, struct tcpip_virtio_net_fields *out)
{
    ASSERT(header_bytes == TCPIP_VIRTIO_NET_BYTES || header_bytes == TCPIP_VIRTIO_NET_MRG_BYTES);
    *out = (struct tcpip_virtio_net_fields){
        .flags = p[0],
        .gso_type = p[1],
        .header_length = tcpip_load_le16(p + 2),
        .gso_size = tcpip_load_le16(p + 4),
        .checksum_start = tcpip_load_le16(p + 6),
        .checksum_offset = tcpip_load_le16(p + 8),
        .num_buffers = header_bytes == TCPIP_VIRTIO_NET_MRG_BYTES ? tcpip_load_le16(p + 10) : (uint16_t)1,
    };
}
