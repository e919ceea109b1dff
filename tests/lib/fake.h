// SPDX-License-Identifier: MIT
/* fake.h: the smallest link, network protocol and transport protocol there can be, for tests of what lies between.
 *
 * A fake packet's first byte is the index of the endpoint it is for (0xff: none), the rest is payload. The fake network
 * protocol has no header; the fake transport counts, and asks the test's hooks what to do. */
#ifndef TCPIP_TESTS_LIB_FAKE_H
#define TCPIP_TESTS_LIB_FAKE_H

#include "stack/stack.h"
#include "test_env.h"

#define FAKE_NETWORK 0x88b5u /* an EtherType for local experiments */
#define FAKE_TRANSPORT 253u  /* an IP protocol for experiments (RFC 3692) */

/* ---- a link that keeps what it is given ---- */

struct fake_link {
    struct tcpip_link link; /* hand &link to the stack */
    struct tcpip_link_capabilities caps;
    struct tcpip_packet_list sent;
    uint32_t capacity;  /* packets it takes before it pushes back */
    uint32_t transmits; /* calls */
    uint32_t largest_batch;
    bool refuse_attach;
    bool detached;
    void (*on_transmit)(struct fake_link *link, struct tcpip_packet_list *packets); /* before it takes any */
    void *user;
};

/* MTU 1500, takes everything, no capabilities. */
void fake_link_init(struct fake_link *link);
/* The oldest packet sent, now the caller's; NULL: none. */
struct tcpip_packet *fake_link_take(struct fake_link *link);
void fake_link_clear(struct fake_link *link);
/* Delivers a packet of these bytes with link_protocol `protocol`. */
void fake_link_deliver(struct fake_link *link, uint16_t protocol, const void *bytes, size_t size);

/* ---- the protocols ---- */

struct fake_endpoint {
    struct tcpip_endpoint base;
    uint32_t received, flushes, queued, closes;
    uint32_t ready; /* what readiness says */
    void (*on_flush)(struct fake_endpoint *endpoint);
    void *user;
};

extern const struct tcpip_network_protocol fake_network;
extern const struct tcpip_transport_protocol fake_transport;
extern const struct tcpip_protocols fake_protocols;

struct fake_network_state {
    uint32_t received, up, down, nics;
};

/* A stack with the fake protocols. */
struct tcpip_stack *fake_stack_new(struct test_env *env, const struct tcpip_limits *limits);
struct fake_endpoint *fake_endpoint_new(struct tcpip_stack *stack);
struct fake_network_state *fake_network_state(struct tcpip_stack *stack);
/* Sends a packet of one byte, `to`: through the NIC at the next flush if it isn't NULL, else to ourselves. */
void fake_send(struct tcpip_stack *stack, struct tcpip_nic *nic, struct tcpip_nic *loop, uint8_t to);

#endif
