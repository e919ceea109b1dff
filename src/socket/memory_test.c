// SPDX-License-Identifier: MIT
/* memory_test.c: each allocation fails once, and once with all that follow: no call crashes, nothing leaks, neither
 * memory nor the kernel's descriptors. */
#include "socket_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { POLLED = 20 };

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    assert_int_equal(closedir(directory), 0);
    return count;
}

/* ---- what is tried; any call may fail ---- */

static void pass_descriptors(struct tcpip_sockets *s, int from, int to, int one, int other)
{
    char byte = 'x', room[CMSG_SPACE(2 * sizeof(int))] = {0};
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(2 * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), (int[]){one, other}, 2 * sizeof(int));
    (void)tcpip_sendmsg(s, from, &message, MSG_DONTWAIT);
    message.msg_controllen = sizeof(room);
    if (tcpip_recvmsg(s, to, &message, MSG_DONTWAIT | MSG_PEEK) == 1 && (header = CMSG_FIRSTHDR(&message)) != NULL)
        for (size_t i = 0; i < (header->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
            if (tcpip_close(s, fd) != 0)
                close(fd);
        }
}

static void try_unix(struct socket_world *w, int epfd)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/name"};
    int pair[2] = {-1, -1}, pipes[2];
    int listener = tcpip_socket(w->s, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int client = tcpip_socket(w->s, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(pipe(pipes), 0);
    (void)!tcpip_socketpair(w->s, AF_UNIX, SOCK_DGRAM, 0, pair);
    pass_descriptors(w->s, pair[0], pair[1], pipes[0], epfd);
    pass_descriptors(w->s, pair[0], pair[1], pair[0], listener);
    (void)!tcpip_bind(w->s, listener, (struct sockaddr *)&name, sizeof(name));
    (void)!tcpip_listen(w->s, listener, 3);
    (void)!tcpip_connect(w->s, client, (struct sockaddr *)&name, sizeof(name));
    (void)!tcpip_send(w->s, client, "hello", 5, MSG_NOSIGNAL);
    (void)!tcpip_accept(w->s, listener, NULL, NULL);
    (void)!tcpip_close(w->s, pair[0]);
    close(pipes[0]);
    close(pipes[1]);
}

static void try_inet(struct socket_world *w)
{
    static char data[100000];
    struct sockaddr_in address = loopback4(7000);
    struct linger linger = {.l_onoff = 1, .l_linger = 1};
    int one = 1;
    int listener = tcpip_socket(w->s, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int client = tcpip_socket(w->s, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int datagram = tcpip_socket(w->s, AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    (void)!tcpip_setsockopt(w->s, listener, SOL_SOCKET, SO_PRIORITY, &one, sizeof(one));
    (void)!tcpip_setsockopt(w->s, client, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one));
    (void)!tcpip_setsockopt(w->s, client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    (void)!tcpip_setsockopt(w->s, datagram, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof(one));
    (void)!tcpip_bind(w->s, listener, (struct sockaddr *)&address, sizeof(address));
    (void)!tcpip_listen(w->s, listener, 3);
    (void)!tcpip_connect(w->s, client, (struct sockaddr *)&address, sizeof(address));
    socket_world_run(w, TCPIP_MS);
    int server = tcpip_accept(w->s, listener, NULL, NULL);
    (void)!tcpip_send(w->s, client, data, sizeof(data), MSG_NOSIGNAL | MSG_ZEROCOPY);
    (void)!tcpip_recv(w->s, server, data, sizeof(data), MSG_PEEK);
    (void)!tcpip_recv(w->s, server, data, sizeof(data), 0);
    struct sockaddr_in6 nobody = loopback6(9);
    (void)!tcpip_sendto(w->s, datagram, "x", 1, 0, (struct sockaddr *)&nobody, sizeof(nobody));
    (void)!tcpip_recv(w->s, datagram, data, sizeof(data), MSG_ERRQUEUE);
    (void)!tcpip_close(w->s, client);
}

static void try_watching(struct socket_world *w, int epfd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET}, told[8];
    struct pollfd fds[POLLED];
    int inner = tcpip_epoll_create1(w->s, 0), pipes[2];
    assert_int_equal(pipe(pipes), 0);
    (void)!tcpip_epoll_ctl(w->s, inner, EPOLL_CTL_ADD, pipes[0], &event);
    (void)!tcpip_epoll_ctl(w->s, epfd, EPOLL_CTL_ADD, inner, &event);
    for (int i = 0; i < POLLED; i++) {
        int fd = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
        (void)!tcpip_epoll_ctl(w->s, epfd, EPOLL_CTL_ADD, fd, &event);
        fds[i] = (struct pollfd){.fd = i % 2 == 0 ? fd : pipes[0], .events = POLLIN};
    }
    fds[0].fd = epfd;
    (void)!tcpip_poll(w->s, fds, POLLED, 1);
    (void)!tcpip_epoll_wait(w->s, epfd, told, 8, 1);
    (void)!tcpip_dup2(w->s, inner, epfd);
    close(pipes[0]);
    close(pipes[1]);
}

/* False: nothing failed any more. */
static bool try_all(uint64_t k, bool after, bool private)
{
    struct tcpip_sockets_options options = {.size = sizeof(options),
                                            .drive = TCPIP_SOCKETS_DRIVE_CALLBACK,
                                            .private_descriptors = private,
                                            .first_descriptor = private ? 500 : 0};
    struct socket_world w;
    size_t before = open_descriptors();
    socket_world_init(&w, &options);
    test_env_fail(&w.world, k, after);
    int epfd = tcpip_epoll_create1(w.s, 0);
    try_unix(&w, epfd);
    try_inet(&w);
    try_watching(&w, epfd);
    bool failed = w.world.failed > 0;
    test_env_fail(&w.world, 0, false);
    socket_world_fini(&w);
    assert_int_equal(open_descriptors(), before);
    return failed;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++)
        for (uint64_t k = 1; try_all(k, (way & 1) != 0, (way & 2) != 0); k++)
            assert_true(k < 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
