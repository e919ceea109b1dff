// SPDX-License-Identifier: MIT
/* options_ipv6.c: IPPROTO_IPV6.
 *
 * A socket of AF_INET6 has one hop limit and one traffic class in the core, for both families; the kernel keeps two.
 * Here each name tells what it was set to, and the core has the latest.
 *
 * Owns:     nothing.
 * Not here: order of checks (options.c); what IPPROTO_IP shares with it (options_ip.c). */
#include "base/math.h"
#include "socket/option_table.h"

#include <linux/in6.h>
#include <tcpip/stack.h>

/* in.h of the C library has the structures, and in6.h of the kernel's headers the newer names. */
enum {
    OPTION_IPV6_ROUTER_ALERT_ISOLATE = 30,
    OPTION_IPV6_RECVERR_RFC4884 = 31,
    OPTION_IPV6_FLOWLABEL_MGR = 32,
};

enum {
    IPV6_MTU_MIN = 1280,
    IPV6_HOPS_DEFAULT = 64,
    IPV6_CLASS_ECN = 3,
    /* IPV6_ADDR_PREFERENCES: RFC 5014's flags, and how the kernel answers them */
    PREFER_TMP = 1,
    PREFER_PUBLIC = 2,
    PREFER_COA = 4,
    PREFER_HOME = 0x400,
    PREFER_CGA = 8,
    PREFER_NONCGA = 0x800,
    PREFER_PUBTMP_DEFAULT = 0x100,
};

static int v6_refuse_unless_raw(const struct option_call *call)
{
    (void)call;
    return ENOPROTOOPT;
}

static int v6_invalid(const struct option_call *call)
{
    (void)call;
    return EINVAL;
}

static bool v6_connected(const struct option_call *call)
{
    struct tcpip_full_address peer;
    return tcpip_endpoint_remote_address(call->socket->endpoint, &peer) == TCPIP_OK;
}

/* ---- the family itself ---- */

/* A socket that changes its family: the kernel does it for a connection over IPv4; here a family is for life. */
static int v6_addrform_set(const struct option_call *call)
{
    if (call->value != AF_INET)
        return EINVAL;
    return v6_connected(call) ? EADDRNOTAVAIL : ENOTCONN;
}

static int v6_addrform_get(const struct option_call *call)
{
    return v6_connected(call) ? tcpip__option_answer_int(call, AF_INET6) : ENOTCONN;
}

/* ---- header fields ---- */

static int v6_hops_set(const struct option_call *call)
{
    if (call->value < -1 || call->value > 255)
        return EINVAL;
    int number = tcpip__option_core_set(call, TCPIP_OPTION_TTL, call->value > 0 ? call->value : 0);
    return number != 0 ? number : option_keep(call, KEPT_V6_HOPS, call->value);
}

static int v6_hops_get(const struct option_call *call)
{
    int hops = option_kept(call, KEPT_V6_HOPS);
    return tcpip__option_answer_int(call, hops >= 0 ? hops : IPV6_HOPS_DEFAULT);
}

static int v6_tclass_set(const struct option_call *call)
{
    int value = call->value == -1 ? 0 : call->value;
    if (value < 0 || value > 255)
        return EINVAL;
    if (option_is_tcp(call))
        value = (value & ~IPV6_CLASS_ECN) | (option_kept(call, KEPT_V6_TCLASS) & IPV6_CLASS_ECN);
    int number = tcpip__option_core_set(call, TCPIP_OPTION_TOS, value);
    return number != 0 ? number : option_keep(call, KEPT_V6_TCLASS, value);
}

static int v6_tclass_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call, option_kept(call, KEPT_V6_TCLASS));
}

/* Extension headers that go with every packet: for who may send raw packets. Taking them off is always allowed. */
static int v6_header_set(const struct option_call *call)
{
    uint8_t head[2]; /* next header, length in units of 8 bytes beyond the first */
    if (call->in_length == 0)
        return 0;
    if (call->row->name == IPV6_RTHDR || call->in_length < 8 || call->in_length % 8 != 0)
        return EINVAL;
    if (tcpip__option_readable(call, sizeof(head)) != 0)
        return EFAULT;
    memcpy(head, call->in, sizeof(head));
    return (head[1] + 1) * 8 <= call->in_length ? EPERM : EINVAL;
}

static int v6_header_get(const struct option_call *call)
{
    return tcpip__option_answer(call, "", 0);
}

static int v6_addr_preferences_set(const struct option_call *call)
{
    static const struct {
        int flags, chosen;
    } lifetimes[] = {{PREFER_PUBLIC, PREFER_PUBLIC}, {PREFER_TMP, PREFER_TMP}, {PREFER_PUBTMP_DEFAULT, 0}};
    int value = call->value, kept = option_kept(call, KEPT_V6_ADDR_PREFERENCES);
    int lifetime = value & (PREFER_PUBLIC | PREFER_TMP | PREFER_PUBTMP_DEFAULT);
    int home = value & (PREFER_HOME | PREFER_COA);
    if (lifetime != 0) {
        kept &= ~(PREFER_PUBLIC | PREFER_TMP);
        bool known = false;
        for (size_t i = 0; i < array_count(lifetimes); i++) {
            if (lifetime != lifetimes[i].flags)
                continue;
            kept |= lifetimes[i].chosen;
            known = true;
        }
        if (!known)
            return EINVAL;
    }
    if (home == (PREFER_HOME | PREFER_COA))
        return EINVAL;
    if (home != 0)
        kept = (kept & ~PREFER_COA) | (home == PREFER_COA ? PREFER_COA : 0);
    if ((value & (PREFER_CGA | PREFER_NONCGA)) == (PREFER_CGA | PREFER_NONCGA))
        return EINVAL;
    return option_keep(call, KEPT_V6_ADDR_PREFERENCES, kept);
}

static int v6_addr_preferences_get(const struct option_call *call)
{
    int kept = option_kept(call, KEPT_V6_ADDR_PREFERENCES);
    int told = (kept & (PREFER_TMP | PREFER_PUBLIC)) != 0 ? kept & (PREFER_TMP | PREFER_PUBLIC) : PREFER_PUBTMP_DEFAULT;
    return tcpip__option_answer_int(call, told | ((kept & PREFER_COA) != 0 ? PREFER_COA : PREFER_HOME));
}

/* ---- path MTU ---- */

static int v6_mtu_discover_set(const struct option_call *call)
{
    return tcpip__option_mtu_discover(call, KEPT_V6_MTU_DISCOVER);
}

/* Datagrams that don't fit the path are refused, not fragmented. */
static int v6_dontfrag_set(const struct option_call *call)
{
    struct option_call discover = *call;
    int number = option_keep(call, KEPT_V6_DONTFRAG, call->value != 0);
    if (number != 0 || option_is_tcp(call))
        return number;
    discover.value = option_kept(call, KEPT_V6_MTU_DISCOVER);
    return tcpip__option_mtu_discover(&discover, KEPT_V6_MTU_DISCOVER);
}

static int v6_mtu_set(const struct option_call *call)
{
    return call->value != 0 && call->value < IPV6_MTU_MIN ? EINVAL : 0; /* a hint */
}

static int v6_mtu_get(const struct option_call *call)
{
    int64_t mtu;
    int number = tcpip__option_core_get(call, TCPIP_OPTION_PATH_MTU, &mtu);
    return number != 0 ? ENOTCONN : tcpip__option_answer_int(call, (int)mtu);
}

static int v6_pathmtu_get(const struct option_call *call)
{
    struct ip6_mtuinfo info = {.ip6m_addr.sin6_family = AF_INET6};
    struct tcpip_full_address peer;
    int64_t mtu;
    if ((size_t)(unsigned)call->room < sizeof(info))
        return EINVAL;
    if (tcpip__option_core_get(call, TCPIP_OPTION_PATH_MTU, &mtu) != 0 ||
        tcpip_endpoint_remote_address(call->socket->endpoint, &peer) != TCPIP_OK)
        return ENOTCONN;
    struct tcpip_address address = tcpip_address_to_mapped(&peer.address);
    memcpy(&info.ip6m_addr.sin6_addr, address.bytes, 16);
    info.ip6m_mtu = (uint32_t)mtu;
    return tcpip__option_answer(call, &info, sizeof(info));
}

/* ---- control messages ---- */

static int v6_control_set(const struct option_call *call)
{
    int number = option_keep(call, (enum socket_kept)(call->row->kept - 1), call->value != 0);
    return number != 0 ? number : tcpip__option_receive_controls(call);
}

static int v6_recverr_set(const struct option_call *call)
{
    bool on = call->value != 0 || option_kept(call, KEPT_RECVERR) != 0;
    int number = tcpip__option_core_set(call, TCPIP_OPTION_RECEIVE_ERROR, on);
    return number != 0 ? number : option_keep(call, KEPT_V6_RECVERR, call->value != 0);
}

static int v6_recverr_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call, option_kept(call, KEPT_V6_RECVERR));
}

/* ---- multicast ---- */

static int v6_multicast_if_set(const struct option_call *call)
{
    if (option_is_tcp(call))
        return ENOPROTOOPT;
    if (call->in_length < (int)sizeof(int))
        return EINVAL;
    if (call->value < 0 || (call->value != 0 && tcpip_stack_nic(call->sockets->stack, (uint32_t)call->value) == NULL))
        return ENODEV;
    int number = tcpip__option_core_set(call, TCPIP_OPTION_MULTICAST_NIC, call->value);
    return number != 0 ? number : option_keep(call, KEPT_V6_MULTICAST_IF, call->value);
}

static int v6_multicast_if_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call, option_kept(call, KEPT_V6_MULTICAST_IF));
}

static int v6_multicast_hops_set(const struct option_call *call)
{
    int value = call->value == -1 ? 1 : call->value;
    if (option_is_tcp(call))
        return ENOPROTOOPT;
    if (call->in_length < (int)sizeof(int) || value < 0 || value > 255)
        return EINVAL;
    int number = tcpip__option_core_set(call, TCPIP_OPTION_MULTICAST_TTL, value);
    return number != 0 ? number : option_keep(call, KEPT_V6_MULTICAST_HOPS, value);
}

static int v6_multicast_hops_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call, option_kept(call, KEPT_V6_MULTICAST_HOPS));
}

static int v6_membership(const struct option_call *call, bool join)
{
    struct ipv6_mreq request;
    struct tcpip_address group;
    if (call->in_length < (int)sizeof(request))
        return EINVAL;
    if (option_is_tcp(call))
        return EPROTO;
    if (tcpip__option_readable(call, sizeof(request)) != 0)
        return EFAULT;
    memcpy(&request, call->in, sizeof(request));
    group = tcpip_address_v6((const uint8_t *)&request.ipv6mr_multiaddr);
    if ((!tcpip_address_is_multicast(&group) || tcpip_address_is_v4_mapped(&group)))
        return EINVAL;
    return tcpip__option_group(call, &group, request.ipv6mr_interface, join);
}

static int v6_add_membership_set(const struct option_call *call)
{
    return v6_membership(call, true);
}

static int v6_drop_membership_set(const struct option_call *call)
{
    return v6_membership(call, false);
}

static int v6_join_group_set(const struct option_call *call)
{
    return tcpip__option_group_req(call, AF_INET6, true);
}

static int v6_leave_group_set(const struct option_call *call)
{
    return tcpip__option_group_req(call, AF_INET6, false);
}

static int v6_group_source_set(const struct option_call *call)
{
    return tcpip__option_group_source(call, AF_INET6);
}

static int v6_anycast_set(const struct option_call *call)
{
    if (call->in_length < (int)sizeof(struct ipv6_mreq))
        return EINVAL;
    return call->row->name == IPV6_JOIN_ANYCAST ? EADDRNOTAVAIL : ENOENT;
}

/* A source for every packet, as a control message gives it for one. */
static int v6_pktinfo_set(const struct option_call *call)
{
    struct in6_pktinfo info;
    static const struct in6_pktinfo none;
    if (call->in_length < (int)sizeof(info) || call->in == NULL)
        return EINVAL;
    if (tcpip__option_readable(call, sizeof(info)) != 0)
        return EFAULT;
    memcpy(&info, call->in, sizeof(info));
    return memcmp(&info, &none, sizeof(info)) == 0 ? 0 : EINVAL;
}

static int v6_unicast_if_set(const struct option_call *call)
{
    uint32_t nic = ntohl((uint32_t)call->value);
    if (nic != 0 && tcpip_stack_nic(call->sockets->stack, nic) == NULL)
        return EADDRNOTAVAIL;
    return option_keep(call, KEPT_V6_UNICAST_IF, call->value);
}

/* ---- the table ---- */

#define V6(option) .has = HAS_INET, .name = option
#define V6_KEEP_BOOL(option, where)                       \
    {                                                     \
        V6(option), .rule = RULE_BOOL, OPTION_KEPT(where) \
    }
#define V6_CONTROL(option, where)                                                   \
    {                                                                               \
        V6(option), .length = LENGTH_ONE, OPTION_KEPT(where), .set = v6_control_set \
    }
#define V6_HEADER(option)                                      \
    {                                                          \
        V6(option), .set = v6_header_set, .get = v6_header_get \
    }
#define V6_NEVER(option)                                                     \
    {                                                                        \
        V6(option), .set = v6_refuse_unless_raw, .get = tcpip__option_no_get \
    }

static const struct sockopt_row ipv6_rows[] = {
    {V6(IPV6_ADDRFORM), .length = LENGTH_FOUR, .set = v6_addrform_set, .get = v6_addrform_get},
    V6_KEEP_BOOL(IPV6_2292PKTINFO, V6_2292PKTINFO),
    V6_KEEP_BOOL(IPV6_2292HOPOPTS, V6_2292HOPOPTS),
    V6_KEEP_BOOL(IPV6_2292DSTOPTS, V6_2292DSTOPTS),
    V6_KEEP_BOOL(IPV6_2292RTHDR, V6_2292RTHDR),
    V6_NEVER(IPV6_CHECKSUM),
    V6_KEEP_BOOL(IPV6_2292HOPLIMIT, V6_2292HOPLIMIT),
    V6_KEEP_BOOL(IPV6_FLOWINFO, V6_FLOWINFO),
    {V6(IPV6_UNICAST_HOPS), .length = LENGTH_ONE, .set = v6_hops_set, .get = v6_hops_get},
    {V6(IPV6_MULTICAST_IF), .set = v6_multicast_if_set, .get = v6_multicast_if_get},
    {V6(IPV6_MULTICAST_HOPS), .set = v6_multicast_hops_set, .get = v6_multicast_hops_get},
    {V6(IPV6_MULTICAST_LOOP), .rule = RULE_BOOL01, OPTION_CORE(MULTICAST_LOOP), OPTION_KEPT(V6_MULTICAST_LOOP)},
    {V6(IPV6_ADD_MEMBERSHIP), .set = v6_add_membership_set, .get = tcpip__option_no_get},
    {V6(IPV6_DROP_MEMBERSHIP), .set = v6_drop_membership_set, .get = tcpip__option_no_get},
    {V6(IPV6_ROUTER_ALERT), .length = LENGTH_ONE, .set = v6_refuse_unless_raw},
    {V6(IPV6_MTU_DISCOVER), .length = LENGTH_ONE, .set = v6_mtu_discover_set, OPTION_KEPT(V6_MTU_DISCOVER)},
    {V6(IPV6_MTU), .length = LENGTH_ONE, .set = v6_mtu_set, .get = v6_mtu_get},
    {V6(IPV6_RECVERR), .length = LENGTH_ONE, .set = v6_recverr_set, .get = v6_recverr_get},
    {V6(IPV6_V6ONLY), .rule = RULE_BOOL, OPTION_CORE(V6_ONLY)},
    {V6(IPV6_JOIN_ANYCAST), .set = v6_anycast_set, .get = tcpip__option_no_get},
    {V6(IPV6_LEAVE_ANYCAST), .set = v6_anycast_set, .get = tcpip__option_no_get},
    V6_KEEP_BOOL(IPV6_MULTICAST_ALL, V6_MULTICAST_ALL),
    V6_KEEP_BOOL(OPTION_IPV6_ROUTER_ALERT_ISOLATE, V6_ROUTER_ALERT_ISOLATE),
    {V6(OPTION_IPV6_RECVERR_RFC4884), .rule = RULE_BOOL01, OPTION_KEPT(V6_RECVERR_RFC4884)},
    {V6(OPTION_IPV6_FLOWLABEL_MGR), .set = v6_invalid, .get = v6_invalid},
    V6_KEEP_BOOL(IPV6_FLOWINFO_SEND, V6_FLOWINFO_SEND),
    {V6(MCAST_JOIN_GROUP), .set = v6_join_group_set, .get = tcpip__option_no_get},
    {V6(MCAST_LEAVE_GROUP), .set = v6_leave_group_set, .get = tcpip__option_no_get},
    {V6(MCAST_BLOCK_SOURCE), .set = v6_group_source_set, .get = tcpip__option_no_get},
    {V6(MCAST_UNBLOCK_SOURCE), .set = v6_group_source_set, .get = tcpip__option_no_get},
    {V6(MCAST_JOIN_SOURCE_GROUP), .set = v6_group_source_set, .get = tcpip__option_no_get},
    {V6(MCAST_LEAVE_SOURCE_GROUP), .set = v6_group_source_set, .get = tcpip__option_no_get},
    {V6(MCAST_MSFILTER), .set = v6_invalid, .get = v6_invalid},
    V6_CONTROL(IPV6_RECVPKTINFO, V6_RECVPKTINFO),
    {V6(IPV6_PKTINFO), .set = v6_pktinfo_set, .get = tcpip__option_no_get},
    V6_CONTROL(IPV6_RECVHOPLIMIT, V6_RECVHOPLIMIT),
    V6_KEEP_BOOL(IPV6_RECVHOPOPTS, V6_RECVHOPOPTS),
    V6_HEADER(IPV6_HOPOPTS),
    V6_HEADER(IPV6_RTHDRDSTOPTS),
    V6_KEEP_BOOL(IPV6_RECVRTHDR, V6_RECVRTHDR),
    V6_HEADER(IPV6_RTHDR),
    V6_KEEP_BOOL(IPV6_RECVDSTOPTS, V6_RECVDSTOPTS),
    V6_HEADER(IPV6_DSTOPTS),
    V6_KEEP_BOOL(IPV6_RECVPATHMTU, V6_RECVPATHMTU),
    {V6(IPV6_PATHMTU), .rule = RULE_READ, .get = v6_pathmtu_get},
    {V6(IPV6_DONTFRAG), .length = LENGTH_ANY, .set = v6_dontfrag_set, OPTION_KEPT(V6_DONTFRAG)},
    V6_CONTROL(IPV6_RECVTCLASS, V6_RECVTCLASS),
    {V6(IPV6_TCLASS), .length = LENGTH_ONE, .set = v6_tclass_set, .get = v6_tclass_get},
    {V6(IPV6_AUTOFLOWLABEL), .rule = RULE_BOOL, .length = LENGTH_ANY, OPTION_KEPT(V6_AUTOFLOWLABEL)},
    {V6(IPV6_ADDR_PREFERENCES), .length = LENGTH_ONE, .set = v6_addr_preferences_set, .get = v6_addr_preferences_get},
    {V6(IPV6_MINHOPCOUNT), .rule = RULE_RANGE, .greatest = 255, OPTION_CORE(MIN_TTL), OPTION_KEPT(V6_MINHOPCOUNT)},
    V6_KEEP_BOOL(IPV6_ORIGDSTADDR, V6_RECVORIGDST),
    {V6(IPV6_TRANSPARENT), .length = LENGTH_ONE, .set = tcpip__option_free_bind, OPTION_KEPT(TRANSPARENT)},
    {V6(IPV6_UNICAST_IF), .length = LENGTH_FOUR, .set = v6_unicast_if_set, OPTION_KEPT(V6_UNICAST_IF)},
    {V6(IPV6_RECVFRAGSIZE), .rule = RULE_BOOL, .length = LENGTH_ANY, OPTION_KEPT(V6_RECVFRAGSIZE)},
    {V6(IPV6_FREEBIND), .length = LENGTH_ONE, .set = tcpip__option_free_bind, OPTION_KEPT(FREEBIND)},
};

const struct option_table tcpip__options_ipv6 = {ipv6_rows, array_count(ipv6_rows)};
