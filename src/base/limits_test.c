// SPDX-License-Identifier: MIT
/* limits_test.c: the presets are whole, ordered, and completed as promised. */
#include "base/limits.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Every field but size, as one array: memory_bytes, then the 32-bit ones. */
static const uint32_t *words(const struct tcpip_limits *limits)
{
    return &limits->nics;
}

enum {
    WORDS = (offsetof(struct tcpip_limits, turn_budget) - offsetof(struct tcpip_limits, nics)) / sizeof(uint32_t) + 1
};

static void test_no_field_is_zero_and_none_shrinks_from_tiny_to_server(void **state)
{
    (void)state;
    struct tcpip_limits tiny, normal, server;
    tcpip_limits_tiny(&tiny);
    tcpip_limits_default(&normal);
    tcpip_limits_server(&server);
    assert_int_equal(tiny.size, sizeof(tiny));
    assert_true(tiny.memory_bytes <= 5000000 && tiny.memory_bytes < normal.memory_bytes &&
                normal.memory_bytes < server.memory_bytes);
    for (size_t i = 0; i < WORDS; i++)
        assert_true(words(&tiny)[i] != 0 && words(&tiny)[i] <= words(&normal)[i] &&
                    words(&normal)[i] <= words(&server)[i]);
    assert_true(server.endpoints >= 1000000);
}

static void test_tiny_lets_a_thousand_flows_move_data_in_5_mb(void **state)
{
    (void)state;
    struct tcpip_limits tiny;
    tcpip_limits_tiny(&tiny);
    /* Cold part, hot block, and all that may be in flight, of 1,000 flows at once; and the tables beside them. */
    uint64_t flows = 1000u * (512u + 1024u + tiny.tcp_send_buffer_max);
    uint64_t tables = tiny.fragment_bytes + tiny.syn_received * 128u + tiny.time_wait * 96u + tiny.neighbors * 128u +
                      tiny.nic_queue_packets * 512u + tiny.routes * 64u;
    assert_true(tiny.endpoints >= 1000);
    assert_true(flows + tables <= tiny.memory_bytes);
}

static void test_what_is_not_given_is_the_default(void **state)
{
    (void)state;
    struct tcpip_limits normal, given = {.size = sizeof(given), .nics = 3, .turn_budget = 7}, out;
    tcpip_limits_default(&normal);
    tcpip__limits_complete(NULL, &out);
    assert_memory_equal(words(&out), words(&normal), WORDS * sizeof(uint32_t));
    tcpip__limits_complete(&given, &out);
    assert_int_equal(out.nics, 3);
    assert_int_equal(out.turn_budget, 7);
    assert_int_equal(out.routes, normal.routes);
    assert_int_equal(out.memory_bytes, normal.memory_bytes);
    /* A caller who knows the struct up to nics only: what lies behind isn't read. */
    memset(&given, 0xff, sizeof(given));
    given.size = offsetof(struct tcpip_limits, addresses_per_nic);
    given.nics = 5;
    tcpip__limits_complete(&given, &out);
    assert_int_equal(out.nics, 5);
    assert_int_equal(out.memory_bytes, UINT64_MAX);
    assert_memory_equal(&out.addresses_per_nic, &normal.addresses_per_nic, (WORDS - 1) * sizeof(uint32_t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_field_is_zero_and_none_shrinks_from_tiny_to_server),
        cmocka_unit_test(test_tiny_lets_a_thousand_flows_move_data_in_5_mb),
        cmocka_unit_test(test_what_is_not_given_is_the_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
