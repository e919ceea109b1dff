// SPDX-License-Identifier: MIT
/* recovery_matrix.c: how well TCP recovers, by what befalls its packets, round trip, and how coarse the clock is.
 *
 *     recovery_matrix [--update] TABLE
 *
 * Two stacks, a path between them, virtual time. The clocks of the stacks move in ticks of up to 15 ms, and so do their
 * timers; the path's is exact. A cell is the time that a transfer takes, over a few seeds. What must hold:
 *   - goodput is at least 90 % of the same cell's with the finest clock (RFC 8985 leans on time: on whose?), but for
 *     what row_share has a reason for;
 *   - no timeout where RFC 8985 needs none. Nothing is lost for good by reordering, duplicates and lost ACKs. And where
 *     flights are larger than what is lost of them, something later always arrives and tells, a tail probe at last: a
 *     timeout takes the loss of a repair with which nothing else was in flight: one in the eight transfers of a cell;
 *     twelve where every twentieth packet is lost, and flights are of five;
 *   - where every fifth packet is lost, and flights are of two or three, timeouts can't be helped; but they don't do
 * the work: for each, at least as many repairs are made as CRAWL says;
 *   - no cell is more than a tenth worse than in TABLE, which is in git, so that every change shows. --update writes
 *     it. Speaks TAP, a test for each row of the table.
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

enum {
    NIC = 1,
    SEEDS = 8,
    TICKS = 5,
    ROUND_TRIPS = 4,
    RATES = 2,
    CONTROLLERS = 3,
    LINE = 256,
    BYTES = 2000000,
    BUFFER = 16 << 20,
    PATIENCE = 3600, /* seconds */
    CRAWL = 3,
    FLIGHT = 20 /* segments: a path that holds fewer loses whole flights, and all ACKs of one */
};

static const tcpip_ns tick_ns[TICKS] = {TCPIP_US, 500 * TCPIP_US, TCPIP_MS, 4 * TCPIP_MS, 15 * TCPIP_MS};
static const tcpip_ns rtt_ns[ROUND_TRIPS] = {TCPIP_MS, 20 * TCPIP_MS, 100 * TCPIP_MS, 300 * TCPIP_MS};

static const uint64_t rate_bps[RATES] = {10000000, 100000000};
static const char *const controllers[CONTROLLERS] = {"cubic", "reno", "bbr"};

enum { MANY = 1000000 };

static const struct befall {
    const char *name;
    struct path_profile data, acks;
    uint32_t reorder_share; /* of the round trip, in percent */
    uint32_t timeouts_max;  /* in all the transfers of a cell */
} befalls[] = {
    {"nothing", {0}, {0}, 0, 0},
    {"loss 0.1 %", {.loss_ppm = 1000}, {0}, 0, 1},
    {"loss 1 %", {.loss_ppm = 10000}, {0}, 0, 1},
    {"loss 5 %", {.loss_ppm = 50000}, {0}, 0, 12}, /* flights are of five segments */
    {"loss 20 %", {.loss_ppm = 200000}, {0}, 0, MANY},
    {"burst of 10", {.burst_ppm = 1000, .burst_packets = 10}, {0}, 0, 0},
    {"burst of 20", {.burst_ppm = 500, .burst_packets = 20}, {0}, 0, 0},
    {"reordering 2 % by 10 %", {.reorder_ppm = 20000}, {0}, 10, 0},
    {"reordering 2 % by 60 %", {.reorder_ppm = 20000}, {0}, 60, 0},
    {"duplicates 2 %", {.duplicate_ppm = 20000}, {0}, 0, 0},
    {"lost ACKs 20 %", {0}, {.loss_ppm = 200000}, 0, 0},
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

/* To the next instant at which something happens; the hosts' clocks go with it, for calls that come before packets. */
static void world_wait(struct world *world)
{
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
    for (int i = 0; i < 2; i++)
        host_clock(world, &world->hosts[i]);
}

/* ---- one transfer ---- */

static void world_connect(struct world *world, const char *controller, struct tcpip_endpoint **client,
                          struct tcpip_endpoint **server)
{
    struct tcpip_endpoint *listener;
    struct tcpip_full_address to = {.address = tcpip_address_v4(10, 0, 0, 2), .port = 9};
    must(tcpip_stack_new_endpoint(world->hosts[1].stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener));
    must(tcpip_endpoint_set_option(listener, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, BUFFER));
    must(tcpip_endpoint_bind(listener, &to, NULL, NULL));
    must(tcpip_endpoint_listen(listener, 1));
    must(tcpip_stack_new_endpoint(world->hosts[0].stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, client));
    must(tcpip_endpoint_set_option(*client, TCPIP_OPTION_SEND_BUFFER_SIZE, BUFFER));
    must(tcpip_endpoint_set_congestion(*client, controller));
    enum tcpip_error error = tcpip_endpoint_connect(*client, &to);
    must(error == TCPIP_ERR_CONNECT_STARTED ? TCPIP_OK : error);
    for (world_settle(world); tcpip_endpoint_accept(listener, server, NULL) != TCPIP_OK; world_settle(world))
        world_wait(world);
    tcpip_endpoint_close(listener);
}

static struct outcome transfer(const char *controller, const struct path_profile *data, const struct path_profile *acks,
                               tcpip_ns tick, uint64_t seed)
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
    world_connect(&world, controller, &client, &server);
    struct tcpip_stats before, stats;
    tcpip_stack_stats(world.hosts[0].stack, &before); /* the handshake has a timer of its own */
    tcpip_ns began = world.now;
    while (read < BYTES && world.now - began < PATIENCE * TCPIP_SECOND) {
        while (written < BYTES && tcpip_endpoint_write(client, buffer, sizeof(buffer), 0, NULL, &done) == TCPIP_OK)
            written += done;
        while (tcpip_endpoint_read(server, buffer, sizeof(buffer), &done, NULL) == TCPIP_OK)
            read += done;
        world_settle(&world);
        world_wait(&world);
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

/* What distinguishes a row. */
struct row {
    const char *controller;
    const struct befall *befall;
    uint64_t rate_bps;
    tcpip_ns rtt_ns;
};

static tcpip_ns row_queue_ns(const struct row *row)
{
    return row->rtt_ns + 5 * TCPIP_MS;
}

/* Packets that the path holds. */
static uint64_t row_holds(const struct row *row)
{
    return row->rate_bps / 8 * (uint64_t)(row->rtt_ns + row_queue_ns(row)) / TCPIP_SECOND / 1500;
}

static struct outcome cell(const struct row *row, tcpip_ns tick)
{
    struct outcome sum = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct path_profile data = row->befall->data, acks = row->befall->acks;
        /* A burst that takes all that the path holds leaves nothing that could tell of it. */
        uint32_t half = (uint32_t)row_holds(row) / 2;
        data.burst_packets = data.burst_packets < half ? data.burst_packets : half;
        data.rate_bps = acks.rate_bps = row->rate_bps;
        data.queue_ns = acks.queue_ns = row_queue_ns(row);
        data.delay_ns = acks.delay_ns = row->rtt_ns / 2;
        data.reorder_ns = row->rtt_ns * row->befall->reorder_share / 100;
        struct outcome one = transfer(row->controller, &data, &acks, tick, seed);
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

/* A row: the name, and for each tick KB/s and timeouts. */
static void print_row(char *out, const struct row *row, const struct outcome outcomes[TICKS])
{
    size_t used = (size_t)snprintf(out, LINE, "%-5s %3llu Mbit/s %3lld ms %-22s", row->controller,
                                   (unsigned long long)(row->rate_bps / 1000000), (long long)(row->rtt_ns / TCPIP_MS),
                                   row->befall->name);
    for (int i = 0; i < TICKS; i++)
        used += (size_t)snprintf(out + used, LINE - used, " | %6llu %3llu",
                                 (unsigned long long)kilobytes_per_second(&outcomes[i]),
                                 (unsigned long long)outcomes[i].timeouts);
}

/* What the row of the table says of each tick; false: there is no such row. */
static bool find_row(FILE *table, const char *row, uint64_t before[TICKS])
{
    char line[LINE];
    size_t name = (size_t)(strchr(row, '|') - row);
    rewind(table);
    while (fgets(line, sizeof(line), table) != NULL) {
        if (strncmp(line, row, name) != 0)
            continue;
        const char *at = line;
        for (int i = 0; i < TICKS && (at = strchr(at, '|')) != NULL; i++)
            before[i] = strtoull(++at, NULL, 10);
        return at != NULL;
    }
    return false;
}

/* Percent of the goodput with the finest clock that this tick must leave: 90. Where it is less, the number behind is
 * the least that was measured. */
static uint64_t row_share(const struct row *row, tcpip_ns tick)
{
    bool bbr = strcmp(row->controller, "bbr") == 0, crawls = row->befall->data.loss_ppm >= 200000;
    /* BBR's model is made of times. Where a round trip is a few ticks, its samples are wrong by their share, and who
     * sends at a rate by such a clock sends heaps that a short queue doesn't hold: a tick of 15 ms on 1 ms, 21. */
    if (bbr && tick > 4 * row->rtt_ns)
        return 20;
    if (bbr && tick * 8 > row->rtt_ns)
        return 60; /* 65 */
    /* Timeouts decide, whose length is in ticks: 1 ms on 1 ms 86, 15 ms on 1 ms 68, elsewhere 87. */
    if (crawls)
        return tick > row->rtt_ns ? 65 : 80;
    if (row_holds(row) < FLIGHT)
        return 80; /* the same, of windows of two segments: 86 */
    return 90;
}

/* How many timeouts are let pass in a cell. BBR's STARTUP fills the queue behind the line: a repair that is made then
 * comes back up to a round trip later than all that was measured before, and the timer can't know. */
static uint64_t row_timeouts_max(const struct row *row)
{
    bool bbr = strcmp(row->controller, "bbr") == 0;
    return row->befall->timeouts_max + (bbr && row->befall->timeouts_max < MANY ? 1 : 0);
}

/* What is wrong with the row, into `what`; empty: nothing. */
static void judge_row(const struct row *row, const struct outcome outcomes[TICKS], const uint64_t *before, char *what)
{
    what[0] = '\0';
    for (int i = 0; i < TICKS && what[0] == '\0'; i++) {
        uint64_t now = kilobytes_per_second(&outcomes[i]), finest = kilobytes_per_second(&outcomes[0]);
        unsigned long long timeouts = outcomes[i].timeouts, repairs = outcomes[i].retransmits;
        double tick = (double)tick_ns[i] / 1e6;
        if (now * 100 < finest * row_share(row, tick_ns[i]))
            snprintf(what, LINE, "with ticks of %g ms %llu %% of the goodput with the finest", tick,
                     (unsigned long long)(now * 100 / finest));
        else if (timeouts > row_timeouts_max(row) && row_holds(row) >= FLIGHT)
            snprintf(what, LINE, "with ticks of %g ms %llu timeouts where RFC 8985 needs none", tick, timeouts);
        else if (timeouts * CRAWL > repairs)
            snprintf(what, LINE, "with ticks of %g ms %llu timeouts for %llu repairs", tick, timeouts, repairs);
        else if (before != NULL && now * 10 < before[i] * 9)
            snprintf(what, LINE, "with ticks of %g ms %llu KB/s, and %llu before", tick, (unsigned long long)now,
                     (unsigned long long)before[i]);
    }
}

/* Into the table, or (update is NULL) compared with it. */
static bool run_row(const struct row *row, FILE *table, FILE *update, unsigned number)
{
    struct outcome outcomes[TICKS];
    char text[LINE], what[LINE];
    uint64_t before[TICKS];
    for (int k = 0; k < TICKS; k++)
        outcomes[k] = cell(row, tick_ns[k]);
    print_row(text, row, outcomes);
    judge_row(row, outcomes, update == NULL && find_row(table, text, before) ? before : NULL, what);
    printf("%sok %u - %s\n", what[0] == '\0' ? "" : "not ", number, text);
    if (what[0] != '\0')
        printf("# %s\n", what);
    if (update != NULL)
        fprintf(update, "%s\n", text);
    fflush(stdout);
    return what[0] == '\0';
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
                "Goodput in KB/s and timeouts of %d transfers of %d bytes; clocks that tick every\n"
                "%49s 1 us |     0.5 ms |       1 ms |       4 ms |      15 ms\n",
                SEEDS, BYTES, "");
    printf("1..%d\n", CONTROLLERS * RATES * BEFALLS * ROUND_TRIPS);
    for (unsigned i = 0; i < CONTROLLERS * RATES * BEFALLS * ROUND_TRIPS; i++) {
        struct row row = {
            .controller = controllers[i / ROUND_TRIPS / BEFALLS / RATES],
            .befall = &befalls[i / ROUND_TRIPS % BEFALLS],
            .rate_bps = rate_bps[i / ROUND_TRIPS / BEFALLS % RATES],
            .rtt_ns = rtt_ns[i % ROUND_TRIPS],
        };
        failures += !run_row(&row, table, update ? table : NULL, ++tests);
    }
    fclose(table);
    return failures == 0 ? 0 : 1;
}
