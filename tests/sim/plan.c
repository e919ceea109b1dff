// SPDX-License-Identifier: MIT
/* plan.c: from a seed to a world, swarm style: each seed turns most faults, options and habits wholly off, so that the
 * others meet each other undiluted (Groce et al., Swarm Testing, 2012).
 *
 * Everything is drawn here, before the clock starts, from one generator: what happens later can't shift what a plan is.
 * Sizes are chosen so that a seed takes some tenths of a second, whatever its path: slow paths carry little.
 *
 * Owns:       nothing.
 * Invariants: no plan can be waiting for ever by itself: in each pair of ends one moves first; and with SYN cookies the
 *             end that connects always has something to send, or a lost ACK would never be noticed (RFC 4987 3.6).
 * Not here:   what a plan looks like in words (plan_print.c), running it (world.c). */
#include "plan.h"

#include "base/rng.h"

#include <string.h>

enum { NAIVE_SHARE = 40000 }; /* bytes: one segment a round trip */

#define PICK(rng, ...) \
    (((const int64_t[]){__VA_ARGS__})[rng_below((rng), sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))])

/* Hosts that have a stack of ours are drawn, where one is asked for. */
static uint8_t pick_host(const struct plan *plan, struct rng *rng)
{
    uint8_t host = (uint8_t)rng_below(rng, plan->host_count);
    while (plan->host[host].kind != PLAN_HOST_OURS)
        host = (uint8_t)((host + 1) % plan->host_count);
    return host;
}

static bool percent(struct rng *rng, uint32_t chance)
{
    return rng_below(rng, 100) < chance;
}

static uint32_t pick_u32(struct rng *rng, uint32_t low, uint32_t high)
{
    return (uint32_t)rng_between(rng, low, high);
}

/* Small values as likely as large ones: 0 .. 2^bits - 1. */
static uint64_t pick_log(struct rng *rng, uint32_t bits)
{
    return rng_u64(rng) & (((uint64_t)1 << rng_below(rng, bits + 1)) - 1);
}

static void plan_option_add(struct plan_options *options, enum tcpip_option option, int64_t value)
{
    if (options->count < PLAN_OPTIONS_MAX)
        options->list[options->count++] = (struct plan_option){option, value};
}

static bool plan_option_is(const struct plan_options *options, enum tcpip_option option, int64_t value)
{
    for (uint32_t i = 0; i < options->count; i++)
        if (options->list[i].option == option && options->list[i].value == value)
            return true;
    return false;
}

/* ---- hosts ---- */

static void plan_limits(struct plan *plan, struct plan_host *host, struct rng *rng)
{
    uint32_t kind = (plan->faults & PLAN_SMALL_LIMITS) != 0 ? rng_below(rng, 2) : 2 + rng_below(rng, 6);
    if (kind == 0) {
        tcpip_limits_tiny(&host->limits);
        host->limits_name = "tiny";
    } else if (kind == 1) {
        tcpip_limits_tiny(&host->limits);
        host->limits_name = "tinier";
        host->limits.endpoints = pick_u32(rng, 16, 40);
        host->limits.syn_received = pick_u32(rng, 1, 4);
        host->limits.time_wait = pick_u32(rng, 1, 4);
        host->limits.accept_backlog = pick_u32(rng, 1, 4);
        host->limits.nic_queue_packets = pick_u32(rng, 2, 16);
        host->limits.tcp_out_of_order = pick_u32(rng, 1, 4);
        host->limits.tcp_records = pick_u32(rng, 2, 16);
        host->limits.tcp_send_buffer_max = pick_u32(rng, 1, 16) * 1024;
        host->limits.tcp_receive_buffer_max = pick_u32(rng, 1, 16) * 1024;
        host->limits.turn_budget = pick_u32(rng, 2, 20);
        host->limits.icmp_errors_per_second = pick_u32(rng, 1, 100);
    } else if (kind == 2) {
        tcpip_limits_server(&host->limits);
        host->limits_name = "server";
    } else {
        tcpip_limits_default(&host->limits);
        host->limits_name = "default";
    }
}

static const char *plan_congestion(struct rng *rng)
{
    static const char *const names[] = {"cubic", "cubic", "cubic", "reno", "reno", "bbr", "bbr", "dctcp"};
    return names[rng_below(rng, sizeof(names) / sizeof(names[0]))];
}

/* Stack-wide defaults that both ends of a handshake have to live with. */
static void plan_host_options(struct plan_options *options, struct rng *rng)
{
    const uint32_t each = percent(rng, 50) ? 0 : 15;
    if (percent(rng, 15))
        plan_option_add(options, TCPIP_OPTION_SACK, 0);
    if (percent(rng, 15))
        plan_option_add(options, TCPIP_OPTION_TIMESTAMPS, 0);
    if (percent(rng, 15))
        plan_option_add(options, TCPIP_OPTION_WINDOW_SCALING, 0);
    if (percent(rng, 50))
        plan_option_add(options, TCPIP_OPTION_ECN, (int64_t)rng_below(rng, 6));
    if (percent(rng, 15))
        plan_option_add(options, TCPIP_OPTION_SYN_COOKIES, PICK(rng, 0, 2, 2));
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_MODERATE_BUFFERS, 0);
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_MIN_RTO, PICK(rng, 5, 50, 1000) * TCPIP_MS);
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_INITIAL_WINDOW, PICK(rng, 1, 2, 4, 40));
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_TIME_WAIT, PICK(rng, 1, 10, 120) * TCPIP_SECOND);
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_RFC1337, 1);
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_TIME_WAIT_REUSE, 1);
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_ACK_STRETCH_MAX, PICK(rng, 2, 8));
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_SLOW_START_AFTER_IDLE, 0);
    if (percent(rng, 30))
        plan_option_add(options, TCPIP_OPTION_PLPMTUD, PICK(rng, 0, 2, 2));
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_PLPMTUD_INTERVAL, PICK(rng, 100, 1000, 10000) * TCPIP_MS);
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_PATH_MTU_LIFETIME, PICK(rng, 100, 1000, 10000) * TCPIP_MS);
    if (percent(rng, each / 2))
        plan_option_add(options, TCPIP_OPTION_DEFER_ACCEPT, PICK(rng, 1, 3) * TCPIP_SECOND);
    if (percent(rng, each / 2))
        plan_option_add(options, TCPIP_OPTION_SYN_ACK_COUNT, 20);
}

static void plan_host(struct plan *plan, struct plan_host *host, struct rng *rng)
{
    plan_limits(plan, host, rng);
    plan_host_options(&host->defaults, rng);
    host->congestion = plan_congestion(rng);
    if ((plan->faults & PLAN_COARSE_CLOCK) != 0)
        host->clock_tick_ns = PICK(rng, 10, 100, 1000, 4000, 10000, 50000) * TCPIP_US;
    /* Timestamps of TCP wrap around at 2^32 ms, and the sign bit flips at half of that. */
    host->clock_offset = PICK(rng, 0, 0, 1000, 2147480, 4294960) * TCPIP_SECOND;
    host->port_first = 32768;
    host->port_last = 60999;
    if (percent(rng, 10)) /* ports come again, and meet TIME-WAIT */
        host->port_last = (uint16_t)(host->port_first + 40);
    host->split_listeners = percent(rng, 25);
    host->forwarder = percent(rng, 30);
    host->backlog = (int)PICK(rng, 0, 1, 3, 16, 128);
    host->accept_pause_ns = percent(rng, 20) ? (tcpip_ns)pick_log(rng, 30) : 0;
}

/* ---- the wire and its weather ---- */

static void plan_wire(struct plan *plan, struct rng *rng)
{
    uint8_t wire = (uint8_t)PICK(rng, PLAN_WIRE_RAW, PLAN_WIRE_RAW, PLAN_WIRE_STATIONS, PLAN_WIRE_ETHERNET);
    plan->fault_below = percent(rng, 50);
    plan->fault_host = pick_host(plan, rng);
    uint32_t mtu = (uint32_t)PICK(rng, 576, 1280, 1400, 1500, 1500, 1500, 4000, 9000);
    if (plan->net == PLAN_NET_PIPE) {
        plan->wire = wire;
        plan->mtu = mtu;
    }
    plan->has_v6 = plan->mtu >= 1280;
    plan->dad = percent(rng, 20);
    if (percent(rng, 40))
        plan->wire_flags |= TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_RX_CHECKSUM;
    if (percent(rng, 40))
        plan->wire_flags |= TCPIP_LINK_GRO;
    if (percent(rng, 40)) {
        plan->wire_flags |= TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_RX_CHECKSUM | TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6;
        plan->gso_max_bytes = (uint32_t)PICK(rng, 16384, 65535, 65536);
    }
    plan->wire_queue = (plan->faults & PLAN_QUEUE) != 0 ? pick_u32(rng, 1, 16) : 1024;
}

/* What the path is like in any weather. */
static void plan_path(struct rng *rng, struct tcpip_fault_profile *line)
{
    static const uint64_t rates[] = {0, 0, 0, 200000, 2000000, 20000000, 1000000000};
    line->delay_ns = PICK(rng, 0, 0, 20, 500, 5000, 40000, 150000) * TCPIP_US;
    line->rate_bps = rates[rng_below(rng, sizeof(rates) / sizeof(rates[0]))];
}

static void plan_faults(const struct plan *plan, struct rng *rng, uint32_t host, struct tcpip_fault_profile *line)
{
    uint32_t faults = plan->faults;
    if (host != plan->fault_host) /* two bits that flip on two links may add up to nothing */
        faults &= ~(uint32_t)PLAN_CORRUPT;
    if (faults & PLAN_LOSS)
        line->loss_ppm = (uint32_t)PICK(rng, 0, 1000, 10000, 50000, 200000);
    if (faults & PLAN_BURST) {
        line->burst_enter_ppm = (uint32_t)PICK(rng, 0, 500, 5000, 20000);
        line->burst_leave_ppm = (uint32_t)PICK(rng, 50000, 200000, 500000);
    }
    if (faults & PLAN_DUPLICATE)
        line->duplicate_ppm = (uint32_t)PICK(rng, 0, 1000, 50000, 300000);
    if (faults & PLAN_CORRUPT)
        line->corrupt_ppm = (uint32_t)PICK(rng, 0, 1000, 10000, 50000);
    if (faults & PLAN_REORDER) {
        line->reorder_ppm = (uint32_t)PICK(rng, 0, 5000, 50000, 300000);
        line->reorder_ns = PICK(rng, 10, 1000, 20000, 300000) * TCPIP_US;
    }
    if (faults & PLAN_JITTER)
        line->jitter_ns = PICK(rng, 10, 1000, 20000, 150000) * TCPIP_US;
    if (faults & PLAN_QUEUE)
        line->queue_bytes = (uint32_t)PICK(rng, 2000, 10000, 50000);
    if (percent(rng, 30))
        line->mark_ppm = (uint32_t)PICK(rng, 1000, 20000, 200000, 1000000);
    if (percent(rng, 20))
        line->mark_queue_bytes = (uint32_t)PICK(rng, 3000, 30000);
    if (faults & PLAN_BLACK_HOLE) /* from time to time narrower than anybody says; the link isn't asked */
        line->mtu = (uint32_t)PICK(rng, 0, 600, 1100, 1294, 1400, 1480);
    if (faults & PLAN_SHIFT)
        line->delay_ns = PICK(rng, 0, 100, 10000, 100000, 400000) * TCPIP_US;
}

static struct plan_change *plan_change_add(struct plan *plan, enum plan_change_kind kind, tcpip_ns at)
{
    struct plan_change *change = &plan->changes[plan->change_count++];
    *change = (struct plan_change){.at = at, .kind = (uint8_t)kind};
    return change;
}

/* A fault that begins and ends. */
static void plan_outage(struct plan *plan, struct rng *rng, enum plan_change_kind from, enum plan_change_kind to)
{
    for (uint32_t i = pick_u32(rng, 1, 2); i > 0; i--) {
        tcpip_ns at = rng_between(rng, TCPIP_SECOND, plan->calm_at - TCPIP_SECOND);
        tcpip_ns end = at + rng_between(rng, 0, plan->calm_at - at);
        uint8_t host = pick_host(plan, rng);
        uint8_t family = (uint8_t)(plan->has_v6 ? rng_below(rng, 2) : 0);
        struct plan_change *begin = plan_change_add(plan, from, at), *over = plan_change_add(plan, to, end);
        begin->host = over->host = host;
        begin->family = over->family = family;
        begin->value = (uint32_t)PICK(rng, 1000, 50000, 500000, 1000000);
    }
}

/* The line to a host; the last change of each is the calm. */
static void plan_line(struct plan *plan, struct rng *rng, uint8_t host)
{
    struct tcpip_fault_profile path[2] = {{.loss_ppm = 0}};
    plan_path(rng, &path[0]);
    path[1] = path[0];
    if (percent(rng, 30)) /* another way back */
        plan_path(rng, &path[1]);
    uint32_t phases = pick_u32(rng, 1, 4);
    if (plan->calm_at == 0)
        plan->calm_at = TCPIP_SECOND + rng_between(rng, 3, 20) * TCPIP_SECOND;
    for (uint32_t i = 0; i < phases; i++) {
        tcpip_ns at = TCPIP_SECOND + (plan->calm_at - TCPIP_SECOND) / phases * i;
        struct plan_change *change = plan_change_add(plan, PLAN_CHANGE_WEATHER, at);
        change->host = host;
        for (int way = 0; way < 2; way++) {
            change->line[way] = path[way];
            if (percent(rng, 80))
                plan_faults(plan, rng, host, &change->line[way]);
        }
    }
    if (plan->faults & PLAN_DOWN) {
        tcpip_ns at = rng_between(rng, TCPIP_SECOND, plan->calm_at);
        struct plan_change *change = plan_change_add(plan, PLAN_CHANGE_WEATHER, at);
        change->host = host;
        uint32_t ways = pick_u32(rng, 1, 3); /* one, the other, both */
        for (uint32_t way = 0; way < 2; way++) {
            change->line[way] = path[way];
            change->line[way].down = (ways >> way & 1) != 0;
        }
    }
    memcpy(plan->path[host], path, sizeof(path));
}

/* Between groups of hosts nothing passes, for a while, or only one way. */
static void plan_partitions(struct plan *plan, struct rng *rng)
{
    for (uint32_t i = pick_u32(rng, 1, 2); i > 0; i--) {
        tcpip_ns at = rng_between(rng, TCPIP_SECOND, plan->calm_at);
        struct plan_change *change = plan_change_add(plan, PLAN_CHANGE_PARTITION, at);
        change->value = 1 + rng_below(rng, (1u << plan->host_count) - 2);
        change->host = percent(rng, 30);
        plan_change_add(plan, PLAN_CHANGE_PARTITION, at + rng_between(rng, 0, plan->calm_at - at));
    }
}

static void plan_weather(struct plan *plan, struct rng *rng)
{
    plan_line(plan, rng, plan->net == PLAN_NET_PIPE ? plan->fault_host : 0);
    for (uint8_t i = 1; plan->net != PLAN_NET_PIPE && i < plan->host_count; i++)
        if (plan->host[i].kind == PLAN_HOST_OURS)
            plan_line(plan, rng, i);
    if (plan->faults & PLAN_PARTITION)
        plan_partitions(plan, rng);
    if (plan->faults & PLAN_ADDRESS)
        plan_outage(plan, rng, PLAN_CHANGE_ADDRESS_GONE, PLAN_CHANGE_ADDRESS_BACK);
    if (plan->faults & PLAN_NIC)
        plan_outage(plan, rng, PLAN_CHANGE_NIC_DOWN, PLAN_CHANGE_NIC_UP);
    if (plan->faults & PLAN_MEMORY)
        plan_outage(plan, rng, PLAN_CHANGE_MEMORY, PLAN_CHANGE_MEMORY);
    if (plan->faults & PLAN_MTU) {
        struct plan_change *change = plan_change_add(plan, PLAN_CHANGE_MTU, rng_between(rng, 0, plan->calm_at));
        change->host = pick_host(plan, rng);
        change->value = pick_u32(rng, plan->has_v6 ? 1280 : 300, plan->mtu);
    }
    for (uint8_t i = 0; i < plan->host_count; i++) {
        if (plan->net == PLAN_NET_PIPE ? i != plan->fault_host : plan->host[i].kind != PLAN_HOST_OURS)
            continue;
        struct plan_change *calm = plan_change_add(plan, PLAN_CHANGE_CALM, plan->calm_at);
        calm->host = i;
        memcpy(calm->line, plan->path[i], sizeof(calm->line));
    }
}

/* A host goes elsewhere, once or a few times. Not one with a forwarder: who decides for it doesn't move. */
static void plan_moves(struct plan *plan, struct rng *rng, uint32_t without)
{
    uint8_t host = pick_host(plan, rng);
    uint32_t moves = percent(rng, 25) ? pick_u32(rng, 1, 4) : 0;
    if ((without & PLAN_MOVE) != 0 || plan->host[host].forwarder || plan->hostile_packets > 0)
        return;
    for (; moves > 0; moves--) {
        struct plan_change *change =
            plan_change_add(plan, PLAN_CHANGE_MOVE, rng_between(rng, TCPIP_SECOND, plan->calm_at + 5 * TCPIP_SECOND));
        change->host = host;
        change->value = rng_below(rng, 3) == 0 ? 0 : rng_below(rng, 10000000);
        plan->faults |= PLAN_MOVE;
    }
}

/* By time; what is at one instant stays as it was added. */
static void plan_sort_changes(struct plan *plan)
{
    for (uint32_t i = 1; i < plan->change_count; i++) {
        struct plan_change change = plan->changes[i];
        uint32_t at = i;
        for (; at > 0 && plan->changes[at - 1].at > change.at; at--)
            plan->changes[at] = plan->changes[at - 1];
        plan->changes[at] = change;
    }
}

/* ---- flows ---- */

static void plan_side_options(struct plan_side *side, struct rng *rng)
{
    struct plan_options *options = &side->options;
    const uint32_t each = percent(rng, 50) ? 0 : 12;
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_NO_DELAY, 1);
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_CORK, 1);
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_QUICK_ACK, rng_below(rng, 2));
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_SEND_BUFFER_SIZE, (int64_t)pick_log(rng, 18));
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, (int64_t)pick_log(rng, 18));
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_WINDOW_CLAMP, (int64_t)pick_log(rng, 16));
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_MAX_SEGMENT, PICK(rng, 88, 200, 536, 1000, 5000));
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_NOT_SENT_LOW_WATER, (int64_t)pick_log(rng, 16) + 1);
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_LINGER2, PICK(rng, -1, TCPIP_SECOND, 5 * TCPIP_SECOND));
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_MAX_PACING_RATE, PICK(rng, 30000, 1000000, 200000000));
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_PACING, 1);
    if (percent(rng, each))
        plan_option_add(options, TCPIP_OPTION_CWND_VALIDATION, 1);
    if (percent(rng, each) && options->count + 4 <= PLAN_OPTIONS_MAX) {
        plan_option_add(options, TCPIP_OPTION_KEEPALIVE_IDLE, PICK(rng, 1, 5, 60) * TCPIP_SECOND);
        plan_option_add(options, TCPIP_OPTION_KEEPALIVE_INTERVAL, PICK(rng, 1, 5) * TCPIP_SECOND);
        plan_option_add(options, TCPIP_OPTION_KEEPALIVE_COUNT, PICK(rng, 2, 9));
        plan_option_add(options, TCPIP_OPTION_KEEPALIVE, 1);
        side->keepalive = side->may_time_out = true;
    }
    if (percent(rng, each)) {
        plan_option_add(options, TCPIP_OPTION_USER_TIMEOUT, PICK(rng, 3, 10, 60) * TCPIP_SECOND);
        side->may_time_out = true;
    }
    if (percent(rng, each)) {
        plan_option_add(options, TCPIP_OPTION_RETRANSMIT_COUNT, PICK(rng, 1, 3, 6));
        side->may_time_out = true;
    }
}

static void plan_side(struct plan_side *side, struct rng *rng, uint64_t share)
{
    static const uint8_t ends[] = {
        PLAN_END_SHUTDOWN, PLAN_END_SHUTDOWN, PLAN_END_SHUTDOWN, PLAN_END_SHUTDOWN, PLAN_END_PASSIVE,
        PLAN_END_PASSIVE,  PLAN_END_DONE,     PLAN_END_DONE,     PLAN_END_DONE,     PLAN_END_CLOSE,
        PLAN_END_BOTH,     PLAN_END_NO_READ,  PLAN_END_UNREAD,   PLAN_END_RESET,
    };
    side->total = percent(rng, 20) ? 0 : percent(rng, 30) ? pick_log(rng, 10) : rng_u64(rng) % (share + 1);
    side->write_max = (uint32_t)pick_log(rng, 17) + 1;
    side->read_max = (uint32_t)pick_log(rng, 17) + 1;
    /* At most some hundred calls of a slow one. */
    if (percent(rng, 15)) {
        side->write_pause = (tcpip_ns)pick_log(rng, 27) + 1;
        side->write_max = side->write_max > side->total / 100 ? side->write_max : (uint32_t)(side->total / 100) + 1;
    }
    if (percent(rng, 15))
        side->read_pause = (tcpip_ns)pick_log(rng, 27) + 1;
    if (percent(rng, 10))
        side->read_start = rng_between(rng, 0, 10) * TCPIP_SECOND;
    side->more_percent = percent(rng, 10) ? (uint32_t)PICK(rng, 10, 50, 100) : 0;
    side->fiddle_pause = percent(rng, 10) ? (tcpip_ns)pick_log(rng, 30) + 100000 : 0;
    side->end = ends[rng_below(rng, sizeof(ends))];
    side->write = (uint8_t)rng_below(rng, PLAN_WRITE_MIXED + 1);
    side->read = (uint8_t)rng_below(rng, PLAN_READ_MIXED + 1);
    side->wake = (uint8_t)rng_below(rng, PLAN_WAKE_READY + 1);
    side->end_after = side->total > 0 ? rng_u64(rng) % (2 * side->total) : 0;
    if (percent(rng, 20))
        side->congestion = plan_congestion(rng);
    plan_side_options(side, rng);
}

/* No reader in tiny bites of much, no writer of single bytes without end. */
static void plan_tame(struct plan_flow *flow)
{
    for (int i = 0; i < 2; i++) {
        struct plan_side *side = &flow->side[i];
        uint64_t incoming = flow->side[1 - i].total;
        uint32_t calls = side->read_pause > 0 ? 100 : 2000;
        if (side->read_max < incoming / calls)
            side->read_max = (uint32_t)(incoming / calls) + 1;
        if (side->write_max < side->total / 1000)
            side->write_max = (uint32_t)(side->total / 1000) + 1;
    }
}

static bool plan_is_naive(const struct plan *plan, const struct plan_flow *flow)
{
    return plan->host[flow->host[0]].kind != PLAN_HOST_OURS || plan->host[flow->host[1]].kind != PLAN_HOST_OURS;
}

/* Who talks to whom; one of them has a stack of ours, none is hostile. */
static void plan_ends(const struct plan *plan, struct plan_flow *flow, struct rng *rng)
{
    flow->host[0] = (uint8_t)rng_below(rng, plan->host_count);
    flow->host[1] = (uint8_t)((flow->host[0] + 1) % plan->host_count);
    if (plan->net == PLAN_NET_PIPE)
        return;
    for (;;) {
        const struct plan_host *from = &plan->host[flow->host[0]], *to = &plan->host[flow->host[1]];
        if (flow->host[0] != flow->host[1] && from->kind != PLAN_HOST_HOSTILE && to->kind != PLAN_HOST_HOSTILE &&
            (from->kind == PLAN_HOST_OURS || to->kind == PLAN_HOST_OURS))
            return;
        flow->host[0] = (uint8_t)rng_below(rng, plan->host_count);
        flow->host[1] = (uint8_t)rng_below(rng, plan->host_count);
    }
}

/* The naive know few ways to end, and are slow. */
static void plan_naive(const struct plan *plan, struct plan_flow *flow)
{
    if (!plan_is_naive(plan, flow))
        return;
    if (flow->kind != PLAN_FLOW_FORWARD)
        flow->kind = PLAN_FLOW_NORMAL;
    flow->fast_open = false;
    for (int i = 0; i < 2; i++) {
        struct plan_side *side = &flow->side[i];
        if (plan->host[flow->host[i]].kind != PLAN_HOST_NAIVE)
            continue;
        side->end = side->end == PLAN_END_RESET || side->end == PLAN_END_UNREAD ? PLAN_END_RESET
                    : side->end == PLAN_END_PASSIVE                             ? PLAN_END_PASSIVE
                                                                                : PLAN_END_SHUTDOWN;
        side->keepalive = side->may_time_out = false;
        side->options.count = 0;
        side->read_start = side->fiddle_pause = 0;
    }
}

static void plan_flow(const struct plan *plan, struct plan_flow *flow, struct rng *rng, uint64_t share)
{
    flow->kind =
        (uint8_t)PICK(rng, 0, 0, 0, 0, 0, 0, 0, 0, PLAN_FLOW_SIMULTANEOUS, PLAN_FLOW_NOBODY, PLAN_FLOW_CLOSING);
    flow->family = (uint8_t)(plan->has_v6 ? PICK(rng, PLAN_IPV4, PLAN_IPV6, PLAN_IPV6, PLAN_MAPPED)
                                          : PICK(rng, PLAN_IPV4, PLAN_IPV4, PLAN_MAPPED));
    plan_ends(plan, flow, rng);
    if (percent(rng, 5) && flow->kind != PLAN_FLOW_SIMULTANEOUS && !plan_is_naive(plan, flow))
        flow->host[1] = flow->host[0];
    if (plan->host[flow->host[1]].forwarder && percent(rng, 40))
        flow->kind = PLAN_FLOW_FORWARD;
    flow->bind_address = percent(rng, 20);
    flow->bind_port = percent(rng, 20);
    flow->start_at = TCPIP_SECOND + rng_between(rng, 0, percent(rng, 50) ? TCPIP_SECOND : plan->calm_at - TCPIP_SECOND);
    if (plan_is_naive(plan, flow) && share > NAIVE_SHARE)
        share = NAIVE_SHARE;
    plan_side(&flow->side[0], rng, share);
    plan_side(&flow->side[1], rng, share);
    plan_tame(flow);
    if (percent(rng, 30)) { /* in turns */
        uint32_t turns = pick_u32(rng, 1, 30);
        flow->request = (uint32_t)(flow->side[0].total / turns) + 1;
        flow->response = (uint32_t)(flow->side[1].total / turns) + 1;
        flow->side[0].total = (uint64_t)flow->request * turns;
        flow->side[1].total = (uint64_t)flow->response * turns;
    } else {
        for (int i = 0; i < 2; i++) {
            /* What is left at the end is told by the FIN: the other may not wait for something first. */
            uint8_t other = flow->side[1 - i].end;
            if ((other == PLAN_END_SHUTDOWN || other == PLAN_END_CLOSE) && percent(rng, 10))
                plan_option_add(&flow->side[i].options, TCPIP_OPTION_RECEIVE_LOW_WATER, (int64_t)pick_log(rng, 12) + 1);
        }
    }
    plan_naive(plan, flow);
    if (flow->side[0].end == PLAN_END_PASSIVE && flow->side[1].end == PLAN_END_PASSIVE)
        flow->side[rng_below(rng, 2)].end = PLAN_END_SHUTDOWN;
    const struct plan_host *server = &plan->host[flow->host[1]];
    bool never = plan_option_is(&server->defaults, TCPIP_OPTION_SYN_COOKIES, 0);
    bool always = plan_option_is(&server->defaults, TCPIP_OPTION_SYN_COOKIES, 2);
    bool cookies =
        always || plan->hostile_packets > 0 || (!never && (server->backlog < 100 || server->limits.syn_received < 100));
    if (cookies && flow->side[0].total == 0)
        flow->side[0].total = flow->request = 1;
}

static void plan_flows(struct plan *plan, struct rng *rng)
{
    uint64_t bytes = (uint64_t)1 << pick_u32(rng, 10, 20), slowest = UINT64_MAX;
    for (uint32_t i = 0; i < plan->change_count; i++)
        for (int way = 0; way < 2; way++) {
            const struct tcpip_fault_profile *line = &plan->changes[i].line[way];
            if (line->rate_bps != 0 && line->rate_bps < slowest)
                slowest = line->rate_bps;
        }
    if (bytes > slowest) /* at most some ten seconds on the line */
        bytes = slowest;
    if ((plan->faults & PLAN_SMALL_LIMITS) != 0 && bytes > 100000)
        bytes = 100000;
    if (plan->mtu < 1000 && bytes > 200000)
        bytes = 200000;
    plan->flow_count = (uint32_t)PICK(rng, 1, 1, 2, 3, 5, 8, 12);
    if (bytes < 100000 && percent(rng, 20))
        plan->flow_count = PLAN_FLOWS_MAX;
    bool closing = false;
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        plan_flow(plan, &plan->flows[i], rng, bytes / plan->flow_count);
        closing = closing || plan->flows[i].kind == PLAN_FLOW_CLOSING;
    }
    for (uint8_t host = 0; closing && host < plan->host_count; host++) {
        tcpip_ns at = rng_between(rng, TCPIP_SECOND, plan->calm_at);
        plan_change_add(plan, PLAN_CHANGE_LISTENER, at)->host = host;
    }
}

static void plan_grams(struct plan *plan, struct rng *rng)
{
    plan->gram_count = percent(rng, 30) ? pick_u32(rng, 1, PLAN_GRAMS_MAX) : 0;
    for (uint32_t i = 0; i < plan->gram_count; i++) {
        struct plan_gram *gram = &plan->grams[i];
        gram->family = (uint8_t)(plan->has_v6 ? rng_below(rng, 3) : PICK(rng, PLAN_IPV4, PLAN_MAPPED));
        gram->from = pick_host(plan, rng);
        gram->to = plan->net == PLAN_NET_PIPE ? (uint8_t)(1 - gram->from) : pick_host(plan, rng);
        gram->read = (uint8_t)rng_below(rng, PLAN_READ_MIXED + 1);
        gram->connected = percent(rng, 50);
        gram->nobody = percent(rng, 15);
        gram->count = pick_u32(rng, 1, PLAN_GRAM_COUNT_MAX);
        gram->bytes_max = (uint32_t)PICK(rng, 8, 100, 1000, 2000, 8000, 65507);
        gram->start_at = rng_between(rng, TCPIP_SECOND, plan->calm_at);
        gram->pause = (tcpip_ns)pick_log(rng, 30);
    }
}

/* Data with the SYN, on both hosts or on none; drawn last, so that the rest of a plan is what it was. */
static void plan_fast_open(struct plan *plan, struct rng *rng)
{
    if (!percent(rng, 25))
        return;
    int64_t mode = TCPIP_FAST_OPEN_CLIENT | TCPIP_FAST_OPEN_SERVER | TCPIP_FAST_OPEN_SERVER_ALL;
    if (percent(rng, 30))
        mode |= TCPIP_FAST_OPEN_CLIENT_NO_COOKIE | TCPIP_FAST_OPEN_SERVER_NO_COOKIE;
    for (uint32_t i = 0; i < plan->host_count; i++) {
        plan_option_add(&plan->host[i].defaults, TCPIP_OPTION_FAST_OPEN_MODE, mode);
        if (percent(rng, 50))
            plan_option_add(&plan->host[i].defaults, TCPIP_OPTION_FAST_OPEN_PAUSE, PICK(rng, 0, 1) * TCPIP_SECOND);
    }
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        struct plan_flow *flow = &plan->flows[i];
        flow->fast_open = (flow->kind == PLAN_FLOW_NORMAL || flow->kind == PLAN_FLOW_CLOSING) &&
                          flow->side[0].total > 0 && percent(rng, 80) && !plan_is_naive(plan, flow);
    }
}

void plan_make(struct plan *plan, uint64_t seed, uint32_t without, bool two_hosts)
{
    struct rng rng;
    memset(plan, 0, sizeof(*plan));
    rng_init(&rng, seed);
    plan->seed = seed;
    plan->host_count = 2;
    if (!two_hosts)
        plan_shape(plan, seed);
    if (!percent(&rng, 10)) {
        uint32_t likely = (uint32_t)PICK(&rng, 10, 20, 30);
        for (uint32_t i = 0; i < PLAN_INDEX_MOVE; i++)
            if (percent(&rng, likely))
                plan->faults |= 1u << i;
    }
    plan->faults &= ~without;
    plan_wire(plan, &rng);
    for (uint32_t i = 0; i < plan->host_count; i++)
        plan_host(plan, &plan->host[i], &rng);
    plan_weather(plan, &rng);
    plan_flows(plan, &rng);
    plan_grams(plan, &rng);
    plan->bracket = percent(&rng, 20);
    plan_fast_open(plan, &rng);
    plan_moves(plan, &rng, without);
    plan_sort_changes(plan);
}
