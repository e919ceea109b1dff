// SPDX-License-Identifier: MIT
/* chrono_test.c: the stopwatch beside sums in nanoseconds. */
#include "transport/tcp/chrono.h"

#include "test_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_each_state_has_its_own_time(void **state)
{
    (void)state;
    struct chrono chrono = {0};
    tcpip__chrono_set(&chrono, CHRONO_BUSY, 5 * TCPIP_SECOND);
    tcpip__chrono_set(&chrono, CHRONO_WINDOW, 6 * TCPIP_SECOND);
    tcpip__chrono_set(&chrono, CHRONO_IDLE, 8 * TCPIP_SECOND);
    tcpip__chrono_set(&chrono, CHRONO_BUFFER, 20 * TCPIP_SECOND);
    tcpip_ns now = 23 * TCPIP_SECOND;
    assert_in_range(tcpip__chrono_spent(&chrono, CHRONO_BUSY, now), 999900000, 1000000000);
    assert_in_range(tcpip__chrono_spent(&chrono, CHRONO_WINDOW, now), 1999900000, 2000100000);
    assert_in_range(tcpip__chrono_spent(&chrono, CHRONO_BUFFER, now), 2999900000, 3000000000);
    assert_int_equal(tcpip__chrono_spent(&chrono, CHRONO_IDLE, now), 0);
}

static void test_short_times_add_up(void **state)
{
    (void)state;
    struct test_env env;
    struct chrono chrono = {0};
    tcpip_ns now = TCPIP_SECOND, busy = 0;
    test_env_init(&env, 1);
    enum chrono_state is = CHRONO_BUSY;
    tcpip__chrono_set(&chrono, is, now);
    for (int i = 0; i < 100000; i++) { /* of 10 us each on the average, less than a tick */
        tcpip_ns step = (tcpip_ns)(test_env_random(&env) % 20000);
        now += step;
        busy += step;
        is = is == CHRONO_BUSY ? CHRONO_WINDOW : CHRONO_BUSY;
        tcpip__chrono_set(&chrono, is, now);
    }
    tcpip_ns spent = tcpip__chrono_spent(&chrono, CHRONO_BUSY, now) + tcpip__chrono_spent(&chrono, CHRONO_WINDOW, now);
    assert_in_range(spent, busy - 70000, busy);
    test_env_fini(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_state_has_its_own_time),
        cmocka_unit_test(test_short_times_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
