// SPDX-License-Identifier: MIT
/* socket.h: BSD sockets over a stack, with POSIX's and Linux's arguments, flags, names, values and errno. Linux.
 *
 * A struct tcpip_sockets is what a process is to the kernel: a table of descriptors over one stack, with one lock. A
 * call is made as the manual pages say, with the table in front: -1 and errno, or the result. What follows here says
 * only what differs; docs/socket.md says how it works.
 *
 * Threads: any number may call, at the same time. The thread that makes a call runs the stack itself; of those that
 * wait, one moves packets and time meanwhile (enum tcpip_sockets_drive). A call that waits ends with EINTR on a signal
 * as it does in the kernel: not, if the handler has SA_RESTART and the call is one that the kernel restarts.
 *
 * Descriptors: each is also a real, open descriptor of the kernel (an eventfd that means nothing), so numbers never
 * collide and both kinds may be mixed in tcpip_poll and tcpip_epoll_wait; or, with private_descriptors, a number of the
 * table's own. A descriptor that isn't the table's is EBADF here, or ENOTSOCK if it is one of the kernel's.
 *
 * Pointers: NULL with a length is EFAULT; other bad pointers fault, unless probe_pointers is on. */
#ifndef TCPIP_SOCKET_H
#define TCPIP_SOCKET_H

#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <tcpip/endpoint.h>
#include <tcpip/env.h>
#include <tcpip/error.h>
#include <tcpip/link.h>
#include <tcpip/stack.h>
#include <time.h>

TCPIP_BEGIN_DECLS

struct addrinfo;
struct epoll_event;
struct mmsghdr;
struct timespec;
struct tcpip_sockets;

/* Who moves packets and time while calls wait. */
enum tcpip_sockets_drive {
    /* The waiting threads themselves, over an epoll loop of the table's own, in real time; and a thread of the table's
     * while nobody waits. The stack's clock must be CLOCK_MONOTONIC (tcpip_posix_env). */
    TCPIP_SOCKETS_DRIVE_THREADS,
    /* Somebody else, between tcpip_sockets_lock and _unlock: a foreign loop, the main thread of a simulator. Calls that
     * wait sleep until the stack tells them; their timeouts are timers of the stack. */
    TCPIP_SOCKETS_DRIVE_OUTSIDE,
    /* Nobody: there is one thread, and a call that would wait calls `step` until it needn't. */
    TCPIP_SOCKETS_DRIVE_CALLBACK,
};

struct tcpip_sockets_options {
    size_t size; /* sizeof(struct tcpip_sockets_options) */
    enum tcpip_sockets_drive drive;
    bool no_background;       /* THREADS: no thread of the table's; the stack moves only inside calls */
    bool private_descriptors; /* numbers from first_descriptor on, the lowest free one first; not the kernel's */
    int first_descriptor;
    uint32_t max_descriptors; /* more are EMFILE; 0: 1048576 */
    /* EFAULT for every pointer that the kernel would refuse, at a system call per pointer. */
    bool probe_pointers;
    /* CALLBACK, required: makes the next thing happen, not later than `until`: advances a clock, delivers packets.
     * False: nothing will ever happen; the call ends with EDEADLK. OUTSIDE, may be NULL: asked before a call sleeps;
     * false: this thread mustn't sleep, it is the one that drives: EDEADLK. The lock is held: no socket call, no
     * tcpip_sockets_lock; anything may be done with the stack. */
    bool (*step)(void *ctx, tcpip_ns until);
    /* OUTSIDE: a call in another thread gave the stack something to do before the deadline that it had at the last
     * tcpip_sockets_unlock. The lock is held. May be NULL. */
    void (*wake)(void *ctx);
    void *ctx;
    /* Names for tcpip_getaddrinfo: text in /etc/hosts' form, which stays the caller's and must outlive the table. NULL:
     * literals only. */
    const char *hosts;
};

/* options may be NULL: drive THREADS. NO_MEMORY; NO_BUFFER_SPACE: no descriptors or threads left; INVALID_ARGUMENT:
 * drive CALLBACK without `step`. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error
tcpip_sockets_new(struct tcpip_stack *stack, const struct tcpip_sockets_options *options, struct tcpip_sockets **out);
/* Closes every socket, without lingering. No call may be under way. Before tcpip_stack_free. */
TCPIP_API void tcpip_sockets_free(struct tcpip_sockets *s);
/* For everything that is done to the stack directly, from whatever thread. Not recursive; no socket call inside. */
TCPIP_API void tcpip_sockets_lock(struct tcpip_sockets *s);
/* Whoever drives hears of a nearer deadline. */
TCPIP_API void tcpip_sockets_unlock(struct tcpip_sockets *s);
/* Drive THREADS: drives a descriptor link whose NIC is in the stack, as tcpip_loop_add_link; INVALID_ARGUMENT with
 * another drive. Not between lock and unlock. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_sockets_add_link(struct tcpip_sockets *s, struct tcpip_link *link);
/* Nothing if it isn't there. Before the link is freed; its NIC's removal does it too, under the lock. */
TCPIP_API void tcpip_sockets_remove_link(struct tcpip_sockets *s, struct tcpip_link *link);
/* As given. */
TCPIP_API struct tcpip_stack *tcpip_sockets_stack(const struct tcpip_sockets *s);
/* Is the descriptor open here? A socket, or an epoll instance. */
TCPIP_API bool tcpip_is_socket(struct tcpip_sockets *s, int fd);
/* The endpoint of a socket, to be used under the lock; NULL: none. */
TCPIP_API struct tcpip_endpoint *tcpip_socket_endpoint(struct tcpip_sockets *s, int fd);

/* ---- the life of a socket ---- */

/* AF_INET and AF_INET6; SOCK_STREAM (protocols 0 and IPPROTO_TCP) and SOCK_DGRAM (0, IPPROTO_UDP, and IPPROTO_ICMP or
 * IPPROTO_ICMPV6: ping); what the stack has no protocol for is EPROTONOSUPPORT. AF_UNIX: SOCK_STREAM, SOCK_DGRAM and
 * SOCK_SEQPACKET, within the stack; docs/socket.md says what differs from the kernel's. */
TCPIP_API int tcpip_socket(struct tcpip_sockets *s, int domain, int type, int protocol);
/* Two connected sockets. EOPNOTSUPP for internet domains. */
TCPIP_API int tcpip_socketpair(struct tcpip_sockets *s, int domain, int type, int protocol, int sv[2]);
/* bind(2). */
TCPIP_API int tcpip_bind(struct tcpip_sockets *s, int fd, const struct sockaddr *address, socklen_t length);
/* listen(2). */
TCPIP_API int tcpip_listen(struct tcpip_sockets *s, int fd, int backlog);
/* accept(2). */
TCPIP_API int tcpip_accept(struct tcpip_sockets *s, int fd, struct sockaddr *address, socklen_t *length);
/* accept4(2). */
TCPIP_API int tcpip_accept4(struct tcpip_sockets *s, int fd, struct sockaddr *address, socklen_t *length, int flags);
/* connect(2). */
TCPIP_API int tcpip_connect(struct tcpip_sockets *s, int fd, const struct sockaddr *address, socklen_t length);
/* getsockname(2). */
TCPIP_API int tcpip_getsockname(struct tcpip_sockets *s, int fd, struct sockaddr *address, socklen_t *length);
/* getpeername(2). */
TCPIP_API int tcpip_getpeername(struct tcpip_sockets *s, int fd, struct sockaddr *address, socklen_t *length);
/* unlink(2) for a path that an AF_UNIX socket was bound to: such paths are the stack's, not files. ENOENT. */
TCPIP_API int tcpip_unlink(struct tcpip_sockets *s, const char *path);
/* shutdown(2). */
TCPIP_API int tcpip_shutdown(struct tcpip_sockets *s, int fd, int how);
/* Calls that are under way with the descriptor go on. With SO_LINGER it waits, whatever O_NONBLOCK says. */
TCPIP_API int tcpip_close(struct tcpip_sockets *s, int fd);

/* ---- descriptors ---- */

/* dup(2). */
TCPIP_API int tcpip_dup(struct tcpip_sockets *s, int fd);
/* With real descriptors `new_fd` may be any: what it was is closed, as in the kernel. */
TCPIP_API int tcpip_dup2(struct tcpip_sockets *s, int fd, int new_fd);
/* dup3(2). */
TCPIP_API int tcpip_dup3(struct tcpip_sockets *s, int fd, int new_fd, int flags);
/* F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL (O_NONBLOCK, O_ASYNC without effect); others EINVAL. A
 * program that is executed inherits nothing, whatever FD_CLOEXEC says. */
TCPIP_API int tcpip_fcntl(struct tcpip_sockets *s, int fd, int command, ...);

/* ---- moving data ---- */

/* read(2). */
TCPIP_API ssize_t tcpip_read(struct tcpip_sockets *s, int fd, void *out, size_t size);
/* readv(2). */
TCPIP_API ssize_t tcpip_readv(struct tcpip_sockets *s, int fd, const struct iovec *iov, int count);
/* MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT, MSG_TRUNC, MSG_ERRQUEUE (never waits), MSG_CMSG_CLOEXEC,
 * MSG_OOB (never waits). */
TCPIP_API ssize_t tcpip_recv(struct tcpip_sockets *s, int fd, void *out, size_t size, int flags);
/* recvfrom(2). */
TCPIP_API ssize_t tcpip_recvfrom(struct tcpip_sockets *s, int fd, void *out, size_t size, int flags,
                                 struct sockaddr *address, socklen_t *length);
/* recvmsg(2). */
TCPIP_API ssize_t tcpip_recvmsg(struct tcpip_sockets *s, int fd, struct msghdr *message, int flags);
/* A run of received bytes, where the link has put them. */
struct tcpip_received {
    const void *data;
    size_t size;
    struct tcpip_buffer *buffer; /* for tcpip_give_back */
};
/* recv(2) without copying (TCP, UDP, ping): the bytes are taken, and lent in up to *count runs, at most `size` bytes in
 * all; *count becomes how many. Each run is given back with tcpip_give_back, before tcpip_sockets_free; they survive
 * close. Of a datagram all fits into the runs given, or the rest is lost. MSG_DONTWAIT; other flags are EINVAL.
 * EOPNOTSUPP: AF_UNIX. */
TCPIP_API ssize_t tcpip_recv_lent(struct tcpip_sockets *s, int fd, struct tcpip_received *runs, size_t *count,
                                  size_t size, int flags);
/* From any thread, in any order. */
TCPIP_API void tcpip_give_back(struct tcpip_sockets *s, const struct tcpip_received *runs, size_t count);
/* write(2). */
TCPIP_API ssize_t tcpip_write(struct tcpip_sockets *s, int fd, const void *data, size_t size);
/* writev(2). */
TCPIP_API ssize_t tcpip_writev(struct tcpip_sockets *s, int fd, const struct iovec *iov, int count);
/* MSG_DONTWAIT, MSG_MORE, MSG_NOSIGNAL, MSG_EOR, MSG_OOB (TCP). */
TCPIP_API ssize_t tcpip_send(struct tcpip_sockets *s, int fd, const void *data, size_t size, int flags);
/* sendto(2). */
TCPIP_API ssize_t tcpip_sendto(struct tcpip_sockets *s, int fd, const void *data, size_t size, int flags,
                               const struct sockaddr *address, socklen_t length);
/* sendmsg(2). */
TCPIP_API ssize_t tcpip_sendmsg(struct tcpip_sockets *s, int fd, const struct msghdr *message, int flags);

/* recvmmsg(2). The timeout is looked at after each message, as in the kernel. */
TCPIP_API int tcpip_recvmmsg(struct tcpip_sockets *s, int fd, struct mmsghdr *messages, unsigned count, int flags,
                             struct timespec *timeout);
/* sendmmsg(2). */
TCPIP_API int tcpip_sendmmsg(struct tcpip_sockets *s, int fd, struct mmsghdr *messages, unsigned count, int flags);
/* sendfile(2). in_fd is the kernel's. */
TCPIP_API ssize_t tcpip_sendfile(struct tcpip_sockets *s, int out_fd, int in_fd, off_t *offset, size_t count);
/* splice(2) between a socket here and a pipe of the kernel's; the bytes are copied. Nobody else may read from the pipe
 * meanwhile. */
TCPIP_API ssize_t tcpip_splice(struct tcpip_sockets *s, int fd_in, off_t *offset_in, int fd_out, off_t *offset_out,
                               size_t size, unsigned flags);

/* ---- waiting for many ---- */

/* poll(2); the kernel's descriptors may be among them. */
TCPIP_API int tcpip_poll(struct tcpip_sockets *s, struct pollfd *fds, nfds_t count, int timeout_ms);
/* ppoll(2). */
TCPIP_API int tcpip_ppoll(struct tcpip_sockets *s, struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                          const sigset_t *signals);
/* select(2), as long a set as `count` says; what is left of the time is written back, as on Linux. */
TCPIP_API int tcpip_select(struct tcpip_sockets *s, int count, fd_set *in, fd_set *out, fd_set *except,
                           struct timeval *timeout);
/* pselect(2). */
TCPIP_API int tcpip_pselect(struct tcpip_sockets *s, int count, fd_set *in, fd_set *out, fd_set *except,
                            const struct timespec *timeout, const sigset_t *signals);
/* epoll_create(2). An instance is a descriptor of the table's: closed by tcpip_close, and to be watched like a socket.
 */
TCPIP_API int tcpip_epoll_create(struct tcpip_sockets *s, int size);
/* epoll_create1(2). */
TCPIP_API int tcpip_epoll_create1(struct tcpip_sockets *s, int flags);
/* epoll_ctl(2), with sockets, instances, and descriptors of the kernel's that its epoll takes. */
TCPIP_API int tcpip_epoll_ctl(struct tcpip_sockets *s, int epfd, int operation, int fd, struct epoll_event *event);
/* epoll_wait(2). */
TCPIP_API int tcpip_epoll_wait(struct tcpip_sockets *s, int epfd, struct epoll_event *events, int max_events,
                               int timeout_ms);
/* epoll_pwait(2). */
TCPIP_API int tcpip_epoll_pwait(struct tcpip_sockets *s, int epfd, struct epoll_event *events, int max_events,
                                int timeout_ms, const sigset_t *signals);
/* epoll_pwait2(2). */
TCPIP_API int tcpip_epoll_pwait2(struct tcpip_sockets *s, int epfd, struct epoll_event *events, int max_events,
                                 const struct timespec *timeout, const sigset_t *signals);

/* ---- options ---- */

/* FIONREAD, SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK, FIONBIO, FIOASYNC, FIOCLEX, FIONCLEX; SIOCGIFCONF, SIOCGIFNAME,
 * SIOCGIFINDEX, ... of the stack's NICs, whose ids are the indices. Others are ENOTTY, as on Linux. */
TCPIP_API int tcpip_ioctl(struct tcpip_sockets *s, int fd, unsigned long request, ...);
/* getsockopt(2); docs/socket.md has the table of options. */
TCPIP_API int tcpip_getsockopt(struct tcpip_sockets *s, int fd, int level, int name, void *value, socklen_t *length);
/* setsockopt(2). */
TCPIP_API int tcpip_setsockopt(struct tcpip_sockets *s, int fd, int level, int name, const void *value,
                               socklen_t length);

/* ---- names ---- */

/* getaddrinfo(3): literals and the names of options.hosts, numeric services and the best-known ones; the EAI_ errors of
 * the C library. */
TCPIP_API int tcpip_getaddrinfo(struct tcpip_sockets *s, const char *node, const char *service,
                                const struct addrinfo *hints, struct addrinfo **out);
/* freeaddrinfo(3), of tcpip_getaddrinfo's lists only. May be NULL. */
TCPIP_API void tcpip_freeaddrinfo(struct addrinfo *list);
/* getnameinfo(3), by the same tables. */
TCPIP_API int tcpip_getnameinfo(struct tcpip_sockets *s, const struct sockaddr *address, socklen_t length, char *host,
                                socklen_t host_room, char *service, socklen_t service_room, int flags);

TCPIP_END_DECLS

#endif
