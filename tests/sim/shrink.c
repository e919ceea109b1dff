// SPDX-License-Identifier: MIT
/* shrink.c: from a world that fails to a small one that fails in the same way.
 *
 * Greedy: whatever can be taken away without the failure becoming another one is taken away, the largest things first,
 * and again from the beginning until nothing more can. Each attempt is a run in a process of its own, so crashes and
 * hangs shrink as well.
 *
 * Owns:       nothing.
 * Invariants: run->cuts always describes a world that fails as the first one did. */
#include "run.h"

#include <inttypes.h>
#include <string.h>

struct shrinking {
    struct run *run;
    uint64_t seed;
    struct run_result first;
    uint32_t attempts;
};

static bool has_cut(const struct cuts *cuts, struct cut cut)
{
    for (uint32_t i = 0; i < cuts->count; i++)
        if (cuts->list[i].kind == cut.kind && cuts->list[i].index == cut.index)
            return true;
    return false;
}

static uint32_t cuts_of(const struct cuts *cuts, enum cut_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < cuts->count; i++)
        count += cuts->list[i].kind == kind;
    return count;
}

/* One thing less; true: it fails all the same. */
static bool attempt(struct shrinking *shrinking, enum cut_kind kind, uint32_t index)
{
    struct cuts *cuts = &shrinking->run->cuts;
    struct cut cut = {.kind = (uint8_t)kind, .index = (uint8_t)index};
    bool halves = kind == CUT_BYTES || kind == CUT_TIME;
    if (cuts->count == CUTS_MAX || (!halves && has_cut(cuts, cut)))
        return false;
    cuts->list[cuts->count++] = cut;
    shrinking->attempts++;
    struct run_result result = run_apart(shrinking->run, shrinking->seed);
    if (result.failed && run_same_failure(shrinking->first.what, result.what))
        return true;
    cuts->count--;
    return false;
}

static bool attempt_all(struct shrinking *shrinking, enum cut_kind kind, uint32_t first, uint32_t end)
{
    bool smaller = false;
    for (uint32_t i = first; i < end; i++)
        smaller = attempt(shrinking, kind, i) || smaller;
    return smaller;
}

/* All flows but one, all but two...: fewer runs than one by one, when few matter. */
static void attempt_halves_of_flows(struct shrinking *shrinking, uint32_t flows)
{
    struct cuts *cuts = &shrinking->run->cuts;
    for (uint32_t part = (flows + 1) / 2; part > 1; part /= 2)
        for (uint32_t from = 0; from < flows; from += part) {
            uint32_t before = cuts->count;
            for (uint32_t i = from; i < from + part && i < flows && cuts->count + 1 < CUTS_MAX; i++)
                if (!has_cut(cuts, (struct cut){CUT_FLOW, (uint8_t)i}))
                    cuts->list[cuts->count++] = (struct cut){CUT_FLOW, (uint8_t)i};
            if (cuts->count == before)
                continue;
            shrinking->attempts++;
            struct run_result result = run_apart(shrinking->run, shrinking->seed);
            if (!result.failed || !run_same_failure(shrinking->first.what, result.what))
                cuts->count = before;
        }
}

static bool shrink_once(struct shrinking *shrinking, const struct plan *plan)
{
    const struct cuts *cuts = &shrinking->run->cuts;
    bool smaller = false;
    for (uint32_t i = 0; i < PLAN_FAULT_COUNT; i++)
        if ((plan->faults >> i & 1) != 0)
            smaller = attempt(shrinking, CUT_FAULT, i) || smaller;
    smaller = attempt_all(shrinking, CUT_FLOW, 0, plan->flow_count) || smaller;
    smaller = attempt_all(shrinking, CUT_GRAM, 0, plan->gram_count) || smaller;
    for (uint32_t i = 0; i < plan->change_count; i++)
        if (plan->changes[i].kind != PLAN_CHANGE_CALM)
            smaller = attempt(shrinking, CUT_CHANGE, i) || smaller;
    while (cuts_of(cuts, CUT_BYTES) < CUT_HALVES && attempt(shrinking, CUT_BYTES, 0))
        smaller = true;
    for (uint32_t i = 0; i < plan->flow_count; i++)
        if (!has_cut(cuts, (struct cut){CUT_FLOW, (uint8_t)i})) {
            smaller = attempt(shrinking, CUT_OPTIONS, i) || smaller;
            smaller = attempt(shrinking, CUT_HABITS, i) || smaller;
        }
    smaller = attempt_all(shrinking, CUT_OPTIONS, PLAN_FLOWS_MAX, PLAN_FLOWS_MAX + PLAN_HOSTS_MAX) || smaller;
    while (cuts_of(cuts, CUT_TIME) < CUT_HALVES && attempt(shrinking, CUT_TIME, 0))
        smaller = true;
    return smaller;
}

bool run_shrink(struct run *run, uint64_t seed)
{
    struct shrinking shrinking = {.run = run, .seed = seed};
    struct plan plan;
    plan_make(&plan, seed, run->sim.without, run->two_hosts);
    shrinking.first = run_apart(run, seed);
    if (!shrinking.first.failed)
        return false;
    attempt_halves_of_flows(&shrinking, plan.flow_count);
    while (shrink_once(&shrinking, &plan))
        ;
    plan_cut(&plan, &run->cuts);
    printf("# after %u runs, what is left of seed %" PRIu64 ":\n", shrinking.attempts, seed);
    plan_print(&plan);
    return true;
}
