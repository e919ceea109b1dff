// SPDX-License-Identifier: MIT
/* seqnum.h: TCP sequence numbers: 32 bits that wrap (RFC 9293 section 3.4).
 *
 * A struct, so that `a < b` doesn't compile: order exists only between numbers less than 2^31 apart, and only as asked
 * here. It is no total order: never sort by it what may spread over more than half the space. */
#ifndef TCPIP_SRC_BASE_SEQNUM_H
#define TCPIP_SRC_BASE_SEQNUM_H

#include "base/compiler.h"

typedef struct {
    uint32_t v;
} seqnum;

static inline seqnum seq(uint32_t v)
{
    return (seqnum){v};
}

static inline seqnum seq_add(seqnum s, uint32_t n)
{
    return (seqnum){s.v + n};
}

static inline seqnum seq_sub(seqnum s, uint32_t n)
{
    return (seqnum){s.v - n};
}

/* How far `a` lies after `b`; negative if before. Exactly half the space apart counts as before, both ways. */
static inline int32_t seq_diff(seqnum a, seqnum b)
{
    return (int32_t)(a.v - b.v);
}

/* The bytes from `from` up to `to`, which doesn't lie before it. */
static inline uint32_t seq_size(seqnum from, seqnum to)
{
    return to.v - from.v;
}

static inline bool seq_eq(seqnum a, seqnum b)
{
    return a.v == b.v;
}

static inline bool seq_lt(seqnum a, seqnum b)
{
    return seq_diff(a, b) < 0;
}

static inline bool seq_leq(seqnum a, seqnum b)
{
    return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(seqnum a, seqnum b)
{
    return seq_diff(a, b) > 0;
}

static inline bool seq_geq(seqnum a, seqnum b)
{
    return seq_diff(a, b) >= 0;
}

static inline seqnum seq_max(seqnum a, seqnum b)
{
    return seq_lt(a, b) ? b : a;
}

static inline seqnum seq_min(seqnum a, seqnum b)
{
    return seq_lt(b, a) ? b : a;
}

/* s in [left, left + size); exact for every size. */
static inline bool seq_in_window(seqnum s, seqnum left, uint32_t size)
{
    return s.v - left.v < size;
}

/* s in [low, high), low <= high. */
static inline bool seq_in_range(seqnum s, seqnum low, seqnum high)
{
    return s.v - low.v < high.v - low.v;
}

/* Do [a, a + a_size) and [b, b + b_size) share a number? An empty one shares none. */
static inline bool seq_overlap(seqnum a, uint32_t a_size, seqnum b, uint32_t b_size)
{
    return (seq_in_window(a, b, b_size) && a_size != 0) || (seq_in_window(b, a, a_size) && b_size != 0);
}

#endif
