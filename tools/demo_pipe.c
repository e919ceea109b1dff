// SPDX-License-Identifier: MIT
/* demo_pipe.c: `tcpip demo-pipe`: what tools/demo.sh shows where no TUN can be had: two stacks of one process, joined
 * by a pipe, carry the same loads. Not for people: its lines are columns for demo.sh to lay out.
 *
 *     tcpip demo-pipe BYTES LOSSY-BYTES CAPTURE      prints: what, bytes, seconds, retransmissions; separated by tabs
 *
 * Every byte that arrives is compared with what was to be sent. Each line has a world of its own: two stacks, a pipe,
 * perhaps faults or a sniffer on one of its ends, and a loop that sleeps until the next timer. What one stack sends is
 * handed to the other by a task of the loop, outside of either's turn.
 *
 * Owns:        struct world, struct flow.
 */
#include "host.h"
#include "units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PATTERN_PERIOD = 65521, PIECE = 65536, DEMO_PORT = 7, VIEWS = 16, PUMP_BUDGET = 64 };
#define DEMO_PATIENCE (300 * TCPIP_SECOND)

struct world {
    struct tcpip_env env;
    struct tcpip_loop *loop;
    struct tcpip_stack *stacks[2];
    struct tcpip_link *ends[2];
    struct tcpip_link *fault, *sniffer; /* on end 0, or NULL */
    struct tcpip_loop_task pumps[2];
    FILE *capture;
};

static const char *const addresses[2][2] = {{"10.77.0.1/24", "fd77::1/64"}, {"10.77.0.2/24", "fd77::2/64"}};

/* Ends the program: a demonstration has no second way. */
static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "tcpip demo-pipe: %s failed\n", what);
    exit(EXIT_FAILED);
}

/* ---- the world ---- */

static void pump(struct world *world, int end)
{
    if (tcpip_pipe_pump(world->ends[end], PUMP_BUDGET) == PUMP_BUDGET)
        tcpip_loop_post(world->loop, &world->pumps[end]);
}

static void pump_0(struct tcpip_loop_task *task)
{
    pump(TCPIP_CONTAINER_OF(task, struct world, pumps[0]), 0);
}

static void pump_1(struct tcpip_loop_task *task)
{
    pump(TCPIP_CONTAINER_OF(task, struct world, pumps[1]), 1);
}

static void ready_0(void *ctx)
{
    struct world *world = ctx;
    tcpip_loop_post(world->loop, &world->pumps[0]);
}

static void ready_1(void *ctx)
{
    struct world *world = ctx;
    tcpip_loop_post(world->loop, &world->pumps[1]);
}

static void capture_bytes(void *ctx, const void *bytes, size_t size)
{
    (void)!fwrite(bytes, 1, size, ctx);
}

/* What stack 0 is given as its link. */
static struct tcpip_link *world_wrap(struct world *world, const struct tcpip_fault_options *fault, const char *capture)
{
    struct tcpip_link *top = world->ends[0];
    if (fault != NULL) {
        top = world->fault = tcpip_fault_new(&world->env, top, fault);
        must(top != NULL, "making a fault link");
    }
    if (capture != NULL) {
        world->capture = fopen(capture, "wb");
        must(world->capture != NULL, "writing the capture");
        struct tcpip_sniffer_options sniffer = {
            .size = sizeof(sniffer), .name = "pipe0", .write = capture_bytes, .ctx = world->capture};
        top = world->sniffer = tcpip_sniffer_new(&world->env, top, &sniffer);
        must(top != NULL, "making a sniffer");
    }
    return top;
}

static void world_add_stack(struct world *world, int i, struct tcpip_link *link)
{
    struct tcpip_address_properties usable = {.size = sizeof(usable), .flags = TCPIP_ADDRESS_NO_DAD};
    must(tcpip_stack_new(&world->env, NULL, &tcpip_protocols_all, &world->stacks[i]) == TCPIP_OK &&
             tcpip_stack_create_nic(world->stacks[i], HOST_NIC, link, NULL) == TCPIP_OK &&
             tcpip_loop_add_stack(world->loop, world->stacks[i]) == TCPIP_OK,
         "making a stack");
    for (int family = 0; family < 2; family++) {
        struct tcpip_route_entry route = {.nic = HOST_NIC};
        must(tcpip_prefix_parse(addresses[i][family], &route.destination) == TCPIP_OK &&
                 tcpip_stack_add_address(world->stacks[i], HOST_NIC, &route.destination, &usable) == TCPIP_OK &&
                 tcpip_stack_add_route(world->stacks[i], &route) == TCPIP_OK,
             "giving a stack its addresses");
    }
}

static void world_init(struct world *world, const struct tcpip_fault_options *fault, const char *capture)
{
    *world = (struct world){.pumps = {{.fn = pump_0}, {.fn = pump_1}}};
    tcpip_posix_env(&world->env);
    struct tcpip_pipe_options pipe = {
        .size = sizeof(pipe),
        .flags = TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_RX_CHECKSUM | TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6,
        .gso_max_bytes = 65535,
        .on_ready = {ready_0, ready_1},
        .ctx = world,
    };
    must(tcpip_loop_new(&world->env, NULL, &world->loop) == TCPIP_OK, "making a loop");
    must(tcpip_pipe_new(&world->env, &pipe, world->ends) == TCPIP_OK, "making a pipe");
    world_add_stack(world, 0, world_wrap(world, fault, capture));
    world_add_stack(world, 1, world->ends[1]);
}

static void world_fini(struct world *world)
{
    for (int i = 0; i < 2; i++) {
        tcpip_loop_remove_stack(world->loop, world->stacks[i]);
        tcpip_stack_free(world->stacks[i]);
    }
    for (int i = 0; i < 2; i++)
        tcpip_loop_cancel(world->loop, &world->pumps[i]); /* a stack's last words may have posted it */
    tcpip_loop_free(world->loop);
    if (world->sniffer != NULL)
        tcpip_sniffer_free(world->sniffer);
    if (world->fault != NULL)
        tcpip_fault_free(world->fault);
    tcpip_pipe_free(world->ends);
    if (world->capture != NULL)
        must(fclose(world->capture) == 0, "writing the capture");
}

static struct tcpip_full_address address_of(int stack, bool v6)
{
    struct tcpip_prefix prefix;
    must(tcpip_prefix_parse(addresses[stack][v6], &prefix) == TCPIP_OK, "reading an address");
    return (struct tcpip_full_address){.address = prefix.address, .port = DEMO_PORT};
}

/* ---- a transfer ---- */

struct flow {
    struct world *world;
    struct tcpip_endpoint *listener, *sender, *receiver;
    struct tcpip_waiter on_listener, on_sender, on_receiver;
    uint64_t bytes, sent, received;
    uint8_t pattern[PATTERN_PERIOD + PIECE]; /* periodic: any piece of the data is contiguous in it */
};

static void fill_pattern(struct flow *flow)
{
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof(flow->pattern); i++) {
        random = random * 1664525 + 1013904223;
        flow->pattern[i] = i < PATTERN_PERIOD ? (uint8_t)(random >> 24) : flow->pattern[i - PATTERN_PERIOD];
    }
}

static void send_more(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct flow *flow = TCPIP_CONTAINER_OF(waiter, struct flow, on_sender);
    (void)ready;
    while (flow->sent < flow->bytes) {
        size_t size = flow->bytes - flow->sent < PIECE ? (size_t)(flow->bytes - flow->sent) : PIECE, done;
        enum tcpip_error error =
            tcpip_endpoint_write(flow->sender, flow->pattern + flow->sent % PATTERN_PERIOD, size, 0, NULL, &done);
        if (error == TCPIP_ERR_WOULD_BLOCK)
            return;
        must(error == TCPIP_OK, "sending");
        flow->sent += done;
        if (flow->sent == flow->bytes)
            must(tcpip_endpoint_shutdown(flow->sender, TCPIP_SHUTDOWN_WRITE) == TCPIP_OK, "shutdown");
    }
}

/* Compares and gives back. */
static void take_view(struct flow *flow, const struct tcpip_view *view)
{
    for (uint32_t at = 0, size; at < view->length; at += size) {
        size = view->length - at < PIECE ? view->length - at : PIECE;
        must(memcmp(tcpip_view_data(view) + at, flow->pattern + flow->received % PATTERN_PERIOD, size) == 0,
             "comparing what came with what was sent");
        flow->received += size;
    }
    tcpip_buffer_unref(view->buffer);
}

static void receive_more(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct flow *flow = TCPIP_CONTAINER_OF(waiter, struct flow, on_receiver);
    (void)ready;
    while (true) {
        struct tcpip_view views[VIEWS];
        size_t count = VIEWS, done;
        enum tcpip_error error = tcpip_endpoint_read_views(flow->receiver, views, &count, SIZE_MAX, &done, NULL);
        if (error == TCPIP_ERR_WOULD_BLOCK)
            return;
        if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE) {
            must(flow->received == flow->bytes, "receiving all of it");
            tcpip_loop_stop(flow->world->loop);
            return;
        }
        must(error == TCPIP_OK, "receiving");
        for (size_t i = 0; i < count; i++)
            take_view(flow, &views[i]);
    }
}

static void accept_one(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct flow *flow = TCPIP_CONTAINER_OF(waiter, struct flow, on_listener);
    (void)ready;
    if (flow->receiver != NULL || tcpip_endpoint_accept(flow->listener, &flow->receiver, NULL) != TCPIP_OK)
        return;
    tcpip_endpoint_waiter_add(flow->receiver, &flow->on_receiver);
    receive_more(&flow->on_receiver, 0);
}

static struct tcpip_endpoint *new_endpoint(struct tcpip_stack *stack, bool v6)
{
    struct tcpip_endpoint *endpoint;
    must(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, v6 ? TCPIP_PROTOCOL_IPV6 : TCPIP_PROTOCOL_IPV4,
                                  &endpoint) == TCPIP_OK,
         "making an endpoint");
    return endpoint;
}

static void run_until_stopped(struct world *world)
{
    tcpip_ns give_up_at = world->env.now(world->env.ctx) + DEMO_PATIENCE;
    while (tcpip_loop_run_once(world->loop, TCPIP_SECOND))
        must(tcpip_loop_now(world->loop) < give_up_at, "waiting for the end");
}

/* One line of the table: `bytes` from stack `from` to the other. */
static void transfer(struct world *world, const char *what, int from, bool v6, uint64_t bytes)
{
    static struct flow flow; /* large */
    flow = (struct flow){
        .world = world,
        .bytes = bytes,
        .listener = new_endpoint(world->stacks[1 - from], v6),
        .sender = new_endpoint(world->stacks[from], v6),
        .on_listener = {.mask = TCPIP_EVENT_IN, .fn = accept_one},
        .on_sender = {.mask = TCPIP_EVENT_OUT, .fn = send_more},
        .on_receiver = {.mask = TCPIP_EVENT_IN, .fn = receive_more},
    };
    fill_pattern(&flow);
    struct tcpip_full_address to = address_of(1 - from, v6);
    tcpip_ns start = world->env.now(world->env.ctx);
    must(tcpip_endpoint_bind(flow.listener, &to, NULL, NULL) == TCPIP_OK &&
             tcpip_endpoint_listen(flow.listener, 1) == TCPIP_OK,
         "listening");
    tcpip_endpoint_waiter_add(flow.listener, &flow.on_listener);
    tcpip_endpoint_waiter_add(flow.sender, &flow.on_sender);
    must(tcpip_endpoint_connect(flow.sender, &to) == TCPIP_ERR_CONNECT_STARTED, "connecting");
    run_until_stopped(world);

    tcpip_ns took = world->env.now(world->env.ctx) - start;
    struct tcpip_stats stats;
    tcpip_stack_stats(world->stacks[from], &stats);
    printf("%s\t%" PRIu64 "\t%" PRId64 ".%06" PRId64 "\t%" PRIu64 "\n", what, bytes, took / TCPIP_SECOND,
           took % TCPIP_SECOND / TCPIP_US, stats.tcp.retransmits);
    tcpip_endpoint_close(flow.sender);
    tcpip_endpoint_close(flow.receiver);
    tcpip_endpoint_close(flow.listener);
}

/* ---- the command ---- */

static int demo_pipe_run(int argc, char **argv)
{
    struct world world;
    struct tcpip_fault_options fault = {.size = sizeof(fault), .seed = 1};
    uint64_t bytes, lossy_bytes;
    if (argc != 4 || !units_size(argv[1], &bytes) || !units_size(argv[2], &lossy_bytes)) {
        fprintf(stderr, "tcpip demo-pipe: say how many bytes, how many on a bad line, and where to write a capture\n");
        return EXIT_USAGE;
    }
    world_init(&world, NULL, NULL);
    transfer(&world, "stack to stack, IPv4", 0, false, bytes);
    world_fini(&world);
    world_init(&world, NULL, NULL);
    transfer(&world, "and back, IPv6", 1, true, bytes);
    world_fini(&world);
    fault.out.loss_ppm = fault.in.loss_ppm = 10000;
    fault.out.delay_ns = fault.in.delay_ns = 10 * TCPIP_MS;
    world_init(&world, &fault, NULL);
    transfer(&world, "1 % loss, 20 ms round trip", 0, false, lossy_bytes);
    world_fini(&world);
    world_init(&world, NULL, argv[3]);
    transfer(&world, "with a capture", 0, false, lossy_bytes / 10);
    world_fini(&world);
    return EXIT_GOOD;
}

const struct command command_demo_pipe = {.name = "demo-pipe", .run_raw = demo_pipe_run};
