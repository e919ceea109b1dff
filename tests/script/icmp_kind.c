// SPDX-License-Identifier: MIT
/* icmp_kind.c: the names of ICMP messages in scripts, and what they are in either family.
 *
 * One name serves both, so that one script runs over both: frag_needed is a Packet Too Big over IPv6. */
#include "icmp_kind.h"

#include <string.h>

#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>

static const struct icmp_kind kinds[] = {
    {"unreachable", "net_unreachable", 3, 0, 1, 0, false},
    {"unreachable", "host_unreachable", 3, 1, 1, 3, false},
    {"unreachable", "protocol_unreachable", 3, 2, 4, 1, false},
    {"unreachable", "port_unreachable", 3, 3, 1, 4, false},
    {"unreachable", "frag_needed", 3, 4, 2, 0, true},
    {"unreachable", "need_to_frag", 3, 4, 2, 0, true},
    {"unreachable", "source_route_failed", 3, 5, 1, 5, false},
    {"unreachable", "net_unknown", 3, 6, 1, 0, false},
    {"unreachable", "host_unknown", 3, 7, 1, 3, false},
    {"unreachable", "admin_prohibited", 3, 13, 1, 1, false},
    {"packet_too_big", "", 3, 4, 2, 0, true},
    {"source_quench", "", 4, 0, 4, 2, false},
    {"time_exceeded", "ttl", 11, 0, 3, 0, false},
    {"time_exceeded", "reassembly", 11, 1, 3, 1, false},
    {"parameter_problem", "pointer", 12, 0, 4, 0, false},
    {"echo_request", "", 8, 0, 128, 0, false},
    {"echo_reply", "", 0, 0, 129, 0, false},
};

const struct icmp_kind *icmp_kind_find(const char *type, const char *code)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].type, type) == 0 && strcmp(kinds[i].code, code) == 0)
            return &kinds[i];
    }
    return NULL;
}

bool icmp_kind_has_code(const char *type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].code[0] != 0;
    }
    return false;
}

bool icmp_kind_is_echo(const struct icmp_kind *kind)
{
    return kind->v4_type == TCPIP_ICMPV4_ECHO_REQUEST || kind->v4_type == TCPIP_ICMPV4_ECHO_REPLY;
}
