// SPDX-License-Identifier: MIT
/* plpmtud.h: the search for the path's MTU by probing (RFC 4821, RFC 8899). Sizes are those of IP packets. */
#ifndef TCPIP_SRC_TCP_PLPMTUD_H
#define TCPIP_SRC_TCP_PLPMTUD_H

#include "base/compiler.h"
#include "base/seqnum.h"

/* TCPIP_OPTION_PLPMTUD; the numbers are those of Linux's tcp_mtu_probing. */
enum plpmtud_mode {
    PLPMTUD_OFF,
    PLPMTUD_AT_BLACK_HOLE, /* nothing is done until large segments seem to get lost for being large */
    PLPMTUD_ALWAYS,        /* begin with the base size, and probe from there */
};

enum {
    PLPMTUD_PROBES = 3,   /* lost in a row: packets of this size don't get through (RFC 8899's MAX_PROBES) */
    PLPMTUD_TIMEOUTS = 3, /* in a row: it may be that what is sent is too large (RFC 4821 7.7) */
};

struct plpmtud_bounds {
    uint32_t base, floor; /* of packets, as the options say for segments */
    uint32_t threshold;   /* that much isn't worth a probe */
    tcpip_ns interval_ns; /* after which more is tried again */
};

/* Between two calls low <= high <= most, and probe_bytes is 0 or within (low, high]. */
struct plpmtud {
    uint32_t low;         /* packets of this size are sent, and arrive as far as we know */
    uint32_t high;        /* larger ones don't, */
    uint32_t most;        /* or aren't allowed */
    uint32_t probe_bytes; /* under way; 0: no probe is */
    seqnum probe_start, probe_end;
    uint8_t lost;        /* probes of next_bytes in a row */
    bool leap;           /* the next probe is of `high`: it is likely, or a router said so */
    bool complete;       /* nothing is left to try until again_at */
    bool doubted;        /* `low` is a guess, after timeouts: nothing of this size has arrived yet */
    uint32_t next_bytes; /* that was tried last, and is again while lost isn't 0 */
    tcpip_ns again_at;
};

/* Packets of `low` arrive, or are so small that they will; `most` is what the route allows. */
void tcpip__plpmtud_init(struct plpmtud *search, uint32_t low, uint32_t most);
/* The route, or a router, allows something else now. */
void tcpip__plpmtud_allow(struct plpmtud *search, uint32_t most);
/* Others have searched: nothing is tried before. */
void tcpip__plpmtud_rest(struct plpmtud *search, tcpip_ns until);
/* And have found that packets of `bytes`, more than low, arrive. */
void tcpip__plpmtud_told(struct plpmtud *search, uint32_t bytes);
/* The size of a probe that should be sent now; 0: none. May complete the search, or open it again. */
uint32_t tcpip__plpmtud_next(struct plpmtud *search, const struct plpmtud_bounds *bounds, tcpip_ns now);
/* A probe went: [start, end) in a packet of `bytes`, within (low, high]. */
void tcpip__plpmtud_sent(struct plpmtud *search, uint32_t bytes, seqnum start, seqnum end);
/* What became of it. It arrived: low is its size now. */
void tcpip__plpmtud_arrived(struct plpmtud *search);
/* It was lost, and nothing around it. */
void tcpip__plpmtud_lost(struct plpmtud *search);
/* It isn't known: lost among others, or sent again in pieces. */
void tcpip__plpmtud_forget(struct plpmtud *search);
/* A router says that it was too big, and what would not be; false: that can't be true. */
bool tcpip__plpmtud_too_big(struct plpmtud *search, uint32_t mtu);
/* Segments of the present size got lost until the timer had fired PLPMTUD_TIMEOUTS times. Goes to the base size, or, if
 * that was no more, to half, not under the floor. False: it can't become smaller. */
bool tcpip__plpmtud_shrink(struct plpmtud *search, const struct plpmtud_bounds *bounds);
/* Something was acknowledged; true: by which the smaller size is proved right, once after each shrink. */
bool tcpip__plpmtud_confirm(struct plpmtud *search);

#endif
