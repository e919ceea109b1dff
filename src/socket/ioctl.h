// SPDX-License-Identifier: MIT
/* ioctl.h: the parts of ioctl. */
#ifndef TCPIP_SRC_SOCKET_IOCTL_H
#define TCPIP_SRC_SOCKET_IOCTL_H

struct tcpip_sockets;

/* The requests about NICs (SIOCGIF...), lock held: 0 or an errno. */
int tcpip__ioctl_nics(struct tcpip_sockets *s, unsigned long what, void *argument);

#endif
