// SPDX-License-Identifier: MIT
/* lab.h: two hosts, a line between them, virtual time: how long a transfer takes. */
#ifndef TCPIP_TESTS_BUDGET_LAB_H
#define TCPIP_TESTS_BUDGET_LAB_H

#include <tcpip/link.h>
#include <tcpip/tcpip.h>

enum { LAB_FLOWS_MAX = 16, LAB_MSS = 1448 /* with timestamps, in 1500 */ };

struct lab_options {
    const char *controller, *other; /* other: of the second half of the flows; NULL: the same */
    uint64_t rate_bps;
    tcpip_ns rtt_ns;
    uint32_t loss_ppm, reorder_ppm, queue_bytes, mark_bytes;
    uint64_t seed;
    uint32_t flows;
    uint64_t bytes;    /* each flow's; when the first has them, all is over */
    tcpip_ns limit_ns; /* or now */
};

struct lab_outcome {
    tcpip_ns took_ns;
    uint64_t received[LAB_FLOWS_MAX]; /* in the second half of the time limit, or, without one, in all */
    uint64_t retransmits, timeouts;
};

void lab_run(const struct lab_options *options, struct lab_outcome *out);

#endif
