// SPDX-License-Identifier: MIT
/* world.h: a stack on a channel link, in virtual time: what one run of a script plays in. */
#ifndef TCPIP_TESTS_SCRIPT_WORLD_H
#define TCPIP_TESTS_SCRIPT_WORLD_H

#include "flow.h"
#include "test_env.h"

#include <tcpip/endpoint.h>
#include <tcpip/forward.h>
#include <tcpip/stack.h>

#include <setjmp.h>

#define WORLD_SOCKETS_MAX 128
#define WORLD_WHY_MAX 2048

struct sent_packet {
    struct sent_packet *next;
    tcpip_ns at; /* since the start of the script */
    size_t size;
    uint8_t bytes[];
};

struct socket {
    struct tcpip_endpoint *endpoint; /* NULL: the number is free */
    bool nonblocking, stream;
    uint32_t written, read; /* bytes, for the pattern of the payload */
    uint32_t stamps;        /* TCPIP_WRITE_STAMP_... of each write */
    uint32_t lent;          /* writes that lent their bytes */
};

/* What differs between runs of one script. */
struct variant {
    enum ip_version ip_version;
    uint32_t remote_isn; /* the peer's sequence number 0 on the wire */
    uint32_t remote_ts;  /* its timestamp 0 */
    tcpip_ns start;      /* what the clock says at the beginning */
};

struct world {
    struct test_env env;
    const struct script *script;
    struct variant variant;
    tcpip_ns time; /* since the start of the script; env.now is the tick before */
    bool verbose;
    struct ends ends;
    struct tcpip_link *link;
    struct tcpip_stack *stack;
    struct flow flows[SCRIPT_FLOWS_MAX];
    struct socket sockets[WORLD_SOCKETS_MAX];
    int last_fd;                          /* the youngest connection; -1: none */
    struct sent_packet *sent, *sent_last; /* by the stack, not looked at yet */
    struct tcpip_endpoint *forwarded[16]; /* connections of the forwarder that nobody has accepted yet */
    struct tcpip_tcp_forward_request *deferred[16];
    unsigned forwarded_count, deferred_count;
    struct lent *lent; /* bytes of writes without a copy (world_lend) */
    uint32_t steps;    /* since time moved: a world that never rests is stuck */
    jmp_buf on_fatal;
    char fatal[256];
    char *log; /* packets so far, for the report of a failure */
    size_t log_used, log_room;
};

/* `world` is zeroed, but for on_fatal. False: `why` says what didn't work. In any case end with world_fini. */
bool world_init(struct world *world, const struct script *script, const struct variant *variant, char *why);
/* Ends the stack. False: it kept memory (why). */
bool world_fini(struct world *world, char *why);

/* From here on an assertion that traps (src/base/assert.h) leaves through world->on_fatal, too. NULL: no more. */
void world_catch_traps(struct world *world);

/* Time since the start of the script. */
tcpip_ns world_now(const struct world *world);
/* The next instant at which the stack has something to do, or TCPIP_NEVER. */
tcpip_ns world_deadline(const struct world *world);
/* Moves the clock to `at` (not back) and lets the stack work there. Not past world_deadline. False: it never rests. */
bool world_go(struct world *world, tcpip_ns at);
/* Takes what the stack sent and lets it finish what is due now. */
bool world_settle(struct world *world);
/* Gives the stack a packet from the peer. */
void world_inject(struct world *world, const uint8_t *bytes, size_t size);
/* The oldest packet not looked at, removed; free() it. NULL: none. */
struct sent_packet *world_take(struct world *world);

/* The flow whose ports a packet has; NULL: none. */
const struct flow *world_flow_of(const struct world *world, const struct wire_view *view);
/* One line: a packet in the script's notation, then in tcpdump's. */
void world_print(const struct world *world, const uint8_t *bytes, size_t size, char *out, size_t out_size);

struct tcpip_address world_local_address(const struct world *world);
struct tcpip_address world_remote_address(const struct world *world);
/* As an IPv6 endpoint sees them, when the script runs over mapped addresses. */
uint32_t world_network(const struct world *world);

/* Keeps the malloc'd bytes of a write that lent them to the stack, the socket's `socket->lent`th. */
void world_lend(struct world *world, struct socket *socket, uint8_t *bytes, size_t size);
/* The stack says that it is done with the bytes of these writes: they change at once, so that its word is tested. */
void world_lent_back(struct world *world, const struct socket *socket, uint64_t first, uint64_t last);

/* The lowest free number, from 3 on; -1: none. */
int world_socket_add(struct world *world, struct tcpip_endpoint *endpoint, bool stream, bool nonblocking);

#endif
