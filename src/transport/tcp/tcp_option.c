// SPDX-License-Identifier: MIT
/* tcp_option.c: options of TCP endpoints, the controller by name, and the snapshot of everything (tcpip_tcp_info).
 *
 * An option is an override in the shared block; what must follow at once (buffers, timers, a corked segment) is done
 * here.
 *
 * Owns:     nothing.
 * Not here: defaults and ranges (stack/option.c). */
#include "transport/tcp/tcp_fold.h"
#include "transport/tcp/tcp_mtu.h"

enum {
    TCP_BUFFER_MIN = 2048, /* less than a segment or two makes no connection */
};

/* Options that a TCP endpoint has. */
static bool tcp_knows_option(const struct tcp_endpoint *ep, enum tcpip_option option)
{
    switch (option) {
    case TCPIP_OPTION_V6_ONLY:
        return ep->base->network == TCPIP_PROTOCOL_IPV6;
    case TCPIP_OPTION_PASSCRED:
    case TCPIP_OPTION_BROADCAST:
    case TCPIP_OPTION_MULTICAST_TTL:
    case TCPIP_OPTION_MULTICAST_LOOP:
    case TCPIP_OPTION_MULTICAST_NIC:
    case TCPIP_OPTION_RECEIVE_TTL:
    case TCPIP_OPTION_RECEIVE_TOS:
    case TCPIP_OPTION_RECEIVE_PACKET_INFO:
    case TCPIP_OPTION_CHECKSUM_OFF:
        return false;
    default:
        return (uint32_t)option < TCPIP_OPTION_COUNT;
    }
}

static uint32_t tcp_clamp_buffer(int64_t value, uint32_t most)
{
    return (uint32_t)clamp_i64(value, min_u32(TCP_BUFFER_MIN, most), most);
}

/* Only before the handshake, or while nothing else depends on it. */
static bool tcp_option_forbidden(const struct tcp_endpoint *ep, enum tcpip_option option)
{
    switch (option) {
    case TCPIP_OPTION_V6_ONLY:
        return ep->bound || ep->state != TCPIP_TCP_CLOSED;
    case TCPIP_OPTION_FAST_OPEN_CONNECT:
        return ep->state != TCPIP_TCP_CLOSED;
    case TCPIP_OPTION_FAST_OPEN:
    case TCPIP_OPTION_FAST_OPEN_NO_COOKIE:
    case TCPIP_OPTION_SAVE_SYN:
    case TCPIP_OPTION_SACK:
    case TCPIP_OPTION_TIMESTAMPS:
    case TCPIP_OPTION_WINDOW_SCALING:
    case TCPIP_OPTION_ECN:
        return ep->state != TCPIP_TCP_CLOSED && ep->state != TCPIP_TCP_LISTEN;
    default:
        return false;
    }
}

static void tcp_set_receive_buffer(struct tcp_endpoint *ep, int64_t value)
{
    ep->receive_window.buffer_bytes = tcp_clamp_buffer(value, ep->base->stack->limits.tcp_receive_buffer_max);
    ep->receive_buffer_fixed = true;
}

/* What follows from a new value. */
static void tcp_option_applied(struct tcp_endpoint *ep, enum tcpip_option option, int64_t value)
{
    switch (option) {
    case TCPIP_OPTION_NO_DELAY:
    case TCPIP_OPTION_CORK:
        /* As Linux: setting NO_DELAY, or taking the cork out, lets what waits go. */
        if ((option == TCPIP_OPTION_CORK) == (value == 0)) {
            ep->force_partial = true;
            ep->more_coming = false;
            tcpip__tcp_timers_on_uncorked(ep);
            endpoint_mark_dirty(ep->base);
        }
        break;
    case TCPIP_OPTION_KEEPALIVE:
    case TCPIP_OPTION_KEEPALIVE_IDLE:
        tcpip__tcp_timers_on_keepalive_option(ep);
        break;
    case TCPIP_OPTION_WINDOW_CLAMP:
        ep->receive_window.clamp = tcp_window_clamp(value);
        break;
    case TCPIP_OPTION_QUICK_ACK:
        /* As Linux: 0 waits for data to carry the ACK, 1 ends that; neither lasts, the rhythm of the data decides. */
        ep->ack_policy.ping_pong = value == 0;
        if (value != 0 && ep->ack_policy.unacked_bytes > 0) {
            ep->ack_now = true;
            endpoint_mark_dirty(ep->base);
        }
        break;
    case TCPIP_OPTION_MAX_SEGMENT:
        if (tcp_synchronized(ep) && !ep->dead)
            (void)tcpip__tcp_update_mss(ep);
        break;
    case TCPIP_OPTION_MAX_PACING_RATE:
    case TCPIP_OPTION_PACING:
        endpoint_mark_dirty(ep->base); /* what waits may go earlier now */
        break;
    case TCPIP_OPTION_NOT_SENT_LOW_WATER:
        if (tcp_synchronized(ep) && !ep->dead)
            tcpip__tcp_tell_room(ep);
        break;
    case TCPIP_OPTION_MIN_TTL:
        ep->min_ttl = (uint8_t)value;
        break;
    case TCPIP_OPTION_RECEIVE_LOW_WATER:
        /* As Linux: a buffer that may grow becomes one that can hold it; what is there may be enough now. */
        if (!ep->receive_buffer_fixed && value > ep->receive_window.buffer_bytes)
            ep->receive_window.buffer_bytes = tcp_clamp_buffer(value, ep->base->stack->limits.tcp_receive_buffer_max);
        if (tcp_synchronized(ep) && tcpip__tcp_readable(ep))
            endpoint_notify(ep->base, TCPIP_EVENT_IN);
        break;
    case TCPIP_OPTION_INCOMING_QUEUE:
        if (ep->listener != NULL)
            demux_listener_queue(&ep->listener->demux, value);
        break;
    case TCPIP_OPTION_FAST_OPEN:
        if (ep->listener != NULL)
            ep->listener->fast_open_max = min_u32((uint32_t)value, ep->base->stack->limits.accept_backlog);
        break;
    case TCPIP_OPTION_REUSE_ADDRESS:
    case TCPIP_OPTION_REUSE_PORT:
        tcpip__tcp_port_options(ep);
        break;
    default:
        break;
    }
}

enum tcpip_error tcpip__tcp_set_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t value)
{
    struct tcp_endpoint *ep = tcp_of(endpoint);
    if (!tcp_knows_option(ep, option))
        return TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION;
    enum tcpip_error error = tcpip__option_valid(option, value);
    if (error != TCPIP_OK)
        return error;
    if (option == TCPIP_OPTION_FAST_OPEN_CONNECT &&
        (tcp_option(ep, TCPIP_OPTION_FAST_OPEN_MODE) & TCPIP_FAST_OPEN_CLIENT) == 0)
        return TCPIP_ERR_NOT_SUPPORTED;
    if (tcp_option_forbidden(ep, option))
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    if (option == TCPIP_OPTION_SEND_BUFFER_SIZE) {
        ep->send_buffer_bytes = tcp_clamp_buffer(value, endpoint->stack->limits.tcp_send_buffer_max);
        ep->send_buffer_fixed = true;
        if (tcp_synchronized(ep) && !ep->dead)
            tcpip__tcp_tell_room(ep);
        return TCPIP_OK;
    }
    if (option == TCPIP_OPTION_RECEIVE_BUFFER_SIZE) {
        tcp_set_receive_buffer(ep, value);
        return TCPIP_OK;
    }
    if (option == TCPIP_OPTION_BIND_TO_NIC && value != 0 && tcpip__nic_find(endpoint->stack, (uint32_t)value) == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    if (option == TCPIP_OPTION_RECEIVE_LOW_WATER)
        value = max_i64(value, 1);
    error = tcpip__option_block_set(endpoint->stack, &ep->options, option, value);
    if (error == TCPIP_OK)
        tcp_option_applied(ep, option, value);
    return error;
}

enum tcpip_error tcpip__tcp_option_value(struct tcp_endpoint *ep, enum tcpip_option option, int64_t *value)
{
    if (!tcp_knows_option(ep, option))
        return TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION;
    switch (option) {
    case TCPIP_OPTION_ERROR:
        *value = ep->error;
        ep->error = TCPIP_OK;
        break;
    case TCPIP_OPTION_SEND_BUFFER_SIZE:
        *value = ep->send_buffer_bytes;
        break;
    case TCPIP_OPTION_RECEIVE_BUFFER_SIZE:
        *value = ep->receive_window.buffer_bytes;
        break;
    case TCPIP_OPTION_RECEIVE_QUEUE_SIZE:
        if (ep->state == TCPIP_TCP_LISTEN)
            return TCPIP_ERR_INVALID_ENDPOINT_STATE;
        *value = ep->receive_queue.bytes;
        break;
    case TCPIP_OPTION_TIMESTAMP_CLOCK:
        *value = timestamp_clock(tcpip__stack_now(ep->base->stack), ep->ts_offset);
        break;
    case TCPIP_OPTION_SEND_QUEUE_SIZE:
        *value = ep->send_queue.bytes;
        break;
    case TCPIP_OPTION_BYTES_WRITTEN:
        *value = (int64_t)tcp_bytes_written(ep);
        break;
    case TCPIP_OPTION_PATH_MTU:
        if (!tcp_synchronized(ep) || !tcpip__tcp_route(ep))
            return TCPIP_ERR_NOT_CONNECTED;
        *value = tcpip__pmtu_get(&ep->route, ep->demux->flow.remote);
        break;
    case TCPIP_OPTION_INCOMING_QUEUE:
        /* As Linux: once connected, where it comes through. */
        *value = ep->route.nic != NULL ? ep->route.nic->queue : tcp_option(ep, option);
        break;
    case TCPIP_OPTION_FAST_OPEN:
        *value = ep->listener != NULL ? ep->listener->fast_open_max : tcp_option(ep, option);
        break;
    case TCPIP_OPTION_MAX_SEGMENT:
        /* As Linux: the size in force once connected. */
        *value = tcp_synchronized(ep) && !ep->dead ? ep->snd_mss : tcp_option(ep, option);
        break;
    default:
        *value = tcp_option(ep, option);
        break;
    }
    return TCPIP_OK;
}

enum tcpip_error tcpip__tcp_get_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t *value)
{
    return tcpip__tcp_option_value(tcp_of(endpoint), option, value);
}

/* ---- congestion control by name ---- */

enum tcpip_error tcpip_endpoint_set_congestion(struct tcpip_endpoint *endpoint, const char *name)
{
    struct tcpip_stack *stack = endpoint->stack;
    if (endpoint->transport != TCPIP_PROTOCOL_TCP)
        return TCPIP_ERR_NOT_SUPPORTED;
    const struct tcpip_congestion_ops *ops = tcpip__congestion_find(stack, name);
    if (ops == NULL)
        return TCPIP_ERR_INVALID_OPTION_VALUE;
    tcpip_stack_enter(stack);
    struct tcp_endpoint *ep = tcpip__tcp_unfold(endpoint);
    if (ep != NULL)
        tcpip__tcp_congestion_start(ep, ops);
    tcpip_stack_leave(stack);
    return ep != NULL ? TCPIP_OK : TCPIP_ERR_NO_MEMORY;
}

const char *tcpip_endpoint_congestion(const struct tcpip_endpoint *endpoint)
{
    if (endpoint->transport != TCPIP_PROTOCOL_TCP)
        return NULL;
    struct tcp_endpoint copy;
    const struct tcp_endpoint *ep = tcpip__tcp_look(endpoint, &copy);
    return ep->congestion.ops != NULL ? ep->congestion.ops->name : tcpip__congestion_default(endpoint->stack)->name;
}

enum tcpip_error tcpip_endpoint_congestion_info(const struct tcpip_endpoint *endpoint,
                                                struct tcpip_congestion_info *out)
{
    uint64_t state[TCPIP_CONGESTION_STATE_BYTES / 8] = {0};
    if (endpoint->transport != TCPIP_PROTOCOL_TCP)
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcp_endpoint copy;
    const struct tcp_endpoint *ep = tcpip__tcp_look(endpoint, &copy);
    struct tcpip_congestion congestion = ep->congestion;
    memset(out, 0, sizeof(*out));
    if (congestion.ops == NULL)
        congestion.ops = tcpip__congestion_default(endpoint->stack);
    if (congestion.ops->info == NULL)
        return TCPIP_OK;
    if (ep->hot == NULL) { /* the state is given back: what it will be when it is needed */
        congestion.state = state;
        congestion.mss = max_u32(congestion.mss, TCP_MSS_MIN);
        congestion.ops->init(&congestion, tcpip_stack_now(endpoint->stack));
    }
    congestion.ops->info(&congestion, out);
    if (out->kind == TCPIP_CONGESTION_INFO_DCTCP) {
        out->dctcp.enabled = ep->ecn.mode != ECN_OFF;
        out->dctcp.receives_ce = ep->ecn.exact && ep->ecn.echo;
    }
    return TCPIP_OK;
}

/* ---- tcp_info ---- */

static tcpip_ns info_since(tcpip_ns at, tcpip_ns now)
{
    return at > 0 ? now - at : 0;
}

static void info_hot(const struct tcp_endpoint *ep, struct tcpip_tcp_info *out)
{
    const struct tcp_hot *hot = ep->hot;
    if (hot == NULL)
        return;
    out->recovery_state = (enum tcpip_tcp_recovery_state)hot->recovery.state;
    if (!recovery_active(&hot->recovery) && ecn_reducing(&ep->ecn, ep->snd_una))
        out->recovery_state = TCPIP_TCP_CWR_STATE;
    out->in_flight_bytes = scoreboard_in_flight(&hot->board);
    out->lost_bytes = hot->board.lost_bytes;
    out->retransmitting_bytes = hot->board.retransmitted_bytes;
    out->sacked_bytes = hot->board.sacked_bytes;
    out->delivery_rate = hot->rate.bytes_per_second;
    out->delivery_rate_app_limited = hot->rate.bytes_per_second == 0 || hot->rate.sample_app_limited;
    out->reordering = hot->recovery.reordering;
}

/* RFC 9768; counters of bytes begin at 1 on the wire, where that is more than nothing. */
static void info_accurate_ecn(const struct ecn *ecn, struct tcpip_tcp_info *out)
{
    out->received_ce = ecn->received_ce;
    out->delivered_ce = ecn->told_ce;
    out->received_ce_bytes = ecn->received_ce_bytes;
    out->delivered_ce_bytes = ecn->told_ce_bytes;
    if (ecn->mode != ECN_ACCURATE)
        return;
    out->received_ect0_bytes = ecn->received_ect0_bytes - ECN_COUNTER_INITIAL;
    out->received_ect1_bytes = ecn->received_ect1_bytes - ECN_COUNTER_INITIAL;
    out->delivered_ect0_bytes = ecn->told_ect0_bytes;
    out->accurate_ecn_option_seen = ecn->option_seen;
    out->accurate_ecn_option_bad = ecn->option_bad;
    out->accurate_ecn_flags_bad = !ecn->send_ect;
}

static void info_timeouts(const struct tcp_endpoint *ep, tcpip_ns now, struct tcpip_tcp_info *out)
{
    uint32_t lasts_ms = ep->retransmit_count > 0 ? (uint32_t)(now / TCPIP_MS) - ep->timeout_since_ms : 0;
    out->timeouts = ep->timeouts;
    out->timeout_episodes = ep->timeout_episodes;
    out->timeout_ns = ((tcpip_ns)ep->timeout_ms + lasts_ms) * TCPIP_MS;
}

static void info_fill(const struct tcp_endpoint *ep, tcpip_ns now, struct tcpip_tcp_info *out)
{
    struct rtt_bounds bounds = tcp_rtt_bounds(ep);
    out->state = (enum tcpip_tcp_state)ep->state;
    out->timestamps = ep->ts_on;
    out->sack = ep->sack_on;
    out->window_scaling = ep->wscale_on;
    out->snd_wscale = ep->snd_wscale;
    out->rcv_wscale = ep->receive_window.scale;
    out->retransmits = ep->retransmit_count;
    out->probes = ep->probe_count;
    out->backoff = ep->rtt.backoff;
    out->rto_ns = tcp_synchronized(ep) ? tcpip__rtt_rto(&ep->rtt, &bounds) : bounds.initial_rto_ns;
    out->ato_ns = ep->ack_policy.ato_ns;
    out->srtt_ns = ep->rtt.srtt_ns;
    out->rttvar_ns = ep->rtt.rttvar_ns;
    out->min_rtt_ns = ep->rtt.min_rtt_ns;
    out->rcv_rtt_ns = ep->receive_window.rtt_ns;
    out->snd_mss = ep->snd_mss;
    out->rcv_mss = ep->rcv_mss;
    if (ep->route.nic != NULL) {
        struct tcpip_route route = ep->route; /* asking changes nothing but the path's age */
        out->path_mtu = tcpip__pmtu_get(&route, ep->demux->flow.remote);
        out->advertised_mss =
            tcpip__tcp_advertised_mss(&ep->route, ep->demux->flow.remote, tcp_option(ep, TCPIP_OPTION_MAX_SEGMENT));
    }
    out->cwnd_bytes = ep->congestion.cwnd;
    out->ssthresh_bytes = ep->congestion.ssthresh;
    out->pacing_rate = tcpip__tcp_pacing_rate(ep);
    out->snd_wnd = ep->snd_wnd;
    out->rcv_wnd = receive_window_open(&ep->receive_window, ep->rcv_nxt);
    out->not_sent_bytes = tcp_can_transmit(ep) ? tcp_unsent(ep) : 0;
    out->unacked_bytes = tcp_can_transmit(ep) ? seq_size(ep->snd_una, ep->snd_nxt) : 0;
    out->accepted = ep->accepted;
    out->accept_queue = ep->listener != NULL ? ep->listener->queued : 0;
    out->accept_backlog = ep->listener != NULL ? ep->listener->backlog : 0;
    out->rcv_space_bytes = ep->receive_window.space_bytes;
    out->last_data_sent_ns = info_since(ep->last_send_at, now);
    out->last_data_received_ns = info_since(ep->last_data_receive_at, now);
    out->last_ack_received_ns = info_since(ep->last_receive_at, now);
    out->rwnd_limited_ns = tcpip__chrono_spent(&ep->chrono, CHRONO_WINDOW, now);
    out->sndbuf_limited_ns = tcpip__chrono_spent(&ep->chrono, CHRONO_BUFFER, now);
    out->busy_ns = tcpip__chrono_spent(&ep->chrono, CHRONO_BUSY, now) + out->rwnd_limited_ns + out->sndbuf_limited_ns;
    out->bytes_sent = ep->bytes_sent;
    out->bytes_acked = ep->bytes_acked;
    out->bytes_received = ep->bytes_received;
    out->bytes_retransmitted = ep->bytes_retransmitted;
    out->segments_out = ep->segments_out;
    out->segments_in = ep->segments_in;
    out->data_segments_out = ep->data_segments_out;
    out->data_segments_in = ep->data_segments_in;
    out->total_retransmits = ep->total_retransmits;
    out->dsack_duplicates = ep->dsack_duplicates;
    out->out_of_order_packets = ep->out_of_order_segments;
    out->reordering_seen = ep->reorderings;
    out->reordering = max_u32(ep->reordering.segments, RECOVERY_REORDERING_MIN);
    out->syn_data_acked = ep->syn_data_acked;
    out->fast_open_child = ep->fast_open_child;
    out->fast_open_fail = (enum tcpip_tcp_fast_open_fail)ep->fast_open_fail;
    out->ecn = ep->ecn.mode == ECN_CLASSIC;
    out->accurate_ecn = ep->ecn.mode == ECN_ACCURATE;
    info_accurate_ecn(&ep->ecn, out);
    info_timeouts(ep, now, out);
    out->max_pacing_rate = (uint64_t)tcp_option(ep, TCPIP_OPTION_MAX_PACING_RATE);
    out->delivery_rate_app_limited = true; /* what isn't known was the application's fault */
    info_hot(ep, out);
}

enum tcpip_error tcpip_endpoint_tcp_info(const struct tcpip_endpoint *endpoint, struct tcpip_tcp_info *out)
{
    if (endpoint->transport != TCPIP_PROTOCOL_TCP)
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcpip_tcp_info info;
    memset(&info, 0, sizeof(info));
    size_t size = out->size < sizeof(info) ? out->size : sizeof(info);
    struct tcp_endpoint copy;
    const struct tcp_endpoint *ep = tcpip__tcp_look(endpoint, &copy);
    if (ep == &copy)
        tcpip__tcp_look_route(&copy);
    info_fill(ep, tcpip_stack_now(endpoint->stack), &info);
    if (ep == &copy)
        tcpip__route_release(&copy.route);
    info.size = size;
    memcpy(out, &info, size);
    return TCPIP_OK;
}
