// SPDX-License-Identifier: MIT
/* header_udp.c: fuzzes the UDP header: what was read is written again the same.
 *
 * Input: a byte of how much lies in front, then a datagram without its IP header. */
#include "fuzz_env.h"

#include <string.h>

#include <tcpip/header/udp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t front = data[0] < size - 1 ? data[0] : size - 1;
    uint8_t *p = fuzz_copy(data + 1, front), out[TCPIP_UDP_HEADER_BYTES];
    struct tcpip_udp_fields fields;
    if (tcpip_udp_header_check(p, front, size - 1)) {
        tcpip_udp_decode(p, &fields);
        REQUIRE(fields.length >= TCPIP_UDP_HEADER_BYTES && fields.length <= size - 1);
        REQUIRE(fields.length == tcpip_udp_length(p) && fields.checksum == tcpip_udp_checksum(p));
        REQUIRE(fields.source_port == tcpip_udp_source_port(p) &&
                fields.destination_port == tcpip_udp_destination_port(p));
        tcpip_udp_encode(out, &fields);
        REQUIRE(memcmp(p, out, sizeof(out)) == 0);
    }
    free(p);
    return 0;
}
