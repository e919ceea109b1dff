// SPDX-License-Identifier: MIT
/* world.c: hosts, what is below their NICs, and time.
 *
 *     stack 0 - [capture] - [ethernet] - [fault] - [ethernet] - pipe - [ethernet] - [capture] - stack 1
 *     stack i - [capture] - [ethernet] - fault - [ethernet] - channel - net.c
 *
 * Between two hosts the fault link is on one side and offers no offload there; the other host sees the pipe's own: so
 * one may send super-segments and the other may merge. In a net each host has a fault link. Each host has an
 * environment of its own: its memory can run out, and its clock can be coarse or near the wrap of a 32-bit number while
 * the others' isn't.
 *
 * Time moves only when nothing is left to do at an instant: to the next of the stacks' deadlines, the programs' plans
 * and the weather's changes. How many packets a stack is handed at once, and who is served first, is drawn.
 *
 * Owns:       stacks, links, the clock.
 * Invariants: a run ends: at each instant after a bounded number of rounds, and in all at the time allowed.
 * Not here:   what programs do (flow.c, side.c), what must hold (judge.c). */
#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ROUNDS_MAX = 20000,   /* at one instant */
    SIM_TIME_MAX = 1500,  /* seconds after the calm in which all connections end */
    SIM_DRAIN_MAX = 3000, /* and in which what they leave behind ends */
};

/* ---- saying ---- */

void sim_mix(struct sim *sim, uint64_t value)
{
    uint64_t state = sim->hash ^ value;
    sim->hash = splitmix64(&state);
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    if (sim->failed)
        return;
    sim->failed = true;
    int used = snprintf(sim->what, sizeof(sim->what), "%.6f: ", (double)sim->now / 1e9);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sim->what + used, sizeof(sim->what) - (size_t)used, format, arguments);
    va_end(arguments);
    if (sim->options.trace)
        printf("FAILED %s\n", sim->what);
}

void sim_say(struct sim *sim, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (int i = 0; i < length && i < (int)sizeof(text) - 1; i++)
        sim_mix(sim, (uint8_t)text[i]);
    if (sim->options.trace)
        printf("%.6f %s\n", (double)sim->now / 1e9, text);
}

uint64_t sim_packets(const struct sim *sim)
{
    uint64_t packets = 0;
    for (uint32_t i = 0; i < sim->plan->host_count; i++)
        packets += sim->hosts[i].packets_out;
    return packets;
}

/* ---- a host's environment ---- */

static struct sim_host *host_of(void *ctx)
{
    return TCPIP_CONTAINER_OF(ctx, struct sim_host, world);
}

static void *sim_alloc(void *ctx, size_t size, size_t align)
{
    struct sim_host *host = host_of(ctx);
    if (host->fail_ppm != 0 && rng_below(&host->fail_rng, 1000000) < host->fail_ppm)
        return NULL;
    return host->alloc(ctx, size, align);
}

static void sim_release(void *ctx, void *memory, size_t size)
{
    struct sim_host *host = host_of(ctx);
    if (!plant_due(host->sim, SIM_PLANT_LEAK))
        host->release(ctx, memory, size);
}

static uint64_t machine_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_nsec;
}

/* Two runs of a seed must hear the same: every event, with the front of each packet. */
static void sim_trace(void *ctx, const struct tcpip_event *event)
{
    struct sim_host *host = host_of(ctx);
    struct sim *sim = host->sim;
    sim_mix(sim, (uint64_t)event->kind << 32 | (uint64_t)host->index << 31 | event->endpoint);
    sim_mix(sim, (uint64_t)event->at);
    if (plant_due(sim, SIM_PLANT_CLOCK))
        sim_mix(sim, machine_time());
    for (int i = 0; i < 4; i++)
        sim_mix(sim, event->values[i]);
    uint32_t count = event->bytes_count < 96 ? event->bytes_count : 96;
    for (uint32_t i = 0; i < count; i += 8) {
        uint64_t word = 0;
        memcpy(&word, event->bytes + i, count - i < 8 ? count - i : 8);
        sim_mix(sim, word);
    }
    wire_look(host, event);
    if (event->kind == TCPIP_EVENT_PACKET_OUT)
        host->packets_out++;
    if (sim->options.trace) {
        char line[512];
        (void)tcpip_event_print(event, line, sizeof(line));
        printf("%.6f   %c %s\n", (double)sim->now / 1e9, 'a' + (int)host->index, line);
    }
}

static void sim_fatal(struct test_env *world, const char *file, int line, const char *what)
{
    struct sim *sim = host_of(world)->sim;
    fflush(stdout);
    fprintf(stderr, "seed %" PRIu64 ", %.6f, host %u: %s:%d: %s\n", sim->plan->seed, (double)sim->now / 1e9,
            host_of(world)->index, file, line, what);
    if (sim->options.last_words != NULL)
        snprintf(sim->options.last_words, SIM_WHAT_MAX, "%.6f: host %u: %s:%d: %s", (double)sim->now / 1e9,
                 host_of(world)->index, file, line, what);
}

static tcpip_ns host_clock(const struct sim_host *host, tcpip_ns now)
{
    const struct plan_host *plan = &host->sim->plan->host[host->index];
    if (plan->clock_tick_ns > 0)
        now -= now % plan->clock_tick_ns;
    return now + plan->clock_offset + host->clock_ahead;
}

/* The world's instant at which a host's clock shows `at`, or more. */
static tcpip_ns host_instant(const struct sim_host *host, tcpip_ns at)
{
    const struct plan_host *plan = &host->sim->plan->host[host->index];
    if (at == TCPIP_NEVER)
        return at;
    at -= plan->clock_offset + host->clock_ahead;
    tcpip_ns tick = plan->clock_tick_ns;
    return tick > 0 && at % tick != 0 ? at - at % tick + tick : at;
}

void sim_set_now(struct sim *sim, tcpip_ns now)
{
    sim->now = now;
    for (uint32_t i = 0; i < sim->plan->host_count; i++)
        sim->hosts[i].world.now = host_clock(&sim->hosts[i], now);
}

/* ---- building ---- */

static void must(enum tcpip_error error, const char *what)
{
    if (error == TCPIP_OK)
        return;
    fprintf(stderr, "sim: %s: %s\n", what, tcpip_error_text(error));
    abort();
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static struct tcpip_link_address station(uint32_t host)
{
    return (struct tcpip_link_address){.bytes = {2, 0, 0, 0, 0, (uint8_t)(host + 1)}, .len = 6};
}

/* One more link on top of a host's; NULL can't happen: memory doesn't fail yet. */
static void stack_up(struct sim_host *host, struct tcpip_link *link)
{
    if (link == NULL)
        must(TCPIP_ERR_NO_MEMORY, "a link");
    host->top = link;
}

static void build_fault(struct sim_host *host, uint64_t seed)
{
    struct tcpip_fault_options options = {.size = sizeof(options), .seed = seed};
    host->fault = tcpip_fault_new(&host->world.env, host->top, &options);
    stack_up(host, host->fault);
}

static void build_ethernet(struct sim_host *host)
{
    host->ethernet = tcpip_ethernet_new(&host->world.env, host->top, station(host->index));
    stack_up(host, host->ethernet);
}

/* Two hosts: what they send, the other hears. */
static void build_pipe(struct sim *sim)
{
    const struct plan *plan = sim->plan;
    bool stations = plan->wire == PLAN_WIRE_STATIONS;
    struct tcpip_pipe_options pipe = {
        .size = sizeof(pipe),
        .mtu = plan->mtu,
        .flags = plan->wire_flags | (stations ? TCPIP_LINK_RESOLUTION | TCPIP_LINK_MULTICAST : 0u),
        .gso_max_bytes = plan->gso_max_bytes,
        .queue_packets = plan->wire_queue,
        .on_ready = {nothing, nothing},
    };
    for (uint32_t i = 0; stations && i < 2; i++)
        pipe.address[i] = station(i);
    must(tcpip_pipe_new(&sim->hosts[0].world.env, &pipe, sim->ends), "the pipe");
}

/* What is below a host's NIC, from the wire up. */
static void build_links(struct sim *sim, struct sim_host *host)
{
    const struct plan *plan = sim->plan;
    bool pipe = plan->net == PLAN_NET_PIPE, ethernet = plan->wire == PLAN_WIRE_ETHERNET;
    bool fault = !pipe || host->index == plan->fault_host, below = plan->fault_below;
    uint64_t seed = pipe ? plan->seed : plan->seed ^ (uint64_t)(host->index + 1) << 32;
    stack_up(host, pipe ? sim->ends[host->index] : net_port(sim, host));
    if (fault && below)
        build_fault(host, seed);
    if (ethernet)
        build_ethernet(host);
    if (fault && !below)
        build_fault(host, seed);
    if (sim->options.plant == SIM_PLANT_FLIP || sim->options.plant == SIM_PLANT_FORGET)
        stack_up(host, host->planted = plant_link_new(sim, host));
    if (sim->options.pcap != NULL)
        stack_up(host, host->sniffer = capture_link(sim, host));
}

static void free_links(const struct sim *sim, struct sim_host *host)
{
    if (host->sniffer != NULL)
        tcpip_sniffer_free(host->sniffer);
    if (host->planted != NULL)
        plant_link_free(host->planted);
    if (host->fault != NULL && !sim->plan->fault_below)
        tcpip_fault_free(host->fault);
    if (host->ethernet != NULL)
        tcpip_ethernet_free(host->ethernet);
    if (host->fault != NULL && sim->plan->fault_below)
        tcpip_fault_free(host->fault);
    if (host->channel != NULL)
        tcpip_channel_free(host->channel);
}

static enum tcpip_error host_add_address(struct sim_host *host, uint32_t family)
{
    struct tcpip_prefix prefix = {.address = host->address[family], .bits = family == PLAN_IPV4 ? 24 : 64};
    struct tcpip_address_properties properties = {
        .size = sizeof(properties),
        .flags = host->sim->plan->dad ? 0u : (uint32_t)TCPIP_ADDRESS_NO_DAD,
    };
    return tcpip_stack_add_address(host->stack, 1, &prefix, family == PLAN_IPV4 ? NULL : &properties);
}

static const struct tcpip_network_protocol *const sim_network[] = {&tcpip_ipv4, &tcpip_ipv6, &tcpip_arp, NULL};
static const struct tcpip_transport_protocol *const sim_transport[] = {&tcpip_tcp, &tcpip_udp, &tcpip_icmpv4,
                                                                       &tcpip_icmpv6, NULL};
static const struct tcpip_protocols sim_protocols = {sim_network, sim_transport};

const struct tcpip_protocols *sim_host_protocols(void)
{
    return &sim_protocols;
}

static void build_routes(struct sim *sim, struct sim_host *host)
{
    struct tcpip_route_entry routes[4] = {{.nic = 1}, {.nic = 1}, {.nic = 1}, {.nic = 1}};
    uint32_t count = 0;
    for (uint32_t family = PLAN_IPV4; family <= PLAN_IPV6; family++) {
        bool v4 = family == PLAN_IPV4, router = sim->plan->net == PLAN_NET_ROUTER;
        if (router && sim->plan->wire == PLAN_WIRE_ETHERNET) {
            routes[count++].destination = (struct tcpip_prefix){.address = host->address[family], .bits = v4 ? 24 : 64};
            net_gateway(sim->plan, host->index, family, &routes[count].gateway);
        }
        must(tcpip_prefix_parse(v4 ? "0.0.0.0/0" : "::/0", &routes[count++].destination), "a route");
    }
    must(tcpip_stack_set_route_table(host->stack, routes, count, TCPIP_ROUTE_FIRST_MATCH), "routes");
}

static void build_host(struct sim *sim, struct sim_host *host)
{
    const struct plan_host *plan = &sim->plan->host[host->index];
    for (uint32_t i = 0; i < plan->defaults.count; i++)
        must(tcpip_stack_set_default(host->stack, plan->defaults.list[i].option, plan->defaults.list[i].value),
             tcpip_option_name(plan->defaults.list[i].option));
    must(tcpip_congestion_set_default(host->stack, plan->congestion), "congestion control");
    must(tcpip_stack_set_port_range(host->stack, plan->port_first, plan->port_last), "ports");
    must(host_add_address(host, PLAN_IPV4), "an address");
    if (sim->plan->has_v6)
        must(host_add_address(host, PLAN_IPV6), "an address");
    build_routes(sim, host);
    flow_listeners_open(sim, host);
}

static void init_host(struct sim *sim, uint32_t index)
{
    struct sim_host *host = &sim->hosts[index];
    host->sim = sim;
    host->index = index;
    host->closing_at = TCPIP_NEVER;
    test_env_init(&host->world, sim->plan->seed * 2 + index);
    rng_init(&host->fail_rng, sim->plan->seed ^ (index + 1));
    host->alloc = host->world.env.alloc;
    host->release = host->world.env.free;
    host->world.env.alloc = sim_alloc;
    host->world.env.free = sim_release;
    host->world.env.trace = sim_trace;
    host->world.on_fatal = sim_fatal;
    for (uint32_t family = PLAN_IPV4; family <= PLAN_IPV6; family++)
        net_address(sim->plan, index, family, index + 1, &host->address[family]);
}

static bool has_stack(const struct sim *sim, uint32_t host)
{
    return sim->plan->host[host].kind == PLAN_HOST_OURS;
}

void sim_init(struct sim *sim, const struct plan *plan, const struct sim_options *options)
{
    memset(sim, 0, sizeof(*sim));
    sim->plan = plan;
    sim->options = *options;
    rng_init(&sim->rng, plan->seed ^ 0x7261696eu);
    for (uint32_t i = 0; i < plan->host_count; i++)
        init_host(sim, i);
    sim_set_now(sim, TCPIP_SECOND);
    capture_begin(sim);
    if (plan->net == PLAN_NET_PIPE)
        build_pipe(sim);
    for (uint32_t i = 0; i < plan->host_count; i++) { /* all, before any says a word */
        struct sim_host *host = &sim->hosts[i];
        if (!has_stack(sim, i))
            continue;
        build_links(sim, host);
        must(tcpip_stack_new(&host->world.env, &plan->host[i].limits, &sim_protocols, &host->stack), "a stack");
        must(tcpip_stack_create_nic(host->stack, 1, host->top, NULL), "a NIC");
    }
    for (uint32_t i = 0; i < plan->host_count; i++)
        if (has_stack(sim, i))
            build_host(sim, &sim->hosts[i]);
    flows_init(sim);
}

void sim_fini(struct sim *sim)
{
    sim_release_held(sim, true);
    for (uint32_t i = 0; i < sim->plan->host_count; i++)
        if (has_stack(sim, i))
            tcpip_stack_free(sim->hosts[i].stack);
    for (uint32_t i = 0; i < sim->plan->host_count; i++)
        free_links(sim, &sim->hosts[i]);
    if (sim->plan->net == PLAN_NET_PIPE)
        tcpip_pipe_free(sim->ends);
    net_free(sim);
    if (sim->written_views != 0)
        sim_fail(sim, "%u views were written and never released", sim->written_views);
    for (uint32_t i = 0; i < sim->plan->host_count; i++) {
        const struct test_env *world = &sim->hosts[i].world;
        if (world->alloc_bytes != world->free_bytes)
            sim_fail(sim, "host %u leaks %" PRIu64 " bytes", i, world->alloc_bytes - world->free_bytes);
    }
}

/* ---- weather ---- */

/* Out of the host, into it. */
static void set_lines(struct sim_host *host, const struct tcpip_fault_profile lines[2])
{
    tcpip_fault_set(host->fault, &lines[0], &lines[1]);
}

static void address_back(struct sim_host *host, uint32_t family)
{
    if (!host->address_gone[family])
        return;
    host->fail_ppm = 0;
    must(host_add_address(host, family), "an address, back");
    host->address_gone[family] = false;
}

static void address_go(struct sim_host *host, uint32_t family)
{
    if (host->address_gone[family])
        return;
    must(tcpip_stack_remove_address(host->stack, 1, &host->address[family]), "an address, gone");
    host->address_gone[family] = true;
}

static void become_calm(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan->host_count; i++) {
        struct sim_host *host = &sim->hosts[i];
        if (host->stack == NULL)
            continue;
        host->fail_ppm = 0;
        address_back(host, PLAN_IPV4);
        address_back(host, PLAN_IPV6);
        must(tcpip_stack_enable_nic(host->stack, 1), "the NIC, up");
    }
    sim->partition = 0;
    sim->calm = true;
}

static void apply_change(struct sim *sim, const struct plan_change *change)
{
    struct sim_host *host = &sim->hosts[change->host];
    if (change->kind == PLAN_CHANGE_NONE)
        return;
    sim_say(sim, "change %u of host %u: %u", change->kind, change->host, change->value);
    switch ((enum plan_change_kind)change->kind) {
    case PLAN_CHANGE_NONE:
        break;
    case PLAN_CHANGE_WEATHER:
        set_lines(host, change->line);
        break;
    case PLAN_CHANGE_ADDRESS_GONE:
        address_go(host, change->family);
        break;
    case PLAN_CHANGE_ADDRESS_BACK:
        address_back(host, change->family);
        break;
    case PLAN_CHANGE_NIC_DOWN:
        must(tcpip_stack_disable_nic(host->stack, 1), "the NIC, down");
        break;
    case PLAN_CHANGE_NIC_UP:
        must(tcpip_stack_enable_nic(host->stack, 1), "the NIC, up");
        break;
    case PLAN_CHANGE_MTU:
        must(tcpip_stack_set_nic_mtu(host->stack, 1, change->value), "the MTU");
        break;
    case PLAN_CHANGE_MEMORY:
        host->fail_ppm = host->fail_ppm == 0 ? change->value : 0;
        break;
    case PLAN_CHANGE_LISTENER:
        flow_listener_close(sim, change->host, PLAN_PORT_CLOSING);
        break;
    case PLAN_CHANGE_MOVE:
        host_move(sim, change->host, (tcpip_ns)change->value * TCPIP_MS);
        break;
    case PLAN_CHANGE_PARTITION:
        sim->partition = change->value;
        sim->partition_one_way = change->host != 0;
        break;
    case PLAN_CHANGE_CALM:
        set_lines(host, change->line);
        become_calm(sim);
        break;
    }
}

/* ---- time ---- */

static bool host_run(struct sim *sim, struct sim_host *host)
{
    uint32_t budget = 1 + rng_below(&sim->rng, 64);
    bool more = sim->plan->net != PLAN_NET_PIPE ? net_pump(sim, host, budget)
                                                : tcpip_pipe_pump(sim->ends[host->index], budget) > 0;
    if (host->stack == NULL)
        return more;
    if (host->channel != NULL)
        more = net_collect(sim, host) || more;
    if (tcpip_stack_deadline(host->stack) <= host->world.now) {
        (void)tcpip_stack_advance(host->stack, rng_below(&sim->rng, 4) == 0 ? 1 + rng_below(&sim->rng, 30) : 0);
        more = true;
    }
    return more;
}

/* All that happens at this instant. */
static void settle(struct sim *sim)
{
    while (sim->next_change < sim->plan->change_count && sim->plan->changes[sim->next_change].at <= sim->now)
        apply_change(sim, &sim->plan->changes[sim->next_change++]);
    for (uint32_t round = 0; !sim->failed; round++) {
        uint32_t first = rng_below(&sim->rng, sim->plan->host_count);
        bool more = false;
        for (uint32_t i = 0; i < sim->plan->host_count; i++)
            more = host_run(sim, &sim->hosts[(first + i) % sim->plan->host_count]) || more;
        judge_turn(sim);
        more = flows_step(sim) || more;
        sim->steps++;
        if (!more)
            return;
        if (round >= ROUNDS_MAX)
            sim_fail(sim, "busy without time passing");
    }
}

/* When something happens next; NEVER: nothing is going to. */
static tcpip_ns next_instant(const struct sim *sim)
{
    tcpip_ns next = flows_deadline(sim);
    for (uint32_t i = 0; i < sim->plan->host_count; i++) {
        const struct sim_host *host = &sim->hosts[i];
        if (host->stack == NULL)
            continue;
        tcpip_ns at = host_instant(host, tcpip_stack_deadline(host->stack));
        next = at < next ? at : next;
    }
    if (sim->next_change < sim->plan->change_count && sim->plan->changes[sim->next_change].at < next)
        next = sim->plan->changes[sim->next_change].at;
    return next > sim->now ? next : sim->now;
}

static void run_until(struct sim *sim, tcpip_ns end, bool (*done)(const struct sim *sim))
{
    while (!sim->failed) {
        settle(sim);
        if (sim->failed || (done != NULL && done(sim)))
            return;
        tcpip_ns next = next_instant(sim);
        if (next > end) {
            sim_set_now(sim, end);
            return;
        }
        sim_set_now(sim, next);
    }
}

static bool over(const struct sim *sim)
{
    return sim->calm && flows_done(sim);
}

void sim_run(struct sim *sim)
{
    run_until(sim, sim->plan->calm_at + SIM_TIME_MAX * TCPIP_SECOND, over);
    if (!sim->failed && !over(sim))
        judge_stuck(sim);
    if (sim->failed)
        return;
    sim_say(sim, "all connections have ended");
    run_until(sim, sim->now + 60 * TCPIP_SECOND, NULL); /* datagrams may still be under way, or wait for a fragment */
    flows_finish(sim);
    run_until(sim, sim->now + SIM_DRAIN_MAX * TCPIP_SECOND, judge_empty);
    judge_end(sim);
    if (sim->failed)
        return;
    run_until(sim, sim->now + 30 * TCPIP_SECOND, NULL); /* what is still under way */
    /* Who has nothing to do does nothing: neighbours may still be asked for, and that is all. */
    uint64_t steps = sim->steps;
    run_until(sim, sim->now + 1000 * TCPIP_SECOND, NULL);
    if (sim->steps - steps > 400)
        sim_fail(sim, "%" PRIu64 " rounds in 1,000 s without a connection", sim->steps - steps);
}
