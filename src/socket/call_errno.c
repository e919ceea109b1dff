// SPDX-License-Identifier: MIT
/* call_errno.c: what an error of the library is to the caller of a socket call: THE table.
 *
 * An error has one errno in most calls; where Linux says another one in some call, that is an exception here.
 *
 * Owns:     nothing.
 * Not here: errors that only this layer knows (EBADF, ENOTSOCK, EFAULT, ...). */
#include "socket/call_errno.h"

#include "base/math.h"

#include <errno.h>

static const uint8_t errno_table[TCPIP_ERROR_COUNT] = {
    [TCPIP_ERR_UNKNOWN_PROTOCOL] = EPROTONOSUPPORT,
    [TCPIP_ERR_UNKNOWN_NIC_ID] = ENODEV,
    [TCPIP_ERR_DUPLICATE_NIC_ID] = EEXIST,
    [TCPIP_ERR_DUPLICATE_ADDRESS] = EADDRINUSE,
    [TCPIP_ERR_NO_ROUTE] = ENETUNREACH,
    [TCPIP_ERR_BAD_LINK_ENDPOINT] = EINVAL,
    [TCPIP_ERR_ALREADY_BOUND] = EINVAL,
    [TCPIP_ERR_INVALID_ENDPOINT_STATE] = EINVAL,
    [TCPIP_ERR_ALREADY_CONNECTING] = EALREADY,
    [TCPIP_ERR_ALREADY_CONNECTED] = EISCONN,
    [TCPIP_ERR_NO_PORT_AVAILABLE] = EADDRINUSE,
    [TCPIP_ERR_PORT_IN_USE] = EADDRINUSE,
    [TCPIP_ERR_BAD_LOCAL_ADDRESS] = EADDRNOTAVAIL,
    [TCPIP_ERR_CLOSED_FOR_SEND] = EPIPE,
    [TCPIP_ERR_CLOSED_FOR_RECEIVE] = 0, /* the end of what there is to read: recv says 0 */
    [TCPIP_ERR_WOULD_BLOCK] = EAGAIN,
    [TCPIP_ERR_CONNECTION_REFUSED] = ECONNREFUSED,
    [TCPIP_ERR_TIMEOUT] = ETIMEDOUT,
    [TCPIP_ERR_ABORTED] = ECONNABORTED,
    [TCPIP_ERR_CONNECT_STARTED] = EINPROGRESS,
    [TCPIP_ERR_DESTINATION_REQUIRED] = EDESTADDRREQ,
    [TCPIP_ERR_NOT_SUPPORTED] = EOPNOTSUPP,
    [TCPIP_ERR_NOT_CONNECTED] = ENOTCONN,
    [TCPIP_ERR_CONNECTION_RESET] = ECONNRESET,
    [TCPIP_ERR_CONNECTION_ABORTED] = ECONNABORTED,
    [TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION] = ENOPROTOOPT,
    [TCPIP_ERR_INVALID_OPTION_VALUE] = EINVAL,
    [TCPIP_ERR_MESSAGE_TOO_LONG] = EMSGSIZE,
    [TCPIP_ERR_NO_BUFFER_SPACE] = ENOBUFS,
    [TCPIP_ERR_HOST_UNREACHABLE] = EHOSTUNREACH,
    [TCPIP_ERR_NETWORK_UNREACHABLE] = ENETUNREACH,
    [TCPIP_ERR_PROTOCOL_UNREACHABLE] = ENOPROTOOPT,
    [TCPIP_ERR_BROADCAST_DISABLED] = EACCES,
    [TCPIP_ERR_NOT_PERMITTED] = EPERM,
    [TCPIP_ERR_ADDRESS_FAMILY_NOT_SUPPORTED] = EAFNOSUPPORT,
    [TCPIP_ERR_MALFORMED_HEADER] = EINVAL,
    [TCPIP_ERR_BAD_ADDRESS] = EINVAL,
    [TCPIP_ERR_INVALID_ARGUMENT] = EINVAL,
    [TCPIP_ERR_NO_MEMORY] = ENOMEM,
    [TCPIP_ERR_LIMIT_REACHED] = ENOBUFS,
    [TCPIP_ERR_LINK_DOWN] = ENETDOWN,
    [TCPIP_ERR_WRONG_TYPE] = EPROTOTYPE,
    [TCPIP_ERR_NAME_NOT_FOUND] = ENOENT,
};

static const struct {
    uint8_t call, error, number;
} errno_exceptions[] = {
    {SOCKET_CALL_CONNECT, TCPIP_ERR_NO_PORT_AVAILABLE, EADDRNOTAVAIL},
    {SOCKET_CALL_CONNECT, TCPIP_ERR_PORT_IN_USE, EADDRNOTAVAIL},
    {SOCKET_CALL_SEND, TCPIP_ERR_NO_PORT_AVAILABLE, EAGAIN}, /* binding on the way */
    {SOCKET_CALL_SEND, TCPIP_ERR_BAD_LOCAL_ADDRESS, EINVAL}, /* a source in IP_PKTINFO that isn't ours */
    {SOCKET_CALL_ERROR, TCPIP_ERR_CLOSED_FOR_SEND, EPIPE},
};

int tcpip__socket_errno(enum socket_call call, enum tcpip_error error)
{
    for (size_t i = 0; i < array_count(errno_exceptions); i++)
        if (errno_exceptions[i].call == call && errno_exceptions[i].error == error)
            return errno_exceptions[i].number;
    return errno_table[error];
}
