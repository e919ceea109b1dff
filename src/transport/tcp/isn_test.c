// SPDX-License-Identifier: MIT
/* isn_test.c: who sees one number learns nothing of the others; one connection's numbers grow. */
#include "transport/tcp/isn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct siphash_key SECRET = {{1, 2}}, OTHER_SECRET = {{1, 3}};
static const uint8_t A[16] = {[15] = 1}, B[16] = {[15] = 2};

static void test_one_connection_moves_with_the_clock(void **state)
{
    (void)state;
    seqnum first = tcpip__isn(&SECRET, A, 1, B, 2, 0);
    assert_int_equal(seq_diff(tcpip__isn(&SECRET, A, 1, B, 2, 3999), first), 0);
    assert_int_equal(seq_diff(tcpip__isn(&SECRET, A, 1, B, 2, 4000), first), 1);
    assert_int_equal(seq_diff(tcpip__isn(&SECRET, A, 1, B, 2, TCPIP_SECOND), first), 250000);
}

static void test_every_name_and_the_secret_count(void **state)
{
    (void)state;
    uint32_t isns[] = {
        tcpip__isn(&SECRET, A, 1, B, 2, 0).v,         tcpip__isn(&SECRET, A, 2, B, 1, 0).v,
        tcpip__isn(&SECRET, B, 1, A, 2, 0).v,         tcpip__isn(&SECRET, A, 1, B, 3, 0).v,
        tcpip__isn(&SECRET, A, 3, B, 2, 0).v,         tcpip__isn(&OTHER_SECRET, A, 1, B, 2, 0).v,
        tcpip__timestamp_offset(&SECRET, A, B),       tcpip__timestamp_offset(&SECRET, B, A),
        tcpip__timestamp_offset(&OTHER_SECRET, A, B),
    };
    for (size_t i = 0; i < sizeof(isns) / sizeof(isns[0]); i++)
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(isns[i], isns[k]);
}

static void test_the_timestamp_clock_counts_milliseconds_from_its_offset(void **state)
{
    (void)state;
    assert_int_equal(timestamp_clock(1999999, 5), 6);
    assert_int_equal(timestamp_clock(TCPIP_SECOND, UINT32_MAX), 999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_connection_moves_with_the_clock),
        cmocka_unit_test(test_every_name_and_the_secret_count),
        cmocka_unit_test(test_the_timestamp_clock_counts_milliseconds_from_its_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
