// SPDX-License-Identifier: MIT
/* condition.c: names of values that scripts compare.
 *
 *   tcpi_FIELD          a field of struct tcpip_tcp_info; FIELD_ns also as FIELD_us and FIELD_ms
 *   tcpi_snd_cwnd       the congestion window in segments, as Linux has it; so tcpi_snd_ssthresh
 *   tcp.FIELD udp.FIELD ip.FIELD icmp.FIELD path_mtu.FIELD ...        a counter of struct tcpip_stats
 *   drop.REASON         how many packets were lost for it
 *
 * ip and icmp are those of the family that the script runs over. */
#include "condition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct field {
    const char *name;
    size_t offset, size;
};

#define INFO(name)                                                                               \
    {                                                                                            \
#name, offsetof(struct tcpip_tcp_info, name), sizeof(((struct tcpip_tcp_info *)0)->name) \
    }

static const struct field info_fields[] = {
    INFO(state),
    INFO(recovery_state),
    INFO(timestamps),
    INFO(sack),
    INFO(window_scaling),
    INFO(snd_wscale),
    INFO(rcv_wscale),
    INFO(retransmits),
    INFO(probes),
    INFO(backoff),
    INFO(rto_ns),
    INFO(ato_ns),
    INFO(srtt_ns),
    INFO(rttvar_ns),
    INFO(min_rtt_ns),
    INFO(rcv_rtt_ns),
    INFO(snd_mss),
    INFO(rcv_mss),
    INFO(advertised_mss),
    INFO(path_mtu),
    INFO(cwnd_bytes),
    INFO(ssthresh_bytes),
    INFO(in_flight_bytes),
    INFO(lost_bytes),
    INFO(retransmitting_bytes),
    INFO(sacked_bytes),
    INFO(snd_wnd),
    INFO(rcv_wnd),
    INFO(not_sent_bytes),
    INFO(rcv_space_bytes),
    INFO(last_data_sent_ns),
    INFO(last_data_received_ns),
    INFO(last_ack_received_ns),
    INFO(bytes_sent),
    INFO(bytes_acked),
    INFO(bytes_received),
    INFO(bytes_retransmitted),
    INFO(segments_out),
    INFO(segments_in),
    INFO(data_segments_out),
    INFO(data_segments_in),
    INFO(pacing_rate),
    INFO(delivery_rate),
    INFO(total_retransmits),
    INFO(dsack_duplicates),
    INFO(reordering),
    INFO(reordering_seen),
    INFO(out_of_order_packets),
    INFO(busy_ns),
    INFO(rwnd_limited_ns),
    INFO(sndbuf_limited_ns),
    INFO(syn_data_acked),
    INFO(fast_open_child),
    INFO(fast_open_fail),
    INFO(ecn),
    INFO(accurate_ecn),
    INFO(received_ce),
    INFO(delivered_ce),
    INFO(received_ce_bytes),
    INFO(delivered_ce_bytes),
    INFO(unacked_bytes),
    INFO(accept_queue),
    INFO(accept_backlog),
    INFO(accepted),
    INFO(delivery_rate_app_limited),
    INFO(max_pacing_rate),
    INFO(timeouts),
    INFO(timeout_episodes),
    INFO(timeout_ns),
    INFO(received_ect0_bytes),
    INFO(received_ect1_bytes),
    INFO(delivered_ect0_bytes),
    INFO(accurate_ecn_option_seen),
    INFO(accurate_ecn_option_bad),
    INFO(accurate_ecn_flags_bad),
};

#define COUNTER(name) #name,
static const char *const stack_counters[] = {TCPIP_STATS_STACK(COUNTER)};
static const char *const nic_counters[] = {TCPIP_STATS_NIC(COUNTER)};
static const char *const ip_counters[] = {TCPIP_STATS_IP(COUNTER)};
static const char *const icmp_counters[] = {TCPIP_STATS_ICMP(COUNTER)};
static const char *const path_mtu_counters[] = {TCPIP_STATS_PATH_MTU(COUNTER)};
static const char *const udp_counters[] = {TCPIP_STATS_UDP(COUNTER)};
static const char *const tcp_counters[] = {TCPIP_STATS_TCP(COUNTER)};

static int64_t load(const void *base, size_t size)
{
    uint8_t u8;
    uint32_t u32;
    int64_t i64;
    if (size == sizeof u8) {
        memcpy(&u8, base, size);
        return u8;
    }
    if (size == sizeof u32) {
        memcpy(&u32, base, size);
        return u32;
    }
    memcpy(&i64, base, size);
    return i64;
}

/* Whether `name` is `field`, or what `field` is in microseconds or milliseconds; then *unit is that in ns, else 1. */
static bool is_field(const char *field, const char *name, int64_t *unit)
{
    *unit = 1;
    if (strcmp(field, name) == 0)
        return true;
    size_t size = strlen(field);
    if (size < 3 || strcmp(field + size - 3, "_ns") != 0 || strlen(name) != size || strncmp(field, name, size - 2) != 0)
        return false;
    *unit = strcmp(name + size - 2, "us") == 0 ? TCPIP_US : strcmp(name + size - 2, "ms") == 0 ? TCPIP_MS : 0;
    return *unit != 0;
}

static bool info_value(struct world *world, int fd, const char *name, int64_t *value, char *why)
{
    if (fd < 0)
        fd = world->last_fd;
    struct tcpip_tcp_info info = {.size = sizeof info};
    if (fd < 0 || fd >= WORLD_SOCKETS_MAX || world->sockets[fd].endpoint == NULL ||
        tcpip_endpoint_tcp_info(world->sockets[fd].endpoint, &info) != TCPIP_OK) {
        snprintf(why, WORLD_WHY_MAX, "there is no connection %d to ask for tcpi_%s", fd, name);
        return false;
    }
    if (strcmp(name, "snd_cwnd") == 0 || strcmp(name, "snd_ssthresh") == 0) {
        uint32_t bytes = name[4] == 'c' ? info.cwnd_bytes : info.ssthresh_bytes;
        *value = info.snd_mss == 0 ? 0 : bytes / info.snd_mss;
        return true;
    }
    for (size_t i = 0; i < sizeof info_fields / sizeof info_fields[0]; i++) {
        int64_t unit;
        if (is_field(info_fields[i].name, name, &unit)) {
            *value = load((const char *)&info + info_fields[i].offset, info_fields[i].size) / unit;
            return true;
        }
    }
    snprintf(why, WORLD_WHY_MAX, "struct tcpip_tcp_info has no field %s", name);
    return false;
}

static bool counter_value(struct world *world, const char *group, const char *name, int64_t *value)
{
    struct tcpip_stats stats;
    tcpip_stack_stats(world->stack, &stats);
    bool v6 = world->ends.v6;
    const struct {
        const char *name;
        const char *const *counters;
        size_t count;
        const void *values;
    } groups[] = {
        {"stack", stack_counters, sizeof stack_counters / sizeof(char *), &stats.stack},
        {"nic", nic_counters, sizeof nic_counters / sizeof(char *), &stats.nic},
        {"ip", ip_counters, sizeof ip_counters / sizeof(char *), v6 ? &stats.ipv6 : &stats.ipv4},
        {"icmp", icmp_counters, sizeof icmp_counters / sizeof(char *), v6 ? &stats.icmpv6 : &stats.icmpv4},
        {"path_mtu", path_mtu_counters, sizeof path_mtu_counters / sizeof(char *), &stats.path_mtu},
        {"udp", udp_counters, sizeof udp_counters / sizeof(char *), &stats.udp},
        {"tcp", tcp_counters, sizeof tcp_counters / sizeof(char *), &stats.tcp},
    };
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
        for (size_t i = 0; strcmp(groups[g].name, group) == 0 && i < groups[g].count; i++) {
            if (strcmp(groups[g].counters[i], name) == 0) {
                *value = load((const char *)groups[g].values + i * sizeof(uint64_t), sizeof(uint64_t));
                return true;
            }
        }
    }
    for (int i = 0; strcmp(group, "drop") == 0 && i < TCPIP_DROP_COUNT; i++) {
        if (strcmp(tcpip_drop_name((enum tcpip_drop)i), name) == 0) {
            *value = (int64_t)stats.drops[i];
            return true;
        }
    }
    return false;
}

static bool find_value(struct world *world, int fd, const char *name, int64_t *value, char *why)
{
    if (strncmp(name, "tcpi_", 5) == 0)
        return info_value(world, fd, name + 5, value, why);
    char group[16];
    const char *dot = strchr(name, '.');
    if (dot != NULL && (size_t)(dot - name) < sizeof group) {
        memcpy(group, name, (size_t)(dot - name));
        group[dot - name] = 0;
        if (counter_value(world, group, dot + 1, value))
            return true;
    }
    snprintf(why, WORLD_WHY_MAX, "nothing is called %s", name);
    return false;
}

static bool holds(int64_t a, const char *op, int64_t b)
{
    if (op[0] == '=')
        return a == b;
    if (op[0] == '!')
        return a != b;
    bool or_equal = op[1] == '=' && a == b;
    return or_equal || (op[0] == '<' ? a < b : a > b);
}

bool condition_check(struct world *world, const struct assert_spec *assert, char *why)
{
    for (size_t i = 0; i < assert->count; i++) {
        const struct condition *condition = &assert->conditions[i];
        int64_t value;
        if (!find_value(world, assert->fd, condition->name, &value, why))
            return false;
        if (!holds(value, condition->op, condition->value)) {
            snprintf(why, WORLD_WHY_MAX, "%s is %" PRId64 ", which isn't %s %" PRId64, condition->name, value,
                     condition->op, condition->value);
            return false;
        }
    }
    return true;
}
