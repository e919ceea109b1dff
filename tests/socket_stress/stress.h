// SPDX-License-Identifier: MIT
/* stress.h: what the scenarios of the stress share: two hosts on a wire, threads, and a check that aborts. */
#ifndef TCPIP_TESTS_SOCKET_STRESS_STRESS_H
#define TCPIP_TESTS_SOCKET_STRESS_STRESS_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <tcpip/loop.h>
#include <tcpip/socket.h>
#include <tcpip/tcpip.h>

#define check(condition) ((condition) ? (void)0 : stress_failed(#condition, __FILE__, __LINE__))
_Noreturn void stress_failed(const char *what, const char *file, int line);

enum { STRESS_THREADS = 16 };

/* 10.9.0.1 and 10.9.0.2, each with a loopback interface and a table of its own; between them a socket pair. */
struct host {
    struct tcpip_env env;
    struct tcpip_stack *stack;
    struct tcpip_link *loopback, *wire;
    struct tcpip_sockets *s;
    uint32_t address; /* on the wire, host order */
    /* Without the table's background thread: a thread that waits all the time, or nobody would acknowledge when the
     * others are done. -1: none. */
    int keeper;
    pthread_t keeper_thread;
};
struct stress {
    struct host host[2];
    uint32_t rounds;
};

void stress_init(struct stress *stress, bool no_background);
void stress_fini(struct stress *stress);
struct sockaddr_in stress_address(uint32_t address, uint16_t port);
/* A listener on any address of the host; its port. */
int stress_listen(struct host *host, uint16_t *port);
/* A connected pair: client on `from`, server on `to` (which may be the same host, then over loopback). */
void stress_connect(struct host *from, struct host *to, int *client, int *server);
/* Until `count` threads sleep in calls of this host. */
void stress_await_sleepers(struct host *host, uint32_t count);
/* The next number of a thread's own sequence. */
uint32_t stress_random(uint64_t *state);

/* scenarios: traffic.c, races.c, unix.c, watch.c */
void stress_streams_loopback(struct stress *stress);
void stress_streams_wire(struct stress *stress);
void stress_streams_unix(struct stress *stress);
void stress_datagrams(struct stress *stress);
void stress_unix_crowd(struct stress *stress);
void stress_unix_ring(struct stress *stress);
void stress_one_connection(struct stress *stress);
void stress_descriptors(struct stress *stress);
void stress_receive_races(struct stress *stress);
void stress_send_races(struct stress *stress);
void stress_accept_races(struct stress *stress);
void stress_connect_races(struct stress *stress);
void stress_epoll_shared(struct stress *stress);
void stress_epoll_races(struct stress *stress);

#endif
