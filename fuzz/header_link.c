// SPDX-License-Identifier: MIT
/* header_link.c: fuzzes what stands in front of an IP packet: Ethernet, ARP, GUE and virtio-net headers.
 *
 * Input: a frame, taken for each of them. Asserted: what was read is written again the same. */
#include "fuzz_env.h"

#include <string.h>

#include <tcpip/header/arp.h>
#include <tcpip/header/ethernet.h>
#include <tcpip/header/gue.h>
#include <tcpip/header/virtio_net.h>

static void ethernet(const uint8_t *p, size_t size)
{
    uint8_t out[TCPIP_ETHERNET_HEADER_MIN];
    struct tcpip_ethernet_fields fields;
    if (!tcpip_ethernet_header_check(p, size))
        return;
    tcpip_ethernet_decode(p, &fields);
    tcpip_ethernet_encode(out, &fields);
    REQUIRE(memcmp(p, out, sizeof(out)) == 0 && fields.type >= TCPIP_ETHERNET_TYPE_MIN);
    REQUIRE(!tcpip_ethernet_address_is_broadcast(p) || tcpip_ethernet_address_is_group(p));
    REQUIRE(!tcpip_ethernet_address_is_unicast(p) || !tcpip_ethernet_address_is_group(p));
    struct tcpip_address group = {.len = (p[0] & 1) != 0 ? 4 : 16};
    memcpy(group.bytes, p + TCPIP_ETHERNET_HEADER_MIN - group.len % 16, group.len % 16);
    group.bytes[0] = group.len == 4 ? 224 : 0xff;
    REQUIRE(tcpip_ethernet_address_is_group(tcpip_ethernet_multicast(&group).bytes));
}

static void arp(const uint8_t *p, size_t size)
{
    uint8_t out[TCPIP_ARP_BYTES];
    struct tcpip_arp_fields fields;
    if (!tcpip_arp_check(p, size))
        return;
    tcpip_arp_decode(p, &fields);
    REQUIRE(fields.target_address + 4 == p + TCPIP_ARP_BYTES);
    tcpip_arp_encode(out, &fields);
    REQUIRE(memcmp(p, out, sizeof(out)) == 0);
}

static void gue(const uint8_t *p, size_t size)
{
    uint8_t out[TCPIP_GUE_HEADER_MIN];
    struct tcpip_gue_fields fields;
    size_t header_bytes;
    if (!tcpip_gue_header_check(p, size, &header_bytes))
        return;
    tcpip_gue_decode(p, &fields);
    REQUIRE(header_bytes == fields.header_bytes && header_bytes <= size && header_bytes <= TCPIP_GUE_HEADER_MAX);
    tcpip_gue_encode(out, &fields);
    REQUIRE(memcmp(p, out, sizeof(out)) == 0);
}

static void virtio_net(const uint8_t *p, size_t size, size_t form)
{
    uint8_t out[TCPIP_VIRTIO_NET_MRG_BYTES];
    struct tcpip_virtio_net_fields fields;
    if (size < form || !tcpip_virtio_net_check(p, size, form, size - form))
        return;
    tcpip_virtio_net_decode(p, form, &fields);
    tcpip_virtio_net_encode(out, form, &fields);
    REQUIRE(memcmp(p, out, form) == 0);
    if ((fields.flags & TCPIP_VIRTIO_NET_NEEDS_CSUM) != 0)
        REQUIRE(form + fields.checksum_start + fields.checksum_offset + 2u <= size);
    if (fields.gso_type != TCPIP_VIRTIO_NET_GSO_NONE)
        REQUIRE(fields.gso_size > 0);
    REQUIRE(form + fields.header_length <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *p = fuzz_copy(data, size);
    ethernet(p, size);
    arp(p, size);
    gue(p, size);
    virtio_net(p, size, TCPIP_VIRTIO_NET_BYTES);
    virtio_net(p, size, TCPIP_VIRTIO_NET_MRG_BYTES);
    free(p);
    return 0;
}
