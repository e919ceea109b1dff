// SPDX-License-Identifier: MIT
/* failing.h: which allocation of a test program is to fail, counted over all its environments. Counting is in
 * test_env.c, what to do with it in failing.c. */
#ifndef TCPIP_TESTS_LIB_FAILING_H
#define TCPIP_TESTS_LIB_FAILING_H

#include <tcpip/env.h>

struct memory;

struct failing {
    uint64_t at;   /* this one fails; 0: none */
    uint64_t last; /* and all up to this one */
    bool objects;  /* what a pool is asked for counts as well (debug builds), however much it has in store */
    uint64_t seen, failed;
};

extern struct failing failing;

/* One more allocation: true if it is to fail. */
bool failing_next(void);
/* base/pool.c asks this in debug builds. */
bool tcpip__pool_refuse(const struct memory *memory);

#endif
