// SPDX-License-Identifier: MIT
/* netns.h: network namespaces of one's own, without root where the kernel allows it, and a TUN or TAP between one and
 * this process. */
#ifndef TCPIP_SRC_PLATFORM_NETNS_H
#define TCPIP_SRC_PLATFORM_NETNS_H

#include "base/compiler.h"

#include <sys/types.h>
#include <tcpip/address.h>
#include <tcpip/fdbased.h>

/* Moves the calling process into a new network namespace, with a user namespace around it unless it has the privilege
 * to do without; in there it is root. Its loopback interface is up. The process must have one thread. NOT_PERMITTED. */
must_use enum tcpip_error tcpip__netns_enter(struct tcpip_system_error *why);

struct netns_route {
    struct tcpip_prefix destination;
    struct tcpip_address gateway; /* len 0: on link */
};

struct netns_options {
    struct tcpip_tun_options tun;
    uint32_t mtu; /* of the interface; 0: as it comes */
    const struct tcpip_prefix *addresses;
    size_t address_count;
    const struct netns_route *routes; /* after the addresses */
    size_t route_count;
    /* The program to run in there, found by PATH, NULL-terminated; NULL: none, the namespace just is. */
    char *const *argv;
};

/* A process that lives in a namespace of its own. */
struct netns_child {
    pid_t pid;
    int control;          /* closing it ends a child that wasn't started, or has no program */
    struct tcpip_tun tun; /* its interface; tun.fd is the caller's */
};

/* Makes the namespace, the interface in it, addresses and routes, and brings the descriptor here. The child waits. The
 * errors of tcpip_tun_open and of the steps; nothing is left over then. */
must_use enum tcpip_error tcpip__netns_spawn(const struct netns_options *options, struct netns_child *out,
                                             struct tcpip_system_error *why);
/* Lets the child run its program. */
void tcpip__netns_start(struct netns_child *child);
/* Waits for its end; returns the program's status as a shell does: 127 if it couldn't be run, 128 + n after signal n. A
 * child that has no program or wasn't started is ended. */
int tcpip__netns_wait(struct netns_child *child);

#endif
