// SPDX-License-Identifier: MIT
/* unix.h: unix endpoints: streams, datagrams and sequenced packets between endpoints of one stack, with names, passed
 * references and credentials. They need neither a NIC nor a network protocol, but tcpip_unix in the stack's list.
 *
 * They are endpoints: all calls of endpoint.h work on them, but addresses there are too short for names, so what names
 * somebody is here. Answers are Linux's (unix(7)); docs/endpoint-semantics.md has them call by call. */
#ifndef TCPIP_UNIX_H
#define TCPIP_UNIX_H

#include <tcpip/endpoint.h>

TCPIP_BEGIN_DECLS

enum tcpip_unix_type {
    TCPIP_UNIX_STREAM,
    TCPIP_UNIX_DATAGRAM,
    TCPIP_UNIX_SEQPACKET,
};

#define TCPIP_UNIX_NAME_MAX 108u
/* A name. First byte not 0: a path, which ends before its first 0; it names a stack's own table, not a file, so that
 * "a" and "./a" are two. First byte 0: abstract, all `size` bytes count; each type has abstract names of its own. size
 * 0: unnamed. */
struct tcpip_unix_address {
    uint32_t size;
    uint8_t bytes[TCPIP_UNIX_NAME_MAX];
};

struct tcpip_unix_credentials {
    int32_t pid;
    uint32_t uid, gid;
};

/* What is known of somebody who never said who he is, in a message and as a peer. */
#define TCPIP_UNIX_UID_UNKNOWN 65534u
#define TCPIP_UNIX_PEER_UNKNOWN UINT32_MAX

/* Something that is passed along with a message: to the library, a pointer. Sent, the message owns it; received, the
 * reader does; a message that dies unread releases it. */
struct tcpip_unix_reference_ops {
    /* Another reference to the same, for who peeks; NULL: there can be none (NO_MEMORY). Must not enter the stack. */
    void *(*clone)(void *object);
    /* The end of one. Runs at the end of the turn in which the message died and may enter the stack: what it closes may
     * be an endpoint. In tcpip_stack_free it must not. */
    void (*release)(void *object);
};
struct tcpip_unix_reference {
    void *object;
    const struct tcpip_unix_reference_ops *ops;
};
#define TCPIP_UNIX_REFERENCES_MAX 253u /* of one message: Linux's SCM_MAX_FD */

/* A new endpoint. UNKNOWN_PROTOCOL: the stack was made without tcpip_unix; NO_BUFFER_SPACE: the limit of endpoints. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_unix_new(struct tcpip_stack *stack, enum tcpip_unix_type type,
                                                         struct tcpip_endpoint **out);
/* Two that are connected to each other. `credentials`: of both (NULL: unknown). */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_unix_pair(struct tcpip_stack *stack, enum tcpip_unix_type type,
                                                          const struct tcpip_unix_credentials *credentials,
                                                          struct tcpip_endpoint **a, struct tcpip_endpoint **b);

/* Connects two of one type and stack to each other, both as they were made; each learns the other's credentials.
 * INVALID_ENDPOINT_STATE, WRONG_TYPE, NOT_SUPPORTED. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_unix_join(struct tcpip_endpoint *a, struct tcpip_endpoint *b);

/* The functions below say NOT_SUPPORTED if the endpoint is none of unix. */

/* Who speaks through this endpoint from now on: put on messages whose sender says nothing else, if one of the two ends
 * has PASSCRED; and what the other end learns as its peer, when this one listens or connects. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_unix_set_credentials(struct tcpip_endpoint *endpoint,
                                                                     const struct tcpip_unix_credentials *credentials);
/* Of the peer: of the connector, as it connected; of the listener, as it called listen; a listener has its own. Else
 * pid 0 and ids TCPIP_UNIX_PEER_UNKNOWN. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_unix_peer_credentials(const struct tcpip_endpoint *endpoint,
                                                                      struct tcpip_unix_credentials *out);

/* size 0: a free abstract name of five hexadecimal digits is chosen, nothing if it has one. `commit` as in
 * tcpip_endpoint_bind. INVALID_ENDPOINT_STATE: it has a name; PORT_IN_USE: somebody else has this one (a path: until it
 * is unlinked); INVALID_ARGUMENT: longer than TCPIP_UNIX_NAME_MAX; NO_PORT_AVAILABLE: no name is free; LIMIT_REACHED: a
 * stack may have as many names as endpoints. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_unix_bind(struct tcpip_endpoint *endpoint,
                                                          const struct tcpip_unix_address *address,
                                                          enum tcpip_error (*commit)(void *ctx), void *ctx);
/* A path goes; who was bound to it keeps it as its name, but isn't found by it. NAME_NOT_FOUND. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_unix_unlink(struct tcpip_stack *stack,
                                                            const struct tcpip_unix_address *address);
/* Immediate. Stream and seqpacket: connected, and waits to be accepted; datagram: the peer from now on; NULL: none any
 * more. NAME_NOT_FOUND: no such path; CONNECTION_REFUSED: no such abstract name, nobody behind the path, or he doesn't
 * listen; WRONG_TYPE; WOULD_BLOCK: the backlog is full (register a waiter for OUT, try again whenever it runs: being
 * ready for OUT says nothing here); ALREADY_CONNECTED; INVALID_ENDPOINT_STATE: it listens; NOT_PERMITTED: a datagram
 * endpoint that has another peer; INVALID_ARGUMENT. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_unix_connect(struct tcpip_endpoint *endpoint,
                                                             const struct tcpip_unix_address *address);
/* Its name; size 0: none. An accepted endpoint has its listener's. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_unix_local_address(const struct tcpip_endpoint *endpoint,
                                                                   struct tcpip_unix_address *out);
/* NOT_CONNECTED. The peer's name is known after it has closed, too. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_unix_remote_address(const struct tcpip_endpoint *endpoint,
                                                                    struct tcpip_unix_address *out);

/* What goes beside the data; zero means none. */
struct tcpip_unix_send {
    size_t size;                                      /* sizeof(struct tcpip_unix_send) */
    const struct tcpip_unix_address *to;              /* datagrams; NULL: the peer */
    const struct tcpip_unix_credentials *credentials; /* NULL: the endpoint's, where PASSCRED asks for them */
    const struct tcpip_unix_reference *references;    /* the library's on success, the caller's on error */
    size_t reference_count;
};
/* As tcpip_endpoint_sendmsg, with what goes beside the data (NULL: nothing). References go with the first byte of a
 * stream; without a byte they go nowhere, and are released. INVALID_ARGUMENT: too many of them; LIMIT_REACHED: as many
 * as a stack may have endpoints are under way; ALREADY_CONNECTED, NOT_SUPPORTED: a name given to a stream. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_unix_sendmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io,
                                                             size_t io_count, const struct tcpip_unix_send *beside,
                                                             size_t *done);

/* What comes beside the data. */
struct tcpip_unix_receive {
    size_t size; /* in: sizeof(struct tcpip_unix_receive) */
    bool peek;   /* in: nothing is consumed, references are cloned */
    /* in, with peek: begin so many bytes later; in datagrams, those that end before are passed over */
    size_t peek_offset;
    struct tcpip_unix_reference *references; /* in: room; out: filled, now the caller's */
    size_t reference_room;
    size_t reference_count; /* out: how many were filled in */
    size_t references_lost; /* out: how many didn't fit and were released */
    size_t message_bytes;   /* out: of the datagram, whether they fitted or not; of a stream, what was read */
    struct tcpip_unix_address from;
    bool has_credentials; /* out: PASSCRED is set, and here they are */
    struct tcpip_unix_credentials credentials;
};
/* As tcpip_endpoint_recvmsg, with what came beside the data. A stream's read ends behind the message that brought
 * references and, with PASSCRED, before one of another sender. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_unix_recvmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io,
                                                             size_t io_count, struct tcpip_unix_receive *beside,
                                                             size_t *done);

TCPIP_END_DECLS

#endif
