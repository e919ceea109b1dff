// SPDX-License-Identifier: MIT
/* options_test.c: command lines understood and refused; quantities. */
#include "commands.h"
#include "option_fault.h"
#include "units.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <string.h>

static const struct command command = {
    .name = "serve",
    .arguments = "DIRECTORY",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = {&option_listen, &option_max_upload, &option_timeout},
};

#define ARGUMENTS(...) ((char *[]){__VA_ARGS__, NULL})

static enum options_result parse(char **arguments, struct options *out, struct complaint *why)
{
    int count = 0;
    while (arguments[count] != NULL)
        count++;
    why->text[0] = '\0';
    return options_parse(&command, count, arguments, out, why);
}

/* ---- quantities ---- */

static void test_durations(void **state)
{
    tcpip_ns ns = -1;
    (void)state;
    assert_true(units_duration("20ms", &ns) && ns == 20 * TCPIP_MS);
    assert_true(units_duration("1.5s", &ns) && ns == 1500 * TCPIP_MS);
    assert_true(units_duration("0.000001s", &ns) && ns == 1000);
    assert_true(units_duration("7us", &ns) && ns == 7 * TCPIP_US);
    assert_true(units_duration("1.5min", &ns) && ns == 90 * TCPIP_SECOND);
    assert_true(units_duration("0.5h", &ns) && ns == 1800 * TCPIP_SECOND);
    assert_true(units_duration("0", &ns) && ns == 0);
    assert_true(units_duration("9223372036854775807ns", &ns) && ns == INT64_MAX);
    ns = 42;
    static const char *const bad[] = {"",
                                      "20",
                                      "ms",
                                      "-1ms",
                                      "+1ms",
                                      " 1ms",
                                      "1 ms",
                                      "1ms ",
                                      "1.ms",
                                      ".5s",
                                      "1.5.5s",
                                      "1e3s",
                                      "1days",
                                      "0x1ms",
                                      "1,5s",
                                      "1.1234567s",
                                      "9223372036854775808ns",
                                      "99999999999999999999s",
                                      "3000000h"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (units_duration(bad[i], &ns))
            fail_msg("'%s' is taken for a duration", bad[i]);
    }
    assert_true(ns == 42);
}

static void test_shares_and_rates_and_sizes(void **state)
{
    uint32_t ppm;
    uint64_t value;
    (void)state;
    assert_true(units_share("1%", &ppm) && ppm == 10000);
    assert_true(units_share("0.05%", &ppm) && ppm == 500);
    assert_true(units_share("100%", &ppm) && ppm == 1000000);
    assert_true(units_share("3ppm", &ppm) && ppm == 3);
    assert_true(units_share("0", &ppm) && ppm == 0);
    assert_false(units_share("1", &ppm) || units_share("101%", &ppm) || units_share("100.0001%", &ppm));
    assert_true(units_rate("100mbit", &value) && value == 100000000);
    assert_true(units_rate("1.5Gbit/s", &value) && value == 1500000000);
    assert_true(units_rate("9kbit", &value) && value == 9000);
    assert_false(units_rate("100", &value) || units_rate("100mb", &value) || units_rate("20000000000gbit", &value));
    assert_true(units_size("1500", &value) && value == 1500);
    assert_true(units_size("1.5k", &value) && value == 1536);
    assert_true(units_size("2G", &value) && value == (uint64_t)2 << 30);
    assert_false(units_size("k", &value) || units_size("1kb", &value) || units_size("9999999999g", &value));
}

static void test_numbers(void **state)
{
    uint64_t value;
    (void)state;
    assert_true(units_number("65535", 1, 65535, &value) && value == 65535);
    assert_true(units_number("007", 1, 65535, &value) && value == 7);
    assert_true(units_number("18446744073709551615", 0, UINT64_MAX, &value) && value == UINT64_MAX);
    assert_false(units_number("18446744073709551616", 0, UINT64_MAX, &value));
    assert_false(units_number("65536", 1, 65535, &value) || units_number("0", 1, 65535, &value));
    assert_false(units_number("", 0, 9, &value) || units_number("1.0", 0, 9, &value) ||
                 units_number("1.", 0, 9, &value));
}

/* ---- faults ---- */

static void test_a_fault_goes_both_ways_unless_told(void **state)
{
    struct tcpip_fault_options fault = option_fault_none();
    struct complaint why;
    (void)state;
    assert_true(option_fault_parse("loss=1%,out-delay=20ms,in-delay=5ms,rate=10mbit,reorder=2%,seed=7", &fault, &why));
    assert_int_equal(fault.out.loss_ppm, 10000);
    assert_int_equal(fault.in.loss_ppm, 10000);
    assert_true(fault.out.delay_ns == 20 * TCPIP_MS && fault.in.delay_ns == 5 * TCPIP_MS);
    assert_true(fault.out.rate_bps == 10000000 && fault.in.rate_bps == 10000000);
    assert_true(fault.out.reorder_ppm == 20000 && fault.out.reorder_ns > 0);
    assert_true(fault.seed == 7);
    assert_true(option_fault_parse("in-loss=3%", &fault, &why)); /* a second list adds */
    assert_true(fault.out.loss_ppm == 10000 && fault.in.loss_ppm == 30000);
}

static void test_bad_faults_are_named(void **state)
{
    static const struct {
        const char *list, *said;
    } cases[] = {{"", "NAME=VALUE"},          {"loss", "NAME=VALUE"},       {"loss=", "share"},
                 {"loss=5", "share"},         {"delay=1%", "duration"},     {"rate=0", "rate"},
                 {"rate=fast", "rate"},       {"seed=-1", "number"},        {"luck=1%", "'luck'"},
                 {"out-luck=1%", "luck"},     {"in-seed=1", "'in-seed'"},   {"loss=1%,", "NAME=VALUE"},
                 {"burst-enter=1%", "burst"}, {"queue=0", "size"},          {"queue=5g", "size"},
                 {",", "NAME=VALUE"},         {"out-in-loss=1%", "in-loss"}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tcpip_fault_options fault = option_fault_none();
        struct complaint why = {""};
        if (option_fault_parse(cases[i].list, &fault, &why) || strstr(why.text, cases[i].said) == NULL)
            fail_msg("'%s': %s", cases[i].list, why.text);
    }
}

/* ---- command lines ---- */

static void test_a_command_line_is_understood(void **state)
{
    struct options options;
    struct complaint why;
    (void)state;
    char **arguments = ARGUMENTS("serve", "--tun=tun7", "--address", "10.0.0.2/24", "dir", "--address=fd77::2/64",
                                 "--mtu", "9000", "--gateway", "10.0.0.1", "--listen", "8080", "--stats=json",
                                 "--pcap=a=b", "--fault", "loss=1%", "--no-offload", "--tiny", "--timeout", "1.5s");
    assert_int_equal(parse(arguments, &options, &why), OPTIONS_OK);
    assert_true(options.link == OPTIONS_TUN && !options.ethernet);
    assert_string_equal(options.interface, "tun7");
    assert_int_equal(options.addresses.count, 2);
    assert_int_equal(options.addresses.prefix[1].bits, 64);
    assert_int_equal(options.host_addresses.count, 0);
    assert_int_equal(options.mtu, 9000);
    assert_int_equal(options.gateway_count, 1);
    assert_int_equal(options.port, 8080);
    assert_int_equal(options.stats, OPTIONS_STATS_JSON);
    assert_string_equal(options.capture, "a=b");
    assert_true(options.faulty && options.fault.in.loss_ppm == 10000);
    assert_true(options.no_offload && options.limits == OPTIONS_LIMITS_TINY);
    assert_true(options.timeout_ns == 1500 * TCPIP_MS);
    assert_string_equal(options.arguments[0], "dir");
    assert_null(options.program);
}

static void test_a_namespace_has_addresses_of_its_own(void **state)
{
    struct options options;
    struct complaint why;
    (void)state;
    char **arguments = ARGUMENTS("serve", "--netns", "dir", "--", "curl", "--help");
    assert_int_equal(parse(arguments, &options, &why), OPTIONS_OK);
    assert_true(options.link == OPTIONS_NETNS && options.addresses.count == 2 && options.host_addresses.count == 2);
    assert_string_equal(options.program[0], "curl");
    assert_string_equal(options.program[1], "--help");
    arguments = ARGUMENTS("serve", "--netns=tap", "dir", "--mtu", "576");
    assert_int_equal(parse(arguments, &options, &why), OPTIONS_OK);
    assert_true(options.ethernet && options.addresses.count == 1); /* too narrow for IPv6 */
}

static void test_help_is_heard_whatever_is_beside_it(void **state)
{
    struct options options;
    struct complaint why;
    (void)state;
    assert_int_equal(parse(ARGUMENTS("serve", "--help"), &options, &why), OPTIONS_HELP);
    assert_int_equal(parse(ARGUMENTS("serve", "dir", "-h", "--nonsense"), &options, &why), OPTIONS_HELP);
    assert_int_equal(parse(ARGUMENTS("serve", "dir", "--netns", "--", "--help"), &options, &why), OPTIONS_OK);
}

static void test_a_complaint_is_one_line_whatever_was_typed(void **state)
{
    struct options options;
    struct complaint why;
    char text[1000];
    (void)state;
    memset(text, 'x', sizeof(text));
    text[10] = '\n', text[11] = '\033', text[999] = '\0';
    char **lines[] = {
        ARGUMENTS("serve"),
        ARGUMENTS("serve", "dir"),
        ARGUMENTS("serve", "dir", text, "--netns"),
        ARGUMENTS("serve", "dir", "--netns", "--a\nb"),
        ARGUMENTS("serve", "dir", "--netns", "--mtu", text),
        ARGUMENTS("serve", "dir", "--netns", "--fault", text),
        ARGUMENTS("serve", "dir", "--netns", "--address", text),
        ARGUMENTS("serve", "dir", "--netns", "-"),
        ARGUMENTS("serve", "dir", "--netns", "--="),
        ARGUMENTS("serve", "dir", "--netns", "--mtu"),
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (parse(lines[i], &options, &why) != OPTIONS_BAD)
            fail_msg("line %zu is taken", i);
        assert_true(strlen(why.text) > 10);
        for (const char *at = why.text; *at != '\0'; at++)
            assert_true((unsigned char)*at >= ' ');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_shares_and_rates_and_sizes),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_a_fault_goes_both_ways_unless_told),
        cmocka_unit_test(test_bad_faults_are_named),
        cmocka_unit_test(test_a_command_line_is_understood),
        cmocka_unit_test(test_a_namespace_has_addresses_of_its_own),
        cmocka_unit_test(test_help_is_heard_whatever_is_beside_it),
        cmocka_unit_test(test_a_complaint_is_one_line_whatever_was_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
