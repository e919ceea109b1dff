// SPDX-License-Identifier: MIT
/* condition.h: what a script asserts of the inside: a connection's tcpip_tcp_info, and the stack's counters. */
#ifndef TCPIP_TESTS_SCRIPT_CONDITION_H
#define TCPIP_TESTS_SCRIPT_CONDITION_H

#include "world.h"

/* True if all hold; else why[WORLD_WHY_MAX] says which doesn't. */
bool condition_check(struct world *world, const struct assert_spec *assert, char *why);

#endif
