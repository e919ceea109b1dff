// SPDX-License-Identifier: MIT
/* stats.c: the counters as text and as JSON.
 *
 * struct tcpip_stats is a sequence of groups of uint64; the tables here say where each group starts and what its
 * counters are called, from the same lists that made the struct. One walk prints all of it in either form.
 *
 * Owns:        nothing.
 * Invariants:  every counter of the struct is in exactly one table, in the struct's order (asserted by sizes).
 * Not here:    counting; the snapshot (tcpip_stack_stats, nic.c). */
#include "base/archive.h"
#include "header/text.h"
#include "stack/stack.h"

#define STATS_NAME_(name) #name,
static const char *const stats_stack_names[] = {TCPIP_STATS_STACK(STATS_NAME_)};
static const char *const stats_nic_names[] = {TCPIP_STATS_NIC(STATS_NAME_)};
static const char *const stats_ip_names[] = {TCPIP_STATS_IP(STATS_NAME_)};
static const char *const stats_icmp_names[] = {TCPIP_STATS_ICMP(STATS_NAME_)};
static const char *const stats_arp_names[] = {TCPIP_STATS_ARP(STATS_NAME_)};
static const char *const stats_neighbor_names[] = {TCPIP_STATS_NEIGHBOR(STATS_NAME_)};
static const char *const stats_path_mtu_names[] = {TCPIP_STATS_PATH_MTU(STATS_NAME_)};
static const char *const stats_udp_names[] = {TCPIP_STATS_UDP(STATS_NAME_)};
static const char *const stats_tcp_names[] = {TCPIP_STATS_TCP(STATS_NAME_)};
static const char *const stats_unix_names[] = {TCPIP_STATS_UNIX(STATS_NAME_)};
#undef STATS_NAME_
#define STATS_DROP_NAME_(name, text) #name,
static const char *const stats_drop_names[] = {TCPIP_DROPS(STATS_DROP_NAME_)};
#undef STATS_DROP_NAME_
static const char *const stats_memory_names[] = {"bytes", "peak_bytes"};

struct stats_group {
    const char *name;
    const char *const *counters;
    uint32_t count;
    uint32_t offset; /* in struct tcpip_stats */
};

#define STATS_GROUP_(name, table, member)                                     \
    {                                                                         \
        name, table, array_count(table), offsetof(struct tcpip_stats, member) \
    }
static const struct stats_group stats_groups[] = {
    STATS_GROUP_("stack", stats_stack_names, stack),
    STATS_GROUP_("nic", stats_nic_names, nic),
    STATS_GROUP_("ipv4", stats_ip_names, ipv4),
    STATS_GROUP_("ipv6", stats_ip_names, ipv6),
    STATS_GROUP_("icmpv4", stats_icmp_names, icmpv4),
    STATS_GROUP_("icmpv6", stats_icmp_names, icmpv6),
    STATS_GROUP_("arp", stats_arp_names, arp),
    STATS_GROUP_("neighbor", stats_neighbor_names, neighbor),
    STATS_GROUP_("path_mtu", stats_path_mtu_names, path_mtu),
    STATS_GROUP_("udp", stats_udp_names, udp),
    STATS_GROUP_("tcp", stats_tcp_names, tcp),
    STATS_GROUP_("unix", stats_unix_names, local),
    STATS_GROUP_("drops", stats_drop_names, drops),
    STATS_GROUP_("memory", stats_memory_names, memory_bytes),
};
#undef STATS_GROUP_

enum {
    STATS_COUNTERS = array_count(stats_stack_names) + array_count(stats_nic_names) + 2 * array_count(stats_ip_names) +
                     2 * array_count(stats_icmp_names) + array_count(stats_arp_names) +
                     array_count(stats_neighbor_names) + array_count(stats_path_mtu_names) +
                     array_count(stats_udp_names) + array_count(stats_tcp_names) + array_count(stats_unix_names) +
                     array_count(stats_drop_names) + array_count(stats_memory_names),
};
STATIC_ASSERT(sizeof(struct tcpip_stats) == STATS_COUNTERS * sizeof(uint64_t));

static uint64_t stats_value(const struct tcpip_stats *stats, const struct stats_group *group, uint32_t i)
{
    uint64_t value;
    memcpy(&value, (const uint8_t *)stats + group->offset + i * sizeof(value), sizeof(value));
    return value;
}

static void stats_print_text(struct text *text, const struct tcpip_stats *stats, const struct stats_group *group,
                             bool all)
{
    for (uint32_t i = 0; i < group->count; i++) {
        uint64_t value = stats_value(stats, group, i);
        if (value == 0 && !all)
            continue;
        text_string(text, group->name);
        text_char(text, '.');
        text_string(text, group->counters[i]);
        text_char(text, ' ');
        text_number(text, value);
        text_char(text, '\n');
    }
}

static void stats_print_json(struct text *text, const struct tcpip_stats *stats, const struct stats_group *group)
{
    text_char(text, '"');
    text_string(text, group->name);
    text_string(text, "\":{");
    for (uint32_t i = 0; i < group->count; i++) {
        text_string(text, i == 0 ? "\"" : ",\"");
        text_string(text, group->counters[i]);
        text_string(text, "\":");
        text_number(text, stats_value(stats, group, i));
    }
    text_char(text, '}');
}

size_t tcpip_stats_print(const struct tcpip_stats *stats, enum tcpip_stats_format format, char *out, size_t size)
{
    struct text text = text_of(out, size);
    bool json = format == TCPIP_STATS_JSON;
    if (json)
        text_char(&text, '{');
    for (uint32_t i = 0; i < array_count(stats_groups); i++) {
        if (json && i > 0)
            text_char(&text, ',');
        if (json)
            stats_print_json(&text, stats, &stats_groups[i]);
        else
            stats_print_text(&text, stats, &stats_groups[i], format == TCPIP_STATS_TEXT_ALL);
    }
    if (json)
        text_char(&text, '}');
    return text.wanted;
}

/* ---- saved and restored ---- */

enum { STATS_NAME_MAX = 63 };

static void stats_text_archive(struct archive *archive, const char *text, const uint8_t **found, uint8_t *length)
{
    if (!archive_restoring(archive))
        *length = (uint8_t)strlen(text);
    archive_u8(archive, length, STATS_NAME_MAX);
    if (archive_restoring(archive))
        *found = tcpip__archive_take(archive, *length);
    else
        tcpip__archive_put(archive, text, *length);
}

static bool stats_text_is(const char *text, const uint8_t *found, uint8_t length)
{
    return strlen(text) == length && memcmp(text, found, length) == 0;
}

/* What tells of now: the restored know it themselves. */
static bool stats_gauge(const struct tcpip_stats *stats, const void *counter)
{
    return counter == &stats->tcp.current_established || counter == &stats->tcp.current_connected ||
           counter == &stats->tcp.time_wait_current || counter == &stats->memory_bytes ||
           counter == &stats->memory_peak_bytes;
}

/* Where a counter is; NULL: unknown, or a gauge. */
static uint64_t *stats_find(struct tcpip_stats *stats, const uint8_t *const found[2], const uint8_t *length)
{
    for (uint32_t i = 0; i < array_count(stats_groups); i++) {
        const struct stats_group *group = &stats_groups[i];
        for (uint32_t k = 0; stats_text_is(group->name, found[0], length[0]) && k < group->count; k++) {
            uint8_t *at = (uint8_t *)stats + group->offset + k * sizeof(uint64_t);
            if (stats_text_is(group->counters[k], found[1], length[1]))
                return stats_gauge(stats, at) ? NULL : (uint64_t *)(void *)at;
        }
    }
    return NULL;
}

void tcpip__stats_archive(struct archive *archive, struct tcpip_stats *stats)
{
    const uint8_t *found[2] = {NULL, NULL};
    uint8_t length[2] = {0, 0};
    for (uint32_t i = 0; i < array_count(stats_groups) && !archive_restoring(archive); i++) {
        for (uint32_t k = 0; k < stats_groups[i].count; k++) {
            uint64_t value = stats_value(stats, &stats_groups[i], k);
            if (value == 0 ||
                stats_gauge(stats, (const uint8_t *)stats + stats_groups[i].offset + k * sizeof(uint64_t)))
                continue;
            stats_text_archive(archive, stats_groups[i].name, &found[0], &length[0]);
            stats_text_archive(archive, stats_groups[i].counters[k], &found[1], &length[1]);
            archive_u64(archive, &value);
        }
    }
    while (archive_restoring(archive) && archive_ok(archive) && archive_left(archive) > 0) {
        uint64_t value = 0;
        stats_text_archive(archive, "", &found[0], &length[0]);
        stats_text_archive(archive, "", &found[1], &length[1]);
        archive_u64(archive, &value);
        uint64_t *counter = archive_ok(archive) ? stats_find(stats, found, length) : NULL;
        if (counter != NULL)
            *counter = value;
    }
}

void tcpip__stats_nic_archive(struct archive *archive, struct tcpip_stats_nic *stats)
{
    uint16_t count = array_count(stats_nic_names);
    archive_u16(archive, &count);
    for (uint32_t i = 0; i < count && archive_ok(archive); i++) {
        uint64_t value = 0, *own = i < array_count(stats_nic_names) ? (uint64_t *)(void *)stats + i : &value;
        archive_u64(archive, own);
    }
}
