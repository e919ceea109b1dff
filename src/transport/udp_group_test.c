// SPDX-License-Identifier: MIT
/* udp_group_test.c: groups and broadcasts between two hosts; groups of endpoints that share a port. */
#include "datagrams.h"
#include "pair.h"
#include "stack/nic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    pair_init(pair, NULL);
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    pair_fini(pair);
    free(pair);
    return 0;
}

static uint64_t drops(struct tcpip_stack *stack, enum tcpip_drop reason)
{
    struct tcpip_stats stats;
    tcpip_stack_stats(stack, &stats);
    return stats.drops[reason];
}

static void nobody_answers_for_a_group_or_for_all(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *ep = udp4_new(pair->a);
    struct tcpip_stats stats;
    set_option(ep, TCPIP_OPTION_BROADCAST, 1);
    assert_int_equal(send_text(ep, "x", full("10.0.0.255", 9)), TCPIP_OK);
    assert_int_equal(send_text(ep, "x", full("255.255.255.255", 9)), TCPIP_OK);
    assert_int_equal(send_text(ep, "x", full("224.0.0.1", 9)), TCPIP_OK);
    pair_settle(pair);
    assert_int_equal(drops(pair->b, TCPIP_DROP_UDP_NO_PORT), 3);
    tcpip_stack_stats(pair->b, &stats);
    assert_int_equal(stats.icmpv4.sent, 0);
    assert_int_equal(stats.udp.unknown_port_errors, 3);
    tcpip_endpoint_close(ep);
}

static void every_member_hears_a_multicast(void **state)
{
    struct pair *pair = *state;
    for (int v6 = 0; v6 < 2; v6++) {
        const char *text = v6 ? "ff02::1234" : "224.5.6.7";
        const struct tcpip_full_address *group = full(text, 5353);
        struct tcpip_endpoint *sender = v6 ? udp6_new(pair->a) : udp4_new(pair->a), *member[3];
        assert_int_equal(send_text(sender, "nobody", group), TCPIP_OK);
        pair_settle(pair);
        for (int i = 0; i < 3; i++) {
            member[i] = v6 ? udp6_new(pair->b) : udp4_new(pair->b);
            set_option(member[i], TCPIP_OPTION_REUSE_ADDRESS, 1);
            assert_int_equal(tcpip_endpoint_bind(member[i],
                                                 full(i == 2 ? text
                                                      : v6   ? "::"
                                                             : "0.0.0.0",
                                                      5353),
                                                 NULL, NULL),
                             TCPIP_OK);
        }
        assert_int_equal(tcpip_endpoint_join_group(member[0], 1, &group->address), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_join_group(member[0], 1, &group->address), TCPIP_ERR_DUPLICATE_ADDRESS);
        assert_int_equal(send_bytes(sender, 600, group), TCPIP_OK);
        pair_settle(pair);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(expect_bytes(member[i], 600), TCPIP_OK);
            assert_int_equal(read_error(member[i]), TCPIP_ERR_WOULD_BLOCK);
        }
        assert_int_equal(tcpip_endpoint_leave_group(member[0], 1, &group->address), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_leave_group(member[0], 1, &group->address), TCPIP_ERR_BAD_LOCAL_ADDRESS);
        assert_int_equal(send_text(sender, "nobody", group), TCPIP_OK);
        pair_settle(pair);
        assert_int_equal(read_error(member[0]), TCPIP_ERR_WOULD_BLOCK);
        for (int i = 0; i < 3; i++)
            tcpip_endpoint_close(member[i]);
        tcpip_endpoint_close(sender);
    }
    assert_int_equal(drops(pair->a, TCPIP_DROP_IP_NOT_LOCAL), 0); /* who isn't a member doesn't hear itself */
}

static void a_member_may_hear_one_sender_only(void **state)
{
    struct pair *pair = *state;
    const struct tcpip_full_address *group = full("224.5.6.7", 7);
    struct tcpip_endpoint *member = udp4_bound(pair->b, "224.5.6.7", 7);
    struct tcpip_endpoint *chosen = udp4_bound(pair->a, "10.0.0.1", 1000),
                          *other = udp4_bound(pair->a, "10.0.0.1", 1001);
    assert_int_equal(tcpip_endpoint_join_group(member, 1, &group->address), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_connect(member, full("10.0.0.1", 1000)), TCPIP_OK);
    assert_int_equal(send_text(other, "no", group), TCPIP_OK);
    assert_int_equal(send_text(chosen, "yes", group), TCPIP_OK);
    pair_settle(pair);
    assert_int_equal(expect_text(member, "yes"), TCPIP_OK);
    assert_int_equal(read_error(member), TCPIP_ERR_WOULD_BLOCK);
    assert_int_equal(send_text(member, "answer", NULL), TCPIP_OK); /* from an address of its host's, not the group's */
    pair_settle(pair);
    assert_int_equal(expect_text(chosen, "answer"), TCPIP_OK);
    tcpip_endpoint_close(member);
    tcpip_endpoint_close(chosen);
    tcpip_endpoint_close(other);
}

static void a_sender_in_the_group_hears_itself_unless_it_says_no(void **state)
{
    struct pair *pair = *state;
    const struct tcpip_full_address *group = full("224.5.6.7", 7);
    struct tcpip_endpoint *ours = udp4_bound(pair->a, "0.0.0.0", 7), *theirs = udp4_bound(pair->b, "0.0.0.0", 7);
    assert_int_equal(tcpip_endpoint_join_group(ours, 0, &group->address), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_join_group(theirs, 1, &group->address), TCPIP_OK);
    assert_int_equal(send_text(ours, "one", group), TCPIP_OK);
    pair_settle(pair);
    assert_int_equal(expect_text(ours, "one"), TCPIP_OK);
    assert_int_equal(expect_text(theirs, "one"), TCPIP_OK);
    set_option(ours, TCPIP_OPTION_MULTICAST_LOOP, 0);
    assert_int_equal(send_text(ours, "two", group), TCPIP_OK);
    pair_settle(pair);
    assert_int_equal(read_error(ours), TCPIP_ERR_WOULD_BLOCK);
    assert_int_equal(expect_text(theirs, "two"), TCPIP_OK);
    /* A TTL of 0: this host only. */
    set_option(ours, TCPIP_OPTION_MULTICAST_LOOP, 1);
    set_option(ours, TCPIP_OPTION_MULTICAST_TTL, 0);
    assert_int_equal(send_text(ours, "three", group), TCPIP_OK);
    pair_settle(pair);
    assert_int_equal(expect_text(ours, "three"), TCPIP_OK);
    assert_int_equal(read_error(theirs), TCPIP_ERR_WOULD_BLOCK);
    tcpip_endpoint_close(ours);
    tcpip_endpoint_close(theirs);
}

static void the_multicast_ttl_is_its_own(void **state)
{
    struct pair *pair = *state;
    const struct tcpip_full_address *group = full("224.5.6.7", 7);
    struct tcpip_endpoint *ep = udp4_new(pair->a), *member = udp4_bound(pair->b, "0.0.0.0", 7);
    struct tcpip_control control;
    size_t done;
    set_option(member, TCPIP_OPTION_RECEIVE_TTL, 1);
    assert_int_equal(tcpip_endpoint_join_group(member, 1, &group->address), TCPIP_OK);
    static const int ttl[] = {1, 9};
    for (int i = 0; i < 2; i++) {
        set_option(ep, TCPIP_OPTION_TTL, 77);
        if (i > 0)
            set_option(ep, TCPIP_OPTION_MULTICAST_TTL, ttl[i]);
        assert_int_equal(send_text(ep, "x", group), TCPIP_OK);
        pair_settle(pair);
        assert_int_equal(tcpip_endpoint_recvmsg(member, NULL, 0, &done, NULL, &control), TCPIP_OK);
        assert_int_equal(control.ttl, ttl[i]);
        assert_true((control.present & TCPIP_CONTROL_TRUNCATED) != 0);
    }
    tcpip_endpoint_close(ep);
    tcpip_endpoint_close(member);
}

static void groups_have_limits_and_judges(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *v4 = udp4_new(pair->a), *v6 = udp6_new(pair->a);
    struct tcpip_full_address group = *full("224.1.0.0", 0);
    assert_int_equal(tcpip_endpoint_join_group(v4, 1, &full("10.0.0.2", 0)->address), TCPIP_ERR_BAD_ADDRESS);
    assert_int_equal(tcpip_endpoint_join_group(v4, 1, &full("ff02::5", 0)->address),
                     TCPIP_ERR_ADDRESS_FAMILY_NOT_SUPPORTED);
    assert_int_equal(tcpip_endpoint_join_group(v4, 5, &group.address), TCPIP_ERR_UNKNOWN_NIC_ID);
    assert_int_equal(tcpip_endpoint_join_group(v6, 1, &group.address), TCPIP_OK);
    for (uint8_t i = 0; i < 20; i++) {
        group.address.bytes[3] = i;
        assert_int_equal(tcpip_endpoint_join_group(v4, 1, &group.address), TCPIP_OK);
    }
    group.address.bytes[3] = 20;
    assert_int_equal(tcpip_endpoint_join_group(v4, 1, &group.address), TCPIP_ERR_LIMIT_REACHED);
    tcpip_endpoint_close(v4);
    /* The other's membership outlives this one's. */
    struct tcpip_nic *nic = tcpip_stack_nic(pair->a, 1);
    uint8_t bytes[16];
    group.address.bytes[3] = 0;
    address_internal(&group.address, bytes);
    assert_true(tcpip__nic_in_group(nic, bytes));
    tcpip_endpoint_close(v6);
    assert_false(tcpip__nic_in_group(nic, bytes));
}

static void a_broadcast_reaches_all_and_its_sender(void **state)
{
    struct pair *pair = *state;
    static const char *const to[] = {"10.0.0.255", "255.255.255.255"};
    struct tcpip_endpoint *ours = udp4_bound(pair->a, "0.0.0.0", 7), *theirs = udp4_bound(pair->b, "0.0.0.0", 7);
    struct tcpip_endpoint *exact = udp4_new(pair->b), *elsewhere = udp4_bound(pair->b, "10.0.0.2", 8);
    assert_int_equal(tcpip_endpoint_bind(exact, full("10.0.0.255", 9), NULL, NULL), TCPIP_OK);
    for (int i = 0; i < 2; i++) {
        set_option(ours, TCPIP_OPTION_BROADCAST, 0);
        assert_int_equal(send_text(ours, "x", full(to[i], 7)), TCPIP_ERR_BROADCAST_DISABLED);
        set_option(ours, TCPIP_OPTION_BROADCAST, 1);
        assert_int_equal(send_text(ours, "x", full(to[i], 7)), TCPIP_OK);
        assert_int_equal(send_text(ours, "y", full(to[i], 8)), TCPIP_OK);
        assert_int_equal(send_text(ours, "z", full(to[i], 9)), TCPIP_OK);
        pair_settle(pair);
        assert_int_equal(expect_text(ours, "x"), TCPIP_OK);
        assert_int_equal(expect_text(theirs, "x"), TCPIP_OK);
        assert_int_equal(read_error(elsewhere), TCPIP_ERR_WOULD_BLOCK); /* bound to one address */
        assert_int_equal(expect_text(exact, "z"), i == 0 ? TCPIP_OK : TCPIP_ERR_WOULD_BLOCK);
    }
    tcpip_endpoint_close(ours);
    tcpip_endpoint_close(theirs);
    tcpip_endpoint_close(exact);
    tcpip_endpoint_close(elsewhere);
}

/* ---- groups that share a port ---- */

static uint32_t steer_by_port(void *ctx, const struct tcpip_steering *packet)
{
    (void)ctx;
    return packet->remote.port - 4000u;
}

static void steering_chooses_who_hears_a_datagram(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *ep[3], *tcp;
    for (int i = 0; i < 3; i++) {
        ep[i] = udp4_new(pair->b);
        assert_int_equal(tcpip_endpoint_set_steering(ep[i], steer_by_port, NULL), TCPIP_ERR_INVALID_ENDPOINT_STATE);
        set_option(ep[i], TCPIP_OPTION_REUSE_PORT, 1);
        assert_int_equal(tcpip_endpoint_bind(ep[i], full("10.0.0.2", 53), NULL, NULL), TCPIP_OK);
    }
    assert_int_equal(tcpip_endpoint_set_steering(ep[2], steer_by_port, NULL), TCPIP_OK);
    for (uint16_t i = 0; i < 3; i++) {
        struct tcpip_endpoint *from = udp4_bound(pair->a, "10.0.0.1", (uint16_t)(4000 + i));
        assert_int_equal(send_text(from, "here", full("10.0.0.2", 53)), TCPIP_OK);
        pair_settle(pair);
        for (int k = 0; k < 3; k++)
            assert_int_equal(expect_text(ep[k], "here"), k == i ? TCPIP_OK : TCPIP_ERR_WOULD_BLOCK);
        tcpip_endpoint_close(from);
    }
    assert_int_equal(tcpip_endpoint_set_steering(ep[2], NULL, NULL), TCPIP_OK);
    /* Who listens, and only while he does. */
    assert_int_equal(tcpip_stack_new_endpoint(pair->b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &tcp), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_steering(tcp, steer_by_port, NULL), TCPIP_ERR_INVALID_ENDPOINT_STATE);
    assert_int_equal(tcpip_endpoint_listen(tcp, 1), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_steering(tcp, steer_by_port, NULL), TCPIP_OK);
    tcpip_endpoint_close(tcp);
    for (int i = 0; i < 3; i++)
        tcpip_endpoint_close(ep[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nobody_answers_for_a_group_or_for_all),  TEST(every_member_hears_a_multicast),
        TEST(a_member_may_hear_one_sender_only),      TEST(a_sender_in_the_group_hears_itself_unless_it_says_no),
        TEST(the_multicast_ttl_is_its_own),           TEST(groups_have_limits_and_judges),
        TEST(a_broadcast_reaches_all_and_its_sender), TEST(steering_chooses_who_hears_a_datagram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
