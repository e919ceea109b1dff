// SPDX-License-Identifier: MIT
/* socket_world.c: see socket_world.h.
 *
 * Owns: the stack and its loopback link. */
#include "socket_world.h"

#include "needs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <tcpip/loop.h>

#include <cmocka.h>

static void world_settle(struct socket_world *world)
{
    for (int i = 0; tcpip_stack_deadline(world->stack) <= world->world.now; i++) {
        assert_true(i < 100000); /* busy without time passing */
        (void)tcpip_stack_advance(world->stack, 0);
    }
}

static bool world_step(void *ctx, tcpip_ns until)
{
    struct socket_world *world = ctx;
    world->steps++;
    if (world->on_step != NULL)
        world->on_step(world);
    tcpip_ns next = tcpip_stack_deadline(world->stack);
    next = next < until ? next : until;
    if (next == TCPIP_NEVER) {
        if (world->idle_steps++ > 1000) /* what is waited for was lost: with memory, this would be the test's mistake */
            (void)failing_need(NULL, __FILE__, __LINE__);
        return world->on_step != NULL;
    }
    world->idle_steps = 0;
    if (next > world->world.now)
        world->world.now = next;
    world_settle(world);
    return true;
}

void socket_world_run(struct socket_world *world, tcpip_ns duration)
{
    tcpip_ns end = world->world.now + duration;
    for (tcpip_ns next; (next = tcpip_stack_deadline(world->stack)) <= end;) {
        world->world.now = next > world->world.now ? next : world->world.now;
        world_settle(world);
    }
    world->world.now = end;
}

static void world_add_address(struct socket_world *world, const char *text)
{
    struct tcpip_prefix prefix;
    struct tcpip_address_properties no_dad = {.size = sizeof(no_dad), .flags = TCPIP_ADDRESS_NO_DAD};
    assert_int_equal(tcpip_prefix_parse(text, &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(world->stack, 1, &prefix, &no_dad), TCPIP_OK);
    struct tcpip_route_entry route = {.destination = prefix, .nic = 1};
    assert_int_equal(tcpip_stack_add_route(world->stack, &route), TCPIP_OK);
}

void socket_world_init(struct socket_world *world, const struct tcpip_sockets_options *options)
{
    struct tcpip_sockets_options own = {
        .size = sizeof(own),
        .drive = TCPIP_SOCKETS_DRIVE_CALLBACK,
        .private_descriptors = true,
        .first_descriptor = 3,
    };
    struct tcpip_env posix;
    memset(world, 0, sizeof(*world));
    test_env_init(&world->world, 1);
    if (options != NULL)
        own = *options;
    if (own.drive == TCPIP_SOCKETS_DRIVE_CALLBACK && own.step == NULL) {
        own.step = world_step;
        own.ctx = world;
    }
    tcpip_posix_env(&posix);
    const struct tcpip_env *env = own.drive == TCPIP_SOCKETS_DRIVE_THREADS ? &posix : &world->world.env;
    world->loopback = tcpip_loopback_new(env, 0);
    assert_non_null(world->loopback);
    assert_int_equal(tcpip_stack_new(env, NULL, &tcpip_protocols_all, &world->stack), TCPIP_OK);
    assert_int_equal(tcpip_stack_create_nic(world->stack, 1, world->loopback, NULL), TCPIP_OK);
    world_add_address(world, "127.0.0.1/8");
    world_add_address(world, "::1/128");
    assert_int_equal(tcpip_sockets_new(world->stack, &own, &world->s), TCPIP_OK);
}

void socket_world_fini(struct socket_world *world)
{
    tcpip_sockets_free(world->s);
    tcpip_stack_free(world->stack);
    tcpip_loopback_free(world->loopback);
    test_env_fini(&world->world);
}

struct sockaddr_in loopback4(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

struct sockaddr_in6 loopback6(uint16_t port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    address.sin6_addr = in6addr_loopback;
    return address;
}

void assert_refused_(long result, int number, const char *call, const char *file, int line)
{
    int got = errno;
    if (result == -1 && got == number)
        return;
    print_error("%s: %ld, %s; expected %s\n", call, result, result == -1 ? strerrorname_np(got) : "no error",
                strerrorname_np(number));
    _fail(file, line);
}

void socket_world_connect(struct socket_world *world, int *client, int *server)
{
    struct sockaddr_in address = loopback4(0);
    socklen_t length = sizeof(address);
    int listener = tcpip_socket(world->s, AF_INET, SOCK_STREAM, 0);
    assert_true(listener >= 0);
    assert_int_equal(tcpip_bind(world->s, listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(tcpip_listen(world->s, listener, 8), 0);
    assert_int_equal(tcpip_getsockname(world->s, listener, (struct sockaddr *)&address, &length), 0);
    *client = tcpip_socket(world->s, AF_INET, SOCK_STREAM, 0);
    assert_true(*client >= 0);
    assert_int_equal(tcpip_connect(world->s, *client, (struct sockaddr *)&address, sizeof(address)), 0);
    *server = tcpip_accept(world->s, listener, NULL, NULL);
    assert_true(*server >= 0);
    assert_int_equal(tcpip_close(world->s, listener), 0);
}

int socket_world_setup(void **state)
{
    struct socket_world *world = malloc(sizeof(*world));
    assert_non_null(world);
    socket_world_init(world, NULL);
    *state = world;
    return 0;
}

int socket_world_teardown(void **state)
{
    socket_world_fini(*state);
    free(*state);
    return 0;
}
