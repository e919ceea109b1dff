// SPDX-License-Identifier: MIT
/* tcp_listen.c: LISTEN (RFC 9293 3.10.7.2), SYN cookies (RFC 4987), and the queue of what waits to be accepted.
 *
 * A SYN becomes a half-open record; when there is no room for one the answer is a SYN cookie, which costs nothing: the
 * third segment brings the facts back.
 *
 * Owns:       struct tcp_listener.
 * Invariants: what is in the queue isn't the application's yet: it is reset when the listener goes.
 * Not here:   half-open records and what comes of them (tcp_half_open.c). */
#include "transport/tcp/syn_cookie.h"
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_clock.h"
#include "transport/tcp/tcp_save.h"

#include <stdalign.h>

enum {
    COOKIE_GRACE_S = 120, /* after the last overflow, ACKs are still tried as cookies: two minutes of the counter */
};

/* ---- SYN cookies ---- */

static void cookie_flow(const struct flow *flow, struct syn_cookie_flow *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->local, flow->local, 16);
    memcpy(out->remote, flow->remote, 16);
    out->local_port = flow->local_port;
    out->remote_port = flow->remote_port;
}

static void cookie_answer(struct tcp_endpoint *listener, struct tcp_segment *segment)
{
    struct tcpip_stack *stack = listener->base->stack;
    const struct tcpip_tcp_options *options = &segment->options;
    bool ts = segment->has_ts && tcp_option(listener, TCPIP_OPTION_TIMESTAMPS) != 0;
    tcpip__tcp_listener_scope(listener, &segment->flow);
    uint16_t fallback = address_is_v4(segment->flow.remote) ? TCP_MSS_DEFAULT_V4 : TCP_MSS_DEFAULT_V6;
    /* Without timestamps there is nowhere to keep the other options: not offered, so not owed. */
    struct syn_cookie_facts facts = {
        .mss = options->present & TCPIP_TCP_HAS_MSS && options->mss != 0 ? options->mss : fallback,
        .sack = ts && (options->present & TCPIP_TCP_HAS_SACK_PERMITTED) && tcp_option(listener, TCPIP_OPTION_SACK) != 0,
        .peer_scale = -1,
    };
    if (ts && (options->present & TCPIP_TCP_HAS_WINDOW_SCALE) && tcp_option(listener, TCPIP_OPTION_WINDOW_SCALING) != 0)
        facts.peer_scale = (int8_t)options->window_scale;
    /* That accurate counts were agreed on is told by the third segment's flags, and needs no bit here. */
    enum ecn_mode ecn = tcpip__ecn_accept((enum ecn_option)tcp_option(listener, TCPIP_OPTION_ECN),
                                          tcpip__tcp_congestion_ops(listener)->needs_ecn, segment->flags);
    if (ecn == ECN_CLASSIC && !ts)
        ecn = ECN_OFF;
    facts.ecn = ecn == ECN_CLASSIC;
    struct syn_cookie_flow flow;
    cookie_flow(&segment->flow, &flow);
    uint32_t offset = tcpip__timestamp_offset(&stack->secret, segment->flow.local, segment->flow.remote);
    tcpip_ns clock = tcp_wire_clock(stack, segment->now);
    struct tcp_syn_ack what = {
        .flow = &segment->flow,
        .options = listener->options,
        .buffer_bytes = tcpip__tcp_passive_buffer(stack, listener),
        .iss = tcpip__syn_cookie_make(&stack->secret, &flow, segment->seq, &facts, clock),
        .irs = segment->seq,
        .sack = facts.sack,
        .ts = ts,
        .scaling = facts.peer_scale >= 0,
        .ts_val = tcpip__syn_cookie_timestamp(timestamp_clock(clock, 0), &facts) + offset,
        .ts_ecr = segment->ts_val,
        .accecn_option = ecn == ECN_ACCURATE,
        .flags = TCPIP_TCP_SYN | TCPIP_TCP_ACK | tcpip__ecn_syn_ack_flags(ecn, tcp_ecn_point(segment)),
        .listener = listener,
    };
    if (segment->proof.key != NULL) {
        what.signature = segment->proof.key->kind;
        what.ao_send_id = segment->proof.reply->send_id;
        what.ao_receive_id = segment->proof.key->receive_id;
    }
    tcpip__tcp_syn_ack_send(stack, &what);
    stack->stats.tcp.listen_overflow_syn_cookie_sent++;
    listener->listener->cookies_until = segment->now + COOKIE_GRACE_S * TCPIP_SECOND;
    tcpip_packet_free(segment->packet);
}

/* Does the segment acknowledge a cookie of ours? */
static bool cookie_valid(struct tcp_endpoint *listener, const struct tcp_segment *segment,
                         struct syn_cookie_facts *facts)
{
    struct tcpip_stack *stack = listener->base->stack;
    int64_t mode = tcp_option(listener, TCPIP_OPTION_SYN_COOKIES);
    if (mode == 0 || (mode == 1 && segment->now >= listener->listener->cookies_until) ||
        (segment->flags & (TCPIP_TCP_SYN | TCPIP_TCP_RST)) != 0)
        return false;
    struct syn_cookie_flow flow;
    cookie_flow(&segment->flow, &flow);
    *facts = (struct syn_cookie_facts){.peer_scale = -1};
    if (tcpip__syn_cookie_check(&stack->secret, &flow, seq_sub(segment->seq, 1), seq_sub(segment->ack, 1), facts,
                                tcp_wire_clock(stack, segment->now)))
        return true;
    stack->stats.tcp.listen_overflow_invalid_syn_cookie_rcvd++;
    return false;
}

/* What was agreed on. Who counts accurately never has 0 or 1 in the three flags of his third segment, who doesn't has
 * nothing else (RFC 9768 5.1). */
static enum ecn_mode cookie_ecn(const struct tcp_endpoint *listener, const struct tcp_segment *segment,
                                const struct syn_cookie_facts *facts)
{
    if ((segment->flags & (TCPIP_TCP_AE | TCPIP_TCP_CWR)) != 0 &&
        tcp_option(listener, TCPIP_OPTION_ECN) >= ECN_OPTION_ACCURATE)
        return ECN_ACCURATE;
    return facts->ecn ? ECN_CLASSIC : ECN_OFF;
}

/* The third segment of a handshake that we kept no record of; true: it was one, and the packet is taken. */
static bool cookie_accept(struct tcp_endpoint *listener, struct tcp_segment *segment)
{
    struct tcpip_stack *stack = listener->base->stack;
    struct syn_cookie_facts facts;
    if (!cookie_valid(listener, segment, &facts))
        return false;
    seqnum irs = seq_sub(segment->seq, 1), iss = seq_sub(segment->ack, 1);
    bool ts = segment->has_ts && tcp_option(listener, TCPIP_OPTION_TIMESTAMPS) != 0;
    uint32_t offset = tcpip__timestamp_offset(&stack->secret, segment->flow.local, segment->flow.remote);
    if (ts)
        tcpip__syn_cookie_timestamp_read(segment->ts_ecr - offset, &facts);
    if (tcp_listener_full(listener)) {
        stack->stats.tcp.listen_overflow_ack_drop++;
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_LISTEN_OVERFLOW);
        return true;
    }
    tcpip__tcp_listener_scope(listener, &segment->flow);
    struct tcp_negotiated negotiated = {
        .iss = iss,
        .irs = irs,
        .peer_mss = facts.mss,
        .peer_scale = facts.peer_scale,
        .sack = facts.sack,
        .ts = ts,
        .ecn_mode = (uint8_t)cookie_ecn(listener, segment, &facts),
        .ts_recent = ts ? segment->ts_val : 0,
    };
    tcpip__tcp_negotiate_signature(segment, &negotiated);
    struct tcp_endpoint *ep = tcpip__tcp_passive_establish(stack, listener, &segment->flow, NULL, &negotiated);
    if (ep == NULL) {
        tcpip_packet_drop(segment->packet, TCPIP_DROP_NO_MEMORY);
        return true;
    }
    stack->stats.tcp.listen_overflow_syn_cookie_rcvd++;
    tcpip__tcp_passive_deliver(listener, ep, segment);
    return true;
}

/* The same SYN may have come before when there was no room for a record, and was answered with a cookie: that is what
 * the peer acknowledges then. True: the record makes way, and the packet is taken. */
bool tcpip__tcp_listener_cookie(struct tcpip_stack *stack, struct tcp_half_open *half, struct tcp_segment *segment)
{
    struct tcp_endpoint *listener = half->listener;
    struct syn_cookie_facts facts;
    if (listener == NULL || !cookie_valid(listener, segment, &facts))
        return false;
    tcpip__tcp_half_open_free(stack, half);
    return cookie_accept(listener, segment);
}

/* ---- LISTEN ---- */

static void listener_syn(struct tcp_endpoint *listener, struct tcp_segment *segment)
{
    struct tcpip_stack *stack = listener->base->stack;
    struct tcp_listener *own = listener->listener;
    int64_t cookies = tcp_option(listener, TCPIP_OPTION_SYN_COOKIES);
    if (tcp_listener_full(listener)) {
        stack->stats.tcp.listen_overflow_syn_drop++;
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_LISTEN_OVERFLOW);
        return;
    }
    struct tcp_half_open *half = NULL;
    struct fast_open_cookie cookie;
    bool has_cookie = false;
    /* A cookie stays the same for a minute, and so doesn't lie above the numbers of a connection that was just here
     * (RFC 9293 3.6.1): who comes out of TIME-WAIT gets a record, in the place of the one that went. */
    bool again = segment->has_iss_above;
    if (again || (cookies != 2 && own->half_open <= own->backlog)) {
        if (tcpip__tcp_fast_open_syn(listener, segment, &cookie, &has_cookie))
            return;
        half = tcpip__tcp_half_open_new(stack, listener, segment);
    }
    if (half != NULL) {
        tcpip__tcp_half_open_answer(stack, half, has_cookie ? &cookie : NULL);
        tcpip_packet_free(segment->packet);
    } else if (cookies != 0 && !again) {
        cookie_answer(listener, segment);
    } else {
        stack->stats.tcp.listen_overflow_syn_drop++;
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_SYN_LIMIT);
    }
}

/* RFC 9293 3.10.7.2. */
void tcpip__tcp_listener_input(struct tcp_endpoint *listener, struct tcp_segment *segment)
{
    struct tcpip_stack *stack = listener->base->stack;
    uint16_t flags = segment->flags;
    if (flags & TCPIP_TCP_RST) {
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_BAD_RST);
    } else if (flags & TCPIP_TCP_ACK) {
        if (cookie_accept(listener, segment))
            return;
        tcpip__tcp_reply_reset(stack, segment);
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_BAD_ACK);
    } else if ((flags & (TCPIP_TCP_SYN | TCPIP_TCP_FIN)) == TCPIP_TCP_SYN) {
        listener_syn(listener, segment);
    } else {
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_BAD_FLAGS);
    }
}

static void listener_demux(struct tcp_endpoint *ep, struct demux_listener *out)
{
    bool any = address_is_zero(ep->port_key.address);
    bool v4_address = address_is_v4(ep->port_key.address);
    out->endpoint = ep->base;
    if (!any)
        memcpy(out->local, ep->port_key.address, 16);
    out->nic = ep->port_key.nic;
    out->port = ep->port_key.port;
    out->transport = TCPIP_PROTOCOL_TCP;
    bool v6_endpoint = ep->base->network == TCPIP_PROTOCOL_IPV6;
    out->v6 = v6_endpoint && !v4_address;
    out->v4 = !v6_endpoint || v4_address || (any && tcp_option(ep, TCPIP_OPTION_V6_ONLY) == 0);
    out->reuse_port = tcp_option(ep, TCPIP_OPTION_REUSE_PORT) != 0;
    demux_listener_queue(out, tcp_option(ep, TCPIP_OPTION_INCOMING_QUEUE));
}

static struct tcp_listener *listener_new(const struct tcp_endpoint *ep, uint32_t backlog)
{
    struct tcp_listener *listener =
        tcpip__memory_zalloc(&ep->base->stack->memory, sizeof(*listener), alignof(struct tcp_listener));
    if (listener == NULL)
        return NULL;
    list_init(&listener->queue);
    list_init(&listener->fast_open_children);
    listener->backlog = backlog;
    return listener;
}

/* The endpoint holds its port: it listens. */
static void listener_start(struct tcp_endpoint *ep, struct tcp_listener *listener)
{
    listener_demux(ep, &listener->demux);
    ep->listener = listener;
    tcpip__demux_listen(ep->base->stack, &listener->demux);
    tcpip__tcp_event(ep, TCP_EVENT_LISTEN);
}

enum tcpip_error tcpip__tcp_listen(struct tcp_endpoint *ep, uint32_t backlog)
{
    struct tcpip_stack *stack = ep->base->stack;
    backlog = min_u32(backlog, stack->limits.accept_backlog);
    if (ep->state == TCPIP_TCP_LISTEN) {
        ep->listener->backlog = backlog;
        return TCPIP_OK;
    }
    if (ep->state != TCPIP_TCP_CLOSED || ep->dead || ep->connect_state != TCP_CONNECT_NONE)
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    if (!ep->bound) {
        struct tcpip_full_address any = {0};
        enum tcpip_error error = tcpip__tcp_bind(ep, &any, NULL, NULL);
        if (error != TCPIP_OK)
            return error;
    }
    struct tcp_listener *listener = listener_new(ep, backlog);
    if (listener == NULL)
        return TCPIP_ERR_NO_MEMORY;
    enum tcpip_error error = tcpip__tcp_port_listen(ep);
    if (error != TCPIP_OK) {
        tcpip__memory_free(&stack->memory, listener, sizeof(*listener));
        return error;
    }
    listener_start(ep, listener);
    tcpip__tcp_fast_open_limit(ep);
    return TCPIP_OK;
}

enum tcpip_error tcpip__tcp_restore_listener(struct tcp_endpoint *ep, uint32_t backlog, uint32_t fast_open_max,
                                             tcpip_ns cookies_until)
{
    uint32_t most = ep->base->stack->limits.accept_backlog;
    struct tcp_listener *listener = listener_new(ep, min_u32(backlog, most));
    if (listener == NULL)
        return TCPIP_ERR_NO_MEMORY;
    listener->fast_open_max = min_u32(fast_open_max, most);
    listener->cookies_until = cookies_until;
    listener_start(ep, listener);
    return TCPIP_OK;
}

/* Connections that nobody accepted are reset (RFC 9293 3.10.4: the listener's CLOSE). */
static void listener_reset_queue(struct tcp_listener *listener, bool silent)
{
    struct tcpip_list_node *node;
    while ((node = list_pop_front(&listener->queue)) != NULL) {
        struct tcp_endpoint *ep = TCPIP_CONTAINER_OF(node, struct tcp_endpoint, queue_node);
        if (!ep->dead && !silent)
            tcpip__tcp_output_control(ep, ep->snd_nxt, TCPIP_TCP_RST | TCPIP_TCP_ACK);
        ep->orphan = true;
        tcpip__endpoint_detach(ep->base);
        tcpip__tcp_die(ep);
        tcpip__tcp_reap(ep);
    }
}

void tcpip__tcp_unlisten(struct tcp_endpoint *ep)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct tcp_stack *tcp = tcp_stack_of(stack);
    struct tcp_listener *listener = ep->listener;
    tcpip__demux_unlisten(stack, &listener->demux);
    for (unsigned i = 0; i < TCP_HALF_OPEN_LEVELS && listener->half_open > 0; i++) {
        list_for_each_safe(node, following, &tcp->half_open[i])
        {
            struct tcp_half_open *half = TCPIP_CONTAINER_OF(node, struct tcp_half_open, node);
            if (half->listener == ep)
                tcpip__tcp_half_open_free(stack, half);
        }
    }
    tcpip__tcp_fast_open_orphan(listener);
    listener_reset_queue(listener, ep->dead); /* dead already: the stack itself is going */
    ep->listener = NULL;
    tcpip__memory_free(&stack->memory, listener, sizeof(*listener));
}

bool tcpip__tcp_acceptable(const struct tcp_endpoint *ep)
{
    return ep->listener != NULL && !list_empty(&ep->listener->queue);
}

enum tcpip_error tcpip__tcp_accept(struct tcp_endpoint *ep, struct tcpip_endpoint **out,
                                   struct tcpip_full_address *peer)
{
    if (ep->state != TCPIP_TCP_LISTEN)
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    struct tcpip_list_node *node = list_pop_front(&ep->listener->queue);
    if (node == NULL)
        return TCPIP_ERR_WOULD_BLOCK;
    ep->listener->queued--;
    struct tcp_endpoint *accepted = TCPIP_CONTAINER_OF(node, struct tcp_endpoint, queue_node);
    if (accepted->state == TCPIP_TCP_ESTABLISHED)
        tcpip__tcp_timers_on_rest(accepted);
    *out = accepted->base;
    if (peer != NULL)
        tcpip__tcp_remote_address(accepted, peer);
    return TCPIP_OK;
}
