// SPDX-License-Identifier: MIT
/* call_option.c: options of sockets, and what asks about sockets: fcntl, ioctl, poll.
 *
 * Sizes are exact bytes here, not doubled as in the kernel. */
#include "call.h"

#include "sign.h"
#include "symbol.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <tcpip/signature.h>

#define LEVEL_IP IPPROTO_IP /* also for IPv6: one script runs over both */

static const struct socket_option {
    int level, name;
    enum tcpip_option option;
    tcpip_ns unit; /* of the script's value */
} socket_options[] = {
    {SOL_SOCKET, SO_REUSEADDR, TCPIP_OPTION_REUSE_ADDRESS, 1},
    {SOL_SOCKET, SO_REUSEPORT, TCPIP_OPTION_REUSE_PORT, 1},
    {SOL_SOCKET, SO_SNDBUF, TCPIP_OPTION_SEND_BUFFER_SIZE, 1},
    {SOL_SOCKET, SO_RCVBUF, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, 1},
    {SOL_SOCKET, SO_RCVLOWAT, TCPIP_OPTION_RECEIVE_LOW_WATER, 1},
    {SOL_SOCKET, SO_KEEPALIVE, TCPIP_OPTION_KEEPALIVE, 1},
    {SOL_SOCKET, SO_BROADCAST, TCPIP_OPTION_BROADCAST, 1},
    {LEVEL_IP, IP_TOS, TCPIP_OPTION_TOS, 1},
    {LEVEL_IP, IP_TTL, TCPIP_OPTION_TTL, 1},
    {LEVEL_IP, IP_RECVERR, TCPIP_OPTION_RECEIVE_ERROR, 1},
    {LEVEL_IP, IP_MTU, TCPIP_OPTION_PATH_MTU, 1},
    {LEVEL_IP, IP_MTU_DISCOVER, TCPIP_OPTION_PATH_MTU_DISCOVERY, 1},
    {IPPROTO_IPV6, IPV6_V6ONLY, TCPIP_OPTION_V6_ONLY, 1},
    {IPPROTO_TCP, TCP_NODELAY, TCPIP_OPTION_NO_DELAY, 1},
    {IPPROTO_TCP, TCP_CORK, TCPIP_OPTION_CORK, 1},
    {IPPROTO_TCP, TCP_MAXSEG, TCPIP_OPTION_MAX_SEGMENT, 1},
    {IPPROTO_TCP, TCP_QUICKACK, TCPIP_OPTION_QUICK_ACK, 1},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, TCPIP_OPTION_USER_TIMEOUT, TCPIP_MS},
    {IPPROTO_TCP, TCP_KEEPIDLE, TCPIP_OPTION_KEEPALIVE_IDLE, TCPIP_SECOND},
    {IPPROTO_TCP, TCP_KEEPINTVL, TCPIP_OPTION_KEEPALIVE_INTERVAL, TCPIP_SECOND},
    {IPPROTO_TCP, TCP_KEEPCNT, TCPIP_OPTION_KEEPALIVE_COUNT, 1},
    {IPPROTO_TCP, TCP_SYNCNT, TCPIP_OPTION_SYN_COUNT, 1},
    {IPPROTO_TCP, TCP_LINGER2, TCPIP_OPTION_LINGER2, TCPIP_SECOND},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, TCPIP_OPTION_DEFER_ACCEPT, TCPIP_SECOND},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, TCPIP_OPTION_WINDOW_CLAMP, 1},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCPIP_OPTION_NOT_SENT_LOW_WATER, 1},
    {IPPROTO_TCP, TCP_FASTOPEN, TCPIP_OPTION_FAST_OPEN, 1},
    {IPPROTO_TCP, TCP_FASTOPEN_CONNECT, TCPIP_OPTION_FAST_OPEN_CONNECT, 1},
    {IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, TCPIP_OPTION_FAST_OPEN_NO_COOKIE, 1},
};

static const struct socket_option *find_option(struct call *call)
{
    for (size_t i = 0; i < sizeof socket_options / sizeof socket_options[0]; i++) {
        if (socket_options[i].level == call_number(call, 1, -1) && socket_options[i].name == call_number(call, 2, -1))
            return &socket_options[i];
    }
    call->value = -1;
    call->error = ENOPROTOOPT;
    return NULL;
}

/* The number in [n], n, or the first member of {n, m}. */
static const struct expr *inner_number(const struct expr *expr, size_t i)
{
    if (expr == NULL)
        return NULL;
    if (expr->kind == EXPR_NUMBER)
        return i == 0 ? expr : NULL;
    if (i < expr->count && expr->items[i].kind == EXPR_STRUCT)
        return inner_number(&expr->items[i], 0);
    return i < expr->count && expr->items[i].kind == EXPR_NUMBER ? &expr->items[i] : NULL;
}

static void set_linger(struct call *call, struct socket *socket)
{
    const struct expr *on = inner_number(call_argument(call, 3), 0), *time = inner_number(call_argument(call, 3), 1);
    if (on == NULL || time == NULL) {
        snprintf(call->wrong, sizeof call->wrong, "SO_LINGER takes {onoff=1, linger=0}");
        return;
    }
    int64_t value = on->number == 0 ? -1 : time->number * TCPIP_SECOND;
    call_end(call, tcpip_endpoint_set_option(socket->endpoint, TCPIP_OPTION_LINGER, value));
}

/* [1]: our first key; [1, 2]: the first, and the second behind it. */
static void set_fast_open_key(struct call *call, struct socket *socket)
{
    const struct expr *list = call_argument(call, 3);
    const uint8_t *keys[2] = {NULL, NULL};
    for (size_t i = 0; list != NULL && i < list->count && i < 2; i++) {
        int64_t number = list->items[i].number;
        keys[i] = number == 1 || number == 2 ? script_fast_open_keys.key[number - 1] : NULL;
    }
    if (keys[0] == NULL)
        snprintf(call->wrong, sizeof call->wrong, "TCP_FASTOPEN_KEY takes [1] or [1, 2]");
    else
        call_end(call, tcpip_endpoint_set_fast_open_key(socket->endpoint, keys[0], keys[1]));
}

/* The peer, as a key's scope. */
static struct tcpip_prefix key_peer(const struct call *call)
{
    const struct ends *ends = &call->world->ends;
    struct tcpip_prefix peer = {.address = {.len = ends->v6 ? 16 : 4}, .bits = ends->v6 ? 128 : 32};
    memcpy(peer.address.bytes, ends->remote, peer.address.len);
    return peer;
}

/* [1]: the first secret; [0]: none any more. */
static void set_md5(struct call *call, struct socket *socket)
{
    const struct expr *number = inner_number(call_argument(call, 3), 0);
    uint8_t secret[SIGN_SECRET_BYTES];
    struct tcpip_tcp_md5_key key = {
        .size = sizeof key, .peer = key_peer(call), .secret = secret, .secret_bytes = sizeof secret};
    if (number == NULL) {
        snprintf(call->wrong, sizeof call->wrong, "TCP_MD5SIG takes [1]");
        return;
    }
    sign_secret((unsigned)number->number, secret);
    call_end(call, number->number == 0 ? tcpip_tcp_md5_key_remove(socket->endpoint, &key)
                                       : tcpip_tcp_md5_key_set(socket->endpoint, &key));
}

/* [1]: the key with this id in both directions, and the secret of this number. */
static void set_ao_key(struct call *call, struct socket *socket, bool add)
{
    const struct expr *number = inner_number(call_argument(call, 3), 0);
    uint8_t secret[SIGN_SECRET_BYTES], id = (uint8_t)(number != NULL ? number->number : 0);
    struct tcpip_tcp_ao_key key = {.size = sizeof key,
                                   .peer = key_peer(call),
                                   .secret = secret,
                                   .secret_bytes = sizeof secret,
                                   .send_id = id,
                                   .receive_id = id};
    struct tcpip_tcp_ao_key_removal removal = {
        .size = sizeof removal, .peer = key.peer, .send_id = id, .receive_id = id};
    sign_secret(id, secret);
    call_end(call,
             add ? tcpip_tcp_ao_key_add(socket->endpoint, &key) : tcpip_tcp_ao_key_remove(socket->endpoint, &removal));
}

/* {current=2}, {rnext=2}, {required=1}, {accept_icmps=1}: what isn't named stays, or is off. */
static void set_ao_info(struct call *call, struct socket *socket)
{
    const struct expr *what = call_argument(call, 3);
    struct tcpip_tcp_ao_info info = {.size = sizeof info};
    const struct expr *current = what != NULL ? expr_member(what, "current") : NULL;
    const struct expr *next = what != NULL ? expr_member(what, "rnext") : NULL;
    info.set_current = current != NULL;
    info.current_id = (uint8_t)(current != NULL ? current->number : 0);
    info.set_next = next != NULL;
    info.next_id = (uint8_t)(next != NULL ? next->number : 0);
    info.required = what != NULL && expr_member(what, "required") != NULL;
    info.accept_icmps = what != NULL && expr_member(what, "accept_icmps") != NULL;
    call_end(call, tcpip_tcp_ao_set(socket->endpoint, &info));
}

/* Keys of signatures; false: it is another option. */
static bool set_signature(struct call *call, struct socket *socket)
{
    if (call_number(call, 1, -1) != IPPROTO_TCP)
        return false;
    switch (call_number(call, 2, -1)) {
    case TCP_MD5SIG:
        set_md5(call, socket);
        return true;
    case SCRIPT_AO_ADD_KEY:
    case SCRIPT_AO_DEL_KEY:
        set_ao_key(call, socket, call_number(call, 2, -1) == SCRIPT_AO_ADD_KEY);
        return true;
    case SCRIPT_AO_INFO:
        set_ao_info(call, socket);
        return true;
    default:
        return false;
    }
}

void call_setsockopt(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    if (socket == NULL)
        return;
    if (call_number(call, 1, -1) == SOL_SOCKET && call_number(call, 2, -1) == SO_LINGER) {
        set_linger(call, socket);
        return;
    }
    if (call_number(call, 1, -1) == IPPROTO_TCP && call_number(call, 2, -1) == TCP_FASTOPEN_KEY) {
        set_fast_open_key(call, socket);
        return;
    }
    const struct expr *value = inner_number(call_argument(call, 3), 0);
    if (call_number(call, 1, -1) == SOL_SOCKET && call_number(call, 2, -1) == SO_TIMESTAMPING && value != NULL) {
        socket->stamps = call_stamps(value->number);
        return;
    }
    if (set_signature(call, socket) || call_set_repair(call, socket, value != NULL ? value->number : 0))
        return;
    const struct socket_option *option = find_option(call);
    if (option == NULL)
        return;
    if (value == NULL) {
        snprintf(call->wrong, sizeof call->wrong, "argument 4 isn't [number]");
        return;
    }
    /* Negative numbers are words, not times: LINGER2 -1. */
    int64_t number = value->number < 0 ? value->number : value->number * option->unit;
    call_end(call, tcpip_endpoint_set_option(socket->endpoint, option->option, number));
}

static void expect_number(struct call *call, size_t argument, int64_t actual)
{
    const struct expr *expected = inner_number(call_argument(call, argument), 0);
    if (expected != NULL && expected->number != actual)
        snprintf(call->wrong, sizeof call->wrong, "it reports %" PRId64 ", not %" PRId64, actual, expected->number);
}

void call_getsockopt(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    if (socket == NULL)
        return;
    int64_t value = 0, unit = 1;
    enum tcpip_error error;
    if (call_get_repair(call, socket, &value)) {
        expect_number(call, 3, value);
        return;
    }
    if (call_number(call, 1, -1) == SOL_SOCKET && call_number(call, 2, -1) == SO_ERROR) {
        error = tcpip_endpoint_get_option(socket->endpoint, TCPIP_OPTION_ERROR, &value);
        value = call_errno((enum tcpip_error)value);
    } else if (call_number(call, 1, -1) == IPPROTO_TCP && call_number(call, 2, -1) == TCP_MAXSEG) {
        struct tcpip_tcp_info info = {.size = sizeof info};
        error = tcpip_endpoint_tcp_info(socket->endpoint, &info);
        value = info.snd_mss;
    } else {
        const struct socket_option *option = find_option(call);
        if (option == NULL)
            return;
        error = tcpip_endpoint_get_option(socket->endpoint, option->option, &value);
        unit = option->unit;
    }
    call_end(call, error);
    if (error == TCPIP_OK)
        expect_number(call, 3, value / unit);
}

void call_fcntl(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    if (socket == NULL)
        return;
    if (call_number(call, 1, -1) == F_SETFL)
        socket->nonblocking = (call_number(call, 2, 0) & O_NONBLOCK) != 0;
    else if (call_number(call, 1, -1) == F_GETFL)
        call->value = O_RDWR | (socket->nonblocking ? O_NONBLOCK : 0);
    else
        snprintf(call->wrong, sizeof call->wrong, "only F_GETFL and F_SETFL");
}

void call_ioctl(struct call *call)
{
    struct socket *socket = call_socket(call, 0);
    if (socket == NULL)
        return;
    int64_t request = call_number(call, 1, -1), value = 0;
    struct tcpip_urgent urgent;
    if (request == SIOCATMARK) {
        expect_number(call, 2, tcpip_endpoint_urgent(socket->endpoint, &urgent) && urgent.before == 0);
        return;
    }
    enum tcpip_option option = request == SIOCOUTQ ? TCPIP_OPTION_SEND_QUEUE_SIZE : TCPIP_OPTION_RECEIVE_QUEUE_SIZE;
    if (request != SIOCOUTQ && request != SIOCINQ) {
        snprintf(call->wrong, sizeof call->wrong, "only SIOCINQ, SIOCOUTQ and SIOCATMARK");
        return;
    }
    enum tcpip_error error = tcpip_endpoint_get_option(socket->endpoint, option, &value);
    call_end(call, error);
    if (error == TCPIP_OK)
        expect_number(call, 2, value);
}

/* poll([{fd=4, events=POLLIN, revents=POLLIN}, ...], count, milliseconds) = how many */
void call_poll(struct call *call)
{
    const struct expr *list = call_argument(call, 0);
    int64_t timeout = call_number(call, 2, 0);
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const struct expr *fd = expr_member(&list->items[i], "fd"), *events = expr_member(&list->items[i], "events");
        const struct expr *expected = expr_member(&list->items[i], "revents");
        if (fd == NULL || events == NULL || fd->number < 0 || fd->number >= WORLD_SOCKETS_MAX) {
            snprintf(call->wrong, sizeof call->wrong, "poll takes [{fd=4, events=POLLIN, revents=POLLIN}]");
            return;
        }
        struct tcpip_endpoint *endpoint = call->world->sockets[fd->number].endpoint;
        int64_t ready = endpoint == NULL ? POLLNVAL : tcpip_endpoint_readiness(endpoint, (uint32_t)events->number);
        call->value += ready != 0;
        if (expected != NULL && ready != expected->number)
            snprintf(call->wrong, sizeof call->wrong, "revents of %" PRId64 " is 0x%" PRIx64 ", not 0x%" PRIx64,
                     fd->number, ready, expected->number);
    }
    if (call->value > 0 || timeout == 0)
        return;
    tcpip_ns end = timeout < 0 ? TCPIP_NEVER : call->since + timeout * TCPIP_MS;
    call->blocked = world_now(call->world) < end;
    call->wake_at = end;
}
