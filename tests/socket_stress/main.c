// SPDX-License-Identifier: MIT
/* main.c: tcpip-socket-stress [ROUNDS [SCENARIO]]: sixteen threads on one stack, for ThreadSanitizer and for us.
 *
 * Each scenario runs with the background thread and without it, and ends because its work is done, not because time is
 * over. What a thread receives is checked byte by byte. Nothing here is random but the sizes.
 *
 * Owns: the hosts of the scenario that runs. */
#include "stress.h"

#include "socket/sockets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tcpip/fdbased.h>
#include <time.h>

_Noreturn void stress_failed(const char *what, const char *file, int line)
{
    fflush(stdout);
    fprintf(stderr, "%s:%d: Assertion %s failed: %m\n", file, line, what);
    abort();
}

uint32_t stress_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* ---- hosts ---- */

static void host_address(struct host *host, uint32_t nic, const char *text)
{
    struct tcpip_prefix prefix;
    check(tcpip_prefix_parse(text, &prefix) == TCPIP_OK);
    check(tcpip_stack_add_address(host->stack, nic, &prefix, NULL) == TCPIP_OK);
    struct tcpip_route_entry route = {.destination = prefix, .nic = nic};
    check(tcpip_stack_add_route(host->stack, &route) == TCPIP_OK);
}

static void *host_keep(void *argument)
{
    struct host *host = argument;
    char room[1];
    check(tcpip_recv(host->s, host->keeper, room, sizeof(room), 0) == 0);
    return NULL;
}

static void host_keep_begin(struct host *host)
{
    struct sockaddr_in address = stress_address(INADDR_LOOPBACK, 1);
    host->keeper = tcpip_socket(host->s, AF_INET, SOCK_DGRAM, 0);
    check(tcpip_bind(host->s, host->keeper, (struct sockaddr *)&address, sizeof(address)) == 0);
    check(tcpip_connect(host->s, host->keeper, (struct sockaddr *)&address, sizeof(address)) == 0);
    check(pthread_create(&host->keeper_thread, NULL, host_keep, host) == 0);
    stress_await_sleepers(host, 0);
}

static void host_init(struct host *host, int fd, const char *address, uint32_t number, bool no_background)
{
    struct tcpip_fdbased_options wire = {.size = sizeof(wire), .fd = fd, .owns_fd = true, .mtu = 1500};
    struct tcpip_sockets_options options = {.size = sizeof(options), .no_background = no_background};
    tcpip_posix_env(&host->env);
    host->address = number;
    host->loopback = tcpip_loopback_new(&host->env, 0);
    check(host->loopback != NULL);
    check(tcpip_fdbased_new(&host->env, &wire, &host->wire) == TCPIP_OK);
    check(tcpip_stack_new(&host->env, NULL, &tcpip_protocols_all, &host->stack) == TCPIP_OK);
    check(tcpip_stack_create_nic(host->stack, 1, host->loopback, NULL) == TCPIP_OK);
    check(tcpip_stack_create_nic(host->stack, 2, host->wire, NULL) == TCPIP_OK);
    host_address(host, 1, "127.0.0.1/8");
    host_address(host, 2, address);
    check(tcpip_sockets_new(host->stack, &options, &host->s) == TCPIP_OK);
    check(tcpip_sockets_add_link(host->s, host->wire) == TCPIP_OK);
    host->keeper = -1;
    if (no_background)
        host_keep_begin(host);
}

void stress_init(struct stress *stress, bool no_background)
{
    int pair[2];
    check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    host_init(&stress->host[0], pair[0], "10.9.0.1/24", 0x0a090001, no_background);
    host_init(&stress->host[1], pair[1], "10.9.0.2/24", 0x0a090002, no_background);
}

void stress_fini(struct stress *stress)
{
    for (int i = 0; i < 2; i++) {
        struct host *host = &stress->host[i];
        if (host->keeper >= 0) {
            check(tcpip_send(host->s, host->keeper, "", 0, 0) == 0);
            check(pthread_join(host->keeper_thread, NULL) == 0);
        }
        tcpip_sockets_free(host->s);
        tcpip_stack_free(host->stack);
        tcpip_fdbased_free(host->wire);
        tcpip_loopback_free(host->loopback);
    }
}

struct sockaddr_in stress_address(uint32_t address, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    in.sin_addr.s_addr = htonl(address);
    return in;
}

int stress_listen(struct host *host, uint16_t *port)
{
    struct sockaddr_in address = stress_address(INADDR_ANY, 0);
    socklen_t length = sizeof(address);
    int listener = tcpip_socket(host->s, AF_INET, SOCK_STREAM, 0);
    check(listener >= 0);
    check(tcpip_bind(host->s, listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    check(tcpip_listen(host->s, listener, 64) == 0);
    check(tcpip_getsockname(host->s, listener, (struct sockaddr *)&address, &length) == 0);
    *port = ntohs(address.sin_port);
    return listener;
}

void stress_connect(struct host *from, struct host *to, int *client, int *server)
{
    uint16_t port;
    int listener = stress_listen(to, &port);
    struct sockaddr_in address = stress_address(from == to ? INADDR_LOOPBACK : to->address, port);
    *client = tcpip_socket(from->s, AF_INET, SOCK_STREAM, 0);
    check(*client >= 0);
    check(tcpip_connect(from->s, *client, (struct sockaddr *)&address, sizeof(address)) == 0);
    *server = tcpip_accept(to->s, listener, NULL, NULL);
    check(*server >= 0);
    check(tcpip_close(to->s, listener) == 0);
}

void stress_await_sleepers(struct host *host, uint32_t count)
{
    struct timespec moment = {0, 200000};
    count += host->keeper >= 0 ? 1 : 0;
    for (uint32_t asleep = 0; asleep < count; nanosleep(&moment, NULL)) {
        asleep = 0;
        tcpip_sockets_lock(host->s);
        list_for_each(node, &host->s->drive.waits) asleep++;
        tcpip_sockets_unlock(host->s);
    }
}

/* ---- scenarios ---- */

static const struct {
    const char *name;
    void (*run)(struct stress *stress);
} scenarios[] = {
    {"streams over loopback", stress_streams_loopback},
    {"streams over a wire", stress_streams_wire},
    {"datagrams", stress_datagrams},
    {"unix streams", stress_streams_unix},
    {"a crowd at unix listeners", stress_unix_crowd},
    {"sockets that travel", stress_unix_ring},
    {"one connection that all share", stress_one_connection},
    {"descriptors that come and go", stress_descriptors},
    {"close and shutdown against recv", stress_receive_races},
    {"close and shutdown against send", stress_send_races},
    {"close and shutdown against accept", stress_accept_races},
    {"close and shutdown against connect", stress_connect_races},
    {"one epoll instance that all wait for", stress_epoll_shared},
    {"epoll and poll against close", stress_epoll_races},
};

int main(int argc, char **argv)
{
    struct stress stress = {.rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 4};
    int number = 0, count = (int)(sizeof(scenarios) / sizeof(scenarios[0]));
    printf("1..%d\n", argc > 2 ? 2 : 2 * count);
    for (int i = 0; i < 2 * count; i++) {
        const char *name = scenarios[i / 2].name;
        if (argc > 2 && strcmp(argv[2], name) != 0)
            continue;
        printf("# repeat: %s %u '%s'\n", argv[0], stress.rounds, name);
        fflush(stdout);
        stress_init(&stress, i % 2 == 1);
        scenarios[i / 2].run(&stress);
        stress_fini(&stress);
        printf("ok %d - %s%s\n", ++number, name, i % 2 == 1 ? ", no background thread" : "");
        fflush(stdout);
    }
    return 0;
}
