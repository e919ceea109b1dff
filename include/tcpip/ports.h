// SPDX-License-Identifier: MIT
/* ports.h: the port manager: picks, reserves and releases ports. A stack has one; it can be used alone. */
#ifndef TCPIP_PORTS_H
#define TCPIP_PORTS_H

#include <tcpip/address.h>
#include <tcpip/env.h>
#include <tcpip/error.h>

TCPIP_BEGIN_DECLS

struct tcpip_port_manager;

enum tcpip_port_flags {
    TCPIP_PORT_REUSE_ADDRESS = 1, /* SO_REUSEADDR on all holders: several may hold it (Linux: while none listens) */
    TCPIP_PORT_REUSE_PORT = 2,    /* SO_REUSEPORT on all holders */
    TCPIP_PORT_DUAL_STACK = 4,    /* an IPv6 wildcard that takes IPv4 too: conflicts with 0.0.0.0 */
    TCPIP_PORT_EXCLUSIVE = 8,     /* held by a listener: who comes later conflicts, but for REUSE_PORT on both sides */
    TCPIP_PORT_CONNECTION = 16,   /* held by a connection that chose it itself: shared with others of its kind */
};

/* One reservation: of transport protocol, port, address (16 bytes, IPv4 mapped; all zero :: and ::ffff:0.0.0.0 are
 * wildcards), NIC (0: any). */
struct tcpip_port_key {
    uint8_t transport;
    uint8_t address[16];
    uint16_t port;
    uint32_t nic;
    uint32_t flags; /* enum tcpip_port_flags */
};

/* NULL: out of memory. env's memory and randomness are used. One thread at a time. */
TCPIP_API struct tcpip_port_manager *tcpip_port_manager_new(const struct tcpip_env *env);
/* With what is still reserved. */
TCPIP_API void tcpip_port_manager_free(struct tcpip_port_manager *manager);
/* Ephemeral ports, inclusive. INVALID_ARGUMENT: first is 0 or above last. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_port_manager_set_range(struct tcpip_port_manager *manager,
                                                                       uint16_t first, uint16_t last);
/* Reserves key->port; 0: an ephemeral one, written back (random start). PORT_IN_USE, NO_PORT_AVAILABLE, NO_MEMORY. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_port_manager_reserve(struct tcpip_port_manager *manager,
                                                                     struct tcpip_port_key *key);
/* Releases what was reserved with the same key. */
TCPIP_API void tcpip_port_manager_release(struct tcpip_port_manager *manager, const struct tcpip_port_key *key);
/* Whether the reservation would succeed now. */
TCPIP_API bool tcpip_port_manager_available(const struct tcpip_port_manager *manager, const struct tcpip_port_key *key);
/* An ephemeral port for a connection to one destination (RFC 6056 algorithm 4: double hash; `tuple_hash` and
 * `table_hash` keyed by the caller's secret over the two addresses and the remote port): tries each port of the range
 * once and takes the first for which `test` says true, so that one port serves many destinations. NO_PORT_AVAILABLE. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_port_manager_pick(struct tcpip_port_manager *manager,
                                                                  uint32_t tuple_hash, uint32_t table_hash,
                                                                  bool (*test)(void *ctx, uint16_t port), void *ctx,
                                                                  uint16_t *out);

TCPIP_END_DECLS

#endif
