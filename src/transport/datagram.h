// SPDX-License-Identifier: MIT
/* datagram.h: the datagram endpoint, which UDP and ping share.
 *
 * A protocol gives a struct datagram_ops (its header, its limits) and finds the endpoint of an inbound packet; all that
 * an application sees is here. */
#ifndef TCPIP_SRC_TRANSPORT_DATAGRAM_H
#define TCPIP_SRC_TRANSPORT_DATAGRAM_H

#include "base/math.h"
#include "stack/demux.h"
#include "stack/error_queue.h"
#include "stack/option_block.h"
#include "stack/pmtu.h"
#include "stack/route.h"
#include "transport/endpoint_address.h"

enum {
    DATAGRAM_HEADER_BYTES = 8, /* UDP's, and that of an ICMP echo */
    DATAGRAM_GROUPS_MAX = 20,  /* memberships of one endpoint: Linux's igmp_max_memberships */
};

/* The state of a datagram protocol in a stack. */
struct datagram_stack {
    struct pool endpoints;
    struct hash_key steering; /* which of those that share a port hears a flow */
};

struct datagram_endpoint;

/* One datagram on its way out. */
struct datagram_out {
    const uint8_t *local, *remote; /* 16 bytes each */
    uint16_t local_port, remote_port;
    uint8_t front[DATAGRAM_HEADER_BYTES]; /* what the application gave of the header: ops->given_bytes */
};

/* What one datagram protocol does differently. */
struct datagram_ops {
    uint8_t transport;
    uint8_t given_bytes;       /* of the header come from the application, in front of its data (ping: all) */
    uint8_t hidden_bytes;      /* of the header are not shown to the reader (UDP: all) */
    bool ports;                /* a remote port means something: connected flows are told apart by it */
    bool v6_only;              /* an IPv6 endpoint never speaks IPv4 */
    bool groups;               /* may be bound to multicast and broadcast addresses, and hears them */
    enum tcpip_drop drop_full; /* the receive buffer is full */
    /* Judges what the application gave of the header; NULL: nothing to judge. */
    enum tcpip_error (*check)(const uint8_t *given);
    /* Writes the header in front of the packet, with a partial checksum, and counts. */
    void (*seal)(struct datagram_endpoint *ep, struct tcpip_packet *packet, uint8_t *header,
                 const struct datagram_out *out);
};

/* A multicast group that an endpoint joined. */
struct datagram_group {
    struct tcpip_list_node node;
    uint32_t nic, nic_birth; /* an id may have been given to another NIC meanwhile */
    uint8_t bytes[16];
};

struct datagram_endpoint {
    struct tcpip_endpoint base; /* first */
    const struct datagram_ops *ops;
    struct option_block *options;

    /* where it is */
    struct tcpip_port_key port_key; /* while bound */
    uint8_t local[16];              /* bound to by hand; survives the loss of a port that wasn't (all zero: any) */
    struct demux_listener listener; /* bound and not connected */
    struct demux_entry entry;       /* connected; entry.flow is the flow, linked or not */
    bool bound, port_locked;        /* port_locked: a port was asked for by number */
    bool any_v4;                    /* bound to 0.0.0.0, not to :: */
    bool speaks;                    /* local is an address to send from: no group, no broadcast */
    bool connected;
    bool shut_read, shut_write;
    uint8_t error;    /* enum tcpip_error: to be told once */
    uint32_t stamped; /* datagrams that were marked, to count the next */

    /* the last way out, and what it was the answer to */
    struct tcpip_route route;
    uint8_t way_asked[16], way_local[16], way_remote[16];
    uint32_t way_nic;

    /* received */
    struct tcpip_packet_list queue;
    uint32_t queue_bytes; /* true size */
    uint32_t receive_buffer_bytes, send_buffer_bytes;

    struct datagram_cork *cork; /* a datagram that is put together; NULL: none */

    struct list groups; /* struct datagram_group */
    uint32_t group_count;
};

static inline struct datagram_endpoint *datagram_of(struct tcpip_endpoint *endpoint)
{
    return container_of(endpoint, struct datagram_endpoint, base);
}
static inline const struct datagram_endpoint *datagram_of_const(const struct tcpip_endpoint *endpoint)
{
    return container_of(endpoint, const struct datagram_endpoint, base);
}
static inline int64_t datagram_option(const struct datagram_endpoint *ep, enum tcpip_option option)
{
    return option_get(ep->base.stack, ep->options, option);
}
static inline struct address_context datagram_address_context(const struct datagram_endpoint *ep)
{
    return (struct address_context){.stack = ep->base.stack,
                                    .options = ep->options,
                                    .network = ep->base.network,
                                    .transport = ep->ops->transport,
                                    .v6_only = ep->ops->v6_only,
                                    .groups = ep->ops->groups};
}

/* ---- datagram.c: life, addresses ---- */

/* stack_init and stack_fini of a datagram protocol. */
enum tcpip_error tcpip__datagram_stack_init(struct tcpip_stack *stack, void *state);
void tcpip__datagram_stack_fini(struct tcpip_stack *stack, void *state);
must_use enum tcpip_error tcpip__datagram_new(struct tcpip_stack *stack, const struct datagram_ops *ops,
                                              uint32_t network, struct tcpip_endpoint **out);
/* Takes an ephemeral port if there is none yet, as sending and connecting do. */
must_use enum tcpip_error tcpip__datagram_autobind(struct datagram_endpoint *ep);
/* Into the demultiplexer, bound as it is. PORT_IN_USE: somebody else is connected to the same peer from its port. */
must_use enum tcpip_error tcpip__datagram_attach(struct datagram_endpoint *ep);
/* REUSE_ADDRESS or REUSE_PORT changed: who binds from now on conflicts, or doesn't, by the new values. */
void tcpip__datagram_port_options(struct datagram_endpoint *ep);
/* An error is told once, by whatever call comes first. */
enum tcpip_error tcpip__datagram_take_error(struct datagram_endpoint *ep);
/* An ICMP error about a datagram of this endpoint: path MTU, and what the application hears of it. */
void tcpip__datagram_error(struct datagram_endpoint *ep, const struct tcpip_icmp_error *icmp);

/* ---- datagram_receive.c ---- */

/* A datagram for this endpoint, transport_offset set; takes it. */
void tcpip__datagram_receive(struct datagram_endpoint *ep, struct tcpip_packet *packet);
enum tcpip_error tcpip__datagram_recvmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                         size_t *done, struct tcpip_full_address *from, struct tcpip_control *control);
enum tcpip_error tcpip__datagram_peekmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                         size_t *done, struct tcpip_full_address *from, struct tcpip_control *control);
enum tcpip_error tcpip__datagram_read_views(struct tcpip_endpoint *endpoint, struct tcpip_view *views, size_t *count,
                                            size_t max_bytes, size_t *done, struct tcpip_full_address *from);
enum tcpip_error tcpip__datagram_peek(struct tcpip_endpoint *endpoint, bool (*writer)(void *, const void *, size_t),
                                      void *ctx, size_t *done);
/* Bytes of the next datagram. */
uint32_t tcpip__datagram_next_bytes(const struct datagram_endpoint *ep);

/* One that was queued when its endpoint was saved, beginning with its transport header; takes it. */
void tcpip__datagram_requeue(struct datagram_endpoint *ep, struct tcpip_packet *packet);

/* ---- datagram_save.c ---- */

struct archive;
struct restore_how;
void tcpip__datagram_save(struct tcpip_endpoint *endpoint, struct archive *archive, bool alone);
must_use enum tcpip_error tcpip__datagram_restore(struct tcpip_stack *stack, const struct datagram_ops *ops,
                                                  uint32_t network, struct archive *archive,
                                                  const struct restore_how *how, struct tcpip_endpoint **out);

/* ---- datagram_send.c ---- */

/* Which way, and from which address: cached in the endpoint. `local`: 16 bytes, all zero: to be chosen, and written
 * back. NO_ROUTE, BAD_LOCAL_ADDRESS, BROADCAST_DISABLED, NO_MEMORY. */
must_use enum tcpip_error tcpip__datagram_way(struct datagram_endpoint *ep, uint32_t nic, uint8_t *local,
                                              const uint8_t *remote);
/* The address that a connected endpoint speaks from if it wasn't bound to one; else all zero. */
void tcpip__datagram_speaker(const struct datagram_endpoint *ep, uint8_t *out);
/* The NIC through which a packet to `remote` goes if the caller asks for `asked` (0: nothing). NO_ROUTE: bound to
 * another. */
must_use enum tcpip_error tcpip__datagram_nic(const struct datagram_endpoint *ep, uint32_t asked, const uint8_t *remote,
                                              uint32_t *out);
enum tcpip_error tcpip__datagram_sendmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                         uint32_t flags, const struct tcpip_full_address *to,
                                         const struct tcpip_control *control, size_t *done);
enum tcpip_error tcpip__datagram_write_view(struct tcpip_endpoint *endpoint, const struct tcpip_view *view,
                                            uint32_t flags, const struct tcpip_full_address *to);

/* What was put together so far goes; or is thrown away. */
enum tcpip_error tcpip__datagram_push(struct datagram_endpoint *ep);
void tcpip__datagram_uncork(struct datagram_endpoint *ep);

/* ---- datagram_option.c: options, groups ---- */

void tcpip__datagram_buffers_init(struct datagram_endpoint *ep);
enum tcpip_error tcpip__datagram_set_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t value);
enum tcpip_error tcpip__datagram_get_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t *value);
enum tcpip_error tcpip__datagram_group(struct tcpip_endpoint *endpoint, uint32_t nic, const struct tcpip_address *group,
                                       bool join);
/* Leaves all groups; `silent`: the stack goes, and its NICs with it. */
void tcpip__datagram_leave_all(struct datagram_endpoint *ep, bool silent);

#endif
