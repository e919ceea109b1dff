// SPDX-License-Identifier: MIT
/* cut.c: takes parts out of a plan that was drawn, and changes nothing of the rest: what is left happens as before, as
 * far as it doesn't hang on what is gone.
 *
 * Invariants: cuts commute; to cut the same twice is to cut it once, but for BYTES and TIME, which halve each time. */
#include "cut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const cut_words[] = {
#define CUT_WORD_(name, word) word,
    CUT_KINDS(CUT_WORD_)
#undef CUT_WORD_
};

/* ---- faults ---- */

static void cut_line(struct tcpip_fault_profile *line, uint32_t fault)
{
    switch (fault) {
    case PLAN_LOSS:
        line->loss_ppm = 0;
        break;
    case PLAN_BURST:
        line->burst_enter_ppm = 0;
        break;
    case PLAN_DUPLICATE:
        line->duplicate_ppm = 0;
        break;
    case PLAN_CORRUPT:
        line->corrupt_ppm = 0;
        break;
    case PLAN_REORDER:
        line->reorder_ppm = 0;
        break;
    case PLAN_JITTER:
        line->jitter_ns = 0;
        break;
    case PLAN_DOWN:
        line->down = false;
        break;
    case PLAN_QUEUE:
        line->queue_bytes = 0;
        break;
    case PLAN_BLACK_HOLE:
        line->mtu = 0;
        break;
    default:
        break;
    }
}

static uint32_t fault_of_change(const struct plan_change *change)
{
    switch ((enum plan_change_kind)change->kind) {
    case PLAN_CHANGE_ADDRESS_GONE:
    case PLAN_CHANGE_ADDRESS_BACK:
        return PLAN_ADDRESS;
    case PLAN_CHANGE_NIC_DOWN:
    case PLAN_CHANGE_NIC_UP:
        return PLAN_NIC;
    case PLAN_CHANGE_MTU:
        return PLAN_MTU;
    case PLAN_CHANGE_MEMORY:
        return PLAN_MEMORY;
    case PLAN_CHANGE_MOVE:
        return PLAN_MOVE;
    case PLAN_CHANGE_PARTITION:
        return PLAN_PARTITION;
    default:
        return 0;
    }
}

static void cut_change(struct plan *plan, uint32_t index)
{
    if (index < plan->change_count && plan->changes[index].kind != PLAN_CHANGE_CALM)
        plan->changes[index].kind = PLAN_CHANGE_NONE;
}

static void cut_fault(struct plan *plan, uint32_t fault)
{
    plan->faults &= ~fault;
    for (uint32_t i = 0; i < plan->change_count; i++) {
        cut_line(&plan->changes[i].line[0], fault);
        cut_line(&plan->changes[i].line[1], fault);
        if (fault_of_change(&plan->changes[i]) == fault)
            cut_change(plan, i);
    }
    for (uint32_t i = 0; i < plan->host_count; i++) {
        struct plan_host *host = &plan->host[i];
        if (fault == PLAN_COARSE_CLOCK)
            host->clock_tick_ns = 0;
        if (fault == PLAN_SMALL_LIMITS) {
            tcpip_limits_default(&host->limits);
            host->limits_name = "default";
        }
    }
}

/* ---- the rest ---- */

static void cut_options(struct plan *plan, uint32_t index)
{
    if (index >= PLAN_FLOWS_MAX && index - PLAN_FLOWS_MAX < PLAN_HOSTS_MAX) {
        plan->host[index - PLAN_FLOWS_MAX].defaults.count = 0;
        plan->host[index - PLAN_FLOWS_MAX].congestion = "cubic";
    } else if (index < PLAN_FLOWS_MAX) {
        for (int i = 0; i < 2; i++) {
            plan->flows[index].side[i].options.count = 0;
            plan->flows[index].side[i].congestion = NULL;
            plan->flows[index].side[i].keepalive = plan->flows[index].side[i].may_time_out = false;
        }
    }
}

static void cut_habits(struct plan *plan, uint32_t index)
{
    for (int i = 0; index < PLAN_FLOWS_MAX && i < 2; i++) {
        struct plan_side *side = &plan->flows[index].side[i];
        side->write_pause = side->read_pause = side->read_start = side->fiddle_pause = 0;
        side->more_percent = 0;
        side->write = PLAN_WRITE_COPY;
        side->read = PLAN_READ_COPY;
        side->wake = PLAN_WAKE_LATER;
    }
}

/* Who had something to send still has. */
static void halve(uint64_t *bytes)
{
    *bytes = *bytes > 1 ? *bytes / 2 : *bytes;
}

static void cut_bytes(struct plan *plan)
{
    for (uint32_t i = 0; i < PLAN_FLOWS_MAX; i++) {
        struct plan_flow *flow = &plan->flows[i];
        halve(&flow->side[0].total);
        halve(&flow->side[1].total);
        halve(&flow->side[0].end_after);
        halve(&flow->side[1].end_after);
        if (flow->response != 0) { /* whole turns: the same number on both sides */
            uint64_t turns = flow->side[0].total / flow->request, other = flow->side[1].total / flow->response;
            turns = turns < other ? turns : other;
            turns = turns > 0 ? turns : 1;
            flow->side[0].total = turns * flow->request;
            flow->side[1].total = turns * flow->response;
        }
    }
}

static tcpip_ns sooner(tcpip_ns at)
{
    return TCPIP_SECOND + (at - TCPIP_SECOND) / 2;
}

static void cut_time(struct plan *plan)
{
    plan->calm_at = sooner(plan->calm_at);
    for (uint32_t i = 0; i < plan->change_count; i++)
        plan->changes[i].at = sooner(plan->changes[i].at);
    for (uint32_t i = 0; i < plan->flow_count; i++)
        plan->flows[i].start_at = sooner(plan->flows[i].start_at);
    for (uint32_t i = 0; i < plan->gram_count; i++)
        plan->grams[i].start_at = sooner(plan->grams[i].start_at);
}

void plan_cut(struct plan *plan, const struct cuts *cuts)
{
    for (uint32_t i = 0; i < cuts->count; i++) {
        uint32_t index = cuts->list[i].index;
        switch ((enum cut_kind)cuts->list[i].kind) {
        case CUT_FAULT:
            cut_fault(plan, 1u << index);
            break;
        case CUT_FLOW:
            plan->flows[index % PLAN_FLOWS_MAX].absent = true;
            break;
        case CUT_GRAM:
            plan->grams[index % PLAN_GRAMS_MAX].count = 0;
            break;
        case CUT_CHANGE:
            cut_change(plan, index);
            break;
        case CUT_OPTIONS:
            cut_options(plan, index);
            break;
        case CUT_HABITS:
            cut_habits(plan, index);
            break;
        case CUT_BYTES:
            cut_bytes(plan);
            break;
        case CUT_TIME:
            cut_time(plan);
            break;
        case CUT_KIND_COUNT:
            break;
        }
    }
}

/* ---- as text ---- */

static bool cut_index_parse(struct cut *cut, const char *text, size_t length)
{
    if (cut->kind != CUT_FAULT) {
        char *end;
        unsigned long index = strtoul(text, &end, 10);
        cut->index = (uint8_t)index;
        return end == text + length && length > 0 && index <= UINT8_MAX;
    }
    for (uint32_t i = 0; i < PLAN_FAULT_COUNT; i++)
        if (strlen(plan_fault_name(i)) == length && strncmp(plan_fault_name(i), text, length) == 0) {
            cut->index = (uint8_t)i;
            return true;
        }
    return false;
}

bool cuts_parse(struct cuts *cuts, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, ","), word = strcspn(text, ":,");
        struct cut cut = {.kind = CUT_KIND_COUNT};
        for (uint8_t i = 0; i < CUT_KIND_COUNT; i++)
            if (strlen(cut_words[i]) == word && strncmp(cut_words[i], text, word) == 0)
                cut.kind = i;
        if (cut.kind == CUT_KIND_COUNT || word >= length || cuts->count == CUTS_MAX ||
            !cut_index_parse(&cut, text + word + 1, length - word - 1))
            return false;
        cuts->list[cuts->count++] = cut;
        text += length + (text[length] == ',' ? 1 : 0);
    }
    return true;
}

void cuts_print(const struct cuts *cuts, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < cuts->count && used < size; i++) {
        const struct cut *cut = &cuts->list[i];
        const char *comma = i > 0 ? "," : "";
        int more = cut->kind == CUT_FAULT
                       ? snprintf(out + used, size - used, "%sfault:%s", comma, plan_fault_name(cut->index))
                       : snprintf(out + used, size - used, "%s%s:%u", comma, cut_words[cut->kind], cut->index);
        used += more > 0 ? (size_t)more : 0;
    }
}
