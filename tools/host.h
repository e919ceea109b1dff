// SPDX-License-Identifier: MIT
/* host.h: a stack on an interface, in a loop, as the command line asks for it. */
#ifndef TCPIP_TOOLS_HOST_H
#define TCPIP_TOOLS_HOST_H

#include "commands.h"
#include "platform/netns.h"

#include <tcpip/loop.h>
#include <tcpip/tcpip.h>

enum { HOST_NIC = 1 };

struct host {
    const struct options *options;
    struct tcpip_env env;
    struct tcpip_limits limits;
    struct tcpip_loop *loop;
    struct tcpip_stack *stack;

    /* The interface, and what is put on top of it, lowest first; NULL where there is none. */
    struct tcpip_tun tun;
    struct tcpip_link_address address; /* ours on a packet socket; len 0: one is drawn */
    struct tcpip_link *device, *fault, *sniffer, *ethernet;
    FILE *capture;

    struct netns_child child;
    bool child_alive; /* not waited for yet */
    bool ends_with_child;
    bool stopped;

    int signal_fd;
    struct tcpip_loop_fd *signals;
    int status; /* what the program will exit with */
};

/* Everything up to a stack that is ready to be used, and a program (after "--") that waits to run. Returns EXIT_GOOD,
 * or the status to exit with after having said why; then there is nothing to close. */
int host_open(struct host *host, const struct options *options);
/* Runs until host_stop, a signal, or (ends_with_child) until the program has ended. */
void host_run(struct host *host);
/* The run ends; the program exits with `status` unless it ends for another reason first. */
void host_stop(struct host *host, int status);
/* Ends the program after "--" if it still runs, prints what was asked for, frees everything. Endpoints, timers and
 * descriptors of the command's are closed by now. Returns the status to exit with. */
int host_close(struct host *host);

/* A listener on `port`, of both families if the stack has addresses of both. Says why not on NULL. */
struct tcpip_endpoint *host_listen(struct host *host, uint16_t port);
/* "tcpip serve: " and a line, to the standard error. */
__attribute__((format(printf, 2, 3))) void host_say(const struct host *host, const char *format, ...);

/* ---- its parts ---- */

/* host_link.c: opens what --tun, --tap or --netns say and stacks the other links on it. EXIT_... */
int host_link_open(struct host *host);
void host_link_free(struct host *host);
/* The link to give to the stack. */
struct tcpip_link *host_link_top(const struct host *host);

#endif
