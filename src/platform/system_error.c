// SPDX-License-Identifier: MIT
/* system_error.c: what an operating system said no to, put so that a person can act on it. */
#include "platform/system_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void tcpip__system_error(struct tcpip_system_error *why, int number, const char *advice, const char *what, ...)
{
    va_list arguments;
    char front[160];
    if (why == NULL)
        return;
    va_start(arguments, what);
    vsnprintf(front, sizeof(front), what, arguments);
    va_end(arguments);
    why->number = number;
    snprintf(why->text, sizeof(why->text), "%s%s%s%s%s", front, number != 0 ? ": " : "",
             number != 0 ? strerror(number) : "", advice != NULL ? "; " : "", advice != NULL ? advice : "");
}

enum tcpip_error tcpip__system_error_code(int number)
{
    switch (number) {
    case EPERM:
    case EACCES:
        return TCPIP_ERR_NOT_PERMITTED;
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ENOSYS:
    case EOPNOTSUPP:
        return TCPIP_ERR_NOT_SUPPORTED;
    case EBUSY:
        return TCPIP_ERR_PORT_IN_USE;
    case EEXIST:
        return TCPIP_ERR_DUPLICATE_ADDRESS;
    case ENETUNREACH:
        return TCPIP_ERR_NETWORK_UNREACHABLE;
    case ENOMEM:
        return TCPIP_ERR_NO_MEMORY;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOSPC:
    case EAGAIN:
        return TCPIP_ERR_NO_BUFFER_SPACE;
    default:
        return TCPIP_ERR_INVALID_ARGUMENT;
    }
}
