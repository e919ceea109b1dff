// SPDX-License-Identifier: MIT
/* cc.h: what lwIP wants to know of the compiler, and the checksum that it gets: as fast as portable C can be. */
#ifndef TCPIP_BENCH_LWIP_CC_H
#define TCPIP_BENCH_LWIP_CC_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LWIP_PLATFORM_DIAG(x) \
    do {                      \
        printf x;             \
    } while (0)
#define LWIP_PLATFORM_ASSERT(x)           \
    do {                                  \
        fprintf(stderr, "lwIP: %s\n", x); \
        abort();                          \
    } while (0)
#define LWIP_RAND() ((uint32_t)random())

uint16_t bench_lwip_sum(const void *data, int bytes);
#define LWIP_CHKSUM bench_lwip_sum

#endif
