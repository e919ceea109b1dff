// SPDX-License-Identifier: MIT
/* congestion_westwood.h: the controller of congestion_westwood.c. */
#ifndef TCPIP_EXAMPLES_CONGESTION_WESTWOOD_H
#define TCPIP_EXAMPLES_CONGESTION_WESTWOOD_H

#include <tcpip/congestion.h>

extern const struct tcpip_congestion_ops congestion_westwood;

#endif
