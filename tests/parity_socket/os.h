// SPDX-License-Identifier: MIT
/* os.h: whose sockets the scenarios use: the kernel's, or with PARITY_OURS those of tcpip/socket.h.
 *
 * Each source is compiled once for either. The scenarios are written in the C library's names; over ours these are
 * macros that hand in the table of descriptors. What begins with sys_ is the kernel's on both sides: files, pipes and
 * eventfds that are used beside sockets.
 *
 * Where the kernel's side lives: a network namespace of each scenario's own, with nothing but `lo`, and an empty
 * directory. Ours: a stack with a loopback link of the same name and addresses. So ports are fixed and may be printed.
 */
#ifndef TCPIP_TESTS_PARITY_OS_H
#define TCPIP_TESTS_PARITY_OS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* Before the first scenario's first call, in its own process. */
void os_begin(void);
/* Around it, in the process that starts the scenarios. */
void os_prepare(void);
void os_finish(void);
/* What keeps this machine from running the kernel's side; NULL: nothing. */
const char *os_obstacle(void);

static inline ssize_t sys_read(int fd, void *data, size_t size)
{
    return read(fd, data, size);
}

static inline ssize_t sys_write(int fd, const void *data, size_t size)
{
    return write(fd, data, size);
}

static inline int sys_close(int fd)
{
    return close(fd);
}

static inline int sys_nonblocking(int fd)
{
    return fcntl(fd, F_SETFL, O_NONBLOCK);
}

#ifdef PARITY_OURS
#include <tcpip/socket.h>

extern struct tcpip_sockets *os_table;

#define socket(...) tcpip_socket(os_table, __VA_ARGS__)
#define socketpair(...) tcpip_socketpair(os_table, __VA_ARGS__)
#define bind(...) tcpip_bind(os_table, __VA_ARGS__)
#define listen(...) tcpip_listen(os_table, __VA_ARGS__)
#define accept(...) tcpip_accept(os_table, __VA_ARGS__)
#define accept4(...) tcpip_accept4(os_table, __VA_ARGS__)
#define connect(...) tcpip_connect(os_table, __VA_ARGS__)
#define read(...) tcpip_read(os_table, __VA_ARGS__)
#define write(...) tcpip_write(os_table, __VA_ARGS__)
#define readv(...) tcpip_readv(os_table, __VA_ARGS__)
#define writev(...) tcpip_writev(os_table, __VA_ARGS__)
#define recv(...) tcpip_recv(os_table, __VA_ARGS__)
#define send(...) tcpip_send(os_table, __VA_ARGS__)
#define recvfrom(...) tcpip_recvfrom(os_table, __VA_ARGS__)
#define sendto(...) tcpip_sendto(os_table, __VA_ARGS__)
#define recvmsg(...) tcpip_recvmsg(os_table, __VA_ARGS__)
#define sendmsg(...) tcpip_sendmsg(os_table, __VA_ARGS__)
#define recvmmsg(...) tcpip_recvmmsg(os_table, __VA_ARGS__)
#define sendmmsg(...) tcpip_sendmmsg(os_table, __VA_ARGS__)
#define sendfile(...) tcpip_sendfile(os_table, __VA_ARGS__)
#define splice(...) tcpip_splice(os_table, __VA_ARGS__)
#define shutdown(...) tcpip_shutdown(os_table, __VA_ARGS__)
#define close(...) tcpip_close(os_table, __VA_ARGS__)
#define dup(...) tcpip_dup(os_table, __VA_ARGS__)
#define dup2(...) tcpip_dup2(os_table, __VA_ARGS__)
#define dup3(...) tcpip_dup3(os_table, __VA_ARGS__)
#define fcntl(...) tcpip_fcntl(os_table, __VA_ARGS__)
#define ioctl(...) tcpip_ioctl(os_table, __VA_ARGS__)
#define getsockopt(...) tcpip_getsockopt(os_table, __VA_ARGS__)
#define setsockopt(...) tcpip_setsockopt(os_table, __VA_ARGS__)
#define getsockname(...) tcpip_getsockname(os_table, __VA_ARGS__)
#define getpeername(...) tcpip_getpeername(os_table, __VA_ARGS__)
#define poll(...) tcpip_poll(os_table, __VA_ARGS__)
#define ppoll(...) tcpip_ppoll(os_table, __VA_ARGS__)
#define select(...) tcpip_select(os_table, __VA_ARGS__)
#define pselect(...) tcpip_pselect(os_table, __VA_ARGS__)
#define epoll_create(...) tcpip_epoll_create(os_table, __VA_ARGS__)
#define epoll_create1(...) tcpip_epoll_create1(os_table, __VA_ARGS__)
#define epoll_ctl(...) tcpip_epoll_ctl(os_table, __VA_ARGS__)
#define epoll_wait(...) tcpip_epoll_wait(os_table, __VA_ARGS__)
#define epoll_pwait(...) tcpip_epoll_pwait(os_table, __VA_ARGS__)
#define epoll_pwait2(...) tcpip_epoll_pwait2(os_table, __VA_ARGS__)
#define getaddrinfo(...) tcpip_getaddrinfo(os_table, __VA_ARGS__)
#define freeaddrinfo(...) tcpip_freeaddrinfo(__VA_ARGS__)
#define getnameinfo(...) tcpip_getnameinfo(os_table, __VA_ARGS__)
#endif

#endif
