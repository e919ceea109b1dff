// SPDX-License-Identifier: MIT
/* icmp_test.c: ICMP of both families in bytes: echoes, errors that come in and to whom they are told, errors that go
 * out, about what, to whom, how long and how often. */
#include "network/ip.h"
#include "network_world.h"

#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct network_world world;
static uint8_t packet[WORLD_BYTES_MAX], message[WORLD_BYTES_MAX], quote[WORLD_BYTES_MAX];
static const uint8_t hello[64] = "to whom it may concern";

static void start(void)
{
    struct network_world_options options = {.seed = 1};
    network_world_init(&world, &options);
}

static struct tcpip_stats_icmp *stats(bool v6)
{
    return v6 ? &world.stack->stats.icmpv6 : &world.stack->stats.icmpv4;
}

static const uint8_t *us(bool v6)
{
    return v6 ? world_us6 : world_us4;
}

static const uint8_t *peer(bool v6)
{
    return v6 ? world_peer6 : world_peer4;
}

static const uint8_t *far(bool v6)
{
    return v6 ? world_far6 : world_far4;
}

static size_t header_bytes(bool v6)
{
    return v6 ? 40 : 20;
}

/* An ICMP message from `source` into `packet`. */
static size_t icmp(bool v6, const uint8_t *source, const uint8_t *destination, struct world_icmp fields,
                   const uint8_t *payload, size_t size)
{
    if (v6) {
        size = world_icmp6(message, source, destination, fields, payload, size);
        struct world_v6 ip = {.source = source, .destination = destination, .next_header = TCPIP_PROTOCOL_ICMPV6};
        return world_v6(packet, ip, message, size);
    }
    size = world_icmp4(message, fields, payload, size);
    struct world_v4 ip = {.source = source, .destination = destination, .protocol = TCPIP_PROTOCOL_ICMPV4, .tos = 0x2a};
    return world_v4(packet, ip, message, size);
}

static size_t ip(bool v6, uint8_t *out, const uint8_t *source, const uint8_t *destination, size_t size)
{
    if (v6)
        return world_v6(
            out, (struct world_v6){.source = source, .destination = destination, .next_header = TCPIP_PROTOCOL_UDP},
            quote, size);
    return world_v4(out,
                    (struct world_v4){.source = source, .destination = destination, .protocol = TCPIP_PROTOCOL_UDP},
                    quote, size);
}

static void inject(size_t size)
{
    world_inject(&world, packet, size, 0);
}

static uint8_t echo_request(bool v6)
{
    return v6 ? TCPIP_ICMPV6_ECHO_REQUEST : TCPIP_ICMPV4_ECHO_REQUEST;
}

static uint8_t echo_reply(bool v6)
{
    return v6 ? TCPIP_ICMPV6_ECHO_REPLY : TCPIP_ICMPV4_ECHO_REPLY;
}

/* ---- echoes ---- */

static void test_an_echo_is_answered_with_what_was_asked(void **state)
{
    (void)state;
    static uint8_t payload[1400];
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(i * 13);
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        start();
        for (uint32_t i = 0; i < 60; i++) {
            size_t bytes = i * 23, h = header_bytes(v6);
            world.piece_bytes = i;
            inject(icmp(v6, far(v6), us(v6), (struct world_icmp){echo_request(v6), 0, 0x12340000 + i}, payload, bytes));
            assert_true(world_collect(&world));
            assert_true(world_out_sums_up(&world));
            assert_int_equal(world.out_size, h + 8 + bytes);
            assert_int_equal(world.out[h], echo_reply(v6));
            assert_int_equal(tcpip_load_u32(world.out + h + 4), 0x12340000 + i);
            assert_memory_equal(world.out + h + 8, payload, bytes);
            assert_memory_equal(world.out + (v6 ? 8 : 12), us(v6) + (v6 ? 0 : 12), v6 ? 16 : 4);
            assert_memory_equal(world.out + (v6 ? 24 : 16), far(v6) + (v6 ? 0 : 12), v6 ? 16 : 4);
            if (!v6)
                assert_int_equal(tcpip_ipv4_tos(world.out), 0x28); /* the request's, without ECN */
            assert_false(world_collect(&world));
        }
        assert_int_equal(stats(v6)->echo_request_received, 60);
        assert_int_equal(stats(v6)->echo_reply_sent, 60);
        network_world_fini(&world);
    }
}

static void test_an_echo_in_fragments_is_answered_in_fragments(void **state)
{
    (void)state;
    static uint8_t payload[5000], whole[6000];
    start();
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(i * 13);
    size_t size = world_icmp4(message, (struct world_icmp){TCPIP_ICMPV4_ECHO_REQUEST, 0, 77}, payload, sizeof(payload));
    for (size_t at = 0; at < size; at += 1000) {
        struct world_v4 fields = {.source = world_peer4,
                                  .destination = world_us4,
                                  .protocol = TCPIP_PROTOCOL_ICMPV4,
                                  .id = 3,
                                  .flags = at + 1000 < size ? TCPIP_IPV4_MORE_FRAGMENTS : 0,
                                  .offset = (uint16_t)at};
        inject(world_v4(packet, fields, message + at, size - at < 1000 ? size - at : 1000));
    }
    uint32_t pieces = 0;
    while (world_collect(&world)) {
        memcpy(whole + tcpip_ipv4_fragment_offset(world.out), world.out + 20, world.out_size - 20);
        pieces++;
    }
    assert_int_equal(pieces, 4);
    assert_int_equal(whole[0], TCPIP_ICMPV4_ECHO_REPLY);
    assert_memory_equal(whole + 8, payload, sizeof(payload));
    assert_true(tcpip_checksum_ok(tcpip_checksum(whole, size, 0)));
    network_world_fini(&world);
}

static void test_neighbours_on_the_link_are_answered_through_it(void **state)
{
    (void)state;
    static const uint8_t near[16] = {0xfe, 0x80, [15] = 7};
    start();
    inject(icmp(true, near, world_local6, (struct world_icmp){TCPIP_ICMPV6_ECHO_REQUEST, 0, 5}, hello, 8));
    assert_true(world_collect(&world));
    assert_true(world_out_sums_up(&world));
    assert_memory_equal(tcpip_ipv6_source(world.out), world_local6, 16);
    assert_memory_equal(tcpip_ipv6_destination(world.out), near, 16);
    network_world_fini(&world);
}

static void test_who_asks_all_is_answered_by_nobody(void **state)
{
    (void)state;
    start();
    inject(icmp(false, world_peer4, world_broadcast4, (struct world_icmp){TCPIP_ICMPV4_ECHO_REQUEST, 0, 1}, hello, 8));
    inject(icmp(false, world_peer4, world_all4, (struct world_icmp){TCPIP_ICMPV4_ECHO_REQUEST, 0, 1}, hello, 8));
    inject(icmp(true, world_peer6, world_all6, (struct world_icmp){TCPIP_ICMPV6_ECHO_REQUEST, 0, 1}, hello, 8));
    /* The classic: everybody's broadcast address as the source. */
    inject(icmp(false, world_broadcast4, world_us4, (struct world_icmp){TCPIP_ICMPV4_ECHO_REQUEST, 0, 1}, hello, 8));
    assert_int_equal(world_drops(&world, TCPIP_DROP_ICMP_NOT_UNICAST), 3);
    assert_int_equal(world_drops(&world, TCPIP_DROP_IP_MARTIAN_SOURCE), 1);
    assert_false(world_collect(&world));
    network_world_fini(&world);
}

static void test_echo_replies_go_to_the_endpoints(void **state)
{
    (void)state;
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        start();
        inject(icmp(v6, far(v6), us(v6), (struct world_icmp){echo_reply(v6), 0, 99}, hello, sizeof(hello)));
        assert_int_equal(world.delivered, 1);
        assert_int_equal(world.size, 8 + sizeof(hello));
        assert_memory_equal(world.bytes, message, world.size);
        assert_int_equal(stats(v6)->echo_reply_received, 1);
        network_world_fini(&world);
    }
}

static void test_messages_that_are_short_wrong_or_strange_are_dropped(void **state)
{
    (void)state;
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        start();
        size_t size = icmp(v6, far(v6), us(v6), (struct world_icmp){echo_request(v6), 0, 99}, hello, sizeof(hello));
        packet[size - 1] ^= 1;
        inject(size);
        assert_int_equal(world_drops(&world, TCPIP_DROP_ICMP_BAD_CHECKSUM), 1);
        world.checksum = TCPIP_CHECKSUM_VERIFIED; /* then the link's word counts */
        inject(size);
        assert_int_equal(world_discard(&world), 1);
        world.checksum = TCPIP_CHECKSUM_NONE;
        for (size_t cut = 0; cut < 8; cut++) {
            icmp(v6, far(v6), us(v6), (struct world_icmp){echo_request(v6), 0, 99}, hello, 0);
            size_t short_bytes =
                v6 ? world_v6(packet,
                              (struct world_v6){
                                  .source = far(v6), .destination = us(v6), .next_header = TCPIP_PROTOCOL_ICMPV6},
                              message, cut)
                   : world_v4(
                         packet,
                         (struct world_v4){.source = far(v6), .destination = us(v6), .protocol = TCPIP_PROTOCOL_ICMPV4},
                         message, cut);
            inject(short_bytes);
            assert_int_equal(world_drops(&world, TCPIP_DROP_ICMP_MALFORMED), cut + 1);
        }
        inject(icmp(v6, far(v6), us(v6), (struct world_icmp){v6 ? 200 : 42, 0, 0}, hello, 8));
        assert_int_equal(world_drops(&world, TCPIP_DROP_ICMP_UNKNOWN_TYPE), 1);
        if (!v6) { /* redirects and source quench aren't believed */
            inject(icmp(v6, far(v6), us(v6), (struct world_icmp){TCPIP_ICMPV4_REDIRECT, 1, 0}, hello, 40));
            inject(icmp(v6, far(v6), us(v6), (struct world_icmp){TCPIP_ICMPV4_SOURCE_QUENCH, 0, 0}, hello, 40));
            assert_int_equal(world_drops(&world, TCPIP_DROP_ICMP_UNKNOWN_TYPE), 3);
        }
        assert_int_equal(stats(v6)->invalid, 9);
        assert_false(world_collect(&world));
        network_world_fini(&world);
    }
}

/* ---- errors in ---- */

static void test_errors_are_told_to_the_transport_of_the_quoted_packet(void **state)
{
    (void)state;
    static const struct {
        bool v6;
        uint8_t type, code;
        uint32_t word;
        enum tcpip_icmp_kind kind;
        uint32_t value;
    } cases[] = {
        {false, 3, 0, 0, TCPIP_ICMP_NET_UNREACHABLE, 0},
        {false, 3, 1, 0, TCPIP_ICMP_HOST_UNREACHABLE, 0},
        {false, 3, 2, 0, TCPIP_ICMP_PROTOCOL_UNREACHABLE, 0},
        {false, 3, 3, 0, TCPIP_ICMP_PORT_UNREACHABLE, 0},
        {false, 3, 4, 1400, TCPIP_ICMP_PACKET_TOO_BIG, 1400},
        {false, 3, 4, 0, TCPIP_ICMP_PACKET_TOO_BIG, 68}, /* a plateau below 84 bytes */
        {false, 3, 5, 0, TCPIP_ICMP_OTHER, 0},
        {false, 3, 6, 0, TCPIP_ICMP_NET_UNREACHABLE, 0},
        {false, 3, 7, 0, TCPIP_ICMP_HOST_UNREACHABLE, 0},
        {false, 3, 13, 0, TCPIP_ICMP_PROHIBITED, 0},
        {false, 3, 99, 0, TCPIP_ICMP_OTHER, 0},
        {false, 11, 0, 0, TCPIP_ICMP_TTL_EXCEEDED, 0},
        {false, 11, 1, 0, TCPIP_ICMP_REASSEMBLY_TIMEOUT, 0},
        {false, 12, 0, 0x09000000, TCPIP_ICMP_PARAMETER_PROBLEM, 9},
        {true, 1, 0, 0, TCPIP_ICMP_NET_UNREACHABLE, 0},
        {true, 1, 1, 0, TCPIP_ICMP_PROHIBITED, 0},
        {true, 1, 2, 0, TCPIP_ICMP_HOST_UNREACHABLE, 0},
        {true, 1, 3, 0, TCPIP_ICMP_HOST_UNREACHABLE, 0},
        {true, 1, 4, 0, TCPIP_ICMP_PORT_UNREACHABLE, 0},
        {true, 1, 5, 0, TCPIP_ICMP_PROHIBITED, 0},
        {true, 2, 0, 1280, TCPIP_ICMP_PACKET_TOO_BIG, 1280},
        {true, 3, 0, 0, TCPIP_ICMP_TTL_EXCEEDED, 0},
        {true, 3, 1, 0, TCPIP_ICMP_REASSEMBLY_TIMEOUT, 0},
        {true, 4, 0, 7, TCPIP_ICMP_PARAMETER_PROBLEM, 7},
        {true, 4, 1, 6, TCPIP_ICMP_UNKNOWN_NEXT_HEADER, 6},
        {true, 4, 2, 42, TCPIP_ICMP_UNKNOWN_OPTION, 42},
        {true, 100, 3, 0, TCPIP_ICMP_OTHER, 0},
    };
    start();
    memcpy(quote, hello, sizeof(hello));
    for (uint32_t i = 0; i < array_count(cases); i++) {
        bool v6 = cases[i].v6;
        uint8_t quoted[200];
        size_t size = ip(v6, quoted, us(v6), far(v6), sizeof(hello));
        world.piece_bytes = i % 5 * 11;
        inject(
            icmp(v6, peer(v6), us(v6), (struct world_icmp){cases[i].type, cases[i].code, cases[i].word}, quoted, size));
        assert_int_equal(world.errors, i + 1);
        assert_int_equal(world.error.kind, cases[i].kind);
        assert_int_equal(world.error.value, cases[i].value);
        assert_int_equal(world.error.type, cases[i].type);
        assert_int_equal(world.error.code, cases[i].code);
        assert_int_equal(world.error.transport, TCPIP_PROTOCOL_UDP);
        assert_int_equal(world.error.nic, 1);
        assert_memory_equal(world.error.local, us(v6), 16);
        assert_memory_equal(world.error.remote, far(v6), 16);
        assert_memory_equal(world.error.offender, peer(v6), 16);
        assert_int_equal(world.error.quote_bytes, sizeof(hello));
        assert_memory_equal(world.error.quote, hello, sizeof(hello));
    }
    assert_int_equal(stats(false)->packet_too_big_received, 2);
    assert_int_equal(stats(false)->dst_unreachable_received, 9);
    assert_int_equal(stats(true)->packet_too_big_received, 1);
    network_world_fini(&world);
}

static void test_a_router_that_gives_no_mtu_means_the_next_plateau(void **state)
{
    (void)state;
    static const struct {
        uint16_t length, plateau;
    } cases[] = {{65535, 32000}, {32000, 17914}, {4352, 2002}, {1500, 1492}, {1492, 1006}, {1006, 508}, {508, 296}};
    start();
    for (uint32_t i = 0; i < array_count(cases); i++) {
        uint8_t quoted[200];
        size_t size = ip(false, quoted, world_us4, world_far4, 64);
        tcpip_store_u16(quoted + 2, cases[i].length);
        inject(icmp(false, world_peer4, world_us4, (struct world_icmp){3, 4, 0}, quoted, size));
        assert_int_equal(world.errors, i + 1);
        assert_int_equal(world.error.value, cases[i].plateau);
    }
    network_world_fini(&world);
}

static void test_quotes_of_what_we_did_not_send_are_not_believed(void **state)
{
    (void)state;
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        uint8_t quoted[200];
        struct world_icmp unreachable = {v6 ? 1 : 3, 1, 0};
        uint64_t bad = 0;
        start();
        size_t h = header_bytes(v6), size = ip(v6, quoted, peer(v6), far(v6), 64); /* another's */
        inject(icmp(v6, peer(v6), us(v6), unreachable, quoted, size));
        assert_int_equal(world_drops(&world, TCPIP_DROP_ICMP_BAD_QUOTE), ++bad);
        size = ip(v6, quoted, us(v6), far(v6), 64);
        for (size_t cut = 0; cut < h + 8; cut++) { /* fewer than eight bytes of transport header */
            inject(icmp(v6, peer(v6), us(v6), unreachable, quoted, cut));
            assert_int_equal(world_drops(&world, TCPIP_DROP_ICMP_BAD_QUOTE), ++bad);
        }
        quoted[0] ^= 0x20; /* the wrong version */
        inject(icmp(v6, peer(v6), us(v6), unreachable, quoted, size));
        assert_int_equal(world_drops(&world, TCPIP_DROP_ICMP_BAD_QUOTE), ++bad);
        size = ip(v6, quoted, us(v6), far(v6), 64);
        inject(icmp(v6, peer(v6), v6 ? world_all6 : world_all4, unreachable, quoted, size)); /* told to all */
        assert_int_equal(world_drops(&world, TCPIP_DROP_ICMP_BAD_QUOTE), ++bad);
        if (v6) {
            uint8_t body[72];
            tcpip_ipv6_fragment_encode(
                body, &(struct tcpip_ipv6_fragment_fields){.next_header = TCPIP_PROTOCOL_UDP, .offset = 8});
            memset(body + 8, 0, 64);
            size = world_v6(
                quoted,
                (struct world_v6){.source = world_us6, .destination = world_far6, .next_header = TCPIP_IPV6_FRAGMENT},
                body, 72);
        } else {
            tcpip_ipv4_set_fragment(quoted, 0, 8); /* no transport header in a later fragment */
        }
        inject(icmp(v6, peer(v6), us(v6), unreachable, quoted, size));
        assert_int_equal(world_drops(&world, TCPIP_DROP_ICMP_BAD_QUOTE), ++bad);
        assert_int_equal(stats(v6)->invalid, bad);
        /* A path narrower than the family allows. */
        size = ip(v6, quoted, us(v6), far(v6), 64);
        inject(icmp(v6, peer(v6), us(v6), (struct world_icmp){v6 ? 2 : 3, v6 ? 0 : 4, v6 ? 1279 : 67}, quoted, size));
        assert_int_equal(world_drops(&world, TCPIP_DROP_ICMP_MALFORMED), 1);
        assert_int_equal(world.errors, 0);
        assert_false(world_collect(&world));
        network_world_fini(&world);
    }
}

/* ---- errors out ---- */

/* What a transport answers to a datagram of `size` bytes from `source`. */
static void provoke(bool v6, const uint8_t *source, size_t size, enum tcpip_icmp_kind kind, uint32_t value)
{
    world.answer = true;
    world.answer_kind = kind;
    world.answer_value = value;
    inject(ip(v6, packet, source, us(v6), size));
}

static void test_errors_say_what_was_wrong_and_quote_it(void **state)
{
    (void)state;
    static const struct {
        bool v6;
        enum tcpip_icmp_kind kind;
        uint32_t value;
        uint8_t type, code;
        uint32_t word;
    } cases[] = {
        {false, TCPIP_ICMP_NET_UNREACHABLE, 0, 3, 0, 0},
        {false, TCPIP_ICMP_HOST_UNREACHABLE, 0, 3, 1, 0},
        {false, TCPIP_ICMP_PROTOCOL_UNREACHABLE, 0, 3, 2, 0},
        {false, TCPIP_ICMP_PORT_UNREACHABLE, 0, 3, 3, 0},
        {false, TCPIP_ICMP_PROHIBITED, 0, 3, 13, 0},
        {false, TCPIP_ICMP_PACKET_TOO_BIG, 1400, 3, 4, 1400},
        {false, TCPIP_ICMP_TTL_EXCEEDED, 0, 11, 0, 0},
        {false, TCPIP_ICMP_REASSEMBLY_TIMEOUT, 0, 11, 1, 0},
        {false, TCPIP_ICMP_PARAMETER_PROBLEM, 20, 12, 0, 20u << 24},
        {true, TCPIP_ICMP_NET_UNREACHABLE, 0, 1, 0, 0},
        {true, TCPIP_ICMP_HOST_UNREACHABLE, 0, 1, 3, 0},
        {true, TCPIP_ICMP_PORT_UNREACHABLE, 0, 1, 4, 0},
        {true, TCPIP_ICMP_PROHIBITED, 0, 1, 1, 0},
        {true, TCPIP_ICMP_PACKET_TOO_BIG, 1400, 2, 0, 1400},
        {true, TCPIP_ICMP_TTL_EXCEEDED, 0, 3, 0, 0},
        {true, TCPIP_ICMP_REASSEMBLY_TIMEOUT, 0, 3, 1, 0},
        {true, TCPIP_ICMP_PARAMETER_PROBLEM, 40, 4, 0, 40},
        {true, TCPIP_ICMP_UNKNOWN_NEXT_HEADER, 6, 4, 1, 6},
        {true, TCPIP_ICMP_UNKNOWN_OPTION, 42, 4, 2, 42},
        {true, TCPIP_ICMP_INCOMPLETE_FIRST_FRAGMENT, 0, 4, 3, 0},
    };
    start();
    for (uint32_t i = 0; i < array_count(cases); i++) {
        bool v6 = cases[i].v6;
        size_t h = header_bytes(v6), size = 60 + 37 * i, most = (v6 ? 1280 : 576) - h - 8;
        world_advance(&world, TCPIP_SECOND);
        provoke(v6, far(v6), size, cases[i].kind, cases[i].value);
        assert_true(world_collect(&world));
        assert_true(world_out_sums_up(&world));
        assert_int_equal(world.out[h], cases[i].type);
        assert_int_equal(world.out[h + 1], cases[i].code);
        assert_int_equal(tcpip_load_u32(world.out + h + 4), cases[i].word);
        size_t quoted = size + h < most ? size + h : most;
        assert_int_equal(world.out_size, h + 8 + quoted);
        assert_memory_equal(world.out + h + 8, packet, quoted);
        assert_memory_equal(world.out + (v6 ? 8 : 12), us(v6) + (v6 ? 0 : 12), v6 ? 16 : 4);
        assert_memory_equal(world.out + (v6 ? 24 : 16), far(v6) + (v6 ? 0 : 12), v6 ? 16 : 4);
        assert_false(world_collect(&world));
    }
    provoke(false, world_far4, 64, TCPIP_ICMP_OTHER, 0); /* says nothing */
    provoke(false, world_far4, 64, TCPIP_ICMP_UNKNOWN_OPTION, 0);
    provoke(true, world_far6, 64, TCPIP_ICMP_SOURCE_QUENCH, 0);
    assert_false(world_collect(&world));
    network_world_fini(&world);
}

/* As a handler would that sees what is in `packet`. */
static void send_error_about(bool v6, size_t size)
{
    struct tcpip_packet *error = tcpip_packet_new(world.stack);
    assert_int_equal(tcpip_packet_append(error, packet, size), TCPIP_OK);
    error->nic = world.nic;
    error->network.protocol = (uint16_t)(v6 ? TCPIP_PROTOCOL_IPV6 : TCPIP_PROTOCOL_IPV4);
    error->network.local = DESTINATION_UNICAST;
    memcpy(error->network.source, peer(v6), 16);
    memcpy(error->network.destination, us(v6), 16);
    tcpip_stack_enter(world.stack);
    tcpip__send_icmp_error(error, TCPIP_ICMP_TTL_EXCEEDED, 0);
    tcpip_stack_leave(world.stack);
    tcpip_packet_free(error);
}

static void test_errors_are_never_about_errors_groups_or_nobody(void **state)
{
    (void)state;
    uint8_t quoted[200];
    start();
    world.answer = true;
    world.answer_kind = TCPIP_ICMP_PORT_UNREACHABLE;
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        /* An error of ours about an error would be answered, and so on. Its own handler isn't told, so ask directly. */
        size_t size = ip(v6, quoted, peer(v6), far(v6), 64);
        size = icmp(v6, peer(v6), us(v6), (struct world_icmp){v6 ? 1 : 3, 3, 0}, quoted, size);
        send_error_about(v6, size);

        inject(ip(v6, packet, peer(v6), v6 ? world_all6 : world_all4, 64));
        if (!v6)
            inject(ip(v6, packet, peer(v6), world_broadcast4, 64));
        world.type = TCPIP_PACKET_MULTICAST; /* told to many by the link, if not by IP */
        inject(ip(v6, packet, peer(v6), us(v6), 64));
        world.type = TCPIP_PACKET_HOST;
    }
    static const uint8_t any[16];
    inject(ip(true, packet, any, world_all6, 64));
    /* Nor about fragments but the first. */
    struct world_v4 later = {
        .source = world_peer4, .destination = world_us4, .protocol = TCPIP_PROTOCOL_UDP, .offset = 8, .options = NULL};
    send_error_about(false, world_v4(packet, later, hello, sizeof(hello)));
    assert_int_equal(world.delivered, 6);
    assert_false(world_collect(&world));
    /* But a group may be told that its packets are too big (RFC 4443 2.4 (e)). */
    world.answer_kind = TCPIP_ICMP_PACKET_TOO_BIG;
    world.answer_value = 1280;
    inject(ip(true, packet, world_peer6, world_all6, 64));
    assert_true(world_collect(&world));
    assert_int_equal(world.out[40], TCPIP_ICMPV6_PACKET_TOO_BIG);
    assert_memory_equal(tcpip_ipv6_source(world.out), world_us6, 16);
    network_world_fini(&world);
}

static void test_errors_are_rationed_for_each_peer(void **state)
{
    (void)state;
    struct tcpip_limits limits;
    tcpip_limits_default(&limits);
    limits.icmp_errors_per_second = 100;
    struct network_world_options options = {.seed = 1, .limits = &limits};
    network_world_init(&world, &options);
    for (uint32_t i = 0; i < 1000; i++)
        provoke(false, world_far4, 64, TCPIP_ICMP_PORT_UNREACHABLE, 0);
    uint32_t sent = world_discard(&world);
    assert_in_range(sent, 4, REPLY_LIMIT_ICMP_BURST);
    assert_int_equal(stats(false)->rate_limited, 1000 - sent);
    assert_int_equal(stats(false)->dst_unreachable_sent, sent);
    provoke(true, world_far6, 64, TCPIP_ICMP_PORT_UNREACHABLE, 0); /* another one isn't concerned */
    assert_int_equal(world_discard(&world), 1);
    for (uint32_t i = 0; i < 4000; i++) { /* everybody, in both families */
        uint8_t source[16];
        memcpy(source, far(i & 1), 16);
        source[i & 1 ? 7 : 13] = (uint8_t)(i >> 1);
        source[i & 1 ? 6 : 14] ^= (uint8_t)(i >> 9);
        provoke(i & 1, source, 64, TCPIP_ICMP_PORT_UNREACHABLE, 0);
    }
    assert_in_range(world_discard(&world), 500, REPLY_LIMIT_PEERS * REPLY_LIMIT_ICMP_BURST);
    world_advance(&world, 4 * TCPIP_SECOND); /* 256 buckets, 100 a second */
    provoke(false, world_far4, 64, TCPIP_ICMP_PORT_UNREACHABLE, 0);
    assert_int_equal(world_discard(&world), 1);
    network_world_fini(&world);
}

static void test_who_is_asked_in_anothers_name_answers_in_its_own(void **state)
{
    (void)state;
    start();
    assert_int_equal(tcpip_stack_set_promiscuous(world.stack, 1, true), TCPIP_OK);
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        static const uint8_t stranger4[16] = {[10] = 0xff, 0xff, 198, 51, 100, 1};
        static const uint8_t stranger6[16] = {0x20, 0x01, 0x0d, 0xb8, 7, [15] = 1};
        world.answer = true;
        world.answer_kind = TCPIP_ICMP_PORT_UNREACHABLE;
        inject(ip(v6, packet, far(v6), v6 ? stranger6 : stranger4, 64));
        assert_true(world_collect(&world));
        assert_true(world_out_sums_up(&world));
        assert_memory_equal(world.out + (v6 ? 8 : 12), us(v6) + (v6 ? 0 : 12), v6 ? 16 : 4);
    }
    network_world_fini(&world);
}

static bool takes(void *ctx, struct tcpip_nic *nic, struct tcpip_packet *handed)
{
    uint32_t *count = ctx;
    (void)nic;
    ++*count;
    tcpip_packet_free(handed);
    return true;
}

static void test_echoes_to_addresses_that_are_not_ours_are_the_handlers(void **state)
{
    (void)state;
    for (uint32_t v6 = 0; v6 < 2; v6++) {
        uint32_t count = 0;
        start();
        assert_int_equal(tcpip_stack_set_promiscuous(world.stack, 1, true), TCPIP_OK);
        assert_int_equal(tcpip_stack_set_spoofing(world.stack, 1, true), TCPIP_OK);
        struct world_icmp request = {echo_request(v6), 0, 1};
        inject(icmp(v6, peer(v6), far(v6), request, hello, sizeof(hello)));
        assert_int_equal(world_drops(&world, TCPIP_DROP_IP_NOT_LOCAL), 1);
        uint8_t transport = v6 ? TCPIP_PROTOCOL_ICMPV6 : TCPIP_PROTOCOL_ICMPV4;
        assert_int_equal(tcpip_stack_set_transport_handler(world.stack, transport, takes, &count), TCPIP_OK);
        inject(icmp(v6, peer(v6), far(v6), request, hello, sizeof(hello)));
        assert_int_equal(count, 1);
        assert_false(world_collect(&world));
        inject(icmp(v6, peer(v6), us(v6), request, hello, sizeof(hello)));
        assert_true(world_collect(&world));
        network_world_fini(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_echo_is_answered_with_what_was_asked),
        cmocka_unit_test(test_an_echo_in_fragments_is_answered_in_fragments),
        cmocka_unit_test(test_neighbours_on_the_link_are_answered_through_it),
        cmocka_unit_test(test_who_asks_all_is_answered_by_nobody),
        cmocka_unit_test(test_echo_replies_go_to_the_endpoints),
        cmocka_unit_test(test_messages_that_are_short_wrong_or_strange_are_dropped),
        cmocka_unit_test(test_errors_are_told_to_the_transport_of_the_quoted_packet),
        cmocka_unit_test(test_a_router_that_gives_no_mtu_means_the_next_plateau),
        cmocka_unit_test(test_quotes_of_what_we_did_not_send_are_not_believed),
        cmocka_unit_test(test_errors_say_what_was_wrong_and_quote_it),
        cmocka_unit_test(test_errors_are_never_about_errors_groups_or_nobody),
        cmocka_unit_test(test_errors_are_rationed_for_each_peer),
        cmocka_unit_test(test_who_is_asked_in_anothers_name_answers_in_its_own),
        cmocka_unit_test(test_echoes_to_addresses_that_are_not_ours_are_the_handlers),
    };
    return cmocka_run_group_tests_name("network/icmp", tests, NULL, NULL);
}
