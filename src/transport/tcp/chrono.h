// SPDX-License-Identifier: MIT
/* chrono.h: what a sender's time went into: busy, and of that, held up by the peer's window or by its own buffer. */
#ifndef TCPIP_SRC_TCP_CHRONO_H
#define TCPIP_SRC_TCP_CHRONO_H

#include "base/compiler.h"

struct archive;

enum chrono_state {
    CHRONO_IDLE, /* nothing is queued */
    CHRONO_BUSY,
    CHRONO_WINDOW, /* the peer's window is in the way */
    CHRONO_BUFFER, /* all is sent, and the writer waits for room */
    CHRONO_STATES
};

struct chrono {
    tcpip_ns since;                    /* what is before was counted */
    uint32_t ticks[CHRONO_STATES - 1]; /* of CHRONO_TICK_BITS, by state less one */
    uint8_t state;
};

/* The state from `now` on. */
void tcpip__chrono_set(struct chrono *chrono, enum chrono_state state, tcpip_ns now);
/* Time spent in a state up to `now`. */
tcpip_ns tcpip__chrono_spent(const struct chrono *chrono, enum chrono_state state, tcpip_ns now);
/* Saved and restored (base/archive.h). */
void tcpip__chrono_archive(struct archive *archive, struct chrono *chrono);

#endif
