// SPDX-License-Identifier: MIT
/* ioctl_test.c: what is queued, flags, and NICs, by ioctl. */
#include "socket_world.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>
#include <linux/sockios.h>

static int ask(struct socket_world *w, int fd, unsigned long request)
{
    int value = -1;
    assert_int_equal(tcpip_ioctl(w->s, fd, request, &value), 0);
    return value;
}

static void queues_are_counted(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_in address = loopback4(7200);
    int client, server, word;
    socket_world_connect(w, &client, &server);
    int listener = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0), udp = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(ask(w, server, FIONREAD), 0);
    assert_int_equal(tcpip_send(w->s, client, "hello", 5, 0), 5);
    assert_int_equal(ask(w, server, FIONREAD), 5);
    assert_int_equal(ask(w, client, SIOCOUTQNSD), 0);
    assert_int_equal(ask(w, server, SIOCATMARK), 0);
    assert_int_equal(tcpip_listen(w->s, listener, 1), 0);
    assert_refused(tcpip_ioctl(w->s, listener, SIOCINQ, &word), EINVAL);
    assert_refused(tcpip_ioctl(w->s, listener, SIOCOUTQ, NULL), EINVAL);
    assert_refused(tcpip_ioctl(w->s, client, SIOCINQ, NULL), EFAULT);
    assert_int_equal(tcpip_bind(w->s, udp, (struct sockaddr *)&address, sizeof(address)), 0);
    for (int i = 3; i < 6; i++)
        assert_int_equal(tcpip_sendto(w->s, udp, "12345", (size_t)i, 0, (struct sockaddr *)&address, 16), i);
    assert_int_equal(ask(w, udp, FIONREAD), 3); /* of the first one */
    assert_refused(tcpip_ioctl(w->s, udp, SIOCOUTQNSD, &word), ENOTTY);
    assert_refused(tcpip_ioctl(w->s, udp, SIOCATMARK, &word), ENOTTY);
    assert_refused(tcpip_ioctl(w->s, udp, 0x1234, &word), ENOTTY);
    assert_refused(tcpip_ioctl(w->s, 99, FIONREAD, &word), EBADF);
}

static void flags_are_those_of_fcntl(void **state)
{
    struct socket_world *w = *state;
    int on = 7, off = 0, udp = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(tcpip_ioctl(w->s, udp, FIONBIO, &on), 0);
    assert_int_equal(tcpip_fcntl(w->s, udp, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    assert_int_equal(tcpip_ioctl(w->s, udp, FIONBIO, &off), 0);
    assert_int_equal(tcpip_fcntl(w->s, udp, F_GETFL) & O_NONBLOCK, 0);
    assert_refused(tcpip_ioctl(w->s, udp, FIONBIO, NULL), EFAULT);
    assert_int_equal(tcpip_ioctl(w->s, udp, FIOCLEX, NULL), 0);
    assert_int_equal(tcpip_fcntl(w->s, udp, F_GETFD), FD_CLOEXEC);
    assert_int_equal(tcpip_ioctl(w->s, udp, FIONCLEX, NULL), 0);
    assert_int_equal(tcpip_fcntl(w->s, udp, F_GETFD), 0);
    int ep = tcpip_epoll_create1(w->s, 0);
    assert_refused(tcpip_ioctl(w->s, ep, FIONREAD, &on), EINVAL);
}

static void nics_are_told_by_name_and_index(void **state)
{
    struct socket_world *w = *state;
    int udp = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
    struct ifreq request = {.ifr_ifindex = 1}, all[4];
    struct ifconf conf = {0};
    struct sockaddr_in address;
    assert_int_equal(tcpip_ioctl(w->s, udp, SIOCGIFNAME, &request), 0);
    assert_int_equal(tcpip_ioctl(w->s, udp, SIOCGIFINDEX, &request), 0);
    assert_int_equal(request.ifr_ifindex, 1);
    assert_int_equal(tcpip_ioctl(w->s, udp, SIOCGIFFLAGS, &request), 0);
    assert_int_equal(request.ifr_flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING), IFF_UP | IFF_LOOPBACK | IFF_RUNNING);
    assert_int_equal(tcpip_ioctl(w->s, udp, SIOCGIFADDR, &request), 0);
    memcpy(&address, &request.ifr_addr, sizeof(address));
    assert_int_equal(address.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(tcpip_ioctl(w->s, udp, SIOCGIFNETMASK, &request), 0);
    memcpy(&address, &request.ifr_addr, sizeof(address));
    assert_int_equal(address.sin_addr.s_addr, htonl(0xff000000));
    assert_int_equal(tcpip_ioctl(w->s, udp, SIOCGIFMTU, &request), 0);
    assert_true(request.ifr_mtu >= 1500);
    assert_int_equal(tcpip_ioctl(w->s, udp, SIOCGIFHWADDR, &request), 0);
    assert_int_equal(request.ifr_hwaddr.sa_family, ARPHRD_LOOPBACK);
    assert_refused(tcpip_ioctl(w->s, udp, SIOCSIFMTU, &request), EPERM);
    assert_int_equal(tcpip_ioctl(w->s, udp, SIOCGIFCONF, &conf), 0);
    assert_int_equal(conf.ifc_len, sizeof(struct ifreq));
    conf.ifc_len = sizeof(all);
    conf.ifc_req = all;
    assert_int_equal(tcpip_ioctl(w->s, udp, SIOCGIFCONF, &conf), 0);
    assert_int_equal(conf.ifc_len, sizeof(struct ifreq));
    assert_string_equal(all[0].ifr_name, request.ifr_name);
    conf.ifc_len = sizeof(struct ifreq) - 1;
    assert_int_equal(tcpip_ioctl(w->s, udp, SIOCGIFCONF, &conf), 0);
    assert_int_equal(conf.ifc_len, 0);
    strcpy(request.ifr_name, "nope");
    assert_refused(tcpip_ioctl(w->s, udp, SIOCGIFINDEX, &request), ENODEV);
    request.ifr_ifindex = 99;
    assert_refused(tcpip_ioctl(w->s, udp, SIOCGIFNAME, &request), ENODEV);
    assert_refused(tcpip_ioctl(w->s, udp, SIOCGIFNAME, NULL), EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(queues_are_counted, socket_world_setup, socket_world_teardown),
        cmocka_unit_test_setup_teardown(flags_are_those_of_fcntl, socket_world_setup, socket_world_teardown),
        cmocka_unit_test_setup_teardown(nics_are_told_by_name_and_index, socket_world_setup, socket_world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
