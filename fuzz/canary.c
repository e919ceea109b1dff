// SPDX-License-Identifier: MIT
/* canary.c: a fuzzer that must fail: the farm is proved to find what is wrong by a wrong that it must find.
 *
 * The bug is four comparisons deep and reads one byte too far, so that it takes coverage to come there and
 * AddressSanitizer to see it. tools/check.py (stage fuzz) expects a crash within the time that the others get, under
 * libFuzzer and under AFL++. */
#include "fuzz_env.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static volatile uint8_t sink;
    uint8_t *copy = malloc(size != 0 ? size : 1);
    REQUIRE(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    if (size >= 5 && copy[0] == 't' && copy[1] == 'c' && copy[2] == 'p' && copy[3] == 'i')
        sink = copy[size - 1 + (copy[4] == 'p')];
    (void)sink;
    free(copy);
    return 0;
}
