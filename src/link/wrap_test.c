// SPDX-License-Identifier: MIT
/* wrap_test.c: what passes through every wrapping link: attaching and its failure, state, back-pressure.
 *
 * Each of them stands on a lower link made here, which does what the test tells it. */
#include "base/compiler.h"
#include "link_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct lower {
    struct tcpip_link link;
    bool refuse;    /* attach fails */
    uint32_t takes; /* packets that it still takes */
    uint32_t transmits;
    struct tcpip_packet_list taken;
};

static struct lower *lower_of(struct tcpip_link *link)
{
    return container_of(link, struct lower, link);
}

static void lower_capabilities(struct tcpip_link *link, struct tcpip_link_capabilities *out)
{
    (void)link;
    *out = (struct tcpip_link_capabilities){.mtu = 1234, .header_room = 3, .flags = TCPIP_LINK_GRO};
}

static enum tcpip_error lower_attach(struct tcpip_link *link, struct tcpip_stack *stack, struct tcpip_link_upper *upper)
{
    if (lower_of(link)->refuse)
        return TCPIP_ERR_NOT_PERMITTED;
    link->stack = stack;
    link->upper = upper;
    return TCPIP_OK;
}

static void lower_detach(struct tcpip_link *link)
{
    tcpip_packet_list_free(&lower_of(link)->taken);
    link->stack = NULL;
    link->upper = NULL;
}

static size_t lower_transmit(struct tcpip_link *link, struct tcpip_packet_list *packets)
{
    struct lower *lower = lower_of(link);
    size_t count = 0;
    lower->transmits++;
    for (; lower->takes > 0 && packets->count > 0; lower->takes--, count++)
        tcpip_packet_list_push(&lower->taken, tcpip_packet_list_pop(packets));
    return count;
}

static const struct tcpip_link_ops lower_ops = {"lower", lower_capabilities, lower_attach, lower_detach,
                                                lower_transmit};

/* ---- the links that wrap ---- */

static void write_nowhere(void *ctx, const void *bytes, size_t size)
{
    (void)ctx, (void)bytes, (void)size;
}

static struct tcpip_link *new_ethernet(const struct tcpip_env *env, struct tcpip_link *lower)
{
    return tcpip_ethernet_new(env, lower, (struct tcpip_link_address){{2, 0, 0, 0, 0, 1}, 6});
}

static struct tcpip_link *new_sniffer(const struct tcpip_env *env, struct tcpip_link *lower)
{
    struct tcpip_sniffer_options options = {.size = sizeof(options), .write = write_nowhere};
    return tcpip_sniffer_new(env, lower, &options);
}

static struct tcpip_link *new_fault(const struct tcpip_env *env, struct tcpip_link *lower)
{
    return tcpip_fault_new(env, lower, NULL);
}

static const struct {
    struct tcpip_link *(*make)(const struct tcpip_env *env, struct tcpip_link *lower);
    void (*free)(struct tcpip_link *link);
} wrappers[] = {
    {new_ethernet, tcpip_ethernet_free},
    {new_sniffer, tcpip_sniffer_free},
    {new_fault, tcpip_fault_free},
};

/* Runs a test once over each. */
static void over_each(void (*test)(struct link_world *world, struct tcpip_link *link, struct lower *lower))
{
    for (size_t i = 0; i < array_count(wrappers); i++) {
        struct link_world world;
        struct lower lower = {.link.ops = &lower_ops, .takes = UINT32_MAX};
        link_world_init(&world, 1);
        struct tcpip_link *link = wrappers[i].make(&world.test_env.env, &lower.link);
        test(&world, link, &lower);
        if (link->stack != NULL)
            link_world_detach(&world, link);
        assert_null(lower.link.stack);
        wrappers[i].free(link);
        link_world_fini(&world);
    }
}

static void refuses(struct link_world *world, struct tcpip_link *link, struct lower *lower)
{
    lower->refuse = true;
    tcpip_stack_enter(world->stack);
    assert_int_equal(link->ops->attach(link, world->stack, &world->upper), TCPIP_ERR_NOT_PERMITTED);
    tcpip_stack_leave(world->stack);
    assert_null(link->stack);
    assert_null(link->upper);
    lower->refuse = false;
    link_world_attach(world, link);
    assert_ptr_equal(lower->link.stack, world->stack);
}

static void a_link_attaches_if_the_one_below_does(void **state)
{
    (void)state;
    over_each(refuses);
}

static void passes_state(struct link_world *world, struct tcpip_link *link, struct lower *lower)
{
    link_world_attach(world, link);
    tcpip_link_set_state(&lower->link, true, TCPIP_OK);
    assert_true(world->up);
    tcpip_link_set_state(&lower->link, false, TCPIP_ERR_LINK_DOWN);
    assert_false(world->up);
    assert_int_equal(world->error, TCPIP_ERR_LINK_DOWN);
    assert_int_equal(world->states, 2);
}

static void state_passes_up(void **state)
{
    (void)state;
    over_each(passes_state);
}

static void passes_capabilities(struct link_world *world, struct tcpip_link *link, struct lower *lower)
{
    struct tcpip_link_capabilities caps;
    (void)world, (void)lower;
    link->ops->capabilities(link, &caps);
    assert_int_equal(caps.mtu, 1234);
    assert_true(caps.header_room >= 3);
    assert_true(caps.flags & TCPIP_LINK_GRO);
}

static void capabilities_pass_up(void **state)
{
    (void)state;
    over_each(passes_capabilities);
}

static void passes_back_pressure(struct link_world *world, struct tcpip_link *link, struct lower *lower)
{
    enum { COUNT = 500 };
    struct tcpip_packet_list list = tcpip_packet_list_init();
    uint8_t bytes[40] = {0x45};
    link_world_attach(world, link);
    lower->takes = 1;
    for (uint32_t i = 0; i < COUNT; i++) {
        memcpy(bytes + 4, &i, sizeof(i));
        tcpip_packet_list_push(&list, link_world_packet(world, bytes, sizeof(bytes), 20, 0));
    }
    while (list.count > 0) {
        link_world_transmit(world, link, &list);
        uint32_t ready = world->tx_ready, transmits = lower->transmits;
        assert_int_equal(link_world_transmit(world, link, &list), 0); /* full: nothing is even tried below */
        assert_int_equal(lower->transmits, transmits);
        lower->takes = 1;
        tcpip_link_tx_ready(&lower->link); /* takes one of those held, and that isn't worth telling */
        assert_int_equal(world->tx_ready, ready);
        lower->takes = COUNT;
        tcpip_link_tx_ready(&lower->link);
        assert_int_equal(world->tx_ready, ready + 1);
        lower->takes = list.count > 100 ? 100 : COUNT;
        if (lower->takes == COUNT)
            link_world_transmit(world, link, &list);
    }
    assert_int_equal(lower->taken.count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct tcpip_packet *packet = tcpip_packet_list_pop(&lower->taken);
        uint32_t id;
        memcpy(&id, tcpip_packet_pull(packet, packet->length - 36, 4), 4);
        assert_int_equal(id, i);
        tcpip_packet_free(packet);
    }
}

static void back_pressure_passes_up_and_order_is_kept(void **state)
{
    (void)state;
    over_each(passes_back_pressure);
}

static void frees_held(struct link_world *world, struct tcpip_link *link, struct lower *lower)
{
    uint8_t bytes[40] = {0x45};
    link_world_attach(world, link);
    lower->takes = 0;
    for (uint32_t i = 0; i < 10; i++) {
        struct tcpip_packet_list list = tcpip_packet_list_init();
        tcpip_packet_list_push(&list, link_world_packet(world, bytes, sizeof(bytes), 20, 0));
        link_world_transmit(world, link, &list);
        tcpip_packet_list_free(&list);
    }
    link_world_detach(world, link);
    assert_true(world->drops[TCPIP_DROP_NIC_REMOVED] > 0);
}

static void what_is_held_is_lost_at_detach(void **state)
{
    (void)state;
    over_each(frees_held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_attaches_if_the_one_below_does),
        cmocka_unit_test(state_passes_up),
        cmocka_unit_test(capabilities_pass_up),
        cmocka_unit_test(back_pressure_passes_up_and_order_is_kept),
        cmocka_unit_test(what_is_held_is_lost_at_detach),
    };
    return cmocka_run_group_tests_name("wrap", tests, NULL, NULL);
}
