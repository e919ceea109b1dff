// SPDX-License-Identifier: MIT
/* pmtu.h: what is known of the MTU of paths, per destination. */
#ifndef TCPIP_SRC_STACK_PMTU_H
#define TCPIP_SRC_STACK_PMTU_H

#include "stack/route.h"

enum {
    PMTU_FLOOR_V4 = 552,  /* less is not believed, as on Linux (min_pmtu): whoever asks for less gets fragments */
    PMTU_FLOOR_V6 = 1280, /* what every link must carry (RFC 8200 5) */
};

/* stack->pmtu. NO_MEMORY. */
must_use enum tcpip_error tcpip__pmtu_table_new(struct tcpip_stack *stack);
void tcpip__pmtu_table_free(struct tcpip_stack *stack);
/* What was known of link-local destinations there goes. */
void tcpip__pmtu_nic_removed(struct tcpip_stack *stack, uint32_t nic);

struct path_mtu {
    uint32_t mtu;    /* never over the route's */
    uint32_t proven; /* a packet of so many bytes was seen to arrive, by who probed; 0: nobody did */
    bool probed;     /* the MTU was found by probing: routers on the path keep silent */
    bool narrow;     /* a link on it carries less than our floor: only fragments get through */
};
void tcpip__pmtu_look(const struct tcpip_route *route, const uint8_t *remote, struct path_mtu *out);
/* The MTU alone: asked for once per burst. */
uint32_t tcpip__pmtu_get(const struct tcpip_route *route, const uint8_t *remote);

/* A packet-too-big that the caller believes, from `nic`: lowers the MTU, not under the floor, or confirms it. Returns
 * what it is now. */
uint32_t tcpip__pmtu_lower(struct tcpip_stack *stack, uint32_t nic, const uint8_t *remote, uint32_t mtu);
/* Who probed found out that `mtu` bytes arrive, and (`limit`) that more don't. */
void tcpip__pmtu_probed(struct tcpip_route *route, const uint8_t *remote, uint32_t mtu, bool limit);

#endif
