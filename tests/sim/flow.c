// SPDX-License-Identifier: MIT
/* flow.c: who connects to whom: listeners, connecting ends, and which accepted endpoint belongs to which flow.
 *
 * What can't be had (memory, ports, an endpoint too many, no address just now) is asked for again a little later; once
 * the weather is calm it must be there.
 *
 * Owns:     listeners; endpoints until they are handed to a side.
 * Not here: what ends do with their connection (side.c). */
#include "sim.h"

#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_fold.h"
#include <inttypes.h>

enum {
    FLOW_RETRY_MS = 250,
    FLOW_PATIENCE_S = 300, /* of calm, in which a connection can at last be begun */
    FLOW_PORT = 2000,      /* bound by connecting ends that bind, see flow_port */
    FLOW_PORTS = 400,
    READY_MAX = 8,
};

/* ---- listeners ---- */

static void listener_heard(struct tcpip_waiter *waiter, uint32_t ready)
{
    (void)ready;
    TCPIP_CONTAINER_OF(waiter, struct listener, waiter)->runnable = true;
}

static void listener_open(struct sim *sim, struct sim_host *host, uint16_t port, uint32_t network, bool only)
{
    struct listener *listener = &host->listeners[host->listener_count++];
    struct tcpip_full_address address = {.port = port};
    enum tcpip_error error = tcpip_stack_new_endpoint(host->stack, TCPIP_PROTOCOL_TCP, network, &listener->endpoint);
    if (error == TCPIP_OK && only)
        error = tcpip_endpoint_set_option(listener->endpoint, TCPIP_OPTION_V6_ONLY, 1);
    if (error == TCPIP_OK)
        error = tcpip_endpoint_bind(listener->endpoint, &address, NULL, NULL);
    if (error == TCPIP_OK)
        error = tcpip_endpoint_listen(listener->endpoint, sim->plan->host[host->index].backlog);
    if (error != TCPIP_OK) {
        sim_fail(sim, "host %u can't listen on port %u: %s", host->index, port, tcpip_error_text(error));
        return;
    }
    listener->sim = sim;
    listener->host = host->index;
    listener->port = port;
    listener->runnable = true;
    listener->waiter = (struct tcpip_waiter){.mask = TCPIP_EVENT_IN, .fn = listener_heard};
    tcpip_endpoint_waiter_add(listener->endpoint, &listener->waiter);
}

void flow_listeners_open(struct sim *sim, struct sim_host *host)
{
    if (sim->plan->host[host->index].forwarder)
        forward_open(host);
    bool split = sim->plan->host[host->index].split_listeners;
    if (sim->plan->hostile_packets > 0)
        listener_open(sim, host, PLAN_PORT_VICTIM, TCPIP_PROTOCOL_IPV6, false);
    for (uint16_t port = PLAN_PORT; port <= PLAN_PORT_CLOSING; port++) {
        listener_open(sim, host, port, TCPIP_PROTOCOL_IPV6, split);
        if (split)
            listener_open(sim, host, port, TCPIP_PROTOCOL_IPV4, false);
    }
}

void flow_listener_close(struct sim *sim, uint32_t host, uint16_t port)
{
    struct sim_host *at = &sim->hosts[host];
    if (port == PLAN_PORT_CLOSING && at->closing_at == TCPIP_NEVER)
        at->closing_at = sim->now;
    for (uint32_t i = 0; i < at->listener_count; i++) {
        struct listener *listener = &at->listeners[i];
        if (listener->port != port || listener->endpoint == NULL)
            continue;
        struct tcpip_endpoint *endpoint = listener->endpoint;
        listener->endpoint = NULL;
        sim_say(sim, "host %u: listener on port %u closes", host, port);
        tcpip_endpoint_close(endpoint);
    }
}

/* The flow that this is the other end of: by where it came from, and by the first sequence number. */
static struct side *flow_of(struct sim *sim, uint32_t host, const struct tcpip_endpoint *endpoint,
                            const struct tcpip_full_address *peer)
{
    struct tcp_endpoint copy;
    struct tcpip_address address = tcpip_address_from_mapped(&peer->address);
    for (uint32_t i = 0; i < sim->plan->flow_count; i++) {
        struct sim_flow *flow = &sim->flows[i];
        const struct sim_host *from = &sim->hosts[flow->plan->host[0]];
        uint32_t family = flow->plan->family == PLAN_IPV6 ? PLAN_IPV6 : PLAN_IPV4;
        if (flow->started && flow->port[0] == peer->port && flow->side[1].state == SIDE_NONE &&
            flow->plan->host[1] == host && flow->plan->kind != PLAN_FLOW_SIMULTANEOUS &&
            tcpip__tcp_look(endpoint, &copy)->irs.v == flow->iss &&
            tcpip_address_equal(&address, &from->address[family]))
            return &flow->side[1];
    }
    return NULL;
}

/* Without a record of the handshake, an old ACK that comes again opens the same connection again (RFC 4987 3.6); and so
 * does an old SYN with data (RFC 7413 2.1). */
static bool ghosts_allowed(const struct sim *sim, uint32_t host)
{
    struct tcpip_stats stats;
    tcpip_stack_stats(sim->hosts[host].stack, &stats);
    return stats.tcp.listen_overflow_syn_cookie_sent > 0 || stats.tcp.fast_open_passive > 0;
}

static bool hostile_is(const struct sim *sim, const struct tcpip_address *peer)
{
    struct tcpip_address address = tcpip_address_from_mapped(peer);
    if (sim->hostile.host == PLAN_HOSTS_MAX)
        return false;
    const struct sim_host *host = &sim->hosts[sim->hostile.host];
    return tcpip_address_equal(&address, &host->address[PLAN_IPV4]) ||
           tcpip_address_equal(&address, &host->address[PLAN_IPV6]);
}

void flow_accepted(struct sim *sim, uint32_t host, struct tcpip_endpoint *endpoint,
                   const struct tcpip_full_address *peer)
{
    struct side *side = flow_of(sim, host, endpoint, peer);
    if (side == NULL && hostile_is(sim, &peer->address)) {
        victim_accepted(sim, endpoint);
        return;
    }
    sim_say(sim, "host %u accepts flow %d from port %u", host, side != NULL ? (int)side->flow->index : -1, peer->port);
    if (side == NULL) {
        if (!ghosts_allowed(sim, host))
            sim_fail(sim, "host %u accepts a connection that nobody made", host);
        (void)!tcpip_endpoint_set_option(endpoint, TCPIP_OPTION_LINGER, 0);
        tcpip_endpoint_close(endpoint);
        return;
    }
    side_open(side, endpoint, SIDE_OPEN);
    side->stepping = true; /* an option may be news to a waiter */
    enum tcpip_error error = side_set_options(side);
    side->stepping = false;
    if (error != TCPIP_OK && error != TCPIP_ERR_NO_MEMORY)
        sim_fail(sim, "flow %u, end 1: options: %s", side->flow->index, tcpip_error_text(error));
}

static bool listener_accept(struct listener *listener)
{
    struct sim *sim = listener->sim;
    struct tcpip_endpoint *endpoint;
    struct tcpip_full_address peer;
    enum tcpip_error error = tcpip_endpoint_accept(listener->endpoint, &endpoint, &peer);
    if (error == TCPIP_ERR_WOULD_BLOCK)
        return false;
    if (error == TCPIP_OK)
        flow_accepted(sim, listener->host, endpoint, &peer);
    else
        sim_fail(sim, "accept on host %u: %s", listener->host, tcpip_error_text(error));
    return error == TCPIP_OK;
}

static bool listeners_step(struct sim *sim)
{
    bool more = false;
    for (uint32_t i = 0; i < sim->plan->host_count; i++) {
        tcpip_ns pause = sim->plan->host[i].accept_pause_ns;
        for (uint32_t j = 0; j < sim->hosts[i].listener_count; j++) {
            struct listener *listener = &sim->hosts[i].listeners[j];
            while (listener->endpoint != NULL && listener->runnable && sim->now >= listener->accept_at) {
                listener->runnable = listener_accept(listener);
                more = true;
                if (pause > 0)
                    listener->accept_at = sim->now + pause;
            }
        }
    }
    return more;
}

/* ---- connecting ---- */

static struct tcpip_full_address flow_address(const struct sim_flow *flow, uint32_t side, uint16_t port)
{
    const struct sim_host *host = &flow->sim->hosts[flow->plan->host[side]];
    struct tcpip_full_address address = {.port = port};
    address.address = host->address[flow->plan->family == PLAN_IPV6 ? PLAN_IPV6 : PLAN_IPV4];
    if (flow->plan->family == PLAN_MAPPED)
        address.address = tcpip_address_to_mapped(&address.address);
    return address;
}

/* Another one for each attempt: an old SYN under way is none of a new one's. */
static uint16_t flow_port(const struct sim_flow *flow, uint32_t side)
{
    return (uint16_t)(FLOW_PORT + flow->attempts % FLOW_PORTS * 2 * PLAN_FLOWS_MAX + flow->index * 2 + side);
}

static enum tcpip_error flow_new_endpoint(struct sim_flow *flow, uint32_t index)
{
    const struct plan_flow *plan = flow->plan;
    struct side *side = &flow->side[index];
    struct tcpip_full_address bind = {.port = 0};
    bool simultaneous = plan->kind == PLAN_FLOW_SIMULTANEOUS;
    enum tcpip_error error = tcpip_stack_new_endpoint(
        flow->sim->hosts[side->host].stack, TCPIP_PROTOCOL_TCP,
        plan->family == PLAN_IPV4 ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6, &side->endpoint);
    if (error != TCPIP_OK)
        return error;
    side_open(side, side->endpoint, SIDE_CONNECTING);
    error = side_set_options(side);
    if (error == TCPIP_OK && plan->fast_open)
        error = tcpip_endpoint_set_option(side->endpoint, TCPIP_OPTION_FAST_OPEN_CONNECT, 1);
    if (plan->bind_address || simultaneous)
        bind = flow_address(flow, index, 0);
    if (plan->bind_port || simultaneous)
        bind.port = flow_port(flow, index);
    if (error == TCPIP_OK && (plan->bind_address || bind.port != 0))
        error = tcpip_endpoint_bind(side->endpoint, &bind, NULL, NULL);
    return error;
}

/* With Fast Open a connect may succeed without a SYN: that goes with the first write. */
static bool flow_begun(const struct sim_flow *flow, enum tcpip_error error)
{
    return error == TCPIP_ERR_CONNECT_STARTED || (flow->plan->fast_open && error == TCPIP_OK);
}

static enum tcpip_error flow_connect(struct sim_flow *flow, uint32_t index, uint16_t port)
{
    struct side *side = &flow->side[index];
    struct tcpip_full_address to = flow_address(flow, 1 - index, port), local;
    /* To itself, a connection may be through within the call: but not within the turn. */
    struct tcpip_stack *stack = tcpip_endpoint_stack(side->endpoint);
    tcpip_stack_enter(stack);
    enum tcpip_error error = tcpip_endpoint_connect(side->endpoint, &to);
    if (flow_begun(flow, error)) {
        tcpip_endpoint_local_address(side->endpoint, &local);
        flow->port[index] = local.port;
        if (index == 0)
            flow->iss = tcp_of(side->endpoint)->iss.v;
        sim_say(flow->sim, "flow %u/%u connects from port %u to %u", flow->index, index, local.port, port);
    }
    side->runnable = true;
    tcpip_stack_leave(stack);
    return flow_begun(flow, error) ? TCPIP_OK : error;
}

static enum tcpip_error flow_begin(struct sim_flow *flow)
{
    bool simultaneous = flow->plan->kind == PLAN_FLOW_SIMULTANEOUS;
    uint16_t port = flow->plan->kind == PLAN_FLOW_NOBODY    ? PLAN_PORT_NOBODY
                    : flow->plan->kind == PLAN_FLOW_CLOSING ? PLAN_PORT_CLOSING
                    : flow->plan->kind == PLAN_FLOW_FORWARD ? PLAN_PORT_FORWARD
                                                            : PLAN_PORT;
    if (flow->sim->hosts[flow->side[0].host].stack == NULL) {
        naive_connect(flow, port);
        return TCPIP_OK;
    }
    enum tcpip_error error = flow_new_endpoint(flow, 0);
    if (error == TCPIP_OK && simultaneous)
        error = flow_new_endpoint(flow, 1);
    if (error != TCPIP_OK)
        return error;
    if (!simultaneous)
        return flow_connect(flow, 0, port);
    error = flow_connect(flow, 0, flow_port(flow, 1));
    return error == TCPIP_OK ? flow_connect(flow, 1, flow_port(flow, 0)) : error;
}

static void side_forget(struct side *side)
{
    struct tcpip_endpoint *endpoint = side->endpoint;
    side->state = SIDE_NONE;
    side->endpoint = NULL;
    if (endpoint != NULL)
        tcpip_endpoint_close(endpoint);
}

static bool flow_start(struct sim_flow *flow)
{
    struct sim *sim = flow->sim;
    if (flow->started || sim->now < flow->start_at)
        return false;
    flow->started = true;
    enum tcpip_error error = flow_begin(flow);
    if (error == TCPIP_OK)
        return true;
    sim_say(sim, "flow %u can't begin: %s", flow->index, tcpip_error_text(error));
    side_forget(&flow->side[0]);
    side_forget(&flow->side[1]);
    flow->started = false;
    flow->attempts++;
    flow->start_at = sim->now + FLOW_RETRY_MS * TCPIP_MS;
    if (sim->now > sim->plan->calm_at + FLOW_PATIENCE_S * TCPIP_SECOND)
        sim_fail(sim, "flow %u can't begin, in calm weather: %s", flow->index, tcpip_error_text(error));
    return true;
}

bool flow_connect_again(struct side *side, enum tcpip_error error)
{
    if (side->retried)
        return false;
    judge_error(side, error);
    side->retried = true;
    error = flow_connect(side->flow, side->index, PLAN_PORT);
    if (error != TCPIP_OK)
        side_leave(side);
    return true;
}

/* ---- all of them ---- */

void flows_init(struct sim *sim)
{
    grams_init(sim);
    hostile_init(sim);
    for (uint32_t i = 0; i < sim->plan->flow_count; i++) {
        struct sim_flow *flow = &sim->flows[i];
        flow->sim = sim;
        flow->plan = &sim->plan->flows[i];
        flow->index = i;
        flow->start_at = flow->plan->start_at;
        for (uint32_t j = 0; j < 2; j++) {
            struct side *side = &flow->side[j];
            side->sim = sim;
            side->flow = flow;
            side->plan = &flow->plan->side[j];
            side->index = j;
            side->host = flow->plan->host[j];
            side->gone_at = side->error_at = side->wake_at = TCPIP_NEVER;
            rng_init(&side->rng, sim->plan->seed ^ (uint64_t)(i * 2 + j + 1) << 40);
        }
        if (flow->plan->absent || (sim->options.flows >> i & 1) == 0) {
            flow->started = true;
            flow->side[0].state = flow->side[1].state = SIDE_DONE;
        }
    }
}

static void take_ready(struct sim *sim)
{
    struct tcpip_ready ready[READY_MAX];
    for (uint32_t i = 0; i < sim->plan->host_count; i++)
        for (uint32_t n;
             sim->hosts[i].stack != NULL && (n = tcpip_stack_ready(sim->hosts[i].stack, ready, READY_MAX)) > 0;)
            for (uint32_t j = 0; j < n; j++)
                ((struct side *)tcpip_endpoint_context(ready[j].endpoint))->runnable = true;
}

static bool programs_step(struct sim *sim)
{
    sim_release_held(sim, false);
    take_ready(sim);
    bool more = listeners_step(sim);
    more = forward_step(sim) || more;
    more = grams_step(sim) || more;
    more = naive_step(sim) || more;
    more = hostile_step(sim) || more;
    more = victims_step(sim) || more;
    for (uint32_t i = 0; i < sim->plan->flow_count && !sim->failed; i++) {
        struct sim_flow *flow = &sim->flows[i];
        more = flow_start(flow) || more;
        for (int j = 0; j < 2; j++)
            if (sim->hosts[flow->side[j].host].stack != NULL)
                more = side_step(&flow->side[j]) || more;
    }
    return more;
}

bool flows_step(struct sim *sim)
{
    for (uint32_t i = 0; sim->plan->bracket && i < sim->plan->host_count; i++)
        if (sim->hosts[i].stack != NULL)
            tcpip_stack_enter(sim->hosts[i].stack);
    bool more = programs_step(sim);
    for (uint32_t i = 0; sim->plan->bracket && i < sim->plan->host_count; i++)
        if (sim->hosts[i].stack != NULL)
            tcpip_stack_leave(sim->hosts[i].stack);
    return more;
}

tcpip_ns flows_deadline(const struct sim *sim)
{
    tcpip_ns next = grams_deadline(sim), forward = forward_deadline(sim);
    next = forward < next ? forward : next;
    tcpip_ns naive = naive_deadline(sim), hostile = hostile_deadline(sim), victims = victims_deadline(sim);
    next = naive < next ? naive : next;
    next = hostile < next ? hostile : next;
    next = victims < next ? victims : next;
    for (uint32_t i = 0; i < sim->held_count; i++)
        next = sim->held[i].until < next ? sim->held[i].until : next;
    for (uint32_t i = 0; i < sim->plan->host_count; i++)
        for (uint32_t j = 0; j < sim->hosts[i].listener_count; j++) {
            const struct listener *listener = &sim->hosts[i].listeners[j];
            if (listener->endpoint != NULL && listener->runnable && listener->accept_at < next)
                next = listener->accept_at;
        }
    for (uint32_t i = 0; i < sim->plan->flow_count; i++) {
        const struct sim_flow *flow = &sim->flows[i];
        if (!flow->started && flow->start_at < next)
            next = flow->start_at;
        for (int j = 0; j < 2; j++) {
            if (sim->hosts[flow->side[j].host].stack == NULL)
                continue;
            tcpip_ns at = side_deadline(&flow->side[j]);
            next = at < next ? at : next;
        }
    }
    return next;
}

bool flows_done(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan->flow_count; i++) {
        const struct side *side = sim->flows[i].side;
        if (side[0].state != SIDE_DONE)
            return false;
        /* Never accepted: because it was over before. */
        if (side[1].state != SIDE_DONE && (side[1].state != SIDE_NONE || side[0].gone_at == TCPIP_NEVER))
            return false;
    }
    return grams_done(sim);
}

void flows_finish(struct sim *sim)
{
    sim_release_held(sim, true);
    grams_finish(sim);
    victims_finish(sim);
    for (uint32_t i = 0; i < sim->plan->host_count; i++) {
        forward_close(&sim->hosts[i]);
        flow_listener_close(sim, i, PLAN_PORT_VICTIM);
        flow_listener_close(sim, i, PLAN_PORT);
        flow_listener_close(sim, i, PLAN_PORT_CLOSING);
    }
}
