// SPDX-License-Identifier: MIT
/* message.c: scenarios: control messages of UDP and TCP, asked for and handed in. */
#include "play.h"

#include <linux/errqueue.h>

static void received(int family)
{
    int ends[2];
    make_udp_pair(family, ends);
    DO(send(ends[0], "plain", 5, 0));
    RECVMSG(ends[1], 10, 0);
    if (family == AF_INET) {
        SET(ends[1], IPPROTO_IP, IP_RECVTTL, 1);
        SET(ends[1], IPPROTO_IP, IP_RECVTOS, 1);
        SET(ends[1], IPPROTO_IP, IP_PKTINFO, 1);
        SET(ends[0], IPPROTO_IP, IP_TTL, 7);
        SET(ends[0], IPPROTO_IP, IP_TOS, 0x28);
    } else {
        SET(ends[1], IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
        SET(ends[1], IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
        SET(ends[1], IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        SET(ends[0], IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7);
        SET(ends[0], IPPROTO_IPV6, IPV6_TCLASS, 0x28);
    }
    DO(send(ends[0], "asked", 5, 0));
    RECVMSG(ends[1], 10, MSG_PEEK);
    RECVMSG(ends[1], 10, 0);
    DO(send(ends[0], "a", 1, 0));
    DO(send(ends[0], "b", 1, 0));
    DO(send(ends[0], "c", 1, 0));
    DO(send(ends[0], "d", 1, 0));
    RECVMSG_ROOM(ends[1], 10, 0, 0);
    RECVMSG_ROOM(ends[1], 10, 0, 8);
    RECVMSG_ROOM(ends[1], 10, 0, CMSG_SPACE(4));
    RECVMSG_ROOM(ends[1], 10, 0, CMSG_SPACE(4) + CMSG_LEN(2));
    SET(ends[1], SOL_SOCKET, SO_TIMESTAMP, 1);
    DO(send(ends[0], "time", 4, 0));
    RECVMSG(ends[1], 10, 0);
    SET(ends[1], SOL_SOCKET, SO_TIMESTAMPNS, 1);
    DO(send(ends[0], "time", 4, 0));
    RECVMSG(ends[1], 10, 0);
    GET(ends[1], SOL_SOCKET, SO_TIMESTAMP);
    GET(ends[1], SOL_SOCKET, SO_TIMESTAMPNS);
    SET(ends[1], SOL_SOCKET, SO_TIMESTAMPNS, 0);
    DO(send(ends[0], "no", 2, 0));
    RECVMSG(ends[1], 10, 0);
}

static void received_v4(void)
{
    received(AF_INET);
}

static void received_v6(void)
{
    received(AF_INET6);
}

static void received_mapped(void)
{
    int six = make_udp(AF_INET6), four = make_udp(AF_INET);
    MUST(bind(six, V6("::", 6001)));
    SET(six, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    SET(six, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    SET(six, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    DO(sendto(four, "x", 1, 0, V4("127.0.0.1", 6001)));
    RECVMSG(six, 10, 0);
    SET(six, IPPROTO_IP, IP_RECVTTL, 1);
    SET(six, IPPROTO_IP, IP_RECVTOS, 1);
    SET(six, IPPROTO_IP, IP_PKTINFO, 1);
    SET(four, IPPROTO_IP, IP_TTL, 9);
    DO(sendto(four, "y", 1, 0, V4("127.0.0.1", 6001)));
    RECVMSG(six, 10, 0);
}

static long send_with(int fd, const struct sockaddr *to, socklen_t to_length, int level, int type, const void *data,
                      size_t size)
{
    char control[256] = "";
    struct iovec iov;
    struct msghdr message = message_of(&iov, "control", 7);
    message.msg_name = (void *)(uintptr_t)to;
    message.msg_namelen = to_length;
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(size), .cmsg_level = level, .cmsg_type = type};
    memcpy(CMSG_DATA(c), data, size);
    return sendmsg(fd, &message, 0);
}

#define WITH_INT(fd, level, type, value) send_with(fd, NULL, 0, level, type, &(int){value}, sizeof(int))
#define WITH(fd, level, type, value) send_with(fd, NULL, 0, level, type, &(value), sizeof(value))

static void sent_v4(void)
{
    int ends[2];
    struct in_pktinfo info = {.ipi_ifindex = 1};
    unsigned char byte = 0x10;
    make_udp_pair(AF_INET, ends);
    SET(ends[1], IPPROTO_IP, IP_RECVTTL, 1);
    SET(ends[1], IPPROTO_IP, IP_RECVTOS, 1);
    DO(WITH_INT(ends[0], IPPROTO_IP, IP_TTL, 5));
    RECVMSG(ends[1], 10, MSG_DONTWAIT);
    DO(WITH_INT(ends[0], IPPROTO_IP, IP_TOS, 0x88));
    RECVMSG(ends[1], 10, MSG_DONTWAIT);
    DO(WITH(ends[0], IPPROTO_IP, IP_TOS, byte));
    RECVMSG(ends[1], 10, MSG_DONTWAIT);
    DO(WITH_INT(ends[0], IPPROTO_IP, IP_TTL, 0));
    DO(WITH_INT(ends[0], IPPROTO_IP, IP_TTL, 256));
    DO(WITH_INT(ends[0], IPPROTO_IP, IP_TTL, -1));
    DO(WITH_INT(ends[0], IPPROTO_IP, IP_TOS, -1));
    DO(WITH_INT(ends[0], IPPROTO_IP, IP_TOS, 256));
    DO(WITH(ends[0], IPPROTO_IP, IP_TTL, byte));
    DO(WITH(ends[0], IPPROTO_IP, IP_PKTINFO, info));
    info.ipi_ifindex = 99;
    DO(WITH(ends[0], IPPROTO_IP, IP_PKTINFO, info));
    info.ipi_ifindex = 0;
    inet_pton(AF_INET, "127.0.0.2", &info.ipi_spec_dst);
    DO(WITH(ends[0], IPPROTO_IP, IP_PKTINFO, info));
    inet_pton(AF_INET, "192.0.2.1", &info.ipi_spec_dst);
    DO(WITH(ends[0], IPPROTO_IP, IP_PKTINFO, info));
    DO(WITH(ends[0], IPPROTO_IP, IP_PKTINFO, byte));
    DO(WITH_INT(ends[0], IPPROTO_IP, 4711, 5));
    DO(WITH_INT(ends[0], IPPROTO_IPV6, IPV6_HOPLIMIT, 5));
    DO(WITH_INT(ends[0], SOL_SOCKET, SCM_RIGHTS, 0));
    DO(WITH_INT(ends[0], SOL_SOCKET, 4711, 0));
    DO(WITH_INT(ends[0], 4711, 4711, 0));
    DO(WITH_INT(ends[0], SOL_SOCKET, SO_MARK, 5));
    for (int i = 0; i < 5; i++)
        RECVMSG(ends[1], 10, MSG_DONTWAIT);
}

static void sent_v6(void)
{
    int ends[2];
    struct in6_pktinfo info = {.ipi6_ifindex = 1};
    unsigned char byte = 0x10;
    make_udp_pair(AF_INET6, ends);
    SET(ends[1], IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    SET(ends[1], IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    DO(WITH_INT(ends[0], IPPROTO_IPV6, IPV6_HOPLIMIT, 5));
    RECVMSG(ends[1], 10, MSG_DONTWAIT);
    DO(WITH_INT(ends[0], IPPROTO_IPV6, IPV6_TCLASS, 0x88));
    RECVMSG(ends[1], 10, MSG_DONTWAIT);
    DO(WITH_INT(ends[0], IPPROTO_IPV6, IPV6_HOPLIMIT, -1));
    DO(WITH_INT(ends[0], IPPROTO_IPV6, IPV6_HOPLIMIT, -2));
    DO(WITH_INT(ends[0], IPPROTO_IPV6, IPV6_HOPLIMIT, 256));
    DO(WITH_INT(ends[0], IPPROTO_IPV6, IPV6_TCLASS, -1));
    DO(WITH_INT(ends[0], IPPROTO_IPV6, IPV6_TCLASS, -2));
    DO(WITH_INT(ends[0], IPPROTO_IPV6, IPV6_TCLASS, 256));
    DO(WITH(ends[0], IPPROTO_IPV6, IPV6_TCLASS, byte));
    DO(WITH(ends[0], IPPROTO_IPV6, IPV6_PKTINFO, info));
    info.ipi6_ifindex = 99;
    DO(WITH(ends[0], IPPROTO_IPV6, IPV6_PKTINFO, info));
    info.ipi6_ifindex = 0;
    inet_pton(AF_INET6, "2001:db8::1", &info.ipi6_addr);
    DO(WITH(ends[0], IPPROTO_IPV6, IPV6_PKTINFO, info));
    DO(WITH_INT(ends[0], IPPROTO_IPV6, 4711, 5));
    DO(WITH_INT(ends[0], IPPROTO_IP, IP_TTL, 5));
    for (int i = 0; i < 4; i++)
        RECVMSG(ends[1], 10, MSG_DONTWAIT);
}

/* Lists of control messages that lie about their lengths. */
static void malformed(void)
{
    static const size_t lengths[] = {
        0, 1, sizeof(struct cmsghdr) - 1, sizeof(struct cmsghdr), CMSG_LEN(4) + 1, CMSG_LEN(400), (size_t)-1};
    int ends[2];
    char control[64];
    struct iovec iov;
    struct msghdr message = message_of(&iov, "x", 1);
    make_udp_pair(AF_INET, ends);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        memset(control, 0, sizeof(control));
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(4);
        *CMSG_FIRSTHDR(&message) =
            (struct cmsghdr){.cmsg_len = lengths[i], .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TTL};
        DO(sendmsg(ends[0], &message, 0));
    }
    message.msg_controllen = sizeof(struct cmsghdr) - 1;
    DO(sendmsg(ends[0], &message, 0));
    message.msg_controllen = 0;
    DO(sendmsg(ends[0], &message, 0));
    message.msg_control = NULL;
    message.msg_controllen = 24;
    DO(sendmsg(ends[0], &message, 0));
    message.msg_control = bad_pointer();
    DO(sendmsg(ends[0], &message, 0));
    message.msg_controllen = (size_t)INT32_MAX + 1;
    DO(sendmsg(ends[0], &message, 0));
    message.msg_controllen = INT32_MAX;
    DO(sendmsg(ends[0], &message, 0));
}

static void names_in_messages(void)
{
    int ends[2];
    struct iovec iov;
    struct msghdr message = message_of(&iov, "x", 1);
    make_udp_pair(AF_INET, ends);
    message.msg_name = (void *)(uintptr_t)play_v4("127.0.0.1", 6001);
    message.msg_namelen = 0;
    DO(sendmsg(ends[0], &message, 0));
    message.msg_namelen = 3;
    DO(sendmsg(ends[0], &message, 0));
    message.msg_namelen = sizeof(struct sockaddr_in);
    DO(sendmsg(ends[0], &message, 0));
    message.msg_namelen = 1000;
    DO(sendmsg(ends[0], &message, 0));
    message.msg_namelen = (socklen_t)-1;
    DO(sendmsg(ends[0], &message, 0));
    message.msg_name = NULL;
    message.msg_namelen = 16;
    DO(sendmsg(ends[0], &message, 0));
    message.msg_flags = -1;
    DO(sendmsg(ends[0], &message, 0));
    char data[10], name[200];
    iov = (struct iovec){data, sizeof(data)};
    message = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1, .msg_name = name, .msg_namelen = (socklen_t)-1};
    DO(recvmsg(ends[1], &message, MSG_DONTWAIT));
    message.msg_namelen = 1000;
    DO(recvmsg(ends[1], &message, MSG_DONTWAIT));
    say("length %u", message.msg_namelen);
    message.msg_namelen = 4;
    DO(recvmsg(ends[1], &message, MSG_DONTWAIT));
    say("length %u", message.msg_namelen);
    message.msg_name = NULL;
    message.msg_namelen = 77;
    DO(recvmsg(ends[1], &message, MSG_DONTWAIT));
    say("length %u flags %d", message.msg_namelen, message.msg_flags);
}

static void of_tcp(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    SET(ends[1], SOL_SOCKET, SO_TIMESTAMP, 1);
    SET(ends[1], IPPROTO_IP, IP_PKTINFO, 1);
    SET(ends[1], IPPROTO_IP, IP_RECVTTL, 1);
    DO(send(ends[0], "data", 4, 0));
    AWAIT(ends[1], POLLIN);
    RECVMSG(ends[1], 10, 0);
    SET(ends[1], IPPROTO_TCP, TCP_INQ, 1);
    GET(ends[1], IPPROTO_TCP, TCP_INQ);
    DO(send(ends[0], "abcdef", 6, 0));
    AWAIT(ends[1], POLLIN);
    RECVMSG(ends[1], 2, 0);
    RECVMSG(ends[1], 20, 0);
    DO(WITH_INT(ends[0], IPPROTO_IP, IP_TTL, 5));
    DO(WITH_INT(ends[0], SOL_SOCKET, 4711, 5));
    DO(shutdown(ends[0], SHUT_WR));
    RECVMSG(ends[1], 7, MSG_WAITALL);
    RECVMSG(ends[1], 7, 0);
}

static void segmented(void)
{
    int ends[2];
    uint16_t size = 3;
    char data[1] = "";
    make_udp_pair(AF_INET, ends);
    GET(ends[0], IPPROTO_UDP, UDP_SEGMENT);
    GET(ends[1], IPPROTO_UDP, UDP_GRO);
    DO(send_with(ends[0], NULL, 0, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)));
    for (int i = 0; i < 3; i++)
        RECVMSG(ends[1], 10, MSG_DONTWAIT);
    DO(send_with(ends[0], NULL, 0, IPPROTO_UDP, UDP_SEGMENT, data, 1));
    SET(ends[0], IPPROTO_UDP, UDP_SEGMENT, 4);
    GET(ends[0], IPPROTO_UDP, UDP_SEGMENT);
    DO(send(ends[0], "abcdefghi", 9, 0));
    for (int i = 0; i < 3; i++)
        RECVMSG(ends[1], 10, MSG_DONTWAIT);
    SET(ends[0], IPPROTO_UDP, UDP_SEGMENT, -1);
    SET(ends[0], IPPROTO_UDP, UDP_SEGMENT, 65536);
    SET(ends[0], IPPROTO_UDP, UDP_SEGMENT, 0);
    SET(ends[1], IPPROTO_UDP, UDP_GRO, 1);
    GET(ends[1], IPPROTO_UDP, UDP_GRO);
    RECVMSG(ends[1], 10, MSG_DONTWAIT);
}

/* Records are put together while there is more to come. */
static void corked(void)
{
    int ends[2];
    make_udp_pair(AF_INET, ends);
    DO(send(ends[0], "ab", 2, MSG_MORE));
    DO(send(ends[0], "cd", 2, MSG_MORE));
    RECV(ends[1], 10, MSG_DONTWAIT);
    DO(sendto(ends[0], "ef", 2, 0, V4("127.0.0.1", 9)));
    RECV(ends[1], 10, MSG_DONTWAIT);
    SET(ends[0], IPPROTO_UDP, UDP_CORK, 1);
    DO(send(ends[0], "gh", 2, 0));
    DO(send(ends[0], "ij", 2, 0));
    RECV(ends[1], 10, MSG_DONTWAIT);
    SET(ends[0], IPPROTO_UDP, UDP_CORK, 0);
    RECV(ends[1], 10, 0);
}

/* Takes what is told of MSG_ZEROCOPY, in however many records, until this call was. */
static void say_free(int fd, uint32_t last)
{
    struct {
        struct sock_extended_err error;
        struct sockaddr_in offender;
    } told = {0};
    uint32_t next = UINT32_MAX;
    do {
        char control[256];
        struct iovec iov = {0};
        struct msghdr message = {.msg_iov = &iov, .msg_control = control, .msg_controllen = sizeof(control)};
        poll(&(struct pollfd){.fd = fd}, 1, -1);
        if (recvmsg(fd, &message, MSG_ERRQUEUE) < 0 || CMSG_FIRSTHDR(&message) == NULL)
            break;
        memcpy(&told, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(told));
        if (next == UINT32_MAX)
            say("from %u", told.error.ee_info);
        else if (told.error.ee_info != next)
            say("then %u", told.error.ee_info);
        next = told.error.ee_data + 1;
    } while (told.error.ee_data != last);
    say("to %u: errno %u origin %u type %u code %u", told.error.ee_data, told.error.ee_errno, told.error.ee_origin,
        told.error.ee_type, told.error.ee_code);
}

/* Over loopback both copy, and say so. */
static void zero_copied(int type)
{
    int ends[2];
    static char data[5000];
    if (type == SOCK_STREAM)
        make_pair(AF_INET, ends);
    else
        make_udp_pair(AF_INET, ends);
    DO(send(ends[0], data, 5000, MSG_ZEROCOPY));
    RECV(ends[1], 5000, MSG_WAITALL | MSG_TRUNC);
    RECVMSG(ends[0], 10, MSG_ERRQUEUE);
    SET(ends[0], SOL_SOCKET, SO_ZEROCOPY, 1);
    GET(ends[0], SOL_SOCKET, SO_ZEROCOPY);
    for (int i = 0; i < 3; i++) {
        DO(send(ends[0], data, 5000, MSG_ZEROCOPY));
        RECV(ends[1], 5000, MSG_WAITALL | MSG_TRUNC);
    }
    say_free(ends[0], 2);
    RECVMSG(ends[0], 10, MSG_ERRQUEUE);
    DO(send(ends[0], data, 5000, MSG_ZEROCOPY));
    RECV(ends[1], 5000, MSG_WAITALL | MSG_TRUNC);
    say_free(ends[0], 3);
}

static void zero_copied_tcp(void)
{
    zero_copied(SOCK_STREAM);
}

static void zero_copied_udp(void)
{
    zero_copied(SOCK_DGRAM);
}

const struct scenario message_scenarios[] = {
    {"message/received_v4", received_v4},
    {"message/received_v6", received_v6},
    {"message/received_mapped", received_mapped},
    {"message/sent_v4", sent_v4},
    {"message/sent_v6", sent_v6},
    {"message/malformed", malformed},
    {"message/names", names_in_messages},
    {"message/of_tcp", of_tcp},
    {"message/segmented", segmented},
    {"message/corked", corked},
    {"message/zero_copied_tcp", zero_copied_tcp},
    {"message/zero_copied_udp", zero_copied_udp},
    {NULL, NULL},
};
