// SPDX-License-Identifier: MIT
/* ethernet.c: Ethernet II headers and the addresses of multicast groups.
 *
 * Not here: tags (a tagged frame has the type TCPIP_ETHERNET_TYPE_VLAN; whoever wants to look behind it skips 4 bytes).
 */
#include <tcpip/header/ethernet.h>

#include <string.h>

#include "base/assert.h"

void tcpip_ethernet_encode(uint8_t *out, const struct tcpip_ethernet_fields *fields)
{
    memcpy(out, fields->destination, TCPIP_ETHERNET_ADDRESS_BYTES);
    memcpy(out + 6, fields->source, TCPIP_ETHERNET_ADDRESS_BYTES);
    tcpip_store_u16(out + 12, fields->type);
}

void tcpip_ethernet_decode(const uint8_t *p, struct tcpip_ethernet_fields *out)
{
    *out = (struct tcpip_ethernet_fields){
        .destination = tcpip_ethernet_destination(p),
        .source = tcpip_ethernet_source(p),
        .type = tcpip_ethernet_type(p),
    };
}

struct tcpip_link_address tcpip_ethernet_multicast(const struct tcpip_address *group)
{
    ASSERT(group->len == 4 || group->len == 16);
    struct tcpip_link_address link = {.len = TCPIP_ETHERNET_ADDRESS_BYTES};
    if (group->len == 4) {
        link.bytes[0] = 0x01;
        link.bytes[2] = 0x5e;
        link.bytes[3] = group->bytes[1] & 0x7f; /* 23 bits: 32 groups share an address */
        link.bytes[4] = group->bytes[2];
        link.bytes[5] = group->bytes[3];
    } else {
        link.bytes[0] = link.bytes[1] = 0x33;
        memcpy(link.bytes + 2, group->bytes + 12, 4);
    }
    return link;
}
