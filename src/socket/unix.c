// SPDX-License-Identifier: MIT
/* unix.c: AF_UNIX: sockets within one stack, as unix(7).
 *
 * Names are the stack's, not the file system's: a path is a key, looked up as it is written, and tcpip_unlink removes
 * it. Credentials are the process's, as they are when a socket is made, listens or connects; they are told to who asks
 * by SO_PEERCRED and SO_PASSCRED as the kernel tells them.
 *
 * Owns:     nothing beyond struct socket.
 * Not here: data (unix_message.c), passed descriptors (unix_rights.c). */
#include "socket/unix.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { UN_NAME_AT = offsetof(struct sockaddr_un, sun_path) };

/* ---- names ---- */

int tcpip__un_address_in(const struct sockaddr_storage *address, socklen_t length, struct tcpip_unix_address *out)
{
    *out = (struct tcpip_unix_address){.size = 0};
    if (length <= UN_NAME_AT || length > sizeof(struct sockaddr_un) || address->ss_family != AF_UNIX)
        return EINVAL;
    out->size = length - UN_NAME_AT;
    memcpy(out->bytes, (const uint8_t *)address + UN_NAME_AT, out->size);
    return 0;
}

/* A path is shown with a zero behind it, even when it fills sun_path. */
socklen_t tcpip__un_address_out(const struct tcpip_unix_address *address, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    out->ss_family = AF_UNIX;
    memcpy((uint8_t *)out + UN_NAME_AT, address->bytes, address->size);
    bool path = address->size > 0 && address->bytes[0] != 0;
    return (socklen_t)(UN_NAME_AT + address->size + (path ? 1 : 0));
}

int tcpip__un_errno(enum socket_call call, enum tcpip_error error)
{
    if (error == TCPIP_ERR_LIMIT_REACHED)
        return call == SOCKET_CALL_SEND ? ETOOMANYREFS : ENOSPC;
    if (error == TCPIP_ERR_NO_PORT_AVAILABLE)
        return ENOSPC;
    return tcpip__socket_errno(call, error);
}

static void un_sign(struct socket *so)
{
    struct tcpip_unix_credentials self = {getpid(), geteuid(), getegid()};
    enum tcpip_error error = tcpip_unix_set_credentials(so->endpoint, &self);
    ASSERT(error == TCPIP_OK);
}

/* ---- socket, socketpair ---- */

static int un_create(struct tcpip_sockets *s, int type, int protocol, struct socket **out)
{
    enum tcpip_unix_type unix_type = TCPIP_UNIX_STREAM;
    struct tcpip_endpoint *endpoint;
    if (protocol != 0 && protocol != AF_UNIX)
        return EPROTONOSUPPORT;
    switch (type) {
    case SOCK_STREAM:
        break;
    case SOCK_RAW: /* as BSD once had it */
    case SOCK_DGRAM:
        type = SOCK_DGRAM;
        unix_type = TCPIP_UNIX_DATAGRAM;
        break;
    case SOCK_SEQPACKET:
        unix_type = TCPIP_UNIX_SEQPACKET;
        break;
    default:
        return ESOCKTNOSUPPORT;
    }
    enum tcpip_error error = tcpip_unix_new(s->stack, unix_type, &endpoint);
    if (error != TCPIP_OK) /* a stack without them is a kernel without CONFIG_UNIX */
        return error == TCPIP_ERR_UNKNOWN_PROTOCOL ? EAFNOSUPPORT : tcpip__socket_errno(SOCKET_CALL_SOCKET, error);
    int number = tcpip__socket_new(s, &tcpip__un_ops, type, 0, endpoint, out);
    if (number != 0)
        tcpip_endpoint_close(endpoint);
    else
        un_sign(*out);
    return number;
}

static int un_pair(struct socket *a, struct socket *b)
{
    return tcpip__un_errno(SOCKET_CALL_SOCKET, tcpip_unix_join(a->endpoint, b->endpoint));
}

/* ---- bind, listen, accept ---- */

/* A family and nothing else: any name. */
static int un_bind(struct socket *so, const struct sockaddr_storage *address, socklen_t length)
{
    struct tcpip_unix_address name = {.size = 0};
    if (length != UN_NAME_AT || address->ss_family != AF_UNIX) {
        int number = tcpip__un_address_in(address, length, &name);
        if (number != 0)
            return number;
    }
    return tcpip__un_errno(SOCKET_CALL_BIND, tcpip_unix_bind(so->endpoint, &name, NULL, NULL));
}

static int un_listen(struct socket *so, int backlog)
{
    un_sign(so);
    return tcpip__un_errno(SOCKET_CALL_LISTEN, tcpip_endpoint_listen(so->endpoint, backlog));
}

struct un_accepting {
    struct socket *so;
    struct tcpip_endpoint *endpoint;
    bool nonblocking;
};

static int un_accepting_attempt(void *ctx)
{
    struct un_accepting *accepting = ctx;
    enum tcpip_error error = tcpip_endpoint_accept(accepting->so->endpoint, &accepting->endpoint, NULL);
    if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE) /* nobody will come any more */
        return accepting->nonblocking ? EAGAIN : EINVAL;
    return tcpip__un_errno(SOCKET_CALL_ACCEPT, error);
}

static int un_accept(struct socket *so, bool nonblocking, struct socket **out, struct sockaddr_storage *peer,
                     socklen_t *peer_length)
{
    struct un_accepting accepting = {.so = so, .nonblocking = nonblocking};
    struct tcpip_unix_address name;
    tcpip_ns timeout_ns = nonblocking ? 0 : so->receive_timeout_ns;
    int number = tcpip__socket_block(so, TCPIP_EVENT_IN, timeout_ns, un_accepting_attempt, &accepting);
    if (number != 0)
        return number;
    number = tcpip__socket_new(so->file.sockets, so->ops, so->type, so->protocol, accepting.endpoint, out);
    if (number != 0) {
        tcpip_endpoint_close(accepting.endpoint);
        return number;
    }
    if (tcpip_unix_remote_address(accepting.endpoint, &name) != TCPIP_OK)
        name.size = 0;
    *peer_length = tcpip__un_address_out(&name, peer);
    return 0;
}

/* ---- connect ---- */

struct un_connecting {
    struct socket *so;
    const struct tcpip_unix_address *to; /* NULL: nobody any more */
};

static int un_connecting_attempt(void *ctx)
{
    struct un_connecting *connecting = ctx;
    return tcpip__un_errno(SOCKET_CALL_CONNECT, tcpip_unix_connect(connecting->so->endpoint, connecting->to));
}

static int un_connect(struct socket *so, const struct sockaddr_storage *address, socklen_t length, bool nonblocking)
{
    struct tcpip_unix_address name;
    struct un_connecting connecting = {.so = so, .to = &name};
    if (length < sizeof(sa_family_t))
        return EINVAL;
    if (so->type == SOCK_DGRAM && address->ss_family == AF_UNSPEC) {
        connecting.to = NULL;
    } else {
        int number = tcpip__un_address_in(address, length, &name);
        if (number != 0)
            return number;
    }
    un_sign(so);
    tcpip_ns timeout_ns = nonblocking ? 0 : so->send_timeout_ns;
    return tcpip__socket_block(so, TCPIP_EVENT_OUT, timeout_ns, un_connecting_attempt, &connecting);
}

/* ---- names, shutdown, unlink ---- */

static int un_name(const struct socket *so, bool peer, struct sockaddr_storage *out, socklen_t *length)
{
    struct tcpip_unix_address name;
    enum tcpip_error error =
        peer ? tcpip_unix_remote_address(so->endpoint, &name) : tcpip_unix_local_address(so->endpoint, &name);
    if (error == TCPIP_OK)
        *length = tcpip__un_address_out(&name, out);
    return tcpip__un_errno(SOCKET_CALL_NAME, error);
}

static int un_shutdown(struct socket *so, int how)
{
    uint32_t flags =
        (how != SHUT_WR ? (uint32_t)TCPIP_SHUTDOWN_READ : 0) | (how != SHUT_RD ? (uint32_t)TCPIP_SHUTDOWN_WRITE : 0);
    return tcpip__un_errno(SOCKET_CALL_SHUTDOWN, tcpip_endpoint_shutdown(so->endpoint, flags));
}

int tcpip_unlink(struct tcpip_sockets *s, const char *path)
{
    struct tcpip_unix_address name = {.size = 0};
    int number = tcpip__pointer_readable(s, path, 1);
    if (number == 0)
        number = path[0] == 0 ? ENOENT : 0;
    if (number == 0) {
        size_t size = strnlen(path, sizeof(name.bytes) + 1);
        number = size > sizeof(name.bytes) ? ENOENT : 0; /* too long for any that could have been bound */
        name.size = (uint32_t)size;
    }
    if (number != 0)
        return tcpip__sockets_refuse(number);
    memcpy(name.bytes, path, name.size);
    tcpip_sockets_lock(s);
    enum tcpip_error error = tcpip_unix_unlink(s->stack, &name);
    number = error == TCPIP_ERR_UNKNOWN_PROTOCOL ? ENOENT : tcpip__un_errno(SOCKET_CALL_NAME, error);
    return (int)tcpip__sockets_leave(s, NULL, number, 0);
}

const struct socket_ops tcpip__un_ops = {
    .domain = AF_UNIX,
    .create = un_create,
    .pair = un_pair,
    .bind = un_bind,
    .listen = un_listen,
    .accept = un_accept,
    .connect = un_connect,
    .name = un_name,
    .send = tcpip__un_send,
    .receive = tcpip__un_receive,
    .shutdown = un_shutdown,
};
