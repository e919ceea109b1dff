// SPDX-License-Identifier: MIT
/* save.h: live connections and whole stacks as bytes, to go on elsewhere: in another process, on another machine, after
 * a restart. The peers notice a pause.
 *
 * What is saved is exact (data in flight, out of order, written and not sent, received and not read, windows, timers,
 * options, counters) and independent of the machine: little-endian, without pointers, with all instants relative. What
 * begins anew, and what the bytes look like, is in docs/save.md. They hold the stack's keys and the users' data: guard
 * them as you would guard those.
 *
 * Restoring takes bytes from anywhere: what isn't right is refused, and nothing is left behind. */
#ifndef TCPIP_SAVE_H
#define TCPIP_SAVE_H

#include <tcpip/stack.h>

TCPIP_BEGIN_DECLS

/* ---- one endpoint ---- */

/* To move a connection:
 *
 *     tcpip_endpoint_freeze(endpoint);                         nothing changes from here on
 *     tcpip_endpoint_save(endpoint, out, size, &bytes);        as often as you like
 *     ... tcpip_endpoint_restore() there ...
 *     tcpip_endpoint_forget(endpoint);                         or, if it failed there, _thaw
 */

/* The endpoint stands still: what the peer sends is dropped (TCP_FROZEN; it will say it again), no timer fires, nothing
 * is sent, and calls answer INVALID_ENDPOINT_STATE, but for addresses and options that are only read; it is ready for
 * nothing. Closing thaws it first. Twice does nothing. INVALID_ENDPOINT_STATE: it listens; NOT_SUPPORTED: it isn't TCP.
 */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_freeze(struct tcpip_endpoint *endpoint);
/* It goes on; timers that were due meanwhile fire. The same errors. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_thaw(struct tcpip_endpoint *endpoint);

/* Writes all that the endpoint is into out[size] and says in *bytes how much that is; NO_BUFFER_SPACE: it is more than
 * `size` (with 0, out may be NULL; the contents are of no use then). The endpoint doesn't change, frozen or not, and
 * nothing is allocated. TCP in every state, UDP and ping; NOT_SUPPORTED: others. MESSAGE_TOO_LONG: over 4 GB. A
 * listener is saved without what waits in it, half open or to be accepted. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_save(struct tcpip_endpoint *endpoint, void *out, size_t size,
                                                              size_t *bytes);
/* Closes it without a word to the peer: no FIN, no RST, no record of TIME-WAIT; its port is free. For who has it
 * elsewhere now. As with close, no waiter of it runs afterwards. */
TCPIP_API void tcpip_endpoint_forget(struct tcpip_endpoint *endpoint);

struct tcpip_saved_nic {
    uint32_t id, mtu;
    const char *name; /* good during the callback */
};

struct tcpip_restore_options {
    size_t size;
    /* How long ago it was saved, as far as the caller knows: timers have run so far meanwhile; else they haven't. */
    tcpip_ns elapsed_ns;
    void *ctx;
    /* Of a stack: the link of a NIC that was saved, and in *options what isn't saved (on_state, ctx; name and disabled
     * are). *link NULL: there is no such NIC any more; its addresses and routes go with it. Another result than OK ends
     * restoring with it. Runs inside: must not enter the stack. NULL: no NIC has one. */
    enum tcpip_error (*link)(void *ctx, const struct tcpip_saved_nic *nic, struct tcpip_link **link,
                             struct tcpip_nic_options *options);
    /* Of a stack: when all went well, for each endpoint that was open, in the order of saving, with the tag it was
     * saved with. May enter the stack. NULL: they wait for nobody, and live until the stack is freed. */
    void (*endpoint)(void *ctx, uint64_t tag, struct tcpip_endpoint *endpoint);
};

/* An endpoint from what tcpip_endpoint_save wrote, in a stack that has its local address and a way to its peer. A
 * connection goes on at once, beginning with a probe that asks its peer how far it is; waiters are registered anew.
 * options may be NULL. MALFORMED_HEADER: not what was written, or not whole; NOT_SUPPORTED: written by a later version
 * with something that mustn't be left out, or by a protocol that this stack hasn't; PORT_IN_USE: so is the port, or the
 * flow; BAD_LOCAL_ADDRESS, NO_ROUTE, LIMIT_REACHED, NO_BUFFER_SPACE, NO_MEMORY. On error the stack is as it was. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_restore(struct tcpip_stack *stack, const void *data,
                                                                 size_t bytes,
                                                                 const struct tcpip_restore_options *options,
                                                                 struct tcpip_endpoint **out);

/* ---- a whole stack ---- */

struct tcpip_save_options {
    size_t size;
    void *ctx;
    /* A number by which the caller knows an open endpoint again. Runs inside: must not enter. NULL: 0 for each. */
    uint64_t (*tag)(void *ctx, struct tcpip_endpoint *endpoint);
};

/* Writes all that the stack is, as tcpip_endpoint_save does: NICs, addresses, routes, neighbours, defaults, keys,
 * counters, endpoints, what waits to be accepted, half-open and TIME-WAIT records. Packets in queues are not: they
 * count as lost on the way. The stack doesn't change; not inside a turn. Whoever then frees it with tcpip_stack_free,
 * without another turn, has said nothing to anybody. options may be NULL. NOT_SUPPORTED: there are unix endpoints;
 * close them first. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_save(struct tcpip_stack *stack,
                                                           const struct tcpip_save_options *options, void *out,
                                                           size_t size, size_t *bytes);
/* A stack from what tcpip_stack_save wrote. env, limits and protocols as for tcpip_stack_new; controllers that aren't
 * the library's are registered afterwards, and set. Forwarder and transport handlers are set anew. The errors of
 * tcpip_endpoint_restore, of tcpip_stack_new and tcpip_stack_create_nic, and of options->link; no stack then, and the
 * links are the caller's again. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_restore(const struct tcpip_env *env,
                                                              const struct tcpip_limits *limits,
                                                              const struct tcpip_protocols *protocols, const void *data,
                                                              size_t bytes, const struct tcpip_restore_options *options,
                                                              struct tcpip_stack **out);

TCPIP_END_DECLS

#endif
