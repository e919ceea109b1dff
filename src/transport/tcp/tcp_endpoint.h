// SPDX-License-Identifier: MIT
/* tcp_endpoint.h: the TCP endpoint and what is around it, for TCP's hands only. Organs never include it. What the hands
 * do is in tcp.h.
 *
 * An endpoint has three parts. Its handle is what others point at: the application, the demultiplexer, the timers'
 * wheel. The endpoint proper is what the hands work on. A hot block is there while data are in flight or out of order
 * and for a while after. TIME-WAIT and SYN-RECEIVED of a listener are compact records with an entry of the
 * demultiplexer of their own. */
#ifndef TCPIP_SRC_TCP_TCP_ENDPOINT_H
#define TCPIP_SRC_TCP_TCP_ENDPOINT_H

#include "base/math.h"
#include "stack/error_queue.h"
#include "stack/option_block.h"
#include "stack/pmtu.h"
#include "stack/reply_limit.h"
#include "stack/route.h"
#include "transport/endpoint_address.h"
#include "transport/tcp/ack_policy.h"
#include "transport/tcp/chrono.h"
#include "transport/tcp/cwv.h"
#include "transport/tcp/ecn.h"
#include "transport/tcp/fast_open.h"
#include "transport/tcp/forward_source.h"
#include "transport/tcp/isn.h"
#include "transport/tcp/mtu_claim.h"
#include "transport/tcp/pacer.h"
#include "transport/tcp/plpmtud.h"
#include "transport/tcp/rack.h"
#include "transport/tcp/rate.h"
#include "transport/tcp/reassembly.h"
#include "transport/tcp/receive_window.h"
#include "transport/tcp/recovery.h"
#include "transport/tcp/rtt.h"
#include "transport/tcp/send_queue.h"
#include "transport/tcp/signature.h"
#include "transport/tcp/tcp_handle.h"
#include "transport/tcp/tlp.h"
#include <tcpip/congestion.h>
#include <tcpip/forward.h>
#include <tcpip/header/tcp.h>
#include <tcpip/ports.h>

enum tcp_demux_kind {
    TCP_DEMUX_ENDPOINT,
    TCP_DEMUX_HALF_OPEN,
    TCP_DEMUX_DEFERRED, /* a SYN that the forwarder hasn't decided on */
    TCP_DEMUX_TIME_WAIT,
    TCP_DEMUX_FOLDED, /* an endpoint at rest (tcp_fold.h) */
    TCP_DEMUX_FROZEN, /* an endpoint that stands still to be saved: what comes for it is lost */
};

enum {
    TCP_MSS_DEFAULT_V4 = 536, /* RFC 9293 MUST-15 */
    TCP_MSS_DEFAULT_V6 = 1220,
    TCP_MSS_MIN = 48,                        /* smaller ones are taken for attacks on our packet rate */
    TCP_CLAMP_MIN = 1152,                    /* of a window, as Linux: less than a scale can say would be none at all */
    TCP_SUPER_SEGMENT_MAX = 65535 - 60 - 60, /* payload of one packet, headers at their largest */
    TCP_HALF_OPEN_LEVELS = 8,                /* SYN-ACK backoff: 1 2 4 8 16 32 64 120 s */
};

/* What waits in one connection; tcp_timers.c has the table. */
enum tcp_timer {
    TCP_TIMER_REORDER, /* these two come before the retransmission timer when they fall due together: they put it off */
    TCP_TIMER_PROBE,
    TCP_TIMER_RETRANSMIT,
    TCP_TIMER_PERSIST,
    TCP_TIMER_DELAYED_ACK,
    TCP_TIMER_KEEPALIVE,
    TCP_TIMER_USER_TIMEOUT,
    TCP_TIMER_FIN_WAIT_2,
    TCP_TIMER_CORK,
    TCP_TIMER_PACING,
    TCP_TIMER_IDLE, /* give the hot block back, and the endpoint */
    TCP_TIMER_COUNT
};

/* While data are in flight or out of order, and one idle timeout longer. */
/* What was sent again without a record of its own, and when: it goes once. */
struct tcp_torn {
    bool is;
    uint8_t timeouts; /* in a row, then */
    seqnum seq, una;  /* it, and what was the first unacknowledged number */
};

struct tcp_hot {
    struct scoreboard board;
    struct recovery recovery;
    struct rack rack;
    struct tlp tlp;
    struct rate rate;
    struct pacer pacer;
    struct mtu_claim mtu_claim;
    struct reassembly reassembly;
    seqnum hole;      /* while something waits above it: rcv_nxt when the first hole opened, */
    uint32_t hole_ts; /* and TS.Recent then */
    struct tcp_torn torn;
    uint64_t congestion_state[TCPIP_CONGESTION_STATE_BYTES / 8];
};

struct tcp_urgent;
struct tcp_listener;

/* What Fast Open keeps beside an endpoint: of a child until its SYN-ACK is acknowledged, of a listener its own keys. */
struct tcp_fast_open {
    struct tcpip_list_node node;   /* child: on tcp_listener.fast_open_children */
    struct tcp_endpoint *listener; /* child: NULL when it is gone */
    tcpip_ns syn_ack_at;           /* child: when the SYN-ACK went out first */
    bool renew, experimental;      /* child: that SYN-ACK brings a new cookie, in the form that was asked in */
    struct fast_open_keys keys;    /* listener */
};

/* What bind said of the address; a connection's own is in its flow. */
enum tcp_bound_address {
    TCP_BOUND_NONE,
    TCP_BOUND_ANY_V4,
    TCP_BOUND_ANY_V6,
    TCP_BOUND_FIXED, /* kept until close */
};

/* What connect has to tell. */
enum tcp_connect_state {
    TCP_CONNECT_NONE,
    TCP_CONNECT_PENDING,
    TCP_CONNECT_SUCCEEDED, /* and connect hasn't said so yet */
    TCP_CONNECT_TOLD,
    TCP_CONNECT_FAILED,
    TCP_CONNECT_SPOILT, /* failed, and shut down before connect could say so: nothing but close helps */
};

struct tcp_endpoint {
    /* in its handle (tcp_handle.h) */
    struct tcpip_endpoint *base;
    struct demux_entry *demux;
    struct tcpip_timer *timer;

    struct tcpip_route route;
    struct option_block *options;      /* NULL: the stack's */
    struct tcp_listener *listener;     /* while in LISTEN */
    struct tcp_hot *hot;               /* NULL: idle */
    struct plpmtud *search;            /* for the path's MTU; NULL: what the route and ICMP say is right */
    struct tcp_saved_syn *saved_syn;   /* of an accepted endpoint; NULL: none */
    struct signature *signature;       /* NULL: no keys */
    struct tcpip_list_node queue_node; /* in the accept queue, or among the dead to be freed */

    /* identity */
    uint8_t state;          /* enum tcpip_tcp_state; written by tcp_state.c only */
    bool bound;             /* has a port that connect and listen use */
    bool port_reserved;     /* port_key is held with the port manager */
    bool port_fixed;        /* bound to a port by number: kept until close */
    uint8_t bound_address;  /* enum tcp_bound_address */
    bool dead;              /* off the network; freed when the application has closed it too */
    bool orphan;            /* closed by the application: base.closed_by_user */
    bool accepted;          /* passively opened */
    uint8_t min_ttl;        /* the option, where every segment is judged by it */
    uint8_t connect_state;  /* enum tcp_connect_state */
    uint8_t fast_open_fail; /* enum tcpip_tcp_fast_open_fail */
    struct tcpip_port_key port_key;
    uint8_t error;      /* enum tcpip_error: pending hard error, for the next call or the ERROR option */
    uint8_t soft_error; /* latest ICMP error that may pass */

    /* Fast Open (tcp_fast_open.c) */
    bool syn_deferred : 1;     /* connect waits for the first write: no SYN was sent */
    bool syn_fast_open : 1;    /* our first SYN has the option, ... */
    bool syn_experimental : 1; /* ... in its experimental form */
    bool syn_data : 1;         /* our first SYN has data */
    bool syn_data_acked : 1;
    bool syn_ack_pending : 1;        /* a child whose SYN-ACK isn't acknowledged: data flow all the same */
    bool fast_open_child : 1;        /* it was one */
    bool fast_open_probe : 1;        /* opened after a pause: its data end all pauses */
    bool writer_waits : 1;           /* data follow as soon as the handshake is done */
    bool forward_pending : 1;        /* accepted for the forwarder's owner, in SYN-RECEIVED (tcp_forward.c) */
    bool forward_counted : 1;        /* with its source, as pending or else as open */
    bool repair : 1;                 /* being taken apart or made anew by hand (tcp_repair.c) */
    uint8_t repair_queue : 2;        /* enum tcp_repair_queue */
    uint32_t path_mtu;               /* that snd_mss was made from */
    struct tcp_fast_open *fast_open; /* NULL: neither child nor keys */
    struct tcp_urgent *urgent;       /* NULL: there never was a mark */

    /* negotiated */
    bool ts_on, sack_on, wscale_on;
    uint8_t snd_wscale;
    uint16_t peer_mss;      /* from its SYN */
    uint16_t snd_mss;       /* payload of a full segment, options taken off */
    uint16_t rcv_mss;       /* estimate of the peer's segment size, for ACK decisions */
    bool path_narrow : 1;   /* narrower than is believed: routers have to fragment (stack/pmtu.h) */
    uint16_t options_bytes; /* fixed options of a data segment: timestamps, signature */

    /* send: RFC 9293 3.3.1 */
    seqnum iss, snd_una, snd_nxt, snd_wl1, snd_wl2;
    uint32_t snd_wnd, snd_wnd_max;
    seqnum snd_small; /* end of the last partial segment sent (Nagle as Minshall meant it) */
    struct send_queue send_queue;
    uint32_t send_buffer_bytes;
    bool send_buffer_fixed, receive_buffer_fixed; /* set by option: no auto-tuning */
    bool fin_queued, fin_sent, fin_acked;
    struct tcp_reordering reordering; /* while there is no hot block */
    uint32_t more_bytes;              /* the last so many written were so with the word that more is coming */
    bool more_coming;                 /* the last write said so */
    bool force_partial;               /* the cork's time is over: what there is goes */
    /* How much of cwnd was used, for a window of data: until cwnd_used_until is acknowledged (RFC 7661's sense) */
    bool cwnd_limited;
    seqnum cwnd_used_until;
    uint32_t cwnd_used;       /* the most that was outstanding, if it wasn't limited */
    bool out_of_room;         /* the last write found or left no Out: it is news when there is */
    bool zero_advertised;     /* the last window we told was zero */
    bool ack_now;             /* an ACK goes out at flush */
    uint8_t retransmit_count; /* timeouts in a row */
    uint8_t probe_count, keepalive_count;
    uint16_t timeouts, timeout_episodes; /* for tcp_info; they stop at 65535 */
    struct rtt rtt;
    struct tcpip_congestion congestion;
    struct ecn ecn;
    uint32_t timeout_ms; /* that episodes of timeouts lasted, those that are over */
    struct cwv cwv;      /* with CWND_VALIDATION */

    /* receive */
    seqnum irs, rcv_nxt;
    uint32_t ts_recent; /* TS.Recent (RFC 7323 4.3) */
    uint32_t ts_offset;
    tcpip_ns ts_recent_at;
    seqnum last_ack_sent;      /* Last.ACK.sent */
    uint32_t timeout_since_ms; /* while retransmit_count isn't 0: since when, low bits */
    struct receive_queue receive_queue;
    struct receive_window receive_window;
    struct ack_policy ack_policy;
    seqnum fin_seq;              /* of the peer's FIN, valid if fin_seen */
    bool fin_seen, fin_received; /* it came (maybe early); it is in order */
    bool shut_read, shut_write;
    tcpip_ns last_receive_at, last_send_at, last_data_receive_at;
    tcpip_ns challenge_at;      /* earliest instant of the next rate-limited ACK */
    tcpip_ns user_timeout_from; /* since when the oldest unacknowledged data waits */

    /* timers */
    tcpip_ns deadlines[TCP_TIMER_COUNT];

    /* counted for tcp_info */
    struct chrono chrono;
    uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
    uint32_t segments_out, segments_in, data_segments_out, data_segments_in;
    uint32_t total_retransmits, dsack_duplicates, out_of_order_segments, reorderings;
};

/* Who signed a segment that came in: an answer is signed likewise. */
struct tcp_proof {
    struct signature_key *key;    /* NULL: it isn't signed */
    struct signature_key *reply;  /* that it asked for, if we have it, else the same. AO has also: */
    seqnum local_isn, remote_isn; /* of the connection that it says it is of */
    uint64_t local_at;            /* near what we would send */
};

/* A parsed inbound segment. */
struct tcp_segment {
    struct tcpip_packet *packet;
    const uint8_t *header;
    struct flow flow;
    seqnum seq, ack;
    uint32_t length;         /* payload */
    uint32_t payload_offset; /* in the packet */
    uint32_t window;         /* as on the wire */
    uint16_t flags;
    uint16_t wire_segments; /* 1, or how many were merged */
    tcpip_ns now;
    bool has_iss_above; /* a TIME-WAIT made way for this SYN: our ISN must be above */
    seqnum iss_above;
    bool has_ts;
    uint32_t ts_val, ts_ecr;
    struct tcp_proof proof;
    struct tcpip_tcp_options options; /* parsed unless fast */
};

/* What a listener has beside its endpoint. */
struct tcp_listener {
    struct demux_listener demux;
    struct list queue; /* established, not accepted: tcp_endpoint.queue_node */
    uint32_t queued, backlog;
    uint32_t half_open;
    tcpip_ns cookies_until;
    uint32_t fast_open_max;         /* unfinished Fast Opens at a time; 0: none */
    uint32_t fast_open_count;       /* now */
    struct list fast_open_children; /* tcp_fast_open.node */
    struct fast_open_penalty fast_open_penalty;
};

/* Headers of a SYN. */
struct tcp_saved_syn {
    uint16_t bytes, room;
    uint8_t data[];
};

/* A connection in SYN-RECEIVED that came from a listener or the forwarder. */
struct tcp_half_open {
    struct demux_entry demux;
    struct tcpip_list_node node;   /* on tcp_stack.half_open[level], oldest first */
    struct tcp_endpoint *listener; /* NULL: the forwarder's */
    uint32_t sent_us;              /* low bits of the instant of the latest SYN-ACK */
    uint32_t answered_us;          /* and of that of the latest answer to a segment that opened nothing; 0: none */
    seqnum iss, irs;
    uint32_t ts_recent;
    uint16_t peer_mss;
    int8_t peer_scale; /* -1: none */
    uint8_t level;     /* SYN-ACKs sent again */
    bool sack : 1, ts : 1;
    bool forwarded : 1;                  /* counted in forward_in_flight */
    bool counted : 1;                    /* with its source (forward_source.h) */
    bool acked : 1;                      /* DEFER_ACCEPT: the third segment came, without data */
    bool wide : 1;                       /* with the SYN's headers: struct tcp_half_open_wide */
    bool syn_again : 1, syn_plain : 1;   /* AccECN: the SYN came again; one, or a SYN-ACK, had no flags */
    uint8_t ecn_mode : 2, syn_point : 2; /* enum ecn_mode, ecn_point */
    uint8_t signature : 2;               /* enum signature_kind: how its SYN was signed, with AO by the keys: */
    uint8_t ao_send_id, ao_receive_id;   /* that we send with, that we ask for */
};
/* Its share of the demultiplexer's table is 16 bytes at most: 128 is what a SYN may cost. */
STATIC_ASSERT(sizeof(struct tcp_half_open) <= 112);

/* SAVE_SYN. */
struct tcp_half_open_wide {
    struct tcp_half_open half;
    struct tcp_saved_syn *saved_syn; /* NULL: there was no memory for it */
};

/* Per-stack state of TCP. */
struct tcp_stack {
    struct tcpip_stack *stack;
    struct pool handles, endpoints, hots, records, send_chunks, receive_chunks, time_waits;
    struct pool half_opens, half_opens_wide, fast_opens, searches;
    /* connections at rest */
    struct pool folded_extras, folded_timers;
    struct list folded_closed; /* tcpip_endpoint.ready: their application has closed them, without memory to do it */
    struct tcpip_timer folded_retry;
    struct fast_open_keys fast_open_keys;
    struct fast_open_cache fast_open_cache;
    struct fast_open_pause fast_open_pause;
    /* The timestamp offset found last: a handshake asks for it twice, and a client of one server always for the same.
     */
    struct {
        struct siphash_key secret; /* the stack's, then */
        uint8_t local[16], remote[16];
        uint32_t offset;
    } offset_found;
    bool unpredicted; /* tests: every segment goes the long way, in and out */
    struct list dead; /* endpoints to free at the end of the turn */
    struct deferred reap;
    /* SYN-RECEIVED records, by backoff level; each list is in order of expiry */
    struct list half_open[TCP_HALF_OPEN_LEVELS];
    struct tcpip_timer half_open_timer;
    uint32_t half_open_count;
    /* TIME-WAIT records in order of expiry */
    struct list time_wait;
    struct tcpip_timer time_wait_timer;
    uint32_t time_wait_count;
    struct reply_limit resets, syn_acks; /* to whom no connection is; SYN-ACKs sent again unasked */
    /* the forwarder */
    struct tcpip_tcp_forwarder forwarder;
    bool has_forwarder;
    uint32_t forward_in_flight;
    struct forward_sources forward_sources;
    struct pool forward_requests;
    struct list forward_deferred; /* oldest first; all wait equally long */
    struct tcpip_timer forward_timer;
    struct list forward_ready; /* established, to be handed to on_connection */
    struct deferred forward_run;
};

static inline struct tcp_stack *tcp_stack_of(struct tcpip_stack *stack)
{
    const struct transport_slot *first = &stack->transport[0]; /* where it mostly is */
    return likely(first->number == TCPIP_PROTOCOL_TCP) ? first->state
                                                       : tcpip__stack_transport_state(stack, TCPIP_PROTOCOL_TCP);
}
static inline int64_t tcp_option(const struct tcp_endpoint *ep, enum tcpip_option option)
{
    return option_get(ep->base->stack, ep->options, option);
}
static inline struct rtt_bounds tcp_rtt_bounds(const struct tcp_endpoint *ep)
{
    return (struct rtt_bounds){.min_rto_ns = tcp_option(ep, TCPIP_OPTION_MIN_RTO),
                               .max_rto_ns = tcp_option(ep, TCPIP_OPTION_MAX_RTO),
                               .initial_rto_ns = tcp_option(ep, TCPIP_OPTION_INITIAL_RTO)};
}
static inline struct address_context tcp_address_context(const struct tcp_endpoint *ep)
{
    return (struct address_context){.stack = ep->base->stack,
                                    .options = ep->options,
                                    .network = ep->base->network,
                                    .transport = TCPIP_PROTOCOL_TCP,
                                    .groups = true};
}
/* WINDOW_CLAMP as it counts; 0: off. */
static inline uint32_t tcp_window_clamp(int64_t option)
{
    return option > 0 ? (uint32_t)clamp_i64(option, TCP_CLAMP_MIN, UINT32_MAX) : 0;
}
static inline struct tcpip_stats_tcp *tcp_stats(const struct tcp_endpoint *ep)
{
    return &ep->base->stack->stats.tcp;
}
static inline enum ecn_point tcp_ecn_point(const struct tcp_segment *segment)
{
    return (enum ecn_point)(segment->packet->network.tos & 3);
}
static inline bool tcp_is_v4(const struct tcp_endpoint *ep)
{
    return address_is_v4(ep->demux->flow.remote);
}
/* RFC 9293 3.3.2: ESTABLISHED and everything after the handshake; and a Fast Open child, which needn't wait for its end
 * (RFC 7413 4.2.2). */
static inline bool tcp_synchronized(const struct tcp_endpoint *ep)
{
    return ep->state >= TCPIP_TCP_ESTABLISHED || ep->syn_ack_pending;
}
/* States in which data may still be sent: or retransmitted. */
static inline bool tcp_can_transmit(const struct tcp_endpoint *ep)
{
    return tcp_synchronized(ep) && ep->state != TCPIP_TCP_FIN_WAIT_2 && ep->state != TCPIP_TCP_TIME_WAIT;
}
/* Are losses judged by time (rack.h)? Without SACK nothing says what has arrived. */
static inline bool tcp_rack(const struct tcp_endpoint *ep)
{
    return ep->sack_on && (tcp_option(ep, TCPIP_OPTION_RACK) & RACK_ON) != 0;
}
static inline uint32_t tcp_in_flight(const struct tcp_endpoint *ep)
{
    return ep->hot == NULL ? 0 : scoreboard_in_flight(&ep->hot->board);
}
/* Bytes written and never sent. */
static inline uint32_t tcp_unsent(const struct tcp_endpoint *ep)
{
    uint32_t sent = seq_size(ep->snd_una, ep->snd_nxt) - (ep->fin_sent && !ep->fin_acked ? 1 : 0);
    return ep->send_queue.bytes - sent;
}
/* Bytes of the stream that its application has written. */
static inline uint64_t tcp_bytes_written(const struct tcp_endpoint *ep)
{
    return ep->bytes_acked + ep->send_queue.bytes;
}
static inline bool tcp_signs(const struct tcp_endpoint *ep)
{
    return unlikely(ep->signature != NULL) && ep->signature->kind != SIGNATURE_NONE;
}
static inline bool tcp_listener_full(const struct tcp_endpoint *listener)
{
    return listener != NULL && listener->listener->queued > listener->listener->backlog;
}
/* What the receive window has to leave out of its buffer: what waits to be read, and what memory can't be had for. */
static inline uint32_t tcp_receive_taken(const struct tcp_endpoint *ep)
{
    uint32_t buffer = ep->receive_window.buffer_bytes;
    return ep->receive_queue.bytes + (buffer - stack_lean_buffer(ep->base->stack, buffer, 2 * ep->rcv_mss));
}
static inline bool tcp_timer_on(const struct tcp_endpoint *ep, enum tcp_timer timer)
{
    return ep->deadlines[timer] != TCPIP_NEVER;
}

#endif
