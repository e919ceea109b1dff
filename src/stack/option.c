// SPDX-License-Identifier: MIT
/* option.c: what values an option may have, and which it has until somebody says otherwise.
 *
 * One row per option: least, greatest, default. Defaults are Linux's where Linux has the option (tcp(7), ip(7)), so
 * that programs find what they were written for. Sizes have no bounds here: they are clamped where they are used, by
 * the stack's limits. A row without bounds is only read.
 *
 * Owns:        nothing.
 * Invariants:  a row per option, in the order of TCPIP_OPTIONS; each default within its bounds.
 * Not here:    what an option does (each protocol), overrides per endpoint (option_block.c). */
#include "base/math.h"
#include "stack/stack.h"

enum {
    OPTION_MAX_SEGMENT_MIN = 88, /* Linux's TCP_MIN_MSS; smaller ones serve attacks on our packet rate only */
};

#define OPTION_MS(n) ((n)*TCPIP_MS)
#define OPTION_S(n) ((n)*TCPIP_SECOND)
#define OPTION_HOUR OPTION_S(3600)
#define OPTION_READ 0, -1, 0 /* the empty range: cannot be set */
#define OPTION_BOOL(initial) 0, 1, initial
#define OPTION_SIZE(initial) 0, INT64_MAX, initial
#define OPTION_ID 0, UINT32_MAX, 0

/* X(NAME, least, greatest, default). The two buffer sizes: 0, the protocol's own, and auto-tuning. */
#define OPTION_ROWS(X)                                                                       \
    X(ERROR, OPTION_READ)                                                                    \
    X(SEND_BUFFER_SIZE, OPTION_SIZE(0))                                                      \
    X(RECEIVE_BUFFER_SIZE, OPTION_SIZE(0))                                                   \
    X(RECEIVE_QUEUE_SIZE, OPTION_READ)                                                       \
    X(SEND_QUEUE_SIZE, OPTION_READ)                                                          \
    X(BYTES_WRITTEN, OPTION_READ)                                                            \
    X(REUSE_ADDRESS, OPTION_BOOL(0))                                                         \
    X(REUSE_PORT, OPTION_BOOL(0))                                                            \
    X(PASSCRED, OPTION_BOOL(0))                                                              \
    X(V6_ONLY, OPTION_BOOL(0))                                                               \
    X(BROADCAST, OPTION_BOOL(0))                                                             \
    X(BIND_TO_NIC, OPTION_ID)                                                                \
    X(MARK, OPTION_ID)                                                                       \
    X(TTL, 0, 255, 0)                                                                        \
    X(TOS, 0, 255, 0)                                                                        \
    X(MULTICAST_TTL, 0, 255, 1)                                                              \
    X(MULTICAST_LOOP, OPTION_BOOL(1))                                                        \
    X(MULTICAST_NIC, OPTION_ID)                                                              \
    X(RECEIVE_TTL, OPTION_BOOL(0))                                                           \
    X(RECEIVE_TOS, OPTION_BOOL(0))                                                           \
    X(RECEIVE_PACKET_INFO, OPTION_BOOL(0))                                                   \
    X(RECEIVE_ERROR, OPTION_BOOL(0))                                                         \
    X(PATH_MTU_DISCOVERY, 0, TCPIP_PATH_MTU_OMIT, TCPIP_PATH_MTU_WANT)                       \
    X(PATH_MTU, OPTION_READ)                                                                 \
    X(PATH_MTU_LIFETIME, 1, INT64_MAX / 2, OPTION_S(600))                                    \
    X(CHECKSUM_OFF, OPTION_BOOL(0))                                                          \
    X(LINGER, -1, INT64_MAX, -1)                                                             \
    X(NO_DELAY, OPTION_BOOL(0))                                                              \
    X(CORK, OPTION_BOOL(0))                                                                  \
    X(QUICK_ACK, OPTION_BOOL(1))                                                             \
    X(MAX_SEGMENT, 0, 32767, 0)                                                              \
    X(KEEPALIVE, OPTION_BOOL(0))                                                             \
    X(KEEPALIVE_IDLE, 1, INT64_MAX / 2, OPTION_S(7200))                                      \
    X(KEEPALIVE_INTERVAL, 1, INT64_MAX / 2, OPTION_S(75))                                    \
    X(KEEPALIVE_COUNT, 1, 127, 9)                                                            \
    X(USER_TIMEOUT, 0, INT64_MAX / 2, 0)                                                     \
    X(SYN_COUNT, 1, 127, 6)                                                                  \
    X(SYN_ACK_COUNT, 1, 127, 5)                                                              \
    X(RETRANSMIT_COUNT, 1, 255, 15)                                                          \
    X(LINGER2, -1, INT64_MAX / 2, OPTION_S(60))                                              \
    X(TIME_WAIT, 0, INT64_MAX / 2, OPTION_S(60))                                             \
    X(DEFER_ACCEPT, 0, INT64_MAX / 2, 0)                                                     \
    X(ABORT_ON_OVERFLOW, 0, 1, 0)                                                            \
    X(WINDOW_CLAMP, OPTION_SIZE(0))                                                          \
    X(RECEIVE_LOW_WATER, OPTION_SIZE(1))                                                     \
    X(NOT_SENT_LOW_WATER, OPTION_SIZE(0))                                                    \
    X(MIN_RTO, OPTION_MS(1), OPTION_HOUR, OPTION_MS(200))                                    \
    X(MAX_RTO, OPTION_MS(1), OPTION_HOUR, OPTION_S(120))                                     \
    X(INITIAL_RTO, OPTION_MS(1), OPTION_HOUR, OPTION_S(1))                                   \
    X(DELAYED_ACK_MIN, 0, OPTION_MS(499), OPTION_MS(40)) /* RFC 9293 MUST-40: under 0.5 s */ \
    X(DELAYED_ACK_MAX, 0, OPTION_MS(499), OPTION_MS(200))                                    \
    X(INITIAL_WINDOW, 1, 1000, 10)                                                           \
    X(SACK, OPTION_BOOL(1))                                                                  \
    X(TIMESTAMPS, OPTION_BOOL(1))                                                            \
    X(WINDOW_SCALING, OPTION_BOOL(1))                                                        \
    X(SYN_COOKIES, 0, 2, 1)                                                                  \
    X(RFC1337, OPTION_BOOL(0))                                                               \
    X(TIME_WAIT_REUSE, 0, 2, 2)                                                              \
    X(TIME_WAIT_REUSE_DELAY, 0, OPTION_HOUR, OPTION_S(1))                                    \
    X(CHALLENGE_ACK_INTERVAL, 0, OPTION_HOUR, OPTION_MS(500))                                \
    X(MODERATE_BUFFERS, OPTION_BOOL(1))                                                      \
    X(SLOW_START_AFTER_IDLE, OPTION_BOOL(1))                                                 \
    X(ACK_STRETCH_MAX, 1, 65535, 44)                                                         \
    X(THIN_LINEAR_TIMEOUTS, OPTION_BOOL(0))                                                  \
    X(MAX_PACING_RATE, OPTION_SIZE(0))                                                       \
    X(PACKET_SEGMENTS, 1, 65535, 2)                                                          \
    X(PACING, 0, 2, TCPIP_PACING_SLOW_START)                                                 \
    X(RACK, 0, 7, 1)                                                                         \
    X(TAIL_LOSS_PROBE, OPTION_BOOL(1))                                                       \
    X(FAST_OPEN, 0, INT32_MAX, 0)                                                            \
    X(FAST_OPEN_CONNECT, OPTION_BOOL(0))                                                     \
    X(FAST_OPEN_NO_COOKIE, OPTION_BOOL(0))                                                   \
    X(FAST_OPEN_MODE, 0, INT32_MAX, TCPIP_FAST_OPEN_CLIENT) /* as net.ipv4.tcp_fastopen */   \
    X(FAST_OPEN_PAUSE, 0, INT64_MAX / 2, OPTION_HOUR)                                        \
    X(CWND_VALIDATION, OPTION_BOOL(0))                                                       \
    X(ECN, 0, 5, 2)                                                                          \
    X(SAVE_SYN, 0, 2, 0)                                                                     \
    X(MIN_TTL, 0, 255, 0)                                                                    \
    X(INCOMING_QUEUE, -1, INT32_MAX, -1)                                                     \
    X(FREE_BIND, OPTION_BOOL(0))                                                             \
    X(PORT_RANGE, OPTION_ID)                                                                 \
    X(PLPMTUD, 0, 2, 1)                                                                      \
    X(PLPMTUD_BASE, 48, 65535, 1024)                                                         \
    X(PLPMTUD_FLOOR, 48, 65535, 536)                                                         \
    X(PLPMTUD_INTERVAL, 1, INT64_MAX / 2, OPTION_S(600))                                     \
    X(PLPMTUD_THRESHOLD, 1, 65535, 8)                                                        \
    X(MIN_SEGMENT, 48, 65495, 48)                                                            \
    X(TIMESTAMP_CLOCK, OPTION_READ)                                                          \
    X(ORPHAN_PROBES, 0, 127, 10)                                                             \
    X(NEIGHBOR_PROOF, OPTION_BOOL(1))

struct option_row {
    int64_t least, greatest, initial;
};

/* X's arguments come out of macros, so that they are counted only here. */
#define OPTION_ROW_(name, ...) [TCPIP_OPTION_##name] = {__VA_ARGS__},
static const struct option_row option_rows[] = {OPTION_ROWS(OPTION_ROW_)};
#undef OPTION_ROW_
STATIC_ASSERT(array_count(option_rows) == TCPIP_OPTION_COUNT);

/* Counted as well: a row left out in the middle would be all zero, and so refuse nothing but 0. */
#define OPTION_ONE_(name, ...) +1
STATIC_ASSERT((0 OPTION_ROWS(OPTION_ONE_)) == TCPIP_OPTION_COUNT);
#undef OPTION_ONE_

static const char *const option_names[] = {
#define OPTION_NAME_(name, what) #name,
    TCPIP_OPTIONS(OPTION_NAME_)
#undef OPTION_NAME_
};
STATIC_ASSERT(array_count(option_names) == TCPIP_OPTION_COUNT);

const char *tcpip_option_name(enum tcpip_option option)
{
    return (uint32_t)option < TCPIP_OPTION_COUNT ? option_names[option] : "UNKNOWN";
}

void tcpip__option_defaults(int64_t *values)
{
    for (uint32_t i = 0; i < TCPIP_OPTION_COUNT; i++)
        values[i] = option_rows[i].initial;
}

enum tcpip_error tcpip__option_valid(enum tcpip_option option, int64_t value)
{
    if ((uint32_t)option >= TCPIP_OPTION_COUNT)
        return TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION;
    const struct option_row *row = &option_rows[option];
    if (row->least > row->greatest)
        return TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION;
    if (value < row->least || value > row->greatest)
        return TCPIP_ERR_INVALID_OPTION_VALUE;
    if (option == TCPIP_OPTION_MAX_SEGMENT && value != 0 && value < OPTION_MAX_SEGMENT_MIN)
        return TCPIP_ERR_INVALID_OPTION_VALUE;
    return TCPIP_OK;
}
