// SPDX-License-Identifier: MIT
/* socket_world.h: a host with a loopback interface and a table of sockets: 127.0.0.1/8 and ::1.
 *
 * With drive CALLBACK in virtual time: a call that would wait lets time pass, timer by timer. With drive THREADS in
 * real time. */
#ifndef TCPIP_TESTS_LIB_SOCKET_WORLD_H
#define TCPIP_TESTS_LIB_SOCKET_WORLD_H

#include "test_env.h"

#include <errno.h>
#include <netinet/in.h>
#include <tcpip/socket.h>
#include <tcpip/tcpip.h>

struct socket_world {
    struct test_env world; /* virtual time only */
    struct tcpip_stack *stack;
    struct tcpip_link *loopback;
    struct tcpip_sockets *s;
    /* CALLBACK: called before time passes; what other actors do. May be NULL. */
    void (*on_step)(struct socket_world *world);
    void *user;
    uint32_t steps;      /* how often a call waited */
    uint32_t idle_steps; /* and nothing was going to happen, since something did */
};

/* options may be NULL: drive CALLBACK, private descriptors from 3 on. `drive` CALLBACK gets the world's own step. */
void socket_world_init(struct socket_world *world, const struct tcpip_sockets_options *options);
/* Closes and frees everything; asserts that nothing leaked. */
void socket_world_fini(struct socket_world *world);
/* cmocka's: a world with the options of NULL in *state. */
int socket_world_setup(void **state);
int socket_world_teardown(void **state);
/* CALLBACK: lets time pass. */
void socket_world_run(struct socket_world *world, tcpip_ns duration);

/* 127.0.0.1 and ::1. */
struct sockaddr_in loopback4(uint16_t port);
struct sockaddr_in6 loopback6(uint16_t port);
/* Two ends of a TCP connection over loopback. */
void socket_world_connect(struct socket_world *world, int *client, int *server);

/* The call fails, with this errno. */
#define assert_refused(call, number) (errno = 0, assert_refused_((long)(call), number, #call, __FILE__, __LINE__))
void assert_refused_(long result, int number, const char *call, const char *file, int line);

#endif
