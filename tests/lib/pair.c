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
    assert_int_equal(tcpip_stack_new(env, options->limits, &tcpip_protocols_all, &pair->a), TCPIP_OK);
    assert_int_equal(tcpip_stack_new(env, options->limits, &tcpip_protocols_all, &pair->b), TCPIP_OK);
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

bool pair_settle(struct pair *pair)
{
    for (int i = 0; i < 1000000; i++) {
        bool more = tcpip_pipe_pump(pair->ends[0], 64) > 0;
        more = tcpip_pipe_pump(pair->ends[1], 64) > 0 || more;
        more = tcpip_stack_deadline(pair->a) <= pair->world.now ? (tcpip_stack_advance(pair->a, 0), true) : more;
        more = tcpip_stack_deadline(pair->b) <= pair->world.now ? (tcpip_stack_advance(pair->b, 0), true) : more;
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
        tcpip_ns next = tcpip_stack_deadline(pair->a), other = tcpip_stack_deadline(pair->b);
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
