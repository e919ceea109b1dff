// SPDX-License-Identifier: MIT
/* unix.h: AF_UNIX, cut in three: sockets (unix.c), data (unix_message.c), descriptors that travel (unix_rights.c). */
#ifndef TCPIP_SRC_SOCKET_UNIX_H
#define TCPIP_SRC_SOCKET_UNIX_H

#include "socket/socket.h"

#include <tcpip/unix.h>

/* ---- unix.c ---- */

/* EINVAL: another family, or no name in it. */
must_use int tcpip__un_address_in(const struct sockaddr_storage *address, socklen_t length,
                                  struct tcpip_unix_address *out);
socklen_t tcpip__un_address_out(const struct tcpip_unix_address *address, struct sockaddr_storage *out);
/* tcpip__socket_errno, and what only AF_UNIX says. */
int tcpip__un_errno(enum socket_call call, enum tcpip_error error);

/* ---- unix_message.c ---- */

int tcpip__un_send(struct socket *so, struct message *message, size_t *done);
int tcpip__un_receive(struct socket *so, struct message *message, size_t *done);

/* ---- unix_rights.c ---- */

/* What goes beside the data of one call. */
struct un_rights {
    struct tcpip_unix_reference items[TCPIP_UNIX_REFERENCES_MAX];
    size_t count;
};
/* Adds references to the files that the descriptors in a SCM_RIGHTS message name. EINVAL: too many; EBADF. */
must_use int tcpip__un_rights_take(struct tcpip_sockets *s, const struct cmsghdr *header, struct un_rights *rights);
/* Gives them all back. */
void tcpip__un_rights_drop(struct un_rights *rights);
/* Gives descriptors to what came, as far as there is room in message->control, and drops the rest; MSG_CTRUNC. */
void tcpip__un_rights_put(struct tcpip_sockets *s, struct un_rights *rights, struct message *message, size_t *used);

#endif
