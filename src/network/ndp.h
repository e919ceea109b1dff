// SPDX-License-Identifier: MIT
/* ndp.h: IPv6 neighbour discovery: solicitations and advertisements, both ways, and duplicate address detection. */
#ifndef TCPIP_SRC_NETWORK_NDP_H
#define TCPIP_SRC_NETWORK_NDP_H

#include "stack/nic.h"

/* A neighbour discovery message (ICMPv6 types 133 to 137) whose checksum is right; takes it. */
void tcpip__ndp_input(struct tcpip_nic *nic, struct tcpip_packet *packet);

/* tcpip_ipv6's. */
void tcpip__ndp_solicit(struct tcpip_nic *nic, const uint8_t *target, const struct tcpip_link_address *link);
void tcpip__ndp_address_added(struct tcpip_nic *nic, const uint8_t *bytes);
void tcpip__ndp_address_removed(struct tcpip_nic *nic, const uint8_t *bytes);

#endif
