// SPDX-License-Identifier: MIT
/* move.c: a host is saved, freed and restored, under another clock, while everybody talks to it.
 *
 * The programs on it don't notice but for this: they register anew, and look. Nor does the other host: whatever was
 * promised holds.
 *
 * Owns:     nothing.
 * Not here: what must hold afterwards, which is what held before (judge.c). */
#include "sim.h"

#include "stack/stack.h"

#include <stdlib.h>

#include <tcpip/save.h>

enum { MOVE_SLOTS_MAX = SIM_LISTENERS_MAX + 2 * PLAN_FLOWS_MAX + 2 * PLAN_GRAMS_MAX };

struct move {
    struct sim_host *host;
    struct tcpip_endpoint **slots[MOVE_SLOTS_MAX]; /* where the programs keep theirs */
    uint32_t count, found;
};

static void move_add(struct move *move, struct tcpip_endpoint **slot)
{
    if (*slot != NULL)
        move->slots[move->count++] = slot;
}

static void move_collect(struct move *move)
{
    struct sim_host *host = move->host;
    struct sim *sim = host->sim;
    for (uint32_t i = 0; i < host->listener_count; i++)
        move_add(move, &host->listeners[i].endpoint);
    for (uint32_t i = 0; i < sim->plan->flow_count; i++)
        for (int j = 0; j < 2; j++)
            if (sim->flows[i].side[j].host == host->index)
                move_add(move, &sim->flows[i].side[j].endpoint);
    for (uint32_t i = 0; i < sim->plan->gram_count; i++) {
        struct gram_flow *flow = &sim->grams[i];
        if (flow->plan->from == host->index)
            move_add(move, &flow->from);
        if (flow->plan->to == host->index)
            move_add(move, &flow->to);
    }
}

static uint64_t move_tag(void *ctx, struct tcpip_endpoint *endpoint)
{
    const struct move *move = ctx;
    for (uint32_t i = 0; i < move->count; i++)
        if (*move->slots[i] == endpoint)
            return i + 1;
    return 0;
}

static enum tcpip_error move_link(void *ctx, const struct tcpip_saved_nic *nic, struct tcpip_link **link,
                                  struct tcpip_nic_options *options)
{
    (void)nic, (void)options;
    *link = ((struct move *)ctx)->host->top;
    return TCPIP_OK;
}

static void move_endpoint(void *ctx, uint64_t tag, struct tcpip_endpoint *endpoint)
{
    struct move *move = ctx;
    if (tag == 0 || tag > move->count) {
        sim_fail(move->host->sim, "host %u: an endpoint comes back that nobody had", move->host->index);
        return;
    }
    *move->slots[tag - 1] = endpoint;
    move->found++;
}

/* Registers, then looks: what happened on the way was told to nobody. */
static void move_register(struct sim_host *host)
{
    struct sim *sim = host->sim;
    for (uint32_t i = 0; i < host->listener_count; i++) {
        struct listener *listener = &host->listeners[i];
        listener->waiter = (struct tcpip_waiter){.mask = listener->waiter.mask, .fn = listener->waiter.fn};
        listener->runnable = true;
        if (listener->endpoint != NULL)
            tcpip_endpoint_waiter_add(listener->endpoint, &listener->waiter);
    }
    for (uint32_t i = 0; i < sim->plan->flow_count; i++)
        for (int j = 0; j < 2; j++)
            if (sim->flows[i].side[j].host == host->index)
                side_register(&sim->flows[i].side[j]);
    for (uint32_t i = 0; i < sim->plan->gram_count; i++) {
        struct gram_flow *flow = &sim->grams[i];
        if (flow->plan->to != host->index || flow->to == NULL)
            continue;
        flow->waiter = (struct tcpip_waiter){.mask = flow->waiter.mask, .fn = flow->waiter.fn};
        flow->runnable = true;
        tcpip_endpoint_waiter_add(flow->to, &flow->waiter);
    }
}

void host_move(struct sim *sim, uint32_t index, tcpip_ns ahead)
{
    struct sim_host *host = &sim->hosts[index];
    struct move move = {.host = host};
    struct tcpip_save_options options = {.size = sizeof(options), .ctx = &move, .tag = move_tag};
    struct tcpip_restore_options restore = {
        .size = sizeof(restore), .ctx = &move, .link = move_link, .endpoint = move_endpoint};
    struct tcpip_limits limits = host->stack->limits;
    uint32_t fail_ppm = host->fail_ppm;
    size_t bytes;
    sim_release_held(sim, true);
    move_collect(&move);
    (void)!tcpip_stack_save(host->stack, &options, NULL, 0, &bytes);
    void *saved = malloc(bytes);
    enum tcpip_error error = tcpip_stack_save(host->stack, &options, saved, bytes, &bytes);
    if (error != TCPIP_OK) {
        sim_fail(sim, "host %u can't be saved: %s", index, tcpip_error_text(error));
        free(saved);
        return;
    }
    const struct tcpip_protocols *protocols = sim_host_protocols();
    tcpip_stack_free(host->stack);
    host->stack = NULL;
    host->fail_ppm = 0; /* there is no world in which half a host goes on */
    host->clock_ahead = ahead;
    sim_set_now(sim, sim->now);
    limits.memory_bytes *= 2; /* copies take more than what was shared */
    error = tcpip_stack_restore(&host->world.env, &limits, protocols, saved, bytes, &restore, &host->stack);
    free(saved);
    host->fail_ppm = fail_ppm;
    if (error != TCPIP_OK) {
        fprintf(stderr, "sim: seed %llu: host %u doesn't come back: %s\n", (unsigned long long)sim->plan->seed, index,
                tcpip_error_text(error));
        abort();
    }
    if (move.found != move.count)
        sim_fail(sim, "host %u: %u of %u endpoints come back", index, move.found, move.count);
    move_register(host);
}
