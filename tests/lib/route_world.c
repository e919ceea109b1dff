// SPDX-License-Identifier: MIT
/* route_world.c: network protocols and links that take notes, under a real stack.
 *
 * Owns: struct route_world.  Not here: what is expected of the notes: the tests. */
#include "route_world.h"

#include "needs.h"

#include <stdlib.h>

static struct route_world *world_of(const struct tcpip_stack *stack)
{
    return (struct route_world *)stack->env.ctx;
}

static void world_note_take(struct world_notes *notes, const struct tcpip_nic *nic, const uint8_t *address, bool on,
                            const uint8_t *link)
{
    if (notes->count < WORLD_NOTES) {
        struct world_note *note = &notes->items[notes->count];
        memset(note, 0, sizeof(*note));
        note->nic = nic->id;
        note->on = on;
        memcpy(note->address, address, 16);
        if (link != NULL)
            memcpy(note->link, link, 6);
    }
    notes->count++;
}

/* ---- protocols ---- */

static void world_input(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    world_of(nic->stack)->looped++;
    world_of(nic->stack)->loop_nic = nic->id;
    tcpip_packet_free(packet);
}

static enum tcpip_error world_output(struct tcpip_route *route, struct tcpip_packet *packet,
                                     const struct tcpip_network_output *how)
{
    tcpip__route_transmit(route, packet, how->remote);
    return TCPIP_OK;
}

static void world_solicit(struct tcpip_nic *nic, const uint8_t *target, const struct tcpip_link_address *link)
{
    world_note_take(&world_of(nic->stack)->solicits, nic, target, link != NULL, link != NULL ? link->bytes : NULL);
}

static void world_added(struct tcpip_nic *nic, const uint8_t *address)
{
    world_note_take(&world_of(nic->stack)->addresses, nic, address, true, NULL);
}

static void world_removed(struct tcpip_nic *nic, const uint8_t *address)
{
    world_note_take(&world_of(nic->stack)->addresses, nic, address, false, NULL);
}

static void world_group(struct tcpip_nic *nic, const uint8_t *group, bool joined)
{
    world_note_take(&world_of(nic->stack)->groups, nic, group, joined, NULL);
}

static const struct tcpip_network_protocol world_ipv4 = {.name = "notes4",
                                                         .number = TCPIP_PROTOCOL_IPV4,
                                                         .address_bytes = 4,
                                                         .minimum_bytes = 20,
                                                         .input = world_input,
                                                         .output = world_output,
                                                         .address_added = world_added,
                                                         .address_removed = world_removed,
                                                         .group_changed = world_group};
static const struct tcpip_network_protocol world_arp = {
    .name = "notesarp", .number = TCPIP_PROTOCOL_ARP, .input = world_input, .solicit = world_solicit};
static const struct tcpip_network_protocol world_ipv6 = {.name = "notes6",
                                                         .number = TCPIP_PROTOCOL_IPV6,
                                                         .address_bytes = 16,
                                                         .minimum_bytes = 40,
                                                         .input = world_input,
                                                         .output = world_output,
                                                         .solicit = world_solicit,
                                                         .address_added = world_added,
                                                         .address_removed = world_removed,
                                                         .group_changed = world_group};

static void world_transport_input(struct tcpip_stack *stack, struct tcpip_packet *packet)
{
    (void)stack;
    tcpip_packet_free(packet);
}

static void world_transport_error(struct tcpip_stack *stack, const struct tcpip_icmp_error *error)
{
    struct route_world *world = world_of(stack);
    world->errors++;
    world->error.kind = error->kind;
    world->error.type = error->type;
    world->error.code = error->code;
    world->error.nic = error->nic;
    world->error.quote_bytes = error->quote_bytes;
    memcpy(world->error.local, error->local, 16);
    memcpy(world->error.remote, error->remote, 16);
    memcpy(world->error.quote, error->quote, 8);
    if (world->on_error != NULL)
        world->on_error(world);
}

static const struct tcpip_transport_protocol world_udp = {
    .name = "notesudp", .number = 17, .input = world_transport_input, .input_error = world_transport_error};
static const struct tcpip_transport_protocol *const world_transports[] = {&world_udp, NULL};

/* ---- links ---- */

static void world_link_caps(struct tcpip_link *link, struct tcpip_link_capabilities *out)
{
    *out = TCPIP_CONTAINER_OF(link, struct world_link, link)->caps;
}

static enum tcpip_error world_link_attach(struct tcpip_link *link, struct tcpip_stack *stack,
                                          struct tcpip_link_upper *upper)
{
    link->stack = stack;
    link->upper = upper;
    return TCPIP_OK;
}

static void world_link_detach(struct tcpip_link *link)
{
    tcpip_packet_list_free(&TCPIP_CONTAINER_OF(link, struct world_link, link)->sent);
    link->stack = NULL;
    link->upper = NULL;
}

static size_t world_link_transmit(struct tcpip_link *link, struct tcpip_packet_list *packets)
{
    size_t count = packets->count;
    tcpip_packet_list_append(&TCPIP_CONTAINER_OF(link, struct world_link, link)->sent, packets);
    return count;
}

static const struct tcpip_link_ops world_link_ops = {"notes", world_link_caps, world_link_attach, world_link_detach,
                                                     world_link_transmit};

/* ---- the world ---- */

static void world_require(bool ok)
{
    failing_require(ok);
}

void world_init(struct route_world *world, const struct tcpip_limits *limits, enum world_protocols protocols)
{
    const struct tcpip_network_protocol *networks[4] = {0};
    uint32_t count = 0;
    if ((protocols & WORLD_V4) != 0) {
        networks[count++] = &world_ipv4;
        networks[count++] = &world_arp;
    }
    if ((protocols & WORLD_V6) != 0)
        networks[count++] = &world_ipv6;
    struct tcpip_protocols list = {networks, world_transports};
    memset(world, 0, sizeof(*world));
    test_env_init(&world->env, 7);
    world_require(world->env.env.ctx == world);
    world_require(tcpip_stack_new(&world->env.env, limits, &list, &world->stack) == TCPIP_OK);
}

void world_fini(struct route_world *world)
{
    tcpip_stack_free(world->stack);
    test_env_fini(&world->env);
}

struct tcpip_nic *world_nic(struct route_world *world, uint32_t id, uint32_t flags)
{
    struct world_link *link = &world->links[id - 1];
    link->link.ops = &world_link_ops;
    link->caps.mtu = 1500;
    link->caps.flags = flags;
    if ((flags & TCPIP_LINK_RESOLUTION) != 0)
        link->caps.address = world_link_address((uint8_t)id);
    link->sent = tcpip_packet_list_init();
    world_require(tcpip_stack_create_nic(world->stack, id, &link->link, NULL) == TCPIP_OK);
    return tcpip_stack_nic(world->stack, id);
}

struct tcpip_prefix world_prefix(const char *text)
{
    struct tcpip_prefix prefix;
    world_require(tcpip_prefix_parse(text, &prefix) == TCPIP_OK);
    return prefix;
}

struct tcpip_address world_address(const char *text)
{
    struct tcpip_address address = {{0}, 0};
    world_require(text[0] == 0 || tcpip_address_parse(text, &address) == TCPIP_OK);
    return address;
}

uint8_t *world_bytes(const char *text)
{
    static uint8_t ring[16][16];
    static uint32_t turn;
    struct tcpip_address address = world_address(text);
    uint8_t *out = ring[turn++ % 16];
    address_internal(&address, out);
    return out;
}

struct tcpip_link_address world_link_address(uint8_t last)
{
    return (struct tcpip_link_address){{2, 0, 0, 0, 0, last}, 6};
}

void world_assign(struct route_world *world, uint32_t nic, const char *prefix, uint32_t flags)
{
    struct tcpip_prefix parsed = world_prefix(prefix);
    struct tcpip_address_properties properties = {sizeof(properties), flags};
    world_require(tcpip_stack_add_address(world->stack, nic, &parsed, &properties) == TCPIP_OK);
}

void world_pass(struct route_world *world, tcpip_ns duration)
{
    tcpip_ns until = world->env.now + duration;
    for (;;) {
        tcpip_ns next = tcpip_stack_deadline(world->stack);
        if (next > until)
            break;
        if (next > world->env.now)
            world->env.now = next;
        (void)tcpip_stack_advance(world->stack, 0);
    }
    world->env.now = until;
    (void)tcpip_stack_advance(world->stack, 0);
}

struct tcpip_packet *world_packet(struct route_world *world, const char *source, const char *destination)
{
    const uint8_t *from = world_bytes(source), *to = world_bytes(destination);
    uint8_t bytes[56] = {0};
    uint32_t header = address_is_v4(to) ? 20 : 40;
    if (header == 20) {
        bytes[0] = 0x45;
        bytes[9] = 17;
        memcpy(bytes + 12, from + 12, 4);
        memcpy(bytes + 16, to + 12, 4);
    } else {
        bytes[0] = 0x60;
        bytes[6] = 17;
        memcpy(bytes + 8, from, 16);
        memcpy(bytes + 24, to, 16);
    }
    for (uint8_t i = 0; i < 16; i++)
        bytes[header + i] = i;
    struct tcpip_packet *packet = tcpip_packet_new(world->stack);
    world_require(packet != NULL);
    uint8_t *room = tcpip_packet_push(packet, header + 16);
    memcpy(room, bytes, header + 16);
    packet->link_protocol = header == 20 ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6;
    return packet;
}

uint32_t world_sent(struct route_world *world, uint32_t nic)
{
    uint32_t count = world->links[nic - 1].sent.count;
    tcpip_packet_list_free(&world->links[nic - 1].sent);
    return count;
}
