// SPDX-License-Identifier: MIT
/* netlink.h: the kernel's interfaces, addresses and routes in the network namespace of the calling thread, as far as
 * giving a namespace a network needs it. Each call is one request and its answer. `why` (or NULL) says what went wrong,
 * in the kernel's own words where it has some. */
#ifndef TCPIP_SRC_PLATFORM_NETLINK_H
#define TCPIP_SRC_PLATFORM_NETLINK_H

#include "base/compiler.h"

#include <tcpip/address.h>
#include <tcpip/fdbased.h>

/* Brings an interface up or down and, if mtu isn't 0, sets its MTU. */
must_use enum tcpip_error tcpip__netlink_set_link(const char *name, bool up, uint32_t mtu,
                                                  struct tcpip_system_error *why);
/* A pair of Ethernet interfaces joined by a cable, both down. */
must_use enum tcpip_error tcpip__netlink_add_veth(const char *name, const char *peer, struct tcpip_system_error *why);
must_use enum tcpip_error tcpip__netlink_delete_link(const char *name, struct tcpip_system_error *why);
/* IPv6 addresses are usable at once, without duplicate address detection. */
must_use enum tcpip_error tcpip__netlink_add_address(const char *name, const struct tcpip_prefix *prefix,
                                                     struct tcpip_system_error *why);
/* gateway NULL or of length 0: on link. */
must_use enum tcpip_error tcpip__netlink_add_route(const char *name, const struct tcpip_prefix *destination,
                                                   const struct tcpip_address *gateway, struct tcpip_system_error *why);

#endif
