// SPDX-License-Identifier: MIT
/* hoard.c: thousands of real connections that only take room: silent ones (sockstress), ones that never read, read a
 * byte now and then, never acknowledge, never end.
 *
 * What must hold: what one costs is bounded and told in the table, honest connections go on and are opened, and what
 * the application has closed is gone within a bounded time, whatever the peer answers.
 *
 * Not here: how many connections an application wants to have (limits.endpoints, keepalive, USER_TIMEOUT). */
#include "puppet.h"

#include "stack/stack.h"

#include <string.h>

static struct puppets hoard_puppets;

static void hoard_begin(struct bench *bench, uint32_t slice, uint32_t whole)
{
    memset(&hoard_puppets, 0, sizeof(hoard_puppets));
    puppets_begin(bench, &hoard_puppets, bench_amount(bench, slice, whole), &(struct bench_options){0});
}

static void hoard_call(struct bench *bench, uint16_t port, uint16_t window)
{
    puppets_call(bench, &hoard_puppets, port, window);
    for (uint32_t i = 0; i < hoard_puppets.count; i++)
        EXPECT(bench, hoard_puppets.all[i].open);
}

/* At most so many bytes for each. */
static void hoard_end(struct bench *bench, uint64_t each)
{
    bench->memory_bound = hoard_puppets.count * each + (1 << 19);
    puppets_end(bench, &hoard_puppets);
    EXPECT(bench, bench->connects_good == bench->connects_begun);
}

static void hoard_probe_answer(struct bench *bench, struct puppet *puppet, const struct seen *seen)
{
    (void)seen;
    if (puppet->open && !puppet->gone && bench->in_packets < 5000000 && puppet->seq == 1000)
        puppet_send(bench, puppet, TCPIP_TCP_ACK, puppet->seq, 0); /* "I am here, and still have no room" */
}

static void hoard_silence(struct bench *bench)
{
    hoard_begin(bench, 2000, 12000);
    bench_connect_every(bench, 20 * TCPIP_MS);
    hoard_call(bench, ECHO_PORT, 65535);
    bench_run(bench, 30 * TCPIP_SECOND);
    /* Awake for the first second they cost what any connection does; then they are at rest. */
    tcpip_stack_trim(bench->victim.stack);
    EXPECT(bench, bench->victim.stack->memory.used_bytes - bench->memory_before <
                      (uint64_t)hoard_puppets.count * 560 + (1 << 19));
    hoard_end(bench, 1536);
}

/* They never read: what the application has written waits. */
static void hoard_window(struct bench *bench)
{
    hoard_begin(bench, 500, 2000);
    bench_connect_every(bench, 20 * TCPIP_MS);
    hoard_call(bench, STREAM_PORT, 0);
    hoard_puppets.heard = hoard_probe_answer;
    bench_run(bench, (bench->scale == BENCH_WHOLE ? 120 : 20) * TCPIP_SECOND);
    hoard_end(bench, 100 * 1024);
}

/* In twenty seconds each honest flow gets back what it sent, and lags by less than a second's worth. */
static void hoard_flows_go_on(struct bench *bench)
{
    uint64_t before[BENCH_FLOWS_MAX], second = 0;
    for (uint32_t i = 0; i < bench->flow_count; i++)
        before[i] = bench->flows[i].wanted;
    bench_run(bench, 20 * TCPIP_SECOND);
    for (uint32_t i = 0; i < bench->flow_count; i++) {
        const struct bench_flow *flow = &bench->flows[i];
        second = (flow->wanted - before[i]) / 20;
        if (flow->echoed + second < flow->wanted)
            bench_fail(bench, "honest flow %u: %llu of %llu bytes are back", (unsigned)i,
                       (unsigned long long)flow->echoed, (unsigned long long)flow->wanted);
    }
}

/* Together they would take all the memory that there is. It stays within its limit, and who was there before goes on
 * all the while; when the application has closed them, others come in again. */
static void hoard_starve(struct bench *bench)
{
    struct tcpip_limits limits;
    tcpip_limits_default(&limits);
    limits.memory_bytes = 16 << 20;
    memset(&hoard_puppets, 0, sizeof(hoard_puppets));
    puppets_begin(bench, &hoard_puppets, bench_amount(bench, 1000, 6000), &(struct bench_options){.limits = &limits});
    puppets_call(bench, &hoard_puppets, STREAM_PORT, 0);
    hoard_puppets.heard = hoard_probe_answer;
    hoard_flows_go_on(bench);
    EXPECT(bench, bench->scale == BENCH_COUNT || bench->memory_peak > 14 << 20);
    bench->flowing = false;
    bench_close_served(bench);
    bench_run(bench, 600 * TCPIP_SECOND);
    bench_connect_every(bench, 20 * TCPIP_MS);
    bench_run(bench, 10 * TCPIP_SECOND);
    EXPECT(bench, bench->connects_good > 400);
    bench->memory_bound = (16 << 20) - bench->memory_before;
    puppets_end(bench, &hoard_puppets);
    EXPECT(bench, bench->connects_good == bench->connects_begun);
}

/* A byte of window each second. */
static void hoard_sip(struct bench *bench)
{
    hoard_begin(bench, 200, 500);
    hoard_call(bench, STREAM_PORT, 0);
    uint64_t before = bench->out_packets;
    uint32_t rounds = bench_amount(bench, 20, 100);
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < hoard_puppets.count; i++) {
            hoard_puppets.all[i].window = 1;
            puppet_ack(bench, &hoard_puppets.all[i]);
        }
        bench_run(bench, TCPIP_SECOND);
    }
    EXPECT(bench, bench->out_packets - before <= 2ull * hoard_puppets.count * rounds);
    hoard_end(bench, 100 * 1024);
}

/* They never acknowledge: the victim gives up by itself. */
static void hoard_mute(struct bench *bench)
{
    hoard_begin(bench, 200, 1000);
    hoard_call(bench, STREAM_PORT, 65535);
    bench->flowing = false;
    bench_run(bench, 1200 * TCPIP_SECOND);
    EXPECT(bench, bench->served <= bench->flow_count);
    EXPECT(bench, bench->scale == BENCH_COUNT || bench->out_packets < 40ull * hoard_puppets.count);
    hoard_end(bench, 200 * 1024);
}

/* The application has closed them all; they still have no room, and say so whenever they are asked. */
static void hoard_orphans(struct bench *bench)
{
    hoard_begin(bench, 200, 1000);
    hoard_call(bench, STREAM_PORT, 0);
    hoard_puppets.heard = hoard_probe_answer;
    bench_run(bench, TCPIP_SECOND);
    bench->flowing = false;
    bench_close_served(bench);
    bench_run(bench, 1200 * TCPIP_SECOND);
    tcpip_stack_trim(bench->victim.stack);
    if (bench->victim.stack->memory.used_bytes > bench->memory_before + (1 << 17))
        bench_fail(bench, "after 20 minutes %llu KB are still held",
                   (unsigned long long)(bench->victim.stack->memory.used_bytes - bench->memory_before) / 1000);
    hoard_end(bench, 100 * 1024);
}

/* Closed as well, and what was sent is acknowledged, FIN and all; their own FIN never comes. */
static void hoard_fin(struct bench *bench)
{
    hoard_begin(bench, 1000, 4000);
    hoard_call(bench, DEAF_PORT, 65535);
    bench_run(bench, TCPIP_SECOND);
    bench->flowing = false;
    bench_close_served(bench);
    for (uint32_t i = 0; i < hoard_puppets.count; i++)
        puppet_ack(bench, &hoard_puppets.all[i]);
    bench_run(bench, 70 * TCPIP_SECOND);
    tcpip_stack_trim(bench->victim.stack);
    EXPECT(bench, bench->victim.stack->memory.used_bytes <= bench->memory_before + (1 << 17));
    hoard_end(bench, 4096);
}

const struct attack attacks_hoard[] = {
    {"hoard/silence", "connections that never say a word", hoard_silence},
    {"hoard/window", "connections that never open their window", hoard_window},
    {"hoard/starve", "the same, and together more than the memory", hoard_starve},
    {"hoard/sip", "a byte of window each second", hoard_sip},
    {"hoard/mute", "connections that never acknowledge", hoard_mute},
    {"hoard/orphans", "closed by the application, window shut for ever", hoard_orphans},
    {"hoard/fin", "closed by the application, and their FIN never comes", hoard_fin},
    {0},
};
