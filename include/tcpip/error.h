// SPDX-License-Identifier: MIT
/* error.h: the one error space of the library.
 *
 * The first block carries the texts of the original package `tcpip`; the second was added beside it. Which errno each
 * becomes depends on the call and is decided above the core. */
#ifndef TCPIP_ERROR_H
#define TCPIP_ERROR_H

#include <tcpip/base.h>

TCPIP_BEGIN_DECLS

#define TCPIP_ERRORS(X)                                                         \
    X(UNKNOWN_PROTOCOL, "unknown protocol")                                     \
    X(UNKNOWN_NIC_ID, "unknown nic id")                                         \
    X(DUPLICATE_NIC_ID, "duplicate nic id")                                     \
    X(DUPLICATE_ADDRESS, "duplicate address")                                   \
    X(NO_ROUTE, "no route")                                                     \
    X(BAD_LINK_ENDPOINT, "bad link layer endpoint")                             \
    X(ALREADY_BOUND, "endpoint already bound")                                  \
    X(INVALID_ENDPOINT_STATE, "endpoint is in invalid state")                   \
    X(ALREADY_CONNECTING, "endpoint is already connecting")                     \
    X(ALREADY_CONNECTED, "endpoint is already connected")                       \
    X(NO_PORT_AVAILABLE, "no ports are available")                              \
    X(PORT_IN_USE, "port is in use")                                            \
    X(BAD_LOCAL_ADDRESS, "bad local address")                                   \
    X(CLOSED_FOR_SEND, "endpoint is closed for send")                           \
    X(CLOSED_FOR_RECEIVE, "endpoint is closed for receive")                     \
    X(WOULD_BLOCK, "operation would block")                                     \
    X(CONNECTION_REFUSED, "connection was refused")                             \
    X(TIMEOUT, "operation timed out")                                           \
    X(ABORTED, "operation aborted")                                             \
    X(CONNECT_STARTED, "connection attempt started")                            \
    X(DESTINATION_REQUIRED, "destination address is required")                  \
    X(NOT_SUPPORTED, "operation not supported")                                 \
    X(NOT_CONNECTED, "endpoint not connected")                                  \
    X(CONNECTION_RESET, "connection reset by peer")                             \
    X(CONNECTION_ABORTED, "connection aborted")                                 \
    X(UNKNOWN_PROTOCOL_OPTION, "unknown option for protocol")                   \
    X(INVALID_OPTION_VALUE, "invalid option value")                             \
    X(MESSAGE_TOO_LONG, "message too long")                                     \
    X(NO_BUFFER_SPACE, "no buffer space available")                             \
    X(HOST_UNREACHABLE, "no route to host")                                     \
    X(NETWORK_UNREACHABLE, "network is unreachable")                            \
    X(PROTOCOL_UNREACHABLE, "protocol not available at the destination")        \
    X(BROADCAST_DISABLED, "broadcast socket option disabled")                   \
    X(NOT_PERMITTED, "operation not permitted")                                 \
    X(ADDRESS_FAMILY_NOT_SUPPORTED, "address family not supported by protocol") \
    X(MALFORMED_HEADER, "malformed header")                                     \
    X(BAD_ADDRESS, "bad address")                                               \
    X(INVALID_ARGUMENT, "invalid argument")                                     \
    X(NO_MEMORY, "out of memory")                                               \
    X(LIMIT_REACHED, "a limit of the stack is reached")                         \
    X(LINK_DOWN, "link is down")                                                \
    X(WRONG_TYPE, "protocol wrong type for endpoint")                           \
    X(NAME_NOT_FOUND, "no such name")                                           \
    X(KEY_EXISTS, "a key with such an id exists")                               \
    X(KEY_NOT_FOUND, "no such key")                                             \
    X(KEY_IN_USE, "key is in use")                                              \
    X(KEY_REJECTED, "key was rejected")

enum tcpip_error {
    TCPIP_OK = 0,
#define TCPIP_ERROR_ENUM_(name, text) TCPIP_ERR_##name,
    TCPIP_ERRORS(TCPIP_ERROR_ENUM_)
#undef TCPIP_ERROR_ENUM_
        TCPIP_ERROR_COUNT
};

/* The error's text, without a newline; "success" for TCPIP_OK, "unknown error" for a value that is none. Static. */
TCPIP_API const char *tcpip_error_text(enum tcpip_error error);

TCPIP_END_DECLS

#endif
