// SPDX-License-Identifier: MIT
/* pair.h: two hosts and a wire, in virtual time: for tests of what two stacks do with each other.
 *
 *     a 10.0.0.1, fd00::1  --- fault link --- pipe --- b 10.0.0.2, fd00::2
 */
#ifndef TCPIP_TESTS_LIB_PAIR_H
#define TCPIP_TESTS_LIB_PAIR_H

#include "test_env.h"

#include <tcpip/tcpip.h>

struct pair_options {
    uint32_t mtu; /* 0: 1500 */
    struct tcpip_fault_profile a_to_b, b_to_a;
    uint64_t seed;
    const struct tcpip_limits *limits, *limits_b;              /* limits_b: b's, if they aren't the same */
    uint64_t budget_b;                                         /* bytes that a is given at most; 0: all it wants */
    uint32_t link_flags, gso_max_bytes;                        /* of the pipe */
    uint32_t queue_packets;                                    /* of the pipe; 0: its own */
    bool ethernet;                                             /* with neighbors to be found */
    void (*trace)(void *ctx, const struct tcpip_event *event); /* of both hosts; NULL: none, but for TEST_TRACE */
};

/* A host's clock: the world's, and so much ahead. And its memory: the world's, counted once more. */
struct pair_clock {
    struct tcpip_env env;
    struct test_env *world;
    tcpip_ns ahead_ns;
    uint64_t used_bytes, peak_bytes;
    uint64_t budget_bytes; /* beyond, there is none; 0: no such bound */
};

struct pair {
    struct test_env world;
    struct pair_clock clocks[2];
    struct tcpip_stack *a, *b;
    struct tcpip_link *ends[2];
    struct tcpip_link *fault;                 /* on a's side */
    struct tcpip_link *ethernet[2];           /* above it all, or NULL */
    struct tcpip_full_address a4, b4, a6, b6; /* port 80 on b's side, 0 on a's */
};

/* options may be NULL. */
void pair_init(struct pair *pair, const struct pair_options *options);
/* Frees both stacks; asserts that nothing leaked. */
void pair_fini(struct pair *pair);
/* What each stack says that it uses is what it was given. pair_settle looks, too. */
void pair_check_memory(const struct pair *pair);
/* Moves packets and due timers until nothing happens at this instant; returns whether anything did. */
bool pair_settle(struct pair *pair);
/* Lets time pass, timer by timer, up to `duration`; settles at each step. */
void pair_run(struct pair *pair, tcpip_ns duration);
/* As pair_run, but ends as soon as done(ctx) is true; returns whether it became so. */
bool pair_run_until(struct pair *pair, tcpip_ns limit, bool (*done)(void *ctx), void *ctx);

/* How a host moves. */
struct pair_move {
    tcpip_ns pause_ns;                  /* meanwhile it isn't there */
    bool told;                          /* and is told of it */
    tcpip_ns ahead_ns;                  /* its clock is so much ahead of the world's afterwards */
    struct tcpip_endpoint ***endpoints; /* NULL-terminated: pointers to be set to what these endpoints become */
    const struct tcpip_limits *limits;  /* NULL: the default */
};
/* Saves a host (0: a, 1: b), frees it, and restores it in another stack on the same link. */
void pair_move(struct pair *pair, int host, const struct pair_move *how);
/* Of a host: what it would be restored with. */
struct tcpip_link *pair_link(const struct pair *pair, int host);

/* A TCP connection from a to b's port 80: listens, connects, accepts. v6: over IPv6. */
void pair_connect(struct pair *pair, bool v6, struct tcpip_endpoint **client, struct tcpip_endpoint **server);

#endif
