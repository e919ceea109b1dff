// SPDX-License-Identifier: MIT
/* recovery_matrix.c: how well TCP recovers, by what befalls its packets, round trip, and how coarse the clock is.
 *
 *     recovery_matrix [--update] TABLE
 *
 * Two stacks, a path between them, virtual time. The clocks of the stacks move in ticks of up to 15 ms, and so do their
 * timers; the path's is exact. A cell is the time that a transfer takes, over a few seeds. What must hold:
 *   - goodput is at least 90 % of the same cell's with the finest clock (RFC 8985 leans on time: on whose?);
 *   - no timeout where nothing is lost for good: reordering, duplicates, lost ACKs;
 *   - no cell is more than a tenth worse than in TABLE, which is in git, so that every change shows. --update writes
 * it. Speaks TAP, a test for each row of the table.
 *
 * Owns:     the world of one transfer.
 * Not here: the path (path.c), what is right for single packets (tests/script). */
#include "base/compiler.h"
#include "path.h"
#include "test_env.h"

#include <tcpip/endpoint.h>
#include <tcpip/link.h>
#include <tcpip/stack.h>
#include <tcpip/tcpip.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NIC = 1, SEEDS = 5, TICKS = 5, ROUND_TRIPS = 4, LINE = 256, BYTES = 2000000, BUFFER = 16 << 20 };

static const tcpip_ns tick_ns[TICKS] = {TCPIP_US, 500 * TCPIP_US, TCPIP_MS, 4 * TCPIP_MS, 15 * TCPIP_MS};
static const tcpip_ns rtt_ns[ROUND_TRIPS] = {TCPIP_MS, 20 * TCPIP_MS, 100 * TCPIP_MS, 300 * TCPIP_MS};

static const struct befall {
    const char *name;
    struct path_profile data, acks;
    uint32_t reorder_share; /* of the round trip, in percent */
    bool harmless;          /* nothing is lost for good, so that no timer has to tell */
} befalls[] = {
    {"nothing", {0}, {0}, 0, true},
    {"loss 0.1 %", {.loss_ppm = 1000}, {0}, 0, false},
    {"loss 1 %", {.loss_ppm = 10000}, {0}, 0, false},
    {"loss 5 %", {.loss_ppm = 50000}, {0}, 0, false},
    {"burst of 10", {.burst_ppm = 1000, .burst_packets = 10}, {0}, 0, false},
    {"reordering 2 % by 10 %", {.reorder_ppm = 20000}, {0}, 10, true},
    {"reordering 2 % by 60 %", {.reorder_ppm = 20000}, {0}, 60, true},
    {"duplicates 2 %", {.duplicate_ppm = 20000}, {0}, 0, true},
    {"lost ACKs 20 %", {0}, {.loss_ppm = 200000}, 0, true},
};
enum { BEFALLS = sizeof(befalls) / sizeof(befalls[0]) };

struct host {
    struct test_env env;
    struct tcpip_stack *stack;
    struct tcpip_link *link;
    tcpip_ns start, phase; /* its clock stands at start + floor(time + phase) */
};

struct world {
    tcpip_ns now, tick;
    struct host hosts[2];
    struct path paths[2]; /* from host 0, from host 1 */
};

struct outcome {
    tcpip_ns took_ns;
    uint64_t timeouts, retransmits, probes;
};

static void must(enum tcpip_error error)
{
    if (error == TCPIP_OK)
        return;
    fprintf(stderr, "recovery_matrix: %s\n", tcpip_error_text(error));
    exit(1);
}

/* ---- two hosts ---- */

static void host_clock(const struct world *world, struct host *host)
{
    host->env.now = host->start + (world->now + host->phase) / world->tick * world->tick;
}

/* When the host's clock will say so. */
static tcpip_ns host_deadline(const struct world *world, const struct host *host)
{
    tcpip_ns at = tcpip_stack_deadline(host->stack);
    if (at == TCPIP_NEVER)
        return at;
    tcpip_ns ticks = (at - host->start + world->tick - 1) / world->tick, when = ticks * world->tick - host->phase;
    return when > world->now ? when : world->now;
}

static void host_init(struct world *world, int i)
{
    struct host *host = &world->hosts[i];
    struct tcpip_channel_options options = {.size = sizeof(options), .queue_packets = 16384};
    struct tcpip_limits limits;
    struct tcpip_prefix prefix;
    struct tcpip_route_entry everywhere = {.destination.address.len = 4, .nic = NIC};
    test_env_init(&host->env, (uint64_t)i + 1);
    host->start = (i + 1) * TCPIP_SECOND;
    host->phase = i * world->tick / 3;
    host_clock(world, host);
    tcpip_limits_default(&limits);
    limits.tcp_send_buffer_max = limits.tcp_receive_buffer_max = BUFFER;
    host->link = tcpip_channel_new(&host->env.env, &options);
    must(host->link == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK);
    must(tcpip_stack_new(&host->env.env, &limits, &tcpip_protocols_all, &host->stack));
    must(tcpip_stack_create_nic(host->stack, NIC, host->link, NULL));
    must(tcpip_prefix_parse(i == 0 ? "10.0.0.1/24" : "10.0.0.2/24", &prefix));
    must(tcpip_stack_add_address(host->stack, NIC, &prefix, NULL));
    must(tcpip_stack_add_route(host->stack, &everywhere));
}

static void host_fini(struct host *host)
{
    tcpip_stack_free(host->stack);
    tcpip_channel_free(host->link);
    test_env_fini(&host->env);
}

/* Lets the host work at this instant, and takes what it sends. */
static bool host_work(struct world *world, int i)
{
    static uint8_t bytes[2048];
    struct host *host = &world->hosts[i];
    struct tcpip_packet *packet;
    bool worked = false;
    host_clock(world, host);
    while (tcpip_stack_deadline(host->stack) <= host->env.now) {
        tcpip_stack_advance(host->stack, 0);
        worked = true;
    }
    while ((packet = tcpip_channel_collect(host->link)) != NULL) {
        size_t size = tcpip_packet_copy_out(packet, 0, bytes, packet->length);
        path_send(&world->paths[i], bytes, size, world->now);
        tcpip_packet_free(packet);
        worked = true;
    }
    return worked;
}

static void world_settle(struct world *world)
{
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < 2; i++) {
            struct path_packet *packet;
            while ((packet = path_take(&world->paths[1 - i], world->now)) != NULL) {
                host_clock(world, &world->hosts[i]);
                must(tcpip_channel_inject_bytes(world->hosts[i].link, packet->bytes, packet->size));
                free(packet);
                more = true;
            }
            more |= host_work(world, i);
        }
    }
}

static void world_step(struct world *world)
{
    world_settle(world);
    tcpip_ns next = TCPIP_NEVER;
    for (int i = 0; i < 2; i++) {
        tcpip_ns times[] = {host_deadline(world, &world->hosts[i]), path_next(&world->paths[i])};
        for (int j = 0; j < 2; j++)
            next = times[j] < next ? times[j] : next;
    }
    if (next == TCPIP_NEVER) {
        fprintf(stderr, "recovery_matrix: nothing will ever happen again\n");
        exit(1);
    }
    world->now = next > world->now ? next : world->now;
}

/* ---- one transfer ---- */

static void world_connect(struct world *world, struct tcpip_endpoint **client, struct tcpip_endpoint **server)
{
    struct tcpip_endpoint *listener;
    struct tcpip_full_address to = {.address = tcpip_address_v4(10, 0, 0, 2), .port = 9};
    must(tcpip_stack_new_endpoint(world->hosts[1].stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener));
    must(tcpip_endpoint_set_option(listener, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, BUFFER));
    must(tcpip_endpoint_bind(listener, &to, NULL, NULL));
    must(tcpip_endpoint_listen(listener, 1));
    must(tcpip_stack_new_endpoint(world->hosts[0].stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, client));
    must(tcpip_endpoint_set_option(*client, TCPIP_OPTION_SEND_BUFFER_SIZE, BUFFER));
    enum tcpip_error error = tcpip_endpoint_connect(*client, &to);
    must(error == TCPIP_ERR_CONNECT_STARTED ? TCPIP_OK : error);
    while (tcpip_endpoint_accept(listener, server, NULL) != TCPIP_OK)
        world_step(world);
    tcpip_endpoint_close(listener);
}

static struct outcome transfer(const struct path_profile *data, const struct path_profile *acks, tcpip_ns tick,
                               uint64_t seed)
{
    static uint8_t buffer[65536];
    struct world world = {.tick = tick};
    struct tcpip_endpoint *client, *server;
    size_t done;
    uint64_t written = 0, read = 0;
    path_init(&world.paths[0], data, seed);
    path_init(&world.paths[1], acks, seed + 1000);
    for (int i = 0; i < 2; i++)
        host_init(&world, i);
    world_connect(&world, &client, &server);
    struct tcpip_stats before, stats;
    tcpip_stack_stats(world.hosts[0].stack, &before); /* the handshake has a timer of its own */
    tcpip_ns began = world.now;
    while (read < BYTES && world.now - began < 600 * TCPIP_SECOND) {
        while (written < BYTES && tcpip_endpoint_write(client, buffer, sizeof(buffer), 0, NULL, &done) == TCPIP_OK)
            written += done;
        while (tcpip_endpoint_read(server, buffer, sizeof(buffer), &done, NULL) == TCPIP_OK)
            read += done;
        world_step(&world);
    }
    tcpip_stack_stats(world.hosts[0].stack, &stats);
    struct outcome outcome = {world.now - began, stats.tcp.timeouts - before.tcp.timeouts, stats.tcp.retransmits,
                              stats.tcp.tail_loss_probes};
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    for (int i = 0; i < 2; i++) {
        host_fini(&world.hosts[i]);
        path_fini(&world.paths[i]);
    }
    return outcome;
}

static struct outcome cell(const struct befall *befall, tcpip_ns rtt, tcpip_ns tick)
{
    struct outcome sum = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct path_profile data = befall->data, acks = befall->acks;
        data.rate_bps = acks.rate_bps = 100000000;
        data.queue_ns = acks.queue_ns = rtt + 5 * TCPIP_MS;
        data.delay_ns = acks.delay_ns = rtt / 2;
        data.reorder_ns = rtt * befall->reorder_share / 100;
        struct outcome one = transfer(&data, &acks, tick, seed);
        sum.took_ns += one.took_ns;
        sum.timeouts += one.timeouts;
        sum.retransmits += one.retransmits;
        sum.probes += one.probes;
    }
    return sum;
}

/* ---- the table ---- */

static uint64_t kilobytes_per_second(const struct outcome *outcome)
{
    return (uint64_t)SEEDS * BYTES * 1000 / (uint64_t)(outcome->took_ns / TCPIP_US);
}

/* A row: the name, the round trip, and for each tick KB/s and timeouts. */
static size_t print_row(char *out, const struct befall *befall, tcpip_ns rtt, const struct outcome outcomes[TICKS])
{
    size_t used = (size_t)snprintf(out, LINE, "%-24s %3lld ms", befall->name, (long long)(rtt / TCPIP_MS));
    for (int i = 0; i < TICKS; i++)
        used +=
            (size_t)snprintf(out + used, LINE - used, " | %6llu %3llu",
                             (unsigned long long)(outcomes[i].took_ns == 0 ? 0 : kilobytes_per_second(&outcomes[i])),
                             (unsigned long long)outcomes[i].timeouts);
    return used;
}

/* What the row of the table says of each tick; false: there is no such row. */
static bool find_row(FILE *table, const char *row, uint64_t before[TICKS])
{
    char line[LINE];
    rewind(table);
    while (fgets(line, sizeof(line), table) != NULL) {
        if (strncmp(line, row, 31) != 0)
            continue;
        const char *at = line;
        for (int i = 0; i < TICKS && (at = strchr(at, '|')) != NULL; i++)
            before[i] = strtoull(++at, NULL, 10);
        return at != NULL;
    }
    return false;
}

/* What is wrong with the row, into `what`; empty: nothing. */
static void judge_row(const struct befall *befall, const struct outcome outcomes[TICKS], const uint64_t *before,
                      char *what)
{
    what[0] = '\0';
    for (int i = 0; i < TICKS; i++) {
        uint64_t now = kilobytes_per_second(&outcomes[i]), finest = kilobytes_per_second(&outcomes[0]);
        double tick = (double)tick_ns[i] / 1e6;
        if (now * 10 < finest * 9)
            snprintf(what, LINE, "with ticks of %g ms %llu %% of the goodput with the finest", tick,
                     (unsigned long long)(now * 100 / finest));
        else if (befall->harmless && outcomes[i].timeouts > 0)
            snprintf(what, LINE, "with ticks of %g ms %llu timeouts, and nothing was lost", tick,
                     (unsigned long long)outcomes[i].timeouts);
        else if (before != NULL && now * 10 < before[i] * 9)
            snprintf(what, LINE, "with ticks of %g ms %llu KB/s, and %llu before", tick, (unsigned long long)now,
                     (unsigned long long)before[i]);
        else
            continue;
        return;
    }
}

int main(int argc, char **argv)
{
    bool update = argc == 3 && strcmp(argv[1], "--update") == 0;
    if (argc != 2 + update) {
        fprintf(stderr, "usage: recovery_matrix [--update] TABLE\n");
        return 2;
    }
    FILE *table = fopen(argv[argc - 1], update ? "w" : "r");
    if (table == NULL) {
        perror(argv[argc - 1]);
        return 2;
    }
    unsigned tests = 0, failures = 0;
    if (update)
        fprintf(table,
                "Goodput in KB/s and timeouts: 100 Mbit/s, CUBIC, %d transfers of %d bytes; clocks that tick every\n"
                "%37s 1 us |     0.5 ms |       1 ms |       4 ms |      15 ms\n",
                SEEDS, BYTES, "");
    printf("1..%d\n", BEFALLS * ROUND_TRIPS);
    for (int i = 0; i < BEFALLS; i++) {
        for (int j = 0; j < ROUND_TRIPS; j++) {
            struct outcome outcomes[TICKS];
            char row[LINE], what[LINE];
            uint64_t before[TICKS];
            for (int k = 0; k < TICKS; k++)
                outcomes[k] = cell(&befalls[i], rtt_ns[j], tick_ns[k]);
            print_row(row, &befalls[i], rtt_ns[j], outcomes);
            judge_row(&befalls[i], outcomes, !update && find_row(table, row, before) ? before : NULL, what);
            printf("%sok %u - %s\n", what[0] == '\0' ? "" : "not ", ++tests, row);
            if (what[0] != '\0')
                printf("# %s\n", what);
            failures += what[0] != '\0';
            if (update)
                fprintf(table, "%s\n", row);
            fflush(stdout);
        }
    }
    fclose(table);
    return failures == 0 ? 0 : 1;
}
