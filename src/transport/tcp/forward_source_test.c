// SPDX-License-Identifier: MIT
/* forward_source_test.c: what sources have is counted by address and by network, and compared with a naive twin. */
#include "transport/tcp/forward_source.h"

#include "test_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { FLOWS = 400, STEPS = 20000 };

struct fixture {
    struct test_env world;
    struct memory memory;
    struct forward_sources sources;
};

static void fixture_open(struct fixture *f, const struct forward_caps *caps, uint64_t limit)
{
    memset(f, 0, sizeof(*f));
    test_env_init(&f->world, 1);
    tcpip__memory_init(&f->memory, &f->world.env, limit);
    tcpip__forward_sources_init(&f->sources, &f->memory);
    assert_true(tcpip__forward_sources_start(&f->sources, caps, 7));
}

static void fixture_close(struct fixture *f)
{
    tcpip__forward_sources_fini(&f->sources);
    tcpip__memory_fini(&f->memory);
    test_env_fini(&f->world);
}

/* 10.0.N.H, or 2001:db8:N::H. */
static const uint8_t *source(bool v4, uint8_t network, uint8_t host)
{
    static uint8_t bytes[16];
    static const uint8_t head4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10}, head6[16] = {0x20, 1, 0xd, 0xb8};
    memcpy(bytes, v4 ? head4 : head6, 16);
    bytes[v4 ? 14 : 7] = network;
    bytes[15] = host;
    return bytes;
}

static void an_address_has_its_cap_and_its_network_another(void **state)
{
    (void)state;
    struct fixture f;
    struct forward_caps caps = {.address = {2, 0}, .network = {3, 0}};
    for (int v4 = 0; v4 < 2; v4++) {
        fixture_open(&f, &caps, 1 << 20);
        for (uint8_t i = 0; i < 2; i++)
            assert_true(tcpip__forward_source_take(&f.sources, source(v4, 1, 1), FORWARD_PENDING));
        assert_false(tcpip__forward_source_room(&f.sources, source(v4, 1, 1)));
        assert_true(tcpip__forward_source_room(&f.sources, source(v4, 1, 2)));
        assert_true(tcpip__forward_source_take(&f.sources, source(v4, 1, 2), FORWARD_PENDING));
        assert_false(tcpip__forward_source_room(&f.sources, source(v4, 1, 3)));
        assert_true(tcpip__forward_source_room(&f.sources, source(v4, 2, 1)));
        tcpip__forward_source_give(&f.sources, source(v4, 1, 1), FORWARD_PENDING);
        assert_true(tcpip__forward_source_room(&f.sources, source(v4, 1, 1)));
        fixture_close(&f);
    }
}

static void networks_are_as_wide_as_the_caps_say(void **state)
{
    (void)state;
    struct fixture f;
    struct forward_caps caps = {.network = {1, 0}, .network_bits_v4 = 31, .network_bits_v6 = 127};
    for (int v4 = 0; v4 < 2; v4++) {
        fixture_open(&f, &caps, 1 << 20);
        assert_true(tcpip__forward_source_take(&f.sources, source(v4, 1, 2), FORWARD_PENDING));
        assert_false(tcpip__forward_source_room(&f.sources, source(v4, 1, 3)));
        assert_true(tcpip__forward_source_room(&f.sources, source(v4, 1, 4)));
        assert_true(tcpip__forward_source_room(&f.sources, source(v4, 1, 1)));
        fixture_close(&f);
    }
}

static void without_caps_nothing_is_kept(void **state)
{
    (void)state;
    struct fixture f;
    struct forward_caps none = {.network_bits_v4 = 24};
    fixture_open(&f, &none, 1 << 20);
    assert_false(tcpip__forward_source_take(&f.sources, source(true, 1, 1), FORWARD_PENDING));
    assert_true(tcpip__forward_source_room(&f.sources, source(true, 1, 1)));
    assert_int_equal(f.memory.used_bytes, 0);
    fixture_close(&f);
}

static void without_memory_nothing_is_half_counted(void **state)
{
    (void)state;
    struct fixture f;
    struct forward_caps caps = {.address = {5, 5}, .network = {5, 5}};
    fixture_open(&f, &caps, 6000);
    uint32_t taken = 0;
    while (taken < 200 && tcpip__forward_source_take(&f.sources, source(true, (uint8_t)taken, 1), FORWARD_OPEN))
        taken++;
    assert_true(taken > 0 && taken < 200);
    for (uint32_t i = 0; i < taken; i++)
        tcpip__forward_source_give(&f.sources, source(true, (uint8_t)i, 1), FORWARD_OPEN);
    assert_true(list_empty(&f.sources.list));
    fixture_close(&f);
}

static void it_counts_as_a_naive_twin_does(void **state)
{
    (void)state;
    static struct {
        uint8_t network, host, share;
        bool used, v4;
    } flows[FLOWS];
    struct fixture f;
    struct forward_caps caps = {.address = {3, 4}, .network = {8, 9}};
    struct rng rng;
    rng_init(&rng, 1);
    memset(flows, 0, sizeof(flows));
    fixture_open(&f, &caps, 1 << 20);
    for (int step = 0; step < STEPS; step++) {
        uint32_t i = rng_below(&rng, FLOWS);
        if (flows[i].used) {
            tcpip__forward_source_give(&f.sources, source(flows[i].v4, flows[i].network, flows[i].host),
                                       flows[i].share);
            flows[i].used = false;
            continue;
        }
        flows[i].network = (uint8_t)rng_below(&rng, 8);
        flows[i].host = (uint8_t)rng_below(&rng, 6);
        flows[i].share = (uint8_t)rng_below(&rng, 2);
        flows[i].v4 = rng_below(&rng, 2) != 0;
        const uint8_t *bytes = source(flows[i].v4, flows[i].network, flows[i].host);
        uint32_t address[2] = {0, 0}, network[2] = {0, 0};
        for (uint32_t k = 0; k < FLOWS; k++)
            if (flows[k].used && flows[k].v4 == flows[i].v4 && flows[k].network == flows[i].network) {
                network[flows[k].share]++;
                address[flows[k].share] += flows[k].host == flows[i].host;
            }
        bool room = address[0] < 3 && address[1] < 4 && network[0] < 8 && network[1] < 9;
        assert_int_equal(tcpip__forward_source_room(&f.sources, bytes), room);
        if (room)
            flows[i].used = tcpip__forward_source_take(&f.sources, bytes, flows[i].share);
        assert_int_equal(flows[i].used, room);
    }
    for (uint32_t i = 0; i < FLOWS; i++)
        if (flows[i].used)
            tcpip__forward_source_give(&f.sources, source(flows[i].v4, flows[i].network, flows[i].host),
                                       flows[i].share);
    assert_true(list_empty(&f.sources.list));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_its_cap_and_its_network_another),
        cmocka_unit_test(networks_are_as_wide_as_the_caps_say),
        cmocka_unit_test(without_caps_nothing_is_kept),
        cmocka_unit_test(without_memory_nothing_is_half_counted),
        cmocka_unit_test(it_counts_as_a_naive_twin_does),
    };
    return cmocka_run_group_tests_name("tcp/forward_source", tests, NULL, NULL);
}
