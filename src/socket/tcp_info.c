// SPDX-License-Identifier: MIT
/* tcp_info.c: TCP_INFO and TCP_CC_INFO: the core's snapshots in the layouts of the kernel's struct tcp_info and union
 * tcp_cc_info.
 *
 * The kernel counts packets where the core counts bytes: full segments are assumed. The layout grew with the years, and
 * headers are as old as they are: so it is written down here, as of Linux 6.18, and a caller gets what it has room for.
 *
 * Owns:     nothing.
 * Not here: where the numbers come from (transport/tcp/tcp_option.c). */
#include "base/math.h"
#include "socket/option_table.h"

#include <tcpip/congestion.h>

/* struct tcp_info of Linux 6.18. */
struct linux_tcp_info {
    uint8_t state, ca_state, retransmits, probes, backoff, options;
    uint8_t scales;  /* low half: snd_wscale; high half: rcv_wscale */
    uint8_t limited; /* bit 0: the delivery rate was the application's; bits 1 and 2: why Fast Open failed */
    uint32_t rto, ato, snd_mss, rcv_mss;
    uint32_t unacked, sacked, lost, retrans, fackets;
    uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
    uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
    uint32_t rcv_rtt, rcv_space, total_retrans;
    uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
    uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
    uint32_t delivered, delivered_ce;
    uint64_t bytes_sent, bytes_retrans;
    uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
    uint16_t total_rto, total_rto_recoveries;
    uint32_t total_rto_time;
    uint32_t received_ce, delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
    uint32_t received_e1_bytes, received_e0_bytes, received_ce_bytes;
    uint16_t accecn_fail_mode, accecn_opt_seen;
};
STATIC_ASSERT(sizeof(struct linux_tcp_info) == 280);

enum {
    LINUX_TCP_CLOSE = 7,
    LINUX_TCP_LISTEN = 10,
    LINUX_OPT_TIMESTAMPS = 1,
    LINUX_OPT_SACK = 2,
    LINUX_OPT_WSCALE = 4,
    LINUX_OPT_ECN = 8,
    LINUX_OPT_ECN_SEEN = 16,
    LINUX_OPT_SYN_DATA = 32,
    LINUX_OPT_FAST_OPEN_CHILD = 128,
    LINUX_ACCECN_FLAGS_BAD = 2, /* what the peer's say */
    LINUX_ACCECN_OPTION_BAD = 8,
    LINUX_ACCECN_COUNTERS_SEEN = 2,
    LINUX_INFINITE_SSTHRESH = 0x7fffffff,
};

static uint8_t info_state(enum tcpip_tcp_state state)
{
    static const uint8_t states[TCPIP_TCP_STATE_COUNT] = {
        [TCPIP_TCP_CLOSED] = LINUX_TCP_CLOSE,
        [TCPIP_TCP_LISTEN] = LINUX_TCP_LISTEN,
        [TCPIP_TCP_SYN_SENT] = 2,
        [TCPIP_TCP_SYN_RECEIVED] = 3,
        [TCPIP_TCP_ESTABLISHED] = 1,
        [TCPIP_TCP_FIN_WAIT_1] = 4,
        [TCPIP_TCP_FIN_WAIT_2] = 5,
        [TCPIP_TCP_CLOSE_WAIT] = 8,
        [TCPIP_TCP_CLOSING] = 11,
        [TCPIP_TCP_LAST_ACK] = 9,
        [TCPIP_TCP_TIME_WAIT] = 6,
    };
    return states[state];
}

static uint32_t info_us(tcpip_ns ns)
{
    return ns < 0 ? UINT32_MAX : (uint32_t)min_i64(ns / TCPIP_US, UINT32_MAX);
}

static uint32_t info_ms(tcpip_ns ns)
{
    return (uint32_t)min_i64(ns / TCPIP_MS, UINT32_MAX);
}

static void info_times(const struct tcpip_tcp_info *info, struct linux_tcp_info *out)
{
    out->rto = info_us(info->rto_ns);
    out->ato = info_us(info->ato_ns);
    out->rtt = info_us(info->srtt_ns);
    out->rttvar = info_us(info->rttvar_ns);
    out->min_rtt = info->min_rtt_ns > 0 ? info_us(info->min_rtt_ns) : UINT32_MAX;
    out->rcv_rtt = info_us(info->rcv_rtt_ns);
    out->last_data_sent = info_ms(info->last_data_sent_ns);
    out->last_data_recv = info_ms(info->last_data_received_ns);
    out->last_ack_recv = info_ms(info->last_ack_received_ns);
    out->busy_time = (uint64_t)info->busy_ns / TCPIP_US;
    out->rwnd_limited = (uint64_t)info->rwnd_limited_ns / TCPIP_US;
    out->sndbuf_limited = (uint64_t)info->sndbuf_limited_ns / TCPIP_US;
    out->total_rto_time = info_ms(info->timeout_ns);
}

static void info_counts(const struct tcpip_tcp_info *info, struct linux_tcp_info *out)
{
    /* The kernel counts numbers: a SYN of ours was acknowledged by one number, and so is a FIN. */
    bool syn = info->state >= TCPIP_TCP_ESTABLISHED && !info->accepted;
    bool fin = info->state == TCPIP_TCP_FIN_WAIT_2 || info->state == TCPIP_TCP_TIME_WAIT;
    out->bytes_acked = info->bytes_acked + syn + fin;
    out->bytes_received = info->bytes_received;
    out->bytes_sent = info->bytes_sent;
    out->bytes_retrans = info->bytes_retransmitted;
    out->segs_out = (uint32_t)info->segments_out;
    out->segs_in = (uint32_t)info->segments_in;
    out->data_segs_out = (uint32_t)info->data_segments_out;
    out->data_segs_in = (uint32_t)info->data_segments_in;
    out->total_retrans = info->total_retransmits;
    out->dsack_dups = info->dsack_duplicates;
    out->reord_seen = info->reordering_seen;
    out->rcv_ooopack = info->out_of_order_packets;
    out->total_rto = (uint16_t)info->timeouts;
    out->total_rto_recoveries = (uint16_t)info->timeout_episodes;
}

static void info_marks(const struct tcpip_tcp_info *info, struct linux_tcp_info *out)
{
    out->received_ce = info->received_ce;
    out->delivered_ce = info->delivered_ce;
    out->received_ce_bytes = (uint32_t)info->received_ce_bytes;
    out->received_e0_bytes = (uint32_t)info->received_ect0_bytes;
    out->received_e1_bytes = (uint32_t)info->received_ect1_bytes;
    out->delivered_ce_bytes = (uint32_t)info->delivered_ce_bytes;
    out->delivered_e0_bytes = (uint32_t)info->delivered_ect0_bytes;
    out->accecn_fail_mode = (uint16_t)((info->accurate_ecn_flags_bad ? LINUX_ACCECN_FLAGS_BAD : 0) |
                                       (info->accurate_ecn_option_bad ? LINUX_ACCECN_OPTION_BAD : 0));
    out->accecn_opt_seen = info->accurate_ecn_option_seen ? LINUX_ACCECN_COUNTERS_SEEN : 0;
}

static uint32_t info_segments(uint32_t bytes, uint32_t mss)
{
    return (bytes + mss - 1) / mss;
}

static void info_sender(const struct tcpip_tcp_info *info, struct linux_tcp_info *out)
{
    uint32_t mss = info->snd_mss != 0 ? info->snd_mss : 1;
    out->snd_mss = info->snd_mss;
    out->unacked = info_segments(info->unacked_bytes, mss);
    out->sacked = info_segments(info->sacked_bytes, mss);
    /* The kernel counts what was sent again as lost until it has arrived. */
    out->lost = info_segments(info->lost_bytes + info->retransmitting_bytes, mss);
    out->retrans = info_segments(info->retransmitting_bytes, mss);
    out->snd_cwnd = info->cwnd_bytes / mss;
    /* The core's infinity, or anything near it, is the kernel's. */
    out->snd_ssthresh = info->ssthresh_bytes >= UINT32_MAX / 2 ? LINUX_INFINITE_SSTHRESH : info->ssthresh_bytes / mss;
    out->notsent_bytes = info->not_sent_bytes;
    out->snd_wnd = info->snd_wnd;
    out->pacing_rate = info->pacing_rate != 0 ? info->pacing_rate : UINT64_MAX;
    out->delivery_rate = info->delivery_rate;
    out->limited = (uint8_t)((info->delivery_rate_app_limited ? 1 : 0) | (int)info->fast_open_fail << 1);
    /* The SYN is a segment as well, but not one more than the data that came with it. */
    bool opened = info->state >= TCPIP_TCP_ESTABLISHED && (!info->syn_data_acked || info->fast_open_child);
    out->delivered = (uint32_t)((info->bytes_acked + mss - 1) / mss) + out->sacked + (opened ? 1 : 0);
    out->reordering = info->reordering;
}

static void info_translate(const struct tcpip_tcp_info *info, struct linux_tcp_info *out)
{
    out->state = info_state(info->state);
    out->ca_state = (uint8_t)info->recovery_state;
    out->retransmits = info->retransmits;
    out->probes = info->probes;
    out->backoff = info->backoff;
    out->options =
        (uint8_t)((info->timestamps ? LINUX_OPT_TIMESTAMPS : 0) | (info->sack ? LINUX_OPT_SACK : 0) |
                  (info->window_scaling ? LINUX_OPT_WSCALE : 0) | (info->ecn ? LINUX_OPT_ECN : 0) |
                  (info->received_ce > 0 ? LINUX_OPT_ECN_SEEN : 0) | (info->syn_data_acked ? LINUX_OPT_SYN_DATA : 0) |
                  (info->fast_open_child ? LINUX_OPT_FAST_OPEN_CHILD : 0));
    out->scales = (uint8_t)((info->snd_wscale & 15) | (info->rcv_wscale & 15) << 4);
    out->rcv_mss = info->rcv_mss;
    out->advmss = info->advertised_mss;
    out->pmtu = info->path_mtu;
    out->rcv_ssthresh = info->rcv_wnd;
    out->rcv_wnd = info->rcv_wnd;
    out->rcv_space = info->rcv_space_bytes;
    info_times(info, out);
    info_counts(info, out);
    info_marks(info, out);
    info_sender(info, out);
}

/* A listener's two counters stand where a connection's segments are. */
static void info_listener(const struct tcpip_tcp_info *info, struct linux_tcp_info *out)
{
    *out = (struct linux_tcp_info){
        .state = LINUX_TCP_LISTEN,
        .unacked = info->accept_queue,
        .sacked = info->accept_backlog,
        .snd_cwnd = 10,
        .reordering = 3,
        .pacing_rate = UINT64_MAX,
        .max_pacing_rate = UINT64_MAX,
    };
}

int tcpip__option_tcp_info(const struct option_call *call)
{
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    struct linux_tcp_info out = {0};
    if (tcpip_endpoint_tcp_info(call->socket->endpoint, &info) != TCPIP_OK)
        return EINVAL;
    if (info.state == TCPIP_TCP_LISTEN)
        info_listener(&info, &out);
    else
        info_translate(&info, &out);
    out.max_pacing_rate = ~option_state(call)->max_pacing_rate;
    return tcpip__option_answer(call, &out, sizeof(out));
}

/* ---- TCP_CC_INFO ---- */

/* union tcp_cc_info; a controller says which member by its length. */
struct linux_vegas_info {
    uint32_t enabled, rtt_count, rtt_us, min_rtt_us;
};
struct linux_dctcp_info {
    uint16_t enabled, ce_state;
    uint32_t alpha; /* of 2^10 */
    uint32_t ab_ecn, ab_total;
};
struct linux_bbr_info {
    uint32_t bandwidth_low, bandwidth_high;
    uint32_t min_rtt_us;
    uint32_t pacing_gain, cwnd_gain; /* of 2^8 */
};

int tcpip__option_tcp_congestion_info(const struct option_call *call)
{
    struct tcpip_congestion_info info;
    if (tcpip_endpoint_congestion_info(call->socket->endpoint, &info) != TCPIP_OK)
        return EINVAL;
    switch (info.kind) {
    case TCPIP_CONGESTION_INFO_VEGAS: {
        struct linux_vegas_info vegas = {info.vegas.enabled, info.vegas.rtt_count, info_us(info.vegas.rtt_ns),
                                         info_us(info.vegas.min_rtt_ns)};
        return tcpip__option_answer(call, &vegas, sizeof(vegas));
    }
    case TCPIP_CONGESTION_INFO_DCTCP: {
        struct linux_dctcp_info dctcp = {info.dctcp.enabled, info.dctcp.receives_ce, info.dctcp.alpha >> 10,
                                         (uint32_t)info.dctcp.marked, (uint32_t)info.dctcp.delivered};
        return tcpip__option_answer(call, &dctcp, sizeof(dctcp));
    }
    case TCPIP_CONGESTION_INFO_BBR: {
        struct linux_bbr_info bbr = {(uint32_t)info.bbr.bandwidth, (uint32_t)(info.bbr.bandwidth >> 32),
                                     info.bbr.min_rtt_ns > 0 ? info_us(info.bbr.min_rtt_ns) : UINT32_MAX,
                                     info.bbr.pacing_gain * 256 / 100, info.bbr.cwnd_gain * 256 / 100};
        return tcpip__option_answer(call, &bbr, sizeof(bbr));
    }
    case TCPIP_CONGESTION_INFO_NONE:
        break;
    }
    return tcpip__option_answer(call, "", 0);
}
