// SPDX-License-Identifier: MIT
/* limits.h: completing what a caller handed in as limits. The presets are public: tcpip/env.h. */
#ifndef TCPIP_SRC_BASE_LIMITS_H
#define TCPIP_SRC_BASE_LIMITS_H

#include <tcpip/env.h>

/* `out` becomes `given` with every zero, and every field beyond given->size, taken from the DEFAULT preset. given may
 * be NULL. */
void tcpip__limits_complete(const struct tcpip_limits *given, struct tcpip_limits *out);

#endif
