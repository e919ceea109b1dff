// SPDX-License-Identifier: MIT
/* option_table.h: how a row of an option table reads, for the files that hold one (options_*.c).
 *
 * A plain option is a number: its row says which values are allowed, where it is kept and which option of the core
 * follows it. What is more than a number has functions of its own. */
#ifndef TCPIP_SRC_SOCKET_OPTION_TABLE_H
#define TCPIP_SRC_SOCKET_OPTION_TABLE_H

#include "base/compiler.h"
#include "socket/options.h"
#include "socket/socket.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <tcpip/endpoint.h>

/* Which sockets have it. */
enum option_has {
    HAS_TCP = 1,
    HAS_DATAGRAM = 2, /* UDP and ping */
    HAS_UNIX = 4,
    HAS_INET = HAS_TCP | HAS_DATAGRAM,
    HAS_ALL = HAS_INET | HAS_UNIX,
};

/* Which numbers are taken; the others are EINVAL. */
enum option_rule {
    RULE_INT,
    RULE_BOOL,   /* anything, as 0 or 1 */
    RULE_BOOL01, /* 0 and 1 */
    RULE_RANGE,  /* least to greatest */
    RULE_READ,   /* none: ENOPROTOOPT */
};

/* How long a number must be. */
enum option_length {
    LENGTH_LEVEL, /* as its level has it: 4 bytes, or more; of IPPROTO_IP any */
    LENGTH_ANY,   /* too short counts as 0 */
    LENGTH_ONE,   /* a byte, or 4 */
    LENGTH_FOUR,  /* 4 exactly */
};

struct sockopt_row;

/* A call under way. */
struct option_call {
    struct tcpip_sockets *sockets;
    struct socket *socket;
    const struct sockopt_row *row;
    const void *in; /* set: the caller's */
    int in_length;
    int value; /* set: the number read from it */
    void *out; /* get: the caller's */
    int room;  /* and its size; negative (IPPROTO_IPV6 only): as much as it takes */
    socklen_t *out_length;
    bool small; /* get: a number from 0 to 255 fits in fewer than 4 bytes (IPPROTO_IP) */
};

struct sockopt_row {
    int name;
    uint8_t has;    /* enum option_has; the others answer `absent` */
    uint8_t rule;   /* enum option_rule */
    uint8_t length; /* enum option_length */
    uint8_t core;   /* 1 + enum tcpip_option that follows it; 0: none */
    uint8_t kept;   /* 1 + enum socket_kept; 0: none */
    int absent;     /* errno */
    int least, greatest;
    int64_t unit; /* of the core's option; 0: 1 */
    int (*set)(const struct option_call *call);
    int (*get)(const struct option_call *call);
};

#define OPTION_CORE(option) .core = 1 + TCPIP_OPTION_##option
#define OPTION_KEPT(option) .kept = 1 + KEPT_##option
STATIC_ASSERT(TCPIP_OPTION_COUNT < UINT8_MAX && KEPT_COUNT < UINT8_MAX);

struct option_table {
    const struct sockopt_row *rows;
    size_t count;
};
extern const struct option_table tcpip__options_socket, tcpip__options_ip, tcpip__options_ipv6, tcpip__options_tcp,
    tcpip__options_udp;

/* ---- for functions of rows ---- */

/* Answers `size` bytes, or what there is room for. */
int tcpip__option_answer(const struct option_call *call, const void *data, size_t size);
/* Answers a number. */
int tcpip__option_answer_int(const struct option_call *call, int value);
/* 0 or EFAULT: `size` bytes of the caller's at `call->in`. */
int tcpip__option_readable(const struct option_call *call, size_t size);
/* What every plain row does. */
int tcpip__option_set_plain(const struct option_call *call);
int tcpip__option_get_plain(const struct option_call *call);
/* Rows that only set. */
int tcpip__option_no_get(const struct option_call *call);

/* The core's option, errno as setsockopt has it. What the protocol doesn't know is no error if `kept` has it. */
int tcpip__option_core_set(const struct option_call *call, enum tcpip_option option, int64_t value);
int tcpip__option_core_get(const struct option_call *call, enum tcpip_option option, int64_t *value);

static inline struct socket_options *option_state(const struct option_call *call)
{
    return &call->socket->options;
}
static inline int option_kept(const struct option_call *call, enum socket_kept which)
{
    return tcpip__socket_kept(option_state(call), which);
}
static inline int option_keep(const struct option_call *call, enum socket_kept which, int value)
{
    return tcpip__socket_keep(call->sockets, option_state(call), which, value) ? 0 : ENOMEM;
}
static inline bool option_is_tcp(const struct option_call *call)
{
    return call->socket->protocol == IPPROTO_TCP;
}

/* ---- between the tables ---- */

/* TCP_MD5SIG, TCP_MD5SIG_EXT, TCP_AO_... (options_signature.c). */
int tcpip__option_md5_set(const struct option_call *call);
int tcpip__option_ao_add(const struct option_call *call);
int tcpip__option_ao_remove(const struct option_call *call);
int tcpip__option_ao_info_set(const struct option_call *call);
int tcpip__option_ao_info_get(const struct option_call *call);
int tcpip__option_ao_keys_get(const struct option_call *call);
/* TCP_REPAIR and what is for sockets in repair (repair.c). */
int tcpip__option_repair_set(const struct option_call *call);
int tcpip__option_repair_get(const struct option_call *call);
int tcpip__option_repair_queue_set(const struct option_call *call);
int tcpip__option_repair_queue_get(const struct option_call *call);
int tcpip__option_queue_seq_set(const struct option_call *call);
int tcpip__option_queue_seq_get(const struct option_call *call);
int tcpip__option_repair_options_set(const struct option_call *call);
int tcpip__option_repair_window_set(const struct option_call *call);
int tcpip__option_repair_window_get(const struct option_call *call);
int tcpip__option_timestamp_set(const struct option_call *call);
int tcpip__option_reuse_get(const struct option_call *call);
/* TCP_INFO and TCP_CC_INFO (tcp_info.c). */
int tcpip__option_tcp_info(const struct option_call *call);
int tcpip__option_tcp_congestion_info(const struct option_call *call);
/* The core's option that several options of ours ask for is on if one of them is; so are socket->controls. */
int tcpip__option_receive_controls(const struct option_call *call);
/* IP_FREEBIND, IP_TRANSPARENT and IPv6's, which mean the same to bind. */
int tcpip__option_free_bind(const struct option_call *call);
/* IP_MTU_DISCOVER's values are IPV6_MTU_DISCOVER's. */
int tcpip__option_mtu_discover(const struct option_call *call, enum socket_kept kept);
/* A multicast group in `address`, on NIC `nic` (0: by route). */
int tcpip__option_group(const struct option_call *call, const struct tcpip_address *group, uint32_t nic, bool join);
/* MCAST_JOIN_GROUP and MCAST_LEAVE_GROUP, of both families. */
int tcpip__option_group_source(const struct option_call *call, int family); /* of one source: refused */
int tcpip__option_group_req(const struct option_call *call, int family, bool join);

#endif
