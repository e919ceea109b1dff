// SPDX-License-Identifier: MIT
/* victim.c: programs of our hosts that talk to the hostile one: they believe nothing, write a little, read what comes,
 * and leave when their time is over.
 *
 * Owns:     their endpoints, a listener per host.
 * Not here: what they are told (hostile.c). */
#include "sim.h"

#include <string.h>

enum { VICTIM_READS = 20, VICTIM_BYTES = 3000, VICTIM_TOTAL = 30000 };

static void victim_heard(struct tcpip_waiter *waiter, uint32_t ready)
{
    (void)ready;
    TCPIP_CONTAINER_OF(waiter, struct victim, waiter)->runnable = true;
}

static struct victim *victim_free_slot(struct sim *sim)
{
    for (uint32_t i = 0; i < SIM_VICTIMS_MAX; i++)
        if (sim->victims[i].endpoint == NULL)
            return &sim->victims[i];
    return NULL;
}

static void victim_begin(struct sim *sim, struct victim *victim, struct tcpip_endpoint *endpoint)
{
    memset(victim, 0, sizeof(*victim));
    victim->endpoint = endpoint;
    victim->runnable = true;
    victim->leave_at = sim->now + rng_between(&sim->hostile.rng, 0, 10 * TCPIP_SECOND);
    victim->waiter = (struct tcpip_waiter){.mask = TCPIP_EVENT_IN | TCPIP_EVENT_OUT, .fn = victim_heard};
    tcpip_endpoint_waiter_add(endpoint, &victim->waiter);
}

void victim_accepted(struct sim *sim, struct tcpip_endpoint *endpoint)
{
    struct victim *victim = victim_free_slot(sim);
    if (victim == NULL)
        tcpip_endpoint_close(endpoint);
    else
        victim_begin(sim, victim, endpoint);
}

/* A host that has a stack connects to the one that is to be feared. */
static void victim_connect(struct sim *sim, const struct plan_victim *plan)
{
    struct tcpip_endpoint *endpoint;
    struct victim *victim = victim_free_slot(sim);
    struct tcpip_full_address to = {.port = PLAN_PORT};
    to.address = sim->hosts[sim->hostile.host].address[plan->family];
    if (victim == NULL ||
        tcpip_stack_new_endpoint(sim->hosts[plan->host].stack, TCPIP_PROTOCOL_TCP,
                                 plan->family == PLAN_IPV4 ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6,
                                 &endpoint) != TCPIP_OK)
        return;
    enum tcpip_error error = tcpip_endpoint_connect(endpoint, &to);
    sim_say(sim, "a victim on host %u: %s", plan->host, tcpip_error_text(error));
    if (error == TCPIP_ERR_CONNECT_STARTED)
        victim_begin(sim, victim, endpoint);
    else
        tcpip_endpoint_close(endpoint);
}

static void victim_talk(struct sim *sim, struct victim *victim)
{
    uint8_t data[VICTIM_BYTES];
    size_t done;
    victim->runnable = false;
    for (uint32_t i = 0; i < VICTIM_READS; i++)
        if (tcpip_endpoint_read(victim->endpoint, data, sizeof(data), &done, NULL) != TCPIP_OK)
            break;
    if (victim->written >= VICTIM_TOTAL)
        return;
    memset(data, 'v', sizeof(data));
    if (tcpip_endpoint_write(victim->endpoint, data, 1 + rng_below(&sim->hostile.rng, sizeof(data)), 0, NULL, &done) ==
        TCPIP_OK)
        victim->written += (uint32_t)done;
}

static void victim_leave(struct sim *sim, struct victim *victim)
{
    struct tcpip_endpoint *endpoint = victim->endpoint;
    victim->endpoint = NULL;
    if (rng_below(&sim->hostile.rng, 3) == 0)
        (void)!tcpip_endpoint_set_option(endpoint, TCPIP_OPTION_LINGER, 0);
    else if (rng_below(&sim->hostile.rng, 2) == 0)
        (void)!tcpip_endpoint_shutdown(endpoint, TCPIP_SHUTDOWN_WRITE);
    tcpip_endpoint_close(endpoint);
}

bool victims_step(struct sim *sim)
{
    bool more = false;
    for (; sim->next_victim < sim->plan->victim_count && sim->plan->victims[sim->next_victim].at <= sim->now;
         more = true)
        victim_connect(sim, &sim->plan->victims[sim->next_victim++]);
    for (uint32_t i = 0; i < SIM_VICTIMS_MAX; i++) {
        struct victim *victim = &sim->victims[i];
        if (victim->endpoint == NULL)
            continue;
        if (victim->leave_at <= sim->now) {
            victim_leave(sim, victim);
            more = true;
        } else if (victim->runnable) {
            victim_talk(sim, victim);
            more = true;
        }
    }
    return more;
}

tcpip_ns victims_deadline(const struct sim *sim)
{
    tcpip_ns next = TCPIP_NEVER;
    if (sim->next_victim < sim->plan->victim_count)
        next = sim->plan->victims[sim->next_victim].at;
    for (uint32_t i = 0; i < SIM_VICTIMS_MAX; i++)
        if (sim->victims[i].endpoint != NULL && sim->victims[i].leave_at < next)
            next = sim->victims[i].leave_at;
    return next;
}

void victims_finish(struct sim *sim)
{
    sim->next_victim = sim->plan->victim_count;
    for (uint32_t i = 0; i < SIM_VICTIMS_MAX; i++)
        if (sim->victims[i].endpoint != NULL)
            victim_leave(sim, &sim->victims[i]);
}
