// SPDX-License-Identifier: MIT
/* datagram.c: UDP beside the connections: datagrams of all sizes, fragmented where the path asks for it, each whole or
 * not at all.
 *
 * A datagram says in its first bytes which one it is; the rest follows from that. It may be lost only if something lost
 * it, and come twice only if something doubled it.
 *
 * Owns:     the endpoints of struct gram_flow.
 * Not here: connections. */
#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { GRAM_HEADER = 8, GRAM_VIEWS = 64, GRAM_BYTES_MAX = 65535 };

static uint8_t gram_byte(uint32_t flow, uint32_t number, uint32_t at)
{
    return (uint8_t)(at * 7 + (at >> 8) * 13 + number * 31 + flow * 101);
}

static void gram_fill(uint8_t *out, uint32_t flow, uint32_t number, uint32_t bytes)
{
    uint32_t head[2] = {flow, number};
    memcpy(out, head, sizeof(head));
    for (uint32_t i = GRAM_HEADER; i < bytes; i++)
        out[i] = gram_byte(flow, number, i);
}

static void gram_heard(struct tcpip_waiter *waiter, uint32_t ready)
{
    (void)ready;
    TCPIP_CONTAINER_OF(waiter, struct gram_flow, waiter)->runnable = true;
}

/* ---- receiving ---- */

static void gram_arrived(struct gram_flow *flow, const uint8_t *data, size_t size)
{
    struct sim *sim = flow->sim;
    uint32_t head[2] = {0, 0};
    memcpy(head, data, size < sizeof(head) ? size : sizeof(head));
    sim_say(sim, "datagram %u of %u: %zu bytes", head[1], head[0], size);
    /* Two bits that flipped in two fragments may well add up to nothing (RFC 1071's sum is that weak). */
    bool doubtful = (sim->plan->faults & PLAN_CORRUPT) != 0 && size + 48 > sim->plan->mtu;
    if (doubtful && (head[0] != flow->index || head[1] >= flow->plan->count || !flow->grams[head[1]].sent))
        return;
    if (size < GRAM_HEADER || head[0] != flow->index || head[1] >= flow->plan->count || !flow->grams[head[1]].sent ||
        flow->grams[head[1]].bytes != size) {
        sim_fail(sim, "datagrams %u: %zu bytes that nobody sent, number %u of %u", flow->index, size, head[1], head[0]);
        return;
    }
    for (uint32_t i = GRAM_HEADER; i < size && !doubtful; i++)
        if (data[i] != gram_byte(flow->index, head[1], i)) {
            sim_fail(sim, "datagram %u of %u: byte %u is wrong", head[1], head[0], i);
            return;
        }
    uint32_t doublings = (sim->plan->faults & PLAN_DUPLICATE) == 0 ? 0 : sim->plan->net == PLAN_NET_PIPE ? 1 : 2;
    if (++flow->grams[head[1]].received > 1u << doublings)
        sim_fail(sim, "datagram %u of %u came %u times", head[1], head[0], flow->grams[head[1]].received);
}

static enum tcpip_error gram_read_views(struct gram_flow *flow, uint8_t *buffer, size_t *done)
{
    struct tcpip_view views[GRAM_VIEWS];
    size_t count = GRAM_VIEWS, at = 0;
    enum tcpip_error error = tcpip_endpoint_read_views(flow->to, views, &count, GRAM_BYTES_MAX, done, NULL);
    if (error != TCPIP_OK)
        return error;
    for (size_t i = 0; i < count; i++) {
        memcpy(buffer + at, tcpip_view_data(&views[i]), views[i].length);
        at += views[i].length;
    }
    for (size_t i = 0; i < count; i++)
        tcpip_buffer_unref(views[i].buffer);
    if (at != *done)
        sim_fail(flow->sim, "datagrams %u: %zu views of %zu bytes say %zu", flow->index, count, at, *done);
    return TCPIP_OK;
}

static enum tcpip_error gram_read_once(struct gram_flow *flow, uint8_t *buffer, size_t *done)
{
    struct tcpip_io io[2] = {{buffer, 100}, {buffer + 100, GRAM_BYTES_MAX - 100}};
    struct tcpip_control control = {.present = 0};
    struct tcpip_full_address from;
    uint32_t style = flow->plan->read == PLAN_READ_MIXED ? rng_below(&flow->rng, PLAN_READ_MIXED) : flow->plan->read;
    switch (style) {
    case PLAN_READ_VIEWS:
        return gram_read_views(flow, buffer, done);
    case PLAN_READ_SCATTER:
        return tcpip_endpoint_recvmsg(flow->to, io, 2, done, &from, &control);
    default:
        return tcpip_endpoint_read(flow->to, buffer, GRAM_BYTES_MAX, done, &from);
    }
}

static bool gram_receive(struct gram_flow *flow)
{
    if (flow->to == NULL || !flow->runnable)
        return false;
    flow->runnable = false;
    uint8_t *buffer = malloc(GRAM_BYTES_MAX);
    enum tcpip_error error;
    size_t done = 0;
    while ((error = gram_read_once(flow, buffer, &done)) == TCPIP_OK && !flow->sim->failed)
        gram_arrived(flow, buffer, done);
    free(buffer);
    if (error == TCPIP_ERR_NO_MEMORY || error == TCPIP_ERR_NO_BUFFER_SPACE)
        flow->runnable = true; /* nothing will say that there is some */
    else if (error != TCPIP_ERR_WOULD_BLOCK && error != TCPIP_OK)
        sim_fail(flow->sim, "datagrams %u: reading says %s", flow->index, tcpip_error_text(error));
    return !flow->runnable;
}

/* ---- sending ---- */

static struct tcpip_full_address gram_address(const struct gram_flow *flow)
{
    const struct sim_host *to = &flow->sim->hosts[flow->plan->to];
    struct tcpip_full_address address = {.port = (uint16_t)(PLAN_PORT_GRAM + flow->index)};
    address.address = to->address[flow->plan->family == PLAN_IPV6 ? PLAN_IPV6 : PLAN_IPV4];
    if (flow->plan->family == PLAN_MAPPED)
        address.address = tcpip_address_to_mapped(&address.address);
    return address;
}

static enum tcpip_error gram_endpoint(struct gram_flow *flow, uint32_t host, struct tcpip_endpoint **out)
{
    if (*out != NULL)
        return TCPIP_OK;
    return tcpip_stack_new_endpoint(flow->sim->hosts[host].stack, TCPIP_PROTOCOL_UDP,
                                    flow->plan->family == PLAN_IPV4 ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6, out);
}

static bool gram_begin(struct gram_flow *flow)
{
    const struct plan_gram *plan = flow->plan;
    struct tcpip_full_address to = gram_address(flow), any = {.port = to.port};
    if (gram_endpoint(flow, plan->from, &flow->from) != TCPIP_OK)
        return false;
    if (!plan->nobody && flow->to == NULL) {
        if (gram_endpoint(flow, plan->to, &flow->to) != TCPIP_OK)
            return false;
        if (tcpip_endpoint_bind(flow->to, &any, NULL, NULL) != TCPIP_OK) {
            tcpip_endpoint_close(flow->to);
            flow->to = NULL;
            return false;
        }
        flow->waiter = (struct tcpip_waiter){.mask = TCPIP_EVENT_IN, .fn = gram_heard};
        tcpip_endpoint_waiter_add(flow->to, &flow->waiter);
    }
    return !plan->connected || tcpip_endpoint_connect(flow->from, &to) == TCPIP_OK;
}

static void gram_send(struct gram_flow *flow)
{
    const struct plan_gram *plan = flow->plan;
    struct tcpip_full_address to = gram_address(flow);
    uint32_t number = flow->tried, bytes = GRAM_HEADER + rng_below(&flow->rng, plan->bytes_max - GRAM_HEADER + 1);
    uint8_t *buffer = malloc(bytes);
    size_t done = 0;
    gram_fill(buffer, flow->index, number, bytes);
    flow->grams[number].bytes = bytes;
    flow->grams[number].sent = true;
    enum tcpip_error error = tcpip_endpoint_write(flow->from, buffer, bytes, 0, plan->connected ? NULL : &to, &done);
    free(buffer);
    flow->grams[number].sent = error == TCPIP_OK;
    flow->refused = flow->refused || error == TCPIP_ERR_CONNECTION_REFUSED;
    sim_say(flow->sim, "datagrams %u: %u of %u bytes: %s", flow->index, number, bytes, tcpip_error_text(error));
    if (error == TCPIP_OK && done != bytes)
        sim_fail(flow->sim, "datagrams %u: %zu of %u bytes were sent", flow->index, done, bytes);
    flow->tried++;
    flow->next_at = flow->sim->now + plan->pause;
}

static bool gram_go_on(struct gram_flow *flow)
{
    struct sim *sim = flow->sim;
    if (flow->tried >= flow->plan->count || sim->now < flow->next_at)
        return false;
    if (!flow->begun && !gram_begin(flow)) {
        flow->next_at = sim->now + TCPIP_SECOND;
        if (sim->now > sim->plan->calm_at + 300 * TCPIP_SECOND)
            sim_fail(sim, "datagrams %u can't begin, in calm weather", flow->index);
        return true;
    }
    flow->begun = true;
    gram_send(flow);
    return true;
}

/* ---- all of them ---- */

void grams_init(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan->gram_count; i++) {
        struct gram_flow *flow = &sim->grams[i];
        flow->sim = sim;
        flow->plan = &sim->plan->grams[i];
        flow->index = i;
        flow->next_at = flow->plan->start_at;
        rng_init(&flow->rng, sim->plan->seed ^ (uint64_t)(i + 1) << 48);
    }
}

bool grams_step(struct sim *sim)
{
    bool more = false;
    for (uint32_t i = 0; i < sim->plan->gram_count && !sim->failed; i++) {
        more = gram_receive(&sim->grams[i]) || more;
        more = gram_go_on(&sim->grams[i]) || more;
    }
    return more;
}

tcpip_ns grams_deadline(const struct sim *sim)
{
    tcpip_ns next = TCPIP_NEVER;
    for (uint32_t i = 0; i < sim->plan->gram_count; i++) {
        const struct gram_flow *flow = &sim->grams[i];
        if (flow->tried < flow->plan->count && flow->next_at < next)
            next = flow->next_at;
        if (flow->runnable && sim->now + TCPIP_MS < next)
            next = sim->now + TCPIP_MS;
    }
    return next;
}

bool grams_done(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan->gram_count; i++)
        if (sim->grams[i].tried < sim->grams[i].plan->count)
            return false;
    return true;
}

/* Something may have lost or delayed datagrams. */
static bool grams_excused(const struct sim *sim)
{
    if ((sim->plan->faults & (PLAN_LOSSY | PLAN_SMALL_LIMITS | PLAN_MTU)) != 0)
        return true;
    for (uint32_t i = 0; i < sim->plan->host_count; i++) {
        static const enum tcpip_drop reasons[] = {
            TCPIP_DROP_UDP_QUEUE_FULL,
            TCPIP_DROP_QUEUE_FULL,
            TCPIP_DROP_NEIGHBOR_PENDING_LIMIT,
            TCPIP_DROP_FRAGMENT_TIMEOUT,
            TCPIP_DROP_FRAGMENT_LIMIT,
            TCPIP_DROP_NEIGHBOR_UNREACHABLE, /* its answer stood behind half a minute of datagrams on a slow link */
        };
        struct tcpip_stats stats;
        if (sim->hosts[i].stack == NULL)
            continue;
        if (sim->plan->host[i].mtu != sim->plan->host[0].mtu)
            return true; /* the router says so, and the datagram is gone */
        tcpip_stack_stats(sim->hosts[i].stack, &stats);
        for (size_t j = 0; j < sizeof(reasons) / sizeof(reasons[0]); j++)
            if (stats.drops[reasons[j]] > 0)
                return true;
    }
    return false;
}

void grams_finish(struct sim *sim)
{
    bool excused = grams_excused(sim);
    for (uint32_t i = 0; i < sim->plan->gram_count; i++) {
        struct gram_flow *flow = &sim->grams[i];
        uint32_t lost = 0, sent = 0;
        for (uint32_t j = 0; j < flow->plan->count; j++) {
            sent += flow->grams[j].sent;
            lost += flow->grams[j].sent && flow->grams[j].received == 0;
        }
        if (!flow->plan->nobody && lost > 0 && !excused)
            sim_fail(sim, "datagrams %u: %u of %u were lost, by nobody", i, lost, sent);
        if (flow->from != NULL)
            tcpip_endpoint_close(flow->from);
        if (flow->to != NULL)
            tcpip_endpoint_close(flow->to);
        flow->from = flow->to = NULL;
    }
}
