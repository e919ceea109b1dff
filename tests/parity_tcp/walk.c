// SPDX-License-Identifier: MIT
/* walk.c: scenarios nobody thought of: random steps over a listener, clients of it and what it accepted.
 *
 * Steps that would make an answer depend on the kernel's timing or buffer sizes are not among them.
 *
 * Owns:     nothing.
 * Not here: comparing. */
#include "parity.h"

#include <stdio.h>
#include <string.h>

static uint64_t walk_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* %x: a socket of those that are there; %n: a small number. */
static const char *const walk_steps[] = {
    "poll %x",         "poll %x",     "poll %x",         "err %x",          "state %x",        "queue %x",
    "name %x",         "peer %x",     "read %x %n",      "read %x %n",      "read %x %n",      "peek %x %n",
    "write %x %n",     "write %x %n", "write %x %n",     "shut %x r",       "shut %x w",       "shut %x w",
    "shut %x rw",      "close %x",    "connect %x lo 1", "connect %x lo 9", "connect %x lo 2", "set %x linger 0",
    "set %x lowat %n", "listen %x 4", "accept %x h",     "accept a g",      "bind %x lo 3",    "set %x reuse 1",
};

enum { WALK_LENGTH = 24 };

void walk_make(uint64_t seed, char *out, size_t size)
{
    static const char *const begins[] = {
        "new a; bind a lo 1; listen a 4; new b; connect b lo 1; accept a c; new d;",
        "new a; bind a lo 1; listen a 4; new b; connect b lo 1; new c; new d; connect d lo 1;",
        "new a; bind a lo 1; new b; bind b lo 2; new c; connect c lo 9; new d;",
    };
    uint64_t state = seed * 0x2545f4914f6cdd1du + 1;
    size_t at = (size_t)snprintf(out, size, "%s", begins[walk_next(&state) % 3]);
    for (int i = 0; i < WALK_LENGTH && at + 64 < size; i++) {
        const char *step = walk_steps[walk_next(&state) % (sizeof(walk_steps) / sizeof(walk_steps[0]))];
        for (; *step != 0; step++) {
            if (step[0] == '%' && step[1] == 'x')
                at += (size_t)snprintf(out + at, size - at, "%c", "abcdbcbc"[walk_next(&state) % 8]);
            else if (step[0] == '%' && step[1] == 'n')
                at += (size_t)snprintf(out + at, size - at, "%d", (int)(walk_next(&state) % 12));
            else
                out[at++] = *step;
            step += step[0] == '%';
        }
        out[at++] = ';';
    }
    out[at] = 0;
}
