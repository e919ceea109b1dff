// SPDX-License-Identifier: MIT
/* plan_world.c: how many hosts a world has, what lies between them, and which of them have no stack of ours.
 *
 * Drawn from a generator of its own: a world that turns out to be two hosts and a wire is the one that its seed has
 * with
 * --two-hosts. */
#include "plan.h"

#include "base/rng.h"

static bool percent(struct rng *rng, uint32_t chance)
{
    return rng_below(rng, 100) < chance;
}

/* Two stacks at least; one hostile host at most. */
static void shape_hosts(struct plan *plan, struct rng *rng)
{
    static const uint32_t mtus[] = {1500, 1500, 1500, 1400, 1280, 9000, 4000};
    bool hostile = percent(rng, 35), small = percent(rng, 15), equal = plan->net == PLAN_NET_SWITCH || percent(rng, 30);
    plan->host_count = 3 + rng_below(rng, PLAN_HOSTS_MAX - 3 + 1);
    for (uint32_t i = 0; i < plan->host_count; i++) {
        struct plan_host *host = &plan->host[i];
        host->mtu = small && percent(rng, 50) ? 576 : mtus[rng_below(rng, sizeof(mtus) / sizeof(mtus[0]))];
        if (equal && i > 0)
            host->mtu = plan->host[0].mtu;
        bool naive = percent(rng, 45);
        if (i >= 2 && naive)
            host->kind = PLAN_HOST_NAIVE;
    }
    if (hostile)
        plan->host[plan->host_count - 1].kind = PLAN_HOST_HOSTILE;
    if (hostile || percent(rng, 50)) /* seldom is everything of everything there */
        plan->host[2].kind = plan->host_count > 3 ? PLAN_HOST_OURS : plan->host[2].kind;
}

static void shape_hostility(struct plan *plan, struct rng *rng)
{
    uint32_t count = rng_below(rng, PLAN_VICTIMS_MAX + 1);
    for (uint32_t i = 0; i < plan->host_count; i++)
        if (plan->host[i].kind == PLAN_HOST_HOSTILE)
            plan->hostile_packets = 20u << rng_below(rng, 7);
    if (plan->hostile_packets == 0)
        return;
    for (uint32_t i = 0; i < count; i++)
        plan->victims[plan->victim_count++] = (struct plan_victim){
            .at = 2 * TCPIP_SECOND + (tcpip_ns)i * TCPIP_SECOND / 2, .host = (uint8_t)rng_below(rng, 2)};
}

void plan_shape(struct plan *plan, uint64_t seed)
{
    struct rng rng;
    rng_init(&rng, seed ^ 0x776f726c64u);
    plan->host_count = 2;
    if (percent(&rng, 30))
        return;
    plan->net = percent(&rng, 65) ? PLAN_NET_ROUTER : PLAN_NET_SWITCH;
    plan->wire = plan->net == PLAN_NET_SWITCH || percent(&rng, 40) ? PLAN_WIRE_ETHERNET : PLAN_WIRE_RAW;
    plan->net_speaks = percent(&rng, 50);
    if (percent(&rng, 25))
        plan->faults |= PLAN_PARTITION;
    shape_hosts(plan, &rng);
    shape_hostility(plan, &rng);
    plan->mtu = UINT32_MAX;
    for (uint32_t i = 0; i < plan->host_count; i++)
        plan->mtu = plan->host[i].mtu < plan->mtu ? plan->host[i].mtu : plan->mtu;
}
