// SPDX-License-Identifier: MIT
/* unix.h: the unix endpoint and what its files share.
 *
 * Sending puts a message into the receiver's queue and charges the sender for it; reading takes it out and gives the
 * charge back. There is nothing in between: no packet, no flush, no timer. */
#ifndef TCPIP_SRC_TRANSPORT_UNIX_UNIX_H
#define TCPIP_SRC_TRANSPORT_UNIX_UNIX_H

#include "base/math.h"
#include "stack/option_block.h"
#include "stack/stack.h"
#include <tcpip/unix.h>

enum {
    /* A datagram receiver is full when more than so many messages wait: Linux's net.unix.max_dgram_qlen. Those of the
     * endpoint that it is connected to aren't held back by that, only by their sender's buffer. */
    UNIX_QUEUE_MAX = 10,
};

/* A name, as long as anybody shows it: its owner, endpoints accepted from him, peers and messages he left behind. */
struct unix_name {
    struct hash_node node;       /* while somebody may be found by it */
    struct tcpip_list_node all;  /* likewise: in unix_stack.names_all */
    struct unix_endpoint *owner; /* NULL: a path whose endpoint has closed */
    uint32_t refs;               /* the table's is one */
    uint8_t type;                /* enum tcpip_unix_type, of who made it */
    struct tcpip_unix_address address;
};

/* References under way. */
struct unix_references {
    struct tcpip_list_node node; /* in unix_stack.dropped */
    uint32_t next, count;        /* items [next, count) are ours */
    struct tcpip_unix_reference items[];
};

/* A piece of a message's data. */
struct unix_part {
    struct unix_part *next;
    struct tcpip_view view; /* holds a reference */
};

struct unix_message {
    struct tcpip_list_node node;  /* in its receiver's queue */
    struct tcpip_list_node sent;  /* in its sender's list while that lives */
    struct unix_endpoint *sender; /* NULL: closed */
    struct unix_name *from;       /* then: the name that it had; holds a reference */
    struct unix_references *references;
    struct unix_part *parts, *last;
    uint32_t length, consumed; /* bytes; those that were read already (streams) */
    uint32_t charge_bytes;
    bool open; /* bytes may be added behind the last part's: its buffer is ours alone */
    bool has_credentials;
    struct tcpip_unix_credentials credentials;
};

enum unix_state { UNIX_IDLE, UNIX_LISTEN, UNIX_CONNECTED };

struct unix_endpoint {
    struct tcpip_endpoint base; /* first */
    struct option_block *options;
    uint8_t type;  /* enum tcpip_unix_type */
    uint8_t state; /* enum unix_state; a datagram endpoint is connected while it has a peer, alive or not */
    uint8_t error; /* enum tcpip_error: to be told once */
    bool shut_read, shut_write;
    bool passcred;
    struct tcpip_unix_credentials credentials, peer_credentials;

    struct unix_name *name;
    struct unix_endpoint *peer;    /* NULL: none, or it has closed */
    struct unix_name *peer_name;   /* of one that has closed */
    struct list followers;         /* whose peer this is; for a stream, one at most */
    struct tcpip_list_node follow; /* in peer->followers */

    /* connections that wait to be accepted */
    struct list backlog;
    uint32_t backlog_count, backlog_max;
    struct unix_endpoint *listener; /* which this one waits at */
    struct tcpip_list_node backlog_node;

    /* who was told WOULD_BLOCK because this one is full */
    struct list blocked;
    struct unix_endpoint *blocked_at; /* NULL: nowhere, or at more than one */
    struct tcpip_list_node blocked_node;

    struct list queue; /* struct unix_message */
    uint32_t queue_count;
    uint64_t queue_bytes;

    struct list sent;         /* of it, in queues of others */
    uint64_t in_flight_bytes; /* their charges */
    uint32_t send_buffer_bytes, receive_buffer_bytes;
};

/* The state in a stack. */
struct unix_stack {
    struct tcpip_stack *stack;
    struct pool endpoints, messages, parts;
    struct hash_table names;
    struct list names_all;
    uint32_t name_count; /* struct unix_name alive */
    uint32_t next_auto;  /* where the search for a free abstract name goes on */
    struct list blocked; /* endpoints that wait for more than one */
    uint32_t references_in_flight;
    struct list dropped; /* struct unix_references: to be released */
    struct deferred release;
};

static inline struct unix_endpoint *unix_of(struct tcpip_endpoint *endpoint)
{
    return container_of(endpoint, struct unix_endpoint, base);
}
static inline const struct unix_endpoint *unix_of_const(const struct tcpip_endpoint *endpoint)
{
    return container_of(endpoint, const struct unix_endpoint, base);
}
static inline struct unix_stack *unix_stack_of(const struct unix_endpoint *ep)
{
    return tcpip__stack_transport_state(ep->base.stack, TCPIP_PROTOCOL_UNIX);
}
static inline bool unix_is(const struct tcpip_endpoint *endpoint)
{
    return endpoint->transport == TCPIP_PROTOCOL_UNIX;
}
/* `to` takes no message of `from` before somebody has read. */
static inline bool unix_receiver_full(const struct unix_endpoint *to, const struct unix_endpoint *from)
{
    return to != from && to->peer != from && to->queue_count > UNIX_QUEUE_MAX;
}
/* Linux's rule: a quarter in use at most. Who was refused at a full buffer hears when this turns true again. */
static inline bool unix_has_room(const struct unix_endpoint *ep)
{
    return ep->in_flight_bytes * 4 <= ep->send_buffer_bytes;
}

/* ---- unix_endpoint.c: life, states ---- */

must_use enum tcpip_error tcpip__unix_create(struct unix_stack *units, enum tcpip_unix_type type,
                                             struct unix_endpoint **out);
/* Ends it, whatever state it is in; those that wait to be accepted end with it. */
void tcpip__unix_free(struct unix_endpoint *ep);
enum tcpip_error tcpip__unix_take_error(struct unix_endpoint *ep);
/* Waiters hear what shut_read and shut_write say now. */
void tcpip__unix_notify_shut(struct unix_endpoint *ep);

/* ---- unix_name.c ---- */

must_use enum tcpip_error tcpip__unix_names_init(struct unix_stack *units);
void tcpip__unix_names_fini(struct unix_stack *units);
must_use enum tcpip_error tcpip__unix_bind(struct unix_endpoint *ep, const struct tcpip_unix_address *address,
                                           enum tcpip_error (*commit)(void *ctx), void *ctx);
/* Gives it a name if it has none and PASSCRED is set, as Linux does for those whom others are to know. */
must_use enum tcpip_error tcpip__unix_autobind_passcred(struct unix_endpoint *ep);
/* Who has that name. NAME_NOT_FOUND, CONNECTION_REFUSED, WRONG_TYPE, INVALID_ARGUMENT. */
must_use enum tcpip_error tcpip__unix_find(struct unix_stack *units, const struct tcpip_unix_address *address,
                                           enum tcpip_unix_type type, struct unix_endpoint **out);
/* NULL stays NULL. */
struct unix_name *tcpip__unix_name_ref(struct unix_name *name);
void tcpip__unix_name_unref(struct unix_stack *units, struct unix_name *name);
/* Its owner closes: an abstract name is free at once, a path stays with nobody behind it. */
void tcpip__unix_name_abandon(struct unix_endpoint *ep);

/* ---- unix_connect.c: peers, backlog, who waits for whom ---- */

enum tcpip_error tcpip__unix_connect_to(struct unix_endpoint *ep, struct unix_endpoint *server);
enum tcpip_error tcpip__unix_disconnect(struct unix_endpoint *ep);
enum tcpip_error tcpip__unix_listen(struct tcpip_endpoint *endpoint, uint32_t backlog);
enum tcpip_error tcpip__unix_accept(struct tcpip_endpoint *endpoint, struct tcpip_endpoint **out,
                                    struct tcpip_full_address *peer);
/* A datagram endpoint's peer was found dead: it has none from now on. */
void tcpip__unix_forget_peer(struct unix_endpoint *ep);
/* The end of an endpoint, as its peers see it. */
void tcpip__unix_leave_peers(struct unix_endpoint *ep);
/* `ep` is told WOULD_BLOCK because of `at`, and hears OUT when that changes. */
void tcpip__unix_block(struct unix_endpoint *ep, struct unix_endpoint *at);
void tcpip__unix_unblock(struct unix_endpoint *ep);
/* There is room at `at` again, or there will never be: all who wait for that hear OUT. */
void tcpip__unix_wake(struct unix_endpoint *at);

/* ---- unix_message.c ---- */

/* Where a call's data are. */
struct unix_cursor {
    const struct tcpip_io *io;
    size_t left;  /* pieces, the current one too */
    size_t at;    /* in the current one */
    size_t bytes; /* from here on */
};
struct unix_cursor tcpip__unix_cursor(const struct tcpip_io *io, size_t count);

/* A message of `size` bytes, taken from the cursor; NULL: out of memory. */
must_use struct unix_message *tcpip__unix_message_new(struct unix_stack *units, struct unix_cursor *in, size_t size);
/* One around a view, with a reference of its own. */
must_use struct unix_message *tcpip__unix_message_wrap(struct unix_stack *units, const struct tcpip_view *view);
/* Adds bytes of the cursor in the room that its last buffer has left; returns how many. */
size_t tcpip__unix_message_append(struct unix_message *message, struct unix_cursor *in);
/* Copies out at most `size` bytes from `skip` on, counted behind the consumed ones; returns how many. */
size_t tcpip__unix_message_copy_out(const struct unix_message *message, size_t skip, struct unix_cursor *out,
                                    size_t size);
/* Into the receiver's queue, at the sender's charge. */
void tcpip__unix_enqueue(struct unix_endpoint *from, struct unix_endpoint *to, struct unix_message *message);
/* Out of it, freed, the charge given back. */
void tcpip__unix_dequeue(struct unix_endpoint *ep, struct unix_message *message);
void tcpip__unix_message_free(struct unix_stack *units, struct unix_message *message);
/* All that wait unread. */
void tcpip__unix_purge(struct unix_endpoint *ep);
/* The sender closes: its messages stay where they are. */
void tcpip__unix_disown_sent(struct unix_endpoint *ep);

/* A copy of the list, for a message. INVALID_ARGUMENT, LIMIT_REACHED, NO_MEMORY. */
must_use enum tcpip_error tcpip__unix_references_new(struct unix_stack *units, const struct tcpip_unix_reference *items,
                                                     size_t count, struct unix_references **out);
/* Frees the list and not what it refers to. */
void tcpip__unix_references_forget(struct unix_stack *units, struct unix_references *references);
/* Releases what is in it from `kept` on, at the end of the turn; NULL is let pass. */
void tcpip__unix_references_drop(struct unix_stack *units, struct unix_references *references, uint32_t kept);
void tcpip__unix_references_init(struct unix_stack *units);
/* Releases all that is due, now. */
void tcpip__unix_references_fini(struct unix_stack *units);

/* ---- unix_send.c, unix_receive.c, unix_option.c ---- */

enum tcpip_error tcpip__unix_op_sendmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                        uint32_t flags, const struct tcpip_full_address *to,
                                        const struct tcpip_control *control, size_t *done);
enum tcpip_error tcpip__unix_op_write_view(struct tcpip_endpoint *endpoint, const struct tcpip_view *view,
                                           uint32_t flags, const struct tcpip_full_address *to);
enum tcpip_error tcpip__unix_op_recvmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                        size_t *done, struct tcpip_full_address *from, struct tcpip_control *control);
enum tcpip_error tcpip__unix_op_read_views(struct tcpip_endpoint *endpoint, struct tcpip_view *views, size_t *count,
                                           size_t max_bytes, size_t *done, struct tcpip_full_address *from);
enum tcpip_error tcpip__unix_op_peek(struct tcpip_endpoint *endpoint, bool (*writer)(void *, const void *, size_t),
                                     void *ctx, size_t *done);
void tcpip__unix_buffers_init(struct unix_endpoint *ep);
enum tcpip_error tcpip__unix_set_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t value);
enum tcpip_error tcpip__unix_get_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t *value);

#endif
