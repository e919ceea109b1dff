// SPDX-License-Identifier: MIT
/* extremum.h: the running minimum or maximum of a signal over a sliding window, in three samples.
 *
 * The unit of `at` is the caller's (nanoseconds, or round trips); it never goes back. */
#ifndef TCPIP_SRC_BASE_EXTREMUM_H
#define TCPIP_SRC_BASE_EXTREMUM_H

#include "base/compiler.h"

struct extremum_sample {
    uint64_t value;
    int64_t at;
};

/* best[0] is the answer; best[1] and best[2] are what would become it when those before fall out of the window. */
struct extremum {
    struct extremum_sample best[3];
    bool started; /* a sample came; zeroed is a valid start */
};

void tcpip__extremum_init(struct extremum *extremum);
/* Takes a sample at `at` and returns the least, or the greatest, of about the last `window`. */
uint64_t tcpip__extremum_min(struct extremum *extremum, int64_t at, int64_t window, uint64_t value);
uint64_t tcpip__extremum_max(struct extremum *extremum, int64_t at, int64_t window, uint64_t value);

static inline uint64_t extremum_get(const struct extremum *extremum)
{
    return extremum->best[0].value;
}

#endif
