// SPDX-License-Identifier: MIT
/* tcp_handle.h: what others point at when they mean a TCP endpoint: the application, the demultiplexer, the timers'
 * wheel. It stays where it is, whatever becomes of the connection; of one at rest it is all there is (tcp_fold.h).
 *
 * Kept short, for there may be millions (fold.h). */
#ifndef TCPIP_SRC_TCP_TCP_HANDLE_H
#define TCPIP_SRC_TCP_TCP_HANDLE_H

#include "stack/demux.h"
#include "transport/tcp/ack_policy.h"
#include "transport/tcp/cwv.h"
#include "transport/tcp/receive_window.h"
#include "transport/tcp/rtt.h"
#include <tcpip/congestion.h>
#include <tcpip/protocol.h>
#include <tcpip/timer.h>

struct tcp_endpoint;
struct tcp_folded_extra;
struct tcp_folded_timer;

/* An established connection at rest: the fields of struct tcp_endpoint that don't follow from that. */
struct tcp_folded {
    struct option_block *options;
    const struct tcpip_congestion_ops *congestion;
    struct tcp_folded_extra *extra; /* what most don't have; NULL: nothing */
    struct tcp_folded_timer *timer; /* keepalive's; NULL: none */
    uint64_t bytes_sent, bytes_acked, bytes_received;
    tcpip_ns last_receive_at, last_send_at, last_data_receive_at;
    struct rtt_folded rtt;
    struct cwv_folded cwv;
    struct receive_window_folded receive_window;
    struct ack_policy_folded ack_policy;
    seqnum iss, irs, snd_nxt, rcv_nxt, snd_wl1, snd_wl2;
    uint32_t snd_wnd, snd_wnd_max;
    uint32_t ts_recent, ts_offset;
    uint32_t ts_recent_at; /* fold_age */
    uint32_t cwnd, ssthresh, cwnd_used;
    uint32_t send_buffer_bytes, path_mtu;
    uint32_t segments_out, segments_in, data_segments_out, data_segments_in;
    uint32_t chrono_ticks[3];
    uint16_t peer_mss, snd_mss, rcv_mss;
    uint8_t options_bytes, min_ttl, soft_error, fast_open_fail;
    uint8_t reordering_segments, reordering_persist;
    uint8_t reordering_multiplier : 7, reordering_seen : 1;
    uint8_t port_flags : 5, connect_state : 3;
    uint8_t snd_wscale : 4, bound_address : 2, repair_queue : 2;
    bool ts_on : 1, sack_on : 1, wscale_on : 1;
    bool accepted : 1, bound : 1, port_reserved : 1, port_fixed : 1;
    bool send_buffer_fixed : 1, receive_buffer_fixed : 1;
    bool path_narrow : 1, cwnd_limited : 1, out_of_room : 1, more_coming : 1, force_partial : 1, shut_read : 1;
    bool syn_fast_open : 1, syn_experimental : 1, syn_data : 1, syn_data_acked : 1;
    bool fast_open_child : 1, fast_open_probe : 1, writer_waits : 1;
    bool forward_counted : 1;
};

struct tcp_handle {
    struct tcpip_endpoint base;
    struct demux_entry demux; /* flow; linked while connected or connecting */
    struct tcp_endpoint *ep;  /* NULL: folded */
    union {
        struct tcpip_timer timer; /* with an endpoint: the one node on the wheel */
        struct tcp_folded folded; /* without */
    };
};

/* The endpoint; NULL: folded. */
static inline struct tcp_endpoint *tcp_of(struct tcpip_endpoint *endpoint)
{
    return TCPIP_CONTAINER_OF(endpoint, struct tcp_handle, base)->ep;
}
static inline const struct tcp_endpoint *tcp_of_const(const struct tcpip_endpoint *endpoint)
{
    return ((const struct tcp_handle *)(const void *)((const char *)endpoint - offsetof(struct tcp_handle, base)))->ep;
}
static inline struct tcp_endpoint *tcp_of_entry(const struct demux_entry *entry)
{
    return ((const struct tcp_handle *)(const void *)((const char *)entry - offsetof(struct tcp_handle, demux)))->ep;
}

#endif
