// SPDX-License-Identifier: MIT
/* ipv6_extension_test.c: chains of headers, good, cut short, out of order, endless; options and their padding. */
#include <tcpip/header/ipv6.h>

#include "header/cursor.h"
#include "header_test.h"

struct chain_packet {
    uint8_t bytes[400];
    size_t size;
    size_t type_at; /* of the byte that names what comes next */
};

static void chain_begin(struct chain_packet *packet)
{
    static const uint8_t addresses[32] = {0xfe, 0x80};
    memset(packet, 0, sizeof *packet);
    tcpip_ipv6_encode(packet->bytes, &(struct tcpip_ipv6_fields){.source = addresses, .destination = addresses + 16});
    packet->size = TCPIP_IPV6_HEADER_BYTES;
    packet->type_at = TCPIP_IPV6_NEXT_HEADER_OFFSET;
}

static uint8_t *chain_add(struct chain_packet *packet, uint8_t type, size_t bytes)
{
    uint8_t *header = packet->bytes + packet->size;
    packet->bytes[packet->type_at] = type;
    packet->type_at = packet->size;
    header[1] = (uint8_t)(bytes / 8 - 1);
    packet->size += bytes;
    tcpip_ipv6_set_payload_length(packet->bytes, (uint16_t)(packet->size - TCPIP_IPV6_HEADER_BYTES));
    return header;
}

static void chain_end(struct chain_packet *packet, uint8_t type, size_t bytes)
{
    packet->bytes[packet->type_at] = type;
    packet->size += bytes;
    tcpip_ipv6_set_payload_length(packet->bytes, (uint16_t)(packet->size - TCPIP_IPV6_HEADER_BYTES));
}

static void chain_all(struct chain_packet *packet)
{
    chain_begin(packet);
    chain_add(packet, TCPIP_IPV6_HOP_BY_HOP, 8);
    chain_add(packet, TCPIP_IPV6_DESTINATION_OPTIONS, 16);
    chain_add(packet, TCPIP_IPV6_ROUTING, 24);
    chain_add(packet, TCPIP_IPV6_FRAGMENT, 8);
    chain_add(packet, TCPIP_IPV6_DESTINATION_OPTIONS, 8);
    chain_end(packet, TCPIP_PROTOCOL_TCP, 20);
}

static void test_a_chain_is_walked_to_the_upper_protocol(void **state)
{
    (void)state;
    struct chain_packet packet;
    struct tcpip_ipv6_chain chain;
    chain_all(&packet);
    assert_true(tcpip_ipv6_chain_parse(packet.bytes, packet.size, &chain));
    assert_int_equal(chain.verdict, TCPIP_IPV6_WALK_UPPER);
    assert_int_equal(chain.upper_protocol, TCPIP_PROTOCOL_TCP);
    assert_int_equal(chain.upper_offset, 104);
    assert_int_equal(chain.hop_by_hop_offset, 40);
    assert_int_equal(chain.routing_offset, 64);
    assert_int_equal(chain.fragment_offset, 88);
    assert_int_equal(chain.unfragmentable_bytes, 88); /* options before the routing header are repeated too */
    assert_int_equal(chain.last_type_offset, 64);

    struct tcpip_ipv6_walker walker;
    struct tcpip_ipv6_extension extension;
    static const size_t sizes[] = {8, 16, 24, 8, 8};
    size_t offset = 40, count = 0;
    tcpip_ipv6_walk_begin(&walker, packet.bytes, packet.size);
    while (tcpip_ipv6_walk_next(&walker, &extension) == TCPIP_IPV6_WALK_EXTENSION) {
        assert_int_equal(extension.offset, offset);
        assert_int_equal(extension.bytes, sizes[count++]);
        assert_int_equal(packet.bytes[extension.type_offset], extension.type);
        offset += extension.bytes;
    }
    assert_int_equal(count, 5);
    assert_int_equal(tcpip_ipv6_walk_next(&walker, &extension), TCPIP_IPV6_WALK_UPPER); /* final */
}

static void test_a_plain_packet_has_no_chain(void **state)
{
    (void)state;
    struct chain_packet packet;
    struct tcpip_ipv6_chain chain;
    chain_begin(&packet);
    chain_end(&packet, TCPIP_PROTOCOL_UDP, 8);
    assert_true(tcpip_ipv6_chain_parse(packet.bytes, packet.size, &chain));
    assert_int_equal(chain.upper_offset, 40);
    assert_int_equal(chain.unfragmentable_bytes, 40);
    assert_int_equal(chain.last_type_offset, TCPIP_IPV6_NEXT_HEADER_OFFSET);
    chain_end(&packet, TCPIP_IPV6_NO_NEXT_HEADER, 0);
    assert_true(tcpip_ipv6_chain_parse(packet.bytes, packet.size, &chain));
    assert_int_equal(chain.verdict, TCPIP_IPV6_WALK_NO_NEXT);
}

static void test_every_truncation_is_seen(void **state)
{
    (void)state;
    struct chain_packet packet;
    struct tcpip_ipv6_chain chain;
    chain_all(&packet);
    for (size_t size = TCPIP_IPV6_HEADER_BYTES; size <= packet.size; size++) {
        uint8_t *exact = exact_copy(packet.bytes, size);
        assert_int_equal(tcpip_ipv6_chain_parse(exact, size, &chain), size >= 104);
        if (size < 104)
            assert_int_equal(chain.verdict, TCPIP_IPV6_WALK_TRUNCATED);
        free(exact);
        /* The payload's length ends the packet as well as the bytes do: padding isn't read. */
        uint8_t shorter[400];
        memcpy(shorter, packet.bytes, sizeof shorter);
        tcpip_ipv6_set_payload_length(shorter, (uint16_t)(size - TCPIP_IPV6_HEADER_BYTES));
        assert_int_equal(tcpip_ipv6_chain_parse(shorter, sizeof shorter, &chain), size >= 104);
    }
}

static void test_hop_by_hop_is_first_or_wrong(void **state)
{
    (void)state;
    struct chain_packet packet;
    struct tcpip_ipv6_chain chain;
    chain_begin(&packet);
    chain_add(&packet, TCPIP_IPV6_DESTINATION_OPTIONS, 8);
    chain_add(&packet, TCPIP_IPV6_HOP_BY_HOP, 8);
    chain_end(&packet, TCPIP_PROTOCOL_UDP, 8);
    assert_false(tcpip_ipv6_chain_parse(packet.bytes, packet.size, &chain));
    assert_int_equal(chain.verdict, TCPIP_IPV6_WALK_BAD_ORDER);
    assert_int_equal(chain.problem_offset, 40); /* the byte that names it */
    assert_int_equal(packet.bytes[chain.problem_offset], TCPIP_IPV6_HOP_BY_HOP);
}

static void test_the_number_of_headers_is_bounded(void **state)
{
    (void)state;
    struct chain_packet packet;
    struct tcpip_ipv6_chain chain;
    chain_begin(&packet);
    for (unsigned i = 0; i < TCPIP_IPV6_EXTENSIONS_MAX; i++)
        chain_add(&packet, TCPIP_IPV6_DESTINATION_OPTIONS, 8);
    struct chain_packet more = packet;
    chain_end(&packet, TCPIP_PROTOCOL_UDP, 8);
    assert_true(tcpip_ipv6_chain_parse(packet.bytes, packet.size, &chain));
    chain_add(&more, TCPIP_IPV6_DESTINATION_OPTIONS, 8);
    chain_end(&more, TCPIP_PROTOCOL_UDP, 8);
    assert_false(tcpip_ipv6_chain_parse(more.bytes, more.size, &chain));
    assert_int_equal(chain.verdict, TCPIP_IPV6_WALK_TOO_MANY);
}

static void test_a_later_fragment_has_no_headers_behind_its_own(void **state)
{
    (void)state;
    struct chain_packet packet;
    struct tcpip_ipv6_chain chain;
    chain_begin(&packet);
    uint8_t *fragment = chain_add(&packet, TCPIP_IPV6_FRAGMENT, 8);
    chain_add(&packet, TCPIP_IPV6_DESTINATION_OPTIONS, 8);
    chain_end(&packet, TCPIP_PROTOCOL_UDP, 8);
    struct tcpip_ipv6_fragment_fields fields = {.next_header = fragment[0], .more = true, .offset = 8, .id = 77};
    tcpip_ipv6_fragment_encode(fragment, &fields);
    assert_true(tcpip_ipv6_chain_parse(packet.bytes, packet.size, &chain));
    assert_int_equal(chain.verdict, TCPIP_IPV6_WALK_FRAGMENT_BODY);
    assert_int_equal(chain.upper_offset, 48);
    assert_int_equal(chain.upper_protocol, TCPIP_IPV6_DESTINATION_OPTIONS);
    fields.offset = 0;
    tcpip_ipv6_fragment_encode(fragment, &fields);
    assert_true(tcpip_ipv6_chain_parse(packet.bytes, packet.size, &chain));
    assert_int_equal(chain.verdict, TCPIP_IPV6_WALK_UPPER);
    fragment[1] = 0xff; /* reserved: not a length */
    assert_true(tcpip_ipv6_chain_parse(packet.bytes, packet.size, &chain));
    assert_int_equal(chain.upper_offset, 56);
}

static void test_a_walk_goes_on_in_the_middle(void **state)
{
    (void)state;
    struct chain_packet packet;
    struct tcpip_ipv6_walker walker;
    struct tcpip_ipv6_extension extension;
    chain_all(&packet);
    tcpip_ipv6_walk_begin_at(&walker, packet.bytes, packet.size, 96, 88);
    assert_int_equal(tcpip_ipv6_walk_next(&walker, &extension), TCPIP_IPV6_WALK_EXTENSION);
    assert_int_equal(extension.type, TCPIP_IPV6_DESTINATION_OPTIONS);
    assert_int_equal(extension.type_offset, 88);
    assert_int_equal(tcpip_ipv6_walk_next(&walker, &extension), TCPIP_IPV6_WALK_UPPER);
    assert_int_equal(walker.offset, 104);
}

static void test_fragment_headers_survive_the_wire(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 2000; i++) {
        uint8_t out[TCPIP_IPV6_FRAGMENT_BYTES];
        struct tcpip_ipv6_fragment_fields fields = {
            .next_header = random_u8(&seed),
            .more = random_below(&seed, 2) == 1,
            .offset = (uint16_t)(i % 4 == 0 ? 0 : random_u16(&seed) & 0xfff8),
            .id = random_u32(&seed),
        };
        tcpip_ipv6_fragment_encode(out, &fields);
        assert_int_equal(tcpip_ipv6_fragment_next_header(out), fields.next_header);
        assert_int_equal(tcpip_ipv6_fragment_more(out), fields.more);
        assert_int_equal(tcpip_ipv6_fragment_offset(out), fields.offset);
        assert_int_equal(tcpip_ipv6_fragment_id(out), fields.id);
        assert_int_equal(tcpip_ipv6_fragment_is_atomic(out), !fields.more && fields.offset == 0);
        out[3] |= 6; /* reserved */
        assert_int_equal(tcpip_ipv6_fragment_offset(out), fields.offset);
        assert_int_equal(tcpip_ipv6_fragment_is_atomic(out), !fields.more && fields.offset == 0);
    }
}

static void test_options_are_told_without_their_padding(void **state)
{
    (void)state;
    struct tcpip_ipv6_option_iterator it;
    struct tcpip_ipv6_option option;
    static const uint8_t header[16] = {0, 1, 0, 1, 2, 0, 0, 0xc5, 3, 7, 8, 9, 1, 0, 0x3e, 0};
    struct tcpip_ipv6_extension extension = {.offset = 40, .bytes = 16, .data = header};
    tcpip_ipv6_options_begin(&it, &extension);
    assert_true(tcpip_ipv6_options_next(&it, &option));
    assert_int_equal(option.type, 0xc5);
    assert_int_equal(option.data_bytes, 3);
    assert_int_equal(option.offset, 47);
    assert_int_equal(option.data[2], 9);
    assert_int_equal(tcpip_ipv6_option_action(option.type), TCPIP_IPV6_ACTION_DISCARD_ICMP_UNICAST);
    assert_true(tcpip_ipv6_options_next(&it, &option));
    assert_int_equal(option.type, 0x3e);
    assert_int_equal(option.data_bytes, 0);
    assert_int_equal(tcpip_ipv6_option_action(option.type), TCPIP_IPV6_ACTION_SKIP);
    assert_false(tcpip_ipv6_options_next(&it, &option));
    assert_false(it.malformed);
    assert_int_equal(tcpip_ipv6_option_action(0x40), TCPIP_IPV6_ACTION_DISCARD);
    assert_int_equal(tcpip_ipv6_option_action(0x80), TCPIP_IPV6_ACTION_DISCARD_ICMP);
}

static void test_option_lengths_that_lie_are_pointed_at(void **state)
{
    (void)state;
    for (unsigned length = 0; length < 256; length++) {
        struct tcpip_ipv6_option_iterator it;
        struct tcpip_ipv6_option option;
        uint8_t bytes[8] = {0, 0, 0, 0x3e, (uint8_t)length, 0, 0, 0};
        uint8_t *exact = exact_copy(bytes, 8);
        struct tcpip_ipv6_extension extension = {.offset = 40, .bytes = 8, .data = exact};
        tcpip_ipv6_options_begin(&it, &extension);
        assert_int_equal(tcpip_ipv6_options_next(&it, &option), length <= 3);
        assert_int_equal(it.malformed, length > 3);
        if (length > 3)
            assert_int_equal(it.problem_offset, 43);
        free(exact);
    }
}

static void test_random_options_never_run_off_the_header(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[40];
        size_t size = 8 + 8 * random_below(&seed, 5);
        for (size_t j = 0; j < size; j++)
            bytes[j] = random_below(&seed, 4) ? (uint8_t)random_below(&seed, 7) : random_u8(&seed);
        uint8_t *exact = exact_copy(bytes, size);
        struct tcpip_ipv6_extension extension = {.offset = 40, .bytes = size, .data = exact};
        struct tcpip_ipv6_option_iterator it;
        struct tcpip_ipv6_option option;
        tcpip_ipv6_options_begin(&it, &extension);
        while (tcpip_ipv6_options_next(&it, &option))
            assert_true(option.data + option.data_bytes <= exact + size);
        free(exact);
    }
}

static void test_a_router_alert_is_a_whole_hop_by_hop_header(void **state)
{
    (void)state;
    static const uint8_t expected[] = {58, 0, 5, 2, 0, 0, 1, 0};
    uint8_t out[TCPIP_IPV6_ROUTER_ALERT_BYTES];
    tcpip_ipv6_router_alert_encode(out, TCPIP_PROTOCOL_ICMPV6);
    assert_memory_equal(out, expected, sizeof expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain_is_walked_to_the_upper_protocol),
        cmocka_unit_test(test_a_plain_packet_has_no_chain),
        cmocka_unit_test(test_every_truncation_is_seen),
        cmocka_unit_test(test_hop_by_hop_is_first_or_wrong),
        cmocka_unit_test(test_the_number_of_headers_is_bounded),
        cmocka_unit_test(test_a_later_fragment_has_no_headers_behind_its_own),
        cmocka_unit_test(test_a_walk_goes_on_in_the_middle),
        cmocka_unit_test(test_fragment_headers_survive_the_wire),
        cmocka_unit_test(test_options_are_told_without_their_padding),
        cmocka_unit_test(test_option_lengths_that_lie_are_pointed_at),
        cmocka_unit_test(test_random_options_never_run_off_the_header),
        cmocka_unit_test(test_a_router_alert_is_a_whole_hop_by_hop_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
