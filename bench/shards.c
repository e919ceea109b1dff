// SPDX-License-Identifier: MIT
/* shards.c: p10: the same flows on one core, and spread over several, a stack on each.
 *
 * Each shard is a thread with a stack of its own, and both ends of its flows in it: what is measured is whether stacks
 * that share no data share anything else (a lock, a cache line, an allocator). Small buffers keep what a core touches
 * within its own cache.
 *
 * Not here: handing packets from core to core, which the ports of tcpip_stack_set_shard make rare. */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLOWS = 64, SHARDS_MAX = 8, CHUNK = 8192, SEGMENT = 1460, ROUNDS = 8 };

struct shard {
    pthread_t thread;
    pthread_barrier_t *start;
    uint32_t cpu, flows;
    double seconds, took;
    uint64_t bytes;
};

struct shard_flow {
    struct tcpip_endpoint *client, *server;
};

static void stay_on(uint32_t cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) != 0) {
        fprintf(stderr, "tcpip bench: p10 may not run on core %u: don't pin it\n", cpu);
        exit(1);
    }
}

static void open_flow(struct bench_server *server, struct shard_flow *flow)
{
    bench_server_connect(server, &flow->client, &flow->server);
    bench_must(tcpip_endpoint_set_option(flow->client, TCPIP_OPTION_SEND_BUFFER_SIZE, CHUNK), "buffer");
}

static uint64_t move(const struct shard_flow *flow, uint8_t *buffer)
{
    size_t done;
    uint64_t total = 0;
    enum tcpip_error error = tcpip_endpoint_write(flow->client, buffer, CHUNK, 0, NULL, &done);
    if (error != TCPIP_ERR_WOULD_BLOCK)
        bench_must(error, "write");
    while (tcpip_endpoint_read(flow->server, buffer, CHUNK, &done, NULL) == TCPIP_OK)
        total += done;
    return total;
}

static uint64_t round_of(struct bench_server *server, const struct shard_flow *flows, uint32_t count, uint8_t *buffer)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += move(&flows[i], buffer);
    (void)tcpip_stack_advance(server->stack, 0);
    return bytes;
}

static void *shard_main(void *ctx)
{
    struct shard *shard = ctx;
    struct bench_server server;
    struct shard_flow flows[FLOWS];
    uint8_t *buffer = calloc(1, CHUNK);
    bench_must(buffer == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "buffer");
    stay_on(shard->cpu);
    bench_server_init(&server);
    /* Less than two full segments would wait for a delayed ACK. */
    bench_must(tcpip_endpoint_set_option(server.listener, TCPIP_OPTION_MAX_SEGMENT, SEGMENT), "segment");
    for (uint32_t i = 0; i < shard->flows; i++)
        open_flow(&server, &flows[i]);
    (void)pthread_barrier_wait(shard->start);
    double warm = bench_clock() + shard->seconds * 0.2, began, now;
    while (bench_clock() < warm)
        (void)round_of(&server, flows, shard->flows, buffer);
    began = bench_clock();
    while ((now = bench_clock()) < began + shard->seconds)
        for (int i = 0; i < ROUNDS; i++)
            shard->bytes += round_of(&server, flows, shard->flows, buffer);
    shard->took = now - began;
    for (uint32_t i = 0; i < shard->flows; i++) {
        tcpip_endpoint_close(flows[i].client);
        tcpip_endpoint_close(flows[i].server);
    }
    bench_server_fini(&server);
    free(buffer);
    return NULL;
}

/* Gbit/s of all shards together. */
static double run_shards(uint32_t count, double seconds)
{
    struct shard shards[SHARDS_MAX];
    pthread_barrier_t start;
    double gbps = 0;
    memset(shards, 0, sizeof(shards));
    if (pthread_barrier_init(&start, NULL, count) != 0)
        bench_must(TCPIP_ERR_NO_MEMORY, "barrier");
    for (uint32_t i = 0; i < count; i++) {
        shards[i] = (struct shard){.start = &start, .cpu = i, .flows = FLOWS / count, .seconds = seconds};
        if (pthread_create(&shards[i].thread, NULL, shard_main, &shards[i]) != 0)
            bench_must(TCPIP_ERR_NO_MEMORY, "thread");
    }
    for (uint32_t i = 0; i < count; i++) {
        (void)pthread_join(shards[i].thread, NULL);
        gbps += (double)shards[i].bytes * 8e-9 / shards[i].took;
    }
    (void)pthread_barrier_destroy(&start);
    return gbps;
}

void bench_p10(const struct bench_options *options, struct bench_report *report)
{
    static const char *const names[] = {[1] = "1 shard", [2] = "2 shards", [4] = "4 shards", [8] = "8 shards"};
    static const char *const ratios[] = {[2] = "2 shards / 1", [4] = "4 shards / 1", [8] = "8 shards / 1"};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    double one = 0;
    report->what = "64 flows of 8 KB calls within as many stacks as cores, each a thread of its own, each on its core";
    for (uint32_t count = 1; count <= SHARDS_MAX && (long)count <= cores; count *= 2) {
        double gbps = run_shards(count, options->seconds);
        one = count == 1 ? gbps : one;
        bench_report_add(report, names[count], gbps, "Gbit/s");
        if (count > 1)
            bench_report_add(report, ratios[count], gbps / one, "");
    }
    if (cores < 2)
        bench_report_add(report, "cores here: too few to compare", (double)cores, "");
}
