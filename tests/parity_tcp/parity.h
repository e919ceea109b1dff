// SPDX-License-Identifier: MIT
/* parity.h: the same steps on the kernel's TCP sockets and on the library's endpoints, results compared as text.
 *
 * A scenario is one line of steps, separated by semicolons; sockets are named a to h:
 *
 *     new a; bind a lo 1; listen a 8; new b; connect b lo 1; accept a c; write b 5; read c 100
 *
 *   new X [6]             a stream socket, IPv4 or IPv6, non-blocking         -> 0 or an errno
 *   bind X ADDRESS PORT   ADDRESS: see the table in step.c; PORT: 0, or 1 to 9, which are the scenario's own
 *   listen X BACKLOG
 *   connect X ADDRESS PORT | connect X @Y     @Y: to where Y is bound
 *   accept X Y            the new socket is Y
 *   write X N | more X N  `more`: MSG_MORE                                     -> bytes or an errno
 *   read X N | peek X N                                                        -> bytes (0: the end) or an errno
 *   shut X r|w|rw
 *   close X
 *   poll X                                                                     -> IN|OUT|ERR|HUP|RDHUP
 *   err X                 SO_ERROR
 *   name X | peer X       addresses; ports as the scenario's numbers, `e` for any other
 *   set X OPTION N | get X OPTION
 *   queue X               unread bytes
 *   state X               TCP's state
 *   wait MS               time passes */
#ifndef TCPIP_TESTS_PARITY_PARITY_H
#define TCPIP_TESTS_PARITY_PARITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARITY_SOCKETS = 8, PARITY_STEPS = 64, PARITY_RESULT = 96, PARITY_WORD = 16, PARITY_WORDS = 5 };

struct step {
    char words[PARITY_WORDS][PARITY_WORD]; /* operation and arguments; empty when not given */
    int who;                               /* socket of the first argument, or -1 */
    long number;                           /* of the last argument */
};

struct scenario {
    const char *name, *steps;
};

/* What a side is asked to do; `out` has PARITY_RESULT bytes. */
struct side {
    void (*begin)(struct side *side, unsigned port_base);
    void (*step)(struct side *side, const struct step *step, char *out);
    void (*end)(struct side *side);
};

/* step.c */
/* Number of steps, or -1 with the offending one in `why`. */
int steps_parse(const char *text, struct step *out, char *why, size_t why_size);
bool step_is(const struct step *step, const char *operation);
/* The address's text form for a name ("lo": "127.0.0.1"); NULL: no such name. */
const char *address_of(const char *name);
/* The name of an errno, or "0". */
const char *result_name(int number);
void result_number(char *out, long number);
void result_error(char *out, int number);
/* poll's bits. */
void result_events(char *out, unsigned events);
/* `text` and the port as the scenario calls it. */
void result_address(char *out, const char *text, unsigned port, unsigned port_base);

/* kernel.c: in a network namespace of this process. */
struct side *kernel_side(void);
/* How long the kernel is given to settle after each step. */
void kernel_set_patience(unsigned microseconds);

/* library.c */
struct side *library_side(void);

/* scenarios.c */
extern const struct scenario parity_scenarios[];
extern const size_t parity_scenario_count;

/* walk.c: a random scenario, the same for the same seed. */
void walk_make(uint64_t seed, char *out, size_t size);

#endif
