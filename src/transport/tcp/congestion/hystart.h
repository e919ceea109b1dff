// SPDX-License-Identifier: MIT
/* hystart.h: leaving the first slow start before it overflows the path (HyStart++, RFC 9406). */
#ifndef TCPIP_SRC_TCP_CONGESTION_HYSTART_H
#define TCPIP_SRC_TCP_CONGESTION_HYSTART_H

#include "base/compiler.h"
#include <tcpip/congestion.h>

struct hystart {
    tcpip_ns last_min_ns;  /* least sample of the round before; 0: none */
    tcpip_ns round_min_ns; /* of this round so far; 0: none */
    tcpip_ns baseline_ns;  /* of the round that raised suspicion; 0: in plain slow start */
    uint32_t round_end;    /* sequence number that ends the round */
    uint32_t last_us;      /* when the latest ACK came; low bits */
    uint32_t tick_us;      /* the least time between two ACKs that wasn't none: the clock is no coarser; 0: not known */
    uint32_t part_min_us;  /* least sample of this part of a round */
    uint32_t part_us;      /* when it began; low bits */
    uint8_t samples;       /* in this round; saturates */
    uint8_t part_samples;  /* in this part; saturates */
    uint8_t css_rounds;    /* rounds of conservative slow start that have ended */
    bool started;
};

/* Zeroed is a valid start. An ACK in the first slow start, while the window was full: the bytes of ack->acked by which
 * cwnd may grow. *leave: true when congestion avoidance is to begin with what cwnd is then. */
uint32_t tcpip__hystart_on_ack(struct hystart *hystart, const struct tcpip_congestion_ack *ack, bool *leave);

#endif
