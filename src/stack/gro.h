// SPDX-License-Identifier: MIT
/* gro.h: merging what a sender or the network has cut. */
#ifndef TCPIP_SRC_STACK_GRO_H
#define TCPIP_SRC_STACK_GRO_H

#include "stack/stack.h"

/* Merges TCP segments of one batch, which is changed in place; the order within each flow stays. Returns how many
 * packets went into others. */
uint32_t tcpip__gro_batch(struct tcpip_packet_list *packets);

#endif
