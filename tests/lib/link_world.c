// SPDX-License-Identifier: MIT
/* link_world.c: a stack and a pretended NIC around a link under test.
 *
 * The stack is a real one, so that storage, turns, timers and drops are what a link meets in life; only the NIC is
 * replaced, or packets would vanish into protocols.
 *
 * Owns: the stack and the packets received. */
#include "link_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct link_world *world_of(struct tcpip_link_upper *upper)
{
    return TCPIP_CONTAINER_OF(upper, struct link_world, upper);
}

static void on_deliver(struct tcpip_link_upper *upper, struct tcpip_packet_list *packets)
{
    tcpip_packet_list_append(&world_of(upper)->received, packets);
}

static void on_tx_ready(struct tcpip_link_upper *upper)
{
    assert_false(world_of(upper)->transmitting);
    world_of(upper)->tx_ready++;
}

static void on_state(struct tcpip_link_upper *upper, bool up, enum tcpip_error error)
{
    struct link_world *world = world_of(upper);
    world->states++;
    world->up = up;
    world->error = error;
}

static void on_trace(void *ctx, const struct tcpip_event *event)
{
    struct test_env *test_env = ctx;
    struct link_world *world = TCPIP_CONTAINER_OF(test_env, struct link_world, test_env);
    if (event->kind == TCPIP_EVENT_PACKET_DROP) {
        assert_true(event->values[0] < TCPIP_DROP_COUNT);
        world->drops[event->values[0]]++;
    }
}

void link_world_init(struct link_world *world, uint64_t seed)
{
    failing_own_end(); /* the test is the NIC, and the link's timers are its own */
    memset(world, 0, sizeof(*world));
    test_env_init(&world->test_env, seed);
    assert_ptr_equal(world->test_env.env.ctx, &world->test_env);
    world->test_env.env.trace = on_trace;
    world->upper = (struct tcpip_link_upper){on_deliver, on_tx_ready, on_state};
    assert_int_equal(tcpip_stack_new(&world->test_env.env, NULL, NULL, &world->stack), TCPIP_OK);
}

void link_world_fini(struct link_world *world)
{
    tcpip_packet_list_free(&world->received);
    tcpip_stack_free(world->stack);
    test_env_fini(&world->test_env);
}

void link_world_attach(struct link_world *world, struct tcpip_link *link)
{
    tcpip_stack_enter(world->stack);
    assert_int_equal(link->ops->attach(link, world->stack, &world->upper), TCPIP_OK);
    tcpip_stack_leave(world->stack);
    assert_ptr_equal(link->stack, world->stack);
    assert_ptr_equal(link->upper, &world->upper);
}

void link_world_detach(struct link_world *world, struct tcpip_link *link)
{
    tcpip_stack_enter(world->stack);
    link->ops->detach(link);
    tcpip_stack_leave(world->stack);
    assert_null(link->stack);
}

size_t link_world_transmit(struct link_world *world, struct tcpip_link *link, struct tcpip_packet_list *packets)
{
    uint32_t offered = packets->count;
    tcpip_stack_enter(world->stack);
    world->transmitting = true;
    size_t taken = link->ops->transmit(link, packets);
    world->transmitting = false;
    tcpip_stack_leave(world->stack);
    assert_int_equal(taken, offered - packets->count);
    return taken;
}

void link_world_send(struct link_world *world, struct tcpip_link *link, struct tcpip_packet *packet)
{
    struct tcpip_packet_list list = tcpip_packet_list_init();
    tcpip_packet_list_push(&list, packet);
    assert_int_equal(link_world_transmit(world, link, &list), 1);
}

struct tcpip_packet *link_world_packet(struct link_world *world, const uint8_t *bytes, uint32_t size, uint32_t in_room,
                                       uint32_t view_bytes)
{
    struct tcpip_packet *packet = tcpip_packet_new(world->stack);
    assert_non_null(packet);
    in_room = in_room < size ? in_room : size;
    memcpy(tcpip_packet_push(packet, in_room), bytes, in_room);
    for (uint32_t at = in_room; at < size;) {
        uint32_t part = view_bytes != 0 && view_bytes < size - at ? view_bytes : size - at;
        assert_int_equal(tcpip_packet_append(packet, bytes + at, part), TCPIP_OK);
        at += part;
    }
    packet->link_protocol = tcpip_link_protocol_of(bytes[0]);
    return packet;
}

size_t link_world_take(struct link_world *world, uint8_t *out, size_t size, struct tcpip_packet *packet)
{
    struct tcpip_packet *first = tcpip_packet_list_pop(&world->received);
    if (first == NULL)
        return 0;
    assert_true(first->length <= size);
    size_t length = tcpip_packet_copy_out(first, 0, out, size);
    assert_int_equal(length, first->length);
    if (packet != NULL)
        memcpy(packet, first, offsetof(struct tcpip_packet, views));
    tcpip_packet_free(first);
    return length;
}

void link_world_advance(struct link_world *world, tcpip_ns by)
{
    world->test_env.now += by;
    while (tcpip_stack_advance(world->stack, 0)) {
    }
}

void link_world_run(struct link_world *world)
{
    for (tcpip_ns at; (at = tcpip_stack_deadline(world->stack)) != TCPIP_NEVER;)
        link_world_advance(world, at > world->test_env.now ? at - world->test_env.now : 0);
}
