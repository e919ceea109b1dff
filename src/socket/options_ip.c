// SPDX-License-Identifier: MIT
/* options_ip.c: IPPROTO_IP, and what the multicast calls of both families share.
 *
 * Multicast names an interface in three ways, by one of its addresses, by its index, or not at all: each becomes a NIC
 * id. What the core has no part for (IP options, source filters) is answered as the kernel answers who may not use it.
 *
 * Owns:     nothing.
 * Not here: order of checks (options.c). */
#include "base/math.h"
#include "socket/nics.h"
#include "socket/option_table.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <tcpip/stack.h>

enum {
    OPTION_IP_RECVERR_RFC4884 = 26,
    OPTION_IP_LOCAL_PORT_RANGE = 51,
    OPTION_IP_PROTOCOL = 52,
    OPTION_TTL_DEFAULT = 64,
    IP_TOS_ECN = 3, /* the two bits that belong to TCP (RFC 3168) */
};

/* ---- what several options share ---- */

int tcpip__option_receive_controls(const struct option_call *call)
{
    static const struct {
        enum tcpip_option core;
        enum socket_kept ip, ipv6;
        uint32_t ip_control, ipv6_control;
    } rows[] = {
        {TCPIP_OPTION_RECEIVE_PACKET_INFO, KEPT_PKTINFO, KEPT_V6_RECVPKTINFO, SOCKET_CONTROL_IP_PKTINFO,
         SOCKET_CONTROL_IPV6_PKTINFO},
        {TCPIP_OPTION_RECEIVE_TTL, KEPT_RECVTTL, KEPT_V6_RECVHOPLIMIT, SOCKET_CONTROL_IP_TTL,
         SOCKET_CONTROL_IPV6_HOPLIMIT},
        {TCPIP_OPTION_RECEIVE_TOS, KEPT_RECVTOS, KEPT_V6_RECVTCLASS, SOCKET_CONTROL_IP_TOS, SOCKET_CONTROL_IPV6_TCLASS},
    };
    for (size_t i = 0; i < array_count(rows); i++) {
        uint32_t asked = (option_kept(call, rows[i].ip) != 0 ? rows[i].ip_control : 0u) |
                         (option_kept(call, rows[i].ipv6) != 0 ? rows[i].ipv6_control : 0u);
        call->socket->controls &= ~(rows[i].ip_control | rows[i].ipv6_control);
        call->socket->controls |= asked;
        int number = tcpip__option_core_set(call, rows[i].core, asked != 0);
        if (number != 0)
            return number;
    }
    return 0;
}

int tcpip__option_free_bind(const struct option_call *call)
{
    int number = option_keep(call, (enum socket_kept)(call->row->kept - 1), call->value != 0);
    bool on = option_kept(call, KEPT_FREEBIND) != 0 || option_kept(call, KEPT_TRANSPARENT) != 0;
    return number != 0 ? number : tcpip__option_core_set(call, TCPIP_OPTION_FREE_BIND, on);
}

int tcpip__option_mtu_discover(const struct option_call *call, enum socket_kept kept)
{
    /* The core's numbers are Linux's. */
    if (call->value < TCPIP_PATH_MTU_DONT || call->value > TCPIP_PATH_MTU_OMIT)
        return EINVAL;
    bool never = !option_is_tcp(call) && option_kept(call, KEPT_V6_DONTFRAG) != 0;
    int number = tcpip__option_core_set(call, TCPIP_OPTION_PATH_MTU_DISCOVERY, never ? TCPIP_PATH_MTU_DO : call->value);
    return number != 0 ? number : option_keep(call, kept, call->value);
}

int tcpip__option_group(const struct option_call *call, const struct tcpip_address *group, uint32_t nic, bool join)
{
    struct tcpip_endpoint *endpoint = call->socket->endpoint;
    if (!join) {
        enum tcpip_error error = tcpip_endpoint_leave_group(endpoint, nic, group);
        return error == TCPIP_ERR_UNKNOWN_NIC_ID || error == TCPIP_ERR_NO_ROUTE ? ENODEV
               : error != TCPIP_OK                                              ? EADDRNOTAVAIL
                                                                                : 0;
    }
    switch (tcpip_endpoint_join_group(endpoint, nic, group)) {
    case TCPIP_OK:
        return 0;
    case TCPIP_ERR_DUPLICATE_ADDRESS:
        return EADDRINUSE;
    case TCPIP_ERR_UNKNOWN_NIC_ID:
    case TCPIP_ERR_NO_ROUTE:
    case TCPIP_ERR_NETWORK_UNREACHABLE:
        return ENODEV;
    case TCPIP_ERR_LIMIT_REACHED:
        return ENOBUFS;
    case TCPIP_ERR_NO_MEMORY:
        return ENOMEM;
    default:
        return EINVAL;
    }
}

/* The group of a sockaddr; false: of another family than the option's. */
static bool group_from_sockaddr(const struct sockaddr_storage *address, int family, struct tcpip_address *out)
{
    if (address->ss_family != family)
        return false;
    if (family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        memset(out, 0, sizeof(*out));
        memcpy(out->bytes, &in.sin_addr, 4);
        out->len = 4;
    } else {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        *out = tcpip_address_v6(in6.sin6_addr.s6_addr);
    }
    return true;
}

int tcpip__option_group_req(const struct option_call *call, int family, bool join)
{
    struct group_req request;
    struct tcpip_address group;
    if (call->in_length < (int)sizeof(request))
        return EINVAL;
    if (tcpip__option_readable(call, sizeof(request)) != 0)
        return EFAULT;
    memcpy(&request, call->in, sizeof(request));
    if (!group_from_sockaddr((const struct sockaddr_storage *)&request.gr_group, family, &group))
        return family == AF_INET ? EINVAL : EADDRNOTAVAIL;
    if (option_is_tcp(call))
        return EPROTO;
    return tcpip__option_group(call, &group, request.gr_interface, join);
}

/* ---- TTL and TOS ---- */

static int ip_tos_set(const struct option_call *call)
{
    int value = call->value & 0xff;
    if (option_is_tcp(call))
        value = (value & ~IP_TOS_ECN) | (option_kept(call, KEPT_TOS) & IP_TOS_ECN);
    int number = tcpip__option_core_set(call, TCPIP_OPTION_TOS, value);
    return number != 0 ? number : option_keep(call, KEPT_TOS, value);
}

static int ip_tos_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call, option_kept(call, KEPT_TOS));
}

static int ip_ttl_set(const struct option_call *call)
{
    if (call->value != -1 && (call->value < 1 || call->value > 255))
        return EINVAL;
    return tcpip__option_core_set(call, TCPIP_OPTION_TTL, call->value < 0 ? 0 : call->value);
}

static int ip_ttl_get(const struct option_call *call)
{
    int64_t ttl = 0;
    int number = tcpip__option_core_get(call, TCPIP_OPTION_TTL, &ttl);
    return number != 0 ? number : tcpip__option_answer_int(call, ttl != 0 ? (int)ttl : OPTION_TTL_DEFAULT);
}

/* ---- control messages, path MTU ---- */

static int ip_control_set(const struct option_call *call)
{
    int number = option_keep(call, (enum socket_kept)(call->row->kept - 1), call->value != 0);
    return number != 0 ? number : tcpip__option_receive_controls(call);
}

static int ip_recverr_set(const struct option_call *call)
{
    bool on = call->value != 0 || option_kept(call, KEPT_V6_RECVERR) != 0;
    int number = tcpip__option_core_set(call, TCPIP_OPTION_RECEIVE_ERROR, on);
    return number != 0 ? number : option_keep(call, KEPT_RECVERR, call->value != 0);
}

static int ip_recverr_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call, option_kept(call, KEPT_RECVERR));
}

static int ip_mtu_discover_set(const struct option_call *call)
{
    return tcpip__option_mtu_discover(call, KEPT_MTU_DISCOVER);
}

static int ip_mtu_get(const struct option_call *call)
{
    int64_t mtu;
    int number = tcpip__option_core_get(call, TCPIP_OPTION_PATH_MTU, &mtu);
    return number != 0 ? ENOTCONN : tcpip__option_answer_int(call, (int)mtu);
}

static int ip_recvfragsize_set(const struct option_call *call)
{
    return option_is_tcp(call) ? EINVAL : option_keep(call, KEPT_RECVFRAGSIZE, call->value != 0);
}

/* ---- headers ---- */

/* Nothing, or padding: what no header needs. */
static int ip_options_set(const struct option_call *call)
{
    uint8_t bytes[40];
    if (call->in_length > (int)sizeof(bytes))
        return EINVAL;
    if (tcpip__option_readable(call, (size_t)call->in_length) != 0)
        return EFAULT;
    if (call->in_length > 0)
        memcpy(bytes, call->in, (size_t)call->in_length);
    for (int i = 0; i < call->in_length && bytes[i] != 0; i++)
        if (bytes[i] != 1) /* the no-operation; 0 ends the list */
            return EINVAL;
    return 0;
}

static int ip_options_get(const struct option_call *call)
{
    return tcpip__option_answer(call, "", 0);
}

static int ip_pktoptions_get(const struct option_call *call)
{
    return option_is_tcp(call) ? tcpip__option_answer(call, "", 0) : ENOPROTOOPT;
}

/* For raw sockets; the number is read all the same. */
static int ip_refuse_set(const struct option_call *call)
{
    (void)call;
    return ENOPROTOOPT;
}

static int ip_never_set(const struct option_call *call)
{
    (void)call;
    return EINVAL; /* for raw sockets */
}

static int ip_protocol_get(const struct option_call *call)
{
    struct tcpip_full_address local;
    tcpip_endpoint_local_address(call->socket->endpoint, &local);
    return tcpip__option_answer_int(call, local.port); /* the kernel has one field for the port and a raw socket's */
}

/* The host's order: lowest port in the low half, highest in the high one; 0: the stack's range. */
static int ip_local_port_range_set(const struct option_call *call)
{
    unsigned low = (unsigned)call->value & 0xffff, high = (unsigned)call->value >> 16;
    if (low != 0 && high != 0 && low > high)
        return EINVAL;
    int number = tcpip__option_core_set(call, TCPIP_OPTION_PORT_RANGE, (uint32_t)call->value);
    return number != 0 ? number : option_keep(call, KEPT_PORT_RANGE, call->value);
}

static int ip_unicast_if_set(const struct option_call *call)
{
    uint32_t nic = ntohl((uint32_t)call->value);
    if (nic != 0 && tcpip_stack_nic(call->sockets->stack, nic) == NULL)
        return EADDRNOTAVAIL;
    return option_keep(call, KEPT_UNICAST_IF, call->value);
}

/* ---- multicast ---- */

static int ip_multicast_ttl_set(const struct option_call *call)
{
    int value = call->value == -1 ? 1 : call->value;
    if (option_is_tcp(call) || value < 0 || value > 255)
        return EINVAL;
    int number = tcpip__option_core_set(call, TCPIP_OPTION_MULTICAST_TTL, value);
    return number != 0 ? number : option_keep(call, KEPT_MULTICAST_TTL, value);
}

/* An ip_mreqn, or the shorter forms before it: with the group, or (`interface_only`) an address alone. EINVAL, EFAULT.
 */
static int ip_mreqn_read(const struct option_call *call, bool interface_only, struct ip_mreqn *out)
{
    size_t length = (size_t)call->in_length;
    size_t least = interface_only ? sizeof(struct in_addr) : sizeof(struct ip_mreq);
    memset(out, 0, sizeof(*out));
    if (length < least)
        return EINVAL;
    size_t part = length >= sizeof(*out)             ? sizeof(*out)
                  : length >= sizeof(struct ip_mreq) ? sizeof(struct ip_mreq)
                                                     : sizeof(struct in_addr);
    if (tcpip__option_readable(call, part) != 0)
        return EFAULT;
    if (part == sizeof(struct in_addr))
        memcpy(&out->imr_address, call->in, part);
    else
        memcpy(out, call->in, part);
    return 0;
}

/* The NIC of a request; 0: none named. An errno, `missing`, if there is none such. */
static int ip_mreqn_nic(const struct option_call *call, const struct ip_mreqn *request, int missing, uint32_t *nic)
{
    struct tcpip_stack *stack = call->sockets->stack;
    struct tcpip_address address;
    *nic = 0;
    if (request->imr_ifindex != 0) {
        *nic = (uint32_t)request->imr_ifindex;
        return request->imr_ifindex > 0 && tcpip_stack_nic(stack, *nic) != NULL ? 0 : missing;
    }
    if (request->imr_address.s_addr == htonl(INADDR_ANY))
        return 0;
    memset(&address, 0, sizeof(address));
    memcpy(address.bytes, &request->imr_address, 4);
    address.len = 4;
    *nic = tcpip_stack_check_local_address(stack, 0, &address);
    return *nic != 0 ? 0 : missing;
}

static int ip_multicast_if_set(const struct option_call *call)
{
    struct ip_mreqn request;
    uint32_t nic;
    if (option_is_tcp(call))
        return EINVAL;
    int number = ip_mreqn_read(call, true, &request);
    if (number == 0)
        number = ip_mreqn_nic(call, &request, EADDRNOTAVAIL, &nic);
    if (number == 0)
        number = tcpip__option_core_set(call, TCPIP_OPTION_MULTICAST_NIC, nic);
    return number != 0 ? number : option_keep(call, KEPT_MULTICAST_ADDRESS, (int)request.imr_address.s_addr);
}

static int ip_multicast_if_get(const struct option_call *call)
{
    int address = option_kept(call, KEPT_MULTICAST_ADDRESS);
    return tcpip__option_answer(call, &address, sizeof(address));
}

static int ip_membership(const struct option_call *call, bool join)
{
    struct ip_mreqn request;
    struct tcpip_address group = {.len = 4};
    uint32_t nic;
    if (option_is_tcp(call))
        return EPROTO;
    int number = ip_mreqn_read(call, false, &request);
    if (number != 0)
        return number;
    memcpy(group.bytes, &request.imr_multiaddr, 4);
    if (join && !tcpip_address_is_multicast(&group))
        return EINVAL;
    number = ip_mreqn_nic(call, &request, ENODEV, &nic);
    return number != 0 ? number : tcpip__option_group(call, &group, nic, join);
}

static int ip_add_membership_set(const struct option_call *call)
{
    return ip_membership(call, true);
}

static int ip_drop_membership_set(const struct option_call *call)
{
    return ip_membership(call, false);
}

static int ip_join_group_set(const struct option_call *call)
{
    return tcpip__option_group_req(call, AF_INET, true);
}

static int ip_leave_group_set(const struct option_call *call)
{
    return tcpip__option_group_req(call, AF_INET, false);
}

/* Groups are heard from every source here. */
static int ip_source_set(const struct option_call *call)
{
    struct tcpip_address group = {.len = 4};
    if (call->in_length != (int)sizeof(struct ip_mreq_source))
        return EINVAL;
    if (tcpip__option_readable(call, sizeof(struct ip_mreq_source)) != 0)
        return EFAULT;
    memcpy(group.bytes, call->in, 4);
    return tcpip_address_is_multicast(&group) ? ENOPROTOOPT : EINVAL;
}

int tcpip__option_group_source(const struct option_call *call, int family)
{
    sa_family_t given;
    if (call->in_length < (int)sizeof(struct group_source_req))
        return EINVAL;
    if (tcpip__option_readable(call, sizeof(struct group_source_req)) != 0)
        return EFAULT;
    memcpy(&given, (const char *)call->in + offsetof(struct group_source_req, gsr_group), sizeof(given));
    return given == family ? ENOPROTOOPT : family == AF_INET ? EINVAL : EADDRNOTAVAIL;
}

static int ip_group_source_set(const struct option_call *call)
{
    return tcpip__option_group_source(call, AF_INET);
}

static int ip_msfilter_get(const struct option_call *call)
{
    (void)call;
    return EINVAL;
}

/* ---- the table ---- */

#define IP(option) .has = HAS_INET, .name = option
#define IP_KEEP_BOOL(option, where)                       \
    {                                                     \
        IP(option), .rule = RULE_BOOL, OPTION_KEPT(where) \
    }
#define IP_CONTROL(option, where)                                                   \
    {                                                                               \
        IP(option), .length = LENGTH_ANY, OPTION_KEPT(where), .set = ip_control_set \
    }

static const struct sockopt_row ip_rows[] = {
    {IP(IP_TOS), .length = LENGTH_ANY, .set = ip_tos_set, .get = ip_tos_get},
    {IP(IP_TTL), .length = LENGTH_ONE, .set = ip_ttl_set, .get = ip_ttl_get},
    {IP(IP_HDRINCL), .length = LENGTH_ANY, .set = ip_refuse_set},
    {IP(IP_OPTIONS), .set = ip_options_set, .get = ip_options_get},
    {IP(IP_ROUTER_ALERT), .length = LENGTH_ONE, .set = ip_never_set},
    IP_KEEP_BOOL(IP_RECVOPTS, RECVOPTS),
    IP_KEEP_BOOL(IP_RETOPTS, RETOPTS),
    IP_CONTROL(IP_PKTINFO, PKTINFO),
    {IP(IP_PKTOPTIONS), .rule = RULE_READ, .get = ip_pktoptions_get},
    {IP(IP_MTU_DISCOVER), .length = LENGTH_ANY, .set = ip_mtu_discover_set, OPTION_KEPT(MTU_DISCOVER)},
    {IP(IP_RECVERR), .length = LENGTH_ANY, .set = ip_recverr_set, .get = ip_recverr_get},
    IP_CONTROL(IP_RECVTTL, RECVTTL),
    IP_CONTROL(IP_RECVTOS, RECVTOS),
    {IP(IP_MTU), .rule = RULE_READ, .get = ip_mtu_get},
    {IP(IP_FREEBIND), .length = LENGTH_ONE, .set = tcpip__option_free_bind, OPTION_KEPT(FREEBIND)},
    IP_KEEP_BOOL(IP_PASSSEC, INET_PASSSEC),
    {IP(IP_TRANSPARENT), .length = LENGTH_ONE, .set = tcpip__option_free_bind, OPTION_KEPT(TRANSPARENT)},
    IP_KEEP_BOOL(IP_ORIGDSTADDR, ORIGDSTADDR),
    {IP(IP_MINTTL), .rule = RULE_RANGE, .length = LENGTH_ONE, .greatest = 255, OPTION_CORE(MIN_TTL),
     OPTION_KEPT(MINTTL)},
    {IP(IP_NODEFRAG), .length = LENGTH_ANY, .set = ip_refuse_set},
    IP_KEEP_BOOL(IP_CHECKSUM, CHECKSUM),
    IP_KEEP_BOOL(IP_BIND_ADDRESS_NO_PORT, BIND_NO_PORT),
    {IP(IP_RECVFRAGSIZE), .length = LENGTH_ANY, .set = ip_recvfragsize_set, OPTION_KEPT(RECVFRAGSIZE)},
    {IP(OPTION_IP_RECVERR_RFC4884), .rule = RULE_BOOL01, OPTION_KEPT(RECVERR_RFC4884)},
    {IP(IP_MULTICAST_IF), .set = ip_multicast_if_set, .get = ip_multicast_if_get},
    {IP(IP_MULTICAST_TTL), .length = LENGTH_ONE, .set = ip_multicast_ttl_set, OPTION_KEPT(MULTICAST_TTL)},
    {IP(IP_MULTICAST_LOOP), .rule = RULE_BOOL, .length = LENGTH_ONE, OPTION_CORE(MULTICAST_LOOP),
     OPTION_KEPT(MULTICAST_LOOP)},
    {IP(IP_ADD_MEMBERSHIP), .set = ip_add_membership_set, .get = tcpip__option_no_get},
    {IP(IP_DROP_MEMBERSHIP), .set = ip_drop_membership_set, .get = tcpip__option_no_get},
    {IP(IP_UNBLOCK_SOURCE), .set = ip_source_set, .get = tcpip__option_no_get},
    {IP(IP_BLOCK_SOURCE), .set = ip_source_set, .get = tcpip__option_no_get},
    {IP(IP_ADD_SOURCE_MEMBERSHIP), .set = ip_source_set, .get = tcpip__option_no_get},
    {IP(IP_DROP_SOURCE_MEMBERSHIP), .set = ip_source_set, .get = tcpip__option_no_get},
    {IP(IP_MSFILTER), .set = ip_never_set, .get = ip_msfilter_get},
    {IP(MCAST_JOIN_GROUP), .set = ip_join_group_set, .get = tcpip__option_no_get},
    {IP(MCAST_LEAVE_GROUP), .set = ip_leave_group_set, .get = tcpip__option_no_get},
    {IP(MCAST_BLOCK_SOURCE), .set = ip_group_source_set, .get = tcpip__option_no_get},
    {IP(MCAST_UNBLOCK_SOURCE), .set = ip_group_source_set, .get = tcpip__option_no_get},
    {IP(MCAST_JOIN_SOURCE_GROUP), .set = ip_group_source_set, .get = tcpip__option_no_get},
    {IP(MCAST_LEAVE_SOURCE_GROUP), .set = ip_group_source_set, .get = tcpip__option_no_get},
    {IP(MCAST_MSFILTER), .set = ip_never_set, .get = ip_msfilter_get},
    {IP(IP_MULTICAST_ALL), .rule = RULE_BOOL01, .length = LENGTH_ONE, OPTION_KEPT(MULTICAST_ALL)},
    {IP(IP_UNICAST_IF), .length = LENGTH_FOUR, .set = ip_unicast_if_set, OPTION_KEPT(UNICAST_IF)},
    {IP(OPTION_IP_LOCAL_PORT_RANGE), .length = LENGTH_FOUR, .set = ip_local_port_range_set, OPTION_KEPT(PORT_RANGE)},
    {IP(OPTION_IP_PROTOCOL), .rule = RULE_READ, .get = ip_protocol_get},
};

const struct option_table tcpip__options_ip = {ip_rows, array_count(ip_rows)};
