// SPDX-License-Identifier: MIT
/* pipe_test.c: the contract, for each of a pipe's three lives: one stack by reference, one stack with a copy, two
 * stacks. */
#include "link_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The far end: in the same world or in one of its own. */
struct far {
    struct tcpip_link *ends[2];
    struct link_world own; /* of two stacks */
    bool two;
    struct tcpip_link_upper upper; /* of one stack: keeps what comes in `received` */
    struct tcpip_packet_list received;
    uint32_t ready;
};

static void far_deliver(struct tcpip_link_upper *upper, struct tcpip_packet_list *packets)
{
    tcpip_packet_list_append(&TCPIP_CONTAINER_OF(upper, struct far, upper)->received, packets);
}

static void far_tx_ready(struct tcpip_link_upper *upper)
{
    (void)upper;
}

static void far_state(struct tcpip_link_upper *upper, bool up, enum tcpip_error error)
{
    (void)upper, (void)up, (void)error;
}

static void on_ready(void *ctx)
{
    ((struct far *)ctx)->ready++;
}

static struct far *far_new(struct link_world *world, struct tcpip_pipe_options options, bool two)
{
    struct far *far = calloc(1, sizeof(*far));
    options.size = sizeof(options);
    options.ctx = far;
    if (two)
        options.on_ready[0] = options.on_ready[1] = on_ready;
    assert_int_equal(tcpip_pipe_new(&world->test_env.env, &options, far->ends), TCPIP_OK);
    far->two = two;
    far->upper = (struct tcpip_link_upper){far_deliver, far_tx_ready, far_state};
    if (two) {
        link_world_init(&far->own, 2);
        link_world_attach(&far->own, far->ends[1]);
    } else {
        assert_int_equal(far->ends[1]->ops->attach(far->ends[1], world->stack, &far->upper), TCPIP_OK);
    }
    return far;
}

static void far_free(struct link_world *world, void *state)
{
    struct far *far = state;
    (void)world;
    tcpip_packet_list_free(&far->received);
    if (far->ends[1]->stack != NULL)
        far->ends[1]->ops->detach(far->ends[1]);
    tcpip_pipe_free(far->ends);
    if (far->two)
        link_world_fini(&far->own);
    free(far);
}

static size_t far_take(struct link_world *world, void *state, uint8_t *out, size_t size)
{
    struct far *far = state;
    (void)world;
    if (far->two) {
        if (far->own.received.count == 0)
            tcpip_pipe_pump(far->ends[1], 1);
        return link_world_take(&far->own, out, size, NULL);
    }
    struct tcpip_packet *packet = tcpip_packet_list_pop(&far->received);
    if (packet == NULL)
        return 0;
    size_t length = tcpip_packet_copy_out(packet, 0, out, size);
    tcpip_packet_free(packet);
    return length;
}

static void far_give(struct link_world *world, void *state, const uint8_t *bytes, size_t size)
{
    struct far *far = state;
    struct link_world *from = far->two ? &far->own : world;
    link_world_send(from, far->ends[1], link_world_packet(from, bytes, (uint32_t)size, 20, (uint32_t)size / 4 + 1));
    tcpip_pipe_pump(far->ends[0], 1);
}

static struct tcpip_link *make_by_reference(struct link_world *world, void **state)
{
    struct far *far = *state = far_new(world, (struct tcpip_pipe_options){.queue_packets = 8}, false);
    return far->ends[0];
}

static struct tcpip_link *make_copying(struct link_world *world, void **state)
{
    struct far *far = *state = far_new(world, (struct tcpip_pipe_options){.copy = true, .mtu = 65535}, false);
    return far->ends[0];
}

static struct tcpip_link *make_between_stacks(struct link_world *world, void **state)
{
    struct far *far = *state = far_new(world, (struct tcpip_pipe_options){.queue_packets = 32}, true);
    return far->ends[0];
}

static void a_pipe_keeps_the_contract_of_links(void **state)
{
    (void)state;
    struct link_subject subject = {.name = "pipe", .destroy = far_free, .take = far_take, .give = far_give};
    subject.make = make_by_reference;
    link_conformance(&subject);
    subject.make = make_copying;
    link_conformance(&subject);
    subject.make = make_between_stacks;
    subject.pushes_back_at = 32;
    link_conformance(&subject);
}

static void within_one_stack_buffers_pass_by_reference_unless_copied(void **state)
{
    (void)state;
    for (int copy = 0; copy < 2; copy++) {
        struct link_world world;
        link_world_init(&world, 1);
        struct far *far = far_new(&world, (struct tcpip_pipe_options){.copy = copy != 0}, false);
        link_world_attach(&world, far->ends[0]);
        uint8_t bytes[1400] = {0x45};
        struct tcpip_packet *packet = link_world_packet(&world, bytes, sizeof(bytes), 40, 0);
        struct tcpip_buffer *buffer = tcpip_buffer_ref(packet->views[0].buffer);
        packet->checksum = TCPIP_CHECKSUM_PARTIAL;
        packet->mark = 5;
        link_world_send(&world, far->ends[0], packet);
        packet = tcpip_packet_list_pop(&far->received);
        assert_non_null(packet);
        assert_int_equal(buffer->refs, copy ? 1 : 2);
        assert_int_equal(packet->view_count, 1);
        assert_int_equal(packet->views[0].length, copy ? 1400 : 1360);
        assert_int_equal(packet->checksum, TCPIP_CHECKSUM_PARTIAL);
        assert_int_equal(packet->mark, 0);
        tcpip_packet_free(packet);
        tcpip_buffer_unref(buffer);
        link_world_detach(&world, far->ends[0]);
        far_free(&world, far);
        link_world_fini(&world);
    }
}

static void between_stacks_the_receiver_is_not_entered_until_it_pumps(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct far *far = far_new(&world, (struct tcpip_pipe_options){.queue_packets = 0}, true);
    link_world_attach(&world, far->ends[0]);
    uint8_t bytes[300] = {0x45};
    for (int i = 0; i < 10; i++)
        link_world_send(&world, far->ends[0], link_world_packet(&world, bytes, sizeof(bytes), 20, 0));
    assert_int_equal(far->ready, 10);
    assert_int_equal(far->own.received.count, 0);
    assert_int_equal(tcpip_pipe_pump(far->ends[1], 4), 4);
    assert_int_equal(far->own.received.count, 4);
    assert_int_equal(tcpip_pipe_pump(far->ends[1], 100), 6);
    assert_int_equal(tcpip_pipe_pump(far->ends[1], 100), 0);
    link_world_detach(&world, far->ends[0]);
    far_free(&world, far);
    link_world_fini(&world);
}

static void without_memory_at_the_receiver_packets_are_dropped_by_the_sender(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct far *far = far_new(&world, (struct tcpip_pipe_options){.queue_packets = 0}, true);
    link_world_attach(&world, far->ends[0]);
    uint8_t bytes[1000] = {0x45};
    test_env_fail(&far->own.test_env, 1, true);
    for (int i = 0; i < 10; i++)
        link_world_send(&world, far->ends[0], link_world_packet(&world, bytes, sizeof(bytes), 20, 0));
    test_env_fail(&far->own.test_env, 0, false);
    assert_true(world.drops[TCPIP_DROP_NO_MEMORY] > 0);
    assert_int_equal(tcpip_pipe_pump(far->ends[1], 100), 10 - world.drops[TCPIP_DROP_NO_MEMORY]);
    link_world_detach(&world, far->ends[0]);
    far_free(&world, far);
    link_world_fini(&world);
}

static void a_sender_is_not_stuck_when_the_other_end_goes(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct far *far = far_new(&world, (struct tcpip_pipe_options){.queue_packets = 4}, true);
    link_world_attach(&world, far->ends[0]);
    uint8_t bytes[300] = {0x45};
    struct tcpip_packet_list list = tcpip_packet_list_init();
    for (int i = 0; i < 10; i++)
        tcpip_packet_list_push(&list, link_world_packet(&world, bytes, sizeof(bytes), 20, 0));
    assert_int_equal(link_world_transmit(&world, far->ends[0], &list), 4);
    link_world_detach(&far->own, far->ends[1]);
    assert_int_equal(world.tx_ready, 1);
    assert_int_equal(far->own.drops[TCPIP_DROP_NIC_REMOVED], 4);
    assert_int_equal(link_world_transmit(&world, far->ends[0], &list), 6);
    assert_int_equal(world.drops[TCPIP_DROP_LINK_DOWN], 6);
    link_world_detach(&world, far->ends[0]);
    far_free(&world, far);
    link_world_fini(&world);
}

static void with_addresses_a_pipe_is_a_wire_with_two_stations(void **state)
{
    (void)state;
    static const struct tcpip_link_address a = {{2, 0, 0, 0, 0, 1}, 6}, b = {{2, 0, 0, 0, 0, 2}, 6};
    static const struct {
        uint8_t to[6];
        enum tcpip_packet_type type;
    } cases[] = {
        {{2, 0, 0, 0, 0, 2}, TCPIP_PACKET_HOST},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, TCPIP_PACKET_BROADCAST},
        {{1, 0, 0x5e, 0, 0, 1}, TCPIP_PACKET_MULTICAST},
    };
    struct link_world world;
    link_world_init(&world, 1);
    struct far *far = far_new(&world, (struct tcpip_pipe_options){.address = {a, b}}, false);
    link_world_attach(&world, far->ends[0]);
    uint8_t bytes[100] = {0x45};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tcpip_packet *packet = link_world_packet(&world, bytes, sizeof(bytes), 20, 0);
        memcpy(packet->link_destination.bytes, cases[i].to, 6);
        link_world_send(&world, far->ends[0], packet);
        packet = tcpip_packet_list_pop(&far->received);
        assert_int_equal(packet->type, cases[i].type);
        assert_memory_equal(packet->link_source.bytes, a.bytes, 6);
        tcpip_packet_free(packet);
    }
    struct tcpip_packet *astray = link_world_packet(&world, bytes, sizeof(bytes), 20, 0);
    astray->link_destination.bytes[0] = 4;
    link_world_send(&world, far->ends[0], astray);
    assert_int_equal(far->received.count, 0);
    assert_int_equal(world.drops[TCPIP_DROP_LINK_OTHER_HOST], 1);
    link_world_detach(&world, far->ends[0]);
    far_free(&world, far);
    link_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_keeps_the_contract_of_links),
        cmocka_unit_test(within_one_stack_buffers_pass_by_reference_unless_copied),
        cmocka_unit_test(between_stacks_the_receiver_is_not_entered_until_it_pumps),
        cmocka_unit_test(without_memory_at_the_receiver_packets_are_dropped_by_the_sender),
        cmocka_unit_test(a_sender_is_not_stuck_when_the_other_end_goes),
        cmocka_unit_test(with_addresses_a_pipe_is_a_wire_with_two_stations),
    };
    return cmocka_run_group_tests_name("pipe", tests, NULL, NULL);
}
