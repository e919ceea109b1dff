// SPDX-License-Identifier: MIT
/* shard_test.c: all packets of a flow come to one shard, whatever says something about the flow; and connections that
 * are opened find ports that lead home. */
#include "base/rng.h"
#include "pair.h"

#include <string.h>
#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/shard.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { PACKET_MAX = 256 };

static const struct tcpip_shards four = {.key = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, .count = 4};
static struct rng rng;

struct packet {
    uint8_t bytes[PACKET_MAX];
    size_t size;
};

static struct tcpip_full_address end_of_flow(bool v6)
{
    struct tcpip_full_address end = {.port = (uint16_t)rng_u64(&rng)};
    uint8_t sixteen[16] = {0xfd, [15] = (uint8_t)rng_u64(&rng), [14] = (uint8_t)rng_u64(&rng)};
    end.address = v6 ? tcpip_address_v6(sixteen)
                     : tcpip_address_v4(10, (uint8_t)rng_u64(&rng), (uint8_t)rng_u64(&rng), (uint8_t)rng_u64(&rng));
    return end;
}

/* The IP header of `payload` bytes from `from` to `to`. */
static uint8_t *begin(struct packet *packet, const struct tcpip_full_address *from, const struct tcpip_full_address *to,
                      uint8_t protocol, size_t payload)
{
    memset(packet, 0, sizeof(*packet));
    if (from->address.len == 16) {
        packet->bytes[0] = 0x60;
        tcpip_ipv6_set_payload_length(packet->bytes, (uint16_t)payload);
        tcpip_ipv6_set_next_header(packet->bytes, protocol);
        tcpip_ipv6_set_source(packet->bytes, from->address.bytes);
        tcpip_ipv6_set_destination(packet->bytes, to->address.bytes);
        packet->size = 40 + payload;
        return packet->bytes + 40;
    }
    packet->bytes[0] = 0x45;
    packet->bytes[3] = (uint8_t)(20 + payload);
    packet->bytes[9] = protocol;
    tcpip_ipv4_set_source(packet->bytes, from->address.bytes);
    tcpip_ipv4_set_destination(packet->bytes, to->address.bytes);
    packet->size = 20 + payload;
    return packet->bytes + 20;
}

static void ports(uint8_t *at, const struct tcpip_full_address *from, const struct tcpip_full_address *to)
{
    tcpip_store_u16(at, from->port);
    tcpip_store_u16(at + 2, to->port);
}

static struct packet segment(const struct tcpip_full_address *from, const struct tcpip_full_address *to)
{
    struct packet packet;
    ports(begin(&packet, from, to, TCPIP_PROTOCOL_TCP, 20), from, to);
    return packet;
}

static uint32_t shard(const struct packet *packet)
{
    return tcpip_shard_of_packet(&four, packet->bytes, packet->size);
}

static void both_directions_of_a_flow_and_its_two_ends_alone_agree(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct tcpip_full_address a = end_of_flow(i % 2 != 0), b = end_of_flow(i % 2 != 0);
        struct packet there = segment(&a, &b), back = segment(&b, &a);
        uint32_t home = shard(&there);
        assert_true(home < 4);
        assert_int_equal(shard(&back), home);
        assert_int_equal(tcpip_shard_of_flow(&four, TCPIP_PROTOCOL_TCP, &a, &b), home);
        assert_int_equal(tcpip_shard_of_flow(&four, TCPIP_PROTOCOL_TCP, &b, &a), home);
    }
}

static void flows_spread_evenly_and_otherwise_with_another_key(void **state)
{
    (void)state;
    enum { FLOWS = 8000 };
    uint32_t count[4] = {0}, moved = 0;
    struct tcpip_shards others = four;
    struct tcpip_full_address server = {.address = tcpip_address_v4(10, 0, 0, 1), .port = 80};
    others.key[0]++;
    for (int i = 0; i < FLOWS; i++) { /* those of one client, its ports one after the other */
        struct tcpip_full_address client = {.address = tcpip_address_v4(10, 0, 0, 2), .port = (uint16_t)(30000 + i)};
        uint32_t home = tcpip_shard_of_flow(&four, TCPIP_PROTOCOL_TCP, &client, &server);
        count[home]++;
        moved += tcpip_shard_of_flow(&others, TCPIP_PROTOCOL_TCP, &client, &server) != home;
    }
    for (int i = 0; i < 4; i++) /* 2,000 each; six standard deviations are 232 */
        assert_in_range(count[i], 1768, 2232);
    assert_in_range(moved, 5768, 6232); /* three in four */
}

static void one_shard_has_it_all(void **state)
{
    (void)state;
    const struct tcpip_shards one = {.key = {9}, .count = 1}, none = {.count = 0};
    struct tcpip_full_address a = end_of_flow(false), b = end_of_flow(false);
    struct packet packet = segment(&a, &b);
    assert_int_equal(tcpip_shard_of_packet(&one, packet.bytes, packet.size), 0);
    assert_int_equal(tcpip_shard_of_packet(&none, packet.bytes, packet.size), 0);
}

/* ---- errors, fragments, extensions ---- */

/* A router's error about `lost`, which it quotes for `quote` bytes. */
static struct packet error_about(const struct packet *lost, bool v6, uint8_t type, size_t quote)
{
    struct tcpip_full_address router = end_of_flow(v6), host = {.address = {.len = 0}};
    struct packet packet;
    host.address = v6 ? tcpip_ipv6_source_address(lost->bytes) : tcpip_ipv4_source_address(lost->bytes);
    uint8_t *icmp = begin(&packet, &router, &host, v6 ? TCPIP_PROTOCOL_ICMPV6 : TCPIP_PROTOCOL_ICMPV4, 8 + quote);
    icmp[0] = type;
    memcpy(icmp + 8, lost->bytes, quote);
    return packet;
}

static void an_icmp_error_comes_where_what_it_quotes_was_sent(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        bool v6 = i % 2 != 0;
        struct tcpip_full_address a = end_of_flow(v6), b = end_of_flow(v6);
        struct packet lost = segment(&a, &b), back = segment(&b, &a);
        struct packet error = error_about(&lost, v6, v6 ? 2 : 3, (v6 ? 40 : 20) + 8); /* as much as a router must */
        assert_int_equal(shard(&error), shard(&back));
        lost.bytes[0] = 0; /* quotes nothing that can be read: then by its own addresses */
        struct packet garbled = error_about(&lost, v6, v6 ? 2 : 3, 20);
        assert_true(shard(&garbled) < 4);
    }
}

static void an_echo_is_no_error(void **state)
{
    (void)state;
    uint32_t differ = 0;
    for (int i = 0; i < 200; i++) {
        struct tcpip_full_address a = end_of_flow(false), b = end_of_flow(false);
        struct packet inside = segment(&a, &b), echo = error_about(&inside, false, 8, 28), answer;
        struct tcpip_full_address from = {.address = tcpip_ipv4_source_address(echo.bytes)};
        uint8_t *icmp = begin(&answer, &a, &from, TCPIP_PROTOCOL_ICMPV4, 8);
        icmp[0] = 0;
        assert_int_equal(shard(&answer), shard(&echo)); /* whatever it carries */
        differ += shard(&echo) != shard(&inside);
    }
    assert_true(differ > 0);
}

static void fragments_of_a_datagram_stay_together(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct tcpip_full_address a = end_of_flow(false), b = end_of_flow(false);
        struct packet first = segment(&a, &b), second = first;
        tcpip_ipv4_set_fragment(first.bytes, TCPIP_IPV4_MORE_FRAGMENTS, 0);
        memset(second.bytes + 20, (uint8_t)i, 20); /* no ports in there */
        tcpip_ipv4_set_fragment(second.bytes, 0, 1480);
        assert_int_equal(shard(&first), shard(&second));
    }
    for (int i = 0; i < 200; i++) {
        struct tcpip_full_address a = end_of_flow(true), b = end_of_flow(true);
        struct packet whole = segment(&a, &b), atomic, first, second;
        struct tcpip_ipv6_fragment_fields fields = {.next_header = TCPIP_PROTOCOL_TCP};
        uint8_t *at = begin(&atomic, &a, &b, TCPIP_IPV6_FRAGMENT, 28);
        tcpip_ipv6_fragment_encode(at, &fields);
        ports(at + 8, &a, &b);
        assert_int_equal(shard(&atomic), shard(&whole)); /* RFC 6946: it is no fragment */
        first = second = atomic;
        fields.more = true;
        tcpip_ipv6_fragment_encode(first.bytes + 40, &fields);
        fields.more = false;
        fields.offset = 1448;
        tcpip_ipv6_fragment_encode(second.bytes + 40, &fields);
        memset(second.bytes + 48, (uint8_t)i, 20);
        assert_int_equal(shard(&first), shard(&second));
    }
}

static void headers_between_do_not_matter(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct tcpip_full_address a = end_of_flow(true), b = end_of_flow(true);
        struct packet plain = segment(&a, &b), extended;
        uint8_t *at = begin(&extended, &a, &b, TCPIP_IPV6_HOP_BY_HOP, 16 + 20);
        at[0] = TCPIP_IPV6_DESTINATION_OPTIONS;
        at[2] = 1, at[3] = 4;
        at[8] = TCPIP_PROTOCOL_TCP;
        at[10] = 1, at[11] = 4;
        ports(at + 16, &a, &b);
        assert_int_equal(shard(&extended), shard(&plain));
        struct tcpip_full_address c = end_of_flow(false), d = end_of_flow(false);
        struct packet bare = segment(&c, &d), optioned = bare;
        optioned.bytes[0] = 0x46;
        memmove(optioned.bytes + 24, optioned.bytes + 20, 20);
        memset(optioned.bytes + 20, 1, 4);
        optioned.size += 4;
        assert_int_equal(shard(&optioned), shard(&bare));
    }
}

static void what_all_must_hear_goes_to_all(void **state)
{
    (void)state;
    struct tcpip_full_address a = end_of_flow(false), b = end_of_flow(false), a6 = end_of_flow(true), b6 = a6;
    struct packet packet;
    b.address = tcpip_address_v4(224, 0, 0, 251);
    packet = segment(&a, &b);
    assert_int_equal(shard(&packet), TCPIP_SHARD_ALL);
    b.address = tcpip_address_v4(255, 255, 255, 255);
    packet = segment(&a, &b);
    assert_int_equal(shard(&packet), TCPIP_SHARD_ALL);
    begin(&packet, &a6, &b6, TCPIP_PROTOCOL_ICMPV6, 24)[0] = 136; /* a neighbour advertisement, to one of us */
    assert_int_equal(shard(&packet), TCPIP_SHARD_ALL);
    begin(&packet, &a6, &b6, TCPIP_PROTOCOL_ICMPV6, 24)[0] = 128;
    assert_true(shard(&packet) < 4);
    b6.address.bytes[0] = 0xff;
    packet = segment(&a6, &b6);
    assert_int_equal(shard(&packet), TCPIP_SHARD_ALL);
}

static void anything_at_all_belongs_somewhere(void **state)
{
    (void)state;
    struct tcpip_full_address a = end_of_flow(true), b = end_of_flow(true), c = end_of_flow(false), d = c;
    struct packet whole[] = {segment(&a, &b), segment(&c, &d), {.size = 0}, {.size = 0}};
    whole[2] = error_about(&whole[0], true, 1, 60);
    whole[3] = error_about(&whole[1], false, 11, 40);
    assert_int_equal(tcpip_shard_of_packet(&four, "", 0), 0);
    for (size_t i = 0; i < 4; i++) {
        for (size_t size = 0; size <= whole[i].size; size++) { /* of its own size, so that a sanitizer sees beyond */
            uint8_t exact[PACKET_MAX];
            uint8_t *at = exact + PACKET_MAX - size;
            memcpy(at, whole[i].bytes, size);
            uint32_t home = tcpip_shard_of_packet(&four, at, size);
            assert_true(home < 4 || home == TCPIP_SHARD_ALL);
        }
    }
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[PACKET_MAX];
        size_t size = rng_u64(&rng) % PACKET_MAX;
        for (size_t k = 0; k < size; k++)
            bytes[k] = (uint8_t)rng_u64(&rng);
        if (size > 6 && i % 4 != 0) /* mostly what looks like IP */
            bytes[0] = i % 2 != 0 ? 0x45 : 0x60, bytes[6] = i % 3 != 0 ? bytes[6] : 44;
        uint32_t home = tcpip_shard_of_packet(&four, bytes, size);
        assert_true(home < 4 || home == TCPIP_SHARD_ALL);
    }
}

/* ---- ports that lead home ---- */

static void connections_are_opened_from_ports_that_lead_home(void **state)
{
    (void)state;
    enum { CONNECTIONS = 100 };
    struct pair pair;
    uint32_t elsewhere = 0;
    for (uint32_t index = 0; index < 4; index++) {
        pair_init(&pair, NULL);
        assert_int_equal(tcpip_stack_set_shard(pair.a, &four, index), TCPIP_OK);
        for (int i = 0; i < CONNECTIONS; i++) {
            struct tcpip_endpoint *client;
            struct tcpip_full_address local, remote = i % 2 != 0 ? pair.b6 : pair.b4;
            assert_int_equal(tcpip_stack_new_endpoint(pair.a, TCPIP_PROTOCOL_TCP,
                                                      i % 2 != 0 ? TCPIP_PROTOCOL_IPV6 : TCPIP_PROTOCOL_IPV4, &client),
                             TCPIP_OK);
            if (i >= CONNECTIONS - 10) /* and who isn't a shard any more opens them from any */
                assert_int_equal(tcpip_stack_set_shard(pair.a, NULL, 0), TCPIP_OK);
            assert_int_equal(tcpip_endpoint_connect(client, &remote), TCPIP_ERR_CONNECT_STARTED);
            tcpip_endpoint_local_address(client, &local);
            uint32_t home = tcpip_shard_of_flow(&four, TCPIP_PROTOCOL_TCP, &local, &remote);
            if (i < CONNECTIONS - 10)
                assert_int_equal(home, index);
            else
                elsewhere += home != index;
        }
        pair_run(&pair, 10 * TCPIP_SECOND);
        pair_fini(&pair);
    }
    assert_true(elsewhere > 10); /* three in four of forty */
}

static void a_shard_has_its_part_of_the_ports(void **state)
{
    (void)state;
    struct pair pair;
    uint32_t opened = 0, expected = 0;
    pair_init(&pair, NULL);
    assert_int_equal(tcpip_stack_set_shard(pair.a, &four, 1), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_port_range(pair.a, 50000, 50039), TCPIP_OK);
    for (uint16_t port = 50000; port < 50040; port++) {
        struct tcpip_full_address local = {.address = pair.a4.address, .port = port};
        expected += tcpip_shard_of_flow(&four, TCPIP_PROTOCOL_TCP, &local, &pair.b4) == 1;
    }
    for (;;) {
        struct tcpip_endpoint *client;
        assert_int_equal(tcpip_stack_new_endpoint(pair.a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &client), TCPIP_OK);
        enum tcpip_error error = tcpip_endpoint_connect(client, &pair.b4);
        if (error == TCPIP_ERR_NO_PORT_AVAILABLE)
            break;
        assert_int_equal(error, TCPIP_ERR_CONNECT_STARTED);
        opened++;
    }
    assert_int_equal(opened, expected);
    assert_in_range(expected, 1, 39);
    pair_run(&pair, 10 * TCPIP_SECOND);
    pair_fini(&pair);
}

static void a_shard_that_is_none_is_refused(void **state)
{
    (void)state;
    struct pair pair;
    const struct tcpip_shards none = {.count = 0};
    pair_init(&pair, NULL);
    assert_int_equal(tcpip_stack_set_shard(pair.a, &four, 4), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(tcpip_stack_set_shard(pair.a, &none, 0), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(tcpip_stack_set_shard(pair.a, &four, 3), TCPIP_OK);
    pair_fini(&pair);
}

static int seed(void **state)
{
    (void)state;
    rng_init(&rng, 20);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_of_a_flow_and_its_two_ends_alone_agree),
        cmocka_unit_test(flows_spread_evenly_and_otherwise_with_another_key),
        cmocka_unit_test(one_shard_has_it_all),
        cmocka_unit_test(an_icmp_error_comes_where_what_it_quotes_was_sent),
        cmocka_unit_test(an_echo_is_no_error),
        cmocka_unit_test(fragments_of_a_datagram_stay_together),
        cmocka_unit_test(headers_between_do_not_matter),
        cmocka_unit_test(what_all_must_hear_goes_to_all),
        cmocka_unit_test(anything_at_all_belongs_somewhere),
        cmocka_unit_test(connections_are_opened_from_ports_that_lead_home),
        cmocka_unit_test(a_shard_has_its_part_of_the_ports),
        cmocka_unit_test(a_shard_that_is_none_is_refused),
    };
    return cmocka_run_group_tests_name("shards", tests, seed, NULL);
}
