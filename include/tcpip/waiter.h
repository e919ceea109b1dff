// SPDX-License-Identifier: MIT
/* waiter.h: hearing that an endpoint became ready.
 *
 * A waiter hears at the end of each turn in which a cause in its mask recurred: new data while old data still wait
 * count, so edge-triggered use works. Spurious calls are allowed, lost ones never: register, then check readiness.
 * Callbacks run at the end of a turn, may enter the stack, remove any waiter, and close any endpoint. After close, no
 * waiter of that endpoint runs. */
#ifndef TCPIP_WAITER_H
#define TCPIP_WAITER_H

#include <tcpip/base.h>

TCPIP_BEGIN_DECLS

/* poll(2)'s bits. */
#define TCPIP_EVENT_IN 0x01u
#define TCPIP_EVENT_PRI 0x02u
#define TCPIP_EVENT_OUT 0x04u
#define TCPIP_EVENT_ERR 0x08u /* heard whether asked for or not, like HUP */
#define TCPIP_EVENT_HUP 0x10u
#define TCPIP_EVENT_RDHUP 0x2000u

/* Embed it. Memory is the caller's and must live until removed or the endpoint is closed. */
struct tcpip_waiter {
    struct tcpip_list_node node; /* zeroed: not registered */
    uint32_t mask;
    void (*fn)(struct tcpip_waiter *waiter, uint32_t ready);
};

TCPIP_END_DECLS

#endif
