// SPDX-License-Identifier: MIT
/* network_world.c: a stack with IPv4, IPv6 and ARP, a channel link, and transports that only listen.
 *
 * Owns:     everything in struct network_world.
 * Not here: what is expected; that is in the tests beside the files of src/network/. */
#include "network_world.h"

#include "stack/pmtu.h"

#include <stdlib.h>
#include <string.h>

#include <tcpip/header/ethernet.h>
#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define V4(a, b, c, d)                                               \
    {                                                                \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (a), (b), (c), (d) \
    }
#define V6(net, host)                                                       \
    {                                                                       \
        0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, (net), 0, 0, 0, 0, 0, 0, 0, (host) \
    }
const uint8_t world_us4[16] = V4(10, 0, 0, 1), world_peer4[16] = V4(10, 0, 0, 2), world_far4[16] = V4(192, 0, 2, 9);
const uint8_t world_broadcast4[16] = V4(10, 0, 0, 255), world_all4[16] = V4(224, 0, 0, 1);
const uint8_t world_us6[16] = V6(1, 1), world_peer6[16] = V6(1, 2), world_far6[16] = V6(9, 9);
const uint8_t world_local6[16] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
const uint8_t world_all6[16] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
static const uint8_t router4[16] = V4(10, 0, 0, 254), router6[16] = V6(1, 0xfe);
const struct tcpip_link_address world_link_us = {{2, 0, 0, 0, 0, 1}, 6}, world_link_peer = {{2, 0, 0, 0, 0, 2}, 6};

/* ---- transports ---- */

struct listener {
    struct network_world *world;
};

static void listener_input(struct tcpip_stack *stack, struct tcpip_packet *packet)
{
    struct listener *listener = tcpip__stack_transport_state(stack, packet->network.transport);
    struct network_world *world = listener->world;
    assert_true(packet->network.upper_bytes == packet->length - packet->transport_offset);
    world->delivered++;
    world->network = packet->network;
    world->views = packet->view_count;
    world->heard_gso_size = packet->gso_size;
    world->heard_gso_segments = packet->gso_segments;
    world->size = tcpip_packet_copy_out(packet, packet->transport_offset, world->bytes, sizeof(world->bytes));
    if (world->answer)
        tcpip__send_icmp_error(packet, world->answer_kind, world->answer_value);
    tcpip_packet_free(packet);
}

static void listener_error(struct tcpip_stack *stack, const struct tcpip_icmp_error *error)
{
    struct listener *listener = tcpip__stack_transport_state(stack, error->transport);
    struct network_world *world = listener->world;
    assert_true(error->quote_bytes >= 8 && error->quote_bytes <= sizeof(world->error_quote));
    world->errors++;
    world->error = *error;
    memcpy(world->error_local, error->local, 16);
    memcpy(world->error_remote, error->remote, 16);
    memcpy(world->error_offender, error->offender, 16);
    memcpy(world->error_quote, error->quote, error->quote_bytes);
    world->error.local = world->error_local;
    world->error.remote = world->error_remote;
    world->error.offender = world->error_offender;
    world->error.quote = world->error_quote;
}

static const uint8_t listener_numbers[] = {TCPIP_PROTOCOL_ICMPV4, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_ICMPV6};
#define LISTENER(number_)                                                                      \
    {                                                                                          \
        .name = "listener", .number = (number_), .stack_state_bytes = sizeof(struct listener), \
        .input = listener_input, .input_error = listener_error                                 \
    }
static const struct tcpip_transport_protocol listeners[] = {
    LISTENER(TCPIP_PROTOCOL_ICMPV4), LISTENER(TCPIP_PROTOCOL_UDP), LISTENER(TCPIP_PROTOCOL_ICMPV6)};

/* ---- life ---- */

static struct tcpip_address world_public(const uint8_t *address)
{
    struct tcpip_address six = tcpip_address_v6(address);
    return tcpip_address_from_mapped(&six);
}

void world_add_address(struct network_world *world, const uint8_t *address, uint8_t bits, uint32_t flags)
{
    struct tcpip_prefix prefix = {world_public(address), bits};
    struct tcpip_address_properties properties = {.size = sizeof(properties), .flags = flags};
    assert_int_equal(tcpip_stack_add_address(world->stack, 1, &prefix, &properties), TCPIP_OK);
}

static void world_add_route(struct network_world *world, const uint8_t *destination, uint8_t bits,
                            const uint8_t *gateway)
{
    struct tcpip_route_entry row = {.destination = {world_public(destination), bits}, .nic = 1};
    if (gateway != NULL)
        row.gateway = world_public(gateway);
    assert_int_equal(tcpip_stack_add_route(world->stack, &row), TCPIP_OK);
}

static struct tcpip_link *world_channel(struct network_world *world, const struct network_world_options *options)
{
    struct tcpip_channel_options channel = {
        .size = sizeof(channel), .mtu = options->mtu, .flags = options->link_flags, .queue_packets = 4096};
    if ((options->link_flags & TCPIP_LINK_RESOLUTION) != 0)
        channel.address = world_link_us;
    struct tcpip_link *link = tcpip_channel_new(&world->test_env.env, &channel);
    assert_non_null(link);
    return link;
}

void network_world_init(struct network_world *world, const struct network_world_options *options)
{
    static const struct tcpip_network_protocol *const network[] = {&tcpip_ipv4, &tcpip_arp, &tcpip_ipv6, NULL};
    static const struct tcpip_transport_protocol *const transport[] = {&listeners[0], &listeners[1], &listeners[2],
                                                                       NULL};
    static const struct tcpip_protocols protocols = {network, transport};
    static const uint8_t zero[16], zero4[16] = V4(0, 0, 0, 0);

    memset(world, 0, sizeof(*world));
    test_env_init(&world->test_env, options->seed);
    assert_int_equal(tcpip_stack_new(&world->test_env.env, options->limits, &protocols, &world->stack), TCPIP_OK);
    for (size_t i = 0; i < array_count(listener_numbers); i++) {
        struct listener *listener = tcpip__stack_transport_state(world->stack, listener_numbers[i]);
        listener->world = world;
    }
    if (options->link == NULL)
        world->link = world->channel = world_channel(world, options);
    else
        world->link = options->link;
    assert_int_equal(tcpip_stack_create_nic(world->stack, 1, world->link, NULL), TCPIP_OK);
    world->nic = tcpip_stack_nic(world->stack, 1);
    if (options->no_addresses)
        return;
    world_add_address(world, world_us4, 24, 0);
    world_add_address(world, world_us6, 64, TCPIP_ADDRESS_NO_DAD);
    world_add_address(world, world_local6, 64, TCPIP_ADDRESS_NO_DAD);
    world_add_route(world, world_us4, 24, NULL);
    world_add_route(world, world_us6, 64, NULL);
    world_add_route(world, world_local6, 10, NULL);
    world_add_route(world, zero4, 0, router4);
    world_add_route(world, zero, 0, router6);
    world_discard(world);
}

void network_world_fini(struct network_world *world)
{
    tcpip_stack_free(world->stack);
    if (world->channel != NULL)
        tcpip_channel_free(world->channel);
    test_env_fini(&world->test_env);
}

/* ---- in and out ---- */

void world_inject(struct network_world *world, const uint8_t *bytes, size_t size, uint16_t link_protocol)
{
    struct tcpip_packet *packet = tcpip_packet_new(world->stack);
    size_t piece = world->piece_bytes != 0 ? world->piece_bytes : size;
    assert_non_null(packet);
    for (size_t at = 0; at < size; at += piece) {
        /* The last view takes what is left: a packet has few. */
        bool last = packet->view_count + 1u == TCPIP_PACKET_VIEWS;
        size_t part = last || size - at < piece ? size - at : piece;
        assert_int_equal(tcpip_packet_append(packet, bytes + at, part), TCPIP_OK);
        if (last)
            break;
    }
    packet->type = world->type;
    packet->checksum = world->checksum;
    packet->gso_size = packet->gso_segments = world->gso_size;
    packet->gso = world->gso_size != 0 ? TCPIP_GSO_TCPV4 : TCPIP_GSO_NONE;
    packet->link_protocol = link_protocol;
    packet->link_source = (struct tcpip_link_address_bytes){{2, 0, 0, 0, 0, 2}};
    tcpip_channel_inject(world->link, packet);
}

bool world_collect(struct network_world *world)
{
    struct tcpip_packet *packet = world->channel != NULL ? tcpip_channel_collect(world->channel) : NULL;
    if (packet == NULL)
        return false;
    assert_int_equal(packet->checksum == TCPIP_CHECKSUM_PARTIAL, false);
    world->out_size = tcpip_packet_copy_out(packet, 0, world->out, sizeof(world->out));
    assert_int_equal(world->out_size, packet->length);
    memcpy(world->out_link_destination, packet->link_destination.bytes, 6);
    world->out_protocol = packet->link_protocol;
    tcpip_packet_free(packet);
    return true;
}

uint32_t world_discard(struct network_world *world)
{
    uint32_t count = 0;
    while (world_collect(world))
        count++;
    return count;
}

void world_advance(struct network_world *world, tcpip_ns by)
{
    world->test_env.now += by;
    while (tcpip_stack_advance(world->stack, 0))
        ;
}

uint64_t world_drops(const struct network_world *world, enum tcpip_drop reason)
{
    return world->stack->stats.drops[reason];
}

void world_path_takes(struct network_world *world, const uint8_t *local, const uint8_t *remote, uint32_t bytes)
{
    struct tcpip_route route = {0};
    uint8_t source[16];
    memcpy(source, local, 16);
    tcpip_stack_enter(world->stack);
    assert_int_equal(tcpip__route_find(world->stack, 0, source, remote, &route), TCPIP_OK);
    tcpip__pmtu_probed(&route, remote, bytes, true);
    assert_int_equal(tcpip__pmtu_get(&route, remote), bytes);
    tcpip__route_release(&route);
    tcpip_stack_leave(world->stack);
}

enum tcpip_error world_send(struct network_world *world, struct tcpip_network_output how, const uint8_t *bytes,
                            size_t size)
{
    struct tcpip_route route = {0};
    uint8_t local[16];
    memcpy(local, how.local, 16);
    tcpip_stack_enter(world->stack);
    enum tcpip_error error = tcpip__route_find(world->stack, 0, local, how.remote, &route);
    if (error == TCPIP_OK) {
        struct tcpip_packet *packet = tcpip_packet_new(world->stack);
        assert_non_null(packet);
        assert_int_equal(tcpip_packet_append(packet, bytes, size), TCPIP_OK);
        how.local = local;
        error = tcpip__route_output(&route, packet, &how);
        tcpip__route_release(&route);
    }
    tcpip_stack_leave(world->stack);
    return error;
}

/* ---- packets ---- */

size_t world_v4(uint8_t *out, struct world_v4 fields, const uint8_t *payload, size_t size)
{
    struct tcpip_ipv4_fields header = {
        .tos = fields.tos,
        .ttl = fields.ttl != 0 ? fields.ttl : 64,
        .protocol = fields.protocol,
        .options_bytes = fields.options_bytes,
        .options = fields.options,
        .total_length = (uint16_t)(20u + fields.options_bytes + size),
        .id = fields.id,
        .flags = fields.flags,
        .fragment_offset = fields.offset,
        .source = fields.source + 12,
        .destination = fields.destination + 12,
    };
    size_t at = tcpip_ipv4_encode(out, &header);
    if (size > 0)
        memcpy(out + at, payload, size);
    return at + size;
}

size_t world_v6(uint8_t *out, struct world_v6 fields, const uint8_t *payload, size_t size)
{
    struct tcpip_ipv6_fields header = {
        .traffic_class = fields.traffic_class,
        .next_header = fields.next_header,
        .hop_limit = fields.hop_limit != 0 ? fields.hop_limit : 64,
        .payload_length = (uint16_t)size,
        .source = fields.source,
        .destination = fields.destination,
    };
    tcpip_ipv6_encode(out, &header);
    if (size > 0)
        memcpy(out + 40, payload, size);
    return 40 + size;
}

size_t world_icmp4(uint8_t *out, struct world_icmp fields, const uint8_t *payload, size_t size)
{
    out[0] = fields.type;
    out[1] = fields.code;
    tcpip_store_u16(out + 2, 0);
    tcpip_store_u32(out + 4, fields.word);
    if (size > 0)
        memcpy(out + 8, payload, size);
    tcpip_store_u16(out + 2, tcpip_checksum_finish(tcpip_checksum(out, 8 + size, 0)));
    return 8 + size;
}

size_t world_icmp6(uint8_t *out, const uint8_t *source, const uint8_t *destination, struct world_icmp fields,
                   const uint8_t *payload, size_t size)
{
    size_t bytes = world_icmp4(out, fields, payload, size);
    uint16_t sum = tcpip_checksum_pseudo_v6(source, destination, TCPIP_PROTOCOL_ICMPV6, (uint32_t)bytes);
    tcpip_store_u16(out + 2, 0);
    tcpip_store_u16(out + 2, tcpip_checksum_finish(tcpip_checksum(out, bytes, sum)));
    return bytes;
}

bool world_out_sums_up(const struct network_world *world)
{
    const uint8_t *p = world->out;
    size_t bytes;
    if (tcpip_ipv4_version(p) == 4) {
        if (!tcpip_ipv4_header_check(p, world->out_size, world->out_size, &bytes) || !tcpip_ipv4_checksum_ok(p) ||
            tcpip_ipv4_total_length(p) != world->out_size)
            return false;
        return tcpip_ipv4_protocol(p) != TCPIP_PROTOCOL_ICMPV4 ||
               tcpip_checksum_ok(tcpip_checksum(p + bytes, world->out_size - bytes, 0));
    }
    if (!tcpip_ipv6_header_check(p, world->out_size, world->out_size) ||
        40u + tcpip_ipv6_payload_length(p) != world->out_size)
        return false;
    uint16_t sum = tcpip_checksum_pseudo_v6(tcpip_ipv6_source(p), tcpip_ipv6_destination(p), TCPIP_PROTOCOL_ICMPV6,
                                            tcpip_ipv6_payload_length(p));
    return tcpip_ipv6_next_header(p) != TCPIP_PROTOCOL_ICMPV6 ||
           tcpip_checksum_ok(tcpip_checksum(p + 40, world->out_size - 40, sum));
}
