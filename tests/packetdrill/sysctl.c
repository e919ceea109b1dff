// SPDX-License-Identifier: MIT
/* sysctl.c: the kernel's settings in this network namespace, made the stack's.
 *
 * Scripts configure the kernel before they open a socket: `sysctl -q net.ipv4.tcp_timestamps=0`. Our stack reads what
 * they wrote at every call. A file that isn't there leaves the default.
 *
 * Not here: what has no counterpart (tcp_frto, tcp_fack, tcp_dsack: always on), and what only shapes Linux's own
 * bursts (tcp_tso_win_divisor, tcp_pacing_ss_ratio, ...). */
#include "adapter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tcpip/congestion.h>
#include <tcpip/endpoint.h>

#define SYSCTL_FOLDER "/proc/sys/net/ipv4/tcp_"

/* Numbers that say the same as an option, in `unit` of it. */
static const struct sysctl_option {
    const char *name;
    enum tcpip_option option;
    int64_t unit;
} sysctl_options[] = {
    {"abort_on_overflow", TCPIP_OPTION_ABORT_ON_OVERFLOW, 1},
    {"base_mss", TCPIP_OPTION_PLPMTUD_BASE, 1},
    {"ecn", TCPIP_OPTION_ECN, 1},
    {"fastopen", TCPIP_OPTION_FAST_OPEN_MODE, 1},
    {"fastopen_blackhole_timeout_sec", TCPIP_OPTION_FAST_OPEN_PAUSE, TCPIP_SECOND},
    {"fin_timeout", TCPIP_OPTION_LINGER2, TCPIP_SECOND},
    {"invalid_ratelimit", TCPIP_OPTION_CHALLENGE_ACK_INTERVAL, TCPIP_MS},
    {"keepalive_intvl", TCPIP_OPTION_KEEPALIVE_INTERVAL, TCPIP_SECOND},
    {"keepalive_probes", TCPIP_OPTION_KEEPALIVE_COUNT, 1},
    {"keepalive_time", TCPIP_OPTION_KEEPALIVE_IDLE, TCPIP_SECOND},
    {"min_snd_mss", TCPIP_OPTION_MIN_SEGMENT, 1},
    {"min_tso_segs", TCPIP_OPTION_PACKET_SEGMENTS, 1},
    {"moderate_rcvbuf", TCPIP_OPTION_MODERATE_BUFFERS, 1},
    {"mtu_probe_floor", TCPIP_OPTION_PLPMTUD_FLOOR, 1},
    {"mtu_probing", TCPIP_OPTION_PLPMTUD, 1},
    {"probe_interval", TCPIP_OPTION_PLPMTUD_INTERVAL, TCPIP_SECOND},
    {"probe_threshold", TCPIP_OPTION_PLPMTUD_THRESHOLD, 1},
    {"recovery", TCPIP_OPTION_RACK, 1},
    {"retries2", TCPIP_OPTION_RETRANSMIT_COUNT, 1},
    {"rfc1337", TCPIP_OPTION_RFC1337, 1},
    {"rto_max_ms", TCPIP_OPTION_MAX_RTO, TCPIP_MS},
    {"rto_min_us", TCPIP_OPTION_MIN_RTO, TCPIP_US},
    {"sack", TCPIP_OPTION_SACK, 1},
    {"slow_start_after_idle", TCPIP_OPTION_SLOW_START_AFTER_IDLE, 1},
    {"syn_retries", TCPIP_OPTION_SYN_COUNT, 1},
    {"synack_retries", TCPIP_OPTION_SYN_ACK_COUNT, 1},
    {"syncookies", TCPIP_OPTION_SYN_COOKIES, 1},
    {"thin_linear_timeouts", TCPIP_OPTION_THIN_LINEAR_TIMEOUTS, 1},
    {"tw_reuse", TCPIP_OPTION_TIME_WAIT_REUSE, 1},
    {"tw_reuse_delay", TCPIP_OPTION_TIME_WAIT_REUSE_DELAY, TCPIP_MS},
    {"window_scaling", TCPIP_OPTION_WINDOW_SCALING, 1},
};

/* ---- reading ---- */

static bool read_text(const char *name, char *out, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, SYSCTL_FOLDER "%s", name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool got = fgets(out, (int)size, file) != NULL;
    fclose(file);
    return got;
}

/* The numbers in a file, separated by white space; how many there were. */
static unsigned read_numbers(const char *name, int64_t *out, unsigned n)
{
    char text[128];
    unsigned count = 0;
    if (!read_text(name, text, sizeof text))
        return 0;
    for (char *at = text, *end = NULL; count < n; at = end) {
        int64_t value = strtoll(at, &end, 10);
        if (end == at)
            break;
        out[count++] = value;
    }
    return count;
}

/* ---- setting ---- */

static void set(struct tcpip_stack *stack, enum tcpip_option option, int64_t value)
{
    enum tcpip_error error = tcpip_stack_set_default(stack, option, value);
    if (error != TCPIP_OK)
        adapter_fail(tcpip_option_name(option), tcpip_error_text(error));
}

/* "01020304-...,..." in words of the machine: one key or two. */
static void set_fast_open_keys(struct tcpip_stack *stack)
{
    char text[128];
    uint8_t keys[2][TCPIP_TCP_FAST_OPEN_KEY_BYTES];
    unsigned count = 0;
    if (!read_text("fastopen_key", text, sizeof text))
        return;
    for (const char *at = text; at != NULL && count < 2; at = strchr(at, ',')) {
        uint32_t words[4];
        at += *at == ',';
        if (sscanf(at, "%" SCNx32 "-%" SCNx32 "-%" SCNx32 "-%" SCNx32, &words[0], &words[1], &words[2], &words[3]) != 4)
            break;
        for (unsigned i = 0; i < sizeof keys[0]; i++)
            keys[count][i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
        count++;
    }
    if (count > 0)
        tcpip_tcp_set_fast_open_key(stack, keys[0], count > 1 ? keys[1] : NULL);
}

/* tcp_rmem and tcp_wmem are least, default, greatest. A buffer is the kernel's memory: about half of it is payload. */
void sysctl_limits(struct tcpip_limits *limits)
{
    int64_t sizes[3];
    if (read_numbers("rmem", sizes, 3) == 3)
        limits->tcp_receive_buffer_max = (uint32_t)sizes[2];
    if (read_numbers("wmem", sizes, 3) == 3)
        limits->tcp_send_buffer_max = (uint32_t)sizes[2];
}

static void set_all(struct tcpip_stack *stack)
{
    int64_t value;
    char text[64];
    for (size_t i = 0; i < sizeof sysctl_options / sizeof sysctl_options[0]; i++) {
        const struct sysctl_option *row = &sysctl_options[i];
        if (read_numbers(row->name, &value, 1) == 1)
            set(stack, row->option, value * row->unit);
    }
    if (read_numbers("timestamps", &value, 1) == 1) /* 2: on, without a random offset */
        set(stack, TCPIP_OPTION_TIMESTAMPS, value != 0);
    if (read_numbers("early_retrans", &value, 1) == 1)
        set(stack, TCPIP_OPTION_TAIL_LOSS_PROBE, value == 3 || value == 4);
    if (read_numbers("notsent_lowat", &value, 1) == 1)
        set(stack, TCPIP_OPTION_NOT_SENT_LOW_WATER, value >= UINT32_MAX ? 0 : value);
    set_fast_open_keys(stack);
    /* Scripts ask for cubic, or reno. A namespace may be refused both, and shows the machine's default then. */
    bool reno = read_text("congestion_control", text, sizeof text) && strncmp(text, "reno", 4) == 0;
    if (tcpip_congestion_set_default(stack, reno ? "reno" : "cubic") != TCPIP_OK)
        adapter_fail("tcp_congestion_control", "neither reno nor cubic");
}

void sysctl_defaults(struct adapter *adapter)
{
    tcpip_sockets_lock(adapter->sockets);
    set_all(adapter->stack);
    tcpip_sockets_unlock(adapter->sockets);
}
