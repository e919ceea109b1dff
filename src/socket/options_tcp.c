// SPDX-License-Identifier: MIT
/* options_tcp.c: IPPROTO_TCP and IPPROTO_UDP.
 *
 * Linux counts seconds, milliseconds, microseconds and retransmissions where the core counts nanoseconds.
 *
 * Owns:     nothing.
 * Not here: TCP_INFO (tcp_info.c); order of checks (options.c). */
#include "base/math.h"
#include "socket/option_table.h"
#include "stack/stack.h"

#include <linux/tcp.h>
#include <linux/udp.h>
#include <tcpip/congestion.h>
#include <tcpip/stack.h>

enum {
    OPTION_TCP_AO_ADD_KEY = 38,
    OPTION_TCP_AO_DEL_KEY = 39,
    OPTION_TCP_AO_INFO = 40,
    OPTION_TCP_AO_GET_KEYS = 41,
    OPTION_TCP_AO_REPAIR = 42,
    OPTION_TCP_IS_MPTCP = 43,
    OPTION_TCP_RTO_MAX_MS = 44,
    OPTION_TCP_RTO_MIN_US = 45,
    OPTION_TCP_DELACK_MAX_US = 46,
    OPTION_UDPLITE_SEND_CSCOV = 10, /* UDP tells them too */
    OPTION_UDPLITE_RECV_CSCOV = 11,
};

enum {
    TCP_SECONDS_MAX = 32767, /* of TCP_KEEPIDLE and TCP_KEEPINTVL */
    TCP_COUNT_MAX = 127,
    TCP_LINGER2_MAX_S = 120,
    TCP_RTO_MAX_S = 120,
    TCP_MSS_TOLD = 536,     /* before a connection has found its own */
    TCP_CLAMP_LEAST = 1152, /* half of Linux's SOCK_MIN_RCVBUF */
    TCP_NAME_MAX = 16,      /* of a congestion control, with its zero */
    TCP_FASTOPEN_QUEUE = 4096,
    TCP_TIME_MIN_US = 4001, /* of the two limits in microseconds: more than a jiffy, at most the default */
    TCP_TIME_MAX_US = 200000,
    TCP_SAVED_SYN_MAX = 1024, /* more than the core keeps */
    UDP_SEGMENT_MAX = 65535,
};

static bool tcp_is_connected(const struct option_call *call)
{
    struct tcpip_full_address peer;
    return tcpip_endpoint_remote_address(call->socket->endpoint, &peer) == TCPIP_OK;
}

/* ---- numbers with customs of their own ---- */

static int tcp_maxseg_set(const struct option_call *call)
{
    if (call->value != 0 && (call->value < 88 || call->value > 32767))
        return EINVAL;
    return tcpip__option_core_set(call, TCPIP_OPTION_MAX_SEGMENT, call->value);
}

static int tcp_maxseg_get(const struct option_call *call)
{
    int64_t bytes = 0;
    int number = tcpip__option_core_get(call, TCPIP_OPTION_MAX_SEGMENT, &bytes);
    return number != 0 ? number : tcpip__option_answer_int(call, bytes != 0 ? (int)bytes : TCP_MSS_TOLD);
}

static int tcp_linger2_set(const struct option_call *call)
{
    int64_t ns = call->value < 0                    ? -1
                 : call->value == 0                 ? tcpip_stack_default(call->sockets->stack, TCPIP_OPTION_LINGER2)
                 : call->value <= TCP_LINGER2_MAX_S ? call->value * TCPIP_SECOND
                                                    : TCP_LINGER2_MAX_S * TCPIP_SECOND;
    return tcpip__option_core_set(call, TCPIP_OPTION_LINGER2, ns);
}

static int tcp_linger2_get(const struct option_call *call)
{
    int64_t ns = 0;
    int number = tcpip__option_core_get(call, TCPIP_OPTION_LINGER2, &ns);
    return number != 0 ? number : tcpip__option_answer_int(call, ns < 0 ? -1 : (int)(ns / TCPIP_SECOND));
}

/* The kernel counts in SYN-ACKs, which back off: the time asked for grows to the end of the last one's wait. */
static int tcp_defer_accept_set(const struct option_call *call)
{
    int64_t total = 0;
    for (int64_t step = 1; total < call->value && total < INT_MAX / 2; step = min_i64(step * 2, TCP_RTO_MAX_S)) {
        total += step;
        if (total >= 29887) /* 255 of them: the count is a byte */
            break;
    }
    return tcpip__option_core_set(call, TCPIP_OPTION_DEFER_ACCEPT, total * TCPIP_SECOND);
}

static int tcp_window_clamp_set(const struct option_call *call)
{
    /* Nothing to clamp is only said before there is a window. */
    if (call->value == 0 && (call->socket->listening || tcp_is_connected(call)))
        return EINVAL;
    int64_t clamp = call->value == 0 ? 0 : max_i64(call->value, TCP_CLAMP_LEAST);
    return tcpip__option_core_set(call, TCPIP_OPTION_WINDOW_CLAMP, clamp);
}

/* What was set here is told, not what the stack's default makes of it. */
static int tcp_notsent_lowat_set(const struct option_call *call)
{
    int number = tcpip__option_core_set(call, TCPIP_OPTION_NOT_SENT_LOW_WATER, (uint32_t)call->value);
    return number != 0 ? number : option_keep(call, KEPT_TCP_NOTSENT_LOWAT, call->value);
}

static int tcp_thin_dupack_set(const struct option_call *call)
{
    return call->value == 0 || call->value == 1 ? 0 : EINVAL; /* RACK does what it did */
}

static int tcp_zero_get(const struct option_call *call)
{
    return tcpip__option_answer_int(call, 0);
}

static int tcp_time_us_set(const struct option_call *call)
{
    if (call->value < TCP_TIME_MIN_US || call->value > TCP_TIME_MAX_US)
        return EINVAL;
    return tcpip__option_core_set(call, (enum tcpip_option)(call->row->core - 1), call->value * TCPIP_US);
}

static int tcp_fastopen_set(const struct option_call *call)
{
    if (call->value < 0)
        return EINVAL;
    return tcpip__option_core_set(call, TCPIP_OPTION_FAST_OPEN, min_i64(call->value, TCP_FASTOPEN_QUEUE));
}

static int tcp_timestamp_get(const struct option_call *call)
{
    int64_t ms = 0;
    int number = tcpip__option_core_get(call, TCPIP_OPTION_TIMESTAMP_CLOCK, &ms);
    return number != 0 ? number : tcpip__option_answer_int(call, (int)(uint32_t)ms);
}

/* Sequence numbers beyond the first 2^32, which AO counts, can't be told or set by hand. */
static int tcp_not_permitted(const struct option_call *call)
{
    (void)call;
    return EPERM;
}

static int tcp_invalid(const struct option_call *call)
{
    (void)call;
    return EINVAL;
}

/* ---- names and keys ---- */

/* A name, with or without its zero. */
static int tcp_name_read(const struct option_call *call, char out[TCP_NAME_MAX])
{
    size_t length = min_size((size_t)call->in_length, TCP_NAME_MAX - 1);
    if (call->in_length < 1)
        return EINVAL;
    if (tcpip__option_readable(call, length) != 0)
        return EFAULT;
    memcpy(out, call->in, length);
    out[length] = '\0';
    return 0;
}

static int tcp_congestion_set(const struct option_call *call)
{
    char name[TCP_NAME_MAX];
    int number = tcp_name_read(call, name);
    if (number != 0)
        return number;
    switch (tcpip_endpoint_set_congestion(call->socket->endpoint, name)) {
    case TCPIP_OK:
        return 0;
    case TCPIP_ERR_INVALID_OPTION_VALUE:
        return ENOENT;
    default:
        return ENOMEM;
    }
}

static int tcp_congestion_get(const struct option_call *call)
{
    char name[TCP_NAME_MAX] = "";
    const char *chosen = tcpip_endpoint_congestion(call->socket->endpoint);
    if (chosen != NULL)
        memcpy(name, chosen, min_size(strlen(chosen), sizeof(name) - 1));
    return tcpip__option_answer(call, name, sizeof(name));
}

/* The headers of the SYN, once; as in the kernel, who has too little room hears how much it takes. */
static int tcp_saved_syn_get(const struct option_call *call)
{
    uint8_t headers[TCP_SAVED_SYN_MAX];
    size_t bytes;
    enum tcpip_error error = tcpip_endpoint_saved_syn(call->socket->endpoint, headers,
                                                      min_size((size_t)call->room, sizeof(headers)), &bytes);
    if (error == TCPIP_ERR_MESSAGE_TOO_LONG)
        *call->out_length = (socklen_t)bytes;
    return error != TCPIP_OK ? EINVAL : tcpip__option_answer(call, headers, bytes);
}

/* Layers on top (tls, mptcp, ...): there are none. */
static int tcp_ulp_set(const struct option_call *call)
{
    char name[TCP_NAME_MAX];
    int number = tcp_name_read(call, name);
    return number != 0 ? number : ENOENT;
}

static int tcp_nothing_get(const struct option_call *call)
{
    return tcpip__option_answer(call, "", 0);
}

/* One key, or the one and an older one. */
static int tcp_fastopen_key_set(const struct option_call *call)
{
    uint8_t keys[2][TCPIP_TCP_FAST_OPEN_KEY_BYTES];
    bool both = call->in_length == (int)sizeof(keys);
    if (!both && call->in_length != (int)sizeof(keys[0]))
        return EINVAL;
    if (tcpip__option_readable(call, (size_t)call->in_length) != 0)
        return EFAULT;
    memcpy(keys, call->in, (size_t)call->in_length);
    enum tcpip_error error = tcpip_endpoint_set_fast_open_key(call->socket->endpoint, keys[0], both ? keys[1] : NULL);
    return error == TCPIP_OK ? 0 : tcpip__socket_errno(SOCKET_CALL_OPTION, error);
}

static int tcp_fastopen_key_get(const struct option_call *call)
{
    uint8_t keys[2][TCPIP_TCP_FAST_OPEN_KEY_BYTES];
    unsigned n = tcpip_endpoint_fast_open_key(call->socket->endpoint, keys);
    return tcpip__option_answer(call, keys, n * sizeof(keys[0]));
}

/* ---- UDP ---- */

static int udp_encap_set(const struct option_call *call)
{
    return call->value == 0 ? 0 : ENOPROTOOPT;
}

/* ---- the tables ---- */

#define TCP(option) .has = HAS_TCP, .name = option
#define TCP_TELL(option, fn)                      \
    {                                             \
        TCP(option), .rule = RULE_READ, .get = fn \
    }
#define TCP_SECONDS(option, what)                                                                    \
    {                                                                                                \
        TCP(option), .rule = RULE_RANGE, .least = 1, .greatest = TCP_SECONDS_MAX, OPTION_CORE(what), \
                     .unit = TCPIP_SECOND                                                            \
    }
#define TCP_COUNT(option, what)                                                                   \
    {                                                                                             \
        TCP(option), .rule = RULE_RANGE, .least = 1, .greatest = TCP_COUNT_MAX, OPTION_CORE(what) \
    }

static const struct sockopt_row tcp_rows[] = {
    {TCP(TCP_NODELAY), .rule = RULE_BOOL, OPTION_CORE(NO_DELAY)},
    {TCP(TCP_MAXSEG), .set = tcp_maxseg_set, .get = tcp_maxseg_get},
    {TCP(TCP_CORK), .rule = RULE_BOOL, OPTION_CORE(CORK)},
    TCP_SECONDS(TCP_KEEPIDLE, KEEPALIVE_IDLE),
    TCP_SECONDS(TCP_KEEPINTVL, KEEPALIVE_INTERVAL),
    TCP_COUNT(TCP_KEEPCNT, KEEPALIVE_COUNT),
    TCP_COUNT(TCP_SYNCNT, SYN_COUNT),
    {TCP(TCP_LINGER2), .set = tcp_linger2_set, .get = tcp_linger2_get},
    {TCP(TCP_DEFER_ACCEPT), .set = tcp_defer_accept_set, OPTION_CORE(DEFER_ACCEPT), .unit = TCPIP_SECOND},
    {TCP(TCP_WINDOW_CLAMP), .set = tcp_window_clamp_set, OPTION_CORE(WINDOW_CLAMP)},
    TCP_TELL(TCP_INFO, tcpip__option_tcp_info),
    {TCP(TCP_QUICKACK), .rule = RULE_BOOL, OPTION_CORE(QUICK_ACK)},
    {TCP(TCP_CONGESTION), .length = LENGTH_ANY, .set = tcp_congestion_set, .get = tcp_congestion_get},
    {TCP(TCP_MD5SIG), .set = tcpip__option_md5_set, .get = tcpip__option_no_get},
    {TCP(TCP_THIN_LINEAR_TIMEOUTS), .rule = RULE_BOOL01, OPTION_CORE(THIN_LINEAR_TIMEOUTS)},
    {TCP(TCP_THIN_DUPACK), .set = tcp_thin_dupack_set, .get = tcp_zero_get},
    {TCP(TCP_USER_TIMEOUT), .rule = RULE_RANGE, .greatest = INT_MAX, OPTION_CORE(USER_TIMEOUT), .unit = TCPIP_MS},
    {TCP(TCP_REPAIR), .set = tcpip__option_repair_set, .get = tcpip__option_repair_get},
    {TCP(TCP_REPAIR_QUEUE), .set = tcpip__option_repair_queue_set, .get = tcpip__option_repair_queue_get},
    {TCP(TCP_QUEUE_SEQ), .set = tcpip__option_queue_seq_set, .get = tcpip__option_queue_seq_get},
    {TCP(TCP_REPAIR_OPTIONS), .set = tcpip__option_repair_options_set, .get = tcpip__option_no_get},
    {TCP(TCP_REPAIR_WINDOW), .set = tcpip__option_repair_window_set, .get = tcpip__option_repair_window_get},
    {TCP(TCP_FASTOPEN), .set = tcp_fastopen_set, OPTION_CORE(FAST_OPEN)},
    {TCP(TCP_TIMESTAMP), .set = tcpip__option_timestamp_set, .get = tcp_timestamp_get},
    {TCP(TCP_NOTSENT_LOWAT), .set = tcp_notsent_lowat_set, OPTION_KEPT(TCP_NOTSENT_LOWAT)},
    TCP_TELL(TCP_CC_INFO, tcpip__option_tcp_congestion_info),
    {TCP(TCP_SAVE_SYN), .rule = RULE_RANGE, .greatest = 2, OPTION_CORE(SAVE_SYN)},
    TCP_TELL(TCP_SAVED_SYN, tcp_saved_syn_get),
    {TCP(TCP_FASTOPEN_CONNECT), .rule = RULE_BOOL01, OPTION_CORE(FAST_OPEN_CONNECT)},
    {TCP(TCP_ULP), .length = LENGTH_ANY, .set = tcp_ulp_set, .get = tcp_nothing_get},
    {TCP(TCP_MD5SIG_EXT), .set = tcpip__option_md5_set, .get = tcpip__option_no_get},
    {TCP(TCP_FASTOPEN_KEY), .length = LENGTH_ANY, .set = tcp_fastopen_key_set, .get = tcp_fastopen_key_get},
    {TCP(TCP_FASTOPEN_NO_COOKIE), .rule = RULE_BOOL01, OPTION_CORE(FAST_OPEN_NO_COOKIE)},
    TCP_TELL(TCP_ZEROCOPY_RECEIVE, tcp_invalid),
    {TCP(TCP_INQ), .rule = RULE_BOOL01, OPTION_KEPT(TCP_INQ)},
    {TCP(TCP_TX_DELAY), .rule = RULE_RANGE, .greatest = 0, OPTION_KEPT(TCP_TX_DELAY)},
    {TCP(OPTION_TCP_AO_ADD_KEY), .set = tcpip__option_ao_add, .get = tcpip__option_no_get},
    {TCP(OPTION_TCP_AO_DEL_KEY), .set = tcpip__option_ao_remove, .get = tcpip__option_no_get},
    {TCP(OPTION_TCP_AO_INFO), .set = tcpip__option_ao_info_set, .get = tcpip__option_ao_info_get},
    TCP_TELL(OPTION_TCP_AO_GET_KEYS, tcpip__option_ao_keys_get),
    {TCP(OPTION_TCP_AO_REPAIR), .set = tcp_not_permitted, .get = tcp_not_permitted},
    TCP_TELL(OPTION_TCP_IS_MPTCP, tcp_zero_get),
    {TCP(OPTION_TCP_RTO_MAX_MS), .rule = RULE_RANGE, .least = 1000, .greatest = TCP_RTO_MAX_S * 1000,
     OPTION_CORE(MAX_RTO), .unit = TCPIP_MS},
    {TCP(OPTION_TCP_RTO_MIN_US), .set = tcp_time_us_set, OPTION_CORE(MIN_RTO), .unit = TCPIP_US},
    {TCP(OPTION_TCP_DELACK_MAX_US), .set = tcp_time_us_set, OPTION_CORE(DELAYED_ACK_MAX), .unit = TCPIP_US},
};

#define UDP(option) .has = HAS_DATAGRAM, .name = option

static const struct sockopt_row udp_rows[] = {
    {UDP(UDP_CORK), .rule = RULE_BOOL, OPTION_CORE(CORK)},
    {UDP(UDP_ENCAP), .set = udp_encap_set, .get = tcp_zero_get},
    {UDP(OPTION_UDPLITE_SEND_CSCOV), .rule = RULE_READ, .get = tcp_zero_get},
    {UDP(OPTION_UDPLITE_RECV_CSCOV), .rule = RULE_READ, .get = tcp_zero_get},
    {UDP(UDP_NO_CHECK6_TX), .rule = RULE_BOOL, OPTION_KEPT(UDP_NO_CHECK6_TX)},
    {UDP(UDP_NO_CHECK6_RX), .rule = RULE_BOOL, OPTION_KEPT(UDP_NO_CHECK6_RX)},
    {UDP(UDP_SEGMENT), .rule = RULE_RANGE, .greatest = UDP_SEGMENT_MAX, OPTION_KEPT(UDP_SEGMENT)},
    {UDP(UDP_GRO), .rule = RULE_BOOL, OPTION_KEPT(UDP_GRO)},
};

const struct option_table tcpip__options_tcp = {tcp_rows, array_count(tcp_rows)};
const struct option_table tcpip__options_udp = {udp_rows, array_count(udp_rows)};
