// SPDX-License-Identifier: MIT
/* resolve_test.c: names, services and literals, as glibc answers. Each answer here was compared with glibc's; those
 * that need nothing but literals are compared again when the test runs. */
#include "socket_world.h"

#include <net/if.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define array_count(array) (sizeof(array) / sizeof((array)[0]))

static const char *const hosts = "# hosts\n"
                                 "127.0.0.1\tlocalhost loop # home\n"
                                 "::1 localhost ip6-localhost\n"
                                 "10.0.0.7 seven.example seven\n"
                                 "nonsense here\n"
                                 "10.0.0.8";

static int setup(void **state)
{
    struct socket_world *w = malloc(sizeof(*w));
    struct tcpip_sockets_options options = {.size = sizeof(options),
                                            .drive = TCPIP_SOCKETS_DRIVE_CALLBACK,
                                            .private_descriptors = true,
                                            .first_descriptor = 3,
                                            .hosts = hosts};
    assert_non_null(w);
    socket_world_init(w, &options);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    socket_world_fini(*state);
    free(*state);
    return 0;
}

/* The answer in one line; `w` NULL: glibc's. */
static const char *answer(struct socket_world *w, const char *node, const char *service, const struct addrinfo *hints)
{
    static char text[2][1024];
    static int turn;
    char *out = text[turn ^= 1];
    struct addrinfo *list = NULL;
    int error =
        w != NULL ? tcpip_getaddrinfo(w->s, node, service, hints, &list) : getaddrinfo(node, service, hints, &list);
    size_t used = (size_t)snprintf(out, sizeof(text[0]), "%s", error != 0 ? gai_strerror(error) : "");
    for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
        char host[100], port[10];
        assert_int_equal(getnameinfo(info->ai_addr, info->ai_addrlen, host, sizeof(host), port, sizeof(port),
                                     NI_NUMERICHOST | NI_NUMERICSERV),
                         0);
        used += (size_t)snprintf(out + used, sizeof(text[0]) - used, "[%d %d %d %s %s %s]", info->ai_family,
                                 info->ai_socktype, info->ai_protocol, host, port,
                                 info->ai_canonname != NULL ? info->ai_canonname : "");
        assert_true(used < sizeof(text[0]));
    }
    if (w != NULL)
        tcpip_freeaddrinfo(list);
    else if (list != NULL)
        freeaddrinfo(list);
    return out;
}

static void literals_answer_as_glibcs(void **state)
{
    static const struct {
        const char *node, *service;
        int flags, family, type, protocol;
    } asked[] = {
        {"127.0.0.1", "80", 0, 0, 0, 0},
        {"127.1", "80", 0, 0, SOCK_STREAM, 0},
        {"0x7f000001", "80", 0, 0, SOCK_STREAM, 0},
        {"::1", "80", 0, 0, SOCK_STREAM, 0},
        {"127.0.0.1", "80", 0, AF_INET6, SOCK_STREAM, 0},
        {"127.0.0.1", "80", AI_V4MAPPED, AF_INET6, SOCK_STREAM, 0},
        {"::1", "80", 0, AF_INET, SOCK_STREAM, 0},
        {"::ffff:1.2.3.4", "80", 0, AF_INET, SOCK_STREAM, 0},
        {NULL, "80", AI_PASSIVE, 0, SOCK_STREAM, 0},
        {NULL, NULL, 0, 0, SOCK_STREAM, 0},
        {"x", "80", AI_NUMERICHOST, 0, SOCK_STREAM, 0},
        {"127.0.0.1", "http", AI_NUMERICSERV, 0, 0, 0},
        {"127.0.0.1", "99999", 0, 0, SOCK_STREAM, 0},
        {"127.0.0.1", "-1", 0, 0, SOCK_STREAM, 0},
        {"127.0.0.1", "", 0, 0, SOCK_STREAM, 0},
        {"127.0.0.1", "80x", 0, 0, SOCK_STREAM, 0},
        {"127.0.0.1", " 80", 0, 0, SOCK_STREAM, 0},
        {"127.0.0.1", NULL, 0x8000000, 0, SOCK_STREAM, 0},
        {NULL, "80", AI_CANONNAME, 0, SOCK_STREAM, 0},
        {"127.0.0.1", NULL, AI_CANONNAME, 0, 0, 0},
        {"127.0.0.1", NULL, 0, 99, SOCK_STREAM, 0},
        {"127.0.0.1", NULL, 0, 0, 77, 0},
        {"127.0.0.1", NULL, 0, 0, SOCK_STREAM, IPPROTO_UDP},
        {"127.0.0.1", NULL, 0, 0, 0, IPPROTO_UDP},
        {"127.0.0.1", NULL, 0, 0, 0, 99},
        {"127.0.0.1", NULL, 0, 0, SOCK_RAW, 99},
        {"127.0.0.1", "80", 0, 0, SOCK_RAW, 0},
        {"fe80::1%nope", "80", 0, 0, SOCK_STREAM, 0},
        {"::1%1", "80", 0, 0, SOCK_STREAM, 0},
        {"1.2.3.4.5", "80", AI_NUMERICHOST, 0, SOCK_STREAM, 0},
        {"256.1.1.1", "80", AI_NUMERICHOST, 0, SOCK_STREAM, 0},
    };
    for (size_t i = 0; i < array_count(asked); i++) {
        struct addrinfo hints = {.ai_flags = asked[i].flags,
                                 .ai_family = asked[i].family,
                                 .ai_socktype = asked[i].type,
                                 .ai_protocol = asked[i].protocol};
        const char *want = answer(NULL, asked[i].node, asked[i].service, &hints);
        assert_string_equal(answer(*state, asked[i].node, asked[i].service, &hints), want);
    }
}

static void names_come_from_the_table_of_hosts(void **state)
{
    struct addrinfo stream = {.ai_socktype = SOCK_STREAM}, v6 = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET6};
    struct addrinfo named = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME};
    struct addrinfo mapped = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET6, .ai_flags = AI_V4MAPPED | AI_ALL};
    assert_string_equal(answer(*state, "LocalHost", "http", &stream), "[2 1 6 127.0.0.1 80 ][10 1 6 ::1 80 ]");
    assert_string_equal(answer(*state, "localhost", "80", &v6), "[10 1 6 ::1 80 ]");
    assert_string_equal(answer(*state, "localhost", "80", &mapped), "[10 1 6 ::ffff:127.0.0.1 80 ][10 1 6 ::1 80 ]");
    assert_string_equal(answer(*state, "seven", "80", &named), "[2 1 6 10.0.0.7 80 seven.example]");
    assert_string_equal(answer(*state, "seven", "80", &v6), gai_strerror(EAI_ADDRFAMILY));
    assert_string_equal(answer(*state, "eight", "80", &stream), gai_strerror(EAI_NONAME));
    assert_string_equal(answer(*state, "here", "80", &stream), gai_strerror(EAI_NONAME));
    assert_string_equal(answer(*state, "", "80", &stream), gai_strerror(EAI_NONAME));
}

static void services_have_their_transports(void **state)
{
    struct addrinfo any = {.ai_flags = AI_NUMERICHOST}, dgram = {.ai_socktype = SOCK_DGRAM};
    assert_string_equal(answer(*state, "127.0.0.1", "domain", &any), "[2 1 6 127.0.0.1 53 ][2 2 17 127.0.0.1 53 ]");
    assert_string_equal(answer(*state, "127.0.0.1", "ssh", &any), "[2 1 6 127.0.0.1 22 ]");
    assert_string_equal(answer(*state, "127.0.0.1", "ssh", &dgram), gai_strerror(EAI_SERVICE));
    assert_string_equal(answer(*state, "127.0.0.1", "nope", &any), gai_strerror(EAI_SERVICE));
}

static void addresses_become_names_and_numbers(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_in a = loopback4(80);
    struct sockaddr_in6 b = loopback6(53);
    char host[64], service[16];
#define NAME(address, flags)                                                                             \
    tcpip_getnameinfo(w->s, (struct sockaddr *)&(address), sizeof(address), host, sizeof(host), service, \
                      sizeof(service), flags)
    assert_int_equal(NAME(a, NI_NUMERICHOST | NI_NUMERICSERV), 0);
    assert_string_equal(host, "127.0.0.1");
    assert_string_equal(service, "80");
    assert_int_equal(NAME(b, NI_DGRAM), 0);
    assert_string_equal(host, "localhost");
    assert_string_equal(service, "domain");
    assert_int_equal(NAME(a, NI_NAMEREQD | NI_NUMERICHOST), EAI_NONAME);
    assert_int_equal(NAME(a, 0x4000), EAI_BADFLAGS);
    assert_int_equal(tcpip_getnameinfo(w->s, (struct sockaddr *)&a, 15, host, 64, service, 16, 0), EAI_FAMILY);
    assert_int_equal(tcpip_getnameinfo(w->s, (struct sockaddr *)&a, 2, host, 64, service, 16, 0), EAI_FAMILY);
    assert_int_equal(tcpip_getnameinfo(w->s, (struct sockaddr *)&a, 16, host, 5, service, 16, 3), EAI_OVERFLOW);
    assert_int_equal(tcpip_getnameinfo(w->s, (struct sockaddr *)&a, 16, host, 64, service, 2, 3), EAI_OVERFLOW);
    a.sin_addr.s_addr = htonl(0x01020304);
    assert_int_equal(NAME(a, NI_NAMEREQD), EAI_NONAME);
    assert_int_equal(NAME(a, 0), 0);
    assert_string_equal(host, "1.2.3.4");
    assert_string_equal(service, "http");
    memcpy(&b.sin6_addr, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    b.sin6_scope_id = 77;
    assert_int_equal(NAME(b, NI_NUMERICHOST), 0);
    assert_string_equal(host, "fe80::1%77");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(literals_answer_as_glibcs, setup, teardown),
        cmocka_unit_test_setup_teardown(names_come_from_the_table_of_hosts, setup, teardown),
        cmocka_unit_test_setup_teardown(services_have_their_transports, setup, teardown),
        cmocka_unit_test_setup_teardown(addresses_become_names_and_numbers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
