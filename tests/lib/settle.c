// SPDX-License-Identifier: MIT
/* settle.c: waiting until the kernel's loopback interface has delivered what was sent over it.
 *
 * A sender usually delivers to itself before its call returns; on a busy machine the kernel leaves that to a thread of
 * its own (ksoftirqd), and then nobody knows how long it takes. But what one CPU sends over loopback stands in one
 * queue: a datagram to ourselves that has arrived was preceded by all that was sent before it. What those caused
 * (an ICMP error, a SYN-ACK) was queued behind the datagram, so it takes as many of them as a chain has links.
 *
 * Owns:       a socket that is connected to itself.
 * Invariants: no more than one datagram of ours is under way.
 * Not here:   what a timer of the kernel delays, as an ACK. */
#include "settle.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* SYN, SYN-ACK, ACK, and what was written meanwhile; a FIN, and a reset. */
enum { LINKS = 5, PATIENCE_MS = 30000 };

static int settle_fd = -1;

static void settle_must(bool good, const char *what)
{
    if (!good) {
        perror(what);
        abort();
    }
}

static void settle_open(void)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(own);
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET((size_t)sched_getcpu(), &cpus);
    (void)sched_setaffinity(0, sizeof(cpus), &cpus); /* where that is forbidden we mostly stay where we are */
    settle_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    settle_must(settle_fd >= 0, "socket");
    settle_must(bind(settle_fd, (struct sockaddr *)&own, size) == 0, "bind");
    settle_must(getsockname(settle_fd, (struct sockaddr *)&own, &size) == 0, "getsockname");
    settle_must(connect(settle_fd, (struct sockaddr *)&own, size) == 0, "connect");
}

void kernel_settle(void)
{
    char byte = 0;
    if (settle_fd < 0)
        settle_open();
    for (int i = 0; i < LINKS; i++) {
        struct pollfd ready = {settle_fd, POLLIN, 0};
        settle_must(send(settle_fd, &byte, 1, 0) == 1, "send");
        settle_must(poll(&ready, 1, PATIENCE_MS) == 1, "loopback doesn't deliver");
        settle_must(recv(settle_fd, &byte, 1, 0) == 1, "recv");
    }
}

void kernel_settle_anew(void)
{
    if (settle_fd >= 0)
        close(settle_fd);
    settle_fd = -1;
}
