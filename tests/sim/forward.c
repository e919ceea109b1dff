// SPDX-License-Identifier: MIT
/* forward.c: connections to where nobody listens: the forwarder decides, now or later.
 *
 * Owns:     requests that it deferred, until they are decided or expire.
 * Not here: what the connections do (side.c). */
#include "sim.h"

#include "transport/tcp/tcp.h"

enum { FORWARD_DEFER_S = 3 };

static enum tcpip_tcp_verdict forward_defer(struct sim_host *host, struct tcpip_tcp_forward_request *request)
{
    struct sim *sim = host->sim;
    for (uint32_t i = 0; i < SIM_PENDING_MAX; i++) {
        struct pending *pending = &host->pending[i];
        if (pending->request != NULL)
            continue;
        pending->request = request;
        pending->at = sim->now + rng_between(&sim->rng, 0, FORWARD_DEFER_S * TCPIP_SECOND);
        return TCPIP_TCP_FORWARD_DEFER;
    }
    return TCPIP_TCP_FORWARD_DROP;
}

static enum tcpip_tcp_verdict forward_syn(void *ctx, struct tcpip_tcp_forward_request *request)
{
    struct sim_host *host = ctx;
    struct tcpip_full_address local, remote;
    tcpip_tcp_forward_addresses(request, &local, &remote);
    sim_say(host->sim, "host %u: a SYN for port %u from %u", host->index, local.port, remote.port);
    if (local.port != PLAN_PORT_FORWARD)
        return TCPIP_TCP_FORWARD_RESET;
    switch (rng_below(&host->sim->rng, 10)) {
    case 0:
        return TCPIP_TCP_FORWARD_DROP;
    case 1:
        host->forward_refused++;
        return TCPIP_TCP_FORWARD_RESET;
    case 2:
    case 3:
    case 4:
        return forward_defer(host, request);
    default:
        return TCPIP_TCP_FORWARD_ACCEPT;
    }
}

static void forward_gone(void *ctx, struct tcpip_tcp_forward_request *request, enum tcpip_error why)
{
    (void)why;
    struct sim_host *host = ctx;
    for (uint32_t i = 0; i < SIM_PENDING_MAX; i++)
        if (host->pending[i].request == request)
            host->pending[i].request = NULL;
}

static void forward_connection(void *ctx, struct tcpip_endpoint *endpoint)
{
    struct sim_host *host = ctx;
    struct tcpip_full_address peer;
    tcpip__tcp_remote_address(tcp_of(endpoint), &peer); /* it may be over already, and have none to tell */
    flow_accepted(host->sim, host->index, endpoint, &peer);
}

void forward_open(struct sim_host *host)
{
    struct tcpip_tcp_forwarder forwarder = {
        .size = sizeof(forwarder),
        .max_in_flight = 1 + rng_below(&host->sim->rng, 20),
        .source_pending_max = rng_below(&host->sim->rng, 3) * 4,
        .network_pending_max = rng_below(&host->sim->rng, 3) * 8,
        .on_syn = forward_syn,
        .on_connection = forward_connection,
        .on_gone = forward_gone,
        .ctx = host,
    };
    enum tcpip_error error = tcpip_tcp_set_forwarder(host->stack, &forwarder);
    if (error != TCPIP_OK)
        sim_fail(host->sim, "no forwarder: %s", tcpip_error_text(error));
    host->forwarder = true;
}

/* As Linux, connect tells the same of a reset and of this. */
static enum tcpip_tcp_verdict forward_refusal(struct sim *sim)
{
    return rng_below(&sim->rng, 2) != 0 ? TCPIP_TCP_FORWARD_RESET : TCPIP_TCP_FORWARD_PORT_UNREACHABLE;
}

bool forward_step(struct sim *sim)
{
    bool more = false;
    for (uint32_t h = 0; h < sim->plan->host_count; h++)
        for (uint32_t i = 0; i < SIM_PENDING_MAX; i++) {
            struct sim_host *host = &sim->hosts[h];
            struct tcpip_tcp_forward_request *request = host->pending[i].request;
            if (request == NULL || host->pending[i].at > sim->now)
                continue;
            bool accept = rng_below(&sim->rng, 4) != 0;
            host->pending[i].request = NULL;
            host->forward_refused += !accept;
            sim_say(sim, "host %u: a SYN is %s at last", h, accept ? "accepted" : "refused");
            tcpip_tcp_forward_decide(host->stack, request, accept ? TCPIP_TCP_FORWARD_ACCEPT : forward_refusal(sim));
            more = true;
        }
    return more;
}

tcpip_ns forward_deadline(const struct sim *sim)
{
    tcpip_ns next = TCPIP_NEVER;
    for (uint32_t h = 0; h < sim->plan->host_count; h++)
        for (uint32_t i = 0; i < SIM_PENDING_MAX; i++)
            if (sim->hosts[h].pending[i].request != NULL && sim->hosts[h].pending[i].at < next)
                next = sim->hosts[h].pending[i].at;
    return next;
}

void forward_close(struct sim_host *host)
{
    if (!host->forwarder)
        return;
    host->forwarder = false;
    if (tcpip_tcp_set_forwarder(host->stack, NULL) != TCPIP_OK)
        sim_fail(host->sim, "the forwarder stays");
    for (uint32_t i = 0; i < SIM_PENDING_MAX; i++)
        if (host->pending[i].request != NULL)
            sim_fail(host->sim, "a deferred request outlives the forwarder");
}
