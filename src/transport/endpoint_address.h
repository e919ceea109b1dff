// SPDX-License-Identifier: MIT
/* endpoint_address.h: what an application's addresses mean to an endpoint, the same for every transport protocol. */
#ifndef TCPIP_SRC_TRANSPORT_ENDPOINT_ADDRESS_H
#define TCPIP_SRC_TRANSPORT_ENDPOINT_ADDRESS_H

#include "stack/nic.h"
#include "stack/option_block.h"

/* Who asks. */
struct address_context {
    struct tcpip_stack *stack;
    const struct option_block *options; /* may be NULL */
    uint32_t network;                   /* the endpoint's: TCPIP_PROTOCOL_IPV4 or _IPV6 */
    uint8_t transport;
    bool v6_only; /* the protocol knows no mapped addresses, whatever the option says */
    bool groups;  /* multicast and broadcast addresses may be bound */
};

/* What binding to `address` reserves: with port 0 any port. UNKNOWN_NIC_ID, ADDRESS_FAMILY_NOT_SUPPORTED,
 * INVALID_ARGUMENT (an IPv4 address and V6_ONLY), BAD_LOCAL_ADDRESS. */
must_use enum tcpip_error tcpip__address_bind_key(const struct address_context *context,
                                                  const struct tcpip_full_address *address, struct tcpip_port_key *out);
/* The flags of such a reservation, by the options' values now. */
uint32_t tcpip__address_port_flags(const struct address_context *context, const uint8_t *local);
/* Which families' packets an endpoint that is bound to `local` (16 bytes) takes. */
struct address_families {
    bool v4, v6;
};
struct address_families tcpip__address_families(const struct address_context *context, const uint8_t *local);
/* A destination as 16 bytes. An unspecified one means this host (as on Linux): `local`, where that is an address of the
 * right family, else the loopback address. ADDRESS_FAMILY_NOT_SUPPORTED; NETWORK_UNREACHABLE: IPv4 and V6_ONLY. */
must_use enum tcpip_error tcpip__address_remote(const struct address_context *context,
                                                const struct tcpip_address *address, const uint8_t *local,
                                                uint8_t *out);
/* As the application sees it: an IPv4 endpoint shows IPv4 addresses (0.0.0.0 for all zero), an IPv6 endpoint mapped
 * ones.
 */
void tcpip__address_shown(uint32_t network, const uint8_t *bytes, uint16_t port, uint32_t nic,
                          struct tcpip_full_address *out);

#endif
