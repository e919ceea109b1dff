// SPDX-License-Identifier: MIT
/* nic_test.c: a NIC's life and its reasons for losing packets; its queue and back-pressure; what its link says. */
#include "stack/nic.h"

#include "fake.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    struct test_env env;
    struct fake_link link;
    struct tcpip_stack *stack;
    struct tcpip_nic *nic;
    uint32_t state_calls;
    bool state_up;
    enum tcpip_error state_error;
    bool remove_in_callback;
};

static void on_state(void *ctx, struct tcpip_nic *nic, bool up, enum tcpip_error error)
{
    struct fixture *f = ctx;
    f->state_calls++;
    f->state_up = up;
    f->state_error = error;
    if (f->remove_in_callback)
        assert_int_equal(tcpip_stack_remove_nic(f->stack, tcpip_nic_id(nic)), TCPIP_OK);
}

static void setup(struct fixture *f, const struct tcpip_limits *limits)
{
    struct tcpip_nic_options options = {.size = sizeof(options), .on_state = on_state, .ctx = f, .name = "eth0"};
    memset(f, 0, sizeof(*f));
    test_env_init(&f->env, 1);
    fake_link_init(&f->link);
    f->stack = fake_stack_new(&f->env, limits);
    assert_int_equal(tcpip_stack_create_nic(f->stack, 7, &f->link.link, &options), TCPIP_OK);
    f->nic = tcpip_stack_nic(f->stack, 7);
}

static void teardown(struct fixture *f)
{
    tcpip_stack_free(f->stack);
    test_env_fini(&f->env);
}

static uint64_t dropped(const struct fixture *f, enum tcpip_drop reason)
{
    return f->stack->stats.drops[reason];
}

static void deliver(struct fixture *f)
{
    uint8_t bytes[2] = {0xff, 0};
    fake_link_deliver(&f->link, FAKE_NETWORK, bytes, sizeof(bytes));
}

static void send(struct fixture *f)
{
    tcpip_stack_enter(f->stack);
    fake_send(f->stack, f->nic, NULL, 0xff);
    tcpip_stack_leave(f->stack);
}

static void test_creation_refuses_what_it_must(void **state)
{
    struct fixture f;
    struct fake_link other;
    struct tcpip_limits limits = {.size = sizeof(limits), .nics = 1};
    (void)state;
    setup(&f, &limits);
    fake_link_init(&other);
    assert_int_equal(tcpip_stack_create_nic(f.stack, 7, &other.link, NULL), TCPIP_ERR_DUPLICATE_NIC_ID);
    assert_int_equal(tcpip_stack_create_nic(f.stack, 0, &other.link, NULL), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(tcpip_stack_create_nic(f.stack, 8, &f.link.link, NULL), TCPIP_ERR_BAD_LINK_ENDPOINT);
    assert_int_equal(tcpip_stack_create_nic(f.stack, 8, &other.link, NULL), TCPIP_ERR_LIMIT_REACHED);
    assert_int_equal(tcpip_stack_remove_nic(f.stack, 7), TCPIP_OK);
    assert_true(f.link.detached);
    assert_int_equal(tcpip_stack_remove_nic(f.stack, 7), TCPIP_ERR_UNKNOWN_NIC_ID);
    other.refuse_attach = true;
    assert_int_equal(tcpip_stack_create_nic(f.stack, 8, &other.link, NULL), TCPIP_ERR_BAD_LINK_ENDPOINT);
    other.refuse_attach = false;
    assert_int_equal(tcpip_stack_create_nic(f.stack, 80, &other.link, NULL), TCPIP_OK);
    assert_string_equal(tcpip_nic_name(tcpip_stack_nic(f.stack, 80)), "nic80");
    teardown(&f);
}

static void test_creation_survives_every_failed_allocation(void **state)
{
    (void)state;
    for (uint64_t k = 1; k < 8; k++) {
        struct fixture f;
        struct fake_link other;
        setup(&f, NULL);
        fake_link_init(&other);
        test_env_fail(&f.env, k, false);
        enum tcpip_error error = tcpip_stack_create_nic(f.stack, 8, &other.link, NULL);
        test_env_fail(&f.env, 0, false);
        if (error != TCPIP_OK) {
            assert_int_equal(error, TCPIP_ERR_NO_MEMORY);
            assert_null(tcpip_stack_nic(f.stack, 8));
            assert_null(other.link.stack);
        }
        assert_int_equal(fake_network_state(f.stack)->nics, error == TCPIP_OK ? 2 : 1);
        teardown(&f);
    }
}

static void test_info_and_settings(void **state)
{
    struct fixture f;
    struct tcpip_nic_info info;
    (void)state;
    setup(&f, NULL);
    uint32_t generation = f.stack->route_generation;
    assert_int_equal(tcpip_stack_set_nic_mtu(f.stack, 7, 67), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(tcpip_stack_set_nic_mtu(f.stack, 7, 1501), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(tcpip_stack_set_nic_mtu(f.stack, 7, 1280), TCPIP_OK);
    assert_int_not_equal(f.stack->route_generation, generation);
    assert_int_equal(tcpip_stack_set_promiscuous(f.stack, 7, true), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_spoofing(f.stack, 7, true), TCPIP_OK);
    assert_int_equal(tcpip_stack_nic_info(f.stack, 9, &info), TCPIP_ERR_UNKNOWN_NIC_ID);
    assert_int_equal(tcpip_stack_nic_info(f.stack, 7, &info), TCPIP_OK);
    assert_string_equal(info.name, "eth0");
    assert_int_equal(info.mtu, 1280);
    assert_true(info.enabled && info.link_up && info.promiscuous && info.spoofing);
    teardown(&f);
}

static void test_packets_are_lost_with_the_reason(void **state)
{
    struct fixture f;
    uint8_t bytes[4] = {0x40, 0xff};
    (void)state;
    setup(&f, NULL);
    deliver(&f);
    assert_int_equal(dropped(&f, TCPIP_DROP_UDP_NO_PORT), 1); /* went all the way up */
    fake_link_deliver(&f.link, 0x1234, bytes, 4);
    assert_int_equal(dropped(&f, TCPIP_DROP_UNKNOWN_NETWORK_PROTOCOL), 1);
    assert_int_equal(f.stack->stats.stack.unknown_network_endpoint_rcvd_packets, 1);
    fake_link_deliver(&f.link, 0, bytes, 4); /* a raw link's IPv4: not registered here */
    assert_int_equal(dropped(&f, TCPIP_DROP_UNKNOWN_NETWORK_PROTOCOL), 2);
    fake_link_deliver(&f.link, FAKE_NETWORK, bytes, 0);
    assert_int_equal(dropped(&f, TCPIP_DROP_IP_MALFORMED), 1);
    assert_int_equal(f.stack->stats.stack.malformed_rcvd_packets, 1);

    assert_int_equal(tcpip_stack_disable_nic(f.stack, 7), TCPIP_OK);
    assert_int_equal(fake_network_state(f.stack)->down, 1);
    deliver(&f);
    send(&f);
    assert_int_equal(dropped(&f, TCPIP_DROP_NIC_DISABLED), 2);
    assert_int_equal(f.nic->stats.disabled_rx_packets, 1);
    assert_int_equal(tcpip_stack_enable_nic(f.stack, 7), TCPIP_OK);
    assert_int_equal(fake_network_state(f.stack)->up, 2);
    deliver(&f);
    assert_int_equal(dropped(&f, TCPIP_DROP_UDP_NO_PORT), 2);

    struct tcpip_packet_list batch = tcpip_packet_list_init();
    struct tcpip_packet *packet = tcpip_packet_new(f.stack);
    *tcpip_packet_push(packet, 1) = 0xff;
    packet->type = TCPIP_PACKET_OTHER_HOST;
    packet->link_protocol = FAKE_NETWORK;
    tcpip_packet_list_push(&batch, packet);
    tcpip_nic_deliver(f.nic, &batch);
    assert_int_equal(dropped(&f, TCPIP_DROP_LINK_OTHER_HOST), 1);

    struct tcpip_stats stats;
    uint64_t sum = 0;
    tcpip_stack_stats(f.stack, &stats);
    for (int i = 0; i < TCPIP_DROP_COUNT; i++)
        sum += stats.drops[i];
    assert_int_equal(stats.stack.dropped_packets, sum);
    assert_int_equal(stats.nic.rx_packets, 5);
    teardown(&f);
}

/* ---- queue ---- */

static void test_a_link_that_pushes_back_gets_the_rest_when_it_is_ready(void **state)
{
    struct fixture f;
    struct tcpip_limits limits = {.size = sizeof(limits), .nic_queue_packets = 10};
    (void)state;
    setup(&f, &limits);
    f.link.capacity = 4;
    tcpip_stack_enter(f.stack);
    for (int i = 0; i < 12; i++) /* more than a queueful: handed over early, then full */
        fake_send(f.stack, f.nic, NULL, (uint8_t)i);
    tcpip_stack_leave(f.stack);
    assert_int_equal(f.link.sent.count, 4);
    assert_int_equal(tcpip__nic_queued(f.nic), 8);
    assert_int_equal(f.nic->stats.tx_packets, 4);
    uint32_t transmits = f.link.transmits;
    send(&f);
    send(&f);
    send(&f);                                      /* the eleventh */
    assert_int_equal(f.link.transmits, transmits); /* blocked: not asked */
    assert_int_equal(dropped(&f, TCPIP_DROP_QUEUE_FULL), 1);
    assert_int_equal(f.nic->stats.tx_queue_drops, 1);
    assert_int_equal(tcpip_stack_deadline(f.stack), TCPIP_NEVER); /* waiting isn't work */

    uint8_t expected[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0xff, 0xff};
    for (size_t i = 0; i < sizeof(expected); i++) {
        if (f.link.sent.count == 0)
            tcpip_link_tx_ready(&f.link.link);
        struct tcpip_packet *packet = fake_link_take(&f.link);
        assert_non_null(packet);
        assert_int_equal(*tcpip_packet_pull(packet, 0, 1), expected[i]);
        tcpip_packet_free(packet);
    }
    assert_int_equal(tcpip__nic_queued(f.nic), 0);
    assert_int_equal(f.nic->tx_queued_bytes, 0);
    assert_int_equal(f.nic->stats.tx_bytes, 14);
    teardown(&f);
}

static void ready_at_once(struct fake_link *link, struct tcpip_packet_list *packets)
{
    (void)packets;
    link->capacity = link->sent.count + 1;
    tcpip_link_tx_ready(&link->link);
}

static void test_a_link_may_be_ready_again_before_it_returns(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, NULL);
    f.link.on_transmit = ready_at_once; /* one packet a call */
    tcpip_stack_enter(f.stack);
    for (int i = 0; i < 5; i++)
        fake_send(f.stack, f.nic, NULL, 0xff);
    tcpip_stack_leave(f.stack);
    assert_int_equal(f.link.sent.count, 5);
    assert_int_equal(f.link.transmits, 5);
    teardown(&f);
}

static void ready_for_nothing(struct fake_link *link, struct tcpip_packet_list *packets)
{
    (void)packets;
    link->capacity = 0;
    tcpip_link_tx_ready(&link->link);
}

static void test_a_link_that_is_ready_and_takes_nothing_costs_a_turn_its_budget_and_no_more(void **state)
{
    struct tcpip_limits limits = {.size = sizeof(limits), .turn_budget = 64};
    struct fixture f;
    (void)state;
    setup(&f, &limits);
    f.link.on_transmit = ready_for_nothing;
    send(&f);
    assert_in_range(f.link.transmits, 1, 70);
    assert_int_equal(f.stack->stats.stack.turns_out_of_budget, 1);
    f.link.on_transmit = NULL;
    f.link.capacity = 10;
    assert_false(tcpip_stack_advance(f.stack, 0));
    assert_int_equal(f.link.sent.count, 1);
    teardown(&f);
}

static void deliver_back(struct fake_link *link, struct tcpip_packet_list *packets)
{
    struct fixture *f = link->user;
    struct tcpip_packet_list back = tcpip_packet_list_init();
    uint32_t received = fake_network_state(f->stack)->received;
    tcpip_packet_list_append(&back, packets);
    tcpip_link_deliver(&link->link, &back);
    assert_int_equal(back.count, 0);
    assert_int_equal(fake_network_state(f->stack)->received, received); /* not from in here */
}

static void test_what_a_link_delivers_inside_transmit_comes_up_in_the_same_turn(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, NULL);
    f.link.on_transmit = deliver_back;
    f.link.user = &f;
    struct fake_endpoint *endpoint = fake_endpoint_new(f.stack);
    tcpip_stack_enter(f.stack);
    fake_send(f.stack, f.nic, NULL, (uint8_t)endpoint->base.id);
    tcpip_stack_leave(f.stack);
    assert_int_equal(endpoint->received, 1);
    assert_int_equal(f.nic->stats.rx_packets, 1);
    assert_int_equal(f.nic->stats.tx_packets, 1);
    teardown(&f);
}

/* ---- the link's state ---- */

static void fail_in_transmit(struct fake_link *link, struct tcpip_packet_list *packets)
{
    struct fixture *f = link->user;
    (void)packets;
    link->capacity = 0;
    tcpip_link_set_state(&link->link, false, TCPIP_ERR_LINK_DOWN);
    assert_int_equal(f->state_calls, 0); /* not from in here */
}

static void test_a_link_that_fails_inside_transmit_is_down_at_once_and_reported_later(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, NULL);
    f.link.on_transmit = fail_in_transmit;
    f.link.user = &f;
    send(&f);
    assert_int_equal(f.state_calls, 1);
    assert_false(f.state_up);
    assert_int_equal(f.state_error, TCPIP_ERR_LINK_DOWN);
    assert_int_equal(fake_network_state(f.stack)->down, 1);
    assert_int_equal(dropped(&f, TCPIP_DROP_LINK_DOWN), 1);
    send(&f);
    deliver(&f);
    assert_int_equal(dropped(&f, TCPIP_DROP_LINK_DOWN), 3);
    f.link.on_transmit = NULL;
    f.link.capacity = 10;
    tcpip_link_set_state(&f.link.link, true, TCPIP_OK);
    assert_int_equal(f.state_calls, 2);
    assert_true(f.state_up);
    send(&f);
    assert_int_equal(f.link.sent.count, 1);
    teardown(&f);
}

static void test_the_state_callback_may_remove_the_nic(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, NULL);
    f.remove_in_callback = true;
    tcpip_link_set_state(&f.link.link, false, TCPIP_ERR_LINK_DOWN);
    assert_null(tcpip_stack_nic(f.stack, 7));
    assert_true(f.link.detached);
    teardown(&f);
}

static void test_removal_loses_what_waits_for_the_nic_and_keeps_its_counters(void **state)
{
    struct fixture f;
    struct tcpip_stats stats;
    (void)state;
    setup(&f, NULL);
    f.link.capacity = 1;
    tcpip_stack_enter(f.stack);
    fake_send(f.stack, f.nic, NULL, 1);
    fake_send(f.stack, f.nic, NULL, 2);
    fake_send(f.stack, NULL, f.nic, 3); /* to ourselves, through it */
    assert_int_equal(tcpip_stack_remove_nic(f.stack, 7), TCPIP_OK);
    tcpip_stack_leave(f.stack);
    tcpip_stack_stats(f.stack, &stats);
    assert_int_equal(stats.nic.tx_packets, 1);
    assert_int_equal(stats.drops[TCPIP_DROP_NIC_DISABLED], 1);
    assert_int_equal(stats.drops[TCPIP_DROP_NIC_REMOVED], 1);
    assert_int_equal(fake_network_state(f.stack)->nics, 0);
    teardown(&f);
}

/* ---- the default handler ---- */

static bool take(void *ctx, struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    uint32_t *taken = ctx;
    assert_int_equal(tcpip_nic_id(nic), 7);
    if (*taken > 0)
        return false;
    ++*taken;
    tcpip_packet_free(packet);
    return true;
}

static void test_the_default_handler_gets_what_nobody_wants(void **state)
{
    struct fixture f;
    uint32_t taken = 0;
    (void)state;
    setup(&f, NULL);
    assert_int_equal(tcpip_stack_set_transport_handler(f.stack, 99, take, &taken), TCPIP_ERR_UNKNOWN_PROTOCOL);
    assert_int_equal(tcpip_stack_set_transport_handler(f.stack, FAKE_TRANSPORT, take, &taken), TCPIP_OK);
    deliver(&f);
    deliver(&f);
    assert_int_equal(taken, 1);
    assert_int_equal(dropped(&f, TCPIP_DROP_UDP_NO_PORT), 1);
    assert_int_equal(tcpip_stack_set_transport_handler(f.stack, FAKE_TRANSPORT, NULL, NULL), TCPIP_OK);
    taken = 0;
    deliver(&f);
    assert_int_equal(taken, 0);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_creation_refuses_what_it_must),
        cmocka_unit_test(test_creation_survives_every_failed_allocation),
        cmocka_unit_test(test_info_and_settings),
        cmocka_unit_test(test_packets_are_lost_with_the_reason),
        cmocka_unit_test(test_a_link_that_pushes_back_gets_the_rest_when_it_is_ready),
        cmocka_unit_test(test_a_link_may_be_ready_again_before_it_returns),
        cmocka_unit_test(test_a_link_that_is_ready_and_takes_nothing_costs_a_turn_its_budget_and_no_more),
        cmocka_unit_test(test_what_a_link_delivers_inside_transmit_comes_up_in_the_same_turn),
        cmocka_unit_test(test_a_link_that_fails_inside_transmit_is_down_at_once_and_reported_later),
        cmocka_unit_test(test_the_state_callback_may_remove_the_nic),
        cmocka_unit_test(test_removal_loses_what_waits_for_the_nic_and_keeps_its_counters),
        cmocka_unit_test(test_the_default_handler_gets_what_nobody_wants),
    };
    return cmocka_run_group_tests_name("stack/nic", tests, NULL, NULL);
}
