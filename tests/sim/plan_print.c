// SPDX-License-Identifier: MIT
/* plan_print.c: a plan in words, for people who look at one seed. */
#include "plan.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const fault_names[] = {
#define PLAN_FAULT_NAME_(name, text) text,
    PLAN_FAULTS(PLAN_FAULT_NAME_)
#undef PLAN_FAULT_NAME_
};
static const char *const end_names[] = {"shutdown", "passive", "done", "close", "both", "no-read", "unread", "reset"};
static const char *const wire_names[] = {"raw", "stations", "ethernet"};
static const char *const net_names[] = {"two hosts", "router", "switch"};
static const char *const kind_names[] = {"normal", "simultaneous", "nobody", "closing", "forward"};
static const char *const family_names[] = {"ipv4", "ipv6", "mapped"};
static const char *const change_names[] = {"nothing", "weather", "address gone", "address back", "nic down",  "nic up",
                                           "mtu",     "memory",  "listener",     "move",         "partition", "calm"};

const char *plan_fault_name(uint32_t index)
{
    return fault_names[index];
}

const char *plan_end_name(uint32_t end)
{
    return end_names[end];
}

static double seconds(tcpip_ns ns)
{
    return (double)ns / 1e9;
}

static void print_options(const struct plan_options *options)
{
    for (uint32_t i = 0; i < options->count; i++)
        printf(" %s=%" PRId64, tcpip_option_name(options->list[i].option), options->list[i].value);
}

static void print_line(const struct tcpip_fault_profile *line)
{
    printf(" [delay %.6f rate %" PRIu64, seconds(line->delay_ns), line->rate_bps);
    if (line->loss_ppm != 0)
        printf(" loss %u", line->loss_ppm);
    if (line->burst_enter_ppm != 0)
        printf(" burst %u/%u", line->burst_enter_ppm, line->burst_leave_ppm);
    if (line->duplicate_ppm != 0)
        printf(" duplicate %u", line->duplicate_ppm);
    if (line->corrupt_ppm != 0)
        printf(" corrupt %u", line->corrupt_ppm);
    if (line->reorder_ppm != 0)
        printf(" reorder %u by %.6f", line->reorder_ppm, seconds(line->reorder_ns));
    if (line->jitter_ns != 0)
        printf(" jitter %.6f", seconds(line->jitter_ns));
    if (line->mark_ppm != 0 || line->mark_queue_bytes != 0)
        printf(" mark %u, above %u", line->mark_ppm, line->mark_queue_bytes);
    if (line->queue_bytes != 0)
        printf(" queue %u", line->queue_bytes);
    if (line->mtu != 0)
        printf(" mtu %u", line->mtu);
    printf("%s]", line->down ? " down" : "");
}

static void print_side(const struct plan_side *side)
{
    printf("#     writes %" PRIu64 " by %u", side->total, side->write_max);
    if (side->write_pause != 0)
        printf(" each %.6f", seconds(side->write_pause));
    printf(", reads by %u", side->read_max);
    if (side->read_pause != 0)
        printf(" each %.6f", seconds(side->read_pause));
    if (side->read_start != 0)
        printf(" after %.3f", seconds(side->read_start));
    printf(", ends %s (%" PRIu64 "), write %u read %u wake %u more %u %s", end_names[side->end], side->end_after,
           side->write, side->read, side->wake, side->more_percent, side->congestion != NULL ? side->congestion : "");
    if (side->fiddle_pause != 0)
        printf(" fiddles each %.6f", seconds(side->fiddle_pause));
    print_options(&side->options);
    printf("\n");
}

void plan_print(const struct plan *plan)
{
    printf("# seed %" PRIu64
           ": %s, wire %s, fault at host %u%s, mtu %u, flags %#x, gso %u, queue %u, v6 %d, dad %d; faults",
           plan->seed, net_names[plan->net], wire_names[plan->wire], plan->fault_host,
           plan->fault_below ? " below" : "", plan->mtu, plan->wire_flags, plan->gso_max_bytes, plan->wire_queue,
           plan->has_v6, plan->dad);
    printf("%s", plan->bracket ? " bracket" : "");
    for (uint32_t i = 0; i < PLAN_FAULT_COUNT; i++)
        if ((plan->faults >> i & 1) != 0)
            printf(" %s", fault_names[i]);
    printf("\n");
    for (uint32_t i = 0; i < plan->host_count; i++) {
        const struct plan_host *host = &plan->host[i];
        if (host->kind != PLAN_HOST_OURS) {
            printf("# host %u: %s\n", i, host->kind == PLAN_HOST_NAIVE ? "naive" : "hostile");
            continue;
        }
        printf("# host %u: %s %s, tick %.6f, up %.0f, backlog %d each %.6f%s", i, host->limits_name, host->congestion,
               seconds(host->clock_tick_ns), seconds(host->clock_offset), host->backlog, seconds(host->accept_pause_ns),
               host->split_listeners ? ", split" : "");
        printf(" ports %u-%u%s", host->port_first, host->port_last, host->forwarder ? ", forwarder" : "");
        if (plan->net != PLAN_NET_PIPE)
            printf(" mtu %u", host->mtu);
        print_options(&host->defaults);
        printf("\n");
    }
    for (uint32_t i = 0; i < plan->change_count; i++) {
        const struct plan_change *change = &plan->changes[i];
        if (change->kind == PLAN_CHANGE_NONE)
            continue;
        printf("# change %u at %.6f %s", i, seconds(change->at), change_names[change->kind]);
        if (change->kind == PLAN_CHANGE_WEATHER || change->kind == PLAN_CHANGE_CALM) {
            printf(" host %u", change->host);
            print_line(&change->line[0]);
            print_line(&change->line[1]);
        } else {
            printf(" host %u family %u value %u", change->host, change->family, change->value);
        }
        printf("\n");
    }
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        const struct plan_flow *flow = &plan->flows[i];
        if (flow->absent)
            continue;
        printf("# flow %u: %s %s, host %u to %u, at %.6f, request %u response %u%s%s%s\n", i, kind_names[flow->kind],
               family_names[flow->family], flow->host[0], flow->host[1], seconds(flow->start_at), flow->request,
               flow->response, flow->bind_address ? ", bound" : "", flow->bind_port ? ", to a port" : "",
               flow->fast_open ? ", fast open" : "");
        print_side(&flow->side[0]);
        print_side(&flow->side[1]);
    }
    for (uint32_t i = 0; i < plan->gram_count; i++) {
        const struct plan_gram *gram = &plan->grams[i];
        if (gram->count == 0)
            continue;
        printf("# datagrams %u: %s, from host %u to %u%s%s, at %.6f, %u of at most %u bytes each %.6f, read %u\n", i,
               family_names[gram->family], gram->from, gram->to, gram->connected ? ", connected" : "",
               gram->nobody ? ", to nobody" : "", seconds(gram->start_at), gram->count, gram->bytes_max,
               seconds(gram->pause), gram->read);
    }
}
