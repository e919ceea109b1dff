// SPDX-License-Identifier: MIT
/* tcp_open.c: active and simultaneous open, and what both SYNs agree on (RFC 9293 3.5, 3.10.7.3).
 *
 * Options in a SYN are an offer, those in the SYN-ACK what is taken of it. Everything that follows from the agreement
 * (segment size, windows, controller, organs) is set up in one place for active and passive opens:
 * tcpip__tcp_negotiate.
 *
 * Owns:     iss, irs, the negotiated options, connect_state.
 * Not here: passive opens up to the third segment (tcp_half_open.c). */
#include "ports/ports.h"
#include "stack/shard.h"
#include "transport/tcp/tcp_clock.h"
#include "transport/tcp/tcp_mtu.h"
#include "transport/tcp/tcp_urgent.h"

/* ---- SYN and SYN-ACK ---- */

size_t tcpip__tcp_syn_options(uint8_t *out, uint16_t mss, bool sack, int scale, bool ts, uint32_t ts_val,
                              uint32_t ts_ecr, const struct fast_open_cookie *cookie, const struct signing *signing)
{
    struct tcpip_tcp_options options;
    options.present = TCPIP_TCP_HAS_MSS;
    options.mss = mss;
    if (sack)
        options.present |= TCPIP_TCP_HAS_SACK_PERMITTED;
    if (scale >= 0) {
        options.present |= TCPIP_TCP_HAS_WINDOW_SCALE;
        options.window_scale = (uint8_t)scale;
    }
    if (ts) {
        options.present |= TCPIP_TCP_HAS_TIMESTAMPS;
        options.ts_val = ts_val;
        options.ts_ecr = ts_ecr;
    }
    if (cookie != NULL) {
        options.present |= TCPIP_TCP_HAS_FAST_OPEN;
        if (cookie->experimental)
            options.present |= TCPIP_TCP_HAS_FAST_OPEN_EXP;
        options.fast_open_bytes = cookie->size;
        memcpy(options.fast_open, cookie->bytes, sizeof(cookie->bytes));
    }
    if (signing != NULL)
        signature_reserve(signing, &options);
    return tcpip_tcp_options_emit(out, &options);
}

static bool signed_by_md5(const struct signing *signing)
{
    return signing != NULL && signing->key->kind == SIGNATURE_MD5;
}

size_t tcpip__tcp_syn_ack_accecn(uint8_t *options, size_t bytes)
{
    enum { BYTES = 12 };
    struct tcpip_tcp_options accecn = {.present = TCPIP_TCP_HAS_ACCECN,
                                       .accecn_kind = TCPIP_TCP_OPTION_ACCECN0,
                                       .accecn_count = 3,
                                       .accecn = {ECN_COUNTER_INITIAL, 0, ECN_COUNTER_INITIAL}};
    return bytes + BYTES <= TCPIP_TCP_OPTIONS_MAX ? bytes + tcpip_tcp_options_emit(options + bytes, &accecn) : bytes;
}

/* AccECN: the second repetition goes without flags, which may be what the path drops; the mode stays, but nothing is
 * marked then (RFC 9768 3.1.5, 3.2.3.2.2). */
static uint16_t syn_ack_ecn(struct tcp_endpoint *ep)
{
    if (ep->ecn.mode == ECN_ACCURATE && ep->retransmit_count > 1) {
        ep->ecn.send_ect = false;
        return 0;
    }
    return tcpip__ecn_syn_ack_flags((enum ecn_mode)ep->ecn.mode, (enum ecn_point)ep->ecn.syn_point);
}

void tcpip__tcp_send_syn(struct tcp_endpoint *ep)
{
    struct tcpip_stack *stack = ep->base->stack;
    if (!tcpip__tcp_route(ep))
        return; /* the timer tries again */
    tcpip_ns now = tcpip__stack_now(stack);
    bool answer = ep->state != TCPIP_TCP_SYN_SENT;
    bool scaling = answer ? ep->wscale_on : tcp_option(ep, TCPIP_OPTION_WINDOW_SCALING) != 0;
    struct signing own;
    const struct signing *signing =
        tcpip__tcp_signing(ep, ep->iss, answer ? TCPIP_TCP_SYN | TCPIP_TCP_ACK : TCPIP_TCP_SYN, &own) ? &own : NULL;
    /* Beside MD5 there is no room for SACK blocks and timestamps, and SACK is worth more (as Linux). */
    bool ts = answer ? ep->ts_on : tcp_option(ep, TCPIP_OPTION_TIMESTAMPS) != 0 && !signed_by_md5(signing);
    bool sack = answer ? ep->sack_on : tcp_option(ep, TCPIP_OPTION_SACK) != 0;
    uint16_t ecn = answer ? syn_ack_ecn(ep) : 0;
    if (!answer)
        ecn = tcpip__ecn_syn_flags((enum ecn_option)tcp_option(ep, TCPIP_OPTION_ECN),
                                   tcpip__tcp_congestion_ops(ep)->needs_ecn, ep->retransmit_count);
    if (!answer && !ecn_asked_accurate(&ep->ecn))
        ep->ecn.asked = ecn; /* who asked for accurate counts once may get them (RFC 9768 3.1.4.1) */
    uint8_t options[TCPIP_TCP_OPTIONS_MAX];
    uint16_t mss =
        tcpip__tcp_advertised_mss(&ep->route, ep->demux->flow.remote, tcp_option(ep, TCPIP_OPTION_MAX_SEGMENT));
    /* As Linux: a peer behind a narrow path isn't asked to fill wide segments. */
    uint32_t path = tcpip__pmtu_get(&ep->route, ep->demux->flow.remote), headers = tcp_is_v4(ep) ? 40 : 60;
    mss = (uint16_t)min_u32(mss, max_u32(sat_sub_u32(path, headers), TCP_MSS_MIN));
    struct fast_open_cookie cookie;
    bool fast_open = tcpip__tcp_fast_open_option(ep, &cookie);
    size_t bytes = tcpip__tcp_syn_options(options, mss, sack, scaling ? ep->receive_window.scale : -1, ts,
                                          timestamp_clock(now, ep->ts_offset), answer ? ep->ts_recent : 0,
                                          fast_open ? &cookie : NULL, signing);
    if (answer && ep->ecn.mode == ECN_ACCURATE && ep->retransmit_count == 0 && !ep->ecn.syn_again)
        bytes = tcpip__tcp_syn_ack_accecn(options, bytes);
    /* Data go with the first SYN only: what doesn't like them gets none next time. */
    bool data = ep->syn_data && !answer && ep->retransmit_count == 0;
    struct tcp_bare_segment syn = {
        .flow = &ep->demux->flow,
        .seq = ep->iss,
        .ack = answer ? ep->rcv_nxt : seq(0),
        .flags = answer ? (TCPIP_TCP_SYN | TCPIP_TCP_ACK) | ecn : TCPIP_TCP_SYN | ecn,
        .window = (uint16_t)tcpip__receive_window_advertise(&ep->receive_window, ep->rcv_nxt, ep->receive_queue.bytes,
                                                            mss, true),
        .options = options,
        .options_bytes = bytes,
        .ttl = (uint8_t)tcp_option(ep, TCPIP_OPTION_TTL),
        .tos = (uint8_t)tcp_option(ep, TCPIP_OPTION_TOS),
        .data = data ? &ep->send_queue : NULL,
        .data_bytes = data ? seq_size(ep->iss, ep->snd_nxt) - 1 : 0,
        .signing = signing,
    };
    ep->last_send_at = now;
    ep->segments_out++;
    if (answer)
        ep->last_ack_sent = ep->rcv_nxt;
    (void)tcpip__tcp_output_bare(stack, &ep->route, &syn);
}

void tcpip__tcp_prepare(struct tcp_endpoint *ep, tcpip_ns now)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct rtt_bounds rtt = tcp_rtt_bounds(ep);
    struct ack_bounds ack;
    tcpip__tcp_ack_bounds(ep, &ack);
    tcpip__rtt_init(&ep->rtt, &rtt);
    tcpip__ack_policy_init(&ep->ack_policy, &ack);
    uint8_t scale =
        tcpip__receive_window_scale(max_u32(ep->receive_window.buffer_bytes, stack->limits.tcp_receive_buffer_max));
    uint32_t clamp = tcp_window_clamp(tcp_option(ep, TCPIP_OPTION_WINDOW_CLAMP));
    tcpip__receive_window_init(&ep->receive_window, seq(0), ep->receive_window.buffer_bytes, scale, now);
    ep->receive_window.clamp = clamp;
    ep->ts_offset = tcp_timestamp_offset(stack, ep->demux->flow.local, ep->demux->flow.remote);
    ep->snd_una = ep->iss;
    ep->snd_nxt = seq_add(ep->iss, 1);
    ep->snd_small = ep->cwnd_used_until = ep->snd_una;
    ep->retransmit_count = ep->probe_count = ep->keepalive_count = 0;
    ep->timeouts = ep->timeout_episodes = 0;
    ep->timeout_ms = 0;
    ep->fin_queued = ep->fin_sent = ep->fin_acked = ep->fin_seen = ep->fin_received = false;
    ep->snd_wnd = ep->snd_wnd_max = 0;
    ep->rcv_nxt = ep->last_ack_sent = seq(0);
    ep->ecn = (struct ecn){0};
    ep->cwv = (struct cwv){0};
    ep->soft_error = TCPIP_OK;
    tcpip__tcp_urgent_free(ep);
    ep->last_receive_at = ep->last_data_receive_at = now;
    ep->total_retransmits = 0;
    ep->chrono = (struct chrono){0};
    ep->syn_deferred = ep->syn_fast_open = ep->syn_experimental = ep->syn_data = ep->syn_data_acked = false;
    ep->fast_open_probe = ep->writer_waits = false;
    ep->fast_open_fail = TCPIP_FAST_OPEN_FAIL_NONE;
}

void tcpip__tcp_negotiate(struct tcp_endpoint *ep, const struct tcp_negotiated *negotiated, tcpip_ns now)
{
    bool v4 = tcp_is_v4(ep);
    ep->irs = negotiated->irs;
    ep->last_data_receive_at = now; /* the age of data is told from here on, as in Linux */
    ep->rcv_nxt = ep->last_ack_sent = seq_add(negotiated->irs, 1);
    ep->peer_mss = negotiated->peer_mss != 0 ? max_u32(negotiated->peer_mss, TCP_MSS_MIN) & 0xffff
                   : v4                      ? TCP_MSS_DEFAULT_V4
                                             : TCP_MSS_DEFAULT_V6;
    ep->wscale_on = negotiated->peer_scale >= 0;
    ep->snd_wscale = ep->wscale_on ? (uint8_t)negotiated->peer_scale : 0;
    if (!ep->wscale_on)
        ep->receive_window.scale = 0;
    ep->sack_on = negotiated->sack;
    ep->ts_on = negotiated->ts;
    ep->ts_recent = negotiated->ts_recent;
    ep->ts_recent_at = now;
    tcpip__tcp_signature_connected(ep);
    tcpip__tcp_signature_changed(ep);
    (void)tcpip__tcp_route(ep);
    (void)tcpip__tcp_update_mss(ep);
    ep->rcv_mss = (uint16_t)min_u32(TCP_MSS_DEFAULT_V4, ep->snd_mss);
    /* What the SYN offered was unscaled and stays offered; the organ starts from there. */
    uint32_t clamp = ep->receive_window.clamp;
    uint32_t offered =
        min_u32(clamp != 0 ? min_u32(ep->receive_window.buffer_bytes, clamp) : ep->receive_window.buffer_bytes, 65535);
    ep->receive_window.advertised = seq_add(ep->rcv_nxt, offered);
    ep->receive_window.rtt_seq = ep->receive_window.advertised;
    ep->receive_window.rtt_at = now;
    tcpip__ack_policy_quick(&ep->ack_policy, 16);
    if (ep->accepted)
        tcpip__ecn_accepted(&ep->ecn, (enum ecn_mode)negotiated->ecn_mode, (enum ecn_point)negotiated->syn_point);
    ep->ecn.send_ect = ep->ecn.send_ect && !negotiated->no_ect;
    tcpip__tcp_congestion_start(ep, ep->congestion.ops);
    if (ep->ecn.mode != ECN_OFF)
        tcp_stats(ep)->ecn_negotiated++;
    if (ep->ecn.mode == ECN_ACCURATE)
        tcp_stats(ep)->accecn_negotiated++;
    /* RFC 5681 3.1: a lost SYN is a sign; RFC 6928 otherwise. */
    bool congested = ep->retransmit_count > 1 || ep->ecn.handshake_ce;
    uint32_t segments = congested ? 1 : (uint32_t)tcp_option(ep, TCPIP_OPTION_INITIAL_WINDOW);
    ep->ecn.handshake_ce = false;
    ep->congestion.cwnd = segments * ep->snd_mss;
    ep->congestion.ssthresh = TCPIP_SSTHRESH_INFINITE;
}

void tcpip__tcp_established(struct tcp_endpoint *ep)
{
    tcpip__tcp_event(ep, TCP_EVENT_ESTABLISHED);
    tcpip__tcp_timers_on_established(ep);
    if (ep->connect_state == TCP_CONNECT_PENDING)
        ep->connect_state = TCP_CONNECT_SUCCEEDED;
    ep->last_send_at = 0; /* nothing sent yet that idling could be measured from */
    endpoint_notify(ep->base, TCPIP_EVENT_OUT);
    endpoint_mark_dirty(ep->base);
    if (ep->fin_queued)
        tcpip__tcp_event(ep, TCP_EVENT_FIN_SENT);
}

/* ---- connect ---- */

/* The flow's remote side, as 16 bytes. */
static enum tcpip_error connect_remote(const struct tcp_endpoint *ep, const struct tcpip_full_address *address,
                                       const uint8_t *local, uint8_t *out)
{
    struct address_context context = tcp_address_context(ep);
    enum tcpip_error error = tcpip__address_remote(&context, &address->address, local, out);
    if (error != TCPIP_OK)
        return error;
    if (address_is_multicast(out))
        return TCPIP_ERR_NO_ROUTE;
    return TCPIP_OK;
}

struct connect_pick {
    struct tcp_endpoint *ep;
    struct flow *flow;
    seqnum iss_above;
    bool recycled;
};

/* May this port serve this destination? It may if nobody bound it and the four-tuple is free, or is a TIME-WAIT that
 * RFC 6191 lets go. */
static bool connect_port_free(void *ctx, uint16_t port)
{
    struct connect_pick *pick = ctx;
    struct tcpip_stack *stack = pick->ep->base->stack;
    struct tcpip_port_key key = {
        .transport = TCPIP_PROTOCOL_TCP, .port = port, .nic = pick->flow->nic, .flags = TCPIP_PORT_CONNECTION};
    memcpy(key.address, pick->flow->local, 16);
    pick->flow->local_port = port;
    if (!tcpip__shard_is_home(stack, TCPIP_PROTOCOL_TCP, pick->flow) ||
        !tcpip_port_manager_available(stack->ports, &key))
        return false;
    struct demux_entry *entry = tcpip__demux_find(stack, TCPIP_PROTOCOL_TCP, pick->flow, pick->flow->nic);
    if (entry == NULL)
        return true;
    pick->recycled = entry->node.kind == TCP_DEMUX_TIME_WAIT &&
                     tcpip__tcp_time_wait_recycle(stack, pick->ep, entry, &pick->iss_above);
    return pick->recycled;
}

static enum tcpip_error connect_port(struct tcp_endpoint *ep, struct connect_pick *pick)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct flow *flow = pick->flow;
    if (ep->bound) {
        flow->local_port = ep->port_key.port;
        struct demux_entry *entry = tcpip__demux_find(stack, TCPIP_PROTOCOL_TCP, flow, flow->nic);
        if (entry == NULL)
            return TCPIP_OK;
        if (entry->node.kind != TCP_DEMUX_TIME_WAIT ||
            !tcpip__tcp_time_wait_recycle(stack, NULL, entry, &pick->iss_above))
            return TCPIP_ERR_BAD_LOCAL_ADDRESS; /* EADDRNOTAVAIL, as Linux: the four-tuple is in use */
        pick->recycled = true;
        return TCPIP_OK;
    }
    struct {
        uint8_t local[16], remote[16];
        uint16_t port, zero;
    } tuple;
    memset(&tuple, 0, sizeof(tuple));
    memcpy(tuple.local, flow->local, 16);
    memcpy(tuple.remote, flow->remote, 16);
    tuple.port = flow->remote_port;
    uint64_t hash = tcpip__siphash(&stack->secret, &tuple, sizeof(tuple)); /* whose halves don't tell of each other */
    uint32_t tuple_hash = (uint32_t)hash, table_hash = (uint32_t)(hash >> 32);
    uint16_t port = 0;
    tcpip__port_manager_narrow(stack->ports, (uint32_t)tcp_option(ep, TCPIP_OPTION_PORT_RANGE));
    enum tcpip_error error =
        tcpip_port_manager_pick(stack->ports, tuple_hash, table_hash, connect_port_free, pick, &port);
    tcpip__port_manager_narrow(stack->ports, 0);
    flow->local_port = port;
    return error == TCPIP_OK ? TCPIP_OK : TCPIP_ERR_NO_PORT_AVAILABLE;
}

/* What connect answers in a state in which it can't begin: as Linux's, it tells once how the last attempt ended, and
 * where that was badly, or is over meanwhile, the endpoint may connect again. */
static enum tcpip_error connect_again(struct tcp_endpoint *ep)
{
    if (ep->syn_deferred)
        return TCPIP_ERR_ALREADY_CONNECTED; /* that is what it was told, though no SYN was sent */
    if (ep->state == TCPIP_TCP_SYN_SENT || ep->state == TCPIP_TCP_SYN_RECEIVED)
        return TCPIP_ERR_ALREADY_CONNECTING;
    if (ep->connect_state == TCP_CONNECT_SPOILT)
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    if (ep->connect_state != TCP_CONNECT_SUCCEEDED && ep->connect_state != TCP_CONNECT_FAILED)
        return TCPIP_ERR_ALREADY_CONNECTED;
    if (ep->state != TCPIP_TCP_CLOSED) {
        ep->connect_state = TCP_CONNECT_TOLD;
        return TCPIP_OK;
    }
    enum tcpip_error error = ep->error != TCPIP_OK ? (enum tcpip_error)ep->error : TCPIP_ERR_CONNECTION_ABORTED;
    ep->error = TCPIP_OK;
    tcpip__tcp_revive(ep);
    return error;
}

enum tcpip_error tcpip__tcp_connect_begin(struct tcp_endpoint *ep, const struct tcpip_full_address *address)
{
    struct tcpip_stack *stack = ep->base->stack;
    if (ep->state != TCPIP_TCP_CLOSED || ep->dead || ep->connect_state != TCP_CONNECT_NONE)
        return connect_again(ep);
    struct flow flow;
    memset(&flow, 0, sizeof(flow));
    if (ep->bound_address == TCP_BOUND_FIXED)
        memcpy(flow.local, ep->port_key.address, 16);
    enum tcpip_error error = connect_remote(ep, address, flow.local, flow.remote);
    if (error != TCPIP_OK)
        return error;
    if (!address_is_zero(flow.local) && address_is_v4(flow.local) != address_is_v4(flow.remote))
        return TCPIP_ERR_NETWORK_UNREACHABLE;
    uint32_t bound_nic = (uint32_t)tcp_option(ep, TCPIP_OPTION_BIND_TO_NIC);
    if (bound_nic == 0 && ep->bound)
        bound_nic = ep->port_key.nic;
    if (bound_nic != 0 && address->nic != 0 && address->nic != bound_nic)
        return TCPIP_ERR_NO_ROUTE;
    uint32_t nic = address->nic != 0 ? address->nic : bound_nic;
    tcpip__route_release(&ep->route);
    error = tcpip__route_find(stack, nic, flow.local, flow.remote, &ep->route);
    if (error != TCPIP_OK)
        return error;
    if (ep->route.kind == ROUTE_BROADCAST || ep->route.kind == ROUTE_MULTICAST) {
        tcpip__route_release(&ep->route);
        return TCPIP_ERR_NETWORK_UNREACHABLE;
    }
    flow.remote_port = address->port;
    flow.nic = address_is_link_local(flow.remote) ? ep->route.nic->id : bound_nic;
    struct connect_pick pick = {.ep = ep, .flow = &flow};
    error = tcpip__tcp_signature_begin(ep, &flow);
    if (error == TCPIP_OK)
        error = connect_port(ep, &pick);
    if (error == TCPIP_OK) {
        ep->demux->flow = flow;
        error = tcpip__demux_insert(stack, ep->demux);
    }
    if (error != TCPIP_OK) {
        tcpip__route_release(&ep->route);
        return error;
    }
    tcpip__tcp_port_connected(ep);
    tcpip_ns now = tcpip__stack_now(stack);
    ep->iss = tcpip__isn(&stack->secret, flow.local, flow.local_port, flow.remote, flow.remote_port,
                         tcp_wire_clock(stack, now));
    if (pick.recycled && seq_leq(ep->iss, pick.iss_above))
        ep->iss = seq_add(pick.iss_above, 65537);
    ep->irs = seq(0);
    tcpip__tcp_prepare(ep, now);
    tcpip__tcp_signature_connected(ep);
    ep->error = TCPIP_OK;
    tcpip__tcp_event(ep, TCP_EVENT_CONNECT);
    ep->connect_state = TCP_CONNECT_PENDING;
    stack->stats.tcp.active_connection_openings++;
    return TCPIP_OK;
}

enum tcpip_error tcpip__tcp_connect(struct tcp_endpoint *ep, const struct tcpip_full_address *address)
{
    seqnum snd_nxt = ep->snd_nxt, rcv_nxt = ep->rcv_nxt;
    uint32_t ts_offset = ep->ts_offset;
    enum tcpip_error error = tcpip__tcp_connect_begin(ep, address);
    if (error != TCPIP_OK || ep->state != TCPIP_TCP_SYN_SENT)
        return error; /* or it was connected already, and this was the call to say so */
    if (ep->repair) {
        tcpip__tcp_repair_connected(ep, snd_nxt, rcv_nxt, ts_offset);
        return TCPIP_OK;
    }
    if (tcpip__tcp_fast_open_defers(ep))
        return TCPIP_OK;
    tcpip__tcp_send_syn(ep);
    tcpip__tcp_timers_on_syn_sent(ep);
    return TCPIP_ERR_CONNECT_STARTED;
}

/* ---- SYN-SENT ---- */

static void negotiated_from_segment(const struct tcp_endpoint *ep, const struct tcp_segment *segment,
                                    struct tcp_negotiated *out)
{
    const struct tcpip_tcp_options *options = &segment->options;
    *out = (struct tcp_negotiated){.iss = ep->iss, .irs = segment->seq, .peer_scale = -1};
    if (options->present & TCPIP_TCP_HAS_MSS)
        out->peer_mss = options->mss;
    if ((options->present & TCPIP_TCP_HAS_WINDOW_SCALE) && tcp_option(ep, TCPIP_OPTION_WINDOW_SCALING) != 0)
        out->peer_scale = (int8_t)options->window_scale;
    out->sack = (options->present & TCPIP_TCP_HAS_SACK_PERMITTED) && tcp_option(ep, TCPIP_OPTION_SACK) != 0;
    /* What wasn't offered isn't agreed on. */
    out->ts = segment->has_ts && tcp_option(ep, TCPIP_OPTION_TIMESTAMPS) != 0 &&
              !(tcp_signs(ep) && ep->signature->kind == SIGNATURE_MD5);
    out->ts_recent = out->ts ? segment->ts_val : 0;
}

static void syn_sent_window(struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    ep->snd_wnd = segment->window; /* never scaled in a SYN (RFC 7323 2.2) */
    ep->snd_wnd_max = segment->window;
    ep->snd_wl1 = segment->seq;
    ep->snd_wl2 = segment->ack;
}

void tcpip__tcp_handshake_rtt(struct tcp_endpoint *ep, tcpip_ns sample_ns, bool sent_once,
                              const struct tcp_segment *segment)
{
    struct rtt_bounds bounds = tcp_rtt_bounds(ep);
    if (!sent_once)
        sample_ns = ep->ts_on && segment->has_ts ? tcp_echo_rtt(ep, segment->ts_ecr, segment->now) : -1;
    if (sample_ns < 0) {
        tcpip__rtt_syn_timed_out(&ep->rtt, &bounds);
        return;
    }
    sample_ns = max_i64(sample_ns, TCPIP_US);
    tcpip__rtt_sample(&ep->rtt, sample_ns, ep->snd_una.v, ep->snd_nxt.v, &bounds, segment->now);
    tcpip__receive_window_rtt_sample(&ep->receive_window, sample_ns);
}

static void syn_sent_established(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    struct tcp_negotiated negotiated;
    negotiated_from_segment(ep, segment, &negotiated);
    uint8_t retransmits = ep->retransmit_count;
    tcpip__ecn_answered(&ep->ecn, segment->flags, tcp_ecn_point(segment));
    struct ecn_counters counters;
    if (tcpip__tcp_accecn(&segment->options, &counters))
        tcpip__ecn_option_received(&ep->ecn, &counters, NULL);
    tcpip__tcp_negotiate(ep, &negotiated, segment->now);
    ep->snd_una = segment->ack;
    syn_sent_window(ep, segment);
    tcpip__tcp_handshake_rtt(ep, segment->now - ep->last_send_at, retransmits == 0, segment);
    tcpip__tcp_established(ep);
    tcpip__tcp_fast_open_answered(ep, segment, retransmits);
    tcpip__route_confirm(&ep->route);
    ep->last_receive_at = segment->now;
    if (ep->ecn.mode == ECN_ACCURATE) {
        tcpip__tcp_output_ack(ep); /* at once and alone, for what it says of the SYN-ACK (RFC 9768 3.2.2.1) */
    } else if (ep->writer_waits) {
        ep->ack_policy.ping_pong = true; /* it is our turn to speak, and answers will follow answers */
        tcpip__tcp_timers_on_ack_saved(ep);
    } else {
        ep->ack_now = true;
    }
    /* Text and FIN may ride on a SYN-ACK (RFC 9293 3.10.7.3): they begin behind the SYN. */
    segment->seq = seq_add(segment->seq, 1);
    segment->flags &= (uint16_t)~TCPIP_TCP_SYN;
    if (segment->length > 0 || (segment->flags & TCPIP_TCP_FIN) != 0)
        tcpip__tcp_receive_data(ep, segment);
    else
        tcpip_packet_free(segment->packet);
}

/* Both sides called at once (RFC 9293 3.5, figure 7). */
static void syn_sent_simultaneous(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    struct tcp_negotiated negotiated;
    negotiated_from_segment(ep, segment, &negotiated);
    enum ecn_mode mode = tcpip__ecn_accept((enum ecn_option)tcp_option(ep, TCPIP_OPTION_ECN),
                                           tcpip__tcp_congestion_ops(ep)->needs_ecn, segment->flags);
    tcpip__ecn_crossed(&ep->ecn, mode, tcp_ecn_point(segment));
    tcpip__tcp_negotiate(ep, &negotiated, segment->now);
    syn_sent_window(ep, segment);
    ep->syn_deferred = false; /* the peer was first */
    tcpip__tcp_event(ep, TCP_EVENT_SYN_RECEIVED);
    tcpip__tcp_timers_count_progress(ep, segment->now);
    tcpip__tcp_send_syn(ep);
    tcpip__tcp_timers_on_syn_sent(ep);
    tcpip_packet_free(segment->packet); /* text on a bare SYN isn't kept: the peer sends it again */
}

void tcpip__tcp_syn_sent_input(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    bool ack = (segment->flags & TCPIP_TCP_ACK) != 0, rst = (segment->flags & TCPIP_TCP_RST) != 0;
    if (ack && (seq_leq(segment->ack, ep->iss) || seq_gt(segment->ack, ep->snd_nxt))) {
        tcpip__tcp_reply_reset(ep->base->stack, segment);
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_BAD_ACK);
        return;
    }
    if (rst) {
        if (!ack) { /* RFC 9293 3.10.7.3: a reset must acknowledge our SYN to be believed */
            tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_BAD_RST);
            return;
        }
        tcp_stats(ep)->resets_received++;
        tcpip_packet_free(segment->packet);
        tcpip__tcp_abort(ep, TCPIP_ERR_CONNECTION_REFUSED);
        return;
    }
    if ((segment->flags & TCPIP_TCP_SYN) == 0) {
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_BAD_FLAGS);
        return;
    }
    if (ack)
        syn_sent_established(ep, segment);
    else
        syn_sent_simultaneous(ep, segment);
}
