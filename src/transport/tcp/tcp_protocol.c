// SPDX-License-Identifier: MIT
/* tcp_protocol.c: TCP as a protocol of the stack: its pools, the way in for segments and ICMP errors, and the life and
 * death of endpoints.
 *
 * An endpoint dies for the network first (tcpip__tcp_die: off the demultiplexer, timers stopped, port given back) and
 * for memory when the application has closed it as well, at the end of that turn: nobody on the C stack is left with a
 * freed pointer.
 *
 * Owns:       struct tcp_stack; the memory of endpoints and hot blocks.
 * Invariants: a dead endpoint is in no table and has no timer; it is on the list of the dead only if the application is
 *             done with it.
 * Not here:   what a segment means (tcp_input.c, tcp_open.c, tcp_listen.c), calls of the application
 *             (tcp_endpoint.c). */
#include "transport/tcp/tcp_fold.h"
#include "transport/tcp/tcp_forward.h"
#include "transport/tcp/tcp_mtu.h"
#include "transport/tcp/tcp_save.h"
#include "transport/tcp/tcp_urgent.h"

#include <stdalign.h>

/* ---- endpoints ---- */

struct tcp_endpoint *tcpip__tcp_endpoint_new(struct tcpip_stack *stack, uint32_t network, enum tcpip_error *error)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    struct tcp_handle *handle = tcpip__pool_zget(&tcp->handles);
    struct tcp_endpoint *ep = handle != NULL ? tcpip__pool_zget(&tcp->endpoints) : NULL;
    *error = TCPIP_ERR_NO_MEMORY;
    if (ep != NULL)
        *error = tcpip__endpoint_init(&handle->base, stack, &tcpip__tcp_endpoint_ops, TCPIP_PROTOCOL_TCP, network);
    if (*error != TCPIP_OK) {
        if (ep != NULL)
            tcpip__pool_put(&tcp->endpoints, ep);
        if (handle != NULL)
            tcpip__pool_put(&tcp->handles, handle);
        return NULL;
    }
    handle->ep = ep;
    ep->base = &handle->base;
    ep->demux = &handle->demux;
    ep->timer = &handle->timer;
    ep->demux->node.number = TCPIP_PROTOCOL_TCP;
    ep->demux->node.kind = TCP_DEMUX_ENDPOINT;
    ep->challenge_at = 0;
    tcpip__send_queue_init(&ep->send_queue);
    tcpip__receive_queue_init(&ep->receive_queue);
    tcpip__tcp_buffers_init(ep);
    tcpip__tcp_timers_init(ep);
    return ep;
}

static void tcp_hot_free(struct tcp_endpoint *ep)
{
    if (ep->hot == NULL)
        return;
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    tcpip__scoreboard_fini(&ep->hot->board, &tcp->records);
    tcpip__reassembly_fini(&ep->hot->reassembly, &tcp->receive_chunks);
    tcpip__pool_put(&tcp->hots, ep->hot);
    ep->hot = NULL;
    ep->congestion.state = NULL;
}

/* All that it has, its handle too. */
static void tcp_endpoint_release(struct tcp_endpoint *ep)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct tcp_stack *tcp = tcp_stack_of(stack);
    tcp_hot_free(ep);
    tcpip__tcp_search_free(ep);
    tcpip__tcp_urgent_free(ep);
    if (ep->fast_open != NULL)
        tcpip__pool_put(&tcp->fast_opens, ep->fast_open);
    tcpip__send_queue_fini(&ep->send_queue, &tcp->send_chunks);
    tcpip__receive_queue_fini(&ep->receive_queue, &tcp->receive_chunks);
    tcpip__option_block_unref(stack, ep->options);
    tcpip__tcp_syn_forget(stack, &ep->saved_syn);
    tcpip__signature_unref(ep->signature);
    tcpip__route_release(&ep->route);
    tcpip__endpoint_fini(ep->base);
    tcpip__pool_put(&tcp->handles, TCPIP_CONTAINER_OF(ep->base, struct tcp_handle, base));
}

static void tcp_endpoint_free(struct tcp_endpoint *ep)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    tcp_endpoint_release(ep);
    tcpip__pool_put(&tcp->endpoints, ep);
}

static void tcp_reap_run(struct deferred *deferred)
{
    struct tcp_stack *tcp = TCPIP_CONTAINER_OF(deferred, struct tcp_stack, reap);
    struct tcpip_list_node *node;
    while ((node = list_pop_front(&tcp->dead)) != NULL)
        tcp_endpoint_free(TCPIP_CONTAINER_OF(node, struct tcp_endpoint, queue_node));
}

void tcpip__tcp_reap(struct tcp_endpoint *ep)
{
    if (!ep->dead || !ep->orphan || list_node_linked(&ep->queue_node))
        return;
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    tcpip__tcp_port_release(ep);
    list_push_back(&tcp->dead, &ep->queue_node);
    tcpip__stack_defer(ep->base->stack, &tcp->reap);
}

/* What belongs to one connection goes; the endpoint itself may serve again. */
static void tcp_leave_network(struct tcp_endpoint *ep)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    tcpip__tcp_fast_open_over(ep);
    ep->syn_deferred = false;
    if (ep->syn_ack_pending)
        tcpip__tcp_fast_open_leave(ep);
    if (ep->forward_pending || ep->forward_counted)
        tcpip__tcp_forward_closed(ep);
    if (ep->state != TCPIP_TCP_CLOSED)
        tcpip__tcp_event(ep, TCP_EVENT_GONE);
    tcpip__tcp_timers_stop(ep);
    if (ep->demux->node.linked)
        tcpip__demux_remove(ep->base->stack, ep->demux);
    tcp_hot_free(ep);
    tcpip__tcp_search_free(ep);
    tcpip__send_queue_fini(&ep->send_queue, &tcp->send_chunks);
    tcpip__chrono_set(&ep->chrono, CHRONO_IDLE, stack_now(ep->base->stack));
    list_remove_if_linked(&ep->base->dirty);
    ep->ack_now = false;
}

void tcpip__tcp_die(struct tcp_endpoint *ep)
{
    if (ep->dead)
        return;
    if (ep->listener != NULL)
        tcpip__tcp_unlisten(ep);
    tcp_leave_network(ep);
    tcpip__error_queue_end(ep->base);
    tcpip__tcp_port_idle(ep);
    tcpip__route_release(&ep->route);
    ep->dead = true;
    tcpip__tcp_reap(ep);
}

void tcpip__tcp_revive(struct tcp_endpoint *ep)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    ASSERT_ENV(&ep->base->stack->env, ep->state == TCPIP_TCP_CLOSED && !ep->orphan);
    tcpip__receive_queue_fini(&ep->receive_queue, &tcp->receive_chunks);
    tcpip__receive_queue_init(&ep->receive_queue);
    ep->dead = false;
    ep->accepted = false;
    ep->connect_state = TCP_CONNECT_NONE;
    ep->fin_received = ep->shut_read = ep->shut_write = false;
    ep->reordering = (struct tcp_reordering){0};
}

void tcpip__tcp_abandon(struct tcp_endpoint *ep)
{
    if (ep->listener != NULL)
        tcpip__tcp_unlisten(ep);
    tcp_leave_network(ep);
    tcpip__tcp_port_release(ep);
    tcp_endpoint_free(ep);
}

void tcpip__tcp_abandon_folded(struct tcp_endpoint *ep)
{
    tcp_leave_network(ep);
    tcpip__tcp_port_release(ep);
    tcp_endpoint_release(ep);
}

void tcpip__tcp_abort(struct tcp_endpoint *ep, enum tcpip_error error)
{
    struct tcpip_stats_tcp *stats = tcp_stats(ep);
    bool opening = ep->state == TCPIP_TCP_SYN_SENT || (ep->state == TCPIP_TCP_SYN_RECEIVED && !ep->accepted);
    if (opening)
        stats->failed_connection_attempts++;
    ep->error = (uint8_t)error;
    if (opening && !ep->orphan) {
        /* A failed connect leaves an endpoint that may connect again, to the port it was bound to by hand. */
        tcp_leave_network(ep);
        tcpip__tcp_port_idle(ep);
        tcpip__route_release(&ep->route);
        ep->connect_state = TCP_CONNECT_FAILED;
    } else {
        tcpip__tcp_die(ep);
    }
    endpoint_notify(ep->base, TCPIP_EVENT_IN | TCPIP_EVENT_OUT | TCPIP_EVENT_ERR | TCPIP_EVENT_HUP | TCPIP_EVENT_RDHUP);
}

enum { REORDERING_MULTIPLIER_MAX = 127 };

static void hot_keep_reordering(struct tcp_endpoint *ep)
{
    const struct rack *rack = &ep->hot->rack;
    ep->reordering = (struct tcp_reordering){
        .segments = ep->hot->recovery.reordering,
        .seen = rack->reordering_seen,
        .multiplier = (uint8_t)(min_u32(rack->multiplier, REORDERING_MULTIPLIER_MAX) & REORDERING_MULTIPLIER_MAX),
        .persist = rack->persist,
    };
}

static void hot_take_reordering(struct tcp_hot *hot, const struct tcp_reordering *kept)
{
    if (kept->segments == 0)
        return;
    hot->recovery.reordering = kept->segments;
    hot->rack.reordering_seen = kept->seen;
    hot->rack.multiplier = kept->multiplier;
    hot->rack.persist = kept->persist;
}

struct tcp_hot *tcpip__tcp_hot(struct tcp_endpoint *ep)
{
    if (ep->hot != NULL)
        return ep->hot;
    struct tcpip_stack *stack = ep->base->stack;
    struct tcp_hot *hot = tcpip__pool_get(&tcp_stack_of(stack)->hots);
    if (hot == NULL)
        return NULL;
    tcpip_ns now = stack_now(stack);
    tcpip__scoreboard_init(&hot->board, stack->limits.tcp_records);
    tcpip__recovery_init(&hot->recovery);
    tcpip__rack_init(&hot->rack);
    hot_take_reordering(hot, &ep->reordering);
    tcpip__tlp_init(&hot->tlp);
    tcpip__rate_init(&hot->rate, now);
    tcpip__pacer_init(&hot->pacer, now);
    tcpip__mtu_claim_init(&hot->mtu_claim, ep->snd_nxt);
    hot->board.segment_bytes = ep->snd_mss;
    hot->torn.is = false;
    tcpip__reassembly_init(&hot->reassembly, stack->limits.tcp_out_of_order);
    memset(hot->congestion_state, 0, sizeof(hot->congestion_state));
    ep->hot = hot;
    ep->congestion.state = hot->congestion_state;
    /* The controller's private state begins anew; cwnd and ssthresh were kept. */
    uint32_t cwnd = ep->congestion.cwnd, ssthresh = ep->congestion.ssthresh;
    ep->congestion.ops->init(&ep->congestion, now);
    ep->congestion.cwnd = cwnd;
    ep->congestion.ssthresh = ssthresh;
    tcpip__tcp_timers_on_hot(ep); /* who needs it longer says so */
    return hot;
}

void tcpip__tcp_cool(struct tcp_endpoint *ep)
{
    if (ep->hot == NULL || ep->hot->board.count > 0 || ep->hot->reassembly.count > 0)
        return;
    hot_keep_reordering(ep);
    tcp_hot_free(ep);
}

/* ---- path ---- */

bool tcpip__tcp_route(struct tcp_endpoint *ep)
{
    if (route_valid(&ep->route))
        return true;
    uint8_t local[16];
    memcpy(local, ep->demux->flow.local, 16);
    tcpip__route_release(&ep->route);
    uint32_t nic = ep->demux->flow.nic != 0 ? ep->demux->flow.nic : (uint32_t)tcp_option(ep, TCPIP_OPTION_BIND_TO_NIC);
    if (tcpip__route_find(ep->base->stack, nic, local, ep->demux->flow.remote, &ep->route) != TCPIP_OK)
        return false;
    if (tcp_synchronized(ep))
        (void)tcpip__tcp_update_mss(ep); /* another way, or a NIC whose MTU was changed */
    return true;
}

void tcpip__tcp_ack_bounds(const struct tcp_endpoint *ep, struct ack_bounds *out)
{
    out->min_ns = tcp_option(ep, TCPIP_OPTION_DELAYED_ACK_MIN);
    out->max_ns = tcp_option(ep, TCPIP_OPTION_DELAYED_ACK_MAX);
    out->stretch_max = (uint32_t)tcp_option(ep, TCPIP_OPTION_ACK_STRETCH_MAX);
}

/* ---- the way in ---- */

/* The header, contiguous; NULL: there is none. Not a byte more is asked for: what follows may lie elsewhere, and
 * bringing it here takes memory. */
static const uint8_t *tcp_header(struct tcpip_packet *packet, uint32_t offset, size_t *header_bytes)
{
    uint32_t upper_bytes = packet->network.upper_bytes;
    const uint8_t *header =
        upper_bytes >= TCPIP_TCP_HEADER_MIN ? tcpip_packet_pull(packet, offset, TCPIP_TCP_HEADER_MIN) : NULL;
    if (unlikely(header == NULL))
        return NULL;
    *header_bytes = tcpip_tcp_header_bytes(header);
    if (*header_bytes < TCPIP_TCP_HEADER_MIN || *header_bytes > upper_bytes)
        return NULL;
    return tcpip_packet_pull(packet, offset, (uint32_t)*header_bytes);
}

/* Checks header and checksum and fills the segment; false: the packet is dropped. */
static bool tcp_parse(struct tcpip_stack *stack, struct tcpip_packet *packet, struct tcp_segment *out)
{
    struct tcpip_packet_network *network = &packet->network;
    uint32_t offset = packet->transport_offset;
    size_t header_bytes = 0;
    const uint8_t *header = tcp_header(packet, offset, &header_bytes);
    if (unlikely(header == NULL)) {
        stack->stats.tcp.invalid_segments_received++;
        tcpip_packet_drop(packet, TCPIP_DROP_TCP_MALFORMED);
        return false;
    }
    if (packet->checksum == TCPIP_CHECKSUM_NONE) {
        size_t skip = network->protocol == TCPIP_PROTOCOL_IPV4 ? 12 : 0;
        uint16_t pseudo = tcpip_checksum_pseudo(network->source + skip, network->destination + skip, 16 - skip,
                                                TCPIP_PROTOCOL_TCP, network->upper_bytes);
        if (tcpip_packet_checksum(packet, offset, network->upper_bytes, pseudo) != 0xffff) {
            stack->stats.tcp.checksum_errors++;
            stack->stats.tcp.invalid_segments_received++;
            tcpip_packet_drop(packet, TCPIP_DROP_TCP_BAD_CHECKSUM);
            return false;
        }
    }
    packet->payload_offset = (uint16_t)(offset + header_bytes);
    out->packet = packet;
    out->header = header;
    out->payload_offset = packet->payload_offset;
    out->length = network->upper_bytes - (uint32_t)header_bytes;
    out->seq = seq(tcpip_tcp_sequence(header));
    out->ack = seq(tcpip_tcp_acknowledgment(header));
    out->flags = tcpip_tcp_flags(header);
    out->window = tcpip_tcp_window(header);
    out->wire_segments = packet->gso_segments > 1 ? packet->gso_segments : 1;
    out->now = stack_now(stack);
    out->has_iss_above = false;
    out->proof.key = NULL;
    out->has_ts = tcpip_tcp_timestamps_fast(header, header_bytes, &out->ts_val, &out->ts_ecr);
    if (out->has_ts || header_bytes == TCPIP_TCP_HEADER_MIN) {
        out->options.present = 0;
        out->options.sack_count = 0;
    } else {
        /* A broken option ends the list; what came before counts (RFC 9293 MUST-7). */
        (void)tcpip_tcp_options_parse(header, header_bytes, &out->options);
        out->has_ts = (out->options.present & TCPIP_TCP_HAS_TIMESTAMPS) != 0;
        out->ts_val = out->options.ts_val;
        out->ts_ecr = out->options.ts_ecr;
    }
    return true;
}

static uint64_t tcp_flow_hash(struct tcpip_stack *stack, const struct flow *flow)
{
    return tcpip__siphash(&stack->secret, flow, sizeof(*flow));
}

static struct tcpip_endpoint *tcp_listener_of(struct tcpip_stack *stack, const struct tcp_segment *segment)
{
    return tcpip__demux_steer(stack, TCPIP_PROTOCOL_TCP, &segment->flow, segment->packet->nic, tcp_flow_hash);
}

bool tcpip__tcp_wanted(struct tcpip_stack *stack, const struct tcp_segment *segment)
{
    return tcp_listener_of(stack, segment) != NULL || tcp_stack_of(stack)->has_forwarder;
}

/* Whose options judge what comes for a flow; NULL: nobody's. */
static const struct tcp_endpoint *tcp_judge(const struct demux_entry *entry)
{
    if (entry->node.kind == TCP_DEMUX_ENDPOINT)
        return tcp_of_entry(entry);
    return entry->node.kind == TCP_DEMUX_HALF_OPEN
               ? TCPIP_CONTAINER_OF(entry, const struct tcp_half_open, demux)->listener
               : NULL;
}

enum { TCP_SIGNED = TCPIP_TCP_HAS_MD5 | TCPIP_TCP_HAS_AO | TCPIP_TCP_BAD_SIGNATURE };

/* May what comes for a flow have to be signed? */
static bool tcp_has_keys(const struct demux_entry *entry, const struct tcp_endpoint *judge)
{
    if (likely(judge != NULL))
        return judge->signature != NULL;
    return entry->node.kind == TCP_DEMUX_TIME_WAIT && tcpip__tcp_time_wait_signature(entry) != NULL;
}

/* Does it come from farther away than its endpoint allows (RFC 5082)? */
static bool tcp_too_far(const struct tcp_endpoint *judge, const struct tcpip_packet *packet)
{
    return judge != NULL && packet->network.ttl < judge->min_ttl;
}

void tcpip__tcp_no_connection(struct tcpip_stack *stack, struct tcp_segment *segment)
{
    struct tcpip_endpoint *listener = tcp_listener_of(stack, segment);
    if (listener != NULL && tcp_too_far(tcp_of(listener), segment->packet)) {
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_MIN_TTL);
        return;
    }
    bool is_signed = (segment->options.present & TCP_SIGNED) != 0;
    if (listener != NULL) {
        if (unlikely(is_signed || tcp_of(listener)->signature != NULL) &&
            !tcpip__tcp_signature_check_listener(tcp_of(listener), segment))
            return;
        tcpip__tcp_listener_input(tcp_of(listener), segment);
        return;
    }
    if (tcpip__transport_handler(stack, segment->packet))
        return;
    if (unlikely(is_signed)) { /* nobody could check it, nor sign an answer */
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_UNEXPECTED_SIGNATURE);
        return;
    }
    if (tcpip__tcp_forward_input(stack, segment))
        return;
    tcpip__tcp_reply_reset(stack, segment);
    tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_NO_PORT);
}

static void tcp_protocol_input(struct tcpip_stack *stack, struct tcpip_packet *packet)
{
    struct tcp_segment segment;
    if (!tcp_parse(stack, packet, &segment))
        return;
    /* RFC 9293 MUST-57: a connection has two ends. */
    if (packet->network.local != DESTINATION_UNICAST) {
        stack->stats.tcp.invalid_segments_received++;
        tcpip_packet_drop(packet, TCPIP_DROP_TCP_BAD_ADDRESS);
        return;
    }
    stack->stats.tcp.valid_segments_received++;
    uint16_t local_port = tcpip_tcp_destination_port(segment.header);
    demux_flow_of(packet, local_port, tcpip_tcp_source_port(segment.header), &segment.flow);
    uint32_t nic = packet->nic->id;
    struct demux_entry *entry = tcpip__demux_find(stack, TCPIP_PROTOCOL_TCP, &segment.flow, nic);
    if (entry != NULL && unlikely(entry->node.kind == TCP_DEMUX_FOLDED) && tcpip__tcp_unfold_entry(entry) == NULL) {
        tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
        return;
    }
    const struct tcp_endpoint *judge = entry != NULL ? tcp_judge(entry) : NULL;
    if (tcp_too_far(judge, packet)) {
        tcpip_packet_drop(packet, TCPIP_DROP_TCP_MIN_TTL);
        return;
    }
    if (entry != NULL && unlikely((segment.options.present & TCP_SIGNED) != 0 || tcp_has_keys(entry, judge)) &&
        !tcpip__tcp_signature_check(stack, entry, &segment))
        return;
    if (entry != NULL) {
        switch ((enum tcp_demux_kind)entry->node.kind) {
        case TCP_DEMUX_ENDPOINT:
            tcpip__tcp_input(tcp_of_entry(entry), &segment);
            return;
        case TCP_DEMUX_HALF_OPEN:
            tcpip__tcp_half_open_input(TCPIP_CONTAINER_OF(entry, struct tcp_half_open, demux), &segment);
            return;
        case TCP_DEMUX_DEFERRED:
            tcpip__tcp_forward_deferred_input(stack, entry, &segment);
            return;
        case TCP_DEMUX_TIME_WAIT:
            tcpip__tcp_time_wait_input(stack, entry, &segment);
            return;
        case TCP_DEMUX_FOLDED: /* not any more */
        case TCP_DEMUX_FROZEN:
            tcpip_packet_drop(packet, TCPIP_DROP_TCP_FROZEN);
            return;
        }
    }
    tcpip__tcp_no_connection(stack, &segment);
}

/* ---- ICMP errors (RFC 5927; RFC 9293 3.9.2.2) ---- */

static enum tcpip_error tcp_error_of(enum tcpip_icmp_kind kind)
{
    switch (kind) {
    case TCPIP_ICMP_PORT_UNREACHABLE:
        return TCPIP_ERR_CONNECTION_REFUSED;
    case TCPIP_ICMP_NET_UNREACHABLE:
        return TCPIP_ERR_NETWORK_UNREACHABLE;
    case TCPIP_ICMP_HOST_UNREACHABLE:
    case TCPIP_ICMP_TTL_EXCEEDED:
    case TCPIP_ICMP_PROHIBITED:
        return TCPIP_ERR_HOST_UNREACHABLE;
    case TCPIP_ICMP_PROTOCOL_UNREACHABLE:
        return TCPIP_ERR_PROTOCOL_UNREACHABLE;
    default:
        return TCPIP_OK; /* source quench (MUST-55) and the like: discarded */
    }
}

static void tcp_endpoint_error(struct tcp_endpoint *ep, const struct tcpip_icmp_error *icmp)
{
    /* The quote must be of something in flight, which an attacker off the path can't know (RFC 5927 4). */
    seqnum quoted = seq(tcpip_load_u32(icmp->quote + 4));
    seqnum low = ep->state == TCPIP_TCP_SYN_SENT || ep->syn_ack_pending ? ep->iss : ep->snd_una;
    if (!seq_in_range(quoted, low, seq_add(ep->snd_nxt, 1)) || ep->dead)
        return;
    if (unlikely(ep->signature != NULL) && tcpip__tcp_signature_ignores(ep, icmp))
        return;
    if (icmp->kind == TCPIP_ICMP_PACKET_TOO_BIG) {
        tcpip__tcp_packet_too_big(ep, icmp->value, quoted);
        return;
    }
    enum tcpip_error error = tcp_error_of(icmp->kind);
    if (error == TCPIP_OK)
        return;
    /* A Fast Open child that was accepted is an application's connection like any other; before, nobody misses it. */
    bool in_use = ep->syn_ack_pending && !list_node_linked(&ep->queue_node);
    if ((ep->state == TCPIP_TCP_SYN_SENT || ep->state == TCPIP_TCP_SYN_RECEIVED) && !in_use) {
        tcpip__tcp_abort(ep, error);
        return;
    }
    ep->soft_error = (uint8_t)error; /* MUST-56: not fatal once synchronised */
    if (tcp_option(ep, TCPIP_OPTION_RECEIVE_ERROR) != 0) {
        ep->error = (uint8_t)error;
        endpoint_notify(ep->base, TCPIP_EVENT_ERR);
    }
}

static void tcp_protocol_error(struct tcpip_stack *stack, const struct tcpip_icmp_error *icmp)
{
    struct flow flow;
    memset(&flow, 0, sizeof(flow));
    memcpy(flow.local, icmp->local, 16);
    memcpy(flow.remote, icmp->remote, 16);
    flow.local_port = tcpip_load_u16(icmp->quote);
    flow.remote_port = tcpip_load_u16(icmp->quote + 2);
    if (address_is_link_local(flow.remote))
        flow.nic = icmp->nic;
    stack->stats.tcp.icmp_errors_received++;
    struct demux_entry *entry = tcpip__demux_find(stack, TCPIP_PROTOCOL_TCP, &flow, icmp->nic);
    if (entry == NULL || (entry->node.kind == TCP_DEMUX_FOLDED && tcpip__tcp_unfold_entry(entry) == NULL))
        return;
    if (entry->node.kind == TCP_DEMUX_ENDPOINT)
        tcp_endpoint_error(tcp_of_entry(entry), icmp);
    else if (entry->node.kind == TCP_DEMUX_HALF_OPEN)
        tcpip__tcp_half_open_error(stack, TCPIP_CONTAINER_OF(entry, struct tcp_half_open, demux), icmp);
}

/* ---- life of the protocol ---- */

static enum tcpip_error tcp_protocol_init(struct tcpip_stack *stack, void *state)
{
    struct tcp_stack *tcp = state;
    struct memory *memory = &stack->memory;
    tcp->stack = stack;
    tcpip__pool_init(&tcp->handles, memory, sizeof(struct tcp_handle), alignof(struct tcp_handle), 0);
    tcpip__pool_init(&tcp->endpoints, memory, sizeof(struct tcp_endpoint), 64, 0);
    tcpip__pool_init(&tcp->hots, memory, sizeof(struct tcp_hot), 64, 0);
    tcpip__pool_init(&tcp->records, memory, sizeof(struct record), alignof(struct record), 0);
    tcpip__pool_init(&tcp->searches, memory, sizeof(struct plpmtud), alignof(struct plpmtud), 0);
    tcpip__pool_init(&tcp->send_chunks, memory, sizeof(struct send_chunk), alignof(struct send_chunk), 0);
    tcpip__pool_init(&tcp->receive_chunks, memory, sizeof(struct receive_chunk), alignof(struct receive_chunk), 0);
    tcpip__pool_init(&tcp->half_opens, memory, sizeof(struct tcp_half_open), alignof(struct tcp_half_open),
                     stack->limits.syn_received);
    tcpip__pool_init(&tcp->half_opens_wide, memory, sizeof(struct tcp_half_open_wide),
                     alignof(struct tcp_half_open_wide), stack->limits.syn_received);
    tcpip__tcp_fold_init(tcp);
    tcpip__tcp_time_wait_init(tcp);
    tcpip__tcp_fast_open_init(tcp);
    tcpip__tcp_reply_init(tcp);
    list_init(&tcp->dead);
    tcp->reap.fn = tcp_reap_run;
    for (int i = 0; i < TCP_HALF_OPEN_LEVELS; i++)
        list_init(&tcp->half_open[i]);
    tcp->half_open_timer.fn = tcpip__tcp_half_open_timer;
    tcpip__tcp_forward_init(tcp);
    enum tcpip_error error = tcpip_congestion_register(stack, &tcpip_congestion_cubic); /* the first is the default */
    static const struct tcpip_congestion_ops *const others[] = {&tcpip_congestion_reno, &tcpip_congestion_dctcp,
                                                                &tcpip_congestion_bbr};
    for (size_t i = 0; i < array_count(others) && error == TCPIP_OK; i++)
        error = tcpip_congestion_register(stack, others[i]);
    return error;
}

/* Endpoints are gone by now: the stack abandons them first. */
static void tcp_protocol_fini(struct tcpip_stack *stack, void *state)
{
    struct tcp_stack *tcp = state;
    tcpip__tcp_forward_fini(tcp);
    for (int i = 0; i < TCP_HALF_OPEN_LEVELS; i++) {
        struct tcpip_list_node *node;
        while ((node = list_first(&tcp->half_open[i])) != NULL)
            tcpip__tcp_half_open_free(stack, TCPIP_CONTAINER_OF(node, struct tcp_half_open, node));
    }
    stack_timer_cancel(stack, &tcp->half_open_timer);
    tcpip__tcp_time_wait_fini(tcp);
    tcp_reap_run(&tcp->reap);
    list_remove_if_linked(&tcp->reap.node);
    tcpip__tcp_fast_open_fini(tcp);
    tcpip__pool_fini(&tcp->half_opens);
    tcpip__pool_fini(&tcp->half_opens_wide);
    tcpip__pool_fini(&tcp->receive_chunks);
    tcpip__pool_fini(&tcp->send_chunks);
    tcpip__pool_fini(&tcp->searches);
    tcpip__pool_fini(&tcp->records);
    tcpip__pool_fini(&tcp->hots);
    tcpip__tcp_fold_fini(tcp);
    tcpip__pool_fini(&tcp->endpoints);
    tcpip__pool_fini(&tcp->handles);
}

static enum tcpip_error tcp_protocol_new_endpoint(struct tcpip_stack *stack, uint32_t network,
                                                  struct tcpip_endpoint **out)
{
    enum tcpip_error error;
    struct tcp_endpoint *ep = tcpip__tcp_endpoint_new(stack, network, &error);
    if (ep == NULL)
        return error;
    *out = ep->base;
    return TCPIP_OK;
}

const struct tcpip_transport_protocol tcpip_tcp = {
    .name = "tcp",
    .number = TCPIP_PROTOCOL_TCP,
    .stack_state_bytes = sizeof(struct tcp_stack),
    .stack_init = tcp_protocol_init,
    .stack_fini = tcp_protocol_fini,
    .new_endpoint = tcp_protocol_new_endpoint,
    .input = tcp_protocol_input,
    .input_error = tcp_protocol_error,
    .restore_endpoint = tcpip__tcp_restore,
    .archive = tcpip__tcp_archive,
};
