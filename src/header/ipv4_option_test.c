// SPDX-License-Identifier: MIT
/* ipv4_option_test.c: walking options that lie, and recording routes and times. */
#include <tcpip/header/ipv4.h>

#include "header/cursor.h"
#include "header_test.h"

static const uint8_t me[4] = {10, 0, 0, 9};

/* A header with these options, padded by EOL. */
static void header_with(uint8_t *header, const uint8_t *options, size_t size)
{
    uint8_t padded[TCPIP_IPV4_OPTIONS_MAX] = {0};
    memcpy(padded, options, size);
    (void)tcpip_ipv4_encode(header, &(struct tcpip_ipv4_fields){
                                        .total_length = 60,
                                        .options_bytes = (uint8_t)((size + 3) / 4 * 4),
                                        .options = padded,
                                        .source = me,
                                        .destination = me,
                                    });
}

static void test_options_come_in_order(void **state)
{
    (void)state;
    static const uint8_t options[] = {1, 148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0, 1, 1};
    uint8_t header[TCPIP_IPV4_HEADER_MAX];
    struct tcpip_ipv4_option_iterator it;
    struct tcpip_ipv4_option option;
    header_with(header, options, sizeof options); /* two NOPs behind an EOL are padding */
    tcpip_ipv4_options_begin(&it, header);
    assert_true(tcpip_ipv4_options_next(&it, &option));
    assert_int_equal(option.type, TCPIP_IPV4_OPTION_NOP);
    assert_int_equal(option.bytes, 1);
    assert_true(tcpip_ipv4_options_next(&it, &option));
    assert_int_equal(option.type, TCPIP_IPV4_OPTION_ROUTER_ALERT);
    assert_int_equal(option.offset, 21);
    assert_true(tcpip_ipv4_options_next(&it, &option));
    assert_int_equal(option.type, TCPIP_IPV4_OPTION_RECORD_ROUTE);
    assert_int_equal(option.bytes, 7);
    assert_ptr_equal(option.data, header + 25);
    assert_false(tcpip_ipv4_options_next(&it, &option));
    assert_false(it.malformed);
    assert_false(tcpip_ipv4_options_next(&it, &option));
}

static void test_a_length_that_lies_ends_the_walk_and_is_pointed_at(void **state)
{
    (void)state;
    uint8_t header[TCPIP_IPV4_HEADER_MAX];
    struct tcpip_ipv4_option_iterator it;
    struct tcpip_ipv4_option option;
    for (unsigned length = 0; length < 256; length++) {
        uint8_t options[8] = {1, 7, (uint8_t)length, 4, 0, 0, 0, 0};
        header_with(header, options, sizeof options);
        uint8_t *exact = exact_copy(header, 28);
        tcpip_ipv4_options_begin(&it, exact);
        assert_true(tcpip_ipv4_options_next(&it, &option));
        bool good = length >= 2 && length <= 7;
        assert_int_equal(tcpip_ipv4_options_next(&it, &option), good);
        assert_int_equal(it.malformed, !good);
        if (!good)
            assert_int_equal(it.problem_offset, 22);
        free(exact);
    }
    static const uint8_t lone_type[4] = {1, 1, 1, 7}; /* no room for its length */
    header_with(header, lone_type, 4);
    tcpip_ipv4_options_begin(&it, header);
    while (tcpip_ipv4_options_next(&it, &option))
        assert_int_equal(option.type, TCPIP_IPV4_OPTION_NOP);
    assert_true(it.malformed);
    assert_int_equal(it.problem_offset, 23);
}

static void test_random_options_never_run_off_the_header(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        uint8_t options[TCPIP_IPV4_OPTIONS_MAX], header[TCPIP_IPV4_HEADER_MAX], copied[TCPIP_IPV4_OPTIONS_MAX];
        size_t size = 4 * random_below(&seed, 11);
        for (size_t j = 0; j < size; j++)
            options[j] = random_below(&seed, 3) ? (uint8_t)random_below(&seed, 12) : random_u8(&seed);
        header_with(header, options, size);
        uint8_t *exact = exact_copy(header, 20 + size);
        struct tcpip_ipv4_option_iterator it;
        struct tcpip_ipv4_option option;
        size_t end = TCPIP_IPV4_HEADER_MIN;
        tcpip_ipv4_options_begin(&it, exact);
        while (tcpip_ipv4_options_next(&it, &option)) {
            assert_int_equal(option.offset, end);
            end += option.bytes;
            assert_true(end <= 20 + size);
        }
        assert_true(tcpip_ipv4_options_for_fragment(copied, exact) <= size);
        free(exact);
    }
}

static void test_a_route_is_recorded_until_it_is_full(void **state)
{
    (void)state;
    uint8_t option[11] = {7, 11, 4}, problem = 0;
    assert_int_equal(tcpip_ipv4_record_route(option, me, &problem), TCPIP_IPV4_OPTION_RECORDED);
    assert_memory_equal(option + 3, me, 4);
    assert_int_equal(option[2], 8);
    assert_int_equal(tcpip_ipv4_record_route(option, me, &problem), TCPIP_IPV4_OPTION_RECORDED);
    assert_memory_equal(option + 7, me, 4);
    assert_int_equal(tcpip_ipv4_record_route(option, me, &problem), TCPIP_IPV4_OPTION_UNCHANGED);
}

static void test_route_pointers_that_lie_are_refused(void **state)
{
    (void)state;
    for (unsigned length = 2; length <= 40; length++)
        for (unsigned pointer = 0; pointer < 256; pointer++) {
            uint8_t bytes[40] = {7, (uint8_t)length, (uint8_t)pointer}, problem = 0;
            uint8_t *option = exact_copy(bytes, length);
            enum tcpip_ipv4_option_result result = tcpip_ipv4_record_route(option, me, &problem);
            if (length < 3)
                assert_true(result == TCPIP_IPV4_OPTION_MALFORMED && problem == 1);
            else if (pointer < 4 || (pointer <= length && pointer + 3 > length))
                assert_true(result == TCPIP_IPV4_OPTION_MALFORMED && problem == 2);
            else
                assert_int_equal(result, pointer > length ? TCPIP_IPV4_OPTION_UNCHANGED : TCPIP_IPV4_OPTION_RECORDED);
            free(option);
        }
}

static void test_times_are_recorded_as_the_flags_ask(void **state)
{
    (void)state;
    uint8_t problem = 0;
    uint8_t times[8] = {68, 8, 5, 0};
    assert_int_equal(tcpip_ipv4_record_timestamp(times, me, 0x01020304, &problem), TCPIP_IPV4_OPTION_RECORDED);
    assert_int_equal(tcpip_load_u32(times + 4), 0x01020304);
    assert_int_equal(times[2], 9);
    assert_int_equal(tcpip_ipv4_record_timestamp(times, me, 5, &problem), TCPIP_IPV4_OPTION_RECORDED);
    assert_int_equal(times[3], 0x10); /* full: one hop more without a time */
    times[3] = 0xf0;
    assert_int_equal(tcpip_ipv4_record_timestamp(times, me, 5, &problem), TCPIP_IPV4_OPTION_MALFORMED);
    assert_int_equal(problem, 3);

    uint8_t both[12] = {68, 12, 5, 1};
    assert_int_equal(tcpip_ipv4_record_timestamp(both, me, 7, &problem), TCPIP_IPV4_OPTION_RECORDED);
    assert_memory_equal(both + 4, me, 4);
    assert_int_equal(tcpip_load_u32(both + 8), 7);

    uint8_t given[12] = {68, 12, 5, 3, 10, 0, 0, 8};
    assert_int_equal(tcpip_ipv4_record_timestamp(given, me, 7, &problem), TCPIP_IPV4_OPTION_UNCHANGED);
    given[7] = 9;
    assert_int_equal(tcpip_ipv4_record_timestamp(given, me, 7, &problem), TCPIP_IPV4_OPTION_RECORDED);
    assert_int_equal(tcpip_load_u32(given + 8), 7);
}

static void test_time_pointers_that_lie_are_refused(void **state)
{
    (void)state;
    for (unsigned length = 2; length <= 40; length++)
        for (unsigned pointer = 0; pointer < 64; pointer++)
            for (unsigned flags = 0; flags < 16; flags++) {
                uint8_t bytes[40] = {68, (uint8_t)length, (uint8_t)pointer, (uint8_t)flags}, problem = 0;
                uint8_t *option = exact_copy(bytes, length);
                enum tcpip_ipv4_option_result result = tcpip_ipv4_record_timestamp(option, me, 1, &problem);
                unsigned slot = flags == 0 ? 4 : 8;
                bool known = flags == 0 || flags == 1 || flags == 3;
                bool good = length >= 4 && pointer >= 5 && known && (pointer > length || pointer - 1 + slot <= length);
                assert_int_equal(result != TCPIP_IPV4_OPTION_MALFORMED, good);
                free(option);
            }
}

static void test_only_copied_options_go_into_later_fragments(void **state)
{
    (void)state;
    static const uint8_t options[] = {7, 7, 4, 0, 0, 0, 0, 1, 148, 4, 0, 0, 131, 3, 4};
    static const uint8_t expected[] = {148, 4, 0, 0, 131, 3, 4, 0};
    uint8_t header[TCPIP_IPV4_HEADER_MAX], out[TCPIP_IPV4_OPTIONS_MAX];
    header_with(header, options, sizeof options);
    assert_int_equal(tcpip_ipv4_options_for_fragment(out, header), sizeof expected);
    assert_memory_equal(out, expected, sizeof expected);
}

static void test_a_router_alert_has_these_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x94, 4, 0, 0};
    uint8_t out[TCPIP_IPV4_ROUTER_ALERT_BYTES];
    tcpip_ipv4_router_alert_encode(out);
    assert_memory_equal(out, expected, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_come_in_order),
        cmocka_unit_test(test_a_length_that_lies_ends_the_walk_and_is_pointed_at),
        cmocka_unit_test(test_random_options_never_run_off_the_header),
        cmocka_unit_test(test_a_route_is_recorded_until_it_is_full),
        cmocka_unit_test(test_route_pointers_that_lie_are_refused),
        cmocka_unit_test(test_times_are_recorded_as_the_flags_ask),
        cmocka_unit_test(test_time_pointers_that_lie_are_refused),
        cmocka_unit_test(test_only_copied_options_go_into_later_fragments),
        cmocka_unit_test(test_a_router_alert_has_these_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
