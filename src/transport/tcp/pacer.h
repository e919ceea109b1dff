// SPDX-License-Identifier: MIT
/* pacer.h: when the next packet may go, so that a window leaves over a round trip and not in a burst. */
#ifndef TCPIP_SRC_TCP_PACER_H
#define TCPIP_SRC_TCP_PACER_H

#include "base/compiler.h"

struct pacer {
    tcpip_ns next_at; /* nothing goes before */
    tcpip_ns held_at; /* TCPIP_NEVER: something waits for next_at; else the instant at which it last found it past */
    tcpip_ns late_ns; /* by so much it was past, on average */
};

/* What a rate is made of. */
struct pacer_facts {
    uint64_t controller_rate; /* bytes per second; 0: the controller doesn't pace */
    uint64_t max_rate;        /* MAX_PACING_RATE; 0: none */
    bool asked;               /* PACING */
    uint32_t cwnd, ssthresh, in_flight;
    tcpip_ns srtt_ns; /* 0: not measured yet */
};

void tcpip__pacer_init(struct pacer *pacer, tcpip_ns now);
/* Bytes per second; 0: not paced. */
uint64_t tcpip__pacer_rate(const struct pacer_facts *facts);
/* May something go? If not, it waits, and next_at says until when. */
static inline bool pacer_open(struct pacer *pacer, tcpip_ns now)
{
    if (now < pacer->next_at)
        pacer->held_at = TCPIP_NEVER;
    else if (pacer->held_at == TCPIP_NEVER) {
        pacer->held_at = now;
        pacer->late_ns += (now - pacer->next_at - pacer->late_ns) / 4;
    }
    return pacer->held_at != TCPIP_NEVER;
}
/* `bytes` left at `rate`, which isn't 0. */
void tcpip__pacer_sent(struct pacer *pacer, uint32_t bytes, uint64_t rate, tcpip_ns now);
/* Payload of one packet at this rate, to a host this far away: whole segments of `mss`, `least` to `most` of them. */
uint32_t tcpip__pacer_segments(uint64_t rate, tcpip_ns min_rtt_ns, uint32_t mss, uint32_t least, uint32_t most);

#endif
