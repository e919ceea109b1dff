// SPDX-License-Identifier: MIT
/* error.c: scenarios: errors that come later: ICMP's, the pending error, the error queue, timestamps. */
#include "play.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

static void unreachable(int family)
{
    int fd = make_udp(family);
    socklen_t size = address_size(family);
    DO(sendto(fd, "x", 1, 0, loopback(family, 6001), size));
    RECV(fd, 10, MSG_DONTWAIT);
    GET(fd, SOL_SOCKET, SO_ERROR);
    DO(connect(fd, loopback(family, 6001), size));
    DO(send(fd, "x", 1, 0));
    AWAIT(fd, POLLIN);
    READY(fd);
    RECV(fd, 10, MSG_DONTWAIT);
    RECV(fd, 10, MSG_DONTWAIT);
    READY(fd);
    DO(send(fd, "x", 1, 0));
    AWAIT(fd, POLLIN);
    DO(send(fd, "x", 1, 0));
    DO(send(fd, "x", 1, 0));
    AWAIT(fd, POLLIN);
    GET(fd, SOL_SOCKET, SO_ERROR);
    GET(fd, SOL_SOCKET, SO_ERROR);
    DO(send(fd, "x", 1, 0));
    AWAIT(fd, POLLIN);
    DO(connect(fd, loopback(family, 6001), size));
    GET(fd, SOL_SOCKET, SO_ERROR);
    DO(send(fd, "x", 1, 0));
    AWAIT(fd, POLLIN);
    RECV(fd, 10, MSG_PEEK);
    RECV(fd, 10, MSG_DONTWAIT);
    DO(shutdown(fd, SHUT_RD));
    DO(send(fd, "x", 1, 0));
    AWAIT(fd, POLLERR);
    RECV(fd, 10, 0);
    RECV(fd, 10, 0);
}

static void unreachable_v4(void)
{
    unreachable(AF_INET);
}

static void unreachable_v6(void)
{
    unreachable(AF_INET6);
}

static void queue(int family)
{
    int fd = make_udp(family);
    socklen_t size = address_size(family);
    RECVMSG(fd, 10, MSG_ERRQUEUE);
    if (family == AF_INET)
        SET(fd, IPPROTO_IP, IP_RECVERR, 1);
    else
        SET(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
    DO(sendto(fd, "quoted", 6, 0, loopback(family, 6001), size));
    AWAIT(fd, POLLERR);
    READY(fd);
    RECVMSG(fd, 100, MSG_ERRQUEUE | MSG_PEEK);
    RECVMSG(fd, 3, MSG_ERRQUEUE);
    READY(fd);
    RECVMSG(fd, 100, MSG_ERRQUEUE);
    GET(fd, SOL_SOCKET, SO_ERROR);
    DO(sendto(fd, "one", 3, 0, loopback(family, 6001), size));
    AWAIT(fd, POLLERR);
    DO(sendto(fd, "two", 3, 0, loopback(family, 6002), size));
    DO(sendto(fd, "two", 3, 0, loopback(family, 6002), size));
    AWAIT(fd, POLLERR);
    RECV(fd, 10, MSG_DONTWAIT);
    RECV(fd, 10, MSG_DONTWAIT);
    RECVMSG(fd, 100, MSG_ERRQUEUE);
    READY(fd);
    RECV(fd, 10, MSG_DONTWAIT);
    RECVMSG_ROOM(fd, 100, MSG_ERRQUEUE, 0);
    RECVMSG_ROOM(fd, 100, MSG_ERRQUEUE, 0);
    DO(sendto(fd, "three", 5, 0, loopback(family, 6001), size));
    AWAIT(fd, POLLERR);
    RECVMSG_ROOM(fd, 100, MSG_ERRQUEUE, 24);
    RECVFROM(fd, 10, MSG_ERRQUEUE);
    DO(sendto(fd, "four", 4, 0, loopback(family, 6001), size));
    AWAIT(fd, POLLERR);
    if (family == AF_INET)
        SET(fd, IPPROTO_IP, IP_RECVERR, 0);
    else
        SET(fd, IPPROTO_IPV6, IPV6_RECVERR, 0);
    RECVMSG(fd, 100, MSG_ERRQUEUE);
    READY(fd);
}

static void queue_v4(void)
{
    queue(AF_INET);
}

static void queue_v6(void)
{
    queue(AF_INET6);
}

static void queue_mapped(void)
{
    int fd = make_udp(AF_INET6);
    SET(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
    SET(fd, IPPROTO_IP, IP_RECVERR, 1);
    DO(sendto(fd, "quoted", 6, 0, V6("::ffff:127.0.0.1", 6001)));
    AWAIT(fd, POLLERR);
    RECVMSG(fd, 100, MSG_ERRQUEUE);
    READY(fd);
}

static void queue_of_own_errors(void)
{
    static char block[70000];
    int fd = make_udp(AF_INET);
    SET(fd, IPPROTO_IP, IP_RECVERR, 1);
    DO(sendto(fd, block, 65508, 0, V4("127.0.0.1", 6001)));
    RECVMSG(fd, 100, MSG_ERRQUEUE);
    DO(sendto(fd, "x", 1, 0, V4("192.0.2.1", 6001)));
    RECVMSG(fd, 100, MSG_ERRQUEUE);
    READY(fd);
}

static void queue_of_tcp(void)
{
    int fd = make_tcp(AF_INET);
    SET(fd, IPPROTO_IP, IP_RECVERR, 1);
    DO(connect(fd, V4("127.0.0.1", 5000)));
    READY(fd);
    RECVMSG(fd, 100, MSG_ERRQUEUE);
}

static void sent_times(void)
{
    int ends[2], tcp[2];
    make_udp_pair(AF_INET, ends);
    SET(ends[0], SOL_SOCKET, SO_TIMESTAMPING,
        SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
            SOF_TIMESTAMPING_OPT_TSONLY);
    DO(send(ends[0], "timed", 5, 0));
    AWAIT(ends[0], POLLERR);
    RECVMSG(ends[0], 100, MSG_ERRQUEUE);
    DO(send(ends[0], "timed", 5, 0));
    AWAIT(ends[0], POLLERR);
    RECVMSG(ends[0], 100, MSG_ERRQUEUE);
    make_pair(AF_INET, tcp);
    SET(tcp[0], SOL_SOCKET, SO_TIMESTAMPING,
        SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY);
    DO(send(tcp[0], "timed", 5, 0));
    AWAIT(tcp[0], POLLERR);
    RECVMSG(tcp[0], 100, MSG_ERRQUEUE);
    DO(send(tcp[0], "again", 5, 0));
    AWAIT(tcp[0], POLLERR);
    RECVMSG(tcp[0], 100, MSG_ERRQUEUE);
    SET(tcp[0], SOL_SOCKET, SO_TIMESTAMPING, 1 << 30);
    GET(tcp[0], SOL_SOCKET, SO_TIMESTAMPING);
}

static void received_times(void)
{
    int ends[2];
    make_udp_pair(AF_INET, ends);
    SET(ends[1], SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
    DO(send(ends[0], "timed", 5, 0));
    RECVMSG(ends[1], 10, 0);
    SET(ends[1], SOL_SOCKET, SO_TIMESTAMPING, 0);
    DO(send(ends[0], "timed", 5, 0));
    RECVMSG(ends[1], 10, 0);
}

static void zero_copy(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    GET(ends[0], SOL_SOCKET, SO_ZEROCOPY);
    DO(send(ends[0], "plain", 5, MSG_ZEROCOPY));
    RECVMSG(ends[0], 10, MSG_ERRQUEUE);
    SET(ends[0], SOL_SOCKET, SO_ZEROCOPY, 2);
    SET(ends[0], SOL_SOCKET, SO_ZEROCOPY, 1);
    GET(ends[0], SOL_SOCKET, SO_ZEROCOPY);
    DO(send(ends[0], "first", 5, MSG_ZEROCOPY));
    RECV(ends[1], 10, MSG_WAITALL);
    AWAIT(ends[0], POLLERR);
    READY(ends[0]);
    RECVMSG(ends[0], 10, MSG_ERRQUEUE);
    READY(ends[0]);
}

const struct scenario error_scenarios[] = {
    {"error/unreachable_v4", unreachable_v4},
    {"error/unreachable_v6", unreachable_v6},
    {"error/queue_v4", queue_v4},
    {"error/queue_v6", queue_v6},
    {"error/queue_mapped", queue_mapped},
    {"error/queue_of_own_errors", queue_of_own_errors},
    {"error/queue_of_tcp", queue_of_tcp},
    {"error/sent_times", sent_times},
    {"error/received_times", received_times},
    {"error/zero_copy", zero_copy},
    {NULL, NULL},
};
