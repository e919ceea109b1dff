// SPDX-License-Identifier: MIT
/* twin.h: one call, and what came of it, in words that fit the kernel's AF_UNIX and the library alike. */
#ifndef TCPIP_TESTS_PARITY_UNIX_TWIN_H
#define TCPIP_TESTS_PARITY_UNIX_TWIN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct test_env;

enum { SLOTS = 7, NAMES = 6, DATA_MAX = 600 };

enum call {
    CALL_NEW, /* size: type */
    CALL_PAIR,
    CALL_CLOSE,
    CALL_BIND, /* name */
    CALL_AUTOBIND,
    CALL_UNLINK,
    CALL_CONNECT,
    CALL_DISCONNECT,
    CALL_LISTEN, /* size: backlog */
    CALL_ACCEPT, /* into other */
    CALL_SEND,   /* size bytes, to name or -1, with references */
    CALL_RECV,   /* size bytes, flag: peek */
    CALL_SHUTDOWN,
    CALL_PASSCRED,
    CALL_PEEK_OFFSET, /* sockets only; size: of SO_PEEK_OFF, less 1 */
    CALL_READY,
    CALL_LOCAL,
    CALL_REMOTE,
    CALL_UNREAD,
    CALL_ERROR,
    CALL_PEERCRED,
    CALLS
};

struct step {
    enum call call;
    int slot, other;
    int name; /* -1: none; even: abstract, odd: a path */
    uint32_t size;
    bool flag;
    uint32_t references;
    int uid; /* said with SCM_CREDENTIALS; -1: nothing said */
    uint8_t fill;
    bool sockets;  /* what follows counts: endpoints know nothing of it */
    int flags;     /* of recvmsg, beside MSG_PEEK */
    uint32_t room; /* for control messages */
};

/* All zero but for what the call says. */
struct answer {
    int error; /* errno */
    int64_t value;
    uint32_t bytes, references, message_bytes;
    uint8_t data[DATA_MAX];
    int from; /* index of a name, -1: unnamed, -2: chosen by bind */
    bool has_credentials;
    int64_t pid, uid, gid;
    int flags; /* msg_flags */
};

enum { SHOWN_UNNAMED = -1, SHOWN_AUTO = -2, SHOWN_STRANGE = -3 };

/* The name's bytes, without a terminating zero; returns the size. */
uint32_t name_bytes(const char *directory, int name, uint8_t *out);
/* The inverse, for what a call has shown. */
int name_index(const char *directory, const uint8_t *bytes, uint32_t size);
const char *call_text(enum call call);

/* The calls of whoever has sockets. */
struct calls {
    int (*socket)(void *ctx, int domain, int type, int protocol);
    int (*socketpair)(void *ctx, int domain, int type, int protocol, int pair[2]);
    int (*close)(void *ctx, int fd);
    int (*bind)(void *ctx, int fd, const struct sockaddr *address, socklen_t length);
    int (*unlink)(void *ctx, const char *path);
    int (*connect)(void *ctx, int fd, const struct sockaddr *address, socklen_t length);
    int (*listen)(void *ctx, int fd, int backlog);
    int (*accept4)(void *ctx, int fd, struct sockaddr *address, socklen_t *length, int flags);
    ssize_t (*sendmsg)(void *ctx, int fd, const struct msghdr *message, int flags);
    ssize_t (*recvmsg)(void *ctx, int fd, struct msghdr *message, int flags);
    int (*shutdown)(void *ctx, int fd, int how);
    int (*getsockname)(void *ctx, int fd, struct sockaddr *address, socklen_t *length);
    int (*getpeername)(void *ctx, int fd, struct sockaddr *address, socklen_t *length);
    int (*getsockopt)(void *ctx, int fd, int level, int name, void *value, socklen_t *length);
    int (*setsockopt)(void *ctx, int fd, int level, int name, const void *value, socklen_t length);
    int (*poll)(void *ctx, struct pollfd *fds, nfds_t count, int timeout_ms);
    int (*ioctl)(void *ctx, int fd, unsigned long request, int *value);
};
extern const struct calls kernel_calls; /* ctx: any */
extern const struct calls socket_calls; /* ctx: struct tcpip_sockets */

struct posix;
struct posix *posix_new(const struct calls *calls, void *ctx, const char *directory);
void posix_free(struct posix *posix);
void posix_do(struct posix *posix, const struct step *step, struct answer *out);
/* Bytes, overhead included, that a slot has in flight. */
int64_t posix_in_flight(const struct posix *posix, int slot);

struct library;
struct library *library_new(const char *directory);
void library_free(struct library *library);
void library_do(struct library *library, const struct step *step, struct answer *out);
/* References that somebody has. */
uint32_t library_references(const struct library *library);

#endif
