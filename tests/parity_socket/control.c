// SPDX-License-Identifier: MIT
/* control.c: scenarios: fcntl and ioctl. */
#include "play.h"

#include <linux/sockios.h>

static void status_flags(void)
{
    int fd = make_tcp(AF_INET);
    struct flock lock = {.l_type = F_RDLCK};
    DO(fcntl(fd, F_GETFL));
    DO(fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND));
    DO(fcntl(fd, F_GETFL));
    DO(fcntl(fd, F_SETFL, O_RDONLY));
    DO(fcntl(fd, F_GETFL));
    DO(fcntl(fd, F_SETFL, -1));
    DO(fcntl(fd, F_SETFL, O_TRUNC | O_CREAT | O_SYNC));
    DO(fcntl(fd, F_GETFL));
    DO(fcntl(fd, F_SETFD, 7));
    DO(fcntl(fd, F_GETFD));
    DO(fcntl(fd, F_SETFD, 2));
    DO(fcntl(fd, F_GETFD));
    DO(fcntl(fd, F_GETOWN));
    DO(fcntl(fd, F_SETOWN, getpid()));
    DO(fcntl(fd, F_GETOWN) == getpid());
    DO(fcntl(fd, F_GETSIG));
    DO(fcntl(fd, F_GETPIPE_SZ));
    DO(fcntl(fd, F_SETLK, &lock));
    DO(fcntl(fd, F_GET_SEALS));
    DO(fcntl(fd, 4711));
    DO(fcntl(fd, -1));
    DO(fcntl(-1, F_GETFL));
    DO(fcntl(-1, 4711));
}

static void nonblocking(void)
{
    int fd = make_udp(AF_INET), on_value = 1, off_value = 0;
    DO(ioctl(fd, FIONBIO, &on_value));
    DO(fcntl(fd, F_GETFL));
    RECV(fd, 1, 0);
    DO(ioctl(fd, FIONBIO, &off_value));
    DO(fcntl(fd, F_GETFL));
    DO(ioctl(fd, FIONBIO, NULL));
    DO(ioctl(fd, FIONBIO, bad_pointer()));
    DO(ioctl(fd, FIOCLEX));
    DO(fcntl(fd, F_GETFD));
    DO(ioctl(fd, FIONCLEX));
    DO(fcntl(fd, F_GETFD));
    DO(ioctl(fd, FIOASYNC, &off_value));
}

static void queues_of_tcp(void)
{
    int ends[2], value = -1, listener = make_listener(AF_INET, 5000, 1), fresh = make_tcp(AF_INET);
    make_pair(AF_INET, ends);
    DO(ioctl(ends[1], FIONREAD, &value));
    say("%d", value);
    DO(send(ends[0], "abcdef", 6, 0));
    AWAIT(ends[1], POLLIN);
    DO(ioctl(ends[1], FIONREAD, &value));
    say("%d", value);
    DO(ioctl(ends[1], SIOCINQ, &value));
    say("%d", value);
    RECV(ends[1], 2, 0);
    DO(ioctl(ends[1], FIONREAD, &value));
    say("%d", value);
    DO(ioctl(ends[1], SIOCOUTQ, &value));
    say("%d", value);
    DO(ioctl(ends[1], SIOCOUTQNSD, &value));
    say("%d", value);
    DO(ioctl(ends[1], SIOCATMARK, &value));
    say("%d", value);
    DO(shutdown(ends[0], SHUT_WR));
    AWAIT(ends[1], POLLRDHUP);
    DO(ioctl(ends[1], FIONREAD, &value));
    say("%d", value);
    DO(ioctl(ends[1], FIONREAD, NULL));
    DO(ioctl(ends[1], FIONREAD, bad_pointer()));
    DO(ioctl(listener, FIONREAD, &value));
    DO(ioctl(listener, SIOCOUTQ, &value));
    DO(ioctl(listener, SIOCATMARK, &value));
    DO(ioctl(fresh, FIONREAD, &value));
    DO(ioctl(fresh, SIOCOUTQ, &value));
    DO(ioctl(fresh, 4711, &value));
    DO(ioctl(fresh, (unsigned long)-1, &value));
    DO(ioctl(-1, FIONREAD, &value));
}

static void queues_of_udp(void)
{
    int ends[2], value = -1;
    make_udp_pair(AF_INET, ends);
    DO(ioctl(ends[1], FIONREAD, &value));
    say("%d", value);
    MUST(send(ends[0], "", 0, 0));
    MUST(send(ends[0], "abc", 3, 0));
    MUST(send(ends[0], "defgh", 5, 0));
    AWAIT(ends[1], POLLIN);
    for (int i = 0; i < 4; i++) {
        DO(ioctl(ends[1], FIONREAD, &value));
        say("%d", value);
        RECV(ends[1], 10, MSG_DONTWAIT);
    }
    DO(ioctl(ends[0], SIOCOUTQ, &value));
    say("%d", value);
    DO(ioctl(ends[0], SIOCATMARK, &value));
    DO(ioctl(ends[0], SIOCOUTQNSD, &value));
}

static void one_interface(int fd, const char *name)
{
    struct ifreq request;
    memset(&request, 0, sizeof(request));
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    say("'%s'", name);
    DO(ioctl(fd, SIOCGIFINDEX, &request));
    say("index %d", request.ifr_ifindex);
    DO(ioctl(fd, SIOCGIFMTU, &request));
    say("mtu %d", request.ifr_mtu);
    DO(ioctl(fd, SIOCGIFADDR, &request));
    say("address %s", address_text(&request.ifr_addr, sizeof(struct sockaddr_in)));
    DO(ioctl(fd, SIOCGIFNETMASK, &request));
    say("mask %s", address_text(&request.ifr_netmask, sizeof(struct sockaddr_in)));
    DO(ioctl(fd, SIOCGIFFLAGS, &request));
    say("up %d loopback %d", (request.ifr_flags & IFF_UP) != 0, (request.ifr_flags & IFF_LOOPBACK) != 0);
    DO(ioctl(fd, SIOCGIFHWADDR, &request));
    DO(ioctl(fd, SIOCGIFMETRIC, &request));
}

static void interfaces(void)
{
    int fd = make_udp(AF_INET), tcp6 = make_tcp(AF_INET6);
    one_interface(fd, "lo");
    one_interface(tcp6, "lo");
    one_interface(fd, "none");
    one_interface(fd, "");
    struct ifreq request = {.ifr_ifindex = 1};
    DO(ioctl(fd, SIOCGIFNAME, &request));
    say("'%s'", request.ifr_name);
    request.ifr_ifindex = 99;
    DO(ioctl(fd, SIOCGIFNAME, &request));
    struct ifreq list[4];
    struct ifconf configuration = {.ifc_len = sizeof(list), .ifc_req = list};
    memset(list, 0, sizeof(list));
    DO(ioctl(fd, SIOCGIFCONF, &configuration));
    say("%d: '%s' %s", configuration.ifc_len, list[0].ifr_name,
        address_text(&list[0].ifr_addr, sizeof(struct sockaddr_in)));
    configuration = (struct ifconf){0};
    DO(ioctl(fd, SIOCGIFCONF, &configuration));
    say("%d", configuration.ifc_len);
    DO(ioctl(fd, SIOCGIFINDEX, NULL));
    DO(ioctl(fd, SIOCGIFCONF, NULL));
}

static void packet_time(void)
{
    int ends[2];
    struct timeval time = {0, 0};
    make_udp_pair(AF_INET, ends);
    DO(ioctl(ends[1], SIOCGSTAMP, &time));
    SET(ends[1], SOL_SOCKET, SO_TIMESTAMP, 1);
    SET(ends[1], SOL_SOCKET, SO_TIMESTAMP, 0);
    MUST(send(ends[0], "x", 1, 0));
    RECV(ends[1], 1, 0);
    DO(ioctl(ends[1], SIOCGSTAMP, &time));
    say("some: %d", time.tv_sec > 1000000000);
}

const struct scenario control_scenarios[] = {
    {"control/status_flags", status_flags},
    {"control/nonblocking", nonblocking},
    {"control/queues_of_tcp", queues_of_tcp},
    {"control/queues_of_udp", queues_of_udp},
    {"control/interfaces", interfaces},
    {"control/packet_time", packet_time},
    {NULL, NULL},
};
