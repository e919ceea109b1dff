// SPDX-License-Identifier: MIT
/* ethernet_test.c: the contract over a channel, the header out, and every kind of frame in. */
#include "base/rng.h"
#include "link_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct tcpip_link_address own = {{2, 0, 0, 0, 0, 1}, 6}, other = {{2, 0, 0, 0, 0, 2}, 6};

struct wire {
    struct tcpip_link *channel, *ethernet;
};

static struct tcpip_link *make(struct link_world *world, void **state)
{
    struct wire *wire = *state = calloc(1, sizeof(*wire));
    struct tcpip_channel_options options = {.size = sizeof(options), .queue_packets = 20};
    wire->channel = tcpip_channel_new(&world->test_env.env, &options);
    wire->ethernet = tcpip_ethernet_new(&world->test_env.env, wire->channel, own);
    return wire->ethernet;
}

static void destroy(struct link_world *world, void *state)
{
    struct wire *wire = state;
    (void)world;
    tcpip_ethernet_free(wire->ethernet);
    tcpip_channel_free(wire->channel);
    free(wire);
}

static size_t take(struct link_world *world, void *state, uint8_t *out, size_t size)
{
    struct tcpip_packet *packet = tcpip_channel_collect(((struct wire *)state)->channel);
    (void)world;
    if (packet == NULL)
        return 0;
    size_t length = tcpip_packet_copy_out(packet, 0, out, size);
    tcpip_packet_free(packet);
    return length;
}

static void give(struct link_world *world, void *state, const uint8_t *bytes, size_t size)
{
    (void)world;
    assert_int_equal(tcpip_channel_inject_bytes(((struct wire *)state)->channel, bytes, size), TCPIP_OK);
}

static void an_ethernet_keeps_the_contract_of_links(void **state)
{
    (void)state;
    static const uint8_t header[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    link_conformance(&(struct link_subject){.name = "ethernet",
                                            .make = make,
                                            .destroy = destroy,
                                            .take = take,
                                            .give = give,
                                            .header_bytes = 14,
                                            .given_header = header,
                                            .pushes_back_at = 20,
                                            .far_address = other});
}

/* ---- by hand ---- */

struct fixture {
    struct link_world world;
    struct wire *wire;
    struct tcpip_link *link;
};

static int setup(void **state)
{
    struct fixture *f = *state = calloc(1, sizeof(*f));
    void *wire;
    link_world_init(&f->world, 1);
    f->link = make(&f->world, &wire);
    f->wire = wire;
    link_world_attach(&f->world, f->link);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    link_world_detach(&f->world, f->link);
    destroy(&f->world, f->wire);
    link_world_fini(&f->world);
    free(f);
    return 0;
}

static void capabilities_are_those_below_and_what_ethernet_adds(void **state)
{
    struct fixture *f = *state;
    struct tcpip_link_capabilities caps;
    f->link->ops->capabilities(f->link, &caps);
    assert_int_equal(caps.mtu, 1500);
    assert_int_equal(caps.header_room, 14);
    assert_int_equal(caps.flags, TCPIP_LINK_RESOLUTION | TCPIP_LINK_MULTICAST);
    assert_memory_equal(&caps.address, &own, sizeof(own));
}

static void a_frame_out_has_addresses_and_type_and_moved_offsets(void **state)
{
    struct fixture *f = *state;
    static const uint8_t header[14] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd};
    uint8_t bytes[100] = {0x60};
    struct tcpip_packet *packet = link_world_packet(&f->world, bytes, sizeof(bytes), 60, 0);
    memcpy(packet->link_destination.bytes, other.bytes, 6);
    packet->checksum = TCPIP_CHECKSUM_PARTIAL;
    packet->checksum_start = packet->transport_offset = 40;
    packet->payload_offset = 60;
    link_world_send(&f->world, f->link, packet);
    packet = tcpip_channel_collect(f->wire->channel);
    assert_int_equal(packet->length, 114);
    assert_memory_equal(tcpip_packet_pull(packet, 0, 14), header, 14);
    assert_int_equal(packet->network_offset, 14);
    assert_int_equal(packet->transport_offset, 54);
    assert_int_equal(packet->payload_offset, 74);
    assert_int_equal(packet->checksum_start, 54);
    tcpip_packet_free(packet);
}

static void a_packet_without_room_for_the_header_is_lost(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[TCPIP_PACKET_ROOM] = {0x45};
    link_world_send(&f->world, f->link, link_world_packet(&f->world, bytes, sizeof(bytes), sizeof(bytes) - 13, 0));
    assert_int_equal(f->world.drops[TCPIP_DROP_LINK_ERROR], 1);
    assert_int_equal(tcpip_channel_pending(f->wire->channel), 0);
}

static void frames_in_are_sorted_by_header(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint8_t frame[22];
        size_t size;
        enum tcpip_drop lost; /* or COUNT: delivered, with */
        enum tcpip_packet_type type;
        uint16_t protocol;
        uint32_t length;
    } cases[] = {
        {{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0, 0x45}, 22, TCPIP_DROP_COUNT, TCPIP_PACKET_HOST, 0x0800, 8},
        {{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 6}, 14, TCPIP_DROP_COUNT, TCPIP_PACKET_HOST, 0x0806, 0},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6},
         22,
         TCPIP_DROP_COUNT,
         TCPIP_PACKET_BROADCAST,
         0x0806,
         8},
        {{0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x86, 0xdd},
         22,
         TCPIP_DROP_COUNT,
         TCPIP_PACKET_MULTICAST,
         0x86dd,
         8},
        {{2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 9, 8, 0}, 22, TCPIP_DROP_LINK_OTHER_HOST, 0, 0, 0},
        {{2, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 9, 8, 0}, 22, TCPIP_DROP_LINK_MALFORMED, 0, 0, 0},   /* from a group */
        {{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0, 100}, 22, TCPIP_DROP_LINK_MALFORMED, 0, 0, 0}, /* 802.3 length */
        {{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0}, 13, TCPIP_DROP_LINK_MALFORMED, 0, 0, 0},   /* runt */
        {{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x81, 0, 0xe0, 0, 8, 0, 0x45},
         22,
         TCPIP_DROP_COUNT,
         TCPIP_PACKET_HOST,
         0x0800,
         4}, /* priority tag */
        {{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x81, 0, 0xe0, 7, 8, 0, 0x45},
         22,
         TCPIP_DROP_COUNT,
         TCPIP_PACKET_HOST,
         0x8100,
         8}, /* VLAN 7: nobody's protocol */
        {{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x81, 0, 0, 0, 8}, 17, TCPIP_DROP_LINK_MALFORMED, 0, 0, 0},
        {{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x81, 0, 0, 0, 0, 9}, 22, TCPIP_DROP_LINK_MALFORMED, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(f->world.drops, 0, sizeof(f->world.drops));
        give(&f->world, f->wire, cases[i].frame, cases[i].size);
        if (cases[i].lost != TCPIP_DROP_COUNT) {
            assert_int_equal(f->world.drops[cases[i].lost], 1);
            assert_int_equal(f->world.received.count, 0);
            continue;
        }
        struct tcpip_packet *packet = tcpip_packet_list_pop(&f->world.received);
        assert_non_null(packet);
        assert_int_equal(packet->type, cases[i].type);
        assert_int_equal(packet->link_protocol, cases[i].protocol);
        assert_int_equal(packet->length, cases[i].length);
        assert_memory_equal(packet->link_destination.bytes, cases[i].frame, 6);
        assert_memory_equal(packet->link_source.bytes, cases[i].frame + 6, 6);
        tcpip_packet_free(packet);
    }
}

static void a_promiscuous_link_delivers_frames_of_others_and_says_so(void **state)
{
    struct fixture *f = *state;
    uint8_t frame[20] = {2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 9, 8, 0, 0x45};
    tcpip_ethernet_set_promiscuous(f->link, true);
    give(&f->world, f->wire, frame, sizeof(frame));
    struct tcpip_packet *packet = tcpip_packet_list_pop(&f->world.received);
    assert_int_equal(packet->type, TCPIP_PACKET_OTHER_HOST);
    tcpip_packet_free(packet);
    tcpip_ethernet_set_promiscuous(f->link, false);
    give(&f->world, f->wire, frame, sizeof(frame));
    assert_int_equal(f->world.received.count, 0);
}

static void a_partial_checksum_in_moves_with_its_packet(void **state)
{
    struct fixture *f = *state;
    uint8_t frame[80] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0, 0x45};
    for (uint16_t start = 13; start <= 34; start = (uint16_t)(start + 21)) {
        struct tcpip_packet *packet = link_world_packet(&f->world, frame, sizeof(frame), 0, 7);
        packet->checksum = TCPIP_CHECKSUM_PARTIAL;
        packet->checksum_start = start;
        tcpip_channel_inject(f->wire->channel, packet);
    }
    assert_int_equal(f->world.drops[TCPIP_DROP_LINK_MALFORMED], 1);
    struct tcpip_packet *packet = tcpip_packet_list_pop(&f->world.received);
    assert_int_equal(packet->checksum_start, 20);
    tcpip_packet_free(packet);
    assert_int_equal(f->world.received.count, 0);
}

static void any_bytes_are_delivered_or_lost(void **state)
{
    struct fixture *f = *state;
    static const uint8_t likely_bytes[] = {0x02, 0x00, 0x81};
    struct rng rng;
    rng_init(&rng, 5);
    for (int i = 0; i < 20000; i++) {
        uint8_t frame[40];
        for (size_t k = 0; k < sizeof(frame); k++)
            frame[k] = rng_below(&rng, 3) == 0 ? (uint8_t)rng_u32(&rng) : likely_bytes[rng_below(&rng, 3)];
        give(&f->world, f->wire, frame, 1 + rng_below(&rng, sizeof(frame)));
        tcpip_packet_list_free(&f->world.received);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ethernet_keeps_the_contract_of_links),
        cmocka_unit_test_setup_teardown(capabilities_are_those_below_and_what_ethernet_adds, setup, teardown),
        cmocka_unit_test_setup_teardown(a_frame_out_has_addresses_and_type_and_moved_offsets, setup, teardown),
        cmocka_unit_test_setup_teardown(a_packet_without_room_for_the_header_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(frames_in_are_sorted_by_header, setup, teardown),
        cmocka_unit_test_setup_teardown(a_promiscuous_link_delivers_frames_of_others_and_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_partial_checksum_in_moves_with_its_packet, setup, teardown),
        cmocka_unit_test_setup_teardown(any_bytes_are_delivered_or_lost, setup, teardown),
    };
    return cmocka_run_group_tests_name("ethernet", tests, NULL, NULL);
}
