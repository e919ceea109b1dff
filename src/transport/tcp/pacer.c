// SPDX-License-Identifier: MIT
/* pacer.c: packets leave at a rate instead of at once.
 *
 * Every packet sent moves the instant of the next one by the time that its bytes take at the rate:
 *
 *     next_at = max(next_at, now - credit) + bytes / rate
 *
 * Who comes late gets some of the lateness credited, or a timer that fires late would lower the rate. If data waited
 * for next_at and the timer came late, it was the clock: all of it, up to 16 ms, as there are clocks that tick
 * every 15. Else there was nothing to send, and a pause of the application is no reason for a burst: two ticks of the
 * timer wheel, or half of what the packet takes if that is longer.
 *
 * The rate is the controller's if it has one. For others that are asked to pace it is Linux's: the window over a round
 * trip, twice that while the window doubles so that it isn't pacing that limits growth, and a fifth more afterwards.
 * By default that is asked for while large windows double (tcp_send.c), unless timers are seen to be late for it.
 *
 * Owns:        struct pacer.
 * Invariants:  over any interval, what leaves is at most rate * interval + the credit + one packet.
 * Not here:    the timer (tcp_timers.c), who is exempt: the first packets of a connection (tcp_send.c). */
#include "transport/tcp/pacer.h"

#include "base/assert.h"
#include "base/math.h"
#include "base/timer.h"

enum {
    PACER_SLOW_START_PERCENT = 200,
    PACER_AVOIDANCE_PERCENT = 120,
    PACER_PACKET_SHIFT = 10, /* a packet lasts a 1024th of a second, as Linux's */
    /* And is larger by this, halved for each half a millisecond of distance: where bytes are cheap, packets cost. */
    PACER_NEAR_BYTES = 65536,
    PACER_NEAR_SHIFT = 19
};
static const tcpip_ns PACER_CREDIT_NS = INT64_C(2) << TIMER_TICK_BITS, PACER_LATE_NS = 16 * TCPIP_MS;

void tcpip__pacer_init(struct pacer *pacer, tcpip_ns now)
{
    *pacer = (struct pacer){.next_at = now, .held_at = -1};
}

uint64_t tcpip__pacer_rate(const struct pacer_facts *facts)
{
    uint64_t rate = facts->controller_rate;
    if (rate == 0 && facts->srtt_ns > 0 && (facts->asked || facts->max_rate != 0)) {
        uint32_t percent = facts->cwnd < facts->ssthresh / 2 ? PACER_SLOW_START_PERCENT : PACER_AVOIDANCE_PERCENT;
        uint64_t window = (uint64_t)max_u32(facts->cwnd, facts->in_flight) * percent / 100;
        rate = max_u64(tcpip__muldiv_u64(window, (uint64_t)TCPIP_SECOND, (uint64_t)facts->srtt_ns), 1);
    }
    if (facts->max_rate != 0)
        rate = rate == 0 ? facts->max_rate : min_u64(rate, facts->max_rate);
    return rate;
}

void tcpip__pacer_sent(struct pacer *pacer, uint32_t bytes, uint64_t rate, tcpip_ns now)
{
    ASSERT(rate != 0);
    tcpip_ns takes = (tcpip_ns)min_u64(tcpip__muldiv_u64(bytes, (uint64_t)TCPIP_SECOND, rate), INT64_MAX / 4);
    tcpip_ns credit = max_i64(pacer->held_at == now ? PACER_LATE_NS : PACER_CREDIT_NS, takes / 2);
    pacer->next_at = max_i64(pacer->next_at, now - credit) + takes;
}

uint32_t tcpip__pacer_segments(uint64_t rate, tcpip_ns min_rtt_ns, uint32_t mss, uint32_t least, uint32_t most)
{
    ASSERT(mss != 0);
    uint64_t halvings = (uint64_t)min_rtt_ns >> PACER_NEAR_SHIFT;
    uint64_t near = halvings < 32 ? (uint64_t)PACER_NEAR_BYTES >> halvings : 0;
    uint64_t segments = max_u64(((rate >> PACER_PACKET_SHIFT) + near) / mss, least);
    return (uint32_t)min_u64(segments, max_u32(most, 1));
}
