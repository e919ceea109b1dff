// SPDX-License-Identifier: MIT
/* inet.c: AF_INET and AF_INET6: TCP, UDP and ping sockets.
 *
 * Owns:     nothing beyond struct socket.
 * Not here: data (inet_send.c, inet_receive.c), options. */
#include "base/math.h"
#include "socket/socket.h"

#include <errno.h>

/* ---- socket ---- */

static const struct {
    int domain, type, protocol; /* protocol: asked for by number, or by 0 where `first` */
    bool first;
    uint32_t transport;
} inet_kinds[] = {
    {AF_INET, SOCK_STREAM, IPPROTO_TCP, true, TCPIP_PROTOCOL_TCP},
    {AF_INET, SOCK_DGRAM, IPPROTO_UDP, true, TCPIP_PROTOCOL_UDP},
    {AF_INET, SOCK_DGRAM, IPPROTO_ICMP, false, TCPIP_PROTOCOL_ICMPV4},
    {AF_INET6, SOCK_STREAM, IPPROTO_TCP, true, TCPIP_PROTOCOL_TCP},
    {AF_INET6, SOCK_DGRAM, IPPROTO_UDP, true, TCPIP_PROTOCOL_UDP},
    {AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, false, TCPIP_PROTOCOL_ICMPV6},
};

/* Linux: no such type at all is ESOCKTNOSUPPORT; the type, but not with this protocol, EPROTONOSUPPORT. */
static int inet_create(struct tcpip_sockets *s, int domain, int type, int protocol, struct socket **out)
{
    uint32_t network = domain == AF_INET ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6;
    const struct socket_ops *ops = domain == AF_INET ? &tcpip__inet_ops : &tcpip__inet6_ops;
    int number = ESOCKTNOSUPPORT;
    if (protocol < 0 || protocol >= IPPROTO_MPTCP)
        return EINVAL;
    for (size_t i = 0; i < array_count(inet_kinds); i++) {
        struct tcpip_endpoint *endpoint;
        if (inet_kinds[i].domain != domain || inet_kinds[i].type != type)
            continue;
        number = EPROTONOSUPPORT;
        if (protocol != inet_kinds[i].protocol && (protocol != 0 || !inet_kinds[i].first))
            continue;
        enum tcpip_error error = tcpip_stack_new_endpoint(s->stack, inet_kinds[i].transport, network, &endpoint);
        if (error != TCPIP_OK)
            return tcpip__socket_errno(SOCKET_CALL_SOCKET, error);
        number = tcpip__socket_new(s, ops, type, inet_kinds[i].protocol, endpoint, out);
        if (number != 0)
            tcpip_endpoint_close(endpoint);
        return number;
    }
    return number;
}

static int inet_create_v4(struct tcpip_sockets *s, int type, int protocol, struct socket **out)
{
    return inet_create(s, AF_INET, type, protocol, out);
}

static int inet_create_v6(struct tcpip_sockets *s, int type, int protocol, struct socket **out)
{
    return inet_create(s, AF_INET6, type, protocol, out);
}

/* ---- bind, listen, accept ---- */

static int inet_bind(struct socket *so, const struct sockaddr_storage *address, socklen_t length)
{
    struct tcpip_full_address full;
    int number = tcpip__address_from_sockaddr(so, SOCKET_CALL_BIND, address, length, &full);
    if (number != 0)
        return number;
    if (so->domain == AF_INET6 && so->type == SOCK_DGRAM) { /* IPv6 judges the state before the address */
        struct tcpip_full_address bound;
        tcpip_endpoint_local_address(so->endpoint, &bound);
        if (bound.port != 0)
            return EINVAL;
    }
    return tcpip__socket_errno(SOCKET_CALL_BIND, tcpip_endpoint_bind(so->endpoint, &full, NULL, NULL));
}

static int inet_listen(struct socket *so, int backlog)
{
    return tcpip__socket_errno(SOCKET_CALL_LISTEN, tcpip_endpoint_listen(so->endpoint, backlog));
}

struct inet_accepting {
    struct socket *so;
    struct tcpip_endpoint *endpoint;
    struct tcpip_full_address peer;
};

static int accepting_attempt(void *ctx)
{
    struct inet_accepting *accepting = ctx;
    return tcpip__socket_errno(SOCKET_CALL_ACCEPT,
                               tcpip_endpoint_accept(accepting->so->endpoint, &accepting->endpoint, &accepting->peer));
}

static int inet_accept(struct socket *so, bool nonblocking, struct socket **out, struct sockaddr_storage *peer,
                       socklen_t *peer_length)
{
    struct inet_accepting accepting = {.so = so};
    tcpip_ns timeout_ns = nonblocking ? 0 : so->receive_timeout_ns;
    int number = tcpip__socket_block(so, TCPIP_EVENT_IN, timeout_ns, accepting_attempt, &accepting);
    if (number != 0)
        return number;
    number = tcpip__socket_new(so->file.sockets, so->ops, so->type, so->protocol, accepting.endpoint, out);
    if (number != 0) {
        tcpip_endpoint_close(accepting.endpoint);
        return number;
    }
    number = tcpip__socket_inherit(*out, so);
    if (number != 0) {
        tcpip__file_unref(&(*out)->file);
        return number;
    }
    *peer_length = tcpip__address_to_sockaddr(so->domain, &accepting.peer, peer);
    return 0;
}

/* ---- connect ---- */

struct inet_connecting {
    struct socket *so;
    struct tcpip_full_address to;
    int pending; /* EINPROGRESS: this call began it; EALREADY: an earlier one; 0: neither yet */
    uint32_t disconnects;
};

/* How an attempt goes on that this call waits for; another thread may have shut it down, and must not find it begun
 * again. */
static int connecting_outcome(const struct inet_connecting *connecting)
{
    struct socket *so = connecting->so;
    static const struct tcpip_full_address none = {0};
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    int64_t failure = TCPIP_OK;
    if (tcpip_endpoint_tcp_info(so->endpoint, &info) != TCPIP_OK)
        return EOPNOTSUPP;
    if (so->disconnects != connecting->disconnects)
        return EPIPE; /* what happens from then on is another call's */
    if (info.state == TCPIP_TCP_SYN_SENT || info.state == TCPIP_TCP_SYN_RECEIVED)
        return EAGAIN;
    if (info.state != TCPIP_TCP_CLOSED) {
        (void)!tcpip_endpoint_connect(so->endpoint, &connecting->to); /* which only tells that it is there, once */
        return 0;
    }
    (void)!tcpip_endpoint_get_option(so->endpoint, TCPIP_OPTION_ERROR, &failure);
    (void)!tcpip_endpoint_connect(so->endpoint, &none); /* it may try again */
    return failure != TCPIP_OK ? tcpip__socket_errno(SOCKET_CALL_CONNECT, (enum tcpip_error)failure) : ECONNABORTED;
}

/* A connection is begun by the first call and asked for by the next ones: once it is there, one of them says so. */
static int connecting_attempt(void *ctx)
{
    struct inet_connecting *connecting = ctx;
    if (connecting->pending != 0)
        return connecting_outcome(connecting);
    enum tcpip_error error = tcpip_endpoint_connect(connecting->so->endpoint, &connecting->to);
    struct tcpip_full_address peer;
    if (error == TCPIP_OK && connecting->so->type == SOCK_STREAM)
        connecting->so->connect_deferred = tcpip_endpoint_remote_address(connecting->so->endpoint, &peer) != TCPIP_OK;
    if (error != TCPIP_ERR_CONNECT_STARTED && error != TCPIP_ERR_ALREADY_CONNECTING)
        return tcpip__socket_errno(SOCKET_CALL_CONNECT, error);
    connecting->pending = error == TCPIP_ERR_CONNECT_STARTED ? EINPROGRESS : EALREADY;
    return EAGAIN;
}

/* What is wrong with the address matters only where another connect could do something. */
static int connecting_judge(const struct socket *so, int number)
{
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    if (tcpip_endpoint_tcp_info(so->endpoint, &info) != TCPIP_OK || info.state == TCPIP_TCP_CLOSED)
        return number;
    return info.state == TCPIP_TCP_SYN_SENT || info.state == TCPIP_TCP_SYN_RECEIVED ? EALREADY : EISCONN;
}

static int inet_connect(struct socket *so, const struct sockaddr_storage *address, socklen_t length, bool nonblocking)
{
    struct inet_connecting connecting = {.so = so, .disconnects = so->disconnects};
    int number = tcpip__address_from_sockaddr(so, SOCKET_CALL_CONNECT, address, length, &connecting.to);
    if (number != 0)
        return so->type == SOCK_STREAM && length >= sizeof(sa_family_t) ? connecting_judge(so, number) : number;
    if (connecting.to.address.len == 0) {
        number = connecting_attempt(&connecting);
        so->disconnects++;
        if (so->type == SOCK_STREAM)
            tcpip__file_tell(&so->file, TCPIP_EVENT_OUT | TCPIP_EVENT_HUP); /* who waits for it to be connected */
        return number;
    }
    if (so->type != SOCK_STREAM || nonblocking)
        number = connecting_attempt(&connecting);
    else
        number = tcpip__socket_block(so, TCPIP_EVENT_OUT, so->send_timeout_ns, connecting_attempt, &connecting);
    return number == EAGAIN && connecting.pending != 0 ? connecting.pending : number;
}

/* ---- names, shutdown ---- */

static int inet_name(const struct socket *so, bool peer, struct sockaddr_storage *out, socklen_t *length)
{
    struct tcpip_full_address address;
    if (peer) {
        enum tcpip_error error = tcpip_endpoint_remote_address(so->endpoint, &address);
        if (error != TCPIP_OK)
            return tcpip__socket_errno(SOCKET_CALL_NAME, error);
    } else {
        tcpip_endpoint_local_address(so->endpoint, &address);
    }
    *length = tcpip__address_to_sockaddr(so->domain, &address, out);
    return 0;
}

static int inet_shutdown(struct socket *so, int how)
{
    uint32_t flags =
        (how != SHUT_WR ? (uint32_t)TCPIP_SHUTDOWN_READ : 0) | (how != SHUT_RD ? (uint32_t)TCPIP_SHUTDOWN_WRITE : 0);
    enum tcpip_error error = tcpip_endpoint_shutdown(so->endpoint, flags);
    if (error == TCPIP_OK && how != SHUT_WR)
        so->listening = false;
    return tcpip__socket_errno(SOCKET_CALL_SHUTDOWN, error);
}

/* ---- close ---- */

static bool inet_fin_pending(const struct socket *so)
{
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    if (tcpip_endpoint_tcp_info(so->endpoint, &info) != TCPIP_OK)
        return false;
    return info.state == TCPIP_TCP_FIN_WAIT_1 || info.state == TCPIP_TCP_CLOSING || info.state == TCPIP_TCP_LAST_ACK;
}

static int lingering_attempt(void *ctx)
{
    return inet_fin_pending(ctx) ? EAGAIN : 0;
}

/* SO_LINGER: until the FIN is acknowledged, whatever O_NONBLOCK says. Not when the connection will be reset: unread
 * data, or a linger of 0. */
static void inet_closing(struct socket *so)
{
    int64_t unread = 0;
    if (so->type != SOCK_STREAM || so->linger_s <= 0 || tcpip__inet_in_repair(so))
        return;
    if (tcpip_endpoint_get_option(so->endpoint, TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &unread) != TCPIP_OK || unread > 0)
        return;
    if (tcpip_endpoint_shutdown(so->endpoint, TCPIP_SHUTDOWN_READ | TCPIP_SHUTDOWN_WRITE) != TCPIP_OK)
        return;
    (void)!tcpip__socket_block(so, TCPIP_EVENT_OUT | TCPIP_EVENT_IN, so->linger_s * TCPIP_SECOND, lingering_attempt,
                               so);
}

const struct socket_ops tcpip__inet_ops = {
    .domain = AF_INET,
    .create = inet_create_v4,
    .bind = inet_bind,
    .listen = inet_listen,
    .accept = inet_accept,
    .connect = inet_connect,
    .name = inet_name,
    .send = tcpip__inet_send,
    .receive = tcpip__inet_receive,
    .shutdown = inet_shutdown,
    .readiness = tcpip__inet_readiness,
    .closing = inet_closing,
};

const struct socket_ops tcpip__inet6_ops = {
    .domain = AF_INET6,
    .create = inet_create_v6,
    .bind = inet_bind,
    .listen = inet_listen,
    .accept = inet_accept,
    .connect = inet_connect,
    .name = inet_name,
    .send = tcpip__inet_send,
    .receive = tcpip__inet_receive,
    .shutdown = inet_shutdown,
    .readiness = tcpip__inet_readiness,
    .closing = inet_closing,
};
