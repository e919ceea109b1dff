// SPDX-License-Identifier: MIT
/* hostile.c: a peer that wants no connection, and sends whatever might hurt.
 *
 * To whoever talks to it it answers with lies made of the truth: acknowledgements of what wasn't sent, data twice and
 * over each other, SACK blocks from nowhere, windows that open and shut, flags in any mixture, options that end in the
 * middle. To the others it speaks blindly: SYNs from addresses that aren't its own, resets, ICMP about packets that it
 * never saw, fragments that overlap, headers of nonsense.
 *
 * Nothing is asserted of those who talk to it but that they live, stay inside their limits and end; of all others in
 * the world the same is asserted as ever. It has no luck: what it says of sequence numbers that it can't know is drawn.
 *
 * Not here: the programs that talk to it (victim.c). */
#include "segment.h"
#include "sim.h"

#include <string.h>
#include <tcpip/header/bytes.h>

enum { HOSTILE_SHOT_MAX = 1400, HOSTILE_ANSWERS_MAX = 4 };

static uint32_t draw(struct sim *sim, uint32_t bound)
{
    return rng_below(&sim->hostile.rng, bound);
}

static uint32_t any32(struct sim *sim)
{
    return rng_u32(&sim->hostile.rng);
}

static void hostile_send(struct sim *sim, uint8_t *packet, size_t bytes)
{
    struct hostile *hostile = &sim->hostile;
    if (hostile->sent >= sim->plan->hostile_packets || sim->now >= sim->plan->calm_at)
        return;
    hostile->sent++;
    if (draw(sim, 50) == 0) /* the sums no longer hold */
        packet[draw(sim, (uint32_t)bytes)] ^= (uint8_t)(1u << draw(sim, 8));
    net_send(sim, hostile->host, packet, (uint32_t)bytes);
}

/* ---- segments ---- */

static uint32_t around(struct sim *sim, uint32_t place)
{
    switch (draw(sim, 8)) {
    case 0:
        return any32(sim);
    case 1:
        return place + 1;
    case 2:
        return place - 1;
    case 3:
        return place + draw(sim, 100000);
    case 4:
        return place - draw(sim, 100000);
    case 5:
        return place + 0x7fffffffu;
    default:
        return place;
    }
}

static void put_option(struct segment *segment, uint8_t kind, const uint8_t *value, uint32_t bytes)
{
    if (segment->options_bytes + 2 + bytes > SEGMENT_OPTIONS_MAX)
        return;
    uint8_t *p = segment->options + segment->options_bytes;
    p[0] = kind;
    p[1] = (uint8_t)(2 + bytes);
    memcpy(p + 2, value, bytes);
    segment->options_bytes += 2 + bytes;
}

static void lie_options(struct sim *sim, struct segment *segment, uint32_t place)
{
    uint8_t value[32];
    for (uint32_t i = draw(sim, 4); i > 0; i--) {
        for (uint32_t at = 0; at < sizeof(value); at += 4)
            tcpip_store_u32(value + at, around(sim, place));
        switch (draw(sim, 6)) {
        case 0:
            put_option(segment, 5, value, 8 * (1 + draw(sim, 3)));
            break;
        case 1:
            tcpip_store_u32(value + 4, draw(sim, 2) != 0 ? any32(sim) : sim->hostile.ts_seen);
            put_option(segment, 8, value, 8);
            break;
        case 2:
            tcpip_store_u16(value, (uint16_t)draw(sim, 3000));
            put_option(segment, 2, value, 2);
            break;
        case 3:
            put_option(segment, 3, value, 1);
            break;
        case 4:
            put_option(segment, (uint8_t)draw(sim, 256), value, draw(sim, 12));
            break;
        default:
            put_option(segment, draw(sim, 2) != 0 ? 34 : 172, value, draw(sim, 17));
            break;
        }
    }
    while (segment->options_bytes % 4 != 0)
        segment->options[segment->options_bytes++] = (uint8_t)(draw(sim, 4) == 0 ? draw(sim, 256) : 1);
    if (segment->options_bytes > 0 && draw(sim, 10) == 0) /* a length that leads out, or nowhere */
        segment->options[draw(sim, segment->options_bytes)] = (uint8_t)draw(sim, 256);
}

static void hostile_segment(struct sim *sim, struct segment *segment, uint32_t place)
{
    uint8_t out[SEGMENT_BYTES_MAX], data[HOSTILE_SHOT_MAX];
    if (draw(sim, 3) == 0)
        lie_options(sim, segment, place);
    segment->data_bytes = draw(sim, 2) != 0 ? 0 : draw(sim, draw(sim, 4) == 0 ? HOSTILE_SHOT_MAX : 20);
    for (uint32_t i = 0; i < segment->data_bytes; i++)
        data[i] = (uint8_t)(segment->seq + i);
    segment->data = data;
    segment->tos = (uint8_t)(draw(sim, 4) == 0 ? draw(sim, 256) : 0);
    hostile_send(sim, out, segment_build(out, segment));
}

static uint16_t lie_window(struct sim *sim)
{
    return (uint16_t)(draw(sim, 4) == 0 ? 0 : draw(sim, 3) == 0 ? draw(sim, 10) : draw(sim, 65536));
}

/* Something that looks like an answer; now and then it is one. */
static void hostile_answer(struct sim *sim, const struct segment *to)
{
    bool honest = draw(sim, 3) == 0;
    uint32_t next = to->seq + segment_length(to);
    struct segment answer = {
        .source = to->destination,
        .destination = to->source,
        .source_port = to->destination_port,
        .destination_port = to->source_port,
        .seq = honest ? to->ack : around(sim, to->ack),
        .ack = honest ? next : around(sim, next),
        .window = lie_window(sim),
        .flags = SEGMENT_ACK,
    };
    if ((to->flags & SEGMENT_SYN) != 0) { /* mostly it lets them in */
        answer.flags |= (to->flags & SEGMENT_ACK) != 0 ? 0 : SEGMENT_SYN;
        answer.seq = (to->flags & SEGMENT_ACK) != 0 ? to->ack : 1000;
        answer.ack = draw(sim, 8) == 0 ? answer.ack : next;
    } else if (draw(sim, 6) == 0) {
        answer.flags = (uint8_t)draw(sim, 256);
    } else if (draw(sim, 6) == 0) {
        answer.flags |= SEGMENT_FIN;
    }
    hostile_segment(sim, &answer, draw(sim, 2) != 0 ? answer.ack : answer.seq);
}

void hostile_input(struct sim *sim, uint32_t host, const uint8_t *packet, uint32_t bytes)
{
    struct segment segment;
    (void)host;
    if (!segment_parse(packet, bytes, &segment))
        return;
    for (uint32_t at = 0; at + 10 <= segment.options_bytes; at++)
        if (segment.options[at] == 8 && segment.options[at + 1] == 10)
            sim->hostile.ts_seen = tcpip_load_u32(segment.options + at + 2);
    for (uint32_t i = draw(sim, HOSTILE_ANSWERS_MAX); i > 0; i--)
        hostile_answer(sim, &segment);
}

/* ---- blindly ---- */

/* Somebody that has a stack, and an address of its family that may be anybody's. */
static void aim(struct sim *sim, struct tcpip_address *source, struct tcpip_address *destination, bool own)
{
    const struct plan *plan = sim->plan;
    uint32_t family = plan->has_v6 ? draw(sim, 2) : PLAN_IPV4, to = draw(sim, plan->host_count);
    while (sim->hosts[to].stack == NULL)
        to = (to + 1) % plan->host_count;
    *destination = sim->hosts[to].address[family];
    uint32_t from = own ? sim->hostile.host : draw(sim, plan->host_count);
    *source = sim->hosts[from == to ? sim->hostile.host : from].address[family];
    if (!own && draw(sim, 2) == 0)
        source->bytes[source->len - 1] = (uint8_t)draw(sim, 256);
}

static uint16_t a_port(struct sim *sim)
{
    static const uint16_t ports[] = {PLAN_PORT, PLAN_PORT_CLOSING, PLAN_PORT_FORWARD, PLAN_PORT_VICTIM};
    return draw(sim, 4) == 0 ? (uint16_t)draw(sim, 65536) : ports[draw(sim, sizeof(ports) / sizeof(ports[0]))];
}

static void shoot_segment(struct sim *sim, bool syn)
{
    bool own = draw(sim, 3) == 0;
    struct segment segment = {
        .source_port = (uint16_t)(1024 + draw(sim, 60000)),
        .destination_port = own ? PLAN_PORT_VICTIM : a_port(sim),
        .seq = any32(sim),
        .ack = any32(sim),
        .window = lie_window(sim),
        .flags = syn ? SEGMENT_SYN : (uint8_t)draw(sim, 256),
    };
    aim(sim, &segment.source, &segment.destination, own);
    /* A whole handshake is for the victims alone: nobody else asks to be fooled. */
    hostile_segment(sim, &segment, segment.seq);
}

/* ICMP about a packet that nobody sent. */
static void shoot_icmp(struct sim *sim)
{
    static const uint8_t types[] = {3, 3, 3, 4, 5, 8, 11, 12, 0};
    static const uint8_t types6[] = {1, 1, 2, 2, 3, 4, 128, 129, 200};
    uint8_t out[SEGMENT_BYTES_MAX], quote[SEGMENT_BYTES_MAX];
    struct segment inside = {
        .source_port = a_port(sim), .destination_port = a_port(sim), .seq = any32(sim), .flags = SEGMENT_ACK};
    struct tcpip_address source, destination;
    aim(sim, &source, &destination, false);
    inside.source = destination;
    inside.destination = source;
    size_t quoted = segment_build(quote, &inside);
    bool v4 = source.len == 4;
    uint8_t protocol = v4 ? SEGMENT_ICMPV4 : SEGMENT_ICMPV6;
    uint8_t *p = out + segment_ip(out, &source, &destination, protocol, 8 + quoted, 0, 0);
    p[0] = v4 ? types[draw(sim, sizeof(types))] : types6[draw(sim, sizeof(types6))];
    p[1] = (uint8_t)draw(sim, 6);
    tcpip_store_u16(p + 2, 0);
    tcpip_store_u32(p + 4, draw(sim, 3000));
    memcpy(p + 8, quote, quoted);
    uint32_t pseudo = v4 ? 0 : segment_pseudo_sum(&source, &destination, protocol, 8 + quoted);
    tcpip_store_u16(p + 2, (uint16_t)~segment_sum(p, 8 + quoted, pseudo));
    hostile_send(sim, out, (size_t)(p - out) + 8 + quoted);
}

/* Pieces of one packet that overlap, leave holes, or end twice. */
static void shoot_fragments(struct sim *sim)
{
    struct tcpip_address source, destination;
    aim(sim, &source, &destination, draw(sim, 2) != 0);
    uint32_t id = any32(sim);
    for (uint32_t i = 1 + draw(sim, 6); i > 0; i--) {
        uint8_t out[SEGMENT_BYTES_MAX], *p;
        uint32_t bytes = 8 * draw(sim, 20) + (draw(sim, 4) == 0 ? draw(sim, 8) : 0), offset = draw(sim, 40);
        bool more = draw(sim, 3) != 0, v4 = source.len == 4;
        p = out +
            segment_ip(out, &source, &destination, v4 ? SEGMENT_UDP : SEGMENT_FRAGMENT, bytes + (v4 ? 0 : 8), 0, 0);
        if (v4) {
            tcpip_store_u16(out + 4, (uint16_t)id);
            tcpip_store_u16(out + 6, (uint16_t)(offset + (more ? 0x2000u : 0)));
            tcpip_store_u16(out + 10, 0);
            tcpip_store_u16(out + 10, (uint16_t)~segment_sum(out, 20, 0));
        } else {
            p[0] = SEGMENT_UDP;
            p[1] = 0;
            tcpip_store_u16(p + 2, (uint16_t)(offset * 8 + more));
            tcpip_store_u32(p + 4, id);
            p += 8;
        }
        memset(p, (int)draw(sim, 256), bytes);
        hostile_send(sim, out, (size_t)(p - out) + bytes);
    }
}

/* A good address, and nonsense behind it. */
static void shoot_nonsense(struct sim *sim)
{
    static const uint8_t protocols[] = {SEGMENT_TCP, SEGMENT_ICMPV4, 0, 43, SEGMENT_FRAGMENT, 50, 60, 135, 255};
    uint8_t out[SEGMENT_BYTES_MAX];
    struct tcpip_address source, destination;
    aim(sim, &source, &destination, draw(sim, 2) != 0);
    uint32_t bytes = draw(sim, 200);
    uint8_t protocol = protocols[draw(sim, sizeof(protocols))];
    uint8_t *p = out + segment_ip(out, &source, &destination, protocol, bytes, (uint8_t)draw(sim, 256), 0);
    for (uint32_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(draw(sim, 3) == 0 ? draw(sim, 256) : draw(sim, 9));
    hostile_send(sim, out, (size_t)(p - out) + bytes);
}

static void hostile_shoot(struct sim *sim)
{
    switch (draw(sim, 6)) {
    case 0:
    case 1:
        shoot_segment(sim, true);
        break;
    case 2:
        shoot_segment(sim, false);
        break;
    case 3:
        shoot_icmp(sim);
        break;
    case 4:
        shoot_fragments(sim);
        break;
    default:
        shoot_nonsense(sim);
        break;
    }
}

/* ---- time ---- */

void hostile_init(struct sim *sim)
{
    struct hostile *hostile = &sim->hostile;
    hostile->host = PLAN_HOSTS_MAX;
    hostile->next_at = TCPIP_NEVER;
    rng_init(&hostile->rng, sim->plan->seed ^ 0x6576696cu);
    for (uint32_t i = 0; i < sim->plan->host_count; i++)
        if (sim->plan->host[i].kind == PLAN_HOST_HOSTILE) {
            hostile->host = i;
            hostile->next_at = 2 * TCPIP_SECOND;
        }
}

bool hostile_step(struct sim *sim)
{
    struct hostile *hostile = &sim->hostile;
    if (sim->now < hostile->next_at)
        return false;
    for (uint32_t i = draw(sim, 8) == 0 ? draw(sim, 100) : 1; i > 0; i--)
        hostile_shoot(sim);
    hostile->next_at = sim->now + (tcpip_ns)draw(sim, 200) * TCPIP_MS + 1;
    if (sim->now >= sim->plan->calm_at || hostile->sent >= sim->plan->hostile_packets)
        hostile->next_at = TCPIP_NEVER;
    return true;
}

tcpip_ns hostile_deadline(const struct sim *sim)
{
    return sim->hostile.next_at;
}
