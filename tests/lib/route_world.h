// SPDX-License-Identifier: MIT
/* route_world.h: a stack with network protocols and links that only take notes, for tests of addresses, routes and
 * neighbours. */
#ifndef TCPIP_TESTS_LIB_ROUTE_WORLD_H
#define TCPIP_TESTS_LIB_ROUTE_WORLD_H

#include "stack/nic.h"
#include "stack/route.h"
#include "test_env.h"

enum { WORLD_NOTES = 64, WORLD_LINKS = 4 };

/* A link that keeps what it is given. */
struct world_link {
    struct tcpip_link link;
    struct tcpip_link_capabilities caps;
    struct tcpip_packet_list sent;
};

/* What a protocol was told: an address or group, and on which NIC. */
struct world_note {
    uint32_t nic;
    uint8_t address[16];
    bool on; /* added, joined; solicit: unicast */
    uint8_t link[6];
};
struct world_notes {
    uint32_t count; /* may pass WORLD_NOTES: the later ones aren't kept */
    struct world_note items[WORLD_NOTES];
};

struct route_world {
    struct test_env env; /* first: env.ctx leads here */
    struct tcpip_stack *stack;
    struct world_link links[WORLD_LINKS]; /* of NICs 1 to WORLD_LINKS */
    struct world_notes addresses, groups, solicits;
    uint32_t looped;   /* packets that came in */
    uint32_t loop_nic; /* where the last one did */
    uint32_t errors;   /* told to the transport protocol */
    struct {
        enum tcpip_icmp_kind kind;
        uint8_t type, code, local[16], remote[16], quote[8];
        uint32_t nic, quote_bytes;
    } error; /* the last */
    void (*on_error)(struct route_world *world);
};

enum world_protocols { WORLD_V4 = 1, WORLD_V6 = 2, WORLD_BOTH = 3 };

/* limits: NULL for the DEFAULT preset. */
void world_init(struct route_world *world, const struct tcpip_limits *limits, enum world_protocols protocols);
void world_fini(struct route_world *world);
/* NIC `id` (1 to WORLD_LINKS) over a link with these flags; with TCPIP_LINK_RESOLUTION its address is
 * 02:00:00:00:00:id. */
struct tcpip_nic *world_nic(struct route_world *world, uint32_t id, uint32_t flags);
/* "10.0.0.1/24"; asserts success. */
void world_assign(struct route_world *world, uint32_t nic, const char *prefix, uint32_t flags);
struct tcpip_prefix world_prefix(const char *text);
struct tcpip_address world_address(const char *text);
struct tcpip_link_address world_link_address(uint8_t last);
/* 16 bytes of a text; good until the 16th call after this one. */
uint8_t *world_bytes(const char *text);
/* Moves the clock and lets what is due happen. */
void world_pass(struct route_world *world, tcpip_ns duration);
/* An IPv4 or IPv6 packet of UDP with 8 bytes of payload after its header. */
struct tcpip_packet *world_packet(struct route_world *world, const char *source, const char *destination);
/* Frees what a link has sent; returns how many there were. */
uint32_t world_sent(struct route_world *world, uint32_t nic);

#endif
