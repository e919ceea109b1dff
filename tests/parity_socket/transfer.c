// SPDX-License-Identifier: MIT
/* transfer.c: scenarios: the send and recv families on streams. */
#include "play.h"

#include <limits.h>

static void peek(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    RECV(ends[1], 10, MSG_PEEK | MSG_DONTWAIT);
    DO(send(ends[0], "abcdef", 6, 0));
    AWAIT(ends[1], POLLIN);
    RECV(ends[1], 3, MSG_PEEK);
    RECV(ends[1], 100, MSG_PEEK);
    RECV(ends[1], 4, 0);
    RECV(ends[1], 100, MSG_PEEK | MSG_DONTWAIT);
    RECV(ends[1], 100, MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT);
    RECV(ends[1], 100, MSG_WAITALL | MSG_DONTWAIT);
    RECV(ends[1], 100, MSG_DONTWAIT);
    DO(shutdown(ends[0], SHUT_WR));
    AWAIT(ends[1], POLLIN);
    RECV(ends[1], 100, MSG_PEEK);
    RECV(ends[1], 100, MSG_PEEK | MSG_WAITALL);
}

static void peek_offset(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    GET(ends[1], SOL_SOCKET, SO_PEEK_OFF);
    SET(ends[1], SOL_SOCKET, SO_PEEK_OFF, 2);
    DO(send(ends[0], "abcdefgh", 8, 0));
    AWAIT(ends[1], POLLIN);
    RECV(ends[1], 3, MSG_PEEK);
    RECV(ends[1], 3, MSG_PEEK);
    RECV(ends[1], 3, MSG_PEEK | MSG_DONTWAIT);
    RECV(ends[1], 4, 0);
    GET(ends[1], SOL_SOCKET, SO_PEEK_OFF);
    RECV(ends[1], 3, MSG_PEEK | MSG_DONTWAIT);
    SET(ends[1], SOL_SOCKET, SO_PEEK_OFF, -1);
    RECV(ends[1], 3, MSG_PEEK);
}

static void truncate_stream(void)
{
    int ends[2];
    char data[4];
    make_pair(AF_INET, ends);
    DO(send(ends[0], "abcdefghij", 10, 0));
    AWAIT(ends[1], POLLIN);
    DO(recv(ends[1], NULL, 3, MSG_TRUNC));
    RECV(ends[1], 2, MSG_TRUNC);
    RECV(ends[1], 2, MSG_TRUNC | MSG_PEEK);
    DO(recv(ends[1], NULL, 100, MSG_TRUNC));
    DO(recv(ends[1], data, 4, MSG_TRUNC | MSG_DONTWAIT));
}

static void send_two(int fd)
{
    DO(send(fd, "defg", 4, 0));
}

static void wait_all(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    DO(send(ends[0], "abc", 3, 0));
    struct actor *actor = act(send_two, ends[0]);
    RECV(ends[1], 7, MSG_WAITALL);
    actor_join(actor);
    DO(send(ends[0], "xyz", 3, 0));
    DO(shutdown(ends[0], SHUT_WR));
    RECV(ends[1], 7, MSG_WAITALL);
    RECV(ends[1], 7, MSG_WAITALL);
}

static void wait_all_timeout(void)
{
    int ends[2];
    struct timeval time = {0, 30000};
    make_pair(AF_INET, ends);
    DO(setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
    DO(send(ends[0], "abc", 3, 0));
    RECV(ends[1], 7, MSG_WAITALL);
    RECV(ends[1], 7, MSG_WAITALL);
}

static void more(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    DO(send(ends[0], "ab", 2, MSG_MORE));
    RECV(ends[1], 10, MSG_DONTWAIT);
    DO(send(ends[0], "cd", 2, MSG_MORE));
    RECV(ends[1], 10, MSG_DONTWAIT);
    DO(send(ends[0], "ef", 2, 0));
    RECV(ends[1], 6, MSG_WAITALL);
    SET(ends[0], IPPROTO_TCP, TCP_CORK, 1);
    DO(send(ends[0], "gh", 2, 0));
    RECV(ends[1], 10, MSG_DONTWAIT);
    SET(ends[0], IPPROTO_TCP, TCP_CORK, 0);
    AWAIT(ends[1], POLLIN);
    RECV(ends[1], 10, 0);
    DO(send(ends[0], "ij", 2, MSG_MORE));
    DO(shutdown(ends[0], SHUT_WR));
    RECV(ends[1], 10, 0);
}

static void nothing(void)
{
    int ends[2];
    char data[4];
    make_pair(AF_INET, ends);
    DO(send(ends[0], "", 0, 0));
    DO(send(ends[0], NULL, 0, 0));
    DO(write(ends[0], NULL, 0));
    DO(recv(ends[1], data, 0, MSG_DONTWAIT));
    DO(recv(ends[1], NULL, 0, MSG_DONTWAIT));
    DO(send(ends[0], "x", 1, 0));
    AWAIT(ends[1], POLLIN);
    DO(recv(ends[1], data, 0, 0));
    DO(read(ends[1], data, 0));
    DO(recv(ends[1], data, 0, MSG_PEEK));
    RECV(ends[1], 1, 0);
    DO(shutdown(ends[0], SHUT_WR));
    AWAIT(ends[1], POLLIN);
    DO(recv(ends[1], data, 0, 0));
    DO(recv(ends[1], data, 1, 0));
}

/* The address of a connected stream's sendto is not looked at; recvfrom gives none. */
static void addressed(void)
{
    int ends[2], fresh = make_tcp(AF_INET);
    make_pair(AF_INET, ends);
    DO(sendto(ends[0], "to", 2, 0, V4("192.0.2.1", 9)));
    DO(sendto(ends[0], "to", 2, 0, V6("::1", 9)));
    DO(sendto(ends[0], "to", 2, 0, V4("192.0.2.1", 9) - 12));
    RECVFROM(ends[1], 6, MSG_WAITALL);
    DO(sendto(ends[0], "to", 2, 0, bad_pointer(), 16));
    DO(sendto(fresh, "to", 2, MSG_NOSIGNAL, V4("127.0.0.1", 9)));
    DO(send(ends[1], "x", 1, 0));
    RECVMSG(ends[0], 10, 0);
}

static void pointers(void)
{
    int ends[2];
    struct iovec iov = {bad_pointer(), 3};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    make_pair(AF_INET, ends);
    DO(send(ends[0], NULL, 3, 0));
    DO(send(ends[0], bad_pointer(), 3, 0));
    DO(write(ends[0], bad_pointer(), 3));
    DO(writev(ends[0], &iov, 1));
    DO(writev(ends[0], bad_pointer(), 1));
    DO(sendmsg(ends[0], &message, 0));
    DO(sendmsg(ends[0], NULL, 0));
    DO(sendmsg(ends[0], bad_pointer(), 0));
    DO(recvmsg(ends[1], NULL, 0));
    DO(recvmsg(ends[1], bad_pointer(), 0));
    DO(recv(ends[1], bad_pointer(), 3, MSG_DONTWAIT));
    DO(send(ends[0], "abc", 3, 0));
    AWAIT(ends[1], POLLIN);
    DO(recv(ends[1], NULL, 3, 0));
    DO(recv(ends[1], bad_pointer(), 3, 0));
    DO(read(ends[1], bad_pointer(), 3));
    DO(readv(ends[1], &iov, 1));
    DO(readv(ends[1], NULL, 1));
    DO(recvmsg(ends[1], &message, 0));
    RECV(ends[1], 10, 0);
}

static void vectors(void)
{
    int ends[2];
    char a[4] = "", b[4] = "", c[16] = "";
    struct iovec out[] = {{(void *)(uintptr_t) "ab", 2}, {NULL, 0}, {(void *)(uintptr_t) "cdef", 4}};
    struct iovec in[] = {{a, 1}, {b, 2}, {NULL, 0}, {c, 10}};
    struct iovec huge[] = {{a, SSIZE_MAX}, {b, 1}}, negative = {a, (size_t)-1};
    static struct iovec many[1025];
    make_pair(AF_INET, ends);
    DO(writev(ends[0], out, 3));
    AWAIT(ends[1], POLLIN);
    DO(readv(ends[1], in, 4));
    say("'%s' '%s' '%s'", a, b, c);
    DO(writev(ends[0], out, 0));
    DO(writev(ends[0], NULL, 0));
    DO(writev(ends[0], out, -1));
    DO(writev(ends[0], many, 1024));
    DO(writev(ends[0], many, 1025));
    DO(readv(ends[1], many, 1025));
    DO(readv(ends[1], in, -1));
    DO(readv(ends[1], in, 0));
    DO(writev(ends[0], huge + 1, 1));
    DO(writev(ends[0], &negative, 1));
    DO(readv(ends[1], &negative, 1));
    struct msghdr message = {.msg_iov = many, .msg_iovlen = 1025};
    DO(sendmsg(ends[0], &message, 0));
    DO(recvmsg(ends[1], &message, 0));
    message.msg_iovlen = 0;
    DO(sendmsg(ends[0], &message, 0));
    DO(recvmsg(ends[1], &message, MSG_DONTWAIT));
    message.msg_iov = NULL;
    DO(sendmsg(ends[0], &message, 0));
    RECV(ends[1], 10, MSG_DONTWAIT);
}

static void many_messages(void)
{
    int ends[2];
    char data[3][4] = {"", "", ""};
    struct iovec out[] = {{(void *)(uintptr_t) "ab", 2}, {(void *)(uintptr_t) "cde", 3}, {(void *)(uintptr_t) "f", 1}};
    struct iovec in[] = {{data[0], 2}, {data[1], 3}, {data[2], 3}};
    struct mmsghdr messages[3];
    memset(messages, 0, sizeof(messages));
    make_pair(AF_INET, ends);
    for (int i = 0; i < 3; i++)
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &out[i], .msg_iovlen = 1};
    DO(sendmmsg(ends[0], messages, 0, 0));
    DO(sendmmsg(ends[0], messages, 3, 0));
    say("lengths %u %u %u", messages[0].msg_len, messages[1].msg_len, messages[2].msg_len);
    RECV(ends[1], 6, MSG_PEEK | MSG_WAITALL);
    for (int i = 0; i < 3; i++)
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &in[i], .msg_iovlen = 1};
    DO(recvmmsg(ends[1], messages, 0, 0, NULL));
    DO(recvmmsg(ends[1], messages, 3, 0, NULL));
    say("lengths %u %u %u: '%.2s' '%.3s' '%.3s'", messages[0].msg_len, messages[1].msg_len, messages[2].msg_len,
        data[0], data[1], data[2]);
    DO(recvmmsg(ends[1], messages, 3, MSG_DONTWAIT, NULL));
    DO(sendmmsg(ends[0], NULL, 1, 0));
    DO(recvmmsg(ends[1], NULL, 1, 0, NULL));
    messages[1].msg_hdr.msg_iov = bad_pointer();
    DO(sendmmsg(ends[0], messages, 3, 0));
    DO(sendmmsg(ends[0], messages + 1, 2, 0));
    RECV(ends[1], 10, 0);
}

static void urgent(void)
{
    int ends[2], listener = make_listener(AF_INET, 5000, 1), fresh = make_tcp(AF_INET);
    make_pair(AF_INET, ends);
    RECV(ends[0], 1, MSG_OOB);
    RECV(ends[0], 1, MSG_OOB | MSG_DONTWAIT);
    RECV(ends[0], 1, MSG_OOB | MSG_PEEK);
    RECV(listener, 1, MSG_OOB);
    RECV(fresh, 1, MSG_OOB);
    DO(send(fresh, "x", 1, MSG_OOB | MSG_NOSIGNAL));
    SET(ends[0], SOL_SOCKET, SO_OOBINLINE, 1);
    RECV(ends[0], 1, MSG_OOB);
    DO(shutdown(ends[1], SHUT_WR));
    AWAIT(ends[0], POLLIN);
    RECV(ends[0], 1, MSG_OOB);
}

/* Full: how much that is, is each one's own business. */
static void full(void)
{
    static char block[65536];
    int ends[2];
    long written = 0, got = 0, result;
    make_pair(AF_INET, ends);
    SET(ends[0], SOL_SOCKET, SO_SNDBUF, 65536);
    make_nonblocking(ends[0]);
    while ((result = send(ends[0], block, sizeof(block), 0)) > 0)
        written += result;
    say("full: %s", errno_text(errno));
    READY(ends[0]);
    DO(send(ends[0], block, 1, 0));
    DO(write(ends[0], block, sizeof(block)));
    make_nonblocking(ends[1]);
    while (got < written) {
        struct pollfd p = {.fd = ends[1], .events = POLLIN};
        poll(&p, 1, 5000);
        result = recv(ends[1], block, sizeof(block), 0);
        if (result <= 0)
            break;
        got += result;
    }
    say("all came: %d", got == written);
    AWAIT(ends[0], POLLOUT);
    SOME(send(ends[0], block, 1000, 0));
}

static void read_write(void)
{
    int ends[2];
    char data[10] = "";
    make_pair(AF_INET6, ends);
    DO(write(ends[0], "abcdef", 6));
    AWAIT(ends[1], POLLIN);
    DO(read(ends[1], data, 4));
    say("%s", data);
    make_nonblocking(ends[1]);
    RECV(ends[1], 10, 0);
    DO(read(ends[1], data, 4));
    DO(recv(ends[1], data, 4, 0));
    DO(recv(ends[1], data, 4, MSG_WAITALL));
    int fresh = make_tcp(AF_INET);
    DO(read(fresh, data, 1));
    RECV(fresh, 1, MSG_PEEK);
    RECV(fresh, 1, MSG_DONTWAIT);
    DO(recv(fresh, data, 0, 0));
}

static void odd_flags(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    DO(send(ends[0], "a", 1, MSG_DONTROUTE));
    DO(send(ends[0], "b", 1, MSG_CONFIRM));
    DO(send(ends[0], "c", 1, MSG_EOR));
    DO(send(ends[0], "d", 1, MSG_PEEK));
    DO(send(ends[0], "e", 1, MSG_TRUNC));
    DO(send(ends[0], "f", 1, 0x01000000));
    DO(send(ends[0], "g", 1, MSG_ERRQUEUE));
    DO(send(ends[0], "h", 1, MSG_ZEROCOPY));
    RECV(ends[1], 8, MSG_WAITALL);
    DO(send(ends[0], "i", 1, 0));
    AWAIT(ends[1], POLLIN);
    RECV(ends[1], 8, MSG_MORE | MSG_EOR | MSG_NOSIGNAL);
    RECV(ends[1], 8, MSG_ERRQUEUE);
    RECV(ends[1], 8, MSG_ERRQUEUE | MSG_DONTWAIT);
    RECVMSG(ends[1], 8, MSG_ERRQUEUE);
}

const struct scenario transfer_scenarios[] = {
    {"transfer/peek", peek},
    {"transfer/peek_offset", peek_offset},
    {"transfer/truncate", truncate_stream},
    {"transfer/wait_all", wait_all},
    {"transfer/wait_all_timeout", wait_all_timeout},
    {"transfer/more", more},
    {"transfer/nothing", nothing},
    {"transfer/addressed", addressed},
    {"transfer/pointers", pointers},
    {"transfer/vectors", vectors},
    {"transfer/many_messages", many_messages},
    {"transfer/urgent", urgent},
    {"transfer/full", full},
    {"transfer/read_write", read_write},
    {"transfer/odd_flags", odd_flags},
    {NULL, NULL},
};
