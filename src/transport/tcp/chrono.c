// SPDX-License-Identifier: MIT
/* chrono.c: a stopwatch with three hands, as Linux's tcp_chrono: where a slow transfer loses its time.
 *
 * Times are kept in ticks of 65 us, so that a connection at rest pays 24 bytes: 78 hours of each state. What is left of
 * a tick when the state changes goes to the next one, so nothing gets lost in sum.
 *
 * Owns:       struct chrono.
 * Not here:   which state it is (tcp_send.c). */
#include "transport/tcp/chrono.h"

#include "base/archive.h"
#include "base/math.h"

enum { CHRONO_TICK_BITS = 16 };

static uint32_t chrono_ticks(const struct chrono *chrono, tcpip_ns now)
{
    return (uint32_t)min_i64(max_i64(now - chrono->since, 0) >> CHRONO_TICK_BITS, UINT32_MAX);
}

void tcpip__chrono_set(struct chrono *chrono, enum chrono_state state, tcpip_ns now)
{
    if (chrono->state == state)
        return;
    if (chrono->state == CHRONO_IDLE) {
        chrono->since = now;
    } else {
        uint32_t ticks = chrono_ticks(chrono, now), *sum = &chrono->ticks[chrono->state - 1];
        *sum = sat_add_u32(*sum, ticks);
        chrono->since += (tcpip_ns)ticks << CHRONO_TICK_BITS;
    }
    chrono->state = (uint8_t)state;
}

tcpip_ns tcpip__chrono_spent(const struct chrono *chrono, enum chrono_state state, tcpip_ns now)
{
    if (state == CHRONO_IDLE)
        return 0;
    uint64_t ticks = chrono->ticks[state - 1];
    if (chrono->state == state)
        ticks += chrono_ticks(chrono, now);
    return (tcpip_ns)(ticks << CHRONO_TICK_BITS);
}

void tcpip__chrono_archive(struct archive *archive, struct chrono *chrono)
{
    tcpip__archive_instant(archive, &chrono->since);
    for (int i = 0; i < CHRONO_STATES - 1; i++)
        archive_u32(archive, &chrono->ticks[i]);
    archive_u8(archive, &chrono->state, CHRONO_STATES - 1);
    archive_require(archive, chrono->since != TCPIP_NEVER);
}
