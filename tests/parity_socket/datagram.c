// SPDX-License-Identifier: MIT
/* datagram.c: scenarios: UDP, connected and not; groups and broadcast. */
#include "play.h"

static void plain(int family)
{
    int a = make_udp(family), b = make_udp(family);
    socklen_t size = address_size(family);
    READY(a);
    NAME(a);
    PEER(a);
    DO(bind(b, loopback(family, 6001), size));
    DO(sendto(a, "first", 5, 0, loopback(family, 6001), size));
    NAME(a);
    AWAIT(b, POLLIN);
    READY(b);
    RECVFROM(b, 100, 0);
    RECV(b, 100, MSG_DONTWAIT);
    DO(send(a, "x", 1, 0));
    DO(sendto(a, "", 0, 0, loopback(family, 6001), size));
    AWAIT(b, POLLIN);
    RECVFROM(b, 100, 0);
    DO(connect(a, loopback(family, 6001), size));
    NAME(a);
    PEER(a);
    DO(send(a, "second", 6, 0));
    DO(write(a, "", 0));
    DO(write(a, "third", 5));
    DO(send(a, NULL, 0, 0));
    RECV(b, 3, 0);
    RECV(b, 10, 0);
    RECV(b, 10, 0);
    RECV(b, 10, 0);
    RECV(b, 10, MSG_DONTWAIT);
    DO(shutdown(b, SHUT_RDWR));
    DO(shutdown(a, 7));
    DO(close(a));
    DO(close(b));
}

static void plain_v4(void)
{
    plain(AF_INET);
}

static void plain_v6(void)
{
    plain(AF_INET6);
}

static void truncation(void)
{
    int ends[2];
    char data[8] = "", more[8] = "";
    struct iovec iov[2] = {{data, 2}, {more, 2}};
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
    make_udp_pair(AF_INET, ends);
    for (int i = 0; i < 8; i++)
        MUST(send(ends[0], "0123456789", 10, 0));
    AWAIT(ends[1], POLLIN);
    RECV(ends[1], 4, MSG_PEEK);
    RECV(ends[1], 4, MSG_PEEK | MSG_TRUNC);
    RECV(ends[1], 4, MSG_TRUNC);
    RECV(ends[1], 4, 0);
    RECVMSG(ends[1], 4, 0);
    RECVMSG(ends[1], 4, MSG_TRUNC);
    RECVMSG(ends[1], 40, MSG_TRUNC);
    RECVMSG(ends[1], 0, 0);
    DO(recvmsg(ends[1], &message, 0));
    say("'%s' '%s' flags %d", data, more, message.msg_flags);
    DO(recv(ends[1], NULL, 0, MSG_TRUNC));
    RECV(ends[1], 10, MSG_DONTWAIT);
}

static void too_big(void)
{
    static char block[70000];
    int v4[2], v6[2];
    make_udp_pair(AF_INET, v4);
    DO(send(v4[0], block, 65507, 0));
    DO(send(v4[0], block, 65508, 0));
    DO(send(v4[0], block, 70000, 0));
    DO(recv(v4[1], block, sizeof(block), 0));
    make_udp_pair(AF_INET6, v6);
    DO(send(v6[0], block, 65507, 0));
    DO(send(v6[0], block, 65527, 0));
    DO(send(v6[0], block, 65528, 0));
    DO(recv(v6[1], block, sizeof(block), 0));
    SET(v4[0], SOL_SOCKET, SO_SNDBUF, 4608);
    DO(send(v4[0], block, 20000, 0));
    DO(send(v4[0], block, 1000, 0));
    DO(recv(v4[1], block, sizeof(block), MSG_DONTWAIT));
}

static void connecting(void)
{
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
    int a = make_udp(AF_INET), b = make_udp(AF_INET), c = make_udp(AF_INET);
    MUST(bind(b, V4("127.0.0.1", 6001)));
    MUST(bind(c, V4("127.0.0.1", 6002)));
    DO(connect(a, V4("127.0.0.1", 6001)));
    DO(connect(a, V4("127.0.0.1", 6001)));
    DO(connect(a, V4("127.0.0.1", 6002)));
    PEER(a);
    DO(sendto(a, "elsewhere", 9, 0, V4("127.0.0.1", 6001)));
    RECV(b, 20, 0);
    DO(connect(a, &unspecified, sizeof(unspecified)));
    PEER(a);
    NAME(a);
    DO(send(a, "x", 1, 0));
    DO(connect(a, V4("127.0.0.1", 0)));
    PEER(a);
    DO(send(a, "x", 1, 0));
    DO(sendto(a, "x", 1, 0, V4("127.0.0.1", 0)));
    DO(connect(a, V4("0.0.0.0", 6001)));
    PEER(a);
    DO(connect(a, V6("::1", 6001)));
    DO(connect(a, V4("127.0.0.1", 6001) - 4));
    DO(connect(a, NULL, 16));
    DO(connect(b, &unspecified, sizeof(unspecified)));
    NAME(b);
    DO(bind(a, V4("127.0.0.1", 6003)));
    DO(listen(a, 1));
    FD(accept(a, NULL, NULL));
}

/* A connected socket hears its peer alone; what came before is kept. */
static void filtered(void)
{
    int a = make_udp(AF_INET), b = make_udp(AF_INET), c = make_udp(AF_INET);
    MUST(bind(a, V4("127.0.0.1", 6000)));
    MUST(bind(b, V4("127.0.0.1", 6001)));
    MUST(bind(c, V4("127.0.0.1", 6002)));
    DO(sendto(c, "before", 6, 0, V4("127.0.0.1", 6000)));
    AWAIT(a, POLLIN);
    DO(connect(a, V4("127.0.0.1", 6001)));
    DO(sendto(c, "other", 5, 0, V4("127.0.0.1", 6000)));
    DO(sendto(b, "peer", 4, 0, V4("127.0.0.1", 6000)));
    RECVFROM(a, 20, 0);
    RECVFROM(a, 20, 0);
    RECVFROM(a, 20, MSG_DONTWAIT);
}

static void specific_first(void)
{
    int any = make_udp(AF_INET), one = make_udp(AF_INET), six = make_udp(AF_INET6), sender = make_udp(AF_INET);
    SET(any, SOL_SOCKET, SO_REUSEADDR, 1);
    SET(one, SOL_SOCKET, SO_REUSEADDR, 1);
    SET(six, SOL_SOCKET, SO_REUSEADDR, 1);
    DO(bind(any, V4("0.0.0.0", 6001)));
    DO(bind(one, V4("127.0.0.1", 6001)));
    DO(bind(six, V6("::", 6001)));
    DO(sendto(sender, "one", 3, 0, V4("127.0.0.1", 6001)));
    RECVFROM(one, 10, 0);
    DO(close(one));
    DO(sendto(sender, "any", 3, 0, V4("127.0.0.1", 6001)));
    RECVFROM(any, 10, 0);
    DO(close(any));
    DO(sendto(sender, "six", 3, 0, V4("127.0.0.1", 6001)));
    RECVFROM(six, 10, 0);
}

static void mapped(void)
{
    int six = make_udp(AF_INET6), four = make_udp(AF_INET), only = make_udp(AF_INET6);
    MUST(bind(four, V4("127.0.0.1", 6001)));
    DO(sendto(six, "a", 1, 0, V6("::ffff:127.0.0.1", 6001)));
    NAME(six);
    RECVFROM(four, 10, 0);
    DO(connect(six, V6("::ffff:127.0.0.1", 6001)));
    NAME(six);
    PEER(six);
    DO(send(six, "b", 1, 0));
    RECVFROM(four, 10, 0);
    DO(connect(six, V6("::1", 6001)));
    NAME(six);
    DO(sendto(six, "c", 1, 0, V4("127.0.0.1", 6001)));
    DO(sendto(four, "d", 1, 0, V6("::1", 6001)));
    SET(only, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    DO(sendto(only, "e", 1, 0, V6("::ffff:127.0.0.1", 6001)));
    DO(connect(only, V6("::ffff:127.0.0.1", 6001)));
    DO(sendto(only, "f", 1, 0, V4("127.0.0.1", 6001)));
}

static void wrong_addresses(void)
{
    struct sockaddr_storage address = {0};
    int a = make_udp(AF_INET), b = make_udp(AF_INET6);
    memcpy(&address, play_v4("127.0.0.1", 6001), sizeof(struct sockaddr_in));
    DO(sendto(a, "x", 1, 0, NULL, 0));
    DO(sendto(a, "x", 1, 0, NULL, 16));
    DO(sendto(a, "x", 1, 0, bad_pointer(), 16));
    DO(sendto(a, "x", 1, 0, (struct sockaddr *)&address, 0));
    DO(sendto(a, "x", 1, 0, (struct sockaddr *)&address, 1));
    DO(sendto(a, "x", 1, 0, (struct sockaddr *)&address, 15));
    DO(sendto(a, "x", 1, 0, (struct sockaddr *)&address, 128));
    DO(sendto(a, "x", 1, 0, (struct sockaddr *)&address, 129));
    DO(sendto(a, "x", 1, 0, (struct sockaddr *)&address, (socklen_t)-1));
    address.ss_family = AF_UNSPEC;
    DO(sendto(a, "x", 1, 0, (struct sockaddr *)&address, 16));
    DO(sendto(b, "x", 1, 0, (struct sockaddr *)&address, 28));
    address.ss_family = 4711;
    DO(sendto(a, "x", 1, 0, (struct sockaddr *)&address, 16));
    DO(sendto(b, "x", 1, 0, (struct sockaddr *)&address, 28));
    DO(sendto(b, "x", 1, 0, V6("::1", 6001) - 4));
    DO(sendto(b, "x", 1, 0, V6("::1", 6001) - 8));
    DO(sendto(a, "x", 1, 0, V4("192.0.2.1", 6001)));
    DO(sendto(b, "x", 1, 0, V6("2001:db8::1", 6001)));
    DO(sendto(b, "x", 1, 0, V6("fe80::1", 6001)));
    DO(sendto(a, "x", 1, 0, V4("0.0.0.0", 6001)));
    DO(send(a, NULL, 1, 0));
    DO(sendto(a, bad_pointer(), 1, 0, V4("127.0.0.1", 6001)));
    DO(sendto(a, "x", 1, MSG_OOB, V4("127.0.0.1", 6001)));
    DO(sendto(b, "x", 1, MSG_OOB, V6("::1", 6001)));
    DO(sendto(a, "x", 1, 0x01000000, V4("127.0.0.1", 6001)));
    NAME(a);
}

static void receiving_wrongly(void)
{
    int ends[2];
    char data[4];
    socklen_t length = (socklen_t)-1;
    struct sockaddr_storage from;
    make_udp_pair(AF_INET, ends);
    DO(recv(ends[1], data, 0, MSG_DONTWAIT));
    RECV(ends[1], 1, MSG_DONTWAIT | MSG_OOB);
    RECV(ends[1], 1, MSG_DONTWAIT | MSG_WAITALL);
    RECV(ends[1], 1, MSG_ERRQUEUE);
    for (int i = 0; i < 6; i++)
        MUST(send(ends[0], "abc", 3, 0));
    AWAIT(ends[1], POLLIN);
    DO(recv(ends[1], bad_pointer(), 3, 0));
    DO(recv(ends[1], NULL, 3, 0));
    DO(recvfrom(ends[1], data, 3, 0, (struct sockaddr *)&from, &length));
    DO(recvfrom(ends[1], data, 3, 0, (struct sockaddr *)&from, NULL));
    DO(recvfrom(ends[1], data, 3, 0, NULL, &length));
    length = sizeof(from);
    DO(recvfrom(ends[1], data, 3, 0, bad_pointer(), &length));
    RECV(ends[1], 3, MSG_DONTWAIT);
    RECV(ends[1], 3, MSG_DONTWAIT);
}

static void source_lengths(void)
{
    static const socklen_t lengths[] = {0, 1, 2, 8, 16, 28, 100};
    int ends[2];
    make_udp_pair(AF_INET6, ends);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        char from[100], data[4];
        socklen_t length = lengths[i];
        memset(from, 0x55, sizeof(from));
        MUST(send(ends[0], "abc", 3, 0));
        DO(recvfrom(ends[1], data, 3, 0, (struct sockaddr *)from, &length));
        say("%u: %u '%s'", lengths[i], length, data_text(from, 30));
    }
}

static void shut(void)
{
    int ends[2], fresh = make_udp(AF_INET);
    DO(shutdown(fresh, SHUT_RD));
    DO(shutdown(fresh, SHUT_WR));
    READY(fresh);
    make_udp_pair(AF_INET, ends);
    MUST(send(ends[0], "kept", 4, 0));
    DO(connect(ends[1], V4("127.0.0.1", 6000)));
    AWAIT(ends[1], POLLIN);
    DO(shutdown(ends[1], SHUT_RD));
    READY(ends[1]);
    RECV(ends[1], 10, 0);
    RECV(ends[1], 10, 0);
    RECV(ends[1], 10, MSG_DONTWAIT);
    DO(send(ends[0], "later", 5, 0));
    RECV(ends[1], 10, 0);
    DO(send(ends[1], "x", 1, 0));
    RECV(ends[0], 10, 0);
    DO(shutdown(ends[1], SHUT_WR));
    hear_pipes();
    DO(send(ends[1], "x", 1, 0));
    say("pipes: %d", pipes_heard());
    DO(sendto(ends[1], "x", 1, MSG_NOSIGNAL, V4("127.0.0.1", 6000)));
    READY(ends[1]);
    DO(connect(ends[1], V4("127.0.0.1", 6000)));
    READY(ends[1]);
    DO(send(ends[1], "x", 1, 0));
}

static void many_messages(void)
{
    int ends[2];
    char data[4][4] = {"", "", "", ""};
    struct iovec out[] = {{(void *)(uintptr_t) "ab", 2}, {(void *)(uintptr_t) "cde", 3}, {(void *)(uintptr_t) "f", 1}};
    struct iovec in[] = {{data[0], 4}, {data[1], 2}, {data[2], 4}, {data[3], 4}};
    struct mmsghdr messages[4];
    struct sockaddr_storage from[4];
    struct timespec time = {0, 20000000}, wrong = {0, 2000000000};
    memset(messages, 0, sizeof(messages));
    make_udp_pair(AF_INET, ends);
    for (int i = 0; i < 3; i++)
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &out[i], .msg_iovlen = 1};
    DO(sendmmsg(ends[0], messages, 3, 0));
    for (int i = 0; i < 4; i++)
        messages[i].msg_hdr =
            (struct msghdr){.msg_iov = &in[i], .msg_iovlen = 1, .msg_name = &from[i], .msg_namelen = sizeof(from[i])};
    DO(recvmmsg(ends[1], messages, 4, MSG_WAITFORONE, NULL));
    for (int i = 0; i < 3; i++)
        say("%u '%.4s' flags %d from %s", messages[i].msg_len, data[i], messages[i].msg_hdr.msg_flags,
            address_text(&from[i], messages[i].msg_hdr.msg_namelen));
    DO(recvmmsg(ends[1], messages, 4, MSG_DONTWAIT, NULL));
    MUST(send(ends[0], "g", 1, 0));
    AWAIT(ends[1], POLLIN);
    DO(recvmmsg(ends[1], messages, 4, MSG_DONTWAIT, NULL));
    DO(recvmmsg(ends[1], messages, 4, MSG_DONTWAIT, &wrong));
    MUST(send(ends[0], "h", 1, 0));
    MUST(send(ends[0], "i", 1, 0));
    DO(recvmmsg(ends[1], messages, 2, 0, &time));
    messages[1].msg_hdr.msg_name = (void *)(uintptr_t)play_v6("::1", 6001);
    messages[1].msg_hdr.msg_namelen = sizeof(struct sockaddr_in6);
    messages[0].msg_hdr.msg_name = NULL;
    messages[0].msg_hdr.msg_namelen = 0;
    DO(sendmmsg(ends[0], messages, 3, 0));
    DO(sendmmsg(ends[0], messages + 1, 1, 0));
    DO(sendmmsg(-1, messages, 1, 0));
}

static void group_v4(void)
{
    int a = make_udp(AF_INET), b = make_udp(AF_INET);
    struct ip_mreqn membership = {.imr_ifindex = 1};
    struct ip_mreq by_address = {0};
    char data[10];
    inet_pton(AF_INET, "239.1.2.3", &membership.imr_multiaddr);
    inet_pton(AF_INET, "239.1.2.4", &by_address.imr_multiaddr);
    inet_pton(AF_INET, "127.0.0.1", &by_address.imr_interface);
    MUST(bind(a, V4("127.0.0.1", 6000))); /* lo's address is for the host alone: the kernel doesn't choose it */
    MUST(bind(b, V4("0.0.0.0", 6001)));
    DO(setsockopt(b, IPPROTO_IP, IP_DROP_MEMBERSHIP, &membership, sizeof(membership)));
    DO(setsockopt(b, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof(membership)));
    DO(setsockopt(b, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof(membership)));
    DO(setsockopt(b, IPPROTO_IP, IP_ADD_MEMBERSHIP, &by_address, sizeof(by_address)));
    DO(setsockopt(b, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, 4));
    DO(setsockopt(a, IPPROTO_IP, IP_MULTICAST_IF, &membership, sizeof(membership)));
    DO(sendto(a, "group", 5, 0, V4("239.1.2.3", 6001)));
    AWAIT(b, POLLIN);
    RECVFROM(b, 10, 0);
    DO(sendto(a, "nobody", 6, 0, V4("239.1.2.9", 6001)));
    DO(sendto(a, "second", 6, 0, V4("239.1.2.4", 6001)));
    RECVFROM(b, 10, 0);
    SET(a, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
    DO(sendto(a, "unheard", 7, 0, V4("239.1.2.3", 6001)));
    SET(a, IPPROTO_IP, IP_MULTICAST_LOOP, 1);
    DO(setsockopt(b, IPPROTO_IP, IP_DROP_MEMBERSHIP, &membership, sizeof(membership)));
    DO(setsockopt(b, IPPROTO_IP, IP_DROP_MEMBERSHIP, &membership, sizeof(membership)));
    DO(recv(b, data, 10, MSG_DONTWAIT) >= 0 || errno == EAGAIN); /* lo gives all that it sends back, loop or not */
    inet_pton(AF_INET, "10.0.0.1", &membership.imr_multiaddr);
    DO(setsockopt(b, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof(membership)));
    inet_pton(AF_INET, "239.1.2.5", &membership.imr_multiaddr);
    membership.imr_ifindex = 99;
    DO(setsockopt(b, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof(membership)));
    DO(setsockopt(a, IPPROTO_IP, IP_MULTICAST_IF, &membership, sizeof(membership)));
    inet_pton(AF_INET, "192.0.2.1", &by_address.imr_interface);
    DO(setsockopt(b, IPPROTO_IP, IP_ADD_MEMBERSHIP, &by_address, sizeof(by_address)));
}

static void group_v6(void)
{
    int a = make_udp(AF_INET6), b = make_udp(AF_INET6);
    struct ipv6_mreq membership = {.ipv6mr_interface = 1};
    inet_pton(AF_INET6, "ff0e::5", &membership.ipv6mr_multiaddr);
    MUST(bind(b, V6("::", 6001)));
    DO(setsockopt(b, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &membership, sizeof(membership)));
    DO(setsockopt(b, IPPROTO_IPV6, IPV6_JOIN_GROUP, &membership, sizeof(membership)));
    DO(setsockopt(b, IPPROTO_IPV6, IPV6_JOIN_GROUP, &membership, sizeof(membership)));
    DO(setsockopt(b, IPPROTO_IPV6, IPV6_JOIN_GROUP, &membership, 8));
    SET(a, IPPROTO_IPV6, IPV6_MULTICAST_IF, 1);
    DO(sendto(a, "group", 5, 0, V6("ff0e::5", 6001)));
    AWAIT(b, POLLIN);
    RECVFROM(b, 10, 0);
    DO(setsockopt(b, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &membership, sizeof(membership)));
    membership.ipv6mr_interface = 99;
    DO(setsockopt(b, IPPROTO_IPV6, IPV6_JOIN_GROUP, &membership, sizeof(membership)));
    inet_pton(AF_INET6, "2001:db8::1", &membership.ipv6mr_multiaddr);
    membership.ipv6mr_interface = 1;
    DO(setsockopt(b, IPPROTO_IPV6, IPV6_JOIN_GROUP, &membership, sizeof(membership)));
    SET(a, IPPROTO_IPV6, IPV6_MULTICAST_IF, 99);
    RECV(b, 10, MSG_DONTWAIT);
}

/* Each of the group's sockets has a copy. */
static void group_of_two(void)
{
    int a = make_udp(AF_INET), fds[2];
    struct ip_mreqn membership = {.imr_ifindex = 1};
    inet_pton(AF_INET, "239.1.2.3", &membership.imr_multiaddr);
    for (int i = 0; i < 2; i++) {
        fds[i] = make_udp(AF_INET);
        SET(fds[i], SOL_SOCKET, SO_REUSEADDR, 1);
        DO(bind(fds[i], V4("239.1.2.3", 6001)));
        DO(setsockopt(fds[i], IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof(membership)));
    }
    MUST(bind(a, V4("127.0.0.1", 6000)));
    MUST(setsockopt(a, IPPROTO_IP, IP_MULTICAST_IF, &membership, sizeof(membership)));
    DO(sendto(a, "both", 4, 0, V4("239.1.2.3", 6001)));
    RECV(fds[0], 10, 0);
    RECV(fds[1], 10, 0);
}

static void broadcast(void)
{
    int a = make_udp(AF_INET), b = make_udp(AF_INET), c = make_udp(AF_INET);
    MUST(bind(b, V4("0.0.0.0", 6001)));
    DO(sendto(a, "all", 3, 0, V4("127.255.255.255", 6001)));
    DO(connect(a, V4("127.255.255.255", 6001)));
    SET(a, SOL_SOCKET, SO_BROADCAST, 1);
    DO(sendto(a, "all", 3, 0, V4("127.255.255.255", 6001)));
    RECVFROM(b, 10, 0);
    DO(connect(a, V4("127.255.255.255", 6001)));
    DO(send(a, "all", 3, 0));
    RECVFROM(b, 10, 0);
    SET(a, SOL_SOCKET, SO_BROADCAST, 0);
    DO(send(a, "all", 3, 0));
    DO(sendto(c, "all", 3, 0, V4("255.255.255.255", 6001)));
    SET(c, SOL_SOCKET, SO_BROADCAST, 1);
    DO(sendto(c, "all", 3, 0, V4("255.255.255.255", 6001)));
}

static void receive_buffer(void)
{
    int ends[2], count = 0;
    char data[1000] = "";
    make_udp_pair(AF_INET, ends);
    SET(ends[1], SOL_SOCKET, SO_RCVBUF, 0);
    for (int i = 0; i < 50; i++)
        MUST(send(ends[0], data, sizeof(data), 0));
    while (recv(ends[1], data, sizeof(data), MSG_DONTWAIT) > 0)
        count++;
    say("some came, some were lost: %d", count > 0 && count < 50);
    DO(send(ends[0], "again", 5, 0));
    RECV(ends[1], 10, 0);
}

const struct scenario datagram_scenarios[] = {
    {"datagram/plain_v4", plain_v4},
    {"datagram/plain_v6", plain_v6},
    {"datagram/truncation", truncation},
    {"datagram/too_big", too_big},
    {"datagram/connecting", connecting},
    {"datagram/filtered", filtered},
    {"datagram/specific_first", specific_first},
    {"datagram/mapped", mapped},
    {"datagram/wrong_addresses", wrong_addresses},
    {"datagram/receiving_wrongly", receiving_wrongly},
    {"datagram/source_lengths", source_lengths},
    {"datagram/shut", shut},
    {"datagram/many_messages", many_messages},
    {"datagram/group_v4", group_v4},
    {"datagram/group_v6", group_v6},
    {"datagram/group_of_two", group_of_two},
    {"datagram/broadcast", broadcast},
    {"datagram/receive_buffer", receive_buffer},
    {NULL, NULL},
};
