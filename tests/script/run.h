// SPDX-License-Identifier: MIT
/* run.h: plays one script once. */
#ifndef TCPIP_TESTS_SCRIPT_RUN_H
#define TCPIP_TESTS_SCRIPT_RUN_H

#include "world.h"

struct failure {
    struct place place;      /* the event; line 0: the script as a whole */
    char why[WORLD_WHY_MAX]; /* lines, without the last newline */
    char log[8192];          /* the last packets before it */
    uint32_t first_isn;      /* our first sequence number, and whether there was one (also on success) */
    bool has_isn;
};

/* True: all came as the script says. Else `failure` says what didn't. */
bool run_script(const struct script *script, const struct variant *variant, bool verbose, struct failure *failure);

#endif
