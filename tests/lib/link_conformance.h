// SPDX-License-Identifier: MIT
/* link_conformance.h: what every link must do (include/tcpip/link.h), whatever it is made of.
 *
 * A link's test describes how to make one and how to look at its far side, and calls link_conformance from a cmocka
 * test. */
#ifndef TCPIP_TESTS_LIB_LINK_CONFORMANCE_H
#define TCPIP_TESTS_LIB_LINK_CONFORMANCE_H

#include "link_world.h"

#define LINK_CONFORMANCE_MAX 70000u /* bytes of a packet at the far side */

struct link_subject {
    const char *name;
    /* A link, not attached, with an empty far side; *state is the subject's own. */
    struct tcpip_link *(*make)(struct link_world *world, void **state);
    /* After detach. */
    void (*destroy)(struct link_world *world, void *state);
    /* The next packet that came out at the far side; 0: none now. */
    size_t (*take)(struct link_world *world, void *state, uint8_t *out, size_t size);
    /* Sends one from the far side; NULL: that one can't. */
    void (*give)(struct link_world *world, void *state, const uint8_t *bytes, size_t size);
    /* Bytes of link header in front of the network packet at the far side. */
    uint32_t header_bytes;
    /* In front of what is given: header_bytes of them. */
    const uint8_t *given_header;
    /* Packets sent and not taken at which the link must push back, 0: it never does. */
    uint32_t pushes_back_at;
    /* Where packets are to be sent, for links with addresses. */
    struct tcpip_link_address far_address;
};

/* Runs all checks, each in a world of its own. */
void link_conformance(const struct link_subject *subject);

#endif
