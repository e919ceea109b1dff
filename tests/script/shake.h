// SPDX-License-Identifier: MIT
/* shake.h: a script played against a peer and an application that make mistakes. */
#ifndef TCPIP_TESTS_SCRIPT_SHAKE_H
#define TCPIP_TESTS_SCRIPT_SHAKE_H

#include "run.h"

/* Plays the script with its packets and calls changed at random, by `seed`, and expects nothing of the answers but that
 * each is a well-formed packet; that the stack comes to rest, asserts nothing, and gives all its memory back. */
bool shake_script(const struct script *script, const struct variant *variant, uint64_t seed, bool verbose,
                  struct failure *failure);

#endif
