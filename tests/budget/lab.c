// SPDX-License-Identifier: MIT
/* lab.c: a --- fault link (rate, delay, queue, loss) --- pipe --- b, and a clock that jumps from deadline to deadline.
 *
 * Nothing but the line is in the way: buffers, windows and memory are as large as they can be. Half of the round trip
 * is on each way; only the way out is slow and lossy.
 *
 * Not here: which lines, and what is expected of them (controllers.c). */
#include "lab.h"

#include <tcpip/loop.h>
#include <tcpip/trace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lab {
    struct tcpip_env env;
    tcpip_ns now;
    uint64_t random;
    struct tcpip_stack *stacks[2];
    struct tcpip_link *ends[2], *line;
    struct tcpip_full_address to;
    struct tcpip_endpoint *client[LAB_FLOWS_MAX], *server[LAB_FLOWS_MAX];
};

static uint8_t lab_bytes[1 << 16];

static void must(enum tcpip_error error)
{
    if (error == TCPIP_OK)
        return;
    fprintf(stderr, "budget: %s\n", tcpip_error_text(error));
    exit(1);
}

static tcpip_ns lab_now(void *ctx)
{
    return ((struct lab *)ctx)->now;
}

static void lab_random(void *ctx, void *out, size_t size)
{
    struct lab *lab = ctx;
    uint8_t *bytes = out;
    for (size_t i = 0; i < size; i++) {
        lab->random = lab->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (uint8_t)(lab->random >> 56);
    }
}

static void lab_pump_later(void *ctx)
{
    (void)ctx; /* lab_settle does it */
}

/* TEST_TRACE=1 in the environment prints every event of the sender, but for packets. */
static void lab_trace(void *ctx, const struct tcpip_event *event)
{
    char line[256];
    (void)ctx;
    if (event->kind < TCPIP_EVENT_TCP_STATE || event->endpoint == 0)
        return;
    (void)tcpip_event_print(event, line, sizeof(line));
    printf("# %s\n", line);
}

static void lab_host(struct lab *lab, int i, struct tcpip_link *link, const char *address, const char *controller)
{
    struct tcpip_prefix prefix;
    struct tcpip_route_entry everywhere = {.destination.address.len = 4, .nic = 1};
    struct tcpip_limits limits;
    tcpip_limits_server(&limits);
    limits.memory_bytes = UINT64_C(1) << 40;
    limits.tcp_send_buffer_max = limits.tcp_receive_buffer_max = 1u << 30;
    limits.tcp_records = limits.tcp_out_of_order = limits.nic_queue_packets = 1u << 24;
    struct tcpip_env env = lab->env;
    env.trace = i == 0 && getenv("TEST_TRACE") != NULL ? lab_trace : NULL;
    must(tcpip_stack_new(&env, &limits, &tcpip_protocols_all, &lab->stacks[i]));
    must(tcpip_stack_set_default(lab->stacks[i], TCPIP_OPTION_RECEIVE_BUFFER_SIZE, 1 << 30));
    must(tcpip_congestion_set_default(lab->stacks[i], controller));
    must(tcpip_stack_create_nic(lab->stacks[i], 1, link, NULL));
    must(tcpip_prefix_parse(address, &prefix));
    must(tcpip_stack_add_address(lab->stacks[i], 1, &prefix, NULL));
    must(tcpip_stack_add_route(lab->stacks[i], &everywhere));
}

static void lab_init(struct lab *lab, const struct lab_options *options)
{
    struct tcpip_fault_options fault = {.size = sizeof(fault), .seed = options->seed};
    fault.out = (struct tcpip_fault_profile){
        .rate_bps = options->rate_bps,
        .delay_ns = options->rtt_ns / 2,
        .loss_ppm = options->loss_ppm,
        .reorder_ppm = options->reorder_ppm,
        .reorder_ns = options->rtt_ns / 8,
        .queue_bytes = options->queue_bytes,
        .mark_queue_bytes = options->mark_bytes,
    };
    fault.in.delay_ns = options->rtt_ns / 2;
    struct tcpip_pipe_options pipe = {
        .size = sizeof(pipe), .queue_packets = 1u << 24, .on_ready = {lab_pump_later, lab_pump_later}};
    memset(lab, 0, sizeof(*lab));
    tcpip_posix_env(&lab->env);
    lab->now = TCPIP_SECOND;
    lab->random = options->seed;
    lab->env.ctx = lab;
    lab->env.now = lab_now;
    lab->env.random = lab_random;
    must(tcpip_pipe_new(&lab->env, &pipe, lab->ends));
    lab->line = tcpip_fault_new(&lab->env, lab->ends[0], &fault);
    must(lab->line == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK);
    lab_host(lab, 0, lab->line, "10.0.0.1/24", options->controller);
    lab_host(lab, 1, lab->ends[1], "10.0.0.2/24", options->controller);
    lab->to.address = tcpip_address_v4(10, 0, 0, 2);
    lab->to.port = 9;
}

static void lab_fini(struct lab *lab)
{
    tcpip_stack_free(lab->stacks[0]);
    tcpip_stack_free(lab->stacks[1]);
    tcpip_fault_free(lab->line);
    tcpip_pipe_free(lab->ends);
}

/* Until nothing more happens at this instant; then to the next at which something is due. */
static void lab_step(struct lab *lab)
{
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < 2; i++) {
            more |= tcpip_pipe_pump(lab->ends[i], 64) > 0;
            if (tcpip_stack_deadline(lab->stacks[i]) <= lab->now)
                more |= (tcpip_stack_advance(lab->stacks[i], 0), true);
        }
    }
    tcpip_ns a = tcpip_stack_deadline(lab->stacks[0]), b = tcpip_stack_deadline(lab->stacks[1]);
    lab->now = a < b ? a : b;
    if (lab->now == TCPIP_NEVER) {
        fprintf(stderr, "budget: nothing will ever happen again\n");
        exit(1);
    }
}

static void lab_connect(struct lab *lab, const struct lab_options *options)
{
    uint32_t flows = options->flows;
    struct tcpip_endpoint *listener;
    must(tcpip_stack_new_endpoint(lab->stacks[1], TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener));
    must(tcpip_endpoint_bind(listener, &lab->to, NULL, NULL));
    must(tcpip_endpoint_listen(listener, LAB_FLOWS_MAX));
    for (uint32_t i = 0; i < flows; i++) {
        must(tcpip_stack_new_endpoint(lab->stacks[0], TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &lab->client[i]));
        if (options->other != NULL && i >= flows / 2)
            must(tcpip_endpoint_set_congestion(lab->client[i], options->other));
        enum tcpip_error error = tcpip_endpoint_connect(lab->client[i], &lab->to);
        must(error == TCPIP_ERR_CONNECT_STARTED ? TCPIP_OK : error);
    }
    for (uint32_t i = 0; i < flows; i++)
        while (tcpip_endpoint_accept(listener, &lab->server[i], NULL) != TCPIP_OK)
            lab_step(lab);
    tcpip_endpoint_close(listener);
}

void lab_run(const struct lab_options *options, struct lab_outcome *out)
{
    static struct lab lab;
    uint64_t written[LAB_FLOWS_MAX] = {0};
    size_t done;
    memset(out, 0, sizeof(*out));
    lab_init(&lab, options);
    lab_connect(&lab, options);
    tcpip_ns began = lab.now, middle = began + options->limit_ns / 2, end = began + options->limit_ns;
    bool over = false, halved = options->limit_ns == 0;
    while (!over && (options->limit_ns == 0 || lab.now < end)) {
        if (!halved && lab.now >= middle) {
            halved = true;
            memset(out->received, 0, sizeof(out->received));
        }
        for (uint32_t i = 0; i < options->flows; i++) {
            while (written[i] < options->bytes) {
                uint64_t left = options->bytes - written[i];
                size_t size = left < sizeof(lab_bytes) ? (size_t)left : sizeof(lab_bytes);
                if (tcpip_endpoint_write(lab.client[i], lab_bytes, size, 0, NULL, &done) != TCPIP_OK)
                    break;
                written[i] += done;
            }
            while (tcpip_endpoint_read(lab.server[i], lab_bytes, sizeof(lab_bytes), &done, NULL) == TCPIP_OK)
                out->received[i] += done;
            over |= options->limit_ns == 0 && out->received[i] >= options->bytes;
        }
        if (!over)
            lab_step(&lab);
    }
    out->took_ns = lab.now - began;
    for (uint32_t i = 0; i < options->flows; i++) {
        struct tcpip_tcp_info info = {.size = sizeof(info)};
        must(tcpip_endpoint_tcp_info(lab.client[i], &info));
        out->retransmits += info.total_retransmits;
        tcpip_endpoint_close(lab.client[i]);
        tcpip_endpoint_close(lab.server[i]);
    }
    struct tcpip_stats stats;
    tcpip_stack_stats(lab.stacks[0], &stats);
    out->timeouts = stats.tcp.timeouts;
    lab_fini(&lab);
}
