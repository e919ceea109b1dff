// SPDX-License-Identifier: MIT
/* zero_copy.h: writes that leave the bytes where they are, in the application's memory (TCPIP_WRITE_ZERO_COPY). */
#ifndef TCPIP_SRC_STACK_ZERO_COPY_H
#define TCPIP_SRC_STACK_ZERO_COPY_H

#include "stack/route.h"
#include "stack/stack.h"

enum { ZERO_COPY_CALLS_MAX = 1024 }; /* of an endpoint, not told yet: each keeps memory here and pages there */

/* A call of the application's: until nothing refers to its memory any more. */
struct zero_copy {
    struct tcpip_list_node node;     /* in the order of the calls, while the endpoint is open */
    struct tcpip_endpoint *endpoint; /* NULL: closed */
    struct tcpip_stack *stack;
    struct list pieces;
    uint32_t refs;        /* pieces, marks, and the call itself while it goes on */
    uint32_t first, last; /* numbers, if counted; copies beyond the limit share one record */
    bool counted;         /* something was taken */
    bool shared;          /* a copy beyond the limit is being added to it */
    bool copied;          /* at least some of it */
};

/* What an endpoint keeps of its calls, in its error queue. */
struct zero_copy_calls {
    struct list list;
    struct zero_copy *unfinished; /* the next write goes on with it */
    uint32_t count, next_id;
};

void tcpip__zero_copy_init(struct zero_copy_calls *calls);
/* Would somebody on this host, or behind the link, hold on to the writer's memory? Then a copy is better. */
bool tcpip__zero_copy_held(const struct tcpip_route *route);
/* A write begins, or goes on with the one before. `copies`: its bytes will be copied. NULL: too many aren't told yet,
 * or no memory. */
must_use struct zero_copy *tcpip__zero_copy_begin(struct tcpip_endpoint *endpoint, bool copies);
/* A view on the application's memory, with a reference; false: no memory. */
must_use bool tcpip__zero_copy_view(struct zero_copy *call, const void *data, size_t size, struct tcpip_view *out);
/* The write is over; `taken`: it counts; `more`: the call goes on with the next write. */
void tcpip__zero_copy_end(struct zero_copy *call, bool taken, bool more);
/* No write goes on with the last one. */
void tcpip__zero_copy_finish(struct tcpip_endpoint *endpoint);
/* Drops a reference. */
void tcpip__zero_copy_unref(struct zero_copy *call);
/* Before the endpoint is closed: its application won't hear of its memory any more, so what is still referred to is
 * copied now. False: without memory for that; nothing more of it may be sent. */
bool tcpip__zero_copy_adopt(struct tcpip_endpoint *endpoint);
/* The endpoint goes: nobody is told. */
void tcpip__zero_copy_forget(struct zero_copy_calls *calls);

#endif
