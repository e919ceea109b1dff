// SPDX-License-Identifier: MIT
/* bench.c: `tcpip bench p1|...|p6|p11 [--json] [--seconds N] [--connections N]`.
 *
 * Each workload runs alone, in this process, on one core, on a real clock. What is measured is said beside each;
 * conditions are those of a real connection: SACK, timestamps and window scaling negotiated, CUBIC running, checksums
 * wherever a wire is.
 *
 * Owns:       nothing.
 * Invariants: a figure is printed with its unit and its conditions.
 * Not here:   the peers to compare with (another program runs both and prints the ratio). */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double bench_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void bench_must(enum tcpip_error error, const char *what)
{
    if (error == TCPIP_OK)
        return;
    fprintf(stderr, "tcpip bench: %s: %s\n", what, tcpip_error_text(error));
    exit(1);
}

void bench_report_add(struct bench_report *report, const char *name, double value, const char *unit)
{
    if (report->count < BENCH_FIGURES_MAX)
        report->figures[report->count++] = (struct bench_figure){name, value, unit};
}

/* ---- hosts ---- */

static void *bench_alloc(void *ctx, size_t size, size_t align)
{
    struct bench_env *env = ctx;
    void *memory = NULL;
    if (posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, size) != 0)
        return NULL;
    env->bytes += size;
    return memory;
}

static void bench_free(void *ctx, void *memory, size_t size)
{
    struct bench_env *env = ctx;
    env->bytes -= size;
    free(memory);
}

static tcpip_ns bench_now(void *ctx)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (tcpip_ns)t.tv_sec * TCPIP_SECOND + t.tv_nsec + ((struct bench_env *)ctx)->ahead_ns;
}

void bench_env_init(struct bench_env *env)
{
    memset(env, 0, sizeof(*env));
    tcpip_posix_env(&env->env);
    env->env.ctx = env;
    env->env.alloc = bench_alloc;
    env->env.free = bench_free;
    env->env.now = bench_now;
}

static struct tcpip_stack *bench_stack(struct bench_env *env)
{
    struct tcpip_stack *stack;
    struct tcpip_limits limits;
    tcpip_limits_server(&limits);
    limits.endpoints = 20u << 20; /* ten million connections, both ends of them */
    limits.memory_bytes = (uint64_t)20 << 30;
    bench_must(tcpip_stack_new(&env->env, &limits, &tcpip_protocols_all, &stack), "stack");
    return stack;
}

static void bench_address(struct tcpip_stack *stack, const char *text)
{
    struct tcpip_prefix prefix;
    struct tcpip_address_properties properties = {.size = sizeof(properties), .flags = TCPIP_ADDRESS_NO_DAD};
    struct tcpip_route_entry route = {.nic = 1};
    bench_must(tcpip_prefix_parse(text, &prefix), text);
    bench_must(tcpip_stack_add_address(stack, 1, &prefix, &properties), text);
    route.destination = prefix;
    bench_must(tcpip_stack_add_route(stack, &route), "route");
}

struct tcpip_stack *bench_loopback_stack(struct bench_env *env, struct tcpip_link **link, uint32_t mtu)
{
    bench_env_init(env);
    struct tcpip_stack *stack = bench_stack(env);
    *link = tcpip_loopback_new(&env->env, mtu);
    bench_must(*link == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "loopback");
    bench_must(tcpip_stack_create_nic(stack, 1, *link, NULL), "NIC");
    bench_address(stack, "127.0.0.1/8");
    bench_address(stack, "::1/128");
    return stack;
}

static void bench_nothing(void *ctx)
{
    (void)ctx;
}

void bench_pipe_init(struct bench_pipe *pipe, uint32_t mtu, uint32_t flags, uint32_t gso_max_bytes)
{
    bench_env_init(&pipe->env);
    struct tcpip_pipe_options options = {
        .size = sizeof(options),
        .mtu = mtu,
        .flags = flags,
        .gso_max_bytes = gso_max_bytes,
        .on_ready = {bench_nothing, bench_nothing},
    };
    bench_must(tcpip_pipe_new(&pipe->env.env, &options, pipe->ends), "pipe");
    for (int i = 0; i < 2; i++) {
        pipe->stacks[i] = bench_stack(&pipe->env);
        bench_must(tcpip_stack_create_nic(pipe->stacks[i], 1, pipe->ends[i], NULL), "NIC");
        bench_address(pipe->stacks[i], i == 0 ? "10.0.0.1/24" : "10.0.0.2/24");
    }
}

void bench_pipe_fini(struct bench_pipe *pipe)
{
    tcpip_stack_free(pipe->stacks[0]);
    tcpip_stack_free(pipe->stacks[1]);
    tcpip_pipe_free(pipe->ends);
}

void bench_pipe_settle(struct bench_pipe *pipe)
{
    uint32_t moved;
    do {
        moved = tcpip_pipe_pump(pipe->ends[1], 64);
        moved += tcpip_pipe_pump(pipe->ends[0], 64);
    } while (moved > 0);
}

/* ---- the command ---- */

static const struct {
    const char *name;
    void (*run)(const struct bench_options *options, struct bench_report *report);
} workloads[] = {
    {"p1", bench_p1}, {"p2", bench_p2}, {"p3", bench_p3},   {"p4", bench_p4},   {"p5", bench_p5},
    {"p6", bench_p6}, {"p9", bench_p9}, {"p10", bench_p10}, {"p11", bench_p11},
};

static void bench_print(const struct bench_report *report, bool json)
{
    if (json)
        printf("{\"workload\":\"%s\",\"what\":\"%s\",\"figures\":[", report->workload, report->what);
    else
        printf("%s: %s\n", report->workload, report->what);
    for (int i = 0; i < report->count; i++) {
        const struct bench_figure *f = &report->figures[i];
        if (json)
            printf("%s{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}", i > 0 ? "," : "", f->name, f->value, f->unit);
        else
            printf("    %-46s %12.6g %s\n", f->name, f->value, f->unit);
    }
    if (json)
        printf("]}\n");
    fflush(stdout);
}

static int bench_usage(const char *problem)
{
    if (problem == NULL) {
        printf("usage: tcpip bench WORKLOAD... [--json] [--seconds N] [--connections N]\n\n"
               "  p1  bulk between two stacks, MTU 1500, checksums in software, one copy on the wire\n"
               "  p2  bulk within one stack, 64 KB packets, nothing to checksum\n"
               "  p3  as p2 without copies: buffers handed over and lent\n"
               "  p4  64-byte request and answer, alone and among idle connections (--connections, 100000)\n"
               "  p5  connect, request and answer, close; TIME-WAIT of 1 ms and of 60 s\n"
               "  p6  memory of idle connections, half-open ones and TIME-WAIT (--connections, 100000)\n"
               "  p9  UDP, 64 and 1,400 bytes, between two stacks, beside what the pipe between them carries alone\n"
               "  p10 64 flows on one core, and spread over several, a stack on each: not pinned\n"
               "  p11 what an exchange, a turn, a timer and a route cost as their number grows (--connections, "
               "1000000)\n\n"
               "All but p10 run in this process on one core: pin it (taskset -c 1 tcpip bench ...).\n");
        return 0;
    }
    fprintf(stderr, "tcpip bench: %s (tcpip bench --help lists the workloads)\n", problem);
    return 2;
}

int bench_main(int argc, char **argv)
{
    struct bench_options options = {.seconds = 1.0};
    int ran = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return bench_usage(NULL);
        if (strcmp(argv[i], "--json") == 0) {
            options.json = true;
        } else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            options.seconds = strtod(argv[++i], NULL);
        } else if (strcmp(argv[i], "--connections") == 0 && i + 1 < argc) {
            options.connections = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (argv[i][0] == '-') {
            return bench_usage("unknown option, or its value is missing");
        }
    }
    if (options.seconds < 0.01 || options.seconds > 600)
        return bench_usage("--seconds takes 0.01 to 600");
    for (int i = 1; i < argc; i++) {
        bool value = strcmp(argv[i], "--seconds") == 0 || strcmp(argv[i], "--connections") == 0;
        i += value ? 1 : 0;
        if (value || argv[i][0] == '-')
            continue;
        bool found = false;
        for (size_t w = 0; w < sizeof(workloads) / sizeof(workloads[0]); w++) {
            if (strcmp(argv[i], workloads[w].name) != 0 && strcmp(argv[i], "all") != 0)
                continue;
            struct bench_report report = {.workload = workloads[w].name};
            workloads[w].run(&options, &report);
            bench_print(&report, options.json);
            found = true;
            ran++;
        }
        if (!found)
            return bench_usage("no such workload");
    }
    return ran > 0 ? 0 : bench_usage("name a workload");
}
