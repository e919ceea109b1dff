// SPDX-License-Identifier: MIT
/* settle.h: waiting until the kernel's loopback interface has delivered what was sent over it. */
#ifndef TCPIP_TESTS_SETTLE_H
#define TCPIP_TESTS_SETTLE_H

/* Returns when all that this process sent over loopback has arrived, and the answers to it, and the answers to those.
 * Keeps the process on one CPU from the first call on. */
void kernel_settle(void);
/* Call after entering another network namespace. */
void kernel_settle_anew(void);

#endif
