// SPDX-License-Identifier: MIT
/* interface.h: what the packetdrill program expects of a shared object under test (`--so_filename`).
 *
 * The object exports packetdrill_interface_init, which fills in every pointer below, in this order. Each function gets
 * `userdata` first; otherwise the calls are POSIX's or Linux's. The functions named netdev_* are the wire, seen from
 * packetdrill; usleep and gettimeofday are its only clock. */
#ifndef TCPIP_TESTS_PACKETDRILL_INTERFACE_H
#define TCPIP_TESTS_PACKETDRILL_INTERFACE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct packetdrill_interface {
    void *userdata;
    void (*free)(void *userdata);
    int (*socket)(void *userdata, int domain, int type, int protocol);
    int (*bind)(void *userdata, int fd, const struct sockaddr *address, socklen_t length);
    int (*listen)(void *userdata, int fd, int backlog);
    int (*accept)(void *userdata, int fd, struct sockaddr *address, socklen_t *length);
    int (*connect)(void *userdata, int fd, const struct sockaddr *address, socklen_t length);
    ssize_t (*read)(void *userdata, int fd, void *data, size_t size);
    ssize_t (*readv)(void *userdata, int fd, const struct iovec *iov, int count);
    ssize_t (*recv)(void *userdata, int fd, void *data, size_t size, int flags);
    ssize_t (*recvfrom)(void *userdata, int fd, void *data, size_t size, int flags, struct sockaddr *address,
                        socklen_t *length);
    ssize_t (*recvmsg)(void *userdata, int fd, struct msghdr *message, int flags);
    ssize_t (*write)(void *userdata, int fd, const void *data, size_t size);
    ssize_t (*writev)(void *userdata, int fd, const struct iovec *iov, int count);
    ssize_t (*send)(void *userdata, int fd, const void *data, size_t size, int flags);
    ssize_t (*sendto)(void *userdata, int fd, const void *data, size_t size, int flags, const struct sockaddr *address,
                      socklen_t length);
    ssize_t (*sendmsg)(void *userdata, int fd, const struct msghdr *message, int flags);
    int (*fcntl)(void *userdata, int fd, int command, ...);
    int (*ioctl)(void *userdata, int fd, unsigned long request, ...);
    int (*close)(void *userdata, int fd);
    int (*shutdown)(void *userdata, int fd, int how);
    int (*getsockopt)(void *userdata, int fd, int level, int name, void *value, socklen_t *length);
    int (*setsockopt)(void *userdata, int fd, int level, int name, const void *value, socklen_t length);
    int (*poll)(void *userdata, struct pollfd *fds, nfds_t count, int timeout);
    int (*netdev_send)(void *userdata, const void *packet, size_t size);
    int (*netdev_receive)(void *userdata, void *out, size_t *size, long long *time_usecs);
    int (*usleep)(void *userdata, useconds_t usecs);
    int (*gettimeofday)(void *userdata, struct timeval *out, struct timezone *zone);
    int (*epoll_create)(void *userdata, int size);
    int (*epoll_ctl)(void *userdata, int epoll_fd, int operation, int fd, struct epoll_event *event);
    int (*epoll_wait)(void *userdata, int epoll_fd, struct epoll_event *events, int count, int timeout);
    int (*pipe)(void *userdata, int fds[2]);
    int (*splice)(void *userdata, int in, loff_t *in_offset, int out, loff_t *out_offset, size_t size,
                  unsigned int flags);
};

typedef void packetdrill_interface_init_fn(const char *flags, struct packetdrill_interface *interface);

#endif
