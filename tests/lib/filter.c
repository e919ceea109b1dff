// SPDX-License-Identifier: MIT
/* filter.c: TEST_FILTER=pattern in the environment runs only the tests whose names match (* and ? as in a shell).
 *
 * Every failure is reported with the command that repeats it alone; this is what that command stands on. Linked whole
 * into every test program, so it needs no line in any of them.
 *
 * Owns: nothing. Not here: choosing among test programs (meson test NAME). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void filter_from_environment(void)
{
    const char *pattern = getenv("TEST_FILTER");
    if (pattern)
        cmocka_set_test_filter(pattern);
}
