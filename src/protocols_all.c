// SPDX-License-Identifier: MIT
/* protocols_all.c: every protocol of the library, for those who don't choose.
 *
 * It stands on a floor of its own, above network/ and transport/, because it names both. An archive links it only into
 * programs that name tcpip_protocols_all; who lists fewer protocols gets a smaller program.
 *
 * Owns:        nothing.
 * Invariants:  each list ends with NULL.
 * Not here:    the protocols. */
#include <tcpip/stack.h>

static const struct tcpip_network_protocol *const all_network[] = {&tcpip_ipv4, &tcpip_ipv6, &tcpip_arp, NULL};

static const struct tcpip_transport_protocol *const all_transport[] = {&tcpip_tcp,    &tcpip_udp,  &tcpip_icmpv4,
                                                                       &tcpip_icmpv6, &tcpip_unix, NULL};

const struct tcpip_protocols tcpip_protocols_all = {all_network, all_transport};
