// SPDX-License-Identifier: MIT
/* tcp_fold.c: connections at rest.
 *
 * Most connections of a large server say nothing most of the time. One that has been silent for a while is folded: what
 * must outlive the pause is kept in its handle, in short form, and the endpoint goes back to its pool, as the hot block
 * does. Whatever happens next unfolds it first: a segment, an ICMP error, a call, its keepalive timer. So the hands
 * always have a whole endpoint, and none of them knows that there are folded ones: what leads to one has another kind
 * in the demultiplexer, other functions as endpoint ops, and a node of its own on the wheel, if it needs one.
 *
 * What is kept is exact but for three things: durations and rates are rounded to FOLDED_DURATION_BITS and
 * FOLDED_RATE_BITS, instants to FOLDED_AGE_BITS; what was being measured (a round trip by the receive window or the
 * congestion window's validation, a round of reading) begins anew; and the route is looked for again. What few
 * connections have (ECN, signatures, losses to tell of) goes into a block beside.
 *
 * Unfolding takes memory. Without it a segment is lost, a call fails, a timer tries again later, and a close is done
 * when there is some: it needs no answer.
 *
 * Owns:       struct tcp_folded; handles without an endpoint.
 * Invariants: a folded connection is ESTABLISHED, has nothing queued, sent or owed, and no deadline but keepalive's,
 *             at which a node is armed exactly; without a deadline it has no node.
 * Not here:   when it is time (tcp_timers.c); organs' short forms (rtt.c, receive_window.c, ack_policy.c). */
#include "transport/tcp/tcp_fold.h"
#include "transport/tcp/fold.h"
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_mtu.h"
#include "transport/tcp/tcp_save.h"

enum {
    FOLDED_RETRY_MS = 1000, /* without memory */
};

struct tcp_folded_extra {
    struct ecn ecn;
    struct plpmtud *search;
    struct tcp_saved_syn *saved_syn;
    struct signature *signature;
    struct tcp_urgent *urgent;
    uint64_t pacing_rate, bytes_retransmitted;
    uint32_t window_clamp;
    uint32_t timeout_ms, total_retransmits, dsack_duplicates, out_of_order_segments, reorderings;
    uint16_t timeouts, timeout_episodes;
};

/* Of one that waits for keepalive. */
struct tcp_folded_timer {
    struct tcpip_timer node;
    struct tcp_handle *handle;
};

static struct tcp_handle *fold_handle(const struct tcpip_endpoint *endpoint)
{
    return TCPIP_CONTAINER_OF((struct tcpip_endpoint *)(uintptr_t)endpoint, struct tcp_handle, base);
}

/* ---- at rest? ---- */

/* A connection's port is that of its flow: all but the flags follows from there. */
static void fold_port_key(const struct flow *flow, uint32_t flags, struct tcpip_port_key *out)
{
    *out = (struct tcpip_port_key){
        .transport = TCPIP_PROTOCOL_TCP, .port = flow->local_port, .nic = flow->nic, .flags = flags};
    memcpy(out->address, flow->local, 16);
}

static bool fold_port_follows(const struct tcp_endpoint *ep)
{
    struct tcpip_port_key key;
    fold_port_key(&ep->demux->flow, ep->port_key.flags, &key);
    return ep->port_key.transport == key.transport && ep->port_key.port == key.port && ep->port_key.nic == key.nic &&
           memcmp(ep->port_key.address, key.address, 16) == 0 && key.flags < 2 * TCPIP_PORT_CONNECTION;
}

static bool fold_sender_rests(const struct tcp_endpoint *ep)
{
    return ep->hot == NULL && ep->send_queue.bytes == 0 && seq_eq(ep->snd_una, ep->snd_nxt) && !ep->fin_queued &&
           !ep->fin_sent && !ep->fin_acked && !ep->shut_write && !ep->repair && ep->retransmit_count == 0 &&
           ep->probe_count == 0 && ep->keepalive_count == 0 && ep->rtt.backoff == 0 &&
           ep->chrono.state == CHRONO_IDLE && ep->user_timeout_from == TCPIP_NEVER;
}

static bool fold_receiver_rests(const struct tcp_endpoint *ep, tcpip_ns now)
{
    return ep->receive_queue.bytes == 0 && !ep->fin_seen && !ep->fin_received && !ep->zero_advertised &&
           seq_eq(ep->last_ack_sent, ep->rcv_nxt) && !ep->ack_now && ack_policy_rests(&ep->ack_policy) &&
           ep->challenge_at <= now;
}

bool tcpip__tcp_foldable(const struct tcp_endpoint *ep, tcpip_ns now)
{
    for (int i = 0; i < TCP_TIMER_COUNT; i++)
        if (i != TCP_TIMER_KEEPALIVE && ep->deadlines[i] != TCPIP_NEVER)
            return false;
    return ep->state == TCPIP_TCP_ESTABLISHED && !ep->dead && !ep->orphan && ep->error == TCPIP_OK &&
           ep->congestion.ops != NULL && ep->listener == NULL && ep->fast_open == NULL && !ep->syn_ack_pending &&
           !ep->syn_deferred && !ep->forward_pending && !list_node_linked(&ep->queue_node) &&
           !list_node_linked(&ep->base->dirty) && ep->demux->node.kind == TCP_DEMUX_ENDPOINT && fold_sender_rests(ep) &&
           fold_receiver_rests(ep, now) && fold_port_follows(ep);
}

/* ---- folding ---- */

static bool fold_needs_extra(const struct tcp_endpoint *ep)
{
    return !tcpip__ecn_is_none(&ep->ecn) || ep->search != NULL || ep->saved_syn != NULL || ep->signature != NULL ||
           ep->urgent != NULL || ep->congestion.pacing_rate != 0 || ep->receive_window.clamp != 0 ||
           (ep->bytes_retransmitted | ep->timeout_ms | ep->total_retransmits | ep->dsack_duplicates |
            ep->out_of_order_segments | ep->reorderings | ep->timeouts | ep->timeout_episodes) != 0;
}

static void fold_extra(const struct tcp_endpoint *ep, struct tcp_folded_extra *out)
{
    *out = (struct tcp_folded_extra){
        .ecn = ep->ecn,
        .search = ep->search,
        .saved_syn = ep->saved_syn,
        .signature = ep->signature,
        .urgent = ep->urgent,
        .pacing_rate = ep->congestion.pacing_rate,
        .bytes_retransmitted = ep->bytes_retransmitted,
        .window_clamp = ep->receive_window.clamp,
        .timeout_ms = ep->timeout_ms,
        .total_retransmits = ep->total_retransmits,
        .dsack_duplicates = ep->dsack_duplicates,
        .out_of_order_segments = ep->out_of_order_segments,
        .reorderings = ep->reorderings,
        .timeouts = ep->timeouts,
        .timeout_episodes = ep->timeout_episodes,
    };
}

static void fold_flags(const struct tcp_endpoint *ep, struct tcp_folded *out)
{
    out->ts_on = ep->ts_on;
    out->sack_on = ep->sack_on;
    out->wscale_on = ep->wscale_on;
    out->accepted = ep->accepted;
    out->bound = ep->bound;
    out->port_reserved = ep->port_reserved;
    out->port_fixed = ep->port_fixed;
    out->send_buffer_fixed = ep->send_buffer_fixed;
    out->receive_buffer_fixed = ep->receive_buffer_fixed;
    out->path_narrow = ep->path_narrow;
    out->cwnd_limited = ep->cwnd_limited;
    out->out_of_room = ep->out_of_room;
    out->more_coming = ep->more_coming;
    out->force_partial = ep->force_partial;
    out->shut_read = ep->shut_read;
    out->syn_fast_open = ep->syn_fast_open;
    out->syn_experimental = ep->syn_experimental;
    out->syn_data = ep->syn_data;
    out->syn_data_acked = ep->syn_data_acked;
    out->fast_open_child = ep->fast_open_child;
    out->fast_open_probe = ep->fast_open_probe;
    out->writer_waits = ep->writer_waits;
    out->forward_counted = ep->forward_counted;
}

static void fold_fields(const struct tcp_endpoint *ep, struct tcp_folded *out)
{
    *out = (struct tcp_folded){
        .options = ep->options,
        .congestion = ep->congestion.ops,
        .bytes_sent = ep->bytes_sent,
        .bytes_acked = ep->bytes_acked,
        .bytes_received = ep->bytes_received,
        .last_receive_at = ep->last_receive_at,
        .last_send_at = ep->last_send_at,
        .last_data_receive_at = ep->last_data_receive_at,
        .iss = ep->iss,
        .irs = ep->irs,
        .snd_nxt = ep->snd_nxt,
        .rcv_nxt = ep->rcv_nxt,
        .snd_wl1 = ep->snd_wl1,
        .snd_wl2 = ep->snd_wl2,
        .snd_wnd = ep->snd_wnd,
        .snd_wnd_max = ep->snd_wnd_max,
        .ts_recent = ep->ts_recent,
        .ts_offset = ep->ts_offset,
        .ts_recent_at = fold_age(ep->ts_recent_at),
        .cwnd = ep->congestion.cwnd,
        .ssthresh = ep->congestion.ssthresh,
        .cwnd_used = ep->cwnd_used,
        .send_buffer_bytes = ep->send_buffer_bytes,
        .path_mtu = ep->path_mtu,
        .segments_out = ep->segments_out,
        .segments_in = ep->segments_in,
        .data_segments_out = ep->data_segments_out,
        .data_segments_in = ep->data_segments_in,
        .peer_mss = ep->peer_mss,
        .snd_mss = ep->snd_mss,
        .rcv_mss = ep->rcv_mss,
        .options_bytes = (uint8_t)ep->options_bytes,
        .min_ttl = ep->min_ttl,
        .soft_error = ep->soft_error,
        .fast_open_fail = ep->fast_open_fail,
        .reordering_segments = ep->reordering.segments,
        .reordering_persist = ep->reordering.persist,
        .reordering_multiplier = ep->reordering.multiplier,
        .reordering_seen = ep->reordering.seen,
        .port_flags = ep->port_key.flags & 31u,
        .connect_state = ep->connect_state & 7u,
        .snd_wscale = ep->snd_wscale & 15u,
        .bound_address = ep->bound_address & 3u,
        .repair_queue = ep->repair_queue,
    };
    memcpy(out->chrono_ticks, ep->chrono.ticks, sizeof(out->chrono_ticks));
    tcpip__rtt_fold(&ep->rtt, &out->rtt);
    tcpip__cwv_fold(&ep->cwv, &out->cwv);
    tcpip__receive_window_fold(&ep->receive_window, &out->receive_window);
    tcpip__ack_policy_fold(&ep->ack_policy, &out->ack_policy);
    fold_flags(ep, out);
}

/* ---- unfolding ---- */

static void unfold_extra(const struct tcp_folded_extra *from, struct tcp_endpoint *ep)
{
    ep->ecn = from->ecn;
    ep->search = from->search;
    ep->saved_syn = from->saved_syn;
    ep->signature = from->signature;
    ep->urgent = from->urgent;
    ep->congestion.pacing_rate = from->pacing_rate;
    ep->bytes_retransmitted = from->bytes_retransmitted;
    ep->receive_window.clamp = from->window_clamp;
    ep->timeout_ms = from->timeout_ms;
    ep->total_retransmits = from->total_retransmits;
    ep->dsack_duplicates = from->dsack_duplicates;
    ep->out_of_order_segments = from->out_of_order_segments;
    ep->reorderings = from->reorderings;
    ep->timeouts = from->timeouts;
    ep->timeout_episodes = from->timeout_episodes;
}

static void unfold_flags(const struct tcp_folded *from, struct tcp_endpoint *ep)
{
    ep->ts_on = from->ts_on;
    ep->sack_on = from->sack_on;
    ep->wscale_on = from->wscale_on;
    ep->accepted = from->accepted;
    ep->bound = from->bound;
    ep->port_reserved = from->port_reserved;
    ep->port_fixed = from->port_fixed;
    ep->send_buffer_fixed = from->send_buffer_fixed;
    ep->receive_buffer_fixed = from->receive_buffer_fixed;
    ep->path_narrow = from->path_narrow;
    ep->cwnd_limited = from->cwnd_limited;
    ep->out_of_room = from->out_of_room;
    ep->more_coming = from->more_coming;
    ep->force_partial = from->force_partial;
    ep->shut_read = from->shut_read;
    ep->syn_fast_open = from->syn_fast_open;
    ep->syn_experimental = from->syn_experimental;
    ep->syn_data = from->syn_data;
    ep->syn_data_acked = from->syn_data_acked;
    ep->fast_open_child = from->fast_open_child;
    ep->fast_open_probe = from->fast_open_probe;
    ep->writer_waits = from->writer_waits;
    ep->forward_counted = from->forward_counted;
}

static void unfold_numbers(const struct tcp_folded *from, struct tcp_endpoint *ep, tcpip_ns now)
{
    ep->iss = from->iss;
    ep->snd_una = ep->snd_nxt = ep->snd_small = ep->cwnd_used_until = from->snd_nxt;
    ep->snd_wl1 = from->snd_wl1;
    ep->snd_wl2 = from->snd_wl2;
    ep->snd_wnd = from->snd_wnd;
    ep->snd_wnd_max = from->snd_wnd_max;
    ep->irs = from->irs;
    ep->rcv_nxt = ep->last_ack_sent = from->rcv_nxt;
    ep->ts_recent = from->ts_recent;
    ep->ts_offset = from->ts_offset;
    ep->ts_recent_at = unfold_age(from->ts_recent_at, now);
    ep->last_receive_at = from->last_receive_at;
    ep->last_send_at = from->last_send_at;
    ep->last_data_receive_at = from->last_data_receive_at;
    ep->bytes_sent = from->bytes_sent;
    ep->bytes_acked = from->bytes_acked;
    ep->bytes_received = from->bytes_received;
    ep->segments_out = from->segments_out;
    ep->segments_in = from->segments_in;
    ep->data_segments_out = from->data_segments_out;
    ep->data_segments_in = from->data_segments_in;
}

/* The whole endpoint of a folded one, but for its route, and without a node on the wheel. */
static void unfold_into(struct tcp_handle *handle, struct tcp_endpoint *ep)
{
    const struct tcp_folded *from = &handle->folded;
    tcpip_ns now = tcpip__stack_now(handle->base.stack);
    *ep = (struct tcp_endpoint){
        .base = &handle->base,
        .demux = &handle->demux,
        .state = TCPIP_TCP_ESTABLISHED, /* tcp_state.c wrote it when it was so, and it still is */
        .options = from->options,
        .congestion = {.ops = from->congestion, .mss = from->snd_mss, .cwnd = from->cwnd, .ssthresh = from->ssthresh},
        .cwnd_used = from->cwnd_used,
        .send_buffer_bytes = from->send_buffer_bytes,
        .path_mtu = from->path_mtu,
        .peer_mss = from->peer_mss,
        .snd_mss = from->snd_mss,
        .rcv_mss = from->rcv_mss,
        .options_bytes = from->options_bytes,
        .min_ttl = from->min_ttl,
        .soft_error = from->soft_error,
        .fast_open_fail = from->fast_open_fail,
        .reordering = {.segments = from->reordering_segments,
                       .seen = from->reordering_seen,
                       .multiplier = from->reordering_multiplier,
                       .persist = from->reordering_persist},
        .connect_state = from->connect_state,
        .snd_wscale = from->snd_wscale,
        .bound_address = from->bound_address,
        .repair_queue = from->repair_queue,
        .user_timeout_from = TCPIP_NEVER,
    };
    unfold_numbers(from, ep, now);
    memcpy(ep->chrono.ticks, from->chrono_ticks, sizeof(from->chrono_ticks));
    fold_port_key(&handle->demux.flow, from->port_flags, &ep->port_key);
    tcpip__send_queue_init(&ep->send_queue);
    tcpip__receive_queue_init(&ep->receive_queue);
    tcpip__rtt_unfold(&from->rtt, &ep->rtt, from->snd_nxt.v, now);
    tcpip__cwv_unfold(&from->cwv, &ep->cwv, now);
    tcpip__receive_window_unfold(&from->receive_window, &ep->receive_window, from->last_data_receive_at);
    tcpip__ack_policy_unfold(&from->ack_policy, &ep->ack_policy, from->last_data_receive_at);
    unfold_flags(from, ep);
    for (int i = 0; i < TCP_TIMER_COUNT; i++)
        ep->deadlines[i] = TCPIP_NEVER;
    if (from->timer != NULL && tcpip_timer_armed(&from->timer->node))
        ep->deadlines[TCP_TIMER_KEEPALIVE] = from->timer->node.at;
    tcpip__ecn_none(&ep->ecn);
    if (from->extra != NULL)
        unfold_extra(from->extra, ep);
}

/* Where the short form was, the node is again: not armed. */
static void fold_end(struct tcp_handle *handle, struct tcp_endpoint *ep)
{
    struct tcp_stack *tcp = tcp_stack_of(handle->base.stack);
    struct tcp_folded_timer *timer = handle->folded.timer;
    if (timer != NULL) {
        stack_timer_cancel(tcp->stack, &timer->node);
        tcpip__pool_put(&tcp->folded_timers, timer);
    }
    if (handle->folded.extra != NULL)
        tcpip__pool_put(&tcp->folded_extras, handle->folded.extra);
    handle->timer = (struct tcpip_timer){0};
    ep->timer = &handle->timer;
}

struct tcp_endpoint *tcpip__tcp_unfold(struct tcpip_endpoint *endpoint)
{
    struct tcp_handle *handle = fold_handle(endpoint);
    if (handle->ep != NULL)
        return handle->ep;
    struct tcp_endpoint *ep = tcpip__pool_get(&tcp_stack_of(endpoint->stack)->endpoints);
    if (ep == NULL)
        return NULL;
    unfold_into(handle, ep);
    fold_end(handle, ep);
    handle->ep = ep;
    handle->demux.node.kind = TCP_DEMUX_ENDPOINT;
    endpoint->ops = &tcpip__tcp_endpoint_ops;
    tcpip__tcp_timers_unfold(ep);
    (void)tcpip__tcp_route(ep);
    if (likely(!endpoint->closed_by_user))
        return ep;
    list_remove_if_linked(&endpoint->ready);
    endpoint->ops->close(endpoint); /* for which there was no memory */
    return ep->dead ? NULL : ep;
}

struct tcp_endpoint *tcpip__tcp_unfold_entry(struct demux_entry *entry)
{
    return tcpip__tcp_unfold(&TCPIP_CONTAINER_OF(entry, struct tcp_handle, demux)->base);
}

const struct tcp_endpoint *tcpip__tcp_look(const struct tcpip_endpoint *endpoint, struct tcp_endpoint *copy)
{
    const struct tcp_endpoint *ep = tcp_of_const(endpoint);
    if (ep != NULL)
        return ep;
    unfold_into(fold_handle(endpoint), copy);
    return copy;
}

void tcpip__tcp_look_route(struct tcp_endpoint *copy)
{
    const struct flow *flow = &copy->demux->flow;
    uint8_t local[16];
    memcpy(local, flow->local, 16);
    uint32_t nic = flow->nic != 0 ? flow->nic : (uint32_t)tcp_option(copy, TCPIP_OPTION_BIND_TO_NIC);
    (void)!tcpip__route_find(copy->base->stack, nic, local, flow->remote, &copy->route);
}

void tcpip__tcp_fold_uncount(struct tcp_handle *handle)
{
    if (handle->ep != NULL)
        handle->ep->forward_counted = false;
    else
        handle->folded.forward_counted = false;
}

static void folded_timer_fired(struct tcpip_timer *timer, tcpip_ns now)
{
    struct tcp_handle *handle = TCPIP_CONTAINER_OF(timer, struct tcp_folded_timer, node)->handle;
    struct tcpip_stack *stack = handle->base.stack;
    bool closed = handle->base.closed_by_user;
    struct tcp_endpoint *ep = tcpip__tcp_unfold(&handle->base);
    if (ep == NULL && handle->ep == NULL)
        stack_timer_set(stack, timer, now + FOLDED_RETRY_MS * TCPIP_MS);
    else if (ep != NULL && !closed)
        tcpip__tcp_timers_on_keepalive_due(ep, now);
}

/* Those that are closed already: in the order in which they were. */
static void folded_retry(struct tcpip_timer *timer, tcpip_ns now)
{
    struct tcp_stack *tcp = TCPIP_CONTAINER_OF(timer, struct tcp_stack, folded_retry);
    struct tcpip_list_node *node;
    while ((node = list_first(&tcp->folded_closed)) != NULL) {
        struct tcpip_endpoint *endpoint = TCPIP_CONTAINER_OF(node, struct tcpip_endpoint, ready);
        if (tcpip__tcp_unfold(endpoint) == NULL && list_node_linked(node)) {
            stack_timer_set(tcp->stack, timer, now + FOLDED_RETRY_MS * TCPIP_MS);
            return;
        }
    }
}

/* ---- as endpoint ops ---- */

static enum tcpip_error folded_bind(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address,
                                    enum tcpip_error (*commit)(void *ctx), void *ctx)
{
    (void)endpoint, (void)address, (void)commit, (void)ctx;
    return TCPIP_ERR_ALREADY_BOUND;
}

static enum tcpip_error folded_connect(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address)
{
    return tcpip__tcp_unfold(endpoint) != NULL ? endpoint->ops->connect(endpoint, address) : TCPIP_ERR_NO_MEMORY;
}

static enum tcpip_error folded_listen(struct tcpip_endpoint *endpoint, uint32_t backlog)
{
    return tcpip__tcp_unfold(endpoint) != NULL ? endpoint->ops->listen(endpoint, backlog) : TCPIP_ERR_NO_MEMORY;
}

static enum tcpip_error folded_accept(struct tcpip_endpoint *endpoint, struct tcpip_endpoint **out,
                                      struct tcpip_full_address *peer)
{
    (void)endpoint, (void)out, (void)peer;
    return TCPIP_ERR_INVALID_ENDPOINT_STATE;
}

/* There is nothing to read, and no error to tell. */
static enum tcpip_error folded_read_error(const struct tcpip_endpoint *endpoint)
{
    return fold_handle(endpoint)->folded.shut_read ? TCPIP_ERR_CLOSED_FOR_RECEIVE : TCPIP_ERR_WOULD_BLOCK;
}

static enum tcpip_error folded_recvmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                       size_t *done, struct tcpip_full_address *from, struct tcpip_control *control)
{
    (void)io, (void)io_count, (void)done, (void)from, (void)control;
    return folded_read_error(endpoint);
}

static enum tcpip_error folded_read_views(struct tcpip_endpoint *endpoint, struct tcpip_view *views, size_t *count,
                                          size_t max_bytes, size_t *done, struct tcpip_full_address *from)
{
    (void)views, (void)count, (void)max_bytes, (void)done, (void)from;
    return folded_read_error(endpoint);
}

static enum tcpip_error folded_peek(struct tcpip_endpoint *endpoint, bool (*writer)(void *, const void *, size_t),
                                    void *ctx, size_t *done)
{
    (void)writer, (void)ctx, (void)done;
    return folded_read_error(endpoint);
}

static enum tcpip_error folded_sendmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                       uint32_t flags, const struct tcpip_full_address *to,
                                       const struct tcpip_control *control, size_t *done)
{
    if (tcpip__tcp_unfold(endpoint) == NULL)
        return TCPIP_ERR_NO_BUFFER_SPACE;
    return endpoint->ops->sendmsg(endpoint, io, io_count, flags, to, control, done);
}

static enum tcpip_error folded_write_view(struct tcpip_endpoint *endpoint, const struct tcpip_view *view,
                                          uint32_t flags, const struct tcpip_full_address *to)
{
    if (tcpip__tcp_unfold(endpoint) == NULL)
        return TCPIP_ERR_NO_BUFFER_SPACE;
    return endpoint->ops->write_view(endpoint, view, flags, to);
}

static enum tcpip_error folded_shutdown(struct tcpip_endpoint *endpoint, uint32_t flags)
{
    return tcpip__tcp_unfold(endpoint) != NULL ? endpoint->ops->shutdown(endpoint, flags) : TCPIP_ERR_NO_MEMORY;
}

static void folded_close(struct tcpip_endpoint *endpoint)
{
    struct tcp_stack *tcp = tcp_stack_of(endpoint->stack);
    tcpip__endpoint_detach(endpoint);
    if (tcpip__tcp_unfold(endpoint) != NULL || fold_handle(endpoint)->ep != NULL)
        return;
    list_push_back(&tcp->folded_closed, &endpoint->ready);
    if (!tcpip_timer_armed(&tcp->folded_retry))
        stack_timer_set(tcp->stack, &tcp->folded_retry, tcpip__stack_now(tcp->stack) + FOLDED_RETRY_MS * TCPIP_MS);
}

static void folded_abandon(struct tcpip_endpoint *endpoint)
{
    struct tcp_endpoint last;
    struct tcp_handle *handle = fold_handle(endpoint);
    unfold_into(handle, &last);
    fold_end(handle, &last);
    tcpip__tcp_abandon_folded(&last);
}

static void folded_local_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    const struct flow *flow = &fold_handle(endpoint)->demux.flow;
    tcpip__address_shown(endpoint->network, flow->local, flow->local_port, flow->nic, out);
}

static enum tcpip_error folded_remote_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    const struct flow *flow = &fold_handle(endpoint)->demux.flow;
    tcpip__address_shown(endpoint->network, flow->remote, flow->remote_port, flow->nic, out);
    return TCPIP_OK;
}

static uint32_t folded_readiness(const struct tcpip_endpoint *endpoint)
{
    struct tcp_endpoint copy;
    return tcpip__tcp_readiness(tcpip__tcp_look(endpoint, &copy));
}

static enum tcpip_error folded_set_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t value)
{
    if (tcpip__tcp_unfold(endpoint) == NULL)
        return TCPIP_ERR_NO_MEMORY;
    return endpoint->ops->set_option(endpoint, option, value);
}

static enum tcpip_error folded_get_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t *value)
{
    struct tcp_endpoint copy;
    unfold_into(fold_handle(endpoint), &copy);
    if (option == TCPIP_OPTION_INCOMING_QUEUE || option == TCPIP_OPTION_PATH_MTU)
        tcpip__tcp_look_route(&copy);
    enum tcpip_error error = tcpip__tcp_option_value(&copy, option, value);
    tcpip__route_release(&copy.route);
    return error;
}

static struct demux_listener *folded_listener(struct tcpip_endpoint *endpoint)
{
    (void)endpoint;
    return NULL;
}

static void folded_flush(struct tcpip_endpoint *endpoint)
{
    (void)endpoint; /* it has nothing to send */
}

static void folded_save(struct tcpip_endpoint *endpoint, struct archive *archive, bool alone)
{
    struct tcp_endpoint copy;
    unfold_into(fold_handle(endpoint), &copy);
    tcpip__tcp_save_parts(&copy, archive, alone);
}

static bool folded_waits(const struct tcpip_endpoint *endpoint)
{
    (void)endpoint;
    return false;
}

static enum tcpip_error folded_freeze(struct tcpip_endpoint *endpoint, bool frozen)
{
    if (!frozen)
        return TCPIP_OK;
    return tcpip__tcp_unfold(endpoint) != NULL ? endpoint->ops->freeze(endpoint, true) : TCPIP_ERR_NO_MEMORY;
}

static const struct tcpip_endpoint_ops tcp_folded_ops = {
    .bind = folded_bind,
    .connect = folded_connect,
    .listen = folded_listen,
    .accept = folded_accept,
    .recvmsg = folded_recvmsg,
    .read_views = folded_read_views,
    .sendmsg = folded_sendmsg,
    .write_view = folded_write_view,
    .peek = folded_peek,
    .shutdown = folded_shutdown,
    .close = folded_close,
    .abandon = folded_abandon,
    .local_address = folded_local_address,
    .remote_address = folded_remote_address,
    .readiness = folded_readiness,
    .set_option = folded_set_option,
    .get_option = folded_get_option,
    .listener = folded_listener,
    .flush = folded_flush,
    .save = folded_save,
    .waits = folded_waits,
    .freeze = folded_freeze,
};

bool tcpip__tcp_fold(struct tcp_endpoint *ep)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    struct tcp_handle *handle = fold_handle(ep->base);
    if (!tcpip__tcp_foldable(ep, tcpip__stack_now(ep->base->stack)))
        return false;
    struct tcp_folded_extra *extra = NULL;
    struct tcp_folded_timer *timer = NULL;
    tcpip_ns due = ep->deadlines[TCP_TIMER_KEEPALIVE];
    if (fold_needs_extra(ep)) {
        extra = tcpip__pool_get(&tcp->folded_extras);
        if (extra == NULL)
            return false;
        fold_extra(ep, extra);
    }
    if (due != TCPIP_NEVER) {
        timer = tcpip__pool_get(&tcp->folded_timers);
        if (timer == NULL) {
            if (extra != NULL)
                tcpip__pool_put(&tcp->folded_extras, extra);
            return false;
        }
        *timer = (struct tcp_folded_timer){.node.fn = folded_timer_fired, .handle = handle};
        stack_timer_set(tcp->stack, &timer->node, due);
    }
    stack_timer_cancel(tcp->stack, &handle->timer);
    fold_fields(ep, &handle->folded);
    handle->folded.extra = extra;
    handle->folded.timer = timer;
    handle->ep = NULL;
    handle->demux.node.kind = TCP_DEMUX_FOLDED;
    handle->base.ops = &tcp_folded_ops;
    tcpip__route_release(&ep->route);
    tcpip__pool_put(&tcp->endpoints, ep);
    return true;
}

void tcpip__tcp_fold_init(struct tcp_stack *tcp)
{
    tcpip__pool_init(&tcp->folded_extras, &tcp->stack->memory, sizeof(struct tcp_folded_extra),
                     _Alignof(struct tcp_folded_extra), 0);
    tcpip__pool_init(&tcp->folded_timers, &tcp->stack->memory, sizeof(struct tcp_folded_timer),
                     _Alignof(struct tcp_folded_timer), 0);
    list_init(&tcp->folded_closed);
    tcp->folded_retry.fn = folded_retry;
}

void tcpip__tcp_fold_fini(struct tcp_stack *tcp)
{
    stack_timer_cancel(tcp->stack, &tcp->folded_retry);
    tcpip__pool_fini(&tcp->folded_timers);
    tcpip__pool_fini(&tcp->folded_extras);
}
