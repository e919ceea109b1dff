// SPDX-License-Identifier: MIT
/* fold.h: the short form of what a connection at rest has learned (tcp_fold.c): durations, rates and instants in 32
 * bits. */
#ifndef TCPIP_SRC_TCP_FOLD_H
#define TCPIP_SRC_TCP_FOLD_H

#include "base/math.h"

enum {
    FOLDED_DURATION_BITS = 6, /* units of 64 ns: up to 274 s; what is longer is as good as that */
    FOLDED_RATE_BITS = 8,     /* units of 256 bytes per second: up to 1.1 TB/s */
    FOLDED_AGE_BITS = 24,     /* units of 17 ms: 32 bits last for two years, and nothing asks for an hour of them */
};

static inline uint32_t fold_u64(uint64_t value, unsigned bits)
{
    uint64_t folded = value >> bits;
    return folded == 0 && value != 0 ? 1 : sat_u32(folded); /* 0 stays what it is: nothing known */
}
static inline uint32_t fold_duration(tcpip_ns duration)
{
    return fold_u64((uint64_t)duration, FOLDED_DURATION_BITS);
}
static inline tcpip_ns unfold_duration(uint32_t folded)
{
    return (tcpip_ns)folded << FOLDED_DURATION_BITS;
}
static inline uint32_t fold_rate(uint64_t rate)
{
    return fold_u64(rate, FOLDED_RATE_BITS);
}
static inline uint64_t unfold_rate(uint32_t folded)
{
    return (uint64_t)folded << FOLDED_RATE_BITS;
}
/* Of an instant that has been, or 0 for none. */
static inline uint32_t fold_age(tcpip_ns at)
{
    uint32_t folded = (uint32_t)(at >> FOLDED_AGE_BITS);
    return folded == 0 && at != 0 ? 1 : folded;
}
/* The latest instant up to `now` of which `at` has the bits that were kept. */
static inline tcpip_ns unfold_age(uint32_t folded, tcpip_ns now)
{
    uint32_t age = (uint32_t)(now >> FOLDED_AGE_BITS) - folded;
    return folded == 0 ? 0 : ((now >> FOLDED_AGE_BITS) - (tcpip_ns)age) * ((tcpip_ns)1 << FOLDED_AGE_BITS);
}

#endif
