// SPDX-License-Identifier: MIT
/* call.h: socket calls on endpoints: arguments in, result and errno out, as POSIX and Linux have them. */
#ifndef TCPIP_TESTS_SCRIPT_CALL_H
#define TCPIP_TESTS_SCRIPT_CALL_H

#include "world.h"

/* A call under way. Zeroed at first, then handed in again each time a blocked call is tried anew. */
struct call {
    struct world *world;
    const struct call_spec *spec;
    bool begun;     /* not the first try: of connect, the SYN is out */
    tcpip_ns since; /* when the call was made */
    int64_t done;   /* bytes that a blocking write has got rid of */
    bool opening;   /* a blocking write began a handshake that isn't done */
    /* What came of it. */
    bool blocked;     /* not finished: try again */
    tcpip_ns wake_at; /* with blocked: at the latest at this instant; TCPIP_NEVER */
    int64_t value;
    int error;       /* errno */
    char wrong[256]; /* what doesn't fit beyond the result: bytes, an option's value; "" */
};

/* Makes the call, or goes on with it. */
void call_try(struct call *call);

/* errno of an error, where it doesn't depend on the call. */
int call_errno(enum tcpip_error error);

/* ---- for the files that make calls ---- */

/* Argument i; NULL if there is none. */
const struct expr *call_argument(const struct call *call, size_t i);
/* Its number, or `otherwise` for "..." and none. */
int64_t call_number(const struct call *call, size_t i, int64_t otherwise);
/* The member of a struct, or NULL. */
const struct expr *expr_member(const struct expr *expr, const char *key);
/* The socket that argument i names; NULL: call->error is EBADF. */
struct socket *call_socket(struct call *call, size_t i);
/* Ends the call with -1 and this errno (0: with 0). */
void call_end(struct call *call, enum tcpip_error error);
/* A full address from argument i: "..." is `otherwise` and `port`; else "1.2.3.4:80", "*:80", or a sockaddr. */
bool call_address(struct call *call, size_t i, struct tcpip_address otherwise, uint16_t port,
                  struct tcpip_full_address *out);

typedef void call_fn(struct call *call);

/* call_data.c */
call_fn call_read, call_recv, call_recvmsg, call_write, call_send, call_sendto, call_sendmsg;
/* call_option.c */
call_fn call_setsockopt, call_getsockopt, call_fcntl, call_ioctl, call_poll;

/* call_error.c */
/* recvmsg with MSG_ERRQUEUE. */
void call_error_queue(struct call *call, struct socket *socket);
/* The TCPIP_WRITE_STAMP_... that the value of SO_TIMESTAMPING asks for. */
uint32_t call_stamps(int64_t timestamping);

/* call_repair.c: false: it is another option, or the socket isn't in repair. */
bool call_set_repair(struct call *call, struct socket *socket, int64_t value);
bool call_get_repair(struct call *call, struct socket *socket, int64_t *value);
bool call_repair_write(struct call *call, struct socket *socket, uint8_t *bytes, size_t size);

#endif
