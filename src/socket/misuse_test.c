// SPDX-License-Identifier: MIT
/* misuse_test.c: arguments that the kernel refuses: pointers, lengths, families, flags, counts. */
#include "socket_world.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>

#include <cmocka.h>

struct misuse {
    struct socket_world w;
    int udp, tcp, udp6, client, server;
};

static int setup_probe(void **state, bool probe)
{
    struct tcpip_sockets_options options = {
        .size = sizeof(options),
        .drive = TCPIP_SOCKETS_DRIVE_CALLBACK,
        .private_descriptors = true,
        .probe_pointers = probe,
    };
    struct misuse *m = malloc(sizeof(*m));
    assert_non_null(m);
    socket_world_init(&m->w, &options);
    m->udp = tcpip_socket(m->w.s, AF_INET, SOCK_DGRAM, 0);
    m->udp6 = tcpip_socket(m->w.s, AF_INET6, SOCK_DGRAM, 0);
    m->tcp = tcpip_socket(m->w.s, AF_INET, SOCK_STREAM, 0);
    socket_world_connect(&m->w, &m->client, &m->server);
    *state = m;
    return 0;
}

static int setup(void **state)
{
    return setup_probe(state, false);
}

static int setup_probing(void **state)
{
    return setup_probe(state, true);
}

static int teardown(void **state)
{
    struct misuse *m = *state;
    socket_world_fini(&m->w);
    free(m);
    return 0;
}

static void socket_refuses_what_it_does_not_know(void **state)
{
    struct misuse *m = *state;
    struct tcpip_sockets *s = m->w.s;
    int sv[2];
    assert_refused(tcpip_socket(s, AF_MAX, SOCK_STREAM, 0), EAFNOSUPPORT);
    assert_refused(tcpip_socket(s, -1, SOCK_STREAM, 0), EAFNOSUPPORT);
    assert_refused(tcpip_socket(s, AF_APPLETALK, SOCK_STREAM, 0), EAFNOSUPPORT);
    assert_refused(tcpip_socket(s, AF_INET, 14, 0), EINVAL);
    assert_refused(tcpip_socket(s, AF_INET, SOCK_STREAM | 0x100000, 0), EINVAL);
    assert_refused(tcpip_socket(s, AF_INET, SOCK_RDM, 0), ESOCKTNOSUPPORT);
    assert_refused(tcpip_socket(s, AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    assert_refused(tcpip_socket(s, AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
    assert_refused(tcpip_socket(s, AF_INET6, SOCK_DGRAM, IPPROTO_ICMP), EPROTONOSUPPORT);
    assert_refused(tcpip_socket(s, AF_INET, SOCK_STREAM, 1000), EINVAL);
    assert_refused(tcpip_socket(s, AF_INET, SOCK_STREAM, -1), EINVAL);
    assert_refused(tcpip_socketpair(s, AF_INET, SOCK_STREAM, 0, sv), EOPNOTSUPP);
    assert_refused(tcpip_socketpair(s, AF_INET, SOCK_STREAM, 0, NULL), EFAULT);
    assert_true(tcpip_socket(s, AF_INET, SOCK_DGRAM, IPPROTO_ICMP) >= 0);
    assert_true(tcpip_socket(s, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6) >= 0);
    assert_true(tcpip_socket(s, AF_INET6, SOCK_STREAM, IPPROTO_TCP) >= 0);
}

static void addresses_of_the_wrong_size_or_family_are_refused(void **state)
{
    struct misuse *m = *state;
    struct tcpip_sockets *s = m->w.s;
    struct sockaddr_storage big = {.ss_family = AF_INET};
    struct sockaddr_in v4 = loopback4(0);
    struct sockaddr_in6 v6 = loopback6(0);
    const struct sockaddr *a4 = (struct sockaddr *)&v4, *a6 = (struct sockaddr *)&v6;
    assert_refused(tcpip_bind(s, m->udp, a4, sizeof(v4) - 1), EINVAL);
    assert_refused(tcpip_bind(s, m->udp, a4, 0), EINVAL);
    assert_refused(tcpip_bind(s, m->udp, (struct sockaddr *)&big, sizeof(big) + 1), EINVAL);
    assert_refused(tcpip_bind(s, m->udp, a4, (socklen_t)-1), EINVAL);
    assert_refused(tcpip_bind(s, m->udp, NULL, sizeof(v4)), EFAULT);
    assert_refused(tcpip_bind(s, m->udp, a6, sizeof(v6)), EAFNOSUPPORT);
    assert_refused(tcpip_bind(s, m->udp6, a4, sizeof(v4)), EINVAL);
    assert_refused(tcpip_bind(s, m->udp6, (struct sockaddr *)&big, sizeof(big)), EAFNOSUPPORT);
    assert_refused(tcpip_bind(s, m->udp6, a6, 23), EINVAL);
    assert_int_equal(tcpip_bind(s, m->udp6, a6, 24), 0);
    assert_refused(tcpip_connect(s, m->tcp, a4, 1), EINVAL);
    assert_refused(tcpip_connect(s, m->tcp, a4, sizeof(v4) - 1), EINVAL);
    assert_refused(tcpip_connect(s, m->tcp, a6, sizeof(v6)), EAFNOSUPPORT);
    assert_refused(tcpip_connect(s, m->tcp, NULL, sizeof(v4)), EFAULT);
    v4.sin_family = AF_UNSPEC;
    assert_refused(tcpip_bind(s, m->udp, a4, sizeof(v4)), EAFNOSUPPORT);
    v4.sin_addr.s_addr = INADDR_ANY;
    assert_int_equal(tcpip_bind(s, m->udp, a4, sizeof(v4)), 0);
    assert_refused(tcpip_sendto(s, m->udp, "x", 1, 0, a6, sizeof(v6)), EAFNOSUPPORT);
    assert_refused(tcpip_sendto(s, m->udp, "x", 1, 0, a6, 4), EINVAL);
    assert_refused(tcpip_sendto(s, m->udp, "x", 1, 0, NULL, 0), EDESTADDRREQ);
}

static void an_ipv6_socket_sends_to_ipv4_addresses(void **state)
{
    struct misuse *m = *state;
    struct tcpip_sockets *s = m->w.s;
    struct sockaddr_in v4 = loopback4(7000);
    struct sockaddr_in6 from;
    socklen_t length = sizeof(from);
    char room[4];
    int any = tcpip_socket(s, AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(7000)};
    assert_int_equal(tcpip_bind(s, any, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(tcpip_sendto(s, m->udp6, "abc", 3, 0, (struct sockaddr *)&v4, sizeof(v4)), 3);
    assert_int_equal(tcpip_recvfrom(s, any, room, 4, 0, (struct sockaddr *)&from, &length), 3);
    assert_int_equal(length, sizeof(from));
    assert_true(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
}

static void vectors_are_judged(void **state)
{
    struct misuse *m = *state;
    struct tcpip_sockets *s = m->w.s;
    static struct iovec many[IOV_MAX + 1];
    char room[8];
    struct iovec negative[2] = {{room, 1}, {room, (size_t)SSIZE_MAX + 1}}, none[2] = {{NULL, 0}, {NULL, 0}};
    struct iovec null[1] = {{NULL, 1}};
    struct msghdr header = {.msg_iov = many, .msg_iovlen = IOV_MAX + 1};
    assert_refused(tcpip_writev(s, m->client, many, IOV_MAX + 1), EINVAL);
    assert_refused(tcpip_readv(s, m->client, many, IOV_MAX + 1), EINVAL);
    assert_refused(tcpip_writev(s, m->client, many, -1), EINVAL);
    assert_refused(tcpip_readv(s, m->client, many, -1), EINVAL);
    assert_refused(tcpip_sendmsg(s, m->client, &header, 0), EMSGSIZE);
    assert_refused(tcpip_recvmsg(s, m->client, &header, 0), EMSGSIZE);
    assert_refused(tcpip_writev(s, m->client, negative, 2), EINVAL);
    assert_refused(tcpip_readv(s, m->client, negative, 2), EINVAL);
    assert_refused(tcpip_writev(s, m->client, null, 1), EFAULT);
    assert_refused(tcpip_writev(s, m->client, NULL, 1), EFAULT);
    assert_int_equal(tcpip_writev(s, m->client, many, IOV_MAX), 0);
    assert_int_equal(tcpip_readv(s, m->client, none, 2), 0);
    assert_int_equal(tcpip_readv(s, m->client, NULL, 0), 0);
    assert_refused(tcpip_sendmsg(s, m->client, NULL, 0), EFAULT);
    assert_refused(tcpip_recvmsg(s, m->client, NULL, 0), EFAULT);
    header.msg_iovlen = 0;
    header.msg_namelen = (socklen_t)-1;
    header.msg_name = room;
    assert_refused(tcpip_sendmsg(s, m->udp, &header, 0), EINVAL);
    header = (struct msghdr){.msg_control = NULL, .msg_controllen = 16};
    assert_refused(tcpip_sendmsg(s, m->udp, &header, 0), EFAULT);
    header.msg_controllen = (size_t)INT_MAX + 1;
    assert_refused(tcpip_sendmsg(s, m->udp, &header, 0), ENOBUFS);
}

static void null_is_a_fault(void **state)
{
    struct misuse *m = *state;
    struct tcpip_sockets *s = m->w.s;
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    int value = 0;
    assert_refused(tcpip_send(s, m->client, NULL, 1, 0), EFAULT);
    assert_refused(tcpip_write(s, m->client, NULL, 1), EFAULT);
    assert_refused(tcpip_recv(s, m->client, NULL, 1, MSG_DONTWAIT), EAGAIN); /* there is nothing to write there yet */
    assert_int_equal(tcpip_send(s, m->server, "x", 1, 0), 1);
    assert_refused(tcpip_recv(s, m->client, NULL, 1, MSG_DONTWAIT), EFAULT);
    assert_refused(tcpip_read(s, m->client, NULL, 1), EFAULT);
    assert_refused(tcpip_getsockname(s, m->client, NULL, &length), EFAULT);
    assert_refused(tcpip_getsockname(s, m->client, (struct sockaddr *)&address, NULL), EFAULT);
    assert_refused(tcpip_getsockopt(s, m->client, SOL_SOCKET, SO_TYPE, NULL, &length), EFAULT);
    assert_refused(tcpip_getsockopt(s, m->client, SOL_SOCKET, SO_TYPE, &value, NULL), EFAULT);
    length = (socklen_t)-1;
    assert_refused(tcpip_getsockname(s, m->client, (struct sockaddr *)&address, &length), EINVAL);
    length = 0;
    assert_int_equal(tcpip_getsockname(s, m->client, NULL, &length), 0);
    assert_int_equal(length, sizeof(address));
    length = 4;
    assert_int_equal(tcpip_getsockname(s, m->client, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(length, sizeof(address));
    assert_int_equal(address.sin_family, AF_INET);
}

static void bad_pointers_are_found_by_probing(void **state)
{
    struct misuse *m = *state;
    struct tcpip_sockets *s = m->w.s;
    char room[8];
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    assert_int_equal(mprotect(page + 4096, 4096, PROT_NONE), 0);
    assert_refused(tcpip_send(s, m->client, page + 4090, 7, 0), EFAULT);
    assert_int_equal(tcpip_send(s, m->client, page + 4090, 6, 0), 6);
    assert_refused(tcpip_recv(s, m->server, page + 4090, 7, 0), EFAULT);
    assert_int_equal(mprotect(page, 4096, PROT_READ), 0);
    assert_refused(tcpip_recv(s, m->server, page, 6, 0), EFAULT);
    assert_int_equal(tcpip_send(s, m->client, page, 1, 0), 1);
    assert_refused(tcpip_send(s, m->client, (void *)8, 1, 0), EFAULT);
    assert_refused(tcpip_bind(s, m->udp, (struct sockaddr *)(page + 4096), 16), EFAULT);
    assert_refused(tcpip_getsockname(s, m->udp, (struct sockaddr *)room, (socklen_t *)page), EFAULT);
    assert_refused(tcpip_sendmsg(s, m->client, (struct msghdr *)(page + 4096 - 8), 0), EFAULT);
    assert_int_equal(tcpip_recv(s, m->server, room, 8, 0), 7);
    munmap(page, 8192);
}

static void flags_that_ask_for_urgent_data_are_refused(void **state)
{
    struct misuse *m = *state;
    struct tcpip_sockets *s = m->w.s;
    char room[1];
    assert_refused(tcpip_send(s, m->udp, "x", 1, MSG_OOB), EOPNOTSUPP);
    assert_refused(tcpip_recv(s, m->client, room, 1, MSG_OOB), EINVAL); /* there are none */
    assert_refused(tcpip_recv(s, m->client, room, 1, MSG_ERRQUEUE), EAGAIN);
    assert_refused(tcpip_accept4(s, m->client, NULL, NULL, 1), EINVAL);
    assert_refused(tcpip_accept(s, m->client, NULL, NULL), EINVAL);
    assert_refused(tcpip_accept(s, m->udp, NULL, NULL), EOPNOTSUPP);
    assert_refused(tcpip_listen(s, m->udp, 1), EOPNOTSUPP);
    assert_refused(tcpip_listen(s, m->client, 1), EINVAL);
    assert_refused(tcpip_shutdown(s, m->client, 3), EINVAL);
    assert_refused(tcpip_shutdown(s, m->client, -1), EINVAL);
    assert_refused(tcpip_shutdown(s, m->tcp, SHUT_RD), ENOTCONN);
    assert_refused(tcpip_shutdown(s, m->udp, SHUT_RD), ENOTCONN);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(socket_refuses_what_it_does_not_know, setup, teardown),
        cmocka_unit_test_setup_teardown(addresses_of_the_wrong_size_or_family_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_ipv6_socket_sends_to_ipv4_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(vectors_are_judged, setup, teardown),
        cmocka_unit_test_setup_teardown(null_is_a_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_pointers_are_found_by_probing, setup_probing, teardown),
        cmocka_unit_test_setup_teardown(flags_that_ask_for_urgent_data_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
