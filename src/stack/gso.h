// SPDX-License-Identifier: MIT
/* gso.h: doing for a link what it cannot do: cutting super-segments, completing checksums. */
#ifndef TCPIP_SRC_STACK_GSO_H
#define TCPIP_SRC_STACK_GSO_H

#include "stack/stack.h"

/* Cuts a network packet with gso set and a PARTIAL checksum into packets of at most gso_size payload bytes each, which
 * share its payload; takes it. Their checksums are PARTIAL. Out of memory: the segments made so far are in `out`, the
 * rest is dropped. */
void tcpip__gso_segment(struct tcpip_packet *packet, struct tcpip_packet_list *out);
/* A UDP super-packet from a link becomes the datagrams it stands for, which are what a socket is promised; takes it.
 * Nothing that it says of itself is believed unseen. Malformed, or more datagrams than anybody sends at once: dropped.
 */
void tcpip__gso_split(struct tcpip_packet *packet, struct tcpip_packet_list *out);
/* PARTIAL becomes complete. */
void tcpip__checksum_complete(struct tcpip_packet *packet);

#endif
