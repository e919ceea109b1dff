// SPDX-License-Identifier: MIT
/* call_errno.h: (call, error) to errno, for the sockets and for whoever else speaks of their calls. */
#ifndef TCPIP_SRC_SOCKET_CALL_ERRNO_H
#define TCPIP_SRC_SOCKET_CALL_ERRNO_H

#include <tcpip/error.h>

enum socket_call {
    SOCKET_CALL_SOCKET,
    SOCKET_CALL_BIND,
    SOCKET_CALL_LISTEN,
    SOCKET_CALL_ACCEPT,
    SOCKET_CALL_CONNECT,
    SOCKET_CALL_SEND,
    SOCKET_CALL_RECEIVE,
    SOCKET_CALL_SHUTDOWN,
    SOCKET_CALL_NAME,
    SOCKET_CALL_OPTION, /* getsockopt and setsockopt */
    SOCKET_CALL_ERROR,  /* the value of SO_ERROR */
    SOCKET_CALL_COUNT
};
/* THE table: what an error is to the caller of `call`. 0 for TCPIP_OK, and for CLOSED_FOR_RECEIVE of RECEIVE. */
int tcpip__socket_errno(enum socket_call call, enum tcpip_error error);

#endif
