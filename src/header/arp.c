// SPDX-License-Identifier: MIT
/* arp.c: ARP messages for IPv4 over Ethernet.
 *
 * ARP says its own address lengths; a receiver that believed them would read where they point. Only the one combination
 * is taken, so every field has a fixed place. */
#include <tcpip/header/arp.h>

#include <string.h>

enum { ARP_HARDWARE_ETHERNET = 1, ARP_PROTOCOL_IPV4 = 0x0800, ARP_LENGTHS = 0x0604 };

bool tcpip_arp_check(const uint8_t *p, size_t front_bytes)
{
    return front_bytes >= TCPIP_ARP_BYTES && tcpip_load_u16(p) == ARP_HARDWARE_ETHERNET &&
           tcpip_load_u16(p + 2) == ARP_PROTOCOL_IPV4 && tcpip_load_u16(p + 4) == ARP_LENGTHS;
}

void tcpip_arp_encode(uint8_t *out, const struct tcpip_arp_fields *fields)
{
    tcpip_store_u16(out, ARP_HARDWARE_ETHERNET);
    tcpip_store_u16(out + 2, ARP_PROTOCOL_IPV4);
    tcpip_store_u16(out + 4, ARP_LENGTHS);
    tcpip_store_u16(out + 6, fields->operation);
    memcpy(out + 8, fields->sender_link, 6);
    memcpy(out + 14, fields->sender_address, 4);
    if (fields->target_link)
        memcpy(out + 18, fields->target_link, 6);
    else
        memset(out + 18, 0, 6);
    memcpy(out + 24, fields->target_address, 4);
}

void tcpip_arp_decode(const uint8_t *p, struct tcpip_arp_fields *out)
{
    *out = (struct tcpip_arp_fields){
        .operation = tcpip_arp_operation(p),
        .sender_link = tcpip_arp_sender_link(p),
        .target_link = tcpip_arp_target_link(p),
        .sender_address = tcpip_arp_sender_address(p),
        .target_address = tcpip_arp_target_address(p),
    };
}
