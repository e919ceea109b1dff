// SPDX-License-Identifier: MIT
/* tcp_fold.h: an established connection at rest, folded into its handle: what its endpoint is made of again when
 * something happens. How and when: tcp_fold.c. */
#ifndef TCPIP_SRC_TCP_TCP_FOLD_H
#define TCPIP_SRC_TCP_TCP_FOLD_H

#include "transport/tcp/tcp_handle.h"

struct tcp_endpoint;

/* Is it at rest: nothing on the way, nothing waiting but for keepalive? */
bool tcpip__tcp_foldable(const struct tcp_endpoint *ep, tcpip_ns now);
/* The endpoint goes, if it is at rest and its memory can be had back; false: it stays. Nobody may hold it. */
bool tcpip__tcp_fold(struct tcp_endpoint *ep);
/* The endpoint, made again if it was folded; NULL: out of memory, or it is gone because its application has closed it
 * meanwhile. */
struct tcp_endpoint *tcpip__tcp_unfold(struct tcpip_endpoint *endpoint);
/* What a folded one leads to; as above. */
struct tcp_endpoint *tcpip__tcp_unfold_entry(struct demux_entry *entry);
/* To look at only, and for as long as nothing happens: `copy` is made if it is folded. Without a route then. */
const struct tcp_endpoint *tcpip__tcp_look(const struct tcpip_endpoint *endpoint, struct tcp_endpoint *copy);
/* What a copy hasn't; to be released. Changes nothing else, as tcpip__tcp_route might. */
void tcpip__tcp_look_route(struct tcp_endpoint *copy);
/* It isn't counted with its source any more (forward_source.h). */
void tcpip__tcp_fold_uncount(struct tcp_handle *handle);
struct tcp_stack;
/* tcp_protocol.c: the stack is going. Frees all but the memory of `ep`, which is a copy. */
void tcpip__tcp_abandon_folded(struct tcp_endpoint *ep);
/* tcp_timers.c: its keepalive deadline is set, the node stands as it should. */
void tcpip__tcp_timers_unfold(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_keepalive_due(struct tcp_endpoint *ep, tcpip_ns now);
void tcpip__tcp_fold_init(struct tcp_stack *tcp);
void tcpip__tcp_fold_fini(struct tcp_stack *tcp);

#endif
