// SPDX-License-Identifier: MIT
/* options.c: setsockopt and getsockopt: which table answers, and what the kernel checks before it looks into one.
 *
 * The order of checks is part of what programs see: a length of 3 is EINVAL at SOL_SOCKET even for a name that nobody
 * knows, and at IPPROTO_IP it is not. Each level has its own customs:
 *   SOL_SOCKET, TCP, UDP  4 bytes at least, a good pointer, then the name
 *   IPPROTO_IP            the name, then 4 bytes, or 1, or none where that makes sense; small numbers are answered in
 *                         one byte to who has no room for four
 *   IPPROTO_IPV6          no pointer reads as 0; then the name; then the length
 *
 * Owns:     the kept values of a socket (struct socket_options).
 * Not here: the options themselves (options_*.c), what they do (the core, send and receive). */
#include "base/math.h"
#include "socket/option_table.h"

#include <netinet/in.h>

/* ---- kept values ---- */

static const int32_t kept_defaults[] = {
#define KEPT_DEFAULT_(name, initial) initial,
    SOCKET_KEPT(KEPT_DEFAULT_)
#undef KEPT_DEFAULT_
};

int32_t tcpip__socket_kept(const struct socket_options *options, enum socket_kept which)
{
    return options->kept != NULL ? options->kept[which] : kept_defaults[which];
}

bool tcpip__socket_keep(struct tcpip_sockets *sockets, struct socket_options *options, enum socket_kept which,
                        int32_t value)
{
    if (tcpip__socket_kept(options, which) == value)
        return true;
    if (options->kept == NULL) {
        options->kept = tcpip__sockets_alloc(sockets, sizeof(kept_defaults));
        if (options->kept == NULL)
            return false;
        memcpy(options->kept, kept_defaults, sizeof(kept_defaults));
    }
    options->kept[which] = value;
    return true;
}

bool tcpip__socket_options_inherit(struct tcpip_sockets *sockets, struct socket_options *options,
                                   const struct socket_options *listener)
{
    *options = *listener;
    options->kept = NULL;
    if (listener->kept == NULL)
        return true;
    options->kept = tcpip__sockets_alloc(sockets, sizeof(kept_defaults));
    if (options->kept == NULL)
        return false;
    memcpy(options->kept, listener->kept, sizeof(kept_defaults));
    return true;
}

void tcpip__socket_options_fini(struct tcpip_sockets *sockets, struct socket_options *options)
{
    if (options->kept != NULL)
        tcpip__sockets_dealloc(sockets, options->kept, sizeof(kept_defaults));
    options->kept = NULL;
}

/* ---- the core's options ---- */

int tcpip__option_core_set(const struct option_call *call, enum tcpip_option option, int64_t value)
{
    enum tcpip_error error = tcpip_endpoint_set_option(call->socket->endpoint, option, value);
    if (error == TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION && call->row->kept != 0)
        return 0;
    return error == TCPIP_OK ? 0 : tcpip__socket_errno(SOCKET_CALL_OPTION, error);
}

int tcpip__option_core_get(const struct option_call *call, enum tcpip_option option, int64_t *value)
{
    enum tcpip_error error = tcpip_endpoint_get_option(call->socket->endpoint, option, value);
    return error == TCPIP_OK ? 0 : tcpip__socket_errno(SOCKET_CALL_OPTION, error);
}

/* ---- the caller's memory ---- */

int tcpip__option_readable(const struct option_call *call, size_t size)
{
    return tcpip__pointer_readable(call->sockets, call->in, size);
}

int tcpip__option_answer(const struct option_call *call, const void *data, size_t size)
{
    size_t room = (size_t)(unsigned)call->room; /* a negative one is much room */
    size_t part = size < room ? size : room;
    if (part > 0 && tcpip__pointer_writable(call->sockets, call->out, part) != 0)
        return EFAULT;
    if (part > 0)
        memcpy(call->out, data, part);
    *call->out_length = (socklen_t)part;
    return 0;
}

int tcpip__option_answer_int(const struct option_call *call, int value)
{
    if (call->small && call->room > 0 && call->room < (int)sizeof(int) && value >= 0 && value <= 255) {
        unsigned char byte = (unsigned char)value;
        return tcpip__option_answer(call, &byte, 1);
    }
    return tcpip__option_answer(call, &value, sizeof(value));
}

/* ---- plain rows ---- */

/* The number as it counts. */
static int option_check(const struct sockopt_row *row, int *value)
{
    switch (row->rule) {
    case RULE_BOOL:
        *value = *value != 0;
        return 0;
    case RULE_BOOL01:
        return *value == 0 || *value == 1 ? 0 : EINVAL;
    case RULE_RANGE:
        return *value >= row->least && *value <= row->greatest ? 0 : EINVAL;
    default:
        return 0;
    }
}

int tcpip__option_set_plain(const struct option_call *call)
{
    const struct sockopt_row *row = call->row;
    int value = call->value;
    int error = option_check(row, &value);
    if (error == 0 && row->core != 0)
        error =
            tcpip__option_core_set(call, (enum tcpip_option)(row->core - 1), value * (row->unit != 0 ? row->unit : 1));
    if (error == 0 && row->kept != 0)
        error = option_keep(call, (enum socket_kept)(row->kept - 1), value);
    return error;
}

int tcpip__option_get_plain(const struct option_call *call)
{
    const struct sockopt_row *row = call->row;
    int64_t value;
    if (row->core != 0 &&
        tcpip_endpoint_get_option(call->socket->endpoint, (enum tcpip_option)(row->core - 1), &value) == TCPIP_OK)
        return tcpip__option_answer_int(call, (int)(value / (row->unit != 0 ? row->unit : 1)));
    return tcpip__option_answer_int(call, row->kept != 0 ? option_kept(call, (enum socket_kept)(row->kept - 1)) : 0);
}

int tcpip__option_no_get(const struct option_call *call)
{
    (void)call;
    return ENOPROTOOPT;
}

/* ---- levels ---- */

static const struct sockopt_row *option_find(const struct option_table *table, int name)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].name == name)
            return &table->rows[i];
    return NULL;
}

/* The table of a level, as a socket of this family and protocol knows it; NULL: it doesn't. */
static const struct option_table *option_level(const struct socket *socket, int level)
{
    if (level == SOL_SOCKET)
        return &tcpip__options_socket;
    if (socket->domain != AF_INET && socket->domain != AF_INET6)
        return NULL;
    if (level == IPPROTO_IP)
        return &tcpip__options_ip;
    if (level == IPPROTO_IPV6 && socket->domain == AF_INET6)
        return &tcpip__options_ipv6;
    if (level == IPPROTO_TCP && socket->protocol == IPPROTO_TCP)
        return &tcpip__options_tcp;
    if (level == IPPROTO_UDP && socket->protocol == IPPROTO_UDP)
        return &tcpip__options_udp;
    return NULL;
}

static bool option_has(const struct socket *socket, const struct sockopt_row *row)
{
    uint8_t has = socket->domain == AF_UNIX ? HAS_UNIX : socket->protocol == IPPROTO_TCP ? HAS_TCP : HAS_DATAGRAM;
    return (row->has & has) != 0;
}

/* IPPROTO_IP's way of reading a number: four bytes, else one, else none. */
static int option_read_ip(struct option_call *call)
{
    const struct sockopt_row *row = call->row;
    if (row->set != NULL && row->length == LENGTH_LEVEL)
        return 0; /* it reads for itself */
    int number = tcpip__option_readable(call, min_size((size_t)call->in_length, sizeof(int)));
    if (number != 0)
        return number;
    if (row->length == LENGTH_FOUR && call->in_length != (int)sizeof(int))
        return EINVAL;
    if (row->length == LENGTH_ONE && call->in_length < 1)
        return EINVAL;
    if (call->in_length >= (int)sizeof(int))
        memcpy(&call->value, call->in, sizeof(int));
    else if (call->in_length > 0)
        call->value = *(const unsigned char *)call->in;
    return 0;
}

static int option_set_ip(struct option_call *call, int name)
{
    call->row = option_find(&tcpip__options_ip, name);
    if (call->row == NULL || call->row->rule == RULE_READ)
        return ENOPROTOOPT;
    int error = option_read_ip(call);
    if (error != 0)
        return error;
    return call->row->set != NULL ? call->row->set(call) : tcpip__option_set_plain(call);
}

static int option_set_ipv6(struct option_call *call, int name)
{
    if (call->in != NULL && call->in_length >= (int)sizeof(int)) {
        if (tcpip__option_readable(call, sizeof(int)) != 0)
            return EFAULT;
        memcpy(&call->value, call->in, sizeof(int));
    }
    call->row = option_find(&tcpip__options_ipv6, name);
    if (call->row == NULL || call->row->rule == RULE_READ)
        return ENOPROTOOPT;
    bool own = call->row->set != NULL && call->row->length == LENGTH_LEVEL;
    if (!own && call->row->length != LENGTH_ANY && call->in_length < (int)sizeof(int))
        return EINVAL;
    if (call->row->length == LENGTH_FOUR && call->in_length != (int)sizeof(int))
        return EINVAL;
    return call->row->set != NULL ? call->row->set(call) : tcpip__option_set_plain(call);
}

/* Options that are text or keys: their functions look at length and pointer themselves, before anything else does. */
static bool option_reads_itself(const struct sockopt_row *row)
{
    return row != NULL && row->set != NULL && row->length == LENGTH_ANY;
}

int tcpip__socket_set_option(struct tcpip_sockets *sockets, struct socket *socket, int level, int name,
                             const void *value, socklen_t length)
{
    struct option_call call = {.sockets = sockets, .socket = socket, .in = value, .in_length = (int)length};
    const struct option_table *table = option_level(socket, level);
    if (call.in_length < 0)
        return EINVAL;
    if (table == NULL)
        return socket->domain == AF_UNIX ? EOPNOTSUPP : ENOPROTOOPT;
    if (table == &tcpip__options_ip)
        return option_set_ip(&call, name);
    if (table == &tcpip__options_ipv6)
        return option_set_ipv6(&call, name);
    call.row = option_find(table, name);
    if (!option_reads_itself(call.row)) {
        if (call.in_length < (int)sizeof(int))
            return EINVAL;
        if (tcpip__option_readable(&call, sizeof(int)) != 0)
            return EFAULT;
        memcpy(&call.value, value, sizeof(int));
    }
    if (call.row == NULL)
        return ENOPROTOOPT;
    if (!option_has(socket, call.row))
        return call.row->absent;
    if (call.row->rule == RULE_READ)
        return ENOPROTOOPT;
    return call.row->set != NULL ? call.row->set(&call) : tcpip__option_set_plain(&call);
}

int tcpip__socket_get_option(struct tcpip_sockets *sockets, struct socket *socket, int level, int name, void *value,
                             socklen_t *length)
{
    struct option_call call = {.sockets = sockets, .socket = socket, .out = value, .out_length = length};
    const struct option_table *table = option_level(socket, level);
    if (table == NULL)
        return socket->domain == AF_INET6 ? ENOPROTOOPT : EOPNOTSUPP;
    if (tcpip__pointer_writable(sockets, length, sizeof(*length)) != 0)
        return EFAULT;
    call.room = (int)*length;
    call.small = table == &tcpip__options_ip;
    if (call.room < 0 && table != &tcpip__options_ipv6)
        return EINVAL;
    call.row = option_find(table, name);
    if (call.row == NULL)
        return ENOPROTOOPT;
    if (!option_has(socket, call.row) && call.row->absent != 0)
        return call.row->absent;
    return call.row->get != NULL ? call.row->get(&call) : tcpip__option_get_plain(&call);
}

/* ---- the calls ---- */

int tcpip_getsockopt(struct tcpip_sockets *s, int fd, int level, int name, void *value, socklen_t *length)
{
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    int number = tcpip__socket_get_option(s, so, level, name, value, length);
    return (int)tcpip__sockets_leave(s, &so->file, number, 0);
}

int tcpip_setsockopt(struct tcpip_sockets *s, int fd, int level, int name, const void *value, socklen_t length)
{
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    int number = tcpip__socket_set_option(s, so, level, name, value, length);
    return (int)tcpip__sockets_leave(s, &so->file, number, 0);
}
