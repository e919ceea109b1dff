// SPDX-License-Identifier: MIT
/* link_world.h: what a link under test stands in: a stack without protocols, and in the place of a NIC an upper side
 * that keeps what it is told. */
#ifndef TCPIP_TESTS_LIB_LINK_WORLD_H
#define TCPIP_TESTS_LIB_LINK_WORLD_H

#include "test_env.h"

#include <tcpip/stack.h>
#include <tcpip/trace.h>

struct link_world {
    struct test_env test_env;
    struct tcpip_stack *stack;
    struct tcpip_link_upper upper;
    struct tcpip_packet_list received; /* delivered by the link */
    uint32_t tx_ready;                 /* how often the link said so */
    uint32_t states;                   /* how often it told its state; the last: */
    bool up;
    enum tcpip_error error;
    bool transmitting; /* a link that calls tx_ready now loses the wake-up: asserted */
    uint64_t drops[TCPIP_DROP_COUNT];
};

void link_world_init(struct link_world *world, uint64_t seed);
/* Everything must be back: packets, buffers, timers, bytes. */
void link_world_fini(struct link_world *world);
/* Asserts that it works. */
void link_world_attach(struct link_world *world, struct tcpip_link *link);
void link_world_detach(struct link_world *world, struct tcpip_link *link);
/* Transmits in a turn; what is left stays in the list. */
size_t link_world_transmit(struct link_world *world, struct tcpip_link *link, struct tcpip_packet_list *packets);
/* One packet, which must be taken. */
void link_world_send(struct link_world *world, struct tcpip_link *link, struct tcpip_packet *packet);
/* A packet of these bytes: the first `in_room` in the room, the rest in views of at most `view_bytes` (0: one view). */
struct tcpip_packet *link_world_packet(struct link_world *world, const uint8_t *bytes, uint32_t size, uint32_t in_room,
                                       uint32_t view_bytes);
/* The next packet received as bytes, freed; 0: none. `packet` (or NULL) gets its struct. */
size_t link_world_take(struct link_world *world, uint8_t *out, size_t size, struct tcpip_packet *packet);
/* Moves the clock and fires what is due. */
void link_world_advance(struct link_world *world, tcpip_ns by);
/* Jumps from deadline to deadline until none is left. */
void link_world_run(struct link_world *world);

#endif
