// SPDX-License-Identifier: MIT
/* host.h: what the examples begin with: a stack at 10.1.0.2 behind tun0. */
#ifndef TCPIP_EXAMPLES_HOST_H
#define TCPIP_EXAMPLES_HOST_H

#include <tcpip/fdbased.h>
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
/* The same in two steps, for who gets the TUN from elsewhere. */
void host_open_tun(struct tcpip_tun *tun);
void host_open_over(struct host *host, const struct tcpip_tun *tun);
/* The TUN to and from another process, over a unix socket. False: errno says why. */
bool host_send_tun(int to, const struct tcpip_tun *tun);
bool host_receive_tun(int from, struct tcpip_tun *tun);
/* The library's loop, with the stack and its link in it. */
struct tcpip_loop *host_loop(struct host *host);
void host_close(struct host *host);

/* A TCP server on `port` that gives back what it gets, all of it in waiters: whoever drives the stack needn't know of
 * it. It ends with the stack; its memory is given back by echo_free. */
struct echo *echo_new(struct tcpip_stack *stack, uint16_t port);
/* A connection that came in another way; the server's from now on. */
void echo_add(struct echo *echo, struct tcpip_endpoint *connection);
/* Until `fn` is false, and then is that. The service must not run meanwhile. */
bool echo_each(struct echo *echo, bool (*fn)(void *ctx, struct tcpip_endpoint *connection), void *ctx);
void echo_free(struct echo *echo);

#endif
