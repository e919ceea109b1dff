// SPDX-License-Identifier: MIT
/* cut.h: what is taken away from a plan, so that less of it is left to look at. */
#ifndef TCPIP_TESTS_SIM_CUT_H
#define TCPIP_TESTS_SIM_CUT_H

#include "plan.h"

#include <stddef.h>

/* X(NAME, "word"): on the command line as word:number, except that faults have names. */
#define CUT_KINDS(X)      \
    X(FAULT, "fault")     \
    X(FLOW, "flow")       \
    X(GRAM, "gram")       \
    X(CHANGE, "change")   \
    X(OPTIONS, "options") \
    X(HABITS, "habits")   \
    X(BYTES, "bytes")     \
    X(TIME, "time")

enum cut_kind {
#define CUT_KIND_(name, word) CUT_##name,
    CUT_KINDS(CUT_KIND_)
#undef CUT_KIND_
        CUT_KIND_COUNT
};

/* FAULT: nothing of it happens any more; FLOW, GRAM: doesn't take part; CHANGE: of the weather, of an address...;
 * OPTIONS: of flow n, or of host n - PLAN_FLOWS_MAX; HABITS: the ends of flow n read and write plainly; BYTES: half as
 * many; TIME: all instants come in half the time. */
struct cut {
    uint8_t kind; /* enum cut_kind */
    uint8_t index;
};

enum { CUTS_MAX = 256, CUT_HALVES = 10 };
struct cuts {
    struct cut list[CUTS_MAX];
    uint32_t count;
};

/* From a plan as it was drawn to what is left of it. */
void plan_cut(struct plan *plan, const struct cuts *cuts);
/* "flow:3,fault:loss"; false: what isn't understood. */
bool cuts_parse(struct cuts *cuts, const char *text);
/* The same text; cut short if it doesn't fit. */
void cuts_print(const struct cuts *cuts, char *out, size_t size);

#endif
