// SPDX-License-Identifier: MIT
/* nics.h: the stack's NICs by the names and numbers that socket calls know. */
#ifndef TCPIP_SRC_SOCKET_NICS_H
#define TCPIP_SRC_SOCKET_NICS_H

#include <stddef.h>
#include <stdint.h>
#include <tcpip/address.h>

struct tcpip_stack;
struct tcpip_nic;

/* The id of the NIC of this name; 0: none. */
uint32_t tcpip__nic_by_name(const struct tcpip_stack *stack, const char *name);
/* The NIC after `nic` in order of creation, NULL: the first; NULL: no more. */
struct tcpip_nic *tcpip__nic_next(const struct tcpip_stack *stack, const struct tcpip_nic *nic);
/* Its first IPv4 address; false: it has none. */
bool tcpip__nic_primary_v4(const struct tcpip_stack *stack, uint32_t id, struct tcpip_prefix *out);

#endif
