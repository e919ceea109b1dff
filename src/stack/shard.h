// SPDX-License-Identifier: MIT
/* shard.h: is a flow this shard's? (tcpip/shard.h) */
#ifndef TCPIP_SRC_STACK_SHARD_H
#define TCPIP_SRC_STACK_SHARD_H

#include "stack/demux.h"

/* True, too, if the stack isn't one of several. */
bool tcpip__shard_is_home(const struct tcpip_stack *stack, uint8_t transport, const struct flow *flow);

#endif
