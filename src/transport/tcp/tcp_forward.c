// SPDX-License-Identifier: MIT
/* tcp_forward.c: the forwarder: every SYN that finds no listener, judged before it is answered.
 *
 * For programs that stand in for other hosts (VPN clients, tun2socks, user-mode networking): they learn who calls whom,
 * dial the real destination, and only then accept. A request is the half-open record itself: it costs 128 bytes however
 * long it waits.
 *
 * Owns:     tcp_stack.forwarder and its counts.
 * Not here: the handshake that follows a verdict (tcp_half_open.c). */
#include "transport/tcp/tcp.h"

/* The public name of a record. */
struct tcpip_tcp_forward_request {
    struct tcp_half_open half;
};

static struct tcpip_tcp_forward_request *request_of(struct tcp_half_open *half)
{
    return TCPIP_CONTAINER_OF(half, struct tcpip_tcp_forward_request, half);
}

static void forward_run(struct deferred *deferred)
{
    struct tcp_stack *tcp = TCPIP_CONTAINER_OF(deferred, struct tcp_stack, forward_run);
    struct tcpip_list_node *node;
    while ((node = list_pop_front(&tcp->forward_ready)) != NULL) {
        struct tcp_endpoint *ep = TCPIP_CONTAINER_OF(node, struct tcp_endpoint, queue_node);
        if (tcp->has_forwarder && tcp->forwarder.on_connection != NULL)
            tcp->forwarder.on_connection(tcp->forwarder.ctx, &ep->base);
        else
            tcpip_endpoint_close(&ep->base);
    }
}

void tcpip__tcp_forward_init(struct tcp_stack *tcp)
{
    list_init(&tcp->forward_ready);
    tcp->forward_run.fn = forward_run;
}

void tcpip__tcp_forward_expired(struct tcp_stack *tcp, struct tcp_half_open *half)
{
    if (tcp->forwarder.on_expired == NULL)
        return;
    stack_callback_begin(tcp->stack);
    tcp->forwarder.on_expired(tcp->forwarder.ctx, request_of(half));
    stack_callback_end(tcp->stack);
}

static void forward_reset(struct tcpip_stack *stack, const struct tcp_half_open *half)
{
    struct tcpip_route route = {0};
    uint8_t local[16];
    memcpy(local, half->demux.flow.local, 16);
    if (tcpip__route_find(stack, half->demux.flow.nic, local, half->demux.flow.remote, &route) != TCPIP_OK)
        return;
    struct tcp_bare_segment reset = {
        .flow = &half->demux.flow,
        .ack = seq_add(half->irs, 1),
        .flags = TCPIP_TCP_RST | TCPIP_TCP_ACK,
    };
    (void)tcpip__tcp_output_bare(stack, &route, &reset);
    tcpip__route_release(&route);
}

/* Requests that wait for a decision: there is nobody left to decide. */
static void forward_drop_deferred(struct tcp_stack *tcp, bool reset)
{
    for (unsigned i = 0; i < TCP_HALF_OPEN_LEVELS; i++) {
        list_for_each_safe(node, following, &tcp->half_open[i])
        {
            struct tcp_half_open *half = TCPIP_CONTAINER_OF(node, struct tcp_half_open, node);
            if (half->deferred) {
                tcpip__tcp_forward_expired(tcp, half);
                if (reset)
                    forward_reset(tcp->stack, half);
                tcpip__tcp_half_open_free(tcp->stack, half);
            }
        }
    }
}

void tcpip__tcp_forward_fini(struct tcp_stack *tcp)
{
    tcp->has_forwarder = false;
    list_remove_if_linked(&tcp->forward_run.node);
    forward_drop_deferred(tcp, false);
}

void tcpip__tcp_forward_established(struct tcp_endpoint *ep)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base.stack);
    list_push_back(&tcp->forward_ready, &ep->queue_node);
    tcpip__stack_defer(ep->base.stack, &tcp->forward_run);
}

/* Carries a verdict out. `packet`: the SYN, while it is at hand (not taken). */
static void forward_apply(struct tcpip_stack *stack, struct tcp_half_open *half, enum tcpip_tcp_verdict verdict,
                          const struct tcpip_packet *packet)
{
    switch (verdict) {
    case TCPIP_TCP_FORWARD_ACCEPT:
        tcpip__tcp_half_open_answer(stack, half, NULL);
        return;
    case TCPIP_TCP_FORWARD_DEFER:
        if (packet != NULL) {
            tcpip__tcp_half_open_defer(stack, half);
            return;
        }
        break; /* deferred twice: there is no more time to be had */
    case TCPIP_TCP_FORWARD_RESET:
        forward_reset(stack, half);
        break;
    case TCPIP_TCP_FORWARD_UNREACHABLE:
        /* The ICMP error quotes the SYN; when that is gone, a reset says it as well. */
        if (packet != NULL)
            tcpip__send_icmp_error(packet, TCPIP_ICMP_PROHIBITED, 0);
        else
            forward_reset(stack, half);
        break;
    case TCPIP_TCP_FORWARD_DROP:
        break;
    }
    tcpip__tcp_half_open_free(stack, half);
}

bool tcpip__tcp_forward_input(struct tcpip_stack *stack, struct tcp_segment *segment)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    if (!tcp->has_forwarder ||
        (segment->flags & (TCPIP_TCP_SYN | TCPIP_TCP_ACK | TCPIP_TCP_RST | TCPIP_TCP_FIN)) != TCPIP_TCP_SYN)
        return false;
    stack->stats.tcp.forward_requests++;
    struct tcp_half_open *half = NULL;
    if (tcp->forward_in_flight < tcp->forwarder.max_in_flight)
        half = tcpip__tcp_half_open_new(stack, NULL, segment);
    if (half == NULL) {
        stack->stats.tcp.forward_in_flight_drop++;
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_FORWARDER_LIMIT);
        return true;
    }
    half->forwarded = true;
    tcp->forward_in_flight++;
    stack_callback_begin(stack);
    enum tcpip_tcp_verdict verdict = tcp->forwarder.on_syn(tcp->forwarder.ctx, request_of(half));
    stack_callback_end(stack);
    forward_apply(stack, half, verdict, segment->packet);
    if (verdict == TCPIP_TCP_FORWARD_ACCEPT || verdict == TCPIP_TCP_FORWARD_DEFER)
        tcpip_packet_free(segment->packet);
    else
        tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_FORWARDER);
    return true;
}

/* ---- public ---- */

enum tcpip_error tcpip_tcp_set_forwarder(struct tcpip_stack *stack, const struct tcpip_tcp_forwarder *forwarder)
{
    if (tcpip__stack_transport(stack, TCPIP_PROTOCOL_TCP) == NULL)
        return TCPIP_ERR_UNKNOWN_PROTOCOL;
    if (forwarder != NULL && forwarder->on_syn == NULL)
        return TCPIP_ERR_INVALID_ARGUMENT;
    struct tcp_stack *tcp = tcp_stack_of(stack);
    tcpip_stack_enter(stack);
    forward_drop_deferred(tcp, true);
    tcp->has_forwarder = false;
    if (forwarder != NULL) {
        memset(&tcp->forwarder, 0, sizeof(tcp->forwarder));
        size_t size = forwarder->size < sizeof(tcp->forwarder) ? forwarder->size : sizeof(tcp->forwarder);
        memcpy(&tcp->forwarder, forwarder, size);
        if (tcp->forwarder.max_in_flight == 0)
            tcp->forwarder.max_in_flight = 1024;
        tcp->has_forwarder = true;
    }
    tcpip_stack_leave(stack);
    return TCPIP_OK;
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
    const struct flow *flow = &request->half.demux.flow;
    if (local != NULL)
        forward_address(flow->local, flow->local_port, flow->nic, local);
    if (remote != NULL)
        forward_address(flow->remote, flow->remote_port, flow->nic, remote);
}

void tcpip_tcp_forward_decide(struct tcpip_stack *stack, struct tcpip_tcp_forward_request *request,
                              enum tcpip_tcp_verdict verdict)
{
    tcpip_stack_enter(stack);
    forward_apply(stack, &request->half, verdict, NULL);
    tcpip_stack_leave(stack);
}
