// SPDX-License-Identifier: MIT
/* shake.c: a script as the seed of a fuzzer that knows where the states are.
 *
 * A script leads a connection into a certain state, and says what comes then. Shaken, the packets on the way are lost,
 * doubled, swapped, cut and changed in any field (with sums put right, or they'd not get far), calls are left out or
 * made twice, and now and then memory runs out. What the stack answers isn't known; but it must answer in packets that
 * are whole, come to rest, fail no assertion, and leave nothing behind.
 *
 * Starved, the script is played as it is written, but for one allocation that fails, or all from one on: every place
 * where a script's way takes memory is tried without it.
 *
 * Owns:       the world of one play, and its dice.
 * Invariants: the same script, variant and seed give the same play.
 * Not here:   what is right (run.c). */
#include "shake.h"

#include "call.h"
#include "failing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_MAX = 4, PACKETS_MAX = 4000, WINDING_UP_STEPS = 3000 };

struct shake {
    struct world world;
    const struct event *event;
    uint64_t dice;
    bool starved;     /* nothing is left to the dice */
    unsigned packets; /* seen from the stack */
    uint64_t asked;   /* allocations, of the events alone */
    size_t held_size[HELD_MAX];
    unsigned held_count;
    uint8_t held[HELD_MAX][WIRE_BYTES_MAX];
    uint8_t packet[WIRE_BYTES_MAX];
    char why[WORLD_WHY_MAX];
};

static uint32_t roll(struct shake *shake, uint32_t sides)
{
    shake->dice ^= shake->dice << 13;
    shake->dice ^= shake->dice >> 7;
    shake->dice ^= shake->dice << 17;
    return (uint32_t)((shake->dice * 0x2545f4914f6cdd1du) >> 33) % sides;
}

/* A mistake that is made one time in `times`. */
static bool once_in(struct shake *shake, uint32_t times)
{
    return !shake->starved && roll(shake, times) == 0;
}

/* A number near the one before, or anywhere. */
static uint32_t nudge(struct shake *shake, uint32_t value)
{
    static const uint32_t steps[] = {1, 2, 10, 536, 1460, 32768, 65535, 65536, 1u << 30, 1u << 31};
    uint32_t step = steps[roll(shake, sizeof steps / sizeof steps[0])];
    uint32_t kind = roll(shake, 5);
    return kind < 2 ? value + step : kind < 4 ? value - step : roll(shake, UINT32_MAX);
}

/* ---- packets ---- */

static void mend_sums(struct wire_view *view, uint8_t *packet, size_t size)
{
    /* Built anew from what it says now: the builders put the sums right. */
    uint8_t options[OPTION_BYTES_MAX] = {0};
    static uint8_t payload[65536];
    size_t option_bytes = view->tcp.header_bytes - TCPIP_TCP_HEADER_MIN;
    uint8_t source[16], destination[16];
    struct wire_ip ip = view->ip;
    memcpy(source, ip.source, ip.v6 ? 16 : 4);
    memcpy(destination, ip.destination, ip.v6 ? 16 : 4);
    ip.source = source;
    ip.destination = destination;
    memcpy(options, view->upper + TCPIP_TCP_HEADER_MIN, option_bytes);
    memcpy(payload, view->payload, view->payload_bytes);
    struct tcpip_tcp_fields fields = view->tcp;
    size_t made = wire_build_tcp(packet, &ip, &fields, options, option_bytes, payload, view->payload_bytes);
    if (made != size)
        memset(packet + made, 0, size > made ? size - made : 0);
}

static size_t change_tcp(struct shake *shake, struct wire_view *view, uint8_t *packet, size_t size)
{
    size_t payload_at = (size_t)(view->payload - packet);
    switch (roll(shake, 7)) {
    case 0:
        view->tcp.sequence = nudge(shake, view->tcp.sequence);
        break;
    case 1:
        view->tcp.acknowledgment = nudge(shake, view->tcp.acknowledgment);
        break;
    case 2:
        view->tcp.flags = (uint16_t)(view->tcp.flags ^ (1u << roll(shake, 9)));
        break;
    case 3:
        view->tcp.window = (uint16_t)(roll(shake, 2) != 0 ? roll(shake, 65536) : roll(shake, 3));
        break;
    case 4: /* less data */
        view->payload_bytes = view->payload_bytes == 0 ? 0 : roll(shake, (uint32_t)view->payload_bytes);
        size = payload_at + view->payload_bytes;
        break;
    case 5: /* more data */
        view->payload_bytes = view->payload_bytes + roll(shake, 1400);
        if (payload_at + view->payload_bytes > 9000)
            view->payload_bytes = 0;
        size = payload_at + view->payload_bytes;
        break;
    default: /* another byte in the options */
        if (view->tcp.header_bytes > TCPIP_TCP_HEADER_MIN) {
            uint32_t at = TCPIP_TCP_HEADER_MIN + roll(shake, view->tcp.header_bytes - TCPIP_TCP_HEADER_MIN);
            packet[(size_t)(view->upper - packet) + at] = (uint8_t)roll(shake, 256);
        }
        break;
    }
    mend_sums(view, packet, size);
    return size;
}

/* Returns the packet's size; 0: it is lost. */
static size_t change_packet(struct shake *shake, uint8_t *packet, size_t size)
{
    struct wire_view view;
    uint32_t kind = shake->starved ? 0 : roll(shake, 16);
    if (kind < 7)
        return size;
    if (kind == 7)
        return 0;
    if (kind == 8) { /* damaged on the way */
        packet[roll(shake, (uint32_t)size)] ^= (uint8_t)(1u << roll(shake, 8));
        return size;
    }
    if (kind == 9)
        return 1 + roll(shake, (uint32_t)size);
    if (wire_read(packet, size, &view) == NULL && view.kind == PACKET_TCP)
        return change_tcp(shake, &view, packet, size);
    return size;
}

static void inject(struct shake *shake, const struct packet_spec *spec)
{
    struct flow *flow = &shake->world.flows[spec->flow];
    if (!flow->bound) {
        flow->bound = true;
        if (flow->remote_port == 0)
            flow->remote_port = (uint16_t)(shake->world.script->remote_port + spec->flow);
        if (flow->local_port == 0)
            flow->local_port = shake->world.script->local_port;
    }
    size_t size = flow_build_inbound(flow, &shake->world.ends, spec, shake->packet);
    size = change_packet(shake, shake->packet, size);
    if (size > 0 && once_in(shake, 8) && shake->held_count < HELD_MAX) { /* later */
        memcpy(shake->held[shake->held_count], shake->packet, size);
        shake->held_size[shake->held_count++] = size;
        return;
    }
    for (uint32_t times = size == 0 ? 0 : 1 + once_in(shake, 8); times > 0; times--)
        world_inject(&shake->world, shake->packet, size);
    if (shake->held_count > 0 && roll(shake, 2) == 0) {
        shake->held_count--;
        world_inject(&shake->world, shake->held[shake->held_count], shake->held_size[shake->held_count]);
    }
}

/* A flow that has no ports yet gets those of the first packet that belongs to none. */
static void learn(struct shake *shake, const struct wire_view *view)
{
    struct flow *fresh = NULL;
    for (unsigned i = 0; i < SCRIPT_FLOWS_MAX; i++) {
        struct flow *flow = &shake->world.flows[i];
        if (!flow->bound && fresh == NULL)
            fresh = flow;
        if (flow_owns(flow, view, true)) {
            fresh = flow;
            break;
        }
    }
    if (fresh == NULL || view->kind != PACKET_TCP)
        return;
    fresh->bound = true;
    fresh->local_port = view->source_port;
    fresh->remote_port = view->destination_port;
    if ((view->tcp.flags & TCPIP_TCP_SYN) != 0 && !fresh->local_known) {
        fresh->local_known = true;
        fresh->local_offset = view->tcp.sequence;
    }
}

/* Looks at what the stack sent. */
static bool collect_answers(struct shake *shake)
{
    struct sent_packet *packet;
    while ((packet = world_take(&shake->world)) != NULL) {
        struct wire_view view;
        const char *wrong = wire_read(packet->bytes, packet->size, &view);
        if (wrong == NULL)
            learn(shake, &view);
        free(packet);
        if (wrong != NULL && strcmp(wrong, "a fragment") != 0 &&
            strcmp(wrong, "neither TCP nor UDP nor ICMP") != 0) { /* IPv6's fragment header */
            snprintf(shake->why, sizeof shake->why, "the stack sent a packet whose %s", wrong);
            return false;
        }
        shake->packets++;
    }
    return true;
}

static bool rest(struct shake *shake, tcpip_ns at)
{
    tcpip_ns deadline;
    unsigned steps = 0;
    do {
        deadline = world_deadline(&shake->world);
        if (!world_go(&shake->world, deadline < at ? deadline : at)) {
            snprintf(shake->why, sizeof shake->why, "the stack never rests");
            return false;
        }
        if (!collect_answers(shake))
            return false;
        if (++steps > WINDING_UP_STEPS) /* a connection that lives on, and times on, for ever */
            return true;
    } while (world_now(&shake->world) < at && shake->packets < PACKETS_MAX);
    return true;
}

static void make_call(struct shake *shake, const struct call_spec *spec)
{
    struct call call = {.world = &shake->world, .spec = spec, .since = world_now(&shake->world)};
    if (once_in(shake, 24))
        return;
    for (uint32_t times = 1 + once_in(shake, 16); times > 0; times--)
        call_try(&call);
}

/* Now and then the application gives up, or half of it. */
static void misbehave(struct shake *shake)
{
    struct socket *socket = &shake->world.sockets[3 + roll(shake, 3)];
    if (socket->endpoint == NULL || shake->starved)
        return;
    switch (roll(shake, 24)) {
    case 0:
        (void)!tcpip_endpoint_shutdown(socket->endpoint, 1 + roll(shake, 3));
        break;
    case 1:
        tcpip_endpoint_close(socket->endpoint);
        socket->endpoint = NULL;
        break;
    case 2:
        test_env_fail(&shake->world.env, 1 + roll(shake, 20), roll(shake, 4) == 0);
        break;
    case 3:
        test_env_fail(&shake->world.env, 0, false);
        break;
    default:
        break;
    }
}

static bool play_shaken(struct shake *shake)
{
    for (const struct event *event = shake->world.script->events; event != NULL; event = event->next) {
        shake->event = event;
        tcpip_ns at = event->when.at + (event->when.relative ? world_now(&shake->world) : 0);
        if (event->when.span != SPAN_ANY && at > world_now(&shake->world) && !rest(shake, at))
            return false;
        misbehave(shake);
        if (event->kind == EVENT_INBOUND)
            inject(shake, &event->as.packet);
        else if (event->kind == EVENT_CALL)
            make_call(shake, &event->as.call);
        if (!rest(shake, world_now(&shake->world)) || shake->packets >= PACKETS_MAX)
            break;
    }
    test_env_fail(&shake->world.env, 0, false);
    shake->asked = failing.seen;
    failing = (struct failing){0};
    if (shake->why[0] != 0 || !rest(shake, world_now(&shake->world) + 300 * TCPIP_SECOND))
        return false;
    for (int fd = 0; fd < WORLD_SOCKETS_MAX; fd++) {
        if (shake->world.sockets[fd].endpoint != NULL && (shake->starved || roll(shake, 2) == 0))
            tcpip_endpoint_close(shake->world.sockets[fd].endpoint);
    }
    return rest(shake, world_now(&shake->world) + 100 * TCPIP_SECOND);
}

static bool shake_play(struct shake *shake, const struct script *script, const struct variant *variant, bool verbose,
                       const struct starving *starving, struct failure *failure)
{
    volatile bool good = false;
    world_catch_traps(&shake->world);
    if (setjmp(shake->world.on_fatal) == 0) {
        good = world_init(&shake->world, script, variant, shake->why);
        shake->world.verbose = verbose;
        if (starving != NULL)
            failing = (struct failing){
                .at = starving->at, .last = starving->after ? UINT64_MAX : starving->at, .objects = true};
        good = good && play_shaken(shake);
    } else {
        good = false;
    }
    failing = (struct failing){0};
    failure->place = shake->event != NULL ? shake->event->place : (struct place){script->path, 0};
    if (!good)
        snprintf(failure->why, sizeof failure->why, "%s", shake->why);
    if (shake->world.fatal[0] == 0 && setjmp(shake->world.on_fatal) != 0)
        good = false;
    else
        good = world_fini(&shake->world, failure->why) && good;
    if (shake->world.fatal[0] != 0)
        snprintf(failure->why, sizeof failure->why, "%s", shake->world.fatal);
    world_catch_traps(NULL);
    return good;
}

static struct shake *shake_new(struct failure *failure)
{
    struct shake *shake = calloc(1, sizeof *shake);
    if (shake == NULL)
        abort();
    memset(failure, 0, sizeof *failure);
    return shake;
}

bool shake_script(const struct script *script, const struct variant *variant, uint64_t seed, bool verbose,
                  struct failure *failure)
{
    struct shake *shake = shake_new(failure);
    shake->dice = (seed + 1) * 0x9e3779b97f4a7c15u;
    bool good = shake_play(shake, script, variant, verbose, NULL, failure);
    free(shake);
    return good;
}

bool starve_script(const struct script *script, const struct variant *variant, const struct starving *starving,
                   bool verbose, uint64_t *asked, struct failure *failure)
{
    struct shake *shake = shake_new(failure);
    shake->dice = 1;
    shake->starved = true;
    bool good = shake_play(shake, script, variant, verbose, starving, failure);
    *asked = shake->asked;
    free(shake);
    return good;
}
