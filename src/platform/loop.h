// SPDX-License-Identifier: MIT
/* loop.h: what the loop shows to its tests. */
#ifndef TCPIP_SRC_PLATFORM_LOOP_H
#define TCPIP_SRC_PLATFORM_LOOP_H

#include "base/compiler.h"

#include <tcpip/loop.h>

/* Waits as on a kernel without epoll_pwait2. NO_BUFFER_SPACE: no descriptors left. */
must_use enum tcpip_error tcpip__loop_use_timerfd(struct tcpip_loop *loop);

#endif
