// SPDX-License-Identifier: MIT
/* unix_world.c: what the tests of unix endpoints share.
 *
 * Owns:       the count of references.
 * Invariants: a reference is the world itself, counted.
 * Not here:   tests. */
#include "unix_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void unix_world_init(struct unix_world *world, const struct tcpip_limits *limits)
{
    static const struct tcpip_transport_protocol *const transport[] = {&tcpip_unix, NULL};
    static const struct tcpip_protocols protocols = {NULL, transport};
    memset(world, 0, sizeof(*world));
    test_env_init(&world->env, 7);
    assert_int_equal(tcpip_stack_new(&world->env.env, limits, &protocols, &world->stack), TCPIP_OK);
}

void unix_world_fini(struct unix_world *world)
{
    tcpip_stack_free(world->stack);
    assert_int_equal(world->references, 0);
    test_env_fini(&world->env);
}

struct tcpip_endpoint *world_new(struct unix_world *world, enum tcpip_unix_type type)
{
    struct tcpip_endpoint *ep;
    assert_int_equal(tcpip_unix_new(world->stack, type, &ep), TCPIP_OK);
    return ep;
}

void world_pair(struct unix_world *world, enum tcpip_unix_type type, struct tcpip_endpoint **ends)
{
    assert_int_equal(tcpip_unix_pair(world->stack, type, NULL, &ends[0], &ends[1]), TCPIP_OK);
}

struct tcpip_endpoint *world_listener(struct unix_world *world, enum tcpip_unix_type type, const char *name,
                                      int backlog)
{
    struct tcpip_endpoint *ep = world_new(world, type);
    assert_int_equal(world_bind(ep, name), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(ep, backlog), TCPIP_OK);
    return ep;
}

const struct tcpip_unix_address *world_name(const char *text)
{
    static struct tcpip_unix_address names[2];
    static unsigned turn;
    struct tcpip_unix_address *out = &names[turn++ % 2];
    out->size = (uint32_t)strlen(text);
    assert_true(out->size <= TCPIP_UNIX_NAME_MAX);
    memcpy(out->bytes, text, out->size);
    if (text[0] == '@')
        out->bytes[0] = 0;
    return out;
}

enum tcpip_error world_bind(struct tcpip_endpoint *ep, const char *name)
{
    return tcpip_unix_bind(ep, world_name(name), NULL, NULL);
}

enum tcpip_error world_connect(struct tcpip_endpoint *ep, const char *name)
{
    return tcpip_unix_connect(ep, world_name(name));
}

enum tcpip_error world_send(struct tcpip_endpoint *ep, const char *text)
{
    size_t done;
    enum tcpip_error error = tcpip_endpoint_write(ep, text, strlen(text), 0, NULL, &done);
    assert_int_equal(done, error == TCPIP_OK ? strlen(text) : 0);
    return error;
}

enum tcpip_error world_send_to(struct tcpip_endpoint *ep, const char *text, const char *name)
{
    struct tcpip_io io = {(uint8_t *)(uintptr_t)text, strlen(text)};
    struct tcpip_unix_send beside = {.size = sizeof(beside), .to = world_name(name)};
    size_t done;
    return tcpip_unix_sendmsg(ep, &io, 1, &beside, &done);
}

void world_expect(struct tcpip_endpoint *ep, const char *text)
{
    char got[256];
    size_t done;
    assert_int_equal(tcpip_endpoint_read(ep, got, sizeof(got) - 1, &done, NULL), TCPIP_OK);
    got[done] = 0;
    assert_string_equal(got, text);
}

enum tcpip_error world_read_error(struct tcpip_endpoint *ep)
{
    char got[256];
    size_t done;
    return tcpip_endpoint_read(ep, got, sizeof(got), &done, NULL);
}

static void *world_clone(void *object)
{
    ((struct unix_world *)object)->references++;
    return object;
}

static void world_release(void *object)
{
    ((struct unix_world *)object)->references--;
}

static const struct tcpip_unix_reference_ops world_reference_ops = {world_clone, world_release};

enum tcpip_error world_pass(struct unix_world *world, struct tcpip_endpoint *ep, const char *text, uint32_t count)
{
    struct tcpip_unix_reference references[300];
    struct tcpip_io io = {(uint8_t *)(uintptr_t)text, strlen(text)};
    struct tcpip_unix_send beside = {.size = sizeof(beside), .references = references, .reference_count = count};
    size_t done;
    for (uint32_t i = 0; i < count; i++)
        references[i] = (struct tcpip_unix_reference){world_clone(world), &world_reference_ops};
    enum tcpip_error error = tcpip_unix_sendmsg(ep, &io, 1, &beside, &done);
    if (error != TCPIP_OK)
        world->references -= count;
    return error;
}

uint32_t world_take(struct tcpip_endpoint *ep, size_t size, size_t room, bool peek, struct tcpip_unix_receive *out,
                    char *text)
{
    struct tcpip_unix_reference references[300];
    struct tcpip_io io = {(uint8_t *)text, size};
    size_t done;
    *out = (struct tcpip_unix_receive){
        .size = sizeof(*out), .peek = peek, .references = references, .reference_room = room};
    assert_int_equal(tcpip_unix_recvmsg(ep, &io, 1, out, &done), TCPIP_OK);
    text[done] = 0;
    for (size_t i = 0; i < out->reference_count; i++)
        references[i].ops->release(references[i].object);
    out->references = NULL;
    return (uint32_t)out->reference_count;
}

static void world_heard(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct world_waiter *w = TCPIP_CONTAINER_OF(waiter, struct world_waiter, waiter);
    w->heard++;
    w->events |= ready;
}

void world_wait(struct tcpip_endpoint *ep, struct world_waiter *waiter, uint32_t mask)
{
    *waiter = (struct world_waiter){.waiter = {.mask = mask, .fn = world_heard}};
    tcpip_endpoint_waiter_add(ep, &waiter->waiter);
}
