// SPDX-License-Identifier: MIT
/* print.h: one packet as one line of text, in tcpdump's notation. Pure functions; any bytes are safe to print.
 *
 *   IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [S], seq 1, win 65535, options [mss 1460,sackOK,nop,nop], length 0
 *
 * Sequence numbers are printed as they are on the wire: there is no memory of the connection to make them relative. */
#ifndef TCPIP_HEADER_PRINT_H
#define TCPIP_HEADER_PRINT_H

#include <tcpip/address.h>

TCPIP_BEGIN_DECLS

/* First protocols besides TCPIP_PROTOCOL_IPV4, TCPIP_PROTOCOL_IPV6 and TCPIP_PROTOCOL_ARP. */
#define TCPIP_PRINT_ETHERNET 0x6558u /* an Ethernet frame (its own EtherType) */
#define TCPIP_PRINT_IP 0u            /* IPv4 or IPv6, by the version nibble */

#define TCPIP_PACKET_TEXT_MAX 512u /* enough for all but the strangest packet */

/* Prints the packet into out[size]: terminated whenever size > 0, cut off if it doesn't fit. Returns the length of what
 * was written, without the terminating zero. */
TCPIP_API size_t tcpip_packet_print(char *out, size_t size, const uint8_t *bytes, size_t length,
                                    uint32_t first_protocol);
/* The same for a packet of `packet_bytes` of which only the first `front_bytes` are at hand: lengths come out true, and
 * what lies beyond the front is marked [|tcp]. */
TCPIP_API size_t tcpip_packet_print_front(char *out, size_t size, const uint8_t *front, size_t front_bytes,
                                          size_t packet_bytes, uint32_t first_protocol);

TCPIP_END_DECLS

#endif
