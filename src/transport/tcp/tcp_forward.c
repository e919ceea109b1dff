// SPDX-License-Identifier: MIT
/* tcp_forward.c: the forwarder: every SYN that finds no listener, judged before it is answered.
 *
 * For programs that stand in for other hosts (VPN clients, tun2socks, user-mode networking): they learn who calls whom,
 * dial the real destination, and only then accept. What waits is a request: the SYN's facts in 104 bytes, found under
 * its flow. Accepted, it makes way for a half-open record, or for an endpoint of the owner's in SYN-RECEIVED.
 *
 *     SYN -> request -+- decide(ACCEPT) -> half-open record -> endpoint -> on_connection
 *                     +- accept(endpoint) -------------------> endpoint
 *                     +- decide(other): RST, ICMP, nothing
 *                     `- the peer's RST, time, the forwarder's end: on_gone
 *
 * Nothing was sent for a request, so no ICMP error can quote a packet of ours, and none that claims to is heard.
 *
 * Owns:       tcp_stack.forwarder, its requests and counts.
 * Invariants: a request is in the demultiplexer; it is on tcp_stack.forward_deferred exactly while it is the owner's.
 *             forward_in_flight counts requests, half-open records with `forwarded`, endpoints with `forward_pending`.
 * Not here:   the handshake that follows a verdict (tcp_half_open.c, tcp_input.c); the counting by source
 *             (forward_source.c). */
#include "transport/tcp/tcp_forward.h"
#include "transport/tcp/tcp_fold.h"

#include <stdalign.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>

enum { DEFER_DEFAULT_S = 60, DEFER_MAX_S = 1800, IN_FLIGHT_DEFAULT = 1024, QUOTED_TTL = 64, ECN_SHIFT = 6 };

struct tcpip_tcp_forward_request {
    struct demux_entry demux;
    struct tcpip_list_node node; /* on tcp_stack.forward_deferred, oldest first */
    void *data;
    uint32_t since_us; /* low bits of the instant at which it came */
    uint32_t iss;      /* ours, to be */
    seqnum irs;
    uint32_t ts_val;
    uint16_t mss;
    int8_t scale;
    uint8_t sack : 1, ts : 1;
    uint8_t ecn_flags : 3, point : 2; /* AE CWR ECE; enum ecn_point */
    uint8_t counted : 1;              /* with its source */
};
/* Its share of the demultiplexer's table is 16 bytes at most, of its slab 1: 128 is what a deferred SYN may cost. */
STATIC_ASSERT(sizeof(struct tcpip_tcp_forward_request) <= 104);

static struct tcpip_tcp_forward_request *request_of(struct demux_entry *entry)
{
    return TCPIP_CONTAINER_OF(entry, struct tcpip_tcp_forward_request, demux);
}

static uint32_t forward_clock(tcpip_ns now)
{
    return (uint32_t)(now / TCPIP_US);
}

/* ---- what is in flight, and whose it is ---- */

/* One less; `counted`: with its source too. */
void tcpip__tcp_forward_finished(struct tcp_stack *tcp, const uint8_t *source, bool counted)
{
    tcp->forward_in_flight--;
    if (counted)
        tcpip__forward_source_give(&tcp->forward_sources, source, FORWARD_PENDING);
}

/* The handshake is done. */
static void forward_opened(struct tcp_endpoint *ep, bool counted)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    const uint8_t *source = ep->demux->flow.remote;
    /* It has a count as long as it is pending, so that this one needs no memory. */
    ep->forward_counted = counted && tcpip__forward_source_take(&tcp->forward_sources, source, FORWARD_OPEN);
}

void tcpip__tcp_forward_opened(struct tcp_endpoint *ep)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    bool counted = ep->forward_counted;
    ep->forward_pending = false;
    forward_opened(ep, counted);
    tcpip__tcp_forward_finished(tcp, ep->demux->flow.remote, counted);
    tcp_stats(ep)->passive_connection_openings++;
}

void tcpip__tcp_forward_closed(struct tcp_endpoint *ep)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    if (ep->forward_pending)
        tcpip__tcp_forward_finished(tcp, ep->demux->flow.remote, ep->forward_counted);
    else
        tcpip__forward_source_give(&tcp->forward_sources, ep->demux->flow.remote, FORWARD_OPEN);
    ep->forward_pending = ep->forward_counted = false;
}

/* ---- on_connection ---- */

static void forward_run(struct deferred *deferred)
{
    struct tcp_stack *tcp = TCPIP_CONTAINER_OF(deferred, struct tcp_stack, forward_run);
    struct tcpip_list_node *node;
    while ((node = list_pop_front(&tcp->forward_ready)) != NULL) {
        struct tcp_endpoint *ep = TCPIP_CONTAINER_OF(node, struct tcp_endpoint, queue_node);
        if (tcp->has_forwarder && tcp->forwarder.on_connection != NULL)
            tcp->forwarder.on_connection(tcp->forwarder.ctx, ep->base);
        else
            tcpip_endpoint_close(ep->base);
    }
}

/* Of a half-open record; counted: its source's. */
void tcpip__tcp_forward_established(struct tcp_endpoint *ep, bool counted)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    forward_opened(ep, counted);
    list_push_back(&tcp->forward_ready, &ep->queue_node);
    tcpip__stack_defer(ep->base->stack, &tcp->forward_run);
}

/* ---- requests ---- */

static struct tcpip_tcp_forward_request *request_new(struct tcp_stack *tcp, const struct tcp_segment *segment)
{
    struct tcpip_tcp_forward_request *request = tcpip__pool_zget(&tcp->forward_requests);
    if (request == NULL)
        return NULL;
    struct tcp_offer offer;
    tcpip__tcp_syn_offer(segment, &offer);
    request->demux.flow = segment->flow;
    request->demux.node.number = TCPIP_PROTOCOL_TCP;
    request->demux.node.kind = TCP_DEMUX_DEFERRED;
    request->irs = offer.irs;
    request->since_us = forward_clock(segment->now);
    request->iss = tcpip__tcp_syn_isn(tcp->stack, segment).v;
    request->ts_val = offer.ts_val;
    request->mss = offer.mss;
    request->scale = offer.scale;
    request->sack = offer.sack;
    request->ts = offer.ts;
    request->ecn_flags = (uint8_t)(offer.ecn_flags >> ECN_SHIFT) & 7u;
    request->point = offer.point & 3u;
    if (tcpip__demux_insert(tcp->stack, &request->demux) != TCPIP_OK) {
        tcpip__pool_put(&tcp->forward_requests, request);
        return NULL;
    }
    request->counted = tcpip__forward_source_take(&tcp->forward_sources, segment->flow.remote, FORWARD_PENDING);
    tcp->forward_in_flight++;
    return request;
}

static void request_offer(const struct tcpip_tcp_forward_request *request, struct tcp_offer *out)
{
    *out = (struct tcp_offer){
        .irs = request->irs,
        .ts_val = request->ts_val,
        .mss = request->mss,
        .scale = request->scale,
        .sack = request->sack,
        .ts = request->ts,
        .ecn_flags = (uint16_t)(request->ecn_flags << ECN_SHIFT),
        .point = request->point,
    };
}

/* What stood for it in the counts goes on with whoever took its place in the demultiplexer, or ends here. */
static void request_free(struct tcp_stack *tcp, struct tcpip_tcp_forward_request *request)
{
    if (request->demux.node.linked) {
        tcpip__tcp_forward_finished(tcp, request->demux.flow.remote, request->counted);
        tcpip__demux_remove(tcp->stack, &request->demux);
    }
    list_remove_if_linked(&request->node);
    tcpip__pool_put(&tcp->forward_requests, request);
}

static tcpip_ns request_expiry(const struct tcp_stack *tcp, const struct tcpip_tcp_forward_request *request,
                               tcpip_ns now)
{
    uint32_t waited_us = forward_clock(now) - request->since_us;
    return now + tcp->forwarder.defer_ns - (tcpip_ns)waited_us * TCPIP_US;
}

static void request_defer(struct tcp_stack *tcp, struct tcpip_tcp_forward_request *request, tcpip_ns now)
{
    list_push_back(&tcp->forward_deferred, &request->node);
    if (!tcpip_timer_armed(&tcp->forward_timer))
        stack_timer_set(tcp->stack, &tcp->forward_timer, request_expiry(tcp, request, now));
}

/* The owner hears that there is nothing left to decide. */
static void request_gone(struct tcp_stack *tcp, struct tcpip_tcp_forward_request *request, enum tcpip_error why)
{
    list_remove(&request->node);
    tcp->stack->stats.tcp.forward_gone++;
    if (tcp->forwarder.on_gone != NULL) {
        stack_callback_begin(tcp->stack);
        tcp->forwarder.on_gone(tcp->forwarder.ctx, request, why);
        stack_callback_end(tcp->stack);
    }
}

static void forward_timer(struct tcpip_timer *timer, tcpip_ns now)
{
    struct tcp_stack *tcp = TCPIP_CONTAINER_OF(timer, struct tcp_stack, forward_timer);
    struct tcpip_list_node *node;
    while ((node = list_first(&tcp->forward_deferred)) != NULL) {
        struct tcpip_tcp_forward_request *request = TCPIP_CONTAINER_OF(node, struct tcpip_tcp_forward_request, node);
        tcpip_ns expiry = request_expiry(tcp, request, now);
        if (expiry > now) {
            stack_timer_set(tcp->stack, timer, expiry);
            return;
        }
        request_gone(tcp, request, TCPIP_ERR_TIMEOUT);
        request_free(tcp, request);
    }
}

/* What comes for a flow whose SYN waits. Nothing was said that it could answer: SYNs come again, and a reset counts at
 * the one number that the peer can have reached (RFC 5961 3.2). */
void tcpip__tcp_forward_deferred_input(struct tcpip_stack *stack, struct demux_entry *entry,
                                       struct tcp_segment *segment)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    struct tcpip_tcp_forward_request *request = request_of(entry);
    if ((segment->flags & TCPIP_TCP_RST) == 0 || !seq_eq(segment->seq, seq_add(request->irs, 1))) {
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_FORWARDER);
        return;
    }
    stack->stats.tcp.resets_received++;
    request_gone(tcp, request, TCPIP_ERR_CONNECTION_RESET);
    request_free(tcp, request);
    tcpip_packet_free(segment->packet);
}

/* ---- refusals ---- */

static bool request_route(struct tcpip_stack *stack, const struct tcpip_tcp_forward_request *request,
                          struct tcpip_route *out)
{
    const struct flow *flow = &request->demux.flow;
    uint8_t local[16];
    memcpy(local, flow->local, 16);
    return tcpip__route_find(stack, flow->nic, local, flow->remote, out) == TCPIP_OK;
}

static void request_reset(struct tcpip_stack *stack, const struct tcpip_tcp_forward_request *request)
{
    struct tcpip_route route = {0};
    if (!request_route(stack, request, &route))
        return;
    struct tcp_bare_segment reset = {
        .flow = &request->demux.flow,
        .ack = seq_add(request->irs, 1),
        .flags = TCPIP_TCP_RST | TCPIP_TCP_ACK,
    };
    (void)tcpip__tcp_output_bare(stack, &route, &reset);
    tcpip__route_release(&route);
}

/* The SYN as it came, but for what nobody looks at in an error's quote: its options, and how far it had to go. */
static struct tcpip_packet *request_quote(struct tcpip_stack *stack, const struct tcpip_tcp_forward_request *request)
{
    const struct flow *flow = &request->demux.flow;
    bool v4 = address_is_v4(flow->remote);
    size_t ip_bytes = v4 ? TCPIP_IPV4_HEADER_MIN : TCPIP_IPV6_HEADER_BYTES;
    struct tcpip_packet *packet = tcpip_packet_new(stack);
    uint8_t *header = packet != NULL ? tcpip_packet_push(packet, (uint32_t)(ip_bytes + TCPIP_TCP_HEADER_MIN)) : NULL;
    if (header == NULL) {
        if (packet != NULL)
            tcpip_packet_free(packet);
        return NULL;
    }
    struct tcpip_tcp_fields syn = {
        .source_port = flow->remote_port,
        .destination_port = flow->local_port,
        .sequence = request->irs.v,
        .flags = (uint16_t)(TCPIP_TCP_SYN | request->ecn_flags << ECN_SHIFT),
        .header_bytes = TCPIP_TCP_HEADER_MIN,
    };
    tcpip_tcp_encode(header + ip_bytes, &syn);
    if (v4) {
        struct tcpip_ipv4_fields ip = {.total_length = (uint16_t)(ip_bytes + TCPIP_TCP_HEADER_MIN),
                                       .ttl = QUOTED_TTL,
                                       .protocol = TCPIP_PROTOCOL_TCP,
                                       .source = flow->remote + 12,
                                       .destination = flow->local + 12};
        (void)tcpip_ipv4_encode(header, &ip);
    } else {
        struct tcpip_ipv6_fields ip = {.payload_length = TCPIP_TCP_HEADER_MIN,
                                       .next_header = TCPIP_PROTOCOL_TCP,
                                       .hop_limit = QUOTED_TTL,
                                       .source = flow->remote,
                                       .destination = flow->local};
        tcpip_ipv6_encode(header, &ip);
    }
    packet->type = TCPIP_PACKET_HOST;
    packet->transport_offset = (uint16_t)ip_bytes;
    packet->payload_offset = (uint16_t)(ip_bytes + TCPIP_TCP_HEADER_MIN);
    packet->network.protocol = v4 ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6;
    packet->network.transport = TCPIP_PROTOCOL_TCP;
    packet->network.upper_bytes = TCPIP_TCP_HEADER_MIN;
    packet->network.local = DESTINATION_UNICAST;
    memcpy(packet->network.source, flow->remote, 16);
    memcpy(packet->network.destination, flow->local, 16);
    return packet;
}

/* `packet`: the SYN, while it is at hand. */
static void request_unreachable(struct tcpip_stack *stack, const struct tcpip_tcp_forward_request *request,
                                enum tcpip_icmp_kind kind, const struct tcpip_packet *packet)
{
    if (packet != NULL) {
        tcpip__send_icmp_error(packet, kind, 0);
        return;
    }
    struct tcpip_route route = {0};
    if (!request_route(stack, request, &route))
        return;
    struct tcpip_packet *quote = request_quote(stack, request);
    if (quote != NULL) {
        quote->nic = route.nic;
        tcpip__send_icmp_error(quote, kind, 0);
        tcpip_packet_free(quote);
    }
    tcpip__route_release(&route);
}

/* ---- verdicts ---- */

/* False: there is no room for one more half-open connection; the SYN is lost, as any is at that limit. */
static bool request_accept(struct tcpip_stack *stack, struct tcpip_tcp_forward_request *request)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    struct tcp_offer offer;
    struct tcp_negotiated taken;
    request_offer(request, &offer);
    tcpip__tcp_syn_take(stack, NULL, &offer, &taken);
    taken.iss = seq(request->iss);
    struct tcp_half_open *half = tcpip__tcp_half_open_take(stack, &request->demux, &taken);
    if (half != NULL) {
        half->counted = request->counted;
        tcpip__tcp_half_open_answer(stack, half, NULL);
    } else {
        stack->stats.tcp.forward_in_flight_drop++;
    }
    request_free(tcp, request);
    return half != NULL;
}

/* Carries a verdict out. `packet`: the SYN, while it is at hand (not taken). True: something came of it. */
static bool request_apply(struct tcpip_stack *stack, struct tcpip_tcp_forward_request *request,
                          enum tcpip_tcp_verdict verdict, const struct tcpip_packet *packet)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    switch (verdict) {
    case TCPIP_TCP_FORWARD_ACCEPT:
        return request_accept(stack, request);
    case TCPIP_TCP_FORWARD_DEFER:
        if (packet != NULL) {
            request_defer(tcp, request, tcpip__stack_now(stack));
            return true;
        }
        break; /* deferred twice: there is no more time to be had */
    case TCPIP_TCP_FORWARD_RESET:
        request_reset(stack, request);
        break;
    case TCPIP_TCP_FORWARD_DROP:
        break;
    case TCPIP_TCP_FORWARD_NET_UNREACHABLE:
        request_unreachable(stack, request, TCPIP_ICMP_NET_UNREACHABLE, packet);
        break;
    case TCPIP_TCP_FORWARD_HOST_UNREACHABLE:
        request_unreachable(stack, request, TCPIP_ICMP_HOST_UNREACHABLE, packet);
        break;
    case TCPIP_TCP_FORWARD_PORT_UNREACHABLE:
        request_unreachable(stack, request, TCPIP_ICMP_PORT_UNREACHABLE, packet);
        break;
    case TCPIP_TCP_FORWARD_PROHIBITED:
        request_unreachable(stack, request, TCPIP_ICMP_PROHIBITED, packet);
        break;
    }
    request_free(tcp, request);
    return false;
}

/* No more than this: counted, dropped, and answered if the owner wants it so. */
static bool forward_refuse(struct tcp_stack *tcp, const struct tcp_segment *segment, enum tcpip_drop reason)
{
    if (tcp->forwarder.limit_resets)
        tcpip__tcp_reply_reset(tcp->stack, segment);
    tcpip_packet_drop(segment->packet, reason);
    return true;
}

bool tcpip__tcp_forward_input(struct tcpip_stack *stack, struct tcp_segment *segment)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    if (!tcp->has_forwarder ||
        (segment->flags & (TCPIP_TCP_SYN | TCPIP_TCP_ACK | TCPIP_TCP_RST | TCPIP_TCP_FIN)) != TCPIP_TCP_SYN)
        return false;
    stack->stats.tcp.forward_requests++;
    if (!tcpip__forward_source_room(&tcp->forward_sources, segment->flow.remote)) {
        stack->stats.tcp.forward_source_drop++;
        return forward_refuse(tcp, segment, TCPIP_DROP_TCP_FORWARDER_SOURCE);
    }
    struct tcpip_tcp_forward_request *request = NULL;
    if (tcp->forward_in_flight < tcp->forwarder.max_in_flight)
        request = request_new(tcp, segment);
    if (request == NULL) {
        stack->stats.tcp.forward_in_flight_drop++;
        return forward_refuse(tcp, segment, TCPIP_DROP_TCP_FORWARDER_LIMIT);
    }
    stack_callback_begin(stack);
    enum tcpip_tcp_verdict verdict = tcp->forwarder.on_syn(tcp->forwarder.ctx, request);
    stack_callback_end(stack);
    if (request_apply(stack, request, verdict, segment->packet))
        tcpip_packet_free(segment->packet);
    else if (verdict == TCPIP_TCP_FORWARD_ACCEPT)
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_SYN_LIMIT);
    else
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_FORWARDER);
    return true;
}

/* ---- life ---- */

void tcpip__tcp_forward_init(struct tcp_stack *tcp)
{
    list_init(&tcp->forward_ready);
    list_init(&tcp->forward_deferred);
    tcp->forward_run.fn = forward_run;
    tcp->forward_timer.fn = forward_timer;
    tcpip__pool_init(&tcp->forward_requests, &tcp->stack->memory, sizeof(struct tcpip_tcp_forward_request),
                     alignof(struct tcpip_tcp_forward_request), tcp->stack->limits.syn_received);
    tcpip__forward_sources_init(&tcp->forward_sources, &tcp->stack->memory);
}

/* There is nobody left to decide. */
static void forward_drop_deferred(struct tcp_stack *tcp, bool reset)
{
    struct tcpip_list_node *node;
    while ((node = list_first(&tcp->forward_deferred)) != NULL) {
        struct tcpip_tcp_forward_request *request = TCPIP_CONTAINER_OF(node, struct tcpip_tcp_forward_request, node);
        request_gone(tcp, request, TCPIP_ERR_ABORTED);
        if (reset)
            request_reset(tcp->stack, request);
        request_free(tcp, request);
    }
    stack_timer_cancel(tcp->stack, &tcp->forward_timer);
}

/* What flows took of their sources' shares is forgotten. */
static void forward_uncount(struct tcp_stack *tcp)
{
    list_for_each(node, &tcp->forward_deferred) TCPIP_CONTAINER_OF(node, struct tcpip_tcp_forward_request, node)
        ->counted = false;
    for (unsigned i = 0; i < TCP_HALF_OPEN_LEVELS; i++)
        list_for_each(node, &tcp->half_open[i]) TCPIP_CONTAINER_OF(node, struct tcp_half_open, node)->counted = false;
    list_for_each(node, &tcp->stack->endpoints)
    {
        struct tcpip_endpoint *endpoint = TCPIP_CONTAINER_OF(node, struct tcpip_endpoint, all);
        if (endpoint->transport == TCPIP_PROTOCOL_TCP)
            tcpip__tcp_fold_uncount(TCPIP_CONTAINER_OF(endpoint, struct tcp_handle, base));
    }
}

void tcpip__tcp_forward_fini(struct tcp_stack *tcp)
{
    tcp->has_forwarder = false;
    list_remove_if_linked(&tcp->forward_run.node);
    forward_drop_deferred(tcp, false);
    forward_uncount(tcp);
    tcpip__forward_sources_fini(&tcp->forward_sources);
    tcpip__pool_fini(&tcp->forward_requests);
}

/* ---- public ---- */

enum tcpip_error tcpip_tcp_set_forwarder(struct tcpip_stack *stack, const struct tcpip_tcp_forwarder *forwarder)
{
    if (tcpip__stack_transport(stack, TCPIP_PROTOCOL_TCP) == NULL)
        return TCPIP_ERR_UNKNOWN_PROTOCOL;
    if (forwarder != NULL && forwarder->on_syn == NULL)
        return TCPIP_ERR_INVALID_ARGUMENT;
    struct tcp_stack *tcp = tcp_stack_of(stack);
    struct tcpip_tcp_forwarder own;
    memset(&own, 0, sizeof(own));
    if (forwarder != NULL)
        memcpy(&own, forwarder, forwarder->size < sizeof(own) ? forwarder->size : sizeof(own));
    if (own.max_in_flight == 0)
        own.max_in_flight = IN_FLIGHT_DEFAULT;
    own.defer_ns =
        own.defer_ns <= 0 ? DEFER_DEFAULT_S * TCPIP_SECOND : min_i64(own.defer_ns, DEFER_MAX_S * TCPIP_SECOND);
    struct forward_caps caps = {
        .address = {[FORWARD_PENDING] = own.source_pending_max, [FORWARD_OPEN] = own.source_open_max},
        .network = {[FORWARD_PENDING] = own.network_pending_max, [FORWARD_OPEN] = own.network_open_max},
        .network_bits_v4 = own.network_bits_v4,
        .network_bits_v6 = own.network_bits_v6,
    };
    tcpip_stack_enter(stack);
    bool counts = tcpip__forward_sources_start(&tcp->forward_sources, &caps, rng_u64(&stack->rng));
    if (counts) {
        forward_uncount(tcp);
        forward_drop_deferred(tcp, true);
        tcp->forwarder = own;
        tcp->has_forwarder = forwarder != NULL;
    }
    tcpip_stack_leave(stack);
    return counts ? TCPIP_OK : TCPIP_ERR_NO_MEMORY;
}

static void forward_address(const uint8_t *bytes, uint16_t port, uint32_t nic, struct tcpip_full_address *out)
{
    struct tcpip_address mapped = tcpip_address_v6(bytes);
    out->address = tcpip_address_from_mapped(&mapped);
    out->port = port;
    out->nic = nic;
}

void tcpip_tcp_forward_addresses(const struct tcpip_tcp_forward_request *request, struct tcpip_full_address *local,
                                 struct tcpip_full_address *remote)
{
    const struct flow *flow = &request->demux.flow;
    if (local != NULL)
        forward_address(flow->local, flow->local_port, flow->nic, local);
    if (remote != NULL)
        forward_address(flow->remote, flow->remote_port, flow->nic, remote);
}

void tcpip_tcp_forward_set_data(struct tcpip_tcp_forward_request *request, void *data)
{
    request->data = data;
}

void *tcpip_tcp_forward_data(const struct tcpip_tcp_forward_request *request)
{
    return request->data;
}

void tcpip_tcp_forward_decide(struct tcpip_stack *stack, struct tcpip_tcp_forward_request *request,
                              enum tcpip_tcp_verdict verdict)
{
    tcpip_stack_enter(stack);
    ASSERT_ENV(&stack->env, list_node_linked(&request->node));
    (void)request_apply(stack, request, verdict, NULL);
    tcpip_stack_leave(stack);
}

/* Can this endpoint be the request's connection? Its route is found then. */
static enum tcpip_error accept_check(struct tcp_endpoint *ep, const struct tcpip_tcp_forward_request *request)
{
    const struct flow *flow = &request->demux.flow;
    bool v4 = address_is_v4(flow->remote);
    if (ep->state != TCPIP_TCP_CLOSED || ep->dead || ep->bound || ep->connect_state != TCP_CONNECT_NONE ||
        ep->signature != NULL)
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    if (ep->base->network == TCPIP_PROTOCOL_IPV4 ? !v4 : v4 && tcp_option(ep, TCPIP_OPTION_V6_ONLY) != 0)
        return TCPIP_ERR_ADDRESS_FAMILY_NOT_SUPPORTED;
    uint32_t nic = (uint32_t)tcp_option(ep, TCPIP_OPTION_BIND_TO_NIC);
    if (nic != 0 && flow->nic != 0 && nic != flow->nic)
        return TCPIP_ERR_NO_ROUTE;
    uint8_t local[16];
    memcpy(local, flow->local, 16);
    tcpip__route_release(&ep->route);
    return tcpip__route_find(ep->base->stack, nic != 0 ? nic : flow->nic, local, flow->remote, &ep->route);
}

/* SYN-RECEIVED as an endpoint, as a simultaneous open is. */
static void accept_begin(struct tcp_endpoint *ep, struct tcpip_tcp_forward_request *request)
{
    struct tcpip_stack *stack = ep->base->stack;
    tcpip_ns now = tcpip__stack_now(stack);
    struct tcp_offer offer;
    struct tcp_negotiated taken;
    ep->demux->flow = request->demux.flow;
    tcpip__demux_replace(stack, &request->demux, ep->demux);
    ep->accepted = ep->forward_pending = true;
    ep->forward_counted = request->counted;
    ep->connect_state = TCP_CONNECT_TOLD;
    ep->error = TCPIP_OK;
    ep->iss = seq(request->iss);
    request_offer(request, &offer);
    tcpip__tcp_syn_take(stack, ep, &offer, &taken);
    taken.iss = ep->iss;
    tcpip__tcp_prepare(ep, now);
    tcpip__tcp_negotiate(ep, &taken, now);
    tcpip__tcp_event(ep, TCP_EVENT_SYN_RECEIVED);
    tcpip__tcp_send_syn(ep);
    tcpip__tcp_timers_on_syn_sent(ep);
}

enum tcpip_error tcpip_tcp_forward_accept(struct tcpip_stack *stack, struct tcpip_tcp_forward_request *request,
                                          struct tcpip_endpoint *endpoint)
{
    if (endpoint->transport != TCPIP_PROTOCOL_TCP)
        return TCPIP_ERR_NOT_SUPPORTED;
    tcpip_stack_enter(stack);
    ASSERT_ENV(&stack->env, list_node_linked(&request->node) && endpoint->stack == stack);
    struct tcp_endpoint *ep = tcp_of(endpoint);
    enum tcpip_error error = ep != NULL ? accept_check(ep, request) : TCPIP_ERR_INVALID_ENDPOINT_STATE;
    if (error == TCPIP_OK) {
        accept_begin(ep, request);
        request_free(tcp_stack_of(stack), request);
    }
    tcpip_stack_leave(stack);
    return error;
}
