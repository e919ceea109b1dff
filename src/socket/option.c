// SPDX-License-Identifier: MIT
/* option.c: getsockopt and setsockopt.
 *
 * Owns:     the options that live in struct socket.
 * Not here: those of the endpoints (transport/). */
#include "socket/socket.h"

#include <errno.h>
#include <string.h>

static int option_pending_error(const struct socket *so)
{
    int64_t error = TCPIP_OK;
    if (tcpip_endpoint_get_option(so->endpoint, TCPIP_OPTION_ERROR, &error) != TCPIP_OK)
        return 0;
    return tcpip__socket_errno(SOCKET_CALL_ERROR, (enum tcpip_error)error);
}

static int option_get_socket(struct socket *so, int name, int *value)
{
    switch (name) {
    case SO_ERROR:
        *value = option_pending_error(so);
        return 0;
    case SO_TYPE:
        *value = so->type;
        return 0;
    case SO_DOMAIN:
        *value = so->domain;
        return 0;
    case SO_PROTOCOL:
        *value = so->protocol;
        return 0;
    case SO_ACCEPTCONN:
        *value = so->listening;
        return 0;
    default:
        return ENOPROTOOPT;
    }
}

int tcpip_getsockopt(struct tcpip_sockets *s, int fd, int level, int name, void *value, socklen_t *length)
{
    int result = 0;
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    int number = tcpip__pointer_writable(s, length, sizeof(*length));
    if (number == 0)
        number = *length > INT32_MAX ? EINVAL : tcpip__pointer_writable(s, value, *length);
    if (number == 0)
        number = level == SOL_SOCKET ? option_get_socket(so, name, &result) : ENOPROTOOPT;
    if (number == 0) {
        *length = *length < sizeof(result) ? *length : (socklen_t)sizeof(result);
        memcpy(value, &result, *length);
    }
    return (int)tcpip__sockets_leave(s, &so->file, number, 0);
}

int tcpip_setsockopt(struct tcpip_sockets *s, int fd, int level, int name, const void *value, socklen_t length)
{
    int number = 0, given = 0;
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    if (length < sizeof(given) || length > INT32_MAX)
        number = EINVAL;
    if (number == 0)
        number = tcpip__pointer_readable(s, value, sizeof(given));
    if (number == 0)
        memcpy(&given, value, sizeof(given));
    if (number == 0 && (level != SOL_SOCKET || name != SO_REUSEADDR))
        number = ENOPROTOOPT;
    if (number == 0)
        number = tcpip__socket_errno(SOCKET_CALL_OPTION,
                                     tcpip_endpoint_set_option(so->endpoint, TCPIP_OPTION_REUSE_ADDRESS, given));
    return (int)tcpip__sockets_leave(s, &so->file, number, 0);
}
