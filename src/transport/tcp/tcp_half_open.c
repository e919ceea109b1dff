// SPDX-License-Identifier: MIT
/* tcp_half_open.c: SYN-RECEIVED as a record (RFC 9293 3.10.7.4; RFC 4987).
 *
 * A SYN costs 128 bytes at most, not an endpoint. Records stand in the demultiplexer under their flow and
 * on one list per number of SYN-ACKs sent; each list is in order of expiry because all of its records wait equally
 * long, so one timer serves them all.
 *
 *   SYN ---------> record, SYN-ACK --- ACK ---> endpoint in the accept queue --- accept ---> the application
 *       \--------> cookie, SYN-ACK --- ACK -/
 *
 * Owns:       tcp_stack.half_open*; the making of passively opened endpoints.
 * Invariants: a record's listener is alive: records go when it goes.
 * Not here:   the listener, its queue and its cookies (tcp_listen.c), the forwarder's verdicts (tcp_forward.c). */
#include "transport/tcp/tcp_clock.h"
#include "transport/tcp/tcp_forward.h"
#include "transport/tcp/tcp_mtu.h"
#include "transport/tcp/tcp_save.h"

/* ---- records ---- */

static uint32_t half_open_clock(tcpip_ns now)
{
    return (uint32_t)(now / TCPIP_US);
}

/* How long a record of this level waits for its ACK: 1 s, doubled each time. */
static uint32_t half_open_wait_us(unsigned level)
{
    return level >= TCP_HALF_OPEN_LEVELS - 1 ? 120u * 1000000u : 1000000u << level;
}

static unsigned half_open_list(const struct tcp_half_open *half)
{
    return min_u32(half->level, TCP_HALF_OPEN_LEVELS - 1);
}

static tcpip_ns half_open_expiry(const struct tcp_half_open *half, tcpip_ns now)
{
    uint32_t waited_us = half_open_clock(now) - half->sent_us;
    return now + ((tcpip_ns)half_open_wait_us(half_open_list(half)) - (tcpip_ns)waited_us) * TCPIP_US;
}

static void half_open_schedule(struct tcp_stack *tcp, tcpip_ns now)
{
    tcpip_ns first = TCPIP_NEVER;
    for (unsigned i = 0; i < TCP_HALF_OPEN_LEVELS; i++) {
        struct tcpip_list_node *node = list_first(&tcp->half_open[i]);
        if (node != NULL)
            first = min_i64(first, half_open_expiry(TCPIP_CONTAINER_OF(node, struct tcp_half_open, node), now));
    }
    if (first == TCPIP_NEVER)
        stack_timer_cancel(tcp->stack, &tcp->half_open_timer);
    else
        stack_timer_set(tcp->stack, &tcp->half_open_timer, first);
}

static void half_open_enlist(struct tcp_stack *tcp, struct tcp_half_open *half, tcpip_ns now)
{
    half->sent_us = half_open_clock(now);
    list_push_back(&tcp->half_open[half_open_list(half)], &half->node);
    tcpip_ns expiry = half_open_expiry(half, now);
    if (!tcpip_timer_armed(&tcp->half_open_timer) || expiry < tcp->half_open_timer.at)
        stack_timer_set(tcp->stack, &tcp->half_open_timer, expiry);
}

static const struct option_block *half_open_options(const struct tcp_half_open *half)
{
    return half->listener != NULL ? half->listener->options : NULL;
}

/* What comes to a listener that is bound to a NIC, stays there. */
void tcpip__tcp_listener_scope(const struct tcp_endpoint *listener, struct flow *flow)
{
    if (listener != NULL && flow->nic == 0)
        flow->nic = listener->port_key.nic;
}

/* What the SYN's ECN flags are answered with. */
static enum ecn_mode syn_ecn(const struct tcpip_stack *stack, const struct tcp_endpoint *judge, uint16_t flags)
{
    const struct tcpip_congestion_ops *ops =
        judge != NULL ? tcpip__tcp_congestion_ops(judge) : tcpip__congestion_default(stack);
    int64_t option = option_get(stack, judge != NULL ? judge->options : NULL, TCPIP_OPTION_ECN);
    return tcpip__ecn_accept((enum ecn_option)option, ops->needs_ecn, flags);
}

/* Beside a signature there is no room for timestamps and more than one SACK block, and SACK is worth more (as Linux).
 */
void tcpip__tcp_negotiate_signature(const struct tcp_segment *segment, struct tcp_negotiated *out)
{
    const struct tcp_proof *proof = &segment->proof;
    if (likely(proof->key == NULL))
        return;
    out->signature = proof->key->kind;
    out->ao_send_id = proof->reply->send_id;
    out->ao_receive_id = proof->key->receive_id;
    if ((segment->flags & TCPIP_TCP_SYN) != 0)
        out->ts = out->ts && !out->sack;
}

void tcpip__tcp_syn_offer(const struct tcp_segment *segment, struct tcp_offer *out)
{
    const struct tcpip_tcp_options *options = &segment->options;
    bool scales = (options->present & TCPIP_TCP_HAS_WINDOW_SCALE) != 0;
    *out = (struct tcp_offer){
        .irs = segment->seq,
        .ts_val = segment->ts_val,
        .mss = options->present & TCPIP_TCP_HAS_MSS ? options->mss : 0,
        .scale = scales ? (int8_t)options->window_scale : -1,
        .sack = (options->present & TCPIP_TCP_HAS_SACK_PERMITTED) != 0,
        .ts = segment->has_ts,
        .ecn_flags = segment->flags & (TCPIP_TCP_AE | TCPIP_TCP_CWR | TCPIP_TCP_ECE),
        .point = (uint8_t)tcp_ecn_point(segment),
    };
}

void tcpip__tcp_syn_take(const struct tcpip_stack *stack, const struct tcp_endpoint *judge,
                         const struct tcp_offer *offer, struct tcp_negotiated *out)
{
    const struct option_block *block = judge != NULL ? judge->options : NULL;
    *out = (struct tcp_negotiated){.irs = offer->irs, .peer_mss = offer->mss, .peer_scale = -1};
    if (option_get(stack, block, TCPIP_OPTION_WINDOW_SCALING) != 0)
        out->peer_scale = offer->scale;
    out->sack = offer->sack && option_get(stack, block, TCPIP_OPTION_SACK) != 0;
    out->ts = offer->ts && option_get(stack, block, TCPIP_OPTION_TIMESTAMPS) != 0;
    out->ts_recent = out->ts ? offer->ts_val : 0;
    out->ecn_mode = (uint8_t)syn_ecn(stack, judge, offer->ecn_flags);
    out->syn_point = offer->point;
}

seqnum tcpip__tcp_syn_isn(const struct tcpip_stack *stack, const struct tcp_segment *segment)
{
    const struct flow *flow = &segment->flow;
    seqnum iss = tcpip__isn(&stack->secret, flow->local, flow->local_port, flow->remote, flow->remote_port,
                            tcp_wire_clock(stack, segment->now));
    return segment->has_iss_above && seq_leq(iss, segment->iss_above) ? seq_add(segment->iss_above, 65537) : iss;
}

void tcpip__tcp_syn_negotiate(const struct tcpip_stack *stack, const struct tcp_endpoint *listener,
                              const struct tcp_segment *segment, struct tcp_negotiated *out)
{
    struct tcp_offer offer;
    tcpip__tcp_syn_offer(segment, &offer);
    tcpip__tcp_syn_take(stack, listener, &offer, out);
    tcpip__tcp_negotiate_signature(segment, out);
    out->ts_recent = out->ts ? offer.ts_val : 0;
    out->iss = tcpip__tcp_syn_isn(stack, segment);
}

static struct tcp_half_open_wide *half_open_wide(struct tcp_half_open *half)
{
    return TCPIP_CONTAINER_OF(half, struct tcp_half_open_wide, half);
}

/* Zeroed; NULL at the limit or without memory. */
static struct tcp_half_open *half_open_get(struct tcp_stack *tcp, bool wide)
{
    if (tcp->half_open_count >= tcp->stack->limits.syn_received)
        return NULL;
    struct tcp_half_open *half = NULL;
    struct tcp_half_open_wide *record = wide ? tcpip__pool_zget(&tcp->half_opens_wide) : NULL;
    if (record != NULL)
        half = &record->half;
    else if (!wide)
        half = tcpip__pool_zget(&tcp->half_opens);
    if (half != NULL)
        half->wide = wide;
    return half;
}

static void half_open_put(struct tcp_stack *tcp, struct tcp_half_open *half)
{
    if (half->wide)
        tcpip__pool_put(&tcp->half_opens_wide, half_open_wide(half));
    else
        tcpip__pool_put(&tcp->half_opens, half);
}

/* A record with what was taken, that nobody can find yet. */
static struct tcp_half_open *half_open_make(struct tcp_stack *tcp, struct tcp_endpoint *listener,
                                            const struct tcp_negotiated *taken)
{
    bool wide = listener != NULL && tcp_option(listener, TCPIP_OPTION_SAVE_SYN) != 0;
    struct tcp_half_open *half = half_open_get(tcp, wide);
    if (half == NULL)
        return NULL;
    half->listener = listener;
    half->demux.node.number = TCPIP_PROTOCOL_TCP;
    half->demux.node.kind = TCP_DEMUX_HALF_OPEN;
    half->iss = taken->iss;
    half->irs = taken->irs;
    half->peer_mss = taken->peer_mss;
    half->peer_scale = taken->peer_scale;
    half->sack = taken->sack;
    half->ts = taken->ts;
    half->ts_recent = taken->ts_recent;
    half->ecn_mode = taken->ecn_mode & 3u;
    half->syn_point = taken->syn_point & 3u;
    half->signature = taken->signature & 3u;
    half->ao_send_id = taken->ao_send_id;
    half->ao_receive_id = taken->ao_receive_id;
    return half;
}

struct tcp_half_open *tcpip__tcp_half_open_take(struct tcpip_stack *stack, struct demux_entry *entry,
                                                const struct tcp_negotiated *taken)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    struct tcp_half_open *half = half_open_make(tcp, NULL, taken);
    if (half == NULL)
        return NULL;
    tcpip__demux_replace(stack, entry, &half->demux);
    half->forwarded = true;
    tcp->half_open_count++;
    return half;
}

struct tcp_half_open *tcpip__tcp_half_open_new(struct tcpip_stack *stack, struct tcp_endpoint *listener,
                                               const struct tcp_segment *segment)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    struct tcp_negotiated taken;
    tcpip__tcp_syn_negotiate(stack, listener, segment, &taken);
    struct tcp_half_open *half = half_open_make(tcp, listener, &taken);
    if (half == NULL)
        return NULL;
    half->demux.flow = segment->flow;
    tcpip__tcp_listener_scope(listener, &half->demux.flow);
    if (tcpip__demux_insert(stack, &half->demux) != TCPIP_OK) {
        half_open_put(tcp, half);
        return NULL;
    }
    if (half->wide)
        half_open_wide(half)->saved_syn = tcpip__tcp_syn_save(listener, segment);
    listener->listener->half_open++;
    tcp->half_open_count++;
    return half;
}

void tcpip__tcp_half_open_free(struct tcpip_stack *stack, struct tcp_half_open *half)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    if (half->listener != NULL)
        half->listener->listener->half_open--;
    if (half->forwarded)
        tcpip__tcp_forward_finished(tcp, half->demux.flow.remote, half->counted);
    tcp->half_open_count--;
    list_remove_if_linked(&half->node);
    if (half->wide)
        tcpip__tcp_syn_forget(stack, &half_open_wide(half)->saved_syn);
    if (half->demux.node.linked)
        tcpip__demux_remove(stack, &half->demux);
    half_open_put(tcp, half);
}

/* ---- saved and restored ---- */

static void half_open_fields(struct archive *archive, struct tcp_half_open *half, uint32_t *waited_us)
{
    bool flags[] = {half->sack, half->ts, half->acked, half->syn_again, half->syn_plain};
    uint8_t scale = (uint8_t)(half->peer_scale + 1), ecn_mode = half->ecn_mode, syn_point = half->syn_point;
    uint8_t signature = half->signature;
    tcpip__flow_archive(archive, &half->demux.flow);
    archive_u32(archive, waited_us);
    archive_seq(archive, &half->iss);
    archive_seq(archive, &half->irs);
    archive_u32(archive, &half->ts_recent);
    archive_u16(archive, &half->peer_mss);
    archive_u8(archive, &scale, TCPIP_TCP_WINDOW_SCALE_MAX + 1);
    archive_u8(archive, &half->level, UINT8_MAX);
    for (size_t i = 0; i < array_count(flags); i++)
        archive_bool(archive, &flags[i]);
    archive_u8(archive, &ecn_mode, ECN_ACCURATE);
    archive_u8(archive, &syn_point, POINT_CE);
    archive_u8(archive, &signature, SIGNATURE_AO);
    archive_u8(archive, &half->ao_send_id, UINT8_MAX);
    archive_u8(archive, &half->ao_receive_id, UINT8_MAX);
    half->peer_scale = (int8_t)(scale - 1);
    half->sack = flags[0];
    half->ts = flags[1];
    half->acked = flags[2];
    half->syn_again = flags[3];
    half->syn_plain = flags[4];
    half->ecn_mode = ecn_mode & 3u;
    half->syn_point = syn_point & 3u;
    half->signature = signature & 3u;
}

static void half_open_restore(struct archive *archive, struct tcp_endpoint *listener)
{
    struct tcpip_stack *stack = listener->base->stack;
    struct tcp_stack *tcp = tcp_stack_of(stack);
    uint32_t waited_us = 0;
    struct tcp_half_open read = {.listener = listener};
    half_open_fields(archive, &read, &waited_us);
    read.demux.node.number = TCPIP_PROTOCOL_TCP;
    read.demux.node.kind = TCP_DEMUX_HALF_OPEN;
    struct tcp_half_open *half = archive_ok(archive) ? half_open_get(tcp, false) : NULL;
    if (half == NULL)
        return; /* at the limit: the peer says its SYN again */
    *half = read;
    if (tcpip__demux_insert(stack, &half->demux) != TCPIP_OK) {
        half_open_put(tcp, half);
        tcpip__archive_fail(archive, TCPIP_ERR_PORT_IN_USE);
        return;
    }
    listener->listener->half_open++;
    tcp->half_open_count++;
    half_open_enlist(tcp, half, archive->now - (tcpip_ns)waited_us * TCPIP_US);
}

void tcpip__tcp_half_open_archive(struct archive *archive, struct tcp_endpoint *listener)
{
    struct tcp_stack *tcp = tcp_stack_of(listener->base->stack);
    while (archive_restoring(archive) && archive_ok(archive) && archive_left(archive) > 0)
        half_open_restore(archive, listener);
    for (unsigned i = 0; i < TCP_HALF_OPEN_LEVELS && !archive_restoring(archive); i++) {
        list_for_each(node, &tcp->half_open[i])
        {
            struct tcp_half_open *half = TCPIP_CONTAINER_OF(node, struct tcp_half_open, node);
            uint32_t waited_us = half_open_clock(archive->now) - half->sent_us;
            if (half->listener == listener)
                half_open_fields(archive, half, &waited_us);
        }
    }
}

/* ---- SYN-ACKs ---- */

/* What a SYN-ACK says of our receive side. */
uint32_t tcpip__tcp_passive_buffer(const struct tcpip_stack *stack, const struct tcp_endpoint *listener)
{
    uint32_t bytes =
        listener != NULL ? listener->receive_window.buffer_bytes : tcpip__tcp_receive_buffer_default(stack);
    uint32_t clamp =
        tcp_window_clamp(option_get(stack, listener != NULL ? listener->options : NULL, TCPIP_OPTION_WINDOW_CLAMP));
    return clamp != 0 ? min_u32(bytes, clamp) : bytes;
}

void tcpip__tcp_syn_ack_send(struct tcpip_stack *stack, const struct tcp_syn_ack *what)
{
    struct tcpip_route route = {0};
    uint8_t local[16];
    memcpy(local, what->flow->local, 16);
    if (tcpip__route_find(stack, what->flow->nic, local, what->flow->remote, &route) != TCPIP_OK)
        return;
    uint8_t options[TCPIP_TCP_OPTIONS_MAX];
    uint16_t mss = tcpip__tcp_advertised_mss(&route, what->flow->remote,
                                             option_get(stack, what->options, TCPIP_OPTION_MAX_SEGMENT));
    uint32_t most = max_u32(what->buffer_bytes, stack->limits.tcp_receive_buffer_max);
    int scale = what->scaling ? tcpip__receive_window_scale(most) : -1;
    struct signing own;
    const struct signing *signing = tcpip__tcp_signing_syn_ack(what, &own) ? &own : NULL;
    size_t bytes = 0;
    if (what->flags & TCPIP_TCP_SYN) {
        bytes = tcpip__tcp_syn_options(options, mss, what->sack, scale, what->ts, what->ts_val, what->ts_ecr,
                                       what->cookie, signing);
    } else if (signing != NULL) {
        struct tcpip_tcp_options alone = {.present = 0};
        signature_reserve(signing, &alone);
        bytes = tcpip_tcp_options_emit(options, &alone);
    }
    if (what->accecn_option)
        bytes = tcpip__tcp_syn_ack_accecn(options, bytes);
    uint32_t window = min_u32(what->buffer_bytes, 65535);
    if ((what->flags & TCPIP_TCP_SYN) == 0 && scale > 0)
        window >>= scale; /* only a SYN's window is as it stands (RFC 7323 2.2): else it would be taken back later */
    struct tcp_bare_segment syn_ack = {
        .flow = what->flow,
        .seq = what->iss,
        .ack = seq_add(what->irs, 1),
        .flags = what->flags,
        .window = (uint16_t)window,
        .options = options,
        .options_bytes = bytes,
        .ttl = (uint8_t)option_get(stack, what->options, TCPIP_OPTION_TTL),
        .tos = (uint8_t)option_get(stack, what->options, TCPIP_OPTION_TOS),
        .signing = signing,
    };
    (void)tcpip__tcp_output_bare(stack, &route, &syn_ack);
    tcpip__route_release(&route);
}

/* AccECN: the second repetition goes without, as the path may drop what has these flags (RFC 9768 3.2.3.2.2). */
static uint16_t half_open_ecn(const struct tcp_half_open *half)
{
    if (half->ecn_mode == ECN_ACCURATE && half->level > 1)
        return 0;
    return tcpip__ecn_syn_ack_flags((enum ecn_mode)half->ecn_mode, (enum ecn_point)half->syn_point);
}

/* A Fast Open cookie goes with the first SYN-ACK alone: what is lost may be asked for again. */
static void half_open_send_cookie(struct tcpip_stack *stack, const struct tcp_half_open *half, uint16_t flags,
                                  const struct fast_open_cookie *cookie)
{
    tcpip_ns now = tcpip__stack_now(stack);
    const struct flow *flow = &half->demux.flow;
    struct tcp_syn_ack what = {
        .flow = flow,
        .options = half_open_options(half),
        .buffer_bytes = tcpip__tcp_passive_buffer(stack, half->listener),
        .iss = flags & TCPIP_TCP_SYN ? half->iss : seq_add(half->iss, 1),
        .irs = half->irs,
        .sack = half->sack,
        .ts = half->ts,
        .scaling = half->peer_scale >= 0,
        .accecn_option = (flags & TCPIP_TCP_SYN) != 0 && half->ecn_mode == ECN_ACCURATE && half->level == 0 &&
                         !half->syn_again, /* the path may not like it */
        .ts_val = timestamp_clock(now, tcp_timestamp_offset(stack, flow->local, flow->remote)),
        .ts_ecr = half->ts_recent,
        .flags = flags | ((flags & TCPIP_TCP_SYN) != 0 ? half_open_ecn(half) : 0),
        .cookie = cookie,
        .listener = half->listener,
        .signature = half->signature,
        .ao_send_id = half->ao_send_id,
        .ao_receive_id = half->ao_receive_id,
    };
    tcpip__tcp_syn_ack_send(stack, &what);
}

static void half_open_send(struct tcpip_stack *stack, const struct tcp_half_open *half, uint16_t flags)
{
    half_open_send_cookie(stack, half, flags, NULL);
}

/* The first SYN-ACK, and the wait for its ACK. */
void tcpip__tcp_half_open_answer(struct tcpip_stack *stack, struct tcp_half_open *half,
                                 const struct fast_open_cookie *cookie)
{
    half_open_send_cookie(stack, half, TCPIP_TCP_SYN | TCPIP_TCP_ACK, cookie);
    half_open_enlist(tcp_stack_of(stack), half, tcpip__stack_now(stack));
}

/* DEFER_ACCEPT as a number of waits for SYN-ACKs, as Linux counts it: the least that make up the time. 0: off. */
static unsigned half_open_defers(const struct tcpip_stack *stack, const struct tcp_half_open *half)
{
    int64_t wanted_ns = option_get(stack, half_open_options(half), TCPIP_OPTION_DEFER_ACCEPT);
    if (wanted_ns <= 0)
        return 0;
    unsigned waits = 1;
    tcpip_ns total_ns = half_open_wait_us(0) * TCPIP_US;
    for (; total_ns < wanted_ns && waits < UINT8_MAX; waits++)
        total_ns += half_open_wait_us(waits) * TCPIP_US;
    return waits;
}

static void half_open_expired(struct tcpip_stack *stack, struct tcp_half_open *half, tcpip_ns now)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    unsigned defers = half->acked ? half_open_defers(stack, half) : 0;
    bool last = half->level >= option_get(stack, half_open_options(half), TCPIP_OPTION_SYN_ACK_COUNT);
    if (last && half->level >= defers) {
        stack->stats.tcp.half_open_timeouts++;
        tcpip__tcp_half_open_free(stack, half);
        return;
    }
    list_remove(&half->node);
    half->level++;
    if (half->level >= defers) { /* who waits for data has its ACK: only the last SYN-ACK asks for another one */
        /* To one address only so many: it may have been forged. Who is there asks again by himself. */
        if (tcpip__reply_limit_take(&tcp->syn_acks, half->demux.flow.remote, now)) {
            stack->stats.tcp.retransmits++;
            half_open_send(stack, half, TCPIP_TCP_SYN | TCPIP_TCP_ACK);
        } else {
            stack->stats.tcp.syn_acks_suppressed++;
        }
    }
    half_open_enlist(tcp, half, now);
}

void tcpip__tcp_half_open_timer(struct tcpip_timer *timer, tcpip_ns now)
{
    struct tcp_stack *tcp = TCPIP_CONTAINER_OF(timer, struct tcp_stack, half_open_timer);
    for (unsigned i = 0; i < TCP_HALF_OPEN_LEVELS; i++) {
        struct tcpip_list_node *node;
        while ((node = list_first(&tcp->half_open[i])) != NULL) {
            struct tcp_half_open *half = TCPIP_CONTAINER_OF(node, struct tcp_half_open, node);
            if (half_open_expiry(half, now) > now)
                break;
            half_open_expired(tcp->stack, half, now);
        }
    }
    half_open_schedule(tcp, now);
}

/* ---- the third segment ---- */

/* A closed endpoint with what was agreed on, in the demultiplexer; NULL: out of memory or endpoints. `entry`: the
 * record that it replaces, or NULL. */
struct tcp_endpoint *tcpip__tcp_passive_new(struct tcpip_stack *stack, struct tcp_endpoint *listener,
                                            const struct flow *flow, struct demux_entry *entry,
                                            const struct tcp_negotiated *negotiated)
{
    enum tcpip_error error;
    tcpip_ns now = tcpip__stack_now(stack);
    uint32_t network = listener != NULL              ? listener->base->network
                       : address_is_v4(flow->remote) ? TCPIP_PROTOCOL_IPV4
                                                     : TCPIP_PROTOCOL_IPV6;
    struct tcp_endpoint *ep = tcpip__tcp_endpoint_new(stack, network, &error);
    if (ep == NULL)
        return NULL;
    ep->demux->flow = *flow;
    if (listener != NULL) {
        ep->options = tcpip__option_block_share(listener->options);
        ep->min_ttl = listener->min_ttl;
        ep->send_buffer_bytes = listener->send_buffer_bytes;
        ep->send_buffer_fixed = listener->send_buffer_fixed;
        ep->receive_buffer_fixed = listener->receive_buffer_fixed;
        ep->receive_window.buffer_bytes = listener->receive_window.buffer_bytes;
        ep->congestion.ops = listener->congestion.ops;
    }
    bool keyed = tcpip__tcp_signature_inherit(ep, listener, negotiated);
    if (entry != NULL && keyed) {
        tcpip__demux_replace(stack, entry, ep->demux);
    } else if (!keyed || tcpip__demux_insert(stack, ep->demux) != TCPIP_OK) {
        ep->orphan = true;
        tcpip__tcp_die(ep);
        return NULL;
    }
    ep->accepted = true;
    ep->connect_state = TCP_CONNECT_TOLD;
    if (listener != NULL)
        tcpip__tcp_port_connected(ep); /* as Linux: nobody binds to it anew but with REUSE_ADDRESS on both sides */
    ep->iss = negotiated->iss;
    tcpip__tcp_prepare(ep, now);
    tcpip__tcp_negotiate(ep, negotiated, now);
    ep->snd_una = ep->snd_nxt;
    return ep;
}

struct tcp_endpoint *tcpip__tcp_passive_establish(struct tcpip_stack *stack, struct tcp_endpoint *listener,
                                                  const struct flow *flow, struct demux_entry *entry,
                                                  const struct tcp_negotiated *negotiated)
{
    struct tcp_endpoint *ep = tcpip__tcp_passive_new(stack, listener, flow, entry, negotiated);
    if (ep == NULL)
        return NULL;
    tcpip__tcp_established(ep);
    stack->stats.tcp.passive_connection_openings++;
    return ep;
}

void tcpip__tcp_passive_queue(struct tcp_endpoint *listener, struct tcp_endpoint *ep)
{
    list_push_back(&listener->listener->queue, &ep->queue_node);
    listener->listener->queued++;
    endpoint_notify(listener->base, TCPIP_EVENT_IN);
}

/* Hands it to accept, or to the forwarder, and goes on with the segment that completed the handshake. */
void tcpip__tcp_passive_deliver(struct tcp_endpoint *listener, struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    ep->snd_wnd = segment->window << ep->snd_wscale;
    ep->snd_wnd_max = ep->snd_wnd;
    ep->snd_wl1 = segment->seq;
    ep->snd_wl2 = segment->ack;
    if (listener != NULL) /* else the forwarder has it */
        tcpip__tcp_passive_queue(listener, ep);
    tcpip__tcp_input(ep, segment);
}

/* The ACK that completes a handshake is good; true: the packet was taken on to the new endpoint. */
static bool half_open_complete(struct tcpip_stack *stack, struct tcp_half_open *half, struct tcp_segment *segment)
{
    struct tcp_endpoint *listener = half->listener;
    if (tcp_listener_full(listener)) {
        stack->stats.tcp.listen_overflow_ack_drop++;
        if (tcp_option(listener, TCPIP_OPTION_ABORT_ON_OVERFLOW) != 0) { /* the peer is told, instead of made wait */
            tcpip__tcp_reply_reset(stack, segment);
            tcpip__tcp_half_open_free(stack, half);
        }
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_LISTEN_OVERFLOW);
        return true; /* else the record stays: the SYN-ACK is sent again, or the peer's data */
    }
    struct tcp_negotiated negotiated = {
        .iss = half->iss,
        .irs = half->irs,
        .peer_mss = half->peer_mss,
        .peer_scale = half->peer_scale,
        .sack = half->sack,
        .ts = half->ts,
        .ecn_mode = half->ecn_mode,
        .syn_point = half->syn_point,
        .no_ect = half->ecn_mode == ECN_ACCURATE && (half->syn_plain || half->level > 1),
        .signature = half->signature,
        .ao_send_id = half->ao_send_id,
        .ao_receive_id = half->ao_receive_id,
        .ts_recent = half->ts_recent,
    };
    struct flow flow = half->demux.flow;
    tcpip_ns rtt_ns = (tcpip_ns)(half_open_clock(segment->now) - half->sent_us) * TCPIP_US;
    bool sent_once = half->level == 0, measures = !half->acked; /* what came after the ACK measures the application */
    struct tcp_endpoint *ep = tcpip__tcp_passive_establish(stack, listener, &flow, &half->demux, &negotiated);
    if (ep == NULL) {
        tcpip_packet_drop(segment->packet, TCPIP_DROP_NO_MEMORY);
        return true;
    }
    if (measures)
        tcpip__tcp_handshake_rtt(ep, rtt_ns, sent_once, segment);
    if (half->level > 1)
        ep->congestion.cwnd = ep->snd_mss; /* RFC 5681 3.1, as where we open */
    if (half->wide) {
        ep->saved_syn = half_open_wide(half)->saved_syn;
        half_open_wide(half)->saved_syn = NULL;
    }
    if (half->forwarded)
        tcpip__tcp_forward_established(ep, half->counted);
    tcpip__tcp_half_open_free(stack, half);
    tcpip__tcp_passive_deliver(listener, ep, segment);
    return true;
}

/* Is it the peer's first text that DEFER_ACCEPT waits for? */
static bool half_open_waits_for_data(struct tcpip_stack *stack, struct tcp_half_open *half,
                                     const struct tcp_segment *segment)
{
    if (segment->length > 0 || (segment->flags & TCPIP_TCP_FIN) != 0 || half->level >= half_open_defers(stack, half))
        return false;
    half->acked = true;
    return true;
}

/* ---- SYN-RECEIVED ---- */

/* The SYN comes again, and may ask for another kind of ECN, because what it asked for before may not get through. Away
 * from AccECN nobody is led, only from marking; the other kind and AccECN in one handshake are refused, because the
 * peers couldn't know which of the two counts (RFC 9768 3.1.5): false. Else there is none then (RFC 3168 6.1.1.1). */
static bool half_open_asked_again(const struct tcpip_stack *stack, struct tcp_half_open *half,
                                  const struct tcp_segment *segment)
{
    enum ecn_mode asked = syn_ecn(stack, half->listener, segment->flags);
    half->syn_again = true;
    if ((half->ecn_mode == ECN_ACCURATE && asked == ECN_CLASSIC) ||
        (half->ecn_mode == ECN_CLASSIC && asked == ECN_ACCURATE))
        return false;
    if (half->ecn_mode == ECN_ACCURATE) {
        half->syn_plain = half->syn_plain || asked == ECN_OFF;
        half->syn_point = tcp_ecn_point(segment) & 3u;
    } else if (asked != half->ecn_mode) {
        half->ecn_mode = ECN_OFF;
    }
    return true;
}

/* The SYN-ACK again, or an ACK, for a segment that opens nothing: not more often than a connection's challenge ACKs
 * (RFC 5961 7, and as Linux), for nobody has shown yet that he is where he says. */
static void half_open_challenge(struct tcpip_stack *stack, struct tcp_half_open *half, uint16_t flags, tcpip_ns now)
{
    int64_t interval_ns = option_get(stack, half_open_options(half), TCPIP_OPTION_CHALLENGE_ACK_INTERVAL);
    if (half->answered_us != 0 && half_open_clock(now) - half->answered_us < interval_ns / TCPIP_US) {
        stack->stats.tcp.challenge_acks_suppressed++;
        return;
    }
    half->answered_us = max_u32(half_open_clock(now), 1);
    if ((flags & TCPIP_TCP_SYN) == 0)
        stack->stats.tcp.challenge_acks_sent++;
    half_open_send(stack, half, flags);
}

/* RFC 9293 3.10.7.4 for SYN-RECEIVED. */
void tcpip__tcp_half_open_input(struct tcp_half_open *half, struct tcp_segment *segment)
{
    struct tcpip_stack *stack = segment->packet->nic->stack;
    uint16_t flags = segment->flags;
    seqnum next = seq_add(half->irs, 1);
    uint32_t window = min_u32(tcpip__tcp_passive_buffer(stack, half->listener), 65535);
    enum tcpip_drop reason;
    if ((flags & (TCPIP_TCP_SYN | TCPIP_TCP_ACK | TCPIP_TCP_RST)) == TCPIP_TCP_SYN && seq_eq(segment->seq, half->irs)) {
        reason = TCPIP_DROP_TCP_UNEXPECTED_SYN;
        if (!half_open_asked_again(stack, half, segment)) {
            tcpip__tcp_reply_reset(stack, segment);
            tcpip__tcp_half_open_free(stack, half);
        } else {
            half_open_challenge(stack, half, TCPIP_TCP_SYN | TCPIP_TCP_ACK, segment->now); /* ours was lost */
        }
    } else if (!seq_in_window(segment->seq, next, window + ((flags & TCPIP_TCP_RST) == 0))) {
        if ((flags & TCPIP_TCP_RST) == 0)
            half_open_challenge(stack, half, TCPIP_TCP_ACK, segment->now);
        reason = TCPIP_DROP_TCP_OUT_OF_WINDOW;
    } else if (half->ts && segment->has_ts && (flags & TCPIP_TCP_RST) == 0 &&
               tcpip__tcp_paws_reject(half->ts_recent, segment->now, segment->ts_val, segment->now)) {
        half_open_challenge(stack, half, TCPIP_TCP_ACK, segment->now);
        stack->stats.tcp.paws_dropped++;
        reason = TCPIP_DROP_TCP_PAWS;
    } else if (flags & TCPIP_TCP_RST) {
        bool exact = seq_eq(segment->seq, next); /* RFC 5961 3.2 */
        if (exact) {
            stack->stats.tcp.resets_received++;
            tcpip__tcp_half_open_free(stack, half);
        } else {
            half_open_challenge(stack, half, TCPIP_TCP_ACK, segment->now);
        }
        reason = TCPIP_DROP_TCP_BAD_RST;
        if (exact) {
            tcpip_packet_free(segment->packet);
            return;
        }
    } else if (flags & TCPIP_TCP_SYN) {
        half_open_challenge(stack, half, TCPIP_TCP_ACK, segment->now);
        reason = TCPIP_DROP_TCP_UNEXPECTED_SYN;
    } else if ((flags & TCPIP_TCP_ACK) == 0) {
        reason = TCPIP_DROP_TCP_NO_ACK;
    } else if (!seq_eq(segment->ack, seq_add(half->iss, 1))) {
        if (tcpip__tcp_listener_cookie(stack, half, segment))
            return;
        tcpip__tcp_reply_reset(stack, segment);
        reason = TCPIP_DROP_TCP_BAD_ACK;
    } else if (half_open_waits_for_data(stack, half, segment)) {
        tcpip_packet_free(segment->packet);
        return;
    } else {
        (void)half_open_complete(stack, half, segment);
        return;
    }
    tcpip_packet_drop(segment->packet, reason);
}

/* An error about our SYN-ACK ends the attempt: nobody waits for it here, and a SYN begins it anew. As Linux, also where
 * RFC 9293 3.9.2.2 calls the error soft: that rule is for connections that somebody has (RFC 5461 3.1). */
void tcpip__tcp_half_open_error(struct tcpip_stack *stack, struct tcp_half_open *half,
                                const struct tcpip_icmp_error *error)
{
    if (seq_eq(seq(tcpip_load_u32(error->quote + 4)), half->iss) &&
        (error->kind == TCPIP_ICMP_PORT_UNREACHABLE || error->kind == TCPIP_ICMP_PROTOCOL_UNREACHABLE ||
         error->kind == TCPIP_ICMP_NET_UNREACHABLE || error->kind == TCPIP_ICMP_HOST_UNREACHABLE))
        tcpip__tcp_half_open_free(stack, half);
}
