// SPDX-License-Identifier: MIT
/* judge.c: what must hold: of each endpoint after each turn, of each error that a program sees, and at the end.
 *
 * An error needs a cause: somebody closed on the connection, a timeout that was asked for met an outage, there was no
 * address or no neighbour. Without one it is a bug, however bad the weather was: TCP is there to hide that. A drop
 * needs one too: a bad checksum is somebody's doing.
 *
 * Owns:     nothing.
 * Not here: bytes (side.c). */
#include "sim.h"

#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_fold.h"
#include <inttypes.h>

enum { COOKIE_RESETS_S = 5 }; /* what was sent before a connection was known may be under way */

/* ---- after each turn ---- */

static void judge_endpoint(struct sim *sim, const struct tcp_endpoint *ep)
{
    const struct tcpip_limits *limits = &ep->base->stack->limits;
    tcpip__tcp_check(ep);
    if (ep->receive_queue.bytes > limits->tcp_receive_buffer_max)
        sim_fail(sim, "tcp#%u: %u bytes in the receive queue", ep->base->id, ep->receive_queue.bytes);
    if (ep->send_buffer_bytes > limits->tcp_send_buffer_max)
        sim_fail(sim, "tcp#%u: a send buffer of %u bytes", ep->base->id, ep->send_buffer_bytes);
    if (ep->hot == NULL)
        return;
    if (ep->hot->board.count > limits->tcp_records)
        sim_fail(sim, "tcp#%u: %u records", ep->base->id, ep->hot->board.count);
    if (ep->hot->reassembly.runs > limits->tcp_out_of_order)
        sim_fail(sim, "tcp#%u: %u runs out of order", ep->base->id, ep->hot->reassembly.runs);
}

void judge_turn(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan->host_count; i++) {
        struct tcpip_stack *stack = sim->hosts[i].stack;
        if (stack == NULL)
            continue;
        const struct tcp_stack *tcp = tcp_stack_of(stack);
        list_for_each(node, &stack->endpoints)
        {
            struct tcpip_endpoint *endpoint = container_of(node, struct tcpip_endpoint, all);
            struct tcp_endpoint copy;
            if (endpoint->transport == TCPIP_PROTOCOL_TCP)
                judge_endpoint(sim, tcpip__tcp_look(endpoint, &copy));
        }
        if (tcp->half_open_count > stack->limits.syn_received)
            sim_fail(sim, "host %u: %u half-open connections", i, tcp->half_open_count);
        if (tcp->time_wait_count > stack->limits.time_wait)
            sim_fail(sim, "host %u: %u in TIME-WAIT", i, tcp->time_wait_count);
        if (stack->endpoint_count > stack->limits.endpoints)
            sim_fail(sim, "host %u: %u endpoints", i, stack->endpoint_count);
        if (stack->memory.used_bytes > stack->limits.memory_bytes)
            sim_fail(sim, "host %u: %" PRIu64 " bytes of memory", i, (uint64_t)stack->memory.used_bytes);
    }
}

/* ---- errors ---- */

static bool is_unreachable(enum tcpip_error error)
{
    return error == TCPIP_ERR_HOST_UNREACHABLE || error == TCPIP_ERR_NETWORK_UNREACHABLE || error == TCPIP_ERR_NO_ROUTE;
}

/* Queues on a slow line can hold for seconds what others send. */
static bool is_slow(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->host_count; i++)
        if (plan->path[i][0].rate_bps != 0 || plan->path[i][1].rate_bps != 0)
            return true;
    return false;
}

bool judge_cookies_sent(const struct sim *sim, uint32_t host)
{
    struct tcpip_stats stats;
    if (sim->hosts[host].stack == NULL)
        return false;
    tcpip_stack_stats(sim->hosts[host].stack, &stats);
    return stats.tcp.listen_overflow_syn_cookie_sent > 0;
}

static bool syns_refused(const struct sim *sim, uint32_t host)
{
    struct tcpip_stats stats;
    if (sim->hosts[host].stack == NULL)
        return false;
    tcpip_stack_stats(sim->hosts[host].stack, &stats);
    return stats.drops[TCPIP_DROP_TCP_SYN_LIMIT] > 0;
}

static bool any_cookies_sent(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan->host_count; i++)
        if (judge_cookies_sent(sim, i))
            return true;
    return false;
}

static bool forwarder_full(const struct sim *sim, uint32_t host)
{
    struct tcpip_stats stats;
    if (sim->hosts[host].stack == NULL)
        return false;
    tcpip_stack_stats(sim->hosts[host].stack, &stats);
    return stats.tcp.forward_in_flight_drop > 0;
}

/* Its program may not have looked yet. */
static bool is_reset(const struct side *side)
{
    return side->endpoint != NULL && tcp_of(side->endpoint)->state == TCPIP_TCP_CLOSED;
}

/* With Fast Open a program thinks itself connected before it is. */
static bool is_connecting(const struct side *side)
{
    return side->state == SIDE_CONNECTING || (side->flow->plan->fast_open && side_peer(side)->state == SIDE_NONE);
}

/* Why this end may see this error; NULL: there is no reason. */
static const char *error_cause(const struct side *side, enum tcpip_error error)
{
    const struct sim *sim = side->sim;
    const struct side *peer = side_peer(side);
    const uint32_t faults = sim->plan->faults;
    bool ended = error == TCPIP_ERR_CONNECTION_RESET || error == TCPIP_ERR_CLOSED_FOR_SEND ||
                 error == TCPIP_ERR_CONNECTION_REFUSED || error == TCPIP_ERR_TIMEOUT;
    if (peer->gone_at <= sim->now && ended)
        return "the peer is gone";
    if (side->shut_write && side->shut_read && ended)
        return "nothing more was wanted";
    if (side->flow->plan->kind == PLAN_FLOW_NOBODY && !side->retried && error == TCPIP_ERR_CONNECTION_REFUSED)
        return "there is nobody";
    if (side->flow->plan->kind == PLAN_FLOW_FORWARD && error == TCPIP_ERR_CONNECTION_REFUSED &&
        sim->hosts[peer->host].forward_refused > 0)
        return "the forwarder refused";
    if (side->flow->plan->kind == PLAN_FLOW_FORWARD && error == TCPIP_ERR_TIMEOUT && is_connecting(side) &&
        forwarder_full(sim, peer->host))
        return "the forwarder had no room";
    if (side->flow->plan->kind == PLAN_FLOW_CLOSING && ended && peer->state == SIDE_NONE &&
        sim->hosts[peer->host].closing_at <= sim->now)
        return "the listener was closed";
    if (side->index == 0 && error == TCPIP_ERR_CONNECTION_RESET && judge_cookies_sent(sim, peer->host) &&
        (peer->state == SIDE_NONE || sim->now < peer->open_at + COOKIE_RESETS_S * TCPIP_SECOND))
        return "a cookie counts with the first byte only"; /* the ACK was lost or late, and a later byte came first */
    if (side->index == 1 && error == TCPIP_ERR_CONNECTION_RESET && judge_cookies_sent(sim, side->host) &&
        (peer->state == SIDE_DONE || is_reset(peer)))
        return "a cookie opened what a later segment had reset"; /* the peer had closed, and answers the rest so */
    if (side->index == 0 && error == TCPIP_ERR_CONNECTION_RESET && peer->state == SIDE_NONE &&
        sim->plan->wire != PLAN_WIRE_RAW && ((faults & PLAN_LOSSY) != 0 || is_slow(sim->plan)))
        return "the half-open record went"; /* no neighbour for its SYN-ACK; an earlier one came late all the same */
    if (side->index == 0 && error == TCPIP_ERR_CONNECTION_RESET && peer->state == SIDE_NONE && sim->plan->net_speaks &&
        (faults & PLAN_PARTITION) != 0)
        return "the half-open record went, because a router said that there was no way"; /* as on Linux */
    if (is_connecting(side) && error == TCPIP_ERR_TIMEOUT && sim->plan->wire != PLAN_WIRE_RAW &&
        (faults & PLAN_CORRUPT) != 0)
        return "the neighbour's address was garbled"; /* ARP has no checksum */
    if (is_connecting(side) && error == TCPIP_ERR_TIMEOUT && syns_refused(sim, peer->host))
        return "there was no room for its SYN, and no cookies"; /* all who wait try again at the same instants */
    if (side->plan->may_time_out && error == TCPIP_ERR_TIMEOUT && is_connecting(side) &&
        side->flow->plan->kind == PLAN_FLOW_FORWARD)
        return "the forwarder drops SYNs, and a timeout was asked for";
    /* The ACK of a naive end's FIN was lost or late, and TIME-WAIT was short or evicted: the FIN meets nobody. */
    if (error == TCPIP_ERR_CONNECTION_RESET && sim->hosts[side->host].stack == NULL && side->eof && side->shut_write &&
        peer->state == SIDE_DONE && peer->read == side->written &&
        ((faults & (PLAN_LOSSY | PLAN_SMALL_LIMITS | PLAN_SHIFT | PLAN_JITTER | PLAN_REORDER)) != 0 ||
         is_slow(sim->plan)))
        return "it was over";
    if (peer->plan->may_time_out && error == TCPIP_ERR_CONNECTION_RESET && (faults & PLAN_LOSSY) != 0)
        return "the peer gave up, as it was asked to"; /* its program hasn't looked yet */
    if (side->plan->may_time_out && error == TCPIP_ERR_TIMEOUT &&
        ((faults & (PLAN_LOSSY | PLAN_SHIFT | PLAN_REORDER | PLAN_JITTER)) != 0 || peer->plan->read_start > 0 ||
         peer->plan->read_pause > 0 || is_slow(sim->plan)))
        return "a timeout that was asked for";
    /* Unread datagrams may hold all there is, for as long as nobody reads them. */
    const struct tcpip_stack *stack = sim->hosts[side->host].stack;
    if (error == TCPIP_ERR_TIMEOUT && stack != NULL && (faults & PLAN_SMALL_LIMITS) != 0 &&
        stack->memory.used_bytes > stack->limits.memory_bytes / 16 * 15)
        return "the stack's memory is taken";
    if (is_unreachable(error) && sim->plan->wire != PLAN_WIRE_RAW && is_slow(sim->plan))
        return "the neighbour's answer waited in a queue";
    if (is_connecting(side) && error == TCPIP_ERR_TIMEOUT && is_slow(sim->plan))
        return "the handshake waited in a queue";
    if (is_connecting(side) && is_unreachable(error) && sim->plan->wire != PLAN_WIRE_RAW &&
        ((faults & PLAN_LOSSY) != 0 || is_slow(sim->plan)))
        return "the neighbour didn't answer";
    if (is_unreachable(error) && (faults & (PLAN_ADDRESS | PLAN_NIC | PLAN_PARTITION)) != 0)
        return "there was no way";
    return NULL;
}

void judge_error(struct side *side, enum tcpip_error error)
{
    const char *cause = error_cause(side, error);
    if (cause == NULL)
        sim_fail(side->sim, "flow %u, end %u: %s, without a cause", side->flow->index, side->index,
                 tcpip_error_text(error));
    else
        sim_say(side->sim, "flow %u/%u: %s: %s", side->flow->index, side->index, tcpip_error_text(error), cause);
}

/* ---- ends ---- */

/* Both ends are over: what was accepted was delivered, unless one of them knows better. */
void judge_side(struct side *side)
{
    const struct side *peer = side_peer(side);
    if (peer->state != SIDE_DONE)
        return;
    for (int i = 0; i < 2; i++) {
        const struct side *from = &side->flow->side[i], *to = &side->flow->side[1 - i];
        bool excused = from->error != TCPIP_OK || to->error != TCPIP_OK || from->aborted || to->aborted || !to->eof;
        if (!excused && to->read != from->written)
            sim_fail(side->sim, "flow %u: end %d wrote %" PRIu64 " bytes, the other read %" PRIu64, side->flow->index,
                     i, from->written, to->read);
    }
}

static void say_side(const struct side *side, char *out, size_t size)
{
    static const char *const states[] = {"none", "connecting", "open", "done"};
    struct tcp_endpoint copy;
    const struct tcp_endpoint *ep = side->endpoint != NULL ? tcpip__tcp_look(side->endpoint, &copy) : NULL;
    int used =
        snprintf(out, size, "\n  flow %u/%u %s: wrote %" PRIu64 " of %" PRIu64 ", read %" PRIu64 "%s%s%s",
                 side->flow->index, side->index, states[side->state], side->written, side->plan->total, side->read,
                 side->eof ? ", eof" : "", side->shut_write ? ", shut" : "", side->error != TCPIP_OK ? ", failed" : "");
    if (ep == NULL || used < 0 || (size_t)used >= size)
        return;
    snprintf(out + used, size - (size_t)used,
             "; tcp#%u %s, send queue %u (in flight %u), window %u, cwnd %u, mss %u, receive queue %u of %u, ready %#x",
             ep->base->id, tcpip_tcp_state_name((enum tcpip_tcp_state)ep->state), ep->send_queue.bytes,
             tcp_in_flight(ep), ep->snd_wnd, ep->congestion.cwnd, ep->snd_mss, ep->receive_queue.bytes,
             ep->receive_window.buffer_bytes, tcpip_endpoint_readiness(side->endpoint, ~0u));
}

void judge_stuck(struct sim *sim)
{
    char text[1200] = "";
    for (uint32_t i = 0; i < sim->plan->flow_count; i++) {
        size_t used = strlen(text);
        const struct side *side = sim->flows[i].side;
        if (side[0].state == SIDE_DONE && (side[1].state == SIDE_DONE || side[0].gone_at != TCPIP_NEVER))
            continue;
        say_side(&side[0], text + used, sizeof(text) - used);
        used = strlen(text);
        say_side(&side[1], text + used, sizeof(text) - used);
    }
    sim_fail(sim, "stuck, long after the last fault:%s", text);
}

bool judge_empty(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan->host_count; i++) {
        if (sim->hosts[i].stack == NULL)
            continue;
        const struct tcp_stack *tcp = tcp_stack_of(sim->hosts[i].stack);
        if (sim->hosts[i].stack->endpoint_count > 0 || tcp->half_open_count > 0 || tcp->time_wait_count > 0)
            return false;
    }
    return true;
}

/* ---- at the end ---- */

/* The faults without which a reason to drop a packet can't arise; 0: any seed may. */
static uint32_t drop_needs(enum tcpip_drop reason)
{
    const uint32_t late = PLAN_REORDER | PLAN_DUPLICATE | PLAN_LOSSY | PLAN_SHIFT | PLAN_JITTER | PLAN_SMALL_LIMITS;
    switch (reason) {
    case TCPIP_DROP_LINK_MALFORMED:
    case TCPIP_DROP_LINK_OTHER_HOST:
    case TCPIP_DROP_UNKNOWN_NETWORK_PROTOCOL:
    case TCPIP_DROP_IP_MALFORMED:
    case TCPIP_DROP_IP_BAD_CHECKSUM:
    case TCPIP_DROP_IP_BAD_OPTION:
    case TCPIP_DROP_IP_SOURCE_ROUTED:
    case TCPIP_DROP_IP_MARTIAN_SOURCE:
    case TCPIP_DROP_IP_MARTIAN_DESTINATION:
    case TCPIP_DROP_IP_TTL_EXCEEDED:
    case TCPIP_DROP_IP_BAD_EXTENSION:
    case TCPIP_DROP_IP_UNKNOWN_NEXT_HEADER:
    case TCPIP_DROP_IP_EXTENSION_LIMIT:
    case TCPIP_DROP_FRAGMENT_MALFORMED:
    case TCPIP_DROP_ARP_MALFORMED:
    case TCPIP_DROP_NDP_MALFORMED:
    case TCPIP_DROP_NDP_HOP_LIMIT:
    case TCPIP_DROP_ICMP_MALFORMED:
    case TCPIP_DROP_ICMP_BAD_CHECKSUM:
    case TCPIP_DROP_UNKNOWN_TRANSPORT_PROTOCOL:
    case TCPIP_DROP_TRANSPORT_MALFORMED:
    case TCPIP_DROP_TCP_MALFORMED:
    case TCPIP_DROP_TCP_BAD_CHECKSUM:
    case TCPIP_DROP_TCP_BAD_ADDRESS:
        return PLAN_CORRUPT;
    case TCPIP_DROP_FAULT_INJECTED:
        return PLAN_LOSS | PLAN_BURST | PLAN_DOWN | PLAN_BLACK_HOLE;
    case TCPIP_DROP_FRAGMENT_DUPLICATE:
        return PLAN_DUPLICATE | PLAN_CORRUPT;
    case TCPIP_DROP_NO_MEMORY:
        return PLAN_MEMORY | PLAN_SMALL_LIMITS;
    case TCPIP_DROP_NIC_DISABLED:
    case TCPIP_DROP_LINK_DOWN:
        return PLAN_NIC;
    case TCPIP_DROP_IP_NOT_LOCAL:
    case TCPIP_DROP_IP_NO_ROUTE:
        return PLAN_ADDRESS | PLAN_NIC | PLAN_CORRUPT;
    case TCPIP_DROP_IP_TOO_BIG:
    case TCPIP_DROP_LINK_TOO_BIG:
        return PLAN_MTU;
    case TCPIP_DROP_TCP_PAWS:
    case TCPIP_DROP_TCP_OUT_OF_ORDER_LIMIT:
        return late;
    default:
        return 0;
    }
}

static void judge_counters(struct sim *sim, uint32_t host)
{
    struct tcpip_stats stats;
    tcpip_stack_stats(sim->hosts[host].stack, &stats);
    for (uint32_t i = 0; i < TCPIP_DROP_COUNT; i++) {
        uint32_t needs = sim->plan->hostile_packets > 0 ? 0 : drop_needs((enum tcpip_drop)i);
        if (i == TCPIP_DROP_IP_NOT_LOCAL &&
            (sim->plan->dad || sim->plan->net == PLAN_NET_SWITCH)) /* what is sent to another's solicited-node group */
            needs = 0;
        /* A cookie's timestamp has bits of the SYN's: one that is sent later may seem to be older. */
        if (i == TCPIP_DROP_TCP_PAWS && any_cookies_sent(sim))
            continue;
        if (stats.drops[i] > 0 && needs != 0 && (needs & sim->plan->faults) == 0)
            sim_fail(sim, "host %u dropped %" PRIu64 " packets: %s, and nothing was done to them", host, stats.drops[i],
                     tcpip_drop_name((enum tcpip_drop)i));
    }
    if (stats.tcp.current_established != 0 || stats.tcp.current_connected != 0 || stats.tcp.time_wait_current != 0)
        sim_fail(sim, "host %u counts %" PRIu64 " established, %" PRIu64 " connected, %" PRIu64 " in TIME-WAIT", host,
                 stats.tcp.current_established, stats.tcp.current_connected, stats.tcp.time_wait_current);
    if (stats.memory_peak_bytes > sim->hosts[host].stack->limits.memory_bytes)
        sim_fail(sim, "host %u used %" PRIu64 " bytes of memory", host, stats.memory_peak_bytes);
    sim_mix(sim, stats.tcp.segments_sent);
    sim_mix(sim, stats.tcp.retransmits);
}

/* All connections are over, and what they left behind should be, too. */
void judge_end(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan->host_count; i++) {
        const struct tcpip_stack *stack = sim->hosts[i].stack;
        if (stack == NULL)
            continue;
        const struct tcp_stack *tcp = tcp_stack_of(sim->hosts[i].stack);
        if (stack->endpoint_count > 0) {
            struct tcp_endpoint copy;
            const struct tcp_endpoint *ep =
                tcpip__tcp_look(container_of(list_first(&stack->endpoints), struct tcpip_endpoint, all), &copy);
            sim_fail(sim, "host %u: %u endpoints are left, the first %s, send queue %u, fin %d %d %d, dead %d", i,
                     stack->endpoint_count, tcpip_tcp_state_name((enum tcpip_tcp_state)ep->state), ep->send_queue.bytes,
                     ep->fin_queued, ep->fin_sent, ep->fin_acked, ep->dead);
        }
        if (tcp->half_open_count > 0 || tcp->time_wait_count > 0)
            sim_fail(sim, "host %u: %u half-open and %u in TIME-WAIT are left", i, tcp->half_open_count,
                     tcp->time_wait_count);
        judge_counters(sim, i);
    }
}
