// SPDX-License-Identifier: MIT
/* polling.h: readiness of files in poll's words, for poll, select and epoll. */
#ifndef TCPIP_SRC_SOCKET_POLLING_H
#define TCPIP_SRC_SOCKET_POLLING_H

#include "socket/sockets.h"

#include <poll.h>

/* POLL* bits that hold now, as the kernel reports them for a file of this kind: POLLIN comes with POLLRDNORM, ... */
uint32_t tcpip__file_poll(const struct open_file *file);
/* TCPIP_EVENT_* that may bring one of these POLL* bits about. */
uint32_t tcpip__poll_causes(uint32_t events);
/* poll, lock not held: -1 and errno, or how many are ready. duration_ns: TCPIP_NEVER; `signals`: the mask while it
 * sleeps, or NULL. `until` (may be NULL): the instant that the duration ended, or would have. */
int tcpip__poll(struct tcpip_sockets *s, struct pollfd *fds, nfds_t count, tcpip_ns duration_ns,
                const sigset_t *signals, tcpip_ns *until);
/* A timeout as callers give it: EINVAL; NULL is TCPIP_NEVER. */
int tcpip__poll_duration(const struct timespec *timeout, tcpip_ns *out);

/* Descriptors that are readable when one of the kernel's files in an epoll file, or in one nested in it, is ready:
 * fills up to `room`; how many there are (epoll.c). */
uint32_t tcpip__epoll_kernels(const struct open_file *file, struct pollfd *out, uint32_t room);

#endif
