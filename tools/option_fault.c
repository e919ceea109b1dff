// SPDX-License-Identifier: MIT
/* option_fault.c: the list of faults given to --fault.
 *
 * An item is NAME=VALUE and goes to both directions, out (from the stack) and in; "out-" or "in-" before the name sends
 * it to one. A delay of 20 ms in both directions is a round trip of 40 ms. The seed makes a run repeatable as far as
 * the packets are the same.
 *
 * Owns:        nothing.
 * Not here:    the faults themselves (src/link/fault.c). */
#include "option_fault.h"

#include "units.h"

#include <string.h>

enum fault_kind { FAULT_SHARE, FAULT_DURATION, FAULT_RATE, FAULT_BYTES };

struct fault_row {
    const char *name;
    enum fault_kind kind;
    size_t offset; /* in struct tcpip_fault_profile */
};

#define FAULT_FIELD(field) offsetof(struct tcpip_fault_profile, field)
static const struct fault_row fault_rows[] = {
    {"loss", FAULT_SHARE, FAULT_FIELD(loss_ppm)},
    {"burst-enter", FAULT_SHARE, FAULT_FIELD(burst_enter_ppm)},
    {"burst-leave", FAULT_SHARE, FAULT_FIELD(burst_leave_ppm)},
    {"dup", FAULT_SHARE, FAULT_FIELD(duplicate_ppm)},
    {"corrupt", FAULT_SHARE, FAULT_FIELD(corrupt_ppm)},
    {"reorder", FAULT_SHARE, FAULT_FIELD(reorder_ppm)},
    {"reorder-by", FAULT_DURATION, FAULT_FIELD(reorder_ns)},
    {"delay", FAULT_DURATION, FAULT_FIELD(delay_ns)},
    {"jitter", FAULT_DURATION, FAULT_FIELD(jitter_ns)},
    {"rate", FAULT_RATE, FAULT_FIELD(rate_bps)},
    {"queue", FAULT_BYTES, FAULT_FIELD(queue_bytes)},
    {"mark", FAULT_SHARE, FAULT_FIELD(mark_ppm)},
    {"mark-queue", FAULT_BYTES, FAULT_FIELD(mark_queue_bytes)},
};

/* What a packet out of order is late by, if nobody says: more than what follows it on a fast path. */
#define REORDER_BY (5 * TCPIP_MS)

static bool store_share(const char *value, uint8_t *out)
{
    uint32_t ppm;
    if (!units_share(value, &ppm))
        return false;
    memcpy(out, &ppm, sizeof(ppm));
    return true;
}

static bool store_duration(const char *value, uint8_t *out)
{
    tcpip_ns ns;
    if (!units_duration(value, &ns))
        return false;
    memcpy(out, &ns, sizeof(ns));
    return true;
}

static bool store_rate(const char *value, uint8_t *out)
{
    uint64_t rate;
    if (!units_rate(value, &rate) || rate == 0) /* 0 would be none at all */
        return false;
    memcpy(out, &rate, sizeof(rate));
    return true;
}

static bool store_bytes(const char *value, uint8_t *out)
{
    uint64_t size;
    if (!units_size(value, &size) || size == 0 || size > UINT32_MAX)
        return false;
    uint32_t bytes = (uint32_t)size;
    memcpy(out, &bytes, sizeof(bytes));
    return true;
}

static bool fault_set(struct tcpip_fault_profile *profile, const struct fault_row *row, const char *value,
                      struct complaint *why)
{
    static const struct {
        bool (*store)(const char *value, uint8_t *out);
        const char *form;
    } kinds[] = {
        [FAULT_SHARE] = {store_share, UNITS_SHARE_FORM},
        [FAULT_DURATION] = {store_duration, UNITS_DURATION_FORM},
        [FAULT_RATE] = {store_rate, UNITS_RATE_FORM},
        [FAULT_BYTES] = {store_bytes, UNITS_SIZE_FORM},
    };
    if (kinds[row->kind].store(value, (uint8_t *)profile + row->offset))
        return true;
    return complain(why, "%s must be %s", row->name, kinds[row->kind].form);
}

static bool fault_item(char *item, struct tcpip_fault_options *out, struct complaint *why)
{
    char *equals = strchr(item, '=');
    const char *name = item;
    if (equals == NULL)
        return complain(why, "'%s' should be NAME=VALUE, like loss=1%%", item);
    *equals = '\0';
    if (strcmp(name, "seed") == 0)
        return units_number(equals + 1, 0, UINT64_MAX, &out->seed) || complain(why, "seed must be a number");
    bool only_out = strncmp(name, "out-", 4) == 0, only_in = strncmp(name, "in-", 3) == 0;
    name += only_out ? 4 : only_in ? 3 : 0;
    for (size_t i = 0; i < sizeof(fault_rows) / sizeof(fault_rows[0]); i++) {
        if (strcmp(fault_rows[i].name, name) != 0)
            continue;
        return (only_in || fault_set(&out->out, &fault_rows[i], equals + 1, why)) &&
               (only_out || fault_set(&out->in, &fault_rows[i], equals + 1, why));
    }
    return complain(why, "there is no fault '%s'; there are loss, delay, jitter, reorder, dup, corrupt, rate, seed",
                    item);
}

static void fault_complete(struct tcpip_fault_profile *profile)
{
    if (profile->reorder_ppm != 0 && profile->reorder_ns == 0)
        profile->reorder_ns = REORDER_BY;
}

struct tcpip_fault_options option_fault_none(void)
{
    return (struct tcpip_fault_options){.size = sizeof(struct tcpip_fault_options), .seed = 1};
}

bool option_fault_parse(const char *list, struct tcpip_fault_options *out, struct complaint *why)
{
    while (true) {
        char item[64];
        size_t length = strcspn(list, ",");
        if (length >= sizeof(item))
            return complain(why, "'%.20s...' is too long for an item", list);
        memcpy(item, list, length);
        item[length] = '\0';
        if (!fault_item(item, out, why))
            return false;
        if (list[length] == '\0')
            break;
        list += length + 1;
    }
    fault_complete(&out->out);
    fault_complete(&out->in);
    if (out->out.burst_enter_ppm != 0 && out->out.burst_leave_ppm == 0)
        return complain(why, "burst-enter needs burst-leave too, or the burst never ends");
    if (out->in.burst_enter_ppm != 0 && out->in.burst_leave_ppm == 0)
        return complain(why, "burst-enter needs burst-leave too, or the burst never ends");
    return true;
}
