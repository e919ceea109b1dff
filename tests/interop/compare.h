// SPDX-License-Identifier: MIT
/* compare.h: what the two parts of the comparison with the kernel's TCP share. */
#ifndef TCPIP_TESTS_INTEROP_COMPARE_H
#define TCPIP_TESTS_INTEROP_COMPARE_H

#include <stdint.h>

enum { COMPARE_PORT = 5001, COMPARE_CHUNK = 65536 };
#define COMPARE_HERE "10.98.0.1"  /* whoever calls: our stack or a kernel */
#define COMPARE_THERE "10.98.0.2" /* whoever is called: always a kernel */

/* The kernel's side of a line, in the namespace it was started in; argv[1] is "peer":
 *
 *     compare peer LABEL call|answer send|receive SECONDS CONGESTION READY
 *
 * LABEL begins the line of JSON that is printed at the end; READY is a descriptor to write a byte to once an answering
 * side can be called, or -1. Returns the status to exit with. */
int compare_peer(int argc, char **argv);

/* Scheduled before what else the machine does, if it may be. */
void compare_urgent(int priority);

#endif
