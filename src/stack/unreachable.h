// SPDX-License-Identifier: MIT
/* unreachable.h: telling the sender of a packet that it could not be delivered on the last hop. */
#ifndef TCPIP_SRC_STACK_UNREACHABLE_H
#define TCPIP_SRC_STACK_UNREACHABLE_H

#include "stack/nic.h"

/* Loses a network packet that waited for a neighbour of `nic`, and tells who sent it: our own transport protocol at
 * once, without a packet; the source of a forwarded one by ICMP (RFC 4861 7.2.2, RFC 1812 5.2.7.1). Takes it. */
void tcpip__packet_unreachable(struct tcpip_nic *nic, struct tcpip_packet *packet);

#endif
