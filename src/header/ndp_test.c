// SPDX-License-Identifier: MIT
/* ndp_test.c: the validation of each message, rule by rule, and the fixed parts' round trips. */
#include <tcpip/header/ndp.h>

#include "header_test.h"

#include <tcpip/header/ipv6.h>

static const uint8_t link_local[16] = {0xfe, 0x80, [15] = 1};
static const uint8_t global[16] = {0x20, 1, 0xd, 0xb8, [13] = 0xaa, 0xbb, 0xcc};
static const uint8_t solicited[16] = {0xff, 2, [11] = 1, 0xff, 0xaa, 0xbb, 0xcc};
static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
static const uint8_t any[16];
static const uint8_t station[6] = {2, 0, 0, 0, 0, 1};

struct message {
    const uint8_t *source, *destination;
    uint8_t bytes[200];
    size_t size;
    uint8_t hop_limit;
};

static bool passes(const struct message *message)
{
    uint8_t ipv6[TCPIP_IPV6_HEADER_BYTES];
    tcpip_ipv6_encode(ipv6, &(struct tcpip_ipv6_fields){
                                .hop_limit = message->hop_limit,
                                .source = message->source,
                                .destination = message->destination,
                            });
    uint8_t *exact = exact_copy(message->bytes, message->size);
    bool ok = tcpip_ndp_check(ipv6, exact, message->size);
    free(exact);
    return ok;
}

static struct message message_of(uint8_t type)
{
    struct message m = {.source = link_local, .destination = link_local, .hop_limit = 255};
    switch (type) {
    case TCPIP_ICMPV6_ROUTER_SOLICITATION:
        m.size = tcpip_ndp_router_solicitation_encode(m.bytes);
        break;
    case TCPIP_ICMPV6_ROUTER_ADVERTISEMENT:
        m.size = tcpip_ndp_router_advertisement_encode(m.bytes, &(struct tcpip_ndp_router_advertisement){0});
        break;
    case TCPIP_ICMPV6_NEIGHBOR_SOLICITATION:
        m.size = tcpip_ndp_neighbor_solicitation_encode(m.bytes, global);
        break;
    case TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT:
        m.size = tcpip_ndp_neighbor_advertisement_encode(m.bytes, global, TCPIP_NDP_FLAG_SOLICITED);
        break;
    default:
        m.size = tcpip_ndp_redirect_encode(m.bytes, link_local, global);
        break;
    }
    return m;
}

static void add_link(struct message *m, uint8_t type)
{
    m->size += tcpip_ndp_link_encode(m->bytes + m->size, 8, type, station);
}

static void test_what_holds_for_all_messages(void **state)
{
    (void)state;
    for (uint8_t type = TCPIP_ICMPV6_ROUTER_SOLICITATION; type <= TCPIP_ICMPV6_REDIRECT; type++) {
        struct message m = message_of(type);
        size_t fixed = m.size;
        assert_int_equal(m.bytes[0], type);
        assert_true(passes(&m));
        m.hop_limit = 254; /* came through a router */
        assert_false(passes(&m));
        m.hop_limit = 255;
        m.bytes[1] = 1;
        assert_false(passes(&m));
        m.bytes[1] = 0;
        for (m.size = 0; m.size < fixed; m.size++)
            assert_false(passes(&m));
        add_link(&m, TCPIP_NDP_OPTION_TARGET_LINK);
        assert_true(passes(&m));
        m.bytes[fixed + 1] = 0; /* an option that never ends */
        assert_false(passes(&m));
        m.bytes[fixed + 1] = 2; /* one that ends elsewhere */
        assert_false(passes(&m));
        m.bytes[fixed + 1] = 1;
        for (m.size = fixed + 1; m.size < fixed + 8; m.size++)
            assert_false(passes(&m));
    }
}

static void test_other_types_arent_discovery(void **state)
{
    (void)state;
    struct message m = message_of(TCPIP_ICMPV6_ROUTER_SOLICITATION);
    m.bytes[0] = 132;
    assert_false(passes(&m));
    m.bytes[0] = 138;
    assert_false(passes(&m));
}

static void test_router_solicitations_without_source_have_no_link_address(void **state)
{
    (void)state;
    struct message m = message_of(TCPIP_ICMPV6_ROUTER_SOLICITATION);
    m.source = any;
    assert_true(passes(&m));
    add_link(&m, TCPIP_NDP_OPTION_SOURCE_LINK);
    assert_false(passes(&m));
    m.source = link_local;
    assert_true(passes(&m));
}

static void test_router_advertisements_come_from_link_local_addresses(void **state)
{
    (void)state;
    struct message m = message_of(TCPIP_ICMPV6_ROUTER_ADVERTISEMENT);
    m.source = global;
    assert_false(passes(&m));
    static const uint8_t edge[16] = {0xfe, 0xbf}, beyond[16] = {0xfe, 0xc0};
    m.source = edge;
    assert_true(passes(&m));
    m.source = beyond;
    assert_false(passes(&m));
}

static void test_neighbor_solicitations(void **state)
{
    (void)state;
    struct message m = message_of(TCPIP_ICMPV6_NEIGHBOR_SOLICITATION);
    m.bytes[8] = 0xff; /* nobody has a group's address */
    assert_false(passes(&m));

    m = message_of(TCPIP_ICMPV6_NEIGHBOR_SOLICITATION);
    m.source = any; /* duplicate address detection */
    assert_false(passes(&m));
    m.destination = all_nodes;
    assert_false(passes(&m));
    m.destination = solicited;
    assert_true(passes(&m));
    add_link(&m, TCPIP_NDP_OPTION_SOURCE_LINK);
    assert_false(passes(&m));
}

static void test_neighbor_advertisements(void **state)
{
    (void)state;
    struct message m = message_of(TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT);
    m.destination = all_nodes;
    assert_false(passes(&m)); /* solicited, to a group */
    m.bytes[4] = TCPIP_NDP_FLAG_OVERRIDE;
    assert_true(passes(&m));
    m.bytes[8] = 0xff;
    assert_false(passes(&m));
}

static void test_redirects(void **state)
{
    (void)state;
    struct message m = message_of(TCPIP_ICMPV6_REDIRECT);
    m.source = global;
    assert_false(passes(&m));
    m.source = link_local;
    memcpy(m.bytes + 8, global, 16); /* target and destination are one: it is on the link */
    assert_true(passes(&m));
    m.bytes[8] = 0x30; /* a router is named by its link-local address */
    assert_false(passes(&m));
    m = message_of(TCPIP_ICMPV6_REDIRECT);
    m.bytes[24] = 0xff;
    assert_false(passes(&m));
}

static void test_router_advertisements_survive_the_wire(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 5000; i++) {
        struct tcpip_ndp_router_advertisement got, fields = {
                                                       .hop_limit = random_u8(&seed),
                                                       .flags = random_u8(&seed) & 0xc0,
                                                       .lifetime_s = random_u16(&seed),
                                                       .reachable_ms = random_u32(&seed),
                                                       .retransmit_ms = random_u32(&seed),
                                                   };
        fields.preference = (enum tcpip_ndp_preference)((int)random_below(&seed, 3) - 1);
        if (i % 4 == 0)
            fields.lifetime_s = 0;
        uint8_t out[TCPIP_NDP_ROUTER_ADVERTISEMENT_BYTES];
        assert_int_equal(tcpip_ndp_router_advertisement_encode(out, &fields), sizeof out);
        tcpip_ndp_router_advertisement_decode(out, &got);
        assert_int_equal(got.hop_limit, fields.hop_limit);
        assert_int_equal(got.flags, fields.flags);
        assert_int_equal(got.lifetime_s, fields.lifetime_s);
        assert_int_equal(got.reachable_ms, fields.reachable_ms);
        assert_int_equal(got.retransmit_ms, fields.retransmit_ms);
        assert_int_equal(got.preference, fields.lifetime_s == 0 ? TCPIP_NDP_PREFERENCE_MEDIUM : fields.preference);
    }
}

static void test_preferences_on_the_wire(void **state)
{
    (void)state;
    static const int expected[4] = {0, 1, 0, -1}; /* the third is reserved */
    for (unsigned bits = 0; bits < 4; bits++) {
        uint8_t p[TCPIP_NDP_ROUTER_ADVERTISEMENT_BYTES] = {134, [5] = (uint8_t)(bits << 3), [7] = 1};
        struct tcpip_ndp_router_advertisement got;
        tcpip_ndp_router_advertisement_decode(p, &got);
        assert_int_equal(got.preference, expected[bits]);
        p[7] = 0; /* no default router: no preference as one */
        tcpip_ndp_router_advertisement_decode(p, &got);
        assert_int_equal(got.preference, TCPIP_NDP_PREFERENCE_MEDIUM);
    }
}

static void test_neighbor_messages_say_what_they_were_given(void **state)
{
    (void)state;
    struct message m = message_of(TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT);
    assert_int_equal(m.size, 24);
    assert_memory_equal(tcpip_ndp_target(m.bytes), global, 16);
    assert_int_equal(tcpip_ndp_neighbor_flags(m.bytes), TCPIP_NDP_FLAG_SOLICITED);
    m = message_of(TCPIP_ICMPV6_REDIRECT);
    assert_int_equal(m.size, 40);
    assert_memory_equal(tcpip_ndp_target(m.bytes), link_local, 16);
    assert_memory_equal(tcpip_ndp_redirect_destination(m.bytes), global, 16);
    uint8_t group[16];
    tcpip_ndp_solicited_node(group, global);
    assert_memory_equal(group, solicited, 16);
    tcpip_ndp_solicited_node(group, group); /* in place */
    assert_memory_equal(group, solicited, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_holds_for_all_messages),
        cmocka_unit_test(test_other_types_arent_discovery),
        cmocka_unit_test(test_router_solicitations_without_source_have_no_link_address),
        cmocka_unit_test(test_router_advertisements_come_from_link_local_addresses),
        cmocka_unit_test(test_neighbor_solicitations),
        cmocka_unit_test(test_neighbor_advertisements),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_router_advertisements_survive_the_wire),
        cmocka_unit_test(test_preferences_on_the_wire),
        cmocka_unit_test(test_neighbor_messages_say_what_they_were_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
