// SPDX-License-Identifier: MIT
/* udp.c: the UDP header.
 *
 * Not here: the checksum over pseudo-header and data, which the stack sums where it has them
 * (tcpip_checksum_finish_udp). */
#include <tcpip/header/udp.h>

void tcpip_udp_encode(uint8_t *out, const struct tcpip_udp_fields *fields)
{
    tcpip_store_u16(out, fields->source_port);
    tcpip_store_u16(out + 2, fields->destination_port);
    tcpip_store_u16(out + 4, fields->length);
    tcpip_store_u16(out + 6, fields->checksum);
}

void tcpip_udp_decode(const uint8_t *p, struct tcpip_udp_fields *out)
{
    *out = (struct tcpip_udp_fields){
        .source_port = tcpip_udp_source_port(p),
        .destination_port = tcpip_udp_destination_port(p),
        .length = tcpip_udp_length(p),
        .checksum = tcpip_udp_checksum(p),
    };
}
