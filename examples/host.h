// SPDX-License-Identifier: MIT
/* host.h: what the examples begin with: a stack at 10.1.0.2 behind tun0. */
#ifndef TCPIP_EXAMPLES_HOST_H
#define TCPIP_EXAMPLES_HOST_H

#include <tcpip/tcpip.h>

struct host {
    struct tcpip_env env;
    struct tcpip_stack *stack;
    struct tcpip_link *link; /* over the TUN's descriptor */
    struct tcpip_loop *loop; /* NULL before host_loop */
};

/* Ends the program, with one line that says why, unless `error` is TCPIP_OK. */
void must(enum tcpip_error error, const char *what);
/* Ends the program if it can't be had. */
void host_open(struct host *host);
/* The library's loop, with the stack and its link in it. */
struct tcpip_loop *host_loop(struct host *host);
void host_close(struct host *host);

/* A TCP server on `port` that gives back what it gets, all of it in waiters: whoever drives the stack needn't know of
 * it. It ends with the stack; its memory is given back by echo_free. */
struct echo *echo_new(struct tcpip_stack *stack, uint16_t port);
void echo_free(struct echo *echo);

#endif
