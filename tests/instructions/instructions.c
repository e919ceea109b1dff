// SPDX-License-Identifier: MIT
/* instructions.c PATH: what one packet costs, in instructions: a count that no other program on the machine changes.
 *
 * Two hosts on channels, in virtual time, MTU 1500, with timestamps, SACK, RACK and CUBIC; checksums are left to the
 * links, because which instructions compute them depends on the machine. One PATH is walked OPERATIONS times, through
 * a function whose name begins with measure_: run.py has callgrind count what happens inside those.
 *
 * Owns:       both stacks, packets between a collect and an inject.
 * Not here:   seconds (bench/), the table and its tolerance (run.py, table.txt). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpip/tcpip.h>

#include "test_env.h"

enum { OPERATIONS = 2000, BATCH = 8, MSS = 1448, IDLE = 1000 };

#define MEASURED __attribute__((noinline))

struct world {
    struct test_env env;
    struct tcpip_stack *stacks[2]; /* 0: 10.0.0.1, connects and sends; 1: 10.0.0.2 */
    struct tcpip_link *links[2];
    struct tcpip_endpoint *listener, *client, *server;
    struct tcpip_packet *held[64];
    int held_count;
    char data[BATCH * MSS];
};

static void must(enum tcpip_error error, const char *what)
{
    if (error != TCPIP_OK && error != TCPIP_ERR_CONNECT_STARTED) {
        fprintf(stderr, "instructions: %s: %s\n", what, tcpip_error_text(error));
        exit(1);
    }
}

static void host(struct world *world, int i)
{
    struct tcpip_channel_options options = {
        .size = sizeof(options),
        .flags = TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_RX_CHECKSUM,
    };
    struct tcpip_prefix prefix = {.address = tcpip_address_v4(10, 0, 0, (uint8_t)(i + 1)), .bits = 24};
    must(tcpip_stack_new(&world->env.env, NULL, &tcpip_protocols_all, &world->stacks[i]), "stack");
    world->links[i] = tcpip_channel_new(&world->env.env, &options);
    must(world->links[i] == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "channel");
    struct tcpip_route_entry route = {.destination = prefix, .nic = 1};
    must(tcpip_stack_create_nic(world->stacks[i], 1, world->links[i], NULL), "NIC");
    must(tcpip_stack_add_address(world->stacks[i], 1, &prefix, NULL), "address");
    must(tcpip_stack_set_route_table(world->stacks[i], &route, 1, TCPIP_ROUTE_FIRST_MATCH), "route");
}

/* Takes what host i has sent, as the other host's packets. */
static void collect(struct world *world, int i)
{
    struct tcpip_packet *packet;
    world->held_count = 0;
    while ((packet = tcpip_channel_collect(world->links[i])) != NULL) {
        struct tcpip_packet *copy = tcpip_packet_copy(world->stacks[!i], packet);
        must(copy == NULL || world->held_count == 64 ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "copy");
        tcpip_packet_free(packet);
        world->held[world->held_count++] = copy;
    }
}

MEASURED static void measure_nothing(struct world *world, int i)
{
    (void)i;
    world->held_count = 0;
}

MEASURED static void measure_input(struct world *world, int to)
{
    for (int i = 0; i < world->held_count; i++)
        tcpip_channel_inject(world->links[to], world->held[i]);
    world->held_count = 0;
}

static void input(struct world *world, int to)
{
    for (int i = 0; i < world->held_count; i++)
        tcpip_channel_inject(world->links[to], world->held[i]);
    world->held_count = 0;
}

MEASURED static void measure_write(struct world *world, struct tcpip_endpoint *endpoint, size_t size)
{
    size_t done;
    (void)world;
    must(tcpip_endpoint_write(endpoint, world->data, size, 0, NULL, &done), "write");
}

MEASURED static size_t measure_read(struct world *world, struct tcpip_endpoint *endpoint)
{
    size_t done = 0;
    must(tcpip_endpoint_read(endpoint, world->data, sizeof(world->data), &done, NULL), "read");
    return done;
}

MEASURED static void measure_timers(struct world *world, int i)
{
    (void)tcpip_stack_advance(world->stacks[i], 0);
}

static void settle(struct world *world)
{
    do {
        collect(world, 0);
        input(world, 1);
        collect(world, 1);
        input(world, 0);
    } while (tcpip_channel_pending(world->links[0]) + tcpip_channel_pending(world->links[1]) != 0);
}

static struct tcpip_endpoint *open_one(struct world *world, int i, uint16_t port)
{
    struct tcpip_endpoint *endpoint;
    struct tcpip_full_address here = {.address = tcpip_address_v4(10, 0, 0, (uint8_t)(i + 1)), .port = port};
    must(tcpip_stack_new_endpoint(world->stacks[i], TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &endpoint), "endpoint");
    must(tcpip_endpoint_bind(endpoint, &here, NULL, NULL), "bind");
    return endpoint;
}

static void connect_pair(struct world *world, struct tcpip_endpoint **client, struct tcpip_endpoint **server)
{
    struct tcpip_full_address to = {.address = tcpip_address_v4(10, 0, 0, 2), .port = 80};
    *client = open_one(world, 0, 0);
    must(tcpip_endpoint_connect(*client, &to), "connect");
    settle(world);
    must(tcpip_endpoint_accept(world->listener, server, NULL), "accept");
}

/* One batch of eight full segments, and what comes back, each step in its own function or in the one that is counted.
 * WHICH: 0 write and send, 1 data received, 2 read, 3 ACKs received. */
static void bulk(struct world *world, int which)
{
    for (int i = 0; i < OPERATIONS / BATCH; i++) {
        size_t done;
        world->env.now += 1000000;
        if (which == 0)
            measure_write(world, world->client, sizeof(world->data));
        else
            must(tcpip_endpoint_write(world->client, world->data, sizeof(world->data), 0, NULL, &done), "write");
        collect(world, 0);
        world->env.now += 10000000;
        (which == 1 ? measure_input : input)(world, 1);
        if (which == 2)
            (void)measure_read(world, world->server);
        else
            must(tcpip_endpoint_read(world->server, world->data, sizeof(world->data), &done, NULL), "read");
        collect(world, 1);
        world->env.now += 10000000;
        (which == 3 ? measure_input : input)(world, 0);
        settle(world);
    }
}

static void path_send(struct world *world)
{
    bulk(world, 0);
}

static void path_receive(struct world *world)
{
    bulk(world, 1);
}

static void path_read(struct world *world)
{
    bulk(world, 2);
}

static void path_ack(struct world *world)
{
    bulk(world, 3);
}

/* 64 bytes there and back: all that both hosts do. */
static void path_request(struct world *world)
{
    for (int i = 0; i < OPERATIONS; i++) {
        world->env.now += 100000;
        measure_write(world, world->client, 64);
        collect(world, 0);
        measure_input(world, 1);
        (void)measure_read(world, world->server);
        measure_write(world, world->server, 64);
        collect(world, 1);
        measure_input(world, 0);
        (void)measure_read(world, world->client);
    }
}

/* Until who is silent is at rest: many that come to rest at one instant take more than a turn. */
static void rest(struct world *world)
{
    world->env.now += 2000000000;
    for (int i = 0; i < 2; i++)
        while (tcpip_stack_advance(world->stacks[i], 0))
            continue;
    settle(world);
}

/* A delayed ACK's timer, among 1,000 connections that wait for their keepalive. */
static void path_timer(struct world *world)
{
    for (int i = 0; i < IDLE; i++) {
        struct tcpip_endpoint *client, *server;
        connect_pair(world, &client, &server);
        must(tcpip_endpoint_set_option(client, TCPIP_OPTION_KEEPALIVE, 1), "keepalive");
    }
    rest(world);
    for (int i = 0; i < OPERATIONS; i++) {
        size_t done;
        must(tcpip_endpoint_write(world->client, world->data, 64, 0, NULL, &done), "write");
        collect(world, 0);
        input(world, 1);
        must(tcpip_endpoint_read(world->server, world->data, sizeof(world->data), &done, NULL), "read");
        world->env.now += 200000000;
        measure_timers(world, 1);
        settle(world);
    }
}

/* The handshake, both hosts; closing isn't counted. */
static void path_handshake(struct world *world)
{
    struct tcpip_full_address to = {.address = tcpip_address_v4(10, 0, 0, 2), .port = 80};
    for (int i = 0; i < OPERATIONS; i++) {
        struct tcpip_endpoint *client = open_one(world, 0, 0), *server;
        must(tcpip_endpoint_connect(client, &to), "connect");
        collect(world, 0);
        measure_input(world, 1);
        collect(world, 1);
        measure_input(world, 0);
        collect(world, 0);
        measure_input(world, 1);
        must(tcpip_endpoint_accept(world->listener, &server, NULL), "accept");
        tcpip_endpoint_close(client);
        tcpip_endpoint_close(server);
        world->env.now += 1000000000;
        settle(world);
        (void)tcpip_stack_advance(world->stacks[0], 0);
        (void)tcpip_stack_advance(world->stacks[1], 0);
        settle(world);
    }
}

/* What calling a measured function costs by itself: subtracted from none, and near nothing. */
static void path_nothing(struct world *world)
{
    for (int i = 0; i < OPERATIONS; i++)
        measure_nothing(world, 0);
}

static const struct {
    const char *name;
    void (*walk)(struct world *world);
} paths[] = {
    {"nothing", path_nothing}, {"tx-segment", path_send},          {"rx-data", path_receive},     {"read", path_read},
    {"rx-ack", path_ack},      {"request-response", path_request}, {"handshake", path_handshake}, {"timer", path_timer},
};

int main(int argc, char **argv)
{
    static struct world world;
    size_t i = 0, count = sizeof(paths) / sizeof(paths[0]);
    while (i < count && (argc != 2 || strcmp(argv[1], paths[i].name) != 0))
        i++;
    if (i == count) {
        for (i = 0; i < count; i++)
            printf("%s\n", paths[i].name);
        return argc == 1 ? 0 : 2;
    }
    test_env_init(&world.env, 1);
    host(&world, 0);
    host(&world, 1);
    world.listener = open_one(&world, 1, 80);
    must(tcpip_endpoint_listen(world.listener, 16), "listen");
    connect_pair(&world, &world.client, &world.server);
    for (int warm = 0; warm < 20; warm++)
        bulk(&world, -1);
    paths[i].walk(&world);
    printf("%d\n", OPERATIONS);
    tcpip_stack_free(world.stacks[0]);
    tcpip_stack_free(world.stacks[1]);
    tcpip_channel_free(world.links[0]);
    tcpip_channel_free(world.links[1]);
    return 0;
}
