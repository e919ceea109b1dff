// SPDX-License-Identifier: MIT
/* bench.c: two stacks, a wire with delay between them, and a clock that goes from event to event.
 *
 * The attacker's packets reach the victim at once, because that is the worst case; what the victim sends him is counted
 * and shown to the attack. Honest packets take 10 ms each way, so that a handshake is half-open for a while. Memory is
 * the victim's account (src/base/memory.c), looked at after every packet.
 *
 * Owns:       struct bench.
 * Invariants: the clocks of both hosts are equal.
 * Not here:   what honest hosts do (honest.c), attacks (one file per family), the table (main.c). */
#include "bench.h"

#include "honest.h"
#include "stack/stack.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIRE_PACKETS = 1 << 14, BENCH_TICK_PACKETS = 16 };
static const tcpip_ns bench_delay_ns = 10 * TCPIP_MS;

const uint8_t bench_link_victim[6] = {2, 0, 0, 0, 0, 1}, bench_link_client[6] = {2, 0, 0, 0, 0, 2};
const uint8_t bench_link_router[6] = {2, 0, 0, 0, 0, 0xfe}, bench_link_attacker[6] = {2, 0, 0, 0, 0, 0x66};

struct bench_wire {
    struct {
        tcpip_ns at;
        uint8_t *bytes;
        size_t size;
    } packets[WIRE_PACKETS];
    uint32_t first, count;
};

static void bench_must(enum tcpip_error error, const char *what)
{
    if (error == TCPIP_OK)
        return;
    fprintf(stderr, "adversary: %s: %s\n", what, tcpip_error_text(error));
    exit(1);
}

void bench_fail(struct bench *bench, const char *format, ...)
{
    va_list arguments;
    if (bench->failure[0] != 0)
        return;
    va_start(arguments, format);
    vsnprintf(bench->failure, sizeof(bench->failure), format, arguments);
    va_end(arguments);
}

void bench_pattern(uint8_t *out, size_t size, uint64_t at)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)((at + i) * 31 + (at + i) / 251);
}

uint64_t bench_random(struct bench *bench)
{
    uint64_t x = bench->random += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint32_t bench_amount(const struct bench *bench, uint32_t slice, uint32_t whole)
{
    uint32_t amount = bench->scale == BENCH_WHOLE ? whole : slice;
    return bench->scale == BENCH_COUNT && amount > 2000 ? 2000 : amount;
}

struct ip bench_victim(const struct bench *bench)
{
    return bench->options.v6 ? ip6(1) : ip4(10, 0, 0, 1);
}

struct ip bench_client(const struct bench *bench)
{
    return bench->options.v6 ? ip6(2) : ip4(10, 0, 0, 2);
}

uint64_t bench_packets_ratio(const struct bench *bench)
{
    return bench->in_packets == 0 ? 0 : bench->out_packets * 1000 / bench->in_packets;
}

uint64_t bench_bytes_ratio(const struct bench *bench)
{
    return bench->in_bytes == 0 ? 0 : bench->out_bytes * 1000 / bench->in_bytes;
}

const struct tcpip_stats *bench_stats(const struct bench *bench)
{
    return &bench->victim.stack->stats;
}

/* ---- the wire ---- */

static void wire_put(struct bench *bench, struct bench_wire *wire, const uint8_t *bytes, size_t size)
{
    if (wire->count == WIRE_PACKETS)
        return; /* lost */
    uint32_t i = (wire->first + wire->count++) % WIRE_PACKETS;
    wire->packets[i].at = bench->now + bench_delay_ns;
    wire->packets[i].size = size;
    wire->packets[i].bytes = malloc(size);
    if (wire->packets[i].bytes == NULL)
        bench_must(TCPIP_ERR_NO_MEMORY, "wire");
    memcpy(wire->packets[i].bytes, bytes, size);
}

static tcpip_ns wire_next_at(const struct bench_wire *wire)
{
    return wire->count > 0 ? wire->packets[wire->first].at : TCPIP_NEVER;
}

static bool wire_deliver(struct bench *bench, struct bench_host *host)
{
    struct bench_wire *wire = host->to;
    if (wire_next_at(wire) > bench->now)
        return false;
    if (tcpip_channel_inject_bytes(host->channel, wire->packets[wire->first].bytes, wire->packets[wire->first].size) !=
        TCPIP_OK)
        bench->refused++;
    free(wire->packets[wire->first].bytes);
    wire->first = (wire->first + 1) % WIRE_PACKETS;
    wire->count--;
    return true;
}

static void wire_free(struct bench_wire *wire)
{
    for (; wire->count > 0; wire->count--, wire->first = (wire->first + 1) % WIRE_PACKETS)
        free(wire->packets[wire->first].bytes);
    free(wire);
}

/* A packet of the victim's: to the clients, or to whom the attacker pretended to be. */
static void bench_sort_out(struct bench *bench, const uint8_t *bytes, size_t size)
{
    size_t frame = bench->options.ethernet ? 14 : 0;
    bool group = frame != 0 && (bytes[0] & 1) != 0;
    struct seen seen;
    bool ip = craft_read(bytes + frame, size - frame, &seen);
    bool to_client = frame != 0 ? memcmp(bytes, bench_link_client, 6) == 0
                                : ip && (ip_equal(seen.to, ip4(10, 0, 0, 2)) || ip_equal(seen.to, ip6(2)));
    if (to_client || group)
        wire_put(bench, bench->clients.to, bytes, size);
    if (to_client)
        return;
    bench->out_packets++;
    bench->out_bytes += size - frame;
    if (bench->options.on_out != NULL)
        bench->options.on_out(bench, &seen);
}

static bool bench_collect(struct bench *bench, struct bench_host *host)
{
    static uint8_t bytes[CRAFT_MAX];
    struct tcpip_packet *packet;
    bool any = false;
    for (; (packet = tcpip_channel_collect(host->channel)) != NULL; any = true) {
        size_t size = packet->length;
        if (size > sizeof(bytes) || tcpip_packet_copy_out(packet, 0, bytes, (uint32_t)size) != size)
            bench_must(TCPIP_ERR_MESSAGE_TOO_LONG, "packet");
        tcpip_packet_free(packet);
        if (host == &bench->victim) {
            bench_sort_out(bench, bytes, size);
        } else {
            honest_sniff(bench, bytes, size);
            wire_put(bench, bench->victim.to, bytes, size);
        }
    }
    return any;
}

/* ---- time ---- */

static void bench_clock(struct bench *bench, tcpip_ns now)
{
    bench->now = bench->victim.env.now = bench->clients.env.now = now;
}

static void bench_look(struct bench *bench)
{
    uint64_t used = bench->victim.stack->memory.used_bytes;
    bench->memory_peak = used > bench->memory_peak ? used : bench->memory_peak;
}

static bool bench_advance(struct bench *bench, struct bench_host *host)
{
    if (tcpip_stack_deadline(host->stack) > bench->now)
        return false;
    (void)tcpip_stack_advance(host->stack, 0);
    return true;
}

/* Until nothing more happens at this instant. */
static void bench_settle(struct bench *bench)
{
    for (bool more = true; more;) {
        more = bench_advance(bench, &bench->victim);
        more = bench_advance(bench, &bench->clients) || more;
        more = bench_collect(bench, &bench->victim) || more;
        more = bench_collect(bench, &bench->clients) || more;
        more = wire_deliver(bench, &bench->victim) || more;
        more = wire_deliver(bench, &bench->clients) || more;
        more = honest_serve(bench) || more;
        bench_look(bench);
        if (!more && bench->now >= bench->tick_at) {
            bench->tick_at = bench->now + TCPIP_MS;
            honest_tick(bench);
            more = true;
        }
    }
}

static tcpip_ns bench_next_at(const struct bench *bench)
{
    tcpip_ns all[] = {tcpip_stack_deadline(bench->victim.stack), tcpip_stack_deadline(bench->clients.stack),
                      wire_next_at(bench->victim.to), wire_next_at(bench->clients.to),
                      bench->flowing || bench->connects_begun > bench->connects_good + bench->connects_bad
                          ? bench->tick_at
                          : TCPIP_NEVER};
    tcpip_ns next = all[0];
    for (size_t i = 1; i < sizeof(all) / sizeof(all[0]); i++)
        next = all[i] < next ? all[i] : next;
    return next;
}

void bench_run(struct bench *bench, tcpip_ns duration)
{
    tcpip_ns end = bench->now + duration;
    for (;;) {
        bench_settle(bench);
        tcpip_ns next = bench_next_at(bench);
        if (next >= end)
            break;
        bench_clock(bench, next > bench->now ? next : bench->now);
    }
    bench_clock(bench, end);
}

/* ---- the attack ---- */

/* What callgrind counts (run.py). */
__attribute__((noinline)) static enum tcpip_error measure_attack(struct tcpip_link *link, const uint8_t *bytes,
                                                                 size_t size)
{
    return tcpip_channel_inject_bytes(link, bytes, size);
}

void bench_attack(struct bench *bench, const uint8_t *bytes, size_t size)
{
    bench->measured++;
    bench->in_packets++;
    bench->in_bytes += size - (bench->options.ethernet ? 14u : 0u);
    if (measure_attack(bench->victim.channel, bytes, size) != TCPIP_OK)
        bench->refused++;
    bench_look(bench);
    (void)bench_collect(bench, &bench->victim);
}

void bench_attack_ip(struct bench *bench, size_t size)
{
    static uint8_t frame[CRAFT_MAX + 64];
    if (!bench->options.ethernet) {
        bench_attack(bench, bench->packet, size);
        return;
    }
    bench_attack(bench, frame, craft_frame(frame, bench_link_victim, bench_link_router, bench->packet, size));
}

void bench_attack_tcp(struct bench *bench, const struct segment *segment)
{
    bench_attack_ip(bench, craft_tcp(bench->packet, segment));
}

void bench_flood(struct bench *bench, uint32_t count, uint32_t rate, void (*one)(struct bench *bench, uint32_t i))
{
    tcpip_ns began = bench->now;
    for (uint32_t i = 0; i < count; i++) {
        tcpip_ns due = began + (tcpip_ns)i * TCPIP_SECOND / rate;
        if (i % BENCH_TICK_PACKETS == 0 || due - bench->now > TCPIP_MS)
            bench_run(bench, due - bench->now);
        one(bench, i);
    }
    bench_settle(bench);
}

/* ---- life ---- */

static void bench_address(struct tcpip_stack *stack, const char *text)
{
    struct tcpip_prefix prefix;
    struct tcpip_address_properties properties = {.size = sizeof(properties), .flags = TCPIP_ADDRESS_NO_DAD};
    bench_must(tcpip_prefix_parse(text, &prefix), "address");
    bench_must(tcpip_stack_add_address(stack, 1, &prefix, &properties), "address");
}

static void bench_route(struct tcpip_stack *stack, const char *to, const char *by)
{
    struct tcpip_route_entry row = {.nic = 1};
    bench_must(tcpip_prefix_parse(to, &row.destination), "route");
    if (by != NULL)
        bench_must(tcpip_address_parse(by, &row.gateway), "route");
    bench_must(tcpip_stack_add_route(stack, &row), "route");
}

static void bench_router(struct tcpip_stack *stack, const char *text)
{
    struct tcpip_address router;
    struct tcpip_link_address link = {.len = 6};
    memcpy(link.bytes, bench_link_router, 6);
    bench_must(tcpip_address_parse(text, &router), "router");
    bench_must(tcpip_stack_add_static_neighbor(stack, 1, &router, &link), "router");
}

/* TEST_TRACE=1 in the environment prints every event of the victim. */
static void bench_trace(void *ctx, const struct tcpip_event *event)
{
    char line[512];
    (void)ctx;
    (void)tcpip_event_print(event, line, sizeof(line));
    printf("# %s\n", line);
}

static void bench_host_init(struct bench *bench, struct bench_host *host, const uint8_t *link_address)
{
    bool victim = host == &bench->victim;
    struct tcpip_channel_options channel = {.size = sizeof(channel), .queue_packets = 1u << 16};
    test_env_init(&host->env, victim ? 1 : 2);
    if (victim && getenv("TEST_TRACE") != NULL)
        host->env.env.trace = bench_trace;
    host->channel = tcpip_channel_new(&host->env.env, &channel);
    struct tcpip_link *link = host->channel;
    if (bench->options.ethernet) {
        struct tcpip_link_address address = {.len = 6};
        memcpy(address.bytes, link_address, 6);
        link = host->ethernet = tcpip_ethernet_new(&host->env.env, link, address);
    }
    host->to = calloc(1, sizeof(*host->to));
    if (link == NULL || host->to == NULL)
        bench_must(TCPIP_ERR_NO_MEMORY, "host");
    bench_must(
        tcpip_stack_new(&host->env.env, victim ? bench->options.limits : NULL, &tcpip_protocols_all, &host->stack),
        "stack");
    bench_must(tcpip_stack_create_nic(host->stack, 1, link, NULL), "NIC");
    bench_address(host->stack, victim ? "10.0.0.1/24" : "10.0.0.2/24");
    bench_address(host->stack, victim ? "fd00::1/64" : "fd00::2/64");
    if (!bench->options.ethernet) {
        bench_route(host->stack, "0.0.0.0/0", NULL);
        bench_route(host->stack, "::/0", NULL);
        return;
    }
    bench_router(host->stack, "10.0.0.254");
    bench_router(host->stack, "fd00::fe");
    bench_route(host->stack, "10.0.0.0/16", NULL); /* wide, so that there is something to scan */
    bench_route(host->stack, "fd00::/64", NULL);
    bench_route(host->stack, "0.0.0.0/0", "10.0.0.254");
    bench_route(host->stack, "::/0", "fd00::fe");
}

static void bench_host_fini(struct bench_host *host)
{
    tcpip_stack_free(host->stack);
    if (host->ethernet != NULL)
        tcpip_ethernet_free(host->ethernet);
    tcpip_channel_free(host->channel);
    wire_free(host->to);
    test_env_fini(&host->env);
}

void bench_begin(struct bench *bench, const struct bench_options *options)
{
    bench->options = *options;
    bench->random = 7;
    bench_host_init(bench, &bench->victim, bench_link_victim);
    bench_host_init(bench, &bench->clients, bench_link_client);
    bench_clock(bench, TCPIP_SECOND);
    bench->tick_at = bench->now;
    honest_begin(bench);
    bench_run(bench, 2 * TCPIP_SECOND);
    tcpip_stack_trim(bench->victim.stack);
    bench->memory_before = bench->memory_peak = bench->victim.stack->memory.used_bytes;
    bench->began_at = bench->now;
    bench->in_packets = bench->in_bytes = bench->out_packets = bench->out_bytes = 0;
}

void bench_end(struct bench *bench)
{
    bench->took_ns = bench->now - bench->began_at;
    bench_connect_every(bench, 0);
    honest_finish(bench);
    if (bench->memory_peak - bench->memory_before > bench->memory_bound)
        bench_fail(bench, "%llu bytes more than before, where %llu are allowed",
                   (unsigned long long)(bench->memory_peak - bench->memory_before),
                   (unsigned long long)bench->memory_bound);
    bench_host_fini(&bench->victim);
    bench_host_fini(&bench->clients);
}
