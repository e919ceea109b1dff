// SPDX-License-Identifier: MIT
/* socket.h: a socket inside, and what a domain (AF_INET, AF_UNIX, ...) gives: one table of functions.
 *
 * The functions of struct socket_ops run under the lock with a reference on the socket held; they may wait (wait.h).
 * They return 0 or an errno. Arguments that mean the same in every domain are judged before they are called:
 * descriptors, NULL pointers, vectors, the length of an address (0 to sizeof(struct sockaddr_storage); it is in memory
 * that may be read), flags of accept. */
#ifndef TCPIP_SRC_SOCKET_SOCKET_H
#define TCPIP_SRC_SOCKET_SOCKET_H

#include "socket/call_errno.h"
#include "socket/options.h"
#include "socket/sockets.h"

#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <tcpip/waiter.h>

struct socket {
    struct open_file file; /* first */
    const struct socket_ops *ops;
    int domain, type, protocol; /* as SO_DOMAIN, SO_TYPE and SO_PROTOCOL show them */
    bool listening;             /* SO_ACCEPTCONN */
    uint32_t disconnects;  /* by connect to AF_UNSPEC; a call that waits for a connection sees that it is no more */
    bool connect_deferred; /* TCP_FASTOPEN_CONNECT: connect succeeded, and the first write will open */
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter; /* on the endpoint: tells file.watches */

    /* Options that live here, not in the endpoint. */
    tcpip_ns receive_timeout_ns, send_timeout_ns; /* TCPIP_NEVER: none */
    int linger_s;                                 /* SO_LINGER's seconds; -1: off */
    uint32_t controls;                            /* SOCKET_CONTROL_*: what recvmsg adds */
    int priority;                                 /* SO_PRIORITY */
    struct socket_options options;                /* all others */
    int receive_error;                            /* an errno that recvmmsg left for the next call; 0: none */
    void *domain_data;                            /* the domain's own */
};

/* Control messages that recvmsg delivers, by the option that asks for them. The endpoint's RECEIVE_TTL is on if
 * IP_RECVTTL or IPV6_RECVHOPLIMIT is, and so on. */
enum socket_control {
    SOCKET_CONTROL_TIMESTAMP = 1 << 0,    /* SO_TIMESTAMP: struct timeval */
    SOCKET_CONTROL_TIMESTAMP_NS = 1 << 1, /* SO_TIMESTAMPNS: struct timespec */
    SOCKET_CONTROL_IP_PKTINFO = 1 << 2,
    SOCKET_CONTROL_IP_TTL = 1 << 3,
    SOCKET_CONTROL_IP_TOS = 1 << 4,
    SOCKET_CONTROL_IPV6_PKTINFO = 1 << 5,
    SOCKET_CONTROL_IPV6_HOPLIMIT = 1 << 6,
    SOCKET_CONTROL_IPV6_TCLASS = 1 << 7,
};

/* What sendmsg and recvmsg move. */
struct message {
    const struct iovec *iov; /* checked: no negative length, sum at most SSIZE_MAX */
    size_t iov_count;
    size_t bytes; /* in all; 0 if `fault` */
    int fault;    /* EFAULT: the vector's memory; Linux tells after whether there is anything to move. 0: good */
    int flags;    /* MSG_*; O_NONBLOCK is in it as MSG_DONTWAIT */
    /* send: the destination (NULL: none given). recv: room for the sender, `name_length` becomes its whole length;
     * NULL: nobody asks. */
    struct sockaddr_storage *name;
    socklen_t name_length;
    /* send: the control messages. recv: room for them, `control_length` becomes what is used. */
    void *control;
    size_t control_length;
    int result_flags; /* recv: MSG_TRUNC, MSG_CTRUNC, ... */
};

struct socket_ops {
    int domain;
    /* A new socket, one reference, in `out`. type has no SOCK_NONBLOCK or SOCK_CLOEXEC. ESOCKTNOSUPPORT,
     * EPROTONOSUPPORT, ... */
    int (*create)(struct tcpip_sockets *s, int type, int protocol, struct socket **out);
    /* Connects two sockets that were just made; NULL: EOPNOTSUPP. */
    int (*pair)(struct socket *a, struct socket *b);
    int (*bind)(struct socket *so, const struct sockaddr_storage *address, socklen_t length);
    int (*listen)(struct socket *so, int backlog);
    /* A new socket, one reference, in `out`, and its peer's address; waits unless `nonblocking`. */
    int (*accept)(struct socket *so, bool nonblocking, struct socket **out, struct sockaddr_storage *peer,
                  socklen_t *peer_length);
    int (*connect)(struct socket *so, const struct sockaddr_storage *address, socklen_t length, bool nonblocking);
    /* getsockname, and with `peer` getpeername. */
    int (*name)(const struct socket *so, bool peer, struct sockaddr_storage *out, socklen_t *length);
    /* How much, or an errno. EPIPE of a stream raises SIGPIPE, which the caller does. */
    int (*send)(struct socket *so, struct message *message, size_t *done);
    int (*receive)(struct socket *so, struct message *message, size_t *done);
    int (*shutdown)(struct socket *so, int how);
    /* Beside the endpoint's readiness, the last word; NULL: the endpoint's. */
    uint32_t (*readiness)(const struct socket *so);
    /* Before the endpoint is closed; may wait. NULL: nothing to do. */
    void (*closing)(struct socket *so);
};

/* The domains there are, ended by NULL. */
extern const struct socket_ops *const tcpip__socket_domains[];
extern const struct socket_ops tcpip__inet_ops, tcpip__inet6_ops, tcpip__un_ops;
/* Parts of the internet domains (inet_send.c, inet_receive.c). */
int tcpip__inet_send(struct socket *so, struct message *message, size_t *done);
int tcpip__inet_receive(struct socket *so, struct message *message, size_t *done);
/* Of a stream whose peer has marked urgent data (inet_urgent.c): MSG_OOB; how many bytes a call may read before it has
 * to look again, SIZE_MAX: no mark is near. `any`: it has some already; 0: then it ends here. What is out of band is
 * passed over, or, peeking, said to be: *skip. */
int tcpip__inet_receive_urgent(struct socket *so, struct message *message, size_t *done);
size_t tcpip__inet_before_mark(struct socket *so, bool any, size_t *skip);
/* SIOCATMARK; SIOCINQ, which counts to the mark. */
bool tcpip__inet_at_mark(const struct socket *so);
uint32_t tcpip__inet_readiness(const struct socket *so);
int64_t tcpip__inet_queued(const struct socket *so, int64_t bytes);
/* Of a socket in repair (repair.c): into the chosen queue, and a look into it; *handled false: a peek like any other.
 */
bool tcpip__inet_in_repair(const struct socket *so);
int tcpip__inet_repair_send(struct socket *so, const struct message *message, size_t *done);
int tcpip__inet_repair_receive(struct socket *so, struct message *message, size_t *done, bool *handled);
/* The error queue (inet_errors.c): MSG_ERRQUEUE; TCPIP_WRITE_* that a send's options and flags ask for. */
int tcpip__inet_receive_error(struct socket *so, struct message *message, size_t *done);
uint32_t tcpip__inet_send_marks(const struct socket *so, const struct message *message);

static inline struct socket *socket_of(struct open_file *file)
{
    return container_of(file, struct socket, file);
}

/* ---- sockets (socket.c) ---- */

/* As tcpip__sockets_enter; ENOTSOCK too. */
must_use struct socket *tcpip__sockets_enter_socket(struct tcpip_sockets *s, int fd);
/* A socket around an endpoint, which it takes over on success; one reference. An errno. */
must_use int tcpip__socket_new(struct tcpip_sockets *s, const struct socket_ops *ops, int type, int protocol,
                               struct tcpip_endpoint *endpoint, struct socket **out);
/* NULL unless the file is a socket. */
struct socket *tcpip__socket_from_file(struct open_file *file);
/* What an accepted socket has from its listener. */
must_use int tcpip__socket_inherit(struct socket *so, const struct socket *listener);
/* Calls `attempt` until it is something else than EAGAIN; between, waits for `events` of the socket, for timeout_ns at
 * most (TCPIP_NEVER: no limit; 0: it doesn't wait). Returns what it said last, or EAGAIN (the time is over), EINTR,
 * EDEADLK. */
must_use int tcpip__socket_block(struct socket *so, uint32_t events, tcpip_ns timeout_ns, int (*attempt)(void *ctx),
                                 void *ctx);

/* ---- messages (message.c) ---- */

enum { SOCKET_BYTES_MAX = 0x7ffff000 }; /* more than that in one call is cut, as in the kernel */

/* sendmsg and recvmsg on a socket that was entered. An errno. */
must_use int tcpip__message_sendmsg(struct socket *so, const struct msghdr *header, int flags, size_t *done);
must_use int tcpip__message_recvmsg(struct socket *so, struct msghdr *header, int flags, size_t *done);

/* A vector as endpoints take it, cut to SOCKET_BYTES_MAX, and what of it is left. */
struct io_vector {
    struct tcpip_io io[IOV_MAX];
    size_t first, count; /* io[first] to io[count - 1] */
    size_t bytes;        /* left */
};
void tcpip__io_vector_init(struct io_vector *vector, const struct message *message);
/* `bytes` of it are done. */
void tcpip__io_vector_advance(struct io_vector *vector, size_t bytes);

/* ---- UDP_SEGMENT (udp_segment.c) ---- */

/* The size of datagrams that the option, or a control message, asks for; 0: none. EINVAL: a bad message. */
must_use int tcpip__udp_segment(const struct socket *so, const struct message *message, uint32_t *segment);
/* Sends what is left of a vector in datagrams of `segment` bytes. EMSGSIZE, EINVAL, and what sending says. */
must_use int tcpip__udp_send_segments(struct socket *so, struct io_vector *vector, uint32_t segment,
                                      const struct tcpip_full_address *to, const struct tcpip_control *control,
                                      uint32_t flags, size_t *done);

/* ---- addresses (address.c) ---- */

/* An AF_INET or AF_INET6 address for a call on a socket; each call judges it a little differently, as Linux does.
 * AF_UNSPEC, where the call allows it, becomes an address of length 0. EINVAL, EAFNOSUPPORT. */
must_use int tcpip__address_from_sockaddr(const struct socket *so, enum socket_call call,
                                          const struct sockaddr_storage *address, socklen_t length,
                                          struct tcpip_full_address *out);
/* As a socket of `domain` shows it: AF_INET, or AF_INET6 with mapped addresses; returns its length. */
socklen_t tcpip__address_to_sockaddr(int domain, const struct tcpip_full_address *address,
                                     struct sockaddr_storage *out);
/* Copies an address that goes in; `out` is what ops get. EFAULT, EINVAL. */
must_use int tcpip__sockaddr_in(const struct tcpip_sockets *s, const struct sockaddr *address, socklen_t length,
                                struct sockaddr_storage *out);
/* Copies an address out, cut to *room, which becomes its length. EFAULT, EINVAL (a negative room). */
must_use int tcpip__sockaddr_out(const struct tcpip_sockets *s, const struct sockaddr_storage *address,
                                 socklen_t length, struct sockaddr *out, socklen_t *room);

/* ---- control messages (control.c) ---- */

/* Appends one message to message->control; what doesn't fit sets MSG_CTRUNC. `used`: bytes filled so far. */
void tcpip__control_put(struct message *message, size_t *used, int level, int type, const void *data, size_t size);
/* SCM_TIMESTAMPING, if SO_TIMESTAMPING asks for the software's: when something was sent, or came (inet_errors.c). */
void tcpip__control_stamp(const struct socket *so, tcpip_ns at, struct message *message, size_t *used);
/* When what is received came, in all the forms that are asked for. */
void tcpip__control_arrival(const struct socket *so, tcpip_ns at, struct message *message, size_t *used);
/* recv: what came with a datagram, as far as so->controls asks for it; sets control_length. `v4`: it was IPv4's. */
void tcpip__control_received(const struct socket *so, const struct tcpip_control *control, bool v4,
                             struct message *message);
/* send: what the caller asks for; `v4`: of an IPv4 packet. EINVAL, ENODEV. */
must_use int tcpip__control_to_send(const struct socket *so, const struct message *message, bool v4,
                                    struct tcpip_control *out);

#endif
