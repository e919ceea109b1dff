// SPDX-License-Identifier: MIT
/* unix_world.h: what the tests of unix endpoints share: a stack with nothing else in it, short ways to write a call. */
#ifndef TCPIP_TESTS_LIB_UNIX_WORLD_H
#define TCPIP_TESTS_LIB_UNIX_WORLD_H

#include "test_env.h"

#include <tcpip/stack.h>
#include <tcpip/unix.h>

struct unix_world {
    struct test_env env;
    struct tcpip_stack *stack;
    uint32_t references; /* that somebody has */
};

void unix_world_init(struct unix_world *world, const struct tcpip_limits *limits);
/* All references must have come back, and all memory. */
void unix_world_fini(struct unix_world *world);

struct tcpip_endpoint *world_new(struct unix_world *world, enum tcpip_unix_type type);
/* Two of a pair. */
void world_pair(struct unix_world *world, enum tcpip_unix_type type, struct tcpip_endpoint **ends);
/* A listener of that name. */
struct tcpip_endpoint *world_listener(struct unix_world *world, enum tcpip_unix_type type, const char *name,
                                      int backlog);
/* "@x" is abstract, "x" a path, "" none. Static; good until the next call but one. */
const struct tcpip_unix_address *world_name(const char *text);
enum tcpip_error world_bind(struct tcpip_endpoint *ep, const char *name);
enum tcpip_error world_connect(struct tcpip_endpoint *ep, const char *name);

/* A text through the generic calls; reading: OK and the expected text, or the error. */
enum tcpip_error world_send(struct tcpip_endpoint *ep, const char *text);
enum tcpip_error world_send_to(struct tcpip_endpoint *ep, const char *text, const char *name);
void world_expect(struct tcpip_endpoint *ep, const char *text);
enum tcpip_error world_read_error(struct tcpip_endpoint *ep);

/* A text with references. */
enum tcpip_error world_pass(struct unix_world *world, struct tcpip_endpoint *ep, const char *text, uint32_t count);
/* Reads up to `size` bytes with room for `room` references, which are given back; returns how many came. */
uint32_t world_take(struct tcpip_endpoint *ep, size_t size, size_t room, bool peek, struct tcpip_unix_receive *out,
                    char *text);

struct world_waiter {
    struct tcpip_waiter waiter;
    uint32_t heard, events;
};
void world_wait(struct tcpip_endpoint *ep, struct world_waiter *waiter, uint32_t mask);

#endif
