// SPDX-License-Identifier: MIT
/* ports_test.c: the matrix of bind conflicts, reservations against a naive list at random, ephemeral choice. */
#include "base/compiler.h"
#include "ports/ports.h"

#include "test_env.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TCP = 6, UDP = 17 };
enum {
    RA = TCPIP_PORT_REUSE_ADDRESS,
    RP = TCPIP_PORT_REUSE_PORT,
    DS = TCPIP_PORT_DUAL_STACK,
    EX = TCPIP_PORT_EXCLUSIVE,
    CO = TCPIP_PORT_CONNECTION
};

static struct tcpip_port_key key_of(uint8_t transport, const char *address, uint16_t port, uint32_t nic, uint32_t flags)
{
    struct tcpip_port_key key = {.transport = transport, .port = port, .nic = nic, .flags = flags};
    struct tcpip_address parsed, mapped;
    assert_int_equal(tcpip_address_parse(address, &parsed), TCPIP_OK);
    mapped = tcpip_address_to_mapped(&parsed);
    memcpy(key.address, mapped.bytes, 16);
    return key;
}

static void test_the_matrix_of_conflicts(void **state)
{
    static const struct {
        const char *a, *b;
        uint32_t nic_a, nic_b, flags_a, flags_b;
        bool conflict;
    } rows[] = {
        {"10.0.0.1", "10.0.0.1", 0, 0, 0, 0, true},
        {"10.0.0.1", "10.0.0.2", 0, 0, 0, 0, false},
        {"10.0.0.1", "0.0.0.0", 0, 0, 0, 0, true},
        {"0.0.0.0", "0.0.0.0", 0, 0, 0, 0, true},
        /* families */
        {"0.0.0.0", "::", 0, 0, 0, DS, true},
        {"0.0.0.0", "::", 0, 0, 0, 0, false}, /* V6_ONLY */
        {"10.0.0.1", "::", 0, 0, 0, DS, true},
        {"10.0.0.1", "::", 0, 0, 0, 0, false},
        {"fd00::1", "::", 0, 0, 0, 0, true},
        {"fd00::1", "0.0.0.0", 0, 0, DS, 0, false}, /* a specific IPv6 address takes no IPv4 */
        {"fd00::1", "fd00::2", 0, 0, 0, 0, false},
        {"::", "::", 0, 0, 0, DS, true},
        /* NICs */
        {"10.0.0.1", "10.0.0.1", 1, 2, 0, 0, false},
        {"10.0.0.1", "10.0.0.1", 1, 1, 0, 0, true},
        {"10.0.0.1", "10.0.0.1", 1, 0, 0, 0, true},
        {"0.0.0.0", "10.0.0.1", 1, 2, 0, 0, false},
        /* reuse address: both, and nobody listens */
        {"10.0.0.1", "10.0.0.1", 0, 0, RA, RA, false},
        {"10.0.0.1", "10.0.0.1", 0, 0, RA, 0, true},
        {"10.0.0.1", "10.0.0.1", 0, 0, 0, RA, true},
        {"10.0.0.1", "10.0.0.1", 0, 0, RA | EX, RA | EX, true},
        {"0.0.0.0", "10.0.0.1", 0, 0, RA | EX, RA | EX, true},
        {"10.0.0.2", "10.0.0.1", 0, 0, RA | EX, RA | EX, false},
        {"0.0.0.0", "::", 0, 0, RA, RA | DS, false},
        /* reuse port: both, listening or not */
        {"10.0.0.1", "10.0.0.1", 0, 0, RP, RP, false},
        {"10.0.0.1", "10.0.0.1", 0, 0, RP | EX, RP | EX, false},
        {"10.0.0.1", "10.0.0.1", 0, 0, RP | EX, EX, true},
        {"10.0.0.1", "10.0.0.1", 0, 0, RP, RA, true},
        {"10.0.0.1", "10.0.0.1", 0, 0, RP | RA, RA, false},
        {"10.0.0.1", "10.0.0.1", 0, 0, RP | RA | EX, RP | EX, false},
        /* connections that chose their port: among themselves */
        {"10.0.0.1", "10.0.0.1", 0, 0, CO, CO, false},
        {"10.0.0.1", "10.0.0.1", 0, 0, CO, 0, true},
        {"10.0.0.1", "10.0.0.1", 0, 0, CO | RA, RA, false},
    };
    (void)state;
    for (size_t i = 0; i < array_count(rows); i++) {
        struct test_env env;
        test_env_init(&env, i);
        struct tcpip_port_manager *manager = tcpip_port_manager_new(&env.env);
        struct tcpip_port_key a = key_of(TCP, rows[i].a, 80, rows[i].nic_a, rows[i].flags_a);
        struct tcpip_port_key b = key_of(TCP, rows[i].b, 80, rows[i].nic_b, rows[i].flags_b), c = b;
        for (int turn = 0; turn < 2; turn++) { /* whoever comes first */
            assert_int_equal(tcpip_port_manager_reserve(manager, turn ? &b : &a), TCPIP_OK);
            assert_int_equal(tcpip_port_manager_available(manager, turn ? &a : &b), !rows[i].conflict);
            enum tcpip_error error = tcpip_port_manager_reserve(manager, turn ? &a : &b);
            if (error != (rows[i].conflict ? TCPIP_ERR_PORT_IN_USE : TCPIP_OK))
                fail_msg("row %zu, turn %d: %s", i, turn, tcpip_error_text(error));
            c.transport = UDP; /* another protocol's ports are others */
            assert_true(tcpip_port_manager_available(manager, &c));
            tcpip_port_manager_release(manager, turn ? &b : &a);
            if (error == TCPIP_OK)
                tcpip_port_manager_release(manager, turn ? &a : &b);
        }
        tcpip_port_manager_free(manager);
        test_env_fini(&env);
    }
}

static void test_of_several_that_bound_with_reuse_the_first_may_listen(void **state)
{
    struct test_env env;
    (void)state;
    test_env_init(&env, 1);
    struct tcpip_port_manager *manager = tcpip_port_manager_new(&env.env);
    struct tcpip_port_key bound = key_of(TCP, "10.0.0.1", 80, 0, RA), listener = key_of(TCP, "0.0.0.0", 80, 0, RA | EX);
    assert_int_equal(tcpip_port_manager_reserve(manager, &bound), TCPIP_OK);
    assert_int_equal(tcpip_port_manager_reserve(manager, &listener), TCPIP_OK);
    assert_false(tcpip_port_manager_available(manager, &listener));
    assert_false(tcpip_port_manager_available(manager, &bound));
    tcpip_port_manager_release(manager, &listener);
    assert_true(tcpip_port_manager_available(manager, &bound));
    tcpip_port_manager_free(manager);
    test_env_fini(&env);
}

static void test_what_is_there_already_may_be_held_whatever_conflicts(void **state)
{
    struct test_env env;
    (void)state;
    test_env_init(&env, 1);
    struct tcpip_port_manager *manager = tcpip_port_manager_new(&env.env);
    struct tcpip_port_key key = key_of(TCP, "10.0.0.1", 80, 0, 0);
    assert_int_equal(tcpip_port_manager_reserve(manager, &key), TCPIP_OK);
    assert_true(tcpip__port_manager_hold(manager, &key));
    tcpip_port_manager_release(manager, &key);
    assert_false(tcpip_port_manager_available(manager, &key));
    tcpip_port_manager_release(manager, &key);
    assert_true(tcpip_port_manager_available(manager, &key));
    tcpip_port_manager_free(manager);
    test_env_fini(&env);
}

/* The twin: a list of everything held, and the rule written out. */
enum { HELD_MAX = 400 };
struct twin {
    struct tcpip_port_key held[HELD_MAX];
    uint32_t count;
};

static bool is_v4(const uint8_t *a)
{
    return a[10] == 0xff && a[11] == 0xff;
}

static bool is_any(const uint8_t *a)
{
    static const uint8_t zero[16], any4[16] = {[10] = 0xff, [11] = 0xff};
    return memcmp(a, zero, 16) == 0 || memcmp(a, any4, 16) == 0;
}

static bool takes(const struct tcpip_port_key *k, bool v4)
{
    return is_v4(k->address) ? v4 : !v4 || (is_any(k->address) && (k->flags & DS) != 0);
}

static bool twin_conflict(const struct tcpip_port_key *a, const struct tcpip_port_key *b)
{
    if (a->transport != b->transport || a->port != b->port || (a->nic && b->nic && a->nic != b->nic))
        return false;
    if (!is_any(a->address) && !is_any(b->address) && memcmp(a->address, b->address, 16) != 0)
        return false;
    if (!((takes(a, true) && takes(b, true)) || (takes(a, false) && takes(b, false))))
        return false;
    if (((a->flags & RP) && (b->flags & RP)) || ((a->flags & CO) && (b->flags & CO)))
        return false;
    return !((a->flags & RA) && (b->flags & RA) && !(a->flags & EX)); /* `a` was there first */
}

static bool twin_available(const struct twin *twin, const struct tcpip_port_key *key)
{
    for (uint32_t i = 0; i < twin->count; i++)
        if (twin_conflict(&twin->held[i], key))
            return false;
    return true;
}

static void test_reservations_agree_with_a_list_of_all(void **state)
{
    static const char *const addresses[] = {"0.0.0.0", "10.0.0.1", "10.0.0.2", "::", "fd00::1", "fd00::2"};
    static struct twin twin;
    struct test_env env;
    (void)state;
    test_env_init(&env, 7);
    struct tcpip_port_manager *manager = tcpip_port_manager_new(&env.env);
    twin.count = 0;
    for (int round = 0; round < 30000; round++) {
        uint64_t r = test_env_random(&env);
        if (twin.count > 0 && (twin.count == HELD_MAX || r % 3 == 0)) {
            uint32_t i = (uint32_t)(r >> 32) % twin.count;
            tcpip_port_manager_release(manager, &twin.held[i]);
            twin.held[i] = twin.held[--twin.count];
            continue;
        }
        struct tcpip_port_key key =
            key_of(r & 4 ? TCP : UDP, addresses[(r >> 3) % array_count(addresses)], (uint16_t)(1 + (r >> 8) % 40),
                   (uint32_t)(r >> 16) % 3, (uint32_t)(r >> 20) & (RA | RP | DS | EX | CO));
        bool available = twin_available(&twin, &key);
        assert_int_equal(tcpip_port_manager_available(manager, &key), available);
        assert_int_equal(tcpip_port_manager_reserve(manager, &key), available ? TCPIP_OK : TCPIP_ERR_PORT_IN_USE);
        if (available)
            twin.held[twin.count++] = key;
    }
    tcpip_port_manager_free(manager); /* with what is held */
    test_env_fini(&env);
}

static void test_ephemeral_ports_are_all_used_and_then_there_is_none(void **state)
{
    struct test_env env;
    (void)state;
    test_env_init(&env, 3);
    struct tcpip_port_manager *manager = tcpip_port_manager_new(&env.env);
    assert_int_equal(tcpip_port_manager_set_range(manager, 0, 9), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(tcpip_port_manager_set_range(manager, 9, 8), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(tcpip_port_manager_set_range(manager, 65500, 65535), TCPIP_OK);
    bool seen[36] = {false};
    /* RA | RP: who asks for any port wants one of his own all the same. */
    for (int i = 0; i < 36; i++) {
        struct tcpip_port_key key = key_of(UDP, "0.0.0.0", 0, 0, RA | RP);
        assert_int_equal(tcpip_port_manager_reserve(manager, &key), TCPIP_OK);
        assert_in_range(key.port, 65500, 65535);
        assert_false(seen[key.port - 65500]);
        seen[key.port - 65500] = true;
    }
    struct tcpip_port_key key = key_of(UDP, "10.0.0.1", 0, 0, RA | RP);
    assert_false(tcpip_port_manager_available(manager, &key));
    assert_int_equal(tcpip_port_manager_reserve(manager, &key), TCPIP_ERR_NO_PORT_AVAILABLE);
    assert_int_equal(key.port, 0);
    key.transport = TCP;
    assert_int_equal(tcpip_port_manager_reserve(manager, &key), TCPIP_OK);
    tcpip_port_manager_free(manager);
    test_env_fini(&env);
}

struct trial {
    uint32_t count;
    uint16_t ports[64];
    uint16_t accept; /* 0: none */
};

static bool trial_test(void *ctx, uint16_t port)
{
    struct trial *trial = ctx;
    trial->ports[trial->count++] = port;
    return port == trial->accept || trial->accept == 1;
}

static void test_a_pick_tries_each_port_once_and_goes_on_where_it_ended(void **state)
{
    struct test_env env;
    uint16_t port, first, second;
    (void)state;
    test_env_init(&env, 4);
    struct tcpip_port_manager *manager = tcpip_port_manager_new(&env.env);
    assert_int_equal(tcpip_port_manager_set_range(manager, 1000, 1049), TCPIP_OK);
    for (uint32_t hash = 0xfffffff0u; hash != 0x20; hash++) { /* across the wrap of the hash */
        struct trial trial = {.accept = 0};
        bool seen[50] = {false};
        assert_int_equal(tcpip_port_manager_pick(manager, hash, 5, trial_test, &trial, &port),
                         TCPIP_ERR_NO_PORT_AVAILABLE);
        assert_int_equal(trial.count, 50);
        for (int i = 0; i < 50; i++) {
            assert_false(seen[trial.ports[i] - 1000]);
            seen[trial.ports[i] - 1000] = true;
        }
    }
    struct trial any = {.accept = 1};
    assert_int_equal(tcpip_port_manager_pick(manager, 77, 6, trial_test, &any, &first), TCPIP_OK);
    assert_int_equal(tcpip_port_manager_pick(manager, 77, 6, trial_test, &any, &second), TCPIP_OK);
    assert_int_equal(second, first == 1049 ? 1000 : first + 1); /* successive to one destination */
    assert_int_equal(any.count, 2);
    struct trial late = {.accept = (uint16_t)(first < 1040 ? first + 9 : first - 9)};
    assert_int_equal(tcpip_port_manager_pick(manager, 77, 6, trial_test, &late, &port), TCPIP_OK);
    assert_int_equal(port, late.accept);
    tcpip_port_manager_free(manager);
    test_env_fini(&env);
}

static void test_memory_that_fails_leaves_the_ports_as_they_were(void **state)
{
    (void)state;
    for (uint64_t k = 1; k < 12; k++) {
        struct test_env env;
        test_env_init(&env, 5);
        test_env_fail(&env, k, true);
        struct tcpip_port_manager *manager = tcpip_port_manager_new(&env.env);
        if (manager == NULL) {
            test_env_fini(&env);
            continue;
        }
        uint32_t held = 0;
        for (uint16_t port = 1; port < 600; port++) {
            struct tcpip_port_key key = key_of(TCP, "10.0.0.1", port, 0, 0);
            enum tcpip_error error = tcpip_port_manager_reserve(manager, &key);
            assert_true(error == TCPIP_OK || error == TCPIP_ERR_NO_MEMORY);
            held += error == TCPIP_OK;
            assert_int_equal(tcpip_port_manager_available(manager, &key), error != TCPIP_OK);
        }
        assert_true(held < 599);
        tcpip_port_manager_free(manager);
        test_env_fini(&env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_matrix_of_conflicts),
        cmocka_unit_test(test_of_several_that_bound_with_reuse_the_first_may_listen),
        cmocka_unit_test(test_what_is_there_already_may_be_held_whatever_conflicts),
        cmocka_unit_test(test_reservations_agree_with_a_list_of_all),
        cmocka_unit_test(test_ephemeral_ports_are_all_used_and_then_there_is_none),
        cmocka_unit_test(test_a_pick_tries_each_port_once_and_goes_on_where_it_ended),
        cmocka_unit_test(test_memory_that_fails_leaves_the_ports_as_they_were),
    };
    return cmocka_run_group_tests_name("ports/ports", tests, NULL, NULL);
}
