// SPDX-License-Identifier: MIT
/* world.c: a stack on a channel link, in virtual time.
 *
 * The clock stands still while the stack works and moves only in world_go, to an instant that the stack or the script
 * named. So a packet's time is exact, and a script takes no longer than its packets need.
 *
 * Owns:       the stack, the link, what was sent and not yet looked at.
 * Invariants: packets in `sent` are in the order in which the link got them; their times never fall.
 * Not here:   what is expected (run.c), sockets (call.c). */
#include "world.h"

#include "failing.h"

#include <tcpip/congestion.h>

#include <tcpip/header/print.h>
#include <tcpip/link.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NIC = 1, STEPS_MAX = 100000, QUEUE_PACKETS = 8192 };

/* ---- birth and end ---- */

static void world_fatal(struct test_env *env, const char *file, int line, const char *what)
{
    struct world *world = env->user;
    snprintf(world->fatal, sizeof world->fatal, "an assertion of the library failed: %s:%d: %s", file, line, what);
    longjmp(world->on_fatal, 1);
}

static struct world *trap_world;
extern const char __executable_start[];

/* Assertions in places that have no way to the environment are an illegal instruction. Jumping out of it is safe
 * enough: nothing of this world is touched again. */
static void on_trap(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (trap_world == NULL) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    snprintf(trap_world->fatal, sizeof trap_world->fatal,
             "an assertion of the library failed: addr2line -pife %s 0x%tx", program_invocation_name,
             (const char *)info->si_addr - __executable_start);
    longjmp(trap_world->on_fatal, 1);
}

void world_catch_traps(struct world *world)
{
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER};
    trap_world = world;
    sigaction(SIGILL, &action, NULL);
}

static bool parse_ends(struct world *world, char *why)
{
    const struct script *script = world->script;
    bool v6 = world->ends.v6;
    const char *local = script->local_ip != NULL ? script->local_ip : v6 ? "2001:db8:a::1" : "192.0.2.1";
    const char *remote = script->remote_ip != NULL ? script->remote_ip : v6 ? "2001:db8:b::2" : "198.51.100.2";
    struct tcpip_address address[2];
    const char *text[2] = {local, remote};
    for (int i = 0; i < 2; i++) {
        if (tcpip_address_parse(text[i], &address[i]) != TCPIP_OK || address[i].len != (v6 ? 16 : 4)) {
            snprintf(why, WORLD_WHY_MAX, "%s isn't an address of IPv%d", text[i], v6 ? 6 : 4);
            return false;
        }
    }
    memcpy(world->ends.local, address[0].bytes, 16);
    memcpy(world->ends.remote, address[1].bytes, 16);
    return true;
}

static void make_limits(const struct script *script, struct tcpip_limits *limits)
{
    tcpip_limits_default(limits);
    for (unsigned i = 0; i < script->limit_count; i++) {
        uint32_t small = (uint32_t)script->limits[i].value;
        char *field = (char *)limits + script->limits[i].offset;
        if (script->limits[i].size == sizeof small)
            memcpy(field, &small, sizeof small);
        else
            memcpy(field, &script->limits[i].value, sizeof script->limits[i].value);
    }
}

static enum tcpip_error set_addresses(struct world *world)
{
    struct tcpip_address local = world_local_address(world);
    if (tcpip_address_is_v4_mapped(&local))
        local = tcpip_address_v4(local.bytes[12], local.bytes[13], local.bytes[14], local.bytes[15]);
    struct tcpip_prefix prefix = {.address = local, .bits = world->ends.v6 ? 64 : 24};
    struct tcpip_address_properties properties = {.size = sizeof properties, .flags = TCPIP_ADDRESS_NO_DAD};
    enum tcpip_error error = tcpip_stack_add_address(world->stack, NIC, &prefix, &properties);
    if (error != TCPIP_OK)
        return error;
    struct tcpip_route_entry route = {.destination = {.address = {.len = local.len}}, .nic = NIC};
    return tcpip_stack_set_route_table(world->stack, &route, 1, TCPIP_ROUTE_FIRST_MATCH);
}

static enum tcpip_error set_options(struct world *world)
{
    for (unsigned i = 0; i < world->script->set_count; i++) {
        enum tcpip_error error =
            tcpip_stack_set_default(world->stack, world->script->sets[i].option, world->script->sets[i].value);
        if (error != TCPIP_OK)
            return error;
    }
    const char *congestion = world->script->congestion;
    return congestion != NULL ? tcpip_congestion_set_default(world->stack, congestion) : TCPIP_OK;
}

static enum tcpip_tcp_verdict on_syn(void *ctx, struct tcpip_tcp_forward_request *request)
{
    static const enum tcpip_tcp_verdict verdicts[] = {
        [FORWARD_ACCEPT] = TCPIP_TCP_FORWARD_ACCEPT,
        [FORWARD_DEFER] = TCPIP_TCP_FORWARD_DEFER,
        [FORWARD_RESET] = TCPIP_TCP_FORWARD_RESET,
        [FORWARD_DROP] = TCPIP_TCP_FORWARD_DROP,
        [FORWARD_NET_UNREACHABLE] = TCPIP_TCP_FORWARD_NET_UNREACHABLE,
        [FORWARD_HOST_UNREACHABLE] = TCPIP_TCP_FORWARD_HOST_UNREACHABLE,
        [FORWARD_PORT_UNREACHABLE] = TCPIP_TCP_FORWARD_PORT_UNREACHABLE,
        [FORWARD_PROHIBITED] = TCPIP_TCP_FORWARD_PROHIBITED,
    };
    struct world *world = ctx;
    if (world->script->forward == FORWARD_DEFER) {
        if (world->deferred_count == sizeof world->deferred / sizeof world->deferred[0])
            return TCPIP_TCP_FORWARD_DROP;
        world->deferred[world->deferred_count++] = request;
    }
    return verdicts[world->script->forward];
}

static void on_connection(void *ctx, struct tcpip_endpoint *endpoint)
{
    struct world *world = ctx;
    if (world->forwarded_count < sizeof world->forwarded / sizeof world->forwarded[0])
        world->forwarded[world->forwarded_count++] = endpoint;
    else
        tcpip_endpoint_close(endpoint);
}

static void on_gone(void *ctx, struct tcpip_tcp_forward_request *request, enum tcpip_error why)
{
    struct world *world = ctx;
    unsigned kept = 0;
    (void)why;
    for (unsigned i = 0; i < world->deferred_count; i++)
        if (world->deferred[i] != request)
            world->deferred[kept++] = world->deferred[i];
    world->deferred_count = kept;
}

static enum tcpip_error set_forwarder(struct world *world)
{
    if (world->script->forward == FORWARD_NONE)
        return TCPIP_OK;
    struct tcpip_tcp_forwarder forwarder = {
        .size = sizeof forwarder,
        .on_syn = on_syn,
        .on_connection = on_connection,
        .on_gone = on_gone,
        .ctx = world,
    };
    return tcpip_tcp_set_forwarder(world->stack, &forwarder);
}

static void set_flows(struct world *world)
{
    const struct script *script = world->script;
    for (unsigned i = 0; i < SCRIPT_FLOWS_MAX; i++) {
        struct flow *flow = &world->flows[i];
        flow->remote_offset = world->variant.remote_isn;
        flow->remote_ts_offset = world->variant.remote_ts;
        flow->remote_port = script->flows[i].remote_port;
        flow->local_port = script->flows[i].local_port;
        flow->bound = flow->remote_port != 0 && flow->local_port != 0;
    }
}

bool world_init(struct world *world, const struct script *script, const struct variant *variant, char *why)
{
    test_env_init(&world->env, 1);
    world->env.now = variant->start;
    world->env.on_fatal = world_fatal;
    world->env.user = world;
    world->script = script;
    world->variant = *variant;
    world->last_fd = -1;
    world->ends.v6 = variant->ip_version == IP_V6;
    set_flows(world);
    if (!parse_ends(world, why))
        return false;
    struct tcpip_channel_options channel = {
        .size = sizeof channel,
        .mtu = script->mtu != 0 ? script->mtu
               : world->ends.v6 ? 1520
                                : 1500,
        .queue_packets = QUEUE_PACKETS,
    };
    struct tcpip_limits limits;
    make_limits(script, &limits);
    world->link = tcpip_channel_new(&world->env.env, &channel);
    enum tcpip_error error = TCPIP_ERR_NO_MEMORY;
    const char *what = "tcpip_stack_new";
    if (world->link != NULL)
        error = tcpip_stack_new(&world->env.env, &limits, &tcpip_protocols_all, &world->stack);
    if (error == TCPIP_OK) {
        what = "tcpip_stack_create_nic";
        error = tcpip_stack_create_nic(world->stack, NIC, world->link, NULL);
    }
    if (error == TCPIP_OK) {
        tcpip_tcp_set_fast_open_key(world->stack, script_fast_open_keys.key[0], NULL);
        what = "adding an address and a route";
        error = set_addresses(world);
    }
    if (error == TCPIP_OK) {
        what = "--set";
        error = set_options(world);
    }
    if (error == TCPIP_OK) {
        what = "tcpip_tcp_set_forwarder";
        error = set_forwarder(world);
    }
    if (error != TCPIP_OK)
        snprintf(why, WORLD_WHY_MAX, "%s: %s", what, tcpip_error_text(error));
    return error == TCPIP_OK;
}

/* One write that lent its bytes; they live as long as the stack. */
struct lent {
    struct lent *next;
    const struct tcpip_endpoint *endpoint;
    uint64_t call; /* of this endpoint, from 0 */
    uint8_t *bytes;
    size_t size;
};

void world_lend(struct world *world, struct socket *socket, uint8_t *bytes, size_t size)
{
    struct lent *lent = malloc(sizeof *lent);
    if (lent == NULL)
        abort();
    *lent = (struct lent){world->lent, socket->endpoint, socket->lent++, bytes, size};
    world->lent = lent;
}

void world_lent_back(struct world *world, const struct socket *socket, uint64_t first, uint64_t last)
{
    for (struct lent *lent = world->lent; lent != NULL; lent = lent->next) {
        if (lent->endpoint == socket->endpoint && lent->call >= first && lent->call <= last)
            memset(lent->bytes, 0, lent->size);
    }
}

static void free_lent(struct world *world)
{
    while (world->lent != NULL) {
        struct lent *lent = world->lent;
        world->lent = lent->next;
        free(lent->bytes);
        free(lent);
    }
}

bool world_fini(struct world *world, char *why)
{
    struct sent_packet *packet;
    while ((packet = world_take(world)) != NULL)
        free(packet);
    free(world->log);
    if (world->fatal[0] != 0)
        return true; /* nobody knows what is whole in there */
    if (world->stack != NULL)
        tcpip_stack_free(world->stack);
    free_lent(world);
    if (world->link != NULL)
        tcpip_channel_free(world->link);
    uint64_t kept = test_env_used(&world->env), blocks = world->env.allocs - world->env.frees;
    if (kept == 0 && blocks == 0)
        return true;
    snprintf(why, WORLD_WHY_MAX, "%" PRIu64 " bytes in %" PRIu64 " blocks weren't given back", kept, blocks);
    return false;
}

/* ---- time ---- */

tcpip_ns world_now(const struct world *world)
{
    return world->time;
}

tcpip_ns world_deadline(const struct world *world)
{
    tcpip_ns at = tcpip_stack_deadline(world->stack);
    if (at == TCPIP_NEVER)
        return at;
    if (at <= world->env.now)
        return world->time;
    /* Between two ticks nobody sees that it is due. */
    tcpip_ns tick = world->script->tick, since = at - world->variant.start;
    return tick > 0 ? (since + tick - 1) / tick * tick : since;
}

/* Chatter below the connections: a link without multicast and without addresses should cause none. */
static bool is_chatter(const uint8_t *bytes, size_t size)
{
    if (size > 40 && bytes[0] >> 4 == 6)
        return bytes[6] == 0 || (bytes[6] == TCPIP_PROTOCOL_ICMPV6 && bytes[40] >= 130 && bytes[40] <= 143);
    return size > 20 && bytes[9] == TCPIP_PROTOCOL_IGMP;
}

static void log_packet(struct world *world, const uint8_t *bytes, size_t size)
{
    char line[1400];
    world_print(world, bytes, size, line, sizeof line);
    size_t length = strlen(line);
    if (world->verbose)
        printf("# %12.6f %s\n", (double)world_now(world) / 1e9, line);
    if (world->log_room - world->log_used < length + 32) {
        world->log_room = world->log_room * 2 + 4096;
        world->log = realloc(world->log, world->log_room);
        if (world->log == NULL)
            abort();
    }
    world->log_used +=
        (size_t)sprintf(world->log + world->log_used, "%12.6f %s\n", (double)world_now(world) / 1e9, line);
}

static void collect(struct world *world)
{
    struct tcpip_packet *packet;
    while ((packet = tcpip_channel_collect(world->link)) != NULL) {
        struct sent_packet *sent = malloc(sizeof *sent + packet->length);
        if (sent == NULL)
            abort();
        sent->next = NULL;
        sent->at = world_now(world);
        sent->size = tcpip_packet_copy_out(packet, 0, sent->bytes, packet->length);
        tcpip_packet_free(packet);
        if (is_chatter(sent->bytes, sent->size)) {
            free(sent);
            continue;
        }
        log_packet(world, sent->bytes, sent->size);
        if (world->sent_last != NULL)
            world->sent_last->next = sent;
        else
            world->sent = sent;
        world->sent_last = sent;
    }
}

bool world_settle(struct world *world)
{
    collect(world);
    while (tcpip_stack_deadline(world->stack) <= world->env.now) {
        if (world->steps++ > STEPS_MAX)
            return false;
        tcpip_stack_advance(world->stack, 0);
        collect(world);
    }
    return true;
}

bool world_go(struct world *world, tcpip_ns at)
{
    if (at > world_now(world)) {
        world->time = at;
        tcpip_ns tick = world->script->tick;
        world->env.now = world->variant.start + (tick > 0 ? at / tick * tick : at);
        world->steps = 0;
    }
    return world_settle(world);
}

/* ---- packets ---- */

void world_inject(struct world *world, const uint8_t *bytes, size_t size)
{
    log_packet(world, bytes, size);
    if (tcpip_channel_inject_bytes(world->link, bytes, size) != TCPIP_OK && world->env.fail_at == 0 && failing.at == 0)
        abort(); /* memory runs out only where it was made to */
}

struct sent_packet *world_take(struct world *world)
{
    struct sent_packet *packet = world->sent;
    if (packet != NULL) {
        world->sent = packet->next;
        if (world->sent == NULL)
            world->sent_last = NULL;
    }
    return packet;
}

const struct flow *world_flow_of(const struct world *world, const struct wire_view *view)
{
    bool local = memcmp(view->ip.source, world->ends.local, world->ends.v6 ? 16 : 4) == 0;
    for (unsigned i = SCRIPT_FLOWS_MAX; i-- > 0;) {
        const struct flow *flow = &world->flows[i];
        if ((flow->local_known || flow->remote_started) && flow_owns(flow, view, local))
            return flow;
    }
    return NULL;
}

void world_print(const struct world *world, const uint8_t *bytes, size_t size, char *out, size_t out_size)
{
    struct wire_view view;
    char wire[TCPIP_PACKET_TEXT_MAX], text[600];
    tcpip_packet_print(wire, sizeof wire, bytes, size, TCPIP_PRINT_IP);
    const char *wrong = wire_read(bytes, size, &view);
    if (wrong != NULL) {
        snprintf(out, out_size, "(%s) %s", wrong, wire);
        return;
    }
    flow_print(world_flow_of(world, &view), &world->ends, &view, text, sizeof text);
    snprintf(out, out_size, "%s    | %s", text, wire);
}

/* ---- sockets and addresses ---- */

static struct tcpip_address as_endpoint_sees(const struct world *world, const uint8_t *bytes)
{
    if (world->ends.v6)
        return tcpip_address_v6(bytes);
    struct tcpip_address address = tcpip_address_v4(bytes[0], bytes[1], bytes[2], bytes[3]);
    return world->variant.ip_version == IP_V4_MAPPED ? tcpip_address_to_mapped(&address) : address;
}

struct tcpip_address world_local_address(const struct world *world)
{
    return as_endpoint_sees(world, world->ends.local);
}

struct tcpip_address world_remote_address(const struct world *world)
{
    return as_endpoint_sees(world, world->ends.remote);
}

uint32_t world_network(const struct world *world)
{
    return world->variant.ip_version == IP_V4 ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6;
}

int world_socket_add(struct world *world, struct tcpip_endpoint *endpoint, bool stream, bool nonblocking)
{
    for (int fd = 3; fd < WORLD_SOCKETS_MAX; fd++) {
        if (world->sockets[fd].endpoint == NULL) {
            world->sockets[fd] = (struct socket){.endpoint = endpoint, .stream = stream, .nonblocking = nonblocking};
            return fd;
        }
    }
    return -1;
}
