// SPDX-License-Identifier: MIT
/* adapter.h: a stack in virtual time under the packetdrill program: one wire, one process's sockets, two threads.
 *
 * The thread that loads the object drives: it alone gives packets and time. Calls that a script expects to block come
 * on a second thread, and wait as in any program. The lock of the sockets guards everything here, too. */
#ifndef TCPIP_TESTS_PACKETDRILL_ADAPTER_H
#define TCPIP_TESTS_PACKETDRILL_ADAPTER_H

#include "interface.h"
#include "test_env.h"

#include <pthread.h>
#include <tcpip/link.h>
#include <tcpip/socket.h>
#include <tcpip/stack.h>

enum { ADAPTER_NIC = 1 };

/* A packet that the stack sent, and when. */
struct wire_packet {
    struct wire_packet *next;
    tcpip_ns at;
    size_t size;
    uint8_t bytes[];
};

/* What the command line and the script say of the network. */
struct invocation {
    struct tcpip_address local4, local6;
    unsigned bits4, bits6;
    uint32_t mtu;
};

struct adapter {
    struct test_env env; /* env.now is the clock of everything */
    struct invocation invocation;
    struct tcpip_stack *stack; /* NULL until the first call that needs it: what is configured is read then */
    struct tcpip_link *link;
    struct tcpip_sockets *sockets;
    pthread_t driver;
    struct wire_packet *sent, **sent_end;
    /* The second thread: between a call that waits and its next question for the time, the clock stands still. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int under_way; /* calls that it is in, or came from without having asked the time */
    unsigned changes;
    bool looked; /* at the clock, and nothing has happened since */
    pid_t ended; /* the second thread, when its call has ended since the driver slept; 0: it hasn't */
};

/* The one of this process; NULL: packetdrill isn't running on us. */
extern struct adapter *the_adapter;

/* Says why on stderr, and ends the process. */
_Noreturn void adapter_fail(const char *what, const char *why);
/* Makes stack, wire and sockets, unless they are made. */
void adapter_start(struct adapter *adapter);

/* ---- clock.c ---- */

/* Runs everything that is due up to `at`, each thing at its own instant, and leaves the clock there. */
void clock_run_to(struct adapter *adapter, tcpip_ns at);
/* Lets the last look's microsecond pass. */
void clock_tick(struct adapter *adapter);
/* After anything that the driving thread did: what is due now, what was sent, and whoever was woken by it. */
void clock_settle(struct adapter *adapter);
bool clock_may_sleep(void *ctx, tcpip_ns until);
/* Around every call of the sockets. */
void clock_call_begins(struct adapter *adapter);
void clock_call_ends(struct adapter *adapter);
int clock_usleep(void *userdata, useconds_t usecs);
int clock_gettimeofday(void *userdata, struct timeval *out, struct timezone *zone);

/* ---- wire.c ---- */

void wire_open(struct adapter *adapter);
void wire_close(struct adapter *adapter);
/* Takes what the stack sent at this instant. Lock held. */
void wire_collect(struct adapter *adapter);
/* Makes an address that a script binds to one of ours. */
void wire_own_address(struct adapter *adapter, const struct sockaddr *address, socklen_t length);
int wire_send(void *userdata, const void *packet, size_t size);
int wire_receive(void *userdata, void *out, size_t *size, long long *time_usecs);

/* ---- sysctl.c, invocation.c ---- */

/* For the stack that is being made. */
void sysctl_limits(struct tcpip_limits *limits);
/* For what is opened from now on. */
void sysctl_defaults(struct adapter *adapter);
void invocation_read(const char *flags, struct invocation *out);

#endif
