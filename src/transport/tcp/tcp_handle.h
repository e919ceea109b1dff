// SPDX-License-Identifier: MIT
/* tcp_handle.h: what others point at when they mean a TCP endpoint: the application, the demultiplexer, the timers'
 * wheel. It stays where it is, whatever becomes of the connection. */
#ifndef TCPIP_SRC_TCP_TCP_HANDLE_H
#define TCPIP_SRC_TCP_TCP_HANDLE_H

#include "stack/demux.h"
#include <tcpip/protocol.h>
#include <tcpip/timer.h>

struct tcp_endpoint;

struct tcp_handle {
    struct tcpip_endpoint base;
    struct demux_entry demux; /* flow; linked while connected or connecting */
    struct tcpip_timer timer; /* the one node on the wheel */
    struct tcp_endpoint *ep;
};

static inline struct tcp_endpoint *tcp_of(struct tcpip_endpoint *endpoint)
{
    return TCPIP_CONTAINER_OF(endpoint, struct tcp_handle, base)->ep;
}
static inline const struct tcp_endpoint *tcp_of_const(const struct tcpip_endpoint *endpoint)
{
    return ((const struct tcp_handle *)(const void *)((const char *)endpoint - offsetof(struct tcp_handle, base)))->ep;
}
static inline struct tcp_endpoint *tcp_of_entry(const struct demux_entry *entry)
{
    return ((const struct tcp_handle *)(const void *)((const char *)entry - offsetof(struct tcp_handle, demux)))->ep;
}

#endif
