// SPDX-License-Identifier: MIT
/* shake.h: a script played against a peer and an application that make mistakes. */
#ifndef TCPIP_TESTS_SCRIPT_SHAKE_H
#define TCPIP_TESTS_SCRIPT_SHAKE_H

#include "run.h"

/* Plays the script with its packets and calls changed at random, by `seed`, and expects nothing of the answers but that
 * each is a well-formed packet; that the stack comes to rest, asserts nothing, and gives all its memory back. */
bool shake_script(const struct script *script, const struct variant *variant, uint64_t seed, bool verbose,
                  struct failure *failure);

/* An allocation that fails; in debug builds each object that a pool is asked for counts, whatever it has in store. */
struct starving {
    uint64_t at; /* counted from the script's first event, from 1; 0: none */
    bool after;  /* and all that follow, until the last event */
};

/* Plays the script as it is, with allocations failing, and expects what shake_script does. `asked`: how many
 * allocations there were. */
bool starve_script(const struct script *script, const struct variant *variant, const struct starving *starving,
                   bool verbose, uint64_t *asked, struct failure *failure);

#endif
