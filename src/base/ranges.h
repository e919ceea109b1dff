// SPDX-License-Identifier: MIT
/* ranges.h: a sorted set of half-open ranges of sequence numbers, in the caller's fixed array.
 *
 * Ranges neither overlap nor touch. All numbers in one set lie within 2^31 of each other; the caller sees to that by
 * trimming what has been acknowledged. Every operation is linear in the number of ranges: for some tens of them. */
#ifndef TCPIP_SRC_BASE_RANGES_H
#define TCPIP_SRC_BASE_RANGES_H

#include "base/seqnum.h"

struct range {
    seqnum begin, end; /* [begin, end) */
};

struct ranges {
    struct range *items; /* ascending */
    uint32_t count, capacity;
};

/* `items`: room for `capacity` (at least 1) ranges, the caller's. */
void tcpip__ranges_init(struct ranges *ranges, struct range *items, uint32_t capacity);
/* Adds [begin, end), joining what it overlaps or touches; an empty range adds nothing. False, and no change, when that
 * needs more ranges than there is room for. */
must_use bool tcpip__ranges_add(struct ranges *ranges, seqnum begin, seqnum end);
/* Takes [begin, end) out. False, and no change, when that would split a range and there is no room for another. */
must_use bool tcpip__ranges_remove(struct ranges *ranges, seqnum begin, seqnum end);
/* Takes out all that lies before `seq`. */
void tcpip__ranges_remove_before(struct ranges *ranges, seqnum before);
/* The index of the first range that ends after `seq`; count if there is none. */
uint32_t tcpip__ranges_find(const struct ranges *ranges, seqnum s);
bool tcpip__ranges_contains(const struct ranges *ranges, seqnum s);
/* True if all of [begin, end) is in the set; an empty range is. */
bool tcpip__ranges_covers(const struct ranges *ranges, seqnum begin, seqnum end);
/* The sum of the sizes. */
uint64_t tcpip__ranges_bytes(const struct ranges *ranges);
/* Asserts the order and the gaps. */
void tcpip__ranges_check(const struct ranges *ranges);

#endif
