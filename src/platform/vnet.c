// SPDX-License-Identifier: MIT
/* vnet.c: a packet's offload state <-> the virtio-net header before it.
 *
 * The header comes from another program or another machine's kernel and is believed by everything above: a checksum is
 * written where it points, a super-segment is counted by its size. So beside what header/virtio_net checks (nothing
 * points outside the packet), each claim is held against the packet's own headers here: a TCPv4 super-segment is an
 * IPv4 packet with TCP in it, its checksum is TCP's, and it has payload. The header's own "header length" is a hint by
 * its definition and isn't used.
 *
 * Not here:    software segmentation for links that can't (stack/gso). */
#include "platform/vnet.h"

#include "base/math.h"

#include <tcpip/address.h>
#include <tcpip/header/bytes.h>

enum {
    IPV4_MIN = 20,
    IPV4_PROTOCOL = 9,
    IPV6_FIXED = 40,
    IPV6_NEXT_HEADER = 6,
    TCP_MIN = 20,
    TCP_DATA_OFFSET = 12,
    TCP_FLAGS = 13,
    TCP_CWR = 0x80,
    TCP_CHECKSUM = 16,
    UDP_BYTES = 8,
    UDP_CHECKSUM = 6,
};

/* ---- out ---- */

static bool vnet_encode_gso(const struct tcpip_packet *packet, struct tcpip_virtio_net_fields *fields)
{
    uint8_t front[TCP_FLAGS + 1] = {0};
    uint32_t transport = packet->checksum_start, header_bytes = UDP_BYTES;
    if (packet->gso == TCPIP_GSO_UDP) {
        fields->gso_type = TCPIP_VIRTIO_NET_GSO_UDP_L4;
    } else {
        if (tcpip_packet_copy_out(packet, transport, front, sizeof(front)) != sizeof(front))
            return false;
        header_bytes = (uint32_t)(front[TCP_DATA_OFFSET] >> 4) * 4;
        fields->gso_type = packet->gso == TCPIP_GSO_TCPV4 ? TCPIP_VIRTIO_NET_GSO_TCPV4 : TCPIP_VIRTIO_NET_GSO_TCPV6;
        /* RFC 3168 6.1.2: CWR belongs on the first segment only. */
        if ((front[TCP_FLAGS] & TCP_CWR) != 0)
            fields->gso_type |= TCPIP_VIRTIO_NET_GSO_ECN;
    }
    if (packet->gso_size == 0 || transport + header_bytes > packet->length)
        return false;
    fields->gso_size = packet->gso_size;
    fields->header_length = (uint16_t)(transport + header_bytes);
    return true;
}

bool tcpip__vnet_encode(const struct tcpip_packet *packet, uint8_t *out, uint32_t header_bytes)
{
    struct tcpip_virtio_net_fields fields = {0};
    if (packet->checksum == TCPIP_CHECKSUM_PARTIAL) {
        fields.flags = TCPIP_VIRTIO_NET_NEEDS_CSUM;
        fields.checksum_start = packet->checksum_start;
        fields.checksum_offset = packet->checksum_offset;
        if ((uint32_t)packet->checksum_start + packet->checksum_offset + 2 > packet->length)
            return false;
    }
    if (packet->gso != TCPIP_GSO_NONE) {
        /* Each segment needs a sum of its own, so the whole one can't be complete. */
        if (packet->checksum != TCPIP_CHECKSUM_PARTIAL || !vnet_encode_gso(packet, &fields))
            return false;
    }
    tcpip_virtio_net_encode(out, header_bytes, &fields);
    return true;
}

/* ---- in ---- */

/* Where the transport header begins and which it is, by the packet itself. False: malformed. */
static bool vnet_find_transport(struct tcpip_packet *packet, uint32_t network_offset, uint32_t *transport,
                                uint8_t *protocol, bool *v6)
{
    const uint8_t *ip = tcpip_packet_pull(packet, network_offset, IPV4_MIN);
    if (ip == NULL)
        return false;
    *v6 = ip[0] >> 4 == 6;
    if (ip[0] >> 4 == 4) {
        uint32_t header_bytes = (uint32_t)(ip[0] & 0x0f) * 4;
        *transport = network_offset + header_bytes;
        *protocol = ip[IPV4_PROTOCOL];
        return header_bytes >= IPV4_MIN;
    }
    *transport = network_offset + IPV6_FIXED;
    *protocol = ip[IPV6_NEXT_HEADER];
    return *v6;
}

/* Is the checksum that the header names the transport protocol's own? Behind IPv6 extension headers its start says
 * where the transport header is; they are parsed above. */
static bool vnet_checksum_is_own(const struct tcpip_virtio_net_fields *fields, bool tcp, bool v6, uint32_t *transport,
                                 uint8_t *protocol)
{
    if ((fields->flags & TCPIP_VIRTIO_NET_NEEDS_CSUM) == 0)
        return true;
    if (fields->checksum_offset != (tcp ? TCP_CHECKSUM : UDP_CHECKSUM))
        return false;
    if (v6 && fields->checksum_start > *transport) {
        *transport = fields->checksum_start;
        *protocol = tcp ? TCPIP_PROTOCOL_TCP : TCPIP_PROTOCOL_UDP;
    }
    return fields->checksum_start == *transport;
}

static bool vnet_decode_gso(struct tcpip_packet *packet, const struct tcpip_virtio_net_fields *fields,
                            uint32_t network_offset)
{
    uint8_t type = fields->gso_type & (uint8_t)~TCPIP_VIRTIO_NET_GSO_ECN, protocol;
    bool tcp = type != TCPIP_VIRTIO_NET_GSO_UDP_L4, v6;
    uint32_t transport;
    if (type == TCPIP_VIRTIO_NET_GSO_UDP) /* IP fragmentation by the receiver: never asked for */
        return false;
    if (!vnet_find_transport(packet, network_offset, &transport, &protocol, &v6) ||
        !vnet_checksum_is_own(fields, tcp, v6, &transport, &protocol))
        return false;
    if (protocol != (tcp ? TCPIP_PROTOCOL_TCP : TCPIP_PROTOCOL_UDP) ||
        (tcp && v6 != (type == TCPIP_VIRTIO_NET_GSO_TCPV6)))
        return false;
    uint32_t header_bytes = UDP_BYTES;
    const uint8_t *front = tcpip_packet_pull(packet, transport, tcp ? TCP_MIN : UDP_BYTES);
    if (front == NULL)
        return false;
    if (tcp)
        header_bytes = (uint32_t)(front[TCP_DATA_OFFSET] >> 4) * 4;
    if ((tcp && header_bytes < TCP_MIN) || transport + header_bytes >= packet->length)
        return false;
    uint32_t payload = packet->length - transport - header_bytes;
    if (payload <= fields->gso_size) /* a single segment is an ordinary packet */
        return true;
    packet->gso = (uint8_t)(!tcp ? TCPIP_GSO_UDP : v6 ? TCPIP_GSO_TCPV6 : TCPIP_GSO_TCPV4);
    packet->gso_size = fields->gso_size;
    packet->gso_segments = (uint16_t)((payload + fields->gso_size - 1) / fields->gso_size); /* payload < 64 Ki */
    return true;
}

bool tcpip__vnet_decode(struct tcpip_packet *packet, const uint8_t *header, uint32_t header_bytes,
                        uint32_t network_offset)
{
    struct tcpip_virtio_net_fields fields;
    if (!tcpip_virtio_net_check(header, header_bytes, header_bytes, packet->length))
        return false;
    tcpip_virtio_net_decode(header, header_bytes, &fields);
    if ((fields.flags & TCPIP_VIRTIO_NET_NEEDS_CSUM) != 0) {
        /* No transport checksum lies in front of the network header's end. */
        if (fields.checksum_start < network_offset + IPV4_MIN)
            return false;
        packet->checksum = TCPIP_CHECKSUM_PARTIAL;
        packet->checksum_start = fields.checksum_start;
        packet->checksum_offset = fields.checksum_offset;
    } else if ((fields.flags & TCPIP_VIRTIO_NET_DATA_VALID) != 0) {
        packet->checksum = TCPIP_CHECKSUM_VERIFIED;
    }
    return fields.gso_type == TCPIP_VIRTIO_NET_GSO_NONE || vnet_decode_gso(packet, &fields, network_offset);
}
