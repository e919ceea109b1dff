// SPDX-License-Identifier: MIT
/* ports.h: the port manager on a stack's own memory; what it does: tcpip/ports.h. */
#ifndef TCPIP_SRC_PORTS_PORTS_H
#define TCPIP_SRC_PORTS_PORTS_H

#include "base/memory.h"
#include <tcpip/ports.h>

/* `memory` outlives it. NULL: out of memory. */
must_use struct tcpip_port_manager *tcpip__port_manager_new(struct memory *memory);
/* What is still reserved goes with it. */
void tcpip__port_manager_free(struct tcpip_port_manager *manager);

/* Ephemeral ports are chosen from a part of the range, lowest | highest << 16, until it is 0 again: for one call of an
 * endpoint that has PORT_RANGE. */
void tcpip__port_manager_narrow(struct tcpip_port_manager *manager, uint32_t range);
/* As set. */
void tcpip__port_manager_range(const struct tcpip_port_manager *manager, uint16_t *first, uint16_t *last);
/* Reserves key->port (not 0) whatever conflicts: for who is there already, as a connection that was accepted on it.
 * False: out of memory. */
must_use bool tcpip__port_manager_hold(struct tcpip_port_manager *manager, const struct tcpip_port_key *key);

#endif
