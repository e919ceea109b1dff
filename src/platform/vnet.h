// SPDX-License-Identifier: MIT
/* vnet.h: a packet's offload state <-> the virtio-net header before it on a descriptor. */
#ifndef TCPIP_SRC_PLATFORM_VNET_H
#define TCPIP_SRC_PLATFORM_VNET_H

#include "base/compiler.h"

#include <tcpip/header/virtio_net.h>
#include <tcpip/packet.h>

/* Writes `header_bytes` (10 or 12) for a packet to be sent. False: the packet's own state makes no sense. */
must_use bool tcpip__vnet_encode(const struct tcpip_packet *packet, uint8_t *out, uint32_t header_bytes);
/* Takes over into a received packet what the header before it says. `network_offset`: bytes of link header in the
 * packet. False: it lies. */
must_use bool tcpip__vnet_decode(struct tcpip_packet *packet, const uint8_t *header, uint32_t header_bytes,
                                 uint32_t network_offset);

#endif
