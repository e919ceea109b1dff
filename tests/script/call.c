// SPDX-License-Identifier: MIT
/* call.c: which calls there are, and those that make and end connections.
 *
 *   socket bind listen accept connect shutdown close            here
 *   read recv recvfrom recvmsg write send sendto sendmsg        call_data.c
 *   setsockopt getsockopt fcntl ioctl poll                      call_option.c
 *   accept_forwarded() = fd    takes the connection that the forwarder made
 *   forward(VERDICT) = 0       decides the oldest deferred SYN
 *   forward_accept(fd) = 0     accepts it on a new socket
 *
 * A blocking call that can't go on says `blocked` and is made again after the stack has worked.
 *
 * Not here: when (run.c). */
#include "call.h"

#include "socket/call_errno.h"
#include "symbol.h"
#include "transport/tcp/tcp_repair.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- errors ---- */

/* Which of the socket layer's calls this one is, for its table of errno. */
static enum socket_call call_kind(const char *name)
{
    static const struct {
        const char *name;
        enum socket_call kind;
    } kinds[] = {
        {"socket", SOCKET_CALL_SOCKET},     {"bind", SOCKET_CALL_BIND},       {"listen", SOCKET_CALL_LISTEN},
        {"accept", SOCKET_CALL_ACCEPT},     {"connect", SOCKET_CALL_CONNECT}, {"shutdown", SOCKET_CALL_SHUTDOWN},
        {"write", SOCKET_CALL_SEND},        {"writev", SOCKET_CALL_SEND},     {"send", SOCKET_CALL_SEND},
        {"sendto", SOCKET_CALL_SEND},       {"sendmsg", SOCKET_CALL_SEND},    {"setsockopt", SOCKET_CALL_OPTION},
        {"getsockopt", SOCKET_CALL_OPTION},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].kind;
    }
    return SOCKET_CALL_RECEIVE;
}

int call_errno(enum tcpip_error error)
{
    return tcpip__socket_errno(SOCKET_CALL_ERROR, error);
}

void call_end(struct call *call, enum tcpip_error error)
{
    call->error = tcpip__socket_errno(call_kind(call->spec->name), error);
    call->value = call->error != 0 ? -1 : 0;
}

/* ---- arguments ---- */

const struct expr *call_argument(const struct call *call, size_t i)
{
    return i < call->spec->arguments.count ? &call->spec->arguments.items[i] : NULL;
}

int64_t call_number(const struct call *call, size_t i, int64_t otherwise)
{
    const struct expr *expr = call_argument(call, i);
    return expr != NULL && expr->kind == EXPR_NUMBER ? expr->number : otherwise;
}

const struct expr *expr_member(const struct expr *expr, const char *key)
{
    for (size_t i = 0; i < expr->count; i++) {
        if (expr->items[i].key != NULL && strcmp(expr->items[i].key, key) == 0)
            return &expr->items[i];
    }
    return NULL;
}

struct socket *call_socket(struct call *call, size_t i)
{
    int64_t fd = call_number(call, i, -1);
    if (fd >= 0 && fd < WORLD_SOCKETS_MAX && call->world->sockets[fd].endpoint != NULL)
        return &call->world->sockets[fd];
    call->value = -1;
    call->error = EBADF;
    return NULL;
}

static bool address_text(struct call *call, const char *text, struct tcpip_full_address *out)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host)
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    out->port = (uint16_t)atoi(colon + 1);
    if (strcmp(host, "*") == 0) {
        out->address = (struct tcpip_address){.len = 0};
        return true;
    }
    if (strcmp(host, "local") == 0 || strcmp(host, "remote") == 0) {
        out->address = host[0] == 'l' ? world_local_address(call->world) : world_remote_address(call->world);
        return true;
    }
    return tcpip_address_parse(host, &out->address) == TCPIP_OK;
}

bool call_address(struct call *call, size_t i, struct tcpip_address otherwise, uint16_t port,
                  struct tcpip_full_address *out)
{
    const struct expr *expr = call_argument(call, i);
    *out = (struct tcpip_full_address){.address = otherwise, .port = port};
    if (expr == NULL || expr->kind == EXPR_ELLIPSIS)
        return true;
    if (expr->kind == EXPR_STRING && address_text(call, expr->text, out))
        return true;
    if (expr->kind == EXPR_STRUCT) {
        const struct expr *number = expr_member(expr, "sin_port"), *address = expr_member(expr, "sin_addr");
        if (number != NULL)
            out->port = (uint16_t)number->number;
        if (address == NULL || address->kind != EXPR_STRING)
            return true;
        if (tcpip_address_parse(address->text, &out->address) == TCPIP_OK)
            return true;
    }
    snprintf(call->wrong, sizeof call->wrong, "argument %zu isn't an address", i + 1);
    return false;
}

/* ---- connections ---- */

static void call_make_socket(struct call *call)
{
    struct world *world = call->world;
    int64_t type = call_number(call, 1, 0), protocol = call_number(call, 2, 0);
    int64_t domain = call_number(call, 0, AF_UNSPEC);
    bool stream = (type & 0xf) == SOCK_STREAM;
    uint32_t transport = stream ? TCPIP_PROTOCOL_TCP : TCPIP_PROTOCOL_UDP;
    uint32_t network = domain == AF_INET    ? TCPIP_PROTOCOL_IPV4
                       : domain == AF_INET6 ? TCPIP_PROTOCOL_IPV6
                                            : world_network(world);
    if (protocol == IPPROTO_ICMP)
        transport = world->ends.v6 ? TCPIP_PROTOCOL_ICMPV6 : TCPIP_PROTOCOL_ICMPV4;
    struct tcpip_endpoint *endpoint;
    enum tcpip_error error = tcpip_stack_new_endpoint(world->stack, transport, network, &endpoint);
    call_end(call, error);
    if (error == TCPIP_OK)
        call->value = world_socket_add(world, endpoint, stream, (type & SOCK_NONBLOCK) != 0);
}

static void call_bind(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    struct tcpip_full_address address;
    if (socket != NULL &&
        call_address(call, 1, world_local_address(call->world), call->world->script->local_port, &address))
        call_end(call, tcpip_endpoint_bind(socket->endpoint, &address, NULL, NULL));
}

static void call_listen(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    if (socket != NULL)
        call_end(call, tcpip_endpoint_listen(socket->endpoint, (int)call_number(call, 1, 0)));
}

static void call_accept(struct call *call)
{
    struct world *world = call->world;
    struct socket *socket = call_socket(call, 0);
    if (socket == NULL)
        return;
    struct tcpip_endpoint *endpoint;
    struct tcpip_full_address peer;
    enum tcpip_error error = tcpip_endpoint_accept(socket->endpoint, &endpoint, &peer);
    call->blocked = error == TCPIP_ERR_WOULD_BLOCK && !socket->nonblocking;
    call_end(call, error);
    if (error != TCPIP_OK)
        return;
    call->value = world_socket_add(world, endpoint, true, false);
    world->last_fd = (int)call->value;
    struct tcpip_address remote = world_remote_address(world);
    if (!tcpip_address_equal(&peer.address, &remote)) {
        char text[TCPIP_FULL_ADDRESS_TEXT_MAX];
        tcpip_full_address_format(&peer, text);
        snprintf(call->wrong, sizeof call->wrong, "the peer's address came as %s", text);
    }
}

static void call_connect(struct call *call)
{
    struct world *world = call->world;
    struct socket *socket = call_socket(call, 0);
    struct tcpip_full_address address;
    bool again = socket != NULL && tcpip__tcp_in_repair(socket->endpoint); /* the first connection, made anew */
    uint16_t port = again ? world->flows[0].remote_port : world->script->local_port;
    if (socket == NULL || !call_address(call, 1, world_remote_address(world), port, &address))
        return;
    enum tcpip_error error = tcpip_endpoint_connect(socket->endpoint, &address);
    world->last_fd = (int)call_number(call, 0, -1);
    bool under_way = error == TCPIP_ERR_CONNECT_STARTED || (call->begun && error == TCPIP_ERR_ALREADY_CONNECTING);
    call->begun = true;
    call->blocked = under_way && !socket->nonblocking;
    call_end(call, error);
    struct flow *flow = &world->flows[0];
    if (!socket->stream && error == TCPIP_OK && !flow->bound) {
        struct tcpip_full_address local;
        tcpip_endpoint_local_address(socket->endpoint, &local);
        flow->bound = true;
        flow->local_port = local.port;
        flow->remote_port = address.port;
    }
}

static void call_shutdown(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    if (socket == NULL)
        return;
    int64_t how = call_number(call, 1, SHUT_RDWR);
    uint32_t flags = how == SHUT_RD   ? TCPIP_SHUTDOWN_READ
                     : how == SHUT_WR ? TCPIP_SHUTDOWN_WRITE
                                      : TCPIP_SHUTDOWN_READ | TCPIP_SHUTDOWN_WRITE;
    call_end(call, tcpip_endpoint_shutdown(socket->endpoint, flags));
}

static void call_close(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    if (socket == NULL)
        return;
    tcpip_endpoint_close(socket->endpoint);
    socket->endpoint = NULL;
    if (call->world->last_fd == call_number(call, 0, -1))
        call->world->last_fd = -1;
}

static void call_accept_forwarded(struct call *call)
{
    struct world *world = call->world;
    if (world->forwarded_count == 0) {
        call_end(call, TCPIP_ERR_WOULD_BLOCK);
        return;
    }
    call->value = world_socket_add(world, world->forwarded[0], true, false);
    world->last_fd = (int)call->value;
    memmove(world->forwarded, world->forwarded + 1, --world->forwarded_count * sizeof world->forwarded[0]);
}

static void call_forward(struct call *call)
{
    struct world *world = call->world;
    if (world->deferred_count == 0) {
        call_end(call, TCPIP_ERR_WOULD_BLOCK);
        return;
    }
    struct tcpip_tcp_forward_request *request = world->deferred[0];
    memmove(world->deferred, world->deferred + 1, --world->deferred_count * sizeof world->deferred[0]);
    tcpip_tcp_forward_decide(world->stack, request,
                             (enum tcpip_tcp_verdict)call_number(call, 0, TCPIP_TCP_FORWARD_ACCEPT));
    call->value = 0;
}

static void call_forward_accept(struct call *call)
{
    struct world *world = call->world;
    struct socket *socket = call_socket(call, 0);
    if (socket == NULL)
        return;
    if (world->deferred_count == 0) {
        call_end(call, TCPIP_ERR_WOULD_BLOCK);
        return;
    }
    enum tcpip_error error = tcpip_tcp_forward_accept(world->stack, world->deferred[0], socket->endpoint);
    if (error == TCPIP_OK)
        memmove(world->deferred, world->deferred + 1, --world->deferred_count * sizeof world->deferred[0]);
    world->last_fd = (int)call_number(call, 0, -1);
    call_end(call, error);
}

void call_try(struct call *call)
{
    static const struct {
        const char *name;
        call_fn *fn;
    } calls[] = {
        {"socket", call_make_socket},
        {"bind", call_bind},
        {"listen", call_listen},
        {"accept", call_accept},
        {"connect", call_connect},
        {"shutdown", call_shutdown},
        {"close", call_close},
        {"read", call_read},
        {"recv", call_recv},
        {"recvfrom", call_recv},
        {"recvmsg", call_recvmsg},
        {"write", call_write},
        {"send", call_send},
        {"sendto", call_sendto},
        {"sendmsg", call_sendmsg},
        {"setsockopt", call_setsockopt},
        {"getsockopt", call_getsockopt},
        {"fcntl", call_fcntl},
        {"ioctl", call_ioctl},
        {"poll", call_poll},
        {"accept_forwarded", call_accept_forwarded},
        {"forward", call_forward},
        {"forward_accept", call_forward_accept},
    };
    call->blocked = false;
    call->wake_at = TCPIP_NEVER;
    call->value = 0;
    call->error = 0;
    call->wrong[0] = 0;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (strcmp(calls[i].name, call->spec->name) == 0) {
            calls[i].fn(call);
            return;
        }
    }
    snprintf(call->wrong, sizeof call->wrong, "no call is named %s", call->spec->name);
}
