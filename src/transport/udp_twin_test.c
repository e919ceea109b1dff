// SPDX-License-Identifier: MIT
/* udp_twin_test.c: whose a datagram is, beside a naive twin: a list of endpoints, and the rules of Linux as loops over
 * it.
 *
 * Endpoints of both families are made, bound, connected, disconnected and closed at random, over few addresses and few
 * ports, so that they are in each other's way; between, datagrams come in. The twin says what each call answers and who
 * hears each datagram. */
#include "datagrams.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TWINS = 24, PORTS = 3, ROUNDS = 30000 };

/* An endpoint as the twin sees it. Addresses as text: NULL is any. */
struct twin {
    struct tcpip_endpoint *ep;
    bool v6, v6_only, reuse;
    bool bound, port_locked, connected;
    const char *local; /* as bound by hand */
    const char *source, *remote;
    uint16_t port, remote_port;
    uint32_t nic;
    uint64_t order; /* of becoming a listener */
};

struct twin_world {
    struct wire wire;
    struct twin twin[TWINS];
    uint64_t orders;
};

static const char *const ours[] = {NULL, "10.0.0.1", "10.0.0.3", "fd00::1"};
static const char *const theirs[] = {"10.0.0.2", "10.0.0.9", "fd00::2"};

static uint32_t roll(struct twin_world *world, uint32_t n)
{
    return (uint32_t)(test_env_random(&world->wire.world) % n);
}

static bool is_v4(const char *address)
{
    return strchr(address, ':') == NULL;
}

/* ---- the rules ---- */

/* Where it hears; NULL: anywhere. */
static const char *place(const struct twin *t)
{
    return t->connected ? t->source : t->local;
}

static bool takes_family(const struct twin *t, bool v4)
{
    if (!t->v6)
        return v4;
    if (place(t) != NULL)
        return is_v4(place(t)) == v4;
    return !v4 || !t->v6_only;
}

static bool families_meet(const struct twin *a, const struct twin *b)
{
    return (takes_family(a, true) && takes_family(b, true)) || (takes_family(a, false) && takes_family(b, false));
}

static bool nics_meet(uint32_t a, uint32_t b)
{
    return a == 0 || b == 0 || a == b;
}

static bool in_each_others_way(const struct twin *a, const struct twin *b)
{
    bool addresses = place(a) == NULL || place(b) == NULL || strcmp(place(a), place(b)) == 0;
    return a->port == b->port && nics_meet(a->nic, b->nic) && families_meet(a, b) && addresses &&
           !(a->reuse && b->reuse);
}

static enum tcpip_error twin_bind(struct twin_world *world, struct twin *t, const char *local, uint16_t port,
                                  uint32_t nic)
{
    struct twin wanted = *t;
    wanted.local = local;
    wanted.port = port;
    wanted.nic = nic;
    if (local != NULL && !t->v6 && !is_v4(local))
        return TCPIP_ERR_ADDRESS_FAMILY_NOT_SUPPORTED;
    if (local != NULL && t->v6_only && is_v4(local))
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (t->bound)
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    for (int i = 0; i < TWINS; i++)
        if (world->twin[i].ep != NULL && world->twin[i].bound && in_each_others_way(&world->twin[i], &wanted))
            return TCPIP_ERR_PORT_IN_USE;
    wanted.bound = wanted.port_locked = true;
    wanted.order = ++world->orders;
    *t = wanted;
    return TCPIP_OK;
}

/* `source`: what was chosen, asked of the endpoint. */
static enum tcpip_error twin_may_connect(const struct twin *t, const char *remote)
{
    if (!t->v6 && !is_v4(remote))
        return TCPIP_ERR_ADDRESS_FAMILY_NOT_SUPPORTED;
    if (t->v6_only && is_v4(remote))
        return TCPIP_ERR_NETWORK_UNREACHABLE;
    if (t->local != NULL && is_v4(t->local) != is_v4(remote))
        return TCPIP_ERR_NO_ROUTE;
    return TCPIP_OK;
}

static bool same_flow(const struct twin *a, const struct twin *b)
{
    return strcmp(a->source, b->source) == 0 && strcmp(a->remote, b->remote) == 0 && a->port == b->port &&
           a->remote_port == b->remote_port && nics_meet(a->nic, b->nic);
}

/* Who hears a datagram that comes in on NIC 1; NULL: nobody. */
static struct twin *twin_hears(struct twin_world *world, const char *source, uint16_t source_port,
                               const char *destination, uint16_t port)
{
    struct twin *best = NULL;
    uint64_t best_score = 0;
    for (int i = 0; i < TWINS; i++) {
        struct twin *t = &world->twin[i];
        if (t->ep == NULL || !t->bound || t->port != port || t->nic > 1)
            continue;
        if (t->connected) {
            if (strcmp(t->source, destination) == 0 && strcmp(t->remote, source) == 0 && t->remote_port == source_port)
                return t;
            continue;
        }
        if (!takes_family(t, is_v4(destination)) || (t->local != NULL && strcmp(t->local, destination) != 0))
            continue;
        bool one_family = takes_family(t, true) != takes_family(t, false);
        uint64_t score =
            (uint64_t)(t->local != NULL) << 62 | (uint64_t)(t->nic != 0) << 61 | (uint64_t)one_family << 60 | t->order;
        if (best == NULL || score > best_score) {
            best = t;
            best_score = score;
        }
    }
    return best;
}

/* ---- what happens ---- */

static void make(struct twin_world *world, struct twin *t)
{
    *t = (struct twin){.v6 = roll(world, 2) == 0};
    t->ep = t->v6 ? udp6_new(world->wire.stack) : udp4_new(world->wire.stack);
    t->v6_only = t->v6 && roll(world, 3) == 0;
    t->reuse = roll(world, 2) == 0;
    if (t->v6_only)
        set_option(t->ep, TCPIP_OPTION_V6_ONLY, 1);
    if (t->reuse)
        set_option(t->ep, TCPIP_OPTION_REUSE_ADDRESS, 1);
}

static void bind_one(struct twin_world *world, struct twin *t)
{
    const char *local = ours[roll(world, 4)];
    uint16_t port = (uint16_t)(1 + roll(world, PORTS));
    uint32_t nic = roll(world, 4) == 0 ? 1 : 0;
    struct tcpip_full_address address = {.nic = nic, .port = port};
    if (local != NULL)
        address.address = full(local, 0)->address;
    enum tcpip_error expected = twin_bind(world, t, local, port, nic);
    assert_int_equal(tcpip_endpoint_bind(t->ep, &address, NULL, NULL), expected);
}

static const char *text_of(const struct tcpip_address *address)
{
    struct tcpip_address plain = tcpip_address_from_mapped(address);
    for (int i = 1; i < 4; i++)
        if (tcpip_address_equal(&plain, &full(ours[i], 0)->address))
            return ours[i];
    fail_msg("a source that isn't ours");
    return NULL;
}

static void connect_one(struct twin_world *world, struct twin *t)
{
    struct twin wanted = *t;
    struct tcpip_full_address name;
    wanted.remote = theirs[roll(world, 3)];
    wanted.remote_port = (uint16_t)(1 + roll(world, PORTS));
    enum tcpip_error error = tcpip_endpoint_connect(t->ep, full(wanted.remote, wanted.remote_port));
    enum tcpip_error expected = twin_may_connect(t, wanted.remote);
    tcpip_endpoint_local_address(t->ep, &name);
    if (!t->bound) { /* a port was taken, whatever became of the rest */
        assert_true(name.port >= 32768);
        t->bound = wanted.bound = true;
        t->port = wanted.port = name.port;
        t->order = wanted.order = ++world->orders;
    }
    if (expected != TCPIP_OK) {
        assert_int_equal(error, expected);
        return;
    }
    wanted.connected = true;
    if (error == TCPIP_ERR_PORT_IN_USE) { /* said rightly? the source isn't shown, so any of ours may be it */
        bool taken = false;
        for (int i = 1; i < 4; i++) {
            wanted.source = ours[i];
            for (int k = 0; k < TWINS; k++)
                taken = taken || (&world->twin[k] != t && world->twin[k].ep != NULL && world->twin[k].connected &&
                                  same_flow(&world->twin[k], &wanted));
        }
        assert_true(taken);
        if (!t->connected)
            t->order = ++world->orders; /* it came back as a listener */
        return;
    }
    assert_int_equal(error, TCPIP_OK);
    wanted.source = text_of(&name.address);
    if (t->local != NULL)
        assert_string_equal(wanted.source, t->local);
    for (int k = 0; k < TWINS; k++)
        if (&world->twin[k] != t && world->twin[k].ep != NULL && world->twin[k].connected)
            assert_false(same_flow(&world->twin[k], &wanted));
    *t = wanted;
}

static void disconnect_one(struct twin_world *world, struct twin *t)
{
    assert_int_equal(tcpip_endpoint_connect(t->ep, &(struct tcpip_full_address){0}), TCPIP_OK);
    if (!t->connected)
        return;
    t->connected = false;
    t->order = ++world->orders;
    if (!t->port_locked) {
        t->bound = false;
        t->port = 0;
        t->nic = 0;
    }
}

static void arrive(struct twin_world *world)
{
    static uint8_t bytes[200];
    bool v6 = roll(world, 3) == 0;
    const char *destination = v6 ? "fd00::1" : ours[1 + roll(world, 2)];
    struct wire_udp fields = {
        .source = v6 ? "fd00::2" : theirs[roll(world, 2)],
        .destination = destination,
        .source_port = (uint16_t)(1 + roll(world, PORTS)),
        .destination_port = (uint16_t)(1 + roll(world, PORTS)),
        .text = "who?",
    };
    struct twin *hears = twin_hears(world, fields.source, fields.source_port, destination, fields.destination_port);
    uint64_t unheard = wire_stats(&world->wire).udp.unknown_port_errors;
    wire_inject(&world->wire, bytes, wire_udp(bytes, &fields));
    while (wire_collect(&world->wire))
        ;
    assert_int_equal(wire_stats(&world->wire).udp.unknown_port_errors - unheard, hears == NULL);
    for (int i = 0; i < TWINS; i++) {
        struct twin *t = &world->twin[i];
        if (t->ep == NULL)
            continue;
        assert_int_equal(expect_text(t->ep, "who?"), t == hears ? TCPIP_OK : TCPIP_ERR_WOULD_BLOCK);
    }
}

static void a_datagram_goes_to_whom_the_twin_says(void **state)
{
    struct twin_world *world = calloc(1, sizeof(*world));
    struct tcpip_prefix second;
    (void)state;
    wire_init(&world->wire, NULL, 0);
    assert_int_equal(tcpip_prefix_parse("10.0.0.3/24", &second), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(world->wire.stack, 1, &second, NULL), TCPIP_OK);
    for (int i = 0; i < ROUNDS; i++) {
        struct twin *t = &world->twin[roll(world, TWINS)];
        uint32_t what = roll(world, 20);
        if (t->ep == NULL)
            make(world, t);
        else if (what < 6)
            bind_one(world, t);
        else if (what < 8)
            connect_one(world, t);
        else if (what < 9)
            disconnect_one(world, t);
        else if (what < 10)
            tcpip_endpoint_close(t->ep), t->ep = NULL;
        else
            arrive(world);
    }
    for (int i = 0; i < TWINS; i++)
        if (world->twin[i].ep != NULL)
            tcpip_endpoint_close(world->twin[i].ep);
    wire_fini(&world->wire);
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_goes_to_whom_the_twin_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
