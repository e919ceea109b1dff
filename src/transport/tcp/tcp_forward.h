// SPDX-License-Identifier: MIT
/* tcp_forward.h: what the other hands tell the forwarder. */
#ifndef TCPIP_SRC_TCP_TCP_FORWARD_H
#define TCPIP_SRC_TCP_TCP_FORWARD_H

#include "transport/tcp/tcp.h"

/* A SYN without a listener; true: taken. */
bool tcpip__tcp_forward_input(struct tcpip_stack *stack, struct tcp_segment *segment);
/* What comes for a flow whose SYN is deferred. Takes the packet. */
void tcpip__tcp_forward_deferred_input(struct tcpip_stack *stack, struct demux_entry *entry,
                                       struct tcp_segment *segment);
/* A handshake that was in flight is over; `counted`: with its source. */
void tcpip__tcp_forward_finished(struct tcp_stack *tcp, const uint8_t *source, bool counted);
/* A half-open record has become this endpoint. */
void tcpip__tcp_forward_established(struct tcp_endpoint *ep, bool counted);
/* An endpoint with forward_pending is established; one with that, or forward_counted, leaves the network. */
void tcpip__tcp_forward_opened(struct tcp_endpoint *ep);
void tcpip__tcp_forward_closed(struct tcp_endpoint *ep);
void tcpip__tcp_forward_init(struct tcp_stack *tcp);
void tcpip__tcp_forward_fini(struct tcp_stack *tcp);

#endif
