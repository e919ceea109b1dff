// SPDX-License-Identifier: MIT
/* path.h: one direction of a path in virtual time: rate, queue, delay, and what may go wrong on the way.
 *
 * Its clock is finer than those of the hosts at its ends, which may tick in milliseconds: a packet arrives when it
 * does, whatever they think the time is. */
#ifndef TCPIP_TESTS_BUDGET_PATH_H
#define TCPIP_TESTS_BUDGET_PATH_H

#include "base/compiler.h"

struct path_profile {
    uint64_t rate_bps;
    tcpip_ns queue_ns; /* what waits longer than this is dropped */
    tcpip_ns delay_ns;
    uint32_t loss_ppm;
    uint32_t burst_ppm, burst_packets; /* now and then what so many take is lost */
    uint32_t duplicate_ppm;
    uint32_t reorder_ppm; /* later by reorder_ns than the others */
    tcpip_ns reorder_ns;
};

struct path_packet {
    struct path_packet *next;
    tcpip_ns at;
    size_t size;
    uint8_t bytes[2048];
};

struct path {
    struct path_profile profile;
    uint64_t random;
    tcpip_ns burst_until;
    tcpip_ns free_at;          /* when the line has sent what waits */
    struct path_packet *first; /* in order of arrival */
    uint64_t passed, lost, overflowed;
};

void path_init(struct path *path, const struct path_profile *profile, uint64_t seed);
void path_fini(struct path *path);
/* A packet enters at `now`. */
void path_send(struct path *path, const uint8_t *bytes, size_t size, tcpip_ns now);
/* When the next one comes out; TCPIP_NEVER. */
tcpip_ns path_next(const struct path *path);
/* The caller frees it; NULL: none is due. */
struct path_packet *path_take(struct path *path, tcpip_ns now);

#endif
