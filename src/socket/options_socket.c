// SPDX-License-Identifier: MIT
/* options_socket.c: SOL_SOCKET.
 *
 * Sizes of buffers are the core's exact bytes; here they are told and taken as Linux tells them, doubled, with Linux's
 * least ones. What has no meaning over a stack of one's own (filters, busy polling, SO_DEBUG) is kept and told again if
 * the kernel would, so that programs that set it go on; what would change what arrives is refused.
 *
 * Owns:     nothing.
 * Not here: order of checks (options.c); timestamps and errors that are asked for here (receiving). */
#include "base/math.h"
#include "socket/nics.h"
#include "socket/option_table.h"
#include "stack/stack.h"

#include <linux/net_tstamp.h>
#include <net/if.h>
#include <sys/time.h>
#include <tcpip/stack.h>
#include <tcpip/unix.h>

/* Names that the C library's headers may be too old for. */
enum {
    OPTION_SO_TIMESTAMP_NEW = 63,
    OPTION_SO_TIMESTAMPNS_NEW = 64,
    OPTION_SO_TIMESTAMPING_NEW = 65,
    OPTION_SO_RCVTIMEO_NEW = 66,
    OPTION_SO_SNDTIMEO_NEW = 67,
    OPTION_SO_TXREHASH = 74,
    OPTION_SO_RCVMARK = 75,
    OPTION_SO_PASSPIDFD = 76,
    OPTION_SO_PEERPIDFD = 77,
    OPTION_SO_RCVPRIORITY = 82,
    OPTION_SO_PASSRIGHTS = 83,
};

enum {
    SEND_BUFFER_MIN = 4608, /* Linux's SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF, doubled already */
    RECEIVE_BUFFER_MIN = 2304,
    TIMESTAMPING_BIND_PHC = 1 << 15, /* flags of SO_TIMESTAMPING, for headers that are older */
    TIMESTAMPING_OPT_ID_TCP = 1 << 16,
    TIMESTAMPING_ALL = (1 << 19) - 1,
    SOCKET_MEMORY_INFOS = 9, /* SK_MEMINFO_VARS */
};

/* ---- what the socket is ---- */

static int so_type(const struct option_call *call)
{
    return tcpip__option_answer_int(call, call->socket->type);
}

static int so_domain(const struct option_call *call)
{
    return tcpip__option_answer_int(call, call->socket->domain);
}

static int so_protocol(const struct option_call *call)
{
    return tcpip__option_answer_int(call, call->socket->protocol);
}

static int so_acceptconn(const struct option_call *call)
{
    return tcpip__option_answer_int(call, call->socket->listening);
}

static int so_error(const struct option_call *call)
{
    int64_t value;
    int number = tcpip__option_core_get(call, TCPIP_OPTION_ERROR, &value);
    if (number != 0)
        return number;
    return tcpip__option_answer_int(call, tcpip__socket_errno(SOCKET_CALL_ERROR, (enum tcpip_error)value));
}

static int so_peername(const struct option_call *call)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    int number = call->socket->ops->name(call->socket, true, &address, &length);
    if (number == 0 && (socklen_t)call->room > length)
        number = EINVAL; /* as the kernel: not more room than the address needs */
    return number != 0 ? number : tcpip__option_answer(call, &address, length);
}

static int so_cookie(const struct option_call *call)
{
    uint64_t cookie = call->socket->endpoint != NULL ? call->socket->endpoint->id : 0;
    return call->room < (int)sizeof(cookie) ? EINVAL : tcpip__option_answer(call, &cookie, sizeof(cookie));
}

static int so_netns_cookie(const struct option_call *call)
{
    uint64_t cookie = 1; /* one table of sockets is one namespace */
    return call->room != (int)sizeof(cookie) ? EINVAL : tcpip__option_answer(call, &cookie, sizeof(cookie));
}

static int so_peercred(const struct option_call *call)
{
    struct ucred told = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
    struct tcpip_unix_credentials peer;
    if (call->socket->domain == AF_UNIX && tcpip_unix_peer_credentials(call->socket->endpoint, &peer) == TCPIP_OK)
        told = (struct ucred){peer.pid, peer.uid, peer.gid};
    return tcpip__option_answer(call, &told, sizeof(told));
}

/* AF_UNIX has no ports to share. */
static int so_reuseport_set(const struct option_call *call)
{
    if (call->socket->domain == AF_UNIX && call->value != 0)
        return EOPNOTSUPP;
    return tcpip__option_set_plain(call);
}

static int so_no_data(const struct option_call *call)
{
    (void)call;
    return ENODATA;
}

/* ---- buffers ---- */

static int64_t buffer_core(const struct option_call *call, enum tcpip_option option)
{
    int64_t bytes = 0;
    return tcpip_endpoint_get_option(call->socket->endpoint, option, &bytes) == TCPIP_OK ? bytes : 0;
}

/* What is told is twice what the core has, which leaves out overhead; of AF_UNIX it counts that itself. */
static int64_t buffer_scale(const struct option_call *call)
{
    return call->socket->domain == AF_UNIX ? 1 : 2;
}

static int buffer_set(const struct option_call *call, enum tcpip_option option, enum socket_kept kept, int least,
                      int lock)
{
    bool force = call->row->name == SO_SNDBUFFORCE || call->row->name == SO_RCVBUFFORCE;
    int64_t most = INT_MAX / 2, wanted = call->value;
    if (wanted < 0)
        wanted = force ? 0 : most; /* the kernel compares it unsigned with its greatest */
    wanted = min_i64(wanted, most);
    int number = tcpip__option_core_set(call, option, max_i64(wanted * 2, least) / buffer_scale(call));
    if (number != 0)
        return number;
    int64_t told = max_i64(min_i64(wanted * 2, buffer_core(call, option) * buffer_scale(call)), least);
    number = option_keep(call, kept, (int)min_i64(told, INT_MAX));
    return number != 0 ? number : option_keep(call, KEPT_BUF_LOCK, option_kept(call, KEPT_BUF_LOCK) | lock);
}

static int so_sndbuf_set(const struct option_call *call)
{
    return buffer_set(call, TCPIP_OPTION_SEND_BUFFER_SIZE, KEPT_SNDBUF, SEND_BUFFER_MIN, 1);
}

static int so_rcvbuf_set(const struct option_call *call)
{
    return buffer_set(call, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, KEPT_RCVBUF, RECEIVE_BUFFER_MIN, 2);
}

static int buffer_told(const struct option_call *call, enum tcpip_option option, enum socket_kept kept)
{
    int told = option_kept(call, kept);
    return told != 0 ? told : (int)min_i64(buffer_scale(call) * buffer_core(call, option), INT_MAX);
}

static int so_sndbuf_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call, buffer_told(call, TCPIP_OPTION_SEND_BUFFER_SIZE, KEPT_SNDBUF));
}

static int so_rcvbuf_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call, buffer_told(call, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, KEPT_RCVBUF));
}

static int so_meminfo(const struct option_call *call)
{
    uint32_t infos[SOCKET_MEMORY_INFOS] = {0}; /* rmem, rcvbuf, wmem, sndbuf, forward, queued, optmem, backlog, drops */
    infos[0] = (uint32_t)buffer_core(call, TCPIP_OPTION_RECEIVE_QUEUE_SIZE);
    infos[1] = (uint32_t)buffer_told(call, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, KEPT_RCVBUF);
    infos[2] = (uint32_t)buffer_core(call, TCPIP_OPTION_SEND_QUEUE_SIZE);
    infos[3] = (uint32_t)buffer_told(call, TCPIP_OPTION_SEND_BUFFER_SIZE, KEPT_SNDBUF);
    infos[5] = infos[2];
    return tcpip__option_answer(call, infos, sizeof(infos));
}

/* What a CPU is to the kernel, a queue of the interface is here. */
static int so_incoming_cpu_set(const struct option_call *call)
{
    int number = tcpip__option_core_set(call, TCPIP_OPTION_INCOMING_QUEUE, max_i64(call->value, -1));
    return number != 0 ? number : option_keep(call, KEPT_INCOMING_CPU, call->value);
}

static int so_incoming_cpu_get(const struct option_call *call)
{
    struct tcpip_full_address peer;
    int64_t queue = option_kept(call, KEPT_INCOMING_CPU);
    if (option_is_tcp(call) && tcpip_endpoint_remote_address(call->socket->endpoint, &peer) == TCPIP_OK &&
        tcpip_endpoint_get_option(call->socket->endpoint, TCPIP_OPTION_INCOMING_QUEUE, &queue) != TCPIP_OK)
        queue = -1;
    return tcpip__option_answer_int(call, (int)queue);
}

/* A buffer that is waited for in one piece must be able to hold it. */
static int so_rcvlowat_set(const struct option_call *call)
{
    int value = call->value < 0 ? INT_MAX : call->value > 0 ? call->value : 1;
    if (option_is_tcp(call))
        value = (int)min_i64(value, call->sockets->stack->limits.tcp_receive_buffer_max);
    int number = tcpip__option_core_set(call, TCPIP_OPTION_RECEIVE_LOW_WATER, value);
    return number != 0 ? number : option_keep(call, KEPT_RCVLOWAT, value);
}

static int so_sndlowat_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call, 1);
}

static int so_reserve_mem_set(const struct option_call *call)
{
    return call->value < 0 ? EINVAL : EOPNOTSUPP; /* as a kernel without memory accounting */
}

/* ---- times ---- */

static int so_timeout_set(const struct option_call *call)
{
    bool receive = call->row->name == SO_RCVTIMEO || call->row->name == OPTION_SO_RCVTIMEO_NEW;
    tcpip_ns *timeout_ns = receive ? &call->socket->receive_timeout_ns : &call->socket->send_timeout_ns;
    struct timeval time; /* of 64 bits, as the _NEW options have it */
    if (call->in_length < (int)sizeof(time))
        return EINVAL;
    if (tcpip__option_readable(call, sizeof(time)) != 0)
        return EFAULT;
    memcpy(&time, call->in, sizeof(time));
    if (time.tv_usec < 0 || time.tv_usec >= 1000000)
        return EDOM;
    if (time.tv_sec < 0)
        *timeout_ns = 0;
    else if ((time.tv_sec == 0 && time.tv_usec == 0) || time.tv_sec >= TCPIP_NEVER / TCPIP_SECOND - 1)
        *timeout_ns = TCPIP_NEVER;
    else
        *timeout_ns = time.tv_sec * TCPIP_SECOND + time.tv_usec * TCPIP_US;
    return 0;
}

static int so_timeout_get(const struct option_call *call)
{
    bool receive = call->row->name == SO_RCVTIMEO || call->row->name == OPTION_SO_RCVTIMEO_NEW;
    tcpip_ns timeout_ns = receive ? call->socket->receive_timeout_ns : call->socket->send_timeout_ns;
    struct timeval time = {0, 0};
    if (timeout_ns != TCPIP_NEVER) {
        time.tv_sec = timeout_ns / TCPIP_SECOND;
        time.tv_usec = timeout_ns % TCPIP_SECOND / TCPIP_US;
    }
    return tcpip__option_answer(call, &time, sizeof(time));
}

static int so_linger_set(const struct option_call *call)
{
    struct linger linger;
    if (call->in_length < (int)sizeof(linger))
        return EINVAL;
    if (tcpip__option_readable(call, sizeof(linger)) != 0)
        return EFAULT;
    memcpy(&linger, call->in, sizeof(linger));
    if (linger.l_onoff != 0) /* negative: for ever, as unsigned comparison makes of it */
        option_state(call)->linger_s = linger.l_linger >= 0 ? (uint32_t)linger.l_linger : (uint32_t)INT_MAX;
    call->socket->linger_s = linger.l_onoff != 0 ? (int)option_state(call)->linger_s : -1;
    enum tcpip_error error =
        tcpip_endpoint_set_option(call->socket->endpoint, TCPIP_OPTION_LINGER,
                                  linger.l_onoff != 0 ? option_state(call)->linger_s * TCPIP_SECOND : -1);
    return error == TCPIP_OK || error == TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION
               ? 0
               : tcpip__socket_errno(SOCKET_CALL_OPTION, error);
}

static int so_linger_get(const struct option_call *call)
{
    struct linger linger = {call->socket->linger_s >= 0, (int)option_state(call)->linger_s};
    return tcpip__option_answer(call, &linger, sizeof(linger));
}

/* ---- timestamps ---- */

static enum socket_timestamp_kind timestamp_kind(int name)
{
    switch (name) {
    case SO_TIMESTAMP:
        return SOCKET_TIMESTAMP_OLD;
    case SO_TIMESTAMPNS:
        return SOCKET_TIMESTAMPNS_OLD;
    case OPTION_SO_TIMESTAMP_NEW:
        return SOCKET_TIMESTAMP_NEW;
    default:
        return SOCKET_TIMESTAMPNS_NEW;
    }
}

static int so_timestamp_set(const struct option_call *call)
{
    int kind = call->value != 0 ? (int)timestamp_kind(call->row->name) : SOCKET_TIMESTAMP_OFF;
    uint32_t control = kind == SOCKET_TIMESTAMP_OFF ? 0
                       : kind == SOCKET_TIMESTAMP_OLD || kind == SOCKET_TIMESTAMP_NEW
                           ? (uint32_t)SOCKET_CONTROL_TIMESTAMP
                           : (uint32_t)SOCKET_CONTROL_TIMESTAMP_NS;
    call->socket->controls &= ~(uint32_t)(SOCKET_CONTROL_TIMESTAMP | SOCKET_CONTROL_TIMESTAMP_NS);
    call->socket->controls |= control;
    return option_keep(call, KEPT_TIMESTAMP_KIND, kind);
}

static int so_timestamp_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call,
                                    option_kept(call, KEPT_TIMESTAMP_KIND) == (int)timestamp_kind(call->row->name));
}

/* Stamps are numbered from what is written next (OPT_ID_TCP, and datagrams), or from what isn't acknowledged yet. */
static int timestamping_from(const struct option_call *call, int flags)
{
    int64_t written = 0, queued = 0;
    struct tcpip_endpoint *endpoint = call->socket->endpoint;
    if (tcpip_endpoint_get_option(endpoint, TCPIP_OPTION_BYTES_WRITTEN, &written) != TCPIP_OK)
        return 0;
    if ((flags & TIMESTAMPING_OPT_ID_TCP) == 0 && option_is_tcp(call) &&
        tcpip_endpoint_get_option(endpoint, TCPIP_OPTION_SEND_QUEUE_SIZE, &queued) != TCPIP_OK)
        queued = 0;
    return (int)(uint32_t)(written - queued); /* numbers wrap at 32 bits */
}

static int so_timestamping_set(const struct option_call *call)
{
    int flags = call->value, before = option_kept(call, KEPT_TIMESTAMPING);
    if ((flags & ~TIMESTAMPING_ALL) != 0)
        return EINVAL;
    if ((flags & TIMESTAMPING_OPT_ID_TCP) != 0 && (flags & SOF_TIMESTAMPING_OPT_ID) == 0)
        return EINVAL;
    if (option_is_tcp(call) && (flags & SOF_TIMESTAMPING_OPT_ID) != 0 && (before & SOF_TIMESTAMPING_OPT_ID) == 0) {
        /* bytes are counted from here, and a socket that isn't connected has none to count from */
        struct tcpip_full_address peer;
        if (call->socket->listening || tcpip_endpoint_remote_address(call->socket->endpoint, &peer) != TCPIP_OK)
            return EINVAL;
    }
    if ((flags & SOF_TIMESTAMPING_OPT_STATS) != 0 && (flags & SOF_TIMESTAMPING_OPT_TSONLY) == 0)
        return EINVAL;
    if ((flags & TIMESTAMPING_BIND_PHC) != 0)
        return EOPNOTSUPP; /* no clocks of hardware here */
    int number = option_keep(call, KEPT_TIMESTAMPING_NEW, call->row->name == OPTION_SO_TIMESTAMPING_NEW);
    if (number == 0 && (flags & SOF_TIMESTAMPING_OPT_ID) != 0 && (before & SOF_TIMESTAMPING_OPT_ID) == 0)
        number = option_keep(call, KEPT_TIMESTAMPING_FROM, timestamping_from(call, flags));
    return number != 0 ? number : option_keep(call, KEPT_TIMESTAMPING, flags);
}

static int so_timestamping_get(const struct option_call *call)
{
    bool newer = call->row->name == OPTION_SO_TIMESTAMPING_NEW;
    int told[2] = {0, 0}; /* struct so_timestamping: flags, clock */
    /* The old name tells either; the new one only what it has set. */
    if (!newer || option_kept(call, KEPT_TIMESTAMPING_NEW) != 0)
        told[0] = option_kept(call, KEPT_TIMESTAMPING);
    return tcpip__option_answer(call, told, sizeof(told));
}

struct so_txtime {
    int32_t clock;
    uint32_t flags;
};

static int so_txtime_set(const struct option_call *call)
{
    struct so_txtime txtime;
    if (call->in_length != (int)sizeof(txtime))
        return EINVAL;
    if (tcpip__option_readable(call, sizeof(txtime)) != 0)
        return EFAULT;
    memcpy(&txtime, call->in, sizeof(txtime));
    if ((txtime.flags & ~3u) != 0)
        return EINVAL;
    int number = option_keep(call, KEPT_TXTIME_CLOCK, txtime.clock);
    return number != 0 ? number : option_keep(call, KEPT_TXTIME_FLAGS, (int)txtime.flags);
}

static int so_txtime_get(const struct option_call *call)
{
    struct so_txtime txtime = {option_kept(call, KEPT_TXTIME_CLOCK), (uint32_t)option_kept(call, KEPT_TXTIME_FLAGS)};
    return tcpip__option_answer(call, &txtime, sizeof(txtime));
}

/* ---- NICs ---- */

/* AF_UNIX is on no NIC; the number is kept as the kernel keeps it. */
static int nic_bind(const struct option_call *call, uint32_t id)
{
    return call->socket->domain == AF_UNIX ? option_keep(call, KEPT_BOUND_NIC, (int)id)
                                           : tcpip__option_core_set(call, TCPIP_OPTION_BIND_TO_NIC, id);
}

static int so_bindtodevice_set(const struct option_call *call)
{
    char name[IFNAMSIZ] = "";
    size_t length = min_size((size_t)call->in_length, IFNAMSIZ - 1);
    uint32_t id = 0;
    if (tcpip__option_readable(call, length) != 0)
        return EFAULT;
    if (length > 0)
        memcpy(name, call->in, length);
    if (name[0] != '\0') {
        id = tcpip__nic_by_name(call->sockets->stack, name);
        if (id == 0)
            return ENODEV;
    }
    return nic_bind(call, id);
}

static int so_bindtodevice_get(const struct option_call *call)
{
    int64_t id = option_kept(call, KEPT_BOUND_NIC);
    struct tcpip_nic_info info;
    int number = call->socket->domain == AF_UNIX ? 0 : tcpip__option_core_get(call, TCPIP_OPTION_BIND_TO_NIC, &id);
    if (number != 0)
        return number;
    if (id == 0 || tcpip_stack_nic_info(call->sockets->stack, (uint32_t)id, &info) != TCPIP_OK)
        return tcpip__option_answer(call, "", 0);
    return call->room < IFNAMSIZ ? EINVAL : tcpip__option_answer(call, info.name, strlen(info.name) + 1);
}

static int so_bindtoifindex_set(const struct option_call *call)
{
    return call->value < 0 ? EINVAL : nic_bind(call, (uint32_t)call->value);
}

/* ---- numbers with customs of their own ---- */

static int so_priority_set(const struct option_call *call)
{
    call->socket->priority = call->value;
    return 0;
}

static int so_priority_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call, call->socket->priority);
}

static int so_mark_set(const struct option_call *call)
{
    int number = tcpip__option_core_set(call, TCPIP_OPTION_MARK, (uint32_t)call->value);
    return number != 0 ? number : option_keep(call, KEPT_MARK, call->value);
}

static int so_mark_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call, option_kept(call, KEPT_MARK));
}

/* Bytes per second; all ones: no limit. */
static int so_max_pacing_rate_set(const struct option_call *call)
{
    uint64_t rate = (uint32_t)call->value == UINT32_MAX ? UINT64_MAX : (uint32_t)call->value;
    if (call->in_length == (int)sizeof(rate)) {
        if (tcpip__option_readable(call, sizeof(rate)) != 0)
            return EFAULT;
        memcpy(&rate, call->in, sizeof(rate));
    }
    int64_t limit = rate > INT64_MAX ? 0 : (int64_t)rate;
    enum tcpip_error error = tcpip_endpoint_set_option(call->socket->endpoint, TCPIP_OPTION_MAX_PACING_RATE, limit);
    if (error != TCPIP_OK && error != TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION)
        return tcpip__socket_errno(SOCKET_CALL_OPTION, error);
    option_state(call)->max_pacing_rate = ~rate; /* so that 0, never set, is no limit */
    return 0;
}

static int so_max_pacing_rate_get(const struct option_call *call)
{
    uint64_t rate = ~option_state(call)->max_pacing_rate;
    if (call->room >= (int)sizeof(rate))
        return tcpip__option_answer(call, &rate, sizeof(rate));
    uint32_t narrow = (uint32_t)(rate < UINT32_MAX ? rate : UINT32_MAX);
    return tcpip__option_answer(call, &narrow, sizeof(narrow));
}

static int so_zerocopy_set(const struct option_call *call)
{
    if (call->socket->domain == AF_UNIX)
        return EOPNOTSUPP;
    return call->value == 0 || call->value == 1 ? option_keep(call, KEPT_ZEROCOPY, call->value) : EINVAL;
}

static int so_txrehash_set(const struct option_call *call)
{
    int value = call->value == -1 ? 1 : call->value;
    return value < 0 || value > 1 ? EINVAL : option_keep(call, KEPT_TXREHASH, value);
}

static int so_busy_poll_budget_set(const struct option_call *call)
{
    return call->value < 0 || call->value > UINT16_MAX ? EINVAL : 0;
}

/* Accepted, and without consequence. */
static int so_ignore(const struct option_call *call)
{
    (void)call;
    return 0;
}

static int so_zero(const struct option_call *call)
{
    return tcpip__option_answer_int(call, 0);
}

/* Filters are programs for packets of the kernel's. */
static int so_filter_set(const struct option_call *call)
{
    return call->in_length == (int)(2 * sizeof(void *)) ? ENOPROTOOPT : EINVAL;
}

static int so_filter_get(const struct option_call *call)
{
    return tcpip__option_answer(call, "", 0); /* none is attached */
}

static int so_detach_filter_set(const struct option_call *call)
{
    (void)call;
    return ENOENT;
}

static int so_reuseport_filter_set(const struct option_call *call)
{
    (void)call;
    return EINVAL;
}

static int so_bpf_extensions(const struct option_call *call)
{
    return tcpip__option_answer_int(call, 0);
}

/* ---- the table ---- */

#define SO(option) .has = HAS_ALL, .name = option
#define SO_UNIX(option) .has = HAS_UNIX, .absent = EOPNOTSUPP, .name = option
#define SO_TELL(option, fn)                      \
    {                                            \
        SO(option), .rule = RULE_READ, .get = fn \
    }
#define SO_KEEP_BOOL(option, where)                       \
    {                                                     \
        SO(option), .rule = RULE_BOOL, OPTION_KEPT(where) \
    }

static const struct sockopt_row socket_rows[] = {
    SO_KEEP_BOOL(SO_DEBUG, DEBUG),
    {SO(SO_REUSEADDR), .rule = RULE_BOOL, OPTION_CORE(REUSE_ADDRESS), OPTION_KEPT(REUSEADDR),
     .get = tcpip__option_reuse_get},
    SO_TELL(SO_TYPE, so_type),
    SO_TELL(SO_ERROR, so_error),
    SO_KEEP_BOOL(SO_DONTROUTE, DONTROUTE),
    {SO(SO_BROADCAST), .rule = RULE_BOOL, OPTION_CORE(BROADCAST), OPTION_KEPT(BROADCAST)},
    {SO(SO_SNDBUF), .set = so_sndbuf_set, .get = so_sndbuf_get},
    {SO(SO_RCVBUF), .set = so_rcvbuf_set, .get = so_rcvbuf_get},
    {SO(SO_SNDBUFFORCE), .set = so_sndbuf_set, .get = tcpip__option_no_get},
    {SO(SO_RCVBUFFORCE), .set = so_rcvbuf_set, .get = tcpip__option_no_get},
    {SO(SO_KEEPALIVE), .rule = RULE_BOOL, OPTION_CORE(KEEPALIVE), OPTION_KEPT(KEEPALIVE)},
    SO_KEEP_BOOL(SO_OOBINLINE, OOBINLINE),
    {SO(SO_NO_CHECK), .rule = RULE_BOOL, OPTION_CORE(CHECKSUM_OFF), OPTION_KEPT(NO_CHECK)},
    {SO(SO_PRIORITY), .set = so_priority_set, .get = so_priority_get},
    {SO(SO_LINGER), .set = so_linger_set, .get = so_linger_get},
    {SO(SO_BSDCOMPAT), .set = so_ignore, .get = so_zero},
    {SO(SO_REUSEPORT), .set = so_reuseport_set, .rule = RULE_BOOL, OPTION_CORE(REUSE_PORT), OPTION_KEPT(REUSEPORT)},
    {SO_UNIX(SO_PASSCRED), .rule = RULE_BOOL, OPTION_CORE(PASSCRED), OPTION_KEPT(PASSCRED)},
    SO_TELL(SO_PEERCRED, so_peercred),
    {SO(SO_RCVLOWAT), .set = so_rcvlowat_set, OPTION_CORE(RECEIVE_LOW_WATER), OPTION_KEPT(RCVLOWAT)},
    SO_TELL(SO_SNDLOWAT, so_sndlowat_get),
    {SO(SO_RCVTIMEO), .set = so_timeout_set, .get = so_timeout_get},
    {SO(SO_SNDTIMEO), .set = so_timeout_set, .get = so_timeout_get},
    {SO(SO_BINDTODEVICE), .length = LENGTH_ANY, .set = so_bindtodevice_set, .get = so_bindtodevice_get},
    {SO(SO_ATTACH_FILTER), .set = so_filter_set, .get = so_filter_get},
    {SO(SO_DETACH_FILTER), .set = so_detach_filter_set, .get = tcpip__option_no_get},
    SO_TELL(SO_PEERNAME, so_peername),
    {SO(SO_TIMESTAMP), .set = so_timestamp_set, .get = so_timestamp_get},
    SO_TELL(SO_ACCEPTCONN, so_acceptconn),
    SO_TELL(SO_PEERSEC, tcpip__option_no_get),
    {SO_UNIX(SO_PASSSEC), .rule = RULE_BOOL, OPTION_KEPT(PASSSEC)},
    {SO(SO_TIMESTAMPNS), .set = so_timestamp_set, .get = so_timestamp_get},
    {SO(SO_MARK), .set = so_mark_set, .get = so_mark_get, OPTION_KEPT(MARK)},
    {SO(SO_TIMESTAMPING), .set = so_timestamping_set, .get = so_timestamping_get},
    SO_TELL(SO_PROTOCOL, so_protocol),
    SO_TELL(SO_DOMAIN, so_domain),
    SO_KEEP_BOOL(SO_RXQ_OVFL, RXQ_OVFL),
    SO_KEEP_BOOL(SO_WIFI_STATUS, WIFI_STATUS),
    {SO(SO_PEEK_OFF), OPTION_KEPT(PEEK_OFF)},
    SO_KEEP_BOOL(SO_NOFCS, NOFCS),
    SO_KEEP_BOOL(SO_LOCK_FILTER, LOCK_FILTER),
    SO_KEEP_BOOL(SO_SELECT_ERR_QUEUE, SELECT_ERR_QUEUE),
    {SO(SO_BUSY_POLL), .rule = RULE_RANGE, .least = 0, .greatest = INT_MAX, OPTION_KEPT(BUSY_POLL)},
    {SO(SO_MAX_PACING_RATE), .set = so_max_pacing_rate_set, .get = so_max_pacing_rate_get},
    SO_TELL(SO_BPF_EXTENSIONS, so_bpf_extensions),
    {SO(SO_INCOMING_CPU), .set = so_incoming_cpu_set, .get = so_incoming_cpu_get, OPTION_KEPT(INCOMING_CPU)},
    {SO(SO_ATTACH_BPF), .set = so_reuseport_filter_set, .get = tcpip__option_no_get},
    {SO(SO_ATTACH_REUSEPORT_CBPF), .set = so_filter_set, .get = tcpip__option_no_get},
    {SO(SO_ATTACH_REUSEPORT_EBPF), .set = so_reuseport_filter_set, .get = tcpip__option_no_get},
    {SO(SO_CNX_ADVICE), .set = so_ignore, .get = tcpip__option_no_get},
    SO_TELL(SO_MEMINFO, so_meminfo),
    SO_TELL(SO_INCOMING_NAPI_ID, so_zero),
    SO_TELL(SO_COOKIE, so_cookie),
    SO_TELL(SO_PEERGROUPS, so_no_data),
    {SO(SO_ZEROCOPY), .set = so_zerocopy_set, OPTION_KEPT(ZEROCOPY)},
    {SO(SO_TXTIME), .set = so_txtime_set, .get = so_txtime_get},
    {SO(SO_BINDTOIFINDEX), .set = so_bindtoifindex_set, OPTION_CORE(BIND_TO_NIC), OPTION_KEPT(BOUND_NIC)},
    {SO(OPTION_SO_TIMESTAMP_NEW), .set = so_timestamp_set, .get = so_timestamp_get},
    {SO(OPTION_SO_TIMESTAMPNS_NEW), .set = so_timestamp_set, .get = so_timestamp_get},
    {SO(OPTION_SO_TIMESTAMPING_NEW), .set = so_timestamping_set, .get = so_timestamping_get},
    {SO(OPTION_SO_RCVTIMEO_NEW), .set = so_timeout_set, .get = so_timeout_get},
    {SO(OPTION_SO_SNDTIMEO_NEW), .set = so_timeout_set, .get = so_timeout_get},
    {SO(SO_DETACH_REUSEPORT_BPF), .set = so_reuseport_filter_set, .get = tcpip__option_no_get},
    SO_KEEP_BOOL(SO_PREFER_BUSY_POLL, PREFER_BUSY_POLL),
    {SO(SO_BUSY_POLL_BUDGET), .set = so_busy_poll_budget_set, .get = tcpip__option_no_get},
    SO_TELL(SO_NETNS_COOKIE, so_netns_cookie),
    {SO(SO_BUF_LOCK), .rule = RULE_RANGE, .least = 0, .greatest = 3, OPTION_KEPT(BUF_LOCK)},
    {SO(SO_RESERVE_MEM), .set = so_reserve_mem_set, .get = so_zero},
    {.has = HAS_TCP, .absent = EOPNOTSUPP, .name = OPTION_SO_TXREHASH, .set = so_txrehash_set, OPTION_KEPT(TXREHASH)},
    SO_KEEP_BOOL(OPTION_SO_RCVMARK, RCVMARK),
    {SO_UNIX(OPTION_SO_PASSPIDFD), .rule = RULE_BOOL, OPTION_KEPT(PASSPIDFD)},
    SO_TELL(OPTION_SO_PEERPIDFD, so_no_data),
    SO_KEEP_BOOL(OPTION_SO_RCVPRIORITY, RCVPRIORITY),
    {SO_UNIX(OPTION_SO_PASSRIGHTS), .rule = RULE_BOOL, OPTION_KEPT(PASSRIGHTS)},
};

const struct option_table tcpip__options_socket = {socket_rows, array_count(socket_rows)};
