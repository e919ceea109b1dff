// SPDX-License-Identifier: MIT
/* vnet_test.c: the virtio-net header: there and back, and headers that lie. */
#include "platform/vnet.h"

#include "base/math.h"
#include "base/rng.h"
#include "buffer/pools.h"
#include "test_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <tcpip/header/bytes.h>

#include <cmocka.h>

struct fixture {
    struct test_env world;
    struct memory memory;
    struct tcpip_buffer_pools buffers;
    struct tcpip_packet_pool packets;
    struct rng rng;
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    test_env_init(&f->world, 1);
    tcpip__memory_init(&f->memory, &f->world.env, 0);
    tcpip__buffer_pools_init(&f->buffers, &f->memory, NULL);
    tcpip__packet_pool_init(&f->packets, &f->memory, &f->buffers, NULL);
    rng_init(&f->rng, 42);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    tcpip__packet_pool_fini(&f->packets);
    tcpip__buffer_pools_fini(&f->buffers);
    tcpip__memory_fini(&f->memory);
    test_env_fini(&f->world);
    return 0;
}

/* What a packet is made of, for one that makes sense. */
struct shape {
    uint32_t link_bytes, network_bytes, transport_bytes, payload;
    bool v6, udp;
};

static struct tcpip_packet *make_packet(struct fixture *f, const struct shape *shape)
{
    static uint8_t bytes[70000];
    uint8_t *ip = bytes + shape->link_bytes, *transport = ip + shape->network_bytes;
    uint32_t size = shape->link_bytes + shape->network_bytes + shape->transport_bytes + shape->payload;
    memset(bytes, 0, size);
    ip[0] = (uint8_t)(shape->v6 ? 0x60 : 0x40 | shape->network_bytes / 4);
    ip[shape->v6 ? 6 : 9] = shape->udp ? 17 : 6;
    if (!shape->udp)
        transport[12] = (uint8_t)(shape->transport_bytes / 4 << 4);
    struct tcpip_packet *packet = tcpip__packet_new(&f->packets);
    assert_non_null(packet);
    assert_int_equal(tcpip_packet_append(packet, bytes, size), TCPIP_OK);
    return packet;
}

static struct tcpip_packet *make_super(struct fixture *f, const struct shape *shape, uint16_t gso_size)
{
    struct tcpip_packet *packet = make_packet(f, shape);
    packet->checksum = TCPIP_CHECKSUM_PARTIAL;
    packet->checksum_start = (uint16_t)(shape->link_bytes + shape->network_bytes);
    packet->checksum_offset = shape->udp ? 6 : 16;
    packet->gso = (uint8_t)(shape->udp ? TCPIP_GSO_UDP : shape->v6 ? TCPIP_GSO_TCPV6 : TCPIP_GSO_TCPV4);
    packet->gso_size = gso_size;
    return packet;
}

static const struct shape shapes[] = {
    {0, 20, 20, 64000, false, false}, {0, 20, 32, 14480, false, false}, {0, 60, 60, 3000, false, false},
    {0, 40, 20, 64000, true, false},  {14, 20, 32, 2897, false, false}, {14, 40, 32, 1449, true, false},
    {0, 20, 8, 14000, false, true},   {14, 40, 8, 5000, true, true},
};

static void a_super_segment_is_the_same_on_the_other_side(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < array_count(shapes); i++) {
        for (uint32_t bytes = 10; bytes <= 12; bytes += 2) {
            uint8_t header[12];
            struct tcpip_packet *packet = make_super(f, &shapes[i], 1448);
            struct tcpip_packet *back = make_packet(f, &shapes[i]);
            assert_true(tcpip__vnet_encode(packet, header, bytes));
            struct tcpip_virtio_net_fields fields;
            tcpip_virtio_net_decode(header, bytes, &fields);
            assert_int_equal(fields.header_length,
                             shapes[i].link_bytes + shapes[i].network_bytes + shapes[i].transport_bytes);
            assert_true(tcpip__vnet_decode(back, header, bytes, shapes[i].link_bytes));
            assert_int_equal(back->gso, packet->gso);
            assert_int_equal(back->gso_size, 1448);
            assert_int_equal(back->gso_segments, (shapes[i].payload + 1447) / 1448);
            assert_int_equal(back->checksum, TCPIP_CHECKSUM_PARTIAL);
            assert_int_equal(back->checksum_start, packet->checksum_start);
            assert_int_equal(back->checksum_offset, packet->checksum_offset);
            tcpip_packet_free(packet);
            tcpip_packet_free(back);
        }
    }
}

static void one_segment_is_no_super_segment(void **state)
{
    struct fixture *f = *state;
    uint8_t header[10];
    struct shape shape = {0, 20, 20, 1448, false, false};
    struct tcpip_packet *packet = make_super(f, &shape, 1448);
    assert_true(tcpip__vnet_encode(packet, header, sizeof(header)));
    struct tcpip_packet *back = make_packet(f, &shape);
    assert_true(tcpip__vnet_decode(back, header, sizeof(header), 0));
    assert_int_equal(back->gso, TCPIP_GSO_NONE);
    assert_int_equal(back->gso_size, 0);
    tcpip_packet_free(packet);
    tcpip_packet_free(back);
}

static void cwr_is_said_to_belong_on_the_first_segment(void **state)
{
    struct fixture *f = *state;
    uint8_t header[10];
    struct tcpip_packet *packet = make_super(f, &shapes[0], 1448);
    tcpip_packet_pull(packet, 20, 20)[13] = 0x80;
    assert_true(tcpip__vnet_encode(packet, header, sizeof(header)));
    assert_int_equal(header[1], TCPIP_VIRTIO_NET_GSO_TCPV4 | TCPIP_VIRTIO_NET_GSO_ECN);
    struct tcpip_packet *back = make_packet(f, &shapes[0]);
    assert_true(tcpip__vnet_decode(back, header, sizeof(header), 0));
    assert_int_equal(back->gso, TCPIP_GSO_TCPV4);
    tcpip_packet_free(packet);
    tcpip_packet_free(back);
}

static void checksum_states_are_told(void **state)
{
    struct fixture *f = *state;
    uint8_t header[10] = {0};
    struct tcpip_packet *packet = make_packet(f, &shapes[0]);
    assert_true(tcpip__vnet_decode(packet, header, sizeof(header), 0));
    assert_int_equal(packet->checksum, TCPIP_CHECKSUM_NONE);
    header[0] = TCPIP_VIRTIO_NET_DATA_VALID;
    assert_true(tcpip__vnet_decode(packet, header, sizeof(header), 0));
    assert_int_equal(packet->checksum, TCPIP_CHECKSUM_VERIFIED);
    header[0] = TCPIP_VIRTIO_NET_DATA_VALID | TCPIP_VIRTIO_NET_NEEDS_CSUM;
    header[6] = 20;
    header[8] = 16;
    assert_true(tcpip__vnet_decode(packet, header, sizeof(header), 0));
    assert_int_equal(packet->checksum, TCPIP_CHECKSUM_PARTIAL);
    tcpip_packet_free(packet);
}

/* ---- lies ---- */

static void headers_that_contradict_the_packet_are_refused(void **state)
{
    struct fixture *f = *state;
    static const struct lie {
        const char *what;
        uint32_t shape; /* index */
        struct tcpip_virtio_net_fields fields;
    } lies[] = {
        {"checksum inside the IP header", 0, {.flags = 1, .checksum_start = 19, .checksum_offset = 16}},
        {"checksum inside the Ethernet header", 4, {.flags = 1, .checksum_start = 33, .checksum_offset = 0}},
        {"checksum behind the end", 5, {.flags = 1, .checksum_start = 1530, .checksum_offset = 16}},
        {"TCPv6 in an IPv4 packet",
         0,
         {.flags = 1, .gso_type = 4, .gso_size = 1000, .checksum_start = 20, .checksum_offset = 16}},
        {"TCPv4 in an IPv6 packet",
         3,
         {.flags = 1, .gso_type = 1, .gso_size = 1000, .checksum_start = 40, .checksum_offset = 16}},
        {"TCP in a UDP packet",
         6,
         {.flags = 1, .gso_type = 1, .gso_size = 1000, .checksum_start = 20, .checksum_offset = 16}},
        {"UDP in a TCP packet",
         0,
         {.flags = 1, .gso_type = 5, .gso_size = 1000, .checksum_start = 20, .checksum_offset = 6}},
        {"a checksum that isn't TCP's",
         0,
         {.flags = 1, .gso_type = 1, .gso_size = 1000, .checksum_start = 20, .checksum_offset = 18}},
        {"a checksum that doesn't begin at TCP",
         0,
         {.flags = 1, .gso_type = 1, .gso_size = 1000, .checksum_start = 24, .checksum_offset = 16}},
        {"IP fragmentation",
         6,
         {.flags = 1, .gso_type = 3, .gso_size = 1000, .checksum_start = 20, .checksum_offset = 6}},
        {"segments of nothing", 0, {.gso_type = 1, .gso_size = 0}},
        {"an unknown kind", 0, {.gso_type = 2, .gso_size = 1000}},
        {"a header longer than the packet", 5, {.header_length = 60000}},
    };
    for (size_t i = 0; i < array_count(lies); i++) {
        uint8_t header[10];
        struct tcpip_packet *packet = make_packet(f, &shapes[lies[i].shape]);
        tcpip_virtio_net_encode(header, sizeof(header), &lies[i].fields);
        if (tcpip__vnet_decode(packet, header, sizeof(header), shapes[lies[i].shape].link_bytes))
            fail_msg("believed: %s", lies[i].what);
        tcpip_packet_free(packet);
    }
}

static void super_segments_cut_short_are_refused(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < array_count(shapes); i++) {
        uint8_t header[10];
        uint32_t headers = shapes[i].link_bytes + shapes[i].network_bytes + shapes[i].transport_bytes;
        struct tcpip_packet *whole = make_super(f, &shapes[i], 1);
        assert_true(tcpip__vnet_encode(whole, header, sizeof(header)));
        tcpip_store_le16(header + 2, 0); /* the hint isn't what catches them */
        tcpip_packet_free(whole);
        for (uint32_t length = 1; length <= headers; length++) {
            struct tcpip_packet *packet = make_packet(f, &shapes[i]);
            tcpip_packet_cap_length(packet, length);
            assert_false(tcpip__vnet_decode(packet, header, sizeof(header), shapes[i].link_bytes));
            tcpip_packet_free(packet);
        }
    }
}

/* Whatever is believed points into the packet. */
static void random_headers_never_point_outside(void **state)
{
    struct fixture *f = *state;
    uint32_t believed = 0, super = 0;
    for (uint32_t i = 0; i < 40000; i++) {
        const struct shape *shape = &shapes[rng_below(&f->rng, array_count(shapes))];
        uint32_t bytes = rng_below(&f->rng, 2) == 0 ? 10 : 12;
        uint8_t header[12];
        struct tcpip_packet *packet = make_super(f, shape, (uint16_t)(1 + rng_below(&f->rng, 3000)));
        assert_true(tcpip__vnet_encode(packet, header, bytes));
        packet->gso = packet->checksum = 0;
        packet->gso_size = 0;
        for (uint32_t k = rng_below(&f->rng, 3); k > 0; k--)
            header[rng_below(&f->rng, bytes)] = (uint8_t)rng_u32(&f->rng);
        for (uint32_t k = rng_below(&f->rng, 3); k > 0; k--)
            tcpip_packet_pull(packet, 0, 60)[rng_below(&f->rng, 60)] = (uint8_t)rng_u32(&f->rng);
        if (rng_below(&f->rng, 4) == 0)
            tcpip_packet_cap_length(packet, 1 + rng_below(&f->rng, 120));
        if (tcpip__vnet_decode(packet, header, bytes, shape->link_bytes)) {
            believed++;
            if (packet->checksum == TCPIP_CHECKSUM_PARTIAL)
                assert_true(packet->checksum_start + packet->checksum_offset + 2u <= packet->length);
            if (packet->gso != TCPIP_GSO_NONE) {
                super++;
                assert_true(packet->gso_size > 0 && packet->gso_segments >= 2);
                assert_true((uint32_t)packet->gso_segments * packet->gso_size < packet->length + packet->gso_size);
            }
        }
        tcpip_packet_free(packet);
    }
    assert_true(believed > 1000 && believed < 39000 && super > 1000);
}

static void packets_that_make_no_sense_are_not_sent(void **state)
{
    struct fixture *f = *state;
    uint8_t header[10];
    struct tcpip_packet *packet = make_super(f, &shapes[0], 1448);
    packet->checksum = TCPIP_CHECKSUM_NONE;
    assert_false(tcpip__vnet_encode(packet, header, sizeof(header)));
    packet->checksum = TCPIP_CHECKSUM_PARTIAL;
    packet->gso_size = 0;
    assert_false(tcpip__vnet_encode(packet, header, sizeof(header)));
    packet->gso_size = 1448;
    assert_true(tcpip__vnet_encode(packet, header, sizeof(header)));
    tcpip_packet_cap_length(packet, 30);
    assert_false(tcpip__vnet_encode(packet, header, sizeof(header)));
    packet->gso = TCPIP_GSO_NONE;
    packet->checksum_offset = 9;
    assert_false(tcpip__vnet_encode(packet, header, sizeof(header)));
    tcpip_packet_free(packet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_super_segment_is_the_same_on_the_other_side),
        cmocka_unit_test(one_segment_is_no_super_segment),
        cmocka_unit_test(cwr_is_said_to_belong_on_the_first_segment),
        cmocka_unit_test(checksum_states_are_told),
        cmocka_unit_test(headers_that_contradict_the_packet_are_refused),
        cmocka_unit_test(super_segments_cut_short_are_refused),
        cmocka_unit_test(random_headers_never_point_outside),
        cmocka_unit_test(packets_that_make_no_sense_are_not_sent),
    };
    return cmocka_run_group_tests_name("vnet", tests, setup, teardown);
}
