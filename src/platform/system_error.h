// SPDX-License-Identifier: MIT
/* system_error.h: what an operating system said no to, put so that a person can act on it. */
#ifndef TCPIP_SRC_PLATFORM_SYSTEM_ERROR_H
#define TCPIP_SRC_PLATFORM_SYSTEM_ERROR_H

#include "base/compiler.h"

#include <tcpip/fdbased.h>

/* Fills in `why` (NULL: nobody asks): "<what, formatted>: <text of number>; <advice>". advice may be NULL. */
__attribute__((format(printf, 4, 5))) void tcpip__system_error(struct tcpip_system_error *why, int number,
                                                               const char *advice, const char *what, ...);
/* The nearest error of the library. */
enum tcpip_error tcpip__system_error_code(int number);

#endif
