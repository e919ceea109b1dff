// SPDX-License-Identifier: MIT
/* stack_test.c: birth and death of a stack, with and without memory; and what it keeps for everyone: options,
 * congestion controllers, counters, endpoints. */
#include "stack/stack.h"

#include "fake.h"
#include "stack/option_block.h"
#include <tcpip/congestion.h>

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    struct test_env env;
    struct tcpip_stack *stack;
};

static void setup(struct fixture *f, const struct tcpip_limits *limits)
{
    test_env_init(&f->env, 1);
    f->stack = fake_stack_new(&f->env, limits);
}

static void teardown(struct fixture *f)
{
    tcpip_stack_free(f->stack);
    test_env_fini(&f->env);
}

/* ---- life ---- */

static void test_an_env_without_a_callback_is_refused(void **state)
{
    (void)state;
    for (int missing = 0; missing < 5; missing++) {
        struct test_env env;
        struct tcpip_stack *stack;
        test_env_init(&env, 1);
        struct tcpip_env given = env.env;
        if (missing == 0)
            given.alloc = NULL;
        else if (missing == 1)
            given.free = NULL;
        else if (missing == 2)
            given.now = NULL;
        else if (missing == 3)
            given.random = NULL;
        else
            given.size = offsetof(struct tcpip_env, random); /* an older struct */
        assert_int_equal(tcpip_stack_new(&given, NULL, &fake_protocols, &stack), TCPIP_ERR_INVALID_ARGUMENT);
        assert_null(stack);
        test_env_fini(&env);
    }
}

static void test_a_birth_that_fails_anywhere_leaves_nothing(void **state)
{
    (void)state;
    uint64_t k = 0;
    for (enum tcpip_error error = TCPIP_ERR_NO_MEMORY; error != TCPIP_OK;) {
        struct test_env env;
        struct tcpip_stack *stack;
        test_env_init(&env, 1);
        test_env_fail(&env, ++k, false);
        error = tcpip_stack_new(&env.env, NULL, &fake_protocols, &stack);
        if (error == TCPIP_OK) {
            assert_int_equal(env.failed, 0);
            tcpip_stack_free(stack);
        } else {
            assert_int_equal(error, TCPIP_ERR_NO_MEMORY);
        }
        test_env_fini(&env);
    }
    assert_true(k > 10);
}

static uint32_t order[8], order_count;

static enum tcpip_error note_init(struct tcpip_stack *stack, void *state)
{
    (void)stack;
    order[order_count++] = *(uint32_t *)state == 0 ? 1 : 9; /* zeroed */
    *(uint32_t *)state = 5;
    return TCPIP_OK;
}

static enum tcpip_error fail_init(struct tcpip_stack *stack, void *state)
{
    (void)stack, (void)state;
    return TCPIP_ERR_NOT_SUPPORTED;
}

static void note_fini(struct tcpip_stack *stack, void *state)
{
    (void)stack;
    order[order_count++] = *(uint32_t *)state == 5 ? 2 : 9;
}

static void test_a_protocol_that_refuses_ends_the_birth_and_the_others(void **state)
{
    static const struct tcpip_network_protocol good = {
        .name = "good", .number = 1, .stack_state_bytes = 4, .stack_init = note_init, .stack_fini = note_fini};
    static const struct tcpip_transport_protocol bad = {
        .name = "bad", .number = 2, .stack_state_bytes = 100, .stack_init = fail_init, .stack_fini = note_fini};
    static const struct tcpip_network_protocol *const networks[] = {&good, NULL};
    static const struct tcpip_network_protocol *const twice[] = {&good, &good, NULL};
    static const struct tcpip_transport_protocol *const transports[] = {&bad, NULL};
    struct tcpip_protocols protocols = {networks, transports};
    struct test_env env;
    struct tcpip_stack *stack;
    (void)state;
    test_env_init(&env, 1);
    order_count = 0;
    assert_int_equal(tcpip_stack_new(&env.env, NULL, &protocols, &stack), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(order_count, 2);
    assert_int_equal(order[0], 1);
    assert_int_equal(order[1], 2);
    protocols = (struct tcpip_protocols){twice, NULL};
    assert_int_equal(tcpip_stack_new(&env.env, NULL, &protocols, &stack), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(tcpip_stack_new(&env.env, NULL, NULL, &stack), TCPIP_OK);
    tcpip_stack_free(stack);
    test_env_fini(&env);
}

static uint32_t heard;

static void hear(struct tcpip_waiter *waiter, uint32_t ready)
{
    (void)waiter, (void)ready;
    heard++;
}

static void on_release(void *ctx, struct tcpip_buffer *buffer)
{
    (void)buffer;
    ++*(uint32_t *)ctx;
}

static void test_death_takes_what_is_left_and_tells_nobody_but_release_callbacks(void **state)
{
    struct fixture f;
    struct fake_link link;
    struct tcpip_waiter waiter = {.mask = TCPIP_EVENT_IN, .fn = hear};
    uint32_t released = 0;
    uint8_t bytes[3] = {0xff}, data[10] = {0};
    (void)state;
    setup(&f, NULL);
    fake_link_init(&link);
    link.capacity = 0;
    assert_int_equal(tcpip_stack_create_nic(f.stack, 1, &link.link, NULL), TCPIP_OK);
    struct fake_endpoint *endpoint = fake_endpoint_new(f.stack);
    tcpip_endpoint_waiter_add(&endpoint->base, &waiter);
    tcpip_endpoint_watch(&endpoint->base, TCPIP_EVENT_IN);
    bytes[0] = (uint8_t)endpoint->base.id;
    fake_link_deliver(&link, FAKE_NETWORK, bytes, sizeof(bytes));
    assert_int_equal(heard, 1);
    tcpip_stack_enter(f.stack); /* a packet that carries a wrapped buffer stays in the queue */
    struct tcpip_packet *packet = tcpip_packet_new(f.stack);
    struct tcpip_buffer *buffer = tcpip_buffer_wrap(f.stack, data, sizeof(data), on_release, &released);
    assert_true(tcpip_packet_append_view(packet, (struct tcpip_view){buffer, 0, 10}));
    struct tcpip_packet_list list = tcpip_packet_list_init();
    tcpip_packet_list_push(&list, packet);
    link.user = NULL;
    tcpip_packet_list_append(&link.sent, &list); /* and one is with the link */
    fake_send(f.stack, tcpip_stack_nic(f.stack, 1), NULL, 1);
    tcpip_stack_leave(f.stack);
    assert_int_equal(released, 0);
    teardown(&f);
    assert_int_equal(heard, 1);
    assert_int_equal(released, 1);
    assert_true(link.detached);
    assert_false(list_node_linked(&waiter.node));
}

/* ---- endpoints ---- */

static void test_endpoints_are_limited_and_the_calls_check(void **state)
{
    struct fixture f;
    struct tcpip_limits limits = {.size = sizeof(limits), .endpoints = 2};
    struct tcpip_endpoint *endpoint, *accepted;
    struct tcpip_full_address address;
    struct tcpip_address group = tcpip_address_v4(224, 0, 0, 1);
    int64_t value;
    size_t done;
    uint8_t byte;
    (void)state;
    setup(&f, &limits);
    assert_int_equal(tcpip_stack_new_endpoint(f.stack, 99, FAKE_NETWORK, &endpoint), TCPIP_ERR_UNKNOWN_PROTOCOL);
    assert_int_equal(tcpip_stack_new_endpoint(f.stack, FAKE_TRANSPORT, 1, &endpoint), TCPIP_ERR_UNKNOWN_PROTOCOL);
    assert_int_equal(tcpip_stack_new_endpoint(f.stack, FAKE_TRANSPORT + 256, FAKE_NETWORK, &endpoint),
                     TCPIP_ERR_UNKNOWN_PROTOCOL);
    assert_int_equal(tcpip_stack_new_endpoint(f.stack, FAKE_TRANSPORT, FAKE_NETWORK, &endpoint), TCPIP_OK);
    fake_endpoint_new(f.stack);
    assert_int_equal(tcpip_stack_new_endpoint(f.stack, FAKE_TRANSPORT, FAKE_NETWORK, &accepted),
                     TCPIP_ERR_NO_BUFFER_SPACE);
    assert_null(accepted);

    assert_int_equal(tcpip_endpoint_listen(endpoint, 5), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_endpoint_accept(endpoint, &accepted, NULL), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_endpoint_connect_endpoint(endpoint, endpoint), TCPIP_ERR_INVALID_ENDPOINT_STATE);
    assert_int_equal(tcpip_endpoint_join_group(endpoint, 0, &group), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_endpoint_shutdown(endpoint, 4), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(tcpip_endpoint_set_option(endpoint, TCPIP_OPTION_ERROR, 0), TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION);
    assert_int_equal(tcpip_endpoint_set_option(endpoint, TCPIP_OPTION_TTL, 256), TCPIP_ERR_INVALID_OPTION_VALUE);
    assert_int_equal(tcpip_endpoint_get_option(endpoint, TCPIP_OPTION_COUNT, &value),
                     TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION);
    assert_int_equal(tcpip_endpoint_read(endpoint, &byte, 1, &done, NULL), TCPIP_ERR_WOULD_BLOCK);
    assert_int_equal(done, 0);
    tcpip_endpoint_local_address(endpoint, &address);
    assert_int_equal(address.port, 1);
    tcpip_endpoint_set_context(endpoint, &f);
    assert_ptr_equal(tcpip_endpoint_context(endpoint), &f);
    assert_ptr_equal(tcpip_endpoint_stack(endpoint), f.stack);
    tcpip_endpoint_close(endpoint);
    assert_int_equal(tcpip_stack_new_endpoint(f.stack, FAKE_TRANSPORT, FAKE_NETWORK, &endpoint), TCPIP_OK);
    teardown(&f);
}

/* ---- options ---- */

static void test_every_default_is_valid_and_bounds_hold(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, NULL);
    for (int i = 0; i < TCPIP_OPTION_COUNT; i++) {
        enum tcpip_option option = (enum tcpip_option)i;
        int64_t value = tcpip_stack_default(f.stack, option);
        bool read_only = option == TCPIP_OPTION_ERROR || option == TCPIP_OPTION_RECEIVE_QUEUE_SIZE ||
                         option == TCPIP_OPTION_SEND_QUEUE_SIZE || option == TCPIP_OPTION_BYTES_WRITTEN ||
                         option == TCPIP_OPTION_PATH_MTU || option == TCPIP_OPTION_TIMESTAMP_CLOCK;
        enum tcpip_error error = tcpip_stack_set_default(f.stack, option, value);
        if (error != (read_only ? TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION : TCPIP_OK))
            fail_msg("%s: %s", tcpip_option_name(option), tcpip_error_text(error));
        assert_int_equal(tcpip_stack_set_default(f.stack, option, -2),
                         read_only ? TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION : TCPIP_ERR_INVALID_OPTION_VALUE);
        assert_true(strlen(tcpip_option_name(option)) > 2);
    }
    assert_int_equal(tcpip_stack_default(f.stack, TCPIP_OPTION_KEEPALIVE_IDLE), 7200 * TCPIP_SECOND);
    assert_int_equal(tcpip_stack_set_default(f.stack, TCPIP_OPTION_NO_DELAY, 2), TCPIP_ERR_INVALID_OPTION_VALUE);
    assert_int_equal(tcpip_stack_set_default(f.stack, TCPIP_OPTION_MAX_SEGMENT, 87), TCPIP_ERR_INVALID_OPTION_VALUE);
    assert_int_equal(tcpip_stack_set_default(f.stack, TCPIP_OPTION_MAX_SEGMENT, 88), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_default(f.stack, TCPIP_OPTION_SEND_BUFFER_SIZE, INT64_MAX), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_default(f.stack, TCPIP_OPTION_COUNT, 0), TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION);
    assert_string_equal(tcpip_option_name(TCPIP_OPTION_NO_DELAY), "NO_DELAY");
    assert_string_equal(tcpip_option_name(TCPIP_OPTION_COUNT), "UNKNOWN");
    teardown(&f);
}

static void test_buffers_are_worth_less_while_memory_is_short(void **state)
{
    (void)state;
    static const struct {
        uint64_t used;
        uint32_t pressure, of_8000, of_1000;
    } cases[] = {{0, 0, 8000, 1000},      {750000, 0, 8000, 1000}, {750001, 1, 4000, 1000}, {875000, 1, 4000, 1000},
                 {875001, 2, 2920, 1000}, {937500, 2, 2920, 1000}, {937501, 3, 2920, 1000}, {1000000, 3, 2920, 1000}};
    struct tcpip_limits limits = {.size = sizeof(limits), .memory_bytes = 1000000};
    struct fixture f;
    setup(&f, &limits);
    uint64_t used = f.stack->memory.used_bytes;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        f.stack->memory.used_bytes = cases[i].used;
        assert_int_equal(stack_memory_pressure(f.stack), cases[i].pressure);
        assert_int_equal(stack_lean_buffer(f.stack, 8000, 2920), cases[i].of_8000);
        assert_int_equal(stack_lean_buffer(f.stack, 1000, 2920), cases[i].of_1000);
    }
    f.stack->memory.used_bytes = used;
    teardown(&f);
}

static void test_overrides_are_shared_until_one_writes(void **state)
{
    struct fixture f;
    struct option_block *listener = NULL;
    (void)state;
    setup(&f, NULL);
    failing_own_end(); /* the blocks are the test's */
    assert_int_equal(option_get(f.stack, NULL, TCPIP_OPTION_TTL), 0);
    assert_int_equal(tcpip__option_block_set(f.stack, &listener, TCPIP_OPTION_TTL, 9), TCPIP_OK);
    struct option_block *accepted = tcpip__option_block_share(listener);
    assert_ptr_equal(accepted, listener);
    assert_int_equal(option_get(f.stack, accepted, TCPIP_OPTION_TTL), 9);
    assert_int_equal(tcpip__option_block_set(f.stack, &accepted, TCPIP_OPTION_MAX_PACING_RATE, 5), TCPIP_OK);
    assert_ptr_not_equal(accepted, listener);
    assert_int_equal(option_get(f.stack, accepted, TCPIP_OPTION_TTL), 9);
    assert_int_equal(option_get(f.stack, listener, TCPIP_OPTION_MAX_PACING_RATE), 0);
    assert_int_equal(tcpip_stack_set_default(f.stack, TCPIP_OPTION_TOS, 3), TCPIP_OK);
    assert_int_equal(option_get(f.stack, accepted, TCPIP_OPTION_TOS), 3); /* unset values follow live */
    test_env_fail(&f.env, 1, true);
    struct option_block *third = tcpip__option_block_share(listener);
    assert_int_equal(tcpip__option_block_set(f.stack, &third, TCPIP_OPTION_TOS, 1), TCPIP_ERR_NO_MEMORY);
    assert_ptr_equal(third, listener);
    test_env_fail(&f.env, 0, false);
    tcpip__option_block_unref(f.stack, third);
    tcpip__option_block_unref(f.stack, accepted);
    tcpip__option_block_unref(f.stack, listener);
    teardown(&f);
}

/* ---- congestion controllers ---- */

static void cc_init(struct tcpip_congestion *congestion, tcpip_ns now)
{
    (void)congestion, (void)now;
}
static void cc_on_ack(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack)
{
    (void)congestion, (void)ack;
}
static void cc_on_rto(struct tcpip_congestion *congestion, uint32_t in_flight, tcpip_ns now)
{
    (void)congestion, (void)in_flight, (void)now;
}

static void test_controllers_are_known_by_name(void **state)
{
    static const struct tcpip_congestion_ops one = {
        .name = "one", .init = cc_init, .on_ack = cc_on_ack, .on_recovery = cc_on_ack, .on_rto = cc_on_rto};
    struct tcpip_congestion_ops many[20];
    char names[20][8];
    struct fixture f;
    (void)state;
    setup(&f, NULL);
    assert_null(tcpip__congestion_default(f.stack));
    assert_int_equal(tcpip_congestion_set_default(f.stack, "one"), TCPIP_ERR_INVALID_OPTION_VALUE);
    struct tcpip_congestion_ops bad = one;
    bad.name = "a name that is too long";
    assert_int_equal(tcpip_congestion_register(f.stack, &bad), TCPIP_ERR_INVALID_ARGUMENT);
    bad = one;
    bad.state_size = TCPIP_CONGESTION_STATE_BYTES + 1;
    assert_int_equal(tcpip_congestion_register(f.stack, &bad), TCPIP_ERR_INVALID_ARGUMENT);
    bad = one;
    bad.on_rto = NULL;
    assert_int_equal(tcpip_congestion_register(f.stack, &bad), TCPIP_ERR_INVALID_ARGUMENT);
    for (int i = 0; i < STACK_CONGESTION_MAX; i++) {
        many[i] = one;
        snprintf(names[i], sizeof(names[i]), "cc%d", i);
        many[i].name = names[i];
        assert_int_equal(tcpip_congestion_register(f.stack, &many[i]), TCPIP_OK);
    }
    assert_int_equal(tcpip_congestion_register(f.stack, &one), TCPIP_ERR_LIMIT_REACHED);
    assert_ptr_equal(tcpip__congestion_default(f.stack), &many[0]);
    assert_int_equal(tcpip_congestion_set_default(f.stack, "cc3"), TCPIP_OK);
    assert_ptr_equal(tcpip__congestion_default(f.stack), &many[3]);
    struct tcpip_congestion_ops better = one;
    better.name = "cc3";
    assert_int_equal(tcpip_congestion_register(f.stack, &better), TCPIP_OK); /* takes the place of the first */
    assert_ptr_equal(tcpip__congestion_default(f.stack), &better);
    assert_ptr_equal(tcpip__congestion_find(f.stack, "cc3"), &better);
    assert_null(tcpip__congestion_find(f.stack, "cc"));
    teardown(&f);
}

/* ---- counters and traces ---- */

static void test_counters_print_as_text_and_json(void **state)
{
    static char text[32768], cut[32768];
    struct tcpip_stats stats = {0};
    (void)state;
    assert_int_equal(tcpip_stats_print(&stats, TCPIP_STATS_TEXT, text, sizeof(text)), 0);
    assert_string_equal(text, "");
    stats.stack.turns = 1;
    stats.ipv6.option_unknown_received = UINT64_MAX;
    stats.tcp.retransmits = 3;
    stats.drops[TCPIP_DROP_HANDLER] = 4;
    stats.memory_peak_bytes = 5;
    const char *expected = "stack.turns 1\nipv6.option_unknown_received 18446744073709551615\ntcp.retransmits 3\n"
                           "drops.HANDLER 4\nmemory.peak_bytes 5\n";
    assert_int_equal(tcpip_stats_print(&stats, TCPIP_STATS_TEXT, text, sizeof(text)), strlen(expected));
    assert_string_equal(text, expected);
    for (size_t size = 0; size < 20; size++) { /* snprintf's rule */
        memset(cut, 'x', sizeof(cut));
        assert_int_equal(tcpip_stats_print(&stats, TCPIP_STATS_TEXT, cut, size), strlen(expected));
        if (size > 0) {
            assert_int_equal(strlen(cut), size - 1);
            assert_memory_equal(cut, expected, size - 1);
        }
        assert_int_equal(cut[size], 'x');
    }
    size_t lines = 0, all = tcpip_stats_print(&stats, TCPIP_STATS_TEXT_ALL, text, sizeof(text));
    for (size_t i = 0; i < all; i++)
        lines += text[i] == '\n';
    assert_int_equal(lines, sizeof(stats) / 8);
    tcpip_stats_print(&stats, TCPIP_STATS_JSON, text, sizeof(text));
    assert_non_null(strstr(text, "{\"stack\":{\"unknown_protocol_rcvd_packets\":0,"));
    assert_non_null(strstr(text, "\"retransmits\":3,"));
    assert_non_null(strstr(text, "},\"memory\":{\"bytes\":0,\"peak_bytes\":5}}"));
    int depth = 0;
    for (const char *c = text; *c != '\0'; c++) {
        depth += (*c == '{') - (*c == '}');
        assert_true(depth > 0 || c[1] == '\0');
    }
    assert_int_equal(depth, 0);
}

static char trace_lines[10][300];
static uint32_t trace_count;

static void on_trace(void *ctx, const struct tcpip_event *event)
{
    (void)ctx;
    if (trace_count < array_count(trace_lines))
        tcpip_event_print(event, trace_lines[trace_count++], sizeof(trace_lines[0]));
}

static void test_events_print_as_lines(void **state)
{
    struct test_env env;
    struct fake_link link;
    struct tcpip_stack *stack;
    char line[200];
    uint8_t bytes[24] = {0x45, 0, 0, 24, 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1};
    (void)state;
    test_env_init(&env, 1);
    env.now = 12 * TCPIP_SECOND + 3456789;
    env.env.trace = on_trace;
    assert_int_equal(tcpip_stack_new(&env.env, NULL, NULL, &stack), TCPIP_OK);
    fake_link_init(&link);
    trace_count = 0;
    assert_int_equal(tcpip_stack_create_nic(stack, 1, &link.link, NULL), TCPIP_OK);
    fake_link_deliver(&link, 0, bytes, sizeof(bytes));
    assert_int_equal(trace_count, 3);
    assert_string_equal(trace_lines[0], "12.003456 interface state nic=1 up=1 error=success");
    assert_non_null(strstr(trace_lines[1], "12.003456 packet received: IP 10.0.0.2 > 10.0.0.1"));
    assert_non_null(strstr(trace_lines[2], "12.003456 packet dropped reason=UNKNOWN_NETWORK_PROTOCOL: IP 10.0.0.2 >"));
    env.env.trace = NULL;

    struct tcpip_event event = {
        .kind = TCPIP_EVENT_TCP_ACK, .at = 12003456000, .endpoint = 3, .values = {1460, 0, 0, UINT64_MAX}};
    size_t size = tcpip_event_print(&event, line, sizeof(line));
    assert_string_equal(line,
                        "12.003456 tcp#3 ACK processed acked=1460 sacked=0 lost=0 in_flight=18446744073709551615");
    assert_int_equal(size, strlen(line));
    assert_int_equal(tcpip_event_print(&event, line, 10), 9);
    assert_string_equal(line, "12.003456");
    event.kind = TCPIP_EVENT_PMTU;
    tcpip_event_print(&event, line, sizeof(line));
    assert_string_equal(line, "12.003456 #3 path MTU mtu=1460");
    event.kind = TCPIP_EVENT_COUNT;
    tcpip_event_print(&event, line, sizeof(line));
    assert_string_equal(line, "unknown event");
    assert_string_equal(tcpip_event_name(TCPIP_EVENT_TCP_ACK), "TCP_ACK");
    assert_string_equal(tcpip_drop_name(TCPIP_DROP_TCP_PAWS), "TCP_PAWS");
    assert_string_equal(tcpip_drop_text(TCPIP_DROP_TCP_PAWS), "TCP timestamp too old");
    assert_string_equal(tcpip_drop_name(TCPIP_DROP_COUNT), "UNKNOWN");
    tcpip_stack_free(stack);
    test_env_fini(&env);
}

static void test_the_same_inputs_give_the_same_outputs(void **state)
{
    uint64_t sums[2];
    (void)state;
    for (int run = 0; run < 2; run++) {
        struct fixture f;
        setup(&f, NULL);
        sums[run] = tcpip__siphash(&f.stack->secret, "x", 1) ^ rng_u64(&f.stack->rng);
        teardown(&f);
    }
    assert_int_equal(sums[0], sums[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_env_without_a_callback_is_refused),
        cmocka_unit_test(test_a_birth_that_fails_anywhere_leaves_nothing),
        cmocka_unit_test(test_a_protocol_that_refuses_ends_the_birth_and_the_others),
        cmocka_unit_test(test_death_takes_what_is_left_and_tells_nobody_but_release_callbacks),
        cmocka_unit_test(test_endpoints_are_limited_and_the_calls_check),
        cmocka_unit_test(test_every_default_is_valid_and_bounds_hold),
        cmocka_unit_test(test_buffers_are_worth_less_while_memory_is_short),
        cmocka_unit_test(test_overrides_are_shared_until_one_writes),
        cmocka_unit_test(test_controllers_are_known_by_name),
        cmocka_unit_test(test_counters_print_as_text_and_json),
        cmocka_unit_test(test_events_print_as_lines),
        cmocka_unit_test(test_the_same_inputs_give_the_same_outputs),
    };
    return cmocka_run_group_tests_name("stack/stack", tests, NULL, NULL);
}
