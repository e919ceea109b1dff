// SPDX-License-Identifier: MIT
/* ranges.c: a sorted set of ranges of sequence numbers.
 *
 * An array that is searched from the start and shifted: with tens of ranges that is faster than any tree, and it can't
 * run out of memory, only of places.
 *
 * Owns:        the first `count` items of the caller's array.
 * Invariants:  items[i].begin < items[i].end < items[i + 1].begin, in sequence order.
 * Not here:    out-of-order data and the scoreboard, which hang payload on their ranges (tree.c).
 */
#include "base/ranges.h"

#include "base/assert.h"

#include <string.h>

/* Replaces items [from, to) by nothing (by = 0) or leaves room for one in their place (by = 1). */
static void ranges_splice(struct ranges *ranges, uint32_t from, uint32_t to, uint32_t by)
{
    memmove(&ranges->items[from + by], &ranges->items[to], (size_t)(ranges->count - to) * sizeof(struct range));
    ranges->count = ranges->count - (to - from) + by;
}

void tcpip__ranges_init(struct ranges *ranges, struct range *items, uint32_t capacity)
{
    ASSERT(capacity != 0);
    *ranges = (struct ranges){.items = items, .capacity = capacity};
}

bool tcpip__ranges_add(struct ranges *ranges, seqnum begin, seqnum end)
{
    uint32_t from = 0, to;
    ASSERT(seq_leq(begin, end));
    if (seq_eq(begin, end))
        return true;
    while (from < ranges->count && seq_lt(ranges->items[from].end, begin))
        from++;
    for (to = from; to < ranges->count && seq_leq(ranges->items[to].begin, end); to++) {
        begin = seq_min(begin, ranges->items[to].begin);
        end = seq_max(end, ranges->items[to].end);
    }
    if (from == to && ranges->count == ranges->capacity)
        return false;
    ranges_splice(ranges, from, to, 1);
    ranges->items[from] = (struct range){begin, end};
    return true;
}

bool tcpip__ranges_remove(struct ranges *ranges, seqnum begin, seqnum end)
{
    ASSERT(seq_leq(begin, end));
    uint32_t from = tcpip__ranges_find(ranges, begin), to;
    struct range *items = ranges->items;

    if (seq_eq(begin, end) || from == ranges->count)
        return true;
    if (seq_lt(items[from].begin, begin)) {
        if (seq_gt(items[from].end, end)) { /* the hole lies within one range */
            if (ranges->count == ranges->capacity)
                return false;
            ranges_splice(ranges, from, from, 1);
            items[from] = (struct range){items[from + 1].begin, begin};
            items[from + 1].begin = end;
            return true;
        }
        items[from++].end = begin;
    }
    for (to = from; to < ranges->count && seq_leq(items[to].end, end);)
        to++;
    if (to < ranges->count && seq_lt(items[to].begin, end))
        items[to].begin = end;
    ranges_splice(ranges, from, to, 0);
    return true;
}

void tcpip__ranges_remove_before(struct ranges *ranges, seqnum before)
{
    uint32_t to = tcpip__ranges_find(ranges, before);
    ranges_splice(ranges, 0, to, 0);
    if (ranges->count > 0)
        ranges->items[0].begin = seq_max(ranges->items[0].begin, before);
}

uint32_t tcpip__ranges_find(const struct ranges *ranges, seqnum s)
{
    uint32_t i = 0;
    while (i < ranges->count && seq_leq(ranges->items[i].end, s))
        i++;
    return i;
}

bool tcpip__ranges_contains(const struct ranges *ranges, seqnum s)
{
    uint32_t i = tcpip__ranges_find(ranges, s);
    return i < ranges->count && seq_leq(ranges->items[i].begin, s);
}

bool tcpip__ranges_covers(const struct ranges *ranges, seqnum begin, seqnum end)
{
    if (seq_eq(begin, end))
        return true;
    uint32_t i = tcpip__ranges_find(ranges, begin);
    return i < ranges->count && seq_leq(ranges->items[i].begin, begin) && seq_geq(ranges->items[i].end, end);
}

uint64_t tcpip__ranges_bytes(const struct ranges *ranges)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < ranges->count; i++)
        bytes += seq_size(ranges->items[i].begin, ranges->items[i].end);
    return bytes;
}

void tcpip__ranges_check(const struct ranges *ranges)
{
    ASSERT(ranges->count <= ranges->capacity);
    for (uint32_t i = 0; i < ranges->count; i++) {
        ASSERT(seq_lt(ranges->items[i].begin, ranges->items[i].end));
        ASSERT(i == 0 || seq_lt(ranges->items[i - 1].end, ranges->items[i].begin));
    }
}
