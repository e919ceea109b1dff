// SPDX-License-Identifier: MIT
/* reassembly_test.c: fragments of both families through a stack: orders, overlaps, lies, limits, patience; and
 * thousands of random ones beside a naive twin that keeps a mark for every byte. */
#include "network/ip.h"
#include "network_world.h"

#include <stdio.h>
#include <stdlib.h>

#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct network_world world;
static uint8_t packet[WORLD_BYTES_MAX];

struct piece {
    bool v6;
    uint32_t id;
    uint32_t begin, bytes;
    bool more;
    uint8_t tos;
    const uint8_t *data; /* of the whole datagram */
};

static void start(const struct tcpip_limits *limits)
{
    struct network_world_options options = {.seed = 1, .limits = limits};
    network_world_init(&world, &options);
}

static void inject(struct piece piece)
{
    size_t size;
    if (piece.v6) {
        uint8_t body[WORLD_BYTES_MAX];
        struct tcpip_ipv6_fragment_fields fragment = {
            .next_header = TCPIP_PROTOCOL_UDP, .more = piece.more, .offset = (uint16_t)piece.begin, .id = piece.id};
        struct world_v6 fields = {.source = world_peer6,
                                  .destination = world_us6,
                                  .next_header = TCPIP_IPV6_FRAGMENT,
                                  .traffic_class = piece.tos};
        tcpip_ipv6_fragment_encode(body, &fragment);
        memcpy(body + 8, piece.data + piece.begin, piece.bytes);
        size = world_v6(packet, fields, body, 8 + piece.bytes);
    } else {
        struct world_v4 fields = {.source = world_peer4,
                                  .destination = world_us4,
                                  .protocol = TCPIP_PROTOCOL_UDP,
                                  .tos = piece.tos,
                                  .id = (uint16_t)piece.id,
                                  .flags = piece.more ? TCPIP_IPV4_MORE_FRAGMENTS : 0,
                                  .offset = (uint16_t)piece.begin};
        size = world_v4(packet, fields, piece.data + piece.begin, piece.bytes);
    }
    world_inject(&world, packet, size, 0);
    struct ip_shared *shared = tcpip__ip_shared(world.stack, TCPIP_PROTOCOL_IPV4);
    tcpip__ip_reassembly_check(&shared->reassembly);
}

static const uint8_t *sample(void)
{
    static uint8_t data[WORLD_BYTES_MAX];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 31 + (i >> 8));
    return data;
}

static struct tcpip_stats_ip *stats(bool v6)
{
    return v6 ? &world.stack->stats.ipv6 : &world.stack->stats.ipv4;
}

/* ---- by example ---- */

/* A link that calls a fragment a super-segment has looked at bytes that aren't a header. */
static void test_what_a_link_says_of_a_fragment_is_not_said_of_the_datagram(void **state)
{
    (void)state;
    start(NULL);
    world.gso_size = 9;
    inject((struct piece){.id = 1, .begin = 0, .bytes = 1000, .more = true, .data = sample()});
    inject((struct piece){.id = 1, .begin = 1000, .bytes = 200, .data = sample()});
    assert_int_equal(world.delivered, 1);
    assert_int_equal(world.heard_gso_size, 0);
    assert_int_equal(world.heard_gso_segments, 0);
    network_world_fini(&world);
}

static void test_fragments_in_any_order_become_the_datagram(void **state)
{
    (void)state;
    static const uint8_t order[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {0, 2, 1}, {1, 0, 2}, {2, 0, 1}};
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        start(NULL);
        for (uint32_t o = 0; o < array_count(order); o++) {
            for (uint32_t i = 0; i < 3; i++) {
                uint32_t k = order[o][i];
                inject((struct piece){.v6 = v6,
                                      .id = o,
                                      .begin = k * 1000,
                                      .bytes = k == 2 ? 333 : 1000,
                                      .more = k < 2,
                                      .data = sample()});
            }
            assert_int_equal(world.delivered, o + 1);
            assert_int_equal(world.size, 2333);
            assert_memory_equal(world.bytes, sample(), 2333);
            assert_int_equal(world.views, 3); /* nothing was copied */
            assert_true(world.network.was_fragmented);
            assert_int_equal(world.network.upper_bytes, 2333);
            assert_int_equal(world.network.transport, TCPIP_PROTOCOL_UDP);
        }
        assert_int_equal(stats(v6)->reassembled, array_count(order));
        assert_int_equal(stats(v6)->fragments_received, 3 * array_count(order));
        network_world_fini(&world);
    }
}

static void test_the_largest_datagram_passes_and_a_larger_one_does_not(void **state)
{
    (void)state;
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        uint32_t total = v6 ? 65535 : 65515;
        start(NULL);
        for (uint32_t at = 0; at < total; at += 1400)
            inject((struct piece){.v6 = v6,
                                  .id = 5,
                                  .begin = at,
                                  .bytes = total - at > 1400 ? 1400 : total - at,
                                  .more = total - at > 1400,
                                  .data = sample()});
        assert_int_equal(world.delivered, 1);
        assert_int_equal(world.size, total);
        assert_memory_equal(world.bytes, sample(), total);
        assert_int_equal(world.views, 1); /* more than a packet has views for */

        inject((struct piece){.v6 = v6, .id = 6, .begin = 65528, .bytes = 16, .data = sample()});
        assert_int_equal(world.delivered, 1);
        assert_int_equal(world_drops(&world, v6 ? TCPIP_DROP_FRAGMENT_MALFORMED : TCPIP_DROP_IP_MALFORMED), 1);
        network_world_fini(&world);
    }
}

static void test_a_first_header_that_makes_the_whole_too_large_is_noticed_at_the_end(void **state)
{
    (void)state;
    static const uint8_t nops[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    static uint8_t body[2000];
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        uint32_t total = v6 ? 65535 : 65515;
        start(NULL);
        for (uint32_t at = 1400; at < total; at += 1400)
            inject((struct piece){.v6 = v6,
                                  .id = 5,
                                  .begin = at,
                                  .bytes = total - at > 1400 ? 1400 : total - at,
                                  .more = total - at > 1400,
                                  .data = sample()});
        size_t size;
        if (v6) {
            tcpip_ipv6_router_alert_encode(body, TCPIP_IPV6_FRAGMENT);
            tcpip_ipv6_fragment_encode(body + 8, &(struct tcpip_ipv6_fragment_fields){
                                                     .next_header = TCPIP_PROTOCOL_UDP, .more = true, .id = 5});
            struct world_v6 fields = {
                .source = world_peer6, .destination = world_us6, .next_header = TCPIP_IPV6_HOP_BY_HOP};
            size = world_v6(packet, fields, body, 16 + 1400);
        } else {
            struct world_v4 fields = {.source = world_peer4,
                                      .destination = world_us4,
                                      .protocol = TCPIP_PROTOCOL_UDP,
                                      .id = 5,
                                      .flags = TCPIP_IPV4_MORE_FRAGMENTS,
                                      .options = nops,
                                      .options_bytes = 8};
            size = world_v4(packet, fields, body, 1400);
        }
        world_inject(&world, packet, size, 0);
        assert_int_equal(world.delivered, 0);
        assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_MALFORMED), 1);
        assert_int_equal(stats(v6)->malformed_fragments_received, 1);
        network_world_fini(&world);
    }
}

static void test_an_overlap_spoils_the_datagram_until_its_time_is_over(void **state)
{
    (void)state;
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        const uint8_t *data = sample();
        start(NULL);
        inject((struct piece){.v6 = v6, .id = 9, .begin = 0, .bytes = 800, .more = true, .data = data});
        inject((struct piece){.v6 = v6, .id = 9, .begin = 792, .bytes = 800, .more = true, .data = data});
        assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_OVERLAP), 2);
        /* What would have completed it, and a whole fresh set: none of it counts. */
        inject((struct piece){.v6 = v6, .id = 9, .begin = 0, .bytes = 800, .more = true, .data = data});
        inject((struct piece){.v6 = v6, .id = 9, .begin = 800, .bytes = 100, .data = data});
        assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_OVERLAP), 4);
        assert_int_equal(world.delivered, 0);
        assert_int_equal(stats(v6)->reassembly_failures, 1);
        world_advance(&world, 61 * TCPIP_SECOND);
        assert_false(world_collect(&world)); /* nobody is told (RFC 5722 4) */
        inject((struct piece){.v6 = v6, .id = 9, .begin = 0, .bytes = 800, .more = true, .data = data});
        inject((struct piece){.v6 = v6, .id = 9, .begin = 800, .bytes = 100, .data = data});
        assert_int_equal(world.delivered, 1);
        network_world_fini(&world);
    }
}

static void test_an_exact_duplicate_is_ignored_and_one_with_other_bytes_is_an_overlap(void **state)
{
    (void)state;
    uint8_t other[2000];
    memcpy(other, sample(), sizeof(other));
    other[1500] ^= 1;
    start(NULL);
    inject((struct piece){.id = 1, .begin = 1000, .bytes = 800, .more = true, .data = sample()});
    inject((struct piece){.id = 1, .begin = 1000, .bytes = 800, .more = true, .data = sample()});
    assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_DUPLICATE), 1);
    inject((struct piece){.id = 1, .begin = 1000, .bytes = 800, .more = true, .data = other});
    assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_OVERLAP), 2);
    network_world_fini(&world);
}

static void test_lies_about_the_end_spoil_the_datagram(void **state)
{
    (void)state;
    static const struct {
        uint32_t begin[2], bytes[2];
        bool more[2];
    } lies[] = {
        {{800, 1600}, {800, 800}, {false, true}},  /* data behind the end */
        {{800, 1600}, {800, 800}, {false, false}}, /* a second end, behind */
        {{1600, 800}, {800, 800}, {true, false}},  /* an end before data */
    };
    for (uint32_t i = 0; i < array_count(lies); i++) {
        start(NULL);
        for (uint32_t k = 0; k < 2; k++)
            inject((struct piece){.id = 1,
                                  .begin = lies[i].begin[k],
                                  .bytes = lies[i].bytes[k],
                                  .more = lies[i].more[k],
                                  .data = sample()});
        assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_MALFORMED), 2);
        network_world_fini(&world);
    }
}

static void test_fragments_that_are_wrong_by_themselves_are_dropped(void **state)
{
    (void)state;
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        start(NULL);
        inject((struct piece){.v6 = v6, .id = 1, .begin = 0, .bytes = 801, .more = true, .data = sample()});
        inject((struct piece){.v6 = v6, .id = 1, .begin = 800, .bytes = 0, .data = sample()});
        assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_MALFORMED), 2);
        assert_int_equal(stats(v6)->malformed_fragments_received, 2);
        /* RFC 8200 4.5: a length that isn't a multiple of 8 is answered, with the pointer to the length. */
        assert_int_equal(world_collect(&world), v6);
        if (v6) {
            assert_int_equal(world.out[40], TCPIP_ICMPV6_PARAMETER_PROBLEM);
            assert_int_equal(tcpip_icmpv6_pointer(world.out + 40), 4);
        }
        network_world_fini(&world);
    }
}

static void test_patience_ends_and_the_sender_is_told_if_the_first_fragment_came(void **state)
{
    (void)state;
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        start(NULL);
        inject((struct piece){.v6 = v6, .id = 1, .begin = 1600, .bytes = 800, .more = true, .data = sample()});
        inject((struct piece){.v6 = v6, .id = 2, .begin = 1600, .bytes = 800, .more = true, .data = sample()});
        inject((struct piece){.v6 = v6, .id = 2, .begin = 0, .bytes = 800, .more = true, .data = sample()});
        world_advance(&world, (v6 ? 60 : 30) * TCPIP_SECOND - 1);
        assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_TIMEOUT), 0);
        world_advance(&world, 1);
        assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_TIMEOUT), 3);
        assert_int_equal(stats(v6)->reassembly_timeouts, 2);
        assert_int_equal(stats(v6)->reassembly_failures, 2);
        assert_true(world_collect(&world));
        assert_true(world_out_sums_up(&world));
        size_t header = v6 ? 40 : 20;
        assert_int_equal(world.out[header], v6 ? TCPIP_ICMPV6_TIME_EXCEEDED : TCPIP_ICMPV4_TIME_EXCEEDED);
        assert_int_equal(world.out[header + 1], 1);
        /* The quote is the first fragment as it came: `packet` still holds it. */
        assert_memory_equal(world.out + header + 8, packet, world.out_size - header - 8);
        assert_int_equal(world.out_size, v6 ? 40 + 8 + 48 + 800 : 576);
        assert_false(world_collect(&world));
        network_world_fini(&world);
    }
}

static void test_the_oldest_datagram_makes_room(void **state)
{
    (void)state;
    struct tcpip_limits limits;
    tcpip_limits_default(&limits);
    limits.fragment_datagrams = 4;
    start(&limits);
    for (uint32_t id = 0; id < 5; id++)
        inject((struct piece){.id = id, .begin = 0, .bytes = 800, .more = true, .data = sample()});
    assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_LIMIT), 1);
    for (uint32_t id = 1; id < 5; id++)
        inject((struct piece){.id = id, .begin = 800, .bytes = 8, .data = sample()});
    assert_int_equal(world.delivered, 4);
    network_world_fini(&world);

    limits.fragment_datagrams = 1000;
    limits.fragment_bytes = 30000;
    start(&limits);
    for (uint32_t id = 0; id < 100; id++)
        inject((struct piece){.id = id, .v6 = id & 1, .begin = 0, .bytes = 800, .more = true, .data = sample()});
    struct ip_shared *shared = tcpip__ip_shared(world.stack, TCPIP_PROTOCOL_IPV6);
    assert_in_range(shared->reassembly.charged_bytes, 25000, 30000);
    assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_LIMIT), 100 - shared->reassembly.count);
    network_world_fini(&world);
}

static void test_too_many_fragments_of_one_datagram_end_it(void **state)
{
    (void)state;
    start(NULL);
    for (uint32_t i = 0; i <= IP_REASSEMBLY_PIECES_MAX; i++)
        inject((struct piece){.id = 1, .begin = 16 * i, .bytes = 8, .more = true, .data = sample()});
    assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_LIMIT), IP_REASSEMBLY_PIECES_MAX + 1);
    inject((struct piece){.id = 1, .begin = 8, .bytes = 8, .more = true, .data = sample()});
    assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_OVERLAP), 1);
    network_world_fini(&world);
}

static void test_small_fragments_of_large_buffers_are_copied(void **state)
{
    (void)state;
    start(NULL);
    struct tcpip_packet *small = tcpip_packet_new(world.stack);
    struct tcpip_buffer *buffer = tcpip_buffer_new(world.stack, 60000);
    struct world_v4 fields = {.source = world_peer4,
                              .destination = world_us4,
                              .protocol = TCPIP_PROTOCOL_UDP,
                              .flags = TCPIP_IPV4_MORE_FRAGMENTS};
    uint32_t size = (uint32_t)world_v4(buffer->data, fields, sample(), 64);
    assert_true(tcpip_packet_append_view(small, (struct tcpip_view){tcpip_buffer_ref(buffer), 0, size}));
    tcpip_channel_inject(world.link, small);
    assert_int_equal(buffer->refs, 1);
    struct ip_shared *shared = tcpip__ip_shared(world.stack, TCPIP_PROTOCOL_IPV4);
    assert_in_range(shared->reassembly.charged_bytes, 64, 2048);
    tcpip_buffer_unref(buffer);
    network_world_fini(&world);
}

static void test_congestion_marks_survive_reassembly(void **state)
{
    (void)state;
    static const struct {
        uint8_t a, b;
        int ecn; /* -1: dropped */
    } cases[] = {{2, 2, 2}, {2, 3, 3}, {3, 1, 3}, {0, 0, 0}, {0, 3, -1}, {3, 0, -1}};
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        start(NULL);
        for (uint32_t i = 0; i < array_count(cases); i++) {
            uint32_t before = world.delivered;
            inject((struct piece){
                .v6 = v6, .id = i, .begin = 0, .bytes = 800, .more = true, .tos = cases[i].a, .data = sample()});
            inject((struct piece){.v6 = v6, .id = i, .begin = 800, .bytes = 9, .tos = cases[i].b, .data = sample()});
            assert_int_equal(world.delivered - before, cases[i].ecn >= 0);
            if (cases[i].ecn >= 0)
                assert_int_equal(world.network.tos & 3, cases[i].ecn);
        }
        network_world_fini(&world);
    }
}

static void test_a_nic_that_goes_down_takes_its_fragments_along(void **state)
{
    (void)state;
    start(NULL);
    inject((struct piece){.id = 1, .begin = 0, .bytes = 800, .more = true, .data = sample()});
    inject((struct piece){.v6 = true, .id = 1, .begin = 0, .bytes = 800, .more = true, .data = sample()});
    assert_int_equal(tcpip_stack_disable_nic(world.stack, 1), TCPIP_OK);
    assert_int_equal(world_drops(&world, TCPIP_DROP_NIC_REMOVED), 2);
    network_world_fini(&world);
}

static void test_a_stack_with_fragments_waiting_can_be_freed(void **state)
{
    (void)state;
    start(NULL);
    for (uint32_t id = 0; id < 20; id++)
        inject((struct piece){.v6 = id & 1, .id = id, .begin = 8, .bytes = 800, .more = true, .data = sample()});
    network_world_fini(&world);
}

static void test_memory_that_runs_out_loses_fragments_only(void **state)
{
    (void)state;
    uint32_t delivered = 0;
    for (uint64_t k = 1; k < 12; k++) {
        start(NULL);
        test_env_fail(&world.test_env, k, true);
        for (uint32_t id = 0; id < 3; id++) {
            struct tcpip_packet *probe = tcpip_packet_new(world.stack);
            if (probe == NULL)
                break;
            tcpip_packet_free(probe);
            uint8_t bytes[100];
            struct world_v4 fields = {.source = world_peer4,
                                      .destination = world_us4,
                                      .protocol = TCPIP_PROTOCOL_UDP,
                                      .id = (uint16_t)id,
                                      .flags = TCPIP_IPV4_MORE_FRAGMENTS};
            size_t size = world_v4(bytes, fields, sample(), 64);
            if (tcpip_channel_inject_bytes(world.link, bytes, size) == TCPIP_OK)
                delivered++;
            tcpip__ip_reassembly_check(&tcpip__ip_shared(world.stack, TCPIP_PROTOCOL_IPV4)->reassembly);
        }
        test_env_fail(&world.test_env, 0, false);
        network_world_fini(&world);
    }
    assert_true(delivered > 0);
}

/* ---- beside a twin ---- */

enum { TWIN_IDS = 6, TWIN_BYTES = 4000, TWIN_PIECES = 64 };

struct twin {
    bool alive, spoiled;
    tcpip_ns born_at;
    uint32_t total, pieces;
    struct {
        uint32_t begin, end;
    } piece[TWIN_PIECES];
    uint8_t data[TWIN_BYTES];
    bool have[TWIN_BYTES];
};

struct twin_counts {
    uint64_t delivered, overlap, malformed, duplicate, timeout;
};

static void twin_end(struct twin *twin, uint64_t *counter)
{
    if (counter != NULL)
        *counter += twin->pieces;
    memset(twin, 0, sizeof(*twin));
}

static void twin_spoil(struct twin *twin, uint64_t *counter)
{
    tcpip_ns born_at = twin->born_at;
    *counter += 1;
    twin_end(twin, counter);
    twin->alive = twin->spoiled = true;
    twin->born_at = born_at;
}

/* Returns true when the datagram is whole; then *twin still holds it. */
static bool twin_add(struct twin *twin, struct twin_counts *counts, const struct piece *p, tcpip_ns now)
{
    uint32_t end = p->begin + p->bytes, furthest = 0, bytes = 0;
    if (!twin->alive) {
        twin->alive = true;
        twin->born_at = now;
    }
    if (twin->spoiled) {
        counts->overlap++;
        return false;
    }
    for (uint32_t i = 0; i < twin->pieces; i++)
        furthest = twin->piece[i].end > furthest ? twin->piece[i].end : furthest;
    if ((twin->total != 0 && (end > twin->total || (!p->more && end != twin->total))) || (!p->more && end < furthest)) {
        twin_spoil(twin, &counts->malformed);
        return false;
    }
    for (uint32_t i = 0; i < twin->pieces; i++)
        if (twin->piece[i].begin == p->begin && twin->piece[i].end == end &&
            memcmp(twin->data + p->begin, p->data + p->begin, p->bytes) == 0) {
            counts->duplicate++;
            return false;
        }
    for (uint32_t at = p->begin; at < end; at++)
        if (twin->have[at]) {
            twin_spoil(twin, &counts->overlap);
            return false;
        }
    memset(twin->have + p->begin, true, p->bytes);
    memcpy(twin->data + p->begin, p->data + p->begin, p->bytes);
    assert_true(twin->pieces < TWIN_PIECES);
    twin->piece[twin->pieces].begin = p->begin;
    twin->piece[twin->pieces++].end = end;
    if (!p->more)
        twin->total = end;
    for (uint32_t at = 0; at < TWIN_BYTES; at++)
        bytes += twin->have[at];
    return twin->total != 0 && bytes == twin->total;
}

static struct piece random_piece(struct test_env *env, bool v6)
{
    static uint8_t odd[TWIN_BYTES];
    uint64_t r = test_env_random(env);
    uint32_t total = 800 + 8 * (uint32_t)(r % 200), unit = 200;
    struct piece p = {.v6 = v6, .id = (uint32_t)(r >> 8) % TWIN_IDS, .data = sample()};
    total = 1000 + 100 * p.id + 3; /* of this id; lies come below */
    p.begin = unit * ((uint32_t)(r >> 16) % (total / unit + 1));
    p.bytes = total - p.begin < unit ? total - p.begin : unit;
    p.more = p.begin + p.bytes < total;
    switch ((r >> 32) % 120) {
    case 0:
        p.begin += 8; /* overlaps, or leaves a hole */
        break;
    case 1:
        p.more = !p.more || p.begin == 0; /* lies; not by being no fragment at all */
        p.bytes &= ~7u;
        break;
    case 2: /* other bytes */
        memcpy(odd, sample(), sizeof(odd));
        odd[p.begin] ^= 1;
        p.data = odd;
        break;
    default:
        break;
    }
    if (p.bytes == 0)
        p.bytes = 8;
    return p;
}

static void twin_expire(struct twin *twins, struct twin_counts *counts, tcpip_ns now, tcpip_ns patience)
{
    for (uint32_t i = 0; i < TWIN_IDS; i++)
        if (twins[i].alive && twins[i].born_at + patience <= now)
            twin_end(&twins[i], &counts->timeout);
}

static void run_beside_twin(uint64_t seed, bool v6, struct twin_counts *sum)
{
    static struct twin twins[TWIN_IDS];
    struct twin_counts counts = {0};
    tcpip_ns patience = (v6 ? 60 : 30) * TCPIP_SECOND;
    memset(twins, 0, sizeof(twins));
    start(NULL);
    world.test_env.random_state ^= seed * 0x9e3779b97f4a7c15u;
    for (int step = 0; step < 1500; step++) {
        uint64_t r = test_env_random(&world.test_env);
        world.piece_bytes = r % 3 == 0 ? 60 + (uint32_t)(r >> 8) % 300 : 0;
        struct piece p = random_piece(&world.test_env, v6);
        bool whole = twin_add(&twins[p.id], &counts, &p, world.test_env.now);
        inject(p);
        if (whole) {
            counts.delivered++;
            assert_int_equal(world.size, twins[p.id].total);
            assert_memory_equal(world.bytes, twins[p.id].data, world.size);
            twin_end(&twins[p.id], NULL);
        }
        if ((r >> 40) % 32 == 0)
            world_advance(&world, (tcpip_ns)((r >> 44) % 10) * TCPIP_SECOND);
        twin_expire(twins, &counts, world.test_env.now, patience);
        assert_int_equal(world.delivered, counts.delivered);
        assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_OVERLAP), counts.overlap);
        assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_MALFORMED), counts.malformed);
        assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_DUPLICATE), counts.duplicate);
        assert_int_equal(world_drops(&world, TCPIP_DROP_FRAGMENT_TIMEOUT), counts.timeout);
        world_discard(&world);
    }
    sum->delivered += counts.delivered;
    sum->overlap += counts.overlap;
    sum->malformed += counts.malformed;
    sum->duplicate += counts.duplicate;
    sum->timeout += counts.timeout;
    network_world_fini(&world);
}

static void test_random_fragments_give_what_a_naive_twin_gives(void **state)
{
    (void)state;
    struct twin_counts sum = {0};
    for (uint64_t seed = 1; seed <= 10; seed++) {
        run_beside_twin(seed, false, &sum);
        run_beside_twin(seed, true, &sum);
    }
    /* The dice must fall on every side. */
    assert_true(sum.delivered > 500 && sum.overlap > 500 && sum.malformed > 100 && sum.duplicate > 500 &&
                sum.timeout > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_link_says_of_a_fragment_is_not_said_of_the_datagram),
        cmocka_unit_test(test_fragments_in_any_order_become_the_datagram),
        cmocka_unit_test(test_the_largest_datagram_passes_and_a_larger_one_does_not),
        cmocka_unit_test(test_a_first_header_that_makes_the_whole_too_large_is_noticed_at_the_end),
        cmocka_unit_test(test_an_overlap_spoils_the_datagram_until_its_time_is_over),
        cmocka_unit_test(test_an_exact_duplicate_is_ignored_and_one_with_other_bytes_is_an_overlap),
        cmocka_unit_test(test_lies_about_the_end_spoil_the_datagram),
        cmocka_unit_test(test_fragments_that_are_wrong_by_themselves_are_dropped),
        cmocka_unit_test(test_patience_ends_and_the_sender_is_told_if_the_first_fragment_came),
        cmocka_unit_test(test_the_oldest_datagram_makes_room),
        cmocka_unit_test(test_too_many_fragments_of_one_datagram_end_it),
        cmocka_unit_test(test_small_fragments_of_large_buffers_are_copied),
        cmocka_unit_test(test_congestion_marks_survive_reassembly),
        cmocka_unit_test(test_a_nic_that_goes_down_takes_its_fragments_along),
        cmocka_unit_test(test_a_stack_with_fragments_waiting_can_be_freed),
        cmocka_unit_test(test_memory_that_runs_out_loses_fragments_only),
        cmocka_unit_test(test_random_fragments_give_what_a_naive_twin_gives),
    };
    return cmocka_run_group_tests_name("network/reassembly", tests, NULL, NULL);
}
