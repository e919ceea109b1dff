// SPDX-License-Identifier: MIT
/* pair.c: two stacks joined by a pipe, moved by hand.
 *
 * Owns:       struct pair.
 * Invariants: no turn is open between calls.
 * Not here:   faults (link/fault.c), more than two hosts (tests/sim). */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/stack.h"

#include <tcpip/save.h>

static struct tcpip_full_address pair_address(const char *text, uint16_t port)
{
    struct tcpip_full_address address = {.port = port};
    assert_int_equal(tcpip_address_parse(text, &address.address), TCPIP_OK);
    return address;
}

static void pair_host(struct tcpip_stack *stack, struct tcpip_link *link, const char *v4, const char *v6)
{
    struct tcpip_prefix prefix;
    struct tcpip_address_properties properties = {.size = sizeof(properties), .flags = TCPIP_ADDRESS_NO_DAD};
    struct tcpip_route_entry routes[2] = {{.nic = 1}, {.nic = 1}};
    assert_int_equal(tcpip_stack_create_nic(stack, 1, link, NULL), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse(v4, &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(stack, 1, &prefix, NULL), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse(v6, &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(stack, 1, &prefix, &properties), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("0.0.0.0/0", &routes[0].destination), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("::/0", &routes[1].destination), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_route_table(stack, routes, 2, TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
}

/* TEST_TRACE=1 in the environment prints every event of both hosts. */
static void pair_trace(void *ctx, const struct tcpip_event *event)
{
    char line[512];
    (void)ctx;
    (void)tcpip_event_print(event, line, sizeof(line));
    printf("# %s\n", line);
}

static void pair_nothing(void *ctx)
{
    (void)ctx;
}

/* ---- the world, by a host's own clock ---- */

static void *pair_clock_alloc(void *ctx, size_t size, size_t align)
{
    struct pair_clock *clock = ctx;
    if (clock->budget_bytes != 0 && size > clock->budget_bytes - clock->used_bytes)
        return NULL;
    void *block = clock->world->env.alloc(clock->world, size, align);
    clock->used_bytes += block != NULL ? size : 0;
    if (clock->used_bytes > clock->peak_bytes)
        clock->peak_bytes = clock->used_bytes;
    return block;
}

static void pair_clock_free(void *ctx, void *ptr, size_t size)
{
    struct pair_clock *clock = ctx;
    clock->used_bytes -= size;
    clock->world->env.free(clock->world, ptr, size);
}

static tcpip_ns pair_clock_now(void *ctx)
{
    const struct pair_clock *clock = ctx;
    return clock->world->env.now(clock->world) + clock->ahead_ns;
}

static tcpip_ns pair_clock_wall_offset(void *ctx)
{
    const struct pair_clock *clock = ctx;
    return clock->world->env.wall_offset(clock->world) - clock->ahead_ns;
}

static void pair_clock_random(void *ctx, void *out, size_t size)
{
    struct test_env *world = ((struct pair_clock *)ctx)->world;
    world->env.random(world, out, size);
}

static void pair_clock_fatal(void *ctx, const char *file, int line, const char *what)
{
    struct test_env *world = ((struct pair_clock *)ctx)->world;
    world->env.fatal(world, file, line, what);
}

void pair_init(struct pair *pair, const struct pair_options *options)
{
    static const struct pair_options none;
    if (options == NULL)
        options = &none;
    *pair = (struct pair){0};
    test_env_init(&pair->world, options->seed + 1);
    pair->world.env.trace = options->trace;
    if (getenv("TEST_TRACE") != NULL)
        pair->world.env.trace = pair_trace;
    const struct tcpip_env *env = &pair->world.env;
    for (int i = 0; i < 2; i++) {
        pair->clocks[i] = (struct pair_clock){.env = *env, .world = &pair->world};
        pair->clocks[i].env.ctx = &pair->clocks[i];
        pair->clocks[i].env.alloc = pair_clock_alloc;
        pair->clocks[i].env.free = pair_clock_free;
        pair->clocks[i].env.now = pair_clock_now;
        pair->clocks[i].env.wall_offset = pair_clock_wall_offset;
        pair->clocks[i].env.random = pair_clock_random;
        pair->clocks[i].env.fatal = pair_clock_fatal;
    }
    struct tcpip_pipe_options pipe = {
        .size = sizeof(pipe),
        .mtu = options->mtu,
        .flags = options->link_flags,
        .gso_max_bytes = options->gso_max_bytes,
        .queue_packets = options->queue_packets,
        .on_ready = {pair_nothing, pair_nothing},
    };
    assert_int_equal(tcpip_pipe_new(env, &pipe, pair->ends), TCPIP_OK);
    struct tcpip_fault_options fault = {
        .size = sizeof(fault),
        .seed = options->seed,
        .out = options->a_to_b,
        .in = options->b_to_a,
    };
    pair->fault = tcpip_fault_new(env, pair->ends[0], &fault);
    assert_non_null(pair->fault);
    const struct tcpip_limits *limits_b = options->limits_b != NULL ? options->limits_b : options->limits;
    pair->clocks[1].budget_bytes = options->budget_b;
    assert_int_equal(tcpip_stack_new(&pair->clocks[0].env, options->limits, &tcpip_protocols_all, &pair->a), TCPIP_OK);
    assert_int_equal(tcpip_stack_new(&pair->clocks[1].env, limits_b, &tcpip_protocols_all, &pair->b), TCPIP_OK);
    struct tcpip_link *links[2] = {pair->fault, pair->ends[1]};
    for (uint8_t i = 0; i < 2 && options->ethernet; i++) {
        struct tcpip_link_address address = {.bytes = {2, 0, 0, 0, 0, i}, .len = 6};
        links[i] = pair->ethernet[i] = tcpip_ethernet_new(env, links[i], address);
        assert_non_null(links[i]);
    }
    pair_host(pair->a, links[0], "10.0.0.1/24", "fd00::1/64");
    pair_host(pair->b, links[1], "10.0.0.2/24", "fd00::2/64");
    pair->a4 = pair_address("10.0.0.1", 0);
    pair->b4 = pair_address("10.0.0.2", 80);
    pair->a6 = pair_address("fd00::1", 0);
    pair->b6 = pair_address("fd00::2", 80);
}

void pair_fini(struct pair *pair)
{
    tcpip_stack_free(pair->a);
    tcpip_stack_free(pair->b);
    for (int i = 0; i < 2 && pair->ethernet[i] != NULL; i++)
        tcpip_ethernet_free(pair->ethernet[i]);
    tcpip_fault_free(pair->fault);
    tcpip_pipe_free(pair->ends);
    test_env_fini(&pair->world);
}

/* In the world's time; a host that is moving waits for nothing. */
static tcpip_ns pair_deadline(const struct pair *pair, int host)
{
    const struct tcpip_stack *stack = host == 0 ? pair->a : pair->b;
    tcpip_ns at = stack != NULL ? tcpip_stack_deadline(stack) : TCPIP_NEVER;
    return at == TCPIP_NEVER ? at : at - pair->clocks[host].ahead_ns;
}

void pair_check_memory(const struct pair *pair)
{
    const struct tcpip_stack *stacks[2] = {pair->a, pair->b};
    for (int i = 0; i < 2; i++)
        if (stacks[i] != NULL)
            assert_int_equal(stacks[i]->memory.used_bytes, pair->clocks[i].used_bytes);
}

bool pair_settle(struct pair *pair)
{
    pair_check_memory(pair);
    for (int i = 0; i < 1000000; i++) {
        bool more = tcpip_pipe_pump(pair->ends[0], 64) > 0;
        more = tcpip_pipe_pump(pair->ends[1], 64) > 0 || more;
        more = pair_deadline(pair, 0) <= pair->world.now ? (tcpip_stack_advance(pair->a, 0), true) : more;
        more = pair_deadline(pair, 1) <= pair->world.now ? (tcpip_stack_advance(pair->b, 0), true) : more;
        if (!more)
            return i > 0;
    }
    fail_msg("two stacks keep each other busy without time passing");
    return false;
}

bool pair_run_until(struct pair *pair, tcpip_ns limit, bool (*done)(void *ctx), void *ctx)
{
    tcpip_ns end = pair->world.now + limit;
    for (;;) {
        if (done != NULL && done(ctx))
            return true;
        if (pair_settle(pair))
            continue; /* what happened may be news to `done`, at this instant still */
        tcpip_ns next = pair_deadline(pair, 0), other = pair_deadline(pair, 1);
        next = other < next ? other : next;
        if (next > end) {
            pair->world.now = end;
            return false;
        }
        pair->world.now = next > pair->world.now ? next : pair->world.now;
    }
}

void pair_run(struct pair *pair, tcpip_ns duration)
{
    (void)pair_run_until(pair, duration, NULL, NULL);
}

/* ---- moving ---- */

struct link_callback {
    struct tcpip_link *link;
    struct tcpip_endpoint ***endpoints;
};

static uint64_t pair_tag(void *ctx, struct tcpip_endpoint *endpoint)
{
    struct tcpip_endpoint ***endpoints = ctx;
    for (uint64_t i = 0; endpoints != NULL && endpoints[i] != NULL; i++)
        if (*endpoints[i] == endpoint)
            return i + 1;
    return 0;
}

static enum tcpip_error pair_give_link(void *ctx, const struct tcpip_saved_nic *nic, struct tcpip_link **link,
                                       struct tcpip_nic_options *options)
{
    (void)nic, (void)options;
    *link = ((struct link_callback *)ctx)->link;
    return TCPIP_OK;
}

static void pair_take_endpoint(void *ctx, uint64_t tag, struct tcpip_endpoint *endpoint)
{
    const struct link_callback *moving = ctx;
    if (tag != 0)
        *moving->endpoints[tag - 1] = endpoint;
}

struct tcpip_link *pair_link(const struct pair *pair, int host)
{
    if (pair->ethernet[host] != NULL)
        return pair->ethernet[host];
    return host == 0 ? pair->fault : pair->ends[1];
}

void pair_move(struct pair *pair, int host, const struct pair_move *how)
{
    struct tcpip_stack **stack = host == 0 ? &pair->a : &pair->b;
    struct tcpip_save_options options = {.size = sizeof(options), .ctx = how->endpoints, .tag = pair_tag};
    size_t bytes, again;
    assert_int_equal(tcpip_stack_save(*stack, &options, NULL, 0, &bytes), TCPIP_ERR_NO_BUFFER_SPACE);
    void *saved = malloc(bytes);
    assert_int_equal(tcpip_stack_save(*stack, &options, saved, bytes, &again), TCPIP_OK);
    assert_int_equal(bytes, again);
    tcpip_stack_free(*stack);
    *stack = NULL;
    pair_run(pair, how->pause_ns);
    struct link_callback moving = {pair_link(pair, host), how->endpoints};
    struct tcpip_restore_options restore = {
        .size = sizeof(restore),
        .elapsed_ns = how->told ? how->pause_ns : 0,
        .ctx = &moving,
        .link = pair_give_link,
        .endpoint = pair_take_endpoint,
    };
    pair->clocks[host].ahead_ns = how->ahead_ns;
    assert_int_equal(
        tcpip_stack_restore(&pair->clocks[host].env, how->limits, &tcpip_protocols_all, saved, bytes, &restore, stack),
        TCPIP_OK);
    free(saved);
}

void pair_connect(struct pair *pair, bool v6, struct tcpip_endpoint **client, struct tcpip_endpoint **server)
{
    struct tcpip_endpoint *listener;
    uint32_t network = v6 ? TCPIP_PROTOCOL_IPV6 : TCPIP_PROTOCOL_IPV4;
    const struct tcpip_full_address *to = v6 ? &pair->b6 : &pair->b4;
    assert_int_equal(tcpip_stack_new_endpoint(pair->b, TCPIP_PROTOCOL_TCP, network, &listener), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_option(listener, TCPIP_OPTION_REUSE_ADDRESS, 1), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_bind(listener, to, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(listener, 8), TCPIP_OK);
    assert_int_equal(tcpip_stack_new_endpoint(pair->a, TCPIP_PROTOCOL_TCP, network, client), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_connect(*client, to), TCPIP_ERR_CONNECT_STARTED);
    for (int i = 0; i < 200 && tcpip_endpoint_readiness(listener, TCPIP_EVENT_IN) == 0; i++)
        pair_run(pair, 100 * TCPIP_MS);
    assert_int_equal(tcpip_endpoint_accept(listener, server, NULL), TCPIP_OK);
    tcpip_endpoint_close(listener);
    (void)pair_settle(pair);
}
